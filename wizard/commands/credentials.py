"""`credentials explain`: which credentials Remotion will use."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from wizard.commands.shared import connection, open_engine
from wizard.problem import ProblemError, UsageProblem
from wizard.text import one_line

if TYPE_CHECKING:
    from wizard.account.connect import Aws


def explain(options: argparse.Namespace) -> int:
    """Say which credentials Remotion will use in a folder. With --ask-aws, whose they are."""
    from wizard.check import credentials_source as source

    folder = (options.folder or Path()).expanduser().absolute()
    if not folder.is_dir():
        raise UsageProblem(f"--folder: there is no folder {one_line(str(folder), 200)}.")
    machine = source.look(folder, os.environ)
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
        print("\n".join(source.as_lines(machine, answers, options.ask_aws)))
    return source.exit_code(answers, reached)
