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
    """A canned account: its name on the command line, what it is in one sentence, and where it lives.

    `settles_after` is how many seconds a change takes to have an effect, where IAM is slow.
    """

    name: str
    summary: str
    partition: str = "aws"
    region: str = REGION
    settles_after: float = 0.0


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
                "two-keys",
                "An account that is set up for Remotion 4.0.527, whose user has two access keys: an old one that was never "
                "used, and one in use.",
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
                "quota-pending",
                "An account that has asked for more Lambda concurrency: a support case is open in us-east-1, a request "
                "waits in eu-west-1.",
            ),
            Scenario(
                "quota-denied",
                "An account with 10 Lambda functions at a time whose request for 5,000 AWS has denied.",
            ),
            Scenario(
                "quota-raised",
                "An account whose Lambda concurrency AWS has raised in us-east-1, where another function keeps a part of "
                "it, and approved but not yet applied in eu-central-1.",
            ),
            Scenario(
                "no-slr",
                "An account of an organisation that lets nobody make the service-linked role which the first quota request "
                "needs.",
            ),
            Scenario(
                "regions-off",
                "An account that has not enabled the opt-in regions, in an organisation that blocks eu-west-3 and "
                "sa-east-1.",
            ),
            Scenario(
                "kms-bucket",
                "A new account with three buckets under KMS keys: acme-videos with its own, acme-drafts with AWS's, acme-vault "
                "with one that lets nobody in.",
            ),
            Scenario(
                "foreign-bucket",
                "A new account whose videos shall go to partner-videos, a bucket of another account.",
            ),
            Scenario(
                "locked-down-bucket",
                "A new account without public access, whose bucket acme-videos takes no ACLs and lets only one role write.",
            ),
            Scenario(
                "scp",
                "An account that is set up for Remotion 4.0.527, in an organisation that lets nobody set bucket policies and "
                "allows us-east-1 and eu-central-1 only.",
            ),
            Scenario(
                "sso",
                "An account that is set up for Remotion 4.0.527 and has no administrator of its own: you are signed in through "
                "IAM Identity Center.",
            ),
            Scenario(
                "explicit-deny",
                "An account that is set up for Remotion 4.0.527, where another policy of the user forbids deleting anything.",
            ),
            Scenario(
                "group-policies",
                "An account that is set up for Remotion 4.0.527, where the user has the policy through the group "
                "video-team.",
            ),
            Scenario(
                "lagging",
                "A new account whose IAM is slow: what is changed can be read after 2 seconds and takes effect after 5.",
                settles_after=5.0,
            ),
            Scenario(
                "throttled",
                "An account that is set up for Remotion 4.0.527, whose IAM refuses every fourth call because there were too "
                "many.",
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
