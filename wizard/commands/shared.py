"""What the commands share: the engine and the answers of a command line, asking before a change, and the JSON at the end."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from wizard.problem import ExitCode, UsageProblem
from wizard.text import count, listing, one_line

if TYPE_CHECKING:
    from wizard.account.connect import Aws
    from wizard.collect.answers import Answers
    from wizard.engine import Engine
    from wizard.plan.changes import Plan


def unknown_scenario(name: str) -> UsageProblem:
    from wizard.sandbox import SCENARIOS

    return UsageProblem(
        f"There is no sandbox scenario “{one_line(name, 40)}”. Allowed: {listing(list(SCENARIOS), 'or')}."
    )


def open_engine(options: argparse.Namespace) -> Engine:
    from wizard.engine import Engine, Options

    if options.sandbox:
        from wizard.sandbox import SCENARIOS

        if options.sandbox not in SCENARIOS:
            raise unknown_scenario(options.sandbox)
        if options.endpoint_url:
            raise UsageProblem("--sandbox and --endpoint-url exclude each other: the sandbox needs no endpoint.")
    if options.region:
        require_region(options.region)
    return Engine(Options(options.profile, options.region, options.endpoint_url, options.sandbox))


def connection(engine: Engine, profile: str) -> Aws:
    """Sign in and return the connection itself."""
    opened: SimpleQueue[Aws] = SimpleQueue()
    engine.connect(profile, meanwhile=opened.put)
    return opened.get()


def require_region(region: str) -> None:
    if not re.fullmatch(r"[a-z]{2}(-[a-z]+)+-\d", region):
        raise UsageProblem(f"--region: “{one_line(region, 40)}” is not a region. Allowed: a name such as us-east-1.")


def answers_of(options: argparse.Namespace) -> Answers:
    """Lay the answers over each other: defaults, then the file, then --set."""
    from wizard.collect.answers import Answers, parse_setting, read_answers

    answers = Answers()
    if options.region:
        answers = answers.with_values({"remotion.regions": [options.region]}, "default")
    if options.profile:
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
    doing = doing or f"Make {count(len(plan.writing), 'change')}"
    question = f"{doing} in account {plan.identity.account}?"
    if not sys.stdin.isatty():
        raise UsageProblem(
            "Nothing was changed: there is no terminal to ask in, and --yes was not given.",
            question,
            "Look at the plan, then run it again with --yes.",
        )
    print(f"\n{question} [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        raise UsageProblem("Nothing was changed: you did not say yes.")


def finish(result: dict[str, Any], code: ExitCode, as_json: bool) -> int:
    if as_json:
        print(json.dumps(result, indent=2, ensure_ascii=False))
    return code
