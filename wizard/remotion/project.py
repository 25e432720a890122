"""Finding out which release of Remotion a project uses. Reads files only, starts nothing.

The installed package counts more than a lock file, a lock file more than the range in package.json.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wizard.remotion.releases import parse_release

PACKAGES = ("@remotion/lambda", "@remotion/lambda-client", "remotion", "@remotion/cli")
_LARGEST = 40_000_000  # bytes; a lock file beyond this is not read


@dataclass(frozen=True)
class Project:
    """What is known of the folder: does it hold a package.json, Remotion's release and where that was read."""

    folder: Path
    is_node_project: bool
    uses_remotion: bool
    release: str = ""
    source: str = ""  # "node_modules", "package-lock.json", …, for people
    notes: tuple[str, ...] = ()


def detect_project(folder: Path) -> Project:
    """Look at `folder` and, for a workspace, the folders above it. Never raises: what can't be read is left out."""
    package = _read_json(folder / "package.json")
    wanted = _dependencies(package)
    uses = any(name in wanted for name in PACKAGES)
    notes = []
    if package is None and _read_text(folder / "package.json") is not None:
        notes.append("package.json can't be read as JSON.")
    if uses and not any(name in wanted for name in PACKAGES[:2]):
        notes.append("@remotion/lambda is not in package.json yet: npx remotion add @remotion/lambda")
    for release, source in _candidates(folder, wanted):
        return Project(folder, package is not None, uses, release, source, tuple(notes))
    return Project(folder, package is not None, uses, notes=tuple(notes))


def _candidates(folder: Path, wanted: dict[str, str]) -> Iterator[tuple[str, str]]:
    above = [folder, *folder.parents][:6]
    for place in above:
        for name in PACKAGES:
            found = _read_json(place / "node_modules" / name / "package.json")
            if found and parse_release(str(found.get("version", ""))):
                yield str(found["version"]), f"node_modules/{name}"
    for place in above:
        for file, reader in LOCK_FILES.items():
            text = _read_text(place / file)
            if text is None:
                continue
            for name in PACKAGES:
                release = reader(text, name)
                if release and parse_release(release):
                    yield release, file
    for name in PACKAGES:
        release = wanted.get(name, "").lstrip("^~=v ")
        if parse_release(release):
            yield release, "package.json"


def _dependencies(package: dict[str, Any] | None) -> dict[str, str]:
    merged: dict[str, str] = {}
    for section in ("peerDependencies", "optionalDependencies", "devDependencies", "dependencies"):
        entries = (package or {}).get(section)
        if isinstance(entries, dict):
            merged.update({str(k): v for k, v in entries.items() if isinstance(v, str)})
    return merged


def _from_npm(text: str, name: str) -> str:
    data = _parse_json(text) or {}
    for section, key in (("packages", f"node_modules/{name}"), ("dependencies", name)):
        entries = data.get(section)
        entry = entries.get(key) if isinstance(entries, dict) else None
        if isinstance(entry, dict) and isinstance(entry.get("version"), str):
            return str(entry["version"])
    return ""


def _from_pnpm(text: str, name: str) -> str:
    # pnpm 9: "  '@remotion/lambda@4.0.527(peers)':"; pnpm 5 to 8: "  /@remotion/lambda@4.0.527:" or "/@remotion/lambda/4.0.527:"
    found = re.search(rf"^[ \t]+'?/?{re.escape(name)}[@/](\d+\.\d+\.\d+[^:'(_\s]*)", text, re.MULTILINE)
    return found[1] if found else ""


def _from_yarn(text: str, name: str) -> str:
    # classic: '"@remotion/lambda@^4.0.0":', next line '  version "4.0.527"'
    # berry: '"@remotion/lambda@npm:4.0.527":', next line '  version: 4.0.527'
    found = re.search(rf'^"?{re.escape(name)}@[^\n]*:\r?\n[ \t]+version:?\s+"?([^"\s]+)', text, re.MULTILINE)
    return found[1] if found else ""


def _from_bun(text: str, name: str) -> str:
    # bun.lock: "@remotion/lambda": ["@remotion/lambda@4.0.527", …]
    found = re.search(rf'"{re.escape(name)}":\s*\["{re.escape(name)}@([^"]+)"', text)
    return found[1] if found else ""


LOCK_FILES: dict[str, Callable[[str, str], str]] = {
    "package-lock.json": _from_npm,
    "npm-shrinkwrap.json": _from_npm,
    "pnpm-lock.yaml": _from_pnpm,
    "yarn.lock": _from_yarn,
    "bun.lock": _from_bun,
}


def _read_text(path: Path) -> str | None:
    try:
        if not path.is_file() or path.stat().st_size > _LARGEST:
            return None
        return path.read_text("utf-8-sig", errors="replace")
    except OSError:
        return None


def _parse_json(text: str) -> dict[str, Any] | None:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


def _read_json(path: Path) -> dict[str, Any] | None:
    text = _read_text(path)
    return None if text is None else _parse_json(text)
