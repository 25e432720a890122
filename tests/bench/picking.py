"""Measures picking a role among thousands: `python -m tests.bench.picking [--latency 80] [--keys 60]`.

The wizard runs in a terminal without a screen, beside `sandbox serve --scenario crowded` in a process of its own. What is
timed ends when the frame with the new rows has been made; nothing sleeps.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import urlopen

from textual.events import Key

from screens.app import WizardApp
from screens.principal import PrincipalScreen
from screens.widgets.field import FieldView
from screens.widgets.picker import Picker, PickLine, PickList
from tests.screens.support import Person, session_at
from wizard.account.roles import RoleEntry
from wizard.engine import Engine, Options

FIRST_PAGE = 2.0  # round trips until the first rows are shown, at most
FILTER = 0.1  # seconds from a key to the rows that match, at most (95 of 100)
GROWTH = 10.0  # megabytes that 5,000 roles may take
WORDS = ("video", "billing thumb", "prod-role-use1", "search email worker", "checkout", "nobody")


@dataclass
class Figures:
    """What was measured."""

    latency: float
    first_page: float = 0.0
    first_requests: int = 0
    all_pages: float = 0.0
    keys: list[float] = field(default_factory=list)
    keys_while_loading: list[float] = field(default_factory=list)
    held: float = 0.0
    peak: float = 0.0
    resident: float = 0.0

    @property
    def round_trips(self) -> float:
        """The time to the first page in round trips."""
        return self.first_page / self.latency


@contextmanager
def crowded(latency_ms: int, home: Path) -> Iterator[dict[str, str]]:
    """Serve the account; yields what leads the AWS clients there."""
    command = [sys.executable, "-m", "wizard", "sandbox", "serve", "--scenario", "crowded", "--port", "0"]
    command += ["--latency", str(latency_ms)]
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONUNBUFFERED": "1"}
    environment["REMOTION_LAMBDA_WIZARD_STATE"] = str(home / "server")
    served = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        assert served.stdout is not None
        said: dict[str, str] = {}
        for line in served.stdout:
            name, equals, value = line.strip().removeprefix("export ").partition("=")
            if equals and name.startswith("AWS_"):
                said[name] = value.strip("'\"")
            if {"AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} <= said.keys():
                break
        urlopen(f"{said['AWS_ENDPOINT_URL']}/_sandbox/health").close()
        yield said
    finally:
        served.terminate()
        served.wait()


class Watched(Engine):
    """An engine that notes when each page was asked for."""

    asked = 0

    def role_pages(self) -> Iterator[tuple[RoleEntry, ...]]:
        pages = super().role_pages()
        while True:
            self.asked += 1
            page = next(pages, None)
            if page is None:
                return
            yield page


async def measure(latency_ms: int, keys: int, folder: Path, endpoint: str) -> Figures:
    """Come to the question for a role, wait for its rows, and press keys."""
    figures = Figures(latency_ms / 1000)
    engine = Watched(Options(endpoint_url=endpoint, region="us-east-1", folder=folder))
    app = WizardApp(engine, session_at("project", principal__kind="role"))
    async with app.run_test(size=(80, 24)) as pilot:
        person = Person(pilot)
        await app.connect()
        await person.settled()
        app.go_next()
        await until(lambda: isinstance(app.screen, PrincipalScreen) and app.screen.focused is not None)
        picker = app.screen.query_one("#principal--name--2", FieldView).control
        assert isinstance(picker, Picker)
        line, rows = picker.query_one(PickLine), picker.query_one(PickList)
        line.focus()
        began = await until(lambda: bool(line.region.height))
        figures.first_page = await until(lambda: bool(rows.entries and rows.region.height)) - began
        figures.first_requests = engine.asked
        words = keystrokes()
        while "loading" in str(picker.query_one(".pick-count").render()):
            figures.keys_while_loading.append(await key(person, rows, next(words)))
        figures.all_pages = time.perf_counter() - began
        await person.settled()
        figures.keys = [await key(person, rows, next(words)) for _ in range(keys)]
    return figures


async def choosing(latency_ms: int, folder: Path, endpoint: str, *, weigh: bool) -> Figures:
    """Choose the role in place of the user, when the step has been on screen for a moment; `weigh` the list or not."""
    figures = Figures(latency_ms / 1000)
    engine = Watched(Options(endpoint_url=endpoint, region="us-east-1", folder=folder))
    app = WizardApp(engine, session_at("project"))
    async with app.run_test(size=(80, 24)) as pilot:
        person = Person(pilot)
        await app.connect()
        app.go_next()
        await person.settled()
        picker = app.screen.query_one("#principal--name--2", FieldView).control
        assert isinstance(picker, Picker)
        rows = picker.query_one(PickList)
        gc.collect()
        if weigh:  # it slows everything down
            tracemalloc.start()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        began = time.perf_counter()
        app.post_message(Key("down", None))  # "the role of an AWS service"
        await until(lambda: bool(picker.query_one(".pick-count").parent and picker.region.height))
        picker.query_one(PickLine).focus()
        figures.first_page = await until(lambda: bool(rows.entries and rows.region.height)) - began
        await person.settled()
        gc.collect()
        if weigh:
            held, peak = tracemalloc.get_traced_memory()
            figures.held, figures.peak = held / 1e6, peak / 1e6
            tracemalloc.stop()
        figures.resident = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    return figures


async def until(holds: Callable[[], bool]) -> float:
    """Wait until something holds on screen; return when that was."""
    while not holds():
        await asyncio.sleep(0)
    return time.perf_counter()


def keystrokes() -> Iterator[str]:
    """Keys that type words letter by letter and clear the line after each."""
    while True:
        for word in WORDS:
            yield from word
            yield "ctrl+u"


async def key(person: Person, rows: PickList, pressed: str) -> float:
    """Press a key and return the seconds until the frame with its rows is made."""
    drawn = asyncio.Event()
    shown, name = rows.show, {" ": "space", "-": "minus"}.get(pressed, pressed)

    def show(*arguments: object, **named: object) -> None:
        shown(*arguments, **named)  # type: ignore[arg-type]
        person.app.screen.call_after_refresh(drawn.set)

    rows.show = show  # type: ignore[method-assign]
    began = time.perf_counter()
    person.app.post_message(Key(name, pressed if len(pressed) == 1 else None))
    await drawn.wait()
    person.app.screen._compositor.render_strips()
    rows.show = shown  # type: ignore[method-assign]
    return time.perf_counter() - began


def quantile(values: list[float], share: float) -> float:
    """The value that `share` of all do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def main() -> int:
    """Print the figures and the verdict; 1 if a target is missed."""
    parser = argparse.ArgumentParser(description="Measures picking a role among 5,000.")
    parser.add_argument("--latency", type=int, default=80, metavar="MS", help="of every answer of the account (80)")
    parser.add_argument("--keys", type=int, default=60, metavar="N", help="how many key presses (60)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        for variable in [v for v in os.environ if v.startswith(("AWS_", "REMOTION_"))]:
            del os.environ[variable]
        os.environ |= {"HOME": name, "REMOTION_LAMBDA_WIZARD_STATE": str(home / "state")}
        (home / "package.json").write_text("{}", encoding="utf-8")
        with crowded(options.latency, home) as said:
            os.environ |= said
            endpoint = os.environ.pop("AWS_ENDPOINT_URL")
            timed = asyncio.run(measure(options.latency, options.keys, home, endpoint))
            chosen = asyncio.run(choosing(options.latency, home, endpoint, weigh=False))
            weighed = asyncio.run(choosing(options.latency, home, endpoint, weigh=True))
    loading, keys = timed.keys_while_loading, timed.keys
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores{load}, latency {options.latency} ms\n")
    rows = [
        ("first rows after the question's first frame", first(timed), f"≤ {FIRST_PAGE}"),
        ("open list after choosing “the role of …”", f"{chosen.first_page * 1000:.0f} ms, all of it drawing", ""),
        ("requests begun until then", str(timed.first_requests), ""),
        ("all 5,000 shown, with keys pressed meanwhile", f"{timed.all_pages:.1f} s", ""),
        (f"key to rows ({len(keys)} keys)", spread(keys), f"p95 ≤ {FILTER * 1000:.0f} ms"),
        (f"key to rows while loading ({len(loading)} keys)", spread(loading), f"p95 ≤ {FILTER * 1000:.0f} ms"),
        ("memory held by Python for the roles", f"{weighed.held:.1f} MB", f"≤ {GROWTH:.0f} MB"),
        ("memory at its peak while they are read", f"{weighed.peak:.1f} MB", ""),
        ("growth of the process", f"{chosen.resident:.1f} MB", ""),
    ]
    for what, figure, target in rows:
        print(f"{what:48} {figure:34} {target}")
    missed = timed.round_trips > FIRST_PAGE or weighed.held > GROWTH
    missed |= quantile(keys, 0.95) > FILTER or quantile(loading, 0.95) > FILTER
    print("\nA target is missed." if missed else "\nAll targets met.")
    return int(missed)


def first(figures: Figures) -> str:
    """The time to the first page."""
    return f"{figures.first_page * 1000:.0f} ms, {figures.round_trips:.1f} round trips"


def spread(values: list[float]) -> str:
    """Median, 95 of 100 and the worst, in milliseconds."""
    if not values:
        return "none"
    return (
        " / ".join(f"{v * 1000:.0f}" for v in (statistics.median(values), quantile(values, 0.95), max(values))) + " ms"
    )


if __name__ == "__main__":
    raise SystemExit(main())
