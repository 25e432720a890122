"""A permissions boundary is said to be demanded only where IAM's simulator shows it; what can't be told is said so."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from tests.engine.test_survey import Account, document
from wizard.account.boundaries import BoundaryDemand, boundary_demand
from wizard.account.connect import Keys
from wizard.problem import ProblemError
from wizard.remotion import names
from wizard.sandbox.principals import set_service_control_policies
from wizard.secret import Secret

ARN = "arn:aws:iam::123456789012:policy/"
EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}
READS = {"Effect": "Allow", "Action": ["iam:Get*", "iam:List*", "iam:SimulatePrincipalPolicy"], "Resource": "*"}
CREATES = {"Effect": "Allow", "Action": ["iam:CreateUser", "iam:CreateRole"], "Resource": "*"}


def within(operator: str, *boundaries: str) -> dict[str, Any]:
    """A condition on the boundary of what is made."""
    return {"Condition": {operator: {"iam:PermissionsBoundary": list(boundaries)}}}


def asked(account: Account, user: str = names.USER, path: str = "/") -> BoundaryDemand:
    """The answer, which took no more than 8 simulations."""
    account.calls.clear()
    found = boundary_demand(account.aws, account.identity, user, path)
    assert account.calls["SimulatePrincipalPolicy"] <= 8
    assert found.sentence and "\n" not in found.sentence
    return found


def boundary(account: Account, name: str) -> str:
    """Make a policy that can be a boundary."""
    return account.managed(name, document(EVERYTHING))


def sign_in(account: Account, *statements: Mapping[str, Any], own: str = "", group: bool = False) -> None:
    """Work as a user with these statements, and a boundary of their own."""
    account.iam.create_user(UserName="dev", **({"PermissionsBoundary": own} if own else {}))
    if group:
        account.iam.create_group(GroupName="devs")
        account.iam.add_user_to_group(GroupName="devs", UserName="dev")
        account.iam.put_group_policy(GroupName="devs", PolicyName="p", PolicyDocument=document(statements[0]))
        arn = account.managed("of-the-group", document(*statements[1:]))
        account.iam.attach_group_policy(GroupName="devs", PolicyArn=arn)
    else:
        account.put("dev", "p", *statements)
    key = account.iam.create_access_key(UserName="dev")["AccessKey"]
    account.sign_in(Keys(key["AccessKeyId"], Secret(key["SecretAccessKey"])))


def assume(account: Account, path: str, *statements: Mapping[str, Any]) -> None:
    """Work as a role at a path, with these statements."""
    trust = {"Effect": "Allow", "Principal": {"AWS": account.identity.arn}, "Action": "sts:AssumeRole"}
    account.iam.create_role(RoleName="Admin", Path=path, AssumeRolePolicyDocument=document(trust))
    account.iam.put_role_policy(RoleName="Admin", PolicyName="p", PolicyDocument=document(*statements))
    sts = account.aws.client("sts")
    got = sts.assume_role(RoleArn=f"arn:aws:iam::123456789012:role{path}Admin", RoleSessionName="ada")["Credentials"]
    keys = Keys(got["AccessKeyId"], Secret(got["SecretAccessKey"]), Secret(got["SessionToken"]))
    account.sign_in(keys)


def organisation(account: Account, *statements: Mapping[str, Any]) -> None:
    """Put the account under a service control policy."""
    allow = {"Version": "2012-10-17", "Statement": [EVERYTHING]}
    with account.sandbox.edit():
        set_service_control_policies("123456789012", [[allow], [allow, json.loads(document(*statements))]])


@pytest.fixture
def account() -> Account:
    return Account()


@pytest.mark.parametrize("scenario", ["fresh", "outdated", "swapped", "half", "hand-made", "crowded", "gov", "china"])
def test_most_accounts_demand_none(scenario: str) -> None:
    account = Account(scenario)
    found = asked(account)
    assert (found.demanded, found.candidates) == (False, ())
    assert "without a permissions boundary" in found.sentence
    assert account.calls == {"GetUser": 1, "SimulatePrincipalPolicy": 2, "ListPolicies": 2}


def test_the_organisation_that_demands_one() -> None:
    account = Account("boundary")
    found = asked(account)
    assert (found.demanded, found.candidates) == (True, (f"{ARN}developer-boundary",))
    assert found.sentence.startswith("Your organisation demands") and "developer-boundary" in found.sentence
    assert account.calls["SimulatePrincipalPolicy"] == 4


def test_it_is_found_for_a_user_at_a_path_and_for_the_role_alone() -> None:
    account = Account("boundary")
    assert asked(account, path="video/tools").demanded is True
    found = asked(account, user="")
    assert found.demanded is True and "new roles" in found.sentence
    assert account.calls["SimulatePrincipalPolicy"] == 2


@pytest.mark.parametrize("group", [False, True])
def test_a_demand_in_the_callers_own_policies(account: Account, group: bool) -> None:
    wanted = boundary(account, "teams")  # nothing in the name tells what it is for
    boundary(account, "some-boundary")
    sign_in(account, READS, {**CREATES, **within("StringEquals", wanted)}, group=group)
    found = asked(account)
    assert found.demanded is True and found.candidates == (wanted, f"{ARN}some-boundary")
    assert found.sentence == ("Your policies demand a permissions boundary of new users and roles: teams is accepted.")


def test_a_demand_with_a_wildcard_or_a_variable(account: Account) -> None:
    wanted = boundary(account, "limits-for-video")
    pattern = "arn:aws:iam::${aws:PrincipalAccount}:policy/limits-*"
    sign_in(
        account,
        READS,
        CREATES,
        {**CREATES, "Effect": "Deny", **within("StringNotLike", pattern.replace("${aws:PrincipalAccount}", "*"))},
    )
    assert asked(account).candidates == (wanted,)
    assert asked(account).demanded is True


def test_a_demand_in_the_callers_own_boundary_which_is_handed_on(account: Account) -> None:
    own = f"{ARN}handed-on"
    account.managed("handed-on", document(READS, {**CREATES, **within("ArnEquals", own)}))
    boundary(account, "a-boundary")
    sign_in(account, EVERYTHING, own=own)
    found = asked(account)
    assert found.demanded is True and found.candidates == (own, f"{ARN}a-boundary")
    assert found.sentence.startswith("Your own permissions boundary demands")


def test_a_boundary_that_is_in_use_comes_before_one_that_is_only_named_so(account: Account) -> None:
    boundary(account, "a-boundary")
    used = boundary(account, "limits")
    account.iam.create_user(UserName="other", PermissionsBoundary=used)
    sign_in(
        account,
        READS,
        CREATES,
        {**CREATES, "Effect": "Deny", "Condition": {"Null": {"iam:PermissionsBoundary": "true"}}},
    )
    found = asked(account)
    assert found.demanded is True and found.candidates == (used, f"{ARN}a-boundary")


def test_the_boundary_that_works_comes_first(account: Account) -> None:
    for name in ("a-boundary", "b-boundary", "c-boundary"):
        boundary(account, name)
    organisation(account, {**CREATES, "Effect": "Deny", **within("StringNotEquals", f"{ARN}b-boundary")})
    found = asked(account)
    assert found.demanded is True
    assert found.candidates == (f"{ARN}b-boundary", f"{ARN}a-boundary", f"{ARN}c-boundary")


def test_a_demand_for_users_only(account: Account) -> None:
    wanted = boundary(account, "the-boundary")
    only_users = {"Effect": "Deny", "Action": "iam:CreateUser", "Resource": "*", **within("StringNotEquals", wanted)}
    organisation(account, only_users, {"Effect": "Deny", "Action": "iam:CreateRole", "Resource": "*"})
    found = asked(account)
    assert found.demanded is True and found.candidates == (wanted,)
    assert "of new users: the-boundary is accepted. New roles are refused with it too." in found.sentence


def test_an_organisation_that_refuses_either_way_is_no_proof(account: Account) -> None:
    organisation(account, {**CREATES, "Effect": "Deny"})
    found = asked(account)
    assert found.demanded is None and "Your organisation refuses new users and roles" in found.sentence
    wanted = boundary(account, "the-boundary")
    found = asked(account)
    assert (found.demanded, found.candidates) == (None, (wanted,)) and "the-boundary" in found.sentence


def test_no_more_than_three_are_tried(account: Account) -> None:
    for letter in "abcde":
        boundary(account, f"{letter}-boundary")
    organisation(account, {**CREATES, "Effect": "Deny", **within("StringNotEquals", f"{ARN}e-boundary")})
    found = asked(account)
    assert found.demanded is None and len(found.candidates) == 5
    assert account.calls["SimulatePrincipalPolicy"] == 8


def test_an_organisation_that_locks_regions_demands_nothing(account: Account) -> None:
    lock = {"StringNotEquals": {"aws:RequestedRegion": ["us-east-1", "eu-central-1"]}}
    organisation(account, {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": lock})
    assert asked(account).demanded is False


def test_who_may_make_nothing_learns_no_more(account: Account) -> None:
    sign_in(account, READS)
    found = asked(account)
    assert found.demanded is None and found.sentence.startswith("You may not make users and roles")


def test_a_condition_that_no_known_boundary_meets_is_told(account: Account) -> None:
    sign_in(account, READS, {**CREATES, **within("StringEquals", f"{ARN}not-here/${{aws:username}}")})
    found = asked(account)
    assert found.demanded is None and "condition on the permissions boundary" in found.sentence


def test_who_may_not_simulate_is_told_so(account: Account) -> None:
    boundary(account, "the-boundary")
    sign_in(account, {"Effect": "Allow", "Action": "iam:ListPolicies", "Resource": "*"})
    found = asked(account)
    assert found.demanded is None and found.candidates == (f"{ARN}the-boundary",)
    assert "iam:SimulatePrincipalPolicy" in found.sentence


def test_who_may_only_simulate_still_learns_what_the_simulator_says(account: Account) -> None:
    sign_in(account, {"Effect": "Allow", "Action": "iam:SimulatePrincipalPolicy", "Resource": "*"}, CREATES)
    assert asked(account).demanded is False
    organisation(account, {**CREATES, "Effect": "Deny", **within("StringNotEquals", f"{ARN}x-boundary")})
    assert asked(account).demanded is None


@pytest.mark.parametrize("path", ["/", "/teams/video/"])
def test_a_session_is_asked_for_by_its_role(account: Account, path: str) -> None:
    wanted = boundary(account, "the-boundary")
    assume(account, path, EVERYTHING)
    assert ":assumed-role/" in account.identity.arn
    organisation(account, {**CREATES, "Effect": "Deny", **within("StringNotEquals", wanted)})
    assert asked(account).demanded is True
    assert account.calls["GetRole"] == 1 + 1  # with its policies, as something is denied


def test_a_session_whose_role_may_not_be_read_can_not_be_told(account: Account) -> None:
    assume(account, "/", {"Effect": "Allow", "Action": "iam:SimulatePrincipalPolicy", "Resource": "*"})
    found = asked(account)
    assert found.demanded is None and "may not read your role Admin" in found.sentence


@pytest.mark.parametrize(
    ("arn", "who"),
    [
        ("arn:aws:iam::123456789012:root", "the root user"),
        ("arn:aws:sts::123456789012:federated-user/ada", "a federated user"),
    ],
)
def test_some_callers_can_not_be_simulated(account: Account, arn: str, who: str) -> None:
    account.identity = replace(account.identity, arn=arn)
    found = asked(account)
    assert found.demanded is None and who in found.sentence
    assert account.calls == {"ListPolicies": 2}


def replace_simulator(account: Account, monkeypatch: pytest.MonkeyPatch, answer: Callable[..., Any]) -> None:
    """Have another function answer in place of IAM's simulator."""
    made = account.aws.client

    def client(service: str, region: str = "", attempts: int = 5) -> Any:
        found = made(service, region, attempts)
        monkeypatch.setattr(found, "simulate_principal_policy", answer)
        return found

    monkeypatch.setattr(account.aws, "client", client)


def simulator(account: Account, monkeypatch: pytest.MonkeyPatch, *rows: Mapping[str, Any]) -> None:
    """Have IAM's simulator answer with these rows, the last one again and again."""
    left = list(rows)

    def answer(**_: Any) -> dict[str, Any]:
        row = left.pop(0) if len(left) > 1 else left[0]
        return {"EvaluationResults": [{"EvalActionName": "iam:CreateUser", **row}]}

    replace_simulator(account, monkeypatch, answer)


def test_a_simulator_that_contradicts_itself_is_not_believed(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    row = {"EvalDecision": "allowed", "OrganizationsDecisionDetail": {"AllowedByOrganizations": False}}
    simulator(account, monkeypatch, row)
    found = asked(account)
    assert found.demanded is None and "contradicts itself" in found.sentence
    boundary(account, "the-boundary")
    denied = {"EvalDecision": "implicitDeny", "OrganizationsDecisionDetail": {"AllowedByOrganizations": False}}
    simulator(account, monkeypatch, denied, denied, row)
    assert asked(account).demanded is None


def test_the_old_shape_of_the_simulators_answer_is_read_too(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    boundary(account, "the-boundary")
    denied, allowed = ({"EvalDecision": d, "EvalResourceName": "*"} for d in ("explicitDeny", "allowed"))
    simulator(account, monkeypatch, denied, denied, allowed)
    assert asked(account).demanded is True


def test_an_aws_that_does_not_answer_is_a_problem(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(**_: Any) -> None:
        raise EndpointConnectionError(endpoint_url="https://iam.amazonaws.com")

    replace_simulator(account, monkeypatch, unreachable)
    with pytest.raises(ProblemError, match="could not be reached"):
        boundary_demand(account.aws, account.identity, names.USER, "/")
