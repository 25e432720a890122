"""An AWS profile in the shared credentials file: read and set its keys, keep every other section and line.

Source: "Configuration and credential file settings" (AWS CLI User Guide).
"""

from __future__ import annotations

import configparser
import re
from pathlib import Path

from wizard.handover.files import read_small, write_whole
from wizard.places import private_folder
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
    """Return the file's text with the profile's two keys set; a session token of the old key is taken out."""
    newline = "\r\n" if "\r\n" in text else "\n"
    wanted = {"aws_access_key_id": key_id, "aws_secret_access_key": secret}
    result: list[str] = []
    inside = placed = False
    for line in text.splitlines():
        header = re.match(r"\s*\[(?P<name>[^\]]*)\]", line)
        if header:
            inside = header["name"].strip() == profile
            result.append(line)
            if inside and not placed:
                result.extend(f"{k} = {v}" for k, v in wanted.items())
                placed = True
            continue
        setting = re.match(r"\s*([\w.-]+)\s*[=:]", line)
        if inside and setting and setting[1].lower() in {*wanted, "aws_session_token"}:
            continue
        result.append(line)
    if not placed:
        if result and result[-1].strip():
            result.append("")
        result += [f"[{profile}]", *(f"{k} = {v}" for k, v in wanted.items())]
    return newline.join(result) + newline


def write_profile(path: Path, profile: str, key_id: str, secret: Secret) -> None:
    """Set a profile's keys, atomically and with mode 0600. Raises ProblemError; the old file is whole then."""
    private_folder(path.parent)
    write_whole(path, set_profile(read_small(path, _WHAT), profile, key_id, secret.reveal()), 0o600, _WHAT)
