"""What the wizard makes, Remotion's own CLI works with: whole programs, one after the other, on one sandbox account."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sandbox import remotion_cli
from wizard.handover.env_file import variables_of

pytestmark = [pytest.mark.contract, pytest.mark.thorough]
WIZARD = [sys.executable, "-m", "wizard"]
CONCURRENCY = "Concurrency limit: 10 "


@pytest.fixture(scope="module", autouse=True)
def _cli_is_there() -> None:
    try:
        remotion_cli.folder()
    except remotion_cli.Unavailable as reason:
        pytest.skip(f"Remotion's CLI is not available: {reason}")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "package.json").write_text('{"dependencies": {"@remotion/lambda": "4.0.527"}}', encoding="utf-8")
    return folder


@pytest.fixture
def endpoint(project: Path) -> Iterator[str]:
    """`sandbox serve` as a process of its own, on the account that other commands of the test work on too."""
    server = subprocess.Popen(
        [*WIZARD, "sandbox", "serve", "--port", "0"], stdout=subprocess.PIPE, text=True, cwd=project
    )
    try:
        assert server.stdout is not None
        found = re.search(r"answers at (http://\S+?)\. ", server.stdout.readline())
        assert found is not None
        yield found[1]
    finally:
        server.terminate()
        server.communicate(timeout=30)


def wizard(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*WIZARD, *arguments],
        cwd=project,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "NO_COLOR": "1"},
    )


def test_remotions_cli_works_with_the_credentials_that_the_wizard_wrote(
    project: Path, endpoint: str, tmp_path: Path
) -> None:
    applied = wizard(project, "apply", "--sandbox", "--yes", "--set", "remotion.version=auto")
    assert applied.returncode == 0, applied.stdout + applied.stderr
    written = variables_of(project / ".env")

    def remotion(*arguments: str) -> str:
        done = remotion_cli.run(
            arguments,
            endpoint,
            written["REMOTION_AWS_ACCESS_KEY_ID"],
            written["REMOTION_AWS_SECRET_ACCESS_KEY"],
            tmp_path,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    validated = remotion("policies", "validate")
    assert validated.count("✅") == 32
    assert "❌" not in validated
    assert CONCURRENCY in remotion("quotas")
    assert "Requested increase successfully" in remotion("quotas", "increase", "--yes", "--force")
    assert "0 functions" in remotion("functions", "ls")
    assert "0 sites" in remotion("sites", "ls")
    assert "Deployed as remotion-render-4-0-527" in remotion("functions", "deploy", "--yes")
    assert re.search(r"remotion-render-4-0-527\S+\s+4\.0\.527\s", remotion("functions", "ls"))

    checked = wizard(project, "check", "--sandbox", "--user", "remotion-user", "--role", "remotion-lambda-role")
    assert checked.returncode == 0, checked.stdout


def test_a_policy_without_one_action_fails_on_the_right_call(project: Path, endpoint: str, tmp_path: Path) -> None:
    """The wizard's check and Remotion's deploy agree on what is missing."""
    import boto3

    assert wizard(project, "apply", "--sandbox", "--yes", "--set", "remotion.version=auto").returncode == 0
    from wizard.sandbox import open_sandbox

    sandbox = open_sandbox()
    try:
        iam = boto3.client(
            "iam",
            endpoint_url=endpoint,
            region_name="us-east-1",
            aws_access_key_id=sandbox.access_key_id,
            aws_secret_access_key=sandbox.secret_access_key.reveal(),
        )
    finally:
        sandbox.close()
    cut = remotion_cli.without(remotion_cli.statements("user"), "logs:PutRetentionPolicy")
    policy = {"UserName": "remotion-user", "PolicyName": "remotion-user-policy"}
    iam.put_user_policy(**policy, PolicyDocument=remotion_cli.document(cut))

    written = variables_of(project / ".env")
    deployed = remotion_cli.run(
        ("functions", "deploy", "--yes"),
        endpoint,
        written["REMOTION_AWS_ACCESS_KEY_ID"],
        written["REMOTION_AWS_SECRET_ACCESS_KEY"],
        tmp_path,
    )
    assert deployed.returncode != 0
    assert "logs:PutRetentionPolicy" in deployed.stdout + deployed.stderr

    checked = wizard(project, "check", "--sandbox", "--user", "remotion-user")
    assert checked.returncode == 1
    assert "remotion-user may not call logs:PutRetentionPolicy" in checked.stdout
    assert checked.stdout.count("may not call") == 1

    mended = wizard(project, "apply", "--sandbox", "--yes", "--set", "remotion.version=auto")
    assert mended.returncode == 0, mended.stdout
    assert "adds logs:PutRetentionPolicy" in mended.stdout
