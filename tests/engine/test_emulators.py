"""Nothing in the engine knows what answers at an endpoint: other emulators work, and what they lack is unknown."""

from __future__ import annotations

import http.server
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.support import Place, env, failures, finding, given, iam, plan_for
from wizard.apply.events import Finished
from wizard.check.findings import Status
from wizard.engine import Engine, Options
from wizard.problem import ProblemError
from wizard.remotion import names
from wizard.remotion.catalogue import latest_release, policy

pytestmark = pytest.mark.thorough


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials as emulators want them: any."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_REGION", "us-east-1")


def served(command: list[str], port: int, ready: str) -> Iterator[str]:
    """Start an emulator and wait until it answers."""
    url = f"http://127.0.0.1:{port}"
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "GATEWAY_PORT": str(port)}
    ) as process:
        try:
            until = time.monotonic() + 60
            while True:
                assert process.poll() is None, "the emulator ended"
                try:
                    urllib.request.urlopen(url + ready, timeout=1).close()
                    break
                except OSError:
                    assert time.monotonic() < until, "the emulator does not answer"
                    time.sleep(0.05)
            yield url
        finally:
            process.terminate()


@pytest.fixture
def moto() -> Iterator[str]:
    """moto's own server, in a process of its own: none of the sandbox's patches are in it."""
    pytest.importorskip("flask", reason="moto's server needs Flask")
    pytest.importorskip("flask_cors", reason="moto's server needs flask-cors")
    port = free_port()
    yield from served(
        [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], port, "/moto-api/"
    )


@pytest.fixture
def ministack() -> Iterator[str]:
    """MiniStack, which shares no code with moto. It is not a dependency: any environment of its own will do."""
    program = os.environ.get("MINISTACK") or shutil.which("ministack")
    if program is None:
        pytest.skip("ministack is not installed: pip install ministack, or MINISTACK=/path/to/it")
    yield from served([program], free_port(), "/_ministack/health")


def at(url: str, place: Place) -> Engine:
    engine = Engine(Options(endpoint_url=url, folder=place.project))
    engine.connect()
    return engine


def set_up(engine: Engine, place: Place) -> None:
    plan = plan_for(engine)
    assert not plan.problems, plan.problems
    outcome = list(engine.apply(plan))
    assert not failures(outcome), failures(outcome)
    assert isinstance(outcome[-1], Finished) and outcome[-1].ok
    client = iam(engine)
    assert client.get_role(RoleName=names.RENDER_ROLE)["Role"]["Arn"].endswith(":role/remotion-lambda-role")
    held = client.get_user_policy(UserName=names.USER, PolicyName=names.USER_POLICY)["PolicyDocument"]
    assert (json.loads(held) if isinstance(held, str) else held) == policy("user", latest_release())
    assert env(place)[names.SECRET_ACCESS_KEY]
    again = plan_for(engine)
    assert again.is_empty and not again.problems, [c.id for c in again.writing]


def test_motos_own_server_is_set_up_and_what_it_lacks_is_unknown(moto: str, place: Place) -> None:
    engine = at(moto, place)
    assert engine.place() == moto.removeprefix("http://")
    set_up(engine, place)
    report = engine.check(given())
    assert report.ok, [f.to_json() for f in report.of(Status.FAIL)]
    assert finding(report, "role.trust").status is Status.PASS
    assert finding(report, "quota.us-east-1").status is Status.UNKNOWN
    assert finding(report, "user.permission.iam:PassRole").status is Status.UNKNOWN
    assert all("<" not in f.title for f in report.findings)


def test_ministack_is_set_up(ministack: str, place: Place) -> None:
    engine = at(ministack, place)
    set_up(engine, place)
    report = engine.check(given())
    assert report.ok, [f.to_json() for f in report.of(Status.FAIL)]


PAGES = {
    "a page of HTML with 500": (
        500,
        "text/html",
        "<!doctype html><html><body><h1>Internal Server Error</h1></body></html>",
    ),
    "a page of HTML with 404": (404, "text/html", "<html><title>nginx</title></html>"),
    "a page of HTML with 200": (200, "text/html", "<html>Welcome to the hotel's network. Sign in.</html>"),
    "nothing with 200": (200, "text/xml", ""),
    "JSON in place of XML": (200, "application/json", '{"ok": true}'),
    "a redirect": (302, "text/html", ""),
    "not found in XML of another kind": (404, "text/xml", "<Error><Code>NoSuchBucket</Code></Error>"),
}


@pytest.mark.parametrize("page", PAGES)
def test_what_is_no_aws_ends_with_a_problem_and_no_crash(
    page: str, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _s: None)
    status, content_type, text = PAGES[page]

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = text.encode()
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            if status == 302:
                self.send_header("Location", "/elsewhere")
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        with pytest.raises(ProblemError) as caught:
            at(f"http://127.0.0.1:{server.server_port}", place)
        assert caught.value.exit_code == 3
        assert caught.value.problem.title and caught.value.problem.remedy
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_engine_names_no_emulator() -> None:
    root = Path(__file__).parents[2] / "wizard"
    for path in root.rglob("*.py"):
        if "sandbox" not in path.parts:
            text = path.read_text("utf-8").lower()
            assert "moto" not in text.replace("remotion", "").replace("motor", ""), path
            assert "localstack" not in text and "ministack" not in text, path
