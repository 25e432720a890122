"""The few AWS-managed policies that a set-up for Remotion meets, taken from moto's own collection of them.

Moto can load all of AWS's policies, which costs 0.7 s; reading these few out of the same text takes milliseconds.
"""

from __future__ import annotations

import json
from typing import Any

from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.iam.models import AWSManagedPolicy, IAMBackend, ManagedPolicy, iam_backends
from moto.settings import load_iam_aws_managed_policies

from wizard.sandbox.calls.seams import SeamMovedError, put, take

NAMES = (
    "AdministratorAccess",
    "PowerUserAccess",
    "IAMFullAccess",
    "IAMReadOnlyAccess",
    "AWSLambda_FullAccess",
    "AWSLambda_ReadOnlyAccess",
    "AWSLambdaRole",
    "AWSLambdaBasicExecutionRole",
    "AWSLambdaVPCAccessExecutionRole",
    "CloudWatchLambdaInsightsExecutionRolePolicy",
    "AmazonS3FullAccess",
    "ServiceQuotasFullAccess",
)

_cache: dict[str, dict[str, Any]] = {}


def install() -> None:
    """Have every account of moto know the policies of `NAMES`, those that exist already too."""
    original = take(IAMBackend, "_init_aws_policies")

    def init_aws_policies(self: IAMBackend) -> list[ManagedPolicy]:
        if load_iam_aws_managed_policies():
            every: list[ManagedPolicy] = original(self)
            return every
        return _policies(self)

    put(IAMBackend, "_init_aws_policies", init_aws_policies)
    for accounts in list(iam_backends.values()):
        for backend in list(accounts.values()):
            for policy in _policies(backend):
                if policy.arn not in backend.managed_policies:
                    backend.managed_policies[policy.arn] = policy
                    backend.aws_managed_policies.append(policy)


def _policies(backend: IAMBackend) -> list[ManagedPolicy]:
    return [
        AWSManagedPolicy.from_data(name, backend.account_id, backend.region_name, data)
        for name, data in _data().items()
    ]


def _data() -> dict[str, dict[str, Any]]:
    """The entries of `NAMES`, cut out of moto's JSON without parsing the rest of it."""
    if not _cache:
        decoder = json.JSONDecoder()
        for name in NAMES:
            key = f'\n "{name}":'
            at = aws_managed_policies_data.find(key)
            if at < 0:
                raise SeamMovedError(f"moto.iam.aws_managed_policies has no {name}")
            _cache[name] = decoder.raw_decode(aws_managed_policies_data, at + len(key))[0]
    return _cache
