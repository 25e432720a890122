"""Writing a file so that it is either old or new but whole, readable by its owner only."""

from __future__ import annotations

import contextlib
import glob
import os
import stat
import tempfile
from pathlib import Path

from wizard.problem import Problem, ProblemError
from wizard.text import one_line

_LARGEST = 4_000_000  # bytes


def read_small(path: Path, what: str) -> str:
    """Return the text of a file, "" if it does not exist. Raises ProblemError if it can't be read as UTF-8 text."""
    try:
        kind = path.stat().st_mode
        if not stat.S_ISREG(kind):
            raise ProblemError(Problem(f"{what} is not a file.", str(path), "Name another file."))
        if path.stat().st_size > _LARGEST:
            raise ProblemError(Problem(f"{what} is too large.", str(path), "Name another file."))
        return path.read_bytes().decode("utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except UnicodeDecodeError as error:
        raise ProblemError(
            Problem(
                f"{what} is not UTF-8 text.", f"{path}, byte {error.start}", "Save it as UTF-8, or name another file."
            )
        ) from None
    except (OSError, ValueError) as error:
        raise ProblemError(refused(what, path, error)) from None


def text_or_nothing(path: Path) -> str:
    """Return the text of a foreign file as far as it is text; "" if it is missing, too large, or a folder, pipe or device."""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode) or found.st_size > _LARGEST:
            return ""
        return path.read_text("utf-8", errors="replace")
    except (OSError, ValueError):
        return ""


def why_not_readable(path: Path) -> str:
    """Say why a file that is there can't be read as text, in a few words; "" if it can, or is not there."""
    try:
        if not path.is_symlink() and not path.exists():
            return ""
        read_small(path, "This")
    except ProblemError as error:
        return error.problem.title.removeprefix("This").removeprefix(":").strip().rstrip(".")
    except (OSError, ValueError) as error:
        return one_line(str(error))
    return ""


def write_whole(path: Path, text: str, mode: int | None, what: str) -> None:
    """Replace a file at once: a new file beside it, flushed to disk, then renamed over it. A link is followed.

    `mode` is set on the result; None keeps what the file has (0644 for a new one). Raises ProblemError; the old file is
    whole then.
    """
    temporary: str | None = None
    try:
        target = Path(os.path.realpath(path))
        kept = stat.S_IMODE(target.stat().st_mode) if target.exists() else 0o644
        prefix, suffix = f".{target.name}.wizard-", ".new"
        for leftover in target.parent.glob(
            f"{glob.escape(prefix)}*{suffix}"
        ):  # of a run that was killed: it may hold a secret
            leftover.unlink(missing_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=prefix, suffix=suffix, dir=target.parent)
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(kept if mode is None else mode)
        Path(temporary).replace(target)
        temporary = None
        _sync_folder(target.parent)
    except (OSError, ValueError) as error:
        raise ProblemError(refused(what, path, error)) from None
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()


def remove(path: Path, what: str) -> None:
    """Remove a file, if it is there. A link is followed, as in writing. Raises ProblemError."""
    try:
        Path(os.path.realpath(path)).unlink(missing_ok=True)
    except OSError as error:
        raise ProblemError(refused(what, path, error)) from None


def set_mode(path: Path, mode: int, what: str) -> None:
    """Set who may read a file, as chmod does. Raises ProblemError."""
    try:
        path.chmod(mode)
    except OSError as error:
        raise ProblemError(refused(what, path, error)) from None


def why_not_writable(path: Path, what: str, makes_folder: bool = False) -> Problem | None:
    """Say why a file could not be written, before anything is done; None if it looks writable.

    `makes_folder` says that a missing folder will be made.
    """
    try:
        target = Path(os.path.realpath(path))
        folder = target.parent
        if path.is_symlink() and target.is_symlink():
            return Problem(f"{what} is a link that leads in a circle.", str(path), "Name another file.")
        if target.is_dir():
            return Problem(f"{what} is a folder.", str(path), "Name a file in it.")
        if target.exists() and not target.is_file():
            return Problem(f"{what} is not a file.", str(path), "Name another file.")
        while makes_folder and not folder.exists() and folder != folder.parent:
            folder = folder.parent
        if target.exists() and not os.access(target, os.W_OK):
            return Problem(f"{what} is read-only.", str(path), "Make it writable, or name another file.")
        if not folder.is_dir():
            return Problem(
                f"{what} can't be made: there is no folder {folder}.",
                str(path),
                "Make the folder, or name another file.",
            )
        if not os.access(folder, os.W_OK):
            return Problem(f"{what} can't be written: the folder is read-only.", str(path), "Name another file.")
    except (OSError, ValueError) as error:
        return refused(what, path, error)
    return None


def refused(what: str, path: Path, error: Exception) -> Problem:
    """Say why the system refused a file."""
    reason = getattr(error, "strerror", None) or str(error)
    return Problem(
        f"{what}: {one_line(reason, 120)}.", one_line(str(path)), "Make room or rights for it, or name another file."
    )


def _sync_folder(folder: Path) -> None:
    with contextlib.suppress(OSError, AttributeError):  # Windows can't open a folder
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
