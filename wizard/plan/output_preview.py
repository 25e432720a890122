"""The live preview of an output bucket: what was found about it, what is granted and why, what its owner has to add. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from wizard.account.snapshot import AccountSnapshot, Identity
from wizard.check.findings import Finding
from wizard.collect.answers import Answers
from wizard.collect.meaning import function_of, is_role, principal_name, render_role, role_reference
from wizard.output.decide import Actor
from wizard.output.facts import BucketFacts, Owner
from wizard.output.findings import bucket_findings
from wizard.output.grant import Granted, caller_grant, notes, role_grant, wish_of
from wizard.output.other_side import OtherSide, other_side
from wizard.remotion.releases import Release


@dataclass(frozen=True)
class BucketPreview:
    """One output bucket as the answers stand: findings, both grants with their names, and the other account's part.

    `read` is None where the caller gets nothing, `other` where the bucket is not another account's.
    """

    bucket: str
    role: str
    upload: Granted
    caller: str
    read: Granted | None = None
    notes: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    other: OtherSide | None = None


def bucket_preview(
    answers: Answers,
    bucket: str,
    release: Release,
    identity: Identity | None = None,
    facts: BucketFacts | None = None,
    snapshot: AccountSnapshot | None = None,
) -> BucketPreview:
    """Return the preview of a bucket. Without `facts` it was not read yet, and nothing is known about it."""
    partition, account = (identity.partition, identity.account) if identity else ("aws", "123456789012")
    known = facts or BucketFacts(bucket, Owner.UNKNOWN)
    wish = wish_of(
        bucket,
        "put-object" if answers.text("output_bucket.grant") == "put-object" else "complete",
        partition,
        answers.text("output_bucket.prefix"),
        answers.flag("output_bucket.delete"),
        answers.text("output_bucket.kms_key"),
        known,
    )
    role = snapshot.render_role.value if snapshot else None
    reference = render_role(answers)
    arn = role.arn if role else reference.arn(partition, account)
    actor = Actor("role", reference.name, arn, role.tags if role else {})
    found = bucket_findings(known, wish, answers.texts("remotion.regions"), actor, account) if facts else ()
    foreign = known.owner is Owner.OTHER
    caller = principal_name(answers) or (snapshot.principal_name if snapshot else "") or function_of(answers)
    return BucketPreview(
        bucket,
        actor.name,
        role_grant(wish, release),
        caller,
        caller_grant(wish),
        notes(wish, release),
        found,
        other_side(wish, arn, _caller_arn(answers, snapshot, partition, account), release, known.region)
        if foreign
        else None,
    )


def _caller_arn(answers: Answers, snapshot: AccountSnapshot | None, partition: str, account: str) -> str:
    """The caller's ARN; "" for a function's execution role that was not looked up yet."""
    caller = snapshot.principal.value if snapshot else None
    if caller is not None:
        return caller.arn
    if not is_role(answers):
        return f"arn:{partition}:iam::{account}:user{answers.text('principal.path')}{principal_name(answers)}"
    name = answers.text("principal.name")
    return role_reference(name).arn(partition, account) if name else ""
