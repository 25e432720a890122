"""`profiles`: what the next start offers to go on with, and forgetting it."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from wizard.handover.references import Reference, References, Shelf, clock, unknown_name
from wizard.interrupts import read_line
from wizard.problem import ExitCode, Problem, ProblemError, UsageProblem
from wizard.text import account_number, count, one_line


def run(options: argparse.Namespace) -> int:
    if options.action == "forget":
        return _forget(options)
    if options.name or options.all:
        raise UsageProblem("NAME and --all go with: profiles forget", remedy="Nothing was forgotten.")
    return _list(options)


def _list(options: argparse.Namespace) -> int:
    """Print the references that may be used, and whether this machine can keep any. What has expired is deleted."""
    kept = References()
    shelf = kept.read(ask_anyway=True)
    if options.json:
        print(json.dumps(_as_json(shelf), indent=2, ensure_ascii=False))
        return ExitCode.OK
    now = kept.now()
    for reference in shelf.references:
        print(reference.name)
        for label, value in _rows(reference, clock(reference.expires, now)):
            print(f"  {label.ljust(9)}  {one_line(value)}")
    if not shelf.references and shelf.usable:
        print("Nothing is remembered: the next start has nothing to go on with.")
    if not shelf.usable:
        print(f"No references can be kept. {shelf.why_not} Everything else works without them.")
    if shelf.unread:
        print(f"{count(len(shelf.unread), 'reference')} can't be read now.")
    return ExitCode.OK


def _forget(options: argparse.Namespace) -> int:
    """Delete one reference, or all after asking."""
    kept = References()
    known = kept.names()
    if options.name and options.all:
        raise UsageProblem("NAME and --all exclude each other.", remedy="Nothing was forgotten.")
    if options.name and options.name not in known:
        raise unknown_name(options.name, known)
    names = (options.name,) if options.name else known
    if names and not options.name and not options.all:
        _confirm(len(names))
    why_not = kept.forget(names)
    if why_not:
        raise ProblemError(
            Problem("Nothing was forgotten.", why_not, "Try again where the keyring can be used."),
            ExitCode.DOES_NOT_HOLD,
        )
    if options.json:
        print(json.dumps({"ok": True, "forgotten": list(names)}, indent=2, ensure_ascii=False))
    else:
        print(f"Forgotten: {count(len(names), 'reference')}." if names else "There was nothing to forget.")
    return ExitCode.OK


def _confirm(number: int) -> None:
    question = f"Forget {'the one reference' if number == 1 else f'all {number} references'}?"
    if not sys.stdin.isatty():
        raise UsageProblem(
            "Nothing was forgotten: there is no terminal to ask in, and neither a NAME nor --all was given.",
            question,
            "Name one, or say that you mean all: remotion-lambda-wizard profiles forget --all",
        )
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    if read_line().strip().lower() not in {"y", "yes"}:
        raise UsageProblem("Nothing was forgotten: you did not say yes.")


def _rows(reference: Reference, until: str) -> list[tuple[str, str]]:
    rows = [
        ("account", f"{account_number(reference.account)} ({reference.partition})"),
        ("principal", reference.principal),
        ("region", reference.region),
        ("source", reference.source),
        ("expires", until),
    ]
    return [*rows, ("place", reference.place)] if reference.place else rows


def _as_json(shelf: Shelf) -> dict[str, Any]:
    found = [{"name": reference.name, **reference.to_json()} for reference in shelf.references]
    for entry in found:
        del entry["version"]
    return {
        "references": found,
        "unread": list(shelf.unread),
        "keyring": {"usable": shelf.usable, "backend": shelf.backend, "reason": shelf.why_not},
    }
