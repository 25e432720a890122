"""Asking IAM's simulator, and reading both shapes of its answer.

AWS operation: iam:SimulatePrincipalPolicy. Until July 2026 an answer row was one action and one ARN; since then the row's
own name is a template and the ARNs are in ResourceSpecificResults. Only the rows per ARN are read, where there are any.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from wizard.account.connect import Aws
from wizard.account.errors import code_of
from wizard.remotion import names

_THROTTLED = {"Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded"}

# What is the same in every call of Remotion. Source: "AWS global condition context keys" (AWS IAM User Guide).
ALWAYS: Final = {"aws:SecureTransport": "true"}
ATTEMPTS = 3  # of one call; throttling is waited out beyond them


@dataclass(frozen=True)
class Verdict:
    """IAM's answer for one action on one ARN. `decision` is allowed, explicitDeny or implicitDeny."""

    action: str
    resource: str
    decision: str
    by_organization: bool | None = None  # False: a service control policy does not allow it
    by_boundary: bool | None = None  # False: the permissions boundary does not allow it
    missing_context: tuple[str, ...] = ()
    matched: tuple[str, ...] = ()  # the policies whose statements matched
    region: str = ""  # the region that it was asked for, where that was said

    @property
    def allowed(self) -> bool:
        return self.decision == "allowed"


def simulate(
    aws: Aws,
    principal_arn: str,
    actions: Sequence[str],
    resources: Sequence[str],
    context: Mapping[str, str] | None = None,
    resource_policy: str = "",
    region: str = "",
) -> list[Verdict]:
    """Ask whether a user or role may do each action on each ARN. All pages are read; throttling is waited out.

    `context` maps condition keys to values; iam:PassRole is always asked for handing a role to AWS Lambda.
    `resource_policy` is the policy of the resources, which belong to the principal's account; IAM takes it for users only.
    `region` is where the call would be made: organisations restrict regions, and IAM evaluates that.
    Raises botocore's ClientError (AccessDenied, NoSuchEntity, InvalidInput, …).
    """
    parameters: dict[str, Any] = {
        "PolicySourceArn": principal_arn,
        "ActionNames": list(actions),
        "ResourceArns": list(resources),
        "MaxItems": 1000,
    }
    if resource_policy:
        root = ":".join(principal_arn.split(":")[:5]) + ":root"
        parameters |= {"ResourcePolicy": resource_policy, "CallerArn": principal_arn, "ResourceOwner": root}
    known = dict(context or {})
    if any(action.lower() == "iam:passrole" for action in actions):
        known.setdefault("iam:PassedToService", names.LAMBDA_SERVICE)
    if region:
        known = {"aws:RequestedRegion": region, **ALWAYS, **known}
    if known:
        parameters["ContextEntries"] = [
            {"ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": "string"}
            for key, value in known.items()
        ]
    found: list[Verdict] = []
    while True:
        answer = _patiently(aws, parameters)
        for row in answer["EvaluationResults"]:
            found.extend(replace(verdict, region=region) for verdict in _verdicts(row))
        if not answer.get("IsTruncated"):
            return found
        parameters["Marker"] = answer["Marker"]


def _patiently(aws: Aws, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    for attempt in range(6):
        try:
            answer: Mapping[str, Any] = aws.client("iam", attempts=ATTEMPTS).simulate_principal_policy(**parameters)
            return answer
        except Exception as error:
            if code_of(error) not in _THROTTLED or attempt == 5:
                raise
            time.sleep(min(10.0, 1.0 * 2**attempt))
    raise AssertionError("unreachable")


def _verdicts(row: Mapping[str, Any]) -> Iterator[Verdict]:
    specific = row.get("ResourceSpecificResults") or []
    for part in specific:
        yield _verdict(
            row["EvalActionName"], str(part["EvalResourceName"]), str(part["EvalResourceDecision"]), part, row
        )
    if not specific:
        yield _verdict(row["EvalActionName"], str(row.get("EvalResourceName", "*")), str(row["EvalDecision"]), row, row)


def _verdict(action: str, resource: str, decision: str, part: Mapping[str, Any], row: Mapping[str, Any]) -> Verdict:
    organization = part.get("OrganizationsDecisionDetail") or row.get("OrganizationsDecisionDetail") or {}
    boundary = part.get("PermissionsBoundaryDecisionDetail") or row.get("PermissionsBoundaryDecisionDetail") or {}
    matched = part.get("MatchedStatements") or row.get("MatchedStatements") or []
    missing = part.get("MissingContextValues") or row.get("MissingContextValues") or []
    return Verdict(
        action=action,
        resource=resource,
        decision=decision,
        by_organization=organization.get("AllowedByOrganizations"),
        by_boundary=boundary.get("AllowedByPermissionsBoundary"),
        missing_context=tuple(str(m) for m in missing),
        matched=tuple(str(m.get("SourcePolicyId", "")) for m in matched),
    )
