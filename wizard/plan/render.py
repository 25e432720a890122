"""Renderers of a plan: text for people, and a script of AWS CLI commands for those who can't run the wizard."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any, Final

from wizard.plan.changes import Action, Call, Change, Plan
from wizard.policy import documents
from wizard.terminal import is_read_aloud
from wizard.text import account_number, count, plain

SIGNS: Final = {Action.CREATE: "+", Action.UPDATE: "~", Action.DELETE: "-", Action.KEEP: "="}
_WORDS: Final = {"+": "added", "-": "taken out"}  # of a line in a diff
_PROOF: Final = ">"  # it changes nothing, but what stands below it waits for it
_TITLES: Final = {"rotate": "Changes an access key", "undo": "Takes back what a run made"}


def headline(plan: Plan) -> str:
    """Say in one sentence what the plan would do."""
    kept = len(plan.changes) - len(plan.writing)
    if plan.problems and not plan.changes:
        return "Nothing can be done."
    if plan.is_empty and plan.purpose == "undo":
        return (
            f"There is nothing to take back, and {count(kept, 'thing')} stay."
            if kept
            else "There is nothing to take back."
        )
    if plan.is_empty:
        return f"Nothing to do: everything is as it should be ({count(kept, 'thing')} checked)."
    return f"{count(len(plan.writing), 'change')}, {kept} kept."


def for_people(plan: Plan) -> str:
    """Return the plan as words where an accessibility setting says that it is read aloud, else as text."""
    return as_words(plan) if is_read_aloud() else as_text(plan)


def as_text(plan: Plan) -> str:
    """Return the plan for people, one change a line, with the differences of documents that are updated."""
    lines = [*_head(plan), "", headline(plan)]
    rows = [(_PROOF if c.proves else SIGNS[c.action], c.does, c.kind, c.name, c.summary) for c in plan.changes]
    widths = [max((len(row[i]) for row in rows), default=0) for i in range(4)]
    for change, row in zip(plan.changes, rows, strict=True):
        lines.append(" " + "  ".join(cell.ljust(w) for cell, w in zip(row[:4], widths, strict=True)) + "  " + row[4])
        if change.writes:
            lines.append(f"       why: {change.reason}")
        lines += [f"       {line}" for line in _difference(change)]
    lines += [f"\n ! {warning}" for warning in plan.warnings]
    for problem in plan.problems:
        lines.append("\n ✗ " + "\n   ".join(str(problem).splitlines()))
    return plain("\n".join(lines))


def as_words(plan: Plan) -> str:
    """Return the plan as `as_text` does, with a word for every sign and nothing that only a column would tell."""
    lines = [*_head(plan), "", headline(plan)]
    for number, change in enumerate(plan.changes, 1):
        lines.append(f"{number}. {change.does} {change.kind} {change.name}: {change.summary}")
        if change.writes:
            lines.append(f"   why: {change.reason}")
        for line in _difference(change):
            sign, text = _WORDS.get(line[:1], ""), line[1:].strip().rstrip(",")
            if sign and re.search(r"\w", text):
                lines.append(f"   {sign}: {text}")
    lines += [f"Note: {warning}" for warning in plan.warnings]
    for problem in plan.problems:
        lines += ["This stops it:", *str(problem).splitlines()]
    return plain("\n".join(lines))


def _head(plan: Plan) -> list[str]:
    """Say whose account it is, and for which release."""
    identity = plan.identity
    alias = f"{identity.alias} " if identity.alias else ""
    lines = [f"Account {alias}{account_number(identity.account)}, as {identity.arn}"]
    if plan.release:
        lines.append(f"Remotion {plan.release}")
    if identity.endpoint:
        lines.append(f"Endpoint {identity.endpoint}")
    return lines


def _difference(change: Change) -> list[str]:
    """The lines of a diff, where a document is updated."""
    documented = all(isinstance(d, Mapping) and "Statement" in d for d in (change.before, change.after))
    if change.action is not Action.UPDATE or not documented:
        return []
    return documents.diff(change.before, change.after)[2:]


def as_json(plan: Plan) -> str:
    """Return the plan as one JSON document."""
    return json.dumps(plan.to_json(), indent=2, ensure_ascii=False)


def as_aws_cli(plan: Plan) -> str:
    """Return a shell script of AWS CLI v2 commands that makes the same changes."""
    lines = [
        "#!/bin/sh",
        f"# {_TITLES.get(plan.purpose, f'Sets up Remotion Lambda {plan.release}')} in account {plan.identity.account}. "
        "Made by remotion-lambda-wizard.",
        "set -eu",
        f'[ "$(aws sts get-caller-identity --query Account --output text)" = {plan.identity.account} ] || '
        "{ echo 'These are credentials of another account.' >&2; exit 1; }",
    ]
    for change in plan.writing:
        lines += ["", f"# {change.does} {change.kind} {change.name}: {change.reason}", *_commands(change)]
    return "\n".join(lines) + "\n"


def command_of(call: Call) -> str:
    """Return one call as an AWS CLI command; documents are given as text. Local changes give a comment."""
    if call.service == "local":
        return f"# {call.operation}: {json.dumps(dict(call.parameters), ensure_ascii=False)}"
    parts = ["aws", call.service, _kebab(call.operation), *(["--region", call.region] if call.region else [])]
    for name, value in call.parameters.items():
        parts += list(_option(name, value))
    return " ".join(parts)


def _commands(change: Change) -> Iterator[str]:
    call = change.call
    if call is None:
        return
    if call.operation == "CreateAccessKey":
        yield "# The answer holds the secret, once: put both values where they belong, and nowhere else."
    if change.proves:
        yield "# This script can't know the new key. Put it into its place and try it, then press enter."
        yield "read -r _"
        return
    yield command_of(call)


def _option(name: str, value: Any) -> Iterator[str]:
    if isinstance(value, bool):
        yield f"--{'' if value else 'no-'}{_kebab(name)}"
        return
    yield f"--{_kebab(name)}"
    if isinstance(value, str):
        yield shlex.quote(_compact(value))
    elif isinstance(value, list) and all(isinstance(v, str) for v in value):
        yield from (shlex.quote(v) for v in value)
    else:
        yield shlex.quote(json.dumps(value, ensure_ascii=False))


def _compact(value: str) -> str:
    """A policy document on one line; any other text as it is."""
    if not value.lstrip().startswith("{"):
        return value
    return json.dumps(json.loads(value), ensure_ascii=False, separators=(",", ":"))


def _kebab(name: str) -> str:
    from botocore import xform_name

    return str(xform_name(name, "-"))
