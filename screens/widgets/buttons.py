"""The row of buttons at the bottom of every step."""

# ruff: noqa: A002 - `id` is Textual's own name for it

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Button


class Push(Button):
    """A button that runs one of the screen's actions. Its label is plain text."""

    def __init__(
        self, label: str, does: str, *, id: str, primary: bool = False, disabled: bool = False, tooltip: str = ""
    ) -> None:
        super().__init__(Content(label), id=id, disabled=disabled, compact=True, classes="-main" if primary else None)
        self.does = does
        if tooltip:
            self.tooltip = Content(tooltip)

    def say(self, label: str) -> None:
        """Change the label, and make room for it."""
        self.label = Content(label)
        self.refresh(layout=True)

    async def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        await self.run_action(self.does)


class ButtonRow(Horizontal):
    """Buttons side by side; arrows go from one to the next."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "app.focus_previous", "Left", show=False, id="buttons.left", tooltip="The button before"),
        Binding("right", "app.focus_next", "Right", show=False, id="buttons.right", tooltip="The button after"),
        Binding("up", "app.focus_previous", "Up", show=False, id="buttons.up", tooltip="Back to the form"),
    ]
