"""Locking a file, so that one process at a time uses what it stands for. The system lets go when the process ends."""

from __future__ import annotations

import os

if os.name == "nt":

    def lock(handle: int) -> None:
        """Lock an open file. Raises OSError at once if another process has it."""
        import msvcrt

        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]

else:

    def lock(handle: int) -> None:
        """Lock an open file. Raises OSError at once if another process has it."""
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
