"""Plain lines for people: the plan's making, what a check found, what comes next. For the command line and line mode.

In `wordy` form a word stands where a symbol would: nothing that a screen reader would read aloud for decoration.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TextIO

from wizard.apply.events import Done, Event, Failed, Finished, Skipped, Started, Waiting
from wizard.check.findings import SYMBOLS, Report, Status, words
from wizard.check.grouped import Group, grouped
from wizard.check.mend import messages
from wizard.engine import Engine
from wizard.handover.next_steps import NextStep
from wizard.interrupts import SIGPIPE, put_off
from wizard.plan.changes import Change, Plan
from wizard.problem import Problem
from wizard.terminal import columns
from wizard.text import count, folded, plain, seconds

_WORD = {"✓": "done:", "✗": "failed:", "!": "note:"}


@dataclass
class Outcome:
    """How an apply ended: its `Finished` event, and the problem that stopped it, if one did."""

    finished: Finished = field(default_factory=lambda: Finished(False, "", 0))
    problem: Problem | None = None

    def to_json(self) -> dict[str, Any]:
        end = self.finished
        return {
            "run": end.run,
            "made": end.made,
            "access_key_id": end.access_key_id,
            "written_to": list(end.written_to),
            "problem": None if self.problem is None else self.problem.to_json(),
        }


def apply_with_lines(engine: Engine, plan: Plan, out: TextIO, err: TextIO, wordy: bool = False) -> Outcome:
    """Apply a plan and print a line for each thing that happens. Problems go to `err`.

    Raises Interrupted if a signal asked for it, or if nobody takes the output: after the current call, never in it.
    """
    outcome, made = Outcome(), 0
    changes = {c.id: c for c in plan.changes}
    print(file=out)
    with put_off(partial(_tell_if_possible, out=err)) as stop, _closed_afterwards(engine.apply(plan)) as events:
        for event in events:
            made += isinstance(event, Done)
            if isinstance(event, Finished):
                outcome.finished = event
            elif isinstance(event, Failed):
                outcome.problem = event.problem
            try:
                _print_event(event, changes, out, err, wordy)
            except OSError:  # a pipe or a terminal that was closed
                stop.number = stop.number or SIGPIPE
            if stop.number:
                break
    stop.require_none(f"{made} of {count(len(plan.writing), 'change')} made; what was made stays.")
    if outcome.problem:
        print("What was done before stays. Run the same again: it goes on from there.", file=err)
    return outcome


@contextmanager
def _closed_afterwards(events: Iterator[Event]) -> Iterator[Iterator[Event]]:
    """Close a run of which not every event was taken: it lets go of its lock then."""
    try:
        yield events
    finally:
        close = getattr(events, "close", None)
        if close is not None:
            close()


def _tell_if_possible(text: str, out: TextIO) -> None:
    with suppress(OSError):
        print(text, file=out, flush=True)


def _print_event(event: Event, changes: dict[str, Change], out: TextIO, err: TextIO, wordy: bool) -> None:
    if isinstance(event, Failed):
        print_problem(event.problem, err, wordy, _name(changes, event.change_id))
    elif isinstance(event, Skipped):
        print(_signed("!", f"{_name(changes, event.change_id)}: {event.problem.title} It can wait.", wordy), file=out)
        for step in event.problem.remedy.splitlines():
            print(f"     next: {step}", file=out)
    else:
        line = _line(event, changes)
        if line:
            print(_signed(*line, wordy), file=out, flush=True)


def _line(event: Event, changes: dict[str, Change]) -> tuple[str, str] | None:
    match event:
        case Done():
            text = "was already there" if event.already else f"{seconds(event.seconds)} {event.note}".strip()
            return "✓", f"{_name(changes, event.change_id)}: {text}"
        case Waiting(finished=True):
            return "!" if event.problem else "✓", f"waited {seconds(event.elapsed)} {event.what}"
        case Started() | Waiting() | _:
            return None


def _name(changes: dict[str, Change], change_id: str) -> str:
    change = changes.get(change_id)
    return f"{change.does} {change.kind} {change.name}" if change else ""


def _signed(sign: str, text: str, wordy: bool) -> str:
    return f"{_WORD[sign]} {text}" if wordy else f" {sign} {text}"


def print_problem(problem: Problem, out: TextIO, wordy: bool = False, about: str = "") -> None:
    """Print a problem: what happened, the detail, and the next action."""
    print(_signed("✗", f"{about}: {problem.title}" if about else problem.title, wordy), file=out)
    for label, text in (("why", problem.detail), ("next", problem.remedy)):
        for line in text.splitlines():
            print(f"     {label}: {line}", file=out)


def print_report(report: Report, out: TextIO, wordy: bool = False) -> None:
    """Print findings by subject, worst first, those that say the same together; what holds is counted where it is much.

    In a terminal the sentences are broken at its width. Commands are not, so that they can be copied.
    """
    width = columns(out)
    print(f"\n{report.sentence().capitalize()}.", file=out)
    for subject, findings in report.subjects().items():
        print(f"\n{plain(subject)}", file=out)
        passed = [f for f in findings if f.status is Status.PASS]
        for group in grouped(f for f in findings if f.status is not Status.PASS):
            _print_group(group, out, wordy, width)
        if len(passed) > 4:
            print(_marked(Status.PASS, f"{count(len(passed), 'thing')} that must hold, hold", wordy), file=out)
        else:
            for finding in passed:
                print(folded(_marked(Status.PASS, plain(finding.title), wordy), width, 3), file=out)


def _print_group(group: Group, out: TextIO, wordy: bool, width: int) -> None:
    print(folded(_marked(group.status, plain(group.title), wordy), width, 3), file=out)
    for item in group.items:
        print(folded(f"     {plain(item)}", width, 7), file=out)
    if group.detail:
        print(folded(f"     why: {' '.join(plain(group.detail).split())}", width, 10), file=out)
    if group.first.remedy:
        print(f"     next: {plain(group.first.remedy)}", file=out)


def print_messages(report: Report, out: TextIO) -> None:
    """Print a text to send to whoever else can mend what fails."""
    for text, who in messages(report).items():
        print(f"\nA message for {who}:\n", file=out)
        print("\n".join(f"  {line}".rstrip() for line in text.split("\n")), file=out)


@contextmanager
def telling_the_wait(out: TextIO) -> Iterator[Callable[[float], bool]]:
    """Give a function that says how long the check still looks again: a countdown in a terminal, else one line."""
    told = False
    in_terminal = out.isatty()

    def tell(seconds_left: float) -> bool:
        nonlocal told
        text = f"Something is refused; IAM may not be everywhere yet. Looking again for {seconds_left:.0f} s"
        if in_terminal:
            print(f"\r\033[K{text}…", end="", file=out, flush=True)
        elif not told:
            print(f"{text} at most.", file=out, flush=True)
        told = True
        return True

    try:
        yield tell
    finally:
        if told and in_terminal:
            print("\r\033[K", end="", file=out, flush=True)


def _marked(status: Status, text: str, wordy: bool) -> str:
    return f"{words(status, 1)}: {text}" if wordy else f" {SYMBOLS[status]} {text}"


def print_next_steps(commands: Sequence[NextStep], settings: Sequence[NextStep], show: Callable[[str], None]) -> None:
    """Show what to set where the code runs, and the commands that come next, one a line."""
    if settings:
        show("\nSet this where your code runs:")
        for setting in settings:
            show(f"  {setting.command}   ({setting.does})")
    show("\nNext, in your project:")
    for command in commands:
        show(f"  {command.command}")
