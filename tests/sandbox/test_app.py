"""The sandbox answers in process as AWS would, in every protocol and partition."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from wizard.sandbox import SCENARIOS, Sandbox, UnknownScenario, open_sandbox
from wizard.sandbox.messages import Message

from .sandbox_support import Clients, allow, document, error_of, session, trust


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    opened = open_sandbox(state_root=tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def clients(sandbox: Sandbox) -> Clients:
    return Clients(sandbox)


def test_importing_the_package_loads_neither_moto_nor_boto3() -> None:
    heavy = ("moto", "boto3", "botocore", "flask", "werkzeug")
    code = f"import wizard.sandbox, sys; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_missing_packages_are_named_with_the_command_that_installs_them(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['moto'] = None\n"
        "from wizard.sandbox import SandboxMissing, open_sandbox\n"
        "try: open_sandbox()\n"
        "except SandboxMissing as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path.cwd())
    assert "pip install" in done.stdout
    assert "[sandbox]" in done.stdout


def test_an_unknown_scenario_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UnknownScenario, match="fresh"):
        open_sandbox("no-such", state_root=tmp_path)
    assert all(scenario.summary.endswith(".") for scenario in SCENARIOS.values())


def test_the_administrator_is_who_it_says(sandbox: Sandbox, clients: Clients) -> None:
    identity = clients("sts").get_caller_identity()
    assert identity["Arn"] == "arn:aws:iam::123456789012:user/sandbox-admin"
    assert identity["Account"] == sandbox.account_id
    attached = clients("iam").list_attached_user_policies(UserName="sandbox-admin")["AttachedPolicies"]
    assert [policy["PolicyName"] for policy in attached] == ["AdministratorAccess"]
    assert sandbox.secret_access_key.reveal() not in repr(vars(sandbox))


@pytest.mark.parametrize(("region", "partition"), [("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")])
def test_every_partition_has_its_own_account_with_the_same_key(clients: Clients, region: str, partition: str) -> None:
    assert (
        clients("sts", region).get_caller_identity()["Arn"] == f"arn:{partition}:iam::123456789012:user/sandbox-admin"
    )
    made = clients("iam", region).create_user(UserName="remotion-user")["User"]
    assert made["Arn"] == f"arn:{partition}:iam::123456789012:user/remotion-user"
    s3 = clients("s3", region)
    s3.create_bucket(Bucket="somewhere-else", CreateBucketConfiguration={"LocationConstraint": region})
    s3.put_object(Bucket="somewhere-else", Key="a", Body=b"1")
    assert s3.get_bucket_location(Bucket="somewhere-else")["LocationConstraint"] == region
    assert [user["UserName"] for user in clients("iam").list_users()["Users"]] == ["sandbox-admin"]
    key = clients("iam").create_access_key(UserName="sandbox-admin")["AccessKey"]
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        clients("sts", region, key=key).get_caller_identity()


def test_a_new_account_runs_ten_functions_at_a_time(clients: Clients) -> None:
    for region in ("us-east-1", "eu-central-1"):
        assert clients("lambda", region).get_account_settings()["AccountLimit"]["ConcurrentExecutions"] == 10
    names = {role["RoleName"] for role in clients("iam").list_roles()["Roles"]}
    assert names == set()


@pytest.mark.parametrize("style", ["path", "virtual"])
@pytest.mark.parametrize("key", ["a.txt", "deep/er/ü x+y%.txt", "/leading", "trailing/", "a//b", "q?x=1&y"])
def test_s3_keeps_every_key_and_body_in_both_address_styles(clients: Clients, style: str, key: str) -> None:
    s3 = clients("s3", "eu-central-1", s3={"addressing_style": style})
    s3.create_bucket(Bucket="my-videos", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    s3.put_object(Bucket="my-videos", Key=key, Body=b"frames", ContentType="video/mp4", Metadata={"a": "b"})
    got = s3.get_object(Bucket="my-videos", Key=key)
    assert got["Body"].read() == b"frames"
    assert (got["ContentType"], got["Metadata"]) == ("video/mp4", {"a": "b"})
    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket="my-videos")["Contents"]] == [key]
    s3.delete_object(Bucket="my-videos", Key=key)
    with pytest.raises(ClientError, match="404"):
        s3.head_object(Bucket="my-videos", Key=key)


def test_s3_takes_streams_chunks_and_parts(clients: Clients) -> None:
    s3 = clients("s3")
    s3.create_bucket(Bucket="my.dotted.bucket")
    s3.put_object(Bucket="my.dotted.bucket", Key="stream", Body=io.BytesIO(b"x" * 70_000), ChecksumAlgorithm="SHA256")
    got = s3.get_object(Bucket="my.dotted.bucket", Key="stream", Range="bytes=10-19")
    assert got["Body"].read() == b"x" * 10
    assert got["ContentRange"] == "bytes 10-19/70000"
    upload = s3.create_multipart_upload(Bucket="my.dotted.bucket", Key="parts")["UploadId"]
    part = {"Bucket": "my.dotted.bucket", "Key": "parts", "UploadId": upload}
    done = s3.upload_part(**part, PartNumber=1, Body=b"only")
    s3.complete_multipart_upload(**part, MultipartUpload={"Parts": [{"ETag": done["ETag"], "PartNumber": 1}]})
    chunks = s3.get_object(Bucket="my.dotted.bucket", Key="parts")["Body"].iter_chunks(2)
    assert list(chunks) == [b"on", b"ly"]


def test_s3_control_finds_the_account_by_its_host(clients: Clients) -> None:
    control = clients("s3control")
    block = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
    control.put_public_access_block(AccountId="123456789012", PublicAccessBlockConfiguration=block)
    found = control.get_public_access_block(AccountId="123456789012")["PublicAccessBlockConfiguration"]
    assert found == block


@pytest.mark.parametrize(
    ("service", "operation", "arguments"),
    [
        ("iam", "generate_service_last_accessed_details", {"Arn": "arn:aws:iam::123456789012:user/sandbox-admin"}),
        ("sts", "decode_authorization_message", {"EncodedMessage": "x"}),
        ("cloudtrail", "lookup_events", {}),
        ("accessanalyzer", "validate_policy", {"policyDocument": "{}", "policyType": "IDENTITY_POLICY"}),
        ("logs", "get_log_record", {"logRecordPointer": "x"}),
        ("lambda", "get_account_settings_that_moto_lacks", {}),
        ("s3", "get_bucket_metadata_configuration", {"Bucket": "my-videos"}),
        ("freetier", "get_free_tier_usage", {}),
    ],
)
def test_what_is_not_emulated_says_so_in_the_protocol_of_the_service(
    clients: Clients, service: str, operation: str, arguments: dict[str, Any]
) -> None:
    if operation == "get_account_settings_that_moto_lacks":
        operation, arguments = "list_functions_by_code_signing_config", {"CodeSigningConfigArn": _SIGNING}
    if service == "s3":
        clients("s3").create_bucket(Bucket="my-videos")
    with pytest.raises(ClientError) as caught:
        getattr(clients(service), operation)(**arguments)
    code, message, status = error_of(caught.value)
    assert (code, status) == ("NotImplemented", 501)
    assert "does not emulate" in message


_SIGNING = "arn:aws:lambda:us-east-1:123456789012:code-signing-config:csc-0123456789abcdef0"


def test_a_host_that_is_not_one_of_aws_is_refused(sandbox: Sandbox) -> None:
    reply = sandbox.answer(Message("GET", "https://example.com/"))
    assert reply.status == 501
    assert b"does not emulate" in reply.body
    metadata = sandbox.answer(Message("GET", "http://169.254.169.254/latest/meta-data/iam/security-credentials/"))
    assert metadata.status == 501


@pytest.mark.parametrize(
    "message",
    [
        Message(
            "POST", "https://iam.amazonaws.com/", (("Content-Type", "application/x-www-form-urlencoded"),), b"\xff"
        ),
        Message("POST", "https://iam.amazonaws.com/", (), b""),
        Message("POST", "https://logs.us-east-1.amazonaws.com/", (("X-Amz-Target", "Logs.Nope"),), b"{not json"),
        Message("GET", "https://lambda.us-east-1.amazonaws.com/nowhere/at/all"),
        Message("BREW", "https://s3.amazonaws.com/"),
        Message("GET", "https://s3.amazonaws.com/%00/%FF?acl"),
        Message("POST", "https://sts.amazonaws.com/?Action=AssumeRoleWithWebIdentity"),
        Message("GET", "https://servicequotas.us-east-1.amazonaws.com/", (("Authorization", "AWS4-HMAC-SHA256 x"),)),
    ],
)
def test_nonsense_gets_an_error_and_never_a_traceback(sandbox: Sandbox, message: Message) -> None:
    reply = sandbox.answer(message)
    assert 400 <= reply.status < 500 or reply.status == 501
    assert b"Traceback" not in reply.body
    assert b"<html" not in reply.body.lower()


def test_policies_of_aws_come_when_they_are_named(clients: Clients) -> None:
    iam = clients("iam")
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust({"Service": "lambda.amazonaws.com"}))
    arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaSQSQueueExecutionRole"
    iam.attach_role_policy(RoleName="r", PolicyArn=arn)
    assert iam.list_attached_role_policies(RoleName="r")["AttachedPolicies"][0]["PolicyArn"] == arn
    with pytest.raises(ClientError, match="NoSuchEntity"):
        iam.get_policy(PolicyArn="arn:aws:iam::aws:policy/NoSuchPolicyOfAws")


def test_many_threads_share_one_client(clients: Clients) -> None:
    iam = clients("iam")
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            iam.create_user(UserName=f"user-{number}")
            iam.put_user_policy(UserName=f"user-{number}", PolicyName="p", PolicyDocument=document([allow("s3:*")]))
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert len(iam.list_users()["Users"]) == 25


def test_the_same_changes_make_the_same_account_however_often_somebody_looked(tmp_path: Path) -> None:
    def onboard(root: Path, looks: int) -> list[Any]:
        opened = open_sandbox(state_root=root)
        clients = Clients(opened)
        iam = clients("iam")
        made = []
        for step in range(3):
            for _ in range(looks):
                clients("sts").get_caller_identity()
                with pytest.raises(ClientError):
                    iam.get_user(UserName="nobody")
            user = iam.create_user(UserName=f"user-{step}")["User"]
            key = iam.create_access_key(UserName=f"user-{step}")["AccessKey"]
            made.append((user["UserId"], key["AccessKeyId"], key["SecretAccessKey"]))
        opened.close()
        return made

    once = onboard(tmp_path / "a", 0)
    assert onboard(tmp_path / "b", 3) == once
    assert len({key for _, key, _ in once}) == 3


def test_several_sandboxes_of_one_process_are_several_accounts(tmp_path: Path) -> None:
    first, second = open_sandbox(state_root=tmp_path / "1"), open_sandbox(state_root=tmp_path / "2")
    of_first, of_second = Clients(first), Clients(second)
    of_first("iam").create_user(UserName="here")
    of_first("s3").create_bucket(Bucket="same-name")
    of_second("s3").create_bucket(Bucket="same-name")
    assert [user["UserName"] for user in of_second("iam").list_users()["Users"]] == ["sandbox-admin"]
    assert len(of_first("iam").list_users()["Users"]) == 2
    assert len(of_first("s3").list_buckets()["Buckets"]) == 1
    first.close()
    second.close()


def test_a_session_may_change_from_one_sandbox_to_the_next(tmp_path: Path) -> None:
    made = session()
    for name in ("1", "2"):
        opened = open_sandbox(state_root=tmp_path / name)
        opened.install(made)
        client: Any = made.create_client(
            "iam",
            region_name="us-east-1",
            aws_access_key_id=opened.access_key_id,
            aws_secret_access_key=opened.secret_access_key.reveal(),
        )
        assert client.create_user(UserName="u")["User"]["UserName"] == "u"
        opened.close()


def test_a_closed_sandbox_answers_no_more(tmp_path: Path) -> None:
    opened = open_sandbox(state_root=tmp_path)
    iam = Clients(opened)("iam")
    with opened.edit(), pytest.raises(ClientError, match="from within"):
        iam.list_users()
    opened.close()
    with pytest.raises(ClientError, match="is closed"):
        iam.list_users()


def test_moto_settings_of_the_environment_do_not_reach_in(clients: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTO_ACCOUNT_ID", "999999999999")
    assert clients("iam").create_user(UserName="u")["User"]["Arn"].split(":")[4] == "123456789012"


def test_running_a_function_is_not_emulated_and_leaves_the_rest_alone(clients: Clients) -> None:
    iam, functions = clients("iam"), clients("lambda")
    role = iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust({"Service": "lambda.amazonaws.com"}))
    functions.create_function(
        FunctionName="f", Runtime="nodejs22.x", Role=role["Role"]["Arn"], Handler="i.h", Code={"ZipFile": _zip()}
    )
    assert json.loads(json.dumps(functions.get_function(FunctionName="f")["Configuration"]["FunctionName"])) == "f"


def _zip() -> bytes:
    import zipfile

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("i.js", "exports.h = () => {}")
    return buffer.getvalue()
