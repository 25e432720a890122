"""Text as a screen reader is to read it: words and ordinary punctuation, where other front ends draw."""

from __future__ import annotations

import io
import os
import re
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from typing import Final, TextIO

from wizard.terminal import is_terminal

_WORDS: Final = str.maketrans(
    {
        **dict.fromkeys("“”„«»", '"'),
        **dict.fromkeys("‘’‚", "'"),
        **dict.fromkeys("–—‑−", "-"),
        **dict.fromkeys("→➜⇒", "to"),
        **dict.fromkeys("·•", ","),
        **dict.fromkeys("✓✔", "done:"),
        **dict.fromkeys("✗✘", "failed:"),
        "…": "...",
        "×": "x",
        "≥": "at least",
        "≤": "at most",
        "≈": "about",
        "\xa0": " ",
    }
)
_DOTS: Final = re.compile(r"\s+([·•])")
# Arrows, boxes, blocks, shapes, dingbats, braille and single angle marks: nobody wants to hear them.
_PICTURES: Final = re.compile("[‹›←-⇿─-◿☀-➿⠀-⣿⬀-⯿]")


def spoken(text: str) -> str:
    """Return `text` with words for its signs, and without the pictures among them. Letters of any language stay."""
    return _PICTURES.sub("", _DOTS.sub(r"\1", text).translate(_WORDS))


class Spoken(io.TextIOBase):
    """A stream that speaks. It calls itself no terminal, so that nothing is drawn over what was said."""

    def __init__(self, *streams: TextIO) -> None:
        self._streams = streams

    def write(self, text: str) -> int:
        for stream in self._streams:
            stream.write(spoken(text))
        return len(text)

    def flush(self) -> None:
        for stream in self._streams:
            stream.flush()

    def isatty(self) -> bool:
        return False

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._streams[0].encoding


@contextmanager
def speaking() -> Iterator[None]:
    """Let everything that is printed be spoken, line by line. What goes into a file is shown in the terminal as well."""
    out = sys.stdout
    with suppress(AttributeError, ValueError):
        out.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    seen = [sys.stderr] if _is_file(out) and is_terminal(sys.stderr) else []
    with redirect_stdout(Spoken(out, *seen)):
        yield


def _is_file(stream: TextIO) -> bool:
    try:
        return stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
    except (OSError, ValueError):
        return False
