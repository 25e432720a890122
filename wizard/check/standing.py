"""Which statements of a principal's own policies bear on a question, and which of them wait for what only a real call has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from wizard.check.simulate import ALWAYS
from wizard.policy import documents
from wizard.policy.documents import Document, Statement
from wizard.policy.evaluate import Policy, PolicySet, Request, evaluate
from wizard.text import listing, one_line

# Nobody types a code for an access key or a role of a service: these keys are never there, or say no.
_NO_MFA: Final = frozenset({"aws:multifactorauthpresent", "aws:multifactorauthage"})
_LONGEST: Final = 60


@dataclass(frozen=True)
class Bearing:
    """A statement whose actions and resources take in what was asked. `open_keys` are those that only a real call has.

    `holds` says whether it applies as far as that is known. `text` is what it says in few words: "s3:* on *".
    """

    policy: str
    index: int
    sid: str
    effect: str
    text: str
    holds: bool
    open_keys: tuple[str, ...] = ()
    without_mfa: bool = False  # it asks for MFA, which a key or a service's role never has

    def __str__(self) -> str:
        return f"{self.policy} (statement {documents.statement_name(self.sid, self.index)}: {self.text})"


def bearings(held: Iterable[tuple[str, Document]], request: Request) -> Iterator[Bearing]:
    """Yield the statements of policies, by name, that bear on a request."""
    request = replace(request, context={**ALWAYS, **request.context})
    for policy, document in held:
        for index, statement in enumerate(documents.statements(document)):
            bare = {name: value for name, value in statement.items() if name != "Condition"}
            if not _applies(document, bare, request)[0]:
                continue
            holds, missing = _applies(document, statement, request)
            yield Bearing(
                policy,
                index,
                str(statement.get("Sid", "")),
                str(statement["Effect"]),
                in_few_words(statement),
                holds,
                tuple(key for key in missing if key.lower() not in _NO_MFA),
                any(key.lower() in _NO_MFA for key in missing),
            )


def _applies(document: Document, statement: Statement, request: Request) -> tuple[bool, tuple[str, ...]]:
    """Whether one statement applies to a request, and the condition keys that it missed."""
    alone = {"Version": document.get("Version", "2008-10-17"), "Statement": [statement]}
    decision = evaluate(request, PolicySet(identity=(Policy("", alone),)))
    return bool(decision.matched), decision.missing_context


def waits_for(found: Iterable[Bearing]) -> Bearing | None:
    """Return the statement on whose condition the answer depends; None where it is the same for every call."""
    known = list(found)
    denies = [bearing for bearing in known if bearing.effect == "Deny"]
    allows = [bearing for bearing in known if bearing.effect == "Allow"]
    if any(deny.holds and not deny.open_keys for deny in denies) or not any(a.holds or a.open_keys for a in allows):
        return None
    waiting = next((deny for deny in denies if deny.open_keys), None)
    if waiting is None and not any(allow.holds and not allow.open_keys for allow in allows):
        waiting = next(allow for allow in allows if allow.open_keys)
    return waiting


def in_few_words(statement: Statement) -> str:
    """Say what a statement is about in few words: "s3:* on *"."""
    text = one_line(f"{_few(statement, 'Action')} on {_few(statement, 'Resource')}", _LONGEST * 2)
    condition = statement.get("Condition")
    keys = [str(key) for block in condition.values() for key in block] if isinstance(condition, dict) else []
    return f"{text}, depending on {one_line(listing(list(dict.fromkeys(keys))), _LONGEST)}" if keys else text


def _few(statement: Statement, element: str) -> str:
    if element not in statement:
        return f"all but {_few(statement, f'Not{element}')}" if f"Not{element}" in statement else "nothing"
    values = [str(value) for value in documents.listed(statement[element])]
    shown = values[0] if values else "nothing"
    return one_line(shown, _LONGEST) + (f" and {len(values) - 1} more" if len(values) > 1 else "")
