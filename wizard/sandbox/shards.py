"""The roles of an account that has very many, frozen in parts: changing one of 5,000 writes one part, not all of them.

Each part is kept outside of the state file under the digest of its content, as all large values are. A role holds plain
values and the managed policies attached to it, which go by their ARNs.
"""

from __future__ import annotations

import hashlib
import io
import pickle
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from zlib import crc32

from moto.iam.models import IAMBackend, ManagedPolicy, Role

MANY: Final = 512  # roles from which on it pays
_PARTS: Final = 32


@dataclass(frozen=True)
class Sharded:
    """The ids of the roles in their order, a line each, and the digest of each part."""

    order: str
    digests: tuple[str, ...]


def freeze(
    backend: IAMBackend, last: Sharded | None = None, changed: Collection[str] | None = None
) -> tuple[Sharded | None, dict[str, bytes]]:
    """The roles of `backend` in parts, and the parts by digest; None where there are few, or not as expected.

    `changed` are the names of the roles that may have been changed since `last`, besides those that came or went; None
    for any. Only their parts are made anew.
    """
    roles = backend.roles
    if len(roles) < MANY:
        return None, {}
    order = "\n".join(roles)
    stale: set[int] = set(range(_PARTS))
    if last is not None and changed is not None:
        came_or_went = set(roles) ^ set(last.order.split("\n")) if order != last.order else set()
        wanted = {name.lower() for name in changed}
        stale = {_part(role_id) for role_id in came_or_went}
        stale |= {_part(role_id) for role_id, role in roles.items() if role.name.lower() in wanted} if wanted else set()
    rows = _rows(roles, backend.managed_policies, stale)
    if rows is None:
        return None, {}
    pickles = {number: _pickled(rows[number]) for number in stale}
    made = {number: hashlib.sha256(data).hexdigest() for number, data in pickles.items()}
    digests = tuple(made[n] if last is None or n in made else last.digests[n] for n in range(_PARTS))
    return Sharded(order, digests), {made[number]: data for number, data in pickles.items()}


def _part(role_id: str) -> int:
    return crc32(role_id.encode()) % _PARTS


# The names of a role's values, which are the same for almost all: the ARNs of its policies, and the values.
_Rows = dict[tuple[str, ...], list[tuple[tuple[str, ...], tuple[Any, ...]]]]


def _rows(
    roles: Mapping[str, Role], policies: Mapping[str, ManagedPolicy], numbers: set[int]
) -> dict[int, _Rows] | None:
    parts: dict[int, _Rows] = {number: {} for number in numbers}
    for role_id, role in roles.items() if parts else ():
        part = parts.get(_part(role_id))
        if part is None:
            continue
        if type(role) is not Role or role.id != role_id:
            return None
        attached = role.managed_policies
        for arn, policy in attached.items():
            if policies.get(arn) is not policy:
                return None
        state = {**vars(role), "managed_policies": None}
        part.setdefault(tuple(state), []).append((tuple(attached), tuple(state.values())))
    return parts


def thaw(
    sharded: Sharded, parts: Iterable[Any], policies: Mapping[str, ManagedPolicy], referenced: Mapping[str, Role]
) -> dict[str, Role]:
    """The roles by id. Those that are `referenced` are filled in place."""
    found: dict[str, Role] = {}
    for part in parts:
        for names, rows in part.items():
            for attached, values in rows:
                state = dict(zip(names, values, strict=True))
                state["managed_policies"] = {arn: policies[arn] for arn in attached}
                role = referenced.get(state["id"]) or empty_role()
                vars(role).update(state)
                found[state["id"]] = role
    return {role_id: found[role_id] for role_id in sharded.order.split("\n")}


def empty_role() -> Role:
    """A role to be filled, which is not one of those that moto remembers for ever."""
    return object.__new__(Role)  # type: ignore[type-abstract]


def _pickled(part: object) -> bytes:
    """The pickle of plain values. Equal values give equal bytes: nothing depends on which of them are one object."""
    file = io.BytesIO()
    pickler = pickle.Pickler(file, protocol=5)
    pickler.fast = True
    pickler.dump(part)
    return file.getvalue()
