"""Step "What is there": what the account holds of Remotion already, and what is to become of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget

from screens.background import off_thread, problem_of
from screens.form import FormScreen
from screens.step import Keys, PreviewScroll
from screens.widgets.card import Card, headed
from screens.widgets.field import Control, FieldView
from screens.widgets.notes import Busy, Note, ProblemBox
from screens.widgets.section import Section
from screens.widgets.several import SeveralChoices
from screens.widgets.words import Code, Words, diff_content, hanging, text
from wizard.account.snapshot import AccountSnapshot, Principal
from wizard.collect.meaning import is_made, is_role
from wizard.collect.steps import Choice, Question
from wizard.plan.found import RENDER_ROLE, Found, FoundItem, Standing
from wizard.plan.preview import release_of
from wizard.plan.wanted import wanted_policy
from wizard.policy import documents
from wizard.remotion import names
from wizard.remotion.catalogue import PolicyKind
from wizard.text import count, one_line

# How each standing is shown: sign, word, style. The word is there for whoever can't see shape or colour.
SIGNS: Final = {
    Standing.GOOD: ("✓", "good", "bold $text-success"),
    Standing.LACKS: ("~", "to mend", "bold $text-warning"),
    Standing.MISSING: ("+", "missing", "bold $text-primary"),
    Standing.WIDE: ("!", "too wide", "bold $text-warning"),
    Standing.NOTE: ("i", "to know", "bold $text-primary"),
    Standing.UNKNOWN: ("?", "can't tell", "bold $text-error"),
}
_COLUMN: Final = 13  # cells for sign and word, where the card is
_INDENT: Final = " " * 4  # of every statement of a document


class FoundCard(Card):
    """One thing that was looked for: how it stands, what it is, and what is to be known about it."""

    def __init__(self, item: FoundItem) -> None:
        super().__init__(classes=f"-{item.standing.value}")
        self.item = item

    def lines(self, width: int) -> list[Content]:
        title = text((one_line(self.item.title, 400), "" if self.item.standing is Standing.NOTE else "bold"))
        found, column = headed(SIGNS[self.item.standing], title, _COLUMN, width)
        inside = " " * column
        for sentence in filter(None, re.split(r"(?<=\.) (?=[A-Z])", one_line(self.item.said, 2000))):
            found += hanging(inside, text((sentence, "$quiet")), column, width)
        for action in self.item.costs:
            name, _, cost = one_line(action, 400).partition(" ")
            line = text((f"{name} ", "$text-accent"), (cost.removeprefix("(").removesuffix(")"), "$quiet"))
            found += hanging(text(inside, ("· ", "$quiet")), line, column + 2, width)
        return found


class FoundScreen(FormScreen):
    """What is there. The account is read when the step is entered; questions are asked only where they arise."""

    preview_title = "Which policies they have"
    BINDINGS = [  # noqa: RUF012 - Textual's own convention
        Binding("f5", "read_again", "Read again", show=False, id="found.again", tooltip="Read the account again"),
    ]

    def compose_body(self) -> Iterable[Widget]:
        yield Vertical(Busy("Reading your account…"), id="found")

    def compose_preview(self) -> Iterable[Widget]:
        yield PreviewScroll(Vertical(id="policies-held"))

    def own_keys(self) -> Keys:
        return [("f5", "read again", "screen.read_again")]

    def entered(self) -> None:
        known = self.known.found_for(self.session.answers)
        if known is None:
            self.action_read_again()
        else:
            self.work(partial(self._show, *known), "found")

    def action_read_again(self) -> None:
        self.known.forget()
        self.work(self._read, "found")

    async def _read(self) -> None:
        app, answers = self.wizard, self.session.answers
        busy = Busy("Signing in…")
        self.hint("")
        await self.fill("#found", busy)
        await self.fill("#policies-held", Words(text(("They are shown here once they are read.", "$quiet"))))
        try:
            await app.connect()
            busy.say("Reading your account: users, roles, and the policies they have…")
            snapshot, found = await off_thread(lambda: app.engine.found(answers))
        except Exception as error:
            await self.fill("#found", ProblemBox(problem_of(error)), Note("f5 or enter reads again.", "info"))
            return
        app.known.keep(snapshot, answers, found)
        await self.renew_frame()
        await self._show(snapshot, found)

    # What was found

    async def _show(self, snapshot: AccountSnapshot, found: Found) -> None:
        """Show everything that was found, and below it the questions that it raises."""
        await self.fill("#found", *self._groups(found), *self._questions(found))
        await self.fill("#policies-held", *self._policies(snapshot))
        asked = self.fields()
        if asked:
            self.hint(f"↓ {count(len(asked), 'question')} below")
        if self.focused is None or self.focused in self.query("#buttons Push"):
            self.call_after_refresh(self.focus_first)  # what comes first is known once it has its place

    def _groups(self, found: Found) -> Iterator[Widget]:
        things = [i for i in found.items if i.standing not in {Standing.NOTE, Standing.WIDE}]
        notes = [i for i in found.items if i.standing in {Standing.NOTE, Standing.WIDE}]
        if not notes and all(i.standing is Standing.MISSING for i in things):
            more = " The wizard makes all of it." if is_made(self.session.answers) else ""
            yield Note(text(("Nothing of Remotion is there yet.", "bold"), more), "good" if more else "warning")
        elif not notes and all(i.standing is Standing.GOOD for i in things):
            yield Note(text(("Everything that Remotion needs is there.", "bold")), "good")
        caller = "Your code's role" if is_role(self.session.answers) else "Your code's user"
        renders = [i for i in things if i.subject == RENDER_ROLE]
        calls = [i for i in things if i not in renders]
        for title, items in ((caller, calls), ("Render role", renders), ("Worth knowing", notes)):
            if items:
                yield Words(text((title, "bold $primary")), classes="group")
                yield from (FoundCard(item) for item in items)

    # The questions

    def _questions(self, found: Found) -> list[FieldView]:
        """Only what arises: foreign statements in Remotion's policies, policies that are far too wide."""
        chosen = self.session.answers.texts("principal.take_away")
        arises = {
            "principal.existing": found.foreign > 0,
            "principal.take_away": bool(found.removable) or bool(chosen),
        }
        return [self.field_view(q) for q in self.step.questions if arises.get(q.key, True)]

    def control_for(self, question: Question) -> Control:
        if question.dynamic != "removable":
            return super().control_for(question)
        known = self.known.found_for(self.session.answers)
        offered = [Choice(r.name, f"{r.name}, of {r.owner}", r.sentence) for r in known[1].removable] if known else []
        chosen = self.session.answers.texts(question.key)
        named = {choice.value for choice in offered}
        offered += [Choice(n, n, "Named in your answers.") for n in chosen if n not in named]
        return SeveralChoices(offered, chosen)

    def action_next(self) -> None:
        """Go on; from the list first to the questions below it, so that nobody overlooks them."""
        asked = self.fields()
        if isinstance(self.focused, FoundCard) and asked:
            asked[0].focus_target.focus()
        else:
            super().action_next()

    def ready(self) -> bool:
        if self.known.found_for(self.session.answers) is not None:
            return True
        if self.query("#found Busy"):
            self.hint("Still reading your account…")
        else:
            self.action_read_again()
        return False

    # The policies that are there

    def _policies(self, snapshot: AccountSnapshot) -> list[Widget]:
        shown: list[Widget] = []
        for principal in (snapshot.principal.value, snapshot.render_role.value):
            if principal is not None:
                shown.append(Words(text((one_line(principal.name, 64), "bold $primary")), classes="group"))
                kind: PolicyKind = "role" if principal is snapshot.render_role.value else "user"
                shown += _sections(principal, self._wanted(kind, snapshot)) or [Words(text(("no policy", "$quiet")))]
        return shown or [Words(text(("None: neither the caller nor the render role is there.", "$quiet")))]

    def _wanted(self, kind: PolicyKind, snapshot: AccountSnapshot) -> Mapping[str, Any]:
        """The document that Remotion needs."""
        answers, identity = self.session.answers, snapshot.identity
        release, _ = release_of(answers, snapshot.release)
        project = snapshot.project_policies
        return wanted_policy(kind, answers, release, identity.partition, identity.account, project).document


def _sections(principal: Principal, wanted: Mapping[str, Any]) -> list[Widget]:
    """Return a section for each policy; Remotion's own is open, and compared, where it is not what Remotion needs."""
    held = [(name, "inline", fact.value) for name, fact in principal.inline.items()]
    held += [(a.name, "managed", a.document.value) for a in principal.attached]
    found: list[Widget] = []
    for name, kind, document in held:
        aside = f"{kind}, {count(len(documents.actions_of(document)), 'action')}" if document is not None else kind
        lines = documents.diff(document, wanted) if document is not None and name in names.SET_UP_POLICIES else []
        body = partial(_difference, lines) if lines else partial(_document, document)
        found.append(Section(text((one_line(name, 80), "bold")), body, aside=aside, opened=bool(lines)))
    return found


def _difference(lines: Sequence[str]) -> list[Widget]:
    shown = Code()
    nearer = [line[:1] + line[1:].removeprefix(_INDENT) for line in lines]  # there is little room for the pane
    shown.show_content(diff_content(nearer))
    return [Words(text(("- only there now   + Remotion needs it", "$quiet")), classes="reason"), shown]


def _document(document: Mapping[str, Any] | None) -> list[Widget]:
    if document is None:
        return [Words(text(("It could not be read.", "$quiet")))]
    return [Code(documents.pretty(document), "json")]
