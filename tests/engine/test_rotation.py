"""Changing an access key: the new one is proven before the old one is deactivated; an interruption leaves one that works."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.engine.support import (
    KINDS,
    Fault,
    Killed,
    Place,
    Sandboxed,
    change,
    connection,
    env,
    failures,
    given,
    iam,
    ids,
    onboard,
    plan_for,
)
from wizard.account import connect
from wizard.account.snapshot import AccountSnapshot
from wizard.apply.events import Event, Finished
from wizard.cli import main
from wizard.collect.answers import Answers, parse_answers
from wizard.engine import Engine, Options
from wizard.handover.aws_profile import read_profile
from wizard.handover.env_file import set_variables
from wizard.plan.changes import Action, Plan
from wizard.plan.render import as_aws_cli, as_text
from wizard.plan.rotation import Keys, old_keys, told_afterwards
from wizard.problem import ExitCode, ProblemError, UsageProblem
from wizard.remotion import names
from wizard.sandbox.calls.keys import derive_secret
from wizard.sandbox.seed import secret_seed
from wizard.secret import Secret

USER = names.USER
ID, SECRET = names.ACCESS_KEY_ID, names.SECRET_ACCESS_KEY
PROFILE = {"credentials__write": "aws-profile"}


def rotating(**values: Any) -> Answers:
    """Answers that ask for a new key."""
    return given(start__goal="rotate", **values)


def begin(engine: Engine, place: Place, **values: Any) -> str:
    """A user with one access key, which lies in its place; the key's id."""
    client = iam(engine)
    client.create_user(UserName=USER)
    made = client.create_access_key(UserName=USER)["AccessKey"]
    lay(place, made["AccessKeyId"], made["SecretAccessKey"], **values)
    return str(made["AccessKeyId"])


def lay(place: Place, key: str, secret: str, **values: Any) -> None:
    """Put a key into its place, among other lines."""
    if values.get("credentials__write") == "aws-profile":
        place.aws_file(
            "credentials", f"[remotion]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n[x]\na = 1\n"
        )
    else:
        place.env.write_text(f"MINE=1\n{ID}={key}\n{SECRET}={secret}\n# a comment\n")


def stored(place: Place, **values: Any) -> tuple[str, str]:
    """The key id and secret that lie in the place."""
    if values.get("credentials__write") == "aws-profile":
        section = read_profile(place.credentials, "remotion") or {}
        return section.get("aws_access_key_id", ""), section.get("aws_secret_access_key", "")
    found = env(place)
    return found.get(ID, ""), found.get(SECRET, "")


def signs_in(engine: Engine, key: str, secret: str) -> bool:
    """Whether AWS takes a key, as the user's."""
    try:
        caller = connection(engine).with_keys(connect.Keys(key, Secret(secret))).client("sts").get_caller_identity()
    except Exception:
        return False
    return str(caller["Arn"]).endswith(f"/{USER}")


def right(key: str) -> str:
    """The secret that belongs to a key of the fresh account."""
    return derive_secret(secret_seed("fresh"), key)


def statuses(engine: Engine) -> dict[str, str]:
    """The user's keys, each with its status."""
    listed = iam(engine).list_access_keys(UserName=USER)["AccessKeyMetadata"]
    return {key["AccessKeyId"]: key["Status"] for key in listed}


def later(snapshot: AccountSnapshot, days: int) -> AccountSnapshot:
    """The same account, looked at some days later."""
    moment = datetime.fromisoformat(snapshot.read_at) + timedelta(days=days)
    return replace(snapshot, read_at=moment.isoformat())


def apply(engine: Engine, plan: Plan) -> list[Event]:
    """Apply a plan that nothing stands in the way of."""
    assert not plan.problems, plan.problems
    return list(engine.apply(plan))


class Clock:
    """A clock that runs only while somebody sleeps."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


# One key


@pytest.mark.parametrize("values", [{}, PROFILE], ids=["env", "profile"])
def test_the_new_key_takes_the_old_ones_place_and_the_old_one_is_deactivated(
    engine: Engine, place: Place, values: dict[str, Any]
) -> None:
    old = begin(engine, place, **values)
    _, old_secret = stored(place, **values)
    plan = plan_for(engine, rotating(**values))
    assert ids(plan) == [f"create key.{USER}", f"update key.{USER}.proof", f"update key.{USER}.old.{old}"]
    end = apply(engine, plan)[-1]
    assert isinstance(end, Finished) and end.ok
    new, secret = stored(place, **values)
    assert end.access_key_id == new != old
    assert statuses(engine) == {old: "Inactive", new: "Active"}
    assert signs_in(engine, new, secret) and not signs_in(engine, old, old_secret)
    written = place.credentials if values else place.env
    assert old not in written.read_text() and old_secret not in written.read_text()
    assert ("[x]\na = 1" if values else "MINE=1\n") in written.read_text()
    assert (written.stat().st_mode & 0o777) == 0o600


def test_the_key_is_proven_before_it_is_written_and_again_before_the_old_one_is_deactivated(sandbox: Sandboxed) -> None:
    begin(sandbox.engine, sandbox.place)
    plan = plan_for(sandbox.engine, rotating())
    sandbox.wire.calls.clear()
    apply(sandbox.engine, plan)
    calls = sandbox.wire.calls
    assert calls[:3] == ["ListAccessKeys", "CreateAccessKey", "GetCallerIdentity"]
    assert calls[-2:] == ["GetCallerIdentity", "UpdateAccessKey"]


def test_the_journal_says_what_the_run_was_for_and_how_the_old_key_comes_back(engine: Engine, place: Place) -> None:
    old = begin(engine, place)
    apply(engine, plan_for(engine, rotating()))
    records = place.records()
    assert (records[0]["purpose"], records[0]["retires"]) == ("rotate", [old])
    (undo,) = [r["undo"] for r in records if r["type"] == "intent" and r["undo"]]
    assert undo[0]["operation"] == "UpdateAccessKey" and undo[0]["parameters"]["Status"] == "Active"
    # The secret of the old key is gone: whoever takes the change back still needs the new key.
    assert [r["undo"] for r in records if r["type"] == "key-stored"] == [[]]


def test_a_key_that_aws_never_accepts_is_deleted_again_and_nothing_else_has_changed(
    sandbox: Sandboxed, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = begin(sandbox.engine, sandbox.place)
    before = sandbox.place.env.read_bytes()
    plan = plan_for(sandbox.engine, rotating())
    monkeypatch.setattr("wizard.apply.executor.time", Clock())
    sandbox.wire.fault, sandbox.wire.forever = Fault("GetCallerIdentity", 1, "server-error"), True
    (failure,) = failures(apply(sandbox.engine, plan))
    assert "does not accept the new key" in failure.problem.title and "old key stays active" in failure.problem.remedy
    sandbox.wire.mend()
    assert statuses(sandbox.engine) == {old: "Active"}
    assert sandbox.place.env.read_bytes() == before


def test_what_is_written_is_what_is_proven(engine: Engine, place: Place) -> None:
    old = begin(engine, place)
    events = engine.apply(plan_for(engine, rotating()))
    while env(place)[ID] == old:
        next(events)
    iam(engine).create_user(UserName="somebody")
    other = iam(engine).create_access_key(UserName="somebody")["AccessKey"]
    lay(place, other["AccessKeyId"], other["SecretAccessKey"])
    (failure,) = failures(list(events))
    assert "somebody else's" in failure.problem.title
    assert statuses(engine)[old] == "Active"


def test_values_that_nobody_needs_any_more_are_not_kept_as_a_comment() -> None:
    text = f"{ID}=foreign\n{ID}=old\n{SECRET}=s-old\n"
    changed = set_variables(text, {ID: "new", SECRET: "s-new"}, set_aside=True, gone=("old", "s-old"))
    assert changed == f"# {ID}=foreign\n{ID}=new\n{SECRET}=s-new\n"


# Two keys


def test_an_inactive_key_makes_room(engine: Engine, place: Place) -> None:
    old = begin(engine, place)
    other = iam(engine).create_access_key(UserName=USER)["AccessKey"]["AccessKeyId"]
    iam(engine).update_access_key(UserName=USER, AccessKeyId=other, Status="Inactive")
    plan = plan_for(engine, rotating())
    assert ids(plan)[:2] == [f"delete key.{USER}.room.{other}", f"create key.{USER}"]
    apply(engine, plan)
    assert statuses(engine) == {old: "Inactive", stored(place)[0]: "Active"}


def test_changing_the_key_twice_in_a_row_deletes_the_first_one_and_warns(engine: Engine, place: Place) -> None:
    first = begin(engine, place)
    apply(engine, plan_for(engine, rotating()))
    second, _ = stored(place)
    plan = plan_for(engine, rotating())
    assert any(first in warning and "can't be taken back" in warning for warning in plan.warnings)
    apply(engine, plan)
    assert statuses(engine) == {second: "Inactive", stored(place)[0]: "Active"}


def test_a_key_that_was_not_used_for_the_chosen_time_makes_room_and_a_younger_one_does_not(
    engine: Engine, place: Place
) -> None:
    begin(engine, place)
    other = iam(engine).create_access_key(UserName=USER)["AccessKey"]["AccessKeyId"]
    snapshot = engine.discover(rotating())
    assert engine.plan(rotating(), later(snapshot, 6)).problems
    assert ids(engine.plan(rotating(), later(snapshot, 8)))[0] == f"delete key.{USER}.room.{other}"
    assert ids(engine.plan(rotating(rotate__delete_after_days=5), later(snapshot, 6)))[0].endswith(other)


def test_two_keys_that_may_both_be_in_use_want_a_choice(engine: Engine, place: Place) -> None:
    held = begin(engine, place)
    other = iam(engine).create_access_key(UserName=USER)["AccessKey"]["AccessKeyId"]
    (problem,) = plan_for(engine, rotating()).problems
    assert held in problem.detail and f"{other} (never used)" in problem.detail and "in .env" in problem.detail
    assert f"rotate.replace = {other}" in problem.remedy
    assert ids(plan_for(engine, rotating(rotate__replace=other)))[0] == f"delete key.{USER}.room.{other}"
    (in_place,) = plan_for(engine, rotating(rotate__replace=held)).problems
    assert "is the key in .env" in in_place.title and other in in_place.remedy
    (unknown,) = plan_for(engine, rotating(rotate__replace="AKIAIOSFODNN7EXAMPLE")).problems
    assert unknown.title.startswith("rotate.replace:") and other in unknown.remedy
    assert statuses(engine) == {held: "Active", other: "Active"}


def test_a_last_use_that_may_not_be_read_is_no_reason_to_delete_a_key(sandbox: Sandboxed) -> None:
    begin(sandbox.engine, sandbox.place)
    iam(sandbox.engine).create_access_key(UserName=USER)
    sandbox.wire.fault, sandbox.wire.forever = Fault("GetAccessKeyLastUsed", 1, "denied"), True
    answers = rotating(rotate__delete_after_days=0)
    (problem,) = plan_for(sandbox.engine, answers).problems
    assert "you may not read when it was used" in problem.detail


def test_the_scenario_of_two_keys_is_told_as_it_is(place: Place) -> None:
    engine = Engine(Options(sandbox="two-keys", folder=place.project))
    engine.connect()
    unused, in_use = statuses(engine)
    lay(place, in_use, derive_secret(secret_seed("two-keys"), in_use))
    snapshot = engine.discover(rotating())
    lines = {line.id: line for line in Keys(rotating(), snapshot).lines()}
    assert lines[unused].use == "never used" and lines[unused].place == ""
    assert lines[in_use].use == "used 3 hours ago (lambda in us-east-1)" and lines[in_use].place == ".env"
    again = {line.id: line for line in Keys(rotating(), engine.discover(rotating())).lines()}
    assert again[in_use].use == lines[in_use].use, "looking is no use"
    apply(engine, engine.plan(rotating(), snapshot))
    assert statuses(engine) == {in_use: "Inactive", stored(place)[0]: "Active"}
    assert signs_in(engine, *stored(place))


# Old keys


def test_an_old_key_is_deleted_once_it_was_not_used_for_the_chosen_time(engine: Engine, place: Place) -> None:
    old = begin(engine, place)
    apply(engine, plan_for(engine, rotating()))
    new, _ = stored(place)
    answers = rotating(rotate__what="delete-old")
    snapshot = engine.discover(answers)
    early = engine.plan(answers, later(snapshot, 6))
    assert early.is_empty and "may be deleted from" in change(early, f"key.{USER}.old.{old}").summary
    plan = engine.plan(answers, later(snapshot, 8))
    assert ids(plan) == [f"delete key.{USER}.old.{old}"]
    apply(engine, plan)
    assert statuses(engine) == {new: "Active"}
    assert signs_in(engine, *stored(place))


def test_only_inactive_keys_outside_the_place_are_ever_deleted_as_old(engine: Engine, place: Place) -> None:
    held = begin(engine, place)
    iam(engine).create_access_key(UserName=USER)
    answers = rotating(rotate__what="delete-old", rotate__delete_after_days=0)
    assert plan_for(engine, answers).is_empty
    iam(engine).update_access_key(UserName=USER, AccessKeyId=held, Status="Inactive")
    assert plan_for(engine, answers).is_empty


def test_afterwards_it_is_said_when_the_old_key_may_go_and_how_it_comes_back(engine: Engine, place: Place) -> None:
    old = begin(engine, place)
    plan = plan_for(engine, rotating())
    (found,) = old_keys(plan)
    assert found.id == old and not found.deleted
    when = (
        datetime.fromisoformat(found.deletable_from).date()
        - datetime.fromisoformat(engine.discover(rotating()).read_at).date()
    )
    assert 7 <= when.days <= 8
    told = "\n".join(told_afterwards(plan))
    assert "is inactive" in told and "credentials rotate --delete-old --sandbox fresh" in told
    real = replace(plan, identity=replace(plan.identity, sandbox=False, profile="my acme"))
    told = "\n".join(told_afterwards(real, today="2999-01-01"))
    assert "may be deleted now" in told and "--profile 'my acme'" in told and "--status Active" in told


def test_an_old_key_that_works_elsewhere_is_warned_about(engine: Engine, place: Place) -> None:
    old = begin(engine, place)
    signs_in(engine, *stored(place))
    (warning,) = [w for w in plan_for(engine, rotating()).warnings if "Vercel" in w]
    assert old[-4:] in warning and "(sts in us-east-1)" in warning


# What stands in the way


def test_a_user_that_is_not_there_can_have_no_key_changed(engine: Engine) -> None:
    (problem,) = plan_for(engine, rotating()).problems
    assert problem.title == f"There is no user {USER} in this account."


def test_a_place_without_a_key_of_the_user_is_told_with_what_to_do(engine: Engine, place: Place) -> None:
    key = begin(engine, place)
    place.env.unlink()
    (problem,) = plan_for(engine, rotating()).problems
    assert "no access key in .env" in problem.title and key in problem.detail and "setup" in problem.remedy
    lay(place, "AKIAIOSFODNN7EXAMPLE", "x")
    (problem,) = plan_for(engine, rotating()).problems
    assert "not one of remotion-user" in problem.title and "--user" in problem.remedy
    place.env.write_text(f"{names.PROFILE}=acme\n")
    (problem,) = plan_for(engine, rotating()).problems
    assert "credentials.profile=acme" in problem.remedy
    assert list(statuses(engine)) == [key]


def test_keys_that_may_not_be_listed_are_unknown_and_not_missing(sandbox: Sandboxed) -> None:
    begin(sandbox.engine, sandbox.place)
    sandbox.wire.fault, sandbox.wire.forever = Fault("ListAccessKeys", 1, "denied"), True
    (problem,) = plan_for(sandbox.engine, rotating()).problems
    assert "may not read the access keys" in problem.title


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"principal__kind": "role", "principal__name": "video-api"}, "start.goal"),
        ({"credentials__write": "none"}, "credentials.write"),
        ({"rotate__delete_after_days": -1}, "rotate.delete_after_days"),
        ({"rotate__replace": "secret"}, "rotate.replace"),
    ],
)
def test_answers_that_make_no_sense_are_refused_by_name(engine: Engine, values: dict[str, Any], key: str) -> None:
    with pytest.raises(UsageProblem) as refused:
        engine.discover(rotating(**values))
    assert refused.value.problem.title.startswith(f"{key}: ") and "Allowed" in refused.value.problem.title


def test_the_answers_are_saved_and_read_back() -> None:
    answers = rotating(rotate__delete_after_days=30, rotate__replace="AKIAIOSFODNN7EXAMPLE")
    assert parse_answers(answers.to_toml())["rotate.delete_after_days"] == 30


# Interruptions


def test_a_change_that_was_cut_off_is_finished_without_a_third_key(engine: Engine, place: Place) -> None:
    old = begin(engine, place)
    events = engine.apply(plan_for(engine, rotating()))
    while env(place)[ID] == old:
        next(events)
    events.close()  # type: ignore[attr-defined]
    new, _ = stored(place)
    assert statuses(engine) == {old: "Active", new: "Active"}
    onboard(engine, given())  # a set-up in between leaves it to be finished
    assert len(engine.unfinished_runs()) == 1
    assert any("credentials rotate" in warning for warning in plan_for(engine, given()).warnings)
    plan = plan_for(engine, rotating())
    assert ids(plan) == [f"update key.{USER}.proof", f"update key.{USER}.old.{old}"]
    assert any("cut off" in warning for warning in plan.warnings)
    apply(engine, plan)
    assert statuses(engine) == {old: "Inactive", new: "Active"}
    assert engine.unfinished_runs() == ()
    assert ids(plan_for(engine, rotating()))[1] == f"create key.{USER}", "then another change can be made"


VARIANTS: dict[str, dict[str, Any]] = {
    "one key in .env": {},
    "one key in a profile": PROFILE,
    "two keys": {"rotate__delete_after_days": 0},
}


def _attempt(engine: Engine, answers: Answers) -> str:
    try:
        outcome = list(engine.apply(plan_for(engine, answers)))
    except ProblemError:
        return "refused"
    except Killed:
        return "killed"
    assert isinstance(outcome[-1], Finished)
    return "ok" if outcome[-1].ok else "failed"


_ALL = os.environ.get("FAULTS") == "all"
# To the engine the others are what a time-out is, and killed-before is killed-after the call before.
_WRITE_KINDS = tuple(KINDS) if _ALL else ("time-out-before", "time-out-after", "denied", "killed-after")
_READ_KINDS = tuple(kind for kind, happens in KINDS.items() if not happens) if _ALL else ("denied",)
_AGAIN = _WRITE_KINDS if _ALL else ("killed-after",)  # of what the first variant has as well


def _faults(calls: list[str], is_first: bool) -> Iterator[Fault]:
    """What goes wrong: `calls` are those of a change of the key, with those of discovery before."""
    deletes = "DeleteAccessKey" in calls  # else the executor itself first looks which keys there are
    begun = calls.index("DeleteAccessKey") if deletes else calls.index("CreateAccessKey") - 1
    reads = set(calls[:begun]) if is_first or _ALL else set()
    for operation in sorted(reads):
        yield from (Fault(operation, 1, kind) for kind in _READ_KINDS)
    earlier = Counter(calls[:begun])
    for operation, times in Counter(calls[begun:]).items():
        for time in range(1, times + 1):
            for kind in _WRITE_KINDS if is_first else _AGAIN:
                yield Fault(operation, earlier[operation] + time, kind)


@pytest.mark.parametrize("variant", VARIANTS)
def test_after_any_fault_at_any_call_the_place_holds_a_key_that_works_and_a_second_run_ends_well(
    sandbox: Sandboxed, variant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    monkeypatch.setattr("os.fsync", lambda _handle: None)
    place, engine, wire, values = sandbox.place, sandbox.engine, sandbox.wire, VARIANTS[variant]
    answers = rotating(**values)

    def start() -> str:
        sandbox.start_over()
        old = begin(engine, place, **values)
        if variant == "two keys":
            iam(engine).create_access_key(UserName=USER)
        wire.calls.clear()
        wire.secrets.clear()
        return old

    start()
    assert _attempt(engine, answers) == "ok"
    outcomes: Counter[str] = Counter()
    faults = list(_faults(wire.calls, not values))
    for fault in faults:
        old = start()
        wire.fault = replace(fault)
        ended = _attempt(engine, answers)
        outcomes[ended] += 1
        assert wire.struck == 1, f"{fault} did not strike"
        wire.mend()
        held, secret = stored(place, **values)
        assert statuses(engine)[held] == "Active" and secret == right(held), f"{fault}: {variant} holds no key"
        if ended != "ok":
            again = plan_for(engine, answers)
            assert not again.problems, (str(fault), again.problems)
            assert not failures(engine.apply(again)), str(fault)
        held, secret = stored(place, **values)
        assert statuses(engine) == {old: "Inactive", held: "Active"}, f"{fault}: after {ended}"
        assert secret == right(held), str(fault)
        assert engine.unfinished_runs() == (), str(fault)
        written = place.credentials if "credentials__write" in values else place.env
        for lost in wire.secrets:
            files = [path for root in (place.home, place.state / "runs") for path in root.rglob("*") if path.is_file()]
            assert all(lost.encode() not in path.read_bytes() for path in files if path != written or lost != secret)
    print(f"{variant}: {len(faults)} faults, {outcomes}")
    assert outcomes["killed"]


# The command line


def test_the_command_asks_first_and_changes_nothing_without_a_terminal(
    engine: Engine, place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    old = begin(engine, place)
    assert main(["credentials", "rotate", "--sandbox"]) == ExitCode.USAGE
    assert "--yes" in capsys.readouterr().err
    assert statuses(engine) == {old: "Active"}


def test_the_command_changes_the_key_and_tells_it_as_one_document(
    engine: Engine, place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    onboard(engine)
    old, _ = stored(place)
    assert main(["credentials", "rotate", "--sandbox", "--user", USER, "--yes", "--json"]) == ExitCode.OK
    document = json.loads(capsys.readouterr().out)
    assert document["ok"] and document["access_key_id"] == stored(place)[0] != old
    assert document["old_keys"][0] | {"deletable_from": ""} == {
        "access_key_id": old,
        "status": "inactive",
        "deletable_from": "",
    }
    assert any(f["id"].startswith("live.identity") for f in document["check"]["findings"])
    command = [
        "credentials",
        "rotate",
        "--delete-old",
        "--sandbox",
        "--set",
        "rotate.delete_after_days=0",
        "--yes",
        "--json",
    ]
    assert main(command) == ExitCode.OK
    assert json.loads(capsys.readouterr().out)["old_keys"][0]["status"] == "deleted"
    assert old not in statuses(engine)


def test_the_plan_says_what_is_proven_and_the_script_waits_for_it(engine: Engine, place: Place) -> None:
    begin(engine, place)
    plan = plan_for(engine, rotating())
    shown = as_text(plan)
    assert " >  prove " in shown and " deactivate " in shown
    script = as_aws_cli(plan)
    assert script.index("create-access-key") < script.index("read -r _") < script.index("update-access-key")
    assert "sts get-caller-identity\n" not in script
    assert all(c.action in set(Action) for c in plan.changes)


def test_in_the_sandbox_days_pass_until_the_old_key_may_go(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sandbox", "key", "--scenario", "two-keys"]) == ExitCode.OK
    place.env.write_text(capsys.readouterr().out)
    engine = Engine(Options(sandbox="two-keys", folder=place.project))
    engine.connect()
    old = env(place)[ID]
    apply(engine, plan_for(engine, rotating()))
    old_only = rotating(rotate__what="delete-old")
    assert plan_for(engine, old_only).is_empty
    assert main(["sandbox", "tick", "--days", "8", "--scenario", "two-keys"]) == ExitCode.OK
    assert ids(plan_for(engine, old_only)) == [f"delete key.{USER}.old.{old}"]
    assert main(["sandbox", "key", "--user", "nobody"]) == ExitCode.USAGE
