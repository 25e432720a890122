"""Policy documents by meaning: canonical form, comparison, size as IAM counts it, merging, a readable diff.

Two documents mean the same if they hold the same atoms. An atom is one effect for one principal, one action and one
resource under one condition: lists are multiplied out, so a statement that is split into several, or several that are
merged into one, change nothing. What is a conjunction (NotAction, NotResource, NotPrincipal, Condition) stays whole.

Sources, in the AWS IAM User Guide: "IAM JSON policy elements reference", "Grammar of the IAM JSON policy language" (which
names are case-sensitive), "IAM and AWS STS quotas" (whitespace is not counted).
"""

from __future__ import annotations

import difflib
import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import unquote

Document = Mapping[str, Any]
Statement = Mapping[str, Any]
Canonical = tuple[Any, ...]
# All but the resource of an atom -> the resources: as good as the atoms one by one, and small for lists of any length.
Rights = dict[Canonical, frozenset[Canonical]]

# Characters, without whitespace. GetAccountSummary gives the account's own numbers; these are AWS's published ones.
INLINE_LIMIT: Final = {"user": 2048, "role": 10_240, "group": 5120}
MANAGED_LIMIT: Final = 6144

_OLD_VERSION: Final = "2008-10-17"  # a document without Version
_LISTS: Final = ("Action", "NotAction", "Resource", "NotResource")
_PRINCIPALS: Final = ("Principal", "NotPrincipal")
_ELEMENTS: Final = ("Sid", "Effect", *_PRINCIPALS, *_LISTS, "Condition")  # in the order in which a diff shows them
_DEEPEST: Final = 32  # a list of a condition's values, the deepest that IAM knows, is at 7
_TOO_DEEP: Final = "a policy document is not nested that deeply"


def parse(text: str) -> dict[str, Any]:
    """Read a policy document as IAM stores it: JSON, URL-encoded or not. Raises ValueError if it is neither."""
    decoded = unquote(text) if text.lstrip().startswith("%") else text  # no JSON text begins with a percent sign
    try:
        document = json.loads(decoded)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    if not isinstance(document, dict):
        raise ValueError("a policy document is a JSON object")  # noqa: TRY004 - callers know one error
    level: list[Any] = [document]
    for _ in range(_DEEPEST):
        level = [child for value in level for child in _children(value)]
    if level:
        raise ValueError(_TOO_DEEP)
    return document


def _children(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def size(document: Document | str) -> int:
    """Return the number of characters that IAM counts: all but whitespace."""
    text = document if isinstance(document, str) else json.dumps(document, ensure_ascii=False)
    return sum(not c.isspace() for c in text)


def statement_name(sid: str, index: int) -> str:
    """Name a statement for people: by its Sid, else by its place, counted from 1."""
    return sid or f"no. {index + 1}"


def statements(document: Document) -> list[Statement]:
    """Return the statements as a list, also where the document holds a single one."""
    found = document.get("Statement", [])
    return [s for s in (found if isinstance(found, list) else [found]) if isinstance(s, Mapping)]


def listed(value: Any) -> list[Any]:
    """Return an element's values as a list, also where it holds a single one."""
    return value if isinstance(value, list) else [value]


def texts(statement: Statement, element: str) -> list[str]:
    """Return the texts of an element, such as Action: also where it holds a single one, none where it is not there."""
    return [value for value in listed(statement.get(element, [])) if isinstance(value, str)]


def canonical_statement(statement: Statement) -> Canonical:
    """Return a statement's meaning: the same for any order, string or list, case of actions; the Sid means nothing."""
    return (frozenset(_rights([statement]).items()),)


def condition_of(statement: Statement) -> Canonical:
    """Return the meaning of a statement's condition, for comparison with ==; () if it has none."""
    condition = statement.get("Condition")
    if not isinstance(condition, Mapping):
        return () if condition is None else (_frozen(condition),)
    found: set[Canonical] = set()
    for operator, block in condition.items():
        if not isinstance(block, Mapping) or not block:
            found.add((_folded(operator), _frozen(block)))
            continue
        found.update((_folded(operator), _folded(k), frozenset(map(_literal, listed(v)))) for k, v in block.items())
    return (frozenset(found),) if found else ()


def canonical(document: Document) -> Canonical:
    """Return the meaning of a whole document, for comparison with ==."""
    version = _frozen(document.get("Version", _OLD_VERSION))
    return (version, frozenset(_rights(statements(document)).items()))


def same_meaning(one: Document, other: Document) -> bool:
    """Whether two documents mean the same, however they are written."""
    return canonical(one) == canonical(other)


def grants_all_of(document: Document, wanted: Document) -> bool:
    """Whether `document` holds every atom of `wanted`, those of Deny statements too (it may hold more).

    The atoms are compared as they are written: a wildcard in `document` is not looked into.
    """
    return _holds(_rights(statements(document)), _rights(statements(wanted)))


def foreign_statements(document: Document, known: Iterable[Document]) -> list[Statement]:
    """Return the statements of `document` that none of the `known` documents allows as a whole, in however many statements."""
    wholes = [_rights(statements(k)) for k in known]
    return [s for s in statements(document) if not any(_is_part_of(s, whole) for whole in wholes)]


def _is_part_of(statement: Statement, whole: Rights) -> bool:
    """Whether a document has all that a statement says, be it in one statement or in several."""
    rights = _rights([statement])
    return any(rights.values()) and _holds(whole, rights)


def _holds(held: Rights, wanted: Rights) -> bool:
    nothing: frozenset[Canonical] = frozenset()
    return all(resources <= held.get(right, nothing) for right, resources in wanted.items())


def beside(document: Document, foreign: Iterable[Statement]) -> dict[str, Any]:
    """Return `document` with the `foreign` statements kept behind its own; a Sid that is taken twice is dropped."""
    taken = {s.get("Sid") for s in statements(document)}
    kept = [{k: v for k, v in s.items() if k != "Sid" or v not in taken} for s in foreign]
    return {**document, "Statement": [*statements(document), *kept]}


def pretty(document: Document) -> str:
    """Return the document as indented JSON."""
    return json.dumps(document, indent=2, ensure_ascii=False)


def diff(before: Document | None, after: Document | None) -> list[str]:
    """Return a unified diff of two documents, normalised first so that only differences of meaning show."""
    old, new = (text.split("\n") if text else [] for text in normalised(before, after))
    return list(difflib.unified_diff(old, new, "now", "then", lineterm="", n=2))


def normalised(before: Document | None, after: Document | None) -> tuple[str, str]:
    """Return the two texts that `diff` compares: `before` and `after`, written as alike as their meanings allow.

    Each text is JSON with the meaning of its document; None gives an empty text. Documents of one meaning give one text.
    """
    if before is not None and after is not None and same_meaning(before, after):
        before = after
    old = [] if before is None else _without_doublets(before)
    new = [] if after is None else _without_doublets(after)
    spell = _spelling([*new, *old])
    aligned = _aligned(_joined(old, new), new)
    rest = {
        k: v for k, v in ((after if after is not None else before) or {}).items() if k not in {"Version", "Statement"}
    }

    def text(document: Document | None, held: list[Statement]) -> str:
        if document is None:
            return ""
        shown = [_in_order(s, spell) for s in held]
        return pretty({"Version": document.get("Version", _OLD_VERSION), **rest, "Statement": shown})

    return text(before, aligned), text(after, new)


def actions_of(document: Document) -> set[str]:
    """Return the actions that Allow statements name, as written."""
    found: set[str] = set()
    for statement in statements(document):
        if statement.get("Effect") == "Allow":
            found.update(texts(statement, "Action"))
    return found


# Meaning


def _rights(held: Iterable[Statement]) -> Rights:
    """The atoms of some statements, put together by all that is not the resource."""
    found: Rights = {}
    for statement in held:
        resources = frozenset(_parts(statement, "Resource", _frozen))
        condition = condition_of(statement)
        rest = [(k, _frozen(v)) for k, v in statement.items() if k not in _ELEMENTS]
        fixed = (_frozen(statement.get("Effect")), condition, frozenset(rest))
        for principal, action in itertools.product(_principal_parts(statement), _parts(statement, "Action", _folded)):
            right = (principal, action, *fixed)
            found[right] = found[right] | resources if right in found else resources
    return found


def _parts(statement: Statement, element: str, read: Callable[[Any], Any]) -> list[Canonical]:
    """What an element and its Not form are multiplied out to; what is not there is one part of its own."""
    parts: list[Canonical] = [()]
    if element in statement:
        # IAM takes no empty list; ours stays, so that the statement does not vanish
        parts = [("is", read(i)) for i in listed(statement[element])] or [("is nothing",)]
    if f"Not{element}" in statement:
        excepted = frozenset(read(i) for i in listed(statement[f"Not{element}"]))
        parts = [(*part, "is not", excepted) for part in parts]
    return parts


def _principal_parts(statement: Statement) -> list[Canonical]:
    parts: list[Canonical] = [()]
    if "Principal" in statement:
        parts = [("is", one) for one in _principals(statement["Principal"])] or [("is nothing",)]
    if "NotPrincipal" in statement:
        excepted = frozenset(_principals(statement["NotPrincipal"]))
        parts = [(*part, "is not", excepted) for part in parts]
    return parts


def _principals(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        return [(str(kind), _frozen(one)) for kind, some in value.items() for one in listed(some)]
    return [_frozen(value)]


def _literal(value: Any) -> Any:
    """A condition's value: IAM takes a boolean or a whole number for its text."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int) else _frozen(value)


def _folded(value: Any) -> Any:
    """A name in which case does not matter; IAM's names are ASCII, so other letters stay as they are."""
    return value.lower() if isinstance(value, str) and value.isascii() else _frozen(value)


def _frozen(value: Any) -> Any:
    """A text as it is; anything else, which no text may equal, as a tuple that holds its JSON."""
    return value if isinstance(value, str) else (json.dumps(value, sort_keys=True),)


# The texts of a diff


def _without_doublets(document: Document) -> list[Statement]:
    return list({canonical_statement(s): s for s in reversed(statements(document))}.values())[::-1]


def _spelling(held: list[Statement]) -> dict[Any, Any]:
    """How to write each action, condition operator and condition key: as it is first written."""
    found: dict[Any, Any] = {}
    for name in (name for statement in held for name in _names(statement)):
        found.setdefault(_folded(name), name)
    return found


def _names(statement: Statement) -> Iterator[Any]:
    for key in ("Action", "NotAction"):
        yield from listed(statement.get(key, []))
    condition = statement.get("Condition")
    for operator, block in condition.items() if isinstance(condition, Mapping) else ():
        yield operator
        yield from block if isinstance(block, Mapping) else ()


def _in_order(statement: Statement, spell: Mapping[Any, Any]) -> dict[str, Any]:
    """A statement with its elements in one order, lists where lists can be, sorted, and names in one spelling."""

    def values(some: Any, read: Callable[[Any], Any]) -> list[Any]:
        return sorted({_frozen(one): one for one in map(read, listed(some))}.values(), key=_sort_key)

    def named(name: Any) -> Any:
        return spell.get(_folded(name), name)

    def text(value: Any) -> Any:
        literal = _literal(value)
        return literal if isinstance(literal, str) else value

    def as_is(value: Any) -> Any:
        return value

    shown = {key: statement[key] for key in (*_ELEMENTS, *sorted(statement)) if key in statement}
    for key in _LISTS:
        if key in shown:
            shown[key] = values(shown[key], named if key.endswith("Action") else as_is)
    for key in _PRINCIPALS:
        if isinstance(shown.get(key), Mapping):
            shown[key] = {kind: values(shown[key][kind], as_is) for kind in sorted(shown[key])}
    if not condition_of(statement):
        shown.pop("Condition", None)
    elif isinstance(shown["Condition"], Mapping):
        shown["Condition"] = _condition_in_order(shown["Condition"], named, lambda some: values(some, text))
    return shown


def _condition_in_order(
    condition: Mapping[str, Any], named: Callable[[Any], Any], values: Callable[[Any], list[Any]]
) -> dict[str, Any]:
    """A condition with its operators and keys sorted. Two spellings of one name stay two: both conditions have to hold."""
    shown: dict[str, Any] = {}
    for operator in sorted(condition, key=_sort_key):
        block = condition[operator]
        name = operator if len(_alike(operator, condition)) > 1 else named(operator)
        shown[name] = block
        if isinstance(block, Mapping):
            keys = sorted(block, key=_sort_key)
            shown[name] = {(k if len(_alike(k, block)) > 1 else named(k)): values(block[k]) for k in keys}
    return shown


def _alike(name: str, names: Iterable[str]) -> list[str]:
    return [other for other in names if _folded(other) == _folded(name)]


def _sort_key(value: Any) -> tuple[str, str]:
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    return text.lower(), text


def _joined(old: list[Statement], new: list[Statement]) -> list[Statement]:
    """The `old` statements, with those put together again that one of the `new` ones was split into.

    They have the same resources and differ in actions only, or the other way about, so that nothing is added.
    """
    joined = list(old)
    settled = {canonical_statement(s) for s in new}
    for whole in new:
        for one, other in (("Action", "Resource"), ("Resource", "Action")):
            loose = [s for s in joined if canonical_statement(s) not in settled]
            pieces = [s for s in loose if _is_piece(s, whole, same=other)]
            if len(pieces) < 2:
                continue
            parts = [value for piece in pieces for value in listed(piece[one])]
            at = joined.index(pieces[0])
            joined = [s for s in joined if not any(s is piece for piece in pieces)]
            joined.insert(at, {**pieces[0], one: parts})
    return joined


def _is_piece(statement: Statement, whole: Statement, same: str) -> bool:
    """Whether a statement is a part of `whole` with all of its principals and of its `same` element."""
    return (
        {"Action", "Resource"} <= statement.keys() & whole.keys()
        and _is_part_of(statement, _rights([whole]))
        and _set_of(statement, same) == _set_of(whole, same)
        and set(_principal_parts(statement)) == set(_principal_parts(whole))
    )


def _aligned(old: list[Statement], new: list[Statement]) -> list[Statement]:
    """The `old` statements in the order of the `new` ones that they became; what became none is at the end.

    Of one meaning is best (and then the Sid, which means nothing, is as in `new`), then the same Sid where something else
    is the same too, then whatever has the most in common, then the same Sid alone.
    """
    partner: dict[int, int] = {}  # index in new -> index in old
    meant: dict[Canonical, int] = {canonical_statement(s): i for i, s in enumerate(old)}
    shown = list(old)
    for i, statement in enumerate(new):
        j = meant.get(canonical_statement(statement))
        if j is not None:
            partner[i] = j
            shown[j] = statement
    pairs = [
        (not (sid and overlap), not overlap, -overlap, i, j)
        for i, j in itertools.product(range(len(new)), range(len(old)))
        for sid, overlap in [(_same_sid(new[i], old[j]), _overlap(new[i], old[j]))]
        if sid or overlap
    ]
    taken = set(partner.values())
    for *_, i, j in sorted(pairs):
        if i not in partner and j not in taken:
            partner[i] = j
            taken.add(j)
    order = [partner[i] for i in sorted(partner)]
    return [shown[j] for j in [*order, *(j for j in range(len(old)) if j not in taken)]]


def _same_sid(one: Statement, other: Statement) -> bool:
    return bool(one.get("Sid")) and one.get("Sid") == other.get("Sid")


def _overlap(one: Statement, other: Statement) -> int:
    """How many actions and resources two statements have in common; that both are about "*" says nothing by itself."""
    actions = sum(len(_set_of(one, k) & _set_of(other, k)) for k in ("Action", "NotAction"))
    resources = [_set_of(one, k) & _set_of(other, k) for k in ("Resource", "NotResource")]
    telling = actions or any(common - {"*"} for common in resources)
    return actions + sum(map(len, resources)) if telling else 0


def _set_of(statement: Statement, element: str) -> frozenset[Any]:
    read = _folded if element.endswith("Action") else _frozen
    return frozenset(read(i) for i in listed(statement[element])) if element in statement else frozenset()
