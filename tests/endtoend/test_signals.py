"""Ctrl+C, SIGTERM and a closed terminal, at every stage of every front end: nothing is cut off, and the next run goes on.

A plain run takes some of the moments; FAULTS=all takes them all.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.endtoend.terminal import PROMPT, Terminal, missing
from tests.endtoend.watched import PATIENCE, Watched
from wizard.collect.answers import Answers
from wizard.collect.steps import BY_ID, steps_for

_ALL = os.environ.get("FAULTS") == "all"
_INT, _TERM, _HUP = signal.SIGINT, signal.SIGTERM, signal.SIGHUP
_WRITES = ("CreateRole", "CreateUser", "CreateAccessKey", "RequestServiceQuotaIncrease")
_READS = ("GetCallerIdentity", "GetAccountSummary", "ListUserPolicies")  # signing in, planning, checking
_FORMS = tuple(step.id for step in steps_for(Answers()) if step.kind == "form")
needs_tmux = pytest.mark.skipif(bool(missing()), reason=missing())


def some(everything: list[tuple[object, ...]], *default: tuple[object, ...]) -> list[Any]:
    """The first of `default` is tried always, the others in a thorough run, everything with FAULTS=all."""
    assert set(default) <= set(everything)
    thorough = [pytest.param(*case, marks=pytest.mark.thorough) for case in default[1:]]
    return everything if _ALL else [default[0], *thorough]


# Without questions


@pytest.mark.parametrize(
    ("number", "operation"),
    some(
        [(n, o) for n in (_INT, _TERM, _HUP) for o in (*_READS, *_WRITES)],
        (_INT, "CreateAccessKey"),
        (_TERM, "GetAccountSummary"),
        (_HUP, "RequestServiceQuotaIncrease"),
    ),
)
def test_a_signal_to_an_unattended_run(
    account: Watched, goes_on: Callable[[str], None], number: signal.Signals, operation: str
) -> None:
    with account.start(account.apply) as process, account.held_at(operation) as answer:
        account.wait_for(operation)
        process.send_signal(number)
        said = ""
        if operation in _WRITES:
            assert process.stderr is not None
            said = next((line for line in process.stderr if "Stopping after the current call" in line), "")
            assert said, "it does not say that it waits"
            so_far = len(account.calls)
        answer.set()
        out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 128 + number, err
    assert "Interrupted." in err and "Run the same again" in err
    if operation in _WRITES:
        assert operation == "RequestServiceQuotaIncrease" or not account.calls[so_far:], "it went on writing"
        assert "changes made; what was made stays." in err
        if operation == "CreateAccessKey":
            assert account.secrets[0] in (account.project / ".env").read_text(), "the secret was cut off from its place"
    goes_on(said + out + err)


def test_whoever_ignores_a_closed_terminal_is_not_stopped_by_it(account: Watched) -> None:
    with account.start(["nohup", *account.apply]) as process, account.held_at("CreateRole") as answer:
        account.wait_for("CreateRole")
        process.send_signal(_HUP)
        answer.set()
        _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err


def test_output_that_nobody_reads_stops_the_run_and_is_no_success(
    account: Watched, goes_on: Callable[[str], None]
) -> None:
    with account.start(account.apply) as process, account.held_at("CreateUser") as answer:
        account.wait_for("CreateUser")
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        answer.set()
        err = process.stderr.read()
        process.wait(PATIENCE)
    assert process.returncode == 141, err
    assert "Interrupted." in err and "CreateAccessKey" not in account.calls
    goes_on(err)


# In lines and in full screen: signals to the process, Ctrl+C pressed, the window closed


def _wizard(account: Watched, form: str, *options: str) -> list[str]:
    return [*account.command, "--answers", str(account.answers), "--ask", form, *options, *account.at]


def _interrupt(terminal: Terminal, how: str) -> int:
    """Interrupt the wizard in a terminal; the exit code that this must lead to."""
    if how == "ctrl+c":
        terminal.press("C-c")
        return 130
    number = {"SIGINT": _INT, "SIGTERM": _TERM, "SIGHUP": _HUP}[how]
    os.kill(terminal.child(), number)
    return 128 + number


def _gone(pid: int) -> bool:
    end = time.monotonic() + PATIENCE
    while Path(f"/proc/{pid}").exists() and time.monotonic() < end:
        time.sleep(0.05)
    ended = not Path(f"/proc/{pid}").exists()
    if not ended:
        os.kill(pid, signal.SIGKILL)
    return ended


def _title(form: str) -> str:
    return BY_ID[form].title


@needs_tmux
@pytest.mark.terminal
@pytest.mark.parametrize(
    ("how", "form"),
    some(
        [(h, f) for h in ("ctrl+c", "SIGTERM", "SIGHUP", "closed") for f in _FORMS],
        ("ctrl+c", "quotas"),
        ("SIGTERM", "credentials"),
        ("closed", "principal"),
    ),
)
def test_a_question_in_line_mode_is_interrupted(account: Watched, how: str, form: str) -> None:
    with Terminal(_wizard(account, form, "--plain"), account.project, account.environment) as terminal:
        terminal.wait_for(f": {_title(form)}.")
        if how == "closed":
            pid = terminal.child()
            terminal.close()
            assert _gone(pid)
        else:
            code = _interrupt(terminal, how)
            said = terminal.wait_for(f"{PROMPT}, code {code}")
            assert "Interrupted." in said and "Traceback" not in said
            assert terminal.is_restored()
    assert not account.secrets and not list(account.state_folder.glob("runs/*/*.jsonl")), "something was changed"


@needs_tmux
@pytest.mark.terminal
@pytest.mark.parametrize(
    ("how", "operation"),
    some(
        [(h, o) for h in ("ctrl+c", "SIGTERM", "SIGHUP", "closed") for o in (*_WRITES, "ListUserPolicies")],
        ("ctrl+c", "CreateUser"),
        ("closed", "CreateAccessKey"),
    ),
)
def test_changes_in_line_mode_are_interrupted(
    account: Watched, goes_on: Callable[[str], None], how: str, operation: str
) -> None:
    with (
        Terminal(_wizard(account, "quotas", "--plain"), account.project, account.environment) as terminal,
        account.held_at(operation) as answer,
    ):
        terminal.wait_for("Concurrency to ask AWS for: 1000")
        terminal.press("Enter")
        terminal.wait_for("changes in account", "(yes or no): no")
        terminal.press("C-u")
        terminal.type("yes")
        terminal.press("Enter")
        said = _cut_off(account, terminal, how, operation, answer)
    goes_on(said)


@needs_tmux
@pytest.mark.terminal
@pytest.mark.parametrize(
    ("how", "form"),
    some(
        [(h, f) for h in ("SIGINT", "SIGTERM", "SIGHUP", "closed") for f in _FORMS],
        ("SIGTERM", "credentials"),
        ("closed", "quotas"),
    ),
)
def test_a_step_in_full_screen_is_interrupted(account: Watched, how: str, form: str) -> None:
    with Terminal(_wizard(account, form), account.project, account.environment) as terminal:
        terminal.wait_for(f" {_title(form)}  ")
        if how == "closed":
            pid = terminal.child()
            terminal.close()
            assert _gone(pid)
        else:
            terminal.press("C-c")  # ends nothing here: it copies, or says how to leave
            code = _interrupt(terminal, how)
            said = terminal.wait_for(f"{PROMPT}, code {code}")
            assert "Nothing was changed." in said
            assert terminal.is_restored()
    assert not account.secrets and not list(account.state_folder.glob("runs/*/*.jsonl")), "something was changed"


@needs_tmux
@pytest.mark.terminal
@pytest.mark.parametrize(
    ("how", "operation"),
    some(
        [(h, o) for h in ("SIGINT", "SIGTERM", "SIGHUP", "closed") for o in (*_WRITES, "ListUserPolicies")],
        ("SIGTERM", "CreateAccessKey"),
        ("closed", "CreateUser"),
    ),
)
def test_changes_in_full_screen_are_interrupted(
    account: Watched, goes_on: Callable[[str], None], how: str, operation: str
) -> None:
    with (
        Terminal(_wizard(account, "credentials"), account.project, account.environment) as terminal,
        account.held_at(operation) as answer,
    ):
        terminal.wait_for(" 9 Credentials  ")
        terminal.press_until("C-n", " 10 Review  ")
        terminal.wait_for("Apply ")
        terminal.press("BTab", "Enter")
        if operation not in _WRITES:
            terminal.press_until("Enter", " 12 Check ")
        said = _cut_off(account, terminal, how, operation, answer)
    goes_on(said)


def _cut_off(account: Watched, terminal: Terminal, how: str, operation: str, answer: threading.Event) -> str:
    """Interrupt the wizard while the server holds its answer back, and see it end; return what was said."""
    account.wait_for(operation)
    if how == "closed":
        pid, said = terminal.child(), terminal.everything()
        terminal.close()
        answer.set()
        assert _gone(pid)
        return said
    code = _interrupt(terminal, how)
    if operation in _WRITES:
        terminal.wait_for("topping")
    answer.set()
    terminal.wait_for(f"{PROMPT}, code {code}")
    assert terminal.is_restored()
    return terminal.everything()
