"""The step "Extras": what each extra adds, with its reason, and what there is to know about it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from screens.app import WizardApp
from screens.widgets.field import FieldView
from screens.widgets.section import Section
from screens.widgets.several import SeveralChoices
from tests.screens.support import FakeEngine, Person, identity, session_at, with_person
from tests.thorough import mostly_thorough
from wizard.remotion import aws_managed, operators

LAYER = "arn:aws:lambda:us-east-1:111122223333:layer:my-chromium:5"
WIDE = (120, 40)
TALL = (80, 120)  # the pane covers the form, and everything of it is in sight


def _app(fake: FakeEngine, **values: Any) -> WizardApp:
    app = WizardApp(fake, session_at("extras", **values))
    app.known.identity = identity()
    return app


async def test_most_projects_need_none(fake: FakeEngine) -> None:
    async def look(person: Person) -> None:
        assert "None. Most projects need none." in person.words()
        await person.press("ctrl+n")
        assert person.step != "extras"

    await with_person(_app(fake), look, WIDE)


async def test_a_tick_shows_exactly_what_it_adds_and_why(fake: FakeEngine) -> None:
    async def tick(person: Person) -> None:
        await person.press("down", "space")
        assert person.app.session.answers["extras.vpc"] is True
        await person.press("ctrl+o")
        seen = person.words()
        assert "remotion-user, in its policy" in seen
        assert "ec2:DescribeVpcs find the VPC that the subnets belong to" in seen
        assert '"Sid": "ExtraVpcLookup"' in seen
        assert "1,919 / 2,048" in seen
        await person.press("ctrl+o", "down", "space", "ctrl+o")
        assert "None. Most projects need none." in person.words()
        assert "1,779 / 2,048" in person.words()

    await with_person(_app(fake), tick, TALL)


async def test_own_layers_are_named_in_one_line(fake: FakeEngine) -> None:
    async def type_them(person: Person) -> None:
        await person.go_to("extras--custom_layer_arns")
        await person.type(f"{LAYER} , {LAYER.replace('my-chromium', 'fonts')}")
        assert person.app.session.answers.texts("extras.custom_layer_arns")[1].endswith(":layer:fonts:5")
        assert "Own layers" in person.words()
        await person.type(LAYER.removesuffix(":5"))
        await person.press("ctrl+n")
        assert person.step == "extras"
        assert "has no version at its end" in person.words()

    await with_person(_app(fake), type_them, WIDE)


async def test_too_many_extras_for_an_inline_policy_are_told(fake: FakeEngine) -> None:
    async def look(person: Person) -> None:
        await person.press("ctrl+o")
        assert "204 too many" in person.words()
        assert "Choose a managed policy" in person.words()

    await with_person(_app(fake, extras__vpc=True, extras__custom_layer_arns=[LAYER]), look, TALL)


async def test_what_can_not_be_had_is_told(fake: FakeEngine) -> None:
    async def look(person: Person) -> None:
        assert "! AWS has no Lambda Insights in" in person.words()

    await with_person(_app(fake, extras__insights=True, remotion__regions=["eu-central-2"]), look, WIDE)


async def test_operator_permissions_say_who_gets_them(fake: FakeEngine) -> None:
    async def give(person: Person) -> None:
        screen = person.app.screen
        view = screen.query_one("#extras--operator", FieldView)
        who = screen.query_one("#extras--operator_principal", FieldView)
        ticks = view.query_one(SeveralChoices)
        assert [item.choice.value for item in ticks.items] == list(operators.IDS)
        assert who.styles.display == "block"
        assert "user/ada" in person.app.session.answers.text("extras.operator_principal")
        assert "ada, as managed policies" in person.words()
        await person.go_to("extras--operator")
        await person.press("space")
        assert person.app.session.answers["extras.operator"] == ["list-functions", "monitor"]
        await person.press("space", "down", "down", "down", "space")
        assert person.app.session.answers["extras.operator"] == []
        assert person.app.session.answers["extras.operator_principal"] == ""
        assert who.styles.display == "none"
        await person.press("ctrl+n")
        assert person.step != "extras"

    values = {"extras__operator": ["monitor"], "extras__operator_principal": "user/ada"}
    await with_person(_app(fake, **values), give, WIDE)


@pytest.mark.parametrize(
    "name", mostly_thorough(["AWSLambdaFullAccess", "AWSLambda_FullAccess"], {"AWSLambdaFullAccess"})
)
async def test_a_policy_of_aws_is_ticked_under_any_name_that_it_had(fake: FakeEngine, name: str) -> None:
    found = aws_managed.resolve(name)
    assert found is not None

    async def look(person: Person) -> None:
        ticks = person.app.screen.query_one("#extras--aws_managed_policies", FieldView).query_one(SeveralChoices)
        assert ticks.answer == [name]
        assert len(ticks.items) == len(aws_managed.policies())
        await person.press("ctrl+o")
        assert found.policy.for_whom in person.words()

    await with_person(_app(fake, extras__aws_managed_policies=[name]), look, TALL)


async def test_an_own_render_role_is_named_everywhere(fake: FakeEngine) -> None:
    async def look(person: Person) -> None:
        await person.press("ctrl+o")
        assert "video-render, in its policy" in person.words()
        assert "--custom-role-arn=" in person.words()

    await with_person(_app(fake, render_role__name="video-render", extras__vpc=True), look, TALL)


async def test_the_pane_opens_in_a_small_terminal(fake: FakeEngine) -> None:
    async def look(person: Person) -> None:
        await person.press("ctrl+o")
        assert "What they add" in person.sees()
        assert [s.opened for s in person.app.screen.query("#extras-added Section").results(Section)] == [True, True]

    await with_person(_app(fake, extras__vpc=True), look)


# Where the extras and the principal show up again


async def test_the_end_names_the_flags_of_the_extras_and_the_own_render_role(fake: FakeEngine) -> None:
    values = {"extras__insights": True, "render_role__name": "video-render"}

    async def look(person: Person) -> None:
        assert "functions deploy --enable-lambda-insights" in person.words()
        assert "--custom-role-arn=" in person.words()
        await person.press("ctrl+o")
        assert "hands over video-render" in person.words()
        assert "remotion-user-policy" in person.words()

    await with_person(WizardApp(fake, session_at("done", **values)), look, (80, 40))


async def test_with_a_role_there_is_no_key_and_the_way_to_it_is_drawn(fake: FakeEngine) -> None:
    values = {
        "principal__kind": "role",
        "principal__service": "ec2",
        "principal__name": "video-api",
        "principal__assumed_by": "server-role",
    }

    async def look(person: Person) -> None:
        assert "Your code has the role video-api." in person.words()
        assert "= REMOTION_ROLE_ARN=" in person.words()
        assert ".env" not in person.words()
        await person.press("ctrl+o")
        words = (
            "your code in Amazon EC2",
            "server-role",
            "takes the role",
            "video-api",
            "remotion-executionrole-policy",
        )
        seen = person.words()
        assert sorted(words, key=seen.index) == list(words)

    await with_person(WizardApp(fake, session_at("done", **values)), look, (80, 40))


async def test_a_release_that_is_newer_than_the_catalogue_can_be_asked_itself(
    fake: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.project = replace(fake.project, release="4.9.0")

    async def look(person: Person) -> None:
        assert "The project's own Remotion can't print its policies here" in person.words()
        assert "not installed" in person.words()
        monkeypatch.setattr("screens.project.can_read", lambda _folder: "")
        await person.go_to("remotion--version")
        await person.type("4.9.1")
        assert "Under “More”, you can have the project's own Remotion print its policies." in person.words()

    await with_person(WizardApp(fake, session_at("project")), look, (80, 60))
