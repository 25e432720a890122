"""The one place where moto's private classes are patched: every seam is checked for its shape before it is replaced.

Moto has no public extension point for an AWS call it lacks. `take` fails loudly when a class or method that this
package relies on has moved or changed its parameters (`SeamMovedError`), so an upgrade of moto cannot pass unseen.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from moto.core.exceptions import ServiceException
from werkzeug.exceptions import HTTPException

TAKEN: dict[tuple[str, str], tuple[str, ...]] = {}
"""Every seam in use: (class, attribute) -> the parameters it must have."""


class SeamMovedError(RuntimeError):
    """Moto changed under this package: the named class has no such method, or other parameters."""


def take(owner: type, name: str, *parameters: str) -> Callable[..., Any]:
    """The original `owner.name`, after a check that its parameters (without self) begin with `parameters`.

    Raises:
        SeamMovedError: `owner` has no such method, or it takes other parameters.
    """
    original: Callable[..., Any] | None = vars(owner).get(name)
    where = f"{owner.__module__}.{owner.__qualname__}.{name}"
    if not callable(original):
        raise SeamMovedError(f"{where} is gone: moto has changed")
    found = tuple(inspect.signature(original).parameters)[1:]
    if found[: len(parameters)] != parameters:
        raise SeamMovedError(f"{where} takes {found}, not {parameters}: moto has changed")
    TAKEN[where.rpartition(".")[0], name] = parameters
    return original


def put(owner: type, name: str, replacement: object) -> None:
    """Set `owner.name`. The replacement keeps the name: moto dispatches calls by the method's name."""
    if inspect.isfunction(replacement):
        replacement.__name__ = name
        if inspect.isfunction(previous := vars(owner).get(name)):
            replacement.__wrapped__ = previous  # type: ignore[attr-defined]  # keeps the signature that `take` checks
    setattr(owner, name, replacement)


class CallError(ServiceException):
    """An error that the service's model knows by `code`: moto's serializer adds the HTTP status and the envelope."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)


class QueryError(HTTPException):
    """An error of a query service (IAM, STS) that its model does not list, in the XML that AWS sends."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__()
        self.code = status
        self.error_code = code
        self.message = message
        self.description = (
            '<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error><Type>Sender</Type>'
            f"<Code>{code}</Code><Message>{_escape(message)}</Message></Error>"
            "<RequestId>00000000-0000-0000-0000-000000000000</RequestId></ErrorResponse>"
        )

    def get_headers(self, *_args: Any, **_kwargs: Any) -> list[tuple[str, str]]:
        return [("Content-Type", "text/xml"), ("x-amzn-ErrorType", self.error_code)]

    def get_body(self, *_args: Any, **_kwargs: Any) -> str:
        return self.description or ""


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
