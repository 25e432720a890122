"""Signed calls are allowed exactly what the account's policies allow, and denied the rest in AWS's words."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore import UNSIGNED
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from moto.iam.models import iam_backends

from wizard.sandbox import Sandbox, open_sandbox
from wizard.sandbox.messages import Message
from wizard.sandbox.principals import FULL_AWS_ACCESS, set_service_control_policies

from . import remotion_cli
from .sandbox_support import Clients, allow, deny, document, error_of, trust

ACCOUNT = "123456789012"
USER = f"arn:aws:iam::{ACCOUNT}:user/someone"


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    opened = open_sandbox(state_root=tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def clients(sandbox: Sandbox) -> Clients:
    return Clients(sandbox)


def denied(call: Callable[[], Any]) -> tuple[str, str, int]:
    """Code, message and status of a call that must fail."""
    with pytest.raises(ClientError) as caught:
        call()
    return error_of(caught.value)


def why(call: Callable[[], Any]) -> str:
    """What a denied call says behind the caller: "action on resource because …"."""
    code, message, status = denied(call)
    assert code in {"AccessDenied", "AccessDeniedException"}
    assert status == 403
    return message.split(" is not authorized to perform: ", 1)[-1]


def a_zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("i.js", "exports.h = () => {}")
    return buffer.getvalue()


# ---- signatures


@pytest.mark.parametrize(
    ("service", "call", "wrong_secret", "wrong_key", "anonymous"),
    [
        ("sts", "get_caller_identity", "SignatureDoesNotMatch", "InvalidClientTokenId", "MissingAuthenticationToken"),
        ("iam", "list_users", "SignatureDoesNotMatch", "InvalidClientTokenId", "MissingAuthenticationToken"),
        ("s3", "list_buckets", "SignatureDoesNotMatch", "InvalidAccessKeyId", "AccessDenied"),
        (
            "lambda",
            "list_functions",
            "InvalidSignatureException",
            "UnrecognizedClientException",
            "MissingAuthenticationTokenException",
        ),
        (
            "logs",
            "describe_log_groups",
            "InvalidSignatureException",
            "UnrecognizedClientException",
            "MissingAuthenticationTokenException",
        ),
    ],
)
def test_signatures_are_verified(
    clients: Clients, service: str, call: str, wrong_secret: str, wrong_key: str, anonymous: str
) -> None:
    assert denied(getattr(clients(service, secret="wrong"), call))[::2] == (wrong_secret, 403)
    unknown = {"AccessKeyId": "AKIAUNKNOWNUNKNOWN12", "SecretAccessKey": "x"}
    assert denied(getattr(clients(service, key=unknown), call))[::2] == (wrong_key, 403)
    assert denied(getattr(clients(service, signature_version=UNSIGNED), call))[::2] == (anonymous, 403)


def test_an_inactive_or_deleted_key_is_unknown(clients: Clients) -> None:
    key = clients.user(allow("*"))
    iam = clients("iam")
    iam.update_access_key(UserName="someone", AccessKeyId=key["AccessKeyId"], Status="Inactive")
    assert denied(clients("sts", key=key).get_caller_identity)[0] == "InvalidClientTokenId"
    assert denied(clients("s3", key=key).list_buckets)[0] == "InvalidAccessKeyId"
    iam.update_access_key(UserName="someone", AccessKeyId=key["AccessKeyId"], Status="Active")
    assert clients("sts", key=key).get_caller_identity()["Arn"] == USER
    iam.delete_access_key(UserName="someone", AccessKeyId=key["AccessKeyId"])
    assert denied(clients("sts", key=key).get_caller_identity)[0] == "InvalidClientTokenId"


def signed(sandbox: Sandbox, method: str, url: str, body: bytes = b"", **headers: str) -> Message:
    """A request to IAM signed by the administrator."""
    key = {"AccessKeyId": sandbox.access_key_id, "SecretAccessKey": sandbox.secret_access_key.reveal()}
    return signed_by(key, "iam", method, url, body, **headers)


def signed_by(key: dict[str, str], service: str, method: str, url: str, body: bytes = b"", **headers: str) -> Message:
    """A request signed with `key`, as no SDK would make it."""
    request = AWSRequest(method, url, headers, body)
    signer = (S3SigV4Auth if service == "s3" else SigV4Auth)(
        Credentials(key["AccessKeyId"], key["SecretAccessKey"]), service, "us-east-1"
    )
    signer.add_auth(request)
    return Message(method, url, tuple((key, str(value)) for key, value in request.headers.items()), body)


def test_what_was_signed_can_not_be_changed(sandbox: Sandbox) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    message = signed(sandbox, "POST", "https://iam.amazonaws.com/", b"Action=ListUsers&Version=2010-05-08", **form)
    assert sandbox.answer(message).status == 200
    for changed in (
        replace(message, body=b"Action=ListRoles&Version=2010-05-08"),
        replace(message, url="https://iam.amazonaws.com/?x=1"),
        replace(message, url="https://sts.amazonaws.com/"),
        replace(message, method="PUT"),
    ):
        reply = sandbox.answer(changed)
        assert (reply.status, b"SignatureDoesNotMatch" in reply.body) == (403, True)


def test_a_signature_of_long_ago_is_refused(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    import wizard.sandbox.enforce as module

    form = {"Content-Type": "application/x-www-form-urlencoded"}
    message = signed(sandbox, "POST", "https://iam.amazonaws.com/", b"Action=ListUsers&Version=2010-05-08", **form)

    class Later(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Later:
            return cls.fromtimestamp(datetime.now(UTC).timestamp() + 16 * 60, tz)

    monkeypatch.setattr(module, "datetime", Later)
    reply = sandbox.answer(message)
    assert (reply.status, b"Signature expired" in reply.body) == (403, True)


def test_sessions_need_their_token_and_end(sandbox: Sandbox, clients: Clients) -> None:
    iam = clients("iam")
    arn = iam.create_role(RoleName="r", Path="/a/", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT}))["Role"]["Arn"]
    iam.put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=document([allow("iam:ListUsers")]))
    key = clients("sts").assume_role(RoleArn=arn, RoleSessionName="me")["Credentials"]
    assert clients("sts", key=key).get_caller_identity()["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/r/me"
    assert clients("iam", key=key).list_users()["Users"]
    assert why(clients("iam", key=key).list_roles).startswith(
        "iam:ListRoles on resource: arn:aws:iam::123456789012:role/"
    )
    without = {name: key[name] for name in ("AccessKeyId", "SecretAccessKey")}
    assert denied(clients("iam", key=without).list_users)[0] == "InvalidClientTokenId"
    assert denied(clients("iam", key={**key, "SessionToken": "other"}).list_users)[0] == "InvalidClientTokenId"
    assert denied(clients("lambda", key=without).list_functions)[0] == "UnrecognizedClientException"
    assert denied(clients("s3", key=without).list_buckets)[0] == "InvalidToken"
    from moto.sts.models import sts_backends

    with sandbox.edit():
        session = sts_backends[ACCOUNT]["aws"].assumed_roles[-1]
        session.expiration -= timedelta(hours=2)
    assert denied(clients("iam", key=key).list_users)[0] == "ExpiredToken"
    assert denied(clients("lambda", key=key).list_functions)[0] == "ExpiredTokenException"


# ---- the caller may always ask who it is


def test_everybody_may_ask_who_they_are(clients: Clients) -> None:
    key = clients.user(deny("*"))
    assert clients("sts", key=key).get_caller_identity()["Arn"] == USER


# ---- wording, layer by layer


def test_denials_name_the_layer_that_denied(clients: Clients) -> None:
    iam = clients("iam")
    key = clients.user(allow("*"), deny("iam:ListRoles"))
    as_user = clients("iam", key=key)
    code, message, status = denied(as_user.list_roles)
    assert (code, status) == ("AccessDenied", 403)
    listing = f"iam:ListRoles on resource: arn:aws:iam::{ACCOUNT}:role/"
    assert (
        message
        == f"User: {USER} is not authorized to perform: {listing} with an explicit deny in an identity-based policy"
    )

    policy = iam.create_policy(PolicyName="deny", PolicyDocument=document([deny("iam:ListRoles")]))["Policy"]["Arn"]
    iam.put_user_policy(UserName="someone", PolicyName="only", PolicyDocument=document([allow("*")]))
    iam.attach_user_policy(UserName="someone", PolicyArn=policy)
    assert why(as_user.list_roles) == f"{listing} with an explicit deny in an identity-based policy: {policy}"

    iam.detach_user_policy(UserName="someone", PolicyArn=policy)
    iam.put_user_permissions_boundary(UserName="someone", PermissionsBoundary=policy)
    assert why(as_user.list_roles) == f"{listing} with an explicit deny in a permissions boundary: {policy}"
    assert why(as_user.list_users).endswith("because no permissions boundary allows the iam:ListUsers action")
    iam.delete_user_permissions_boundary(UserName="someone")

    iam.put_user_policy(UserName="someone", PolicyName="only", PolicyDocument=document([allow("s3:*")]))
    assert why(as_user.list_roles) == f"{listing} because no identity-based policy allows the iam:ListRoles action"
    assert why(clients("lambda", key=key).list_functions) == (
        "lambda:ListFunctions on resource: * because no identity-based policy allows the lambda:ListFunctions action"
    )


def test_service_control_policies_bind_even_the_administrator(sandbox: Sandbox, clients: Clients) -> None:
    clients("iam").list_users()
    scp = {"Version": "2012-10-17", "Statement": [deny("iam:ListRoles")]}
    with sandbox.edit():
        set_service_control_policies(ACCOUNT, [[FULL_AWS_ACCESS], [FULL_AWS_ACCESS, scp]])
    assert why(clients("iam").list_roles).endswith("with an explicit deny in a service control policy")
    with sandbox.edit():
        set_service_control_policies(ACCOUNT, [[{"Version": "2012-10-17", "Statement": [allow("sts:*")]}]])
    assert why(clients("iam").list_roles).endswith("because no service control policy allows the iam:ListRoles action")
    with sandbox.edit():
        set_service_control_policies(ACCOUNT, None)
    clients("iam").list_roles()


def test_session_policies_limit_a_session(clients: Clients) -> None:
    arn = clients("iam").create_role(RoleName="r", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT}))["Role"]["Arn"]
    clients("iam").put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=document([allow("iam:*")]))
    key = clients("sts").assume_role(RoleArn=arn, RoleSessionName="me", Policy=document([allow("iam:ListUsers")]))[
        "Credentials"
    ]
    clients("iam", key=key).list_users()
    assert why(clients("iam", key=key).list_roles).endswith("because no session policy allows the iam:ListRoles action")


# ---- resources and conditions


def test_iam_calls_are_held_to_the_entity_they_are_about(clients: Clients) -> None:
    iam = clients("iam")
    iam.create_user(UserName="in-path", Path="/team/")
    iam.create_user(UserName="other")
    key = clients.user(
        allow("iam:GetUser", f"arn:aws:iam::{ACCOUNT}:user/team/*"),
        allow("iam:CreateUser", f"arn:aws:iam::{ACCOUNT}:user/team/*"),
        allow("iam:SimulatePrincipalPolicy", f"arn:aws:iam::{ACCOUNT}:user/someone"),
        allow("iam:*AccessKey*", f"arn:aws:iam::{ACCOUNT}:user/${{aws:username}}"),
    )
    mine = clients("iam", key=key)
    mine.get_user(UserName="in-path")
    mine.create_user(UserName="new", Path="/team/")
    mine.list_access_keys()
    mine.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])
    mine.simulate_principal_policy(PolicySourceArn=USER, ActionNames=["s3:GetObject"])
    assert f"user/other {'because'}" in why(lambda: mine.get_user(UserName="other"))
    assert "user/new2" in why(lambda: mine.create_user(UserName="new2"))
    assert "user/other" in why(lambda: mine.list_access_keys(UserName="other"))
    assert "user/other" in why(
        lambda: mine.simulate_principal_policy(
            PolicySourceArn=f"arn:aws:iam::{ACCOUNT}:user/other", ActionNames=["s3:GetObject"]
        )
    )


def test_conditions_on_iam_calls_are_applied(clients: Clients) -> None:
    boundary = clients("iam").create_policy(PolicyName="b", PolicyDocument=document([allow("*")]))["Policy"]["Arn"]
    key = clients.user(
        allow("iam:CreateUser", Condition={"StringEquals": {"iam:PermissionsBoundary": boundary}}),
        allow("iam:AttachUserPolicy", Condition={"ArnEquals": {"iam:PolicyARN": boundary}}),
        allow("iam:CreateServiceLinkedRole", Condition={"StringLike": {"iam:AWSServiceName": "servicequotas.*"}}),
        allow("iam:TagUser", Condition={"StringEquals": {"aws:RequestTag/team": "video"}}),
        allow("iam:ListUsers", Condition={"StringEquals": {"aws:RequestedRegion": "us-east-1"}}),
        allow("iam:ListRoles", Condition={"Bool": {"aws:SecureTransport": "false"}}),
        allow("iam:ListPolicies", Condition={"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}),
    )
    mine = clients("iam", key=key)
    mine.create_user(UserName="a", PermissionsBoundary=boundary)
    why(lambda: mine.create_user(UserName="b"))
    mine.attach_user_policy(UserName="a", PolicyArn=boundary)
    why(lambda: mine.attach_user_policy(UserName="a", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess"))
    mine.create_service_linked_role(AWSServiceName="servicequotas.amazonaws.com")
    why(lambda: mine.create_service_linked_role(AWSServiceName="lex.amazonaws.com"))
    mine.tag_user(UserName="a", Tags=[{"Key": "team", "Value": "video"}])
    why(lambda: mine.tag_user(UserName="a", Tags=[{"Key": "team", "Value": "audio"}]))
    mine.list_users()
    mine.list_policies(Scope="Local")
    why(mine.list_roles)


def test_a_role_is_assumed_only_by_whom_it_trusts(clients: Clients) -> None:
    iam = clients("iam")
    key = clients.user(allow("sts:AssumeRole"))
    bare = clients.user(name="bare")
    principals = {
        "named": {"AWS": USER},
        "account": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        "service": {"Service": "lambda.amazonaws.com"},
    }
    arns = {
        name: iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust(principal))["Role"]["Arn"]
        for name, principal in principals.items()
    }

    def assume(who: dict[str, str], name: str) -> Any:
        return lambda: clients("sts", key=who).assume_role(RoleArn=arns[name], RoleSessionName="me")

    assume(key, "named")()
    assume(key, "account")()
    assert why(assume(key, "service")) == f"sts:AssumeRole on resource: {arns['service']}"
    why(assume(bare, "named"))
    why(assume(bare, "account"))
    arns["missing"] = f"arn:aws:iam::{ACCOUNT}:role/missing"
    arns["foreign"] = "arn:aws:iam::999999999999:role/named"
    why(assume(key, "missing"))
    why(assume(key, "foreign"))
    anonymous = clients("sts", signature_version=UNSIGNED)
    assert (
        "Not authorized to perform sts:AssumeRoleWithWebIdentity"
        in denied(
            lambda: anonymous.assume_role_with_web_identity(
                RoleArn=arns["named"], RoleSessionName="me", WebIdentityToken="abcd"
            )
        )[1]
    )


S3_CALLS: list[tuple[str, str, dict[str, Any]]] = [
    ("s3:ListAllMyBuckets", "list_buckets", {}),
    ("s3:CreateBucket", "create_bucket", {"Bucket": "remotionlambda-new"}),
    ("s3:ListBucket", "list_objects_v2", {"Bucket": "remotionlambda-b"}),
    ("s3:ListBucket", "list_objects", {"Bucket": "remotionlambda-b"}),
    ("s3:ListBucket", "head_bucket", {"Bucket": "remotionlambda-b"}),
    ("s3:GetBucketLocation", "get_bucket_location", {"Bucket": "remotionlambda-b"}),
    ("s3:PutBucketAcl", "put_bucket_acl", {"Bucket": "remotionlambda-b", "ACL": "private"}),
    ("s3:PutBucketOwnershipControls", "delete_bucket_ownership_controls", {"Bucket": "remotionlambda-b"}),
    ("s3:PutBucketPublicAccessBlock", "delete_public_access_block", {"Bucket": "remotionlambda-b"}),
    ("s3:GetBucketPublicAccessBlock", "get_public_access_block", {"Bucket": "remotionlambda-b"}),
    ("s3:GetEncryptionConfiguration", "get_bucket_encryption", {"Bucket": "remotionlambda-b"}),
    ("s3:GetBucketPolicyStatus", "get_bucket_policy_status", {"Bucket": "remotionlambda-b"}),
    (
        "s3:PutBucketPolicy",
        "put_bucket_policy",
        {
            "Bucket": "remotionlambda-b",
            "Policy": document([{**deny("s3:PutLifecycleConfiguration"), "Principal": {"AWS": ACCOUNT}}]),
        },
    ),
    ("s3:DeleteBucketPolicy", "delete_bucket_policy", {"Bucket": "remotionlambda-b"}),
    (
        "s3:PutLifecycleConfiguration",
        "put_bucket_lifecycle_configuration",
        {
            "Bucket": "remotionlambda-b",
            "LifecycleConfiguration": {
                "Rules": [{"ID": "a", "Status": "Enabled", "Filter": {"Prefix": "r"}, "Expiration": {"Days": 1}}]
            },
        },
    ),
    ("s3:PutLifecycleConfiguration", "delete_bucket_lifecycle", {"Bucket": "remotionlambda-b"}),
    ("s3:PutBucketTagging", "delete_bucket_tagging", {"Bucket": "remotionlambda-b"}),
    ("s3:GetBucketVersioning", "get_bucket_versioning", {"Bucket": "remotionlambda-b"}),
    ("s3:PutEncryptionConfiguration", "delete_bucket_encryption", {"Bucket": "remotionlambda-b"}),
    ("s3:PutBucketCORS", "delete_bucket_cors", {"Bucket": "remotionlambda-b"}),
    ("s3:ListBucketVersions", "list_object_versions", {"Bucket": "remotionlambda-b"}),
    ("s3:ListBucketMultipartUploads", "list_multipart_uploads", {"Bucket": "remotionlambda-b"}),
    ("s3:PutObject", "put_object", {"Bucket": "remotionlambda-b", "Key": "sites/a/x.js", "Body": b"1"}),
    ("s3:GetObject", "get_object", {"Bucket": "remotionlambda-b", "Key": "k"}),
    ("s3:GetObject", "head_object", {"Bucket": "remotionlambda-b", "Key": "k"}),
    ("s3:GetObjectAcl", "get_object_acl", {"Bucket": "remotionlambda-b", "Key": "k"}),
    ("s3:GetObjectTagging", "get_object_tagging", {"Bucket": "remotionlambda-b", "Key": "k"}),
    ("s3:PutObject", "create_multipart_upload", {"Bucket": "remotionlambda-b", "Key": "m"}),
    ("s3:DeleteObject", "delete_object", {"Bucket": "remotionlambda-b", "Key": "k"}),
    ("s3:DeleteBucket", "delete_bucket", {"Bucket": "remotionlambda-empty"}),
]


@pytest.mark.parametrize(("action", "call", "arguments"), S3_CALLS, ids=[f"{call}" for _, call, _ in S3_CALLS])
def test_each_s3_call_needs_its_own_action_on_its_own_resource(
    clients: Clients, action: str, call: str, arguments: dict[str, Any]
) -> None:
    admin = clients("s3")
    for bucket in ("remotionlambda-b", "remotionlambda-empty"):
        admin.create_bucket(Bucket=bucket)
        admin.delete_bucket_ownership_controls(Bucket=bucket)
    if call in {"get_bucket_policy_status", "delete_bucket_policy"}:
        never = {**deny("s3:PutObject"), "Principal": {"AWS": "arn:aws:iam::123456789012:user/nobody"}}
        admin.put_bucket_policy(Bucket="remotionlambda-b", Policy=document([never]))
    admin.put_object(Bucket="remotionlambda-b", Key="k", Body=b"1")
    resource = "*"
    if "Bucket" in arguments:
        resource = "arn:aws:s3:::" + "/".join(arguments[name] for name in ("Bucket", "Key") if name in arguments)
    key = clients.user(deny(action, resource), allow("*"))
    if call.startswith("head_"):
        assert denied(lambda: getattr(clients("s3", key=key), call)(**arguments))[::2] == ("403", 403)
    else:
        assert why(lambda: getattr(clients("s3", key=key), call)(**arguments)) == (
            f'{action} on resource: "{resource}" with an explicit deny in an identity-based policy'
        )
    allowed = clients.user(allow(action, resource), name="allowed")
    getattr(clients("s3", key=allowed), call)(**arguments)


def test_acls_tags_and_copies_need_their_own_permissions(clients: Clients) -> None:
    admin = clients("s3")
    admin.create_bucket(Bucket="mine")
    admin.delete_bucket_ownership_controls(Bucket="mine")
    admin.delete_public_access_block(Bucket="mine")
    admin.put_object(Bucket="mine", Key="source", Body=b"1")
    s3 = clients("s3", key=clients.user(allow(["s3:PutObject", "s3:CreateBucket"])))
    s3.put_object(Bucket="mine", Key="a", Body=b"1")
    assert why(lambda: s3.put_object(Bucket="mine", Key="a", Body=b"1", ACL="public-read")).startswith(
        "s3:PutObjectAcl "
    )
    assert why(lambda: s3.put_object(Bucket="mine", Key="a", Body=b"1", Tagging="a=b")).startswith(
        "s3:PutObjectTagging "
    )
    copy = {"Bucket": "mine", "Key": "source"}
    assert why(lambda: s3.copy_object(Bucket="mine", Key="a", CopySource=copy)).startswith("s3:GetObject ")
    assert why(lambda: s3.create_bucket(Bucket="other", ACL="private")).startswith("s3:PutBucketAcl ")
    listed = {"Objects": [{"Key": "a"}, {"Key": "source"}]}
    one = clients("s3", key=clients.user(allow("s3:DeleteObject", "arn:aws:s3:::mine/a"), name="deleter"))
    assert why(lambda: one.delete_objects(Bucket="mine", Delete=listed)).startswith(
        's3:DeleteObject on resource: "arn:aws:s3:::mine/source"'
    )
    one.delete_objects(Bucket="mine", Delete={"Objects": [{"Key": "a"}]})


def test_conditions_on_s3_calls_are_applied(clients: Clients) -> None:
    clients("s3").create_bucket(Bucket="mine")
    key = clients.user(
        allow("s3:ListBucket", Condition={"StringLike": {"s3:prefix": "renders/*"}}),
        allow("s3:PutObject", Condition={"StringEquals": {"s3:x-amz-server-side-encryption": "AES256"}}),
        allow("s3:CreateBucket", Condition={"StringEquals": {"s3:LocationConstraint": "eu-central-1"}}),
    )
    s3 = clients("s3", key=key)
    s3.list_objects_v2(Bucket="mine", Prefix="renders/a")
    why(lambda: s3.list_objects_v2(Bucket="mine"))
    s3.put_object(Bucket="mine", Key="a", Body=b"", ServerSideEncryption="AES256")
    why(lambda: s3.put_object(Bucket="mine", Key="a", Body=b""))
    there = {"LocationConstraint": "eu-central-1"}
    clients("s3", "eu-central-1", key=key).create_bucket(Bucket="in-frankfurt", CreateBucketConfiguration=there)
    why(lambda: s3.create_bucket(Bucket="in-virginia"))


def test_an_object_that_is_not_there_is_forbidden_to_those_who_may_not_list(clients: Clients) -> None:
    clients("s3").create_bucket(Bucket="mine")
    key = clients.user(allow("s3:GetObject", "arn:aws:s3:::mine/*"))
    s3 = clients("s3", key=key)
    assert why(lambda: s3.get_object(Bucket="mine", Key="nope")) == (
        's3:ListBucket on resource: "arn:aws:s3:::mine" '
        "because no identity-based policy allows the s3:ListBucket action"
    )
    assert denied(lambda: s3.head_object(Bucket="mine", Key="nope"))[0] == "403"
    lister = clients.user(allow(["s3:GetObject", "s3:ListBucket"]), name="lister")
    assert denied(lambda: clients("s3", key=lister).get_object(Bucket="mine", Key="nope"))[0] == "NoSuchKey"
    assert denied(lambda: s3.get_object(Bucket="never-made", Key="nope"))[0] == "NoSuchBucket"


def test_bucket_policies_allow_and_deny(clients: Clients) -> None:
    admin = clients("s3")
    admin.create_bucket(Bucket="mine")
    admin.put_object(Bucket="mine", Key="k", Body=b"1")
    bare = clients("s3", key=clients.user())
    why(lambda: bare.get_object(Bucket="mine", Key="k"))
    admin.put_bucket_policy(
        Bucket="mine", Policy=document([{**allow("s3:GetObject", "arn:aws:s3:::mine/*"), "Principal": {"AWS": USER}}])
    )
    assert bare.get_object(Bucket="mine", Key="k")["Body"].read() == b"1"
    admin.put_bucket_policy(
        Bucket="mine",
        Policy=document([{**deny("s3:PutObject", "arn:aws:s3:::mine/*"), "Principal": {"AWS": USER}}]),
    )
    clients("iam").put_user_policy(UserName="someone", PolicyName="p", PolicyDocument=document([allow("s3:*")]))
    assert why(lambda: bare.put_object(Bucket="mine", Key="k", Body=b"2")).endswith(
        "with an explicit deny in a resource-based policy"
    )
    admin.put_object(Bucket="mine", Key="k", Body=b"3")  # the policy names only the user


def test_what_is_public_is_public_and_nothing_else(clients: Clients) -> None:
    admin = clients("s3")
    admin.create_bucket(Bucket="mine")
    for name in ("site/a", "secret", "open"):
        admin.put_object(Bucket="mine", Key=name, Body=b"1")
    nobody = clients("s3", signature_version=UNSIGNED)

    def get(name: str) -> Callable[[], Any]:
        def read() -> Any:
            return nobody.get_object(Bucket="mine", Key=name)["Body"].read()

        return read

    assert denied(get("site/a"))[:2] == ("AccessDenied", "Access Denied")
    admin.delete_public_access_block(Bucket="mine")
    admin.delete_bucket_ownership_controls(Bucket="mine")
    public = {**allow("s3:GetObject", "arn:aws:s3:::mine/site/*"), "Principal": "*"}
    admin.put_bucket_policy(Bucket="mine", Policy=document([public]))
    admin.put_object_acl(Bucket="mine", Key="open", ACL="public-read")
    assert get("site/a")() == get("open")() == b"1"
    denied(get("secret"))
    denied(lambda: nobody.list_objects_v2(Bucket="mine"))
    denied(lambda: nobody.put_object(Bucket="mine", Key="site/a", Body=b"2"))
    denied(nobody.list_buckets)
    block = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
    admin.put_public_access_block(Bucket="mine", PublicAccessBlockConfiguration=block)
    denied(get("site/a"))
    denied(get("open"))


# ---- Lambda, Logs, Service Quotas


def test_creating_a_function_needs_the_function_the_role_and_each_layer(clients: Clients) -> None:
    iam = clients("iam")
    role = iam.create_role(
        RoleName="remotion-lambda-role", AssumeRolePolicyDocument=trust({"Service": "lambda.amazonaws.com"})
    )
    layer = "arn:aws:lambda:us-east-1:678892195805:layer:remotion-binaries-chromium-arm64:26"
    function = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:remotion-render-x"
    full = [
        allow("lambda:CreateFunction", function),
        allow(
            "iam:PassRole",
            role["Role"]["Arn"],
            Condition={"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}},
        ),
        allow("lambda:GetLayerVersion", "arn:aws:lambda:*:678892195805:layer:remotion-binaries-*"),
    ]
    key = clients.user(*full)
    arguments = {
        "FunctionName": "remotion-render-x",
        "Runtime": "nodejs22.x",
        "Role": role["Role"]["Arn"],
        "Handler": "i.h",
        "Code": {"ZipFile": a_zip()},
        "Layers": [layer],
    }
    expected = {
        0: f"lambda:CreateFunction on resource: {function}",
        1: f"iam:PassRole on resource: {role['Role']['Arn']}",
        2: f"lambda:GetLayerVersion on resource: {layer}",
    }
    for left_out, needed in expected.items():
        left = [statement for index, statement in enumerate(full) if index != left_out]
        iam.put_user_policy(UserName="someone", PolicyName="only", PolicyDocument=document(left))
        told = why(lambda: clients("lambda", key=key).create_function(**arguments))
        assert told == f"{needed} because no identity-based policy allows the {needed.split(' ')[0]} action"
    iam.put_user_policy(UserName="someone", PolicyName="only", PolicyDocument=document(full))
    clients("lambda", key=key).create_function(**arguments)
    why(lambda: clients("lambda", key=key).create_function(**{**arguments, "FunctionName": "other"}))
    why(lambda: clients("lambda", "eu-west-1", key=key).create_function(**arguments))


@pytest.mark.parametrize(
    "name",
    [
        "remotion-render-x",
        f"{ACCOUNT}:function:remotion-render-x",
        f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:remotion-render-x",
    ],
)
def test_a_function_may_be_named_in_every_way(clients: Clients, name: str) -> None:
    iam = clients("iam")
    role = iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust({"Service": "lambda.amazonaws.com"}))
    clients("lambda").create_function(
        FunctionName="remotion-render-x",
        Runtime="nodejs22.x",
        Role=role["Role"]["Arn"],
        Handler="i.h",
        Code={"ZipFile": a_zip()},
    )
    key = clients.user(
        allow(
            ["lambda:PutFunctionEventInvokeConfig", "lambda:TagResource"],
            f"arn:aws:lambda:*:{ACCOUNT}:function:remotion-render-*",
        )
    )
    mine = clients("lambda", key=key)
    if not name[0].isdecimal():  # moto takes no partial ARN there
        mine.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=0)
    mine.tag_resource(Resource=f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:remotion-render-x", Tags={"a": "b"})
    assert f"lambda:GetFunction on resource: arn:aws:lambda:us-east-1:{ACCOUNT}:function:remotion-render-x " in why(
        lambda: mine.get_function(FunctionName=name)
    )
    assert "lambda:InvokeFunction on resource" in why(lambda: mine.invoke(FunctionName=name))


def test_log_groups_and_streams_are_resources(clients: Clients) -> None:
    group = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/aws/lambda/remotion-render-x"
    key = clients.user(
        allow(
            ["logs:CreateLogGroup", "logs:PutRetentionPolicy"],
            "arn:aws:logs:*:*:log-group:/aws/lambda/remotion-render-*",
        ),
        allow("logs:CreateLogStream", f"{group}:*"),
    )
    mine = clients("logs", key=key)
    mine.create_log_group(logGroupName="/aws/lambda/remotion-render-x")
    mine.put_retention_policy(logGroupName="/aws/lambda/remotion-render-x", retentionInDays=14)
    mine.create_log_stream(logGroupName="/aws/lambda/remotion-render-x", logStreamName="s")
    told = why(
        lambda: mine.put_log_events(
            logGroupName="/aws/lambda/remotion-render-x",
            logStreamName="s",
            logEvents=[{"timestamp": 1, "message": "m"}],
        )
    )
    assert told.startswith(f"logs:PutLogEvents on resource: {group}:log-stream:s because")
    assert "log-group:/other because" in why(lambda: mine.create_log_group(logGroupName="/other"))


def test_asking_for_a_quota_may_need_the_service_linked_role(clients: Clients) -> None:
    def ask(region: str) -> Callable[[], Any]:
        wanted = {"ServiceCode": "lambda", "QuotaCode": "L-B99A9384", "DesiredValue": 1000.0}
        return lambda: clients("service-quotas", region, key=key).request_service_quota_increase(**wanted)

    key = clients.user(
        allow("servicequotas:RequestServiceQuotaIncrease", "arn:aws:servicequotas:*:*:lambda/L-B99A9384")
    )
    assert denied(ask("us-east-1"))[0] == "DependencyAccessDeniedException"
    clients("iam").create_service_linked_role(AWSServiceName="servicequotas.amazonaws.com")
    ask("us-east-1")()
    clients("iam").put_user_policy(UserName="someone", PolicyName="only", PolicyDocument=document([allow("s3:*")]))
    assert why(ask("eu-west-1")).startswith(
        "servicequotas:RequestServiceQuotaIncrease on resource: "
        f"arn:aws:servicequotas:eu-west-1:{ACCOUNT}:lambda/L-B99A9384 because"
    )


def test_who_may_create_the_role_gets_it_with_the_first_request(clients: Clients) -> None:
    linked = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/servicequotas.amazonaws.com/*"
    key = clients.user(allow("servicequotas:*"), allow("iam:CreateServiceLinkedRole", linked))
    clients("service-quotas", key=key).request_service_quota_increase(
        ServiceCode="lambda", QuotaCode="L-B99A9384", DesiredValue=1000
    )
    names = [role["RoleName"] for role in clients("iam").list_roles()["Roles"]]
    assert names == ["AWSServiceRoleForServiceQuotas"]


# ---- no way around


@pytest.mark.parametrize(
    ("service", "call", "arguments"),
    [
        ("iam", "generate_service_last_accessed_details", {"Arn": USER}),
        ("cloudtrail", "lookup_events", {}),
        ("accessanalyzer", "validate_policy", {"policyDocument": "{}", "policyType": "IDENTITY_POLICY"}),
        (
            "lambda",
            "list_functions_by_code_signing_config",
            {"CodeSigningConfigArn": "arn:aws:lambda:us-east-1:123456789012:code-signing-config:csc-0123456789abcdef0"},
        ),
        ("organizations", "describe_organization", {}),
        ("account", "list_regions", {}),
    ],
)
def test_what_moto_lacks_is_denied_before_it_is_missing(
    clients: Clients, service: str, call: str, arguments: dict[str, Any]
) -> None:
    key = clients.user(allow("s3:GetObject"))
    code, message, status = denied(lambda: getattr(clients(service, key=key), call)(**arguments))
    assert code in {"AccessDenied", "AccessDeniedException"}
    assert status == 403
    assert "because no identity-based policy allows" in message


def test_a_request_can_not_say_one_thing_to_the_check_and_another_to_the_service(
    sandbox: Sandbox, clients: Clients
) -> None:
    clients("logs").create_log_group(logGroupName="victim")
    clients("iam").create_user(UserName="victim")
    key = clients.user(
        allow("iam:TagUser", "arn:aws:iam::123456789012:user/mine"),
        allow("logs:DescribeLogGroups"),
        allow("lambda:ListFunctions"),
        allow("s3:*", ["arn:aws:s3:::mine", "arn:aws:s3:::mine/*"]),
        allow("s3:PutBucketAcl"),
    )
    clients("iam").create_user(UserName="mine")
    for bucket in ("mine", "victim"):
        clients("s3").create_bucket(Bucket=bucket)
    clients("s3").put_object(Bucket="victim", Key="k", Body=b"1")
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    tag = "Action=TagUser&Version=2010-05-08&Tags.member.1.Key=a&Tags.member.1.Value=b&UserName="
    describe = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "Logs_20140328.DescribeLogGroups"}
    trick = b'{"logGroupName": "victim", "x": "&Action=DeleteLogGroup&logGroupName=victim&"}'
    s3 = "https://s3.us-east-1.amazonaws.com"
    messages = [
        ("iam", "POST", "https://iam.amazonaws.com/?UserName=victim", f"{tag}mine".encode(), form),
        ("iam", "POST", "https://iam.amazonaws.com/", f"{tag}victim&UserName=mine".encode(), form),
        ("iam", "POST", "https://iam.amazonaws.com/", f"{tag}mine&UserName=victim".encode(), form),
        (
            "logs",
            "POST",
            "https://logs.us-east-1.amazonaws.com/?Action=DeleteLogGroup",
            b'{"logGroupName":"victim"}',
            describe,
        ),
        ("logs", "POST", "https://logs.us-east-1.amazonaws.com/", trick, describe),
        (
            "logs",
            "POST",
            "https://logs.us-east-1.amazonaws.com/",
            b"Action=DeleteLogGroup&logGroupName=victim",
            {**describe, **form},
        ),
        (
            "lambda",
            "GET",
            "https://lambda.us-east-1.amazonaws.com/2015-03-31/functions?Action=GetAccountSettings",
            b"",
            {},
        ),
        ("s3", "GET", f"{s3}/mine/../victim/k", b"", {}),
        ("s3", "GET", f"{s3}/mine/%2e%2e/victim/k", b"", {}),
        ("s3", "GET", f"{s3}/mine%2F..%2Fvictim/k", b"", {}),
        ("s3", "PUT", f"{s3}/victim?acl&policy", document([{**allow("s3:*"), "Principal": "*"}]).encode(), {}),
        ("s3", "GET", "https://mine.s3.us-east-1.amazonaws.com/../victim/k", b"", {}),
    ]
    for service, method, url, body, headers in messages:
        reply = sandbox.answer(signed_by(key, service, method, url, body, **headers))
        assert reply.status >= 400 or service in {"logs", "lambda"}, (url, reply)
        assert reply.body != b"1"
        assert b"AccountLimit" not in reply.body
    assert clients("logs").describe_log_groups()["logGroups"]
    assert clients("iam").list_user_tags(UserName="victim")["Tags"] == []
    with pytest.raises(ClientError, match="NoSuchBucketPolicy"):
        clients("s3").get_bucket_policy(Bucket="victim")


def test_a_denied_call_changes_nothing(sandbox: Sandbox, clients: Clients, tmp_path: Path) -> None:
    key = clients.user()
    before = json.dumps(clients("iam").get_account_authorization_details(), default=str)
    why(lambda: clients("iam", key=key).create_user(UserName="x"))
    why(lambda: clients("iam", key=key).delete_user(UserName="sandbox-admin"))
    after = json.loads(json.dumps(clients("iam").get_account_authorization_details(), default=str))
    assert {u["UserName"] for u in after["UserDetailList"]} == {
        u["UserName"] for u in json.loads(before)["UserDetailList"]
    }


def test_a_request_can_not_choose_its_account(sandbox: Sandbox, clients: Clients) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded", "x-moto-account-id": "999999999999"}
    body = b"Action=CreateUser&UserName=x&Version=2010-05-08"
    reply = sandbox.answer(signed(sandbox, "POST", "https://iam.amazonaws.com/", body, **form))
    assert reply.status == 200
    assert "999999999999" not in iam_backends
    assert b"arn:aws:iam::123456789012:user/x" in reply.body


def test_enforcement_can_be_left_off(tmp_path: Path) -> None:
    sandbox = open_sandbox(state_root=tmp_path, enforce=False)
    clients = Clients(sandbox)
    key = clients.user()
    assert clients("iam", key=key, secret="wrong").list_users()["Users"]
    assert clients("sts", key=key).get_caller_identity()["Arn"] == USER
    sandbox.close()


# ---- Remotion's policy, action by action


def test_remotions_user_may_do_what_its_policy_says_and_no_more(clients: Clients) -> None:
    key = clients.user(*remotion_cli.statements("user"))
    s3 = clients("s3", key=key)
    s3.create_bucket(Bucket="remotionlambda-useast1-abc")
    s3.delete_bucket_ownership_controls(Bucket="remotionlambda-useast1-abc")
    s3.delete_public_access_block(Bucket="remotionlambda-useast1-abc")
    s3.put_bucket_acl(Bucket="remotionlambda-useast1-abc", ACL="public-read")
    s3.put_object(Bucket="remotionlambda-useast1-abc", Key="sites/x/index.html", Body=b"1", ACL="public-read")
    s3.list_objects_v2(Bucket="remotionlambda-useast1-abc")
    s3.delete_object(Bucket="remotionlambda-useast1-abc", Key="sites/x/index.html")
    s3.delete_bucket(Bucket="remotionlambda-useast1-abc")
    for call in (
        lambda: s3.create_bucket(Bucket="other"),
        lambda: clients("iam", key=key).create_user(UserName="x"),
        lambda: clients("iam", key=key).get_user(),
        lambda: clients("lambda", key=key).delete_function(FunctionName="other"),
        lambda: clients("lambda", key=key).get_account_settings(),
        lambda: clients("logs", key=key).describe_log_groups(),
        lambda: clients("service-quotas", key=key).list_service_quotas(ServiceCode="lambda"),
    ):
        assert "because no identity-based policy allows" in denied(call)[1]
