"""An AWS profile in the shared credentials file: read and set its keys, keep every other section and line.

Source: "Configuration and credential file settings" (AWS CLI User Guide).
"""

from __future__ import annotations

import re
from pathlib import Path

from wizard.account.profiles import sections_of
from wizard.handover.files import read_small, refused, remove, write_whole
from wizard.places import private_folder
from wizard.problem import ProblemError
from wizard.secret import Secret

_WHAT = "The AWS credentials file"
_KEYS = {"aws_access_key_id", "aws_secret_access_key", "aws_session_token"}


def read_profile(path: Path, profile: str) -> dict[str, str] | None:
    """Return the settings of a profile, None if there is no such section. Raises ProblemError if the file can't be read."""
    return profile_in(read_small(path, _WHAT), profile)


def profile_in(text: str, profile: str) -> dict[str, str] | None:
    """Return the settings of a profile in the file's text, None if there is no such section."""
    return sections_of(text).get(profile)


def set_profile(text: str, profile: str, key_id: str, secret: str) -> str:
    """Return the file's text with the profile's two keys set, everything else untouched, line ends as they are.

    A session token of the old key is taken out. An indented line goes on with the setting above it (configparser), so
    the keys take the indentation of the section.
    """
    newline = _newline(text)
    result, place, indentation, _ = _without_keys(text, profile)
    if place < 0:
        if result and not result[-1].endswith("\n"):
            result[-1] += newline
        if result and result[-1].strip():
            result.append(newline)
        result.append(f"[{profile}]{newline}")
        place = len(result)
    elif not result[place - 1].endswith("\n"):
        result[place - 1] += newline
    keys = {"aws_access_key_id": key_id, "aws_secret_access_key": secret}
    result[place:place] = [f"{indentation}{name} = {value}{newline}" for name, value in keys.items()]
    return "".join(result)


def without_profile(text: str, profile: str) -> str:
    """Return the file's text without the keys of a profile; its section goes too, where nothing else is in it."""
    result, place, _, is_empty = _without_keys(text, profile)
    if place > 0 and is_empty:
        at_end = place == len(result)
        del result[place - 1]
        if (
            at_end and len(result) > 1 and not result[-1].strip()
        ):  # the line that `set_profile` puts before a new section
            del result[-1]
    return "".join(result)


def _without_keys(text: str, profile: str) -> tuple[list[str], int, str, bool]:
    """Take the keys out of a profile: the lines, the place below its header (-1: none), its indentation, whether it is empty."""
    result: list[str] = []
    place, indentation, is_empty = -1, "", True
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
                dropping = re.split("[=:]", bare, maxsplit=1)[0].strip().lower() in _KEYS
                is_empty = is_empty and dropping
        if not dropping:
            result.append(line)
    return result, place, indentation, is_empty


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def take_back(path: Path, profile: str, key_id: str, remove_if_empty: bool = False) -> bool:
    """Take the keys out of a profile, if it still holds `key_id`; say whether that was so. Raises ProblemError.

    A file that is empty afterwards is removed, if that is wished.
    """
    section = read_profile(path, profile)
    if section is None or section.get("aws_access_key_id") != key_id:
        return False
    text = without_profile(read_small(path, _WHAT), profile)
    if remove_if_empty and not text.strip():
        remove(path, _WHAT)
    else:
        write_whole(path, text, 0o600, _WHAT)
    return True


def write_profile(path: Path, profile: str, key_id: str, secret: Secret) -> None:
    """Set a profile's keys, atomically and with mode 0600. Raises ProblemError; the old file is whole then."""
    try:
        private_folder(path.parent)
    except OSError as error:
        raise ProblemError(refused(_WHAT, path, error)) from None
    write_whole(path, set_profile(read_small(path, _WHAT), profile, key_id, secret.reveal()), 0o600, _WHAT)
