"""The wizard in a real terminal of 80 by 24, with the keyboard only."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.endtoend.terminal import PROMPT, Terminal, missing
from tests.thorough import mostly_thorough
from wizard.handover.env_file import variables_of

pytestmark = [
    pytest.mark.terminal,
    pytest.mark.skipif(bool(missing()), reason=missing()),
]
WIZARD = [sys.executable, "-m", "wizard"]


@pytest.fixture
def environment(isolated_home: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(isolated_home), "LC_ALL": "C.UTF-8"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "package.json").write_text('{"dependencies": {"@remotion/lambda": "4.0.527"}}', encoding="utf-8")
    return folder


FORMS = (
    "1 Start",
    "2 Identity",
    "3 Project",
    "4 Principal",
    "5 Policies",
    "6 Extras",
    "7 Output bucket",
    "8 Quotas",
    "9 Credentials",
)


def step(terminal: Terminal, title: str) -> str:
    """Press Enter until this step is shown."""
    return terminal.press_until("Enter", f" {title}  ")


def wrong_then_right(terminal: Terminal, wrong: str, complaint: str, right: str) -> None:
    """Type something wrong into the focused field, see what is allowed, and correct it."""
    terminal.fill(wrong)
    terminal.press_until("Enter", complaint)
    terminal.fill(right)
    terminal.wait_while(complaint)


def checked(environment: Mapping[str, str], project: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*WIZARD, "check", "--sandbox", "--user", "ada", "--role", "remotion-lambda-role"],
        cwd=project,
        env=dict(environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.thorough
def test_a_newcomer_gets_to_the_end_with_a_wrong_entry_in_every_field_and_back_on_the_way(
    environment: dict[str, str], project: Path
) -> None:
    with Terminal([*WIZARD, "--sandbox"], project, environment) as terminal:
        terminal.wait_for("What would you like to do?", "SANDBOX")
        step(terminal, "2 Identity")
        terminal.wait_for("Signed in", "sandbox-admin")
        step(terminal, "3 Project")
        wrong_then_right(terminal, "no-such-folder", "There is no folder", ".")
        terminal.press("Tab")
        wrong_then_right(terminal, "4.x", "is not a release", "4.0.527")
        step(terminal, "4 Principal")
        terminal.press("Tab")
        wrong_then_right(terminal, "a b", "can't contain a space", "ada")
        step(terminal, "5 Policies")
        terminal.press("Tab", "Tab")
        wrong_then_right(terminal, "not-an-arn", "is the ARN of a managed policy", "")
        step(terminal, "7 Output bucket")
        wrong_then_right(terminal, "My_Bucket", "no capital letters", "")
        step(terminal, "8 Quotas")
        step(terminal, "9 Credentials")
        terminal.press("Tab")
        wrong_then_right(terminal, "nowhere/.env", "there is no folder", ".env")
        step(terminal, "10 Review")
        terminal.wait_for("create user", "ada")

        for title in reversed(FORMS):
            terminal.press_until("Escape", f" {title}  ")
        for title in (*FORMS[1:], "10 Review"):
            step(terminal, title)
        terminal.wait_for("create user", "ada", "Apply 7 changes")
        assert not (project / ".env").exists()

        terminal.press("BTab")  # backwards from the list of changes to the last button, which is Apply
        step(terminal, "11 Apply")
        terminal.wait_for("7 changes were made")
        step(terminal, "12 Check")
        terminal.wait_for("Everything that Remotion needs is proven")
        step(terminal, "13 Done")
        shown = terminal.wait_for("npx remotion lambda functions deploy")
        secret = variables_of(project / ".env")["REMOTION_AWS_SECRET_ACCESS_KEY"]
        assert secret not in shown
        terminal.press_until("C-q", PROMPT)
        assert secret not in terminal.everything()
    assert checked(environment, project).returncode == 0


def test_a_window_that_is_closed_while_changes_are_made_loses_nothing(
    environment: dict[str, str], project: Path
) -> None:
    """Killed at once in the middle of an apply; the next run ends as if nothing had happened."""
    applying = subprocess.Popen(
        [*WIZARD, "apply", "--sandbox", "--yes", "--set", "principal.name=ada"],
        cwd=project,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert applying.stdout is not None
    for line in applying.stdout:
        if "create user ada" in line and "✓" in line:
            break
    applying.send_signal(signal.SIGKILL)
    applying.communicate()
    again = subprocess.run(
        [*WIZARD, "apply", "--sandbox", "--yes", "--set", "principal.name=ada"],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert again.returncode == 0, again.stdout + again.stderr
    assert checked(environment, project).returncode == 0


@pytest.mark.parametrize("size", mostly_thorough([(40, 10), (60, 16), (120, 40)], {(40, 10)}))
def test_it_survives_any_size_and_resizing(environment: dict[str, str], project: Path, size: tuple[int, int]) -> None:
    with Terminal([*WIZARD, "--sandbox"], project, environment, size) as terminal:
        terminal.wait_for("Start", "Next")
        terminal.resize(30, 8)
        terminal.resize(100, 30)
        terminal.wait_for("What would you like to do?")
        terminal.press_until("C-q", PROMPT)


def test_a_wizard_that_was_killed_goes_on_where_it_was_and_a_second_one_beside_it_begins_anew(
    environment: dict[str, str], project: Path
) -> None:
    with Terminal([*WIZARD, "--sandbox"], project, environment) as terminal:
        terminal.wait_for("What would you like to do?")
        for title in ("2 Identity", "3 Project", "4 Principal"):
            step(terminal, title)
        terminal.press("Tab")
        terminal.fill("ada")
        step(terminal, "5 Policies")
        os.kill(terminal.child(), signal.SIGKILL)
        terminal.wait_for(f"{PROMPT}, code 137")
    with Terminal([*WIZARD, "--sandbox"], project, environment) as terminal:
        terminal.wait_for("Go on where you stopped", "Step 5 of 13, Policies, today")
        with Terminal([*WIZARD, "--sandbox"], project, environment) as beside:
            shown = beside.wait_for("What would you like to do?")
            assert "Go on where you stopped" not in shown
        step(terminal, "5 Policies")
        terminal.press_until("Escape", " 4 Principal  ")
        terminal.wait_for("ada", "from an earlier start")
        terminal.press_until("C-q", "Your answers are kept: the next")
        terminal.press_until("Enter", " 4 Principal  ")
