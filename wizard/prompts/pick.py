"""Picking a role or a function in line mode: a name, an ARN, or a part of a name that lists what matches, with numbers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

from wizard.account.roles import E, FunctionEntry, Listing, RoleEntry, locked_reason, matching, named
from wizard.collect.meaning import role_reference
from wizard.prompts.ask import BACK, Back, Rule, ask_text, ask_yes
from wizard.text import listing as joined
from wizard.text import number, one_line, plain

SHOWN = 10  # matches that are listed at a time


def read_on(found: Listing[E]) -> None:
    """Read a list in the background while the question is being answered."""

    def run() -> None:
        while not found.complete:
            found.more(len(found.entries))

    threading.Thread(target=run, name="wizard-listing", daemon=True).start()


def ask_pick(  # what is asked, of what list, with which rule
    label: str, default: str, found: Listing[E], rule: Rule, describe: Callable[[E], str], may_be_new: bool = False
) -> str | Back:
    """Ask until one entry is named, or a number of those that were listed. An ARN that is not listed is taken too.

    The list is waited for only where the answer depends on it: an ARN or nothing at all is taken at once, a name as soon
    as it has come. `may_be_new` tells that the name may be one that does not exist yet; it is then asked for once more.
    """
    read_on(found)
    shown: list[E] = []
    given, searched = default, ""
    asked = f"{label} (name, ARN, or part of a name to search)"
    while True:
        said = ask_text(asked, default, partial(_number_or, rule, shown))
        if isinstance(said, Back):
            return BACK
        text = said.strip()
        picked = _of_shown(text, shown, found)
        if picked is not None:
            return picked.name
        entry = _wait_for(found, text) if _is_name(text) else None
        reference = role_reference(text)
        locked = entry.locked if entry is not None else locked_reason(reference.path, reference.name)
        if locked:
            print(f"  {one_line(reference.name)} can't be picked. {plain(locked)}")
            default = ""
            continue
        if entry is not None:
            return entry.name
        if not _is_name(text):
            return text
        if found.problem is not None:
            wrong = rule(text)
            print(f"  {found.problem.title} {wrong or 'The name is taken as it is typed.'}")
            if not wrong:
                return text
            continue
        shown = _list(found, text, describe)
        is_new = may_be_new and (not shown or text in {given, searched}) and not rule(text)
        if is_new and ask_yes(f"Take {one_line(text)} as the name of a new one?", text == given) is True:
            return text
        searched = text
        asked = f"{label} ({'a number, or other letters' if shown else 'name, ARN, or part of a name'})"
        default = "1" if len(shown) == 1 else ""


def _is_name(text: str) -> bool:
    """Whether it takes the list to tell what is meant: not for nothing, an ARN, or a function with its alias."""
    return bool(text) and ":" not in text


def _number_or(rule: Rule, shown: list[E], text: str) -> str:
    """A number, words to search for, or whatever the rule allows."""
    stripped = text.strip()
    if stripped.isdecimal() and shown:
        return "" if 1 <= int(stripped) <= len(shown) else f"Allowed: a number from 1 to {len(shown)}, or letters."
    return "" if _is_name(stripped) else rule(stripped)


def _of_shown(text: str, shown: list[E], found: Listing[E]) -> E | None:
    """The entry of a number that was listed. A name that is a number goes before."""
    if text.isdecimal() and 1 <= int(text) <= len(shown) and named(found.entries, text) is None:
        return shown[int(text) - 1]
    return None


def _wait_for(found: Listing[E], text: str) -> E | None:
    """The entry of exactly this name, as soon as it has come; None when the whole list has come without it."""
    while True:
        entry = named(found.entries, text)
        if entry is not None or found.complete:
            return entry
        found.more(len(found.entries))


def _list(found: Listing[E], text: str, describe: Callable[[E], str]) -> list[E]:
    matches = [entry for entry in matching(found.entries, text) if not entry.locked]
    if not matches:
        print(f"  None of {number(len(found.entries))} has that in its name.")
        return []
    first = matches[:SHOWN]
    few = len(matches) <= SHOWN
    print(
        f"  {number(len(matches))} {'matches' if len(matches) == 1 else 'match'}{':' if few else f', first {SHOWN}:'}"
    )
    for at, entry in enumerate(first, 1):
        print(f"  {at}. {one_line(entry.name)}{describe(entry)}")
    return first


def about_role(entry: RoleEntry) -> str:
    """Say what a role trusts, and its path."""
    services = [one_line(s.removesuffix(".cn").removesuffix(".amazonaws.com"), 40) for s in entry.services]
    path = f", path {one_line(entry.path, 80)}" if entry.path != "/" else ""
    return f": trusts {joined([*services, *entry.others]) or 'nobody'}{path}"


def about_function(entry: FunctionEntry) -> str:
    """Say which role a function has."""
    return f": role {one_line(entry.role_name)}"
