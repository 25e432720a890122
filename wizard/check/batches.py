"""Asking the simulator for many probes with few calls: what is about one kind of resource in one region goes together.

IAM answers for every action on every ARN of a call, so ARNs of different kinds are put together only where that adds few
pairs; the pairs that nobody asked for are left unread.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from wizard.account.connect import Aws
from wizard.account.errors import is_denied
from wizard.check.probes import Probe, Scene
from wizard.check.simulate import Verdict, simulate
from wizard.remotion import names
from wizard.remotion.regions import IAM_REGION

Answer = list[Verdict] | Exception


@dataclass(frozen=True)
class Batch:
    """One call of the simulator: every action on every ARN, as made in one region."""

    region: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]


def batches(probes: Iterable[Probe], scene: Scene) -> list[Batch]:
    """Put probes together, so that each pair of action and ARN is in one of the batches."""
    found: dict[tuple[str, str], tuple[dict[str, None], dict[str, None]]] = {}
    for probe in probes:
        for action in probe.actions:
            for resource in probe.resources:
                for region in _regions(action, resource, scene):
                    actions, resources = found.setdefault((region, _sort(resource)), ({}, {}))
                    actions[action] = None
                    resources[resource] = None
    return [Batch(region, tuple(actions), tuple(on)) for (region, _), (actions, on) in found.items()]


def _regions(action: str, resource: str, scene: Scene) -> tuple[str, ...]:
    """Where a call would be made: the ARN tells, or the name of Remotion's bucket; what is about no ARN, everywhere."""
    service = action.partition(":")[0].lower()
    if service in {"iam", "sts"}:
        return (IAM_REGION[scene.partition],)
    if resource == "*":
        return scene.regions
    parts = resource.split(":", 5)
    own = next((r for r in scene.regions if names.bucket_name(r) == parts[5].partition("/")[0]), scene.regions[0])
    return (own,) if service == "s3" else (parts[3] or scene.regions[0],)


def _sort(resource: str) -> str:
    """The kind of resource, as coarse as it may be: where a service has few pairs to ask, all of its kinds go together."""
    if resource == "*":
        return resource
    _, _, service, _, _, tail = resource.split(":", 5)
    if service == "s3":
        return "object" if "/" in tail else "bucket"
    if service in {"iam", "logs"}:
        return service
    return f"{service} {tail.replace(':', '/').partition('/')[0]}"


class Asked:
    """Probes that are being asked about one principal. The calls run in `pool`; answers are waited for when they are read."""

    def __init__(self, pool: ThreadPoolExecutor, aws: Aws, arn: str, probes: Iterable[Probe], scene: Scene) -> None:
        self._scene = scene
        self._answers: dict[Batch, Future[Answer]] = {
            batch: pool.submit(_ask, aws, arn, batch) for batch in batches(probes, scene)
        }
        self._refused: Exception | None = None

    def answer(self, probe: Probe) -> Answer:
        """Return the verdicts on a probe, or the error that came instead of them."""
        found: list[Verdict] = []
        for batch, actions, resources in self._parts(probe):
            answer = self._refused or self._answers[batch].result()
            if isinstance(answer, Exception):
                if is_denied(answer):  # whoever may not ask, may not ask for anything: the others need not be sent
                    self._refused = answer
                    for future in self._answers.values():
                        future.cancel()
                return answer
            # Some emulators name no ARN in their answer; it then counts for all that were asked.
            found += [
                v
                for v in answer
                if v.action.lower() in actions and (v.resource in resources or v.resource not in batch.resources)
            ]
        return found

    def _parts(self, probe: Probe) -> Iterator[tuple[Batch, set[str], set[str]]]:
        for batch in self._answers:
            pairs = [
                (action, resource)
                for action in probe.actions
                for resource in probe.resources
                if action in batch.actions
                and resource in batch.resources
                and batch.region in _regions(action, resource, self._scene)
            ]
            if pairs:
                yield batch, {action.lower() for action, _ in pairs}, {resource for _, resource in pairs}


def _ask(aws: Aws, arn: str, batch: Batch) -> Answer:
    try:
        return simulate(aws, arn, batch.actions, batch.resources, region=batch.region)
    except Exception as error:  # told as findings, one an action
        return error
