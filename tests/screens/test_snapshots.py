"""Pictures of every step at both sizes. After a change that is meant: pytest --snapshot-update, and look at them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from screens.app import WizardApp
from screens.widgets.notes import Busy
from tests.screens.support import FakeEngine, Person, denied, identity, session_at
from tests.screens.test_found import EVERYTHING
from tests.screens.test_output_bucket import FOREIGN, MINE, with_buckets
from tests.thorough import mostly_thorough
from wizard.collect.answers import Answers
from wizard.collect.session import Session
from wizard.collect.steps import STEPS
from wizard.quotas.limits import RegionQuota, State

Compare = Callable[..., bool]
SIZES = mostly_thorough([(80, 24), (120, 40)], {(80, 24)})


@pytest.fixture(autouse=True)
def _frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time, spinners and cursors stand still."""
    monkeypatch.setattr(Input, "_toggle_cursor", lambda _self: None)
    monkeypatch.setattr(Busy, "_advance", lambda _self: None)


def _ready(fake: FakeEngine, step: str, **values: Any) -> WizardApp:
    app = WizardApp(fake, session_at(step, **values))
    app.known.identity, app.known.project, app.known.project_folder = identity(), fake.project, "."
    app.animation_level = "none"
    return app


def _after(*keys: str) -> Callable[[Pilot[Any]], Awaitable[None]]:
    async def press(pilot: Pilot[Any]) -> None:
        person = Person(pilot)
        await person.settled()
        await person.press(*keys)

    return press


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "120x40"])
@pytest.mark.parametrize("step", [s.id for s in STEPS if s.kind != "apply"])
def test_step(fake: FakeEngine, snap_compare: Compare, step: str, size: tuple[int, int]) -> None:
    assert snap_compare(_ready(fake, step), terminal_size=size, run_before=_after())


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "120x40"])
@pytest.mark.parametrize("keys", [(), ("enter", "enter", "space")], ids=["list", "questions"])
def test_what_is_there(fake: FakeEngine, snap_compare: Compare, keys: tuple[str, ...], size: tuple[int, int]) -> None:
    fake.holds = EVERYTHING
    assert snap_compare(_ready(fake, "found"), terminal_size=size, run_before=_after(*keys))


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "120x40"])
def test_extras(fake: FakeEngine, snap_compare: Compare, size: tuple[int, int]) -> None:
    app = _ready(fake, "extras", extras__insights=True, extras__vpc=True, extras__operator=["monitor"])
    assert snap_compare(app, terminal_size=size, run_before=_after())


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "120x40"])
@pytest.mark.parametrize(
    ("bucket", "keys"),
    [("", ("down", "down")), (MINE, ()), (FOREIGN, ("ctrl+n",))],
    ids=["picking", "own", "foreign"],
)
def test_output_bucket(
    fake: FakeEngine, snap_compare: Compare, bucket: str, keys: tuple[str, ...], size: tuple[int, int]
) -> None:
    with_buckets(fake)
    app = _ready(fake, "output-bucket", output_bucket__name=bucket)
    assert snap_compare(app, terminal_size=size, run_before=_after(*keys))


@pytest.mark.parametrize("bucket", [MINE, FOREIGN], ids=["own", "foreign"])
def test_what_is_granted_on_a_bucket(fake: FakeEngine, snap_compare: Compare, bucket: str) -> None:
    with_buckets(fake)
    app = _ready(fake, "output-bucket", output_bucket__name=bucket)
    assert snap_compare(app, terminal_size=(80, 24), run_before=_after("ctrl+o"))


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "120x40"])
@pytest.mark.parametrize("keys", [(), ("f6", "s", "s", "up")], ids=["yours", "all-regions"])
def test_quotas(fake: FakeEngine, snap_compare: Compare, keys: tuple[str, ...], size: tuple[int, int]) -> None:
    fake.limits |= {
        "eu-west-1": RegionQuota("eu-west-1", limit=1000, source="lambda", unreserved=700),
        "eu-central-2": RegionQuota("eu-central-2", State.OFF),
    }
    regions = ["us-east-1", "eu-west-1", "eu-central-2"]
    app = _ready(fake, "quotas", remotion__regions=regions, quotas__concurrent_executions=1000)
    assert snap_compare(app, terminal_size=size, run_before=_after(*keys))


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "120x40"])
def test_done_with_a_role(fake: FakeEngine, snap_compare: Compare, size: tuple[int, int]) -> None:
    role = {"principal__kind": "role", "principal__service": "ecs", "principal__name": "video-api"}
    assert snap_compare(_ready(fake, "done", **role), terminal_size=size, run_before=_after())


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "120x40"])
def test_apply(fake: FakeEngine, snap_compare: Compare, size: tuple[int, int]) -> None:
    async def apply(pilot: Pilot[Any]) -> None:
        person = Person(pilot)
        await person.settled()
        await person.go_to("apply")
        await person.press("enter")

    assert snap_compare(_ready(fake, "review"), terminal_size=size, run_before=apply)


@pytest.mark.parametrize("step", ["policies", "extras", "found", "review", "credentials"])
def test_preview_in_a_narrow_terminal(fake: FakeEngine, snap_compare: Compare, step: str) -> None:
    assert snap_compare(_ready(fake, step), terminal_size=(80, 24), run_before=_after("ctrl+o"))


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "120x40"])
def test_wrong_answers(fake: FakeEngine, snap_compare: Compare, size: tuple[int, int]) -> None:
    app = _ready(fake, "project", remotion__project="", remotion__version="latest", remotion__regions=[])
    assert snap_compare(app, terminal_size=size, run_before=_after("ctrl+n"))


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "120x40"])
def test_sign_in_refused(fake: FakeEngine, snap_compare: Compare, size: tuple[int, int]) -> None:
    fake.identity = denied()
    app = WizardApp(fake, session_at("identity"))
    assert snap_compare(app, terminal_size=size, run_before=_after())


@pytest.mark.parametrize("key", ["f1", "ctrl+p", "f2"])
def test_dialogs(fake: FakeEngine, snap_compare: Compare, key: str) -> None:
    assert snap_compare(_ready(fake, "policies"), terminal_size=(80, 24), run_before=_after(key))


@pytest.mark.parametrize("step", mostly_thorough(["start", "policies", "review"], {"policies"}))
def test_light(fake: FakeEngine, snap_compare: Compare, step: str) -> None:
    app = _ready(fake, step)
    app.theme = "remotion-day"
    assert snap_compare(app, terminal_size=(120, 40), run_before=_after())


def test_no_colour(fake: FakeEngine, snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(_ready(fake, "policies"), terminal_size=(120, 40), run_before=_after())


def test_sandbox_badge(fake: FakeEngine, snap_compare: Compare) -> None:
    fake.place = lambda: "SANDBOX"  # type: ignore[method-assign]
    app = WizardApp(fake, Session(Answers()))
    assert snap_compare(app, terminal_size=(40, 10), run_before=_after())
