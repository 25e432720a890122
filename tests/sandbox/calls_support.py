"""A moto account with `calls.install()` in it and an administrator's key, for the tests of `wizard.sandbox.calls`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.iam.models import AccessKey, iam_backends

from wizard.sandbox import calls

ACCOUNT = "123456789012"
LAMBDA_TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"},
    ],
}

calls.install()
_session = boto3.Session()
_once = Config(retries={"total_max_attempts": 1, "mode": "standard"})


class Aws:
    """Clients of the account, signed by its administrator unless told otherwise."""

    def __init__(self) -> None:
        backend = iam_backends[ACCOUNT]["aws"]
        backend.create_user("us-east-1", "admin")
        self.key: AccessKey = backend.create_access_key("admin")

    def client(self, service: str, region: str = "us-east-1", key: Mapping[str, str] | None = None) -> Any:
        """A client. `key` is what CreateAccessKey or an STS call answered."""
        return _session.client(
            service,  # type: ignore[call-overload]
            region_name=region,
            config=_once,
            aws_access_key_id=key["AccessKeyId"] if key else self.key.access_key_id,
            aws_secret_access_key=key["SecretAccessKey"] if key else self.key.secret_access_key,
            aws_session_token=key.get("SessionToken") if key else None,
        )

    def user(self, name: str = "someone", **policies: Mapping[str, Any]) -> str:
        """A user with inline policies; its ARN."""
        iam = self.client("iam")
        arn: str = iam.create_user(UserName=name)["User"]["Arn"]
        for policy, document in policies.items():
            iam.put_user_policy(UserName=name, PolicyName=policy, PolicyDocument=json.dumps(document))
        return arn

    def role(self, name: str = "remotion-lambda-role", trust: Mapping[str, Any] = LAMBDA_TRUST, **more: Any) -> str:
        """A role; its ARN."""
        role = self.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust), **more)
        arn: str = role["Role"]["Arn"]
        return arn


@contextmanager
def sandbox_account() -> Iterator[Aws]:
    """A fresh account in this process."""
    with mock_aws(config={"core": {"mock_credentials": False}}):
        yield Aws()


def statement(effect: str, action: str | list[str], resource: str | list[str] = "*", **more: Any) -> dict[str, Any]:
    """One statement of a policy."""
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


def policy(*statements: Mapping[str, Any]) -> dict[str, Any]:
    """A policy document."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def refusal(call: Callable[..., Any], **parameters: Any) -> tuple[str, int, str]:
    """Code, HTTP status and message of the error that `call` must end in."""
    try:
        call(**parameters)
    except ClientError as error:
        return (
            error.response["Error"]["Code"],
            error.response["ResponseMetadata"]["HTTPStatusCode"],
            error.response["Error"]["Message"],
        )
    raise AssertionError("the call succeeded")
