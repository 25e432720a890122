"""Wrong input: every error names the answer, flag or file, is short and plain, and leaves everything as it was."""

from __future__ import annotations

import argparse
import errno
import io
import json
import os
import re
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import botocore.client
import botocore.httpsession
import pytest

from tests.engine import bad_input
from tests.engine.bad_input import (
    ANSWERS_FILES,
    AWS,
    EXPLAIN,
    FILES,
    FLAGS,
    SECRET,
    TOGETHER,
    WRONG,
    Case,
    Content,
    Toml,
)
from tests.engine.support import Place
from wizard import cli
from wizard.collect.fields import FIELDS
from wizard.text import plain

_LONGEST: Final = 1_600  # characters of an error
_READS: Final = re.compile(r"(Get|List|Describe|Head|Simulate)\w+")
_COMMANDS: Final = (("plan",), ("apply", "--yes"), ("check",), ("setup", "--dry-run"))  # all of them take answers

Ran = tuple[int, str, str]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The AWS operations that are called. Anything that would leave this computer fails the test."""
    called: list[str] = []
    client: Any = botocore.client.BaseClient
    call = client._make_api_call

    def note(self: Any, operation: str, parameters: Any) -> Any:
        called.append(operation)
        return call(self, operation, parameters)

    def refuse(self: Any, request: Any) -> Any:
        raise AssertionError(f"a request to {request.url}")

    monkeypatch.setattr(client, "_make_api_call", note)
    monkeypatch.setattr(botocore.httpsession.URLLib3Session, "send", refuse)
    return called


@pytest.fixture
def refused(
    place: Place, calls: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[[Case], str]:
    """Run a case, and hold it to what is true of every error; the error's text."""

    def run(case: Case) -> str:
        for name, content in case.files.items():
            _make(place.home / name, content)
        for name, value in case.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr("sys.stdin", io.StringIO(case.stdin))
        before = _everything(place)
        capsys.readouterr()
        calls.clear()
        with monkeypatch.context() as patch:
            if case.unreadable:  # root may read everything, so the refusal is the test's own
                patch.setattr("io.open", _refusing(Path(case.unreadable).name))
            code = cli.main(case.arguments)
        said = capsys.readouterr()
        text = said.out if case.on_stdout else said.err
        assert (code, said.err if case.on_stdout else said.out) == (case.code, ""), text
        assert text == plain(text) and "Traceback" not in text
        assert len(text) <= _LONGEST
        for words in case.says:
            assert " ".join(words.split()) in " ".join(text.split()), text
        assert SECRET not in text
        assert all(case.reads_aws and _READS.fullmatch(operation) for operation in calls), calls
        assert _everything(place) == before
        return text

    return run


def _make(path: Path, content: Content) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, str):
        path.write_text(content, "utf-8", errors="surrogateescape")
    elif isinstance(content, bytes):
        path.write_bytes(content)
    else:
        content(path)


def _refusing(name: str) -> Callable[..., Any]:
    """An open() that may not read a file of this name."""
    original = io.open

    def opened(file: Any, *more: Any, **named: Any) -> Any:
        if not isinstance(file, int) and Path(file).name == name:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(file))
        return original(file, *more, **named)

    return opened


def _everything(place: Place) -> dict[str, tuple[int, bytes]]:
    """Every file of the machine with its mode and content; the sandbox's own files aside."""

    def of(path: Path) -> tuple[int, bytes]:
        mode = path.lstat().st_mode
        return mode, path.read_bytes() if stat.S_ISREG(mode) else b""

    found = [path for top in (place.home, place.state) for path in top.rglob("*")]
    return {str(path): of(path) for path in found if "sandbox" not in path.parts}


# Answers


def _settings(key: str, value: Any) -> str | None:
    """A value as it is given with --set; None if it can't be."""
    if isinstance(value, Toml):
        return None
    if isinstance(value, dict):
        return ",".join(f"{name}={text}" for name, text in value.items())
    return ",".join(value) if isinstance(value, list) else str(value)


def _toml(key: str, value: Any) -> str | None:
    """An answers file with a value; None if TOML can't hold it, or it is the text of something else."""
    import tomlkit

    table, name = key.split(".")
    if isinstance(value, Toml):
        return f"version = 1\n[{table}]\n{name} = {value.text}\n"
    try:
        text = tomlkit.dumps({"version": 1, table: {name: value}})
        return text if len(text.encode()) < 1_000_000 else None
    except UnicodeEncodeError:
        return None


def _of_fields() -> Iterator[tuple[str, Case]]:
    """Every wrong value in every way in which it can be given."""
    n = 0
    for key, values in WRONG.items():
        for i, (value, says) in enumerate(values):
            setting, file = _settings(key, value), _toml(key, value)
            if setting is not None:
                n += 1
                words = (*_COMMANDS[n % len(_COMMANDS)], "--set", f"{key}={setting}")
                yield key, Case(f"--set {key} {i}", words, ("--set", key, says))
            if file is not None and (FIELDS[key].kind in {"text", "choice"} or not isinstance(value, str)):
                n += 1
                words = (*_COMMANDS[n % len(_COMMANDS)], "--answers", "answers.toml")
                says_both = ("answers.toml", key, says)
                yield key, Case(f"answers file {key} {i}", words, says_both, {"video/answers.toml": file})


OF_FIELDS: Final = list(_of_fields())


@pytest.mark.parametrize("key", WRONG)
def test_a_wrong_answer_is_refused_by_its_key(refused: Callable[[Case], str], key: str) -> None:
    for name, case in OF_FIELDS:
        if name == key:
            refused(case)


def test_every_answer_has_wrong_values() -> None:
    for key in FIELDS:
        of_key = [case for name, case in OF_FIELDS if name == key]
        assert len(of_key) >= 4, key
        assert any("--set" in case.arguments for case in of_key), key
        assert any("--answers" in case.arguments for case in of_key), key


@pytest.mark.parametrize(("given", "key", "says"), TOGETHER, ids=lambda text: text[:60])
def test_answers_that_do_not_fit_together_are_refused(
    refused: Callable[[Case], str], given: str, key: str, says: str
) -> None:
    settings = [word for setting in given.split() for word in ("--set", setting)]
    refused(Case(given, ("plan", "--sandbox", "fresh", *settings), (key, says)))


@pytest.mark.parametrize("name", ANSWERS_FILES)
def test_a_file_that_is_no_answers_file_is_refused_by_its_name(refused: Callable[[Case], str], name: str) -> None:
    content, says = ANSWERS_FILES[name]
    refused(
        Case(
            name,
            ("apply", "--yes", "--answers", "answers.toml"),
            ("answers.toml", says),
            {"video/answers.toml": content},
        )
    )


def test_a_secret_that_lands_in_the_wrong_answer_is_not_said_back(
    capsys: pytest.CaptureFixture[str], place: Place, calls: list[str]
) -> None:
    for key in FIELDS:
        cli.main(["check", "--set", f"{key}={SECRET}", "--set", "start.goal=nothing"])
        said = capsys.readouterr()
        assert SECRET not in said.out + said.err and calls == [], key


# Flags


@pytest.mark.parametrize("case", FLAGS, ids=lambda case: case.id[:60])
def test_a_wrong_flag_is_refused_by_its_name(refused: Callable[[Case], str], case: Case) -> None:
    refused(case)


def _parsers(parser: argparse.ArgumentParser, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command with its parser."""
    inner = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not inner:
        yield words, parser
    for action in inner:
        for name, made in action.choices.items():
            yield from _parsers(made, (*words, name))


def _options() -> Iterator[tuple[tuple[str, ...], str, bool]]:
    """Every flag of every command: the command, the flag, and whether it needs a value."""
    for words, parser in _parsers(cli._parser()):
        needed = [
            str(next(iter(a.choices or ["x"]))) for a in parser._actions if not a.option_strings and a.nargs is None
        ]
        for action in parser._actions:
            for flag in action.option_strings:
                if flag.startswith("--") and flag not in {"--help", "--version"}:
                    yield (*words, *needed), flag, action.nargs is None


OPTIONS: Final = list(_options())
KNOWN: Final = cli._Vocabulary.of(cli._parser())


def test_a_flag_without_its_value_or_with_one_that_it_does_not_take_is_refused(refused: Callable[[Case], str]) -> None:
    for words, flag, takes_value in OPTIONS:
        if takes_value:
            assert flag in KNOWN.takes_value
            refused(Case("no value", (*words, flag), (flag, "expected one argument", "--help")))
        elif flag != "--sandbox":
            refused(Case("a value", (*words, f"{flag}=yes"), (flag, "'yes'", "--help")))


def test_a_flag_with_nothing_behind_it_is_refused(refused: Callable[[Case], str]) -> None:
    for words, flag, takes_value in OPTIONS:
        if (takes_value or flag == "--sandbox") and flag not in cli._MAY_BE_EMPTY:
            refused(Case("empty", (*words, flag, ""), (f"{flag}: its value is empty",)))
            refused(Case("empty, with =", (*words, f"{flag}="), (f"{flag}: its value is empty",)))


def test_every_flag_that_takes_a_value_has_a_wrong_one() -> None:
    tried = {word.partition("=")[0] for case in FLAGS for word in case.arguments if word.startswith("--")}
    assert {flag for _, flag, takes_value in OPTIONS if takes_value} <= tried


def test_an_error_with_json_is_one_document_that_a_terminal_can_show(
    capsys: pytest.CaptureFixture[str], place: Place
) -> None:
    for arguments in (
        ("check", "--json", "--user", bad_input.ESCAPE),
        ("apply", "--json", "--yes", "--set", f"principal.name={bad_input.REVERSED}"),
        ("quotas", "--json", "--region", bad_input.TITLE),
        ("explain", "--json", " "),
        ("credentials", "explain", "--json", "--folder", bad_input.EIGHT_BIT),
    ):
        assert cli.main(arguments) == 2
        out = capsys.readouterr().out
        document = json.loads(out)
        assert document["ok"] is False and set(document["problem"]) == {"title", "detail", "remedy"}
        assert out == plain(out)


# Files


@pytest.mark.parametrize("case", [*FILES, *AWS], ids=lambda case: case.id)
def test_a_file_that_can_not_be_used_is_refused_by_its_name(refused: Callable[[Case], str], case: Case) -> None:
    refused(case)


@pytest.mark.parametrize("case", EXPLAIN, ids=lambda case: case.id)
def test_a_pasted_text_that_is_no_error_is_told_to_be_unknown_or_refused(
    refused: Callable[[Case], str], case: Case
) -> None:
    refused(case)


def test_there_are_many_cases_and_each_is_there_once() -> None:
    cases = [*(case for _, case in OF_FIELDS), *FLAGS, *FILES, *AWS, *EXPLAIN]
    assert len({case.id for case in cases}) == len(cases)
    distinct = sum(map(len, WRONG.values())) + len(TOGETHER) + len(ANSWERS_FILES)
    distinct += len(FLAGS) + len(FILES) + len(AWS) + len(EXPLAIN)
    assert distinct >= 500
