"""Changing an access key: the new one is proven before the old one is deactivated; an interruption leaves one that works."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from operator import attrgetter
from pathlib import Path
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
from wizard.apply.journal import Journal
from wizard.cli import main
from wizard.collect.answers import Answers, parse_answers
from wizard.engine import Engine, Options
from wizard.handover import key_place
from wizard.handover.aws_profile import read_profile
from wizard.handover.env_file import set_variables
from wizard.plan.changes import Action, Plan
from wizard.plan.render import as_aws_cli, as_text
from wizard.plan.rotation import Keys, old_keys, told_afterwards
from wizard.problem import ExitCode, Problem, ProblemError, UsageProblem
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
    assert "whether it accepts the new key" in failure.problem.title
    assert "deleted again" in failure.problem.detail and "old key stays active" in failure.problem.remedy
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


def attempt(engine: Engine, answers: Answers) -> str:
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
    assert attempt(engine, answers) == "ok"
    outcomes: Counter[str] = Counter()
    faults = list(_faults(wire.calls, not values))
    for fault in faults:
        old = start()
        wire.fault = replace(fault)
        ended = attempt(engine, answers)
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


# Files as people write them


ENV_FILES = {
    "no line end": ("{id}={key}\n{sec}={secret}", "{id}={key}\n{sec}={secret}"),
    "Windows line ends": ("A=1\r\n{id}={key}\r\n{sec}={secret}\r\n", "A=1\r\n{id}={key}\r\n{sec}={secret}\r\n"),
    "export, quotes, comment": (
        "export {id}='{key}' # c\n  {sec}=\"{secret}\"\n",
        "export {id}={key}\n  {sec}={secret}\n",
    ),
    "twice the same": ("{id}={key}\n{sec}={secret}\n{id}={key}\n{sec}={secret}\n", "{id}={key}\n{sec}={secret}\n"),
    "another one before it": (
        "{id}=AKIAX\n{sec}=x\n{id}={key}\n{sec}={secret}\n",
        "# {id}=AKIAX\n{id}={key}\n# {sec}=x\n{sec}={secret}\n",
    ),
    "a mark at the start": ("\ufeff{id}={key}\n{sec}={secret}\n", "\ufeff{id}={key}\n{sec}={secret}\n"),
    "a token": ("{id}={key}\n{sec}={secret}\nREMOTION_AWS_SESSION_TOKEN=t\n", "{id}={key}\n{sec}={secret}\n"),
}


@pytest.mark.parametrize("form", ENV_FILES)
def test_a_file_keeps_the_form_that_people_gave_it(engine: Engine, place: Place, form: str) -> None:
    old = begin(engine, place)
    written, expected = ENV_FILES[form]
    place.env.write_bytes(written.format(id=ID, sec=SECRET, key=old, secret=right(old)).encode())
    apply(engine, plan_for(engine, rotating()))
    new, secret = stored(place)
    assert place.env.read_bytes().decode() == expected.format(id=ID, sec=SECRET, key=new, secret=secret)
    assert statuses(engine) == {old: "Inactive", new: "Active"} and secret == right(new)


def test_a_link_stays_a_link(engine: Engine, place: Place) -> None:
    begin(engine, place)
    target = place.project / "secrets"
    place.env.rename(target)
    place.env.symlink_to(target.name)
    apply(engine, plan_for(engine, rotating()))
    assert place.env.is_symlink() and signs_in(engine, *stored(place))


def test_a_profile_keeps_what_else_is_in_it(engine: Engine, place: Place) -> None:
    key = begin(engine, place, **PROFILE)
    role = "role_arn = arn:aws:iam::123456789012:role/x\nsource_profile = remotion\ncredential_process = /bin/x\n"
    keys = f"aws_access_key_id = {key}\naws_secret_access_key = {right(key)}\naws_session_token = t\n"
    place.aws_file("credentials", f"[remotion]\n{keys}{role}")
    apply(engine, plan_for(engine, rotating(**PROFILE)))
    assert place.credentials.read_text().endswith(role) and "token" not in place.credentials.read_text()
    assert signs_in(engine, *stored(place, **PROFILE))


@pytest.mark.parametrize("setting", ["role_arn = arn:aws:iam::123456789012:role/x", "credential_process = /bin/x"])
def test_a_profile_without_a_key_is_no_place_for_one(engine: Engine, place: Place, setting: str) -> None:
    begin(engine, place, **PROFILE)
    text = place.aws_file("credentials", f"[remotion]\n{setting}\n").read_text()
    (problem,) = plan_for(engine, rotating(**PROFILE)).problems
    assert "it signs in another way" in problem.title and "credentials.profile" in problem.remedy
    assert place.credentials.read_text() == text


def test_a_profile_that_remotion_takes_before_the_key_is_warned_about(engine: Engine, place: Place) -> None:
    begin(engine, place)
    place.env.write_text(f"{place.env.read_text()}{names.PROFILE}=acme\n")
    plan = plan_for(engine, rotating())
    (warning,) = [w for w in plan.warnings if "acme" in w]
    assert "stays as a comment" in warning and "credentials.profile=acme" in warning


def test_a_key_that_is_inactive_in_its_place_is_changed_all_the_same(engine: Engine, place: Place) -> None:
    held = begin(engine, place)
    other = iam(engine).create_access_key(UserName=USER)["AccessKey"]["AccessKeyId"]
    iam(engine).update_access_key(UserName=USER, AccessKeyId=held, Status="Inactive")
    apply(engine, plan_for(engine, rotating()))
    assert statuses(engine) == {other: "Active", stored(place)[0]: "Active"}
    assert signs_in(engine, *stored(place))


def test_a_key_that_was_deleted_by_hand_is_told_with_a_way_out(engine: Engine, place: Place) -> None:
    key = begin(engine, place)
    iam(engine).delete_access_key(UserName=USER, AccessKeyId=key)
    (problem,) = plan_for(engine, rotating()).problems
    assert "If it was deleted" in problem.remedy and "setup" in problem.remedy
    onboard(engine)
    assert signs_in(engine, *stored(place))


def test_another_key_in_the_place_since_the_plan_is_not_written_over(engine: Engine, place: Place) -> None:
    old = begin(engine, place)
    plan = plan_for(engine, rotating())
    lay(place, "AKIAIOSFODNN7EXAMPLE", "x")
    before = place.env.read_bytes()
    (failure,) = failures(apply(engine, plan))
    assert "changed since the plan was made" in failure.problem.title
    assert place.env.read_bytes() == before and statuses(engine) == {old: "Active"}


# What does not work where it was written goes back


WRITERS = {"env": "env_file.write_variables", "profile": "aws_profile.write_profile"}


@dataclass
class Spoilt:
    """The writing of keys, after which a character of the secret is another one."""

    path: Path
    real: Callable[..., None]
    is_off: bool = False

    def __call__(self, path: Path, *arguments: Any, **named: Any) -> None:
        self.real(path, *arguments, **named)
        if not self.is_off:
            secret = next(a for a in _flat(arguments) if isinstance(a, Secret)).reveal()
            path.write_text(path.read_text().replace(secret, secret[:-1] + ("a" if secret[-1] != "a" else "b")))


def _flat(values: Iterable[Any]) -> Iterator[Any]:
    for value in values:
        yield from _flat(value.values()) if isinstance(value, dict) else (value,)


@pytest.fixture(params=WRITERS)
def values(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The answers for each place of a key."""
    return PROFILE if request.param == "profile" else {}


@pytest.fixture
def spoilt(values: dict[str, Any], place: Place, monkeypatch: pytest.MonkeyPatch) -> Spoilt:
    name = "wizard.handover.key_place." + WRITERS["profile" if values else "env"]
    made = Spoilt(file_of(place, values), attrgetter(name.partition("key_place.")[2])(key_place))
    monkeypatch.setattr(name, made)
    return made


def file_of(place: Place, values: dict[str, Any]) -> Path:
    return place.credentials if values else place.env


def until_written(engine: Engine, place: Place, values: dict[str, Any]) -> Iterator[Event]:
    """Begin to apply a change of the key; the events that come once the new one is in its place."""
    old, events = stored(place, **values)[0], engine.apply(plan_for(engine, rotating(**values)))
    while stored(place, **values)[0] == old:
        next(events)
    return events


def test_a_secret_that_reads_back_wrong_leaves_the_old_key_in_its_place(
    engine: Engine, place: Place, values: dict[str, Any], spoilt: Spoilt
) -> None:
    old, before = begin(engine, place, **values), file_of(place, values).read_bytes()
    file_of(place, values).chmod(0o640)
    events = apply(engine, plan_for(engine, rotating(**values)))
    (failure,) = failures(events)
    assert "can't be read back" in failure.problem.title
    assert "before is there again" in failure.problem.detail and "deleted again" in failure.problem.detail
    assert file_of(place, values).read_bytes() == before
    assert file_of(place, values).stat().st_mode & 0o777 == 0o640
    assert statuses(engine) == {old: "Active"} and signs_in(engine, *stored(place, **values))
    assert isinstance(events[-1], Finished) and (events[-1].access_key_id, events[-1].written_to) == ("", ())
    assert [r["type"] for r in place.records()][-2:] == ["key-deleted", "error"]
    spoilt.is_off = True
    apply(engine, plan_for(engine, rotating(**values)))
    assert statuses(engine) == {old: "Inactive", stored(place, **values)[0]: "Active"}


@pytest.mark.parametrize("how", ["deactivated", "deleted"])
def test_a_written_key_that_aws_refuses_goes_and_the_old_one_is_back(
    engine: Engine, place: Place, values: dict[str, Any], how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, before = begin(engine, place, **values), file_of(place, values).read_bytes()
    events = until_written(engine, place, values)
    new, _ = stored(place, **values)
    if how == "deleted":
        iam(engine).delete_access_key(UserName=USER, AccessKeyId=new)
    else:
        iam(engine).update_access_key(UserName=USER, AccessKeyId=new, Status="Inactive")
    monkeypatch.setattr("wizard.apply.executor.time", Clock())
    told = list(events)
    (failure,) = failures(told)
    assert "does not accept" in failure.problem.title and "before is there again" in failure.problem.detail
    assert isinstance(told[-1], Finished) and (told[-1].ok, told[-1].made, told[-1].access_key_id) == (False, 0, "")
    assert engine._new_key is None
    assert file_of(place, values).read_bytes() == before
    assert statuses(engine) == {old: "Active"} and signs_in(engine, *stored(place, **values))
    assert {"key-taken-out", "key-deleted"} < {r["type"] for r in place.records()}
    assert all(run.did == "changed small things" for run in engine.undo_runs())
    apply(engine, plan_for(engine, rotating(**values)))
    assert statuses(engine)[old] == "Inactive" and engine.unfinished_runs() == ()


def test_what_somebody_else_has_written_meanwhile_stays(
    engine: Engine, place: Place, values: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(engine, place, **values)
    before = stored(place, **values)
    events = until_written(engine, place, values)
    path = file_of(place, values)
    path.write_text(f"{path.read_text()}# a new line\n")
    iam(engine).delete_access_key(UserName=USER, AccessKeyId=stored(place, **values)[0])
    monkeypatch.setattr("wizard.apply.executor.time", Clock())
    assert failures(list(events))
    assert stored(place, **values) == before and "# a new line" in path.read_text()


def test_a_file_that_was_taken_away_meanwhile_comes_back(engine: Engine, place: Place, values: dict[str, Any]) -> None:
    old, before = begin(engine, place, **values), file_of(place, values).read_bytes()
    events = until_written(engine, place, values)
    file_of(place, values).unlink()
    assert "can't be read from its place" in failures(list(events))[0].problem.title
    assert file_of(place, values).read_bytes() == before and statuses(engine) == {old: "Active"}


def test_no_answer_is_no_refusal_and_the_next_run_finishes(
    sandbox: Sandboxed, values: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, place = sandbox.engine, sandbox.place
    old = begin(engine, place, **values)
    events = until_written(engine, place, values)
    new = stored(place, **values)
    monkeypatch.setattr("wizard.apply.executor.time", Clock())
    sandbox.wire.fault, sandbox.wire.forever = Fault("GetCallerIdentity", 1, "reset-before"), True
    (failure,) = failures(list(events))
    assert "does not say" in failure.problem.title and "run the same again" in failure.problem.remedy
    assert f"{file_of(place, values)}" in failure.problem.detail and "old one is still active" in failure.problem.detail
    sandbox.wire.mend()
    assert stored(place, **values) == new and statuses(engine) == {old: "Active", new[0]: "Active"}
    apply(engine, plan_for(engine, rotating(**values)))
    assert statuses(engine) == {old: "Inactive", new[0]: "Active"}


def full_disk(*_: Any) -> None:
    raise ProblemError(Problem("The disk is full.", "", "Make room."))


def test_where_nothing_can_be_put_back_it_is_said_what_is_where(
    engine: Engine, place: Place, values: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    old = begin(engine, place, **values)
    events = until_written(engine, place, values)
    new, secret = stored(place, **values)
    iam(engine).update_access_key(UserName=USER, AccessKeyId=new, Status="Inactive")
    with monkeypatch.context() as patch:
        patch.setattr("wizard.apply.executor.time", Clock())
        patch.setattr("wizard.handover.key_place.write_whole", full_disk)
        (failure,) = failures(list(events))
    told = failure.problem.detail
    assert (
        "The disk is full" in told and f"holds the new key {new}" in told and f"old key {old} is still active" in told
    )
    assert "Make room." in failure.problem.remedy and "run the same again" in failure.problem.remedy
    assert statuses(engine) == {old: "Active", new: "Inactive"} and stored(place, **values) == (new, secret)
    iam(engine).update_access_key(UserName=USER, AccessKeyId=new, Status="Active")
    apply(engine, plan_for(engine, rotating(**values)))
    assert statuses(engine) == {old: "Inactive", new: "Active"}


def test_a_lost_secret_on_a_full_disk_is_made_good_by_the_next_run(
    engine: Engine, place: Place, values: dict[str, Any], spoilt: Spoilt, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = begin(engine, place, **values)
    with monkeypatch.context() as patch:
        patch.setattr("wizard.handover.key_place.write_whole", full_disk)
        (failure,) = failures(apply(engine, plan_for(engine, rotating(**values))))
    lost, _ = stored(place, **values)
    assert f"the secret of the new key {lost} is lost" in failure.problem.detail
    assert f"old key {old} is still active" in failure.problem.detail
    spoilt.is_off = True
    plan = plan_for(engine, rotating(**values))
    assert ids(plan)[:2] == [f"delete key.{USER}.orphan.{lost}", f"create key.{USER}"]
    apply(engine, plan)
    new, secret = stored(place, **values)
    assert statuses(engine) == {old: "Inactive", new: "Active"} and signs_in(engine, new, secret)
    assert engine.unfinished_runs() == ()


def test_a_new_key_that_can_not_be_deleted_is_deleted_by_the_next_run(
    sandbox: Sandboxed, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, place = sandbox.engine, sandbox.place
    old = begin(engine, place)
    events = until_written(engine, place, {})
    new, _ = stored(place)
    iam(engine).update_access_key(UserName=USER, AccessKeyId=new, Status="Inactive")
    sandbox.wire.fault, sandbox.wire.forever = Fault("DeleteAccessKey", 1, "denied"), True
    monkeypatch.setattr("wizard.apply.executor.time", Clock())
    (failure,) = failures(list(events))
    assert f"The new key {new} could not be deleted" in failure.problem.detail
    assert "next run deletes" in failure.problem.remedy
    sandbox.wire.mend()
    assert stored(place)[0] == old and signs_in(engine, *stored(place))
    plan = plan_for(engine, rotating())
    assert ids(plan)[0] == f"delete key.{USER}.orphan.{new}"
    apply(engine, plan)
    assert statuses(engine) == {old: "Inactive", stored(place)[0]: "Active"}


def test_a_journal_that_can_not_be_written_once_the_key_is_stored_leaves_what_the_next_run_finishes(
    engine: Engine, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, real = begin(engine, place), Journal.write

    def full(journal: Journal, kind: str, **facts: Any) -> None:
        if kind in {"key-stored", "error"}:
            full_disk()
        real(journal, kind, **facts)

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "write", full)
        (failure,) = failures(apply(engine, plan_for(engine, rotating())))
    new, secret = stored(place)
    assert failure.change_id and "disk is full" in failure.problem.title
    assert "holds the new key" in failure.problem.detail and "Then run the same again" in failure.problem.remedy
    assert signs_in(engine, new, secret) and statuses(engine) == {old: "Active", new: "Active"}
    apply(engine, plan_for(engine, rotating()))
    assert statuses(engine) == {old: "Inactive", new: "Active"} and stored(place) == (new, secret)


def test_no_old_secret_is_ever_in_a_second_place(
    engine: Engine, place: Place, values: dict[str, Any], spoilt: Spoilt, capsys: pytest.CaptureFixture[str]
) -> None:
    begin(engine, place, **values)
    _, secret = stored(place, **values)
    events = apply(engine, plan_for(engine, rotating(**values)))
    assert not spoilt.is_off and secret not in repr(events)
    everywhere = [path for root in (place.home, place.state / "runs") for path in root.rglob("*") if path.is_file()]
    assert [path for path in everywhere if secret in path.read_text()] == [file_of(place, values)]


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
