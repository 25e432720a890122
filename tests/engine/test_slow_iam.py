"""A run that breaks off where IAM shows what was changed only seconds later: the next one comes at once, and sees nothing yet."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from tests.engine import test_rotation as rotation
from tests.engine.support import (
    Fault,
    Killed,
    Place,
    Sandboxed,
    account_state,
    active_keys,
    env,
    given,
    onboard,
    plan_for,
)
from wizard.apply import journal
from wizard.collect.answers import Answers
from wizard.remotion import names
from wizard.sandbox.calls import iam_service

MANAGED = given(principal__attach="managed")
KINDS = ("server-error-after", "reset-after", "killed-before", "killed-after")


class Clock:
    """The time, which passes only while somebody sleeps."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = time.time()
        monkeypatch.setattr(iam_service, "now", lambda: self.now)
        monkeypatch.setattr(journal, "now", lambda: datetime.fromtimestamp(self.now, UTC))
        monkeypatch.setattr("time.monotonic", lambda: self.now)
        monkeypatch.setattr("time.sleep", self.sleep)

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def slow(place: Place, clock: Clock) -> Sandboxed:
    return Sandboxed(place, "lagging")


def survive(slow: Sandboxed, clock: Clock, answers: Answers, fault: Fault, reference: str) -> None:
    """Run into a fault, run again at once, and look when IAM shows everything."""
    slow.start_over()
    slow.wire.fault = fault
    try:
        list(slow.engine.apply(plan_for(slow.engine, answers)))
    except Killed:
        slow.wire.mend()
        onboard(slow.engine, answers)
    clock.sleep(10)
    assert account_state(slow.engine) == reference
    held = env(slow.place)
    assert active_keys(slow.engine) == [held[names.ACCESS_KEY_ID]], "an orphaned key"
    assert held[names.SECRET_ACCESS_KEY] == slow.wire.secrets[-1]
    assert plan_for(slow.engine, answers).is_empty
    assert slow.engine.unfinished_runs() == ()


def undisturbed(slow: Sandboxed, clock: Clock, answers: Answers) -> tuple[str, list[str]]:
    """The account after a run in which nothing goes wrong, and the operations of its changes."""
    plan = onboard(slow.engine, answers)
    clock.sleep(10)
    calls = [change.call.operation for change in plan.writing if change.call and change.call.service == "iam"]
    return account_state(slow.engine), list(dict.fromkeys(calls))


def test_what_is_not_to_be_seen_yet_is_not_made_twice(slow: Sandboxed, clock: Clock) -> None:
    reference, _ = undisturbed(slow, clock, MANAGED)
    faults = [
        Fault("CreateAccessKey", 1, "server-error-after"),
        Fault("CreateAccessKey", 1, "killed-after"),
        Fault("CreateRole", 1, "reset-after"),
        Fault("CreatePolicy", 1, "killed-after"),
    ]
    for fault in faults:
        survive(slow, clock, MANAGED, fault, reference)


@pytest.mark.thorough
@pytest.mark.parametrize("answers", [Answers(), MANAGED], ids=["inline", "managed"])
def test_every_change_that_is_not_to_be_seen_yet(slow: Sandboxed, clock: Clock, answers: Answers) -> None:
    reference, operations = undisturbed(slow, clock, answers)
    for operation in operations:
        for kind in KINDS:
            survive(slow, clock, answers, Fault(operation, 1, kind), reference)


@pytest.mark.thorough
def test_a_change_of_the_key_that_is_not_to_be_seen_yet(slow: Sandboxed, clock: Clock) -> None:
    engine, answers = slow.engine, rotation.rotating()
    for operation in ("CreateAccessKey", "UpdateAccessKey"):
        for kind in KINDS:
            slow.start_over()
            old = rotation.begin(engine, slow.place)
            clock.sleep(10)
            slow.wire.fault = Fault(operation, 1, kind)
            if rotation.attempt(engine, answers) != "ok":
                slow.wire.mend()
                assert rotation.attempt(engine, answers) == "ok"
            clock.sleep(10)
            new, _ = rotation.stored(slow.place)
            assert rotation.statuses(engine) == {old: "Inactive", new: "Active"}, f"{kind} at {operation}"
