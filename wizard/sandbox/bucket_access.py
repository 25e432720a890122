"""Buckets and keys as resources with policies of their own, in this account and in others: whose they are, who may.

Rests on "How Amazon S3 authorizes a request" and "Using server-side encryption with AWS KMS keys" (S3 User Guide: an
upload needs kms:GenerateDataKey, reading and the parts of a multipart upload kms:Decrypt), "Key policies in AWS KMS" and
"Grants in AWS KMS" (KMS Developer Guide), and on `x-amz-expected-bucket-owner` (Amazon S3 API Reference).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from wizard.policy.evaluate import Decision, Layer, Outcome, Policy
from wizard.sandbox.identify import Call
from wizard.sandbox.permissions import Need
from wizard.sandbox.principals import document_of
from wizard.sandbox.scenarios import ACCOUNT_ID

if TYPE_CHECKING:
    from moto.kms.models import Key
    from moto.s3.models import FakeBucket

OTHER_ACCOUNT_ID: Final = "210987654321"  # whose buckets stand for those of other accounts
_AWS_KEY: Final = "alias/aws/s3"
_UPLOADS: Final[Mapping[str, tuple[str, ...]]] = {
    "PutObject": ("kms:GenerateDataKey",),
    "CreateMultipartUpload": ("kms:GenerateDataKey",),
    "UploadPart": ("kms:GenerateDataKey", "kms:Decrypt"),
    "CompleteMultipartUpload": ("kms:Decrypt",),
}


def bucket_of(name: str, partition: str) -> FakeBucket | None:
    """The bucket of this name, whichever account of the partition owns it."""
    from moto.s3.models import s3_backends

    own: FakeBucket | None = s3_backends[ACCOUNT_ID][partition].buckets.get(name)
    if own is not None:
        return own
    owner = s3_backends.bucket_accounts.get(name)
    if owner is None or owner[0] != partition or owner[1] == ACCOUNT_ID:
        return None
    found: FakeBucket | None = s3_backends[owner[1]][partition].buckets.get(name)
    return found


def owner_of(resource: str) -> str:
    """The account that owns a bucket or a key, by the ARN of it or of something in it; ours for anything else."""
    parts = resource.split(":", 5)
    if len(parts) == 6 and parts[2] == "s3":
        bucket = bucket_of(parts[5].split("/", 1)[0], parts[1])
        return ACCOUNT_ID if bucket is None else str(bucket.account_id)
    return parts[4] if len(parts) == 6 and parts[2] == "kms" and parts[4] else ACCOUNT_ID


def expects_another_owner(call: Call) -> bool:
    """Whether a request names another account as the owner of the bucket than the one that owns it."""
    expected = call.message.header("x-amz-expected-bucket-owner")
    bucket = bucket_of(call.s3.bucket, call.partition) if call.s3 is not None and expected else None
    return bucket is not None and str(bucket.account_id) != expected


def resource_policies(need: Need) -> tuple[Policy, ...]:
    """The policy of the bucket or key that a permission is about."""
    parts = need.resource.split(":", 5)
    if len(parts) != 6:
        return ()
    if need.action.startswith("s3:") and parts[2] == "s3":
        name = parts[5].split("/", 1)[0]
        bucket = bucket_of(name, parts[1])
        text: Any = getattr(bucket, "policy", None)
        if not text:
            return ()
        document = document_of(text.decode() if isinstance(text, bytes) else text)
        return (Policy(f"bucket policy of {name}", document, name),)
    key = key_of(need.resource)
    return () if key is None else (Policy("key policy", document_of(str(key.policy)), need.resource),)


def key_of(arn: str) -> Key | None:
    """The KMS key of an ARN, in any account."""
    parts = arn.split(":", 5)
    if len(parts) != 6 or parts[2] != "kms" or not parts[5].startswith("key/"):
        return None
    from moto.kms.models import kms_backends

    found: Key | None = kms_backends[parts[4]][parts[3]].keys.get(parts[5].removeprefix("key/"))
    return found


def key_needs(call: Call) -> Iterator[Need]:
    """The permissions on a KMS key that a call of S3 needs as well."""
    s3 = call.s3
    bucket = bucket_of(s3.bucket, call.partition) if s3 is not None else None
    if s3 is None or bucket is None:
        return
    actions: tuple[str, ...]
    if s3.operation == "GetObject":
        held: Any = bucket.keys.get(s3.key)
        algorithm, key, actions = (
            str(held.encryption or "") if held else "",
            _text(held, "kms_key_id"),
            ("kms:Decrypt",),
        )
    else:
        algorithm, key = _encryption_of(call, bucket)
        actions = _UPLOADS.get(s3.operation, ())
    if not algorithm.startswith("aws:kms"):
        return
    arn = _key_arn(key, bucket)
    about = f"arn:{call.partition}:s3:::{s3.bucket}/{s3.key}"
    context = {
        "kms:ViaService": f"s3.{bucket.region_name}.amazonaws.com",
        "kms:CallerAccount": ACCOUNT_ID,
        "kms:EncryptionContext:aws:s3:arn": about,
        "kms:EncryptionContextKeys": "aws:s3:arn",
    }
    for action in actions:
        yield Need(action, arn, context)


def settle_key(need: Need, decision: Decision, caller: str, role: str) -> Decision:
    """What a key's own rules make of a decision: a key policy that names nobody of the account closes IAM out.

    `caller` and `role` are whom a grant may name. The key aws/s3 lets in everybody of its account, and nobody else.
    """
    if need.resource.endswith(_AWS_KEY):
        inside = bool(caller) and owner_of(need.resource) == ACCOUNT_ID
        inside = inside and decision.outcome is not Outcome.EXPLICIT_DENY
        return Decision(Outcome.ALLOWED if inside else Outcome.IMPLICIT_DENY, Layer.RESOURCE)
    key = key_of(need.resource)
    if key is None or decision.outcome is Outcome.EXPLICIT_DENY:
        return decision
    operation = need.action.partition(":")[2]
    for grant in key.grants.values():
        if grant.grantee_principal in {caller, role} and operation in grant.operations and not grant.constraints:
            return Decision(Outcome.ALLOWED, Layer.RESOURCE)
    named = any(match.layer is Layer.RESOURCE for match in decision.matched)
    return decision if named or not decision.allowed else Decision(Outcome.IMPLICIT_DENY, Layer.RESOURCE)


def _encryption_of(call: Call, bucket: FakeBucket) -> tuple[str, str]:
    """Algorithm and key of an upload: what the request says, else the bucket's default."""
    asked = call.message.header("x-amz-server-side-encryption")
    if asked:
        return asked, call.message.header("x-amz-server-side-encryption-aws-kms-key-id")
    rule: Any = (bucket.encryption or {}).get("Rule") or {}
    default = rule.get("ApplyServerSideEncryptionByDefault") or {}
    return str(default.get("SSEAlgorithm") or ""), str(default.get("KMSMasterKeyID") or "")


def _key_arn(key: str, bucket: FakeBucket) -> str:
    """The ARN of a key as a bucket or an object names it: an ARN, an id, or nothing for aws/s3."""
    if key.startswith("arn:"):
        return key
    here = f"arn:{bucket.partition}:kms:{bucket.region_name}:{bucket.account_id}"
    if not key or key == _AWS_KEY:
        return f"{here}:{_AWS_KEY}"
    return f"{here}:{key}" if key.startswith("alias/") else f"{here}:key/{key}"


def _text(held: Any, name: str) -> str:
    return str(getattr(held, name, None) or "")
