"""Where the project's own files are, and what its README says."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def readme_command(name: str) -> str:
    """The command under `<!-- command: name -->` in README.md, as .ci/run takes it too."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.search(rf"^<!-- command: {name} -->\n```sh\n(.+?)\n```$", readme, re.MULTILINE | re.DOTALL)
    assert found, f"README.md has no command under <!-- command: {name} -->"
    return found[1]


def files_of_the_project() -> list[str]:
    """What git has, or would take in, as paths from the root; empty where this is no checkout."""
    if not (ROOT / ".git").exists():
        return []
    done = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        text=True,
        check=True,
    )
    return sorted(name for name in set(done.stdout.split("\0")) if name and (ROOT / name).is_file())
