"""The step "Output bucket": picking or typing one, what is found about it, what is granted, what its owner has to add."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from screens.app import WizardApp
from screens.output_bucket import BucketCard, BucketPicker
from screens.widgets.choice import ChoiceList
from screens.widgets.field import FieldView
from tests.screens.support import NASTY, FakeEngine, Person, denied, identity, session_at, with_person
from wizard.account.snapshot import Fact
from wizard.check.findings import SYMBOLS, WORDS, Status
from wizard.collect.answers import Answers
from wizard.engine import Engine, Options
from wizard.output.facts import BucketFacts, Encryption, Key, Owner
from wizard.output.preflight import BucketEntry
from wizard.problem import Problem

MINE, FOREIGN = "acme-videos", "partner-videos"
KEY = "arn:aws:kms:us-east-1:123456789012:key/0a1b2c3d-4e5f-6789-abcd-ef0123456789"
WIDE = (120, 40)
TALL = (80, 160)  # everything is in sight, the pane covers the form


def with_buckets(fake: FakeEngine) -> None:
    """Give the account three buckets of its own, and a partner one."""
    fake.own_buckets = (
        BucketEntry("acme-archive", "eu-west-1"),
        BucketEntry(MINE, "us-east-1"),
        BucketEntry("remotionlambda-useast1-abcdefghij", "us-east-1"),
    )
    none: Fact[Any] = Fact.absent()
    off: Fact[Any] = Fact.known(frozenset(("BlockPublicAcls", "BlockPublicPolicy")))
    problem = Problem("AWS refused.", "You may not call s3:GetBucketVersioning.")
    fake.buckets = {
        MINE: BucketFacts(
            MINE,
            Owner.MINE,
            "us-east-1",
            readable=True,
            ownership=Fact.known("BucketOwnerEnforced"),
            blocked=off,
            account_blocked=none,
            encryption=Fact.known(Encryption("aws:kms", KEY)),
            key=Fact.known(Key(KEY, "CUSTOMER", "Enabled", Fact.known(_lets_the_account_in()))),
            policy=none,
            versioning=Fact.denied(problem),
            lock=none,
        ),
        FOREIGN: BucketFacts(FOREIGN, Owner.OTHER, "us-east-1", ownership=none, blocked=off, encryption=none),
    }


def _lets_the_account_in() -> dict[str, Any]:
    account = {"AWS": "arn:aws:iam::123456789012:root"}
    return {"Statement": [{"Effect": "Allow", "Principal": account, "Action": "kms:*", "Resource": "*"}]}


@pytest.fixture
def engine(fake: FakeEngine) -> FakeEngine:
    with_buckets(fake)
    return fake


def _without_bars(person: Person) -> str:
    return " ".join(person.words().replace("▌", "").split())


def _app(fake: Engine, **values: Any) -> WizardApp:
    app = WizardApp(fake, session_at("output-bucket", **values))
    app.known.identity = identity()
    return app


async def test_enter_goes_on_without_a_bucket_and_nothing_is_read(engine: FakeEngine) -> None:
    async def go_on(person: Person) -> None:
        assert "No output bucket. Nothing is granted." in person.words()
        assert "Permissions" not in person.words()
        await person.press("enter")
        assert person.step == "quotas"

    await with_person(_app(engine), go_on, WIDE)
    assert engine.buckets_read == []


async def test_a_bucket_of_the_account_is_picked_and_read(engine: FakeEngine) -> None:
    async def pick(person: Person) -> None:
        await person.press("down")
        seen = person.words()
        assert "3 buckets" in seen
        assert (
            seen.index(MINE) < seen.index("acme-archive") < seen.index("remotionlambda-useast1")
        )  # what suits is first
        await person.press("down", "enter")
        assert person.app.session.answers["output_bucket.name"] == MINE
        assert engine.buckets_read == ["", MINE]
        assert "7 hold" in person.words()

    await with_person(_app(engine), pick)


async def test_a_bucket_in_another_region_is_told_while_it_is_picked(engine: FakeEngine) -> None:
    async def pick(person: Person) -> None:
        await person.press("down", "down", "down")
        assert "It is in eu-west-1. You render in us-east-1" in person.words()

    await with_person(_app(engine), pick)


async def test_a_name_that_is_typed_is_not_taken_for_one_of_the_list(engine: FakeEngine) -> None:
    async def type_it(person: Person) -> None:
        await person.type("acme")
        await person.press("enter")
        assert person.app.session.answers["output_bucket.name"] == "acme"
        assert "There is no bucket acme" in person.words()

    await with_person(_app(engine), type_it, WIDE)


async def test_a_name_that_no_letter_can_mend_is_marked_while_it_is_typed(engine: FakeEngine) -> None:
    async def type_it(person: Person) -> None:
        view = person.app.screen.query(FieldView).first()
        for typed, wrong in (("a", ""), ("ac-", ""), ("Ac", "capital"), ("ac_", "underscore"), ("a..b", "two periods")):
            await person.type(typed)
            assert wrong in view.error
            assert bool(view.error) == bool(wrong), typed
        await person.type("x" * 64)
        assert "at most 63" in view.error
        await person.type("ab")
        await person.press("ctrl+n")
        assert person.step == "output-bucket"
        assert "at least 3" in view.error

    await with_person(_app(engine), type_it)
    assert set(engine.buckets_read) <= {""}


async def test_findings_are_cards_with_sign_and_word_the_worst_first(engine: FakeEngine) -> None:
    app = _app(engine, output_bucket__name="acme-gone", output_bucket__more=[MINE])

    async def look(person: Person) -> None:
        cards = list(person.app.screen.query(BucketCard))
        assert [c.finding.status for c in cards] == [Status.FAIL, Status.WARN, Status.UNKNOWN]
        seen = _without_bars(person)
        for status in (Status.FAIL, Status.WARN, Status.UNKNOWN):
            assert f"{SYMBOLS[status]} {WORDS[status]}" in seen
        assert '→ renderMediaOnLambda({…, privacy: "no-acl"})' in seen
        assert "Output bucket acme-gone" in seen
        assert f"Output bucket {MINE}" in seen

    await with_person(app, look, TALL)


async def test_what_will_fail_is_pointed_at_once_and_stops_nobody(engine: FakeEngine) -> None:
    async def go_on(person: Person) -> None:
        await person.press("ctrl+n")
        assert person.step == "output-bucket"
        assert isinstance(person.app.screen.focused, BucketCard)
        assert "enter goes on all the same" in person.words()
        await person.press("enter")
        assert person.step == "quotas"

    await with_person(_app(engine, output_bucket__name="acme-gone"), go_on)


async def test_the_pane_tells_for_each_action_why_and_what_fails_without_it(engine: FakeEngine) -> None:
    async def look(person: Person) -> None:
        await person.press("ctrl+o")
        seen = person.words()
        assert "remotion-lambda-role uploads" in seen
        assert "s3:PutObject Uploads the video. If it is missing: every upload ends in AccessDenied." in seen
        assert f"on arn:aws:s3:::{MINE}/videos/*" in seen
        assert "kms:GenerateDataKey" in seen
        assert "s3:PutObjectAcl" not in seen  # ACLs are off in this bucket
        assert "remotion-user reads" in seen

    await with_person(_app(engine, output_bucket__name=MINE, output_bucket__prefix="videos/"), look, TALL)


async def test_other_answers_change_the_pane_and_nothing_is_read_again(engine: FakeEngine) -> None:
    async def choose(person: Person) -> None:
        await person.press("enter", "down")
        assert isinstance(person.app.screen.focused, ChoiceList)
        assert person.app.session.answers["output_bucket.grant"] == "put-object"
        assert "The documented policy has neither." in _without_bars(person)
        await person.press("ctrl+o")
        assert "remotion-user reads" not in person.words()
        assert "The caller can't read the result" in person.words()
        assert engine.buckets_read == [MINE]

    await with_person(_app(engine, output_bucket__name=MINE), choose, TALL)


async def test_f5_reads_again(engine: FakeEngine) -> None:
    async def read(person: Person) -> None:
        assert "There is no bucket" in person.words()
        engine.buckets["acme-new"] = BucketFacts("acme-new", Owner.MINE, "us-east-1", readable=True)
        await person.press("f5")
        assert "There is no bucket" not in person.words()
        assert engine.buckets_read == ["acme-new", "acme-new"]

    await with_person(_app(engine, output_bucket__name="acme-new"), read, WIDE)


async def test_the_screen_stays_free_while_a_bucket_is_read(folder: Path) -> None:
    gate = threading.Event()

    class Slow(FakeEngine):
        def bucket_facts(self, answers: Answers, bucket: str) -> BucketFacts:
            gate.wait(20)
            return BucketFacts(bucket, Owner.ABSENT)

    app = _app(Slow(folder), output_bucket__name=MINE)
    async with app.run_test(size=WIDE) as pilot:
        person = Person(pilot)
        while f"Reading {MINE}" not in person.sees():
            await pilot.pause()
        await pilot.press("ctrl+n")
        await pilot.pause()
        assert person.step == "quotas"
        gate.set()
        await person.settled()
    assert app.mistakes == []


async def test_a_read_that_fails_is_told_and_stops_nobody(engine: FakeEngine) -> None:
    engine.buckets[MINE] = denied("S3 is out of reach.")

    async def read(person: Person) -> None:
        assert "✗ S3 is out of reach." in person.words()
        assert "f5 tries again" in person.words()
        with_buckets(engine)
        await person.press("f5")
        assert "out of reach" not in person.words()
        assert "7 hold" in person.words()

    await with_person(_app(engine, output_bucket__name=MINE), read, WIDE)


async def test_a_list_that_may_not_be_read_leaves_the_line_to_type_in(engine: FakeEngine) -> None:
    engine.own_buckets = denied("You may not list buckets.")

    async def type_it(person: Person) -> None:
        await person.press("down")
        assert "You may not list buckets. Type the name" in person.words()
        await person.type(MINE)
        await person.press("enter")
        assert "7 hold" in person.words()

    await with_person(_app(engine), type_it, WIDE)


async def test_the_owners_part_of_a_foreign_bucket_is_copied_and_saved(
    engine: FakeEngine, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied: list[str] = []
    app = _app(engine, output_bucket__name=FOREIGN)
    monkeypatch.setattr(app, "copy_to_clipboard", copied.append)

    async def hand_on(person: Person) -> None:
        await person.press("ctrl+o")
        seen = person.words()
        assert "For the bucket's owner" in seen
        assert f"Bucket policy of {FOREIGN}" in seen
        assert '"AWS": "arn:aws:iam::123456789012:role/remotion-lambda-role"' in seen
        await person.press("f7", "f8")
        await person.type("owner.txt")
        await person.press("enter")

    await with_person(app, hand_on, TALL)
    assert "s3:PutObject" in copied[0]
    assert (folder / "owner.txt").read_text() == copied[0] + "\n"


async def test_the_policy_of_an_own_bucket_is_copied(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    copied: list[str] = []
    app = _app(engine, output_bucket__name=MINE)
    monkeypatch.setattr(app, "copy_to_clipboard", copied.append)

    async def copy(person: Person) -> None:
        await person.press("f7", "f8")
        assert person.step == "output-bucket"

    await with_person(app, copy)
    assert "RemotionOutputObjects" in copied[0]


async def test_foreign_text_is_shown_as_it_is(engine: FakeEngine) -> None:
    engine.own_buckets = (BucketEntry(NASTY, NASTY),)
    engine.buckets[MINE] = BucketFacts(MINE, Owner.MINE, "us-east-1", policy=Fact.denied(Problem(NASTY, NASTY, NASTY)))

    async def look(person: Person) -> None:
        assert "[bold]x[/bold]" in person.words()
        person.app.screen.query_one(BucketPicker).open()
        await person.settled()
        assert "\x1b" not in person.sees()

    await with_person(_app(engine, output_bucket__name=MINE), look, TALL)


@pytest.mark.parametrize(
    ("scenario", "bucket", "said"),
    [
        ("kms-bucket", "acme-videos", "kms:GenerateDataKey S3 asks for a data key"),
        pytest.param(
            "kms-bucket", "acme-vault", "The key does not let remotion-lambda-role in", marks=pytest.mark.thorough
        ),
        ("foreign-bucket", "partner-videos", "For the bucket's owner"),
        pytest.param("locked-down-bucket", "acme-videos", "ACLs are off", marks=pytest.mark.thorough),
    ],
)
async def test_on_the_sandboxs_accounts(folder: Path, scenario: str, bucket: str, said: str) -> None:
    app = WizardApp(Engine(Options(sandbox=scenario, folder=folder)), session_at("output-bucket"))

    async def type_it(person: Person) -> None:
        await person.type(bucket)
        await person.press("enter")
        seen = _without_bars(person)
        await person.press("ctrl+o")
        assert said in f"{seen} {person.words()}"

    await with_person(app, type_it, TALL)
