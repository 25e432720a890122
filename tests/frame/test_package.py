"""The project's files agree with each other, and name nothing that exists on one machine only."""

from __future__ import annotations

import importlib.metadata
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.frame.places import ROOT, files_of_the_project, readme_command
from wizard import __version__

HOME = Path.home()  # before the tests get another one
TOP = {
    "pyproject.toml", "wizard", "screens", "tests", "assets", "README.md", "CHANGELOG.md", "LICENSE", "constraints.txt",
}  # fmt: skip
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
FILES = files_of_the_project()

in_a_checkout = pytest.mark.skipif(not FILES, reason="this is no git checkout")
pin_files = pytest.mark.parametrize("name", ["constraints.txt", "tests/constraints.txt"])


def test_the_version_is_written_down_once() -> None:
    assert importlib.metadata.version("remotion-lambda-wizard") == __version__
    assert "version" not in PROJECT["project"]
    newest = re.search(r"^## \[?(\d[^\]\s]*)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert newest
    assert newest[1] == __version__


def test_the_command_and_the_module_are_the_same_program(tmp_path: Path) -> None:
    [entry] = importlib.metadata.entry_points(group="console_scripts", name="remotion-lambda-wizard")
    assert entry.value == "wizard.cli:main"
    program = shutil.which("remotion-lambda-wizard", path=str(Path(sys.executable).parent))
    assert program
    help_texts = {
        subprocess.run([*command, "--help"], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
        for command in ([program], [sys.executable, "-m", "wizard"])
    }
    assert len(help_texts) == 1


# What is installed


def requirements(texts: list[str]) -> Iterator[Requirement]:
    """The packages that a list of pyproject.toml names, without the project itself."""
    return (r for r in map(Requirement, texts) if r.name != PROJECT["project"]["name"])


def pins(name: str) -> dict[str, Requirement]:
    """The pinned packages of a constraints file."""
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    found = [Requirement(line.rstrip(" \\")) for line in lines if line and not line.startswith(("#", " "))]
    return {canonicalize_name(requirement.name): requirement for requirement in found}


@pin_files
def test_every_pin_is_exact_and_hashed_and_names_no_source(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    pin = r"[A-Za-z0-9._-]+==[\w.!+]+(?: ; [^\\\n]+)?(?: \\\n    --hash=sha256:[0-9a-f]{64})+\n"
    assert re.fullmatch(rf"# [^\n]+\n(?:{pin})+", text)
    assert "://" not in text
    assert len(pins(name)) > 20


def test_the_pins_are_within_the_ranges_and_cover_them() -> None:
    extras = PROJECT["project"]["optional-dependencies"]
    run = [*PROJECT["project"]["dependencies"], *extras["sandbox"], *PROJECT["build-system"]["requires"]]
    pinned = pins("constraints.txt")
    for wanted in requirements(run):
        assert wanted.name in pinned
    pinned |= pins("tests/constraints.txt")
    for wanted in requirements([*run, *extras["test"]]):
        [version] = pinned[canonicalize_name(wanted.name)].specifier
        assert wanted.specifier.contains(version.version), wanted


def test_no_package_is_pinned_twice() -> None:
    assert pins("constraints.txt").keys() & pins("tests/constraints.txt").keys() == set()


def test_textual_is_pinned_exactly_and_moto_and_test_tools_belong_to_extras() -> None:
    [textual] = [r for r in requirements(PROJECT["project"]["dependencies"]) if r.name == "textual"]
    assert str(textual.specifier) == "==8.2.8"
    needed = {r.name for r in requirements(PROJECT["project"]["dependencies"])}
    assert needed.isdisjoint({"moto", "werkzeug", "pytest", "mypy", "ruff"})


# The README


@pytest.mark.parametrize("name", ["wizard", "tests"])
def test_the_commands_of_the_readme_stand_on_their_own(name: str) -> None:
    command = readme_command(name)
    assert command.startswith("python3 -m venv .venv && ")
    assert "--require-hashes" in command
    for file in re.findall(r"-r (\S+)", command):
        assert (ROOT / file).is_file()
    if bash := shutil.which("bash"):
        subprocess.run([bash, "-n", "-c", command], check=True)


def test_the_readme_shows_only_pictures_that_exist() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for target in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", readme):
        assert (ROOT / target).is_file(), target


# The repository


@in_a_checkout
def test_the_top_of_the_repository_holds_only_what_belongs_there() -> None:
    tops = {name.partition("/")[0] for name in FILES}
    assert {top for top in tops if not top.startswith(".")} <= TOP


@in_a_checkout
def test_no_file_names_a_path_of_a_machine_or_a_package_index() -> None:
    # Written so that this file does not hold what it looks for.
    folders = {f"/{name}/" for name in ("root", "work")} | {f"{HOME.as_posix().rstrip('/')}/"} - {"/"}
    index = re.compile(
        "|".join(("--(extra-)?index" + "-url", "--find" + "-links", '"resolved": *"http', 'registry *= *"http'))
    )
    found = []
    for name in FILES:
        if name.endswith(".svg"):
            continue
        try:
            lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(lines, 1):
            if any(folder in line for folder in folders) or index.search(line):
                found.append(f"{name}:{number}: {line.strip()[:120]}")
    assert found == []


@in_a_checkout
def test_no_environment_file_and_no_tool_is_in_the_repository() -> None:
    assert [n for n in FILES if re.search(r"(^|/)(\.env(\.|$)|\.venv/|\.tools/|node_modules/|__pycache__/)", n)] == []
