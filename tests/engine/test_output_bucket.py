"""Output buckets from answer to proof: preflight, plan, one policy a bucket, updates in place, undo, check, other side."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.engine.support import (
    ACCOUNT,
    Fault,
    Place,
    Sandboxed,
    account_state,
    change,
    connection,
    finding,
    given,
    iam,
    ids,
    onboard,
    plan_for,
)
from wizard import cli
from wizard.account.snapshot import Fact
from wizard.apply.events import Done
from wizard.check.findings import Finding, Status
from wizard.collect.answers import Answers, parse_answers
from wizard.collect.meaning import output_buckets
from wizard.collect.session import Session
from wizard.collect.steps import BY_ID
from wizard.engine import Engine, Options
from wizard.output.decide import Actor
from wizard.output.facts import BucketFacts, Encryption, Key, ObjectLock, Owner
from wizard.output.findings import bucket_findings
from wizard.output.grant import Wish, caller_grant, is_ours, notes, role_grant, wish_of
from wizard.plan.changes import Action, Plan
from wizard.policy import documents
from wizard.problem import Problem
from wizard.remotion import names
from wizard.remotion.catalogue import latest_release
from wizard.remotion.releases import Release
from wizard.sandbox.accounts.buckets import (
    AWS_KEY_BUCKET,
    BUCKET,
    CLOSED_KEY_BUCKET,
    FOREIGN_BUCKET,
    make_bucket,
)

NOW = latest_release()
ROLE_POLICY = f"remotion-output-{BUCKET}"
READ_POLICY = f"remotion-read-output-{BUCKET}"
ROLE = f"role.{names.RENDER_ROLE}"
KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/0a1b2c3d-4e5f-6789-abcd-ef0123456789"
ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/{names.RENDER_ROLE}"
ACTOR = Actor("role", names.RENDER_ROLE, ROLE_ARN)


def wanted(name: str = BUCKET, **values: Any) -> Answers:
    """Answers with an output bucket and without an access key."""
    made = {f"output_bucket__{key}": value for key, value in values.items()}
    return given(output_bucket__name=name, credentials__write="none", **made)


@pytest.fixture
def scenario(place: Place) -> Callable[[str], Engine]:
    def connect(name: str) -> Engine:
        engine = Engine(Options(sandbox=name, folder=place.project))
        engine.connect()
        return engine

    return connect


def bucket_in(engine: Engine, name: str = BUCKET, region: str = "us-east-1") -> Engine:
    """Make a bucket with today's defaults."""
    where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    connection(engine).client("s3", region).create_bucket(Bucket=name, **where)
    return engine


def inline(engine: Engine, name: str = ROLE_POLICY) -> Any:
    return iam(engine).get_role_policy(RoleName=names.RENDER_ROLE, PolicyName=name)["PolicyDocument"]


def inline_names(engine: Engine) -> list[str]:
    found: list[str] = iam(engine).list_role_policies(RoleName=names.RENDER_ROLE)["PolicyNames"]
    return found


def undo(engine: Engine, plan: Plan) -> None:
    """Make the undo calls of a plan, last change first."""
    for made in reversed(plan.writing):
        for call in made.undo:
            name = "".join(f"_{c.lower()}" if c.isupper() else c for c in call.operation).lstrip("_")
            getattr(connection(engine).client(call.service), name)(**call.parameters)


def statement(document: Mapping[str, Any], sid: str) -> Any:
    return next(s for s in document["Statement"] if s.get("Sid") == sid)


# ---- what is granted


def test_the_documented_minimum_is_the_documented_statement_letter_by_letter() -> None:
    document = role_grant(Wish("my-videos", "put-object"), NOW).document
    bucket = "arn:aws:s3:::my-videos"
    assert json.dumps(document["Statement"]) == json.dumps(
        [{"Action": ["s3:PutObject"], "Resource": [bucket, f"{bucket}/*"], "Effect": "Allow"}]
    )
    assert caller_grant(Wish("my-videos", "put-object")) is None


def test_the_complete_grant_explains_every_action_and_what_fails_without_it() -> None:
    wish = Wish("my-videos", delete=True, key=KEY)
    granted = role_grant(wish, NOW)
    assert granted.actions == (
        "s3:ListBucket",
        "s3:GetBucketLocation",
        "s3:PutObject",
        "s3:GetObject",
        "s3:PutObjectAcl",
        "s3:DeleteObject",
        "kms:GenerateDataKey",
        "kms:Decrypt",
    )
    assert set(granted.actions) == documents.actions_of(granted.document)
    read = caller_grant(wish)
    assert read is not None
    assert read.actions == ("s3:ListBucket", "s3:GetObject", "s3:DeleteObject", "kms:Decrypt")
    for reason in (*granted.reasons, *read.reasons):
        assert all(why and cost for _, why, cost in reason.actions)


def test_what_the_bucket_does_not_need_is_left_out() -> None:
    actions = role_grant(Wish("my-videos", acls=False), NOW).actions
    assert actions == ("s3:ListBucket", "s3:GetBucketLocation", "s3:PutObject", "s3:GetObject")


def test_a_prefix_narrows_the_objects_of_both_grants() -> None:
    for grant in ("complete", "put-object"):
        document = role_grant(Wish("my-videos", grant, prefix="videos/"), NOW).document
        assert "arn:aws:s3:::my-videos/videos/*" in json.dumps(document)
        assert "arn:aws:s3:::my-videos/*" not in json.dumps(document)
    assert role_grant(Wish("b-b", partition="aws-cn"), NOW).document["Statement"][0]["Resource"] == [
        "arn:aws-cn:s3:::b-b"
    ]


def test_what_the_minimum_leaves_out_depends_on_the_release_and_the_bucket() -> None:
    old, new = Release(4, 0, 521), Release(4, 0, 523)
    minimum = Wish("my-videos", "put-object", key=KEY)
    assert any("overwrite: true" in note and "4.0.523" in note for note in notes(minimum, old))
    assert not any("overwrite" in note for note in notes(minimum, new))
    assert any("key of your own" in note for note in notes(minimum, new))
    assert any('privacy: "no-acl"' in note for note in notes(minimum, new))
    assert not any("no-acl" in note for note in notes(Wish("my-videos", "put-object", acls=False), new))
    assert notes(Wish("my-videos"), old) == ()
    costs = [cost for reason in role_grant(Wish("my-videos"), old).reasons for _, _, cost in reason.actions]
    assert any("403 error when heading the file" in cost for cost in costs)


def test_our_statements_are_told_from_those_of_others() -> None:
    for wish in (
        Wish("my-videos", "put-object"),
        Wish("my-videos", "put-object", prefix="x/"),
        Wish("my-videos", key=KEY),
    ):
        assert all(is_ours(s, "my-videos") for s in role_grant(wish, NOW).document["Statement"])
    put = {"Effect": "Allow", "Action": "s3:PutObject"}
    assert not is_ours({**put, "Resource": "arn:aws:s3:::other/*"}, "my-videos")
    assert not is_ours({**put, "Resource": "arn:aws:s3:::my-videos-2/*"}, "my-videos")
    assert not is_ours({**put, "Action": "s3:*", "Resource": "arn:aws:s3:::my-videos/*"}, "my-videos")


# ---- the steps and the answers file


def test_the_step_stands_behind_the_extras_and_can_be_skipped() -> None:
    order = [step.id for step in Session(Answers()).steps]
    assert order.index("extras") < order.index("output-bucket") < order.index("credentials")
    step = BY_ID["output-bucket"]
    assert [q.key for q in step.asked(Answers())] == ["output_bucket.name"]
    assert step.problems(Answers()) == {}
    asked = [q.key for q in step.asked(wanted())]
    assert {"output_bucket.grant", "output_bucket.prefix", "output_bucket.delete", "output_bucket.more"} <= set(asked)
    assert "output_bucket.delete" not in [q.key for q in step.asked(wanted(grant="put-object"))]
    assert "output-bucket" not in [step.id for step in Session(given(start__goal="diagnose")).steps]


def test_the_answers_file_survives_being_saved() -> None:
    text = '[output_bucket]\nname = "my-videos"\nmore = ["other"]\ngrant = "put-object"\nprefix = "v/"\nattach = "managed"\n'
    answers = Answers().with_values(parse_answers("version = 1\n" + text), "answers file")
    again = Answers().with_values(parse_answers(answers.to_toml()), "answers file")
    assert output_buckets(again) == ("my-videos", "other")
    assert again["output_bucket.grant"] == "put-object"
    assert again["output_bucket.prefix"] == "v/"
    assert again["output_bucket.attach"] == "managed"
    assert "output_bucket" not in Answers().to_toml()


# ---- plan and apply


def test_without_a_bucket_nothing_is_asked_of_s3(sandbox: Sandboxed) -> None:
    plan = plan_for(sandbox.engine)
    assert not {c for c in sandbox.wire.calls if "Bucket" in c}
    assert not any("output" in c.id for c in plan.changes)


def test_one_policy_on_the_render_role_and_one_for_the_caller_to_read(engine: Engine) -> None:
    bucket_in(engine)
    plan = onboard(engine, wanted())
    made = change(plan, f"{ROLE}.{ROLE_POLICY}")
    assert made.call is not None
    assert made.call.operation == "PutRolePolicy"
    assert "render function uploads" in made.reason
    assert made.why
    assert sorted(documents.actions_of(inline(engine))) == [
        "s3:GetBucketLocation",
        "s3:GetObject",
        "s3:ListBucket",
        "s3:PutObject",
    ]  # ACLs are off, so no s3:PutObjectAcl
    attached = iam(engine).list_attached_user_policies(UserName=names.USER)["AttachedPolicies"]
    assert [policy["PolicyName"] for policy in attached] == [READ_POLICY]
    assert iam(engine).list_user_policies(UserName=names.USER)["PolicyNames"] == [names.USER_POLICY]
    second = plan_for(engine, wanted())
    assert second.is_empty
    assert change(second, f"{ROLE}.{ROLE_POLICY}").action is Action.KEEP


def test_every_change_of_it_is_verified_right_away(engine: Engine) -> None:
    bucket_in(engine)
    plan = plan_for(engine, wanted())
    notes_of = {event.change_id: event.note for event in engine.apply(plan) if isinstance(event, Done)}
    assert notes_of[f"{ROLE}.{ROLE_POLICY}"] == "verified: 4 actions allowed"
    assert notes_of[f"user.{names.USER}.attach.{READ_POLICY}"] == "verified: 2 actions allowed"


def test_it_is_updated_in_place_and_undone(engine: Engine) -> None:
    bucket_in(engine)
    onboard(engine, wanted(grant="put-object"))
    before, first = account_state(engine), inline(engine)
    plan = onboard(engine, wanted(prefix="videos/", delete=True))
    assert change(plan, f"{ROLE}.{ROLE_POLICY}").action is Action.UPDATE
    assert inline_names(engine) == [ROLE_POLICY]
    objects = statement(inline(engine), "RemotionOutputObjects")
    assert objects["Resource"] == [f"arn:aws:s3:::{BUCKET}/videos/*"]
    assert "s3:DeleteObject" in objects["Action"]
    assert plan_for(engine, wanted(prefix="videos/", delete=True)).is_empty
    undo(engine, plan)
    assert inline(engine) == first
    assert account_state(engine) == before


def test_undoing_the_first_run_takes_it_away_altogether(engine: Engine) -> None:
    bucket_in(engine)
    onboard(engine, given(credentials__write="none"))
    before = account_state(engine)
    plan = onboard(engine, wanted())
    assert account_state(engine) != before
    undo(engine, plan)
    assert account_state(engine) == before


def test_several_buckets_get_a_policy_each_and_one_that_is_named_no_more_stays(engine: Engine) -> None:
    bucket_in(bucket_in(engine), "acme-trailers")
    onboard(engine, wanted(more=["acme-trailers"]))
    assert inline_names(engine) == [ROLE_POLICY, "remotion-output-acme-trailers"]
    plan = plan_for(engine, wanted())
    assert plan.is_empty
    told = [w for w in plan.warnings if "remotion-output-acme-trailers" in w]
    assert len(told) == 1
    assert 'principal.take_away = ["remotion-output-acme-trailers"]' in told[0]
    away = wanted().with_values({"principal.take_away": ["remotion-output-acme-trailers"]}, "--set")
    onboard(engine, away)
    assert inline_names(engine) == [ROLE_POLICY]


def test_it_becomes_a_managed_policy_where_it_does_not_fit_and_stays_one(engine: Engine) -> None:
    bucket_in(engine)
    onboard(engine, given(credentials__write="none"))
    big = {
        "Effect": "Allow",
        "Action": "s3:GetObject",
        "Resource": [f"arn:aws:s3:::bucket-{i:04}/*" for i in range(345)],
    }
    text = json.dumps({"Version": "2012-10-17", "Statement": [big]})
    iam(engine).put_role_policy(RoleName=names.RENDER_ROLE, PolicyName="foreign", PolicyDocument=text)
    plan = onboard(engine, wanted())
    assert any("does not fit" in w and ROLE_POLICY in w for w in plan.warnings)
    assert f"create policy.{ROLE_POLICY}" in ids(plan)
    assert plan_for(engine, wanted()).is_empty
    iam(engine).delete_role_policy(RoleName=names.RENDER_ROLE, PolicyName="foreign")
    assert plan_for(engine, wanted()).is_empty
    onboard(engine, wanted(attach="inline"))
    assert inline_names(engine) == [ROLE_POLICY]
    attached = iam(engine).list_attached_role_policies(RoleName=names.RENDER_ROLE)["AttachedPolicies"]
    assert ROLE_POLICY not in [policy["PolicyName"] for policy in attached]


def test_managed_on_request_takes_the_place_of_the_inline_one(engine: Engine) -> None:
    bucket_in(engine)
    onboard(engine, wanted())
    plan = onboard(engine, wanted(attach="managed"))
    assert f"delete {ROLE}.{ROLE_POLICY}.inline" in ids(plan)
    assert inline_names(engine) == []
    assert plan_for(engine, wanted(attach="managed")).is_empty


def test_a_users_policy_is_inline_only_where_somebody_says_so(engine: Engine) -> None:
    bucket_in(engine)
    onboard(engine, wanted(attach="inline"))
    own = iam(engine).list_user_policies(UserName=names.USER)["PolicyNames"]
    attached = iam(engine).list_attached_user_policies(UserName=names.USER)["AttachedPolicies"]
    held = set(own) | {policy["PolicyName"] for policy in attached}
    assert READ_POLICY in held
    assert plan_for(engine, wanted(attach="inline")).is_empty


def test_what_somebody_added_to_the_policy_stays(engine: Engine) -> None:
    bucket_in(engine)
    onboard(engine, wanted())
    own = {"Sid": "Mine", "Effect": "Allow", "Action": "s3:GetObjectTagging", "Resource": f"arn:aws:s3:::{BUCKET}/*"}
    document = inline(engine)
    document["Statement"].append(own)
    iam(engine).put_role_policy(RoleName=names.RENDER_ROLE, PolicyName=ROLE_POLICY, PolicyDocument=json.dumps(document))
    plan = onboard(engine, wanted(delete=True))
    assert any("somebody else's" in w for w in plan.warnings)
    assert statement(inline(engine), "Mine") == own
    assert plan_for(engine, wanted(delete=True)).is_empty


def test_what_another_policy_gives_already_is_not_given_twice(engine: Engine) -> None:
    bucket_in(engine)
    onboard(engine, given(credentials__write="none"))
    text = json.dumps(role_grant(Wish(BUCKET, acls=False), NOW).document)
    iam(engine).put_role_policy(RoleName=names.RENDER_ROLE, PolicyName="by-hand", PolicyDocument=text)
    kept = change(plan_for(engine, wanted()), f"{ROLE}.{ROLE_POLICY}")
    assert (kept.action, kept.name) == (Action.KEEP, "by-hand")


def test_a_compute_role_reads_with_an_inline_policy_of_its_own(engine: Engine) -> None:
    bucket_in(engine)
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    iam(engine).create_role(RoleName="video-api", AssumeRolePolicyDocument=document)
    answers = wanted().with_values({"principal.kind": "role", "principal.name": "video-api"}, "answers file")
    onboard(engine, answers)
    assert iam(engine).list_role_policies(RoleName="video-api")["PolicyNames"] == [READ_POLICY]
    assert plan_for(engine, answers).is_empty
    report = engine.check(answers)
    assert finding(report, f"output-bucket.{BUCKET}.caller.read").status is Status.PASS


def test_a_bucket_that_is_not_there_stops_the_plan(engine: Engine) -> None:
    before = account_state(engine)
    plan = plan_for(engine, wanted("not-there"))
    assert [p.title for p in plan.problems] == ["There is no bucket not-there."]
    assert "aws s3 mb s3://not-there" in plan.problems[0].remedy
    assert [e for e in engine.apply(plan) if type(e) is Done] == []
    assert account_state(engine) == before


def test_the_customer_key_comes_into_the_grant_and_stays_where_it_can_not_be_read(
    scenario: Callable[[str], Engine],
) -> None:
    engine = scenario("kms-bucket")
    onboard(engine, wanted())
    key = statement(inline(engine), "RemotionOutputKey")
    assert key["Action"] == ["kms:GenerateDataKey", "kms:Decrypt"]
    assert key["Resource"][0].startswith(f"arn:aws:kms:us-east-1:{ACCOUNT}:key/")
    snapshot = engine.discover(wanted())
    refused: Fact[Any] = Fact.denied(Problem("You may not call s3:GetEncryptionConfiguration."))
    facts = snapshot.buckets[BUCKET]
    blind = BucketFacts(**{**vars(facts), "encryption": refused, "key": Fact()})
    plan = engine.plan(wanted(), type(snapshot)(**{**vars(snapshot), "buckets": {BUCKET: blind}}))
    assert plan.is_empty


# ---- the scenarios


def status_of(engine: Engine, answers: Answers, bucket: str) -> dict[str, Status]:
    prefix = f"output-bucket.{bucket}."
    report = engine.check(answers)
    return {f.id.removeprefix(prefix): f.status for f in report.findings if f.id.startswith(prefix)}


def test_kms_buckets(scenario: Callable[[str], Engine]) -> None:
    engine = scenario("kms-bucket")
    assert [entry.name for entry in engine.output_buckets()] == [AWS_KEY_BUCKET, CLOSED_KEY_BUCKET, BUCKET]
    answers = wanted(more=[AWS_KEY_BUCKET, CLOSED_KEY_BUCKET])
    onboard(engine, answers)
    own, aws, closed = (status_of(engine, answers, name) for name in (BUCKET, AWS_KEY_BUCKET, CLOSED_KEY_BUCKET))
    assert own["upload.no-acl"] is own["upload.large"] is own["key-policy"] is own["caller.read"] is Status.PASS
    assert aws["upload.no-acl"] is aws["read"] is aws["encryption"] is Status.PASS
    assert closed["upload.no-acl"] is closed["key-policy"] is closed["caller.read"] is Status.FAIL
    assert closed["look"] is Status.PASS
    assert "kms:" not in json.dumps(inline(engine, f"remotion-output-{AWS_KEY_BUCKET}"))


def test_a_foreign_bucket(scenario: Callable[[str], Engine]) -> None:
    engine = scenario("foreign-bucket")
    assert engine.output_buckets() == ()
    plan = onboard(engine, wanted(FOREIGN_BUCKET))
    assert any("belongs to another account" in w for w in plan.warnings)
    assert any("whatever the policies say" in w for w in plan.warnings)
    report = engine.check(wanted(FOREIGN_BUCKET))
    prefix = f"output-bucket.{FOREIGN_BUCKET}"
    other = finding(report, f"{prefix}.other-side")
    assert other.status is Status.UNKNOWN
    assert ROLE_ARN in other.detail
    assert finding(report, f"{prefix}.expected-owner").status is Status.FAIL
    assert finding(report, f"{prefix}.upload.no-acl").status is Status.UNKNOWN
    assert finding(report, f"{prefix}.least-privilege.other-bucket").status is Status.PASS
    assert finding(report, f"{prefix}.region").status is Status.PASS  # S3 tells it even where it refuses
    iam(engine).delete_role_policy(RoleName=names.RENDER_ROLE, PolicyName=f"remotion-output-{FOREIGN_BUCKET}")
    mine = finding(engine.check(wanted(FOREIGN_BUCKET)), f"{prefix}.upload.no-acl")
    assert (mine.status, mine.cause) == (Status.FAIL, "missing-statement")  # this side's part is known for certain


def test_a_locked_down_bucket(scenario: Callable[[str], Engine]) -> None:
    engine = scenario("locked-down-bucket")
    before = engine.preflight(wanted(), BUCKET)
    onboard(engine, wanted())
    report = engine.check(wanted())
    found = {f.id.removeprefix(f"output-bucket.{BUCKET}."): f for f in report.findings}
    for preflight in before:
        assert found[preflight.id.removeprefix(f"output-bucket.{BUCKET}.")].status is preflight.status
    assert 'privacy: "no-acl"' in found["ownership"].remedy
    assert "--privacy=no-acl" in found["ownership"].remedy
    assert "all buckets of the account" in found["account-public-access"].title
    assert found["policy"].status is found["upload.no-acl"].status is Status.FAIL
    assert "OnlyThePublisherWrites" in found["policy"].detail
    assert ROLE_ARN in found["policy"].remedy
    assert found["upload.no-acl"].cause == "explicit-deny"
    assert found["look"].status is found["read"].status is Status.PASS
    assert not report.ok


# ---- preflight, finding by finding


def findings_of(
    facts: BucketFacts, grant: Any = "complete", regions: tuple[str, ...] = ("us-east-1",)
) -> dict[str, Finding]:
    wish = wish_of(facts.name, grant, "aws", "", False, "", facts)
    found = bucket_findings(facts, wish, regions, ACTOR, ACCOUNT)
    return {f.id.removeprefix(f"output-bucket.{facts.name}."): f for f in found}


def plain_facts(**more: Any) -> BucketFacts:
    known: dict[str, Any] = {
        "name": "my-videos",
        "owner": Owner.MINE,
        "region": "us-east-1",
        "readable": True,
        "ownership": Fact.known("ObjectWriter"),
        "blocked": Fact.absent(),
        "account_blocked": Fact.absent(),
        "encryption": Fact.known(Encryption("AES256")),
        "key": Fact.absent(),
        "policy": Fact.absent(),
        "versioning": Fact.known(""),
        "lock": Fact.absent(),
    }
    return BucketFacts(**{**known, **more})


def test_a_plain_bucket_of_this_account_has_nothing_against_it() -> None:
    assert {f.status for f in findings_of(plain_facts()).values()} == {Status.PASS}


@pytest.mark.parametrize(
    ("facts", "what", "status", "text"),
    [
        ({"region": "eu-west-1"}, "region", Status.FAIL, "PermanentRedirect"),
        ({"region": ""}, "region", Status.UNKNOWN, "can't be read"),
        ({"owner": Owner.UNKNOWN}, "exists", Status.UNKNOWN, "you may not read it"),
        ({"ownership": Fact.known("BucketOwnerEnforced")}, "ownership", Status.WARN, "AccessControlListNotSupported"),
        ({"ownership": Fact()}, "ownership", Status.UNKNOWN, "can't be read"),
        ({"blocked": Fact.known(frozenset({"BlockPublicAcls"}))}, "public-access", Status.WARN, "AccessDenied"),
        (
            {"account_blocked": Fact.known(frozenset({"BlockPublicAcls"}))},
            "account-public-access",
            Status.WARN,
            "all buckets",
        ),
        ({"account_blocked": Fact()}, "account-public-access", Status.UNKNOWN, "can't be read"),
        ({"encryption": Fact.known(Encryption("aws:kms"))}, "encryption", Status.PASS, "aws/s3"),
        ({"encryption": Fact(), "key": Fact()}, "encryption", Status.UNKNOWN, "output_bucket.kms_key"),
        ({"policy": Fact()}, "policy", Status.UNKNOWN, "can't be read"),
        ({"versioning": Fact.known("Enabled")}, "versioning", Status.WARN, "old version"),
        ({"lock": Fact.known(ObjectLock("COMPLIANCE", 30))}, "object-lock", Status.WARN, "30 days"),
        ({"lock": Fact.known(ObjectLock())}, "object-lock", Status.PASS, "not locked"),
        (
            {"encryption": Fact.known(Encryption("aws:kms", KEY)), "key": Fact.known(Key(KEY, "CUSTOMER", "Disabled"))},
            "key-policy",
            Status.FAIL,
            "is Disabled",
        ),
        (
            {"encryption": Fact.known(Encryption("aws:kms", KEY)), "key": Fact.known(Key(KEY, "CUSTOMER", "Enabled"))},
            "key-policy",
            Status.UNKNOWN,
            "can't be read",
        ),
        (
            {"owner": Owner.OTHER, "encryption": Fact.known(Encryption("aws:kms", "alias/aws/s3"))},
            "encryption",
            Status.FAIL,
            "No other account",
        ),
    ],
)
def test_each_thing_that_matters_is_found_and_explained(
    facts: dict[str, Any], what: str, status: Status, text: str
) -> None:
    found = findings_of(plain_facts(**facts))[what]
    assert found.status is status
    assert text in f"{found.title} {found.detail} {found.remedy}"


def test_a_condition_that_only_a_call_can_meet_is_not_decided_beforehand() -> None:
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::my-videos/*"}
    outside = {**deny, "Condition": {"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}}}
    document = {"Version": "2012-10-17", "Statement": [outside]}
    assert findings_of(plain_facts(policy=Fact.known(document)))["policy"].status is Status.UNKNOWN
    unencrypted = {**deny, "Condition": {"StringNotEquals": {"s3:x-amz-server-side-encryption": "aws:kms"}}}
    document = {"Version": "2012-10-17", "Statement": [unencrypted]}
    assert (
        findings_of(plain_facts(policy=Fact.known(document)))["policy"].status is Status.FAIL
    )  # Remotion sends no such header


def test_a_read_that_is_refused_is_unknown_and_hides_nothing_else(sandbox: Sandboxed) -> None:
    bucket_in(sandbox.engine)
    for operation, what in (
        ("GetBucketPolicy", "policy"),
        ("GetBucketEncryption", "encryption"),
        ("GetBucketOwnershipControls", "ownership"),
        ("GetPublicAccessBlock", "public-access"),
    ):
        sandbox.wire.fault = Fault(operation, 1, "denied")
        found = {f.id.rpartition(".")[2]: f.status for f in sandbox.engine.preflight(wanted(), BUCKET)}
        sandbox.wire.fault = None
        unknown = [name for name, status in found.items() if status is Status.UNKNOWN]
        assert unknown == [what] or unknown == ["account-public-access"], (operation, unknown)
        assert found["exists"] is Status.PASS


def test_another_region_is_found(engine: Engine) -> None:
    bucket_in(engine, "acme-europe", "eu-west-1")
    found = {f.id.rpartition(".")[2]: f for f in engine.preflight(wanted("acme-europe"), "acme-europe")}
    assert found["region"].status is Status.FAIL
    assert "eu-west-1" in found["region"].title


def test_the_preflight_only_reads(sandbox: Sandboxed) -> None:
    bucket_in(sandbox.engine)
    sandbox.wire.calls.clear()
    sandbox.engine.preflight(wanted(), BUCKET)
    assert sandbox.wire.calls
    assert {call for call in sandbox.wire.calls if not call.startswith(("Get", "List", "Head", "Describe"))} == set()


# ---- check


def test_a_grant_that_is_too_wide_is_found(engine: Engine) -> None:
    bucket_in(engine)
    onboard(engine, wanted(prefix="videos/"))
    prefix = f"output-bucket.{BUCKET}.least-privilege"
    for what in ("other-bucket", "outside-prefix"):
        assert finding(engine.check(wanted(prefix="videos/")), f"{prefix}.{what}").status is Status.PASS
    wide = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{BUCKET}*"}
    text = json.dumps({"Version": "2012-10-17", "Statement": [wide]})
    iam(engine).put_role_policy(RoleName=names.RENDER_ROLE, PolicyName="wide", PolicyDocument=text)
    for what in ("other-bucket", "outside-prefix"):
        found = finding(engine.check(wanted(prefix="videos/")), f"{prefix}.{what}")
        assert (found.status, found.cause) == (Status.FAIL, "too-wide")


def test_a_boundary_and_a_missing_policy_are_told_apart(engine: Engine) -> None:
    bucket_in(engine)
    onboard(engine, wanted())
    statement_of = {"Effect": "Allow", "Action": ["logs:*", "lambda:*", "s3:GetObject"], "Resource": "*"}
    text = json.dumps({"Version": "2012-10-17", "Statement": [statement_of]})
    boundary = iam(engine).create_policy(PolicyName="tight", PolicyDocument=text)["Policy"]["Arn"]
    iam(engine).put_role_permissions_boundary(RoleName=names.RENDER_ROLE, PermissionsBoundary=boundary)
    upload = f"output-bucket.{BUCKET}.upload.no-acl"
    assert finding(engine.check(wanted()), upload).cause == "permissions-boundary"
    iam(engine).delete_role_permissions_boundary(RoleName=names.RENDER_ROLE)
    iam(engine).delete_role_policy(RoleName=names.RENDER_ROLE, PolicyName=ROLE_POLICY)
    found = finding(engine.check(wanted()), upload)
    assert (found.status, found.cause) == (Status.FAIL, "missing-statement")


def test_the_minimum_warns_and_does_not_fail_where_uploads_work(engine: Engine) -> None:
    bucket_in(engine)
    onboard(engine, wanted(grant="put-object"))
    status = status_of(engine, wanted(grant="put-object"), BUCKET)
    assert status["upload.no-acl"] is Status.PASS
    assert status["read"] is status["look"] is status["location"] is Status.WARN
    assert "caller.read" not in status
    assert engine.check(wanted(grant="put-object")).ok


def live(engine: Engine) -> dict[str, Finding]:
    report = engine.check_subjects(wanted(), engine.subjects_of(wanted()), live_upload=True)
    prefix = f"output-bucket.{BUCKET}."
    return {f.id.removeprefix(prefix): f for f in report.findings if f.id.startswith(f"{prefix}live")}


def test_a_live_upload_is_tried_where_the_role_can_be_taken_and_else_said_to_be_impossible(engine: Engine) -> None:
    bucket_in(engine)
    onboard(engine, wanted())
    assert "live" not in status_of(engine, wanted(), BUCKET)
    (found,) = live(engine).values()
    assert (found.status, found.cause) == (Status.UNKNOWN, "not-assumable")
    client = iam(engine)
    trust = client.get_role(RoleName=names.RENDER_ROLE)["Role"]["AssumeRolePolicyDocument"]
    statement_of = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
    trust["Statement"].append(statement_of)
    client.update_assume_role_policy(RoleName=names.RENDER_ROLE, PolicyDocument=json.dumps(trust))
    (found,) = live(engine).values()
    assert found.status is Status.PASS
    s3 = connection(engine).client("s3")
    assert "Contents" not in s3.list_objects_v2(Bucket=BUCKET)
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{BUCKET}/*"}
    s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps({"Version": "2012-10-17", "Statement": [deny]}))
    (found,) = live(engine).values()
    assert found.status is Status.FAIL
    assert "AccessDenied" in found.detail


# ---- the command line


def test_the_documents_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    def printed(*arguments: str) -> str:
        assert cli.main(["policies", "output-bucket", *arguments]) == 0
        return capsys.readouterr().out

    assert json.loads(printed("--bucket", "my-videos")) == role_grant(Wish("my-videos"), NOW).document
    minimum = json.loads(printed("--bucket", "my-videos", "--grant", "put-object"))
    assert minimum == role_grant(Wish("my-videos", "put-object"), NOW).document
    full = printed(
        "--bucket=my-videos", "--prefix=v/", "--delete", "--no-acls", f"--kms-key={KEY}", "--partition=aws-cn"
    )
    assert json.loads(full) == role_grant(Wish("my-videos", "complete", "aws-cn", "v/", True, False, KEY), NOW).document
    read = caller_grant(Wish("my-videos"))
    assert read is not None
    assert json.loads(printed("--bucket", "my-videos", "--caller")) == read.document
    text = printed(
        "--bucket", "my-videos", "--other-side", "--account", ACCOUNT, "--kms-key", KEY, "--region", "us-east-1"
    )
    assert ROLE_ARN in text
    assert "kms:GenerateDataKey" in text
    assert "s3.us-east-1.amazonaws.com" in text


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--bucket", "No"],
        ["--bucket", "my-videos", "--other-side"],
        ["--bucket", "my-videos", "--caller", "--grant", "put-object"],
        ["--bucket", "my-videos", "--prefix", "/x"],
        ["--bucket", "my-videos", "--kms-key", "alias/x"],
        ["--bucket", "my-videos", "--partition", "aws-x"],
        ["something", "--bucket", "my-videos"],
    ],
)
def test_bad_usage_prints_no_document(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["policies", "output-bucket", *arguments]) == 2
    assert capsys.readouterr().out == ""


def test_every_kind_of_bucket_can_be_made_for_a_test(sandbox: Sandboxed) -> None:
    with sandbox.sandbox.edit():
        make_bucket("with-acls", acls=True)
    s3 = connection(sandbox.engine).client("s3")
    with pytest.raises(ClientError, match="NoSuchPublicAccessBlockConfiguration"):
        s3.get_public_access_block(Bucket="with-acls")
    found = {f.id.rpartition(".")[2]: f.status for f in sandbox.engine.preflight(wanted("with-acls"), "with-acls")}
    assert found["ownership"] is found["public-access"] is Status.PASS
