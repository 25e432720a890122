"""`plan` and `apply`, and the wizard without questions: the same engine, with answers from the file and the flags."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from wizard.commands.check import mending
from wizard.commands.shared import (
    answers_of,
    confirm,
    finish,
    open_engine,
    require_answers,
    save_answers,
    say_what_is_not_kept,
    sign_in,
)
from wizard.problem import ExitCode
from wizard.terminal import is_read_aloud

if TYPE_CHECKING:
    from wizard.collect.answers import Answers
    from wizard.engine import Engine

_FORMATS: Final = {
    "text": ("wizard.plan.render", "for_people"),
    "json": ("wizard.plan.render", "as_json"),
    "aws-cli": ("wizard.plan.render", "as_aws_cli"),
    "cloudformation": ("wizard.plan.export", "as_cloudformation"),
    "terraform": ("wizard.plan.export", "as_terraform"),
}


def plan(options: argparse.Namespace) -> int:
    """Build the plan and print it in a format."""
    engine = open_engine(options)
    answers = sign_in(engine, require_answers(options))
    plan = engine.plan(answers, engine.discover(answers))
    module, function = _FORMATS[options.format]
    print(getattr(import_module(module), function)(plan).rstrip("\n"))
    for problem in plan.problems if options.format != "text" else ():
        print(f"✗ {problem.title}", file=sys.stderr)
    return ExitCode.DOES_NOT_HOLD if plan.problems else ExitCode.OK


def run(options: argparse.Namespace) -> int:
    """Apply without questions."""
    options.dry_run, options.save_answers = False, None
    return unattended(options)


def unattended(options: argparse.Namespace) -> int:
    """Plan, show, confirm, apply, check: the same engine as the wizard, with answers from the file and the flags."""
    answers = answers_of(options) if options.dry_run and not options.answers else require_answers(options)
    answers.require_valid()
    engine = open_engine(options)
    try:
        return _carry_out(options, engine, answers)
    finally:
        say_what_is_not_kept(engine)


def _carry_out(options: argparse.Namespace, engine: Engine, answers: Answers) -> int:
    from wizard import lines
    from wizard.check.mend import with_commands
    from wizard.plan import render
    from wizard.plan.rotation import old_keys, told_afterwards
    from wizard.plan.undo import left_alone, taken_back

    as_json = bool(getattr(options, "json", False))
    out = sys.stderr if as_json else sys.stdout
    answers = sign_in(engine, answers)
    plan = engine.plan(answers, engine.discover(answers))
    print(render.for_people(plan), file=out)
    result: dict[str, Any] = {"ok": False, "plan": plan.to_json(), "run": "", "check": None, "problem": None}
    if options.save_answers:
        save_answers(answers, options.save_answers, out)
    if plan.problems:
        result["problem"] = plan.problems[0].to_json()
        return finish(result, ExitCode.DOES_NOT_HOLD, as_json)
    if options.dry_run:
        print("\nDry run: nothing was changed.", file=out)
        return finish(result | {"ok": True}, ExitCode.OK, as_json)
    if not plan.is_empty:
        if not options.yes:
            confirm(plan)
        outcome = lines.apply_with_lines(engine, plan, out, sys.stderr, is_read_aloud())
        result |= outcome.to_json()
        if outcome.problem or not outcome.finished.ok:
            return finish(result, ExitCode.DOES_NOT_HOLD, as_json)
    else:
        engine.settle(plan)
    if plan.purpose == "undo":
        print("", *taken_back(plan), sep="\n", file=out)
        result |= {"ok": True, "undone": list(plan.undoes), "stays": left_alone(plan)}
        return finish(result, ExitCode.OK, as_json)
    with lines.telling_the_wait(sys.stderr) as on_wait:
        report = engine.check(answers, live=plan.purpose == "rotate", on_wait=on_wait)
    report = with_commands(report, mending(options, answers))
    lines.print_report(report, out, is_read_aloud())
    result |= {"ok": report.ok, "check": report.to_json()}
    if plan.purpose == "rotate":
        result["old_keys"] = [old.to_json() for old in old_keys(plan)]
        print("", *told_afterwards(plan), sep="\n", file=out)
    elif report.ok:
        lines.print_next_steps(*engine.next_steps(answers), lambda line: print(line, file=out))
    return finish(result, ExitCode.OK if report.ok else ExitCode.DOES_NOT_HOLD, as_json)
