"""The names that Remotion's code looks for, and the ones its documentation uses.

Source: @remotion/lambda 4.0.527 (`serverless-client`/`lambda-client` constants) and remotion.dev/docs/lambda/setup.
"""

from __future__ import annotations

from typing import Final

RENDER_ROLE: Final = "remotion-lambda-role"  # exactly this name, at path "/": `functions deploy` builds the ARN from it
ROLE_POLICY: Final = "remotion-lambda-policy"
USER: Final = "remotion-user"
USER_POLICY: Final = "remotion-user-policy"
EXECUTION_POLICY: Final = "remotion-executionrole-policy"  # remotion.dev/docs/lambda/without-iam
SET_UP_POLICIES: Final = frozenset({USER_POLICY, EXECUTION_POLICY, ROLE_POLICY})
OPERATOR_POLICY: Final = "remotion-operator-"  # the wizard's own: with an id of wizard.remotion.operators behind it
LAMBDA_SERVICE: Final = "lambda.amazonaws.com"
BUCKET_PREFIX: Final = "remotionlambda-"
FUNCTION_PREFIX: Final = "remotion-render-"
QUOTA_ROLE: Final = "AWSServiceRoleForServiceQuotas"  # the first quota request of an account needs it
QUOTA_SERVICE: Final = "servicequotas.amazonaws.com"
FUNCTIONS_PER_RENDER: Final = 200  # one render may use up to so many functions at once (4.0.527)

ACCESS_KEY_ID: Final = "REMOTION_AWS_ACCESS_KEY_ID"
SECRET_ACCESS_KEY: Final = "REMOTION_AWS_SECRET_ACCESS_KEY"  # noqa: S105 - the variable's name, not a secret
SESSION_TOKEN: Final = "REMOTION_AWS_SESSION_TOKEN"  # noqa: S105 - the variable's name
PROFILE: Final = "REMOTION_AWS_PROFILE"

CREATED_BY_TAG: Final = {"Key": "created-by", "Value": "remotion-lambda-wizard"}


def bucket_name(region: str, suffix: str = "abcdefghij") -> str:
    """Return a bucket name as Remotion forms it: remotionlambda-<region without dashes>-<ten random characters>."""
    return f"{BUCKET_PREFIX}{region.replace('-', '')}-{suffix}"


def function_name(version: str, memory_mb: int = 2048, disk_mb: int = 2048, timeout_seconds: int = 120) -> str:
    """Return the name that `functions deploy` gives a function of this release with its default settings."""
    release = version.replace(".", "-")
    return f"{FUNCTION_PREFIX}{release}-mem{memory_mb}mb-disk{disk_mb}mb-{timeout_seconds}sec"
