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
    """A canned account: its name on the command line, and what it is in one sentence."""

    name: str
    summary: str


SCENARIOS: Final[Mapping[str, Scenario]] = MappingProxyType(
    {
        scenario.name: scenario
        for scenario in (
            Scenario(
                "fresh",
                "A new AWS account: an administrator and nothing else, at most 10 Lambda functions at a time, "
                "no service-linked role.",
            ),
        )
    }
)
