"""Lists of what an account holds, all pages of them: of anything, and of what Remotion itself has made there. Reads only.

What AWS refuses is raised as it comes: who asks knows what it means.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from wizard.remotion import names

_LAMBDA_LOGS: Final = "/aws/lambda/"


def read_pages(client: Any, operation: str, field: str, **parameters: Any) -> list[Any]:
    """Return what an operation lists, of all its pages."""
    return [item for page in client.get_paginator(operation).paginate(**parameters) for item in page[field]]


def own_buckets(s3: Any) -> list[Mapping[str, Any]]:
    """Return the account's buckets, each with its Region where S3 says it. AWS operation: s3:ListBuckets."""
    return read_pages(s3, "list_buckets", "Buckets", PaginationConfig={"PageSize": 1000})


def remotion_buckets(s3: Any) -> list[Mapping[str, Any]]:
    """Return the buckets that Remotion made. AWS operation: s3:ListBuckets."""
    return [bucket for bucket in own_buckets(s3) if str(bucket["Name"]).startswith(names.BUCKET_PREFIX)]


def own_functions(client: Any) -> list[Mapping[str, Any]]:
    """Return the functions of the Lambda client's Region. AWS operation: lambda:ListFunctions."""
    return read_pages(client, "list_functions", "Functions")


def remotion_functions(client: Any) -> list[Mapping[str, Any]]:
    """Return the render functions of the Lambda client's Region. AWS operation: lambda:ListFunctions."""
    return [f for f in own_functions(client) if str(f["FunctionName"]).startswith(names.FUNCTION_PREFIX)]


def remotion_log_groups(logs: Any) -> list[Mapping[str, Any]]:
    """Return the log groups of render functions, also of those that are gone. AWS operation: logs:DescribeLogGroups."""
    prefix = _LAMBDA_LOGS + names.FUNCTION_PREFIX
    return read_pages(logs, "describe_log_groups", "logGroups", logGroupNamePrefix=prefix)


def function_of_logs(log_group: str) -> str:
    """Return the name of the function that a log group is of."""
    return log_group.removeprefix(_LAMBDA_LOGS)
