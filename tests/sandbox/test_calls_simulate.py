"""The policy simulator answers as AWS has since July 2026."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from wizard.policy.evaluate import Policy
from wizard.sandbox import principals
from wizard.sandbox.calls.iam_simulate import arn_template, statement_position

from .calls_support import ACCOUNT, Aws, policy, refusal, sandbox_account, statement

BUCKET = "arn:aws:s3:::remotionlambda-abc"


@pytest.fixture
def aws() -> Iterator[Aws]:
    with sandbox_account() as account:
        yield account


def simulate(aws: Aws, arn: str, *actions: str, **more: Any) -> list[dict[str, Any]]:
    answer = aws.client("iam").simulate_principal_policy(PolicySourceArn=arn, ActionNames=list(actions), **more)
    rows: list[dict[str, Any]] = answer["EvaluationResults"]
    return rows


def test_answers_for_one_arn_stand_in_the_resource_specific_results(aws: Aws) -> None:
    arn = aws.user(storage=policy(statement("Allow", "s3:GetObject", f"{BUCKET}/*")))
    (row,) = simulate(aws, arn, "s3:GetObject", ResourceArns=[f"{BUCKET}/a", "arn:aws:s3:::other/a"])
    assert row["EvalResourceName"] == "arn:${Partition}:s3:::${BucketName}/${ObjectName}"
    assert row["EvalDecision"] == "implicitDeny"
    assert {one["EvalResourceName"]: one["EvalResourceDecision"] for one in row["ResourceSpecificResults"]} == {
        f"{BUCKET}/a": "allowed",
        "arn:aws:s3:::other/a": "implicitDeny",
    }


def test_arns_are_grouped_by_their_template(aws: Aws) -> None:
    arn = aws.user(storage=policy(statement("Allow", "s3:*", [BUCKET, f"{BUCKET}/*"])))
    rows = simulate(aws, arn, "s3:GetObject", "s3:ListBucket", ResourceArns=[BUCKET, f"{BUCKET}/a"])
    assert [(row["EvalActionName"], row["EvalResourceName"]) for row in rows] == [
        ("s3:GetObject", "arn:${Partition}:s3:::${BucketName}"),
        ("s3:GetObject", "arn:${Partition}:s3:::${BucketName}/${ObjectName}"),
        ("s3:ListBucket", "arn:${Partition}:s3:::${BucketName}"),
        ("s3:ListBucket", "arn:${Partition}:s3:::${BucketName}/${ObjectName}"),
    ]


def test_without_resource_arns_the_answer_stands_at_the_top(aws: Aws) -> None:
    arn = aws.user(listing=policy(statement("Allow", "s3:ListAllMyBuckets")))
    (row,) = simulate(aws, arn, "s3:ListAllMyBuckets")
    assert (row["EvalResourceName"], row["EvalDecision"]) == ("*", "allowed")
    assert "ResourceSpecificResults" not in row
    assert "OrganizationsDecisionDetail" not in row
    assert "PermissionsBoundaryDecisionDetail" not in row


def test_matched_statements_name_the_policy_and_the_place_in_it(aws: Aws) -> None:
    text = json.dumps(policy(statement("Allow", "s3:*"), statement("Deny", "s3:DeleteBucket")), indent=2)
    arn = aws.user()
    aws.client("iam").put_user_policy(UserName="someone", PolicyName="storage", PolicyDocument=text)
    (row,) = simulate(aws, arn, "s3:DeleteBucket", ResourceArns=[BUCKET])
    assert row["EvalDecision"] == "explicitDeny"
    (match,) = row["MatchedStatements"]
    assert match["SourcePolicyId"] == "user_someone_storage"
    assert match["SourcePolicyType"] == "IAM Policy"
    lines = text.splitlines()
    start, end = match["StartPosition"], match["EndPosition"]
    assert lines[start["Line"] - 1][start["Column"] - 1] == "{"
    assert '"Deny"' in lines[start["Line"]]
    assert lines[end["Line"] - 1][: end["Column"] - 1].strip() == "}"


def test_managed_and_group_policies_count_under_their_names(aws: Aws) -> None:
    arn = aws.user()
    iam = aws.client("iam")
    iam.create_group(GroupName="team")
    iam.add_user_to_group(GroupName="team", UserName="someone")
    iam.put_group_policy(
        GroupName="team", PolicyName="list", PolicyDocument=json.dumps(policy(statement("Allow", "s3:List*")))
    )
    iam.attach_user_policy(UserName="someone", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    (row,) = simulate(aws, arn, "s3:ListBucket", ResourceArns=[BUCKET])
    assert {match["SourcePolicyId"] for match in row["MatchedStatements"]} == {"AdministratorAccess", "group_team_list"}


def test_a_boundary_caps_and_is_named(aws: Aws) -> None:
    arn = aws.user(all=policy(statement("Allow", "*")))
    iam = aws.client("iam")
    boundary = iam.create_policy(PolicyName="edge", PolicyDocument=json.dumps(policy(statement("Allow", "s3:*"))))
    iam.put_user_permissions_boundary(UserName="someone", PermissionsBoundary=boundary["Policy"]["Arn"])
    allowed, capped = simulate(aws, arn, "s3:ListBucket", "iam:CreateUser")
    assert allowed["PermissionsBoundaryDecisionDetail"] == {"AllowedByPermissionsBoundary": True}
    assert capped["EvalDecision"] == "implicitDeny"
    assert capped["PermissionsBoundaryDecisionDetail"] == {"AllowedByPermissionsBoundary": False}
    assert capped["MatchedStatements"] == []
    (free,) = simulate(aws, arn, "iam:CreateUser", PolicyExclusionList=[{"PolicyType": "permission-boundary"}])
    assert free["EvalDecision"] == "allowed"


def test_a_service_control_policy_denies_without_showing_its_statement(aws: Aws) -> None:
    arn = aws.user(all=policy(statement("Allow", "*")))
    levels = [
        [Policy("FullAWSAccess", principals.FULL_AWS_ACCESS)],
        [
            Policy("FullAWSAccess", principals.FULL_AWS_ACCESS),
            Policy("no-lambda", policy(statement("Deny", "lambda:*"))),
        ],
    ]
    principals.set_service_control_policies(ACCOUNT, levels)
    denied, allowed = simulate(aws, arn, "lambda:CreateFunction", "s3:ListBucket")
    assert denied["EvalDecision"] == "explicitDeny"
    assert denied["OrganizationsDecisionDetail"] == {"AllowedByOrganizations": False}
    assert denied["MatchedStatements"] == []
    assert allowed["OrganizationsDecisionDetail"] == {"AllowedByOrganizations": True}
    principals.set_service_control_policies(ACCOUNT, None)
    (lifted,) = simulate(aws, arn, "lambda:CreateFunction")
    assert lifted["EvalDecision"] == "allowed"


def test_missing_context_is_reported_until_it_is_given(aws: Aws) -> None:
    condition = {"StringEquals": {"aws:RequestedRegion": "eu-central-1"}}
    arn = aws.user(regional=policy(statement("Allow", "lambda:ListFunctions", Condition=condition)))
    (row,) = simulate(aws, arn, "lambda:ListFunctions")
    assert (row["EvalDecision"], row["MissingContextValues"]) == ("implicitDeny", ["aws:RequestedRegion"])
    entry = {
        "ContextKeyName": "aws:RequestedRegion",
        "ContextKeyType": "string",
        "ContextKeyValues": ["eu-central-1"],
    }
    (row,) = simulate(aws, arn, "lambda:ListFunctions", ContextEntries=[entry])
    assert (row["EvalDecision"], row["MissingContextValues"]) == ("allowed", [])


def test_policy_inputs_preview_what_is_not_attached_yet(aws: Aws) -> None:
    arn = aws.user()
    extra = json.dumps(policy(statement("Allow", "s3:ListAllMyBuckets")))
    (row,) = simulate(aws, arn, "s3:ListAllMyBuckets", PolicyInputList=[extra])
    assert row["EvalDecision"] == "allowed"
    assert row["MatchedStatements"][0]["SourcePolicyId"] == "PolicyInputList.1"


def test_results_come_in_pages(aws: Aws) -> None:
    arn = aws.user(all=policy(statement("Allow", "*")))
    actions = [f"s3:Get{number}" for number in range(7)]
    iam = aws.client("iam")
    first = iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=actions, MaxItems=3)
    assert (first["IsTruncated"], len(first["EvaluationResults"])) == (True, 3)
    pages = iam.get_paginator("simulate_principal_policy").paginate(
        PolicySourceArn=arn, ActionNames=actions, PaginationConfig={"PageSize": 3}
    )
    assert [row["EvalActionName"] for page in pages for row in page["EvaluationResults"]] == actions


def test_roles_are_found_by_their_whole_path(aws: Aws) -> None:
    arn = aws.role("AWSReservedSSO_Admin_0123", Path="/aws-reserved/sso.amazonaws.com/")
    aws.client("iam").attach_role_policy(
        RoleName="AWSReservedSSO_Admin_0123", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess"
    )
    (row,) = simulate(aws, arn, "iam:CreateUser")
    assert row["EvalDecision"] == "allowed"
    without_path = f"arn:aws:iam::{ACCOUNT}:role/AWSReservedSSO_Admin_0123"
    code, status, _ = refusal(
        aws.client("iam").simulate_principal_policy, PolicySourceArn=without_path, ActionNames=["iam:CreateUser"]
    )
    assert (code, status) == ("NoSuchEntity", 404)


@pytest.mark.parametrize(
    "arn", [f"arn:aws:sts::{ACCOUNT}:assumed-role/remotion/session", f"arn:aws:iam::{ACCOUNT}:root"]
)
def test_sessions_and_root_are_no_entities(aws: Aws, arn: str) -> None:
    assert refusal(aws.client("iam").simulate_principal_policy, PolicySourceArn=arn, ActionNames=["s3:GetObject"]) == (
        "InvalidInput",
        400,
        f"Invalid Entity Arn: {arn} does not clearly define entity type and name.",
    )


@pytest.mark.parametrize(
    ("parameters", "part"),
    [
        ({"ActionNames": ["GetObject"]}, "Invalid Action"),
        ({"ActionNames": ["s3:*"]}, "Invalid Action"),
        ({"ActionNames": ["s3:GetObject"], "ResourceArns": ["bucket"]}, "not in a valid ARN format"),
        ({"ActionNames": ["s3:GetObject"], "PolicyInputList": ["{"]}, "Syntax errors in policy"),
        ({"ActionNames": ["s3:GetObject"], "ResourceOwner": "me"}, "Resource Owner"),
    ],
)
def test_malformed_requests_are_invalid_input(aws: Aws, parameters: dict[str, Any], part: str) -> None:
    arn = aws.user()
    code, status, message = refusal(aws.client("iam").simulate_principal_policy, PolicySourceArn=arn, **parameters)
    assert (code, status) == ("InvalidInput", 400)
    assert part in message


def test_custom_policies_need_no_principal(aws: Aws) -> None:
    iam = aws.client("iam")
    document = json.dumps(policy(statement("Allow", "s3:*")))
    levels = [{"ServiceControlPolicyInputList": [json.dumps(policy(statement("Allow", "s3:Get*")))]}]
    answer = iam.simulate_custom_policy(
        PolicyInputList=[document],
        ActionNames=["s3:GetObject", "s3:PutObject"],
        ResourceArns=[f"{BUCKET}/a"],
        OrderedOrganizationPolicyInputList=levels,
    )
    assert [row["EvalDecision"] for row in answer["EvaluationResults"]] == ["allowed", "implicitDeny"]
    boundary = json.dumps(policy(statement("Allow", "iam:*")))
    (row,) = iam.simulate_custom_policy(
        PolicyInputList=[document], PermissionsBoundaryPolicyInputList=[boundary], ActionNames=["s3:GetObject"]
    )["EvaluationResults"]
    assert row["PermissionsBoundaryDecisionDetail"] == {"AllowedByPermissionsBoundary": False}


def test_a_resource_policy_counts_for_users_only(aws: Aws) -> None:
    arn = aws.user()
    grant = policy({"Effect": "Allow", "Principal": {"AWS": arn}, "Action": "s3:GetObject", "Resource": f"{BUCKET}/*"})
    (row,) = simulate(aws, arn, "s3:GetObject", ResourceArns=[f"{BUCKET}/a"], ResourcePolicy=json.dumps(grant))
    assert row["EvalDecision"] == "allowed"
    assert row["MatchedStatements"][0]["SourcePolicyType"] == "Resource Policy"
    code, _, _ = refusal(
        aws.client("iam").simulate_principal_policy,
        PolicySourceArn=aws.role(),
        ActionNames=["s3:GetObject"],
        ResourcePolicy=json.dumps(grant),
    )
    assert code == "InvalidInput"


def test_context_keys_come_from_conditions_and_variables(aws: Aws) -> None:
    document = policy(
        statement(
            "Allow", "s3:GetObject", f"{BUCKET}/${{aws:username}}/*", Condition={"Bool": {"aws:SecureTransport": True}}
        )
    )
    arn = aws.user(own=document)
    iam = aws.client("iam")
    expected = ["aws:SecureTransport", "aws:username"]
    assert iam.get_context_keys_for_principal_policy(PolicySourceArn=arn)["ContextKeyNames"] == expected
    answer = iam.get_context_keys_for_custom_policy(PolicyInputList=[json.dumps(document)])
    assert answer["ContextKeyNames"] == expected


def test_positions_survive_any_order_of_elements() -> None:
    text = '{"Statement": [{"a": "}"}, {"b": 1}], "Version": "x"}'
    start, end = statement_position(text, 1)
    assert text[start[1] - 1 : end[1] - 1] == '{"b": 1}'
    single = '{"Version": "x", "Statement": {"b": 1}}'
    start, end = statement_position(single, 0)
    assert single[start[1] - 1 : end[1] - 1] == '{"b": 1}'


@pytest.mark.parametrize(
    ("arn", "template"),
    [
        ("*", "*"),
        (
            "arn:aws:lambda:us-east-1:1:function:f",
            "arn:${Partition}:lambda:${Region}:${Account}:function:${FunctionName}",
        ),
        ("arn:aws:iam::1:role/a/b", "arn:${Partition}:iam::${Account}:role/${RoleNameWithPath}"),
        (
            "arn:aws:logs:us-east-1:1:log-group:/aws/lambda/x:log-stream:y",
            "arn:${Partition}:logs:${Region}:${Account}:log-group:${LogGroupName}:log-stream:${LogStreamName}",
        ),
    ],
)
def test_arn_templates(arn: str, template: str) -> None:
    assert arn_template(arn) == template
