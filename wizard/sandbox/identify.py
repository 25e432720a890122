"""Which AWS call an HTTP request is: service, operation, parameters, region, and the moto module that answers it."""

from __future__ import annotations

import functools
import importlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import parse_qs, parse_qsl, quote, urlencode, urlsplit

from moto.backend_index import backend_url_patterns
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.request import Request
from moto.core.routing import get_service_router
from moto.core.utils import get_service_model
from moto.utilities.utils import get_partition
from werkzeug.datastructures import Headers, MultiDict
from werkzeug.exceptions import NotFound

from wizard.sandbox import s3_requests
from wizard.sandbox.errors import AwsError
from wizard.sandbox.messages import Message
from wizard.sandbox.scenarios import REGION

Handler = Callable[[Request, str, Any], Any]

_AWS_HOST: Final = re.compile(r"^[a-z0-9][a-z0-9.-]*\.(amazonaws\.com|amazonaws\.com\.cn|api\.aws)$")
_SCOPE: Final = re.compile(r"Credential=[^/,\s]+/\d{8}/([a-z0-9-]+)/([a-z0-9.-]+)/aws4_request", re.IGNORECASE)
# moto's module -> botocore's service, where taking the hyphens out does not lead from one to the other
_SERVICES: Final[Mapping[str, str]] = {
    "awslambda": "lambda",
    "servicequotas": "service-quotas",
    "iam": "iam",
    "sts": "sts",
    "s3": "s3",
    "logs": "logs",
    "account": "account",
}
# What moves on while it is looked at: a Region that is being enabled, a new session.
_NEVER_JUST_READ: Final = frozenset({"account"})
_READS: Final = ("Get", "List", "Describe", "Head", "Simulate", "Lookup", "Search", "BatchGet", "Select", "Decode")


@dataclass(frozen=True)
class Call:
    """One call of AWS. `operation` is "" when the service has none like it, `module` when moto has no such service."""

    service: str  # botocore's name
    operation: str
    module: str
    protocol: str
    region: str
    message: Message  # with the host that moto knows
    parameters: Mapping[str, Any] = field(default_factory=dict)
    s3: s3_requests.S3Call | None = None

    @property
    def partition(self) -> str:
        """The partition of the call's region."""
        return str(get_partition(self.region))

    @property
    def reads(self) -> bool:
        """Whether the call changes nothing."""
        if self.service in _NEVER_JUST_READ or self.operation in {"GetSessionToken", "GetFederationToken"}:
            return False
        return self.operation.startswith(_READS)


def scope_of(message: Message) -> tuple[str, str]:
    """Region and service that a request was signed for, from its header or its presigned URL; ("", "") if unsigned."""
    match = _SCOPE.search(message.header("Authorization"))
    if match is None:
        query = parse_qs(urlsplit(message.url).query)
        match = _SCOPE.search("Credential=" + query.get("X-Amz-Credential", [""])[0])
    return (match[1].lower(), match[2].lower()) if match else ("", "")


def to_aws(message: Message, own_host: str = "") -> Message:
    """Give a request that came to the sandbox's server the URL that it would have had at AWS.

    The service is the one it was signed for. Unsigned requests are S3's (a public object), or STS's when they say so.
    `bucket.localhost` is S3's virtual-host style.
    """
    parts = urlsplit(message.url)
    region, service = scope_of(message)
    if not service:
        form = message.header("Content-Type").startswith("application/x-www-form-urlencoded")
        service = "sts" if form and b"Action=AssumeRole" in message.body else "s3"
    region = region or REGION
    prefix = _HOST_OF_SIGNING_NAME.get(service, service)
    if service == "s3" and parts.path.startswith("/v20180820/"):
        account = message.header("x-amz-account-id") or "0"
        host = f"{account}.s3-control.{region}.amazonaws.com" if account.isdigit() else ""
    else:
        host = f"{prefix}.{region}.amazonaws.com"
    path = parts.path or "/"
    name = (parts.hostname or "").removesuffix(".localhost")
    if service == "s3" and name != parts.hostname and name != own_host:
        path = f"/{name}{path}"
    query = f"?{parts.query}" if parts.query else ""
    return replace(message, url=f"https://{host}{path}{query}")


_HOST_OF_SIGNING_NAME: Final[Mapping[str, str]] = {"sagemaker": "api.sagemaker", "ses": "email"}


def identify(message: Message) -> Call:
    """Read `message`, whose URL is one of AWS.

    Raises:
        AwsError: It can't be read.
    """
    parts = urlsplit(message.url)
    host = (parts.hostname or "").lower()
    region = _region(message, host)
    if s3_requests.is_s3(host):
        return _s3(message, region)
    module = _module(host)
    label = host.split(".", 1)[0]
    host = host.removesuffix(".cn")
    if module in {"iam", "sts"}:  # their global hosts do not name a region, and so no partition
        host = f"{module}.{region}.amazonaws.com"
    query = f"?{parts.query}" if parts.query else ""
    message = replace(message, url=f"https://{host}{parts.path or '/'}{query}")
    service = _service(module) if module else label
    if not service:
        return Call(label, _guess_operation(message), "", guess_protocol(message), region, message)
    if not module:
        return Call(service, _guess_operation(message), "", guess_protocol(message), region, message)
    return _modelled(Call(service, "", module, str(get_service_model(service).protocol), region, message))


def is_aws(host: str) -> bool:
    """Whether `host` is one of AWS's, in any partition."""
    return _AWS_HOST.match(host.lower()) is not None


def request_of(message: Message) -> Request:
    """Moto's form of `message`."""
    # Host is the URL's now; moto's own header would let a caller act in another account.
    dropped = {"host", "content-length", "x-moto-account-id"}
    headers = {key: value for key, value in message.headers if key.lower() not in dropped}
    # Who may do what is settled by then; without this header moto would settle it again, by rules of its own.
    if not any(name.lower() == "authorization" for name in headers):
        headers["Authorization"] = "anonymous"
    return Request.from_primitives(message.method, message.url, headers, message.body)


def handler_of(module: str, url: str) -> Handler | None:
    """The function of moto's `module` that answers `url`; None when it has no such route."""
    parts = urlsplit(url)
    clean = f"https://{parts.netloc}{parts.path}"
    for route in _routes(module):
        if route.matches(clean):
            return route.handler
    return None


class _Route:
    """A route of moto, compiled when it is first tried (Lambda has more than a hundred)."""

    def __init__(self, pattern: str, handler: Handler) -> None:
        self.handler = handler
        self._pattern: str | re.Pattern[str] = pattern

    def matches(self, url: str) -> bool:
        if isinstance(self._pattern, str):
            self._pattern = re.compile(self._pattern)
        return self._pattern.match(url) is not None


@functools.cache
def _routes(module: str) -> tuple[_Route, ...]:
    urls = importlib.import_module(f"moto.{module}.urls")
    return tuple(
        _Route(path.format(base), handler) for base in urls.url_bases for path, handler in urls.url_paths.items()
    )


@functools.cache
def _module(host: str) -> str:
    for module, pattern in backend_url_patterns:
        # The instance metadata service hands out credentials to whoever asks, and moto_api resets everything.
        if module not in {"instance_metadata", "moto_api"} and pattern.match(f"https://{host}"):
            return str(module)
    return ""


@functools.cache
def _service(module: str) -> str:
    if module in _SERVICES:
        return _SERVICES[module]
    from botocore.loaders import Loader

    for name in Loader().list_available_services("service-2"):
        if name.replace("-", "") == module.replace("_", ""):
            return str(name)
    return ""


def _region(message: Message, host: str) -> str:
    signed = scope_of(message)[0]
    if re.fullmatch(r"[a-z]{2}(-[a-z]+)+-\d+", signed):
        return signed
    match = re.search(r"[.-]([a-z]{2}(?:-[a-z]+)+-\d+)\.", host)
    return match[1] if match else REGION


def _s3(message: Message, region: str) -> Call:
    call = s3_requests.read(message.method, message.url)
    # One spelling of the URL, so that moto sees the same bucket and key as the authorisation did.
    query = urlsplit(message.url).query
    bucket = quote(call.bucket, safe="")
    path = f"/{bucket}" + (f"/{call.path}" if call.path else "") if call.bucket else "/"
    url = f"https://s3.{region}.amazonaws.com{path}" + (f"?{query}" if query else "")
    return Call("s3", call.operation, "s3", "rest-xml", region, replace(message, url=url), s3=call)


# What follows reads a request by AWS's model of the service, and leaves nothing in it that the model does not name:
# moto takes parameters from more places than AWS does, and would see others than those that were authorised.


def _modelled(call: Call) -> Call:
    model = get_service_model(call.service)
    form = call.message.header("Content-Type").startswith("application/x-www-form-urlencoded")
    if form and "query" in model.metadata.get("protocols", ()):
        call = replace(call, protocol="query")
    if call.protocol in {"query", "ec2"}:
        return _query(call, model)
    if call.protocol == "json":
        name = call.message.header("X-Amz-Target").rsplit(".", 1)[-1]
        operation = name if name in model.operation_names else ""
        bare = replace(call.message, url=call.message.url.split("?", 1)[0])
        return replace(call, operation=operation, parameters=_json(call.message.body), message=bare)
    return _rest(call) if call.protocol.startswith("rest-") else call


def _rest(call: Call) -> Call:
    try:
        operation, uri = get_service_router(call.service).match(request_of(call.message))
    except NotFound:
        return call
    url = urlsplit(call.message.url)
    body = _json(call.message.body) if call.protocol == "rest-json" else {}
    pairs = dict(parse_qsl(url.query, keep_blank_values=True))
    kept = {name: pairs[name] for name in operation.http_trait.query_args if name in pairs}
    parameters: dict[str, Any] = {}
    shape = operation.input_shape
    for member, described in shape.members.items() if shape is not None else ():
        place = described.serialization.get("location")
        name = described.serialization.get("name", member)
        found: Mapping[str, Any] = {"uri": uri, "querystring": pairs}.get(place, {}) if place else body
        if name in found:
            parameters[member] = found[name]
        if place == "querystring" and name in pairs:
            kept[name] = pairs[name]
    query = f"?{urlencode(kept)}" if kept else ""
    message = replace(call.message, url=f"{url.scheme}://{url.netloc}{url.path}{query}")
    return replace(call, operation=str(operation.name), parameters=parameters, message=message)


def _query(call: Call, model: Any) -> Call:
    message = call.message
    try:
        text = message.body.decode() if message.method == "POST" else ""
    except UnicodeDecodeError as error:
        raise AwsError("MalformedQueryString", "The request can't be read.") from error
    pairs = parse_qsl(urlsplit(message.url).query, keep_blank_values=True) + parse_qsl(text, keep_blank_values=True)
    values = dict(pairs)
    if len(values) != len(pairs):
        raise AwsError("MalformedQueryString", "A parameter is given more than once.")
    name = values.get("Action", "")
    if name not in model.operation_names:
        return call
    parsed = PROTOCOL_PARSERS[call.protocol](model.operation_model(name), map_type=dict).parse(
        {
            "method": message.method,
            "values": MultiDict(values),
            "headers": Headers(),
            "body": b"",
            "url_path": "/",
            "url_params": {},
        }
    )
    headers = [(key, value) for key, value in message.headers if key.lower() != "content-type"]
    headers.append(("Content-Type", "application/x-www-form-urlencoded; charset=utf-8"))
    url = message.url.split("?", 1)[0]
    message = replace(message, method="POST", url=url, headers=tuple(headers), body=urlencode(pairs).encode())
    return replace(call, operation=name, parameters=dict(parsed), message=message)


def _json(body: bytes) -> Mapping[str, Any]:
    if not body.strip():
        return {}
    try:
        parsed = json.loads(body)
    except ValueError as error:
        raise AwsError("SerializationException", "The request's body is not JSON.") from error
    return parsed if isinstance(parsed, dict) else {}


def _guess_operation(message: Message) -> str:
    target = message.header("X-Amz-Target").rsplit(".", 1)[-1]
    if target:
        return target
    return dict(parse_qsl(message.body.decode("latin-1"))).get("Action", "") if _is_form(message) else ""


def guess_protocol(message: Message) -> str:
    """The protocol that a request to an unknown service is probably in."""
    if message.header("X-Amz-Target"):
        return "json"
    return "query" if _is_form(message) else "rest-json"


def _is_form(message: Message) -> bool:
    return message.header("Content-Type").startswith("application/x-www-form-urlencoded")
