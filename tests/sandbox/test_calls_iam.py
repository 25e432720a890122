"""IAM refuses what AWS's refuses, with the same code, status and words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from .calls_support import ACCOUNT, LAMBDA_TRUST, Aws, policy, refusal, sandbox_account, statement

SMALL = json.dumps(policy(statement("Allow", "s3:ListAllMyBuckets")))


@pytest.fixture
def aws() -> Iterator[Aws]:
    with sandbox_account() as account:
        yield account


@pytest.fixture
def iam(aws: Aws) -> Any:
    return aws.client("iam")


def document_of_size(size: int) -> str:
    """A policy whose characters without whitespace are `size`."""
    empty = json.dumps(policy(statement("Allow", "s3:GetObject", "arn:aws:s3:::")), separators=(",", ":"))
    text = json.dumps(policy(statement("Allow", "s3:GetObject", "arn:aws:s3:::" + "x" * (size - len(empty)))), indent=4)
    assert len("".join(text.split())) == size
    return text


@pytest.mark.parametrize(("kind", "limit"), [("user", 2048), ("group", 5120), ("role", 10240)])
def test_inline_policies_are_limited_in_sum_without_whitespace(iam: Any, kind: str, limit: int) -> None:
    name = {f"{kind.capitalize()}Name": "someone"}
    trust = {"AssumeRolePolicyDocument": json.dumps(LAMBDA_TRUST)} if kind == "role" else {}
    getattr(iam, f"create_{kind}")(**name, **trust)
    put = getattr(iam, f"put_{kind}_policy")
    put(**name, PolicyName="a", PolicyDocument=document_of_size(limit))
    message = f"Maximum policy size of {limit} bytes exceeded for {kind} someone"
    assert refusal(put, **name, PolicyName="b", PolicyDocument=SMALL) == ("LimitExceeded", 409, message)
    put(**name, PolicyName="a", PolicyDocument=SMALL)
    put(**name, PolicyName="b", PolicyDocument=SMALL)


def test_a_managed_policy_and_its_versions_are_limited(iam: Any) -> None:
    too_large = document_of_size(6145)
    expected = ("LimitExceeded", 409, "Cannot exceed quota for PolicySize: 6144")
    assert refusal(iam.create_policy, PolicyName="p", PolicyDocument=too_large) == expected
    arn = iam.create_policy(PolicyName="p", PolicyDocument=document_of_size(6144))["Policy"]["Arn"]
    assert refusal(iam.create_policy_version, PolicyArn=arn, PolicyDocument=too_large) == expected


def test_a_trust_policy_is_limited(iam: Any) -> None:
    services = [f"s{number:04}.amazonaws.com" for number in range(100)]
    trust = json.dumps(policy({"Effect": "Allow", "Principal": {"Service": services}, "Action": "sts:AssumeRole"}))
    assert refusal(iam.create_role, RoleName="r", AssumeRolePolicyDocument=trust) == (
        "LimitExceeded",
        409,
        "Cannot exceed quota for ACLSizePerRole: 2048",
    )


@pytest.mark.parametrize("kind", ["user", "group", "role"])
def test_ten_policies_can_be_attached_and_attaching_twice_counts_once(aws: Aws, iam: Any, kind: str) -> None:
    name = {f"{kind.capitalize()}Name": "someone"}
    trust = {"AssumeRolePolicyDocument": json.dumps(LAMBDA_TRUST)} if kind == "role" else {}
    getattr(iam, f"create_{kind}")(**name, **trust)
    attach = getattr(iam, f"attach_{kind}_policy")
    arns = [iam.create_policy(PolicyName=f"p{n}", PolicyDocument=SMALL)["Policy"]["Arn"] for n in range(11)]
    for arn in arns[:10]:
        attach(**name, PolicyArn=arn)
    attach(**name, PolicyArn=arns[0])
    message = f"Cannot exceed quota for PoliciesPer{kind.capitalize()}: 10"
    assert refusal(attach, **name, PolicyArn=arns[10]) == ("LimitExceeded", 409, message)
    assert iam.get_policy(PolicyArn=arns[0])["Policy"]["AttachmentCount"] == 1


@pytest.mark.parametrize(
    ("operation", "field", "most", "more"),
    [
        ("create_user", "userName", 64, {}),
        ("create_group", "groupName", 128, {}),
        ("create_role", "roleName", 64, {"AssumeRolePolicyDocument": json.dumps(LAMBDA_TRUST)}),
        ("create_policy", "policyName", 128, {"PolicyDocument": SMALL}),
    ],
)
def test_names_have_a_syntax_and_a_length(
    iam: Any, operation: str, field: str, most: int, more: dict[str, str]
) -> None:
    create = getattr(iam, operation)
    parameter = field[0].upper() + field[1:]
    assert refusal(create, **{parameter: "a b"}, **more) == (
        "ValidationError",
        400,
        f"The specified value for {field} is invalid. It must contain only alphanumeric characters and/or the "
        "following: +=,.@_-",
    )
    long = "x" * (most + 1)
    assert refusal(create, **{parameter: long}, **more) == (
        "ValidationError",
        400,
        f"1 validation error detected: Value '{long}' at '{field}' failed to satisfy constraint: "
        f"Member must have length less than or equal to {most}",
    )
    create(**{parameter: "x" * most}, **more)


def test_inline_policy_names_and_paths_have_a_syntax(iam: Any) -> None:
    iam.create_user(UserName="u")
    code, status, message = refusal(iam.put_user_policy, UserName="u", PolicyName="ä", PolicyDocument=SMALL)
    assert (code, status) == ("ValidationError", 400)
    assert message.startswith("The specified value for policyName is invalid.")
    for create, more in (
        (iam.create_user, {"UserName": "v"}),
        (iam.create_policy, {"PolicyName": "p", "PolicyDocument": SMALL}),
    ):
        code, _, message = refusal(create, Path="team", **more)
        assert (code, message[:37]) == ("ValidationError", "The specified value for path is inval")
    assert iam.create_user(UserName="v", Path="/team/")["User"]["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/team/v"


def test_names_are_unique_whatever_their_case(iam: Any) -> None:
    iam.create_user(UserName="remotion-user")
    assert refusal(iam.create_user, UserName="Remotion-User") == (
        "EntityAlreadyExists",
        409,
        "User with name Remotion-User already exists.",
    )
    trust = json.dumps(LAMBDA_TRUST)
    iam.create_role(RoleName="remotion-lambda-role", AssumeRolePolicyDocument=trust)
    assert refusal(iam.create_role, RoleName="Remotion-Lambda-Role", AssumeRolePolicyDocument=trust) == (
        "EntityAlreadyExists",
        409,
        "Role with name Remotion-Lambda-Role already exists.",
    )
    iam.create_policy(PolicyName="p", PolicyDocument=SMALL)
    assert refusal(iam.create_policy, PolicyName="P", PolicyDocument=SMALL)[0] == "EntityAlreadyExists"
    iam.create_group(GroupName="g")
    assert refusal(iam.create_group, GroupName="G")[:2] == ("EntityAlreadyExists", 409)


def trust_with(**element: Any) -> str:
    first = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"} | element
    return json.dumps(policy({key: value for key, value in first.items() if value is not None}))


@pytest.mark.parametrize(
    ("trust", "message"),
    [
        ("{", "This policy contains invalid Json"),
        ("{}", "Syntax errors in policy."),
        (trust_with(Principal=None), "Missing required field Principal"),
        (trust_with(Resource="*"), "Has prohibited field Resource"),
        (trust_with(Action="s3:GetObject"), "AssumeRole policy may only specify STS AssumeRole actions."),
        (trust_with(Principal={"Service": "lambda"}), 'Invalid principal in policy: "SERVICE":"lambda"'),
        (
            trust_with(Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:user/nobody"}),
            f'Invalid principal in policy: "AWS":"arn:aws:iam::{ACCOUNT}:user/nobody"',
        ),
    ],
)
def test_trust_policies_are_validated(iam: Any, trust: str, message: str) -> None:
    expected = ("MalformedPolicyDocument", 400, message)
    assert refusal(iam.create_role, RoleName="r", AssumeRolePolicyDocument=trust) == expected
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust_with())
    assert refusal(iam.update_assume_role_policy, RoleName="r", PolicyDocument=trust) == expected


def test_trust_policies_may_name_what_exists(iam: Any) -> None:
    iam.create_user(UserName="u")
    for principal in (
        {"AWS": f"arn:aws:iam::{ACCOUNT}:user/u"},
        {"AWS": [f"arn:aws:iam::{ACCOUNT}:root", "999999999999"]},
        "*",
    ):
        iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust_with(Principal=principal))
        iam.delete_role(RoleName="r")
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust_with(Action=["sts:AssumeRole", "sts:TagSession"]))


def test_policies_and_descriptions_take_latin_characters_only(iam: Any) -> None:
    dash = json.dumps(policy(statement("Allow", "s3:GetObject", Sid="a")), ensure_ascii=False).replace(
        '"a"', '"a\u2014"'
    )
    code, status, message = refusal(iam.create_policy, PolicyName="p", PolicyDocument=dash)
    assert (code, status) == ("ValidationError", 400)
    assert "policyDocument" in message
    for create, more in (
        (iam.create_policy, {"PolicyName": "p", "PolicyDocument": SMALL}),
        (iam.create_role, {"RoleName": "r", "AssumeRolePolicyDocument": json.dumps(LAMBDA_TRUST)}),
    ):
        code, status, message = refusal(create, Description="a \u2014 b", **more)
        assert (code, status) == ("ValidationError", 400)
        assert "at 'description' failed to satisfy constraint" in message
        create(Description="Zürich", **more)


def test_policies_name_resources_of_their_own_partition(iam: Any) -> None:
    chinese = json.dumps(policy(statement("Allow", "s3:GetObject", "arn:aws-cn:s3:::b/*")))
    assert refusal(iam.create_policy, PolicyName="p", PolicyDocument=chinese) == (
        "MalformedPolicyDocument",
        400,
        'Partition "aws-cn" is not valid for resource "arn:aws-cn:s3:::b/*".',
    )


def test_a_policy_in_use_is_not_deleted(aws: Aws, iam: Any) -> None:
    aws.user()
    arn = iam.create_policy(PolicyName="p", PolicyDocument=SMALL)["Policy"]["Arn"]
    iam.attach_user_policy(UserName="someone", PolicyArn=arn)
    attached = ("DeleteConflict", 409, "Cannot delete a policy attached to entities.")
    assert refusal(iam.delete_policy, PolicyArn=arn) == attached
    iam.detach_user_policy(UserName="someone", PolicyArn=arn)
    iam.put_user_permissions_boundary(UserName="someone", PermissionsBoundary=arn)
    assert refusal(iam.delete_policy, PolicyArn=arn) == attached
    iam.delete_user_permissions_boundary(UserName="someone")
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=SMALL, SetAsDefault=True)
    code, status, message = refusal(iam.delete_policy, PolicyArn=arn)
    assert (code, status) == ("DeleteConflict", 409)
    assert message.startswith("This policy has more than one version.")
    iam.delete_policy_version(PolicyArn=arn, VersionId="v1")
    iam.delete_policy(PolicyArn=arn)
    assert refusal(iam.get_policy, PolicyArn=arn) == ("NoSuchEntity", 404, f"Policy {arn} was not found.")


def test_a_user_with_keys_or_groups_is_not_deleted(aws: Aws, iam: Any) -> None:
    aws.user()
    key = iam.create_access_key(UserName="someone")["AccessKey"]
    conflict = ("DeleteConflict", 409, "Cannot delete entity, must delete access keys first.")
    assert refusal(iam.delete_user, UserName="someone") == conflict
    iam.delete_access_key(UserName="someone", AccessKeyId=key["AccessKeyId"])
    iam.create_group(GroupName="g")
    iam.add_user_to_group(GroupName="g", UserName="someone")
    assert refusal(iam.delete_user, UserName="someone")[0] == "DeleteConflict"
    assert refusal(iam.delete_group, GroupName="g")[0] == "DeleteConflict"
    iam.remove_user_from_group(GroupName="g", UserName="someone")
    iam.delete_user(UserName="someone")
    iam.delete_group(GroupName="g")


@pytest.mark.parametrize("arn", ["arn:aws-cn:iam::aws:policy/AdministratorAccess", "remotion-lambda-policy-name"])
def test_attaching_wants_an_arn_of_this_partition(aws: Aws, iam: Any, arn: str) -> None:
    aws.user()
    expected = ("InvalidInput", 400, f"ARN {arn} is not valid.")
    assert refusal(iam.attach_user_policy, UserName="someone", PolicyArn=arn) == expected
    gone = f"arn:aws:iam::{ACCOUNT}:policy/gone"
    assert refusal(iam.attach_user_policy, UserName="someone", PolicyArn=gone) == (
        "NoSuchEntity",
        404,
        f"Policy {gone} does not exist or is not attachable.",
    )


def test_fifty_tags_at_most(aws: Aws, iam: Any) -> None:
    aws.user()
    tags = [{"Key": f"k{number}", "Value": "v"} for number in range(51)]
    assert refusal(iam.create_user, UserName="u", Tags=tags)[0] == "ValidationError"
    iam.tag_user(UserName="someone", Tags=tags[:50])
    iam.tag_user(UserName="someone", Tags=tags[:1])
    assert refusal(iam.tag_user, UserName="someone", Tags=tags[50:])[:2] == ("LimitExceeded", 409)


def test_the_linked_role_of_service_quotas_has_its_name_and_is_awss_alone(iam: Any) -> None:
    create = {"AWSServiceName": "servicequotas.amazonaws.com"}
    role = iam.create_service_linked_role(**create)["Role"]
    assert role["Arn"] == (
        f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/servicequotas.amazonaws.com/AWSServiceRoleForServiceQuotas"
    )
    assert refusal(iam.create_service_linked_role, **create) == (
        "InvalidInput",
        400,
        "Service role name AWSServiceRoleForServiceQuotas has been taken in this account, please try a different "
        "suffix.",
    )
    assert refusal(iam.create_service_linked_role, CustomSuffix="x", **create)[0] == "InvalidInput"
    name = {"RoleName": "AWSServiceRoleForServiceQuotas"}
    protected = (
        "UnmodifiableEntity",
        400,
        "Cannot perform the operation on the protected role 'AWSServiceRoleForServiceQuotas' - this role is only "
        "modifiable by AWS",
    )
    assert refusal(iam.delete_role, **name) == protected
    assert refusal(iam.put_role_policy, **name, PolicyName="p", PolicyDocument=SMALL) == protected
    assert refusal(iam.attach_role_policy, **name, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess") == protected
    assert refusal(iam.update_assume_role_policy, **name, PolicyDocument=trust_with()) == protected
    task = iam.delete_service_linked_role(**name)["DeletionTaskId"]
    assert task.startswith("task/aws-service-role/servicequotas.amazonaws.com/AWSServiceRoleForServiceQuotas/")
    assert refusal(iam.get_role, **name) == (
        "NoSuchEntity",
        404,
        "The role with name AWSServiceRoleForServiceQuotas cannot be found.",
    )


def test_missing_things_are_named_in_iams_words(aws: Aws, iam: Any) -> None:
    aws.user()
    aws.role("r")
    iam.create_group(GroupName="g")
    for call, parameters, message in (
        (iam.get_user, {"UserName": "x"}, "The user with name x cannot be found."),
        (iam.get_group, {"GroupName": "x"}, "The group with name x cannot be found."),
        (
            iam.get_user_policy,
            {"UserName": "someone", "PolicyName": "x"},
            "The user policy with name x cannot be found.",
        ),
        (iam.delete_role_policy, {"RoleName": "r", "PolicyName": "x"}, "The role policy with name x cannot be found."),
        (iam.get_role_policy, {"RoleName": "r", "PolicyName": "x"}, "The role policy with name x cannot be found."),
        (iam.get_group_policy, {"GroupName": "g", "PolicyName": "x"}, "The group policy with name x cannot be found."),
    ):
        assert refusal(call, **parameters) == ("NoSuchEntity", 404, message)


def test_awss_own_policies_exist_and_cannot_be_changed(iam: Any) -> None:
    arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    document = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
    assert "logs:PutLogEvents" in json.dumps(document)
    assert refusal(iam.create_policy_version, PolicyArn=arn, PolicyDocument=SMALL)[:2] == ("AccessDenied", 403)
    names = {policy["PolicyName"] for policy in iam.list_policies(Scope="AWS")["Policies"]}
    assert {"AdministratorAccess", "CloudWatchLambdaInsightsExecutionRolePolicy", "PowerUserAccess"} <= names
    assert iam.list_policies(Scope="Local")["Policies"] == []
    assert iam.get_account_summary()["SummaryMap"]["Policies"] == 0


def test_users_have_a_permissions_boundary(iam: Any) -> None:
    arn = iam.create_policy(PolicyName="edge", PolicyDocument=SMALL)["Policy"]["Arn"]
    attached = {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn}
    user = iam.create_user(UserName="u", PermissionsBoundary=arn)["User"]
    assert user["PermissionsBoundary"] == attached
    assert iam.get_user(UserName="u")["User"]["PermissionsBoundary"] == attached
    assert all("PermissionsBoundary" not in listed for listed in iam.list_users()["Users"])
    assert iam.get_policy(PolicyArn=arn)["Policy"]["PermissionsBoundaryUsageCount"] == 1
    (detail,) = [u for u in iam.get_account_authorization_details()["UserDetailList"] if u["UserName"] == "u"]
    assert detail["PermissionsBoundary"] == attached
    iam.delete_user_permissions_boundary(UserName="u")
    assert "PermissionsBoundary" not in iam.get_user(UserName="u")["User"]
    assert refusal(iam.delete_user_permissions_boundary, UserName="u")[:2] == ("NoSuchEntity", 404)
    iam.put_user_permissions_boundary(UserName="u", PermissionsBoundary=arn)
    assert iam.get_user(UserName="u")["User"]["PermissionsBoundary"] == attached


def test_a_boundary_must_be_a_policy_that_exists(aws: Aws, iam: Any) -> None:
    aws.user()
    gone = f"arn:aws:iam::{ACCOUNT}:policy/gone"
    missing = ("NoSuchEntity", 404, f"Scope ARN: {gone} does not exist or is not attachable.")
    trust = json.dumps(LAMBDA_TRUST)
    assert refusal(iam.create_user, UserName="u", PermissionsBoundary=gone) == missing
    assert refusal(iam.create_role, RoleName="r", AssumeRolePolicyDocument=trust, PermissionsBoundary=gone) == missing
    assert refusal(iam.put_user_permissions_boundary, UserName="someone", PermissionsBoundary=gone) == missing
    assert refusal(iam.get_user, UserName="u")[0] == "NoSuchEntity"
    role = aws.role("r", PermissionsBoundary="arn:aws:iam::aws:policy/PowerUserAccess")
    assert role.endswith(":role/r")
    assert iam.get_role(RoleName="r")["Role"]["PermissionsBoundary"] == {
        "PermissionsBoundaryType": "Policy",
        "PermissionsBoundaryArn": "arn:aws:iam::aws:policy/PowerUserAccess",
    }
    assert refusal(iam.put_role_permissions_boundary, RoleName="r", PermissionsBoundary=gone) == missing


def test_account_quotas_come_from_the_account_summary(aws: Aws, iam: Any) -> None:
    from moto.iam.models import iam_backends

    iam_backends[ACCOUNT]["aws"].account_summary._roles_quota = 1
    aws.role("first")
    expected = ("LimitExceeded", 409, "Cannot exceed quota for RolesPerAccount: 1")
    assert refusal(iam.create_role, RoleName="r", AssumeRolePolicyDocument=json.dumps(LAMBDA_TRUST)) == expected
