"""What is offered where several of a few may be chosen in line mode: policies to take away, AWS's own, operator permissions."""

from __future__ import annotations

from collections.abc import Sequence

from wizard.collect.steps import Choice
from wizard.plan.found import Found
from wizard.remotion import aws_managed, operators
from wizard.text import one_line


def removable(found: Found | None, chosen: Sequence[str]) -> list[Choice]:
    """Return the policies that may be taken away, and those that the answers name already."""
    offered = [
        Choice(r.name, one_line(f"{r.name}, of {r.owner}"), one_line(r.sentence, 600))
        for r in (found.removable if found else ())
    ]
    named = {choice.value for choice in offered}
    return [*offered, *(Choice(n, one_line(n), "Named in your answers.") for n in chosen if n not in named)]


def aws_managed_policies(chosen: Sequence[str]) -> list[Choice]:
    """Return AWS's policies; one that the answers name in another way (an ARN, a retired name) keeps that name."""
    given = {known.policy.name: name for name in chosen if (known := aws_managed.resolve(name))}
    return [
        Choice(
            given.get(policy.name, policy.name),
            policy.name,
            f"For {policy.for_whom}. {policy.allows_text} {policy.does_not_text} {policy.warning}".strip(),
        )
        for policy in aws_managed.policies()
    ]


def operator_permissions() -> list[Choice]:
    """Return the operator permissions by id, each with its title and what it allows."""
    made = (operators.operator_policy(one, "aws", "123456789012", "", ()) for one in operators.IDS)
    return [Choice(policy.id, f"{policy.title} ({policy.id})", policy.sentence) for policy in made]
