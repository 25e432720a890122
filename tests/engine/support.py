"""What the engine's tests share: places, an account to break, its state for comparison, and faults on the way to it."""

from __future__ import annotations

import json
import re
import shutil
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError

import wizard.sandbox
from wizard.account.connect import Aws, Keys, Target
from wizard.apply.events import Event, Failed, Finished
from wizard.check.findings import Finding, Report
from wizard.collect.answers import Answers
from wizard.engine import Engine, Options
from wizard.handover.env_file import variables_of
from wizard.plan.changes import Change, Plan
from wizard.remotion import names
from wizard.sandbox import Sandbox
from wizard.sandbox.errors import AwsError, reply_with
from wizard.sandbox.identify import guess_protocol
from wizard.sandbox.transport import message_of

GOLDEN: Final = Path(__file__).parent / "golden"
ACCOUNT: Final = "123456789012"
FRESH: Final = f"{ACCOUNT}.sandbox-fresh"  # where the journals of that sandbox account are
_CHANGING: Final = {"CreateDate", "UpdateDate", "RoleLastUsed", "PasswordLastUsed", "LastUsedDate"}
_MANY: Final = 200
_IDS: Final = {"UserId", "RoleId", "GroupId", "PolicyId"}


@dataclass(frozen=True)
class Place:
    """The folders of one test's machine."""

    home: Path
    project: Path
    state: Path

    @property
    def env(self) -> Path:
        return self.project / ".env"

    @property
    def credentials(self) -> Path:
        return self.home / ".aws" / "credentials"

    def aws_file(self, name: str, text: str) -> Path:
        """Write a file into ~/.aws."""
        path = self.home / ".aws" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
        return path

    def journals(self) -> list[Path]:
        """The journals of the sandbox account, wherever it is reached, oldest first."""
        return sorted((self.state / "runs").glob(f"{ACCOUNT}*/*.jsonl"))

    def records(self) -> list[dict[str, Any]]:
        """All records of all journals."""
        return [json.loads(line) for path in self.journals() for line in path.read_text("utf-8").splitlines()]

    def clear(self) -> None:
        """Take everything away that a run left behind."""
        for folder in (self.home, self.state / "runs", self.state / "quotas"):
            shutil.rmtree(folder, ignore_errors=True)
        self.project.mkdir(parents=True)


def given(**values: Any) -> Answers:
    """Answers by key, with __ for the dot: given(principal__name="ada")."""
    return Answers().with_values({key.replace("__", "."): value for key, value in values.items()}, "answers file")


def iam(engine: Engine) -> Any:
    """The administrator's IAM client."""
    return connection(engine).client("iam")


def connection(engine: Engine) -> Aws:
    """The engine's own connection, for tests that look at the account behind its back."""
    assert engine._aws is not None
    return engine._aws


def plan_for(engine: Engine, answers: Answers | None = None) -> Plan:
    """Discover and plan."""
    wanted = answers or Answers()
    return engine.plan(wanted, engine.discover(wanted))


def onboard(engine: Engine, answers: Answers | None = None) -> Plan:
    """Plan and apply, which must end well; the plan."""
    plan = plan_for(engine, answers)
    assert not plan.problems, plan.problems
    outcome = list(engine.apply(plan))
    assert not failures(outcome), failures(outcome)
    end = outcome[-1]
    assert isinstance(end, Finished) and end.ok
    return plan


def failures(events: Iterable[Event]) -> list[Failed]:
    """The failures among events."""
    return [e for e in events if isinstance(e, Failed)]


def change(plan: Plan, change_id: str) -> Change:
    """The change of this id."""
    found = [c for c in plan.changes if c.id == change_id]
    assert len(found) == 1, [c.id for c in plan.changes]
    return found[0]


def ids(plan: Plan) -> list[str]:
    """The ids of the changes that write, each with what it does."""
    return [f"{c.action} {c.id}" for c in plan.writing]


def finding(report: Report, finding_id: str) -> Finding:
    """The one finding of this id."""
    found = [f for f in report.findings if f.id == finding_id]
    assert len(found) == 1, [f.id for f in report.findings]
    return found[0]


def account_state(engine: Engine, *, exact: bool = False) -> str:
    """The whole IAM state of the account as one text to compare: users, groups, roles, policies, access keys.

    Dates are left out. Ids and access key ids differ from run to run and are left out too, unless `exact` asks for
    them: in the sandbox the same changes in the same order make the same ids.
    """
    client = iam(engine)
    pages = client.get_paginator("get_account_authorization_details").paginate(
        Filter=["User", "Group", "Role", "LocalManagedPolicy"]
    )
    state: dict[str, Any] = {"Users": [], "Groups": [], "Roles": [], "Policies": []}
    for page in pages:
        state["Users"] += page["UserDetailList"]
        state["Groups"] += page["GroupDetailList"]
        state["Roles"] += page["RoleDetailList"]
        state["Policies"] += page["Policies"]
    for user in state["Users"]:
        found = client.get_user(UserName=user["UserName"])["User"]
        user["PermissionsBoundary"] = found.get("PermissionsBoundary")
        user["Tags"] = sorted(found.get("Tags", []), key=lambda tag: str(tag["Key"]))
        keys = client.list_access_keys(UserName=user["UserName"])["AccessKeyMetadata"]
        user["AccessKeys"] = [(k["AccessKeyId"] if exact else "", k["Status"]) for k in keys]
    if len(state["Roles"]) > _MANY:  # thousands of calls would take minutes: look into the box
        from moto.iam.models import iam_backends

        held = {r.name: r.permissions_boundary for r in iam_backends[ACCOUNT]["aws"].roles.values()}
        for role in state["Roles"]:
            role["PermissionsBoundary"] = held[role["RoleName"]]
    else:
        for role in state["Roles"]:
            role["PermissionsBoundary"] = client.get_role(RoleName=role["RoleName"])["Role"].get("PermissionsBoundary")
    dropped = _CHANGING if exact else _CHANGING | _IDS
    return json.dumps(_without(state, dropped), indent=1, sort_keys=True, default=str)


def _without(value: Any, dropped: set[str]) -> Any:
    if isinstance(value, Mapping):
        return {key: _without(item, dropped) for key, item in value.items() if key not in dropped}
    if isinstance(value, (list, tuple)):
        return [_without(item, dropped) for item in value]
    return value


class Killed(BaseException):
    """Stands for the end of the process, as by SIGKILL: no handler of the engine may catch it."""


@dataclass
class Fault:
    """What goes wrong at one call: the operation, its how-manieth time, and the kind."""

    operation: str
    time: int
    kind: str

    def __str__(self) -> str:
        return f"{self.kind} at {self.operation}" + (f" #{self.time}" if self.time > 1 else "")


# kind -> whether the account has done what was asked
KINDS: Final = {
    "throttled": False,
    "server-error": False,
    "server-error-after": True,
    "time-out-before": False,
    "time-out-after": True,
    "reset-before": False,
    "reset-after": True,
    "denied": False,
    "expired": False,  # and so is every later call with the same credentials
    "killed-before": False,
    "killed-after": True,
}


@dataclass
class Wire:
    """The way between engine and account. Notes every call and every new secret, and breaks the call that `fault` names."""

    answer: Any = None  # the sandbox's handler
    calls: list[str] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)
    fault: Fault | None = None
    forever: bool = False
    struck: int = 0
    administrator: str = ""  # the access key id that a fault of the kind "expired" is about
    dead: bool = False  # the process has been killed: nothing it does from then on counts
    expired: bool = False
    _lock: Any = field(default_factory=threading.Lock)

    def register(self, _event: str, handler: Any, unique_id: str = "") -> None:
        """Take the handler that the sandbox wants to put into a session."""
        assert unique_id
        self.answer = handler

    def unregister(self, _event: str, *_: Any, unique_id: str = "", **__: Any) -> None:
        """Let go of it."""

    def mend(self) -> None:
        """Let everything through from now on; the person has a new process, and has signed in again."""
        self.fault, self.forever, self.struck, self.dead, self.expired = None, False, 0, False, False

    def send(self, request: Any, event_name: str, **named: Any) -> Any:
        operation = event_name.rpartition(".")[2]
        if self.dead:
            return self._die(request)
        with self._lock:
            self.calls.append(operation)
            fault = self._fault_at(operation)
        if fault is None and self.expired and self.administrator in str(request.headers.get("Authorization")):
            return _broken("expired", operation, request)
        if fault is None:
            return self._answered(operation, request, **named)
        if KINDS[fault.kind]:
            self._answered(operation, request, **named)
        if fault.kind.startswith("killed"):
            return self._die(request)
        self.expired = fault.kind == "expired"
        return _broken(fault.kind, operation, request)

    def _fault_at(self, operation: str) -> Fault | None:
        fault = self.fault
        if fault is None or operation != fault.operation:
            return None
        fault.time -= 1
        if fault.time == 0 or (fault.time < 0 and self.forever):
            self.struck += 1
            return fault
        return None

    def _answered(self, operation: str, request: Any, **named: Any) -> Any:
        answer = self.answer(request, **named)
        if operation == "CreateAccessKey":
            self.secrets += re.findall("<SecretAccessKey>(.+?)</SecretAccessKey>", answer.raw.getvalue().decode())
        return answer

    def _die(self, request: Any) -> Any:
        """End the process. A thread beside the main one can't: it gets no answer, and the main one ends at its next call."""
        self.dead = True
        if threading.current_thread() is threading.main_thread():
            raise Killed
        raise ReadTimeoutError(endpoint_url=request.url)


def _broken(kind: str, operation: str, request: Any) -> Any:
    if kind.startswith("time-out"):
        raise ReadTimeoutError(endpoint_url=request.url)
    if kind.startswith("reset"):
        raise ConnectionClosedError(endpoint_url=request.url)
    if kind == "throttled":
        return refusal(request, 400, "Throttling", "Rate exceeded")
    if kind == "denied":
        who = "arn:aws:iam::123456789012:user/sandbox-admin"
        return refusal(request, 403, "AccessDenied", f"User: {who} is not authorized to perform: any:{operation}")
    if kind == "expired":
        return refusal(request, 403, "ExpiredToken", "The security token included in the request is expired")
    return refusal(request, 500, "InternalFailure", "The request processing has failed")


def refusal(request: Any, status: int, code: str, message: str) -> AWSResponse:
    """An error as the service that was asked sends it."""
    asked = message_of(request)
    protocol = "rest-xml" if ".s3." in asked.url or "://s3." in asked.url else guess_protocol(asked)
    reply = reply_with(AwsError(code, message, status), protocol, method=asked.method)
    made = HTTPHeaders()
    for name, value in reply.headers.items():
        made[name] = value
    return AWSResponse(request.url, status, made, Body(reply.body))


def response(url: str, status: int, code: str, message: str) -> AWSResponse:
    """An error as IAM and STS send it."""
    text = (
        '<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error><Type>Sender</Type>'
        f"<Code>{code}</Code><Message>{message}</Message></Error><RequestId>0</RequestId></ErrorResponse>"
    )
    return AWSResponse(url, status, headers("text/xml"), Body(text.encode()))


def headers(content_type: str) -> Any:
    made = HTTPHeaders()
    made["Content-Type"] = content_type
    return made


class Body:
    """A body as urllib3 gives it."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        yield self._data


class Sandboxed:
    """A sandbox account whose wire can be cut. One account and one set of clients, reset between runs."""

    def __init__(self, place: Place, scenario: str = "fresh") -> None:
        self.place = place
        self.sandbox: Sandbox = wizard.sandbox.open_sandbox(scenario)
        self.wire = Wire(administrator=self.sandbox.access_key_id)
        self.sandbox.install(self.wire)  # type: ignore[arg-type]
        self.connect()

    def connect(self) -> None:
        """Make the engine, and clients whose requests all go over the wire."""
        scenario = self.sandbox.scenario
        self.engine = Engine(Options(sandbox=scenario, folder=self.place.project))
        self.target = Target(
            region="us-east-1",
            keys=Keys(self.sandbox.access_key_id, self.sandbox.secret_access_key),
            prepare=self._prepare,
            sandbox=True,
            scenario=scenario,
            source="test",
            settles_after=self.sandbox.settles_after,
        )
        aws = Aws(self.target)
        self.engine._aws, self.engine._identity = aws, aws.identify()
        self.wire.calls.clear()

    def _prepare(self, session: Any) -> None:
        session.register("before-send", self._send)

    def _send(self, request: Any, event_name: str, **named: Any) -> Any:
        return self.wire.send(request, event_name, **named)

    def start_over(self) -> None:
        """A fresh account on a fresh machine."""
        self.wire.mend()
        self.sandbox.reset()
        self.place.clear()
        self.engine._new_key = None
        self.wire.calls.clear()
        self.wire.secrets.clear()


def active_keys(engine: Engine, user: str = names.USER) -> list[str]:
    """The ids of the user's keys."""
    return [k["AccessKeyId"] for k in iam(engine).list_access_keys(UserName=user)["AccessKeyMetadata"]]


def env(place: Place) -> dict[str, str]:
    """The variables of the project's .env."""
    return variables_of(place.env)
