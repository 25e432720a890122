"""Step "Identity" offers to go on with what an earlier run worked with."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from screens.app import WizardApp
from screens.widgets.choice import ChoiceList
from tests.engine.test_references import Memory, reference
from tests.screens.support import ACCOUNT, FakeEngine, Person, denied, identity, session_at, with_person
from wizard.collect.answers import Answers
from wizard.engine import Engine, Options
from wizard.handover.references import Reference, References

ADA = f"arn:aws:iam::{ACCOUNT}:user/ada"


def recent(**changes: str) -> Reference:
    """What somebody worked with just now: the user ada, in the profile acme."""
    now = datetime.now(UTC).replace(microsecond=0)
    made = reference(principal=ADA, region="eu-west-1", profile="acme", source="profile acme", **changes)
    return replace(made, created=now - timedelta(hours=1), expires=now + timedelta(hours=11))


@pytest.fixture
def kept(tmp_path: Path) -> References:
    return References(Memory(), tmp_path / "state")


@pytest.fixture
def offering(fake: FakeEngine, kept: References) -> FakeEngine:
    """The fake engine, after an earlier run."""
    fake._kept = kept
    kept.save(recent())
    return fake


async def sees(person: Person, *texts: str) -> None:
    """Wait until these texts are on the screen."""
    for _ in range(400):
        if all(text in person.words() for text in texts):
            return
        await person.pilot.pause(0.01)
    raise AssertionError(f"{texts} not in: {person.words()}")


async def at_identity(
    engine: Engine, do: Callable[[Person], Awaitable[None]], size: tuple[int, int] = (80, 24)
) -> None:
    await with_person(WizardApp(engine, session_at("identity")), do, size)


async def test_one_key_goes_on_where_an_earlier_run_was(offering: FakeEngine) -> None:
    async def do(person: Person) -> None:
        await sees(person, "Go on with ada", "Account 1234-5678-9012, profile acme, eu-west-1, until ")
        assert isinstance(person.app.screen.focused, ChoiceList), "the credentials keep the focus"
        await person.press("f4")
        assert offering.signed_in_with[-1] == "acme"
        answers = person.app.session.answers
        assert answers.text("principal.name") == "ada"
        assert answers.texts("remotion.regions") == ("eu-west-1",)
        assert answers.origin("principal.name") == "resumed"
        assert person.app.screen.query_one(ChoiceList).value == "acme"
        await person.press("enter")
        assert person.step == "project"

    await at_identity(offering, do)


async def test_other_credentials_take_back_what_was_filled_in(offering: FakeEngine) -> None:
    async def do(person: Person) -> None:
        await person.go_to("go-on-0")
        await person.press("enter")
        assert person.app.session.answers.text("principal.name") == "ada"
        person.app.screen.query_one(ChoiceList).focus()
        await person.press("up")
        answers = person.app.session.answers
        assert answers.text("identity.profile") == "" and answers.text("principal.name") == "remotion-user"
        assert person.app.known.going_on is None

    await at_identity(offering, do)


async def test_another_account_is_said_and_not_offered_again(offering: FakeEngine, kept: References) -> None:
    async def do(person: Person) -> None:
        offering.identity = identity(account="999999999999", arn="arn:aws:iam::999999999999:user/ada")
        await person.press("f4")
        await sees(person, "These credentials are no longer", "9999-9999-9999 (aws)", "any more.")
        assert "Go on with" not in person.sees()
        assert person.app.session.answers.text("principal.name") == "remotion-user"
        assert not person.app.screen.signed_in  # type: ignore[attr-defined]
        assert kept.names() == ()
        await person.press("f5")
        await sees(person, "Signed in.", "9999-9999-9999")

    await at_identity(offering, do, (110, 40))


async def test_credentials_that_do_not_work_keep_the_offer(offering: FakeEngine, kept: References) -> None:
    async def do(person: Person) -> None:
        offering.identity = denied()
        await person.press("f4")
        await sees(person, "✗ AWS refused", "aws sso login --profile acme", "Go on with ada")
        offering.identity = identity()
        await person.press("f5")
        await sees(person, "Signed in.")
        assert person.app.known.going_on is not None

    await at_identity(offering, do, (110, 40))


async def test_without_one_nothing_is_offered(fake: FakeEngine) -> None:
    async def do(person: Person) -> None:
        assert "Go on" not in person.sees() and "f4" not in person.sees()
        await person.press("f4")
        assert person.step == "identity"

    await at_identity(fake, do, (140, 40))


async def test_a_keyring_that_hangs_holds_nobody_up(fake: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()

    def hanging() -> tuple[Reference, ...]:
        released.wait(20)
        return ()

    monkeypatch.setattr(fake, "references", hanging)
    app = WizardApp(fake, session_at("identity"))
    async with app.run_test(size=(80, 24)) as pilot:
        while app.known.identity is None:
            await pilot.pause(0.01)
        await pilot.press("enter")
        assert app.session.current == "project"
        released.set()


async def test_what_a_run_in_the_sandbox_left_behind_is_gone_on_with(folder: Path, kept: References) -> None:
    options = Options(sandbox="fresh", folder=folder, remember_hours=12)

    async def second(person: Person) -> None:
        await sees(person, "Go on with remotion-user", "Account 1234-5678-9012, sandbox administrator, us-east-1")
        await person.press("f4", "enter")
        assert person.step == "project"

    Engine(options, kept).discover(Answers())
    assert kept.said() == ""
    await at_identity(Engine(options, kept), second)
