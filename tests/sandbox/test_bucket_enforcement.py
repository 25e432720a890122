"""Buckets and keys have policies of their own: in this account, in another one, with ACLs, grants and expected owners."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore import UNSIGNED
from botocore.exceptions import ClientError
from moto.s3.models import s3_backends
from moto.s3control.models import s3control_backends

from wizard.sandbox import Sandbox, open_sandbox
from wizard.sandbox.accounts.buckets import (
    BUCKET,
    CLOSED_KEY_BUCKET,
    FOREIGN_BUCKET,
    PUBLISHER,
    make_bucket,
    make_key,
)
from wizard.sandbox.bucket_access import OTHER_ACCOUNT_ID

from .sandbox_support import Clients, allow, deny, document, error_of, trust

ACCOUNT = "123456789012"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/team/render"
NAME = "videos"
OBJECTS = f"arn:aws:s3:::{NAME}/*"
WHERE = {"Bucket": NAME, "Key": "a.mp4"}
KEYS = ("kms:GenerateDataKey", "kms:Decrypt")
PUT_AND_GET = ("s3:PutObject", "s3:GetObject", "s3:PutObjectAcl")


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    opened = open_sandbox(state_root=tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def clients(sandbox: Sandbox) -> Clients:
    return Clients(sandbox)


def denied(call: Callable[[], Any]) -> tuple[str, str, int]:
    with pytest.raises(ClientError) as caught:
        call()
    return error_of(caught.value)


def role(clients: Clients, *statements: Any) -> Any:
    """An S3 client of a session of a role that has exactly these statements; called again, with others."""
    iam = clients("iam")
    try:
        iam.create_role(RoleName="render", Path="/team/", AssumeRolePolicyDocument=trust({"AWS": ROOT}))
    except ClientError:
        for name in iam.list_role_policies(RoleName="render")["PolicyNames"]:
            iam.delete_role_policy(RoleName="render", PolicyName=name)
    if statements:
        iam.put_role_policy(RoleName="render", PolicyName="only", PolicyDocument=document(statements))
    session = clients("sts").assume_role(RoleArn=ROLE, RoleSessionName="session")["Credentials"]
    return clients("s3", key=session)


def policy(*statements: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def for_role(actions: Any, resources: Any = OBJECTS, principal: str = ROLE) -> dict[str, Any]:
    return allow(actions, resources, Principal={"AWS": principal})


def root_of(account: str) -> dict[str, Any]:
    return allow("kms:*", "*", Principal={"AWS": f"arn:aws:iam::{account}:root"})


# ---- another account's bucket


def test_another_accounts_bucket_takes_both_sides(sandbox: Sandbox, clients: Clients) -> None:
    with sandbox.edit():
        make_bucket(NAME, account_id=OTHER_ACCOUNT_ID)
    s3 = role(clients, allow(PUT_AND_GET, OBJECTS))
    code, message, status = denied(lambda: s3.put_object(**WHERE, Body=b""))
    assert (code, status) == ("AccessDenied", 403)
    assert "because no resource-based policy allows the s3:PutObject action" in message
    with sandbox.edit():
        s3_backends[OTHER_ACCOUNT_ID]["aws"].put_bucket_policy(NAME, json.dumps(policy(for_role(PUT_AND_GET))).encode())
    s3.put_object(**WHERE, Body=b"video")
    assert s3.get_object(**WHERE)["Body"].read() == b"video"
    without = role(clients, allow("s3:GetObject", OBJECTS))
    assert (
        "no identity-based policy allows the s3:PutObject" in denied(lambda: without.put_object(**WHERE, Body=b""))[1]
    )


def test_the_other_account_may_delegate_to_this_one_as_a_whole(sandbox: Sandbox, clients: Clients) -> None:
    with sandbox.edit():
        make_bucket(NAME, account_id=OTHER_ACCOUNT_ID, policy=policy(for_role("s3:PutObject", principal=ROOT)))
    role(clients, allow("s3:PutObject", OBJECTS)).put_object(**WHERE, Body=b"")
    assert denied(lambda: role(clients).put_object(**WHERE, Body=b""))[2] == 403
    clients("s3").put_object(**WHERE, Body=b"")  # the administrator of this account


def test_who_is_administrator_here_is_nobody_there(sandbox: Sandbox, clients: Clients) -> None:
    with sandbox.edit():
        make_bucket(NAME, account_id=OTHER_ACCOUNT_ID)
    s3 = clients("s3")
    assert NAME not in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
    for call in (
        lambda: s3.get_bucket_policy(Bucket=NAME),
        lambda: s3.put_bucket_policy(Bucket=NAME, Policy=document([deny("s3:*", OBJECTS, Principal="*")])),
        lambda: s3.get_bucket_encryption(Bucket=NAME),
        lambda: s3.delete_bucket(Bucket=NAME),
        lambda: s3.list_objects_v2(Bucket=NAME),
    ):
        assert denied(call)[2] == 403
    assert denied(lambda: s3.create_bucket(Bucket=NAME))[0] == "BucketAlreadyExists"


def test_a_deny_holds_from_either_side(sandbox: Sandbox, clients: Clients) -> None:
    opened = [for_role("s3:PutObject"), deny("s3:PutObject", OBJECTS, Principal={"AWS": ROLE})]
    with sandbox.edit():
        make_bucket(NAME, account_id=OTHER_ACCOUNT_ID, policy=policy(*opened))
    s3 = role(clients, allow("s3:*"))
    assert "explicit deny in a resource-based policy" in denied(lambda: s3.put_object(**WHERE, Body=b""))[1]


def test_a_condition_on_the_resources_account_knows_whose_it_is(sandbox: Sandbox, clients: Clients) -> None:
    with sandbox.edit():
        make_bucket(NAME, account_id=OTHER_ACCOUNT_ID, policy=policy(for_role("s3:PutObject")))
        make_bucket("own")
    here = {"StringEquals": {"aws:ResourceAccount": ACCOUNT, "s3:ResourceAccount": ACCOUNT}}
    s3 = role(clients, allow("s3:PutObject", Condition=here))
    s3.put_object(Bucket="own", Key="a", Body=b"")
    assert denied(lambda: s3.put_object(**WHERE, Body=b""))[2] == 403


def test_an_expected_owner_that_is_not_the_owner_is_refused_whoever_asks(sandbox: Sandbox, clients: Clients) -> None:
    with sandbox.edit():
        make_bucket(NAME, account_id=OTHER_ACCOUNT_ID, policy=policy(for_role("s3:PutObject")))
        make_bucket("own")
    s3 = role(clients, allow("s3:PutObject"))
    s3.put_object(**WHERE, Body=b"")
    assert denied(lambda: s3.put_object(**WHERE, Body=b"", ExpectedBucketOwner=ACCOUNT))[::2] == ("AccessDenied", 403)
    s3.put_object(**WHERE, Body=b"", ExpectedBucketOwner=OTHER_ACCOUNT_ID)
    admin = clients("s3")
    admin.head_bucket(Bucket="own", ExpectedBucketOwner=ACCOUNT)
    assert denied(lambda: admin.head_bucket(Bucket="own", ExpectedBucketOwner=OTHER_ACCOUNT_ID))[2] == 403


def test_a_refusal_tells_the_region_all_the_same(sandbox: Sandbox, clients: Clients) -> None:
    with sandbox.edit():
        make_bucket(NAME, account_id=OTHER_ACCOUNT_ID, region="eu-west-1")
    with pytest.raises(ClientError) as caught:
        clients("s3").head_bucket(Bucket=NAME)
    assert caught.value.response["ResponseMetadata"]["HTTPHeaders"]["x-amz-bucket-region"] == "eu-west-1"


# ---- ACLs and public access


def test_acls_need_their_permission_and_a_bucket_that_takes_them(sandbox: Sandbox, clients: Clients) -> None:
    with sandbox.edit():
        make_bucket(NAME, acls=True)
        make_bucket("closed")
    s3 = role(clients, allow(PUT_AND_GET))
    s3.put_object(**WHERE, Body=b"", ACL="public-read")
    code, _, status = denied(lambda: s3.put_object(Bucket="closed", Key="a", Body=b"", ACL="private"))
    assert (code, status) == ("AccessControlListNotSupported", 400)
    s3 = role(clients, allow("s3:PutObject"))
    s3.put_object(**WHERE, Body=b"")
    for acl in ("private", "public-read"):
        code, message, _ = denied(lambda acl=acl: s3.put_object(**WHERE, Body=b"", ACL=acl))  # type: ignore[misc]
        assert code == "AccessDenied"
        assert "s3:PutObjectAcl" in message


def test_the_public_access_block_of_the_bucket_owners_account_counts(sandbox: Sandbox, clients: Clients) -> None:
    everything = dict.fromkeys(
        ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), "true"
    )
    with sandbox.edit():
        make_bucket(NAME, acls=True)
        make_bucket(
            "there", account_id=OTHER_ACCOUNT_ID, acls=True, policy=policy(for_role("s3:*", "arn:aws:s3:::there/*"))
        )
        s3control_backends[ACCOUNT]["aws"].put_public_access_block(ACCOUNT, everything)
    s3 = role(clients, allow("s3:*"))
    assert denied(lambda: s3.put_object(**WHERE, Body=b"", ACL="public-read"))[2] == 403
    s3.put_object(**WHERE, Body=b"", ACL="private")
    s3.put_object(Bucket="there", Key="a", Body=b"", ACL="public-read")


# ---- keys


@pytest.mark.parametrize(
    ("key_policy", "identity", "works"),
    [
        (policy(root_of(ACCOUNT)), KEYS, True),
        (policy(root_of(ACCOUNT)), (), False),
        (policy(for_role(KEYS, "*")), (), True),
        (policy(for_role(KEYS, "*")), KEYS, True),
        (policy(for_role("kms:*", "*", f"arn:aws:iam::{ACCOUNT}:user/sandbox-admin")), KEYS, False),
        (policy(root_of(ACCOUNT), deny("kms:GenerateDataKey", "*", Principal={"AWS": ROLE})), KEYS, False),
        (policy(root_of(OTHER_ACCOUNT_ID)), KEYS, False),
    ],
)
def test_the_key_policy_must_let_in_whoever_uploads(
    sandbox: Sandbox, clients: Clients, key_policy: Any, identity: Any, works: bool
) -> None:
    with sandbox.edit():
        make_bucket(NAME, encryption="aws:kms", key=make_key(key_policy).arn)
    statements = [allow(PUT_AND_GET, OBJECTS), *([allow(list(identity))] if identity else [])]
    s3 = role(clients, *statements)
    if works:
        s3.put_object(**WHERE, Body=b"video")
        assert s3.get_object(**WHERE)["Body"].read() == b"video"
    else:
        code, message, status = denied(lambda: s3.put_object(**WHERE, Body=b""))
        assert (code, status) == ("AccessDenied", 403)
        assert "kms:GenerateDataKey" in message


def test_reading_needs_decrypt_and_so_do_the_parts_of_an_upload(sandbox: Sandbox, clients: Clients) -> None:
    with sandbox.edit():
        make_bucket(NAME, encryption="aws:kms", key=make_key().arn)
    s3 = role(clients, allow(PUT_AND_GET, OBJECTS), allow("kms:GenerateDataKey"))
    s3.put_object(**WHERE, Body=b"video")
    s3.head_object(**WHERE)
    assert "kms:Decrypt" in denied(lambda: s3.get_object(**WHERE))[1]
    upload = {**WHERE, "UploadId": s3.create_multipart_upload(**WHERE)["UploadId"]}
    assert "kms:Decrypt" in denied(lambda: s3.upload_part(**upload, PartNumber=1, Body=b"x"))[1]


def test_what_the_request_says_about_encryption_outweighs_the_default(sandbox: Sandbox, clients: Clients) -> None:
    with sandbox.edit():
        key = make_key()
        make_bucket(NAME, encryption="aws:kms", key=key.arn)
        make_bucket("plain")
    s3 = role(clients, allow("s3:PutObject"))
    s3.put_object(**WHERE, Body=b"", ServerSideEncryption="AES256")
    s3.put_object(Bucket="plain", Key="a", Body=b"")
    encrypted = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key.id}
    assert "kms:GenerateDataKey" in denied(lambda: s3.put_object(Bucket="plain", Key="a", Body=b"", **encrypted))[1]


def test_awss_own_key_lets_in_its_account_and_no_other(sandbox: Sandbox, clients: Clients) -> None:
    with sandbox.edit():
        make_bucket(NAME, encryption="aws:kms")
        opened = policy(for_role(PUT_AND_GET, "arn:aws:s3:::there/*"))
        make_bucket("there", account_id=OTHER_ACCOUNT_ID, encryption="aws:kms", policy=opened)
    s3 = role(clients, allow(PUT_AND_GET), allow("kms:*"))
    s3.put_object(**WHERE, Body=b"video")
    s3.get_object(**WHERE)
    assert "kms:GenerateDataKey" in denied(lambda: s3.put_object(Bucket="there", Key="a", Body=b""))[1]


def test_another_accounts_key_takes_both_sides(sandbox: Sandbox, clients: Clients) -> None:
    with sandbox.edit():
        opened = make_key(policy(root_of(OTHER_ACCOUNT_ID), for_role(KEYS, "*")), account_id=OTHER_ACCOUNT_ID)
        shut = make_key(policy(root_of(OTHER_ACCOUNT_ID)), account_id=OTHER_ACCOUNT_ID)
        for name, key in (("opened", opened), ("shut", shut)):
            there = policy(for_role(PUT_AND_GET, f"arn:aws:s3:::{name}/*"))
            make_bucket(name, account_id=OTHER_ACCOUNT_ID, encryption="aws:kms", key=key.arn, policy=there)
    s3 = role(clients, allow(PUT_AND_GET), allow(list(KEYS)))
    s3.put_object(Bucket="opened", Key="a", Body=b"")
    assert denied(lambda: s3.put_object(Bucket="shut", Key="a", Body=b""))[2] == 403
    s3 = role(clients, allow(PUT_AND_GET))
    assert "kms:GenerateDataKey" in denied(lambda: s3.put_object(Bucket="opened", Key="a", Body=b""))[1]


def test_a_grant_lets_in_for_its_operations(sandbox: Sandbox, clients: Clients) -> None:
    with sandbox.edit():
        admin = policy(for_role("kms:*", "*", f"arn:aws:iam::{ACCOUNT}:user/sandbox-admin"))
        key = make_key(admin)
        make_bucket(NAME, encryption="aws:kms", key=key.arn)
    s3 = role(clients, allow(PUT_AND_GET, OBJECTS))
    assert denied(lambda: s3.put_object(**WHERE, Body=b""))[2] == 403
    clients("kms").create_grant(KeyId=key.id, GranteePrincipal=ROLE, Operations=["GenerateDataKey"])
    s3.put_object(**WHERE, Body=b"")
    assert "kms:Decrypt" in denied(lambda: s3.get_object(**WHERE))[1]


def test_a_condition_on_the_way_to_the_key_is_met_by_way_of_s3(sandbox: Sandbox, clients: Clients) -> None:
    via = {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com", "kms:CallerAccount": ACCOUNT}}
    with sandbox.edit():
        key = make_key(policy(allow(list(KEYS), "*", Principal={"AWS": "*"}, Condition=via)))
        make_bucket(NAME, encryption="aws:kms", key=key.arn)
    role(clients, allow(PUT_AND_GET, OBJECTS)).put_object(**WHERE, Body=b"")


def test_a_key_that_names_nobody_else_is_shut_to_the_administrator_too(sandbox: Sandbox, clients: Clients) -> None:
    with sandbox.edit():
        key = make_key(policy(for_role("kms:*", "*", f"arn:aws:iam::{ACCOUNT}:role/team/render")))
    role(clients)
    for call in (
        lambda: clients("kms").describe_key(KeyId=key.id),
        lambda: clients("kms").get_key_policy(KeyId=key.arn, PolicyName="default"),
    ):
        assert denied(call)[0] == "AccessDeniedException"


def test_keys_last_from_one_program_to_the_next(tmp_path: Path) -> None:
    first = open_sandbox("kms-bucket", state_root=tmp_path)
    assert first.warnings == []
    bucket = Clients(first)("s3").get_bucket_encryption(Bucket=BUCKET)
    first.close()
    second = open_sandbox("kms-bucket", state_root=tmp_path)
    clients = Clients(second)
    rule = clients("s3").get_bucket_encryption(Bucket=BUCKET)["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert bucket["ServerSideEncryptionConfiguration"]["Rules"][0] == rule
    key = rule["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"]
    assert clients("kms").describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Enabled"
    made = clients("kms").create_key()["KeyMetadata"]["KeyId"]
    assert clients("kms").describe_key(KeyId=made)["KeyMetadata"]["KeyManager"] == "CUSTOMER"
    assert second.warnings == []
    second.close()


def test_nobody_without_a_signature_gets_past_a_key(sandbox: Sandbox, clients: Clients) -> None:
    with sandbox.edit():
        for name, encryption in (("plain", ""), (NAME, "aws:kms")):
            make_bucket(name, acls=True, encryption=encryption)
            s3_backends[ACCOUNT]["aws"].put_bucket_policy(
                name, document([allow("s3:GetObject", f"arn:aws:s3:::{name}/*", Principal="*")]).encode()
            )
            s3_backends[ACCOUNT]["aws"].put_object(name, "a.mp4", b"video")
    anonymous = clients("s3", signature_version=UNSIGNED)
    assert anonymous.get_object(Bucket="plain", Key="a.mp4")["Body"].read() == b"video"
    assert denied(lambda: anonymous.get_object(**WHERE))[2] == 403


# ---- the scenarios


def test_the_locked_down_bucket_takes_uploads_of_its_publisher_alone(tmp_path: Path) -> None:
    sandbox = open_sandbox("locked-down-bucket", state_root=tmp_path)
    clients = Clients(sandbox)
    admin = clients("s3")
    assert "explicit deny" in denied(lambda: admin.put_object(Bucket=BUCKET, Key="a", Body=b""))[1]
    iam = clients("iam")
    iam.put_role_policy(RoleName=PUBLISHER, PolicyName="put", PolicyDocument=document([allow("s3:*")]))
    arn = f"arn:aws:iam::{ACCOUNT}:role/{PUBLISHER}"
    key = clients("sts").assume_role(RoleArn=arn, RoleSessionName="session")["Credentials"]
    clients("s3", key=key).put_object(Bucket=BUCKET, Key="a", Body=b"")
    blocked = clients("s3control").get_public_access_block(AccountId=ACCOUNT)["PublicAccessBlockConfiguration"]
    assert set(blocked.values()) == {True}
    sandbox.close()


@pytest.mark.parametrize(("name", "bucket"), [("kms-bucket", CLOSED_KEY_BUCKET), ("foreign-bucket", FOREIGN_BUCKET)])
def test_the_other_scenarios_hold_what_they_say(tmp_path: Path, name: str, bucket: str) -> None:
    sandbox = open_sandbox(name, state_root=tmp_path)
    s3 = Clients(sandbox)("s3")
    assert denied(lambda: s3.put_object(Bucket=bucket, Key="a", Body=b""))[2] == 403
    sandbox.close()
