"""Text from AWS, files and people is shown as it is, whatever brackets and escapes it holds, in every place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from screens.app import WizardApp
from tests.screens.support import NASTY, FakeEngine, Person, denied, identity, session_at, with_person
from tests.thorough import mostly_thorough
from wizard.account.profiles import CredentialChoice
from wizard.account.snapshot import LocalState
from wizard.apply.events import Done, Event, Failed, Finished, Started, Waiting
from wizard.check.findings import Finding, Status
from wizard.plan.build import build_plan
from wizard.plan.changes import Action, Call, Change, Plan
from wizard.problem import Problem
from wizard.remotion.catalogue import StatementReason
from wizard.remotion.project import Project

SIZES = mostly_thorough([(80, 24), (120, 40)], {(80, 24)})


@pytest.fixture
def nasty(fake: FakeEngine) -> FakeEngine:
    """An engine in whose every answer there is markup."""
    fake.found_choices = (CredentialChoice("", NASTY, NASTY), CredentialChoice("a]b[/c]", NASTY, NASTY))
    fake.identity = identity(
        arn=f"arn:aws:iam::1:user/{NASTY}", alias=NASTY, source=NASTY, region=NASTY, endpoint=NASTY
    )
    fake.project = Project(Path("/home/[/x]"), True, True, "4.0.527", NASTY, (NASTY,))
    fake.local = LocalState(f"/home/{NASTY}/.env", env_key_id=NASTY)
    problem = Problem(NASTY, NASTY, NASTY)
    change = Change(
        "one",
        Action.UPDATE,
        NASTY,
        NASTY,
        NASTY,
        NASTY,
        NASTY,
        Call("iam", "PutUserPolicy", {"UserName": NASTY, "PolicyDocument": NASTY}),
        before={"Statement": [{"Sid": NASTY, "Effect": "Allow", "Action": NASTY, "Resource": "*"}]},
        after={"Statement": [{"Sid": "[/]", "Effect": "Allow", "Action": NASTY, "Resource": "*"}]},
        why=(StatementReason(NASTY, NASTY, (NASTY,), ((NASTY, NASTY, NASTY),)),),
    )
    fake.planned = Plan(identity(), (change, replace(change, id="two", before=None, after=NASTY)), (NASTY,))
    fake.findings = tuple(Finding(str(s), NASTY, s, NASTY, NASTY, NASTY, NASTY) for s in Status)

    def events(plan: Plan) -> Iterator[Event]:
        yield Started("one", NASTY)
        yield Done("one", 0.1, note=NASTY)
        yield Waiting(NASTY, NASTY, 1.0)
        yield Failed("two", problem)
        yield Finished(False, NASTY, 1, NASTY, (NASTY,))

    fake.events = events
    return fake


@pytest.mark.thorough
@pytest.mark.parametrize("size", SIZES)
async def test_every_step_shows_foreign_text_as_it_is(nasty: FakeEngine, size: tuple[int, int]) -> None:
    app = WizardApp(nasty, session_at("identity", credentials__write="aws-profile"))

    async def walk(person: Person) -> None:
        assert "[/iam]" in person.sees()
        for step in ("project", "principal", "policies", "extras", "output-bucket", "quotas", "credentials", "review"):
            await person.press("ctrl+n")
            assert person.step == step
            await person.press("ctrl+o")
            await person.press("right", "right", "ctrl+o")
        assert "[/iam]" in person.sees()
        for key in ("home", "down"):
            await person.press(key, "enter", "right", "right", "escape" if size[0] < 110 else "ctrl+o")
        await person.go_to("apply")
        await person.press("enter")
        assert person.step == "apply"
        assert "[bold]x[/bold]" in person.words()
        assert "\x1b" not in person.sees()

    await with_person(app, walk, size)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("step", ["check", "done"])
async def test_findings_show_foreign_text_as_it_is(nasty: FakeEngine, step: str, size: tuple[int, int]) -> None:
    app = WizardApp(nasty, session_at(step, start__goal="diagnose"))

    async def look(person: Person) -> None:
        if step == "done":
            await person.press("escape")
        await person.press("ctrl+n")
        assert person.step == "done"
        assert "[/iam]" in person.sees()
        await person.press("enter")

    await with_person(app, look, size)


async def test_problems_everywhere_show_foreign_text_as_it_is(nasty: FakeEngine) -> None:
    nasty.identity = denied(NASTY)
    for step in ("identity", "review", "check"):
        app = WizardApp(nasty, session_at(step))

        async def look(person: Person) -> None:
            assert "[/iam] not authorized" in person.words()

        await with_person(app, look)


@pytest.mark.parametrize(
    "key",
    mostly_thorough(
        [
            "identity.profile",
            "remotion.project",
            "remotion.version",
            "principal.name",
            "principal.path",
            "principal.permissions_boundary",
            "credentials.path",
            "credentials.profile",
        ],
        {"identity.profile", "principal.name", "credentials.path"},
    ),
)
async def test_answers_with_markup_are_shown_and_refused_as_text(fake: FakeEngine, key: str) -> None:
    step = {"identity": "identity", "remotion": "project", "credentials": "credentials"}.get(
        key.split(".")[0], "principal"
    )
    step = "policies" if key.endswith("boundary") else step
    values: dict[str, Any] = {key.replace(".", "__"): NASTY.replace("\x1b", ""), "credentials__write": "aws-profile"}
    app = WizardApp(fake, session_at(step, **values))

    async def look(person: Person) -> None:
        await person.press("ctrl+n", "ctrl+o", "ctrl+o", "ctrl+p", "escape")

    await with_person(app, look, (120, 40))


async def test_regions_with_markup_are_refused_as_text(fake: FakeEngine) -> None:
    app = WizardApp(fake, session_at("project", remotion__regions=["[/iam]", "us-east-1"]))

    async def look(person: Person) -> None:
        await person.press("ctrl+n")
        assert person.step == "project"
        assert "does not run in [/iam]" in person.words()

    await with_person(app, look)


async def test_messages_tooltips_and_the_place_are_text(fake: FakeEngine) -> None:
    fake.place = lambda: "[/local]:4566"  # type: ignore[method-assign]
    app = WizardApp(fake, session_at("start"))

    async def look(person: Person) -> None:
        app.notify(NASTY, title=NASTY)
        await person.settled()
        assert "[/iam]" in person.sees()
        assert "[/local]:4566" in person.sees()
        for widget in app.screen.query("*"):
            assert not isinstance(widget.tooltip, str), widget

    await with_person(app, look)


async def test_a_real_plan_is_shown_whole(fake: FakeEngine) -> None:
    app = WizardApp(fake, session_at("review"))

    async def look(person: Person) -> None:
        snapshot = app.known.snapshot
        assert snapshot is not None
        for change in build_plan(app.session.answers, snapshot).writing:
            assert change.name in person.sees()

    await with_person(app, look, (120, 40))
