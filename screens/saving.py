"""Writing a file whole or not at all, off the UI thread, with a word for people when it fails."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from screens.background import off_thread
from wizard.text import one_line


def replace_file(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


async def write_file(path: Path, make: Callable[[], str]) -> str:
    """Make a text and write it to `path`; return what went wrong, or ""."""
    try:
        await off_thread(lambda: replace_file(path, make()))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        return f"This file can't be written: {one_line(reason)}. Name another one."
    return ""
