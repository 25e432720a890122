"""The journal of a run: what was intended before each write, and what came back. Append-only, flushed to disk, mode 0600.

It knows no secret: only names, documents and access key ids. It lies in <state folder>/runs/<account>/<run>.jsonl.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from wizard.places import private_folder, state_folder
from wizard.plan.changes import Change, Plan
from wizard.problem import Problem, ProblemError


def now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)


class Journal:
    """The open journal of one run. Every record is on disk before `write` returns."""

    def __init__(self, path: Path, run: str) -> None:
        self.path = path
        self.run = run

    @classmethod
    def begin(cls, plan: Plan, root: Path | None = None) -> Journal:
        """Start the journal of a run. The run's name is the date and a number. Raises ProblemError if it can't be kept."""
        folder = runs_folder(plan.identity.account, root)
        try:
            private_folder(folder)
            path, run = _free_name(folder)
            journal = cls(path, run)
            journal.write(
                "begin",
                run=run,
                account=plan.identity.account,
                partition=plan.identity.partition,
                identity=plan.identity.arn,
                user=plan.user_name,
                release=plan.release,
                changes=[c.id for c in plan.writing],
            )
        except OSError as error:
            raise ProblemError(_cannot_keep(folder, error)) from None
        return journal

    def intent(self, change: Change, **facts: Any) -> None:
        """Write down what is about to be done, and how it would be undone."""
        self.write(
            "intent",
            change=change.id,
            action=change.action.value,
            resource=change.resource,
            call=None if change.call is None else change.call.to_json(),
            undo=[call.to_json() for call in change.undo],
            **facts,
        )

    def write(self, kind: str, **facts: Any) -> None:
        """Append one record and flush it to disk. Raises ProblemError when the disk refuses."""
        line = json.dumps({"type": kind, "time": now().isoformat(), **facts}, ensure_ascii=False, default=str)
        try:
            handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(handle, (line + "\n").encode())
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as error:
            raise ProblemError(_cannot_keep(self.path, error)) from None


@dataclass(frozen=True)
class PastRun:
    """A journal as read back. `ended` is False for a run that was cut off."""

    run: str
    path: Path
    account: str
    user: str
    ended: bool
    settled: bool
    records: tuple[Mapping[str, Any], ...] = field(default=())

    def key_attempts(self) -> Iterator[tuple[str, frozenset[str], bool]]:
        """Yield for each attempt at a key: its id ("" if no answer came), the ids before it, and whether it was stored."""
        before: frozenset[str] | None = None
        made, stored = "", False
        for record in self.records:
            if record["type"] == "intent" and "keys_before" in record:
                if before is not None:
                    yield made, before, stored
                before, made, stored = frozenset(record["keys_before"]), "", False
            elif record["type"] == "key-made":
                made = str(record["access_key_id"])
            elif record["type"] in {"key-stored", "key-deleted"} and record.get("access_key_id") in {made, None}:
                stored = True
        if before is not None:
            yield made, before, stored


def runs_folder(account: str, root: Path | None = None) -> Path:
    """Return the folder with an account's journals."""
    return (root or state_folder()) / "runs" / re.sub(r"\W", "_", account)


def past_runs(account: str, root: Path | None = None) -> list[PastRun]:
    """Read all journals of an account, oldest first. A cut-off last line is left out; what can't be read is skipped."""
    folder = runs_folder(account, root)
    found = [_read(path) for path in sorted(folder.glob("*.jsonl"), key=_order)] if folder.is_dir() else []
    return [run for run in found if run is not None]


def orphan_keys(
    account: str, user: str, keys: Mapping[str, bool], held: str, root: Path | None = None
) -> tuple[str, ...]:
    """Return the user's keys that an interrupted run of ours made and whose secret never reached its place.

    `keys` are the user's keys now, `held` is the key whose secret is in its place. A key is only called an orphan when the
    journal names it, or when it appeared after an unanswered attempt and is not `held`.
    """
    found: list[str] = []
    for run in past_runs(account, root):
        if run.ended or run.settled or run.user != user:
            continue
        for made, before, stored in run.key_attempts():
            if stored:
                continue
            candidates = [made] if made else [k for k in keys if k not in before]
            found.extend(k for k in candidates if k in keys and k != held and k not in found)
    return tuple(found)


def settle(account: str, user: str, root: Path | None = None) -> None:
    """Mark the cut-off runs for a user as settled: a later run has brought the account to where it should be."""
    for run in past_runs(account, root):
        if not run.ended and not run.settled and run.user == user:
            Journal(run.path, run.run).write("settled")


def unfinished(account: str, root: Path | None = None) -> list[PastRun]:
    """Return the runs that were cut off and have not been settled since."""
    return [run for run in past_runs(account, root) if not run.ended and not run.settled]


def _read(path: Path) -> PastRun | None:
    records: list[Mapping[str, Any]] = []
    try:
        text = path.read_text("utf-8", errors="replace")
    except OSError:
        return None
    for line in text.splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict) and isinstance(record.get("type"), str):
            records.append(record)
    first = records[0] if records else {}
    if first.get("type") != "begin":
        return None
    kinds = {r["type"] for r in records}
    return PastRun(
        run=str(first.get("run", path.stem)),
        path=path,
        account=str(first.get("account", "")),
        user=str(first.get("user", "")),
        ended="end" in kinds,
        settled="settled" in kinds,
        records=tuple(records),
    )


def _free_name(folder: Path) -> tuple[Path, str]:
    day = now().date().isoformat()
    for n in range(1, 100_000):
        path = folder / f"{day}-{n}.jsonl"
        try:
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError:
            continue
        return path, f"{day}-{n}"
    raise OSError("too many journals for one day")


def _order(path: Path) -> tuple[str, int]:
    day, _, n = path.stem.rpartition("-")
    return day, int(n) if n.isdigit() else 0


def _cannot_keep(path: Path, error: OSError) -> Problem:
    return Problem(
        "The journal can't be written, so nothing more is changed.",
        f"{path}: {error.strerror or error}",
        "Make room or rights there, or name another folder: REMOTION_LAMBDA_WIZARD_STATE=…",
    )
