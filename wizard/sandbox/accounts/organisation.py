"""An account of an organisation whose service control policy asks for a permissions boundary."""

from __future__ import annotations

from typing import Final

from wizard.policy.evaluate import Policy
from wizard.sandbox.accounts.account import Account
from wizard.sandbox.principals import FULL_AWS_ACCESS, set_service_control_policies

BOUNDARY: Final = "developer-boundary"
_ORGANISATION: Final = "arn:aws:organizations::210987654321:policy/o-x1y2z3a4b5/service_control_policy"
SCP: Final = f"{_ORGANISATION}/p-devbound"


def boundary(account: Account) -> None:
    """Users and roles are made within the boundary, and stay within it."""
    policy = account.policy(
        BOUNDARY,
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "WhatDevelopersBuildWith",
                    "Effect": "Allow",
                    "Action": ["s3:*", "lambda:*", "logs:*", "cloudwatch:*", "sqs:*", "sns:*", "servicequotas:*"],
                    "Resource": "*",
                },
                {
                    "Sid": "WhatTheyMayDoWithRoles",
                    "Effect": "Allow",
                    "Action": ["iam:PassRole", "iam:GetRole", "iam:SimulatePrincipalPolicy"],
                    "Resource": "*",
                },
            ],
        },
    )
    within = {"StringNotEquals": {"iam:PermissionsBoundary": policy.arn}}
    document = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "OnlyWithinTheBoundary",
                "Effect": "Deny",
                "Action": [
                    "iam:CreateUser",
                    "iam:CreateRole",
                    "iam:PutUserPermissionsBoundary",
                    "iam:PutRolePermissionsBoundary",
                ],
                "Resource": "*",
                "Condition": within,
            },
            {
                "Sid": "TheBoundaryStays",
                "Effect": "Deny",
                "Action": ["iam:DeleteUserPermissionsBoundary", "iam:DeleteRolePermissionsBoundary"],
                "Resource": "*",
            },
        ],
    }
    everything = Policy("arn:aws:organizations::aws:policy/service_control_policy/p-FullAWSAccess", FULL_AWS_ACCESS)
    set_service_control_policies(
        account.id, [[everything], [everything, Policy(SCP, document)]], partition=account.partition
    )
    account.concurrency(1000)
