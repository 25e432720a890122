"""What taking something back needs to know of the account and this machine. Reads only; a denied read is "unknown"."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from wizard.account.connect import Aws
from wizard.account.discover import read_document, read_fact, read_managed, read_principal
from wizard.account.everywhere import Everywhere, Tell, look_everywhere
from wizard.account.listing import read_pages, remotion_buckets
from wizard.account.snapshot import Document, Fact, ManagedPolicy, Principal
from wizard.handover import aws_profile, env_file
from wizard.problem import ProblemError
from wizard.quotas.limits import regions_of

if TYPE_CHECKING:
    from wizard.apply.journal import PastRun

T = TypeVar("T")


@dataclass(frozen=True)
class UndoReading:
    """What to look at: principals as (user or role, name), ARNs of policies, .env files, profiles as (file, profile).

    `functions` says whether those that use a role matter, `surroundings` whether logs and buckets do too, `policies_too`
    whether all policies with a name like Remotion's do. `regions` are looked at besides those that Remotion supports.
    """

    principals: frozenset[tuple[str, str]] = frozenset()
    policies: frozenset[str] = frozenset()
    env_files: frozenset[str] = frozenset()
    profiles: frozenset[tuple[str, str]] = frozenset()
    regions: tuple[str, ...] = ()
    functions: bool = False
    surroundings: bool = False
    policies_too: bool = False


@dataclass(frozen=True)
class StandingPolicy:
    """A customer-managed policy with the documents of all its versions, by id."""

    policy: ManagedPolicy
    versions: Mapping[str, Document] = field(default_factory=dict)


@dataclass(frozen=True)
class UndoState:
    """How things stand now. `runs` are all journals of the account, oldest first; `damaged` those that can't be read.

    `held` is what keeps a principal beside policies and keys: a sign-in to the console, an instance profile. The variables of
    a .env file that can't be read are None, and so are those of a profile that is not there.
    """

    runs: tuple[PastRun, ...] = ()
    damaged: tuple[Path, ...] = ()
    principals: Mapping[tuple[str, str], Fact[Principal]] = field(default_factory=dict)
    held: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    policies: Mapping[str, Fact[StandingPolicy]] = field(default_factory=dict)
    variables: Mapping[str, Mapping[str, str] | None] = field(default_factory=dict)
    profiles: Mapping[tuple[str, str], str | None] = field(default_factory=dict)  # the access key id in it
    everywhere: Everywhere = field(default_factory=Everywhere)
    buckets: Fact[tuple[str, ...]] = field(default_factory=Fact)


def read_undo_state(
    aws: Aws, reading: UndoReading, runs: Iterable[PastRun] = (), tell: Tell | None = None
) -> UndoState:
    """Read how everything stands that may be taken back. `tell` hears in words how far that is.

    AWS operations: iam Get/List for principals and policies, and for what keeps them; those of `look_everywhere`; s3
    ListBuckets. Raises ProblemError when AWS can't be reached.
    """
    regions = tuple(dict.fromkeys((*regions_of(aws.partition), *reading.regions)))
    with ThreadPoolExecutor(max_workers=8) as pool:
        principals = {who: pool.submit(read_principal, aws, *who) for who in sorted(reading.principals)}
        held = {who: pool.submit(_held, aws, *who) for who in sorted(reading.principals)}
        alike = pool.submit(_alike, aws) if reading.policies_too else None
        looks = reading.functions or reading.surroundings
        everywhere = pool.submit(look_everywhere, aws, regions, logs=reading.surroundings, tell=tell) if looks else None
        buckets = pool.submit(_buckets, aws) if reading.surroundings else None
        arns = sorted(reading.policies | set(alike.result() if alike else ()))
        policies = {arn: pool.submit(read_standing, aws, arn) for arn in arns}
        return UndoState(
            runs=tuple(runs),
            principals={who: future.result() for who, future in principals.items()},
            held={who: future.result() for who, future in held.items()},
            policies={arn: future.result() for arn, future in policies.items()},
            variables={path: _variables(path) for path in reading.env_files},
            profiles={place: _profile_key(*place) for place in reading.profiles},
            everywhere=everywhere.result() if everywhere else Everywhere(),
            buckets=buckets.result() if buckets else Fact(),
        )


def read_standing(aws: Aws, arn: str) -> Fact[StandingPolicy]:
    """Read a customer-managed policy with all its versions."""
    fact = read_managed(aws, arn)
    policy = fact.value
    if policy is None:
        return Fact(fact.state, None, fact.problem)
    iam = aws.client("iam")

    def read() -> StandingPolicy:
        versions = {policy.default_version: policy.document}
        for version in policy.versions:
            if version not in versions:
                found = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]
                versions[version] = read_document(found["Document"])
        return StandingPolicy(policy, versions)

    return read_fact(read, f"reading the versions of {policy.name}")


def _held(aws: Aws, kind: str, name: str) -> tuple[str, ...]:
    """What keeps a user or role from being deleted, besides policies and keys. What may not be read, AWS itself minds."""
    iam = aws.client("iam")
    if kind == "role":
        profiles = _known(lambda: read_pages(iam, "list_instance_profiles_for_role", "InstanceProfiles", RoleName=name))
        return tuple(f"is in the instance profile {p['InstanceProfileName']}" for p in profiles or ())
    reads: dict[str, Callable[[], Any]] = {
        "can sign in to the AWS console": lambda: iam.get_login_profile(UserName=name)["LoginProfile"],
        "has an MFA device": lambda: read_pages(iam, "list_mfa_devices", "MFADevices", UserName=name),
        "has an SSH key": lambda: read_pages(iam, "list_ssh_public_keys", "SSHPublicKeys", UserName=name),
        "has a signing certificate": lambda: read_pages(
            iam, "list_signing_certificates", "Certificates", UserName=name
        ),
        "has credentials for another service, such as Git": lambda: iam.list_service_specific_credentials(
            UserName=name
        )["ServiceSpecificCredentials"],
    }
    return tuple(text for text, read in reads.items() if _known(read))


def _known(read: Callable[[], T]) -> T | None:
    """What can be read; None also where it may not be, or an emulator does not know the call."""
    try:
        return read_fact(read).value
    except ProblemError:
        return None


def _alike(aws: Aws) -> list[str]:
    """The ARNs of the account's own policies that have a name as the wizard gives them."""
    listed = _known(lambda: read_pages(aws.client("iam"), "list_policies", "Policies", Scope="Local"))
    return [str(p["Arn"]) for p in listed or () if str(p["PolicyName"]).startswith("remotion-")]


def _buckets(aws: Aws) -> Fact[tuple[str, ...]]:
    def read() -> tuple[str, ...]:
        return tuple(sorted(str(bucket["Name"]) for bucket in remotion_buckets(aws.client("s3"))))

    try:
        return read_fact(read, "listing the buckets")
    except ProblemError as error:  # a region that is off or blocked must not stop what is about IAM, which is global
        return Fact.denied(error.problem)


def _variables(path: str) -> Mapping[str, str] | None:
    try:
        return env_file.variables_of(Path(path))
    except ProblemError:
        return None


def _profile_key(path: str, profile: str) -> str | None:
    try:
        section = aws_profile.read_profile(Path(path), profile)
    except ProblemError:
        return None
    return None if section is None else section.get("aws_access_key_id", "")
