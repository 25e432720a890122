"""Installing: once, against the moto it was written for, and in moto's server as well as in this process."""

from __future__ import annotations

import importlib
import inspect
import json
import re
from collections.abc import Iterator

import moto
import pytest
from moto.awslambda.responses import LambdaResponse
from moto.iam.models import IAMBackend
from moto.iam.responses import IamResponse

from wizard.policy.evaluate import Policy
from wizard.sandbox import calls, principals
from wizard.sandbox.calls import account, seams

from .calls_support import ACCOUNT, Aws, policy, refusal, sandbox_account, statement


@pytest.fixture
def aws() -> Iterator[Aws]:
    with sandbox_account() as sandbox:
        yield sandbox


def test_this_is_the_moto_that_was_patched() -> None:
    assert re.match(r"5\.2\.", moto.__version__), (
        "read calls/seams.py, then run the tests of calls against the new moto"
    )


def test_every_seam_is_where_it_was() -> None:
    assert len(seams.TAKEN) > 50
    for (owner, name), parameters in seams.TAKEN.items():
        module, _, class_name = owner.rpartition(".")
        found = vars(getattr(importlib.import_module(module), class_name))[name]
        assert tuple(inspect.signature(found).parameters)[1:][: len(parameters)] == parameters, f"{owner}.{name}"


def test_a_seam_that_moved_fails_loudly() -> None:
    with pytest.raises(seams.SeamMovedError, match="make_user is gone"):
        seams.take(IAMBackend, "make_user")
    with pytest.raises(seams.SeamMovedError, match="moto has changed"):
        seams.take(IAMBackend, "create_user", "name")


def test_installing_again_changes_nothing() -> None:
    before = dict(vars(IAMBackend)), dict(vars(IamResponse)), dict(vars(LambdaResponse))
    calls.install()
    assert before == (dict(vars(IAMBackend)), dict(vars(IamResponse)), dict(vars(LambdaResponse)))


def test_regions_are_enabled_or_not(aws: Aws) -> None:
    client = aws.client("account")
    assert client.get_region_opt_status(RegionName="us-east-1")["RegionOptStatus"] == "ENABLED_BY_DEFAULT"
    assert client.get_region_opt_status(RegionName="eu-south-1")["RegionOptStatus"] == "ENABLED"
    account.set_status(ACCOUNT, "eu-south-1", "DISABLED")
    account.set_status(ACCOUNT, "af-south-1", "DISABLED")
    assert client.get_region_opt_status(RegionName="eu-south-1")["RegionOptStatus"] == "DISABLED"
    assert account.switched_off(ACCOUNT, "eu-south-1") and not account.switched_off(ACCOUNT, "ap-east-1")
    client.enable_region(RegionName="af-south-1")
    off = client.list_regions(RegionOptStatusContains=["DISABLED"])["Regions"]
    assert [region["RegionName"] for region in off] == ["eu-south-1"]
    assert not account.switched_off(ACCOUNT, "af-south-1")
    default = client.list_regions(RegionOptStatusContains=["ENABLED_BY_DEFAULT"])["Regions"]
    assert len(default) == 17
    pages = client.get_paginator("list_regions").paginate(PaginationConfig={"PageSize": 10})
    assert sum(len(page["Regions"]) for page in pages) == 34
    assert refusal(client.get_region_opt_status, RegionName="nowhere-1")[:2] == ("ValidationException", 400)
    assert refusal(client.disable_region, RegionName="us-east-1")[0] == "ValidationException"


def test_a_region_takes_only_statuses_that_aws_has(aws: Aws) -> None:
    with pytest.raises(ValueError, match="ON"):
        account.set_status(ACCOUNT, "eu-south-1", "ON")


class TestPrincipals:
    """`principals.policies_for` collects what applies."""

    def test_a_user_has_its_own_and_its_groups_policies(self, aws: Aws) -> None:
        arn = aws.user(own=policy(statement("Allow", "s3:*")))
        iam = aws.client("iam")
        iam.create_group(GroupName="team", Path="/teams/")
        iam.add_user_to_group(GroupName="team", UserName="someone")
        iam.attach_group_policy(GroupName="team", PolicyArn="arn:aws:iam::aws:policy/PowerUserAccess")
        found = principals.policies_for(arn, ACCOUNT)
        group = f"arn:aws:iam::{ACCOUNT}:group/teams/team"
        assert [(each.name, each.attached_to, each.inline) for each in found.identity] == [
            ("own", arn, True),
            ("arn:aws:iam::aws:policy/PowerUserAccess", group, False),
        ]
        assert (found.boundary, found.scps) == (None, None)
        (from_group,) = principals.policies_for(group, ACCOUNT).identity
        assert from_group.name == "arn:aws:iam::aws:policy/PowerUserAccess"

    def test_the_default_version_of_a_managed_policy_counts(self, aws: Aws) -> None:
        arn = aws.user()
        iam = aws.client("iam")
        first, second = (json.dumps(policy(statement("Allow", action))) for action in ("s3:GetObject", "s3:PutObject"))
        managed = iam.create_policy(PolicyName="p", PolicyDocument=first)["Policy"]["Arn"]
        iam.attach_user_policy(UserName="someone", PolicyArn=managed)
        iam.create_policy_version(PolicyArn=managed, PolicyDocument=second, SetAsDefault=True)
        (found,) = principals.policies_for(arn, ACCOUNT).identity
        assert found.document == json.loads(second)
        iam.set_default_policy_version(PolicyArn=managed, VersionId="v1")
        (found,) = principals.policies_for(arn, ACCOUNT).identity
        assert found.document == json.loads(first)

    def test_a_session_finds_its_role_without_the_path_and_its_session_policy(self, aws: Aws) -> None:
        role = aws.role("r", Path="/service/")
        aws.client("iam").put_role_policy(
            RoleName="r", PolicyName="own", PolicyDocument=json.dumps(policy(statement("Allow", "s3:*")))
        )
        session_policy = policy(statement("Allow", "s3:GetObject"))
        session = aws.client("sts").assume_role(RoleArn=role, RoleSessionName="here", Policy=json.dumps(session_policy))
        arn = session["AssumedRoleUser"]["Arn"]
        key = session["Credentials"]["AccessKeyId"]
        assert principals.policies_for(arn, ACCOUNT).session is None
        found = principals.policies_for(arn, ACCOUNT, access_key_id=key)
        assert found.session is not None
        assert found.session[0].document == session_policy
        assert found.identity == principals.policies_for(role, ACCOUNT).identity

    def test_service_control_policies_apply_to_root_and_not_to_linked_roles(self, aws: Aws) -> None:
        linked = aws.client("iam").create_service_linked_role(AWSServiceName="servicequotas.amazonaws.com")["Role"][
            "Arn"
        ]
        principals.set_service_control_policies(ACCOUNT, [[principals.FULL_AWS_ACCESS], []])
        root = principals.policies_for(f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT)
        assert root.scps == ((Policy("scp-0-0", principals.FULL_AWS_ACCESS),), ())
        assert principals.policies_for(linked, ACCOUNT).scps is None
        assert principals.service_control_policies(ACCOUNT) == root.scps

    @pytest.mark.parametrize(
        "arn",
        [
            f"arn:aws:iam::{ACCOUNT}:user/nobody",
            f"arn:aws:iam::{ACCOUNT}:role/nobody",
            f"arn:aws:iam::{ACCOUNT}:group/nobody",
            f"arn:aws:sts::{ACCOUNT}:assumed-role/nobody/here",
            f"arn:aws:iam::{ACCOUNT}:assumed-role/nobody/here",
            "arn:aws:iam::999999999999:user/admin",
            f"arn:aws:iam::{ACCOUNT}:policy/p",
            "admin",
        ],
    )
    def test_who_is_unknown_is_a_key_error(self, aws: Aws, arn: str) -> None:
        with pytest.raises(KeyError):
            principals.policies_for(arn, ACCOUNT)


def test_the_calls_work_over_motos_server() -> None:
    import boto3
    from botocore.config import Config
    from moto.iam.models import iam_backends
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        backend = iam_backends[ACCOUNT]["aws"]
        backend.create_user("us-east-1", "server-admin")
        key = backend.create_access_key("server-admin")

        def client(service: str) -> object:
            return boto3.client(
                service,  # type: ignore[call-overload]
                endpoint_url=f"http://{host}:{port}",
                region_name="us-east-1",
                aws_access_key_id=key.access_key_id,
                aws_secret_access_key=key.secret_access_key,
                config=Config(retries={"total_max_attempts": 1}),
            )

        arn = f"arn:aws:iam::{ACCOUNT}:user/server-admin"
        assert client("sts").get_caller_identity()["Arn"] == arn  # type: ignore[attr-defined]
        simulated = client("iam").simulate_principal_policy(  # type: ignore[attr-defined]
            PolicySourceArn=arn, ActionNames=["s3:GetObject"], ResourceArns=["arn:aws:s3:::b/k"]
        )
        assert simulated["EvaluationResults"][0]["EvalDecision"] == "implicitDeny"
        settings = client("lambda").get_account_settings()  # type: ignore[attr-defined]
        assert settings["AccountLimit"]["ConcurrentExecutions"] == 1000
        assert client("account").list_regions()["Regions"]  # type: ignore[attr-defined]
        quota = {"ServiceCode": "lambda", "QuotaCode": "L-B99A9384"}
        assert client("service-quotas").get_service_quota(**quota)["Quota"]["Value"] == 1000  # type: ignore[attr-defined]
        assert refusal(client("iam").create_user, UserName="a b")[0] == "ValidationError"  # type: ignore[attr-defined]
    finally:
        server.stop()
        iam_backends[ACCOUNT].reset()
