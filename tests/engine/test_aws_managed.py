"""What is said about AWS's own policies for Lambda holds for the documents that AWS publishes."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
from moto.iam.aws_managed_policies import aws_managed_policies_data

from wizard.policy.evaluate import Policy, PolicySet, Request, evaluate
from wizard.remotion.aws_managed import AwsManagedPolicy, policies, problem, resolve
from wizard.remotion.regions import PARTITIONS

ACCOUNT = "123456789012"
CURRENT = (
    "AWSLambda_ReadOnlyAccess",
    "AWSLambda_FullAccess",
    "AWSLambdaRole",
    "AWSLambdaBasicExecutionRole",
    "AWSLambdaVPCAccessExecutionRole",
)
RETIRED = {
    "AWSLambdaReadOnlyAccess": "AWSLambda_ReadOnlyAccess",
    "AWSLambdaFullAccess": "AWSLambda_FullAccess",
}


@cache
def every_published_policy() -> dict[str, Any]:
    """AWS's policies as moto ships them."""
    found: dict[str, Any] = json.loads(aws_managed_policies_data)
    return found


def published(policy: AwsManagedPolicy) -> Any:
    return every_published_policy()[policy.name]


def allows(policy: AwsManagedPolicy, action: str) -> bool:
    """Whether the published document allows the action on any resource that a set-up for Remotion could mean."""
    places = {
        "lambda": f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:somebody-elses-function",
        "logs": f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/aws/lambda/somebody-elses-function:log-stream:x",
        "iam": f"arn:aws:iam::{ACCOUNT}:role/admin",
        "s3": "arn:aws:s3:::remotionlambda-useast1-abcdefghij/x",
    }
    resource = places.get(action.partition(":")[0], "*")
    document = Policy(policy.name, published(policy)["Document"])
    context = {"iam:PassedToService": "lambda.amazonaws.com"}
    request = Request(action, resource, f"arn:aws:iam::{ACCOUNT}:user/ada", ACCOUNT, context=context)
    return evaluate(request, PolicySet(identity=(document,))).allowed


def test_the_catalogue_has_the_five_current_policies() -> None:
    assert tuple(policy.name for policy in policies()) == CURRENT


@pytest.mark.parametrize("policy", policies(), ids=lambda policy: policy.name)
def test_what_is_claimed_is_what_the_document_says(policy: AwsManagedPolicy) -> None:
    assert policy.allows and policy.does_not_allow
    assert [action for action in policy.allows if not allows(policy, action)] == []
    assert [action for action in policy.does_not_allow if allows(policy, action)] == []
    assert policy.path == published(policy)["Path"]


@pytest.mark.parametrize("policy", policies(), ids=lambda policy: policy.name)
def test_every_policy_says_what_it_is_in_plain_sentences(policy: AwsManagedPolicy) -> None:
    for text in (policy.allows_text, policy.does_not_text, policy.warning):
        assert text.endswith(".") and len(text) < 330
    assert policy.for_whom and not policy.for_whom.endswith(".")
    assert policy.meant_for in {"person", "execution role"}


def test_read_only_access_does_not_call_functions_and_says_so() -> None:
    found = resolve("AWSLambda_ReadOnlyAccess")
    assert found is not None
    assert "lambda:InvokeFunction" in found.policy.does_not_text
    assert "lambda:InvokeFunction" in found.policy.does_not_allow


def test_full_access_warns_that_any_role_can_be_taken() -> None:
    found = resolve("AWSLambda_FullAccess")
    assert found is not None
    assert allows(found.policy, "iam:PassRole")
    assert "any role" in found.policy.warning and "administrator" in found.policy.warning


@pytest.mark.parametrize("partition", PARTITIONS)
@pytest.mark.parametrize("policy", policies(), ids=lambda policy: policy.name)
def test_names_and_arns_lead_to_the_policy(policy: AwsManagedPolicy, partition: str) -> None:
    arn = policy.arn(partition)
    assert arn.startswith(f"arn:{partition}:iam::aws:policy/")
    for text in (policy.name, policy.name.lower(), f" {policy.name} ", arn, f"{policy.path[1:]}{policy.name}"):
        found = resolve(text)
        assert found is not None, text
        assert (found.policy, found.retired_name, found.sentence) == (policy, "", "")
        assert problem(text) == ""


@pytest.mark.parametrize(("old", "new"), RETIRED.items())
def test_a_retired_name_is_translated_and_said(old: str, new: str) -> None:
    for text in (old, f"arn:aws:iam::aws:policy/{old}"):
        found = resolve(text)
        assert found is not None
        assert (found.policy.name, found.retired_name) == (new, old)
        assert old in found.sentence and new in found.sentence
        assert problem(text) == ""


@pytest.mark.parametrize(
    ("wrong", "guess"),
    [
        ("AWSLambda_ReadOnly", "AWSLambda_ReadOnlyAccess"),
        ("AWSLambdaBasicExecution", "AWSLambdaBasicExecutionRole"),
        ("arn:aws:iam::aws:policy/service-role/AWSLambdaRoles", "AWSLambdaRole"),
        ("AdministratorAccess", ""),
        (f"arn:aws:iam::{ACCOUNT}:policy/video-team", ""),
        ("", ""),
        ("x" * 5000, ""),
    ],
)
def test_an_unknown_name_is_refused_with_what_is_allowed(wrong: str, guess: str) -> None:
    assert resolve(wrong) is None
    said = problem(wrong)
    assert ("Did you mean" in said) is bool(guess)
    assert guess in said and len(said) < 400
    assert all(name in said for name in CURRENT)


def test_a_policy_of_the_account_with_the_same_name_is_not_awss() -> None:
    assert resolve(f"arn:aws:iam::{ACCOUNT}:policy/AWSLambdaRole") is None
