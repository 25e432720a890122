"""Measures `check` beside Remotion's own `policies validate`: `python tests/bench/check.py [--runs 7]`.

Both are whole processes against the same sandbox server, which answers every call 80 ms late, in turns, so that what else
the machine does hits both alike. Ours checks the user and the render role, also for what they must not do; Remotion's checks
what its user may do. Memory is that of the largest process of each. Remotion's CLI is installed into .tools/ where it is
absent.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.bench.quotas import LATENCY_MS, Served
from tests.bench.startup import program
from tests.sandbox import remotion_cli

USER: Final = "remotion-user"
OURS: Final = "remotion-lambda-wizard check --user … --role …"
REMOTION: Final = f"npx remotion lambda policies validate ({remotion_cli.VERSION})"
TIME_TARGET: Final = 0.35  # of what Remotion's command takes, in medians
MEMORY_TARGET: Final = 0.7
PROBES_TARGET: Final = 2.0


@dataclass(frozen=True)
class Run:
    """One process: the seconds it took, its memory in MB, and how many questions it answered."""

    seconds: float
    memory: float
    probes: int


def run(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> tuple[str, float, float]:
    """Run a command to its end; its output, the seconds and the memory that it took."""
    with tempfile.TemporaryFile("w+") as output:
        began = time.perf_counter()
        child = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
        _, status, usage = os.wait4(child.pid, 0)
        taken = time.perf_counter() - began
        child.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read()
    if child.returncode != 0:
        raise SystemExit(f"{' '.join(command)} ended with {child.returncode}:\n{text}")
    unit = 1 if platform.system() == "Darwin" else 1024
    return text, taken, usage.ru_maxrss * unit / 1e6


def ours(server: Served, home: Path, key: tuple[str, str]) -> Run:
    """Run our check; everything must hold."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), **server.variables}
    url = environment.pop("AWS_ENDPOINT_URL")
    who = ["--user", USER, "--role", remotion_cli.ROLE]
    text, seconds, memory = run([program(), "check", *who, "--json", "--endpoint-url", url], home, environment)
    return Run(seconds, memory, _probes(json.loads(text)))


def _probes(report: Mapping[str, Any]) -> int:
    """How many questions of permission were answered: one an action that is needed, and each that must be denied."""
    if not report["ok"] or report["summary"]["unknown"]:
        raise SystemExit(f"The check does not hold:\n{json.dumps(report, indent=1)}")
    needed = [f for f in report["findings"] if ".permission." in f["id"]]
    refused: list[str] = [f["detail"] for f in report["findings"] if ".least-privilege." in f["id"]]
    asked: list[str] = [
        action for detail in refused for action in detail.partition(": denied")[0].split() if ":" in action
    ]
    return len(needed) + len(asked)


def remotions(server: Served, home: Path, key: tuple[str, str]) -> Run:
    """Run Remotion's check; everything must hold."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "AWS_ENDPOINT_URL": server.variables["AWS_ENDPOINT_URL"],
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_REGION": "us-east-1",
        "REMOTION_AWS_REGION": "us-east-1",
        "REMOTION_AWS_ACCESS_KEY_ID": key[0],
        "REMOTION_AWS_SECRET_ACCESS_KEY": key[1],
        "NO_COLOR": "1",
        "CI": "1",
    }
    command = [shutil.which("npx") or "npx", "--no-install", "remotion", "lambda", "policies", "validate"]
    text, seconds, memory = run(command, remotion_cli.folder(), environment)
    if "❌" in text:
        raise SystemExit(f"Remotion's check does not hold:\n{text}")
    return Run(seconds, memory, text.count("✅"))


def measure(runs: int) -> dict[str, list[Run]]:
    """Take turns; the first turn warms the caches and does not count."""
    import boto3

    found: dict[str, list[Run]] = {OURS: [], REMOTION: []}
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        server = Served(home)
        try:
            session = boto3.Session(
                server.variables["AWS_ACCESS_KEY_ID"],
                server.variables["AWS_SECRET_ACCESS_KEY"],
                region_name="us-east-1",
            )
            url = server.variables["AWS_ENDPOINT_URL"]
            key = remotion_cli.set_up(
                lambda service: session.client(service, endpoint_url=url),  # type: ignore[call-overload]
                remotion_cli.statements("user"),
            )
            for turn in range(runs + 1):
                for what, take in ((OURS, ours), (REMOTION, remotions)):
                    one = take(server, home, key)
                    if turn:
                        found[what].append(one)
        finally:
            server.close()
    return found


def main() -> int:
    """Print the table and the verdict; 1 if a target is missed."""
    parser = argparse.ArgumentParser(description="Measures the check beside Remotion's own.")
    parser.add_argument("--runs", type=int, default=7, metavar="N", help="how often to run each (7)")
    runs = max(1, parser.parse_args().runs)
    try:
        remotion_cli.folder()
    except remotion_cli.Unavailable as error:
        print(f"There is nothing to measure beside: {error}", file=sys.stderr)
        return 1
    found = measure(runs)
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    print(
        f"Python {platform.python_version()}, {os.cpu_count()} cores{load}, {LATENCY_MS} ms a call, {runs} runs each\n"
    )
    print(f"{'':58} seconds    min    max     MB  questions")
    for what, taken in found.items():
        seconds = [one.seconds for one in taken]
        memory = statistics.median(one.memory for one in taken)
        print(
            f"{what:58} {statistics.median(seconds):7.3f} {min(seconds):6.3f} {max(seconds):6.3f} {memory:6.1f} "
            f"{taken[0].probes:6}"
        )
    print()
    missed = False
    for what, value, met, target in _verdicts(found):
        missed |= not met
        print(f"{what:10} ratio {value:.3f}, target {target}: {'met' if met else 'MISSED'}")
    return int(missed)


def _verdicts(found: Mapping[str, list[Run]]) -> list[tuple[str, float, bool, str]]:
    seconds, memory, probes = (
        statistics.median(getattr(one, what) for one in found[OURS])
        / statistics.median(getattr(one, what) for one in found[REMOTION])
        for what in ("seconds", "memory", "probes")
    )
    return [
        ("time", seconds, seconds <= TIME_TARGET, f"≤ {TIME_TARGET}"),
        ("memory", memory, memory <= MEMORY_TARGET, f"≤ {MEMORY_TARGET}"),
        ("questions", probes, probes >= PROBES_TARGET, f"≥ {PROBES_TARGET:g}"),
    ]


if __name__ == "__main__":
    raise SystemExit(main())
