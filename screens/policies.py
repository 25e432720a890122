"""Step "Policies": how the policies are attached, beside what they hold and why."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from textual.binding import Binding
from textual.containers import Vertical
from textual.events import DescendantFocus
from textual.widget import Widget

from screens.form import FormScreen
from screens.step import Keys
from screens.widgets.field import FieldView
from screens.widgets.notes import Note
from screens.widgets.policy import PolicyPane
from screens.widgets.words import Rows, text
from wizard.collect.steps import Question
from wizard.plan.preview import Preview, release_of
from wizard.text import one_line


class PoliciesScreen(FormScreen):
    """The policies. The pane shows the user's or the role's, whichever question has the focus."""

    BINDINGS = [  # noqa: RUF012 - Textual's own convention
        Binding("f6", "other_policy", "Other policy", show=False, id="policies.other", tooltip="Show the other policy"),
        Binding("f7", "copy", "Copy", show=False, id="policies.copy", tooltip="Copy the document or the command"),
    ]

    def compose_above(self) -> Iterable[Widget]:
        yield Rows(self._release(), id="release")
        yield Vertical(*self._notes(self._preview()), id="notes")

    def compose_preview(self) -> Iterable[Widget]:
        yield PolicyPane(self._preview().policies)

    def placeholder(self, _question: Question) -> str:
        return "none"

    def own_keys(self) -> Keys:
        return [("f6", "other policy", "screen.other_policy"), ("f7", "copy", "screen.copy")]

    def entered(self) -> None:
        if self.known.project is None:
            self.work(self._detect, "detect")

    async def _detect(self) -> None:
        await self.wizard.detect()
        await self._renew()

    def _preview(self) -> Preview:
        return self.wizard.engine.preview(self.session.answers, self.known.release, self.known.snapshot)

    def _release(self) -> list[tuple[Any, Any]]:
        release, origin = release_of(self.session.answers, self.known.release)
        source = one_line(self.known.project.source) if origin == "project" and self.known.project else origin
        return [("Remotion release", text((str(release), "bold"), (f"  ({source})", "$quiet")))]

    def _notes(self, preview: Preview) -> list[Widget]:
        tight = any(p.meter.left < 0 for p in preview.policies)
        return [Note(note, "warning" if tight else "info") for note in preview.notes]

    def answer_changed(self, _key: str, _value: Any) -> None:
        self.work(self._renew, "preview")

    async def _renew(self) -> None:
        preview = self._preview()
        pane, notes = self.query_one(PolicyPane), self.query_one("#notes", Vertical)
        self.query_one("#release", Rows).show(self._release())
        await pane.show(preview.policies, pane.at)
        await notes.remove_children()
        await notes.mount(*self._notes(preview))

    async def on_descendant_focus(self, event: DescendantFocus) -> None:
        for view in event.widget.ancestors:
            if isinstance(view, FieldView) and view.key in {"principal.attach", "render_role.attach"}:
                pane = self.query_one(PolicyPane)
                await pane.show(pane.policies, int(view.key == "render_role.attach"))

    async def action_other_policy(self) -> None:
        pane = self.query_one(PolicyPane)
        if pane.policies:
            await pane.show(pane.policies, (pane.at + 1) % len(pane.policies))

    def action_copy(self) -> None:
        from screens.clipboard import copy

        pane = self.query_one(PolicyPane)
        copy(self.wizard, pane.shown_text, "The command" if pane.tab == 2 else "The document")
