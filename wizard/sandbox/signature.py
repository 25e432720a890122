"""AWS Signature Version 4, from the side of the one who checks it.

Source: "Signature Version 4 signing process", "Authenticating Requests: Using Query Parameters" (S3 API Reference).
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import parse_qs, quote, unquote, urlsplit

from botocore.utils import normalize_url_path

from wizard.sandbox.messages import Message

ALGORITHM: Final = "AWS4-HMAC-SHA256"
_SAFE: Final = "-_.~"
_HEX: Final = re.compile(r"[0-9a-f]{64}")


class Malformed(Exception):
    """A request names credentials, but not in a way that can be checked."""


@dataclass(frozen=True)
class Signature:
    """What a request says about its signer. `expires_in` is None unless the URL was presigned."""

    access_key_id: str
    date: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str
    timestamp: str
    token: str
    expires_in: int | None = None

    @property
    def made(self) -> datetime:
        """When the request was signed. Raises Malformed."""
        try:
            return datetime.strptime(self.timestamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        except ValueError as error:
            raise Malformed("The date of the signature can't be read.") from error


def read(message: Message) -> Signature | None:
    """The signature of `message`, None when it is anonymous.

    Raises:
        Malformed: It has one that can't be read, or is of another kind than Signature Version 4.
    """
    header = message.header("Authorization")
    if header:
        if not header.startswith(f"{ALGORITHM} "):
            raise Malformed(f"The authorization mechanism you have provided is not supported. Please use {ALGORITHM}.")
        fields = dict(re.findall(r"(Credential|SignedHeaders|Signature)=([^,\s]+)", header))
        timestamp = message.header("X-Amz-Date")
        token = message.header("X-Amz-Security-Token")
        return _signature(fields, timestamp, token, None)
    query = {key: values[0] for key, values in parse_qs(urlsplit(message.url).query).items()}
    if "X-Amz-Signature" in query:
        fields = {name: query.get(f"X-Amz-{name}", "") for name in ("Credential", "SignedHeaders", "Signature")}
        seconds = query.get("X-Amz-Expires", "")
        expires = int(seconds) if seconds.isdecimal() else 0
        return _signature(fields, query.get("X-Amz-Date", ""), query.get("X-Amz-Security-Token", ""), expires)
    if "AWSAccessKeyId" in query:
        raise Malformed(f"The authorization mechanism you have provided is not supported. Please use {ALGORITHM}.")
    return None


def _signature(fields: Mapping[str, str], timestamp: str, token: str, expires: int | None) -> Signature:
    scope = fields.get("Credential", "").split("/")
    if len(scope) < 5 or scope[-1] != "aws4_request" or not fields.get("Signature"):
        raise Malformed("The authorization header is malformed.")
    *key, date, region, service, _ = scope
    headers = tuple(fields.get("SignedHeaders", "").lower().split(";"))
    return Signature("/".join(key), date, region, service, headers, fields["Signature"], timestamp, token, expires)


def payload_is_intact(message: Message) -> bool:
    """Whether the body is the one whose digest was sent along (S3 sends it, others may)."""
    declared = message.header("x-amz-content-sha256")
    return not _HEX.fullmatch(declared) or declared == hashlib.sha256(message.body).hexdigest()


def matches(message: Message, signature: Signature, secret: str) -> bool:
    """Whether `secret` makes the signature that `message` carries."""
    canonical = "\n".join(
        (
            message.method.upper(),
            _path(message, signature),
            _query(message),
            "".join(f"{name}:{_header(message, name)}\n" for name in signature.signed_headers),
            ";".join(signature.signed_headers),
            _payload(message, signature),
        )
    )
    scope = f"{signature.date}/{signature.region}/{signature.service}/aws4_request"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = f"{ALGORITHM}\n{signature.timestamp}\n{scope}\n{digest}"
    key = f"AWS4{secret}".encode()
    for part in (signature.date, signature.region, signature.service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    expected = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    # A signature of yesterday's key with today's time would be checked with the wrong key.
    return signature.timestamp.startswith(signature.date) and hmac.compare_digest(
        expected.encode(), signature.signature.encode()
    )


def _path(message: Message, signature: Signature) -> str:
    path = urlsplit(message.url).path or "/"
    # S3 signs the path as it is sent; every other service encodes it once more.
    return path if signature.service == "s3" else quote(normalize_url_path(path), safe=f"/{_SAFE}")


def _query(message: Message) -> str:
    pairs = []
    for part in filter(None, urlsplit(message.url).query.split("&")):
        name, _, value = part.partition("=")
        if name != "X-Amz-Signature":
            pairs.append((quote(unquote(name), safe=_SAFE), quote(unquote(value), safe=_SAFE)))
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


def _header(message: Message, name: str) -> str:
    value = message.header(name)
    if name == "host" and not value:
        parts = urlsplit(message.url)
        value = parts.netloc.rpartition("@")[2]
        if parts.port == {"http": 80, "https": 443}.get(parts.scheme):
            value = value.rpartition(":")[0]
    return " ".join(value.split())


def _payload(message: Message, signature: Signature) -> str:
    declared = message.header("x-amz-content-sha256")
    if declared:
        return declared
    if signature.expires_in is not None and signature.service == "s3":
        return "UNSIGNED-PAYLOAD"
    return hashlib.sha256(message.body).hexdigest()
