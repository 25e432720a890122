"""Every account that a scenario starts as: the plan, applied, ends in a check that passes; what is not ours stays."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.engine.support import Place, account_state, connection, given, ids, onboard, plan_for
from tests.thorough import mostly_thorough
from wizard.check.findings import Status
from wizard.collect.answers import Answers
from wizard.engine import Engine, Options
from wizard.remotion import names

BOUNDARY = "arn:aws:iam::123456789012:policy/developer-boundary"
CASES = {
    "fresh": given(),
    "outdated": given(start__goal="change"),
    "swapped": given(start__goal="change"),
    "half": given(start__goal="change"),
    "hand-made": given(start__goal="change", principal__name="video-bot"),
    "crowded": given(start__goal="change", principal__attach="managed"),
    "boundary": given(principal__permissions_boundary=BOUNDARY),
    "gov": given(remotion__regions=["us-gov-west-1"]),
    "china": given(remotion__regions=["cn-north-1"]),
}
OURS = {names.USER, names.USER_POLICY, names.RENDER_ROLE, names.ROLE_POLICY, names.QUOTA_ROLE, "video-bot"}


def opened(scenario: str, place: Place) -> Engine:
    engine = Engine(Options(sandbox=scenario, folder=place.project))
    engine.connect()
    return engine


def foreign(engine: Engine) -> dict[str, Any]:
    """All of the account's IAM that is not the set-up itself."""
    state = json.loads(account_state(engine, exact=True))
    for policy in state["Policies"]:
        del policy["PermissionsBoundaryUsageCount"]  # the boundary is used, which changes nothing about it

    def is_ours(one: dict[str, Any]) -> bool:
        return bool(OURS & {str(v) for k, v in one.items() if k.endswith("Name")} or one["Arn"].split("/")[-1] in OURS)

    return {kind: [one for one in things if not is_ours(one)] for kind, things in state.items()}


@pytest.mark.parametrize("scenario", mostly_thorough(CASES, {"outdated", "boundary"}))
def test_a_plan_applied_passes_the_check_and_leaves_nothing_to_do_and_everything_foreign_alone(
    scenario: str, place: Place
) -> None:
    engine, answers = opened(scenario, place), CASES[scenario]
    before = foreign(engine)
    plan = onboard(engine, answers)
    report = engine.check(answers)
    assert report.ok, [f.to_json() for f in report.findings if f.status is Status.FAIL]
    again = plan_for(engine, answers)
    assert again.is_empty and not again.problems, (ids(again), again.problems)
    assert foreign(engine) == before
    for one in plan.changes:
        assert one.reason and one.summary


def test_what_others_put_on_the_user_is_byte_for_byte_what_it_was(place: Place) -> None:
    engine = opened("crowded", place)
    client = connection(engine).client("iam")

    def others() -> tuple[Any, ...]:
        attached = client.list_attached_user_policies(UserName=names.USER)["AttachedPolicies"]
        groups = client.list_groups_for_user(UserName=names.USER)["Groups"]
        inline = {
            name: client.get_user_policy(UserName=names.USER, PolicyName=name)["PolicyDocument"]
            for name in client.list_user_policies(UserName=names.USER)["PolicyNames"]
        }
        return [a for a in attached if a["PolicyName"] != names.USER_POLICY], [g["GroupName"] for g in groups], inline

    before = others()
    onboard(engine, CASES["crowded"])
    assert others() == before


@pytest.mark.parametrize(
    ("scenario", "words"),
    [
        ("fresh", ["There is no user remotion-user", "There is no render role"]),
        ("outdated", ["Remotion 3.3.87 to 4.0.31", "new buckets stay publicly listable"]),
        ("swapped", ["meant for the render role", "meant for the caller"]),
        ("half", ["AWS Lambda can't take it", "remotion-user has no policy"]),
        ("hand-made", ["principal.name = video-bot", "all that Remotion 4.0.527 needs"]),
        pytest.param("crowded", ["render-worker-role looks like a render role"], marks=pytest.mark.thorough),
    ],
)
def test_what_is_there_is_told_before_anything_is_planned(scenario: str, words: list[str], place: Place) -> None:
    engine = opened(scenario, place)
    before = account_state(engine, exact=True)
    _, found = engine.found(given(start__goal="change"))
    told = "\n".join(f"{item.title}. {item.detail}" for item in found.items)
    for word in words:
        assert word in told
    assert account_state(engine, exact=True) == before


def test_a_boundary_that_the_organisation_demands_is_asked_for_before_anything_is_made(place: Place) -> None:
    engine = opened("boundary", place)
    before = account_state(engine, exact=True)
    plan = plan_for(engine, Answers())
    (problem,) = plan.problems
    assert problem.remedy == f"principal.permissions_boundary = {BOUNDARY}"
    assert account_state(engine, exact=True) == before


@pytest.mark.thorough
def test_the_limits_of_a_crowded_account_are_told_with_numbers(place: Place) -> None:
    engine = opened("crowded", place)
    plan = plan_for(engine, given(start__goal="change"))
    (problem,) = plan.problems
    assert "2,055 of 2,048" in problem.title and "principal.attach = managed" in problem.remedy
    managed = plan_for(engine, CASES["crowded"])
    assert not managed.problems, "nine are attached, and the tenth has room"
    one_more = CASES["crowded"].with_values({"extras.aws_managed_policies": ["AWSLambdaRole"]}, "answers file")
    assert "AWS allows 10" in plan_for(engine, one_more).problems[0].title
