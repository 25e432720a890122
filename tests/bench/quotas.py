"""Measures `quotas --all-regions` beside Remotion's own `quotas`, which reads one region: `python tests/bench/quotas.py`.

Both are whole processes against the same sandbox server, which answers every call 80 ms late, in turns, so that what else
the machine does hits both alike. Remotion's CLI is installed into .tools/ where it is absent.
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
from pathlib import Path
from typing import Final

from tests.bench.startup import program
from tests.sandbox import remotion_cli
from wizard.quotas.limits import regions_of

LATENCY_MS: Final = 80
TARGET: Final = 1.0  # of the time that Remotion's command takes
OURS: Final = "remotion-lambda-wizard quotas --all-regions"
REMOTION: Final = f"npx remotion lambda quotas ({remotion_cli.VERSION}), one region"


class Served:
    """A sandbox server in a process of its own, as a person starts it."""

    def __init__(self, folder: Path) -> None:
        command = [program(), "sandbox", "serve", "--port", "0", "--latency", str(LATENCY_MS)]
        self._environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
        self._process = subprocess.Popen(command, env=self._environment, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.variables: dict[str, str] = {}
        for line in self._process.stdout:
            name, equals, value = line.strip().removeprefix("export ").partition("=")
            if equals and name.startswith("AWS_"):
                self.variables[name] = value
            if name == "AWS_SECRET_ACCESS_KEY":
                break

    def close(self) -> None:
        """Stop it."""
        self._process.terminate()
        self._process.wait()


def ours(server: Served, home: Path) -> float:
    """Run our command to its end and return the seconds that it took; every region must be in what it says."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), **server.variables}
    url = environment.pop("AWS_ENDPOINT_URL")
    command = [program(), "quotas", "--all-regions", "--json", "--endpoint-url", url]
    began = time.perf_counter()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    taken = time.perf_counter() - began
    regions = {quota["region"]: quota["value"] for quota in json.loads(done.stdout or "{}").get("quotas", [])}
    if done.returncode != 0 or regions != dict.fromkeys(regions_of("aws"), 10):
        raise SystemExit(f"It ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return taken


def remotions(server: Served, home: Path) -> float:
    """Run Remotion's command to its end and return the seconds that it took."""
    key, secret = server.variables["AWS_ACCESS_KEY_ID"], server.variables["AWS_SECRET_ACCESS_KEY"]
    began = time.perf_counter()
    done = remotion_cli.run(["quotas"], server.variables["AWS_ENDPOINT_URL"], key, secret, home)
    taken = time.perf_counter() - began
    if done.returncode != 0 or "Concurrency limit: 10" not in done.stdout:
        raise SystemExit(f"Remotion's command ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return taken


def main() -> int:
    """Print the table and the verdict; 1 if the target is missed."""
    parser = argparse.ArgumentParser(description="Measures quotas in all regions beside Remotion's in one.")
    parser.add_argument("--runs", type=int, default=10, metavar="N", help="how often to run each (10)")
    runs = max(1, parser.parse_args().runs)
    if shutil.which("npx") is None:
        print("There is nothing to measure beside: Node is not installed.", file=sys.stderr)
        return 1
    taken: dict[str, list[float]] = {OURS: [], REMOTION: []}
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        try:
            remotion_cli.folder()
        except remotion_cli.Unavailable as error:
            print(f"There is nothing to measure beside: {error}", file=sys.stderr)
            return 1
        server = Served(home)
        try:
            for run in range(runs + 1):  # the first turn warms the caches and does not count
                for what, turn in ((OURS, ours), (REMOTION, remotions)):
                    seconds = turn(server, home)
                    if run:
                        taken[what].append(seconds)
        finally:
            server.close()
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    print(
        f"Python {platform.python_version()}, {os.cpu_count()} cores{load}, {LATENCY_MS} ms a call, {runs} runs each\n"
    )
    print(f"{'seconds':52} median    min    max  ratio")
    whole = statistics.median(taken[REMOTION])
    for what, times in taken.items():
        median = statistics.median(times)
        print(f"{what:52} {median:6.3f} {min(times):6.3f} {max(times):6.3f} {median / whole:6.3f}")
    met = statistics.median(taken[OURS]) / whole <= TARGET
    print(f"\n{len(regions_of('aws'))} regions against one. Target: ratio ≤ {TARGET}. {'Met' if met else 'MISSED'}.")
    return int(not met)


if __name__ == "__main__":
    raise SystemExit(main())
