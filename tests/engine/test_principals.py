"""Whoever calls Remotion: an execution role by name, ARN or function, EC2 with STS, extras, AWS-managed and operator policies."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest

from tests.engine.support import (
    ACCOUNT,
    Place,
    account_state,
    change,
    connection,
    env,
    finding,
    given,
    iam,
    ids,
    onboard,
    plan_for,
)
from wizard.apply.events import Done
from wizard.check.findings import Report, Status
from wizard.collect.answers import Answers
from wizard.engine import Engine
from wizard.plan.changes import Plan
from wizard.policy import documents
from wizard.policy.trust import role_trust, service_trust
from wizard.problem import ProblemError, UsageProblem
from wizard.remotion import names
from wizard.remotion.catalogue import latest_release, policy

ROLE, FUNCTION, SERVER, TAKEN = "video-api", "my-api", "ec2-remotion-role", "remotion-ec2-executionrole"
LAYER = "arn:aws:lambda:us-east-1:111122223333:layer:chromium:5"


def arn(resource: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:{resource}"


@pytest.fixture
def company(engine: Engine) -> Engine:
    """An account with a function, its execution role at a path, a server's role, and a colleague."""
    client = iam(engine)
    for name, path, service in (
        (ROLE, "/service-role/", "lambda.amazonaws.com"),
        (SERVER, "/", "ec2.amazonaws.com"),
    ):
        client.create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=json.dumps(service_trust(service)))
    own = {"Effect": "Allow", "Action": "s3:*", "Resource": ["arn:aws:s3:::uploads", "arn:aws:s3:::uploads/*"]}
    text = json.dumps({"Version": "2012-10-17", "Statement": own})
    client.put_role_policy(RoleName=ROLE, PolicyName="uploads", PolicyDocument=text)
    client.create_user(UserName="ada")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.py", "")
    connection(engine).client("lambda", "us-east-1").create_function(
        FunctionName=FUNCTION,
        Role=arn(f"role/service-role/{ROLE}"),
        Code={"ZipFile": packed.getvalue()},
        Runtime="python3.12",
        Handler="index.handler",
    )
    return engine


def role(name: str = ROLE, **more: Any) -> Answers:
    return given(principal__kind="role", principal__name=name, **more)


def proven(engine: Engine, answers: Answers) -> tuple[Plan, Report]:
    """Apply, see that a second plan is empty, and that the check passes."""
    plan = onboard(engine, answers)
    again = plan_for(engine, answers)
    assert again.is_empty and not again.problems, (ids(again), again.problems)
    report = engine.check(answers)
    assert report.ok, [f.to_json() for f in report.findings if f.status is Status.FAIL]
    return plan, report


def attached(engine: Engine, name: str = ROLE) -> list[str]:
    found = iam(engine).list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    return sorted(str(p["PolicyName"]) for p in found)


def document_of(engine: Engine, name: str) -> Any:
    client = iam(engine)
    version = client.get_policy(PolicyArn=arn(f"policy/{name}"))["Policy"]["DefaultVersionId"]
    return client.get_policy_version(PolicyArn=arn(f"policy/{name}"), VersionId=version)["PolicyVersion"]["Document"]


# An execution role


@pytest.mark.parametrize(
    "answers",
    [
        role(),
        role(arn(f"role/service-role/{ROLE}")),
        given(principal__kind="role", principal__function=FUNCTION, principal__service="lambda"),
        given(
            principal__kind="role",
            principal__function=f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{FUNCTION}",
            remotion__regions=["eu-central-1"],
        ),
    ],
    ids=["name", "ARN", "function", "function's ARN"],
)
def test_an_execution_role_gets_the_user_policy_under_the_documented_name_and_no_key(
    company: Engine, place: Place, answers: Answers
) -> None:
    plan, report = proven(company, answers)
    assert attached(company) == [names.EXECUTION_POLICY]
    assert document_of(company, names.EXECUTION_POLICY) == policy("user", latest_release())
    assert attached(company, names.RENDER_ROLE) == [names.ROLE_POLICY], "the render function needs its own role still"
    assert not [c for c in plan.changes if c.kind == "key"] and not place.env.exists() and env(place) == {}
    assert finding(report, "user.permission.lambda:InvokeFunction").subject == ROLE
    assert plan.principal_name == ROLE
    kept = iam(company).get_role_policy(RoleName=ROLE, PolicyName="uploads")["PolicyDocument"]
    assert kept["Statement"]["Action"] == "s3:*"


def test_the_policy_of_a_role_can_be_inline(company: Engine) -> None:
    proven(company, role(principal__attach="inline"))
    assert attached(company) == []
    held = iam(company).get_role_policy(RoleName=ROLE, PolicyName=names.EXECUTION_POLICY)["PolicyDocument"]
    assert held == policy("user", latest_release())
    proven(company, role())
    assert attached(company) == [names.EXECUTION_POLICY]
    assert iam(company).list_role_policies(RoleName=ROLE)["PolicyNames"] == ["uploads"], "the inline copy makes way"


def test_a_shared_role_may_do_more_for_its_application_which_is_told_and_no_failure(company: Engine) -> None:
    wide = json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}})
    iam(company).put_role_policy(RoleName=ROLE, PolicyName="uploads", PolicyDocument=wide)
    plan, report = proven(company, role())
    assert finding(report, "user.least-privilege.other-objects").status is Status.WARN
    assert not any("take_away" in warning for warning in plan.warnings), "its other policies are no business of ours"


@pytest.mark.parametrize(
    ("path", "name", "word"),
    [
        ("/aws-service-role/ecs.amazonaws.com/", "AWSServiceRoleForECS", "service-linked"),
        ("/aws-reserved/sso.amazonaws.com/eu-central-1/", "AWSReservedSSO_Admin_0123456789abcdef", "Identity Center"),
    ],
)
def test_a_role_that_only_aws_may_change_is_refused_with_the_reason(
    engine: Engine, path: str, name: str, word: str
) -> None:
    backend_role(name, path, json.dumps(service_trust("lambda.amazonaws.com")))
    before = account_state(engine)
    plan = plan_for(engine, role(name))
    assert any(word in p.detail for p in plan.problems), plan.problems
    assert not [c for c in plan.writing if c.name == names.EXECUTION_POLICY]
    assert account_state(engine) == before


def backend_role(name: str, path: str, trust: str) -> None:
    """A role that IAM's own API lets nobody make."""
    from moto.iam.models import iam_backends

    iam_backends[ACCOUNT]["aws"].create_role(
        role_name=name,
        assume_role_policy_document=trust,
        path=path,
        permissions_boundary=None,
        description="",
        tags=[],
        max_session_duration="3600",
    )


def test_a_role_that_is_not_there_is_refused_and_nothing_is_done(engine: Engine) -> None:
    before = account_state(engine)
    plan = plan_for(engine, role("nobody"))
    assert [p.title for p in plan.problems] == ["There is no role nobody."]
    assert account_state(engine) == before


def test_a_function_that_is_not_there_is_refused_with_its_name_and_region(engine: Engine) -> None:
    with pytest.raises(ProblemError) as caught:
        plan_for(engine, given(principal__kind="role", principal__function="nothing"))
    assert "nothing" in str(caught.value.problem) and "us-east-1" in str(caught.value.problem)


def test_a_role_of_another_account_is_refused(engine: Engine) -> None:
    with pytest.raises(UsageProblem) as caught:
        plan_for(engine, role("arn:aws:iam::999988887777:role/theirs"))
    assert "999988887777" in caught.value.problem.title


def test_the_render_role_can_not_be_the_caller_too(engine: Engine) -> None:
    plan = plan_for(engine, role(names.RENDER_ROLE))
    assert "the role of the render functions" in plan.problems[0].title


def test_a_trust_that_does_not_fit_the_service_is_explained_and_fails_the_check(company: Engine) -> None:
    answers = role(principal__service="ecs")
    plan = onboard(company, answers)
    (warning,) = [w for w in plan.warnings if w.startswith(ROLE)]
    assert "ecs-tasks.amazonaws.com" in warning and "lambda.amazonaws.com" in warning
    failed = finding(company.check(answers), "user.trust")
    assert failed.status is Status.FAIL and failed.cause == "trust"
    assert finding(company.check(role(principal__service="lambda")), "user.trust").status is Status.PASS


def test_ten_attachments_are_counted_together(company: Engine) -> None:
    client = iam(company)
    text = json.dumps(policy("role", latest_release()))
    for n in range(9):
        made = client.create_policy(PolicyName=f"other-{n}", PolicyDocument=text)["Policy"]["Arn"]
        client.attach_role_policy(RoleName=ROLE, PolicyArn=made)
    assert not plan_for(company, role()).problems, "the tenth has room"
    plan = plan_for(company, role(extras__aws_managed_policies=["AWSLambda_ReadOnlyAccess"]))
    assert len(plan.problems) == 1 and "AWS allows 10" in plan.problems[0].title
    roomy = role(extras__aws_managed_policies=["AWSLambda_ReadOnlyAccess"], principal__attach="inline")
    assert not plan_for(company, roomy).problems


# EC2 with STS


def test_a_role_that_the_servers_role_takes_is_made_with_its_trust_and_both_sides_are_checked(company: Engine) -> None:
    answers = role(TAKEN, principal__service="ec2", principal__assumed_by=SERVER, principal__tags={"team": "video"})
    plan, report = proven(company, answers)
    made = iam(company).get_role(RoleName=TAKEN)["Role"]
    assert made["AssumeRolePolicyDocument"] == role_trust(arn(f"role/{SERVER}"))
    assert {"Key": "team", "Value": "video"} in made["Tags"]
    assert change(plan, f"role.{TAKEN}").summary == f"trusted by {SERVER}"
    assert finding(report, "user.trust").status is Status.PASS
    proof = finding(report, "user.assume-role")
    assert proof.status is Status.PASS and "no policy of its own is needed" in proof.detail
    assert attached(company, TAKEN) == [names.EXECUTION_POLICY]


def test_an_existing_role_gets_the_trust_beside_its_own(company: Engine) -> None:
    plan, _ = proven(company, role(principal__assumed_by=SERVER))
    trust = iam(company).get_role(RoleName=ROLE)["Role"]["AssumeRolePolicyDocument"]
    assert len(trust["Statement"]) == 2
    assert change(plan, f"role.{ROLE}.trust").before == service_trust("lambda.amazonaws.com")


def test_a_deny_on_the_servers_side_is_found(company: Engine) -> None:
    answers = role(TAKEN, principal__assumed_by=SERVER)
    onboard(company, answers)
    deny = {"Effect": "Deny", "Action": "sts:AssumeRole", "Resource": "*"}
    text = json.dumps({"Version": "2012-10-17", "Statement": deny})
    iam(company).put_role_policy(RoleName=SERVER, PolicyName="never", PolicyDocument=text)
    failed = finding(company.check(answers), "user.assume-role")
    assert failed.status is Status.FAIL and failed.cause == "explicit-deny"


def test_a_server_role_that_is_not_there_is_named(company: Engine) -> None:
    plan = plan_for(company, role(TAKEN, principal__assumed_by="nobody"))
    assert [p.title for p in plan.problems] == ["There is no role nobody."]


# Extras

EVERYTHING: dict[str, Any] = {
    "extras__insights": True,
    "extras__vpc": True,
    "extras__custom_layer_arns": [LAYER],
    "remotion__regions": ["us-east-1", "eu-south-1"],
    "principal__attach": "managed",
}


def test_every_extra_adds_its_statements_with_reasons_and_an_untold_one_stays_later(engine: Engine) -> None:
    plan, report = proven(engine, given(**EVERYTHING))
    policies = [change(plan, f"policy.{name}") for name in (names.USER_POLICY, names.ROLE_POLICY)]
    for one in policies:
        assert len(one.why) == len(one.after["Statement"])
    sids = [s["Sid"] for s in document_of(engine, names.USER_POLICY)["Statement"]]
    assert {"ExtraInsights", "ExtraVpcLookup", "ExtraLayers", "ExtraLayerSwap"} <= set(sids)
    assert document_of(engine, names.ROLE_POLICY)["Statement"][-1]["Sid"] == "ExtraVpcInterfaces"
    asked = {f.id for f in report.findings}
    assert {"user.permission.ec2:DescribeSubnets", "role.permission.ec2:CreateNetworkInterface"} <= asked
    assert any("own-layer" in identifier for identifier in asked)

    later = plan_for(engine, given(principal__attach="managed"))
    assert later.is_empty and any("extras.vpc" in w for w in later.warnings)
    narrowed = onboard(engine, given(principal__attach="managed", extras__vpc=False))
    assert "policy.remotion-lambda-policy" in {c.id for c in narrowed.writing}
    left = [s["Sid"] for s in document_of(engine, names.USER_POLICY)["Statement"]]
    assert "ExtraVpcLookup" not in left and "ExtraLayers" in left


def test_extras_that_do_not_fit_inline_say_so(engine: Engine) -> None:
    plan = plan_for(engine, given(**EVERYTHING | {"principal__attach": "inline"}))
    assert "does not fit" in plan.problems[0].title and "principal.attach = managed" in plan.problems[0].remedy


@pytest.mark.parametrize("named", ["render-video", arn("role/team/render-video")])
def test_a_render_role_of_ones_own_gets_its_pass_role_and_is_named_at_deploy(engine: Engine, named: str) -> None:
    answers = given(render_role__name=named)
    _plan, report = proven(engine, answers)
    made = iam(engine).get_role(RoleName="render-video")["Role"]
    assert made["Path"] == ("/team/" if "/team/" in named else "/")
    held = iam(engine).get_user_policy(UserName=names.USER, PolicyName=names.USER_POLICY)["PolicyDocument"]
    passed = next(s for s in held["Statement"] if s.get("Sid") == "ExtraRenderRole")
    assert passed["Resource"] == [made["Arn"]] and passed["Condition"]
    assert finding(report, "user.permission.iam:PassRole@own-role").status is Status.PASS
    commands, _ = engine.next_steps(answers)
    assert f"--custom-role-arn={made['Arn']}" in commands[0].command
    with pytest.raises(iam(engine).exceptions.NoSuchEntityException):
        iam(engine).get_role(RoleName=names.RENDER_ROLE)


def test_a_render_role_of_another_account_is_refused(engine: Engine) -> None:
    plan = plan_for(engine, given(render_role__name="arn:aws:iam::999988887777:role/theirs"))
    assert len(plan.problems) == 1 and "999988887777" in str(plan.problems[0])


# AWS-managed and operator policies


def test_aws_managed_policies_are_attached_with_what_they_mean_and_retired_names_are_translated(engine: Engine) -> None:
    answers = given(extras__aws_managed_policies=["AWSLambdaReadOnlyAccess", "AWSLambdaRole"])
    plan, _ = proven(engine, answers)
    found = iam(engine).list_attached_user_policies(UserName=names.USER)["AttachedPolicies"]
    assert {p["PolicyName"] for p in found} == {"AWSLambda_ReadOnlyAccess", "AWSLambdaRole"}
    assert any("retired AWSLambdaReadOnlyAccess" in w for w in plan.warnings)
    assert any("lambda:InvokeFunction is not in it" in w for w in plan.warnings)


def test_a_wide_one_that_was_asked_for_is_a_warning_and_any_other_a_failure(engine: Engine) -> None:
    answers = given(extras__aws_managed_policies=["AWSLambda_FullAccess"])
    _plan, report = proven(engine, answers)
    assert finding(report, "user.least-privilege.other-functions").status is Status.WARN
    assert finding(engine.check(given()), "user.least-privilege.other-functions").status is Status.FAIL


@pytest.mark.parametrize("to", ["", "user/ada", f"role/{SERVER}"])
def test_operator_permissions_are_verified_right_after_they_are_attached(company: Engine, to: str) -> None:
    every = ["list-functions", "view-functions", "invoke", "monitor", "create-functions", "create-role"]
    answers = given(extras__operator=every, extras__operator_principal=to)
    plan = plan_for(company, answers)
    verified = {c.id for c in plan.writing if c.verify}
    assert len(verified) == len(every)
    notes = {e.change_id: e.note for e in company.apply(plan) if isinstance(e, Done)}
    assert all(notes[identifier].startswith("verified: ") and "allowed" in notes[identifier] for identifier in verified)
    assert plan_for(company, answers).is_empty
    report = company.check(answers)
    assert report.ok and all(finding(report, f"operator.{one}").status is Status.PASS for one in every)


def test_operator_permissions_that_something_forbids_are_told_at_once(company: Engine) -> None:
    deny = {"Effect": "Deny", "Action": "logs:*", "Resource": "*"}
    text = json.dumps({"Version": "2012-10-17", "Statement": deny})
    iam(company).put_user_policy(UserName="ada", PolicyName="never", PolicyDocument=text)
    answers = given(extras__operator=["monitor"], extras__operator_principal="user/ada")
    notes = [e.note for e in company.apply(plan_for(company, answers)) if isinstance(e, Done) and e.note]
    assert any("still refused" in note and "logs:" in note for note in notes)
    assert finding(company.check(answers), "operator.monitor").status is Status.FAIL


def test_operator_permissions_for_nobody_are_refused(engine: Engine) -> None:
    answers = given(extras__operator=["invoke"], extras__operator_principal="user/nobody")
    assert [p.title for p in plan_for(engine, answers).problems] == ["There is no user nobody."]


# What is there already


def test_somebody_elses_statements_stay_or_go_as_the_person_says(engine: Engine) -> None:
    onboard(engine, given())
    own = {"Sid": "Mine", "Effect": "Allow", "Action": "sns:Publish", "Resource": "*"}
    now = dict(policy("user", latest_release()))
    mixed = json.dumps({**now, "Statement": [own, *now["Statement"][1:]]})
    iam(engine).put_user_policy(UserName=names.USER, PolicyName=names.USER_POLICY, PolicyDocument=mixed)
    plan, _ = proven(engine, given())
    after = change(plan, "user.remotion-user.policy").after
    assert own in after["Statement"] and documents.grants_all_of(after, now)
    plan, _ = proven(engine, given(principal__existing="replace"))
    assert any("You asked to take it out" in w for w in plan.warnings)
    held = iam(engine).get_user_policy(UserName=names.USER, PolicyName=names.USER_POLICY)["PolicyDocument"]
    assert documents.same_meaning(held, now)


def test_a_policy_that_allows_far_more_is_offered_and_taken_away_only_when_it_is_named(engine: Engine) -> None:
    iam(engine).create_user(UserName=names.USER)
    admin = "arn:aws:iam::aws:policy/AdministratorAccess"
    iam(engine).attach_user_policy(UserName=names.USER, PolicyArn=admin)
    wide = json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}})
    iam(engine).put_user_policy(UserName=names.USER, PolicyName="old-trial", PolicyDocument=wide)
    plan = onboard(engine, given())
    offered = [w for w in plan.warnings if "principal.take_away" in w]
    assert len(offered) == 2 and any("AdministratorAccess" in w for w in offered)
    assert iam(engine).list_attached_user_policies(UserName=names.USER)["AttachedPolicies"], "nothing went silently"
    _, found = engine.found(given(start__goal="change"))
    assert {r.name for r in found.removable} == {"AdministratorAccess", "old-trial"}
    plan, _ = proven(engine, given(principal__take_away=["AdministratorAccess", "old-trial"]))
    assert {c.action.value for c in plan.writing} == {"delete"} and all(c.undo for c in plan.writing)
    assert not iam(engine).list_attached_user_policies(UserName=names.USER)["AttachedPolicies"]
    plan = plan_for(engine, given(principal__take_away=["AdministratorAccess"]))
    assert plan.is_empty and any("any more" in w for w in plan.warnings)


def test_two_users_with_half_each_are_found(engine: Engine) -> None:
    whole = dict(policy("user", latest_release()))
    client = iam(engine)
    for name, statements in ((names.USER, whole["Statement"][:4]), ("video-bot", whole["Statement"][4:])):
        client.create_user(UserName=name)
        text = json.dumps({**whole, "Statement": statements})
        client.put_user_policy(UserName=name, PolicyName=names.USER_POLICY, PolicyDocument=text)
    plan, _ = proven(engine, given(start__goal="change"))
    assert any("video-bot has" in w and "one of them only" in w for w in plan.warnings)


def test_a_trust_that_also_lets_others_in_can_be_narrowed(engine: Engine) -> None:
    trust = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": {
                "Effect": "Allow",
                "Principal": {"Service": ["lambda.amazonaws.com", "ec2.amazonaws.com"]},
                "Action": "sts:AssumeRole",
            },
        }
    )
    iam(engine).create_role(RoleName=names.RENDER_ROLE, AssumeRolePolicyDocument=trust)
    plan = onboard(engine, given())
    assert any("also trusts ec2.amazonaws.com" in w for w in plan.warnings)
    assert len([c for c in plan.writing if c.id.endswith(".trust")]) == 0
    proven(engine, given(principal__existing="replace"))
    found = iam(engine).get_role(RoleName=names.RENDER_ROLE)["Role"]["AssumeRolePolicyDocument"]
    assert found == service_trust("lambda.amazonaws.com")
