"""The command line: reads the arguments, picks the front end, prints, and ends with an exit code."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Final, NoReturn

from wizard import __version__
from wizard.problem import ExitCode, Problem, ProblemError, UsageProblem
from wizard.text import one_line

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
        module, _, function = options.run.partition(":")  # in wizard/commands: only what runs is loaded
        code: int = getattr(import_module(f"wizard.commands.{module}"), function)(options)
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

_FORMATS: Final = ("text", "json", "aws-cli", "cloudformation", "terraform")
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

    def command(name: str, help_text: str, run: str, *parents: Any) -> argparse.ArgumentParser:
        made = commands.add_parser(
            name, help=help_text, description=help_text, parents=list(parents), allow_abbrev=False
        )
        made.set_defaults(run=run)
        return made

    setup = command("setup", "the wizard (this is what runs without a command)", "setup:run", aws, answers)
    setup.add_argument(
        "--ask", action="append", default=[], metavar="STEP", help="with --answers: ask this step anyway (repeatable)"
    )
    setup.add_argument("--save-answers", type=Path, metavar="FILE", help="write the answers to FILE")
    setup.add_argument("--plain", action="store_true", help="ask in lines, without full screen")
    setup.add_argument("--dry-run", action="store_true", help="show the plan, change nothing")
    setup.add_argument("--yes", action="store_true", help="do not ask before changing anything")

    plan = command("plan", "build the plan and print it; changes nothing", "apply:plan", aws, answers)
    plan.add_argument("--format", choices=_FORMATS, default="text")

    apply = command("apply", "plan, apply and check, without questions", "apply:run", aws, answers)
    apply.add_argument("--yes", action="store_true", help="do not ask before changing anything")
    apply.add_argument("--json", action="store_true", help="print one JSON document")

    check = command("check", "prove what is there; changes nothing", "check:run", aws, answers)
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
        "policies:run",
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
        "quotas", "how many functions may run at a time, and asking AWS for more", "quotas:run", _aws_options(True)
    )
    quotas.add_argument("action", nargs="?", choices=("list", "request"), default="list", help="list (as without it)")
    quotas.add_argument("--all-regions", action="store_true", help="every region that Remotion supports")
    quotas.add_argument("--value", type=int, metavar="N", help="with request: ask for this number")
    quotas.add_argument("--yes", action="store_true", help="with request: do not ask before sending")
    quotas.add_argument("--json", action="store_true", help="print one JSON document")

    credentials = command("credentials", "the credentials that Remotion uses", "credentials:explain")
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

    explain = command("explain", "what an error means, who can mend it, and how; changes nothing", "explain:run", aws)
    explain.add_argument(
        "text", nargs="*", metavar="TEXT", help="the error in quotes (- or nothing: from standard input)"
    )
    explain.add_argument("--decode", action="store_true", help="have AWS decode an encoded authorization message in it")
    explain.add_argument("--json", action="store_true", help="print one JSON document")

    sandbox = command("sandbox", "the AWS account in the box", "sandbox:run")
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


if __name__ == "__main__":
    raise SystemExit(main())
