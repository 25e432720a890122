"""The permissions on an output bucket, with the reason for each action and what does not work without it. Pure.

Sources: remotion.dev/docs/lambda/without-iam (the documented statement), remotion.dev/docs/lambda/custom-destination, and
the code of @remotion/lambda-client 4.0.527: its upload (`writeFile`), its look for an existing file (`headFile`),
`deleteRender`, `downloadMedia` and `presignUrl`; for KMS the reference of PutObject and "Uploading an object using
multipart upload" (Amazon S3).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

from wizard.output.facts import BucketFacts
from wizard.policy import documents
from wizard.policy.documents import Document, Statement
from wizard.remotion.catalogue import StatementReason
from wizard.remotion.releases import Release

Grant = Literal["complete", "put-object"]

_Part = tuple[str, str, tuple[tuple[str, str, str], ...], str]  # Sid, title, actions with reason and cost, resource

POLICY: Final = "remotion-output-"  # with the bucket's name behind it: the render role's policy
READ_POLICY: Final = "remotion-read-output-"  # the caller's
SID: Final = "RemotionOutput"
TOLERATES_403_SINCE: Final = Release(4, 0, 523)  # the look for an existing file may be refused from here on

_PUT = ("s3:PutObject", "Uploads the video.", "every upload ends in AccessDenied")
_ACL = (
    "s3:PutObjectAcl",
    'Uploads with privacy "public" (the default) or "private" carry an ACL.',
    'only privacy: "no-acl" works',
)
_LOCATION = ("s3:GetBucketLocation", "Tells tools in which region the bucket is.", "uploads still work")
_DELETE = (
    "s3:DeleteObject",
    "Takes a video away again; you asked for it.",
    "files stay until somebody else deletes them",
)
_DATA_KEY = ("kms:GenerateDataKey", "S3 asks for a data key for each upload.", "every upload ends in AccessDenied")
_DECRYPT = (
    "kms:Decrypt",
    "Reads the file back, and puts an upload of more than 5 MB together.",
    "large uploads and every download end in AccessDenied",
)


@dataclass(frozen=True)
class Wish:
    """What is wanted for one bucket. `acls` is False only where ACLs are off for certain; `key` is a customer key's ARN."""

    bucket: str
    grant: Grant = "complete"
    partition: str = "aws"
    prefix: str = ""
    delete: bool = False
    acls: bool = True
    key: str = ""

    @property
    def bucket_arn(self) -> str:
        return f"arn:{self.partition}:s3:::{self.bucket}"

    @property
    def objects_arn(self) -> str:
        return f"{self.bucket_arn}/{self.prefix}*"


@dataclass(frozen=True)
class Granted:
    """A policy document, and why each of its statements is there."""

    document: dict[str, Any]
    reasons: tuple[StatementReason, ...]

    @property
    def actions(self) -> tuple[str, ...]:
        return tuple(action for reason in self.reasons for action, _, _ in reason.actions)


def wish_of(bucket: str, grant: Grant, partition: str, prefix: str, delete: bool, key: str, facts: BucketFacts) -> Wish:
    """Return what is wanted for a bucket, with what was found about it: ACLs that are off, a customer key."""
    return Wish(bucket, grant, partition, prefix, delete, facts.acls_off is not True, facts.customer_key or key)


def role_grant(wish: Wish, release: Release) -> Granted:
    """Return what the render role gets: it is who uploads. "put-object" is the documented statement and no more."""
    if wish.grant == "put-object":
        return _documented(wish)
    objects = [_PUT, _reads(release)]
    objects += [_ACL] if wish.acls else []
    objects += [_DELETE] if wish.delete else []
    parts: list[_Part] = [
        ("Bucket", "The output bucket", (_lists(release), _LOCATION), wish.bucket_arn),
        ("Objects", "Files in the output bucket", tuple(objects), wish.objects_arn),
    ]
    if wish.key:
        parts.append(("Key", "The key that encrypts them", (_DATA_KEY, _DECRYPT), wish.key))
    return _granted(parts)


def caller_grant(wish: Wish) -> Granted | None:
    """Return what the caller gets to read the output; None with the documented minimum, which gives it nothing.

    `deleteRender()` runs with the caller's credentials, so it is the caller who needs s3:DeleteObject.
    """
    if wish.grant == "put-object":
        return None
    read = (
        "s3:GetObject",
        "downloadMedia(), presignUrl() and getRenderProgress() read the file.",
        "downloads and presigned links end in AccessDenied",
    )
    listed = (
        "s3:ListBucket",
        "With it, a file that is not there yet is told apart from one that may not be read.",
        "getRenderProgress() with skipLambdaInvocation reports a 403 in place of progress",
    )
    delete = ("s3:DeleteObject", "deleteRender() deletes the video.", "deleteRender() ends in AccessDenied")
    objects = (read, delete) if wish.delete else (read,)
    parts: list[_Part] = [
        ("ReadBucket", "The output bucket", (listed,), wish.bucket_arn),
        ("ReadObjects", "Files in the output bucket", objects, wish.objects_arn),
    ]
    if wish.key:
        parts.append(
            ("ReadKey", "The key that encrypts them", (("kms:Decrypt", "Reads the file.", read[2]),), wish.key)
        )
    return _granted(parts)


def notes(wish: Wish, release: Release) -> tuple[str, ...]:
    """Say what the documented minimum leaves out, each in one sentence. Nothing for the complete grant."""
    if wish.grant == "complete":
        return ()
    found = []
    if wish.acls:
        found.append(
            'Without s3:PutObjectAcl only privacy: "no-acl" works; Remotion\'s default is privacy: "public", which ends in '
            "AccessDenied."
        )
    if release < TOLERATES_403_SINCE:
        found.append(
            f"Remotion {release} looks first whether the file is there, and takes a 403 for a failure: render with "
            f"overwrite: true, or upgrade to {TOLERATES_403_SINCE}."
        )
    if wish.key:
        found.append(
            "The bucket is encrypted with a key of your own, for which the documented policy has no permission: uploads "
            "end in AccessDenied. Choose the complete grant."
        )
    found.append("The caller can't read the result: downloadMedia() and presignUrl() need the complete grant.")
    return tuple(found)


def is_ours(statement: Statement, bucket: str) -> bool:
    """Whether a statement is one that this wizard writes for the bucket, with any settings."""
    if str(statement.get("Sid", "")).startswith(SID):
        return True
    actions = [action.lower() for action in documents.texts(statement, "Action")]
    resources = [resource.split(":::", 1)[-1] for resource in documents.texts(statement, "Resource")]
    plain = statement.keys() <= {"Action", "Resource", "Effect"} and statement.get("Effect") == "Allow"
    return plain and actions == ["s3:putobject"] and all(r == bucket or r.startswith(f"{bucket}/") for r in resources)


def key_statements(document: Document) -> list[Statement]:
    """Return our statements about a key: they stay where the bucket's encryption can't be read any more."""
    return [s for s in documents.statements(document) if str(s.get("Sid", "")) in {f"{SID}Key", f"{SID}ReadKey"}]


def _reads(release: Release) -> tuple[str, str, str]:
    return "s3:GetObject", "With overwrite: false, Remotion looks first whether the file is there.", _look(release)


def _lists(release: Release) -> tuple[str, str, str]:
    why = "Without it, S3 answers 403 where a file is not there. A prefix does not narrow it: S3 has it for whole buckets."
    return "s3:ListBucket", why, _look(release)


def _look(release: Release) -> str:
    if release < TOLERATES_403_SINCE:
        return "rendering ends in “got a 403 error when heading the file”, unless overwrite: true"
    return "that look is refused, which this release takes for “not there”: the upload itself still works"


def _documented(wish: Wish) -> Granted:
    """The statement of remotion.dev/docs/lambda/without-iam, letter by letter; with a prefix, only that of the objects."""
    resources = [wish.objects_arn] if wish.prefix else [wish.bucket_arn, f"{wish.bucket_arn}/*"]
    statement = {"Action": ["s3:PutObject"], "Resource": resources, "Effect": "Allow"}
    reason = StatementReason(
        "Files in the output bucket", "The documented minimum: uploads only.", tuple(resources), (_PUT,)
    )
    return Granted({"Version": "2012-10-17", "Statement": [statement]}, (reason,))


def _granted(parts: list[_Part]) -> Granted:
    statements = [
        {"Sid": SID + sid, "Effect": "Allow", "Action": [action for action, _, _ in actions], "Resource": [resource]}
        for sid, _, actions, resource in parts
    ]
    reasons = tuple(
        StatementReason(title, f"{title}: {resource}", (resource,), actions) for _, title, actions, resource in parts
    )
    return Granted({"Version": "2012-10-17", "Statement": statements}, reasons)
