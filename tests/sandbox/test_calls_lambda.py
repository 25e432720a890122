"""Lambda has the calls that Remotion's deployment makes, and knows whose roles and layers it may use."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
from moto.awslambda.models import lambda_backends

from wizard.sandbox.calls import quotas
from wizard.sandbox.calls.lambda_ import hosted_layer

from .calls_support import ACCOUNT, LAMBDA_TRUST, Aws, policy, refusal, sandbox_account

REGION = "eu-central-1"
NAME = "remotion-render-4-0-527-mem2048mb-disk2048mb-120sec"
CHROMIUM = "arn:aws:lambda:eu-central-1:678892195805:layer:remotion-binaries-chromium-arm64:24"
INSIGHTS = "arn:aws:lambda:eu-central-1:580247275435:layer:LambdaInsightsExtension-Arm64:20"
CANNOT_ASSUME = (
    "InvalidParameterValueException",
    400,
    "The role defined for the function cannot be assumed by Lambda.",
)


@pytest.fixture
def aws() -> Iterator[Aws]:
    with sandbox_account() as account:
        yield account


@pytest.fixture
def functions(aws: Aws) -> Any:
    return aws.client("lambda", REGION)


def spec(role: str, **more: Any) -> dict[str, Any]:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("index.js", "exports.handler = async () => ({})")
    return {
        "FunctionName": NAME,
        "Role": role,
        "Runtime": "nodejs22.x",
        "Handler": "index.handler",
        "Code": {"ZipFile": archive.getvalue()},
        **more,
    }


def test_account_settings_show_the_real_limit_and_what_is_unreserved(aws: Aws, functions: Any) -> None:
    quotas.set_concurrency(ACCOUNT, REGION, 500, applied=False)
    functions.create_function(**spec(aws.role()))
    functions.put_function_concurrency(FunctionName=NAME, ReservedConcurrentExecutions=100)
    settings = functions.get_account_settings()
    assert settings["AccountLimit"]["ConcurrentExecutions"] == 500
    assert settings["AccountLimit"]["UnreservedConcurrentExecutions"] == 400
    assert settings["AccountUsage"]["FunctionCount"] == 1
    assert settings["AccountUsage"]["TotalCodeSize"] > 0
    code, status, message = refusal(
        functions.put_function_concurrency, FunctionName=NAME, ReservedConcurrentExecutions=401
    )
    assert (code, status) == ("InvalidParameterValueException", 400)
    assert "below its minimum value of [100]" in message


def test_a_deployment_as_remotion_makes_it(aws: Aws, functions: Any) -> None:
    created = functions.create_function(
        **spec(aws.role(), Layers=[CHROMIUM, INSIGHTS], Architectures=["arm64"], MemorySize=2048, Timeout=120)
    )
    assert [layer["Arn"] for layer in created["Layers"]] == [CHROMIUM, INSIGHTS]
    functions.tag_resource(Resource=created["FunctionArn"], Tags={"a": "b"})
    functions.put_function_event_invoke_config(FunctionName=NAME, MaximumRetryAttempts=1)
    functions.put_function_event_invoke_config(FunctionName=NAME, MaximumRetryAttempts=0)
    assert functions.get_function_event_invoke_config(FunctionName=NAME)["MaximumRetryAttempts"] == 0
    assert functions.get_function(FunctionName=NAME)["Configuration"]["State"] == "Active"
    version = f"arn:aws:lambda:{REGION}::runtime:da57c20c4b965d5b75540f6865a35fc8030358e33ec44ecfed33e90901a27a72"
    managed = functions.put_runtime_management_config(
        FunctionName=NAME, UpdateRuntimeOn="Manual", RuntimeVersionArn=version
    )
    assert managed["RuntimeVersionArn"] == version
    assert functions.get_runtime_management_config(FunctionName=NAME)["UpdateRuntimeOn"] == "Manual"


def test_runtime_management_is_automatic_until_told(aws: Aws, functions: Any) -> None:
    arn = functions.create_function(**spec(aws.role()))["FunctionArn"]
    config = functions.get_runtime_management_config(FunctionName=NAME)
    assert (config["UpdateRuntimeOn"], config["FunctionArn"]) == ("Auto", arn)
    put = functions.put_runtime_management_config
    assert refusal(put, FunctionName=NAME, UpdateRuntimeOn="Manual")[0] == "InvalidParameterValueException"
    assert refusal(put, FunctionName="gone", UpdateRuntimeOn="Auto")[:2] == ("ResourceNotFoundException", 404)


def test_the_role_must_exist_and_trust_lambda(aws: Aws, functions: Any) -> None:
    gone = f"arn:aws:iam::{ACCOUNT}:role/gone"
    assert refusal(functions.create_function, **spec(gone)) == CANNOT_ASSUME
    ec2 = policy({"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"})
    assert refusal(functions.create_function, **spec(aws.role("ec2", ec2))) == CANNOT_ASSUME
    allow = LAMBDA_TRUST["Statement"][0]
    denied = policy(allow, {**dict(allow), "Effect": "Deny"})  # type: ignore[arg-type]
    assert refusal(functions.create_function, **spec(aws.role("denied", denied))) == CANNOT_ASSUME
    assert refusal(functions.create_function, **spec("arn:aws:iam::999999999999:role/r"))[0] == "AccessDeniedException"


@pytest.mark.parametrize(("account", "accepted"), [(ACCOUNT, True), ("999999999999", False)])
def test_a_trust_policy_may_name_the_source_account(aws: Aws, functions: Any, account: str, accepted: bool) -> None:
    trust = policy(
        {
            "Effect": "Allow",
            "Principal": {"Service": ["lambda.amazonaws.com"]},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"aws:SourceAccount": account}},
        }
    )
    create = spec(aws.role("r", trust))
    if accepted:
        functions.create_function(**create)
    else:
        assert refusal(functions.create_function, **create) == CANNOT_ASSUME


def test_changing_the_role_is_checked_too(aws: Aws, functions: Any) -> None:
    functions.create_function(**spec(aws.role()))
    update = functions.update_function_configuration
    assert refusal(update, FunctionName=NAME, Role=f"arn:aws:iam::{ACCOUNT}:role/gone") == CANNOT_ASSUME
    assert update(FunctionName=NAME, Role=aws.role("other"))["Role"].endswith(":role/other")


def test_hosted_layers_answer_and_others_are_denied(aws: Aws, functions: Any) -> None:
    layer, _, number = CHROMIUM.rpartition(":")
    version = functions.get_layer_version(LayerName=layer, VersionNumber=int(number))
    assert (version["LayerVersionArn"], version["Version"]) == (CHROMIUM, 24)
    assert functions.get_layer_version_by_arn(Arn=CHROMIUM)["LayerArn"] == layer
    foreign = "arn:aws:lambda:eu-central-1:999999999999:layer:private"
    code, status, message = refusal(functions.get_layer_version, LayerName=foreign, VersionNumber=1)
    assert (code, status) == ("AccessDeniedException", 403)
    assert "because no resource-based policy allows the lambda:GetLayerVersion action" in message
    assert refusal(functions.create_function, **spec(aws.role(), Layers=[f"{foreign}:1"]))[:2] == (
        "AccessDeniedException",
        403,
    )
    elsewhere = CHROMIUM.replace("eu-central-1", "us-east-1")
    assert (
        refusal(functions.create_function, **spec(aws.role("r"), Layers=[elsewhere]))[0] == "ResourceNotFoundException"
    )


def test_own_layers_stay_motos(aws: Aws, functions: Any) -> None:
    published = functions.publish_layer_version(LayerName="mine", Content={"ZipFile": spec("")["Code"]["ZipFile"]})
    arn = published["LayerVersionArn"]
    assert functions.get_layer_version(LayerName="mine", VersionNumber=1)["LayerVersionArn"] == arn
    assert functions.get_layer_version_by_arn(Arn=arn)["Version"] == 1
    created = functions.create_function(**spec(aws.role(), Layers=[arn, CHROMIUM]))
    assert [layer["Arn"] for layer in created["Layers"]] == [arn, CHROMIUM]
    gone = f"{arn.rpartition(':')[0]}:9"
    assert refusal(functions.get_layer_version_by_arn, Arn=gone)[0] == "ResourceNotFoundException"


@pytest.mark.parametrize(
    ("arn", "hosted"),
    [
        (CHROMIUM, True),
        (INSIGHTS, True),
        ("arn:aws:lambda:us-east-1:678892195805:layer:something-else:1", False),
        ("arn:aws-cn:lambda:cn-north-1:488211338238:layer:LambdaInsightsExtension:1", True),
        ("arn:aws-cn:lambda:cn-north-1:678892195805:layer:remotion-binaries-fonts:1", False),
        ("nonsense", False),
    ],
)
def test_which_layers_are_hosted(arn: str, hosted: bool) -> None:
    assert hosted_layer(arn) is hosted


def test_functions_survive_pickling(aws: Aws, functions: Any) -> None:
    functions.create_function(**spec(aws.role()))
    functions.put_runtime_management_config(FunctionName=NAME, UpdateRuntimeOn="FunctionUpdate")
    storage = pickle.loads(pickle.dumps(lambda_backends[ACCOUNT][REGION]._lambdas))
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{NAME}"
    assert storage.get_arn(arn).function_name == NAME
    lambda_backends[ACCOUNT][REGION]._lambdas = storage
    assert functions.get_runtime_management_config(FunctionName=NAME)["UpdateRuntimeOn"] == "FunctionUpdate"
    assert json.loads(repr(storage.get_arn(arn)))["State"] == "Active"


def test_a_remotion_function_says_its_release_and_runs_nothing_else(aws: Aws, functions: Any) -> None:
    functions.create_function(**spec(aws.role()))
    answer = functions.invoke(FunctionName=NAME, Payload=json.dumps({"type": "info", "logLevel": "info"}))
    assert json.loads(answer["Payload"].read()) == {"version": "4.0.527", "type": "success"}
