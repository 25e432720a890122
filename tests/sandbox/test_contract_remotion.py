"""Remotion's own CLI, unmodified, works against the sandbox's server with exactly the policies it asks for."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from wizard.sandbox.server import RunningServer

from . import remotion_cli
from .sandbox_support import Clients

pytestmark = [pytest.mark.contract, pytest.mark.thorough]


class Account:
    """A server with Remotion's role and one user that holds `policy`, and its CLI."""

    def __init__(self, server: RunningServer, home: Path, policy: remotion_cli.Statements) -> None:
        self.clients = Clients(server.sandbox)
        self._server = server
        self._home = home
        self._key = remotion_cli.set_up(self.clients, policy)

    def cli(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `npx remotion lambda <arguments>` as the user."""
        return remotion_cli.run(arguments, self._server.url, *self._key, self._home)


@pytest.fixture(scope="module", autouse=True)
def _cli_is_there() -> None:
    try:
        remotion_cli.folder()
    except remotion_cli.Unavailable as reason:
        pytest.skip(f"Remotion's CLI is not available: {reason}")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    with RunningServer(state_root=tmp_path / "state") as running:
        yield running


def test_every_command_that_needs_no_rendering_works(server: RunningServer, tmp_path: Path) -> None:
    account = Account(server, tmp_path, remotion_cli.statements("user"))
    account.clients("iam").create_service_linked_role(AWSServiceName="servicequotas.amazonaws.com")

    validated = account.cli("policies", "validate")
    assert validated.returncode == 0, validated.stderr
    ticked = re.findall(r"^✅ (\S+)$", validated.stdout, re.MULTILINE)
    assert ticked == remotion_cli.actions(remotion_cli.statements("user"))
    assert len(ticked) == 32
    assert "❌" not in validated.stdout

    quotas = account.cli("quotas")
    assert quotas.returncode == 0, quotas.stderr
    assert "Concurrency limit: 10 " in quotas.stdout

    increased = account.cli("quotas", "increase", "--yes", "--force")
    assert increased.returncode == 0, increased.stderr
    assert "Requested increase successfully" in increased.stdout
    history = account.clients("service-quotas").list_requested_service_quota_change_history(ServiceCode="lambda")
    assert [request["DesiredValue"] for request in history["RequestedQuotas"]] == [5000]

    for listing in ("functions", "sites"):
        listed = account.cli(listing, "ls")
        assert listed.returncode == 0, listed.stderr
        assert f"0 {listing} in the us-east-1 region" in listed.stdout

    deployed = account.cli("functions", "deploy", "--yes")
    assert deployed.returncode == 0, deployed.stderr
    name = "remotion-render-4-0-527-mem2048mb-disk2048mb-120sec"
    assert f"Deployed as {name}" in deployed.stdout
    found = account.clients("lambda").get_function(FunctionName=name)
    assert found["Configuration"]["Role"] == f"arn:aws:iam::123456789012:role/{remotion_cli.ROLE}"
    groups = account.clients("logs").describe_log_groups()["logGroups"]
    assert [(group["logGroupName"], group["retentionInDays"]) for group in groups] == [(f"/aws/lambda/{name}", 14)]


@pytest.mark.parametrize(
    ("action", "call"),
    [
        ("iam:PassRole", "iam:PassRole"),
        ("lambda:CreateFunction", "lambda:CreateFunction"),
        ("lambda:GetLayerVersion", "lambda:GetLayerVersion"),
        ("logs:PutRetentionPolicy", "logs:PutRetentionPolicy"),
    ],
)
def test_deploying_fails_on_the_call_whose_action_is_missing(
    server: RunningServer, tmp_path: Path, action: str, call: str
) -> None:
    account = Account(server, tmp_path, remotion_cli.without(remotion_cli.statements("user"), action))
    deployed = account.cli("functions", "deploy", "--yes")
    assert deployed.returncode == 1
    assert f"is not authorized to perform: {call} on resource: " in deployed.stdout + deployed.stderr
    assert account.clients("lambda").list_functions()["Functions"] == []


def test_validation_shows_the_action_that_is_missing(server: RunningServer, tmp_path: Path) -> None:
    account = Account(server, tmp_path, remotion_cli.without(remotion_cli.statements("user"), "s3:PutObjectAcl"))
    validated = account.cli("policies", "validate")
    assert re.findall(r"^❌ (\S+)", validated.stdout, re.MULTILINE) == ["s3:PutObjectAcl"]


def test_the_cli_says_why_without_the_service_linked_role(server: RunningServer, tmp_path: Path) -> None:
    account = Account(server, tmp_path, remotion_cli.statements("user"))
    increased = account.cli("quotas", "increase", "--yes", "--force")
    assert "sub-account" in increased.stderr  # what it makes of DependencyAccessDeniedException


def test_a_wrong_secret_is_refused(server: RunningServer, tmp_path: Path) -> None:
    account = Account(server, tmp_path, remotion_cli.statements("user"))
    account._key = (account._key[0], "wrong")
    listed = account.cli("functions", "ls")
    assert listed.returncode == 1
    assert "signature" in (listed.stdout + listed.stderr).lower()
