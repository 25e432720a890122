"""Applying: in the order of dependencies, told as events, waiting for IAM where it must, and one wizard at a time."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.engine.support import (
    Fault,
    Place,
    Sandboxed,
    account_state,
    active_keys,
    connection,
    env,
    failures,
    given,
    iam,
    onboard,
    plan_for,
    response,
)
from wizard.account.connect import Keys
from wizard.apply.events import Done, Failed, Finished, Started, Waiting
from wizard.apply.journal import runs_folder
from wizard.apply.lock import account_lock
from wizard.engine import Engine, Options
from wizard.remotion import names
from wizard.secret import Secret

USER, ROLE = names.USER, names.RENDER_ROLE


def test_each_change_is_begun_and_done_in_the_order_of_the_plan(engine: Engine) -> None:
    plan = plan_for(engine)
    events = list(engine.apply(plan))
    wanted = [c.id for c in plan.writing]
    assert [e.change_id for e in events if isinstance(e, Started)] == wanted
    assert [e.change_id for e in events if isinstance(e, Done)] == wanted
    assert all(e.seconds >= 0 for e in events if isinstance(e, Done))
    assert isinstance(events[-1], Finished)
    waits = [e for e in events if isinstance(e, Waiting)]
    assert waits[0].elapsed == 0.0 and waits[-1].finished


def test_what_is_needed_first_is_made_first(engine: Engine) -> None:
    order = [c.id for c in plan_for(engine, given(principal__attach="managed")).writing]
    assert order.index(f"role.{ROLE}") < order.index(f"role.{ROLE}.attach")
    assert order.index(f"policy.{names.ROLE_POLICY}") < order.index(f"role.{ROLE}.attach")
    assert order.index(f"user.{USER}") < order.index(f"user.{USER}.attach") < order.index(f"key.{USER}")


def test_the_key_that_was_written_signs_in_as_the_user_and_may_only_what_remotion_needs(
    engine: Engine, place: Place
) -> None:
    onboard(engine)
    found = env(place)
    keys = Keys(found[names.ACCESS_KEY_ID], Secret(found[names.SECRET_ACCESS_KEY]))
    aws = connection(engine).with_keys(keys)
    assert aws.client("sts").get_caller_identity()["Arn"].endswith(f":user/{USER}")
    aws.client("lambda").list_functions()
    with pytest.raises(Exception, match="not authorized to perform: iam:CreateUser"):
        aws.client("iam").create_user(UserName="mallory")


def test_the_same_answers_make_the_same_account_every_time(sandbox: Sandboxed) -> None:
    states = []
    for _ in range(2):
        sandbox.start_over()
        onboard(sandbox.engine)
        states.append(account_state(sandbox.engine, exact=True))
    assert states[0] == states[1]


def test_what_is_made_carries_the_wizards_tag_and_the_asked_ones(engine: Engine) -> None:
    onboard(engine, given(principal__attach="managed", principal__tags={"team": "video"}))
    state = json.loads(account_state(engine))
    mine = {"Key": "created-by", "Value": "remotion-lambda-wizard"}
    (user,) = [u for u in state["Users"] if u["UserName"] == USER]
    assert mine in user["Tags"] and {"Key": "team", "Value": "video"} in user["Tags"]
    assert mine in next(r for r in state["Roles"] if r["RoleName"] == ROLE)["Tags"]
    client = iam(engine)
    for name in (names.USER_POLICY, names.ROLE_POLICY):
        arn = f"arn:aws:iam::123456789012:policy/{name}"
        assert mine in client.get_policy(PolicyArn=arn)["Policy"]["Tags"]


def test_an_account_that_changed_since_the_plan_is_told_to_be_planned_again(engine: Engine) -> None:
    plan = plan_for(engine)
    iam(engine).create_user(UserName=USER)
    (failure,) = failures(list(engine.apply(plan)))
    assert "changed since the plan" in failure.problem.title and "Plan again" in failure.problem.remedy
    onboard(engine)


def test_a_name_in_another_case_is_told_apart_from_a_fault(engine: Engine) -> None:
    iam(engine).create_user(UserName=USER.upper())
    plan = plan_for(engine)
    told = [
        *(str(p) for p in plan.problems),
        *(str(f.problem) for f in failures(list(engine.apply(plan))) if plan.writing),
    ]
    assert any("upper and lower case" in t for t in told)


def test_what_was_done_before_a_failure_stays_and_nothing_after_it_is_begun(sandbox: Sandboxed) -> None:
    sandbox.wire.fault = Fault("CreateUser", 1, "denied")
    events = list(sandbox.engine.apply(plan_for(sandbox.engine)))
    failed = next(e for e in events if isinstance(e, Failed))
    assert failed.change_id == f"user.{USER}"
    assert isinstance(events[-1], Finished) and not events[-1].ok and events[-1].made == 3
    assert "CreateAccessKey" not in sandbox.wire.calls
    assert iam(sandbox.engine).get_role(RoleName=ROLE)


def test_an_iam_that_does_not_know_yet_what_it_just_made_is_waited_for(
    sandbox: Sandboxed, monkeypatch: pytest.MonkeyPatch
) -> None:
    naps: list[float] = []
    monkeypatch.setattr("time.sleep", naps.append)
    original, left = sandbox.wire.send, [2]

    def lagging(request: Any, event_name: str, **named: Any) -> Any:
        if event_name.endswith("PutUserPolicy") and left[0]:
            left[0] -= 1
            return response(request.url, 404, "NoSuchEntity", f"The user with name {USER} cannot be found.")
        return original(request, event_name=event_name, **named)

    sandbox.wire.send = lagging  # type: ignore[method-assign]
    onboard(sandbox.engine)
    assert left == [0] and len(naps) >= 2


def test_stopping_in_the_middle_leaves_a_run_that_the_next_one_finishes(engine: Engine) -> None:
    events = engine.apply(plan_for(engine))
    while not isinstance(next(events), Done):
        pass
    events.close()  # type: ignore[attr-defined]
    assert len(engine.unfinished_runs()) == 1
    onboard(engine)
    assert engine.unfinished_runs() == ()
    assert len(active_keys(engine)) == 1


def test_two_wizards_do_not_change_one_account_at_a_time(engine: Engine) -> None:
    plan = plan_for(engine)
    with account_lock(runs_folder(plan.identity.place)):
        (failure,) = failures(list(engine.apply(plan)))
    assert "Another wizard" in failure.problem.title
    assert active_keys_or_none(engine) == []
    onboard(engine)


def active_keys_or_none(engine: Engine) -> list[str]:
    users = [u["UserName"] for u in iam(engine).list_users()["Users"]]
    return active_keys(engine) if USER in users else []


# Waiting for IAM


class Clock:
    """A clock that runs only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr("wizard.apply.executor.time", made)
    monkeypatch.setattr("wizard.account.connect.Target.settle_seconds", 10.0)
    return made


def test_a_new_key_must_work_three_times_and_a_new_role_be_ten_seconds_old(engine: Engine, clock: Clock) -> None:
    events = list(engine.apply(plan_for(engine)))
    waits = [e for e in events if isinstance(e, Waiting)]
    assert {w.what for w in waits if w.finished} == {
        "until IAM knows the key everywhere",
        "until Lambda can take the new role",
    }
    assert clock.now >= 1010.0
    assert all(w.usual for w in waits)


def test_a_key_that_does_not_come_is_told_and_is_no_failure(sandbox: Sandboxed, clock: Clock) -> None:
    plan = plan_for(sandbox.engine)
    sandbox.wire.fault, sandbox.wire.forever = Fault("GetCallerIdentity", 1, "denied"), True
    events = list(sandbox.engine.apply(plan))
    told = [e for e in events if isinstance(e, Waiting) and e.finished and e.problem]
    assert len(told) == 1 and told[0].elapsed > 60
    assert isinstance(events[-1], Finished) and events[-1].ok


def test_nobody_waits_for_what_was_not_made(engine: Engine, clock: Clock) -> None:
    onboard(engine)
    before = clock.now
    iam(engine).delete_user_policy(UserName=USER, PolicyName=names.USER_POLICY)
    onboard(engine)
    assert clock.now == before


def test_an_emulator_replicates_nothing_and_is_not_waited_for(place: Place) -> None:
    from wizard.account.connect import Target

    assert Target(sandbox=True).settle_seconds == Target(endpoint_url="http://127.0.0.1:4566").settle_seconds == 0.0
    assert (
        Target(endpoint_url="http://localhost:1").settle_seconds
        == Target(endpoint_url="http://[::1]:1").settle_seconds
        == 0.0
    )
    assert (
        Target().settle_seconds
        == Target(endpoint_url="https://vpce-1.iam.us-east-1.vpce.amazonaws.com").settle_seconds
        > 0
    )


def test_with_the_sandbox_many_regions_are_one_account(place: Place) -> None:
    engine = Engine(Options(sandbox="fresh", region="eu-central-1", folder=place.project))
    onboard(engine, given(remotion__regions=["eu-central-1", "us-east-1"]))
    assert engine.check(given(remotion__regions=["eu-central-1", "us-east-1"])).ok
