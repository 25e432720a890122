"""The project's .env file: read the variables, set some, keep every other line as it is.

Remotion's CLI reads `.env` with dotenv: the last assignment of a name counts; `export`, quotes and comments are known to it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from wizard.handover.files import read_small, write_whole
from wizard.secret import Secret

_LINE = re.compile(r"^(?P<head>\s*(?:export\s+)?)(?P<name>[\w.-]+)(?P<sep>\s*(?:=|:\s)\s*)(?P<value>.*?)\s*$", re.ASCII)
_WHAT = "The .env file"


def read_variables(text: str) -> dict[str, str]:
    """Return the variables of a .env text as dotenv reads single-line ones: the last one of a name wins."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        match = _LINE.match(line)
        if match and not line.lstrip().startswith("#"):
            found[match["name"]] = _unquoted(match["value"])
    return found


def set_variables(text: str, values: Mapping[str, str | None], set_aside: bool = False) -> str:
    """Return the text with variables set (None: taken out), everything else untouched, line ends as they are.

    A name that stands there is replaced where it stands (further assignments of it go, since the last would win). With
    `set_aside`, a line that is replaced or taken out stays as a comment, so that a foreign key in it is not lost.
    """
    newline = "\r\n" if "\r\n" in text else "\n"
    lines, placed, result = text.splitlines(), set[str](), []
    for line in lines:
        match = None if line.lstrip().startswith("#") else _LINE.match(line)
        name = match["name"] if match else ""
        if not match or name not in values:
            result.append(line)
            continue
        new = values[name]
        same = new is not None and _unquoted(match["value"]) == new
        if set_aside and not same and _unquoted(match["value"]):
            result.append(f"# {line.strip()}")
        if new is not None and name not in placed:
            result.append(line if same else f"{match['head']}{name}={_quoted(new)}")
            placed.add(name)
    missing = [(name, new) for name, new in values.items() if new is not None and name not in placed]
    result.extend(f"{name}={_quoted(new)}" for name, new in missing)
    return newline.join(result) + newline if result else ""


def write_variables(path: Path, values: Mapping[str, Secret | str | None], set_aside: bool = False) -> None:
    """Set variables in a .env file, atomically and with mode 0600. Raises ProblemError; the old file is whole then."""
    revealed = {name: v.reveal() if isinstance(v, Secret) else v for name, v in values.items()}
    text = set_variables(read_small(path, _WHAT), revealed, set_aside)
    write_whole(path, text, 0o600, _WHAT)


def variables_of(path: Path) -> dict[str, str]:
    """Read a .env file; empty if it does not exist. Raises ProblemError if it can't be read."""
    return read_variables(read_small(path, _WHAT).removeprefix("\ufeff"))


def _unquoted(value: str) -> str:
    quoted = re.match(r"""(['"`])(.*?)\1\s*(?:#.*)?$""", value)
    if quoted:
        return quoted[2]
    return value.split("#", 1)[0].strip() if "#" in value else value.strip()


def _quoted(value: str) -> str:
    # base64 secrets (letters, digits, + / =) need no quotes; anything that dotenv could read otherwise gets them
    return value if re.fullmatch(r"[\w+/=.:@-]*", value, re.ASCII) else f'"{value}"'
