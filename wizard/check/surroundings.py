"""What lies around the permissions and keeps Remotion from working all the same: buckets, regions, functions, logs. Reads only.

AWS operations: s3 ListBuckets, GetBucketOwnershipControls, ListObjectsV2, GetBucketAcl, GetBucketPolicy, GetPublicAccessBlock;
s3control GetPublicAccessBlock; account GetRegionOptStatus, or sts GetCallerIdentity in the region; lambda ListFunctions;
logs DescribeLogGroups. A read that is denied is "can't tell".
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeVar

from wizard.account.connect import Aws
from wizard.account.errors import code_of, is_absent, is_bad_key
from wizard.account.listing import function_of_logs, remotion_buckets, remotion_functions, remotion_log_groups
from wizard.account.snapshot import Identity
from wizard.check.beside import Job, unknown
from wizard.check.findings import Finding, Status
from wizard.policy import documents
from wizard.policy.evaluate import Policy, PolicySet, Request, evaluate
from wizard.remotion import names
from wizard.remotion.regions import OPT_IN, SUPPORTED
from wizard.text import count, listing, some

T = TypeVar("T")
_EVERYBODY: Final = {
    "http://acs.amazonaws.com/groups/global/AllUsers": "everybody on the internet",
    "http://acs.amazonaws.com/groups/global/AuthenticatedUsers": "everybody with an AWS account",
}
_LISTS: Final = {"READ", "FULL_CONTROL"}
_BLOCKS_NEW: Final = ("BlockPublicAcls", "BlockPublicPolicy")
_RETENTION_DAYS: Final = 14  # what `functions deploy` sets
_NOT_SET: Final = {
    "OwnershipControlsNotFoundError",
    "NoSuchPublicAccessBlockConfiguration",
    "NoSuchBucketPolicy",
}
_OPT_STATUS: Final = {
    "ENABLING": "AWS is enabling it right now, which takes minutes to hours.",
    "DISABLING": "AWS is disabling it right now.",
}
_SUBJECT: Final = "surroundings"


@dataclass(frozen=True)
class Surroundings:
    """Where to look: the account, the regions, and the project's release ("" where there is none to compare with)."""

    aws: Aws
    identity: Identity
    regions: tuple[str, ...]
    release: str = ""

    def jobs(self) -> tuple[Job, ...]:
        """Return the first jobs; buckets and regions give further ones."""
        found = [
            Job("around.buckets", _SUBJECT, "which buckets Remotion has", self._buckets),
            Job(
                "around.public-access.account",
                _SUBJECT,
                "whether the account blocks public access",
                self._account_block,
            ),
        ]
        for region in self.regions:
            if region in OPT_IN:
                about = f"whether {region} is enabled"
                found.append(Job(f"around.region.{region}", _SUBJECT, about, partial(self._region, region)))
            else:
                found.append(self._in_region(region))
        return tuple(found)

    def _in_region(self, region: str) -> Job:
        about = f"which functions and logs there are in {region}"
        return Job(f"around.functions.{region}", _SUBJECT, about, partial(self._functions, region))

    # Buckets

    def _buckets(self) -> Iterator[Finding | Job]:
        by_region: dict[str, list[str]] = {}
        for bucket in remotion_buckets(self.aws.client("s3")):
            name = str(bucket["Name"])
            by_region.setdefault(self._region_of(name, str(bucket.get("BucketRegion") or "")), []).append(name)
        for region in self.regions:
            here = sorted(by_region.get(region, ()))
            if here:
                yield _how_many(region, here)
            for name in here:
                about = f"how the bucket {name} is set up"
                yield Job(f"around.bucket.{name}", _SUBJECT, about, partial(self._bucket, region, name))

    def _region_of(self, name: str, told: str) -> str:
        compact = name.removeprefix(names.BUCKET_PREFIX).partition("-")[0]
        by_name = next((region for region in SUPPORTED if region.replace("-", "") == compact), "")
        if told or by_name:
            return told or by_name
        try:
            place = self.aws.client("s3").get_bucket_location(Bucket=name).get("LocationConstraint")
        except Exception:  # a bucket that tells nothing about itself is in none of the regions
            return ""
        return str(place or "us-east-1")

    def _bucket(self, region: str, name: str) -> Iterator[Finding]:
        s3 = self.aws.client("s3", region)
        controls = _set(lambda: s3.get_bucket_ownership_controls(Bucket=name))
        ownership = str(controls["OwnershipControls"]["Rules"][0]["ObjectOwnership"]) if controls else "ObjectWriter"
        acls_off = ownership == "BucketOwnerEnforced"
        made = self._whole(s3, name, acls_off)
        listable = self._listable(s3, name, acls_off)
        if made is None and not listable:
            title = f"The bucket {name} is whole, and only who may can list it"
            yield Finding(f"around.bucket.{name}", _SUBJECT, Status.PASS, title)
        if made is not None:
            yield made
        if listable:
            yield Finding(
                f"around.listable.{name}",
                _SUBJECT,
                Status.WARN,
                f"Others can list what is in the bucket {name}",
                f"{listable} Whoever lists it finds every video. Remotion makes buckets that can't be listed since 4.0.418.",
                "publicly-listable",
                "Take “List” away from everyone: AWS console, S3, the bucket, Permissions. Links to videos keep working "
                "(remotion.dev/docs/lambda/bucket-security).",
            )

    def _whole(self, s3: Any, name: str, acls_off: bool) -> Finding | None:
        """A bucket without ACLs that is empty is one whose making broke off: Remotion takes it up again, and fails."""
        if not acls_off or s3.list_objects_v2(Bucket=name, MaxKeys=1).get("KeyCount", 0):
            return None
        return Finding(
            f"around.half-made.{name}",
            _SUBJECT,
            Status.WARN,
            f"The bucket {name} looks half-made",
            "It is empty and takes no ACLs (BucketOwnerEnforced), as Remotion leaves it when making it breaks off. The next "
            "`sites create` takes it up and fails: “The bucket does not allow ACLs”.",
            "half-made-bucket",
            f"Delete it, and Remotion makes it anew: aws s3 rb s3://{name}",
        )

    def _listable(self, s3: Any, name: str, acls_off: bool) -> str:
        """Say through what others can list the bucket; "" if they can't."""
        block = _set(lambda: s3.get_public_access_block(Bucket=name)) or {}
        blocked: Mapping[str, bool] = block.get("PublicAccessBlockConfiguration", {})
        if not acls_off and not blocked.get("IgnorePublicAcls"):
            for grant in s3.get_bucket_acl(Bucket=name)["Grants"]:
                who = _EVERYBODY.get(str(grant["Grantee"].get("URI", "")), "")
                if who and grant["Permission"] in _LISTS:
                    return f"Its ACL gives {grant['Permission']} to {who}."
        policy = None if blocked.get("RestrictPublicBuckets") else _set(lambda: s3.get_bucket_policy(Bucket=name))
        if policy is None:
            return ""
        document = documents.parse(str(policy["Policy"]))
        asked = Request(
            "s3:ListBucket", f"arn:{self.identity.partition}:s3:::{name}", resource_account=self.identity.account
        )
        decision = evaluate(asked, PolicySet(resource=(Policy("bucket policy", document),)))
        if not decision.allowed:
            return ""
        (match, *_) = decision.matched
        statement = documents.statement_name(match.sid, match.index)
        return f"Its bucket policy allows s3:ListBucket to everybody (statement {statement})."

    def _account_block(self) -> Iterator[Finding]:
        identifier = "around.public-access.account"
        control = self.aws.client("s3control")
        found = _set(lambda: control.get_public_access_block(AccountId=self.identity.account)) or {}
        settings: Mapping[str, bool] = found.get("PublicAccessBlockConfiguration", {})
        on = [name for name, value in settings.items() if value]
        if not on:
            title = "The account does not block public access to S3 as a whole"
            yield Finding(identifier, _SUBJECT, Status.PASS, title)
            return
        refused = "making its bucket ends in “Access Denied” or a hint at s3:PutBucketPolicy, though that is permitted"
        hidden = "sites and public videos answer with 403"
        effect = refused if any(name in on for name in _BLOCKS_NEW) else hidden
        yield Finding(
            identifier,
            _SUBJECT,
            Status.WARN,
            "The account blocks public access to S3",
            f"On for the whole account: {listing(on)}. A site must be public: {effect}.",
            "public-access-blocked",
            "Whoever looks after the account can switch it off for accounts that host sites, or the organisation may demand "
            "it: AWS console, S3, Block Public Access settings for this account.",
        )

    # Regions

    def _region(self, region: str) -> Iterator[Finding | Job]:
        identifier = f"around.region.{region}"
        status = self._opt_status(region)
        if not status:
            try:
                self.aws.client("sts", region).get_caller_identity()
            except Exception as error:
                if not is_bad_key(error):
                    yield unknown(identifier, _SUBJECT, f"whether {region} is enabled", error)
                    return
                status = "DISABLED"
        if status.startswith("DISABL") or status == "ENABLING":
            yield Finding(
                identifier,
                _SUBJECT,
                Status.FAIL,
                f"The account has not enabled {region}",
                _OPT_STATUS.get(status, "")
                or "Calls there end in “The security token included in the request is invalid”.",
                "region-off",
                f"Enable it: aws account enable-region --region-name {region}   or choose another region.",
            )
            return
        yield Finding(identifier, _SUBJECT, Status.PASS, f"The region {region} is enabled")
        yield self._in_region(region)

    def _opt_status(self, region: str) -> str:
        try:
            found = self.aws.client("account").get_region_opt_status(RegionName=region)
        except Exception:  # few may ask this: the region itself tells as well
            return ""
        return str(found["RegionOptStatus"])

    # Functions and their logs

    def _functions(self, region: str) -> Iterator[Finding]:
        deployed: frozenset[str] | None = None
        try:
            deployed = self._deployed(region)
        except Exception as error:
            about = f"which functions are deployed in {region}"
            yield unknown(f"around.functions.{region}", _SUBJECT, about, error)
        if deployed:
            yield _releases(region, deployed, self.release)
        try:
            yield from self._logs(region, deployed)
        except Exception as error:
            yield unknown(f"around.logs.{region}", _SUBJECT, f"which logs there are in {region}", error)

    def _deployed(self, region: str) -> frozenset[str]:
        return frozenset(str(f["FunctionName"]) for f in remotion_functions(self.aws.client("lambda", region)))

    def _logs(self, region: str, deployed: frozenset[str] | None) -> Iterator[Finding]:
        groups = remotion_log_groups(self.aws.client("logs", region))
        kept = sorted(str(g["logGroupName"]) for g in groups if not g.get("retentionInDays"))
        over = sorted(
            str(g["logGroupName"])
            for g in groups
            if deployed is not None and function_of_logs(str(g["logGroupName"])) not in deployed
        )
        lasting = [name for name in kept if name not in over]
        if lasting:
            command = f"aws logs put-retention-policy --region {region} --retention-in-days {_RETENTION_DAYS}"
            yield Finding(
                f"around.logs-kept.{region}",
                _SUBJECT,
                Status.WARN,
                f"{count(len(lasting), 'log group')} in {region} {'keeps' if len(lasting) == 1 else 'keep'} everything for ever",
                f"{some(lasting)}: no retention is set, and stored logs cost money.",
                "no-retention",
                f"{command} --log-group-name {shlex.quote(lasting[0])}",
            )
        if over:
            yield Finding(
                f"around.logs-left.{region}",
                _SUBJECT,
                Status.WARN,
                f"{count(len(over), 'log group')} in {region} {'is' if len(over) == 1 else 'are'} left over",
                f"{some(over)}: the function is gone, its logs are not.",
                "left-over",
                f"aws logs delete-log-group --region {region} --log-group-name {shlex.quote(over[0])}",
            )


def release_in(function: str) -> str:
    """Return the release that a render function's name tells, such as 4.0.527; "" if it tells none."""
    found = re.match(rf"{names.FUNCTION_PREFIX}(\d+)-(\d+)-(\d+)(-[a-z0-9-]*?)?-mem\d", function)
    return ".".join(found.group(1, 2, 3)) + (found[4] or "") if found else ""


def _how_many(region: str, buckets: list[str]) -> Finding:
    identifier = f"around.buckets.{region}"
    if len(buckets) == 1:
        return Finding(identifier, _SUBJECT, Status.PASS, f"Remotion has one bucket in {region}", buckets[0])
    return Finding(
        identifier,
        _SUBJECT,
        Status.FAIL,
        f"Remotion has {len(buckets)} buckets in {region}",
        f"{some(buckets)}. Remotion wants one in each region, and stops: “You have multiple buckets”.",
        "several-buckets",
        "Delete those that hold nothing you need (aws s3 ls s3://NAME shows what is in one), or name one in every call: "
        "forceBucketName, on the command line --force-bucket-name.",
    )


def _releases(region: str, deployed: frozenset[str], release: str) -> Finding:
    identifier = f"around.functions.{region}"
    by_release = {name: release_in(name) for name in sorted(deployed)}
    matching = [name for name, of in by_release.items() if of == release]
    others = sorted({of for of in by_release.values() if of and of != release})
    if release and not matching:
        return Finding(
            identifier,
            _SUBJECT,
            Status.WARN,
            f"The functions in {region} are of Remotion {listing(others) or 'another release'}, the project is of {release}",
            f"{some(list(by_release))}. Remotion looks for a function of its own release, and finds none.",
            "other-release",
            f"In the project: npx remotion lambda functions deploy --region={region}",
        )
    older = f" Functions of {listing(others)} are there as well: npx remotion lambda functions ls" if others else ""
    title = (
        f"{count(len(matching or by_release), 'render function')} of Remotion {release or listing(others)} in {region}"
    )
    return Finding(
        identifier,
        _SUBJECT,
        Status.PASS,
        title,
        f"{some(matching or list(by_release))}.{older if release else ''}",
    )


def _set(read: Callable[[], T]) -> T | None:
    """Return what is set, None where S3 says that nothing is. Raises what AWS answers otherwise."""
    try:
        return read()
    except Exception as error:
        if code_of(error) in _NOT_SET or (is_absent(error) and code_of(error) != "NoSuchBucket"):
            return None
        raise
