"""Profile references: which account, caller, region and profile a person worked with, and until when. Never a credential.

Each lies in the system's keyring under `SERVICE` and its name. A keyring can't be listed, so an index stands beside it in
the state folder: names and expiry only. The index is never used as data: what has no entry in the keyring is dropped.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from wizard.account.snapshot import Identity
from wizard.handover.files import read_small, write_whole
from wizard.handover.system_keyring import PATIENCE, Keyring, Step, SystemKeyring
from wizard.places import private_folder, state_folder
from wizard.problem import ExitCode, Problem, ProblemError, UsageProblem
from wizard.text import account_number, listing, one_line

USUAL_HOURS: Final = 12
MOST_HOURS: Final = 72
_VERSION: Final = 1
_LONGEST: Final = 1_200  # characters: Windows takes 1,280 (CRED_MAX_CREDENTIAL_BLOB_SIZE is 2,560 bytes of UTF-16)
_MOST: Final = 40  # names in the index
_RULES: Final = {
    "partition": r"aws[a-z-]{0,20}",
    "account": r"\d{12}",
    "principal": r"arn:aws[a-z-]*:iam::\d{12}:(?:user|role)/[\x21-\x7e]+",
    "region": r"[a-z]{2}(?:-[a-z]+)+-\d",
    "profile": r"[^\x00-\x1f\x7f]{0,128}",
    "source": r"[^\x00-\x1f\x7f]{1,200}",
    "place": r"|sandbox:[a-z0-9-]{1,60}|https?://[^\s/?#@]{1,200}",
}
_TIMES: Final = ("created", "expires")
# An access key id, or a run of characters as long as a secret access key. A name that looks like one is not worth the risk.
_SECRETS: Final = re.compile(r"A(?:KIA|SIA)[A-Z0-9]{12,}|[A-Za-z0-9/+=]{40,}")


@dataclass(frozen=True)
class Reference:
    """What a person worked with. `place` is "" for AWS itself, "sandbox:NAME", or the address of another endpoint."""

    partition: str
    account: str
    principal: str  # the ARN of the user or role that calls Remotion
    region: str
    profile: str  # "" = AWS's default chain
    source: str  # where the credentials came from, for people
    created: datetime
    expires: datetime
    place: str = ""

    @property
    def caller(self) -> str:
        """The name of the user or role that calls Remotion."""
        return self.principal.rpartition("/")[2]

    @property
    def name(self) -> str:
        """The name that it is kept under: 123456789012/remotion-user@us-east-1, behind its place where that is not AWS."""
        where = f"{self.place.rpartition('//')[2]}/" if self.place else ""
        return f"{where}{self.account}/{self.caller}@{self.region}"

    def is_current(self, now: datetime) -> bool:
        """Whether it may be used: made before now, not expired, and no longer-lived than is allowed."""
        return self.created <= now < self.expires <= self.created + timedelta(hours=MOST_HOURS)

    def answers(self) -> dict[str, Any]:
        """Return the answers that going on with it gives."""
        kind, _, path = self.principal.split(":", 5)[5].partition("/")
        folder = path.rpartition("/")[0]
        is_role = kind == "role"
        given = {
            "identity.profile": self.profile,
            "remotion.regions": [self.region],
            "principal.kind": kind,
            "principal.name": self.principal if folder and is_role else self.caller,
        }
        return given | ({"principal.path": f"/{folder}/"} if folder and not is_role else {})

    def title(self) -> str:
        """Say what it is: remotion-user in account 1234-5678-9012."""
        return f"{one_line(self.caller, 64)} in account {account_number(self.account)}"

    def details(self, now: datetime) -> str:
        """Say how it is reached and how long it is offered: profile work, us-east-1, until 21:40."""
        return f"{one_line(self.source, 80)}, {self.region}, until {clock(self.expires, now)}"

    def to_json(self) -> dict[str, Any]:
        """Return what is kept, and nothing else."""
        texts = {key: getattr(self, key) for key in _RULES}
        return {"version": _VERSION, **texts, **{key: getattr(self, key).isoformat() for key in _TIMES}}


def reference_of(
    identity: Identity, principal: str, region: str, place: str, created: datetime, hours: int
) -> Reference:
    """Return the reference to what was worked with."""
    created = created.replace(microsecond=0)
    return Reference(
        identity.partition,
        identity.account,
        principal,
        region,
        identity.profile,
        one_line(identity.source),
        created,
        created + timedelta(hours=hours),
        place,
    )


def place_of(scenario: str, endpoint_url: str) -> str:
    """Return where calls go, as references name it. Of an endpoint only scheme and host: a path may hold anything."""
    if scenario:
        return f"sandbox:{scenario}"
    parts = urlsplit(endpoint_url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}" if endpoint_url else ""


def hours_from(text: str) -> int:
    """Read how many hours a reference is kept; 0 keeps none. Raises UsageProblem."""
    hours = int(text) if re.fullmatch(r"\d{1,4}", text, re.ASCII) else -1
    if 0 <= hours <= MOST_HOURS:
        return hours
    raise UsageProblem(
        f"--remember: “{one_line(text, 40)}” is not a number of hours that can be taken. "
        f"Allowed: 1 to {MOST_HOURS}, or 0 to remember nothing.",
        remedy="Nothing was changed.",
    )


def read_reference(text: str) -> Reference | None:
    """Read what the keyring gave back. None if it is anything but a reference as `to_json` writes it."""
    try:
        data = json.loads(text) if len(text) <= _LONGEST else None
        if not isinstance(data, dict) or set(data) != {"version", *_RULES, *_TIMES}:
            return None
        if type(data["version"]) is not int or data["version"] != _VERSION:
            return None
        created, expires = (datetime.fromisoformat(data[key]) for key in _TIMES)
        made = Reference(**{key: data[key] for key in _RULES}, created=created, expires=expires)
        return made if _is_sound(made) else None
    except (ValueError, TypeError, RecursionError, OverflowError):
        return None


def _can_be_kept(reference: Reference) -> bool:
    return _is_sound(reference) and len(json.dumps(reference.to_json())) <= _LONGEST


def _is_sound(reference: Reference) -> bool:
    """Whether each part is what it should be, and none looks like a secret."""
    if any(getattr(reference, key).tzinfo is None for key in _TIMES):
        return False
    for key, rule in _RULES.items():
        value = getattr(reference, key)
        if not isinstance(value, str) or not re.fullmatch(rule, value) or _SECRETS.search(value):
            return False
    owner = reference.principal.split(":")
    return (owner[1], owner[4]) == (reference.partition, reference.account)


@dataclass(frozen=True)
class Shelf:
    """What there is: the references that may be used, the newest first. `why_not`: why the keyring can't be used."""

    references: tuple[Reference, ...] = ()
    why_not: str = ""
    backend: str = ""
    unread: tuple[str, ...] = ()  # names that are in the index while the keyring can't be asked

    @property
    def usable(self) -> bool:
        """Whether the keyring can be used, as far as it was asked."""
        return not self.why_not


@dataclass(frozen=True)
class _Index:
    """The names of the references and when each expires; `told` is what was said about the keyring already."""

    expiry: Mapping[str, datetime] = field(default_factory=dict)
    told: str = ""


def _now() -> datetime:
    return datetime.now(UTC)


class References:
    """The references of this person and machine. Every call ends within the keyring's time limit."""

    def __init__(
        self, keyring: Keyring | None = None, folder: Path | None = None, now: Callable[[], datetime] = _now
    ) -> None:
        self._keyring = keyring or SystemKeyring()
        self._path = (folder or state_folder()) / "references.json"
        self._lock = threading.Lock()  # of the index
        self._saving: threading.Thread | None = None
        self._untold = ""
        self.now = now

    def read(self, *, ask_anyway: bool = False) -> Shelf:
        """Return what may be used; delete what has expired or is damaged. Never raises.

        The keyring is left alone where the index names nothing, unless it is asked anyway.
        """
        index = self._index()
        if not index.expiry and not ask_anyway:
            return Shelf()
        names = list(index.expiry)
        fresh = [name for name in names if index.expiry[name] > self.now()]
        steps = [Step("get" if name in fresh else "delete", name) for name in names]
        outcome = self._keyring.run(steps)
        if not outcome.usable:
            return Shelf((), outcome.why_not, outcome.backend, tuple(fresh))
        found: list[Reference] = []
        damaged: list[str] = []
        for name, text in zip(names, outcome.answers, strict=True):
            reference = read_reference(text) if text is not None else None
            if reference is not None and reference.name == name and reference.is_current(self.now()):
                found.append(reference)
            elif text is not None:
                damaged.append(name)
        left = damaged if self._delete(damaged) else []
        self._drop(name for name in names if name not in {*left, *(r.name for r in found)})
        return Shelf(tuple(sorted(found, key=lambda r: r.created, reverse=True)), "", outcome.backend)

    def save(self, reference: Reference) -> str:
        """Keep a reference, in place of one of the same name; return why it can't be kept, or "". Never raises."""
        if not _can_be_kept(reference):
            return "A name in it is too long, or looks like a secret."
        before = self._index().expiry.get(reference.name)
        problem = self._change({reference.name: reference.expires})
        if problem:
            return problem
        outcome = self._keyring.run([Step("set", reference.name, json.dumps(reference.to_json()))])
        if not outcome.usable and not outcome.begun:  # else it may lie there, and is looked for the next time
            self._change({reference.name: before})
        elif reference.name not in self.names():  # another wizard looked before it was there
            self._change({reference.name: reference.expires})
        return outcome.why_not

    def save_soon(self, reference: Reference) -> None:
        """Keep a reference, in a thread that holds nobody up. See `said`."""
        if not _can_be_kept(reference):  # that is not the machine's fault, and no reason to complain
            return
        before = self._saving

        def save() -> None:
            if before is not None:
                before.join()
            why_not = self.save(reference)
            self._untold = self._tell_once(why_not) if why_not else self._untold

        self._saving = threading.Thread(target=save, name="wizard-references", daemon=True)
        self._saving.start()

    def said(self, *, wait: bool = True) -> str:
        """Wait for what is being kept, and return what is to be said about it; "" if that was said before."""
        if self._saving is not None and wait:
            self._saving.join(PATIENCE + 1)
        untold, self._untold = self._untold, ""
        return untold

    def forget(self, names: Sequence[str]) -> str:
        """Delete references, expired or not; return why that can't be done, or ""."""
        why_not = self._delete(names)
        if not why_not:
            self._drop(names)
        return why_not

    def names(self) -> tuple[str, ...]:
        """Return the names in the index. The keyring is not asked whether they are still there."""
        return tuple(self._index().expiry)

    def _tell_once(self, why_not: str) -> str:
        """Return what to say where references can't be kept; "" if that was said on this machine before."""
        if self._index().told:
            return ""
        self._change({}, told=why_not)
        return f"Note: this account can't be remembered in a keyring. {why_not} Everything else works without it."

    def _delete(self, names: Sequence[str]) -> str:
        return self._keyring.run([Step("delete", name) for name in names]).why_not if names else ""

    def _drop(self, names: Iterable[str]) -> None:
        gone = dict.fromkeys(names)
        if gone:
            self._change(gone)

    def _change(self, expiry: Mapping[str, datetime | None], told: str = "") -> str:
        """Change the index (None takes a name out); return why that can't be done, or ""."""
        with self._lock:
            index = self._index()
            entries = {**index.expiry, **expiry}
            kept = {name: until for name, until in entries.items() if until is not None}
            return self._write(_Index(kept, told or index.told))

    def _index(self) -> _Index:
        """Read the index. An empty one, if there is none or it is damaged."""
        try:
            data = json.loads(read_small(self._path, "The index of references") or "{}")
            if data.get("version") != _VERSION:
                return _Index()
            expiry = {str(name): datetime.fromisoformat(until) for name, until in data["references"].items()}
            known = {name: until for name, until in expiry.items() if until.tzinfo and name.isprintable()}
            return _Index(dict(list(known.items())[-_MOST:]), str(data["told"]))
        except (ProblemError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return _Index()

    def _write(self, index: _Index) -> str:
        entries = {name: until.isoformat() for name, until in index.expiry.items()}
        text = json.dumps({"version": _VERSION, "references": entries, "told": index.told}, indent=1) + "\n"
        try:
            private_folder(self._path.parent)
            write_whole(self._path, text, 0o600, "The index of references")
        except OSError as error:
            return f"The index of references can't be written: {error.strerror or error}."
        except ProblemError as error:
            return error.problem.title
        return ""


def clock(moment: datetime, now: datetime) -> str:
    """Say when, in the person's own zone: 21:40, tomorrow 09:40, or with the date."""
    there = moment.astimezone()
    days = (there.date() - now.astimezone().date()).days
    return f"{['', 'tomorrow '][days] if days in {0, 1} else f'{there:%Y-%m-%d} '}{there:%H:%M}"


def unknown_name(name: str, known: Sequence[str]) -> UsageProblem:
    """The error for naming a reference that there is not."""
    there_are = f"There are: {listing(known)}." if known else "There are none."
    return UsageProblem(f"There is no reference “{one_line(name, 120)}”. {there_are}", remedy="Nothing was forgotten.")


class ReferenceGone(ProblemError):
    """A reference can't be gone on with, and was deleted."""


def expired(reference: Reference) -> ReferenceGone:
    """The error for going on with what has expired meanwhile."""
    return ReferenceGone(
        Problem(
            f"This offer has expired: {reference.title()}.",
            "It was deleted; nothing else was changed.",
            "Choose your credentials again.",
        ),
        ExitCode.NO_ACCESS,
    )


def moved(reference: Reference, identity: Identity) -> ReferenceGone:
    """The error for credentials that belong to another account than they did."""
    number, partition = account_number(reference.account), reference.partition
    return ReferenceGone(
        Problem(
            f"These credentials are no longer those of account {number} ({partition}).",
            f"{one_line(reference.source, 80)} is now {identity.arn} in account {account_number(identity.account)} "
            f"({identity.partition}). Nothing was changed, and this is not offered any more.",
            f"Choose the credentials of account {number}, or go on with these as they are.",
        ),
        ExitCode.NO_ACCESS,
    )
