"""The step "Access key": the user's keys, the choice between two that may be in use, and the whole walk to a new key."""

from __future__ import annotations

from pathlib import Path

import pytest

from screens.app import WizardApp
from screens.rotate import KeyCard
from screens.widgets.choice import ChoiceList
from tests.engine.support import iam
from tests.screens.support import Person, session_at, with_person
from wizard.check.findings import Report
from wizard.engine import Engine, Options
from wizard.handover.env_file import variables_of
from wizard.remotion import names
from wizard.text import shortened_key

USER, ID, SECRET = names.USER, names.ACCESS_KEY_ID, names.SECRET_ACCESS_KEY
GOAL = {"start__goal": "rotate"}


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("screens.rotate._PAUSE", 0.0)


@pytest.fixture
def engine(folder: Path) -> Engine:
    """An account with a user, whose key lies in the project's .env."""
    made = Engine(Options(sandbox="fresh", folder=folder))
    made.connect()
    iam(made).create_user(UserName=USER)
    key = iam(made).create_access_key(UserName=USER)["AccessKey"]
    (folder / ".env").write_text(f"{ID}={key['AccessKeyId']}\n{SECRET}={key['SecretAccessKey']}\n")
    return made


def _held(folder: Path) -> str:
    return variables_of(folder / ".env")[ID]


def _statuses(engine: Engine, user: str = USER) -> dict[str, str]:
    return {k["AccessKeyId"]: k["Status"] for k in iam(engine).list_access_keys(UserName=user)["AccessKeyMetadata"]}


async def test_the_walk_to_a_new_key_and_what_is_said_of_the_old_one(
    engine: Engine, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = _held(folder)
    monkeypatch.setattr(engine, "check", lambda *_, **__: Report(engine.connected(), ()))

    async def walk(person: Person) -> None:
        assert f"Access keys of {USER}" in person.words()
        assert shortened_key(old) in person.words() and "never used" in person.words() and "in .env" in person.words()
        await person.go_on_to("review")
        seen = person.words()
        assert "> prove key" in seen and "~ deactivate key" in seen
        assert "1 to create, 1 to prove, 1 to deactivate" in seen
        await person.go_to("apply")
        await person.press("enter")
        assert "prove access key in .env" in person.words()
        assert _statuses(engine) == {old: "Inactive", _held(folder): "Active"}
        await person.press("enter")
        assert person.step == "check"
        await person.go_on_to("done")
        seen = person.words()
        assert f"The old key {old} is inactive." in seen
        assert "credentials rotate --delete-old --sandbox fresh" in seen.replace("\n", " ")

    await with_person(WizardApp(engine, session_at("rotate", **GOAL)), walk, (80, 70))


async def test_between_two_keys_that_may_be_in_use_the_person_chooses(engine: Engine, folder: Path) -> None:
    held, other = _held(folder), iam(engine).create_access_key(UserName=USER)["AccessKey"]["AccessKeyId"]

    async def choose(person: Person) -> None:
        assert "which key goes first?" in person.words()
        await person.press("ctrl+n")
        assert person.step == "rotate" and isinstance(person.app.screen.focused, ChoiceList)
        assert [choice.value for choice in person.app.screen.focused.choices] == [other]
        await person.press("down")
        assert person.app.session.answers["rotate.replace"] == other
        await person.press("ctrl+n")
        assert person.step == "review"
        assert shortened_key(other) in person.words() and "delete" in person.words()
        assert _statuses(engine) == {held: "Active", other: "Active"}

    await with_person(WizardApp(engine, session_at("rotate", **GOAL)), choose)


async def test_another_user_is_looked_up_and_what_stands_in_the_way_is_told_at_once(engine: Engine) -> None:
    async def look(person: Person) -> None:
        await person.type("nobody")
        assert "There is no user nobody in this account." in person.words()
        await person.type(USER)
        assert "There is no user" not in person.words()
        assert len(person.app.screen.query(KeyCard)) == 1
        await person.type("a b")
        assert "once the answers above are right" in person.words()

    await with_person(WizardApp(engine, session_at("rotate", **GOAL)), look, (80, 70))
