"""The policies that each release of Remotion prints, and why Remotion needs each statement and action.

Source: `getUserPolicy()` and `getRolePolicy()` of the published releases of @remotion/lambda; the data is in
assets/policies/. For 4.0.527 `render()` gives byte for byte what `npx remotion lambda policies user|role` prints.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from wizard.places import asset
from wizard.problem import UsageProblem
from wizard.remotion.regions import PARTITIONS
from wizard.remotion.releases import Release, parse_release
from wizard.text import listing

PolicyKind = Literal["user", "role"]
Statement = Mapping[str, Any]
Document = dict[str, Any]


@dataclass(frozen=True)
class Epoch:
    """A span of releases with the same policies: from `since` until the next epoch begins."""

    since: Release
    partitions: dict[str, dict[str, list[Statement]]]


@dataclass(frozen=True)
class StatementReason:
    """Why a statement is there: a heading, one sentence, its resources, and per action what it is for and what fails without."""

    title: str
    sentence: str
    resources: tuple[str, ...]
    actions: tuple[tuple[str, str, str], ...]  # (action, why, what fails without it)


@cache
def _data() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(asset("policies", "remotion-policies.json").read_text("utf-8"))
    return loaded


@cache
def _reasons() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(asset("policies", "reasons.json").read_text("utf-8"))
    return loaded


def latest_release() -> Release:
    """Return the newest release that the catalogue was read from."""
    release = parse_release(_data()["latest_seen"])
    assert release is not None
    return release


@cache
def epochs() -> tuple[Epoch, ...]:
    """Return all epochs, oldest first."""
    found = []
    for entry in _data()["epochs"]:
        since = parse_release(entry["since"])
        assert since is not None
        found.append(Epoch(since, entry["partitions"]))
    return tuple(found)


def epoch_of(release: Release) -> Epoch:
    """Return the epoch that holds `release`; releases newer than the catalogue belong to the newest epoch.

    Raises UsageProblem for a release older than the first one with Remotion Lambda.
    """
    fitting = [epoch for epoch in epochs() if epoch.since <= release]
    if not fitting:
        raise UsageProblem(
            f"Remotion {release} is older than Remotion Lambda.",
            "remotion.version: the catalogue begins with Remotion 3.0.0.",
            f"Name a release from 3.0.0 to {latest_release()}, or newer.",
        )
    return fitting[-1]


def is_newer_than_catalogue(release: Release) -> bool:
    """Whether the catalogue can't know this release's policies yet."""
    return latest_release() < release


def policy(kind: PolicyKind, release: Release, partition: str = "aws") -> Document:
    """Return the policy document that `release` prints for the user or the render role, in `partition`.

    For aws-us-gov the partition of ARNs is replaced, and the layers that Remotion and AWS host in the partition aws are left
    out: IAM refuses a policy with ARNs of another partition. Raises UsageProblem for an unknown partition, and for a release
    that had no policy for it.
    """
    if partition not in PARTITIONS:
        raise UsageProblem(f"There is no partition “{partition}”.", "", f"Allowed: {listing(PARTITIONS, 'or')}.")
    epoch = epoch_of(release)
    if partition == "aws-us-gov":
        return _document(_rename_partition(epoch.partitions["aws"][kind], partition))
    if partition not in epoch.partitions:
        first = next(e.since for e in epochs() if partition in e.partitions)
        raise UsageProblem(
            f"Remotion {release} has no policies for the partition {partition}.",
            f"Policies for {partition} came with Remotion {first}.",
            f"Upgrade the project to Remotion {first} or newer.",
        )
    return _document(epoch.partitions[partition][kind])


def _document(statements: list[Statement]) -> Document:
    document: Document = json.loads(json.dumps({"Version": _data()["policy_version"], "Statement": statements}))
    return document


def _rename_partition(statements: list[Statement], partition: str) -> list[Statement]:
    here = [s for s in statements if not any(":layer:" in resource for resource in s["Resource"])]
    return [{**s, "Resource": [r.replace("arn:aws:", f"arn:{partition}:", 1) for r in s["Resource"]]} for s in here]


def render(document: Document) -> str:
    """Return the text that Remotion's CLI prints for `document` (JSON.stringify with two spaces), without a line end."""
    return json.dumps(document, indent=2, ensure_ascii=False)


def reasons(kind: PolicyKind, document: Document) -> tuple[StatementReason, ...]:
    """Say for each statement of a Remotion policy why it is there. Statements that aren't Remotion's get no reason."""
    texts, headings = _reasons()["actions"][kind], _reasons()["statements"][kind]
    found = []
    for statement in document["Statement"]:
        sid = statement.get("Sid", "")
        if kind == "role" and sid == "3" and statement["Action"] == ["logs:CreateLogGroup"]:
            sid = "3+4.0.61"
        if sid not in headings:
            continue
        title, sentence = headings[sid]
        actions = tuple((a, *texts.get(a, ("", ""))) for a in statement["Action"])
        found.append(StatementReason(title, sentence, tuple(statement["Resource"]), actions))
    return tuple(found)


def cost_of_missing(kind: PolicyKind, action: str) -> str:
    """Say what does not work without `action`; "" if that is not known."""
    return str(_reasons()["actions"][kind].get(action, ("", ""))[1])
