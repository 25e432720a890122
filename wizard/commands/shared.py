"""What the commands share: the engine and the answers of a command line, asking before a change, and the JSON at the end."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from wizard.interrupts import read_line
from wizard.problem import ExitCode, UsageProblem
from wizard.text import count, listing, quoted

if TYPE_CHECKING:
    from wizard.account.connect import Aws
    from wizard.collect.answers import Answers
    from wizard.engine import Engine
    from wizard.plan.changes import Plan


def unknown_scenario(name: str, flag: str = "--sandbox") -> UsageProblem:
    from wizard.sandbox import SCENARIOS

    return UsageProblem(
        f"{flag}: there is no sandbox scenario {quoted(name, 40)}. Allowed: {listing(list(SCENARIOS), 'or')}."
    )


def require_aws_options(options: argparse.Namespace) -> None:
    """Refuse what is wrong with --profile, --region, --endpoint-url and --sandbox, before anything is asked of AWS."""
    if options.sandbox:
        from wizard.sandbox import SCENARIOS

        if options.sandbox not in SCENARIOS:
            raise unknown_scenario(options.sandbox)
        if options.endpoint_url:
            raise UsageProblem("--sandbox and --endpoint-url exclude each other: the sandbox needs no endpoint.")
    if options.region:
        require_region(options.region)
    if options.profile:
        require_right("--profile", "identity.profile", options.profile)
    if options.endpoint_url:
        from wizard.account.connect import check_endpoint

        check_endpoint(options.endpoint_url)


def require_right(flag: str, key: str, value: Any) -> None:
    """Refuse the value of a flag that the rule of an answer says is wrong."""
    from wizard.collect.fields import FIELDS

    wrong = FIELDS[key].problem(value)
    if wrong:
        raise UsageProblem(f"{flag}: {wrong}", remedy="Nothing was changed.")


def require_writable(flag: str, path: Path | None, what: str) -> None:
    """Refuse a file that could not be written, before anything is done."""
    from wizard.handover.files import why_not_writable

    problem = why_not_writable(path, what) if path is not None else None
    if problem:
        raise UsageProblem(f"{flag}: {problem.title}", problem.detail, problem.remedy)


def open_engine(options: argparse.Namespace) -> Engine:
    from wizard.engine import Engine, Options

    require_aws_options(options)
    return Engine(
        Options(
            options.profile,
            options.region,
            options.endpoint_url,
            options.sandbox,
            remember_hours=_hours(options),
        )
    )


def _hours(options: argparse.Namespace) -> int:
    """How long a reference to what is worked with is kept; 0 for what only looks."""
    if not hasattr(options, "remember"):
        return 0
    from wizard.handover.references import hours_from

    hours = hours_from(options.remember)
    return 0 if options.dry_run else hours


def say_what_is_not_kept(engine: Engine) -> None:
    """Say, once on a machine, that no references can be kept."""
    interrupted = sys.exc_info()[0] is not None  # who wants to leave does not wait for a keyring
    note = engine.kept.said(wait=not interrupted) if engine.options.remember_hours else ""
    if note:
        print(note, file=sys.stderr)


def connection(engine: Engine, profile: str) -> Aws:
    """Sign in and return the connection itself."""
    opened: SimpleQueue[Aws] = SimpleQueue()
    engine.connect(profile, meanwhile=opened.put)
    return opened.get()


def require_region(region: str) -> None:
    from wizard.remotion.regions import is_region_name

    if not is_region_name(region):
        raise UsageProblem(f"--region: {quoted(region, 40)} is not a region. Allowed: a name such as us-east-1.")


def answers_of(options: argparse.Namespace) -> Answers:
    """Lay the answers over each other: defaults, then the file, then --set."""
    from wizard.collect.answers import Answers, parse_setting, read_answers

    answers = Answers()
    if options.region:
        require_region(options.region)
        answers = answers.with_values({"remotion.regions": [options.region]}, "default")
    if options.profile:
        require_right("--profile", "identity.profile", options.profile)
        answers = answers.with_values({"identity.profile": options.profile}, "default")
    if options.answers:
        answers = answers.with_values(read_answers(options.answers), "answers file")
    return answers.with_values(dict(map(parse_setting, options.set)), "--set")


def sign_in(engine: Engine, answers: Answers, meanwhile: Callable[[Any], object] | None = None) -> Answers:
    """Connect, and return the answers with defaults that fit the identity. For `meanwhile` see Engine.connect."""
    identity = engine.connect(answers.text("identity.profile"), meanwhile=meanwhile)
    return answers.fitted(identity.partition, identity.region)


def require_answers(options: argparse.Namespace) -> Answers:
    if not options.answers and not options.set:
        raise UsageProblem(
            "No answers were given, and this command asks nothing.",
            remedy="Give an answers file: --answers FILE   or single answers: --set KEY=VALUE",
        )
    answers = answers_of(options)
    answers.require_valid()
    return answers


def save_answers(answers: Answers, path: Path, out: Any) -> None:
    from wizard.handover.files import write_whole

    write_whole(path, answers.to_toml(), None, "The answers file")
    print(f"\nAnswers saved to {path}.", file=out)


def confirm(plan: Plan, doing: str = "") -> None:
    """Ask before a plan is carried out; to take something back, for the name of the account. Raises UsageProblem for a no."""
    identity = plan.identity
    undoes = plan.purpose == "undo"
    doing = doing or f"{'Take back' if undoes else 'Make'} {count(len(plan.writing), 'change')}"
    question = f"{doing} in account {identity.account}?"
    if not sys.stdin.isatty():
        raise UsageProblem(
            "Nothing was changed: there is no terminal to ask in, and --yes was not given.",
            question,
            "Look at the plan, then run it again with --yes.",
        )
    expected = (
        f"Type the account's {'alias' if identity.alias else 'number'}, {identity.known_as}:" if undoes else "[y/N]"
    )
    print(f"\n{question} {expected} ", end="", file=sys.stderr, flush=True)
    answer = read_line()
    if undoes and not identity.is_meant_by(answer):
        raise UsageProblem(f"Nothing was changed: that is not the name of this account, {identity.known_as}.")
    if not undoes and answer.strip().lower() not in {"y", "yes"}:
        raise UsageProblem("Nothing was changed: you did not say yes.")


def finish(result: dict[str, Any], code: ExitCode, as_json: bool) -> int:
    if as_json:
        print(json.dumps(result, indent=2, ensure_ascii=False))
    return code
