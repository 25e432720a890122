"""Planning for what is there already: policies to take away, what is too wide, who else holds Remotion's permissions."""

from __future__ import annotations

from collections.abc import Iterator

from wizard.account.snapshot import Principal
from wizard.check.probes import Scene, forbidden_probes
from wizard.collect.meaning import is_made, is_role
from wizard.plan.changes import Action, Call, Change
from wizard.plan.draft import Draft
from wizard.plan.policies import policies_of
from wizard.policy import documents
from wizard.policy.documents import Document
from wizard.policy.evaluate import Outcome, Policy, PolicySet, Request, evaluate
from wizard.problem import Problem
from wizard.remotion import names
from wizard.text import listing


def plan_take_away(draft: Draft) -> None:
    """Take away the policies that the person named, from the caller and from the render role."""
    wanted = set(draft.answers.texts("principal.take_away"))
    for principal in _principals(draft):
        for name, arn, document in policies_of(principal):
            if draft.takes_away(name, arn):
                wanted -= {name, arn}
                draft.changes.append(_taken_away(principal, name, arn, document))
    for name in sorted(wanted):
        draft.warnings.append(f"principal.take_away: neither the caller nor the render role has {name} (any more).")


def _taken_away(principal: Principal, name: str, arn: str, document: Document | None) -> Change:
    title = principal.kind.capitalize()
    who = {f"{title}Name": principal.name}
    if arn:
        call, undo = (Call("iam", f"{verb}{title}Policy", {**who, "PolicyArn": arn}) for verb in ("Detach", "Attach"))
    else:
        text = documents.pretty(document or {})
        call = Call("iam", f"Delete{title}Policy", {**who, "PolicyName": name})
        undo = Call("iam", f"Put{title}Policy", {**who, "PolicyName": name, "PolicyDocument": text})
    return Change(
        id=f"{principal.kind}.{principal.name}.take-away.{name}",
        action=Action.DELETE,
        kind="attachment" if arn else "policy",
        name=name,
        resource=principal.arn,
        summary=f"{'detached from' if arn else 'inline in'} {principal.name}",
        reason="You asked to take it away. " + ("The policy itself stays." if arn else ""),
        call=call,
        undo=(undo,),
        before=None if document is None else dict(document),
    )


def warn_of_width(draft: Draft) -> None:
    """Tell which policies allow far more than Remotion needs. Nothing is taken away unless the person names it."""
    for principal in _principals(draft):
        for name, meanings in removable(draft, principal):
            draft.warnings.append(
                f"{principal.name} also has {name}: with it, it may {listing(meanings)}. Remotion needs none of that. It "
                f'stays; to take it away: principal.take_away = ["{name}"]'
            )


def removable(draft: Draft, principal: Principal) -> Iterator[tuple[str, list[str]]]:
    """Yield the policies of a principal that allow what Remotion must not do, with what that is, for people."""
    asked = set(draft.answers.texts("extras.aws_managed_policies"))
    region = draft.answers.texts("remotion.regions")
    probes = forbidden_probes(Scene(draft.account, draft.partition, region, str(draft.release)))
    for name, arn, document in policies_of(principal):
        if name in names.SET_UP_POLICIES | asked or draft.takes_away(name, arn) or document is None:
            continue
        policies = PolicySet(identity=(Policy(name, document),))
        meanings = [
            probe.meaning
            for probe in probes
            if any(
                evaluate(Request(a, probe.resource, principal.arn), policies).outcome is Outcome.ALLOWED
                for a in probe.actions
            )
        ]
        if meanings:
            yield name, meanings


def warn_of_others(draft: Draft) -> None:
    """Tell who else in the account holds Remotion's permissions, whole or in part, and roles with a wrong name."""
    survey, caller = draft.snapshot.survey.value, draft.caller
    if survey is None:
        return
    others = [h for h in survey.users if h.name != caller]
    whole = [h for h in others if h.granted >= h.wanted]
    if draft.snapshot.principal.value is None and whole and not is_role(draft.answers):
        draft.warnings.append(
            f"{whole[0].name} has all that Remotion needs already ({listing(whole[0].policies)}). Did you mean that user? "
            f"principal.name = {whole[0].name}"
        )
    own = next((h for h in survey.users if h.name == caller), None)
    parts = [h for h in others if 0 < h.granted < h.wanted]
    if own is not None and own.granted < own.wanted and parts:
        draft.warnings.append(
            f"{caller} has {own.granted} of the {own.wanted} permissions, and {parts[0].name} has {parts[0].granted}. "
            f"Remotion signs in as one of them only, so one of them needs all. {parts[0].name} is left as it is."
        )
    for role in survey.roles:
        draft.warnings.append(
            f"The role {role.name} looks like a render role under another name. Remotion looks for {names.RENDER_ROLE}. "
            f"It is left as it is; to use it, name it at every deploy: render_role.name = {role.arn}"
        )


def demand_boundary(draft: Draft) -> None:
    """Stop before anything is made where the organisation wants a permissions boundary and none was named."""
    demand = draft.snapshot.boundary_demand
    makes = draft.snapshot.render_role.is_absent or (is_made(draft.answers) and draft.snapshot.principal.is_absent)
    if demand is None or draft.answers.text("principal.permissions_boundary") or not makes:
        return
    if demand.demanded:
        named = demand.candidates[0] if demand.candidates else "the ARN of the boundary"
        draft.problems.append(
            Problem(
                "Nobody may make users or roles here without a permissions boundary.",
                demand.sentence,
                f"principal.permissions_boundary = {named}",
            )
        )
    elif demand.demanded is None and demand.sentence:
        draft.warnings.append(demand.sentence)


def _principals(draft: Draft) -> Iterator[Principal]:
    """The user and the render role. A compute role serves an application of its own, whose policies are no business of ours."""
    caller, render_role = draft.snapshot.principal.value, draft.snapshot.render_role.value
    if caller is not None and is_made(draft.answers):
        yield caller
    if render_role is not None and render_role is not caller:
        yield render_role
