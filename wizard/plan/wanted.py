"""The policy that is wanted: what a release of Remotion prints, with the statements of the extras that were asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from wizard.collect.answers import Answers
from wizard.collect.meaning import has_own_render_role, render_role
from wizard.policy import documents
from wizard.policy.documents import Document, Statement
from wizard.remotion.catalogue import PolicyKind, StatementReason, policy, reasons
from wizard.remotion.extras import Extra, Wishes, extra_name, extra_statements
from wizard.remotion.releases import Release

if TYPE_CHECKING:
    from wizard.remotion.from_project import ProjectPolicies

# Which answer asks for an extra: where nobody gave it, what an earlier run added stays.
ASKED_BY: Final = {
    "insights": "extras.insights",
    "vpc": "extras.vpc",
    "layers": "extras.custom_layer_arns",
    "render-role": "render_role.name",
}
Explain = Callable[[Document], tuple[StatementReason, ...]]


@dataclass(frozen=True)
class Wanted:
    """One of Remotion's policies with its extras. `base` is what Remotion itself prints."""

    kind: PolicyKind
    base: Document
    extras: tuple[Extra, ...] = ()

    @property
    def document(self) -> dict[str, Any]:
        return {**self.base, "Statement": [*documents.statements(self.base), *(e.statement for e in self.extras)]}

    def why(self, document: Document) -> tuple[StatementReason, ...]:
        """Say for each statement of a document that is Remotion's or an extra's why it is there."""
        known = {e.statement.get("Sid"): e.reason for e in self.extras}
        own = reasons(self.kind, {**document, "Statement": documents.statements(document)})
        return own + tuple(known[s["Sid"]] for s in documents.statements(document) if s.get("Sid") in known)

    def with_kept(self, statements: list[Statement]) -> Wanted:
        """Return the policy with extras that an earlier run added, and that nobody has asked to take out."""
        kept = tuple(Extra(extra_name(s), s, _kept_reason(s)) for s in statements)
        return Wanted(self.kind, self.base, self.extras + kept)


def wanted_policy(
    kind: PolicyKind,
    answers: Answers,
    release: Release,
    partition: str,
    account: str,
    project: ProjectPolicies | None = None,
) -> Wanted:
    """Return the policy of `kind` that the answers ask for. Raises UsageProblem where the release has none for the partition."""
    if project is not None and answers.text("remotion.policies") == "project":
        base = project.user if kind == "user" else project.role
    else:
        base = policy(kind, release, partition)
    return Wanted(kind, base, extra_statements(kind, wishes(answers, partition, account), release, partition))


def wishes(answers: Answers, partition: str, account: str) -> Wishes:
    """Return which extras the answers ask for."""
    own = render_role(answers).arn(partition, account) if has_own_render_role(answers) else ""
    return Wishes(
        insights=answers.flag("extras.insights"),
        vpc=answers.flag("extras.vpc"),
        custom_layer_arns=answers.texts("extras.custom_layer_arns"),
        render_role_arn=own,
        regions=answers.texts("remotion.regions"),
    )


def _kept_reason(statement: Statement) -> StatementReason:
    resources, actions = (tuple(documents.texts(statement, key)) for key in ("Resource", "Action"))
    sentence = "An earlier run of this wizard added it."
    return StatementReason("Kept", sentence, resources, tuple((action, "", "") for action in actions))
