"""The program as people install it: built, installed somewhere else, and run there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.frame.places import ROOT
from wizard import __version__

pytestmark = pytest.mark.thorough

SHIPPED = ("policies", "help", "styles")
SECRETS = re.compile(rb"(?:AKIA|ASIA)(?!IOSFODNN7EXAMPLE)[A-Z2-7]{16}|-----BEGIN [A-Z ]*PRIVATE KEY")


@dataclass(frozen=True)
class Installed:
    """A virtual environment that has the wheel in it."""

    python: Path
    program: Path
    packages: Path


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and with the wheel that was built from that sdist."""
    folder = tmp_path_factory.mktemp("built")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    [found] = built.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel in an environment of its own, which sees the packages of this one behind it."""
    base = tmp_path_factory.mktemp("installed") / "venv"
    venv.create(base, with_pip=False, symlinks=os.name != "nt")
    paths = sysconfig.get_paths("venv", vars={"base": str(base), "platbase": str(base)})
    scripts, packages = Path(paths["scripts"]), Path(paths["purelib"])
    python = scripts / ("python.exe" if os.name == "nt" else "python")
    command = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps", "--no-index", str(wheel)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    # A line in a .pth file adds the folder alone, not this checkout that is installed in it by another .pth file.
    (packages / "behind.pth").write_text(f"{sysconfig.get_path('purelib')}\n", encoding="utf-8")
    return Installed(python, scripts / f"remotion-lambda-wizard{'.exe' if os.name == 'nt' else ''}", packages)


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run([str(word) for word in command], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def members(archive: Path) -> Iterator[tuple[str, bytes]]:
    """Names and contents of the files of a wheel or an sdist, as below its top folder."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            yield from ((name, wheel.read(name)) for name in wheel.namelist() if not name.endswith("/"))
    else:
        with tarfile.open(archive) as sdist:
            for member in sdist.getmembers():
                if reader := sdist.extractfile(member):
                    yield member.name.partition("/")[2], reader.read()


def assets() -> set[str]:
    """The files of assets/ that the program needs, as `folder/name`."""
    root = ROOT / "assets"
    found = (path for name in SHIPPED for path in (root / name).rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix() for path in found if not path.name.startswith(".")}


def test_the_wheel_holds_the_program_and_its_assets_and_nothing_else(wheel: Path) -> None:
    names = {name for name, _ in members(wheel)}
    assert {name.partition("/")[0] for name in names} == {
        "wizard",
        "screens",
        f"remotion_lambda_wizard-{__version__}.dist-info",
    }
    sources = {p.relative_to(ROOT).as_posix() for top in ("wizard", "screens") for p in (ROOT / top).rglob("*.py")}
    assert {name for name in names if name.endswith(".py")} == sources
    shipped = {name.removeprefix("wizard/_assets/") for name in names if name.startswith("wizard/_assets/")}
    assert {name for name in shipped if not Path(name).name.startswith(".")} == assets()
    assert "wizard/py.typed" in names


def test_the_sdist_holds_what_is_needed_to_build_and_test_and_nothing_else(built: Path) -> None:
    [sdist] = built.glob("*.tar.gz")
    tops = {name.partition("/")[0] for name, _ in members(sdist)}
    assert tops == {
        "wizard", "screens", "tests", "assets", "pyproject.toml", "constraints.txt",
        "README.md", "CHANGELOG.md", "LICENSE", "PKG-INFO", ".gitignore",
    }  # fmt: skip
    assert [name for name, _ in members(sdist) if re.search(r"node_modules/|(^|/)\.(env|venv|tools)\b", name)] == []


def test_neither_holds_a_secret(built: Path) -> None:
    shipped = [
        (f"{archive.name}: {name}", content)
        for archive in built.iterdir()
        for name, content in members(archive)
        if not name.startswith("tests/")  # which are full of keys that were made up
    ]
    assert len(shipped) > 100
    assert [name for name, content in shipped if SECRETS.search(content)] == []


def test_the_installed_program_is_not_this_checkout(installed: Installed, tmp_path: Path) -> None:
    code = "import wizard, screens; print(wizard.__file__); print(screens.__file__)"
    for line in run(installed.python, "-c", code, cwd=tmp_path).splitlines():
        assert Path(line).is_relative_to(installed.packages)


def test_the_installed_program_prints_the_policies_from_any_folder(installed: Installed, tmp_path: Path) -> None:
    here = run(sys.executable, "-m", "wizard", "policies", "user", cwd=ROOT)
    assert '"Action"' in here
    elsewhere = tmp_path / "an other folder"
    elsewhere.mkdir()
    assert run(installed.program, "policies", "user", cwd=tmp_path) == here
    assert run(installed.program, "policies", "user", cwd=elsewhere) == here
    assert run(installed.python, "-m", "wizard", "policies", "user", cwd=elsewhere) == here
    assert run(installed.program, "--version", cwd=elsewhere) == f"remotion-lambda-wizard {__version__}\n"


def test_every_asset_is_found_where_it_is_installed(installed: Installed, tmp_path: Path) -> None:
    code = "import sys; from wizard.places import asset; [print(asset(name)) for name in sys.argv[1:]]"
    for line in run(installed.python, "-c", code, *sorted(assets()), cwd=tmp_path).splitlines():
        assert Path(line).is_file()
        assert Path(line).is_relative_to(installed.packages)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pseudo-terminals of this kind")
def test_the_installed_wizard_opens_in_a_terminal(installed: Installed, tmp_path: Path) -> None:
    from tests.bench.first_frame import first_frame

    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    assert first_frame([str(installed.program), "--sandbox"], tmp_path, environment) > 0
