"""Accounts in which something stands in the way: an organisation, a Deny, a group, a sign-in, or IAM itself."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any, Final

from moto.core.utils import utcnow
from moto.sts.models import sts_backends

from wizard.policy.evaluate import Policy
from wizard.remotion import names
from wizard.sandbox.accounts.account import Account, documented_role, remotion_policy
from wizard.sandbox.calls import iam_service
from wizard.sandbox.principals import FULL_AWS_ACCESS, set_service_control_policies
from wizard.sandbox.scenarios import ADMINISTRATOR, REGION
from wizard.sandbox.seed import provide_aws_policy

ALLOWED_REGIONS: Final = ("us-east-1", "eu-central-1")
GROUP: Final = "video-team"
DENY: Final = "nothing-is-deleted"
SSO_ROLE: Final = "AWSReservedSSO_AdministratorAccess_1f2e3d4c5b6a7980"
SSO_PATH: Final = "/aws-reserved/sso.amazonaws.com/eu-central-1/"
SSO_PERSON: Final = "ada@example.com"
READ_AFTER: Final = 2.0
_ORGANISATION: Final = "arn:aws:organizations::210987654321:policy/o-x1y2z3a4b5/service_control_policy"
_EVERYWHERE: Final = ("iam:*", "sts:*", "organizations:*", "support:*", "s3:ListAllMyBuckets", "kms:*")


def scp(account: Account) -> None:
    """What the organisation denies, nobody in the account can do: Remotion's bucket policy, and everything elsewhere."""
    _set_up(account)
    forbidden = {"Sid": "BucketsStayPrivate", "Effect": "Deny", "Action": "s3:PutBucketPolicy", "Resource": "*"}
    elsewhere = {
        "Sid": "OnlyOurRegions",
        "Effect": "Deny",
        "NotAction": list(_EVERYWHERE),
        "Resource": "*",
        "Condition": {"StringNotEquals": {"aws:RequestedRegion": list(ALLOWED_REGIONS)}},
    }
    everything = Policy("arn:aws:organizations::aws:policy/service_control_policy/p-FullAWSAccess", FULL_AWS_ACCESS)
    guards = [
        Policy(f"{_ORGANISATION}/p-{name}", _document(statement))
        for name, statement in (("private1", forbidden), ("regions1", elsewhere))
    ]
    set_service_control_policies(account.id, [[everything], [everything, *guards]], partition=account.partition)


def sso(account: Account) -> str:
    """The one administrator is whoever signs in through Identity Center, with the role of a permission set at its path."""
    _set_up(account)
    provider = account.arn("saml-provider/AWSSSO_3f2a1b0c9d8e7f6a_DO_NOT_DELETE")
    signed_in = {
        "Effect": "Allow",
        "Principal": {"Federated": provider},
        "Action": ["sts:AssumeRoleWithSAML", "sts:TagSession"],
        "Condition": {"StringEquals": {"SAML:aud": "https://signin.aws.amazon.com/saml"}},
    }
    role = account.role(SSO_ROLE, _document(signed_in), path=SSO_PATH, description="")
    everything = f"arn:{account.partition}:iam::aws:policy/AdministratorAccess"
    provide_aws_policy(everything, account.partition)
    account.iam.managed_policies[everything].attach_to(role)  # nobody but AWS may do that through IAM
    session = sts_backends[account.id][account.partition].assume_role(
        region_name=REGION,
        role_session_name=SSO_PERSON,
        role_arn=role.arn,
        policy="",
        duration=3600,
        external_id="",
    )
    session.expiration = utcnow() + timedelta(days=36_500)  # the account is there for as long as somebody plays with it
    account.iam.detach_user_policy(everything, ADMINISTRATOR)
    for key in list(account.iam.users[ADMINISTRATOR].access_keys):
        account.iam.delete_access_key(key.access_key_id, ADMINISTRATOR)
    account.iam.delete_user(ADMINISTRATOR)
    return str(session.access_key_id)


def explicit_deny(account: Account) -> None:
    """Somebody has seen to it that the user deletes nothing."""
    _set_up(account)
    deny = {"Sid": "KeepEverything", "Effect": "Deny", "Action": ["s3:Delete*", "lambda:Delete*"], "Resource": "*"}
    account.iam.put_user_policy(names.USER, DENY, json.dumps(_document(deny)))


def group_policies(account: Account) -> None:
    """The user has no policy of its own."""
    _set_up(account, through_group=True)


def lagging(account: Account) -> None:
    """A new account, and an IAM that takes its time."""
    from wizard.sandbox.scenarios import SCENARIOS

    iam_service.lag(account.iam, READ_AFTER, SCENARIOS["lagging"].settles_after)


def throttled(account: Account) -> None:
    """Everything is there; one only has to ask twice."""
    _set_up(account)
    iam_service.throttle_every(account.iam, 4)


def _document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _set_up(account: Account, *, through_group: bool = False) -> None:
    """What Remotion 4.0.527 needs: user, render role, policies and one access key."""
    iam = account.iam
    policy = account.policy(names.ROLE_POLICY, remotion_policy("role"))
    documented_role(account)
    iam.attach_role_policy(policy.arn, names.RENDER_ROLE)
    account.user(names.USER)
    if through_group:
        group = iam.create_group(GROUP)
        group.create_date = account.later(minutes=1)
        iam.put_group_policy(GROUP, names.USER_POLICY, remotion_policy("user"))
        iam.add_user_to_group(GROUP, names.USER)
    else:
        iam.put_user_policy(names.USER, names.USER_POLICY, remotion_policy("user"))
    account.key(names.USER)
    account.concurrency(1000)
