"""Regions of the account and whether they are enabled: ListRegions, GetRegionOptStatus, EnableRegion, DisableRegion.

Rests on botocore's account model and on Remotion's region list for the Regions that AWS enables by default. A sandbox's
Regions are kept on moto's account backend.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import moto.account.urls as account_urls
from moto.account.models import account_backends
from moto.account.responses import AccountResponse
from moto.core.exceptions import JsonRESTError
from moto.core.responses import ActionResult, EmptyResult

from wizard.sandbox.calls.seams import put

STATUSES = frozenset({"ENABLED", "ENABLING", "DISABLING", "DISABLED", "ENABLED_BY_DEFAULT"})

_BY_DEFAULT: Mapping[str, tuple[str, ...]] = {
    "aws": (
        "us-east-1",
        "us-east-2",
        "us-west-1",
        "us-west-2",
        "ca-central-1",
        "sa-east-1",
        "eu-central-1",
        "eu-west-1",
        "eu-west-2",
        "eu-west-3",
        "eu-north-1",
        "ap-south-1",
        "ap-northeast-1",
        "ap-northeast-2",
        "ap-northeast-3",
        "ap-southeast-1",
        "ap-southeast-2",
    ),
    "aws-cn": ("cn-north-1", "cn-northwest-1"),
    "aws-us-gov": ("us-gov-east-1", "us-gov-west-1"),
}
_OPT_IN = (
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-south-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-west-1",
    "eu-central-2",
    "eu-south-1",
    "eu-south-2",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
)
_PAGE = 50


def statuses(account_id: str, partition: str = "aws") -> dict[str, str]:
    """The opt-in status of each Region of the partition."""
    known = dict.fromkeys(_BY_DEFAULT.get(partition, ()), "ENABLED_BY_DEFAULT")
    if partition == "aws":
        known |= dict.fromkeys(_OPT_IN, "ENABLED")  # until somebody switches one off
    held: dict[str, str] = getattr(account_backends[account_id][partition], "sandbox_regions", {})
    return known | held


def set_status(account_id: str, region: str, status: str, partition: str = "aws") -> None:
    """Decide the opt-in status of `region`. Raises ValueError for a status that AWS does not have."""
    if status not in STATUSES:
        raise ValueError(status)
    vars(account_backends[account_id][partition]).setdefault("sandbox_regions", {})[region] = status


def switched_off(account_id: str, region: str, partition: str = "aws") -> bool:
    """Whether calls to `region` reach no service: AWS answers there that the security token is invalid."""
    return statuses(account_id, partition).get(region) in {"DISABLED", "DISABLING", "ENABLING"}


def install() -> None:
    """Give moto's account service its Regions."""
    for name, function in {
        "list_regions": _list_regions,
        "get_region_opt_status": _get_region_opt_status,
        "enable_region": _enable_region,
        "disable_region": _disable_region,
    }.items():
        put(AccountResponse, name, function)
    for path in ("listRegions", "getRegionOptStatus", "enableRegion", "disableRegion"):
        account_urls.url_paths.setdefault(f"{{0}}/{path}$", AccountResponse.dispatch)


def _params(response: AccountResponse) -> dict[str, Any]:
    params: dict[str, Any] = json.loads(response.body or "{}")
    return params


def _account(response: AccountResponse, params: Mapping[str, Any]) -> str:
    return params.get("AccountId") or response.current_account


def _list_regions(response: AccountResponse) -> ActionResult:
    params = _params(response)
    wanted = params.get("RegionOptStatusContains") or STATUSES
    rows = [
        {"RegionName": region, "RegionOptStatus": status}
        for region, status in sorted(statuses(_account(response, params), response.partition).items())
        if status in wanted
    ]
    size, start = int(params.get("MaxResults") or _PAGE), int(params.get("NextToken") or 0)
    result: dict[str, Any] = {"Regions": rows[start : start + size]}
    if start + size < len(rows):
        result["NextToken"] = str(start + size)
    return ActionResult(result)


def _known_status(response: AccountResponse, params: Mapping[str, Any]) -> str:
    status = statuses(_account(response, params), response.partition).get(params["RegionName"])
    if status is None:
        raise JsonRESTError("ValidationException", f"Invalid region name: {params['RegionName']}")
    return status


def _get_region_opt_status(response: AccountResponse) -> ActionResult:
    params = _params(response)
    return ActionResult({"RegionName": params["RegionName"], "RegionOptStatus": _known_status(response, params)})


def _enable_region(response: AccountResponse) -> ActionResult:
    return _switch(response, "ENABLED")


def _disable_region(response: AccountResponse) -> ActionResult:
    return _switch(response, "DISABLED")


def _switch(response: AccountResponse, status: str) -> ActionResult:
    params = _params(response)
    if _known_status(response, params) == "ENABLED_BY_DEFAULT":
        raise JsonRESTError("ValidationException", f"The region {params['RegionName']} is enabled by default.")
    set_status(_account(response, params), params["RegionName"], status, response.partition)
    return EmptyResult()
