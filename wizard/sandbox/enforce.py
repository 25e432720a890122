"""Who calls, and may they? Signatures are verified, and each call is authorised by the account's own policies.

The wording of a denial is AWS's: "Troubleshoot access denied error messages" (IAM User Guide), with the ARN of the
denying policy as of January 2026 ("Enhanced access denied error messages with policy ARNs", AWS Security Blog).
"""

from __future__ import annotations

import contextvars
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from wizard.policy.evaluate import Decision, Layer, Outcome, Policy, PolicySet, Request, evaluate
from wizard.sandbox import bucket_access, permissions, signature
from wizard.sandbox.calls import account as regions
from wizard.sandbox.calls import keys
from wizard.sandbox.calls.s3_defaults import public_access_blocked
from wizard.sandbox.errors import AwsError, reply_with
from wizard.sandbox.identify import Call
from wizard.sandbox.messages import Message, Reply
from wizard.sandbox.permissions import Need
from wizard.sandbox.principals import document_of, find_role, iam_backend, policies_for
from wizard.sandbox.s3_requests import S3Call
from wizard.sandbox.scenarios import ACCOUNT_ID

SKEW: Final = timedelta(minutes=15)


@dataclass(frozen=True)
class Caller:
    """The principal of a call. An anonymous one has no ARN."""

    arn: str = ""
    access_key_id: str = ""
    user_id: str = ""
    policies: PolicySet = field(default_factory=PolicySet, repr=False)

    @property
    def anonymous(self) -> bool:
        return not self.arn


_admitted: contextvars.ContextVar[tuple[Call, Caller] | None] = contextvars.ContextVar("admitted", default=None)


def admit(call: Call, original: Message, *, enforced: bool) -> Caller:
    """Find out who makes `call` and check that they may. `original` is the request as it was signed.

    Raises:
        AwsError: The signature does not hold, or a permission is missing.
    """
    if not enforced:
        return _unchecked(call, original)
    caller = _authenticate(call, original)
    if call.s3 is not None and _lacks_bucket(call, call.s3):
        raise AwsError("NoSuchBucket", "The specified bucket does not exist", 404)  # S3 has to know whose it is first
    try:
        if bucket_access.expects_another_owner(call):
            raise AwsError("AccessDenied", "Access Denied", 403)
        for need in _needs(call, caller):
            _demand(call, caller, need)
    except AwsError as error:
        if call.s3 is not None and (bucket := bucket_access.bucket_of(call.s3.bucket, call.partition)) is not None:
            error.headers["x-amz-bucket-region"] = str(bucket.region_name)  # S3 tells even those whom it refuses
        raise
    _admitted.set((call, caller))
    return caller


def dismiss() -> None:
    """The call is over."""
    _admitted.set(None)


def may_create_service_linked_role() -> bool:
    """Whether the caller of the running request may create the role of Service Quotas; always, without enforcement."""
    admitted = _admitted.get()
    if admitted is None:
        return True
    call, caller = admitted
    service = "servicequotas.amazonaws.com"
    role = f"role/aws-service-role/{service}/{permissions.linked_role_name(service)}"
    need = Need(
        "iam:CreateServiceLinkedRole",
        f"arn:{call.partition}:iam::{ACCOUNT_ID}:{role}",
        {"iam:AWSServiceName": service},
    )
    return _decide(call, caller, need).allowed


def veil(call: Call, caller: Caller, reply: Reply, *, enforced: bool) -> Reply:
    """S3 tells only those who may list a bucket that an object is not there; to others it is forbidden."""
    if not enforced or call.s3 is None or reply.status != 404 or call.s3.operation not in {"GetObject", "HeadObject"}:
        return reply
    if bucket_access.bucket_of(call.s3.bucket, call.partition) is None:
        return reply
    need = Need("s3:ListBucket", f"arn:{call.partition}:s3:::{call.s3.bucket}", {"s3:prefix": call.s3.key})
    decision = _decide(call, caller, need)
    if decision.allowed:
        return reply
    denial = _denial(call, caller, need, decision)
    return reply_with(denial, call.protocol, method=call.message.method, resource=permissions.path_of(call))


# ---- who


def _unchecked(call: Call, original: Message) -> Caller:
    try:
        signed = signature.read(original)
    except signature.Malformed:
        signed = None
    return Caller(access_key_id=signed.access_key_id if signed else "")


def _authenticate(call: Call, original: Message) -> Caller:
    try:
        signed = signature.read(original)
        if signed is None:
            return _anonymous(call)
        made = signed.made
    except signature.Malformed as problem:
        raise _refusal(call, "malformed", str(problem)) from problem
    credential = keys.resolve(signed.access_key_id)
    if credential is None or not credential.active or credential.partition != call.partition:
        raise _refusal(call, "unknown")
    if credential.session_token != signed.token:
        raise _refusal(call, "token")
    if credential.expired:
        raise _refusal(call, "expired")
    if not signature.matches(original, signed, credential.secret):
        raise _refusal(call, "signature")
    if regions.switched_off(ACCOUNT_ID, call.region, call.partition):
        raise _refusal(call, "unknown")  # this is how a region that is not enabled answers
    now = datetime.now(UTC)
    if signed.expires_in is not None:
        if now > made + timedelta(seconds=signed.expires_in):
            raise AwsError("AccessDenied", "Request has expired", 403)
    elif abs(now - made) > SKEW:
        raise _refusal(call, "skewed")
    if not signature.payload_is_intact(original):
        raise AwsError(
            "XAmzContentSHA256Mismatch",
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
        )
    try:
        policies = policies_for(credential.arn, ACCOUNT_ID, access_key_id=signed.access_key_id)
    except KeyError:  # a federated user, or a session whose role is gone: nothing is allowed
        policies = PolicySet()
    return Caller(credential.arn, signed.access_key_id, credential.user_id, policies)


def _anonymous(call: Call) -> Caller:
    if call.s3 is not None:
        return Caller()
    if call.service == "sts" and call.operation in {"AssumeRoleWithWebIdentity", "AssumeRoleWithSAML"}:
        # No identity provider vouches for anybody here.
        raise AwsError("AccessDenied", f"Not authorized to perform sts:{call.operation}", 403)
    raise _refusal(call, "missing")


# reason -> code of query services, of JSON services and of S3; message
_REFUSALS: Final[dict[str, tuple[str, str, str, str]]] = {
    "missing": (
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "AccessDenied",
        "Request is missing Authentication Token",
    ),
    "malformed": ("IncompleteSignature", "IncompleteSignatureException", "InvalidRequest", ""),
    "unknown": (
        "InvalidClientTokenId",
        "UnrecognizedClientException",
        "InvalidAccessKeyId",
        "The security token included in the request is invalid.",
    ),
    "token": (
        "InvalidClientTokenId",
        "UnrecognizedClientException",
        "InvalidToken",
        "The security token included in the request is invalid.",
    ),
    "expired": (
        "ExpiredToken",
        "ExpiredTokenException",
        "ExpiredToken",
        "The security token included in the request is expired",
    ),
    "signature": (
        "SignatureDoesNotMatch",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access "
        "Key and signing method. Consult the service documentation for details.",
    ),
    "skewed": (
        "SignatureDoesNotMatch",
        "InvalidSignatureException",
        "RequestTimeTooSkewed",
        "Signature expired: the difference between the request time and the current time is too large.",
    ),
}
_S3_MESSAGES: Final = {
    "missing": "Access Denied",
    "unknown": "The AWS Access Key Id you provided does not exist in our records.",
    "token": "The provided token is malformed or otherwise invalid.",
    "expired": "The provided token has expired.",
    "skewed": "The difference between the request time and the current time is too large.",
}


def _refusal(call: Call, reason: str, message: str = "") -> AwsError:
    query, as_json, s3, text = _REFUSALS[reason]
    if call.s3 is not None:
        # S3 answers 400 to a bad or expired session token, everybody else 403.
        status = 400 if reason in {"token", "expired", "malformed"} else 403
        return AwsError(s3, message or _S3_MESSAGES.get(reason, text), status)
    status = 400 if reason == "malformed" else 403
    return AwsError(as_json if "json" in call.protocol else query, message or text, status)


# ---- may they


def _needs(call: Call, caller: Caller) -> tuple[Need, ...]:
    return (*permissions.needed(call, caller.arn), *bucket_access.key_needs(call))


def _demand(call: Call, caller: Caller, need: Need) -> None:
    if need.action == "sts:AssumeRole":
        _demand_role(call, caller, need)
        return
    decision = _decide(call, caller, need)
    if not decision.allowed:
        raise _denial(call, caller, need, decision)


def _decide(call: Call, caller: Caller, need: Need, resource: Sequence[Policy] = ()) -> Decision:
    makes = call.s3 is not None and call.s3.operation == "CreateBucket"  # what it makes is this account's
    held = () if makes else bucket_access.resource_policies(need)
    owner = ACCOUNT_ID if makes else bucket_access.owner_of(need.resource)
    policies = replace(caller.policies, resource=(*resource, *held))
    request = Request(
        action=need.action,
        resource=need.resource,
        principal=caller.arn,
        principal_account="" if caller.anonymous else ACCOUNT_ID,
        resource_account=owner,
        context={**_context(call, caller), **need.context, **_owned_by(owner)},
    )
    decision = evaluate(request, policies)
    if need.action.startswith("kms:"):
        decision = bucket_access.settle_key(need, decision, caller.arn, _role_arn(call, caller))
    if caller.anonymous:
        return _decide_anonymous(call, need, decision)
    return decision


def _owned_by(account: str) -> dict[str, str]:
    return {} if account == ACCOUNT_ID else {"aws:ResourceAccount": account, "s3:ResourceAccount": account}


def _role_arn(call: Call, caller: Caller) -> str:
    entity = _entity(call, caller) if ":assumed-role/" in caller.arn else None
    return "" if entity is None else str(entity.arn)


def _demand_role(call: Call, caller: Caller, need: Need) -> None:
    """To assume a role its trust policy must name the caller; an identity policy alone is not enough."""
    try:
        role = find_role(iam_backend(ACCOUNT_ID, call.partition), need.resource)
    except KeyError:
        decision = Decision(Outcome.IMPLICIT_DENY, Layer.IDENTITY)
        raise _denial(call, caller, need, decision) from None
    trust = Policy(f"trust policy of {role.name}", document_of(role.assume_role_policy_document), role.arn)
    decision = _decide(call, caller, need, (trust,))
    trusted = any(match.layer is Layer.RESOURCE for match in decision.matched)
    if not (decision.allowed and trusted):
        raise _denial(call, caller, need, decision)


def _denial(call: Call, caller: Caller, need: Need, decision: Decision) -> AwsError:
    if caller.anonymous:
        return AwsError("AccessDenied", "Access Denied", 403)
    resource = f'"{need.resource}"' if call.s3 is not None else need.resource
    message = f"User: {caller.arn} is not authorized to perform: {need.action} on resource: {resource}"
    if need.action != "sts:AssumeRole":  # STS does not say why
        message += _because(need.action, decision)
    return AwsError("AccessDeniedException" if "json" in call.protocol else "AccessDenied", message, 403)


_LAYERS: Final = {
    Layer.IDENTITY: "identity-based policy",
    Layer.RESOURCE: "resource-based policy",
    Layer.BOUNDARY: "permissions boundary",
    Layer.SESSION: "session policy",
    Layer.SCP: "service control policy",
    Layer.RCP: "resource control policy",
}


def _because(action: str, decision: Decision) -> str:
    layer = decision.layer or Layer.IDENTITY
    kind = _LAYERS[layer]
    if decision.outcome is not Outcome.EXPLICIT_DENY:
        return f" because no {kind} allows the {action} action"
    article = "an" if layer is Layer.IDENTITY else "a"
    policy = next((match.policy for match in decision.matched if match.layer is layer), "")
    name = f": {policy}" if policy.startswith("arn:") and layer is not Layer.RESOURCE else ""
    return f" with an explicit deny in {article} {kind}{name}"


def _context(call: Call, caller: Caller) -> dict[str, str | Sequence[str]]:
    now = datetime.now(UTC)
    context: dict[str, str | Sequence[str]] = {
        "aws:RequestedRegion": call.region,
        "aws:SourceIp": "127.0.0.1",
        "aws:SecureTransport": "true",
        "aws:CurrentTime": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "aws:EpochTime": str(int(now.timestamp())),
        "aws:UserAgent": call.message.header("User-Agent") or "unknown",
        "aws:ViaAWSService": "false",
        "aws:PrincipalIsAWSService": "false",
        "aws:ResourceAccount": ACCOUNT_ID,
    }
    if caller.anonymous:
        return context
    context |= {"aws:PrincipalAccount": ACCOUNT_ID, "aws:userid": caller.user_id}
    if caller.access_key_id.startswith("ASIA"):
        context["aws:MultiFactorAuthPresent"] = "false"
    entity = _entity(call, caller)
    if entity is not None:
        context["aws:PrincipalArn"] = str(entity.arn)
        for key, value in _tags_of(entity).items():
            context[f"aws:PrincipalTag/{key}"] = value
    return context


def _entity(call: Call, caller: Caller) -> Any:
    """The user or role behind the caller (the role's ARN has the path that a session's ARN has lost)."""
    backend = iam_backend(ACCOUNT_ID, call.partition)
    if ":assumed-role/" in caller.arn:
        try:
            return find_role(backend, caller.arn)
        except KeyError:
            return None
    return next((user for user in backend.users.values() if user.arn == caller.arn), None)


def _tags_of(entity: Any) -> dict[str, str]:
    tags = getattr(entity, "tags", None)
    if isinstance(tags, dict):
        return {key: str(value["Value"] if isinstance(value, dict) else value) for key, value in tags.items()}
    return {}


# ---- bucket policies, and what is public


def _lacks_bucket(call: Call, s3: S3Call) -> bool:
    named = bool(s3.bucket) and s3.operation not in {"", "CreateBucket"}
    return named and bucket_access.bucket_of(s3.bucket, call.partition) is None


def _decide_anonymous(call: Call, need: Need, decision: Decision) -> Decision:
    """What is public may be read by everybody, unless the bucket's public access block says no."""
    if decision.outcome is Outcome.EXPLICIT_DENY or call.s3 is None:
        return decision
    bucket: Any = bucket_access.bucket_of(call.s3.bucket, call.partition)
    if bucket is None:
        return Decision(Outcome.IMPLICIT_DENY, Layer.RESOURCE)
    if decision.allowed and not public_access_blocked(bucket, "RestrictPublicBuckets"):
        return decision
    key = bucket.keys.get(call.s3.key) if call.s3.key else None
    acl = getattr(key, "acl", None)
    public = acl is not None and acl.public_read and not public_access_blocked(bucket, "IgnorePublicAcls")
    granted = public and need.action == "s3:GetObject"
    return Decision(Outcome.ALLOWED if granted else Outcome.IMPLICIT_DENY, Layer.RESOURCE)
