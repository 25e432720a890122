"""The limit of concurrent Lambda executions, read in one region or in many side by side. Reads only.

The truth is lambda:GetAccountSettings. Service Quotas may have no applied value for an account (NoSuchResourceException),
and AWS's published default is 1,000 where a new account really has 10.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from typing import Any, Final, TypeVar

from wizard.account import listing
from wizard.account.connect import Aws
from wizard.account.errors import code_of, is_bad_key, is_denied, layer_of, message_of, problem_of
from wizard.account.snapshot import Fact
from wizard.problem import Problem
from wizard.remotion.regions import OPT_IN, SUPPORTED, partition_of

QUOTA_CODE: Final = "L-B99A9384"  # Lambda's "Concurrent executions"
QUOTA: Final = {"ServiceCode": "lambda", "QuotaCode": QUOTA_CODE}
OPEN: Final = frozenset({"PENDING", "CASE_OPENED"})
TIME_OUT: Final = 20.0  # seconds for one region
AT_ONCE: Final = 24  # regions that are read at the same time; Remotion supports 23 in the partition aws
_MOST_FUNCTIONS: Final = 300  # that are looked at for reserved concurrency: a call each
_CONSOLES: Final = {
    "aws": "console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
}
T = TypeVar("T")


class State(StrEnum):
    """How reading a region ended. Only FAILED and TIMED_OUT are errors."""

    READ = "read"
    OFF = "off"  # the account has not enabled the region
    BLOCKED = "blocked"  # a policy of the organisation keeps everybody out of it
    DENIED = "denied"  # this identity may not read the limit
    FAILED = "failed"
    TIMED_OUT = "timed-out"


@dataclass(frozen=True)
class IncreaseRequest:
    """A request for a higher limit, as Service Quotas lists it. Moments are ISO 8601, "" if not told."""

    id: str
    region: str
    status: str  # PENDING, CASE_OPENED, APPROVED, DENIED, NOT_APPROVED, CASE_CLOSED, INVALID_REQUEST
    value: int
    created: str = ""
    updated: str = ""
    case_id: str = ""
    automatic: bool = False  # made by Service Quotas itself (RequestType AutomaticManagement)

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    @property
    def link(self) -> str:
        """The page of AWS's console where the request stands: its support case, once there is one."""
        console = f"https://{self.region}.{_CONSOLES[partition_of(self.region)]}"
        if self.case_id:
            return f"{console}/support/home#/case/?displayId={self.case_id}"
        return f"{console}/servicequotas/home/requests/{self.id}"

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "status": self.status,
            "value": self.value,
            "created": self.created,
            "updated": self.updated,
            "case_id": self.case_id or None,
            "link": self.link,
            "automatic": self.automatic,
        }


@dataclass(frozen=True)
class Reservation:
    """A function that keeps some of the limit to itself."""

    function: str
    executions: int


@dataclass(frozen=True)
class RegionQuota:
    """What is known of one region. `limit` is what holds; `source` says who told: "lambda" or "service-quotas"."""

    region: str
    state: State = State.READ
    limit: int | None = None
    source: str = ""
    unreserved: int | None = None
    applied: Fact[int] = field(default_factory=Fact)  # GetServiceQuota; absent: it has no value for the account
    default: int | None = None  # AWS's published default, which need not be the account's
    history: Fact[tuple[IncreaseRequest, ...]] = field(default_factory=Fact)  # newest first
    open_in_region: int | None = None  # open requests for any quota of the region; None: not read
    reservations: tuple[Reservation, ...] = ()
    functions: tuple[str, ...] = ()  # ARNs of Remotion's functions, where they were looked at
    problem: Problem | None = None

    @property
    def requests(self) -> tuple[IncreaseRequest, ...]:
        return self.history.value or ()

    @property
    def open_request(self) -> IncreaseRequest | None:
        return next((request for request in self.requests if request.is_open), None)

    @property
    def last_request(self) -> IncreaseRequest | None:
        return self.requests[0] if self.requests else None

    @property
    def available(self) -> int | None:
        """What Remotion's functions can have: the limit without what other functions keep to themselves."""
        return self.limit if self.unreserved is None else self.unreserved

    @property
    def failed(self) -> bool:
        return self.state in {State.FAILED, State.TIMED_OUT}


def regions_of(partition: str) -> tuple[str, ...]:
    """Return every region that Remotion supports in a partition; GovCloud's, which it does not list, as AWS has them."""
    if partition == "aws-us-gov":
        return ("us-gov-west-1", "us-gov-east-1")
    return tuple(region for region in SUPPORTED if partition_of(region) == partition)


def quota_page(region: str) -> str:
    """Return the address of the quota's page in AWS's console."""
    console = _CONSOLES[partition_of(region)]
    return f"https://{region}.{console}/servicequotas/home/services/lambda/quotas/{QUOTA_CODE}"


def read_regions(
    aws: Aws, regions: Sequence[str], *, time_out: float = TIME_OUT, at_once: int = AT_ONCE
) -> Iterator[RegionQuota]:
    """Read regions side by side and yield each as it is there. One that fails or hangs holds up no other.

    A region that takes longer than `time_out` seconds is yielded as timed out, and what it answers later is dropped.
    """
    shared = _Shared(aws)
    arrived: queue.SimpleQueue[RegionQuota] = queue.SimpleQueue()
    waiting = list(dict.fromkeys(regions))[::-1]
    deadlines: dict[str, float] = {}
    if waiting:
        _in_background(shared.read_default)
    while waiting or deadlines:
        while waiting and len(deadlines) < at_once:
            region = waiting.pop()
            deadlines[region] = time.monotonic() + time_out
            _in_background(partial(_deliver, aws, region, shared, arrived))
        try:
            quota = arrived.get(timeout=max(0.0, min(deadlines.values()) - time.monotonic()))
        except queue.Empty:
            late = [region for region, deadline in deadlines.items() if deadline <= time.monotonic()]
            for region in late:
                del deadlines[region]
                yield RegionQuota(region, State.TIMED_OUT, problem=_no_answer(region, time_out))
            continue
        if deadlines.pop(quota.region, None) is not None:
            yield quota


def read_region(aws: Aws, region: str) -> RegionQuota:
    """Read one region, with how many requests are open in it for any quota. Raises nothing: a failure is a state."""
    shared = _Shared(aws)
    shared.read_default()
    quota = _read_safely(aws, region, shared)
    if quota.state is not State.READ:
        return quota
    return replace(quota, open_in_region=_open_in_region(aws, region))


def read_for_request(aws: Aws, regions: Sequence[str]) -> list[RegionQuota]:
    """Read regions in which something is to be asked for, in their order: with the open requests for any quota."""
    found = {quota.region: quota for quota in read_regions(aws, regions)}
    return [
        replace(found[region], open_in_region=_open_in_region(aws, region))
        if found[region].state is State.READ
        else found[region]
        for region in dict.fromkeys(regions)
    ]


def read_history(aws: Aws, region: str) -> tuple[IncreaseRequest, ...]:
    """Read the requests for this quota, newest first.

    AWS operation: servicequotas:ListRequestedServiceQuotaChangeHistoryByQuota. Raises what boto3 raises.
    """
    pages = _client(aws, "service-quotas", region).get_paginator("list_requested_service_quota_change_history_by_quota")
    found = [request_of(region, each) for page in pages.paginate(**QUOTA) for each in page["RequestedQuotas"]]
    return tuple(sorted(found, key=lambda request: request.created, reverse=True))


def newest_request(aws: Aws, region: str) -> IncreaseRequest | None:
    """Return the request that is open, else the newest; None also where the history can't be read."""
    try:
        found = read_history(aws, region)
    except Exception:  # it completes what is known of the limit
        return None
    return next((request for request in found if request.is_open), found[0] if found else None)


def remotion_functions(aws: Aws, region: str) -> tuple[str, ...]:
    """Return the ARNs of Remotion's functions in a region; none where they can't be read. AWS: lambda:ListFunctions."""
    try:
        found = listing.remotion_functions(_client(aws, "lambda", region))
    except Exception:  # they only complete a text
        return ()
    return tuple(sorted(str(function["FunctionArn"]) for function in found))


def prepare(aws: Aws, regions: Sequence[str]) -> None:
    """Make the clients ahead of their use: while another call is under way it costs no time."""
    try:
        for service in ("lambda", "service-quotas"):
            for region in regions:
                _client(aws, service, region)
    except Exception:  # told when the region is read
        return


# One region


def _deliver(aws: Aws, region: str, shared: _Shared, to: queue.SimpleQueue[RegionQuota]) -> None:
    to.put(_read_safely(aws, region, shared))


def _read_safely(aws: Aws, region: str, shared: _Shared) -> RegionQuota:
    try:
        return _read(aws, region, shared)
    except BaseException as error:  # the thread ends here; whoever waits must hear of it
        doing = f"reading the Lambda limits in {region}"
        problem = problem_of(error, doing).problem if isinstance(error, Exception) else Problem(f"{doing} broke off.")
        return RegionQuota(region, State.FAILED, problem=problem)


def _read(aws: Aws, region: str, shared: _Shared) -> RegionQuota:
    quota = _settings(aws, region, shared)
    if quota.state not in {State.READ, State.DENIED}:
        return quota
    service = _client(aws, "service-quotas", region)
    applied = _fact(lambda: int(service.get_service_quota(**QUOTA)["Quota"]["Value"]), "reading the quota")
    history = _fact(lambda: read_history(aws, region), f"reading the requests in {region}")
    quota = replace(quota, applied=applied, history=history, default=shared.default())
    if quota.state is State.DENIED and applied.value is not None:
        quota = replace(quota, state=State.READ, limit=applied.value, source="service-quotas")
    if quota.open_request is not None:
        quota = replace(quota, functions=remotion_functions(aws, region))
    kept = (quota.limit or 0) - (quota.unreserved if quota.unreserved is not None else quota.limit or 0)
    return replace(quota, reservations=_reservations(aws, region, kept)) if kept > 0 else quota


def _settings(aws: Aws, region: str, shared: _Shared) -> RegionQuota:
    """Ask Lambda itself. AWS operation: lambda:GetAccountSettings."""
    try:
        limits = _client(aws, "lambda", region).get_account_settings()["AccountLimit"]
    except Exception as error:
        problem = problem_of(error, f"reading the Lambda limits in {region}").problem
        if is_bad_key(error):
            return _not_let_in(region, shared.opt_in_status(region), problem)
        if is_denied(error):
            organisation = layer_of(message_of(error)) == "scp"
            return RegionQuota(region, State.BLOCKED if organisation else State.DENIED, problem=problem)
        return RegionQuota(region, State.FAILED, problem=problem)
    limit = int(limits["ConcurrentExecutions"])
    unreserved = int(limits.get("UnreservedConcurrentExecutions", limit))
    return RegionQuota(region, limit=limit, source="lambda", unreserved=unreserved)


def _not_let_in(region: str, status: str, problem: Problem) -> RegionQuota:
    """In a region that is off AWS says that the credentials are invalid, although they work everywhere else."""
    if status.startswith("DISABL") or status == "ENABLING" or (not status and region in OPT_IN):
        words = {"ENABLING": "AWS is enabling it right now.", "DISABLING": "AWS is disabling it right now."}
        told = Problem(
            f"The account has not enabled {region}.",
            words.get(status, ""),
            "Enable it first, if you want to render there: AWS console, Account, AWS Regions.",
        )
        return RegionQuota(region, State.OFF, problem=told)
    if region in OPT_IN and status.startswith("ENABLED"):
        told = Problem(
            f"This sign-in is not valid in {region}, although the account has enabled it.",
            f"Temporary credentials of STS's global endpoint hold only in regions that are on by default. {problem.detail}",
            "Sign in through a regional STS endpoint: AWS_STS_REGIONAL_ENDPOINTS=regional",
        )
        return RegionQuota(region, State.FAILED, problem=told)
    return RegionQuota(region, State.FAILED, problem=problem)


def _reservations(aws: Aws, region: str, kept: int) -> tuple[Reservation, ...]:
    """Look for the functions that keep `kept` executions to themselves. AWS: ListFunctions, GetFunctionConcurrency."""
    client = _client(aws, "lambda", region)
    found: list[Reservation] = []
    looked_at = 0
    try:
        for page in client.get_paginator("list_functions").paginate():
            for function in page["Functions"]:
                name = str(function["FunctionName"])
                reserved = client.get_function_concurrency(FunctionName=name).get("ReservedConcurrentExecutions")
                if reserved:
                    found.append(Reservation(name, int(reserved)))
                looked_at += 1
                if looked_at >= _MOST_FUNCTIONS or sum(each.executions for each in found) >= kept:
                    return tuple(found)
    except Exception:  # the number is known; who it is, is a help
        return tuple(found)
    return tuple(found)


def _open_in_region(aws: Aws, region: str) -> int | None:
    """Count the open requests for any quota. AWS operation: ListRequestedServiceQuotaChangeHistory."""
    try:
        pages = _client(aws, "service-quotas", region).get_paginator("list_requested_service_quota_change_history")
        return sum(r["Status"] in OPEN for page in pages.paginate() for r in page["RequestedQuotas"])
    except Exception:  # AWS will say so itself when the request is one too many
        return None


def request_of(region: str, found: Mapping[str, Any]) -> IncreaseRequest:
    """Return a request out of Service Quotas' RequestedServiceQuotaChange."""
    return IncreaseRequest(
        id=str(found["Id"]),
        region=region,
        status=str(found["Status"]),
        value=int(found["DesiredValue"]),
        created=_moment(found.get("Created")),
        updated=_moment(found.get("LastUpdated")),
        case_id=str(found.get("CaseId") or ""),
        automatic=found.get("RequestType") == "AutomaticManagement",
    )


def _fact(read: Callable[[], T], doing: str) -> Fact[T]:
    try:
        return Fact.known(read())
    except Exception as error:
        if code_of(error) == "NoSuchResourceException":
            return Fact.absent()
        return Fact.denied(problem_of(error, doing).problem)


def _client(aws: Aws, service: str, region: str) -> Any:
    return aws.client(service, region, attempts=3)


def _moment(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else ""


def _no_answer(region: str, seconds: float) -> Problem:
    return Problem(
        f"{region} gave no answer.", f"Not within {seconds:.0f} seconds.", "Try this region again in a while."
    )


def _in_background(work: Callable[[], None]) -> None:
    """Run in a thread that does not keep the program from ending: a call that hangs can't be stopped."""
    threading.Thread(target=work, daemon=True).start()


class _Shared:
    """What is the same for all regions and read once: AWS's published default, which regions are enabled."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._default: int | None = None
        self._default_is_read = threading.Event()
        self._statuses: dict[str, str] | None = None
        self._lock = threading.Lock()

    def read_default(self) -> None:
        """Ask for the published default. AWS operation: servicequotas:GetAWSDefaultServiceQuota."""
        try:
            quota = _client(self._aws, "service-quotas", self._aws.region).get_aws_default_service_quota(**QUOTA)
            self._default = int(quota["Quota"]["Value"])
        except Exception:  # it is only shown beside the limit
            self._default = None
        finally:
            self._default_is_read.set()

    def default(self) -> int | None:
        """Return the published default; None if it can't be had soon."""
        self._default_is_read.wait(3.0)
        return self._default

    def opt_in_status(self, region: str) -> str:
        """Return the region's status in the account, "" if that can't be read. AWS operation: account:ListRegions."""
        with self._lock:
            if self._statuses is None:
                self._statuses = {}
                try:
                    for page in _client(self._aws, "account", "").get_paginator("list_regions").paginate():
                        for each in page["Regions"]:
                            self._statuses[str(each["RegionName"])] = str(each["RegionOptStatus"])
                except Exception:  # not every identity may ask this
                    self._statuses = {}
        return self._statuses.get(region, "")
