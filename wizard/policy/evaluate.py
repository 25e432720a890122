"""The local IAM evaluator: decides one request from the policies that apply to it. Pure, no AWS call.

Sources, all in the AWS IAM User Guide: "Policy evaluation logic" (and its pages on single-account and cross-account
requests), "IAM JSON policy elements reference". Each function names the page it rests on.
"""

from __future__ import annotations

import base64
import binascii
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from enum import IntEnum, StrEnum
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Any

Document = Mapping[str, Any]


class Outcome(StrEnum):
    """What IAM answers, in the words of `EvalDecision` (iam:SimulatePrincipalPolicy)."""

    ALLOWED = "allowed"
    EXPLICIT_DENY = "explicitDeny"
    IMPLICIT_DENY = "implicitDeny"


class Layer(StrEnum):
    """The kind of policy that settled a decision."""

    IDENTITY = "identity"
    RESOURCE = "resource"
    BOUNDARY = "permissions-boundary"
    SESSION = "session"
    SCP = "scp"
    RCP = "rcp"


@dataclass(frozen=True)
class Policy:
    """One policy that applies to a request. `name` is what a person would look for: ARN, or an inline policy's name."""

    name: str
    document: Document
    attached_to: str = ""  # ARN or name of the user, group or role that carries it; "" where that has no meaning
    inline: bool = False


@dataclass(frozen=True)
class Request:
    """One call to authorise.

    `action` is "service:Name". `resource` is an ARN or "*". `context` maps condition keys (any case) to one or several
    values. `principal` is the caller's ARN (iam user ARN, or sts assumed-role ARN), `principal_account` its account and
    `resource_account` the account that owns the resource ("" = the caller's own).
    """

    action: str
    resource: str = "*"
    principal: str = ""
    principal_account: str = ""
    resource_account: str = ""
    context: Mapping[str, str | Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class PolicySet:
    """All policies that apply to a request. None means "there is no such layer", an empty tuple "it allows nothing"."""

    identity: tuple[Policy, ...] = ()
    boundary: tuple[Policy, ...] | None = None
    session: tuple[Policy, ...] | None = None
    scps: tuple[tuple[Policy, ...], ...] | None = None  # one tuple a level: root, each OU, account
    rcps: tuple[tuple[Policy, ...], ...] | None = None
    resource: tuple[Policy, ...] = ()


@dataclass(frozen=True)
class Match:
    """A statement that matched: the layer and policy it stands in, its index and Sid, and its effect."""

    layer: Layer
    policy: str
    index: int
    sid: str
    effect: str
    attached_to: str = ""


@dataclass(frozen=True)
class Decision:
    """The answer: the outcome, the layer that settled it, the matching statements, the missing condition keys.

    `layer` is None only for sts:GetCallerIdentity, which no policy decides. `matched` holds the Deny statements of an
    explicit deny, otherwise the Allow statements, those of `layer` first.
    """

    outcome: Outcome
    layer: Layer | None
    matched: tuple[Match, ...] = ()
    missing_context: tuple[str, ...] = ()

    @property
    def allowed(self) -> bool:
        return self.outcome is Outcome.ALLOWED


def evaluate(request: Request, policies: PolicySet) -> Decision:
    """Decide `request` under `policies`. Never raises: a statement that cannot be read matches nothing.

    The layer of the answer is the one that denied, the first that failed to allow, or the one that granted; its
    matches stand first. Role trust policies and KMS key policies, where the resource policy alone decides, are left to
    the caller. Source: "How AWS enforcement code logic evaluates requests to allow or deny access"; STS API Reference,
    GetCallerIdentity ("No permissions are required", even under an explicit deny).
    """
    if request.action.lower() == "sts:getcalleridentity":
        return Decision(Outcome.ALLOWED, None)
    case = _Case(request, bounded=policies.boundary is not None)
    found = _Found(
        {
            layer: [[hit for policy in level for hit in _hits(case, layer, policy)] for level in levels]
            for layer, levels in _layers(policies, case.caller).items()
        }
    )
    outcome, layer = _settle(case, found)
    effect = "Deny" if outcome is Outcome.EXPLICIT_DENY else "Allow"
    matched = sorted(found.matches(effect), key=lambda match: match.layer is not layer)
    return Decision(outcome, layer, tuple(matched), tuple(case.missing.values()))


def statements(document: Document) -> list[dict[str, Any]]:
    """Return the statements of `document`, which may hold one object or a list; what is no object is left out.

    Source: "IAM JSON policy elements: Statement".
    """
    return [dict(statement) for _, statement in _numbered_statements(document)]


@lru_cache(maxsize=1 << 16)
def matches_action(pattern: str, action: str) -> bool:
    """Say whether an Action pattern covers `action`: case does not matter, `*` and `?` are wildcards.

    Source: "IAM JSON policy elements: Action".
    """
    return pattern == "*" or (":" in pattern and _glob(pattern.lower()).fullmatch(action.lower()) is not None)


@lru_cache(maxsize=1 << 16)
def matches_arn(pattern: str, arn: str) -> bool:
    """Say whether an ARN pattern covers `arn`: field by field, wildcards never reaching over the first five colons.

    A pattern with fewer than six fields is completed with `*`; `*` alone covers everything, "*" as a resource too.
    Source: "IAM JSON policy elements: Resource", "Condition operators" (Amazon Resource Name).
    """
    if pattern == "*":
        return True
    wanted, got = pattern.split(":", 5), arn.split(":", 5)
    if len(got) != _ARN_FIELDS or not pattern.startswith("arn:"):
        return False
    wanted += ["*"] * (_ARN_FIELDS - len(wanted))
    return all(_glob(glob).fullmatch(text) is not None for glob, text in zip(wanted, got, strict=True))


def expand_context_keys(document: Document) -> tuple[str, ...]:
    """Return every condition key and policy variable `document` refers to, once each, as first spelled.

    Source: IAM API Reference, GetContextKeysForCustomPolicy.
    """
    keys: dict[str, str] = {}
    for _, statement in _numbered_statements(document):
        texts = [text for element in ("Resource", "NotResource") for text in _texts(statement.get(element)) or ()]
        conditions = statement.get("Condition")
        for block in conditions.values() if isinstance(conditions, Mapping) else ():
            for key, wanted in block.items() if isinstance(block, Mapping) else ():
                keys.setdefault(str(key).lower(), str(key))
                texts += _texts(wanted) or ()
        if document.get("Version") == _VARIABLES_VERSION:
            for found in (match for text in texts for match in _VARIABLE.finditer(text) if match["key"]):
                keys.setdefault(found["key"].lower(), found["key"])
    return tuple(keys.values())


# ---- patterns and policy variables

_ARN_FIELDS = 6
_VARIABLES_VERSION = "2012-10-17"  # an older or missing Version leaves "${...}" as plain text
_VARIABLE = re.compile(r"\$\{(?:(?P<literal>[*?$])|\s*(?P<key>[^,}'\s]+)\s*(?:,\s*'(?P<default>[^']*)'\s*)?)\}")
_VARIABLE_IN_PLACE = re.compile(r"([^:$]*:){5}")  # nothing replaced before the fifth colon
# What a variable brings in is text, not pattern: its special characters travel as private-use characters.
_SHIELD = str.maketrans({"*": "\ue000", "?": "\ue001", ":": "\ue002"})
_UNSHIELD = str.maketrans({"\ue000": "*", "\ue001": "?", "\ue002": ":"})


@lru_cache(maxsize=1 << 14)
def _glob(pattern: str) -> re.Pattern[str]:
    """Compile a pattern of `*` and `?`; atomic groups keep a pattern of many stars linear."""
    first, *rest = (
        "".join("." if char == "?" else re.escape(char.translate(_UNSHIELD)) for char in piece)
        for piece in pattern.split("*")
    )
    if rest:
        first += "".join(f"(?>.*?{piece})" for piece in rest[:-1]) + f".*{rest[-1]}"
    return re.compile(first, re.DOTALL)


def _expand(case: _Case, texts: Sequence[str]) -> list[str]:
    """Replace the policy variables in `texts`, leaving out a text with a variable that has neither value nor default.

    What is left out matches nothing, so a negated operator or NotResource holds. A key with several values is no
    variable. Source: "IAM policy elements: Variables and tags" (Policy variables with no value, default values).
    """
    return [whole for text in texts if (whole := _expand_one(case, text) if "${" in text else text) is not None]


def _expand_one(case: _Case, text: str) -> str | None:
    pieces, end = [], 0
    for variable in _VARIABLE.finditer(text):
        value = _variable_value(case, variable)
        if value is None:
            return None
        pieces += [text[end : variable.start()], value.translate(_SHIELD)]
        end = variable.end()
    return "".join([*pieces, text[end:]])


def _variable_value(case: _Case, variable: re.Match[str]) -> str | None:
    if variable["literal"]:
        return variable["literal"]
    values = case.values(variable["key"])
    return values[0] if len(values) == 1 else variable["default"]


# ---- the request: who calls, and what is known about the call


class _Grant(IntEnum):
    """How closely a statement's principal names the caller.

    Source: "AWS JSON policy elements: Principal", "Policy evaluation logic" (resource-based policies).
    """

    NONE = 0
    ACCOUNT = 1  # the caller's account: delegates to it, so an identity-based policy must allow as well
    ROLE = 2  # the role of the session: its boundary and session policy still limit it
    DIRECT = 3  # the user, the session, the service, or everyone


@dataclass(frozen=True)
class _Caller:
    """The principal of a request. `kind` is its aws:PrincipalType; "" for a service, an identity provider, nobody."""

    arn: str
    kind: str
    account: str
    role: str = ""
    user_name: str = ""

    @property
    def service_linked(self) -> bool:
        return ":role/aws-service-role/" in self.role or ":role/AWSServiceRoleFor" in self.role

    def named_by(self, kind: str, entry: str) -> _Grant:
        """Say how closely one entry of a Principal element, under "AWS", "Service" and so on, names this caller."""
        if not entry or (kind != "AWS" and (self.kind or entry != self.arn)):
            return _Grant.NONE
        if entry == self.role:
            return _Grant.ROLE
        if entry in ("*", self.arn):
            return _Grant.DIRECT
        delegated = entry == self.account or (entry.startswith("arn:") and entry.endswith(f":iam::{self.account}:root"))
        return _Grant.ACCOUNT if delegated else _Grant.NONE


# The first word of an ARN's last field -> aws:PrincipalType
_KINDS = {"user": "User", "role": "AssumedRole", "assumed-role": "AssumedRole"}
_KINDS |= {"federated-user": "FederatedUser", "root": "Account"}


@lru_cache(maxsize=1 << 12)
def _caller(principal: str, account: str, principal_arn: str) -> _Caller:
    """Read a principal ARN. `principal_arn` is the aws:PrincipalArn the request states: it knows the role's path."""
    fields = principal.split(":", 5)
    if len(fields) != _ARN_FIELDS:
        return _Caller(principal, "", account)
    kind, _, name = fields[5].partition("/")
    role = ""
    if kind == "role":
        role = principal
    elif kind == "assumed-role":
        prefix, role_name = f"{fields[0]}:{fields[1]}:iam::{fields[4]}:role/", name.split("/")[0]
        stated = principal_arn.startswith(prefix) and principal_arn.rsplit("/", 1)[-1] == role_name
        role = principal_arn if stated else prefix + role_name
    user_name = name.rsplit("/", 1)[-1] if kind == "user" else ""
    return _Caller(principal, _KINDS.get(kind, ""), account or fields[4], role, user_name)


class _Case:
    """One request being decided: its caller, its context with the keys AWS derives, and the keys found missing."""

    def __init__(self, request: Request, *, bounded: bool) -> None:
        self.bounded = bounded
        self.action = request.action
        self.resource = request.resource
        self.missing: dict[str, str] = {}
        self.context: dict[str, Sequence[str]] = {
            key.lower(): _texts(value) or () for key, value in request.context.items()
        }
        stated = self.context.get("aws:principalarn") or ("",)
        self.caller = caller = _caller(request.principal, request.principal_account, stated[0])
        resource_account = request.resource_account or caller.account
        self.same_account = not (caller.kind and caller.account) or caller.account == resource_account
        derived = {
            "aws:principalarn": (caller.role or caller.arn) if caller.kind else "",
            "aws:principalaccount": caller.account if caller.kind else "",
            "aws:principaltype": caller.kind,
            "aws:username": caller.user_name,
            "aws:resourceaccount": resource_account,
        }
        for key, value in derived.items():
            if value and key not in self.context:
                self.context[key] = (value,)

    def values(self, key: str) -> Sequence[str]:
        """Return the request's values for a condition key (any case), noting it as missing where there are none."""
        values = self.context.get(key.lower(), ())
        if not values:
            self.missing.setdefault(key.lower(), key)
        return values


def _texts(value: object) -> Sequence[str] | None:
    """Return a string, boolean or number, or a list of them, as strings; None for anything else."""
    if isinstance(value, str):
        return (value,)
    items = value if isinstance(value, (list, tuple)) else (value,)
    if {str}.issuperset(map(type, items)):  # nearly always, and much faster than asking each
        return items
    texts = [str(item).lower() if isinstance(item, bool) else str(item) for item in items]
    return texts if all(isinstance(item, (str, int, float)) for item in items) else None


# ---- conditions


# Each test compares a value of the policy with one of the request; None says that one of them cannot be read.
_Test = Callable[[str, str], bool | None]


@lru_cache(maxsize=1 << 12)
def _number(text: str) -> Decimal | None:
    return Decimal(text) if re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)", text) else None


@lru_cache(maxsize=1 << 12)
def _moment(text: str) -> float | None:
    """Read a date: ISO 8601 as in the W3C note (a year or a month may stand alone), or seconds since 1970."""
    if re.fullmatch(r"[0-9]{4}(-[0-9]{2})?", text):
        text = f"{text}-01-01"[:10]
    elif re.fullmatch(r"[0-9]+(\.[0-9]+)?", text):
        return float(text)
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def _ordered(read: Callable[[str], Any], holds: Callable[[Any, Any], bool]) -> _Test:
    """Make the test that compares what `read` makes of the two values: request first, as in "request < policy"."""

    def test(wanted: str, got: str) -> bool | None:
        left, right = read(got), read(wanted)
        return None if left is None or right is None else holds(left, right)

    return test


def _same_bool(wanted: str, got: str) -> bool | None:
    return wanted.lower() == got.lower() if got.lower() in ("true", "false") else None


def _same_binary(wanted: str, got: str) -> bool | None:
    try:
        return base64.b64decode(wanted, validate=True) == base64.b64decode(got, validate=True)
    except (binascii.Error, ValueError):
        return None


@lru_cache(maxsize=1 << 12)
def _in_network(wanted: str, got: str) -> bool | None:
    try:
        return ip_address(got) in ip_network(wanted, strict=False)
    except ValueError:
        return None


def _same_arn(wanted: str, got: str) -> bool | None:
    """Compare ARNs. All six fields must be there: only the Resource element completes a shorter one."""
    if got.count(":") < _ARN_FIELDS - 1:
        return None
    return wanted.count(":") >= _ARN_FIELDS - 1 and matches_arn(wanted, got)


_TESTS: dict[str, _Test] = {
    "stringequals": lambda wanted, got: wanted.translate(_UNSHIELD) == got,
    "stringequalsignorecase": lambda wanted, got: wanted.translate(_UNSHIELD).lower() == got.lower(),
    "stringlike": lambda wanted, got: _glob(wanted).fullmatch(got) is not None,
    "arnequals": _same_arn,
    "arnlike": _same_arn,
    "bool": _same_bool,
    "binaryequals": _same_binary,
    "ipaddress": _in_network,
}
for _kind, _read in (("numeric", _number), ("date", _moment)):
    _TESTS[f"{_kind}equals"] = _ordered(_read, operator.eq)
    _TESTS[f"{_kind}lessthan"] = _ordered(_read, operator.lt)
    _TESTS[f"{_kind}lessthanequals"] = _ordered(_read, operator.le)
    _TESTS[f"{_kind}greaterthan"] = _ordered(_read, operator.gt)
    _TESTS[f"{_kind}greaterthanequals"] = _ordered(_read, operator.ge)

_NEGATED = {
    "stringnotequals": "stringequals",
    "stringnotequalsignorecase": "stringequalsignorecase",
    "stringnotlike": "stringlike",
    "numericnotequals": "numericequals",
    "datenotequals": "dateequals",
    "notipaddress": "ipaddress",
    "arnnotequals": "arnequals",
    "arnnotlike": "arnlike",
}


@dataclass(frozen=True)
class _Operator:
    """A condition operator taken apart. `quantifier` is "", "forallvalues", "foranyvalue" or "null"."""

    test: _Test
    negated: bool
    quantifier: str
    if_exists: bool
    variables: bool  # the operators' own paragraphs in "Condition operators": string, ARN and Boolean

    def holds(self, case: _Case, key: str, wanted: Sequence[str], *, variables: bool) -> bool:
        """Say whether the request's values for `key` satisfy this operator with the policy's `wanted` values.

        Source: "Condition operators" (IfExists; negated operators hold on a missing key), "Conditions with multiple
        context keys or values" (set operators; several values in the request need one).
        """
        got = case.values(key)
        if self.quantifier == "null":
            return self._accepts(wanted, "false" if got else "true")
        if not got:
            return self.if_exists or (self.negated if not self.quantifier else self.quantifier == "forallvalues")
        if not self.quantifier and len(got) > 1:
            return False
        if variables and self.variables:
            wanted = _expand(case, wanted)
        verdicts = (self._accepts(wanted, value) for value in got)
        return any(verdicts) if self.quantifier == "foranyvalue" else all(verdicts)

    def _accepts(self, wanted: Sequence[str], value: str) -> bool:
        """Values are ORed, of a negated operator NORed; what cannot be read satisfies neither."""
        if self.negated:
            return all(self.test(text, value) is False for text in wanted)
        return any(self.test(text, value) for text in wanted)


@lru_cache(maxsize=1 << 10)
def _operator(name: str) -> _Operator | None:
    """Take apart the name of a condition operator; None for one that IAM does not have."""
    if name.lower() == "null":  # a Bool question about the key: is it absent or empty?
        return _Operator(_same_bool, negated=False, quantifier="null", if_exists=False, variables=False)
    quantifier, colon, base = name.lower().rpartition(":")
    if_exists = base.endswith("ifexists")
    base = base.removesuffix("ifexists")
    test = _TESTS.get(_NEGATED.get(base, base))
    if test is None or quantifier + colon not in ("", "forallvalues:", "foranyvalue:"):
        return None
    return _Operator(test, base in _NEGATED, quantifier, if_exists, base.startswith(("string", "arn", "bool")))


def _conditions_hold(case: _Case, conditions: object, *, variables: bool) -> bool:
    """Say whether every operator and every key of a Condition element holds; what cannot be read does not."""
    if not isinstance(conditions, Mapping):
        return False
    verdicts = []
    for name, block in conditions.items():
        condition = _operator(str(name))
        if condition is None or not isinstance(block, Mapping):
            return False
        for key, value in block.items():
            wanted = _texts(value)
            if wanted is None:
                return False
            verdicts.append(condition.holds(case, str(key), wanted, variables=variables))
    return all(verdicts)


# ---- statements

_ELEMENTS = frozenset(
    ("Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition")
)


def _numbered_statements(document: object) -> Iterator[tuple[int, Mapping[str, Any]]]:
    if not isinstance(document, Mapping):
        return
    raw = document.get("Statement")
    for index, statement in enumerate(raw if isinstance(raw, (list, tuple)) else [raw]):
        if isinstance(statement, Mapping):
            yield index, statement


def _element(statement: Mapping[str, Any], name: str) -> tuple[object, bool] | None:
    """Return the value of an element and whether it is the Not form; None unless exactly one form is there."""
    plain, negated = name in statement, f"Not{name}" in statement
    if plain == negated:
        return None
    return (statement[name], False) if plain else (statement[f"Not{name}"], True)


def _action_matches(case: _Case, statement: Mapping[str, Any]) -> bool:
    element = _element(statement, "Action")
    if element is None or (patterns := _texts(element[0])) is None:
        return False
    return any(matches_action(pattern, case.action) for pattern in patterns) is not element[1]


def _resource_matches(case: _Case, statement: Mapping[str, Any], *, variables: bool) -> bool:
    """Match Resource or NotResource; a variable may only stand after the fifth colon, elsewhere nothing matches.

    Source: "IAM JSON policy elements: Resource", "NotResource"; "Variables and tags" (Where you can use policy
    variables).
    """
    element = _element(statement, "Resource")
    if element is None or (patterns := _texts(element[0])) is None:
        return False
    if variables:
        patterns = _expand(case, [text for text in patterns if "${" not in text or _VARIABLE_IN_PLACE.match(text)])
    return any(matches_arn(pattern, case.resource) for pattern in patterns) is not element[1]


def _principal_grant(case: _Case, statement: Mapping[str, Any]) -> _Grant:
    """Say how closely Principal or NotPrincipal names the caller.

    A Deny with NotPrincipal hits every caller with a permissions boundary, whomever it names.
    Source: "AWS JSON policy elements: Principal", "NotPrincipal"; "Permissions boundaries for IAM entities".
    """
    element = _element(statement, "Principal")
    if element is None:
        return _Grant.NONE
    named, negated = element
    if not isinstance(named, Mapping):
        named = {"AWS": "*"} if named == "*" else {}
    grants = [
        case.caller.named_by(str(kind), entry) for kind, entries in named.items() for entry in _texts(entries) or ()
    ]
    if not grants:
        return _Grant.NONE
    if negated:
        spared = any(grants) and not (case.bounded and statement["Effect"] == "Deny")
        return _Grant.NONE if spared else _Grant.DIRECT
    return max(grants)


def _statement_grant(case: _Case, layer: Layer, statement: Mapping[str, Any], *, variables: bool) -> _Grant:
    """Say whether a statement applies to the request, and in a resource policy how closely it names the caller."""
    if not _action_matches(case, statement):
        return _Grant.NONE
    if statement.get("Effect") not in ("Allow", "Deny") or not _ELEMENTS.issuperset(statement):
        return _Grant.NONE
    # A role trust policy has no Resource: it is about the role that carries it.
    about_carrier = layer is Layer.RESOURCE and "Resource" not in statement and "NotResource" not in statement
    if not about_carrier and not _resource_matches(case, statement, variables=variables):
        return _Grant.NONE
    grant = _Grant.DIRECT
    if layer in (Layer.RESOURCE, Layer.RCP):
        grant = _principal_grant(case, statement)
    elif "Principal" in statement or "NotPrincipal" in statement:
        grant = _Grant.NONE
    if not grant:
        return grant
    if "Condition" in statement and not _conditions_hold(case, statement["Condition"], variables=variables):
        return _Grant.NONE
    return grant


# ---- the decision

_Hit = tuple[Match, _Grant]


def _hits(case: _Case, layer: Layer, policy: Policy) -> Iterator[_Hit]:
    """Yield the statements of one policy that apply to the request."""
    for index, statement in _numbered_statements(policy.document):
        variables = policy.document.get("Version") == _VARIABLES_VERSION
        if grant := _statement_grant(case, layer, statement, variables=variables):
            sid = str(statement.get("Sid", ""))
            yield Match(layer, policy.name, index, sid, statement["Effect"], policy.attached_to), grant


def _layers(policies: PolicySet, caller: _Caller) -> dict[Layer, Sequence[Sequence[Policy]]]:
    """Return the layers that exist, in the order AWS evaluates them; each is a list of levels that must all allow.

    SCPs and RCPs do not affect service-linked roles; a federated user without a session policy has no permissions.
    Source: AWS Organizations User Guide, "Service control policies", "Resource control policies"; STS API Reference,
    GetFederationToken.
    """
    session = () if policies.session is None and caller.kind == "FederatedUser" else policies.session
    layers: dict[Layer, Sequence[Sequence[Policy]] | None] = {
        Layer.RCP: None if caller.service_linked else policies.rcps,
        Layer.SCP: None if caller.service_linked else policies.scps,
        Layer.RESOURCE: (policies.resource,),
        Layer.IDENTITY: (policies.identity,),
        Layer.BOUNDARY: None if policies.boundary is None else (policies.boundary,),
        Layer.SESSION: None if session is None else (session,),
    }
    return {layer: levels for layer, levels in layers.items() if levels is not None}


@dataclass(frozen=True)
class _Found:
    """The statements that apply to a request, by layer and level."""

    hits: Mapping[Layer, Sequence[Sequence[_Hit]]]

    def matches(self, effect: str) -> list[Match]:
        return [
            match for levels in self.hits.values() for level in levels for match, _ in level if match.effect == effect
        ]

    def allows(self, layer: Layer) -> bool:
        """Say whether every level of `layer` has an Allow; a layer that does not exist limits nothing."""
        return all(any(match.effect == "Allow" for match, _ in level) for level in self.hits.get(layer, ()))

    def grant(self) -> _Grant:
        """Return the closest Allow of the resource policy."""
        hits = (hit for level in self.hits[Layer.RESOURCE] for hit in level)
        return max((grant for match, grant in hits if match.effect == "Allow"), default=_Grant.NONE)


def _settle(case: _Case, found: _Found) -> tuple[Outcome, Layer]:
    """Combine the layers. Source: "Policy evaluation for requests within a single account", "Cross-account policy
    evaluation logic".
    """
    if denies := found.matches("Deny"):
        return Outcome.EXPLICIT_DENY, denies[0].layer
    for layer in (Layer.RCP, Layer.SCP):
        if not found.allows(layer):
            return Outcome.IMPLICIT_DENY, layer
    lacking = [layer for layer in (Layer.IDENTITY, Layer.BOUNDARY, Layer.SESSION) if not found.allows(layer)]
    if case.caller.kind == "Account" and Layer.IDENTITY in lacking:  # the root user has full access to its own account
        lacking.remove(Layer.IDENTITY)
    granted_by, grant = Layer.IDENTITY, found.grant()
    if not case.same_account:  # each account must allow
        lacking += [] if grant else [Layer.RESOURCE]
    elif lacking and grant is _Grant.DIRECT:
        return Outcome.ALLOWED, Layer.RESOURCE
    elif Layer.IDENTITY in lacking and grant is _Grant.ROLE:
        lacking.remove(Layer.IDENTITY)
        granted_by = Layer.RESOURCE
    return (Outcome.IMPLICIT_DENY, lacking[0]) if lacking else (Outcome.ALLOWED, granted_by)
