"""Discovery reads and never guesses: what may not be read is unknown, never missing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.engine.support import Fault, Place, Sandboxed, connection, given, iam, onboard
from tests.thorough import mostly_thorough
from wizard.account.connect import Aws, Keys
from wizard.account.snapshot import AccountSnapshot, FactState
from wizard.engine import Engine
from wizard.problem import ProblemError, UsageProblem
from wizard.remotion import names
from wizard.secret import Secret


def weaker(engine: Engine, *actions: str) -> Engine:
    """The engine, signed in as a user who may do only `actions`."""
    client = iam(engine)
    client.create_user(UserName="weak")
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    if actions:
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        client.put_user_policy(UserName="weak", PolicyName="p", PolicyDocument=document)
    key = client.create_access_key(UserName="weak")["AccessKey"]
    aws: Aws = connection(engine).with_keys(Keys(key["AccessKeyId"], Secret(key["SecretAccessKey"])))
    engine._aws, engine._identity = aws, aws.identify()
    return engine


def test_a_fresh_account_has_nothing_and_its_limits_are_read(engine: Engine) -> None:
    found = engine.discover(given())
    assert found.principal.is_absent and found.render_role.is_absent
    assert found.policies[names.USER_POLICY].is_absent and found.policies[names.ROLE_POLICY].is_absent
    assert found.limit("UserPolicySizeQuota") == 2048 and found.limit("AccessKeysPerUserQuota") == 2
    assert found.concurrency["us-east-1"].value == 10
    assert found.denied() == {}


def test_after_onboarding_everything_is_known(engine: Engine) -> None:
    onboard(engine)
    found = engine.discover(given())
    user, role = found.principal.value, found.render_role.value
    assert user is not None and role is not None
    assert list(user.inline) == ["remotion-user-policy"] and user.inline_sizes == 1779
    assert [a.name for a in role.attached] == ["remotion-lambda-policy"]
    assert role.attached[0].document.value is not None
    assert user.tags == {"created-by": "remotion-lambda-wizard"}
    assert [k.active for k in user.access_keys.value or ()] == [True]
    assert found.local.env_key_id == (user.access_keys.value or ())[0].id


def test_who_may_read_nothing_learns_nothing_and_is_told_what_is_missing(engine: Engine) -> None:
    onboard(engine)
    found = weaker(engine).discover(given())
    assert (
        found.principal.state is found.render_role.state is found.policies[names.USER_POLICY].state is FactState.DENIED
    )
    assert not found.principal.is_absent
    assert set(found.denied()) == {
        "the caller remotion-user",
        "the render role",
        "the managed policy remotion-user-policy",
        "the managed policy remotion-lambda-policy",
    }
    assert "iam:GetUser" in found.denied()["the caller remotion-user"].title
    assert found.concurrency["us-east-1"].state is FactState.DENIED
    assert found.limit("PolicySizeQuota") == 6144, "the published number stands where the account's may not be read"


def test_a_plan_without_sight_is_a_problem_and_never_a_plan_to_make_it_all_anew(engine: Engine) -> None:
    onboard(engine)
    weak = weaker(engine)
    plan = weak.plan(given(), weak.discover(given()))
    assert plan.problems and not any(c.writes and c.kind in {"user", "role", "policy", "key"} for c in plan.changes)
    assert any("may not read the user remotion-user" in p.title for p in plan.problems)


READS = [
    "iam:GetUser",
    "iam:ListUserPolicies",
    "iam:GetUserPolicy",
    "iam:ListAttachedUserPolicies",
    "iam:ListGroupsForUser",
    "iam:ListAccessKeys",
    "iam:GetRole",
    "iam:ListRolePolicies",
    "iam:GetRolePolicy",
    "iam:ListAttachedRolePolicies",
    "iam:GetPolicy",
    "iam:GetPolicyVersion",
    "iam:ListPolicyVersions",
    "iam:GetAccountSummary",
    "lambda:GetAccountSettings",
]


@pytest.mark.parametrize("missing", mostly_thorough(READS, {"iam:GetUser", "iam:GetRolePolicy"}))
def test_one_read_that_is_denied_is_unknown_and_breaks_nothing_else(engine: Engine, missing: str) -> None:
    onboard(engine)
    weak = weaker(engine, *(r for r in READS if r != missing))
    found = weak.discover(given())
    plan = weak.plan(given(), found)
    written = [c.id for c in plan.writing]
    assert not any(word in i for i in written for word in ("user.", "policy.", "key.", "role.remotion")), written
    unknown = {
        "iam:ListAccessKeys": "the access keys of remotion-user",
        "iam:GetUserPolicy": "the inline policy remotion-user-policy",
    }.get(missing)
    if unknown:
        assert any(unknown in p.title for p in plan.problems)
    if missing in {"iam:ListGroupsForUser", "iam:GetAccountSummary", "lambda:GetAccountSettings", "iam:GetRolePolicy"}:
        assert not plan.problems and found.principal.value is not None


def test_what_is_not_a_denial_is_not_taken_for_one(sandbox: Sandboxed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _s: None)
    sandbox.wire.fault, sandbox.wire.forever = Fault("GetUser", 1, "server-error"), True
    with pytest.raises(ProblemError) as caught:
        sandbox.engine.discover(given())
    assert "user" in caught.value.problem.title.lower()


def test_a_region_that_is_switched_off_does_not_stop_iam_which_is_global(
    sandbox: Sandboxed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _s: None)
    sandbox.wire.fault, sandbox.wire.forever = Fault("GetAccountSettings", 1, "server-error"), True
    found = sandbox.engine.discover(given(remotion__regions=["us-east-1", "af-south-1"]))
    assert found.principal.is_absent
    assert {f.state for f in found.concurrency.values()} == {FactState.DENIED}


def test_the_release_comes_from_the_project(engine: Engine, place: Place) -> None:
    (place.project / "package.json").write_text('{"dependencies": {"@remotion/lambda": "4.0.300"}}')
    found: AccountSnapshot = engine.discover(given())
    assert (found.release, found.release_source) == ("4.0.300", "package.json")


@pytest.mark.parametrize("folder", ["missing", "../nowhere", "x" * 300, "file", "~nobody-at-all"], ids=lambda n: n[:14])
def test_a_project_folder_that_is_none_is_refused(engine: Engine, place: Place, folder: str) -> None:
    (place.project / "file").write_text("x")
    with pytest.raises(UsageProblem) as caught:
        engine.discover(given(remotion__project=folder))
    assert "remotion.project" in caught.value.problem.title


def test_a_circle_of_links_is_no_project_folder(engine: Engine, place: Place) -> None:
    (place.project / "circle").symlink_to(place.project / "circle")
    with pytest.raises(UsageProblem):
        engine.discover(given(remotion__project="circle"))


@pytest.mark.parametrize("path", ["x" * 300, "missing/.env", "~/keys/.env", "sub"], ids=lambda n: n[:14])
def test_an_env_path_that_can_not_be_is_a_problem_and_no_crash(engine: Engine, place: Place, path: str) -> None:
    (place.project / "sub").mkdir()
    try:
        found = engine.plan(given(credentials__path=path), engine.discover(given(credentials__path=path)))
    except ProblemError as error:
        assert error.problem.title
    else:
        assert found.problems


def test_a_home_is_meant_by_the_tilde(engine: Engine, place: Place) -> None:
    found = engine.discover(given(credentials__path="~/keys.env"))
    assert Path(found.local.env_file) == place.home / "keys.env"


def test_a_policy_of_that_name_under_a_path_is_found(engine: Engine) -> None:
    document = json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "s3:*", "Resource": "*"}]}
    )
    iam(engine).create_policy(PolicyName=names.ROLE_POLICY, Path="/team/", PolicyDocument=document)
    onboard(engine)
    attached = iam(engine).list_attached_role_policies(RoleName=names.RENDER_ROLE)["AttachedPolicies"]
    assert [a["PolicyArn"] for a in attached] == ["arn:aws:iam::123456789012:policy/team/remotion-lambda-policy"]
