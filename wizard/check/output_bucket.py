"""The check of output buckets: what the preflight finds, what the role and the caller may do there, a live upload on request.

IAM's simulator is asked about identity policies, boundary and service control policies on the concrete ARNs. It takes a
bucket policy into account for users only (SimulatePrincipalPolicy, `ResourcePolicy`); for roles, and for key policies,
ACLs and grants, `wizard.output.decide` works out the rest.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Final

from wizard.account.connect import Aws, Keys
from wizard.account.discover import read_principal
from wizard.account.errors import code_of, is_denied, message_of
from wizard.account.snapshot import Identity, Principal
from wizard.check.findings import Finding, Status
from wizard.check.simulate import Verdict, simulate
from wizard.collect.answers import Answers
from wizard.collect.meaning import output_buckets, render_role
from wizard.output.decide import CALLER_USES, DELETE, LARGE, ROLE_USES, Actor, Ruling, Said, Use, decide
from wizard.output.decide import Identity as Asked
from wizard.output.facts import BucketFacts, Owner
from wizard.output.findings import bucket_findings, subject_of
from wizard.output.grant import TOLERATES_403_SINCE, Grant, Wish, role_grant, wish_of
from wizard.output.other_side import other_side
from wizard.output.preflight import read_buckets
from wizard.policy.evaluate import Outcome
from wizard.problem import ProblemError
from wizard.remotion.releases import Release
from wizard.secret import Secret
from wizard.text import listing

_FILE: Final = "renders/video.mp4"
_MEND: Final = "Let the wizard add what is missing: remotion-lambda-wizard setup"


@dataclass(frozen=True)
class OutputCheck:
    """What is to be checked about output buckets. `live` asks for an upload by the role's permissions."""

    buckets: tuple[str, ...]
    grant: Grant
    prefix: str
    delete: bool
    key: str
    role: str
    role_arn: str
    caller_kind: str
    caller: str
    regions: tuple[str, ...]
    release: Release
    live: bool = False


def output_check(
    answers: Answers, identity: Identity, caller: str, release: Release, *, live: bool = False
) -> OutputCheck:
    """Return what the answers ask to be checked about output buckets; with no bucket, nothing is."""
    role = render_role(answers)
    return OutputCheck(
        buckets=output_buckets(answers),
        grant="put-object" if answers.text("output_bucket.grant") == "put-object" else "complete",
        prefix=answers.text("output_bucket.prefix"),
        delete=answers.flag("output_bucket.delete"),
        key=answers.text("output_bucket.kms_key"),
        role=role.name,
        role_arn=role.arn(identity.partition, identity.account),
        caller_kind=answers.text("principal.kind"),
        caller=caller,
        regions=answers.texts("remotion.regions"),
        release=release,
        live=live,
    )


def check_output_buckets(aws: Aws, identity: Identity, request: OutputCheck | None) -> Iterator[Finding]:
    """Check every output bucket. Findings come one by one; nothing is changed, unless a live upload was asked for."""
    if request is None or not request.buckets:
        return
    found = read_buckets(aws, identity, request.buckets, request.key)
    role = _principal(aws, "role", request.role)
    caller = _principal(aws, request.caller_kind, request.caller) if request.grant == "complete" else None
    for facts in found.values():
        yield from _check_bucket(aws, identity, request, facts, role, caller)


def _principal(aws: Aws, kind: str, name: str) -> Principal | None:
    try:
        return read_principal(aws, kind, name).value
    except ProblemError:
        return None  # the check of the principal itself tells why


def _check_bucket(
    aws: Aws,
    identity: Identity,
    request: OutputCheck,
    facts: BucketFacts,
    role: Principal | None,
    caller: Principal | None,
) -> Iterator[Finding]:
    wish = wish_of(facts.name, request.grant, identity.partition, request.prefix, request.delete, request.key, facts)
    actor = _actor("role", request.role, request.role_arn, role)
    yield from bucket_findings(facts, wish, request.regions, actor, identity.account)
    if facts.owner is Owner.ABSENT:
        return
    if facts.owner is Owner.OTHER:
        yield _other_side(facts, wish, request, actor, caller)
    if role is None:
        title = f"Can't tell what {request.role} may do with {facts.name}"
        yield _finding(facts, "upload.no-acl", Status.UNKNOWN, title, "The role is not there, or can't be read.")
    else:
        yield from _check_role(aws, request, facts, wish, actor)
        yield from _too_wide(aws, request, facts, wish, actor)
    if caller is not None:
        reader = _actor(request.caller_kind, request.caller, caller.arn, caller)
        yield from _check_caller(aws, request, facts, wish, reader)
    if request.live:
        yield from live_upload(aws, identity, facts, wish, actor)


def _actor(kind: str, name: str, arn: str, principal: Principal | None) -> Actor:
    return Actor(kind, name, principal.arn if principal else arn, principal.tags if principal else {})


def _finding(
    facts: BucketFacts, what: str, status: Status, title: str, detail: str = "", cause: str = "", remedy: str = ""
) -> Finding:
    name = facts.name
    return Finding(f"output-bucket.{name}.{what}", subject_of(name), status, title, detail, cause, remedy)


def _other_side(
    facts: BucketFacts, wish: Wish, request: OutputCheck, actor: Actor, caller: Principal | None
) -> Finding:
    asked = other_side(wish, actor.arn, caller.arn if caller else "", request.release, facts.region)
    statements = json.dumps(asked.bucket_document["Statement"])
    key = f" And to the key policy: {json.dumps(asked.key_document['Statement'])}" if asked.key_policy else ""
    return _finding(
        facts,
        "other-side",
        Status.UNKNOWN,
        f"The other side's part can't be seen from here: the bucket policy of {facts.name}",
        f"Its owner has to add: {statements}{key}",
        "other-account",
        "To copy or save them: remotion-lambda-wizard policies output-bucket --other-side --bucket " + facts.name,
    )


# What they may do


def _check_role(aws: Aws, request: OutputCheck, facts: BucketFacts, wish: Wish, actor: Actor) -> Iterator[Finding]:
    uses = list(ROLE_USES)
    if wish.key or facts.encryption.is_unknown:
        uses.append(LARGE)
    if wish.delete:
        uses.append(DELETE)
    key = wish.prefix + _FILE
    asked = ask_identity(aws, facts, uses, actor, key)
    rulings = {use.id: decide(facts, use, actor, asked, key) for use in uses}
    for use in uses:
        yield _role_finding(request, facts, use, rulings[use.id], actor)


def _role_finding(request: OutputCheck, facts: BucketFacts, use: Use, ruling: Ruling, actor: Actor) -> Finding:
    if ruling.allowed:
        return _finding(facts, use.id, Status.PASS, f"{actor.name} can {use.title}")
    if ruling.allowed is None:
        title = f"Can't tell whether {actor.name} can {use.title}"
        return _finding(facts, use.id, Status.UNKNOWN, title, ruling.sentence, ruling.cause, ruling.remedy)
    status, cost = _weight(request, use, ruling)
    remedy = ruling.remedy or _MEND
    title = f"{actor.name} can't {use.title}"
    return _finding(facts, use.id, status, title, f"{ruling.sentence} {cost}".strip(), ruling.cause, remedy)


def _weight(request: OutputCheck, use: Use, ruling: Ruling) -> tuple[Status, str]:
    """How bad a refusal is, and what it costs: with the documented minimum much is refused that nobody promised."""
    minimum = request.grant == "put-object"
    if use.id in {"upload.no-acl", "upload.large"}:
        return Status.FAIL, "Rendering to this bucket fails at the very end."
    if use.acl:
        lacks = minimum or ruling.cause in {"acls-off", "public-access-block"}
        return Status.WARN if lacks else Status.FAIL, 'privacy: "no-acl" does not need it.'
    if use.id == "look":
        if request.release < TOLERATES_403_SINCE:
            text = f"Remotion {request.release} then fails before it renders, unless overwrite: true."
            return Status.WARN if minimum else Status.FAIL, text
        return Status.WARN if minimum else Status.FAIL, "S3 then answers 403, which Remotion takes for “not there”."
    return Status.WARN if minimum else Status.FAIL, ""


def _check_caller(aws: Aws, request: OutputCheck, facts: BucketFacts, wish: Wish, actor: Actor) -> Iterator[Finding]:
    uses = [*CALLER_USES, *([DELETE] if wish.delete else [])]
    key = wish.prefix + _FILE
    asked = ask_identity(aws, facts, uses, actor, key)
    for use in uses:
        ruling = decide(facts, use, actor, asked, key)
        found = _role_finding(request, facts, use, ruling, actor)
        yield replace(found, id=f"output-bucket.{facts.name}.caller.{use.id}")


def ask_identity(aws: Aws, facts: BucketFacts, uses: Sequence[Use], actor: Actor, key: str) -> Asked:
    """Ask IAM's simulator for everything that the uses need, and return the answers by action and resource."""
    bucket = f"arn:{actor.arn.split(':')[1]}:s3:::{facts.name}"
    keys = facts.key.value
    wanted: dict[str, list[str]] = {}
    for use in uses:
        for resource, actions in ((bucket, use.bucket), (f"{bucket}/{key}", use.objects)):
            wanted.setdefault(resource, []).extend(actions)
        if keys is not None:
            wanted.setdefault(keys.arn, []).extend(use.keys)
    whole = actor.kind == "user" and facts.owner is Owner.MINE and facts.policy.value is not None
    with ThreadPoolExecutor(max_workers=3) as pool:
        asked = {
            resource: pool.submit(_simulated, aws, facts, actor, tuple(dict.fromkeys(actions)), resource, whole)
            for resource, actions in wanted.items()
            if actions
        }
        answers = {resource: future.result() for resource, future in asked.items()}

    def said(action: str, resource: str) -> Said:
        return answers.get(resource, {}).get(action.lower(), Said(None, sentence="IAM's simulator gave no answer."))

    return said


def _simulated(
    aws: Aws, facts: BucketFacts, actor: Actor, actions: Sequence[str], resource: str, whole: bool
) -> dict[str, Said]:
    with_policy = whole and ":s3:::" in resource
    text = json.dumps(facts.policy.value) if with_policy and facts.policy.value is not None else ""
    try:
        verdicts = simulate(aws, actor.arn, actions, (resource,), resource_policy=text)
    except Exception as error:
        sentence = f"IAM's simulator can't be asked: {message_of(error)}"
        return {action.lower(): Said(None, sentence=sentence) for action in actions}
    return {verdict.action.lower(): _said(verdict, actor, with_policy) for verdict in verdicts}


def _said(verdict: Verdict, actor: Actor, whole: bool) -> Said:
    if verdict.missing_context and not verdict.allowed and verdict.decision != "explicitDeny":
        keys = listing(verdict.missing_context)
        return Said(None, sentence=f"A policy of {actor.name} asks for {keys}, which only a real call has.")
    if verdict.allowed:
        return Said(Outcome.ALLOWED, whole=whole)
    if verdict.by_organization is False:
        text = f"A service control policy of your organisation does not allow {verdict.action}."
        return Said(Outcome.IMPLICIT_DENY, final=True, sentence=text)
    if verdict.decision == "explicitDeny":
        matched = listing([m for m in verdict.matched if m]) or "a policy"
        text = f"A Deny statement in {matched} forbids {verdict.action} to {actor.name}."
        return Said(Outcome.EXPLICIT_DENY, final=True, sentence=text)
    return Said(Outcome.IMPLICIT_DENY, by_boundary=verdict.by_boundary is False, whole=whole)


# What they may not do


def _too_wide(aws: Aws, request: OutputCheck, facts: BucketFacts, wish: Wish, actor: Actor) -> Iterator[Finding]:
    """Ask for more than was granted: a bucket whose name only begins the same, and keys outside of the prefix."""
    actions = tuple(a for a in role_grant(wish, request.release).actions if a.startswith("s3:") and "Object" in a)
    others = [("other-bucket", f"{wish.bucket_arn}-of-others/{wish.prefix}{_FILE}", "a bucket with a similar name")]
    if wish.prefix:
        others.append(("outside-prefix", f"{wish.bucket_arn}/outside/{_FILE}", f"files outside of {wish.prefix}"))
    for what, resource, shown in others:
        identifier = f"least-privilege.{what}"
        try:
            allowed = [v for v in simulate(aws, actor.arn, actions, (resource,)) if v.allowed]
        except Exception as error:
            title = f"Can't tell whether {actor.name} may touch {shown}"
            yield _finding(facts, identifier, Status.UNKNOWN, title, message_of(error))
            continue
        if not allowed:
            detail = f"{listing(actions)}: denied"
            yield _finding(facts, identifier, Status.PASS, f"{actor.name} can't touch {shown}", detail)
            continue
        through = listing(sorted({m for v in allowed for m in v.matched if m})) or "one of its policies"
        detail = f"{listing([v.action for v in allowed])}: allowed by {through}."
        remedy = "Take the policy away if nothing else needs it."
        yield _finding(facts, identifier, Status.FAIL, f"{actor.name} may touch {shown}", detail, "too-wide", remedy)


# The live upload


def live_upload(aws: Aws, identity: Identity, facts: BucketFacts, wish: Wish, actor: Actor) -> Iterator[Finding]:
    """Upload and delete one small file with the render role's own permissions, as the render function does.

    AWS operations: sts:AssumeRole, s3:PutObject with ExpectedBucketOwner, s3:DeleteObject. Where the role can't be taken
    (its trust policy lets in AWS Lambda alone, as it should) that is told, and nothing is done.
    """
    try:
        taken = aws.client("sts").assume_role(
            RoleArn=actor.arn, RoleSessionName="remotion-lambda-wizard", DurationSeconds=900
        )["Credentials"]
    except Exception as error:
        detail = (
            f"Its trust policy does not let you take it, and that is right: only AWS Lambda has to. {message_of(error)}"
            if is_denied(error)
            else message_of(error)
        )
        remedy = "Render a video to the bucket to see it for certain."
        title = f"A live upload as {actor.name} can't be tried"
        yield _finding(facts, "live", Status.UNKNOWN, title, detail, "not-assumable", remedy)
        return
    keys = Keys(str(taken["AccessKeyId"]), Secret(str(taken["SecretAccessKey"])), Secret(str(taken["SessionToken"])))
    s3 = aws.with_keys(keys).client("s3", facts.region, attempts=1)
    key = f"{wish.prefix}remotion-lambda-wizard-probe-{secrets.token_hex(8)}.txt"
    where = {"Bucket": facts.name, "Key": key}
    try:
        made = s3.put_object(
            **where, Body=b"A probe of remotion-lambda-wizard. It may be deleted.", ExpectedBucketOwner=identity.account
        )
    except Exception as error:
        detail = f"{code_of(error)}: {message_of(error)}"
        yield _finding(facts, "live", Status.FAIL, f"A live upload as {actor.name} failed", detail, "refused", _MEND)
        return
    left = _deleted(s3, aws, facts, where, str(made.get("VersionId") or ""))
    detail = f"{key}: uploaded as the render function does it{' and deleted again' if not left else ''}."
    yield _finding(facts, "live", Status.PASS, f"A live upload as {actor.name} worked", detail)
    if left:
        title = f"The probe {key} is still in {facts.name}"
        remedy = f"aws s3 rm s3://{facts.name}/{key}"
        yield _finding(facts, "live.left", Status.WARN, title, left, "not-deleted", remedy)


def _deleted(s3: Any, aws: Aws, facts: BucketFacts, where: dict[str, str], version: str) -> str:
    """Delete the probe as the role, or else as the one who runs this; what went wrong, "" if it is gone."""
    asked = {**where, "VersionId": version} if version and version != "null" else where
    problem = ""
    for client in (s3, aws.client("s3", facts.region)):
        try:
            client.delete_object(**asked)
            return ""
        except Exception as error:
            problem = message_of(error)
    return problem


def preflight(aws: Aws, identity: Identity, answers: Answers, bucket: str) -> tuple[Finding, ...]:
    """Read one bucket, and return what is to be known about it before anything is granted."""
    request = output_check(answers, identity, "", Release(0, 0, 0))
    facts = read_buckets(aws, identity, (bucket,), request.key)[bucket]
    wish = wish_of(bucket, request.grant, identity.partition, request.prefix, request.delete, request.key, facts)
    actor = _actor("role", request.role, request.role_arn, _principal(aws, "role", request.role))
    return bucket_findings(facts, wish, request.regions, actor, identity.account)
