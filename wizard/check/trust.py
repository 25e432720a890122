"""Who may take a role: the service or the instance's role for a compute role, Lambda for the render role."""

from __future__ import annotations

from collections.abc import Iterator

from wizard.account.connect import Aws
from wizard.account.discover import read_role
from wizard.account.errors import message_of
from wizard.account.roles import trust_problem
from wizard.account.snapshot import Principal
from wizard.check.cause import Reasoning
from wizard.check.findings import Finding, Status
from wizard.check.simulate import simulate
from wizard.check.subjects import Subject
from wizard.policy.trust import conditions_for, is_open_to_all, services_of, trusts_role, trusts_service
from wizard.remotion import names
from wizard.text import listing


def check_taken(aws: Aws, role: Principal, subject: Subject) -> Iterator[Finding]:
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


def check_trust(role: Principal, is_own: bool) -> Iterator[Finding]:
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
    trust = role.trust or {}
    if is_open_to_all(trust):
        yield Finding(
            "role.trust-open",
            role.name,
            Status.FAIL,
            f"Anybody with an AWS account may take {role.name}",
            "A statement of its trust policy allows sts:AssumeRole to every principal (*), without a condition.",
            "too-wide",
            f"Take that statement out: AWS console, IAM, Roles, {role.name}, Trust relationships.",
        )
    keys = conditions_for(trust, names.LAMBDA_SERVICE)
    if trusts_service(trust, names.LAMBDA_SERVICE):
        text = f"Trust policy: {names.LAMBDA_SERVICE} may take it."
        yield Finding("role.trust", role.name, Status.PASS, f"AWS Lambda may take {role.name}", text)
    elif keys:
        title = f"AWS Lambda may take {role.name} under a condition only"
        detail = f"Its trust policy asks for {listing(keys)}. Where that does not hold, functions can't be deployed."
        remedy = "Let the wizard mend it: remotion-lambda-wizard setup"
        yield Finding("role.trust", role.name, Status.WARN, title, detail, "trust", remedy)
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
