"""Service Quotas for AWS Lambda (and some of IAM's): values, increase requests and their course.

Rests on botocore's service-quotas model and "Service quotas for Service Quotas" (two open requests a Region, twenty an
account; one a quota). What moto answers for "vpc" stays as it is. State lives on moto's service-quotas backends.
Nothing moves by itself: `pass_time` takes open requests along their course.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from moto.core.responses import ActionResult
from moto.core.utils import unix_time
from moto.iam.models import iam_backends
from moto.servicequotas.models import ServiceQuotasBackend, servicequotas_backends
from moto.servicequotas.responses import ServiceQuotasResponse

from wizard.remotion.regions import IAM_REGION
from wizard.sandbox.calls import keys
from wizard.sandbox.calls.seams import CallError, put, take

CONCURRENT_EXECUTIONS = "L-B99A9384"
EVERY_REGION = "*"
OPEN_STATUSES = frozenset({"PENDING", "CASE_OPENED"})
STATUSES = OPEN_STATUSES | {"APPROVED", "DENIED", "CASE_CLOSED", "NOT_APPROVED", "INVALID_REQUEST"}
SERVICE_LINKED_ROLE = "AWSServiceRoleForServiceQuotas"

GENEROUS = 10_000  # the most that AWS grants here: whoever asks for more is denied

_DAY = 86_400
# Days after which a request takes its next step.
_COURSE = ((1, "CASE_OPENED"), (2, "APPROVED"))
_APPLIED_AFTER = 3
_OPEN_PER_REGION = 2
_OPEN_PER_ACCOUNT = 20
_PAGE = 100
_SERVICES = {
    "ec2": "Amazon Elastic Compute Cloud (Amazon EC2)",
    "iam": "AWS Identity and Access Management (IAM)",
    "lambda": "AWS Lambda",
    "logs": "Amazon CloudWatch Logs",
    "s3": "Amazon Simple Storage Service (Amazon S3)",
    "vpc": "Amazon Virtual Private Cloud (Amazon VPC)",
}


def may_create_service_linked_role() -> bool:
    """Whether the caller of the running request may iam:CreateServiceLinkedRole. Who enforces IAM replaces this."""
    return True


@dataclass(frozen=True)
class Quota:
    """A quota as AWS publishes it."""

    service: str
    code: str
    name: str
    default: float
    adjustable: bool = True
    unit: str = "None"
    is_global: bool = False


_QUOTAS = (
    Quota("lambda", CONCURRENT_EXECUTIONS, "Concurrent executions", 1000),
    Quota("lambda", "L-2ACBD22F", "Function and layer storage", 75, unit="Gigabytes"),
    Quota("lambda", "L-9FEE3D26", "Elastic network interfaces per VPC", 500),
    Quota("lambda", "L-01237738", "Function layers", 5, adjustable=False),
    Quota("lambda", "L-6581F036", "Environment variable size", 4, adjustable=False, unit="Kilobytes"),
    Quota("lambda", "L-75F48B05", "Deployment package size (direct upload)", 50, adjustable=False, unit="Megabytes"),
    Quota("iam", "L-FE177D64", "Roles per account", 1000, is_global=True),
    Quota("iam", "L-F55AF5E4", "Users per account", 5000, adjustable=False, is_global=True),
    Quota("iam", "L-F4A5425F", "Groups per account", 300, is_global=True),
    Quota("iam", "L-E95E4862", "Customer managed policies per account", 1500, is_global=True),
    Quota("iam", "L-0DA4ABF3", "Managed policies per role", 10, is_global=True),
    Quota("iam", "L-4019AD8B", "Managed policies per user", 10, is_global=True),
    Quota("iam", "L-C07B4B0D", "Role trust policy length", 2048, is_global=True),
)


def set_concurrency(account_id: str, region: str, value: int, *, applied: bool = True) -> None:
    """Decide the concurrent executions of `region` ("*": of every Region that has no value of its own).

    With `applied` False the limit holds all the same, but Service Quotas knows no applied value: GetServiceQuota
    answers NoSuchResourceException, as it does in accounts that are new.
    """
    held = {"value": float(value), "applied": applied}
    if region == EVERY_REGION:
        _store(account_id, "us-east-1", "sandbox_everywhere")[CONCURRENT_EXECUTIONS] = held
    else:
        _store(account_id, region, "sandbox_quotas")[CONCURRENT_EXECUTIONS] = held


def concurrency(account_id: str, region: str) -> int:
    """The concurrent executions that Lambda really allows in `region`."""
    return int(_held(account_id, region, CONCURRENT_EXECUTIONS)["value"])


def requests(account_id: str, region: str) -> list[dict[str, Any]]:
    """The increase requests made in `region`, oldest first, in the shape of `RequestedServiceQuotaChange`."""
    return list(_store(account_id, region, "sandbox_requests").values())


def advance(account_id: str, region: str, request_id: str, status: str, *, apply: bool = False) -> dict[str, Any]:
    """Give an increase request its next status, as AWS does in its own time; with `apply` the new limit holds as well.

    APPROVED is not yet applied in AWS: the value follows later. A request without a support case ends NOT_APPROVED
    where a case would be opened.

    Raises:
        KeyError: There is no such request.
        ValueError: Service Quotas has no such status.
    """
    if status not in STATUSES:
        raise ValueError(status)
    request: dict[str, Any] = _store(account_id, region, "sandbox_requests")[request_id]
    if status == "CASE_OPENED":
        if request["sandbox_support_case"]:
            request["CaseId"] = f"{17_000_000_000 + secrets.randbelow(999_999_999)}"
        else:
            status = "NOT_APPROVED"
    request.update(Status=status, LastUpdated=unix_time())
    if apply:
        held = {"value": request["DesiredValue"], "applied": True}
        _store(account_id, region, "sandbox_quotas")[request["QuotaCode"]] = held
    return request


def add_request(
    account_id: str, region: str, value: int, status: str = "PENDING", *, days_ago: float = 0, partition: str = "aws"
) -> dict[str, Any]:
    """Make an increase request for the concurrent executions, as somebody did some days ago."""
    quota = next(quota for quota in _QUOTAS if quota.code == CONCURRENT_EXECUTIONS)
    arn = f"arn:{partition}:servicequotas:{region}:{account_id}:{quota.service}/{quota.code}"
    root = f"arn:{partition}:iam::{account_id}:root"
    request = _file_request(account_id, region, quota, float(value), arn, root)
    request["Created"] = request["LastUpdated"] = request["Created"] - days_ago * _DAY
    request["sandbox_waited"] = {"PENDING": 0, "CASE_OPENED": 1}.get(status, 2)
    if status != "PENDING":
        advance(account_id, region, request["Id"], "CASE_OPENED")
        advance(account_id, region, request["Id"], status)
        request["LastUpdated"] = request["Created"] + min(days_ago, request["sandbox_waited"]) * _DAY
    return request


def pass_time(account_id: str, days: int = 1) -> list[dict[str, Any]]:
    """Let days pass: what was asked for becomes older, is looked at, approved (or denied), and then applied.

    Returns the requests that took a step, each as it is now. A request is PENDING on its first day, has a support case on
    the second, is APPROVED on the third, and holds on the fourth. More than `GENEROUS` is denied.
    """
    moved: dict[str, dict[str, Any]] = {}
    for _ in range(days):
        for region in list(_store(account_id, "us-east-1", "sandbox_requesting_regions")):
            for request in requests(account_id, region):
                request["Created"] -= _DAY
                request["LastUpdated"] -= _DAY
                if _one_day_on(account_id, region, request):
                    moved[request["Id"]] = {**request, "Region": region}
    return list(moved.values())


def _one_day_on(account_id: str, region: str, request: dict[str, Any]) -> bool:
    """Take a request one day further on its course; whether it changed."""
    status = request["Status"]
    request["sandbox_waited"] = waited = int(request.get("sandbox_waited", 0)) + 1
    if status == "APPROVED" and waited >= _APPLIED_AFTER and not request.get("sandbox_applied"):
        if request["DesiredValue"] > _held(account_id, region, request["QuotaCode"])["value"]:
            held = {"value": request["DesiredValue"], "applied": True}
            _store(account_id, region, "sandbox_quotas")[request["QuotaCode"]] = held
        request["sandbox_applied"] = True
        return True
    if status not in OPEN_STATUSES:
        return False
    following = next((name for day, name in reversed(_COURSE) if waited >= day), status)
    if following == "APPROVED" and request["DesiredValue"] > GENEROUS:
        following = "DENIED"
    if following == status:
        return False
    advance(account_id, region, request["Id"], following)
    return True


def install() -> None:
    """Give moto's Service Quotas the calls it lacks, and the services besides "vpc"."""
    vpc_get = take(ServiceQuotasResponse, "get_service_quota")
    vpc_list = take(ServiceQuotasResponse, "list_aws_default_service_quotas")

    def get_service_quota(self: ServiceQuotasResponse) -> Any:
        params = _params(self)
        if params["ServiceCode"] == "vpc":
            return vpc_get(self)
        quota = _quota(self, params)
        applied = _applied(self, quota)
        if applied is None:
            raise CallError(
                "NoSuchResourceException", "The request failed because no applied value exists for the quota."
            )
        return ActionResult({"Quota": _describe(self, quota, applied)})

    def list_service_quotas(self: ServiceQuotasResponse) -> Any:
        params = _params(self)
        if params["ServiceCode"] == "vpc":
            return vpc_list(self)
        rows = [
            _describe(self, quota, applied)
            for quota in _of_service(self, params["ServiceCode"])
            if params.get("QuotaCode") in {None, quota.code} and (applied := _applied(self, quota)) is not None
        ]
        return _page(params, "Quotas", rows)

    def get_aws_default_service_quota(self: ServiceQuotasResponse) -> Any:
        params = _params(self)
        if params["ServiceCode"] == "vpc":
            return vpc_get(self)
        quota = _quota(self, params)
        return ActionResult({"Quota": _describe(self, quota, quota.default, default=True)})

    def list_aws_default_service_quotas(self: ServiceQuotasResponse) -> Any:
        params = _params(self)
        if params["ServiceCode"] == "vpc":
            return vpc_list(self)
        quotas = _of_service(self, params["ServiceCode"])
        return _page(params, "Quotas", [_describe(self, quota, quota.default, default=True) for quota in quotas])

    for name, function in {
        "list_services": _list_services,
        "get_service_quota": get_service_quota,
        "list_service_quotas": list_service_quotas,
        # Moto turns an operation's name into a method's so: ListAWSDefaultServiceQuotas -> list_aws_default_...
        "get_aws_default_service_quota": get_aws_default_service_quota,
        "list_aws_default_service_quotas": list_aws_default_service_quotas,
        "request_service_quota_increase": _request_increase,
        "get_requested_service_quota_change": _get_request,
        "list_requested_service_quota_change_history": _history,
        "list_requested_service_quota_change_history_by_quota": _history_by_quota,
        "create_support_case": _create_support_case,
    }.items():
        put(ServiceQuotasResponse, name, function)


def _store(account_id: str, region: str, name: str) -> dict[str, dict[str, Any]]:
    """A dictionary kept on the Region's backend, made when it is first needed."""
    backend: ServiceQuotasBackend = servicequotas_backends[account_id][region]
    held: dict[str, dict[str, Any]] = vars(backend).setdefault(name, {})
    return held


def _held(account_id: str, region: str, code: str) -> Mapping[str, Any]:
    quota = next(quota for quota in _QUOTAS if quota.code == code)
    return (
        _store(account_id, region, "sandbox_quotas").get(code)
        or _store(account_id, "us-east-1", "sandbox_everywhere").get(code)
        or {"value": float(quota.default), "applied": True}
    )


def _applied(response: ServiceQuotasResponse, quota: Quota) -> float | None:
    held = _held(response.current_account, response.region, quota.code)
    return float(held["value"]) if held["applied"] else None


def _params(response: ServiceQuotasResponse) -> dict[str, Any]:
    params: dict[str, Any] = json.loads(response.body or "{}")
    return params


def _of_service(response: ServiceQuotasResponse, service: str) -> list[Quota]:
    if service not in _SERVICES:
        raise CallError("NoSuchResourceException", "The request failed because the specified service does not exist.")
    home = IAM_REGION.get(response.partition)
    return [quota for quota in _QUOTAS if quota.service == service and (not quota.is_global or response.region == home)]


def _quota(response: ServiceQuotasResponse, params: Mapping[str, Any]) -> Quota:
    for quota in _of_service(response, params["ServiceCode"]):
        if quota.code == params["QuotaCode"]:
            return quota
    raise CallError("NoSuchResourceException", "The request failed because the specified quota does not exist.")


def _arn(response: ServiceQuotasResponse, quota: Quota, *, default: bool = False) -> str:
    account = "" if default else response.current_account
    return f"arn:{response.partition}:servicequotas:{response.region}:{account}:{quota.service}/{quota.code}"


def _describe(response: ServiceQuotasResponse, quota: Quota, value: float, *, default: bool = False) -> dict[str, Any]:
    described: dict[str, Any] = {
        "ServiceCode": quota.service,
        "ServiceName": _SERVICES[quota.service],
        "QuotaArn": _arn(response, quota, default=default),
        "QuotaCode": quota.code,
        "QuotaName": quota.name,
        "Value": float(value),
        "Unit": quota.unit,
        "Adjustable": quota.adjustable,
        "GlobalQuota": quota.is_global,
        "QuotaAppliedAtLevel": "ACCOUNT",
    }
    if quota.code == CONCURRENT_EXECUTIONS:
        described["UsageMetric"] = {
            "MetricNamespace": "AWS/Lambda",
            "MetricName": "ConcurrentExecutions",
            "MetricDimensions": {},
            "MetricStatisticRecommendation": "Maximum",
        }
    return described


def _page(params: Mapping[str, Any], field: str, rows: Sequence[Mapping[str, Any]]) -> ActionResult:
    size = int(params.get("MaxResults") or _PAGE)
    start = 0
    if token := params.get("NextToken"):
        try:
            start = int(base64.b64decode(token, validate=True))
        except ValueError:
            raise CallError("InvalidPaginationTokenException", "Invalid token was provided.") from None
    result: dict[str, Any] = {field: rows[start : start + size]}
    if start + size < len(rows):
        result["NextToken"] = base64.b64encode(str(start + size).encode()).decode()
    return ActionResult(result)


def _list_services(response: ServiceQuotasResponse) -> ActionResult:
    rows = [{"ServiceCode": code, "ServiceName": name} for code, name in _SERVICES.items()]
    return _page(_params(response), "Services", rows)


def _request_increase(response: ServiceQuotasResponse) -> ActionResult:
    params = _params(response)
    quota, account, region = _quota(response, params), response.current_account, response.region
    desired = float(params["DesiredValue"])
    if not quota.adjustable:
        raise CallError("IllegalArgumentException", f"The quota {quota.code} is not adjustable.")
    if desired <= float(_held(account, region, quota.code)["value"]):
        message = "You must provide a quota value greater than the current quota value."
        raise CallError("IllegalArgumentException", message)
    here = [request for request in requests(account, region) if request["Status"] in OPEN_STATUSES]
    if any(request["QuotaCode"] == quota.code for request in here):
        message = "Only one open service quota increase request is allowed per quota."
        raise CallError("ResourceAlreadyExistsException", message)
    if len(here) >= _OPEN_PER_REGION or _open_in_account(account) >= _OPEN_PER_ACCOUNT:
        raise CallError(
            "QuotaExceededException",
            "You have exceeded your service quota. To perform the requested action, remove some of the relevant "
            "resources, or use Service Quotas to request a service quota increase.",
        )
    _ensure_service_linked_role(account, response.partition)
    request = _file_request(account, region, quota, desired, _arn(response, quota), _caller_arn(response))
    request["sandbox_support_case"] = bool(params.get("SupportCaseAllowed", True))
    return ActionResult({"RequestedQuota": request})


def _file_request(account: str, region: str, quota: Quota, desired: float, arn: str, requester: str) -> dict[str, Any]:
    """Put a new request into the history."""
    now = unix_time()
    request: dict[str, Any] = {
        "Id": secrets.token_hex(16) + secrets.token_hex(4),
        "ServiceCode": quota.service,
        "ServiceName": _SERVICES[quota.service],
        "QuotaCode": quota.code,
        "QuotaName": quota.name,
        "DesiredValue": desired,
        "Status": "PENDING",
        "Created": now,
        "LastUpdated": now,
        "Requester": json.dumps({"accountId": account, "callerArn": requester}, separators=(",", ":")),
        "QuotaArn": arn,
        "GlobalQuota": quota.is_global,
        "Unit": quota.unit,
        "QuotaRequestedAtLevel": "ACCOUNT",
        "sandbox_support_case": True,
    }
    _store(account, region, "sandbox_requests")[str(request["Id"])] = request
    _store(account, "us-east-1", "sandbox_requesting_regions")[region] = {}
    return request


def _open_in_account(account_id: str) -> int:
    return sum(
        request["Status"] in OPEN_STATUSES
        for region in list(_store(account_id, "us-east-1", "sandbox_requesting_regions"))
        for request in requests(account_id, region)
    )


def _caller_arn(response: ServiceQuotasResponse) -> str:
    credential = keys.resolve(response.get_access_key())
    return credential.arn if credential else f"arn:{response.partition}:iam::{response.current_account}:root"


def _ensure_service_linked_role(account_id: str, partition: str) -> None:
    """The first request ever creates the role under which Service Quotas opens support cases."""
    backend = iam_backends[account_id][partition]
    if any(role.name == SERVICE_LINKED_ROLE for role in list(backend.roles.values())):
        return
    if not may_create_service_linked_role():
        raise CallError("DependencyAccessDeniedException", "Service-linked role creation access denied.")
    backend.create_service_linked_role("servicequotas.amazonaws.com", "", "")


def _find(response: ServiceQuotasResponse, request_id: str) -> dict[str, Any]:
    request = _store(response.current_account, response.region, "sandbox_requests").get(request_id)
    if request is None:
        raise CallError("NoSuchResourceException", "The request failed because the specified request does not exist.")
    return request


def _get_request(response: ServiceQuotasResponse) -> ActionResult:
    return ActionResult({"RequestedQuota": _find(response, _params(response)["RequestId"])})


def _create_support_case(response: ServiceQuotasResponse) -> ActionResult:
    request = _find(response, _params(response)["RequestId"])
    if request["Status"] != "PENDING":
        raise CallError("InvalidResourceStateException", "The resource is in an invalid state.")
    request["sandbox_support_case"] = True
    advance(response.current_account, response.region, request["Id"], "CASE_OPENED")
    return ActionResult({})


def _history(response: ServiceQuotasResponse) -> ActionResult:
    params = _params(response)
    if service := params.get("ServiceCode"):
        _of_service(response, service)
    return _requests_page(response, params, lambda request: service in {None, request["ServiceCode"]})


def _history_by_quota(response: ServiceQuotasResponse) -> ActionResult:
    params = _params(response)
    quota = _quota(response, params)
    return _requests_page(response, params, lambda request: request["QuotaCode"] == quota.code)


def _requests_page(
    response: ServiceQuotasResponse, params: Mapping[str, Any], wanted: Callable[[Mapping[str, Any]], bool]
) -> ActionResult:
    status, level = params.get("Status"), params.get("QuotaRequestedAtLevel", "ALL")
    rows = [
        request
        for request in reversed(requests(response.current_account, response.region))
        if wanted(request)
        and status in {None, request["Status"]}
        and level in {"ALL", request["QuotaRequestedAtLevel"]}
    ]
    return _page(params, "RequestedQuotas", rows)
