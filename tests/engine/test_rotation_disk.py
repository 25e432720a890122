"""A disk that is full or read-only, and a process that dies while it writes, during a change of the key.

At every kind of step the place holds a key that works, and the next run ends as an undisturbed one. FAULTS=all tries every step.
"""

from __future__ import annotations

import itertools
import os
from collections import Counter
from collections.abc import Callable, Iterator

from tests.engine import test_rotation as rotation
from tests.engine.support import Sandboxed
from tests.engine.test_disk import KINDS, Disk, disk

__all__ = ["disk"]  # pytest looks for the fixture here
_ALL = os.environ.get("FAULTS") == "all"
Figures = Callable[[str, object], None]


def _faults(steps: list[tuple[str, str]]) -> Iterator[tuple[int, str]]:
    """Each kind of step once, in turn, and more of the journal's records."""
    kinds, seen = itertools.cycle(KINDS), Counter[tuple[str, str]]()
    for number, step in enumerate(steps, 1):
        seen[step] += 1
        if _ALL:
            yield from ((number, kind) for kind in KINDS if _fits(kind, step[0]))
        elif seen[step] == 1 or (step == ("write", "journal") and seen[step] % 3 == 0):
            yield number, next(kind for kind in kinds if _fits(kind, step[0]))


def _fits(kind: str, does: str) -> bool:
    """Whether a step can fail so: only what is written can be cut; a file that was opened for the dead can't be closed."""
    return not (kind == "cut" and does != "write") and not (kind == "killed-after" and does == "fill")


def test_after_any_fault_at_any_write_of_a_key_change_the_place_holds_a_key_that_works(
    sandbox: Sandboxed, disk: Disk, record_property: Figures
) -> None:
    engine, place = sandbox.engine, sandbox.place
    ended, wrong = Counter[str](), []

    def anew() -> str:
        disk.quiet()
        sandbox.start_over()
        old = rotation.begin(engine, place)
        disk.quiet()
        return old

    anew()
    assert rotation.attempt(engine, rotation.rotating()) == "ok"
    steps = list(disk.steps)
    for number, kind in _faults(steps):
        old = anew()
        disk.at, disk.kind = number, kind
        try:
            ended[_keeps_a_key(sandbox, disk, old)] += 1
        except (AssertionError, OSError) as error:
            wrong.append(f"{kind} at {number}, {' '.join(steps[number - 1])}: {type(error).__name__} {error}")
    record_property("figures", f"disk, a change of the key: faults tried {len(wrong) + ended.total()}, {dict(ended)}")
    assert not wrong, "\n".join(wrong)


def _keeps_a_key(sandbox: Sandboxed, disk: Disk, old: str) -> str:
    engine, place, answers = sandbox.engine, sandbox.place, rotation.rotating()
    first = rotation.attempt(engine, answers)
    assert disk.struck, "it did not strike"
    killed = disk.dead
    disk.quiet()
    held, secret = rotation.stored(place)
    assert rotation.statuses(engine)[held] == "Active" and secret == rotation.right(held), "no key that works"
    had_ended = rotation.statuses(engine)[old] == "Inactive" and not engine.unfinished_runs()
    if not had_ended:
        assert rotation.attempt(engine, answers) == "ok"
    held, secret = rotation.stored(place)
    assert rotation.statuses(engine) == {old: "Inactive", held: "Active"} and secret == rotation.right(held)
    assert engine.unfinished_runs() == ()
    return "killed" if killed else first
