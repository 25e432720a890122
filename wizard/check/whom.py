"""Whom a check looks at: by the answers, by the flags of the command, or the caller itself."""

from __future__ import annotations

from collections.abc import Callable

from wizard.account.snapshot import Identity
from wizard.check.findings import Finding, Status
from wizard.check.subjects import OperatorProbe, Subject
from wizard.collect.answers import Answers
from wizard.collect.meaning import assumed_by, is_made, render_role, role_reference
from wizard.remotion import names
from wizard.remotion.catalogue import PolicyKind
from wizard.remotion.operators import operator_policy


def subjects_of(answers: Answers, caller: str) -> tuple[Subject, ...]:
    """Return whom the answers are about: `caller`, the name of who calls Remotion, and the render role."""
    service = answers.text("principal.service") if not assumed_by(answers) else "any"
    return (
        Subject(
            answers.text("principal.kind"),
            caller,
            "user",
            is_shared=not is_made(answers),
            service=service,
            taken_by=assumed_by(answers),
        ),
        _render_role(answers),
    )


def named_subjects(
    user: str, role: str, answers: Answers, identity: Identity
) -> tuple[tuple[Subject, ...], tuple[Finding, ...]]:
    """Return the user and role that are named ("" for none), else the caller itself and the render role.

    A compute role is held to the user policy, the render role to the role policy. A caller that IAM can't simulate
    (root, a federated user) becomes a finding that says so.
    """
    if not user and not role:
        caller = _caller(identity)
        if isinstance(caller, Finding):
            return (_render_role(answers),), (caller,)
        return (caller, _render_role(answers)), ()
    found = [Subject("user", user, "user")] if user else []
    if role:
        name = role_reference(role).name
        renders = name in {names.RENDER_ROLE, render_role(answers).name}
        policy_of: PolicyKind = "role" if renders else "user"
        found.append(Subject("role", name, policy_of, is_render_role=renders, is_shared=not renders))
    return tuple(found), ()


def operator_probes(answers: Answers, identity: Identity, caller: Callable[[], str]) -> tuple[OperatorProbe, ...]:
    """Return the operator permissions to prove. `caller` gives the name of the user or role that calls Remotion."""
    kind, _, name = (answers.text("extras.operator_principal") or "/").partition("/")
    kind, name = (kind, name) if name else (answers.text("principal.kind"), "")
    role = render_role(answers).arn(identity.partition, identity.account)
    policies = (
        operator_policy(one, identity.partition, identity.account, role, answers.texts("remotion.regions"))
        for one in answers.texts("extras.operator")
    )
    return tuple(OperatorProbe(kind, name or caller(), p.id, p.title, p.probes(), p.context) for p in policies)


def _render_role(answers: Answers) -> Subject:
    return Subject("role", render_role(answers).name, "role", is_render_role=True)


def _caller(identity: Identity) -> Subject | Finding:
    """The caller as IAM's simulator knows it; a finding where it does not."""
    kind, _, rest = identity.arn.split(":", 5)[-1].partition("/")
    if kind == "user":
        return Subject("user", rest.rpartition("/")[2], "user", is_caller=True)
    if kind == "assumed-role":  # IAM is asked for the role, which knows its path
        return Subject("role", rest.partition("/")[0], "user", is_caller=True)
    what = "the root user" if identity.is_root else "a federated user"
    return Finding(
        "user.exists",
        identity.who,
        Status.UNKNOWN,
        f"The caller is {what}, which IAM's simulator can't look at",
        identity.arn,
        "not-simulatable",
        "Name the user: remotion-lambda-wizard check --user remotion-user",
    )
