"""`explain`: what a pasted error means."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys

from wizard.commands.shared import connection, open_engine, require_aws_options
from wizard.problem import ExitCode, ProblemError, UsageProblem
from wizard.terminal import columns
from wizard.text import folded, one_line


def run(options: argparse.Namespace) -> int:
    """Say what a pasted error means. Exit code 1 if the wizard does not know it."""
    from wizard.check.explain import as_lines, explain
    from wizard.check.pasted import encoded_message

    if " " in options.sandbox.strip():  # --sandbox takes a name or nothing, and here the error stands behind it
        options.text, options.sandbox = [options.sandbox, *options.text], "fresh"
    require_aws_options(options)
    text = _pasted(options.text)
    message = encoded_message(text)
    decoded, note = _decoded(options, message) if message else ("", "")
    explanation = explain(text, decoded)
    if options.json:
        found = explanation.to_json() | ({"decoding": {"done": bool(decoded), "note": note}} if message else {})
        print(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        width = columns(sys.stdout)
        print("\n".join([*(_fitting(line, width) for line in as_lines(explanation)), *(("", note) if note else ())]))
    return ExitCode.OK if explanation.known else ExitCode.DOES_NOT_HOLD


def _fitting(line: str, width: int) -> str:
    """Break a line at the terminal's width, but not one with a command in it, which is to be copied."""
    return line if line.startswith("  →") else folded(line, width, 4 if line.startswith(" ") else 0)


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
        sts = connection(open_engine(options), options.profile).client("sts", attempts=1)
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
