"""The step "Take back", the name of the account before anything is taken back, and what is said afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest

from screens.app import WizardApp
from screens.dialogs.confirm import ConfirmAccount
from screens.leaving import end_code, farewell
from tests.engine.support import given, iam, onboard
from tests.screens.support import ACCOUNT, FakeEngine, Person, denied, session_at, with_person
from wizard.engine import Engine, Options
from wizard.plan.changes import Action, Call, Change, Plan
from wizard.remotion import names


def words(person: Person) -> str:
    """All text on the screen, without line breaks and the mark of what has the focus."""
    return " ".join(person.words().replace("▌", "").split())


async def test_a_run_is_chosen_or_everything(fake: FakeEngine) -> None:
    async def choose(person: Person) -> None:
        seen = words(person)
        assert (
            "2026-11-21-2" in seen and "changed 2 things. It was cut off." in seen and "Everything of Remotion" in seen
        )
        assert person.app.session.answers["undo.run"] == "2026-11-21-2"
        assert "Regions" not in seen
        await person.press("down")
        assert person.app.session.answers["undo.run"] == "2026-11-20-1"
        await person.press("down")
        assert person.app.session.answers["undo.run"] == "everything"
        assert "Regions" in words(person)

    await with_person(WizardApp(fake, session_at("undo")), choose, (80, 60))


async def test_without_a_run_everything_is_left_to_choose(fake: FakeEngine) -> None:
    fake.runs = ()

    async def look(person: Person) -> None:
        assert "No run of this account is left" in words(person)
        assert person.app.session.answers["undo.run"] == "everything"

    await with_person(WizardApp(fake, session_at("undo")), look)


async def test_what_goes_wrong_is_told_and_f5_tries_again(fake: FakeEngine) -> None:
    identity, fake.identity = fake.identity, denied()

    async def again(person: Person) -> None:
        assert "has expired" in words(person)
        fake.identity = identity
        await person.press("f5")
        assert "2026-11-21-2" in words(person)

    await with_person(WizardApp(fake, session_at("undo")), again)


async def test_the_whole_walk_takes_back_what_was_made_once_the_account_is_named(folder: Path) -> None:
    engine = Engine(Options(sandbox="fresh", folder=folder))
    engine.connect()
    onboard(engine, given())
    assert (folder / ".env").exists()

    async def walk(person: Person) -> None:
        assert "the user remotion-user" in words(person)
        await person.press("ctrl+n")
        assert person.step == "review" and "- delete user" in words(person)
        await person.go_to("apply")
        await person.press("enter")
        assert isinstance(person.app.screen, ConfirmAccount)
        await person.type("12345")
        await person.press("enter")
        assert "not the name of this account" in words(person) and person.step == "review"
        assert iam(engine).get_user(UserName=names.USER)
        await person.type(ACCOUNT)
        await person.press("enter")
        assert person.step == "apply" and "Done ›" in words(person)
        await person.press("enter")
        seen = words(person)
        assert person.step == "done" and "Taken back" in seen and "What stays" in seen

    app = WizardApp(engine, session_at("undo"))
    await with_person(app, walk, (80, 60))
    assert [u["UserName"] for u in iam(engine).list_users()["Users"]] == ["sandbox-admin"]
    assert not (folder / ".env").exists()
    assert end_code(app) == 0 and "Taken back" in farewell(app)


@pytest.mark.parametrize("answer", ["escape", "tab"])
async def test_who_does_not_confirm_changes_nothing(fake: FakeEngine, answer: str) -> None:
    fake.planned = _small_plan(fake)

    async def refuse(person: Person) -> None:
        await person.go_to("apply")
        await person.press("enter")
        await person.press(*([answer] if answer == "escape" else ["tab", "enter"]))
        assert person.step == "review" and not isinstance(person.app.screen, ConfirmAccount)
        assert person.app.known.applied is None

    await with_person(WizardApp(fake, session_at("review", start__goal="undo")), refuse)


def _small_plan(fake: FakeEngine) -> Plan:
    call = Call("iam", "DeleteUser", {"UserName": names.USER})
    change = Change("user", Action.DELETE, "user", names.USER, "arn", "the user itself", "The run made it.", call)
    return Plan(fake.connected(), (change,), purpose="undo", undoes=("2026-11-21-1",))
