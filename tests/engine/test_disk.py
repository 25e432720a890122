"""A disk that is full or read-only, and a process that dies while it writes: at every step of every file of a set-up.

Afterwards every file is old or new but whole, what was told is true, and the next run ends as an undisturbed one.
A plain run takes every kind of fault, of step and of file; a thorough one each step of each file; FAULTS=all everything.
"""

from __future__ import annotations

import errno
import os
import random
import stat
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.engine.support import Killed, Place, Sandboxed, active_keys, plan_for
from tests.engine.test_faults import VARIANTS, Attempt, attempt, begin, files_with, place_of_secret, secret_of, state
from wizard.apply.events import Finished
from wizard.cli import main
from wizard.collect.answers import Answers, read_answers
from wizard.plan.changes import Plan

_ALL = os.environ.get("FAULTS") == "all"
KINDS = ("cut", "ENOSPC", "EROFS", "EACCES", "killed-before", "killed-after")
Figures = Callable[[str, object], None]


@dataclass
class Disk:
    """The steps in which the wizard writes its files, and the one that goes wrong. What is not below `roots` is let be."""

    roots: tuple[Path, ...]
    steps: list[tuple[str, str]] = field(default_factory=list)  # what was done, and with which file
    at: int = 0
    kind: str = ""
    struck: bool = False
    dead: bool = False

    def quiet(self) -> None:
        """Nothing goes wrong from now on: a new process, a disk with room."""
        self.steps.clear()
        self.at, self.kind, self.struck, self.dead = 0, "", False, False

    def do(self, what: str, path: str | Path, real: Callable[[], Any]) -> Any:
        if not any(Path(path).is_relative_to(root) for root in self.roots):
            return real()
        if self.dead:
            raise Killed
        self.steps.append((what, _kind_of_file(Path(path).name)))
        if len(self.steps) != self.at:
            return real()
        self.struck = True
        if self.kind.startswith("killed"):
            self.dead = True
            if self.kind == "killed-after":
                real()
            raise Killed
        number = getattr(errno, "ENOSPC" if self.kind == "cut" else self.kind)
        raise OSError(number, os.strerror(number), str(path))


def _kind_of_file(name: str) -> str:
    """A file's name without what differs from run to run."""
    if name.startswith(".") and ".wizard-" in name:
        return name[1:].partition(".wizard-")[0] + " (new)"
    return "journal" if name.endswith(".jsonl") else name


@pytest.fixture
def disk(place: Place, monkeypatch: pytest.MonkeyPatch) -> Disk:
    """The disk below the home, the journals and the memory of quotas."""
    made = Disk((place.home, place.state / "runs", place.state / "quotas"))
    real_open, real_write, real_mkstemp, real_fdopen = os.open, os.write, tempfile.mkstemp, os.fdopen
    real_replace, real_chmod, real_mkdir, real_unlink = Path.replace, Path.chmod, Path.mkdir, Path.unlink

    def path_of(handle: int) -> str:
        return str(Path(f"/proc/self/fd/{handle}").readlink())

    def opened(path: Any, flags: int, *more: Any, **named: Any) -> Any:
        if not flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            return real_open(path, flags, *more, **named)
        return made.do("open", path, lambda: real_open(path, flags, *more, **named))

    def written(handle: int, data: bytes) -> Any:
        if made.kind == "cut" and len(made.steps) + 1 == made.at:
            try:
                return made.do("write", path_of(handle), lambda: 0)
            except OSError:
                return real_write(handle, data[: len(data) // 2])  # as a disk does that fills up
        return made.do("write", path_of(handle), lambda: real_write(handle, data))

    def fdopened(handle: int, *more: Any, **named: Any) -> Any:
        file: list[Any] = []
        try:
            made.do("fill", path_of(handle), lambda: file.append(real_fdopen(handle, *more, **named)))
        except BaseException:
            if file:
                file[0].close()
            else:
                os.close(handle)
            raise
        return file[0]

    def unlinked(path: Path, *more: Any, **named: Any) -> None:
        if not made.dead:  # the dead clean nothing up
            real_unlink(path, *more, **named)

    patches: dict[str, Any] = {
        "time.sleep": lambda _seconds: None,
        "os.open": opened,
        "os.write": written,
        "os.fsync": lambda handle: made.do("fsync", path_of(handle), lambda: None),
        "os.fdopen": fdopened,
        "tempfile.mkstemp": lambda **named: made.do(
            "make", Path(named["dir"]) / named["prefix"], lambda: real_mkstemp(**named)
        ),
    }
    for name, replacement in patches.items():
        monkeypatch.setattr(name, replacement)
    monkeypatch.setattr(Path, "replace", lambda path, to: made.do("rename", path, lambda: real_replace(path, to)))
    monkeypatch.setattr(Path, "chmod", lambda path, mode: made.do("chmod", path, lambda: real_chmod(path, mode)))
    monkeypatch.setattr(
        Path,
        "mkdir",
        lambda path, *more, **named: (
            None
            if path.is_dir() and named.get("exist_ok")
            else made.do("mkdir", path, lambda: real_mkdir(path, *more, **named))
        ),
    )
    monkeypatch.setattr(Path, "unlink", unlinked)
    return made


def _anew(sandbox: Sandboxed, disk: Disk, answers: Answers) -> None:
    disk.quiet()
    begin(sandbox, answers)
    (sandbox.place.project / ".git").mkdir()
    sandbox.place.env.chmod(0o600)
    disk.quiet()


Step = tuple[str, str]
_CASES = ("bucket with managed policies, quota", "managed user, key to a profile")
_MUCH = ["all"] if _ALL else ["some", pytest.param("more", marks=pytest.mark.thorough)]


def _faults(steps: list[Step], much: str) -> Iterator[tuple[int, str]]:
    """The number of a step, and what goes wrong there; `much` is "some", "more" (each kind of step) or "all"."""
    if much == "all":
        yield from ((n, kind) for n, step in enumerate(steps, 1) for kind in KINDS if _fits(kind, step))
        return
    numbers = _few(steps) if much == "some" else _each(steps)
    left = list(KINDS)
    for number in numbers:
        kind = next(kind for kind in left if _fits(kind, steps[number - 1]))
        left.remove(kind)
        left = left if any(k != "cut" for k in left) else [*left, *KINDS]
        yield number, kind


def _fits(kind: str, step: Step) -> bool:
    return kind != "cut" or step[0] == "write"


def _each(steps: list[Step]) -> list[int]:
    """Each kind of step with each file once, and a few records of the journal."""
    seen, chosen = Counter[Step](), []
    for number, step in enumerate(steps, 1):
        seen[step] += 1
        if seen[step] == 1 or (step == ("write", "journal") and seen[step] % 6 == 0):
            chosen.append(number)
    return chosen


def _few(steps: list[Step]) -> list[int]:
    """As few steps as there are every kind of step, every file and every kind of fault in."""
    left = random.Random(len(steps)).sample(_each(steps), len(_each(steps)))
    chosen = [steps.index(("write", "journal")) + 1]  # for the disk that fills up in the middle
    missing = {part for step in steps for part in step} - set(steps[chosen[0] - 1])
    while missing or len(chosen) < len(KINDS):
        best = max(left, key=lambda number: len(missing.intersection(steps[number - 1])))
        left.remove(best)
        chosen.append(best)
        missing.difference_update(steps[best - 1])
    return chosen


@pytest.mark.parametrize("much", _MUCH)
@pytest.mark.parametrize("variant", _CASES)
def test_after_any_fault_at_any_write_every_file_is_whole_and_a_second_run_ends_right(
    sandbox: Sandboxed, disk: Disk, variant: str, much: str, record_property: Figures
) -> None:
    engine, answers = sandbox.engine, VARIANTS[variant]
    _anew(sandbox, disk, answers)
    plan = plan_for(engine, answers)
    assert not disk.steps, "looking writes nothing"
    assert attempt(engine, answers, plan).ended == "ok"
    steps, reference = list(disk.steps), state(engine)
    ended, kinds, wrong = Counter[str](), Counter[str](), []
    for number, kind in _faults(steps, much):
        _anew(sandbox, disk, answers)
        disk.at, disk.kind = number, kind
        kinds[kind] += 1
        try:
            ended[_survives(sandbox, disk, answers, plan, reference)] += 1
        except (AssertionError, OSError) as error:
            wrong.append(f"{kind} at {number}, {' '.join(steps[number - 1])}: {type(error).__name__} {error}")
    record_property(
        "figures",
        f"disk, {variant}: faults tried {kinds.total()}, survived {ended.total()} ({len(steps)} steps of writing)\n"
        f"    {dict(kinds)}\n    the first run ended: {dict(ended)}",
    )
    assert not wrong, "\n".join(wrong)
    assert set(kinds) == set(KINDS)


def _survives(sandbox: Sandboxed, disk: Disk, answers: Answers, plan: Plan, reference: str) -> str:
    place, engine, kind = sandbox.place, sandbox.engine, disk.kind
    first = attempt(engine, answers, plan)
    assert disk.struck, "it did not strike"
    if disk.dead:
        first = Attempt("killed")
    disk.at = 0
    home = place_of_secret(place, answers)
    assert place.env.read_text().startswith("MINE=1\n# a comment\n"), ".env is neither old nor new"
    holding = {path for path in files_with(sandbox.wire.secrets, place) if path != home}
    assert all(first.ended == "killed" and ".wizard-" in path.name for path in holding), f"a secret in {holding}"
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in holding)
    if first.ended not in {"killed", "ok"}:
        told = os.strerror(getattr(errno, "ENOSPC" if kind == "cut" else kind))
        assert told in first.text, f"a message that does not fit: {first.text}"
        stored = secret_of(place, answers)[0] if answers.text("principal.kind") == "user" else ""
        users = [u["UserName"] for u in _users(sandbox)]
        keys = active_keys(engine) if "remotion-user" in users else []
        assert not keys or keys == [stored], "a key whose secret has no place was left"
    disk.quiet()
    again = plan_for(engine, answers)
    assert not again.problems, again.problems
    if again.writing:
        end = list(engine.apply(again))[-1]
        assert isinstance(end, Finished) and end.ok, end
    else:
        engine.settle(again)
    assert state(engine) == reference, "the account differs"
    key_id, secret = secret_of(place, answers)
    assert active_keys(engine) == [key_id] and secret == sandbox.wire.secrets[-1]
    assert files_with(sandbox.wire.secrets, place) == {home}
    assert (place.project / ".gitignore").read_text() == "/.env\n"
    assert engine.unfinished_runs() == ()
    return first.ended


def _users(sandbox: Sandboxed) -> list[dict[str, Any]]:
    from tests.engine.support import iam

    found: list[dict[str, Any]] = iam(sandbox.engine).list_users()["Users"]
    return found


@pytest.mark.parametrize("kind", ["ENOSPC", "EROFS"])
def test_answers_that_can_not_be_saved_are_told_before_anything_is_changed(
    sandbox: Sandboxed,
    disk: Disk,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    kind: str,
) -> None:
    place = sandbox.place
    given, saved = place.home / "answers.toml", place.home / "saved.toml"
    given.write_text("version = 1\n")
    saved.write_text("version = 1\n# the old ones\n")
    monkeypatch.setattr("wizard.commands.apply.open_engine", lambda _options: sandbox.engine)
    monkeypatch.setattr(sandbox.engine, "_target", lambda *_: sandbox.target)
    command = ["setup", "--answers", str(given), "--yes", "--save-answers", str(saved)]
    disk.quiet()
    disk.at, disk.kind = 1, kind
    assert main(command) == 1
    said = capsys.readouterr().err
    assert os.strerror(getattr(errno, kind)) in said and "The answers file" in said
    assert saved.read_text() == "version = 1\n# the old ones\n"
    assert not sandbox.wire.secrets and "CreateRole" not in sandbox.wire.calls
    disk.quiet()
    assert main(command) == 0
    assert read_answers(saved)
