"""Picking a role among 5,000 in a real terminal, from an account that answers as slowly as AWS does."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.endtoend.terminal import Terminal, missing

pytestmark = [
    pytest.mark.thorough,
    pytest.mark.terminal,
    pytest.mark.skipif(bool(missing()), reason=missing()),
]
WIZARD = [sys.executable, "-m", "wizard"]
LATENCY = "80"  # milliseconds


@contextmanager
def crowded(home: Path, state: Path) -> Iterator[dict[str, str]]:
    """Serve the large account; yields the environment that leads the wizard there."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "LC_ALL": "C.UTF-8"}
    served = subprocess.Popen(
        [*WIZARD, "sandbox", "serve", "--scenario", "crowded", "--port", "0", "--latency", LATENCY],
        env={**environment, "REMOTION_LAMBDA_WIZARD_STATE": str(state), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert served.stdout is not None
        said: dict[str, str] = {}
        for line in served.stdout:
            if line.startswith("  export "):
                said |= dict(setting.split("=", 1) for setting in line.split()[1:])
            if "AWS_SECRET_ACCESS_KEY" in said:
                break
        yield {**environment, **said}
    finally:
        served.terminate()
        served.communicate()


def test_a_role_is_picked_among_thousands_while_they_are_still_coming(isolated_home: Path, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "package.json").write_text('{"dependencies": {"@remotion/lambda": "4.0.527"}}', encoding="utf-8")
    with crowded(isolated_home, tmp_path / "served") as environment:
        endpoint = environment.pop("AWS_ENDPOINT_URL")
        with Terminal([*WIZARD, "--endpoint-url", endpoint], project, environment) as terminal:
            terminal.wait_for("What would you like to do?")
            terminal.press_until("Enter", " 2 Identity  ")
            terminal.wait_for("Signed in")
            terminal.press_until("Enter", " 3 Project  ")
            terminal.press_until("Enter", " 4 Principal  ")
            terminal.press_until("Down", "◉ the role of an AWS service")
            terminal.press_until("Enter", "roles")  # the service stays "another one"
            terminal.type("video thumb")
            terminal.wait_for("5,000 roles · ", " match", "▸ video-thumbnail")
            terminal.press("Down", "Down", "Up")
            terminal.press("Enter")
            terminal.wait_while("5,000 roles")
            terminal.wait_for("▌ video-thumbnail")
            terminal.press_until("Enter", " 5 Policies  ")
            terminal.press_until("Escape", " 4 Principal  ")
            terminal.wait_for("◉ the role of an AWS service")
