"""Trust policies: whom a role lets take it.

Source: "IAM roles: Modifying a role trust policy", "AWS JSON policy elements: Principal" (AWS IAM User Guide).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from wizard.policy import documents
from wizard.policy.documents import Document


def service_trust(service: str) -> dict[str, Any]:
    """Return a trust policy that lets one AWS service take the role, and nobody else."""
    return _trust({"Service": service})


def role_trust(arn: str) -> dict[str, Any]:
    """Return a trust policy that lets one role of the same account take the role, and nobody else."""
    return _trust({"AWS": arn})


def _trust(principal: Mapping[str, str]) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": dict(principal), "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def trusts_service(trust: Document, service: str) -> bool:
    """Whether a trust policy lets an AWS service take the role: an unconditional Allow, and no Deny for it."""
    return _trusts(trust, "Service", {service})


def trusts_role(trust: Document, arn: str) -> bool:
    """Whether a trust policy lets a role of the same account take this one, by its own ARN.

    Then no identity policy is needed for it, though a Deny, a boundary or the organisation can still forbid it.
    """
    return _trusts(trust, "AWS", {arn})


def conditions_for(trust: Document, service: str) -> tuple[str, ...]:
    """Return the condition keys under which alone a trust policy lets a service in; () if it does not, or without any."""
    entries = list(_entries(trust))
    named = [e for e in entries if (e[1] == "Service" and e[2] == service) or e[2] == "*"]
    if not named or any(effect == "Deny" or not conditional for effect, _, _, conditional in named):
        return ()
    keys: dict[str, None] = {}
    for statement in documents.statements(trust):
        for block in dict(statement.get("Condition") or {}).values():
            keys |= dict.fromkeys(map(str, block))
    return tuple(keys)


def is_open_to_all(trust: Document) -> bool:
    """Whether anybody with an AWS account may take the role: an Allow for every principal, without a condition."""
    entries = [e for e in _entries(trust) if e[2] == "*" and e[1] in {"", "AWS"}]
    return any(e[0] == "Allow" and not e[3] for e in entries) and not any(e[0] == "Deny" for e in entries)


def services_of(trust: Document) -> tuple[str, ...]:
    """Return the AWS services that a trust policy names in Allow statements, in order."""
    found: dict[str, None] = {}
    for effect, kind, value, _ in _entries(trust):
        if effect == "Allow" and kind == "Service":
            found[value] = None
    return tuple(found)


def added(trust: Document, more: Document) -> dict[str, Any]:
    """Return a trust policy with the statements of `more` behind its own."""
    own = {"Version": "2012-10-17"} | dict(trust)
    return {**own, "Statement": [*documents.statements(trust), *documents.statements(more)]}


def _trusts(trust: Document, kind: str, values: set[str]) -> bool:
    allowed = False
    for effect, found, value, conditional in _entries(trust):
        if (found == kind and value in values) or value == "*":
            if effect == "Deny":
                return False
            allowed = allowed or (effect == "Allow" and not conditional)
    return allowed


def _entries(trust: Document) -> Iterator[tuple[str, str, str, bool]]:
    """Each principal of each statement about sts:AssumeRole: effect, kind, value, whether there is a condition."""
    for statement in documents.statements(trust):
        actions = {action.lower() for action in documents.texts(statement, "Action")}
        if not {"sts:assumerole", "sts:*", "*"} & actions:
            continue
        effect, conditional = str(statement.get("Effect")), bool(statement.get("Condition"))
        principal = statement.get("Principal")
        if not isinstance(principal, Mapping):
            yield from ((effect, "", str(value), conditional) for value in documents.listed(principal))
            continue
        for kind, values in principal.items():
            yield from ((effect, str(kind), str(value), conditional) for value in documents.listed(values))
