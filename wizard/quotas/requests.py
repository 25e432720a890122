"""Asking AWS for a higher limit: what speaks against it before it is sent, and what an answer, or none, means.

A request can't be taken back through the API, and asking twice is an error of its own: it gets one attempt, and a lost
answer is settled by the history. Source: "Service quotas for Service Quotas" (one open request a quota, two a Region).
"""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import Final

from wizard.account.connect import Aws
from wizard.account.errors import code_of, is_denied, layer_of, message_of, problem_of
from wizard.problem import Problem, ProblemError
from wizard.quotas.limits import IncreaseRequest, RegionQuota, State, quota_page, read_history
from wizard.remotion import names
from wizard.text import day, number

OPEN_PER_REGION: Final = 2
_LOOKS: Final = 4  # at the history after a lost answer: it may take a moment to show the request


def why_not(quota: RegionQuota, value: int) -> Problem | None:
    """Return why asking for `value` in a region would be refused or be of no use, with what to do instead; None if fine."""
    region, limit, request = quota.region, quota.limit, quota.open_request
    if quota.state is not State.READ or limit is None:
        told = quota.problem
        title = f"Nothing can be asked for in {region}: {told.title if told else 'its limit is not known.'}"
        return Problem(title, told.detail if told else "", told.remedy if told else "Try again.")
    if request is not None:
        asked = f"{number(request.value)} since {day(request.created)}"
        case = f"case {request.case_id}" if request.case_id else "no support case yet"
        return Problem(
            f"A request is open in {region} already: for {asked}.",
            f"AWS takes one at a time for a quota ({request.status}, {case}).",
            f"Wait for its answer, or change the number in its case: {request.link}",
        )
    if value <= limit:
        return Problem(
            f"{region} has {number(limit)} already; {number(value)} is not more.",
            "AWS takes only requests for more than the current limit.",
            f"Ask for more than {number(limit)} (--value), or leave it as it is.",
        )
    last = quota.last_request
    if last is not None and last.status == "APPROVED" and last.value >= value:
        return Problem(
            f"AWS approved {number(last.value)} in {region} on {day(last.updated)}; it is only not applied yet.",
            f"The limit is still {number(limit)}.",
            f"Wait until it is: remotion-lambda-wizard quotas --region {region}",
        )
    if quota.open_in_region is not None and quota.open_in_region >= OPEN_PER_REGION:
        page = quota_page(region).partition("/services/")[0] + "/requests"
        return Problem(
            f"{quota.open_in_region} requests for other quotas are open in {region}, which is AWS's limit.",
            f"AWS takes {OPEN_PER_REGION} open requests in a region at a time.",
            f"Wait until one of them is answered: {page}",
        )
    return None


def requests_now(aws: Aws, region: str) -> tuple[IncreaseRequest, ...]:
    """Return the requests there are, read right before one is sent; none where they may not be read.

    Raises ProblemError when AWS can't be asked.
    """
    try:
        return read_history(aws, region)
    except Exception as error:
        if is_denied(error):
            return ()
        raise problem_of(error, f"reading the requests in {region}", aws.target.profile) from error


def find_lost(aws: Aws, region: str, value: int, before: Collection[str]) -> IncreaseRequest | None:
    """Return the request that was made although no answer came: one for this value that was not there before.

    Raises ProblemError if that can't be told; nothing is asked again then either.
    """
    pause = 1.0 if aws.target.settle_seconds else 0.0
    for look in range(_LOOKS):
        if look:
            time.sleep(pause * look)
        try:
            found = read_history(aws, region)
        except Exception as error:
            reason = problem_of(error, f"reading the requests in {region}").problem
            raise ProblemError(
                Problem(
                    f"It is not known whether the request in {region} was made.",
                    f"AWS gave no answer, and the history can't be read: {reason.title} {reason.detail}".strip(),
                    f"Look before you ask again: remotion-lambda-wizard quotas --region {region}",
                )
            ) from error
        made = next((r for r in found if r.id not in before and r.value == value), None)
        if made is not None:
            return made
    return None


def not_made(region: str) -> Problem:
    """The problem of a request that got no answer and that the history does not show."""
    return Problem(
        f"AWS gave no answer to the request in {region}, and its history shows none.",
        "It was not sent a second time.",
        f"Look again in a minute, and ask then if there is still none: remotion-lambda-wizard quotas --region {region}",
    )


def refused(error: Exception, region: str, value: int, partition: str, account: str) -> Problem | None:
    """Return what AWS's refusal of a request means, None where there is nothing special to say about it."""
    code, message = code_of(error), message_of(error)
    if code == "DependencyAccessDeniedException":
        return role_denied(error, partition, account)
    if code == "ResourceAlreadyExistsException":
        return Problem(
            f"A request is open in {region} already.",
            message,
            f"See it: remotion-lambda-wizard quotas --region {region}",
        )
    if code == "QuotaExceededException":
        return Problem(
            f"Too many requests are open: AWS takes {OPEN_PER_REGION} in a region and 20 in an account.",
            message,
            "Wait until one of them is answered.",
        )
    if code == "IllegalArgumentException":
        return Problem(
            f"AWS does not take {number(value)} for {region}.",
            message,
            f"Look at the limit, then ask for more than it: remotion-lambda-wizard quotas --region {region}",
        )
    if is_denied(error) and "RequestServiceQuotaIncrease" in message:
        return Problem(
            "You may not call servicequotas:RequestServiceQuotaIncrease.",
            message,
            f"{_who(message)} can allow it. Or ask in the console, with an identity that may: {quota_page(region)}",
        )
    return None


def role_denied(error: Exception, partition: str, account: str) -> Problem:
    """The problem of a service-linked role that is missing and that we may not make: the permission, and who gives it.

    Remotion's CLI calls it "a sub-account of another AWS account" (issue 1941 of Remotion).
    """
    message = message_of(error)
    arn = f"arn:{partition}:iam::{account}:role/aws-service-role/{names.QUOTA_SERVICE}/{names.QUOTA_ROLE}"
    return Problem(
        f"The account has no service-linked role {names.QUOTA_ROLE}, and you may not make it.",
        f"Missing permission: iam:CreateServiceLinkedRole on {arn}\n{message}",
        f"{_who(message)} can give it, or make the role once for the account:\n"
        f"aws iam create-service-linked-role --aws-service-name {names.QUOTA_SERVICE}\n"
        "Then ask again: remotion-lambda-wizard quotas request",
    )


def _who(message: str) -> str:
    layer = layer_of(message)
    if layer in {"scp", "rcp"}:
        return "Only the administrator of your AWS organisation"
    if layer == "permissions-boundary":
        return "Whoever set the permissions boundary of this identity"
    return "An administrator of the account (or, in an organisation with a service control policy, its administrator)"
