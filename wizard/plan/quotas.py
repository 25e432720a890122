"""Planning for quotas: requests for a higher Lambda concurrency, and the service-linked role that the first one needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from wizard.account.snapshot import Fact, Identity
from wizard.plan.changes import Action, Call, Change, Plan
from wizard.plan.draft import Draft, kept
from wizard.problem import Problem
from wizard.quotas.advice import recommendation
from wizard.quotas.limits import QUOTA, QUOTA_CODE, RegionQuota
from wizard.quotas.requests import why_not
from wizard.remotion import names
from wizard.text import day, number


def plan_quotas(draft: Draft) -> None:
    """Ask for the Lambda concurrency that the answers name, once in each region; the role for that comes first.

    What speaks against a request is a warning, and what AWS refuses is skipped: the rest can be set up all the same.
    """
    value = int(draft.answers["quotas.concurrent_executions"])
    asked: list[Change] = []
    for quota in draft.snapshot.quotas.values() if value else ():
        refusal = why_not(quota, value)
        if refusal is None:
            asked.append(replace(request_change(quota, value, draft.snapshot.identity), optional=True))
        elif quota.limit is not None and (quota.open_request is not None or quota.limit >= value):
            asked.append(_kept(quota, draft.snapshot.identity))
            if quota.open_request is not None and quota.open_request.value < value:
                draft.warnings.append(f"{refusal.title} {refusal.remedy}")
        else:
            draft.warnings.append(f"{refusal.title} {refusal.remedy}".strip())
    asks = any(change.writes for change in asked)
    limits = [(region, fact.value) for region, fact in draft.snapshot.concurrency.items() if fact.value is not None]
    low = [(region, limit) for region, limit in limits if limit <= names.FUNCTIONS_PER_RENDER]
    if (low or asks) and draft.snapshot.quota_role.is_absent:
        asked_for = [(change.name, change.before["value"]) for change in asked if change.writes]
        region, limit = (low or limits or asked_for)[0]  # Lambda's own settings may not have been to be read
        reason = f"The Lambda concurrency in {region} is {number(limit)}."
        draft.changes.append(role_change(draft.snapshot.identity, reason, optional=True))
    draft.changes += asked


def quota_plan(
    identity: Identity, quotas: Sequence[RegionQuota], quota_role: Fact[bool], value: int | None = None
) -> Plan:
    """Plan requests by themselves: `value` in every region, without one what is recommended for each.

    A region where a request would be refused or of no use is left out with a warning that says what to do instead; if
    nothing can be asked for anywhere, these are the plan's problems.
    """
    changes: list[Change] = []
    refusals: list[Problem] = []
    for quota in quotas:
        advised = recommendation(quota)
        wanted = value or (advised.value if advised else None)
        if wanted is None and quota.open_request is None and quota.limit is not None:
            changes.append(_kept(quota, identity))
            continue
        refusal = why_not(quota, wanted or 0)
        if refusal is not None:
            refusals.append(refusal)
        elif wanted is not None:
            changes.append(request_change(quota, wanted, identity))
    if quota_role.is_absent and any(change.writes for change in changes):
        changes.insert(0, role_change(identity, "The account has never asked for a quota.", optional=False))
    if any(change.writes for change in changes):
        left_out = tuple(f"{refusal.title} {refusal.remedy}".strip() for refusal in refusals)
        return Plan(identity, tuple(changes), left_out)
    return Plan(identity, tuple(changes), problems=tuple(refusals))


def request_change(quota: RegionQuota, value: int, identity: Identity) -> Change:
    """Return the change that asks for `value` in a region. It has no undo: AWS takes no request back."""
    limit = quota.limit or 0
    advised = recommendation(quota)
    reason = advised.reason if advised and advised.value == value else "You chose this number."
    return Change(
        id=f"quota.{quota.region}",
        action=Action.CREATE,
        kind="quota",
        name=quota.region,
        resource=_arn(quota, identity),
        summary=f"ask AWS to raise the Lambda concurrency from {number(limit)} to {number(value)}",
        reason=f"One render may use {names.FUNCTIONS_PER_RENDER} functions at once. {reason} A request can't be taken back; "
        "AWS may open a support case and ask questions.",
        call=Call("service-quotas", "RequestServiceQuotaIncrease", {**QUOTA, "DesiredValue": value}, quota.region),
        before={"value": limit},
        after={"value": value},
    )


def role_change(identity: Identity, why: str, *, optional: bool) -> Change:
    """Return the change that makes the service-linked role of Service Quotas.

    Without it `npx remotion lambda quotas increase` ends in DependencyAccessDeniedException, since Remotion's user policy may
    not make it; Remotion's CLI then speaks of a sub-account (issue 1941 of Remotion).
    """
    path = f"role/aws-service-role/{names.QUOTA_SERVICE}/{names.QUOTA_ROLE}"
    return Change(
        id=f"role.{names.QUOTA_ROLE}",
        action=Action.CREATE,
        kind="role",
        name=names.QUOTA_ROLE,
        resource=f"arn:{identity.partition}:iam::{identity.account}:{path}",
        summary="so that a higher limit can be asked for",
        reason=f"{why} Asking AWS for more needs this role of AWS's own, once in an account; Remotion's user can't make it.",
        call=Call("iam", "CreateServiceLinkedRole", {"AWSServiceName": names.QUOTA_SERVICE}),
        undo=(Call("iam", "DeleteServiceLinkedRole", {"RoleName": names.QUOTA_ROLE}),),
        after={"AWSServiceName": names.QUOTA_SERVICE},
        optional=optional,
    )


def _kept(quota: RegionQuota, identity: Identity) -> Change:
    request = quota.open_request
    summary = f"the limit is {number(quota.limit or 0)}"
    if request is not None:
        summary = f"{number(request.value)} asked for on {day(request.created)}, {request.status}"
    return kept(f"quota.{quota.region}", "quota", quota.region, _arn(quota, identity), summary)


def _arn(quota: RegionQuota, identity: Identity) -> str:
    return f"arn:{identity.partition}:servicequotas:{quota.region}:{identity.account}:lambda/{QUOTA_CODE}"
