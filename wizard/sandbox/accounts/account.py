"""An account to be filled by somebody who worked in it long ago. All is made by IAM's own rules, and dated."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from moto.iam.models import iam_backends

from wizard.remotion import catalogue, names
from wizard.remotion.releases import parse_release
from wizard.sandbox.calls import quotas
from wizard.sandbox.scenarios import REGION

if TYPE_CHECKING:
    from moto.iam.models import AccessKey, ManagedPolicy, Role, User

Document = Mapping[str, Any]

LONG_AGO: Final = datetime(2023, 9, 6, 9, 30)  # moto's dates are UTC without saying so
_DESCRIPTION: Final = "Allows Lambda functions to call AWS services on your behalf."  # what the console writes


class Account:
    """Moto's IAM of one account, and a date that moves on by a minute with everything that is made."""

    def __init__(self, account_id: str, partition: str, now: datetime = LONG_AGO) -> None:
        self.id = account_id
        self.partition = partition
        self.iam = iam_backends[account_id][partition]
        self.now = now

    def arn(self, resource: str) -> str:
        """The ARN of something of this account's IAM."""
        return f"arn:{self.partition}:iam::{self.id}:{resource}"

    def later(self, **time: float) -> datetime:
        """Let time pass; the new date."""
        self.now += timedelta(**time)
        return self.now

    def user(self, name: str, *, path: str = "/") -> User:
        """Make a user."""
        made = self.iam.create_user(region_name=REGION, user_name=name, path=path)
        made.create_date = self.later(minutes=1)
        return made

    def key(self, user: str) -> AccessKey:
        """Make an access key for a user."""
        made = self.iam.create_access_key(user_name=user)
        made.create_date = self.later(minutes=1)
        return made

    def role(self, name: str, trust: Document, *, path: str = "/", description: str = _DESCRIPTION) -> Role:
        """Make a role."""
        made = self.iam.create_role(
            role_name=name,
            assume_role_policy_document=json.dumps(trust),
            path=path,
            permissions_boundary=None,
            description=description,
            tags=[],
            max_session_duration="3600",
        )
        made.create_date = self.later(minutes=1)
        return made

    def policy(self, name: str, *versions: Document | str, path: str = "/") -> ManagedPolicy:
        """Make a customer managed policy; each later version became the default one when it was made."""
        first, *others = (version if isinstance(version, str) else json.dumps(version) for version in versions)
        made = self.iam.create_policy(
            description="", path=path, policy_document=first, policy_name=name, tags=[]
        )  # moto's parameters
        made.create_date = made.versions[0].create_date = self.later(minutes=1)
        for text in others:
            version = self.iam.create_policy_version(made.arn, text, True)
            version.create_date = self.later(days=100)
        made.update_date = self.now
        return made

    def concurrency(self, value: int) -> None:
        """Decide how many Lambda functions may run at a time in each Region."""
        quotas.set_concurrency(self.id, quotas.EVERY_REGION, value)


def trust_of(*services: str) -> Document:
    """A trust policy for AWS services."""
    service: str | Sequence[str] = services[0] if len(services) == 1 else list(services)
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def remotion_policy(kind: catalogue.PolicyKind, release: str = "4.0.527", partition: str = "aws") -> str:
    """What `npx remotion lambda policies user` (or role) of a release prints."""
    parsed = parse_release(release)
    assert parsed is not None
    return catalogue.render(catalogue.policy(kind, parsed, partition))


def documented_role(account: Account, *trusted: str) -> Role:
    """Remotion's render role, as the set-up page has it made in the console."""
    return account.role(names.RENDER_ROLE, trust_of(*(trusted or (names.LAMBDA_SERVICE,))))
