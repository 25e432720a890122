"""A step that asks questions: fields made from the step's definition, checked against the engine's rules."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from textual import on
from textual.widget import Widget

from screens.step import StepScreen
from screens.widgets.choice import ChoiceList
from screens.widgets.entry import Entry, Tick
from screens.widgets.field import Control, FieldView
from screens.widgets.picker import PickLine
from screens.widgets.regions import SeveralOf
from screens.widgets.section import Section
from wizard.collect.steps import Question
from wizard.text import count

_TAGS = "Write tags as key=value with commas in between, such as team=video, stage=prod. Or leave it empty."


class FormScreen(StepScreen):
    """A form. Answers go to the session with every key, so that nothing typed is ever lost."""

    def compose_body(self) -> Iterable[Widget]:
        yield from self.compose_above()
        plain = [q for q in self.step.questions if not q.advanced]
        advanced = [q for q in self.step.questions if q.advanced]
        for question in plain:
            yield self.field_view(question)
        if advanced:
            given = any(self.session.answers[q.key] != q.field.default for q in advanced)
            more = Section("More", lambda: [self.field_view(q) for q in advanced], opened=given, id="more")
            more.display = self._has_more()
            yield more
        yield from self.compose_below()

    def compose_above(self) -> Iterable[Widget]:
        """What stands above the questions."""
        return ()

    def compose_below(self) -> Iterable[Widget]:
        """What stands below the questions."""
        return ()

    def placeholder(self, _question: Question) -> str:
        """The example in an empty line."""
        return ""

    def control_for(self, question: Question) -> Control:
        """Make the control that suits the question."""
        value = self.session.answers[question.key]
        if question.choices:
            return ChoiceList(question.choices, str(value))
        if question.field.kind == "flag":
            return Tick(question.label, bool(value))
        if question.field.kind == "regions":
            from wizard.remotion.regions import PLACES

            return SeveralOf(PLACES, value if isinstance(value, list) else [])
        return Entry(question.field, value, placeholder=self.placeholder(question))

    def field_view(self, question: Question) -> FieldView:
        """Make the field of a question."""
        answers = self.session.answers
        same = [q for q in self.step.questions if q.key == question.key]
        suffix = f"--{same.index(question) + 1}" if same.index(question) else ""
        view = FieldView(question, answers.told_origin(question.key), self.control_for(question), suffix)
        view.display = question.when(answers)
        return view

    def fields(self) -> list[FieldView]:
        """The fields that are asked now, in their order."""
        return [f for f in self.query(FieldView) if f.question.when(self.session.answers)]

    def field(self, key: str) -> FieldView | None:
        """Return the field of a key, if it is on screen."""
        return next((f for f in self.fields() if f.key == key), None)

    def problem(self, view: FieldView) -> str:
        """Return what is wrong with a field's answer, or ""."""
        value = self.session.answers[view.key]
        if view.question.field.kind == "tags" and isinstance(value, str):
            return _TAGS
        return self.session.answers.problem(view.key) or self.wizard.engine.local_problems(
            view.key, self.session.answers
        )

    def answer_changed(self, _key: str, _value: Any) -> None:
        """Called after an answer changed: subclasses renew what depends on it."""

    def _has_more(self) -> bool:
        return any(q.advanced and q.when(self.session.answers) for q in self.step.questions)

    def show_asked(self, _changed: str) -> None:
        """Show the questions that apply now. What stands in one that did not apply may be the answer to another."""
        answers = self.session.answers
        for view in self.query(FieldView):
            asked = view.question.when(answers)
            if asked and not view.display and isinstance(answers[view.key], str):
                view.show_answer(answers.text(view.key))
                view.show_error("")
            view.display = asked
        for more in self.query("#more").results(Section):
            more.display = self._has_more()

    # What the fields say

    @on(FieldView.Changed)
    def _changed(self, event: FieldView.Changed) -> None:
        event.stop()
        self.session.set({event.key: event.value})
        self.show_asked(event.key)
        for view in self.fields():
            if view.key == event.key and view.error:
                view.show_error(self.problem(view))
        self._count_wrong()
        self.answer_changed(event.key, event.value)

    @on(FieldView.Left)
    def _left(self, event: FieldView.Left) -> None:
        event.stop()
        if not self.leaving:
            event.view.show_error(self.problem(event.view))
            self._count_wrong()

    @on(FieldView.Confirmed)
    def _accepted(self, event: FieldView.Confirmed) -> None:
        event.stop()
        view = self._pressed_in(event.view)
        wrong = self.problem(view)
        view.show_error(wrong)
        if wrong:
            self._count_wrong()
        elif following := self._neighbour(view, 1):
            target = following.focus_target
            self.set_focus(target, scroll_visible=not isinstance(target, PickLine))
        else:
            self.action_next()

    def _pressed_in(self, view: FieldView) -> FieldView:
        """Return the field that enter is for: a second enter is there before the first one has moved the focus on."""
        return view if view.has_focus_within else next((f for f in self.fields() if f.has_focus_within), view)

    @on(FieldView.Arrow)
    def _arrow(self, event: FieldView.Arrow) -> None:
        event.stop()
        beside = self._neighbour(event.view, event.by)
        if beside:
            beside.focus_target.focus()
        elif event.by > 0:
            self.focus_next()

    def _neighbour(self, view: FieldView, by: int) -> FieldView | None:
        shown = [f for f in self.fields() if f.focus_target.focusable]
        index = shown.index(view) + by if view in shown else -1
        return shown[index] if 0 <= index < len(shown) else None

    def _count_wrong(self) -> None:
        wrong = sum(bool(f.error) for f in self.fields())
        self.hint(f"✗ {count(wrong, 'answer needs', 'answers need')} a look" if wrong else "", "$text-error")

    # Going on

    def wrong_fields(self) -> list[str]:
        """Mark every wrong answer; return their keys."""
        wrong = list(self.session.problems())
        for view in self.fields():
            view.show_error(self.problem(view))
            if view.error and view.key not in wrong:
                wrong.append(view.key)
        self._count_wrong()
        return wrong

    def action_next(self) -> None:
        if self.leaving:
            return
        wrong = self.wrong_fields()
        if wrong:
            self._go_to_wrong(wrong[0])
        elif self.ready():
            self.wizard.go_next()

    def ready(self) -> bool:
        """Whether the step may be left, apart from the answers; else say why and do something about it."""
        return True

    def _go_to_wrong(self, key: str) -> None:
        view = self.field(key)
        if view is None:  # behind "More"
            for more in self.query("#more").results(Section):
                more.opened = True
            self.call_after_refresh(self._show_wrong_again, key)
            return
        if view.question.advanced:
            self.query_one("#more", Section).opened = True
        view.focus_target.focus(scroll_visible=False)
        view.reveal()

    def _show_wrong_again(self, key: str) -> None:
        self.wrong_fields()
        if view := self.field(key):
            view.focus_target.focus(scroll_visible=False)
            view.reveal()
