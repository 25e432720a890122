"""What the screens do when things are not as they should be: on an engine that does what the test says."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from textual.events import Key
from textual.widgets import Input

from screens.app import WizardApp
from tests.screens.support import FINDINGS, FakeEngine, Person, WizardPilot, denied, identity, session_at, with_person
from wizard.account.profiles import CredentialChoice
from wizard.apply.events import Done, Event, Failed, Finished, Started
from wizard.check.findings import Finding, Status
from wizard.collect.answers import Answers, read_answers
from wizard.collect.session import Session
from wizard.plan.changes import Plan
from wizard.problem import Problem

UP_TO_PRINCIPAL = ["up"] * 5  # from the credentials


async def test_a_problem_while_signing_in_shows_the_command_that_mends_it_and_can_be_retried(fake: FakeEngine) -> None:
    fake.identity = denied()
    app = WizardApp(fake, session_at("identity"))

    async def person_tries(person: Person) -> None:
        assert "aws sso login --profile acme" in person.sees()
        assert "not signed in yet" in person.sees()
        await person.press("ctrl+n")
        assert person.step == "identity"
        fake.identity = identity()
        await person.press("f5")
        assert "Signed in." in person.sees()
        await person.press("ctrl+n")
        assert person.step == "project"

    await with_person(app, person_tries)


async def test_another_profile_is_signed_in_with_before_the_step_is_left(fake: FakeEngine) -> None:
    app = WizardApp(fake, session_at("identity"))

    async def person_chooses(person: Person) -> None:
        await person.press("down")
        assert "Press enter to sign in" in person.sees()
        await person.press("enter")
        assert person.step == "identity"
        assert fake.signed_in_with == ["", "acme"]
        await person.press("enter")
        assert person.step == "project"

    await with_person(app, person_chooses)


async def test_many_profiles_can_be_narrowed(fake: FakeEngine) -> None:
    fake.found_choices = tuple(CredentialChoice(f"p{n}", f"profile p{n}", "access key") for n in range(40))
    app = WizardApp(fake, session_at("identity", identity__profile="p0"))

    async def person_narrows(person: Person) -> None:
        await person.press(*"p37", "enter", "enter")
        assert app.session.answers["identity.profile"] == "p37"
        assert fake.signed_in_with[-1] == "p37"

    await with_person(app, person_narrows)


async def test_root_is_warned_about(fake: FakeEngine) -> None:
    fake.identity = identity(arn="arn:aws:iam::123456789012:root")
    app = WizardApp(fake, session_at("identity"))

    async def person_looks(person: Person) -> None:
        assert "root user" in person.words()

    await with_person(app, person_looks)


async def test_a_slow_sign_in_shows_that_it_runs_and_leaves_the_keys_alone(fake: FakeEngine) -> None:
    gate = threading.Event()

    class Slow(FakeEngine):
        def connect(self, profile: str = "", region: str = "") -> object:  # type: ignore[override]
            gate.wait(20)
            return identity()

    app = WizardApp(Slow(fake.options.folder), session_at("identity"))
    async with app.run_test(size=(80, 24)) as pilot:
        person = Person(pilot)
        while "Signing in" not in person.sees():
            await pilot.pause()
        await pilot.press("escape")
        await pilot.pause()
        assert person.step == "start"
        gate.set()
        await person.settled()
    assert app.mistakes == []


async def test_problems_of_the_plan_block_apply_and_say_the_remedy(fake: FakeEngine) -> None:
    problem = Problem("The user has two access keys already.", "remotion-user", "Delete one in the AWS console.")
    fake.planned = Plan(identity(), problems=(problem,))
    app = WizardApp(fake, session_at("review"))

    async def person_looks(person: Person) -> None:
        assert "two access keys already" in person.sees()
        assert "Delete one in the AWS console." in person.sees()
        assert app.screen.query_one("#apply").disabled

    await with_person(app, person_looks)


async def test_a_plan_that_cannot_be_built_is_told_and_read_again(fake: FakeEngine) -> None:
    fake.planned = denied("AWS is out of reach.")
    app = WizardApp(fake, session_at("review"))

    async def person_retries(person: Person) -> None:
        assert "AWS is out of reach." in person.sees()
        fake.planned = None
        await person.press("f5")
        assert "6 changes" in person.sees()

    await with_person(app, person_retries)


async def test_a_wrong_answer_from_a_file_is_led_to_from_review(fake: FakeEngine) -> None:
    app = WizardApp(fake, session_at("review", principal__name="not right!"))

    async def person_mends(person: Person) -> None:
        assert "Principal is not right yet" in person.words()
        await person.press("enter")
        assert person.step == "principal"

    await with_person(app, person_mends)


async def test_an_earlier_run_that_was_cut_off_is_told(fake: FakeEngine) -> None:
    fake.cut_off = ("2026-11-20-1",)
    app = WizardApp(fake, session_at("review"))

    async def person_looks(person: Person) -> None:
        assert "An earlier run was cut off (2026-11-20-1)" in person.words()

    await with_person(app, person_looks)


async def test_the_plan_is_saved_as_a_script(fake: FakeEngine) -> None:
    app = WizardApp(fake, session_at("review"))

    async def person_saves(person: Person) -> None:
        await person.go_to("save-script")
        await person.press("enter")
        await person.type("setup.sh")
        await person.press("enter")

    await with_person(app, person_saves)
    assert "aws iam create-role" in (fake.options.folder / "setup.sh").read_text()


async def test_dry_run_shows_the_plan_and_applies_nothing(fake: FakeEngine) -> None:
    app = WizardApp(fake, session_at("review"), dry_run=True)

    async def person_looks(person: Person) -> None:
        assert "DRY RUN" in person.sees()
        assert "Apply is switched off" in person.words()
        assert app.screen.query_one("#apply").disabled
        app.screen.action_apply()  # type: ignore[attr-defined]
        assert person.step == "review"
        await person.press("ctrl+q")

    result = await with_person(app, person_looks)
    assert result is not None
    assert result.exit_code == 0
    assert "6 changes would be made. Nothing was changed." in result.message


def _fails_at_the_third(plan: Plan) -> Iterator[Event]:
    for number, change in enumerate(plan.writing):
        yield Started(change.id, change.summary)
        if number == 2:
            yield Failed(change.id, Problem("AWS refused.", "No iam:AttachRolePolicy.", "Ask an administrator."))
            break
        yield Done(change.id, 0.2)
    yield Finished(False, "2026-11-21-1", 2)


async def test_a_failing_change_is_told_with_its_remedy_and_trying_again_makes_only_the_rest(fake: FakeEngine) -> None:
    good, fake.events = fake.events, _fails_at_the_third
    app = WizardApp(fake, session_at("review"))

    async def person_applies(person: Person) -> None:
        await person.go_to("apply")
        await person.press("enter")
        assert "AWS refused." in person.words()
        assert "Ask an administrator." in person.words()
        assert "2 changes were made and stay" in person.words()
        assert "not begun" in person.sees()
        await person.press("escape")
        assert person.step == "apply"
        plan = app.known.plan
        assert plan is not None
        fake.planned = replace(plan, changes=plan.changes[2:])
        fake.events = good
        await person.press("enter")
        assert app.known.applied is not None
        assert app.known.applied.ok
        assert "4 of 4 done" in person.sees()
        await person.press("enter")
        assert person.step == "check"

    await with_person(app, person_applies)


async def test_trying_again_with_another_plan_goes_back_to_review(fake: FakeEngine) -> None:
    fake.events = _fails_at_the_third
    app = WizardApp(fake, session_at("review"))

    async def person_applies(person: Person) -> None:
        await person.go_to("apply")
        await person.press("enter")
        plan = app.known.plan
        assert plan is not None
        fake.planned = replace(plan, changes=(replace(plan.changes[3], id="another"),))
        await person.press("enter")
        assert person.step == "review"
        assert "1 change" in person.sees()

    await with_person(app, person_applies)


async def test_leaving_with_a_failed_change_says_so(fake: FakeEngine) -> None:
    fake.events = _fails_at_the_third
    app = WizardApp(fake, session_at("review"))

    async def person_leaves(person: Person) -> None:
        await person.go_to("apply")
        await person.press("enter", "ctrl+q")

    result = await with_person(app, person_leaves)
    assert result is not None
    assert result.exit_code == 1
    assert "Not everything is done" in result.message


async def _applying(pilot: WizardPilot, reached: threading.Event) -> Person:
    """Review, then apply, until the run has reached the point that the test waits for."""
    person = Person(pilot)
    await person.settled()
    await person.go_to("apply")
    await pilot.press("enter")
    while not reached.is_set():
        await pilot.pause()
    await pilot.pause()
    return person


async def test_quitting_while_changes_are_made_ends_after_the_current_call(fake: FakeEngine) -> None:
    reached, go_on = threading.Event(), threading.Event()
    made: list[str] = []

    def slow(plan: Plan) -> Iterator[Event]:
        for change in plan.writing:
            yield Started(change.id, change.summary)
            reached.set()
            go_on.wait(20)
            made.append(change.id)
            yield Done(change.id, 0.1)
        yield Finished(True, "run", len(made))

    fake.events = slow
    app = WizardApp(fake, session_at("review"))

    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        person = await _applying(pilot, reached)
        await pilot.press("escape", "ctrl+q")
        await pilot.pause()
        assert person.step == "apply"
        assert "Finishing the current call" in person.words()
        go_on.set()
        await person.settled()
    assert len(made) == 1
    assert app.return_value is not None
    assert app.return_value.exit_code == 130


async def test_what_happens_and_how_it_ended_stay_in_view(fake: FakeEngine) -> None:
    reached, go_on = threading.Event(), threading.Event()

    def stops_at_the_last(plan: Plan) -> Iterator[Event]:
        for change in plan.writing:
            yield Started(change.id, change.summary)
            if change is plan.writing[-1]:
                reached.set()
                go_on.wait(20)
            yield Done(change.id, 0.1)
        yield Finished(True, "run", len(plan.writing))

    fake.events = stops_at_the_last
    app = WizardApp(fake, session_at("review"))

    async with app.run_test(size=(60, 12), notifications=True) as pilot:
        person = await _applying(pilot, reached)
        assert app.known.applied is not None
        *_, last = app.known.applied.rows
        assert last.title in person.words()
        go_on.set()
        await person.settled()
        assert "changes were made" in person.words()
    assert not app.mistakes


async def test_what_fails_in_the_check_comes_first_and_the_exit_code_says_so(fake: FakeEngine) -> None:
    finding = Finding("x", "remotion-user", Status.FAIL, "may not call s3:PutObject", "an SCP denies it", "scp", "Ask.")
    fake.findings = (*FINDINGS, finding)
    app = WizardApp(fake, session_at("check"))

    async def person_looks(person: Person) -> None:
        seen = person.sees()
        assert seen.index("may not call s3:PutObject") < seen.index("Lambda concurrency")
        assert "s3:PutObject is allowed" not in seen
        await person.go_to("offer")
        await person.press("tab", "enter")
        assert "s3:PutObject is allowed" in person.sees()
        await person.press("ctrl+n")
        assert person.step == "done"
        await person.press("enter")

    result = await with_person(app, person_looks, size=(120, 40))
    assert result is not None
    assert result.exit_code == 1
    assert "1 does not hold" in result.message


async def test_a_check_that_breaks_can_be_run_again(fake: FakeEngine) -> None:
    fake.findings = denied("AWS is out of reach.")
    app = WizardApp(fake, session_at("check"))

    async def person_retries(person: Person) -> None:
        assert "AWS is out of reach." in person.sees()
        fake.findings = FINDINGS
        await person.press("enter")
        assert "3 hold" in person.sees()

    await with_person(app, person_retries)


async def test_a_mistake_of_the_wizard_itself_is_told_as_one(fake: FakeEngine) -> None:
    fake.findings = RuntimeError("[oops]")
    app = WizardApp(fake, session_at("check"))

    async def person_looks(person: Person) -> None:
        assert "RuntimeError: [oops]" in person.words()

    await with_person(app, person_looks)


async def test_leaving_asks_where_answers_would_be_lost_and_can_save_them(fake: FakeEngine) -> None:
    app = WizardApp(fake, session_at("principal"))

    async def person_leaves(person: Person) -> None:
        await person.press("enter")
        await person.type("someone")
        await person.press("ctrl+q")
        assert "Leave the wizard?" in person.sees()
        await person.press("enter")
        assert "Leave the wizard?" not in person.sees()
        await person.press("ctrl+q", "tab", "enter")
        await person.type("mine.toml")
        await person.press("enter")

    result = await with_person(app, person_leaves)
    assert result is not None
    assert "Nothing was changed." in result.message
    assert read_answers(fake.options.folder / "mine.toml")["principal.name"] == "someone"


async def test_leaving_asks_nothing_where_nothing_is_lost(fake: FakeEngine) -> None:
    app = WizardApp(fake, Session(Answers()))

    async def person_leaves(person: Person) -> None:
        await person.press("ctrl+q")

    result = await with_person(app, person_leaves)
    assert result is not None
    assert result.exit_code == 130


async def test_an_existing_file_is_replaced_only_when_asked_twice(fake: FakeEngine) -> None:
    path = fake.options.folder / "mine.toml"
    path.write_text("mine")
    app = WizardApp(fake, session_at("review"))

    async def person_saves(person: Person) -> None:
        await person.go_to("save-answers")
        await person.press("enter")
        await person.type("mine.toml")
        await person.press("enter")
        assert path.read_text() == "mine"
        assert "This file exists" in person.sees()
        await person.press("enter")

    await with_person(app, person_saves)
    assert read_answers(path)["principal.name"] == "remotion-user"


async def test_a_file_that_cannot_be_written_is_told(fake: FakeEngine) -> None:
    app = WizardApp(fake, session_at("review"))

    async def person_saves(person: Person) -> None:
        await person.go_to("save-answers")
        await person.press("enter")
        await person.type("package.json/x.toml")
        await person.press("enter")
        assert "can't be written" in person.words()

    await with_person(app, person_saves)


async def test_the_answers_are_saved_where_the_command_line_says(fake: FakeEngine, folder: Path) -> None:
    app = WizardApp(fake, session_at("done"), save_answers=folder / "said.toml")

    async def person_finishes(person: Person) -> None:
        await person.press("enter")

    await with_person(app, person_finishes)
    assert read_answers(folder / "said.toml")["principal.name"] == "remotion-user"


async def test_steps_are_picked_from_the_dialog_in_a_narrow_terminal(fake: FakeEngine) -> None:
    app = WizardApp(fake, session_at("credentials"))

    async def person_jumps(person: Person) -> None:
        await person.press("f2")
        assert "Go to step" in person.sees()
        await person.press(*UP_TO_PRINCIPAL, "enter")
        assert person.step == "principal"
        assert app.session.can_go("credentials")

    await with_person(app, person_jumps)


async def test_steps_are_picked_from_the_list_in_a_wide_terminal(fake: FakeEngine) -> None:
    app = WizardApp(fake, session_at("credentials"))

    async def person_jumps(person: Person) -> None:
        await person.press("f2", *UP_TO_PRINCIPAL, "enter")
        assert person.step == "principal"

    await with_person(app, person_jumps, size=(120, 40))


async def test_the_preview_covers_the_form_in_a_narrow_terminal_and_goes_away_again(fake: FakeEngine) -> None:
    app = WizardApp(fake, session_at("policies"))

    async def person_looks(person: Person) -> None:
        assert "1,779 / 2,048" not in person.sees()
        await person.press("ctrl+o")
        assert "1,779 / 2,048" in person.sees()
        assert "‹ Back" in person.sees()
        await person.press("right")
        assert '"Version": "2012-10-17"' in person.sees()
        await person.press("right")
        assert "aws iam put-user-policy" in person.sees()
        await person.press("escape")
        assert person.step == "policies"
        assert "Caller's policy" in person.sees()

    await with_person(app, person_looks)


async def test_the_pane_shows_the_policy_of_the_question_that_has_the_focus(fake: FakeEngine) -> None:
    app = WizardApp(fake, session_at("policies"))

    async def person_looks(person: Person) -> None:
        assert "▸ remotion-user · inline" in person.sees()
        await person.press("down")
        assert "▸ remotion-user · managed" in person.sees()
        await person.press("enter")
        assert "▸ remotion-lambda-role · managed" in person.sees()

    await with_person(app, person_looks, size=(120, 40))


async def test_pressing_next_twice_at_once_goes_one_step_only(fake: FakeEngine) -> None:
    app = WizardApp(fake, Session(Answers()))

    async def person_hurries(person: Person) -> None:
        app.screen.action_next()  # type: ignore[attr-defined]
        app.screen.action_next()  # type: ignore[attr-defined]
        await person.settled()
        assert person.step == "identity"

    await with_person(app, person_hurries)


async def test_two_enters_at_once_are_for_the_kind_of_principal_and_its_name(fake: FakeEngine) -> None:
    app = WizardApp(fake, session_at("principal"))

    async def person_hurries(person: Person) -> None:
        for _ in range(2):
            app.post_message(Key("enter", "\r"))
        await person.settled()
        assert person.step == "policies"

    await with_person(app, person_hurries)


async def test_help_and_commands_open_and_close(fake: FakeEngine) -> None:
    app = WizardApp(fake, session_at("principal"))

    async def person_asks(person: Person) -> None:
        await person.press("enter", "f1")
        assert "Why not my own user?" in person.sees()
        await person.press("escape", "ctrl+p")
        await person.press(*"light", "enter")
        assert app.theme == "remotion-day"
        assert isinstance(app.screen.focused, Input)

    await with_person(app, person_asks)


async def test_a_terminal_that_grows_and_shrinks_keeps_everything(fake: FakeEngine) -> None:
    app = WizardApp(fake, session_at("principal"))

    async def person_resizes(person: Person) -> None:
        await person.press("enter")
        await person.type("someone")
        for size in ((120, 40), (40, 10), (100, 30), (60, 16), (20, 5), (80, 24)):
            await person.pilot.resize_terminal(*size)
            await person.settled()
        assert "someone" in person.sees()

    await with_person(app, person_resizes)
