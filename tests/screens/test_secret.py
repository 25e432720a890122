"""The secret access key is shown only while the person wants to see it, and never in a screenshot."""

from __future__ import annotations

from screens.app import WizardApp
from screens.apply_log import ApplyLog
from tests.screens.support import KEY_ID, SECRET, FakeEngine, Person, session_at, with_person


def _done(fake: FakeEngine) -> WizardApp:
    app = WizardApp(fake, session_at("done"))
    app.known.applied = ApplyLog(ok=True, made=6, run="run", access_key_id=KEY_ID, written_to=("/home/ada/video/.env",))
    return app


async def test_a_key_press_shows_the_secret_and_any_other_hides_it(fake: FakeEngine) -> None:
    app = _done(fake)

    async def look(person: Person) -> None:
        assert SECRET not in person.sees()
        assert "AKIA…MPLE" in person.sees()
        await person.press("f8")
        assert SECRET in person.sees()
        await person.press("x")
        assert SECRET not in person.sees()
        assert person.step == "done"
        assert len(app.screen_stack) == 2

    result = await with_person(app, look)
    assert result is None


async def test_a_screenshot_masks_the_secret(fake: FakeEngine) -> None:
    app = _done(fake)

    async def look(person: Person) -> None:
        await person.press("f8")
        assert SECRET in person.sees()
        svg = app.export_screenshot()
        assert "new" in svg
        assert SECRET[:8] not in svg
        assert SECRET[-8:] not in svg
        await person.settled()
        assert SECRET not in person.sees()

    await with_person(app, look)


async def test_nothing_offers_the_secret_where_no_key_was_made(fake: FakeEngine) -> None:
    fake.secret = None
    app = WizardApp(fake, session_at("done"))

    async def look(person: Person) -> None:
        assert "Show the secret" not in person.sees()
        await person.press("f8")
        assert "No access key was made in this run" in person.words()

    await with_person(app, look)
