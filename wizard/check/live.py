"""Live probes: real calls with the credentials that were handed over, and where they differ from IAM's simulation. Reads only.

AWS operations: sts GetCallerIdentity, lambda ListFunctions, s3 ListBuckets, servicequotas GetServiceQuota, lambda
GetLayerVersionByArn. A simulation leaves out what only a real call meets: conditions on the caller's network, endpoint
policies, session policies, the policy of another account's layer, service control policies with conditions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, Final

from wizard.account.connect import Aws, Keys
from wizard.account.discover import stored_keys
from wizard.account.errors import code_of, is_absent, is_bad_key, is_denied, layer_of, message_of, problem_of
from wizard.account.snapshot import Identity, LocalState
from wizard.check.findings import Finding, Status
from wizard.check.probes import Scene, concrete
from wizard.check.subjects import CheckRequest
from wizard.quotas.limits import QUOTA
from wizard.remotion.regions import hosted_layers

_SUBJECT: Final = "live"
_AT_ONCE: Final = 8
_LAYERS: Final = "arn:aws:lambda:*:678892195805:layer:remotion-binaries-*"
_SIGN_IN: Final = "sts:GetCallerIdentity"  # no policy decides about it


@dataclass(frozen=True)
class Probe:
    """One real call: what it is about, where, the action that it needs, and how it is made. `also` are other codes of "yes"."""

    what: str
    region: str
    action: str
    call: Callable[[Aws], object]
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class Live:
    """The credentials that Remotion will use, where they lie, and what to try with them."""

    aws: Aws
    where: str
    identity: Identity
    regions: tuple[str, ...]
    release: str
    user: str = ""  # whom the simulation was about
    known: Mapping[str, Finding] = field(default_factory=dict)

    def probes(self) -> tuple[Probe, ...]:
        """Return the calls, region by region; the account's buckets are listed once."""
        found = [
            Probe("buckets", self.regions[0], "s3:ListAllMyBuckets", lambda aws: aws.client("s3").list_buckets()),
        ]
        for region in self.regions:
            found += self._in_region(region)
        return tuple(found)

    def _in_region(self, region: str) -> list[Probe]:
        def sign_in(aws: Aws) -> object:
            return aws.client("sts", region).get_caller_identity()

        def functions(aws: Aws) -> object:
            return aws.client("lambda", region).list_functions(MaxItems=1)

        def quota(aws: Aws) -> object:
            return aws.client("service-quotas", region).get_service_quota(**QUOTA)

        found = [
            Probe("identity", region, _SIGN_IN, sign_in),
            Probe("functions", region, "lambda:ListFunctions", functions),
            Probe("quota", region, "servicequotas:GetServiceQuota", quota, also=("NoSuchResourceException",)),
        ]
        if hosted_layers(self.identity.partition):
            scene = Scene(self.identity.account, self.identity.partition, (region,), self.release)
            _, (layer,) = concrete(_LAYERS, "lambda:GetLayerVersion", scene)

            def fetch(aws: Aws) -> object:
                return aws.client("lambda", region).get_layer_version_by_arn(Arn=layer)

            found.append(Probe("layer", region, "lambda:GetLayerVersion", fetch))
        return found


def live_beside(
    aws: Aws,
    identity: Identity,
    request: CheckRequest,
    simulated: Sequence[Finding],
    seconds_left: float,
    on_finding: Callable[[Finding], None] | None,
) -> tuple[Finding, ...]:
    """Make real calls with the credentials that Remotion has, beside what was simulated; see `live_findings`."""
    user = next((s.name for s in request.subjects if s.policy == "user"), "")
    live = live_of(aws, identity, request.local, request.profile, request.regions, str(request.release), user)
    found: list[Finding] = []
    for finding in (live,) if isinstance(live, Finding) else live_findings(live, simulated, seconds_left):
        found.append(finding)
        if on_finding is not None:
            on_finding(finding)
    return tuple(found)


def live_findings(live: Live, simulated: Sequence[Finding], seconds_left: float = 0.0) -> Iterator[Finding]:
    """Make every call, side by side, and yield a finding for each, in order.

    `simulated` is what the check found; `seconds_left` is how long a refusal may still mean that IAM is not everywhere yet.
    """
    try:
        caller = str(live.aws.client("sts").get_caller_identity()["Arn"])
    except Exception as error:
        yield _not_signed_in(live, error, seconds_left)
        return
    same = bool(live.user) and caller.endswith(f"/{live.user}")
    live = replace(live, known={f.id: f for f in simulated} if same else {})
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        asked = [(probe, pool.submit(_try, live.aws, probe)) for probe in live.probes()]
        for probe, answer in asked:
            yield _finding(live, probe, answer.result(), seconds_left)


def live_of(
    aws: Aws,
    identity: Identity,
    local: LocalState | None,
    profile: str,
    regions: tuple[str, ...],
    release: str,
    user: str,
) -> Live | Finding:
    """Return the live probes with the stored credentials, or a finding that says why there can be none."""
    keys: Keys | None = None
    where = ""
    if local is not None:
        keys, where = stored_keys(local, profile)
    if keys is not None:
        return Live(aws.with_keys(keys), where, identity, regions, release, user)
    if local is not None and local.env_profile and not aws.target.sandbox:
        other = Aws(replace(aws.target, profile=local.env_profile, keys=None, source=""))
        return Live(other, f"the AWS profile {local.env_profile}", identity, regions, release, user)
    why = (
        f"There are no credentials for Remotion in {where or local.env_file}."
        if local is not None
        else "A role has no stored credentials: only the code that runs with it has them."
    )
    return Finding(
        f"live.identity.{regions[0]}",
        _SUBJECT,
        Status.UNKNOWN,
        "Nothing could be tried live",
        why,
        "no-credentials",
        "Where your code runs: npx remotion lambda policies validate   or run the wizard's check there."
        if local is None
        else "Run this in the project's folder, or let the wizard hand a key over: remotion-lambda-wizard setup",
    )


def _try(aws: Aws, probe: Probe) -> Exception | None:
    try:
        probe.call(aws)
    except Exception as error:
        return None if code_of(error) in probe.also else error
    return None


def _not_signed_in(live: Live, error: Exception, seconds_left: float) -> Finding:
    identifier = f"live.identity.{live.regions[0]}"
    problem = problem_of(error, f"signing in with the key in {live.where}").problem
    if not is_bad_key(error):
        title = f"Can't tell whether the key in {live.where} works"
        return Finding(identifier, _SUBJECT, Status.UNKNOWN, title, problem.detail, "", problem.remedy)
    if seconds_left > 0:
        return _waiting(identifier, f"The key in {live.where} does not work yet", problem.detail, seconds_left)
    return Finding(
        identifier,
        _SUBJECT,
        Status.FAIL,
        f"The key in {live.where} does not work",
        problem.detail,
        "bad-credentials",
        "Let the wizard make a new one: remotion-lambda-wizard setup",
    )


def _waiting(identifier: str, title: str, detail: str, seconds_left: float) -> Finding:
    return Finding(
        identifier,
        _SUBJECT,
        Status.UNKNOWN,
        title,
        f"IAM may not be everywhere yet: it has another {seconds_left:.0f} s before this counts. {detail}",
        "not-propagated",
        "Check again in a minute: remotion-lambda-wizard check --live",
    )


def _finding(live: Live, probe: Probe, error: Exception | None, seconds_left: float) -> Finding:
    identifier = f"live.{probe.what}.{probe.region}"
    said = _simulated(live, probe)
    place = f" in {probe.region}" if probe.what != "buckets" else ""
    if error is None:
        title = f"{probe.action} works{place}"
        if said is not None and said.status is Status.FAIL:
            return _differs(
                identifier,
                Status.WARN,
                f"{title}, though IAM's simulator says no",
                f"Simulated: {said.title}. {said.detail}",
                "What a real call may counts. A policy of the resource, or a change of a moment ago, can be the reason.",
            )
        return Finding(identifier, _SUBJECT, Status.PASS, title, f"A real call with the key in {live.where}.")
    message = message_of(error)
    if is_bad_key(error):
        return Finding(
            identifier,
            _SUBJECT,
            Status.FAIL,
            f"The key is not valid{place}",
            f"It works elsewhere, so the account has most likely not enabled {probe.region}. AWS says: {message}",
            "region-off",
            f"Enable it: aws account enable-region --region-name {probe.region}   or choose another region.",
        )
    if is_absent(error) or not is_denied(error):
        problem = problem_of(error, f"calling {probe.action}{place}").problem
        title = f"Can't tell whether {probe.action} works{place}"
        return Finding(identifier, _SUBJECT, Status.UNKNOWN, title, problem.detail, "", problem.remedy)
    return _refused(identifier, probe, said, message, place, seconds_left)


def _refused(
    identifier: str, probe: Probe, said: Finding | None, message: str, place: str, seconds_left: float
) -> Finding:
    title = f"AWS refuses {probe.action}{place}"
    if "resource-based policy allows" in message:
        return Finding(
            identifier,
            _SUBJECT,
            Status.UNKNOWN,
            f"Can't tell whether {probe.action} works{place}",
            f"The other account's policy does not open this very version of the layer. AWS says: {message}",
            "resource-policy",
        )
    if seconds_left > 0:
        return _waiting(identifier, f"{title} so far", f"AWS says: {message}", seconds_left)
    layer = layer_of(message)
    if said is not None and said.status is Status.PASS:
        through = f" AWS names the kind of policy: {layer}." if layer and layer != "missing-statement" else ""
        return _differs(
            identifier,
            Status.FAIL,
            f"{title}, though IAM's simulator says yes",
            f"AWS says: {message}.{through} A simulation leaves out conditions on the caller's network, endpoint and session "
            "policies, and conditions of service control policies.",
            "Show the line above to whoever looks after the account or the organisation.",
        )
    problem = problem_of(_Told(message), f"calling {probe.action}").problem
    return Finding(
        identifier,
        _SUBJECT,
        Status.FAIL,
        title,
        f"AWS says: {message}",
        layer or "missing-statement",
        said.remedy if said is not None and said.remedy else problem.remedy,
    )


class _Told(Exception):
    """AWS's refusal, to be read once more for its remedy."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.response: dict[str, Any] = {"Error": {"Code": "AccessDenied", "Message": message}}


def _differs(identifier: str, status: Status, title: str, detail: str, remedy: str) -> Finding:
    return Finding(identifier, _SUBJECT, status, title, detail, "differs-from-simulation", remedy)


def _simulated(live: Live, probe: Probe) -> Finding | None:
    """What the simulation said about the action; where it was asked for several kinds of layer, about Remotion's own."""
    wanted = f"user.permission.{probe.action}".lower()
    for identifier, finding in live.known.items():
        action, _, kind = identifier.partition("@")
        if action.lower() == wanted and (not kind or kind.startswith("binaries")):
            return finding
    return None
