"""Which permissions a call needs: the action, the resource's ARN and the condition keys, for each.

Source: Service Authorization Reference ("Actions, resources, and condition keys for …"), for IAM, STS, S3, Lambda,
CloudWatch Logs, KMS and Service Quotas; every other service is asked for `service:Operation` on "*".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote, urlsplit
from xml.etree.ElementTree import Element, ParseError

from wizard.sandbox.identify import Call
from wizard.sandbox.scenarios import ACCOUNT_ID

Context = Mapping[str, str | Sequence[str]]


@dataclass(frozen=True)
class Need:
    """One permission that a call needs."""

    action: str
    resource: str = "*"
    context: Context = field(default_factory=dict)


def needed(call: Call, caller_arn: str) -> tuple[Need, ...]:
    """The permissions that `call` needs. The first is the call's own; without all of them it is denied."""
    match call.service:
        case "s3":
            return tuple(_s3(call))
        case "iam":
            return tuple(_iam(call, caller_arn))
        case "sts":
            return (_sts(call),)
        case "lambda":
            return tuple(_lambda(call))
        case "logs":
            return (Need(f"logs:{call.operation}", _logs_resource(call)),)
        case "kms":
            return (Need(f"kms:{call.operation or 'UnknownOperation'}", _kms_resource(call), _tags(call)),)
    return (Need(f"{_prefix(call)}:{call.operation or 'UnknownOperation'}", _quota(call), _tags(call)),)


def _prefix(call: Call) -> str:
    if not call.module:
        return call.service
    from moto.core.utils import get_service_model

    return str(get_service_model(call.service).signing_name)


def _quota(call: Call) -> str:
    if call.operation != "RequestServiceQuotaIncrease":
        return "*"
    quota = f"{call.parameters.get('ServiceCode', '')}/{call.parameters.get('QuotaCode', '')}"
    return f"arn:{call.partition}:servicequotas:{call.region}:{ACCOUNT_ID}:{quota}"


def _tags(call: Call) -> Context:
    tags = call.parameters.get("Tags")
    pairs: dict[str, str] = {}
    if isinstance(tags, Mapping):
        pairs = {str(key): str(value) for key, value in tags.items()}
    elif isinstance(tags, list):
        pairs = {
            str(tag.get("Key", tag.get("key"))): str(tag.get("Value", tag.get("value", "")))
            for tag in tags
            if isinstance(tag, Mapping)
        }
    keys = call.parameters.get("TagKeys")
    names = list(pairs) or ([str(key) for key in keys] if isinstance(keys, list) else [])
    return {
        **{f"aws:RequestTag/{key}": value for key, value in pairs.items()},
        **({"aws:TagKeys": names} if names else {}),
    }


# ---- IAM and STS

_LISTED: Final[Mapping[str, str]] = {
    "ListUsers": "user/",
    "ListRoles": "role/",
    "ListGroups": "group/",
    "ListPolicies": "policy/",
    "ListInstanceProfiles": "instance-profile/",
}
_OF_THE_CALLER: Final = frozenset(
    (
        "GetUser",
        "CreateAccessKey",
        "ListAccessKeys",
        "DeleteAccessKey",
        "UpdateAccessKey",
        "ListMFADevices",
        "ListSigningCertificates",
    )
)

# These know iam:PermissionsBoundary too: it is the boundary that the user or role has (the others name one themselves).
_WITHIN_A_BOUNDARY: Final = frozenset(
    f"{verb}{kind}{what}"
    for kind in ("User", "Role")
    for verb, what in (
        ("Attach", "Policy"),
        ("Detach", "Policy"),
        ("Put", "Policy"),
        ("Delete", "Policy"),
        ("Delete", "PermissionsBoundary"),
    )
)


def _iam(call: Call, caller_arn: str) -> Iterator[Need]:
    given = call.parameters
    context: dict[str, str | Sequence[str]] = dict(_tags(call))
    if boundary := given.get("PermissionsBoundary"):
        context["iam:PermissionsBoundary"] = str(boundary)
    elif call.operation in _WITHIN_A_BOUNDARY and (held := _boundary_of(call)):
        context["iam:PermissionsBoundary"] = held
    if (policy := given.get("PolicyArn")) and call.operation.startswith(("Attach", "Detach")):
        context["iam:PolicyARN"] = str(policy)
    if service := given.get("AWSServiceName"):
        context["iam:AWSServiceName"] = str(service)
    if call.operation == "PassRole":  # a permission, but no call
        return
    yield Need(f"iam:{call.operation or 'UnknownOperation'}", _iam_resource(call, caller_arn), context)
    if call.operation == "AddRoleToInstanceProfile":
        role = _entity(call, "role", str(given.get("RoleName", "")))
        yield Need("iam:PassRole", role, {"iam:PassedToService": "ec2.amazonaws.com"})


def _iam_resource(call: Call, caller_arn: str) -> str:
    given, operation = call.parameters, call.operation
    account = f"arn:{call.partition}:iam::{ACCOUNT_ID}"
    if operation in _LISTED:
        return f"{account}:{_LISTED[operation]}{str(given.get('PathPrefix') or '/').lstrip('/')}"
    if operation == "CreateServiceLinkedRole":
        service = str(given.get("AWSServiceName", ""))
        return f"{account}:role/aws-service-role/{service}/{linked_role_name(service)}"
    if source := given.get("PolicySourceArn"):
        return str(source)
    if operation == "CreatePolicy":
        return f"{account}:policy{_path(given)}{given.get('PolicyName', '')}"
    for parameter, kind in (
        ("GroupName", "group"),
        ("InstanceProfileName", "instance-profile"),
        ("UserName", "user"),
        ("RoleName", "role"),
    ):
        if name := given.get(parameter):
            if operation == f"Create{kind.title().replace('-', '')}":
                return f"{account}:{kind}{_path(given)}{name}"
            return _entity(call, kind, str(name))
    if operation == "GetAccessKeyLastUsed":
        return _owner_of_key(call, str(given.get("AccessKeyId", "")))
    if arn := given.get("PolicyArn") or given.get("SAMLProviderArn") or given.get("OpenIDConnectProviderArn"):
        return str(arn)
    if operation in _OF_THE_CALLER and ":user/" in caller_arn:
        return caller_arn
    return "*"


def linked_role_name(service: str) -> str:
    """The name of the service-linked role of `service`, as far as this program needs it."""
    if service == "servicequotas.amazonaws.com":
        return "AWSServiceRoleForServiceQuotas"
    return f"AWSServiceRoleFor{service.split('.', 1)[0]}"


def _path(given: Mapping[str, Any]) -> str:
    return str(given.get("Path") or "/")


def _entity(call: Call, kind: str, name: str) -> str:
    """The ARN of what is called `name`: with its path if it exists."""
    found = _named(call, kind, name)
    return f"arn:{call.partition}:iam::{ACCOUNT_ID}:{kind}/{name}" if found is None else str(found.arn)


def _named(call: Call, kind: str, name: str) -> Any:
    """What is called `name`, names being the same in any case; None if nothing is."""
    from moto.iam.models import iam_backends

    backend = iam_backends[ACCOUNT_ID][call.partition]
    known: Mapping[str, Mapping[str, Any]] = {
        "user": backend.users,
        "role": backend.roles,
        "group": backend.groups,
        "instance-profile": backend.instance_profiles,
    }
    wanted = name.lower()
    return next((entity for entity in list(known[kind].values()) if str(entity.name).lower() == wanted), None)


def _boundary_of(call: Call) -> str:
    given = call.parameters
    kind = "user" if given.get("UserName") else "role"
    entity = _named(call, kind, str(given.get("UserName") or given.get("RoleName") or ""))
    return str(getattr(entity, "permissions_boundary_arn", None) or "")


def _owner_of_key(call: Call, access_key_id: str) -> str:
    from moto.iam.models import iam_backends

    key = iam_backends[ACCOUNT_ID][call.partition].access_keys.get(access_key_id)
    return _entity(call, "user", key.user_name) if key is not None and key.user_name else "*"


def _sts(call: Call) -> Need:
    given = call.parameters
    context: dict[str, str | Sequence[str]] = dict(_tags(call))
    if session := given.get("RoleSessionName"):
        context["sts:RoleSessionName"] = str(session)
    if external := given.get("ExternalId"):
        context["sts:ExternalId"] = str(external)
    resource = "*"
    if call.operation.startswith("AssumeRole"):
        resource = str(given.get("RoleArn") or "*")
    elif call.operation == "GetFederationToken":
        resource = f"arn:{call.partition}:sts::{ACCOUNT_ID}:federated-user/{given.get('Name', '')}"
    return Need(f"sts:{call.operation or 'UnknownOperation'}", resource, context)


# ---- Lambda

_LAMBDA_ACTIONS: Final[Mapping[str, str]] = {
    "Invoke": "InvokeFunction",
    "InvokeWithResponseStream": "InvokeFunction",
    "GetLayerVersionByArn": "GetLayerVersion",
}


def _lambda(call: Call) -> Iterator[Need]:
    given, operation = call.parameters, call.operation
    resource = _lambda_resource(call)
    context = dict(_tags(call))
    layers = [str(layer) for layer in given.get("Layers") or () if isinstance(layer, str)]
    changes_code = operation in {"CreateFunction", "UpdateFunctionConfiguration"}
    if layers and changes_code:
        context["lambda:Layer"] = layers
    name = _LAMBDA_ACTIONS.get(operation, operation) or "UnknownOperation"
    yield Need(f"lambda:{name}", resource, context)
    if not changes_code:
        return
    if role := given.get("Role"):
        passed = {"iam:PassedToService": "lambda.amazonaws.com", "iam:AssociatedResourceArn": resource}
        yield Need("iam:PassRole", str(role), passed)
    for layer in layers:
        yield Need("lambda:GetLayerVersion", layer)
    if operation == "CreateFunction" and given.get("Tags"):
        yield Need("lambda:TagResource", resource, _tags(call))


def _lambda_resource(call: Call) -> str:
    given = call.parameters
    here = f"arn:{call.partition}:lambda:{call.region}:{ACCOUNT_ID}"
    if call.operation == "GetLayerVersionByArn":
        return str(given.get("Arn", "*"))
    if name := given.get("LayerName"):
        layer = str(name) if str(name).startswith("arn:") else f"{here}:layer:{name}"
        version = given.get("VersionNumber")
        return f"{layer}:{version}" if version else layer
    if resource := given.get("Resource") or given.get("ARN"):
        return unquote(str(resource))
    if name := given.get("FunctionName"):
        arn = _function_arn(unquote(str(name)), here)
        qualifier = given.get("Qualifier")
        return f"{arn}:{qualifier}" if qualifier and arn.count(":") == 6 else arn
    if mapping := given.get("UUID"):
        return f"{here}:event-source-mapping:{mapping}"
    return "*"


def _function_arn(name: str, here: str) -> str:
    """A function may be named by name, name:alias, partial ARN (account:function:name) or ARN."""
    if name.startswith("arn:"):
        return name
    return f"{here}:function:{re.sub(r'^([0-9]{12}:)?function:', '', name)}"


# ---- CloudWatch Logs

_ON_A_STREAM: Final = frozenset(("CreateLogStream", "DeleteLogStream", "PutLogEvents", "GetLogEvents"))


def _logs_resource(call: Call) -> str:
    given = call.parameters
    here = f"arn:{call.partition}:logs:{call.region}:{ACCOUNT_ID}:log-group"
    identifier = str(given.get("logGroupIdentifier") or given.get("resourceArn") or "")
    if identifier.startswith("arn:"):
        return identifier
    name = str(given.get("logGroupName") or identifier)
    if call.operation in _ON_A_STREAM:
        return f"{here}:{name}:log-stream:{given.get('logStreamName', '')}"
    if call.operation == "DescribeLogGroups":  # AWS asks for all groups, spelled like this
        return f"{here}::log-stream:"
    return f"{here}:{name}" if name else "*"


# ---- KMS


def _kms_resource(call: Call) -> str:
    key = str(call.parameters.get("KeyId") or "")
    if not key or key.startswith(("arn:", "alias/")):
        return key if key.startswith("arn:") else "*"
    return f"arn:{call.partition}:kms:{call.region}:{ACCOUNT_ID}:key/{key}"


# ---- S3


def _s3(call: Call) -> Iterator[Need]:
    assert call.s3 is not None
    s3, message = call.s3, call.message
    bucket = f"arn:{call.partition}:s3:::{s3.bucket}" if s3.bucket else "*"
    resource = f"{bucket}/{s3.key}" if s3.key else bucket
    context = dict(_s3_context(call))
    action = s3.action or "s3:UnknownOperation"
    if s3.operation == "DeleteObjects":
        keys = list(_keys_to_delete(message.body))
        for key, version in keys:
            yield Need("s3:DeleteObjectVersion" if version else "s3:DeleteObject", f"{bucket}/{key}", context)
        if not keys:
            yield Need("s3:DeleteObject", f"{bucket}/*", context)
        return
    yield Need(action, resource, context)
    names = {name.lower() for name, _ in message.headers}
    if s3.operation == "CreateBucket":
        if _sets_acl(names):
            yield Need("s3:PutBucketAcl", bucket, context)
        if "x-amz-object-ownership" in names:
            yield Need("s3:PutBucketOwnershipControls", bucket, context)
    if s3.operation in {"PutObject", "CreateMultipartUpload"}:
        if _sets_acl(names):
            yield Need("s3:PutObjectAcl", resource, context)
        if "x-amz-tagging" in names:
            yield Need("s3:PutObjectTagging", resource, context)
    source = unquote(message.header("x-amz-copy-source")).lstrip("/")
    if source and s3.operation in {"PutObject", "UploadPart"}:
        versioned = "?versionId=" in source
        source = source.split("?versionId=", 1)[0]
        origin = f"arn:{call.partition}:s3:::{source}"
        yield Need("s3:GetObjectVersion" if versioned else "s3:GetObject", origin, context)


def _sets_acl(header_names: set[str]) -> bool:
    return "x-amz-acl" in header_names or any(name.startswith("x-amz-grant-") for name in header_names)


_S3_HEADERS: Final = (
    "x-amz-acl",
    "x-amz-copy-source",
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-storage-class",
    "x-amz-object-ownership",
    "x-amz-content-sha256",
    "x-amz-grant-read",
    "x-amz-grant-write",
    "x-amz-grant-read-acp",
    "x-amz-grant-write-acp",
    "x-amz-grant-full-control",
    "x-amz-metadata-directive",
    "x-amz-website-redirect-location",
)


def _s3_context(call: Call) -> Context:
    assert call.s3 is not None
    query = call.s3.query
    context: dict[str, str | Sequence[str]] = {
        "s3:signatureversion": "AWS4-HMAC-SHA256",
        "s3:authType": "REST-QUERY-STRING" if "X-Amz-Signature" in query else "REST-HEADER",
        "s3:ResourceAccount": ACCOUNT_ID,
    }
    for name in _S3_HEADERS:
        if value := call.message.header(name):
            context[f"s3:{name}"] = value
    for name, key in (
        ("prefix", "s3:prefix"),
        ("delimiter", "s3:delimiter"),
        ("max-keys", "s3:max-keys"),
        ("versionId", "s3:VersionId"),
    ):
        if name in query:
            context[key] = query[name]
    if call.s3.operation == "CreateBucket":
        found = re.search(rb"<LocationConstraint>([^<]+)</LocationConstraint>", call.message.body)
        if found:
            context["s3:LocationConstraint"] = found[1].decode("latin-1")
    return context


def _keys_to_delete(body: bytes) -> Iterator[tuple[str, str]]:
    from xml.etree.ElementTree import fromstring

    try:
        root = fromstring(body)  # noqa: S314 (moto parses the same body; expat refuses entity bombs)
    except ParseError:
        return
    for entry in root.iter():
        if _local(entry) == "Object":
            values = {_local(child): child.text or "" for child in entry}
            yield values.get("Key", ""), values.get("VersionId", "")


def _local(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def path_of(call: Call) -> str:
    """The path of the call's URL, which S3 names in its errors."""
    return urlsplit(call.message.url).path
