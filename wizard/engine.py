"""What a front end can ask for, in one place: connect, detect, discover, plan, apply, check. Blocking: call it in a worker.

collect -> discover -> plan -> review -> apply -> check -> hand over
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from wizard.account.profiles import CredentialChoice, credential_choices
from wizard.account.snapshot import AccountSnapshot, Identity
from wizard.apply.events import Event, Finished
from wizard.check.findings import Finding, Report, Status
from wizard.collect.answers import Answers
from wizard.collect.meaning import (
    assumed_by,
    function_of,
    has_own_render_role,
    is_made,
    is_role,
    key_place,
    output_buckets,
    principal_name,
    render_role,
    role_reference,
)
from wizard.places import expanded
from wizard.problem import Problem, ProblemError, UsageProblem
from wizard.remotion import names
from wizard.remotion.catalogue import PolicyKind, policy
from wizard.remotion.project import Project, detect_project
from wizard.text import one_line

if TYPE_CHECKING:
    from wizard.account.connect import Aws, Target
    from wizard.account.discover import Reading
    from wizard.account.roles import FunctionEntry, RoleEntry
    from wizard.check.subjects import Subject
    from wizard.handover.next_steps import NextStep
    from wizard.handover.references import Reference, References
    from wizard.output.facts import BucketFacts
    from wizard.output.preflight import BucketEntry
    from wizard.plan.changes import Plan
    from wizard.plan.deeds import RunToUndo
    from wizard.plan.found import Found
    from wizard.plan.preview import Preview
    from wizard.quotas.limits import IncreaseRequest, RegionQuota
    from wizard.remotion.from_project import ProjectPolicies
    from wizard.secret import Secret


@dataclass(frozen=True)
class Options:
    """How AWS is reached, from the command line. `sandbox` is a scenario's name, "" for real AWS."""

    profile: str = ""
    region: str = ""
    endpoint_url: str = ""
    sandbox: str = ""
    folder: Path = field(default_factory=Path.cwd)
    remember_hours: int = 0  # how long a profile reference is kept; 0: none is made


class Engine:
    """One front end's access to everything. One call at a time; reads may be abandoned, `apply` may not."""

    def __init__(self, options: Options, kept: References | None = None) -> None:
        self.options = options
        self._kept = kept
        self._remembered: set[str] = set()  # names of the references that this run has kept
        self._aws: Aws | None = None
        self._identity: Identity | None = None
        self._new_key: tuple[str, Secret] | None = None
        self._applied_at = 0.0
        self._printed: dict[tuple[Path, str], ProjectPolicies] = {}
        self._requested: list[IncreaseRequest] = []

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

    def connect(
        self, profile: str = "", region: str = "", meanwhile: Callable[[Aws], object] | None = None
    ) -> Identity:
        """Sign in with a profile ("" = AWS's default chain) and ask AWS who that is.

        `meanwhile` is called in a thread of its own while AWS answers. Raises ProblemError (exit code 3) with the command
        that mends it.
        """
        from wizard.account.connect import Aws

        self._identity = None
        aws = Aws(self._target(profile, region))
        if meanwhile is not None:
            threading.Thread(target=meanwhile, args=(aws,), daemon=True).start()
        self._identity, self._aws = aws.identify(), aws
        return self._identity

    def references(self) -> tuple[Reference, ...]:
        """Return what earlier runs worked with at this place and may be gone on with, the newest first. Never raises."""
        options, place = self.options, self._place_of_references()
        return tuple(
            reference
            for reference in self.kept.read().references
            if reference.place == place
            and options.profile in {"", reference.profile}
            and options.region in {"", reference.region}
        )

    def go_on(self, reference: Reference) -> Identity:
        """Sign in as an earlier run did, and make sure that it is the same account. Everything else is read anew.

        Raises ReferenceGone (the reference is deleted then) if it has expired or the account is another one, and
        ProblemError as `connect` does.
        """
        from wizard.handover.references import expired, moved

        if not reference.is_current(self.kept.now()):
            self.kept.forget([reference.name])
            raise expired(reference)
        identity = self.connect(reference.profile, reference.region)
        if (identity.partition, identity.account) != (reference.partition, reference.account):
            self._identity = self._aws = None
            self.kept.forget([reference.name])
            raise moved(reference, identity)
        return identity

    @property
    def kept(self) -> References:
        """The profile references of this person and machine."""
        from wizard.handover.references import References

        if self._kept is None:
            self._kept = References()
        return self._kept

    def _place_of_references(self) -> str:
        from wizard.handover.references import place_of

        return place_of(self.options.sandbox, self.options.endpoint_url)

    def _remember(self, identity: Identity, principal: str, region: str) -> None:
        """Keep a reference to what is worked with, where that is wished; once a run, and without holding anybody up."""
        from wizard.handover.references import reference_of

        hours = self.options.remember_hours
        if not hours:
            return
        place = self._place_of_references()
        reference = reference_of(identity, principal, region, place, self.kept.now(), hours)
        if reference.name not in self._remembered:
            self._remembered.add(reference.name)
            self.kept.save_soon(reference)

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
        if key == "remotion.project" and not _is_folder(folder):
            shown = one_line(str(folder))
            return f"There is no folder {shown}. Name the folder of your project, or . for this one."
        if key == "credentials.path" and _is_folder(folder):
            problem = why_not_writable(folder / answers.text(key), "The .env file")
            return f"{problem.title} {problem.remedy}" if problem else ""
        return ""

    def preview(self, answers: Answers, detected: str = "", snapshot: AccountSnapshot | None = None) -> Preview:
        """Return what the current choices will do, for the pane beside the form. Pure."""
        from wizard.plan.preview import policies_preview

        printed = snapshot.project_policies if snapshot and answers.text("remotion.policies") == "project" else None
        return policies_preview(answers, detected, self._identity, snapshot, printed)

    def role_pages(self) -> Iterator[tuple[RoleEntry, ...]]:
        """Yield the account's roles page by page, for picking one. Raises ProblemError."""
        from wizard.account.roles import role_pages

        aws, _ = self._connection()
        return role_pages(aws)

    def function_pages(self, region: str) -> Iterator[tuple[FunctionEntry, ...]]:
        """Yield a region's Lambda functions page by page. Raises ProblemError."""
        from wizard.account.roles import function_pages

        aws, _ = self._connection()
        return function_pages(aws, region)

    def function_role(self, function: str, region: str) -> FunctionEntry:
        """Look a Lambda function up, for its execution role. Raises ProblemError if there is none."""
        from wizard.account.roles import read_function

        aws, _ = self._connection()
        return read_function(aws, function, region)

    def output_buckets(self) -> tuple[BucketEntry, ...]:
        """Return the account's buckets, for picking one. Raises ProblemError if they may not be listed."""
        from wizard.output.preflight import own_buckets

        aws, _ = self._connection()
        return own_buckets(aws)

    def bucket_facts(self, answers: Answers, bucket: str) -> BucketFacts:
        """Read one bucket, for its preview. Reads only; what may not be read is a state of its fact."""
        from wizard.output.preflight import read_buckets

        aws, identity = self._connection(answers)
        return read_buckets(aws, identity, (bucket,), answers.text("output_bucket.kms_key"))[bucket]

    def preflight(self, answers: Answers, bucket: str) -> tuple[Finding, ...]:
        """Read one bucket and return what is to be known about it before anything is granted. Reads only."""
        from wizard.check.output_bucket import preflight

        aws, identity = self._connection(answers)
        return preflight(aws, identity, answers, bucket)

    # Discover, plan, apply

    def discover(self, answers: Answers, tell: Callable[[str], object] | None = None) -> AccountSnapshot:
        """Read the account and this machine. Connects if need be. `tell` hears how far it is, where that takes long.

        Raises ProblemError when AWS can't be reached.
        """
        from wizard.account.boundaries import boundary_demand
        from wizard.account.connect import refuse_partition_mismatch
        from wizard.account.discover import UnreadableFile, discover, discover_keys, local_state
        from wizard.account.survey import survey
        from wizard.plan.preview import release_of

        answers.require_valid()
        aws, identity = self._connection(answers)
        refuse_partition_mismatch(identity, answers.texts("remotion.regions"))
        self._let_show(aws, identity, tell)
        if answers.text("start.goal") == "undo":
            return self._discover_undo(answers, tell)
        project = self._project(answers)
        try:
            local = local_state(project.folder, answers.text("credentials.path"), answers.text("credentials.profile"))
        except UnreadableFile as error:
            problem = error.problem
            raise UsageProblem(f"{error.key}: {problem.title}", problem.detail, problem.remedy) from error
        if answers.text("start.goal") == "rotate":
            return self._with_keys(aws, discover_keys(aws, identity, principal_name(answers), local), answers)
        snapshot = discover(aws, identity, self._reading(answers), local)
        snapshot = replace(
            snapshot,
            release=project.release,
            release_source=project.source,
            project_policies=self._project_policies(answers, project),
        )
        caller = snapshot.principal
        arn = caller.value.arn if caller.value else self._caller_arn(answers, identity, snapshot.principal_name)
        self._remember(identity, arn, answers.texts("remotion.regions")[0])
        if answers.text("start.goal") == "change" or (caller.is_absent and not is_role(answers)):
            release, _ = release_of(answers, project.release)
            kinds: tuple[PolicyKind, ...] = ("user", "role")
            user, role = (policy(kind, release, identity.partition) for kind in kinds)
            snapshot = replace(snapshot, survey=survey(aws, identity, user, role))
        makes = snapshot.render_role.is_absent or (is_made(answers) and caller.is_absent)
        if makes and not answers.text("principal.permissions_boundary"):
            demand = boundary_demand(aws, identity, snapshot.principal_name, answers.text("principal.path"))
            snapshot = replace(snapshot, boundary_demand=demand)
        return self._with_keys(aws, snapshot, answers)

    def _let_show(self, aws: Aws, identity: Identity, tell: Callable[[str], object] | None) -> None:
        """Wait until IAM shows what a run has made that was cut off a moment ago: it would be planned, and made, again."""
        from wizard.apply.journal import seconds_since_cut_off

        left = aws.target.settle_seconds - seconds_since_cut_off(identity.place)
        if left <= 0:
            return
        if tell is not None:
            tell("Waiting until IAM shows what the run before has made…")
        time.sleep(left)

    def _discover_undo(self, answers: Answers, tell: Callable[[str], object] | None) -> AccountSnapshot:
        """Read what taking something back needs to know, and the journals that say what was done."""
        from wizard.account.undo_state import read_undo_state
        from wizard.apply.journal import damaged_journals, past_runs
        from wizard.plan.undo import require_readable, undo_reading

        aws, identity = self._connection(answers)
        runs, damaged = past_runs(identity.place), damaged_journals(identity.place)
        require_readable(answers, damaged)
        state = read_undo_state(aws, undo_reading(answers, runs), runs, tell)
        return AccountSnapshot(identity, undo=replace(state, damaged=damaged))

    def undo_runs(self) -> tuple[RunToUndo, ...]:
        """Return the runs in this account that can be taken back, newest first. Connected already; reads files only."""
        from wizard.apply.journal import past_runs
        from wizard.plan.deeds import to_choose

        _, identity = self._connection()
        return to_choose(past_runs(identity.place))

    def _reading(self, answers: Answers) -> Reading:
        """Say what discovery is to look at. A function's execution role is looked up first."""
        from wizard.account.discover import Reading
        from wizard.plan.output_bucket import policy_names

        kind, named = answers.text("principal.kind"), answers.text("extras.operator_principal")
        entity, _, name = named.partition("/")
        operators = tuple(names.OPERATOR_POLICY + one for one in answers.texts("extras.operator"))
        return Reading(
            kind=kind,
            principal=self.caller_name(answers),
            render_role=render_role(answers).name,
            policies=(
                names.ROLE_POLICY,
                names.EXECUTION_POLICY if kind == "role" else names.USER_POLICY,
                *operators,
                *policy_names(output_buckets(answers)),
            ),
            regions=answers.texts("remotion.regions"),
            boundary=answers.text("principal.permissions_boundary"),
            instance_role=assumed_by(answers),
            operator=(entity, name) if named else None,
            buckets=output_buckets(answers),
            bucket_key=answers.text("output_bucket.kms_key"),
            quotas=answers["quotas.concurrent_executions"] > 0,
        )

    def caller_name(self, answers: Answers) -> str:
        """Return the IAM name of whoever calls Remotion; for a Lambda function that of its execution role.

        Raises ProblemError where there is no such function, and UsageProblem for a role of another account.
        """
        function = function_of(answers)
        if function:
            return self.function_role(function, answers.texts("remotion.regions")[0]).role_name
        if is_role(answers):
            _, identity = self._connection(answers)
            reference = role_reference(answers.text("principal.name"))
            if reference.account and (reference.account, reference.partition) != (identity.account, identity.partition):
                raise UsageProblem(
                    f"principal.name: this role belongs to account {reference.account}.",
                    f"You are signed in to {identity.account} ({identity.partition}).",
                    "Name a role of this account, or sign in to the other one.",
                )
        return principal_name(answers)

    def _caller_arn(self, answers: Answers, identity: Identity, name: str) -> str:
        """Return the ARN of whoever calls Remotion, there or still to be made."""
        if not is_role(answers):
            return f"arn:{identity.partition}:iam::{identity.account}:user{answers.text('principal.path')}{name}"
        reference = role_reference("" if function_of(answers) else answers.text("principal.name"))
        return replace(reference, name=name).arn(identity.partition, identity.account)

    def _project_policies(self, answers: Answers, project: Project) -> ProjectPolicies | None:
        """Have the project's own Remotion print its policies, where that was asked for. It runs once."""
        from wizard.remotion.from_project import read_from_project

        if answers.text("remotion.policies") != "project":
            return None
        key = (project.folder, answers.texts("remotion.regions")[0])
        if key not in self._printed:
            self._printed[key] = read_from_project(*key)
        return self._printed[key]

    def _with_keys(self, aws: Aws, snapshot: AccountSnapshot, answers: Answers) -> AccountSnapshot:
        """Add what is known of the user's access keys: a stored secret that AWS refuses, keys whose secret was lost.

        Trying a secret is a use of its key. So where the last use matters, it is tried only if a change was cut off.
        """
        from wizard.account.discover import secret_is_damaged, stored_keys
        from wizard.apply.journal import left_to_retire, orphan_keys

        place, user = key_place(answers), snapshot.principal.value
        if user is None or user.kind != "user":
            return snapshot
        keys, local = user.access_keys.value or (), snapshot.local
        where, ids = snapshot.identity.place, {key.id: key.created for key in keys}
        if place == "none":
            return replace(snapshot, orphan_keys=orphan_keys(where, user.name, ids, ""))
        held, complete = local.held_key(place)
        cut_off, stored = left_to_retire(where, user.name, held), None
        if cut_off is not None or answers.text("start.goal") != "rotate":
            stored, _ = stored_keys(local, _profile(answers))
        if stored and any(k.id == stored.access_key_id and k.active for k in keys) and secret_is_damaged(aws, stored):
            complete = False
            snapshot = replace(snapshot, local=replace(local, secret_is_damaged=True))
        orphans = orphan_keys(where, user.name, ids, held if complete else "")
        return replace(snapshot, orphan_keys=orphans, left_to_retire=cut_off)

    def found(self, answers: Answers) -> tuple[AccountSnapshot, Found]:
        """Read the account and say what it holds of Remotion already. Raises ProblemError when AWS can't be reached."""
        from wizard.plan.found import found

        snapshot = self.discover(answers)
        return snapshot, found(answers, snapshot)

    def plan(self, answers: Answers, snapshot: AccountSnapshot) -> Plan:
        """Build the plan, with what would stop it on this machine. Reads no AWS. Raises UsageProblem for wrong answers."""
        from wizard.plan.build import build_plan
        from wizard.plan.rotation import rotation_plan
        from wizard.plan.undo import undo_plan

        answers.require_valid()
        build = {"rotate": rotation_plan, "undo": undo_plan}.get(answers.text("start.goal"), build_plan)
        plan = build(answers, snapshot)
        return replace(plan, problems=(*plan.problems, *self._unwritable(plan)))

    def apply(self, plan: Plan) -> Iterator[Event]:
        """Make the plan's changes one by one and yield what happens. Failures are events, not exceptions."""
        from wizard.apply.executor import Executor

        aws, _ = self._connection()
        executor = Executor(aws, plan)
        for event in executor.run():
            if executor.key is not None:
                self._new_key = (executor.key.access_key_id, executor.key.secret)
            elif executor.went_back:
                self._new_key = None
            if isinstance(event, Finished) and event.made:
                self._applied_at = time.monotonic()
            if isinstance(event, Finished) and executor.requested:
                self._remember_requests(executor.requested)
            yield event

    def settle(self, plan: Plan) -> None:
        """Mark interrupted runs as settled once a plan is empty: nothing of them is left to be done."""
        from wizard.apply.journal import close

        if plan.is_empty and not plan.problems:
            close(plan)

    def unfinished_runs(self) -> tuple[str, ...]:
        """Return the names of runs on this account that were cut off and not settled since. Runs that undo are left out."""
        from wizard.apply.journal import unfinished

        _, identity = self._connection()
        return tuple(run.run for run in unfinished(identity.place) if run.purpose != "undo")

    # Quotas

    def connected(self) -> Identity:
        """Return who is signed in. Raises ProblemError if nobody is."""
        return self._connection()[1]

    def requested(self) -> tuple[IncreaseRequest, ...]:
        """Return the requests for quotas that were made through this engine."""
        return tuple(self._requested)

    def quota_regions(self, every: bool = False) -> tuple[str, ...]:
        """Return the regions to look at: every one that Remotion supports, or ours and those with a request that waits."""
        from wizard.quotas.limits import regions_of
        from wizard.quotas.remembered import memory_of

        _, identity = self._connection()
        if every:
            return regions_of(identity.partition)
        return tuple(dict.fromkeys((identity.region, *memory_of(identity).waiting)))

    def quotas(self, regions: Sequence[str]) -> Iterator[RegionQuota]:
        """Read the Lambda concurrency of regions side by side, and yield each as it is there.

        No region holds up another; what can't be read is a state of its region. Raises UsageProblem for a region of another
        partition.
        """
        from wizard.account.connect import refuse_partition_mismatch
        from wizard.quotas.limits import read_regions

        aws, identity = self._connection()
        refuse_partition_mismatch(identity, tuple(regions))
        return read_regions(aws, regions)

    def quota_news(self, quotas: Sequence[RegionQuota]) -> list[str]:
        """Say what changed since these regions were looked at last, and remember them as they are now."""
        from wizard.quotas.remembered import memory_of, news, remember

        _, identity = self._connection()
        memory = memory_of(identity)
        remember(memory.with_quotas(quotas), identity)
        return news(memory, quotas)

    def quota_plan(self, regions: Sequence[str], value: int | None = None) -> Plan:
        """Plan a request in each region: for `value`, else for what is recommended there."""
        from wizard.account.connect import refuse_partition_mismatch
        from wizard.account.discover import quota_role
        from wizard.plan.quotas import quota_plan
        from wizard.quotas.limits import read_for_request

        aws, identity = self._connection()
        refuse_partition_mismatch(identity, tuple(regions))
        return quota_plan(identity, read_for_request(aws, regions), quota_role(aws), value)

    def _remember_requests(self, requests: Sequence[IncreaseRequest]) -> None:
        from wizard.quotas.remembered import memory_of, remember

        _, identity = self._connection()
        self._requested += requests
        memory = memory_of(identity)
        for request in requests:
            memory = memory.with_request(request)
        remember(memory, identity)

    # Check

    def check(
        self,
        answers: Answers,
        on_finding: Callable[[Finding], None] | None = None,
        *,
        around: bool = False,
        live: bool = False,
        on_wait: Callable[[float], bool] | None = None,
    ) -> Report:
        """Prove what is there for the answers' user and the render role. Connects if need be.

        Shortly after a change a refusal may only mean that IAM is not everywhere yet: it is looked at again before it counts.
        See `check_subjects` for the rest.
        """
        _, identity = self._connection(answers)
        subjects = self.subjects_of(answers)
        caller = self._caller_arn(answers, identity, subjects[0].name)
        self._remember(identity, caller, answers.texts("remotion.regions")[0])
        return self.check_subjects(answers, subjects, on_finding, around=around, live=live, on_wait=on_wait)

    def subjects_of(self, answers: Answers) -> tuple[Subject, ...]:
        """Return whom the answers are about: the caller and the render role."""
        from wizard.check.whom import subjects_of

        return subjects_of(answers, self.caller_name(answers))

    def check_subjects(
        self,
        answers: Answers,
        subjects: tuple[Subject, ...],
        on_finding: Callable[[Finding], None] | None = None,
        unchecked: tuple[Finding, ...] = (),
        *,
        live_upload: bool = False,
        around: bool = False,
        live: bool = False,
        on_wait: Callable[[float], bool] | None = None,
    ) -> Report:
        """Check these subjects; `unchecked` are findings about what could not be checked.

        With `live_upload` one small file is uploaded to each output bucket as the render role, and deleted. With `around`
        Remotion's buckets, functions, logs and regions are looked at as well, with `live` real calls are made with the
        credentials that Remotion has; both read only. `on_wait` is called with the seconds left each time before what fails
        right after a change is looked at again; if it returns False, what fails is left waiting.
        """
        from wizard.account.connect import refuse_partition_mismatch
        from wizard.account.discover import local_state
        from wizard.check.beside import Beside
        from wizard.check.live import live_beside
        from wizard.check.output_bucket import output_check
        from wizard.check.propagation import may_pass, waiting
        from wizard.check.run import run_check
        from wizard.check.subjects import CheckRequest
        from wizard.check.surroundings import Surroundings
        from wizard.check.whom import operator_probes
        from wizard.plan.preview import release_of
        from wizard.plan.wanted import wanted_policy

        aws, identity = self._connection(answers)
        regions = answers.texts("remotion.regions")
        refuse_partition_mismatch(identity, regions)
        project = self._project(answers)
        release, origin = release_of(answers, project.release)
        profile = _profile(answers)
        try:
            local = local_state(project.folder, answers.text("credentials.path"), answers.text("credentials.profile"))
        except ProblemError as error:
            local, problem = None, error.problem
            finding = Finding(
                "credentials.file", "credentials", Status.UNKNOWN, problem.title, problem.detail, "", problem.remedy
            )
            unchecked = (*unchecked, finding)
        if key_place(answers) == "none":
            local = None
        project_policies = self._project_policies(answers, project)
        wanted = {
            kind: wanted_policy(kind, answers, release, identity.partition, identity.account, project_policies).document
            for kind in {subject.policy for subject in subjects}
        }
        request = CheckRequest(
            subjects,
            release,
            regions,
            wanted,
            local,
            profile,
            unchecked,
            has_own_render_role(answers),
            answers.texts("extras.aws_managed_policies"),
            operator_probes(answers, identity, lambda: self.caller_name(answers)),
            output_check(answers, identity, self._output_reader(answers), release, live=live_upload),
            lists_wider=around,
        )
        known = str(release) if origin != "newest known" else ""
        beside = Beside(Surroundings(aws, identity, regions, known).jobs() if around else ())
        tell = beside.between(on_finding)
        while True:
            left = self._seconds_left(aws)
            report = run_check(aws, identity, request, tell and partial(_tell, tell, left))
            left = self._seconds_left(aws)
            if left <= 0 or not may_pass(report) or (on_wait is not None and not on_wait(left)):
                break
            time.sleep(3.0)
        found = waiting(report, left).findings
        if live:
            found += live_beside(aws, identity, request, found, left, on_finding)
        return replace(report, findings=(*found, *beside.rest(on_finding)))

    def _seconds_left(self, aws: Aws) -> float:
        """How long a refusal may still only mean that IAM is not everywhere yet, after what was changed from here."""
        from wizard.apply.journal import seconds_since_change
        from wizard.check.propagation import WINDOW

        if not aws.target.settle_seconds:
            return 0.0
        if not self._applied_at:  # the change may be one of an earlier process
            age = seconds_since_change(self.connected().place)
            self._applied_at = time.monotonic() - min(age, WINDOW)
        return max(0.0, self._applied_at + WINDOW - time.monotonic())

    def _output_reader(self, answers: Answers) -> str:
        """Return whoever reads the output buckets; "" where there are none, and nobody has to be looked up."""
        return self.caller_name(answers) if output_buckets(answers) else ""

    def subjects(self, user: str, role: str, answers: Answers) -> tuple[tuple[Subject, ...], tuple[Finding, ...]]:
        """Return whom `check` looks at: the named ones, else the caller itself and the render role; see `named_subjects`."""
        from wizard.check.whom import named_subjects

        return named_subjects(user, role, answers, self._connection()[1])

    def next_steps(self, answers: Answers) -> tuple[tuple[NextStep, ...], tuple[NextStep, ...]]:
        """Return the commands that come next, and what to set where the code runs with a role. Connected already."""
        from wizard.handover.next_steps import environment, next_commands
        from wizard.plan.preview import release_of

        _, identity = self._connection(answers)
        release, _ = release_of(answers, self._project(answers).release)
        arn = role_reference(answers.text("principal.name")).arn(identity.partition, identity.account)
        return next_commands(answers, identity, release), environment(answers, identity, arn)

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
                keys=Keys(sandbox.access_key_id, sandbox.secret_access_key, sandbox.session_token),
                prepare=sandbox.install,
                sandbox=True,
                scenario=options.sandbox,
                source="sandbox administrator",
                settles_after=sandbox.settles_after,
            )
        return Target(options.profile or profile, options.region or region, options.endpoint_url)

    def _project(self, answers: Answers) -> Project:
        folder = self.project_folder(answers.text("remotion.project"))
        if not _is_folder(folder):
            raise UsageProblem(
                f"remotion.project: there is no folder {one_line(str(folder))}.",
                remedy="Name the folder of your project.",
            )
        return detect_project(folder)

    def _unwritable(self, plan: Plan) -> tuple[Problem, ...]:
        from wizard.handover.files import why_not_writable

        destination = plan.destination
        if plan.purpose == "undo":
            files = {
                c.call.parameters["path"] for c in plan.writing if c.call is not None and c.call.service == "local"
            }
            return tuple(p for f in sorted(files) if (p := why_not_writable(Path(f), f"The file {Path(f).name}")))
        if destination is None or plan.is_empty:
            return ()
        found = [why_not_writable(Path(destination.env_file), "The .env file")]
        if destination.kind == "aws-profile":
            found.append(
                why_not_writable(Path(destination.credentials_file), "The AWS credentials file", makes_folder=True)
            )
        return tuple(problem for problem in found if problem is not None)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a name that is too long, links in a circle
        return False


def _profile(answers: Answers) -> str:
    """The AWS profile that holds Remotion's key, "" where the key is not put into one."""
    return answers.text("credentials.profile") if key_place(answers) == "aws-profile" else ""


def _tell(tell: Callable[[Finding], None], seconds_left: float, finding: Finding) -> None:
    """Hand a finding on; one that may hold in a moment does not count yet."""
    from wizard.check.propagation import not_yet

    tell(not_yet(finding, seconds_left))
