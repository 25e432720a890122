"""`setup`: the wizard. Picks the front end: full screen, lines, or none."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from wizard.commands.apply import unattended
from wizard.commands.shared import answers_of, open_engine
from wizard.problem import UsageProblem
from wizard.text import listing, one_line, plain

if TYPE_CHECKING:
    from wizard.collect.session import Session


def run(options: argparse.Namespace) -> int:
    if options.ask and not (options.answers or options.set):
        raise UsageProblem("--ask goes with --answers: it asks a step that the file answers already.")
    in_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    if (options.answers and not options.ask) or (options.dry_run and not in_terminal):
        return unattended(options)
    if not in_terminal:
        raise UsageProblem(
            "There is no terminal to ask questions in.",
            "Input or output is not a terminal.",
            "Give the answers: --answers FILE, single ones with --set KEY=VALUE, and --yes to go ahead without asking.",
        )
    return _wizard(options)


def _wizard(options: argparse.Namespace) -> int:
    from wizard.collect.session import Session
    from wizard.collect.steps import BY_ID

    session = Session(answers_of(options))
    for step in options.ask:
        if step not in BY_ID or BY_ID[step].kind != "form":
            allowed = listing([s.id for s in BY_ID.values() if s.kind == "form"], "or")
            raise UsageProblem(f"--ask: there is no step “{one_line(step, 40)}”. Allowed: {allowed}.")
    engine = open_engine(options)
    if _line_mode(options):
        from wizard.prompts.walk import run as walk

        return walk(engine, session, options.save_answers, tuple(options.ask), dry_run=options.dry_run)
    open_at(session, options.ask)
    from screens.app import run as run_app

    result = run_app(engine, session, dry_run=options.dry_run, save_answers=options.save_answers)
    if result.message:
        print(plain(result.message))
    return result.exit_code


def _line_mode(options: argparse.Namespace) -> bool:
    """Whether to ask in lines: --plain, a dumb terminal, or an accessibility setting."""
    return bool(options.plain or os.environ.get("TERM") == "dumb" or os.environ.get("ACCESSIBLE"))


def open_at(session: Session, asked: list[str]) -> None:
    """With --ask, begin at the first step that is to be asked; the steps before it count as visited."""
    ids = [step.id for step in session.steps]
    reachable = [ids.index(step) for step in asked if step in ids]  # the answers may leave a step out
    if reachable:
        first = min(reachable)
        session.visited.update(ids[: first + 1])
        session.current = ids[first]
