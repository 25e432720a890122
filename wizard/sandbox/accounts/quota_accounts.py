"""Accounts on their way to a higher Lambda concurrency, and such that are kept from it. All but one have the low limit."""

from __future__ import annotations

from typing import Any, Final

from moto.awslambda.models import LambdaFunction, lambda_backends

from wizard.policy.evaluate import Policy
from wizard.remotion import names
from wizard.sandbox.accounts.account import Account, trust_of
from wizard.sandbox.calls import account as regions
from wizard.sandbox.calls import quotas
from wizard.sandbox.principals import FULL_AWS_ACCESS, set_service_control_policies

RESERVED: Final = 300
RESERVING: Final = "order-mails-send"
BLOCKED: Final = ("eu-west-3", "sa-east-1")
_ORGANISATION: Final = "arn:aws:organizations::210987654321:policy/o-x1y2z3a4b5/service_control_policy"
_FULL_ACCESS: Final = "arn:aws:organizations::aws:policy/service_control_policy/p-FullAWSAccess"
_OPT_IN: Final = ("eu-central-2", "eu-south-1", "af-south-1", "ap-east-1", "ap-southeast-4", "ap-southeast-5")
# Services without regions: an organisation that blocks regions leaves them out, or nothing would work.
_GLOBAL: Final = ("iam:*", "sts:*", "account:*", "organizations:*", "support:*", "s3:ListAllMyBuckets")


def quota_pending(account: Account) -> None:
    """Asked for four days ago in one region, since when a case is open; and today in another."""
    _linked_role(account)
    quotas.add_request(account.id, "us-east-1", 1000, "CASE_OPENED", days_ago=4)
    quotas.add_request(account.id, "eu-west-1", 1000)
    _function(account, "us-east-1", f"{names.FUNCTION_PREFIX}4-0-527-mem2048mb-disk2048mb-120sec")


def quota_denied(account: Account) -> None:
    """What Remotion's own command asks for was too much. Service Quotas has no value of its own for the account."""
    _linked_role(account)
    quotas.set_concurrency(account.id, quotas.EVERY_REGION, 10, applied=False)
    quotas.add_request(account.id, "us-east-1", 5000, "DENIED", days_ago=30)


def quota_raised(account: Account) -> None:
    """Raised in one region, in which another application keeps a part; approved a day ago in another."""
    _linked_role(account)
    quotas.add_request(account.id, "us-east-1", 1000, "APPROVED", days_ago=90)["sandbox_applied"] = True
    quotas.set_concurrency(account.id, "us-east-1", 1000)
    quotas.add_request(account.id, "eu-central-1", 1000, "APPROVED", days_ago=3)
    kept = _function(account, "us-east-1", RESERVING)
    kept.reserved_concurrency = RESERVED


def no_slr(account: Account) -> None:
    """No service-linked role, and a service control policy against making one."""
    document = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "NoServiceLinkedRoles",
                "Effect": "Deny",
                "Action": "iam:CreateServiceLinkedRole",
                "Resource": "*",
            }
        ],
    }
    _organisation(account, f"{_ORGANISATION}/p-nolinked", document)


def regions_off(account: Account) -> None:
    """The opt-in regions are as AWS leaves them, and the organisation wants nothing in two of the others."""
    for region in _OPT_IN:
        regions.set_status(account.id, region, "DISABLED")
    statement: dict[str, Any] = {
        "Sid": "NotInTheseRegions",
        "Effect": "Deny",
        "NotAction": list(_GLOBAL),
        "Resource": "*",
        "Condition": {"StringEquals": {"aws:RequestedRegion": list(BLOCKED)}},
    }
    _organisation(account, f"{_ORGANISATION}/p-regions", {"Version": "2012-10-17", "Statement": [statement]})


def _organisation(account: Account, name: str, document: dict[str, Any]) -> None:
    everything = Policy(_FULL_ACCESS, FULL_AWS_ACCESS)
    levels = [[everything], [everything, Policy(name, document)]]
    set_service_control_policies(account.id, levels, partition=account.partition)


def _linked_role(account: Account) -> None:
    """Whoever has asked for a quota before has the role."""
    account.iam.create_service_linked_role(names.QUOTA_SERVICE, "", "").create_date = account.later(minutes=1)


def _function(account: Account, region: str, name: str) -> LambdaFunction:
    """A function as it stands in the list. Moto's own way of making one needs its code."""
    spec = {
        "FunctionName": name,
        "Role": account.role("application", trust_of(names.LAMBDA_SERVICE)).arn,
        "Handler": "index.handler",
        "Runtime": "nodejs22.x",
        "Code": {"ZipFile": "UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA=="},  # an empty archive
        "MemorySize": 2048,
        "Timeout": 120,
        "Architectures": ["arm64"],
    }
    function = LambdaFunction(account.id, spec, region, version="$LATEST")  # type: ignore[abstract]
    function.last_modified = f"{account.now:%Y-%m-%dT%H:%M:%S}.000+0000"
    kept = lambda_backends[account.id][region]._lambdas
    kept._functions[function.function_name] = {"latest": function, "versions": []}
    kept._arns[function.function_arn] = function
    return function
