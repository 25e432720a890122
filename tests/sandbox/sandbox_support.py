"""Clients for the tests of the sandbox itself: of its administrator, and of users that hold exactly given policies."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError

from wizard.sandbox import Sandbox

_loader = botocore.session.Session().get_component("data_loader")
_once = {"total_max_attempts": 1, "mode": "standard"}
_patient = {"total_max_attempts": 5, "mode": "standard"}
Statement = Mapping[str, Any]


def session() -> botocore.session.Session:
    """A botocore session that shares the loaded service models, so that a client takes milliseconds."""
    made = botocore.session.Session()
    made.register_component("data_loader", _loader)
    return made


class Clients:
    """Makes clients of one sandbox, in process; with `endpoint` through its server."""

    def __init__(self, sandbox: Sandbox, endpoint: str | None = None) -> None:
        self.sandbox = sandbox
        self.endpoint = endpoint
        self._session = session()
        if endpoint is None:
            sandbox.install(self._session)

    def __call__(
        self,
        service: str,
        region: str = "us-east-1",
        *,
        key: Mapping[str, str] | None = None,
        secret: str | None = None,
        **config: Any,
    ) -> Any:
        """A client of the administrator, or of `key` as CreateAccessKey or AssumeRole answered it."""
        return self._session.create_client(
            service,
            region_name=region,
            endpoint_url=self.endpoint,
            config=Config(retries=_patient if self.sandbox.scenario == "throttled" else _once, **config),  # type: ignore[arg-type]
            aws_access_key_id=key["AccessKeyId"] if key else self.sandbox.access_key_id,
            aws_secret_access_key=secret
            or (key["SecretAccessKey"] if key else self.sandbox.secret_access_key.reveal()),
            aws_session_token=key.get("SessionToken") if key else self._token(),
        )

    def _token(self) -> str | None:
        return self.sandbox.session_token.reveal() if self.sandbox.session_token else None

    def user(self, *statements: Statement, name: str = "someone") -> dict[str, str]:
        """An access key of a new user whose one inline policy holds `statements`."""
        iam = self("iam")
        iam.create_user(UserName=name)
        if statements:
            iam.put_user_policy(UserName=name, PolicyName="only", PolicyDocument=document(statements))
        key: dict[str, str] = iam.create_access_key(UserName=name)["AccessKey"]
        return key


def allow(actions: str | Sequence[str], resources: str | Sequence[str] = "*", **more: Any) -> dict[str, Any]:
    """An Allow statement."""
    return {"Effect": "Allow", "Action": actions, "Resource": resources, **more}


def deny(actions: str | Sequence[str], resources: str | Sequence[str] = "*", **more: Any) -> dict[str, Any]:
    """A Deny statement."""
    return {"Effect": "Deny", "Action": actions, "Resource": resources, **more}


def document(statements: Sequence[Statement]) -> str:
    """A policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def trust(principal: Mapping[str, Any] | str) -> str:
    """A trust policy that lets `principal` assume the role."""
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def error_of(error: ClientError) -> tuple[str, str, int]:
    """Code, message and HTTP status of a failed call."""
    answer: Any = error.response
    return answer["Error"]["Code"], answer["Error"]["Message"], answer["ResponseMetadata"]["HTTPStatusCode"]
