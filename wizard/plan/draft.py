"""What the parts of the planner share: the draft they write into, and small helpers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from wizard.account.snapshot import AccountSnapshot, Fact
from wizard.collect.answers import Answers
from wizard.plan.changes import Action, Change
from wizard.problem import Problem
from wizard.remotion import names
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

    @property
    def partition(self) -> str:
        return self.snapshot.identity.partition

    def arn(self, resource: str) -> str:
        """Return the ARN of an IAM resource of this account, such as role/remotion-lambda-role."""
        return f"arn:{self.partition}:iam::{self.snapshot.identity.account}:{resource}"


def kept(identifier: str, kind: str, name: str, resource: str, summary: str) -> Change:
    """Return the entry of a thing that is right already."""
    return Change(identifier, Action.KEEP, kind, name, resource, summary, "It is already as it should be.")


def cannot_see(what: str, fact: Fact[Any]) -> Problem:
    """Return the problem of a thing that had to be read and could not: unknown is not missing."""
    detail = str(fact.problem) if fact.problem else "It was not read."
    return Problem(f"The wizard may not read {what}, so it can't plan.", detail, "Use an identity that may read IAM.")


def items(value: Any) -> list[Any]:
    """Return a policy element as a list: IAM takes one value or several."""
    return [] if value is None else value if isinstance(value, list) else [value]
