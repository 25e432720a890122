"""Regions with their limits: a row with a bar for each, of which only the visible ones are drawn."""

# ruff: noqa: A002 - `id` is Textual's own name for it

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.events import Click, Resize
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from screens.widgets.control import Accepted, LeaveControl
from wizard.quotas.advice import Row, Standing
from wizard.text import number, one_line

_REGION: Final = 14  # cells, of the longest name
_LIMIT: Final = 8
_WORDS: Final = 43  # cells for the longest state that is not cut
_ROOMY: Final = 72  # cells from which a region takes one line; below, its state stands on a second one

# How each standing is shown: sign, and the class of its colour. The words beside it say the same.
SIGNS: Final[dict[Standing, tuple[str, str]]] = {
    "enough": ("✓", "good"),
    "low": ("!", "low"),
    "pending": ("…", "open"),
    "case-opened": ("…", "open"),
    "approved": ("…", "open"),
    "denied": ("✗", "bad"),
    "closed": ("✗", "bad"),
    "off": ("–", "aside"),
    "blocked": ("–", "aside"),
    "denied-read": ("?", "low"),
    "failed": ("?", "bad"),
}


@dataclass(frozen=True)
class RegionLine:
    """A region to show: what was read of it, or None and what is going on instead."""

    region: str
    row: Row | None
    chosen: bool = False
    meanwhile: str = "reading…"


class RegionTable(ScrollView, can_focus=True):
    """The regions, one highlighted. Enter goes on; arrows beyond the ends leave the table."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"quota--{name}" for name in ("name", "aside", "good", "low", "open", "bad", "track", "at")
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "Up", show=False, id="regions.up", tooltip="The region above"),
        Binding(
            "down", "move(1)", "Down", show=False, id="regions.down", tooltip="The region below, then the question"
        ),
        Binding("pageup", "page(-1)", "Page up", show=False, id="regions.pageup", tooltip="A page up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="regions.pagedown", tooltip="A page down"),
        Binding("home", "end(0)", "First", show=False, id="regions.first", tooltip="The first region"),
        Binding("end", "end(-1)", "Last", show=False, id="regions.last", tooltip="The last region"),
        Binding("enter", "accept", "Go on", show=False, id="regions.accept", tooltip="Go on to the next step"),
    ]

    class Highlighted(Message):
        """Another region is highlighted."""

        def __init__(self, region: str) -> None:
            super().__init__()
            self.region = region

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.shown: Sequence[RegionLine] = ()
        self.at = ""

    @property
    def index(self) -> int:
        """The place of the highlighted region; -1 where there is none."""
        return next((i for i, line in enumerate(self.shown) if line.region == self.at), -1)

    @property
    def roomy(self) -> bool:
        """Whether a region has room on one line."""
        return self._width >= _ROOMY

    @property
    def _width(self) -> int:
        return self.scrollable_content_region.width

    @property
    def _rows(self) -> int:
        """Lines for a region."""
        return 1 if self.roomy else 2

    def show(self, lines: Sequence[RegionLine]) -> None:
        """Show these regions. The highlighted one stays highlighted as long as it is among them."""
        self.shown = tuple(lines)
        if self.index < 0:
            self.at = lines[0].region if lines else ""
            self.post_message(self.Highlighted(self.at))
        self._measure()
        self._into_view()
        self.refresh()

    def _measure(self) -> None:
        self.virtual_size = Size(1, max(1, len(self.shown)) * self._rows)

    def on_resize(self, _event: Resize) -> None:
        self._measure()
        self.call_after_refresh(self._into_view)
        self.refresh()

    def go_to(self, index: int) -> None:
        """Highlight a region and bring it into view."""
        if 0 <= index < len(self.shown):
            self.at = self.shown[index].region
            self._into_view()
            self.refresh()
            self.post_message(self.Highlighted(self.at))

    def _into_view(self) -> None:
        if self.index >= 0 and self.size.height:
            row = Region(0, self.index * self._rows, max(1, self._width), self._rows)
            self.scroll_to_region(row, animate=False, x_axis=False)

    # Drawing

    def heading(self, sort: str) -> str:
        """Return the line above the rows; the column that is sorted by has an arrow."""
        name, limit, state = (f"{word}{'↓' if sort == word else ''}" for word in ("region", "limit", "state"))
        head = f"   {name:<{_REGION}}{limit:>{_LIMIT}} "
        bar = "of what is advised" if self._bar >= 18 else ""
        return f"{head}{bar:<{self._bar}}  {state}" if self.roomy else f"{head} {state}"

    @property
    def _bar(self) -> int:
        """Cells for the bar."""
        left = self._width - (3 + _REGION + _LIMIT + 1)
        return max(5, min(24, left - _WORDS)) if self.roomy else max(0, min(24, left - 1))

    def render_line(self, y: int) -> Strip:
        at, part = divmod(y + self.scroll_offset.y, self._rows)
        if at >= len(self.shown):
            return Strip.blank(self._width, self.rich_style)
        line = self.shown[at]
        first = part == 0
        cells = [("▸" if line.region == self.at and first else " ", "name")]
        if first:
            cells += self._head(line)
        if self.roomy or not first:
            cells += [("  ", "aside"), *self._state(line)]
        return self._strip(cells, line.region == self.at)

    def _head(self, line: RegionLine) -> list[tuple[str, str]]:
        """Region, limit, and the bar."""
        row, mark = line.row, "●" if line.chosen else " "
        known = row is not None and row.limit is not None
        limit = number(row.limit) if row is not None and row.limit is not None else "–"
        cells = [
            (mark, "open"),
            (f" {line.region:<{_REGION}}", "name"),
            (f"{limit:>{_LIMIT}} ", "name" if known else "aside"),
        ]
        bar = row.bar(self._bar) if row is not None else "·" * self._bar
        full = bar.rstrip("░·")
        colour = SIGNS[row.standing][1] if row is not None else "track"
        return [*cells, (full, colour), (bar[len(full) :], "track")]

    def _state(self, line: RegionLine) -> list[tuple[str, str]]:
        if line.row is None:
            return [(line.meanwhile, "aside")]
        sign, colour = SIGNS[line.row.standing]
        quiet = "aside" if line.row.standing in {"off", "blocked"} else "name"
        return [(f"{sign} ", colour), (one_line(line.row.words, 200), quiet)]

    def _strip(self, cells: list[tuple[str, str]], at: bool) -> Strip:
        under = Style(bgcolor=self.get_component_rich_style("quota--at" if at else "quota--name").bgcolor)
        segments: list[Segment] = []
        room = self._width
        for words, name in cells:
            shown = words if len(words) <= room else words[: max(room - 1, 0)] + "…"[:room]
            segments.append(Segment(shown, self.get_component_rich_style(f"quota--{name}") + under))
            room -= len(shown)
        return Strip(segments).adjust_cell_length(self._width, under)

    # Keys and clicks

    def on_click(self, event: Click) -> None:
        event.stop()
        self.go_to((event.y + self.scroll_offset.y) // self._rows)

    def action_move(self, by: int) -> None:
        following = self.index + by
        if 0 <= following < len(self.shown):
            self.go_to(following)
        else:
            self.post_message(LeaveControl(by))

    def action_page(self, by: int) -> None:
        rows = max(1, self.size.height // self._rows - 1)
        self.go_to(min(max(self.index + by * rows, 0), len(self.shown) - 1))

    def action_end(self, at: int) -> None:
        self.go_to(at % max(1, len(self.shown)))

    def action_accept(self) -> None:
        self.post_message(Accepted())
