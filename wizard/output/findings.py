"""What the preflight found about an output bucket, each finding explained. Pure.

Sources: remotion.dev/docs/lambda/custom-destination; @remotion/lambda 4.0.527, whose render function uploads with
ExpectedBucketOwner set to its own account (`functions/index.js`, `writeFile`); the S3 User Guide's "Controlling ownership
of objects", "Using server-side encryption with AWS KMS keys" and "Locking objects with Object Lock".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

from wizard.account.snapshot import Fact
from wizard.check.findings import Finding, Status
from wizard.output.decide import LARGE, ROLE_USES, Actor, Use, allows_everything, decide
from wizard.output.facts import ENFORCED, BucketFacts, Owner
from wizard.output.grant import Wish
from wizard.remotion import names
from wizard.text import count, listing

_BLOCKS: Final = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
_PROBE_KEY: Final = "renders/video.mp4"
_THE_KEY: Final = Use("key", "use the key", keys=("kms:GenerateDataKey", "kms:Decrypt"))


def subject_of(bucket: str) -> str:
    """Return the name under which findings about a bucket are grouped."""
    return f"output bucket {bucket}"


def bucket_findings(
    facts: BucketFacts, wish: Wish, regions: Sequence[str], actor: Actor, account: str
) -> tuple[Finding, ...]:
    """Return what is to be known about a bucket before anything is granted, in the order in which it matters."""
    return tuple(_findings(_About(facts), wish, regions, actor, account))


class _About:
    """Makes findings about one bucket."""

    def __init__(self, facts: BucketFacts) -> None:
        self.facts = facts

    def __call__(
        self, what: str, status: Status, title: str, detail: str = "", cause: str = "", remedy: str = ""
    ) -> Finding:
        name = self.facts.name
        return Finding(f"output-bucket.{name}.{what}", subject_of(name), status, title, detail, cause, remedy)

    def unread(self, what: str, title: str, fact: Fact[Any]) -> Finding:
        """The finding of a read that was refused, or that nobody may make."""
        detail = str(fact.problem.detail or fact.problem.title) if fact.problem else ""
        return self(what, Status.UNKNOWN, title, detail, "denied-read", "")


def _findings(about: _About, wish: Wish, regions: Sequence[str], actor: Actor, account: str) -> Iterator[Finding]:
    facts = about.facts
    yield _exists(about, account)
    if facts.owner is Owner.ABSENT:
        return
    yield _region(about, regions)
    if facts.owner is Owner.OTHER:
        yield _expected_owner(about, account)
    yield _ownership(about)
    yield from _public_access(about)
    yield from _encryption(about, wish, actor)
    yield from _policy(about, actor, wish)
    yield from _history(about)
    if facts.name.startswith(names.BUCKET_PREFIX):
        title = f"{facts.name} is one of Remotion's own buckets"
        yield about("own", Status.PASS, title, "Remotion's policies allow it already; it needs no policy of its own.")


def _exists(about: _About, account: str) -> Finding:
    facts = about.facts
    if facts.owner is Owner.ABSENT:
        return about(
            "exists",
            Status.FAIL,
            f"There is no bucket {facts.name}",
            "No account in this partition has a bucket of this name.",
            "missing-bucket",
            f"Correct the name, or make the bucket: aws s3 mb s3://{facts.name}",
        )
    if facts.owner is Owner.MINE:
        detail = "" if facts.readable else "You may not read it (s3:ListBucket), so some of the rest can't be told."
        return about("exists", Status.PASS, f"{facts.name} is a bucket of this account", detail)
    if facts.owner is Owner.OTHER:
        return about(
            "exists",
            Status.WARN,
            f"{facts.name} belongs to another account",
            f"It is not among the buckets of account {account}. Both accounts have to allow what Remotion does there.",
            "other-account",
            "Have its owner add the statements: remotion-lambda-wizard policies output-bucket --other-side",
        )
    return about(
        "exists",
        Status.UNKNOWN,
        f"{facts.name} can't be read",
        "It exists, but S3 does not tell you more: it is another account's, or you may not read it.",
        "denied-read",
        "Use an identity that may call s3:ListAllMyBuckets and s3:ListBucket.",
    )


def _region(about: _About, regions: Sequence[str]) -> Finding:
    facts = about.facts
    if not facts.region:
        return about("region", Status.UNKNOWN, f"The region of {facts.name} can't be read", "", "denied-read")
    if facts.region in regions:
        others = [r for r in regions if r != facts.region]
        detail = f"Functions in {listing(others)} can't upload to it." if others else "That is where you render."
        return about("region", Status.PASS, f"{facts.name} is in {facts.region}", detail)
    return about(
        "region",
        Status.FAIL,
        f"{facts.name} is in {facts.region}, and you render in {listing(list(regions))}",
        "The render function uploads to its own region: S3 answers PermanentRedirect.",
        "wrong-region",
        f"Take a bucket in {listing(list(regions), 'or')}, or render in {facts.region} (remotion.regions).",
    )


def _expected_owner(about: _About, account: str) -> Finding:
    return about(
        "expected-owner",
        Status.FAIL,
        f"Remotion does not upload to {about.facts.name}, whatever the policies say",
        f"The render function tells S3 that it expects a bucket of its own account {account} (ExpectedBucketOwner; read in "
        "Remotion 4.0.527). For another account's bucket S3 answers AccessDenied, even where both sides allow it.",
        "expected-bucket-owner",
        "Render to a bucket of your own account and copy the video, or have S3 replicate it; or give outName an "
        "s3OutputProvider with an access key that may write there, which leaves the expected owner out.",
    )


def _ownership(about: _About) -> Finding:
    facts = about.facts
    if facts.acls_off is None:
        title = f"Whether {facts.name} takes ACLs can't be read"
        finding = about.unread("ownership", title, facts.ownership)
        return replace(finding, remedy='Render with privacy: "no-acl": that works with every bucket.')
    if facts.acls_off:
        return about(
            "ownership",
            Status.WARN,
            f'ACLs are off in {facts.name}: render with privacy: "no-acl"',
            f'Its object ownership is {ENFORCED}, as of all new buckets. Remotion\'s default is privacy: "public", which sends '
            "an ACL: S3 answers AccessControlListNotSupported.",
            "acls-off",
            'renderMediaOnLambda({…, privacy: "no-acl"})   or: npx remotion lambda render … --privacy=no-acl',
        )
    detail = f"Its object ownership is {facts.ownership.value or 'ObjectWriter'}."
    if facts.owner is Owner.OTHER:
        detail += (
            " Files belong to your account then, and the bucket's owner can't read them without an ACL that says so."
        )
    return about("ownership", Status.PASS, f"{facts.name} takes uploads with an ACL", detail)


def _public_access(about: _About) -> Iterator[Finding]:
    facts = about.facts
    for what, fact, whose in (
        ("public-access", facts.blocked, facts.name),
        ("account-public-access", facts.account_blocked, "the account"),
    ):
        if what.startswith("account") and facts.owner is Owner.OTHER:
            continue
        if fact.is_unknown:
            yield about.unread(what, f"The public access block of {whose} can't be read", fact)
            continue
        on = [name for name in _BLOCKS if name in (fact.value or ())]
        if not on:
            yield about(what, Status.PASS, f"{whose[0].upper() + whose[1:]} has no public access block")
            continue
        acl = "BlockPublicAcls" in on and not facts.acls_off
        yield about(
            what,
            Status.WARN if acl else Status.PASS,
            f"Public access to {whose if whose != 'the account' else 'all buckets of the account'} is blocked",
            f"On: {listing(on)}. "
            + (
                'privacy: "public" ends in AccessDenied, since it sends a public ACL.'
                if acl
                else "Videos can't be opened by their plain address."
            ),
            "public-access-block" if acl else "",
            'Render with privacy: "private" or "no-acl", and share videos by presignUrl().' if acl else "",
        )


def _encryption(about: _About, wish: Wish, actor: Actor) -> Iterator[Finding]:
    facts = about.facts
    if facts.encryption.is_unknown:
        finding = about.unread("encryption", f"How {facts.name} is encrypted can't be read", facts.encryption)
        named = f"You named the key {wish.key}." if wish.key else "With a customer key, more permissions are needed."
        remedy = "" if wish.key else "Name the key, if there is one: output_bucket.kms_key"
        yield replace(finding, detail=f"{finding.detail} {named}".strip(), remedy=remedy)
        if not wish.key:
            return
    encryption, key = facts.encryption.value, facts.key.value
    if encryption is not None and not encryption.uses_kms:
        yield about("encryption", Status.PASS, f"{facts.name} is encrypted by S3 itself (SSE-S3)", "Nothing to allow.")
        return
    if encryption is not None and (encryption.is_aws_managed or (key is not None and key.manager == "AWS")):
        yield _aws_key(about)
        return
    if key is None:
        if encryption is not None:
            yield about.unread("encryption", f"The key of {facts.name} can't be read: {encryption.key}", facts.key)
        return
    if encryption is not None:
        detail = f"{key.arn}: uploads need kms:GenerateDataKey, reading and large uploads kms:Decrypt, in IAM and in the key."
        lacks = wish.grant == "put-object"
        yield about(
            "encryption",
            Status.WARN if lacks else Status.PASS,
            f"{facts.name} is encrypted with a customer key (SSE-KMS)",
            detail + (" The documented policy has neither." if lacks else ""),
            "kms-permissions" if lacks else "",
            "Choose the complete grant: output_bucket.grant = complete" if lacks else "",
        )
    yield _let_in(about, actor)


def _aws_key(about: _About) -> Finding:
    if about.facts.owner is Owner.OTHER:
        return about(
            "encryption",
            Status.FAIL,
            f"{about.facts.name} is encrypted with its account's own aws/s3 key",
            "No other account can use that key: uploads from here end in AccessDenied, and no policy can change it.",
            "aws-managed-key",
            "Have the owner choose a customer key, or SSE-S3.",
        )
    title = f"{about.facts.name} is encrypted with the AWS managed key aws/s3"
    return about("encryption", Status.PASS, title, "It lets in everybody of the account who comes through S3.")


def _let_in(about: _About, actor: Actor) -> Finding:
    """Whether the key itself lets the render role in, its own permissions taken for granted."""
    facts = about.facts
    key = facts.key.value
    assert key is not None
    ruling = decide(facts, _THE_KEY, actor, allows_everything, _PROBE_KEY)
    if ruling.allowed is False:
        title = f"The key does not let {actor.name} in"
        return about("key-policy", Status.FAIL, title, ruling.sentence, ruling.cause, ruling.remedy)
    if ruling.allowed:
        return about("key-policy", Status.PASS, f"The key's policy lets {actor.name} in", key.arn)
    if key.policy.value is None:
        finding = about.unread("key-policy", f"The policy of the key {key.arn} can't be read", key.policy)
        return replace(finding, remedy=f"Whoever manages it has to let {actor.arn} in.")
    title = f"It depends whether the key lets {actor.name} in"
    return about("key-policy", Status.UNKNOWN, title, ruling.sentence, ruling.cause)


def _policy(about: _About, actor: Actor, wish: Wish) -> Iterator[Finding]:
    """The statements of the bucket policy that would deny it, evaluated for the render role."""
    facts = about.facts
    if facts.policy.is_unknown:
        title = f"The bucket policy of {facts.name} can't be read"
        if facts.owner is Owner.OTHER:
            detail = "S3 shows a bucket policy to nobody but the bucket's own account."
            yield about("policy", Status.UNKNOWN, title, detail, "other-account", "")
        else:
            yield about.unread("policy", title, facts.policy)
        return
    document = facts.policy.value
    if document is None:
        yield about("policy", Status.PASS, f"{facts.name} has no bucket policy", "Nothing there forbids anything.")
        return
    denied: dict[str, list[str]] = {}
    unsure: list[str] = []
    for use in (*ROLE_USES, LARGE):
        ruling = decide(facts, use, actor, allows_everything, f"{wish.prefix}{_PROBE_KEY}")
        if ruling.cause == "explicit-deny" and "bucket policy" in ruling.sentence:
            denied.setdefault(ruling.sentence, []).append(use.title)
        elif ruling.cause == "missing-context":
            unsure.append(ruling.sentence)
    if denied:
        sentences = " ".join(denied)
        uses = list(dict.fromkeys(title for titles in denied.values() for title in titles))
        yield about(
            "policy",
            Status.FAIL,
            f"The bucket policy forbids {actor.name} what it has to do",
            f"{sentences} Affected: {listing(uses)}.",
            "explicit-deny",
            f"Except the role from the Deny: a condition ArnNotEquals on aws:PrincipalArn with {actor.arn}",
        )
    elif unsure:
        title = f"It depends whether the bucket policy of {facts.name} lets {actor.name} in"
        yield about("policy", Status.UNKNOWN, title, " ".join(dict.fromkeys(unsure)), "missing-context")
    else:
        yield about("policy", Status.PASS, f"Nothing in the bucket policy of {facts.name} forbids it")


def _history(about: _About) -> Iterator[Finding]:
    facts = about.facts
    if facts.versioning.value == "Enabled":
        title = f"{facts.name} keeps old versions"
        detail = "A video that is rendered again, or deleted, stays as an old version and costs storage."
        remedy = "A lifecycle rule for noncurrent versions takes them away after a while."
        yield about("versioning", Status.WARN, title, detail, "versioning", remedy)
    elif facts.versioning.is_unknown and facts.owner is not Owner.OTHER:
        yield about.unread("versioning", f"Whether {facts.name} keeps old versions can't be read", facts.versioning)
    lock = facts.lock.value
    if lock is not None and lock.mode:
        kept = count(lock.days, "day") if lock.days else count(lock.years, "year")
        yield about(
            "object-lock",
            Status.WARN,
            f"Videos in {facts.name} can't be deleted for {kept}",
            f"Object Lock ({lock.mode}) locks each new file. Deleting, deleteRender() too, only hides it.",
            "object-lock",
            "Take another bucket if videos have to go away.",
        )
    elif lock is not None:
        title = f"{facts.name} has Object Lock, without a default"
        yield about("object-lock", Status.PASS, title, "New files are not locked by themselves.")
