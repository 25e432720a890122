"""A heading that opens and closes what is below it; its body is made when it is first opened."""

# ruff: noqa: A002 - `id` is Textual's own name for it

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.events import Click
from textual.reactive import reactive
from textual.widget import Widget

from screens.widgets.words import text


class SectionHead(Widget, can_focus=True):
    """The line that is clicked, or opened with enter or space."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,space", "flip", "Open", show=False, id="section.toggle", tooltip="Open or close"),
        Binding("right", "set(True)", "Open", show=False, id="section.open", tooltip="Open"),
        Binding("left", "set(False)", "Close", show=False, id="section.close", tooltip="Close"),
        Binding("down", "app.focus_next", "Next", show=False, id="section.down", tooltip="Go down"),
        Binding("up", "app.focus_previous", "Previous", show=False, id="section.up", tooltip="Go up"),
    ]

    def __init__(self, title: Content, aside: str) -> None:
        super().__init__()
        self.title = title
        self.aside = aside

    def render(self) -> Content:
        section = self.parent
        opened = isinstance(section, Section) and section.opened
        left = text(("▾ " if opened else "▸ ", "$primary"), self.title)
        if not self.aside:
            return left
        space = self.content_size.width - left.cell_length - len(self.aside)
        return left if space < 1 else text(left, " " * space, (self.aside, "$quiet"))

    def on_click(self, event: Click) -> None:
        event.stop()
        self.action_flip()

    def action_flip(self) -> None:
        section = self.parent
        if isinstance(section, Section):
            section.opened = not section.opened

    def action_set(self, opened: bool) -> None:
        section = self.parent
        if isinstance(section, Section):
            section.opened = opened


class Section(Vertical):
    """A heading with a body that opens and closes."""

    opened = reactive(False, toggle_class="-open", init=False)

    def __init__(
        self,
        title: Content | str,
        body: Callable[[], Iterable[Widget]],
        *,
        aside: str = "",
        opened: bool = False,
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self._title = Content(title) if isinstance(title, str) else title
        self._aside = aside
        self._body = body
        self._made = opened
        self.set_reactive(Section.opened, opened)

    def compose(self) -> ComposeResult:
        yield SectionHead(self._title, self._aside)
        body = Vertical(*(self._body() if self.opened else ()), classes="section-body")
        body.display = self.opened
        yield body

    async def watch_opened(self, opened: bool) -> None:
        if not self.is_mounted:
            return
        body = self.query_one(".section-body")
        if opened and not self._made:
            self._made = True
            await body.mount(*self._body())
        body.display = opened
        self.query_one(SectionHead).refresh()
