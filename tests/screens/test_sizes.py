"""Every step works at every size, in every theme, and without colour."""

from __future__ import annotations

import pytest

from screens.app import WizardApp
from tests.screens.support import FakeEngine, Person, session_at, with_person
from tests.thorough import mostly_thorough
from wizard.collect.steps import STEPS

NAMES = [step.id for step in STEPS]


@pytest.mark.parametrize("size", mostly_thorough([(20, 5), (40, 10), (60, 16), (100, 30), (200, 60)], ()))
async def test_every_step_opens_and_its_buttons_are_on_screen(fake: FakeEngine, size: tuple[int, int]) -> None:
    for name in NAMES:
        app = WizardApp(fake, session_at(name))

        async def look(person: Person) -> None:
            if size[1] >= 10:
                main = person.app.screen.query("#buttons .-main").first()
                assert main.region.bottom <= size[1] - 1
                assert main.region.right <= size[0]
            await person.press("tab", "tab", "pagedown", "ctrl+o", "pagedown", "ctrl+o")

        await with_person(app, look, size)


@pytest.mark.thorough
async def test_at_40x10_the_focus_is_always_in_sight(fake: FakeEngine) -> None:
    for name in ("start", "project", "principal", "policies", "extras", "output-bucket", "credentials", "review"):
        app = WizardApp(fake, session_at(name))

        async def look(person: Person) -> None:
            for _ in range(12):
                await person.press("tab")
                focused = person.app.screen.focused
                assert focused is not None
                assert person.app.screen.find_widget(focused).visible_region.height > 0, focused

        await with_person(app, look, (40, 10))


@pytest.mark.parametrize(
    "theme", mostly_thorough(["remotion-night", "remotion-day", "nord", "textual-light", "ansi-dark"], {"ansi-dark"})
)
async def test_every_step_opens_in_every_kind_of_theme(fake: FakeEngine, theme: str) -> None:
    for name in ("start", "policies", "review", "done"):
        app = WizardApp(fake, session_at(name))

        async def look(person: Person) -> None:
            person.app.theme = theme
            await person.settled()
            assert person.app.session.step.title in person.sees()

        await with_person(app, look, (120, 40))


async def test_without_colour_every_state_still_has_a_sign(fake: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = WizardApp(fake, session_at("policies"))

    async def look(person: Person) -> None:
        seen = person.sees()
        assert "◉ inline policy" in seen
        assert "○ managed policy" in seen
        assert "● " in seen
        assert "✓ " in seen
        assert "▐ Why ▌" in seen

    await with_person(app, look, (120, 40))
