"""The walk through the steps: back undoes next, what does not apply is jumped over both ways, nothing typed is lost."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wizard.collect.answers import Answers
from wizard.collect.fields import FIELDS
from wizard.collect.session import Session, StepState
from wizard.collect.steps import BY_ID, STEPS, steps_for

BEFORE = ["start", "identity", "project", "principal", "found", "policies"]
ALL = [*BEFORE, "extras", "output-bucket", "quotas", "credentials", "review", "apply", "check", "done"]
NEW = [step for step in ALL if step != "found"]
DIAGNOSE = ["start", "identity", "project", "principal", "check", "done"]
ROTATE = ["start", "identity", "rotate", "review", "apply", "check", "done"]
OF_ONE_GOAL = {"undo", "rotate"}


def walk(session: Session) -> list[str]:
    seen = [session.current]
    while session.next():
        seen.append(session.current)
    return seen


def test_the_steps_are_in_the_order_of_the_flow() -> None:
    assert [s.id for s in STEPS if s.id not in OF_ONE_GOAL] == ALL
    assert walk(Session(Answers())) == NEW


def test_taking_something_back_asks_only_what_and_checks_nothing() -> None:
    session = Session(Answers())
    session.set({"start.goal": "undo"})
    assert walk(session) == ["start", "identity", "undo", "review", "apply", "done"]


def test_changing_the_access_key_asks_only_about_the_key() -> None:
    session = Session(Answers())
    session.set({"start.goal": "rotate"})
    assert walk(session) == ROTATE


def test_finding_out_what_is_wrong_jumps_over_all_that_changes_something_in_both_directions() -> None:
    session = Session(Answers())
    session.set({"start.goal": "diagnose"})
    assert walk(session) == DIAGNOSE
    back = [session.current]
    while session.back():
        back.append(session.current)
    assert back == DIAGNOSE[::-1]


goals = st.sampled_from(["new", "change", "diagnose"])
moves = st.lists(
    st.one_of(
        st.tuples(st.just("next")),
        st.tuples(st.just("back")),
        st.tuples(st.just("goto"), st.sampled_from(ALL)),
        st.tuples(
            st.just("set"),
            st.sampled_from(["principal.name", "remotion.version", "principal.path"]),
            st.sampled_from(["", "ada", "4.0.1", "/"]),
        ),
        st.tuples(st.just("set"), st.just("start.goal"), goals),
    ),
    max_size=40,
)


def perform(session: Session, move: tuple[Any, ...]) -> None:
    if move[0] == "set":
        session.set({move[1]: move[2]})
    elif move[0] == "goto":
        session.goto(move[1])
    else:
        getattr(session, move[0])()


@given(moves)
def test_back_undoes_next_from_wherever_the_person_is(path: list[tuple[Any, ...]]) -> None:
    session = Session(Answers())
    for move in path:
        if move[:2] == ("set", "start.goal") and session.current != "start":
            continue  # the goal is only asked on the first step
        perform(session, move)
        here = session.current
        if session.next():
            assert session.back() is session.step and session.current == here


@given(moves)
def test_nothing_typed_is_lost_and_the_current_step_is_always_one_that_applies(path: list[tuple[Any, ...]]) -> None:
    session, typed = Session(Answers()), dict[str, Any]()
    for move in path:
        if move[:2] == ("set", "start.goal") and session.current != "start":
            continue
        if move[0] == "set":
            typed[move[1]] = move[2]
        perform(session, move)
        assert {key: session.answers[key] for key in typed} == typed
        assert session.current in [s.id for s in session.steps]
        number, of = session.position()
        assert 1 <= number <= of
        assert session.state(session.current) is StepState.CURRENT


def test_a_wrong_answer_keeps_the_person_on_the_step_and_says_why() -> None:
    session = Session(Answers(), current="principal", visited={"start", "identity", "project", "principal"})
    session.set({"principal.name": "a b"})
    assert session.next() is None and session.current == "principal"
    assert "a space" in session.problems()["principal.name"]
    assert session.first_wrong() is BY_ID["principal"]
    assert session.back() is BY_ID["project"]
    assert session.answers.text("principal.name") == "a b"


def test_a_question_that_is_not_asked_can_not_hold_anybody_up() -> None:
    session = Session(Answers(), current="credentials", visited=set(ALL[:6]))
    session.set({"credentials.path": "", "credentials.write": "none"})
    assert session.problems() == {}
    assert session.next() is BY_ID["review"]


def test_only_visited_steps_can_be_jumped_to() -> None:
    session = Session(Answers())
    assert session.goto("review") is None
    walk(session)
    assert session.goto("project") is BY_ID["project"]
    assert session.state("review") is StepState.DONE


def test_once_changes_are_made_there_is_no_way_back_to_the_questions() -> None:
    session = Session(Answers())
    while session.current != "apply":
        assert session.next()
    session.locked = True
    assert session.back() is None and session.goto("principal") is None
    assert session.next() is BY_ID["check"]
    assert session.goto("apply") is BY_ID["apply"]


def test_every_field_that_can_be_answered_is_asked_by_exactly_one_step_of_a_walk() -> None:
    for goal in FIELDS["start.goal"].choices:
        steps = steps_for(Answers().with_values({"start.goal": goal}, "you"))
        asked = [key for s in steps for key in {q.key for q in s.questions}]
        assert len(asked) == len(set(asked)), goal
    assert set(FIELDS) == {q.key for s in STEPS for q in s.questions}


@pytest.mark.parametrize("kind", ["user", "role"])
@pytest.mark.parametrize("service", FIELDS["principal.service"].choices)
@pytest.mark.parametrize("function", ["", "my-api"])
def test_a_key_is_asked_once_under_any_answers(kind: str, service: str, function: str) -> None:
    values = {"principal.kind": kind, "principal.service": service, "principal.function": function}
    answers = Answers().with_values(values, "you")
    for step in STEPS:
        keys = [q.key for q in step.asked(answers)]
        assert len(keys) == len(set(keys))


def test_what_was_answered_for_a_user_is_set_aside_for_a_role_and_comes_back() -> None:
    session = Session(Answers())
    session.set({"principal.name": "ada", "credentials.write": "aws-profile"})
    session.set({"principal.kind": "role"})
    assert session.answers["principal.name"] == "" and session.answers["credentials.write"] == "none"
    assert session.answers["principal.attach"] == "managed"
    session.set({"principal.name": "video-api"})
    session.set({"principal.kind": "user"})
    assert session.answers["principal.name"] == "ada" and session.answers["credentials.write"] == "aws-profile"
    session.set({"principal.kind": "role"})
    assert session.answers["principal.name"] == "video-api"


def test_a_role_needs_no_step_for_its_credentials() -> None:
    session = Session(Answers())
    session.set({"principal.kind": "role", "principal.name": "video-api"})
    assert walk(session) == [step for step in NEW if step != "credentials"]


@given(goals, st.sampled_from(["env-file", "aws-profile", "none"]))
def test_steps_depend_on_answers_only(goal: str, write: str) -> None:
    answers = Answers().with_values({"start.goal": goal, "credentials.write": write}, "you")
    assert steps_for(answers) == steps_for(answers)
    expected = {"diagnose": DIAGNOSE, "change": ALL, "new": NEW}[goal]
    assert [s.id for s in steps_for(answers)] == expected
