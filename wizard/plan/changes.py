"""The plan: an ordered list of changes, each with its reason, its AWS call, its undo, and what it replaces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from wizard.account.snapshot import Identity
from wizard.problem import Problem
from wizard.remotion.catalogue import StatementReason


class Action(StrEnum):
    """What a change does."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    KEEP = "keep"


@dataclass(frozen=True)
class Call:
    """One call: a boto3 service and its operation with parameters; service "local" for files on this machine.

    `region` is "" for what is global, or made in the region that the wizard works in.
    """

    service: str
    operation: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    region: str = ""

    def to_json(self) -> dict[str, Any]:
        shape = {"service": self.service, "operation": self.operation, "parameters": dict(self.parameters)}
        return {**shape, "region": self.region} if self.region else shape


@dataclass(frozen=True)
class Verification:
    """What IAM's simulator must allow `principal` (an ARN) right after a change: actions with the ARNs to ask them on.

    `context` maps condition keys to the values to ask with.
    """

    principal: str
    probes: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]
    context: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Change:
    """One change. `kind` is the sort of thing ("role", "policy", "attachment", "user", "key", "file") for tables.

    `name` is the thing's own name; `resource` its ARN or path. `before` and `after` are documents or other JSON values.
    """

    id: str
    action: Action
    kind: str
    name: str
    resource: str
    summary: str
    reason: str
    call: Call | None = None
    undo: tuple[Call, ...] = ()
    before: Any = None
    after: Any = None
    why: tuple[StatementReason, ...] = ()
    verify: Verification | None = None
    optional: bool = False  # a nicety: when it can't be made, that is told and the rest goes on

    @property
    def writes(self) -> bool:
        return self.action is not Action.KEEP

    @property
    def proves(self) -> bool:
        """Whether it changes nothing, but must succeed before what stands below it is done."""
        return self.call is not None and self.call.operation == "GetCallerIdentity"

    @property
    def does(self) -> str:
        """What is done, in a word for people."""
        if self.proves:
            return "prove"
        if self.call is not None and self.call.operation == "UpdateAccessKey":
            return "activate" if self.call.parameters["Status"] == "Active" else "deactivate"
        return self.action.value

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "action": self.action.value,
            "kind": self.kind,
            "resource": self.resource,
            "summary": self.summary,
            "reason": self.reason,
            "call": None if self.call is None else self.call.to_json(),
            "before": self.before,
            "after": self.after,
            "undo": [call.to_json() for call in self.undo],
        }


@dataclass(frozen=True)
class Destination:
    """Where the access key's secret goes: kind as in credentials.write, and the files it touches.

    `replaces` is the key that is changed for a new one: nothing of it is to stay behind, not even as a comment.
    """

    kind: str
    env_file: str = ""
    profile: str = ""
    credentials_file: str = ""
    replaces: str = ""


@dataclass(frozen=True)
class Plan:
    """What will be done. `problems` are reasons why it can't be applied as it is; `warnings` are worth knowing first.

    `purpose` is "setup", "undo" or "rotate" and goes into the journal; `undoes` are the runs that an undo takes back,
    `retires` are the access keys that a new one takes the place of.
    """

    identity: Identity
    changes: tuple[Change, ...] = ()
    warnings: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    release: str = ""
    principal_name: str = ""
    destination: Destination | None = None
    purpose: str = "setup"
    undoes: tuple[str, ...] = ()
    retires: tuple[str, ...] = ()

    @property
    def writing(self) -> tuple[Change, ...]:
        """The changes that write; none if everything is already as it should be."""
        return tuple(c for c in self.changes if c.writes)

    @property
    def is_empty(self) -> bool:
        return not self.writing

    def to_json(self) -> dict[str, Any]:
        """Return the plan in its JSON shape."""
        return {
            "account": self.identity.account,
            "identity": self.identity.to_json(),
            "release": self.release,
            "changes": [c.to_json() for c in self.changes],
            "warnings": list(self.warnings),
            "problems": [p.to_json() for p in self.problems],
        }
