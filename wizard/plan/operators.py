"""Planning what is given beside Remotion's own policy on request: AWS-managed policies and operator permissions."""

from __future__ import annotations

from wizard.account.snapshot import Principal
from wizard.collect.meaning import is_role, render_role
from wizard.plan.changes import Verification
from wizard.plan.draft import Draft, cannot_see
from wizard.plan.policies import plan_attachment, plan_managed_policy
from wizard.problem import Problem
from wizard.remotion.aws_managed import resolve
from wizard.remotion.operators import operator_policy


def plan_aws_managed(draft: Draft) -> None:
    """Attach the AWS-managed policies that were asked for to the caller."""
    principal, entity, arn = _caller(draft)
    for name in draft.answers.texts("extras.aws_managed_policies"):
        found = resolve(name)
        if found is None:  # the answers' own rule names what is allowed
            continue
        policy = found.policy
        if found.retired_name:
            draft.warnings.append(found.sentence)
        draft.warnings.append(f"{policy.name}: {policy.allows_text} {policy.does_not_text} {policy.warning}".strip())
        plan_attachment(
            draft, entity, draft.caller, arn, principal, policy.arn(draft.partition), reason="You asked for it."
        )


def plan_operators(draft: Draft) -> None:
    """Make the operator policies that were asked for, attach them, and have each verified right afterwards."""
    wanted = draft.answers.texts("extras.operator")
    if not wanted:
        return
    principal, entity, arn = _operator(draft)
    if principal is None and draft.answers.text("extras.operator_principal"):
        return
    owner = arn.rpartition("/")[2]
    role = render_role(draft.answers).arn(draft.partition, draft.account)
    for identifier in dict.fromkeys(wanted):
        regions = draft.answers.texts("remotion.regions")
        policy = operator_policy(identifier, draft.partition, draft.account, role, regions)
        fact = draft.snapshot.policy(policy.policy_name)
        if fact.is_unknown:
            draft.problems.append(cannot_see(f"the policy {policy.policy_name}", fact))
            continue
        made = plan_managed_policy(
            draft,
            policy.policy_name,
            fact.value,
            policy.document,
            lambda _document, reasons=policy.reasons: reasons,  # type: ignore[misc]
            policy.sentence,
            policy.title,
        )
        plan_attachment(draft, entity, owner, arn, principal, made, reason=policy.sentence)
        draft.verify_last(Verification(arn, policy.probes(), policy.context))


def _caller(draft: Draft) -> tuple[Principal | None, str, str]:
    principal, entity = draft.snapshot.principal.value, "role" if is_role(draft.answers) else "user"
    path = draft.answers.text("principal.path") if entity == "user" else "/"
    return principal, entity, principal.arn if principal else draft.arn(f"{entity}{path}{draft.caller}")


def _operator(draft: Draft) -> tuple[Principal | None, str, str]:
    """Who gets the operator permissions: the principal, its kind, its ARN."""
    named = draft.answers.text("extras.operator_principal")
    if not named:
        return _caller(draft)
    entity, _, name = named.partition("/")
    fact = draft.snapshot.operator
    if fact.is_unknown:
        draft.problems.append(cannot_see(f"the {entity} {name}", fact))
    elif fact.value is None:
        draft.problems.append(
            Problem(
                f"There is no {entity} {name}.",
                "Operator permissions go to somebody who is there already.",
                "Correct extras.operator_principal.",
            )
        )
    return fact.value, entity, fact.value.arn if fact.value else draft.arn(f"{entity}/{name}")
