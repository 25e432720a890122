"""Whatever goes wrong on the way to AWS, running the same again ends where an undisturbed run would have ended.

Each fault costs a quarter of a second, so a plain run leaves out what hardly differs; FAULTS=all tries every kind at
every call.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.engine.support import (
    KINDS,
    Fault,
    Killed,
    Place,
    Sandboxed,
    account_state,
    active_keys,
    env,
    failures,
    given,
    iam,
    onboard,
    plan_for,
)
from wizard.apply.events import Finished
from wizard.collect.answers import Answers
from wizard.engine import Engine
from wizard.handover.aws_profile import read_profile
from wizard.policy.trust import service_trust
from wizard.problem import ProblemError
from wizard.remotion import names

VARIANTS = {
    "inline user, key to .env": Answers(),
    "managed user, key to a profile": given(principal__attach="managed", credentials__write="aws-profile"),
    "role that a server takes": given(
        principal__kind="role",
        principal__name="remotion-ec2-executionrole",
        principal__assumed_by="server",
        principal__take_away=["old-trial"],
        extras__vpc=True,
        extras__operator=["invoke"],
    ),
}
_OTHERS = {
    "AttachUserPolicy",
    "CreateAccessKey",
    "UpdateAssumeRolePolicy",
    "DeleteRolePolicy",
    "SimulatePrincipalPolicy",
}
_ALL = os.environ.get("FAULTS") == "all"
# To the engine the others are what a time-out is, and killed-before is killed-after the call before (but for the key).
_PLAIN = ("throttled", "time-out-before", "time-out-after", "denied", "killed-after")
_WRITE_KINDS = tuple(KINDS) if _ALL else _PLAIN
_READ_KINDS = (
    ("throttled", "server-error", "time-out-before", "reset-before", "denied", "killed-before")
    if _ALL
    else ("time-out-before", "denied")
)


@pytest.fixture(autouse=True)
def no_naps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries wait their turn by sleeping, and disks by turning; here nothing is gained by either."""
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    monkeypatch.setattr("os.fsync", lambda _handle: None)


def _attempt(engine: Engine, answers: Answers) -> str:
    """Run once and say how it ended."""
    try:
        plan = plan_for(engine, answers)
        if plan.problems:
            return "problem"
        outcome = list(engine.apply(plan))
    except ProblemError:
        return "refused"
    except Killed:
        return "killed"
    assert isinstance(outcome[-1], Finished)
    assert outcome[-1].ok is not bool(failures(outcome))
    return "ok" if outcome[-1].ok else "failed"


def _secret_of(place: Place, answers: Answers) -> tuple[str, str]:
    if answers.text("credentials.write") == "aws-profile":
        section = read_profile(place.credentials, "remotion") or {}
        return section.get("aws_access_key_id", ""), section.get("aws_secret_access_key", "")
    found = env(place)
    return found.get(names.ACCESS_KEY_ID, ""), found.get(names.SECRET_ACCESS_KEY, "")


def _faults(calls: list[str], kinds: tuple[str, ...]) -> Iterator[Fault]:
    for operation, times in Counter(calls).items():
        for time in range(1, times + 1):
            for kind in kinds:
                yield Fault(operation, time, kind)


def _secrets_outside(place: Place, secret: str, allowed: str) -> list[str]:
    return [
        str(path)
        for root in (place.home, place.state / "runs")
        for path in root.rglob("*")
        if path.is_file() and path.name != allowed and secret.encode() in path.read_bytes()
    ]


def _begin(sandbox: Sandboxed, answers: Answers) -> None:
    """A fresh account; for a role with what is to be there before."""
    sandbox.start_over()
    if answers.text("principal.kind") == "role":
        client, trust = iam(sandbox.engine), json.dumps(service_trust("ec2.amazonaws.com"))
        client.create_role(RoleName="server", AssumeRolePolicyDocument=trust)
        client.create_role(RoleName="remotion-ec2-executionrole", AssumeRolePolicyDocument=trust)
        client.attach_role_policy(
            RoleName="remotion-ec2-executionrole", PolicyArn="arn:aws:iam::aws:policy/IAMReadOnlyAccess"
        )
        wide = json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}})
        client.put_role_policy(RoleName="remotion-ec2-executionrole", PolicyName="old-trial", PolicyDocument=wide)
        sandbox.wire.calls.clear()


@pytest.mark.parametrize("variant", VARIANTS)
def test_after_any_fault_at_any_call_a_second_run_ends_as_if_nothing_had_happened(
    sandbox: Sandboxed, variant: str
) -> None:
    place, engine, wire, answers = sandbox.place, sandbox.engine, sandbox.wire, VARIANTS[variant]
    _begin(sandbox, answers)
    plan = plan_for(engine, answers)
    reads = list(dict.fromkeys(wire.calls))
    wire.calls.clear()
    assert _attempt(engine, answers) == "ok"
    writes = wire.calls[len(plan_calls(wire.calls, plan.writing[0].call)) :]
    reference = account_state(engine)
    allowed = "credentials" if answers.text("credentials.write") == "aws-profile" else ".env"
    outcomes: Counter[str] = Counter()
    faults = [*_faults(writes, _WRITE_KINDS), *_faults(reads, _READ_KINDS)]
    makes_key = answers.text("principal.kind") == "user"
    faults += [Fault("CreateAccessKey", 1, "killed-before")] if makes_key and not _ALL else []
    if answers.given and not _ALL:  # what the first variant did not have
        faults = [f for f in faults if f.operation in _OTHERS or f.time > 1]
    for fault in faults:
        _begin(sandbox, answers)
        place.env.write_text("MINE=1\n# a comment\n")
        wire.fault = replace(fault)
        ended = _attempt(engine, answers)
        outcomes[ended] += 1
        assert wire.struck == 1, f"{fault} did not strike"
        lines = place.env.read_text().splitlines()
        assert lines[:2] == ["MINE=1", "# a comment"], f"{fault}: .env is neither old nor new"
        wire.fault = None
        again = plan_for(engine, answers)
        assert not again.problems, (str(fault), again.problems)
        if ended == "ok":  # only what may wait may be left
            assert all(c.optional for c in again.writing), f"{fault}: {[c.id for c in again.writing]}"
        if again.writing:
            assert all(e.ok for e in engine.apply(again) if isinstance(e, Finished)), str(fault)
        else:
            engine.settle(again)
        assert account_state(engine) == reference, str(fault)
        if makes_key:
            key_id, secret = _secret_of(place, answers)
            assert active_keys(engine) == [key_id], f"{fault}: an orphaned key"
            assert secret and not _secrets_outside(place, secret, allowed), str(fault)
        assert engine.unfinished_runs() == (), str(fault)
        assert not again.writing or plan_for(engine, answers).is_empty, str(fault)
    print(f"{variant}: {len(faults)} faults at {len(writes)} calls of apply and {len(reads)} of discovery: {outcomes}")


def plan_calls(calls: list[str], first: object) -> list[str]:
    """The calls before the first one that writes (or asks which keys there are, which the executor does itself)."""
    from wizard.plan.changes import Call

    assert isinstance(first, Call)
    return calls[: calls.index(first.operation)]


@pytest.mark.parametrize("operation", ["CreateRole", "CreateAccessKey", "PutUserPolicy"])
def test_an_account_that_keeps_throttling_ends_in_a_problem_that_says_wait(sandbox: Sandboxed, operation: str) -> None:
    sandbox.wire.fault, sandbox.wire.forever = Fault(operation, 1, "throttled"), True
    outcome = list(sandbox.engine.apply(plan_for(sandbox.engine)))
    assert "slow down" in failures(outcome)[0].problem.title
    assert sandbox.wire.struck > 1
    sandbox.wire.fault = None
    onboard(sandbox.engine)


def test_a_key_is_asked_for_once_and_never_again_while_the_first_may_exist(sandbox: Sandboxed) -> None:
    sandbox.wire.fault = Fault("CreateAccessKey", 1, "time-out-after")
    onboard(sandbox.engine)
    calls = sandbox.wire.calls
    first = calls.index("CreateAccessKey")
    assert calls[first + 1 : first + 3] == ["ListAccessKeys", "DeleteAccessKey"]
    assert calls.count("CreateAccessKey") == 2
    assert len(active_keys(sandbox.engine)) == 1
