"""Line mode changes the access key with the same questions, plan and outcome as the other front ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.support import iam
from tests.prompts.test_walk import answering
from wizard.check.findings import Report
from wizard.collect.answers import Answers
from wizard.collect.session import Session
from wizard.engine import Engine, Options
from wizard.handover.env_file import variables_of
from wizard.prompts.walk import run
from wizard.remotion import names

USER, ID, SECRET = names.USER, names.ACCESS_KEY_ID, names.SECRET_ACCESS_KEY


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """An account with a user, whose key lies in the project's .env, beside another one."""
    monkeypatch.setenv("REMOTION_LAMBDA_WIZARD_STATE", str(tmp_path / "state"))
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.chdir(project)
    made = Engine(Options(sandbox="fresh", folder=project))
    made.connect()
    iam(made).create_user(UserName=USER)
    key = iam(made).create_access_key(UserName=USER)["AccessKey"]
    (project / ".env").write_text(f"{ID}={key['AccessKeyId']}\n{SECRET}={key['SecretAccessKey']}\n")
    return made


def _session(**values: object) -> Session:
    return Session(Answers().with_values({"start.goal": "rotate", **values}, "you"))


def _statuses(engine: Engine) -> dict[str, str]:
    return {k["AccessKeyId"]: k["Status"] for k in iam(engine).list_access_keys(UserName=USER)["AccessKeyMetadata"]}


def _env(engine: Engine) -> dict[str, str]:
    return variables_of(engine.options.folder / ".env")


def test_the_walk_tells_the_keys_asks_which_goes_and_says_what_became_of_the_old_one(
    engine: Engine, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "check", lambda *_, **__: Report(engine.connected(), ()))
    old, other = _env(engine)[ID], iam(engine).create_access_key(UserName=USER)["AccessKey"]["AccessKeyId"]
    with answering({"Make ": "yes"}) as asked:
        run(engine, _session())
    assert any(question.startswith("Key that goes first") for question in asked)
    said = capsys.readouterr().out
    assert f"{old}: active, made a moment ago, never used, in .env." in said
    assert "prove key in .env: done" in said or "done: prove key in .env" in said
    assert f"The old key {old} is inactive." in said and "rotate --delete-old --sandbox fresh" in said
    assert _env(engine)[SECRET] not in said
    assert _statuses(engine) == {old: "Inactive", _env(engine)[ID]: "Active"}
    assert other not in _statuses(engine)


def test_nothing_is_asked_about_a_second_key_where_there_is_none(engine: Engine) -> None:
    old = _env(engine)[ID]
    with answering({"Make ": "no"}) as asked, pytest.raises(SystemExit):
        run(engine, _session())
    assert not any(question.startswith("Key that goes first") for question in asked)
    assert _statuses(engine) == {old: "Active"}


def test_what_stands_in_the_way_is_told_before_the_plan(engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    with answering({"Look again": "no"}), pytest.raises(SystemExit):
        run(engine, _session(**{"principal.name": "nobody"}))
    assert capsys.readouterr().out.count("There is no user nobody in this account.") == 2
