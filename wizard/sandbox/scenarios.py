"""The canned accounts that a sandbox can start as."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

ACCOUNT_ID: Final = "123456789012"  # the account moto falls back to everywhere
REGION: Final = "us-east-1"
ADMINISTRATOR: Final = "sandbox-admin"


@dataclass(frozen=True)
class Scenario:
    """A canned account: its name on the command line, what it is in one sentence, and where it lives."""

    name: str
    summary: str
    partition: str = "aws"
    region: str = REGION


SCENARIOS: Final[Mapping[str, Scenario]] = MappingProxyType(
    {
        scenario.name: scenario
        for scenario in (
            Scenario(
                "fresh",
                "A new AWS account: an administrator and nothing else, at most 10 Lambda functions at a time, "
                "no service-linked role.",
            ),
            Scenario(
                "outdated",
                "An account that was set up by hand for Remotion 4.0.31 and never since: user, render role, policies "
                "and one access key.",
            ),
            Scenario(
                "swapped",
                "An account where the user has the render role's policy, and the render role has the user's.",
            ),
            Scenario(
                "half",
                "A set-up that was broken off: the render role trusts only EC2, and neither it nor the user has a "
                "policy.",
            ),
            Scenario(
                "hand-made",
                "A set-up with other names: the user video-bot with the policy VideoRenderPolicy, which is written "
                "differently and allows two more things.",
            ),
            Scenario(
                "crowded",
                "A company's account: 5,000 roles, 1,000 functions, and a remotion-user that other teams have given "
                "nine policies.",
            ),
            Scenario(
                "boundary",
                "An account of an organisation that lets nobody make users or roles without the permissions boundary "
                "developer-boundary.",
            ),
            Scenario(
                "gov",
                "A new account in AWS GovCloud (US).",
                "aws-us-gov",
                "us-gov-west-1",
            ),
            Scenario(
                "china",
                "A new account in the AWS China Regions.",
                "aws-cn",
                "cn-north-1",
            ),
        )
    }
)
