"""Text for people: plain text out of foreign text, grouped numbers, short lists, durations."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

# Terminal escape sequences (CSI, OSC and two-byte ones), removed whole so that no half of one is left as text.
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
# Characters that reorder or hide what is shown: bidirectional controls and zero-width ones.
_INVISIBLE = dict.fromkeys([*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x206A), 0xFEFF])


def plain(text: str) -> str:
    """Return `text` without terminal escapes, control, bidirectional or zero-width characters; line breaks stay."""
    without = _ESCAPES.sub("", text).translate(_INVISIBLE).replace("\r\n", "\n").replace("\t", "    ")
    return "".join(c for c in without if c == "\n" or unicodedata.category(c) not in {"Cc", "Cs", "Co"})


def one_line(text: str, limit: int = 200) -> str:
    """Return plain text on one line, cut to `limit` characters with an ellipsis."""
    flat = " ".join(plain(text).split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def number(value: float) -> str:
    """Group the digits of a number: 2,048."""
    return f"{value:,.0f}"


def count(n: int, noun: str, plural: str = "") -> str:
    """Say how many: '1 change', '7 changes'."""
    return f"{number(n)} {noun if n == 1 else plural or noun + 's'}"


def listing(items: Sequence[str], conjunction: str = "and") -> str:
    """Join words for a sentence: 'a', 'a and b', 'a, b and c'."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {conjunction} {items[-1]}"


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
