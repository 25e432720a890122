"""The kept session: the answers of a walk as the person goes, so that a later start can go on where this one stopped.

One small JSON file in <state folder>/session, for the place that is worked at and the folder that the wizard was started
in. It holds answers and steps, nothing that was read of AWS, and no secret: answers have none. A lock beside it keeps two
wizards apart: the second has a file of its own.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

from wizard import __version__
from wizard.collect.answers import ORIGINS, Answers
from wizard.collect.fields import FIELDS, wrong_type
from wizard.collect.session import OF_THE_KIND, Session
from wizard.collect.steps import BY_ID, steps_for
from wizard.locks import lock
from wizard.places import private_folder, state_folder
from wizard.problem import ProblemError
from wizard.secret import looks_like_secret, without_secrets
from wizard.text import plain

LIFE: Final = timedelta(days=30)
_VERSION: Final = 1
_LARGEST: Final = 200_000  # bytes
_MOST: Final = 9  # wizards side by side in one folder
_PAUSE: Final = 0.25  # seconds between two writes while somebody types
_KEYS: Final = {"version", "program", "saved", "place", "folder", "step", "visited", "answers", "origins"}
_OF_A_PERSON: Final = ("--set", "answers file", "you", "resumed")


@dataclass(frozen=True)
class Kept:
    """A walk as it was kept: the answers (what a person gave has the origin "resumed"), and how far it was."""

    answers: Answers
    step: str
    visited: frozenset[str]
    saved: datetime
    folder: str

    def beneath(self, now: Answers) -> Answers:
        """Return the answers that this start was given with the kept ones beneath them.

        --set and the answers file go before what was kept; so does --profile, which says who is signed in. What belongs to
        one kind of principal is left out where this start names the other kind.
        """
        given = {key for key in now.given if now.origin(key) in _OF_A_PERSON}
        other_kind = "principal.kind" in given and now["principal.kind"] != self.answers["principal.kind"]
        taken = [
            key
            for key in self.answers.given
            if key not in given
            and not (key in now.given and (key == "identity.profile" or self.answers.origin(key) == "default"))
            and not (other_kind and key in OF_THE_KIND)
        ]
        return now.with_those_of(self.answers, taken)

    def where(self, now: datetime) -> str:
        """Say how far it was, and when: step 5 of 13, Policies, today 14:02."""
        ids = [step.id for step in steps_for(self.answers)]
        number = f"step {ids.index(self.step) + 1} of {len(ids)}, " if self.step in ids else ""
        return f"{number}{BY_ID[self.step].title}, {_when(self.saved, now)}"


def _when(moment: datetime, now: datetime) -> str:
    there, today = moment.astimezone(), now.astimezone().date()
    days = {today: "today", today - timedelta(days=1): "yesterday"}
    return f"{days.get(there.date(), f'{there.day} {there:%b %Y}')} {there:%H:%M}"


class Unusable(Exception):
    """What was kept can't be gone on with; the text says why."""


class Keeper:
    """Keeps one walk, and offers the one that was kept before. Nothing here raises: who can't be kept goes on unkept.

    `offered` is what may be gone on with, until it is or a new walk has left its first step; `note` says why something that
    was there is not offered; `problem` says why nothing can be kept.
    """

    def __init__(
        self,
        place: str,
        folder: Path,
        *,
        offers: bool = True,
        root: Path | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`place` is "" for AWS itself, else a sandbox scenario or an endpoint. Without `offers` a new file is begun."""
        self.now = now
        self.offered: Kept | None = None
        self.note = ""
        self.problem = ""
        self.is_kept = False  # after the end: whether there is something to go on with
        self._place, self._folder = place, str(folder)
        self._root = (root or state_folder()) / "session"
        self._path: Path | None = None
        self._handle = -1
        self._wanted: tuple[Answers, str, frozenset[str]] | None = None
        self._closing = False
        self._changed = threading.Condition()
        self._writer: threading.Thread | None = None
        self._take(offers)

    # Which file

    def _name(self, number: int) -> str:
        place = re.sub(r"[^a-z0-9.-]+", "-", self._place.lower())[:60].strip("-.") or "aws"
        digest = hashlib.sha256(f"{self._place}\n{self._folder}".encode()).hexdigest()[:12]
        return f"{place}.{digest}" + (f".{number}" if number > 1 else "")

    def _take(self, offers: bool) -> None:
        """Take the file with the newest walk that no other wizard has, else the first free one."""
        try:
            private_folder(self._root)
            self._sweep()
            for number in range(1, _MOST + 1):
                path = self._root / f"{self._name(number)}.json"
                if self._path is None or path.exists():
                    self._look(path, offers)
        except OSError as error:
            self.problem = f"{self._root}: {error.strerror or error}"
        if self._path is None and not self.problem:
            self.problem = f"{_MOST} other wizards are open in this folder."

    def _look(self, path: Path, offers: bool) -> None:
        handle = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            lock(handle)
        except OSError:
            os.close(handle)
            self.note = "Another wizard is open in this folder. This one keeps answers of its own."
            return
        kept = self._usable(path)
        if not offers and kept is not None:
            os.close(handle)
            return
        best = self._path is None or (kept and (self.offered is None or kept.saved > self.offered.saved))
        if best:
            self._let_go()
            self._path, self._handle, self.offered = path, handle, kept
        else:
            os.close(handle)

    def _usable(self, path: Path) -> Kept | None:
        """Read a file. What can't be gone on with is deleted, with a word about it."""
        try:
            kept = read_kept(path, self._place, self._folder)
            if kept is not None and self.now() - kept.saved > LIFE:
                raise Unusable("They are older than 30 days.")
        except Unusable as error:
            self.note = f"The answers of an earlier start can't be gone on with. {error}"
            path.unlink(missing_ok=True)
            return None
        return kept

    def _sweep(self) -> None:
        """Delete what nobody has gone on with for long, wherever it was begun."""
        oldest = (self.now() - LIFE).timestamp()
        for path in self._root.glob("*.json"):
            with suppress(OSError):
                if path.stat().st_mtime < oldest and not path.name.startswith(self._name(1)):
                    path.unlink()
                    path.with_suffix(".lock").unlink()

    def elsewhere(self) -> list[str]:
        """Return the other folders with a walk at this place that may be gone on with there."""
        found = set()
        for path in self._root.glob("*.json"):
            with suppress(Unusable):
                kept = read_kept(path, self._place)
                found.add(kept.folder if kept else self._folder)
        return sorted(found - {self._folder})

    # Going on

    def go_on(self, session: Session) -> None:
        """Take the walk up that is offered: its answers beneath those of this start, at the step where it was."""
        if self.offered is not None:
            kept, self.offered = self.offered, None
            session.go_on(kept.beneath(session.answers), kept.step, kept.visited)

    def start_anew(self) -> None:
        """Forget what is offered."""
        self.offered = None
        self._delete()

    # Keeping

    def keep(self, session: Session) -> None:
        """Keep a walk as it is now. Returns at once: a thread writes. Until an offer is answered, nothing is kept."""
        begun = session.current != "start" or bool(session.answers.given)
        if self._path is None or not begun or (self.offered is not None and session.current == "start"):
            return
        self.offered = None
        with self._changed:
            self._wanted = session.answers, session.current, frozenset(session.visited)
            if self._writer is None:
                self._writer = threading.Thread(target=self._write_on, name="wizard-session", daemon=True)
                self._writer.start()
            self._changed.notify()

    def _write_on(self) -> None:
        """In the thread: write each step at once, but not every key stroke."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._wanted is not None or self._closing)
                if self._wanted is None:
                    return
                (answers, step, visited), self._wanted = self._wanted, None
            self._write(answers, step, visited)
            with self._changed:
                self._changed.wait_for(partial(self._is_urgent, step), _PAUSE)

    def _is_urgent(self, step: str) -> bool:
        return self._closing or (self._wanted is not None and self._wanted[1] != step)

    def _write(self, answers: Answers, step: str, visited: frozenset[str]) -> None:
        from wizard.handover.files import write_whole

        assert self._path is not None
        document = {
            "version": _VERSION,
            "program": __version__,
            "saved": self.now().isoformat(timespec="seconds"),
            "place": self._place,
            "folder": self._folder,
            "step": step,
            "visited": sorted(visited),
            "answers": {key: _made_plain(value) for key, value in answers.given.items()},
            "origins": {key: answers.origin(key) for key in answers.given},
        }
        try:
            write_whole(self._path, json.dumps(document, indent=1) + "\n", 0o600, "The kept session")
            self.problem = ""
        except (ProblemError, OSError) as error:
            self.problem = error.problem.title if isinstance(error, ProblemError) else str(error)

    def close(self, *, forget: bool = False) -> None:
        """Write what is left to be written, and let go of the file. A second time does nothing."""
        if self._path is None:
            return
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._writer is not None:
            self._writer.join()
        if forget:
            self._delete()
        self.is_kept = self._path.exists()
        self._let_go()

    def _delete(self) -> None:
        if self._path is not None:
            with suppress(OSError):
                self._path.unlink(missing_ok=True)

    def _let_go(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)
        self._path, self._handle = None, -1


def read_kept(path: Path, place: str, folder: str = "") -> Kept | None:
    """Read a kept session; None if there is none. Raises Unusable if it is anything but what the wizard writes."""
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
        data = json.loads(content) if len(content) <= _LARGEST else None
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError):
        raise Unusable("They can't be read.") from None
    if isinstance(data, dict) and data.get("version") != _VERSION and isinstance(data.get("version"), int):
        raise Unusable("Another version of this program has written them.")
    if not isinstance(data, dict) or set(data) != _KEYS or (data["version"], data["place"]) != (_VERSION, place):
        raise Unusable("They are damaged.")
    try:
        if folder and data["folder"] != folder:
            raise ValueError("of another folder")
        return _from_json(data)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        raise Unusable("They are damaged.") from None


def _from_json(data: Mapping[str, Any]) -> Kept:
    saved, visited, folder = datetime.fromisoformat(data["saved"]), frozenset(data["visited"]), data["folder"]
    if saved.tzinfo is None or not isinstance(folder, str) or not {data["step"], *visited} <= set(BY_ID):
        raise ValueError("not a walk of this wizard")
    given, origins = data["answers"], data["origins"]
    if set(given) != set(origins) or not set(origins.values()) <= set(ORIGINS):
        raise ValueError("answers without an origin")
    for key, value in given.items():
        if wrong_type(FIELDS[key], value) and not isinstance(value, str):  # what was half typed is a text
            raise ValueError(f"{key} is of another type")
    resumed = {key: "resumed" if origin in _OF_A_PERSON else origin for key, origin in origins.items()}
    values = {key: _made_plain(value) for key, value in given.items()}
    return Kept(Answers(values, resumed), data["step"], visited, saved, folder)


def _made_plain(value: Any) -> Any:
    """A value without what can't be seen. What looks like a secret was pasted into the wrong line, and is not kept."""
    if isinstance(value, str):
        text = plain(value).replace("\n", " ")
        return without_secrets(text) if looks_like_secret(text) else text
    if isinstance(value, list):
        return [_made_plain(one) for one in value]
    if isinstance(value, dict):
        return {_made_plain(key): _made_plain(one) for key, one in value.items()}
    return value
