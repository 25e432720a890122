"""What is done in the sandbox lasts, survives a kill, is shared between processes, and holds no secret."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from wizard.sandbox import open_sandbox, reset_sandbox
from wizard.sandbox.state import STATE_VARIABLE, Store, Unusable, default_root

from .sandbox_support import Clients, allow, document, trust

posix = pytest.mark.skipif(os.name != "posix", reason="owners and modes are POSIX's")


def fill(clients: Clients) -> dict[str, str]:
    """Do something with every service that the wizard and Remotion use. Returns an access key."""
    iam = clients("iam")
    role = iam.create_role(
        RoleName="render", Path="/x/", AssumeRolePolicyDocument=trust({"Service": "lambda.amazonaws.com"})
    )
    made = iam.create_policy(
        PolicyName="p", PolicyDocument=document([allow("s3:*")]), Tags=[{"Key": "a", "Value": "b"}]
    )
    iam.attach_role_policy(RoleName="render", PolicyArn=made["Policy"]["Arn"])
    key = clients.user(allow("sts:*"), allow("s3:*"), name="remotion-user")
    iam.put_user_permissions_boundary(UserName="remotion-user", PermissionsBoundary=made["Policy"]["Arn"])
    s3 = clients("s3", "eu-central-1")
    s3.create_bucket(Bucket="remotionlambda-x", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    s3.put_object(Bucket="remotionlambda-x", Key="small", Body=b"small")
    s3.put_object(Bucket="remotionlambda-x", Key="large", Body=b"L" * 100_000)
    logs = clients("logs")
    logs.create_log_group(logGroupName="/aws/lambda/remotion-render-1")
    logs.put_retention_policy(logGroupName="/aws/lambda/remotion-render-1", retentionInDays=14)
    clients("lambda").create_function(
        FunctionName="remotion-render-1",
        Runtime="nodejs22.x",
        Role=role["Role"]["Arn"],
        Handler="i.h",
        Code={"ZipFile": b"PK" + os.urandom(100_000)},
        Tags={"a": "b"},
    )
    clients("service-quotas").request_service_quota_increase(
        ServiceCode="lambda", QuotaCode="L-B99A9384", DesiredValue=1000
    )
    assumable = trust({"AWS": "arn:aws:iam::123456789012:root"})
    arn = iam.create_role(RoleName="assumed", AssumeRolePolicyDocument=assumable)["Role"]["Arn"]
    clients("sts").assume_role(RoleArn=arn, RoleSessionName="session")
    return key


def look(clients: Clients, key: dict[str, str]) -> dict[str, Any]:
    """Read back what `fill` did."""
    iam, s3, functions = clients("iam"), clients("s3", "eu-central-1"), clients("lambda")
    roles = {role["RoleName"]: role["Arn"] for role in iam.list_roles()["Roles"]}
    user = iam.get_user(UserName="remotion-user")["User"]
    quotas = clients("service-quotas").list_requested_service_quota_change_history(ServiceCode="lambda")
    groups = clients("logs").describe_log_groups()["logGroups"]
    return {
        "roles": roles,
        "boundary": user["PermissionsBoundary"]["PermissionsBoundaryArn"],
        "document": iam.get_user_policy(UserName="remotion-user", PolicyName="only")["PolicyDocument"],
        "entities": [
            r["RoleName"]
            for r in iam.list_entities_for_policy(PolicyArn=user["PermissionsBoundary"]["PermissionsBoundaryArn"])[
                "PolicyRoles"
            ]
        ],
        "caller": clients("sts", key=key).get_caller_identity()["Arn"],
        "objects": {
            name: s3.get_object(Bucket="remotionlambda-x", Key=name)["Body"].read() for name in ("small", "large")
        },
        "quotas": [request["DesiredValue"] for request in quotas["RequestedQuotas"]],
        "retention": {group["logGroupName"]: group["retentionInDays"] for group in groups},
        "function": functions.get_function(FunctionName="remotion-render-1")["Configuration"]["CodeSha256"],
        "by arn": functions.get_function(FunctionName=functions.list_functions()["Functions"][0]["FunctionArn"])[
            "Tags"
        ],
    }


def test_everything_is_there_again_in_the_next_command(tmp_path: Path) -> None:
    first = open_sandbox(state_root=tmp_path)
    key = fill(Clients(first))
    before = look(Clients(first), key)
    assert first.warnings == []
    first.close()
    second = open_sandbox(state_root=tmp_path)
    assert look(Clients(second), key) == before
    assert (second.access_key_id, second.secret_access_key) == (first.access_key_id, first.secret_access_key)
    assert second.warnings == []
    Clients(second)("iam").tag_user(UserName="remotion-user", Tags=[{"Key": "later", "Value": "1"}])
    Clients(second)("s3").list_buckets()
    second.close()


def test_no_secret_and_no_signature_is_in_the_state(tmp_path: Path) -> None:
    sandbox = open_sandbox(state_root=tmp_path)
    clients = Clients(sandbox)
    key = fill(clients)
    session = clients("sts").get_session_token()["Credentials"]
    secrets = [
        sandbox.secret_access_key.reveal(),
        key["SecretAccessKey"],
        session["SecretAccessKey"],
        session["SessionToken"],
        "AWS4-HMAC-SHA256",
        "Signature=",
    ]
    sandbox.close()
    for path in tmp_path.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        assert not [secret for secret in secrets if secret.encode() in content], path


def test_reset_brings_the_same_new_account_back(tmp_path: Path) -> None:
    sandbox = open_sandbox(state_root=tmp_path)
    clients = Clients(sandbox)
    clients("iam").create_user(UserName="u")
    sandbox.reset()
    assert [user["UserName"] for user in clients("iam").list_users()["Users"]] == ["sandbox-admin"]
    clients("iam").create_user(UserName="u")
    assert reset_sandbox(state_root=tmp_path) == ["fresh"]  # by another command, while this one is open
    assert [user["UserName"] for user in clients("iam").list_users()["Users"]] == ["sandbox-admin"]
    sandbox.close()
    assert reset_sandbox("fresh", state_root=tmp_path / "nothing") == []


def test_what_others_do_to_the_account_is_kept_too(tmp_path: Path) -> None:
    from wizard.sandbox.calls import quotas

    sandbox = open_sandbox(state_root=tmp_path)
    session = Clients(sandbox)("sts").get_session_token()["Credentials"]
    with sandbox.edit():
        quotas.set_concurrency(sandbox.account_id, "eu-west-1", 3000)
    sandbox.close()
    again = open_sandbox(state_root=tmp_path)
    limits = Clients(again)("lambda", "eu-west-1", key=session).get_account_settings()["AccountLimit"]
    assert limits["ConcurrentExecutions"] == 3000
    again.close()


def test_resetting_loads_no_moto(tmp_path: Path) -> None:
    open_sandbox(state_root=tmp_path).close()
    code = (
        "import sys, pathlib; from wizard.sandbox import reset_sandbox\n"
        f"print(reset_sandbox(state_root=pathlib.Path({str(tmp_path)!r})), 'moto' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['fresh'] False"
    assert not (tmp_path / "fresh" / "state").exists()


@posix
def test_the_files_are_for_the_user_only(tmp_path: Path) -> None:
    sandbox = open_sandbox(state_root=tmp_path)
    fill(Clients(sandbox))
    sandbox.close()
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "fresh").rglob("*")}
    assert {mode for name, mode in modes.items() if name != "blobs"} == {0o600}
    assert modes["blobs"] == stat.S_IMODE((tmp_path / "fresh").stat().st_mode) == 0o700


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[: len(content) // 2],
        lambda content: content[:-1] + bytes([content[-1] ^ 1]),
        lambda content: b"something else\n" + content,
        lambda content: content.replace(b'"format": 1', b'"format": 0'),
        lambda content: content.replace(b'"version": "5.', b'"version": "4.'),
    ],
)
def test_a_state_that_can_not_be_used_is_set_aside(tmp_path: Path, damage: Any) -> None:
    sandbox = open_sandbox(state_root=tmp_path)
    Clients(sandbox)("iam").create_user(UserName="u")
    sandbox.close()
    state = tmp_path / "fresh" / "state"
    content = damage(state.read_bytes())
    state.write_bytes(content)
    again = open_sandbox(state_root=tmp_path)
    assert len(again.warnings) == 1
    assert "starts fresh" in again.warnings[0]
    assert [user["UserName"] for user in Clients(again)("iam").list_users()["Users"]] == ["sandbox-admin"]
    again.close()
    aside = [path for path in state.parent.iterdir() if path.name.startswith("state.unusable-")]
    assert [path.read_bytes() for path in aside] == [content]


def test_a_state_with_a_damaged_part_is_set_aside(tmp_path: Path) -> None:
    sandbox = open_sandbox(state_root=tmp_path)
    fill(Clients(sandbox))
    sandbox.close()
    for blob in (tmp_path / "fresh" / "blobs").iterdir():
        blob.write_bytes(b"not what it was")
    again = open_sandbox(state_root=tmp_path)
    assert Clients(again)("s3").list_buckets()["Buckets"] == []
    assert "damaged" in again.warnings[0]
    again.close()


@posix
def test_a_state_of_somebody_else_is_never_read(tmp_path: Path) -> None:
    sandbox = open_sandbox(state_root=tmp_path)
    Clients(sandbox)("iam").create_user(UserName="u")
    sandbox.close()
    (tmp_path / "fresh" / "state").chmod(0o644)
    again = open_sandbox(state_root=tmp_path)
    assert "other users may read or write it" in again.warnings[0]
    again.close()
    target = tmp_path / "elsewhere"
    (tmp_path / "fresh" / "state").rename(target)
    (tmp_path / "fresh" / "state").symlink_to(target)
    with pytest.raises(Unusable):
        Store(tmp_path / "fresh").read()


def test_a_pickle_that_names_anything_else_than_moto_is_refused() -> None:
    import pickle

    from wizard.sandbox.backends import thaw

    class Evil:
        def __reduce__(self) -> Any:
            return os.system, ("true",)

    with pytest.raises(Unusable, match=r"names (posix|nt)\.system"):
        thaw(pickle.dumps({"x": Evil()}), lambda digest: b"")


_WORKER = """
import sys, pathlib
from tests_sandbox_support import Clients
from wizard.sandbox import open_sandbox
clients = Clients(open_sandbox(state_root=pathlib.Path(sys.argv[1])))
iam, s3 = clients("iam"), clients("s3")
s3.create_bucket(Bucket="bucket-" + sys.argv[2])
for number in range(int(sys.argv[3])):
    iam.create_user(UserName=f"{sys.argv[2]}-{number}")
    s3.put_object(Bucket="bucket-" + sys.argv[2], Key=str(number), Body=b"x" * 40_000)
    print(number, flush=True)
"""


def _start(tmp_path: Path, name: str, count: int) -> subprocess.Popen[str]:
    script = tmp_path / "worker.py"
    script.write_text(_WORKER, encoding="utf-8")
    support = (Path(__file__).parent / "sandbox_support.py").read_text(encoding="utf-8")
    (tmp_path / "tests_sandbox_support.py").write_text(support, encoding="utf-8")
    root = str(Path(__file__).resolve().parents[2])
    return subprocess.Popen(
        [sys.executable, str(script), str(tmp_path / "state"), name, str(count)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([root, str(tmp_path)])},
    )


@posix
def test_what_was_answered_survives_a_kill_at_any_moment(tmp_path: Path) -> None:
    worker = _start(tmp_path, "w", 1000)
    assert worker.stdout is not None
    last = -1
    for line in worker.stdout:
        last = int(line)
        if last == 12:
            worker.send_signal(signal.SIGKILL)
            break
    last = max([last, *[int(line) for line in worker.stdout if line.strip().isdigit()]])
    worker.stdout.close()
    worker.wait()
    sandbox = open_sandbox(state_root=tmp_path / "state")
    clients = Clients(sandbox)
    assert sandbox.warnings == []
    users = {user["UserName"] for user in clients("iam").list_users()["Users"]}
    assert {f"w-{number}" for number in range(last + 1)} <= users
    names = {entry["Key"] for entry in clients("s3").list_objects_v2(Bucket="bucket-w")["Contents"]}
    assert {str(number) for number in range(last + 1)} <= names
    assert clients("s3").get_object(Bucket="bucket-w", Key=str(last))["Body"].read() == b"x" * 40_000
    sandbox.close()


def test_processes_share_one_account_call_by_call(tmp_path: Path) -> None:
    sandbox = open_sandbox(state_root=tmp_path / "state")
    clients = Clients(sandbox)
    workers = [_start(tmp_path, name, 8) for name in ("a", "b")]
    for number in range(8):
        clients("iam").create_user(UserName=f"here-{number}")
    for worker in workers:
        worker.communicate()
        assert worker.returncode == 0
    users = {user["UserName"] for user in clients("iam").list_users()["Users"]}
    assert users == {"sandbox-admin"} | {f"{name}-{number}" for name in ("a", "b", "here") for number in range(8)}
    assert {b["Name"] for b in clients("s3").list_buckets()["Buckets"]} == {"bucket-a", "bucket-b"}
    sandbox.close()


def test_a_failed_save_fails_the_call_and_takes_it_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox = open_sandbox(state_root=tmp_path)
    iam = Clients(sandbox)("iam")

    def full(*_: object) -> str:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Store, "write", full)
        with pytest.raises(ClientError, match="No space left on device"):
            iam.create_user(UserName="u")
    assert [user["UserName"] for user in iam.list_users()["Users"]] == ["sandbox-admin"]
    iam.create_user(UserName="u")
    sandbox.close()


def test_reading_writes_nothing_but_the_first_use_of_a_key(tmp_path: Path) -> None:
    sandbox = open_sandbox(state_root=tmp_path)
    clients = Clients(sandbox)
    key = clients.user(allow("iam:ListUsers"))
    clients("sts", key=key).get_caller_identity()
    state = (tmp_path / "fresh" / "state").read_bytes()
    for _ in range(5):
        clients("iam", key=key).list_users()
        clients("sts", key=key).get_caller_identity()
    assert (tmp_path / "fresh" / "state").read_bytes() == state
    sandbox.close()
    again = open_sandbox(state_root=tmp_path)
    used = Clients(again)("iam").get_access_key_last_used(AccessKeyId=key["AccessKeyId"])["AccessKeyLastUsed"]
    assert used["ServiceName"] == "sts"
    again.close()


def test_the_place_of_the_state_can_be_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path))
    assert default_root() == tmp_path / "sandbox"
    open_sandbox().close()
    assert json.loads((tmp_path / "sandbox" / "fresh" / "state").read_bytes().splitlines()[1])["format"] == 1
    monkeypatch.delenv(STATE_VARIABLE)
    assert "remotion-lambda-wizard" in str(default_root())
