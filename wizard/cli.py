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
from wizard.text import account_number, count, listing, one_line, plain

if TYPE_CHECKING:
    from wizard.account.connect import Aws
    from wizard.check.findings import Finding
    from wizard.check.mend import Mending
    from wizard.collect.answers import Answers
    from wizard.collect.session import Session
    from wizard.engine import Engine
    from wizard.plan.changes import Plan
    from wizard.quotas.limits import RegionQuota
    from wizard.remotion.releases import Release

COMMANDS: Final = ("setup", "plan", "apply", "check", "policies", "quotas", "sandbox", "credentials", "explain")
_DESCRIPTION: Final = "Sets up the AWS permissions of Remotion Lambda, least-privileged, and proves that they work."
_EPILOG: Final = """\
examples:
  remotion-lambda-wizard                       the wizard
  remotion-lambda-wizard --sandbox             the wizard, in an account in the box: nothing reaches AWS
  remotion-lambda-wizard plan --answers FILE   what would be done, without doing it
  remotion-lambda-wizard check                 prove that the set-up holds
  remotion-lambda-wizard quotas --all-regions  how many functions may run at a time, in each region
  remotion-lambda-wizard policies user         the user policy of Remotion, as its own CLI prints it
  remotion-lambda-wizard credentials explain   which credentials Remotion will really use here
  remotion-lambda-wizard explain               what a pasted error means, and what to do

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
    "--format", "--user", "--role", "--remotion-version", "--partition", "--port", "--scenario", "--latency", "--account",
    "--value", "--days", "--bucket", "--grant", "--prefix", "--kms-key",
    "--folder",
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


def _aws_options(several_regions: bool = False) -> _Parser:
    """The options of every command that uses AWS; with `several_regions`, --region can be given more than once."""
    aws = _Parser(add_help=False, allow_abbrev=False)
    group = aws.add_argument_group("AWS")
    group.add_argument("--profile", default="", metavar="P", help="the AWS profile to work with")
    if several_regions:
        group.add_argument(
            "--region", action="append", default=[], dest="regions", metavar="R", help="this region (repeatable)"
        )
    else:
        group.add_argument("--region", default="", metavar="R", help="the region to work in")
    group.add_argument("--endpoint-url", default="", metavar="URL", help="talk to this endpoint in place of AWS")
    group.add_argument(
        "--sandbox", nargs="?", const="fresh", default="", metavar="SCENARIO", help="work in an account in the box"
    )
    return aws


def _parser() -> argparse.ArgumentParser:
    aws = _aws_options()

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
    check.add_argument(
        "--live", action="store_true", help="try real calls as well, with the credentials that Remotion has; reads only"
    )
    check.add_argument(
        "--around",
        action=argparse.BooleanOptionalAction,
        help="look at Remotion's buckets, functions, logs and regions too (so it is, unless --user or --role is given)",
    )
    check.add_argument(
        "--live-upload",
        action="store_true",
        help="upload one small file to the output bucket as the render role, and delete it",
    )
    check.add_argument("--json", action="store_true", help="print one JSON document")

    policies = command(
        "policies",
        "print a policy: Remotion's own as its CLI does, one for operators, or one for an output bucket",
        _policies,
    )
    policies.add_argument("kind", choices=("user", "role", "operator", "output-bucket"))
    policies.add_argument("name", nargs="*", help="with operator: which permissions (none: lists what there is)")
    policies.add_argument("--account", default="", metavar="ID", help="the account that ARNs are of")
    policies.add_argument("--remotion-version", default="", metavar="V", help="of this release")
    bucket = policies.add_argument_group("with output-bucket")
    bucket.add_argument("--bucket", default="", metavar="B", help="the bucket's name")
    bucket.add_argument("--grant", choices=("complete", "put-object"), default="complete")
    bucket.add_argument("--prefix", default="", metavar="KEY", help="only under this key prefix")
    bucket.add_argument("--delete", action="store_true", help="with s3:DeleteObject")
    bucket.add_argument("--no-acls", action="store_true", help="without s3:PutObjectAcl: the bucket takes no ACLs")
    bucket.add_argument("--kms-key", default="", metavar="ARN", help="the customer key that encrypts the bucket")
    bucket.add_argument("--caller", action="store_true", help="what the caller gets, in place of the render role")
    bucket.add_argument(
        "--other-side", action="store_true", help="what the owner of another account's bucket adds (with --account)"
    )
    where = policies.add_mutually_exclusive_group()
    where.add_argument("--partition", default="", metavar="P", help="aws, aws-cn or aws-us-gov")
    where.add_argument("--region", default="", metavar="R", help="for the partition of this region")

    quotas = command(
        "quotas", "how many functions may run at a time, and asking AWS for more", _quotas, _aws_options(True)
    )
    quotas.add_argument("action", nargs="?", choices=("list", "request"), default="list", help="list (as without it)")
    quotas.add_argument("--all-regions", action="store_true", help="every region that Remotion supports")
    quotas.add_argument("--value", type=int, metavar="N", help="with request: ask for this number")
    quotas.add_argument("--yes", action="store_true", help="with request: do not ask before sending")
    quotas.add_argument("--json", action="store_true", help="print one JSON document")

    credentials = command("credentials", "the credentials that Remotion uses", _credentials)
    about: Any = credentials.add_subparsers(
        title="what to do", dest="action", metavar="ACTION", required=True, parser_class=_Parser
    )
    which = about.add_parser(
        "explain",
        help="which credentials Remotion will really use, and what they shadow; changes nothing",
        parents=[aws],
        allow_abbrev=False,
    )
    which.add_argument(
        "--folder", type=Path, metavar="DIR", help="the folder Remotion is started in (default: this one)"
    )
    which.add_argument("--ask-aws", action="store_true", help="ask AWS whose they are")
    which.add_argument("--json", action="store_true", help="print one JSON document")

    explain = command("explain", "what an error means, who can mend it, and how; changes nothing", _explain, aws)
    explain.add_argument(
        "text", nargs="*", metavar="TEXT", help="the error in quotes (- or nothing: from standard input)"
    )
    explain.add_argument("--decode", action="store_true", help="have AWS decode an encoded authorization message in it")
    explain.add_argument("--json", action="store_true", help="print one JSON document")

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
    tick = actions.add_parser("tick", help="let days pass: AWS answers what it was asked", allow_abbrev=False)
    tick.add_argument("--days", type=int, default=1, metavar="N", help="so many days (default 1)")
    tick.add_argument("--scenario", default="fresh", metavar="S")
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
    if options.kind == "output-bucket":
        return _output_bucket_policy(options, partition, release)
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


def _output_bucket_policy(options: argparse.Namespace, partition: str, release: Release) -> int:
    """Print what the render role, the caller or the other side needs for an output bucket."""
    import re

    from wizard.collect.fields import FIELDS
    from wizard.output.grant import Wish, caller_grant, role_grant
    from wizard.output.other_side import other_side
    from wizard.remotion import names
    from wizard.remotion.regions import PARTITIONS

    if not options.bucket:
        raise UsageProblem("policies output-bucket needs the bucket's name: --bucket NAME")
    if options.name:
        raise UsageProblem("policies output-bucket takes no name beside --bucket.")
    if partition not in PARTITIONS:
        raise UsageProblem(f"There is no partition “{partition}”. Allowed: {listing(PARTITIONS, 'or')}.")
    for flag, key in (("bucket", "name"), ("prefix", "prefix"), ("kms_key", "kms_key")):
        wrong = FIELDS[f"output_bucket.{key}"].problem(getattr(options, flag))
        if wrong:
            raise UsageProblem(f"--{flag.replace('_', '-')}: {wrong}")
    wish = Wish(
        options.bucket, options.grant, partition, options.prefix, options.delete, not options.no_acls, options.kms_key
    )
    if options.other_side:
        if not re.fullmatch(r"\d{12}", options.account):
            raise UsageProblem("--other-side names your role by its ARN: say your account, --account 123456789012")
        here = f"arn:{partition}:iam::{options.account}"
        reader = "" if options.grant == "put-object" else f"{here}:user/{names.USER}"
        print(other_side(wish, f"{here}:role/{names.RENDER_ROLE}", reader, release, options.region).text)
        return ExitCode.OK
    granted = caller_grant(wish) if options.caller else role_grant(wish, release)
    if granted is None:
        raise UsageProblem("The documented minimum gives the caller nothing. Allowed with --caller: --grant complete")
    print(json.dumps(granted.document, indent=2))
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
    from wizard.check.mend import with_commands
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
    with lines.telling_the_wait(sys.stderr) as on_wait:
        report = engine.check(answers, on_wait=on_wait)
    report = with_commands(report, _mending(options, answers))
    lines.print_report(report, out)
    result |= {"ok": report.ok, "check": report.to_json()}
    if report.ok:
        lines.print_next_steps(*engine.next_steps(answers), lambda line: print(line, file=out))
    return _finish(result, ExitCode.OK if report.ok else ExitCode.DOES_NOT_HOLD, as_json)


def _finish(result: dict[str, Any], code: ExitCode, as_json: bool) -> int:
    if as_json:
        print(json.dumps(result, indent=2, ensure_ascii=False))
    return code


def _mending(options: argparse.Namespace, answers: Answers) -> Mending:
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


def _check(options: argparse.Namespace) -> int:
    from wizard import lines
    from wizard.check.mend import with_commands

    answers = _answers(options)
    if options.remotion_version:
        answers = answers.with_values({"remotion.version": options.remotion_version}, "--set")
    answers.require_valid()
    engine = _engine(options)
    answers = _sign_in(engine, answers, lambda aws: _prepare_check(options, aws))
    unchecked: tuple[Finding, ...] = ()
    if options.answers and not options.user and not options.role:
        subjects = engine.subjects_of(answers)
    else:
        subjects, unchecked = engine.subjects(options.user, options.role, answers)
    around = options.around if options.around is not None else not (options.user or options.role)
    report = engine.check_subjects(
        answers,
        subjects,
        unchecked=unchecked,
        live_upload=options.live_upload,
        around=around,
        live=options.live,
    )
    report = with_commands(report, _mending(options, answers))
    if options.json:
        print(json.dumps(report.to_json(), indent=2, ensure_ascii=False))
    else:
        lines.print_report(report, sys.stdout)
    return ExitCode.OK if report.ok else ExitCode.DOES_NOT_HOLD


def _prepare_check(options: argparse.Namespace, aws: Any) -> None:
    from wizard.check.run import prepare

    named = {"user": options.user, "role": options.role}  # a role may be named by its ARN: then it is read later
    prepare(aws, [(kind, name) for kind, name in named.items() if name and ":" not in name])


def _quotas(options: argparse.Namespace) -> int:
    from wizard.collect.fields import concurrency_problem
    from wizard.quotas.limits import prepare, regions_of
    from wizard.remotion.regions import partition_of

    for region in options.regions:
        _require_region(region)
    if options.regions and options.all_regions:
        raise UsageProblem("--region and --all-regions exclude each other.")
    if options.action == "list" and (options.value is not None or options.yes):
        raise UsageProblem("--value and --yes go with: quotas request")
    wrong = concurrency_problem(options.value if options.value else -1) if options.value is not None else ""
    if wrong:
        raise UsageProblem(f"--value: {wrong.partition(';')[0]}.", remedy="Nothing was sent.")
    options.region = options.regions[0] if options.regions else ""
    engine = _engine(options)
    identity = engine.connect(
        meanwhile=lambda aws: prepare(aws, regions_of(aws.partition) if options.all_regions else options.regions)
    )
    foreign = [region for region in options.regions if partition_of(region) != identity.partition]
    if foreign:
        raise UsageProblem(
            f"--region: {listing(foreign)} is not in the partition of your AWS identity ({identity.partition}).",
            remedy="Choose regions of this partition, or another identity.",
        )
    regions = tuple(dict.fromkeys(options.regions)) or engine.quota_regions(options.all_regions)
    if options.action == "request":
        return _request_quotas(options, engine, regions)
    return _list_quotas(options, engine, regions)


def _list_quotas(options: argparse.Namespace, engine: Engine, regions: Sequence[str]) -> int:
    """Show the limits, each region's as soon as it is there; then what changed, what to do, what AWS was asked."""
    from wizard.quotas import advice, report

    out = sys.stderr if options.json else sys.stdout
    shows_progress = sys.stderr.isatty()
    identity = engine.connected()
    print(f"Lambda concurrency in account {account_number(identity.account)}, as {plain(identity.arn)}\n", file=out)
    print(advice.HEADING, file=out)
    found: list[RegionQuota] = []
    for quota in engine.quotas(regions):
        found.append(quota)
        end = "\r\033[K" if shows_progress else ""
        print(f"{end}{plain(report.row_line(quota))}", file=out, flush=True)
        if shows_progress and len(found) < len(regions):
            print(f"{len(found)} of {count(len(regions), 'region')}…", end="", file=sys.stderr, flush=True)
    news = engine.quota_news(found)
    print(f"\n{report.summary(found)}", file=out)
    if news:
        print("\nWhat changed:", *(f"  {plain(line)}" for line in news), sep="\n", file=out)
    ordered = sorted(found, key=lambda quota: regions.index(quota.region))
    print(*("", *report.report_lines(ordered, identity.account)), sep="\n", file=out)
    unknown = [quota for quota in found if quota.failed]
    document = {
        "ok": not unknown,
        "account": identity.account,
        "quotas": [advice.to_json(quota) for quota in ordered],
        "changes": news,
    }
    return _finish(document, ExitCode.DOES_NOT_HOLD if unknown else ExitCode.OK, options.json)


def _request_quotas(options: argparse.Namespace, engine: Engine, regions: Sequence[str]) -> int:
    """Ask AWS for a higher limit: plan, show, confirm, send once."""
    from wizard import lines
    from wizard.plan import render
    from wizard.quotas.report import requested_lines

    out = sys.stderr if options.json else sys.stdout
    plan = engine.quota_plan(regions, options.value)
    print(render.as_text(plan), file=out)
    result: dict[str, Any] = {"ok": False, "plan": plan.to_json(), "run": "", "requests": [], "problem": None}
    if plan.problems:
        result["problem"] = plan.problems[0].to_json()
        print("\nNothing was sent.", file=out)
        return _finish(result, ExitCode.DOES_NOT_HOLD, options.json)
    if plan.is_empty:
        return _finish(result | {"ok": True}, ExitCode.OK, options.json)
    if not options.yes:
        asks = [change for change in plan.writing if change.kind == "quota"]
        _confirm(plan, f"Send {count(len(asks), 'request')} to AWS")
    outcome = lines.apply_with_lines(engine, plan, out, sys.stderr)
    made = engine.requested()
    print(*requested_lines(made, plan.identity.account), sep="\n", file=out)
    ok = outcome.problem is None and outcome.finished.ok
    result |= {"ok": ok, **outcome.to_json(), "requests": [{"region": r.region, **r.to_json()} for r in made]}
    return _finish(result, ExitCode.OK if ok else ExitCode.DOES_NOT_HOLD, options.json)


def _credentials(options: argparse.Namespace) -> int:
    """Say which credentials Remotion will use in a folder. With --ask-aws, whose they are."""
    from wizard.check import credentials_source as source

    folder = (options.folder or Path()).expanduser().absolute()
    if not folder.is_dir():
        raise UsageProblem(f"--folder: there is no folder {one_line(str(folder), 200)}.")
    machine = source.look(folder, os.environ)
    answers, reached = [source.answer(machine, reader) for reader in source.READERS], True
    if options.ask_aws:
        engine = _engine(options)
        base = _connection(engine, options.profile) if options.sandbox else None

        def connect(of: source.Source) -> Aws | None:
            return source.connection(of, options.region, options.endpoint_url, base)

        account = ""
        if base is None:
            with contextlib.suppress(ProblemError):  # without an identity of its own there is nothing to compare with
                account = engine.connect(options.profile).account if options.profile else ""
        completed, reached = source.with_accounts(answers, connect, account)
        answers = list(completed)
    if options.json:
        print(json.dumps(source.to_json(machine, answers), indent=2, ensure_ascii=False))
    else:
        print("\n".join(source.as_lines(machine, answers, options.ask_aws)))
    return source.exit_code(answers, reached)


def _connection(engine: Engine, profile: str) -> Aws:
    """Sign in and return the connection itself."""
    from queue import SimpleQueue

    opened: SimpleQueue[Aws] = SimpleQueue()
    engine.connect(profile, meanwhile=opened.put)
    return opened.get()


def _explain(options: argparse.Namespace) -> int:
    """Say what a pasted error means. Exit code 1 if the wizard does not know it."""
    from wizard.check.explain import as_lines, explain
    from wizard.check.pasted import encoded_message

    text = _pasted(options.text)
    message = encoded_message(text)
    decoded, note = _decoded(options, message) if message else ("", "")
    explanation = explain(text, decoded)
    if options.json:
        found = explanation.to_json() | ({"decoding": {"done": bool(decoded), "note": note}} if message else {})
        print(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        print("\n".join([*as_lines(explanation), *(("", note) if note else ())]))
    return ExitCode.OK if explanation.known else ExitCode.DOES_NOT_HOLD


def _pasted(words: list[str]) -> str:
    """Return the text of the command line, or of standard input where there is none."""
    from wizard.check.pasted import LARGEST

    if words and words != ["-"]:
        text = " ".join(words)
    else:
        with contextlib.suppress(AttributeError, ValueError):
            sys.stdin.reconfigure(errors="replace")  # type: ignore[union-attr]
        if sys.stdin.isatty():
            print("Paste the error. End with Ctrl+D on a line of its own (Windows: Ctrl+Z and Enter).", file=sys.stderr)
        text = sys.stdin.read(LARGEST + 1)
    if len(text) > LARGEST:
        raise UsageProblem("The text is too long.", "At most a million characters are read.", "Paste the error only.")
    if not text.strip():
        raise UsageProblem(
            "No text was given.", "", 'Give the error: remotion-lambda-wizard explain "TEXT"   or paste it in.'
        )
    return text


def _decoded(options: argparse.Namespace, message: str) -> tuple[str, str]:
    """Decode an authorization message where AWS may be asked, else say how. AWS operation: sts:DecodeAuthorizationMessage."""
    from wizard.account.errors import problem_of

    by_hand = f"aws sts decode-authorization-message --query DecodedMessage --output text --encoded-message={message}"
    if not (options.decode or options.profile or options.sandbox or options.endpoint_url):
        how = f"It holds an encoded message. Decode it with --decode, or: {by_hand}"
        return "", f"{how}\n(this takes sts:DecodeAuthorizationMessage, in the account of the error)"
    try:
        sts = _connection(_engine(options), options.profile).client("sts", attempts=1)
        return str(
            sts.decode_authorization_message(EncodedMessage=message)["DecodedMessage"]
        ), "The encoded message was decoded."
    except UsageProblem:
        raise
    except ProblemError as error:
        problem = error.problem
    except Exception as error:  # the explanation holds without it
        problem = problem_of(error, "decoding the authorization message", options.profile).problem
    return (
        "",
        f"The encoded message could not be decoded: {problem.title} {one_line(problem.detail, 300)}\nBy hand: {by_hand}",
    )


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
        from wizard.quotas.remembered import forget_sandbox

        names = reset_sandbox(options.scenario or None)
        forget_sandbox(names)
        print(f"Reset: {listing(names)}." if names else "There was nothing to reset.")
        return ExitCode.OK
    if options.action == "tick":
        return _tick(options)
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


def _tick(options: argparse.Namespace) -> int:
    """Move the time of a sandbox forward, and say what AWS has done meanwhile."""
    from wizard.sandbox import SandboxMissing, open_sandbox

    if not 1 <= options.days <= 365:
        raise UsageProblem(f"--days: {options.days} is out of range. Allowed: 1 to 365.")
    try:
        sandbox = open_sandbox(options.scenario)
    except SandboxMissing as error:
        raise UsageProblem("The sandbox is not installed.", str(error)) from error
    moved = sandbox.pass_time(options.days)
    sandbox.close()
    print(f"{count(options.days, 'day')} later in {options.scenario}.")
    for request in moved:
        applied = ", and it holds now" if request.get("sandbox_applied") else ""
        print(f"  {request['Region']}: the request for {request['DesiredValue']:,.0f} is {request['Status']}{applied}")
    if not moved:
        print("  Nothing was waiting for AWS.")
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
        *([f"  export AWS_SESSION_TOKEN={sandbox.session_token.reveal()}"] if sandbox.session_token else []),
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


def _sign_in(engine: Engine, answers: Answers, meanwhile: Callable[[Any], object] | None = None) -> Answers:
    """Connect, and return the answers with defaults that fit the identity. For `meanwhile` see Engine.connect."""
    identity = engine.connect(answers.text("identity.profile"), meanwhile=meanwhile)
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


def _confirm(plan: Plan, doing: str = "") -> None:
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


if __name__ == "__main__":
    raise SystemExit(main())
