"""Whether a principal can do with an output bucket what Remotion does: identity, bucket and key policy, ACLs, grants. Pure.

Sources: "How Amazon S3 authorizes a request", "Controlling ownership of objects", "Blocking public access to your Amazon
S3 storage" (S3 User Guide); "Key policies in AWS KMS", "Grants in AWS KMS" (KMS Developer Guide); "Cross-account policy
evaluation logic" (IAM User Guide).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from wizard.output.facts import BucketFacts, Key, Owner
from wizard.policy.evaluate import Decision, Layer, Outcome, Policy, PolicySet, Request, evaluate
from wizard.text import listing

OTHER_ACCOUNT: Final = "other-account"  # stands for the account that owns somebody else's bucket
_ANYTHING: Final = Policy(
    "identity", {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
)
# Condition keys that a call of a render function certainly does not have, where the request built here lacks them.
_ABSENT: Final = (
    "s3:",
    "kms:",
    "aws:principaltag/",
    "aws:requesttag/",
    "aws:tagkeys",
    "aws:sourcevpc",
    "aws:sourcearn",
    "aws:sourceaccount",
    "aws:sourceowner",
    "aws:multifactorauth",
    "aws:federatedprovider",
    "aws:referer",
)


@dataclass(frozen=True)
class Actor:
    """Who does it: an IAM user or role. A role's calls are made by a session of it."""

    kind: str
    name: str
    arn: str
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def account(self) -> str:
        return self.arn.split(":")[4]

    @property
    def principal(self) -> str:
        """The ARN that AWS sees in a call."""
        if self.kind != "role":
            return self.arn
        partition = self.arn.split(":")[1]
        return f"arn:{partition}:sts::{self.account}:assumed-role/{self.name}/remotion-render"


@dataclass(frozen=True)
class Said:
    """What the actor's own policies say to an action on a resource.

    `outcome` is None where it could not be asked. `whole` means that the bucket policy was part of the question.
    """

    outcome: Outcome | None
    by_boundary: bool = False  # the permissions boundary does not allow it
    final: bool = False  # a service control policy or a Deny: no resource policy can lift it
    whole: bool = False
    sentence: str = ""


Identity = Callable[[str, str], Said]


def allows_everything(_action: str, _resource: str) -> Said:
    """The identity of one who has every permission: what then stands in the way is the bucket's side."""
    return Said(Outcome.ALLOWED)


@dataclass(frozen=True)
class Use:
    """One thing that is done with the bucket. `acl` is the canned ACL that an upload carries, `keys` the KMS actions."""

    id: str
    title: str
    bucket: tuple[str, ...] = ()  # actions on the bucket
    objects: tuple[str, ...] = ()  # actions on an object
    keys: tuple[str, ...] = ()
    acl: str = ""


@dataclass(frozen=True)
class Ruling:
    """Whether it can be done: True, False, or None where it can't be told; the cause's word, a sentence, the remedy."""

    allowed: bool | None
    cause: str = ""
    sentence: str = ""
    remedy: str = ""


ROLE_USES: Final = (
    Use("upload.no-acl", 'upload with privacy: "no-acl"', objects=("s3:PutObject",), keys=("kms:GenerateDataKey",)),
    Use(
        "upload.private",
        'upload with privacy: "private"',
        objects=("s3:PutObject", "s3:PutObjectAcl"),
        keys=("kms:GenerateDataKey",),
        acl="private",
    ),
    Use(
        "upload.public",
        'upload with privacy: "public"',
        objects=("s3:PutObject", "s3:PutObjectAcl"),
        keys=("kms:GenerateDataKey",),
        acl="public-read",
    ),
    Use("look", "look whether a file is there", bucket=("s3:ListBucket",), objects=("s3:GetObject",)),
    Use("read", "read a file", objects=("s3:GetObject",), keys=("kms:Decrypt",)),
    Use("location", "ask for its region", bucket=("s3:GetBucketLocation",)),
)
LARGE: Final = Use(
    "upload.large",
    "upload more than 5 MB",
    objects=("s3:PutObject",),
    keys=("kms:GenerateDataKey", "kms:Decrypt"),
)
DELETE: Final = Use("delete", "delete a file", objects=("s3:DeleteObject",))
CALLER_USES: Final = (
    Use("read", "download a video", objects=("s3:GetObject",), keys=("kms:Decrypt",)),
    Use("list", "look whether a video is there", bucket=("s3:ListBucket",)),
)


def decide(facts: BucketFacts, use: Use, actor: Actor, identity: Identity, key: str) -> Ruling:
    """Say whether `actor` can do `use` on objects under `key`, a full object key.

    What certainly stands in the way outweighs what can't be told.
    """
    partition = actor.arn.split(":")[1]
    bucket_arn = f"arn:{partition}:s3:::{facts.name}"
    rulings = [_acl(facts, use)] if use.acl else []
    rulings += [_s3(facts, action, bucket_arn, use, actor, identity) for action in use.bucket]
    rulings += [_s3(facts, action, f"{bucket_arn}/{key}", use, actor, identity) for action in use.objects]
    if use.keys:
        rulings += [_kms(facts, action, bucket_arn, key, actor, identity) for action in use.keys]
    worst = [r for r in rulings if r.allowed is False] or [r for r in rulings if r.allowed is None]
    return worst[0] if worst else Ruling(True)


def _acl(facts: BucketFacts, use: Use) -> Ruling:
    if facts.acls_off:
        return Ruling(
            False,
            "acls-off",
            "ACLs are off in this bucket (BucketOwnerEnforced): S3 answers AccessControlListNotSupported.",
            'Render with privacy: "no-acl" (on the command line: --privacy=no-acl).',
        )
    if use.acl == "public-read" and facts.blocks_public_acls:
        where = "the bucket" if "BlockPublicAcls" in (facts.blocked.value or ()) else "the account"
        return Ruling(
            False,
            "public-access-block",
            f"The public access block of {where} refuses uploads with a public ACL (BlockPublicAcls).",
            'Render with privacy: "private" or "no-acl", and share videos by presignUrl().',
        )
    if facts.acls_off is None:
        return Ruling(None, "denied-read", "Whether the bucket takes ACLs can't be read.", _SAFE)
    if use.acl == "public-read" and facts.blocks_public_acls is None:
        return Ruling(None, "denied-read", "Whether public ACLs are blocked can't be read.", _SAFE)
    return Ruling(True)


_SAFE: Final = 'privacy: "no-acl" works with every bucket.'


def _s3(facts: BucketFacts, action: str, resource: str, use: Use, actor: Actor, identity: Identity) -> Ruling:
    said = identity(action, resource)
    foreign = facts.owner is Owner.OTHER
    if said.final or (foreign and said.outcome not in {None, Outcome.ALLOWED}):
        return _own_side(actor, action, said)
    if said.outcome is None:
        return Ruling(None, "", said.sentence)
    if said.whole:
        return Ruling(True) if said.outcome is Outcome.ALLOWED else _own_side(actor, action, said)
    if facts.policy.is_unknown:
        if foreign:
            text = f"{actor.name} is allowed {action} by its own policies. The other account must allow it too."
            return Ruling(None, "other-account", text, "Have the bucket's owner add the statement.")
        return Ruling(None, "denied-read", "The bucket policy can't be read; it may forbid this.")
    account = OTHER_ACCOUNT if foreign else actor.account
    context = {"s3:ResourceAccount": account, "aws:ResourceAccount": account} | (
        {"s3:x-amz-acl": use.acl} if use.acl else {}
    )
    request = _request(actor, action, resource, account, context)
    document = facts.policy.value
    resource_policies = () if document is None else (Policy(f"bucket policy of {facts.name}", document),)
    decision = evaluate(request, _policies(said, resource_policies))
    return _ruled(decision, actor, said, action, f"The bucket policy of {facts.name}")


def _kms(facts: BucketFacts, action: str, bucket_arn: str, key: str, actor: Actor, identity: Identity) -> Ruling:
    foreign = facts.owner is Owner.OTHER
    encryption = facts.encryption.value
    if encryption is not None and not encryption.uses_kms:
        return Ruling(True)
    if (encryption is not None and encryption.is_aws_managed) or _manager(facts) == "AWS":
        if not foreign:
            return Ruling(True)  # its key policy lets everybody of the account in who comes through S3
        text = "The bucket is encrypted with its account's aws/s3 key, which no other account can use."
        return Ruling(False, "aws-managed-key", text, "Have the owner choose a customer key, or SSE-S3.")
    found = facts.key.value
    if found is None and encryption is None and not facts.encryption.is_absent:
        return Ruling(None, "denied-read", "How the bucket is encrypted can't be read; with a key, more is needed.")
    if found is None:
        return Ruling(True) if encryption is None else Ruling(None, "denied-read", "The bucket's key can't be read.")
    if found.state not in {"", "Enabled"}:
        text = f"The key {found.arn} is {found.state}: nothing can be encrypted with it."
        return Ruling(False, "key-state", text, "Enable the key, or choose another one for the bucket.")
    return _with_key(facts, found, action, bucket_arn, key, actor, identity(action, found.arn))


def _manager(facts: BucketFacts) -> str:
    return facts.key.value.manager if facts.key.value else ""


def _with_key(
    facts: BucketFacts, found: Key, action: str, bucket_arn: str, key: str, actor: Actor, said: Said
) -> Ruling:
    if said.final or (found.account != actor.account and said.outcome not in {None, Outcome.ALLOWED}):
        return _own_side(actor, action, said)
    if said.outcome is None:
        return Ruling(None, "", said.sentence)
    if found.policy.value is None:
        text = f"The key policy of {found.arn} can't be read; it must let {actor.name} in."
        return Ruling(None, "denied-read" if found.account == actor.account else "other-account", text)
    bucket_key = facts.encryption.value is not None and facts.encryption.value.bucket_key
    context = {
        "kms:CallerAccount": actor.account,
        "kms:ViaService": f"s3.{facts.region or found.arn.split(':')[3]}.amazonaws.com",
        "kms:EncryptionContext:aws:s3:arn": bucket_arn if bucket_key else f"{bucket_arn}/{key}",
        "kms:EncryptionContextKeys": "aws:s3:arn",
    }
    request = _request(actor, action, found.arn, found.account, context)
    decision = evaluate(request, _policies(said, (Policy("key policy", found.policy.value),)))
    named = any(match.layer is Layer.RESOURCE for match in decision.matched)
    granted = action.partition(":")[2] in found.grants.get(actor.arn, frozenset())
    if granted and decision.outcome is not Outcome.EXPLICIT_DENY:
        return Ruling(True)
    if decision.allowed and not named:
        return Ruling(
            False,
            "key-policy",
            f"The key policy of {found.arn} does not let {actor.name} in, nor the account as a whole.",
            "Whoever manages the key can add to its policy: "
            f'{{"Effect": "Allow", "Principal": {{"AWS": "{actor.arn}"}}, "Action": ["kms:GenerateDataKey", "kms:Decrypt"], '
            '"Resource": "*"}',
        )
    return _ruled(decision, actor, said, action, f"The key policy of {found.arn}")


def _request(actor: Actor, action: str, resource: str, account: str, context: Mapping[str, str]) -> Request:
    known = {
        "aws:PrincipalArn": actor.arn,
        "aws:SecureTransport": "true",
        "aws:ViaAWSService": "false",
        "aws:PrincipalIsAWSService": "false",
        **{f"aws:PrincipalTag/{key}": value for key, value in actor.tags.items()},
    }
    return Request(action, resource, actor.principal, actor.account, account, {**known, **context})


def _policies(said: Said, resource: tuple[Policy, ...]) -> PolicySet:
    may = said.outcome is Outcome.ALLOWED or said.by_boundary
    return PolicySet(identity=(_ANYTHING,) if may else (), boundary=() if said.by_boundary else None, resource=resource)


def _ruled(decision: Decision, actor: Actor, said: Said, action: str, whose: str) -> Ruling:
    open_keys = [key for key in decision.missing_context if not key.lower().startswith(_ABSENT)]
    if open_keys:
        text = f"{whose} asks for {listing(open_keys)}, which only a real call has."
        return Ruling(None, "missing-context", text)
    if decision.allowed:
        return Ruling(True)
    if decision.outcome is Outcome.EXPLICIT_DENY:
        sid = next((f" “{match.sid}”" for match in decision.matched if match.sid), "")
        return Ruling(
            False,
            "explicit-deny",
            f"{whose} forbids {action} to {actor.name}: a Deny statement{sid}. No permission of the role can lift it.",
            "Whoever manages the bucket can except the role from the Deny, by its ARN in aws:PrincipalArn.",
        )
    if decision.layer is Layer.RESOURCE:
        return Ruling(
            False, "missing-statement", f"{whose} does not allow {action} to {actor.name}.", "Add the statement."
        )
    return _own_side(actor, action, said)


def _own_side(actor: Actor, action: str, said: Said) -> Ruling:
    sentence = said.sentence or f"No policy of {actor.name} allows {action}."
    cause = "explicit-deny" if said.outcome is Outcome.EXPLICIT_DENY else "missing-statement"
    if said.by_boundary:
        cause, sentence = "permissions-boundary", f"The permissions boundary of {actor.name} does not allow {action}."
    return Ruling(False, cause, sentence, "Let the wizard add it: output_bucket.grant = complete")
