"""Line mode walks the same steps as the other front ends, and ends with the same account."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from wizard.collect.answers import Answers, parse_answers
from wizard.collect.session import Session
from wizard.engine import Engine, Options
from wizard.problem import ExitCode
from wizard.prompts.walk import run

ENTER = "\r"
CLEAR = "\x15"  # ctrl+u
FIRST_FORMS = [ENTER] * 5  # start, identity, project folder, release, regions


@contextmanager
def typing(*keys: str) -> Iterator[None]:
    """Give these keys to the questions, as if somebody typed them."""
    with create_pipe_input() as pipe:
        pipe.send_text("".join(keys))
        with create_app_session(input=pipe, output=DummyOutput()):
            yield


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    monkeypatch.setenv("REMOTION_LAMBDA_WIZARD_STATE", str(tmp_path / "state"))
    project = tmp_path / "project"
    project.mkdir()
    return Engine(Options(sandbox="fresh", folder=project))


def test_enter_at_every_question_and_yes_at_review_sets_everything_up(
    engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    session = Session(Answers())
    with typing(*FIRST_FORMS, *[ENTER] * 3, *[ENTER] * 3, *[ENTER] * 3, CLEAR, "yes", ENTER, ENTER):
        assert run(engine, session) == ExitCode.OK
    shown = capsys.readouterr().out
    assert "Remotion Lambda is ready." in shown
    assert "REMOTION_AWS_ACCESS_KEY_ID=AKIA" in (engine.options.folder / ".env").read_text()
    assert engine.plan(session.answers, engine.discover(session.answers)).is_empty


def test_a_secret_is_never_printed(engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    with typing(*FIRST_FORMS, *[ENTER] * 9, CLEAR, "yes", ENTER, ENTER):
        run(engine, Session(Answers()))
    key = engine.new_secret()
    assert key is not None
    captured = capsys.readouterr()
    assert key[1].reveal() not in captured.out + captured.err


def test_no_at_review_changes_nothing(engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    with typing(*FIRST_FORMS, *[ENTER] * 9, ENTER, ENTER), pytest.raises(SystemExit):
        run(engine, Session(Answers()))
    assert "Nothing was changed." in capsys.readouterr().out
    assert len(engine.plan(Answers(), engine.discover(Answers())).writing) == 7
    assert not (engine.options.folder / ".env").exists()


def test_the_less_sign_goes_back_and_keeps_what_was_typed(engine: Engine) -> None:
    session = Session(Answers())
    name = (CLEAR, "ada", ENTER)
    back_from_path_and_on = (CLEAR, "<", ENTER, ENTER)
    rest = (*[ENTER] * 8, CLEAR, "yes", ENTER, ENTER)
    with typing(*FIRST_FORMS, *name, *back_from_path_and_on, *rest):
        run(engine, session)
    assert session.answers.text("principal.name") == "ada"


def test_a_wrong_entry_is_refused_with_what_is_allowed_and_asked_again(engine: Engine) -> None:
    session = Session(Answers())
    wrong_then_right = (CLEAR, "a b", ENTER, CLEAR, "ada", ENTER)
    with typing(*FIRST_FORMS, *wrong_then_right, *[ENTER] * 8, CLEAR, "yes", ENTER, ENTER):
        assert run(engine, session) == ExitCode.OK
    assert session.answers.text("principal.name") == "ada"


def test_a_project_folder_that_is_not_there_is_asked_again(engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    session = Session(Answers())
    folder = (CLEAR, "nowhere", ENTER, CLEAR, ".", ENTER)
    with typing(ENTER, ENTER, *folder, ENTER, ENTER, *[ENTER] * 9, CLEAR, "yes", ENTER, ENTER):
        assert run(engine, session) == ExitCode.OK
    assert "There is no folder" in capsys.readouterr().out


def test_diagnosis_asks_little_and_changes_nothing(engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    session = Session(Answers())
    with typing(CLEAR, "3", ENTER, ENTER, *[ENTER] * 3, ENTER, ENTER):
        assert run(engine, session) == ExitCode.DOES_NOT_HOLD
    shown = capsys.readouterr().out
    assert "There is no user remotion-user." in shown
    assert "There is no role remotion-lambda-role." in shown
    assert len(engine.plan(Answers(), engine.discover(Answers())).writing) == 7


def test_answers_can_be_saved_and_replay_to_the_same_plan(engine: Engine, tmp_path: Path) -> None:
    session, saved = Session(Answers()), tmp_path / "answers.toml"
    name = (CLEAR, "ada", ENTER)
    tags = (CLEAR, "team=video, stage=prod", ENTER)
    with typing(*FIRST_FORMS, *name, ENTER, *tags, *[ENTER] * 6, CLEAR, "no", ENTER), pytest.raises(SystemExit):
        run(engine, session, save_answers=saved)
    replayed = Answers().with_values(parse_answers(saved.read_text()), "answers file")
    snapshot = engine.discover(session.answers)
    assert engine.plan(replayed, snapshot).to_json() == engine.plan(session.answers, snapshot).to_json()
    assert replayed.table("principal.tags") == {"team": "video", "stage": "prod"}


def test_only_the_steps_that_were_asked_for_are_asked(engine: Engine) -> None:
    session = Session(Answers().with_values({"credentials.write": "none"}, "answers file"))
    with typing(CLEAR, "ada", ENTER, ENTER, ENTER, CLEAR, "yes", ENTER, ENTER):
        assert run(engine, session, only=("principal",)) == ExitCode.OK
    assert session.answers.text("principal.name") == "ada"
    assert engine.new_secret() is None
