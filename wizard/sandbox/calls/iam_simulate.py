"""IAM's policy simulator: SimulatePrincipalPolicy, SimulateCustomPolicy, GetContextKeysFor(Principal|Custom)Policy.

Rests on botocore's IAM model of 1.43.60 and later (July 2026): the top-level `EvalResourceName` is an ARN template or
"*", and the answer for one ARN stands in `ResourceSpecificResults`. Decisions come from `wizard.policy.evaluate`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from moto.core.responses import ActionResult
from moto.iam.exceptions import MalformedPolicyDocument
from moto.iam.policy_validation import IAMPolicyDocumentValidator
from moto.iam.responses import IamResponse

from wizard.policy.evaluate import (
    Decision,
    Document,
    Layer,
    Outcome,
    Policy,
    PolicySet,
    Request,
    evaluate,
    expand_context_keys,
)
from wizard.sandbox import principals
from wizard.sandbox.calls.seams import CallError, put

if TYPE_CHECKING:
    from moto.iam.models import IAMBackend

_ENTITY_ARN = re.compile(r"arn:(aws|aws-cn|aws-us-gov):iam::(\d{12}):(user|group|role)/(?:.*/)?([^/]+)")
_ACTION = re.compile(r"[A-Za-z0-9-]+:[A-Za-z0-9]+")
_ANYTHING = Policy("any", principals.FULL_AWS_ACCESS)
_RANK = {Outcome.ALLOWED: 0, Outcome.IMPLICIT_DENY: 1, Outcome.EXPLICIT_DENY: 2}
_DEFAULT_PAGE = 100

# What the live service puts into SourcePolicyType; the model's enumeration ("user-managed", ...) is not what it sends.
_IDENTITY_TYPE = "IAM Policy"
_RESOURCE_TYPE = "Resource Policy"

# "Actions, resources, and condition keys" (Service Authorization Reference), for the services that Remotion uses.
_TEMPLATES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), template)
    for pattern, template in (
        (r"arn:[^:]*:s3:::[^/]+/.*", "arn:${Partition}:s3:::${BucketName}/${ObjectName}"),
        (r"arn:[^:]*:s3:::.*", "arn:${Partition}:s3:::${BucketName}"),
        (r".*:lambda:[^:]*:[^:]*:layer:[^:]*:.*",
         "arn:${Partition}:lambda:${Region}:${Account}:layer:${LayerName}:${LayerVersion}"),
        (r".*:lambda:[^:]*:[^:]*:layer:.*", "arn:${Partition}:lambda:${Region}:${Account}:layer:${LayerName}"),
        (r".*:lambda:[^:]*:[^:]*:function:.*", "arn:${Partition}:lambda:${Region}:${Account}:function:${FunctionName}"),
        (r".*:iam::[^:]*:role/.*", "arn:${Partition}:iam::${Account}:role/${RoleNameWithPath}"),
        (r".*:iam::[^:]*:user/.*", "arn:${Partition}:iam::${Account}:user/${UserNameWithPath}"),
        (r".*:iam::[^:]*:group/.*", "arn:${Partition}:iam::${Account}:group/${GroupNameWithPath}"),
        (r".*:iam::[^:]*:policy/.*", "arn:${Partition}:iam::${Account}:policy/${PolicyNameWithPath}"),
        (r".*:logs:[^:]*:[^:]*:log-group:[^:]*:log-stream:.*",
         "arn:${Partition}:logs:${Region}:${Account}:log-group:${LogGroupName}:log-stream:${LogStreamName}"),
        (r".*:logs:[^:]*:[^:]*:log-group:.*", "arn:${Partition}:logs:${Region}:${Account}:log-group:${LogGroupName}"),
        (r".*:servicequotas:.*", "arn:${Partition}:servicequotas:${Region}:${Account}:${ServiceCode}/${QuotaCode}"),
        (r".*:kms:[^:]*:[^:]*:key/.*", "arn:${Partition}:kms:${Region}:${Account}:key/${KeyId}"),
    )
)  # fmt: skip


@dataclass(frozen=True)
class _Sources:
    """The policies of a simulation, and the text of each identity and resource policy by its name there."""

    policies: PolicySet
    texts: Mapping[str, str]
    caller: str
    account: str


def arn_template(arn: str) -> str:
    """The ARN template under which the simulator groups `arn`; "*" for "*" and for resources unknown here."""
    for pattern, template in _TEMPLATES:
        if pattern.fullmatch(arn):
            return template
    return "*"


def install() -> None:
    """Give moto's IAM the four simulator calls."""
    for name, function in {
        "simulate_principal_policy": _simulate_principal_policy,
        "simulate_custom_policy": _simulate_custom_policy,
        "get_context_keys_for_principal_policy": _context_keys_for_principal,
        "get_context_keys_for_custom_policy": _context_keys_for_custom,
    }.items():
        put(IamResponse, name, function)


def _simulate_principal_policy(response: IamResponse) -> ActionResult:
    params: dict[str, Any] = response._get_params()
    source, kind = _entity(params["PolicySourceArn"], response.current_account)
    if params.get("ResourcePolicy") and kind == "role":
        raise CallError("InvalidInput", "Simulation of resource-based policies isn't supported for IAM roles.")
    policies, texts = _principal_sources(response.backend, source, params.get("PolicyExclusionList") or [])
    extra = _inputs(params, "PolicyInputList")
    boundary = _boundary_input(params)
    resource, resource_texts = _resource_input(params)
    return _answer(
        params,
        _Sources(
            policies=replace(
                policies,
                identity=policies.identity + tuple(policy for policy, _ in extra),
                boundary=policies.boundary if boundary is None else boundary,
                resource=resource,
            ),
            texts=texts | {policy.name: text for policy, text in extra} | resource_texts,
            caller=_caller(params) or source,
            account=response.current_account,
        ),
    )


def _simulate_custom_policy(response: IamResponse) -> ActionResult:
    params: dict[str, Any] = response._get_params()
    inputs = _inputs(params, "PolicyInputList")
    resource, resource_texts = _resource_input(params)
    caller = _caller(params)
    if resource and not caller:
        raise CallError("InvalidInput", "CallerArn is required when a ResourcePolicy is included in the simulation.")
    levels = params.get("OrderedOrganizationPolicyInputList") or []
    scps = tuple(tuple(policy for policy, _ in _inputs(level, "ServiceControlPolicyInputList")) for level in levels)
    return _answer(
        params,
        _Sources(
            policies=PolicySet(
                identity=tuple(policy for policy, _ in inputs),
                boundary=_boundary_input(params),
                scps=scps or None,
                resource=resource,
            ),
            texts={policy.name: text for policy, text in inputs} | resource_texts,
            caller=caller,
            account=caller.split(":")[4] if caller else response.current_account,
        ),
    )


def _context_keys_for_principal(response: IamResponse) -> ActionResult:
    params: dict[str, Any] = response._get_params()
    source, _ = _entity(params["PolicySourceArn"], response.current_account)
    policies, _ = _principal_sources(response.backend, source, [])
    extra = tuple(policy for policy, _ in _inputs(params, "PolicyInputList"))
    return ActionResult({"ContextKeyNames": _context_keys(policies.identity + (policies.boundary or ()) + extra)})


def _context_keys_for_custom(response: IamResponse) -> ActionResult:
    params: dict[str, Any] = response._get_params()
    inputs = _inputs(params, "PolicyInputList")
    return ActionResult({"ContextKeyNames": _context_keys(policy for policy, _ in inputs)})


def _entity(arn: str, account_id: str) -> tuple[str, str]:
    """The user, group or role that `arn` names, and which of the three it is."""
    match = _ENTITY_ARN.fullmatch(arn)
    if match is None:
        raise CallError("InvalidInput", f"Invalid Entity Arn: {arn} does not clearly define entity type and name.")
    kind, name = match.group(3), match.group(4)
    try:
        principals.policies_for(arn, account_id)
    except KeyError:
        raise CallError("NoSuchEntity", f"The {kind} with name {name} cannot be found.") from None
    return arn, kind


def _caller(params: Mapping[str, Any]) -> str:
    arn: str = params.get("CallerArn") or ""
    if arn and not _ENTITY_ARN.fullmatch(arn):
        raise CallError("InvalidInput", f"Invalid Entity Arn: {arn} does not clearly define entity type and name.")
    return arn


def _principal_sources(
    backend: IAMBackend, arn: str, exclusions: Sequence[Mapping[str, Any]]
) -> tuple[PolicySet, dict[str, str]]:
    """The principal's policies under the names that the simulator reports, and the identity policies' texts."""
    found = principals.policies_for(arn, backend.account_id)
    texts: dict[str, str] = {}
    identity = []
    for policy in found.identity:
        if any(_excludes(exclusion, policy) for exclusion in exclusions):
            continue
        name = _source_id(policy)
        texts[name] = principals.text_of(backend, policy)
        identity.append(replace(policy, name=name))
    kinds = {exclusion.get("PolicyType") for exclusion in exclusions}
    named = {exclusion.get("PolicyArn") for exclusion in exclusions}
    boundary = found.boundary
    if "permission-boundary" in kinds or (boundary and boundary[0].name in named):
        boundary = None
    return replace(
        found, identity=tuple(identity), boundary=boundary, scps=None if "scp" in kinds else found.scps
    ), texts


def _excludes(exclusion: Mapping[str, Any], policy: Policy) -> bool:
    if arn := exclusion.get("PolicyArn"):
        return not policy.inline and policy.name == arn
    if inline := exclusion.get("InlinePolicyIdentifier"):
        kind, name = _owner(policy)
        return policy.inline and (policy.name, kind, name) == (
            inline.get("PolicyName"),
            inline.get("AttachmentType"),
            inline.get("AttachmentName"),
        )
    match exclusion.get("PolicyType"):
        case "inline":
            return policy.inline
        case "aws-managed":
            return not policy.inline and ":iam::aws:" in policy.name
        case "user-managed":
            return not policy.inline and ":iam::aws:" not in policy.name
        case _:
            return False


def _owner(policy: Policy) -> tuple[str, str]:
    resource = policy.attached_to.rpartition(":")[2]
    return resource.partition("/")[0], resource.rpartition("/")[2]


def _source_id(policy: Policy) -> str:
    """`SourcePolicyId`: a managed policy's name, or owner's kind, owner's name and policy's name joined by "_"."""
    if not policy.inline:
        return policy.name.rpartition("/")[2]
    kind, name = _owner(policy)
    return f"{kind}_{name}_{policy.name}"


def _inputs(params: Mapping[str, Any], field: str) -> list[tuple[Policy, str]]:
    return [
        (Policy(f"{field}.{number}", _checked(text)), text) for number, text in enumerate(params.get(field) or [], 1)
    ]


def _boundary_input(params: Mapping[str, Any]) -> tuple[Policy, ...] | None:
    inputs = _inputs(params, "PermissionsBoundaryPolicyInputList")
    if len(inputs) > 1:
        raise CallError("InvalidInput", "You can input only one permissions boundary policy.")
    return (inputs[0][0],) if inputs else None


def _resource_input(params: Mapping[str, Any]) -> tuple[tuple[Policy, ...], dict[str, str]]:
    text: str = params.get("ResourcePolicy") or ""
    if not text:
        return (), {}
    document = principals.document_of(text)
    if not document.get("Statement"):
        raise CallError("InvalidInput", "Syntax errors in policy.")
    return (Policy("ResourcePolicy", document),), {"ResourcePolicy": text}


def _checked(text: str) -> Document:
    try:
        IAMPolicyDocumentValidator(text).validate()
    except MalformedPolicyDocument as error:
        raise CallError("InvalidInput", error.message) from None
    return principals.document_of(text)


def _answer(params: Mapping[str, Any], sources: _Sources) -> ActionResult:
    actions: list[str] = params["ActionNames"]
    for action in actions:
        if not _ACTION.fullmatch(action):
            raise CallError(
                "InvalidInput", f"Invalid Action: {action}. An action is a service prefix, a colon and a name."
            )
    arns: list[str] = params.get("ResourceArns") or ["*"]
    for arn in arns:
        if arn != "*" and not (arn.startswith("arn:") and arn.count(":") >= 5):
            raise CallError("InvalidInput", f"ResourceNames are not in a valid ARN format: {arn}.")
    owner = _resource_owner(params)
    context = {
        entry["ContextKeyName"]: entry.get("ContextKeyValues") or [] for entry in params.get("ContextEntries") or []
    }
    groups: dict[str, list[str]] = {}
    for arn in arns:
        groups.setdefault(arn_template(arn), []).append(arn)
    rows = [(action, template, members) for action in actions for template, members in groups.items()]
    size = int(params.get("MaxItems") or _DEFAULT_PAGE)
    start = _start(params.get("Marker"), len(rows))
    page = [
        _row(action, template, members, sources, owner, context) for action, template, members in rows[start:][:size]
    ]
    result: dict[str, Any] = {"EvaluationResults": page, "IsTruncated": start + size < len(rows)}
    if result["IsTruncated"]:
        result["Marker"] = f"{start + size}"
    return ActionResult(result)


def _start(marker: str | None, rows: int) -> int:
    if marker is None:
        return 0
    if not marker.isdecimal() or int(marker) >= rows:
        raise CallError("InvalidInput", f"Invalid Marker: {marker}")
    return int(marker)


def _resource_owner(params: Mapping[str, Any]) -> str:
    owner: str = params.get("ResourceOwner") or ""
    if not owner:
        return ""
    match = re.fullmatch(r"(?:arn:[^:]*:iam::)?(\d{12})(?::root)?", owner)
    if match is None:
        raise CallError("InvalidInput", f"'{owner}' is not a valid as a Resource Owner.")
    return match.group(1)


def _row(
    action: str,
    template: str,
    arns: Sequence[str],
    sources: _Sources,
    owner: str,
    context: Mapping[str, str | Sequence[str]],
) -> dict[str, Any]:
    """One `EvaluationResult`: an action on all ARNs of one template."""
    requests = [
        Request(
            action=action,
            resource=arn,
            principal=sources.caller,
            principal_account=sources.account,
            # Only a resource policy makes a simulation cross-account: without one the owner's side is not evaluated.
            resource_account=owner if sources.policies.resource else "",
            context=context,
        )
        for arn in arns
    ]
    answers = [_one(request, sources) for request in requests]
    result: dict[str, Any] = {
        "EvalActionName": action,
        "EvalResourceName": template,
        # How AWS aggregates ARNs that disagree is not documented; the most restrictive answer stands here.
        "EvalDecision": max(
            (Outcome(answer["EvalResourceDecision"]) for answer in answers), key=_RANK.__getitem__
        ).value,
        "MatchedStatements": _union(answer["MatchedStatements"] for answer in answers),
        "MissingContextValues": _union(answer["MissingContextValues"] for answer in answers),
    }
    if sources.policies.scps is not None:
        only = PolicySet(identity=(_ANYTHING,), scps=sources.policies.scps)
        result["OrganizationsDecisionDetail"] = {
            "AllowedByOrganizations": all(evaluate(request, only).allowed for request in requests)
        }
    if sources.policies.boundary is not None:
        result["PermissionsBoundaryDecisionDetail"] = {
            "AllowedByPermissionsBoundary": all(
                answer["PermissionsBoundaryDecisionDetail"]["AllowedByPermissionsBoundary"] for answer in answers
            )
        }
    if arns[0] != "*":
        result["EvalDecisionDetails"] = {}
        result["ResourceSpecificResults"] = answers
    return result


def _one(request: Request, sources: _Sources) -> dict[str, Any]:
    """One `ResourceSpecificResult`: an action on one ARN."""
    decision = evaluate(request, sources.policies)
    own = decision if sources.policies.scps is None else evaluate(request, replace(sources.policies, scps=None))
    answer: dict[str, Any] = {
        "EvalResourceName": request.resource,
        "EvalResourceDecision": decision.outcome.value,
        "MatchedStatements": _matched(decision, sources.texts),
        # Keys that only service control policies read are not reported (botocore's documentation of the field).
        "MissingContextValues": list(own.missing_context),
        "EvalDecisionDetails": {},
    }
    if sources.policies.boundary is not None:
        only = PolicySet(identity=(_ANYTHING,), boundary=sources.policies.boundary)
        answer["PermissionsBoundaryDecisionDetail"] = {"AllowedByPermissionsBoundary": evaluate(request, only).allowed}
    return answer


def _matched(decision: Decision, texts: Mapping[str, str]) -> list[dict[str, Any]]:
    """The identity and resource statements that settled the decision: the denies, or else the allows."""
    effect = {Outcome.ALLOWED: "Allow", Outcome.EXPLICIT_DENY: "Deny", Outcome.IMPLICIT_DENY: ""}[decision.outcome]
    found = []
    for match in decision.matched:
        if match.effect != effect or match.layer not in {Layer.IDENTITY, Layer.RESOURCE}:
            continue
        start, end = statement_position(texts.get(match.policy, ""), match.index)
        found.append(
            {
                "SourcePolicyId": match.policy,
                "SourcePolicyType": _RESOURCE_TYPE if match.layer is Layer.RESOURCE else _IDENTITY_TYPE,
                "StartPosition": {"Line": start[0], "Column": start[1]},
                "EndPosition": {"Line": end[0], "Column": end[1]},
            }
        )
    return found


def statement_position(text: str, index: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Line and column (from 1) where statement `index` of the policy `text` begins and ends."""
    spans = _statement_spans(text)
    if index >= len(spans):
        return (1, 1), (1, max(len(text), 1))
    start, end = spans[index]
    return _line_column(text, start), _line_column(text, end)


def _line_column(text: str, offset: int) -> tuple[int, int]:
    before = text[:offset]
    return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1


def _statement_spans(text: str) -> list[tuple[int, int]]:
    decode = json.JSONDecoder().raw_decode
    at = _skip(text, 0) + 1  # past the document's opening brace
    while at < len(text) and text[_skip(text, at)] == '"':
        key, at = decode(text, _skip(text, at))
        at = _skip(text, _skip(text, at) + 1)  # past the colon
        if key != "Statement":
            _, at = decode(text, at)
        elif text[at] == "{":
            return [(at, decode(text, at)[1])]
        else:
            return list(_array_spans(text, at))
        at = _skip(text, at) + 1  # past the comma
        if at >= len(text):
            break
    return []


def _array_spans(text: str, at: int) -> Iterable[tuple[int, int]]:
    decode = json.JSONDecoder().raw_decode
    at = _skip(text, at + 1)
    while text[at] != "]":
        _, end = decode(text, at)
        yield at, end
        at = _skip(text, end)
        if text[at] == ",":
            at = _skip(text, at + 1)


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at


def _union(lists: Iterable[list[Any]]) -> list[Any]:
    union: list[Any] = []
    for items in lists:
        union.extend(item for item in items if item not in union)
    return union


def _context_keys(policies: Iterable[Policy]) -> list[str]:
    """The condition keys and policy variables that `policies` read, each once, as first spelled."""
    keys: dict[str, str] = {}
    for policy in policies:
        for key in expand_context_keys(policy.document):
            keys.setdefault(key.lower(), key)
    return list(keys.values())
