"""Helps for the tests of the screens: an engine that does what a test says, and a person at the keyboard."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from textual.pilot import Pilot
from textual.widgets import Input
from textual.worker import WorkerCancelled, WorkerFailed

from screens.app import AppResult, WizardApp
from wizard.account.profiles import CredentialChoice
from wizard.account.snapshot import AccountSnapshot, Fact, Identity, LocalState
from wizard.apply.events import Done, Event, Finished, Started, Waiting
from wizard.check.findings import Finding, Report, Status
from wizard.collect.answers import Answers
from wizard.collect.session import Session
from wizard.collect.steps import STEPS
from wizard.engine import Engine, Options
from wizard.handover.next_steps import NextStep, environment, next_commands
from wizard.output.facts import BucketFacts, Owner
from wizard.output.preflight import BucketEntry
from wizard.plan.build import build_plan
from wizard.plan.changes import Plan
from wizard.plan.deeds import RunToUndo
from wizard.plan.found import Found, found
from wizard.problem import Problem, ProblemError
from wizard.quotas.limits import RegionQuota, regions_of
from wizard.remotion import names
from wizard.remotion.project import Project
from wizard.remotion.releases import Release
from wizard.secret import Secret

ACCOUNT = "123456789012"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
KEY_ID = "AKIAIOSFODNN7EXAMPLE"
NASTY = 'AccessDenied: [/iam] not authorized on ["arn…"] [bold]x[/bold] [@click=app.quit]y[/] [$primary] \x1b[31mred'

WizardPilot = Pilot[AppResult]
T = TypeVar("T")


def identity(**changes: Any) -> Identity:
    """The administrator of the tests."""
    values: dict[str, Any] = {
        "account": ACCOUNT,
        "arn": f"arn:aws:iam::{ACCOUNT}:user/ada",
        "partition": "aws",
        "region": "us-east-1",
        "source": "profile acme",
        "alias": "acme-prod",
    }
    return Identity(**{**values, **changes})


FINDINGS = (
    Finding("user.permission.s3:PutObject", "remotion-user", Status.PASS, "s3:PutObject is allowed"),
    Finding("user.permission.lambda:GetFunction", "remotion-user", Status.PASS, "lambda:GetFunction is allowed"),
    Finding("role.trust", "remotion-lambda-role", Status.PASS, "AWS Lambda may take the role"),
    Finding(
        "quota.us-east-1",
        "limits",
        Status.WARN,
        "Lambda concurrency in us-east-1 is 10: at most 9 render functions at once",
        "One render may use up to 200.",
        "low-quota",
        "npx remotion lambda quotas increase",
    ),
)


class FakeEngine(Engine):
    """An engine whose answers are attributes. What is an exception is raised."""

    def __init__(self, folder: Path) -> None:
        super().__init__(Options(folder=folder))
        self.found_choices: tuple[CredentialChoice, ...] | Exception = (
            CredentialChoice("", "default chain", "environment variables"),
            CredentialChoice("acme", "profile acme", "Identity Center, acme.awsapps.com"),
        )
        self.identity: Identity | Exception = identity()
        self.project = Project(Path("/home/ada/video"), True, True, "4.0.527", "node_modules/remotion")
        self.local = LocalState("/home/ada/video/.env", ignored_by_git=True)
        self.user: Fact[Any] = Fact.absent()
        self.planned: Plan | Exception | None = None
        self.events: Callable[[Plan], Iterator[Event]] = all_goes_well
        self.findings: tuple[Finding, ...] | Exception = FINDINGS
        self.signed_in_with: list[str] = []  # profiles
        self.discovered = 0
        self.holds: Found | Exception | None = None
        self.cut_off: tuple[str, ...] = ()
        self.runs: tuple[RunToUndo, ...] = (
            RunToUndo("2026-11-21-2", "2026-11-21 14:05 UTC", "changed 2 things", cut_off=True),
            RunToUndo("2026-11-20-1", "2026-11-20 09:30 UTC", "made the role remotion-lambda-role and 1 policy"),
        )
        self.own_buckets: tuple[BucketEntry, ...] | Exception = ()
        self.buckets: dict[str, BucketFacts | Exception] = {}  # what is not here does not exist
        self.buckets_read: list[str] = []  # "" for the list of them
        self.limits: dict[str, RegionQuota | Exception] = {}  # what is not here has the limit of a new account
        self.quotas_read: list[str] = []
        self.news: list[str] = []
        self.secret: tuple[str, Secret] | None = (KEY_ID, Secret(SECRET))

    def credential_choices(self) -> tuple[CredentialChoice, ...]:
        return _give(self.found_choices)

    def connect(
        self, profile: str = "", region: str = "", meanwhile: Callable[[Any], object] | None = None
    ) -> Identity:
        self.signed_in_with.append(profile)
        return _give(self.identity)

    def connected(self) -> Identity:
        return _give(self.identity)

    def detect_project(self, folder: str) -> Project:
        return self.project

    def local_problems(self, key: str, answers: Answers) -> str:
        return ""

    def discover(self, answers: Answers, tell: Callable[[str], object] | None = None) -> AccountSnapshot:
        self.discovered += 1
        absent: Fact[Any] = Fact.absent()
        who = _give(self.identity)
        policies = dict.fromkeys((names.USER_POLICY, names.EXECUTION_POLICY, names.ROLE_POLICY), absent)
        return AccountSnapshot(
            who, names.USER, self.user, absent, policies=policies, local=self.local, release="4.0.527"
        )

    def found(self, answers: Answers) -> tuple[AccountSnapshot, Found]:
        snapshot = self.discover(answers)
        return snapshot, found(answers, snapshot) if self.holds is None else _give(self.holds)

    def output_buckets(self) -> tuple[BucketEntry, ...]:
        self.buckets_read.append("")
        return _give(self.own_buckets)

    def bucket_facts(self, answers: Answers, bucket: str) -> BucketFacts:
        self.buckets_read.append(bucket)
        return _give(self.buckets.get(bucket, BucketFacts(bucket, Owner.ABSENT)))

    def quota_regions(self, every: bool = False) -> tuple[str, ...]:
        who = _give(self.identity)
        return regions_of(who.partition) if every else (who.region,)

    def quotas(self, regions: Sequence[str]) -> Iterator[RegionQuota]:
        for region in regions:
            self.quotas_read.append(region)
            yield _give(self.limits.get(region, RegionQuota(region, limit=10, source="lambda", unreserved=10)))

    def quota_news(self, quotas: Sequence[RegionQuota]) -> list[str]:
        return self.news

    def plan(self, answers: Answers, snapshot: AccountSnapshot) -> Plan:
        return build_plan(answers, snapshot) if self.planned is None else _give(self.planned)

    def unfinished_runs(self) -> tuple[str, ...]:
        return self.cut_off

    def undo_runs(self) -> tuple[RunToUndo, ...]:
        return self.runs

    def settle(self, plan: Plan) -> None:
        """Nothing is kept between the tests."""

    def apply(self, plan: Plan) -> Iterator[Event]:
        return self.events(plan)

    def check(
        self,
        answers: Answers,
        on_finding: Callable[[Finding], None] | None = None,
        *,
        around: bool = False,
        live: bool = False,
        on_wait: Callable[[float], bool] | None = None,
    ) -> Report:
        findings = _give(self.findings)
        for finding in findings:
            if on_finding is not None:
                on_finding(finding)
        return Report(_give(self.identity), findings)

    def next_steps(self, answers: Answers) -> tuple[tuple[NextStep, ...], tuple[NextStep, ...]]:
        who, release = _give(self.identity), Release(4, 0, 527)
        arn = f"arn:aws:iam::{ACCOUNT}:role/{answers.text('principal.name')}"
        return next_commands(answers, who, release), environment(answers, who, arn)

    def new_secret(self) -> tuple[str, Secret] | None:
        return self.secret


def _give(value: T | Exception) -> T:
    if isinstance(value, Exception):
        raise value
    return value


def all_goes_well(plan: Plan) -> Iterator[Event]:
    """Make every change."""
    for change in plan.writing:
        yield Started(change.id, change.summary)
        yield Done(change.id, 0.3)
    yield Waiting("until IAM knows the key everywhere", "usually 5-15 s", 0.0)
    yield Waiting("until IAM knows the key everywhere", "usually 5-15 s", 7.0, finished=True)
    yield Finished(True, "2026-11-21-1", len(plan.writing), KEY_ID, ("/home/ada/video/.env",))


def denied(title: str = "AWS refused to say who you are.") -> ProblemError:
    """A problem as the engine raises it."""
    return ProblemError(Problem(title, "The session of profile acme has expired.", "aws sso login --profile acme"))


def session_at(step: str, **values: Any) -> Session:
    """A session that has come as far as `step`; keys have __ for the dot."""
    goal = {"found": "change", "undo": "undo", "rotate": "rotate"}.get(step)
    if goal is not None:  # only asked with this goal
        values = {"start__goal": goal, **values}
    answers = Answers().with_values({key.replace("__", "."): value for key, value in values.items()}, "you")
    session = Session(answers)
    ids = [s.id for s in session.steps]
    session.current = step
    session.visited = set(ids[: ids.index(step) + 1])
    return session


class Person:
    """A person who presses keys and looks at the screen."""

    def __init__(self, pilot: WizardPilot) -> None:
        self.pilot = pilot
        self.app: WizardApp = pilot.app  # type: ignore[assignment]

    @property
    def step(self) -> str:
        """The step the person is at."""
        return self.app.session.current

    async def press(self, *keys: str) -> None:
        """Press keys, then wait for what they set off."""
        await self.pilot.press(*keys)
        await self.settled()

    async def go_on_to(self, step: str) -> None:
        """Go on, with every answer as it is, until a step is reached."""
        for _ in STEPS:
            if self.step == step:
                return
            await self.press("ctrl+n")
        raise AssertionError(f"ctrl+n never leads to {step}, but to {self.step}")

    async def type(self, text: str) -> None:
        """Replace what a line holds."""
        await self.pilot.press("home", "ctrl+k")
        focused = self.app.screen.focused
        assert isinstance(focused, Input)
        focused.insert_text_at_cursor(text)
        await self.settled()

    async def settled(self) -> None:
        """Wait until nothing runs any more."""
        await self.pilot.pause()
        while running := [w for w in self.app.workers if not w.is_finished]:
            for worker in running:
                try:
                    await worker.wait()
                except (WorkerCancelled, WorkerFailed):
                    continue
            await self.pilot.pause()
        await self.pilot.pause()

    async def go_to(self, selector: str) -> None:
        """Press tab until the widget, or something in it, has the focus."""
        for _ in range(40):
            focused = self.app.screen.focused
            if focused is not None and any(node.id == selector for node in focused.ancestors_with_self):
                return
            await self.pilot.press("tab")
            await self.pilot.pause()
        raise AssertionError(f"tab never reaches {selector}")

    def sees(self) -> str:
        """All text on the screen."""
        lines = self.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in lines)

    def words(self) -> str:
        """All text on the screen, without the line breaks."""
        return " ".join(self.sees().split())


async def with_person(
    app: WizardApp, do: Callable[[Person], Awaitable[None]], size: tuple[int, int] = (80, 24)
) -> AppResult | None:
    """Run the app and let a person do something; then nothing must have gone wrong inside."""
    async with app.run_test(size=size, notifications=True, tooltips=True) as pilot:
        person = Person(pilot)
        await person.settled()
        await do(person)
        await person.settled()
    assert not app.mistakes, app.mistakes
    return app.return_value
