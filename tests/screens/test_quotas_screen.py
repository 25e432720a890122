"""The step "Quotas": regions that come in one by one, what they mean, and the request that is made of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import get_args

import pytest

from screens.app import WizardApp
from screens.quotas import QuotasScreen, RegionFilter
from screens.widgets.region_table import SIGNS, RegionTable
from tests.screens.support import NASTY, FakeEngine, Person, denied, session_at, with_person
from tests.thorough import mostly_thorough
from wizard.account.snapshot import Fact
from wizard.collect.session import Session
from wizard.engine import Engine, Options
from wizard.problem import Problem
from wizard.quotas.advice import Standing
from wizard.quotas.limits import IncreaseRequest, RegionQuota, State, regions_of

KEY = "quotas.concurrent_executions"
OURS = ["us-east-1", "eu-west-1"]
LARGE = RegionQuota("eu-west-1", limit=1000, source="lambda", unreserved=1000)


def _at_quotas(regions: Sequence[str] = OURS, value: int = 0) -> Session:
    return session_at("quotas", remotion__regions=list(regions), quotas__concurrent_executions=value)


def _in_sandbox(scenario: str, folder: Path, regions: Sequence[str] = OURS, value: int = 0) -> WizardApp:
    return WizardApp(Engine(Options(sandbox=scenario, folder=folder)), _at_quotas(regions, value))


def _table(person: Person) -> RegionTable:
    return person.app.screen.query_one(RegionTable)


def _shown(person: Person) -> list[str]:
    return [line.region for line in _table(person).shown]


def _asked(region: str, status: str, value: int = 1000) -> RegionQuota:
    moment = "2026-11-17T09:00:00+00:00"
    request = IncreaseRequest("r1", region, status, value, moment, moment)
    return RegionQuota(region, limit=10, source="lambda", unreserved=10, history=Fact.known((request,)))


class SlowEngine(FakeEngine):
    """An engine that waits before the second region until the test lets it go on."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.may_go_on = threading.Event()
        self.gone_on = threading.Event()

    def quotas(self, regions: Sequence[str]) -> Iterator[RegionQuota]:
        for place, quota in enumerate(super().quotas(regions)):
            if place:
                self.may_go_on.wait(20)
                self.gone_on.set()
            yield quota


async def _until(person: Person, words: str) -> None:
    """Wait for words on the screen while something is being read."""
    for _ in range(200):
        if words in person.words():
            return
        await person.pilot.pause(0.02)
    raise AssertionError(f"{words!r} is not on the screen: {person.sees()}")


async def test_the_regions_are_there_with_bar_and_words(fake: FakeEngine) -> None:
    fake.limits["eu-west-1"] = LARGE

    async def look(person: Person) -> None:
        assert fake.quotas_read == OURS
        assert "2 regions: 1 enough and 1 low." in person.words()
        assert "! low: at most 9 render functions at once" in person.sees()
        assert "✓ enough" in person.sees()
        assert _shown(person) == ["eu-west-1", "us-east-1"]
        assert "1,000 ███████" in person.sees()
        assert "10 █░░░░" in person.sees()

    await with_person(WizardApp(fake, _at_quotas()), look)


async def test_nothing_is_read_before_the_step_and_once_in_it(fake: FakeEngine) -> None:
    app = WizardApp(fake, session_at("policies", remotion__regions=OURS))

    async def walk(person: Person) -> None:
        assert fake.quotas_read == []
        while person.step != "quotas":
            await person.press("ctrl+n")
        assert fake.quotas_read == OURS
        await person.press("ctrl+n", "escape")
        assert person.step == "quotas"
        assert "2 regions: 2 low." in person.words()
        assert fake.quotas_read == OURS
        await person.press("f5")
        assert fake.quotas_read == OURS * 2

    await with_person(app, walk)


async def test_regions_appear_as_they_come_and_enter_goes_on_meanwhile(folder: Path) -> None:
    slow = SlowEngine(folder)
    app = WizardApp(slow, _at_quotas())

    async with app.run_test(size=(80, 24)) as pilot:
        person = Person(pilot)
        await _until(person, "1 of 2 regions read")
        assert "low: at most 9" in person.sees()
        assert "reading…" in person.sees()
        await pilot.press("enter")
        for _ in range(100):
            await pilot.pause(0.02)
            if person.step != "quotas":
                break
        assert person.step == "credentials"
        assert [region for _, region in app.known.quotas] == ["us-east-1"]
        slow.may_go_on.set()
        assert slow.gone_on.wait(5)
        await person.settled()
        assert [region for _, region in app.known.quotas] == ["us-east-1"]
        await person.press("escape")
        assert "2 regions: 2 low." in person.words()
        assert slow.quotas_read == [*OURS, "eu-west-1"]  # only what was missing
    assert not app.mistakes


async def test_a_region_that_fails_or_hangs_is_a_row_of_its_own(fake: FakeEngine) -> None:
    fake.limits["eu-west-1"] = RegionQuota("eu-west-1", State.TIMED_OUT, problem=Problem(NASTY, NASTY, NASTY))

    async def look(person: Person) -> None:
        assert "? no answer in time" in person.sees()
        assert "low: at most 9" in person.sees()
        await person.press("ctrl+o")
        assert "[bold]x[/bold]" in person.words()
        await person.press("ctrl+o", "ctrl+n", "escape")
        assert fake.quotas_read == [*OURS, "eu-west-1"]  # tried again, unlike what was read

    await with_person(WizardApp(fake, _at_quotas()), look)


async def test_who_can_not_sign_in_may_go_on(fake: FakeEngine) -> None:
    fake.identity = denied("IAM can't be reached.")

    async def look(person: Person) -> None:
        assert "✗ IAM can't be reached." in person.words()
        assert "not read" in person.sees()
        await person.press("enter")
        assert person.step == "credentials"

    await with_person(WizardApp(fake, _at_quotas()), look)


async def test_f6_reads_all_regions_with_the_chosen_ones_first(fake: FakeEngine) -> None:
    async def look(person: Person) -> None:
        await person.press("f6")
        every = regions_of("aws")
        assert len(_shown(person)) == len(every)
        assert _shown(person)[:2] == sorted(OURS)
        assert _shown(person)[2:] == sorted(set(every) - set(OURS))
        assert sorted(fake.quotas_read) == sorted(every)  # none twice
        assert "● us-east-1" in person.sees()
        await person.press("f6")
        assert _shown(person) == sorted(OURS)
        assert len(fake.quotas_read) == len(every)

    await with_person(WizardApp(fake, _at_quotas()), look)


async def test_s_sorts_by_region_limit_and_state_wherever_the_focus_is(fake: FakeEngine) -> None:
    regions = ["us-east-1", "eu-west-1", "ap-south-1"]
    fake.limits |= {
        "eu-west-1": LARGE,
        "ap-south-1": RegionQuota("ap-south-1", State.OFF),
        "us-east-1": _asked("us-east-1", "PENDING"),
    }

    async def sort(person: Person) -> None:
        assert _shown(person) == ["ap-south-1", "eu-west-1", "us-east-1"]
        assert "region↓" in person.sees()
        await person.press("s")
        assert _shown(person) == ["us-east-1", "eu-west-1", "ap-south-1"]
        assert "limit↓" in person.sees()
        await person.press("up", "s")
        assert _shown(person) == ["us-east-1", "eu-west-1", "ap-south-1"]
        assert "state↓" in person.sees()
        await person.press("s")
        assert "region↓" in person.sees()
        assert person.app.session.answers[KEY] == 0

    await with_person(WizardApp(fake, _at_quotas(regions)), sort)


async def test_slash_finds_and_escape_shows_all_again(fake: FakeEngine) -> None:
    fake.limits["eu-west-1"] = LARGE

    async def find(person: Person) -> None:
        await person.press("/", *"enough")
        assert _shown(person) == ["eu-west-1"]
        assert "1 match of 2 regions" in person.words()
        await person.press("enter")
        assert _table(person).has_focus
        await person.press("up", "escape")
        assert len(_shown(person)) == 2
        assert not person.app.screen.query_one(RegionFilter).display
        assert person.step == "quotas"
        await person.press("/", *"nowhere")
        assert _shown(person) == []
        await person.press("enter", "enter")
        assert person.step == "credentials"

    await with_person(WizardApp(fake, _at_quotas()), find)


async def test_arrows_go_through_table_and_question(fake: FakeEngine) -> None:
    async def walk(person: Person) -> None:
        await person.press("up")
        assert _table(person).has_focus
        assert _table(person).at == "eu-west-1"
        await person.press("down")
        assert _table(person).at == "us-east-1"
        assert "us-east-1 N. Virginia" in person.words()
        await person.press("home", "end", "pageup", "pagedown", "down", "1")
        assert person.app.session.answers[KEY] == 1

    await with_person(WizardApp(fake, _at_quotas()), walk, (120, 40))


async def test_a_number_is_checked_and_empty_asks_for_nothing(fake: FakeEngine) -> None:
    async def answer(person: Person) -> None:
        assert "Suggested: 1,000. It is what AWS gives accounts by default" in person.words()
        await person.type("many")
        await person.press("enter")
        assert person.step == "quotas"
        assert "✗" in person.sees()
        await person.type("1,000")
        assert person.app.session.answers[KEY] == 1000
        assert "2 requests after the review: us-east-1 10 → 1,000 and eu-west-1 10 → 1,000" in person.words()
        await person.type("")
        assert person.app.session.answers[KEY] == 0
        assert "after the review:" not in person.words()
        await person.press("enter")
        assert person.step == "credentials"

    await with_person(WizardApp(fake, _at_quotas()), answer)


async def test_where_a_request_is_of_no_use_that_is_said(fake: FakeEngine) -> None:
    fake.limits |= {"us-east-1": _asked("us-east-1", "PENDING"), "eu-west-1": LARGE}

    async def look(person: Person) -> None:
        assert "A request is open in us-east-1 already" in person.words()
        assert "eu-west-1 has 1,000 already" in person.words()
        assert "Suggested" not in person.words()

    await with_person(WizardApp(fake, _at_quotas(value=1000)), look)


async def test_the_pane_says_what_will_be_sent_and_f7_copies_the_answers(fake: FakeEngine) -> None:
    async def look(person: Person) -> None:
        words = person.words()
        for said in ("RequestServiceQuotaIncrease", "What will be sent", "If AWS asks"):
            assert said in words
        assert "f7 copy answers" in words
        await person.press("f7")
        assert "We ask for 1,000 concurrent executions in eu-west-1" in person.app.clipboard

    await with_person(WizardApp(fake, _at_quotas(value=1000)), look, (120, 60))


async def test_without_a_request_there_is_nothing_to_copy(fake: FakeEngine) -> None:
    async def look(person: Person) -> None:
        assert "copy answers" not in person.words()
        await person.press("f7")
        assert person.app.clipboard == ""
        assert "nothing to answer AWS" in person.words()

    await with_person(WizardApp(fake, _at_quotas()), look, (120, 40))


async def test_what_changed_since_the_last_look_is_said(fake: FakeEngine) -> None:
    fake.news = [f"us-east-1: the limit rose {NASTY}"]

    async def look(person: Person) -> None:
        assert "Changed: us-east-1: the limit rose" in person.words()

    await with_person(WizardApp(fake, _at_quotas()), look)


@pytest.mark.parametrize(
    ("scenario", "regions", "words"),
    [
        ("quota-pending", ["us-east-1"], ["pending since", "Asked so far", "If AWS asks", "case"]),
        pytest.param(
            "quota-denied",
            ["us-east-1"],
            ["AWS denied it (5,000", "Service Quotas has no value", "Ask for less"],
            marks=pytest.mark.thorough,
        ),
        pytest.param(
            "quota-raised",
            ["us-east-1"],
            ["✓ enough", "300 of 1,000 are kept by order-mails-send"],
            marks=pytest.mark.thorough,
        ),
        ("quota-raised", ["eu-central-1"], ["approved on", "not applied yet", "Nothing to send"]),
        pytest.param("no-slr", ["us-east-1"], ["low: at most 9", "Until it is raised"], marks=pytest.mark.thorough),
        ("regions-off", ["af-south-1"], ["– not enabled in this account", "Enable it first"]),
        pytest.param(
            "regions-off",
            ["eu-west-3"],
            ["– blocked by a policy of the organisation", "Only the administrator"],
            marks=pytest.mark.thorough,
        ),
    ],
)
async def test_every_state_has_its_words(folder: Path, scenario: str, regions: list[str], words: list[str]) -> None:
    async def look(person: Person) -> None:
        seen = " ".join(person.words().replace("▏", "").replace("▕", "").split())
        for said in words:
            assert said in seen, person.sees()

    await with_person(_in_sandbox(scenario, folder, regions), look, (200, 60))


async def test_a_request_goes_through_review_apply_and_done(folder: Path) -> None:
    session = session_at(
        "review", remotion__regions=["us-east-1"], quotas__concurrent_executions=1000, credentials__write="none"
    )
    app = WizardApp(Engine(Options(sandbox="quota-denied", folder=folder)), session)

    async def walk(person: Person) -> None:
        assert "1 to request" in person.words()
        await person.press("end")
        assert "! request quota" in person.sees()
        assert "10 → 1,000 functions at a time; AWS decides, hours to days" in person.words()
        await person.go_to("apply")
        await person.press("enter")
        assert "✓ request quota us-east-1: 1,000 functions at a time" in person.sees()
        assert "1 request for a higher limit is with AWS" in person.words()
        await person.press("enter")
        await person.press("enter")
        assert person.step == "done"
        assert "Asked of AWS" in person.words()
        assert "remotion-lambda-wizard quotas --region us-east-1" in person.words()

    await with_person(app, walk, (100, 70))


@pytest.mark.parametrize(
    "size", mostly_thorough([(20, 5), (40, 10), (60, 16), (90, 24), (109, 32), (200, 60)], {(40, 10)})
)
async def test_it_works_at_every_size(fake: FakeEngine, size: tuple[int, int]) -> None:
    async def walk(person: Person) -> None:
        await person.press("f6", "up", "down", "pagedown", "end", "s", "ctrl+o", "ctrl+o")
        await person.pilot.resize_terminal(80, 24)
        await person.settled()
        assert isinstance(person.app.screen, QuotasScreen)
        assert len(_shown(person)) == len(regions_of("aws"))
        assert _table(person).index >= 0

    await with_person(WizardApp(fake, _at_quotas()), walk, size)


def test_every_standing_has_a_sign() -> None:
    assert set(SIGNS) == set(get_args(Standing))
