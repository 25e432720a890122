"""Boxes that say something: a problem with its remedy, a warning, a hint, work that is going on."""

# ruff: noqa: A002 - `id` is Textual's own name for it

from __future__ import annotations

from typing import Any

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.reactive import reactive

from screens.widgets.words import Words, Wrapped, hanging, text
from wizard.problem import Problem
from wizard.text import one_line, plain

FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


def frame(tick: int) -> str:
    """Return the spinner's picture at a tick."""
    return FRAMES[tick % len(FRAMES)]


class Note(Wrapped):
    """One remark with its symbol."""

    STYLES = {  # noqa: RUF012 - read only
        "warning": ("! ", "bold $text-warning"),
        "info": ("i ", "bold $text-primary"),
        "good": ("✓ ", "bold $text-success"),
        "bad": ("✗ ", "bold $text-error"),
    }

    def __init__(self, message: str | Content, kind: str = "info", *, id: str | None = None) -> None:
        super().__init__(id=id, classes=f"-{kind}")
        self.message = plain(message) if isinstance(message, str) else message
        self.kind = kind

    def lines(self, width: int) -> list[Content]:
        return hanging(text(self.STYLES[self.kind]), self.message, 2, width)


class ProblemBox(Vertical):
    """A problem: what happened, where and why, and what mends it."""

    def __init__(self, problem: Problem, *, where: str = "", id: str | None = None) -> None:
        super().__init__(id=id)
        self.problem = problem
        self._where = f"{one_line(where)}: " if where else ""

    def compose(self) -> ComposeResult:
        yield Words(text(("✗ ", "bold $text-error"), (self._where + self.problem.title, "bold $text-error")))
        if self.problem.detail:
            yield Words(self.problem.detail, classes="detail")
        if self.problem.remedy:
            yield Words(text(("→ ", "bold $text-primary"), self.problem.remedy), classes="remedy")


class Busy(Words):
    """A line that shows that work is going on."""

    tick: reactive[int] = reactive(0)

    def __init__(self, message: str, *, id: str | None = None) -> None:
        super().__init__(id=id, classes="busy")
        self.message = message

    def on_mount(self) -> None:
        self.set_interval(0.1, self._advance)

    def _advance(self) -> None:
        self.tick += 1

    def say(self, message: str) -> None:
        """Say something else."""
        self.message = message
        self.refresh(layout=True)

    def render(self) -> Any:
        return text((frame(self.tick), "bold $primary"), "  ", self.message)
