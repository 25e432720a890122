"""Small ready-made policies for people who look after Remotion's functions, each for one task.

Sources: AWS Lambda Developer Guide, "Identity-based IAM policies for Lambda" and "Granting users access to a Lambda function"
(its example for function development, here limited to Remotion's names, and without NotAction and logs:*); AWS Service
Authorization Reference (which actions take a resource); @remotion/lambda 4.0.527 (the calls of `functions deploy`).
The texts and statements are in assets/policies/operators.json.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import Any, Final

from wizard.places import asset
from wizard.policy import documents
from wizard.problem import UsageProblem
from wizard.remotion import names
from wizard.remotion.catalogue import Document, Statement, StatementReason, latest_release, policy
from wizard.text import listing, quoted

IDS: Final = ("list-functions", "view-functions", "invoke", "monitor", "create-functions", "create-role")

_STREAM_ACTIONS: Final = {"logs:GetLogEvents"}  # what IAM asks about a log stream; all others are about its log group


@dataclass(frozen=True)
class OperatorPolicy:
    """A policy for one task: what it is called, what it allows and why, and the regions where it is to be tried."""

    id: str
    title: str
    sentence: str
    policy_name: str
    document: Document
    reasons: tuple[StatementReason, ...]
    regions: tuple[str, ...]

    @property
    def context(self) -> dict[str, str]:
        """Return the condition keys that the document asks for, each with a value for which it allows: for the simulator."""
        conditions = [s["Condition"] for s in documents.statements(self.document) if "Condition" in s]
        return {key: value for condition in conditions for block in condition.values() for key, value in block.items()}

    def probes(self) -> tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]:
        """Return what to simulate right after attaching: actions, and concrete ARNs of the right kind for them."""
        grouped: dict[tuple[str, ...], list[str]] = {}
        for statement in documents.statements(self.document):
            for action in statement["Action"]:
                arns = [arn for pattern in statement["Resource"] for arn in _concrete(pattern, action, self.regions)]
                grouped.setdefault(tuple(arns), []).append(action)
        return tuple((tuple(actions), arns) for arns, actions in grouped.items())


def operator_policy(
    operator: str, partition: str, account: str, render_role_arn: str, regions: Sequence[str]
) -> OperatorPolicy:
    """Return the policy with the id `operator` for one account.

    `render_role_arn` is "" for Remotion's own remotion-lambda-role. The document holds for all regions of the account, as
    Remotion's own policies do; `regions` says where `probes` try it. Raises UsageProblem for an unknown id.
    """
    wrong = problem(operator)
    if wrong:
        raise UsageProblem("There is no such operator permission.", wrong, "Choose one of them.")
    iam = f"arn:{partition}:iam::{account}"
    values = {
        "function": [f"arn:{partition}:lambda:*:{account}:function:{names.FUNCTION_PREFIX}*"],
        "log": [f"arn:{partition}:logs:*:{account}:log-group:/aws/lambda/{names.FUNCTION_PREFIX}*"],
        "layers": _layers(partition),
        "render_role_arn": [render_role_arn or f"{iam}:role/{names.RENDER_ROLE}"],
        "role_policy_arn": [f"{iam}:policy/{names.ROLE_POLICY}"],
    }
    text = _data()[operator]
    pairs = [pair for entry in text["statements"] if (pair := _statement(entry, values))]
    document: Document = {"Version": "2012-10-17", "Statement": [statement for statement, _ in pairs]}
    return OperatorPolicy(
        operator,
        text["title"],
        text["sentence"],
        names.OPERATOR_POLICY + operator,
        document,
        tuple(reason for _, reason in pairs),
        tuple(regions),
    )


def problem(operator: str) -> str:
    """Return what is wrong with the id of an operator policy and what is allowed, or ""."""
    if operator in IDS:
        return ""
    near = get_close_matches(operator.strip().lower(), IDS, n=1)
    guess = f" Did you mean {near[0]}?" if near else ""
    return f"{quoted(operator)} is not an operator permission.{guess} Allowed: {listing(IDS, 'or')}."


@cache
def _data() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(asset("policies", "operators.json").read_text("utf-8"))
    return loaded


def _statement(
    entry: Mapping[str, Any], values: Mapping[str, Sequence[str]]
) -> tuple[Statement, StatementReason] | None:
    """Fill in one statement; None where there is nothing to name, such as hosted layers in a partition without them."""
    resources = [arn for text in entry["resources"] for arn in _filled(text, values)]
    if not resources:
        return None
    condition = {
        operator: {key: _filled(value, values)[0] for key, value in block.items()}
        for operator, block in entry.get("condition", {}).items()
    }
    statement: Statement = {
        "Sid": entry["sid"],
        "Effect": "Allow",
        "Action": list(entry["actions"]),
        "Resource": resources,
        **({"Condition": condition} if condition else {}),
    }
    actions = tuple((action, why, cost) for action, (why, cost) in entry["actions"].items())
    return statement, StatementReason(entry["title"], entry["sentence"], tuple(resources), actions)


def _filled(text: str, values: Mapping[str, Sequence[str]]) -> list[str]:
    """Return what a text of the asset stands for: {name} for the values of that name, all else for itself."""
    return list(values[text[1:-1]]) if text.startswith("{") else [text]


def _layers(partition: str) -> list[str]:
    """The layers that the newest user policy of Remotion opens in this partition."""
    statements = policy("user", latest_release(), partition)["Statement"]
    return [arn for s in statements if s["Action"] == ["lambda:GetLayerVersion"] for arn in s["Resource"]]


def _concrete(pattern: str, action: str, regions: Sequence[str]) -> list[str]:
    """Return the ARNs that stand for one of our patterns, in each region where it has regions."""
    if pattern == "*" or "*" not in pattern:
        return [pattern]
    head, _, tail = pattern.partition(":*:")
    function = names.function_name(str(latest_release()))
    tail = tail.replace(f"{names.FUNCTION_PREFIX}*", function)
    tail = tail.replace("remotion-binaries-*", "remotion-binaries-chromium-arm64:30")
    tail = tail.replace("LambdaInsightsExtension*", "LambdaInsightsExtension-Arm64:5")
    if action in _STREAM_ACTIONS:
        tail += ":log-stream:2026/01/01/render"
    return [f"{head}:{region}:{tail}" for region in regions]
