"""For every release, partition, policy and way to attach it: it fits or is refused with the reason, and IAM allows all of it."""

from __future__ import annotations

import pytest

from tests.engine.support import Place, given, iam, ids, onboard, plan_for
from tests.thorough import mostly_thorough
from wizard.check.findings import Status
from wizard.collect.answers import Answers
from wizard.engine import Engine, Options
from wizard.policy.trust import service_trust
from wizard.problem import UsageProblem
from wizard.remotion.catalogue import epochs, policy
from wizard.remotion.releases import parse_release

PLACES = {"aws": ("fresh", "us-east-1"), "aws-cn": ("china", "cn-north-1"), "aws-us-gov": ("gov", "us-gov-west-1")}
RELEASES = [str(epoch.since) for epoch in epochs()]


@pytest.mark.parametrize("attach", ["inline", "managed"])
@pytest.mark.parametrize("kind", ["user", "role"])
@pytest.mark.parametrize("partition", PLACES)
@pytest.mark.parametrize("release", mostly_thorough(RELEASES, {RELEASES[-1]}))
def test_the_plan_fits_or_says_why_not_and_simulation_allows_every_action(
    release: str, partition: str, kind: str, attach: str, place: Place
) -> None:
    scenario, region = PLACES[partition]
    engine = Engine(Options(sandbox=scenario, folder=place.project))
    engine.connect()
    name = "remotion-user" if kind == "user" else "video-api"
    if kind == "role":
        import json

        trust = json.dumps(service_trust("lambda.amazonaws.com"))
        iam(engine).create_role(RoleName=name, AssumeRolePolicyDocument=trust)
    other = "managed" if attach == "inline" else "inline"
    answers = given(
        remotion__version=release,
        remotion__regions=[region],
        principal__kind=kind,
        principal__name=name,
        principal__attach=attach,
        render_role__attach=other,
        credentials__write="none",
    )
    parsed = parse_release(release)
    assert parsed is not None
    try:
        wanted = {k: policy(k, parsed, partition) for k in ("user", "role")}
    except UsageProblem:
        assert partition == "aws-cn"
        _refused(engine, answers)
        return
    plan = onboard(engine, answers)
    assert not plan.problems
    assert plan_for(engine, answers).is_empty, ids(plan_for(engine, answers))
    report = engine.check(answers)
    assert report.ok, [f.to_json() for f in report.findings if f.status is Status.FAIL]
    proven = {f.id.split("@")[0] for f in report.findings if f.status is Status.PASS}
    for which, document in wanted.items():
        for statement in document["Statement"]:
            for action in statement["Action"]:
                assert f"{which}.permission.{action}" in proven


def _refused(engine: Engine, answers: Answers) -> None:
    with pytest.raises(UsageProblem) as caught:
        plan_for(engine, answers)
    assert "4.0.510" in caught.value.problem.remedy
