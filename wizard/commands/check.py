"""`check`: prove what is there."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

from wizard.commands.shared import answers_of, open_engine, require_right, sign_in
from wizard.problem import ExitCode, UsageProblem
from wizard.terminal import is_read_aloud

if TYPE_CHECKING:
    from wizard.check.findings import Finding
    from wizard.check.mend import Mending
    from wizard.collect.answers import Answers


def run(options: argparse.Namespace) -> int:
    """Check and print the findings. What is only needed for that is loaded while AWS answers."""
    _require_right_names(options)
    answers = answers_of(options)
    if options.remotion_version:
        answers = answers.with_values({"remotion.version": options.remotion_version}, "--set")
    answers.require_valid()
    engine = open_engine(options)
    answers = sign_in(engine, answers, lambda aws: _prepare_check(options, aws))
    from wizard import lines
    from wizard.check.mend import with_commands

    unchecked: tuple[Finding, ...] = ()
    if options.answers and not options.user and not options.role:
        subjects = engine.subjects_of(answers)
    else:
        subjects, unchecked = engine.subjects(options.user, options.role, answers)
    around = options.around if options.around is not None else not (options.user or options.role)
    with lines.telling_the_wait(sys.stderr) as on_wait:
        report = engine.check_subjects(
            answers,
            subjects,
            unchecked=unchecked,
            live_upload=options.live_upload,
            around=around,
            live=options.live,
            on_wait=on_wait,
        )
    report = with_commands(report, mending(options, answers))
    if options.json:
        print(json.dumps(report.to_json(), indent=2, ensure_ascii=False))
    else:
        lines.print_report(report, sys.stdout, is_read_aloud())
        lines.print_messages(report, sys.stdout)
    return ExitCode.OK if report.ok else ExitCode.DOES_NOT_HOLD


def _require_right_names(options: argparse.Namespace) -> None:
    from wizard.collect.fields import role_problem, user_name_problem

    rules = (("--user", user_name_problem, options.user), ("--role", role_problem, options.role))
    for flag, rule, name in rules:
        wrong = rule(name) if name else ""
        if wrong:
            raise UsageProblem(f"{flag}: {wrong}")
    if options.remotion_version:
        require_right("--remotion-version", "remotion.version", options.remotion_version)


def _prepare_check(options: argparse.Namespace, aws: Any) -> None:
    from wizard.check.ahead import prepare

    named = {"user": options.user, "role": options.role}  # a role may be named by its ARN: then it is read later
    prepare(aws, [(kind, name) for kind, name in named.items() if name and ":" not in name])


def mending(options: argparse.Namespace, answers: Answers) -> Mending:
    """Return the command line that mends what is found with these options."""
    from wizard.check.mend import Mending
    from wizard.collect.meaning import render_role, role_reference
    from wizard.remotion import names

    role = role_reference(getattr(options, "role", "")).name
    version = getattr(options, "remotion_version", "")
    return Mending(
        {
            "--profile": options.profile,
            "--region": options.region,
            "--endpoint-url": options.endpoint_url,
            "--sandbox": options.sandbox,
        },
        str(options.answers or ""),
        (*options.set, *((f"remotion.version={version}",) if version else ())),
        getattr(options, "user", ""),
        role,
        role in {names.RENDER_ROLE, render_role(answers).name},
    )
