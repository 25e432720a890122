"""Roles and functions to pick from: pages, search, which role suits, and which nobody can change."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.support import ACCOUNT, Fault, Place, Sandboxed
from wizard.account import roles
from wizard.account.roles import (
    Denied,
    FunctionEntry,
    Listing,
    RoleEntry,
    left_over,
    locked_reason,
    matching,
    named,
    read_function,
    trust_problem,
    trusts,
)
from wizard.collect import fields
from wizard.collect.answers import Answers
from wizard.engine import Engine, Options
from wizard.policy.trust import service_trust
from wizard.problem import Problem, ProblemError
from wizard.sandbox.accounts.company import FUNCTIONS, ROLES


def role(name: str, path: str = "/", *services: str) -> RoleEntry:
    return RoleEntry(name, path, f"arn:aws:iam::{ACCOUNT}:role{path}{name}", services)


# Reading


@pytest.fixture
def crowded(place: Place) -> Engine:
    made = Engine(Options(sandbox="crowded", folder=place.project))
    made.connect()
    return made


def test_a_large_account_comes_in_pages_the_first_of_them_small(crowded: Engine) -> None:
    pages = list(crowded.role_pages())
    assert [len(page) for page in pages] == [100, 1000, 1000, 1000, 1000, 900]
    entries = [entry for page in pages for entry in page]
    assert len({entry.arn for entry in entries}) == ROLES
    assert {s for e in entries for s in e.services} >= {"lambda.amazonaws.com", "ecs-tasks.amazonaws.com"}
    assert {o for e in entries for o in e.others} == {"accounts", "federated"}
    assert sum(bool(entry.locked) for entry in entries) > 30
    functions = list(crowded.function_pages("us-east-1"))
    assert {len(page) for page in functions} == {50}
    found = [entry for page in functions for entry in page]
    assert len(found) == FUNCTIONS["us-east-1"]
    assert {e.role_name for e in found} <= {e.name for e in entries}
    one = found[0]
    for text in (one.name, one.arn, f"{one.name}:$LATEST", f"{one.arn}:$LATEST"):
        looked_up = crowded.function_role(text, "us-east-1")
        assert (looked_up.name, looked_up.role_arn) == (one.name, one.role_arn)
    assert crowded.function_role(one.arn, "eu-central-1").region == "us-east-1"


def test_a_function_that_is_not_there_is_said_with_the_region(engine: Engine) -> None:
    with pytest.raises(ProblemError) as raised:
        engine.function_role("video-api", "eu-central-1")
    assert raised.value.problem.title == "There is no Lambda function video-api in eu-central-1."
    assert "by its ARN" in raised.value.problem.remedy


def test_who_may_not_list_is_told_so_and_other_failures_are_not_taken_for_that(sandbox: Sandboxed) -> None:
    sandbox.wire.fault = Fault("ListRoles", 1, "denied")
    found = Listing(sandbox.engine.role_pages)
    found.more(0)
    assert found.complete
    assert found.denied
    assert found.problem is not None
    sandbox.wire.fault, sandbox.wire.forever = Fault("ListRoles", 0, "server-error"), True
    with pytest.raises(ProblemError) as raised:
        list(sandbox.engine.role_pages())
    assert not isinstance(raised.value, Denied)


def test_only_what_is_wanted_is_asked_of_aws(sandbox: Sandboxed) -> None:
    pages = sandbox.engine.role_pages()
    assert sandbox.wire.calls == []
    next(pages, None)
    assert sandbox.wire.calls == ["ListRoles"]


def test_a_role_that_an_emulator_describes_otherwise_is_listed_all_the_same() -> None:
    described = {"RoleName": "r", "Path": "/", "Arn": f"arn:aws:iam::{ACCOUNT}:role/r"}
    encoded = quote(json.dumps(service_trust("lambda.amazonaws.com")))
    assert roles._role({**described, "AssumeRolePolicyDocument": encoded}).services == ("lambda.amazonaws.com",)
    assert roles._role({**described, "AssumeRolePolicyDocument": "{"}).services == ()
    assert roles._role(described).services == ()


# One list, several readers


def test_each_page_is_read_once_however_many_ask_for_it() -> None:
    read: list[int] = []

    def pages() -> Iterator[tuple[RoleEntry, ...]]:
        for at in range(20):
            read.append(at)
            yield (role(f"role-{at}"),)

    found = Listing(pages)

    def reader() -> None:
        while not found.complete:
            found.more(len(found.entries))

    threads = [threading.Thread(target=reader) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read == list(range(20))
    assert [entry.name for entry in found.entries] == [f"role-{at}" for at in range(20)]


@pytest.mark.parametrize(
    "error", [ProblemError(Problem("AWS could not be reached.")), RuntimeError("[bold]"), KeyError("Roles")]
)
def test_what_was_read_before_a_failure_stays(error: Exception) -> None:
    def pages() -> Iterator[tuple[RoleEntry, ...]]:
        yield (role("first"),)
        raise error

    found = Listing(pages)
    found.more(0)
    found.more(1)
    found.more(1)
    assert [entry.name for entry in found.entries] == ["first"]
    assert found.complete
    assert found.problem is not None
    assert not found.denied


# Search

NAMES = st.lists(st.sampled_from(["video", "audio", "api", "worker", "role", "AWS"]), min_size=1, max_size=4).map(
    "-".join
)
ENTRIES = st.lists(
    st.builds(role, NAMES, st.sampled_from(["/", "/video/", "/aws-service-role/x.amazonaws.com/"])), max_size=40
)


@given(ENTRIES, st.sampled_from(["", "video", "VIDEO api", "role  w", "nothing", " "]))
def test_a_search_finds_all_that_has_its_words_and_nothing_else(entries: list[RoleEntry], wanted: str) -> None:
    found = matching(entries, wanted)
    words = wanted.lower().split()
    expected = [e for e in entries if all(w in e.name.lower() or w in e.path for w in words)]
    assert sorted(map(repr, found)) == sorted(map(repr, expected))
    order = [(bool(e.locked), bool(words) and not e.name.lower().startswith(words[0])) for e in found]
    assert order == sorted(order)


def test_what_suits_comes_before_what_does_not_and_what_is_locked_is_last() -> None:
    entries = [
        role("api-video", "/", "ec2.amazonaws.com"),
        role("video-b", "/", "ec2.amazonaws.com"),
        role("AWSServiceRoleForvideo", "/aws-service-role/video.amazonaws.com/"),
        role("video-c", "/", "lambda.amazonaws.com"),
        role("my-video", "/", "lambda.amazonaws.com"),
    ]
    found = matching(entries, "video", lambda e: trusts(e.services, "lambda"))
    assert [e.name for e in found] == ["video-c", "video-b", "my-video", "api-video", "AWSServiceRoleForvideo"]


def test_an_arn_finds_its_role_and_a_name_is_told_apart_by_no_case() -> None:
    entries = [role("video"), role("Video-API", "/teams/")]
    assert matching(entries, entries[1].arn) == [entries[1]]
    assert named(entries, "VIDEO") == entries[0]
    assert named(entries, f" {entries[1].arn} ") == entries[1]
    assert named(entries, "vide") is None
    assert named(entries, "") is None


# Which role suits


def test_every_service_that_can_be_answered_is_known_here() -> None:
    assert set(roles.SERVICES) == set(fields.SERVICES) - {"any"}


@pytest.mark.parametrize("service", roles.SERVICES)
def test_a_role_suits_the_service_that_it_trusts_and_no_other(service: str) -> None:
    principal, label = roles.SERVICES[service]
    assert trust_problem((principal,), service) == ""
    assert trust_problem((principal, "states.amazonaws.com"), service) == ""
    problem = trust_problem(("states.amazonaws.com",), service)
    assert f"not {principal}" in problem
    assert label in problem
    assert "accounts or identity providers" in trust_problem((), service)
    assert trust_problem((), "any") == ""


def test_a_policy_document_tells_more_than_the_services() -> None:
    assert trust_problem(service_trust("ec2.amazonaws.com.cn"), "ec2") == ""
    assert "not lambda.amazonaws.com" in trust_problem(service_trust("ec2.amazonaws.com"), "lambda")
    pods: dict[str, Any] = service_trust("pods.eks.amazonaws.com")
    assert "sts:TagSession" in trust_problem(pods, "eks")
    pods["Statement"][0]["Action"] = ["sts:AssumeRole", "sts:TagSession"]
    assert trust_problem(pods, "eks") == ""


@pytest.mark.parametrize(
    ("path", "name", "reason"),
    [
        ("/aws-service-role/rds.amazonaws.com/", "AWSServiceRoleForRDS", "only rds.amazonaws.com can change it"),
        ("/aws-reserved/sso.amazonaws.com/eu-central-1/", "AWSReservedSSO_Admin_0", "Identity Center"),
        ("/aws-reserved/", "x", "belongs to AWS"),
        ("", "AWSServiceRoleForRDS", "service-linked"),
        ("", "AWSReservedSSO_Admin_0", "Identity Center"),
        ("/", "AWSReservedSSO_not_really", ""),
        ("/service-role/", "video-api", ""),
        ("", "video-api", ""),
    ],
)
def test_what_aws_alone_may_change_is_locked(path: str, name: str, reason: str) -> None:
    found = locked_reason(path, name)
    assert reason in found
    assert bool(reason) == bool(found)


def test_a_function_whose_role_is_locked_is_locked() -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX"
    assert FunctionEntry("f", "", "us-east-1", "AWSServiceRoleForX", arn).locked


def test_answers_that_another_one_makes_void_are_taken_back() -> None:
    def void(**given: str) -> dict[str, str]:
        return left_over(Answers({f"principal.{key}": value for key, value in given.items()}))

    assert void() == {}
    assert void(kind="role", service="lambda", function="f", name="r") == {"principal.name": ""}
    assert void(kind="role", service="ec2", function="f", assumed_by="i") == {"principal.function": ""}
    assert void(kind="role", service="ecs", name="r", assumed_by="i") == {"principal.assumed_by": ""}
    assert void(kind="user", name="ada", function="f") == {"principal.function": ""}


def test_a_function_of_another_region_is_asked_for_there_and_an_alias_as_one() -> None:
    asked: list[tuple[str, dict[str, str]]] = []

    class Spy:
        def client(self, service: str, region: str) -> Any:
            class Client:
                def get_function_configuration(self, **parameters: str) -> Any:
                    asked.append((region, parameters))
                    return {
                        "FunctionName": "f",
                        "FunctionArn": "arn",
                        "Role": f"arn:aws:iam::{ACCOUNT}:role/service-role/r",
                    }

            return Client()

    found = read_function(Spy(), f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:f:live", "us-east-1")  # type: ignore[arg-type]
    assert found.role_name == "r"
    read_function(Spy(), "f:live", "us-east-1")  # type: ignore[arg-type]
    arn = f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:f"
    assert asked == [
        ("eu-west-1", {"FunctionName": arn, "Qualifier": "live"}),
        ("us-east-1", {"FunctionName": "f", "Qualifier": "live"}),
    ]
