"""Errors as AWS words them on the wire, in each protocol."""

from __future__ import annotations

import json
import uuid
from typing import Final
from xml.sax.saxutils import escape

from wizard.sandbox.messages import Reply

_XML: Final = '<?xml version="1.0" encoding="UTF-8"?>\n'


class AwsError(Exception):
    """An answer of the sandbox that is not a success: AWS's error code, the message and the HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.headers: dict[str, str] = {}  # besides those that every answer has


def reply_with(error: AwsError, protocol: str, *, method: str = "POST", resource: str = "") -> Reply:
    """Write `error` in `protocol`, one of botocore's names for it ("query", "ec2", "rest-xml", "json", "rest-json").

    The answer to a HEAD has no body (RFC 9110), which is why S3 clients see only "403".
    """
    request_id = str(uuid.uuid4())
    headers = {"x-amzn-RequestId": request_id, "Content-Type": "text/xml", **error.headers}
    code, message = escape(error.code), escape(error.message)
    kind = "Sender" if error.status < 500 else "Receiver"
    match protocol:
        case "json" | "rest-json":
            headers |= {
                "Content-Type": "application/x-amz-json-1.1" if protocol == "json" else "application/json",
                "x-amzn-ErrorType": error.code,
            }
            body = json.dumps({"__type": error.code, "message": error.message, "Message": error.message})
        case "rest-xml":
            headers |= {"Content-Type": "application/xml", "x-amz-request-id": request_id}
            body = (
                f"{_XML}<Error><Code>{code}</Code><Message>{message}</Message><Resource>{escape(resource)}</Resource>"
                f"<RequestId>{request_id}</RequestId></Error>"
            )
        case "ec2":
            body = (
                f"{_XML}<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>"
                f"<RequestID>{request_id}</RequestID></Response>"
            )
        case _:
            body = (
                f"{_XML}<ErrorResponse><Error><Type>{kind}</Type><Code>{code}</Code><Message>{message}</Message></Error>"
                f"<RequestId>{request_id}</RequestId></ErrorResponse>"
            )
    return Reply(error.status, headers, b"" if method == "HEAD" else body.encode())


def not_implemented(service: str, operation: str) -> AwsError:
    """The sandbox has no such call. 501 is not among the statuses that SDKs try again."""
    name = f"{service}:{operation}" if operation else f"this call of {service}"
    return AwsError("NotImplemented", f"The sandbox does not emulate {name}.", 501)
