"""Right after a change a refusal may only mean that IAM is not everywhere yet: then it is no verdict, but waits.

Source: "Troubleshoot IAM" (Changes that I make are not always immediately visible), Remotion's troubleshooting (2-3 minutes).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from wizard.check.findings import Finding, Report, Status

WINDOW: Final = 60.0  # seconds after a change in which a refusal may only mean that IAM is not everywhere yet
_MAY_PASS: Final = frozenset(
    {
        "missing-statement",
        "outdated-policy",
        "swapped-policies",
        "wrong-resource",
        "trust",
        "missing-principal",
        "bad-credentials",
        "too-wide",
    }
)


def may_pass(report: Report) -> bool:
    """Whether something fails that may hold in a moment: what an organisation or a Deny forbids will not."""
    return any(_may_pass(finding) for finding in report.findings)


def not_yet(finding: Finding, seconds_left: float) -> Finding:
    """Return a failing finding as one that waits, where it may hold in a moment; any other as it is."""
    if seconds_left <= 0 or not _may_pass(finding):
        return finding
    return replace(
        finding,
        status=Status.UNKNOWN,
        detail=f"IAM may not be everywhere yet: this counts in {max(seconds_left, 1):.0f} s. {finding.detail}".strip(),
        cause="not-propagated",
        remedy="Check again in a minute: remotion-lambda-wizard check",
    )


def waiting(report: Report, seconds_left: float) -> Report:
    """Return a report in which nothing counts as failed that may hold in a moment."""
    return replace(report, findings=tuple(not_yet(finding, seconds_left) for finding in report.findings))


def _may_pass(finding: Finding) -> bool:
    if finding.cause == "not-propagated":  # the policies say otherwise already
        return True
    return finding.status is Status.FAIL and finding.cause in _MAY_PASS
