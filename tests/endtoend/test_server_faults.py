"""A whole `apply` over real connections that break: reset, cut off in the middle, silent, a proxy's HTML, throttling.

After each the same is run again, if need be, and the account is as after an undisturbed run. A plain run breaks each kind
once, FAULTS=all each call in each way.
"""

from __future__ import annotations

import functools
import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import botocore.session
import pytest

from tests.endtoend.watched import Watched
from wizard.cli import main

_ALL = os.environ.get("FAULTS") == "all"
_WRITES = (
    "CreateRole",
    "CreatePolicy",
    "AttachRolePolicy",
    "CreateUser",
    "PutUserPolicy",
    "CreateAccessKey",
    "CreateServiceLinkedRole",
    "RequestServiceQuotaIncrease",
)
_READS = ("GetCallerIdentity", "GetAccountSummary", "SimulatePrincipalPolicy")
_BEFORE = ("reset before", "503 in HTML", "throttled")  # the account does not hear of it
_AFTER = ("reset after", "cut off", "502 in HTML after")  # the account has done it
_SILENT = "silent after"  # takes as long as the wizard's patience
_HTML = b"<html><head><title>Service Unavailable</title></head><body><h1>Service Unavailable</h1></body></html>"
_THROTTLED = b"<ErrorResponse><Error><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>"
_CASES = [(operation, kind) for operation in (*_WRITES, *_READS) for kind in (*_BEFORE, *_AFTER)] + [
    (operation, _SILENT) for operation in ("CreateUser", "CreateAccessKey", "RequestServiceQuotaIncrease")
]
_SOME = [
    ("GetAccountSummary", "503 in HTML"),
    ("GetCallerIdentity", "throttled"),
    ("CreateUser", "reset before"),
    ("CreateRole", "reset after"),
    ("CreateAccessKey", "cut off"),
    ("RequestServiceQuotaIncrease", "502 in HTML after"),
    pytest.param("CreateAccessKey", _SILENT, marks=pytest.mark.thorough),
]


@dataclass
class Breaking:
    """A WSGI application around the server's own. The first call of `operation` is answered as `kind` says."""

    inner: Callable[..., Iterable[bytes]]
    operation: str
    kind: str
    struck: int = 0
    _here: threading.local = field(default_factory=threading.local)

    def before(self, _number: int, operation: str) -> bool:
        """Note that this is the call; True if the account is not to hear of it."""
        if operation != self.operation or self.struck:
            return False
        self.struck += 1
        self._here.strikes = True
        return self.kind in _BEFORE

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        self._here.strikes = False
        answer: list[Any] = []
        body = b"".join(self.inner(environ, lambda status, headers: answer.extend((status, headers))))
        status, headers = answer
        if not self._here.strikes:
            start_response(status, headers)
            return [body]
        if "reset" in self.kind:
            raise _reset(environ)
        if self.kind == "cut off":
            start_response(status, headers)  # which promise the whole of it
            return self._half(environ, body)
        if self.kind == _SILENT:
            time.sleep(20.0)
        status, kind, body = {
            "throttled": ("400 Bad Request", "text/xml", _THROTTLED),
            "503 in HTML": ("503 Service Unavailable", "text/html", _HTML),
            "502 in HTML after": ("502 Bad Gateway", "text/html", _HTML),
        }.get(self.kind, (status, "text/xml", body))
        start_response(status, [("Content-Type", kind), ("Content-Length", str(len(body)))])
        return [body]

    def _half(self, environ: dict[str, Any], body: bytes) -> Iterator[bytes]:
        yield body[: len(body) // 2]
        raise _reset(environ)


def _reset(environ: dict[str, Any]) -> ConnectionResetError:
    """Reset the connection; what is returned tells the server that nobody is there any more."""
    connection: socket.socket = environ["werkzeug.socket"]
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    os.close(connection.detach())  # a mere close waits for the files that the server has made of it
    return ConnectionResetError()


def _let_go(handler: Any, *_: Any) -> None:
    """Have the server expect no further request over a connection that is gone."""
    handler.close_connection = True


@pytest.fixture
def breaking(account: Watched, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Breaking]:
    """Put the application that breaks in front of the server's own."""
    server = account.server._server
    monkeypatch.setattr(server.RequestHandlerClass, "connection_dropped", _let_go)

    def put(operation: str, kind: str) -> Breaking:
        made = Breaking(server.app, operation, kind)
        monkeypatch.setattr(server, "app", made)
        account.before = made.before
        return made

    return put


@pytest.fixture
def here(account: Watched, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Run the command in this process, which starts but once: its connections are real all the same."""
    for name, value in account.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(account.project)
    monkeypatch.setattr(botocore.session, "create_loader", functools.cache(botocore.session.create_loader))

    def run(command: list[str]) -> tuple[int, str]:
        code = main(command[len(account.command) :])
        said = capsys.readouterr()
        return code, said.out + said.err

    monkeypatch.setattr(account, "run", run)


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(("operation", "kind"), _CASES if _ALL else _SOME)
def test_a_connection_that_breaks(
    account: Watched,
    breaking: Callable[[str, str], Breaking],
    goes_on: Callable[[str], None],
    operation: str,
    kind: str,
) -> None:
    fault = breaking(operation, kind)
    code, said = account.run(account.apply)
    account.before = None
    assert fault.struck == 1, "it did not strike"
    assert code in {0, 1, 3}
    assert (code == 0) == ("✗" not in said), said
    assert account.calls.count("RequestServiceQuotaIncrease") <= 1
    assert "<html" not in said.lower(), "a proxy's page is no message"
    goes_on(said)
