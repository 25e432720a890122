"""Blocking engine calls off the UI thread, and what their failures become."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

from wizard.problem import Problem, ProblemError
from wizard.text import one_line

T = TypeVar("T")


async def off_thread(work: Callable[[], T]) -> T:
    """Run blocking `work` in a daemon thread and wait for it without blocking the screen.

    A daemon thread, because leaving the program must not wait for a read that hangs (Textual's thread workers do).
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if answer.done():
            return
        if error is not None:
            answer.set_exception(error)
        else:
            answer.set_result(result)  # type: ignore[arg-type]

    def run() -> None:
        result: T | None = None
        failure: BaseException | None = None
        try:
            result = work()
        except BaseException as error:
            failure = RuntimeError(repr(error)) if isinstance(error, StopIteration) else error
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, result, failure)

    threading.Thread(target=run, name="wizard-engine", daemon=True).start()
    return await answer


def told_from_threads(say: Callable[[str], object]) -> Callable[[str], None]:
    """Return `say`, which belongs to the UI thread, for calls out of other threads. What comes after the end is dropped."""
    loop = asyncio.get_running_loop()

    def tell(words: str) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(say, words)

    return tell


def problem_of(error: BaseException) -> Problem:
    """Return what a failed engine call is told as. Anything but a ProblemError is a mistake of the wizard's own."""
    if isinstance(error, ProblemError):
        return error.problem
    return Problem(
        "The wizard itself made a mistake.",
        f"{type(error).__name__}: {one_line(str(error))}",
        "Nothing was lost: try again. If it stays, please report it with the line above.",
    )
