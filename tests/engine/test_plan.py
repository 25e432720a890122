"""The plan takes an account to what was asked for, keeps what is foreign, and is empty the second time."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.engine.support import (
    ACCOUNT,
    GOLDEN,
    Place,
    account_state,
    active_keys,
    change,
    given,
    iam,
    ids,
    onboard,
    plan_for,
)
from wizard.account.snapshot import AccountSnapshot, Fact, Identity, LocalState
from wizard.apply.events import Finished
from wizard.collect.answers import Answers
from wizard.engine import Engine, Options
from wizard.plan import render
from wizard.plan.build import build_plan
from wizard.plan.changes import Action, Plan
from wizard.policy import documents
from wizard.policy.trust import service_trust, trusts_service
from wizard.problem import UsageProblem
from wizard.remotion import names
from wizard.remotion.catalogue import PolicyKind, epochs, latest_release, policy
from wizard.remotion.releases import parse_release

USER, ROLE = names.USER, names.RENDER_ROLE


def arn(resource: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:{resource}"


def statement(effect: str = "Allow", action: Any = "s3:ListAllMyBuckets", **more: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": action, "Resource": "*", **more}


def document(*statements: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def as_printed(kind: PolicyKind, release: str = "4.0.527") -> str:
    parsed = parse_release(release)
    assert parsed is not None
    return json.dumps(policy(kind, parsed))


def make_user(engine: Engine, **parameters: Any) -> None:
    iam(engine).create_user(UserName=USER, **parameters)


def make_role(engine: Engine, trust: str | None = None, **parameters: Any) -> None:
    iam(engine).create_role(
        RoleName=ROLE, AssumeRolePolicyDocument=trust or json.dumps(service_trust(names.LAMBDA_SERVICE)), **parameters
    )


def user_policy(engine: Engine, name: str = names.USER_POLICY) -> Any:
    return iam(engine).get_user_policy(UserName=USER, PolicyName=name)["PolicyDocument"]


def managed(engine: Engine, name: str) -> Any:
    client = iam(engine)
    version = client.get_policy(PolicyArn=arn(f"policy/{name}"))["Policy"]["DefaultVersionId"]
    return client.get_policy_version(PolicyArn=arn(f"policy/{name}"), VersionId=version)["PolicyVersion"]["Document"]


def settled(engine: Engine, answers: Answers | None = None) -> Plan:
    """Apply, and see that a second plan is empty; the first plan."""
    plan = onboard(engine, answers)
    again = plan_for(engine, answers)
    assert again.is_empty and not again.problems, ids(again)
    return plan


def proven(engine: Engine, answers: Answers | None = None) -> Plan:
    """The same, and the check passes."""
    plan = settled(engine, answers)
    report = engine.check(answers or Answers())
    assert report.ok, [f.to_json() for f in report.findings if f.status == "fail"]
    return plan


# The fresh account


def test_the_plan_for_a_fresh_account_is_the_golden_one(engine: Engine, place: Place) -> None:
    text = render.as_json(plan_for(engine)).replace(str(place.project), "PROJECT") + "\n"
    golden = GOLDEN / "plan-fresh.json"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(text, "utf-8")
    assert text == golden.read_text("utf-8")


def test_its_json_has_the_shape_of_the_contract(engine: Engine) -> None:
    shape = plan_for(engine).to_json()
    assert {"account", "identity", "changes", "warnings"} <= shape.keys()
    for one in shape["changes"]:
        assert {"id", "action", "resource", "summary", "reason", "call", "before", "after"} <= one.keys()
        assert one["action"] in {"create", "update", "delete", "keep"}
        assert one["call"] is None or set(one["call"]) == {"service", "operation", "parameters"}
    assert len({c["id"] for c in shape["changes"]}) == len(shape["changes"])
    assert json.loads(json.dumps(shape)) == shape


def test_every_change_has_a_reason_a_summary_and_an_undo_where_there_can_be_one(engine: Engine) -> None:
    for one in plan_for(engine).changes:
        assert one.reason.endswith((".", "…")) and one.summary and one.resource
        if one.writes and one.kind not in {"key", "file"}:
            assert one.undo, one.id


def test_every_statement_of_a_planned_policy_says_why(engine: Engine) -> None:
    plan = plan_for(engine)
    for one in plan.changes:
        if one.kind == "policy" and one.writes:
            assert len(one.why) == len(one.after["Statement"])


@pytest.mark.parametrize(
    "answers",
    [
        given(),
        given(principal__attach="managed", render_role__attach="inline"),
        given(credentials__write="aws-profile"),
        given(credentials__write="none"),
        given(principal__name="ada", principal__path="/team/", principal__tags={"Team": "vidéo"}),
        given(remotion__version="3.0.0"),
        given(remotion__regions=["eu-central-1", "af-south-1"]),
    ],
    ids=["default", "swapped kinds", "profile", "no key", "named", "old release", "regions"],
)
def test_whatever_was_asked_for_a_second_plan_is_empty_and_the_check_passes(engine: Engine, answers: Answers) -> None:
    proven(engine, answers)


def test_a_plan_is_pure(engine: Engine) -> None:
    snapshot = engine.discover(given())
    before = repr(snapshot)
    assert build_plan(given(), snapshot) == build_plan(given(), snapshot)
    assert repr(snapshot) == before


def test_a_plan_does_nothing_by_itself(engine: Engine, place: Place) -> None:
    before = account_state(engine, exact=True)
    engine.plan(given(), engine.discover(given()))
    assert account_state(engine, exact=True) == before
    assert list(place.project.iterdir()) == [] and place.journals() == []


def test_wrong_answers_are_refused_before_planning(engine: Engine) -> None:
    snapshot = engine.discover(given())
    with pytest.raises(UsageProblem):
        engine.plan(given(principal__name="a b"), snapshot)


# The user's policy


def test_an_inline_policy_that_does_not_fit_is_a_problem_with_the_numbers(engine: Engine) -> None:
    make_user(engine)
    other = document(statement(Sid="X" * 400))
    iam(engine).put_user_policy(UserName=USER, PolicyName="other", PolicyDocument=other)
    plan = plan_for(engine)
    (problem,) = plan.problems
    total = documents.size(other) + 1779
    assert f"{total:,} of 2,048" in problem.title
    assert f"{documents.size(other):,} of them" in problem.detail
    assert "principal.attach = managed" in problem.remedy
    settled(engine, given(principal__attach="managed"))
    assert user_policy(engine, "other") == json.loads(other)


def test_an_inline_policy_that_just_fits_is_made(engine: Engine) -> None:
    make_user(engine)
    filler = document(statement(Sid=""))
    other = document(statement(Sid="X" * (2048 - 1779 - documents.size(filler))))
    iam(engine).put_user_policy(UserName=USER, PolicyName="other", PolicyDocument=other)
    settled(engine)


def test_statements_of_somebody_else_stay_beside_ours(engine: Engine) -> None:
    make_user(engine)
    foreign = statement("Deny", "s3:DeleteBucket", Sid="Storage")
    mixed = document(*json.loads(as_printed("user", "3.3.8"))["Statement"][:2], foreign)
    iam(engine).put_user_policy(UserName=USER, PolicyName=names.USER_POLICY, PolicyDocument=mixed)
    plan = onboard(engine)
    assert any("1 statement that" in w for w in plan.warnings) or any("1 statement" in w for w in plan.warnings)
    kept = user_policy(engine)
    assert documents.grants_all_of(kept, json.loads(as_printed("user")))
    assert [s for s in kept["Statement"] if s["Effect"] == "Deny"] == [{k: v for k, v in foreign.items() if k != "Sid"}]
    assert plan_for(engine).is_empty


@pytest.mark.parametrize("since", [str(e.since) for e in epochs()][:-1])
def test_an_older_releases_policies_are_brought_up_to_date(engine: Engine, since: str) -> None:
    client = iam(engine)
    make_user(engine)
    client.put_user_policy(UserName=USER, PolicyName=names.USER_POLICY, PolicyDocument=as_printed("user", since))
    make_role(engine)
    client.create_policy(PolicyName=names.ROLE_POLICY, PolicyDocument=as_printed("role", since))
    client.attach_role_policy(RoleName=ROLE, PolicyArn=arn(f"policy/{names.ROLE_POLICY}"))
    plan = settled(engine)
    updated = set(ids(plan)) & {f"update user.{USER}.policy", f"update policy.{names.ROLE_POLICY}"}
    same_user = documents.same_meaning(json.loads(as_printed("user", since)), json.loads(as_printed("user")))
    same_role = documents.same_meaning(json.loads(as_printed("role", since)), json.loads(as_printed("role")))
    assert len(updated) == 2 - same_user - same_role
    assert documents.same_meaning(user_policy(engine), json.loads(as_printed("user")))
    assert documents.same_meaning(managed(engine, names.ROLE_POLICY), json.loads(as_printed("role")))


def test_going_back_to_an_older_release_takes_out_what_it_does_not_need(engine: Engine) -> None:
    settled(engine)
    older = given(remotion__version="3.3.9")
    plan = settled(engine, older)
    assert "takes out" in change(plan, f"user.{USER}.policy").summary
    assert documents.same_meaning(user_policy(engine), json.loads(as_printed("user", "3.3.9")))


def test_a_policy_of_another_name_that_gives_all_that_is_needed_is_kept(engine: Engine) -> None:
    make_user(engine)
    iam(engine).put_user_policy(UserName=USER, PolicyName="by-hand", PolicyDocument=as_printed("user"))
    plan = proven(engine)
    assert change(plan, f"user.{USER}.policy").action is Action.KEEP
    assert iam(engine).list_user_policies(UserName=USER)["PolicyNames"] == ["by-hand"]


def test_a_policy_written_in_another_order_is_as_it_should_be(engine: Engine) -> None:
    make_user(engine)
    wanted = json.loads(as_printed("user"))
    for one in wanted["Statement"]:
        one.pop("Sid")
        one["Action"] = [a.lower() for a in reversed(one["Action"])]
        one["Resource"] = one["Resource"][0] if len(one["Resource"]) == 1 else one["Resource"][::-1]
    wanted["Statement"].reverse()
    iam(engine).put_user_policy(UserName=USER, PolicyName=names.USER_POLICY, PolicyDocument=json.dumps(wanted))
    assert change(plan_for(engine), f"user.{USER}.policy").action is Action.KEEP


def test_inline_becomes_managed_and_managed_inline_without_a_gap(engine: Engine) -> None:
    inline, as_managed = given(), given(principal__attach="managed", render_role__attach="inline")
    proven(engine, inline)
    plan = proven(engine, as_managed)
    order = ids(plan)
    assert order.index(f"create user.{USER}.attach") < order.index(f"delete user.{USER}.policy.inline")
    assert order.index(f"create role.{ROLE}.policy") < order.index(f"delete role.{ROLE}.detach")
    assert iam(engine).list_user_policies(UserName=USER)["PolicyNames"] == []
    back = proven(engine, inline)
    assert ids(back).index(f"create user.{USER}.policy") < ids(back).index(f"delete user.{USER}.detach")
    assert iam(engine).list_attached_user_policies(UserName=USER)["AttachedPolicies"] == []


def test_a_converted_policy_with_foreign_statements_stays(engine: Engine) -> None:
    make_user(engine)
    mixed = document(*json.loads(as_printed("user"))["Statement"], statement("Deny", "s3:DeleteBucket"))
    iam(engine).put_user_policy(UserName=USER, PolicyName=names.USER_POLICY, PolicyDocument=mixed)
    plan = onboard(engine, given(principal__attach="managed"))
    assert any("It stays as it is" in w for w in plan.warnings)
    assert user_policy(engine) == json.loads(mixed)
    assert plan_for(engine, given(principal__attach="managed")).is_empty


def test_five_versions_make_room_for_the_new_one_and_the_one_in_use_stays(engine: Engine) -> None:
    client = iam(engine)
    make_role(engine)
    client.create_policy(PolicyName=names.ROLE_POLICY, PolicyDocument=as_printed("role", "3.0.0"))
    for n in range(4):
        client.create_policy_version(
            PolicyArn=arn(f"policy/{names.ROLE_POLICY}"), PolicyDocument=document(statement(Sid=f"V{n}"))
        )
    plan = settled(engine)
    assert f"delete policy.{names.ROLE_POLICY}.version.v2" in ids(plan), "v1 is the default"
    versions = client.list_policy_versions(PolicyArn=arn(f"policy/{names.ROLE_POLICY}"))["Versions"]
    assert sorted(v["VersionId"] for v in versions) == ["v1", "v3", "v4", "v5", "v6"]


def test_a_managed_policy_that_others_use_is_warned_of(engine: Engine) -> None:
    client = iam(engine)
    client.create_policy(PolicyName=names.ROLE_POLICY, PolicyDocument=as_printed("role", "3.0.0"))
    client.create_role(RoleName="other", AssumeRolePolicyDocument=json.dumps(service_trust(names.LAMBDA_SERVICE)))
    client.attach_role_policy(RoleName="other", PolicyArn=arn(f"policy/{names.ROLE_POLICY}"))
    assert any("attached to 1 other identity" in w for w in plan_for(engine).warnings)


def test_ten_attached_policies_leave_no_room_for_an_eleventh(engine: Engine) -> None:
    client = iam(engine)
    make_user(engine)
    for n in range(10):
        client.create_policy(PolicyName=f"p{n}", PolicyDocument=document(statement()))
        client.attach_user_policy(UserName=USER, PolicyArn=arn(f"policy/p{n}"))
    plan = plan_for(engine, given(principal__attach="managed"))
    assert any("10 managed policies" in p.title and "inline" in p.remedy for p in plan.problems)
    settled(engine)


def test_a_managed_policy_that_would_be_too_big_is_a_problem_with_the_numbers(engine: Engine) -> None:
    big = document(statement("Deny", Sid="X" * 5200))
    iam(engine).create_policy(PolicyName=names.USER_POLICY, PolicyDocument=big)
    plan = plan_for(engine, given(principal__attach="managed"))
    assert any("AWS allows 6,144" in p.title for p in plan.problems)


# The render role


def test_a_role_that_trusts_the_wrong_service_is_mended_and_other_principals_stay(engine: Engine) -> None:
    foreign = {
        "Effect": "Allow",
        "Principal": {"Service": "ec2.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Sid": "Mine",
    }
    make_role(engine, json.dumps({"Version": "2012-10-17", "Statement": foreign}))
    plan = proven(engine)
    assert f"update role.{ROLE}.trust" in ids(plan)
    trust = iam(engine).get_role(RoleName=ROLE)["Role"]["AssumeRolePolicyDocument"]
    assert trust["Statement"][0] == foreign and trusts_service(trust, names.LAMBDA_SERVICE)


def test_a_role_whose_trust_denies_lambda_is_a_problem_and_not_mended_over_and_over(engine: Engine) -> None:
    deny = {"Effect": "Deny", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    make_role(
        engine,
        json.dumps({"Version": "2012-10-17", "Statement": [*service_trust(names.LAMBDA_SERVICE)["Statement"], deny]}),
    )
    plan = plan_for(engine)
    assert any("Deny" in str(p) and ROLE in str(p) for p in plan.problems)


@pytest.mark.parametrize(
    ("trust", "holds"),
    [
        ({"Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}, True),
        (
            {
                "Principal": {"Service": ["ec2.amazonaws.com", "lambda.amazonaws.com"]},
                "Action": ["sts:TagSession", "STS:assumerole"],
            },
            True,
        ),
        ({"Principal": "*", "Action": "sts:*"}, True),
        ({"Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:TagSession"}, False),
        ({"Principal": {"Service": "edgelambda.amazonaws.com"}, "Action": "sts:AssumeRole"}, False),
        ({"Principal": {"AWS": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}, False),
        (
            {
                "Principal": {"Service": "lambda.amazonaws.com"},
                "Action": "sts:AssumeRole",
                "Condition": {"Bool": {"a": "b"}},
            },
            False,
        ),
        ({"Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole", "Condition": {}}, True),
        ({"Principal": {"Service": "lambda.amazonaws.com"}}, False),
        ({"Principal": None, "Action": "sts:AssumeRole"}, False),
        ({}, False),
    ],
)
def test_trust_in_lambda_is_read_from_the_policy(trust: dict[str, Any], holds: bool) -> None:
    assert (
        trusts_service({"Version": "2012-10-17", "Statement": {"Effect": "Allow", **trust}}, names.LAMBDA_SERVICE)
        is holds
    )


def test_a_role_under_a_path_is_a_problem_since_remotion_would_not_find_it(engine: Engine) -> None:
    make_role(engine, Path="/team/")
    plan = plan_for(engine)
    assert any("/team/" in p.title and "delete-role" in p.remedy for p in plan.problems)
    assert not any("role" in i for i in ids(plan) if ROLE in i)


# Boundary, path, tags


def test_a_boundary_is_set_on_what_is_made_and_on_what_is_there(engine: Engine) -> None:
    client = iam(engine)
    client.create_policy(PolicyName="edge", PolicyDocument=document(statement(action="*")))
    make_user(engine)
    answers = given(principal__permissions_boundary=arn("policy/edge"))
    plan = proven(engine, answers)
    assert f"update user.{USER}.boundary" in ids(plan)
    assert client.get_user(UserName=USER)["User"]["PermissionsBoundary"]["PermissionsBoundaryArn"] == arn("policy/edge")
    assert client.get_role(RoleName=ROLE)["Role"]["PermissionsBoundary"]["PermissionsBoundaryArn"] == arn("policy/edge")


def test_a_boundary_that_is_there_stays_when_none_was_asked_for(engine: Engine) -> None:
    client = iam(engine)
    client.create_policy(PolicyName="edge", PolicyDocument=document(statement(action="*")))
    make_user(engine, PermissionsBoundary=arn("policy/edge"))
    settled(engine)
    assert client.get_user(UserName=USER)["User"]["PermissionsBoundary"]["PermissionsBoundaryArn"] == arn("policy/edge")


def test_a_boundary_that_does_not_exist_is_a_problem_said_once(engine: Engine) -> None:
    plan = plan_for(engine, given(principal__permissions_boundary=arn("policy/none")))
    assert [p.title for p in plan.problems] == ["The permissions boundary does not exist."]


def test_tags_are_added_and_other_tags_stay(engine: Engine) -> None:
    make_user(engine, Tags=[{"Key": "mine", "Value": "1"}, {"Key": "team", "Value": "old"}])
    plan = settled(engine, given(principal__tags={"team": "video", "stage": "prod"}))
    tags = {t["Key"]: t["Value"] for t in iam(engine).list_user_tags(UserName=USER)["Tags"]}
    assert tags == {"mine": "1", "team": "video", "stage": "prod"}
    tagging = change(plan, f"user.{USER}.tags")
    assert [c.operation for c in tagging.undo] == ["UntagUser", "TagUser"]


def test_a_user_elsewhere_stays_there_with_a_word_about_it(engine: Engine) -> None:
    make_user(engine, Path="/team/")
    plan = settled(engine)
    assert any("/team/" in w for w in plan.warnings)


def test_fifty_tags_are_the_most_a_user_can_have(engine: Engine) -> None:
    make_user(engine, Tags=[{"Key": f"k{n}", "Value": ""} for n in range(50)])
    plan = plan_for(engine, given(principal__tags={"new": "1"}))
    assert any("50" in p.title for p in plan.problems)


# Keys


def test_two_keys_that_are_elsewhere_are_a_problem_that_names_them(engine: Engine) -> None:
    make_user(engine)
    made = [iam(engine).create_access_key(UserName=USER)["AccessKey"]["AccessKeyId"] for _ in range(2)]
    iam(engine).update_access_key(UserName=USER, AccessKeyId=made[0], Status="Inactive")
    (problem,) = plan_for(engine).problems
    assert "2 access keys" in problem.title and all(key in problem.detail for key in made)
    assert f"{made[0]} (inactive)" in problem.detail and "credentials.write = none" in problem.remedy
    settled(engine, given(credentials__write="none"))


def test_a_key_that_is_in_its_place_is_kept(engine: Engine, place: Place) -> None:
    settled(engine)
    before = place.env.read_bytes()
    plan = plan_for(engine, given(principal__attach="managed"))
    assert not any(c.kind == "key" and c.writes for c in plan.changes)
    onboard(engine, given(principal__attach="managed"))
    assert place.env.read_bytes() == before


@pytest.mark.parametrize("state", ["inactive", "deleted", "secret gone", "of another user"])
def test_a_key_that_can_not_work_is_replaced(engine: Engine, place: Place, state: str) -> None:
    proven(engine)
    (key,) = active_keys(engine)
    client = iam(engine)
    if state == "inactive":
        client.update_access_key(UserName=USER, AccessKeyId=key, Status="Inactive")
    elif state == "deleted":
        client.delete_access_key(UserName=USER, AccessKeyId=key)
    elif state == "secret gone":
        place.env.write_text(f"{names.ACCESS_KEY_ID}={key}\n")
    else:
        other = client.create_access_key(UserName="sandbox-admin")["AccessKey"]
        place.env.write_text(
            f"{names.ACCESS_KEY_ID}={other['AccessKeyId']}\n{names.SECRET_ACCESS_KEY}={other['SecretAccessKey']}\n"
        )
    plan = proven(engine)
    assert f"create key.{USER}" in ids(plan)
    if state != "secret gone":
        assert "# REMOTION_AWS_SECRET_ACCESS_KEY=" in place.env.read_text(), "a foreign key is not lost"


def test_a_stale_session_token_beside_the_key_is_set_aside(engine: Engine, place: Place) -> None:
    proven(engine)
    place.env.write_text(place.env.read_text() + f"{names.SESSION_TOKEN}=stale\n")
    assert not engine.check(given()).ok
    proven(engine)
    assert f"# {names.SESSION_TOKEN}=stale" in place.env.read_text()


def test_a_profile_in_env_that_would_beat_the_key_is_set_aside(engine: Engine, place: Place) -> None:
    settled(engine)
    place.env.write_text(place.env.read_text() + f"{names.PROFILE}=acme\n")
    settled(engine)
    assert f"# {names.PROFILE}=acme" in place.env.read_text()


def test_a_profile_that_is_somebody_elses_is_not_overwritten(engine: Engine, place: Place) -> None:
    place.aws_file("credentials", "[remotion]\naws_access_key_id = AKIAOTHER\naws_secret_access_key = s\n")
    (problem,) = plan_for(engine, given(credentials__write="aws-profile")).problems
    assert "in use for something else" in problem.title
    settled(engine, given(credentials__write="aws-profile", credentials__profile="remotion-2"))
    assert "AKIAOTHER" in place.credentials.read_text()


def test_the_profile_is_named_in_env_where_remotion_looks(engine: Engine, place: Place) -> None:
    place.env.write_text("A=1\n")
    settled(engine, given(credentials__write="aws-profile"))
    assert place.env.read_text() == "A=1\nREMOTION_AWS_PROFILE=remotion\n"


# Partitions and odd identities


def snapshot_of(partition: str, **more: Any) -> AccountSnapshot:
    identity = Identity(ACCOUNT, f"arn:{partition}:iam::{ACCOUNT}:user/x", partition, "cn-north-1", "x")
    absent: Any = Fact.absent()
    policies = dict.fromkeys((names.USER_POLICY, names.EXECUTION_POLICY, names.ROLE_POLICY), absent)
    local = LocalState(env_file="/p/.env")
    return AccountSnapshot(identity, USER, absent, absent, policies=policies, local=local, **more)


def test_china_gets_its_own_arns_and_documents() -> None:
    plan = build_plan(given(remotion__version="4.0.527", remotion__regions=["cn-north-1"]), snapshot_of("aws-cn"))
    assert not plan.problems and any("hosts no layers" in w for w in plan.warnings)
    text = json.dumps(plan.to_json())
    assert "arn:aws:" not in text and "arn:aws-cn:iam::123456789012:role/remotion-lambda-role" in text


def test_china_and_a_release_that_did_not_know_it_is_refused() -> None:
    with pytest.raises(UsageProblem) as caught:
        build_plan(given(remotion__version="4.0.418", remotion__regions=["cn-north-1"]), snapshot_of("aws-cn"))
    assert "4.0.510" in caught.value.problem.remedy


def test_china_is_onboarded_end_to_end(place: Place) -> None:
    engine = Engine(Options(sandbox="fresh", region="cn-north-1", folder=place.project))
    answers = given(remotion__regions=["cn-north-1"])
    assert engine.connect().partition == "aws-cn"
    proven(engine, answers)


def test_root_and_a_release_of_tomorrow_are_warned_of() -> None:
    base = snapshot_of("aws")
    root = replace(base, identity=replace(base.identity, arn=f"arn:aws:iam::{ACCOUNT}:root"))
    plan = build_plan(given(remotion__version="9.0.0"), root)
    assert any("root user" in w for w in plan.warnings)
    assert any("newer than this wizard" in w for w in plan.warnings)
    assert plan.release == "9.0.0"


def test_without_a_project_the_newest_release_is_taken_and_said() -> None:
    plan = build_plan(given(), snapshot_of("aws"))
    assert plan.release == str(latest_release())
    assert any("newest that is known" in w for w in plan.warnings)


# Texts


def test_the_text_shows_each_change_and_the_difference_of_documents(engine: Engine) -> None:
    settled(engine, given(remotion__version="4.0.417"))
    text = render.as_text(plan_for(engine, given(remotion__version="4.0.527", principal__tags={"team": "a"})))
    assert "~  update  policy" in text.replace("   ", "  ") or "~  update" in text
    assert '+        "s3:PutBucketPolicy"' in text
    assert '"Statement": []' not in text


def test_the_text_holds_nothing_that_a_terminal_would_obey(engine: Engine, place: Place) -> None:
    odd = place.home / "a\x1b[31mb\u202e"
    odd.mkdir()
    engine = Engine(Options(sandbox="fresh", folder=odd))
    text = render.as_text(plan_for(engine))
    assert "\x1b" not in text and "\u202e" not in text


@pytest.mark.parametrize("writer", [render.as_text, render.as_json, render.as_aws_cli])
def test_every_rendering_of_the_same_plan_is_the_same(engine: Engine, writer: Callable[[Plan], str]) -> None:
    plan = plan_for(engine)
    assert writer(plan) == writer(plan) and writer(plan).strip()


def test_the_shell_script_is_one_that_a_shell_takes(engine: Engine) -> None:
    import subprocess

    answers = given(principal__tags={"Team": "a b"}, principal__path="/a$b`c`/", principal__attach="managed")
    script = render.as_aws_cli(plan_for(engine, answers))
    assert subprocess.run(["sh", "-n"], input=script, text=True, check=False, capture_output=True).returncode == 0
    stub = 'aws() { printf "%s\\n" "$@"; echo --; }\n'
    body = "\n".join(line for line in script.splitlines() if not line.startswith("[ "))
    done = subprocess.run(["sh"], input=stub + body, text=True, check=True, capture_output=True)
    calls = [c.split("\n") for c in done.stdout.strip().removesuffix("--").split("--\n")]
    assert len(done.stdout.split("\n--\n")) > 5
    assert any("/a$b`c`/" in c for call in calls for c in call)


def test_finished_says_what_was_made(engine: Engine, place: Place) -> None:
    plan = plan_for(engine)
    end = list(engine.apply(plan))[-1]
    assert isinstance(end, Finished)
    assert (end.ok, end.made, end.written_to) == (True, len(plan.writing), (str(place.env),))
    assert end.access_key_id == active_keys(engine)[0]
