"""Leaving the wizard: what would be lost, and the words printed afterwards."""

from __future__ import annotations

import os
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from wizard.problem import ExitCode
from wizard.text import count

if TYPE_CHECKING:
    from screens.app import WizardApp

APPLYING: Final = "wizard-apply"  # the thread in which changes are made
_GRACE: Final = 10.0  # seconds to take the screen down


def unsaved(app: WizardApp) -> bool:
    """Whether the person answered something that is in no file and has not been applied."""
    answers = app.session.answers
    typed = any(origin == "you" for origin in answers.origins.values())
    return typed and answers != app.known.saved and not app.known.changed_account and app.known.report is None


def ask_to_leave(app: WizardApp) -> None:
    """Leave at once where nothing is lost; else ask."""
    from screens.dialogs.ask import Ask

    if isinstance(app.screen, Ask):
        return
    log = app.known.applied
    if log is not None and log.running:
        app.stop_applying = True
        _tell_that_it_stops(app)
        return
    if not unsaved(app):
        app.leave(end_code(app))
        return

    def answered(choice: str | None) -> None:
        if choice == "leave":
            app.leave(end_code(app))
        elif choice == "keep":
            save_and_leave(app)

    app.push_screen(
        Ask(
            "Leave the wizard?",
            f"Nothing has been changed in AWS. {_what_is_kept(app)}",
            (("stay", "Stay"), ("keep", "Save answers and leave"), ("leave", "Leave")),
        ),
        answered,
    )


def _what_is_kept(app: WizardApp) -> str:
    if app.keeper is None or app.keeper.problem:
        return "Your answers are kept nowhere yet."
    return "Your answers are kept: the next start in this folder offers to go on here."


def leave_by_signal(app: WizardApp) -> None:
    """Leave because the program was asked to end: at once, but while changes are made after the current call."""
    log = app.known.applied
    if log is not None and log.running:
        _tell_that_it_stops(app)
    else:
        app.leave(app.stop_code)


def _tell_that_it_stops(app: WizardApp) -> None:
    app.notify(
        "Finishing the current call, then stopping. What was made stays, and is in the journal.", title="Stopping"
    )


def let_go_of_closed_terminal() -> None:
    """Write into nothing from now on if the terminal was closed: what draws the screen would wait for it forever."""
    import termios

    for stream in (sys.__stdout__, sys.__stderr__):
        if stream is None:
            continue
        try:
            termios.tcgetattr(stream.fileno())
        except termios.error:
            with suppress(OSError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def end_anyway(code: int) -> None:
    """End the program in a while, whatever holds it up, but no change: nobody could end it where its terminal is gone."""

    def wait_and_end() -> None:
        for thread in threading.enumerate():
            if thread.name == APPLYING:
                thread.join()
        time.sleep(_GRACE)
        os._exit(code)

    threading.Thread(target=wait_and_end, name="wizard-end", daemon=True).start()


def save_and_leave(app: WizardApp) -> None:
    """Ask where the answers go; leave once they are written."""
    from screens.dialogs.save import save_answers

    def saved(path: Path | None) -> None:
        if path is not None:
            app.leave(end_code(app))

    save_answers(app, saved)


def end_code(app: WizardApp) -> ExitCode:
    """The exit code if the person leaves now."""
    log, report = app.known.applied, app.known.report
    if log is not None and not log.ok:
        return ExitCode.INTERRUPTED if app.stop_applying else ExitCode.DOES_NOT_HOLD
    if report is not None:
        return ExitCode.OK if report.ok else ExitCode.DOES_NOT_HOLD
    if app.session.current == "done" and app.known.plan is not None and app.known.plan.purpose == "undo":
        return ExitCode.OK
    if app.dry_run and app.known.plan is not None:
        return ExitCode.OK
    return ExitCode.INTERRUPTED


def farewell(app: WizardApp) -> str:
    """The text for the terminal after the screen is gone."""
    from wizard.plan.rotation import told_afterwards
    from wizard.plan.undo import taken_back

    log, report = app.known.applied, app.known.report
    lines: list[str] = []
    if log is not None and log.ok and app.known.plan is not None and app.known.plan.purpose == "undo":
        lines += taken_back(app.known.plan)
    elif log is not None and log.made:
        where = f" in account {app.known.identity.account}" if app.known.identity else ""
        lines.append(f"{count(log.made, 'change was', 'changes were')} made{where} (run {log.run or 'not finished'}).")
        lines += [f"The access key was written to {path}." for path in log.written_to]
        if not log.ok:
            again = " Start again to go on: remotion-lambda-wizard" if app.keeper is None else ""
            lines.append(f"Not everything is done.{again}")
    elif app.dry_run and app.known.plan is not None:
        lines.append(f"Dry run: {count(len(app.known.plan.writing), 'change')} would be made. Nothing was changed.")
    else:
        lines.append("Nothing was changed.")
    if report is not None:
        lines.append(f"Check: {report.sentence()}.")
        if app.known.plan is not None and app.known.plan.purpose == "rotate":
            lines += told_afterwards(app.known.plan)
        elif report.ok and app.session.answers["start.goal"] != "diagnose":
            lines.append("Next: npx remotion lambda functions deploy")
        else:
            lines.append("Check again at any time: remotion-lambda-wizard check")
    lines += [f"The wizard made a mistake, please report it: {mistake}" for mistake in app.mistakes]
    return "\n".join(lines)
