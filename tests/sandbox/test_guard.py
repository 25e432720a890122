"""While a sandbox is open, nothing of this process reaches the network."""

from __future__ import annotations

import asyncio
import gc
import http.client
import http.server
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.config import Config
from botocore.credentials import InstanceMetadataProvider
from botocore.exceptions import ClientError, EndpointConnectionError
from botocore.httpsession import URLLib3Session
from botocore.utils import InstanceMetadataFetcher

from wizard.problem import UsageProblem
from wizard.sandbox import Sandbox, open_sandbox
from wizard.sandbox.guard import Guard, NetworkRefused, is_loopback

from .sandbox_support import Clients, session

OUTSIDE = "192.0.2.1"  # TEST-NET-1 (RFC 5737): never anybody's


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    opened = open_sandbox(state_root=tmp_path)
    yield opened
    opened.close()


def other_client(made: botocore.session.Session, service: str = "sts") -> Any:
    """A client that knows nothing of the sandbox."""
    return made.create_client(
        service,
        region_name="us-east-1",
        aws_access_key_id="AKIAREALREALREALREAL",
        aws_secret_access_key="real",
        config=Config(connect_timeout=2, read_timeout=2, retries={"total_max_attempts": 1}),
    )


def in_thread(work: Callable[[], Any]) -> BaseException | None:
    """What `work` raises in another thread."""
    caught: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            caught.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return caught[0] if caught else None


def test_clients_that_were_made_before_are_refused(tmp_path: Path) -> None:
    before = other_client(session())
    sandbox = open_sandbox(state_root=tmp_path)
    with pytest.raises(NetworkRefused, match=r"sts.*amazonaws\.com"):
        before.get_caller_identity()
    sandbox.close()


@pytest.mark.parametrize("service", ["sts", "iam", "s3", "organizations"])
def test_clients_of_another_session_are_refused_in_any_thread(sandbox: Sandbox, service: str) -> None:
    client = other_client(session(), service)
    call = {"sts": "get_caller_identity", "iam": "list_users", "s3": "list_buckets"}.get(service, "list_roots")
    with pytest.raises(NetworkRefused):
        getattr(client, call)()
    assert isinstance(in_thread(getattr(client, call)), NetworkRefused)


def test_a_host_that_the_sandbox_does_not_know_gets_an_answer_and_no_connection(sandbox: Sandbox) -> None:
    made = session()
    sandbox.install(made)
    client: Any = made.create_client(
        "iam",
        region_name="us-east-1",
        endpoint_url="https://iam.example.com",
        aws_access_key_id=sandbox.access_key_id,
        aws_secret_access_key=sandbox.secret_access_key.reveal(),
    )
    with pytest.raises(ClientError, match="does not emulate the host"):
        client.list_users()


def test_even_when_the_sandbox_itself_fails(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Clients(sandbox)("iam")

    def fail(*_: object, **__: object) -> Any:
        raise RuntimeError("broken")

    monkeypatch.setattr(type(sandbox._app), "_answer", fail)
    with pytest.raises(ClientError, match="broken"):
        client.list_users()
    monkeypatch.setattr(type(sandbox._app), "__call__", fail)
    with pytest.raises(RuntimeError, match="broken"):
        client.list_users()


def test_botocore_looks_for_no_machine_credentials(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_EC2_METADATA_DISABLED"):
        monkeypatch.delenv(name, raising=False)
    provider = InstanceMetadataProvider(iam_role_fetcher=InstanceMetadataFetcher(timeout=1, num_attempts=2))
    assert provider.load() is None
    with pytest.raises(EndpointConnectionError, match=r"169\.254"):
        URLLib3Session().send(botocore.awsrequest.AWSRequest("GET", "http://169.254.169.254/").prepare())


def test_requests_to_this_machine_by_botocore_are_refused_too(sandbox: Sandbox) -> None:
    with pytest.raises(NetworkRefused):
        URLLib3Session().send(botocore.awsrequest.AWSRequest("GET", "http://127.0.0.1:9/").prepare())


def connect(family: socket.AddressFamily, address: Any) -> None:
    with socket.socket(family) as sock:
        sock.settimeout(0.5)
        sock.connect(address)


def connect_ex(address: Any) -> None:
    with socket.socket(socket.AF_INET) as sock:
        sock.connect_ex(address)


def send_datagram(address: Any) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(b"x", address)


async def connect_with_asyncio() -> None:
    await asyncio.open_connection(OUTSIDE, 80)


ATTEMPTS: dict[str, Callable[[], Any]] = {
    "connect": lambda: connect(socket.AF_INET, (OUTSIDE, 80)),
    "connect by name": lambda: connect(socket.AF_INET, ("aws.amazon.com", 443)),
    "connect_ex": lambda: connect_ex((OUTSIDE, 80)),
    "create_connection": lambda: socket.create_connection((OUTSIDE, 80), timeout=0.5),
    "any address": lambda: connect(socket.AF_INET, ("0.0.0.0", 9)),
    "datagram": lambda: send_datagram((OUTSIDE, 53)),
    "getaddrinfo": lambda: socket.getaddrinfo("sts.amazonaws.com", 443),
    "gethostbyname": lambda: socket.gethostbyname("sts.amazonaws.com"),
    "http": lambda: http.client.HTTPSConnection("sts.amazonaws.com", timeout=0.5).request("GET", "/"),
}


@pytest.mark.parametrize("attempt", ATTEMPTS)
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # http.client leaves the refused socket open
def test_sockets_stay_on_this_machine_in_every_thread(sandbox: Sandbox, attempt: str) -> None:
    with pytest.raises(NetworkRefused):
        ATTEMPTS[attempt]()
    assert isinstance(in_thread(ATTEMPTS[attempt]), NetworkRefused)
    gc.collect()  # here, where the warning is expected, and in no later test


async def test_asyncio_stays_on_this_machine(sandbox: Sandbox) -> None:
    with pytest.raises(NetworkRefused):
        await connect_with_asyncio()


def test_ipv6_stays_on_this_machine(sandbox: Sandbox) -> None:
    for address in ("2001:db8::1", "::ffff:192.0.2.1"):
        with pytest.raises(NetworkRefused):
            connect(socket.AF_INET6, (address, 80, 0, 0))


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # urllib leaves the refused socket open
def test_urllib_is_refused_and_can_not_leave_by_a_proxy_of_this_machine(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NetworkRefused):
        urllib.request.urlopen("http://sts.amazonaws.com/", timeout=0.5)
    gc.collect()
    connected: list[Any] = []

    class Proxy(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            connected.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Proxy) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            through = http.client.HTTPConnection("127.0.0.1", proxy.server_port, timeout=2)
            with pytest.raises(NetworkRefused):
                through.request("GET", "http://sts.amazonaws.com/")
            through.close()
            tunnel = http.client.HTTPConnection("127.0.0.1", proxy.server_port, timeout=2)
            tunnel.set_tunnel("sts.amazonaws.com", 443)
            with pytest.raises(NetworkRefused):
                tunnel.request("GET", "/")
            tunnel.close()
            monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.server_port}")
            with pytest.raises(NetworkRefused):
                urllib.request.urlopen("http://sts.amazonaws.com/", timeout=0.5)
            direct = http.client.HTTPConnection("127.0.0.1", proxy.server_port, timeout=2)
            direct.request("GET", "/own")  # this machine may be talked to
            assert direct.getresponse().status == 200
            direct.close()
        finally:
            proxy.shutdown()
            thread.join()
    assert connected == ["/own"]


def test_the_guard_of_a_server_lets_botocore_reach_this_machine_but_by_no_proxy() -> None:
    with Guard(serving=True):
        with pytest.raises(EndpointConnectionError):
            URLLib3Session(timeout=1).send(botocore.awsrequest.AWSRequest("GET", "http://127.0.0.1:9/").prepare())
        by_proxy = URLLib3Session(proxies={"http": "http://127.0.0.1:9"})
        with pytest.raises(NetworkRefused):
            by_proxy.send(botocore.awsrequest.AWSRequest("GET", "http://127.0.0.1:9/").prepare())
        with pytest.raises(NetworkRefused):
            URLLib3Session().send(botocore.awsrequest.AWSRequest("GET", "http://sts.amazonaws.com/").prepare())


def test_the_process_is_free_again_when_every_sandbox_is_closed(tmp_path: Path) -> None:
    first, second = open_sandbox(state_root=tmp_path / "1"), open_sandbox(state_root=tmp_path / "2")
    first.close()
    first.close()
    with pytest.raises(NetworkRefused):
        connect(socket.AF_INET, (OUTSIDE, 80))
    second.close()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect((OUTSIDE, 9))  # a datagram socket: this sends nothing


def test_a_sandbox_that_could_not_be_opened_leaves_the_process_free(tmp_path: Path) -> None:
    (tmp_path / "fresh").write_text("in the way", encoding="utf-8")
    with pytest.raises(UsageProblem, match="can't be used") as refused:
        open_sandbox(state_root=tmp_path)
    assert str(tmp_path / "fresh") in refused.value.problem.detail
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect((OUTSIDE, 9))


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("localhost", True),
        ("bucket.localhost", True),
        ("::1", True),
        ("[::1]", True),
        ("::ffff:127.0.0.1", True),
        (b"127.0.0.1", True),
        ("0.0.0.0", False),
        ("", False),
        ("10.0.0.1", False),
        ("169.254.169.254", False),
        ("localhost.example.com", False),
        ("127.0.0.1.example.com", False),
        ("2130706433", False),
        ("fe80::1%lo", False),
    ],
)
def test_loopback_is_this_machine_and_nothing_else(host: Any, expected: bool) -> None:
    assert is_loopback(host) is expected


def test_urlopen_of_a_refused_host_is_an_ordinary_error_to_its_caller(sandbox: Sandbox) -> None:
    with pytest.raises(OSError, match="reaches no network"):
        urllib.request.urlopen("https://example.com/", timeout=0.5)
    assert issubclass(NetworkRefused, OSError)
    assert not issubclass(NetworkRefused, urllib.error.URLError)
