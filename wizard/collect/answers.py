"""The answers: one immutable value out of layers, and the TOML file that holds them. Never a secret in it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from wizard.collect.fields import FIELDS, Field, holds_secret, wrong_type
from wizard.collect.meaning import TOGETHER
from wizard.problem import ProblemError, UsageProblem
from wizard.remotion.regions import partition_of
from wizard.text import listing, one_line, quoted

VERSION: Final = 1
_LARGEST: Final = 1_000_000  # bytes of an answers file

# Where a value came from, strongest first; shown beside it.
ORIGINS: Final = ("--set", "answers file", "you", "resumed", "project", "identity", "default")
_TOLD: Final = {
    "--set": "--set",
    "answers file": "the answers file",
    "resumed": "an earlier start",
    "project": "the project",
    "identity": "your AWS identity",
}


@dataclass(frozen=True)
class Answers:
    """All answers by key. What nobody gave is the field's default. `origin` tells where a value came from."""

    given: Mapping[str, Any] = field(default_factory=dict)
    origins: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, key: str) -> Any:
        return self.given[key] if key in self.given else self.default(key)

    def default(self, key: str) -> Any:
        """Return what an answer is when nobody gives it; for some that depends on who calls Remotion."""
        spec = FIELDS[key]
        if spec.for_a_role is not None and self["principal.kind"] == "role":
            return spec.for_a_role
        return spec.default

    def text(self, key: str) -> str:
        """Return a text answer."""
        return str(self[key])

    def flag(self, key: str) -> bool:
        """Return a yes-or-no answer."""
        return bool(self[key])

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list answer."""
        return tuple(self[key])

    def table(self, key: str) -> dict[str, str]:
        """Return a table answer."""
        return dict(self[key])

    def origin(self, key: str) -> str:
        """Return where the value of `key` came from."""
        return self.origins.get(key, "default")

    def told_origin(self, key: str) -> str:
        """Return words for where a value came from; "" for what the person has just said, and for defaults.

        Every field of an earlier start was kept, also those that were left as they are: they are no news.
        """
        origin = self.origin(key)
        unchanged = origin == "resumed" and self[key] == self.default(key)
        return "" if unchanged else _TOLD.get(origin, "")

    def with_values(self, values: Mapping[str, Any], origin: str) -> Answers:
        """Return answers in which `values` replace what was there."""
        return Answers({**self.given, **values}, {**self.origins, **dict.fromkeys(values, origin)})

    def with_defaults(self, values: Mapping[str, Any], origin: str) -> Answers:
        """Return answers in which `values` stand wherever nobody gave one (or a weaker layer did)."""
        weaker = ORIGINS[ORIGINS.index(origin) :]
        free = {k: v for k, v in values.items() if self.origin(k) in weaker}
        return self.with_values(free, origin)

    def with_those_of(self, other: Answers, keys: Sequence[str]) -> Answers:
        """Return answers that have what `other` has for these keys, given or not."""
        given = {k: v for k, v in self.given.items() if k not in keys}
        origins = {k: v for k, v in self.origins.items() if k not in keys}
        taken = [k for k in keys if k in other.given]
        return Answers(
            {**given, **{k: other.given[k] for k in taken}}, {**origins, **{k: other.origin(k) for k in taken}}
        )

    def fitted(self, partition: str, region: str) -> Answers:
        """Return answers whose defaults fit an identity: in another partition its own region stands for us-east-1.

        What somebody chose stays as it is.
        """
        if all(partition_of(chosen) == partition for chosen in self.texts("remotion.regions")):
            return self
        return self.with_defaults({"remotion.regions": [region]}, "identity")

    def problems(self, keys: Iterable[str] | None = None) -> dict[str, str]:
        """Return what is wrong, by key; empty if all is right."""
        wanted = FIELDS if keys is None else keys
        return {k: wrong for k in wanted if (wrong := self.problem(k))}

    def problem(self, key: str) -> str:
        """Return what is wrong with an answer, by itself or beside the others; "" if it is right."""
        spec, together = FIELDS[key], TOGETHER.get(key)
        value = self[key]
        if key == "principal.name" and not wrong_type(spec, value):  # whose name it is decides its rule
            return holds_secret(value) or TOGETHER[key](self, value)
        return spec.problem(value) or (together(self, value) if together else "")

    def require_valid(self) -> None:
        """Raise UsageProblem that names the first wrong answer and how many there are."""
        wrong = self.problems()
        if wrong:
            key, why = next(iter(wrong.items()))
            more = f" ({len(wrong)} answers are wrong: {listing(list(wrong))}.)" if len(wrong) > 1 else ""
            raise UsageProblem(f"{key}: {why}{more}", remedy="Nothing was changed.")

    def to_toml(self) -> str:
        """Return the answers file: every answer that was given and can be acted on, grouped by table."""
        import tomlkit

        document = tomlkit.document()
        document.add(tomlkit.comment("Answers for remotion-lambda-wizard. It holds no secret."))
        document.add("version", tomlkit.item(VERSION))
        saved = self._saved()
        for table, fields in _tables().items():
            chosen = [f for f in fields if f.key in saved]
            if not chosen:
                continue
            section = tomlkit.table()
            for spec in chosen:
                section.add(spec.key.split(".", 1)[1], tomlkit.item(self[spec.key]))
            document.add(table, section)
        return tomlkit.dumps(document)

    def _saved(self) -> set[str]:
        """The keys of the answers file. What a form only hides, since it does not fit the rest, a file must not say."""
        keys = {key for key in FIELDS if self._is_saved(key)}
        while True:
            written = Answers({key: self[key] for key in keys}, dict.fromkeys(keys, "answers file"))
            idle = {key for key in keys if written.problem(key) and not self.problem(key)}
            if not idle:
                return keys
            keys -= idle

    def _is_saved(self, key: str) -> bool:
        return self[key] != self.default(key) or (key in ALWAYS_SAVED and self[key] != "")


ALWAYS_SAVED: Final = (
    "remotion.version",
    "remotion.regions",
    "principal.kind",
    "principal.name",
    "principal.attach",
    "render_role.name",
    "render_role.attach",
    "credentials.write",
)


def _tables() -> dict[str, list[Field]]:
    tables: dict[str, list[Field]] = {}
    for spec in FIELDS.values():
        tables.setdefault(spec.key.split(".")[0], []).append(spec)
    return tables


def read_answers(path: Path) -> dict[str, Any]:
    """Read an answers file. Raises UsageProblem that names the file and the key, and what is allowed."""
    named = one_line(str(path))
    remedy = "Name an answers file: TOML in UTF-8, at most 1 MB."
    try:
        with path.open("rb") as file:  # it may have no end: a device, a pipe
            content = file.read(_LARGEST + 1)
        if len(content) > _LARGEST:
            raise UsageProblem(f"{named}: this file is too large for an answers file (over 1 MB).", "--answers", remedy)
        text = content.decode("utf-8-sig")
    except FileNotFoundError:
        raise UsageProblem(f"{named}: there is no such file.", "--answers", remedy) from None
    except UnicodeDecodeError as error:
        raise UsageProblem(f"{named}: not UTF-8 text (byte {error.start}).", "--answers", remedy) from None
    except (OSError, ValueError) as error:  # ValueError: a null byte in the path
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageProblem(f"{named}: can't be read: {reason}.", "--answers", remedy) from None
    try:
        return parse_answers(text)
    except ProblemError as error:
        raise UsageProblem(f"{named}: {error.problem.title}", error.problem.detail, error.problem.remedy) from None


def parse_answers(text: str) -> dict[str, Any]:
    """Read the text of an answers file into values by key. Raises UsageProblem with the key's path."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageProblem(f"This is not TOML: {one_line(str(error))}.", remedy="Nothing was changed.") from None
    except ValueError:  # a number of more than 4,300 digits, a date that no calendar has
        raise UsageProblem("This is not TOML that can be read: a number or a date in it can't be.") from None
    except RecursionError:
        raise UsageProblem("This is nested too deeply for an answers file.", remedy="Nothing was changed.") from None
    version = data.pop("version", None)
    if version is None:
        raise UsageProblem("version is missing.", remedy=f"Begin the file with: version = {VERSION}")
    if version != VERSION or type(version) is not int:
        short = isinstance(version, str | float | bool) or (isinstance(version, int) and abs(version) < 10**9)
        shown = quoted(str(version), 40)[1:-1] if short else "this"
        raise UsageProblem(f"version: {shown} is not known. Allowed: {VERSION}.")
    values: dict[str, Any] = {}
    for table, entries in data.items():
        values.update(_read_table(table, entries))
    answers = Answers().with_values(values, "answers file")
    for key in values:
        wrong = answers.problem(key)
        if wrong:
            raise UsageProblem(f"{key}: {wrong}", remedy="Nothing was changed.")
    return values


def _read_table(table: str, entries: Any) -> Iterator[tuple[str, Any]]:
    known = _tables()
    if table not in known:
        raise _unknown(table, list(known), "table")
    if not isinstance(entries, dict):
        raise UsageProblem(f"{table}: this must be a table: [{table}]", remedy="Nothing was changed.")
    for name, value in entries.items():
        key = f"{table}.{name}"
        if key not in FIELDS:
            raise _unknown(key, [f.key for f in known[table]], "key")
        yield key, value


def _unknown(key: str, allowed: Sequence[str], what: str) -> UsageProblem:
    close = get_close_matches(key[:80], allowed, n=1)
    hint = f" Did you mean {close[0]}?" if close else ""
    named = key if key.replace(".", "").replace("_", "").isidentifier() and len(key) <= 80 else quoted(key, 80)
    return UsageProblem(
        f"{named}: there is no such {what}.{hint} Allowed: {', '.join(allowed)}.",
        remedy="Nothing was changed.",
    )


def _unknown_setting(key: str) -> UsageProblem:
    tables = _tables()
    of_table = [spec.key for spec in tables.get(key.partition(".")[0], ())]
    close = get_close_matches(key[:80], FIELDS, n=1)
    hint = f" Did you mean {close[0]}?" if close else ""
    allowed = ", ".join(of_table or [f"{table}.…" for table in tables])
    return UsageProblem(
        f"--set {quoted(key, 80)}: there is no such key.{hint} Allowed: {allowed}.", remedy="Nothing was changed."
    )


def parse_setting(setting: str) -> tuple[str, Any]:
    """Read one `--set KEY=VALUE`. Lists are separated by commas, tables are `a=b,c=d`. Raises UsageProblem."""
    key, equals, text = setting.partition("=")
    key = key.strip()
    if not equals:
        raise UsageProblem(f"--set {quoted(setting)}: write KEY=VALUE, such as principal.name=remotion-user.")
    if key not in FIELDS:
        raise _unknown_setting(key)
    value = _from_text(FIELDS[key], text)
    wrong = FIELDS[key].problem(value)
    if wrong:
        raise UsageProblem(f"--set {key}: {wrong}", remedy="Nothing was changed.")
    return key, value


def _from_text(spec: Field, text: str) -> Any:
    if spec.kind == "flag":
        words = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
        return words.get(text.strip().lower(), text)
    if spec.kind == "number":
        cleaned = text.replace(",", "").replace("_", "").strip()
        return int(cleaned) if re.fullmatch(r"-?\d{1,12}", cleaned, re.ASCII) else text
    if spec.kind in {"regions", "texts"}:
        return [part.strip() for part in text.split(",") if part.strip()]
    if spec.kind == "tags":
        return tags_from_text(text)
    return text


def tags_from_text(text: str) -> Any:
    """Read 'team=video, stage=prod' into a table; text that isn't of that form is given back as it is."""
    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    if any(not equals or not key.strip() for key, equals, _ in pairs):
        return text
    table = {key.strip(): value.strip() for key, _, value in pairs}
    return table if len(table) == len(pairs) else text


def tags_to_text(tags: Mapping[str, str]) -> str:
    """Write a table of tags as one line."""
    return ", ".join(f"{key}={value}" for key, value in tags.items())
