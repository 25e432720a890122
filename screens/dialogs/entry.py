"""The base of dialogs with one line to fill in, and what is wrong with it below."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Button, Input

from screens.dialogs.base import Dialog, R
from screens.widgets.words import Words, text


class DialogEntry(Input):
    """The line of a dialog."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "app.focus_next", "Buttons", show=False, id="save.down", tooltip="Go to the buttons"),
    ]


class EntryDialog(Dialog[R]):
    """A dialog whose line has the focus. Its button #cancel dismisses it with None."""

    def compose_entry(self, value: str = "") -> ComposeResult:
        """Yield the line and the place for what is wrong with it."""
        yield DialogEntry(value)
        error = Words(classes="error")
        error.display = False
        yield error

    @property
    def typed(self) -> str:
        """What the line holds."""
        return self.query_one(DialogEntry).value

    def say_wrong(self, message: str) -> None:
        """Say what is wrong with the line, until something else is typed."""
        shown = self.query_one(".error", Words)
        shown.update(text(("✗ ", "bold"), message))
        shown.display = True
        self.query_one(DialogEntry).focus()

    def on_mount(self) -> None:
        self.query_one(DialogEntry).focus()

    @on(Button.Pressed, "#cancel")
    def _cancel(self) -> None:
        self.dismiss(None)

    @on(Input.Changed)
    def _changed(self) -> None:
        self.query_one(".error").display = False
