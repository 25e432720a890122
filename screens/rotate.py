"""Step "Access key": which keys the user has, where the one lies that is to be changed, and what is to become of the old one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget

from screens.background import off_thread, problem_of
from screens.form import FormScreen
from screens.step import Keys as KeyBarKeys
from screens.step import PreviewScroll
from screens.widgets.card import Card, headed
from screens.widgets.choice import ChoiceList
from screens.widgets.field import Control
from screens.widgets.notes import Busy, Note, ProblemBox
from screens.widgets.words import Rows, Words, hanging, text
from wizard.collect.steps import Choice, Question
from wizard.plan.rotation import KeyLine, Keys, rotation_plan
from wizard.text import count, one_line, shortened_key

_COLUMN: Final = 13  # cells for sign and word, where the card is roomy
_PAUSE: Final = 0.4  # seconds without typing, before the keys are read again
_SIGNS: Final = {
    "active": ("✓", "active", "bold $text-success"),
    "inactive": ("○", "inactive", "$quiet"),
}
_COURSE: Final = {
    "new-key": (
        ("1", "A new key is made. AWS must accept it before it is written anywhere."),
        ("2", "It takes the old one's place; nothing of the old one stays in the file."),
        ("3", "The wizard signs in with what is written there."),
        ("4", "Only then is the old key deactivated. It can be made active again."),
        ("5", "Later, once nothing has used it for the days that you choose, it can be deleted."),
    ),
    "delete-old": (
        ("1", "Inactive keys that nothing has used for the days that you choose are deleted."),
        ("2", "Keys that are active, and the one in its place, stay as they are."),
    ),
}


class KeyCard(Card):
    """One access key: how it stands, where its secret lies, how old it is, when and for what it was used."""

    def __init__(self, line: KeyLine) -> None:
        super().__init__(classes="-here" if line.place else None)
        self.line = line

    def lines(self, width: int) -> list[Content]:
        place = (f"  in {one_line(self.line.place, 60)}", "$text-accent") if self.line.place else ""
        title = text((shortened_key(self.line.id), "bold"), place)
        found, column = headed(_SIGNS[self.line.status], title, _COLUMN, width)
        aside = one_line(f"{self.line.age}, {self.line.use}", 200)
        return found + hanging(" " * column, text((aside, "$quiet")), column, width)


class RotateScreen(FormScreen):
    """The user's keys are read when the step is entered, and again when it is another user or place."""

    preview_title = "What will happen"
    BINDINGS = [  # noqa: RUF012 - Textual's own convention
        Binding("f5", "read_again", "Read again", show=False, id="rotate.again", tooltip="Read the access keys again"),
    ]
    _own_keys: Keys | None = None

    def compose_body(self) -> Iterable[Widget]:
        asked = [question for question in self.step.questions if question.dynamic != "own-keys"]
        about_keys = [question for question in asked if question.key.startswith("rotate.")]
        yield from (self.field_view(question) for question in asked if question not in about_keys)
        yield Vertical(Busy("Reading the access keys…"), id="own-keys")
        yield from (self.field_view(question) for question in about_keys)
        yield Vertical(id="which-goes")

    def compose_preview(self) -> Iterable[Widget]:
        yield PreviewScroll(
            Rows(self._course(), column=3, id="course"),
            Words(text(("Is the key anywhere else?", "bold $primary")), classes="subtitle"),
            Words(
                "On a host such as Vercel, or in CI, the old key stops working when it is deactivated. Put the new one there "
                "too. AWS notes when a key was last used, and for which service: that tells whether something still needs it."
            ),
        )

    def _course(self) -> list[tuple[Any, Any]]:
        what = self.session.answers.text("rotate.what")
        return [(text((number, "bold $primary")), line) for number, line in _COURSE.get(what, ())]

    def own_keys(self) -> KeyBarKeys:
        return [("f5", "read again", "screen.read_again")]

    def control_for(self, question: Question) -> Control:
        if question.dynamic != "own-keys":
            return super().control_for(question)
        keys = self._own_keys
        offered = [Choice(k.id, shortened_key(k.id), keys.line(k).aside) for k in keys.others] if keys else []
        return ChoiceList(offered, self.session.answers.text(question.key))

    # Reading

    def entered(self) -> None:
        self.action_read_again()

    def answer_changed(self, key: str, _value: Any) -> None:
        if not key.startswith("rotate."):
            self._own_keys = None
            self.work(self._read_soon, "keys")
        elif self._own_keys is not None and key != "rotate.replace":
            self.query_one("#course", Rows).show(self._course())
            self._own_keys = replace(self._own_keys, answers=self.session.answers)
            self.work(self._ask_which_goes, "which-goes")

    def action_read_again(self) -> None:
        self._own_keys = None
        self.work(self._read, "keys")

    async def _read_soon(self) -> None:
        await asyncio.sleep(_PAUSE)
        await self._read()

    async def _read(self) -> None:
        app, answers = self.wizard, self.session.answers
        if self.session.problems():
            await self.fill("#own-keys", Note("The keys are shown once the answers above are right.", "info"))
            return
        await self.fill("#own-keys", Busy("Reading the access keys…"))
        try:
            await app.connect()
            snapshot = await off_thread(lambda: app.engine.discover(answers))
        except Exception as error:
            await self.fill("#own-keys", ProblemBox(problem_of(error)), Note("f5 reads again.", "info"))
            return
        self._own_keys = Keys(answers, snapshot)
        app.known.keep(snapshot, answers)
        await self.renew_frame()
        await self._show(self._own_keys)

    async def _show(self, keys: Keys) -> None:
        found: list[Widget] = [
            Words(text((f"Access keys of {one_line(keys.user, 64)}", "bold $primary")), classes="group")
        ]
        found += [KeyCard(line) for line in keys.lines()]
        problems = () if keys.needs_choice else rotation_plan(keys.answers, keys.snapshot).problems
        await self.fill("#own-keys", *found, *(ProblemBox(problem) for problem in problems))
        if problems:
            self.hint("✗ something stands in the way: see below", "$text-error")
        else:
            self.hint(f"↓ {count(len(keys.all), 'access key')}")
        await self._ask_which_goes()

    async def _ask_which_goes(self) -> None:
        """Ask which key goes first, where AWS allows no third one and all may be in use."""
        arises = self._own_keys is not None and self._own_keys.needs_choice
        questions = [q for q in self.step.questions if q.dynamic == "own-keys" and arises]
        await self.fill("#which-goes", *(self.field_view(question) for question in questions))
        if questions:
            self.hint("↓ which key goes first?")

    def ready(self) -> bool:
        keys = self._own_keys
        if keys is None:
            if not self.query("#own-keys Busy"):
                self.action_read_again()
            self.hint("The access keys are being read…")
            return False
        chosen = self.session.answers.text("rotate.replace")
        view = self.field("rotate.replace")
        if keys.needs_choice and view is not None and keys.of(chosen) not in keys.others:
            self.hint("↑ choose the key that goes first", "$text-error")
            view.focus_target.focus()
            view.reveal()
            return False
        return True
