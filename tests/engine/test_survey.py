"""Who else holds Remotion's permissions is found in any account, with few calls, and what was not looked at is told."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

import wizard.sandbox
from tests.sandbox import remotion_cli
from wizard.account.connect import Aws, Keys, Target
from wizard.account.snapshot import FactState, Identity
from wizard.account.survey import RemotionPolicy, Survey, survey
from wizard.problem import ProblemError
from wizard.remotion import catalogue, names
from wizard.remotion.releases import parse_release
from wizard.secret import Secret

USER = catalogue.policy("user", catalogue.latest_release())
ROLE = catalogue.policy("role", catalogue.latest_release())
WANTED = 33
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"


class Account:
    """A sandbox account, and every call to it counted."""

    def __init__(self, scenario: str = "fresh") -> None:
        self.sandbox = wizard.sandbox.open_sandbox(scenario)
        self.calls: Counter[str] = Counter()
        self.sign_in(Keys(self.sandbox.access_key_id, self.sandbox.secret_access_key))
        self.iam = self.aws.client("iam")

    def sign_in(self, keys: Keys) -> None:
        """Work as somebody else from now on."""
        region = self.sandbox.region
        self.aws = Aws(Target(region=region, keys=keys, prepare=self.sandbox.install, sandbox=True))
        self.identity: Identity = self.aws.identify()
        for attempts in (5, 3):  # simulations have a client of their own
            self.aws.client("iam", attempts=attempts).meta.events.register("before-call.iam", self._count)
        self.calls.clear()

    def _count(self, model: Any, **_: Any) -> None:
        self.calls[model.name] += 1

    def weak(self, *actions: str) -> None:
        """Work as a user who may do only `actions`."""
        self.iam.create_user(UserName="weak")
        self.put("weak", "p", {"Effect": "Allow", "Action": list(actions), "Resource": "*"})
        key = self.iam.create_access_key(UserName="weak")["AccessKey"]
        self.sign_in(Keys(key["AccessKeyId"], Secret(key["SecretAccessKey"])))

    def user(self, name: str, *statements: Mapping[str, Any]) -> None:
        """Make a user, with an inline policy of these statements."""
        self.iam.create_user(UserName=name)
        self.put(name, f"{name}-policy", *statements)

    def put(self, user: str, policy: str, *statements: Mapping[str, Any]) -> None:
        if statements:
            self.iam.put_user_policy(UserName=user, PolicyName=policy, PolicyDocument=document(*statements))

    def managed(self, name: str, text: str) -> str:
        """Make a managed policy; its ARN."""
        return str(self.iam.create_policy(PolicyName=name, PolicyDocument=text)["Policy"]["Arn"])

    def role(self, name: str, service: str = names.LAMBDA_SERVICE, inline: str = "", attached: str = "") -> None:
        """Make a role."""
        trust = json.dumps(remotion_cli.TRUST).replace(names.LAMBDA_SERVICE, service)
        self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)
        if inline:
            self.iam.put_role_policy(RoleName=name, PolicyName="inline", PolicyDocument=inline)
        if attached:
            self.iam.attach_role_policy(RoleName=name, PolicyArn=attached)

    def survey(self, **options: int) -> Survey:
        """What is found."""
        self.calls.clear()
        partition = self.identity.partition
        user = catalogue.policy("user", catalogue.latest_release(), partition)
        role = catalogue.policy("role", catalogue.latest_release(), partition)
        fact = survey(self.aws, self.identity, user, role, **options)
        assert fact.state is FactState.KNOWN and fact.value is not None
        return fact.value


def document(*statements: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def held(found: Survey) -> dict[str, tuple[int, tuple[str, ...]]]:
    """Of each user and role that was found: how many pairs, by which policies."""
    return {h.name: (h.granted, h.policies) for h in (*found.users, *found.roles)}


@pytest.fixture
def account() -> Account:
    return Account()


@pytest.mark.parametrize(
    ("scenario", "holdings"),
    [
        ("fresh", {}),
        ("half", {}),
        ("outdated", {names.USER: (29, ("remotion-user-policy",))}),
        ("swapped", {names.USER: (10, ("remotion-user-policy",))}),
        ("hand-made", {"video-bot": (WANTED, ("VideoRenderPolicy",))}),
        pytest.param("crowded", {"render-worker-role": (12, ("remotion-lambda-policy",))}, marks=pytest.mark.thorough),
        ("gov", {}),
        ("china", {}),
    ],
)
def test_the_sandbox_accounts(scenario: str, holdings: dict[str, Any]) -> None:
    found = Account(scenario).survey()
    assert held(found) == holdings and found.complete
    own = "arn:aws:iam::123456789012:policy/VideoRenderPolicy"
    assert found.policies == ((RemotionPolicy("VideoRenderPolicy", own, "user"),) if scenario == "hand-made" else ())


def test_a_company_with_5000_roles_is_looked_through_in_few_calls() -> None:
    account = Account("crowded")
    assert account.survey().complete
    assert account.calls == {
        "GetAccountAuthorizationDetails": 1,
        "ListEntitiesForPolicy": 1,
        "ListRoles": 5,
        "GetRole": 1,
        "ListAttachedRolePolicies": 1,
        "ListRolePolicies": 1,
    }
    found = account.survey(most_pages=2)
    assert account.calls["ListRoles"] == 2
    assert not found.complete and list(held(found)) == ["render-worker-role"]


def test_the_calls_change_nothing_and_need_no_more_than_they_say(account: Account) -> None:
    account.role("old-remotion-renderer", inline=json.dumps(ROLE))
    account.weak(
        *("iam:GetAccountAuthorizationDetails", "iam:ListEntitiesForPolicy", "iam:ListRoles", "iam:GetRole"),
        *("iam:ListAttachedRolePolicies", "iam:ListRolePolicies", "iam:GetRolePolicy"),
    )
    found = account.survey()
    assert held(found) == {"old-remotion-renderer": (15, ("inline",))} and found.complete


def test_who_may_not_look_learns_nothing_and_is_told_what_is_missing(account: Account) -> None:
    account.weak("iam:ListRoles")
    fact = survey(account.aws, account.identity, USER, ROLE)
    assert fact.is_unknown and fact.problem is not None
    assert "iam:GetAccountAuthorizationDetails" in fact.problem.title


def test_roles_that_may_not_be_read_are_told_as_not_looked_at(account: Account) -> None:
    account.user("bot", *USER["Statement"])
    account.role("remotion-old", inline=json.dumps(ROLE))
    account.weak("iam:GetAccountAuthorizationDetails")
    found = account.survey()
    assert list(held(found)) == ["bot"] and not found.complete


def test_an_aws_that_does_not_answer_is_a_problem(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(**_: Any) -> None:
        raise EndpointConnectionError(endpoint_url="https://iam.amazonaws.com")

    monkeypatch.setattr(account.iam.meta.events, "emit_until_response", lambda *_, **__: unreachable())
    with pytest.raises(ProblemError, match="could not be reached"):
        survey(account.aws, account.identity, USER, ROLE)


def test_two_users_with_half_each(account: Account) -> None:
    statements = USER["Statement"]
    account.user("first", *statements[:4])
    account.user("second", *statements[4:])
    found = account.survey()
    assert held(found) == {"first": (19, ("first-policy",)), "second": (14, ("second-policy",))}
    assert [h.wanted for h in found.users] == [WANTED, WANTED]


def test_two_policies_of_one_user_count_together(account: Account) -> None:
    account.user("bot", *USER["Statement"][:4])
    account.put("bot", "rest", *USER["Statement"][4:])
    assert held(account.survey()) == {"bot": (WANTED, ("bot-policy", "rest"))}


def test_the_policies_of_groups_count_for_their_members(account: Account) -> None:
    arn = account.managed("render-access", json.dumps(USER))
    account.iam.create_group(GroupName="video")
    account.iam.attach_group_policy(GroupName="video", PolicyArn=arn)
    account.iam.create_group(GroupName="inline")
    account.iam.put_group_policy(GroupName="inline", PolicyName="own", PolicyDocument=json.dumps(USER))
    for user, group in (("ada", "video"), ("bob", "inline")):
        account.user(user)
        account.iam.add_user_to_group(GroupName=group, UserName=user)
    found = account.survey()
    assert held(found) == {"ada": (WANTED, ("render-access",)), "bob": (WANTED, ("own",))}
    assert [(p.name, p.kind) for p in found.policies] == [("render-access", "user")]


def test_only_the_default_version_of_a_policy_counts(account: Account) -> None:
    arn = account.managed("render-access", json.dumps(USER))
    other = document({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"})
    account.iam.create_policy_version(PolicyArn=arn, PolicyDocument=other, SetAsDefault=True)
    account.user("bot")
    account.iam.attach_user_policy(UserName="bot", PolicyArn=arn)
    assert account.survey() == Survey((), (), (), True)


def test_an_administrator_does_not_hold_remotions_permissions(account: Account) -> None:
    account.user("boss", {"Effect": "Allow", "Action": "*", "Resource": "*"})
    account.iam.attach_user_policy(UserName="boss", PolicyArn=ADMINISTRATOR)
    account.managed("everything", document({"Effect": "Allow", "Action": "*", "Resource": "*"}))
    account.role("remotion-admin", attached=ADMINISTRATOR)
    assert account.survey() == Survey((), (), (), True)


def test_who_only_reads_renders_does_not_hold_them(account: Account) -> None:
    bucket = "arn:aws:s3:::remotionlambda-*"
    account.user("player", {"Effect": "Allow", "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": bucket})
    account.user("reads-all", {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::acme-remotion-logos/*"})
    assert account.survey().users == ()


def test_wildcards_cover_what_they_match(account: Account) -> None:
    account.user(
        "wide",
        {"Effect": "Allow", "Action": ["S3:Put*", "s3:?etObject"], "Resource": "arn:aws:s3:::remotion*"},
        {"Effect": "Allow", "Action": "lambda:*", "Resource": ["arn:aws:lambda:*:*:function:remotion-*"]},
        {"Effect": "Allow", "Action": "servicequotas:*", "Resource": "*"},
    )
    assert held(account.survey()) == {"wide": (8 + 7 + 4, ("wide-policy",))}


def test_what_is_narrower_denied_or_conditional_is_not_granted(account: Account) -> None:
    own = USER["Statement"][3]
    account.user("narrow", {**own, "Resource": ["arn:aws:s3:::remotionlambda-useast1-abc"]})
    account.user("denied", {**own, "Effect": "Deny"})
    account.user("conditional", {**own, "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}})
    account.user("all-but", {"Effect": "Allow", "NotAction": "iam:*", "Resource": own["Resource"]})
    assert account.survey().users == ()


def test_roles_with_the_render_roles_policy_and_another_name(account: Account) -> None:
    arn = account.managed("render-permissions", json.dumps(ROLE))
    account.role("video-renderer", attached=arn)
    account.role("Remotion-Lambda-Rolle", inline=json.dumps(ROLE))
    account.role("remotion-on-ec2", "ec2.amazonaws.com", inline=json.dumps(ROLE))
    account.role("remotion-unrelated", inline=document({"Effect": "Allow", "Action": "sns:*", "Resource": "*"}))
    account.role("remotion-caller", inline=json.dumps(USER))
    account.role(names.RENDER_ROLE, attached=arn)
    found = account.survey()
    assert {h.name: h.policies for h in found.roles} == {
        "video-renderer": ("render-permissions",),
        "Remotion-Lambda-Rolle": ("inline",),
        "remotion-caller": ("inline",),
    }
    assert [h.granted for h in found.roles] == [15, 15, 10]
    assert [(p.name, p.kind) for p in found.policies] == [("render-permissions", "role")]


def test_policies_of_any_release_are_known_by_what_they_hold(account: Account) -> None:
    old = parse_release("3.3.10")
    assert old is not None
    account.managed("one", catalogue.render(catalogue.policy("user", old)))
    account.managed("both", document(*USER["Statement"], *ROLE["Statement"]))
    account.managed("part", document(*USER["Statement"][:6]))
    account.managed(names.ROLE_POLICY, json.dumps(USER))
    found = {(p.name, p.kind) for p in account.survey().policies}
    assert found == {("one", "user"), ("both", "user"), ("both", "role")}


def test_a_crowd_of_namesakes_is_not_read_to_the_end(account: Account) -> None:
    for number in range(25):
        account.role(f"remotion-test-{number}", "ec2.amazonaws.com")
    assert not account.survey().complete
    assert account.calls["GetRole"] == 20
