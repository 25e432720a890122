"""Regions that Remotion Lambda supports, and the partitions they belong to.

Source: the region list in @remotion/lambda-client 4.0.527; remotion.dev/docs/lambda/region-selection.
"""

from __future__ import annotations

import re
from typing import Final

ENABLED_BY_DEFAULT: Final = (
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
    "eu-central-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "eu-north-1",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ca-central-1",
    "sa-east-1",
)
OPT_IN: Final = ("eu-central-2", "eu-south-1", "af-south-1", "ap-east-1", "ap-southeast-4", "ap-southeast-5")
CHINA: Final = ("cn-north-1", "cn-northwest-1")
SUPPORTED: Final = (*ENABLED_BY_DEFAULT, *OPT_IN, *CHINA)
PARTITIONS: Final = ("aws", "aws-cn", "aws-us-gov")
# Where each partition's IAM is, as requests to it say, although it is one for all regions.
IAM_REGION: Final = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}

PLACES: Final = {
    "us-east-1": "N. Virginia",
    "us-east-2": "Ohio",
    "us-west-1": "N. California",
    "us-west-2": "Oregon",
    "eu-central-1": "Frankfurt",
    "eu-central-2": "Zurich",
    "eu-west-1": "Ireland",
    "eu-west-2": "London",
    "eu-west-3": "Paris",
    "eu-north-1": "Stockholm",
    "eu-south-1": "Milan",
    "af-south-1": "Cape Town",
    "ap-south-1": "Mumbai",
    "ap-east-1": "Hong Kong",
    "ap-southeast-1": "Singapore",
    "ap-southeast-2": "Sydney",
    "ap-southeast-4": "Melbourne",
    "ap-southeast-5": "Malaysia",
    "ap-northeast-1": "Tokyo",
    "ap-northeast-2": "Seoul",
    "ap-northeast-3": "Osaka",
    "ca-central-1": "Canada",
    "sa-east-1": "São Paulo",
    "cn-north-1": "Beijing",
    "cn-northwest-1": "Ningxia",
}


def is_region_name(text: str) -> bool:
    """Whether a text looks like a region of AWS; whether there is one, only AWS knows."""
    return re.fullmatch(r"[a-z]{2,5}(-[a-z]+)+-\d{1,2}", text, re.ASCII) is not None


def partition_of(region: str) -> str:
    """Return the partition that a region belongs to."""
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"


def hosted_layers(partition: str) -> bool:
    """Whether Remotion hosts layers with its binaries in this partition (elsewhere own layers are needed)."""
    return partition == "aws"
