"""Planning a policy: inline or managed, kept, made or updated, the same way for every principal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from wizard.account.snapshot import Fact, ManagedPolicy, Principal
from wizard.plan.changes import Action, Call, Change
from wizard.plan.draft import OUR_TAGS, Draft, cannot_see, kept
from wizard.policy import documents
from wizard.policy.documents import Document
from wizard.problem import Problem
from wizard.remotion.catalogue import PolicyKind, epochs, policy, reasons
from wizard.text import count, listing, number


@dataclass(frozen=True)
class Holder:
    """Who is to hold which of Remotion's policies, and how.

    `entity` is "user" or "role"; `arn` is known before the principal exists. `setting` is the answer that says how the
    policy is attached ("principal.attach"), `attach` its value. `name` is the policy's name, inline as well as managed.
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
        if self.policy == "user":
            return "What your code may do: deploy Remotion's functions and sites, start renders, read the results."
        return "What the render function may do: read the site, write the video, start its helpers, write logs."


def plan_policy(draft: Draft, holder: Holder) -> None:
    """Plan that `holder` has Remotion's policy. A policy of somebody else that gives all of it already is enough."""
    wanted = policy(holder.policy, draft.release, draft.partition)
    held = _already_held(holder, wanted)
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


def _already_held(holder: Holder, wanted: Document) -> str:
    """The name of a policy that someone else made and that holds all of `wanted`; "" if there is none."""
    for name, document in _policies_of(holder.principal):
        if name != holder.name and document is not None and documents.grants_all_of(document, wanted):
            return name
    return ""


def _policies_of(principal: Principal | None) -> Iterator[tuple[str, Document | None]]:
    if principal is not None:
        yield from ((name, fact.value) for name, fact in principal.inline.items())
        yield from ((a.name, a.document.value) for a in principal.attached)


# Inline


def _plan_inline(draft: Draft, holder: Holder, wanted: Document) -> None:
    present = holder.principal.inline if holder.principal else {}
    fact = present.get(holder.name, Fact.absent())
    if fact.is_unknown:
        draft.problems.append(cannot_see(f"the inline policy {holder.name} of {holder.owner}", fact))
        return
    before = fact.value
    after = _with_foreign(draft, before, wanted, holder.name)
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
            reason=holder.reason,
            call=holder.put(after),
            undo=(undo,),
            before=None if before is None else dict(before),
            after=after,
            why=reasons(holder.policy, after),
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
    if documents.foreign_statements(before, _known(draft.partition)):
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


def _plan_managed(draft: Draft, holder: Holder, wanted: Document) -> None:
    arn = draft.arn(f"policy/{holder.name}")
    if holder.managed.is_unknown:
        draft.problems.append(cannot_see(f"the policy {holder.name}", holder.managed))
        return
    existing = holder.managed.value
    if existing is None:
        _create_managed(draft, holder, arn, wanted)
    else:
        arn = existing.arn  # it may lie at a path
        _update_managed(draft, holder, wanted, existing)
    if holder.principal is not None and any(a.arn == arn for a in holder.principal.attached):
        draft.changes.append(
            kept(f"{holder.id}.attach", "attachment", holder.name, holder.arn, f"attached to {holder.owner}")
        )
    else:
        _attach(draft, holder, arn)


def _create_managed(draft: Draft, holder: Holder, arn: str, wanted: Document) -> None:
    _check_managed_size(draft, holder.name, wanted)
    what = "its user" if holder.policy == "user" else "its render functions"
    parameters = {
        "PolicyName": holder.name,
        "PolicyDocument": documents.pretty(wanted),
        "Description": f"What Remotion Lambda allows {what}.",
        "Tags": OUR_TAGS,
    }
    draft.changes.append(
        Change(
            id=f"policy.{holder.name}",
            action=Action.CREATE,
            kind="policy",
            name=holder.name,
            resource=arn,
            summary=_what_changes(None, wanted),
            reason=holder.reason,
            call=Call("iam", "CreatePolicy", parameters),
            undo=(Call("iam", "DeletePolicy", {"PolicyArn": arn}),),
            after=dict(wanted),
            why=reasons(holder.policy, dict(wanted)),
        )
    )


def _update_managed(draft: Draft, holder: Holder, wanted: Document, existing: ManagedPolicy) -> None:
    name = holder.name
    after = _with_foreign(draft, existing.document, wanted, name)
    if documents.same_meaning(existing.document, after):
        draft.changes.append(kept(f"policy.{name}", "policy", name, existing.arn, "as Remotion needs it"))
        return
    _check_managed_size(draft, name, after)
    _make_room_for_version(draft, existing)
    attached = holder.principal.attached if holder.principal else ()
    others = existing.attachments - any(a.arn == existing.arn for a in attached)
    if others > 0:
        shown = count(others, "other identity", "other identities")
        draft.warnings.append(f"{name} is attached to {shown}, which will have the same change.")
    new_version = {"PolicyArn": existing.arn, "PolicyDocument": documents.pretty(after), "SetAsDefault": True}
    old_version = {"PolicyArn": existing.arn, "VersionId": existing.default_version}
    draft.changes.append(
        Change(
            id=f"policy.{name}",
            action=Action.UPDATE,
            kind="policy",
            name=name,
            resource=existing.arn,
            summary=_what_changes(existing.document, after),
            reason=holder.reason,
            call=Call("iam", "CreatePolicyVersion", new_version),
            undo=(Call("iam", "SetDefaultPolicyVersion", old_version),),
            before=dict(existing.document),
            after=after,
            why=reasons(holder.policy, after),
        )
    )


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


def _attach(draft: Draft, holder: Holder, arn: str) -> None:
    limit = draft.snapshot.limit(f"AttachedPoliciesPer{holder.title}Quota")
    attached = holder.principal.attached if holder.principal else ()
    if len(attached) >= limit:
        shown = count(len(attached), "managed policy", "managed policies")
        draft.problems.append(
            Problem(
                f"{holder.owner} has {shown}, and AWS allows {limit}.",
                listing([a.name for a in attached]),
                f"Detach one, or choose an inline policy ({holder.setting} = inline).",
            )
        )
    call = holder.call("Attach{}Policy", PolicyArn=arn)
    draft.changes.append(
        Change(
            id=f"{holder.id}.attach",
            action=Action.CREATE,
            kind="attachment",
            name=holder.name,
            resource=holder.arn,
            summary=f"attached to {holder.owner}",
            reason="A managed policy has an effect only where it is attached.",
            call=call,
            undo=(holder.call("Detach{}Policy", PolicyArn=arn),),
            after=dict(call.parameters),
        )
    )


def _retire_managed(draft: Draft, holder: Holder) -> None:
    """Our managed policy is detached when the same permissions are given inline. The policy itself stays."""
    existing, attached = holder.managed.value, holder.principal.attached if holder.principal else ()
    if existing is None or not any(a.arn == existing.arn for a in attached):
        return
    if documents.foreign_statements(existing.document, _known(draft.partition)):
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


def _with_foreign(draft: Draft, before: Document | None, wanted: Document, name: str) -> dict[str, Any]:
    foreign = [] if before is None else documents.foreign_statements(before, _known(draft.partition))
    if foreign:
        verb = "is" if len(foreign) == 1 else "are"
        stay = "It stays." if len(foreign) == 1 else "They stay."
        draft.warnings.append(f"{name} holds {count(len(foreign), 'statement')} that {verb} not Remotion's. {stay}")
    return documents.beside(wanted, foreign)


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
    old, new = documents.actions_of(before), documents.actions_of(after)
    added, removed = sorted(new - old), sorted(old - new)
    parts = []
    if added:
        parts.append(f"adds {listing(added)}" if len(added) <= 2 else f"adds {count(len(added), 'action')}")
    if removed:
        parts.append(
            f"takes out {listing(removed)}" if len(removed) <= 2 else f"takes out {count(len(removed), 'action')}"
        )
    return ", ".join(parts) or "corrects resources"
