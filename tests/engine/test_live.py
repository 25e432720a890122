"""Real calls with the credentials that were handed over, and where reality differs from the simulation. Nothing is written."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tests.engine.support import Fault, Place, Sandboxed, account_state, finding, given, iam, onboard
from wizard.account.connect import Aws
from wizard.check.findings import Finding, Report, Status
from wizard.check.live import Live, live_findings
from wizard.engine import Engine
from wizard.remotion import names

REGION = "us-east-1"


@pytest.fixture
def onboarded(engine: Engine) -> Engine:
    onboard(engine, given(principal__attach="inline"))
    return engine


def live(report: Report) -> dict[str, Finding]:
    return {f.id: f for f in report.findings if f.id.startswith("live.")}


def test_every_call_works_after_onboarding_and_nothing_is_written(onboarded: Engine) -> None:
    before = account_state(onboarded, exact=True)
    seen: list[Finding] = []
    report = onboarded.check(given(remotion__regions=[REGION, "eu-central-1"]), seen.append, live=True)
    found = live(report)
    regions = (REGION, "eu-central-1")
    expected = {f"live.{what}.{r}" for what in ("identity", "functions", "quota", "layer") for r in regions}
    assert set(found) == {*expected, f"live.buckets.{REGION}"}
    assert {f.status for f in found.values()} == {Status.PASS}
    assert tuple(seen) == report.findings
    assert account_state(onboarded, exact=True) == before


def test_only_reads_go_over_the_wire(sandbox: Sandboxed) -> None:
    onboard(sandbox.engine)
    sandbox.wire.calls.clear()
    sandbox.engine.check(given(), live=True, around=True)
    assert all(c.startswith(("Get", "List", "Describe", "Simulate", "Head")) for c in sandbox.wire.calls)
    assert {"ListFunctions", "ListBuckets", "GetServiceQuota", "GetLayerVersionByArn"} <= set(sandbox.wire.calls)


def test_it_is_not_done_unless_it_is_asked_for(onboarded: Engine) -> None:
    assert not live(onboarded.check(given()))


def test_what_both_refuse_fails_with_its_cause_and_remedy(onboarded: Engine) -> None:
    iam(onboarded).delete_user_policy(UserName=names.USER, PolicyName=names.USER_POLICY)
    report = onboarded.check(given(), live=True)
    one = finding(report, f"live.functions.{REGION}")
    assert (one.status, one.cause) == (Status.FAIL, "missing-statement")
    assert "lambda:ListFunctions" in one.detail and one.remedy


def refusing(monkeypatch: pytest.MonkeyPatch, what: str, message: str) -> None:
    """Let the live call be refused although the account allows it, as an endpoint policy would."""
    original = Live.probes

    def probes(self: Live) -> Any:
        from dataclasses import replace

        from botocore.exceptions import ClientError

        def refused(_: Aws) -> object:
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": message}}, "ListFunctions")

        return tuple(replace(p, call=refused) if p.what == what else p for p in original(self))

    monkeypatch.setattr(Live, "probes", probes)


DENIED = (
    "User: arn is not authorized to perform: lambda:ListFunctions with an explicit deny in a service control policy"
)


def test_what_only_reality_refuses_is_a_difference(onboarded: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    refusing(monkeypatch, "functions", DENIED)
    one = finding(onboarded.check(given(), live=True), f"live.functions.{REGION}")
    assert (one.status, one.cause) == (Status.FAIL, "differs-from-simulation")
    assert "simulator says yes" in one.title and "scp" in one.detail


def test_inside_the_window_after_a_change_a_refusal_only_waits(
    onboarded: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusing(monkeypatch, "functions", DENIED)
    monkeypatch.setattr(Engine, "_seconds_left", lambda *_: 40.0)
    report = onboarded.check(given(), live=True)
    one = finding(report, f"live.functions.{REGION}")
    assert (one.status, one.cause) == (Status.UNKNOWN, "not-propagated") and report.ok


def test_what_only_the_simulator_refuses_is_a_difference_too(onboarded: Engine) -> None:
    from wizard.account.connect import Keys
    from wizard.account.discover import local_state, stored_keys

    local = local_state(onboarded.options.folder, ".env", "")
    keys, where = stored_keys(local)
    assert onboarded._aws is not None and onboarded._identity is not None and isinstance(keys, Keys)
    trial = Live(onboarded._aws.with_keys(keys), where, onboarded._identity, (REGION,), "4.0.527", names.USER)
    said = Finding("user.permission.lambda:ListFunctions", names.USER, Status.FAIL, "no", "No statement allows it.")
    found = {f.id: f for f in live_findings(trial, [said])}
    one = found[f"live.functions.{REGION}"]
    assert (one.status, one.cause) == (Status.WARN, "differs-from-simulation")


def test_the_layer_of_another_account_that_is_not_open_is_can_not_tell(
    onboarded: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusing(monkeypatch, "layer", "… because no resource-based policy allows the lambda:GetLayerVersion action")
    one = finding(onboarded.check(given(), live=True), f"live.layer.{REGION}")
    assert (one.status, one.cause) == (Status.UNKNOWN, "resource-policy")


def test_a_key_that_does_not_work_is_said_once(onboarded: Engine) -> None:
    for key in iam(onboarded).list_access_keys(UserName=names.USER)["AccessKeyMetadata"]:
        iam(onboarded).delete_access_key(UserName=names.USER, AccessKeyId=key["AccessKeyId"])
    found = live(onboarded.check(given(), live=True))
    assert [(i, f.cause) for i, f in found.items()] == [(f"live.identity.{REGION}", "bad-credentials")]


def test_without_credentials_nothing_can_be_tried(onboarded: Engine, place: Place) -> None:
    place.env.unlink()
    (one,) = live(onboarded.check(given(), live=True)).values()
    assert (one.status, one.cause) == (Status.UNKNOWN, "no-credentials")


def test_a_call_that_breaks_off_is_can_not_tell(sandbox: Sandboxed, monkeypatch: pytest.MonkeyPatch) -> None:
    onboard(sandbox.engine)
    monkeypatch.setattr("time.sleep", lambda _s: None)
    sandbox.wire.fault, sandbox.wire.forever = Fault("GetServiceQuota", 1, "time-out-before"), True
    assert finding(sandbox.engine.check(given(), live=True), f"live.quota.{REGION}").status is Status.UNKNOWN


# Right after a change


def test_what_fails_when_the_window_is_left_early_waits_and_is_no_verdict(
    onboarded: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    iam(onboarded).delete_user_policy(UserName=names.USER, PolicyName=names.USER_POLICY)
    monkeypatch.setattr("wizard.account.connect.Target.settle_seconds", 10.0)
    onboarded._applied_at = time.monotonic()
    asked: list[float] = []
    seen: list[Finding] = []

    def impatient(seconds_left: float) -> bool:
        asked.append(seconds_left)
        return False

    report = onboarded.check(given(), seen.append, on_wait=impatient)
    waits = report.of(Status.UNKNOWN)
    assert report.ok and len(waits) > 20 and {f.cause for f in waits} == {"not-propagated"}
    assert len(asked) == 1 and 0 < asked[0] <= 60 and "this counts in" in waits[0].detail
    assert not [f for f in seen if f.status is Status.FAIL], "nothing is called failed on the way either"


def test_what_no_waiting_can_change_counts_at_once(onboarded: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    deny = {"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "s3:GetObject", "Resource": "*"}}
    iam(onboarded).put_user_policy(UserName=names.USER, PolicyName="deny", PolicyDocument=json.dumps(deny))
    monkeypatch.setattr("wizard.account.connect.Target.settle_seconds", 10.0)
    monkeypatch.setattr("wizard.engine.time.sleep", lambda _s: pytest.fail("there is nothing to wait for"))
    onboarded._applied_at = time.monotonic()
    report = onboarded.check(given())
    assert {f.cause for f in report.of(Status.FAIL)} == {"explicit-deny"}


# What is wider than Remotion needs


def test_the_statement_that_is_too_wide_is_named(onboarded: Engine) -> None:
    statements = [
        {"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"},
        {"Effect": "Allow", "Action": ["s3:*", "sqs:*"], "Resource": "*"},
        {"Sid": "Keys", "Effect": "Allow", "NotAction": ["s3:*", "iam:PassRole", "lambda:*"], "Resource": "*"},
    ]
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam(onboarded).put_user_policy(UserName=names.USER, PolicyName="wide", PolicyDocument=document)
    report = onboarded.check(given())
    detail = finding(report, "user.least-privilege.other-buckets").detail
    assert "wide, statement no. 2 (s3:* and 1 more on *)" in detail and "no. 1" not in detail
    detail = finding(report, "user.least-privilege.users").detail
    assert "wide, statement Keys (all but s3:* and 2 more on *)" in detail
