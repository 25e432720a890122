"""The sandbox's server: any SDK can use it, on this machine only."""

from __future__ import annotations

import http.client
import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError

from wizard.sandbox import open_sandbox
from wizard.sandbox.server import HEALTH, RunningServer, serve

from .sandbox_support import Clients, allow, error_of


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    with RunningServer(state_root=tmp_path) as running:
        yield running


@pytest.fixture
def clients(server: RunningServer) -> Clients:
    return Clients(server.sandbox, server.url)


def ask(url: str, method: str, path: str, **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body


def test_it_tells_that_it_is_well(server: RunningServer) -> None:
    status, body = ask(server.url, "GET", HEALTH)
    assert (status, json.loads(body)) == (200, {"scenario": "fresh", "account": "123456789012"})


def test_every_service_is_reached_at_the_one_endpoint(clients: Clients) -> None:
    assert clients("sts").get_caller_identity()["Arn"].endswith(":user/sandbox-admin")
    assert clients("sts", "cn-north-1").get_caller_identity()["Arn"].startswith("arn:aws-cn:")
    assert clients("iam").create_user(UserName="u")["User"]["UserName"] == "u"
    assert clients("lambda").list_functions()["Functions"] == []
    assert clients("lambda").get_account_settings()["AccountLimit"]["ConcurrentExecutions"] == 10
    assert clients("service-quotas").get_service_quota(ServiceCode="lambda", QuotaCode="L-B99A9384")["Quota"]["Value"]
    clients("logs").create_log_group(logGroupName="/aws/lambda/x")
    assert clients("account").list_regions()["Regions"]
    with pytest.raises(ClientError, match="NotImplemented"):
        clients("accessanalyzer").validate_policy(policyDocument="{}", policyType="IDENTITY_POLICY")


@pytest.mark.parametrize("key", ["plain", "ü x+y%/ä", "a//b", "trailing/"])
def test_s3_works_with_streams_and_signed_payloads(clients: Clients, key: str) -> None:
    s3 = clients("s3", s3={"payload_signing_enabled": True}, signature_version="s3v4")
    s3.create_bucket(Bucket="my-videos")
    s3.put_object(Bucket="my-videos", Key=key, Body=io.BytesIO(b"x" * 70_000), Metadata={"under_score": "1"})
    assert s3.get_object(Bucket="my-videos", Key=key)["Body"].read() == b"x" * 70_000
    assert s3.head_object(Bucket="my-videos", Key=key)["ContentLength"] == 70_000
    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket="my-videos")["Contents"]] == [key]
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "my-videos", "Key": key})
    parts = urlsplit(url)
    assert ask(url, "GET", f"{parts.path}?{parts.query}") == (200, b"x" * 70_000)
    assert ask(url, "GET", f"{parts.path}?{parts.query}0")[0] == 403


def test_a_bucket_may_stand_in_front_of_localhost(server: RunningServer, clients: Clients) -> None:
    s3 = clients("s3")
    s3.create_bucket(Bucket="my-videos")
    s3.put_object(Bucket="my-videos", Key="k", Body=b"v")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "my-videos", "Key": "k"})
    port = urlsplit(server.url).port
    virtual = Clients(server.sandbox, f"http://localhost:{port}")(
        "s3", s3={"addressing_style": "virtual"}, signature_version="s3v4"
    )
    signed = virtual.generate_presigned_url("get_object", Params={"Bucket": "my-videos", "Key": "k"})
    parts = urlsplit(signed)
    assert parts.hostname == "my-videos.localhost"
    assert ask(url, "GET", f"{parts.path}?{parts.query}", Host=parts.netloc) == (200, b"v")


def test_it_enforces_as_the_account_says(clients: Clients) -> None:
    key = clients.user(allow("iam:ListUsers"))
    assert clients("iam", key=key).list_users()["Users"]
    with pytest.raises(ClientError) as caught:
        clients("iam", key=key).list_roles()
    assert error_of(caught.value)[0] == "AccessDenied"
    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        clients("iam", secret="wrong").list_users()


def test_it_enforces_nothing_when_told_so(tmp_path: Path) -> None:
    with RunningServer(state_root=tmp_path, enforce=False) as running:
        clients = Clients(running.sandbox, running.url)
        assert clients("iam", secret="wrong").list_users()["Users"]


def test_unsigned_requests_get_nothing(server: RunningServer) -> None:
    for method, path in (
        ("GET", "/"),
        ("GET", "/moto-api/data.json"),
        ("POST", "/moto-api/reset"),
        ("GET", "/latest/meta-data/iam/security-credentials/"),
        ("PUT", "/some-bucket"),
        ("GET", "/some-bucket/key"),
    ):
        status, body = ask(server.url, method, path)
        assert status in {403, 404, 501}, (method, path, body)
        assert b"<html" not in body.lower()


def test_a_name_that_was_pointed_at_this_machine_gets_nothing(server: RunningServer) -> None:
    assert ask(server.url, "GET", HEALTH, Host="attacker.example")[0] == 403


def test_many_clients_at_once(clients: Clients) -> None:
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            iam = clients("iam")
            for step in range(4):
                iam.create_user(UserName=f"u-{number}-{step}")
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert len(clients("iam").list_users()["Users"]) == 33


def test_a_wizard_and_a_server_share_the_account(tmp_path: Path) -> None:
    with RunningServer(state_root=tmp_path) as running:
        wizard = open_sandbox(state_root=tmp_path)
        key = Clients(wizard).user(allow("sts:GetCallerIdentity"))
        arn = Clients(running.sandbox, running.url)("sts", key=key).get_caller_identity()["Arn"]
        assert arn == "arn:aws:iam::123456789012:user/someone"
        wizard.close()


def test_latency_is_added_to_every_request(tmp_path: Path) -> None:
    with RunningServer(state_root=tmp_path, latency_ms=50) as running:
        began = time.perf_counter()
        ask(running.url, "GET", HEALTH)
        assert time.perf_counter() - began >= 0.05


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.com", "::"])
def test_it_listens_on_this_machine_only(tmp_path: Path, host: str) -> None:
    with pytest.raises(ValueError, match="this machine only"):
        RunningServer(state_root=tmp_path, host=host)


def test_a_taken_port_is_an_error_that_leaves_nothing_open(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        RunningServer(state_root=tmp_path, port=taken.getsockname()[1])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(("192.0.2.1", 9))


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serving_ends_quietly_with_a_signal(tmp_path: Path, number: signal.Signals) -> None:
    code = (
        "import pathlib; from wizard.sandbox.server import serve\n"
        f"serve('fresh', state_root=pathlib.Path({str(tmp_path)!r}),"
        " ready=lambda url, sandbox: print(url, sandbox.access_key_id, flush=True))\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).resolve().parents[2],
    )
    assert process.stdout is not None
    url, access_key_id = process.stdout.readline().split()
    assert access_key_id.startswith("AKIA")
    assert ask(url, "GET", HEALTH)[0] == 200
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (0, "", "")


def test_serving_in_a_thread_needs_no_signals(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="this machine only"):
        serve("fresh", host="8.8.8.8", state_root=tmp_path)
