"""Accounts with buckets that videos shall go into: encrypted with keys, of somebody else, or locked down."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from moto.kms.models import kms_backends
from moto.s3.models import s3_backends
from moto.s3control.models import s3control_backends

from wizard.sandbox.accounts.account import Account, Document
from wizard.sandbox.bucket_access import OTHER_ACCOUNT_ID
from wizard.sandbox.scenarios import ACCOUNT_ID, REGION

if TYPE_CHECKING:
    from moto.kms.models import Key
    from moto.s3.models import FakeBucket

BUCKET: Final = "acme-videos"
AWS_KEY_BUCKET: Final = "acme-drafts"
CLOSED_KEY_BUCKET: Final = "acme-vault"
FOREIGN_BUCKET: Final = "partner-videos"
KEY_ADMINISTRATOR: Final = "key-administrator"
PUBLISHER: Final = "acme-publisher"
_BLOCK: Final = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


def kms_bucket(account: Account) -> None:
    """Three buckets with SSE-KMS: a key that IAM decides about, AWS's own key, and a key for its administrator alone."""
    account.role(KEY_ADMINISTRATOR, _trusts_account(account))
    make_bucket(BUCKET, encryption="aws:kms", key=make_key(description="videos").arn)
    make_bucket(AWS_KEY_BUCKET, encryption="aws:kms")
    closed = {
        "Sid": "OnlyTheAdministrator",
        "Effect": "Allow",
        "Principal": {"AWS": [account.arn(f"role/{KEY_ADMINISTRATOR}"), account.arn("user/sandbox-admin")]},
        "Action": ["kms:Describe*", "kms:Get*", "kms:List*", "kms:PutKeyPolicy"],
        "Resource": "*",
    }
    key = make_key({"Version": "2012-10-17", "Statement": [closed]}, description="vault")
    make_bucket(CLOSED_KEY_BUCKET, encryption="aws:kms", key=key.arn)
    account.concurrency(1000)


def foreign_bucket(account: Account) -> None:
    """A partner's bucket, of which this account knows the name; its policy lets in the partner's own auditors."""
    auditors = {
        "Sid": "Auditors",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:{account.partition}:iam::{OTHER_ACCOUNT_ID}:root"},
        "Action": "s3:GetObject",
        "Resource": f"arn:{account.partition}:s3:::{FOREIGN_BUCKET}/*",
    }
    make_bucket(FOREIGN_BUCKET, account_id=OTHER_ACCOUNT_ID, policy={"Version": "2012-10-17", "Statement": [auditors]})
    account.concurrency(1000)


def locked_down_bucket(account: Account) -> None:
    """A bucket without ACLs in an account without public access, which only one role may write to."""
    account.role(PUBLISHER, _trusts_account(account))
    arn = f"arn:{account.partition}:s3:::{BUCKET}"
    only_the_publisher = {
        "Sid": "OnlyThePublisherWrites",
        "Effect": "Deny",
        "Principal": "*",
        "Action": ["s3:PutObject", "s3:PutObjectAcl", "s3:DeleteObject"],
        "Resource": f"{arn}/*",
        "Condition": {"ArnNotEquals": {"aws:PrincipalArn": account.arn(f"role/{PUBLISHER}")}},
    }
    over_tls = {
        "Sid": "OnlyOverTls",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    make_bucket(BUCKET, policy={"Version": "2012-10-17", "Statement": [only_the_publisher, over_tls]})
    s3control_backends[account.id][account.partition].put_public_access_block(account.id, dict.fromkeys(_BLOCK, "true"))
    account.concurrency(1000)


def make_bucket(
    name: str,
    *,
    account_id: str = ACCOUNT_ID,
    region: str = REGION,
    acls: bool = False,
    encryption: str = "",
    key: str = "",
    policy: Mapping[str, Any] | None = None,
) -> FakeBucket:
    """Make a bucket as an account's owner would: with `acls` it takes ACLs, public ones too; `encryption` is aws:kms or ""."""
    backend = s3_backends[account_id]["aws"]
    bucket = backend.create_bucket(name, region)
    if acls:
        bucket.ownership_rule = "ObjectWriter"  # type: ignore[assignment]  # a text, whatever moto's annotation says
        bucket.public_access_block = None
    if encryption:
        default = {"SSEAlgorithm": encryption} | ({"KMSMasterKeyID": key} if key else {})
        backend.put_bucket_encryption(
            name, {"Rule": {"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": "false"}}
        )
    if policy is not None:
        backend.put_bucket_policy(name, json.dumps(policy).encode())
    return bucket


def make_key(
    policy: Mapping[str, Any] | None = None,
    *,
    account_id: str = ACCOUNT_ID,
    region: str = REGION,
    description: str = "",
) -> Key:
    """Make a customer key; without a policy it has the one of the console, which leaves the decision to the account's IAM."""
    return kms_backends[account_id][region].create_key(
        json.dumps(policy) if policy is not None else None, "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT", description, []
    )


def _trusts_account(account: Account) -> Document:
    statement = {"Effect": "Allow", "Principal": {"AWS": account.arn("root")}, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [statement]}
