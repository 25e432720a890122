"""A line of tabs: arrows or a click choose, the pane below shows what was chosen."""

# ruff: noqa: A002 - `id` is Textual's own name for it

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from screens.widgets.words import text


class TabLine(Widget, can_focus=True):
    """Tabs in one line; the chosen one is in brackets, so that it is not told by colour alone."""

    @dataclass
    class Chosen(Message):
        """Another tab was chosen."""

        line: TabLine
        index: int

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "turn(-1)", "Left", show=False, id="tabs.left", tooltip="The tab to the left"),
        Binding("right", "turn(1)", "Right", show=False, id="tabs.right", tooltip="The tab to the right"),
        Binding("enter,space", "turn(1)", "Next tab", show=False, id="tabs.turn", tooltip="The next tab"),
        Binding("down", "app.focus_next", "Down", show=False, id="tabs.down", tooltip="Into the pane"),
    ]

    at: reactive[int] = reactive(0)

    def __init__(self, labels: Sequence[str], *, at: int = 0, id: str | None = None) -> None:
        super().__init__(id=id)
        self.labels = list(labels)
        self.set_reactive(TabLine.at, at)

    def render(self) -> Content:
        parts: list[tuple[str, str]] = []
        for index, label in enumerate(self.labels):
            if index == self.at:
                parts += [("▐", "$primary"), (f" {label} ", "bold $primary on $pick"), ("▌", "$primary")]
            else:
                parts.append((f"  {label}  ", "$quiet"))
        return text(*parts)

    def choose(self, index: int) -> None:
        """Choose a tab and tell about it."""
        if index != self.at:
            self.at = index
            self.post_message(self.Chosen(self, index))

    def action_turn(self, by: int) -> None:
        self.choose((self.at + by) % len(self.labels))

    def on_click(self, event: Click) -> None:
        event.stop()
        start = 0
        for index, label in enumerate(self.labels):
            start += len(label) + 4
            if event.x < start:
                self.choose(index)
                return
