"""Step "Extras": what a set-up needs beyond Remotion's own policies, and exactly which statements each extra adds."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from textual.containers import Vertical
from textual.widget import Widget

from screens.form import FormScreen
from screens.step import PreviewScroll
from screens.widgets.field import Control
from screens.widgets.notes import Note
from screens.widgets.policy import Actions, MeterBar
from screens.widgets.section import Section
from screens.widgets.several import SeveralChoices
from screens.widgets.words import Code, Rows, Words, text
from wizard.collect.meaning import function_of, principal_name, render_role
from wizard.collect.steps import Choice, Question
from wizard.plan.preview import release_of
from wizard.plan.wanted import wanted_policy, wishes
from wizard.problem import ProblemError
from wizard.remotion import aws_managed, operators
from wizard.remotion.aws_managed import AwsManagedPolicy
from wizard.remotion.catalogue import PolicyKind, StatementReason
from wizard.remotion.extras import extra_notes, why_not
from wizard.remotion.operators import OperatorPolicy
from wizard.text import count, one_line

_KINDS: Final[tuple[PolicyKind, ...]] = ("user", "role")
_EXAMPLES: Final = {
    "extras.custom_layer_arns": "none",
    "extras.operator_principal": "the caller itself",
}
_OPEN: Final = 3  # up to so many sections are open from the beginning


@dataclass(frozen=True)
class Addition:
    """One thing that an extra adds: to whom, what it is called, and how it is shown in full."""

    whose: str
    title: str
    aside: str
    body: Callable[[], Iterable[Widget]]


class ExtrasScreen(FormScreen):
    """The extras. The pane shows what each chosen one adds, and what to know about it."""

    preview_title = "What they add"

    def compose_preview(self) -> Iterable[Widget]:
        yield Vertical(id="extras-meter")
        yield PreviewScroll(Vertical(id="extras-added"))

    def placeholder(self, question: Question) -> str:
        return _EXAMPLES.get(question.key, "")

    def control_for(self, question: Question) -> Control:
        chosen = self.session.answers.texts(question.key) if question.dynamic else ()
        if question.dynamic == "aws-managed":
            return SeveralChoices(_aws_managed_choices(chosen), chosen)
        if question.dynamic == "operators":
            return SeveralChoices(_operator_choices(chosen), chosen)
        return super().control_for(question)

    def entered(self) -> None:
        self.work(self._begin, "preview")

    async def _begin(self) -> None:
        if self.known.project is None:
            await self.wizard.detect()
        await self._renew()

    def answer_changed(self, _key: str, _value: Any) -> None:
        self.work(self._renew, "preview")

    def show_asked(self, changed: str) -> None:
        """Take back who gets operator permissions where none are given any more."""
        answers = self.session.answers
        if not answers["extras.operator"] and answers["extras.operator_principal"]:
            self.session.set({"extras.operator_principal": ""})
        super().show_asked(changed)

    # The pane

    async def _renew(self) -> None:
        answers, known = self.session.answers, self.known
        preview = self.wizard.engine.preview(answers, known.release, known.snapshot_for(answers))
        caller = preview.policies[:1]
        meters: list[Widget] = [MeterBar(0, p.title, p.meter, chosen=False) for p in caller]
        if any(p.meter.left < 0 for p in caller):
            meters.append(Note("It does not fit any more. Choose a managed policy at the step Policies.", "warning"))
        await self.fill("#extras-meter", *meters)
        async with self.batch():
            await self.fill("#extras-added", *self._added())

    @property
    def _place(self) -> tuple[str, str]:
        """The partition and the account; an example's before anybody is signed in."""
        identity = self.known.identity
        return (identity.partition, identity.account) if identity else ("aws", "123456789012")

    def _added(self) -> list[Widget]:
        try:
            added = [*self._statements(), *self._operators(), *self._aws_managed()]
        except ProblemError as error:
            return [Note(str(error.problem), "warning")]
        notes = self._notes()
        if not added and not notes:
            return [
                Note(text(("None.", "bold"), " Most projects need none."), "good"),
                Words("What you choose is shown here: each statement that it adds, and why.", classes="reason"),
            ]
        shown: list[Widget] = []
        if not added:
            shown.append(Words("No statement: Remotion's own policies are enough for this.", classes="reason"))
        for number, one in enumerate(added):
            if not number or added[number - 1].whose != one.whose:
                shown.append(Words(text((one.whose, "bold $primary")), classes="group"))
            opened = len(added) <= _OPEN
            shown.append(Section(text((one.title, "bold")), one.body, aside=one.aside, opened=opened))
        if notes:
            shown += [Words(text(("Worth knowing", "bold $primary")), classes="group"), *notes]
        return shown

    def _caller(self) -> str:
        answers = self.session.answers
        return one_line(principal_name(answers) or function_of(answers), 64) or "the caller"

    def _statements(self) -> Iterator[Addition]:
        answers, (partition, account) = self.session.answers, self._place
        release, _ = release_of(answers, self.known.release)
        for kind in _KINDS:
            whose = self._caller() if kind == "user" else one_line(render_role(answers).name, 64)
            for extra in wanted_policy(kind, answers, release, partition, account).extras:
                body = partial(_statement, [extra.reason], extra.statement)
                yield Addition(
                    f"{whose}, in its policy", extra.reason.title, count(len(extra.reason.actions), "action"), body
                )

    def _operators(self) -> Iterator[Addition]:
        answers, (partition, account) = self.session.answers, self._place
        named = answers.text("extras.operator_principal").rpartition("/")[2]
        role = render_role(answers).arn(partition, account)
        for identifier in answers.texts("extras.operator"):
            if operators.problem(identifier):
                continue
            policy = operators.operator_policy(identifier, partition, account, role, answers.texts("remotion.regions"))
            actions = sum(len(reason.actions) for reason in policy.reasons)
            whose = f"{one_line(named, 64) or self._caller()}, as managed policies"
            yield Addition(whose, policy.title, count(actions, "action"), partial(_operator, policy))

    def _aws_managed(self) -> Iterator[Addition]:
        for name in self.session.answers.texts("extras.aws_managed_policies"):
            found = aws_managed.resolve(name)
            if found is not None:
                whose = f"{self._caller()}, attached as AWS keeps them"
                yield Addition(whose, found.policy.name, "", partial(_managed, found.policy, found.sentence))

    def _notes(self) -> list[Widget]:
        answers, (partition, account) = self.session.answers, self._place
        release, _ = release_of(answers, self.known.release)
        wanted = wishes(answers, partition, account)
        asked = {"layers": "extras.custom_layer_arns", "render-role": "render_role.name"}
        wrong = why_not(wanted, partition, account)
        obstacles = [why for name, why in wrong.items() if not answers.problem(asked.get(name, "extras.insights"))]
        notes = extra_notes(wanted, release, partition)
        return [*(Note(o, "warning") for o in obstacles), *(Note(n, "info") for n in notes)]


def _statement(reasons: Sequence[StatementReason], statement: Mapping[str, Any]) -> list[Widget]:
    shown: list[Widget] = []
    for reason in reasons:
        shown.append(Words(reason.sentence, classes="reason"))
        shown.append(Actions([(text((action, "bold")), text((why, ""))) for action, why, _ in reason.actions]))
    return [*shown, Code(json.dumps(statement, indent=2, ensure_ascii=False), "json", classes="statement")]


def _operator(policy: OperatorPolicy) -> list[Widget]:
    return [Words(policy.sentence, classes="reason"), *_statement(policy.reasons, policy.document)]


def _managed(policy: AwsManagedPolicy, retired: str) -> list[Widget]:
    rows = [("For", policy.for_whom), ("Allows", policy.allows_text), ("Does not", policy.does_not_text)]
    notes = [Note(said, "warning") for said in (retired, policy.warning) if said]
    return [Rows(rows, column=10, classes="reason"), *notes]


# Choices


def _aws_managed_choices(chosen: Sequence[str]) -> list[Choice]:
    """AWS's policies; one that the answers name in another way (an ARN, a retired name) keeps that name."""
    given = {found.policy.name: name for name in chosen if (found := aws_managed.resolve(name))}
    offered = [
        Choice(
            given.get(policy.name, policy.name),
            policy.name,
            f"{policy.allows_text} {policy.does_not_text} {policy.warning}".strip(),
        )
        for policy in aws_managed.policies()
    ]
    return [*offered, *(Choice(n, n, aws_managed.problem(n)) for n in chosen if aws_managed.problem(n))]


def _operator_choices(chosen: Sequence[str]) -> list[Choice]:
    made = (operators.operator_policy(one, "aws", "123456789012", "", ()) for one in operators.IDS)
    offered = [Choice(policy.id, policy.title, policy.sentence) for policy in made]
    return [*offered, *(Choice(n, n, operators.problem(n)) for n in chosen if operators.problem(n))]
