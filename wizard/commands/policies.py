"""`policies`: print a policy. Needs no AWS."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Final

from wizard.commands.shared import require_region, require_right
from wizard.problem import ExitCode, UsageProblem
from wizard.text import listing, quoted

if TYPE_CHECKING:
    from wizard.remotion.releases import Release


def run(options: argparse.Namespace) -> int:
    from wizard.remotion.catalogue import latest_release, policy, render
    from wizard.remotion.regions import partition_of
    from wizard.remotion.releases import parse_release

    release = parse_release(options.remotion_version) if options.remotion_version else latest_release()
    if release is None:
        shown = quoted(options.remotion_version, 40)
        raise UsageProblem(f"--remotion-version: {shown} is not a release. Allowed: a full number such as 4.0.527.")
    if options.remotion_version:
        require_right("--remotion-version", "remotion.version", str(release))
    if options.region:
        require_region(options.region)
    _require_right_options(options)
    partition = partition_of(options.region) if options.region else options.partition or "aws"
    if options.kind == "output-bucket":
        return _output_bucket_policy(options, partition, release)
    if options.kind == "operator":
        return _operator_policies(options.name, partition, options.region, options.account)
    if options.name:
        raise UsageProblem(f"policies {options.kind} takes no name. Names go with: policies operator")
    print(render(policy(options.kind, release, partition)))
    return ExitCode.OK


_OF_BUCKETS: Final = ("bucket", "grant", "prefix", "delete", "no_acls", "kms_key", "caller", "other_side")


def _require_right_options(options: argparse.Namespace) -> None:
    """Refuse options that are wrong in themselves, and those that this kind of policy does not know."""
    import re

    from wizard.remotion.regions import PARTITIONS

    if options.partition and options.partition not in PARTITIONS:
        shown = quoted(options.partition, 40)
        raise UsageProblem(f"--partition: there is no partition {shown}. Allowed: {listing(PARTITIONS, 'or')}.")
    if options.account and not re.fullmatch(r"\d{12}", options.account, re.ASCII):
        raise UsageProblem(f"--account: {quoted(options.account, 40)} is not an account. Allowed: twelve digits.")
    if options.account and options.kind in {"user", "role"}:
        raise UsageProblem("--account goes with: policies operator, or policies output-bucket")
    stray = next((name for name in _OF_BUCKETS if getattr(options, name)), "")
    if stray and options.kind != "output-bucket":
        raise UsageProblem(f"--{stray.replace('_', '-')} goes with: policies output-bucket")


def _operator_policies(wanted: list[str], partition: str, region: str, account: str) -> int:
    """Print the permissions for people who look after the functions as one document, or list what there is."""
    from wizard.remotion import names, operators

    for name in wanted:
        wrong = operators.problem(name)
        if wrong:
            raise UsageProblem(f"policies operator: {wrong}")
    role = f"arn:{partition}:iam::{account or '*'}:role/{names.RENDER_ROLE}"
    regions = (region,) if region else ()
    policies = [
        operators.operator_policy(name, partition, account or "*", role, regions) for name in wanted or operators.IDS
    ]
    if not wanted:
        width = max(len(policy.id) for policy in policies)
        print("\n".join(f"{policy.id.ljust(width)}  {policy.sentence}" for policy in policies))
        print("\nPrint one with: remotion-lambda-wizard policies operator NAME…")
        return ExitCode.OK
    statements = [s for policy in policies for s in policy.document["Statement"]]
    print(json.dumps({"Version": "2012-10-17", "Statement": statements}, indent=2))
    return ExitCode.OK


def _output_bucket_policy(options: argparse.Namespace, partition: str, release: Release) -> int:
    """Print what the render role, the caller or the other side needs for an output bucket."""
    from wizard.output.grant import Grant, Wish, caller_grant, role_grant
    from wizard.output.other_side import other_side
    from wizard.remotion import names

    if not options.bucket:
        raise UsageProblem("policies output-bucket needs the bucket's name: --bucket NAME")
    if options.name:
        raise UsageProblem("policies output-bucket takes no name beside --bucket.")
    for flag, key in (("bucket", "name"), ("prefix", "prefix"), ("kms_key", "kms_key")):
        require_right(f"--{flag.replace('_', '-')}", f"output_bucket.{key}", getattr(options, flag))
    grant: Grant = options.grant or "complete"
    wish = Wish(options.bucket, grant, partition, options.prefix, options.delete, not options.no_acls, options.kms_key)
    if options.other_side:
        if not options.account:
            raise UsageProblem("--other-side names your role by its ARN: say your account, --account 123456789012")
        here = f"arn:{partition}:iam::{options.account}"
        reader = "" if grant == "put-object" else f"{here}:user/{names.USER}"
        print(other_side(wish, f"{here}:role/{names.RENDER_ROLE}", reader, release, options.region).text)
        return ExitCode.OK
    granted = caller_grant(wish) if options.caller else role_grant(wish, release)
    if granted is None:
        raise UsageProblem("The documented minimum gives the caller nothing. Allowed with --caller: --grant complete")
    print(json.dumps(granted.document, indent=2))
    return ExitCode.OK
