"""The catalogue gives what each release of Remotion prints, and says of every action why it is there."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.engine.support import GOLDEN
from tests.thorough import mostly_thorough
from wizard.cli import main
from wizard.policy import documents
from wizard.problem import ProblemError
from wizard.remotion.catalogue import (
    PolicyKind,
    cost_of_missing,
    epoch_of,
    epochs,
    is_newer_than_catalogue,
    latest_release,
    policy,
    reasons,
    render,
)
from wizard.remotion.regions import CHINA, ENABLED_BY_DEFAULT, OPT_IN, PARTITIONS, PLACES, SUPPORTED, partition_of
from wizard.remotion.releases import Release, parse_release

KINDS: tuple[PolicyKind, ...] = ("user", "role")
REMOTION = Path(__file__).parents[2] / ".tools" / "remotion" / "node_modules" / "@remotion" / "lambda"


def release(text: str) -> Release:
    found = parse_release(text)
    assert found is not None
    return found


def actions(kind: PolicyKind, text: str, partition: str = "aws") -> set[str]:
    return documents.actions_of(policy(kind, release(text), partition))


def resources(kind: PolicyKind, text: str, partition: str = "aws") -> set[str]:
    return {r for s in policy(kind, release(text), partition)["Statement"] for r in s["Resource"]}


@pytest.mark.parametrize("partition", ["aws", "aws-cn"])
@pytest.mark.parametrize("kind", KINDS)
def test_4_0_527_is_byte_for_byte_what_remotions_cli_printed(kind: PolicyKind, partition: str) -> None:
    printed = (GOLDEN / f"policies-{kind}-4.0.527-{partition}.txt").read_text("utf-8")
    assert render(policy(kind, release("4.0.527"), partition)) + "\n" == printed


@pytest.mark.parametrize(
    ("arguments", "golden"),
    [
        (["user"], "user-4.0.527-aws"),
        (["role"], "role-4.0.527-aws"),
        (["user", "--region", "cn-north-1"], "user-4.0.527-aws-cn"),
        (["role", "--region", "cn-northwest-1"], "role-4.0.527-aws-cn"),
        (["user", "--partition", "aws-cn"], "user-4.0.527-aws-cn"),
        (["user", "--remotion-version", "v4.0.527"], "user-4.0.527-aws"),
        (["--region", "eu-central-1", "user"], "user-4.0.527-aws"),
        (["user", "--remotion-version", "4.0.600"], "user-4.0.527-aws"),
    ],
)
def test_the_command_prints_the_same(arguments: list[str], golden: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policies", *arguments]) == 0
    assert capsys.readouterr().out == (GOLDEN / f"policies-{golden}.txt").read_text("utf-8")


@pytest.mark.contract
@pytest.mark.parametrize("region", mostly_thorough(["us-east-1", "cn-north-1"], {"us-east-1"}))
@pytest.mark.parametrize("kind", KINDS)
def test_the_golden_files_are_what_remotions_cli_prints_today(kind: PolicyKind, region: str) -> None:
    if not (REMOTION / "package.json").is_file():
        pytest.skip("Remotion's CLI is not installed in .tools/remotion")
    if json.loads((REMOTION / "package.json").read_text("utf-8"))["version"] != "4.0.527":
        pytest.skip("another release of Remotion is installed")
    done = subprocess.run(
        ["npx", "remotion", "lambda", "policies", kind, "--region", region],
        cwd=REMOTION.parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    partition = partition_of(region)
    assert done.stdout == (GOLDEN / f"policies-{kind}-4.0.527-{partition}.txt").read_text("utf-8")


def test_the_newest_user_policy_has_32_actions_and_the_role_policy_13() -> None:
    user, role = policy("user", latest_release()), policy("role", latest_release())
    assert (len(documents.actions_of(user)), len(user["Statement"])) == (32, 9)
    assert sum(len(s["Action"]) for s in role["Statement"]) == 13
    assert len(role["Statement"]) == 5
    assert (documents.size(user), documents.size(role)) == (1779, 800)


@pytest.mark.parametrize("partition", PARTITIONS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("since", [str(e.since) for e in epochs()])
def test_every_epoch_gives_a_sound_document_for_every_partition_or_refuses_it(
    since: str, kind: PolicyKind, partition: str
) -> None:
    if partition == "aws-cn" and release(since) < release("4.0.510"):
        with pytest.raises(ProblemError, match=r"has no policies for the partition aws-cn") as caught:
            policy(kind, release(since), partition)
        assert "4.0.510" in caught.value.problem.remedy
        assert caught.value.exit_code == 2
        return
    document = policy(kind, release(since), partition)
    assert document["Version"] == "2012-10-17"
    assert documents.size(document) <= documents.INLINE_LIMIT[kind]
    for statement in document["Statement"]:
        assert statement["Effect"] == "Allow"
        assert statement["Action"] and all(":" in a and "*" not in a for a in statement["Action"])
        for resource in statement["Resource"]:
            hosted = partition == "aws-us-gov" and ":layer:" in resource
            assert resource == "*" or resource.startswith(f"arn:{'aws' if hosted else partition}:"), resource


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("since", [str(e.since) for e in epochs()])
def test_every_statement_and_every_action_says_why(since: str, kind: PolicyKind) -> None:
    document = policy(kind, release(since))
    explained = reasons(kind, document)
    assert [set(r.actions_named) for r in map(_Named, explained)] == [set(s["Action"]) for s in document["Statement"]]
    for reason in explained:
        assert reason.title and reason.sentence.endswith(".")
        for action, why, cost in reason.actions:
            assert why, action
            assert cost == cost_of_missing(kind, action)
            assert cost, action


class _Named:
    def __init__(self, reason: object) -> None:
        self.actions_named = [a for a, _, _ in reason.actions]  # type: ignore[attr-defined]


def test_a_statement_that_is_not_remotions_gets_no_reason() -> None:
    document = policy("user", latest_release())
    document["Statement"].append({"Sid": "Mine", "Effect": "Allow", "Action": ["s3:*"], "Resource": ["*"]})
    assert len(reasons("user", document)) == 9


# Source of the rows: "Policy changelog" in the notes on Remotion's published releases.
@pytest.mark.parametrize(
    ("before", "after", "added", "removed"),
    [
        ("3.3.7", "3.3.8", set(), {"iam:GetUser"}),
        ("3.3.8", "3.3.12", set(), {"s3:PutBucketWebsite", "s3:DeleteBucketWebsite"}),
        ("3.3.53", "3.3.54", {"lambda:PutRuntimeManagementConfig"}, set()),
        ("3.3.86", "3.3.87", {"s3:PutBucketOwnershipControls", "s3:PutBucketPublicAccessBlock"}, set()),
        ("4.0.31", "4.0.32", {"s3:PutLifecycleConfiguration"}, set()),
        ("4.0.47", "4.0.51", {"lambda:TagResource"}, set()),
        ("4.0.53", "4.0.61", set(), set()),
        ("4.0.417", "4.0.418", {"s3:PutBucketPolicy"}, set()),
        ("4.0.418", "4.0.527", set(), set()),
    ],
)
def test_the_user_policy_changes_where_remotion_changed_it(
    before: str, after: str, added: set[str], removed: set[str]
) -> None:
    old, new = actions("user", before), actions("user", after)
    assert (new - old, old - new) == (added, removed)


def test_the_oldest_user_policy_has_29_actions() -> None:
    assert len(actions("user", "3.0.0")) == 29


def test_lambda_insights_came_to_both_policies_with_4_0_61() -> None:
    insights = "arn:aws:lambda:*:580247275435:layer:LambdaInsightsExtension*"
    assert insights not in resources("user", "4.0.60") and insights in resources("user", "4.0.61")
    assert "logs:CreateLogGroup" not in actions("role", "4.0.60")
    assert "logs:CreateLogGroup" in actions("role", "4.0.61")
    assert sum(len(s["Action"]) for s in policy("role", release("4.0.60"))["Statement"]) == 12


def test_china_has_no_hosted_layers_and_its_own_insights_account() -> None:
    layers = {r for r in resources("user", "4.0.527", "aws-cn") if ":layer:" in r}
    assert layers == {"arn:aws-cn:lambda:*:488211338238:layer:LambdaInsightsExtension*"}


def test_govcloud_is_the_aws_document_with_its_own_partition_and_without_layers_hosted_elsewhere() -> None:
    there = resources("user", "4.0.527", "aws-us-gov")
    assert "arn:aws-us-gov:s3:::remotionlambda-*" in there
    assert not any(arn.startswith("arn:aws:") for arn in there), "IAM refuses ARNs of another partition"
    assert actions("user", "4.0.527", "aws-us-gov") == actions("user", "4.0.527") - {"lambda:GetLayerVersion"}


def test_a_release_older_than_remotion_lambda_is_refused_with_the_span_there_is() -> None:
    with pytest.raises(ProblemError) as caught:
        epoch_of(Release(2, 6, 15))
    assert "3.0.0" in caught.value.problem.remedy and "4.0.527" in caught.value.problem.remedy


def test_an_unknown_partition_is_refused_with_the_ones_there_are() -> None:
    with pytest.raises(ProblemError) as caught:
        policy("user", latest_release(), "aws-iso")
    assert "aws, aws-cn or aws-us-gov" in caught.value.problem.remedy


def test_a_newer_release_takes_the_newest_policies_and_is_known_to_be_newer() -> None:
    newer = release("5.1.0")
    assert is_newer_than_catalogue(newer)
    assert not is_newer_than_catalogue(latest_release())
    assert policy("user", newer) == policy("user", latest_release())


def test_documents_are_handed_out_as_copies() -> None:
    policy("user", latest_release())["Statement"].clear()
    policy("user", latest_release(), "aws-us-gov")["Statement"][0]["Action"].clear()
    assert len(policy("user", latest_release())["Statement"]) == 9
    assert policy("user", latest_release(), "aws-us-gov")["Statement"][0]["Action"]


def test_the_regions_are_those_of_4_0_527() -> None:
    assert (len(SUPPORTED), len(ENABLED_BY_DEFAULT), len(OPT_IN), len(CHINA)) == (25, 17, 6, 2)
    assert set(PLACES) == set(SUPPORTED)
    assert {partition_of(r) for r in SUPPORTED} == {"aws", "aws-cn"}
    assert partition_of("us-gov-west-1") == "aws-us-gov"


@pytest.mark.parametrize(
    "arguments",
    [
        ["user", "--remotion-version", "latest"],
        ["user", "--remotion-version", "2.0.0"],
        ["user", "--remotion-version", "4.0"],
        ["user", "--partition", "aws-iso"],
        ["user", "--region", "mars"],
        ["user", "--region", "cn-north-1", "--remotion-version", "4.0.1"],
        ["user", "--region", "us-east-1", "--partition", "aws"],
        ["admin"],
        [],
    ],
)
def test_a_combination_that_can_not_be_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policies", *arguments]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "Traceback" not in said.err and len(said.err) > 20
