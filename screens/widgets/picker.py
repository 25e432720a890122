"""Picking one of thousands: a line to type in, and below it the matches, of which only the visible rows are drawn."""

# ruff: noqa: A002 - `id` is Textual's own name for it

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, ClassVar, Self

from rich.segment import Segment
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.events import Click, DescendantFocus
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widgets import Input

from screens.background import off_thread, problem_of
from screens.widgets.control import Accepted, Answered, LeaveControl
from screens.widgets.words import Words, text
from wizard.account.roles import (
    Entry,
    FunctionEntry,
    Listing,
    RoleEntry,
    locked_reason,
    matching,
    named,
    trust_problem,
    trusts,
)
from wizard.collect.meaning import role_reference
from wizard.problem import Problem
from wizard.text import count, listing, number, one_line

Source = Callable[[], Awaitable[Listing[Any]]]
Row = tuple[str, str, str]  # name, what stands behind it, what stands at the right edge


class PickLine(Input):
    """The line of a picker."""

    def focus(self, scroll_visible: bool = True) -> Self:
        """Take the focus; the picker itself brings line and list into view, which Textual's own scrolling would undo."""
        return super().focus(scroll_visible=False)


class PickList(ScrollView, can_focus=False):
    """The rows of a picker. It holds the entries and draws the lines that are in view."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"pick--name", "pick--aside", "pick--at", "pick--at-aside", "pick--locked"}

    class Clicked(Message):
        """A row was clicked."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    def __init__(self, row: Callable[[Any], Row]) -> None:
        super().__init__()
        self.entries: Sequence[Entry] = ()
        self.at = -1
        self._row = row

    def show(self, entries: Sequence[Entry], at: int, *, stay: bool) -> None:
        """Show these entries with one highlighted (-1: none). With `stay` its row stays where it is on the screen."""
        above = self.at - self.scroll_offset.y
        self.entries, self.at = entries, at
        self.virtual_size = Size(1, len(entries))
        if not stay:
            self.scroll_to(y=0, animate=False)
        elif at >= 0 and above >= 0:
            self.scroll_to(y=max(0, at - above), animate=False)
        self.refresh()

    def go_to(self, at: int) -> None:
        """Highlight a row and bring it into view."""
        before, self.at = self.at, at
        self.refresh_line(before)
        self.refresh_line(at)
        top, rows = self.scroll_offset.y, max(1, self.size.height)
        if at < top:
            self.scroll_to(y=max(0, at), animate=False)
        elif at >= top + rows:
            self.scroll_to(y=at - rows + 1, animate=False)

    def refresh_line(self, y: int) -> None:
        """Draw one row again."""
        self.refresh(Region(0, y - self.scroll_offset.y, self.size.width, 1))

    def render_line(self, y: int) -> Strip:
        index = y + self.scroll_offset.y
        width = self.scrollable_content_region.width
        if index >= len(self.entries):
            return Strip.blank(width, self.rich_style)
        entry, at = self.entries[index], index == self.at
        name_style = self.get_component_rich_style(
            "pick--at" if at else "pick--locked" if entry.locked else "pick--name"
        )
        aside_style = self.get_component_rich_style("pick--at-aside" if at else "pick--aside")
        name, middle, right = columns(self._row(entry), width - 2)
        segments = [Segment("▸ " if at else "  ", name_style), Segment(name, name_style)]
        segments += [Segment(middle, aside_style), Segment(right, aside_style)]
        return Strip(segments).adjust_cell_length(width, aside_style)

    def on_click(self, event: Click) -> None:
        event.stop()
        index = event.y + self.scroll_offset.y
        if index < len(self.entries):
            self.post_message(self.Clicked(index))


def columns(row: Row, width: int) -> tuple[str, str, str]:
    """Lay a row out: the name as a whole, the right column at the edge, and in between as much as there is room for."""
    name = one_line(row[0], max(width, 1))
    room = width - len(name)
    right = one_line(row[2], room - 2) if row[2] and room >= 5 else ""
    room -= len(right)
    middle = f"  {row[1]}" if row[1] and len(row[1]) + 4 <= room else ""
    return name, middle.ljust(room), right


class Picker(Vertical):
    """Pick an entry of a list that comes in page by page, or type its name.

    The list is open while somebody is at it. Enter takes the highlighted entry into the line; the next enter goes on.
    """

    nouns: ClassVar[tuple[str, str]]
    by_hand: ClassVar[str] = "Type the name or ARN"
    free: ClassVar[bool] = False  # whether other names than those of the list, or none, are as good
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "Up", show=False, id="picker.up", tooltip="The match above, then the field above"),
        Binding("down", "move(1)", "Down", show=False, id="picker.down", tooltip="The match below"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="picker.pageup", tooltip="A page up in the list"),
        Binding(
            "pagedown", "page(1)", "Page down", show=False, id="picker.pagedown", tooltip="A page down in the list"
        ),
        Binding("ctrl+home", "end(0)", "First", show=False, id="picker.first", tooltip="The first match"),
        Binding("ctrl+end", "end(-1)", "Last", show=False, id="picker.last", tooltip="The last match"),
        Binding(
            "tab", "out(1)", "Next", show=False, id="picker.tab", tooltip="Close the list and go to the next field"
        ),
        Binding(
            "shift+tab", "out(-1)", "Before", show=False, id="picker.backtab", tooltip="Close the list and go back"
        ),
    ]

    class Listed(Message):
        """More of the list is there."""

    def __init__(self, value: str, source: Source, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._typed = value
        self._source = source
        self._listing: Listing[Any] | None = None
        self._failed: Problem | None = None
        self._matches: list[Any] = []
        self._matched = ("", -1)  # what the matches were looked for with, and among how many
        self._at: Any = None  # the highlighted entry
        self._moved = False  # whether the person highlighted it, and not the wizard
        self.opened = False

    def compose(self) -> ComposeResult:
        yield PickLine(self._typed, placeholder=self.placeholder, select_on_focus=True)
        yield Words(classes="pick-count")
        yield PickList(self.row)
        yield Words(classes="pick-about")

    # What kinds of pickers differ in

    placeholder = ""

    def row(self, entry: Any) -> Row:
        """What stands in an entry's row."""
        return entry.name, "", ""

    def about(self, entry: Any) -> Content:
        """A remark about an entry."""
        return text((entry.locked, "$text-warning"))

    def suits(self, entry: Any) -> bool:
        """Whether an entry is a likely one."""
        return True

    def wrong(self) -> str:
        """What the list has against what was typed; "" if nothing, or if it is not known."""
        if not self._typed.strip():
            return ""
        entry = self.entry
        if entry is not None:
            return f"{one_line(entry.name, 70)} can't be picked. {entry.locked}" if entry.locked else ""
        if self._listing is None or not self._listing.complete or self._listing.problem is not None:
            return ""
        return (
            f"There is no {self.nouns[0]} “{one_line(self._typed, 70)}” {self.where()}. Pick one, or type a whole name."
        )

    def where(self) -> str:
        """Where the list was read."""
        return "in this account"

    # The answer

    @property
    def answer(self) -> str:
        """The name, or what was typed."""
        return self._typed.strip()

    @property
    def entry(self) -> Any:
        """The entry that was named; None if it is not known."""
        return named(self._listing.entries, self._typed) if self._listing else None

    def show_answer(self, value: str) -> None:
        """Show another answer, without telling about it."""
        self._typed, self._at, self._moved = value, None, False
        self.query_one(PickLine).value = value
        self._renew()

    # The list

    def start(self, *, anew: bool = False) -> None:
        """Have the list read, unless that is done."""
        if anew or (self._listing is None and not self._loads()):
            self._listing = self._failed = None
            self.run_worker(self._load(), group="list", exclusive=True, exit_on_error=False)

    def _loads(self) -> bool:
        return any(w.group == "list" and w.node is self and not w.is_finished for w in self.workers)

    async def _load(self) -> None:
        try:
            self._listing = await self._source()
            self._renew()
            while not self._listing.complete:
                await off_thread(partial(self._listing.more, len(self._listing.entries)))
                self._renew()
                self.post_message(self.Listed())
        except Exception as error:
            self._failed = problem_of(error)
            self._renew()

    def renew(self) -> None:
        """Look again which entries suit, after another answer."""
        if self.is_mounted:
            self._renew()

    def _renew(self, *, stay: bool = True) -> None:
        """Bring the list up to date with what was typed and what has come in."""
        entries = self._listing.entries if self._listing else []
        if self.opened:
            self._match(entries)
            if not self.free and self._at is None and self._typed.strip() and self.entry is None:
                self._at = next((e for e in self._matches[:1] if not e.locked), None)
            self.query_one(PickList).show(self._matches, self._index(), stay=stay)
        self.query_one(PickList).display = self.opened and (bool(entries) or self._problem is None)
        self._say(len(entries))

    def _match(self, entries: list[Any]) -> None:
        """Find what matches; with more letters behind the same ones, among what matched before."""
        typed, total = self._matched
        narrower = total == len(entries) and self._typed.startswith(typed) and self._typed != typed
        self._matches = matching(self._matches if narrower else entries, self._typed, self.suits)
        self._matched = self._typed, len(entries)

    def _index(self) -> int:
        return self._matches.index(self._at) if self._at in self._matches else -1

    def _say(self, total: int) -> None:
        said = self.query_one(".pick-count", Words)
        said.update(self._count(total))
        said.display = self.opened or bool(self._problem)
        entry = self._at if self.opened and self._at is not None else self.entry
        about = self.query_one(".pick-about", Words)
        about.update(self.about(entry) if entry is not None else "")
        about.display = self.opened or (entry is not None and bool(about.content))

    @property
    def _problem(self) -> Problem | None:
        return self._failed or (self._listing.problem if self._listing else None)

    def _count(self, total: int) -> Content:
        one, several = self.nouns
        if problem := self._problem:
            denied = self._listing is not None and self._listing.denied
            hint = f"{self.by_hand}." if denied else f"{self.by_hand}; f5 tries again."
            return text(("! ", "bold $text-warning"), (f"{problem.title} {hint}", "$text-warning"))
        if self._listing is None or not self._listing.complete:
            found = f"… loading, {number(total)} so far" if total else f"… reading the {several}"
        else:
            found = count(total, one, several)
        if self._typed.strip() and self.opened and total:
            matches = len(self._matches)
            found += f" · {number(matches) if matches else 'none'} {'matches' if matches == 1 else 'match'}"
        return text((found, "$quiet"))

    # Opening and closing

    def open(self) -> None:
        """Show the list."""
        if self.opened:
            return
        for other in self.screen.query(Picker):
            other.close()
        self.opened = True
        self.set_class(True, "-open")
        self.start()
        self._renew(stay=False)
        self.call_after_refresh(self._into_view)

    def close(self) -> None:
        """Hide the list."""
        if self.opened:
            self.opened, self._at, self._moved = False, None, False
            self.set_class(False, "-open")
            self._renew()

    def _into_view(self) -> None:
        self.scroll_visible(animate=False)

    def on_descendant_focus(self, _event: DescendantFocus) -> None:
        if self.entry is None and not self.free:
            self.open()
        self.call_after_refresh(self._into_view)

    # Keys

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        if event.value == self._typed:
            return
        self._typed, self._at, self._moved = event.value, None, False
        self.open()
        self._renew(stay=False)
        self.post_message(Answered(self.answer))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if self.opened and self._at is not None:
            self.take(self._at)
            return
        entry = self.entry
        if entry is not None and self.answer not in {entry.name, entry.arn}:  # AWS does not tell A from a
            self._set(entry.name)
        self.close()
        self.post_message(Accepted())

    @on(PickList.Clicked)
    def _clicked(self, event: PickList.Clicked) -> None:
        event.stop()
        self._highlight(event.index)
        self.take(self._matches[event.index])
        self.query_one(PickLine).focus(scroll_visible=False)

    def take(self, entry: Entry) -> None:
        """Take an entry into the line, unless it is locked."""
        if entry.locked:
            return
        self._set(entry.name)
        self.close()

    def _set(self, name: str) -> None:
        line = self.query_one(PickLine)
        self._typed = line.value = name
        line.cursor_position = len(name)
        self.post_message(Answered(name))

    def _highlight(self, index: int) -> None:
        self._at = self._matches[index] if 0 <= index < len(self._matches) else None
        self._moved = self._at is not None
        self.query_one(PickList).go_to(index)
        self._say(len(self._listing.entries) if self._listing else 0)

    def action_move(self, by: int) -> None:
        index = self._index()
        following = index + by
        if not self.opened and by > 0 and self.entry is None:
            self.open()
        elif not self.opened or following < -1 or following >= len(self._matches):
            self.close()
            self.post_message(LeaveControl(by))
        else:
            self._highlight(following)

    def action_page(self, by: int) -> None:
        if self.opened and self._matches:
            rows = max(1, self.query_one(PickList).size.height - 1)
            self._highlight(min(max(self._index() + by * rows, 0), len(self._matches) - 1))

    def action_end(self, at: int) -> None:
        if self.opened and self._matches:
            self._highlight(at % len(self._matches))

    def action_out(self, by: int) -> None:
        self.close()
        if by > 0:
            self.screen.focus_next()
        else:
            self.screen.focus_previous()


class RolePicker(Picker):
    """Picks a role. `service` says in which service the code runs, as in `principal.service`."""

    nouns = ("role", "roles")
    placeholder = "type a part of its name, or its ARN"

    def __init__(self, value: str, source: Source, service: Callable[[], str]) -> None:
        super().__init__(value, source)
        self._service = service

    def suits(self, entry: RoleEntry) -> bool:
        return trusts(entry.services, self._service())

    def row(self, entry: RoleEntry) -> Row:
        right = "AWS's own" if entry.locked else listing(_short(entry), "+")
        return entry.name, entry.path if entry.path != "/" else "", right

    def about(self, entry: RoleEntry) -> Content:
        if entry.locked:
            return text((f"It can't be picked. {entry.locked}", "$text-warning"))
        wrong = trust_problem(entry.services, self._service())
        if wrong:
            return text(("! ", "bold $text-warning"), (wrong, "$text-warning"))
        path = f"at the path {one_line(entry.path, 80)}, " if entry.path != "/" else ""
        return text((f"{path}trusts {listing(_short(entry)) or 'nobody'}", "$quiet"))

    def wrong(self) -> str:
        reference = role_reference(self._typed)
        reason = locked_reason(reference.path, reference.name)
        return f"{one_line(reference.name, 70)} can't be picked. {reason}" if reason else super().wrong()


def _short(entry: RoleEntry) -> list[str]:
    services = [one_line(s.removesuffix(".cn").removesuffix(".amazonaws.com"), 40) for s in entry.services]
    return [*services, *entry.others]


class FunctionPicker(Picker):
    """Picks a Lambda function of a region."""

    nouns = ("function", "functions")
    placeholder = "type a part of its name, or its ARN"

    def __init__(self, value: str, source: Source, region: Callable[[], str]) -> None:
        super().__init__(value, source)
        self._region = region

    def row(self, entry: FunctionEntry) -> Row:
        return entry.name, "", f"role {entry.role_name}"

    def about(self, entry: FunctionEntry) -> Content:
        if entry.locked:
            return super().about(entry)
        return text(("runs with the role ", "$quiet"), (one_line(entry.role_name, 70), ""))

    def where(self) -> str:
        return f"in {self._region()}"

    def wrong(self) -> str:
        """A function of another region is named by its ARN, and an alias behind a colon: the list has neither."""
        return "" if ":" in self._typed else super().wrong()
