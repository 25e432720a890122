"""Findings of one subject that say the same, told together: many actions that one policy lacks are one thing to read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from wizard.check.findings import Finding, Status


@dataclass(frozen=True)
class Group:
    """One finding, or several with the same status, cause, reason and remedy. `items` are what they are about."""

    findings: tuple[Finding, ...]

    @property
    def first(self) -> Finding:
        return self.findings[0]

    @property
    def status(self) -> Status:
        return self.first.status

    @property
    def title(self) -> str:
        """The finding's title; of several what they begin with: "remotion-user may not call 23 actions"."""
        several = len(self.findings)
        if several == 1:
            return self.first.title
        return (
            f"{_head(self.first)}{several} actions"
            if ".permission." in self.first.id
            else f"{_head(self.first)}… ({several})"
        )

    @property
    def items(self) -> tuple[str, ...]:
        """A line for each of several findings: what it is about, and what follows from it."""
        if len(self.findings) == 1:
            return ()
        return tuple(f"{f.about}: {f.effect}" if f.effect else f.about for f in self.findings)

    @property
    def detail(self) -> str:
        return self.first.detail if len(self.findings) == 1 else self.first.reason


def grouped(findings: Iterable[Finding]) -> list[Group]:
    """Put findings of one subject together, in the order of the first of each group."""
    found: dict[object, list[Finding]] = {}
    for finding in findings:
        alike = (finding.status, finding.cause, finding.reason, finding.remedy, _head(finding))
        found.setdefault(alike if finding.about else finding.id, []).append(finding)
    return [Group(tuple(several)) for several in found.values()]


def _head(finding: Finding) -> str:
    return finding.title.removesuffix(finding.about)
