"""What lies in all the regions that Remotion supports, looked for side by side. Reads only: what can't be seen is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from concurrent.futures import TimeoutError as TooLate
from dataclasses import dataclass, field
from typing import Any, Final

from wizard.account.connect import Aws
from wizard.account.errors import is_bad_key, is_denied
from wizard.account.listing import own_functions, remotion_log_groups
from wizard.remotion import names
from wizard.remotion.regions import OPT_IN

TIME_OUT: Final = 12.0  # seconds for all regions together
NOT_ENABLED, NO_ACCESS, NO_ANSWER = "not enabled", "no access", "no answer"
_AT_ONCE: Final = 24
Tell = Callable[[str], object]


@dataclass(frozen=True)
class Deployed:
    """A Lambda function, and the name of the role that it runs with."""

    name: str
    role: str

    @property
    def is_remotion(self) -> bool:
        """Whether it has the name of a render function."""
        return self.name.startswith(names.FUNCTION_PREFIX)


@dataclass(frozen=True)
class Everywhere:
    """What was found, by region: functions, and the names of log groups of render functions.

    A region that could not be looked at is in neither; `unseen` says of (what, region) why.
    """

    functions: Mapping[str, tuple[Deployed, ...]] = field(default_factory=dict)
    log_groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unseen: Mapping[tuple[str, str], str] = field(default_factory=dict)


def look_everywhere(
    aws: Aws, regions: Sequence[str], *, logs: bool, tell: Tell | None = None, time_out: float = TIME_OUT
) -> Everywhere:
    """Look for functions, and for log groups where these are wanted. A region that hangs holds up no other.

    AWS operations: lambda:ListFunctions, logs:DescribeLogGroups. Raises nothing; `tell` hears in words how far it is.
    """
    reads: dict[str, Callable[[Aws, str], Any]] = {"functions": _functions} | ({"logs": _log_groups} if logs else {})
    pool = ThreadPoolExecutor(_AT_ONCE, "wizard-region")
    asked = {pool.submit(read, aws, region): (what, region) for region in regions for what, read in reads.items()}
    found: dict[str, dict[str, Any]] = {what: {} for what in ("functions", "logs")}
    unseen = dict.fromkeys(asked.values(), NO_ANSWER)
    try:
        for done, future in enumerate(as_completed(asked, time_out), 1):
            what, region = asked[future]
            error = future.exception()
            if error is None:
                found[what][region] = future.result()
                del unseen[what, region]
            else:
                unseen[what, region] = _why(error, region)
            if tell is not None and done % len(reads) == 0:
                tell(f"Looking for functions: {done // len(reads)} of {len(regions)} regions…")
    except TooLate:
        pass  # the rest is unseen
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    order = [region for region in regions if region in found["functions"] or region in found["logs"]]
    return Everywhere(
        functions={region: found["functions"][region] for region in order if region in found["functions"]},
        log_groups={region: found["logs"][region] for region in order if region in found["logs"]},
        unseen=unseen,
    )


def _functions(aws: Aws, region: str) -> tuple[Deployed, ...]:
    listed = own_functions(aws.client("lambda", region, attempts=2))
    return tuple(Deployed(str(f["FunctionName"]), str(f.get("Role", "")).rpartition("/")[2]) for f in listed)


def _log_groups(aws: Aws, region: str) -> tuple[str, ...]:
    return tuple(sorted(str(group["logGroupName"]) for group in remotion_log_groups(aws.client("logs", region, 2))))


def _why(error: BaseException, region: str) -> str:
    if isinstance(error, Exception) and is_bad_key(error):  # so AWS answers in a region that is off
        return NOT_ENABLED if region in OPT_IN else NO_ACCESS
    return NO_ACCESS if isinstance(error, Exception) and is_denied(error) else NO_ANSWER
