"""What discovery found: one `AccountSnapshot`. Every fact is known, absent, or denied: a denied read is never "missing"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from wizard.policy.documents import INLINE_LIMIT, MANAGED_LIMIT
from wizard.problem import Problem

if TYPE_CHECKING:
    from wizard.account.boundaries import BoundaryDemand
    from wizard.account.survey import Survey
    from wizard.account.undo_state import UndoState
    from wizard.output.facts import BucketFacts
    from wizard.quotas.limits import RegionQuota
    from wizard.remotion.from_project import ProjectPolicies

T = TypeVar("T")
Document = Mapping[str, Any]


class FactState(StrEnum):
    KNOWN = "known"
    ABSENT = "absent"
    DENIED = "denied"  # we may not read it: unknown
    UNREAD = "unread"


@dataclass(frozen=True)
class Fact(Generic[T]):
    """One thing about the account: its value when known, the problem when the read was denied."""

    state: FactState = FactState.UNREAD
    value: T | None = None
    problem: Problem | None = None

    @classmethod
    def known(cls, value: T) -> Fact[T]:
        return cls(FactState.KNOWN, value)

    @classmethod
    def absent(cls) -> Fact[T]:
        return cls(FactState.ABSENT)

    @classmethod
    def denied(cls, problem: Problem) -> Fact[T]:
        return cls(FactState.DENIED, None, problem)

    @property
    def is_absent(self) -> bool:
        return self.state is FactState.ABSENT

    @property
    def is_unknown(self) -> bool:
        return self.state in {FactState.DENIED, FactState.UNREAD}


@dataclass(frozen=True)
class Identity:
    """Who the wizard works as, and where its calls go."""

    account: str
    arn: str
    partition: str
    region: str
    source: str  # where the credentials came from, for people: "profile acme", "environment", …
    profile: str = ""
    alias: str = ""
    endpoint: str = ""  # "" = AWS's own endpoints
    sandbox: bool = False
    scenario: str = ""  # of the sandbox

    @property
    def place(self) -> str:
        """The name of the account's files in the state folder.

        In another sandbox scenario or at another endpoint, the same account number is another account.
        """
        where = f"sandbox-{self.scenario}" if self.sandbox else re.sub(r"\W+", "-", self.endpoint).strip("-")
        account = re.sub(r"\W", "_", self.account)
        return f"{account}.{where}" if where else account

    @property
    def known_as(self) -> str:
        """What a person types to confirm that this account is meant: its alias, or its number where it has none."""
        return self.alias or self.account

    def is_meant_by(self, typed: str) -> bool:
        """Whether that is what was typed; a number may be grouped, as it is shown."""
        given = typed.strip()
        return given == self.known_as or re.sub(r"[\s-]", "", given) == self.known_as

    @property
    def is_root(self) -> bool:
        return self.arn.endswith(":root")

    @property
    def who(self) -> str:
        """A short name: "ada", "Admin/ada" for an assumed role, "root"."""
        tail = self.arn.split(":", 5)[-1]
        kind, _, rest = tail.partition("/")
        if kind == "assumed-role":
            return rest
        return rest.rpartition("/")[2] or kind

    def to_json(self) -> dict[str, Any]:
        return {
            "account": self.account,
            "arn": self.arn,
            "partition": self.partition,
            "region": self.region,
            "source": self.source,
            "alias": self.alias,
            "endpoint": self.endpoint,
            "sandbox": self.sandbox,
        }


@dataclass(frozen=True)
class KeyUse:
    """The last use of an access key, as far as IAM notes it; `when` (ISO 8601) is "" for a key that was never used."""

    when: str = ""
    service: str = ""
    region: str = ""


@dataclass(frozen=True)
class AccessKey:
    """An access key as IAM lists it (no secret). `use` is read only where keys are to be changed."""

    id: str
    active: bool
    created: str = ""  # ISO 8601
    use: Fact[KeyUse] = field(default_factory=Fact)


@dataclass(frozen=True)
class Attached:
    """A managed policy that is attached to a principal; the document where it could be read."""

    name: str
    arn: str
    document: Fact[Document] = field(default_factory=Fact)


@dataclass(frozen=True)
class GroupPolicy:
    """A policy that a user has through a group; `arn` is "" for an inline one.

    Where the policies of a group may not be listed, there is one without a name whose document is unknown; where the groups
    may not be listed, one without a group.
    """

    group: str
    name: str = ""
    arn: str = ""
    document: Fact[Document] = field(default_factory=Fact)


@dataclass(frozen=True)
class Principal:
    """An IAM user or role as it is."""

    kind: str  # "user" or "role"
    name: str
    arn: str
    path: str
    created: str = ""
    boundary: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    inline: Mapping[str, Fact[Document]] = field(default_factory=dict)
    inline_sizes: int = 0  # characters of all inline policies, as IAM counts them
    attached: tuple[Attached, ...] = ()
    trust: Document | None = None
    groups: tuple[str, ...] = ()
    group_policies: tuple[GroupPolicy, ...] = ()
    access_keys: Fact[tuple[AccessKey, ...]] = field(default_factory=Fact)

    def documents(self) -> Iterator[tuple[str, Document]]:
        """Yield every policy that could be read, with a label: the principal's own, and what a user has through groups."""
        yield from ((name, fact.value) for name, fact in self.inline.items() if fact.value is not None)
        yield from ((a.name, a.document.value) for a in self.attached if a.document.value is not None)
        for held in self.group_policies:
            if held.document.value is not None:
                yield f"{held.name} of the group {held.group}", held.document.value

    @property
    def policy_names(self) -> frozenset[str]:
        """The names of the principal's own policies, inline and attached; not those of its groups."""
        return frozenset((*self.inline, *(attached.name for attached in self.attached)))


@dataclass(frozen=True)
class ManagedPolicy:
    """A customer-managed policy as it is: the default version's document and all version ids, oldest first."""

    name: str
    arn: str
    document: Document
    default_version: str
    versions: tuple[str, ...]
    attachments: int = 0
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class LocalState:
    """What is on this machine where the access key is to go."""

    env_file: str = ""  # absolute path
    env_exists: bool = False
    env_key_id: str = ""  # REMOTION_AWS_ACCESS_KEY_ID in it
    env_has_secret: bool = False
    secret_is_damaged: bool = False  # AWS does not take the stored secret of an active key
    env_mode: int | None = None  # who may read it, as of chmod; None where files have no such mode
    env_has_token: bool = False  # REMOTION_AWS_SESSION_TOKEN in it
    env_profile: str = ""  # REMOTION_AWS_PROFILE in it
    profile_key_id: str = ""  # aws_access_key_id of the profile that was chosen
    profile_has_secret: bool = False
    profile_exists: bool = False
    credentials_file: str = ""
    gitignore: str = ""  # the .gitignore that would be extended
    ignored_by_git: bool | None = None  # None: the project is not in a git repository
    tracked_by_git: bool = False

    def held_key(self, write: str) -> tuple[str, bool]:
        """Return the key id that lies where `credentials.write` puts keys, and whether its secret is there too."""
        if write == "aws-profile":
            return self.profile_key_id, self.profile_has_secret
        return self.env_key_id, self.env_has_secret


@dataclass(frozen=True)
class AccountSnapshot:
    """Everything that planning needs to know. Made by `discover`, used by `build_plan` and the checks."""

    identity: Identity
    principal_name: str = ""  # whose name `principal` was read by; a function's execution role is looked up first
    principal: Fact[Principal] = field(default_factory=Fact)  # the user or role that calls Remotion
    render_role: Fact[Principal] = field(default_factory=Fact)
    instance_role: Fact[Principal] = field(default_factory=Fact)  # the role that takes the principal's (EC2 with STS)
    operator: Fact[Principal] = field(default_factory=Fact)  # who gets the operator permissions, if it is somebody else
    policies: Mapping[str, Fact[ManagedPolicy]] = field(default_factory=dict)  # the wizard's managed policies, by name
    survey: Fact[Survey] = field(default_factory=Fact)  # who else holds Remotion's permissions
    boundary_demand: BoundaryDemand | None = None
    buckets: Mapping[str, BucketFacts] = field(default_factory=dict)  # the output buckets, by name
    project_policies: ProjectPolicies | None = None  # as the project's own Remotion prints them
    boundary_exists: Fact[bool] = field(default_factory=Fact)
    quota_role: Fact[bool] = field(default_factory=Fact)  # the service-linked role of Service Quotas
    limits: Mapping[str, int] = field(default_factory=dict)  # GetAccountSummary
    concurrency: Mapping[str, Fact[int]] = field(default_factory=dict)  # by region
    quotas: Mapping[str, RegionQuota] = field(
        default_factory=dict
    )  # by region, where a higher limit is to be asked for
    local: LocalState = field(default_factory=LocalState)
    orphan_keys: tuple[str, ...] = ()  # keys that an interrupted run of ours made and whose secret never arrived
    left_to_retire: tuple[str, ...] | None = None  # the old keys of a key change that was cut off; None: none was
    read_at: str = ""  # ISO 8601, where the age of keys matters
    release: str = ""  # the Remotion release that was detected in the project, where answers say "auto"
    release_source: str = ""
    undo: UndoState | None = None  # where something is to be taken back, in place of most of the rest

    def policy(self, name: str) -> Fact[ManagedPolicy]:
        """Return what is known of a customer-managed policy of the wizard's, by name."""
        return self.policies.get(name, Fact())

    def limit(self, name: str) -> int:
        """Return a limit of the account; AWS's published number where the account's could not be read."""
        return self.limits.get(name) or PUBLISHED_LIMITS[name]

    def denied(self) -> dict[str, Problem]:
        """Return what could not be read, by a name for people."""
        facts: dict[str, Fact[Any]] = {
            f"the {self.principal.value.kind if self.principal.value else 'caller'} {self.principal_name}": self.principal,
            "the render role": self.render_role,
            **{f"the managed policy {name}": fact for name, fact in self.policies.items()},
        }
        return {name: fact.problem for name, fact in facts.items() if fact.problem is not None}


# Source: "IAM and AWS STS quotas"; keys as GetAccountSummary names them.
PUBLISHED_LIMITS = {
    "UserPolicySizeQuota": INLINE_LIMIT["user"],
    "RolePolicySizeQuota": INLINE_LIMIT["role"],
    "PolicySizeQuota": MANAGED_LIMIT,
    "AttachedPoliciesPerUserQuota": 10,
    "AttachedPoliciesPerRoleQuota": 10,
    "AssumeRolePolicySizeQuota": 2048,
    "VersionsPerPolicyQuota": 5,
    "AccessKeysPerUserQuota": 2,
}
