"""What the terminal is: whether there is one, and whether it or the person wants words in place of pictures."""

from __future__ import annotations

import os
from collections.abc import Mapping
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


def wants_words(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether the terminal can do nothing but lines (TERM=dumb), or an accessibility setting asks for them."""
    settings = (environment.get(name, "") for name in ACCESSIBILITY)
    return environment.get("TERM") == "dumb" or any(setting.strip().lower() not in _OFF for setting in settings)
