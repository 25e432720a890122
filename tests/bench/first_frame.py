"""Starts a program in a real terminal and waits for what it paints first."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

# The wizard's first line, and the last one: between them stands the whole first frame.
WIZARD = ("Remotion Lambda wizard", "f1 help")

_CONTROL = re.compile(rb"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[@-Z\\-_]")


def first_frame(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    texts: Sequence[str] = WIZARD,
    size: tuple[int, int] = (80, 24),
    patience: float = 30.0,
) -> float:
    """Start `command` in a terminal, end it when all of `texts` have been painted, and return the seconds that it took.

    `environment` is all that the program gets, but for TERM.

    Raises:
        AssertionError: The program ended, or did not paint them within `patience`; says what it painted.
    """
    width, height = size
    began = time.perf_counter()
    pid, terminal = pty.fork()
    if pid == 0:  # pragma: no cover
        try:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
            os.chdir(folder)
            os.execvpe(command[0], list(command), {"TERM": "xterm-256color", **environment})
        finally:
            os._exit(127)
    painted = b""
    try:
        while time.perf_counter() - began < patience:
            if not select.select([terminal], [], [], 0.1)[0]:
                continue
            try:
                painted += os.read(terminal, 1 << 16)
            except OSError:  # Linux's end of file of a terminal
                break
            taken = time.perf_counter() - began
            shown = _CONTROL.sub(b"", painted)
            if all(text.encode() in shown for text in texts):
                return taken
    finally:
        os.killpg(pid, signal.SIGKILL)  # it leads a session of its own
        os.waitpid(pid, 0)
        os.close(terminal)
    text = _CONTROL.sub(b"", painted).decode(errors="replace")
    raise AssertionError(f"{list(texts)} did not appear, but this:\n{text[-3000:]}")
