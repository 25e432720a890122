"""Which policies apply to a principal of the sandbox account, read from moto's IAM backend.

Rests on "Policy evaluation logic" (IAM User Guide): identity policies (inline, managed, and a user's groups'), the
permissions boundary of a user or role, session policies, and service control policies. Service control policies live
as an attribute of the account's IAM backend, so that a pickled backend carries them and a reset drops them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from wizard.policy.evaluate import Document, Policy, PolicySet

if TYPE_CHECKING:
    from moto.iam.models import Group, IAMBackend, ManagedPolicy, Role, User

FULL_AWS_ACCESS: Document = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}

_SCPS = "sandbox_service_control_policies"


def iam_backend(account_id: str, partition: str = "aws") -> IAMBackend:
    """Moto's IAM state of `account_id`."""
    from moto.iam.models import iam_backends

    return iam_backends[account_id][partition]


def partition_of(arn: str) -> str:
    """The partition an ARN names; "aws" for a text that is no ARN."""
    parts = arn.split(":", 2)
    return parts[1] if len(parts) == 3 and parts[0] == "arn" and parts[1] else "aws"


def policies_for(principal_arn: str, account_id: str, *, access_key_id: str = "") -> PolicySet:
    """All policies that apply to the principal `principal_arn` of `account_id`.

    Accepts the ARN of a user, role (with its path), group, assumed-role session, or the account's root. With the
    `access_key_id` of a session its session policy is included too.

    Raises:
        KeyError: There is no such principal.
    """
    backend = iam_backend(account_id, partition_of(principal_arn))
    scps = _scps_of(backend)
    kind, _, rest = _resource_part(principal_arn, account_id).partition("/")
    if kind == "root" and not rest:
        return PolicySet(identity=(Policy(principal_arn, FULL_AWS_ACCESS, principal_arn),), scps=scps)
    if kind == "user":
        user = find_user(backend, principal_arn)
        identity = _identity(user)
        for group in _groups_of(backend, user):
            identity += _identity(group)
        return PolicySet(identity=identity, boundary=_boundary(backend, user), scps=scps)
    if kind == "group":
        return PolicySet(identity=_identity(find_group(backend, principal_arn)), scps=scps)
    if kind in {"role", "assumed-role"}:
        role = find_role(backend, principal_arn)
        # Service control policies do not affect service-linked roles (Organizations User Guide).
        linked = role.path.startswith("/aws-service-role/")
        return PolicySet(
            identity=_identity(role),
            boundary=_boundary(backend, role),
            session=_session(backend, access_key_id) if kind == "assumed-role" else None,
            scps=None if linked else scps,
        )
    raise KeyError(principal_arn)


def find_user(backend: IAMBackend, arn: str) -> User:
    """The user whose ARN is `arn`. Raises KeyError."""
    for user in list(backend.users.values()):
        if user.arn == arn:
            return user
    raise KeyError(arn)


def find_group(backend: IAMBackend, arn: str) -> Group:
    """The group whose ARN is `arn`. Raises KeyError."""
    for group in list(backend.groups.values()):
        if group.arn == arn:
            return group
    raise KeyError(arn)


def find_role(backend: IAMBackend, arn: str) -> Role:
    """The role of a role ARN, or of an assumed-role session's ARN (which has lost the role's path). Raises KeyError."""
    session = _session_role_name(arn)
    for role in list(backend.roles.values()):
        if (role.name == session) if session else (role.arn == arn):
            return role
    raise KeyError(arn)


def set_service_control_policies(
    account_id: str,
    levels: Sequence[Sequence[Policy | Document]] | None,
    *,
    partition: str = "aws",
) -> None:
    """Put the account under service control policies, one sequence a level (root, each unit, account); None lifts them.

    A level that shall not restrict holds `FULL_AWS_ACCESS`, as AWS attaches it: an empty level allows nothing.
    """
    backend = iam_backend(account_id, partition)
    if levels is None:
        vars(backend).pop(_SCPS, None)
        return
    setattr(backend, _SCPS, [[_named(policy, at, i) for i, policy in enumerate(lv)] for at, lv in enumerate(levels)])


def service_control_policies(account_id: str, *, partition: str = "aws") -> tuple[tuple[Policy, ...], ...] | None:
    """The service control policies set for the account, a tuple a level; None when it is in no organisation."""
    return _scps_of(iam_backend(account_id, partition))


def _named(policy: Policy | Document, level: int, index: int) -> tuple[str, str]:
    if isinstance(policy, Policy):
        return policy.name, json.dumps(policy.document)
    return f"scp-{level}-{index}", json.dumps(policy)


def _scps_of(backend: IAMBackend) -> tuple[tuple[Policy, ...], ...] | None:
    levels: list[list[tuple[str, str]]] | None = getattr(backend, _SCPS, None)
    if levels is None:
        return None
    return tuple(tuple(Policy(name, document_of(text)) for name, text in level) for level in levels)


def _resource_part(arn: str, account_id: str) -> str:
    parts = arn.split(":", 5)
    if len(parts) != 6 or parts[0] != "arn" or parts[2] not in {"iam", "sts"} or parts[4] != account_id:
        raise KeyError(arn)
    if (parts[2] == "sts") != parts[5].startswith("assumed-role/"):
        raise KeyError(arn)
    return parts[5]


def _session_role_name(arn: str) -> str:
    kind, _, rest = arn.rpartition(":")[2].partition("/")
    return rest.partition("/")[0] if kind == "assumed-role" else ""


def document_of(text: str | Mapping[str, Any]) -> Document:
    """A stored policy document as data; {} (which grants nothing) where it is no JSON object."""
    if isinstance(text, Mapping):
        return text
    try:
        document = json.loads(text)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def default_document(policy: ManagedPolicy) -> Document:
    """The document of a managed policy's default version."""
    for version in policy.versions:
        if version.version_id == policy.default_version_id:
            return document_of(version.document)
    return {}


def text_of(backend: IAMBackend, policy: Policy) -> str:
    """The text in which a policy from `policies_for` is stored (a managed policy's default version)."""
    if not policy.inline:
        managed = backend.managed_policies[policy.name]
        return next((v.document for v in managed.versions if v.version_id == managed.default_version_id), "")
    owners: list[User | Role | Group] = [*backend.users.values(), *backend.roles.values(), *backend.groups.values()]
    return next(owner.policies[policy.name] for owner in owners if owner.arn == policy.attached_to)


def _identity(owner: User | Role | Group) -> tuple[Policy, ...]:
    inline: Iterable[tuple[str, str]] = list(owner.policies.items())
    managed: Iterable[tuple[str, ManagedPolicy]] = list(owner.managed_policies.items())
    return tuple(Policy(name, document_of(text), owner.arn, inline=True) for name, text in inline) + tuple(
        Policy(arn, default_document(policy), owner.arn) for arn, policy in managed
    )


def _groups_of(backend: IAMBackend, user: User) -> list[Group]:
    return [group for group in list(backend.groups.values()) if any(member is user for member in group.users)]


def _boundary(backend: IAMBackend, owner: User | Role) -> tuple[Policy, ...] | None:
    arn: str | None = getattr(owner, "permissions_boundary_arn", None)
    if not arn:
        return None
    policy = backend.managed_policies.get(arn)
    # A boundary that cannot be read allows nothing.
    return () if policy is None else (Policy(arn, default_document(policy), owner.arn),)


def _session(backend: IAMBackend, access_key_id: str) -> tuple[Policy, ...] | None:
    if not access_key_id:
        return None
    from moto.sts.models import sts_backends

    session = sts_backends[backend.account_id][backend.partition].get_assumed_role_from_access_key(access_key_id)
    if session is None or not session.policy:
        return None
    return (Policy("session policy", document_of(session.policy), session.arn),)
