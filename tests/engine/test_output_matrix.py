"""What the wizard finds about output buckets is what signed calls with the role's credentials then do, in every combination.

{this account, another} x {ACLs off, on} x {no KMS, AWS's key, a customer key} x {Deny in the bucket policy, none} x
{put-object, complete}. A call that a finding promises works; one that it rules out is refused; "can't tell" is said only
where nobody could: about another account's part, which the same rules judge rightly once it is known.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.engine.support import ACCOUNT, connection, onboard
from wizard.account.connect import Aws, Keys, Target
from wizard.account.snapshot import Fact
from wizard.check.findings import Finding, Status
from wizard.check.output_bucket import OutputCheck, ask_identity, check_output_buckets, output_check
from wizard.collect.answers import Answers
from wizard.engine import Engine, Options
from wizard.output.decide import CALLER_USES, DELETE, LARGE, ROLE_USES, Actor, decide
from wizard.output.facts import ACLS_ON, ENFORCED, BucketFacts, Encryption, Key, Owner
from wizard.output.grant import Wish
from wizard.output.other_side import OtherSide, other_side
from wizard.remotion import names
from wizard.remotion.catalogue import latest_release
from wizard.sandbox import Sandbox, open_sandbox
from wizard.sandbox.accounts.buckets import make_bucket, make_key
from wizard.sandbox.bucket_access import OTHER_ACCOUNT_ID
from wizard.secret import Secret

pytestmark = pytest.mark.thorough

ROLE = f"arn:aws:iam::{ACCOUNT}:role/{names.RENDER_ROLE}"
USER = f"arn:aws:iam::{ACCOUNT}:user/{names.USER}"
THERE = "renders/there.mp4"
NEW = "renders/video.mp4"
EVERY_BLOCK = frozenset({"BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"})


@dataclass(frozen=True)
class Setting:
    """One combination, but for the grant."""

    foreign: bool
    enforced: bool
    kms: str  # "", "aws" or "customer"
    deny: bool

    @property
    def bucket(self) -> str:
        words = ["foreign" if self.foreign else "own", "off" if self.enforced else "acl", self.kms or "plain"]
        return "-".join([*words, "deny" if self.deny else "open"])


SETTINGS = [
    Setting(*each) for each in itertools.product((False, True), (True, False), ("", "aws", "customer"), (False, True))
]
CASES = [pytest.param(s, g, id=f"{s.bucket}-{g}") for s, g in itertools.product(SETTINGS, ("put-object", "complete"))]


class World:
    """One sandbox account that is set up, with connections as its administrator, the render role and the user."""

    def __init__(self, root: Path) -> None:
        self.sandbox: Sandbox = open_sandbox("fresh", state_root=root)
        self.engine = Engine(Options(sandbox="fresh", folder=root))
        keys = Keys(self.sandbox.access_key_id, self.sandbox.secret_access_key)
        aws = Aws(Target(region="us-east-1", keys=keys, prepare=self.sandbox.install, sandbox=True, source="test"))
        self.engine._aws, self.engine._identity = aws, aws.identify()
        self.made: dict[Setting, str] = {}

    def set_up(self) -> None:
        """Have the wizard make role and user, then let this test take the role."""
        onboard(self.engine, answers())
        iam = self.aws.client("iam")
        trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
        document = iam.get_role(RoleName=names.RENDER_ROLE)["Role"]["AssumeRolePolicyDocument"]
        document["Statement"].append(trust)
        iam.update_assume_role_policy(RoleName=names.RENDER_ROLE, PolicyDocument=json.dumps(document))
        taken = self.aws.client("sts").assume_role(RoleArn=ROLE, RoleSessionName="remotion-render")["Credentials"]
        self.role = self.with_key(taken)
        self.user = self.with_key(iam.create_access_key(UserName=names.USER)["AccessKey"])

    @property
    def aws(self) -> Aws:
        return connection(self.engine)

    def with_key(self, key: Mapping[str, Any]) -> Any:
        """An S3 client of whoever has this key."""
        token = key.get("SessionToken")
        keys = Keys(key["AccessKeyId"], Secret(key["SecretAccessKey"]), Secret(token) if token else None)
        return self.aws.with_keys(keys).client("s3", attempts=1)

    def make(self, setting: Setting) -> str:
        """Make the bucket of a setting, once; the ARN of its customer key. Another account opens its side as it is told to."""
        if setting in self.made:
            return self.made[setting]
        owner = OTHER_ACCOUNT_ID if setting.foreign else ACCOUNT
        with self.sandbox.edit():
            key = make_key(key_policy(setting), account_id=owner).arn if setting.kms == "customer" else ""
            make_bucket(
                setting.bucket,
                account_id=owner,
                acls=not setting.enforced,
                encryption="aws:kms" if setting.kms else "",
                key=key,
                policy=bucket_policy(setting),
            )
            from moto.s3.models import s3_backends

            s3_backends[owner]["aws"].put_object(setting.bucket, THERE, b"video")
        self.made[setting] = key
        return key

    def take_back(self, bucket: str) -> None:
        """Take the grants away again: a role has room for ten of them."""
        iam = self.aws.client("iam")
        for name in iam.list_role_policies(RoleName=names.RENDER_ROLE)["PolicyNames"]:
            if name.startswith("remotion-output-"):
                iam.delete_role_policy(RoleName=names.RENDER_ROLE, PolicyName=name)
        for held in iam.list_attached_user_policies(UserName=names.USER)["AttachedPolicies"]:
            if held["PolicyName"].startswith("remotion-read-output-"):
                iam.detach_user_policy(UserName=names.USER, PolicyArn=held["PolicyArn"])
                iam.delete_policy(PolicyArn=held["PolicyArn"])


def opened(setting: Setting) -> OtherSide:
    """What the other side is asked to add, for the most that the wizard can grant: ACLs too, which the bucket may not take."""
    wish = Wish(setting.bucket, delete=True, key="a key" if setting.kms == "customer" else "")
    return other_side(wish, ROLE, USER, latest_release(), "us-east-1")


def bucket_policy(setting: Setting) -> dict[str, Any] | None:
    statements: list[Any] = list(opened(setting).bucket_policy) if setting.foreign else []
    if setting.deny:
        statements.append(
            {
                "Sid": "OnlyPublishers",
                "Effect": "Deny",
                "Principal": "*",
                "Action": ["s3:PutObject", "s3:GetObject"],
                "Resource": f"arn:aws:s3:::{setting.bucket}/*",
                "Condition": {"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/publisher"}},
            }
        )
    return {"Version": "2012-10-17", "Statement": statements} if statements else None


def key_policy(setting: Setting) -> dict[str, Any]:
    owner = OTHER_ACCOUNT_ID if setting.foreign else ACCOUNT
    root = {
        "Sid": "Account",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{owner}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
    return {"Version": "2012-10-17", "Statement": [root, *(opened(setting).key_policy if setting.foreign else ())]}


def answers(**values: Any) -> Answers:
    given = {"credentials.write": "none", **{f"output_bucket.{key}": value for key, value in values.items()}}
    return Answers().with_values(given, "answers file")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    root = tmp_path_factory.mktemp("matrix")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REMOTION_LAMBDA_WIZARD_STATE", str(root / "state"))
        made = World(root)
        made.set_up()
        yield made
        made.sandbox.close()


def works(call: Callable[[], Any]) -> bool:
    """Whether S3 does it. That a file is not there is an answer too, which only those get who may look."""
    try:
        call()
    except ClientError as error:
        return error.response["ResponseMetadata"]["HTTPStatusCode"] == 404
    return True


def multipart(s3: Any, where: Mapping[str, str]) -> None:
    upload = {**where, "UploadId": s3.create_multipart_upload(**where)["UploadId"]}
    part = s3.upload_part(**upload, PartNumber=1, Body=b"x")
    s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})


def done(world: World, bucket: str) -> dict[str, bool]:
    """What signed calls do, by the ids of the uses; the caller's begin with "caller."."""
    role, user = world.role, world.user
    new, there = {"Bucket": bucket, "Key": NEW}, {"Bucket": bucket, "Key": THERE}
    missing = {"Bucket": bucket, "Key": "renders/nothing.mp4"}
    return {
        "upload.no-acl": works(lambda: role.put_object(**new, Body=b"x")),
        "upload.private": works(lambda: role.put_object(**new, Body=b"x", ACL="private")),
        "upload.public": works(lambda: role.put_object(**new, Body=b"x", ACL="public-read")),
        "upload.large": works(lambda: multipart(role, new)),
        "look": works(lambda: role.head_object(**missing)),
        "read": works(lambda: role.get_object(**there)),
        "location": works(lambda: role.get_bucket_location(Bucket=bucket)),
        "delete": works(lambda: role.delete_object(**missing)),
        "caller.read": works(lambda: user.get_object(**there)),
        "caller.list": works(lambda: user.list_objects_v2(Bucket=bucket)),
        "caller.delete": works(lambda: user.delete_object(**missing)),
        "remotion": works(lambda: role.put_object(**new, Body=b"x", ExpectedBucketOwner=ACCOUNT)),
    }


def known_facts(setting: Setting, key: str) -> BucketFacts:
    """Everything about a bucket, as its owner could tell it."""
    document, algorithm = bucket_policy(setting), "aws:kms" if setting.kms else "AES256"
    blocked: Fact[frozenset[str]] = Fact.known(EVERY_BLOCK) if setting.enforced else Fact.absent()
    return BucketFacts(
        name=setting.bucket,
        owner=Owner.OTHER if setting.foreign else Owner.MINE,
        region="us-east-1",
        ownership=Fact.known(ENFORCED if setting.enforced else ACLS_ON),
        blocked=blocked,
        account_blocked=Fact.absent(),
        encryption=Fact.known(Encryption(algorithm, key)),
        key=Fact.known(Key(key, "CUSTOMER", "Enabled", Fact.known(key_policy(setting)))) if key else Fact.absent(),
        policy=Fact.absent() if document is None else Fact.known(document),
    )


def ruled(world: World, setting: Setting, key: str) -> dict[str, bool | None]:
    """What the rules make of everything that is true, the identity's part asked of IAM's simulator."""
    facts, found = known_facts(setting, key), dict[str, bool | None]()
    for actor, uses, prefix in (
        (Actor("role", names.RENDER_ROLE, ROLE), (*ROLE_USES, LARGE, DELETE), ""),
        (Actor("user", names.USER, USER), (*CALLER_USES, DELETE), "caller."),
    ):
        asked = ask_identity(world.aws, facts, uses, actor, NEW)
        for use in uses:
            found[prefix + use.id] = decide(facts, use, actor, asked, NEW).allowed
    return found


def checked(world: World, request: OutputCheck) -> dict[str, Finding]:
    identity = world.engine._identity
    assert identity is not None
    prefix = f"output-bucket.{request.buckets[0]}."
    return {f.id.removeprefix(prefix): f for f in check_output_buckets(world.aws, identity, request)}


@pytest.mark.parametrize(("setting", "grant"), CASES)
def test_findings_rules_and_signed_calls_agree(world: World, setting: Setting, grant: str) -> None:
    key = world.make(setting)
    named = {"kms_key": key} if key and setting.foreign and grant == "complete" else {}
    wanted = answers(name=setting.bucket, grant=grant, delete=grant == "complete", **named)
    plan = onboard(world.engine, wanted)
    identity = world.engine._identity
    assert identity is not None
    try:
        findings = checked(world, output_check(wanted, identity, names.USER, latest_release()))
        real, rules = done(world, setting.bucket), ruled(world, setting, key)
    finally:
        world.take_back(setting.bucket)
    assert any(setting.bucket in change.name for change in plan.writing)

    assert rules == {use: allowed for use, allowed in real.items() if use != "remotion"}
    for use, allowed in real.items():
        finding = findings.get(use)
        if finding is None:
            continue
        if finding.status is Status.UNKNOWN:
            assert setting.foreign, finding
        else:
            assert (finding.status is Status.PASS) is allowed, finding
    told = findings.keys() & real.keys()
    assert {"upload.no-acl", "upload.private", "upload.public", "look", "read", "location"} <= told
    # What the preflight says beforehand is true as well.
    assert (findings["exists"].status is Status.PASS) is not setting.foreign
    assert ("expected-owner" in findings) is setting.foreign
    assert real["remotion"] is (real["upload.no-acl"] and not setting.foreign)
    if not setting.foreign:
        assert (findings["ownership"].status is Status.WARN) is setting.enforced
        assert (findings["policy"].status is Status.FAIL) is setting.deny
        assert real["upload.public"] is (not setting.enforced and not setting.deny and grant == "complete")
        if grant == "complete":
            assert all(real.values()) is (not setting.enforced and not setting.deny)


@pytest.mark.parametrize("setting", [s for s in SETTINGS if s.foreign and not s.deny], ids=lambda s: s.bucket)
def test_what_the_other_side_is_asked_for_is_enough_and_without_it_nothing_works(
    world: World, setting: Setting
) -> None:
    from moto.s3.models import s3_backends

    key = world.make(setting)
    wanted = answers(name=setting.bucket, delete=True, **({"kms_key": key} if key else {}))
    onboard(world.engine, wanted)
    policy = json.dumps(bucket_policy(setting)).encode()
    try:
        with_it = done(world, setting.bucket)
        with world.sandbox.edit():
            s3_backends[OTHER_ACCOUNT_ID]["aws"].buckets[setting.bucket].policy = None
        without = done(world, setting.bucket)
    finally:
        world.take_back(setting.bucket)
        with world.sandbox.edit():
            s3_backends[OTHER_ACCOUNT_ID]["aws"].buckets[setting.bucket].policy = policy
    refused = {use for use, allowed in with_it.items() if not allowed}
    by_key = {"upload.no-acl", "upload.private", "upload.public", "upload.large", "read", "caller.read"}
    by_acl = {"upload.private", "upload.public"}
    assert refused == {"remotion"} | (by_key if setting.kms == "aws" else by_acl if setting.enforced else set())
    assert not any(without.values())


def test_a_grant_of_the_key_is_as_good_as_its_policy(world: World) -> None:
    from moto.kms.models import kms_backends

    with world.sandbox.edit():
        only = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/sandbox-admin"}}
        statement = {**only, "Action": "kms:*", "Resource": "*"}
        key = make_key({"Version": "2012-10-17", "Statement": [statement]})
        make_bucket("with-grant", encryption="aws:kms", key=key.arn)
    wanted = answers(name="with-grant")
    onboard(world.engine, wanted)
    identity = world.engine._identity
    assert identity is not None
    request = replace(output_check(wanted, identity, names.USER, latest_release()), grant="put-object")
    try:
        before, refused = checked(world, request), done(world, "with-grant")
        with world.sandbox.edit():
            kms_backends[ACCOUNT]["us-east-1"].create_grant(key.id, ROLE, ["GenerateDataKey"], "", {}, "")
        after, granted = checked(world, request), done(world, "with-grant")
    finally:
        world.take_back("with-grant")
    assert (before["upload.no-acl"].status, before["upload.no-acl"].cause) == (Status.FAIL, "key-policy")
    assert not refused["upload.no-acl"]
    assert after["upload.no-acl"].status is Status.PASS
    assert granted["upload.no-acl"]
    assert after["upload.large"].status is Status.FAIL
    assert not granted["upload.large"]
