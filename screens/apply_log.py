"""What happened while the plan was applied, as rows to show. Kept in the app, so that coming back shows it again."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from enum import StrEnum

from wizard.apply.events import Done, Event, Failed, Finished, Skipped, Started, Waiting
from wizard.plan.changes import Action, Change, Plan
from wizard.problem import Problem
from wizard.text import number, seconds

_KINDS = {"key": "access key", "boundary": "permissions boundary", "version": "policy version"}


def wording(change: Change) -> str:
    """Say a change as an order: "create role remotion-lambda-role", "attach remotion-lambda-policy"."""
    if change.kind == "attachment":
        return f"{'detach' if change.action is Action.DELETE else 'attach'} {change.name}"
    if change.kind == "quota":
        return f"request quota {change.name}: {number((change.after or {}).get('value', 0))} functions at a time"
    return f"{change.does} {_KINDS.get(change.kind, change.kind)} {change.name}"


class RowState(StrEnum):
    """How one row stands; the words stand beside the symbols."""

    OPEN = "to do"
    RUNNING = "now"
    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "not begun"
    LEFT_OUT = "left out"


@dataclass
class LogRow:
    """One change, or one wait between changes."""

    id: str
    title: str
    state: RowState = RowState.OPEN
    note: str = ""
    began: float = 0.0
    took: float = 0.0
    is_wait: bool = False

    def elapsed(self, now: float) -> str:
        """The time this row took, or is taking."""
        if self.state in {RowState.RUNNING, RowState.WAITING}:
            passed = now - self.began
            return f"{int(passed // 60):02}:{int(passed % 60):02}" if self.is_wait else seconds(passed)
        if self.state in {RowState.DONE, RowState.FAILED} and self.took:
            return seconds(self.took)
        return ""


@dataclass
class ApplyLog:
    """The rows of one run, kept up to date by its events."""

    rows: list[LogRow] = field(default_factory=list)
    running: bool = False
    ok: bool = False
    made: int = 0
    run: str = ""
    access_key_id: str = ""
    written_to: tuple[str, ...] = ()
    problem: Problem | None = None
    failed_at: str = ""

    @classmethod
    def of(cls, plan: Plan) -> ApplyLog:
        """Return the rows of a plan, all still to do."""
        return cls([LogRow(c.id, wording(c)) for c in plan.writing])

    def take(self, event: Event) -> None:
        """Note what happened."""
        now = time.monotonic()
        if isinstance(event, Started):
            row = self._row(event.change_id, event.summary)
            row.state, row.began = RowState.RUNNING, now
        elif isinstance(event, Done):
            row = self._row(event.change_id, event.change_id)
            row.state, row.took = RowState.DONE, event.seconds
            row.note = "it was there already" if event.already else event.note
            self.made += not event.already
        elif isinstance(event, Failed):
            row = self._row(event.change_id, event.change_id)
            row.state, row.took = RowState.FAILED, now - row.began if row.began else 0.0
            self.problem, self.failed_at = event.problem, row.title
        elif isinstance(event, Skipped):
            row = self._row(event.change_id, event.change_id)
            row.state, row.note = RowState.LEFT_OUT, f"{event.problem.title} It can wait."
        elif isinstance(event, Waiting):
            self._wait(event, now)
        elif isinstance(event, Finished):
            self.finish(event)

    def _wait(self, event: Waiting, now: float) -> None:
        row = next((r for r in self.rows if r.is_wait and r.id == event.what), None)
        if row is None:
            row = LogRow(event.what, f"waiting {event.what}", is_wait=True, began=now - event.elapsed)
            last = max((i for i, r in enumerate(self.rows) if r.state is not RowState.OPEN), default=-1)
            self.rows.insert(last + 1, row)
        row.note = event.usual
        row.state = RowState.WAITING
        if event.finished:
            row.state, row.took, row.note = RowState.DONE, event.elapsed, ""
        if event.problem is not None:
            row.state, row.took = RowState.FAILED, event.elapsed
            self.problem, self.failed_at = event.problem, row.title

    def finish(self, event: Finished) -> None:
        """Note the end."""
        self.ok, self.run, self.made = event.ok, event.run, max(self.made, event.made)
        self.access_key_id, self.written_to = event.access_key_id, event.written_to
        self.stop()

    def stop(self) -> None:
        """No more events will come."""
        self.running = False
        for row in self.rows:
            if row.state is RowState.OPEN:
                row.state = RowState.SKIPPED
            elif row.state in {RowState.RUNNING, RowState.WAITING}:
                row.state, row.took = RowState.FAILED, time.monotonic() - row.began

    def _row(self, change_id: str, summary: str) -> LogRow:
        row = next((r for r in self.rows if r.id == change_id and not r.is_wait), None)
        if row is None:
            row = LogRow(change_id, summary)
            self.rows.append(row)
        return row
