"""Step "Take back": which run is to be taken back, or everything."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from textual.binding import Binding
from textual.containers import Vertical
from textual.widget import Widget

from screens.background import off_thread, problem_of
from screens.form import FormScreen
from screens.step import Keys, PreviewScroll
from screens.widgets.choice import ChoiceList
from screens.widgets.field import Control
from screens.widgets.notes import Busy, Note, ProblemBox
from screens.widgets.words import Rows, Words, text
from wizard.collect.steps import Question
from wizard.plan.deeds import EVERYTHING, run_choices

_ONE: Final = (
    ("1", "The wizard reads its journal of the run, and how everything stands now."),
    (
        "2",
        "What is still as the run left it becomes what it was before. What was made goes, what was updated is restored.",
    ),
    ("3", "What somebody has changed since stays, and you are told."),
    ("4", "You see every change, and type the account's name before any is made."),
)
_ALL: Final = (
    ("1", "All runs that are left are taken back, the newest first."),
    (
        "2",
        "What carries the wizard's tag goes too: user, keys, role, policies; and the logs of functions that are gone.",
    ),
    ("3", "What has no such tag is only listed. Buckets and functions are never deleted."),
    ("4", "You see every change, and type the account's name before any is made."),
)


class UndoScreen(FormScreen):
    """What to take back. The journals are read once it is known which account they are of."""

    preview_title = "What will happen"
    BINDINGS = [  # noqa: RUF012 - Textual's own convention
        Binding("f5", "read_again", "Read again", show=False, id="undo.again", tooltip="Look for runs again"),
    ]

    def compose_body(self) -> Iterable[Widget]:
        yield Vertical(Busy("Looking for runs…"), id="runs")

    def compose_preview(self) -> Iterable[Widget]:
        yield PreviewScroll(
            Rows(self._course(), column=3, id="course"),
            Words(text(("What stays in any case", "bold $primary")), classes="subtitle"),
            Words(
                "Buckets and the videos in them, Remotion's functions, requests for quotas, and lines of .gitignore."
            ),
        )

    def _course(self) -> list[tuple[Any, Any]]:
        lines = _ALL if self.session.answers.text("undo.run") == EVERYTHING else _ONE
        return [(text((number, "bold $primary")), line) for number, line in lines]

    def own_keys(self) -> Keys:
        return [("f5", "read again", "screen.read_again")]

    def entered(self) -> None:
        self.action_read_again()

    def action_read_again(self) -> None:
        self.work(self._read, "runs")

    async def _read(self) -> None:
        app = self.wizard
        try:
            await app.connect()
            app.known.runs = await off_thread(app.engine.undo_runs)
        except Exception as error:
            await self.fill("#runs", ProblemBox(problem_of(error)), Note("f5 reads again.", "info"))
            return
        runs, chosen = app.known.runs, self.session.answers.text("undo.run")
        if chosen not in {EVERYTHING, *(run.run for run in runs)}:
            self.session.set({"undo.run": runs[0].run if runs else EVERYTHING})
        none = "No run of this account is left in the journals of this machine."
        notes = () if runs else (Note(f"{none} What carries the wizard's tag can be taken back all the same.", "info"),)
        await self.renew_frame()
        await self.fill("#runs", *notes, *(self.field_view(question) for question in self.step.questions))
        self.query_one("#course", Rows).show(self._course())
        self.show_asked("undo.run")
        if self.focused is None or self.focused in self.query("#buttons Push"):
            self.call_after_refresh(self.focus_first)

    def control_for(self, question: Question) -> Control:
        if question.dynamic != "runs":
            return super().control_for(question)
        return ChoiceList(run_choices(self.known.runs or ()), self.session.answers.text(question.key))

    def answer_changed(self, _key: str, _value: Any) -> None:
        self.query_one("#course", Rows).show(self._course())

    def ready(self) -> bool:
        if self.fields():
            return True
        self.action_read_again()
        return False
