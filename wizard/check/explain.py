"""Turns a pasted error into a verdict: what happened, why, who can mend it, and the exact next command. Pure.

Reads what people paste: a terminal's text with colours and broken lines, an SDK's error, JSON, a CloudTrail event. AWS's
denials name the layer that denied, and newer ones the policy ("Troubleshooting access denied error messages", AWS IAM User
Guide); everything else is in error_texts.py. What is not known is told as unknown, with what was understood of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Final

from wizard.check.error_texts import ADMINISTRATOR, DOCS, KNOWN, ORGANISATION, Confidence, Known
from wizard.check.other_error_texts import OTHER
from wizard.check.pasted import ARN, PERMISSION, Denial, encoded_message, name_in, read
from wizard.policy.evaluate import matches_arn
from wizard.remotion import names
from wizard.remotion.catalogue import PolicyKind, cost_of_missing, epochs, latest_release, policy, reasons
from wizard.remotion.regions import OPT_IN, PARTITIONS
from wizard.text import one_line, plain

UNKNOWN: Final = "unknown"


@dataclass(frozen=True)
class Explanation:
    """What an error means. `verdict` is "unknown" where nothing was recognised; `understood` then says what was seen.

    `cause` is a word of the check's contract. `about` says what Remotion uses the action for; `others` are other causes that
    the same text can have, `also` further errors in it.
    """

    verdict: str
    title: str
    cause: str = UNKNOWN
    why: str = ""
    who: str = ""
    remedy: tuple[str, ...] = ()
    confidence: Confidence = "certain"
    action: str = ""
    resource: str = ""
    principal: str = ""
    policy: str = ""
    about: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    understood: tuple[str, ...] = ()
    source: str = ""
    encoded: bool = field(default=False)

    @property
    def known(self) -> bool:
        """Whether the text was recognised."""
        return self.verdict != UNKNOWN

    def to_json(self) -> dict[str, Any]:
        """Return the explanation as a JSON object; what a word stands for is the same as in the check's findings."""
        return {
            "ok": self.known,
            "verdict": self.verdict,
            "title": self.title,
            "cause": self.cause,
            "confidence": self.confidence if self.known else "none",
            "what": {
                "action": self.action,
                "resource": self.resource,
                "principal": self.principal,
                "policy": self.policy,
            },
            "why": self.why,
            "who": self.who,
            "remedy": list(self.remedy),
            "about": list(self.about),
            "others": list(self.others),
            "also": list(self.also),
            "understood": list(self.understood),
            "source": self.source,
            "encoded": self.encoded,
        }


@dataclass(frozen=True)
class _Layer:
    """A kind of policy that can deny: the contract's word for it, its name for people, and who can change it."""

    verdict: str
    cause: str
    name: str
    who: str
    remedy: tuple[str, ...]
    others: tuple[str, ...] = ()


_ORGANISATION_REMEDY: Final = (
    "Send the administrator of the organisation the whole line of the error{named}.",
    "Nothing in this account can change it, not even its root user.",
)
_LAYERS: Final[Mapping[str, _Layer]] = {
    "identity": _Layer("denied.identity-policy", "missing-statement", "identity-based policy", ADMINISTRATOR, ()),
    "resource": _Layer(
        "denied.resource-policy",
        "resource-policy",
        "resource-based policy",
        "the owner of the resource",
        (
            "Look at the policy of the resource: a bucket's with aws s3api get-bucket-policy --bucket {bucket}, a key's with "
            "aws kms get-key-policy --key-id ID --policy-name default",
            "Let the principal in there, or take out the Deny that hits it.",
        ),
        ("Between two accounts AWS also says this where the identity-based policy of the caller lacks the action.",),
    ),
    "boundary": _Layer(
        "denied.permissions-boundary",
        "permissions-boundary",
        "permissions boundary",
        "whoever set the permissions boundary of this identity",
        (
            "See which one it is: aws iam {get} --query {entity}.PermissionsBoundary",
            "Have the action added to the boundary; adding it to other policies has no effect.",
        ),
    ),
    "session": _Layer(
        "denied.session-policy",
        "session-policy",
        "session policy",
        "whoever hands out these temporary credentials",
        (
            "Sign in without the session policy, or have the action added to it. Policies of the role have no effect here.",
        ),
        ("Cognito identity pools and some deployment tools set a session policy by themselves.",),
    ),
    "scp": _Layer("denied.scp", "scp", "service control policy", ORGANISATION, _ORGANISATION_REMEDY),
    "rcp": _Layer("denied.rcp", "rcp", "resource control policy", ORGANISATION, _ORGANISATION_REMEDY),
    "endpoint": _Layer(
        "denied.vpc-endpoint-policy",
        "vpc-endpoint-policy",
        "VPC endpoint policy",
        "whoever runs the VPC",
        (
            "See the endpoint's policy: aws ec2 describe-vpc-endpoints --query VpcEndpoints[].[VpcEndpointId,ServiceName,"
            "PolicyDocument]",
            "Have the action and resource added to it, or call from outside that VPC.",
        ),
    ),
    "trust": _Layer(
        "denied.role-trust",
        "trust",
        "role trust policy",
        "an administrator of the account that owns the role",
        (
            "Look at the trust policy: aws iam get-role --role-name {role} --query Role.AssumeRolePolicyDocument",
            "Name the caller there as Principal, with sts:AssumeRole.",
        ),
    ),
}
_ANY_LAYER: Final = (
    "missing-statement: no policy of the caller allows the action.",
    "explicit-deny: a policy of the caller or of the resource forbids it.",
    "scp, rcp or permissions-boundary: the organisation or a boundary does not let it through.",
)
_PROPAGATION: Final = "not-propagated: a policy that was changed in the last three minutes may not have arrived yet."

# What needs a permission that is in neither of Remotion's policies. Source: @remotion/lambda 4.0.527; AWS documentation of
# Lambda in a VPC, of SSE-KMS, and of the operations.
_BESIDE: Final[Mapping[str, tuple[str, str]]] = {
    "ec2:CreateNetworkInterface": ("A function in a VPC makes network interfaces.", "extras.vpc=true"),
    "ec2:DescribeNetworkInterfaces": ("A function in a VPC looks after its network interfaces.", "extras.vpc=true"),
    "ec2:DeleteNetworkInterface": ("A function in a VPC removes its network interfaces.", "extras.vpc=true"),
    "kms:GenerateDataKey": (
        "Writing to a bucket that is encrypted with a KMS key takes it.",
        "output_bucket.kms_key=ARN",
    ),
    "kms:Decrypt": ("Reading from a bucket that is encrypted with a KMS key takes it.", "output_bucket.kms_key=ARN"),
    "lambda:UpdateFunctionConfiguration": (
        "Deploying again with other --custom-layer-arns takes it.",
        "extras.custom_layer_arns=ARN",
    ),
    "lambda:GetFunctionConfiguration": (
        "Deploying again with other --custom-layer-arns takes it.",
        "extras.custom_layer_arns=ARN",
    ),
    "iam:CreateServiceLinkedRole": ("The first quota request of an account takes it, once.", ""),
    "sts:AssumeRole": ("Taking a role, as remotion.dev/docs/lambda/ec2 describes it.", ""),
}


def explain(text: str, decoded: str = "") -> Explanation:
    """Say what a pasted text means. `decoded` is what sts:DecodeAuthorizationMessage made of its encoded part, if anything.

    Takes any text of up to LARGEST characters (more is cut off) and never raises.
    """
    pasted = read(text, decoded)
    found = _known_in(pasted.text)
    result = _chosen(pasted.denial, found, pasted.text)
    also = tuple(known.title for known in found if known.title != result.title and known.verdict not in _GENERAL)
    return replace(result, also=also[:4], encoded=bool(encoded_message(text)))


# Errors that their text tells


def _squeezed(text: str) -> str:
    """The text without white space, case and marks of emphasis: where lines were broken no longer matters."""
    return "".join(text.split()).lower().replace("’", "'").translate({ord("*"): None, ord("`"): None})


@cache
def _needles() -> tuple[tuple[Known, tuple[str, ...], tuple[str, ...]], ...]:
    return tuple(
        (known, tuple(map(_squeezed, known.texts)), tuple(map(_squeezed, known.also))) for known in (*KNOWN, *OTHER)
    )


# Errors that are told beside another one, which says more.
_GENERAL: Final = {"aws.throttled", "aws.trouble", "network", "credentials.none"}


def _known_in(text: str) -> list[Known]:
    flat = _squeezed(text)
    found = [
        known
        for known, texts, also in _needles()
        if any(needle in flat for needle in texts) and all(needle in flat for needle in also)
    ]
    if "toomanyrequestsexception" in flat and not _about_functions(flat):
        found = [known for known in found if known.verdict != "quota.concurrency"] or [_by_verdict("aws.throttled")]
    verdicts = {known.verdict for known in found}
    if "credentials.temporary-without-token" in verdicts:
        found = [known for known in found if known.verdict != "credentials.not-accepted"]
    if "bucket.public-access-block-permission" in verdicts:
        found = [known for known in found if known.verdict != "bucket.ownership-permission"]
    if "bucket.half-made" in verdicts or "bucket.acl-at-creation" in verdicts:
        found = [known for known in found if known.verdict != "bucket.acl-refused"]
    return found


def _by_verdict(verdict: str) -> Known:
    return next(known for known in KNOWN if known.verdict == verdict)


def _about_functions(flat: str) -> bool:
    """Whether a TooManyRequestsException is Lambda's about functions at work, not one of another service about its API."""
    others = (
        "servicequotas",
        "service-quotas",
        "whencallingtherequestservicequotaincrease",
        "apigateway",
        "organizations",
        "callerratelimitexceeded",
    )
    return not any(name in flat for name in others)


# Choosing


def _chosen(denial: Denial | None, found: Sequence[Known], text: str) -> Explanation:
    settling = [known for known in found if known.settles]
    if settling:
        return _from_known(settling[0], denial, text)
    if denial is not None:
        return _from_denial(denial, text)
    telling = [known for known in found if known.verdict not in _GENERAL] or list(found)
    if telling:
        return _from_known(telling[0], None, text)
    unnamed = _unnamed_denial(text)
    return _from_denial(unnamed, text) if unnamed else _not_known(text)


_REGION: Final = re.compile(
    r"\b((?:af|ap|ca|cn|eu|il|me|mx|sa|us)-(?:gov-)?(?:north|south|east|west|central)(?:east|west)?-\d)\b"
)


def _from_known(known: Known, denial: Denial | None, text: str) -> Explanation:
    region = _named_region(text)
    if known.verdict == "credentials.not-accepted" and region in OPT_IN:
        known = replace(
            known,
            verdict="region.not-enabled",
            title=f"Most likely the region {region} is not enabled in this account.",
            cause="region",
            why=f"{region} is an opt-in region. Where it is off, AWS answers as if the credentials were wrong.",
            remedy=(
                "Compare: aws sts get-caller-identity --region us-east-1   and: aws sts get-caller-identity --region {region}",
                "If only the second fails: aws account enable-region --region-name {region}   (takes minutes to hours)",
            ),
            who=ADMINISTRATOR,
            others=known.others[1:],
            confidence="likely",
        )
    denial = denial or Denial()
    values = _values(text, denial)
    return Explanation(
        verdict=known.verdict,
        title=known.title,
        cause=known.cause,
        why=known.why,
        who=known.who,
        remedy=tuple(_filled(line, values) for line in known.remedy),
        confidence=known.confidence,
        action=denial.action,
        resource=denial.resource,
        principal=denial.principal,
        policy=denial.policy,
        others=tuple(_filled(line, values) for line in known.others),
        source=known.source,
    )


def _named_region(text: str) -> str:
    """The one region that the text is about; "" where it names none or several."""
    regions = set(_REGION.findall(text[:100_000]))
    return regions.pop() if len(regions) == 1 else ""


def _values(text: str, denial: Denial) -> dict[str, str]:
    buckets = re.findall(r"bucket(?:\s+named)?\s*[:(]?\s*[\"'“(]?([a-z0-9][a-z0-9.-]{2,62})[\"'”)\s.]", text[:100_000])
    in_arn = re.match(rf"{ARN}s3:::([a-z0-9.-]{{3,63}})", denial.resource)
    profile = re.search(r"(?:profile(?:\s*:)?\s*[\[(\"'“]?|--profile[ =])([\w.@+-]{1,64})", text)
    named = next((name.rstrip(".") for name in buckets if re.search(r"[-.\d]\w", name)), "")
    return {
        "bucket": in_arn[1] if in_arn else named or "BUCKET",
        "region": _named_region(text) or "REGION",
        "profile": profile[1] if profile and profile[1].lower() not in _NO_PROFILE else "PROFILE",
        "function": "FUNCTION",
    }


_NO_PROFILE: Final = {
    "is",
    "has",
    "in",
    "could",
    "to",
    "or",
    "with",
    "not",
    "and",
    "was",
    "run",
    "using",
    "file",
    "instance",
}


def _filled(line: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        line = line.replace("{" + name + "}", value)
    return line


# Denials


def _from_denial(denial: Denial, text: str) -> Explanation:
    base = _by_layer(denial, text)
    about, remotions = _about(denial)
    base = replace(
        base,
        action=denial.action,
        resource=denial.resource,
        principal=denial.principal,
        policy=denial.policy,
        about=about,
        source=base.source or f"{DOCS}/troubleshooting/permissions",
    )
    if base.cause == "missing-statement":
        base = _missing(base, denial, remotions)
    elif denial.layer == "resource" and denial.action.lower() == "lambda:getlayerversion" and not denial.explicit:
        base = _layer_not_shared(base, denial)
    if denial.action.lower() == "iam:createservicelinkedrole" and names.QUOTA_SERVICE in denial.resource:
        slr = _by_verdict("quota.service-linked-role")
        base = replace(base, verdict=slr.verdict, title=slr.title, remedy=slr.remedy, source=slr.source)
    return base


def _by_layer(denial: Denial, text: str) -> Explanation:
    what = denial.action or "the call"
    if _is_about_trust(denial):
        denial = replace(denial, layer="trust")
        return replace(_by_layer(denial, text), confidence="likely", remedy=_trust_remedy(denial, text))
    if not denial.layer:
        if denial.explicit:
            return Explanation(
                verdict="denied.explicit",
                title=f"A policy forbids {what} with a Deny.",
                cause="explicit-deny",
                why="A Deny wins over every Allow. The message does not say in which kind of policy it stands.",
                who="whoever wrote the policy with the Deny",
                remedy=(
                    *_who_am_i(denial),
                    "Look for a Deny in the caller's policies, the resource's, and the organisation's.",
                ),
                confidence="likely",
                others=("It stands in a service control policy of the organisation.",),
            )
        return Explanation(
            verdict="denied.unnamed",
            title=f"AWS refused {what}, and does not say why.",
            cause=UNKNOWN,
            why="The message names no policy. Some services, and calls to another account, never do.",
            who=ADMINISTRATOR,
            remedy=(*_who_am_i(denial), *_check_it(denial)),
            confidence="possible",
            others=(*_ANY_LAYER, _PROPAGATION, *_other_caller(denial)),
        )
    layer = _LAYERS[denial.layer]
    cause, verdict = layer.cause, layer.verdict
    if denial.layer == "identity" and denial.explicit:
        cause, verdict = "explicit-deny", "denied.explicit"
    values = {**_values(text, denial), **_command_parts(denial)}
    values["named"] = f" (the policy is {denial.policy})" if denial.policy else ""
    title = f"An {layer.name}" if layer.name[0] in "aeiou" else f"A {layer.name}"
    title = f"{title} forbids {what} with a Deny." if denial.explicit else f"No {layer.name} allows {what}."
    remedy = tuple(_filled(line, values) for line in layer.remedy)
    if cause == "explicit-deny":
        where = denial.policy or "the policy with the Deny"
        remedy = (
            f"Take the Deny out of {where}, or limit it by a condition. Another Allow has no effect.",
            *_who_am_i(denial),
        )
    if denial.layer == "scp" and re.match(r"iam:(Create|Put)(User|Role)", denial.action, re.IGNORECASE):
        remedy += (
            "If it demands a permissions boundary: remotion-lambda-wizard --set principal.permissions_boundary=ARN",
        )
    others = (
        layer.others if not denial.transitive else (*layer.others, "The policy was reached through another service.")
    )
    return Explanation(
        verdict=verdict,
        title=title,
        cause=cause,
        why=_why(denial, layer),
        who="whoever wrote the policy with the Deny" if cause == "explicit-deny" else layer.who,
        remedy=remedy,
        others=others,
    )


def _is_about_trust(denial: Denial) -> bool:
    """Whether AWS STS refused to let the caller into a role, and says no more."""
    if denial.layer or denial.explicit:
        return False
    action = denial.action.lower()
    return action in {"sts:tagsession", "sts:assumerolewithwebidentity", "sts:assumerolewithsaml"} or (
        action == "sts:assumerole" and not denial.principal
    )


def _trust_remedy(denial: Denial, text: str) -> tuple[str, ...]:
    values = {**_values(text, denial), **_command_parts(denial)}
    look = _filled(_LAYERS["trust"].remedy[0], values)
    if denial.action.lower() == "sts:tagsession":
        return (
            look,
            "Add sts:TagSession to the actions there, beside sts:AssumeRole, and to the caller's own policy.",
            "Or send no tags. In GitHub Actions: role-skip-session-tagging: true",
        )
    return (look, f"It must name the caller, allow {denial.action}, and its conditions must hold.")


def _why(denial: Denial, layer: _Layer) -> str:
    if denial.explicit:
        return "A Deny wins over every Allow, in whatever policy that stands."
    if denial.layer == "identity":
        return "Nothing that is attached to the caller allows this action on this resource."
    if denial.layer in {"boundary", "scp", "rcp", "session", "endpoint"}:
        return f"The {layer.name} is a limit: it must allow the action too, beside the policy that grants it."
    return "The resource belongs to someone who has to let the caller in."


_NAME: Final = r"[A-Za-z0-9_][\w+=,.@-]{0,127}"  # as IAM allows it: what goes into a command holds nothing else
_USER_ARN: Final = re.compile(rf"{ARN}iam::(\d*):user/(?:[^\s/]+/)*({_NAME})$")
_SESSION_ARN: Final = re.compile(rf"{ARN}sts::(\d*):assumed-role/({_NAME})(?:/.*)?$")
_ROLE_ARN: Final = re.compile(rf"{ARN}iam::(\d*):role/(?:[^\s/]+/)*({_NAME})$")


def _caller(principal: str) -> tuple[str, str, str]:
    """The kind (user, role or ""), name and account of a principal."""
    user = _USER_ARN.match(principal)
    role = _SESSION_ARN.match(principal) or _ROLE_ARN.match(principal)
    found = user or role
    return ("user" if user else "role", found[2], found[1]) if found else ("", "", "")


def _last_name(arn: str) -> str:
    name = arn.rpartition("/")[2]
    return name if re.fullmatch(_NAME, name, re.ASCII) else "ROLE"


def _command_parts(denial: Denial) -> dict[str, str]:
    kind, name, _ = _caller(denial.principal)
    kind, name = kind or "user", name or names.USER
    role = _last_name(denial.resource) if denial.action.lower().startswith("sts:") and denial.resource else "ROLE"
    return {
        "get": f"get-{kind} --{kind}-name {name}",
        "entity": kind.capitalize(),
        "role": role,
    }


def _who_am_i(denial: Denial) -> tuple[str, ...]:
    kind, name, _ = _caller(denial.principal)
    return () if kind and name else ("See who is calling: aws sts get-caller-identity",)


def _check_it(denial: Denial) -> tuple[str, ...]:
    kind, name, _ = _caller(denial.principal)
    option = f" --{kind} {name}" if kind else ""
    return (f"Ask IAM what is missing: remotion-lambda-wizard check{option}",)


def _other_caller(denial: Denial) -> tuple[str, ...]:
    kind, name, _ = _caller(denial.principal)
    if kind == "role" and name != names.RENDER_ROLE:
        return (
            f"The caller is the role {name}. If it should be {names.USER}, the platform's own credentials were used: "
            "remotion-lambda-wizard credentials explain",
        )
    return ()


def _kind_of(denial: Denial) -> PolicyKind:
    """Which of Remotion's policies the caller should hold: the render role the role policy, everyone else the user's."""
    kind, name, _ = _caller(denial.principal)
    return "role" if kind == "role" and name == names.RENDER_ROLE else "user"


def _partition(denial: Denial) -> str:
    for arn in (denial.resource, denial.principal):
        parts = arn.split(":")
        if arn.startswith("arn:") and parts[1] in PARTITIONS:
            return parts[1]
    return "aws"


def _patterns(kind: PolicyKind, action: str, partition: str) -> tuple[str, tuple[str, ...]]:
    """The action as Remotion's policy spells it, and the resources it has there; "" where it is not in it."""
    for statement in policy(kind, latest_release(), partition)["Statement"]:
        for name in statement["Action"]:
            if name.lower() == action.lower():
                return name, tuple(statement["Resource"])
    return "", ()


def _since(kind: PolicyKind, action: str, resource: str, partition: str) -> str:
    """The first release whose policy has the action (on this resource, where that came later)."""
    for epoch in epochs():
        statements = epoch.partitions.get(partition, epoch.partitions["aws"])[kind]
        for statement in statements:
            if action in statement["Action"] and (not resource or _within(statement["Resource"], resource)):
                return str(epoch.since)
    return ""


def _within(patterns: Sequence[str], resource: str) -> bool:
    return any(pattern == "*" or matches_arn(pattern, resource) for pattern in patterns)


def _about(denial: Denial) -> tuple[tuple[str, ...], str]:
    """What Remotion uses the action for; and whether it is its own: "inside", "outside" its names, "swapped", or ""."""
    kind, partition = _kind_of(denial), _partition(denial)
    partition = partition if partition != "aws-us-gov" else "aws"
    other: PolicyKind = "user" if kind == "role" else "role"
    action, resources = _patterns(kind, denial.action, partition)
    if not action:
        swapped, _ = _patterns(other, denial.action, partition)
        if swapped:
            whose = "the user's" if other == "user" else "the render role's"
            return (f"{swapped} is in {whose} policy of Remotion, not in the one of this caller.",), "swapped"
        beside = next((v for k, v in _BESIDE.items() if k.lower() == denial.action.lower()), None)
        about = (beside[0],) if beside else ()
        neither = f"{denial.action} is in neither of Remotion's policies." if denial.action else ""
        return tuple(filter(None, (*about, neither))), ""
    lines = []
    why = _purpose(kind, action, partition)
    if why:
        lines.append(f"Remotion uses {action} to {why}.")
    cost = cost_of_missing(kind, action)
    if cost:
        lines.append(f"Without it: {cost}.")
    arn = denial.resource if denial.resource.startswith("arn:") else ""
    inside = not arn or _within([r.replace("arn:aws:", f"arn:{arn.split(':')[1]}:", 1) for r in resources], arn)
    if not inside:
        lines.append(f"The resource is outside Remotion's names: its policy covers {', '.join(resources)}.")
        return tuple(lines), "outside"
    since = _since(kind, action, arn if partition == "aws" else "", partition)
    if since:
        lines.append(f"It is in the {kind} policy from Remotion {since}.")
    return tuple(lines), "inside"


def _purpose(kind: PolicyKind, action: str, partition: str) -> str:
    for reason in reasons(kind, policy(kind, latest_release(), partition)):
        for name, why, _ in reason.actions:
            if name == action:
                return why
    return ""


def _missing(base: Explanation, denial: Denial, remotions: str) -> Explanation:
    """Complete a denial for want of an Allow: what to add, where, and with which command."""
    kind, name, account = _caller(denial.principal)
    others = (_PROPAGATION, *_other_caller(denial))
    special = _special(denial, remotions)
    if special is not None:
        verdict, title, remedy, more = special
        return replace(base, verdict=verdict, title=title, remedy=remedy, others=(*more, *others), confidence="likely")
    if remotions == "inside":
        return replace(base, remedy=_update(_kind_of(denial), kind, name, account), others=others)
    if remotions == "swapped":
        what = "role" if _kind_of(denial) == "role" else "user"
        return replace(
            base,
            verdict="denied.swapped-policies",
            cause="swapped-policies",
            why=base.why + f" The caller has {'the render role' if what == 'role' else 'the user'}'s part.",
            remedy=(
                "See whether user and role policy were mixed up: remotion-lambda-wizard check",
                "Put each in its place: remotion-lambda-wizard",
            ),
            others=(
                "This call is not the caller's to make: the code runs with other credentials than you think: "
                "remotion-lambda-wizard credentials explain",
                *others,
            ),
            confidence="possible",
        )
    if remotions == "outside":
        return replace(base, remedy=_outside(denial, kind, name), others=others, cause="wrong-resource")
    setting = next((v[1] for k, v in _BESIDE.items() if k.lower() == denial.action.lower()), "")
    statement = json.dumps({"Effect": "Allow", "Action": denial.action, "Resource": denial.resource or "*"})
    remedy = (f"The wizard adds what belongs to it: remotion-lambda-wizard --set {setting}",) if setting else ()
    return replace(base, remedy=(*remedy, f"Add this statement to a policy of the caller: {statement}"), others=others)


def _layer_not_shared(base: Explanation, denial: Denial) -> Explanation:
    """Lambda's answer for a layer of another account that does not exist in the region, or that its owner keeps."""
    return replace(
        base,
        verdict="denied.layer-not-shared",
        title="There is no such layer version in this region, or its owner does not share it.",
        cause="missing",
        why="Lambda asks the layer's own policy, and says the same where there is no layer. Your policies don't matter here.",
        remedy=(
            f"Look for it: aws lambda get-layer-version-by-arn --arn {denial.resource or 'ARN'}",
            "Compare account, region, name and version with the owner's documentation: they differ from region to region.",
        ),
        others=("It was taken back: upgrade Remotion, or take the layer's newest version.",),
        confidence="likely",
    )


def _special(denial: Denial, remotions: str) -> tuple[str, str, tuple[str, ...], tuple[str, ...]] | None:
    """Denials that have a story of their own at Remotion."""
    action = denial.action.lower()
    if action == "iam:passrole" and remotions == "outside":
        role = _last_name(denial.resource)
        return (
            "denied.pass-role",
            f"The caller may hand over {names.RENDER_ROLE} only, and the function is to get {role}.",
            (
                f"Use Remotion's own role, {names.RENDER_ROLE} at the path /: leave --custom-role-arn out.",
                f"Or allow this one: remotion-lambda-wizard --set render_role.name={role}",
            ),
            (),
        )
    if action == "iam:passrole":
        _, name, _ = _caller(denial.principal)
        return (
            "denied.pass-role",
            f"The caller may not hand {names.RENDER_ROLE} to the function.",
            _update("user", *_caller(denial.principal)),
            (f"{name or 'The caller'} may hold no policy of Remotion at all.",),
        )
    if action == "lambda:getlayerversion" and remotions in {"inside", "outside"}:
        hosted = ":678892195805:" in denial.resource
        insights = "LambdaInsightsExtension" in denial.resource
        if not (hosted or insights):
            return None
        whose = "that Remotion hosts" if hosted else "of Lambda Insights"
        fix = (
            _update("user", *_caller(denial.principal))
            if remotions == "inside"
            else ("Allow the layer of this region: remotion-lambda-wizard --set extras.insights=true",)
        )
        return (
            "denied.hosted-layer" if hosted else "denied.insights-layer",
            f"The caller may not fetch the layers {whose}.",
            fix,
            (
                "scp: an organisation's policy may forbid what belongs to other accounts.",
                "The region has no such layers: own ones are needed (--custom-layer-arns).",
            ),
        )
    return None


def _update(kind: PolicyKind, entity: str, name: str, account: str) -> tuple[str, ...]:
    """The commands that bring the caller's policy up to date."""
    if kind == "role":
        arn = f"arn:aws:iam::{account or 'ACCOUNT'}:policy/{names.ROLE_POLICY}"
        return (
            "Bring the policies up to date: remotion-lambda-wizard",
            "Or by hand: remotion-lambda-wizard policies role > policy.json",
            f"  aws iam create-policy-version --policy-arn {arn} --policy-document file://policy.json --set-as-default",
            f"Then: remotion-lambda-wizard check --role {name or names.RENDER_ROLE}",
        )
    entity, name = entity or "user", name or names.USER
    inline = names.USER_POLICY if entity == "user" else names.EXECUTION_POLICY
    return (
        f"Bring the policies up to date: remotion-lambda-wizard --set principal.kind={entity} --set principal.name={name}",
        "Or by hand: remotion-lambda-wizard policies user > policy.json",
        f"  aws iam put-{entity}-policy --{entity}-name {name} --policy-name {inline} --policy-document file://policy.json",
        f"Then: remotion-lambda-wizard check --{entity} {name}",
    )


def _outside(denial: Denial, entity: str, name: str) -> tuple[str, ...]:
    bucket = re.match(rf"{ARN}s3:::([a-z0-9.-]{{3,63}})", denial.resource)
    if bucket:
        return (
            f"If it is your own output bucket: remotion-lambda-wizard --set output_bucket.name={bucket[1]}",
            f"If it should be Remotion's bucket, its name must begin with {names.BUCKET_PREFIX}.",
        )
    if ":function:" in denial.resource:
        return (
            f"Remotion's functions begin with {names.FUNCTION_PREFIX}. Take the name from: npx remotion lambda functions ls",
            "For another function, add an own statement for it.",
        )
    statement = json.dumps({"Effect": "Allow", "Action": denial.action, "Resource": denial.resource})
    return (f"If it belongs to your set-up, add this statement to a policy of the caller: {statement}",)


# Denials without AWS's sentence

_DENIED_WORD: Final = re.compile(
    r"AccessDenied|Access ?Denied|UnauthorizedOperation|not authorized to perform this operation|AuthorizationError|"
    r"httpStatusCode:\s*403",
    re.IGNORECASE,
)
_CALLING: Final = re.compile(
    r"when\s+calling\s+the\s+(\w{3,60})\s+operation|\bde_(\w{3,60}?)Command(?:Error)?\b|new\s+(\w{3,60})Command\b|"
    r"operation\s+error\s+[\w ]{2,40}:\s+(\w{3,60})"
)
_FRAMES: Final = (("getAllFunctions", "lambda:ListFunctions"), ("getFunctions", "lambda:ListFunctions"))


def _unnamed_denial(text: str) -> Denial | None:
    """A refusal that is told by its code alone, with the operation where the text names it."""
    if not _DENIED_WORD.search(text):
        return None
    found = next((m for m in _CALLING.finditer(text) if next(filter(None, m.groups())) not in {"", "_"}), None)
    operation = next(filter(None, found.groups()), "") if found else ""
    action = PERMISSION.get(operation) or _in_catalogue(operation)
    action = action or next((name for frame, name in _FRAMES if frame in text), "")
    return Denial(action=action)


def _in_catalogue(operation: str) -> str:
    kinds: tuple[PolicyKind, ...] = ("user", "role")
    for kind in kinds:
        for statement in policy(kind, latest_release())["Statement"]:
            for action in statement["Action"]:
                if operation and action.partition(":")[2].lower() == operation.lower():
                    return str(action)
    return ""


def _not_known(text: str) -> Explanation:
    """Say what was seen in a text that no known error is in."""
    seen = []
    codes = sorted(
        {one_line(code, 60) for code in re.findall(r"\b[A-Z]\w{2,60}(?:Exception|Error|Fault)\b", text[:200_000])}
    )
    arns = sorted({name_in(arn) for arn in re.findall(rf"{ARN}[\w-]{{2,30}}:\S{{1,200}}", text[:200_000])})
    actions = sorted(
        set(re.findall(r"\b(?:iam|s3|lambda|sts|logs|servicequotas|kms|ec2):[A-Z]\w{2,60}\b", text[:200_000]))
    )
    if codes:
        seen.append(f"Error names: {', '.join(codes[:5])}")
    if actions:
        seen.append(f"Actions: {', '.join(actions[:5])}")
    if arns:
        seen.append(f"Resources: {', '.join(arns[:5])}")
    return Explanation(
        verdict=UNKNOWN,
        title="This text holds no error that the wizard knows.",
        cause=UNKNOWN,
        remedy=(
            "Paste the whole error, with the line that holds AWS's message.",
            "Check the set-up as a whole: remotion-lambda-wizard check",
        ),
        confidence="possible",
        understood=tuple(seen) or ("Nothing in it was understood.",),
    )


def as_lines(explanation: Explanation) -> list[str]:
    """Return an explanation as plain lines for people."""
    lines = [explanation.title]
    what = (
        ("action", explanation.action),
        ("resource", explanation.resource),
        ("principal", explanation.principal),
        ("policy", explanation.policy),
    )
    lines += [f"  {name}: {value}" for name, value in what if value]
    if explanation.why:
        lines += ["", f"Why: {explanation.why}"]
    if explanation.known:
        cause = "can't be told from this text" if explanation.cause == UNKNOWN else explanation.cause
        lines += [f"Cause: {cause} ({explanation.confidence})", f"Who can mend it: {explanation.who}"]
    lines += [f"  {line}" for line in (*explanation.about, *explanation.understood)]
    if explanation.remedy:
        lines += ["", "What to do:", *(f"  → {line}" for line in explanation.remedy)]
    if explanation.others:
        lines += ["", "It can also be:" if explanation.cause != UNKNOWN else "It can be:"]
        lines += [f"  - {line}" for line in explanation.others]
    if explanation.also:
        lines += ["", "The text also holds:", *(f"  - {line}" for line in explanation.also)]
    if explanation.source:
        lines += ["", f"More: {explanation.source}"]
    return [plain(line) for line in lines]
