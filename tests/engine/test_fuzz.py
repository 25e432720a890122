"""No input makes a parser fail: changed examples, the same ones in each run, and random values in the shape of real ones."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.fuzz import fuzz, mutated, targets
from wizard.collect.answers import Answers, parse_answers, parse_setting
from wizard.collect.fields import FIELDS
from wizard.handover.aws_profile import set_profile
from wizard.handover.env_file import read_variables, set_variables, write_variables
from wizard.policy import documents
from wizard.policy.trust import services_of
from wizard.problem import ProblemError, UsageProblem
from wizard.remotion.releases import parse_release
from wizard.text import has_control, one_line, plain, quoted

_INPUTS: Final = {
    "explain": 40,
    "project": 100,
    "command-line": 100,
    "fields": 200,
}  # the slow ones; the others get more
_OTHERS: Final = 400
_DEEP: Final = settings(max_examples=60)


@pytest.mark.parametrize("name", targets())
def test_changed_examples_are_read_or_refused(name: str) -> None:
    most = _INPUTS.get(name, _OTHERS)
    found = fuzz(name, targets()[name], random.Random(name), lambda n: n < most, guided=False)
    assert not found, "\n".join(f"{one.content!r}\n{one.error}" for one in found)


def test_the_same_seed_makes_the_same_inputs() -> None:
    corpus = targets()["answers"].seeds
    once, again = (
        [mutated(corpus[0], corpus, rng) for _ in range(50)] for rng in (random.Random("a"), random.Random("a"))
    )
    assert once == again and len(set(once)) > 40


def test_what_runs_new_lines_is_kept_and_a_failure_is_found_once() -> None:
    from dataclasses import replace

    target = targets()["trust"]

    def fails(content: bytes) -> None:
        if b"!" in content:
            raise KeyError(content)

    found = fuzz("fails", replace(target, parse=fails), random.Random(1), lambda n: n < 300)
    assert (
        [type(one).__name__ for one in found] == ["Found"] and b"!" in found[0].content and "KeyError" in found[0].error
    )


# Answers in the shape of answers

words = st.text(max_size=12)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | words
nested = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3), max_leaves=8
)
keys = st.sampled_from(sorted(FIELDS))


@_DEEP
@given(st.dictionaries(keys, nested, max_size=6))
def test_answers_of_any_type_are_told_what_is_wrong(values: dict[str, Any]) -> None:
    problems = Answers().with_values(values, "answers file").problems()
    for key, why in problems.items():
        assert why == plain(why) and len(why) < 2_000, key


@_DEEP
@given(st.dictionaries(keys, st.booleans() | st.integers() | words | st.lists(words, max_size=3), max_size=5))
def test_a_file_of_random_answers_is_read_or_refused_by_a_key(values: dict[str, Any]) -> None:
    lines = ["version = 1", *(f"{key} = {json.dumps(value)}" for key, value in values.items())]
    try:
        read = parse_answers("\n".join(lines))
    except UsageProblem as problem:
        title = problem.problem.title
        assert any(key in title for key in values) or title.startswith("This is not TOML")
    else:
        assert read == values


@_DEEP
@given(keys, words)
def test_a_setting_is_read_or_refused_by_its_key(key: str, text: str) -> None:
    try:
        read, value = parse_setting(f"{key}={text}")
    except UsageProblem as problem:
        assert problem.problem.title.startswith(f"--set {key}: ")
    else:
        assert read == key and FIELDS[key].problem(value) == ""


# Files in the shape of files

lines_of_env = st.lists(
    st.sampled_from(
        [
            "A=b",
            "export A='c'",
            'B="x\\ny"',
            "# A=z",
            "",
            "C: d",
            "A=`m\nn`",
            "=x",
            "A",
            "  A = e # f",
            "B='g",
            "\ufeffA=h",
            "A=\u2028i",
        ]
    ),
    max_size=8,
)


@_DEEP
@given(lines_of_env, st.sampled_from(["\n", "\r\n"]), words.filter(lambda t: not has_control(t) and "'" not in t))
def test_a_variable_that_is_set_is_read_back_and_the_others_stay(lines: list[str], newline: str, value: str) -> None:
    text = newline.join(lines)
    before = read_variables(text)
    after = read_variables(set_variables(text, {"NEW": value.strip()}))
    assert after.pop("NEW") == value.strip()
    assert after == before


@_DEEP
@given(
    st.lists(
        st.sampled_from(["[a]", "[remotion]", "x = 1", "  y = 2", "# c", "", "aws_access_key_id=old", "[b", "z"]),
        max_size=9,
    )
)
def test_a_profile_that_is_set_twice_is_as_if_it_were_set_once(lines: list[str]) -> None:
    once = set_profile("\n".join(lines), "remotion", "AKIANEW", "secret")
    assert set_profile(once, "remotion", "AKIANEW", "secret") == once
    assert "aws_access_key_id = AKIANEW" in once


@_DEEP
@given(st.dictionaries(words, nested, max_size=4))
def test_a_document_of_any_shape_is_read_as_a_policy_or_refused(document: dict[str, Any]) -> None:
    try:
        parsed = documents.parse(json.dumps({**document, "Statement": document.get("Statement", [document])}))
    except ValueError:
        return
    documents.canonical(parsed)
    documents.actions_of(parsed)
    services_of(parsed)


def test_a_file_whose_other_variables_would_read_otherwise_is_left_as_it_is(tmp_path: Path) -> None:
    for text in ('A="x\nREMOTION_X=y" z\nB="', "A=1\nA:"):
        path = tmp_path / ".env"
        path.write_text(text)
        with pytest.raises(ProblemError) as caught:
            write_variables(path, {"REMOTION_X": "new", "REMOTION_Y": None})
        assert "A would read otherwise" in caught.value.problem.detail and path.read_text() == text


# Texts


@_DEEP
@given(st.text(max_size=80))
def test_what_is_shown_of_a_text_is_plain_and_short(text: str) -> None:
    for shown in (quoted(text, 40), one_line(text, 40)):
        assert shown == plain(shown) and not has_control(shown) and len(shown) <= 42
    assert parse_release(text) is None or parse_release(text.strip()) == parse_release(text)
