"""A file is either old or new but whole, and a problem with it is known before anything is done."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from wizard.handover.files import read_small, why_not_writable, write_whole
from wizard.problem import ProblemError


@pytest.mark.parametrize(
    "call", ["os.fsync", "pathlib.Path.replace", "pathlib.Path.chmod", "tempfile.mkstemp", "os.fdopen"]
)
def test_a_disk_that_refuses_leaves_the_old_file_whole_and_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    path = tmp_path / ".env"
    path.write_text("old\n")

    def refuse(*_: Any, **__: Any) -> Any:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(ProblemError) as caught:
        patch.setattr(call, refuse)
        write_whole(path, "secret\n", 0o600, "The .env file")
    assert "No space left on device" in caught.value.problem.title
    assert path.read_text() == "old\n"
    assert [p.name for p in tmp_path.iterdir() if call != "os.fdopen"] in ([".env"], [])


def test_the_file_is_on_disk_before_it_takes_the_place_of_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def synced(handle: int) -> None:
        order.append("fsync")
        fsync(handle)

    def replaced(self: Path, other: Path) -> Path:
        order.append("replace")
        return replace(self, other)

    monkeypatch.setattr("os.fsync", synced)
    monkeypatch.setattr(Path, "replace", replaced)
    write_whole(tmp_path / "file", "text", None, "It")
    assert order == ["fsync", "replace", "fsync"], "the content, the name, the folder"


def test_what_a_killed_run_left_behind_is_taken_away_by_the_next_write(tmp_path: Path) -> None:
    (tmp_path / "..env.wizard-abc.new").write_text("secret")
    (tmp_path / "..env.mine.new").write_text("mine")
    write_whole(tmp_path / ".env", "A=1\n", 0o600, "The .env file")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["..env.mine.new", ".env"]


def test_a_mode_that_is_not_given_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_whole(path, "a", None, "It")
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    path.chmod(0o640)
    write_whole(path, "b", None, "It")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_line_ends_and_text_are_written_as_they_are(tmp_path: Path) -> None:
    write_whole(tmp_path / "file", "a\r\nb\rc\né", None, "It")
    assert (tmp_path / "file").read_bytes() == "a\r\nb\rc\né".encode()


def test_text_that_utf8_does_not_have_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProblemError):
        write_whole(tmp_path / "file", "\udcff", None, "It")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name", ["a\0b", "x" * 300, "missing/file", "file/below"], ids=["nul", "long", "missing", "below"]
)
def test_a_place_that_can_not_be_is_a_problem_before_and_while_writing(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("x")
    assert why_not_writable(tmp_path / name, "The .env file") is not None
    with pytest.raises(ProblemError):
        write_whole(tmp_path / name, "x", None, "The .env file")


def test_a_place_that_can_be_written_is_no_problem(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    assert why_not_writable(tmp_path / "file", "It") is None
    assert why_not_writable(tmp_path / "new", "It") is None
    assert why_not_writable(tmp_path / "a" / "b" / "new", "It", makes_folder=True) is None
    assert why_not_writable(tmp_path, "It") is not None


def test_a_read_only_file_or_folder_is_said_before_anything_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("x")
    monkeypatch.setattr("os.access", lambda path, _mode: Path(path) != tmp_path / "file")
    problem = why_not_writable(tmp_path / "file", "The .env file")
    assert problem is not None and "read-only" in problem.title
    monkeypatch.setattr("os.access", lambda path, _mode: Path(path) != tmp_path)
    problem = why_not_writable(tmp_path / "new", "The .env file")
    assert problem is not None and "folder is read-only" in problem.title


def test_a_file_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert read_small(tmp_path / "none", "It") == ""
