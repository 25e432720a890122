"""`undo`: takes back what a run made, or everything. The same as `apply` with these answers."""

from __future__ import annotations

import argparse

from wizard.commands.apply import unattended
from wizard.commands.shared import require_right
from wizard.problem import UsageProblem


def run(options: argparse.Namespace) -> int:
    if options.everything and options.run_name:
        raise UsageProblem("undo: RUN and --everything exclude each other.", remedy="Give one of them.")
    options.save_answers = None
    wanted = "everything" if options.everything else options.run_name
    require_right("undo", "undo.run", wanted)
    options.set += ["start.goal=undo", f"undo.run={wanted}"]
    return unattended(options)
