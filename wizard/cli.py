"""The command line: reads the arguments, picks the front end, prints, and ends with an exit code."""

from __future__ import annotations

import argparse
import contextlib
import errno
import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, NoReturn, TextIO

from wizard import __version__, interrupts
from wizard.problem import Problem, ProblemError, UsageProblem
from wizard.terminal import said_aloud, wants_words
from wizard.text import one_line, quoted

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
  remotion-lambda-wizard credentials rotate    a new access key in place of the old one
  remotion-lambda-wizard explain               what a pasted error means, and what to do
  remotion-lambda-wizard undo                  take back what the last run made

exit codes: 0 all holds, 1 something does not hold or failed, 2 bad usage or input, 3 no usable credentials or AWS out of
reach, 130 interrupted (143 by SIGTERM, 129 by a closed terminal, 141 where nobody reads the output any more)
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program and return its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, ValueError):
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    wants_json = "--json" in arguments
    wordy = wants_words() or "--plain" in arguments
    try:
        with interrupts.raised():
            parser = _parser()
            known = _Vocabulary.of(parser)
            _refuse_empty(arguments, known)
            options = parser.parse_args(_command_first(arguments, known))
            module, _, function = options.run.partition(":")  # in wizard/commands: only what runs is loaded
            with _for(options):
                code: int = getattr(import_module(f"wizard.commands.{module}"), function)(options)
                sys.stdout.flush()
            return code
    except ProblemError as error:
        return _fail(error.problem, error.exit_code, wants_json, wordy)
    except (KeyboardInterrupt, EOFError, OSError) as error:
        found = _interruption(error)
        if found is None:
            raise
        problem = Problem("Interrupted.", found.detail, found.remedy or _GO_ON)
        return _fail(problem, found.exit_code, wants_json, wordy)


_FOR_PEOPLE: Final = {"apply", "check", "credentials", "explain", "plan", "profiles", "quotas", "undo"}


def _for(options: argparse.Namespace) -> contextlib.AbstractContextManager[None]:
    """What a command prints its words into: spoken where they are read aloud. What a program reads stays as it is."""
    for_a_program = getattr(options, "json", False) or getattr(options, "format", "text") != "text"
    return said_aloud() if options.command in _FOR_PEOPLE and not for_a_program else contextlib.nullcontext()


_GO_ON: Final = "Run the same again: it looks at what is there and goes on from it."


def _interruption(error: BaseException) -> interrupts.Interrupted | None:
    """What cut the run off: a signal, the end of the input, or an output that nobody takes; None for another error."""
    if isinstance(error, interrupts.Interrupted):
        return error
    if isinstance(error, KeyboardInterrupt):
        return interrupts.Interrupted()
    if isinstance(error, EOFError):
        return interrupts.Interrupted(detail="The input has ended.")
    if isinstance(error, BrokenPipeError) or (isinstance(error, OSError) and error.errno == errno.EIO):
        return interrupts.Interrupted(interrupts.SIGPIPE, "Nobody reads the output any more.")
    return None


def _fail(problem: Problem, code: int, wants_json: bool, wordy: bool) -> int:
    """Tell a problem, as far as there is still somebody to tell it to, and return the exit code."""
    wrong, then = ("failed:", "next:") if wordy else ("✗", "→")
    lines = [f"{wrong} {problem.title}", *(f"  {line}" for line in problem.detail.splitlines())]
    lines += [f"  {then} {line}" for line in problem.remedy.splitlines()]
    document = {"ok": False, "problem": problem.to_json()}
    with _unless_closed(sys.stdout):
        if wants_json:
            print(json.dumps(document, indent=2, ensure_ascii=False))
    with _unless_closed(sys.stderr):
        print("\n".join(lines), file=sys.stderr)
    return int(code)


@contextlib.contextmanager
def _unless_closed(stream: TextIO) -> Iterator[None]:
    """Print to a stream; if nobody takes it, let go of it, or Python complains about it at the end."""
    try:
        yield
        stream.flush()
    except OSError:
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


# Arguments

_FORMATS: Final = ("text", "json", "aws-cli", "cloudformation", "terraform")


@dataclass(frozen=True)
class _Vocabulary:
    """What the parser knows: the commands, and the flags that take a value."""

    commands: frozenset[str]
    takes_value: frozenset[str]

    @classmethod
    def of(cls, parser: argparse.ArgumentParser) -> _Vocabulary:
        """Read it off a parser and the parsers of its commands."""
        commands, takes_value, waiting = frozenset[str](), set[str](), [parser]
        while waiting:
            for action in waiting.pop()._actions:
                if isinstance(action.choices, dict):  # commands, or what to do within one
                    commands = commands or frozenset(action.choices)
                    waiting += action.choices.values()
                elif action.nargs is None:
                    takes_value.update(action.option_strings)
        return cls(commands, frozenset(takes_value))


def _command_first(arguments: list[str], known: _Vocabulary) -> list[str]:
    """Put the command in front, whatever options stand before it; without a command it is `setup`."""
    fixed: list[str] = []
    i = 0
    while i < len(arguments):
        word = arguments[i]
        if word in known.commands:
            return [word, *fixed, *arguments[i + 1 :]]
        fixed.append(word)
        if word in known.takes_value and i + 1 < len(arguments):
            i += 1
            fixed.append(arguments[i])
        elif word == "--sandbox" and (i + 1 == len(arguments) or arguments[i + 1] in known.commands):
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


_MAY_BE_EMPTY: Final = {"--set", "--prefix", "--kms-key"}


def _refuse_empty(arguments: list[str], known: _Vocabulary) -> None:
    """Refuse a flag with nothing behind it, such as --sandbox="$UNSET": left out it could mean something else."""
    for word, following in pairwise([*arguments, "-"]):
        flag, equals, value = word.partition("=")
        empty = not value if equals else not following
        if empty and flag in (known.takes_value | {"--sandbox"}) - _MAY_BE_EMPTY:
            raise UsageProblem(f"{flag}: its value is empty. Give one, or leave the flag out.")


def _whole_number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{quoted(text)} is not a whole number, such as 10.") from None


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        flat = one_line(message, len(message))
        short = flat if len(flat) <= 600 else f"{flat[:150]} … {flat[-400:]}"  # what is allowed stands at the end
        raise UsageProblem(short, remedy=f"See: {self.prog} --help")


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
    setup.add_argument("--resume", action="store_true", help="go on where you stopped, without asking")
    setup.add_argument(
        "--plain",
        action="store_true",
        help="ask in lines, without full screen (so it is with TERM=dumb, ACCESSIBLE=1, and where the output is no terminal)",
    )
    setup.add_argument("--dry-run", action="store_true", help="show the plan, change nothing")
    setup.add_argument("--yes", action="store_true", help="do not ask before changing anything")

    remember: dict[str, Any] = {
        "default": "12",
        "metavar": "HOURS",
        "help": "offer to go on with this account for so long (default 12, at most 72; 0: don't). Keeps no key or secret",
    }
    setup.add_argument("--remember", **remember)

    plan = command("plan", "build the plan and print it; changes nothing", "apply:plan", aws, answers)
    plan.add_argument("--format", choices=_FORMATS, default="text")

    apply = command("apply", "plan, apply and check, without questions", "apply:run", aws, answers)
    apply.add_argument("--yes", action="store_true", help="do not ask before changing anything")
    apply.add_argument("--json", action="store_true", help="print one JSON document")
    apply.add_argument("--remember", **remember)

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
        help="look at Remotion's buckets, functions, logs and regions too, and list what its policies allow beyond Remotion's "
        "(so it is, unless --user or --role is given)",
    )
    check.add_argument(
        "--live-upload",
        action="store_true",
        help="upload one small file to the output bucket as the render role, and delete it",
    )
    check.add_argument("--json", action="store_true", help="print one JSON document")

    about_answers = command("answers", "the answers file: its JSON Schema for editors, and a check", "answers:check")
    what: Any = about_answers.add_subparsers(
        title="what to do", dest="action", metavar="ACTION", required=True, parser_class=_Parser
    )
    text = "print the file's JSON Schema; saved beside it, its first line tells editors: #:schema ./schema.json"
    what.add_parser("schema", help=text, description=text, allow_abbrev=False).set_defaults(run="answers:schema")
    text = "check answers without AWS, and print each with where it came from"
    right = what.add_parser("check", help=text, description=text, allow_abbrev=False)
    right.add_argument("answers", nargs="?", type=Path, metavar="FILE", help="the answers file")
    right.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="one answer, over the file's")
    right.add_argument("--json", action="store_true", help="print one JSON document")
    right.set_defaults(region="", profile="")

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
    bucket.add_argument(
        "--grant", choices=("complete", "put-object"), help="all that an upload needs (so it is), or the minimum"
    )
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
    quotas.add_argument("--value", type=_whole_number, metavar="N", help="with request: ask for this number")
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

    rotate = about.add_parser(
        "rotate",
        help="a new access key in place of the old one, which is deactivated once the new one is proven",
        parents=[aws, answers],
        allow_abbrev=False,
    )
    rotate.set_defaults(run="credentials:rotate")
    rotate.add_argument("--user", default="", metavar="NAME", help="the user whose key it is (default remotion-user)")
    rotate.add_argument(
        "--delete-old", action="store_true", help="only delete inactive keys that nothing has used for a week"
    )
    rotate.add_argument("--yes", action="store_true", help="do not ask before changing anything")
    rotate.add_argument("--json", action="store_true", help="print one JSON document")

    undo = command(
        "undo",
        "take back what a run made, newest first: only what nobody has changed since. The plan comes first",
        "undo:run",
        aws,
        answers,
    )
    undo.add_argument(
        "run_name", nargs="?", default="", metavar="RUN", help="this run (default: the newest that is left)"
    )
    undo.add_argument(
        "--everything",
        action="store_true",
        help="all runs, and what else carries the wizard's tag; left-over logs too, never buckets",
    )
    undo.add_argument("--dry-run", action="store_true", help="show the plan, change nothing")
    undo.add_argument("--yes", action="store_true", help="do not ask for the name of the account")
    undo.add_argument("--json", action="store_true", help="print one JSON document")

    profiles = command(
        "profiles",
        "what the next start offers to go on with: list it, or forget it; no secret is in it",
        "profiles:run",
    )
    profiles.add_argument("action", nargs="?", choices=("list", "forget"), default="list", help="list (as without it)")
    profiles.add_argument("name", nargs="?", default="", metavar="NAME", help="with forget: this one")
    profiles.add_argument("--all", "--yes", action="store_true", dest="all", help="with forget: all, without asking")
    profiles.add_argument("--json", action="store_true", help="print one JSON document")

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
    serve.add_argument(
        "--port", type=_whole_number, default=4577, metavar="N", help="0 takes a free one (default 4577)"
    )
    serve.add_argument("--scenario", default="fresh", metavar="S")
    serve.add_argument(
        "--latency", type=_whole_number, default=0, metavar="MS", help="answer each call later by so many milliseconds"
    )
    serve.add_argument("--no-enforce", action="store_true", help="allow every call, check no signature")
    reset = actions.add_parser("reset", help="forget what was made in it", allow_abbrev=False)
    reset.add_argument("--scenario", default="", metavar="S")
    tick = actions.add_parser("tick", help="let days pass: AWS answers what it was asked", allow_abbrev=False)
    tick.add_argument("--days", type=_whole_number, default=1, metavar="N", help="so many days (default 1)")
    tick.add_argument("--scenario", default="fresh", metavar="S")
    key = actions.add_parser("key", help="print a user's access key, as lines for a .env file", allow_abbrev=False)
    key.add_argument("--scenario", default="fresh", metavar="S")
    key.add_argument("--user", default="remotion-user", metavar="NAME", help="default remotion-user")
    scenarios = actions.add_parser("scenarios", help="list the accounts there are", allow_abbrev=False)
    scenarios.add_argument("--json", action="store_true", help="print one JSON document")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
