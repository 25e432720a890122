"""The command line: exit codes, pure JSON, refusals that change nothing, and a run that goes on where it stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.engine.support import Place, active_keys, env, given, onboard
from wizard import cli
from wizard.cli import main
from wizard.engine import Engine, Options
from wizard.remotion import names
from wizard.sandbox.server import RunningServer

ANSWERS = "version = 1\n"


@pytest.fixture
def answers(place: Place) -> str:
    path = place.home / "answers.toml"
    path.write_text(ANSWERS)
    return str(path)


class Ran:
    """How one command ended."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    import io

    monkeypatch.setattr("sys.stdin", io.StringIO(""))

    def command(*arguments: str) -> Ran:
        capsys.readouterr()
        code = main(arguments)
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return Ran(code, said.out, said.err)

    return command


def fresh(place: Place) -> Engine:
    """An engine of its own to look at the account with."""
    engine = Engine(Options(sandbox="fresh", folder=place.project))
    engine.connect()
    return engine


def users(place: Place) -> list[str]:
    from tests.engine.support import iam

    return [u["UserName"] for u in iam(fresh(place)).list_users()["Users"]]


def test_apply_ends_with_0_and_everything_is_there(run: Any, place: Place, answers: str) -> None:
    done = run("apply", "--sandbox", "--answers", answers, "--yes")
    assert done.code == 0, done.err
    assert "npx remotion lambda functions deploy" in done.out and "hold" in done.out
    assert env(place)[names.ACCESS_KEY_ID] == active_keys(fresh(place))[0]
    assert env(place)[names.SECRET_ACCESS_KEY] not in done.out + done.err


def test_a_second_run_has_nothing_to_do_and_ends_with_0(run: Any, place: Place, answers: str) -> None:
    assert run("apply", "--sandbox", "--answers", answers, "--yes").code == 0
    before = place.env.read_bytes()
    again = run("apply", "--sandbox", "--answers", answers)
    assert again.code == 0 and "Nothing to do" in again.out
    assert place.env.read_bytes() == before


def test_apply_as_json_is_one_document_and_people_read_stderr(run: Any, answers: str) -> None:
    done = run("apply", "--sandbox", "--answers", answers, "--yes", "--json")
    assert done.code == 0
    shape = done.json
    assert shape["ok"] is True and shape["problem"] is None and shape["run"]
    assert set(shape["plan"]) >= {"account", "identity", "changes", "warnings"}
    assert set(shape["check"]) == {"ok", "identity", "findings", "summary"}
    assert set(shape["check"]["summary"]) == {"pass", "fail", "warn", "unknown"}
    assert "create" in done.err


def test_plan_as_json_has_the_shape_of_the_contract_and_changes_nothing(run: Any, place: Place, answers: str) -> None:
    done = run("plan", "--sandbox", "--answers", answers, "--format", "json")
    assert done.code == 0
    assert set(done.json) >= {"account", "identity", "changes", "warnings"}
    assert all(
        {"id", "action", "resource", "summary", "reason", "call", "before", "after"} <= set(c)
        for c in done.json["changes"]
    )
    assert users(place) == ["sandbox-admin"] and not place.env.exists() and place.journals() == []


@pytest.mark.parametrize("form", ["text", "json", "aws-cli", "cloudformation", "terraform"])
def test_every_format_of_a_plan_is_printed(run: Any, answers: str, form: str) -> None:
    done = run("plan", "--sandbox", "--answers", answers, "--format", form)
    assert done.code == 0 and "remotion-lambda-role" in done.out
    if form in {"json", "cloudformation", "terraform"}:
        assert done.json


def test_check_as_json_has_the_shape_of_the_contract(run: Any, place: Place) -> None:
    onboard(fresh(place))
    done = run("check", "--sandbox", "--user", "remotion-user", "--json")
    assert done.code == 0 and done.json["ok"] is True
    assert set(done.json) == {"ok", "identity", "findings", "summary"}
    assert all(
        set(f) == {"id", "subject", "status", "title", "detail", "cause", "remedy"} for f in done.json["findings"]
    )
    assert sum(done.json["summary"].values()) == len(done.json["findings"])


def test_a_check_that_does_not_hold_ends_with_1(run: Any) -> None:
    done = run("check", "--sandbox", "--user", "nobody", "--json")
    assert done.code == 1 and done.json["ok"] is False
    assert "nobody" in run("check", "--sandbox", "--user", "nobody").out


def test_check_without_names_looks_at_the_caller_and_the_render_role(run: Any) -> None:
    done = run("check", "--sandbox", "--json")
    assert {f["subject"] for f in done.json["findings"]} >= {"sandbox-admin", "remotion-lambda-role"}
    assert any(f["cause"] == "too-wide" for f in done.json["findings"]), (
        "the administrator may do more than Remotion needs"
    )


def test_a_plan_that_can_not_be_made_ends_with_1_and_is_still_shown(run: Any, place: Place, answers: str) -> None:
    from tests.engine.support import iam

    client = iam(fresh(place))
    client.create_user(UserName="remotion-user")
    for _ in range(2):
        client.create_access_key(UserName="remotion-user")
    done = run("apply", "--sandbox", "--answers", answers, "--yes", "--json")
    assert done.code == 1 and "2 access keys" in done.json["problem"]["title"]
    assert run("plan", "--sandbox", "--answers", answers, "--format", "json").code == 1


# Refusals


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["apply", "--sandbox"], "--answers FILE"),
        (["plan", "--sandbox"], "--answers FILE"),
        (["setup", "--sandbox"], "--answers FILE"),
        ([], "--answers FILE"),
        (["apply", "--sandbox", "--answers", "missing.toml"], "there is no such file"),
        (["apply", "--sandbox", "--set", "principal.nam=x"], "Did you mean principal.name?"),
        (["apply", "--sandbox", "--set", "principal.name=a b"], "a space"),
        (["apply", "--sandbox", "nowhere", "--set", "principal.name=ada"], "no sandbox scenario"),
        (["apply", "--sandbox", "--endpoint-url", "http://x", "--set", "principal.name=ada"], "exclude each other"),
        (["check", "--endpoint-url", "nonsense"], "not an address"),
        (["check", "--region", "mars"], "mars"),
        (["check", "--sandbox", "--remotion-version", "latest"], "--remotion-version"),
        (["frobnicate"], "frobnicate"),
        (["apply", "--frobnicate"], "--frobnicate"),
        (["plan", "--format", "xml"], "xml"),
        (["plan", "--answer", "x"], "--answer"),
        (["sandbox"], ""),
        (["sandbox", "serve", "--port", "99999"], "65535"),
        (["sandbox", "reset", "--scenario", "x"], "no sandbox scenario"),
        (["--answers"], "--answers"),
        (["setup", "--ask", "policies"], "--answers"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else "",
)
def test_bad_usage_ends_with_2_says_what_is_allowed_and_does_nothing(
    run: Any, place: Place, arguments: list[str], says: str
) -> None:
    done = run(*arguments)
    assert done.code == 2 and says in done.err and done.out == ""
    assert not place.env.exists() and place.journals() == []


def test_apply_without_yes_refuses_and_changes_nothing(run: Any, place: Place, answers: str) -> None:
    done = run("apply", "--sandbox", "--answers", answers)
    assert done.code == 2 and "--yes" in done.err
    assert users(place) == ["sandbox-admin"] and not place.env.exists() and place.journals() == []


def test_a_refusal_with_json_is_one_document_too(run: Any, answers: str) -> None:
    done = run("apply", "--sandbox", "--answers", answers, "--json")
    assert done.code == 2 and done.json["ok"] is False
    assert set(done.json["problem"]) == {"title", "detail", "remedy"}
    assert run("check", "--json", "--region", "mars").json["problem"]["title"]


def test_a_dry_run_changes_nothing(run: Any, place: Place, answers: str) -> None:
    done = run("setup", "--sandbox", "--answers", answers, "--dry-run", "--yes")
    assert done.code == 0 and "nothing was changed" in done.out
    assert users(place) == ["sandbox-admin"] and not place.env.exists()


def test_setup_with_answers_and_yes_needs_no_terminal(run: Any, place: Place, answers: str) -> None:
    assert run("setup", "--sandbox", "--answers", answers, "--yes").code == 0
    assert "remotion-user" in users(place)


def test_setup_with_single_answers_needs_no_terminal_either_and_asks_for_yes(run: Any, place: Place) -> None:
    given = ("setup", "--sandbox", "--set", "principal.name=ada", "--set", "credentials.write=none")
    refused = run(*given)
    assert refused.code == 2 and "--yes was not given" in refused.err and users(place) == ["sandbox-admin"]
    assert run(*given, "--yes").code == 0
    assert "ada" in users(place)


def test_the_way_back_keeps_what_was_said_about_writing() -> None:
    from wizard.cli import _parser
    from wizard.commands.setup import _resuming

    given = [
        "setup",
        "--sandbox",
        "fresh",
        "--plain",
        "--dry-run",
        "--save-answers",
        "a b.toml",
        "--region",
        "eu-west-1",
    ]
    assert _resuming(_parser().parse_args(given)) == (
        "remotion-lambda-wizard --sandbox --region eu-west-1 --save-answers 'a b.toml' --dry-run --plain --resume"
    )


def test_answers_are_saved_and_give_the_same_plan_again(run: Any, place: Place, answers: str) -> None:
    saved = place.home / "saved.toml"
    first = run(
        "setup",
        "--sandbox",
        "--answers",
        answers,
        "--set",
        "principal.name=ada",
        "--save-answers",
        str(saved),
        "--dry-run",
    )
    assert first.code == 0 and 'name = "ada"' in saved.read_text()
    again = run("plan", "--sandbox", "--answers", str(saved), "--format", "json")
    direct = run("plan", "--sandbox", "--set", "principal.name=ada", "--format", "json")
    assert again.json == direct.json


def test_answers_that_can_not_be_saved_end_with_2_before_anything_is_done(run: Any, place: Place, answers: str) -> None:
    done = run(
        "setup", "--sandbox", "--answers", answers, "--yes", "--save-answers", str(place.home / "no" / "such" / "file")
    )
    assert done.code == 2 and "--save-answers" in done.err
    assert users(place) == ["sandbox-admin"]


def test_no_usable_credentials_end_with_3(run: Any) -> None:
    done = run("check", "--user", "x")
    assert done.code == 3 and "aws sso login" in done.err
    assert run("plan", "--set", "principal.name=ada", "--profile", "nobody").code == 3
    assert run("check", "--json").json["ok"] is False


def test_a_setting_stands_over_the_file(run: Any, answers: str) -> None:
    Path(answers).write_text('version = 1\n[principal]\nname = "ada"\npath = "/file/"\n')
    plan = run("plan", "--sandbox", "--answers", answers, "--set", "principal.name=bob", "--format", "json").json
    resources = [c["resource"] for c in plan["changes"]]
    assert "arn:aws:iam::123456789012:user/file/bob" in resources


def test_options_may_stand_before_the_command(run: Any, answers: str) -> None:
    assert run("--sandbox", "plan", "--answers", answers).code == 0
    assert run("--sandbox", "fresh", "--answers", answers, "plan").code == 0


def test_sandbox_commands_tell_and_forget(run: Any, place: Place, answers: str) -> None:
    assert "fresh" in run("sandbox", "scenarios").out
    assert "fresh" in run("sandbox", "scenarios", "--json").json
    assert run("apply", "--sandbox", "--answers", answers, "--yes").code == 0
    assert "Reset: fresh" in run("sandbox", "reset").out
    assert users(place) == ["sandbox-admin"]


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["plan", "--help"], ["sandbox", "serve", "--help"], ["-h"]]
)
def test_help_and_version_end_with_0(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 0 and capsys.readouterr().out


# As a process of its own


def started(*arguments: str, **more: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "wizard", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), **more},
    )


def test_ctrl_c_during_apply_ends_with_130_and_the_next_run_goes_on(place: Place, answers: str) -> None:
    with RunningServer(latency_ms=60, state_root=place.home / "server") as server:
        key = {
            "AWS_ACCESS_KEY_ID": server.sandbox.access_key_id,
            "AWS_SECRET_ACCESS_KEY": server.sandbox.secret_access_key.reveal(),
        }
        command = ("apply", "--answers", answers, "--yes", "--endpoint-url", server.url)
        with started(*command, **key) as process:
            assert process.stdout is not None
            assert any("✓ create" in line for line in process.stdout)
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=60)
        assert process.returncode == 130, err
        assert "Traceback" not in err and "goes on" in err
        kinds = [r["type"] for r in place.records()]
        assert "end" not in kinds and "intent" in kinds
        with started(*command, "--json", **key) as process:
            out, err = process.communicate(timeout=90)
        assert process.returncode == 0, err
        assert json.loads(out)["ok"] is True


def test_json_of_a_process_is_pure(place: Place, answers: str) -> None:
    with started("plan", "--sandbox", "--answers", answers, "--format", "json") as process:
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0 and err == ""
    assert json.loads(out)["account"] == "123456789012"


def test_a_pipe_that_is_closed_is_no_crash(answers: str) -> None:
    with started("plan", "--sandbox", "--answers", answers) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        err = process.stderr.read()
        process.wait(60)
    assert "Traceback" not in err and "Exception ignored" not in err


def test_it_ends_well_where_the_terminal_knows_no_unicode(place: Place, answers: str) -> None:
    with started(
        "apply", "--sandbox", "--answers", answers, "--yes", PYTHONIOENCODING="ascii", PYTHONUTF8="0"
    ) as process:
        _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err


def test_the_same_answers_give_the_same_plan_whatever_runs_it(run: Any, place: Place, answers: str) -> None:
    printed = run("plan", "--sandbox", "--answers", answers, "--format", "json").json
    engine = fresh(place)
    assert engine.plan(given(), engine.discover(given())).to_json() == printed


def test_options_may_stand_before_any_command(capsys: pytest.CaptureFixture[str]) -> None:
    known = cli._Vocabulary.of(cli._parser())
    assert {"setup", "undo", "answers", "profiles"} <= known.commands
    for name in known.commands:
        assert cli._command_first(["--sandbox", name, "--json"], known) == [name, "--sandbox=fresh", "--json"]
        given = ["--region", "eu-west-1", "--sandbox", "half", name]
        assert cli._command_first(given, known) == [name, *given[:-1]]
    assert main(["--sandbox", "undo", "--dry-run"]) == 0
    assert "There is nothing to take back." in capsys.readouterr().out


def test_a_step_that_the_answers_leave_out_can_be_asked_for_without_a_crash() -> None:
    from wizard.collect.session import Session
    from wizard.commands.setup import open_at

    session = Session(given(start__goal="diagnose"))
    open_at(session, ["policies"])
    assert session.current == "start"
    open_at(session, ["policies", "principal"])
    assert session.current == "principal"
