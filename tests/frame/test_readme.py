"""The README's first command, as a newcomer types it. `.ci/run` asks for this: it installs everything anew."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.frame.places import ROOT, files_of_the_project, readme_command

pytestmark = pytest.mark.skipif(
    "README_COMMANDS" not in os.environ, reason="set README_COMMANDS to install everything anew"
)


def test_one_command_opens_the_wizard_in_a_fresh_clone_with_an_empty_home(tmp_path: Path) -> None:
    from tests.bench.first_frame import WIZARD, first_frame

    clone, home = tmp_path / "clone", tmp_path / "home"
    home.mkdir()
    for name in files_of_the_project():
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, clone / name)
    environment = {"PATH": os.environ["PATH"], "HOME": str(home)}
    command = ["bash", "-c", readme_command("wizard")]
    first_frame(command, clone, environment, (*WIZARD, "SANDBOX"), patience=600)
