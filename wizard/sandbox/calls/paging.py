"""Lists that AWS gives page by page and moto does not, or not rightly: roles, holders of a policy, and functions.

Rests on ListRoles and ListEntitiesForPolicy (MaxItems 1 to 1,000, 100 by default) and on ListFunctions ("returns a
maximum of 50 items in each response, even if you set the number higher").
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

from moto.awslambda.exceptions import InvalidParameterValueException
from moto.awslambda.responses import LambdaResponse
from moto.core.responses import ActionResult
from moto.iam.models import IAMBackend, Role
from moto.iam.responses import IamResponse

from wizard.sandbox.calls.seams import CallError, put, take

_FUNCTIONS = 50
_OF_IAM = 100
_MOST_ITEMS = {"iam": 1000, "functions": 10_000}
_KINDS = {"User": "PolicyUsers", "Role": "PolicyRoles", "Group": "PolicyGroups"}


def install() -> None:
    """Have moto page these lists."""
    list_roles = take(IAMBackend, "list_roles", "path_prefix", "marker", "max_items")
    take(LambdaResponse, "list_functions")
    take(IamResponse, "list_entities_for_policy")

    def list_roles_of(
        self: IAMBackend, path_prefix: str | None = None, marker: str | None = None, max_items: Any = None
    ) -> tuple[list[Role], str | None]:
        _check_page(max_items, marker)
        found: tuple[list[Role], str | None] = list_roles(self, path_prefix, marker, max_items)
        return found

    def list_functions(self: LambdaResponse) -> str:
        given = {name: values[0] for name, values in self.querystring.items()}
        most = given.get("MaxItems", _FUNCTIONS)
        if problem := _out_of_range(most, _MOST_ITEMS["functions"]):
            raise InvalidParameterValueException(f"1 validation error detected: {problem}")
        found = sorted(
            ((f"{function.function_name}:{function.version}", function))
            for function in self.backend.list_functions(given.get("FunctionVersion"))
        )
        after = _read_marker(given["Marker"]) if given.get("Marker") else ""
        rest = [(key, function) for key, function in found if key > after]
        page = rest[: min(int(most), _FUNCTIONS)]
        answer: dict[str, Any] = {"Functions": [function.get_configuration() for _, function in page]}
        if len(page) < len(rest):
            answer["NextMarker"] = base64.b64encode(page[-1][0].encode()).decode("ascii")
        return json.dumps(answer)

    def list_entities_for_policy(self: IamResponse) -> ActionResult:
        arn, marker, most = self._get_param("PolicyArn"), self._get_param("Marker"), self._get_param("MaxItems")
        _check_page(most, marker)
        self.backend.get_policy(arn)
        wanted, usage = self._get_param("EntityFilter"), self._get_param("PolicyUsageFilter")
        prefix = self._get_param("PathPrefix", "/")
        start, size = int(marker or 0), int(most or _OF_IAM)
        found = [
            (kind, entity)
            for kind, entity in _entities(self.backend)
            if wanted in {None, kind} and entity.path.startswith(prefix) and _holds(entity, arn, usage)
        ]
        page = found[start : start + size]
        answer: dict[str, Any] = {
            member: [entity for found_kind, entity in page if found_kind == kind] for kind, member in _KINDS.items()
        }
        truncated = start + size < len(found)
        return ActionResult(answer | {"IsTruncated": truncated} | ({"Marker": str(start + size)} if truncated else {}))

    put(IAMBackend, "list_roles", list_roles_of)
    put(IamResponse, "list_entities_for_policy", list_entities_for_policy)
    put(LambdaResponse, "list_functions", list_functions)


def _check_page(max_items: Any, marker: str | None) -> None:
    if max_items is not None and (problem := _out_of_range(max_items, _MOST_ITEMS["iam"])):
        raise CallError("ValidationError", f"1 validation error detected: {problem}")
    if marker and not str(marker).isdigit():
        raise CallError("ValidationError", "Invalid Marker.")


def _entities(backend: IAMBackend) -> Iterator[tuple[str, Any]]:
    yield from (("User", user) for user in list(backend.users.values()))
    yield from (("Group", group) for group in list(backend.groups.values()))
    yield from (("Role", role) for role in list(backend.roles.values()))


def _holds(entity: Any, arn: str, usage: str | None) -> bool:
    """Whether the policy is attached to the entity, or is its boundary."""
    if usage != "PermissionsBoundary" and arn in entity.managed_policies:
        return True
    return usage != "PermissionsPolicy" and getattr(entity, "permissions_boundary_arn", None) == arn


def _out_of_range(value: Any, most: int) -> str:
    text = str(value)
    if text.isdigit() and 1 <= int(text) <= most:
        return ""
    bound = f"greater than or equal to {1}" if not text.isdigit() or int(text) < 1 else f"less than or equal to {most}"
    return f"Value '{text}' at 'maxItems' failed to satisfy constraint: Member must have value {bound}"


def _read_marker(marker: str) -> str:
    try:
        return base64.b64decode(marker, validate=True).decode()
    except ValueError:
        raise InvalidParameterValueException("Invalid marker.") from None
