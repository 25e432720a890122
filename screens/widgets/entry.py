"""A line of text to type, and a tick to set."""

# ruff: noqa: A002 - `id` is Textual's own name for it

from __future__ import annotations

from typing import Any, ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import Click
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Input

from screens.widgets.control import Accepted, Answered, LeaveControl
from screens.widgets.words import text
from wizard.collect.answers import tags_from_text, tags_to_text
from wizard.collect.fields import Field


class Entry(Input):
    """One line of text for a field of kind text, number, tags or texts."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "leave(-1)", "Field above", show=False, id="entry.up", tooltip="Go to the field above"),
        Binding("down", "leave(1)", "Field below", show=False, id="entry.down", tooltip="Go to the field below"),
    ]

    def __init__(self, field: Field, value: Any, *, placeholder: str = "", id: str | None = None) -> None:
        self.field = field
        super().__init__(_as_text(value), placeholder=placeholder, id=id, select_on_focus=True)

    @property
    def answer(self) -> Any:
        """What was typed, as the field's type where it can be read as that."""
        typed = self.value
        if self.field.kind == "tags":
            return tags_from_text(typed)
        if self.field.kind == "texts":
            return [part.strip() for part in typed.split(",") if part.strip()]
        if self.field.kind == "number":
            digits = typed.replace(",", "").strip()
            return int(digits) if digits.isdecimal() and digits.isascii() else typed
        return typed

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(Answered(self.answer))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(Accepted())

    def action_leave(self, by: int) -> None:
        self.post_message(LeaveControl(by))


def _as_text(value: Any) -> str:
    if isinstance(value, dict):
        return tags_to_text(value)
    if isinstance(value, list):
        return ", ".join(str(v) for v in value)
    return str(value)


class Tick(Widget, can_focus=True):
    """Yes or no."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "flip", "Change", show=False, id="tick.toggle", tooltip="Set or take away the tick"),
        Binding("enter", "accept", "Go on", show=False, id="tick.accept", tooltip="Go on"),
        Binding("up", "leave(-1)", "Field above", show=False, id="tick.up", tooltip="Go to the field above"),
        Binding("down", "leave(1)", "Field below", show=False, id="tick.down", tooltip="Go to the field below"),
    ]

    on = reactive(False, toggle_class="-on")

    def __init__(self, label: str, value: bool, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.label = label
        self.set_reactive(Tick.on, value)

    @property
    def answer(self) -> bool:
        """Whether the tick is set."""
        return self.on

    def render(self) -> Content:
        mark = ("[✓] ", "bold $primary") if self.on else ("[ ] ", "$quiet")
        return text(mark, self.label, ("  yes" if self.on else "  no", "$quiet"))

    def on_click(self, event: Click) -> None:
        event.stop()
        self.focus()
        self.action_flip()

    def action_flip(self) -> None:
        self.on = not self.on
        self.post_message(Answered(self.on))

    def action_accept(self) -> None:
        self.post_message(Accepted())

    def action_leave(self, by: int) -> None:
        self.post_message(LeaveControl(by))
