"""What the app has learnt in this run, beside the answers: identity, project, plan, report."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from screens.apply_log import ApplyLog
    from wizard.account.profiles import CredentialChoice
    from wizard.account.roles import Listing
    from wizard.account.snapshot import AccountSnapshot, Identity
    from wizard.check.findings import Report
    from wizard.collect.answers import Answers
    from wizard.handover.references import Reference
    from wizard.output.facts import BucketFacts
    from wizard.plan.changes import Plan
    from wizard.plan.deeds import RunToUndo
    from wizard.plan.found import Found
    from wizard.quotas.limits import RegionQuota
    from wizard.remotion.project import Project

# The answers that decide what is read of an account: when one of them changes, what was read is out of date.
_READ_BY = (
    "start.goal",
    "identity.profile",
    "remotion.project",
    "remotion.version",
    "remotion.policies",
    "remotion.regions",
    "principal.kind",
    "principal.name",
    "principal.service",
    "principal.function",
    "principal.assumed_by",
    "principal.path",
    "render_role.name",
    "undo.run",
)


@dataclass
class Known:
    """Facts of this run. Written on the UI thread only."""

    choices: tuple[CredentialChoice, ...] | None = None
    references: tuple[Reference, ...] | None = None  # what earlier runs worked with
    going_on: Reference | None = None  # the one of them that was chosen to go on with
    identity: Identity | None = None
    profile: str = ""  # the profile that `identity` was signed in with
    project: Project | None = None
    project_folder: str | None = None  # the answer that `project` belongs to
    snapshot: AccountSnapshot | None = None
    found: Found | None = None  # what `snapshot` holds of Remotion, where that was asked for
    read_for: tuple[Any, ...] = ()  # the answers that `snapshot` was read for
    runs: tuple[RunToUndo, ...] | None = None  # that can be taken back
    plan: Plan | None = None
    applied: ApplyLog | None = None
    report: Report | None = None
    listings: dict[tuple[str, ...], Listing[Any]] = field(default_factory=dict)  # what was listed to pick from
    buckets: dict[tuple[str, ...], BucketFacts] = field(default_factory=dict)  # what was read of output buckets
    quotas: dict[tuple[str, str], RegionQuota] = field(default_factory=dict)  # by profile and region
    saved: Answers | None = field(default=None)  # the answers as they were last saved to a file

    def keep(self, snapshot: AccountSnapshot, answers: Answers, found: Found | None = None) -> None:
        """Keep what was read of the account, and for which answers."""
        self.snapshot, self.found, self.read_for = snapshot, found, _read_by(answers)

    def forget(self) -> None:
        """Forget what was read of the account."""
        self.snapshot, self.found, self.read_for = None, None, ()

    def snapshot_for(self, answers: Answers) -> AccountSnapshot | None:
        """Return what was read of the account, unless these answers are about something else."""
        return self.snapshot if self.read_for == _read_by(answers) else None

    def found_for(self, answers: Answers) -> tuple[AccountSnapshot, Found] | None:
        """Return what was found for these answers, if that was read already."""
        snapshot = self.snapshot_for(answers)
        return (snapshot, self.found) if snapshot is not None and self.found is not None else None

    @property
    def release(self) -> str:
        """The Remotion release that was found in the project, or ""."""
        return self.project.release if self.project else ""

    @property
    def changed_account(self) -> bool:
        """Whether this run has changed anything yet."""
        return self.applied is not None and self.applied.made > 0


def _read_by(answers: Answers) -> tuple[Any, ...]:
    return tuple(answers[key] for key in _READ_BY)
