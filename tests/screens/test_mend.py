"""What a finding offers: the wizard mends what it can, and has a message for whoever can mend the rest."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from screens.app import WizardApp
from screens.check import FindingCard
from tests.screens.support import FINDINGS, FakeEngine, Person, identity, session_at, with_person
from tests.thorough import mostly_thorough
from wizard.check.findings import Finding, Report, Status
from wizard.check.mend import Mending, for_others, mendable, message, with_commands
from wizard.collect.answers import Answers
from wizard.engine import Engine, Options
from wizard.remotion import names

SETUP = "Let the wizard add what is missing: remotion-lambda-wizard setup"
MISSING = Finding(
    "user.permission.s3:PutBucketPolicy",
    "remotion-user",
    Status.FAIL,
    "remotion-user may not call s3:PutBucketPolicy",
    "No statement allows it. (on arn:aws:s3:::remotionlambda-useast1-abcdefghij)",
    "missing-statement",
    SETUP,
)
WHY = "A service control policy of your organisation does not allow it."


def forbidden(action: str, resource: str) -> Finding:
    """What an organisation forbids."""
    detail = f"{WHY} (on {resource}) Without it: nothing can be deployed."
    return Finding(
        f"user.permission.{action}", "remotion-user", Status.FAIL, f"remotion-user may not call {action}", detail, "scp"
    )


SCP = (
    forbidden("lambda:CreateFunction", "arn:aws:lambda:us-east-1:123456789012:function:remotion-render-4-0-527"),
    forbidden("iam:PassRole", "arn:aws:iam::123456789012:role/remotion-lambda-role"),
)


# Words and commands


@pytest.mark.parametrize(
    ("finding", "mends", "who"),
    [
        (MISSING, True, ""),
        (SCP[0], False, "the administrator of the AWS organisation"),
        (FINDINGS[0], False, ""),
        (FINDINGS[3], False, ""),
        (Finding("role.trust", "r", Status.FAIL, "t", cause="trust"), True, ""),
        (Finding("credentials.missing", "c", Status.WARN, "t", cause="no-credentials"), True, ""),
        (Finding("live.functions.us-east-1", "live", Status.FAIL, "t", cause="missing-statement"), False, ""),
        (Finding("user.permission.x:Y", "u", Status.UNKNOWN, "t", cause="not-propagated"), False, ""),
        (Finding("user.permission.x:Y", "u", Status.FAIL, "t", cause="explicit-deny"), False, "whoever wrote"),
    ],
)
def test_what_the_wizard_mends_and_who_mends_the_rest(finding: Finding, mends: bool, who: str) -> None:
    assert mendable(finding) is mends
    assert for_others(finding).startswith(who) and bool(for_others(finding)) is bool(who)


def test_a_message_holds_everything_of_one_cause_and_nothing_else() -> None:
    text = message(Report(identity(), (*SCP, MISSING)), SCP[1])
    assert "1234-5678-9012 (acme-prod)" in text and "remotion-user" in text and WHY in text
    assert "lambda:CreateFunction on arn:aws:lambda:us-east-1" in text and "iam:PassRole on arn:aws:iam" in text
    assert "PutBucketPolicy" not in text and "Without it" not in text
    about = Finding(
        "around.public-access.account",
        "s",
        Status.WARN,
        "The account blocks",
        "BlockPublicAcls.",
        "public-access-blocked",
    )
    assert "The account blocks" in message(Report(identity(), (about,)), about)


@pytest.mark.parametrize(
    ("mending", "command"),
    [
        (Mending({}), "remotion-lambda-wizard setup --set start.goal=change"),
        (Mending({}, "my answers.toml"), "remotion-lambda-wizard apply --answers 'my answers.toml'"),
        (
            Mending({"--profile": "acme", "--region": ""}, user="ada"),
            "remotion-lambda-wizard apply --profile acme --set start.goal=change --set principal.name=ada",
        ),
        (
            Mending({}, role="compute", settings=("start.goal=new",)),
            "remotion-lambda-wizard apply --set start.goal=new --set principal.kind=role --set principal.name=compute",
        ),
        (Mending({}, role=names.RENDER_ROLE, render_role=True), "remotion-lambda-wizard setup --set start.goal=change"),
    ],
)
def test_the_command_that_mends_is_exact(mending: Mending, command: str) -> None:
    assert mending.command(MISSING) == command
    report = with_commands(Report(identity(), (MISSING, *SCP, *FINDINGS)), mending)
    assert report.findings[0].remedy == f"Let the wizard add what is missing: {command}"
    assert report.findings[1:] == (*SCP, *FINDINGS)


# On the screen


@pytest.mark.parametrize("goal", ["new", "diagnose"])
@pytest.mark.parametrize("step", ["check", "done"])
async def test_what_fails_is_mended_by_a_plan_that_changes_what_is_there(
    fake: FakeEngine, goal: str, step: str
) -> None:
    if step == "done" and goal == "new":
        pytest.skip("there the check shows what fails")
    fake.findings = (MISSING, *FINDINGS)
    app = WizardApp(fake, session_at(step, start__goal=goal))
    if step == "done":
        app.known.report = Report(identity(), fake.findings)
    app.session.locked = goal == "new"

    async def do(person: Person) -> None:
        assert "Mend it" in person.words()
        await person.press("f6")
        assert person.step == "review"
        assert app.session.answers["start.goal"] == "change"
        assert app.known.plan is not None and app.known.plan.writing
        await person.press("escape")
        assert person.step == "credentials"

    await with_person(app, do, (120, 40))


async def test_nothing_is_offered_where_nothing_can_be_mended(fake: FakeEngine) -> None:
    async def do(person: Person) -> None:
        assert "Mend it" not in person.words()
        await person.press("f6")
        assert person.step == "check"

    await with_person(WizardApp(fake, session_at("check")), do)


async def test_findings_that_say_the_same_share_a_card(fake: FakeEngine) -> None:
    actions = ("lambda:CreateFunction", "iam:PassRole")
    fake.findings = tuple(replace(forbidden(a, "*"), about=a, reason=WHY, effect="nothing works") for a in actions)
    app = WizardApp(fake, session_at("check"))

    async def do(person: Person) -> None:
        assert person.step == "check"
        (card,) = app.screen.query(FindingCard)
        assert card.group.items == tuple(f"{action}: nothing works" for action in actions)
        words = " ".join(person.words().split())
        assert "remotion-user may not call 2 actions" in words and words.count("Copy a message") == 1

    await with_person(app, do, (120, 40))


async def test_a_message_for_somebody_else_is_copied(fake: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    fake.findings = (*SCP, *FINDINGS)
    copied: list[str] = []
    monkeypatch.setattr(WizardApp, "copy_to_clipboard", lambda _self, text: copied.append(text))

    async def do(person: Person) -> None:
        await person.go_to("offer")
        await person.press("enter")
        assert person.step == "check"

    await with_person(WizardApp(fake, session_at("check")), do)
    assert len(copied) == 1 and "lambda:CreateFunction" in copied[0] and "iam:PassRole" in copied[0]


async def test_real_calls_are_made_when_the_person_asks_for_them(
    fake: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[bool, bool]] = []
    original = FakeEngine.check

    def check(self: FakeEngine, answers: Answers, *rest: Any, **named: Any) -> Report:
        asked.append((named["around"], named["live"]))
        return original(self, answers, *rest, **named)

    monkeypatch.setattr(FakeEngine, "check", check)

    async def do(person: Person) -> None:
        await person.press("f9")
        await person.press("f5")

    await with_person(WizardApp(fake, session_at("check")), do)
    assert asked == [(True, False), (True, True), (True, False)]


async def test_waiting_for_iam_counts_down_and_can_be_ended(fake: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    patience: list[bool] = []

    def check(
        self: FakeEngine,
        answers: Answers,
        on_finding: Callable[[Finding], None] | None = None,
        *,
        on_wait: Callable[[float], bool] | None = None,
        **_: Any,
    ) -> Report:
        assert on_wait is not None
        while on_wait(42.0):
            time.sleep(0.05)
        patience.append(False)
        return Report(identity(), FINDINGS)

    monkeypatch.setattr(FakeEngine, "check", check)
    app = WizardApp(fake, session_at("check"))
    async with app.run_test(size=(100, 30)) as pilot:
        person = Person(pilot)
        for _ in range(100):
            await pilot.pause(0.05)
            if "Looking again for 4" in person.words():
                break
        assert "Looking again for 4" in person.words() and "Don't wait" in person.words()
        await pilot.click("#stop-waiting")
        await person.settled()
        assert patience == [False] and "Don't wait" not in person.words()
        assert "holds" in person.words() or "hold" in person.words()
    assert not app.mistakes


@pytest.mark.parametrize("scenario", mostly_thorough(["half", "outdated", "swapped"], {"swapped"}))
async def test_a_broken_account_is_diagnosed_mended_and_holds(
    scenario: str, tmp_path: Any, isolated_home: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REMOTION_LAMBDA_WIZARD_STATE", str(tmp_path / "state"))
    folder = tmp_path / "video"
    folder.mkdir()
    (folder / "package.json").write_text(json.dumps({"dependencies": {"@remotion/lambda": "4.0.527"}}))
    app = WizardApp(Engine(Options(sandbox=scenario, folder=folder)), session_at("check", start__goal="diagnose"))

    async def do(person: Person) -> None:
        report = app.known.report
        assert report is not None and not report.ok
        await person.press("f6")
        plan = app.known.plan
        assert person.step == "review" and plan is not None and not plan.problems, plan and plan.problems
        app.screen.query_one("#apply").focus()
        await person.press("enter")
        await person.press("enter")
        assert person.step == "check"
        after = app.known.report
        assert after is not None and not after.of(Status.FAIL)

    await with_person(app, do, (120, 40))
