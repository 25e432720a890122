"""Why something is refused, where it is more than one thing, where it depends on the call, and how it is told."""

from __future__ import annotations

import copy
import io
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.engine.support import ACCOUNT, Place, connection, finding, given, iam, onboard
from wizard import lines
from wizard.check.findings import Finding, Report, Status
from wizard.check.grouped import grouped
from wizard.check.mend import messages
from wizard.check.standing import Bearing, bearings, in_few_words, waits_for
from wizard.engine import Engine, Options
from wizard.policy.evaluate import Policy, Request
from wizard.remotion import names
from wizard.remotion.catalogue import latest_release, policy
from wizard.sandbox.principals import FULL_AWS_ACCESS, set_service_control_policies

ACTION = "s3:PutBucketPolicy"
IDENTIFIER = f"user.permission.{ACTION}"
EXTRA = "extra"


def statement(effect: str, **elements: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": ACTION, "Resource": "*", **elements}


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def without_the_action() -> dict[str, Any]:
    found = copy.deepcopy(policy("user", latest_release()))
    for one in found["Statement"]:
        one["Action"] = [action for action in one["Action"] if action != ACTION]
    return found


class Account:
    """An onboarded account, and what stands in its user's way."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.iam = iam(engine)

    def put(self, content: dict[str, Any], name: str = names.USER_POLICY) -> None:
        self.iam.put_user_policy(UserName=names.USER, PolicyName=name, PolicyDocument=json.dumps(content))

    def forbid_in_the_organisation(self) -> None:
        everything = Policy("arn:aws:organizations::aws:policy/p-FullAWSAccess", FULL_AWS_ACCESS)
        guard = Policy("arn:aws:organizations::210987654321:policy/p-guard", document(statement("Deny")))
        prepare: Any = connection(self.engine).target.prepare
        with prepare.__self__.edit():
            set_service_control_policies(ACCOUNT, [[everything], [everything, guard]])

    def bound(self) -> None:
        content = document({"Effect": "Allow", "NotAction": ACTION, "Resource": "*"})
        arn = self.iam.create_policy(PolicyName="edge", PolicyDocument=json.dumps(content))["Policy"]["Arn"]
        self.iam.put_user_permissions_boundary(UserName=names.USER, PermissionsBoundary=arn)

    def forbid_in_a_group(self) -> None:
        self.iam.create_group(GroupName="team")
        self.iam.add_user_to_group(GroupName="team", UserName=names.USER)
        content = json.dumps(document(statement("Deny", Sid="NoPolicies")))
        self.iam.put_group_policy(GroupName="team", PolicyName="guard", PolicyDocument=content)

    def check(self, **named: Any) -> Report:
        answers = given(credentials__write="none")
        subjects, _ = self.engine.subjects(names.USER, "", answers)
        return self.engine.check_subjects(answers, subjects, **named)


@pytest.fixture
def account(engine: Engine) -> Iterator[Account]:
    onboard(engine, given(credentials__write="none"))
    yield Account(engine)


def test_everything_that_is_in_the_way_is_told_and_what_binds_most_is_the_cause(account: Account) -> None:
    account.put(without_the_action())
    account.forbid_in_a_group()
    found = finding(account.check(), IDENTIFIER)
    assert found.cause == "explicit-deny"
    assert "guard of the group team (statement NoPolicies: s3:PutBucketPolicy on *)" in found.detail
    assert "Besides: remotion-user has the policy of Remotion 4.0.61 to 4.0.417." in found.detail
    account.bound()
    found = finding(account.check(), IDENTIFIER)
    assert found.cause == "explicit-deny" and "Besides: The permissions boundary arn:" in found.detail
    account.forbid_in_the_organisation()
    report = account.check()
    found = finding(report, IDENTIFIER)
    assert found.cause == "scp" and found.detail.count("Besides: ") == 3
    ((text, who),) = messages(report).items()
    assert "organisation" in who and ACTION in text and "Besides" not in text


IP = {"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}}
NO_MFA = {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}
WITH_MFA = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
NO_TLS = {"BoolIfExists": {"aws:SecureTransport": "false"}}
LISTED = {"IpAddress": {"aws:SourceIp": "198.51.100.0/24"}}


def test_a_condition_that_only_a_call_can_meet_is_no_verdict_and_one_that_is_known_is(account: Account) -> None:
    cases: list[tuple[dict[str, Any], Status, str]] = [
        (statement("Deny", Condition=IP), Status.UNKNOWN, "forbids it under a condition: it asks for aws:SourceIp"),
        (statement("Deny", Condition=LISTED), Status.UNKNOWN, "asks for aws:SourceIp"),
        (statement("Deny", Condition=NO_MFA), Status.FAIL, "depending on aws:MultiFactorAuthPresent"),
        (statement("Deny", Condition=NO_TLS), Status.PASS, ""),
        (statement("Deny", Condition=IP, Action="s3:GetBucketTagging"), Status.PASS, ""),
        (statement("Deny", NotAction="iam:*", Action=None), Status.FAIL, "all but iam:* on *"),
        (
            statement("Deny", NotResource="arn:aws:s3:::acme", Resource=None),
            Status.FAIL,
            "on all but arn:aws:s3:::acme",
        ),
    ]
    for one, status, says in cases:
        account.put(document({name: value for name, value in one.items() if value is not None}), EXTRA)
        found = finding(account.check(), IDENTIFIER)
        assert found.status is status and says in found.detail, one
        assert found.cause == {Status.UNKNOWN: "missing-context", Status.FAIL: "explicit-deny"}.get(status, "")
    account.put(without_the_action())
    account.put(document(statement("Allow", Condition=IP)), EXTRA)
    assert finding(account.check(), IDENTIFIER).cause == "missing-context"
    account.put(document(statement("Allow", Condition=IP), statement("Deny")), EXTRA)
    assert finding(account.check(), IDENTIFIER).cause == "explicit-deny", "a Deny without condition decides"
    account.put(document(statement("Allow", Condition=WITH_MFA)), EXTRA)
    assert "MFA, which a key never has" in finding(account.check(), IDENTIFIER).detail


def test_the_statement_that_lacks_it_is_named_and_the_one_that_has_it_elsewhere(account: Account) -> None:
    text = json.dumps(policy("user", latest_release()))
    account.put(json.loads(text.replace("s3:PutBucketAcl", "s3:PutBucketACLs")))
    found = finding(account.check(), "user.permission.s3:PutBucketAcl")
    assert found.cause == "missing-statement"
    assert "in the statement Storage" in found.detail and "has remotion-user-policy" in found.detail
    account.put(json.loads(text.replace("role/remotion-lambda-role", "role/team/remotion-lambda-role")))
    found = finding(account.check(), "user.permission.iam:PassRole")
    assert found.cause == "wrong-resource"
    assert "remotion-user-policy (statement LambdaInvokation, for arn:aws:iam::*:role/team/" in found.detail


def test_without_any_policy_of_remotion_it_is_said_once(account: Account) -> None:
    account.iam.delete_user_policy(UserName=names.USER, PolicyName=names.USER_POLICY)
    report = account.check()
    assert "has no policy at all" in finding(report, IDENTIFIER).detail
    (group,) = [g for g in grouped(report.of(Status.FAIL)) if "in us-east-1" in g.detail]
    assert len(group.items) > 20 and f"{ACTION}: new buckets stay publicly listable" in group.items
    account.put(document(statement("Allow", Action="s3:GetObject", Resource="arn:aws:s3:::acme/*")), EXTRA)
    assert "none of the policies of remotion-user" in finding(account.check(), IDENTIFIER).detail


def test_what_is_wider_than_needed_is_listed_by_statement_and_once(account: Account) -> None:
    assert not [f for f in account.check(around=True).findings if f.id.endswith(".wider")]
    more = statement("Allow", Sid="Mails", Action=["ses:SendEmail", "ec2:*"])
    account.put(document(more), EXTRA)
    assert not [f for f in account.check().findings if f.id.endswith(".wider")], "it takes reading every policy"
    report = account.check(around=True)
    found = finding(report, "user.least-privilege.wider")
    assert (found.status, report.ok) == (Status.WARN, True)
    assert "extra (statement Mails: ses:SendEmail and 1 more on *)" in found.detail
    account.put(document(statement("Allow", Action="s3:*")), EXTRA)
    report = account.check(around=True)
    assert finding(report, "user.least-privilege.other-buckets").status is Status.FAIL
    assert not [f for f in report.findings if f.id.endswith(".wider")], "it was told already"


@pytest.mark.parametrize("action", ["iam:AttachRolePolicy", "iam:UpdateAssumeRolePolicy", "s3:ListBucket"])
def test_rights_over_roles_and_other_buckets_are_found(account: Account, action: str) -> None:
    account.put(document(statement("Allow", Action=action)), EXTRA)
    (found,) = account.check().of(Status.FAIL)
    assert found.cause == "too-wide" and action in found.detail and "take extra away" in found.remedy


def test_an_older_release_than_the_policys_is_not_told_that_an_action_came_later(account: Account) -> None:
    answers = given(credentials__write="none", remotion__version="3.3.0")
    subjects, _ = account.engine.subjects(names.USER, "", answers)
    found = finding(account.engine.check_subjects(answers, subjects), "user.permission.s3:PutBucketWebsite")
    assert found.cause == "missing-statement" and "It no longer has this action" in found.detail


LAMBDA = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
ANYBODY = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
OWN = {"StringEquals": {"aws:SourceAccount": ACCOUNT}}


def test_who_else_may_take_the_render_role_and_under_which_condition(account: Account) -> None:
    cases: list[tuple[list[dict[str, Any]], dict[str, str]]] = [
        ([LAMBDA], {}),
        ([LAMBDA, ANYBODY], {"role.trust-open": "too-wide"}),
        ([LAMBDA, {**ANYBODY, "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}}], {}),
        ([{**LAMBDA, "Condition": OWN}], {"role.trust": "trust"}),
    ]
    answers = given(credentials__write="none")
    subjects, _ = account.engine.subjects("", names.RENDER_ROLE, answers)
    for statements, expected in cases:
        account.iam.update_assume_role_policy(
            RoleName=names.RENDER_ROLE, PolicyDocument=json.dumps(document(*statements))
        )
        found = {
            f.id: f for f in account.engine.check_subjects(answers, subjects).findings if f.id.startswith("role.trust")
        }
        assert {i: f.cause for i, f in found.items() if f.status is not Status.PASS} == expected, statements
    assert found["role.trust"].status is Status.WARN and "aws:SourceAccount" in found["role.trust"].detail


def test_a_region_that_is_off_or_that_the_organisation_forbids_is_told_as_such(place: Place) -> None:
    engine = Engine(Options(sandbox="regions-off", folder=place.project))
    engine.connect()
    answers = given(credentials__write="none", remotion__regions=("us-east-1", "eu-west-3", "ap-east-1"))
    report = engine.check_subjects(answers, (), around=True)
    assert finding(report, "quota.ap-east-1").cause == "region-off"
    assert "enable-region --region-name ap-east-1" in finding(report, "quota.ap-east-1").remedy
    for identifier in ("quota.eu-west-3", "around.functions.eu-west-3"):
        assert "Your organisation forbids it" in finding(report, identifier).remedy
    assert report.sentence().startswith("not everything could be checked") is report.ok


def test_a_check_that_proves_nothing_does_not_sound_as_if_all_held(monkeypatch: pytest.MonkeyPatch) -> None:
    unknown = Finding("a", "u", Status.UNKNOWN, "Can't tell.", "one\ntwo")
    text = told((unknown,), monkeypatch=monkeypatch)
    assert text.startswith("\nNot everything could be checked: 0 do not hold") and "     why: one two\n" in text


# Pure


def bearing(effect: str, *, holds: bool, keys: tuple[str, ...] = ()) -> Bearing:
    return Bearing("p", 0, "", effect, "x", holds, keys)


ALLOW, DENY = bearing("Allow", holds=True), bearing("Deny", holds=True)
OPEN_ALLOW, OPEN_DENY = (bearing(effect, holds=False, keys=("aws:SourceIp",)) for effect in ("Allow", "Deny"))


@pytest.mark.parametrize(
    ("held", "waiting"),
    [
        ([], None),
        ([ALLOW], None),
        ([ALLOW, DENY], None),
        ([ALLOW, OPEN_DENY], OPEN_DENY),
        ([ALLOW, OPEN_DENY, DENY], None),
        ([OPEN_DENY], None),
        ([OPEN_ALLOW], OPEN_ALLOW),
        ([OPEN_ALLOW, ALLOW], None),
        ([OPEN_ALLOW, OPEN_DENY], OPEN_DENY),
    ],
)
def test_an_answer_waits_for_a_call_only_where_its_condition_decides(
    held: list[Bearing], waiting: Bearing | None
) -> None:
    assert waits_for(held) is waiting


def test_only_statements_that_take_in_the_question_bear_on_it() -> None:
    held = [
        ("p", document(statement("Allow"), statement("Deny", Action="s3:GetObject"), statement("Deny", Resource=[])))
    ]
    (found,) = bearings(held, Request(ACTION, "arn:aws:s3:::b", f"arn:aws:iam::{ACCOUNT}:user/u"))
    assert str(found) == "p (statement no. 1: s3:PutBucketPolicy on *)" and found.holds and not found.open_keys


def test_a_statement_in_few_words() -> None:
    text = in_few_words(
        statement("Allow", Action=["s3:*", "ec2:*"], Condition={"Bool": {"a:B": "true"}, "Null": {"a:B": "x"}})
    )
    assert text == "s3:* and 1 more on *, depending on a:B"


def told(findings: tuple[Finding, ...], width: int = 0, *, monkeypatch: pytest.MonkeyPatch) -> str:
    from wizard.account.snapshot import Identity

    out = io.StringIO()
    monkeypatch.setattr(lines, "columns", lambda _: width)
    report = Report(Identity(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/u", "aws", "us-east-1", ""), findings)
    lines.print_report(report, out)
    lines.print_messages(report, out)
    return out.getvalue()


def refused(action: str, cause: str = "scp", remedy: str = "Ask.") -> Finding:
    title, reason = f"u may not call {action}", "A service control policy does not allow it."
    detail = f"{reason} (on * in us-east-1) Without it: {action} fails."
    identifier = f"user.permission.{action}"
    return Finding(identifier, "u", Status.FAIL, title, detail, cause, remedy, about=action, reason=reason, effect="no")


def test_findings_that_say_the_same_are_printed_together_with_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    text = told((refused("a:A"), refused("a:B"), refused("a:C", "missing-statement")), monkeypatch=monkeypatch)
    assert (
        " ✗ u may not call 2 actions\n     a:A: no\n     a:B: no\n     why: A service control policy does not allow it.\n"
        in text
    )
    assert " ✗ u may not call a:C\n" in text
    assert text.count("     next: Ask.") == 2
    assert "A message for the administrator of the AWS organisation:" in text
    assert "  Actions:    a:A on * in us-east-1\n              a:B on * in us-east-1\n" in text


def test_a_terminal_gets_lines_that_fit_and_commands_in_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    command = "Let the wizard mend it: remotion-lambda-wizard apply --sandbox scp --set start.goal=change --set a=b"
    text = told((refused("a:A", "trust", command),), 60, monkeypatch=monkeypatch)
    long = [line for line in text.splitlines() if len(line) > 60]
    assert long == [f"     next: {command}"]
