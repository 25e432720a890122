"""Whether git would commit the .env file is known with git and without, and one line keeps it out."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.support import Place, change, ids, onboard, plan_for
from wizard.engine import Engine
from wizard.handover.git import add_to_gitignore, git_state, ignore_line

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(folder), *arguments], check=True, capture_output=True)


@pytest.fixture
def repository(place: Place) -> Path:
    git(place.project, "init", "-q")
    return place.project


@pytest.fixture(params=["with git", "without git"])
def any_git(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, repository: Path) -> Path:
    if request.param == "without git":
        monkeypatch.setenv("PATH", str(repository))
    return repository


def test_outside_of_a_repository_nothing_is_ignored_and_nothing_needs_to_be(place: Place) -> None:
    state = git_state(place.env)
    assert (state.ignored, state.tracked) == (None, False)


@needs_git
@pytest.mark.parametrize(
    ("lines", "ignored"),
    [
        ("", False),
        (".env\n", True),
        ("/.env\n", True),
        (".env*\n", True),
        ("*.env\n", True),
        ("# .env\n", False),
        (".env.local\n", False),
        (".env\n!.env\n", False),
        ("!.env\n.env\n", True),
        (".env/\n", False),
        ("  \n", False),
        ("*\n", True),
        (".en[uv]\n", True),
        ("/video/.env\n", False),
        (".env \n", True),
        ("\\.env\n", True),
        (".env\r\n", True),
        (".ENV\n", False),
    ],
)
def test_lines_of_gitignore_mean_what_git_says(any_git: Path, lines: str, ignored: bool) -> None:
    (any_git / ".gitignore").write_text(lines)
    assert git_state(any_git / ".env").ignored is ignored


@needs_git
@pytest.mark.parametrize(
    ("top", "ignored"), [("/.env\n", False), (".env\n", True), ("/app/.env\n", True), ("app/*\n", True)]
)
def test_a_line_further_up_counts_for_what_it_covers(any_git: Path, top: str, ignored: bool) -> None:
    (any_git / "app").mkdir()
    (any_git / ".gitignore").write_text(top)
    state = git_state(any_git / "app" / ".env")
    assert state.ignored is ignored
    assert state.gitignore == any_git / "app" / ".gitignore"
    (any_git / "app" / ".gitignore").write_text("!.env\n")
    assert git_state(any_git / "app" / ".env").ignored is False


@needs_git
def test_a_file_that_git_tracks_is_said_to_be(repository: Path) -> None:
    (repository / ".env").write_text("A=1\n")
    git(repository, "add", "-f", ".env")
    assert git_state(repository / ".env").tracked


@needs_git
def test_a_broken_repository_and_a_missing_folder_do_no_harm(place: Place) -> None:
    (place.project / ".git").mkdir()
    assert git_state(place.env).ignored is False
    assert git_state(place.project / "missing" / ".env").ignored is False
    (place.project / ".gitignore").mkdir()
    assert git_state(place.env).ignored is False


@needs_git
@settings(max_examples=15, deadline=None)
@given(
    st.text(st.sampled_from("ab.*?[]!# \\-é"), min_size=1, max_size=8).filter(
        lambda n: n.strip(" ") == n and n not in {".", ".."}
    )
)
def test_the_line_that_is_added_covers_this_file_and_no_other(
    tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    folder = tmp_path_factory.mktemp("repository")
    git(folder, "init", "-q")
    (folder / ".gitignore").write_text("dist")
    add_to_gitignore(folder / ".gitignore", name)
    assert git_state(folder / name).ignored is True, ignore_line(name)
    assert git_state(folder / f"{name}x").ignored is False
    assert git_state(folder / "app" / name).ignored is False
    assert (folder / ".gitignore").read_text().startswith("dist\n")


def test_line_ends_of_gitignore_stay(tmp_path: Path) -> None:
    path = tmp_path / ".gitignore"
    path.write_bytes(b"dist\r\nnode_modules")
    add_to_gitignore(path, ".env")
    assert path.read_bytes() == b"dist\r\nnode_modules\r\n/.env\r\n"


@needs_git
def test_a_plan_keeps_the_file_out_of_git_before_the_key_is_made(engine: Engine, repository: Path) -> None:
    plan = onboard(engine)
    order = ids(plan)
    assert order.index("update file.gitignore") < order.index("create key.remotion-user")
    assert (repository / ".gitignore").read_text() == "/.env\n"
    assert git_state(repository / ".env").ignored is True
    assert plan_for(engine).is_empty


@needs_git
def test_who_does_not_want_the_line_gets_a_warning(engine: Engine, repository: Path) -> None:
    from tests.engine.support import given as answers

    plan = plan_for(engine, answers(credentials__gitignore=False))
    assert "file.gitignore" not in [c.id for c in plan.changes]
    assert any("does not ignore .env" in w for w in plan.warnings)
    assert repository.is_dir()


@needs_git
def test_a_tracked_file_is_warned_of_with_the_command_that_mends_it(engine: Engine, repository: Path) -> None:
    (repository / ".env").write_text("A=1\n")
    git(repository, "add", "-f", ".env")
    plan = plan_for(engine)
    assert any("git rm --cached .env" in w for w in plan.warnings)
    assert change(plan, "key.remotion-user").writes
