"""Saving something to a file: the answers, or the plan as a script."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Button, Input

from screens.dialogs.entry import EntryDialog
from screens.saving import write_file
from screens.widgets.buttons import ButtonRow
from screens.widgets.words import Words, text

if TYPE_CHECKING:
    from screens.app import WizardApp
    from wizard.plan.changes import Plan

DEFAULT_NAME = "remotion-lambda-answers.toml"
SCRIPT_NAME = "remotion-lambda-setup.sh"


@dataclass(frozen=True)
class Saving:
    """What is saved: words about it, how it is used later, a name for the file, and how its text is made."""

    title: str
    about: str
    usage: str
    name: str
    make: Callable[[], str]
    replaces: bool = False  # the command line named this file, so it may be replaced


class SaveDialog(EntryDialog[Path]):
    """Asks for a file and writes it; dismissed with the path when that is done."""

    def __init__(self, saving: Saving) -> None:
        super().__init__()
        self._saving = saving
        self._replace = saving.name if saving.replaces else ""  # the path that may be replaced

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="save"):
            yield Words(self._saving.title, classes="dialog-title")
            yield Words(self._saving.about, classes="dialog-text")
            yield Words(text((self._saving.usage, "$text-accent")), classes="dialog-code")
            yield from self.compose_entry(self._saving.name)
            with ButtonRow(classes="dialog-buttons"):
                yield Button(Content("Save"), id="save-now", compact=True, classes="push -main")
                yield Button(Content("Cancel"), id="cancel", compact=True, classes="push")

    @on(Input.Submitted)
    @on(Button.Pressed, "#save-now")
    def _save(self) -> None:
        typed = self.typed.strip()
        if not typed:
            self.say_wrong("Name a file, such as answers.toml.")
            return
        self.run_worker(self._write(typed), exit_on_error=False)

    async def _write(self, typed: str) -> None:
        path = self.wizard.engine.options.folder / Path(typed).expanduser()
        if path.exists() and typed != self._replace:
            self._replace = typed
            self.say_wrong("This file exists. Press Save again to replace it, or give another name.")
            return
        problem = await write_file(path, self._saving.make)
        if problem:
            self.say_wrong(problem)
        else:
            self.app.notify(f"Written to {path}.", title="Saved")
            self.dismiss(path)


def save_answers(app: WizardApp, then: Callable[[Path | None], None] | None = None) -> None:
    """Ask where the answers go, and write them."""
    answers = app.session.answers
    saving = Saving(
        "Save the answers",
        "A small TOML file with what you answered, and no secret. Use it later, or for a colleague:",
        "remotion-lambda-wizard --answers FILE",
        str(app.save_answers or DEFAULT_NAME),
        answers.to_toml,
        replaces=app.save_answers is not None,
    )

    def saved(path: Path | None) -> None:
        if path is not None:
            app.known.saved = answers
        if then is not None:
            then(path)

    app.push_screen(SaveDialog(saving), saved)


def save_script(app: WizardApp, plan: Plan) -> None:
    """Ask where the plan goes as a script of AWS CLI commands, and write it."""
    from wizard.plan.render import as_aws_cli

    saving = Saving(
        "Save the plan as a script",
        "A shell script of AWS CLI commands that makes the same changes, for those who can't run the wizard:",
        "sh FILE",
        SCRIPT_NAME,
        lambda: as_aws_cli(plan),
    )
    app.push_screen(SaveDialog(saving))
