"""What the terminal is: whether there is one, and whether it or the person wants words in place of pictures."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final

# Set by people who use a screen reader: the first two by convention (charm's huh, many scripts), the last for GitHub's CLI.
ACCESSIBILITY: Final = ("ACCESSIBLE", "SCREEN_READER", "GH_ACCESSIBLE_PROMPTER")
_OFF: Final = {"", "0", "false", "no", "off"}


def is_terminal(stream: Any) -> bool:
    """Whether a stream is a terminal. A stream that is closed, or that there is not, is none."""
    try:
        return bool(stream.isatty())
    except (AttributeError, ValueError):
        return False


def columns(stream: Any) -> int:
    """How wide text for a stream may be: the terminal's width, at most 100; 0 where it goes elsewhere and no line is broken."""
    return max(40, min(shutil.get_terminal_size().columns, 100)) if is_terminal(stream) else 0


def wants_words(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether the terminal can do nothing but lines (TERM=dumb), or an accessibility setting asks for them."""
    return environment.get("TERM") == "dumb" or is_read_aloud(environment)


def is_read_aloud(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether an accessibility setting says that what is printed is read aloud."""
    return any(environment.get(name, "").strip().lower() not in _OFF for name in ACCESSIBILITY)


def said_aloud() -> AbstractContextManager[None]:
    """Let what is printed for people be in words, where it is read aloud; else leave it as it is."""
    if not is_read_aloud():
        return nullcontext()
    from wizard.prompts.spoken import all_spoken

    return all_spoken()
