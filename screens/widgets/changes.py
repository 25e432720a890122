"""The plan's changes as a list, and one change in detail."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.widget import Widget

from screens.step import PreviewScroll
from screens.widgets.control import LeaveControl
from screens.widgets.notes import Note
from screens.widgets.policy import reason_sections
from screens.widgets.tabs import TabLine
from screens.widgets.words import Code, Rows, Words, Wrapped, diff_content, hanging, text
from wizard.plan.changes import Action, Change
from wizard.plan.render import command_of
from wizard.policy import documents
from wizard.text import number, one_line

SIGNS = {
    Action.CREATE: ("+", "bold $text-success"),
    Action.UPDATE: ("~", "bold $text-warning"),
    Action.DELETE: ("-", "bold $text-error"),
    Action.KEEP: ("=", "$quiet"),
}


REQUEST = ("!", "bold $text-warning")  # nothing is made: AWS is asked, and decides
PROOF = (">", "bold $text-primary")  # nothing is made, but what stands below it waits for it


def head_of(change: Change) -> tuple[str, str, str]:
    """Return how a change is shown: sign, what is done, style."""
    if change.kind == "quota" and change.writes:
        return REQUEST[0], "request", REQUEST[1]
    sign, style = PROOF if change.proves else SIGNS[change.action]
    return sign, change.does, style


def about(change: Change) -> str:
    """Return the line below a change; of a request also who decides it, and when."""
    if change.kind == "quota" and change.writes:
        now, then = ((of or {}).get("value", 0) for of in (change.before, change.after))
        return f"{number(now)} → {number(then)} functions at a time; AWS decides, hours to days"
    return one_line(change.summary, 240)


class ChangeItem(Wrapped):
    """One change of the list: what is done to what, and a line about it."""

    def __init__(self, change: Change, doing: int, kinds: int) -> None:
        super().__init__(classes="-keep" if change.action is Action.KEEP else None)
        self.change = change
        self._doing, self._kinds = doing, kinds

    def lines(self, width: int) -> list[Content]:
        change = self.change
        sign, does, style = head_of(change)
        name = text((one_line(change.name, 80), "" if change.action is Action.KEEP else "bold"))
        head = text((f"{sign} {does:<{self._doing}}", style), (f"{change.kind:<{self._kinds}}  ", "$quiet"))
        found = hanging(head, name, head.cell_length, width)
        return found + hanging("  ", text((about(change), "$quiet")), 2, width)

    def on_click(self, event: Click) -> None:
        event.stop()
        changes = self.parent
        if isinstance(changes, ChangeList):
            changes.focus(scroll_visible=False)
            changes.go_to(changes.items.index(self))
            if event.chain == 2:
                changes.action_open()


class ChangeList(Vertical, can_focus=True):
    """All changes, one highlighted. Enter opens its details."""

    class Highlighted(Message):
        """Another change is highlighted."""

        def __init__(self, change: Change) -> None:
            super().__init__()
            self.change = change

    class Opened(Message):
        """The details of the highlighted change are wanted."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "Up", show=False, id="changes.up", tooltip="The change above"),
        Binding("down", "move(1)", "Down", show=False, id="changes.down", tooltip="The change below, then the buttons"),
        Binding("home", "first", "First", show=False, id="changes.first", tooltip="The first change"),
        Binding("end", "last", "Last", show=False, id="changes.last", tooltip="The last change"),
        Binding("enter,right", "open", "Details", show=False, id="changes.open", tooltip="Show this change in detail"),
    ]

    def __init__(self, changes: Iterable[Change]) -> None:
        super().__init__()
        self.changes = tuple(changes)
        kinds = max((len(c.kind) for c in self.changes), default=0)
        doing = max((len(head_of(c)[1]) for c in self.changes if c.writes), default=0)
        self.items = [ChangeItem(c, max(doing, 6) + 1, kinds) for c in self.changes]
        self.at = 0

    def compose(self) -> ComposeResult:
        yield from self.items

    def on_mount(self) -> None:
        if self.items:
            self._highlight(0)

    def go_to(self, index: int) -> None:
        """Highlight a change, bring it into view, and tell about it."""
        self._highlight(index)
        self.items[index].scroll_visible(animate=False)

    def _highlight(self, index: int) -> None:
        self.at = index
        for place, item in enumerate(self.items):
            item.set_class(place == index, "-at")
        self.post_message(self.Highlighted(self.changes[index]))

    def action_move(self, by: int) -> None:
        if 0 <= self.at + by < len(self.items):
            self.go_to(self.at + by)
        elif by > 0:
            self.post_message(LeaveControl(1))

    def action_first(self) -> None:
        if self.items:
            self.go_to(0)

    def action_last(self) -> None:
        if self.items:
            self.go_to(len(self.items) - 1)

    def action_open(self) -> None:
        self.post_message(self.Opened())


class ChangeDetail(Vertical):
    """One change under three tabs: why, what exactly, and the call."""

    TABS = ("Why", "Change", "Call")

    def __init__(self) -> None:
        super().__init__(id="change-detail")
        self._change: Change | None = None
        self._tab = 0

    def compose(self) -> ComposeResult:
        yield Words(id="change-title")
        yield TabLine(self.TABS, id="change-tabs")
        yield PreviewScroll(id="change-content")

    async def show(self, change: Change | None) -> None:
        """Show this change."""
        self._change = change
        await self._again()

    async def _again(self) -> None:
        content = self.query_one("#change-content", PreviewScroll)
        change = self._change
        async with self.batch():
            await content.remove_children()
            if change is not None:
                sign, does, style = head_of(change)
                title = text((f"{sign} {does} {change.kind} ", style), (one_line(change.name, 80), "bold"))
                self.query_one("#change-title", Words).update(title)
                await content.mount(*self._content(change))
        content.scroll_home(animate=False)

    def _content(self, change: Change) -> list[Widget]:
        if self._tab == 0:
            found: list[Widget] = [
                Words(change.reason, classes="reason"),
                Rows([("on", one_line(change.resource, 300))], column=4),
            ]
            if change.why:
                found.append(Words(text(("Why each statement is there", "bold $primary")), classes="subtitle"))
                found += reason_sections(change.why, open_first=False)
            return found
        if self._tab == 1:
            return list(_difference(change))
        return list(_call(change))

    @property
    def shown_text(self) -> str:
        """The text to copy."""
        change = self._change
        if change is None:
            return ""
        if self._tab == 2 and change.call is not None:
            return command_of(change.call)
        return as_text(change.after)

    @on(TabLine.Chosen)
    async def _tab_chosen(self, event: TabLine.Chosen) -> None:
        event.stop()
        self._tab = event.index
        await self._again()


def as_text(value: Any) -> str:
    """Return a document or value of a change as indented JSON; text as it is."""
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False, default=str)


def _difference(change: Change) -> Iterable[Widget]:
    before, after = change.before, change.after
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        lines = documents.diff(before, after) if "Statement" in after else _plain_diff(before, after)
        if lines:
            yield Words(text(("- is there now   + will be there", "$quiet")), classes="reason")
            shown = Code()
            shown.show_content(diff_content(lines))
            yield shown
            return
    if after is None and before is None:
        yield Words(text((one_line(change.summary, 400), "")), classes="reason")
        return
    if before is not None and before != after:
        yield Words(text(("- is there now", "$text-error")))
        yield Code(as_text(before), "json")
    if after is not None:
        word = "= is there, and stays" if change.action is Action.KEEP else "+ will be there"
        yield Words(text((word, "$quiet" if change.action is Action.KEEP else "$text-success")))
        yield Code(as_text(after), "" if isinstance(after, str) else "json")


def _plain_diff(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    import difflib

    old, new = as_text(before).splitlines(), as_text(after).splitlines()
    return list(difflib.unified_diff(old, new, "now", "then", lineterm="", n=2))


def _call(change: Change) -> Iterable[Widget]:
    if change.call is None:
        yield Words("No call: this stays as it is.", classes="reason")
        return
    if change.call.service == "local":
        yield Words("Nothing is sent to AWS; the wizard does this on this machine.", classes="reason")
        yield Rows([(one_line(k, 40), one_line(str(v), 200)) for k, v in change.call.parameters.items()])
    else:
        yield Words(
            text((f"{change.call.service}:{change.call.operation}", "bold"), (", with the AWS CLI:", "$quiet")),
            classes="reason",
        )
        yield Code(command_of(change.call))
    if change.undo:
        yield Words(text(("To take it back", "bold $primary")), classes="subtitle")
        yield Code("\n".join(command_of(call) for call in change.undo))
    elif change.action is Action.DELETE:
        yield Note("This can't be taken back by itself.", "warning")
    elif change.kind == "quota":
        yield Note("A request can't be taken back: AWS offers no call for it.", "warning")
