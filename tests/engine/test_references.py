"""Profile references: what is kept of a run, what the next start may go on with, and when there is no keyring to keep it."""

from __future__ import annotations

import io
import json
import string
import sys
import textwrap
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import keyring
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keyring.backend import KeyringBackend
from keyring.backends import chainer, fail, null
from keyring.compat import properties
from keyring.errors import KeyringLocked

from tests.engine.support import ACCOUNT, Place
from tests.prompts.test_walk import answering
from wizard.account.snapshot import Identity
from wizard.cli import main
from wizard.collect.answers import Answers
from wizard.collect.session import Session
from wizard.collect.steps import BY_ID
from wizard.commands.shared import say_what_is_not_kept
from wizard.engine import Engine, Options
from wizard.handover import system_keyring
from wizard.handover.references import (
    MOST_HOURS,
    Reference,
    ReferenceGone,
    References,
    place_of,
    read_reference,
    reference_of,
)
from wizard.handover.references import (
    clock as clock_text,
)
from wizard.handover.system_keyring import NO_KEYRING, SERVICE, TURNED_OFF, Outcome, Step, SystemKeyring
from wizard.problem import ExitCode
from wizard.prompts.walk import LineMode

NOW: Final = datetime(2026, 11, 21, 9, 40, tzinfo=UTC)
USER: Final = f"arn:aws:iam::{ACCOUNT}:user/remotion-user"
SANDBOX_NAME: Final = f"sandbox:fresh/{ACCOUNT}/remotion-user@us-east-1"
FIELDS: Final = {
    "version", "partition", "account", "principal", "region", "profile", "source", "created", "expires", "place",
}  # fmt: skip
SECRET: Final = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


@dataclass
class Memory:
    """A keyring in memory. `why_not` makes it one that can't be used; `begun` one that dies half-way."""

    entries: dict[str, str] = field(default_factory=dict)
    why_not: str = ""
    begun: bool = False
    asked: int = 0

    def run(self, steps: Sequence[Step]) -> Outcome:
        self.asked += 1
        if self.why_not:
            return Outcome(why_not=self.why_not, begun=self.begun)
        return Outcome(tuple(self._do(step) for step in steps), backend="memory", begun=True)

    def _do(self, step: Step) -> str | None:
        if step.do == "set":
            self.entries[step.name] = step.value
        elif step.do == "delete":
            self.entries.pop(step.name, None)
        return self.entries.get(step.name) if step.do == "get" else None


class Clock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.time = NOW

    def __call__(self) -> datetime:
        return self.time


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def kept(memory: Memory, clock: Clock, place: Place) -> References:
    return References(memory, place.state, clock)


def reference(**changes: Any) -> Reference:
    """What somebody worked with an hour ago."""
    created = NOW - timedelta(hours=1)
    made = Reference(
        "aws", ACCOUNT, USER, "us-east-1", "work", "profile work", created, created + timedelta(hours=12), ""
    )
    return replace(made, **changes)


def engine_at(place: Place, kept: References, hours: int = 12, **options: Any) -> Engine:
    """An engine that keeps references for so long."""
    chosen: dict[str, Any] = {"sandbox": "fresh", **options}
    return Engine(Options(folder=place.project, remember_hours=hours, **chosen), kept)


def index(place: Place) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((place.state / "references.json").read_text("utf-8"))
    return found


# What a run leaves behind


def test_what_was_worked_with_is_offered_to_the_next_start(
    place: Place, kept: References, memory: Memory, clock: Clock
) -> None:
    first = engine_at(place, kept)
    first.discover(Answers())
    assert kept.said() == ""
    [offered] = engine_at(place, kept).references()
    assert offered.name == SANDBOX_NAME
    assert offered.principal == USER
    assert offered.expires == clock() + timedelta(hours=12)
    data = json.loads(memory.entries[SANDBOX_NAME])
    assert set(data) == FIELDS and data["source"] == "sandbox administrator"
    clock.time += timedelta(hours=12)
    assert engine_at(place, kept).references() == ()
    assert memory.entries == {} and index(place)["references"] == {}


def test_a_check_keeps_one_too_and_a_run_keeps_each_once(place: Place, kept: References, memory: Memory) -> None:
    engine = engine_at(place, kept, hours=MOST_HOURS)
    answers = Answers().with_values({"start.goal": "diagnose"}, "you")
    engine.check(answers)
    engine.check(answers)
    kept.said()
    assert list(memory.entries) == [SANDBOX_NAME] and memory.asked == 1


def test_nothing_is_kept_where_it_is_not_wished(place: Place, kept: References, memory: Memory) -> None:
    engine_at(place, kept, hours=0).discover(Answers())
    kept.said()
    assert memory.asked == 0 and not (place.state / "references.json").exists()


def test_the_index_holds_names_and_expiry_only_and_is_private(kept: References, place: Place) -> None:
    kept.save(reference())
    assert index(place) == {
        "version": 1,
        "references": {f"{ACCOUNT}/remotion-user@us-east-1": reference().expires.isoformat()},
        "told": "",
    }
    assert (place.state / "references.json").stat().st_mode & 0o777 == 0o600


def test_without_an_index_the_keyring_is_left_alone(kept: References, memory: Memory) -> None:
    assert kept.read().references == () and memory.asked == 0


@pytest.mark.parametrize(
    ("options", "offered"),
    [
        ({"sandbox": ""}, ["aws"]),
        ({"sandbox": "fresh"}, ["fresh"]),
        ({"sandbox": "company"}, []),
        ({"sandbox": "", "endpoint_url": "http://localhost:4566/x?token=1"}, ["local"]),
        ({"sandbox": "", "profile": "other"}, []),
        ({"sandbox": "", "region": "eu-central-1"}, []),
    ],
    ids=str,
)
def test_a_reference_is_offered_only_where_it_was_made(
    place: Place, kept: References, options: dict[str, Any], offered: list[str]
) -> None:
    for where in ("", "sandbox:fresh", place_of("", "http://localhost:4566/path?token=1")):
        assert kept.save(reference(place=where)) == ""
    names = {"": "aws", "sandbox:fresh": "fresh", "http://localhost:4566": "local"}
    assert [names[r.place] for r in engine_at(place, kept, **options).references()] == offered


def test_the_newest_comes_first(kept: References) -> None:
    for hours, region in ((5, "eu-west-1"), (1, "us-east-1"), (3, "us-west-2")):
        kept.save(reference(region=region, created=NOW - timedelta(hours=hours)))
    assert [r.region for r in kept.read().references] == ["us-east-1", "us-west-2", "eu-west-1"]


# Going on


def test_going_on_signs_in_and_asks_aws_who_that_is(place: Place, kept: References) -> None:
    engine_at(place, kept).discover(Answers())
    kept.said()
    second = engine_at(place, kept)
    [offered] = second.references()
    assert second.go_on(offered).account == ACCOUNT
    assert second.discover(Answers()).principal.is_absent


@pytest.mark.parametrize("change", [{"account": "999999999999"}, {"partition": "aws-cn"}], ids=str)
def test_another_account_is_said_and_the_reference_is_deleted(
    place: Place, kept: References, memory: Memory, change: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    arn = USER.replace(ACCOUNT, change.get("account", ACCOUNT)).replace(":aws:", f":{change.get('partition', 'aws')}:")
    made = reference(principal=arn, place="sandbox:fresh", **change)
    monkeypatch.setattr(kept, "now", lambda: NOW)
    kept.save(made)
    engine = engine_at(place, kept)
    with pytest.raises(ReferenceGone) as caught:
        engine.go_on(made)
    assert "no longer" in caught.value.problem.title and ACCOUNT[:4] in caught.value.problem.detail
    assert caught.value.exit_code is ExitCode.NO_ACCESS
    assert memory.entries == {} and engine.references() == ()
    with pytest.raises(Exception, match="No AWS identity"):
        engine.connected()


def test_one_that_expires_while_it_is_offered_is_not_used(
    place: Place, kept: References, memory: Memory, clock: Clock
) -> None:
    made = reference(place="sandbox:fresh")
    kept.save(made)
    clock.time += timedelta(hours=11)
    with pytest.raises(ReferenceGone, match="expired"):
        engine_at(place, kept).go_on(made)
    assert memory.entries == {}


@pytest.mark.parametrize(
    ("principal", "gives"),
    [
        ("user/remotion-user", {"principal.kind": "user", "principal.name": "remotion-user"}),
        ("user/video/ada", {"principal.kind": "user", "principal.name": "ada", "principal.path": "/video/"}),
        ("role/render-api", {"principal.kind": "role", "principal.name": "render-api"}),
        ("role/a/b", {"principal.kind": "role", "principal.name": f"arn:aws:iam::{ACCOUNT}:role/a/b"}),
    ],
)
def test_going_on_fills_in_profile_region_and_caller(principal: str, gives: dict[str, str]) -> None:
    made = reference(principal=f"arn:aws:iam::{ACCOUNT}:{principal}", region="eu-west-1")
    assert made.answers() == {"identity.profile": "work", "remotion.regions": ["eu-west-1"], **gives}
    assert Answers().with_values(made.answers(), "resumed").problems() == {}


def test_what_was_answered_stays_and_what_was_filled_in_is_taken_back() -> None:
    session = Session(Answers().with_values({"remotion.regions": ["eu-west-1"]}, "--set"))
    session.set({"identity.profile": "other"})
    session.take_up(reference(principal=USER.replace("remotion-user", "ada")).answers())
    assert session.answers.text("identity.profile") == "work"
    assert session.answers.text("principal.name") == "ada"
    assert session.answers.texts("remotion.regions") == ("eu-west-1",)
    session.take_up(reference(profile="play").answers())
    assert (session.answers["identity.profile"], session.answers["principal.name"]) == ("play", "remotion-user")
    session.leave_behind()
    assert (session.answers["identity.profile"], session.answers["principal.name"]) == ("other", "remotion-user")
    assert "principal.name" not in session.answers.given


def test_a_role_that_somebody_named_is_not_mixed_with_a_user() -> None:
    session = Session(Answers().with_values({"principal.kind": "role", "principal.name": "render-api"}, "--set"))
    session.take_up(reference().answers())
    assert (session.answers["principal.kind"], session.answers["principal.name"]) == ("role", "render-api")


@pytest.mark.parametrize(
    ("hours", "says"),
    [(1, "18:40"), (6, "23:40"), (7, "tomorrow 00:40"), (30, "tomorrow 23:40"), (31, "2026-11-23 00:40")],
)
def test_the_time_is_told_in_the_persons_zone(hours: int, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "XXX-8")
    time.tzset()
    assert clock_text(NOW + timedelta(hours=hours), NOW) == says
    monkeypatch.undo()
    time.tzset()


# What is not used

DAMAGED: Final[dict[str, Any]] = {
    "no JSON": "{",
    "a list": "[]",
    "deep": "[" * 1000,
    "too long": "x" * 5_000,
    "another version": {"version": 2},
    "a version of another type": {"version": True},
    "one field more": {"secret": "x"},
    "lives too long": {"expires": (NOW + timedelta(hours=MOST_HOURS)).isoformat()},
    "lives for ever": {"expires": datetime.max.replace(tzinfo=UTC).isoformat()},
    "made in the future": {"created": (NOW + timedelta(seconds=1)).isoformat()},
    "expired": {"expires": NOW.isoformat()},
    "no time zone": {"created": "2026-11-21T08:40:00"},
    "no time": {"created": 5},
    "another account": {"account": "999999999999"},
    "an account of letters": {"account": "abcdefghijkl"},
    "a principal of another account": {"principal": USER.replace(ACCOUNT, "999999999999")},
    "a place that is none": {"place": "ftp://x"},
    "an escape in the profile": {"profile": "\x1b[31mred"},
    "a key id in the profile": {"profile": "AKIAIOSFODNN7EXAMPLE"},
    "a secret in the source": {"source": f"profile {SECRET}"},
    "null": {"profile": None},
}


@pytest.mark.parametrize("damage", DAMAGED.values(), ids=DAMAGED.keys())
def test_what_is_damaged_or_expired_is_deleted_and_never_used(kept: References, memory: Memory, damage: Any) -> None:
    made = reference()
    kept.save(made)
    text = damage if isinstance(damage, str) else json.dumps({**made.to_json(), **damage})
    memory.entries[made.name] = text
    assert kept.read().references == ()
    assert memory.entries == {} and kept.names() == ()


def test_what_the_index_calls_expired_is_deleted_unread(kept: References, memory: Memory, clock: Clock) -> None:
    kept.save(reference())
    memory.entries[reference().name] = "anything"
    clock.time += timedelta(hours=MOST_HOURS)
    assert kept.read().references == () and memory.entries == {} and kept.names() == ()


def test_the_index_alone_is_no_reference(kept: References, memory: Memory) -> None:
    kept.save(reference())
    memory.entries.clear()
    assert kept.read().references == () and kept.names() == ()


def test_an_entry_under_another_name_is_not_used(kept: References, memory: Memory) -> None:
    kept.save(reference())
    memory.entries[reference().name] = json.dumps(reference(region="eu-west-1").to_json())
    assert kept.read().references == () and memory.entries == {}


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"version": 1}', '{"version": 1, "references": [1], "told": ""}', "\x00", "{" * 9000]
)
def test_a_damaged_index_is_as_good_as_none(kept: References, place: Place, text: str) -> None:
    (place.state / "references.json").write_text(text, "utf-8")
    assert kept.read().references == ()
    assert kept.save(reference()) == "" and len(kept.read().references) == 1


KEY_IDS: Final = st.builds(
    lambda begin, rest: begin + rest,
    st.sampled_from(("AKIA", "ASIA")),
    st.text(string.ascii_uppercase + string.digits, min_size=16, max_size=16),
)
_BASE64: Final = string.ascii_letters + string.digits + "/+"
SECRETS: Final = st.one_of(
    KEY_IDS, st.text(_BASE64, min_size=40, max_size=40), st.text(_BASE64, min_size=200, max_size=900)
)
AROUND: Final = st.sampled_from(("", "profile ", " (work)", "x ", "-", ":", "…"))


@given(SECRETS, AROUND, AROUND, st.sampled_from(("profile", "source", "region", "principal")))
@settings(max_examples=60)
def test_no_secret_is_ever_kept_wherever_it_stands(
    tmp_path_factory: pytest.TempPathFactory, secret: str, before: str, after: str, where: str
) -> None:
    memory = Memory()
    kept = References(memory, tmp_path_factory.getbasetemp() / "secrets", lambda: NOW)
    text = before + secret + after
    identity = Identity(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/{text}", "aws", "us-east-1", "profile x")
    if where in {"profile", "source"}:
        given_text: dict[str, Any] = {where: text}
        identity = replace(identity, **given_text)
    principal = f"arn:aws:iam::{ACCOUNT}:user/{text}" if where == "principal" else USER
    region = text if where == "region" else "us-east-1"
    kept.save(reference_of(identity, principal, region, "", NOW, 12))
    for value in memory.entries.values():
        assert set(json.loads(value)) == FIELDS
        assert secret not in value


@given(st.text(max_size=200), st.text(max_size=200), st.sampled_from(("", "sandbox:fresh", "http://localhost:4566")))
@settings(max_examples=60)
def test_what_is_kept_is_read_back_as_it_was(profile: str, source: str, place: str) -> None:
    made = reference(profile=profile, source=source, place=place)
    back = read_reference(json.dumps(made.to_json()))
    assert back in {None, made}
    if profile.isprintable() and len(profile) < 128 and source.isprintable() and source and len(profile + source) < 99:
        assert back == made or len(json.dumps(made.to_json())) > 1_200


# No keyring that can be used


def test_without_a_keyring_it_works_and_is_said_once(place: Place, kept: References, memory: Memory) -> None:
    memory.why_not = NO_KEYRING
    engine_at(place, kept).discover(Answers())
    assert NO_KEYRING in kept.said()
    assert kept.said() == ""
    engine_at(place, kept).discover(Answers())
    assert kept.said() == "", "it was said on this machine"
    assert kept.names() == () and kept.read(ask_anyway=True).why_not == NO_KEYRING
    assert not any(ACCOUNT in path.read_text("utf-8") for path in place.state.glob("references*"))


def test_one_that_another_wizard_took_for_missing_stays_in_the_index(place: Place, clock: Clock) -> None:
    class Slow(Memory):
        def run(self, steps: Sequence[Step]) -> Outcome:
            if steps[0].do == "set":
                References(self, place.state, clock).read()
            return super().run(steps)

    kept = References(Slow(), place.state, clock)
    assert kept.save(reference()) == "" and [r.name for r in kept.read().references] == [reference().name]


def test_a_name_that_looks_like_a_secret_is_no_reason_to_blame_the_keyring(kept: References, memory: Memory) -> None:
    kept.save_soon(reference(profile=SECRET))
    assert kept.said() == "" and memory.asked == 0 and kept.names() == ()


def test_who_is_interrupted_does_not_wait_for_the_keyring(place: Place, clock: Clock) -> None:
    released = threading.Event()

    class Hanging(Memory):
        def run(self, steps: Sequence[Step]) -> Outcome:
            released.wait(20)
            return Outcome(why_not=NO_KEYRING)

    engine = engine_at(place, References(Hanging(), place.state, clock))
    engine.kept.save_soon(reference())
    try:
        raise KeyboardInterrupt
    except KeyboardInterrupt:
        say_what_is_not_kept(engine)
    assert not released.is_set()
    released.set()
    assert NO_KEYRING in engine.kept.said()


def test_what_may_have_been_written_before_the_time_ran_out_is_looked_for_later(
    kept: References, memory: Memory
) -> None:
    memory.why_not, memory.begun = "The keyring did not answer within 3.0 s.", True
    assert kept.save(reference()) == memory.why_not
    assert kept.names() == (reference().name,)
    shelf = kept.read()
    assert shelf.references == () and shelf.unread == (reference().name,)
    memory.why_not = ""
    assert kept.read().references == () and kept.names() == ()


def test_a_keyring_that_is_away_for_a_while_loses_nothing(kept: References, memory: Memory) -> None:
    kept.save(reference())
    memory.why_not = "The keyring is locked."
    assert kept.read().references == ()
    assert kept.save(reference(profile="other")) == memory.why_not
    memory.why_not = ""
    assert [r.profile for r in kept.read().references] == ["work"]


def test_without_an_index_nothing_goes_into_the_keyring(memory: Memory, place: Place) -> None:
    in_the_way = place.state / "file"
    in_the_way.write_text("")
    kept = References(memory, in_the_way / "folder")
    assert "index" in kept.save(reference()) and memory.asked == 0


def test_a_keyring_that_hangs_holds_nobody_up(place: Place, memory: Memory, clock: Clock) -> None:
    released = threading.Event()

    class Hanging(Memory):
        def run(self, steps: Sequence[Step]) -> Outcome:
            released.wait(20)
            return super().run(steps)

    kept = References(Hanging(), place.state, clock)
    engine = engine_at(place, kept)
    assert engine.discover(Answers()).principal.is_absent
    released.set()
    assert kept.said() == ""


# The system's keyring


OFF: Final[tuple[Any, ...]] = (fail.Keyring, null.Keyring)


class Fake(KeyringBackend):
    """A keyring of the tests, in memory."""

    importance = 5.0

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.entries: dict[tuple[str, str], str] = {}

    @properties.classproperty
    def priority(cls) -> float:
        return cls.importance

    def get_password(self, service: str, username: str) -> str | None:
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.entries[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.entries[service, username]


class NotRecommended(Fake):
    importance = 0.5


class Forgetful(Fake):
    def delete_password(self, service: str, username: str) -> None:
        pass

    def set_password(self, service: str, username: str, password: str) -> None:
        pass


class Sticky(Fake):
    def delete_password(self, service: str, username: str) -> None:
        pass


class Locked(Fake):
    def get_password(self, service: str, username: str) -> str | None:
        raise KeyringLocked("no")


class Broken(Fake):
    def set_password(self, service: str, username: str, password: str) -> None:
        raise OSError("org.freedesktop.DBus.Error.NoReply")


def plaintext() -> Fake:
    """Like the one of keyrings.alt, by name."""
    made: type[Fake] = type("PlaintextKeyring", (Fake,), {"__module__": "keyrings.alt.file"})
    return made()


def chain(*backends: KeyringBackend) -> Any:
    made: Any = type("Chain", (chainer.ChainerBackend,), {"backends": list(backends)})
    return made()


def asked(backend: Any, monkeypatch: pytest.MonkeyPatch, *steps: Step) -> list[dict[str, Any]]:
    """What the program says with this keyring: about the keyring, and its answers."""

    def get_keyring() -> Any:
        if isinstance(backend, Exception):
            raise backend
        return backend

    monkeypatch.setattr(keyring, "get_keyring", get_keyring)
    told = io.StringIO(json.dumps([[step.do, step.name, step.value] for step in steps]))
    said = io.StringIO()
    system_keyring.main(told, said)
    return [json.loads(line) for line in said.getvalue().splitlines()]


@pytest.mark.parametrize(
    ("backend", "why"),
    [
        (OFF[0](), NO_KEYRING),
        (OFF[1](), TURNED_OFF),
        (NotRecommended(), "not known to encrypt"),
        (plaintext(), "not known to encrypt"),
        (chain(), NO_KEYRING),
        (chain(plaintext(), NotRecommended()), "not known to encrypt"),
        (Forgetful(), "does not keep"),
        (Sticky(), "does not keep"),
        (Locked(), "locked"),
        (Broken(), "NoReply"),
        (ModuleNotFoundError("No module named 'nowhere'"), "nowhere"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else "",
)
def test_a_keyring_that_does_not_keep_or_encrypt_is_not_used(
    backend: Any, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    [about] = asked(backend, monkeypatch, Step("set", "a", "b"))
    assert why in about["why_not"]
    for one in getattr(backend, "backends", [backend]):
        assert not any(service == SERVICE for service, _ in getattr(one, "entries", {}))
    assert getattr(backend, "entries", {}) == {} or isinstance(backend, Sticky), "the probe is taken away again"
    assert about["why_not"].endswith(".")


def test_probes_that_were_killed_leave_a_few_entries_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    left = Sticky()
    for number in range(1_000, 1_040):
        monkeypatch.setattr("os.getpid", lambda number=number: number)
        asked(left, monkeypatch)
    assert len(left.entries) == 8


@pytest.mark.parametrize("chained", [False, True])
def test_one_that_encrypts_is_proved_and_used(chained: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    good = Fake()
    used = chain(plaintext(), good) if chained else good
    steps = (Step("set", "a", "1"), Step("get", "a"), Step("set", "b", "2"), Step("delete", "a"), Step("delete", "a"))
    about, done = asked(used, monkeypatch, *steps, Step("get", "a"))
    assert about["why_not"] == "" and about["backend"].endswith("Fake")
    assert done == {"answers": [None, "1", None, None, None, None], "why_not": ""}
    assert good.entries == {(SERVICE, "b"): "2"}, "nothing of the proof stays"


VAULT: Final = """
import json, os, sys, time
from pathlib import Path
from keyring.backend import KeyringBackend
from keyring.compat import properties

class Keyring(KeyringBackend):
    path = Path(__file__).with_name("entries.json")

    @properties.classproperty
    def priority(cls):
        return 5

    def _all(self):
        return json.loads(self.path.read_text()) if self.path.exists() else {}

    def get_password(self, service, username):
        return self._all().get(service + "|" + username)

    def set_password(self, service, username, password):
        self.path.write_text(json.dumps({**self._all(), service + "|" + username: password}))

    def delete_password(self, service, username):
        self.path.write_text(json.dumps({k: v for k, v in self._all().items() if k != service + "|" + username}))

class Printing(Keyring):
    def set_password(self, service, username, password):
        print("Enter the password:", flush=True)
        os.write(1, b"more")
        super().set_password(service, username, password)

class Asking(Keyring):
    def set_password(self, service, username, password):
        import getpass
        getpass.getpass()

class Dying(Keyring):
    def set_password(self, service, username, password):
        os._exit(9)

class Hanging(Keyring):
    def set_password(self, service, username, password):
        time.sleep(60)
"""


@pytest.fixture
def vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let the program find the keyring of this name, as the person's own choice."""
    (tmp_path / "vault.py").write_text(textwrap.dedent(VAULT), "utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    def choose(name: str) -> None:
        monkeypatch.setenv("PYTHON_KEYRING_BACKEND", f"vault.{name}")

    return choose


@pytest.mark.parametrize("name", ["Keyring", "Printing"])
def test_the_program_does_what_it_is_told(name: str, vault: Any) -> None:
    vault(name)
    steps = [Step("set", "a", "é\n"), Step("get", "a"), Step("delete", "a"), Step("get", "a")]
    assert SystemKeyring(20).run(steps) == Outcome((None, "é\n", None, None), "", f"vault.{name}", begun=True)


@pytest.mark.parametrize(("name", "why"), [("Asking", "can't be used"), ("Dying", "could not be asked")])
def test_a_keyring_that_asks_for_a_password_or_crashes_harms_nobody(name: str, why: str, vault: Any) -> None:
    vault(name)
    outcome = SystemKeyring(20).run([Step("set", "a", "b")])
    assert why in outcome.why_not and not outcome.begun


def test_a_keyring_that_hangs_is_given_up(vault: Any) -> None:
    vault("Hanging")
    outcome = SystemKeyring(0.8).run([Step("set", "a", "b")])
    assert outcome == Outcome(why_not="The keyring did not answer within 0.8 s.")


@pytest.mark.parametrize("says", ["", "Hello", '{"backend": "vault.Keyring", "why_not": ""}'])
def test_one_that_hangs_after_the_proof_may_have_done_something(
    says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\necho '{says}'\nexec sleep 60\n")
    program.chmod(0o700)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "vault.Keyring")
    monkeypatch.setattr(sys, "executable", str(program))
    outcome = SystemKeyring(0.5).run([Step("set", "a", "b")])
    assert "did not answer" in outcome.why_not
    assert outcome.begun is says.startswith("{")


def test_a_keyring_that_is_turned_off_costs_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    for backend in OFF:
        monkeypatch.setenv("PYTHON_KEYRING_BACKEND", f"{backend.__module__}.{backend.__name__}")
        monkeypatch.setattr(sys, "executable", "/nowhere/python")
        assert SystemKeyring().run([]).why_not == TURNED_OFF


# The command line and line mode


@pytest.fixture
def command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, memory: Memory, clock: Clock, place: Place
) -> Any:
    """The program, with a keyring in memory."""
    monkeypatch.setattr("wizard.handover.references.SystemKeyring", lambda: memory)
    monkeypatch.setattr("sys.stdin", io.StringIO(""))

    def run_it(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main(arguments)
        said = capsys.readouterr()
        return code, said.out, said.err

    return run_it


def test_apply_keeps_a_reference_and_profiles_lists_and_forgets_it(command: Any, memory: Memory) -> None:
    code, _, err = command("apply", "--sandbox", "--set", "principal.name=ada", "--yes", "--remember", "24")
    assert code == 0, err
    name = f"sandbox:fresh/{ACCOUNT}/ada@us-east-1"
    code, out, _ = command("profiles")
    assert code == 0 and name in out and "1234-5678-9012" in out and "sandbox administrator" in out
    code, out, err = command("profiles", "list", "--json")
    [found] = json.loads(out)["references"]
    assert err == "" and found["name"] == name and set(found) == FIELDS - {"version"} | {"name"}
    lives = datetime.fromisoformat(found["expires"]) - datetime.fromisoformat(found["created"])
    assert lives == timedelta(hours=24)
    code, _, err = command("profiles", "forget", "nobody")
    assert code == 2 and name in err and memory.entries
    code, _, err = command("profiles", "forget")
    assert code == 2 and "--all" in err and memory.entries
    assert command("profiles", "forget", name)[0] == 0 and memory.entries == {}
    code, out, _ = command("profiles", "forget", "--all", "--json")
    assert code == 0 and json.loads(out) == {"ok": True, "forgotten": []}
    assert "Nothing is remembered" in command("profiles")[1]


@pytest.mark.parametrize("arguments", [("--remember", "0"), ("--dry-run",)])
def test_nothing_is_kept_with_0_hours_or_in_a_dry_run(command: Any, memory: Memory, arguments: tuple[str, ...]) -> None:
    words = ("setup", "--sandbox", "--dry-run", "--set", "principal.name=ada", *arguments)
    assert command(*words)[0] == 0
    assert memory.asked == 0


@pytest.mark.parametrize("hours", ["73", "-1", "x", "1.5", "٣", "99999999999"])
def test_a_life_that_is_not_allowed_is_refused_with_what_is(command: Any, hours: str) -> None:
    code, _, err = command("apply", "--sandbox", "--set", "principal.name=ada", "--yes", f"--remember={hours}")
    assert code == 2 and "--remember" in err and "72" in err


def test_a_machine_without_a_keyring_is_told_once_on_stderr(command: Any, memory: Memory) -> None:
    memory.why_not = NO_KEYRING
    words = ("setup", "--sandbox", "--set", "start.goal=diagnose", "--answers", "answers.toml", "--yes")
    Path("answers.toml").write_text('version = 1\n[principal]\nname = "ada"\n', "utf-8")
    said = [command(*words) for _ in range(2)]
    assert [NO_KEYRING in err for _, _, err in said] == [True, False]
    assert NO_KEYRING not in said[0][1]
    assert "No references can be kept" in command("profiles")[1]
    code, out, _ = command("profiles", "--json")
    assert code == 0 and json.loads(out)["keyring"] == {"usable": False, "backend": "", "reason": NO_KEYRING}


@pytest.mark.parametrize("arguments", [("list", "x"), ("list", "--all"), ("forget", "x", "--all"), ("keep",)])
def test_what_profiles_can_not_do_is_refused(command: Any, arguments: tuple[str, ...]) -> None:
    code, out, err = command("profiles", *arguments)
    assert code == 2 and out == "" and "Traceback" not in err


def identity_step(engine: Engine, session: Session) -> LineMode:
    """Line mode, which has asked the step "Identity"."""
    walk = LineMode(engine, session, None)
    assert walk._form(BY_ID["identity"])
    return walk


def test_line_mode_offers_it_as_a_numbered_choice(
    place: Place, kept: References, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    clock.time = datetime.now(UTC)
    ada = f"arn:aws:iam::{ACCOUNT}:user/ada"
    made = reference(principal=ada, region="eu-west-1", place="sandbox:fresh", profile="", source="sandbox")
    kept.save(replace(made, created=clock(), expires=clock() + timedelta(hours=12)))
    session = Session(Answers())
    with answering({"AWS credentials": "1"}):
        walk = identity_step(engine_at(place, kept), session)
    shown = capsys.readouterr().out
    assert "1. Go on with ada in account 1234-5678-9012: sandbox, eu-west-1, until " in shown
    assert "2. sandbox administrator" in shown
    assert walk.identity is not None and walk.identity.region == "eu-west-1"
    assert session.answers.text("principal.name") == "ada"
    assert session.answers.texts("remotion.regions") == ("eu-west-1",)
    with answering({}):
        assert walk._form(BY_ID["identity"])
    assert session.answers.text("principal.name") == "ada", "Enter takes what was chosen before"
    with answering({"AWS credentials": "2"}):
        assert walk._form(BY_ID["identity"])
    assert session.answers.text("principal.name") == "remotion-user"


def test_line_mode_says_that_the_account_is_another_one_and_asks_again(
    place: Place, kept: References, memory: Memory, capsys: pytest.CaptureFixture[str]
) -> None:
    other = "999999999999"
    kept.save(reference(account=other, principal=USER.replace(ACCOUNT, other), place="sandbox:fresh"))
    session = Session(Answers())
    with answering({"AWS credentials": ["1", "1"]}):
        identity_step(engine_at(place, kept), session)
    shown = capsys.readouterr().out
    assert "no longer those of account 9999-9999-9999" in shown and "Signed in as" in shown
    assert memory.entries == {} and not session.answers.text("identity.profile")


def test_enter_still_takes_the_credentials_that_were_chosen(place: Place, kept: References) -> None:
    kept.save(reference(principal=USER.replace("remotion-user", "ada"), place="sandbox:fresh", profile=""))
    session = Session(Answers())
    with answering({}):
        identity_step(engine_at(place, kept), session)
    assert not session.answers.given
