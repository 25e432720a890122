"""Another account's bucket: the statements that its owner has to add to the bucket policy and to the key policy. Pure.

Source: "Bucket owner granting cross-account bucket permissions" (S3 User Guide), "Allowing users in other accounts to use
a KMS key" (KMS Developer Guide). Both accounts must allow: the role's own policy is not enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from wizard.output.grant import Wish, caller_grant, role_grant
from wizard.policy import documents
from wizard.policy.documents import Statement
from wizard.remotion.releases import Release


@dataclass(frozen=True)
class OtherSide:
    """What the bucket's owner has to add. `key` is empty where no customer key is known to be in use."""

    bucket: str
    bucket_policy: tuple[Statement, ...]
    key_policy: tuple[Statement, ...] = ()

    @property
    def bucket_document(self) -> dict[str, Any]:
        return {"Version": "2012-10-17", "Statement": list(self.bucket_policy)}

    @property
    def key_document(self) -> dict[str, Any]:
        return {"Version": "2012-10-17", "Statement": list(self.key_policy)}

    @property
    def text(self) -> str:
        """Return a message to the bucket's owner, ready to copy or to save."""
        lines = [
            f"Please add these statements to the bucket policy of {self.bucket} (S3 console, Permissions, Bucket policy).",
            "Statements that are there already stay as they are:",
            "",
            documents.pretty({"Statement": list(self.bucket_policy)}),
        ]
        if self.key_policy:
            lines += [
                "",
                "And these to the key policy of the KMS key that encrypts it (KMS console, Customer managed keys):",
                "",
                documents.pretty({"Statement": list(self.key_policy)}),
            ]
        else:
            lines += [
                "",
                "If the bucket is encrypted with a KMS key, tell us the key's ARN: its key policy needs a statement too. "
                "With the AWS managed key (aws/s3) another account can't use the bucket at all.",
            ]
        return "\n".join(lines)


def other_side(wish: Wish, role_arn: str, caller_arn: str, release: Release, region: str = "") -> OtherSide:
    """Return the statements that let the render role, and the caller where it reads, in from the other side."""
    given = role_grant(wish, release)
    bucket = [*_for(role_arn, given.document["Statement"], "Render")]
    key = [*_for_key(role_arn, ("kms:GenerateDataKey", "kms:Decrypt"), region, "Render")] if wish.key else []
    read = caller_grant(wish)
    if read is not None and caller_arn:
        bucket += _for(caller_arn, read.document["Statement"], "Read")
        key += _for_key(caller_arn, ("kms:Decrypt",), region, "Read") if wish.key else []
    return OtherSide(wish.bucket, tuple(bucket), tuple(key))


def _for(arn: str, statements: Sequence[Statement], sid: str) -> list[Statement]:
    """The statements about the bucket, for one principal of ours."""
    about = [s for s in statements if ":s3:::" in str(s["Resource"])]
    return [
        {
            "Sid": f"Remotion{sid}{at}",
            "Effect": "Allow",
            "Principal": {"AWS": arn},
            "Action": s["Action"],
            "Resource": s["Resource"],
        }
        for at, s in enumerate(about, 1)
    ]


def _for_key(arn: str, actions: Sequence[str], region: str, sid: str) -> list[Statement]:
    statement: dict[str, Any] = {
        "Sid": f"Remotion{sid}",
        "Effect": "Allow",
        "Principal": {"AWS": arn},
        "Action": list(actions),
        "Resource": "*",
    }
    if region:
        statement["Condition"] = {"StringEquals": {"kms:ViaService": f"s3.{region}.amazonaws.com"}}
    return [statement]
