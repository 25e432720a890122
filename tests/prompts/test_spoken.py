"""Line mode can be listened to: words for signs, nothing drawn; and what was kept is offered and gone on with."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from wizard.account.snapshot import Identity
from wizard.apply import journal
from wizard.apply.events import Done
from wizard.cli import main
from wizard.collect.answers import Answers, parse_answers
from wizard.collect.kept import Keeper
from wizard.collect.session import Session
from wizard.engine import Engine, Options
from wizard.plan.changes import Action, Change, Plan
from wizard.plan.render import as_text, as_words
from wizard.prompts.ask import BACK, ask_text, ask_yes, reading_lines
from wizard.prompts.spoken import Spoken, spoken
from wizard.prompts.walk import LineMode, run
from wizard.terminal import is_terminal, wants_words

ORDINARY = re.compile(r"""[\w\s.,:;?!'"()\[\]{}/<>@%&*=`$#~+-]*""")


@contextmanager
def reading(*lines: str) -> Iterator[None]:
    """Answer with these lines, one a question."""
    with pytest.MonkeyPatch.context() as patch, reading_lines():
        patch.setattr(sys, "stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
        yield


def sandbox(tmp_path: Path, scenario: str) -> Engine:
    project = tmp_path / "project"
    project.mkdir(exist_ok=True)
    return Engine(Options(sandbox=scenario, folder=project))


# Signs


@pytest.mark.parametrize(
    ("drawn", "said"),
    [
        ("Reading…", "Reading..."),
        ("AKIA…FZ3Q", "AKIA...FZ3Q"),
        ("there is no “ada”", 'there is no "ada"'),
        ("a → b", "a to b"),
        ("us-east-1 · 10 · low", "us-east-1, 10, low"),
        ("2 × 100 ≥ 10 ≈ 9", "2 x 100 at least 10 about 9"),
        ("✓ made\n✗ not made", "done: made\nfailed: not made"),
        ("┌──┐│⠋▶●◉", ""),
        ("Größe, São Paulo, 日本, Ελλάδα", "Größe, São Paulo, 日本, Ελλάδα"),
        ("a-b_c.d/e:f", "a-b_c.d/e:f"),
    ],
)
def test_signs_become_words_and_letters_of_any_language_stay(drawn: str, said: str) -> None:
    assert spoken(drawn) == said


def test_what_is_spoken_is_no_terminal_so_that_nothing_is_drawn_over_it() -> None:
    first, second = io.StringIO(), io.StringIO()
    stream = Spoken(first, second)
    print("“ada” → bob", file=stream, flush=True)
    assert first.getvalue() == second.getvalue() == '"ada" to bob\n'
    assert not stream.isatty()


def test_words_are_wanted_by_dumb_terminals_and_accessibility_settings() -> None:
    for environment in (
        {"TERM": "dumb"},
        {"ACCESSIBLE": "1"},
        {"SCREEN_READER": "yes"},
        {"GH_ACCESSIBLE_PROMPTER": "on"},
    ):
        assert wants_words(environment)
    for environment in ({}, {"TERM": "xterm"}, {"ACCESSIBLE": "0"}, {"ACCESSIBLE": ""}, {"SCREEN_READER": "False"}):
        assert not wants_words(environment)
    assert not is_terminal(None) and not is_terminal(io.StringIO())
    closed = io.StringIO()
    closed.close()
    assert not is_terminal(closed)


def test_a_plan_in_words_says_what_the_plan_in_columns_says() -> None:
    old = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": "*"}]}
    new = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:PutObject"], "Resource": "*"}]}
    identity = Identity("123456789012", "arn:aws:iam::123456789012:user/ada", "aws", "us-east-1", "a profile")
    change = Change("x", Action.UPDATE, "policy", "mine", "", "1 action", "it is old", before=old, after=new)
    plan = Plan(identity, (change,), ("mind this",), release="4.0.527")
    said = as_words(plan).splitlines()
    assert said[-5:] == [
        "1. update policy mine: 1 action",
        "   why: it is old",
        '   taken out: "s3:GetObject"',
        '   added: "s3:PutObject"',
        "Note: mind this",
    ]
    assert as_text(plan).splitlines()[:2] == said[:2]


@pytest.mark.parametrize(
    ("scenario", "values"),
    [
        ("outdated", {"start.goal": "change", "principal.attach": "managed", "credentials.write": "none"}),
        ("kms-bucket", {"output_bucket.name": "acme-videos", "quotas.concurrent_executions": 1000}),
        ("half", {"start.goal": "diagnose"}),
    ],
)
def test_a_whole_walk_consists_of_letters_digits_and_ordinary_punctuation(
    tmp_path: Path, scenario: str, values: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    session = Session(Answers().with_values(values, "answers file"))
    with reading(*[""] * 60), pytest.raises(SystemExit) if scenario != "half" else _nothing():
        run(sandbox(tmp_path, scenario), session, dry_run=True, in_lines=True)
    said = capsys.readouterr().out
    assert "The answer that is there is from the answers file." in said
    assert [line for line in said.splitlines() if not ORDINARY.fullmatch(line)] == []


@contextmanager
def _nothing() -> Iterator[None]:
    yield


# Lines


def test_a_line_is_read_and_what_is_wrong_is_said_and_asked_again(capsys: pytest.CaptureFixture[str]) -> None:
    def rule(text: str) -> str:
        return "Too long…" if len(text) > 3 else ""

    with reading("", "abcd", "-", "<", "\x1b", "\x1b[Aab", "\ud800"):
        assert ask_text("Name", "ada", rule) == "ada"
        assert ask_text("Name", "ada", rule) == ""
        assert ask_text("Name", "", rule) is BACK
        assert ask_text("Name", "", rule) is BACK
        assert ask_text("Name", "", rule) == "ab"
        assert ask_yes("Sure?", True) is True
        with pytest.raises(EOFError):
            ask_text("Name", "", rule)
    shown = capsys.readouterr().out.splitlines()
    assert shown[:4] == ["Name. Enter takes ada:", "Name. Enter takes ada:", "Too long…", "Name. Enter takes ada:"]
    assert "Name. Enter leaves it empty:" in shown


def test_back_at_the_first_question_says_that_nothing_is_before_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with reading("<", "\x1b"), pytest.raises(EOFError):
        run(sandbox(tmp_path, "fresh"), Session(Answers()), in_lines=True)
    said = capsys.readouterr().out
    assert said.count("There is nothing before this. Ctrl+C leaves.") == 2
    assert said.count("Step 1 of 13") == 3


def test_a_folder_that_is_not_there_is_not_what_enter_takes_next(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with reading("", "", "nowhere"), pytest.raises(EOFError):
        run(sandbox(tmp_path, "fresh"), Session(Answers()), in_lines=True)
    said = capsys.readouterr().out
    assert "There is no folder" in said and said.endswith("Project folder. Enter takes .:\n")


# Going on


def kept_at(tmp_path: Path, engine: Engine, step: str, **values: Any) -> Keeper:
    """What a walk to this step leaves behind, as the next start finds it."""
    keeper, session = Keeper("sandbox:fresh", engine.options.folder), Session(Answers())
    session.on_change = keeper.keep
    session.set({key.replace("__", "."): value for key, value in values.items()})
    session._go(step)
    keeper.close()
    return Keeper("sandbox:fresh", engine.options.folder)


def test_who_goes_on_is_signed_in_first_and_lands_where_they_were(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    engine, session = sandbox(tmp_path, "fresh"), Session(Answers())
    keeper = kept_at(tmp_path, engine, "credentials", principal__name="ada", credentials__write="none")
    session.on_change = keeper.keep
    with reading("perhaps", "<", "yes", "", "yes"), pytest.raises(EOFError):
        run(engine, session, keeper=keeper, in_lines=True)
    said = capsys.readouterr().out
    assert said.count("You stopped at step 9 of 13, Credentials, today ") == 3
    assert said.count("There is nothing before this. Ctrl+C leaves.") == 1
    assert said.index("Signed in as") < said.index("Step 9 of 13") < said.index("done: create user ada")
    assert "Step 8" not in said and "create key" not in said


def test_who_does_not_go_on_begins_anew(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    engine, session = sandbox(tmp_path, "fresh"), Session(Answers())
    keeper = kept_at(tmp_path, engine, "credentials", principal__name="ada")
    with reading("no"), pytest.raises(EOFError):
        run(engine, session, keeper=keeper, in_lines=True)
    keeper.close()
    assert not keeper.is_kept and session.answers == Answers()
    assert "Step 1 of 13" in capsys.readouterr().out


def test_a_run_that_was_cut_off_is_told_at_the_review_and_finished(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = sandbox(tmp_path, "fresh")
    answers = Answers().with_values({"credentials.write": "none", "principal.name": "ada"}, "you")
    events = engine.apply(engine.plan(answers, engine.discover(answers)))
    next(event for event in events if isinstance(event, Done))
    events.close()  # type: ignore[attr-defined]
    (cut_off,) = journal.unfinished(engine.connected().place)
    session = Session(Answers())
    keeper = kept_at(tmp_path, engine, "apply", principal__name="ada", credentials__write="none")
    with reading("yes", "yes", "", ""):
        assert run(engine, session, keeper=keeper, in_lines=True) == 0
    assert f"An earlier run was cut off ({cut_off.run}). This is what is left to do." in capsys.readouterr().out
    assert journal.unfinished(engine.connected().place) == []


def test_a_file_that_can_not_be_written_is_asked_again_and_one_that_exists_is_not_replaced_unasked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    engine, session = sandbox(tmp_path, "fresh"), Session(Answers().with_values({"principal.name": "ada"}, "you"))
    (tmp_path / "project" / "mine.toml").write_text("mine")
    walk = LineMode(engine, session, None)
    with reading("nowhere/a.toml", "mine.toml", "no", "a.toml"):
        walk._offer_answers()
    assert "failed: The answers file" in capsys.readouterr().out
    assert (tmp_path / "project" / "mine.toml").read_text() == "mine"
    assert parse_answers((tmp_path / "project" / "a.toml").read_text())["principal.name"] == "ada"


@pytest.mark.parametrize("setting", ["SCREEN_READER", ""])
def test_commands_without_questions_speak_where_they_are_read_aloud(
    setting: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    if setting:
        monkeypatch.setenv(setting, "1")
    said = ""
    for command in (
        ["apply", "--yes", "--set", "principal.name=ada", "--set", "remotion.project=."],
        ["check", "--user", "ada"],
        ["quotas"],
        ["quotas", "request", "--yes"],
        ["plan", "--set", "principal.name=[ada]"],
        ["undo", "--dry-run"],
    ):
        main([*command, "--sandbox"])
        captured = capsys.readouterr()
        said += captured.out + captured.err
    assert "remotion-lambda-role" in said and "principal.name" in said
    drawn = set(re.findall(r"[✓✗→…“”]|^ [+~=!-] ", said, re.MULTILINE))
    assert bool(drawn) != bool(setting), drawn


def test_what_a_program_reads_is_not_changed_where_it_is_read_aloud(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["plan", "--sandbox", "--set", "principal.name=ada", "--set", "remotion.project=.", "--format", "json"]
    main(arguments)
    plain = capsys.readouterr().out
    monkeypatch.setenv("SCREEN_READER", "1")
    main(arguments)
    assert capsys.readouterr().out == plain
