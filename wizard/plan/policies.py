"""Planning a policy: inline or managed, kept, made or updated, the same way for every principal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from wizard.account.snapshot import Fact, ManagedPolicy, Principal
from wizard.plan.changes import Action, Call, Change
from wizard.plan.draft import OUR_TAGS, Draft, cannot_see, kept
from wizard.plan.wanted import ASKED_BY, Explain, Wanted
from wizard.policy import documents
from wizard.policy.documents import Document, Statement
from wizard.policy.fingerprint import Fingerprint, Missing, fingerprint
from wizard.problem import Problem
from wizard.remotion import names
from wizard.remotion.catalogue import PolicyKind, epochs, policy
from wizard.remotion.extras import extra_name
from wizard.text import count, listing, number

_REASONS: Final[dict[PolicyKind, str]] = {
    "user": "What your code may do: deploy Remotion's functions and sites, start renders, read the results.",
    "role": "What the render function may do: read the site, write the video, start its helpers, write logs.",
}


@dataclass(frozen=True)
class Holder:
    """Who is to hold which policy, and how.

    `entity` is "user" or "role"; `arn` is known before the principal exists. `setting` is the answer that says how the
    policy is attached ("principal.attach"), `attach` its value. `name` is the policy's name, inline as well as managed.
    `policy` says which of Remotion's policies it is.
    """

    entity: str
    owner: str
    arn: str
    principal: Principal | None
    policy: PolicyKind
    name: str
    setting: str
    attach: str
    managed: Fact[ManagedPolicy]

    @property
    def id(self) -> str:
        return f"{self.entity}.{self.owner}"

    @property
    def title(self) -> str:
        """User or Role, as IAM's operations and parameters are named."""
        return self.entity.capitalize()

    def call(self, operation: str, **parameters: Any) -> Call:
        """Return a call about this principal: `call("Attach{}Policy", PolicyArn=…)`."""
        return Call("iam", operation.format(self.title), {f"{self.title}Name": self.owner, **parameters})

    def put(self, document: Document) -> Call:
        """Return the call that puts the inline policy."""
        return self.call("Put{}Policy", PolicyName=self.name, PolicyDocument=documents.pretty(document))

    @property
    def reason(self) -> str:
        return _REASONS[self.policy]

    @property
    def installed(self) -> Document | None:
        """The document that the plan starts from: the principal's own, or the managed policy's that is to be attached."""
        inline = self.principal.inline.get(self.name) if self.principal else None
        if inline is not None and inline.value is not None:
            return inline.value
        existing = self.managed.value
        if existing is None:
            return None
        attached = self.principal is not None and any(a.arn == existing.arn for a in self.principal.attached)
        return existing.document if attached or self.attach == "managed" else None


def plan_policy(draft: Draft, holder: Holder) -> None:
    """Plan that `holder` has Remotion's policy. A policy of somebody else that gives all of it already is enough."""
    wanted = _with_kept_extras(draft, holder, draft.wanted(holder.policy))
    held = _already_held(draft, holder, wanted.document)
    if held:
        draft.changes.append(
            kept(f"{holder.id}.policy", "policy", held, holder.arn, f"gives {holder.owner} all that is needed")
        )
    elif holder.attach == "inline":
        _plan_inline(draft, holder, wanted)
        _retire_managed(draft, holder)
    else:
        _plan_managed(draft, holder, wanted)
        _retire_inline(draft, holder)


def _with_kept_extras(draft: Draft, holder: Holder, wanted: Wanted) -> Wanted:
    """What an earlier run added stays where nobody said anything about it; a plain "no" takes it out."""
    installed = holder.installed
    asked = {e.name for e in wanted.extras}
    stay = [
        s
        for s in (documents.statements(installed) if installed else [])
        if (name := extra_name(s)) and name not in asked and draft.answers.origin(ASKED_BY[name]) == "default"
    ]
    for statement in stay:
        key = ASKED_BY[extra_name(statement)]
        draft.warnings.append(
            f"{holder.name} of {holder.owner} holds {statement.get('Sid')}, which an earlier run added. It stays; say "
            f"{key} outright to change that."
        )
    return wanted.with_kept(stay) if stay else wanted


def _already_held(draft: Draft, holder: Holder, wanted: Document) -> str:
    """The name of a policy that someone else made and that holds all of `wanted`; "" if there is none.

    A policy that a user has through a group counts: it is somebody's decision, and a second copy would add nothing.
    """
    for name, arn, document in policies_of(holder.principal):
        ours = name == holder.name or draft.takes_away(name, arn)
        if not ours and document is not None and documents.grants_all_of(document, wanted):
            return name
    return next((name for name, found in of_groups(holder.principal) if documents.grants_all_of(found, wanted)), "")


def of_groups(principal: Principal | None) -> Iterator[tuple[str, Document]]:
    """Yield what a user has through groups, as far as it could be read: which policy of which group, and its document."""
    for held in principal.group_policies if principal else ():
        if held.document.value is not None:
            yield f"{held.name} of the group {held.group}", held.document.value


def policies_of(principal: Principal | None) -> Iterator[tuple[str, str, Document | None]]:
    """Yield every policy of a principal's own: its name, its ARN ("" for an inline one), its document if it could be read."""
    if principal is not None:
        yield from ((name, "", fact.value) for name, fact in principal.inline.items())
        yield from ((a.name, a.arn, a.document.value) for a in principal.attached)


def reason_of(draft: Draft, holder: Holder) -> str:
    """Say what the policy is for, and where another one is installed what that one is and what it lacks."""
    installed = holder.installed
    if installed is None:
        return holder.reason
    return f"{holder.reason} {costs_of(draft, fingerprint_of(draft, holder.policy, [installed]))}"


def fingerprint_of(draft: Draft, kind: PolicyKind, installed: list[Document]) -> Fingerprint:
    """Say what installed documents are, beside the policy that is wanted."""
    return fingerprint(installed, draft.wanted(kind).document, kind, draft.partition)


def costs_of(draft: Draft, found: Fingerprint) -> str:
    """Say what is installed, and what each missing action costs."""
    return with_costs(*missing_costs(draft, found))


def missing_costs(draft: Draft, found: Fingerprint) -> tuple[str, tuple[str, ...]]:
    """Say what is installed; and each missing action with what it costs, which `with_costs` puts behind that."""
    costs = tuple(_cost(draft.wanted(found.kind).document, missing) for missing in found.missing)
    if not costs:
        return f"Now: {found.sentence()}", ()
    if len(costs) > _MOST_COSTS:
        costs = (*costs[:_MOST_COSTS], f"{len(costs) - _MOST_COSTS} more")
    return f"Now: {found.sentence()} Remotion {draft.release} needs beyond it:", costs


def with_costs(said: str, costs: tuple[str, ...]) -> str:
    """Return both as one text."""
    return f"{said} {listing(list(costs))}." if costs else said


_MOST_COSTS: Final = 4


def _cost(wanted: Document, missing: Missing) -> str:
    """A missing action with its cost; one that is there for other resources, with the resources that lack."""
    asked = {
        str(resource)
        for statement in documents.statements(wanted)
        if missing.action in documents.texts(statement, "Action")
        for resource in documents.texts(statement, "Resource")
    }
    if asked - set(missing.resources):
        return f"{missing.action} on {listing(missing.resources)}"
    return f"{missing.action} (without it: {missing.cost})" if missing.cost else missing.action


# Inline


def _plan_inline(draft: Draft, holder: Holder, wanted: Wanted) -> None:
    present = holder.principal.inline if holder.principal else {}
    fact = present.get(holder.name, Fact.absent())
    if fact.is_unknown:
        draft.problems.append(cannot_see(f"the inline policy {holder.name} of {holder.owner}", fact))
        return
    before = fact.value
    after = _with_foreign(draft, before, wanted.document, holder.name)
    if before is not None and documents.same_meaning(before, after):
        draft.changes.append(
            kept(f"{holder.id}.policy", "policy", holder.name, holder.arn, f"inline in {holder.owner}")
        )
        return
    _check_inline_size(draft, holder, before, after)
    undo = holder.call("Delete{}Policy", PolicyName=holder.name) if before is None else holder.put(before)
    draft.changes.append(
        Change(
            id=f"{holder.id}.policy",
            action=Action.CREATE if before is None else Action.UPDATE,
            kind="policy",
            name=holder.name,
            resource=holder.arn,
            summary=_what_changes(before, after) + f", inline in {holder.owner}",
            reason=reason_of(draft, holder),
            call=holder.put(after),
            undo=(undo,),
            before=None if before is None else dict(before),
            after=after,
            why=wanted.why(after),
        )
    )


def _check_inline_size(draft: Draft, holder: Holder, before: Document | None, after: Document) -> None:
    limit = draft.snapshot.limit(f"{holder.title}PolicySizeQuota")
    others = holder.principal.inline_sizes if holder.principal else 0
    others -= 0 if before is None else documents.size(before)
    used = others + documents.size(after)
    if used <= limit:
        return
    there = f", {number(others)} of them for policies that are there already" if others else ""
    draft.problems.append(
        Problem(
            f"The policy does not fit into {holder.owner}: {number(used)} of {number(limit)} characters.",
            f"All inline policies of a {holder.entity} together may have {number(limit)} characters; "
            f"this would make {number(used)}{there}.",
            f"Choose a managed policy ({holder.setting} = managed).",
        )
    )


def _retire_inline(draft: Draft, holder: Holder) -> None:
    """Our inline policy makes way when the same permissions are given by the managed one."""
    present = holder.principal.inline if holder.principal else {}
    before = present[holder.name].value if holder.name in present else None
    if before is None:
        return
    if foreign_to_remotion(before, draft.partition):
        draft.warnings.append(
            f"The inline policy {holder.name} of {holder.owner} holds statements that aren't Remotion's. It stays as it is."
        )
        return
    draft.changes.append(
        Change(
            id=f"{holder.id}.policy.inline",
            action=Action.DELETE,
            kind="policy",
            name=holder.name,
            resource=holder.arn,
            summary=f"the inline copy in {holder.owner}",
            reason="The managed policy gives the same permissions.",
            call=holder.call("Delete{}Policy", PolicyName=holder.name),
            undo=(holder.put(before),),
            before=dict(before),
        )
    )


# Managed


def _plan_managed(draft: Draft, holder: Holder, wanted: Wanted) -> None:
    if holder.managed.is_unknown:
        draft.problems.append(cannot_see(f"the policy {holder.name}", holder.managed))
        return
    what = "its render functions" if holder.policy == "role" else "its caller"
    existing = holder.managed.value
    document, reason = dict(wanted.document), holder.reason
    if existing is not None:
        document = _with_foreign(draft, existing.document, wanted.document, holder.name)
        found = fingerprint_of(draft, holder.policy, [existing.document])
        reason = f"{reason} {costs_of(draft, found)}"
    arn = plan_managed_policy(
        draft, holder.name, existing, document, wanted.why, reason, f"What Remotion Lambda allows {what}."
    )
    _warn_of_others(draft, holder, existing, document)
    plan_attachment(draft, holder.entity, holder.owner, holder.arn, holder.principal, arn, holder.setting)


def plan_managed_policy(
    draft: Draft,
    name: str,
    existing: ManagedPolicy | None,
    document: Document,
    why: Explain,
    reason: str,
    description: str,
) -> str:
    """Plan that a customer-managed policy has this document, and return its ARN (it may lie at a path)."""
    if existing is None:
        arn = draft.arn(f"policy/{name}")
        _check_managed_size(draft, name, document)
        parameters = {
            "PolicyName": name,
            "PolicyDocument": documents.pretty(document),
            "Description": description,
            "Tags": OUR_TAGS,
        }
        draft.changes.append(
            Change(
                id=f"policy.{name}",
                action=Action.CREATE,
                kind="policy",
                name=name,
                resource=arn,
                summary=_what_changes(None, document),
                reason=reason,
                call=Call("iam", "CreatePolicy", parameters),
                undo=(Call("iam", "DeletePolicy", {"PolicyArn": arn}),),
                after=dict(document),
                why=why(document),
            )
        )
        return arn
    if documents.same_meaning(existing.document, document):
        draft.changes.append(kept(f"policy.{name}", "policy", name, existing.arn, "as Remotion needs it"))
        return existing.arn
    _check_managed_size(draft, name, document)
    _make_room_for_version(draft, existing)
    new_version = {"PolicyArn": existing.arn, "PolicyDocument": documents.pretty(document), "SetAsDefault": True}
    old_version = {"PolicyArn": existing.arn, "VersionId": existing.default_version}
    draft.changes.append(
        Change(
            id=f"policy.{name}",
            action=Action.UPDATE,
            kind="policy",
            name=name,
            resource=existing.arn,
            summary=_what_changes(existing.document, document),
            reason=reason,
            call=Call("iam", "CreatePolicyVersion", new_version),
            undo=(Call("iam", "SetDefaultPolicyVersion", old_version),),
            before=dict(existing.document),
            after=dict(document),
            why=why(document),
        )
    )
    return existing.arn


def _warn_of_others(draft: Draft, holder: Holder, existing: ManagedPolicy | None, document: Document) -> None:
    if existing is None or documents.same_meaning(existing.document, document):
        return
    attached = holder.principal.attached if holder.principal else ()
    others = existing.attachments - any(a.arn == existing.arn for a in attached)
    if others > 0:
        shown = count(others, "other identity", "other identities")
        draft.warnings.append(f"{holder.name} is attached to {shown}, which will have the same change.")


def _make_room_for_version(draft: Draft, existing: ManagedPolicy) -> None:
    limit = draft.snapshot.limit("VersionsPerPolicyQuota")
    if len(existing.versions) < limit:
        return
    oldest = next(v for v in existing.versions if v != existing.default_version)
    draft.changes.append(
        Change(
            id=f"policy.{existing.name}.version.{oldest}",
            action=Action.DELETE,
            kind="version",
            name=f"{existing.name} {oldest}",
            resource=existing.arn,
            summary=f"the oldest of {count(len(existing.versions), 'version')}",
            reason=f"A managed policy may have {limit} versions, and the new one needs a place. This one is not in use.",
            call=Call("iam", "DeletePolicyVersion", {"PolicyArn": existing.arn, "VersionId": oldest}),
        )
    )


def plan_attachment(
    draft: Draft,
    entity: str,
    owner: str,
    owner_arn: str,
    principal: Principal | None,
    arn: str,
    setting: str = "",
    reason: str = "A managed policy has an effect only where it is attached.",
) -> None:
    """Plan that a managed policy is attached to a user or role. Counts what the plan attaches to it altogether."""
    title, name = entity.capitalize(), arn.rpartition("/")[2]
    ours = name in names.SET_UP_POLICIES
    identifier = f"{entity}.{owner}.attach" + ("" if ours else f".{name}")
    attached = principal.attached if principal else ()
    if any(a.arn == arn for a in attached):
        draft.changes.append(kept(identifier, "attachment", name, owner_arn, f"attached to {owner}"))
        return
    limit = draft.snapshot.limit(f"AttachedPoliciesPer{title}Quota")
    staying = [a.name for a in attached if not draft.takes_away(a.name, a.arn)]
    draft.attachments[owner_arn] += 1
    if len(staying) + draft.attachments[owner_arn] > limit:
        shown = count(len(staying), "managed policy", "managed policies")
        draft.problems.append(
            Problem(
                f"{owner} has {shown}, and AWS allows {limit}: there is no room for {name}.",
                listing(staying),
                f"Detach one, or choose an inline policy ({setting} = inline)." if setting else "Detach one.",
            )
        )
    parameters = {f"{title}Name": owner, "PolicyArn": arn}
    draft.changes.append(
        Change(
            id=identifier,
            action=Action.CREATE,
            kind="attachment",
            name=name,
            resource=owner_arn,
            summary=f"attached to {owner}",
            reason=reason,
            call=Call("iam", f"Attach{title}Policy", parameters),
            undo=(Call("iam", f"Detach{title}Policy", parameters),),
            after=dict(parameters),
        )
    )


def _retire_managed(draft: Draft, holder: Holder) -> None:
    """Our managed policy is detached when the same permissions are given inline. The policy itself stays."""
    existing, attached = holder.managed.value, holder.principal.attached if holder.principal else ()
    if existing is None or not any(a.arn == existing.arn for a in attached):
        return
    if foreign_to_remotion(existing.document, draft.partition):
        draft.warnings.append(
            f"The managed policy {existing.name} holds statements that aren't Remotion's. It stays attached."
        )
        return
    call = holder.call("Detach{}Policy", PolicyArn=existing.arn)
    draft.changes.append(
        Change(
            id=f"{holder.id}.detach",
            action=Action.DELETE,
            kind="attachment",
            name=existing.name,
            resource=holder.arn,
            summary=f"detached from {holder.owner}",
            reason="The inline policy gives the same permissions. The managed policy itself stays.",
            call=call,
            undo=(holder.call("Attach{}Policy", PolicyArn=existing.arn),),
            before=dict(call.parameters),
        )
    )


# Documents


def _known(partition: str) -> list[Document]:
    """Every document that some release of Remotion has had: what an older set-up may hold, or one that mixed them up."""
    kinds: tuple[PolicyKind, ...] = ("user", "role")
    fitting = [e.since for e in epochs() if partition in e.partitions or partition == "aws-us-gov"]
    return [policy(kind, since, partition) for since in fitting for kind in kinds]


def foreign_to_remotion(document: Document, partition: str) -> list[Statement]:
    """Return the statements that are neither of a release of Remotion nor an extra of this wizard."""
    return [s for s in documents.foreign_statements(document, _known(partition)) if not extra_name(s)]


def _with_foreign(draft: Draft, before: Document | None, wanted: Document, name: str) -> dict[str, Any]:
    """What is wanted, beside what somebody else put into the same document; or without it, where that was asked for."""
    foreign = [] if before is None else foreign_to_remotion(before, draft.partition)
    if not foreign:
        return dict(wanted)
    shown = (
        f"{name} holds {count(len(foreign), 'statement')} that {'is' if len(foreign) == 1 else 'are'} not Remotion's."
    )
    if draft.replaces:
        draft.warnings.append(f"{shown} You asked to take {'it' if len(foreign) == 1 else 'them'} out.")
        return dict(wanted)
    draft.warnings.append(f"{shown} {'It stays' if len(foreign) == 1 else 'They stay'}.")
    merged = documents.beside(wanted, foreign)
    if before is not None and "Version" not in before and "${" in json.dumps(foreign):
        merged.pop("Version", None)  # without a version ${…} is no variable but text, and stays so
    return merged


def _check_managed_size(draft: Draft, name: str, document: Document) -> None:
    limit, used = draft.snapshot.limit("PolicySizeQuota"), documents.size(document)
    if used > limit:
        draft.problems.append(
            Problem(
                f"{name} would have {number(used)} characters, and AWS allows {number(limit)}.",
                "It holds statements that are not Remotion's.",
                "Move those to a policy of their own, then come back.",
            )
        )


def _what_changes(before: Document | None, after: Document) -> str:
    if before is None:
        return f"{count(len(documents.actions_of(after)), 'action')}"
    old, new = ({a.lower(): a for a in documents.actions_of(d)} for d in (before, after))
    added, removed = sorted(new.keys() - old.keys()), sorted(old.keys() - new.keys())
    parts = []
    if added:
        shown = [new[a] for a in added]
        parts.append(f"adds {listing(shown)}" if len(added) <= 2 else f"adds {count(len(added), 'action')}")
    if removed:
        shown = [old[a] for a in removed]
        parts.append(
            f"takes out {listing(shown)}" if len(removed) <= 2 else f"takes out {count(len(removed), 'action')}"
        )
    resources = [_resources_of(d) for d in (before, after)]
    wider, narrower = len(resources[1] - resources[0]), len(resources[0] - resources[1])
    if wider and not added:
        parts.append(f"adds {count(wider, 'resource')}")
    if narrower and not removed:
        parts.append(f"takes out {count(narrower, 'resource')}")
    return ", ".join(parts) or "corrects its statements"


def _resources_of(document: Document) -> set[str]:
    found: set[str] = set()
    for statement in documents.statements(document):
        found.update(documents.texts(statement, "Resource"))
    return found
