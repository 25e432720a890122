"""Text as a screen reader is to read it: words and ordinary punctuation, where other front ends draw."""

from __future__ import annotations

import io
import os
import re
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from typing import Final, TextIO

from wizard.terminal import is_terminal
from wizard.text import folded

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

_NARROWEST: Final = 20  # columns; in fewer nothing is gained by folding
_COMMAND: Final = re.compile(r"(?:^\s*|: )(?:npx|aws|remotion-lambda-wizard) |^\s*[A-Z_]{3,}=")


def spoken(text: str) -> str:
    """Return `text` with words for its signs, and without the pictures among them. Letters of any language stay."""
    return _PICTURES.sub("", _DOTS.sub(r"\1", text).translate(_WORDS))


def fitted(line: str, width: int) -> list[str]:
    """Fold a line between words, so that none is cut in two at a terminal's edge. A width below 20 folds nothing.

    A line with a command stays whole: it is there to be copied.
    """
    if len(line) <= width or width < _NARROWEST or _COMMAND.search(line):
        return [line]
    margin = len(line) - len(line.lstrip())
    return folded(line, width, margin + 2 if margin else 0).split("\n")


def width_of(stream: TextIO | None) -> int:
    """How many columns a terminal has; 0 where that is not known, or there is no terminal."""
    try:
        return os.get_terminal_size(stream.fileno()).columns if stream is not None else 0
    except (OSError, ValueError):
        return 0


class Spoken(io.TextIOBase):
    """A stream that speaks. It calls itself no terminal, so that nothing is drawn over what was said."""

    def __init__(self, *streams: TextIO) -> None:
        self._streams = streams
        self._at_start = True  # of a line

    def write(self, text: str) -> int:
        said = spoken(text)
        for stream in self._streams:
            stream.write(self._folded(said, width_of(stream) - 1))
        self._at_start = text.endswith("\n") if text else self._at_start
        return len(text)

    def _folded(self, said: str, width: int) -> str:
        begun, *lines = said.split("\n")
        first = fitted(begun, width) if self._at_start else [begun]
        return "\n".join([*first, *(part for line in lines for part in fitted(line, width))])

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


@contextmanager
def all_spoken() -> Iterator[None]:
    """Let everything be spoken that a command without questions prints, problems and progress too."""
    with redirect_stdout(Spoken(sys.stdout)), redirect_stderr(Spoken(sys.stderr)):
        yield


def _is_file(stream: TextIO) -> bool:
    try:
        return stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
    except (OSError, ValueError):
        return False
