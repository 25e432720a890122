"""Whatever goes wrong on the way to AWS, running the same again ends where an undisturbed run would have ended.

Each fault costs a quarter of a second: a plain run takes every kind in every variant and every operation once, a thorough
one several kinds an operation, and FAULTS=all every kind at every call. The figures stand at the end of pytest's output.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.engine.support import (
    KINDS,
    Fault,
    Killed,
    Place,
    Sandboxed,
    account_state,
    active_keys,
    connection,
    env,
    failures,
    given,
    iam,
    onboard,
    plan_for,
)
from wizard.apply.events import Failed, Finished, Skipped
from wizard.check.findings import Status
from wizard.cli import main
from wizard.collect.answers import Answers
from wizard.engine import Engine
from wizard.handover.aws_profile import read_profile
from wizard.plan.changes import Plan
from wizard.policy.trust import service_trust
from wizard.problem import ExitCode, Problem, ProblemError
from wizard.quotas.limits import read_history
from wizard.remotion import names

BUCKET = "acme-videos"
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
    "bucket with managed policies, quota": given(
        output_bucket__name=BUCKET, output_bucket__attach="managed", quotas__concurrent_executions=1000
    ),
    "bucket with inline policies, quota": given(
        output_bucket__name=BUCKET,
        output_bucket__attach="inline",
        principal__attach="managed",
        quotas__concurrent_executions=1000,
    ),
}
# What a failed run may tell the person, by kind: one of these words stands in the problem's text.
_TRUE = {
    "throttled": ("slow down",),
    "server-error": ("InternalFailure", "gave no answer"),
    "server-error-after": ("InternalFailure", "gave no answer"),
    "time-out-before": ("could not be reached", "no answer"),
    "time-out-after": ("could not be reached", "no answer"),
    "reset-before": ("could not be reached", "no answer"),
    "reset-after": ("could not be reached", "no answer"),
    "denied": ("not call", "not authorized", "not allowed"),
    "expired": ("expired",),
}
_ALL = os.environ.get("FAULTS") == "all"
_ONCE_ONLY = {"CreateAccessKey", "RequestServiceQuotaIncrease"}  # what must never be done twice is broken in every way
_NEW = {  # the operations that the variants before do not have
    "managed user, key to a profile": {"AttachUserPolicy"},
    "role that a server takes": {"UpdateAssumeRolePolicy", "DeleteRolePolicy", "SimulatePrincipalPolicy"},
    "bucket with managed policies, quota": {
        "GetBucketLocation",
        "GetBucketOwnershipControls",
        "GetBucketEncryption",
        "GetPublicAccessBlock",
        "GetBucketPolicy",
        "GetServiceQuota",
        "ListRequestedServiceQuotaChangeHistoryByQuota",
        "CreateServiceLinkedRole",
        "RequestServiceQuotaIncrease",
    },
    "bucket with inline policies, quota": {"PutRolePolicy"},
}
_ONCE_WRONG = {  # what went wrong once
    "role that a server takes": (Fault("GetRolePolicy", 1, "expired"),),
    "bucket with managed policies, quota": (
        Fault("GetAccountSettings", 1, "denied"),
        Fault("GetBucketOwnershipControls", 1, "denied"),
    ),
}
_READ_KINDS = tuple(kind for kind, happened in KINDS.items() if not happened)
Figures = Callable[[str, object], None]


@pytest.fixture(autouse=True)
def no_naps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries wait their turn by sleeping, and disks by turning; here nothing is gained by either."""
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    monkeypatch.setattr("os.fsync", lambda _handle: None)


@dataclass
class Attempt:
    """How one run ended, and what it told."""

    ended: str
    problems: tuple[Problem, ...] = ()
    plan: Plan | None = None

    @property
    def text(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


def attempt(engine: Engine, answers: Answers, plan: Plan | None = None) -> Attempt:
    """Sign in, plan and apply once; where there is a plan, apply that."""
    try:
        if plan is None:
            connection(engine).identify()
            plan = plan_for(engine, answers)
        if plan.problems:
            return Attempt("problem", plan.problems, plan)
        outcome = list(engine.apply(plan))
    except ProblemError as error:
        return Attempt("refused", (error.problem,))
    except Killed:
        return Attempt("killed")
    end = outcome[-1]
    assert isinstance(end, Finished)
    assert end.ok is not bool(failures(outcome)), "an end that contradicts what happened"
    told = tuple(event.problem for event in outcome if isinstance(event, (Failed, Skipped)))
    return Attempt("ok" if end.ok else "failed", told, plan)


def place_of_secret(place: Place, answers: Answers) -> Path:
    return place.credentials if answers.text("credentials.write") == "aws-profile" else place.env


def secret_of(place: Place, answers: Answers) -> tuple[str, str]:
    if answers.text("credentials.write") == "aws-profile":
        section = read_profile(place.credentials, "remotion") or {}
        return section.get("aws_access_key_id", ""), section.get("aws_secret_access_key", "")
    found = env(place)
    return found.get(names.ACCESS_KEY_ID, ""), found.get(names.SECRET_ACCESS_KEY, "")


def files_with(secrets: Sequence[str], place: Place) -> set[Path]:
    """Every file of the machine that holds one of the secrets. The sandbox's own state is no part of the machine."""
    found = set[Path]()
    for root in (place.home, place.state / "runs", place.state / "quotas"):
        for path in root.rglob("*"):
            if path.is_file() and any(secret.encode() in path.read_bytes() for secret in secrets):
                found.add(path)
    return found


def _requests(engine: Engine) -> list[tuple[str, int]]:
    return [(request.status, request.value) for request in read_history(connection(engine), "us-east-1")]


def state(engine: Engine) -> str:
    """Everything of the account that a set-up is about."""
    return f"{account_state(engine)}\n{_requests(engine)}"


def _in_force(whole: str, made: Plan) -> tuple[object, str]:
    """A state without the versions of policies that are not in force; such are only those that the plan `made` made."""
    account, _, requests = whole.rpartition("\n")
    found = json.loads(account)
    documents = [change.after for change in made.writing if change.kind == "policy"]
    for policy in found["Policies"]:
        default = policy.pop("DefaultVersionId")
        versions = {version["VersionId"]: version["Document"] for version in policy.pop("PolicyVersionList")}
        policy["Document"] = versions.pop(default)
        assert all(document in documents for document in versions.values()), "a version that nobody planned"
    return found, requests


def begin(sandbox: Sandboxed, answers: Answers) -> None:
    """A fresh account, with what is to be there before."""
    sandbox.start_over()
    client = iam(sandbox.engine)
    if answers.text("output_bucket.name"):
        connection(sandbox.engine).client("s3").create_bucket(Bucket=BUCKET)
    if answers.text("principal.kind") == "role":
        trust = json.dumps(service_trust("ec2.amazonaws.com"))
        client.create_role(RoleName="server", AssumeRolePolicyDocument=trust)
        client.create_role(RoleName="remotion-ec2-executionrole", AssumeRolePolicyDocument=trust)
        client.attach_role_policy(
            RoleName="remotion-ec2-executionrole", PolicyArn="arn:aws:iam::aws:policy/IAMReadOnlyAccess"
        )
        wide = json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}})
        client.put_role_policy(RoleName="remotion-ec2-executionrole", PolicyName="old-trial", PolicyDocument=wide)
    sandbox.wire.calls.clear()
    sandbox.place.env.write_text("MINE=1\n# a comment\n")


@dataclass(frozen=True)
class Undisturbed:
    """A run in which nothing goes wrong: what was planned and called, and how it ends."""

    plan: Plan
    discovery: tuple[str, ...]  # the operations, in order
    applying: tuple[str, ...]
    account: str
    machine: Mapping[str, str]


def undisturbed(sandbox: Sandboxed, answers: Answers) -> Undisturbed:
    """Set up an account with nothing in the way."""
    engine, wire = sandbox.engine, sandbox.wire
    begin(sandbox, answers)
    connection(engine).identify()
    plan = plan_for(engine, answers)
    discovery = tuple(wire.calls)
    wire.calls.clear()
    assert attempt(engine, answers, plan).ended == "ok"
    applying = tuple(wire.calls)
    account, files = state(engine), machine(sandbox)
    assert plan_for(engine, answers).is_empty
    return Undisturbed(plan, discovery, applying, account, files)


def machine(sandbox: Sandboxed) -> dict[str, str]:
    """Every file below the home, without what differs from key to key."""
    secrets, home = sandbox.wire.secrets, sandbox.place.home
    found = dict[str, str]()
    for path in home.rglob("*"):
        if path.is_file():
            text = path.read_text()
            for secret in secrets:
                text = text.replace(secret, "a secret")
            found[str(path.relative_to(home))] = re.sub(r"\bAKIA[0-9A-Z]{12,}", "a key", text)
    return found


def _every(calls: Sequence[str], kinds: Sequence[str]) -> Iterator[Fault]:
    for operation, times in Counter(calls).items():
        for time in range(1, times + 1):
            yield from (Fault(operation, time, kind) for kind in kinds)


READING, APPLYING = "while it is read", "while it is applied"
# The other variants read just what one of these does.
_PHASES = [
    ("inline user, key to .env", READING),
    ("role that a server takes", READING),
    ("bucket with managed policies, quota", READING),
    *((variant, APPLYING) for variant in VARIANTS),
]
_CASES = [
    *((*phase, "all" if _ALL else "some") for phase in _PHASES),
    *(pytest.param(*phase, "more", marks=pytest.mark.thorough) for phase in _PHASES if not _ALL),
]


def _faults(run: Undisturbed, variant: str, phase: str, much: str) -> list[Fault]:
    """The faults to try; `much` is "some" (every kind, and each operation that is new), "more" of each operation, or "all"."""
    calls, kinds = (run.discovery, _READ_KINDS) if phase == READING else (run.applying, tuple(KINDS))
    once_wrong = _ONCE_WRONG.get(variant, ()) if phase == READING else ()
    if much == "all":
        return [*_every(calls, kinds)]
    if much == "more":
        return [*_in_turn(calls, kinds, 1 if phase == READING else 3), *once_wrong]
    new, chance = _NEW.get(variant), random.Random(variant)
    mixed = chance.sample(kinds, len(kinds))
    told = {fault.operation for fault in once_wrong}
    each = [call for call in calls if call not in told and (new is None or call in new)]
    chosen = [*_in_turn(each, mixed, 1), *once_wrong]
    left = set(kinds) - {fault.kind for fault in chosen} if phase == APPLYING else ()
    return [*chosen, *(chance.choice([*_every(calls, (kind,))]) for kind in kinds if kind in left)]


def _in_turn(calls: Sequence[str], kinds: Sequence[str], each: int) -> Iterator[Fault]:
    """Each operation with so many kinds in turn; what must never be done twice with all."""
    turn = itertools.cycle(kinds)
    for operation in dict.fromkeys(calls):
        some = kinds if operation in _ONCE_ONLY else itertools.islice(turn, each)
        yield from (Fault(operation, 1, kind) for kind in some)


@pytest.mark.parametrize(("variant", "phase", "much"), _CASES)
def test_after_any_fault_at_any_call_a_second_run_ends_as_if_nothing_had_happened(
    sandbox: Sandboxed, variant: str, phase: str, much: str, record_property: Figures
) -> None:
    answers = VARIANTS[variant]
    run = undisturbed(sandbox, answers)
    tried, survived, outcomes, wrong = Counter[str](), Counter[str](), Counter[str](), []
    for fault in _faults(run, variant, phase, much):
        begin(sandbox, answers)
        tried[fault.kind] += 1
        try:
            outcomes[_survives(sandbox, answers, fault, run, phase)] += 1
            survived[fault.kind] += 1
        except Exception as error:
            wrong.append(f"{fault}, {phase}: {type(error).__name__}: {error}")
    kinds = ", ".join(f"{kind} {survived[kind]}/{tried[kind]}" for kind in tried)
    record_property(
        "figures",
        f"{variant}, {phase}: faults tried {tried.total()}, survived {survived.total()} "
        f"({len(run.applying if phase == APPLYING else run.discovery)} calls)\n"
        f"    {kinds}\n    the first run ended: {dict(outcomes)}",
    )
    assert not wrong, "\n".join(wrong)
    assert phase == READING or set(tried) == set(KINDS)


def _survives(sandbox: Sandboxed, answers: Answers, fault: Fault, run: Undisturbed, phase: str) -> str:
    """Run into a fault, look, run again, and look at everything; return how the first run ended."""
    place, engine, wire = sandbox.place, sandbox.engine, sandbox.wire
    wire.fault = replace(fault)
    first = attempt(engine, answers, run.plan if phase == APPLYING else None)
    assert wire.struck == 1, "it did not strike"
    if wire.dead:
        first = Attempt("killed")
    assert fault.kind.startswith("killed") or first.ended == "ok" or any(t in first.text for t in _TRUE[fault.kind]), (
        f"a message that does not fit: {first.text}"
    )
    lines = place.env.read_text().splitlines()
    assert lines[:2] == ["MINE=1", "# a comment"], ".env is neither old nor new"
    home = place_of_secret(place, answers)
    assert files_with(wire.secrets, place) <= {home}, "a secret outside of its place"
    wire.mend()
    again = plan_for(engine, answers)
    assert not again.problems, again.problems
    # A plan that was made without knowing all, and says so: a read was denied. The next run corrects what it made.
    unsure = fault.kind == "denied" and first.plan is not None and bool(set(first.plan.warnings) - set(again.warnings))
    if first.ended == "ok":
        left = [c.id for c in again.writing]
        assert unsure or all(c.optional for c in again.writing), f"ended well, and this is left: {left}"
        refused = any(c.call is not None and c.call.operation == fault.operation for c in again.writing)
        assert first.problems or not refused, f"this was left out and not told: {left}"
    if again.writing:
        end = list(engine.apply(again))[-1]
        assert isinstance(end, Finished) and end.ok, end
    else:
        engine.settle(again)
    if unsure and first.plan is not None:  # a policy that was corrected has a second version
        assert _in_force(state(engine), first.plan) == _in_force(run.account, first.plan), "the account differs"
    else:
        assert state(engine) == run.account, "the account differs"
    assert machine(sandbox) == run.machine, "the files differ"
    if answers.text("principal.kind") == "user":
        key_id, secret = secret_of(place, answers)
        assert active_keys(engine) == [key_id], "an orphaned key"
        assert secret == wire.secrets[-1] and files_with(wire.secrets, place) == {home}
        others = [s for s in wire.secrets[:-1] if s in home.read_text()]
        assert not others, "the secret of a key that is deleted"
    assert engine.unfinished_runs() == ()
    return first.ended


# What the command says and ends with


_COMMAND = [
    (Fault("GetCallerIdentity", 1, "expired"), ExitCode.NO_ACCESS, "have expired", "Sign in again"),
    (Fault("GetUser", 1, "expired"), ExitCode.NO_ACCESS, "have expired", "Sign in again"),
    (Fault("GetUser", 1, "time-out-before"), ExitCode.OK, "", ""),  # tried again
    (Fault("CreateRole", 1, "denied"), ExitCode.DOES_NOT_HOLD, "You may not call any:CreateRole", "administrator"),
    (Fault("CreateUser", 1, "expired"), ExitCode.DOES_NOT_HOLD, "have expired", "Sign in again"),
    (Fault("CreateUser", 1, "server-error-after"), ExitCode.OK, "", ""),
    (Fault("CreateAccessKey", 1, "denied"), ExitCode.DOES_NOT_HOLD, "You may not call any:CreateAccessKey", ""),
]


@pytest.mark.parametrize(("fault", "code", "told", "remedy"), _COMMAND, ids=[str(fault) for fault, *_ in _COMMAND])
def test_the_command_ends_with_a_code_and_words_that_tell_the_truth(
    sandbox: Sandboxed,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    fault: Fault,
    code: ExitCode,
    told: str,
    remedy: str,
) -> None:
    answers = sandbox.place.home / "answers.toml"
    answers.write_text("version = 1\n")
    monkeypatch.setattr("wizard.commands.apply.open_engine", lambda _options: sandbox.engine)
    monkeypatch.setattr(sandbox.engine, "_target", lambda *_: sandbox.target)
    sandbox.wire.fault = replace(fault)
    command = ["apply", "--answers", str(answers), "--yes", "--json"]
    assert main(command) == code
    said = capsys.readouterr()
    outcome = json.loads(said.out)
    assert outcome["ok"] is (code == ExitCode.OK)
    assert told in said.err and remedy in said.err
    assert not told or told in outcome["problem"]["title"] + outcome["problem"]["detail"]
    sandbox.wire.mend()
    assert main(command) == ExitCode.OK
    said_again = capsys.readouterr()
    assert not any(secret in text for secret in sandbox.wire.secrets for text in (*said, *said_again))


# The check after a set-up


def test_a_fault_while_it_is_checked_is_told_and_changes_nothing(sandbox: Sandboxed, record_property: Figures) -> None:
    engine, wire, answers = sandbox.engine, sandbox.wire, Answers()
    onboard(engine, answers)
    wire.calls.clear()
    whole = engine.check(answers)
    calls = list(wire.calls)
    reference, tried, ended = state(engine), 0, Counter[str]()
    kinds = itertools.cycle(_READ_KINDS)
    faults = _every(calls, _READ_KINDS) if _ALL else (Fault(o, 1, next(kinds)) for o in dict.fromkeys(calls))
    for fault in faults:
        wire.mend()
        wire.fault = replace(fault)
        tried += 1
        try:
            report = engine.check(answers)
        except (ProblemError, Killed):
            ended["refused"] += 1
            continue
        passed = {f.id for f in report.findings if f.status is Status.PASS}
        assert passed <= {f.id for f in whole.findings if f.status is Status.PASS}, str(fault)
        ended["proven" if len(passed) == len(whole.findings) else "in part"] += 1
    wire.mend()
    assert state(engine) == reference
    assert engine.check(answers).ok
    record_property("figures", f"the check: faults tried {tried}, survived {ended.total()} {dict(ended)}")


# A fault that stays, and the one call that is never repeated


@pytest.mark.parametrize("operation", ["CreateRole", "CreateAccessKey", "PutUserPolicy"])
def test_an_account_that_keeps_throttling_ends_in_a_problem_that_says_wait(sandbox: Sandboxed, operation: str) -> None:
    sandbox.wire.fault, sandbox.wire.forever = Fault(operation, 1, "throttled"), True
    outcome = list(sandbox.engine.apply(plan_for(sandbox.engine)))
    assert "slow down" in failures(outcome)[0].problem.title
    assert sandbox.wire.struck > 1
    sandbox.wire.mend()
    onboard(sandbox.engine)


def test_a_key_is_asked_for_once_and_never_again_while_the_first_may_exist(sandbox: Sandboxed) -> None:
    sandbox.wire.fault = Fault("CreateAccessKey", 1, "time-out-after")
    onboard(sandbox.engine)
    calls = sandbox.wire.calls
    first = calls.index("CreateAccessKey")
    assert calls[first + 1 : first + 3] == ["ListAccessKeys", "DeleteAccessKey"]
    assert calls.count("CreateAccessKey") == 2
    assert len(active_keys(sandbox.engine)) == 1


def test_a_key_whose_secret_was_lost_is_told_to_who_wants_no_key(sandbox: Sandboxed) -> None:
    engine = sandbox.engine
    sandbox.wire.fault = Fault("CreateAccessKey", 1, "killed-after")
    with pytest.raises(Killed):
        list(engine.apply(plan_for(engine)))
    sandbox.wire.mend()
    (lost,) = active_keys(engine)
    plan = plan_for(engine, given(credentials__write="none"))
    assert any(lost in warning and "aws iam delete-access-key" in warning for warning in plan.warnings)
    assert not any(lost in change.id for change in plan.writing)
