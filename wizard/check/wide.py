"""Which statement opens what Remotion does not need: the policy, the statement's Sid or number, and what it allows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from wizard.account.snapshot import Principal
from wizard.check.simulate import Verdict
from wizard.check.standing import in_few_words
from wizard.policy import documents
from wizard.policy.documents import Document
from wizard.policy.evaluate import Policy, PolicySet, Request, evaluate
from wizard.policy.fingerprint import fingerprint
from wizard.remotion.catalogue import PolicyKind
from wizard.text import listing


@dataclass(frozen=True)
class Opening:
    """A statement that is wider than Remotion needs, and the actions of a probe that it opens."""

    policy: str
    index: int
    sid: str
    allows: str
    actions: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.policy}, statement {documents.statement_name(self.sid, self.index)} ({self.allows})"


def openings(principal: Principal | None, verdicts: Iterable[Verdict]) -> tuple[Opening, ...]:
    """Return the statements of a principal's policies, its groups' too, that allow what the verdicts say is allowed.

    Nothing for what comes through a policy that could not be read: IAM names that policy itself.
    """
    if principal is None:
        return ()
    held = dict(principal.documents())
    policies = PolicySet(identity=tuple(Policy(name, document) for name, document in held.items()))
    opened: dict[tuple[str, int, str], list[str]] = {}
    for verdict in verdicts:
        for match in evaluate(Request(verdict.action, verdict.resource, principal.arn), policies).matched:
            if match.effect == "Allow" and verdict.allowed:
                actions = opened.setdefault((match.policy, match.index, match.sid), [])
                actions += [verdict.action] if verdict.action not in actions else []
    return tuple(
        Opening(policy, index, sid, _allows(documents.statements(held[policy]), index), tuple(actions))
        for (policy, index, sid), actions in opened.items()
    )


def beyond(
    principal: Principal | None, kind: PolicyKind, wanted: Document, told: Iterable[str]
) -> tuple[tuple[str, str], ...]:
    """Return what a principal's policies, its groups' too, allow beyond Remotion's of any release: policy and statement.

    The policies in `told` are left out.
    """
    if principal is None:
        return ()
    partition, left_out = principal.arn.split(":")[1], set(told)
    return tuple(
        (name, f"{f'statement {sid}: ' if (sid := statement.get('Sid')) else ''}{in_few_words(statement)}")
        for name, document in principal.documents()
        if name not in left_out
        for statement in fingerprint([document], wanted, kind, partition).wider
    )


def through(opened: Iterable[Opening], matched: Iterable[str]) -> str:
    """Say through what it is allowed: the statements, where they can be told, else the policies that IAM names."""
    found = [str(opening) for opening in opened]
    if found:
        return listing(found)
    return listing(sorted(matched)) or "one of its policies"


def _allows(statements: list[documents.Statement], index: int) -> str:
    """What a statement allows in few words: "s3:* on *"."""
    if index >= len(statements):
        return "can't be shown"
    return in_few_words(statements[index])
