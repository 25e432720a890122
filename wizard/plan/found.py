"""What an account holds of Remotion already, for people: what each thing is, what it lacks, and what that costs. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from wizard.account.snapshot import AccountSnapshot, Principal
from wizard.collect.answers import Answers
from wizard.collect.meaning import has_own_render_role, is_role
from wizard.plan.draft import Draft
from wizard.plan.existing import removable, warn_of_others
from wizard.plan.policies import fingerprint_of, foreign_to_remotion, missing_costs, of_groups, policies_of, with_costs
from wizard.plan.preview import release_of
from wizard.policy import documents
from wizard.policy.trust import services_of, trusts_service
from wizard.remotion import names
from wizard.remotion.catalogue import PolicyKind
from wizard.text import count, listing

CALLER: Final = "caller"
RENDER_ROLE: Final = "render role"


class Standing(StrEnum):
    """How a thing stands that was found."""

    GOOD = "good"
    LACKS = "lacks"
    MISSING = "missing"
    WIDE = "wide"
    NOTE = "note"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class FoundItem:
    """One thing that was looked for: a title, what is to be said about it, and whom it is about.

    `subject` is CALLER, RENDER_ROLE, or "" for what is about neither or both. `costs` has each action that is missing, with
    what fails without it; what is said leads up to them.
    """

    standing: Standing
    title: str
    said: str = ""
    subject: str = ""
    costs: tuple[str, ...] = ()

    @property
    def detail(self) -> str:
        """All that is to be known about it, as one text."""
        return with_costs(self.said, self.costs)


@dataclass(frozen=True)
class Removable:
    """A policy that allows far more than Remotion needs: whose, its name, and what it allows, for people."""

    owner: str
    name: str
    meanings: tuple[str, ...]

    @property
    def sentence(self) -> str:
        return f"{self.owner} may {listing(self.meanings)} with it."


@dataclass(frozen=True)
class Found:
    """Everything that was found. `foreign` tells how many statements in Remotion's policies are somebody else's."""

    items: tuple[FoundItem, ...]
    removable: tuple[Removable, ...] = ()
    foreign: int = 0


def found(answers: Answers, snapshot: AccountSnapshot) -> Found:
    """Say what the account holds of Remotion. Raises UsageProblem where the release has no policy for the partition."""
    release, _ = release_of(answers, snapshot.release)
    draft = Draft(answers.with_values({"principal.take_away": []}, "default"), snapshot, release)
    caller, render_role = snapshot.principal.value, snapshot.render_role.value
    items = [replace(item, subject=CALLER) for item in _caller(draft)]
    items += [replace(item, subject=RENDER_ROLE) for item in _render_role(draft)]
    warn_of_others(draft)
    items += [FoundItem(Standing.NOTE, warning) for warning in draft.warnings]
    wide: list[Removable] = []
    owners = [render_role] if is_role(answers) else [caller, render_role]
    for owner in (o for o in owners if o is not None):
        wide += [Removable(owner.name, name, tuple(meanings)) for name, meanings in removable(draft, owner)]
    render = render_role.name if render_role else ""
    items += [
        FoundItem(Standing.WIDE, f"{w.owner} has {w.name}", w.sentence, RENDER_ROLE if w.owner == render else CALLER)
        for w in wide
    ]
    foreign = sum(len(_foreign(draft, p)) for p in (caller, render_role))
    return Found(tuple(items), tuple(wide), foreign)


def _caller(draft: Draft) -> Iterator[FoundItem]:
    fact, name, kind = draft.snapshot.principal, draft.caller, "role" if is_role(draft.answers) else "user"
    if fact.is_unknown:
        yield FoundItem(Standing.UNKNOWN, f"The {kind} {name} can't be read", str(fact.problem or ""))
        return
    if fact.value is None:
        yield FoundItem(Standing.MISSING, f"There is no {kind} {name}")
        return
    keys = fact.value.access_keys.value
    about = [
        f"at the path {fact.value.path}" if fact.value.path != "/" else "",
        f"within the boundary {fact.value.boundary.rpartition('/')[2]}" if fact.value.boundary else "",
        count(len(keys), "access key") if keys else "",
    ]
    yield FoundItem(Standing.GOOD, f"The {kind} {name} is there", ", ".join(filter(None, about)))
    yield from _policy(draft, fact.value, "user")


def _render_role(draft: Draft) -> Iterator[FoundItem]:
    fact = draft.snapshot.render_role
    if fact.is_unknown:
        yield FoundItem(Standing.UNKNOWN, "The render role can't be read", str(fact.problem or ""))
        return
    role = fact.value
    if role is None:
        yield FoundItem(Standing.MISSING, "There is no render role")
        return
    others = [s for s in services_of(role.trust or {}) if s != names.LAMBDA_SERVICE]
    beside = f"It also trusts {listing(others)}." if others else ""
    if role.path != "/" and not has_own_render_role(draft.answers):
        detail = f"Remotion looks for it at /, and it is at {role.path}."
        yield FoundItem(Standing.LACKS, f"The role {role.name} is at the wrong path", detail)
    elif trusts_service(role.trust or {}, names.LAMBDA_SERVICE):
        yield FoundItem(Standing.GOOD, f"The role {role.name} is there, and AWS Lambda may take it", beside)
    else:
        yield FoundItem(Standing.LACKS, f"The role {role.name} is there, but AWS Lambda can't take it", beside)
    yield from _policy(draft, role, "role")


def _policy(draft: Draft, principal: Principal, kind: PolicyKind) -> Iterator[FoundItem]:
    held = [(name, document) for name, _, document in policies_of(principal) if document is not None]
    held += of_groups(principal)
    if not held:
        yield FoundItem(Standing.MISSING, f"{principal.name} has no policy")
        return
    seen = fingerprint_of(draft, kind, [document for _, document in held])
    granted, wanted = seen.share
    if granted >= wanted:
        title, standing = f"{principal.name} has all that Remotion {draft.release} needs", Standing.GOOD
    elif seen.swapped:
        other = "render role" if kind == "user" else "caller"
        title, standing = f"{principal.name} has the policy that is meant for the {other}", Standing.LACKS
    elif granted == 0:
        title, standing = f"{principal.name} has nothing of what Remotion needs", Standing.MISSING
    else:
        title = f"{principal.name} lacks something of what Remotion {draft.release} needs"
        standing = Standing.LACKS
    said, costs = missing_costs(draft, seen) if granted else ("", ())
    yield FoundItem(standing, title, said, costs=costs)
    foreign = _foreign(draft, principal)
    if foreign:
        what = listing([_in_short(statement) for statement in foreign[:3]])
        title = (
            f"{count(len(foreign), 'statement')} in Remotion's policy of {principal.name} that Remotion does not need"
        )
        yield FoundItem(Standing.NOTE, title, what)


def _foreign(draft: Draft, principal: Principal | None) -> list[documents.Statement]:
    return [
        statement
        for name, _, document in policies_of(principal)
        if name in names.SET_UP_POLICIES and document is not None
        for statement in foreign_to_remotion(document, draft.partition)
    ]


def _in_short(statement: documents.Statement) -> str:
    actions = documents.texts(statement, "Action") or documents.texts(statement, "NotAction")
    shown = listing(actions[:2]) + (" …" if len(actions) > 2 else "")
    return f"{statement.get('Effect', '')} {shown}".strip()
