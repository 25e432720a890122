"""Step "Start": what the person wants to do, as large choices."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from textual.binding import Binding
from textual.containers import Vertical
from textual.widget import Widget

from screens.form import FormScreen
from screens.step import Keys, PreviewScroll
from screens.widgets.buttons import Push
from screens.widgets.choice import ChoiceList
from screens.widgets.field import Control
from screens.widgets.notes import Note
from screens.widgets.words import Rows, Words, text
from wizard.collect.steps import Question

if TYPE_CHECKING:
    from wizard.collect.kept import Kept

_PLANS = {
    "new": (
        ("1", "You answer five short questions; everything has a sensible answer already."),
        ("2", "The wizard reads your account: what is there, what is missing."),
        ("3", "You see every single change, with its reason, before it is made."),
        ("4", "The changes are made one by one. If one fails, you see why, and can go on from there."),
        ("5", "AWS is asked to prove the result. You get the commands for your first render."),
    ),
    "change": (
        ("1", "The wizard reads the set-up that is there and compares it with what your release needs."),
        ("2", "You see the smallest change that makes it right, with a diff."),
        ("3", "What isn't the wizard's stays as it is: other policies, statements, tags and lines of .env."),
    ),
    "diagnose": (
        ("1", "The wizard reads the user, the role, their policies and limits."),
        ("2", "AWS simulates every action that Remotion needs, and some that it must not have."),
        ("3", "For what does not hold you get the cause, who can change it, and how. Nothing is changed."),
    ),
    "undo": (
        ("1", "You choose a run, or everything. The wizard has a journal of each run on this machine."),
        ("2", "What is still as the run left it is taken back. What somebody has changed since stays."),
        ("3", "You see every change, and type the name of the account before any is made."),
    ),
    "rotate": (
        ("1", "The wizard reads which access keys the user has, and when each was last used."),
        ("2", "A new key is made, tried, and written to the place of the old one."),
        ("3", "The old one is deactivated once the new one works, and deleted later, when nothing has missed it."),
    ),
}


class StartScreen(FormScreen):
    """The first screen."""

    preview_title = "What will happen"
    BINDINGS = [  # noqa: RUF012 - Textual's own convention
        Binding("f4", "go_on", "Go on", show=False, id="start.go-on", tooltip="Go on where you stopped"),
    ]

    def control_for(self, question: Question) -> Control:
        return ChoiceList(question.choices, self.session.answers.text(question.key), large=True)

    @property
    def offered(self) -> Kept | None:
        """The walk that may be gone on with."""
        keeper = self.wizard.keeper
        return keeper.offered if keeper is not None else None

    def compose_above(self) -> Iterable[Widget]:
        keeper, offered = self.wizard.keeper, self.offered
        if keeper is None or offered is None:
            return
        words = f"{offered.where(keeper.now())}. Or begin anew below: that forgets it."
        tip = "Takes up your answers. What is in AWS is read again. (f4)"
        area = Vertical(
            Push("Go on where you stopped", "screen.go_on", id="go-on-there", tooltip=tip),
            Words(words[0].upper() + words[1:], classes="help"),
            id="go-on",
        )
        area.display = True
        yield area

    def own_keys(self) -> Keys:
        return [("f4", "go on", "screen.go_on")] if self.offered is not None else []

    def action_go_on(self) -> None:
        if not self.leaving:
            self.wizard.go_on()

    def compose_below(self) -> Iterable[Widget]:
        yield Note("Nothing is written to AWS or to a file before you have reviewed it and pressed Apply.", "good")

    def compose_preview(self) -> Iterable[Widget]:
        with_numbers = Rows(self._rows(), column=3, id="course")
        made = Rows(
            [
                (text(("remotion-lambda-role", "bold")), "what the render function may do"),
                (text(("remotion-user", "bold")), "what your code may do"),
                (text(("an access key", "bold")), "how your code signs in; goes into .env"),
            ],
            column=23,
        )
        yield PreviewScroll(
            with_numbers, Words(text(("What exists afterwards", "bold $primary")), classes="subtitle"), made
        )

    def _rows(self) -> list[tuple[Any, Any]]:
        goal = self.session.answers.text("start.goal")
        return [(text((number, "bold $primary")), line) for number, line in _PLANS.get(goal, _PLANS["new"])]

    def answer_changed(self, _key: str, _value: Any) -> None:
        self.query_one("#course", Rows).show(self._rows())
        self.work(self.renew_frame, "frame")
