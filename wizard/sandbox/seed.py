"""The account as a scenario starts it: the administrator, and what the scenario says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from wizard.remotion.regions import IAM_REGION
from wizard.sandbox import accounts
from wizard.sandbox.calls import keys, quotas
from wizard.sandbox.scenarios import ACCOUNT_ID, ADMINISTRATOR, REGION, SCENARIOS

if TYPE_CHECKING:
    from moto.iam.models import IAMBackend


def secret_seed(scenario: str) -> str:
    """What the secret keys of a scenario are derived from. They open nothing but the sandbox, so it may be known."""
    return f"remotion-lambda-wizard sandbox {scenario}"


def start(scenario: str) -> str:
    """Make the account as `scenario` says, in backends that are empty. Returns the access key id of whoever works in it."""
    from moto.iam.models import iam_backends
    from moto.moto_api._internal import mock_random

    partition = home_partition(scenario)
    prepare(scenario, partition)
    quotas.set_concurrency(ACCOUNT_ID, quotas.EVERY_REGION, 10)  # what AWS gives a new account
    administrator = next(iter(iam_backends[ACCOUNT_ID][partition].access_keys))
    mock_random.seed(f"{secret_seed(scenario)} account")
    return accounts.furnish(scenario) or administrator


def home_partition(scenario: str) -> str:
    """The partition of the scenario's account."""
    return SCENARIOS[scenario].partition if scenario in SCENARIOS else "aws"


def prepare(scenario: str, partition: str, access_key_id: str = "") -> None:
    """Seed the account in `partition` (each has its own IAM) unless it was done before.

    The administrator has the same access key in every partition, `access_key_id`, so that a sandbox run can use a
    region of any. An account of China or GovCloud is different: as with AWS, its keys are unknown everywhere else.
    """
    from moto.iam.models import iam_backends
    from moto.moto_api._internal import mock_random

    if home_partition(scenario) not in {"aws", partition}:
        return
    backend: IAMBackend = iam_backends[ACCOUNT_ID][partition]
    if getattr(backend, "sandbox_seed", None) is not None:
        return
    keys.set_seed(ACCOUNT_ID, secret_seed(scenario), partition)
    mock_random.seed(f"{secret_seed(scenario)} administrator")
    backend.create_user(region_name=IAM_REGION.get(partition, REGION), user_name=ADMINISTRATOR)
    provide_aws_policy(f"arn:{partition}:iam::aws:policy/AdministratorAccess", partition)
    backend.attach_user_policy(f"arn:{partition}:iam::aws:policy/AdministratorAccess", ADMINISTRATOR)
    key = backend.create_access_key(user_name=ADMINISTRATOR)
    if access_key_id:
        backend.access_keys.pop(key.access_key_id)
        key.access_key_id = access_key_id
        backend.access_keys[access_key_id] = key


def provide_aws_policy(arn: str, partition: str) -> None:
    """Put the AWS-managed policy `arn` into the account, if AWS has such a one.

    Loading all 1,300 of them takes moto 0.7 s and would make the state megabytes; so they come when they are named.
    """
    from moto.iam.models import AWSManagedPolicy, iam_backends

    backend: IAMBackend = iam_backends[ACCOUNT_ID][partition]
    if arn in backend.managed_policies:
        return
    found = _aws_policy(arn.rsplit("/", 1)[-1])
    if found is None:
        return
    policy = AWSManagedPolicy.from_data(arn.rsplit("/", 1)[-1], ACCOUNT_ID, backend.region_name, found)
    if policy.arn == arn:
        backend.aws_managed_policies.append(policy)
        backend.managed_policies[arn] = policy


def _aws_policy(name: str) -> dict[str, Any] | None:
    from moto.iam.aws_managed_policies import aws_managed_policies_data

    start = aws_managed_policies_data.find(f'\n "{name}":')
    if start < 0 or '"' in name:
        return None
    found: dict[str, Any]
    found, _ = json.JSONDecoder().raw_decode(aws_managed_policies_data, aws_managed_policies_data.index("{", start))
    return found
