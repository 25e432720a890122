"""What was seen and asked for the last time, so that a later day can tell what changed. No secret is in it.

One JSON file an account in the state folder, readable by its owner only: <state folder>/quotas/<place>.json. It is only a
memory: AWS's history is what counts, and a file that can't be read is as good as none.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from wizard.account.snapshot import Identity
from wizard.handover.files import write_whole
from wizard.places import private_folder, state_folder
from wizard.problem import ProblemError
from wizard.quotas.limits import IncreaseRequest, RegionQuota, State
from wizard.text import day, number, one_line

_VERSION: Final = 1
_NEWS: Final = {
    "CASE_OPENED": "AWS has opened a support case for it",
    "APPROVED": "AWS has approved it",
    "DENIED": "AWS has denied it",
    "NOT_APPROVED": "AWS has not approved it",
    "CASE_CLOSED": "its support case was closed",
    "INVALID_REQUEST": "AWS calls it invalid",
}


@dataclass(frozen=True)
class Seen:
    """A region as it was seen last: its limit, and the newest request with the status it had."""

    limit: int | None = None
    when: str = ""  # ISO 8601
    request: str = ""
    status: str = ""
    value: int = 0
    requested: str = ""

    @property
    def waits(self) -> bool:
        """Whether something was still to come."""
        return self.status in {"PENDING", "CASE_OPENED"} or (
            self.status == "APPROVED" and self.value > (self.limit or 0)
        )


@dataclass(frozen=True)
class Memory:
    """What is remembered of an account, by region."""

    regions: Mapping[str, Seen] = field(default_factory=dict)

    @property
    def waiting(self) -> tuple[str, ...]:
        """The regions in which a request was still open, or approved and not applied."""
        return tuple(region for region, seen in self.regions.items() if seen.waits)

    def with_quotas(self, quotas: Iterable[RegionQuota], now: datetime | None = None) -> Memory:
        """Return a memory that holds what was read now. A region that was not read keeps what is known of it."""
        when = (now or datetime.now(UTC)).isoformat(timespec="seconds")
        read = {q.region: _seen(q, when) for q in quotas if q.state is State.READ}
        kept = {
            region: self._lasting(region, seen) if region in self.regions else seen for region, seen in read.items()
        }
        return Memory({**self.regions, **kept})

    def with_request(self, request: IncreaseRequest) -> Memory:
        """Return a memory that holds a request that was just made."""
        when = datetime.now(UTC).isoformat(timespec="seconds")
        seen = Seen(
            self.regions.get(request.region, Seen()).limit,
            when,
            request.id,
            request.status,
            request.value,
            request.created or when,
        )
        return Memory({**self.regions, request.region: seen})

    def _lasting(self, region: str, seen: Seen) -> Seen:
        """Keep the remembered request where the history was not to be read now."""
        old = self.regions[region]
        if seen.request or not old.request:
            return seen
        return Seen(seen.limit, seen.when, old.request, old.status, old.value, old.requested)


def memory_of(identity: Identity, root: Path | None = None) -> Memory:
    """Read what is remembered of an account. Nothing, if there is none or it can't be read."""
    try:
        data = json.loads(_path(identity, root).read_text("utf-8"))
        regions = data["regions"] if data["version"] == _VERSION else {}
        return Memory({str(region): _read(entry) for region, entry in regions.items()})
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Memory()


def remember(memory: Memory, identity: Identity, root: Path | None = None) -> bool:
    """Write it down; False if the disk does not take it, which harms nothing but the news of a later day."""
    path = _path(identity, root)
    entries = {
        region: {
            "limit": seen.limit,
            "when": seen.when,
            "request": seen.request,
            "status": seen.status,
            "value": seen.value,
            "requested": seen.requested,
        }
        for region, seen in sorted(memory.regions.items())
    }
    try:
        private_folder(path.parent)
        text = json.dumps({"version": _VERSION, "regions": entries}, indent=1) + "\n"
        write_whole(path, text, 0o600, "What is remembered of the quotas")
    except (OSError, ProblemError):
        return False
    return True


def forget_sandbox(scenarios: Iterable[str], root: Path | None = None) -> None:
    """Forget what was seen in sandbox accounts that start over."""
    folder = (root or state_folder()) / "quotas"
    for scenario in scenarios:
        for path in folder.glob(f"*.sandbox-{scenario}.json"):
            path.unlink(missing_ok=True)


def news(memory: Memory, quotas: Iterable[RegionQuota]) -> list[str]:
    """Say what changed since the last look, a line each."""
    lines: list[str] = []
    for quota in quotas:
        old = memory.regions.get(quota.region)
        if old is None or quota.state is not State.READ:
            continue
        since = f"since {day(old.when)}"
        request = next((r for r in quota.requests if r.id == old.request), None)
        if request is not None and request.status != old.status:
            told = _NEWS.get(request.status, f"its status is {one_line(request.status, 40)}")
            waits = request.status == "APPROVED" and (quota.limit or 0) < request.value
            tail = ", but has not applied it yet" if waits else ""
            lines.append(f"{quota.region}: the request for {number(request.value)}: {told}{tail} ({since}).")
        if old.limit is not None and quota.limit is not None and quota.limit != old.limit:
            verb = "rose" if quota.limit > old.limit else "fell"
            lines.append(
                f"{quota.region}: the limit {verb} from {number(old.limit)} to {number(quota.limit)} ({since})."
            )
        newest = quota.last_request
        if newest is not None and newest.id != old.request and newest.created > old.when:
            lines.append(f"{quota.region}: somebody asked for {number(newest.value)} on {day(newest.created)}.")
    return lines


def _seen(quota: RegionQuota, when: str) -> Seen:
    request = quota.open_request or quota.last_request
    if request is None:
        return Seen(quota.limit, when)
    return Seen(quota.limit, when, request.id, request.status, request.value, request.created)


def _read(entry: Mapping[str, Any]) -> Seen:
    limit = entry["limit"]
    texts = {key: str(entry[key]) for key in ("when", "request", "status", "requested")}
    return Seen(limit=None if limit is None else int(limit), value=int(entry["value"]), **texts)


def _path(identity: Identity, root: Path | None) -> Path:
    return (root or state_folder()) / "quotas" / f"{identity.place}.json"
