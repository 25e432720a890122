"""Step "Review": read the account, build the plan, show every change before any is made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from textual import on
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget

from screens.background import off_thread, problem_of, told_from_threads
from screens.step import Keys, StepScreen
from screens.widgets.buttons import ButtonRow, Push
from screens.widgets.changes import ChangeDetail, ChangeList, head_of
from screens.widgets.control import LeaveControl
from screens.widgets.notes import Busy, Note, ProblemBox
from screens.widgets.words import Words, text
from wizard.plan.changes import Action, Plan
from wizard.text import count, listing, one_line

# What is done, in the order of the sentence above the list.
_ORDER = ("create", "prove", "update", "activate", "deactivate", "delete", "request")


class ReviewScreen(StepScreen):
    """The plan. The button that applies it never has the focus by itself."""

    takes_focus = False
    preview_title = ""
    BINDINGS = [  # noqa: RUF012 - Textual's own convention
        Binding("f5", "read_again", "Read again", show=False, id="review.again", tooltip="Read the account again"),
        Binding("f7", "copy", "Copy", show=False, id="review.copy", tooltip="Copy what the detail pane shows"),
    ]

    def compose_body(self) -> Iterable[Widget]:
        yield Vertical(Busy("Reading your account…"), id="review")

    def compose_preview(self) -> Iterable[Widget]:
        yield ChangeDetail()

    def compose_buttons(self) -> Iterable[Widget]:
        yield Push(self.back_label, "screen.back", id="back", tooltip="Go back; every answer is kept (esc)")
        yield Push(
            "Save answers", "screen.save", id="save-answers", tooltip="Write the answers to a file; it holds no secret"
        )
        yield Push("Save script", "screen.script", id="save-script", tooltip="The same as AWS CLI commands, in a file")
        yield Push("Apply", "screen.apply", id="apply", primary=True, disabled=True)

    def keys(self) -> Keys:
        return [
            ("esc", "back", "screen.back"),
            ("enter", "details", "screen.preview"),
            ("tab", "buttons", "app.focus_next"),
            ("f1", "help", "screen.help"),
            ("^o", "list" if self.has_class("-preview") else "details", "screen.preview"),
            ("^p", "commands", "app.command_palette"),
            ("f5", "read again", "screen.read_again"),
            ("f7", "copy", "screen.copy"),
        ]

    def entered(self) -> None:
        self.action_read_again()

    def action_read_again(self) -> None:
        self.work(self._plan, "plan")

    async def _plan(self) -> None:
        app, answers = self.wizard, self.session.answers
        app.known.plan = None
        wrong = self.session.first_wrong()
        if wrong is not None:
            note = f"An answer of the step {wrong.title} is not right yet. Press enter to go there."
            await self._show(Note(note, "warning"))
            self._main_button(f"Go to {wrong.title}", "screen.mend", enabled=True).focus()
            return
        busy = Busy("Signing in…")
        await self._show(busy)
        try:
            await app.connect()
            busy.say("Reading your account: user, role, policies, limits…")
            tell = told_from_threads(busy.say)
            snapshot = await off_thread(lambda: app.engine.discover(answers, tell))
            busy.say("Comparing it with what Remotion needs…")
            plan = await off_thread(lambda: app.engine.plan(answers, snapshot))
            cut_off = await off_thread(app.engine.unfinished_runs)
            if plan.is_empty and not app.dry_run:
                await off_thread(lambda: app.engine.settle(plan))
        except Exception as error:
            await self._show(ProblemBox(problem_of(error)), Note("Nothing was changed. f5 reads again.", "info"))
            self._main_button("Read again", "screen.read_again", enabled=True).focus()
            return
        before = app.known.found_for(answers)
        app.known.keep(snapshot, answers, before[1] if before else None)
        app.known.plan = plan
        await self.renew_frame()
        await self._show_plan(plan, cut_off)

    async def _show_plan(self, plan: Plan, cut_off: tuple[str, ...]) -> None:
        notes: list[Widget] = [ProblemBox(p) for p in plan.problems]
        if cut_off and plan.writing:
            runs = listing([one_line(run, 40) for run in cut_off])
            note = f"An earlier run was cut off ({runs}). This is what is left to do."
            notes.append(Note(note, "info"))
        changes = ChangeList(plan.changes)
        await self._show(
            *notes,
            Words(self._sentence(plan), id="plan-sentence"),
            changes,
            *(Note(w, "warning") for w in plan.warnings),
            self._what_apply_does(plan),
        )
        undoes = plan.purpose == "undo"
        if plan.is_empty and not plan.problems:
            self._main_button("Go on ›" if undoes else "Check ›", "screen.check", enabled=True).focus()
        else:
            blocked = bool(plan.problems) or self.wizard.dry_run
            does = "Take back" if undoes else "Apply"
            self._main_button(f"{does} {count(len(plan.writing), 'change')}", "screen.apply", enabled=not blocked)
            changes.focus(scroll_visible=False)  # what stands above the list is to be read first

    def _sentence(self, plan: Plan) -> Content:
        kept = sum(c.action is Action.KEEP for c in plan.changes)
        if plan.is_empty:
            nothing = "There is nothing to take back."
            words = nothing if plan.purpose == "undo" else "Everything is as it should be already."
            return text(
                ("✓ ", "bold $text-success"),
                (words, "bold"),
                f" {count(kept, 'thing')} kept.",
            )
        kinds = Counter(head_of(c)[1] for c in plan.writing)
        parts = [f"{kinds[does]} to {does}" for does in _ORDER if kinds[does]]
        rest = f" {kept} kept as {'it is' if kept == 1 else 'they are'}." if kept else ""
        return text((count(len(plan.writing), "change"), "bold"), f": {', '.join(parts)}.{rest}")

    def _what_apply_does(self, plan: Plan) -> Note:
        if plan.problems:
            return Note(
                "This can't be applied yet: first mend what stands above, then press f5 to read again.", "warning"
            )
        if plan.is_empty and plan.purpose == "undo":
            return Note("Nothing is changed.", "info")
        if plan.is_empty:
            return Note("There is nothing to apply: go on, and have it checked.", "info")
        if self.wizard.dry_run:
            return Note("Dry run: this is what would be done. Apply is switched off; start without --dry-run.", "info")
        return Note(
            "Apply makes them one by one, in this order, and stops at the first that fails. "
            "What was made by then stays, and is in the journal.",
            "info",
        )

    def _main_button(self, label: str, does: str, *, enabled: bool) -> Push:
        button = self.query_one("#apply", Push)
        button.say(label)
        button.does = does
        button.disabled = not enabled
        if self.wizard.dry_run and not enabled:
            button.tooltip = Content("Started with --dry-run: nothing is changed. Start without it to apply.")
        return button

    async def _show(self, *widgets: Widget) -> None:
        await self.fill("#review", *widgets)

    @on(ChangeList.Highlighted)
    async def _highlighted(self, event: ChangeList.Highlighted) -> None:
        event.stop()
        await self.query_one(ChangeDetail).show(event.change)

    @on(ChangeList.Opened)
    async def _details(self, event: ChangeList.Opened) -> None:
        event.stop()
        await self.action_preview()

    @on(LeaveControl)
    def _to_buttons(self, event: LeaveControl) -> None:
        event.stop()
        self.query_one(ButtonRow).query("Push").first(Push).focus()

    def action_next(self) -> None:
        """Enter outside the list does nothing here: Apply is pressed on purpose, or not at all."""

    def action_apply(self) -> None:
        """The person has seen the plan and wants it."""
        plan = self.known.plan
        if plan is None or plan.problems or plan.is_empty or self.wizard.dry_run or self.leaving:
            return
        if plan.purpose == "undo":
            from screens.dialogs.confirm import ConfirmAccount

            doing = f"Take back {count(len(plan.writing), 'change')}?"
            self.app.push_screen(ConfirmAccount(plan.identity, doing), self._confirmed)
        else:
            self._confirmed(True)

    def _confirmed(self, yes: bool | None) -> None:
        if yes and not self.leaving:
            self.known.applied = None
            self.known.report = None
            self.wizard.go_next()

    def action_check(self) -> None:
        """Nothing is to be applied: go on to the check."""
        if not self.leaving:
            self.session.next()
            self.wizard.go_next()

    def action_mend(self) -> None:
        wrong = self.session.first_wrong()
        if wrong is not None:
            self.session.visited.add(wrong.id)
            self.wizard.go_to(wrong.id)

    def action_save(self) -> None:
        from screens.dialogs.save import save_answers

        save_answers(self.wizard)

    def action_script(self) -> None:
        from screens.dialogs.save import save_script

        if self.known.plan is not None and self.known.plan.writing:
            save_script(self.wizard, self.known.plan)

    def action_copy(self) -> None:
        from screens.clipboard import copy

        copy(self.wizard, self.query_one(ChangeDetail).shown_text, "What the detail pane shows")
