"""Line mode in a terminal as bare as they come: nothing is drawn, every key of the issue does what it says, nothing is lost."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("Windows has no such terminals", allow_module_level=True)

from tests.endtoend.teletype import PATIENCE, WIZARD, Teletype, environment_of
from wizard.handover.env_file import variables_of

SANDBOX = [*WIZARD, "--sandbox"]
FIRST_QUESTION = "What would you like to do?"
NAME = "User name. Enter takes "
TO_THE_NAME = "\n" * 7  # goal, credentials; project folder, release, policies, regions; kind of principal
ORDINARY = re.compile(r"""[\w\s.,:;?!'"()\[\]{}/<>@%&*=`$#~+-]*""")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "package.json").write_text('{"dependencies": {"@remotion/lambda": "4.0.527"}}', encoding="utf-8")
    return folder


def kept(home: Path) -> list[Path]:
    return list((home / "wizard-state" / "session").glob("*.json"))


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def environment(home: Path, **more: str) -> dict[str, str]:
    return environment_of(home, REMOTION_LAMBDA_WIZARD_STATE=str(home / "wizard-state"), **more)


def test_into_a_pipe_everything_is_said_in_order_and_nothing_is_drawn(project: Path, isolated_home: Path) -> None:
    with Teletype(SANDBOX, project, environment(isolated_home), "pipe") as teletype:
        teletype.wait_for(FIRST_QUESTION)
        teletype.type(TO_THE_NAME + "a b\n\x1b\n\nada\n")  # refused; Escape goes back to the kind, and on again
        teletype.wait_for("Anything special? (Path, Tags)")
        teletype.type("\n" * 10)
        teletype.wait_for("Make 7 changes")
        teletype.type("yes\n")
        teletype.wait_for("Save the answers to this file")
        teletype.type("\n")
        assert teletype.end() == 0
        said = teletype.piped
    assert "A user name can't contain a space." in said
    assert "Remotion Lambda is ready." in said
    assert said.index("Step 1 of ") < said.index("Step 5 of ") < said.index("done: create user ada")
    assert "\x1b" not in said and "\r" not in said
    odd = {line for line in said.splitlines() if not ORDINARY.fullmatch(line)}
    assert not odd, "a screen reader would read signs aloud"
    assert kept(isolated_home) == [], "who is done has nothing to go on with"
    secret = variables_of(project / ".env")["REMOTION_AWS_SECRET_ACCESS_KEY"]
    assert secret not in said + teletype.shown


def test_a_dumb_terminal_gets_no_escape_sequence_and_ctrl_c_says_how_to_go_on(
    project: Path, isolated_home: Path
) -> None:
    dumb = environment(isolated_home, TERM="dumb")
    with Teletype(SANDBOX, project, dumb) as teletype:
        teletype.wait_for(FIRST_QUESTION)
        teletype.type(TO_THE_NAME)
        teletype.wait_for(NAME)
        teletype.type("ada\n")
        teletype.wait_for("Anything special? (Path, Tags)")
        teletype.type("\x03")
        assert teletype.end() == 130
        said = teletype.shown
    assert "\x1b" not in said
    assert "failed: Interrupted.\r\n  Your answers are kept.\r\n" in said
    assert "next: Go on with: remotion-lambda-wizard --sandbox --resume\r\n" in said
    with Teletype([*SANDBOX, "--resume"], project, dumb) as teletype:
        teletype.wait_for("Step 4 of 13: Principal.")
        assert "You stopped at" not in teletype.shown and "Signed in as" in teletype.shown
        teletype.type("\n")
        teletype.wait_for("The answer that is there is from an earlier start.")
        teletype.wait_for(f"{NAME}ada:")
        assert teletype.end(signal.SIGTERM) == 143
        assert "Your answers are kept." in teletype.shown


def test_a_wizard_that_was_killed_is_offered_again_in_a_terminal_that_can_draw(
    project: Path, isolated_home: Path
) -> None:
    plain = environment(isolated_home, NO_COLOR="1")
    with Teletype([*SANDBOX, "--plain"], project, plain) as teletype:
        for question in (
            FIRST_QUESTION,
            "AWS credentials",
            "Project folder",
            "Remotion release",
            "Policies",
            "Regions",
        ):
            teletype.wait_for(question)
            teletype.type("\r")
        teletype.wait_for("Your code signs in as")
        wait_until(lambda: '"step": "principal"' in kept(isolated_home)[0].read_text())
        teletype.end(signal.SIGKILL)
    assert not re.search(r"\x1b\[[\d;]*[34][0-9]m", teletype.shown), "NO_COLOR asks for no colour"
    with Teletype([*SANDBOX, "--plain"], project, plain) as teletype:
        teletype.wait_for("You stopped at step 4 of 13, Principal, today ")
        teletype.type("\r")
        teletype.wait_for("Your code signs in as")
        assert not teletype.echoes()
        teletype.type("\x03")
        assert teletype.end() == 130
        assert teletype.echoes(), "the terminal is as it was"
        assert "remotion-lambda-wizard --sandbox --plain --resume" in teletype.shown


def test_a_closed_terminal_ends_the_wizard_and_loses_nothing(project: Path, isolated_home: Path) -> None:
    accessible = environment(isolated_home, ACCESSIBLE="1")
    with Teletype(SANDBOX, project, accessible) as teletype:
        teletype.wait_for(FIRST_QUESTION)
        teletype.type("2\n")
        teletype.wait_for("AWS credentials")
        teletype.hang_up()
        assert teletype.end() == 129
    (file,) = kept(isolated_home)
    assert json.loads(file.read_text())["answers"] == {"start.goal": "change"}


def test_what_goes_into_a_file_is_shown_as_well_and_no_at_the_start_begins_anew(
    project: Path, isolated_home: Path, tmp_path: Path
) -> None:
    surroundings = environment(isolated_home)
    for said_before in ("", "Go on there? (yes or no). Enter takes yes:"):
        with Teletype([*SANDBOX, "--set", "principal.name=ada"], project, surroundings, tmp_path / "log") as teletype:
            if said_before:
                teletype.wait_for(said_before)
                teletype.type("no\n")
            teletype.wait_for(FIRST_QUESTION)
            teletype.type("3\n")
            teletype.wait_for("AWS credentials")
            teletype.type("\x03")
            assert teletype.end() == 130
        log = (tmp_path / "log").read_text()
        assert FIRST_QUESTION in log and "\x1b" not in log


def test_without_a_terminal_for_input_one_error_says_what_to_give(project: Path, isolated_home: Path) -> None:
    for surroundings in (environment(isolated_home), environment(isolated_home, ACCESSIBLE="1")):
        done = subprocess.run(
            [*SANDBOX, "--plain"],
            cwd=project,
            env=surroundings,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 2 and done.stdout == ""
        assert done.stderr.splitlines()[0] == "failed: There is no terminal to ask questions in."
        assert all(flag in done.stderr for flag in ("--answers", "--set", "--yes"))
