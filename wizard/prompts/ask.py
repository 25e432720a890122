"""One question at a time: Escape goes back, Ctrl+C leaves. No menus that redraw: a choice is a number.

In a terminal the line is edited with questionary. Where nothing may be redrawn (`reading_lines`), the question is printed
and a line is read, which the terminal itself lets people edit.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from enum import Enum
from typing import Any, Final

import questionary
from prompt_toolkit.application import get_app_session
from prompt_toolkit.filters import Condition
from prompt_toolkit.key_binding import KeyBindings, merge_key_bindings
from prompt_toolkit.keys import Keys
from prompt_toolkit.layout.processors import Processor, Transformation, TransformationInput
from prompt_toolkit.output.vt100 import Vt100_Output
from prompt_toolkit.styles import Style

from wizard.collect.steps import Choice
from wizard.interrupts import read_line
from wizard.prompts.spoken import fitted, spoken, width_of
from wizard.text import plain

_NO_STYLE = Style([])
_READS_LINES: ContextVar[bool] = ContextVar("reads_lines", default=False)
EMPTY: Final = "-"  # typed where a line is read: the answer is to be empty


class Back(Enum):
    """What a question returns when the person wants to go back."""

    BACK = "back"


BACK = Back.BACK
Rule = Callable[[str], str]


@contextmanager
def reading_lines() -> Iterator[None]:
    """Ask by printing the question and reading a line: for dumb terminals, screen readers, and output into a pipe."""
    with suppress(AttributeError, ValueError):
        sys.stdin.reconfigure(errors="replace")  # type: ignore[union-attr]
    token = _READS_LINES.set(True)
    try:
        yield
    finally:
        _READS_LINES.reset(token)


@contextmanager
def editing_lines() -> Iterator[None]:
    """Ask with lines that can be edited, drawn on what is the standard output now."""
    output = get_app_session().output  # made where it is first used: before somebody puts another stream in place
    if isinstance(output, Vt100_Output):
        output.enable_cpr = False  # else each question asks the terminal where its cursor is, and waits for the answer
    yield


def how_to_answer() -> str:
    """Say what the keys do that a person needs at every question."""
    if _READS_LINES.get():
        return f"Escape or < and then Enter goes back, {EMPTY} and then Enter empties the answer"
    return "typing replaces it, the arrow keys let you change it, Escape goes back"


def ask_text(label: str, default: str, rule: Rule) -> str | Back:
    """Ask for a text until the rule finds nothing wrong. Typing `<` goes back too. Raises EOFError at the input's end."""
    shown = default
    while True:
        typed = _read_line(label, default) if _READS_LINES.get() else _edit_line(label, shown)
        if isinstance(typed, Back) or typed.strip() == "<":
            return BACK
        wrong = rule(typed)
        if not wrong:
            return typed
        print(plain(wrong))
        shown = typed


def _read_line(label: str, default: str) -> str | Back:
    """Ask with a line of output and one of input. An empty line takes the default."""
    print(f"{label}. {f'Enter takes {default}' if default else 'Enter leaves it empty'}:", flush=True)
    line = read_line()
    if not line:
        raise EOFError
    typed = plain(line).strip()
    if not typed and "\x1b" in line:
        return BACK
    return "" if typed == EMPTY else typed or default


def ask_choice(label: str, choices: Sequence[Choice], default: str) -> str | Back:
    """List the choices with numbers, and ask for one of them by number or by its value."""
    print_numbered(choices)
    values = [c.value for c in choices]
    numbers = {str(n): value for n, value in enumerate(values, 1)}
    known = {**{v.lower(): v for v in values if v}, **numbers}
    allowed = f"a number from 1 to {len(values)}" if len(values) > 1 else "1, there is no other choice"

    def rule(text: str) -> str:
        return "" if text.strip().lower() in known else f"Allowed: {allowed}."

    shown = str(values.index(default) + 1) if default in values else "1"
    answer = ask_text(f"{label} (number)", shown, rule)
    return answer if isinstance(answer, Back) else known[answer.strip().lower()]


def ask_several(
    label: str, choices: Sequence[Choice], chosen: Sequence[str], rule: Callable[[list[str]], str]
) -> list[str] | Back:
    """List the choices with numbers, and ask for any of them, by number or by name with commas between; nothing is none.

    What is not listed is taken too, as long as the rule finds nothing wrong with it.
    """
    print_numbered(choices)
    known = _by_number_or_name(choices)
    values = [c.value for c in choices]

    def read(text: str) -> list[str]:
        whole = known.get(text.strip().lower())  # a policy's name may have a comma in it
        parts = [part.strip() for part in text.split(",") if part.strip()]
        return [whole] if whole else list(dict.fromkeys(known.get(part.lower(), part) for part in parts))

    def allowed(text: str) -> str:
        beyond = next((part for part in read(text) if choices and part.isdecimal() and part not in values), None)
        if beyond is not None:
            return f"There is no {beyond}. Allowed: numbers from 1 to {len(choices)}, with commas between them."
        return rule(read(text))

    shown = ", ".join(str(values.index(value) + 1) if value in values else value for value in chosen)
    how = "numbers or names, with commas between" if choices else "with commas between"
    answer = ask_text(f"{label} ({how}; empty: none)", shown, allowed)
    return answer if isinstance(answer, Back) else read(answer)


def ask_listed(label: str, choices: Sequence[Choice], default: str, rule: Rule) -> str | Back:
    """List what may be meant, and ask for one of it by number, or for whatever else the rule allows."""
    print_numbered(choices)
    known = _by_number_or_name(choices)
    answer = ask_text(label, default, lambda text: rule(known.get(text.strip().lower(), text.strip())))
    return answer if isinstance(answer, Back) else known.get(answer.strip().lower(), answer.strip())


def print_numbered(choices: Sequence[Choice]) -> None:
    """Print the choices, one a line."""
    for n, choice in enumerate(choices, 1):
        print(f"  {n}. {choice.label}{': ' + choice.help if choice.help else ''}")


def _by_number_or_name(choices: Sequence[Choice]) -> dict[str, str]:
    """The values by what may be typed for them, in small letters. A value that looks like a number goes before."""
    numbers = {str(n): choice.value for n, choice in enumerate(choices, 1)}
    return {**numbers, **{choice.value.lower(): choice.value for choice in choices if choice.value}}


def ask_yes(label: str, default: bool) -> bool | Back:
    """Ask a question that is answered with yes or no."""
    words = {"y": True, "yes": True, "n": False, "no": False}
    answer = ask_text(
        f"{label} (yes or no)",
        "yes" if default else "no",
        lambda text: "" if text.strip().lower() in words else "Allowed: yes or no.",
    )
    return answer if isinstance(answer, Back) else words[answer.strip().lower()]


def _edit_line(label: str, shown: str) -> str | Back:
    """Ask with a line that can be edited. What it shows is marked, and gives way to what is typed or pasted first.

    Escape goes back. Ctrl+C raises KeyboardInterrupt; Ctrl+D, as long as nothing was typed, EOFError.
    """
    pressed = 0

    @Condition
    def is_first_key() -> bool:
        return pressed < 2

    def count(_keys: object) -> None:
        nonlocal pressed
        pressed += 1

    marked = _Marked(Condition(lambda: pressed == 0))
    message = "\n ".join(fitted(f"{spoken(label)}:", width_of(sys.__stdout__) - 1))
    question = questionary.text(message, default=shown, qmark="", style=_NO_STYLE, input_processors=[marked])
    question.application.key_processor.before_key_press += count
    present, own = question.application.key_bindings, _keys(is_first_key)
    question.application.key_bindings = merge_key_bindings([present, own]) if present else own
    answer: str | Back = question.unsafe_ask()
    return answer


def _keys(is_first_key: Condition) -> KeyBindings:
    """What keys do beyond what they do in every line that can be edited."""
    keys = KeyBindings()

    @keys.add("escape", eager=True)
    def _back(event: Any) -> None:
        event.app.exit(result=BACK)

    @keys.add("c-d", filter=is_first_key)
    def _end(event: Any) -> None:
        event.app.exit(exception=EOFError)

    @keys.add(Keys.Any, filter=is_first_key)
    def _replace(event: Any) -> None:
        event.current_buffer.text = ""
        event.current_buffer.insert_text(event.data)

    @keys.add(Keys.BracketedPaste)
    def _paste(event: Any) -> None:
        if is_first_key():
            event.current_buffer.text = ""
        lines = (line.strip() for line in plain(event.data.replace("\r", "\n")).splitlines())
        event.current_buffer.insert_text(" ".join(filter(None, lines)))

    return keys


class _Marked(Processor):
    """Shows a text in reverse video while a condition holds."""

    def __init__(self, condition: Condition) -> None:
        self._condition = condition

    def apply_transformation(self, transformation_input: TransformationInput) -> Transformation:
        fragments = transformation_input.fragments
        if not self._condition():
            return Transformation(fragments)
        return Transformation([(f"{fragment[0]} reverse", fragment[1]) for fragment in fragments])
