"""The way in for clients of this process: botocore hands each request over instead of sending it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final, cast

from botocore.awsrequest import AWSResponse

from wizard.sandbox.messages import Message

if TYPE_CHECKING:
    import botocore.session
    from botocore.awsrequest import AWSPreparedRequest

    from wizard.sandbox.app import App

_NAME: Final = "remotion-lambda-wizard-sandbox"


def install(app: App, session: botocore.session.Session) -> None:
    """Have every client that `session` makes from now on talk to `app`. The hosts stay AWS's own."""

    def answer(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        reply = app(message_of(request))
        body: Any = _Body(reply.body)
        return AWSResponse(request.url, reply.status, _headers(reply.headers), body)

    handler: Any = answer
    session.unregister("before-send", unique_id=_NAME)  # of a sandbox that was open before
    session.register("before-send", handler, unique_id=_NAME)


def message_of(request: AWSPreparedRequest) -> Message:
    """Read what botocore was about to send."""
    body = cast("Any", request.body)
    if hasattr(body, "read"):
        body = body.read()
    content = bytes(body or b"") if not isinstance(body, str) else body.encode()
    headers = tuple((key, _text(value)) for key, value in request.headers.items())
    return Message(str(request.method), str(request.url), headers, content)


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _headers(headers: Any) -> Any:
    from botocore.compat import HTTPHeaders

    result = HTTPHeaders()
    for key, value in headers.items():
        result[key] = value
    return result


class _Body(io.BytesIO):
    """A body as urllib3's responses give it."""

    def stream(self, amt: int = 65536, decode_content: bool | None = None) -> Iterator[bytes]:
        while chunk := self.read(amt):
            yield chunk

    def release_conn(self) -> None:
        pass
