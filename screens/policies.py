"""Step "Policies": how the policies are attached, beside what they hold and why."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from textual import on
from textual.binding import Binding
from textual.containers import Vertical
from textual.events import DescendantFocus
from textual.widget import Widget

from screens.background import off_thread
from screens.form import FormScreen
from screens.step import Keys
from screens.widgets.choice import ChoiceList
from screens.widgets.control import Accepted, Answered, LeaveControl
from screens.widgets.field import FieldView
from screens.widgets.notes import Note
from screens.widgets.policy import PolicyPane
from screens.widgets.words import Rows, Words, text
from wizard.account.snapshot import AccountSnapshot
from wizard.collect.steps import Choice, Question
from wizard.plan.preview import Preview, release_of
from wizard.problem import ProblemError
from wizard.text import one_line

_MOST_BOUNDARIES = 6  # of those that may be meant, the likeliest come first

if TYPE_CHECKING:
    from wizard.account.boundaries import BoundaryDemand


class PoliciesScreen(FormScreen):
    """The policies. The pane shows the user's or the role's, whichever question has the focus."""

    BINDINGS = [  # noqa: RUF012 - Textual's own convention
        Binding("f6", "other_policy", "Other policy", show=False, id="policies.other", tooltip="Show the other policy"),
        Binding("f7", "copy", "Copy", show=False, id="policies.copy", tooltip="Copy the document or the command"),
    ]

    def compose_above(self) -> Iterable[Widget]:
        yield Rows(self._release(), id="release")
        yield Vertical(*self._notes(self._preview()), id="notes")

    def compose_below(self) -> Iterable[Widget]:
        yield Vertical(*self._boundaries(), id="boundaries")

    def compose_preview(self) -> Iterable[Widget]:
        yield PolicyPane(self._preview().policies)

    def placeholder(self, _question: Question) -> str:
        return "none"

    def own_keys(self) -> Keys:
        return [("f6", "other policy", "screen.other_policy"), ("f7", "copy", "screen.copy")]

    def entered(self) -> None:
        if self.known.project is None:
            self.work(self._detect, "detect")
        if self.known.snapshot_for(self.session.answers) is None:
            self.work(self._look, "look")

    async def _detect(self) -> None:
        await self.wizard.detect()
        await self._renew()

    async def _look(self) -> None:
        """Look at the account beside the form: how full the caller's policies are, whether a boundary is demanded.

        Nothing waits for it, and what it can't read is told at the review, which reads everything again.
        """
        answers, engine = self.session.answers, self.wizard.engine
        try:
            if self.known.identity is None:
                await self.wizard.connect()
                await self.renew_frame()
            snapshot = await off_thread(lambda: engine.discover(answers))
        except ProblemError:
            return
        self.known.keep(snapshot, answers)
        await self._renew()
        await self.fill("#boundaries", *self._boundaries())

    @property
    def _snapshot(self) -> AccountSnapshot | None:
        return self.known.snapshot_for(self.session.answers)

    def _preview(self) -> Preview:
        return self.wizard.engine.preview(self.session.answers, self.known.release, self._snapshot)

    def _release(self) -> list[tuple[Any, Any]]:
        release, origin = release_of(self.session.answers, self.known.release)
        source = one_line(self.known.project.source) if origin == "project" and self.known.project else origin
        return [("Remotion release", text((str(release), "bold"), (f"  ({source})", "$quiet")))]

    def _notes(self, preview: Preview) -> list[Widget]:
        tight = any(p.meter.left < 0 for p in preview.policies)
        notes: list[Widget] = [Note(note, "warning" if tight else "info") for note in preview.notes]
        demand = self._demand()
        if demand is not None and demand.demanded:
            ask = " Choose one below." if demand.candidates else " Name its ARN below."
            named = bool(self.session.answers["principal.permissions_boundary"])
            notes.insert(0, Note(text((demand.sentence, "bold"), "" if named else ask), "info" if named else "warning"))
        elif demand is not None and demand.demanded is None and demand.sentence:
            notes.append(Note(demand.sentence, "info"))
        return notes

    # Permissions boundaries

    def _demand(self) -> BoundaryDemand | None:
        """What the account says of permissions boundaries, once it was asked."""
        snapshot = self._snapshot
        return snapshot.boundary_demand if snapshot else None

    def _boundaries(self) -> list[Widget]:
        """The boundaries that may be meant, to be taken with a key."""
        demand = self._demand()
        if demand is None or not demand.candidates:
            return []
        offered = [Choice(arn, arn.rpartition("/")[2], arn) for arn in demand.candidates[:_MOST_BOUNDARIES]]
        chosen = self.session.answers.text("principal.permissions_boundary")
        return [
            Words(text(("Boundaries in this account", "bold"), ("  arrows take one", "$quiet"))),
            ChoiceList(offered, chosen, id="candidates"),
        ]

    @on(Answered)
    def _boundary_taken(self, event: Answered) -> None:
        event.stop()
        if view := self.field("principal.permissions_boundary"):
            view.show_answer(event.value)
            view.post_message(FieldView.Changed(view.key, event.value))

    @on(Accepted)
    def _boundary_stands(self, event: Accepted) -> None:
        event.stop()
        self.action_next()

    @on(LeaveControl)
    def _past_boundaries(self, event: LeaveControl) -> None:
        event.stop()
        if event.by > 0:
            self.focus_next()
        else:
            self.focus_previous()

    def answer_changed(self, _key: str, _value: Any) -> None:
        self.work(self._renew, "preview")

    async def _renew(self) -> None:
        preview = self._preview()
        pane, notes = self.query_one(PolicyPane), self.query_one("#notes", Vertical)
        self.query_one("#release", Rows).show(self._release())
        await pane.show(preview.policies, pane.at)
        await notes.remove_children()
        await notes.mount(*self._notes(preview))
        chosen = self.session.answers.text("principal.permissions_boundary")
        for offered in self.query("#candidates").results(ChoiceList):
            if offered.value != chosen:
                await offered.replace(offered.choices, chosen)

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
