"""Step "Apply": make the changes one by one, and show each as it happens."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass

from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from screens.apply_log import ApplyLog, LogRow, RowState
from screens.background import off_thread, problem_of
from screens.leaving import APPLYING
from screens.step import Keys, PreviewScroll, StepScreen
from screens.widgets.buttons import ButtonRow, Push
from screens.widgets.notes import Busy, Note, ProblemBox, frame
from screens.widgets.words import Rows, Words, Wrapped, hanging, text
from wizard.apply.events import Event
from wizard.plan.changes import Change, Plan
from wizard.text import count, one_line

_LOOKS = {
    RowState.OPEN: ("○", "$quiet"),
    RowState.DONE: ("✓", "bold $text-success"),
    RowState.FAILED: ("✗", "bold $text-error"),
    RowState.SKIPPED: ("·", "$quiet"),
    RowState.LEFT_OUT: ("!", "$text-warning"),
}


class EventTree(Wrapped):
    """The rows of the run, with a spinner on what happens now and the time everything takes."""

    tick: reactive[int] = reactive(0)

    def __init__(self, log: ApplyLog) -> None:
        super().__init__(id="events")
        self.log_rows = log
        self.reached = 0  # lines from the top to the end of what happens now, or happened last

    def on_mount(self) -> None:
        self.set_interval(0.1, self._advance)

    def _advance(self) -> None:
        if self.log_rows.running:
            self.tick += 1
            self.changed()

    def lines(self, width: int) -> list[Content]:
        now = time.monotonic()
        found = [self._progress(width), Content("")]
        for row in self.log_rows.rows:
            found += self._row(row, now, width)
            if row.state is not RowState.OPEN:
                self.reached = len(found)
        return found

    def _progress(self, width: int) -> Content:
        """How far the run is: a bar, and the same in words."""
        changes = [row for row in self.log_rows.rows if not row.is_wait]
        done = sum(row.state is RowState.DONE for row in changes)
        words = f" {done} of {len(changes)} done"
        room = max(width - len(words), 4)
        filled = round(room * done / max(len(changes), 1))
        failed = any(row.state is RowState.FAILED for row in self.log_rows.rows)
        style = "$error" if failed else "$success" if done == len(changes) else "$primary"
        return text(("━" * filled, style), ("─" * (room - filled), "$line"), (words, "$quiet"))

    def _row(self, row: LogRow, now: float, width: int) -> list[Content]:
        symbol, style = _LOOKS.get(row.state, (frame(self.tick), "bold $primary"))
        elapsed = row.elapsed(now)
        quiet = row.state in {RowState.OPEN, RowState.SKIPPED}
        aside = elapsed or (row.state.value if row.state in {RowState.SKIPPED, RowState.LEFT_OUT} else "")
        title = text((one_line(row.title), "$quiet" if quiet else ""))
        room = max(width - 4 - len(aside), 10)
        lines = hanging(text((f"{symbol} ", style)), title, 2, room)
        lines[0] = text(lines[0], " " * max(width - lines[0].cell_length - len(aside), 1), (aside, "$quiet"))
        if row.note:
            lines += hanging("  ", text((one_line(row.note), "$quiet")), 2, width)
        return lines


class ApplyScreen(StepScreen):
    """The changes are being made. There is no way back from here, only on."""

    takes_focus = False
    preview_title = "While this runs"

    @dataclass
    class Happened(Message):
        """Something happened in the run; None is its end."""

        event: Event | None
        error: BaseException | None = None

    def compose_body(self) -> Iterable[Widget]:
        yield Vertical(id="run")

    def compose_preview(self) -> Iterable[Widget]:
        tick = text(("✓", "bold $text-success"))
        yield PreviewScroll(
            Rows(
                [
                    (tick, "Every call is written into a journal on this machine before it is made, and after it."),
                    (
                        tick,
                        "If one fails, nothing after it is begun. What was made stays; you see why, and can try again.",
                    ),
                    (tick, "Closing the window is safe: the next start reads the account and goes on from there."),
                    (tick, "The secret of the access key goes to the place that you chose, and nowhere else."),
                ],
                column=2,
            ),
            Words(text(("Why does it wait?", "bold $primary")), classes="subtitle"),
            Words(
                "IAM keeps copies of users, keys and roles in every region. A new one is not known everywhere at once: "
                "usually it takes 5 to 15 seconds, sometimes a minute."
            ),
        )

    def compose_buttons(self) -> Iterable[Widget]:
        yield Push("Back to review", "screen.back", id="back")
        yield Push("Quit", "app.quit", id="quit")
        yield Push("Try again", "screen.again", id="again")
        ids = [step.id for step in self.session.steps]
        following = self.session.steps[ids.index(self.step.id) + 1].title
        yield Push(f"{following} ›", "screen.next", id="next", primary=True)

    def keys(self) -> Keys:
        return [
            ("enter", "go on", "screen.next"),
            ("f1", "help", "screen.help"),
            ("^o", "preview", "screen.preview"),
            ("^p", "commands", "app.command_palette"),
            ("^q", "stop", "app.quit"),
        ]

    def entered(self) -> None:
        self.work(self._begin, "begin")

    async def _begin(self) -> None:
        log, plan = self.known.applied, self.known.plan
        if log is None and plan is not None and plan.writing and not plan.problems:
            await self._apply(plan)
        else:
            await self._show_end()

    # Making the changes

    async def _apply(self, plan: Plan) -> None:
        before = self.known.applied.made if self.known.applied else 0
        log = ApplyLog.of(plan)
        log.made, log.running = before, True
        self.known.applied = log
        self.session.locked = True
        self.wizard.stop_applying = False
        await self._show(EventTree(log))
        self._buttons()
        await self.renew_frame()
        self.hint("Working. ctrl+q stops after the current call.")
        loop = asyncio.get_running_loop()
        ended = loop.create_future()
        thread = threading.Thread(target=self._run, args=(plan, ended, loop), name=APPLYING, daemon=True)
        thread.start()
        failure = await ended
        if failure is not None:
            log.problem = problem_of(failure)
        log.stop()
        self.session.locked = log.made > 0
        if self.wizard.stop_applying:
            self.wizard.leave(self.wizard.stop_code)
            return
        await self.renew_frame()
        await self._show_end()

    def _run(self, plan: Plan, ended: asyncio.Future[BaseException | None], loop: asyncio.AbstractEventLoop) -> None:
        """In the thread: writes are never cut off; between two calls the run may be stopped."""
        failure: BaseException | None = None
        events = self.wizard.engine.apply(plan)
        try:
            for event in events:
                self.post_message(self.Happened(event))
                if self.wizard.stop_applying:
                    break
        except BaseException as error:
            failure = error
        finally:
            close = getattr(events, "close", None)
            if close is not None:
                close()
        loop.call_soon_threadsafe(ended.set_result, failure)

    def on_apply_screen_happened(self, message: Happened) -> None:
        log = self.known.applied
        if log is not None and message.event is not None:
            log.take(message.event)
            for tree in self.query(EventTree):
                tree.changed()
                self.call_after_refresh(self._follow, tree)

    def _follow(self, tree: EventTree) -> None:
        """Keep what happens now in view."""
        body = self.query_one("#body")
        below = tree.region.y + tree.reached - body.scrollable_content_region.bottom
        if below > 0:
            body.scroll_relative(y=below, animate=False)

    # The end of it

    async def _show_end(self) -> None:
        log = self.known.applied
        widgets: list[Widget] = []
        if log is None:
            nothing = "There was nothing to apply: everything was as it should be."
            widgets.append(Note("There was nothing to take back." if self._undoes else nothing, "good"))
        else:
            widgets.append(EventTree(log))
            if log.ok:
                then = "" if self._undoes else " Next, everything is read back and proven."
                done = f"{count(log.made, 'change was', 'changes were')} made.{then}"
                widgets.append(Note(done, "good", id="applied"))
                asked = self.wizard.engine.requested()
                if asked:
                    what = count(len(asked), "request for a higher limit is", "requests for a higher limit are")
                    widgets.append(Note(f"{what} with AWS, which decides in hours to days.", "info"))
            elif log.problem is not None:
                widgets.append(ProblemBox(log.problem, where=log.failed_at))
                widgets.append(Note(self._how_it_stands(log), "info"))
            else:
                widgets.append(Note(f"Stopped before the end. {self._how_it_stands(log)}", "warning"))
        await self._show(*widgets)
        self.call_after_refresh(widgets[-1].scroll_visible, animate=False)
        self._buttons()
        self.hint("")
        main = "#next" if log is None or log.ok else "#again"
        self.query_one(main).focus()

    @property
    def _undoes(self) -> bool:
        return self.known.plan is not None and self.known.plan.purpose == "undo"

    def _how_it_stands(self, log: ApplyLog) -> str:
        if not log.made:
            return "Nothing has been changed. You can go back and change your answers, or try again."
        return (
            f"{count(log.made, 'change was made and stays', 'changes were made and stay')}. "
            "Try again reads the account anew and makes only what is missing."
        )

    def _buttons(self) -> None:
        log = self.known.applied
        running = log is not None and log.running
        failed = log is not None and not log.running and not log.ok
        shown = {
            "back": failed and not self.session.locked,
            "quit": failed,
            "again": failed,
            "next": not running and not failed,
        }
        for name, display in shown.items():
            self.query_one(f"#{name}").display = display
        self.query_one("#again", Push).set_class(failed, "-main")
        self.query_one(ButtonRow).refresh(layout=True)

    async def _show(self, *widgets: Widget) -> None:
        await self.fill("#run", *widgets)

    # Actions

    def action_next(self) -> None:
        log = self.known.applied
        if not self.leaving and (log is None or log.ok):
            self.wizard.go_next()

    def action_back(self) -> None:
        log = self.known.applied
        if log is not None and log.running:
            self.app.notify("Changes are being made. ctrl+q stops after the current call.")
        else:
            super().action_back()

    def action_again(self) -> None:
        """Read the account anew and make what is missing."""
        self.work(self._again, "again")

    async def _again(self) -> None:
        app, answers, seen = self.wizard, self.session.answers, self.known.plan
        await self._show(Busy("Reading your account again…"))
        try:
            snapshot = await off_thread(lambda: app.engine.discover(answers))
            plan = await off_thread(lambda: app.engine.plan(answers, snapshot))
        except Exception as error:
            await self._show(ProblemBox(problem_of(error)), Note("Try again once that is mended.", "info"))
            return
        self.known.snapshot, self.known.plan = snapshot, plan
        if plan.problems:
            await self._show(*(ProblemBox(p) for p in plan.problems))
        elif plan.is_empty:
            await off_thread(lambda: app.engine.settle(plan))
            if self.known.applied is not None:
                self.known.applied.ok, self.known.applied.problem = True, None
            await self._show_end()
        elif seen is not None and _was_seen(plan, seen):
            await self._apply(plan)
        else:
            self.session.locked = False
            self.session.visited.add("review")
            app.notify("The account has changed meanwhile: please review the new plan.")
            app.go_to("review")


def _was_seen(plan: Plan, seen: Plan) -> bool:
    """Whether every change of the new plan was in the plan that the person confirmed."""

    def same(change: Change) -> tuple[str, str, str]:
        return (change.id, change.action.value, repr(change.call))

    confirmed = {same(c) for c in seen.writing}
    return all(same(c) in confirmed for c in plan.writing)
