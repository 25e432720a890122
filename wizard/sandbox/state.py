"""The sandbox's state on disk: one file a scenario, replaced as a whole, and a lock that processes share.

The file holds pickles, so it is only read when it belongs to this user and nobody else may touch it. A file that is
damaged, foreign or written by another moto is set aside and the sandbox starts fresh: a sandbox is never worth a crash.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import stat
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from wizard.problem import UsageProblem
from wizard.text import one_line

APPLICATION: Final = "remotion-lambda-wizard"
STATE_VARIABLE: Final = "REMOTION_LAMBDA_WIZARD_STATE"
FORMAT: Final = 1
_MAGIC: Final = b"remotion-lambda-wizard sandbox "
_OUTSIDE: Final = 256 * 1024  # a section from this size on has a file of its own, which is only written when it changes
_HEAD: Final = len(_MAGIC) + 33  # magic, 32 hexadecimal digits, newline
_POSIX: Final = os.name == "posix"


@dataclass(frozen=True)
class Section:
    """One moto backend, frozen: its pickle, and the digests of the large values that are kept outside of it."""

    data: bytes
    blobs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Snapshot:
    """What the file holds: a generation that changes with every save, plain facts, and a section a backend."""

    generation: str
    facts: Mapping[str, str | int]
    sections: Mapping[str, Section] = field(default_factory=dict)


class Unusable(Exception):
    """The state file can't be used; the message says why."""


def default_root() -> Path:
    """Where the state of all scenarios lives: $REMOTION_LAMBDA_WIZARD_STATE/sandbox, or the user's state folder."""
    named = os.environ.get(STATE_VARIABLE)
    if named:
        return Path(named) / "sandbox"
    import platformdirs

    return Path(platformdirs.user_state_path(APPLICATION)) / "sandbox"


class Store:
    """The state of one scenario, in `directory`. Call everything but `lock` with the lock held."""

    def __init__(self, directory: Path, version: str = "") -> None:
        self.directory = directory
        self.version = version  # moto's: a pickle of another release is not read
        self.path = directory / "state"
        self._blobs = directory / "blobs"
        self._known_blobs: set[str] | None = None
        self._ready = False

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other processes out. Waits for them: they hold it for one call only. Raises UsageProblem at the first use."""
        if not self._ready:
            try:
                self._prepare()
            except OSError as error:
                raise UsageProblem(
                    f"The sandbox's folder can't be used: {error.strerror or error}.",
                    one_line(str(self.directory), 400),
                    "Name another folder for state: REMOTION_LAMBDA_WIZARD_STATE=FOLDER",
                ) from None
        descriptor = os.open(self.directory / "lock", os.O_RDWR | os.O_CREAT | _flag("O_CLOEXEC"), 0o600)
        try:
            with _exclusive(descriptor):
                yield
        finally:
            os.close(descriptor)

    def generation(self) -> str:
        """The generation on disk; "" when there is none. Cheap: reads 64 bytes."""
        try:
            with self.path.open("rb") as file:
                head = file.read(_HEAD)
        except OSError:
            return ""
        if len(head) < _HEAD or not head.startswith(_MAGIC):
            return "?"
        return head[len(_MAGIC) : -1].decode("ascii", "replace")

    def read(self) -> Snapshot | None:
        """The saved state, or None when nothing was saved.

        Raises:
            Unusable: There is a file, but it must not or can't be used.
        """
        try:
            descriptor = os.open(self.path, os.O_RDONLY | _flag("O_NOFOLLOW") | _flag("O_CLOEXEC") | _flag("O_BINARY"))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Unusable(f"it can't be opened ({error.strerror})") from error
        with os.fdopen(descriptor, "rb") as file:
            _check_owner(os.fstat(descriptor))
            content = file.read()
        return self._parse(content)

    def _parse(self, content: bytes) -> Snapshot:
        if len(content) < _HEAD or not content.startswith(_MAGIC):
            raise Unusable("it is not a sandbox state")
        end = content.find(b"\n", _HEAD)
        try:
            header = json.loads(content[_HEAD:end])
            if header["format"] != FORMAT or header["version"] != self.version:
                raise Unusable("another release wrote it")
            sections: dict[str, Section] = {}
            position = end + 1
            for name, length, digest, blobs in header["sections"]:
                if length >= _OUTSIDE:
                    sections[name] = Section(self.blob(digest), tuple(blobs))
                    continue
                data = content[position : position + length]
                position += length
                if hashlib.sha256(data).hexdigest() != digest:
                    raise Unusable("it is damaged")
                sections[name] = Section(data, tuple(blobs))
            facts = dict(header["facts"])
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise Unusable("it is damaged") from error
        return Snapshot(content[len(_MAGIC) : _HEAD - 1].decode("ascii", "replace"), facts, sections)

    def write(self, sections: Mapping[str, Section], facts: Mapping[str, str | int], blobs: Mapping[str, bytes]) -> str:
        """Replace the saved state, all or nothing; it survives a kill at any moment. Returns the new generation."""
        index = []
        outside: dict[str, bytes] = {}
        for name, section in sections.items():
            digest = hashlib.sha256(section.data).hexdigest()
            index.append([name, len(section.data), digest, section.blobs])
            if len(section.data) >= _OUTSIDE:
                outside[digest] = section.data
        for digest, value in {**blobs, **outside}.items():
            self._write_blob(digest, value)
        generation = uuid.uuid4().hex
        header = {"format": FORMAT, "version": self.version, "facts": dict(facts), "sections": index}
        parts = [_MAGIC, generation.encode("ascii"), b"\n", json.dumps(header).encode("ascii"), b"\n"]
        parts += [section.data for section in sections.values() if len(section.data) < _OUTSIDE]
        _replace(self.path, b"".join(parts))
        self._sweep({*outside, *(digest for section in sections.values() for digest in section.blobs)})
        return generation

    def blob(self, digest: str) -> bytes:
        """A large value by its SHA-256. Raises Unusable."""
        try:
            value = (self._blobs / digest).read_bytes()
        except OSError as error:
            raise Unusable("a part of it is missing") from error
        if hashlib.sha256(value).hexdigest() != digest:
            raise Unusable("it is damaged")
        return value

    def set_aside(self) -> Path | None:
        """Rename the state file so that it is out of the way, and return its new name."""
        aside = self.path.with_name(f"state.unusable-{time.strftime('%Y%m%dT%H%M%S')}-{uuid.uuid4().hex[:6]}")
        try:
            self.path.rename(aside)
        except FileNotFoundError:
            return None
        return aside

    def clear(self) -> None:
        """Forget everything. Processes that have the scenario open notice at their next call."""
        self.path.unlink(missing_ok=True)
        for aside in self.directory.glob("state.unusable-*"):
            aside.unlink(missing_ok=True)
        self._sweep(set())

    def _prepare(self) -> None:
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if _POSIX:
            status = self.directory.stat()
            if status.st_uid != os.geteuid():
                raise PermissionError(f"{self.directory} belongs to another user")
            if stat.S_IMODE(status.st_mode) != 0o700:
                self.directory.chmod(0o700)
        for leftover in self.directory.glob(".state-*"):  # of a process that was killed while it wrote
            if time.time() - leftover.stat().st_mtime > 60:
                leftover.unlink(missing_ok=True)
        self._ready = True

    def _write_blob(self, digest: str, value: bytes) -> None:
        path = self._blobs / digest
        if self._known_blobs is None:
            self._blobs.mkdir(mode=0o700, exist_ok=True)
            self._known_blobs = set()
        if digest in self._known_blobs and path.exists():
            return
        if not path.exists() or path.stat().st_size != len(value):
            _replace(path, value)
        self._known_blobs.add(digest)

    def _sweep(self, wanted: set[str]) -> None:
        with contextlib.suppress(FileNotFoundError):
            for path in self._blobs.iterdir():
                if path.name not in wanted:
                    path.unlink(missing_ok=True)
        self._known_blobs = None if not wanted else set(wanted)


def stores(root: Path, names: list[str]) -> Iterator[tuple[str, Store]]:
    """The stores of the scenarios `names` below `root` that have a folder."""
    for name in names:
        directory = root / name
        if directory.is_dir():
            yield name, Store(directory)


def is_name(name: str) -> bool:
    """Whether `name` can be the name of a scenario, and so of a folder."""
    return re.fullmatch(r"[a-z][a-z0-9-]{0,40}", name) is not None


def _flag(name: str) -> int:
    return int(getattr(os, name, 0))


def _check_owner(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise Unusable("it is not a plain file")
    if _POSIX and status.st_uid != os.geteuid():
        raise Unusable("it belongs to another user")
    if _POSIX and stat.S_IMODE(status.st_mode) & 0o077:
        raise Unusable("other users may read or write it")


def _replace(path: Path, content: bytes) -> None:
    """Write `path` in one step: to a temporary file that only we may read, flushed to the disk, then renamed."""
    descriptor, name = tempfile.mkstemp(prefix=".state-", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


_lock: Callable[[int], None]
_unlock: Callable[[int], None]

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        while True:
            os.lseek(descriptor, 0, os.SEEK_SET)
            try:
                msvcrt.locking(descriptor, msvcrt.LK_LOCK, 1)
            except OSError:  # gives up after ten seconds
                continue
            return

    def _unlock(descriptor: int) -> None:
        os.lseek(descriptor, 0, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX)

    def _unlock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


@contextlib.contextmanager
def _exclusive(descriptor: int) -> Iterator[None]:
    _lock(descriptor)
    try:
        yield
    finally:
        _unlock(descriptor)
