"""What a set-up needs beyond Remotion's own policies: Lambda Insights, a VPC, own layers, an own render role.

Sources: @remotion/lambda 4.0.527 (create-function, lambda-insights-extensions, validate-custom-layer-arns);
remotion.dev/docs/lambda/cli/functions/deploy (the flags and the releases they came with), /custom-layers, /insights; AWS Lambda
Developer Guide, "Giving Lambda functions access to resources in an Amazon VPC"; the AWS managed policy
AWSLambdaVPCAccessExecutionRole. The texts are in assets/policies/extras.json.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from wizard.places import asset
from wizard.policy import documents
from wizard.policy.evaluate import matches_arn
from wizard.remotion import names
from wizard.remotion.catalogue import PolicyKind, Statement, StatementReason, policy
from wizard.remotion.regions import PARTITIONS, hosted_layers, partition_of
from wizard.remotion.releases import Release
from wizard.text import listing, quoted

INSIGHTS_SINCE: Final = Release(4, 0, 61)
VPC_SINCE: Final = Release(4, 0, 160)
LAYER_FLAG_SINCE: Final = Release(4, 0, 510)
MAX_LAYERS: Final = 5  # of one function, the Lambda Insights layer included

# The accounts that AWS publishes the Insights layer from, as @remotion/lambda 4.0.527 names them.
_MOST_REGIONS: Final = "580247275435"
_INSIGHTS_ACCOUNTS: Final = {
    "us-east-1": _MOST_REGIONS,
    "us-east-2": _MOST_REGIONS,
    "us-west-1": _MOST_REGIONS,
    "us-west-2": _MOST_REGIONS,
    "eu-central-1": _MOST_REGIONS,
    "eu-west-1": _MOST_REGIONS,
    "eu-west-2": _MOST_REGIONS,
    "eu-west-3": _MOST_REGIONS,
    "eu-north-1": _MOST_REGIONS,
    "eu-south-1": "339249233099",
    "af-south-1": "012438385374",
    "ap-south-1": _MOST_REGIONS,
    "ap-east-1": "519774774795",
    "ap-southeast-1": _MOST_REGIONS,
    "ap-southeast-2": _MOST_REGIONS,
    "ap-northeast-1": _MOST_REGIONS,
    "ap-northeast-2": _MOST_REGIONS,
    "ap-northeast-3": "194566237122",
    "ca-central-1": _MOST_REGIONS,
    "sa-east-1": _MOST_REGIONS,
    "cn-north-1": "488211338238",
    "cn-northwest-1": "488211338238",
}

_LAYER_EXAMPLE: Final = "arn:aws:lambda:us-east-1:111122223333:layer:my-chromium:5"
_LAYER_ARN: Final = re.compile(
    r"arn:([a-z-]+):lambda:([a-z0-9-]+):(\d{12}):layer:([A-Za-z0-9_-]{1,140}):(\d+)", re.ASCII
)
_ROLE_ARN: Final = re.compile(r"arn:([a-z-]+):iam::(\d{12}):role/([\x21-\x7e]+)", re.ASCII)

_NAMES: Final = {
    "ExtraInsights": "insights",
    "ExtraLayers": "layers",
    "ExtraLayerSwap": "layers",
    "ExtraRenderRole": "render-role",
    "ExtraVpcLookup": "vpc",
    "ExtraVpcInterfaces": "vpc",
}


@dataclass(frozen=True)
class Wishes:
    """What is wanted beyond Remotion's own policies, and in which regions.

    `render_role_arn` is what `functions deploy` gets as --custom-role-arn; "" for Remotion's own remotion-lambda-role.
    """

    insights: bool = False
    vpc: bool = False
    custom_layer_arns: tuple[str, ...] = ()
    render_role_arn: str = ""
    regions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Extra:
    """One more statement for a policy of Remotion. `name` is "insights", "vpc", "layers" or "render-role"."""

    name: str
    statement: Statement
    reason: StatementReason


def extra_statements(kind: PolicyKind, wishes: Wishes, release: Release, partition: str) -> tuple[Extra, ...]:
    """Return the statements that the wishes add to the user policy or the role policy that `release` prints.

    What Remotion's own policy allows already is not added again, and nothing is added for a flag that `release` doesn't have.
    ARNs of another partition are left out (IAM refuses a policy with them); `why_not` names them. Raises UsageProblem where
    `release` has no policies for `partition`.
    """
    own = policy(kind, release, partition)["Statement"]
    found = []
    if wishes.vpc and release >= VPC_SINCE:
        found.append(_extra("ExtraVpcLookup" if kind == "user" else "ExtraVpcInterfaces", ["*"]))
    if kind == "role":  # the role policy allows the Insights log since the release that brought the flag
        return tuple(found)
    insights = _insights_layers(wishes, partition) if wishes.insights and release >= INSIGHTS_SINCE else []
    missing = [arn for arn in insights if not _covered(own, "lambda:GetLayerVersion", arn.replace("*", "-Arm64:1"))]
    if missing:
        found.insert(0, _extra("ExtraInsights", missing))
    layers = [arn for arn in dict.fromkeys(wishes.custom_layer_arns) if not _layer_obstacle(arn, partition)]
    if layers:
        found.append(_extra("ExtraLayers", layers))
        functions = f"arn:{partition}:lambda:*:*:function:{names.FUNCTION_PREFIX}*"
        found.append(_extra("ExtraLayerSwap", [functions]))
    role = wishes.render_role_arn
    if role and not _role_obstacle(role, partition, "") and not _covered(own, "iam:PassRole", role):
        condition = {"StringEquals": {"iam:PassedToService": names.LAMBDA_SERVICE}}
        found.append(_extra("ExtraRenderRole", [role], condition))
    return tuple(found)


def extra_name(statement: Statement) -> str:
    """Say which extra a statement of an installed policy belongs to, by its Sid and its actions; "" if it is none of ours."""
    name = _NAMES.get(str(statement.get("Sid", "")), "")
    if not name or statement.get("Effect") != "Allow" or "NotAction" in statement:
        return ""
    actions = {action.lower() for action in documents.texts(statement, "Action")}
    ours = {action.lower() for action in _texts()[statement["Sid"]]["actions"]}
    return name if actions and actions <= ours else ""


def extra_notes(wishes: Wishes, release: Release, partition: str) -> tuple[str, ...]:
    """Say what a person must know: flags for `npx remotion lambda functions deploy`, and where an extra does not work."""
    regions = _regions(wishes, partition)
    notes = [
        *_insights_notes(wishes, release, regions),
        *_vpc_notes(wishes, release),
        *_layer_notes(wishes, release, partition, regions),
        *_role_notes(wishes, partition),
    ]
    flags = [
        *(["Lambda Insights"] if wishes.insights and release >= INSIGHTS_SINCE else []),
        *(["the VPC"] if wishes.vpc and release >= VPC_SINCE else []),
        *(["the render role"] if _has_own_role(wishes, partition) else []),
    ]
    if flags:
        what = listing(flags)
        notes.append(
            f"Remotion sets {what} only on a new function. If a function exists already, delete it and deploy it again."
        )
    return tuple(notes)


def why_not(wishes: Wishes, partition: str, account: str = "") -> dict[str, str]:
    """Say by extra's name what can't be had: Insights nowhere in the chosen regions, ARNs of another partition or account.

    With `account` given, a render role of another account is named too: Lambda takes only roles of the function's own account.
    """
    found: dict[str, str] = {}
    regions = _regions(wishes, partition)
    if wishes.insights and regions and not any(region in _INSIGHTS_ACCOUNTS for region in regions):
        found["insights"] = (
            f"AWS has no Lambda Insights in {listing(regions, 'or')}. Choose another region, or leave it out."
        )
    obstacles = [wrong for arn in wishes.custom_layer_arns if (wrong := _layer_obstacle(arn, partition))]
    if obstacles:
        found["layers"] = " ".join(obstacles)
    if wishes.render_role_arn and (wrong := _role_obstacle(wishes.render_role_arn, partition, account)):
        found["render-role"] = wrong
    return found


def deploy_flags(wishes: Wishes, release: Release, region: str) -> tuple[str, ...]:
    """Return the flags that `npx remotion lambda functions deploy` needs in `region` for the wishes.

    Subnets and security groups are not known here: their flags hold a placeholder. Names as read in @remotion/lambda 4.0.527.
    """
    flags = []
    if wishes.insights and release >= INSIGHTS_SINCE and region in _INSIGHTS_ACCOUNTS:
        flags.append("--enable-lambda-insights")
    if wishes.vpc and release >= VPC_SINCE:
        flags += ["--vpc-subnet-ids=SUBNET-IDS", "--vpc-security-group-ids=SECURITY-GROUP-IDS"]
    layers = _layers_of(wishes, region)
    if layers and release >= LAYER_FLAG_SINCE:
        flags.append(f"--custom-layer-arns={','.join(layers)}")
    if _has_own_role(wishes, partition_of(region)):
        flags.append(f"--custom-role-arn={wishes.render_role_arn}")
    return tuple(flags)


def layer_arn_problem(text: str) -> str:
    """Return what is wrong with the ARN of a layer version and what is allowed, or ""."""
    allowed = f"Allowed: the ARN of one version of a layer, such as {_LAYER_EXAMPLE}."
    shown = quoted(text, 100)
    found = _LAYER_ARN.fullmatch(text)
    if found is None:
        if "," in text:
            return f"{shown} holds several ARNs. Write each one by itself. {allowed}"
        if "*" in text or "?" in text:
            return f"{shown} is a pattern. {allowed}"
        if _LAYER_ARN.fullmatch(f"{text}:1"):
            return f"{shown} has no version at its end. {allowed}"
        return f"{shown} is not the ARN of a layer version. {allowed}"
    partition, region = found[1], found[2]
    if partition not in PARTITIONS:
        return f"{shown} names the partition “{partition}”. Allowed: {listing(PARTITIONS, 'or')}."
    if partition_of(region) != partition:
        return f"{shown} can't be: the region {region} belongs to the partition {partition_of(region)}. {allowed}"
    return ""


# ---- statements


@cache
def _texts() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(asset("policies", "extras.json").read_text("utf-8"))
    return loaded


def _extra(sid: str, resources: Sequence[str], condition: dict[str, Any] | None = None) -> Extra:
    text = _texts()[sid]
    statement: Statement = {
        "Sid": sid,
        "Effect": "Allow",
        "Action": list(text["actions"]),
        "Resource": list(resources),
        **({"Condition": condition} if condition else {}),
    }
    actions = tuple((action, why, cost) for action, (why, cost) in text["actions"].items())
    return Extra(_NAMES[sid], statement, StatementReason(text["title"], text["sentence"], tuple(resources), actions))


def _covered(statements: Sequence[Statement], action: str, arn: str) -> bool:
    """Whether one of Remotion's statements (they have no conditions) allows `action` on `arn`."""
    return any(
        action in statement["Action"] and any(matches_arn(pattern, arn) for pattern in statement["Resource"])
        for statement in statements
    )


def _insights_layers(wishes: Wishes, partition: str) -> list[str]:
    return [
        f"arn:{partition}:lambda:{region}:{_INSIGHTS_ACCOUNTS[region]}:layer:LambdaInsightsExtension*"
        for region in _regions(wishes, partition)
        if region in _INSIGHTS_ACCOUNTS
    ]


def _regions(wishes: Wishes, partition: str) -> list[str]:
    """The chosen regions of this partition, each once."""
    return [region for region in dict.fromkeys(wishes.regions) if partition_of(region) == partition]


def _layer_obstacle(arn: str, partition: str) -> str:
    wrong = layer_arn_problem(arn)
    if wrong:
        return wrong
    theirs = arn.split(":")[1]
    return "" if theirs == partition else f"The layer {arn} is in the partition {theirs}, the account in {partition}."


def _role_obstacle(arn: str, partition: str, account: str) -> str:
    found = _ROLE_ARN.fullmatch(arn)
    if found is None:
        return f"{quoted(arn, 100)} is not the ARN of a role."
    if found[1] != partition:
        return f"The role {arn} is in the partition {found[1]}, the account in {partition}."
    if account and found[2] != account:
        return f"The role {arn} is in the account {found[2]}. Lambda takes only roles of the function's own account, {account}."
    return ""


def _has_own_role(wishes: Wishes, partition: str) -> bool:
    """Whether the render role is another one than Remotion's own name for it, and one that can be had."""
    arn = wishes.render_role_arn
    found = _ROLE_ARN.fullmatch(arn) if arn else None
    return found is not None and found[1] == partition and found[3] != names.RENDER_ROLE


def _layers_of(wishes: Wishes, region: str) -> list[str]:
    """The own layers that a function of `region` can use: those of the same region."""
    found = [arn for arn in dict.fromkeys(wishes.custom_layer_arns) if not layer_arn_problem(arn)]
    return [arn for arn in found if arn.split(":")[3] == region]


# ---- notes


def _insights_notes(wishes: Wishes, release: Release, regions: Sequence[str]) -> list[str]:
    if not wishes.insights:
        return []
    if release < INSIGHTS_SINCE:
        return [
            f"Remotion {release} can't switch on Lambda Insights. It came with {INSIGHTS_SINCE}: upgrade the project first."
        ]
    notes = []
    with_insights = [region for region in regions if region in _INSIGHTS_ACCOUNTS]
    without = [region for region in regions if region not in _INSIGHTS_ACCOUNTS]
    if with_insights or not regions:
        notes.append("Lambda Insights: deploy functions with --enable-lambda-insights.")
    if without:
        notes.append(
            f"AWS has no Lambda Insights in {listing(without)}. Deploy there without --enable-lambda-insights, or it fails."
        )
    if with_insights or not regions:
        notes.append(
            "If Lambda Insights shows no data after a render: in the Lambda console, open the function's Configuration, then "
            "Monitoring and operations tools, and switch Lambda Insights off and on once. AWS then adds what its role lacks."
        )
    return notes


def _vpc_notes(wishes: Wishes, release: Release) -> list[str]:
    if not wishes.vpc:
        return []
    if release < VPC_SINCE:
        return [f"Remotion {release} can't deploy into a VPC. It came with {VPC_SINCE}: upgrade the project first."]
    return [
        "VPC: deploy functions with --vpc-subnet-ids and --vpc-security-group-ids. Give both: with only one of them, "
        "Remotion deploys outside of the VPC and says nothing.",
        "In a VPC, a function has no internet of its own, in a public subnet neither. It must reach Amazon S3 and AWS Lambda: "
        "choose private subnets with a NAT gateway, or with VPC endpoints for both.",
    ]


def _layer_notes(wishes: Wishes, release: Release, partition: str, regions: Sequence[str]) -> list[str]:
    layers = [arn for arn in dict.fromkeys(wishes.custom_layer_arns) if not layer_arn_problem(arn)]
    hosted = hosted_layers(partition)
    if not layers:
        missing = (
            "Remotion hosts no layers in this partition. Publish your own ones, name them here, and deploy with "
            "--custom-layer-arns."
        )
        return [] if hosted else [missing]
    notes = []
    if release < LAYER_FLAG_SINCE:
        notes.append(
            f"Remotion {release} has no --custom-layer-arns (it came with {LAYER_FLAG_SINCE}): change the layers of the "
            "deployed function instead, as remotion.dev/docs/lambda/custom-layers shows."
        )
    else:
        notes.append(
            "Own layers: deploy functions with --custom-layer-arns and the ARNs of that region, with commas between them. "
            "They replace all of Remotion's layers, so bring Chromium and fonts too."
        )
    elsewhere = [
        arn for arn in layers if regions and arn.split(":")[3] not in regions and arn.split(":")[1] == partition
    ]
    if elsewhere:
        notes.append(
            f"{listing(elsewhere)}: not in a region that you chose. A function uses only layers of its own region."
        )
    for region in regions:
        here = len(_layers_of(wishes, region))
        insights = wishes.insights and release >= INSIGHTS_SINCE and region in _INSIGHTS_ACCOUNTS
        if not here and not hosted:
            notes.append(
                f"There is no own layer in {region}, and Remotion hosts none there: functions can't be deployed."
            )
        elif not here and release >= LAYER_FLAG_SINCE:
            notes.append(f"There is no own layer in {region}: deploy there without --custom-layer-arns.")
        elif here + insights > MAX_LAYERS:
            with_insights = ", and Lambda Insights takes one more" if insights else ""
            notes.append(f"A function takes {MAX_LAYERS} layers at most. You named {here} in {region}{with_insights}.")
    return notes


def _role_notes(wishes: Wishes, partition: str) -> list[str]:
    if not _has_own_role(wishes, partition):
        return []
    return [
        f"Own render role: deploy functions with --custom-role-arn={wishes.render_role_arn}. Without it, Remotion uses "
        f"{names.RENDER_ROLE}."
    ]
