"""Reads a pasted error: what was said, in which sentence of AWS, and in JSON; and takes out what could be a secret. Pure.

Source: "Troubleshooting access denied error messages" (AWS IAM User Guide), "CloudTrail record contents" (AWS CloudTrail User
Guide), "Access key format" and DecodeAuthorizationMessage (AWS STS API reference).
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Final
from urllib.parse import unquote

from wizard.secret import MASK, without_secrets
from wizard.text import one_line, plain

LARGEST: Final = 1_000_000  # characters of pasted text


@dataclass(frozen=True)
class Denial:
    """One call that AWS refused, as far as the text tells it. `layer` is a key of the layers, "" where it is not named."""

    action: str = ""
    resource: str = ""
    principal: str = ""
    layer: str = ""
    explicit: bool = False
    policy: str = ""  # ARN of the policy that denied
    transitive: bool = False


@dataclass(frozen=True)
class Pasted:
    """What a pasted text says: its words without secrets (the messages of JSON in it first), and the refusal, if it is one."""

    text: str
    denial: Denial | None


def read(text: str, decoded: str = "") -> Pasted:
    """Read a pasted text, of which LARGEST characters count. `decoded` is what sts:DecodeAuthorizationMessage answered."""
    cleaned = clean(text[:LARGEST])
    whole = clean(_unwrapped(text[:LARGEST]))
    events = list(_events(cleaned))
    spoken = _redacted("\n".join([*(message for _, message in events), cleaned]))
    refused = [*_denials(spoken), *(event for event, _ in events if event.action)]
    refused += _denials(_redacted(whole)) if whole != cleaned else []
    inside = _unwrapped(cleaned)  # the terminal was as wide as what stands within the frame
    refused += _denials(_redacted(inside)) if inside != cleaned else []
    return Pasted(spoken, _merged(refused, _decoded(decoded)))


_NARROWEST: Final = 40  # no terminal is narrower


def _unwrapped(text: str) -> str:
    """The text as it was before a terminal broke its lines, words and all: lines as long as the longest go on in the next."""
    lines = plain(text.replace("\r\n", "\n")).split("\n")
    width = max(map(len, lines))
    if width < _NARROWEST:
        return text
    return "".join(line if len(line) == width else f"{line}\n" for line in lines)


def clean(text: str) -> str:
    """Return pasted text as its writer meant it: no escapes of terminals, JSON or HTML, no frames and quote marks."""
    shown = plain(text.replace("\r\n", "\n").replace("\r", "\n").replace("\u00a0", " "))
    shown = unquote(shown) if "%20" in shown and "%3A" in shown else shown
    shown = re.sub(r"\\{1,8}\"", '"', shown)
    shown = re.sub(r"\\{1,8}([nt])", lambda found: "\n" if found[1] == "n" else " ", shown)
    shown = html.unescape(html.unescape(shown)) if "&" in shown else shown
    shown = re.sub(r" {3,}", "  ", plain(shown))  # an entity may have stood for a control character
    return "\n".join(_PREFIX.sub("", line.strip(" ")).lstrip(_FRAME).rstrip(_EDGE) for line in shown.split("\n"))


# What logs put before a line: the time, a level, a program's name.
_PREFIX: Final = re.compile(
    r"(?:\d{4}-\d\d-\d\d[T ])?\d\d:\d\d:\d\d[.,\d]{0,10}(?:Z|[+-]\d\d:?\d\d)?\s+(?:\[\w{2,10}\]\s*)?"
    r"|npm (?:ERR!|error)\s+|[\w.-]{1,40}\s{1,10}\|\s",
    re.ASCII,
)


_FRAME: Final = " >|│┃║╷╵╭╰✗✘❌⚠💡\ufe0f"  # what terminals, issues and mails put before a line
_EDGE: Final = " │┃║"


_ENCODED: Final = re.compile(
    r"Encoded\s+authorization\s+failure\s+message:\s*((?:[\w-]+[ \t]*\n?[ \t]*){1,400})", re.ASCII
)


def encoded_message(text: str) -> str:
    """Return the encoded authorization message of a text, for sts:DecodeAuthorizationMessage; "" if there is none."""
    found = _ENCODED.search(clean(text[:LARGEST]))
    if not found:
        return ""
    lines = found[1].split("\n")
    kept = [lines[0].split()[0]]
    for line in lines[1:]:  # the rest of a broken line: one long word and nothing else
        words = line.split()
        if len(words) != 1 or len(kept[-1]) < 30:
            break
        kept.append(words[0])
    message = "".join(kept)
    return message if len(message) >= 40 else ""


# S3 and Lambda name some operations otherwise than the permission. Source: AWS Service Authorization Reference.
PERMISSION: Final[Mapping[str, str]] = {
    "HeadObject": "s3:GetObject",
    "HeadBucket": "s3:ListBucket",
    "ListObjects": "s3:ListBucket",
    "ListObjectsV2": "s3:ListBucket",
    "ListBuckets": "s3:ListAllMyBuckets",
    "DeleteBucketOwnershipControls": "s3:PutBucketOwnershipControls",
    "DeletePublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "PutBucketLifecycleConfiguration": "s3:PutLifecycleConfiguration",
    "PutBucketLifecycle": "s3:PutLifecycleConfiguration",
    "CreateMultipartUpload": "s3:PutObject",
    "Invoke": "lambda:InvokeFunction",
    "InvokeWithResponseStream": "lambda:InvokeFunction",
    "GetLayerVersionByArn": "lambda:GetLayerVersion",
}
_SERVICES: Final[Mapping[str, str]] = {"monitoring": "cloudwatch", "email": "ses"}  # eventSource: prefix of the actions


_WORDS: Final = (
    ("identity-based policy", "identity"),
    ("resource-based policy", "resource"),
    ("permissions boundary", "boundary"),
    ("session policy", "session"),
    ("service control policy", "scp"),
    ("resource control policy", "rcp"),
    ("VPC endpoint policy", "endpoint"),
    ("role trust policy", "trust"),
)


# The sentence of a denial: who is not authorized to perform what, on which resource, because of which kind of policy.
ARN: Final = r"arn:aws[\w-]{0,12}:"
_BROKEN: Final = r"(?:\S|\n[ \t]*(?=\S)){0,1000}?"
_SENTENCE: Final = re.compile(
    r"(?:\bis\s+)?\bnot\s+authorized\s+to\s+perform\s*:?\s*(?P<action>[A-Za-z][\w-]{1,40}:\s?[A-Za-z*][\w*]{1,80})",
    re.IGNORECASE,
)
_WHO: Final = re.compile(r"(?:User|Principal)\s*:\s*", re.IGNORECASE)
_PRINCIPAL: Final = re.compile(r"(\S(?:\S|\n[ \t]*(?=\S)){0,600})\s*$")
_RESOURCE: Final = re.compile(
    r"\s*on\s+(?:the\s+)?resource\s*:?\s*(?:\"(?P<quoted>[^\"]{1,1500})\"|(?P<kind>(?:role|user|policy|group)\s+)?"
    r"(?P<plain>\S"
    + _BROKEN
    + r")(?=\s+(?:because|with\s+an\s+explicit)\b)|(?P<word>(?:(?:role|user|policy|group)\s+)?\S{1,1000}))",
    re.IGNORECASE,
)
_REASON: Final = re.compile(
    r"\s*(?:because\s+(?P<none>no)\s+(?P<allow>[a-z -]{4,40}?)\s+allows"
    r"|with\s+an\s+explicit\s+deny(?:\s+in\s+(?:an?|the)\s+(?P<deny>[a-z-]+(?:\s+[a-z-]+){0,2}))?)",
    re.IGNORECASE,
)
_POLICY: Final = re.compile(r"\s*(?:policy|boundary)?\s*:\s*(?P<arn>" + ARN + r"\S{5,300})", re.IGNORECASE)
_WINDOW: Final = 3_000


def _denials(text: str) -> Iterator[Denial]:
    """Every refusal that AWS tells in its usual sentence."""
    for found in islice(_SENTENCE.finditer(text), 100):
        before = text[max(0, found.start() - 700) : found.start()]
        who = list(_WHO.finditer(before))
        principal = _PRINCIPAL.match(before, who[-1].end()) if who else None
        rest = text[found.end() : found.end() + _WINDOW]
        action = "".join(found["action"].split())
        resource = _RESOURCE.match(rest)
        named = ""
        if resource:
            named = resource["quoted"] or (resource["kind"] or "") + (resource["plain"] or "") or resource["word"]
            rest = rest[resource.end() :]
        layer, explicit, arn, transitive = _reason(rest)
        yield Denial(
            action=action,
            resource=name_in(named),
            principal=name_in(principal[1]) if principal else "",
            layer=layer,
            explicit=explicit,
            policy=arn,
            transitive=transitive,
        )


def _reason(rest: str) -> tuple[str, bool, str, bool]:
    """The layer that denied, whether with a Deny, the policy, and whether it was reached through another policy."""
    found = _REASON.match(rest)
    if not found:
        return "", False, "", False
    words = " ".join((found["allow"] or found["deny"] or "").split()).lower()
    layer = next((key for word, key in _WORDS if words.startswith(word.lower())), "")
    after = rest[found.end() :] if found["deny"] else ""
    arn = _POLICY.match(after)
    transitive = re.match(r"\s*transitively\s+through\s+an?\s+([a-z -]{4,40})", after, re.IGNORECASE)
    if transitive:
        through = " ".join(transitive[1].split()).lower()
        layer = next((key for word, key in _WORDS if through.startswith(word.lower())), layer)
    return layer, found["none"] is None, name_in(arn["arn"]) if arn else "", transitive is not None


def name_in(text: str) -> str:
    """A name out of a sentence: in one piece, without the punctuation behind it."""
    words = text.split()
    joined = f"{words[0]} {''.join(words[1:])}" if words and words[0].lower() in _KINDS else "".join(words)
    return one_line(joined.strip("\"'`“”„‘’«»\\,;()<>").rstrip(".:"), 400)


_KINDS: Final = {"role", "user", "policy", "group"}


def _events(text: str) -> Iterator[tuple[Denial, str]]:
    """Errors that stand in the text as JSON: CloudTrail events, and what SDKs and CLIs print."""
    for value in _json_in(text):
        for entry in _objects(value):
            code, message = _text_of(entry, _CODES), _text_of(entry, _MESSAGES)
            if not code and not message:
                continue
            event = Denial()
            if code and "eventName" in entry and _is_denial(code):
                event = Denial(
                    action=_event_action(entry), resource=_event_resource(entry), principal=_event_principal(entry)
                )
            yield event, f"{code}: {message}"


_CODES: Final = ("errorCode", "__type", "Code", "code", "name")
_MESSAGES: Final = ("errorMessage", "message", "Message", "error")


def _is_denial(code: str) -> bool:
    return any(word in code for word in ("AccessDenied", "Unauthorized", "Forbidden"))


def _text_of(entry: Mapping[str, Any], keys: Sequence[str]) -> str:
    return next((value for key in keys if isinstance(value := entry.get(key), str)), "")


def _json_in(text: str) -> Iterator[Any]:
    """The JSON values in a text: the whole of it, or the first few objects and lists."""
    decoder, position = json.JSONDecoder(), 0
    for _ in range(30):
        starts = [at for mark in "{[" if (at := text.find(mark, position)) >= 0]
        if not starts:
            return
        start = min(starts)
        try:
            value, position = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            position = start + 1
            continue
        yield value


def _objects(value: Any, depth: int = 0) -> Iterator[dict[str, Any]]:
    """Every object in a JSON value, and in texts of it that are JSON themselves (CloudTrail's LookupEvents has them)."""
    if depth > 12:
        return
    if isinstance(value, dict):
        yield value
        for inner in list(value.values())[:200]:
            yield from _objects(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value[:200]:
            yield from _objects(inner, depth + 1)
    elif isinstance(value, str) and value.startswith("{"):
        try:
            yield from _objects(json.loads(value), depth + 1)
        except (ValueError, RecursionError):
            return


def _event_action(event: Mapping[str, Any]) -> str:
    service = str(event.get("eventSource", "")).removesuffix(".amazonaws.com").removesuffix(".amazonaws.com.cn")
    operation = re.sub(r"\d{8}(?:v\d)?$", "", str(event.get("eventName", "")))
    if not re.fullmatch(r"[a-z0-9-]{2,40}", service) or not re.fullmatch(r"\w{2,80}", operation):
        return ""
    return PERMISSION.get(operation) or f"{_SERVICES.get(service, service)}:{operation}"


def _event_resource(event: Mapping[str, Any]) -> str:
    resources = event.get("resources")
    for entry in resources if isinstance(resources, list) else []:
        arn = entry.get("ARN") if isinstance(entry, dict) else None
        if isinstance(arn, str):
            return name_in(arn)
    given = event.get("requestParameters")
    if not isinstance(given, dict):
        return ""
    bucket, key = given.get("bucketName"), given.get("key")
    if isinstance(bucket, str):
        return name_in(f"arn:aws:s3:::{bucket}" + (f"/{key}" if isinstance(key, str) else ""))
    for name in ("functionName", "roleName", "userName", "policyArn", "roleArn", "layerName", "logGroupName"):
        if isinstance(given.get(name), str):
            return name_in(given[name])
    return ""


def _event_principal(event: Mapping[str, Any]) -> str:
    who = event.get("userIdentity")
    arn = who.get("arn") if isinstance(who, dict) else None
    return name_in(arn) if isinstance(arn, str) else ""


def _decoded(text: str) -> Denial | None:
    """Read what sts:DecodeAuthorizationMessage answers. Source: AWS STS API reference, DecodeAuthorizationMessage."""
    try:
        value = json.loads(text) if text else None
    except (ValueError, RecursionError):
        return None
    context = value.get("context") if isinstance(value, dict) else None
    if not isinstance(context, dict) or not isinstance(value, dict):
        return None
    who = context.get("principal")
    arn = who.get("arn") if isinstance(who, dict) else ""
    explicit = value.get("explicitDeny") is True
    return Denial(
        action=name_in(plain(str(context.get("action") or ""))),
        resource=name_in(plain(str(context.get("resource") or ""))),
        principal=name_in(plain(str(arn or ""))),
        layer="" if explicit else "identity",
        explicit=explicit,
    )


def _merged(denials: Sequence[Denial], decoded: Denial | None) -> Denial | None:
    """The denial that tells most, completed by the others about the same action."""
    if not denials:
        return decoded
    best = max(denials, key=lambda d: (bool(d.layer), d.explicit, bool(d.principal), bool(d.resource)))
    for other in [*denials, *([decoded] if decoded else [])]:
        if other.action.lower() == best.action.lower():
            best = replace(
                best,
                resource=best.resource or other.resource,
                principal=best.principal or other.principal,
                policy=best.policy or other.policy,
                layer=best.layer or other.layer,
                explicit=best.explicit or other.explicit,
            )
    return best


# Secrets

_NAMED_SECRET: Final = re.compile(
    r"((?<![:\w])(?:[\w-]{0,20}[_-])?(?:secret(?:[_ -]?access)?(?:[_ -]?key)?|"
    r"(?:session|security|access|auth|refresh|id)[_-]?token|signature|credential|password|passwd|private[_-]?key)[\"']?\s{0,3}[:=>]\s{0,3}[\"']?|\b(?:bearer|basic)\s{1,3})"
    r"([A-Za-z0-9/+_.=~%-]{8,})",
    re.IGNORECASE,
)
_TOKEN: Final = re.compile(r"(?<![A-Za-z0-9/_.-])[A-Za-z0-9/+_=-]{120,}")
_KEY_ID: Final = re.compile(r"\b((?:AKIA|ASIA)[A-Z0-9]{0,2})[A-Z0-9]{8,}([A-Z0-9]{4})\b")


def _redacted(text: str) -> str:
    """The text without what could be a secret: values of telling names, secrets' shape, tokens; key ids are shortened."""
    text = _NAMED_SECRET.sub(lambda found: found[1] + MASK, text)
    text = _TOKEN.sub(MASK, without_secrets(text))
    return _KEY_ID.sub(lambda found: f"{found[1][:4]}…{found[2]}", text)
