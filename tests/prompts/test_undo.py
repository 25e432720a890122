"""Line mode takes back what a run made, once the name of the account is typed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.support import iam, onboard
from tests.prompts.test_walk import answering, in_account
from wizard.collect.answers import Answers
from wizard.engine import Engine, Options
from wizard.problem import ExitCode
from wizard.prompts.walk import run


def test_the_walk_takes_a_run_back_once_the_account_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REMOTION_LAMBDA_WIZARD_STATE", str(tmp_path / "state"))
    project = tmp_path / "project"
    project.mkdir()
    engine = Engine(Options(sandbox="fresh", folder=project))
    engine.connect()
    onboard(engine, Answers())
    with answering({}), pytest.raises(SystemExit):
        run(engine, in_account({"start.goal": "undo"}))
    assert "Nothing was changed." in capsys.readouterr().out and (project / ".env").exists()
    with answering({"Take back 7 changes?": "1234-5678-9012"}) as asked:
        assert run(engine, in_account({"start.goal": "undo"})) == ExitCode.OK
    shown = capsys.readouterr().out
    assert any(question.startswith("Take back (number)") for question in asked)
    assert "the user remotion-user" in shown and "2. Everything of Remotion" in shown
    assert "Taken back: 7 changes" in shown and "What stays:" in shown
    assert [u["UserName"] for u in iam(engine).list_users()["Users"]] == ["sandbox-admin"]
    assert not (project / ".env").exists()
