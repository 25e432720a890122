"""What engine calls off the UI thread tell the screen meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from screens.background import off_thread, told_from_threads


async def test_what_another_thread_tells_is_said_on_the_screens_own_thread() -> None:
    said: list[str] = []
    tell = told_from_threads(said.append)
    await off_thread(lambda: tell("1 of 2"))
    await asyncio.sleep(0)
    assert said == ["1 of 2"]


def test_what_comes_after_the_end_is_dropped() -> None:
    async def begin() -> Callable[[str], None]:
        return told_from_threads(print)

    tell = asyncio.run(begin())
    tell("too late")
