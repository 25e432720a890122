"""The command line: reads the arguments, picks the front end, prints, and ends with an exit code."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

from wizard import __version__
from wizard.problem import ExitCode, Problem, ProblemError, UsageProblem
from wizard.text import count, listing, one_line, plain

if TYPE_CHECKING:
    from wizard.check.findings import Finding
    from wizard.collect.answers import Answers
    from wizard.collect.session import Session
    from wizard.engine import Engine
    from wizard.plan.changes import Plan

COMMANDS: Final = ("setup", "plan", "apply", "check", "policies", "sandbox")
_DESCRIPTION: Final = "Sets up the AWS permissions of Remotion Lambda, least-privileged, and proves that they work."
_EPILOG: Final = """\
examples:
  remotion-lambda-wizard                       the wizard
  remotion-lambda-wizard --sandbox             the wizard, in an account in the box: nothing reaches AWS
  remotion-lambda-wizard plan --answers FILE   what would be done, without doing it
  remotion-lambda-wizard check                 prove that the set-up holds
  remotion-lambda-wizard policies user         the user policy of Remotion, as its own CLI prints it

exit codes: 0 all holds, 1 something does not hold or failed, 2 bad usage or input, 3 no usable credentials or AWS out of
reach, 130 interrupted
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program and return its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, ValueError):
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    wants_json = "--json" in arguments
    try:
        options = _parser().parse_args(_command_first(arguments))
        run: Callable[[argparse.Namespace], int] = options.run
        code = run(options)
        sys.stdout.flush()
        return code
    except ProblemError as error:
        return _fail(error.problem, error.exit_code, wants_json)
    except KeyboardInterrupt:
        return _fail(
            Problem("Interrupted.", "", "Run the same again: it looks at what is there and goes on from it."),
            ExitCode.INTERRUPTED,
            wants_json,
        )
    except BrokenPipeError:
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.OK


def _fail(problem: Problem, code: ExitCode, wants_json: bool) -> int:
    if wants_json:
        print(json.dumps({"ok": False, "problem": problem.to_json()}, indent=2, ensure_ascii=False))
    lines = [f"✗ {problem.title}", *(f"  {line}" for line in problem.detail.splitlines())]
    lines += [f"  → {line}" for line in problem.remedy.splitlines()]
    print("\n".join(lines), file=sys.stderr)
    return int(code)


# Arguments

_FORMATS: Final = {
    "text": ("wizard.plan.render", "as_text"),
    "json": ("wizard.plan.render", "as_json"),
    "aws-cli": ("wizard.plan.render", "as_aws_cli"),
    "cloudformation": ("wizard.plan.export", "as_cloudformation"),
    "terraform": ("wizard.plan.export", "as_terraform"),
}
_TAKES_VALUE: Final = {"--profile", "--region", "--endpoint-url", "--answers", "--ask", "--set", "--save-answers"} | {
    "--format", "--user", "--role", "--remotion-version", "--partition", "--port", "--scenario", "--latency", "--account"
}  # fmt: skip


def _command_first(arguments: list[str]) -> list[str]:
    """Put the command in front, whatever options stand before it; without a command it is `setup`."""
    fixed: list[str] = []
    i = 0
    while i < len(arguments):
        word = arguments[i]
        if word in COMMANDS:
            return [word, *fixed, *arguments[i + 1 :]]
        fixed.append(word)
        if word in _TAKES_VALUE and i + 1 < len(arguments):
            i += 1
            fixed.append(arguments[i])
        elif word == "--sandbox" and (i + 1 == len(arguments) or arguments[i + 1] in COMMANDS):
            fixed[-1] = "--sandbox=fresh"
        elif word == "--sandbox" and not arguments[i + 1].startswith("-"):
            i += 1
            fixed.append(arguments[i])
        elif not word.startswith("-"):
            return arguments  # argparse says what is allowed
        i += 1
    if fixed and fixed[0] in {"-h", "--help", "--version"}:
        return fixed
    return ["setup", *fixed]


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageProblem(one_line(message, 600), remedy=f"See: {self.prog} --help")


def _parser() -> argparse.ArgumentParser:
    aws = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    group = aws.add_argument_group("AWS")
    group.add_argument("--profile", default="", metavar="P", help="the AWS profile to work with")
    group.add_argument("--region", default="", metavar="R", help="the region to work in")
    group.add_argument("--endpoint-url", default="", metavar="URL", help="talk to this endpoint in place of AWS")
    group.add_argument(
        "--sandbox", nargs="?", const="fresh", default="", metavar="SCENARIO", help="work in an account in the box"
    )

    answers = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    group = answers.add_argument_group("answers")
    group.add_argument("--answers", type=Path, metavar="FILE", help="take the answers from FILE and ask nothing")
    group.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="one answer, over the file's (repeatable)"
    )

    parser = _Parser(
        prog="remotion-lambda-wizard",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"remotion-lambda-wizard {__version__}")
    commands = parser.add_subparsers(
        title="commands", dest="command", metavar="COMMAND", required=True, parser_class=_Parser
    )

    def command(
        name: str, help_text: str, run: Callable[[argparse.Namespace], int], *parents: Any
    ) -> argparse.ArgumentParser:
        made = commands.add_parser(
            name, help=help_text, description=help_text, parents=list(parents), allow_abbrev=False
        )
        made.set_defaults(run=run)
        return made

    setup = command("setup", "the wizard (this is what runs without a command)", _setup, aws, answers)
    setup.add_argument(
        "--ask", action="append", default=[], metavar="STEP", help="with --answers: ask this step anyway (repeatable)"
    )
    setup.add_argument("--save-answers", type=Path, metavar="FILE", help="write the answers to FILE")
    setup.add_argument("--plain", action="store_true", help="ask in lines, without full screen")
    setup.add_argument("--dry-run", action="store_true", help="show the plan, change nothing")
    setup.add_argument("--yes", action="store_true", help="do not ask before changing anything")

    plan = command("plan", "build the plan and print it; changes nothing", _plan, aws, answers)
    plan.add_argument("--format", choices=tuple(_FORMATS), default="text")

    apply = command("apply", "plan, apply and check, without questions", _apply, aws, answers)
    apply.add_argument("--yes", action="store_true", help="do not ask before changing anything")
    apply.add_argument("--json", action="store_true", help="print one JSON document")

    check = command("check", "prove what is there; changes nothing", _check, aws, answers)
    check.add_argument("--user", default="", metavar="NAME", help="this user")
    check.add_argument("--role", default="", metavar="NAME", help="this role")
    check.add_argument("--remotion-version", default="", metavar="V", help="the release to check for")
    check.add_argument("--json", action="store_true", help="print one JSON document")

    policies = command("policies", "print a policy: Remotion's own as its CLI does, or one for operators", _policies)
    policies.add_argument("kind", choices=("user", "role", "operator"))
    policies.add_argument("name", nargs="*", help="with operator: which permissions (none: lists what there is)")
    policies.add_argument("--account", default="", metavar="ID", help="with operator: the account that ARNs are of")
    policies.add_argument("--remotion-version", default="", metavar="V", help="of this release")
    where = policies.add_mutually_exclusive_group()
    where.add_argument("--partition", default="", metavar="P", help="aws, aws-cn or aws-us-gov")
    where.add_argument("--region", default="", metavar="R", help="for the partition of this region")

    sandbox = command("sandbox", "the AWS account in the box", _sandbox)
    actions = sandbox.add_subparsers(
        title="what to do", dest="action", metavar="ACTION", required=True, parser_class=_Parser
    )
    serve = actions.add_parser("serve", help="serve it over HTTP on this computer", allow_abbrev=False)
    serve.add_argument("--port", type=int, default=4577, metavar="N", help="0 takes a free one (default 4577)")
    serve.add_argument("--scenario", default="fresh", metavar="S")
    serve.add_argument(
        "--latency", type=int, default=0, metavar="MS", help="answer each call later by so many milliseconds"
    )
    serve.add_argument("--no-enforce", action="store_true", help="allow every call, check no signature")
    reset = actions.add_parser("reset", help="forget what was made in it", allow_abbrev=False)
    reset.add_argument("--scenario", default="", metavar="S")
    scenarios = actions.add_parser("scenarios", help="list the accounts there are", allow_abbrev=False)
    scenarios.add_argument("--json", action="store_true", help="print one JSON document")
    return parser


# Commands


def _policies(options: argparse.Namespace) -> int:
    from wizard.remotion.catalogue import latest_release, policy, render
    from wizard.remotion.regions import partition_of
    from wizard.remotion.releases import parse_release

    release = parse_release(options.remotion_version) if options.remotion_version else latest_release()
    if release is None:
        shown = one_line(options.remotion_version, 40)
        raise UsageProblem(f"--remotion-version: “{shown}” is not a release. Allowed: a full number such as 4.0.527.")
    if options.region:
        _require_region(options.region)
    partition = partition_of(options.region) if options.region else options.partition or "aws"
    if options.kind == "operator":
        return _operator_policies(options.name, partition, options.region, options.account)
    if options.name:
        raise UsageProblem(f"policies {options.kind} takes no name. Names go with: policies operator")
    print(render(policy(options.kind, release, partition)))
    return ExitCode.OK


def _operator_policies(wanted: list[str], partition: str, region: str, account: str) -> int:
    """Print the permissions for people who look after the functions as one document, or list what there is."""
    import re

    from wizard.remotion import names, operators
    from wizard.remotion.regions import PARTITIONS

    if partition not in PARTITIONS:
        raise UsageProblem(f"There is no partition “{partition}”. Allowed: {listing(PARTITIONS, 'or')}.")
    if account and not re.fullmatch(r"\d{12}", account):
        raise UsageProblem(f"--account: “{one_line(account, 40)}” is not an account. Allowed: twelve digits.")
    for name in wanted:
        wrong = operators.problem(name)
        if wrong:
            raise UsageProblem(f"policies operator: {wrong}")
    role = f"arn:{partition}:iam::{account or '*'}:role/{names.RENDER_ROLE}"
    regions = (region,) if region else ()
    policies = [
        operators.operator_policy(name, partition, account or "*", role, regions) for name in wanted or operators.IDS
    ]
    if not wanted:
        width = max(len(policy.id) for policy in policies)
        print("\n".join(f"{policy.id.ljust(width)}  {policy.sentence}" for policy in policies))
        print("\nPrint one with: remotion-lambda-wizard policies operator NAME…")
        return ExitCode.OK
    statements = [s for policy in policies for s in policy.document["Statement"]]
    print(json.dumps({"Version": "2012-10-17", "Statement": statements}, indent=2))
    return ExitCode.OK


def _require_region(region: str) -> None:
    import re

    if not re.fullmatch(r"[a-z]{2}(-[a-z]+)+-\d", region):
        raise UsageProblem(f"--region: “{one_line(region, 40)}” is not a region. Allowed: a name such as us-east-1.")


def _setup(options: argparse.Namespace) -> int:
    if options.ask and not (options.answers or options.set):
        raise UsageProblem("--ask goes with --answers: it asks a step that the file answers already.")
    in_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    if (options.answers and not options.ask) or (options.dry_run and not in_terminal):
        return _unattended(options)
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

    session = Session(_answers(options))
    for step in options.ask:
        if step not in BY_ID or BY_ID[step].kind != "form":
            allowed = listing([s.id for s in BY_ID.values() if s.kind == "form"], "or")
            raise UsageProblem(f"--ask: there is no step “{one_line(step, 40)}”. Allowed: {allowed}.")
    engine = _engine(options)
    if _line_mode(options):
        from wizard.prompts.walk import run as walk

        return walk(engine, session, options.save_answers, tuple(options.ask), dry_run=options.dry_run)
    _open_at(session, options.ask)
    from screens.app import run

    result = run(engine, session, dry_run=options.dry_run, save_answers=options.save_answers)
    if result.message:
        print(plain(result.message))
    return result.exit_code


def _line_mode(options: argparse.Namespace) -> bool:
    """Whether to ask in lines: --plain, a dumb terminal, or an accessibility setting."""
    return bool(options.plain or os.environ.get("TERM") == "dumb" or os.environ.get("ACCESSIBLE"))


def _open_at(session: Session, asked: list[str]) -> None:
    """With --ask, begin at the first step that is to be asked; the steps before it count as visited."""
    ids = [step.id for step in session.steps]
    reachable = [ids.index(step) for step in asked if step in ids]  # the answers may leave a step out
    if reachable:
        first = min(reachable)
        session.visited.update(ids[: first + 1])
        session.current = ids[first]


def _plan(options: argparse.Namespace) -> int:
    from importlib import import_module

    engine = _engine(options)
    answers = _sign_in(engine, _require_answers(options))
    plan = engine.plan(answers, engine.discover(answers))
    module, function = _FORMATS[options.format]
    print(getattr(import_module(module), function)(plan).rstrip("\n"))
    for problem in plan.problems if options.format != "text" else ():
        print(f"✗ {problem.title}", file=sys.stderr)
    return ExitCode.DOES_NOT_HOLD if plan.problems else ExitCode.OK


def _apply(options: argparse.Namespace) -> int:
    options.dry_run, options.save_answers = False, None
    return _unattended(options)


def _unattended(options: argparse.Namespace) -> int:
    """Plan, show, confirm, apply, check: the same engine as the wizard, with answers from the file and the flags."""
    from wizard import lines
    from wizard.plan import render

    as_json = bool(getattr(options, "json", False))
    out = sys.stderr if as_json else sys.stdout
    answers = _answers(options) if options.dry_run and not options.answers else _require_answers(options)
    answers.require_valid()
    engine = _engine(options)
    answers = _sign_in(engine, answers)
    plan = engine.plan(answers, engine.discover(answers))
    print(render.as_text(plan), file=out)
    result: dict[str, Any] = {"ok": False, "plan": plan.to_json(), "run": "", "check": None, "problem": None}
    if options.save_answers:
        _save_answers(answers, options.save_answers, out)
    if plan.problems:
        result["problem"] = plan.problems[0].to_json()
        return _finish(result, ExitCode.DOES_NOT_HOLD, as_json)
    if options.dry_run:
        print("\nDry run: nothing was changed.", file=out)
        return ExitCode.OK
    if not plan.is_empty:
        if not options.yes:
            _confirm(plan)
        outcome = lines.apply_with_lines(engine, plan, out, sys.stderr)
        result |= outcome.to_json()
        if outcome.problem or not outcome.finished.ok:
            return _finish(result, ExitCode.DOES_NOT_HOLD, as_json)
    else:
        engine.settle(plan)
    report = engine.check(answers)
    lines.print_report(report, out)
    result |= {"ok": report.ok, "check": report.to_json()}
    if report.ok:
        lines.print_next_steps(*engine.next_steps(answers), lambda line: print(line, file=out))
    return _finish(result, ExitCode.OK if report.ok else ExitCode.DOES_NOT_HOLD, as_json)


def _finish(result: dict[str, Any], code: ExitCode, as_json: bool) -> int:
    if as_json:
        print(json.dumps(result, indent=2, ensure_ascii=False))
    return code


def _check(options: argparse.Namespace) -> int:
    from wizard import lines

    answers = _answers(options)
    if options.remotion_version:
        answers = answers.with_values({"remotion.version": options.remotion_version}, "--set")
    answers.require_valid()
    engine = _engine(options)
    answers = _sign_in(engine, answers)
    unchecked: tuple[Finding, ...] = ()
    if options.answers and not options.user and not options.role:
        subjects = engine.subjects_of(answers)
    else:
        subjects, unchecked = engine.subjects(options.user, options.role, answers)
    report = engine.check_subjects(answers, subjects, unchecked=unchecked)
    if options.json:
        print(json.dumps(report.to_json(), indent=2, ensure_ascii=False))
    else:
        lines.print_report(report, sys.stdout)
    return ExitCode.OK if report.ok else ExitCode.DOES_NOT_HOLD


def _sandbox(options: argparse.Namespace) -> int:
    from wizard.sandbox import SCENARIOS, SandboxMissing, reset_sandbox

    if options.action == "scenarios":
        if options.json:
            print(json.dumps({name: s.summary for name, s in SCENARIOS.items()}, indent=2, ensure_ascii=False))
        else:
            width = max(map(len, SCENARIOS))
            print("\n".join(f"{name.ljust(width)}  {s.summary}" for name, s in SCENARIOS.items()))
        return ExitCode.OK
    if options.scenario and options.scenario not in SCENARIOS:
        raise _unknown_scenario(options.scenario)
    if options.action == "reset":
        names = reset_sandbox(options.scenario or None)
        print(f"Reset: {listing(names)}." if names else "There was nothing to reset.")
        return ExitCode.OK
    if not 0 <= options.port <= 65_535:
        raise UsageProblem(f"--port: {options.port} is not a port. Allowed: 0 to 65535.")
    if not 0 <= options.latency <= 60_000:
        raise UsageProblem(f"--latency: {options.latency} is out of range. Allowed: 0 to 60000 milliseconds.")
    from wizard.sandbox.server import serve

    try:
        serve(
            options.scenario,
            port=options.port,
            latency_ms=options.latency,
            enforce=not options.no_enforce,
            ready=_announce,
        )
    except SandboxMissing as error:
        raise UsageProblem("The sandbox is not installed.", str(error)) from error
    except OSError as error:
        raise UsageProblem(
            f"--port: {options.port} can't be used: {error.strerror or error}.", remedy="Choose another one, or 0."
        ) from error
    return ExitCode.OK


def _announce(url: str, sandbox: Any) -> None:
    """Print where the sandbox answers and the lines to paste. Its administrator's key is of no use anywhere else."""
    lines = [
        f"The sandbox account {sandbox.account_id} ({sandbox.scenario}) answers at {url}. Stop it with Ctrl+C.",
        "",
        "Paste this into another terminal to work in it as its administrator:",
        f"  export AWS_ENDPOINT_URL={url}",
        f"  export AWS_REGION={sandbox.region} AWS_DEFAULT_REGION={sandbox.region}",
        f"  export AWS_ACCESS_KEY_ID={sandbox.access_key_id}",
        f"  export AWS_SECRET_ACCESS_KEY={sandbox.secret_access_key.reveal()}",
        "",
        "Remotion's CLI takes the keys that the wizard wrote to .env, and needs only AWS_ENDPOINT_URL.",
    ]
    print("\n".join(lines), flush=True)


# Pieces that the commands share


def _unknown_scenario(name: str) -> UsageProblem:
    from wizard.sandbox import SCENARIOS

    return UsageProblem(
        f"There is no sandbox scenario “{one_line(name, 40)}”. Allowed: {listing(list(SCENARIOS), 'or')}."
    )


def _engine(options: argparse.Namespace) -> Engine:
    from wizard.engine import Engine, Options

    if options.sandbox:
        from wizard.sandbox import SCENARIOS

        if options.sandbox not in SCENARIOS:
            raise _unknown_scenario(options.sandbox)
        if options.endpoint_url:
            raise UsageProblem("--sandbox and --endpoint-url exclude each other: the sandbox needs no endpoint.")
    if options.region:
        _require_region(options.region)
    return Engine(Options(options.profile, options.region, options.endpoint_url, options.sandbox))


def _answers(options: argparse.Namespace) -> Answers:
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


def _sign_in(engine: Engine, answers: Answers) -> Answers:
    """Connect, and return the answers with defaults that fit the identity."""
    identity = engine.connect(answers.text("identity.profile"))
    return answers.fitted(identity.partition, identity.region)


def _require_answers(options: argparse.Namespace) -> Answers:
    if not options.answers and not options.set:
        raise UsageProblem(
            "No answers were given, and this command asks nothing.",
            remedy="Give an answers file: --answers FILE   or single answers: --set KEY=VALUE",
        )
    answers = _answers(options)
    answers.require_valid()
    return answers


def _save_answers(answers: Answers, path: Path, out: Any) -> None:
    from wizard.handover.files import write_whole

    write_whole(path, answers.to_toml(), None, "The answers file")
    print(f"\nAnswers saved to {path}.", file=out)


def _confirm(plan: Plan) -> None:
    question = f"Make {count(len(plan.writing), 'change')} in account {plan.identity.account}?"
    if not sys.stdin.isatty():
        raise UsageProblem(
            "Nothing was changed: there is no terminal to ask in, and --yes was not given.",
            question,
            "Look at the plan, then run it again with --yes.",
        )
    print(f"\n{question} [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        raise UsageProblem("Nothing was changed: you did not say yes.")


if __name__ == "__main__":
    raise SystemExit(main())
