"""The journal knows what was intended before it was done, survives what cuts it off, and holds no secret."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.engine.support import (
    ACCOUNT,
    FRESH,
    Fault,
    Killed,
    Place,
    Sandboxed,
    active_keys,
    env,
    failures,
    given,
    iam,
    onboard,
    plan_for,
)
from wizard.apply.events import Finished
from wizard.apply.journal import Journal, orphan_keys, past_runs, runs_folder, settle, unfinished
from wizard.engine import Engine
from wizard.handover import env_file
from wizard.problem import ProblemError
from wizard.remotion import names

USER = names.USER


def no_space(*_: Any, **__: Any) -> Any:
    raise OSError(28, "No space left on device")


def kinds(place: Place) -> list[str]:
    return [r["type"] for r in place.records()]


def test_a_run_is_written_down_from_begin_to_end(engine: Engine, place: Place) -> None:
    plan = onboard(engine)
    records = place.records()
    assert records[0]["type"] == "begin" and records[0]["changes"] == [c.id for c in plan.writing]
    assert records[-1]["type"] == "end"
    assert [r["change"] for r in records if r["type"] == "intent"] == [c.id for c in plan.writing]
    assert all("time" in r for r in records)
    assert (records[0]["account"], records[0]["user"]) == (ACCOUNT, USER)


def test_an_intent_is_on_disk_before_the_call_it_is_about(sandbox: Sandboxed, monkeypatch: pytest.MonkeyPatch) -> None:
    place, wire = sandbox.place, sandbox.wire
    plan = plan_for(sandbox.engine)
    seen: list[tuple[str, str]] = []
    synced: list[int] = []
    fsync, send = os.fsync, wire.send

    def sync(handle: int) -> None:
        synced.append(handle)
        fsync(handle)

    monkeypatch.setattr("os.fsync", sync)

    def watching(request: Any, event_name: str, **named: Any) -> Any:
        last = place.records()[-1]
        seen.append((event_name.rpartition(".")[2], (last.get("call") or {}).get("operation", last["type"])))
        return send(request, event_name=event_name, **named)

    wire.send = watching  # type: ignore[method-assign]
    before = len(synced)
    assert list(sandbox.engine.apply(plan))[-1].ok  # type: ignore[union-attr]
    writes = [(call, intent) for call, intent in seen if not call.startswith(("List", "Get"))]
    assert len(writes) >= 7 and all(call == intent for call, intent in writes), writes
    assert len(synced) - before >= len(place.records())


def test_journals_are_for_their_owner_only(engine: Engine, place: Place) -> None:
    onboard(engine)
    (journal,) = place.journals()
    assert stat.S_IMODE(journal.stat().st_mode) == 0o600
    assert stat.S_IMODE(journal.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(journal.parent.parent.stat().st_mode) == 0o700


def test_no_secret_is_in_it(engine: Engine, place: Place) -> None:
    onboard(engine)
    secret = env(place)[names.SECRET_ACCESS_KEY]
    assert secret not in place.journals()[0].read_text()
    assert env(place)[names.ACCESS_KEY_ID] in place.journals()[0].read_text()


def test_an_empty_plan_leaves_no_journal(engine: Engine, place: Place) -> None:
    onboard(engine)
    list(engine.apply(plan_for(engine)))
    assert len([r for r in place.records() if r["type"] == "begin"]) <= 2


def test_runs_of_a_day_are_numbered_and_kept_in_order(engine: Engine, place: Place) -> None:
    plan = plan_for(engine)
    for _ in range(11):
        Journal.begin(plan)
    runs = [r.run.rpartition("-")[2] for r in past_runs(FRESH)]
    assert runs == [str(n) for n in range(1, 12)]


# A disk that is full


@pytest.mark.parametrize("call", ["os.fsync", "os.write", "os.open"])
def test_a_disk_that_is_full_at_the_start_stops_before_anything_is_done(
    sandbox: Sandboxed, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    plan = plan_for(sandbox.engine)
    sandbox.wire.calls.clear()
    with monkeypatch.context() as patch:
        patch.setattr(call, no_space)
        outcome = list(sandbox.engine.apply(plan))
    assert "journal" in failures(outcome)[0].problem.title.lower() or "No space" in str(failures(outcome)[0].problem)
    assert outcome[-1] == Finished(False, "", 0) or not outcome[-1].ok  # type: ignore[union-attr]
    assert sandbox.wire.calls == []


@pytest.mark.parametrize("record", ["begin", "intent", "result", "key-made", "key-stored", "end"])
@pytest.mark.parametrize("half", [False, True], ids=["nothing written", "half a line written"])
def test_a_disk_that_is_full_at_any_record_ends_in_a_failure_and_the_next_run_mends_it(
    engine: Engine, place: Place, monkeypatch: pytest.MonkeyPatch, record: str, half: bool
) -> None:
    original = os.write

    def full(handle: int, data: bytes) -> int:
        if data.startswith(b'{"type": "%s"' % record.encode()) and b"CreateRole" not in data:
            if half:
                return original(handle, data[: len(data) // 2])
            raise OSError(28, "No space left on device")
        return original(handle, data)

    plan = plan_for(engine)
    with monkeypatch.context() as patch:
        patch.setattr("os.write", full)
        outcome = list(engine.apply(plan))
    assert failures(outcome), "a journal that was not kept is a failure"
    assert isinstance(outcome[-1], Finished) and not outcome[-1].ok
    again = plan_for(engine)
    if again.writing:
        assert not again.problems and list(engine.apply(again))[-1].ok  # type: ignore[union-attr]
    else:
        engine.settle(again)
    assert active_keys(engine) == [env(place)[names.ACCESS_KEY_ID]]
    assert engine.unfinished_runs() == ()
    assert plan_for(engine).is_empty


@pytest.mark.parametrize("call", ["os.fsync", "pathlib.Path.replace", "pathlib.Path.chmod"])
def test_a_disk_that_is_full_at_the_env_file_takes_the_new_key_back(
    engine: Engine, place: Place, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    place.env.write_text("MINE=1\n")
    plan = plan_for(engine)
    module, name = (os, "fsync") if call == "os.fsync" else (Path, call.rpartition(".")[2])
    original = getattr(module, name)

    def selective(target: Any, *arguments: Any, **named: Any) -> Any:
        where = str(Path(f"/proc/self/fd/{target}").readlink()) if isinstance(target, int) else str(target)
        if where.startswith(str(place.project)):
            no_space()
        return original(target, *arguments, **named)

    with monkeypatch.context() as patch:
        patch.setattr(module, name, selective)
        outcome = list(engine.apply(plan))
    problem = failures(outcome)[0].problem
    assert "No space left on device" in str(problem) and "deleted again" in problem.detail
    assert place.env.read_text() == "MINE=1\n"
    assert sorted(p.name for p in place.project.iterdir()) == [".env"]
    assert active_keys(engine) == []


def test_a_credentials_file_that_can_not_be_made_takes_the_new_key_back(engine: Engine, place: Place) -> None:
    answers = given(credentials__write="aws-profile")
    plan = plan_for(engine, answers)
    (place.home / ".aws").write_text("in the way")
    assert failures(list(engine.apply(plan)))
    assert active_keys(engine) == []


# Cut off


@pytest.mark.parametrize("at", ["before the file", "while it is replaced", "after the file"])
def test_a_run_that_is_killed_around_the_env_file_leaves_it_whole_and_no_key_behind(
    engine: Engine, place: Place, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    place.env.write_text("MINE=1\n")
    plan = plan_for(engine)
    with monkeypatch.context() as patch:
        if at == "before the file":
            patch.setattr("wizard.handover.env_file.write_variables", _kill)
        elif at == "while it is replaced":
            patch.setattr(Path, "replace", _kill)
            patch.setattr(Path, "unlink", lambda *_, **__: None)  # SIGKILL runs no finally
        else:
            write = env_file.write_variables
            patch.setattr(env_file, "write_variables", lambda *a, **named: _kill(write(*a, **named)))
        with pytest.raises(Killed):
            list(engine.apply(plan))
    assert place.env.read_text().startswith("MINE=1\n")
    assert len(engine.unfinished_runs()) == 1
    again = plan_for(engine)
    if at == "after the file":
        assert not any(c.kind == "key" and c.writes for c in again.changes)
    if again.writing:
        assert list(engine.apply(again))[-1].ok  # type: ignore[union-attr]
    assert active_keys(engine) == [env(place)[names.ACCESS_KEY_ID]]
    assert sorted(p.name for p in place.project.iterdir()) == [".env"], "nothing with a secret is left behind"


def _kill(*_: Any, **__: Any) -> Any:
    raise Killed


def test_a_journal_whose_last_line_was_cut_off_is_still_settled(sandbox: Sandboxed) -> None:
    place, engine = sandbox.place, sandbox.engine
    sandbox.wire.fault = Fault("CreateUser", 1, "killed-before")
    with pytest.raises(Killed):
        list(engine.apply(plan_for(engine)))
    sandbox.wire.mend()
    (journal,) = place.journals()
    journal.write_bytes(journal.read_bytes()[:-20])
    assert len(unfinished(FRESH)) == 1
    onboard(engine)
    assert unfinished(FRESH) == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"{}\n",
        b"[]\nnull\n7\n",
        b'{"type": "end"}\n',
        b'{"type": 7}\n',
        b"[" * 100_000,
        b'{"type": "begin"}\n{"type": "intent", "keys_before": 7}\n{"type": "key-made"}\n',
    ],
    ids=lambda c: repr(c[:12]),
)
def test_a_journal_that_makes_no_sense_does_no_harm(engine: Engine, place: Place, content: bytes) -> None:
    folder = runs_folder(FRESH)
    folder.mkdir(parents=True)
    (folder / "2026-01-01-1.jsonl").write_bytes(content)
    (folder / "odd.jsonl").mkdir()
    onboard(engine)
    assert plan_for(engine).is_empty


def test_text_in_a_record_may_hold_any_line_end_of_unicode(engine: Engine) -> None:
    journal = Journal.begin(plan_for(engine))
    journal.write("error", change="x", problem="a\u2028b\x85c\x0bd")
    journal.write("settled")
    assert past_runs(FRESH)[-1].settled


# Orphans


def written(place: Place, *records: dict[str, Any], name: str = "2026-01-01-1") -> None:
    folder = runs_folder(FRESH)
    folder.mkdir(parents=True, exist_ok=True)
    begin = {"type": "begin", "run": name, "account": ACCOUNT, "user": USER}
    text = "".join(json.dumps({"time": "2026-01-01T00:00:00+00:00", **r}) + "\n" for r in (begin, *records))
    (folder / f"{name}.jsonl").write_text(text)


INTENT = {"type": "intent", "change": "key", "keys_before": ["OLD"]}


@pytest.mark.parametrize(
    ("records", "held", "orphans"),
    [
        ([INTENT], "", ("NEW",)),
        ([INTENT], "NEW", ()),
        ([INTENT, {"type": "key-made", "access_key_id": "NEW"}], "", ("NEW",)),
        ([INTENT, {"type": "key-made", "access_key_id": "GONE"}], "", ()),
        (
            [INTENT, {"type": "key-made", "access_key_id": "NEW"}, {"type": "key-stored", "access_key_id": "NEW"}],
            "",
            (),
        ),
        (
            [INTENT, {"type": "key-made", "access_key_id": "NEW"}, {"type": "key-deleted", "access_key_id": "NEW"}],
            "",
            (),
        ),
        (
            [
                INTENT,
                {"type": "key-deleted", "access_key_id": "LOST"},
                INTENT,
                {"type": "key-made", "access_key_id": "NEW"},
                {"type": "key-stored", "access_key_id": "NEW"},
            ],
            "",
            (),
        ),
        ([INTENT, {"type": "end"}], "", ()),
        ([INTENT, {"type": "settled"}], "", ()),
        ([{"type": "intent", "change": "role"}], "", ()),
    ],
)
def test_a_key_is_an_orphan_only_when_the_journal_says_so(
    place: Place, records: list[dict[str, Any]], held: str, orphans: tuple[str, ...]
) -> None:
    written(place, *records)
    assert orphan_keys(FRESH, USER, {"OLD": "", "NEW": ""}, held) == orphans
    assert orphan_keys(FRESH, "somebody-else", {"OLD": "", "NEW": ""}, held) == ()
    settle(FRESH, USER)
    assert orphan_keys(FRESH, USER, {"OLD": "", "NEW": ""}, held) == ()


def test_a_key_that_another_run_stored_elsewhere_is_no_orphan(place: Place) -> None:
    written(place, INTENT)
    written(
        place,
        {"type": "intent", "keys_before": ["OLD"]},
        {"type": "key-made", "access_key_id": "NEW"},
        {"type": "key-stored", "access_key_id": "NEW"},
        name="2026-01-01-2",
    )
    assert orphan_keys(FRESH, USER, {"OLD": "", "NEW": ""}, "") == ()


def test_a_key_that_a_person_made_long_after_the_lost_answer_is_no_orphan(sandbox: Sandboxed) -> None:
    engine, place = sandbox.engine, sandbox.place
    onboard(engine, given(credentials__write="none"))
    sandbox.wire.fault = Fault("CreateAccessKey", 1, "killed-before")
    with pytest.raises(Killed):
        list(engine.apply(plan_for(engine)))
    sandbox.wire.mend()
    (journal,) = [p for p in place.journals() if "keys_before" in p.read_text()]
    records = [json.loads(line) for line in journal.read_text().splitlines()]
    for record in records:
        record["time"] = "2020-01-01T00:00:00+00:00"  # the run was long ago
    journal.write_text("".join(json.dumps(r) + "\n" for r in records))
    mine = iam(engine).create_access_key(UserName=USER)["AccessKey"]["AccessKeyId"]
    onboard(engine)
    assert mine in active_keys(engine)


def test_a_folder_that_can_not_be_made_is_a_problem(
    engine: Engine, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_for(engine)
    (place.home / "file").write_text("x")
    monkeypatch.setenv("REMOTION_LAMBDA_WIZARD_STATE", str(place.home / "file" / "below"))
    with pytest.raises(ProblemError) as caught:
        Journal.begin(plan)
    assert "REMOTION_LAMBDA_WIZARD_STATE" in caught.value.problem.remedy
