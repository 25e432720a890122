"""Wrong text in the fields of the app and at the questions of line mode: told beside the field, not gone on with, not lost."""

from __future__ import annotations

from typing import Any, Final

import pytest
from textual.widgets import Input

from screens.app import WizardApp
from screens.form import FormScreen
from tests.engine import bad_input
from tests.prompts.test_walk import CLEAR, ENTER, typing
from tests.screens.support import FakeEngine, Person, session_at, with_person
from wizard.collect.fields import FIELDS
from wizard.collect.steps import STEPS
from wizard.prompts.ask import ask_text
from wizard.text import plain

ROLE: Final = "arn:aws:iam::12:role/x"
# Step, answers that make the fields appear, and for each field what is typed.
TYPED: Final[tuple[tuple[str, dict[str, Any], dict[str, tuple[str, ...]]], ...]] = (
    (
        "project",
        {},
        {
            "remotion.project": ("", bad_input.EIGHT_BIT, bad_input.LONG),
            "remotion.version": ("latest", "2.0.0", bad_input.MARKUP, bad_input.ESCAPE),
        },
    ),
    (
        "principal",
        {"principal__path": "/x/"},
        {
            "principal.name": ("", "a b", bad_input.MARKUP, bad_input.REVERSED, "x" * 65),
            "principal.path": ("remotion", "/a//b/", bad_input.ESCAPE),
            "principal.tags": ("team", "a=1,a=2", "aws:x=1"),
        },
    ),
    (
        "extras",
        {"render_role__name": "own-role", "extras__operator": ["invoke"]},
        {
            "extras.custom_layer_arns": ("x", bad_input.MARKUP),
            "render_role.name": ("", ROLE, "Remotion-Lambda-Role"),
            "extras.operator_principal": ("ada", "group/ada"),
        },
    ),
    (
        "credentials",
        {"credentials__write": "aws-profile"},
        {
            "credentials.path": ("", "folder/", bad_input.REVERSED),
            "credentials.profile": ("", "[x]", bad_input.MARKUP),
        },
    ),
)


@pytest.mark.thorough
@pytest.mark.parametrize(("step", "given", "typed"), TYPED, ids=[step for step, _, _ in TYPED])
async def test_wrong_text_is_told_beside_its_field_and_kept(
    fake: FakeEngine, step: str, given: dict[str, Any], typed: dict[str, tuple[str, ...]]
) -> None:
    app = WizardApp(fake, session_at(step, **given))

    async def look(person: Person) -> None:
        screen = app.screen
        assert isinstance(screen, FormScreen)
        for key, texts in typed.items():
            view = screen.field(key)
            assert view is not None, key
            entry = view.query_one(Input)
            right = entry.value
            for wrong in texts:
                entry.focus()
                await person.type(wrong)
                await person.press("ctrl+n")
                assert person.step == step, (key, wrong)
                assert entry.value == wrong
                assert view.error and view.error == plain(view.error), (key, wrong)
                assert view.query_one(".error").region.height > 0 and view.error.split()[0][:20] in person.sees()
                assert entry.has_focus
            await person.type(right)
            await person.press("tab")
            assert not view.error, key

    await with_person(app, look, (80, 40))


def test_every_line_of_text_in_these_steps_is_tried() -> None:
    for step, _, typed in TYPED:
        asked = {q.key for s in STEPS if s.id == step for q in s.questions if not q.dynamic}
        lines = {key for key in asked if FIELDS[key].kind in {"text", "texts", "tags"}}
        assert lines == set(typed), step
    assert sum(len(texts) for _, _, typed in TYPED for texts in typed.values()) >= 25


@pytest.mark.parametrize(
    ("key", "wrong", "right"),
    [
        ("remotion.version", "latest", "4.0.527"),
        ("remotion.version", bad_input.MARKUP, "auto"),
        ("remotion.project", "", "."),
        ("principal.name", "a b", "ada"),
        ("principal.name", "x" * 65, "ada"),
        ("principal.name", "ада", "ada"),
        ("principal.path", "remotion", "/remotion/"),
        ("principal.permissions_boundary", "x", ""),
        ("render_role.name", ROLE, "own-role"),
        ("output_bucket.name", "My_Videos", "my-videos"),
        ("credentials.path", "folder/", ".env"),
        ("credentials.profile", "[x]", "remotion"),
    ],
)
def test_line_mode_refuses_wrong_text_and_asks_again(key: str, wrong: str, right: str) -> None:
    refused: list[str] = []

    def rule(text: str) -> str:
        why = FIELDS[key].problem(text)
        refused.extend([text] if why else [])
        return why

    with typing(wrong, ENTER, CLEAR, right, ENTER):
        assert ask_text(key, "", rule) == right
    assert wrong in refused
