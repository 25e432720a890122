"""What may import what: the engine is headless, the screens know no AWS, and the quick commands load nothing heavy."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.frame.places import ROOT

INTERFACES = {"textual", "questionary", "rich", "moto"}
AWS = {"boto3", "botocore", "moto", "s3transfer"}
HEAVY = {"textual", "rich", "boto3", "botocore", "moto", "questionary", "prompt_toolkit", "keyring", "screens"}

# Imports the modules it is given one after the other, and tells for each what top-level packages it brought.
LOAD_EACH = """
import importlib, json, sys
brought, known = {}, set()
for name in sys.argv[1:]:
    importlib.import_module(name)
    loaded = {module.partition(".")[0] for module in sys.modules}
    brought[name] = sorted(loaded - known)
    known |= loaded
print(json.dumps(brought))
"""


def modules(package: str) -> list[str]:
    """The names of all modules of `package`, itself first."""
    names = (path.relative_to(ROOT).with_suffix("").parts for path in (ROOT / package).rglob("*.py"))
    return sorted(".".join(parts[:-1] if parts[-1] == "__init__" else parts) for parts in names)


def engine_modules() -> list[str]:
    """The modules of wizard/ outside sandbox/ and prompts/."""
    return [name for name in modules("wizard") if name.split(".")[1:2] not in (["sandbox"], ["prompts"])]


def brought_by(names: list[str], forbidden: set[str]) -> dict[str, set[str]]:
    """Which of the modules load something forbidden, found out in a process of its own."""
    command = [sys.executable, "-c", LOAD_EACH, *names]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return {name: found for name, new in json.loads(done.stdout).items() if (found := set(new) & forbidden)}


def imported_in(path: Path) -> Iterator[tuple[int, str]]:
    """Every import of a file wherever it stands, with its line: statements, and import_module of a fixed name."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Import(names=names):
                yield from ((node.lineno, name.name) for name in names)
            case ast.ImportFrom(module=str(module), level=0):
                yield node.lineno, module
            case ast.Call(args=[ast.Constant(value=str(module)), *_]) if "import" in ast.unparse(node.func):
                yield node.lineno, module
            case _:
                pass


def static_imports(names: list[str], forbidden: set[str]) -> list[str]:
    """Where the source of the modules imports something forbidden, also where it is not run on import."""
    found = []
    for name in names:
        path = ROOT.joinpath(*name.split("."))
        path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        for line, module in imported_in(path):
            if module.partition(".")[0] in forbidden:
                found.append(f"{path.relative_to(ROOT)}:{line} imports {module}")
    return found


def loaded_by(*arguments: str, cwd: Path) -> set[str]:
    """The top-level packages that a command of the program loads until it ends."""
    command = [sys.executable, "-X", "importtime", "-m", "wizard", *arguments]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout
    return set(re.findall(r"^import time:[\s\d]+\|[\s\d]+\|\s+([A-Za-z_]\w*)", done.stderr, re.MULTILINE))


def test_importing_the_engine_loads_no_user_interface_and_no_emulator() -> None:
    assert brought_by(engine_modules(), INTERFACES) == {}


def test_importing_wizard_alone_loads_neither_aws_nor_a_user_interface() -> None:
    assert brought_by(["wizard"], HEAVY) == {}


def test_the_engine_names_no_user_interface_and_no_emulator_anywhere() -> None:
    assert static_imports(engine_modules(), INTERFACES) == []


def test_only_the_command_line_knows_the_screens() -> None:
    assert static_imports([name for name in modules("wizard") if name != "wizard.commands.setup"], {"screens"}) == []


def test_the_screens_import_no_aws_anywhere() -> None:
    assert static_imports(modules("screens"), AWS) == []


def test_importing_every_screen_loads_no_aws() -> None:
    assert brought_by(modules("screens"), AWS) == {}


def test_nothing_that_ships_imports_the_tests() -> None:
    assert static_imports(modules("wizard") + modules("screens"), {"tests", "pytest"}) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        ("--version",),
        ("policies", "user"),
        ("policies", "role", "--region", "cn-north-1"),
        ("policies", "user", "--remotion-version", "4.0.100"),
        ("policies", "--help"),
    ],
    ids=" ".join,
)
def test_the_quick_commands_load_nothing_heavy(arguments: tuple[str, ...], tmp_path: Path) -> None:
    loaded = loaded_by(*arguments, cwd=tmp_path)
    assert "wizard" in loaded
    assert loaded & HEAVY == set()
