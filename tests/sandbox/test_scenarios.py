"""Every canned account holds what its scenario says, lasts, starts over, and can be set up by the wizard."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.engine.support import failures, given, ids, plan_for
from tests.thorough import mostly_thorough
from wizard.apply.events import Finished
from wizard.engine import Engine, Options
from wizard.policy import documents
from wizard.remotion import names
from wizard.remotion.catalogue import PolicyKind, policy
from wizard.remotion.releases import parse_release
from wizard.sandbox import SCENARIOS, Sandbox, open_sandbox
from wizard.sandbox.accounts.denials import SSO_PERSON, SSO_ROLE
from wizard.sandbox.calls import keys
from wizard.sandbox.seed import secret_seed
from wizard.sandbox.shards import MANY
from wizard.sandbox.state import default_root

from .sandbox_support import Clients, allow, document, error_of, trust

ACCOUNT = "123456789012"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/developer-boundary"
NAMES = sorted(SCENARIOS)
IAM_HOME = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}


def of_release(kind: PolicyKind, release: str = "4.0.527") -> dict[str, Any]:
    parsed = parse_release(release)
    assert parsed is not None
    return policy(kind, parsed)


@pytest.fixture(scope="session")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state of `crowded`, to be copied: making it takes most of a second."""
    root = tmp_path_factory.mktemp("crowd")
    open_sandbox("crowded", state_root=root).close()
    return root / "crowded"


@pytest.fixture
def opened(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[[str], Sandbox]]:
    """Opens scenarios of one state, and closes them in the end."""
    made: list[Sandbox] = []

    def open_it(name: str) -> Sandbox:
        if name == "crowded" and not (tmp_path / name).exists():
            shutil.copytree(request.getfixturevalue("crowd"), tmp_path / name)
        made.append(open_sandbox(name, state_root=tmp_path))
        return made[-1]

    yield open_it
    for sandbox in made:
        sandbox.close()


def iam_of(sandbox: Sandbox) -> Any:
    return Clients(sandbox)("iam", IAM_HOME[SCENARIOS[sandbox.scenario].partition])


def pages(client: Any, operation: str, field: str, **parameters: Any) -> list[Any]:
    return [item for page in client.get_paginator(operation).paginate(**parameters) for item in page[field]]


def account(iam: Any, *, dates: bool = True) -> str:
    """The whole IAM state of the account as text."""
    state: dict[str, list[Any]] = {}
    wanted = ["User", "Group", "LocalManagedPolicy"]
    if iam.get_account_summary()["SummaryMap"]["Roles"] < MANY:  # more would take seconds
        wanted.append("Role")
    for page in iam.get_paginator("get_account_authorization_details").paginate(Filter=wanted):
        for kind in ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies"):
            state.setdefault(kind, []).extend(page[kind])
    state["keys"] = [
        (key["UserName"], key["AccessKeyId"], key["Status"])
        for user in state["UserDetailList"]
        for key in iam.list_access_keys(UserName=user["UserName"])["AccessKeyMetadata"]
    ]
    for user in state["UserDetailList"]:
        if not dates:
            user.pop("CreateDate")
        user.pop("PasswordLastUsed", None)
    for role in state["RoleDetailList"]:
        role.pop("RoleLastUsed", None)
    return json.dumps(state, default=str, sort_keys=True)


def names_of_roles(iam: Any) -> list[str]:
    """Of the first page of roles."""
    return [role["RoleName"] for role in iam.list_roles()["Roles"]]


def managed(iam: Any, arn: str) -> Any:
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    return iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]


def attached(iam: Any, **owner: str) -> list[str]:
    kind = "user" if "UserName" in owner else "role"
    return [each["PolicyArn"] for each in pages(iam, f"list_attached_{kind}_policies", "AttachedPolicies", **owner)]


def trusted(iam: Any, role: str) -> list[Any]:
    statements = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]["Statement"]
    return [statement["Principal"]["Service"] for statement in statements]


def users(iam: Any) -> list[str]:
    return [user["UserName"] for user in iam.list_users()["Users"]]


def key_of(iam: Any, user: str) -> str:
    (key,) = iam.list_access_keys(UserName=user)["AccessKeyMetadata"]
    assert key["Status"] == "Active"
    return str(key["AccessKeyId"])


# For all of them


@pytest.mark.parametrize("name", mostly_thorough(NAMES, {"fresh", "half"}))
def test_a_scenario_lasts_and_starts_over(name: str, opened: Callable[[str], Sandbox]) -> None:
    sandbox = opened(name)
    iam = iam_of(sandbox)
    first, roles = account(iam, dates=False), names_of_roles(iam)
    iam.create_group(GroupName="made-here")
    iam.create_policy(PolicyName="made-here", PolicyDocument=document([allow("s3:ListAllMyBuckets")]))
    changed, key = account(iam), sandbox.access_key_id
    sandbox.close()

    again = opened(name)
    assert again.warnings == []
    assert again.access_key_id == key
    iam = iam_of(again)
    assert account(iam) == changed
    assert names_of_roles(iam) == roles

    again.reset()
    assert account(iam, dates=False) == first
    assert names_of_roles(iam) == roles


@pytest.mark.parametrize("name", NAMES)
def test_a_scenario_is_told_in_a_sentence_and_lives_in_its_partition(
    name: str, opened: Callable[[str], Sandbox]
) -> None:
    scenario = SCENARIOS[name]
    assert scenario.summary.endswith(".") and len(scenario.summary) < 160
    sandbox = opened(name)
    assert sandbox.region == scenario.region
    caller = Clients(sandbox)("sts", sandbox.region).get_caller_identity()
    signed_in = f"sts::{ACCOUNT}:assumed-role/{SSO_ROLE}/{SSO_PERSON}"
    administrator = signed_in if name == "sso" else f"iam::{ACCOUNT}:user/sandbox-admin"
    assert caller["Arn"] == f"arn:{scenario.partition}:{administrator}"


def test_listing_the_scenarios_loads_little() -> None:
    code = (
        "import sys, wizard.sandbox\n"
        "print([m for m in ('moto', 'boto3', 'botocore', 'werkzeug', 'wizard.remotion', 'wizard.sandbox.accounts')"
        " if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# One by one


def test_outdated_is_a_set_up_of_4_0_31(opened: Callable[[str], Sandbox]) -> None:
    sandbox = opened("outdated")
    iam = iam_of(sandbox)
    assert users(iam) == ["sandbox-admin", names.USER]
    text = iam.get_user_policy(UserName=names.USER, PolicyName=names.USER_POLICY)["PolicyDocument"]
    assert text == of_release("user", "4.0.31")
    assert "s3:PutBucketOwnershipControls" in documents.actions_of(text)
    assert "s3:PutLifecycleConfiguration" not in documents.actions_of(text)
    arn = f"arn:aws:iam::{ACCOUNT}:policy/{names.ROLE_POLICY}"
    assert attached(iam, RoleName=names.RENDER_ROLE) == [arn]
    assert managed(iam, arn) == of_release("role", "4.0.31")
    assert trusted(iam, names.RENDER_ROLE) == [names.LAMBDA_SERVICE]
    for tagged in (iam.get_user(UserName=names.USER)["User"], iam.get_role(RoleName=names.RENDER_ROLE)["Role"]):
        assert not tagged.get("Tags")
        assert tagged["CreateDate"].year == 2023
    identifier = key_of(iam, names.USER)
    key = {"AccessKeyId": identifier, "SecretAccessKey": keys.derive_secret(secret_seed("outdated"), identifier)}
    assert Clients(sandbox)("sts", key=key).get_caller_identity()["Arn"].endswith(f":user/{names.USER}")
    with pytest.raises(ClientError, match="s3:PutLifecycleConfiguration"):
        Clients(sandbox)("s3", key=key).put_bucket_lifecycle_configuration(
            Bucket=made_bucket(sandbox), LifecycleConfiguration={"Rules": []}
        )


def made_bucket(sandbox: Sandbox) -> str:
    Clients(sandbox)("s3").create_bucket(Bucket="remotionlambda-useast1-abcdefghij")
    return "remotionlambda-useast1-abcdefghij"


def test_swapped_gives_each_what_was_meant_for_the_other(opened: Callable[[str], Sandbox]) -> None:
    iam = iam_of(opened("swapped"))
    inline = iam.get_user_policy(UserName=names.USER, PolicyName=names.USER_POLICY)["PolicyDocument"]
    assert inline == of_release("role")
    (arn,) = attached(iam, RoleName=names.RENDER_ROLE)
    assert arn.endswith(f":policy/{names.ROLE_POLICY}")
    assert managed(iam, arn) == of_release("user")
    assert trusted(iam, names.RENDER_ROLE) == [names.LAMBDA_SERVICE]
    key_of(iam, names.USER)


def test_half_has_neither_trust_nor_policies_nor_key(opened: Callable[[str], Sandbox]) -> None:
    sandbox = opened("half")
    iam = iam_of(sandbox)
    assert trusted(iam, names.RENDER_ROLE) == ["ec2.amazonaws.com"]
    assert attached(iam, RoleName=names.RENDER_ROLE) == attached(iam, UserName=names.USER) == []
    assert iam.list_role_policies(RoleName=names.RENDER_ROLE)["PolicyNames"] == []
    assert iam.list_user_policies(UserName=names.USER)["PolicyNames"] == []
    assert iam.list_access_keys(UserName=names.USER)["AccessKeyMetadata"] == []
    with pytest.raises(ClientError, match="cannot be assumed by Lambda"):
        Clients(sandbox)("lambda").create_function(
            FunctionName="remotion-render-1",
            Runtime="nodejs22.x",
            Role=f"arn:aws:iam::{ACCOUNT}:role/{names.RENDER_ROLE}",
            Handler="i.h",
            Code={"ZipFile": b"PK"},
        )


def test_hand_made_means_the_same_in_other_words(opened: Callable[[str], Sandbox]) -> None:
    iam = iam_of(opened("hand-made"))
    assert users(iam) == ["sandbox-admin", "video-bot"]
    (arn,) = attached(iam, UserName="video-bot")
    assert arn == f"arn:aws:iam::{ACCOUNT}:policy/VideoRenderPolicy"
    held, wanted = managed(iam, arn), of_release("user")
    assert documents.grants_all_of(held, wanted)
    foreign = documents.foreign_statements(held, [wanted])
    assert sorted(documents.actions_of({"Statement": foreign})) == [
        "sns:Publish",
        "sqs:DeleteMessage",
        "sqs:ReceiveMessage",
    ]
    assert len(documents.statements(held)) == len(documents.statements(wanted)) + 2 == len(foreign) + 9
    kinds = Counter(type(value).__name__ for s in held["Statement"] for value in (s["Action"], s["Resource"]))
    assert kinds["str"] > 5 and kinds["list"] > 3
    assert not {str(a) for a in documents.actions_of(wanted)} & {a for a in all_actions(held) if ":Put" in a}
    assert iam.list_role_policies(RoleName=names.RENDER_ROLE)["PolicyNames"] == ["render-permissions"]
    inline = iam.get_role_policy(RoleName=names.RENDER_ROLE, PolicyName="render-permissions")["PolicyDocument"]
    assert inline == of_release("role")
    assert attached(iam, RoleName=names.RENDER_ROLE) == []
    assert trusted(iam, names.RENDER_ROLE) == [names.LAMBDA_SERVICE]
    key_of(iam, "video-bot")


def all_actions(held: Any) -> list[str]:
    found: list[str] = []
    for statement in held["Statement"]:
        found += [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
    return found


def test_boundary_lets_nobody_be_made_without_it(opened: Callable[[str], Sandbox]) -> None:
    sandbox = opened("boundary")
    iam = iam_of(sandbox)
    by_lambda = trust({"Service": names.LAMBDA_SERVICE})
    other = iam.create_policy(PolicyName="other", PolicyDocument=document([allow("*")]))["Policy"]["Arn"]
    for more in ({}, {"PermissionsBoundary": other}):
        with pytest.raises(ClientError, match="explicit deny in a service control policy") as denied:
            iam.create_user(UserName="u", **more)
        assert error_of(denied.value)[0] == "AccessDenied"
        with pytest.raises(ClientError, match="explicit deny in a service control policy"):
            iam.create_role(RoleName="r", AssumeRolePolicyDocument=by_lambda, **more)
    iam.create_user(UserName="u", PermissionsBoundary=BOUNDARY)
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=by_lambda, PermissionsBoundary=BOUNDARY)
    changes: list[Callable[[], Any]] = [
        lambda: iam.put_user_permissions_boundary(UserName="u", PermissionsBoundary=other),
        lambda: iam.put_role_permissions_boundary(RoleName="r", PermissionsBoundary=other),
        lambda: iam.delete_user_permissions_boundary(UserName="u"),
        lambda: iam.delete_role_permissions_boundary(RoleName="r"),
    ]
    for change in changes:
        with pytest.raises(ClientError, match="explicit deny in a service control policy"):
            change()
    iam.put_user_permissions_boundary(UserName="u", PermissionsBoundary=BOUNDARY)
    assert iam.get_user(UserName="u")["User"]["PermissionsBoundary"]["PermissionsBoundaryArn"] == BOUNDARY
    # The boundary caps what a policy gives.
    iam.put_user_policy(UserName="u", PolicyName="all", PolicyDocument=document([allow("*")]))
    key = iam.create_access_key(UserName="u")["AccessKey"]
    assert Clients(sandbox)("lambda", key=key).list_functions()["Functions"] == []
    with pytest.raises(ClientError, match="no permissions boundary allows"):
        Clients(sandbox)("iam", key=key).list_users()


def test_a_policy_may_ask_for_the_boundary_of_whom_a_call_is_about(opened: Callable[[str], Sandbox]) -> None:
    sandbox = opened("boundary")
    clients = Clients(sandbox)
    iam = clients("iam")
    within = {"StringEquals": {"iam:PermissionsBoundary": BOUNDARY}}
    iam.create_user(UserName="someone", PermissionsBoundary=BOUNDARY)
    calls = ["iam:PutUserPolicy", "iam:AttachUserPolicy", "iam:DeleteUserPolicy", "iam:DetachUserPolicy"]
    wide = document([allow("iam:*")])
    widened = iam.create_policy(PolicyName="widened", PolicyDocument=wide)["Policy"]["Arn"]
    role = iam.create_role(
        RoleName="helper",
        AssumeRolePolicyDocument=trust({"AWS": f"arn:aws:iam::{ACCOUNT}:user/sandbox-admin"}),
        PermissionsBoundary=BOUNDARY,
    )["Role"]["Arn"]
    iam.put_role_policy(RoleName="helper", PolicyName="only", PolicyDocument=document([allow(calls, Condition=within)]))
    with sandbox.edit():
        from moto.iam.models import iam_backends

        iam_backends[ACCOUNT]["aws"].get_role("helper").permissions_boundary_arn = None
    session = clients("sts").assume_role(RoleArn=role, RoleSessionName="session")["Credentials"]
    helper = clients("iam", key=session)
    helper.put_user_policy(UserName="someone", PolicyName="p", PolicyDocument=wide)
    helper.attach_user_policy(UserName="someone", PolicyArn=widened)
    helper.detach_user_policy(UserName="someone", PolicyArn=widened)
    helper.delete_user_policy(UserName="someone", PolicyName="p")
    with pytest.raises(ClientError, match="no identity-based policy allows the iam:PutUserPolicy action"):
        helper.put_user_policy(UserName="sandbox-admin", PolicyName="p", PolicyDocument=wide)


@pytest.mark.parametrize("name", ["gov", "china"])
def test_keys_of_another_partition_are_unknown_elsewhere(name: str, opened: Callable[[str], Sandbox]) -> None:
    sandbox = opened(name)
    clients = Clients(sandbox)
    for region in {"us-east-1", "cn-north-1", "us-gov-west-1"} - {sandbox.region}:
        with pytest.raises(ClientError) as refused:
            clients("sts", region).get_caller_identity()
        assert error_of(refused.value)[0] == "InvalidClientTokenId"
    settings = clients("lambda", sandbox.region).get_account_settings()
    assert settings["AccountLimit"]["ConcurrentExecutions"] == 10
    partition = SCENARIOS[name].partition
    assert users(iam_of(sandbox)) == ["sandbox-admin"]
    with pytest.raises(ClientError, match='Partition "aws" is not valid'):
        iam_of(sandbox).create_policy(
            PolicyName="p", PolicyDocument=document([allow("s3:GetObject", "arn:aws:s3:::b/*")])
        )
    made = iam_of(sandbox).create_role(RoleName="r", AssumeRolePolicyDocument=trust({"Service": names.LAMBDA_SERVICE}))[
        "Role"
    ]["Arn"]
    assert made == f"arn:{partition}:iam::{ACCOUNT}:role/r"


# The crowd


def test_crowded_holds_a_company(opened: Callable[[str], Sandbox]) -> None:
    sandbox = opened("crowded")
    clients = Clients(sandbox)
    iam = clients("iam")
    roles = pages(iam, "list_roles", "Roles", PaginationConfig={"PageSize": 1000})
    assert len(roles) == len({role["RoleName"].lower() for role in roles}) == 5000
    assert len({role["Arn"] for role in roles}) == 5000
    summary = iam.get_account_summary()["SummaryMap"]
    assert summary["Roles"] == 5000 < summary["RolesQuota"]
    assert summary["Policies"] < summary["PoliciesQuota"]
    services: Counter[str] = Counter()
    for role in roles:
        principal = role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]
        services.update([str(principal.get("Service", next(iter(principal))))])
    for service in ("lambda", "ec2", "ecs-tasks", "states", "events"):
        assert services[f"{service}.amazonaws.com"] > 250, service
    assert services["AWS"] > 100 and services["Federated"] > 100
    beginnings = Counter(role["Path"].split("/")[1] for role in roles)
    assert beginnings["aws-service-role"] == 15
    assert beginnings["aws-reserved"] == 35
    assert len(beginnings) > 12
    assert all(role["Arn"].endswith(f":role{role['Path']}{role['RoleName']}") for role in roles)
    for protected in ("AWSServiceRoleForSupport", next(r["RoleName"] for r in roles if "AWSReservedSSO" in r["Arn"])):
        with pytest.raises(ClientError, match="only modifiable by AWS") as refused:
            iam.put_role_policy(RoleName=protected, PolicyName="p", PolicyDocument=document([allow("s3:*")]))
        assert error_of(refused.value)[0] == "UnmodifiableEntity"

    known = {role["Arn"] for role in roles}
    counts = {}
    for region in ("us-east-1", "eu-central-1", "us-west-2", "ap-southeast-1"):
        functions = pages(clients("lambda", region), "list_functions", "Functions")
        counts[region] = len(functions)
        assert {function["Role"] for function in functions} <= known
        assert len({function["FunctionArn"] for function in functions}) == len(functions)
    assert sum(counts.values()) == 1000 and counts["us-east-1"] == 700


@pytest.mark.thorough
def test_the_user_of_crowded_has_little_room_left(opened: Callable[[str], Sandbox]) -> None:
    iam = iam_of(opened("crowded"))
    policies = attached(iam, UserName=names.USER)
    assert len(policies) == 9
    assert not any("remotion" in arn for arn in policies)
    assert len(iam.list_groups_for_user(UserName=names.USER)["Groups"]) == 3
    key_of(iam, names.USER)
    (inline,) = iam.list_user_policies(UserName=names.USER)["PolicyNames"]
    foreign = iam.get_user_policy(UserName=names.USER, PolicyName=inline)["PolicyDocument"]
    assert documents.size(foreign) + documents.size(of_release("user")) > 2048
    with pytest.raises(ClientError, match="Maximum policy size"):
        iam.put_user_policy(
            UserName=names.USER, PolicyName=names.USER_POLICY, PolicyDocument=json.dumps(of_release("user"))
        )
    arn = f"arn:aws:iam::{ACCOUNT}:policy/{names.ROLE_POLICY}"
    versions = iam.list_policy_versions(PolicyArn=arn)["Versions"]
    assert [(v["VersionId"], v["IsDefaultVersion"]) for v in versions] == [
        ("v1", False),
        ("v2", False),
        ("v3", False),
        ("v4", True),
    ]
    assert managed(iam, arn) == of_release("role", "4.0.31")
    holders = iam.list_entities_for_policy(PolicyArn=arn)["PolicyRoles"]
    assert sorted(role["RoleName"] for role in holders) == [names.RENDER_ROLE, "render-worker-role"]
    page = iam.list_entities_for_policy(PolicyArn=policies[0], MaxItems=20)
    assert [user["UserName"] for user in page["PolicyUsers"]] == [names.USER]
    assert len(page["PolicyRoles"]) == 19 and page["IsTruncated"]
    found = pages(iam, "list_entities_for_policy", "PolicyRoles", PolicyArn=policies[0], EntityFilter="Role")
    assert len(found) == iam.get_policy(PolicyArn=policies[0])["Policy"]["AttachmentCount"] - 1 > 19
    boundary = {"PolicyArn": arn, "PolicyUsageFilter": "PermissionsBoundary"}
    assert iam.list_entities_for_policy(**boundary)["PolicyUsers"] == []
    iam.put_user_permissions_boundary(UserName=names.USER, PermissionsBoundary=arn)
    assert len(iam.list_entities_for_policy(**boundary)["PolicyUsers"]) == 1
    assert iam.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] == 2


def test_roles_come_in_pages_as_from_aws(opened: Callable[[str], Sandbox]) -> None:
    iam = iam_of(opened("crowded"))
    first = iam.list_roles()
    assert len(first["Roles"]) == 100 and first["IsTruncated"]
    second = iam.list_roles(Marker=first["Marker"], MaxItems=7)
    assert len(second["Roles"]) == 7
    assert not {r["RoleId"] for r in first["Roles"]} & {r["RoleId"] for r in second["Roles"]}
    reserved = iam.list_roles(PathPrefix="/aws-reserved/sso.amazonaws.com/")
    assert len(reserved["Roles"]) == 35 and not reserved["IsTruncated"]
    for wrong, message in (({"MaxItems": 1001}, "less than or equal to 1000"), ({"Marker": "?"}, "Invalid Marker")):
        with pytest.raises(ClientError, match=message) as refused:
            iam.list_roles(**wrong)
        assert error_of(refused.value)[0] == "ValidationError"


def test_functions_come_in_pages_as_from_aws(opened: Callable[[str], Sandbox]) -> None:
    sandbox = opened("crowded")
    functions = Clients(sandbox)("lambda")
    first = functions.list_functions()
    assert len(first["Functions"]) == 50
    more = functions.list_functions(MaxItems=10_000, Marker=first["NextMarker"])
    assert len(more["Functions"]) == 50
    few = functions.list_functions(MaxItems=3, Marker=more["NextMarker"])
    found = [f["FunctionName"] for page in (first, more, few) for f in page["Functions"]]
    assert len(found) == len(set(found)) == 103
    last = functions.list_functions(Marker=few["NextMarker"], FunctionVersion="ALL")
    assert last["Functions"][0]["FunctionName"] > found[-1]
    assert "NextMarker" not in Clients(sandbox)("lambda", "ap-southeast-1").list_functions()
    assert Clients(sandbox)("lambda", "eu-west-1").list_functions()["Functions"] == []
    for wrong in ({"Marker": "?"}, {"MaxItems": 10_001}):
        with pytest.raises(ClientError) as refused:
            functions.list_functions(**wrong)
        assert error_of(refused.value)[0] == "InvalidParameterValueException"


@pytest.mark.thorough
def test_changes_in_the_crowd_last(opened: Callable[[str], Sandbox]) -> None:
    sandbox = opened("crowded")
    iam = iam_of(sandbox)
    roles = [role["RoleName"] for role in iam.list_roles(PathPrefix="/video/", MaxItems=4)["Roles"]]
    changed, deleted, profiled, linked = roles[0], roles[1], roles[2], "AWSServiceRoleForSupport"
    policy = f"arn:aws:iam::{ACCOUNT}:policy/{names.ROLE_POLICY}"
    assert len(roles) > 3
    iam.put_role_policy(RoleName=changed, PolicyName="p", PolicyDocument=document([allow("s3:*")]))
    iam.tag_role(RoleName=changed, Tags=[{"Key": "a", "Value": "b"}])
    iam.attach_role_policy(RoleName=changed, PolicyArn=policy)
    iam.put_role_permissions_boundary(RoleName=changed, PermissionsBoundary=policy)
    iam.update_role(RoleName=changed, Description="new", MaxSessionDuration=7200)
    for arn in attached(iam, RoleName=deleted):
        iam.detach_role_policy(RoleName=deleted, PolicyArn=arn)
    iam.delete_role(RoleName=deleted)
    iam.delete_service_linked_role(RoleName=linked)
    iam.create_role(RoleName="added", AssumeRolePolicyDocument=trust({"Service": names.LAMBDA_SERVICE}))
    iam.create_instance_profile(InstanceProfileName="profile")
    iam.add_role_to_instance_profile(InstanceProfileName="profile", RoleName=profiled)

    def look(client: Any) -> str:
        state = [
            client.get_role(RoleName=changed)["Role"],
            client.get_role_policy(RoleName=changed, PolicyName="p")["PolicyDocument"],
            attached(client, RoleName=changed),
            client.get_role(RoleName="added")["Role"],
            client.get_instance_profile(InstanceProfileName="profile")["InstanceProfile"],
            client.get_account_summary()["SummaryMap"]["Roles"],
            client.get_policy(PolicyArn=policy)["Policy"]["AttachmentCount"],
            names_of_roles(client),
        ]
        for gone in (deleted, linked):
            with pytest.raises(ClientError, match="cannot be found"):
                client.get_role(RoleName=gone)
        return json.dumps(state, default=str)

    before = look(iam)
    sandbox.close()
    again = opened("crowded")
    assert again.warnings == []
    iam = iam_of(again)
    assert look(iam) == before
    # What the instance profile refers to is the role itself.
    iam.update_role(RoleName=profiled, Description="changed later")
    (role,) = iam.get_instance_profile(InstanceProfileName="profile")["InstanceProfile"]["Roles"]
    assert iam.get_role(RoleName=profiled)["Role"]["Description"] == "changed later"
    assert role["RoleId"] == iam.get_role(RoleName=profiled)["Role"]["RoleId"]


@pytest.mark.thorough
def test_what_others_do_to_the_crowd_lasts_too(opened: Callable[[str], Sandbox]) -> None:
    from moto.iam.models import iam_backends

    sandbox = opened("crowded")
    with sandbox.edit():
        backend = iam_backends[ACCOUNT]["aws"]
        backend.get_role("render-worker-role").description = "by hand"
        vars(backend.get_role(names.RENDER_ROLE))["sandbox_mark"] = "more than a role has"
    sandbox.close()
    again = opened("crowded")
    assert iam_of(again).get_role(RoleName="render-worker-role")["Role"]["Description"] == "by hand"
    with again.edit():
        assert vars(iam_backends[ACCOUNT]["aws"].get_role(names.RENDER_ROLE))["sandbox_mark"] == "more than a role has"


@pytest.mark.thorough
def test_a_damaged_part_of_the_crowd_is_noticed(opened: Callable[[str], Sandbox], tmp_path: Path) -> None:
    opened("crowded").close()
    parts = sorted((tmp_path / "crowded" / "blobs").iterdir(), key=lambda path: path.stat().st_size)
    assert len(parts) > 30
    parts[0].unlink()
    again = opened("crowded")
    assert iam_of(again).get_account_summary()["SummaryMap"]["Roles"] == 5000
    assert "a part of it is missing" in again.warnings[0]


def test_a_write_in_the_crowd_is_quick(opened: Callable[[str], Sandbox], tmp_path: Path) -> None:
    sandbox = opened("crowded")
    clients = Clients(sandbox)
    iam, s3 = clients("iam"), clients("s3")
    s3.create_bucket(Bucket="remotionlambda-useast1-abcdefghij")
    by_lambda = trust({"Service": names.LAMBDA_SERVICE})
    iam.list_account_aliases()
    blobs = tmp_path / "crowded" / "blobs"
    writes: dict[str, Callable[[int], Any]] = {
        "object": lambda n: s3.put_object(Bucket="remotionlambda-useast1-abcdefghij", Key=str(n), Body=b"x"),
        "user": lambda n: iam.create_user(UserName=f"user-{n}"),
        "role": lambda n: iam.create_role(RoleName=f"role-{n}", AssumeRolePolicyDocument=by_lambda),
        "policy": lambda n: iam.put_role_policy(
            RoleName=f"role-{n}", PolicyName="p", PolicyDocument=document([allow("s3:*")])
        ),
    }
    for what, write in writes.items():
        spent = []
        for number in range(5):
            before = {path.name for path in blobs.iterdir()}
            start = time.process_time()
            write(number)
            spent.append(time.process_time() - start)
            new = {path.name for path in blobs.iterdir()} - before
            assert len(new) == (1 if what in {"role", "policy"} else 0), what
        assert min(spent) < 0.06, what


# Set up by the wizard


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("name", "answers", "before"),
    [
        ("outdated", {}, {"outdated-policy"}),
        ("swapped", {}, {"swapped-policies"}),
        ("half", {}, {"trust", "missing-statement"}),
        ("hand-made", {"principal__name": "video-bot"}, set()),
        ("crowded", {"principal__attach": "managed"}, {"missing-statement", "outdated-policy"}),
        ("boundary", {"principal__permissions_boundary": BOUNDARY}, {"missing-principal"}),
        ("china", {"remotion__regions": ["cn-north-1"]}, {"missing-principal"}),
        pytest.param(
            "gov",
            {"remotion__regions": ["us-gov-west-1"]},
            {"missing-principal"},
        ),
    ],
)
def test_the_wizard_sets_it_up(
    name: str, answers: dict[str, Any], before: set[str], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if name == "crowded":
        shutil.copytree(request.getfixturevalue("crowd"), default_root() / name)
    (tmp_path / "project").mkdir()
    engine = Engine(Options(sandbox=name, folder=tmp_path / "project"))
    wanted = given(**answers)
    identity = engine.connect()
    assert identity.partition == SCENARIOS[name].partition and identity.region == SCENARIOS[name].region
    report = engine.check(wanted)
    assert {finding.cause for finding in report.findings if finding.status.name == "FAIL"} == before
    plan = plan_for(engine, wanted)
    assert not plan.problems
    events = list(engine.apply(plan))
    assert not failures(events)
    assert isinstance(events[-1], Finished) and events[-1].ok
    assert engine.check(wanted).ok
    assert ids(plan_for(engine, wanted)) == []


def test_the_wizard_says_that_crowded_has_no_room_for_an_inline_policy(tmp_path: Path, crowd: Path) -> None:
    shutil.copytree(crowd, default_root() / "crowded")
    engine = Engine(Options(sandbox="crowded", folder=tmp_path))
    engine.connect()
    (problem,) = plan_for(engine).problems
    assert "does not fit" in problem.title
