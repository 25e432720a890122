"""Says what an installed set of policy documents is: the policy of which releases of Remotion, what it lacks, what is more.

Pure. Permissions are compared pair by pair, an action on a resource, over the union of all documents. Both are patterns,
and an Allow gives a pair only if it covers whatever the pair may stand for. A Deny that could hit any of it, whatever its
condition, takes the whole pair away. So a pair that counts as granted is granted by these documents.
Source: "IAM JSON policy elements reference" and "Policy evaluation logic" (AWS IAM User Guide).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache

from wizard.policy import documents
from wizard.policy.documents import Canonical, Document, Statement, condition_of, statements, texts
from wizard.policy.patterns import action_covers, actions_meet, arn_covers, arns_meet
from wizard.remotion.catalogue import PolicyKind, cost_of_missing, epochs, policy
from wizard.remotion.releases import Release


@dataclass(frozen=True)
class Missing:
    """An action that is wanted and not granted, on these of its resources; `cost` says what fails, "" if that is unknown."""

    action: str
    resources: tuple[str, ...]
    cost: str


@dataclass(frozen=True)
class Fingerprint:
    """What some policy documents are, compared with Remotion's policy of one kind.

    `since` is the first release of the newest policy that is granted as a whole, `until` the first release that had
    another one. `wider` is what the Allow statements give beyond every release's policy of this kind and beyond the
    wanted document. `share` counts pairs of action and resource, `actions` actions: granted, and all that are wanted.
    """

    kind: PolicyKind
    since: Release | None  # None: no release's policy is there as a whole
    until: Release | None  # exclusive; None: the newest known policy, or none at all
    missing: tuple[Missing, ...]
    wider: tuple[Statement, ...]
    swapped: bool  # the documents hold the other kind's policy, of some release, and not this one's
    share: tuple[int, int]
    actions: tuple[int, int] = (0, 0)

    def sentence(self) -> str:
        """Say it for people."""
        granted, all_of_them = self.actions
        if self.since is None:
            other = "render role" if self.kind == "user" else "user"
            what = f"The policy that is meant for the {other}" if self.swapped else "Not the policy of any release"
            return f"{what}: {granted} of {all_of_them} actions are there."
        span = f"Remotion {_span(self.since, self.until)}"
        return f"All of the policy of {span}, and more." if self.wider else f"The policy of {span}."


def fingerprint(installed: Iterable[Document], wanted: Document, kind: PolicyKind, partition: str) -> Fingerprint:
    """Say what the `installed` documents, taken together, are. `wanted` may hold statements beyond Remotion's.

    Raises UsageProblem for a partition that Remotion has no policies for.
    """
    held = _Held.of(installed)
    since, until = _release_of(held, _editions(kind, partition))
    other: PolicyKind = "role" if kind == "user" else "user"
    pairs = _pairs(wanted)
    lacking = [pair for pair in pairs if not held.grants(pair)]
    missing: dict[str, dict[str, None]] = {}
    for pair in lacking:
        missing.setdefault(pair.action, {})[pair.resource] = None
    known = {pair: None for edition in _editions(kind, partition) for pair in edition.pairs} | dict.fromkeys(pairs)
    named = {pair.action for pair in pairs}
    return Fingerprint(
        kind=kind,
        since=since,
        until=until,
        missing=tuple(Missing(a, tuple(on), cost_of_missing(kind, a)) for a, on in missing.items()),
        wider=tuple(left for statement in held.allows for left in _left(statement, list(known))),
        swapped=since is None and any(held.grants_all(e.pairs) for e in _editions(other, partition)),
        share=(len(pairs) - len(lacking), len(pairs)),
        actions=(len(named) - len(missing), len(named)),
    )


# Releases


@dataclass(frozen=True)
class _Edition:
    """A policy of Remotion, and the releases that had it: from `since` until before `until`."""

    since: Release
    until: Release | None
    document: Document
    pairs: tuple[_Pair, ...]


@cache
def _editions(kind: PolicyKind, partition: str) -> tuple[_Edition, ...]:
    """The policies of one kind, oldest first; epochs that differ in another kind or partition only are one edition."""
    fitting = [e.since for e in epochs() if partition in e.partitions or partition == "aws-us-gov"]
    found: list[tuple[Release, Document]] = []
    for since in fitting or [epochs()[-1].since]:
        document = policy(kind, since, partition)
        if not found or not documents.same_meaning(found[-1][1], document):
            found.append((since, document))
    ends = [*(since for since, _ in found[1:]), None]
    return tuple(
        _Edition(since, until, document, _pairs(document)) for (since, document), until in zip(found, ends, strict=True)
    )


def _release_of(held: _Held, editions: tuple[_Edition, ...]) -> tuple[Release | None, Release | None]:
    """The newest policy that is granted as a whole.

    Some early releases took actions out, so an older policy may hold a newer one as a part: then it is the older one, if
    that stands there word for word.
    """
    granted = [edition for edition in editions if held.grants_all(edition.pairs)]
    if not granted:
        return None, None
    newest = granted[-1]
    literal = {"Statement": list(held.allows)}
    for edition in granted:
        whole = documents.grants_all_of(edition.document, newest.document)
        if whole and documents.grants_all_of(literal, edition.document):
            return edition.since, edition.until
    return newest.since, newest.until


def _span(since: Release, until: Release | None) -> str:
    if until is None:
        return f"{since} or newer"
    if until.patch == 0:
        return f"{since} and later, before {until}"
    last = Release(until.major, until.minor, until.patch - 1)
    return str(since) if since == last else f"{since} to {last}"


# Pairs


@dataclass(frozen=True)
class _Pair:
    """An action on a resource that an Allow statement names, under its condition. Both may be patterns."""

    action: str
    resource: str
    condition: Canonical


def _pairs(document: Document) -> tuple[_Pair, ...]:
    """What the Allow statements with Action and Resource name, each pair once, actions as they are first written."""
    found: dict[_Pair, None] = {}
    spelling: dict[str, str] = {}
    for statement in statements(document):
        if statement.get("Effect") == "Allow":
            for pair in _pairs_of(statement):
                action = spelling.setdefault(pair.action.lower(), pair.action)
                found[replace(pair, action=action)] = None
    return tuple(found)


def _pairs_of(statement: Statement) -> Iterator[_Pair]:
    condition = condition_of(statement)
    for action, resource in itertools.product(texts(statement, "Action"), texts(statement, "Resource")):
        yield _Pair(action, resource, condition)


@dataclass(frozen=True)
class _Held:
    """The statements of some documents."""

    allows: tuple[Statement, ...]
    denies: tuple[Statement, ...]

    @classmethod
    def of(cls, found: Iterable[Document]) -> _Held:
        held = [s for document in found for s in statements(document)]
        allows, denies = (tuple(s for s in held if s.get("Effect") == effect) for effect in ("Allow", "Deny"))
        return cls(allows, denies)

    def grants(self, pair: _Pair) -> bool:
        return any(_gives(s, pair) for s in self.allows) and not any(_could_hit(s, pair) for s in self.denies)

    def grants_all(self, pairs: Iterable[_Pair]) -> bool:
        return all(self.grants(pair) for pair in pairs)


def _gives(statement: Statement, pair: _Pair) -> bool:
    """Whether an Allow statement gives all of `pair`: it has no condition, or the pair's own."""
    return (
        condition_of(statement) in ((), pair.condition)
        and not {"Principal", "NotPrincipal"} & statement.keys()  # no statement of an identity's policy
        and _element_covers(statement, "Action", pair.action, action_covers, actions_meet)
        and _element_covers(statement, "Resource", pair.resource, arn_covers, arns_meet)
    )


def _could_hit(statement: Statement, pair: _Pair) -> bool:
    """Whether a Deny statement could hit some of `pair`, if its condition holds."""
    return _element_meets(statement, "Action", pair.action, action_covers, actions_meet) and _element_meets(
        statement, "Resource", pair.resource, arn_covers, arns_meet
    )


_Test = Callable[[str, str], bool]


def _element_covers(statement: Statement, element: str, text: str, covers: _Test, meet: _Test) -> bool:
    """Whether an element, or its Not form, applies to everything that the pattern `text` stands for."""
    if (element in statement) == (f"Not{element}" in statement):
        return False
    if element in statement:
        return any(covers(pattern, text) for pattern in texts(statement, element))
    return not any(meet(pattern, text) for pattern in texts(statement, f"Not{element}"))


def _element_meets(statement: Statement, element: str, text: str, covers: _Test, meet: _Test) -> bool:
    """Whether an element, or its Not form, applies to anything that the pattern `text` stands for."""
    if (element in statement) == (f"Not{element}" in statement):
        return False
    if element in statement:
        return any(meet(pattern, text) for pattern in texts(statement, element))
    return not any(covers(pattern, text) for pattern in texts(statement, f"Not{element}"))


def _left(statement: Statement, known: list[_Pair]) -> Iterator[Statement]:
    """What an Allow statement gives beyond the `known` pairs: itself, statements made of the rest of it, or nothing."""
    if not {"Action", "Resource"} <= statement.keys() or {"NotAction", "NotResource"} & statement.keys():
        yield statement
        return
    rest: dict[str, list[str]] = {}  # action -> resources
    pairs = list(_pairs_of(statement))
    for pair in pairs:
        if not any(_within(pair, one) for one in known):
            rest.setdefault(pair.action, []).append(pair.resource)
    if sum(map(len, rest.values())) == len(pairs):
        if pairs:
            yield statement
        return
    grouped: dict[tuple[str, ...], list[str]] = {}
    for action, resources in rest.items():
        grouped.setdefault(tuple(resources), []).append(action)
    for on, actions in grouped.items():
        yield {**statement, "Action": actions, "Resource": list(on)}


def _within(pair: _Pair, known: _Pair) -> bool:
    return (
        known.condition in ((), pair.condition)
        and action_covers(known.action, pair.action)
        and arn_covers(known.resource, pair.resource)
    )
