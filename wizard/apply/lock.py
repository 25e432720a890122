"""One wizard at a time on an account and machine: a lock file beside the account's journals.

The operating system lets go of the lock when the process ends, however it ends.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wizard.locks import lock
from wizard.places import private_folder
from wizard.problem import Problem, ProblemError


@contextmanager
def account_lock(folder: Path) -> Iterator[None]:
    """Hold the lock of an account's journal folder. Raises ProblemError at once if another wizard holds it."""
    try:
        private_folder(folder)
        handle = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise ProblemError(
            Problem(
                "The journal's folder can't be used, so nothing is changed.",
                f"{folder}: {error.strerror or error}",
                "Make room or rights there, or name another folder: REMOTION_LAMBDA_WIZARD_STATE=…",
            )
        ) from None
    try:
        try:
            lock(handle)
        except OSError:
            raise ProblemError(
                Problem(
                    "Another wizard is changing this account right now.",
                    f"It holds {folder / '.lock'}.",
                    "Wait until it is done, then try again: it may have done what you want.",
                )
            ) from None
        yield
    finally:
        os.close(handle)
