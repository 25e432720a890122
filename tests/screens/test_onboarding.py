"""A newcomer walks from Start to Done, on the real engine and a fresh sandbox account."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input

from screens.app import WizardApp
from screens.widgets.field import FieldView
from tests.screens.support import Person, with_person
from wizard.collect.answers import Answers, read_answers
from wizard.collect.fields import FIELDS
from wizard.collect.session import Session
from wizard.engine import Engine

BEFORE_REVIEW = (
    "start",
    "identity",
    "project",
    "principal",
    "policies",
    "extras",
    "output-bucket",
    "quotas",
    "credentials",
)


async def _wrong_then(person: Person, wrong: str, right: str, says: str) -> None:
    """Type something wrong, see what is allowed and stay; then type it right."""
    step = person.step
    await person.type(wrong)
    await person.press("ctrl+n")
    assert person.step == step
    view = next(f for f in person.app.screen.query(FieldView) if f.error)
    assert says in view.error
    assert "✗" in person.sees()
    focused = person.app.screen.focused
    assert focused is not None
    assert view in focused.ancestors_with_self
    await person.type(right)
    assert not view.error


async def _onboard(person: Person) -> None:
    await person.press("down", "up", "enter")
    assert person.step == "identity"
    assert "1234-5678-9012" in person.sees()
    await person.press("enter")
    assert person.step == "project"

    await _wrong_then(person, "", ".", "Name the folder")
    await person.press("enter")
    await _wrong_then(person, "latest", "auto", "4.0.527")
    await person.press("enter", *"us-east-1", "down", "space", "ctrl+n")
    assert person.step == "project"
    assert "Choose at least one region" in person.words()
    await person.press(*"frank", "enter")
    assert "eu-central-1 (Frankfurt)" in person.sees()
    await person.press("enter")
    assert person.step == "principal"

    await person.press("enter")  # an IAM user
    await _wrong_then(person, "my user", "remotion-user", "can't contain a space")
    await person.press("tab", "enter", "tab")
    await _wrong_then(person, "remotion", "/", "begins and ends with /")
    await person.press("enter")
    await _wrong_then(person, "team", "team=video", "key=value")
    await person.press("enter")
    assert person.step == "policies"

    await person.press("enter", "enter")
    await _wrong_then(person, "boundary", "", "ARN of a managed policy")
    await person.press("enter")
    assert person.step == "extras"

    await person.press("enter", "enter")
    await _wrong_then(person, "my-layer", "", "ARN")
    await person.press("tab", "enter", "tab")
    await _wrong_then(person, "my role", "remotion-lambda-role", "role")
    await person.press("ctrl+n")
    assert person.step == "output-bucket"

    await _wrong_then(person, "My_Videos", "", "my-videos")
    await person.press("enter")
    assert person.step == "quotas"
    await person.press("ctrl+n")
    assert person.step == "credentials"

    await person.press("down", "enter")
    await _wrong_then(person, "keys/", ".env", "is a folder")
    await person.press("enter")
    await _wrong_then(person, "a]b", "remotion", "without [ ]")
    await person.press("shift+tab", "shift+tab", "up", "ctrl+n")
    assert person.step == "review"
    plan = person.app.known.plan
    assert plan is not None
    assert f"Apply {len(plan.writing)} changes" in person.sees()


@pytest.mark.thorough
async def test_onboarding_by_keyboard_with_a_wrong_entry_in_every_field(sandbox: Engine, folder: Path) -> None:
    app = WizardApp(sandbox, Session(Answers()), save_answers=folder / "answers.toml")

    async def walk(person: Person) -> None:
        await _onboard(person)
        focused = app.screen.focused
        assert focused is not None
        assert focused.id != "apply"
        await person.go_to("apply")
        await person.press("enter")
        assert person.step == "apply"
        assert "changes were made" in person.words()
        await person.press("enter")
        assert person.step == "check"
        assert "0 do not hold" in person.sees()
        await person.press("enter")
        assert person.step == "done"
        assert "Remotion Lambda is ready" in person.sees()
        await person.press("enter")

    result = await with_person(app, walk)
    assert result is not None
    assert result.exit_code == 0
    assert "changes were made" in result.message
    env = (folder / ".env").read_text()
    assert "REMOTION_AWS_ACCESS_KEY_ID=" in env
    secret = sandbox.new_secret()
    assert secret is not None
    assert secret[1].reveal() in env
    assert secret[1].reveal() not in result.message
    saved = read_answers(folder / "answers.toml")
    assert saved["remotion.regions"] == ["eu-central-1"]
    assert saved["principal.tags"] == {"team": "video"}


async def test_a_beginner_who_takes_every_default_presses_enter_and_nothing_else(sandbox: Engine) -> None:
    app = WizardApp(sandbox, Session(Answers()))

    async def walk(person: Person) -> None:
        seen = [person.step]
        for _ in range(30):
            if person.step == "review":
                break
            await person.press("enter")
            if person.step != seen[-1]:
                seen.append(person.step)
        assert seen == [*BEFORE_REVIEW, "review"]
        assert all(app.session.answers[key] == Answers()[key] for key in FIELDS)
        assert "Apply" in person.sees()

    await with_person(app, walk)


@pytest.mark.thorough
async def test_back_from_review_to_the_first_step_and_forward_keeps_every_answer(sandbox: Engine) -> None:
    app = WizardApp(sandbox, Session(Answers()))

    async def walk(person: Person) -> None:
        await person.press("ctrl+n")
        await person.press("ctrl+n")
        await person.press("tab")
        await person.type("4.0.500")
        await person.press("ctrl+n")
        await person.press("enter")
        await person.type("someone")
        await person.press("ctrl+n")
        await person.press("down", "ctrl+n")
        assert person.step == "extras"
        await person.press("down", "space")
        await person.go_on_to("credentials")
        await person.press("down", "down", "ctrl+n")
        assert person.step == "review"
        answers = app.session.answers
        assert answers["extras.vpc"] is True
        for expected in reversed(BEFORE_REVIEW):
            await person.press("escape")
            assert person.step == expected
        assert app.session.answers == answers
        for expected in (*BEFORE_REVIEW[1:], "review"):
            await person.press("ctrl+n")
            assert person.step == expected
        assert app.session.answers == answers
        assert "someone" in person.sees()

    await with_person(app, walk)


async def test_wrong_text_is_still_there_after_going_back(sandbox: Engine) -> None:
    app = WizardApp(sandbox, Session(Answers()))

    async def walk(person: Person) -> None:
        for _ in range(3):
            await person.press("ctrl+n")
        assert person.step == "principal"
        await person.press("enter")
        await person.type("not right!")
        await person.press("escape")
        await person.press("ctrl+n")
        assert person.step == "principal"
        assert app.screen.query(Input).first().value == "not right!"

    await with_person(app, walk)


@pytest.mark.thorough
async def test_two_runs_on_one_account_plan_nothing_the_second_time(sandbox: Engine) -> None:
    app = WizardApp(sandbox, Session(Answers()))

    async def first(person: Person) -> None:
        await person.go_on_to("review")
        await person.go_to("apply")
        await person.press("enter")
        await person.press("enter")
        assert person.step == "check"

    await with_person(app, first)
    again = WizardApp(sandbox, Session(Answers()))

    async def second(person: Person) -> None:
        await person.go_on_to("review")
        assert "Everything is as it should be" in person.words()
        await person.press("enter")
        assert person.step == "check"
        await person.press("enter")
        assert person.step == "done"

    await with_person(again, second)


async def test_finding_out_what_is_wrong_changes_nothing(sandbox: Engine, folder: Path) -> None:
    app = WizardApp(sandbox, Session(Answers()))

    async def walk(person: Person) -> None:
        await person.press("down", "down", "enter")
        for _ in range(3):
            await person.press("ctrl+n")
        assert person.step == "check"
        assert "do not hold" in person.words()
        await person.press("enter")
        assert person.step == "done"
        assert "This is what does not hold" in person.words()
        await person.press("enter")

    result = await with_person(app, walk)
    assert result is not None
    assert result.exit_code == 1
    assert "Nothing was changed" in result.message
    assert not (folder / ".env").exists()


@pytest.mark.thorough
async def test_the_mouse_is_enough(sandbox: Engine) -> None:
    app = WizardApp(sandbox, Session(Answers()))

    async def walk(person: Person) -> None:
        async def click(selector: str) -> None:
            assert await person.pilot.click(selector)
            await person.settled()

        for expected in (*BEFORE_REVIEW[1:], "review"):
            await click("#next")
            assert person.step == expected
        await click("StepItem.-done")
        assert person.step == "start"
        items = {item.step_id: item for item in app.screen.query("StepItem").results()}  # type: ignore[attr-defined]
        assert await person.pilot.click(items["review"])
        await person.settled()
        assert person.step == "review"
        await click("#apply")
        assert person.step == "apply"
        await click("#next")
        await click("#next")
        assert person.step == "done"

    await with_person(app, walk, size=(120, 40))
