"""New buckets are as AWS makes them since April 2023, and Remotion's way to open them works."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from wizard.sandbox.calls.s3_defaults import is_public

from .calls_support import ACCOUNT, Aws, policy, refusal, sandbox_account

BUCKET = {"Bucket": "remotionlambda-useast1-abcdef"}
NO_ACLS = ("AccessControlListNotSupported", 400, "The bucket does not allow ACLs")
DENIED = ("AccessDenied", 403, "Access Denied")
PUBLIC = policy(
    {
        "Sid": "PublicReadGetObject",
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{BUCKET['Bucket']}/*",
    }
)
EVERYTHING = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": True,
    "RestrictPublicBuckets": True,
}


@pytest.fixture
def aws() -> Iterator[Aws]:
    with sandbox_account() as account:
        yield account


@pytest.fixture
def s3(aws: Aws) -> Any:
    return aws.client("s3")


def test_a_new_bucket_is_closed_and_encrypted(s3: Any) -> None:
    s3.create_bucket(**BUCKET)
    rules = s3.get_bucket_ownership_controls(**BUCKET)["OwnershipControls"]["Rules"]
    assert rules == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    assert s3.get_public_access_block(**BUCKET)["PublicAccessBlockConfiguration"] == EVERYTHING
    (rule,) = s3.get_bucket_encryption(**BUCKET)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule == {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": False}
    s3.delete_bucket_encryption(**BUCKET)
    assert s3.get_bucket_encryption(**BUCKET)["ServerSideEncryptionConfiguration"]["Rules"] == [rule]


def test_acls_are_refused_while_the_owner_is_enforced(s3: Any) -> None:
    s3.create_bucket(**BUCKET)
    assert refusal(s3.put_bucket_acl, **BUCKET, ACL="public-read") == NO_ACLS
    assert refusal(s3.put_bucket_acl, **BUCKET, ACL="private") == NO_ACLS
    assert refusal(s3.put_object, **BUCKET, Key="a", Body=b"", ACL="public-read") == NO_ACLS
    assert refusal(s3.put_object, **BUCKET, Key="a", Body=b"", ACL="private") == NO_ACLS
    s3.put_object(**BUCKET, Key="a", Body=b"", ACL="bucket-owner-full-control")
    s3.put_object(**BUCKET, Key="a", Body=b"")
    assert refusal(s3.put_object_acl, **BUCKET, Key="a", ACL="public-read") == NO_ACLS


def test_a_bucket_is_not_created_with_an_acl(s3: Any) -> None:
    code, status, message = refusal(s3.create_bucket, **BUCKET, ACL="public-read")
    assert (code, status) == ("InvalidBucketAclWithObjectOwnership", 400)
    assert message == "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting"
    assert refusal(s3.create_bucket, **BUCKET, ACL="public-read", ObjectOwnership="ObjectWriter") == DENIED
    assert refusal(s3.head_bucket, **BUCKET)[1] == 404
    s3.create_bucket(**BUCKET, ACL="private", ObjectOwnership="ObjectWriter")
    rules = s3.get_bucket_ownership_controls(**BUCKET)["OwnershipControls"]["Rules"]
    assert rules == [{"ObjectOwnership": "ObjectWriter"}]


def test_a_public_policy_is_denied_while_blocked(s3: Any) -> None:
    s3.create_bucket(**BUCKET)
    assert refusal(s3.put_bucket_policy, **BUCKET, Policy=json.dumps(PUBLIC)) == DENIED
    private = policy({**PUBLIC["Statement"][0], "Principal": {"AWS": ACCOUNT}})
    s3.put_bucket_policy(**BUCKET, Policy=json.dumps(private))
    assert refusal(s3.put_bucket_policy, **BUCKET, Policy="[")[0] == "MalformedPolicy"


def test_remotions_way_to_a_public_bucket(s3: Any) -> None:
    s3.create_bucket(**BUCKET)
    s3.delete_bucket_ownership_controls(**BUCKET)
    s3.delete_public_access_block(**BUCKET)
    s3.put_bucket_policy(**BUCKET, Policy=json.dumps(PUBLIC))
    s3.put_bucket_acl(**BUCKET, ACL="private")
    s3.put_object(**BUCKET, Key="a", Body=b"x", ACL="public-read")
    s3.put_object_acl(**BUCKET, Key="a", ACL="public-read")
    assert refusal(s3.get_bucket_ownership_controls, **BUCKET)[1] == 404
    assert refusal(s3.get_public_access_block, **BUCKET)[1] == 404


def test_the_public_access_block_alone_refuses_public_acls(s3: Any) -> None:
    s3.create_bucket(**BUCKET)
    s3.delete_bucket_ownership_controls(**BUCKET)
    assert refusal(s3.put_bucket_acl, **BUCKET, ACL="public-read") == DENIED
    assert refusal(s3.put_object, **BUCKET, Key="a", Body=b"", ACL="public-read") == DENIED
    s3.put_bucket_acl(**BUCKET, ACL="private")


def test_the_accounts_public_access_block_counts_for_every_bucket(aws: Aws, s3: Any) -> None:
    s3.create_bucket(**BUCKET)
    s3.delete_bucket_ownership_controls(**BUCKET)
    s3.delete_public_access_block(**BUCKET)
    aws.client("s3control").put_public_access_block(AccountId=ACCOUNT, PublicAccessBlockConfiguration=EVERYTHING)
    assert refusal(s3.put_bucket_policy, **BUCKET, Policy=json.dumps(PUBLIC)) == DENIED
    assert refusal(s3.put_bucket_acl, **BUCKET, ACL="public-read") == DENIED


def test_multipart_uploads_are_checked_as_well(s3: Any) -> None:
    s3.create_bucket(**BUCKET)
    assert refusal(s3.create_multipart_upload, **BUCKET, Key="a", ACL="public-read") == NO_ACLS
    s3.create_multipart_upload(**BUCKET, Key="a")


@pytest.mark.parametrize(
    ("element", "public"),
    [
        ({}, True),
        ({"Principal": {"AWS": "*"}}, True),
        ({"Principal": {"AWS": ["*", ACCOUNT]}}, True),
        ({"Effect": "Deny"}, False),
        ({"Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}}}, False),
        ({"Condition": {"StringLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/x"}}}, True),
        ({"Condition": {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}}, False),
        ({"Condition": {"IpAddress": {"aws:SourceIp": "0.0.0.0/1"}}}, True),
        ({"Condition": {"StringEquals": {"aws:Referer": "x"}}}, True),
    ],
)
def test_what_public_means(element: dict[str, Any], public: bool) -> None:
    assert is_public(json.dumps(policy({**PUBLIC["Statement"][0], **element}))) is public
