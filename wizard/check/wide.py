"""Which statement opens what Remotion does not need: the policy, the statement's Sid or number, and what it allows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from wizard.account.snapshot import Principal
from wizard.check.simulate import Verdict
from wizard.policy import documents
from wizard.policy.evaluate import Policy, PolicySet, Request, evaluate
from wizard.text import listing, one_line

_LONGEST = 60


@dataclass(frozen=True)
class Opening:
    """A statement that is wider than Remotion needs, and the actions of a probe that it opens."""

    policy: str
    index: int
    sid: str
    allows: str
    actions: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.policy}, statement {self.sid or f'no. {self.index + 1}'} ({self.allows})"


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
    statement = statements[index]
    what = _few(statement, "Action")
    return one_line(f"{what} on {_few(statement, 'Resource')}", _LONGEST * 2)


def _few(statement: documents.Statement, element: str) -> str:
    if element not in statement:
        return f"all but {_few(statement, f'Not{element}')}" if f"Not{element}" in statement else "nothing"
    values = [str(value) for value in documents.listed(statement[element])]
    shown = values[0] if values else "nothing"
    return one_line(shown, _LONGEST) + (f" and {len(values) - 1} more" if len(values) > 1 else "")
