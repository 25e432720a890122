"""`sandbox`: the AWS account in the box."""

from __future__ import annotations

import argparse
import json
from typing import Any

from wizard.commands.shared import unknown_scenario
from wizard.problem import ExitCode, UsageProblem
from wizard.text import count, listing, one_line


def run(options: argparse.Namespace) -> int:
    from wizard.sandbox import SCENARIOS, SandboxMissing, reset_sandbox

    if options.action == "scenarios":
        if options.json:
            print(json.dumps({name: s.summary for name, s in SCENARIOS.items()}, indent=2, ensure_ascii=False))
        else:
            width = max(map(len, SCENARIOS))
            print("\n".join(f"{name.ljust(width)}  {s.summary}" for name, s in SCENARIOS.items()))
        return ExitCode.OK
    if options.scenario and options.scenario not in SCENARIOS:
        raise unknown_scenario(options.scenario, "--scenario")
    if options.action == "reset":
        from wizard.apply import journal
        from wizard.quotas import remembered

        names = reset_sandbox(options.scenario or None)
        remembered.forget_sandbox(names)
        journal.forget_sandbox(names)
        print(f"Reset: {listing(names)}." if names else "There was nothing to reset.")
        return ExitCode.OK
    if options.action == "tick":
        return _tick(options)
    if options.action == "key":
        return _key(options)
    if not 0 <= options.port <= 65_535:
        raise UsageProblem(f"--port: {options.port} is not a port. Allowed: 0 to 65535.")
    if not 0 <= options.latency <= 60_000:
        raise UsageProblem(f"--latency: {options.latency} is out of range. Allowed: 0 to 60000 milliseconds.")
    from wizard.sandbox.server import serve

    try:
        serve(
            options.scenario,
            port=options.port,
            latency_ms=options.latency,
            enforce=not options.no_enforce,
            ready=_announce,
        )
    except SandboxMissing as error:
        raise UsageProblem("The sandbox is not installed.", str(error)) from error
    except OSError as error:
        raise UsageProblem(
            f"--port: {options.port} can't be used: {error.strerror or error}.", remedy="Choose another one, or 0."
        ) from error
    return ExitCode.OK


def _key(options: argparse.Namespace) -> int:
    """Print the newest access key of a user as lines for a .env file."""
    from wizard.remotion import names
    from wizard.sandbox import SandboxMissing, open_sandbox

    try:
        sandbox = open_sandbox(options.scenario)
    except SandboxMissing as error:
        raise UsageProblem("The sandbox is not installed.", str(error)) from error
    keys = sandbox.keys_of(options.user)
    sandbox.close()
    if not keys:
        raise UsageProblem(
            f"--user: {one_line(options.user, 64)} has no active access key in {options.scenario}.",
            remedy="Name a user that has one, or another scenario: remotion-lambda-wizard sandbox scenarios",
        )
    key, secret = keys[0]
    print(f"{names.ACCESS_KEY_ID}={key}\n{names.SECRET_ACCESS_KEY}={secret.reveal()}")
    return ExitCode.OK


def _tick(options: argparse.Namespace) -> int:
    """Move the time of a sandbox forward, and say what AWS has done meanwhile."""
    from wizard.sandbox import SandboxMissing, open_sandbox

    if not 1 <= options.days <= 365:
        raise UsageProblem(f"--days: {options.days} is out of range. Allowed: 1 to 365.")
    try:
        sandbox = open_sandbox(options.scenario)
    except SandboxMissing as error:
        raise UsageProblem("The sandbox is not installed.", str(error)) from error
    moved = sandbox.pass_time(options.days)
    sandbox.close()
    print(f"{count(options.days, 'day')} later in {options.scenario}.")
    for request in moved:
        applied = ", and it holds now" if request.get("sandbox_applied") else ""
        print(f"  {request['Region']}: the request for {request['DesiredValue']:,.0f} is {request['Status']}{applied}")
    if not moved:
        print("  Nothing was waiting for AWS.")
    return ExitCode.OK


def _announce(url: str, sandbox: Any) -> None:
    """Print where the sandbox answers and the lines to paste. Its administrator's key is of no use anywhere else."""
    lines = [
        f"The sandbox account {sandbox.account_id} ({sandbox.scenario}) answers at {url}. Stop it with Ctrl+C.",
        "",
        "Paste this into another terminal to work in it as its administrator:",
        f"  export AWS_ENDPOINT_URL={url}",
        f"  export AWS_REGION={sandbox.region} AWS_DEFAULT_REGION={sandbox.region}",
        f"  export AWS_ACCESS_KEY_ID={sandbox.access_key_id}",
        f"  export AWS_SECRET_ACCESS_KEY={sandbox.secret_access_key.reveal()}",
        *([f"  export AWS_SESSION_TOKEN={sandbox.session_token.reveal()}"] if sandbox.session_token else []),
        "",
        "Remotion's CLI takes the keys that the wizard wrote to .env, and needs only AWS_ENDPOINT_URL.",
    ]
    print("\n".join(lines), flush=True)
