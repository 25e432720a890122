"""What `quotas` and line mode print about regions: plain lines, the same everywhere. Pure: it reads and sends nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from wizard.quotas import advice
from wizard.quotas.answers_for_aws import prepared_answers
from wizard.quotas.limits import IncreaseRequest, RegionQuota, State
from wizard.text import count, listing, number, plain

_SHOWN: Final = 4  # regions that are named before "and so many more"


def row_line(quota: RegionQuota, wordy: bool = False) -> str:
    """Return a region's row; in `wordy` form a sentence without a drawing, for a screen reader."""
    row = advice.row(quota)
    if not wordy:
        return row.line()
    if row.limit is None:
        return f"{row.region}: {row.words}."
    free = f", {number(row.unreserved)} of it free" if row.unreserved not in {None, row.limit} else ""
    return f"{row.region}: limit {number(row.limit)}{free}; {row.words}."


def report_lines(quotas: Iterable[RegionQuota], account: str = "", *, brief: bool = False) -> list[str]:
    """Return what is to be said below the rows: where the numbers come from, advice, requests, what to answer AWS.

    In `brief` form, for the wizard, which asks itself: a number to ask for in place of the command, and no answers for AWS.
    """
    read = list(quotas)
    lines: list[str] = []
    for who, text in _grouped(read, advice.sources):
        lines.append(f"{who}: {text}")
    lines += [f"{quota.region}: {text}" for quota in read if (text := advice.reserved(quota))]
    lines += [f"{who}: {text}" for who, text in _grouped(read, _trouble)]
    low = [quota for quota in read if quota.available is not None and advice.meanwhile(quota.available)]
    for available in sorted({quota.available or 0 for quota in low}):
        who = _names([quota.region for quota in low if quota.available == available])
        lines += ["", f"What to do meanwhile in {who}:", *(f"  {line}" for line in advice.meanwhile(available))]
    lines += _requests(read, account, brief)
    return [plain(line) for line in lines]


def _requests(quotas: Sequence[RegionQuota], account: str, brief: bool) -> list[str]:
    lines: list[str] = []
    for quota in quotas:
        if quota.requests:
            lines += ["", f"Requests in {quota.region}:"]
            lines += [f"  {advice.outcome(request)}" for request in quota.requests]
        elif quota.state is State.READ and quota.history.is_unknown and quota.history.problem is not None:
            lines += ["", f"Requests in {quota.region} can't be read: {quota.history.problem.title}"]
        step = advice.next_step(quota)
        if quota.requests and step:
            lines += [f"  next: {line}" if not i else f"        {line}" for i, line in enumerate(step.splitlines())]
    never = [quota for quota in quotas if not quota.requests and advice.standing(quota) == "low"]
    if never and brief:
        advised = advice.recommendation(never[0])
        lines += ["", f"A sensible number to ask for: {advised.value}. {advised.reason}"] if advised else []
    elif never:
        lines += ["", *advice.next_step(never[0]).splitlines()]
        if len(never) > 1:
            lines.append("A limit belongs to one region: ask in each that you render in, and in no other.")
    for quota in quotas:
        request = quota.open_request
        if request is not None and not brief:
            lines += ["", f"What to answer if AWS asks about {quota.region} ({request.link}):", ""]
            answers = prepared_answers(account, quota.region, request.value, quota.limit, quota.functions)
            lines += [f"  {line}" if line else "" for line in answers.splitlines()]
    return lines


def summary(quotas: Sequence[RegionQuota]) -> str:
    """Say in one sentence how many regions stand how."""
    kinds = [advice.standing(quota) for quota in quotas]
    said = (
        ("enough", "enough"),
        ("low", "low"),
        ("pending", "pending"),
        ("case-opened", "with an open case"),
        ("approved", "approved but not applied"),
        ("denied", "denied"),
        ("closed", "with a closed case"),
        ("off", "not enabled"),
        ("blocked", "blocked"),
        ("denied-read", "not readable"),
        ("failed", "without an answer"),
    )
    parts = [f"{kinds.count(kind)} {word}" for kind, word in said if kind in kinds]
    return f"{count(len(quotas), 'region')}: {listing(parts)}."


def _trouble(quota: RegionQuota) -> str:
    """What to say about a region that could not be read; the same trouble in many regions is told once."""
    if quota.problem is None:
        return ""
    detail = "" if quota.state is State.OFF else quota.problem.detail
    told = " ".join(part for part in (quota.problem.title, detail, quota.problem.remedy) if part)
    return told.replace(quota.region, "this region").replace(" Send them the line above.", " Send them this line.")


def _grouped(quotas: Sequence[RegionQuota], say: Callable[[RegionQuota], str]) -> list[tuple[str, str]]:
    """Return each text with the regions that it is said of."""
    texts: dict[str, list[str]] = {}
    for quota in quotas:
        text = say(quota)
        if text:
            texts.setdefault(text, []).append(quota.region)
    return [(_names(regions), text) for text, regions in texts.items()]


def _names(regions: Sequence[str]) -> str:
    if len(regions) <= _SHOWN + 1:
        return listing(regions)
    return f"{', '.join(regions[:_SHOWN])} and {len(regions) - _SHOWN} more"


def requested_lines(requests: Sequence[IncreaseRequest], account: str) -> list[str]:
    """Return what to say after requests were sent: what happens next, and what to answer AWS."""
    if not requests:
        return []
    lines = [""]
    for request in requests:
        lines.append(f"{request.region}: {number(request.value)} asked for, {request.status}. {request.link}")
    first = requests[0]
    regions = " ".join(f"--region {request.region}" for request in requests)
    lines += [
        "AWS answers within days, often after a question or two by support case; the limit rises some time after that.",
        f"See how it stands: remotion-lambda-wizard quotas {regions}",
        "",
        "What to answer if AWS asks:",
        "",
        *(
            f"  {line}" if line else ""
            for line in prepared_answers(account, first.region, first.value, None).splitlines()
        ),
    ]
    return [plain(line) for line in lines]
