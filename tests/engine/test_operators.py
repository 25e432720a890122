"""The policies for operators allow their task on Remotion's functions, and no way to more rights."""

from __future__ import annotations

import re

import pytest
from botocore.session import Session

from wizard.policy import documents
from wizard.policy.evaluate import Policy, PolicySet, Request, evaluate
from wizard.problem import UsageProblem
from wizard.remotion import names
from wizard.remotion.operators import IDS, OperatorPolicy, operator_policy, problem
from wizard.remotion.regions import PARTITIONS

ACCOUNT = "123456789012"
REGIONS = {
    "aws": ("us-east-1", "eu-central-1"),
    "aws-cn": ("cn-north-1", "cn-northwest-1"),
    "aws-us-gov": ("us-gov-west-1",),
}
WITHOUT_RESOURCE = {
    "lambda:ListFunctions",
    "lambda:GetAccountSettings",
    "lambda:ListEventSourceMappings",
    "cloudwatch:GetMetricData",
    "cloudwatch:GetMetricStatistics",
    "cloudwatch:ListMetrics",
    "logs:DescribeLogGroups",
    "logs:StopQuery",
    "iam:ListRoles",
    "iam:ListPolicies",
}


def made(operator: str, partition: str = "aws", role: str = "") -> OperatorPolicy:
    return operator_policy(operator, partition, ACCOUNT, role, REGIONS[partition])


def allows(found: OperatorPolicy, action: str, resource: str, context: dict[str, str] | None = None) -> bool:
    given = found.context if context is None else context
    request = Request(action, resource, f"arn:aws:iam::{ACCOUNT}:user/ada", ACCOUNT, context=given)
    return evaluate(request, PolicySet(identity=(Policy(found.policy_name, found.document),))).allowed


@pytest.mark.parametrize("partition", PARTITIONS)
@pytest.mark.parametrize("operator", IDS)
def test_every_probe_is_allowed_and_every_action_is_probed(operator: str, partition: str) -> None:
    found = made(operator, partition)
    probed = set()
    for actions, resources in found.probes():
        for action in actions:
            probed.add(action)
            for resource in resources:
                assert "*" not in resource or resource == "*"
                assert resource == "*" or resource.startswith(f"arn:{partition}:")
                assert allows(found, action, resource), (action, resource)
    assert probed == documents.actions_of(found.document)


@pytest.mark.parametrize("operator", IDS)
def test_probes_ask_in_every_region_on_the_right_kind_of_resource(operator: str) -> None:
    for actions, resources in made(operator).probes():
        for action in actions:
            arns = [resource.split(":", 5) for resource in resources if resource != "*"]
            assert bool(arns) is (action not in WITHOUT_RESOURCE), action
            assert {arn[2] for arn in arns} <= {action.partition(":")[0]}
            assert {arn[3] for arn in arns} in ({""}, set(REGIONS["aws"]), set())
            assert all((":log-stream:" in arn[5]) is (action == "logs:GetLogEvents") for arn in arns)


@pytest.mark.parametrize("partition", PARTITIONS)
@pytest.mark.parametrize("operator", IDS)
def test_what_is_not_the_task_is_denied(operator: str, partition: str) -> None:
    found = made(operator, partition)
    region, iam = REGIONS[partition][0], f"arn:{partition}:iam::{ACCOUNT}"
    others = f"arn:{partition}:lambda:{region}:{ACCOUNT}:function:somebody-elses-function"
    elsewhere = f"arn:{partition}:lambda:{region}:111122223333:function:{names.function_name('4.0.527')}"
    log = f"arn:{partition}:logs:{region}:{ACCOUNT}:log-group:/aws/lambda/somebody-elses-function:log-stream:x"
    policy_of_role = f"{iam}:policy/{names.ROLE_POLICY}"
    role = f"{iam}:role/{names.RENDER_ROLE}"
    forbidden = [
        *((action, others) for action in ("lambda:InvokeFunction", "lambda:DeleteFunction", "lambda:GetFunction")),
        ("lambda:InvokeFunction", elsewhere),
        ("lambda:AddPermission", f"arn:{partition}:lambda:{region}:{ACCOUNT}:function:remotion-render-x"),
        ("lambda:UpdateFunctionCode", f"arn:{partition}:lambda:{region}:{ACCOUNT}:function:remotion-render-x"),
        ("logs:GetLogEvents", log),
        ("logs:FilterLogEvents", log),
        ("iam:PassRole", f"{iam}:role/admin"),
        ("iam:CreateRole", f"{iam}:role/admin"),
        ("iam:AttachRolePolicy", f"{iam}:role/admin"),
        ("iam:CreateUser", f"{iam}:user/eve"),
        ("iam:CreateAccessKey", f"{iam}:user/eve"),
        ("iam:AttachUserPolicy", f"{iam}:user/ada"),
        ("iam:PutUserPolicy", f"{iam}:user/ada"),
        ("iam:PutRolePolicy", role),
        ("iam:UpdateAssumeRolePolicy", role),
        ("iam:CreatePolicyVersion", policy_of_role),
        ("iam:CreatePolicy", policy_of_role),
        ("sts:AssumeRole", role),
        ("s3:GetObject", f"arn:{partition}:s3:::remotionlambda-x/y"),
    ]
    assert [(action, resource) for action, resource in forbidden if allows(found, action, resource)] == []


def test_the_render_role_goes_to_lambda_only() -> None:
    found = made("create-functions")
    role = f"arn:aws:iam::{ACCOUNT}:role/{names.RENDER_ROLE}"
    assert found.context == {"iam:PassedToService": "lambda.amazonaws.com"}
    assert allows(found, "iam:PassRole", role)
    assert not allows(found, "iam:PassRole", role, {"iam:PassedToService": "ec2.amazonaws.com"})
    assert not allows(found, "iam:PassRole", role, {})
    assert [operator for operator in IDS if allows(made(operator), "iam:PassRole", role)] == ["create-functions"]


@pytest.mark.parametrize("action", ["iam:AttachRolePolicy", "iam:DetachRolePolicy"])
def test_the_render_role_gets_its_own_policy_and_no_other(action: str) -> None:
    found = made("create-role")
    role = f"arn:aws:iam::{ACCOUNT}:role/{names.RENDER_ROLE}"
    assert allows(found, action, role)
    for other in (
        "arn:aws:iam::aws:policy/AdministratorAccess",
        f"arn:aws:iam::{ACCOUNT}:policy/mine",
        f"arn:aws:iam::{ACCOUNT}:policy/team/{names.ROLE_POLICY}",
    ):
        assert not allows(found, action, role, {"iam:PolicyARN": other})
    assert not allows(found, action, role, {})


def test_an_own_render_role_takes_the_place_of_remotions() -> None:
    own = f"arn:aws:iam::{ACCOUNT}:role/team/video-render"
    remotions = f"arn:aws:iam::{ACCOUNT}:role/{names.RENDER_ROLE}"
    for operator, action in (("create-functions", "iam:PassRole"), ("create-role", "iam:CreateRole")):
        found = made(operator, role=own)
        assert allows(found, action, own)
        assert not allows(found, action, remotions)


def test_only_what_iam_cant_limit_is_open_for_all_resources() -> None:
    for operator in IDS:
        for statement in made(operator).document["Statement"]:
            if "*" in statement["Resource"]:
                assert set(statement["Action"]) <= WITHOUT_RESOURCE
            else:
                assert not set(statement["Action"]) & WITHOUT_RESOURCE
            assert not any("*" in action for action in statement["Action"])


def test_every_action_exists() -> None:
    session = Session()
    named = {
        "lambda:InvokeFunction": "Invoke",
        "iam:PassRole": "CreateRole",
    }  # the permissions without a call of that name
    for operator in IDS:
        for action in documents.actions_of(made(operator).document):
            service, _, name = action.partition(":")
            operations = session.get_service_model(service).operation_names
            assert named.get(action, name) in operations, action


@pytest.mark.parametrize("partition", PARTITIONS)
@pytest.mark.parametrize("operator", IDS)
def test_each_document_fits_inline_and_is_one_that_iam_takes(operator: str, partition: str) -> None:
    found = made(operator, partition)
    assert documents.size(found.document) <= documents.INLINE_LIMIT["user"]
    assert re.fullmatch(r"[\t\n\r\x20-\xff]+", documents.pretty(found.document))
    sids = [statement["Sid"] for statement in found.document["Statement"]]
    assert len(set(sids)) == len(sids) and all(re.fullmatch(r"[A-Za-z0-9]+", sid) for sid in sids)
    assert re.fullmatch(r"remotion-operator-[a-z-]+", found.policy_name)
    for statement in found.document["Statement"]:
        assert statement["Resource"]
        assert all(arn == "*" or arn.startswith(f"arn:{partition}:") for arn in statement["Resource"])


def test_hosted_layers_are_named_only_where_there_are_any() -> None:
    def layers(partition: str) -> list[str]:
        statements = made("create-functions", partition).document["Statement"]
        return [arn for statement in statements for arn in statement["Resource"] if ":layer:" in arn]

    assert len(layers("aws")) == 2
    assert len(layers("aws-cn")) == 1
    assert layers("aws-us-gov") == []


@pytest.mark.parametrize("operator", IDS)
def test_every_statement_and_every_action_says_why(operator: str) -> None:
    found = made(operator)
    assert found.title and found.sentence.endswith(".")
    assert len(found.reasons) == len(found.document["Statement"])
    for reason, statement in zip(found.reasons, found.document["Statement"], strict=True):
        assert reason.title and reason.sentence.endswith(".")
        assert reason.resources == tuple(statement["Resource"])
        assert [action for action, _, _ in reason.actions] == statement["Action"]
        assert all(why and cost for _, why, cost in reason.actions)


@pytest.mark.parametrize(
    ("wrong", "guess"), [("views-functions", "view-functions"), ("Invoke", "invoke"), ("admin", ""), ("", "")]
)
def test_an_unknown_id_is_refused_with_what_is_allowed(wrong: str, guess: str) -> None:
    said = problem(wrong)
    assert ("Did you mean" in said) is bool(guess)
    assert guess in said and all(operator in said for operator in IDS)
    with pytest.raises(UsageProblem):
        made(wrong)


def test_known_ids_are_right() -> None:
    assert [problem(operator) for operator in IDS] == [""] * len(IDS)
