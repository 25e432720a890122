"""The check: reads everything back and asks AWS to prove it. Findings come one by one; nothing is changed."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from wizard.account.connect import Aws, Keys
from wizard.account.discover import read_concurrency, read_entity, read_principal, read_role, stored_keys
from wizard.account.errors import is_absent, is_bad_key, is_denied, message_of, problem_of
from wizard.account.roles import trust_problem
from wizard.account.snapshot import Fact, Identity, LocalState, Principal
from wizard.check.ahead import read_ahead
from wizard.check.batches import Answer, Asked
from wizard.check.cause import NOT_PROPAGATED, Reasoning
from wizard.check.findings import Finding, Report, Status
from wizard.check.output_bucket import OutputCheck, check_output_buckets
from wizard.check.probes import ForbiddenProbe, Probe, Scene, forbidden_probes, wanted_probes
from wizard.check.simulate import Verdict, simulate
from wizard.check.wide import through
from wizard.policy.documents import Document
from wizard.policy.trust import services_of, trusts_role, trusts_service
from wizard.problem import ProblemError
from wizard.quotas.advice import functions_at_once, outcome
from wizard.quotas.limits import IncreaseRequest, newest_request
from wizard.remotion import names
from wizard.remotion.catalogue import PolicyKind, cost_of_missing, reasons
from wizard.remotion.releases import Release
from wizard.text import count, listing, number, shortened_key

_AT_ONCE: Final = 8  # calls at a time: few enough for IAM, which throttles its simulator


@dataclass(frozen=True)
class Subject:
    """Who is checked against which of Remotion's policies: a user, a compute role, the render role, or the caller."""

    kind: str  # "user" or "role"
    name: str
    policy: PolicyKind
    is_render_role: bool = False
    is_caller: bool = False  # whoever runs the check, not named: may well be an administrator, which is no failure
    is_shared: bool = (
        False  # a compute role: it serves an application of its own, which may need more than Remotion does
    )
    service: str = "any"  # the compute service that must be able to take the role
    taken_by: str = ""  # the role of the instance that takes this one (EC2 with STS)


@dataclass(frozen=True)
class OperatorProbe:
    """Operator permissions to prove: who has them, which they are, and the actions with the ARNs to ask them on."""

    kind: str
    name: str
    id: str
    title: str
    probes: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]
    context: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class CheckRequest:
    """What to check: the subjects, the release and regions, the policies that are wanted, and where the credentials lie.

    `local` is None where credentials are not looked at; `accepted` are policies that were asked for although they are wide.
    """

    subjects: tuple[Subject, ...]
    release: Release
    regions: tuple[str, ...]
    wanted: Mapping[PolicyKind, Document]
    local: LocalState | None = None
    profile: str = ""
    unchecked: tuple[Finding, ...] = field(default=())
    own_render_role: bool = False  # deployed with --custom-role-arn: any name and path will do
    accepted: tuple[str, ...] = ()
    operators: tuple[OperatorProbe, ...] = ()
    output: OutputCheck | None = None


def run_check(
    aws: Aws, identity: Identity, request: CheckRequest, on_finding: Callable[[Finding], None] | None = None
) -> Report:
    """Check everything and return the report; `on_finding` is called as each finding is there."""
    findings: list[Finding] = []

    def keep(found: Iterator[Finding]) -> None:
        for finding in found:
            findings.append(finding)
            if on_finding:
                on_finding(finding)

    keep(iter(request.unchecked))
    scene = Scene(identity.account, identity.partition, request.regions, str(request.release))
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        entities = [pool.submit(_entity, aws, subject) for subject in request.subjects]
        limits = {region: pool.submit(_check_concurrency, aws, region) for region in request.regions}
        questioned = [
            _Questioned(aws, identity, subject, request, scene, pool, entity.result())
            for subject, entity in zip(request.subjects, entities, strict=True)
        ]
        for one in questioned:
            keep(_check_subject(aws, identity, one, request))
        for operator in request.operators:
            keep(_check_operator(aws, identity, operator))
        keep(check_output_buckets(aws, identity, request.output))
        if request.local is not None:
            keep(_check_credentials(aws, identity, request))
        for limit in limits.values():
            keep(iter([limit.result()]))
    return Report(identity, tuple(findings))


# One principal


def _entity(aws: Aws, subject: Subject) -> Fact[Principal] | ProblemError:
    known = read_ahead(aws, subject.kind, subject.name)
    if known is not None:
        return known
    try:
        return read_entity(aws, subject.kind, subject.name)
    except ProblemError as error:
        return error


def _all_of(aws: Aws, subject: Subject) -> Principal | None:
    """Read a principal with all its policies, to reason about a refusal."""
    try:
        return read_principal(aws, subject.kind, subject.name).value
    except ProblemError:
        return None


class _Questioned:
    """A subject as it was read, and all that is being asked of the simulator about it."""

    def __init__(
        self,
        aws: Aws,
        identity: Identity,
        subject: Subject,
        request: CheckRequest,
        scene: Scene,
        pool: ThreadPoolExecutor,
        entity: Fact[Principal] | ProblemError,
    ) -> None:
        self.subject = subject
        self.entity = entity
        self.principal = None if isinstance(entity, ProblemError) else entity.value
        self.probes = wanted_probes(request.wanted[subject.policy], scene)
        self.forbidden = forbidden_probes(scene)
        arn = f"arn:{identity.partition}:iam::{identity.account}:{subject.kind}/{subject.name}"
        there = not isinstance(entity, ProblemError) and not entity.is_absent
        asks = [*self.probes, *(f.probe for f in self.forbidden)] if there else []
        self.asked = Asked(pool, aws, self.principal.arn if self.principal else arn, asks, scene)


def _check_subject(aws: Aws, identity: Identity, one: _Questioned, request: CheckRequest) -> Iterator[Finding]:
    subject, principal = one.subject, one.principal
    prefix = subject.policy
    if isinstance(one.entity, ProblemError):
        problem = one.entity.problem
        yield Finding(
            f"{prefix}.exists", subject.name, Status.UNKNOWN, problem.title, problem.detail, "", problem.remedy
        )
        return
    if one.entity.is_absent:
        yield Finding(
            f"{prefix}.exists",
            subject.name,
            Status.FAIL,
            f"There is no {subject.kind} {subject.name}.",
            f"in account {identity.account}",
            "missing-principal",
            "Make it: remotion-lambda-wizard setup",
        )
        return
    if principal is None:
        detail = str(one.entity.problem or "")
        yield Finding(
            f"{prefix}.exists", subject.name, Status.UNKNOWN, f"{subject.name} can't be read.", detail, "", ""
        )
    elif subject.is_render_role:
        yield from _check_trust(principal, request.own_render_role)
    elif principal.kind == "role" and not subject.is_caller:
        yield from _check_taken(aws, principal, subject)
    wanted = request.wanted[subject.policy]
    reasoning = Reasoning(subject.name, partial(_all_of, aws, subject), subject.policy, wanted)
    why = {a: text for r in reasons(subject.policy, dict(wanted)) for a, text, _ in r.actions}
    ambiguous = _ambiguous(one.probes)
    for probe in one.probes:
        answer = one.asked.answer(probe)
        if principal is None and isinstance(answer, Exception) and is_absent(answer):
            answer = _Pathless()
        yield from _permissions(subject, reasoning, probe, answer, why, ambiguous)
    for refused in one.forbidden:
        yield _least_privilege(subject, reasoning, refused, one.asked.answer(refused.probe), request.accepted)


class _Pathless(Exception):
    """IAM does not know the ARN without a path, and the one with it may not be read."""


def _ambiguous(probes: list[Probe]) -> set[str]:
    """Actions that are asked for several kinds of resource: their findings carry the kind."""
    seen: set[str] = set()
    twice: set[str] = set()
    for probe in probes:
        for action in probe.actions:
            (twice if action in seen else seen).add(action)
    return twice


def _permissions(
    subject: Subject,
    reasoning: Reasoning,
    probe: Probe,
    answer: Answer,
    why: dict[str, str],
    ambiguous: set[str],
) -> Iterator[Finding]:
    for action in probe.actions:
        identifier = f"{subject.policy}.permission.{action}" + (f"@{probe.kind}" if action in ambiguous else "")
        if isinstance(answer, Exception):
            yield _cannot_simulate(identifier, subject, action, answer)
            continue
        rows = [v for v in answer if v.action.lower() == action.lower()]
        if not rows:
            yield Finding(identifier, subject.name, Status.UNKNOWN, f"AWS gave no answer about {action}.")
            continue
        refused = next((v for v in rows if not v.allowed), None)
        if refused is None:
            yield Finding(
                identifier, subject.name, Status.PASS, f"{subject.name} may call {action}", why.get(action, "")
            )
        elif refused.missing_context and refused.decision != "explicitDeny":
            missing = listing(refused.missing_context)
            yield Finding(
                identifier,
                subject.name,
                Status.UNKNOWN,
                f"It depends whether {subject.name} may call {action}",
                f"A policy asks for {missing}, which only a real call has.",
                "missing-context",
            )
        else:
            yield _refusal(identifier, subject, reasoning, refused)


def _refusal(identifier: str, subject: Subject, reasoning: Reasoning, verdict: Verdict) -> Finding:
    cause = reasoning.cause(verdict)
    cost = cost_of_missing(subject.policy, verdict.action)
    without = f" Without it: {cost}." if cost else ""
    status, title = Status.FAIL, f"{subject.name} may not call {verdict.action}"
    if cause.word == NOT_PROPAGATED:
        status, title = Status.UNKNOWN, f"Can't tell yet whether {subject.name} may call {verdict.action}"
    place = f" in {verdict.region}" if verdict.resource == "*" and verdict.region else ""
    return Finding(
        identifier,
        subject.name,
        status,
        title,
        f"{cause.sentence} (on {verdict.resource}{place}){without}",
        cause.word,
        cause.remedy,
    )


def _cannot_simulate(identifier: str, subject: Subject, action: str, error: Exception) -> Finding:
    if isinstance(error, _Pathless):
        title = f"Can't tell whether {subject.name} may call {action}"
        detail = f"IAM knows it under its path only, which can't be read without iam:Get{subject.kind.capitalize()}."
        remedy = f"Check with an identity that may call iam:Get{subject.kind.capitalize()}."
        return Finding(identifier, subject.name, Status.UNKNOWN, title, detail, "denied-read", remedy)
    if is_absent(error):
        detail, cause = "IAM does not know the identity (yet).", NOT_PROPAGATED
        return Finding(
            identifier,
            subject.name,
            Status.UNKNOWN,
            f"Can't tell whether {subject.name} may call {action}",
            detail,
            cause,
        )
    problem = problem_of(error, "asking IAM's simulator").problem
    cause = "denied-read" if is_denied(error) else ""
    remedy = "Check with an identity that may call iam:SimulatePrincipalPolicy." if is_denied(error) else problem.remedy
    title = f"Can't tell whether {subject.name} may call {action}"
    return Finding(identifier, subject.name, Status.UNKNOWN, title, message_of(error), cause, remedy)


def _least_privilege(
    subject: Subject,
    reasoning: Reasoning,
    probe: ForbiddenProbe,
    answer: Answer,
    accepted: tuple[str, ...],
) -> Finding:
    identifier = f"{subject.policy}.least-privilege.{probe.id}"
    if isinstance(answer, Exception):
        return Finding(
            identifier,
            subject.name,
            Status.UNKNOWN,
            f"Can't tell whether {subject.name} may {probe.meaning}",
            message_of(answer),
        )
    allowed = [v for v in answer if v.allowed]
    if not allowed:
        return Finding(
            identifier,
            subject.name,
            Status.PASS,
            f"{subject.name} can't {probe.meaning}",
            f"{listing(probe.actions)}: denied",
        )
    matched = sorted({m for v in allowed for m in v.matched if m})
    opened = through(reasoning.principal, allowed, matched)
    asked_for = bool(matched) and all(any(name in m for name in accepted) for m in matched)
    remedy = "Take the policy away if nothing else needs it, or use a user of its own for Remotion."
    if subject.is_caller:
        remedy = (
            "You are looking at the identity that you are signed in with. Name Remotion's own: --user remotion-user"
        )
    elif asked_for:
        remedy = "You asked for this policy. Leave it out (extras.aws_managed_policies) if you can do without."
    elif subject.is_shared:
        remedy = "It may be what your application needs. If not, take it out of the role's other policies."
    return Finding(
        identifier,
        subject.name,
        Status.WARN if subject.is_caller or subject.is_shared or asked_for else Status.FAIL,
        f"{subject.name} may {probe.meaning}",
        f"{listing([v.action for v in allowed])}: allowed by {opened}. Remotion does not need it.",
        "too-wide",
        remedy,
    )


def _check_operator(aws: Aws, identity: Identity, operator: OperatorProbe) -> Iterator[Finding]:
    """Prove operator permissions by simulation, as AWS's guide has people do by hand."""
    identifier = f"operator.{operator.id}"
    try:
        principal = read_principal(aws, operator.kind, operator.name).value
        plain = f"arn:{identity.partition}:iam::{identity.account}:{operator.kind}/{operator.name}"
        arn = principal.arn if principal else plain
        verdicts = [v for some, arns in operator.probes for v in simulate(aws, arn, some, arns, operator.context)]
    except Exception as error:
        title = f"Can't tell whether {operator.name} may {operator.title}"
        yield Finding(identifier, operator.name, Status.UNKNOWN, title, message_of(error))
        return
    refused = sorted({v.action for v in verdicts if not v.allowed})
    if not refused:
        detail = f"{count(len({v.action for v in verdicts}), 'action')}, asked on Remotion's own resources: allowed"
        yield Finding(identifier, operator.name, Status.PASS, f"{operator.name}: {operator.title}", detail)
        return
    yield Finding(
        identifier,
        operator.name,
        Status.FAIL,
        f"{operator.name} lacks something of: {operator.title}",
        f"{listing(refused)}: refused.",
        "missing-statement",
        "Let the wizard attach it: extras.operator",
    )


def _check_taken(aws: Aws, role: Principal, subject: Subject) -> Iterator[Finding]:
    """Whether whoever is to take a compute role can: its service, or the role of the instance (EC2 with STS)."""
    if subject.taken_by:
        yield from _check_taker(aws, role, subject.taken_by)
        return
    wrong = trust_problem(role.trust or {}, subject.service)
    if wrong:
        remedy = "Pick the role that your code runs with, or name the service that it runs in (principal.service)."
        title = f"Your code can't work with {role.name}"
        yield Finding("user.trust", role.name, Status.FAIL, title, wrong, "trust", remedy)
    elif subject.service != "any":
        who = listing(services_of(role.trust or {}))
        yield Finding("user.trust", role.name, Status.PASS, f"Your code can work with {role.name}", f"It trusts {who}.")


def _check_taker(aws: Aws, role: Principal, taker: str) -> Iterator[Finding]:
    """Both sides of sts:AssumeRole: the trust policy, and what the taker's own policies say."""
    identifier = "user.trust"
    fact = read_role(aws, taker)
    if fact.value is None:
        title = f"There is no role {taker}" if fact.is_absent else f"The role {taker} can't be read"
        status = Status.FAIL if fact.is_absent else Status.UNKNOWN
        yield Finding(identifier, role.name, status, title, str(fact.problem or ""), "missing-principal")
        return
    direct = trusts_role(role.trust or {}, fact.value.arn)
    if direct:
        yield Finding(identifier, role.name, Status.PASS, f"{taker} is trusted to take {role.name}")
    else:
        title, detail = (
            f"{taker} is not trusted to take {role.name}",
            f"The trust policy does not name {fact.value.arn}.",
        )
        remedy = "Let the wizard mend it: remotion-lambda-wizard setup"
        yield Finding(identifier, role.name, Status.FAIL, title, detail, "trust", remedy)
    identifier = "user.assume-role"
    try:
        (verdict, *_) = simulate(aws, fact.value.arn, ("sts:AssumeRole",), (role.arn,))
    except Exception as error:
        title = f"Can't tell whether {taker}'s own policies allow sts:AssumeRole"
        yield Finding(identifier, taker, Status.UNKNOWN, title, message_of(error))
        return
    forbidden = verdict.decision == "explicitDeny" or verdict.by_organization is False or verdict.by_boundary is False
    if verdict.allowed or (direct and not forbidden):
        detail = (
            "Its own policies allow it."
            if verdict.allowed
            else f"In one account the trust policy of {role.name}, which names it, is enough; no policy of its own is needed."
        )
        yield Finding(identifier, taker, Status.PASS, f"{taker} may call sts:AssumeRole on {role.name}", detail)
        return
    cause = Reasoning(taker, lambda: fact.value, "user", {}).cause(verdict)
    title = f"{taker} may not call sts:AssumeRole on {role.name}"
    yield Finding(identifier, taker, Status.FAIL, title, cause.sentence, cause.word, cause.remedy)


def _check_trust(role: Principal, is_own: bool) -> Iterator[Finding]:
    if role.path != "/" and not is_own:
        yield Finding(
            "role.path",
            role.name,
            Status.FAIL,
            f"{role.name} is at the path {role.path}, but Remotion looks for it at /",
            role.arn,
            "wrong-path",
            "Delete the role and let the wizard make it anew.",
        )
    if trusts_service(role.trust or {}, names.LAMBDA_SERVICE):
        text = f"Trust policy: {names.LAMBDA_SERVICE} may take it."
        yield Finding("role.trust", role.name, Status.PASS, f"AWS Lambda may take {role.name}", text)
    else:
        yield Finding(
            "role.trust",
            role.name,
            Status.FAIL,
            f"AWS Lambda can't take {role.name}",
            f"Its trust policy does not let {names.LAMBDA_SERVICE} call sts:AssumeRole.",
            "trust",
            "Let the wizard mend it: remotion-lambda-wizard setup",
        )


# Credentials and limits


def _check_credentials(aws: Aws, identity: Identity, request: CheckRequest) -> Iterator[Finding]:
    local = request.local
    assert local is not None
    subject = "credentials"
    keys, where = stored_keys(local, request.profile)
    if keys is None:
        if local.env_profile and not request.profile:
            yield Finding(
                "credentials.source",
                subject,
                Status.PASS,
                f"{Path(local.env_file).name} names the AWS profile {local.env_profile}",
            )
        elif any(s.kind == "user" and not s.is_caller for s in request.subjects):
            yield Finding(
                "credentials.missing",
                subject,
                Status.WARN,
                f"There are no credentials for Remotion in {where or local.env_file}",
                local.env_file,
                "no-credentials",
                "Run this in the project's folder, or let the wizard hand a key over: remotion-lambda-wizard setup",
            )
        return
    yield from _shadowed(keys)
    user = next((s.name for s in request.subjects if s.kind == "user" and not s.is_caller), "")
    yield _key_works(aws, identity, keys, where, user)
    path = Path(local.env_file)
    if local.env_key_id and path.exists():
        yield from _file_is_private(path, local)


def _shadowed(keys: Keys) -> Iterator[Finding]:
    """Variables of this shell that Remotion takes before the .env file: dotenv does not replace what is set."""
    other = os.environ.get(names.ACCESS_KEY_ID, "")
    variables = [names.PROFILE] if os.environ.get(names.PROFILE) else []
    if other and other != keys.access_key_id:
        variables.append(names.ACCESS_KEY_ID)
    if variables:
        yield Finding(
            "credentials.shadowed",
            "credentials",
            Status.WARN,
            f"{listing(variables)} in this shell comes before the .env file",
            "Remotion, started from this shell, uses other credentials than the ones that were handed over.",
            "shadowed",
            f"unset {' '.join(variables)}",
        )


def _key_works(aws: Aws, identity: Identity, keys: Keys, where: str, user: str) -> Finding:
    """Sign a real call with the stored credentials. AWS operation: sts:GetCallerIdentity, which needs no permission."""
    subject, identifier, shown = "credentials", "credentials.key", shortened_key(keys.access_key_id)
    try:
        caller = aws.with_keys(keys).client("sts").get_caller_identity()
    except Exception as error:
        problem = problem_of(error, f"signing in with the key in {where}").problem
        if not is_bad_key(error):
            title = f"Can't tell whether the key {shown} in {where} works"
            return Finding(identifier, subject, Status.UNKNOWN, title, problem.detail, "", problem.remedy)
        title = f"The key {shown} in {where} does not work"
        return Finding(
            identifier,
            subject,
            Status.FAIL,
            title,
            problem.detail,
            "bad-credentials",
            "Let the wizard make a new one: remotion-lambda-wizard setup",
        )
    if str(caller["Account"]) != identity.account:
        title = f"The key {shown} in {where} is of another account"
        detail = f"It signs in as {caller['Arn']}; the wizard looks at account {identity.account}."
        return Finding(
            identifier,
            subject,
            Status.FAIL,
            title,
            detail,
            "other-account",
            "Choose the identity or the project that you mean.",
        )
    if user and not str(caller["Arn"]).endswith(f"/{user}"):
        title = f"The key {shown} in {where} is not one of {user}"
        return Finding(
            identifier,
            subject,
            Status.WARN,
            title,
            f"It signs in as {caller['Arn']}.",
            "other-principal",
            "Let the wizard make a key for the user.",
        )
    return Finding(
        identifier, subject, Status.PASS, f"The key {shown} in {where} works", f"It signs in as {caller['Arn']}."
    )


def _file_is_private(path: Path, local: LocalState) -> Iterator[Finding]:
    subject = "credentials"
    if os.name == "posix":
        mode = stat.S_IMODE(path.stat().st_mode)
        private = not mode & 0o077
        yield Finding(
            "credentials.file-mode",
            subject,
            Status.PASS if private else Status.WARN,
            f"Only you can read {path.name}" if private else f"Others on this computer can read {path.name}",
            f"mode {mode:04o}",
            "" if private else "file-mode",
            "" if private else f"chmod 600 {path}",
        )
    if local.tracked_by_git or local.ignored_by_git is False:
        yield Finding(
            "credentials.git",
            subject,
            Status.WARN,
            f"{path.name} can get into a git commit",
            "git tracks it." if local.tracked_by_git else "No .gitignore covers it.",
            "not-ignored",
            f"git rm --cached {path.name}" if local.tracked_by_git else f"Add /{path.name} to .gitignore.",
        )
    elif local.ignored_by_git:
        yield Finding("credentials.git", subject, Status.PASS, f"git ignores {path.name}")


def _check_concurrency(aws: Aws, region: str) -> Finding:
    """Look at the limit; where it is low, also at what AWS was asked for and has said."""
    fact = read_concurrency(aws, region)
    low = fact.value is not None and fact.value <= names.FUNCTIONS_PER_RENDER
    return _concurrency(region, fact, newest_request(aws, region) if low else None)


def _concurrency(region: str, fact: Fact[int], request: IncreaseRequest | None = None) -> Finding:
    identifier, subject = f"quota.{region}", "quotas"
    if fact.value is None:
        detail = fact.problem.detail if fact.problem else ""
        return Finding(
            identifier,
            subject,
            Status.UNKNOWN,
            f"The Lambda concurrency in {region} can't be read",
            detail,
            "denied-read",
        )
    limit = fact.value
    if limit > names.FUNCTIONS_PER_RENDER:
        return Finding(identifier, subject, Status.PASS, f"Lambda concurrency in {region} is {number(limit)}")
    functions = functions_at_once(limit)
    asked = f" {outcome(request)}." if request is not None and request.value > limit else ""
    waits = request is not None and request.value > limit and (request.is_open or request.status == "APPROVED")
    return Finding(
        identifier,
        subject,
        Status.WARN,
        f"Lambda concurrency in {region} is {number(limit)}: at most {count(functions, 'render function')} at once",
        f"One render may use up to {names.FUNCTIONS_PER_RENDER}. Until it is raised, give each function more frames "
        f"(framesPerLambda).{asked}",
        "low-quota",
        f"Wait for AWS, and see how it stands: remotion-lambda-wizard quotas --region {region}"
        if waits
        else f"Ask AWS for more: remotion-lambda-wizard quotas request --region {region}",
    )
