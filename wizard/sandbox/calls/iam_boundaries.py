"""Permissions boundaries of users, and of roles where moto takes any text for a policy.

Rests on Put/DeleteUserPermissionsBoundary, PutRolePermissionsBoundary, CreateUser, CreateRole, GetUser and GetPolicy;
ListUsers and GetGroup leave the boundary out, as documented.
"""

from __future__ import annotations

import re
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.core.serialize import never_return
from moto.iam.models import IAMBackend, Policy, Role, User
from moto.iam.responses import IamResponse

from wizard.sandbox.calls.seams import CallError, put, take

_POLICY_ARN = re.compile(r"arn:(aws|aws-cn|aws-us-gov|aws-iso[a-z-]*):iam::(aws|\d{12}):policy/.+")


def install() -> None:
    """Give moto's users a permissions boundary."""
    create_user = take(IamResponse, "create_user")
    create_role = take(
        IAMBackend, "create_role", "role_name", "assume_role_policy_document", "path", "permissions_boundary"
    )
    take(IAMBackend, "put_role_permissions_boundary", "role_name", "permissions_boundary")

    def create_user_within(self: IamResponse) -> Any:
        boundary: str | None = self._get_param("PermissionsBoundary")
        if boundary:
            check(self.backend, boundary)
        result = create_user(self)
        if boundary:
            vars(self.backend.get_user(self._get_param("UserName")))["permissions_boundary_arn"] = boundary
        return result

    def create_role_within(self: IAMBackend, *args: Any, **kwargs: Any) -> Role:
        boundary = kwargs.get("permissions_boundary") or (args[3] if len(args) > 3 else None)
        if boundary:
            check(self, boundary)
        role: Role = create_role(self, *args, **kwargs)
        return role

    def put_user_permissions_boundary(self: IamResponse) -> ActionResult:
        user = self.backend.get_user(self._get_param("UserName"))
        boundary: str = self._get_param("PermissionsBoundary")
        check(self.backend, boundary)
        vars(user)["permissions_boundary_arn"] = boundary
        return EmptyResult()

    def delete_user_permissions_boundary(self: IamResponse) -> ActionResult:
        user = self.backend.get_user(self._get_param("UserName"))
        if vars(user).pop("permissions_boundary_arn", None) is None:
            raise CallError("NoSuchEntity", f"User {user.name} does not have a permissions boundary.")
        return EmptyResult()

    def put_role_permissions_boundary(self: IAMBackend, role_name: str, permissions_boundary: str) -> None:
        role = self.get_role(role_name)
        check(self, permissions_boundary)
        role.permissions_boundary_arn = permissions_boundary

    put(IamResponse, "create_user", create_user_within)
    put(IAMBackend, "create_role", create_role_within)
    put(IamResponse, "put_user_permissions_boundary", put_user_permissions_boundary)
    put(IamResponse, "delete_user_permissions_boundary", delete_user_permissions_boundary)
    put(IAMBackend, "put_role_permissions_boundary", put_role_permissions_boundary)
    # The model's enumeration says "PermissionsBoundaryPolicy", which moto sends; the live service sends "Policy".
    put(User, "permissions_boundary", property(_attached))
    put(Role, "permissions_boundary", property(_attached))
    put(Policy, "permissions_boundary_usage_count", property(_usage))
    for path in ("ListUsersResponse.Users.User", "GetGroupResponse.Users.User"):
        IamResponse.RESPONSE_KEY_PATH_TO_TRANSFORMER[f"{path}.PermissionsBoundary"] = never_return


def check(backend: IAMBackend, arn: str) -> None:
    """Raise the error of IAM for a boundary that is no policy of this account or of AWS."""
    match = _POLICY_ARN.fullmatch(arn)
    if match is None or match.group(1) != backend.partition:
        raise CallError("InvalidInput", f"ARN {arn} is not valid.")
    if arn not in backend.managed_policies:
        raise CallError("NoSuchEntity", f"Scope ARN: {arn} does not exist or is not attachable.")


def users_of(backend: IAMBackend, arn: str) -> list[User | Role]:
    """The users and roles that have the policy `arn` as their permissions boundary."""
    owners: list[User | Role] = [*backend.users.values(), *backend.roles.values()]
    return [owner for owner in owners if getattr(owner, "permissions_boundary_arn", None) == arn]


def _attached(owner: User | Role) -> dict[str, str] | None:
    arn: str | None = vars(owner).get("permissions_boundary_arn")
    return {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn} if arn else None


def _usage(policy: Any) -> int:
    return len(users_of(policy.backend, policy.arn))
