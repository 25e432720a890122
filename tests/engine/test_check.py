"""The check proves what is there: what is missing is found and named with its cause, and nothing else is blamed."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from tests.engine.support import (
    ACCOUNT,
    Fault,
    Place,
    Sandboxed,
    account_state,
    active_keys,
    connection,
    env,
    finding,
    given,
    iam,
    ids,
    onboard,
)
from wizard.account.snapshot import Identity
from wizard.check.findings import Finding, Report, Status
from wizard.check.mend import answers_to_mend, mendable
from wizard.check.simulate import simulate
from wizard.engine import Engine, Options
from wizard.policy import documents
from wizard.remotion import names
from wizard.remotion.catalogue import PolicyKind, epochs, latest_release, policy

USER, ROLE = names.USER, names.RENDER_ROLE


def arn(resource: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:{resource}"


def failed(report: Report) -> dict[str, str]:
    """The findings that fail, with their causes."""
    return {f.id: f.cause for f in report.findings if f.status is Status.FAIL}


def without(kind: PolicyKind, action: str) -> dict[str, Any]:
    """Remotion's policy without one action."""
    document = copy.deepcopy(policy(kind, latest_release()))
    for statement in document["Statement"]:
        statement["Action"] = [a for a in statement["Action"] if a != action]
    document["Statement"] = [s for s in document["Statement"] if s["Action"]]
    return document


def put(engine: Engine, kind: PolicyKind, document: Any) -> None:
    """Make the document the only policy of user or role."""
    client = iam(engine)
    if kind == "user":
        client.put_user_policy(UserName=USER, PolicyName=names.USER_POLICY, PolicyDocument=json.dumps(document))
    else:
        client.put_role_policy(RoleName=ROLE, PolicyName=names.ROLE_POLICY, PolicyDocument=json.dumps(document))


def statement(effect: str, action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": effect, "Action": action, "Resource": resource, **more}]}


@pytest.fixture
def onboarded(engine: Engine) -> Engine:
    onboard(engine, given(render_role__attach="inline"))
    return engine


def test_everything_holds_after_onboarding(onboarded: Engine) -> None:
    before = account_state(onboarded, exact=True)
    seen: list[Finding] = []
    report = onboarded.check(given(), seen.append)
    assert report.ok and failed(report) == {}
    assert list(report.findings) == seen, "every finding is told as it is found"
    assert report.summary() == {"pass": len(seen) - 1, "fail": 0, "warn": 1, "unknown": 0}
    assert [f.id for f in report.of(Status.WARN)] == ["quota.us-east-1"]
    assert len({f.id for f in seen}) == len(seen)
    assert account_state(onboarded, exact=True) == before, "a check changes nothing"


def test_there_is_one_finding_for_each_action_and_kind_of_resource(onboarded: Engine) -> None:
    found = {f.id for f in onboarded.check(given()).findings}
    kinds: tuple[PolicyKind, ...] = ("user", "role")
    for kind in kinds:
        for action in documents.actions_of(policy(kind, latest_release())):
            mine = {i for i in found if i.split("@")[0] == f"{kind}.permission.{action}"}
            assert mine, action
            assert len(mine) == 1 or all("@" in i for i in mine)
    assert {
        "role.trust",
        "credentials.key",
        "quota.us-east-1",
        "user.least-privilege.other-objects",
        "role.least-privilege.users",
    } <= found


@pytest.mark.parametrize("kind", ["user", "role"])
def test_each_action_that_is_taken_out_is_found_and_nothing_else(onboarded: Engine, kind: PolicyKind) -> None:
    complete = policy(kind, latest_release())
    older = [policy(kind, e.since) for e in epochs()]
    actions = sorted(documents.actions_of(complete))
    assert len(actions) == {"user": 32, "role": 13}[kind]
    onboarded.connect()
    subjects = onboarded.subjects(USER, "", given())[0] if kind == "user" else onboarded.subjects("", ROLE, given())[0]
    for action in actions:
        put(onboarded, kind, without(kind, action))
        found = failed(onboarded.check_subjects(given(credentials__write="none"), subjects))
        assert {i.split("@")[0] for i in found} == {f"{kind}.permission.{action}"}, action
        outdated = any(documents.grants_all_of(without(kind, action), d) for d in older)
        assert set(found.values()) == {"outdated-policy" if outdated else "missing-statement"}, (action, found)
    put(onboarded, kind, complete)
    assert onboarded.check(given()).ok


@pytest.mark.parametrize("action", ["logs:CreateLogStream", "logs:PutLogEvents"])
def test_the_resource_that_is_taken_out_is_the_one_that_is_named(onboarded: Engine, action: str) -> None:
    document = copy.deepcopy(policy("role", latest_release()))
    for one in document["Statement"]:
        if action in one["Action"]:
            one["Resource"] = [r for r in one["Resource"] if "insights" not in r]
    put(onboarded, "role", document)
    found = failed(onboarded.check(given()))
    assert f"role.permission.{action}@insights-log" in found and f"role.permission.{action}@log" not in found


def test_a_failure_says_what_does_not_work_without_it_and_what_to_do(onboarded: Engine) -> None:
    put(onboarded, "user", without("user", "lambda:InvokeFunction"))
    one = finding(onboarded.check(given()), "user.permission.lambda:InvokeFunction")
    assert "Without it:" in one.detail and "remotion-render-4-0-527" in one.detail
    assert "remotion-lambda-wizard setup" in one.remedy


def test_an_explicit_deny_is_told_with_the_policy_that_has_it(onboarded: Engine) -> None:
    deny = statement("Deny", "s3:DeleteBucket")
    iam(onboarded).put_user_policy(UserName=USER, PolicyName="no-deletes", PolicyDocument=json.dumps(deny))
    report = onboarded.check(given())
    assert failed(report) == {"user.permission.s3:DeleteBucket": "explicit-deny"}
    assert "no-deletes" in finding(report, "user.permission.s3:DeleteBucket").detail


def test_a_boundary_that_is_too_narrow_is_the_cause(onboarded: Engine) -> None:
    client = iam(onboarded)
    client.create_policy(
        PolicyName="edge", PolicyDocument=json.dumps(statement("Allow", ["s3:*", "iam:*", "servicequotas:*", "logs:*"]))
    )
    client.put_user_permissions_boundary(UserName=USER, PermissionsBoundary=arn("policy/edge"))
    found = failed(onboarded.check(given()))
    assert set(found.values()) == {"permissions-boundary"}
    assert all(i.startswith("user.permission.lambda:") for i in found) and len(found) >= 10


def test_swapped_policies_are_recognised(onboarded: Engine) -> None:
    put(onboarded, "user", policy("role", latest_release()))
    put(onboarded, "role", policy("user", latest_release()))
    causes = failed(onboarded.check(given()))
    assert set(causes.values()) == {"swapped-policies"}
    assert any(i.startswith("user.") for i in causes) and any(i.startswith("role.") for i in causes)


@pytest.mark.parametrize("since", ["3.0.0", "3.3.87", "4.0.61"])
def test_the_policy_of_an_older_release_is_recognised(onboarded: Engine, since: str) -> None:
    put(onboarded, "user", policy("user", next(e.since for e in epochs() if str(e.since) == since)))
    causes = failed(onboarded.check(given()))
    assert set(causes.values()) == {"outdated-policy"}
    assert "user.permission.s3:PutBucketPolicy" in causes
    assert not any(i.startswith("user.") for i in failed(onboarded.check(given(remotion__version=since))))


def test_a_statement_for_the_wrong_resource_is_recognised(onboarded: Engine) -> None:
    document = json.loads(json.dumps(policy("user", latest_release())).replace("remotionlambda-", "mybucket-"))
    put(onboarded, "user", document)
    causes = failed(onboarded.check(given()))
    assert set(causes.values()) == {"wrong-resource"}
    assert all(":s3:" in i or "s3:" in i for i in causes)


def test_no_policy_at_all_is_missing_statements(onboarded: Engine) -> None:
    iam(onboarded).delete_user_policy(UserName=USER, PolicyName=names.USER_POLICY)
    causes = failed(onboarded.check(given()))
    assert set(causes.values()) == {"missing-statement"} and len(causes) >= 32


@pytest.mark.parametrize(
    ("trust", "cause"),
    [
        (statement("Allow", "sts:AssumeRole", Principal={"Service": "ec2.amazonaws.com"}), "trust"),
        (statement("Deny", "sts:AssumeRole", Principal={"Service": "lambda.amazonaws.com"}), "trust"),
    ],
)
def test_a_role_that_lambda_can_not_take_is_found(onboarded: Engine, trust: dict[str, Any], cause: str) -> None:
    del trust["Statement"][0]["Resource"]
    iam(onboarded).update_assume_role_policy(RoleName=ROLE, PolicyDocument=json.dumps(trust))
    assert failed(onboarded.check(given())) == {"role.trust": cause}


def test_a_role_at_a_path_is_found(engine: Engine) -> None:
    trust = {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"},
    }
    iam(engine).create_role(RoleName=ROLE, Path="/team/", AssumeRolePolicyDocument=json.dumps(trust))
    put(engine, "role", policy("role", latest_release()))
    assert failed(engine.check_subjects(given(), engine.subjects("", ROLE, given())[0])) == {"role.path": "wrong-path"}


@pytest.mark.parametrize("how", ["AdministratorAccess", "s3:*"])
def test_more_than_remotion_needs_fails_least_privilege(onboarded: Engine, how: str) -> None:
    client = iam(onboarded)
    if how == "s3:*":
        client.put_user_policy(UserName=USER, PolicyName="wide", PolicyDocument=json.dumps(statement("Allow", "s3:*")))
    else:
        client.attach_user_policy(UserName=USER, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    found = failed(onboarded.check(given()))
    assert set(found.values()) == {"too-wide"}
    expected = (
        {"other-objects", "other-buckets"}
        if how == "s3:*"
        else {"other-objects", "other-buckets", "other-functions", "other-roles", "roles", "users"}
    )
    assert {i.rpartition(".")[2] for i in found} == expected
    report = onboarded.check(given())
    name = "wide" if how == "s3:*" else "AdministratorAccess"
    assert name in finding(report, "user.least-privilege.other-buckets").detail
    assert mended(onboarded, report) == [f"delete user.{USER}.take-away.{name}"]


def test_what_comes_through_a_group_names_the_groups_statement_and_is_not_taken_away(onboarded: Engine) -> None:
    client = iam(onboarded)
    client.create_group(GroupName="devs")
    document = statement("Allow", "s3:*", Sid="AllOfS3")
    client.put_group_policy(GroupName="devs", PolicyName="storage", PolicyDocument=json.dumps(document))
    client.add_user_to_group(GroupName="devs", UserName=USER)
    one = finding(onboarded.check(given()), "user.least-privilege.other-buckets")
    assert "storage of the group devs, statement AllOfS3 (s3:* on *)" in one.detail
    assert not one.mend and not mendable(one)


def test_a_user_that_is_not_there_is_said_to_be_missing(engine: Engine) -> None:
    report = engine.check(given())
    assert failed(report) == {"user.exists": "missing-principal", "role.exists": "missing-principal"}


def mended(engine: Engine, report: Report) -> list[str]:
    """Mend what a report says can be mended; the changes that it took. Afterwards nothing of it is left to mend."""
    answers = given(render_role__attach="inline").with_values(
        answers_to_mend(f for f in report.findings if mendable(f)), "you"
    )
    plan = onboard(engine, answers)
    assert not [f for f in engine.check(given()).findings if mendable(f)]
    return ids(plan)


# Who is checked


def identity(arn_text: str) -> Identity:
    return Identity(ACCOUNT, arn_text, "aws", "us-east-1", "test")


@pytest.mark.parametrize(
    ("caller", "subject"),
    [
        (f"arn:aws:iam::{ACCOUNT}:user/team/ada", ("user", "ada", "user")),
        (f"arn:aws:sts::{ACCOUNT}:assumed-role/compute/session", ("role", "compute", "user")),
        (
            f"arn:aws:sts::{ACCOUNT}:assumed-role/AWSReservedSSO_Admin_0123456789abcdef/ada",
            ("role", "AWSReservedSSO_Admin_0123456789abcdef", "user"),
        ),
        (f"arn:aws:iam::{ACCOUNT}:root", None),
        (f"arn:aws:sts::{ACCOUNT}:federated-user/bob", None),
    ],
)
def test_without_names_the_caller_and_the_render_role_are_checked(
    engine: Engine, caller: str, subject: tuple[str, str, str] | None
) -> None:
    engine._identity = identity(caller)
    subjects, unchecked = engine.subjects("", "", given())
    assert subjects[-1].is_render_role
    if subject is None:
        assert [f.cause for f in unchecked] == ["not-simulatable"] and unchecked[0].status is Status.UNKNOWN
        assert len(subjects) == 1
    else:
        assert (subjects[0].kind, subjects[0].name, subjects[0].policy) == subject
        assert unchecked == ()


def test_a_compute_role_is_held_to_the_user_policy_and_the_render_role_to_its_own(engine: Engine) -> None:
    (compute,), _ = engine.subjects("", "compute", given())
    assert (compute.policy, compute.is_render_role) == ("user", False)
    (render,), _ = engine.subjects("", ROLE, given())
    assert (render.policy, render.is_render_role) == ("role", True)
    both, _ = engine.subjects("ada", "compute", given())
    assert [s.name for s in both] == ["ada", "compute"]


def test_the_root_user_is_told_to_name_somebody_and_the_rest_is_checked(onboarded: Engine) -> None:
    assert onboarded._identity is not None
    onboarded._identity = identity(f"arn:aws:iam::{ACCOUNT}:root")
    subjects, unchecked = onboarded.subjects("", "", given())
    report = onboarded.check_subjects(given(), subjects, unchecked=unchecked)
    assert report.ok and finding(report, "user.exists").status is Status.UNKNOWN
    assert finding(report, "role.trust").status is Status.PASS


def test_a_checker_who_may_not_simulate_can_not_tell_and_does_not_fail(onboarded: Engine) -> None:
    client = iam(onboarded)
    client.create_user(UserName="weak")
    key = client.create_access_key(UserName="weak")["AccessKey"]
    from wizard.account.connect import Keys
    from wizard.secret import Secret

    aws = connection(onboarded).with_keys(Keys(key["AccessKeyId"], Secret(key["SecretAccessKey"])))
    onboarded._aws, onboarded._identity = aws, aws.identify()
    report = onboarded.check(given())
    assert report.ok and len(report.of(Status.UNKNOWN)) > 40
    assert {f.cause for f in report.of(Status.UNKNOWN) if ".permission." in f.id} == {"denied-read"}


# The simulator's answers


class Answering:
    """Stands for a connection whose simulator gives these pages."""

    def __init__(self, *pages: dict[str, Any]) -> None:
        self.pages = list(pages)
        self.asked: list[dict[str, Any]] = []

    def client(self, _service: str, **_: Any) -> Answering:
        return self

    def simulate_principal_policy(self, **parameters: Any) -> dict[str, Any]:
        self.asked.append(parameters)
        return self.pages.pop(0)


OLD = {
    "EvalActionName": "s3:GetObject",
    "EvalResourceName": "arn:aws:s3:::a",
    "EvalDecision": "allowed",
    "MatchedStatements": [{"SourcePolicyId": "p"}],
    "MissingContextValues": [],
}
NEW = {
    "EvalActionName": "s3:GetObject",
    "EvalResourceName": "arn:aws:s3:::${BucketName}",
    "EvalDecision": "implicitDeny",
    "MatchedStatements": [],
    "ResourceSpecificResults": [
        {
            "EvalResourceName": "arn:aws:s3:::a",
            "EvalResourceDecision": "allowed",
            "MatchedStatements": [{"SourcePolicyId": "p"}],
        },
        {
            "EvalResourceName": "arn:aws:s3:::b",
            "EvalResourceDecision": "explicitDeny",
            "PermissionsBoundaryDecisionDetail": {"AllowedByPermissionsBoundary": False},
        },
    ],
}


def test_both_shapes_of_the_answer_are_read() -> None:
    aws: Any = Answering({"EvaluationResults": [OLD], "IsTruncated": False}, {"EvaluationResults": [NEW]})
    (old,) = simulate(aws, "arn", ["s3:GetObject"], ["arn:aws:s3:::a"])
    assert (old.action, old.resource, old.decision, old.matched) == (
        "s3:GetObject",
        "arn:aws:s3:::a",
        "allowed",
        ("p",),
    )
    first, second = simulate(aws, "arn", ["s3:GetObject"], ["arn:aws:s3:::a", "arn:aws:s3:::b"])
    assert (first.resource, first.allowed) == ("arn:aws:s3:::a", True)
    assert (second.resource, second.decision, second.by_boundary) == ("arn:aws:s3:::b", "explicitDeny", False)


def test_all_pages_of_the_answer_are_read() -> None:
    aws: Any = Answering(
        {"EvaluationResults": [OLD], "IsTruncated": True, "Marker": "m"},
        {"EvaluationResults": [NEW], "IsTruncated": False},
    )
    assert len(simulate(aws, "arn", ["s3:GetObject"], ["*"])) == 3
    assert aws.asked[1]["Marker"] == "m"


def test_a_service_control_policy_is_the_organisations_to_change(
    onboarded: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_aws: Any, _arn: str, actions: Any, resources: Any, **_: Any) -> Any:
        from wizard.check.simulate import Verdict

        return [Verdict(a, r, "explicitDeny", by_organization=False) for a in actions for r in resources]

    monkeypatch.setattr("wizard.check.batches.simulate", refused)
    report = onboarded.check(given())
    assert set(failed(report).values()) == {"scp"}
    assert "organisation" in finding(report, "user.permission.iam:PassRole").remedy


def test_a_condition_that_only_a_real_call_can_meet_is_not_called_a_failure(onboarded: Engine) -> None:
    document = copy.deepcopy(policy("user", latest_release()))
    for one in document["Statement"]:
        if one.get("Sid") == "BucketListing":
            one["Condition"] = {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}
    put(onboarded, "user", document)
    one = finding(onboarded.check(given()), "user.permission.s3:ListAllMyBuckets")
    assert (one.status, one.cause) == (Status.UNKNOWN, "missing-context")
    assert "aws:SourceIp" in one.detail


def test_throttling_is_waited_out(sandbox: Sandboxed, monkeypatch: pytest.MonkeyPatch) -> None:
    onboard(sandbox.engine)
    monkeypatch.setattr("time.sleep", lambda _s: None)
    sandbox.wire.fault = Fault("SimulatePrincipalPolicy", 3, "throttled")
    assert sandbox.engine.check(given()).ok and sandbox.wire.struck == 1


@pytest.mark.parametrize("kind", ["server-error", "time-out-before", "denied"])
@pytest.mark.parametrize("operation", ["SimulatePrincipalPolicy", "GetAccountSettings", "GetUser", "GetRole"])
def test_a_question_without_an_answer_is_can_not_tell(
    sandbox: Sandboxed, monkeypatch: pytest.MonkeyPatch, operation: str, kind: str
) -> None:
    onboard(sandbox.engine)
    monkeypatch.setattr("time.sleep", lambda _s: None)
    sandbox.wire.fault, sandbox.wire.forever = Fault(operation, 1, kind), True
    report = sandbox.engine.check(given())
    assert failed(report) == {} and report.of(Status.UNKNOWN)
    assert report.ok


# Credentials and limits


def test_a_stored_key_that_aws_does_not_know_fails(onboarded: Engine, place: Place) -> None:
    for key in active_keys(onboarded):
        iam(onboarded).delete_access_key(UserName=USER, AccessKeyId=key)
    report = onboarded.check(given())
    assert failed(report) == {"credentials.key": "bad-credentials"}
    assert env(place)[names.SECRET_ACCESS_KEY] not in json.dumps(report.to_json())


def test_a_secret_that_lost_a_character_fails(onboarded: Engine, place: Place) -> None:
    place.env.write_text(place.env.read_text().rstrip("\n")[:-1] + "\n")
    assert failed(onboarded.check(given())) == {"credentials.key": "bad-credentials"}


@pytest.mark.parametrize("kind", ["time-out-before", "server-error", "throttled"])
def test_a_key_that_could_not_be_tried_is_not_called_bad(
    sandbox: Sandboxed, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    onboard(sandbox.engine)
    monkeypatch.setattr("time.sleep", lambda _s: None)
    sandbox.wire.fault, sandbox.wire.forever = Fault("GetCallerIdentity", 1, kind), True
    report = sandbox.engine.check(given())
    assert finding(report, "credentials.key").status is Status.UNKNOWN and report.ok


def test_a_key_of_somebody_else_is_a_warning(onboarded: Engine, place: Place) -> None:
    made = iam(onboarded).create_access_key(UserName="sandbox-admin")["AccessKey"]
    place.env.write_text(
        f"{names.ACCESS_KEY_ID}={made['AccessKeyId']}\n{names.SECRET_ACCESS_KEY}={made['SecretAccessKey']}\n"
    )
    one = finding(onboarded.check(given()), "credentials.key")
    assert (one.status, one.cause) == (Status.WARN, "other-principal")
    assert "create key.remotion-user" in mended(onboarded, onboarded.check(given()))
    assert made["AccessKeyId"] in place.env.read_text(), "it is set aside, not lost"


def test_a_file_that_others_can_read_is_a_warning_with_the_command_that_closes_it(
    onboarded: Engine, place: Place
) -> None:
    place.env.chmod(0o644)
    one = finding(onboarded.check(given()), "credentials.file-mode")
    assert one.status is Status.WARN and one.remedy == f"chmod 600 {place.env}"
    assert mended(onboarded, onboarded.check(given())) == ["update file.env.mode"]


def test_a_file_that_can_not_be_read_is_unknown(onboarded: Engine, place: Place) -> None:
    place.env.write_bytes(b"\xff\xfe")
    report = onboarded.check(given())
    assert finding(report, "credentials.file").status is Status.UNKNOWN and report.ok


def test_the_limit_of_each_region_is_told(onboarded: Engine) -> None:
    report = onboarded.check(given(remotion__regions=["us-east-1", "eu-central-1"]))
    low = finding(report, "quota.eu-central-1")
    assert low.status is Status.WARN and "9 render functions" in low.title
    assert "quotas request --region eu-central-1" in low.remedy


def test_a_report_can_be_read_aloud_and_as_json(onboarded: Engine) -> None:
    report = onboarded.check(given())
    shape = report.to_json()
    assert set(shape) == {"ok", "identity", "findings", "summary"}
    assert all(set(f) == {"id", "subject", "status", "title", "detail", "cause", "remedy"} for f in shape["findings"])
    assert json.loads(json.dumps(shape)) == shape
    assert report.sentence().endswith("can't tell")
    assert report.worst_first()[0].status is Status.WARN


def test_a_check_right_after_a_change_looks_again_before_a_refusal_counts(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine(Options(sandbox="fresh", folder=place.project))
    onboard(engine)
    iam(engine).delete_user_policy(UserName=USER, PolicyName=names.USER_POLICY)
    naps: list[float] = []

    def nap(seconds: float) -> None:
        naps.append(seconds)
        put(engine, "user", policy("user", latest_release()))  # IAM has come round

    monkeypatch.setattr("wizard.engine.time.sleep", nap)
    monkeypatch.setattr("wizard.account.connect.Target.settle_seconds", 10.0)
    assert engine.check(given()).ok and len(naps) == 1
