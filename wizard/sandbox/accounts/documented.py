"""Accounts in which somebody followed Remotion's set-up page: long ago, the wrong way round, half, or in own words."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from moto.core.utils import utcnow
from moto.iam.models import AccessKeyLastUsed

from wizard.remotion import names
from wizard.sandbox.accounts.account import Account, documented_role, remotion_policy, trust_of

OUTDATED: Final = "4.0.31"
OWN_USER: Final = "video-bot"
OWN_POLICY: Final = "VideoRenderPolicy"
OWN_ROLE_POLICY: Final = "render-permissions"


def outdated(account: Account) -> None:
    """The documented names, with what Remotion 4.0.31 printed."""
    _set_up(account, user=remotion_policy("user", OUTDATED), role=remotion_policy("role", OUTDATED))


def swapped(account: Account) -> None:
    """Each has what was meant for the other."""
    _set_up(account, user=remotion_policy("role"), role=remotion_policy("user"))


def _set_up(account: Account, *, user: str, role: str) -> None:
    policy = account.policy(names.ROLE_POLICY, role)
    documented_role(account)
    account.iam.attach_role_policy(policy.arn, names.RENDER_ROLE)
    account.user(names.USER)
    account.key(names.USER)
    account.iam.put_user_policy(names.USER, names.USER_POLICY, user)
    account.concurrency(1000)


def two_keys(account: Account) -> None:
    """As documented, and with as many access keys as AWS allows: the first was never used, the second is in use."""
    _set_up(account, user=remotion_policy("user"), role=remotion_policy("role"))
    account.later(days=200)
    in_use = account.key(names.USER)
    in_use.last_used = AccessKeyLastUsed(utcnow() - timedelta(hours=3), "awslambda", "us-east-1")


def half(account: Account) -> None:
    """A role of the wrong use case, a user, and then no more."""
    account.role(
        names.RENDER_ROLE,
        trust_of("ec2.amazonaws.com"),
        description="Allows EC2 instances to call AWS services on your behalf.",
    )
    account.user(names.USER)


def hand_made(account: Account) -> None:
    """Everything Remotion 4.0.527 needs, under other names and in another hand."""
    here = f"{account.partition}:{{service}}:us-east-1:{account.id}"
    foreign = [
        {
            "Sid": "TellThatItIsDone",
            "Effect": "Allow",
            "Action": "sns:Publish",
            "Resource": f"arn:{here.format(service='sns')}:video-done",
        },
        {
            "Sid": "TakeJobs",
            "Effect": "Allow",
            "Action": ["sqs:ReceiveMessage", "sqs:DeleteMessage"],
            "Resource": [f"arn:{here.format(service='sqs')}:video-jobs"],
        },
    ]
    statements = _in_another_hand(json.loads(remotion_policy("user"))["Statement"])
    document = {"Statement": [foreign[0], *statements, foreign[1]], "Version": "2012-10-17"}
    policy = account.policy(OWN_POLICY, json.dumps(document, indent=1))
    account.user(OWN_USER)
    account.key(OWN_USER)
    account.iam.attach_user_policy(policy.arn, OWN_USER)
    documented_role(account)
    account.iam.put_role_policy(names.RENDER_ROLE, OWN_ROLE_POLICY, remotion_policy("role"))
    account.concurrency(1000)


def _in_another_hand(statements: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same statements: other order, no list around one thing, other case of actions, other Sids."""
    written = []
    for at, statement in enumerate(reversed(statements)):
        actions = [_recased(action, at) for action in reversed(statement["Action"])]
        resources = list(reversed(statement["Resource"]))
        written.append(
            {
                "Resource": resources[0] if len(resources) == 1 else resources,
                "Effect": statement["Effect"],
                "Action": actions[0] if len(actions) == 1 else actions,
                "Sid": f"Video{at}",
            }
        )
    return written


def _recased(action: str, at: int) -> str:
    service, _, name = action.partition(":")
    return f"{service}:{(name.lower(), name.upper(), name[0].lower() + name[1:])[at % 3]}"
