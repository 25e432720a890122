"""The sandbox as an HTTP server, for programs that are not ours: AWS_ENDPOINT_URL leads them here."""

from __future__ import annotations

import json
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterable
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any, Final
from urllib.parse import urlsplit

from wizard.sandbox import Sandbox, open_sandbox
from wizard.sandbox.messages import Message, Reply

HEALTH: Final = "/_sandbox/health"
_HEADERS: Final = "sandbox.headers"


class RunningServer:
    """The sandbox's server in a thread of this process: `with RunningServer() as server: … server.url`."""

    def __init__(
        self,
        scenario: str = "fresh",
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        latency_ms: int = 0,
        enforce: bool = True,
        state_root: Path | None = None,
    ) -> None:
        """Open the account and the port.

        Raises:
            ValueError: `host` is not this machine.
            OSError: The port is taken.
            SandboxMissing, UnknownScenario: As open_sandbox.
        """
        from wizard.sandbox.guard import is_loopback

        if not is_loopback(host):
            raise ValueError(f"The sandbox listens on this machine only; {host} is not an address of it.")
        self.sandbox: Sandbox = open_sandbox(scenario, state_root=state_root, enforce=enforce, serving=True)
        try:
            from werkzeug.serving import make_server

            application = _Application(self.sandbox, host, latency_ms / 1000)
            # werkzeug would end the program over a taken port
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            with socket.create_server((host, port), family=family) as listening:
                self._server = make_server(
                    host, port, application, threaded=True, request_handler=_handler(), fd=listening.fileno()
                )
        except BaseException:
            self.sandbox.close()
            raise
        name = f"[{host}]" if ":" in host else host
        self.url = f"http://{name}:{self._server.port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="sandbox-server", daemon=True
        )

    def __enter__(self) -> RunningServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self.sandbox.close()


def serve(
    scenario: str,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    latency_ms: int = 0,
    enforce: bool = True,
    state_root: Path | None = None,
    ready: Callable[[str, Sandbox], None] | None = None,
) -> None:
    """Serve the account of `scenario` until SIGINT or SIGTERM. `ready` is called with the URL when it can be used.

    Raises:
        ValueError: `host` is not this machine.
        OSError: The port is taken.
        SandboxMissing, UnknownScenario: As open_sandbox.
    """
    stop = threading.Event()
    before: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            before[number] = signal.signal(number, lambda *_: stop.set())
    try:
        running = RunningServer(
            scenario, host=host, port=port, latency_ms=latency_ms, enforce=enforce, state_root=state_root
        )
        with running:
            if ready is not None:
                ready(running.url, running.sandbox)
            while not stop.wait(0.5):  # on Windows a wait without end can't be interrupted
                pass
    finally:
        for number_before, handler in before.items():
            signal.signal(number_before, handler)


class _Application:
    """The WSGI application."""

    def __init__(self, sandbox: Sandbox, host: str, latency: float) -> None:
        self._sandbox = sandbox
        self._host = host
        self._latency = latency

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if self._latency > 0:
            time.sleep(self._latency)
        reply = self._answer(environ)
        headers = [(name, value) for name, value in reply.headers.items() if name.lower() != "transfer-encoding"]
        if not any(name.lower() == "content-length" for name, _ in headers) and reply.status not in {204, 304}:
            headers.append(("Content-Length", str(len(reply.body))))
        start_response(f"{reply.status} {_phrase(reply.status)}", headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [reply.body]

    def _answer(self, environ: dict[str, Any]) -> Reply:
        from wizard.sandbox.guard import is_loopback

        host = str(environ.get("HTTP_HOST", ""))
        if not is_loopback(urlsplit(f"//{host}").hostname or ""):  # a web page that had its name point to this machine
            return Reply(403, {"Content-Type": "text/plain"}, b"This server is for this machine.\n")
        target = str(environ.get("REQUEST_URI") or environ.get("RAW_URI") or "/")
        url = target if target.startswith(("http://", "https://")) else f"http://{host}{target}"
        if environ["REQUEST_METHOD"] == "GET" and urlsplit(url).path == HEALTH:
            health = {"scenario": self._sandbox.scenario, "account": self._sandbox.account_id}
            return Reply(200, {"Content-Type": "application/json"}, json.dumps(health).encode())
        message = Message(environ["REQUEST_METHOD"], url, tuple(environ[_HEADERS]), _body(environ))
        return self._sandbox.answer(message, self._host)


def _body(environ: dict[str, Any]) -> bytes:
    stream = environ["wsgi.input"]
    if environ.get("wsgi.input_terminated"):
        return bytes(stream.read())
    length = str(environ.get("CONTENT_LENGTH") or "0")
    return bytes(stream.read(int(length))) if length.isdecimal() and length != "0" else b""


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def _handler() -> Any:
    from werkzeug.serving import WSGIRequestHandler

    class Handler(WSGIRequestHandler):
        """Passes the headers on as they came, for the signature; and says nothing."""

        def make_environ(self) -> Any:
            environ = super().make_environ()
            environ[_HEADERS] = list(self.headers.items())
            return environ

        def log(self, *_: Any, **__: Any) -> None:
            pass

    return Handler
