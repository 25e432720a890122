"""Remotion's release numbers: read them and put them in order."""

from __future__ import annotations

import re
from typing import NamedTuple

_RELEASE = re.compile(r"v?(\d{1,5})\.(\d{1,5})\.(\d{1,5})(?:[-+]([0-9A-Za-z.+-]{1,64}))?", re.ASCII)


class Release(NamedTuple):
    """A release of Remotion, such as 4.0.527. A pre-release counts as the release that it leads to."""

    major: int
    minor: int
    patch: int
    label: str = ""

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}{self.label and '-' + self.label}"

    # All four: a tuple has its own, which would compare the labels.
    def __lt__(self, other: object) -> bool:
        return self[:3] < other[:3] if isinstance(other, Release) else NotImplemented

    def __le__(self, other: object) -> bool:
        return self[:3] <= other[:3] if isinstance(other, Release) else NotImplemented

    def __gt__(self, other: object) -> bool:
        return self[:3] > other[:3] if isinstance(other, Release) else NotImplemented

    def __ge__(self, other: object) -> bool:
        return self[:3] >= other[:3] if isinstance(other, Release) else NotImplemented


def parse_release(text: str) -> Release | None:
    """Read 'major.minor.patch' (a leading v and a pre-release label are allowed); None if it is anything else."""
    found = _RELEASE.fullmatch(text.strip())
    return Release(int(found[1]), int(found[2]), int(found[3]), found[4] or "") if found else None
