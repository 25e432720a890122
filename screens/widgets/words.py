"""Text on screen: plain words, label-and-value rows, and code; all wrap with a hanging indent and never read markup."""

# ruff: noqa: A002 - `id` is Textual's own name for it

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from textual.cache import LRUCache
from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget
from textual.widgets import Static

from wizard.text import plain

Text = str | Content


class Words(Static):
    """A Static that never reads markup."""

    def __init__(self, content: Text = "", *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(content, markup=False, id=id, classes=classes)


def text(*parts: str | Content | tuple[str, str]) -> Content:
    """Put content together out of plain strings, other content and (text, style) pairs."""
    return Content.assemble(*parts)


class Wrapped(Widget):
    """Base of widgets that break their lines themselves, for the width they get."""

    DEFAULT_CSS = "Wrapped { width: 1fr; height: auto; }"

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._lines: LRUCache[int, list[Content]] = LRUCache(4)

    def lines(self, width: int) -> list[Content]:
        """Return the lines for this width."""
        raise NotImplementedError

    def changed(self) -> None:
        """Draw again after the content changed."""
        self._lines.clear()
        self.refresh(layout=True)

    def _for(self, width: int) -> list[Content]:
        found = self._lines.get(width)
        if found is None:
            found = self.lines(max(width, 4))
            self._lines[width] = found
        return found

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self._for(width))

    def render(self) -> Content:
        return Content("\n").join(self._for(self.content_size.width))


def hanging(first: Text, rest: Text, indent: int, width: int) -> list[Content]:
    """Return `rest` wrapped behind `first`, continuation lines indented as far as `indent` cells."""
    head = Content(first) if isinstance(first, str) else first
    body = Content(rest) if isinstance(rest, str) else rest
    space = width - indent
    if space < 8 or head.cell_length > indent:
        inner = " " * min(2, width - 4)
        lines = head.wrap(width) if head else []
        return lines + [text(inner, line) for line in body.wrap(max(width - len(inner), 4))]
    wrapped = body.wrap(space) or [Content("")]
    first_line = text(head, " " * (indent - head.cell_length), wrapped[0])
    return [first_line] + [text(" " * indent, line) for line in wrapped[1:]]


class Rows(Wrapped):
    """Labels and their values in two columns."""

    def __init__(
        self,
        rows: Iterable[tuple[Text, Text]] = (),
        *,
        column: int = 0,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._rows = list(rows)
        self._column = column

    def show(self, rows: Iterable[tuple[Text, Text]]) -> None:
        """Show other rows."""
        self._rows = list(rows)
        self.changed()

    def lines(self, width: int) -> list[Content]:
        labels = [Content(label) if isinstance(label, str) else label for label, _ in self._rows]
        column = self._column or max((label.cell_length for label in labels), default=0) + 2
        found: list[Content] = []
        for label, (_, value) in zip(labels, self._rows, strict=True):
            quiet = label if label.spans else label.stylize("$quiet")
            found += hanging(quiet, value, column, width)
        return found


class Code(Wrapped):
    """Code, highlighted; long lines go on below, indented."""

    def __init__(
        self, code: str = "", language: str = "", *, id: str | None = None, classes: str | None = None
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._code: Content = Content("")
        self.show(code, language)

    def show(self, code: str, language: str = "") -> None:
        """Show other code."""
        code = plain(code)
        if language:
            from textual.highlight import highlight

            self._code = highlight(code, language=language)
        else:
            self._code = Content(code)
        self._lines.clear()
        if self.is_attached:
            self.changed()

    def show_content(self, content: Content) -> None:
        """Show lines that are styled already."""
        self._code = content
        self.changed()

    def lines(self, width: int) -> list[Content]:
        found: list[Content] = []
        for line in self._code.split(allow_blank=True):
            stripped = line.plain.lstrip(" ")
            indent = len(line.plain) - len(stripped)
            if line.cell_length <= width or width - indent < 10:
                found += line.wrap(width) if line.cell_length > width else [line]
                continue
            first, *rest = line[indent:].wrap(width - indent - 2)
            found.append(text(" " * indent, first))
            found += [text(" " * (indent + 2), more) for more in rest]
        return found


def diff_content(lines: Sequence[str]) -> Content:
    """Return a unified diff, coloured; + and - are there for those who can't see the colour."""
    styles = {"+": "$text-success", "-": "$text-error", "@": "$quiet"}
    parts: list[Any] = []
    for line in lines[2:]:
        parts.append((plain(line) + "\n", styles.get(line[:1], "")))
    return Content.assemble(*parts).rstrip()
