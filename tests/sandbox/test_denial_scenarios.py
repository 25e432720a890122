"""The accounts in which something stands in the way: the check names what it is, and real calls agree with it."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.engine.support import connection, given, iam, onboard, plan_for
from wizard.account.connect import Aws, Keys
from wizard.account.discover import read_user
from wizard.check.findings import Finding, Report, Status
from wizard.engine import Engine, Options
from wizard.places import state_folder
from wizard.plan.changes import Action
from wizard.plan.found import Standing
from wizard.remotion import names
from wizard.sandbox.accounts.denials import DENY, GROUP, SSO_PATH, SSO_PERSON, SSO_ROLE
from wizard.sandbox.calls import iam_service
from wizard.secret import Secret

from .sandbox_support import error_of

USER, ROLE = names.USER, names.RENDER_ROLE
BUCKET = "remotionlambda-useast1-abcdefghij"
WITHOUT_KEYS = {"credentials__write": "none"}


@pytest.fixture
def opened(isolated_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Engine]]:
    """Opens scenarios, signed in as whoever works in them."""
    monkeypatch.setenv("REMOTION_LAMBDA_WIZARD_STATE", str(tmp_path))
    monkeypatch.chdir(isolated_home)

    def open_it(scenario: str) -> Engine:
        engine = Engine(Options(sandbox=scenario, folder=isolated_home))
        engine.connect()
        return engine

    yield open_it


def check(engine: Engine, user: str = USER, role: str = ROLE, **more: Any) -> Report:
    answers = given(**WITHOUT_KEYS, **more)
    subjects, unchecked = engine.subjects(user, role, answers)
    return engine.check_subjects(answers, subjects, unchecked=unchecked)


def causes(report: Report, status: Status = Status.FAIL) -> dict[str, str]:
    return {f.id: f.cause for f in report.findings if f.status is status}


def the(report: Report, identifier: str) -> Finding:
    (found,) = [f for f in report.findings if f.id == identifier]
    return found


def as_user(engine: Engine) -> Aws:
    """A connection with a new key of Remotion's user."""
    client = iam(engine)
    key = client.create_access_key(UserName=USER)["AccessKey"]
    return connection(engine).with_keys(Keys(key["AccessKeyId"], Secret(key["SecretAccessKey"])))


def refusal(call: Callable[[], Any]) -> str:
    with pytest.raises(ClientError) as raised:
        call()
    return error_of(raised.value)[1]


# An organisation


def test_scp_the_organisation_is_named_for_what_it_denies(opened: Callable[[str], Engine]) -> None:
    engine = opened("scp")
    report = check(engine)
    assert causes(report) == {"user.permission.s3:PutBucketPolicy": "scp"}
    assert "organisation" in the(report, "user.permission.s3:PutBucketPolicy").remedy
    s3 = as_user(engine).client("s3")
    s3.create_bucket(Bucket=BUCKET)
    told = refusal(lambda: s3.put_bucket_policy(Bucket=BUCKET, Policy="{}"))
    assert "with an explicit deny in a service control policy" in told


def test_scp_a_region_that_is_closed_fails_and_an_open_one_holds(opened: Callable[[str], Engine]) -> None:
    engine = opened("scp")
    assert causes(check(engine, remotion__regions=["eu-central-1"])).keys() == {"user.permission.s3:PutBucketPolicy"}
    found = causes(check(engine, remotion__regions=["us-east-1", "eu-west-1"]))
    assert set(found.values()) == {"scp"}
    assert "user.permission.lambda:InvokeFunction" in found and "role.permission.s3:PutObject" in found
    assert not {i for i in found if "iam:" in i or "ListAllMyBuckets" in i}, "what is the same everywhere is left alone"
    one = the(check(engine, remotion__regions=["us-east-1", "eu-west-1"]), "user.permission.lambda:ListFunctions")
    assert "* in eu-west-1" in one.detail
    aws = as_user(engine)
    assert aws.client("lambda", "us-east-1").list_functions()["Functions"] == []
    assert "service control policy" in refusal(lambda: aws.client("lambda", "eu-west-1").list_functions())


# A sign-in through Identity Center


def test_sso_the_session_is_mapped_to_its_role_at_its_path(opened: Callable[[str], Engine]) -> None:
    engine = opened("sso")
    assert engine.connected().arn.endswith(f":assumed-role/{SSO_ROLE}/{SSO_PERSON}")
    report = check(engine, "", "")
    assert report.ok and not report.of(Status.UNKNOWN)
    assert set(causes(report, Status.WARN).values()) == {"too-wide"}
    mine = [f for f in report.findings if f.subject == SSO_ROLE]
    assert sum(f.status is Status.PASS for f in mine) >= 32
    role = iam(engine).get_role(RoleName=SSO_ROLE)["Role"]
    assert role["Path"] == SSO_PATH and role["Arn"].endswith(f":role{SSO_PATH}{SSO_ROLE}")


def test_sso_there_is_no_other_administrator_and_the_session_lasts(opened: Callable[[str], Engine]) -> None:
    engine = opened("sso")
    assert [u["UserName"] for u in iam(engine).list_users()["Users"]] == [USER]
    keys = connection(engine).target.keys
    assert keys is not None and keys.session_token is not None and keys.access_key_id.startswith("ASIA")
    with pytest.raises(ClientError) as refused:
        Aws(
            engine._target("", "").__class__(
                keys=Keys(keys.access_key_id, keys.secret_access_key), prepare=connection(engine).target.prepare
            )
        ).client("sts").get_caller_identity()
    assert error_of(refused.value)[0] == "InvalidClientTokenId", "the token belongs to the key"


def test_sso_a_role_that_can_not_be_read_is_not_called_absent(
    opened: Callable[[str], Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = opened("sso")
    from wizard.account.snapshot import Fact
    from wizard.problem import Problem

    monkeypatch.setattr("wizard.check.run.read_entity", lambda *_: Fact.denied(Problem("Denied.")))
    report = check(engine, "", "")
    words = {f.cause for f in report.of(Status.UNKNOWN) if f.subject == SSO_ROLE and ".permission." in f.id}
    assert words == {"denied-read"}
    assert "iam:GetRole" in the(report, "user.permission.iam:PassRole").remedy


# Other policies


def test_explicit_deny_the_policy_and_its_statement_are_named(opened: Callable[[str], Engine]) -> None:
    engine = opened("explicit-deny")
    report = check(engine)
    assert causes(report) == {
        f"user.permission.{action}": "explicit-deny"
        for action in ("s3:DeleteObject", "s3:DeleteBucket", "lambda:DeleteFunction")
    }
    told = the(report, "user.permission.s3:DeleteBucket").detail
    assert f"{DENY} (statement KeepEverything: s3:Delete* and 1 more on *)" in told
    s3 = as_user(engine).client("s3")
    s3.create_bucket(Bucket=BUCKET)
    assert "with an explicit deny in an identity-based policy" in refusal(lambda: s3.delete_bucket(Bucket=BUCKET))


def test_group_policies_count(opened: Callable[[str], Engine]) -> None:
    engine = opened("group-policies")
    assert check(engine).ok
    user = read_user(connection(engine), USER).value
    assert user is not None and not user.inline and not user.attached
    assert [(p.group, p.name, p.arn) for p in user.group_policies] == [(GROUP, names.USER_POLICY, "")]
    assert as_user(engine).client("s3").list_buckets()["Buckets"] == []


def test_group_policies_are_found_and_held_already(opened: Callable[[str], Engine]) -> None:
    engine = opened("group-policies")
    answers = given(**WITHOUT_KEYS)
    plan = plan_for(engine, answers)
    kept = next(c for c in plan.changes if c.id == f"user.{USER}.policy")
    assert (kept.action, kept.name) == (Action.KEEP, f"{names.USER_POLICY} of the group {GROUP}")
    _, found = engine.found(answers)
    assert f"{USER} has all that Remotion 4.0.527 needs" in {
        i.title for i in found.items if i.standing is Standing.GOOD
    }


def test_group_policies_are_named_as_the_cause(opened: Callable[[str], Engine]) -> None:
    engine = opened("group-policies")
    client = iam(engine)
    deny = {"Sid": "Never", "Effect": "Deny", "Action": "lambda:InvokeFunction", "Resource": "*"}
    text = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
    arn = client.create_policy(PolicyName="guard", PolicyDocument=text)["Policy"]["Arn"]
    client.attach_group_policy(GroupName=GROUP, PolicyArn=arn)
    report = check(engine)
    assert causes(report) == {"user.permission.lambda:InvokeFunction": "explicit-deny"}
    told = the(report, "user.permission.lambda:InvokeFunction").detail
    assert f"guard of the group {GROUP} (statement Never: lambda:InvokeFunction on *)" in told
    client.detach_group_policy(GroupName=GROUP, PolicyArn=arn)
    client.put_group_policy(
        GroupName=GROUP,
        PolicyName=names.USER_POLICY,
        PolicyDocument=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::remotion-old/*"},
            }
        ),
    )
    assert causes(check(engine))["user.permission.s3:GetObject"] == "wrong-resource"


def test_a_group_that_can_not_be_read_is_unknown(
    opened: Callable[[str], Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = opened("group-policies")
    client, real = iam(engine), connection(engine)
    client.create_user(UserName="reader")
    reads = {"Effect": "Allow", "Action": ["iam:GetUser", "iam:ListUserPolicies", "iam:ListAttachedUserPolicies"]}
    for further, expected in (([], ("", "")), (["iam:ListGroupsForUser"], (GROUP, ""))):
        reads["Action"] = [*reads["Action"], *further]
        text = json.dumps({"Version": "2012-10-17", "Statement": {**reads, "Resource": "*"}})
        client.put_user_policy(UserName="reader", PolicyName="reads", PolicyDocument=text)
        key = client.create_access_key(UserName="reader")["AccessKey"]
        aws = real.with_keys(Keys(key["AccessKeyId"], Secret(key["SecretAccessKey"])))
        user = read_user(aws, USER).value
        assert user is not None
        (only,) = user.group_policies
        assert (only.group, only.name) == expected and only.document.is_unknown


# IAM itself


class Clock:
    """The time of the sandbox's IAM."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1_800_000_000.0
        monkeypatch.setattr(iam_service, "now", lambda: self.now)
        monkeypatch.setattr("time.sleep", self.sleep)

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_lagging_a_change_is_read_first_and_counts_later(
    opened: Callable[[str], Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    engine = opened("lagging")
    client = iam(engine)
    onboard(engine)
    engine._applied_at = 0.0  # the checks are made from another machine, which knows of no change
    shutil.rmtree(state_folder() / "runs")
    clock.sleep(10)
    assert check(engine).ok
    text = client.get_user_policy(UserName=USER, PolicyName=names.USER_POLICY)["PolicyDocument"]
    client.delete_user_policy(UserName=USER, PolicyName=names.USER_POLICY)
    assert client.list_user_policies(UserName=USER)["PolicyNames"] == [names.USER_POLICY], "nothing is seen yet"
    assert check(engine).ok
    clock.sleep(10)
    assert set(causes(check(engine)).values()) == {"missing-statement"}
    client.put_user_policy(UserName=USER, PolicyName=names.USER_POLICY, PolicyDocument=json.dumps(text))
    clock.sleep(3)
    late = check(engine)
    assert not causes(late)
    words = Counter(f.cause for f in late.findings if f.subject == USER and f.status is Status.UNKNOWN)
    assert words.keys() == {"not-propagated"} and words.total() >= 32
    clock.sleep(3)
    assert check(engine).ok and not check(engine).of(Status.UNKNOWN)


def test_lagging_the_check_after_a_setup_waits_for_iam(
    opened: Callable[[str], Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    engine = opened("lagging")
    onboard(engine)
    before = clock.now
    report = engine.check(given())
    assert report.ok and not [f for f in report.of(Status.UNKNOWN) if ".permission." in f.id]
    assert the(report, "credentials.key").status is Status.PASS
    assert clock.now - before <= 10


def test_lagging_a_check_in_a_process_of_its_own_waits_too(
    opened: Callable[[str], Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    engine = opened("lagging")
    onboard(engine)
    clock.sleep(10)
    client = iam(engine)
    client.delete_user_policy(UserName=USER, PolicyName=names.USER_POLICY)
    clock.sleep(10)
    onboard(engine)  # puts the policy back, which waits for no new key and no new role
    engine._applied_at = 0.0  # as for a new process
    before = clock.now
    report = engine.check(given())
    assert report.ok and not [f for f in report.of(Status.UNKNOWN) if ".permission." in f.id]
    assert 0 < clock.now - before <= 10


def test_lagging_a_new_key_does_not_work_at_once(
    opened: Callable[[str], Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    engine = opened("lagging")
    iam(engine).create_user(UserName=USER)
    clock.sleep(10)
    sts = as_user(engine).client("sts")
    with pytest.raises(ClientError) as refused:
        sts.get_caller_identity()
    assert error_of(refused.value)[0] == "InvalidClientTokenId"
    clock.sleep(5)
    assert sts.get_caller_identity()["Arn"].endswith(f":user/{USER}")


def test_throttled_is_waited_out(opened: Callable[[str], Engine], monkeypatch: pytest.MonkeyPatch) -> None:
    naps: list[float] = []
    monkeypatch.setattr("time.sleep", naps.append)
    engine = opened("throttled")
    report = check(engine)
    assert report.ok and not report.of(Status.UNKNOWN)
    assert naps, "a call was refused, and made again"


def test_throttled_every_fourth_call(opened: Callable[[str], Engine]) -> None:
    engine = opened("throttled")
    iam(engine)
    once = connection(engine).client("iam", attempts=1)
    refused = 0
    for _ in range(12):
        try:
            once.list_account_aliases()
        except ClientError as error:
            refused += 1
            assert error_of(error) == ("Throttling", "Rate exceeded", 400)
    assert refused == 3
