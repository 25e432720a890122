"""What lies around the permissions is looked at beside them: buckets, regions, functions, logs. Nothing is changed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.engine.support import ACCOUNT, Fault, Sandboxed, account_state, connection, finding, given, onboard
from wizard.account.snapshot import Identity
from wizard.check.beside import Beside, Job
from wizard.check.findings import Finding, Report, Status
from wizard.check.surroundings import Surroundings, release_in
from wizard.engine import Engine
from wizard.remotion import names

REGION = "us-east-1"
BUCKET = names.bucket_name(REGION)
LATEST = "4.0.527"


def around(engine: Engine, *regions: str, release: str = LATEST) -> dict[str, Finding]:
    """What is found around the account, by id."""
    aws = connection(engine)
    assert engine._identity is not None
    found = Beside(Surroundings(aws, engine._identity, regions or (REGION,), release).jobs()).rest()
    assert len({f.id for f in found}) == len(found)
    return {f.id: f for f in found}


def s3(engine: Engine) -> Any:
    return connection(engine).client("s3")


def make_bucket(engine: Engine, name: str = BUCKET, *, like_remotion: bool = True) -> None:
    """Make a bucket, and open it as Remotion does."""
    s3(engine).create_bucket(Bucket=name)
    if like_remotion:
        s3(engine).delete_bucket_ownership_controls(Bucket=name)
        s3(engine).delete_public_access_block(Bucket=name)


def policy(action: str, resource: str, **more: Any) -> str:
    statement = {"Sid": "Open", "Effect": "Allow", "Principal": "*", "Action": action, "Resource": resource, **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def make_function(engine: Engine, name: str, region: str = REGION) -> None:
    import io
    import zipfile

    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as code:
        code.writestr("index.js", "")
    onboard(engine, given())
    connection(engine).client("lambda", region).create_function(
        FunctionName=name,
        Runtime="nodejs20.x",
        Handler="index.handler",
        Role=f"arn:aws:iam::{ACCOUNT}:role/{names.RENDER_ROLE}",
        Code={"ZipFile": archive.getvalue()},
    )


# Buckets


def test_an_account_without_anything_of_remotion_has_nothing_around(engine: Engine) -> None:
    found = around(engine)
    assert {i: f.status for i, f in found.items()} == {"around.public-access.account": Status.PASS}


def test_one_bucket_that_is_whole_holds(engine: Engine) -> None:
    make_bucket(engine)
    found = around(engine)
    assert found[f"around.buckets.{REGION}"].status is Status.PASS
    assert found[f"around.bucket.{BUCKET}"].status is Status.PASS


def test_several_buckets_in_one_region_fail_and_those_of_other_regions_do_not_count(engine: Engine) -> None:
    other = names.bucket_name(REGION, "0123456789")
    for name in (BUCKET, other, names.bucket_name("eu-central-1")):
        make_bucket(engine, name)
    found = around(engine)
    one = found[f"around.buckets.{REGION}"]
    assert (one.status, one.cause) == (Status.FAIL, "several-buckets")
    assert BUCKET in one.detail and other in one.detail and "forceBucketName" in one.remedy
    assert not any("eucentral1" in i for i in found)


def test_a_bucket_whose_making_broke_off_is_found_and_a_used_one_is_not(engine: Engine) -> None:
    make_bucket(engine, like_remotion=False)
    one = around(engine)[f"around.half-made.{BUCKET}"]
    assert (one.status, one.cause) == (Status.WARN, "half-made-bucket") and BUCKET in one.remedy
    s3(engine).put_object(Bucket=BUCKET, Key="sites/a.html", Body=b"")
    assert around(engine)[f"around.bucket.{BUCKET}"].status is Status.PASS


def test_a_bucket_that_everybody_can_list_by_its_acl_is_found(engine: Engine) -> None:
    make_bucket(engine)
    s3(engine).put_bucket_acl(Bucket=BUCKET, ACL="public-read")
    one = around(engine)[f"around.listable.{BUCKET}"]
    assert (one.status, one.cause) == (Status.WARN, "publicly-listable")
    assert "READ" in one.detail and "everybody on the internet" in one.detail


@pytest.mark.parametrize(
    ("document", "listable"),
    [
        (policy("s3:ListBucket", f"arn:aws:s3:::{BUCKET}"), True),
        (policy("s3:*", "*"), True),
        (policy("s3:GetObject", f"arn:aws:s3:::{BUCKET}/*"), False),
        (policy("s3:ListBucket", f"arn:aws:s3:::{BUCKET}", Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"}), False),
        (policy("s3:ListBucket", f"arn:aws:s3:::{BUCKET}", Effect="Deny"), False),
    ],
)
def test_a_policy_that_lets_everybody_list_is_found_and_one_that_shares_videos_is_not(
    engine: Engine, document: str, listable: bool
) -> None:
    make_bucket(engine)
    s3(engine).put_bucket_policy(Bucket=BUCKET, Policy=document)
    found = around(engine)
    assert (f"around.listable.{BUCKET}" in found) is listable
    if listable:
        assert "statement Open" in found[f"around.listable.{BUCKET}"].detail


def test_public_access_that_the_account_blocks_is_told(engine: Engine) -> None:
    connection(engine).client("s3control").put_public_access_block(
        AccountId=ACCOUNT, PublicAccessBlockConfiguration={"BlockPublicPolicy": True, "BlockPublicAcls": True}
    )
    one = around(engine)["around.public-access.account"]
    assert (one.status, one.cause) == (Status.WARN, "public-access-blocked")
    assert "BlockPublicAcls" in one.detail and "s3:PutBucketPolicy" in one.detail


# Regions


def test_a_region_that_is_off_fails_and_is_looked_into_no_further(engine: Engine) -> None:
    connection(engine).client("account").disable_region(RegionName="af-south-1")
    found = around(engine, REGION, "af-south-1")
    off = found["around.region.af-south-1"]
    assert (off.status, off.cause) == (Status.FAIL, "region-off") and "enable-region" in off.remedy
    assert not any(i.startswith(("around.functions.af", "around.logs.af")) for i in found)
    connection(engine).client("account").enable_region(RegionName="af-south-1")
    assert around(engine, "af-south-1")["around.region.af-south-1"].status is Status.PASS


def test_who_may_not_ask_about_regions_hears_it_from_the_region(sandbox: Sandboxed) -> None:
    connection(sandbox.engine).client("account").disable_region(RegionName="eu-south-1")
    sandbox.wire.fault, sandbox.wire.forever = Fault("GetRegionOptStatus", 1, "denied"), True
    assert around(sandbox.engine, "eu-south-1")["around.region.eu-south-1"].cause == "region-off"


# Functions and logs


@pytest.mark.parametrize(
    ("name", "release"),
    [
        (names.function_name("4.0.527"), "4.0.527"),
        ("remotion-render-4-0-527-mem3008mb-disk10240mb-900sec", "4.0.527"),
        ("remotion-render-4-1-0-alpha3-mem2048mb-disk2048mb-120sec", "4.1.0-alpha3"),
        ("remotion-render-mine", ""),
    ],
)
def test_a_functions_name_tells_its_release(name: str, release: str) -> None:
    assert release_in(name) == release


def test_functions_of_another_release_than_the_projects_are_told(engine: Engine) -> None:
    make_function(engine, names.function_name("4.0.31"))
    one = around(engine)[f"around.functions.{REGION}"]
    assert (one.status, one.cause) == (Status.WARN, "other-release")
    assert "4.0.31" in one.title and LATEST in one.title and f"--region={REGION}" in one.remedy
    assert around(engine, release="4.0.31")[f"around.functions.{REGION}"].status is Status.PASS
    assert around(engine, release="")[f"around.functions.{REGION}"].status is Status.PASS


def test_logs_without_retention_and_logs_that_are_left_over_are_told_apart(engine: Engine) -> None:
    function = names.function_name(LATEST)
    make_function(engine, function)
    logs = connection(engine).client("logs")
    for name in (function, names.function_name("4.0.31")):
        logs.create_log_group(logGroupName=f"/aws/lambda/{name}")
    found = around(engine)
    kept, left = found[f"around.logs-kept.{REGION}"], found[f"around.logs-left.{REGION}"]
    assert (kept.cause, left.cause) == ("no-retention", "left-over")
    assert function in kept.remedy and "put-retention-policy" in kept.remedy
    assert "4-0-31" in left.remedy and "delete-log-group" in left.remedy
    logs.put_retention_policy(logGroupName=f"/aws/lambda/{function}", retentionInDays=14)
    assert f"around.logs-kept.{REGION}" not in around(engine)


# Together with the check


@pytest.mark.parametrize(
    "operation", ["ListBuckets", "GetBucketOwnershipControls", "GetBucketAcl", "ListFunctions", "DescribeLogGroups"]
)
def test_a_denied_read_is_can_not_tell(sandbox: Sandboxed, operation: str) -> None:
    make_bucket(sandbox.engine)
    sandbox.wire.fault, sandbox.wire.forever = Fault(operation, 1, "denied"), True
    found = around(sandbox.engine)
    unknown = [f for f in found.values() if f.status is Status.UNKNOWN]
    assert [f.cause for f in unknown] == ["denied-read"]
    assert not [f for f in found.values() if f.status is Status.FAIL]


def test_it_is_part_of_a_check_on_request_and_changes_nothing(engine: Engine) -> None:
    onboard(engine)
    make_bucket(engine)
    before = account_state(engine, exact=True)
    assert not [f for f in engine.check(given()).findings if f.id.startswith("around.")]
    seen: list[Finding] = []
    report = engine.check(given(), seen.append, around=True)
    assert report.ok and finding(report, f"around.buckets.{REGION}").status is Status.PASS
    assert {f.id for f in seen} == {f.id for f in report.findings} and len(seen) == len(report.findings)
    assert account_state(engine, exact=True) == before


def test_a_job_that_breaks_is_told_and_holds_up_no_other() -> None:
    def breaks() -> Any:
        raise OSError("no")

    def gives(n: int) -> Any:
        yield Finding(f"f{n}", "s", Status.PASS, "fine")
        if n:
            yield Job(f"j{n}", "s", "more", lambda: gives(n - 1))

    found = Beside([Job("broken", "s", "whether it works", breaks), Job("j", "s", "much", lambda: gives(20))]).rest()
    assert {f.id for f in found} == {"broken", *(f"f{n}" for n in range(21))}
    assert next(f for f in found if f.id == "broken").status is Status.UNKNOWN
    assert Beside(()).rest() == ()
    identity = Identity(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", "aws", REGION, "test")
    assert Report(identity, found).ok
