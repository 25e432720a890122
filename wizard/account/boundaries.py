"""Does the organisation, or a policy of the caller, demand a permissions boundary of new users and roles, and which one?

AWS operations: iam:ListPolicies for the boundaries that may be meant, iam:SimulatePrincipalPolicy for the caller's CreateUser
and CreateRole with and without each. What the caller's own policies say of boundaries is read with iam Get/List, only where
something is denied. Nothing is tried out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import islice
from typing import Any, Final

from wizard.account.connect import Aws
from wizard.account.discover import read_managed, read_role, read_user
from wizard.account.errors import code_of, is_absent, is_denied, message_of, problem_of
from wizard.account.snapshot import Document, Fact, Identity, Principal
from wizard.check.simulate import Verdict, simulate
from wizard.policy import documents
from wizard.problem import ExitCode, ProblemError
from wizard.remotion import names
from wizard.remotion.regions import IAM_REGION
from wizard.text import listing, one_line

_KEY: Final = "iam:PermissionsBoundary"
_MOST_TRIED: Final = 3
_MOST_PAGES: Final = 5  # of up to 1,000 policies
_NOUNS: Final = {"iam:CreateUser": "users", "iam:CreateRole": "roles"}
_CAVEAT: Final = "The simulator can be wrong about conditions in service control policies."


@dataclass(frozen=True)
class BoundaryDemand:
    """Whether a boundary is demanded (None: that can't be told), and the ARNs of those that may be meant, best first."""

    demanded: bool | None
    candidates: tuple[str, ...]
    sentence: str


@dataclass(frozen=True)
class _Caller:
    """The user or role that is signed in. A session's role is known with its path, which the session's ARN has lost."""

    kind: str
    name: str
    arn: str
    boundary: str


class _Unanswered(Exception):
    """IAM's simulator did not answer."""


def boundary_demand(aws: Aws, identity: Identity, user: str, path: str) -> BoundaryDemand:
    """Find out whether `user` (none if "") at `path` and the render role may only be made within a permissions boundary.

    At most 8 simulations. What may not be read is left out; where there is no simulator it can't be told. Raises
    ProblemError when AWS can't be reached.
    """
    try:
        return _find_out(aws, identity, user, path)
    except ProblemError:
        raise
    except Exception as error:
        found = problem_of(error, "finding out whether a permissions boundary is demanded")
        unreadable = type(error).__name__ == "ResponseParserError"  # an emulator that has no simulator
        if found.exit_code is ExitCode.NO_ACCESS and not unreadable:
            raise found from error
        return BoundaryDemand(None, (), "")


def _find_out(aws: Aws, identity: Identity, user: str, path: str) -> BoundaryDemand:
    caller = _caller(aws, identity)
    if isinstance(caller, str):
        return BoundaryDemand(None, _candidates(aws, "", set()), caller)
    at = f"arn:{identity.partition}:iam::{identity.account}"
    wanted = {"iam:CreateRole": f"{at}:role/{names.RENDER_ROLE}"}
    if user:
        wanted = {"iam:CreateUser": f"{at}:user{_path(path)}{user}"} | wanted
    try:
        without = {action: _ask(aws, caller, action, resource) for action, resource in wanted.items()}
    except _Unanswered as reason:
        return BoundaryDemand(None, _candidates(aws, caller.boundary, set()), str(reason))
    denied = {action: verdict for action, verdict in without.items() if not verdict.allowed}
    patterns = _patterns(aws, caller) if denied else set()
    candidates = _candidates(aws, caller.boundary, patterns)
    if any(_contradicts(verdict) for verdict in without.values()):
        sentence = f"IAM's simulator contradicts itself about your organisation. {_CAVEAT}"
        return BoundaryDemand(None, candidates, sentence)
    if not denied:
        sentence = f"You may make {_things(without)} without a permissions boundary, says IAM's simulator."
        return BoundaryDemand(False, candidates, sentence)
    helped = _try(aws, caller, {action: wanted[action] for action in denied}, candidates[:_MOST_TRIED])
    if not helped:
        return BoundaryDemand(None, candidates, _unexplained(denied, candidates, bool(patterns)))
    best = max(helped, key=lambda arn: len(helped[arn]))  # the first one of equals
    others = (*(arn for arn in helped if arn != best), *(arn for arn in candidates if arn not in helped))
    return BoundaryDemand(True, (best, *others), _explained(denied, helped[best], best))


# ---- The caller


def _caller(aws: Aws, identity: Identity) -> _Caller | str:
    """Who is signed in, as the simulator wants it named; a sentence where it can't look at them."""
    iam = aws.client("iam")
    kind, _, rest = identity.arn.split(":", 5)[-1].partition("/")
    if kind == "user":
        name = rest.rpartition("/")[2]
        found = _allowed(lambda: iam.get_user(UserName=name)["User"])
        return _Caller("user", name, identity.arn, _boundary_of(found or {}))
    if kind == "assumed-role":
        name = rest.partition("/")[0]
        found = _allowed(lambda: iam.get_role(RoleName=name)["Role"])
        if not found:
            return f"Whether a permissions boundary is demanded can't be told: you may not read your role {name}."
        return _Caller("role", name, str(found["Arn"]), _boundary_of(found))
    who = "the root user" if identity.is_root else "a federated user"
    return f"Whether a permissions boundary is demanded can't be told: IAM's simulator can't look at {who}."


def _boundary_of(found: Mapping[str, Any]) -> str:
    return str(found.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", ""))


def _path(path: str) -> str:
    inner = path.strip("/")
    return f"/{inner}/" if inner else "/"


# ---- Simulation


def _ask(aws: Aws, caller: _Caller, action: str, resource: str, boundary: str = "") -> Verdict:
    """Ask whether the caller may make one user or role, within `boundary` if one is named. Raises _Unanswered."""
    context = {"aws:RequestedRegion": IAM_REGION[aws.partition]}  # an organisation may forbid what is done elsewhere
    if boundary:
        context[_KEY] = boundary
    try:
        return simulate(aws, caller.arn, [action], [resource], context)[0]
    except Exception as error:
        if not code_of(error):  # no answer at all: AWS is out of reach
            raise
        reason = one_line(message_of(error), 160)
        raise _Unanswered(f"Whether a permissions boundary is demanded can't be told: {reason}") from error


def _contradicts(verdict: Verdict) -> bool:
    return verdict.allowed and verdict.by_organization is False


def _try(aws: Aws, caller: _Caller, denied: Mapping[str, str], candidates: tuple[str, ...]) -> dict[str, list[str]]:
    """Which boundaries make which denied actions allowed. Stops at the first one that makes all of them."""
    helped: dict[str, list[str]] = {}
    for boundary in candidates:
        try:
            verdicts = [_ask(aws, caller, action, resource, boundary) for action, resource in denied.items()]
        except _Unanswered:
            continue
        allowed = [v.action for v in verdicts if v.allowed and not _contradicts(v)]
        if allowed:
            helped[boundary] = allowed
        if len(allowed) == len(denied):
            break
    return helped


# ---- Which boundaries may be meant


def _candidates(aws: Aws, own: str, patterns: set[str]) -> tuple[str, ...]:
    """The caller's own boundary, those that the caller's policies name, those in use (most used first), those named so."""
    in_use = [p for p in _policies(aws, "All", PolicyUsageFilter="PermissionsBoundary") if _usage(p)]
    in_use.sort(key=_usage, reverse=True)
    local = [str(p["Arn"]) for p in _policies(aws, "Local")]
    found = [own] if own else []
    found += sorted(p for p in patterns if not _is_pattern(p))
    found += [arn for arn in local if any(_matches(pattern, arn) for pattern in patterns)]
    found += [str(p["Arn"]) for p in in_use]
    found += [arn for arn in local if "boundary" in arn.rpartition("/")[2].lower()]
    return tuple(dict.fromkeys(found))


def _policies(aws: Aws, scope: str, **parameters: str) -> list[Mapping[str, Any]]:
    paginator = aws.client("iam").get_paginator("list_policies")

    def read() -> list[Mapping[str, Any]]:
        pages = paginator.paginate(Scope=scope, **parameters, PaginationConfig={"PageSize": 1000})
        return [policy for page in islice(pages, _MOST_PAGES) for policy in page["Policies"]]

    return _allowed(read) or []


def _usage(policy: Mapping[str, Any]) -> int:
    return int(policy.get("PermissionsBoundaryUsageCount") or 0)  # not every emulator heeds the filter


def _is_pattern(text: str) -> bool:
    return any(c in text for c in "*?")


def _matches(pattern: str, arn: str) -> bool:
    return _is_pattern(pattern) and fnmatchcase(arn, pattern.replace("[", "[[]"))


# ---- What the caller's own policies say


def _patterns(aws: Aws, caller: _Caller) -> set[str]:
    """The boundaries that conditions in the caller's policies, groups and own boundary name; policy variables become *."""
    values = {value for document in _documents(aws, caller) for value in _values(document)}
    return {pattern for value in values if (pattern := re.sub(r"\$\{[^}]*\}", "*", value)).startswith("arn:")}


def _documents(aws: Aws, caller: _Caller) -> Iterator[Document]:
    fact: Fact[Principal] = read_user(aws, caller.name) if caller.kind == "user" else read_role(aws, caller.name)
    principal = fact.value
    if principal is not None:
        yield from (document for _, document in principal.documents())
    policy = read_managed(aws, caller.boundary).value if caller.boundary else None
    if policy is not None:
        yield policy.document


def _values(document: Document) -> Iterator[str]:
    """What conditions on the boundary compare it with, whatever the operator: the simulator knows what it means."""
    for statement in documents.statements(document):
        condition = statement.get("Condition")
        for keys in condition.values() if isinstance(condition, Mapping) else ():
            for key, value in keys.items() if isinstance(keys, Mapping) else ():
                if str(key).lower() == _KEY.lower():
                    yield from map(str, documents.listed(value))


def _allowed(read: Callable[[], Any]) -> Any:
    """What a read gives; None where AWS refuses it or the thing is not there."""
    try:
        return read()
    except Exception as error:
        if is_denied(error) or is_absent(error):
            return None
        raise


# ---- Sentences


def _things(actions: Mapping[str, Any]) -> str:
    return listing([_NOUNS[action] for action in actions])


def _explained(denied: Mapping[str, Verdict], allowed: list[str], boundary: str) -> str:
    name = boundary.rpartition("/")[2]
    who = "Your policies demand"
    if any(denied[action].by_organization is False for action in allowed):
        who = "Your organisation demands"
    elif any(denied[action].by_boundary is False for action in allowed):
        who = "Your own permissions boundary demands"
    sentence = f"{who} a permissions boundary of new {_things(dict.fromkeys(allowed))}: {name} is accepted."
    rest = [action for action in denied if action not in allowed]
    return f"{sentence} New {_things(dict.fromkeys(rest))} are refused with it too." if rest else sentence


def _unexplained(denied: Mapping[str, Verdict], candidates: tuple[str, ...], conditional: bool) -> str:
    things = _things(denied)
    tried = listing([arn.rpartition("/")[2] for arn in candidates[:_MOST_TRIED]])
    with_it = f"without a permissions boundary, and within {tried}" if tried else "without a permissions boundary"
    if any(verdict.by_organization is False for verdict in denied.values()):
        rest = " If it demands another boundary, its administrator knows which." if tried else ""
        return f"Your organisation refuses new {things} {with_it}, says IAM's simulator.{rest} {_CAVEAT}"
    if conditional or any(_KEY.lower() in map(str.lower, verdict.missing_context) for verdict in denied.values()):
        return (
            f"Your policies have a condition on the permissions boundary of new {things}. They are refused {with_it}."
        )
    return f"You may not make {things}: they are refused {with_it}. Whether a boundary is demanded can't be told."
