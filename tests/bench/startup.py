"""Measures how long the program takes to start, beside Remotion's own CLI: `python tests/bench/startup.py [--runs 10]`.

Whole processes, one after the other in turns, so that what else the machine does hits all of them alike. Remotion's CLI
is installed into .tools/ where it is absent.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.bench.first_frame import first_frame
from tests.sandbox import remotion_cli

# Each measurement with the most that it may take, in medians of `npx remotion lambda policies user`.
POLICIES = "remotion-lambda-wizard policies user"
WIZARD = "first frame of remotion-lambda-wizard"
SANDBOX = "first frame of remotion-lambda-wizard --sandbox"
REMOTION = f"npx remotion lambda policies user ({remotion_cli.VERSION})"
TARGETS = {POLICIES: 0.2, WIZARD: 0.5, SANDBOX: 0.5}


def program() -> str:
    """The installed command of the environment that runs this."""
    found = shutil.which("remotion-lambda-wizard", path=str(Path(sys.executable).parent))
    if found is None:
        raise SystemExit("remotion-lambda-wizard is not installed in this environment.")
    return found


def whole_process(command: Sequence[str], folder: Path, environment: dict[str, str]) -> float:
    """Run a command to its end and return the seconds that it took."""
    began = time.perf_counter()
    done = subprocess.run(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    taken = time.perf_counter() - began
    if done.returncode != 0 or "iam:" not in done.stdout:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return taken


def measure(runs: int) -> dict[str, list[float]]:
    """Take turns at all measurements; the first turn warms the caches and does not count."""
    ours = program()
    npx = shutil.which("npx") or "npx"
    remotion = remotion_cli.folder()
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        environment = {"PATH": os.environ["PATH"], "HOME": name}
        turns: dict[str, Callable[[], float]] = {
            POLICIES: lambda: whole_process([ours, "policies", "user"], home, environment),
            WIZARD: lambda: first_frame([ours], home, environment),
            SANDBOX: lambda: first_frame([ours, "--sandbox"], home, environment),
            REMOTION: lambda: whole_process(
                [npx, "--no-install", "remotion", "lambda", "policies", "user"], remotion, environment
            ),
        }
        taken: dict[str, list[float]] = {what: [] for what in turns}
        for run in range(runs + 1):
            for what, turn in turns.items():
                seconds = turn()
                if run:
                    taken[what].append(seconds)
    return taken


def main() -> int:
    """Print the table and the verdict; 1 if a target is missed."""
    parser = argparse.ArgumentParser(description="Measures start-up beside Remotion's own CLI.")
    parser.add_argument("--runs", type=int, default=10, metavar="N", help="how often to run each (10)")
    runs = max(1, parser.parse_args().runs)
    try:
        taken = measure(runs)
    except remotion_cli.Unavailable as error:
        print(f"There is nothing to measure beside: {error}", file=sys.stderr)
        return 1
    whole = statistics.median(taken[REMOTION])
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores{load}, {runs} runs each, seconds\n")
    print(f"{'':52} median    min    max  ratio  target")
    missed = False
    for what, seconds in taken.items():
        median = statistics.median(seconds)
        row = f"{what:52} {median:6.3f} {min(seconds):6.3f} {max(seconds):6.3f} {median / whole:6.3f}"
        if what in TARGETS:
            met = median / whole <= TARGETS[what]
            missed |= not met
            row += f" {'≤' if met else '>'} {TARGETS[what]}  {'met' if met else 'MISSED'}"
        print(row)
    print("\nAll targets met." if not missed else "\nA target is missed.")
    return int(missed)


if __name__ == "__main__":
    raise SystemExit(main())
