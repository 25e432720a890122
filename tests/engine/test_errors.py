"""Every error of AWS and botocore becomes a problem: what, on what, who can mend it, and the exit code that fits."""

from __future__ import annotations

import json

import botocore.exceptions as b
import pytest
from botocore.parsers import ResponseParserError

from wizard.account.errors import (
    code_of,
    is_absent,
    is_denied,
    layer_of,
    may_have_happened,
    message_of,
    problem_of,
)
from wizard.problem import ExitCode, Problem

ARN = "arn:aws:iam::123456789012:user/ada"
USER = f"User: {ARN} is not authorized to perform: iam:CreateUser"


def client_error(code: str, message: str = "", status: int = 400) -> b.ClientError:
    response = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return b.ClientError(response, "CreateUser")  # type: ignore[arg-type]


# Wordings: AWS IAM User Guide, "Troubleshoot access denied error messages"
DENIED = [
    (
        f"{USER} on resource: {ARN} because no identity-based policy allows the iam:CreateUser action",
        "missing-statement",
        "administrator of the account",
    ),
    (
        f"{USER} on resource: {ARN} with an explicit deny in an identity-based policy",
        "explicit-deny",
        "wrote the policy with the Deny",
    ),
    (
        f"{USER} on resource: {ARN} with an explicit deny in a service control policy",
        "scp",
        "administrator of your AWS organisation",
    ),
    (f"{USER} because no service control policy allows the iam:CreateUser action", "scp", "organisation"),
    (f"{USER} with an explicit deny in a resource control policy", "rcp", "organisation"),
    (
        f"{USER} because no permissions boundary allows the iam:CreateUser action",
        "permissions-boundary",
        "set the permissions boundary",
    ),
    (f"{USER} with an explicit deny in a permissions boundary", "permissions-boundary", "set the permissions boundary"),
    (f"{USER} because no session policy allows the iam:CreateUser action", "session-policy", "session policy"),
    (f"{USER} with an explicit deny in a session policy", "session-policy", "session policy"),
    (f"{USER} with an explicit deny in a resource-based policy", "explicit-deny", "Deny"),
    (f"{USER} with an explicit deny in a VPC endpoint policy", "explicit-deny", "Deny"),
    (f"{USER} on resource: {ARN}", "", "administrator of the account"),
    (f"{USER} on resource: {ARN} with an explicit deny", "", "administrator of the account"),
]


@pytest.mark.parametrize("code", ["AccessDenied", "AccessDeniedException", "UnauthorizedOperation"])
@pytest.mark.parametrize(
    ("message", "layer", "who"), DENIED, ids=[f"{n}-{layer}" for n, (_, layer, _) in enumerate(DENIED)]
)
def test_a_denial_names_the_action_the_layer_and_who_can_change_it(
    code: str, message: str, layer: str, who: str
) -> None:
    error = client_error(code, message, 403)
    found = problem_of(error, "creating the user")
    assert is_denied(error) and not is_absent(error)
    assert layer_of(message) == layer
    assert found.problem.title == "You may not call iam:CreateUser."
    assert ARN in found.problem.detail
    assert who in found.problem.remedy
    assert found.exit_code is ExitCode.DOES_NOT_HOLD


def test_a_denial_without_words_says_what_was_tried() -> None:
    found = problem_of(client_error("AccessDenied", "Forbidden", 403), "reading the user ada")
    assert found.problem.title == "AWS refused reading the user ada."


@pytest.mark.parametrize(
    ("code", "says", "remedy"),
    [
        ("InvalidClientTokenId", "does not know this access key", "aws configure --profile acme"),
        ("UnrecognizedClientException", "does not know this access key", "aws configure --profile acme"),
        ("SignatureDoesNotMatch", "secret does not belong", "aws configure --profile acme"),
        ("AuthFailure", "not valid", "aws configure --profile acme"),
        ("ExpiredToken", "have expired", "aws sso login --profile acme"),
        ("ExpiredTokenException", "have expired", "aws sso login --profile acme"),
        ("RequestExpired", "clock", "Set the clock"),
        ("RequestTimeTooSkewed", "clock", "Set the clock"),
    ],
)
def test_credentials_that_aws_does_not_take_end_with_3_and_the_command_that_mends_them(
    code: str, says: str, remedy: str
) -> None:
    found = problem_of(client_error(code, "x", 403), "asking who is calling", "acme")
    assert found.exit_code is ExitCode.NO_ACCESS
    assert says in found.problem.detail and remedy in found.problem.remedy
    assert code in found.problem.detail


CONNECTION: list[tuple[Exception, str, str]] = [
    (b.ProfileNotFound(profile="acme"), "no AWS profile “acme”", "aws configure list-profiles"),
    (b.ConfigParseError(path="/x", error=ValueError("bad")), "configuration file can't be read", "Correct the file"),
    (b.UnauthorizedSSOTokenError(), "has expired", "aws sso login --profile acme"),
    (b.SSOTokenLoadError(error_msg="x"), "has expired", "aws sso login --profile acme"),
    (b.TokenRetrievalError(provider="sso", error_msg="x"), "has expired", "aws sso login --profile acme"),
    (b.LoginRefreshRequired(), "has expired", "aws login --profile acme"),
    (b.LoginTokenLoadError(error_msg="x"), "has expired", "aws login --profile acme"),
    (b.NoCredentialsError(), "No usable AWS credentials", "aws configure --profile acme"),
    (b.PartialCredentialsError(provider="env", cred_var="aws_secret_access_key"), "No usable", "aws configure"),
    (b.CredentialRetrievalError(provider="custom-process", error_msg="x"), "No usable", "aws sso login"),
    (b.NoRegionError(), "No AWS region", "--region us-east-1"),
    (b.EndpointConnectionError(endpoint_url="https://iam.amazonaws.com"), "could not be reached", "connection"),
    (b.ConnectTimeoutError(endpoint_url="https://iam.amazonaws.com"), "could not be reached", "connection"),
    (b.ReadTimeoutError(endpoint_url="https://iam.amazonaws.com"), "could not be reached", "connection"),
    (b.ConnectionClosedError(endpoint_url="https://iam.amazonaws.com"), "could not be reached", "connection"),
    (b.ProxyConnectionError(proxy_url="http://proxy"), "could not be reached", "connection"),
    (b.SSLError(endpoint_url="https://iam.amazonaws.com", error=ValueError("x")), "could not be reached", "connection"),
    (ResponseParserError("<!doctype html>"), "failed", "Try again"),
    (json.JSONDecodeError("x", "", 0), "failed", "Try again"),
    (OSError("boom"), "failed", "Try again"),
]


@pytest.mark.parametrize(("error", "says", "remedy"), CONNECTION, ids=[type(e).__name__ for e, _, _ in CONNECTION])
def test_what_never_reached_aws_ends_with_3_and_the_next_action(error: Exception, says: str, remedy: str) -> None:
    found = problem_of(error, "reading the user", "acme")
    assert found.exit_code is ExitCode.NO_ACCESS
    assert says in found.problem.title and remedy in found.problem.remedy
    assert found.problem.detail


@pytest.mark.parametrize(
    "code", ["Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded"]
)
def test_throttling_asks_to_wait(code: str) -> None:
    assert "Wait a minute" in problem_of(client_error(code, "Rate exceeded"), "creating the user").problem.remedy


@pytest.mark.parametrize("code", ["LimitExceeded", "MalformedPolicyDocument", "InternalFailure", "Strange\x1b[31m"])
def test_any_other_code_is_told_with_its_message(code: str) -> None:
    found = problem_of(client_error(code, "what AWS says"), "creating the user")
    assert found.problem.title == "Creating the user failed."
    assert "what AWS says" in found.problem.detail and "\x1b" not in str(found.problem)


@pytest.mark.parametrize("code", ["NoSuchEntity", "NoSuchEntityException", "ResourceNotFoundException", "404"])
def test_what_does_not_exist_is_absent_and_not_denied(code: str) -> None:
    error = client_error(code)
    assert is_absent(error) and not is_denied(error)


@pytest.mark.parametrize(
    ("error", "happened"),
    [
        (b.ConnectTimeoutError(endpoint_url="x"), False),
        (b.EndpointConnectionError(endpoint_url="x"), False),
        (b.NoCredentialsError(), False),
        (b.ParamValidationError(report="x"), False),
        (b.ReadTimeoutError(endpoint_url="x"), True),
        (b.ConnectionClosedError(endpoint_url="x"), True),
        (b.HTTPClientError(error="x"), True),
        (client_error("InternalFailure", status=500), True),
        (client_error("ServiceUnavailable", status=503), True),
        (client_error("Throttling", status=400), False),
        (client_error("EntityAlreadyExists", status=409), False),
        (ResponseParserError("x"), True),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_write_without_an_answer_may_have_happened(error: Exception, happened: bool) -> None:
    assert may_have_happened(error) is happened


@pytest.mark.parametrize(
    "response",
    [{}, {"Error": {}}, {"Error": {"Code": None}}, {"Error": {"Code": 7, "Message": 8}}, {"Error": None}, None],
)
def test_an_answer_without_form_does_no_harm(response: object) -> None:
    error = client_error("x")
    error.response = response  # type: ignore[assignment]
    assert isinstance(code_of(error), str) and isinstance(message_of(error), str)
    assert isinstance(may_have_happened(error), bool)
    assert isinstance(problem_of(error, "doing").problem, Problem)


def test_text_from_aws_is_plain() -> None:
    found = problem_of(client_error("X", "a\x1b]0;title\x07b\u202ec\x00[bold]"), "doing\x1b[2J")
    assert found.problem.detail == "X: abc[bold]"
    assert "\x1b" not in str(found.problem)
