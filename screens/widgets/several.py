"""Several of a few choices: every one shows its tick, its label and a sentence. Arrows go through them, space ticks."""

# ruff: noqa: A002 - `id` is Textual's own name for it

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.events import Click
from textual.reactive import reactive

from screens.widgets.control import Accepted, Answered, LeaveControl
from screens.widgets.words import Wrapped, hanging, text
from wizard.collect.steps import Choice
from wizard.text import one_line


class TickItem(Wrapped):
    """One choice of the list, with a tick or without."""

    ticked = reactive(False, toggle_class="-ticked")

    def __init__(self, choice: Choice, ticked: bool) -> None:
        super().__init__(classes="-ticked" if ticked else None)
        self.choice = choice
        self.set_reactive(TickItem.ticked, ticked)

    def watch_ticked(self) -> None:
        self.changed()

    def lines(self, width: int) -> list[Content]:
        mark = ("[✓] ", "bold $primary") if self.ticked else ("[ ] ", "$quiet")
        label = text(one_line(self.choice.label)).stylize("bold" if self.ticked else "")
        found = hanging(text(mark), label, 4, width)
        if self.choice.help:
            found += hanging("    ", text((one_line(self.choice.help, 600), "$quiet")), 4, width)
        return found

    def on_click(self, event: Click) -> None:
        event.stop()
        ticks = self.parent
        if isinstance(ticks, SeveralChoices):
            ticks.focus(scroll_visible=False)
            ticks.go_to(ticks.items.index(self))
            ticks.action_flip()


class SeveralChoices(Vertical, can_focus=True):
    """A short list, any of which may be ticked. Arrows beyond its ends leave it, as between the fields of a form."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "Up", show=False, id="several.up", tooltip="The choice above"),
        Binding("down", "move(1)", "Down", show=False, id="several.down", tooltip="The choice below"),
        Binding("space", "flip", "Tick", show=False, id="several.toggle", tooltip="Set or take away the tick"),
        Binding("enter", "accept", "Go on", show=False, id="several.accept", tooltip="Go on with these"),
    ]

    def __init__(self, choices: Iterable[Choice], values: Sequence[str], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.items = [TickItem(choice, choice.value in values) for choice in choices]
        self.at = 0

    @property
    def answer(self) -> list[str]:
        """The values that are ticked, in the order of the list."""
        return [item.choice.value for item in self.items if item.ticked]

    def compose(self) -> ComposeResult:
        yield from self.items

    def on_mount(self) -> None:
        self._mark()

    def _mark(self) -> None:
        for index, item in enumerate(self.items):
            item.set_class(index == self.at, "-at")

    def go_to(self, index: int) -> None:
        """Go to a choice and bring it into view."""
        self.at = index
        self._mark()
        self.items[index].scroll_visible(animate=False)

    def action_move(self, by: int) -> None:
        if 0 <= self.at + by < len(self.items):
            self.go_to(self.at + by)
        else:
            self.post_message(LeaveControl(by))

    def action_flip(self) -> None:
        if self.items:
            self.items[self.at].ticked = not self.items[self.at].ticked
            self.post_message(Answered(self.answer))

    def action_accept(self) -> None:
        self.post_message(Accepted())
