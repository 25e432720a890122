"""Findings: what was checked, whether it holds, why not, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from wizard.account.snapshot import Identity


class Status(StrEnum):
    """Whether a finding holds. UNKNOWN means "can't tell", never "missing"."""

    PASS = "pass"  # noqa: S105 - a word of the JSON shape
    FAIL = "fail"
    WARN = "warn"
    UNKNOWN = "unknown"


WORDS = {Status.PASS: "holds", Status.FAIL: "does not hold", Status.WARN: "to know", Status.UNKNOWN: "can't tell"}
SYMBOLS = {Status.PASS: "✓", Status.FAIL: "✗", Status.WARN: "!", Status.UNKNOWN: "?"}
_PLURAL = {Status.PASS: "hold", Status.FAIL: "do not hold"}
_WORST_FIRST = (Status.FAIL, Status.WARN, Status.UNKNOWN, Status.PASS)


def words(status: Status, n: int) -> str:
    """Say a status for so many findings: '1 holds', '61 hold'."""
    return WORDS[status] if n == 1 else _PLURAL.get(status, WORDS[status])


@dataclass(frozen=True)
class Finding:
    """One thing that was checked. `cause` is a word of the contract such as missing-statement, scp, not-propagated.

    `mend` holds the answers, by key, that the wizard needs to mend it, where the usual ones don't do it. Findings that say the
    same of several things have `about`, the end of the title, and `reason`, the detail without what is special to one.
    """

    id: str
    subject: str
    status: Status
    title: str
    detail: str = ""
    cause: str = ""
    remedy: str = ""
    mend: Mapping[str, Any] = field(default_factory=dict, compare=False)
    about: str = field(default="", compare=False)
    reason: str = field(default="", compare=False)
    effect: str = field(default="", compare=False)  # what does not work then

    def to_json(self) -> dict[str, str]:
        return {
            "id": self.id,
            "subject": self.subject,
            "status": self.status.value,
            "title": self.title,
            "detail": self.detail,
            "cause": self.cause,
            "remedy": self.remedy,
        }


@dataclass(frozen=True)
class Report:
    """All findings of one check. `ok` means that nothing fails; a warning or "can't tell" does not fail it."""

    identity: Identity
    findings: tuple[Finding, ...] = field(default=())

    @property
    def ok(self) -> bool:
        return not self.of(Status.FAIL)

    def of(self, status: Status) -> tuple[Finding, ...]:
        return tuple(f for f in self.findings if f.status is status)

    def worst_first(self) -> list[Finding]:
        return sorted(self.findings, key=lambda f: _WORST_FIRST.index(f.status))

    def subjects(self) -> dict[str, list[Finding]]:
        """Return the findings by subject, each group worst first."""
        groups: dict[str, list[Finding]] = {}
        for finding in self.worst_first():
            groups.setdefault(finding.subject, []).append(finding)
        return groups

    def summary(self) -> dict[str, int]:
        return {s.value: len(self.of(s)) for s in Status}

    def sentence(self) -> str:
        """Return a summary that can be read aloud."""
        order = (Status.FAIL, Status.WARN, Status.PASS, Status.UNKNOWN)
        counts = ", ".join(f"{len(self.of(s))} {words(s, len(self.of(s)))}" for s in order)
        return f"not everything could be checked: {counts}" if self.ok and self.of(Status.UNKNOWN) else counts

    def to_json(self) -> dict[str, Any]:
        return {
            "ok": self.ok,
            "identity": self.identity.to_json(),
            "findings": [f.to_json() for f in self.findings],
            "summary": self.summary(),
        }
