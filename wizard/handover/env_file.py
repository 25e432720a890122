"""The project's .env file: read the variables, set some, keep every other byte as it is.

Remotion's CLI reads `.env` with dotenv 17 (`lib/main.js`, `parse`): the last assignment of a name counts; `export`,
quotes, values of several lines and comments are known to it. The expressions below are dotenv's, with JavaScript's idea
of whitespace.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from wizard.handover.files import read_small, remove, write_whole
from wizard.problem import Problem, ProblemError
from wizard.secret import Secret
from wizard.text import one_line

_WHAT = "The .env file"
_SPACE = "\t\n\v\f\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"  # what \s is in JavaScript
_S, _ENDS = f"[{_SPACE}]", "\n\r\u2028\u2029"
_BLANK = re.compile(f"{_S}*")
_NAME = re.compile(rf"(?:export{_S}+)?(?P<name>[\w.-]+)(?:{_S}*=|:(?:\r\n|{_S}))", re.ASCII)
_VALUE = re.compile(
    rf"""(?:(?P<quoted>{_S}*'(?:\\'|[^'])*'|{_S}*"(?:\\"|[^"])*"|{_S}*`(?:\\`|[^`])*`)(?={_S}*(?:\#|[{_ENDS}]|\Z))|[^#\r\n]*)"""
)
_QUOTES = re.compile(rf"^(['\"`])([\s\S]*)\1(?![^{_ENDS}])")


@dataclass(frozen=True)
class _Assignment:
    """One assignment and where it stands: from the start of its first line to the end of its last one."""

    name: str
    value: str
    head: str  # what stands before the name: indentation, "export "
    start: int
    end: int


def read_variables(text: str) -> dict[str, str]:
    """Return the variables of a .env text as dotenv reads them: the last one of a name wins."""
    return {found.name: found.value for found in _assignments(text)}


def set_variables(
    text: str, values: Mapping[str, str | None], set_aside: bool = False, gone: Collection[str] = ()
) -> str:
    """Return the text with variables set (None: taken out), every other byte untouched.

    A name that stands there is replaced where it stands (further assignments of it go, since the last would win). With
    `set_aside`, a line that is replaced or taken out stays as a comment, so that a foreign key in it is not lost; but
    not one with a value of `gone`, which nobody needs any more.
    """
    newline = "\r\n" if "\r\n" in text else "\n"
    placed, result, done = set[str](), list[str](), 0
    for found in _assignments(text):
        if found.name not in values:
            continue
        new, old = values[found.name], text[found.start : found.end]
        kept = []
        if new is not None and found.value == new and found.name not in placed:
            kept.append(old)
            placed.add(found.name)
        else:
            if set_aside and found.value and found.value != new and found.value not in gone:
                mark = "\ufeff" if old.startswith("\ufeff") else ""
                kept.extend(f"{mark}# {line.strip(_STRIPPED)}" for line in re.split(f"\r\n|[{_ENDS}]", old))
            if new is not None and found.name not in placed:
                kept.append(f"{found.head}{found.name}={_quoted(new)}")
                placed.add(found.name)
        result.append(text[done : found.start])
        result.append(newline.join(kept) if kept else "\ufeff" * old.startswith("\ufeff"))
        done = found.end if kept else _after_line_end(text, found.end)
    result.append(text[done:])
    changed = "".join(result)
    missing = [
        f"{name}={_quoted(new)}{newline}" for name, new in values.items() if new is not None and name not in placed
    ]
    if missing and changed and not changed.endswith(("\n", "\r")):
        changed += newline
    if missing and changed.rstrip(_STRIPPED).endswith(":"):
        changed += newline  # after "NAME:" dotenv would take the next line for its value
    return changed + "".join(missing)


def write_variables(
    path: Path, values: Mapping[str, Secret | str | None], set_aside: bool = False, gone: Collection[str] = ()
) -> None:
    """Set variables in a .env file, atomically and with mode 0600. Raises ProblemError; the old file is whole then."""
    revealed = {name: v.reveal() if isinstance(v, Secret) else v for name, v in values.items()}
    before = read_small(path, _WHAT)
    text = set_variables(before, revealed, set_aside, gone)
    _require_same_others(path, before, text, values)
    write_whole(path, text, 0o600, _WHAT)


def _require_same_others(path: Path, before: str, after: str, ours: Mapping[str, object]) -> None:
    """Refuse a change after which another variable would read otherwise, as a quotation mark without a partner makes it."""
    old, new = read_variables(before), read_variables(after)
    other = next((name for name in old if name not in ours and new.get(name) != old[name]), None)
    if other is not None:
        raise ProblemError(
            Problem(
                "The .env file can't be changed without changing what else is in it.",
                f"{one_line(str(path))}: {one_line(other, 60)} would read otherwise. "
                "Is there a quotation mark without its partner, or a colon at the end?",
                "Correct the line, or name another file.",
            )
        )


def take_back(
    path: Path,
    only_if: Mapping[str, str | None],
    variables: Mapping[str, str | None],
    aside: Collection[str] = (),
    remove_if_empty: bool = False,
) -> bool:
    """Set variables back (None: taken out), if those of `only_if` still have these values; say whether that was so.

    What was set aside as a comment comes back for the names of `aside`. A file that is empty afterwards is removed, if that
    is wished. Raises ProblemError; the old file is whole then.
    """
    text = read_small(path, _WHAT)
    found = read_variables(text)
    if any(found.get(name) != value for name, value in only_if.items()):
        return False
    text = _without_comment(set_variables(text, dict.fromkeys(variables)), aside)
    missing = {n: v for n, v in variables.items() if v is not None and n not in read_variables(text)}
    text = set_variables(text, missing)
    if remove_if_empty and not text.strip(_STRIPPED):
        remove(path, _WHAT)
    else:
        write_whole(path, text, 0o600, _WHAT)
    return True


def _without_comment(text: str, names: Collection[str]) -> str:
    """Make assignments of lines that `set_variables` has set aside: where there is just one of a name, and nothing took it up."""
    for name in names:
        found = [m for m in re.finditer(r"(?m)^(\ufeff?)# ([^\r\n]*)", text) if _is_plain_assignment(m[2], name)]
        if len(found) == 1 and name not in read_variables(text):
            match = found[0]
            text = f"{text[: match.start()]}{match[1]}{match[2]}{text[match.end() :]}"
    return text


def _is_plain_assignment(line: str, name: str) -> bool:
    """Whether a line sets this variable, and its value does not go on in the next line."""
    found = list(_assignments(line))
    return len(found) == 1 and found[0].name == name and found[0].value[:1] not in {"'", '"', "`"}


def variables_of(path: Path) -> dict[str, str]:
    """Read a .env file; empty if it does not exist. Raises ProblemError if it can't be read."""
    return read_variables(read_small(path, _WHAT))


_STRIPPED = "\t\n\v\f\r \u00a0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff" + "".join(map(chr, range(0x2000, 0x200B)))


def _assignments(text: str) -> Iterator[_Assignment]:
    """Find the assignments in order. A line that is none is left out, as dotenv does."""
    position = 0
    while position < len(text):
        blank = _BLANK.match(text, position)
        begin = blank.end() if blank else position
        name = _NAME.match(text, begin)
        value = name and _VALUE.match(text, name.end())
        if name is None or value is None:
            position = _line_end(text, begin, _ENDS) + 1
            continue
        start = max((text.rfind(c, position, begin) for c in _ENDS), default=-1) + 1
        start = max(start, position)
        end = _line_end(text, value.end(), "\n\r")
        yield _Assignment(name["name"], _unquoted(value[0]), text[start : name.start("name")], start, end)
        position = end + 1


def _line_end(text: str, position: int, ends: str) -> int:
    found = [at for c in ends if (at := text.find(c, position)) >= 0]
    return min(found, default=len(text))


def _after_line_end(text: str, position: int) -> int:
    return position + (2 if text.startswith("\r\n", position) else 1 if position < len(text) else 0)


def _unquoted(value: str) -> str:
    value = value.strip(_STRIPPED)
    plain = _QUOTES.sub(r"\2", value.replace("\r\n", "\n").replace("\r", "\n"))
    return plain.replace("\\n", "\n").replace("\\r", "\r") if value.startswith('"') else plain


def _quoted(value: str) -> str:
    # base64 secrets (letters, digits, + / =) need no quotes; anything that dotenv could read otherwise gets them
    if re.fullmatch(r"[\w+/=.:@-]*", value, re.ASCII):
        return value
    usable = [quote for quote in "'\"`" if quote not in value and (quote != '"' or "\\" not in value)]
    return f"{usable[0]}{value}{usable[0]}" if usable else value
