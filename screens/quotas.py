"""Step "Quotas": how many functions may run at a time in each region, what to do with that, and asking AWS for more."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Final

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.events import Key, Unmount
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input

from screens.background import off_thread, problem_of
from screens.form import FormScreen
from screens.step import Keys, PreviewScroll
from screens.widgets.control import Accepted, LeaveControl
from screens.widgets.entry import Entry
from screens.widgets.field import Control, FieldView
from screens.widgets.notes import Busy, Note, ProblemBox
from screens.widgets.region_table import RegionLine, RegionTable
from screens.widgets.regions import FilterLine
from screens.widgets.words import Code, Rows, Text, Words, text
from wizard.collect.steps import Question
from wizard.problem import Problem
from wizard.quotas import advice
from wizard.quotas.answers_for_aws import prepared_answers
from wizard.quotas.limits import RegionQuota, State
from wizard.quotas.report import summary
from wizard.quotas.requests import why_not
from wizard.remotion.regions import PLACES
from wizard.text import count, listing, number, one_line, plain

KEY: Final = "quotas.concurrent_executions"
_SORTS: Final = {"region": "region", "limit": "limit", "state": "standing"}  # what a person calls it, and the advice
_NAMED: Final = 4  # regions that are named before "and so many more"
_LACKING: Final = {"low", "denied", "closed"}  # where asking is of use
_STYLES: Final = {
    "enough": "good",
    "low": "warning",
    "denied": "bad",
    "closed": "bad",
    "failed": "bad",
    "denied-read": "warning",
}


class RequestEntry(Entry):
    """The number to ask for; empty is 0. The table's keys work from here too: neither is a part of a number."""

    TABLE_KEYS: ClassVar[dict[str, str]] = {"s": "screen.sort", "/": "screen.find"}

    @property
    def answer(self) -> Any:
        return super().answer if self.value.strip() else 0

    async def _on_key(self, event: Key) -> None:
        action = self.TABLE_KEYS.get(event.character or "")
        if action is not None:
            event.stop()
            event.prevent_default()
            await self.run_action(action)


class RegionFilter(FilterLine):
    """The line that narrows the table. It is there while somebody searches."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close", show=False, id="regionfilter.close", tooltip="Show all regions again"),
    ]

    def action_close(self) -> None:
        self.value = ""
        self.screen.focus_next()
        self.display = False


class QuotasScreen(FormScreen):
    """The quotas. Nothing waits for the reading: enter goes on at any time, and leaving abandons it."""

    preview_title = "What it means"
    BINDINGS = [  # noqa: RUF012 - Textual's own convention
        Binding("f5", "read_again", "Read again", show=False, id="quotas.again", tooltip="Read the regions again"),
        Binding(
            "f6", "every", "All regions", show=False, id="quotas.every", tooltip="All that Remotion supports, or yours"
        ),
        Binding("f7", "copy", "Copy", show=False, id="quotas.copy", tooltip="Copy the answers for AWS"),
        Binding("s", "sort", "Sort", show=False, id="quotas.sort", tooltip="Sort by region, limit or state"),
        Binding("slash", "find", "Find", show=False, id="quotas.find", tooltip="Show only regions with these words"),
    ]

    @dataclass
    class Arrived(Message):
        """A region was read."""

        quota: RegionQuota
        reading: threading.Event

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._regions: tuple[str, ...] = ()  # what is shown
        self._every = False  # whether that is more than the chosen ones
        self._stop = threading.Event()  # set when nobody waits any more for what is being read
        self._pending: set[str] = set()  # what is being read
        self._failed: Problem | None = None
        self._news: list[str] = []
        self._sort = "region"
        self._about: tuple[Any, ...] = ()  # what the pane is about

    # The form

    def compose_above(self) -> Iterable[Widget]:
        yield Vertical(id="quota-state")
        shown = RegionFilter(placeholder="type a part of a region, place or state", compact=True, id="quota-filter")
        shown.display = False
        yield shown
        yield Words(id="quota-heading")
        yield RegionTable(id="quota-table")

    def compose_below(self) -> Iterable[Widget]:
        yield Vertical(id="quota-advice")

    def compose_preview(self) -> Iterable[Widget]:
        yield PreviewScroll(Vertical(id="quota-about"))

    def control_for(self, question: Question) -> Control:
        value = self.session.answers[question.key]
        return RequestEntry(question.field, value or "", placeholder="nothing")

    def own_keys(self) -> Keys:
        keys: Keys = [("f6", "yours only" if self._every else "all regions", "screen.every")]
        if self._answers_for_aws():
            keys.append(("f7", "copy answers", "screen.copy"))
        return [
            *keys,
            ("s", "sort", "screen.sort"),
            ("/", "find", "screen.find"),
            ("f5", "read again", "screen.read_again"),
        ]

    def focus_first(self) -> None:
        if view := self.field(KEY):
            view.focus_target.focus()

    # Reading

    @property
    def _chosen(self) -> tuple[str, ...]:
        """The regions to render in, without what is none."""
        return tuple(dict.fromkeys(r for r in self.session.answers.texts("remotion.regions") if r in PLACES))

    def _quota(self, region: str) -> RegionQuota | None:
        return self.known.quotas.get((self.session.answers.text("identity.profile"), region))

    def _read_so_far(self, regions: Iterable[str]) -> list[RegionQuota]:
        return [quota for region in regions if (quota := self._quota(region)) is not None]

    def entered(self) -> None:
        profile = self.session.answers.text("identity.profile")
        others = [region for of, region in self.known.quotas if of == profile and region not in self._chosen]
        self._regions, self._every = (*self._chosen, *others), bool(others)
        for quota in self._read_so_far(self._regions):
            if quota.failed:
                del self.known.quotas[profile, quota.region]
        self._read()

    def action_read_again(self) -> None:
        for region in self._regions:
            self.known.quotas.pop((self.session.answers.text("identity.profile"), region), None)
        self._read()

    def action_every(self) -> None:
        """Show every region that Remotion supports, or again only those that were chosen."""
        self._every = not self._every
        self._regions = self._chosen
        self._read()

    def _read(self) -> None:
        """Read what is not known yet of the regions that are shown."""
        self._stop.set()
        self._stop = threading.Event()
        self.work(partial(self._look, self._stop), "quotas")

    def on_unmount(self, _event: Unmount) -> None:
        self._stop.set()

    async def _look(self, reading: threading.Event) -> None:
        app, self._failed, self._news = self.wizard, None, []
        missing = [region for region in self._regions if self._quota(region) is None]
        try:
            if missing or self._every:
                self._pending = set(missing)
                await self._say(Busy("Signing in…"))
                self._renew()
                await app.connect()
            if self._every:
                every = await off_thread(lambda: app.engine.quota_regions(every=True))
                self._regions = tuple(dict.fromkeys((*self._chosen, *every)))
                missing = [region for region in self._regions if self._quota(region) is None]
            if missing:
                self._pending = set(missing)
                await self._say(Busy(self._progress()))
                self._renew()
                await off_thread(partial(self._take_in, tuple(missing), reading))
                chosen = self._read_so_far(self._chosen)
                if not reading.is_set():
                    self._news = await off_thread(lambda: app.engine.quota_news(chosen))
        except Exception as error:
            self._failed = problem_of(error)
        self._pending = set()
        await self._say(*self._state())
        self._renew()
        await self.renew_frame()

    def _take_in(self, regions: tuple[str, ...], reading: threading.Event) -> None:
        """In a thread: hand each region over to the screen as it is there, until nobody waits any more."""
        for quota in self.wizard.engine.quotas(regions):
            if reading.is_set():
                return
            self.post_message(self.Arrived(quota, reading))

    def on_quotas_screen_arrived(self, message: Arrived) -> None:
        quota = message.quota
        if message.reading is self._stop:
            self.known.quotas[self.session.answers.text("identity.profile"), quota.region] = quota
            self._pending.discard(quota.region)
            for busy in self.query("#quota-state Busy").results(Busy):
                busy.say(self._progress())
            self._renew()

    def _progress(self) -> str:
        read = len(self._regions) - len(self._pending)
        return f"{read} of {count(len(self._regions), 'region')} read; you can go on meanwhile"

    async def _say(self, *widgets: Widget) -> None:
        await self.fill("#quota-state", *widgets)

    def _state(self) -> Iterator[Widget]:
        """How all of them stand, and what changed since they were looked at last."""
        read = self._read_so_far(self._regions)
        if self._failed is not None:
            yield ProblemBox(self._failed)
            yield Note("f5 tries again. You can go on without: the review reads the limits once more.", "info")
        elif read:
            keys = text(
                "   ", ("s", "bold $primary"), (" sorts  ", "$quiet"), ("/", "bold $primary"), (" finds", "$quiet")
            )
            yield Words(text((summary(read), "bold"), keys if len(read) > 1 else ""))
        for line in self._news:
            yield Note(text(("Changed: ", "bold"), one_line(line, 300)), "info")

    # The table

    def _renew(self) -> None:
        """Bring table, advice and pane up to date with what is known."""
        table = self.query_one(RegionTable)
        rows = {q.region: advice.row(q) for q in self._read_so_far(self._regions)}
        wanted = self.query_one(RegionFilter).value
        meanwhile = "not read" if self._failed else "reading…"
        order = [row.region for row in sorted(rows.values(), key=advice.SORTS[_SORTS[self._sort]])]
        order += [region for region in sorted(self._regions) if region not in rows]
        if self._sort == "region":
            order.sort()
        order.sort(key=lambda region: region not in self._chosen)
        several = self._every and len(self._chosen) < len(self._regions)
        lines = [
            RegionLine(r, rows.get(r), several and r in self._chosen, meanwhile)
            for r in order
            if (rows[r].matches(wanted) if r in rows else _matches(r, wanted))
        ]
        table.show(lines)
        heading = table.heading(self._sort)
        if wanted:
            heading = f"   {count(len(lines), 'match', 'matches')} of {count(len(order), 'region')}"
        self.query_one("#quota-heading", Words).update(text((heading, "$quiet")))
        self.work(self._renew_advice, "advice")
        self._renew_pane()

    def action_sort(self) -> None:
        names = list(_SORTS)
        self._sort = names[(names.index(self._sort) + 1) % len(names)]
        self.hint(f"Sorted by {self._sort}" + (", your regions first" if self._every else ""))
        self._renew()

    def action_find(self) -> None:
        line = self.query_one(RegionFilter)
        line.display = True
        line.focus()

    @on(Input.Changed, "#quota-filter")
    def _narrowed(self, event: Input.Changed) -> None:
        event.stop()
        self._renew()

    @on(Input.Submitted, "#quota-filter")
    def _found(self, event: Input.Submitted) -> None:
        event.stop()
        if not event.value.strip():
            event.input.display = False
        self.query_one(RegionTable).focus()

    @on(RegionTable.Highlighted)
    def _highlighted(self, event: RegionTable.Highlighted) -> None:
        event.stop()
        self._renew_pane()

    @on(Accepted)
    def _from_table(self, event: Accepted) -> None:
        event.stop()
        self.action_next()

    @on(LeaveControl)
    def _out_of_table(self, event: LeaveControl) -> None:
        """Below the table is the question; above it, while somebody searches, the filter."""
        event.stop()
        line = self.query_one(RegionFilter)
        if event.by > 0:
            self.focus_first()
        elif line.display:
            line.focus()

    @on(FieldView.Arrow)
    def _up_to_table(self, event: FieldView.Arrow) -> None:
        if event.by < 0:
            event.stop()
            self.query_one(RegionTable).focus()

    # The question

    @property
    def _value(self) -> int:
        """The number to ask for; 0 where nothing is asked, or nothing that makes sense yet."""
        value = self.session.answers[KEY]
        return value if isinstance(value, int) and not self.session.answers.problem(KEY) else 0

    def answer_changed(self, _key: str, _value: Any) -> None:
        self.work(self._renew_advice, "advice")
        self._renew_pane()

    async def _renew_advice(self) -> None:
        """Below the question: what to enter and why, and what the number that was entered does."""
        async with self.batch():
            await self.fill("#quota-advice", *self._advice())

    def _advice(self) -> Iterator[Widget]:
        read = self._read_so_far(self._chosen)
        lacking = [quota for quota in read if advice.standing(quota) in _LACKING]
        suggestions = [found for quota in lacking if (found := advice.recommendation(quota)) is not None]
        if suggestions:
            best = max(suggestions, key=lambda suggestion: suggestion.value)
            yield Note(text(("Suggested: ", ""), (number(best.value), "bold"), f". {best.reason}"), "info")
        elif read and not self._pending and all(advice.standing(q) == "enough" for q in read):
            yield Note("The limit is enough in your regions: ask for nothing.", "good")
        if not self._value:
            return
        asked = [quota for quota in read if why_not(quota, self._value) is None]
        if asked:
            words = listing(_some([f"{q.region} {number(q.limit or 0)} → {number(self._value)}" for q in asked]))
            yield Note(text((count(len(asked), "request"), "bold"), f" after the review: {words}"), "good")
        refused = [(quota, why) for quota in read if (why := why_not(quota, self._value)) is not None]
        for quota, why in refused[:_NAMED]:
            yield Note(one_line(why.title, 300), "info" if (quota.limit or 0) >= self._value else "warning")

    # The pane

    def _renew_pane(self) -> None:
        region = self.query_one(RegionTable).at
        about = (region, self._quota(region), self._value, self.known.identity, bool(self._failed))
        if about != self._about:
            self._about = about
            self.work(self._draw_pane, "pane")

    async def _draw_pane(self) -> None:
        region = self.query_one(RegionTable).at
        async with self.batch():
            await self.fill("#quota-about", *self._pane(region))
        await self.renew_frame()

    def _pane(self, region: str) -> Iterator[Widget]:
        if not region:
            yield Words(text(("No region is highlighted.", "$quiet")))
            return
        yield Words(text((region, "bold"), (f"  {PLACES.get(region, '')}", "$quiet")))
        quota = self._quota(region)
        if quota is None:
            yield Words(text(("It is shown here once it is read.", "$quiet")))
            return
        yield Note(text((advice.words(quota), "bold")), _STYLES.get(advice.standing(quota), "info"))
        yield from _numbers(quota)
        if self._value:
            yield from self._request(quota)
        else:
            yield from self._next(quota)
        if quota.requests:
            yield from _grouped("Asked so far", [advice.outcome(request) for request in quota.requests])
        elif quota.state is State.READ and quota.history.problem is not None:
            yield from _grouped("Asked so far", [f"It can't be read: {quota.history.problem.title}"])
        if quota.available is not None:
            yield from _grouped("Until it is raised", advice.meanwhile(quota.available))
        answers = self._answers_for_aws()
        if answers:
            yield Words(
                text(("If AWS asks", "bold $primary"), ("  f7 copies these answers", "$quiet")), classes="group"
            )
            yield Code(answers)

    def _next(self, quota: RegionQuota) -> Iterator[Widget]:
        """What happens next. A number to ask for has its place below the question, not in a command."""
        if advice.standing(quota) == "low":
            asked = advice.recommendation(quota)
            where = "below" if quota.region in self._chosen else "once you render there"
            lines = [f"Ask AWS for {number(asked.value)}, {where}. {asked.reason}"] if asked else []
        else:
            lines = advice.next_step(quota).splitlines()
        yield from _grouped("What next", lines)

    def _request(self, quota: RegionQuota) -> Iterator[Widget]:
        """What will be sent to AWS for this region, or why nothing is and what comes instead."""
        if quota.region not in self._chosen:
            yield from _grouped("What will be sent", ["Nothing: it is not one of the regions that you render in."])
            return
        why = why_not(quota, self._value)
        if why is not None:
            yield from _grouped("What will be sent", [why.title, why.detail])
            yield from self._next(quota)
            return
        yield Words(text(("What will be sent", "bold $primary")), classes="group")
        rows: list[tuple[Text, Text]] = [
            ("Call", "RequestServiceQuotaIncrease"),
            ("Quota", "Lambda, concurrent executions"),
            ("Now", number(quota.limit or 0)),
            ("Then", text((number(self._value), "bold"))),
        ]
        yield Rows(rows, column=7)
        yield Words(
            "It is sent once, after the review. AWS decides, in hours to days, and may open a support case with questions. "
            "It can't be taken back.",
            classes="reason",
        )

    def _answers_for_aws(self) -> str:
        """What to answer AWS about the highlighted region; "" where nothing is asked or open."""
        quota, identity = self._quota(self.query_one(RegionTable).at) if self.is_mounted else None, self.known.identity
        if quota is None or identity is None:
            return ""
        request = quota.open_request
        if request is not None:
            return prepared_answers(identity.account, quota.region, request.value, quota.limit, quota.functions)
        if not self._value or quota.region not in self._chosen or why_not(quota, self._value) is not None:
            return ""
        return prepared_answers(identity.account, quota.region, self._value, quota.limit, quota.functions)

    def action_copy(self) -> None:
        from screens.clipboard import copy

        answers = self._answers_for_aws()
        if answers:
            copy(self.wizard, plain(answers), "What to answer AWS")
        else:
            self.hint("There is nothing to answer AWS in this region.")


def _matches(region: str, wanted: str) -> bool:
    """Whether a region that is not read yet has the words of a filter."""
    return all(word in f"{region} {PLACES.get(region, '')} reading".lower() for word in wanted.lower().split())


def _some(items: list[str]) -> list[str]:
    return items if len(items) <= _NAMED + 1 else [*items[:_NAMED], f"{len(items) - _NAMED} more"]


def _numbers(quota: RegionQuota) -> Iterator[Widget]:
    """Where the limit comes from, who keeps some of it; or why there is none."""
    if quota.problem is not None:
        parts = (quota.problem.title, "" if quota.state is State.OFF else quota.problem.detail, quota.problem.remedy)
        for part in filter(None, parts):
            yield Words(plain(part), classes="reason")
    for line in (advice.sources(quota), advice.reserved(quota)):
        if line:
            yield Words(plain(line), classes="reason")


def _grouped(title: str, lines: list[str]) -> Iterator[Widget]:
    """A heading and the lines below it, indented ones with a dot."""
    told = [plain(line) for line in lines if line]
    if told:
        yield Words(text((title, "bold $primary")), classes="group")
    for line in told:
        yield Rows([("·", line.strip())], column=2) if line.startswith("  ") else Words(line, classes="reason")
