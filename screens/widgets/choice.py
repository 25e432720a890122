"""One of several choices: arrows choose, enter goes on. Every choice shows its mark, its label and a sentence."""

# ruff: noqa: A002 - `id` is Textual's own name for it

from __future__ import annotations

from collections.abc import Iterable
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


class ChoiceItem(Wrapped):
    """One choice of a list."""

    chosen = reactive(False, toggle_class="-chosen")

    def __init__(self, choice: Choice, large: bool) -> None:
        super().__init__()
        self.choice = choice
        self.large = large

    def watch_chosen(self) -> None:
        self.changed()

    def lines(self, width: int) -> list[Content]:
        mark = ("◉ ", "bold $primary") if self.chosen else ("○ ", "$quiet")
        label = text(one_line(self.choice.label)).stylize("bold" if self.chosen or self.large else "")
        found = hanging(text(mark), label, 2, width)
        if self.choice.help:
            found += hanging("  ", text((one_line(self.choice.help), "$quiet")), 2, width)
        return found

    async def on_click(self, event: Click) -> None:
        event.stop()
        parent = self.parent
        if isinstance(parent, ChoiceList):
            parent.focus(scroll_visible=False)
            parent.choose(self.choice.value)
            if event.chain == 2:
                parent.post_message(Accepted())


class ChoiceList(Vertical, can_focus=True):
    """A list of choices, one of which is chosen. Arrows beyond its ends leave it, as between the fields of a form."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "Up", show=False, id="choice.up", tooltip="The choice above"),
        Binding("down", "move(1)", "Down", show=False, id="choice.down", tooltip="The choice below"),
        Binding("home", "end(0)", "First", show=False, id="choice.first", tooltip="The first choice"),
        Binding("end", "end(-1)", "Last", show=False, id="choice.last", tooltip="The last choice"),
        Binding("enter", "accept", "Go on", show=False, id="choice.accept", tooltip="Take this choice and go on"),
        Binding("space", "accept", "Go on", show=False, id="choice.space", tooltip="Take this choice and go on"),
    ]

    def __init__(self, choices: Iterable[Choice], value: str, *, large: bool = False, id: str | None = None) -> None:
        super().__init__(id=id, classes="-large" if large else None)
        self.choices = tuple(choices)
        self.value = value
        self.large = large

    @property
    def answer(self) -> str:
        """The value of the choice."""
        return self.value

    def compose(self) -> ComposeResult:
        for choice in self.choices:
            item = ChoiceItem(choice, self.large)
            item.set_reactive(ChoiceItem.chosen, choice.value == self.value)
            item.set_class(choice.value == self.value, "-chosen")
            yield item

    def choose(self, value: str) -> None:
        """Make a choice and tell about it."""
        if value == self.value:
            return
        self.value = value
        for item in self.query(ChoiceItem):
            item.chosen = item.choice.value == value
            if item.chosen:
                item.scroll_visible(animate=False)
        self.post_message(Answered(value))

    async def replace(self, choices: Iterable[Choice], value: str) -> None:
        """Offer other choices."""
        self.choices = tuple(choices)
        self.value = value
        await self.recompose()

    def _index(self) -> int:
        return next((i for i, c in enumerate(self.choices) if c.value == self.value), -1)

    def action_move(self, by: int) -> None:
        if not self.choices:
            return
        index = self._index() + by
        if 0 <= index < len(self.choices):
            self.choose(self.choices[index].value)
        else:
            self.post_message(LeaveControl(by))

    def action_end(self, index: int) -> None:
        if self.choices:
            self.choose(self.choices[index].value)

    def action_accept(self) -> None:
        self.post_message(Accepted())
