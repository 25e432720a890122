"""Being asked to end: Ctrl+C, SIGTERM, a closed terminal (SIGHUP), a reader of the output that went away (SIGPIPE).

A signal becomes an exception at once, but while something is changed only after the current call. Nobody who ignores a
signal (`nohup`, a background job of a shell) is made to hear it. Exit codes are the shell's: 128 and the signal's number.
"""

from __future__ import annotations

import io
import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

from wizard.terminal import is_terminal

SIGHUP: Final[int] = getattr(signal, "SIGHUP", 1)
SIGPIPE: Final[int] = getattr(signal, "SIGPIPE", 13)
_NAMES: Final = ("SIGINT", "SIGTERM", "SIGHUP")


class Interrupted(KeyboardInterrupt):
    """A signal asked the program to end. Whoever cleans up after Ctrl+C cleans up after this too."""

    def __init__(self, number: int = signal.SIGINT, detail: str = "", remedy: str = "") -> None:
        """`number` is the signal's; `detail` says how far things came, `remedy` how to go on."""
        super().__init__(number)
        self.number = int(number)
        self.detail = detail
        self.remedy = remedy

    @property
    def exit_code(self) -> int:
        return 128 + self.number


@dataclass
class Stop:
    """Whether, and by which signal, the program was asked to end."""

    number: int = 0

    def require_none(self, detail: str = "") -> None:
        """Raise Interrupted if it was."""
        if self.number:
            raise Interrupted(self.number, detail)


@contextmanager
def raised() -> Iterator[None]:
    """Have SIGTERM and SIGHUP raise Interrupted, as Ctrl+C raises KeyboardInterrupt anyway."""

    def end(number: int, _frame: Any) -> None:
        raise Interrupted(number)

    with _handled(("SIGTERM", "SIGHUP"), end):
        yield


@contextmanager
def put_off(tell: Callable[[str], object]) -> Iterator[Stop]:
    """While something is changed: a signal only sets the Stop, so that the current call is not cut off.

    `tell` is called with a sentence about it. A second Ctrl+C does not wait: it raises Interrupted.
    """
    stop = Stop()

    def note(number: int, _frame: Any) -> None:
        if stop.number == number == signal.SIGINT:
            raise Interrupted(number)
        stop.number = stop.number or number
        tell("Stopping after the current call. Ctrl+C once more stops at once.")

    with _handled(_NAMES, note):
        yield stop


@contextmanager
def called(handler: Callable[[int], object]) -> Iterator[None]:
    """Have `handler` called with the number of each signal that asks the program to end."""
    with _handled(_NAMES, lambda number, _frame: handler(number)):
        yield


def read_line() -> str:
    """Read a line of the standard input; "" at its end. In a terminal no signal is missed that comes just before the wait.

    A blocking read that begins a moment after a signal knows nothing of it, and would wait for the next line.
    """
    if sys.platform != "win32" and is_terminal(sys.stdin):
        with suppress(io.UnsupportedOperation):  # not a terminal of the system's
            _wait_for(sys.stdin.fileno())
    return sys.stdin.readline()


def _wait_for(handle: int) -> None:
    """Wait until there is something to read; signals write into a pipe that is waited for as well (signal.set_wakeup_fd)."""
    if threading.current_thread() is not threading.main_thread():
        return
    woken, wakes = os.pipe()
    os.set_blocking(wakes, False)
    before = signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
    try:
        while handle not in select.select([handle, woken], [], [])[0]:
            os.read(woken, 64)  # the signal's handler has run, and did not end this
    finally:
        signal.set_wakeup_fd(before)
        os.close(woken)
        os.close(wakes)


@contextmanager
def _handled(names: tuple[str, ...], handler: Callable[[int, Any], object]) -> Iterator[None]:
    """Set a handler for the signals that there are here and that nobody ignores. Only the main thread can."""
    before: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():
        numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
        before = {n: h for n in numbers if (h := signal.getsignal(n)) not in {signal.SIG_IGN, None}}
    for number in before:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
