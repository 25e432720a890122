"""The preflight of output buckets: reads only, each fact by itself, so that one refusal hides nothing else.

AWS operations: s3 ListBuckets, HeadBucket, GetBucketLocation, GetBucketOwnershipControls, GetPublicAccessBlock,
GetBucketEncryption, GetBucketPolicy, GetBucketVersioning, GetObjectLockConfiguration; s3control GetPublicAccessBlock;
kms DescribeKey, GetKeyPolicy, ListGrants.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from wizard.account import listing
from wizard.account.connect import Aws
from wizard.account.errors import code_of, is_absent, problem_of
from wizard.account.snapshot import Fact, Identity
from wizard.output.facts import BucketFacts, Encryption, Key, ObjectLock, Owner
from wizard.policy import documents

T = TypeVar("T")
_NOT_SET: Final = {
    "OwnershipControlsNotFoundError",
    "NoSuchPublicAccessBlockConfiguration",
    "ServerSideEncryptionConfigurationNotFoundError",
    "NoSuchBucketPolicy",
    "ObjectLockConfigurationNotFoundError",
}


@dataclass(frozen=True)
class BucketEntry:
    """A bucket of the account, for picking one."""

    name: str
    region: str = ""


def own_buckets(aws: Aws) -> tuple[BucketEntry, ...]:
    """Return the account's buckets. AWS operation: s3:ListBuckets. Raises ProblemError if they may not be listed."""
    try:
        found = listing.own_buckets(aws.client("s3"))
    except Exception as error:
        raise problem_of(error, "listing the account's buckets") from error
    entries = (BucketEntry(str(b["Name"]), str(b.get("BucketRegion") or "")) for b in found)
    return tuple(sorted(entries, key=lambda entry: entry.name))


def read_buckets(aws: Aws, identity: Identity, names: Sequence[str], key: str = "") -> dict[str, BucketFacts]:
    """Read the buckets of these names, side by side. `key` is a KMS key's ARN that the person named."""
    if not names:
        return {}
    mine = _fact(lambda: frozenset(b.name for b in own_buckets(aws)), "listing the account's buckets")
    with ThreadPoolExecutor(max_workers=8) as pool:
        found = [pool.submit(read_bucket, aws, identity, name, mine, key) for name in names]
        return {name: future.result() for name, future in zip(names, found, strict=True)}


def read_bucket(
    aws: Aws, identity: Identity, name: str, mine: Fact[frozenset[str]] | None = None, key: str = ""
) -> BucketFacts:
    """Read everything about one bucket that matters for Remotion's output. Never raises for what AWS answers."""
    status, region = _head(aws, name)
    listed = name in (mine.value or frozenset()) if mine is not None else False
    if status == 404:
        return BucketFacts(name, Owner.ABSENT)
    owner = _owner(aws, identity, name, status, listed, mine)
    s3 = aws.client("s3", region)
    asked = {"Bucket": name}
    encryption = _fact(lambda: _encryption(s3.get_bucket_encryption(**asked)), "reading the encryption")
    return BucketFacts(
        name=name,
        owner=owner,
        region=region or _location(s3, name),
        readable=status == 200,
        ownership=_fact(lambda: _ownership(s3.get_bucket_ownership_controls(**asked)), "reading object ownership"),
        blocked=_fact(lambda: _blocks(s3.get_public_access_block(**asked)), "reading the public access block"),
        account_blocked=_account_block(aws, identity) if owner is not Owner.OTHER else Fact(),
        encryption=encryption,
        key=_key(aws, region, encryption.value, key),
        policy=_fact(lambda: documents.parse(s3.get_bucket_policy(**asked)["Policy"]), "reading the bucket policy"),
        versioning=_fact(lambda: str(s3.get_bucket_versioning(**asked).get("Status") or ""), "reading versioning"),
        lock=_fact(lambda: _lock(s3.get_object_lock_configuration(**asked)), "reading Object Lock"),
    )


def _head(aws: Aws, name: str, owner: str = "") -> tuple[int, str]:
    """The HTTP status of HeadBucket, and the region that S3 tells even where it refuses; 0 where no answer came."""
    asked = {"Bucket": name} | ({"ExpectedBucketOwner": owner} if owner else {})
    try:
        answer: Mapping[str, Any] = aws.client("s3").head_bucket(**asked)
        return 200, str(answer.get("BucketRegion") or _region_of(answer))
    except Exception as error:
        response: Any = getattr(error, "response", None)
        if not isinstance(response, dict):
            return 0, ""
        return int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)), _region_of(response)


def _region_of(response: Mapping[str, Any]) -> str:
    headers: Mapping[str, str] = response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    return str(headers.get("x-amz-bucket-region", ""))


def _owner(
    aws: Aws, identity: Identity, name: str, status: int, listed: bool, mine: Fact[frozenset[str]] | None
) -> Owner:
    """Whose it is: in the account's list; else HeadBucket tells with the account's number as the expected owner."""
    if listed:
        return Owner.MINE
    if mine is not None and mine.value is not None:
        return Owner.OTHER if status else Owner.UNKNOWN
    if status != 200:
        return Owner.UNKNOWN
    expected, _ = _head(aws, name, identity.account)
    return Owner.MINE if expected == 200 else Owner.OTHER


def _location(s3: Any, name: str) -> str:
    fact = _fact(lambda: s3.get_bucket_location(Bucket=name), "reading the bucket's region")
    if fact.value is None:
        return ""
    constraint = str(fact.value.get("LocationConstraint") or "us-east-1")
    return "eu-west-1" if constraint == "EU" else constraint


def _ownership(answer: Mapping[str, Any]) -> str:
    return str(answer["OwnershipControls"]["Rules"][0]["ObjectOwnership"])


def _blocks(answer: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(name for name, on in answer["PublicAccessBlockConfiguration"].items() if on)


def _account_block(aws: Aws, identity: Identity) -> Fact[frozenset[str]]:
    return _fact(
        lambda: _blocks(aws.client("s3control").get_public_access_block(AccountId=identity.account)),
        "reading the account's public access block",
    )


def _encryption(answer: Mapping[str, Any]) -> Encryption:
    rule = answer["ServerSideEncryptionConfiguration"]["Rules"][0]
    default = rule.get("ApplyServerSideEncryptionByDefault", {})
    return Encryption(
        str(default.get("SSEAlgorithm") or "AES256"),
        str(default.get("KMSMasterKeyID") or ""),
        bool(rule.get("BucketKeyEnabled")),
    )


def _lock(answer: Mapping[str, Any]) -> ObjectLock:
    kept = answer["ObjectLockConfiguration"].get("Rule", {}).get("DefaultRetention", {})
    return ObjectLock(str(kept.get("Mode") or ""), int(kept.get("Days") or 0), int(kept.get("Years") or 0))


def _key(aws: Aws, region: str, encryption: Encryption | None, named: str) -> Fact[Key]:
    if encryption is None:
        return Fact.known(Key(named)) if named else Fact()
    if not encryption.uses_kms or encryption.is_aws_managed:
        return Fact.absent()
    parts = encryption.key.split(":")
    kms = aws.client("kms", parts[3] if len(parts) > 4 else region)
    described = _fact(lambda: kms.describe_key(KeyId=encryption.key)["KeyMetadata"], "reading the key")
    arn = str((described.value or {}).get("Arn") or "") or (encryption.key if ":key/" in encryption.key else named)
    if not arn:
        return Fact(described.state, None, described.problem)
    about = described.value or {}
    policy: Fact[documents.Document] = _fact(
        lambda: documents.parse(kms.get_key_policy(KeyId=arn, PolicyName="default")["Policy"]), "reading the key policy"
    )
    grants = _fact(lambda: kms.list_grants(KeyId=arn)["Grants"], "reading the key's grants")
    allowed: dict[str, frozenset[str]] = {}
    for grant in grants.value or ():
        grantee = str(grant.get("GranteePrincipal", ""))
        if not grant.get("Constraints"):  # one with constraints holds for some objects only
            allowed[grantee] = allowed.get(grantee, frozenset()) | frozenset(map(str, grant.get("Operations", ())))
    manager, state = str(about.get("KeyManager") or ""), str(about.get("KeyState") or "")
    return Fact.known(Key(arn, manager, state, policy, allowed))


def _fact(read: Callable[[], T], doing: str) -> Fact[T]:
    try:
        return Fact.known(read())
    except Exception as error:  # told as "can't tell": a preflight ends with what it could read
        if code_of(error) in _NOT_SET or (is_absent(error) and code_of(error) != "NoSuchBucket"):
            return Fact.absent()
        return Fact.denied(problem_of(error, doing).problem)
