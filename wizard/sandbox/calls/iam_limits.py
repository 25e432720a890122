"""IAM's limits and rules that moto does not hold: sizes, numbers, names, characters, trust policies, conflicts.

Rests on "IAM and STS quotas", "IAM name requirements" and the API reference of each call; the wording is the live
service's where public reports quote it. The numbers are read from the account summary, so a scenario may change them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from moto.iam.exceptions import MalformedPolicyDocument, NotFoundException
from moto.iam.models import AWSManagedPolicy, Group, IAMBackend, ManagedPolicy, Role, User
from moto.iam.policy_validation import IAMPolicyDocumentValidator
from moto.iam.utils import generate_access_key_id_from_account_id
from moto.moto_api._internal import mock_random

from wizard.sandbox.calls import iam_boundaries
from wizard.sandbox.calls.seams import CallError, QueryError, put, take

_NAME = re.compile(r"[\w+=,.@-]+", re.ASCII)
_PATH = re.compile(r"/|/[\x21-\x7e]+/")
_POLICY_PATH = re.compile(r"((/[A-Za-z0-9.,+@=_-]+)*)/")
_DOCUMENT = re.compile(r"[\t\n\r\x20-\xff]+")
_DESCRIPTION = re.compile(r"[\t\n\r\x20-\x7e\xa1-\xff]*")
_TAGS = 50
_TRUST_ACTION = re.compile(r"sts:(\*|[A-Za-z]+\*?)", re.IGNORECASE)
_SERVICE = re.compile(r"[a-z0-9.-]+\.(amazonaws\.com(\.cn)?|aws\.internal)")

# Service-linked roles whose names moto gets wrong (API reference of each service).
_LINKED_ROLE_NAMES = {"servicequotas.amazonaws.com": "AWSServiceRoleForServiceQuotas"}
_NO_SUFFIX = frozenset({"servicequotas.amazonaws.com"})


def install() -> None:
    """Hold moto's IAM to what AWS's holds to."""
    _install_users()
    _install_groups()
    _install_roles()
    _install_managed_policies()
    _install_inline_policies()
    _install_attachments()
    _install_linked_roles()
    _install_messages()
    _install_tags()


def size(document: str) -> int:
    """The size that IAM counts: characters without whitespace."""
    return len(re.sub(r"\s", "", document))


def _limit(backend: IAMBackend, name: str) -> int:
    value: int = backend.account_summary.summary_map[name]
    return value


def _constraint(value: object, field: str, constraint: str) -> CallError:
    return CallError(
        "ValidationError",
        f"1 validation error detected: Value '{value}' at '{field}' failed to satisfy constraint: {constraint}",
    )


def _check_length(value: str, field: str, most: int) -> None:
    if len(value) > most:
        raise _constraint(value, field, f"Member must have length less than or equal to {most}")


def _check_name(name: str, field: str, most: int) -> None:
    _check_length(name, field, most)
    if not _NAME.fullmatch(name):
        raise CallError(
            "ValidationError",
            f"The specified value for {field} is invalid. It must contain only alphanumeric characters and/or the "
            "following: +=,.@_-",
        )


def _check_path(path: str | None, pattern: re.Pattern[str] = _PATH) -> None:
    if path is None:
        return
    _check_length(path, "path", 512)
    if not pattern.fullmatch(path):
        raise CallError(
            "ValidationError",
            "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric "
            "characters and/or / characters.",
        )


def _check_description(description: str | None) -> None:
    if description is None:
        return
    _check_length(description, "description", 1000)
    if not _DESCRIPTION.fullmatch(description):
        raise _constraint(
            description,
            "description",
            r"Member must satisfy regular expression pattern: [\u0009\u000A\u000D\u0020-\u007E\u00A1-\u00FF]*",
        )


def _check_unique(name: str, existing: Iterable[str], message: str) -> None:
    """IAM's names are not distinguished by case."""
    if name.lower() in {other.lower() for other in existing}:
        raise CallError("EntityAlreadyExists", message)


def _check_quota(count: int, most: int, quota: str) -> None:
    if count >= most:
        raise CallError("LimitExceeded", f"Cannot exceed quota for {quota}: {most}")


def _check_tag_count(count: int) -> None:
    if count > _TAGS:
        raise CallError("LimitExceeded", f"The number of tags has reached the maximum limit: {_TAGS}.")


def _check_characters(document: str, field: str = "policyDocument") -> None:
    _check_length(document, field, 131_072)
    if not _DOCUMENT.fullmatch(document):
        raise CallError(
            "ValidationError",
            f"The specified value for {field} is invalid. It must contain only printable ASCII characters.",
        )


def _check_document(backend: IAMBackend, document: str) -> None:
    """What IAM says of an identity policy beyond its size: characters, grammar, and ARNs of this partition."""
    _check_characters(document)
    IAMPolicyDocumentValidator(document).validate()
    for statement in _statements(json.loads(document)):
        for resource in _texts(statement.get("Resource")) + _texts(statement.get("NotResource")):
            partition = resource.split(":")[1] if resource.count(":") >= 5 else ""
            if partition not in {"", "*", backend.partition} and not re.search(r"[*?$]", partition):
                padded = (resource.split(":", 5) + [""] * 5)[2:6]
                raise CallError(
                    "MalformedPolicyDocument",
                    f'Partition "{partition}" is not valid for resource "arn:{partition}:{":".join(padded)}".',
                )


def _statements(document: Any) -> list[Mapping[str, Any]]:
    statements = document.get("Statement") if isinstance(document, Mapping) else None
    found = [statements] if isinstance(statements, Mapping) else statements or []
    return [statement for statement in found if isinstance(statement, Mapping)]


def _texts(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else [text for text in value or [] if isinstance(text, str)]


def check_trust_policy(backend: IAMBackend, document: str) -> None:
    """Raise what IAM raises for a trust policy: its own grammar, and principals that must exist."""
    _check_characters(document, "assumeRolePolicyDocument")
    try:
        parsed = json.loads(document)
    except ValueError:
        raise MalformedPolicyDocument("This policy contains invalid Json") from None
    statements = _statements(parsed)
    if not statements:
        raise MalformedPolicyDocument("Syntax errors in policy.")
    if parsed.get("Version") not in {None, "2008-10-17", "2012-10-17"}:
        raise MalformedPolicyDocument("Syntax errors in policy.")
    for statement in statements:
        _check_trust_statement(backend, statement)
    limit = _limit(backend, "AssumeRolePolicySizeQuota")
    if size(document) > limit:
        raise CallError("LimitExceeded", f"Cannot exceed quota for ACLSizePerRole: {limit}")


def _check_trust_statement(backend: IAMBackend, statement: Mapping[str, Any]) -> None:
    if statement.get("Effect") not in {"Allow", "Deny"}:
        raise MalformedPolicyDocument("Syntax errors in policy.")
    if "Resource" in statement or "NotResource" in statement:
        raise MalformedPolicyDocument("Has prohibited field Resource")
    if "Principal" not in statement and "NotPrincipal" not in statement:
        raise MalformedPolicyDocument("Missing required field Principal")
    actions = _texts(statement.get("Action")) + _texts(statement.get("NotAction"))
    if not actions:
        raise MalformedPolicyDocument("Missing required field Action")
    if not all(_TRUST_ACTION.fullmatch(action) for action in actions):
        raise MalformedPolicyDocument("AssumeRole policy may only specify STS AssumeRole actions.")
    principal = statement.get("Principal", statement.get("NotPrincipal"))
    if principal == "*":
        return
    if not isinstance(principal, Mapping) or not principal:
        raise MalformedPolicyDocument("Invalid principal in policy")
    for kind, values in principal.items():
        for value in _texts(values):
            if not _principal_exists(backend, kind, value):
                shown = "SERVICE" if kind == "Service" else kind
                raise MalformedPolicyDocument(f'Invalid principal in policy: "{shown}":"{value}"')


def _principal_exists(backend: IAMBackend, kind: str, value: str) -> bool:
    if kind == "Service":
        return bool(_SERVICE.fullmatch(value))
    if kind == "Federated":
        return True
    if kind != "AWS":
        return False
    if value == "*" or re.fullmatch(r"\d{12}", value):
        return True
    match = re.fullmatch(
        r"arn:([a-z-]+):(?:iam|sts)::(\d{12}):(root|(?:user|role|assumed-role|federated-user)/.+)", value
    )
    if match is None or match.group(1) != backend.partition:
        return False
    # IAM looks principals of other accounts up as well; those are outside of the sandbox.
    if match.group(2) != backend.account_id or match.group(3).split("/")[0] not in {"user", "role"}:
        return True
    entities: list[User | Role] = [*backend.users.values(), *backend.roles.values()]
    return any(entity.arn == value for entity in entities)


def _unique_id(backend: IAMBackend, prefix: str) -> str:
    return generate_access_key_id_from_account_id(backend.account_id, prefix=prefix, total_length=21)


def _install_users() -> None:
    create = take(IAMBackend, "create_user", "region_name", "user_name", "path", "tags")
    update = take(IAMBackend, "update_user", "user_name", "new_path", "new_user_name")
    delete = take(IAMBackend, "delete_user", "user_name")

    def create_user(
        self: IAMBackend, region_name: str, user_name: str, path: str = "/", tags: list[dict[str, str]] | None = None
    ) -> User:
        _check_name(user_name, "userName", 64)
        _check_path(path)
        self._tag_verification(tags or [])
        _check_unique(user_name, self.users, f"User with name {user_name} already exists.")
        _check_quota(len(self.users), _limit(self, "UsersQuota"), "UsersPerAccount")
        user: User = create(self, region_name, user_name, path, tags)
        user.id = _unique_id(self, "AIDA")
        return user

    def update_user(
        self: IAMBackend, user_name: str, new_path: str | None = None, new_user_name: str | None = None
    ) -> None:
        self.get_user(user_name)
        _check_path(new_path)
        if new_user_name:
            _check_name(new_user_name, "newUserName", 64)
            others = [name for name in self.users if name != user_name]
            _check_unique(new_user_name, others, f"User with name {new_user_name} already exists.")
        update(self, user_name, new_path, new_user_name)
        for key in self.users[new_user_name or user_name].access_keys:
            key.user_name = new_user_name or user_name

    def delete_user(self: IAMBackend, user_name: str) -> None:
        user = self.get_user(user_name)
        for kept, what in (
            (user.access_keys, "delete access keys"),
            (user.password, "delete login profile"),
            (user.mfa_devices, "delete MFA device"),
            (self.get_groups_for_user(user_name), "remove user from groups"),
        ):
            if kept:
                raise CallError("DeleteConflict", f"Cannot delete entity, must {what} first.")
        delete(self, user_name)

    put(IAMBackend, "create_user", create_user)
    put(IAMBackend, "update_user", update_user)
    put(IAMBackend, "delete_user", delete_user)


def _install_groups() -> None:
    create = take(IAMBackend, "create_group", "group_name", "path")
    delete = take(IAMBackend, "delete_group", "group_name")
    join = take(IAMBackend, "add_user_to_group", "group_name", "user_name")

    def create_group(self: IAMBackend, group_name: str, path: str = "/") -> Group:
        _check_name(group_name, "groupName", 128)
        _check_path(path)
        _check_unique(group_name, self.groups, f"Group with name {group_name} already exists.")
        _check_quota(len(self.groups), _limit(self, "GroupsQuota"), "GroupsPerAccount")
        group: Group = create(self, group_name, path)
        group.id = _unique_id(self, "AGPA")
        return group

    def delete_group(self: IAMBackend, group_name: str) -> None:
        group = self.get_group(group_name)
        for kept, what in (
            (group.users, "remove users from group"),
            (group.managed_policies, "detach all policies"),
            (group.policies, "delete policies"),
        ):
            if kept:
                raise CallError("DeleteConflict", f"Cannot delete entity, must {what} first.")
        delete(self, group_name)

    def add_user_to_group(self: IAMBackend, group_name: str, user_name: str) -> None:
        groups = self.get_groups_for_user(user_name)
        if self.get_group(group_name) not in groups:
            _check_quota(len(groups), _limit(self, "GroupsPerUserQuota"), "GroupsPerUser")
        join(self, group_name, user_name)

    put(IAMBackend, "create_group", create_group)
    put(IAMBackend, "delete_group", delete_group)
    put(IAMBackend, "add_user_to_group", add_user_to_group)


def _install_roles() -> None:
    create = take(IAMBackend, "create_role", "role_name", "assume_role_policy_document", "path")
    take(IAMBackend, "update_assume_role_policy", "role_name", "policy_document")

    def create_role(
        self: IAMBackend, role_name: str, assume_role_policy_document: str, path: str, *args: Any, **kwargs: Any
    ) -> Role:
        _check_name(role_name, "roleName", 64)
        _check_path(path)
        _check_description(kwargs.get("description") or (args[1] if len(args) > 1 else None))
        _check_unique(
            role_name, (role.name for role in self.get_roles()), f"Role with name {role_name} already exists."
        )
        check_trust_policy(self, assume_role_policy_document)
        _check_quota(len(self.roles), _limit(self, "RolesQuota"), "RolesPerAccount")
        role: Role = create(self, role_name, assume_role_policy_document, path, *args, **kwargs)
        return role

    def update_assume_role_policy(self: IAMBackend, role_name: str, policy_document: str) -> None:
        role = self.get_role(role_name)
        check_trust_policy(self, policy_document)
        role.assume_role_policy_document = policy_document

    put(IAMBackend, "create_role", create_role)
    put(IAMBackend, "update_assume_role_policy", update_assume_role_policy)


def _install_managed_policies() -> None:
    create = take(IAMBackend, "create_policy", "description", "path", "policy_document", "policy_name", "tags")
    create_version = take(IAMBackend, "create_policy_version", "policy_arn", "policy_document", "set_as_default")
    delete = take(IAMBackend, "delete_policy", "policy_arn")
    delete_version = take(IAMBackend, "delete_policy_version", "policy_arn", "version_id")
    set_default = take(IAMBackend, "set_default_policy_version", "policy_arn", "version_id")

    def create_policy(
        self: IAMBackend,
        description: str,
        path: str,
        policy_document: str,
        policy_name: str,
        tags: list[dict[str, str]],
    ) -> ManagedPolicy:
        _check_name(policy_name, "policyName", 128)
        _check_path(path, _POLICY_PATH)
        _check_description(description)
        _check_document(self, policy_document)
        _check_managed_size(self, policy_document)
        local = _local_policies(self)
        message = f"A policy called {policy_name} already exists. Duplicate names are not allowed."
        _check_unique(policy_name, (policy.name for policy in local), message)
        _check_quota(len(local), _limit(self, "PoliciesQuota"), "PoliciesPerAccount")
        policy: ManagedPolicy = create(self, description, path, policy_document, policy_name, tags)
        policy.id = _unique_id(self, "ANPA")
        return policy

    def create_policy_version(self: IAMBackend, policy_arn: str, policy_document: str, set_as_default: bool) -> Any:
        _check_own(self, policy_arn, "CreatePolicyVersion")
        _check_document(self, policy_document)
        _check_managed_size(self, policy_document)
        return create_version(self, policy_arn, policy_document, set_as_default)

    def delete_policy(self: IAMBackend, policy_arn: str) -> None:
        policy = _check_own(self, policy_arn, "DeletePolicy")
        if _holders(self, policy_arn) or iam_boundaries.users_of(self, policy_arn):
            raise CallError("DeleteConflict", "Cannot delete a policy attached to entities.")
        if len(policy.versions) > 1:
            raise CallError(
                "DeleteConflict",
                "This policy has more than one version. Before you delete a policy, you must delete the policy's "
                "versions. The default version is deleted with the policy.",
            )
        delete(self, policy_arn)

    def delete_policy_version(self: IAMBackend, policy_arn: str, version_id: str) -> None:
        _check_own(self, policy_arn, "DeletePolicyVersion")
        delete_version(self, policy_arn, version_id)

    def set_default_policy_version(self: IAMBackend, policy_arn: str, version_id: str) -> Any:
        _check_own(self, policy_arn, "SetDefaultPolicyVersion")
        return set_default(self, policy_arn, version_id)

    put(IAMBackend, "create_policy", create_policy)
    put(IAMBackend, "create_policy_version", create_policy_version)
    put(IAMBackend, "delete_policy", delete_policy)
    put(IAMBackend, "delete_policy_version", delete_policy_version)
    put(IAMBackend, "set_default_policy_version", set_default_policy_version)


def _check_managed_size(backend: IAMBackend, document: str) -> None:
    limit = _limit(backend, "PolicySizeQuota")
    if size(document) > limit:
        raise CallError("LimitExceeded", f"Cannot exceed quota for PolicySize: {limit}")


def _check_own(backend: IAMBackend, arn: str, operation: str) -> ManagedPolicy:
    """The customer managed policy `arn`. AWS's own policies are nobody's to change."""
    policy = backend.get_policy(arn)
    if isinstance(policy, AWSManagedPolicy):
        raise QueryError(403, "AccessDenied", f"Not authorized to perform: iam:{operation} on resource: policy {arn}")
    return policy


def _local_policies(backend: IAMBackend) -> list[ManagedPolicy]:
    return [policy for policy in backend.managed_policies.values() if not isinstance(policy, AWSManagedPolicy)]


def _holders(backend: IAMBackend, arn: str) -> list[User | Role | Group]:
    entities: list[User | Role | Group] = [*backend.users.values(), *backend.roles.values(), *backend.groups.values()]
    return [entity for entity in entities if arn in entity.managed_policies]


def _install_inline_policies() -> None:
    getters: Mapping[str, Callable[[IAMBackend, str], User | Role | Group]] = {
        "user": lambda backend, name: backend.get_user(name),
        "role": lambda backend, name: backend.get_role(name),
        "group": lambda backend, name: backend.get_group(name),
    }
    for kind, get in getters.items():
        quota = f"{kind.capitalize()}PolicySizeQuota"
        _install_inline(kind, quota, get)


def _install_inline(kind: str, quota: str, get: Callable[[IAMBackend, str], User | Role | Group]) -> None:
    original = take(IAMBackend, f"put_{kind}_policy", f"{kind}_name", "policy_name", "policy_json")

    def put_policy(self: IAMBackend, owner_name: str, policy_name: str, policy_json: str) -> None:
        owner = get(self, owner_name)
        if isinstance(owner, Role):
            _check_modifiable(owner)
        _check_name(policy_name, "policyName", 128)
        _check_document(self, policy_json)
        limit = _limit(self, quota)
        others = (text for name, text in owner.policies.items() if name != policy_name)
        if sum(map(size, others)) + size(policy_json) > limit:
            raise CallError("LimitExceeded", f"Maximum policy size of {limit} bytes exceeded for {kind} {owner_name}")
        original(self, owner_name, policy_name, policy_json)

    put(IAMBackend, f"put_{kind}_policy", put_policy)


def _install_attachments() -> None:
    for kind in ("user", "role", "group"):
        _install_attachment(kind)


def _install_attachment(kind: str) -> None:
    original = take(IAMBackend, f"attach_{kind}_policy", "policy_arn", f"{kind}_name")

    def attach(self: IAMBackend, policy_arn: str, owner_name: str) -> None:
        owner: User | Role | Group = getattr(self, f"get_{kind}")(owner_name)
        if isinstance(owner, Role):
            _check_modifiable(owner)
        match = re.fullmatch(r"arn:([a-z-]+):iam::(?:aws|\d{12}):policy/.+", policy_arn)
        if match is None or match.group(1) != self.partition:
            raise CallError("InvalidInput", f"ARN {policy_arn} is not valid.")
        if policy_arn not in self.managed_policies:
            raise CallError("NoSuchEntity", f"Policy {policy_arn} does not exist or is not attachable.")
        if policy_arn in owner.managed_policies:
            return  # attaching twice is no error, and counts once
        limit = _limit(self, f"AttachedPoliciesPer{kind.capitalize()}Quota")
        _check_quota(len(owner.managed_policies), limit, f"PoliciesPer{kind.capitalize()}")
        original(self, policy_arn, owner_name)

    put(IAMBackend, f"attach_{kind}_policy", attach)


def _check_modifiable(role: Role) -> None:
    # What Identity Center makes trusts its own SAML provider. (With AWS nobody else can make a role at that path.)
    of_identity_center = role.path.startswith("/aws-reserved/") and "/AWSSSO_" in role.assume_role_policy_document
    if role.path.startswith("/aws-service-role/") or of_identity_center:
        raise CallError(
            "UnmodifiableEntity",
            f"Cannot perform the operation on the protected role '{role.name}' - this role is only modifiable by AWS",
        )


def _install_linked_roles() -> None:
    for name in (
        "delete_role",
        "delete_role_policy",
        "delete_role_permissions_boundary",
        "put_role_permissions_boundary",
        "update_assume_role_policy",
        "update_role",
    ):
        _protect(name, take(IAMBackend, name, "role_name"))
    _protect("detach_role_policy", take(IAMBackend, "detach_role_policy", "policy_arn", "role_name"), at=1)
    create = take(IAMBackend, "create_service_linked_role", "service_name", "description", "suffix")
    take(IAMBackend, "delete_service_linked_role", "role_name")

    def create_service_linked_role(self: IAMBackend, service_name: str, description: str, suffix: str) -> Role:
        if suffix and service_name in _NO_SUFFIX:
            raise CallError("InvalidInput", f"Custom suffix is not allowed for {service_name}")
        right_name = _LINKED_ROLE_NAMES.get(service_name)
        try:
            role: Role = create(self, service_name, description or "", suffix)
        except CallError as error:
            if error.code != "EntityAlreadyExists":
                raise
            name = right_name or error.message.split()[3]
            message = f"Service role name {name} has been taken in this account, please try a different suffix."
            raise CallError("InvalidInput", message) from None
        if right_name:
            role.name = right_name
        return role

    def delete_service_linked_role(self: IAMBackend, role_name: str) -> str:
        role = self.get_role(role_name)
        del self.roles[role.id]
        return f"task{role.path}{role.name}/{mock_random.uuid4()}"

    put(IAMBackend, "create_service_linked_role", create_service_linked_role)
    put(IAMBackend, "delete_service_linked_role", delete_service_linked_role)


def _protect(name: str, original: Callable[..., Any], at: int = 0) -> None:
    def guarded(self: IAMBackend, *args: Any, **kwargs: Any) -> Any:
        _check_modifiable(self.get_role(kwargs["role_name"] if "role_name" in kwargs else args[at]))
        return original(self, *args, **kwargs)

    put(IAMBackend, name, guarded)


def _install_messages() -> None:
    """NoSuchEntity in IAM's words. It stays moto's own exception, which moto catches in places."""
    take(IAMBackend, "get_role", "role_name")
    take(IAMBackend, "get_group", "group_name")
    take(IAMBackend, "get_policy", "policy_arn")
    take(IAMBackend, "get_policy_version", "policy_arn", "version_id")

    def get_role(self: IAMBackend, role_name: str) -> Role:
        for role in self.get_roles():
            if role.name == role_name:
                return role
        raise NotFoundException(f"The role with name {role_name} cannot be found.")

    def get_group(self: IAMBackend, group_name: str) -> Group:
        if group_name not in self.groups:
            raise NotFoundException(f"The group with name {group_name} cannot be found.")
        return self.groups[group_name]

    def get_policy(self: IAMBackend, policy_arn: str) -> ManagedPolicy:
        if not re.match(r"arn:[a-z-]+:iam::(aws|\d{12}):policy/", policy_arn):
            raise CallError("InvalidInput", f"ARN {policy_arn} is not valid.")
        if policy_arn not in self.managed_policies:
            raise NotFoundException(f"Policy {policy_arn} was not found.")
        return self.managed_policies[policy_arn]

    def get_policy_version(self: IAMBackend, policy_arn: str, version_id: str) -> Any:
        for version in self.get_policy(policy_arn).versions:
            if version.version_id == version_id:
                return version
        message = f"Policy {policy_arn} version {version_id} does not exist or is not attachable."
        raise NotFoundException(message)

    put(IAMBackend, "get_role", get_role)
    put(IAMBackend, "get_group", get_group)
    put(IAMBackend, "get_policy", get_policy)
    put(IAMBackend, "get_policy_version", get_policy_version)
    for owner, kind in ((User, "user"), (Group, "group")):
        for name in ("get_policy", "delete_policy"):
            _reword(owner, name, kind)
    _reword(Role, "delete_policy", "role")
    _reword_role_policy()


def _reword(owner: type, name: str, kind: str) -> None:
    original = take(owner, name, "policy_name")

    def call(self: Any, policy_name: str) -> Any:
        if policy_name not in self.policies:
            raise NotFoundException(f"The {kind} policy with name {policy_name} cannot be found.")
        return original(self, policy_name)

    put(owner, name, call)


def _reword_role_policy() -> None:
    take(IAMBackend, "get_role_policy", "role_name", "policy_name")

    def get_role_policy(self: IAMBackend, role_name: str, policy_name: str) -> tuple[str, str]:
        policies = self.get_role(role_name).policies
        if policy_name not in policies:
            raise NotFoundException(f"The role policy with name {policy_name} cannot be found.")
        return policy_name, policies[policy_name]

    put(IAMBackend, "get_role_policy", get_role_policy)


def _install_tags() -> None:
    current: Mapping[str, Callable[[IAMBackend, str], Collection[Mapping[str, str]]]] = {
        "tag_user": lambda backend, name: backend.list_user_tags(name),
        "tag_role": lambda backend, name: backend.get_role(name).tags,
        "tag_policy": lambda backend, arn: backend.get_policy(arn).get_tags(),
    }
    for name, existing in current.items():
        _limit_tags(name, existing)


def _limit_tags(name: str, existing: Callable[[IAMBackend, str], Collection[Mapping[str, str]]]) -> None:
    original = take(IAMBackend, name)

    def tag(self: IAMBackend, owner: str, tags: list[dict[str, str]]) -> Any:
        self._tag_verification(tags)
        keys = {each["Key"].lower() for each in existing(self, owner)} | {each["Key"].lower() for each in tags}
        _check_tag_count(len(keys))
        return original(self, owner, tags)

    put(IAMBackend, name, tag)
