"""Which S3 call a request is: bucket, key, operation, and the IAM action that it needs.

Source: "Actions, resources, and condition keys for Amazon S3" (Service Authorization Reference). The action is often
not the operation's name: HeadObject needs s3:GetObject, DeletePublicAccessBlock needs s3:PutBucketPublicAccessBlock.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

_HOST: Final = re.compile(
    r"^(?:(?P<bucket>.+)\.)?s3(?:[.-](?!control\b|tables\b|vectors\b|accesspoint|object-lambda|outposts)[a-z0-9.-]+?)?"
    r"\.amazonaws\.com(?:\.cn)?$"
)

# sub-resource -> (part of the operation's name, what follows Get/Put in the action's name)
_BUCKET: Final[Mapping[str, tuple[str, str]]] = {
    "acl": ("BucketAcl", "BucketAcl"),
    "cors": ("BucketCors", "BucketCORS"),
    "lifecycle": ("BucketLifecycleConfiguration", "LifecycleConfiguration"),
    "policy": ("BucketPolicy", "BucketPolicy"),
    "policyStatus": ("BucketPolicyStatus", "BucketPolicyStatus"),
    "ownershipControls": ("BucketOwnershipControls", "BucketOwnershipControls"),
    "publicAccessBlock": ("PublicAccessBlock", "BucketPublicAccessBlock"),
    "encryption": ("BucketEncryption", "EncryptionConfiguration"),
    "versioning": ("BucketVersioning", "BucketVersioning"),
    "location": ("BucketLocation", "BucketLocation"),
    "logging": ("BucketLogging", "BucketLogging"),
    "tagging": ("BucketTagging", "BucketTagging"),
    "website": ("BucketWebsite", "BucketWebsite"),
    "notification": ("BucketNotificationConfiguration", "BucketNotification"),
    "replication": ("BucketReplication", "ReplicationConfiguration"),
    "requestPayment": ("BucketRequestPayment", "BucketRequestPayment"),
    "accelerate": ("BucketAccelerateConfiguration", "AccelerateConfiguration"),
    "object-lock": ("ObjectLockConfiguration", "BucketObjectLockConfiguration"),
    "analytics": ("BucketAnalyticsConfiguration", "AnalyticsConfiguration"),
    "inventory": ("BucketInventoryConfiguration", "InventoryConfiguration"),
    "metrics": ("BucketMetricsConfiguration", "MetricsConfiguration"),
    "intelligent-tiering": ("BucketIntelligentTieringConfiguration", "IntelligentTieringConfiguration"),
}
_OBJECT: Final[Mapping[str, str]] = {
    "acl": "Acl",
    "tagging": "Tagging",
    "retention": "Retention",
    "legal-hold": "LegalHold",
    "torrent": "Torrent",
}
# Deleting these has an action of its own; deleting any other bucket setting needs the action that puts it.
_OWN_DELETE: Final = frozenset({"policy", "website"})


@dataclass(frozen=True)
class S3Call:
    """A call of S3. `path` is the percent-encoded URL behind the bucket; `action` is "" for an unknown call."""

    operation: str
    action: str
    bucket: str
    key: str
    path: str
    query: Mapping[str, str]


def is_s3(host: str) -> bool:
    """Whether `host` is one of S3's (path style or virtual-host style, any partition)."""
    return _HOST.match(host) is not None


def read(method: str, url: str) -> S3Call:
    """Take the S3 request `method` `url` apart."""
    parts = urlsplit(url)
    host = _HOST.match(parts.hostname or "")
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    bucket = (host["bucket"] if host else "") or ""
    path = parts.path.removeprefix("/")
    if not bucket:
        encoded, _, path = path.partition("/")
        bucket = unquote(encoded)
    operation, action = _name(method, bucket, path, query)
    return S3Call(operation, f"s3:{action}" if action else "", bucket, unquote(path), path, query)


# What else a query may hold without a value: sub-resources that the functions below know, and parameters of lists.
_PARAMETERS: Final = frozenset(
    (
        "attributes",
        "continuation-token",
        "delete",
        "delimiter",
        "encoding-type",
        "key-marker",
        "list-type",
        "marker",
        "prefix",
        "restore",
        "select",
        "session",
        "start-after",
        "upload-id-marker",
        "uploadId",
        "uploads",
        "version-id-marker",
        "versionId",
        "versions",
        "x-id",
    )
)


_SELECTORS: Final = frozenset(
    ("attributes", "delete", "restore", "select", "session", "uploadId", "uploads", "versions")
)


def _name(method: str, bucket: str, path: str, query: Mapping[str, str]) -> tuple[str, str]:
    if not bucket:
        return ("ListBuckets", "ListAllMyBuckets") if method in {"GET", "HEAD"} else ("", "")
    if any(not value and not _is_known(name) for name, value in query.items()):
        return "", ""  # a sub-resource that came later than this table
    if sum(name in _BUCKET or name in _OBJECT or name in _SELECTORS for name in query) > 1:
        return "", ""  # AWS takes one at a time; which of two moto would take is not ours to guess
    return _object(method, query) if path else _of_bucket(method, query)


def _is_known(name: str) -> bool:
    return (
        name in _BUCKET or name in _OBJECT or name in _PARAMETERS or name.startswith(("x-amz-", "X-Amz-", "response-"))
    )


def _of_bucket(method: str, query: Mapping[str, str]) -> tuple[str, str]:
    for name, (operation, action) in _BUCKET.items():
        if name not in query:
            continue
        match method:
            case "GET":
                return f"Get{operation}", f"Get{action}"
            case "PUT":
                return f"Put{operation}", f"Put{action}"
            case "DELETE":
                return f"Delete{operation}", f"Delete{action}" if name in _OWN_DELETE else f"Put{action}"
        return "", ""
    match method:
        case "HEAD":
            return "HeadBucket", "ListBucket"
        case "GET" if "versions" in query:
            return "ListObjectVersions", "ListBucketVersions"
        case "GET" if "uploads" in query:
            return "ListMultipartUploads", "ListBucketMultipartUploads"
        case "GET" if "session" in query:
            return "CreateSession", "CreateSession"
        case "GET":
            return "ListObjectsV2" if query.get("list-type") == "2" else "ListObjects", "ListBucket"
        case "PUT":
            return "CreateBucket", "CreateBucket"
        case "DELETE":
            return "DeleteBucket", "DeleteBucket"
        case "POST" if "delete" in query:
            return "DeleteObjects", "DeleteObject"
    return "", ""


def _object(method: str, query: Mapping[str, str]) -> tuple[str, str]:
    version = "Version" if "versionId" in query else ""
    for name, suffix in _OBJECT.items():
        if name in query:
            verb = {"GET": "Get", "PUT": "Put", "DELETE": "Delete"}.get(method)
            if verb is None:
                return "", ""
            # Retention and legal hold have no action of their own for a version.
            of_version = version if name in {"acl", "tagging", "torrent"} else ""
            return f"{verb}Object{suffix}", f"{verb}Object{of_version}{suffix}"
    match method:
        case "HEAD":
            return "HeadObject", f"GetObject{version}"
        case "GET" if "uploadId" in query:
            return "ListParts", "ListMultipartUploadParts"
        case "GET" if "attributes" in query:
            return "GetObjectAttributes", f"GetObject{version}"
        case "GET":
            return "GetObject", f"GetObject{version}"
        case "PUT":
            return "UploadPart" if "uploadId" in query else "PutObject", "PutObject"
        case "DELETE" if "uploadId" in query:
            return "AbortMultipartUpload", "AbortMultipartUpload"
        case "DELETE":
            return "DeleteObject", f"DeleteObject{version}"
        case "POST" if "uploads" in query:
            return "CreateMultipartUpload", "PutObject"
        case "POST" if "uploadId" in query:
            return "CompleteMultipartUpload", "PutObject"
        case "POST" if "restore" in query:
            return "RestoreObject", "RestoreObject"
        case "POST" if "select" in query:
            return "SelectObjectContent", "GetObject"
    return "", ""
