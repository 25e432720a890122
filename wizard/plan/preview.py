"""The live preview beside a form: what the current choices will do. Pure; drawn by the front ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wizard.account.snapshot import AccountSnapshot, Identity
from wizard.collect.answers import Answers
from wizard.policy.documents import INLINE_LIMIT, MANAGED_LIMIT, size
from wizard.problem import ProblemError
from wizard.remotion import names
from wizard.remotion.catalogue import StatementReason, is_newer_than_catalogue, latest_release, policy, reasons, render
from wizard.remotion.releases import Release, parse_release
from wizard.text import number


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
    answers: Answers, detected: str, identity: Identity | None, snapshot: AccountSnapshot | None = None
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
        user, role = policy("user", release, partition), policy("role", release, partition)
    except ProblemError as error:
        return Preview((str(error.problem),))
    name = answers.text("principal.name") or names.USER
    user_preview = _policy_preview("user", name, answers.text("principal.attach"), user, names.USER_POLICY, snapshot)
    role_preview = _policy_preview(
        "role", names.RENDER_ROLE, answers.text("render_role.attach"), role, names.ROLE_POLICY, snapshot
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
    kind: str, name: str, attach: str, document: Mapping[str, Any], policy_name: str, snapshot: AccountSnapshot | None
) -> PolicyPreview:
    used, limit = size(document), MANAGED_LIMIT
    if attach == "inline":
        limit = INLINE_LIMIT[kind]
        fact = None if snapshot is None else (snapshot.user if kind == "user" else snapshot.render_role)
        if fact is not None and fact.value is not None and snapshot is not None:
            limit = snapshot.limit("UserPolicySizeQuota" if kind == "user" else "RolePolicySizeQuota")
            replaced = fact.value.inline.get(policy_name)
            used += fact.value.inline_sizes - (size(replaced.value) if replaced and replaced.value else 0)
        command = (
            f"aws iam put-{kind}-policy --{kind}-name {name} \\\n"
            f"  --policy-name {policy_name} \\\n  --policy-document file://{kind}-policy.json"
        )
    else:
        command = (
            f"aws iam create-policy --policy-name {policy_name} \\\n"
            f"  --policy-document file://{kind}-policy.json\n"
            f"aws iam attach-{kind}-policy --{kind}-name {name} \\\n  --policy-arn …:policy/{policy_name}"
        )
    why = reasons("user" if kind == "user" else "role", dict(document))
    return PolicyPreview(f"{name} · {attach}", Meter(used, limit), why, document, render(dict(document)), command)
