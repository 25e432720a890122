"""Discovery: read the account and this machine into one `AccountSnapshot`. Reads only, side by side."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from wizard.account.connect import Aws, Keys
from wizard.account.errors import is_absent, is_bad_key, is_denied, problem_of
from wizard.account.listing import read_pages
from wizard.account.profiles import credentials_file
from wizard.account.snapshot import (
    AccessKey,
    AccountSnapshot,
    Attached,
    Document,
    Fact,
    GroupPolicy,
    Identity,
    KeyUse,
    LocalState,
    ManagedPolicy,
    Principal,
)
from wizard.handover import aws_profile, env_file, git
from wizard.places import expanded
from wizard.policy import documents
from wizard.problem import Problem, ProblemError
from wizard.quotas.limits import read_region
from wizard.remotion import names
from wizard.secret import Secret

if TYPE_CHECKING:
    from wizard.output.facts import BucketFacts

T = TypeVar("T")


@dataclass(frozen=True)
class Reading:
    """What discovery is to look at, besides the limits of the account.

    `kind` and `principal` name who calls Remotion; `policies` are the names of managed policies that may be ours;
    `operator` is (kind, name) of whoever gets operator permissions; `buckets` are output buckets, `bucket_key` their key.
    """

    kind: str
    principal: str
    render_role: str = names.RENDER_ROLE
    policies: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    boundary: str = ""
    instance_role: str = ""
    operator: tuple[str, str] | None = None
    quotas: bool = False  # whether the requests for quotas matter
    buckets: tuple[str, ...] = ()
    bucket_key: str = ""


def discover(aws: Aws, identity: Identity, reading: Reading, local: LocalState) -> AccountSnapshot:
    """Read everything that planning needs. A denied read is a denied fact.

    AWS operations: iam Get/List for the principals and their policies, GetAccountSummary; lambda GetAccountSettings in
    each region. Raises ProblemError when AWS can't be reached or the credentials fail.
    """
    prefix = f"arn:{identity.partition}:iam::{identity.account}:policy/"
    with ThreadPoolExecutor(max_workers=8) as pool:
        principal = pool.submit(read_principal, aws, reading.kind, reading.principal)
        render_role = pool.submit(read_role, aws, reading.render_role)
        instance_role = pool.submit(read_role, aws, reading.instance_role) if reading.instance_role else None
        operator = pool.submit(read_principal, aws, *reading.operator) if reading.operator else None
        policies = {name: pool.submit(find_managed, aws, prefix + name) for name in reading.policies}
        buckets = pool.submit(_buckets, aws, identity, reading) if reading.buckets else None
        limits = pool.submit(_limits, aws)
        boundary = pool.submit(_policy_exists, aws, reading.boundary)
        role_for_quotas = pool.submit(quota_role, aws)
        settings = {region: pool.submit(read_concurrency, aws, region) for region in reading.regions}
        quotas = {region: pool.submit(read_region, aws, region) for region in reading.regions if reading.quotas}
        return AccountSnapshot(
            identity=identity,
            principal_name=reading.principal,
            principal=principal.result(),
            render_role=render_role.result(),
            instance_role=instance_role.result() if instance_role else Fact(),
            operator=operator.result() if operator else Fact(),
            policies={name: future.result() for name, future in policies.items()},
            buckets=buckets.result() if buckets else {},
            boundary_exists=boundary.result(),
            quota_role=role_for_quotas.result(),
            limits=limits.result(),
            concurrency={region: future.result() for region, future in settings.items()},
            quotas={region: future.result() for region, future in quotas.items()},
            local=local,
        )


def read_principal(aws: Aws, kind: str, name: str) -> Fact[Principal]:
    """Read a user or a role, whichever `kind` says."""
    return read_user(aws, name) if kind == "user" else read_role(aws, name)


def read_entity(aws: Aws, kind: str, name: str) -> Fact[Principal]:
    """Read a user or role by itself, a role with its trust policy: one call. Policies, groups and keys are left out."""
    iam = aws.client("iam")

    def read() -> Principal:
        if kind == "user":
            return _entity("user", iam.get_user(UserName=name)["User"])
        return _entity("role", iam.get_role(RoleName=name)["Role"])

    return read_fact(read, f"reading the {kind} {name}")


def read_user(aws: Aws, name: str) -> Fact[Principal]:
    """Read an IAM user with its policies, groups and what they give, tags and keys."""
    iam = aws.client("iam")

    def read() -> Principal:
        user = _principal(aws, "user", iam.get_user(UserName=name)["User"])
        groups = read_fact(lambda: read_pages(iam, "list_groups_for_user", "Groups", UserName=name))
        names_of_groups = tuple(str(g["GroupName"]) for g in groups.value or ())
        unknown = (GroupPolicy("", document=Fact(groups.state, None, groups.problem)),) if groups.is_unknown else ()
        return replace(
            user,
            groups=names_of_groups,
            group_policies=unknown or _of_groups(aws, names_of_groups),
            access_keys=read_fact(lambda: _keys(iam, name)),
        )

    return read_fact(read, f"reading the user {name}")


def discover_keys(aws: Aws, identity: Identity, user: str, local: LocalState) -> AccountSnapshot:
    """Read what changing an access key needs: the user, its keys and when each was last used, the limits of the account.

    AWS operations: iam GetUser, ListAccessKeys, GetAccessKeyLastUsed, GetAccountSummary. Raises ProblemError as `discover`
    does; a denied read is a denied fact.
    """
    iam = aws.client("iam")
    with ThreadPoolExecutor(max_workers=4) as pool:
        limits = pool.submit(_limits, aws)
        principal = pool.submit(read_entity, aws, "user", user)
        keys = read_fact(lambda: _keys(iam, user), f"listing the access keys of {user}")
        if keys.value is not None:
            uses = pool.map(partial(_use, iam), keys.value)
            keys = Fact.known(tuple(replace(key, use=use) for key, use in zip(keys.value, uses, strict=True)))
        found = principal.result()
        if found.value is not None:
            found = Fact.known(replace(found.value, access_keys=keys))
        return AccountSnapshot(
            identity,
            user,
            found,
            limits=limits.result(),
            local=local,
            read_at=datetime.now(UTC).isoformat(),
        )


def read_role(aws: Aws, name: str) -> Fact[Principal]:
    """Read an IAM role with its trust policy and policies."""

    def read() -> Principal:
        return _principal(aws, "role", aws.client("iam").get_role(RoleName=name)["Role"])

    return read_fact(read, f"reading the role {name}")


def _principal(aws: Aws, kind: str, found: Mapping[str, Any]) -> Principal:
    """Read what users and roles have in common. `found` is the answer of GetUser or GetRole, `kind` "user" or "role"."""
    iam, title = aws.client("iam"), kind.capitalize()
    who = {f"{title}Name": str(found[f"{title}Name"])}
    get = getattr(iam, f"get_{kind}_policy")
    policies = read_pages(iam, f"list_{kind}_policies", "PolicyNames", **who)
    inline = {policy: _inline(partial(get, PolicyName=policy, **who)) for policy in policies}
    attached = read_pages(iam, f"list_attached_{kind}_policies", "AttachedPolicies", **who)
    return replace(
        _entity(kind, found),
        inline=inline,
        inline_sizes=_total(inline),
        attached=tuple(_attached(aws, a) for a in attached),
    )


def _entity(kind: str, found: Mapping[str, Any]) -> Principal:
    """Read what GetUser or GetRole answered."""
    trust = found.get("AssumeRolePolicyDocument")
    return Principal(
        kind=kind,
        name=str(found[f"{kind.capitalize()}Name"]),
        arn=str(found["Arn"]),
        path=str(found["Path"]),
        created=_moment(found.get("CreateDate")),
        boundary=str(found.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", "")),
        tags=_tags(found),
        trust=None if trust is None else read_document(trust),
    )


def _of_groups(aws: Aws, groups: tuple[str, ...]) -> tuple[GroupPolicy, ...]:
    """Read the policies of groups, side by side. A user is in ten groups at most."""
    if not groups:
        return ()
    with ThreadPoolExecutor(max_workers=5) as pool:
        found = pool.map(lambda group: _of_group(aws, group), groups)
        return tuple(policy for policies in found for policy in policies)


def _of_group(aws: Aws, group: str) -> list[GroupPolicy]:
    iam = aws.client("iam")

    def inline() -> list[GroupPolicy]:
        listed = read_pages(iam, "list_group_policies", "PolicyNames", GroupName=group)
        get = partial(iam.get_group_policy, GroupName=group)
        return [GroupPolicy(group, name, "", _inline(partial(get, PolicyName=name))) for name in listed]

    def managed() -> list[GroupPolicy]:
        listed = read_pages(iam, "list_attached_group_policies", "AttachedPolicies", GroupName=group)
        attached = [_attached(aws, a) for a in listed]
        return [GroupPolicy(group, a.name, a.arn, a.document) for a in attached]

    facts = [read_fact(read, f"reading the group {group}") for read in (inline, managed)]
    unread = [GroupPolicy(group, document=Fact(f.state, None, f.problem)) for f in facts if f.is_unknown]
    return [*(policy for fact in facts for policy in fact.value or ()), *unread[:1]]


def read_managed(aws: Aws, arn: str) -> Fact[ManagedPolicy]:
    """Read a customer-managed policy with its default version's document."""
    iam = aws.client("iam")

    def read() -> ManagedPolicy:
        found = iam.get_policy(PolicyArn=arn)["Policy"]
        default = str(found["DefaultVersionId"])
        version = iam.get_policy_version(PolicyArn=arn, VersionId=default)["PolicyVersion"]
        ids = [str(v["VersionId"]) for v in read_pages(iam, "list_policy_versions", "Versions", PolicyArn=arn)]
        return ManagedPolicy(
            name=str(found["PolicyName"]),
            arn=arn,
            document=read_document(version["Document"]),
            default_version=default,
            versions=tuple(sorted(ids, key=lambda v: int(v[1:]))),
            attachments=int(found.get("AttachmentCount", 0)),
            tags=_tags(found),
        )

    return read_fact(read, f"reading the policy {arn.rpartition('/')[2]}")


def find_managed(aws: Aws, arn: str) -> Fact[ManagedPolicy]:
    """Read a customer-managed policy, also where it lies at another path: names are unique in an account."""
    fact = read_managed(aws, arn)
    if not fact.is_absent:
        return fact
    name = arn.rpartition("/")[2].lower()
    try:
        listed = read_pages(aws.client("iam"), "list_policies", "Policies", Scope="Local")
    except Exception:  # denied, or not emulated: there is none where it should be, and that is known
        return fact
    elsewhere = [str(p["Arn"]) for p in listed if str(p["PolicyName"]).lower() == name]
    return read_managed(aws, elsewhere[0]) if elsewhere else fact


def quota_role(aws: Aws) -> Fact[bool]:
    """Read whether the account has the service-linked role of Service Quotas. AWS operation: iam:GetRole."""
    return _role_exists(aws, names.QUOTA_ROLE)


def read_concurrency(aws: Aws, region: str) -> Fact[int]:
    """Read the applied limit of concurrent executions in a region. AWS operation: lambda:GetAccountSettings."""
    doing = f"reading the Lambda limits in {region}"

    def read() -> int:
        settings = aws.client("lambda", region).get_account_settings()
        return int(settings["AccountLimit"]["ConcurrentExecutions"])

    try:
        return Fact.known(read())
    except Exception as error:  # a region that is off or blocked must not stop the set-up of IAM, which is global
        return Fact.denied(problem_of(error, doing).problem)


class UnreadableFile(ProblemError):
    """Raised where a file that the access key may go to can't be read. `key` is the answer that names it."""

    def __init__(self, key: str, problem: Problem) -> None:
        super().__init__(problem)
        self.key = key


def _readable(key: str, read: Callable[[], T]) -> T:
    try:
        return read()
    except ProblemError as error:
        raise UnreadableFile(key, error.problem) from error


def local_state(folder: Path, env_path: str, profile: str) -> LocalState:
    """Read where the access key is to go: the .env file, the profile, and what git would do. Raises UnreadableFile."""
    target = folder / expanded(env_path)
    variables = _readable("credentials.path", lambda: env_file.variables_of(target))
    state = git.git_state(target)
    shared = credentials_file()
    section = _readable("credentials.profile", lambda: aws_profile.read_profile(shared, profile))
    return LocalState(
        env_file=str(target),
        env_exists=target.exists(),
        env_mode=_mode(target),
        env_key_id=variables.get(names.ACCESS_KEY_ID, ""),
        env_has_secret=bool(variables.get(names.SECRET_ACCESS_KEY)),
        env_has_token=bool(variables.get(names.SESSION_TOKEN)),
        env_profile=variables.get(names.PROFILE, ""),
        profile_key_id=(section or {}).get("aws_access_key_id", ""),
        profile_has_secret=bool((section or {}).get("aws_secret_access_key")),
        profile_exists=section is not None,
        credentials_file=str(shared),
        gitignore=str(state.gitignore),
        ignored_by_git=state.ignored,
        tracked_by_git=state.tracked,
    )


def _mode(path: Path) -> int | None:
    """Return who may read a file; None where it is not there, or files have no such mode."""
    try:
        return stat.S_IMODE(path.stat().st_mode) if os.name == "posix" else None
    except OSError:
        return None


def stored_keys(local: LocalState, profile: str = "") -> tuple[Keys | None, str]:
    """Return the credentials that lie in the .env file, or in `profile`, and where that is, for people. None if none do."""
    try:
        if profile:
            section = aws_profile.read_profile(Path(local.credentials_file), profile) or {}
            key, secret = section.get("aws_access_key_id", ""), section.get("aws_secret_access_key", "")
            return (Keys(key, Secret(secret)) if key and secret else None), f"the AWS profile {profile}"
        variables = env_file.variables_of(Path(local.env_file))
    except ProblemError:
        return None, ""
    key, secret = variables.get(names.ACCESS_KEY_ID, ""), variables.get(names.SECRET_ACCESS_KEY, "")
    token = variables.get(names.SESSION_TOKEN, "")
    keys = Keys(key, Secret(secret), Secret(token) if token else None) if key and secret else None
    return keys, Path(local.env_file).name


def secret_is_damaged(aws: Aws, keys: Keys) -> bool:
    """Whether AWS refuses stored credentials of an active key: a character of the secret was lost, say.

    AWS operation: sts:GetCallerIdentity. Anything else that goes wrong tells nothing about the secret.
    """
    try:
        aws.with_keys(keys).client("sts").get_caller_identity()
    except Exception as error:
        return is_bad_key(error)
    return False


def _buckets(aws: Aws, identity: Identity, reading: Reading) -> Mapping[str, BucketFacts]:
    from wizard.output.preflight import read_buckets

    return read_buckets(aws, identity, reading.buckets, reading.bucket_key)


def read_fact(read: Callable[[], T], doing: str = "") -> Fact[T]:
    """Return what `read` reads as a fact: known, absent, or denied. Raises ProblemError for anything else that goes wrong."""
    try:
        return Fact.known(read())
    except Exception as error:
        if is_absent(error):
            return Fact.absent()
        found = problem_of(error, doing or "reading from IAM")
        if is_denied(error):
            return Fact.denied(found.problem)
        raise found from error


def _inline(get: Callable[[], Mapping[str, Any]]) -> Fact[Document]:
    return read_fact(lambda: read_document(get()["PolicyDocument"]))


def _limits(aws: Aws) -> Mapping[str, int]:
    fact = read_fact(lambda: aws.client("iam").get_account_summary()["SummaryMap"], "reading the limits of the account")
    return {str(k): int(v) for k, v in (fact.value or {}).items()}


def _policy_exists(aws: Aws, arn: str) -> Fact[bool]:
    if not arn:
        return Fact()
    return read_fact(lambda: bool(aws.client("iam").get_policy(PolicyArn=arn)["Policy"]), f"reading the policy {arn}")


def _role_exists(aws: Aws, name: str) -> Fact[bool]:
    return read_fact(lambda: bool(aws.client("iam").get_role(RoleName=name)["Role"]), f"reading the role {name}")


def _attached(aws: Aws, entry: Mapping[str, Any]) -> Attached:
    name, arn = str(entry["PolicyName"]), str(entry["PolicyArn"])
    iam = aws.client("iam")

    def read() -> Document:
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        return read_document(iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"])

    return Attached(name, arn, read_fact(read))


def _keys(iam: Any, user: str) -> tuple[AccessKey, ...]:
    listed = read_pages(iam, "list_access_keys", "AccessKeyMetadata", UserName=user)
    return tuple(
        AccessKey(str(k["AccessKeyId"]), k["Status"] == "Active", _moment(k.get("CreateDate"))) for k in listed
    )


def _use(iam: Any, key: AccessKey) -> Fact[KeyUse]:
    def read() -> KeyUse:
        used = iam.get_access_key_last_used(AccessKeyId=key.id)["AccessKeyLastUsed"]
        when = _moment(used.get("LastUsedDate"))  # there is none for a key that was never used
        return KeyUse(when, str(used.get("ServiceName", "")), str(used.get("Region", ""))) if when else KeyUse()

    return read_fact(read, f"reading when the access key {key.id} was last used")


def read_document(value: Any) -> Document:
    """Return a policy document. boto3 gives it parsed; some emulators give text."""
    return documents.parse(value) if isinstance(value, str) else dict(value)


def _total(inline: Mapping[str, Fact[Document]]) -> int:
    return sum(documents.size(fact.value) for fact in inline.values() if fact.value is not None)


def _tags(found: Mapping[str, Any]) -> dict[str, str]:
    return {str(t["Key"]): str(t["Value"]) for t in found.get("Tags", [])}


def _moment(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else ""
