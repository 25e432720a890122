"""A policy as the preview shows it: size meter, why each statement is there, the document, the command."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.widget import Widget

from screens.step import PreviewScroll
from screens.widgets.section import Section
from screens.widgets.tabs import TabLine
from screens.widgets.words import Code, Rows, Words, text
from wizard.plan.preview import Meter, PolicyPreview
from wizard.remotion.catalogue import StatementReason
from wizard.text import count, number, one_line

TABS = ("Why", "Document", "Command")


class MeterBar(Widget):
    """How full a size limit is: in numbers, as a bar, and in words."""

    class Picked(Message):
        """The policy of this meter was picked."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    def __init__(self, index: int, title: str, meter: Meter, chosen: bool) -> None:
        super().__init__(classes="-chosen" if chosen else None)
        self._index = index
        self._title = one_line(title, 60)
        self._meter = meter
        self._chosen = chosen
        self.tooltip = Content("Characters that IAM counts, without spaces. Click to see this policy below.")

    def render(self) -> Content:
        width, meter = self.content_size.width, self._meter
        numbers = f"{number(meter.used)} / {number(meter.limit)}"
        mark = ("▸ ", "bold $primary") if self._chosen else ("  ", "")
        title = text(mark, (self._title, "bold" if self._chosen else ""))
        title = title.truncate(max(width - len(numbers) - 1, 4), ellipsis=True)
        first = text(title, " " * max(width - title.cell_length - len(numbers), 1), (numbers, "$quiet"))
        words = f"{number(meter.left)} left" if meter.left >= 0 else f"{number(-meter.left)} too many"
        room = max(width - len(words) - 3, 4)
        share = min(meter.used / meter.limit, 1.0)
        filled = round(room * share)
        style = "$error" if meter.left < 0 else "$warning" if share > 0.85 else "$success"
        word_style = "bold $text-error" if meter.left < 0 else "$quiet"
        bar = text("  ", ("━" * filled, style), ("─" * (room - filled), "$line"), " ", (words, word_style))
        return text(first, "\n", bar)

    def on_click(self, event: Click) -> None:
        event.stop()
        self.post_message(self.Picked(self._index))


def reason_sections(reasons: Iterable[StatementReason], open_first: bool = True) -> list[Widget]:
    """Return one section a statement: why it is there, on what, and what each action is for."""

    def body(reason: StatementReason) -> list[Widget]:
        on_what = "\n".join(one_line(r) for r in reason.resources)
        actions = [(text((action, "bold")), text((why, ""))) for action, why, _cost in reason.actions]
        return [
            Words(reason.sentence, classes="reason"),
            Rows([(text(("on", "$quiet")), text((on_what, "$text-accent")))], column=4),
            Actions(actions),
        ]

    return [
        Section(
            text((reason.title, "bold")),
            partial(body, reason),
            aside=count(len(reason.actions), "action"),
            opened=open_first and not i,
        )
        for i, reason in enumerate(reasons)
    ]


class Actions(Rows):
    """Actions and what each is for; the action on its own line, since their names are long."""

    def lines(self, width: int) -> list[Content]:
        found: list[Content] = []
        for action, why in self._rows:
            label = Content(action) if isinstance(action, str) else action
            words = Content(why) if isinstance(why, str) else why
            found += label.wrap(width)
            found += [text("  ", line) for line in words.stylize("$quiet").wrap(width - 2)]
        return found


class PolicyPane(Vertical):
    """Two policies, one of which is shown in full under three tabs."""

    def __init__(self, policies: tuple[PolicyPreview, ...], at: int = 0, tab: int = 0) -> None:
        super().__init__(id="policy-pane")
        self.policies = policies
        self.at = at
        self.tab = tab

    def compose(self) -> ComposeResult:
        if not self.policies:
            yield PreviewScroll(Words(text(("There is no policy to show for these answers.", "$quiet"))))
            return
        for index, policy in enumerate(self.policies):
            yield MeterBar(index, policy.title, policy.meter, index == self.at)
        yield TabLine(TABS, at=self.tab, id="policy-tabs")
        yield PreviewScroll(*self._content(), id="policy-content")

    def _content(self) -> list[Widget]:
        policy = self.policies[min(self.at, len(self.policies) - 1)]
        if self.tab == 0:
            return reason_sections(policy.reasons)
        if self.tab == 1:
            return [Code(policy.text, "json")]
        return [
            Words(
                text(("The same with the AWS CLI; the document is under the tab Document.", "$quiet")), classes="reason"
            ),
            Code(policy.command),
        ]

    @property
    def shown_text(self) -> str:
        """The text to copy: the document or the command."""
        if not self.policies:
            return ""
        policy = self.policies[min(self.at, len(self.policies) - 1)]
        return policy.command if self.tab == 2 else policy.text

    async def show(self, policies: tuple[PolicyPreview, ...], at: int) -> None:
        """Show these policies, the one at `at` in full."""
        if policies != self.policies or at != self.at:
            self.policies, self.at = policies, at
            await self._again()

    async def _again(self) -> None:
        focus_tabs = isinstance(self.screen.focused, TabLine)
        await self.recompose()
        if focus_tabs and self.query(TabLine):
            self.query_one(TabLine).focus()

    @on(MeterBar.Picked)
    async def _picked(self, event: MeterBar.Picked) -> None:
        event.stop()
        await self.show(self.policies, event.index)

    @on(TabLine.Chosen)
    async def _tab_chosen(self, event: TabLine.Chosen) -> None:
        event.stop()
        self.tab = event.index
        content = self.query_one("#policy-content", PreviewScroll)
        await content.remove_children()
        await content.mount(*self._content())
        content.scroll_home(animate=False)
