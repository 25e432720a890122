"""`quotas`: how many functions may run at a time, and asking AWS for more."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from wizard.commands.shared import confirm, finish, open_engine, require_region
from wizard.problem import ExitCode, UsageProblem
from wizard.terminal import is_read_aloud
from wizard.text import account_number, count, listing, plain

if TYPE_CHECKING:
    from wizard.engine import Engine
    from wizard.quotas.limits import RegionQuota


def run(options: argparse.Namespace) -> int:
    from wizard.collect.fields import concurrency_problem
    from wizard.quotas.limits import prepare, regions_of
    from wizard.remotion.regions import partition_of

    for region in options.regions:
        require_region(region)
    if options.regions and options.all_regions:
        raise UsageProblem("--region and --all-regions exclude each other.")
    if options.action == "list" and (options.value is not None or options.yes):
        raise UsageProblem("--value and --yes go with: quotas request")
    wrong = concurrency_problem(options.value if options.value else -1) if options.value is not None else ""
    if wrong:
        raise UsageProblem(f"--value: {wrong.partition(';')[0]}.", remedy="Nothing was sent.")
    options.region = options.regions[0] if options.regions else ""
    engine = open_engine(options)
    identity = engine.connect(
        meanwhile=lambda aws: prepare(aws, regions_of(aws.partition) if options.all_regions else options.regions)
    )
    foreign = [region for region in options.regions if partition_of(region) != identity.partition]
    if foreign:
        raise UsageProblem(
            f"--region: {listing(foreign)} is not in the partition of your AWS identity ({identity.partition}).",
            remedy="Choose regions of this partition, or another identity.",
        )
    regions = tuple(dict.fromkeys(options.regions)) or engine.quota_regions(options.all_regions)
    if options.action == "request":
        return _request_quotas(options, engine, regions)
    return _list_quotas(options, engine, regions)


def _list_quotas(options: argparse.Namespace, engine: Engine, regions: Sequence[str]) -> int:
    """Show the limits, each region's as soon as it is there; then what changed, what to do, what AWS was asked."""
    from wizard.quotas import advice, report

    out = sys.stderr if options.json else sys.stdout
    shows_progress, wordy = sys.stderr.isatty(), is_read_aloud()
    identity = engine.connected()
    print(f"Lambda concurrency in account {account_number(identity.account)}, as {plain(identity.arn)}\n", file=out)
    if not wordy:
        print(advice.HEADING, file=out)
    found: list[RegionQuota] = []
    for quota in engine.quotas(regions):
        found.append(quota)
        end = "\r\033[K" if shows_progress else ""
        print(f"{end}{plain(report.row_line(quota, wordy))}", file=out, flush=True)
        if shows_progress and len(found) < len(regions):
            print(f"{len(found)} of {count(len(regions), 'region')}…", end="", file=sys.stderr, flush=True)
    news = engine.quota_news(found)
    print(f"\n{report.summary(found)}", file=out)
    if news:
        print("\nWhat changed:", *(f"  {plain(line)}" for line in news), sep="\n", file=out)
    ordered = sorted(found, key=lambda quota: regions.index(quota.region))
    print(*("", *report.report_lines(ordered, identity.account)), sep="\n", file=out)
    unknown = [quota for quota in found if quota.failed]
    document = {
        "ok": not unknown,
        "account": identity.account,
        "quotas": [advice.to_json(quota) for quota in ordered],
        "changes": news,
    }
    return finish(document, ExitCode.DOES_NOT_HOLD if unknown else ExitCode.OK, options.json)


def _request_quotas(options: argparse.Namespace, engine: Engine, regions: Sequence[str]) -> int:
    """Ask AWS for a higher limit: plan, show, confirm, send once."""
    from wizard import lines
    from wizard.plan import render
    from wizard.quotas.report import requested_lines

    out = sys.stderr if options.json else sys.stdout
    plan = engine.quota_plan(regions, options.value)
    print(render.for_people(plan), file=out)
    result: dict[str, Any] = {"ok": False, "plan": plan.to_json(), "run": "", "requests": [], "problem": None}
    if plan.problems:
        result["problem"] = plan.problems[0].to_json()
        print("\nNothing was sent.", file=out)
        return finish(result, ExitCode.DOES_NOT_HOLD, options.json)
    if plan.is_empty:
        return finish(result | {"ok": True}, ExitCode.OK, options.json)
    if not options.yes:
        asks = [change for change in plan.writing if change.kind == "quota"]
        confirm(plan, f"Send {count(len(asks), 'request')} to AWS")
    outcome = lines.apply_with_lines(engine, plan, out, sys.stderr, is_read_aloud())
    made = engine.requested()
    print(*requested_lines(made, plan.identity.account), sep="\n", file=out)
    ok = outcome.problem is None and outcome.finished.ok
    result |= {"ok": ok, **outcome.to_json(), "requests": [{"region": r.region, **r.to_json()} for r in made]}
    return finish(result, ExitCode.OK if ok else ExitCode.DOES_NOT_HOLD, options.json)
