"""The wizard is killed at a random moment, and the next run ends as if nothing had happened: an onboarding, a change of the key.

A plain run kills a few times; KILLS=100 does it a hundred times. The moments are drawn over what reaches AWS, not over time.
"""

from __future__ import annotations

import os
import random
import subprocess
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.endtoend.terminal import PROMPT, Terminal, missing
from tests.endtoend.watched import Watched, watched

_KILLS = int(os.environ.get("KILLS", "3"))
_ROTATIONS = _KILLS if "KILLS" in os.environ else 2
_SEED = int(os.environ.get("KILLS_SEED", "7"))
_PARTS = 2 if _KILLS >= 20 else 1  # each with an account of its own, so that they can run side by side
_MOST_RUNS = 3
_FIRST_WRITE = "CreateRole"
Figures = Callable[[str, object], None]


@dataclass(frozen=True)
class Moment:
    """When the process is killed: at which call, on which side of it, and how many seconds later."""

    call: int  # 0: while the program starts
    side: str  # before: the call never arrives; after: it is answered, but nobody hears it; later: in the time after it
    delay: float = 0.0

    def __str__(self) -> str:
        return f"{self.side} call {self.call}" + (f" by {self.delay:.3f} s" if self.delay else "")


def draw(chance: random.Random, calls: int) -> Moment:
    """Draw a moment; the time between two calls is as likely as the calls themselves."""
    call = chance.randint(0, calls)
    side = chance.choice(("before", "after", "later")) if call else "later"
    return Moment(call, side, chance.uniform(0.0, 0.5 if call == 0 else 0.05) if side == "later" else 0.0)


def arm(account: Watched, moment: Moment, kill: Callable[[], None]) -> None:
    """Have the process killed at a moment."""

    def before(number: int, _operation: str) -> bool:
        if number == moment.call and moment.side == "before":
            kill()
            return True
        return False

    def after(number: int, _operation: str) -> None:
        if number == moment.call and moment.side == "after":
            kill()
        elif number == moment.call and moment.side == "later":
            threading.Timer(moment.delay, kill).start()

    account.before, account.after = before, after
    if moment.call == 0:
        threading.Timer(moment.delay, kill).start()


def run_until_it_ends_well(account: Watched, command: list[str]) -> tuple[int, str]:
    """Run the same again, as often as a person would; how often that was, and what was said."""
    account.before = account.after = None
    said = ""
    for run in range(1, _MOST_RUNS + 1):
        code, text = account.run(command)
        said += text
        if code == 0:
            return run, said
    raise AssertionError(f"it does not end well in {_MOST_RUNS} runs:\n{said}")


@pytest.mark.parametrize("part", range(_PARTS))
def test_killed_at_random_moments_the_same_run_again_ends_well(
    tmp_path: Path, part: int, record_property: Figures
) -> None:
    chance = random.Random(_SEED * 1000 + part)
    tried, survived, cut, wrong = 0, 0, Counter[str](), []
    with watched(tmp_path) as account:
        code, said = account.run(account.apply)
        assert code == 0, said
        calls, reference = len(account.calls), account.account()
        account.check_the_end(reference, said)
        for _ in range(_KILLS // _PARTS):
            moment = draw(chance, calls)
            account.start_over()
            tried += 1
            try:
                cut[_survives(account, moment, reference)] += 1
                survived += 1
            except (AssertionError, subprocess.TimeoutExpired) as error:
                wrong.append(f"killed {moment}: {error}")
    record_property("figures", f"unattended: killed {tried} times over {calls} calls, survived {survived} {dict(cut)}")
    assert not wrong, "\n".join(wrong)


def _survives(account: Watched, moment: Moment, reference: str) -> str:
    """Kill a run, run again, and look; return what was cut off."""
    with account.start(account.apply) as process:
        arm(account, moment, process.kill)
        out, err = process.communicate(timeout=120)
    phase = _phase(account.calls) if process.returncode else "nothing: it had ended"
    account.check_after_the_fault(out + err)
    _, said = run_until_it_ends_well(account, account.apply)
    account.check_the_end(reference, said)
    return phase


def _phase(calls: list[str]) -> str:
    if _FIRST_WRITE not in calls:
        return "reading"
    return "checking" if calls.count("GetCallerIdentity") > 1 else "changing"


@pytest.mark.parametrize("part", range(_PARTS))
def test_a_change_of_the_key_that_is_killed_leaves_one_that_works(
    tmp_path: Path, part: int, record_property: Figures
) -> None:
    chance = random.Random(_SEED * 2000 + part)
    tried, survived, cut, wrong = 0, 0, Counter[str](), []
    with watched(tmp_path) as account:
        code, said = account.run(account.apply)
        assert code == 0, said
        account.add_inactive_key()
        account.calls.clear()
        code, said = account.run(account.rotate)
        assert code == 0, said
        calls = len(account.calls)
        for _ in range(_ROTATIONS // _PARTS):
            moment, alone = draw(chance, calls), chance.random() < 0.5
            tried += 1
            try:
                cut[_keeps_a_key(account, moment, alone)] += 1
                survived += 1
            except (AssertionError, subprocess.TimeoutExpired) as error:
                wrong.append(f"killed {moment}{', one key' if alone else ''}: {error}")
    record_property("figures", f"rotation: killed {tried} times over {calls} calls, survived {survived} {dict(cut)}")
    assert not wrong, "\n".join(wrong)


def _keeps_a_key(account: Watched, moment: Moment, alone: bool) -> str:
    """Kill a change of the key, look, run again, and look; return what was cut off. `alone`: there is no old key left."""
    if alone:
        account.delete_inactive_keys()
    account.calls.clear()
    before = account.stored_key()
    with account.start(account.rotate) as process:
        arm(account, moment, process.kill)
        out, err = process.communicate(timeout=120)
    phase = _phase_of_change(account.calls, before != account.stored_key()) if process.returncode else "nothing"
    account.before = account.after = None
    account.check_after_the_fault(out + err)
    account.check_that_the_key_works()
    _, said = run_until_it_ends_well(account, account.rotate)
    account.check_after_the_fault(said)
    account.check_that_the_key_works()
    statuses = account.keys()
    assert [key for key, status in statuses.items() if status == "Active"] == [account.stored_key()], statuses
    assert account.engine.unfinished_runs() == ()
    return phase


def _phase_of_change(calls: list[str], is_stored: bool) -> str:
    if "UpdateAccessKey" in calls:
        return "the old key deactivated"
    if is_stored:
        return "stored"
    return "made" if "CreateAccessKey" in calls else "before"


@pytest.mark.terminal
@pytest.mark.skipif(bool(missing()), reason=missing())
@pytest.mark.thorough
def test_killed_in_the_full_screen_wizard_too(tmp_path: Path, record_property: Figures) -> None:
    chance = random.Random(_SEED)
    moments = []
    with watched(tmp_path) as account:
        assert account.run(account.apply)[0] == 0
        first = account.calls.index(_FIRST_WRITE)
        writes = len(account.calls[first : account.calls.index("GetUser", first)])
        reference = account.account()
        for _ in range(max(1, _KILLS // 20)):
            account.start_over()
            moment = Moment(chance.randint(1, writes), chance.choice(("before", "after")))
            moments.append(str(moment))
            command = [*account.command, "--answers", str(account.answers), "--ask", "credentials", *account.at]
            with Terminal(command, account.project, account.environment) as terminal:
                terminal.wait_for("9 Credentials")
                terminal.press_until("Enter", " 10 Review  ")
                terminal.wait_for("Apply ")
                account.calls.clear()  # the next call is the first of the apply, but for reads that are under way
                pid = terminal.child()
                arm(account, moment, lambda pid=pid: os.kill(pid, 9))  # type: ignore[misc]
                terminal.press("BTab")
                terminal.press("Enter")
                terminal.wait_for(f"{PROMPT}, code 137")
                said = terminal.everything()
            account.check_after_the_fault(said)
            _, said = run_until_it_ends_well(account, account.apply)
            account.check_the_end(reference, said)
    record_property("figures", f"full screen: killed {len(moments)} times, survived {len(moments)}: {moments}")
