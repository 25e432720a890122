"""What happens while a plan is applied: events for the front ends. No secret is ever in one."""

from __future__ import annotations

from dataclasses import dataclass, field

from wizard.problem import Problem


@dataclass(frozen=True)
class Started:
    """A change is being made now."""

    change_id: str
    summary: str


@dataclass(frozen=True)
class Done:
    """A change has been made (`seconds` of work); `already` if it turned out to be there."""

    change_id: str
    seconds: float
    already: bool = False
    note: str = ""


@dataclass(frozen=True)
class Failed:
    """A change could not be made. What was done before stays and is in the journal; what comes after was not begun."""

    change_id: str
    problem: Problem


@dataclass(frozen=True)
class Skipped:
    """An optional change could not be made. The rest goes on; the person is told what it means."""

    change_id: str
    problem: Problem


@dataclass(frozen=True)
class Waiting:
    """Waiting until AWS knows something everywhere: what for, how long it usually takes, seconds so far."""

    what: str
    usual: str
    elapsed: float
    finished: bool = False
    problem: Problem | None = None


@dataclass(frozen=True)
class Finished:
    """The end: whether all changes were made, the run's name (for undo), and the new access key's id, if one was made."""

    ok: bool
    run: str
    made: int
    access_key_id: str = ""
    written_to: tuple[str, ...] = field(default=())


Event = Started | Done | Skipped | Failed | Waiting | Finished
