"""`answers`: the JSON Schema of the answers file for editors, and what answers come to: each with where it came from."""

from __future__ import annotations

import argparse
import json

from wizard.commands.shared import require_answers
from wizard.problem import ExitCode
from wizard.text import one_line


def schema(_options: argparse.Namespace) -> int:
    """Print the JSON Schema."""
    from wizard.collect.schema import answers_schema

    print(json.dumps(answers_schema(), indent=2, ensure_ascii=False))
    return ExitCode.OK


def check(options: argparse.Namespace) -> int:
    """Check the answers of a file and of --set, and print every answer with where it came from. Needs no AWS."""
    from wizard.collect.fields import FIELDS

    answers = require_answers(options)
    if options.json:
        found = {key: {"value": answers[key], "origin": answers.origin(key)} for key in FIELDS}
        print(json.dumps({"ok": True, "answers": found}, indent=2, ensure_ascii=False))
        return ExitCode.OK
    for key in FIELDS:
        origin = answers.told_origin(key) or "default"
        shown = one_line(json.dumps(answers[key], ensure_ascii=False))
        print(f"{key} = {shown}   ({origin})")
    print("\nThe answers are right. What they would do: remotion-lambda-wizard plan --answers FILE")
    return ExitCode.OK
