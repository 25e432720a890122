"""Runs Remotion's own CLI, unmodified, against a sandbox server; and sets an account up for it with plain boto3."""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

VERSION = "4.0.527"
ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".tools" / "remotion"
PACKAGES = (
    f"remotion@{VERSION}",
    f"@remotion/cli@{VERSION}",
    f"@remotion/lambda@{VERSION}",
    "react@19",
    "react-dom@19",
)
CATALOGUE = ROOT / "assets" / "policies" / "remotion-policies.json"
ROLE = "remotion-lambda-role"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
Statements = Sequence[Mapping[str, Any]]


class Unavailable(Exception):
    """The CLI can't be had here; the message says why."""


@functools.cache
def folder() -> Path:
    """The folder in which `npx remotion` is Remotion's CLI; installs it there when it is absent.

    Raises:
        Unavailable: There is no Node or npm, or npm could not install it.
    """
    if shutil.which("node") is None or shutil.which("npx") is None:
        raise Unavailable("Node is not installed")
    if _installed() == VERSION:
        return FOLDER
    npm = shutil.which("npm")
    if npm is None:
        raise Unavailable("npm is not installed")
    FOLDER.mkdir(parents=True, exist_ok=True)
    if not (FOLDER / "package.json").exists():
        (FOLDER / "package.json").write_text('{"private": true}\n', encoding="utf-8")
    command = [npm, "install", "--no-audit", "--no-fund", "--save-exact", *PACKAGES]
    done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode != 0 or _installed() != VERSION:
        raise Unavailable(f"npm could not install Remotion {VERSION}: {done.stderr.strip()[-300:]}")
    return FOLDER


def _installed() -> str:
    try:
        text = (FOLDER / "node_modules" / "@remotion" / "lambda" / "package.json").read_text(encoding="utf-8")
    except OSError:
        return ""
    return str(json.loads(text)["version"])


def run(
    arguments: Sequence[str],
    endpoint: str,
    access_key_id: str,
    secret: str,
    home: Path,
    *,
    region: str = "us-east-1",
    environment: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run `npx remotion lambda <arguments>` with these credentials against `endpoint`."""
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": region,
        "REMOTION_AWS_REGION": region,
        "REMOTION_AWS_ACCESS_KEY_ID": access_key_id,
        "REMOTION_AWS_SECRET_ACCESS_KEY": secret,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_COLOR": "1",
        "CI": "1",
        **(environment or {}),
    }
    npx = shutil.which("npx")
    assert npx is not None
    command = [npx, "--no-install", "remotion", "lambda", *arguments]
    return subprocess.run(
        command,
        cwd=folder(),
        env=env,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def statements(kind: str, partition: str = "aws") -> list[dict[str, Any]]:
    """The statements of Remotion's "user" or "role" policy of today, from the catalogue."""
    catalogue = json.loads(CATALOGUE.read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = catalogue["epochs"][-1]["partitions"][partition][kind]
    return found


def actions(policy: Statements) -> list[str]:
    """The distinct actions of `policy`, in its order."""
    return list(dict.fromkeys(action for statement in policy for action in _as_list(statement["Action"])))


def without(policy: Statements, action: str) -> list[dict[str, Any]]:
    """`policy` with `action` taken out of every statement."""
    result = []
    for statement in policy:
        left = [name for name in _as_list(statement["Action"]) if name != action]
        if left:
            result.append({**statement, "Action": left})
    return result


def document(policy: Statements) -> str:
    """A policy document of these statements."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(policy)})


def set_up(client: Callable[[str], Any], user_policy: Statements, *, name: str = "remotion-user") -> tuple[str, str]:
    """Make Remotion's role and a user that holds `user_policy`, with an administrator's clients.

    `client` makes a boto3 client by the name of its service. Returns the user's access key id and secret.
    """
    iam = client("iam")
    iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=json.dumps(TRUST))
    policy = iam.create_policy(PolicyName="remotion-lambda-policy", PolicyDocument=document(statements("role")))
    iam.attach_role_policy(RoleName=ROLE, PolicyArn=policy["Policy"]["Arn"])
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="remotion-user-policy", PolicyDocument=document(user_policy))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return key["AccessKeyId"], key["SecretAccessKey"]


def _as_list(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)
