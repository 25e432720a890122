"""Policy documents by meaning: canonical form, comparison, size as IAM counts it, merging, a readable diff.

Source: "IAM JSON policy elements reference" and "IAM and AWS STS quotas" (AWS IAM User Guide): whitespace is not counted.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import unquote

Document = Mapping[str, Any]
Statement = Mapping[str, Any]
Canonical = tuple[Any, ...]

# Characters, without whitespace. GetAccountSummary gives the account's own numbers; these are AWS's published ones.
INLINE_LIMIT: Final = {"user": 2048, "role": 10_240, "group": 5120}
MANAGED_LIMIT: Final = 6144

_LISTS: Final = ("Action", "NotAction", "Resource", "NotResource")


def parse(text: str) -> dict[str, Any]:
    """Read a policy document as IAM stores it: JSON, URL-encoded or not. Raises ValueError if it is neither."""
    decoded = unquote(text) if text.lstrip().startswith("%7B") else text
    try:
        document = json.loads(decoded)
    except RecursionError:
        raise ValueError("a policy document is not nested that deeply") from None
    if not isinstance(document, dict):
        raise ValueError("a policy document is a JSON object")  # noqa: TRY004 - callers know one error
    return document


def size(document: Document | str) -> int:
    """Return the number of characters that IAM counts: all but whitespace."""
    text = document if isinstance(document, str) else json.dumps(document, ensure_ascii=False)
    return sum(not c.isspace() for c in text)


def statements(document: Document) -> list[Statement]:
    """Return the statements as a list, also where the document holds a single one."""
    found = document.get("Statement", [])
    return [s for s in (found if isinstance(found, list) else [found]) if isinstance(s, Mapping)]


def canonical_statement(statement: Statement) -> Canonical:
    """Return a statement's meaning: the same for any order, string or list, case of actions; the Sid means nothing."""
    parts: list[tuple[str, Any]] = []
    for key, value in statement.items():
        if key == "Sid" or (key == "Condition" and value in ({}, None)):
            continue
        if key in _LISTS:
            items = value if isinstance(value, list) else [value]
            fold = key.endswith("Action")
            parts.append((key, tuple(sorted({str(i).lower() if fold else str(i) for i in items}))))
        elif key == "Condition":
            parts.append((key, _canonical_condition(value)))
        elif key in {"Principal", "NotPrincipal"}:
            parts.append((key, _canonical_principal(value)))
        else:
            parts.append((key, _freeze(value)))
    return tuple(sorted(parts, key=lambda p: p[0]))


def canonical(document: Document) -> Canonical:
    """Return the meaning of a whole document, for comparison with ==."""
    version = str(document.get("Version", "2008-10-17"))
    return (version, tuple(sorted({canonical_statement(s) for s in statements(document)}, key=repr)))


def same_meaning(one: Document, other: Document) -> bool:
    """Whether two documents mean the same, however they are written."""
    return canonical(one) == canonical(other)


def grants_all_of(document: Document, wanted: Document) -> bool:
    """Whether `document` holds every statement of `wanted` by meaning (it may hold more)."""
    held = {canonical_statement(s) for s in statements(document)}
    return all(canonical_statement(s) in held for s in statements(wanted))


def foreign_statements(document: Document, known: Iterable[Document]) -> list[Statement]:
    """Return the statements of `document` that stand in none of the `known` documents, not even as a part of a statement."""
    ours = {canonical_statement(s) for k in known for s in statements(k)}
    return [s for s in statements(document) if not any(_is_part_of(canonical_statement(s), o) for o in ours)]


def _is_part_of(statement: Canonical, whole: Canonical) -> bool:
    """Whether a statement is the same as another one, or that one with actions or resources taken out."""
    if statement == whole:
        return True
    one, other = dict(statement), dict(whole)
    if one.keys() != other.keys() or not {"Action", "Resource"} <= one.keys():
        return False
    same = all(one[key] == other[key] for key in one if key not in {"Action", "Resource"})
    return same and all(set(one[key]) <= set(other[key]) for key in ("Action", "Resource"))


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
    old, new = ([] if d is None else pretty(_ordered(d)).splitlines() for d in (before, after))
    return list(difflib.unified_diff(old, new, "now", "then", lineterm="", n=2))


def actions_of(document: Document) -> set[str]:
    """Return the actions that Allow statements name, as written."""
    found: set[str] = set()
    for statement in statements(document):
        if statement.get("Effect") == "Allow":
            value = statement.get("Action", [])
            found.update(str(a) for a in (value if isinstance(value, list) else [value]))
    return found


def _ordered(document: Document) -> dict[str, Any]:
    """The document with lists where lists can be, sorted; so two equal meanings give the same text."""

    def order(statement: Statement) -> dict[str, Any]:
        shown = dict(statement)
        for key in _LISTS:
            if key in shown:
                value = shown[key]
                shown[key] = sorted(value if isinstance(value, list) else [value], key=str)
        return shown

    return {**document, "Statement": [order(s) for s in statements(document)]}


def _canonical_condition(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return _freeze(value)
    blocks = []
    for operator, keys in value.items():
        if not isinstance(keys, Mapping):
            blocks.append((str(operator).lower(), _freeze(keys)))
            continue
        folded = [(str(k).lower(), tuple(sorted({_literal(i) for i in _items(v)}))) for k, v in keys.items()]
        blocks.append((str(operator).lower(), tuple(sorted(folded))))
    return tuple(sorted(blocks, key=repr))


def _canonical_principal(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return _freeze(value)
    return tuple(sorted((str(k), tuple(sorted({str(i) for i in _items(v)}))) for k, v in value.items()))


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _literal(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _freeze(value: Any) -> Any:
    if isinstance(value, Mapping):
        return tuple(sorted((str(k), _freeze(v)) for k, v in value.items()))
    if isinstance(value, list):
        return tuple(_freeze(v) for v in value)
    return value
