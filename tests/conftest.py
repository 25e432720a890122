"""Keeps every test away from the person's own AWS files, keys, keyring and state, and from other tests' sandboxes."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

import wizard.sandbox

# A machine that is busy with something else is no reason to fail.
settings.register_profile("project", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("project")

_PLACES = {
    "HOME": "",
    "USERPROFILE": "",
    "XDG_CONFIG_HOME": ".config",
    "XDG_CACHE_HOME": ".cache",
    "XDG_DATA_HOME": ".local/share",
    "XDG_STATE_HOME": ".local/state",
    "REMOTION_LAMBDA_WIZARD_STATE": "wizard-state",
    "AWS_SHARED_CREDENTIALS_FILE": ".aws/credentials",
    "AWS_CONFIG_FILE": ".aws/config",
}


def _isolate(patch: pytest.MonkeyPatch, home: Path) -> None:
    for name in list(os.environ):
        if name.startswith(("AWS_", "REMOTION_")):
            patch.delenv(name)
    for name, place in _PLACES.items():
        patch.setenv(name, str(home / place))
    patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    patch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")


@pytest.fixture(scope="session", autouse=True)
def _interruptible() -> None:
    """Have the programs that are started hear signals, also where the tests ignore them: in the background, with nohup.

    A handler is not handed on to programs, as ignoring is.
    """
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda _number, _frame: None)


@pytest.fixture(scope="session", autouse=True)
def _isolated_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Hold fixtures that outlive one test to the same."""
    with pytest.MonkeyPatch.context() as patch:
        _isolate(patch, tmp_path_factory.mktemp("session-home"))
        yield


@pytest.fixture(autouse=True)
def isolated_home(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the test, and the programs that it starts, an empty home of its own; returns that folder.

    Nothing under it exists yet, no AWS file and no state. PATH and the working directory stay.
    """
    home = tmp_path_factory.mktemp("home")
    _isolate(monkeypatch, home)
    monkeypatch.setattr(os, "fsync", lambda _handle: None)  # no power fails here, and disks turn slowly
    return home


@pytest.fixture(autouse=True)
def _closed_sandboxes(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Close what an engine opened: a program keeps its sandbox for as long as it lives, and no network with it."""
    opened: list[wizard.sandbox.Sandbox] = []
    original = wizard.sandbox.open_sandbox

    def open_and_note(*arguments: Any, **named: Any) -> wizard.sandbox.Sandbox:
        opened.append(original(*arguments, **named))
        return opened[-1]

    monkeypatch.setattr(wizard.sandbox, "open_sandbox", open_and_note)
    yield
    for sandbox in opened:
        sandbox.close()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run what needs Node in one process: the first of these tests installs Remotion's CLI for all."""
    for item in items:
        if item.get_closest_marker("contract"):
            item.add_marker(pytest.mark.xdist_group("node"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests have counted: each did it with record_property("figures", text)."""
    reports = [r for kind in ("passed", "failed") for r in terminalreporter.getreports(kind) if r.when == "call"]
    figures = [value for report in reports for name, value in report.user_properties if name == "figures"]
    if figures:
        terminalreporter.section("figures")
    for text in figures:
        terminalreporter.write_line(str(text))
