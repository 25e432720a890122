"""The live preview beside a form: what the current choices will do. Pure; drawn by the front ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from wizard.account.snapshot import AccountSnapshot, Identity, Principal
from wizard.collect.answers import Answers
from wizard.collect.meaning import function_of, principal_name, render_role
from wizard.plan.wanted import Wanted, wanted_policy
from wizard.policy.documents import INLINE_LIMIT, MANAGED_LIMIT, size
from wizard.problem import ProblemError
from wizard.remotion import names
from wizard.remotion.catalogue import StatementReason, is_newer_than_catalogue, latest_release, render
from wizard.remotion.releases import Release, parse_release
from wizard.text import number

if TYPE_CHECKING:
    from wizard.remotion.catalogue import PolicyKind
    from wizard.remotion.from_project import ProjectPolicies

_KINDS: Final[tuple[PolicyKind, ...]] = ("user", "role")


@dataclass(frozen=True)
class Meter:
    """How full a limit is."""

    used: int
    limit: int

    @property
    def left(self) -> int:
        return self.limit - self.used


@dataclass(frozen=True)
class PolicyPreview:
    """One policy: whose, how big, why each statement is there, its text, and the AWS CLI command that does the same."""

    title: str
    meter: Meter
    reasons: tuple[StatementReason, ...]
    document: Mapping[str, Any]
    text: str
    command: str


@dataclass(frozen=True)
class Preview:
    """What the right-hand pane shows for a step: notes (each worth reading), policies, and lines of plain text."""

    notes: tuple[str, ...] = ()
    policies: tuple[PolicyPreview, ...] = ()
    lines: tuple[str, ...] = ()


def release_of(answers: Answers, detected: str) -> tuple[Release, str]:
    """Return the release to plan for and where it came from; the newest known one where nothing was detected."""
    text = answers.text("remotion.version")
    release = parse_release(detected if text == "auto" else text)
    if release is None:
        return latest_release(), "newest known"
    return release, "project" if text == "auto" else answers.origin("remotion.version")


def policies_preview(
    answers: Answers,
    detected: str,
    identity: Identity | None,
    snapshot: AccountSnapshot | None = None,
    project: ProjectPolicies | None = None,
) -> Preview:
    """Return both policies as the answers stand now. `snapshot` adds what is already on the user to the meter."""
    release, origin = release_of(answers, detected)
    partition = identity.partition if identity else "aws"
    notes: list[str] = []
    if origin == "newest known":
        notes.append(
            f"No release was found in the project: these are the policies of {release}, the newest that is known."
        )
    elif is_newer_than_catalogue(release):
        notes.append(f"Remotion {release} is newer than the catalogue: these are the policies of {latest_release()}.")
    try:
        account = identity.account if identity else "123456789012"
        user, role = (wanted_policy(kind, answers, release, partition, account, project) for kind in _KINDS)
    except ProblemError as error:
        return Preview((str(error.problem),))
    entity, name = answers.text("principal.kind"), principal_name(answers)
    policy_name = names.EXECUTION_POLICY if entity == "role" else names.USER_POLICY
    name = name or function_of(answers) or ("your role" if entity == "role" else names.USER)
    facts = (snapshot.principal.value, snapshot.render_role.value) if snapshot else (None, None)
    user_preview = _policy_preview(
        user, entity, name, answers.text("principal.attach"), policy_name, snapshot, facts[0]
    )
    role_preview = _policy_preview(
        role,
        "role",
        render_role(answers).name,
        answers.text("render_role.attach"),
        names.ROLE_POLICY,
        snapshot,
        facts[1],
    )
    for shown in (user_preview, role_preview):
        if shown.meter.left < 0:
            notes.append(
                f"{shown.title} does not fit: {number(shown.meter.used)} of {number(shown.meter.limit)} characters. "
                "Choose a managed policy."
            )
        elif shown.meter.left < 300:
            notes.append(
                f"{shown.title}: {number(shown.meter.left)} characters are left. A managed policy has room for more."
            )
    return Preview(tuple(notes), (user_preview, role_preview))


def _policy_preview(
    wanted: Wanted,
    entity: str,
    name: str,
    attach: str,
    policy_name: str,
    snapshot: AccountSnapshot | None,
    principal: Principal | None,
) -> PolicyPreview:
    document = wanted.document
    used, limit = size(document), MANAGED_LIMIT
    if attach == "inline":
        limit = INLINE_LIMIT[entity]
        if principal is not None and snapshot is not None:
            limit = snapshot.limit(f"{entity.capitalize()}PolicySizeQuota")
            replaced = principal.inline.get(policy_name)
            used += principal.inline_sizes - (size(replaced.value) if replaced and replaced.value else 0)
        command = (
            f"aws iam put-{entity}-policy --{entity}-name {name} \\\n"
            f"  --policy-name {policy_name} \\\n  --policy-document file://{wanted.kind}-policy.json"
        )
    else:
        command = (
            f"aws iam create-policy --policy-name {policy_name} \\\n"
            f"  --policy-document file://{wanted.kind}-policy.json\n"
            f"aws iam attach-{entity}-policy --{entity}-name {name} \\\n  --policy-arn …:policy/{policy_name}"
        )
    return PolicyPreview(
        f"{name} · {attach}", Meter(used, limit), wanted.why(document), document, render(document), command
    )
