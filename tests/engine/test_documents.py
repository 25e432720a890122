"""Policy documents are compared by meaning, measured as IAM measures them, and merged without losing anything."""

from __future__ import annotations

import copy
import json
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
    parse,
    same_meaning,
    size,
)

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


@st.composite
def statements(draw: st.DrawFn) -> dict[str, Any]:
    made: dict[str, Any] = {"Effect": draw(st.sampled_from(["Allow", "Deny"]))}
    made[draw(st.sampled_from(["Action", "NotAction"]))] = draw(action_lists)
    made[draw(st.sampled_from(["Resource", "NotResource"]))] = draw(resource_lists)
    if draw(st.booleans()):
        made["Condition"] = draw(conditions)
    return made


def document_of(*held: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(held)}


policies = st.lists(statements(), min_size=1, max_size=4).map(lambda held: document_of(*held))


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
                        draw(st.sampled_from([k, k.lower()])): v[0] if len(v) == 1 and draw(st.booleans()) else v[::-1]
                        for k, v in reversed(keys.items())
                    }
                    for operator, keys in reversed(new.items())
                }
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


def _facts(document: dict[str, Any]) -> set[str]:
    """The meaning written out without the code under test: every statement as its sorted parts."""
    return {
        json.dumps({k: sorted(v) if isinstance(v, list) else v for k, v in s.items()}, sort_keys=True)
        for s in (
            {
                k: [a.lower() for a in v]
                if k.endswith("Action")
                else {o: {q: sorted(w) for q, w in p.items()} for o, p in v.items()}
                if k == "Condition"
                else v
                for k, v in s.items()
            }
            for s in document["Statement"]
        )
    }


@given(policies, policies)
def test_a_different_meaning_never_compares_equal(one: dict[str, Any], other: dict[str, Any]) -> None:
    assume(_facts(one) != _facts(other))
    assert not same_meaning(one, other)


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


@given(policies.flatmap(lambda d: st.tuples(st.just(d), rewritten(d))))
def test_documents_that_mean_the_same_show_no_difference_of_lists(pair: Any) -> None:
    one = pair[0]
    assert diff(one, json.loads(json.dumps(one))) == []


def test_a_difference_shows_the_line_that_changed() -> None:
    one = document_of({"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": "*"})
    other = document_of({"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": ["*"]})
    assert '+        "s3:PutObject"' in diff(one, other)
    assert diff(None, one)[2:] and diff(one, None)[2:]


@given(policies)
def test_a_document_is_read_as_text_and_url_encoded(document: dict[str, Any]) -> None:
    text = json.dumps(document)
    assert parse(text) == parse(quote(text)) == parse(f"\n {text}\n") == document


@pytest.mark.parametrize(
    "text", ["", "[]", "null", "{", "%7B", "no", "7", "[" * 100_000, '{"a":' * 100_000], ids=lambda text: repr(text[:8])
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
