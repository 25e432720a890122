"""What the app has learnt in this run, beside the answers: identity, project, plan, report."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from screens.apply_log import ApplyLog
    from wizard.account.profiles import CredentialChoice
    from wizard.account.snapshot import AccountSnapshot, Identity
    from wizard.check.findings import Report
    from wizard.collect.answers import Answers
    from wizard.plan.changes import Plan
    from wizard.remotion.project import Project


@dataclass
class Known:
    """Facts of this run. Written on the UI thread only."""

    choices: tuple[CredentialChoice, ...] | None = None
    identity: Identity | None = None
    profile: str = ""  # the profile that `identity` was signed in with
    project: Project | None = None
    project_folder: str | None = None  # the answer that `project` belongs to
    snapshot: AccountSnapshot | None = None
    plan: Plan | None = None
    applied: ApplyLog | None = None
    report: Report | None = None
    saved: Answers | None = field(default=None)  # the answers as they were last saved to a file

    @property
    def release(self) -> str:
        """The Remotion release that was found in the project, or ""."""
        return self.project.release if self.project else ""

    @property
    def changed_account(self) -> bool:
        """Whether this run has changed anything yet."""
        return self.applied is not None and self.applied.made > 0
