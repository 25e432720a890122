"""S3 as it has been since April 2023: new buckets without ACLs, closed to the public and encrypted.

Rests on "Default settings for new S3 buckets", "Controlling ownership of objects" and "Blocking public access" (S3 User
Guide). Remotion's site creation deletes the ownership controls and the public access block, after which ACLs work.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Mapping
from typing import Any

from moto.s3.exceptions import S3ClientError
from moto.s3.models import FakeAcl, FakeBucket, S3Backend
from moto.s3.responses import S3Response
from moto.s3control.models import s3control_backends

from wizard.sandbox.calls.seams import put, take

_BLOCK = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
_ENFORCED = "BucketOwnerEnforced"
_PUBLIC_ACLS = frozenset({"public-read", "public-read-write", "authenticated-read"})
_ALLOWED_WITHOUT_ACLS = "bucket-owner-full-control"

# Condition keys that narrow a policy enough for S3 not to call it public ("The meaning of public").
_NARROWING = frozenset(
    {
        "aws:principalarn",
        "aws:principalorgid",
        "aws:principalaccount",
        "aws:sourcearn",
        "aws:sourceaccount",
        "aws:sourceorgid",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:userid",
        "s3:dataaccesspointaccount",
        "s3:dataaccesspointarn",
    }
)


def install() -> None:
    """Give moto's buckets today's defaults, and refuse what those forbid."""
    _install_new_buckets()
    _install_acls()
    _install_policies()


def is_public(policy: str | bytes) -> bool:
    """Whether S3 calls a bucket policy public: anybody is allowed something, without a narrowing condition."""
    statements = json.loads(policy).get("Statement") or []
    for statement in [statements] if isinstance(statements, Mapping) else statements:
        if statement.get("Effect") == "Allow" and _anybody(statement) and not _narrowed(statement.get("Condition")):
            return True
    return False


def public_access_blocked(bucket: FakeBucket, setting: str) -> bool:
    """Whether `setting` (as "BlockPublicPolicy") holds for the bucket, by itself or through its account."""
    attribute = re.sub(r"(?<!^)(?=[A-Z])", "_", setting).lower()
    account = s3control_backends[bucket.account_id][bucket.partition].public_access_block
    return any(bool(block and getattr(block, attribute)) for block in (bucket.public_access_block, account))


def _anybody(statement: Mapping[str, Any]) -> bool:
    if "NotPrincipal" in statement:
        return True
    principal = statement.get("Principal")
    values = principal.get("AWS") if isinstance(principal, Mapping) else principal
    return "*" in ([values] if isinstance(values, str) else values or [])


def _narrowed(condition: Mapping[str, Any] | None) -> bool:
    for operator, operands in (condition or {}).items():
        if operator.split(":")[-1].startswith(("StringNot", "ArnNot", "NotIp", "Null")):
            continue
        for key, value in operands.items():
            values = [value] if isinstance(value, str) else value
            if key.lower() in _NARROWING and not any("*" in text for text in values):
                return True
            if key.lower() == "aws:sourceip" and all(_narrow_network(text) for text in values):
                return True
    return False


def _narrow_network(text: str) -> bool:
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return network.prefixlen >= (8 if network.version == 4 else 32)


def _install_new_buckets() -> None:
    create = take(S3Backend, "create_bucket", "bucket_name", "region_name")
    put_bucket = take(S3Response, "_bucket_response_put", "request", "bucket_name", "querystring")
    delete_encryption = take(S3Backend, "delete_bucket_encryption", "bucket_name")
    put_encryption = take(S3Backend, "put_bucket_encryption", "bucket_name", "encryption")

    def create_bucket(self: S3Backend, bucket_name: str, region_name: str, **kwargs: Any) -> FakeBucket:
        bucket: FakeBucket = create(self, bucket_name, region_name, **kwargs)
        vars(bucket)["ownership_rule"] = _ENFORCED
        self.put_public_access_block(bucket_name, dict.fromkeys(_BLOCK, "true"))
        self.put_bucket_encryption(bucket_name, _default_encryption())
        return bucket

    def bucket_response_put(self: S3Response, request: Any, bucket_name: str, querystring: Mapping[str, Any]) -> Any:
        if not querystring:
            _check_new_bucket(request.headers)
        elif "acl" in querystring:
            _check_acl(self.backend.get_bucket(bucket_name), _bucket_acl(self, request))
        return put_bucket(self, request, bucket_name, querystring)

    def delete_bucket_encryption(self: S3Backend, bucket_name: str) -> None:
        """Deleting the configuration brings the default back."""
        delete_encryption(self, bucket_name)
        put_encryption(self, bucket_name, _default_encryption())

    put(S3Backend, "create_bucket", create_bucket)
    put(S3Response, "_bucket_response_put", bucket_response_put)
    put(S3Backend, "delete_bucket_encryption", delete_bucket_encryption)


def _default_encryption() -> dict[str, Any]:
    return {"Rule": {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": "false"}}


def _check_new_bucket(headers: Mapping[str, str]) -> None:
    ownership = headers.get("x-amz-object-ownership") or _ENFORCED
    acl = headers.get("x-amz-acl") or ""
    # Werkzeug's headers iterate over pairs, hence keys().
    grants = any(name.lower().startswith("x-amz-grant-") for name in headers.keys())  # noqa: SIM118
    if ownership == _ENFORCED and (grants or acl not in {"", "private"}):
        raise S3ClientError(
            "InvalidBucketAclWithObjectOwnership",
            "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
        )
    if acl in _PUBLIC_ACLS:
        # A new bucket blocks public ACLs, whatever its ownership.
        raise _access_denied()


def _bucket_acl(response: S3Response, request: Any) -> FakeAcl | None:
    return response._acl_from_headers(request.headers) or response._acl_from_body()


def _install_acls() -> None:
    from_headers = take(S3Response, "_acl_from_headers", "headers")
    take(S3Response, "_acl_from_body")
    object_acl = take(S3Response, "put_object_acl")

    def acl_from_headers(self: S3Response, headers: dict[str, str]) -> FakeAcl | None:
        """Every call that takes an ACL asks here for it: those that write objects are checked."""
        acl: FakeAcl | None = from_headers(self, headers)
        if acl is None or not self.parse_key_name():
            return acl
        bucket = self.backend.get_bucket(self.bucket_name)
        if _ownership(bucket) == _ENFORCED and headers.get("x-amz-acl") == _ALLOWED_WITHOUT_ACLS:
            return None
        _check_acl(bucket, acl)
        return acl

    def put_object_acl(self: S3Response) -> Any:
        if _ownership(self.backend.get_bucket(self.bucket_name)) == _ENFORCED:
            raise _acls_not_supported()
        return object_acl(self)

    put(S3Response, "_acl_from_headers", acl_from_headers)
    put(S3Response, "put_object_acl", put_object_acl)


def _ownership(bucket: FakeBucket) -> str:
    return vars(bucket)["ownership_rule"] or ""  # a text, whatever moto's annotation says


def _check_acl(bucket: FakeBucket, acl: FakeAcl | None) -> None:
    if acl is None:
        return
    if _ownership(bucket) == _ENFORCED:
        raise _acls_not_supported()
    if _open_acl(acl) and public_access_blocked(bucket, "BlockPublicAcls"):
        raise _access_denied()


def _open_acl(acl: FakeAcl) -> bool:
    everybody = ("groups/global/AllUsers", "groups/global/AuthenticatedUsers")
    return any((grantee.uri or "").endswith(everybody) for grant in acl.grants for grantee in grant.grantees)


def _acls_not_supported() -> S3ClientError:
    return S3ClientError("AccessControlListNotSupported", "The bucket does not allow ACLs")


def _access_denied() -> S3ClientError:
    return S3ClientError("AccessDenied", "Access Denied")


def _install_policies() -> None:
    original = take(S3Backend, "put_bucket_policy", "bucket_name", "policy")

    def put_bucket_policy(self: S3Backend, bucket_name: str, policy: bytes) -> None:
        bucket = self.get_bucket(bucket_name)
        try:
            public = is_public(policy)
        except (ValueError, AttributeError):
            message = "Policies must be valid JSON and the first byte must be '{'"
            raise S3ClientError("MalformedPolicy", message) from None
        if public and public_access_blocked(bucket, "BlockPublicPolicy"):
            raise _access_denied()
        original(self, bucket_name, policy)

    put(S3Backend, "put_bucket_policy", put_bucket_policy)
