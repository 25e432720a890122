"""A question in a terminal: what the keys do, what is said about a mistake, and lines that break between words."""

from __future__ import annotations

import io
import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.prompts.test_walk import CLEAR, END, ENTER, ESCAPE, typing
from wizard.collect.steps import Choice
from wizard.interrupts import read_line
from wizard.prompts.ask import BACK, Back, ask_choice, ask_text, ask_yes
from wizard.prompts.spoken import Spoken, fitted

LEFT, UP, BACKSPACE, CTRL_D = "\x1b[D", "\x1b[A", "\x7f", "\x04"


def pasted(text: str) -> str:
    """What a terminal sends for a text that is pasted into it."""
    return f"\x1b[200~{text}\x1b[201~"


def asked(*keys: str, shown: str = "ada", rule: Callable[[str], str] = lambda _text: "") -> str | Back:
    with typing(*keys):
        return ask_text("User name", shown, rule)


@pytest.mark.parametrize(
    ("keys", "answer"),
    [
        ((ENTER,), "ada"),
        (("bob", ENTER), "bob"),
        ((LEFT, "x", ENTER), "adxa"),
        ((END, "-2", ENTER), "ada-2"),
        ((UP, "-2", ENTER), "ada-2"),
        ((BACKSPACE, "m", ENTER), "adm"),
        ((CLEAR, "bob", ENTER), "bob"),
        ((CLEAR, ENTER), ""),
        ((pasted("bob"), ENTER), "bob"),
        ((pasted("\r\n bob \r\n\ncarl\n"), ENTER), "bob carl"),
        ((pasted("\x1b[31mbob\x07"), ENTER), "bob"),
        (("x", pasted("bob"), ENTER), "xbob"),
        (("é日😀", ENTER), "é日😀"),
        (("<", ENTER), BACK),
        (("half a na", ESCAPE), BACK),
        ((ESCAPE,), BACK),
    ],
)
def test_what_is_typed_takes_the_place_of_what_is_shown_unless_another_key_is_pressed_first(
    keys: tuple[str, ...], answer: str | Back
) -> None:
    assert asked(*keys) == answer


def test_ctrl_d_ends_where_nothing_was_typed() -> None:
    with pytest.raises(EOFError):
        asked(CTRL_D)
    assert asked("ab", LEFT, CTRL_D, ENTER) == "a"


def test_a_mistake_is_said_in_full_and_the_text_stays_to_be_mended(capsys: pytest.CaptureFixture[str]) -> None:
    why = (
        "A user name can't contain a space. Allowed: letters A-Z a-z, digits and + = , . @ _ - and nothing else at all."
    )
    assert asked("ada b", ENTER, LEFT, BACKSPACE, ENTER, rule=lambda text: why if " " in text else "") == "adab"
    assert capsys.readouterr().out == f"{why}\n"


def test_numbers_and_yes_or_no_are_typed_over_what_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    choices = [Choice(value, value) for value in ("new", "change", "undo")]
    with typing("3", ENTER):
        assert ask_choice("What", choices, "new") == "undo"
    with typing("yes", ENTER):
        assert ask_yes("Sure?", False) is True
    with typing("2", ENTER, "1", ENTER):
        assert ask_choice("Which", choices[:1], "new") == "new"
    assert "Allowed: 1, there is no other choice." in capsys.readouterr().out


# Lines in a terminal


@pytest.mark.parametrize(
    ("line", "lines"),
    [
        ("short", ["short"]),
        ("Where videos are rendered, in all regions", ["Where videos are rendered,", "in all regions"]),
        ("  1. the role of a service it runs in", ["  1. the role of a service", "    it runs in"]),
        ("     why: one render may use up to 200", ["     why: one render may use", "       up to 200"]),
        ("arn:aws:iam::123456789012:user/sandbox-admin", ["arn:aws:iam::123456789012:user/sandbox-admin"]),
        ("  npx remotion lambda functions deploy", ["  npx remotion lambda functions deploy"]),
        ("next: make it: aws s3 mb s3://my-out-bucket", ["next: make it: aws s3 mb s3://my-out-bucket"]),
        ("REMOTION_APP_ROLE_ARN=x   (the role that it takes)", ["REMOTION_APP_ROLE_ARN=x   (the role that it takes)"]),
    ],
)
def test_lines_break_between_words_and_commands_not_at_all(line: str, lines: list[str]) -> None:
    assert fitted(line, 28) == lines
    assert fitted(line, 0) == fitted(line, 10) == [line], "a width that is not known, or too small"


def test_a_terminal_gets_lines_that_fit_and_a_file_whole_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal, file = io.StringIO(), io.StringIO()
    monkeypatch.setattr(terminal, "fileno", lambda: 99)
    monkeypatch.setattr(os, "get_terminal_size", lambda number: os.terminal_size((40 if number == 99 else 0, 24)))
    stream = Spoken(terminal, file)
    text = "This wizard gives it the permissions it needs, and no more."
    print(text, "", text, sep="\n", file=stream)
    print("…", end="", file=stream)
    print(f" {text}", file=stream)
    assert file.getvalue() == f"{text}\n\n{text}\n... {text}\n"
    assert terminal.getvalue().splitlines()[:2] == ["This wizard gives it the permissions it", "needs, and no more."]
    assert terminal.getvalue().splitlines()[2:5] == ["", *terminal.getvalue().splitlines()[:2]]
    assert sys.stdout is not stream


@pytest.fixture
def keyboard(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A terminal as the standard input; the handle to type into it."""
    pty = pytest.importorskip("pty", reason="Windows has no such terminals")
    typed_into, terminal = pty.openpty()
    with os.fdopen(terminal, "r", encoding="utf-8") as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        yield typed_into
    os.close(typed_into)


@contextmanager
def handled(number: int, handler: Any) -> Iterator[None]:
    before = signal.signal(number, handler)
    try:
        yield
    finally:
        signal.signal(number, before)


def once_waited_for(monkeypatch: pytest.MonkeyPatch, do: Callable[[], object]) -> None:
    """Do something in another thread, once, when a line is waited for."""
    real, waited_for = select.select, threading.Event()

    def waiting(*arguments: Any) -> Any:
        waited_for.set()
        return real(*arguments)

    def run() -> None:
        waited_for.wait(20)
        do()

    monkeypatch.setattr(select, "select", waiting)
    threading.Thread(target=run, daemon=True).start()


def test_ctrl_c_ends_the_wait_for_a_line(keyboard: int, monkeypatch: pytest.MonkeyPatch) -> None:
    once_waited_for(monkeypatch, lambda: os.kill(os.getpid(), signal.SIGINT))
    with handled(signal.SIGINT, signal.default_int_handler), pytest.raises(KeyboardInterrupt):
        read_line()
    assert signal.set_wakeup_fd(-1) == -1


def test_a_signal_that_ends_nothing_leaves_the_wait_as_it_is(keyboard: int, monkeypatch: pytest.MonkeyPatch) -> None:
    heard = threading.Event()

    def signal_and_type() -> None:
        os.kill(os.getpid(), signal.SIGUSR1)
        heard.wait(20)
        os.write(keyboard, b"ada\n")

    once_waited_for(monkeypatch, signal_and_type)
    with handled(signal.SIGUSR1, lambda _number, _frame: heard.set()):
        assert read_line() == "ada\n"
    assert heard.is_set()


def test_lines_that_were_typed_ahead_come_one_by_one(keyboard: int) -> None:
    os.write(keyboard, b"one\ntwo\n\n")
    assert [read_line(), read_line(), read_line()] == ["one\n", "two\n", "\n"]
