"""A question with two or three buttons."""

from __future__ import annotations

from collections.abc import Sequence

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Button

from screens.dialogs.base import Dialog
from screens.widgets.buttons import ButtonRow
from screens.widgets.words import Words


class Ask(Dialog[str]):
    """Dismissed with the id of the button that was pressed; the first one has the focus."""

    def __init__(self, title: str, message: str, answers: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self._title = title
        self._message = message
        self._answers = answers

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="ask"):
            yield Words(self._title, classes="dialog-title")
            yield Words(self._message, classes="dialog-text")
            with ButtonRow(classes="dialog-buttons"):
                for index, (name, label) in enumerate(self._answers):
                    yield Button(Content(label), id=name, compact=True, classes="push -main" if not index else "push")

    def on_mount(self) -> None:
        self.query(Button).first().focus()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.dismiss(event.button.id)
