"""An AWS profile in the shared credentials file: read and set its keys, keep every other section and line.

Source: "Configuration and credential file settings" (AWS CLI User Guide).
"""

from __future__ import annotations

import configparser
import re
from pathlib import Path

from wizard.handover.files import read_small, refused, write_whole
from wizard.places import private_folder
from wizard.problem import ProblemError
from wizard.secret import Secret

_WHAT = "The AWS credentials file"


def read_profile(path: Path, profile: str) -> dict[str, str] | None:
    """Return the settings of a profile, None if there is no such section. Raises ProblemError if the file can't be read."""
    parser = configparser.RawConfigParser(strict=False, default_section="\0none", allow_no_value=True)
    try:
        parser.read_string(read_small(path, _WHAT))
    except configparser.Error:
        return None
    return {k: v or "" for k, v in parser.items(profile)} if parser.has_section(profile) else None


def set_profile(text: str, profile: str, key_id: str, secret: str) -> str:
    """Return the file's text with the profile's two keys set, everything else untouched, line ends as they are.

    A session token of the old key is taken out. An indented line goes on with the setting above it (configparser), so
    the keys take the indentation of the section.
    """
    newline = "\r\n" if "\r\n" in text else "\n"
    wanted = {"aws_access_key_id": key_id, "aws_secret_access_key": secret}
    result: list[str] = []
    place, indentation = -1, ""
    inside = dropping = option = first = False
    level = 0
    for line in re.findall(r"[^\n]*\n|[^\n]+", text):
        bare = line.strip()
        if not bare or bare[0] in "#;":
            result.append(line)
            continue
        depth = len(line) - len(line.lstrip())
        if not (option and depth > level):
            level = depth
            header = re.match(r"\[(.+)\]", bare)
            option, dropping = header is None, False
            if header:
                inside = header[1] == profile
                if inside and place < 0:
                    place, first = len(result) + 1, True
            elif inside:
                if first:
                    indentation, first = line[:depth], False
                dropping = re.split("[=:]", bare, maxsplit=1)[0].strip().lower() in {*wanted, "aws_session_token"}
        if not dropping:
            result.append(line)
    if place < 0:
        if result and not result[-1].endswith("\n"):
            result[-1] += newline
        if result and result[-1].strip():
            result.append(newline)
        result.append(f"[{profile}]{newline}")
        place = len(result)
    elif not result[place - 1].endswith("\n"):
        result[place - 1] += newline
    result[place:place] = [f"{indentation}{name} = {value}{newline}" for name, value in wanted.items()]
    return "".join(result)


def write_profile(path: Path, profile: str, key_id: str, secret: Secret) -> None:
    """Set a profile's keys, atomically and with mode 0600. Raises ProblemError; the old file is whole then."""
    try:
        private_folder(path.parent)
    except OSError as error:
        raise ProblemError(refused(_WHAT, path, error)) from None
    write_whole(path, set_profile(read_small(path, _WHAT), profile, key_id, secret.reveal()), 0o600, _WHAT)
