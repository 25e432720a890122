"""What is known about an output bucket: one `BucketFacts`. A read that was refused is unknown, never "off"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from wizard.account.snapshot import Document, Fact

ENFORCED = "BucketOwnerEnforced"  # ACLs are off
ACLS_ON = "ObjectWriter"  # what holds where a bucket has no ownership controls


class Owner(StrEnum):
    """Whose bucket it is."""

    MINE = "mine"
    OTHER = "other"
    ABSENT = "absent"
    UNKNOWN = "unknown"  # it exists, and nothing more may be read


@dataclass(frozen=True)
class Encryption:
    """A bucket's default encryption: AES256, aws:kms or aws:kms:dsse; the key as the bucket names it, "" for aws/s3."""

    algorithm: str
    key: str = ""
    bucket_key: bool = False

    @property
    def uses_kms(self) -> bool:
        return self.algorithm.startswith("aws:kms")

    @property
    def is_aws_managed(self) -> bool:
        """Whether the key is AWS's own, aws/s3, by what the bucket says."""
        return self.uses_kms and (not self.key or self.key.endswith("alias/aws/s3"))


@dataclass(frozen=True)
class Key:
    """A KMS key. `manager` is AWS or CUSTOMER, "" where it can't be told; `grants` are operations by grantee ARN."""

    arn: str
    manager: str = ""
    state: str = ""
    policy: Fact[Document] = field(default_factory=Fact)
    grants: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def account(self) -> str:
        parts = self.arn.split(":")
        return parts[4] if len(parts) > 4 else ""


@dataclass(frozen=True)
class ObjectLock:
    """Object Lock of a bucket: whether new objects are locked by default, and for how long."""

    mode: str = ""
    days: int = 0
    years: int = 0


@dataclass(frozen=True)
class BucketFacts:
    """Everything that matters about one output bucket. Facts are ABSENT where S3 says that there is no such setting."""

    name: str
    owner: Owner
    region: str = ""
    readable: bool = False  # HeadBucket was answered
    ownership: Fact[str] = field(default_factory=Fact)
    blocked: Fact[frozenset[str]] = field(default_factory=Fact)  # the settings of its public access block that are on
    account_blocked: Fact[frozenset[str]] = field(default_factory=Fact)  # the same of the account
    encryption: Fact[Encryption] = field(default_factory=Fact)
    key: Fact[Key] = field(default_factory=Fact)  # only where the bucket is encrypted with one
    policy: Fact[Document] = field(default_factory=Fact)
    versioning: Fact[str] = field(default_factory=Fact)  # "", Enabled or Suspended
    lock: Fact[ObjectLock] = field(default_factory=Fact)

    @property
    def acls_off(self) -> bool | None:
        """Whether ACLs are off; None if that can't be told."""
        if self.ownership.is_absent:
            return False
        return None if self.ownership.value is None else self.ownership.value == ENFORCED

    @property
    def blocks_public_acls(self) -> bool | None:
        """Whether an upload with a public ACL is refused, by the bucket or the account; None if that can't be told."""
        both = (self.blocked, self.account_blocked)
        if any("BlockPublicAcls" in (fact.value or ()) for fact in both):
            return True
        return None if any(fact.is_unknown for fact in both) else False

    @property
    def customer_key(self) -> str:
        """The ARN of the customer key that the bucket is encrypted with; "" if there is none, or it can't be told."""
        key = self.key.value
        return key.arn if key is not None and key.manager != "AWS" else ""
