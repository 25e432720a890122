"""The account of a company with many teams: thousands of roles and functions, and little room for one more thing."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import product
from typing import Any, Final

from moto.awslambda.models import LambdaFunction, lambda_backends
from moto.iam.models import Role
from moto.iam.utils import random_role_id

from wizard.remotion import names
from wizard.sandbox.accounts.account import LONG_AGO, Account, documented_role, remotion_policy, trust_of

ROLES: Final = 5000
FUNCTIONS: Final = {"us-east-1": 700, "eu-central-1": 150, "us-west-2": 100, "ap-southeast-1": 50}
OTHER_RENDER_ROLE: Final = "render-worker-role"
FOREIGN_INLINE: Final = "marketing-assets-access"

_TEAMS: Final = (
    "billing",
    "catalog",
    "checkout",
    "data",
    "growth",
    "identity",
    "marketing",
    "media",
    "platform",
    "risk",
    "search",
    "video",
)
_NOUNS: Final = (
    "invoice",
    "order",
    "thumbnail",
    "feed",
    "report",
    "session",
    "webhook",
    "email",
    "price",
    "upload",
    "audit",
    "export",
    "cart",
    "index",
    "metric",
)
_VERBS: Final = ("worker", "api", "sync", "importer", "cleanup", "notifier", "resizer", "consumer")
_STAGES: Final = ("dev", "staging", "prod")
_LINKED: Final = (
    ("servicequotas.amazonaws.com", "AWSServiceRoleForServiceQuotas"),
    ("organizations.amazonaws.com", "AWSServiceRoleForOrganizations"),
    ("sso.amazonaws.com", "AWSServiceRoleForSSO"),
    ("support.amazonaws.com", "AWSServiceRoleForSupport"),
    ("trustedadvisor.amazonaws.com", "AWSServiceRoleForTrustedAdvisor"),
    ("autoscaling.amazonaws.com", "AWSServiceRoleForAutoScaling"),
    ("ecs.amazonaws.com", "AWSServiceRoleForECS"),
    ("elasticloadbalancing.amazonaws.com", "AWSServiceRoleForElasticLoadBalancing"),
    ("rds.amazonaws.com", "AWSServiceRoleForRDS"),
    ("elasticache.amazonaws.com", "AWSServiceRoleForElastiCache"),
    ("replicator.lambda.amazonaws.com", "AWSServiceRoleForLambdaReplicator"),
    ("config.amazonaws.com", "AWSServiceRoleForConfig"),
    ("guardduty.amazonaws.com", "AWSServiceRoleForAmazonGuardDuty"),
    ("cloudtrail.amazonaws.com", "AWSServiceRoleForCloudTrail"),
    ("ssm.amazonaws.com", "AWSServiceRoleForAmazonSSM"),
)
_PERMISSION_SETS: Final = (
    "AdministratorAccess",
    "PowerUserAccess",
    "ReadOnlyAccess",
    "Billing",
    "DataAnalyst",
    "VideoProducer",
    "Support",
)
# service, how a team calls the role, how many of a hundred
_KINDS: Final = (
    ("lambda.amazonaws.com", "{team}-{noun}-{verb}-{stage}-role-{region}", 46),
    ("ec2.amazonaws.com", "{team}-{noun}-{stage}-instance-{at}", 14),
    ("ecs-tasks.amazonaws.com", "{team}_{noun}_{verb}_{stage}_task", 15),
    ("states.amazonaws.com", "StepFunctions-{team}-{noun}-{stage}-{at}", 8),
    ("events.amazonaws.com", "Amazon_EventBridge_Invoke_{team}_{noun}_{at}", 8),
    ("", "cross-account-{team}-{noun}-{at}", 5),
    ("", "github-{team}-{noun}-deploy-{stage}", 4),
)
_SHORT: Final = ("use1", "euc1", "usw2", "apse1")


@dataclass
class _Crowd:
    """Makes roles without IAM's checks, which look at all the others each time."""

    account: Account
    chance: random.Random
    taken: set[str]

    def role(self, name: str, trust: str, path: str = "/", *, linked: str = "", description: str = "") -> Role | None:
        """Make a role; None if there is one of this name."""
        if name.lower() in self.taken:
            return None
        self.taken.add(name.lower())
        role = Role(  # type: ignore[abstract]
            account_id=self.account.id,
            partition=self.account.partition,
            role_id=random_role_id(self.account.id),
            name=name,
            assume_role_policy_document=trust,
            path=path,
            permissions_boundary=None,
            description=description,
            tags=[],
            max_session_duration="3600",
            linked_service=linked or None,
        )
        role.create_date = _some_day(self.chance)
        self.account.iam.roles[role.id] = role
        return role


def crowded(account: Account) -> None:
    """Fill the account until it holds exactly `ROLES` roles and `FUNCTIONS` functions."""
    vars(account.iam.account_summary).update(_roles_quota=6000, _policies_quota=2000)
    chance = random.Random("remotion-lambda-wizard sandbox crowded")  # noqa: S311 - no secret
    policies = [account.policy(f"{team}-{noun}-access", _narrow(account, team, noun)) for team, noun in _pairs(60)]
    _remotion(account)
    crowd = _Crowd(account, chance, {role.name.lower() for role in account.iam.roles.values()})
    _aws_own(crowd)
    workers = []
    for role, service in _team_roles(crowd):
        for policy in chance.sample(policies, chance.choice((0, 0, 1, 1, 1, 2))):
            policy.attach_to(role)
        if service == "lambda.amazonaws.com":
            workers.append(role)
    _functions(account, chance, workers)
    account.concurrency(3000)


def _pairs(count: int) -> list[tuple[str, str]]:
    return list(product(_TEAMS, _NOUNS))[:: len(_TEAMS) * len(_NOUNS) // count][:count]


def _narrow(account: Account, team: str, noun: str) -> dict[str, Any]:
    statement = {
        "Effect": "Allow",
        "Action": ["s3:GetObject", "s3:PutObject"],
        "Resource": f"arn:{account.partition}:s3:::acme-{team}-{noun}/*",
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def _some_day(chance: random.Random) -> datetime:
    return LONG_AGO + timedelta(minutes=chance.randrange(1_000_000))


def _remotion(account: Account) -> None:
    """A set-up for Remotion that others have built upon."""
    iam = account.iam
    old = json.loads(remotion_policy("role", "4.0.31"))
    key = f"arn:{account.partition}:kms:us-east-1:{account.id}:key/0a1b2c3d-4e5f-6789-abcd-ef0123456789"
    own = {"Sid": "Footage", "Effect": "Allow", "Action": "kms:Decrypt", "Resource": key}
    longest = {**old, "Statement": [*old["Statement"], own]}
    policy = account.policy(names.ROLE_POLICY, remotion_policy("role", "3.0.0"), longest, remotion_policy("role"), old)
    documented_role(account)
    account.role(OTHER_RENDER_ROLE, trust_of(names.LAMBDA_SERVICE))
    for role in (names.RENDER_ROLE, OTHER_RENDER_ROLE):
        iam.attach_role_policy(policy.arn, role)
    account.user(names.USER)
    account.key(names.USER)
    mine = [held for held in iam.managed_policies.values() if held.name.endswith("-access")]
    for held in mine[:9]:
        iam.attach_user_policy(held.arn, names.USER)
    for team in ("media", "video", "everyone"):
        group = iam.create_group(f"{team}-team")
        group.create_date = account.later(minutes=1)
        iam.put_group_policy(group.name, "dashboards", json.dumps(_dashboards()))
        iam.add_user_to_group(group.name, names.USER)
    # With Remotion's policy beside it this is more than a user may have inline.
    files = [
        f"arn:{account.partition}:s3:::acme-marketing-assets-{kind}/*"
        for kind in ("fonts", "logos", "footage", "music")
    ]
    assets = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": files}]}
    iam.put_user_policy(names.USER, FOREIGN_INLINE, json.dumps(assets))


def _dashboards() -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": ["cloudwatch:GetDashboard", "cloudwatch:ListDashboards"], "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def _aws_own(crowd: _Crowd) -> None:
    """Roles that only AWS may change."""
    for service, name in _LINKED:
        crowd.role(name, json.dumps(trust_of(service)), f"/aws-service-role/{service}/", linked=service)
    provider = crowd.account.arn("saml-provider/AWSSSO_3f2a1b0c9d8e7f6a_DO_NOT_DELETE")
    signed_in = {
        "Effect": "Allow",
        "Principal": {"Federated": provider},
        "Action": ["sts:AssumeRoleWithSAML", "sts:TagSession"],
        "Condition": {"StringEquals": {"SAML:aud": "https://signin.aws.amazon.com/saml"}},
    }
    trust = json.dumps({"Version": "2012-10-17", "Statement": [signed_in]})
    for at, name in enumerate(_PERMISSION_SETS * 5):
        path = "/aws-reserved/sso.amazonaws.com/" + ("eu-central-1/" if at % 2 else "")
        crowd.role(f"AWSReservedSSO_{name}_{crowd.chance.getrandbits(64):016x}", trust, path)


def _team_roles(crowd: _Crowd) -> Iterator[tuple[Role, str]]:
    """The roles of the teams, with the service that each trusts, until there are enough."""
    chance, account = crowd.chance, crowd.account
    trusts = {service: json.dumps(trust_of(service)) for service, _, _ in _KINDS if service}
    weights = [share for _, _, share in _KINDS]
    while len(account.iam.roles) < ROLES:
        service, pattern, _ = chance.choices(_KINDS, weights)[0]
        team, stage = chance.choice(_TEAMS), chance.choice(_STAGES)
        name = pattern.format(
            team=team,
            noun=chance.choice(_NOUNS),
            verb=chance.choice(_VERBS),
            stage=stage,
            region=chance.choice(_SHORT),
            at=chance.randrange(1000),
        )
        path = chance.choice(("/", "/", "/", "/service-role/", f"/{team}/", f"/{team}/{stage}/"))
        trust = trusts.get(service) or json.dumps(_other_trust(account, pattern, team))
        role = crowd.role(name, trust, path, description=chance.choice(("", f"{team}, {stage}")))
        if role is None:
            continue
        if chance.random() < 0.1:
            role.tags = [{"Key": "team", "Value": team}, {"Key": "stage", "Value": stage}]
        yield role, service


def _other_trust(account: Account, pattern: str, team: str) -> dict[str, Any]:
    if pattern.startswith("github"):
        statement: dict[str, Any] = {
            "Effect": "Allow",
            "Principal": {"Federated": account.arn("oidc-provider/token.actions.githubusercontent.com")},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {"StringLike": {"token.actions.githubusercontent.com:sub": f"repo:acme/{team}:*"}},
        }
    else:
        other = f"arn:{account.partition}:iam::210987654321:root"
        statement = {"Effect": "Allow", "Principal": {"AWS": other}, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def _functions(account: Account, chance: random.Random, roles: list[Role]) -> None:
    """The functions, each with an execution role. Moto's own way of making one looks for its role among all."""
    for region, count in FUNCTIONS.items():
        kept = lambda_backends[account.id][region]._lambdas
        stems = [f"{team}-{noun}-{verb}" for team, noun, verb in product(_TEAMS, _NOUNS, _VERBS)]
        for stem in chance.sample(stems, count):
            role = chance.choice(roles)
            spec = {
                "FunctionName": f"{stem}-{chance.choice(_STAGES)}",
                "Role": role.arn,
                "Handler": "index.handler",
                "Runtime": chance.choice(("nodejs22.x", "nodejs20.x", "python3.12", "python3.13", "java21")),
                "Code": {"ZipFile": "UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA=="},  # an empty archive
                "MemorySize": chance.choice((128, 256, 512, 1024, 2048)),
                "Timeout": chance.choice((3, 15, 30, 120, 900)),
                "Architectures": [chance.choice(("arm64", "x86_64"))],
            }
            function = LambdaFunction(account.id, spec, region, version="$LATEST")  # type: ignore[abstract]
            function.last_modified = f"{_some_day(chance):%Y-%m-%dT%H:%M:%S}.000+0000"
            kept._functions[function.function_name] = {"latest": function, "versions": []}
            kept._arns[function.function_arn] = function
