"""Every engine test runs on a machine of its own: an empty home with a project folder in it to stand in."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from pathlib import Path

import botocore.session
import pytest

from tests.engine.support import Place, Sandboxed
from wizard.engine import Engine, Options


@pytest.fixture(scope="session", autouse=True)
def shared_models() -> Iterator[None]:
    """Parse botocore's service models once a process: each session would read them anew, which is most of a test's time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.session, "create_loader", functools.cache(botocore.session.create_loader))
        yield


@pytest.fixture(autouse=True)
def place(isolated_home: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A home, a project in it, and a state folder beside; nothing else of this machine is seen."""
    for name in list(os.environ):
        if name.startswith("GIT_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    made = Place(isolated_home, isolated_home / "video", tmp_path_factory.mktemp("state"))
    made.project.mkdir(parents=True)
    monkeypatch.setenv("REMOTION_LAMBDA_WIZARD_STATE", str(made.state))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(made.home))
    monkeypatch.chdir(made.project)
    return made


@pytest.fixture
def engine(place: Place) -> Engine:
    """An engine at a fresh sandbox account, signed in as its administrator."""
    made = Engine(Options(sandbox="fresh", folder=place.project))
    made.connect()
    return made


@pytest.fixture
def sandbox(place: Place) -> Sandboxed:
    """The same with a way to put faults between engine and account."""
    return Sandboxed(place)
