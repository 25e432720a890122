"""Planning output buckets: one policy a bucket on the render role, one on the caller to read, each with a stable name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wizard.account.snapshot import Fact, Principal
from wizard.check.findings import Finding, Status
from wizard.collect.meaning import is_role, output_buckets, render_role
from wizard.output.decide import Actor
from wizard.output.facts import BucketFacts, Owner
from wizard.output.findings import bucket_findings
from wizard.output.grant import (
    POLICY,
    READ_POLICY,
    Granted,
    Wish,
    caller_grant,
    is_ours,
    key_statements,
    notes,
    role_grant,
    wish_of,
)
from wizard.plan.changes import Action, Call, Change, Verification
from wizard.plan.draft import Draft, cannot_see, kept
from wizard.plan.policies import plan_attachment, plan_managed_policy, policies_of
from wizard.policy import documents
from wizard.policy.documents import Document
from wizard.problem import Problem
from wizard.text import count, number


@dataclass(frozen=True)
class _Place:
    """Where a bucket's policy goes: on whom, under which name. `managed` is where it goes unless somebody says."""

    entity: str
    owner: str
    arn: str
    principal: Principal | None
    name: str
    bucket: str
    managed: bool

    @property
    def title(self) -> str:
        return self.entity.capitalize()

    @property
    def id(self) -> str:
        return f"{self.entity}.{self.owner}.{self.name}"

    @property
    def attached(self) -> bool:
        held = self.principal.attached if self.principal else ()
        return any(a.name == self.name for a in held)

    @property
    def inline(self) -> Fact[Document]:
        held = self.principal.inline if self.principal else {}
        return held.get(self.name, Fact.absent())

    def call(self, operation: str, **parameters: Any) -> Call:
        return Call("iam", operation.format(self.title), {f"{self.title}Name": self.owner, **parameters})

    def put(self, document: Document) -> Call:
        return self.call("Put{}Policy", PolicyName=self.name, PolicyDocument=documents.pretty(document))


def plan_output_buckets(draft: Draft) -> None:
    """Plan the policies of the output buckets that were asked for, and tell what the preflight found."""
    wanted = output_buckets(draft.answers)
    _warn_of_left_over(draft, wanted)
    for bucket in wanted:
        facts = draft.snapshot.buckets.get(bucket) or BucketFacts(bucket, Owner.UNKNOWN)
        _plan_bucket(draft, facts)


def policy_names(buckets: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names that the managed policies of these buckets may have, for discovery."""
    return tuple(prefix + bucket for bucket in buckets for prefix in (POLICY, READ_POLICY))


def render_actor(draft: Draft) -> Actor:
    """Return the render role, which is who uploads."""
    reference, role = render_role(draft.answers), draft.snapshot.render_role.value
    arn = role.arn if role else reference.arn(draft.partition, draft.account)
    return Actor("role", reference.name, arn, role.tags if role else {})


def _plan_bucket(draft: Draft, facts: BucketFacts) -> None:
    answers, actor = draft.answers, render_actor(draft)
    wish = wish_of(
        facts.name,
        "put-object" if answers.text("output_bucket.grant") == "put-object" else "complete",
        draft.partition,
        answers.text("output_bucket.prefix"),
        answers.flag("output_bucket.delete"),
        answers.text("output_bucket.kms_key"),
        facts,
    )
    findings = bucket_findings(facts, wish, answers.texts("remotion.regions"), actor, draft.account)
    if facts.owner is Owner.ABSENT:
        draft.problems.append(Problem(f"{findings[0].title}.", findings[0].detail, findings[0].remedy))
        return
    draft.warnings += [_sentence(f) for f in findings if _is_worth_a_warning(f)]
    draft.warnings += [f"{facts.name}: {note}" for note in notes(wish, draft.release)]
    role = draft.snapshot.render_role
    if not role.is_unknown:  # else the planner of the role tells it
        place = _Place(
            "role", actor.name, actor.arn, role.value, POLICY + facts.name, facts.name, managed=_says_managed(draft)
        )
        _plan_grant(
            draft, place, role_grant(wish, draft.release), facts, _probes(wish, role_grant(wish, draft.release))
        )
    read, caller = caller_grant(wish), draft.snapshot.principal
    name = READ_POLICY + facts.name
    if caller.is_unknown or (caller.value is None and is_role(answers) and not answers.text("principal.assumed_by")):
        return
    entity = "role" if is_role(answers) else "user"
    path = answers.text("principal.path") if entity == "user" else "/"
    arn = caller.value.arn if caller.value else draft.arn(f"{entity}{path}{draft.caller}")
    # A user has 2,048 characters for all its inline policies, most of which Remotion's own policy takes.
    managed = entity == "user" if answers.origin("output_bucket.attach") == "default" else _says_managed(draft)
    place = _Place(entity, draft.caller, arn, caller.value, name, facts.name, managed=managed)
    if read is not None:
        _plan_grant(draft, place, read, facts, _probes(wish, read))
    elif name in {held for held, _, _ in policies_of(caller.value)} and not draft.takes_away(name):
        draft.warnings.append(
            f"{draft.caller} keeps {name} from an earlier run, which the documented minimum does not have. To take it "
            f'away: principal.take_away = ["{name}"]'
        )


def _is_worth_a_warning(finding: Finding) -> bool:
    matters = finding.id.endswith((".exists", ".encryption"))  # what can't be told there may cost the upload
    return finding.status in {Status.WARN, Status.FAIL} or (finding.status is Status.UNKNOWN and matters)


def _says_managed(draft: Draft) -> bool:
    return draft.answers.text("output_bucket.attach") == "managed"


def _sentence(finding: Finding) -> str:
    remedy = f" → {finding.remedy}" if finding.remedy else ""
    return f"{finding.title}. {finding.detail}{remedy}"


def _probes(wish: Wish, granted: Granted) -> tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]:
    """What IAM's simulator must allow right after: the actions of each statement on one ARN of its kind."""
    found = []
    for statement in granted.document["Statement"]:
        about = str(statement["Resource"][-1])
        arn = f"{wish.bucket_arn}/{wish.prefix}video.mp4" if about.endswith("*") else about
        found.append((tuple(statement["Action"]), (arn,)))
    return tuple(found)


def _plan_grant(
    draft: Draft, place: _Place, granted: Granted, facts: BucketFacts, probes: tuple[tuple[Any, ...], ...]
) -> None:
    held = _held_elsewhere(draft, place, granted.document)
    if held:
        draft.changes.append(
            kept(place.id, "policy", held, place.arn, f"gives {place.owner} all that {place.bucket} needs")
        )
        return
    managed = draft.snapshot.policy(place.name)
    if place.inline.is_unknown:
        draft.problems.append(cannot_see(f"the inline policy {place.name} of {place.owner}", place.inline))
        return
    explicit = draft.answers.origin("output_bucket.attach") != "default"
    stays = place.attached and not explicit
    before = managed.value.document if place.attached and managed.value else place.inline.value
    document = _with_kept(draft, place, before, granted, facts)
    as_managed = place.managed or stays
    if not as_managed and not _fits(draft, place, document):
        as_managed = True
        draft.warnings.append(
            f"{place.name} does not fit into {place.owner} any more, so it becomes a managed policy that is attached to it."
        )
    if as_managed:
        _plan_managed(draft, place, granted, document)
    else:
        _plan_inline(draft, place, granted, document)
    draft.verify_last(Verification(place.arn, probes))


def _held_elsewhere(draft: Draft, place: _Place, wanted: Document) -> str:
    """The name of a policy that somebody else made and that allows all of it, as it is written; "" if there is none."""
    for name, arn, document in policies_of(place.principal):
        others = name != place.name and not draft.takes_away(name, arn)
        if others and document is not None and documents.grants_all_of(document, wanted):
            return name
    return ""


def _with_kept(
    draft: Draft, place: _Place, before: Document | None, granted: Granted, facts: BucketFacts
) -> dict[str, Any]:
    """What is granted, beside what somebody else put into the same policy.

    Our statement about a key stays where the bucket's encryption can't be read: unknown is not "none".
    """
    if before is None:
        return granted.document
    foreign = [s for s in documents.statements(before) if not is_ours(s, place.bucket)]
    if foreign and draft.replaces:
        foreign = []
    elif foreign:
        draft.warnings.append(f"{place.name} holds {count(len(foreign), 'statement')} of somebody else's, which stay.")
    complete = draft.answers.text("output_bucket.grant") != "put-object"
    has_key = bool(key_statements(granted.document))
    keys = key_statements(before) if complete and not has_key and facts.encryption.is_unknown else []
    return documents.beside(granted.document, [*keys, *foreign])


def _fits(draft: Draft, place: _Place, document: Document) -> bool:
    limit = draft.snapshot.limit(f"{place.title}PolicySizeQuota")
    used = place.principal.inline_sizes if place.principal else 0
    used -= documents.size(place.inline.value) if place.inline.value is not None else 0
    for change in draft.changes:  # what this plan puts there already
        call = change.call
        if call is None or call.parameters.get(f"{place.title}Name") != place.owner or change.kind != "policy":
            continue
        if call.operation.startswith(("Put", "Delete")) and call.parameters.get("PolicyName") != place.name:
            used += documents.size(change.after or "") - documents.size(change.before or "")
    return used + documents.size(document) <= limit


def _plan_inline(draft: Draft, place: _Place, granted: Granted, document: dict[str, Any]) -> None:
    before = place.inline.value
    if before is not None and documents.same_meaning(before, document):
        draft.changes.append(kept(place.id, "policy", place.name, place.arn, f"inline in {place.owner}"))
    else:
        undo = place.call("Delete{}Policy", PolicyName=place.name) if before is None else place.put(before)
        shown = count(len(documents.actions_of(document)), "action")
        draft.changes.append(
            Change(
                id=place.id,
                action=Action.CREATE if before is None else Action.UPDATE,
                kind="policy",
                name=place.name,
                resource=place.arn,
                summary=f"{shown} on {place.bucket}, inline in {place.owner}",
                reason=_reason(place),
                call=place.put(document),
                undo=(undo,),
                before=None if before is None else dict(before),
                after=document,
                why=granted.reasons,
            )
        )
    if place.attached:
        arn = next(a.arn for a in place.principal.attached if a.name == place.name) if place.principal else ""
        draft.changes.append(
            Change(
                id=f"{place.id}.detach",
                action=Action.DELETE,
                kind="attachment",
                name=place.name,
                resource=place.arn,
                summary=f"detached from {place.owner}",
                reason="The inline policy gives the same permissions. The managed policy itself stays.",
                call=place.call("Detach{}Policy", PolicyArn=arn),
                undo=(place.call("Attach{}Policy", PolicyArn=arn),),
            )
        )


def _plan_managed(draft: Draft, place: _Place, granted: Granted, document: dict[str, Any]) -> None:
    fact = draft.snapshot.policy(place.name)
    if fact.is_unknown:
        draft.problems.append(cannot_see(f"the policy {place.name}", fact))
        return
    size, limit = documents.size(document), draft.snapshot.limit("PolicySizeQuota")
    if size > limit:
        draft.problems.append(
            Problem(f"{place.name} would have {number(size)} characters, and AWS allows {number(limit)}.", "", "")
        )
    description = f"What Remotion Lambda may do with the bucket {place.bucket}."
    arn = plan_managed_policy(
        draft, place.name, fact.value, document, lambda _document: granted.reasons, _reason(place), description
    )
    if place.inline.value is not None:
        draft.changes.append(
            Change(
                id=f"{place.id}.inline",
                action=Action.DELETE,
                kind="policy",
                name=place.name,
                resource=place.arn,
                summary=f"the inline copy in {place.owner}",
                reason="The managed policy gives the same permissions.",
                call=place.call("Delete{}Policy", PolicyName=place.name),
                undo=(place.put(place.inline.value),),
                before=dict(place.inline.value),
            )
        )
    plan_attachment(draft, place.entity, place.owner, place.arn, place.principal, arn, "output_bucket.attach")


def _reason(place: _Place) -> str:
    if place.name.startswith(READ_POLICY):
        return f"Your code reads finished videos in {place.bucket}: downloadMedia(), presignUrl(), getRenderProgress()."
    return (
        f"The render function uploads the video to {place.bucket}, so it is its role that needs the permissions, not the "
        "caller's, which Remotion's page on roles has you change."
    )


def _warn_of_left_over(draft: Draft, wanted: tuple[str, ...]) -> None:
    """Tell which policies of an earlier run are for buckets that nobody names any more. They stay."""
    ours = {prefix + bucket for bucket in wanted for prefix in (POLICY, READ_POLICY)}
    seen: set[str] = set()
    for principal in (draft.snapshot.render_role.value, draft.snapshot.principal.value):
        for name, arn, _ in policies_of(principal):
            left = (
                name.startswith((POLICY, READ_POLICY)) and name not in ours | seen and not draft.takes_away(name, arn)
            )
            if left and draft.answers.origin("output_bucket.name") != "default" and principal is not None:
                seen.add(name)
                draft.warnings.append(
                    f"{principal.name} keeps {name} from an earlier run. To take it away: "
                    f'principal.take_away = ["{name}"]'
                )
