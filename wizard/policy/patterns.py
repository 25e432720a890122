"""Patterns of actions and ARNs held against other patterns: does one cover all that the other stands for, do the two meet?

Pure. Source: "IAM JSON policy elements: Resource" (AWS IAM User Guide).
"""

from __future__ import annotations

import re
from functools import lru_cache

_ARN_FIELDS = 6
_VARIABLE = re.compile(r"\$\{[^}]*\}")


def action_covers(pattern: str, other: str) -> bool:
    """Whether an Action pattern covers every action that `other` covers."""
    return pattern == "*" or (":" in pattern and text_covers(pattern.lower(), other.lower()))


def actions_meet(one: str, other: str) -> bool:
    """Whether some action is covered by both patterns."""
    return texts_meet(one.lower(), other.lower())


def arn_covers(pattern: str, other: str) -> bool:
    """Whether a Resource pattern covers every ARN that `other` covers. Wildcards don't reach over the first five colons.

    A policy variable covers only itself: nobody knows its value here.
    """
    if pattern == "*" or pattern == other:
        return True
    arns = pattern.startswith("arn:") and other.startswith("arn:")
    return arns and "${" not in pattern and all(map(text_covers, _fields(pattern), _fields(other)))


def arns_meet(one: str, other: str) -> bool:
    """Whether some ARN is covered by both patterns. A policy variable may have any value."""
    one, other = (_VARIABLE.sub("*", text) for text in (one, other))
    return "*" in (one, other) or all(map(texts_meet, _fields(one), _fields(other)))


def _fields(pattern: str) -> list[str]:
    """The six fields of an ARN's pattern; those that a shorter one lacks are `*`."""
    fields = pattern.split(":", _ARN_FIELDS - 1)
    return fields + ["*"] * (_ARN_FIELDS - len(fields))


@lru_cache(maxsize=1 << 12)
def _glob(pattern: str) -> re.Pattern[str]:
    """A pattern of `*` and `?` that reads other patterns: `?` is any one character, so it does not cover a `*`.

    Atomic groups keep a pattern of many stars linear.
    """
    first, *rest = ("".join("[^*]" if c == "?" else re.escape(c) for c in piece) for piece in pattern.split("*"))
    if rest:
        first += "".join(f"(?>.*?{piece})" for piece in rest[:-1]) + f".*{rest[-1]}"
    return re.compile(first, re.DOTALL)


def text_covers(pattern: str, other: str) -> bool:
    """Whether a pattern of plain text covers every text that `other` covers."""
    return _glob(pattern).fullmatch(other) is not None


@lru_cache(maxsize=1 << 14)
def texts_meet(one: str, other: str) -> bool:
    """Whether some plain text matches both patterns: walks through both at once, keeping the places reached in `other`."""
    if not set("*?") & {*one, *other}:
        return one == other
    reached = _over_stars({0}, other)
    for char in one:
        step: set[int] = set()
        for at in reached:
            if char == "*":  # stands for nothing, or for whatever is left of `other`
                step.update(range(at, len(other) + 1))
            elif at < len(other):
                if other[at] == "*":
                    step.add(at)
                elif "?" in (char, other[at]) or char == other[at]:
                    step.add(at + 1)
        reached = _over_stars(step, other)
    return len(other) in reached


def _over_stars(places: set[int], pattern: str) -> set[int]:
    """The places, and those that a star which stands for nothing leads to."""
    found = set(places)
    for at in sorted(places):
        end = at
        while end < len(pattern) and pattern[end] == "*":
            end += 1
            found.add(end)
    return found
