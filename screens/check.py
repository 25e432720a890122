"""Step "Check": everything is read back and proven; what does not hold comes first."""

# ruff: noqa: A002 - `id` is Textual's own name for it

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from screens.background import off_thread, problem_of
from screens.mend import MendingScreen, offer
from screens.step import Keys, PreviewScroll
from screens.widgets.buttons import Push
from screens.widgets.notes import Busy, Note, ProblemBox
from screens.widgets.section import Section
from screens.widgets.words import Rows, Words, Wrapped, text
from wizard.check.findings import SYMBOLS, WORDS, Finding, Report, Status
from wizard.check.grouped import Group, grouped
from wizard.collect.steps import Step
from wizard.text import count, one_line

STYLES = {
    Status.PASS: "bold $text-success",
    Status.FAIL: "bold $text-error",
    Status.WARN: "bold $text-warning",
    Status.UNKNOWN: "bold $text-primary",
}


_MANY = {Status.PASS: "hold", Status.FAIL: "do not hold", Status.WARN: "to know", Status.UNKNOWN: "can't tell"}


_CAUSES = {"scp": "service control policy"}


class Tally(Wrapped):
    """How many findings there are of each sort: symbol, number, word."""

    def __init__(self, findings: Iterable[Finding] = (), *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._counts = Counter(f.status for f in findings)

    def show(self, findings: Iterable[Finding]) -> None:
        """Count other findings."""
        self._counts = Counter(f.status for f in findings)
        self.changed()

    def lines(self, width: int) -> list[Content]:
        found = [Content("")]
        for status in (Status.FAIL, Status.WARN, Status.PASS, Status.UNKNOWN):
            n = self._counts[status]
            style = STYLES[status] if n else "$quiet"
            words = _MANY[status] if n != 1 else WORDS[status]
            item = text((f"{SYMBOLS[status]} {n} ", style), (words, "$quiet"))
            gap = 3 if found[-1] else 0
            if found[-1].cell_length + gap + item.cell_length > width:
                found.append(item)
            else:
                found[-1] = text(found[-1], " " * gap, item)
        return found


class FindingCard(Vertical):
    """A finding that does not hold, or is worth knowing, or several that say the same: what, why, what to do."""

    def __init__(self, group: Group) -> None:
        super().__init__(classes=f"-{group.status.value}")
        self.group = group

    def compose(self) -> Iterable[Widget]:
        group, finding = self.group, self.group.first
        symbol = (f"{SYMBOLS[finding.status]} ", STYLES[finding.status])
        yield Words(text(symbol, (one_line(group.title, 300), "bold")))
        rows: list[tuple[Any, Any]] = []
        if group.detail:
            rows.append(("Why", text(group.detail)))
        if finding.cause:
            rows.append(("Cause", text((_CAUSES.get(finding.cause, finding.cause.replace("-", " ")), "$text-accent"))))
        if finding.remedy:
            rows.append(("Next", text((finding.remedy, "bold"))))
        if rows:
            yield Rows(rows, column=7, classes="finding-rows")
        button = offer(finding)
        if button is not None:
            yield button
        if group.items:
            yield Rows([("", one_line(item, 300)) for item in group.items], column=2, classes="finding-rows")


def finding_cards(report: Report) -> list[FindingCard]:
    """A card for all that does not hold or is worth knowing, the worst first; findings that say the same share one."""
    return [FindingCard(group) for group in grouped(f for f in report.worst_first() if f.status is not Status.PASS)]


def subject_sections(report: Report) -> list[Widget]:
    """Return a section for each subject with what holds, closed."""
    found: list[Widget] = []
    for subject, findings in report.subjects().items():
        holds = [f for f in findings if f.status is Status.PASS]
        if holds:
            symbol = ("✓ ", STYLES[Status.PASS])
            title = text(symbol, (one_line(subject, 80), "bold"))
            aside = f"{len(holds)} of {len(findings)} hold"
            found.append(Section(title, partial(_lines, holds), aside=aside))
    return found


def _lines(findings: Iterable[Finding]) -> list[Widget]:
    rows = [(text((SYMBOLS[f.status], STYLES[f.status])), one_line(f.title, 200)) for f in findings]
    return [Rows(rows, column=2)]


class CheckScreen(MendingScreen):
    """The check. It runs by itself when the step is first entered."""

    takes_focus = False
    preview_title = "What is checked"

    @dataclass
    class Found(Message):
        """One more thing was checked."""

        finding: Finding

    @dataclass
    class Waits(Message):
        """What fails right after a change is about to be looked at again, for so many seconds."""

        seconds_left: float

    def __init__(self, step: Step) -> None:
        super().__init__(step)
        self._seen: dict[str, Finding] = {}
        self._live = False  # whether the next check makes real calls as well
        self._patient = True
        self._counts_at = 0.0  # when what fails right after a change counts

    def compose_body(self) -> Iterable[Widget]:
        yield Tally(id="tally")
        yield Vertical(id="findings")

    def compose_preview(self) -> Iterable[Widget]:
        yield PreviewScroll(
            Rows(
                [
                    (
                        text(("Permissions", "bold")),
                        "AWS simulates every action that Remotion needs, for the user and for the render role.",
                    ),
                    (text(("Least privilege", "bold")), "And some that it must not have: those have to be denied."),
                    (text(("Trust", "bold")), "Lambda may take the role."),
                    (text(("Credentials", "bold")), "The key that was written works, and belongs to the right user."),
                    (text(("Limits", "bold")), "How many functions may render at once in your regions."),
                    (text(("Around it", "bold")), "Remotion's buckets, functions, logs; whether your regions are on."),
                    (text(("Live, f9", "bold")), "Real calls with Remotion's key, if you ask for it. They only read."),
                ],
                column=17,
            ),
            Words(text(("How to read it", "bold $primary")), classes="subtitle"),
            Rows(
                [
                    (text((SYMBOLS[s], STYLES[s])), text((WORDS[s], "bold"), ("  " + why, "$quiet")))
                    for s, why in _READING.items()
                ],
                column=2,
            ),
            Words("Nothing is changed by a check. Run it at any time: remotion-lambda-wizard check", classes="reason"),
        )

    def compose_buttons(self) -> Iterable[Widget]:
        yield Push(self.back_label, "screen.back", id="back", tooltip="Go back (esc)")
        yield self.mend_button()
        yield Push(
            "Try it live", "screen.live", id="live", tooltip="Check with real calls as well; they only read (f9)"
        )
        yield Push("Run again", "screen.again", id="again", tooltip="Check once more (f5)")
        yield Push("Don't wait", "screen.stop_waiting", id="stop-waiting", tooltip="Show what was found so far")
        yield Push("Continue ›", "screen.next", id="next", primary=True)

    BINDINGS = [  # noqa: RUF012 - Textual's own convention
        Binding("f5", "again", "Run again", show=False, id="check.again", tooltip="Check once more"),
        Binding("f9", "live", "Try live", show=False, id="check.live", tooltip="Check with real calls as well"),
    ]

    def own_keys(self) -> Keys:
        mend: Keys = [("f6", "mend it", "screen.mend")] if self.mends else []
        return [*mend, ("f5", "run again", "screen.again"), ("f9", "try live", "screen.live")]

    def entered(self) -> None:
        self.set_interval(1.0, self._count_down)
        if self.known.report is None:
            self.action_again()
        else:
            self.work(partial(self._show_report, self.known.report), "check")

    def action_again(self) -> None:
        self.known.report = None
        self.work(self._check, "check")

    def action_live(self) -> None:
        """Check again, with real calls beside the simulation."""
        self._live = True
        self.action_again()

    def action_stop_waiting(self) -> None:
        """Show what was found so far; what may hold in a moment is told as waiting."""
        self._patient = False

    async def _check(self) -> None:
        app, answers = self.wizard, self.session.answers
        await self._show(Busy("Asking AWS…", id="asking"), Words(id="latest"))
        self._set_buttons(running=True)
        self._seen, self._counts_at, self._patient = {}, 0.0, True
        live, self._live = self._live or answers.text("start.goal") == "rotate", False
        try:
            await app.connect()
            report = await off_thread(
                lambda: app.engine.check(answers, self._found, around=True, live=live, on_wait=self._waits)
            )
        except Exception as error:
            await self._show(ProblemBox(problem_of(error)), Note("f5 checks again.", "info"))
            self._set_buttons(running=False)
            self.query_one("#again").focus()
            return
        self.known.report = report
        await self.renew_frame()
        await self._show_report(report)

    def _found(self, finding: Finding) -> None:
        """In the engine's thread: hand the finding over to the screen."""
        self.post_message(self.Found(finding))

    def _waits(self, seconds_left: float) -> bool:
        """In the engine's thread: say how long it looks again; whether the person has the patience."""
        self.post_message(self.Waits(seconds_left))
        return self._patient

    def on_check_screen_waits(self, message: Waits) -> None:
        self._counts_at = time.monotonic() + message.seconds_left
        self.query_one("#stop-waiting").display = True
        self._count_down()

    def _count_down(self) -> None:
        left = self._counts_at - time.monotonic()
        for busy in self.query("#asking").results(Busy) if self._counts_at and left > 0 else ():
            busy.say(f"Something is refused; IAM may not be everywhere yet. Looking again for {left:.0f} s")

    def on_check_screen_found(self, message: Found) -> None:
        finding = message.finding
        self._seen[finding.id] = finding
        if self.known.report is not None or not self.query("#asking"):
            return
        self.query_one(Tally).show(self._seen.values())
        if self._counts_at:
            return
        self.query_one("#asking", Busy).say(f"Asking AWS…  {count(len(self._seen), 'answer')} so far")
        latest = f"{SYMBOLS[finding.status]} {one_line(finding.title, 120)}"
        self.query_one("#latest", Words).update(text((latest, "$quiet")))

    async def _show_report(self, report: Report) -> None:
        self.query_one(Tally).show(report.findings)
        cards = finding_cards(report)
        widgets: list[Widget] = []
        if report.ok and not report.of(Status.UNKNOWN):
            widgets.append(Note(text(("Everything that Remotion needs is proven.", "bold")), "good"))
        await self._show(*widgets, *cards, *subject_sections(report))
        self._set_buttons(running=False)
        self.query_one("#next").focus()

    def _set_buttons(self, *, running: bool) -> None:
        self.query_one("#again").disabled = running
        self.query_one("#live").disabled = running
        self.query_one("#next").disabled = running
        self.set_class(not running and self.mends, "-mends")
        self.query_one("#stop-waiting").display = False
        self.query_one("#back").display = not self.session.locked or self.session.can_go("apply")

    async def _show(self, *widgets: Widget) -> None:
        await self.fill("#findings", *widgets)

    def action_next(self) -> None:
        if self.known.report is not None:
            super().action_next()


_READING = {
    Status.FAIL: "Remotion will fail here",
    Status.WARN: "works, but look at it",
    Status.PASS: "proven",
    Status.UNKNOWN: "we may not read it",
}
