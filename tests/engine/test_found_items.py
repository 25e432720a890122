"""What was found of Remotion: whom each thing is about, what is missing and what that costs; the preview beside it."""

from __future__ import annotations

from dataclasses import replace

from tests.engine.support import Place, given
from wizard.engine import Engine, Options
from wizard.plan.found import CALLER, RENDER_ROLE, Standing
from wizard.plan.policies import with_costs
from wizard.remotion.from_project import ProjectPolicies


def _engine(scenario: str, place: Place) -> Engine:
    return Engine(Options(sandbox=scenario, folder=place.project))


def test_each_thing_says_whom_it_is_about_and_what_is_missing_costs(place: Place) -> None:
    _, found = _engine("outdated", place).found(given(start__goal="change"))
    about = {item.subject for item in found.items if item.standing is not Standing.NOTE}
    assert about == {CALLER, RENDER_ROLE}
    lacking = [item for item in found.items if item.costs]
    assert [item.subject for item in lacking] == [CALLER, RENDER_ROLE]
    assert any("new buckets stay publicly listable" in cost for cost in lacking[0].costs)
    for item in lacking:
        assert item.said.endswith("needs beyond it:")
        assert item.detail == with_costs(item.said, item.costs)
        assert all(cost in item.detail for cost in item.costs)


def test_the_preview_is_of_the_projects_own_policies_where_they_were_read(place: Place) -> None:
    engine = _engine("fresh", place)
    statement = {"Sid": "Printed", "Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["*"]}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    snapshot = replace(
        engine.discover(given()), project_policies=ProjectPolicies(user=document, role=document, release="4.0.600")
    )
    own = engine.preview(given(remotion__policies="project"), "4.0.527", snapshot)
    assert all("Printed" in policy.text for policy in own.policies)
    known = engine.preview(given(remotion__policies="catalogue"), "4.0.527", snapshot)
    assert not any("Printed" in policy.text for policy in known.policies)
