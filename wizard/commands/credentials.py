"""`credentials explain`: which credentials Remotion will use. `credentials rotate`: a new access key for the old one."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from typing import TYPE_CHECKING

from wizard.commands.apply import unattended
from wizard.commands.shared import connection, open_engine, require_aws_options, require_right
from wizard.places import expanded
from wizard.problem import ProblemError, UsageProblem
from wizard.terminal import columns
from wizard.text import folded, quoted

if TYPE_CHECKING:
    from wizard.account.connect import Aws


def explain(options: argparse.Namespace) -> int:
    """Say which credentials Remotion will use in a folder. With --ask-aws, whose they are."""
    from wizard.check import credentials_source as source

    require_aws_options(options)
    folder = expanded(str(options.folder or ".")).absolute()
    if not os.path.isdir(folder):  # noqa: PTH112 - a name that is too long is no folder either
        raise UsageProblem(f"--folder: there is no folder {quoted(str(folder), 200)}. Name one that is there.")
    try:
        machine = source.look(folder, os.environ)
    except ProblemError as error:
        raise UsageProblem(error.problem.title, error.problem.detail, error.problem.remedy) from None
    answers, reached = [source.answer(machine, reader) for reader in source.READERS], True
    if options.ask_aws:
        engine = open_engine(options)
        base = connection(engine, options.profile) if options.sandbox else None

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
        width = columns(sys.stdout)
        for line in source.as_lines(machine, answers, options.ask_aws):
            print(line if "next: " in line else folded(line, width, 10 if "why: " in line else 5))
    return source.exit_code(answers, reached)


def rotate(options: argparse.Namespace) -> int:
    """Change the access key in its place, or delete old ones: the same as `apply` with these answers."""
    options.dry_run, options.save_answers = False, None
    options.set += ["start.goal=rotate"]
    if options.user:
        require_right("--user", "principal.name", options.user)
        options.set += [f"principal.name={options.user}"]
    if options.delete_old:
        options.set += ["rotate.what=delete-old"]
    return unattended(options)
