"""Help for a step: the text is assets/help/<step>.md."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Markdown

from screens.dialogs.base import Dialog
from screens.widgets.frame import KeyBar
from screens.widgets.words import Words
from wizard.places import asset


class HelpDialog(Dialog[None]):
    """Help, scrolled with the arrows."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f1,enter,q", "close", "Close", show=False, id="help.close", tooltip="Close the help"),
    ]

    def __init__(self, step_id: str, title: str) -> None:
        super().__init__()
        self._path = asset("help", f"{step_id}.md")
        self._title = title

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="help"):
            yield Words(f"Help · {self._title}", classes="dialog-title")
            with VerticalScroll(id="help-text"):
                found = self._path.is_file()
                yield Markdown(self._path.read_text("utf-8") if found else "There is no help for this step yet.")
            yield KeyBar([("esc", "close", "screen.close"), ("↑↓", "scroll", "screen.close")])

    def on_mount(self) -> None:
        self.query_one("#help-text").focus()
