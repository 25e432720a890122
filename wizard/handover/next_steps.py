"""What comes after the set-up: the commands to run, and what a compute role's service needs in its environment.

Sources: remotion.dev/docs/lambda/setup, steps 8 to 11; /docs/lambda/without-iam, /ec2; @remotion/lambda-client 4.0.527, the
order in which it looks for credentials (REMOTION_SKIP_AWS_CREDENTIALS_CHECK came with 4.0.160).
"""

from __future__ import annotations

from dataclasses import dataclass

from wizard.account.snapshot import Identity
from wizard.collect.answers import Answers
from wizard.collect.meaning import assumed_by, is_role
from wizard.plan.wanted import wishes
from wizard.remotion.extras import deploy_flags
from wizard.remotion.releases import Release


@dataclass(frozen=True)
class NextStep:
    """A command or a setting, and what it does."""

    command: str
    does: str


def next_commands(answers: Answers, identity: Identity, release: Release) -> tuple[NextStep, ...]:
    """Return the commands that come next, with the flags that the chosen extras and regions need."""
    found = []
    regions = answers.texts("remotion.regions")
    for region in regions:
        wanted = wishes(answers, identity.partition, identity.account)
        flags = [*([] if regions == ("us-east-1",) else [f"--region={region}"]), *deploy_flags(wanted, release, region)]
        deploy = " ".join(["npx remotion lambda functions deploy", *flags])
        found.append(NextStep(deploy, f"puts the render function into {region}"))
    at = "" if regions[0] == "us-east-1" else f" --region={regions[0]}"
    sites = f"npx remotion lambda sites create src/index.ts --site-name=my-video{at}"
    found.append(NextStep(sites, "uploads your project"))
    found.append(NextStep(f"npx remotion lambda render my-video <composition-id>{at}", "renders your first video"))
    return tuple(found)


def environment(answers: Answers, identity: Identity, role_arn: str) -> tuple[NextStep, ...]:
    """Return what to set where the code runs, so that Remotion takes the role. Empty for a user."""
    if not is_role(answers):
        return ()
    if assumed_by(answers):
        return (
            NextStep(f"REMOTION_ROLE_ARN={role_arn}", "the role that your code takes with sts:AssumeRole"),
            NextStep("REMOTION_ROLE_SESSION_NAME=remotion", "the name of its session in the logs"),
            NextStep(
                "REMOTION_AWS_ACCESS_KEY_ID, REMOTION_AWS_SECRET_ACCESS_KEY, REMOTION_AWS_SESSION_TOKEN",
                "your code sets all three from the answer of sts:AssumeRole before it calls Remotion",
            ),
        )
    if answers["principal.service"] == "lambda":
        return ()  # AWS Lambda itself gives the function its keys and token in AWS_*
    return (
        NextStep(
            "REMOTION_SKIP_AWS_CREDENTIALS_CHECK=1",
            "Remotion then takes the role's credentials from the service (4.0.160 or newer)",
        ),
    )
