"""What a check is about: whom, against which of Remotion's policies, and where the credentials lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from wizard.account.snapshot import LocalState
from wizard.check.findings import Finding
from wizard.check.output_bucket import OutputCheck
from wizard.policy.documents import Document
from wizard.remotion.catalogue import PolicyKind
from wizard.remotion.releases import Release


@dataclass(frozen=True)
class Subject:
    """Who is checked against which of Remotion's policies: a user, a compute role, the render role, or the caller."""

    kind: str  # "user" or "role"
    name: str
    policy: PolicyKind
    is_render_role: bool = False
    is_caller: bool = False  # whoever runs the check, not named: may well be an administrator, which is no failure
    is_shared: bool = (
        False  # a compute role: it serves an application of its own, which may need more than Remotion does
    )
    service: str = "any"  # the compute service that must be able to take the role
    taken_by: str = ""  # the role of the instance that takes this one (EC2 with STS)


@dataclass(frozen=True)
class OperatorProbe:
    """Operator permissions to prove: who has them, which they are, and the actions with the ARNs to ask them on."""

    kind: str
    name: str
    id: str
    title: str
    probes: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]
    context: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class CheckRequest:
    """What to check: the subjects, the release and regions, the policies that are wanted, and where the credentials lie.

    `local` is None where credentials are not looked at; `accepted` are policies that were asked for although they are wide.
    """

    subjects: tuple[Subject, ...]
    release: Release
    regions: tuple[str, ...]
    wanted: Mapping[PolicyKind, Document]
    local: LocalState | None = None
    profile: str = ""
    unchecked: tuple[Finding, ...] = field(default=())
    own_render_role: bool = False  # deployed with --custom-role-arn: any name and path will do
    accepted: tuple[str, ...] = ()
    operators: tuple[OperatorProbe, ...] = ()
    output: OutputCheck | None = None
    lists_wider: bool = False  # whether every policy is read, and what it allows beyond Remotion's is listed
