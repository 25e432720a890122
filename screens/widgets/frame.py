"""The frame around every step: header line, list of steps, line of keys."""

# ruff: noqa: A002 - `id` is Textual's own name for it

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from screens.widgets.words import Words, text
from wizard.collect.session import Session, StepState
from wizard.text import account_number, one_line

if TYPE_CHECKING:
    from wizard.account.snapshot import Identity

MARKS = {StepState.DONE: "✓", StepState.CURRENT: "●", StepState.OPEN: "○"}
STATE_WORDS = {
    StepState.DONE: "visited, you can go back to it",
    StepState.CURRENT: "you are here",
    StepState.OPEN: "still to come",
}


class TopBar(Horizontal):
    """The header line: title, who works where, and badges that can't be overlooked."""

    def __init__(self, title: str, place: str, dry_run: bool) -> None:
        super().__init__(id="top")
        self._title = title
        self._place = one_line(place, 40)
        self._dry_run = dry_run
        self._identity: Identity | None = None

    def compose(self) -> ComposeResult:
        yield Words(id="top-title")
        yield Words(id="top-who")
        if self._dry_run:
            yield Words(" DRY RUN ", id="top-dry", classes="badge")
        if self._place:
            badge = Words(f" {self._place} ", id="top-place", classes="badge")
            badge.set_class(self._place != "SANDBOX", "-endpoint")
            badge.tooltip = Content(
                "An AWS account in a box, on this machine. Nothing here is real."
                if self._place == "SANDBOX"
                else f"All calls go to {self._place}, not to AWS."
            )
            yield badge

    def show(self, identity: Identity | None) -> None:
        """Show who the wizard works as."""
        self._identity = identity
        self._write()

    def on_resize(self) -> None:
        self._write()

    def _write(self) -> None:
        if not self.query("#top-title"):  # not there yet, or not any more
            return
        title = self._title if self.size.width >= 64 else self._title.split()[0]
        self.query_one("#top-title", Words).update(text(("◆ ", "$primary"), (title, "bold")))
        who = self.query_one("#top-who", Words)
        identity = self._identity
        if identity is None:
            who.update(text(("not signed in yet", "$quiet")))
            return
        account = account_number(identity.account)
        alias = one_line(identity.alias, 24)
        room = self.size.width - len(title) - 6 - (len(self._place) + 2) - (10 if self._dry_run else 0)
        full = [f"{alias} {account}".strip(), one_line(identity.who, 28), identity.region]
        for parts in (full, [account, *full[1:]], [account, identity.region], [account]):
            line = " · ".join(part for part in parts if part)
            if len(line) <= room:
                break
        who.update(line)
        who.tooltip = Content(f"{identity.arn}\n{identity.source}\n{identity.region}")


class StepItem(Widget):
    """One line of the list of steps."""

    def __init__(self, step_id: str, number: int, title: str, state: StepState, reachable: bool) -> None:
        super().__init__()
        self.step_id = step_id
        self.number = number
        self.step_title = title
        self.show(state, reachable)

    def show(self, state: StepState, reachable: bool) -> None:
        """Show how the step stands now."""
        self.state, self.reachable = state, reachable
        words = STATE_WORDS[state] if reachable or state is not StepState.DONE else "done"
        self.tooltip = Content(f"Step {self.number}, {self.step_title}: {words}")
        for other in StepState:
            self.set_class(other is state, f"-{other.value}")
        self.set_class(reachable, "-reachable")
        self.refresh()

    def render(self) -> Content:
        return text(MARKS[self.state], " ", f"{self.number:>2} {self.step_title}")

    def on_click(self, event: events.Click) -> None:
        event.stop()
        if self.reachable:
            self.post_message(StepList.Picked(self.step_id))


class StepList(Vertical, can_focus=True):
    """All steps; those that were visited can be picked, with the mouse or with arrows and enter."""

    class Picked(Message):
        """A step was picked."""

        def __init__(self, step_id: str) -> None:
            super().__init__()
            self.step_id = step_id

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "Up", show=False, id="steps.up", tooltip="The step above"),
        Binding("down", "move(1)", "Down", show=False, id="steps.down", tooltip="The step below"),
        Binding("enter,space", "pick", "Go there", show=False, id="steps.pick", tooltip="Go to this step"),
    ]

    def __init__(self, session: Session, *, id: str) -> None:
        super().__init__(id=id)
        self._session = session
        self._at = session.current

    def compose(self) -> ComposeResult:
        for number, step in enumerate(self._session.steps, 1):
            yield StepItem(step.id, number, step.title, self._session.state(step.id), self._reachable(step.id))

    async def renew(self) -> None:
        """Show the steps as they are now."""
        steps = self._session.steps
        items = list(self.query(StepItem))
        if [i.step_id for i in items] != [s.id for s in steps]:
            await self.recompose()
            return
        for item in items:
            item.show(self._session.state(item.step_id), self._reachable(item.step_id))

    def _reachable(self, step_id: str) -> bool:
        return self._session.can_go(step_id) and step_id != self._session.current

    def _items(self) -> list[StepItem]:
        return [i for i in self.query(StepItem) if i.reachable or i.state is StepState.CURRENT]

    def on_focus(self) -> None:
        self._at = self._session.current
        self._mark()

    def on_blur(self) -> None:
        for item in self.query(StepItem):
            item.remove_class("-at")

    def _mark(self) -> None:
        for item in self.query(StepItem):
            item.set_class(item.step_id == self._at, "-at")
            if item.step_id == self._at:
                item.scroll_visible(animate=False)

    def action_move(self, by: int) -> None:
        ids = [i.step_id for i in self._items()]
        if ids:
            self._at = ids[(ids.index(self._at) + by) % len(ids)] if self._at in ids else ids[0]
            self._mark()

    def action_pick(self) -> None:
        self.post_message(self.Picked(self._at))


class StepLine(Words):
    """All steps in one line, where there is no room for the list; a click opens them."""

    def __init__(self, session: Session) -> None:
        super().__init__(id="step-line")
        self._session = session
        self.tooltip = Content("The steps. Press f2 to go to one.")

    def on_mount(self) -> None:
        self.renew()

    def renew(self) -> None:
        """Show the steps as they are now."""
        number, total = self._session.position()
        marks = [(MARKS[state], _MARK_STYLES[state]) for state in map(self._session.state, self._ids())]
        self.update(
            text(
                (f"{number} {self._session.step.title}", "bold"),
                ("  ", ""),
                *marks,
                (f"  step {number} of {total}", "$quiet"),
            )
        )

    def _ids(self) -> list[str]:
        return [step.id for step in self._session.steps]

    async def on_click(self) -> None:
        await self.run_action("screen.steps")


_MARK_STYLES = {StepState.DONE: "$text-success", StepState.CURRENT: "bold $primary", StepState.OPEN: "$quiet"}


class KeyHint(Words):
    """A key and what it does; a click does the same."""

    def __init__(self, key: str, does: str, action: str) -> None:
        label = text((f" {key} ", "bold $primary"), (does, "$foreground 85%"), " ")
        super().__init__(label)
        self.length = label.cell_length
        self.action = action

    async def on_click(self, event: events.Click) -> None:
        event.stop()
        await self.run_action(self.action)


class KeyBar(Horizontal):
    """The keys that work here."""

    def __init__(self, keys: Sequence[tuple[str, str, str]]) -> None:
        super().__init__(id="keys")
        self._keys = keys

    def compose(self) -> ComposeResult:
        for key, does, action in self._keys:
            yield KeyHint(key, does, action)

    def on_resize(self, event: events.Resize) -> None:
        self._fit(event.size.width)

    def on_mount(self) -> None:
        self.call_after_refresh(self._fit, 0)

    def _fit(self, width: int) -> None:
        """Show the keys that fit, most important first; half a word helps nobody."""
        room = width or self.size.width
        for hint in self.query(KeyHint):
            room -= hint.length
            hint.visible = room >= 0

    async def renew(self, keys: Sequence[tuple[str, str, str]]) -> None:
        """Show other keys."""
        if list(keys) != list(self._keys):
            self._keys = keys
            await self.recompose()
            self._fit(0)
