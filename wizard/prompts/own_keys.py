"""A user's access keys in lines, and asking which of them has to go."""

from __future__ import annotations

import sys

from wizard import lines
from wizard.collect.answers import Answers
from wizard.collect.steps import Choice, Question
from wizard.engine import Engine
from wizard.plan.rotation import Keys, rotation_plan
from wizard.problem import ProblemError
from wizard.prompts.ask import Back, ask_choice
from wizard.text import plain


def tell_keys(engine: Engine, answers: Answers) -> Keys | None:
    """Read the user's keys and say how each stands, and what stands in the way. None: they could not be read."""
    print("  Reading the access keys...", flush=True)
    try:
        keys = Keys(answers, engine.discover(answers))
    except ProblemError as error:
        lines.print_problem(error.problem, sys.stdout, wordy=True)
        return None
    for key in keys.lines():
        print(f"  {plain(key.sentence)}")
    for problem in () if keys.needs_choice else rotation_plan(answers, keys.snapshot).problems:
        lines.print_problem(problem, sys.stdout, wordy=True)
    return keys


def ask_which_goes(question: Question, keys: Keys) -> str | Back:
    """Ask which key is deleted to make room for the new one."""
    choices = [Choice(key.id, key.id, keys.line(key).aside) for key in keys.others]
    return ask_choice(question.label, choices, keys.answers.text(question.key))
