"""What the account holds of Remotion already, in lines: a word for how each thing stands, what it is, what it lacks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from wizard.plan.found import Found, Standing
from wizard.text import one_line

_WORDS: Final = {
    Standing.GOOD: "good",
    Standing.LACKS: "to mend",
    Standing.MISSING: "missing",
    Standing.WIDE: "too wide",
    Standing.NOTE: "to know",
    Standing.UNKNOWN: "can't tell",
}
# How a detail lists what is missing: one action below the other is easier to read.
_NEEDS: Final = " needs beyond it: "
_NEXT_ACTION: Final = re.compile(r"(?:, | and )(?=[a-z0-9-]+:[A-Z]\w+(?: \(| on |, | and |$)|[\d,]+ more$)")
_COST: Final = re.compile(r"(\S+) \((without it: .*)\)")


def found_lines(found: Found) -> Iterator[str]:
    """Yield a line for each thing that was looked for, and below it what is to be known about it."""
    for item in found.items:
        yield f"  {_WORDS[item.standing]}: {one_line(item.title, 400)}"
        said, needs, needed = one_line(item.detail, 2000).partition(_NEEDS)
        for sentence in filter(None, re.split(r"(?<=\.) (?=[A-Z])", said + needs.rstrip())):
            yield f"    {sentence}"
        for action in filter(None, _NEXT_ACTION.split(needed.removesuffix("."))):
            yield f"      {_readable(action)}"


def _readable(action: str) -> str:
    """An action with its cost, without the brackets."""
    return _COST.sub(r"\1, \2", action)
