"""The journal of a run: what was intended before each write, and what came back. Append-only, flushed to disk, mode 0600.

It knows no secret: only names, documents and access key ids. It lies in <state folder>/runs/<place>/<run>.jsonl,
where the place is the account, with its sandbox scenario or endpoint behind it (`Identity.place`).
"""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from wizard.places import private_folder, state_folder
from wizard.plan.changes import Change, Plan
from wizard.problem import Problem, ProblemError

_PLACED: Final = ("key-stored", "key-taken-out")
_CLOCKS_DIFFER: Final = timedelta(minutes=20)  # AWS takes signatures of clocks that are wrong by up to 15


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
        folder = runs_folder(plan.identity.place, root)
        try:
            private_folder(folder)
            path, run = _free_name(folder)
            journal = cls(path, run)
            journal.write(
                "begin",
                run=run,
                purpose=plan.purpose,
                undoes=plan.undoes,
                retires=plan.retires,
                account=plan.identity.account,
                partition=plan.identity.partition,
                identity=plan.identity.arn,
                user=plan.principal_name,
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
            before=change.before,
            **facts,
        )

    def write(self, kind: str, **facts: Any) -> None:
        """Append one record and flush it to disk. Raises ProblemError when the disk refuses."""
        line = json.dumps({"type": kind, "time": now().isoformat(), **facts}, default=str).encode() + b"\n"
        try:
            handle = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                if _is_cut_off(handle):
                    line = b"\n" + line
                if os.write(handle, line) < len(line):  # a disk that fills up takes what fits, and says nothing
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as error:
            raise ProblemError(_cannot_keep(self.path, error)) from None


@dataclass(frozen=True)
class KeyAttempt:
    """One attempt at an access key: the ids before it, when it began, its id ("" if no answer came), what became of it.

    `settled` says that the key was stored, or deleted again.
    """

    before: frozenset[str]
    began: datetime | None = None
    made: str = ""
    settled: bool = False

    def may_have_made(self, access_key_id: str, created: str) -> bool:
        """Whether this can be the key that the attempt got no answer about. `created` is IAM's date, "" if unknown."""
        moment = _moment(created)
        near = moment is None or self.began is None or abs(moment - self.began) <= _CLOCKS_DIFFER
        return access_key_id not in self.before and near


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
    purpose: str = "setup"
    retires: tuple[str, ...] = ()
    undoes: tuple[str, ...] = ()  # the runs that an undo takes back
    undone: bool = False
    settled_by: str = ""  # the run that finished what this one began

    @property
    def is_closed(self) -> bool:
        """Whether nothing of it is left to be settled."""
        return self.ended or self.settled or self.undone

    @property
    def began(self) -> str:
        """When it began: ISO 8601, "" if it does not say."""
        return str(self.records[0].get("time", "")) if self.records else ""

    def key_attempts(self) -> Iterator[KeyAttempt]:
        """Yield each attempt at a key, in order."""
        attempt: KeyAttempt | None = None
        for record in self.records:
            if record["type"] == "intent" and isinstance(record.get("keys_before"), list):
                if attempt is not None:
                    yield attempt
                attempt = KeyAttempt(frozenset(map(str, record["keys_before"])), _moment(record.get("time")))
            elif attempt is not None and record["type"] == "key-made":
                attempt = replace(attempt, made=str(record.get("access_key_id", "")))
            elif attempt is not None and record["type"] in {"key-stored", "key-deleted"}:
                ours = record.get("access_key_id") in {attempt.made, None}
                attempt = replace(attempt, settled=attempt.settled or ours)
            elif attempt is not None and record["type"] == "key-taken-out":
                attempt = replace(attempt, settled=False)
        if attempt is not None:
            yield attempt

    def stored_keys(self) -> set[str]:
        """Return the ids of the keys whose secret reached its place, without those that were taken out of it again."""
        stored, out = ({str(r.get("access_key_id")) for r in self.records if r["type"] == kind} for kind in _PLACED)
        return stored - out


def runs_folder(place: str, root: Path | None = None) -> Path:
    """Return the folder with an account's journals. `place` is that of its identity."""
    return (root or state_folder()) / "runs" / place


def forget_sandbox(scenarios: Iterable[str], root: Path | None = None) -> None:
    """Forget the runs in sandbox accounts that start over."""
    for scenario in scenarios:
        for folder in ((root or state_folder()) / "runs").glob(f"*.sandbox-{scenario}"):
            shutil.rmtree(folder, ignore_errors=True)


def past_runs(place: str, root: Path | None = None) -> list[PastRun]:
    """Read all journals of an account, oldest first. A cut-off line is left out; what can't be read is skipped.

    See `damaged_journals`.
    """
    folder = runs_folder(place, root)
    found = [_read(path) for path in sorted(folder.glob("*.jsonl"), key=_order)] if folder.is_dir() else []
    return [run for run in found if run is not None]


def damaged_journals(place: str, root: Path | None = None) -> tuple[Path, ...]:
    """Return the journals of an account that can't be read, wholly or in part, so that nobody knows what those runs did.

    One without a whole line is none of them: its run was cut off before it did anything.
    """
    folder = runs_folder(place, root)
    try:
        paths = sorted((path for path in folder.iterdir() if path.suffix == ".jsonl"), key=_order)
    except FileNotFoundError:
        return ()
    except OSError:
        return (folder,)
    return tuple(path for path in paths if _is_damaged(path))


def _is_damaged(path: Path) -> bool:
    try:
        *lines, _ = path.read_bytes().split(b"\n")
    except OSError:
        return True
    # A record that was cut off begins as one, and the next one follows on a line of its own.
    return bool(lines) and (_read(path) is None or any(line.strip() and not line.startswith(b"{") for line in lines))


def orphan_keys(place: str, user: str, keys: Mapping[str, str], held: str, root: Path | None = None) -> tuple[str, ...]:
    """Return the user's keys that an interrupted run of ours made and whose secret never reached its place.

    `keys` are the user's keys now with the moment each was made, `held` is the key whose secret is in its place. A key
    is only called an orphan when the journal names it, or when it appeared with an unanswered attempt; never when it is
    `held` or a run has stored it somewhere.
    """
    runs = past_runs(place, root)
    in_use = {held}.union(*(run.stored_keys() for run in runs))
    found: list[str] = []
    for run in runs:
        if run.is_closed or run.user != user:
            continue
        for attempt in run.key_attempts():
            if attempt.settled:
                continue
            lost = [attempt.made] if attempt.made else [k for k, made in keys.items() if attempt.may_have_made(k, made)]
            found.extend(k for k in lost if k in keys and k not in in_use and k not in found)
    return tuple(found)


def left_to_retire(place: str, user: str, held: str, root: Path | None = None) -> tuple[str, ...] | None:
    """Return the old keys that a key change of this user was to deactivate when it was cut off; None if none was.

    Only one whose new key is `held`, the key that lies in its place now: any other has changed nothing there.
    """
    for run in unfinished(place, root):
        made = {attempt.made for attempt in run.key_attempts() if attempt.made}
        if run.purpose == "rotate" and run.user == user and held in made:
            return run.retires
    return None


def close(plan: Plan, by: str = "", root: Path | None = None) -> None:
    """Mark the runs that a plan has brought to their end: those it took back, else the cut-off ones that it finished.

    `by` is the run that applied it, "" where nothing was left to be done.
    """
    if plan.purpose == "undo":
        mark_undone(plan.undoes, by, plan.identity.place, root)
    else:
        settle(plan.identity.place, plan.principal_name, root, plan.purpose, by)


def settle(place: str, user: str, root: Path | None = None, purpose: str = "setup", by: str = "") -> None:
    """Mark the cut-off runs for a user and purpose as settled: a later one has brought the account to where it should be.

    A set-up finishes no change of a key, nor the other way round.
    """
    for run in past_runs(place, root):
        if not run.is_closed and run.user == user and run.purpose == purpose:
            Journal(run.path, run.run).write("settled", by=by)


def unfinished(place: str, root: Path | None = None) -> list[PastRun]:
    """Return the runs that were cut off and have not been settled since."""
    return [run for run in past_runs(place, root) if not run.is_closed]


def seconds_since_change(place: str, root: Path | None = None) -> float:
    """Return how long ago a run of ours last changed something in an account; infinity if none did."""
    moments = [
        _moment(r.get("time")) for run in past_runs(place, root)[-2:] for r in run.records if r["type"] == "result"
    ]
    return _seconds_since(moments)


def seconds_since_cut_off(place: str, root: Path | None = None) -> float:
    """Return how long ago a run of ours was cut off while it changed something; infinity if none was."""
    cut_off = [run for run in unfinished(place, root) if any(r["type"] == "intent" for r in run.records)]
    return _seconds_since(_moment(run.records[-1].get("time")) for run in cut_off)


def _seconds_since(moments: Iterable[datetime | None]) -> float:
    latest = max((moment for moment in moments if moment is not None), default=None)
    return float("inf") if latest is None else max(0.0, (now() - latest).total_seconds())


def mark_undone(runs: Iterable[str], by: str, place: str, root: Path | None = None) -> None:
    """Mark runs as taken back by the run `by` ("" if nothing of them was left), and cut-off undos of them as settled."""
    wanted = set(runs)
    for run in past_runs(place, root):
        if run.run in wanted and not run.undone:
            Journal(run.path, run.run).write("undone", by=by)
        elif run.purpose == "undo" and not run.is_closed and wanted.issuperset(run.undoes):
            Journal(run.path, run.run).write("settled")


def _is_cut_off(handle: int) -> bool:
    """Whether the last line has no end: the disk was full, or the machine stopped."""
    if os.lseek(handle, 0, os.SEEK_END) == 0:
        return False
    os.lseek(handle, -1, os.SEEK_END)
    return os.read(handle, 1) != b"\n"


def _read(path: Path) -> PastRun | None:
    records: list[Mapping[str, Any]] = []
    try:
        text = path.read_text("utf-8", errors="replace")
    except OSError:
        return None
    for line in text.split("\n"):
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(record, dict) and isinstance(record.get("type"), str):
            records.append(record)
    first = records[0] if records else {}
    if first.get("type") != "begin":
        return None
    kinds, retires, undoes = {r["type"] for r in records}, first.get("retires"), first.get("undoes")
    return PastRun(
        run=str(first.get("run", path.stem)),
        path=path,
        account=str(first.get("account", "")),
        user=str(first.get("user", "")),
        ended="end" in kinds,
        settled="settled" in kinds,
        records=tuple(records),
        purpose=str(first.get("purpose", "setup")),
        retires=tuple(map(str, retires)) if isinstance(retires, list) else (),
        undoes=tuple(map(str, undoes)) if isinstance(undoes, list) else (),
        undone="undone" in kinds,
        settled_by=next((str(r.get("by") or "") for r in records if r["type"] == "settled"), ""),
    )


def _moment(text: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


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
