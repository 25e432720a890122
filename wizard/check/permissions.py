"""What IAM's simulator says of a principal, as findings: what it may do, and what it must not."""

from __future__ import annotations

from collections.abc import Iterator

from wizard.account.connect import Aws
from wizard.account.discover import read_principal
from wizard.account.errors import is_absent, is_denied, message_of, problem_of
from wizard.account.snapshot import Identity, Principal
from wizard.check.batches import Answer
from wizard.check.cause import NOT_PROPAGATED, Reasoning
from wizard.check.findings import Finding, Status
from wizard.check.probes import ForbiddenProbe, Probe
from wizard.check.simulate import Verdict, simulate
from wizard.check.subjects import OperatorProbe, Subject
from wizard.check.wide import Opening, beyond, openings, through
from wizard.remotion import names
from wizard.remotion.catalogue import cost_of_missing
from wizard.text import count, listing


class Pathless(Exception):
    """IAM does not know the ARN without a path, and the one with it may not be read."""


def ambiguous_actions(probes: list[Probe]) -> set[str]:
    """Actions that are asked for several kinds of resource: their findings carry the kind."""
    seen: set[str] = set()
    twice: set[str] = set()
    for probe in probes:
        for action in probe.actions:
            (twice if action in seen else seen).add(action)
    return twice


def permissions(
    subject: Subject,
    reasoning: Reasoning,
    probe: Probe,
    answer: Answer,
    why: dict[str, str],
    ambiguous: set[str],
) -> Iterator[Finding]:
    """Yield a finding for each action of a probe. `why` says what it is for; `ambiguous` ones carry the resource's kind."""
    for action in probe.actions:
        identifier = f"{subject.policy}.permission.{action}" + (f"@{probe.kind}" if action in ambiguous else "")
        layer = _on(probe.kind) if action in ambiguous else ""
        if isinstance(answer, Exception):
            yield _cannot_simulate(identifier, subject, f"{action}{layer}", answer)
            continue
        rows = [v for v in answer if v.action.lower() == action.lower()]
        if not rows:
            yield Finding(identifier, subject.name, Status.UNKNOWN, f"AWS gave no answer about {action}.")
            continue
        depends = {v: text for v in rows if (text := reasoning.depends_on(v))}
        refused = [v for v in rows if not v.allowed and v not in depends]
        if refused:
            yield _refusal(identifier, subject, reasoning, refused, layer, probe.kind)
        elif depends:
            title, detail = f"It depends whether {subject.name} may call {action}", next(iter(depends.values()))
            yield Finding(
                identifier, subject.name, Status.UNKNOWN, title, detail, "missing-context", about=action, reason=detail
            )
        else:
            title = f"{subject.name} may call {action}{layer}"
            yield Finding(identifier, subject.name, Status.PASS, title, why.get(action, ""))


def _on(kind: str) -> str:
    """What an action is asked on, for titles, where it is asked on several kinds of resource."""
    if kind == "insights-log":
        return " on the logs of Lambda Insights"
    if kind.startswith("insights"):
        return " on the layer of Lambda Insights"
    return " on Remotion's layers" if kind == "binaries" else ""


def _refusal(
    identifier: str, subject: Subject, reasoning: Reasoning, refused: list[Verdict], layer: str, kind: str
) -> Finding:
    verdict = refused[0]
    cause = reasoning.cause(verdict)
    cost, about = _cost(subject, verdict.action, kind), f"{verdict.action}{layer}"
    status, title = Status.FAIL, f"{subject.name} may not call {about}"
    if cause.word == NOT_PROPAGATED:
        status, title = Status.UNKNOWN, f"Can't tell yet whether {subject.name} may call {about}"
    everywhere = verdict.action.startswith(("iam:", "sts:"))
    regions = [] if everywhere else list(dict.fromkeys(v.region for v in refused if v.region))
    place = f" in {listing(regions)}" if regions else ""
    without = f" Without it: {cost}." if cost else ""
    return Finding(
        identifier,
        subject.name,
        status,
        title,
        f"{cause.sentence} (on {verdict.resource}{place}){without}",
        cause.word,
        cause.remedy,
        about=about,
        reason=f"{cause.sentence} ({place.strip()})" if place else cause.sentence,
        effect=cost,
    )


def _cost(subject: Subject, action: str, kind: str) -> str:
    """What does not work without an action on a kind of resource."""
    if kind.startswith("insights") and action == "lambda:GetLayerVersion":
        return "`functions deploy` fails with --enable-lambda-insights; nothing else"
    return cost_of_missing(subject.policy, action)


def _cannot_simulate(identifier: str, subject: Subject, about: str, error: Exception) -> Finding:
    read = f"iam:Get{subject.kind.capitalize()}"
    if isinstance(error, Pathless):
        detail, cause = f"IAM knows it under its path only, which can't be read without {read}.", "denied-read"
        remedy = f"Check with an identity that may call {read}."
    elif is_absent(error):
        detail, cause, remedy = "IAM does not know the identity (yet).", NOT_PROPAGATED, ""
    elif is_denied(error):
        detail, cause = message_of(error), "denied-read"
        remedy = "Check with an identity that may call iam:SimulatePrincipalPolicy."
    else:
        detail, cause = message_of(error), ""
        remedy = problem_of(error, "asking IAM's simulator").problem.remedy
    return Finding(
        identifier,
        subject.name,
        Status.UNKNOWN,
        f"Can't tell whether {subject.name} may call {about}",
        detail,
        cause,
        remedy,
        about=about,
        reason=detail,
    )


def least_privilege(
    subject: Subject,
    reasoning: Reasoning,
    probe: ForbiddenProbe,
    answer: Answer,
    accepted: tuple[str, ...],
) -> Finding:
    """Say whether something that Remotion does not need is denied. `accepted` are policies that were asked for although wide."""
    identifier = f"{subject.policy}.least-privilege.{probe.id}"
    if isinstance(answer, Exception):
        return Finding(
            identifier,
            subject.name,
            Status.UNKNOWN,
            f"Can't tell whether {subject.name} may {probe.meaning}",
            message_of(answer),
            about=probe.meaning,
            reason=message_of(answer),
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
    opened = openings(reasoning.principal, allowed)
    by = through(opened, matched)
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
    fails = not (subject.is_caller or subject.is_shared or asked_for)
    away = _can_go(reasoning.principal, opened) if fails else []
    if away:
        remedy = f"Let the wizard take {listing(away)} away: remotion-lambda-wizard setup"
    return Finding(
        identifier,
        subject.name,
        Status.FAIL if fails else Status.WARN,
        f"{subject.name} may {probe.meaning}",
        f"{listing([v.action for v in allowed])}: allowed by {by}. Remotion does not need it.",
        "too-wide",
        remedy,
        {"principal.take_away": away} if away else {},
        about=probe.meaning,
        reason=f"Allowed by {by}. Remotion does not need it.",
    )


def wider_than_needed(
    subject: Subject, reasoning: Reasoning, told: set[str], accepted: tuple[str, ...]
) -> Iterator[Finding]:
    """List by statement what else the policies allow beyond Remotion's; `told` are policies that were found too wide already."""
    found = beyond(reasoning.principal, subject.policy, reasoning.wanted, {*told, *accepted})
    found = tuple(one for one in found if not one[0].startswith(names.OPERATOR_POLICY))
    if reasoning.principal is None or not found:
        return
    listed = listing([f"{policy} ({text})" for policy, text in found[:_MOST_LISTED]])
    more = f" And {count(len(found) - _MOST_LISTED, 'statement')} more." if len(found) > _MOST_LISTED else ""
    yield Finding(
        f"{subject.policy}.least-privilege.wider",
        subject.name,
        Status.WARN,
        f"{subject.name} has rights that Remotion does not need",
        f"{listed}.{more}",
        "wider",
        "Keep what your own work needs, and take the rest out. What you chose in the wizard counts as needed with: "
        "remotion-lambda-wizard check --answers FILE",
    )


_MOST_LISTED = 8


def _can_go(principal: Principal | None, opened: tuple[Opening, ...]) -> list[str]:
    """The policies that open something, if all of them are the principal's own and none is one of the set-up's."""
    found = {opening.policy for opening in opened}
    own = principal.policy_names - names.SET_UP_POLICIES if principal else frozenset()
    return sorted(found) if found <= own and not any("," in name for name in found) else []


def check_operator(aws: Aws, identity: Identity, operator: OperatorProbe) -> Iterator[Finding]:
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
