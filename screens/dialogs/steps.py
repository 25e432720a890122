"""The steps as a dialog, where the terminal is too narrow for the list."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical

from screens.dialogs.base import Dialog
from screens.widgets.frame import StepList
from screens.widgets.words import Words
from wizard.collect.session import Session


class StepsDialog(Dialog[str]):
    """Pick a step that was visited."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="steps-dialog"):
            yield Words("Go to step", classes="dialog-title")
            yield StepList(self._session, id="steps-listed")
            yield Words("↑ ↓ choose · enter go there · esc close", classes="dialog-hint")

    def on_mount(self) -> None:
        self.query_one(StepList).focus()

    @on(StepList.Picked)
    def _picked(self, event: StepList.Picked) -> None:
        event.stop()
        self.dismiss(event.step_id)
