"""A walk that was kept is offered on the first screen, and gone on with or forgotten by one key."""

from __future__ import annotations

from typing import Any

import pytest

from screens.app import WizardApp
from tests.screens.support import FakeEngine, Person, with_person
from wizard.collect.answers import Answers
from wizard.collect.kept import Keeper
from wizard.collect.session import Session

FORMS = ("start", "identity", "project", "principal", "policies")


def again(fake: FakeEngine, *steps: str, **values: Any) -> WizardApp:
    """The next start after a walk through these steps."""
    keeper, session = Keeper("", fake.options.folder), Session(Answers())
    session.on_change = keeper.keep
    session.set({key.replace("__", "."): value for key, value in values.items()})
    for step in steps:
        session._go(step)
    keeper.close()
    keeper, session = Keeper("", fake.options.folder), Session(Answers())
    session.on_change = keeper.keep
    return WizardApp(fake, session, keeper=keeper)


@pytest.mark.parametrize(
    ("key", "size"), [("enter", (80, 24)), pytest.param("f4", (40, 15), marks=pytest.mark.thorough)]
)
async def test_one_key_goes_on_at_the_step_where_it_was(fake: FakeEngine, key: str, size: tuple[int, int]) -> None:
    app = again(fake, *FORMS, principal__name="ada")

    async def person(person: Person) -> None:
        assert person.step == "start"
        assert "Go on where you stopped" in person.words()
        assert "Step 5 of 13, Policies, today" in person.words()
        await person.press(key)
        assert person.step == "policies"
        assert app.session.answers.origin("principal.name") == "resumed"
        await person.press("escape")
        assert person.step == "principal"
        assert "from an earlier start" in person.words()
        await person.press("escape", "escape", "escape")
        assert person.step == "start" and "Go on where you stopped" not in person.words()

    await with_person(app, person, size)


async def test_at_the_review_everything_is_read_again(fake: FakeEngine) -> None:
    app = again(fake, "review", "apply", credentials__write="none")
    fake.cut_off = ("2026-11-21-1",)

    async def person(person: Person) -> None:
        await person.press("enter")
        assert person.step == "review"
        assert fake.signed_in_with == [""] and fake.discovered == 1
        assert "An earlier run was cut off (2026-11-21-1)." in person.words()

    await with_person(app, person)


async def test_choosing_anew_forgets_the_old_walk_once_the_first_step_is_left(fake: FakeEngine) -> None:
    app = again(fake, *FORMS, principal__name="ada")

    async def person(person: Person) -> None:
        await person.press("tab", "down")
        assert app.keeper is not None and app.keeper.offered is not None
        await person.press("ctrl+n")
        assert person.step == "identity" and app.keeper.offered is None

    await with_person(app, person)
    assert app.keeper is not None
    app.keeper.close()
    offered = Keeper("", fake.options.folder).offered
    assert offered is not None and offered.answers.given == {"start.goal": "change"}


async def test_leaving_says_that_the_answers_are_kept(fake: FakeEngine) -> None:
    app = again(fake)

    async def person(person: Person) -> None:
        assert "Go on where you stopped" not in person.words()
        await person.press("down")
        await person.press("ctrl+q")
        assert "Your answers are kept: the next" in person.words()
        await person.press("escape")

    await with_person(app, person)
