"""A terminal of one's own for a program, as bare as they come: what it shows is kept as it was written, byte for byte.

The input is always a terminal; the output may be a pipe or a file. For screens that are drawn see `terminal.py`.
"""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Literal

PATIENCE = 60.0  # seconds until a text that does not appear fails the test
Output = Literal["terminal", "pipe"] | Path


class Teletype:
    """`with Teletype([...], folder, environment) as teletype: teletype.wait_for("Name"); teletype.type("ada\\n")`."""

    def __init__(
        self, command: Sequence[str], folder: Path, environment: Mapping[str, str], output: Output = "terminal"
    ) -> None:
        self._master, slave = pty.openpty()
        self._shown = {"terminal": b"", "pipe": b""}
        self._changed = threading.Condition()
        self.file = output.open("wb") if isinstance(output, Path) else None
        to: int = {"terminal": slave, "pipe": subprocess.PIPE}[output] if isinstance(output, str) else -1
        # A session's leader gets the first terminal that it opens for its own: Ctrl+C and hanging up come from there.
        opening = ["sh", "-c", 'exec "$@" <"$0"', os.ttyname(slave), *command]
        self.process = subprocess.Popen(
            opening,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=self.file if self.file is not None else to,
            stderr=slave,
            start_new_session=True,
        )
        self._settings = slave
        self._readers: list[threading.Thread] = []
        self._closing = False
        self._read("terminal", self._master)
        if self.process.stdout is not None:
            self._read("pipe", self.process.stdout.fileno())

    def __enter__(self) -> Teletype:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._stop_reading()
        for stream in (self.process.stdout, self.file):
            if stream is not None:
                stream.close()
        for handle in {self._master, self._settings} - {-1}:
            os.close(handle)

    def _read(self, name: str, handle: int) -> None:
        def run() -> None:
            try:
                while not self._closing:
                    if select.select([handle], [], [], 0.05)[0] and not self._note(name, os.read(handle, 65536)):
                        return
            except OSError:
                return

        self._readers.append(threading.Thread(target=run, daemon=True))
        self._readers[-1].start()

    def _stop_reading(self) -> None:
        """Before a file is closed: another one may get its number."""
        self._closing = True
        for reader in self._readers:
            reader.join()

    def _note(self, name: str, text: bytes) -> bool:
        with self._changed:
            self._shown[name] += text
            self._changed.notify_all()
        return bool(text)

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def hang_up(self) -> None:
        """Close the terminal, as when its window is closed."""
        self._stop_reading()
        os.close(self._settings)
        os.close(self._master)
        self._master = self._settings = -1

    def echoes(self) -> bool:
        """Whether the terminal is as a shell wants it: it shows what is typed, line by line."""
        flags = termios.tcgetattr(self._settings)[3]
        return bool(flags & termios.ECHO) and bool(flags & termios.ICANON)

    @property
    def shown(self) -> str:
        """All that the terminal was sent."""
        return self._shown["terminal"].decode()

    @property
    def piped(self) -> str:
        """All that came out of the pipe."""
        return self._shown["pipe"].decode()

    def wait_for(self, text: str, times: int = 1) -> None:
        """Wait until a text was written so many times, to the terminal or into the pipe."""
        end = time.monotonic() + PATIENCE
        with self._changed:
            while (self.shown + self.piped).count(text) < times:
                left = end - time.monotonic()
                if left <= 0 or (self.process.poll() is not None and not self._changed.wait(1.0)):
                    raise AssertionError(f"waited for {text!r}; there is:\n{self.shown}\n---\n{self.piped}")
                self._changed.wait(min(left, 0.2))

    def end(self, number: int = 0) -> int:
        """Send a signal, if one is given, and wait for the end; return the exit code."""
        if number:
            os.kill(self.process.pid, number)
        code = self.process.wait(PATIENCE)
        self._drain()
        return code

    def _drain(self) -> None:
        """Wait until what the program has written last is read. A pipe has an end, a terminal has none."""
        for reader in self._readers[1:]:
            reader.join()
        while self._master >= 0 and select.select([self._master], [], [], 0.05)[0]:
            time.sleep(0.01)


def environment_of(home: Path, **more: str) -> dict[str, str]:
    """An environment with this home and nothing of the person's own."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "TERM": "xterm",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        **more,
    }


WIZARD = [sys.executable, "-m", "wizard"]
