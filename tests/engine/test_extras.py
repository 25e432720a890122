"""Each extra adds exactly the statements that it needs, says why, and says what it can't do."""

from __future__ import annotations

import json
import re

import pytest
from botocore.session import Session
from moto.iam.aws_managed_policies import aws_managed_policies_data

from wizard.policy import documents
from wizard.policy.evaluate import Policy, PolicySet, Request, evaluate
from wizard.remotion import names
from wizard.remotion.catalogue import PolicyKind, Statement, epochs, latest_release, policy
from wizard.remotion.extras import (
    Wishes,
    deploy_flags,
    extra_name,
    extra_notes,
    extra_statements,
    layer_arn_problem,
    why_not,
)
from wizard.remotion.regions import PARTITIONS, SUPPORTED, partition_of
from wizard.remotion.releases import Release

ACCOUNT = "123456789012"
NOW = latest_release()
LAYER = "arn:aws:lambda:us-east-1:111122223333:layer:my-chromium:5"
FONTS = "arn:aws:lambda:us-east-1:111122223333:layer:my_fonts:12"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/team/video-render"
OTHER_ACCOUNTS = {
    "af-south-1": "012438385374",
    "ap-east-1": "519774774795",
    "ap-northeast-3": "194566237122",
    "eu-south-1": "339249233099",
}
WITHOUT_INSIGHTS = ("ap-southeast-4", "ap-southeast-5", "eu-central-2")
EVERYTHING = Wishes(
    insights=True,
    vpc=True,
    custom_layer_arns=(LAYER, FONTS),
    render_role_arn=ROLE,
    regions=("us-east-1", "af-south-1"),
)


def added(wishes: Wishes, kind: PolicyKind = "user", release: Release = NOW, partition: str = "aws") -> list[Statement]:
    return [extra.statement for extra in extra_statements(kind, wishes, release, partition)]


def allows(
    statements: list[Statement], action: str, resource: str = "*", context: dict[str, str] | None = None
) -> bool:
    document = {"Version": "2012-10-17", "Statement": statements}
    request = Request(action, resource, f"arn:aws:iam::{ACCOUNT}:user/x", ACCOUNT, context=context or {})
    return evaluate(request, PolicySet(identity=(Policy("extras", document),))).allowed


def function(name: str) -> str:
    return f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{name}"


@pytest.mark.parametrize("partition", PARTITIONS)
@pytest.mark.parametrize("kind", ["user", "role"])
def test_without_wishes_nothing_is_added(kind: PolicyKind, partition: str) -> None:
    assert added(Wishes(regions=SUPPORTED), kind, NOW, partition) == []
    if partition == "aws":
        assert extra_notes(Wishes(regions=("us-east-1",)), NOW, partition) == ()
    assert why_not(Wishes(regions=SUPPORTED), partition) == {}


# ---- Lambda Insights


@pytest.mark.parametrize("region", SUPPORTED)
def test_insights_is_allowed_in_every_region_that_has_it_and_nothing_is_allowed_twice(region: str) -> None:
    partition = partition_of(region)
    extras = added(Wishes(insights=True, regions=(region,)), partition=partition)
    if region not in OTHER_ACCOUNTS:
        assert extras == []
        return
    (statement,) = extras
    account = OTHER_ACCOUNTS[region]
    assert statement["Action"] == ["lambda:GetLayerVersion"]
    assert statement["Resource"] == [f"arn:aws:lambda:{region}:{account}:layer:LambdaInsightsExtension*"]
    layer = f"arn:aws:lambda:{region}:{account}:layer:LambdaInsightsExtension-Arm64:2"
    assert allows([statement], "lambda:GetLayerVersion", layer)
    assert not allows(policy("user", NOW)["Statement"], "lambda:GetLayerVersion", layer)


def test_insights_adds_one_statement_for_the_chosen_regions_only() -> None:
    (statement,) = added(Wishes(insights=True, regions=("us-east-1", "eu-south-1", "ap-east-1", "eu-south-1")))
    assert [arn.split(":")[3] for arn in statement["Resource"]] == ["eu-south-1", "ap-east-1"]


def test_insights_adds_nothing_for_a_release_without_the_flag_and_says_so() -> None:
    wishes = Wishes(insights=True, regions=("af-south-1",))
    assert added(wishes, release=Release(4, 0, 60)) == []
    assert len(added(wishes, release=Release(4, 0, 61))) == 1
    (note,) = extra_notes(wishes, Release(4, 0, 60), "aws")
    assert "4.0.61" in note and "4.0.60" in note


@pytest.mark.parametrize("since", [epoch.since for epoch in epochs() if Release(4, 0, 61) <= epoch.since])
def test_the_role_needs_nothing_more_for_insights(since: Release) -> None:
    assert added(Wishes(insights=True, regions=SUPPORTED), "role", since) == []
    own = policy("role", since)["Statement"]
    group = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/aws/lambda-insights"
    assert allows(own, "logs:CreateLogGroup", group)
    assert allows(own, "logs:PutLogEvents", f"{group}:log-stream:remotion")


def test_insights_says_where_it_does_not_exist() -> None:
    wishes = Wishes(insights=True, regions=("us-east-1", *WITHOUT_INSIGHTS))
    notes = " ".join(extra_notes(wishes, NOW, "aws"))
    assert "ap-southeast-4, ap-southeast-5 and eu-central-2" in notes
    assert "--enable-lambda-insights" in notes and "delete it and deploy it again" in notes
    assert why_not(wishes, "aws") == {}
    nowhere = Wishes(insights=True, regions=WITHOUT_INSIGHTS)
    assert "eu-central-2" in why_not(nowhere, "aws")["insights"]
    assert added(nowhere) == []


# ---- VPC


def test_vpc_lets_the_caller_look_and_the_role_connect() -> None:
    (user,) = added(Wishes(vpc=True))
    (role,) = added(Wishes(vpc=True), "role")
    assert sorted(user["Action"]) == ["ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs"]
    assert user["Resource"] == role["Resource"] == ["*"]


def test_the_role_gets_what_awss_own_policy_gives_without_its_logs() -> None:
    published = json.loads(aws_managed_policies_data)["AWSLambdaVPCAccessExecutionRole"]["Document"]
    theirs = documents.actions_of(published)
    (role,) = added(Wishes(vpc=True), "role")
    assert set(role["Action"]) == {action for action in theirs if not action.startswith("logs:")}


def test_vpc_needs_a_release_that_has_the_flags() -> None:
    assert added(Wishes(vpc=True), release=Release(4, 0, 159)) == []
    assert added(Wishes(vpc=True), "role", Release(4, 0, 159)) == []
    (note,) = extra_notes(Wishes(vpc=True), Release(4, 0, 159), "aws")
    assert "4.0.160" in note
    notes = " ".join(extra_notes(Wishes(vpc=True), Release(4, 0, 160), "aws"))
    assert "--vpc-subnet-ids" in notes and "--vpc-security-group-ids" in notes and "NAT" in notes


# ---- own layers


def test_own_layers_open_exactly_these_layers_and_remotions_functions() -> None:
    extras = added(Wishes(custom_layer_arns=(LAYER, FONTS, LAYER)))
    assert extras[0]["Resource"] == [LAYER, FONTS]
    assert allows(extras, "lambda:GetLayerVersion", FONTS)
    assert not allows(extras, "lambda:GetLayerVersion", LAYER[:-1] + "6")
    for action in ("lambda:GetFunctionConfiguration", "lambda:UpdateFunctionConfiguration"):
        assert allows(extras, action, function(names.function_name("4.0.527")))
        assert not allows(extras, action, function("somebody-elses-function"))
    assert not allows(extras, "lambda:UpdateFunctionCode", function(names.function_name("4.0.527")))


def test_a_layer_of_another_partition_is_left_out_and_named() -> None:
    chinese = "arn:aws-cn:lambda:cn-north-1:111122223333:layer:my-chromium:5"
    wishes = Wishes(custom_layer_arns=(chinese,), regions=("us-east-1",))
    assert added(wishes) == []
    assert chinese in why_not(wishes, "aws")["layers"] and "aws-cn" in why_not(wishes, "aws")["layers"]
    there = Wishes(custom_layer_arns=(chinese,), regions=("cn-north-1",))
    assert why_not(there, "aws-cn") == {}
    assert added(there, partition="aws-cn")[0]["Resource"] == [chinese]


def test_what_a_person_must_know_about_own_layers() -> None:
    wishes = Wishes(custom_layer_arns=(LAYER,), regions=("us-east-1", "eu-west-1"))
    notes = extra_notes(wishes, NOW, "aws")
    assert any("--custom-layer-arns" in note and "replace all" in note for note in notes)
    assert any("no own layer in eu-west-1" in note for note in notes)
    assert any("4.0.510" in note and "custom-layers" in note for note in extra_notes(wishes, Release(4, 0, 509), "aws"))
    assert not any("no own layer" in note for note in extra_notes(wishes, Release(4, 0, 509), "aws"))
    elsewhere = extra_notes(Wishes(custom_layer_arns=(LAYER,), regions=("eu-west-1",)), NOW, "aws")
    assert any(LAYER in note and "region that you chose" in note for note in elsewhere)


@pytest.mark.parametrize(("insights", "count", "too_many"), [(False, 5, False), (True, 5, True), (False, 6, True)])
def test_a_function_takes_five_layers(insights: bool, count: int, too_many: bool) -> None:
    arns = tuple(f"{LAYER}{n}" for n in range(count))
    notes = extra_notes(Wishes(insights=insights, custom_layer_arns=arns, regions=("us-east-1",)), NOW, "aws")
    assert any("5 layers at most" in note for note in notes) is too_many


def test_china_needs_own_layers() -> None:
    (note,) = extra_notes(Wishes(regions=("cn-north-1",)), NOW, "aws-cn")
    assert "--custom-layer-arns" in note and "Publish your own" in note
    layer = "arn:aws-cn:lambda:cn-north-1:111122223333:layer:my-chromium:5"
    both = Wishes(custom_layer_arns=(layer,), regions=("cn-north-1", "cn-northwest-1"))
    assert any("cn-northwest-1" in note and "can't be deployed" in note for note in extra_notes(both, NOW, "aws-cn"))


@pytest.mark.parametrize(
    "right",
    [
        LAYER,
        FONTS,
        "arn:aws-cn:lambda:cn-north-1:111122223333:layer:a:1",
        "arn:aws-us-gov:lambda:us-gov-west-1:111122223333:layer:a:1",
    ],
)
def test_the_arn_of_a_layer_version_is_right(right: str) -> None:
    assert layer_arn_problem(right) == ""


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        ("", "not the ARN"),
        ("my-chromium", "not the ARN"),
        (LAYER.rpartition(":")[0], "no version"),
        (LAYER.replace(":5", ":*"), "a pattern"),
        (f"{LAYER},{FONTS}", "several"),
        (LAYER.replace("arn:aws:", "arn:aws-cn:"), "belongs to the partition aws"),
        (LAYER.replace("arn:aws:", "arn:aws-moon:"), "aws-moon"),
        (f" {LAYER}", "not the ARN"),
        (f"{LAYER}\n", "not the ARN"),
        (LAYER.replace("1111", "١١١١"), "not the ARN"),
        ("x" * 5000, "not the ARN"),
    ],
)
def test_a_wrong_layer_arn_says_what_is_wrong_and_what_is_allowed(wrong: str, what: str) -> None:
    said = layer_arn_problem(wrong)
    assert what in said and "Allowed: " in said and len(said) < 400


# ---- an own render role


def test_an_own_render_role_may_be_passed_to_lambda_and_to_nothing_else() -> None:
    extras = added(Wishes(render_role_arn=ROLE))
    to_lambda = {"iam:PassedToService": "lambda.amazonaws.com"}
    assert allows(extras, "iam:PassRole", ROLE, to_lambda)
    assert not allows(extras, "iam:PassRole", ROLE, {"iam:PassedToService": "ec2.amazonaws.com"})
    assert not allows(extras, "iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/admin", to_lambda)
    assert added(Wishes(render_role_arn=ROLE), "role") == []
    assert any(f"--custom-role-arn={ROLE}" in note for note in extra_notes(Wishes(render_role_arn=ROLE), NOW, "aws"))


def test_remotions_own_role_needs_nothing_more() -> None:
    wishes = Wishes(render_role_arn=f"arn:aws:iam::{ACCOUNT}:role/{names.RENDER_ROLE}")
    assert added(wishes) == []
    assert extra_notes(wishes, NOW, "aws") == ()
    at_a_path = Wishes(render_role_arn=f"arn:aws:iam::{ACCOUNT}:role/team/{names.RENDER_ROLE}")
    assert len(added(at_a_path)) == 1


@pytest.mark.parametrize(
    ("arn", "account", "said"),
    [
        (ROLE, "", ""),
        (ROLE, ACCOUNT, ""),
        (ROLE, "111122223333", "in the account 123456789012"),
        (ROLE.replace("arn:aws:", "arn:aws-cn:"), "", "partition aws-cn"),
        ("video-render", "", "not the ARN of a role"),
    ],
)
def test_a_render_role_that_cant_be(arn: str, account: str, said: str) -> None:
    found = why_not(Wishes(render_role_arn=arn), "aws", account)
    assert found.keys() == ({"render-role"} if said else set())
    assert said in found.get("render-role", "")


# ---- all of them


def test_statements_are_written_as_remotion_writes_its_own() -> None:
    for kind in ("user", "role"):
        own = policy(kind, NOW)["Statement"]
        extras = added(EVERYTHING, kind)
        sids = [statement["Sid"] for statement in [*own, *extras]]
        assert len(set(sids)) == len(sids)
        assert all(re.fullmatch(r"[A-Za-z0-9]+", sid) for sid in sids)
        document = {"Version": "2012-10-17", "Statement": [*own, *extras]}
        assert re.fullmatch(r"[\t\n\r\x20-\xff]+", documents.pretty(document))
        assert all(isinstance(s["Action"], list) and isinstance(s["Resource"], list) for s in extras)
        assert documents.size(document) <= documents.MANAGED_LIMIT


def test_every_statement_and_every_action_says_why() -> None:
    for extra in (*extra_statements("user", EVERYTHING, NOW, "aws"), *extra_statements("role", EVERYTHING, NOW, "aws")):
        assert extra.reason.title and extra.reason.sentence.endswith(".")
        assert extra.reason.resources == tuple(extra.statement["Resource"])
        assert [action for action, _, _ in extra.reason.actions] == extra.statement["Action"]
        assert all(why and cost for _, why, cost in extra.reason.actions)


def test_every_action_exists() -> None:
    session = Session()
    permission_only = {"iam:PassRole"}
    for kind in ("user", "role"):
        for action in documents.actions_of({"Statement": added(EVERYTHING, kind)}) - permission_only:
            service, _, operation = action.partition(":")
            assert operation in session.get_service_model(service).operation_names, action


def test_an_installed_statement_is_known_again_by_its_sid_and_its_actions() -> None:
    for kind in ("user", "role"):
        for extra in extra_statements(kind, EVERYTHING, NOW, "aws"):
            assert extra_name(extra.statement) == extra.name
            one_action = extra.statement["Action"][0].upper()
            assert extra_name({**extra.statement, "Action": one_action}) == extra.name
            assert extra_name({**extra.statement, "Action": [one_action, "s3:*"]}) == ""
            assert extra_name({**extra.statement, "Action": []}) == ""
            assert extra_name({**extra.statement, "Effect": "Deny"}) == ""
            assert extra_name({**extra.statement, "Sid": "Mine"}) == ""
        for statement in policy(kind, NOW)["Statement"]:
            assert extra_name(statement) == ""
    assert extra_name({}) == ""
    assert extra_name({"Sid": "ExtraVpcLookup", "Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}) == ""


def test_the_names_are_those_of_the_wishes() -> None:
    every = [extra.name for extra in extra_statements("user", EVERYTHING, NOW, "aws")]
    assert every == ["insights", "vpc", "layers", "layers", "render-role"]


def test_the_flags_for_a_deploy() -> None:
    assert deploy_flags(Wishes(), NOW, "us-east-1") == ()
    assert deploy_flags(EVERYTHING, NOW, "us-east-1") == (
        "--enable-lambda-insights",
        "--vpc-subnet-ids=SUBNET-IDS",
        "--vpc-security-group-ids=SECURITY-GROUP-IDS",
        f"--custom-layer-arns={LAYER},{FONTS}",
        f"--custom-role-arn={ROLE}",
    )
    assert deploy_flags(Wishes(insights=True), NOW, "eu-central-2") == ()
    assert deploy_flags(EVERYTHING, Release(4, 0, 60), "af-south-1") == (f"--custom-role-arn={ROLE}",)


def test_notes_are_short_plain_sentences() -> None:
    for release in (Release(4, 0, 32), Release(4, 0, 160), NOW):
        for note in extra_notes(EVERYTHING, release, "aws"):
            assert note.endswith(".") and len(note) < 330
