"""Fixtures of the screens' tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.screens.support import FakeEngine
from wizard.engine import Engine, Options


@pytest.fixture(autouse=True)
def _own_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine's settings for terminals don't count."""
    for name in ("TEXTUAL_THEME", "TEXTUAL_ANIMATIONS", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A Remotion project."""
    made = tmp_path / "video"
    made.mkdir()
    (made / "package.json").write_text('{"dependencies": {"@remotion/lambda": "4.0.527", "remotion": "4.0.527"}}')
    return made


@pytest.fixture
def fake(folder: Path) -> FakeEngine:
    """An engine that does what the test says."""
    return FakeEngine(folder)


@pytest.fixture
def sandbox(folder: Path) -> Engine:
    """The real engine on a fresh sandbox account."""
    return Engine(Options(sandbox="fresh", folder=folder))
