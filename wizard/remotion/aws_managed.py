"""The policies that AWS itself keeps for Lambda: what each allows, whom it is meant for, and where it is too wide for Remotion.

Sources: AWS Managed Policy Reference Guide (the pages of the five policies and of AWSLambdaFullAccess);
AWS Lambda Developer Guide, "AWS managed policies for AWS Lambda". The texts are in assets/policies/aws-managed.json.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import Any, Final, Literal

from wizard.places import asset
from wizard.text import listing, quoted

Holder = Literal["person", "execution role"]

_ARN: Final = re.compile(r"arn:aws[a-z-]*:iam::aws:policy/(?:[\x21-\x7e]+/)?([\w+=,.@-]+)", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class AwsManagedPolicy:
    """One policy that AWS keeps. `allows` and `does_not_allow` are sample actions for what the texts claim."""

    name: str
    path: str
    meant_for: Holder
    for_whom: str
    allows_text: str
    does_not_text: str
    warning: str
    allows: tuple[str, ...]
    does_not_allow: tuple[str, ...]

    def arn(self, partition: str = "aws") -> str:
        """Return its ARN; AWS keeps the policy in every partition."""
        return f"arn:{partition}:iam::aws:policy{self.path}{self.name}"


@dataclass(frozen=True)
class Resolved:
    """A policy that a text means. `retired_name` is the old name that the text gave, `sentence` says what became of it."""

    policy: AwsManagedPolicy
    retired_name: str = ""
    sentence: str = ""


def policies() -> tuple[AwsManagedPolicy, ...]:
    """Return AWS's current policies for Lambda that can have a place in a set-up for Remotion."""
    return tuple(_by_name().values())


def resolve(text: str) -> Resolved | None:
    """Return the policy that a name or an ARN means, retired names too; None if it is none of these policies.

    IAM's names of policies are unique without regard to case: any case is understood.
    """
    given = text.strip()
    found = _ARN.fullmatch(given)
    name = (found[1] if found else given.removeprefix("service-role/")).lower()
    for retired, entry in _data()["retired"].items():
        if name == retired.lower():
            return Resolved(_by_name()[entry["now"]], retired, entry["sentence"])
    return next((Resolved(policy) for policy in policies() if name == policy.name.lower()), None)


def problem(text: str) -> str:
    """Return what is wrong with the name or ARN of an AWS-managed policy and what is allowed, or ""."""
    if resolve(text):
        return ""
    known = [policy.name for policy in policies()]
    last = text.strip().rpartition("/")[2]
    folded = {name.lower(): name for name in known}
    near = [folded[match] for match in get_close_matches(last.lower(), folded, n=2, cutoff=0.75)]
    guess = f" Did you mean {listing(near, 'or')}?" if near else ""
    return (
        f"{quoted(text)} is not one of AWS's policies that fit here.{guess} "
        f"Allowed: {listing(known, 'or')}, by name or by ARN."
    )


@cache
def _data() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(asset("policies", "aws-managed.json").read_text("utf-8"))
    return loaded


@cache
def _by_name() -> dict[str, AwsManagedPolicy]:
    found = {}
    for entry in _data()["policies"]:
        lists = {key: tuple(entry[key]) for key in ("allows", "does_not_allow")}
        found[entry["name"]] = AwsManagedPolicy(**{**entry, **lists})
    return found
