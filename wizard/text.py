"""Text for people: plain text out of foreign text, grouped numbers, short lists, durations."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime

from wizard.secret import without_secrets

# Terminal escape sequences (CSI, OSC and two-byte ones), removed whole so that no half of one is left as text.
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
# Characters that reorder or hide what is shown: bidirectional controls and zero-width ones.
_INVISIBLE = dict.fromkeys([*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x206A), 0xFEFF])

_UNUSUAL = re.compile(r"[^\n\x20-\x7e]")


def plain(text: str) -> str:
    """Return `text` without terminal escapes, control, bidirectional or zero-width characters; line breaks stay."""
    without = _ESCAPES.sub("", text).translate(_INVISIBLE).replace("\r\n", "\n").replace("\t", "    ")
    return _UNUSUAL.sub(lambda found: "" if unicodedata.category(found[0]) in {"Cc", "Cs", "Co"} else found[0], without)


def has_control(text: str) -> bool:
    """Whether a text holds what is no text to read: control characters, halves of characters, changes of direction."""
    return any(unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"} or c in _DIRECTIONS for c in text)


_DIRECTIONS = {*map(chr, range(0x202A, 0x202F)), *map(chr, range(0x2066, 0x206A)), "\u200e", "\u200f"}


def quoted(text: str, limit: int = 60) -> str:
    """Return somebody's text for a message: in quotation marks, what can't be seen written out (\\x1b), cut to `limit`."""
    begin = without_secrets(text[: limit + 100])[: limit + 1]  # a secret may have been pasted in the wrong place
    seen = "".join(c if c.isprintable() else repr(c)[1:-1] for c in begin)
    return f"“{seen}”" if len(seen) <= limit and len(text) <= limit else f"“{seen[: limit - 1]}…”"


def one_line(text: str, limit: int = 200) -> str:
    """Return plain text on one line, cut to `limit` characters with an ellipsis."""
    flat = " ".join(plain(text).split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def number(value: float) -> str:
    """Group the digits of a number: 2,048."""
    return f"{value:,.0f}"


def folded(text: str, width: int, indent: int = 0) -> str:
    """Break text into lines of at most `width` columns, the later ones indented; words such as ARNs stay whole. 0: as it is."""
    if not width:
        return text
    import textwrap

    hanging = " " * indent
    return textwrap.fill(text, width, subsequent_indent=hanging, break_long_words=False, break_on_hyphens=False)


def count(n: int, noun: str, plural: str = "") -> str:
    """Say how many: '1 change', '7 changes'."""
    return f"{number(n)} {noun if n == 1 else plural or noun + 's'}"


def listing(items: Sequence[str], conjunction: str = "and") -> str:
    """Join words for a sentence: 'a', 'a and b', 'a, b and c'."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {conjunction} {items[-1]}"


def some(items: Sequence[str], most: int = 5) -> str:
    """Join the first `most` words for a sentence, and say how many more there are: 'a, b and 3 more'."""
    more = len(items) - most
    return listing([*items[:most], f"{more} more"] if more > 0 else items)


def account_number(account: str) -> str:
    """Group a 12-digit account id as AWS's console does: 1234-5678-9012."""
    return "-".join((account[:4], account[4:8], account[8:])) if re.fullmatch(r"\d{12}", account) else account


def shortened_key(access_key_id: str) -> str:
    """Shorten an access key id for display: 'AKIA…FZ3Q'."""
    return f"{access_key_id[:4]}…{access_key_id[-4:]}" if len(access_key_id) > 8 else access_key_id


def seconds(value: float) -> str:
    """Say a duration: '0.4 s', '12 s', '2 min 5 s'."""
    if value < 10:
        return f"{value:.1f} s"
    if value < 60:
        return f"{value:.0f} s"
    return f"{int(value // 60)} min {int(value % 60)} s"


def day(moment: str) -> str:
    """Return a date for people: 18 Nov 2026. "an unknown day" if there is none."""
    try:
        found = datetime.fromisoformat(moment)
    except ValueError:
        return "an unknown day"
    return f"{found.day} {found:%b %Y}"


def ago(moment: datetime, now: datetime) -> str:
    """Say how long ago something was: 'a moment ago', '12 minutes ago', '3 hours ago', '40 days ago'."""
    minutes = int((now - moment).total_seconds()) // 60
    if minutes < 1:
        return "a moment ago"
    if minutes < 120:
        return f"{count(minutes, 'minute')} ago"
    if minutes < 2 * 24 * 60:
        return f"{minutes // 60} hours ago"
    return f"{count(minutes // (24 * 60), 'day')} ago"
