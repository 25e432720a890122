"""What a front end can ask for, in one place: connect, detect, discover, plan, apply, check. Blocking: call it in a worker.

collect -> discover -> plan -> review -> apply -> check -> hand over
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from wizard.account.profiles import CredentialChoice, credential_choices
from wizard.account.snapshot import AccountSnapshot, Identity
from wizard.apply.events import Event, Finished
from wizard.check.findings import Finding, Report, Status
from wizard.collect.answers import Answers
from wizard.places import expanded
from wizard.plan.build import build_plan
from wizard.plan.changes import Plan
from wizard.plan.preview import Preview, policies_preview, release_of
from wizard.problem import Problem, ProblemError, UsageProblem
from wizard.remotion import names
from wizard.remotion.project import Project, detect_project
from wizard.text import one_line

if TYPE_CHECKING:
    from wizard.account.connect import Aws, Target
    from wizard.check.run import Subject
    from wizard.secret import Secret

_PROPAGATION: Final = 60.0  # seconds after a change in which a refusal may only mean that IAM is not everywhere yet


@dataclass(frozen=True)
class Options:
    """How AWS is reached, from the command line. `sandbox` is a scenario's name, "" for real AWS."""

    profile: str = ""
    region: str = ""
    endpoint_url: str = ""
    sandbox: str = ""
    folder: Path = field(default_factory=Path.cwd)


class Engine:
    """One front end's access to everything. One call at a time; reads may be abandoned, `apply` may not."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self._aws: Aws | None = None
        self._identity: Identity | None = None
        self._new_key: tuple[str, Secret] | None = None
        self._applied_at = 0.0

    def place(self) -> str:
        """Return where calls go, for the badge: "SANDBOX", an endpoint's host, or "" for AWS itself."""
        if self.options.sandbox:
            return "SANDBOX"
        return urlsplit(self.options.endpoint_url).netloc if self.options.endpoint_url else ""

    # Collect

    def credential_choices(self) -> tuple[CredentialChoice, ...]:
        """Return which credentials this machine has. Reads files and the environment only."""
        if self.options.sandbox:
            return (CredentialChoice("", "sandbox administrator", "an account in the box; nothing reaches AWS"),)
        return credential_choices()

    def connect(self, profile: str = "", region: str = "") -> Identity:
        """Sign in with a profile ("" = AWS's default chain) and ask AWS who that is.

        Raises ProblemError (exit code 3) with the command that mends it.
        """
        from wizard.account.connect import Aws

        self._identity = None
        aws = Aws(self._target(profile, region))
        self._identity, self._aws = aws.identify(), aws
        return self._identity

    def detect_project(self, folder: str) -> Project:
        """Look for Remotion in a folder (relative to where the program was started)."""
        return detect_project(self.project_folder(folder))

    def project_folder(self, folder: str) -> Path:
        """Return the project's folder as a full path."""
        path = self.options.folder / expanded(folder)
        try:
            return path.resolve()
        except (OSError, RuntimeError):  # links in a circle, a name that is too long
            return path

    def local_problems(self, key: str, answers: Answers) -> str:
        """Say what this machine has against an answer that is right by itself: a folder that is not there, and the like.

        Looks at files only. Returns "" if nothing is wrong, or if the key has nothing to do with this machine.
        """
        from wizard.handover.files import why_not_writable

        folder = self.project_folder(answers.text("remotion.project"))
        if key == "remotion.project" and not folder.is_dir():
            return f"There is no folder {folder}. Name the folder of your project, or . for this one."
        if key == "credentials.path" and folder.is_dir():
            problem = why_not_writable(folder / answers.text(key), "The .env file")
            return f"{problem.title} {problem.remedy}" if problem else ""
        return ""

    def preview(self, answers: Answers, detected: str = "", snapshot: AccountSnapshot | None = None) -> Preview:
        """Return what the current choices will do, for the pane beside the form. Pure."""
        return policies_preview(answers, detected, self._identity, snapshot)

    # Discover, plan, apply

    def discover(self, answers: Answers) -> AccountSnapshot:
        """Read the account and this machine. Connects if need be. Raises ProblemError when AWS can't be reached."""
        from wizard.account.connect import refuse_partition_mismatch
        from wizard.account.discover import discover, local_state, secret_is_damaged, stored_keys
        from wizard.apply.journal import orphan_keys

        aws, identity = self._connection(answers)
        regions = answers.texts("remotion.regions")
        refuse_partition_mismatch(identity, regions)
        project = self._project(answers)
        user = answers.text("principal.name")
        try:
            local = local_state(project.folder, answers.text("credentials.path"), answers.text("credentials.profile"))
        except ProblemError as error:
            problem = error.problem
            raise UsageProblem(f"credentials.path: {problem.title}", problem.detail, problem.remedy) from error
        snapshot = discover(aws, identity, user, regions, answers.text("principal.permissions_boundary"), local)
        snapshot = replace(snapshot, release=project.release, release_source=project.source)
        keys = (snapshot.user.value.access_keys.value or ()) if snapshot.user.value else ()
        held, complete = local.held_key(answers.text("credentials.write"))
        stored, _ = stored_keys(local, _profile(answers))
        if stored and any(k.id == stored.access_key_id and k.active for k in keys) and secret_is_damaged(aws, stored):
            complete = False
            snapshot = replace(snapshot, local=replace(local, secret_is_damaged=True))
        ids = {key.id: key.created for key in keys}
        return replace(snapshot, orphan_keys=orphan_keys(identity.account, user, ids, held if complete else ""))

    def plan(self, answers: Answers, snapshot: AccountSnapshot) -> Plan:
        """Build the plan, with what would stop it on this machine. Reads no AWS. Raises UsageProblem for wrong answers."""
        answers.require_valid()
        plan = build_plan(answers, snapshot)
        return replace(plan, problems=(*plan.problems, *self._unwritable(plan)))

    def apply(self, plan: Plan) -> Iterator[Event]:
        """Make the plan's changes one by one and yield what happens. Failures are events, not exceptions."""
        from wizard.apply.executor import Executor

        aws, _ = self._connection()
        executor = Executor(aws, plan)
        for event in executor.run():
            if executor.key is not None:
                self._new_key = (executor.key.access_key_id, executor.key.secret)
            if isinstance(event, Finished) and event.made:
                self._applied_at = time.monotonic()
            yield event

    def settle(self, plan: Plan) -> None:
        """Mark interrupted runs as settled once a plan is empty: nothing of them is left to be done."""
        from wizard.apply.journal import settle

        if plan.is_empty and not plan.problems:
            settle(plan.identity.account, plan.user_name)

    def unfinished_runs(self) -> tuple[str, ...]:
        """Return the names of runs on this account that were cut off and not settled since."""
        from wizard.apply.journal import unfinished

        _, identity = self._connection()
        return tuple(run.run for run in unfinished(identity.account))

    # Check

    def check(self, answers: Answers, on_finding: Callable[[Finding], None] | None = None) -> Report:
        """Prove what is there for the answers' user and the render role. Connects if need be.

        Shortly after a change a refusal may only mean that IAM is not everywhere yet: it is looked at again before it counts.
        """
        from wizard.check.run import Subject

        user = Subject("user", answers.text("principal.name"), "user")
        role = Subject("role", names.RENDER_ROLE, "role", is_render_role=True)
        return self.check_subjects(answers, (user, role), on_finding)

    def check_subjects(
        self,
        answers: Answers,
        subjects: tuple[Subject, ...],
        on_finding: Callable[[Finding], None] | None = None,
        unchecked: tuple[Finding, ...] = (),
    ) -> Report:
        """Check these subjects; `unchecked` are findings about what could not be checked."""
        from wizard.account.connect import refuse_partition_mismatch
        from wizard.account.discover import local_state
        from wizard.check.run import CheckRequest, run_check

        aws, identity = self._connection(answers)
        regions = answers.texts("remotion.regions")
        refuse_partition_mismatch(identity, regions)
        project = self._project(answers)
        release, _ = release_of(answers, project.release)
        profile = _profile(answers)
        try:
            local = local_state(project.folder, answers.text("credentials.path"), answers.text("credentials.profile"))
        except ProblemError as error:
            local, problem = None, error.problem
            finding = Finding(
                "credentials.file", "credentials", Status.UNKNOWN, problem.title, problem.detail, "", problem.remedy
            )
            unchecked = (*unchecked, finding)
        if answers.text("credentials.write") == "none":
            local = None
        request = CheckRequest(subjects, release, regions, local, profile, unchecked)
        while True:
            report = run_check(aws, identity, request, on_finding)
            window = self._applied_at + _PROPAGATION if self._applied_at and aws.target.settle_seconds else 0.0
            if report.ok or time.monotonic() > window:
                return report
            time.sleep(3.0)

    def subjects(self, user: str, role: str) -> tuple[tuple[Subject, ...], tuple[Finding, ...]]:
        """Return whom `check` looks at: the named ones, else the caller itself and the render role.

        A compute role is held to the user policy, the render role to the role policy. A caller that IAM can't simulate
        (root, a federated user) becomes a finding that says so.
        """
        from wizard.check.run import Subject

        found: list[Subject] = []
        unchecked: list[Finding] = []
        if user:
            found.append(Subject("user", user, "user"))
        if role:
            renders = role == names.RENDER_ROLE
            found.append(Subject("role", role, "role" if renders else "user", is_render_role=renders))
        if not user and not role:
            caller = self._caller()
            if isinstance(caller, Finding):
                unchecked.append(caller)
            else:
                found.append(caller)
            found.append(Subject("role", names.RENDER_ROLE, "role", is_render_role=True))
        return tuple(found), tuple(unchecked)

    def _caller(self) -> Subject | Finding:
        from wizard.check.run import Subject

        _, identity = self._connection()
        kind, _, rest = identity.arn.split(":", 5)[-1].partition("/")
        if kind == "user":
            return Subject("user", rest.rpartition("/")[2], "user", is_caller=True)
        if kind == "assumed-role":
            return Subject(
                "role", rest.partition("/")[0], "user", is_caller=True
            )  # IAM is asked for the role, which knows its path
        what = "the root user" if identity.is_root else "a federated user"
        return Finding(
            "user.exists",
            identity.who,
            Status.UNKNOWN,
            f"The caller is {what}, which IAM's simulator can't look at",
            identity.arn,
            "not-simulatable",
            "Name the user: remotion-lambda-wizard check --user remotion-user",
        )

    def new_secret(self) -> tuple[str, Secret] | None:
        """Return the access key id and secret that this run made, for the person who asks to see it; None if none was."""
        return self._new_key

    # Inside

    def _connection(self, answers: Answers | None = None) -> tuple[Aws, Identity]:
        from wizard.account.connect import not_connected

        if answers is not None and self._identity is None:
            self.connect(answers.text("identity.profile"))
        if self._aws is None or self._identity is None:
            raise not_connected()
        return self._aws, self._identity

    def _target(self, profile: str, region: str) -> Target:
        from wizard.account.connect import Keys, Target

        options = self.options
        if options.sandbox:
            from wizard.sandbox import SandboxMissing, open_sandbox

            try:
                sandbox = open_sandbox(options.sandbox)
            except SandboxMissing as error:
                raise UsageProblem("The sandbox is not installed.", str(error)) from error
            return Target(
                region=options.region or region or sandbox.region,
                keys=Keys(sandbox.access_key_id, sandbox.secret_access_key),
                prepare=sandbox.install,
                sandbox=True,
                source="sandbox administrator",
            )
        return Target(options.profile or profile, options.region or region, options.endpoint_url)

    def _project(self, answers: Answers) -> Project:
        folder = self.project_folder(answers.text("remotion.project"))
        try:
            is_folder = folder.is_dir()
        except OSError:
            is_folder = False
        if not is_folder:
            raise UsageProblem(
                f"remotion.project: there is no folder {one_line(str(folder))}.",
                remedy="Name the folder of your project.",
            )
        return detect_project(folder)

    def _unwritable(self, plan: Plan) -> tuple[Problem, ...]:
        from wizard.handover.files import why_not_writable

        destination = plan.destination
        if destination is None or plan.is_empty:
            return ()
        found = [why_not_writable(Path(destination.env_file), "The .env file")]
        if destination.kind == "aws-profile":
            found.append(
                why_not_writable(Path(destination.credentials_file), "The AWS credentials file", makes_folder=True)
            )
        return tuple(problem for problem in found if problem is not None)


def _profile(answers: Answers) -> str:
    """The AWS profile that holds Remotion's key, "" where the key is not put into one."""
    return answers.text("credentials.profile") if answers.text("credentials.write") == "aws-profile" else ""
