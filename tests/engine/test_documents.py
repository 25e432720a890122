"""Policy documents are compared by meaning, measured as IAM measures them, and merged without losing anything."""

from __future__ import annotations

import copy
import itertools
import json
import re
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from wizard.policy import documents
from wizard.policy.documents import (
    beside,
    canonical,
    diff,
    foreign_statements,
    grants_all_of,
    normalised,
    parse,
    same_meaning,
    size,
)
from wizard.policy.evaluate import Policy, PolicySet, Request, evaluate
from wizard.remotion.catalogue import epochs, latest_release, policy
from wizard.remotion.releases import Release

ACTIONS = ["s3:GetObject", "s3:PutObject", "lambda:InvokeFunction", "iam:PassRole", "logs:*", "*"]
RESOURCES = ["*", "arn:aws:s3:::Bucket/*", "arn:aws:s3:::bucket/*", "arn:aws:iam::*:role/remotion-lambda-role"]

action_lists = st.lists(st.sampled_from(ACTIONS), min_size=1, max_size=4, unique=True)
resource_lists = st.lists(st.sampled_from(RESOURCES), min_size=1, max_size=3, unique=True)
conditions = st.dictionaries(
    st.sampled_from(["StringEquals", "StringLike", "Bool"]),
    st.dictionaries(
        st.sampled_from(["aws:SourceIp", "iam:PassedToService", "aws:PrincipalTag/team"]),
        st.lists(st.sampled_from(["true", "a", "A", "lambda.amazonaws.com"]), min_size=1, max_size=3, unique=True),
        min_size=1,
        max_size=2,
    ),
    min_size=1,
    max_size=2,
)


principals = st.one_of(
    st.just("*"),
    st.dictionaries(
        st.sampled_from(["AWS", "Service"]),
        st.lists(st.sampled_from(["*", "111111111111", "lambda.amazonaws.com"]), min_size=1, max_size=2, unique=True),
        min_size=1,
        max_size=2,
    ),
)


@st.composite
def statements(draw: st.DrawFn) -> dict[str, Any]:
    made: dict[str, Any] = {"Effect": draw(st.sampled_from(["Allow", "Deny"]))}
    if draw(st.integers(0, 4)) == 0:
        made[draw(st.sampled_from(["Principal", "NotPrincipal"]))] = draw(principals)
    made[draw(st.sampled_from(["Action", "NotAction"]))] = draw(action_lists)
    made[draw(st.sampled_from(["Resource", "NotResource"]))] = draw(resource_lists)
    if draw(st.booleans()):
        made["Condition"] = draw(conditions)
    return made


def document_of(*held: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(held)}


policies = st.lists(statements(), min_size=1, max_size=4).map(lambda held: document_of(*held))


def in_other_words(values: list[str]) -> st.SearchStrategy[Any]:
    """A list in another order, with doublets, or one value without its list."""
    lists = st.permutations(values)
    many = st.one_of(lists, lists.map(lambda some: [*some, some[0]]))
    return st.one_of(st.just(values[0]), many) if len(values) == 1 else many


@st.composite
def split(draw: st.DrawFn, document: dict[str, Any]) -> dict[str, Any]:
    """The same meaning with statements split into several, as far as their lists are alternatives and not exceptions."""
    held = []
    for statement in document["Statement"]:
        pieces = [statement]
        for key in ("Action", "Resource"):
            if key in statement and draw(st.booleans()):
                pieces = [{**p, key: part} for p in pieces for part in draw(covering(statement[key]))]
        if isinstance(statement.get("Principal"), dict) and draw(st.booleans()):
            pieces = [{**p, "Principal": {k: [v]}} for p in pieces for k, some in p["Principal"].items() for v in some]
        held += pieces
    return {**document, "Statement": held}


@st.composite
def covering(draw: st.DrawFn, values: list[str]) -> list[list[str]]:
    """Some lists that hold all of `values` together, and may hold some of them twice."""
    parts = draw(st.lists(st.lists(st.sampled_from(values), min_size=1, unique=True), max_size=2))
    rest = [v for v in values if not any(v in part for part in parts)]
    return [*parts, rest] if rest else parts


@st.composite
def rewritten(draw: st.DrawFn, document: dict[str, Any]) -> dict[str, Any]:
    """The same meaning in other words: order, single values, case of actions and condition keys, Sids, doublets."""
    held = []
    for statement in draw(st.permutations(document["Statement"])):
        pairs = []
        for key, value in draw(st.permutations(list(statement.items()))):
            new = copy.deepcopy(value)
            if isinstance(new, list):
                new = draw(st.permutations(new))
                if key.endswith("Action"):
                    new = [draw(st.sampled_from([v, v.lower(), v.upper()])) for v in new]
                new = draw(st.sampled_from([new, [*new, new[0]]]))
                if len(new) == 1:
                    new = draw(st.sampled_from([new, new[0]]))
            elif key == "Condition":
                new = {
                    operator: {
                        draw(st.sampled_from([k, k.lower(), k.upper()])): draw(in_other_words(v))
                        for k, v in reversed(keys.items())
                    }
                    for operator, keys in reversed(new.items())
                }
            elif key.endswith("Principal") and isinstance(new, dict):
                new = {kind: draw(in_other_words(v)) for kind, v in reversed(new.items())}
            pairs.append((key, new))
        if draw(st.booleans()):
            pairs.insert(0, ("Sid", draw(st.sampled_from(["A", "B1", "Remotion"]))))
        held.append(dict(pairs))
    if draw(st.booleans()):
        held.append(held[0])
    single = len(held) == 1 and draw(st.booleans())
    made = {"Statement": held[0] if single else held, "Version": document["Version"]}
    return {**made, "Id": "any"} if draw(st.booleans()) else made


@given(policies.flatmap(lambda d: st.tuples(st.just(d), rewritten(d))))
def test_the_same_meaning_in_other_words_compares_equal(pair: tuple[dict[str, Any], dict[str, Any]]) -> None:
    one, other = pair
    assert same_meaning(one, other) and same_meaning(other, one)
    assert grants_all_of(one, other) and grants_all_of(other, one)
    assert foreign_statements(other, [one]) == []


@given(policies.flatmap(lambda d: st.tuples(st.just(d), split(d).flatmap(rewritten))))
def test_statements_that_are_split_or_merged_compare_equal(pair: tuple[dict[str, Any], dict[str, Any]]) -> None:
    one, other = pair
    assert same_meaning(one, other) and same_meaning(other, one)
    assert canonical(one) == canonical(other) and hash(canonical(one)) == hash(canonical(other))
    assert grants_all_of(one, other) and grants_all_of(other, one)
    assert diff(one, other) == diff(other, one) == []
    assert same_meaning(parse(quote(json.dumps(other))), one)


@given(policies.flatmap(lambda d: st.tuples(st.just(d), split(d).flatmap(rewritten))))
def test_the_evaluator_agrees_that_the_meaning_stays(pair: tuple[dict[str, Any], dict[str, Any]]) -> None:
    assert _decisions(pair[0]) == _decisions(pair[1])


@given(policies, policies)
def test_what_the_evaluator_tells_apart_never_compares_equal(one: dict[str, Any], other: dict[str, Any]) -> None:
    if _decisions(one) != _decisions(other):
        assert not same_meaning(one, other)
    if grants_all_of(one, other) and not any(s["Effect"] == "Deny" for d in (one, other) for s in d["Statement"]):
        assert all(a or not b for a, b in zip(_decisions(one), _decisions(other), strict=True))


def _decisions(document: dict[str, Any]) -> list[bool]:
    """What the document, as an identity's policy, allows of some requests."""
    held = {**document, "Statement": [s for s in _as_list(document["Statement"]) if not {*s} & PRINCIPALS]}
    policies_of = PolicySet(identity=(Policy("p", held),))
    return [
        evaluate(Request(action, resource, context=context), policies_of).allowed
        for action in ("s3:GetObject", "lambda:InvokeFunction", "iam:PassRole", "logs:PutLogEvents")
        for resource in ("arn:aws:s3:::Bucket/k", "arn:aws:s3:::bucket/k", "arn:aws:iam::1:role/remotion-lambda-role")
        for context in CONTEXTS
    ]


PRINCIPALS = {"Principal", "NotPrincipal"}
CONTEXTS: list[dict[str, str]] = [
    {},
    {"aws:SourceIp": "a", "aws:PrincipalTag/team": "a", "iam:PassedToService": "lambda.amazonaws.com"},
    {"aws:SourceIp": "true", "aws:PrincipalTag/team": "true", "iam:PassedToService": "true"},
]


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _facts(document: dict[str, Any]) -> set[str]:
    """The meaning written out without the code under test: every atom as text."""
    found = set()
    for s in document["Statement"]:
        condition = {o: {q: sorted(w) for q, w in p.items()} for o, p in s.get("Condition", {}).items()}
        principal = s.get("Principal")
        named = [[k, v] for k, some in principal.items() for v in some] if isinstance(principal, dict) else [principal]
        excepted = s.get("NotPrincipal")
        if isinstance(excepted, dict):
            excepted = sorted([k, v] for k, some in excepted.items() for v in some)
        for who, action, resource in itertools.product(named, s.get("Action", [None]), s.get("Resource", [None])):
            fixed = [s["Effect"], who, excepted, sorted(a.lower() for a in s.get("NotAction", []))]
            atom = [*fixed, action and action.lower(), resource, sorted(s.get("NotResource", [])), condition]
            found.add(json.dumps(atom, sort_keys=True))
    return found


@given(policies, policies)
def test_a_different_meaning_never_compares_equal(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert same_meaning(one, other) == (_facts(one) == _facts(other))
    assert grants_all_of(one, other) == (_facts(other) <= _facts(one))


def _actions_in(statement: dict[str, Any]) -> list[str]:
    found: list[str] = statement["Action" if "Action" in statement else "NotAction"]
    return found


def _other_case(statement: dict[str, Any]) -> None:
    key = "Resource" if "Resource" in statement else "NotResource"
    statement[key] = [f"{statement[key][0]}x", *statement[key]]
    statement[key][1] = f"{statement[key][1]}X"


def _other_value(statement: dict[str, Any]) -> None:
    for block in statement.get("Condition", {"": {"": []}}).values():
        for values in block.values():
            values.append("another")


def _other_form(element: str) -> Callable[[dict[str, Any]], None]:
    def edit(statement: dict[str, Any]) -> None:
        one, other = (element, f"Not{element}") if element in statement else (f"Not{element}", element)
        statement[other] = statement.pop(one)

    return edit


EDITS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "drop an action": lambda s: _actions_in(s).pop() if len(_actions_in(s)) > 1 else None,
    "add an action": lambda s: _actions_in(s).append("new:Action"),
    "other resources": _other_case,
    "flip the effect": lambda s: s.update(Effect="Deny" if s["Effect"] == "Allow" else "Allow"),
    "turn the actions": _other_form("Action"),
    "turn the resources": _other_form("Resource"),
    "change a value": _other_value,
    "drop the condition": lambda s: s.pop("Condition", None),
    "add a condition": lambda s: s.setdefault("Condition", {}).update({"Null": {"aws:TokenIssueTime": ["true"]}}),
    "change the principal": lambda s: s.update(Principal={"AWS": ["222222222222"]}),
}


@given(policies, st.data(), st.sampled_from(sorted(EDITS)))
def test_one_edit_of_the_meaning_compares_different(document: dict[str, Any], data: st.DataObject, edit: str) -> None:
    edited = copy.deepcopy(document)
    EDITS[edit](edited["Statement"][data.draw(st.integers(0, len(edited["Statement"]) - 1))])
    assume(_facts(document) != _facts(edited))
    other = data.draw(split(edited).flatmap(rewritten))
    assert not same_meaning(document, other) and not same_meaning(other, document)
    assert diff(document, other) != []


@given(policies.flatmap(lambda d: st.tuples(st.just(d), rewritten(d))), st.sampled_from([None, "2008-10-17", 2012]))
def test_another_version_is_another_meaning(pair: tuple[dict[str, Any], dict[str, Any]], version: Any) -> None:
    assert not same_meaning(pair[0], {**pair[1], "Version": version})
    assert diff(pair[0], {**pair[1], "Version": version}) != []


PLAIN = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}


def _conditioned(value: Any) -> dict[str, Any]:
    return {"Condition": {"StringEquals": {"aws:x": value}}}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"Action": "['a']"}, {"Action": ["a"]}),
        ({"Action": [["a"]]}, {"Action": "['a']"}),
        ({"Action": [["a"]]}, {"Action": '["a"]'}),
        ({"Action": None}, {"Action": "None"}),
        ({"Action": None}, {"Action": "null"}),
        ({"Action": []}, {"Action": [[]]}),
        ({"Action": [], "Effect": "Deny"}, {"Effect": "Deny"}),
        ({"Action": "lambda:InvoKe"}, {"Action": "lambda:Invo\u212ae"}),
        ({"Resource": "arn:aws:s3:::A"}, {"Resource": "arn:aws:s3:::a"}),
        ({"Resource": 1}, {"Resource": "1"}),
        ({"Resource": 1}, {"Resource": True}),
        ({"Resource": []}, {"Resource": None}),
        ({"NotResource": ["a", "b"]}, {"NotResource": [["a", "b"]]}),
        ({"Effect": "Allow"}, {"Effect": "allow"}),
        ({"Effect": True}, {"Effect": 1}),
        ({"Principal": "*"}, {"Principal": {"AWS": "*"}}),
        ({"Principal": ["*"]}, {"Principal": "*"}),
        ({"Principal": {"AWS": ["a", "b"]}}, {"Principal": {"AWS": [["a", "b"]]}}),
        ({"Principal": {"AWS": "a"}}, {"NotPrincipal": {"AWS": "a"}}),
        ({"Principal": {}}, {}),
        (_conditioned(None), _conditioned("None")),
        (_conditioned("true"), _conditioned("True")),
        (_conditioned(1), _conditioned(True)),
        (_conditioned(1.5), _conditioned("(1.5,)")),
        (_conditioned(["a"]), _conditioned("['a']")),
        (_conditioned([]), _conditioned("")),
        (_conditioned([]), {}),
        ({"Condition": {"StringEquals": {}}}, {}),
        ({"Condition": []}, {}),
        (
            {"Condition": {"StringEquals": {"aws:x": ["a", "b"]}}},
            {"Condition": {"StringEquals": {"aws:x": [["a", "b"]]}}},
        ),
        ({"Unknown": 1}, {}),
        ({"Unknown": "1"}, {"Unknown": 1}),
    ],
    ids=repr,
)
def test_what_only_looks_alike_is_not_the_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    documents_of = [document_of({**PLAIN, **part}) for part in (one, other)]
    assert not same_meaning(*documents_of)
    assert diff(*documents_of) != []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (_conditioned(1), _conditioned(["1"])),
        (_conditioned(False), _conditioned("false")),
        ({"Condition": {"stringequals": {"AWS:X": "a"}}}, _conditioned(["a", "a"])),
        (
            {"Condition": {"StringEquals": {"aws:x": "a"}, "stringEquals": {"aws:y": "b"}}},
            {"Condition": {"StringEquals": {"aws:y": "b", "aws:x": "a"}}},
        ),
        ({"Condition": None, "Sid": "A"}, {"Condition": {}}),
    ],
    ids=repr,
)
def test_what_only_looks_different_is_the_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    documents_of = [document_of({**PLAIN, **part}) for part in (one, other)]
    assert same_meaning(*documents_of) and diff(*documents_of) == []


def test_exceptions_are_not_split() -> None:
    excepting = {"Effect": "Deny", "NotAction": ["a:B", "c:D"], "Resource": "*"}
    apart = document_of({**excepting, "NotAction": "a:B"}, {**excepting, "NotAction": "c:D"})
    assert not same_meaning(document_of(excepting), apart)
    assert foreign_statements(apart, [document_of(excepting)]) == apart["Statement"]


def test_what_one_known_document_allows_is_ours_in_however_many_statements_and_what_crosses_two_is_not() -> None:
    one = {**PLAIN, "Action": ["a:B", "c:D"], "Resource": ["x", "y"]}
    other = {**PLAIN, "Action": "e:F", "Resource": "x"}
    known = document_of(one, other)
    part, merged = {**PLAIN, "Action": "A:b", "Resource": "y"}, {**PLAIN, "Action": ["a:B", "e:F"], "Resource": "x"}
    wider = {**PLAIN, "Action": ["a:B", "e:F"], "Resource": ["x", "y"]}
    assert foreign_statements(document_of(part, merged, wider), [known]) == [wider]
    assert foreign_statements(document_of(merged), [document_of(one), document_of(other)]) == [merged]
    assert foreign_statements(document_of({**part, "Effect": "Deny"}), [known]) != []


def test_long_lists_do_not_blow_up() -> None:
    names = [f"a:{i}" for i in range(900)]
    long = document_of({"Effect": "Allow", "Action": names, "Resource": names})
    other = document_of({"Effect": "Allow", "Action": names[::-1], "Resource": names[1:]})
    began = time.perf_counter()
    assert same_meaning(long, copy.deepcopy(long)) and grants_all_of(long, other)
    assert foreign_statements(other, [long]) == [] and diff(long, other) != []
    assert time.perf_counter() - began < 10, "a million pairs are not written out"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("Effect", "Deny"),
        ("Resource", ["arn:aws:s3:::Bucket/*"]),
        ("Resource", []),
        ("Action", ["s3:GetObject", "s3:PutObject"]),
        ("Condition", {"StringEquals": {"aws:SourceIp": "a"}}),
        ("Principal", "*"),
    ],
)
def test_one_changed_element_is_another_meaning(field: str, value: Any) -> None:
    base = {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::bucket/*"]}
    assert not same_meaning(document_of(base), document_of({**base, field: value}))


def test_notaction_is_not_action_and_values_of_conditions_keep_their_case() -> None:
    assert not same_meaning(
        document_of({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}),
        document_of({"Effect": "Allow", "NotAction": "s3:GetObject", "Resource": "*"}),
    )
    with_value = [
        document_of({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"StringEquals": {"aws:x": v}}})
        for v in ("a", "A")
    ]
    assert not same_meaning(*with_value)


def test_a_boolean_in_a_condition_is_its_text_and_an_empty_condition_is_none() -> None:
    def conditioned(condition: Any) -> dict[str, Any]:
        return document_of({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition})

    assert same_meaning(conditioned({"Bool": {"aws:x": True}}), conditioned({"Bool": {"aws:x": ["true"]}}))
    plain = document_of({"Effect": "Allow", "Action": "*", "Resource": "*"})
    assert same_meaning(conditioned({}), plain)


def test_a_document_without_a_version_is_one_of_2008() -> None:
    held = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    assert same_meaning({"Statement": held}, {"Version": "2008-10-17", "Statement": [held]})
    assert not same_meaning({"Statement": held}, {"Version": "2012-10-17", "Statement": [held]})


def test_a_principal_is_compared_as_a_set() -> None:
    def trusting(principal: Any) -> dict[str, Any]:
        return document_of({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"})

    assert same_meaning(trusting({"Service": "lambda.amazonaws.com"}), trusting({"Service": ["lambda.amazonaws.com"]}))
    assert not same_meaning(trusting({"Service": "lambda.amazonaws.com"}), trusting({"AWS": "lambda.amazonaws.com"}))
    assert not same_meaning(trusting("*"), trusting({"Service": "*"}))


@given(policies, st.sampled_from([None, 1, 2, 7, "\t"]))
def test_whitespace_and_only_whitespace_does_not_count(document: dict[str, Any], indent: Any) -> None:
    compact = json.dumps(document, separators=(",", ":"))
    assert size(json.dumps(document, indent=indent)) == size(document) == len(compact)


@given(policies)
def test_one_more_character_counts_one(document: dict[str, Any]) -> None:
    longer = copy.deepcopy(document)
    longer["Statement"][0]["Sid"] = "A"
    shorter = copy.deepcopy(document)
    shorter["Statement"][0]["Sid"] = ""
    assert size(longer) == size(shorter) + 1


def test_letters_beyond_ascii_count_as_what_they_are() -> None:
    assert size({"a": "é"}) == len('{"a":"é"}')


@given(policies, policies)
def test_foreign_statements_stay_beside_and_ours_are_found_again(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    foreign = foreign_statements(theirs, [ours])
    merged = beside(ours, foreign)
    assert grants_all_of(merged, ours)
    assert foreign_statements(theirs, [merged]) == [], "nothing of theirs is lost"
    assert foreign_statements(merged, [ours]) == foreign
    assert same_meaning(beside(ours, foreign_statements(merged, [ours])), merged), "a second time changes nothing"


@given(policies, policies)
def test_merging_changes_neither_document(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    before = copy.deepcopy((ours, theirs))
    beside(ours, foreign_statements(theirs, [ours]))
    canonical(ours)
    diff(ours, theirs)
    assert (ours, theirs) == before


def test_a_sid_that_is_taken_is_dropped_so_that_iam_takes_the_document() -> None:
    ours = document_of({"Sid": "0", "Effect": "Allow", "Action": ["a:B"], "Resource": ["*"]})
    theirs = [
        {"Sid": "0", "Effect": "Deny", "Action": "*", "Resource": "*"},
        {"Sid": "X", "Effect": "Deny", "Action": "c:D", "Resource": "*"},
    ]
    merged = beside(ours, theirs)
    assert [s.get("Sid") for s in merged["Statement"]] == ["0", None, "X"]


def applied(old: str, lines: list[str]) -> str:
    """Apply a unified diff as strictly as can be: every line that it keeps or takes out has to stand where it says."""
    if not lines:
        return old
    assert [line.split()[0] for line in lines[:2]] == ["---", "+++"]
    source = old.split("\n") if old else []
    made: list[str] = []
    at, due = 0, (0, 0)
    for line in lines[2:]:
        if header := re.fullmatch(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@", line):
            assert due == (0, 0), "the hunk before is complete"
            first, gone, second, come = (int(n) if n is not None else 1 for n in header.groups())
            start = first - 1 if gone else first
            assert start >= at
            made += source[at:start]
            at, due = start, (gone, come)
            assert len(made) == (second - 1 if come else second)
            continue
        sign, content = line[0], line[1:]
        assert sign in "-+ "
        if sign in "- ":
            assert source[at] == content
            at += 1
        if sign in "+ ":
            made.append(content)
        due = (due[0] - (sign != "+"), due[1] - (sign != "-"))
        assert min(due) >= 0
    assert due == (0, 0)
    return "\n".join(made + source[at:])


with_sids = policies.flatmap(rewritten)


@given(st.one_of(st.none(), with_sids), st.one_of(st.none(), with_sids))
def test_a_diff_leads_from_the_one_text_to_the_other(before: Any, after: Any) -> None:
    old, new = normalised(before, after)
    made = applied(old, diff(before, after))
    assert made == new
    assert (made == "") is (after is None) and (old == "") is (before is None)
    assert after is None or same_meaning(json.loads(made), after)
    assert before is None or same_meaning(json.loads(old), before)


def _signed(lines: list[str], sign: str) -> list[str]:
    """The lines with a sign, without the commas that a neighbour makes come and go."""
    return sorted(line[1:].rstrip(",") for line in lines[2:] if line.startswith(sign))


@given(policies.flatmap(lambda d: st.tuples(st.just(d), rewritten(d))))
def test_only_what_is_new_shows_beside_what_is_written_otherwise(pair: tuple[dict[str, Any], dict[str, Any]]) -> None:
    one, other = pair
    more = {"Sid": "New", "Effect": "Allow", "Action": ["new:Action"], "Resource": ["new"]}
    lines = diff(one, {**other, "Statement": [*_as_list(other["Statement"]), more]})
    removed, added = _signed(lines, "-"), _signed(lines, "+")
    for line in removed:
        added.remove(line)
    shown = json.dumps([more], indent=2).split("\n")[1:-1]
    assert added == sorted(f"  {line}".rstrip(",") for line in shown)


def test_a_statement_that_moved_was_renamed_and_lost_one_action_shows_that_action() -> None:
    old = document_of(
        {"Sid": "1", "Effect": "Allow", "Action": ["s3:putobject", "s3:GETOBJECT"], "Resource": "arn:aws:s3:::b/*"},
        {"Sid": "2", "Effect": "Allow", "Action": "iam:PassRole", "Resource": "arn:aws:iam::*:role/r"},
    )
    new = document_of(
        {"Sid": "B", "Effect": "Allow", "Action": ["iam:PassRole"], "Resource": ["arn:aws:iam::*:role/r"]},
        {"Sid": "1", "Effect": "Allow", "Action": ["s3:GetObject"], "Resource": "arn:aws:s3:::b/*"},
    )
    assert _signed(diff(old, new), "-") == ['        "s3:GetObject"', '        "s3:putobject"']
    assert _signed(diff(old, new), "+") == ['        "s3:GetObject"'], "only its comma went"


def test_a_sid_says_less_than_what_a_statement_is_about() -> None:
    """Remotion's role policy numbers its statements, and 4.0.61 put one in before the last."""
    old, new = policy("role", epochs()[0].since), policy("role", latest_release())
    assert old["Statement"][3]["Action"] == new["Statement"][4]["Action"]
    assert [line for line in _signed(diff(old, new), "-") if "Sid" not in line] == []


# From 3.3.9 on no action was taken out of a statement.
@pytest.mark.parametrize("since", [epoch.since for epoch in epochs()][2:], ids=str)
def test_an_outdated_policy_in_pieces_shows_only_what_it_lacks(since: Release) -> None:
    whole, wanted = policy("user", since), policy("user", latest_release())
    held = [
        {**s, "Sid": s["Sid"] + str(i), "Action": a.lower()}
        for s in whole["Statement"]
        for i, a in enumerate(s["Action"])
    ]
    before = {**whole, "Statement": held[::-1]}
    lines = diff(before, wanted)
    assert applied(normalised(before, wanted)[0], lines) == normalised(None, wanted)[1]
    one, other = ({v for s in d["Statement"] for k in ("Action", "Resource") for v in s[k]} for d in (whole, wanted))
    named = {sign: {line.strip().strip('"') for line in _signed(lines, sign) if '"Sid"' not in line} for sign in "-+"}
    assert named["-"] <= named["+"]
    assert named["+"] - named["-"] == other - one


def test_letters_that_break_lines_elsewhere_break_none_here() -> None:
    one = document_of({**PLAIN, "Resource": "a\u2028b\u0085c"})
    other = document_of({**PLAIN, "Resource": "a\u2028b\u0085d"})
    old, new = normalised(one, other)
    assert applied(old, diff(one, other)) == new and len(diff(one, other)) == 9


def test_a_diff_of_one_document_is_all_of_it() -> None:
    one = document_of(PLAIN)
    assert diff(None, None) == [] and normalised(None, None) == ("", "")
    assert {line[0] for line in diff(None, one)[3:]} == {"+"}
    assert {line[0] for line in diff(one, None)[3:]} == {"-"}


def test_a_difference_shows_the_line_that_changed() -> None:
    one = document_of({"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": "*"})
    other = document_of({"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": ["*"]})
    assert '+        "s3:PutObject"' in diff(one, other)
    assert diff(None, one)[2:] and diff(one, None)[2:]


@given(policies)
def test_a_document_is_read_as_text_and_url_encoded(document: dict[str, Any]) -> None:
    text = json.dumps(document)
    assert parse(text) == parse(quote(text)) == parse(f"\n {text}\n") == document
    assert parse(quote(f"\n {text}\n")) == parse(quote(text).replace("%7B", "%7b")) == document


@pytest.mark.parametrize(
    "text",
    ["", "[]", "null", "{", "%7B", "no", "7", "[" * 100_000, '{"a":' * 100_000, '{"a":' + "[" * 40 + "]" * 40 + "}"],
    ids=lambda text: repr(text[:8]),
)
def test_what_is_no_document_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):
        parse(text)


@pytest.mark.parametrize("held", [None, "x", 7, [], [None], ["x", 7], {}])
def test_statements_that_make_no_sense_do_no_harm(held: Any) -> None:
    document = {"Version": "2012-10-17", "Statement": held}
    assert isinstance(documents.statements(document), list)
    canonical(document)
    documents.actions_of(document)
    diff(document, document_of())
    assert foreign_statements(document, []) == documents.statements(document)


def test_actions_of_names_what_is_allowed_only() -> None:
    document = document_of(
        {"Effect": "Allow", "Action": "a:B", "Resource": "*"}, {"Effect": "Deny", "Action": ["c:D"], "Resource": "*"}
    )
    assert documents.actions_of(document) == {"a:B"}
