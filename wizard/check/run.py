"""The check: reads everything back and asks AWS to prove it. Findings come one by one; nothing is changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

from wizard.account.connect import Aws
from wizard.account.discover import read_concurrency, read_entity, read_principal
from wizard.account.errors import is_absent, layer_of
from wizard.account.snapshot import Fact, Identity, Principal
from wizard.check.ahead import read_ahead
from wizard.check.batches import Asked
from wizard.check.beside import FORBIDDEN
from wizard.check.cause import Reasoning
from wizard.check.findings import Finding, Report, Status
from wizard.check.output_bucket import check_output_buckets
from wizard.check.permissions import (
    Pathless,
    ambiguous_actions,
    check_operator,
    least_privilege,
    permissions,
    wider_than_needed,
)
from wizard.check.probes import Scene, forbidden_probes, wanted_probes
from wizard.check.simulate import Verdict
from wizard.check.stored import check_credentials
from wizard.check.subjects import CheckRequest, Subject
from wizard.check.trust import check_taken, check_trust
from wizard.check.wide import openings
from wizard.problem import ProblemError
from wizard.quotas.advice import functions_at_once, outcome
from wizard.quotas.limits import IncreaseRequest, newest_request
from wizard.remotion import names
from wizard.remotion.catalogue import reasons
from wizard.remotion.regions import OPT_IN
from wizard.text import account_number, count, number

# Calls at a time: all of a user and a role. Where IAM throttles its simulator, they are made again.
_AT_ONCE: Final = 14


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
            keep(check_operator(aws, identity, operator))
        keep(check_output_buckets(aws, identity, request.output))
        if request.local is not None:
            keep(check_credentials(aws, identity, request))
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
            f"Looked for in account {account_number(identity.account)}.",
            "missing-principal",
            f"Make it, or name the one that you have (--{subject.kind} NAME): remotion-lambda-wizard setup",
        )
        return
    if principal is None:
        denied, unread = one.entity.problem, "so who may take it can't be told" if subject.is_render_role else ""
        yield Finding(
            f"{prefix}.exists",
            subject.name,
            Status.UNKNOWN,
            f"{subject.name} can't be read{f', {unread}' if unread else '; its permissions are asked for all the same'}.",
            denied.detail if denied else "",
            "denied-read",
            denied.remedy if denied else "",
        )
    elif subject.is_render_role:
        yield from check_trust(principal, request.own_render_role)
    elif principal.kind == "role" and not subject.is_caller:
        yield from check_taken(aws, principal, subject)
    wanted = request.wanted[subject.policy]
    reasoning = Reasoning(subject.name, partial(_all_of, aws, subject), subject.policy, wanted)
    why = {a: text for r in reasons(subject.policy, dict(wanted)) for a, text, _ in r.actions}
    ambiguous = ambiguous_actions(one.probes)
    for probe in one.probes:
        answer = one.asked.answer(probe)
        if principal is None and isinstance(answer, Exception) and is_absent(answer):
            answer = Pathless()
        yield from permissions(subject, reasoning, probe, answer, why, ambiguous)
    allowed: list[Verdict] = []
    for refused in one.forbidden:
        answer = one.asked.answer(refused.probe)
        allowed += [] if isinstance(answer, Exception) else [verdict for verdict in answer if verdict.allowed]
        yield least_privilege(subject, reasoning, refused, answer, request.accepted)
    if request.lists_wider:
        told = {opening.policy for opening in openings(reasoning.principal, allowed)}
        yield from wider_than_needed(subject, reasoning, told, request.accepted)


# Limits


def _check_concurrency(aws: Aws, region: str) -> Finding:
    """Look at the limit; where it is low, also at what AWS was asked for and has said."""
    fact = read_concurrency(aws, region)
    low = fact.value is not None and fact.value <= names.FUNCTIONS_PER_RENDER
    return _concurrency(region, fact, newest_request(aws, region) if low else None)


_OFF: Final = ("UnrecognizedClientException", "InvalidClientTokenId")  # what AWS says where an opt-in region is off


def _concurrency(region: str, fact: Fact[int], request: IncreaseRequest | None = None) -> Finding:
    identifier, subject = f"quota.{region}", "quotas"
    if fact.value is None:
        detail = fact.problem.detail if fact.problem else ""
        if region in OPT_IN and any(code in detail for code in _OFF):
            title = (
                f"The Lambda concurrency in {region} can't be read: the account has most likely not enabled the region"
            )
            remedy = f"Enable it: aws account enable-region --region-name {region}   or choose another region."
            return Finding(identifier, subject, Status.UNKNOWN, title, detail, "region-off", remedy)
        title = f"The Lambda concurrency in {region} can't be read"
        remedy = "Check with an identity that may call lambda:GetAccountSettings."
        if layer_of(detail) == "scp":
            remedy = FORBIDDEN
        return Finding(identifier, subject, Status.UNKNOWN, title, detail, "denied-read", remedy)
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
