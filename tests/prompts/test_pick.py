"""Line mode asks for a role or a function by name, ARN or a part of a name; what matches is listed with numbers, once."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from tests.prompts.test_walk import CLEAR, ENTER, ESCAPE, typing
from wizard.account.roles import Denied, FunctionEntry, Listing, RoleEntry
from wizard.collect.answers import Answers
from wizard.collect.session import Session
from wizard.collect.steps import BY_ID
from wizard.engine import Engine, Options
from wizard.problem import Problem, ProblemError
from wizard.prompts.ask import BACK, Back
from wizard.prompts.pick import about_role, ask_pick
from wizard.prompts.walk import LineMode

ACCOUNT = "123456789012"
LAMBDA = "lambda.amazonaws.com"


def role(name: str, *services: str, path: str = "/") -> RoleEntry:
    return RoleEntry(name, path, f"arn:aws:iam::{ACCOUNT}:role{path}{name}", services or (LAMBDA,))


ROLES = (
    *(role(f"video-{number:02}") for number in range(37)),
    role("billing", "ec2.amazonaws.com", path="/money/"),
    role("7"),
    role("AWSServiceRoleForRDS", "rds.amazonaws.com", path="/aws-service-role/rds.amazonaws.com/"),
)


def listing(*pages: tuple[RoleEntry, ...] | Exception) -> Listing[RoleEntry]:
    def read() -> Iterator[tuple[RoleEntry, ...]]:
        for page in pages or (ROLES[:20], ROLES[20:]):
            if isinstance(page, Exception):
                raise page
            yield page

    return Listing(read)


def required(text: str) -> str:
    return "" if text else "Name the role."


def ask(*keys: str, found: Listing[RoleEntry] | None = None, default: str = "") -> str | Back:
    with typing(*keys):
        return ask_pick("Role", default, found or listing(), required, about_role)


def test_a_whole_name_is_taken_in_any_letters_and_so_is_an_arn_that_is_not_listed() -> None:
    assert ask("BILLING", ENTER) == "billing"
    elsewhere = f"arn:aws:iam::{ACCOUNT}:role/other/not-listed"
    assert ask(elsewhere, ENTER) == elsewhere
    assert ask(ENTER, default="video-03") == "video-03"


def test_a_part_lists_ten_matches_and_a_number_takes_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert ask("video", ENTER, "3", ENTER) == "video-02"
    shown = capsys.readouterr().out
    assert "37 match, first 10:" in shown
    assert "  3. video-02: trusts lambda" in shown
    assert "video-10" not in shown
    assert "\x1b" not in shown


def test_more_letters_narrow_and_a_single_match_is_offered(capsys: pytest.CaptureFixture[str]) -> None:
    assert ask("video", ENTER, "deo 1", ENTER, CLEAR, "money", ENTER, ENTER) == "billing"
    shown = capsys.readouterr().out
    assert "1 matches:\n  1. billing: trusts ec2, path /money/" in shown


def test_a_number_that_was_not_listed_is_refused_and_a_role_may_be_called_a_number() -> None:
    assert ask("video", ENTER, "11", ENTER, CLEAR, "2", ENTER) == "video-01"
    assert ask("video", ENTER, "7", ENTER) == "7"


def test_a_locked_role_is_refused_with_the_reason(capsys: pytest.CaptureFixture[str]) -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/rds.amazonaws.com/AWSServiceRoleForRDS"
    assert ask("AWSServiceRoleForRDS", ENTER, arn, ENTER, "rds", ENTER, "billing", ENTER) == "billing"
    shown = capsys.readouterr().out
    assert shown.count("AWSServiceRoleForRDS can't be picked. It is a service-linked role") == 2
    assert "None of 40 has that in its name." in shown


@pytest.mark.parametrize("keys", [("<", ENTER), ("vid", ESCAPE)])
def test_the_less_sign_and_escape_go_back(keys: tuple[str, ...]) -> None:
    assert ask(*keys) is BACK


def test_nothing_is_refused_where_a_role_is_needed() -> None:
    assert ask(ENTER, "billing", ENTER) == "billing"


def test_who_may_not_list_is_told_and_believed(capsys: pytest.CaptureFixture[str]) -> None:
    denied = listing(Denied(Problem("You may not call iam:ListRoles.")))
    assert ask("video-api", ENTER, found=denied) == "video-api"
    assert "You may not call iam:ListRoles. The name is taken as it is typed." in capsys.readouterr().out


def test_a_name_is_taken_as_soon_as_it_has_come_without_the_rest() -> None:
    rest = threading.Event()

    def pages() -> Iterator[tuple[RoleEntry, ...]]:
        yield ROLES[:20]
        assert rest.wait(30)
        yield ROLES[20:]

    found = Listing(pages)
    found.more(0)
    assert ask("video-07", ENTER, found=found) == "video-07"
    assert not found.complete
    rest.set()


def test_a_name_that_is_to_be_made_is_taken_once_it_is_confirmed() -> None:
    def ask_new(*keys: str, default: str = "") -> str | Back:
        with typing(*keys):
            return ask_pick("Role", default, listing(), required, about_role, may_be_new=True)

    assert ask_new("remotion-role", ENTER, ENTER, "billing", ENTER) == "billing"
    assert ask_new("remotion-role", ENTER, CLEAR, "yes", ENTER) == "remotion-role"
    assert ask_new(ENTER, ENTER, default="remotion-role") == "remotion-role"
    assert ask_new("video", ENTER, "video", ENTER, CLEAR, "yes", ENTER) == "video"
    assert ask_new("video", ENTER, "1", ENTER) == "video-00"


# In the walk


class Account(Engine):
    """An engine that knows these roles and two functions."""

    def __init__(self) -> None:
        super().__init__(Options())

    def role_pages(self) -> Iterator[tuple[RoleEntry, ...]]:
        yield ROLES

    def function_pages(self, region: str) -> Iterator[tuple[FunctionEntry, ...]]:
        for name in ("video-fn", "other-fn"):
            yield (self.function_role(name, region),)

    def function_role(self, function: str, region: str) -> FunctionEntry:
        if function.startswith("no-"):
            raise ProblemError(Problem(f"There is no Lambda function {function} in {region}."))
        arn = f"arn:aws:iam::{ACCOUNT}:role/{function}-role"
        return FunctionEntry(
            function, f"arn:aws:lambda:{region}:{ACCOUNT}:function:{function}", region, f"{function}-role", arn
        )


def walk(*keys: str, **given: str) -> Answers:
    """Ask the step "principal" with a role."""
    answers = Answers().with_values(
        {"principal.kind": "role", **{f"principal.{k}": v for k, v in given.items()}}, "you"
    )
    session = Session(answers, current="principal")
    with typing(*keys):
        assert LineMode(Account(), session, None)._form(BY_ID["principal"])
    assert not session.problems()
    return session.answers


def test_the_walk_takes_the_role_of_a_function(capsys: pytest.CaptureFixture[str]) -> None:
    answers = walk(ENTER, ENTER, "no-such:live", ENTER, CLEAR, "vid", ENTER, ENTER, service="lambda")
    assert (answers.text("principal.function"), answers.text("principal.name")) == ("video-fn", "")
    shown = capsys.readouterr().out
    assert "There is no Lambda function no-such:live in us-east-1." in shown
    assert "It runs with the role video-fn-role." in shown


def test_the_walk_takes_a_role_and_says_what_its_service_thinks_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    answers = walk(ENTER, ENTER, ENTER, "billing", ENTER, service="lambda", function="")
    assert answers.text("principal.name") == "billing"
    assert "Note: It trusts ec2.amazonaws.com, not lambda.amazonaws.com" in capsys.readouterr().out


def test_the_walk_asks_for_the_instance_s_role_and_lets_a_function_go(capsys: pytest.CaptureFixture[str]) -> None:
    answers = walk(
        ENTER, CLEAR, "2", ENTER, "video-01", ENTER, "billing", ENTER, ENTER, service="lambda", function="video-fn"
    )
    assert answers.text("principal.function") == ""
    assert (answers.text("principal.name"), answers.text("principal.assumed_by")) == ("video-01", "billing")
    assert "Note:" not in capsys.readouterr().out
