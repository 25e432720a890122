"""The system's keyring, asked in a process of its own: it may hang (D-Bus), ask for a password, or print.

`SystemKeyring` starts this module as a program, tells it what to do on standard input, and waits for a limited time. The
program finds a keyring that encrypts, proves it with a write, a read and a delete, and only then does what it was told.
Sources: keyring 25, `keyring.core` (PYTHON_KEYRING_BACKEND, keyringrc.cfg, priorities: 1 or more is recommended),
`keyring.backends.chainer`, `null` (takes everything, gives None) and `fail` (raises NoKeyringError).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol, TextIO

from wizard.places import PACKAGE
from wizard.text import one_line, seconds

SERVICE: Final = "remotion-lambda-wizard"
PATIENCE: Final = 5.0  # seconds; a busy machine takes 2 to start the program
NO_KEYRING: Final = "There is no keyring on this machine."
TURNED_OFF: Final = "The keyring is turned off on this machine."
_PROBE: Final = f"{SERVICE}-probe"
_PROBES: Final = 8  # names: what a probe that was killed has left is taken away by a later one
_OFF: Final = ("keyring.backends.fail.Keyring", "keyring.backends.null.Keyring")
_BARE: Final = ("keyrings.alt.", "plain", "unencrypted", "uncrypted")  # in the name of a keyring that does not encrypt


@dataclass(frozen=True)
class Step:
    """One thing to do with an entry; `value` is for "set" only."""

    do: Literal["get", "set", "delete"]
    name: str
    value: str = ""


@dataclass(frozen=True)
class Outcome:
    """What came of some steps.

    `why_not` says why the keyring can't be used, "" if it can. `answers` has one for each step then: of a "get" the value
    or None, of the others None. `begun` says whether a step may have been done although there are no answers.
    """

    answers: tuple[str | None, ...] = ()
    why_not: str = ""
    backend: str = ""
    begun: bool = False

    @property
    def usable(self) -> bool:
        return not self.why_not


class Keyring(Protocol):
    """What references are kept in."""

    def run(self, steps: Sequence[Step]) -> Outcome:
        """Do these steps in order, if the keyring can be used. Never raises, and ends within a limited time."""
        ...


@dataclass(frozen=True)
class SystemKeyring:
    """The keyring of this machine and person."""

    patience: float = PATIENCE

    def run(self, steps: Sequence[Step]) -> Outcome:
        """Do these steps in a process of its own, which is ended when it takes too long."""
        if os.environ.get("PYTHON_KEYRING_BACKEND") in _OFF:
            return Outcome(why_not=TURNED_OFF)
        if not sys.executable:
            return Outcome(why_not="There is no Python to ask the keyring with.")
        told = json.dumps([[step.do, step.name, step.value] for step in steps])
        try:
            done = subprocess.run(  # noqa: S603 - this very module
                [sys.executable, "-m", __name__],
                input=told.encode(),
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=PACKAGE.parent,  # from where this very package is found, and no module of the folder one stands in
                timeout=self.patience,
                check=False,
                start_new_session=True,  # without a terminal: it can ask for no password, and Ctrl+C is not for it
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except subprocess.TimeoutExpired as late:
            said = _read(late.stdout or b"", len(steps))
            return Outcome(
                why_not=f"The keyring did not answer within {seconds(self.patience)}.",
                backend=said.backend,
                begun=said.begun,
            )
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            return Outcome(why_not=f"The keyring can't be asked: {one_line(str(error), 120)}.")
        return _read(done.stdout, len(steps))


def _read(said: bytes, expected: int) -> Outcome:
    """Read what the program said: a line about the keyring, then one with the answers."""
    try:
        about, *rest = [json.loads(line) for line in said.decode().splitlines()]
        backend, why_not = one_line(str(about["backend"]), 120), one_line(str(about["why_not"]), 300)
        answers = tuple(None if a is None else str(a) for a in rest[0]["answers"]) if rest else ()
        failed = one_line(str(rest[0]["why_not"]), 300) if rest else "The keyring failed while it was asked."
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        return Outcome(why_not="The keyring could not be asked.")
    if why_not:
        return Outcome(why_not=why_not, backend=backend)
    if failed or len(answers) != expected:
        return Outcome(why_not=failed or "The keyring failed while it was asked.", backend=backend, begun=True)
    return Outcome(answers, backend=backend, begun=True)


# The program


def main(told: TextIO, say: TextIO) -> None:
    """Find and prove a keyring, then do the steps; each of the two is reported with a line of JSON."""
    steps = [Step(*entry) for entry in json.load(told)]
    backend, why_not = _usable()
    if backend is not None:
        why_not = _proved(backend)
    name = f"{type(backend).__module__}.{type(backend).__name__}" if backend is not None else ""
    print(json.dumps({"backend": name, "why_not": why_not}), file=say, flush=True)
    if backend is None or why_not:
        return
    answers: list[str | None] = []
    try:
        for step in steps:
            answers.append(_do(backend, step))
    except Exception as error:
        why_not = _refused(error)
    print(json.dumps({"answers": answers, "why_not": why_not}), file=say, flush=True)


def _usable() -> tuple[Any, str]:
    """Return the keyring to use, or None and why there is none. Of a chain of keyrings the first that encrypts."""
    import keyring
    from keyring.backends.chainer import ChainerBackend

    try:
        chosen = keyring.get_keyring()
        found = list(chosen.backends) if isinstance(chosen, ChainerBackend) else [chosen]
    except Exception as error:  # a backend that is named and not there, a keyringrc.cfg that is no such file, …
        return None, _refused(error)
    why_not = NO_KEYRING
    for backend in found:
        why_not = _objection(backend)
        if not why_not:
            return backend, ""
    return None, why_not


def _objection(backend: Any) -> str:
    """Say what is wrong with a keyring, "" if nothing is: it must store, and be known to encrypt."""
    name = f"{type(backend).__module__}.{type(backend).__name__}"
    if name == _OFF[0]:
        return NO_KEYRING
    if name == _OFF[1]:
        return TURNED_OFF
    try:
        recommended = float(type(backend).priority) >= 1
    except Exception as error:  # RuntimeError where it can't work on this machine
        return _refused(error)
    if not recommended or any(word in name.lower() for word in _BARE):
        return f"The keyring of this machine ({name}) is not known to encrypt what it keeps."
    return ""


def _proved(backend: Any) -> str:
    """Write, read and delete an entry; say what is wrong, or ""."""
    user, value = f"probe-{os.getpid() % _PROBES}", os.urandom(8).hex()
    try:
        backend.set_password(_PROBE, user, value)
        try:
            kept = backend.get_password(_PROBE, user)
        finally:
            backend.delete_password(_PROBE, user)
        left = backend.get_password(_PROBE, user)
    except Exception as error:
        return _refused(error)
    if kept != value or left is not None:
        return "The keyring of this machine does not keep what is put into it."
    return ""


def _do(backend: Any, step: Step) -> str | None:
    if step.do == "set":
        backend.set_password(SERVICE, step.name, step.value)
        return None
    value = backend.get_password(SERVICE, step.name)
    if step.do == "get":
        return None if value is None else str(value)
    if value is not None:
        backend.delete_password(SERVICE, step.name)
    return None


def _refused(error: Exception) -> str:
    from keyring.errors import KeyringLocked, NoKeyringError

    if isinstance(error, NoKeyringError):
        return NO_KEYRING
    if isinstance(error, KeyringLocked):
        return "The keyring is locked."
    said = one_line(f"{type(error).__name__}: {error}", 160).rstrip(".: ")
    return f"The keyring can't be used: {said}."


if __name__ == "__main__":
    speaking = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # a backend that prints does not disturb
    main(sys.stdin, speaking)
