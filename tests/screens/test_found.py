"""The step "What is there": reading, what is shown of it, and the questions that it raises."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input

from screens.app import WizardApp
from screens.found import SIGNS, FoundCard
from screens.widgets.field import FieldView
from screens.widgets.several import SeveralChoices
from tests.screens.support import NASTY, FakeEngine, Person, denied, session_at, with_person
from wizard.engine import Engine, Options
from wizard.plan.found import RENDER_ROLE, Found, FoundItem, Removable, Standing

WIDE = Removable("remotion-user", "AmazonS3FullAccess", ("read every bucket of the account", "delete every bucket"))
OTHER = Removable("remotion-lambda-role", "PowerUserAccess", ("change every function of the account",))
EVERYTHING = Found(
    (
        FoundItem(Standing.GOOD, "The user remotion-user is there", "1 access key"),
        FoundItem(
            Standing.LACKS,
            "remotion-user lacks something of what Remotion 4.0.527 needs",
            "Now: The policy of Remotion 3.3.87 to 4.0.31. Remotion 4.0.527 needs beyond it:",
            costs=(
                "s3:PutBucketPolicy (without it: new buckets stay publicly listable)",
                "lambda:TagResource (without it: the function has no tags; nothing else)",
                "2 more",
            ),
        ),
        FoundItem(Standing.UNKNOWN, "The render role can't be read", "You may not call iam:GetRole.", RENDER_ROLE),
        FoundItem(Standing.NOTE, "1 statement in Remotion's policy of remotion-user that Remotion does not need"),
        FoundItem(Standing.WIDE, "remotion-user has AmazonS3FullAccess", WIDE.sentence),
    ),
    (WIDE, OTHER),
    foreign=1,
)


def _keys(person: Person) -> list[str]:
    return [view.key for view in person.app.screen.query(FieldView)]


def _without_bars(person: Person) -> str:
    return " ".join(person.words().replace("▌", "").split())


def _at_found(scenario: str, folder: Path) -> WizardApp:
    return WizardApp(Engine(Options(sandbox=scenario, folder=folder)), session_at("found"))


async def test_a_fresh_account_holds_nothing_and_asks_nothing(fake: FakeEngine) -> None:
    async def look(person: Person) -> None:
        assert "Nothing of Remotion is there yet" in person.words()
        assert _keys(person) == []
        await person.press("enter")
        assert person.step == "policies"

    await with_person(WizardApp(fake, session_at("found")), look)


async def test_what_is_missing_and_what_that_costs_can_be_read_at_80x24(folder: Path) -> None:
    async def look(person: Person) -> None:
        await person.press("down")
        seen = _without_bars(person)
        assert "~ to mend" in seen
        assert "· s3:PutBucketPolicy without it: new buckets stay publicly listable" in seen
        assert "Your code's user" in seen
        for _ in range(2):
            await person.press("down")
        assert "Render role" in person.sees()
        assert "logs:CreateLogGroup without it: Lambda Insights shows no data" in _without_bars(person)

    await with_person(_at_found("outdated", folder), look)


async def test_the_pane_compares_remotions_policies_with_what_is_needed(folder: Path) -> None:
    async def look(person: Person) -> None:
        await person.press("ctrl+o")
        seen = person.words()
        assert "remotion-user-policy" in seen
        assert '+ "s3:PutBucketPolicy"' in seen

    await with_person(_at_found("outdated", folder), look, (80, 60))


async def test_another_user_with_remotions_permissions_is_named(folder: Path) -> None:
    async def look(person: Person) -> None:
        assert "i to know" in person.words()
        assert "Did you mean that user?" in person.words()

    await with_person(_at_found("hand-made", folder), look)


async def test_the_policies_step_knows_what_was_read(folder: Path) -> None:
    async def look(person: Person) -> None:
        assert person.app.known.snapshot is not None
        await person.press("ctrl+n")
        assert person.step == "policies"
        snapshot = person.app.known.snapshot_for(person.app.session.answers)
        assert snapshot is not None
        assert snapshot.principal.value is not None

    await with_person(_at_found("outdated", folder), look)


async def test_the_questions_come_after_the_list_and_nothing_is_chosen(fake: FakeEngine) -> None:
    fake.holds = EVERYTHING

    async def answer(person: Person) -> None:
        assert _keys(person) == ["principal.existing", "principal.take_away"]
        assert "2 questions below" in person.words()
        ticks = person.app.screen.query_one(SeveralChoices)
        assert ticks.answer == []
        await person.press("enter")  # from the list to the first question, not past it
        assert person.step == "found"
        await person.press("down", "enter", "down", "space")
        assert person.app.session.answers["principal.existing"] == "replace"
        assert person.app.session.answers["principal.take_away"] == ["PowerUserAccess"]
        assert "change every function of the account" in person.words()
        await person.press("space", "up", "space", "enter")
        assert person.app.session.answers["principal.take_away"] == ["AmazonS3FullAccess"]
        assert person.step == "policies"

    await with_person(WizardApp(fake, session_at("found")), answer)


async def test_every_question_is_asked_only_where_it_arises(fake: FakeEngine) -> None:
    fake.holds = Found(EVERYTHING.items, (), foreign=1)

    async def look(person: Person) -> None:
        assert _keys(person) == ["principal.existing"]

    await with_person(WizardApp(fake, session_at("found")), look)


async def test_a_policy_that_the_answers_name_can_be_seen_and_taken_back(fake: FakeEngine) -> None:
    async def look(person: Person) -> None:
        assert _keys(person) == ["principal.take_away"]
        assert "Named in your answers." in person.words()
        await person.press("enter", "space")
        assert person.app.session.answers["principal.take_away"] == []

    await with_person(WizardApp(fake, session_at("found", principal__take_away=["OldPolicy"])), look)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_every_standing_has_its_sign_and_its_word(fake: FakeEngine, size: tuple[int, int]) -> None:
    fake.holds = Found(tuple(FoundItem(standing, f"About {standing}") for standing in Standing))

    async def look(person: Person) -> None:
        seen = person.words()
        for sign, word, _ in SIGNS.values():
            assert f"{sign} {word}" in seen

    await with_person(WizardApp(fake, session_at("found")), look, size)


async def test_what_can_be_read_no_more_is_told_and_read_again(fake: FakeEngine) -> None:
    fake.holds = denied("IAM can't be reached.")

    async def look(person: Person) -> None:
        assert "✗ IAM can't be reached." in person.words()
        await person.press("enter")
        assert person.step == "found"
        fake.holds = EVERYTHING
        await person.press("f5")
        assert "The user remotion-user is there" in person.words()

    await with_person(WizardApp(fake, session_at("found")), look)


async def test_it_is_read_once_until_somebody_else_is_meant(fake: FakeEngine) -> None:
    async def walk(person: Person) -> None:
        await person.press("ctrl+n", "escape")
        assert person.step == "found"
        assert fake.discovered == 1
        person.app.session.set({"principal.name": "video-bot"})
        await person.press("escape", "ctrl+n")
        assert person.step == "found"
        assert fake.discovered == 2

    await with_person(WizardApp(fake, session_at("found")), walk)


async def test_foreign_text_is_shown_as_it_is(fake: FakeEngine) -> None:
    wide = Removable("remotion-user", NASTY, (NASTY,))
    fake.holds = Found((FoundItem(Standing.LACKS, NASTY, NASTY), FoundItem(Standing.NOTE, NASTY)), (wide,), 1)

    async def look(person: Person) -> None:
        assert "[bold]x[/bold]" in person.words()
        assert len(person.app.screen.query(FoundCard)) == 2

    await with_person(WizardApp(fake, session_at("found")), look)


async def test_where_a_boundary_is_demanded_that_is_said_at_the_policies_and_a_key_takes_it(folder: Path) -> None:
    app = WizardApp(Engine(Options(sandbox="boundary", folder=folder)), session_at("policies"))
    arn = "arn:aws:iam::123456789012:policy/developer-boundary"

    async def take(person: Person) -> None:
        assert "demands a permissions boundary" in person.words()
        assert "Choose one below." in person.words()
        await person.go_to("candidates")
        await person.press("down")
        assert person.app.session.answers["principal.permissions_boundary"] == arn
        assert "Choose one below." not in person.words()
        line = person.app.screen.query_one("#principal--permissions_boundary Input", Input)
        assert line.value == arn
        line.focus()
        await person.type("")
        assert "○ developer-boundary" in person.words()
        await person.type(arn)
        assert "◉ developer-boundary" in person.words()
        await person.go_to("candidates")
        await person.press("enter")
        assert person.step != "policies"

    await with_person(app, take, (80, 60))


async def test_an_account_that_can_not_be_read_does_not_stop_the_policies(fake: FakeEngine) -> None:
    fake.identity = denied()

    async def look(person: Person) -> None:
        await person.press("ctrl+n")
        assert person.step != "policies"

    await with_person(WizardApp(fake, session_at("policies")), look)
