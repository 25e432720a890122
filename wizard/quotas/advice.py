"""What a limit means for renders, in sentences and rows. Pure arithmetic: no AWS call, no file.

Sources: Remotion 4.0.527's best-frames-per-function-param and validate-frames-per-function (200 functions a render at most,
5 frames a function at least), remotion.dev/docs/lambda/concurrency and /lambda/limits. One more function leads the render.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from wizard.quotas.limits import IncreaseRequest, RegionQuota, State, quota_page
from wizard.remotion import names
from wizard.remotion.regions import PLACES
from wizard.text import count, day, listing, number, one_line

RECOMMENDED: Final = 1000  # AWS's own published limit: a modest thing to ask for, and room for four renders at a time
LEAST_FRAMES: Final = 5  # MINIMUM_FRAMES_PER_FUNCTION
FPS: Final = 30
LENGTHS: Final = (10, 60, 600)  # seconds of video that the examples are for
SECONDS_PER_FRAME: Final = 0.2  # an assumption, said wherever it is used: compositions differ widely
TIME_OUT: Final = 120  # seconds that `functions deploy` gives a function
LONGEST_TIME_OUT: Final = 900  # Lambda's own limit
_SPARE: Final = 20  # seconds of a function's time for starting and uploading
_BAR: Final = 20

Standing = Literal[
    "enough", "low", "pending", "case-opened", "approved", "denied", "closed", "off", "blocked", "denied-read", "failed"
]


def functions_at_once(limit: int) -> int:
    """Return how many render functions a limit leaves for one render: one more leads it, and 200 is Remotion's most."""
    return max(0, min(names.FUNCTIONS_PER_RENDER, limit - 1))


def least_frames_per_lambda(frames: int, limit: int) -> int | None:
    """Return the smallest framesPerLambda with which a render of so many frames fits a limit; None if none does."""
    functions = functions_at_once(limit)
    return max(LEAST_FRAMES, math.ceil(frames / functions)) if functions else None


def default_functions(frames: int) -> int:
    """Return how many functions Remotion starts for so many frames when nobody says: 75 to 150, 20 frames each at least."""
    wanted = 75 + min(max(frames, 0), 18_000) / 18_000 * 75
    needed = math.ceil(frames / max(frames / wanted, 20)) if frames > 0 else 1
    return math.ceil(frames / math.ceil(frames / needed)) if frames > 0 else 1


def longest_video(limit: int, time_out: int = TIME_OUT, seconds_per_frame: float = SECONDS_PER_FRAME) -> int:
    """Return the seconds of video (30 frames each) that fit, if a function renders a frame in `seconds_per_frame`."""
    frames_each = int((time_out - _SPARE) / seconds_per_frame)
    return functions_at_once(limit) * frames_each // FPS


@dataclass(frozen=True)
class Recommendation:
    """A number to ask AWS for, and why this one."""

    value: int
    reason: str


def recommendation(quota: RegionQuota) -> Recommendation | None:
    """Return what to ask for in a region; None where the limit is enough, or is not known."""
    limit, available = quota.limit, quota.available
    if limit is None or available is None or available > names.FUNCTIONS_PER_RENDER:
        return None
    one = names.FUNCTIONS_PER_RENDER + 1
    if limit < RECOMMENDED and (limit - available) + one <= RECOMMENDED:
        reason = (
            f"It is what AWS gives accounts by default, so it is likely to be approved, and it holds "
            f"{RECOMMENDED // one} renders of {names.FUNCTIONS_PER_RENDER} functions at a time."
        )
        return Recommendation(RECOMMENDED, reason)
    value = math.ceil((limit + one - available) / 500) * 500
    reason = (
        f"Functions of your own keep {number(limit - available)} to themselves; this leaves room for one render of "
        f"{names.FUNCTIONS_PER_RENDER} functions beside them."
    )
    return Recommendation(value, reason)


def standing(quota: RegionQuota) -> Standing:
    """Return how a region stands, in one word: what matters most first."""
    states: dict[State, Standing] = {
        State.OFF: "off",
        State.BLOCKED: "blocked",
        State.DENIED: "denied-read",
        State.FAILED: "failed",
        State.TIMED_OUT: "failed",
    }
    if quota.state in states:
        return states[quota.state]
    request, limit = quota.open_request or quota.last_request, quota.limit or 0
    if request is not None and request.value > limit:
        if request.is_open:
            return "pending" if request.status == "PENDING" else "case-opened"
        if request.status == "APPROVED":
            return "approved"
    if (quota.available or 0) > names.FUNCTIONS_PER_RENDER:
        return "enough"
    if request is not None and request.value > limit:
        return "closed" if request.status == "CASE_CLOSED" else "denied"
    return "low"


_CLOSED: Final = {
    "DENIED": "AWS denied it",
    "NOT_APPROVED": "AWS did not approve it",
    "CASE_CLOSED": "the support case was closed",
    "INVALID_REQUEST": "AWS calls it invalid",
    "APPROVED": "AWS approved it",
    "PENDING": "AWS is looking at it",
    "CASE_OPENED": "AWS Support is looking at it",
}


def words(quota: RegionQuota) -> str:
    """Say in a few words how a region stands: the last column of its row."""
    kind, request = standing(quota), quota.open_request or quota.last_request
    if kind == "off":
        return "not enabled in this account"
    if kind == "blocked":
        return "blocked by a policy of the organisation"
    if kind == "denied-read":
        return "this identity may not read the limit"
    if kind == "failed":
        return "no answer in time" if quota.state is State.TIMED_OUT else "could not be read"
    if request is not None and kind in {"pending", "case-opened"}:
        case = f", case {request.case_id}" if request.case_id else ""
        return f"pending since {day(request.created)}: {number(request.value)} asked for{case}"
    if request is not None and kind == "approved":
        return f"approved on {day(request.updated)}, not applied yet: {number(request.value)}"
    if request is not None and kind in {"denied", "closed"}:
        return f"{_CLOSED.get(request.status, request.status)} ({number(request.value)}, {day(request.updated)})"
    if kind == "enough":
        return "enough"
    functions = functions_at_once(quota.available or 0)
    return f"low: at most {count(functions, 'render function')} at once"


@dataclass(frozen=True)
class Row:
    """A region for a table: plain cells, the share of the bar that is filled, and what to sort and filter by."""

    region: str
    place: str
    limit: int | None
    unreserved: int | None
    recommended: int | None
    standing: Standing
    words: str

    @property
    def share(self) -> float:
        """How much of what is recommended the region has, from 0 to 1."""
        aim = self.recommended or max(self.limit or 0, RECOMMENDED)
        return min(1.0, (self.limit or 0) / aim)

    def bar(self, width: int = _BAR) -> str:
        """Return the limit against what is recommended, drawn with blocks; dots where nothing is known."""
        if self.limit is None:
            return "·" * width
        full = round(self.share * width) or (1 if self.limit else 0)
        return "█" * full + "░" * (width - full)

    def matches(self, text: str) -> bool:
        """Whether the row has all words of a filter."""
        cells = f"{self.region} {self.place} {self.limit} {self.standing} {self.words}".lower()
        return all(word in cells for word in text.lower().split())

    def line(self) -> str:
        """Return the row as one line."""
        cells = [f"{'–' if n is None else number(n):>7}" for n in (self.limit, self.unreserved)]
        return f"{self.region:<15}{''.join(f'{cell}  ' for cell in cells)}{self.bar()}  {self.words}"


HEADING: Final = f"{'region':<15}{'limit':>7}  {'free':>7}  limit / recommended"
_URGENCY: Final[Sequence[Standing]] = (
    "denied", "closed", "low", "pending", "case-opened", "approved", "enough", "failed", "denied-read", "blocked", "off"
)  # fmt: skip
SORTS: Final[Mapping[str, Callable[[Row], Any]]] = {
    "region": lambda row: row.region,
    "limit": lambda row: (row.limit is None, row.limit or 0, row.region),
    "standing": lambda row: (_URGENCY.index(row.standing), row.region),
}


def row(quota: RegionQuota) -> Row:
    """Return the row of a region."""
    wanted = recommendation(quota)
    return Row(
        quota.region,
        PLACES.get(quota.region, ""),
        quota.limit,
        quota.unreserved,
        wanted.value if wanted else None,
        standing(quota),
        words(quota),
    )


def rows(quotas: Iterable[RegionQuota], by: str = "region", text: str = "") -> list[Row]:
    """Return the rows of regions, sorted by one of `SORTS`, only those that match a filter."""
    return sorted((r for r in map(row, quotas) if r.matches(text)), key=SORTS[by])


def sources(quota: RegionQuota) -> str:
    """Say which number is which: what holds and who told, Service Quotas' own value, AWS's published default."""
    if quota.limit is None:
        return ""
    told = {"lambda": "Lambda says", "service-quotas": "Service Quotas says; Lambda may not be asked"}
    parts = [f"{number(quota.limit)} ({told.get(quota.source, quota.source)})"]
    if quota.source == "lambda":
        if quota.applied.is_absent:
            parts.append("Service Quotas has no value of this account's")
        elif quota.applied.value is not None and quota.applied.value != quota.limit:
            parts.append(f"Service Quotas still says {number(quota.applied.value)}")
    if quota.default is not None and quota.default != quota.limit:
        parts.append(f"AWS's published default, {number(quota.default)}, is not yours")
    return "; ".join(parts) + "."


def reserved(quota: RegionQuota) -> str:
    """Say which functions keep some of the limit to themselves; "" if none does."""
    limit, available = quota.limit, quota.available
    if limit is None or available is None or limit <= available:
        return ""
    named = [f"{one_line(each.function, 64)} {number(each.executions)}" for each in quota.reservations[:5]]
    more = len(quota.reservations) - len(named)
    who = listing([*named, f"{more} more"] if more > 0 else named) or "functions that can't be read"
    return f"{number(limit - available)} of {number(limit)} are kept by {who}; {number(available)} are left."


def meanwhile(limit: int) -> list[str]:
    """Say what renders can do with a limit, and what to set until it is raised. Nothing where a render fits whole."""
    functions = functions_at_once(limit)
    if functions >= names.FUNCTIONS_PER_RENDER:
        return []
    if not functions:
        return [f"With {number(limit)}, no render fits: one function leads it, and at least one more renders."]
    minute = FPS * 60
    lines = [
        f"With {number(limit)}: at most {count(functions, 'function')} render at once, since one more leads the render. So "
        f"framesPerLambda must be at least the video's frames / {functions}, rounded up."
    ]
    for seconds in LENGTHS:
        frames = seconds * FPS
        least = least_frames_per_lambda(frames, limit)
        lines.append(f"  {length(seconds)} at {FPS} frames a second: framesPerLambda at least {number(least or 0)}")
    if default_functions(minute) > functions:
        lines.append(
            f"Left alone, Remotion starts {default_functions(minute)} functions for a minute of video, and AWS answers "
            "“Rate Exceeded” (TooManyRequestsException)."
        )
    some = least_frames_per_lambda(minute, limit)
    lines.append(
        f"Until it is raised, set it for your longest video, such as --frames-per-lambda={some} for one minute (in code: "
        f"framesPerLambda: {some}), and start one render at a time."
    )
    lines.append(
        f"If a frame takes {SECONDS_PER_FRAME} s, videos of up to about {length(longest_video(limit))} fit functions of "
        f"{TIME_OUT} s, and {length(longest_video(limit, LONGEST_TIME_OUT))} with --timeout={LONGEST_TIME_OUT}."
    )
    return lines


def next_step(quota: RegionQuota) -> str:
    """Say what to do about a region next; "" if nothing."""
    kind, request, wanted = standing(quota), quota.open_request or quota.last_request, recommendation(quota)
    command = f"remotion-lambda-wizard quotas request --region {quota.region}"
    if kind == "low" and wanted is not None:
        return f"Ask AWS for {number(wanted.value)}: {command}\n{wanted.reason}"
    if request is None:
        return ""
    if kind in {"pending", "case-opened"}:
        answer = "If AWS asks questions there, answer them soon: the answers are below." if request.case_id else ""
        return f"Nothing to send: AWS answers within days. {answer}\n{request.link}".replace(" \n", "\n")
    if kind == "approved":
        return f"Nothing to send: AWS applies it by itself, mostly within a day.\n{request.link}"
    if kind in {"denied", "closed"}:
        value = wanted.value if wanted is not None and wanted.value < request.value else None
        lines = [f"{_CLOSED.get(request.status, request.status)}."]
        if value:
            lines.append(f"Ask for less: {command} --value {value}")
        lines.append(f"Or answer in the case, with the reasons: {request.link}")
        lines.append(f"Or ask on the quota's page: {quota_page(quota.region)}")
        return "\n".join(lines)
    return ""


def to_json(quota: RegionQuota) -> dict[str, Any]:
    """Return a region in the JSON shape of `quotas`."""
    wanted, request = recommendation(quota), quota.open_request
    limit = quota.limit
    return {
        "region": quota.region,
        "code": "L-B99A9384",
        "state": quota.state.value,
        "standing": standing(quota),
        "value": limit,
        "source": quota.source or None,
        "applied": quota.applied.value,
        "default": quota.default,
        "unreserved": quota.unreserved,
        "reserved_by": [{"function": r.function, "executions": r.executions} for r in quota.reservations],
        "open_request": None if request is None else request.to_json(),
        "history": [each.to_json() for each in quota.requests],
        "history_known": not quota.history.is_unknown,
        "recommendation": None if wanted is None else wanted.value,
        "reason": wanted.reason if wanted else None,
        "functions_at_once": None if quota.available is None else functions_at_once(quota.available),
        "frames_per_lambda": {
            str(frames): None if quota.available is None else least_frames_per_lambda(frames, quota.available)
            for frames in (seconds * FPS for seconds in LENGTHS)
        },
        "text": words(quota),
        "next": next_step(quota) or None,
        "problem": None if quota.problem is None else quota.problem.to_json(),
    }


def outcome(request: IncreaseRequest) -> str:
    """Say what became of a request, with its dates: a line of the history."""
    until = f", {day(request.updated)}" if request.updated[:10] not in {"", request.created[:10]} else ""
    own = " (by AWS itself)" if request.automatic else ""
    return f"{day(request.created)}: {number(request.value)} asked for{own}; {_CLOSED.get(request.status, request.status)}{until}"


def length(seconds: int) -> str:
    """Return a video's length for people: 45 s, 2 min, 1 min 30 s."""
    minutes, rest = divmod(seconds, 60)
    if not minutes:
        return f"{rest} s"
    return f"{minutes} min {rest} s" if rest and minutes < 10 else f"{minutes} min"
