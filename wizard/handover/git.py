"""Is a file kept out of git? Asks git where it is installed, else reads the .gitignore files."""

from __future__ import annotations

import fnmatch
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from wizard.handover.files import read_small, write_whole

_LONGEST_LINE = 1_000  # characters; what is longer names no file of ours, and takes long to compare


@dataclass(frozen=True)
class GitState:
    """`ignored` None: not in a repository. `gitignore` is the file that a line would be added to."""

    ignored: bool | None
    tracked: bool
    gitignore: Path


def git_state(file: Path) -> GitState:
    """Find out whether git would commit `file` (which need not exist yet)."""
    folder = file.parent
    top = next((p for p in (folder, *folder.parents) if (p / ".git").exists()), None)
    gitignore = folder / ".gitignore"
    if top is None:
        return GitState(None, False, gitignore)
    ignored = _git(folder, "check-ignore", "-q", "--", str(file))
    if ignored is None:
        return GitState(_covered_by_files(file, top), False, gitignore)
    return GitState(ignored, _git(folder, "ls-files", "--error-unmatch", "--", str(file)) is True, gitignore)


def add_to_gitignore(gitignore: Path, name: str) -> None:
    """Append a line to .gitignore, keeping what is there. Raises ProblemError."""
    text = read_small(gitignore, "The .gitignore file")
    newline = "\r\n" if "\r\n" in text else "\n"
    joint = "" if not text or text.endswith("\n") else newline
    write_whole(gitignore, f"{text}{joint}{ignore_line(name)}{newline}", None, "The .gitignore file")


def ignore_line(name: str) -> str:
    """Return the line that covers one file of the folder and nothing else."""
    escaped = "".join(f"\\{c}" if c in "*?[]\\!# " else c for c in name)
    return f"/{escaped}"


def _git(folder: Path, *arguments: str) -> bool | None:
    """Whether a git command says yes (0); None when git can't say."""
    try:
        done = subprocess.run(  # noqa: S603
            ["git", "-C", str(folder), *arguments],  # noqa: S607
            capture_output=True,
            timeout=5,
            check=False,
        )
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    return {0: True, 1: False}.get(done.returncode)


def _covered_by_files(file: Path, top: Path) -> bool:
    """Read the .gitignore files from the top down; the last line that fits decides. Folders' lines (`name/`) are left out."""
    ignored = False
    for folder in reversed([p for p in file.parents if p == top or top in p.parents]):
        try:
            lines = read_small(folder / ".gitignore", "").splitlines()
        except Exception:
            lines = []
        for line in lines:
            pattern = line.strip().removeprefix("!")
            if not pattern or line.startswith("#") or len(line) > _LONGEST_LINE:
                continue
            name = file.relative_to(folder).as_posix() if "/" in pattern else file.name
            if fnmatch.fnmatchcase(name, re.sub(r"\\(.)", r"[\1]", pattern.lstrip("/"))):
                ignored = not line.startswith("!")
    return ignored
