"""Leaving the wizard: what would be lost, and the words printed afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from wizard.problem import ExitCode
from wizard.text import count

if TYPE_CHECKING:
    from screens.app import WizardApp


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
        app.notify(
            "Finishing the current call, then stopping. What was made stays, and is in the journal.", title="Stopping"
        )
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
            "Nothing has been changed in AWS. Your answers are kept nowhere yet.",
            (("stay", "Stay"), ("keep", "Save answers and leave"), ("leave", "Leave")),
        ),
        answered,
    )


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
    if app.dry_run and app.known.plan is not None:
        return ExitCode.OK
    return ExitCode.INTERRUPTED


def farewell(app: WizardApp) -> str:
    """The text for the terminal after the screen is gone."""
    log, report = app.known.applied, app.known.report
    lines: list[str] = []
    if log is not None and log.made:
        where = f" in account {app.known.identity.account}" if app.known.identity else ""
        lines.append(f"{count(log.made, 'change was', 'changes were')} made{where} (run {log.run or 'not finished'}).")
        lines += [f"The access key was written to {path}." for path in log.written_to]
        if not log.ok:
            lines.append("Not everything is done. Start again to go on: remotion-lambda-wizard")
    elif app.dry_run and app.known.plan is not None:
        lines.append(f"Dry run: {count(len(app.known.plan.writing), 'change')} would be made. Nothing was changed.")
    else:
        lines.append("Nothing was changed.")
    if report is not None:
        lines.append(f"Check: {report.sentence()}.")
        if report.ok and app.session.answers["start.goal"] != "diagnose":
            lines.append("Next: npx remotion lambda functions deploy")
        else:
            lines.append("Check again at any time: remotion-lambda-wizard check")
    lines += [f"The wizard made a mistake, please report it: {mistake}" for mistake in app.mistakes]
    return "\n".join(lines)
