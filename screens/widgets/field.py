"""One question of a form: label, control, what is wrong with the answer, and a sentence of help."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.events import DescendantBlur
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input

from screens.widgets.choice import ChoiceList
from screens.widgets.control import Accepted, Answered, LeaveControl
from screens.widgets.entry import Entry, Tick
from screens.widgets.picker import Picker
from screens.widgets.words import Words, text
from wizard.collect.steps import Question

Control = Any  # a widget with the property `answer`; Textual's Widget has no base for that


def widget_id(key: str) -> str:
    """Return the widget's id for a key of the answers file: a CSS id can't have dots."""
    return key.replace(".", "--")


class FieldView(Vertical):
    """A question with its control. Its id is the key of the answers file, with a suffix for a second question of a key."""

    @dataclass
    class Changed(Message):
        """Another answer was given."""

        key: str
        value: Any

    @dataclass
    class Confirmed(Message):
        """The person goes on from this field."""

        view: FieldView

    @dataclass
    class Left(Message):
        """The focus went out of this field."""

        view: FieldView

    @dataclass
    class Arrow(Message):
        """An arrow key leads out of this field."""

        view: FieldView
        by: int

    def __init__(self, question: Question, origin: str, control: Control, suffix: str = "") -> None:
        super().__init__(id=widget_id(question.key) + suffix)
        self.question = question
        self.key = question.key
        self.control: Control = control
        self.error = ""
        self._origin = origin

    def compose(self) -> ComposeResult:
        if not isinstance(self.control, Tick):
            yield Words(self._label(), classes="label")
        yield self.control
        error = Words(classes="error")
        error.display = False
        yield error
        if self.question.help:
            yield Words(self.question.help, classes="help")

    def _label(self) -> Any:
        origin = f"  from {self._origin}" if self._origin else ""
        return text((self.question.label, "bold"), (origin, "italic $quiet"))

    @property
    def focus_target(self) -> Widget:
        """The widget that takes the focus for this field."""
        control: Widget = self.control
        if control.focusable:
            return control
        return next((w for w in control.query("*") if w.focusable), control)

    def show_answer(self, value: str) -> None:
        """Show an answer that was given elsewhere, without telling about it."""
        if isinstance(self.control, Picker):
            self.control.show_answer(value)
        elif isinstance(self.control, Entry):
            with self.control.prevent(Input.Changed):
                self.control.value = value

    def show_error(self, error: str) -> None:
        """Mark the field and say what is allowed; "" takes the mark away."""
        if error == self.error:
            return
        self.error = error
        self.set_class(bool(error), "-wrong")
        shown = self.query_one(".error", Words)
        shown.update(text(("✗ ", "bold"), error))
        shown.display = bool(error)
        if error and self.has_focus_within:
            self.reveal()

    def reveal(self) -> None:
        """Scroll the whole field into view, with what is said about it."""
        self.call_after_refresh(self.scroll_visible, animate=False)

    @on(Answered)
    def _answered(self, event: Answered) -> None:
        event.stop()
        if self.display:  # a question that is not asked has no say, as where another one has the same key
            self.post_message(self.Changed(self.key, event.value))

    @on(Accepted)
    def _accepted(self, event: Accepted) -> None:
        event.stop()
        self.post_message(self.Confirmed(self))

    @on(LeaveControl)
    def _arrow(self, event: LeaveControl) -> None:
        event.stop()
        self.post_message(self.Arrow(self, event.by))

    def on_descendant_blur(self, event: DescendantBlur) -> None:
        if not isinstance(event.widget, ChoiceList):
            self.post_message(self.Left(self))
