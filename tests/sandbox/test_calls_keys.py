"""Keys have secrets that no state holds, and STS names the caller as AWS does."""

from __future__ import annotations

import pickle
import re
from collections.abc import Iterator

import pytest
from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

from wizard.sandbox.calls import keys

from .calls_support import ACCOUNT, Aws, policy, refusal, sandbox_account, statement


@pytest.fixture
def aws() -> Iterator[Aws]:
    with sandbox_account() as account:
        yield account


def test_a_secret_follows_from_seed_and_key_id() -> None:
    secret = keys.derive_secret("seed", "AKIAIOSFODNN7EXAMPLE")
    assert re.fullmatch(r"[A-Za-z0-9+/]{40}", secret)
    assert secret == keys.derive_secret("seed", "AKIAIOSFODNN7EXAMPLE")
    assert secret != keys.derive_secret("other", "AKIAIOSFODNN7EXAMPLE")
    assert secret != keys.derive_secret("seed", "AKIAIOSFODNN7EXAMPLF")


def test_created_keys_show_the_derived_secret(aws: Aws) -> None:
    keys.set_seed(ACCOUNT, "fixed")
    aws.user()
    key = aws.client("iam").create_access_key(UserName="someone")["AccessKey"]
    assert re.fullmatch(r"AKIA[A-Z0-9]{16}", key["AccessKeyId"])
    assert key["SecretAccessKey"] == keys.derive_secret("fixed", key["AccessKeyId"])


def test_no_secret_is_in_the_pickled_state(aws: Aws) -> None:
    aws.user()
    role = aws.role()
    key = aws.client("iam").create_access_key(UserName="someone")["AccessKey"]
    session = aws.client("sts").assume_role(RoleArn=role, RoleSessionName="here")["Credentials"]
    own = aws.client("sts", key=key).get_session_token()["Credentials"]
    state = pickle.dumps((dict(iam_backends[ACCOUNT]), dict(sts_backends[ACCOUNT])))
    for credentials in (key, session, own):
        assert credentials["AccessKeyId"].encode() in state
        assert credentials["SecretAccessKey"].encode() not in state
    for credentials in (session, own):
        assert credentials["SessionToken"].encode() not in state
    restored = pickle.loads(state)[0]["aws"]
    assert restored.access_keys[key["AccessKeyId"]].secret_access_key == key["SecretAccessKey"]


def test_the_seed_is_made_once_and_goes_with_a_reset(aws: Aws) -> None:
    seed = keys.seed_of(ACCOUNT)
    assert seed == keys.seed_of(ACCOUNT)
    iam_backends[ACCOUNT]["aws"].reset()
    assert keys.seed_of(ACCOUNT) != seed


def test_the_caller_is_a_user(aws: Aws) -> None:
    caller = aws.client("sts").get_caller_identity()
    assert caller["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/admin"
    assert re.fullmatch(r"AIDA[A-Z0-9]{17}", caller["UserId"])


def test_the_caller_is_a_role_session(aws: Aws) -> None:
    role = aws.role("AWSReservedSSO_Admin_0123", Path="/aws-reserved/sso.amazonaws.com/")
    answer = aws.client("sts").assume_role(RoleArn=role, RoleSessionName="me@example.com")
    assert re.fullmatch(r"ASIA[A-Z0-9]{16}", answer["Credentials"]["AccessKeyId"])
    caller = aws.client("sts", key=answer["Credentials"]).get_caller_identity()
    assert caller["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/AWSReservedSSO_Admin_0123/me@example.com"
    assert caller["UserId"].endswith(":me@example.com")


def test_the_caller_is_a_user_by_a_session_token(aws: Aws) -> None:
    session = aws.client("sts").get_session_token(DurationSeconds=900)["Credentials"]
    sts = aws.client("sts", key=session)
    assert sts.get_caller_identity()["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/admin"
    assert aws.client("iam", key=session).get_user()["User"]["UserName"] == "admin"
    assert refusal(sts.get_session_token)[:2] == ("AccessDenied", 403)
    credential = keys.resolve(session["AccessKeyId"])
    assert credential is not None
    assert (credential.secret, credential.session_token) == (session["SecretAccessKey"], session["SessionToken"])
    assert not credential.expired


def test_the_caller_is_federated(aws: Aws) -> None:
    session = aws.client("sts").get_federation_token(Name="bob")["Credentials"]
    caller = aws.client("sts", key=session).get_caller_identity()
    assert caller["Arn"] == f"arn:aws:sts::{ACCOUNT}:federated-user/bob"


def test_the_caller_is_root(aws: Aws) -> None:
    root = keys.create_root_access_key(ACCOUNT)
    key = {"AccessKeyId": root.access_key_id, "SecretAccessKey": root.secret_access_key}
    assert aws.client("sts", key=key).get_caller_identity()["Arn"] == f"arn:aws:iam::{ACCOUNT}:root"
    assert aws.client("iam", key=key).get_user()["User"]["Arn"] == f"arn:aws:iam::{ACCOUNT}:root"


def test_an_unknown_or_inactive_key_is_an_invalid_client_token(aws: Aws) -> None:
    invalid = ("InvalidClientTokenId", 403, "The security token included in the request is invalid.")
    unknown = {"AccessKeyId": "AKIAIOSFODNN7EXAMPLE", "SecretAccessKey": "x" * 40}
    assert refusal(aws.client("sts", key=unknown).get_caller_identity) == invalid
    aws.user()
    iam = aws.client("iam")
    key = iam.create_access_key(UserName="someone")["AccessKey"]
    iam.update_access_key(UserName="someone", AccessKeyId=key["AccessKeyId"], Status="Inactive")
    assert refusal(aws.client("sts", key=key).get_caller_identity) == invalid
    iam.delete_access_key(UserName="someone", AccessKeyId=key["AccessKeyId"])
    assert keys.resolve(key["AccessKeyId"]) is None


def test_calls_about_the_caller_want_a_user(aws: Aws) -> None:
    session = aws.client("sts").assume_role(RoleArn=aws.role(), RoleSessionName="here")["Credentials"]
    iam = aws.client("iam", key=session)
    expected = ("ValidationError", 400, "Must specify userName when calling with non-User credentials")
    assert refusal(iam.get_user) == expected
    assert refusal(iam.list_access_keys) == expected
    (listed,) = aws.client("iam").list_access_keys()["AccessKeyMetadata"]
    assert listed["UserName"] == "admin"


def test_last_use_names_the_service_namespace(aws: Aws) -> None:
    aws.user(all=policy(statement("Allow", "*")))
    iam = aws.client("iam")
    key = iam.create_access_key(UserName="someone")["AccessKey"]
    unused = iam.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])
    assert unused["UserName"] == "someone"
    assert unused["AccessKeyLastUsed"] == {"ServiceName": "N/A", "Region": "N/A"}
    aws.client("lambda", "eu-central-1", key).list_functions()
    used = iam.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])["AccessKeyLastUsed"]
    assert (used["ServiceName"], used["Region"]) == ("lambda", "eu-central-1")
    assert used["LastUsedDate"].tzinfo is not None


def test_renaming_a_user_keeps_the_keys(aws: Aws) -> None:
    aws.user()
    iam = aws.client("iam")
    key = iam.create_access_key(UserName="someone")["AccessKey"]
    iam.update_user(UserName="someone", NewUserName="other")
    assert aws.client("sts", key=key).get_caller_identity()["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/other"
