"""What the parts of the planner share: the draft they write into, and small helpers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any, Final

from wizard.account.snapshot import AccountSnapshot, Fact, Identity
from wizard.collect.answers import Answers
from wizard.plan.changes import Action, Change, Verification
from wizard.plan.wanted import Wanted, wanted_policy
from wizard.problem import Problem
from wizard.remotion import names
from wizard.remotion.catalogue import PolicyKind
from wizard.remotion.releases import Release

OUR_TAGS: Final = [dict(names.CREATED_BY_TAG)]


@dataclass
class Draft:
    """A plan in the making. Each part of the planner adds its changes, warnings and problems."""

    answers: Answers
    snapshot: AccountSnapshot
    release: Release
    changes: list[Change] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    attachments: Counter[str] = field(default_factory=Counter)  # that the plan adds to a principal, by its ARN

    @property
    def partition(self) -> str:
        return self.snapshot.identity.partition

    @property
    def account(self) -> str:
        return self.snapshot.identity.account

    @property
    def caller(self) -> str:
        """The name of the user or role that calls Remotion."""
        return self.snapshot.principal_name

    @property
    def replaces(self) -> bool:
        """Whether what is not Remotion's is to be taken out of Remotion's policies."""
        return self.answers.text("principal.existing") == "replace"

    def wanted(self, kind: PolicyKind) -> Wanted:
        """Return one of Remotion's policies, with the extras that were asked for."""
        project = self.snapshot.project_policies
        return wanted_policy(kind, self.answers, self.release, self.partition, self.account, project)

    def verify_last(self, verification: Verification) -> None:
        """Have the change that was added last proven right after it is made."""
        last = self.changes[-1]
        if last.writes:
            self.changes[-1] = replace(last, verify=verification)

    def takes_away(self, name: str, arn: str = "") -> bool:
        """Whether a policy is one that the person asked to take away."""
        return bool({name, arn} & set(self.answers.texts("principal.take_away")))

    def arn(self, resource: str) -> str:
        """Return the ARN of an IAM resource of this account, such as role/remotion-lambda-role."""
        return f"arn:{self.partition}:iam::{self.snapshot.identity.account}:{resource}"


def kept(identifier: str, kind: str, name: str, resource: str, summary: str) -> Change:
    """Return the entry of a thing that is right already."""
    return Change(identifier, Action.KEEP, kind, name, resource, summary, "It is already as it should be.")


def about_identity(identity: Identity) -> list[str]:
    """Return what is worth knowing about whoever makes the changes."""
    found = []
    if identity.is_root:
        found.append("You are signed in as the root user of the account. An administrator identity is safer.")
    if identity.sandbox:
        found.append("This is the sandbox: nothing reaches AWS, and the access key works only here.")
    return found


def cannot_see(what: str, fact: Fact[Any]) -> Problem:
    """Return the problem of a thing that had to be read and could not: unknown is not missing."""
    detail = str(fact.problem) if fact.problem else "It was not read."
    return Problem(f"The wizard may not read {what}, so it can't plan.", detail, "Use an identity that may read IAM.")
