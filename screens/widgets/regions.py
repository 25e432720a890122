"""Choosing several of many: type to filter, space or enter to tick. For the AWS regions."""

# ruff: noqa: A002 - `id` is Textual's own name for it

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from screens.widgets.control import Accepted, Answered, LeaveControl
from screens.widgets.words import Words, text
from wizard.text import count, listing


class FilterLine(Input):
    """The line that narrows the list below it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "app.focus_next", "List", show=False, id="filter.down", tooltip="Go to the list"),
        Binding("up", "leave", "Field above", show=False, id="filter.up", tooltip="Go to the field above"),
    ]

    def action_leave(self) -> None:
        self.post_message(LeaveControl(-1))


class TickList(OptionList):
    """The list with a tick before each entry."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "select", "Tick", show=False, id="ticks.toggle", tooltip="Set or take away the tick"),
        Binding("enter", "accept", "Go on", show=False, id="ticks.accept", tooltip="Go on with these"),
        Binding("slash", "filter", "Find", show=False, id="ticks.filter", tooltip="Narrow the list"),
        Binding("up", "up", "Up", show=False, id="ticks.up", tooltip="The entry above"),
        Binding("down", "down", "Down", show=False, id="ticks.down", tooltip="The entry below"),
    ]

    def action_accept(self) -> None:
        self.post_message(Accepted())

    def action_filter(self) -> None:
        self.screen.focus_previous()

    def action_up(self) -> None:
        if self.highlighted in (None, 0):
            self.screen.focus_previous()
        else:
            self.action_cursor_up()

    def action_down(self) -> None:
        if self.highlighted == self.option_count - 1:
            self.post_message(LeaveControl(1))
        else:
            self.action_cursor_down()


class SeveralOf(Vertical):
    """Several of many values, each with a name that can be searched too."""

    def __init__(self, names: Mapping[str, str], values: Sequence[str], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.names = {**names, **{v: names.get(v, "") for v in values}}
        self.values = list(values)

    @property
    def answer(self) -> list[str]:
        """The values with a tick, in the order they were ticked."""
        return list(self.values)

    def compose(self) -> ComposeResult:
        yield Words(id="several-chosen")
        yield FilterLine(placeholder=f"type to find one of {len(self.names)}", compact=True, id="several-filter")
        yield TickList(markup=False, compact=True, id="several-list")

    def on_mount(self) -> None:
        self._fill("")

    def _matching(self, wanted: str) -> list[str]:
        words = wanted.lower().split()
        found = [v for v, name in self.names.items() if all(w in f"{v} {name}".lower() for w in words)]
        return sorted(found, key=lambda v: v not in self.values) if not words else found

    def _fill(self, wanted: str) -> None:
        options = self.query_one(TickList)
        found = self._matching(wanted)
        options.set_options([Option(self._prompt(v), id=v) for v in found])
        options.highlighted = 0 if found else None
        self._say(wanted, len(found))

    def _say(self, wanted: str, found: int) -> None:
        shown = listing([f"{v} ({n})" if (n := self.names.get(v)) else v for v in self.values[:4]])
        if len(self.values) > 4:
            shown += f" and {count(len(self.values) - 4, 'more', 'more')}"
        line = text((shown, "bold")) if self.values else text(("none chosen", "$text-warning"))
        if wanted:
            line = line + text((f"   {count(found, 'match', 'matches')}", "$quiet"))
        self.query_one("#several-chosen", Words).update(line)

    def _prompt(self, value: str) -> Content:
        ticked = value in self.values
        mark = ("[✓] ", "bold $primary") if ticked else ("[ ] ", "$quiet")
        return text(mark, (f"{value:<16}", "bold" if ticked else ""), (self.names.get(value, ""), "$quiet"))

    def toggle(self, value: str) -> None:
        """Set or take away a tick."""
        if value in self.values:
            self.values.remove(value)
        else:
            self.values.append(value)
        options = self.query_one(TickList)
        options.replace_option_prompt(value, self._prompt(value))
        wanted = self.query_one(FilterLine).value
        self._say(wanted, options.option_count)
        self.post_message(Answered(self.answer))

    @on(Input.Changed, "#several-filter")
    def _narrow(self, event: Input.Changed) -> None:
        event.stop()
        self._fill(event.value)

    @on(Input.Submitted, "#several-filter")
    def _take_match(self, event: Input.Submitted) -> None:
        event.stop()
        if not event.value.strip():
            self.post_message(Accepted())
            return
        option = self.query_one(TickList).highlighted_option
        if option is None or option.id is None:
            return
        if option.id not in self.values:
            self.toggle(option.id)
        event.input.clear()

    @on(OptionList.OptionSelected, "#several-list")
    def _tick(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if event.option_id is not None:
            self.toggle(event.option_id)
