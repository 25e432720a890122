"""Jobs that run beside the check of permissions, a few at a time; what they find is told as soon as it is there."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from wizard.account.errors import problem_of
from wizard.check.findings import Finding, Status

AT_ONCE = 6


@dataclass(frozen=True)
class Job:
    """One question, or a few in a row: `run` gives findings, and further jobs. `about` names it if it breaks off."""

    id: str
    subject: str
    about: str
    run: Callable[[], Iterable[Finding | Job]]


class Beside:
    """Runs jobs in daemon threads, so that leaving the program never waits for them."""

    def __init__(self, jobs: Sequence[Job], at_once: int = AT_ONCE) -> None:
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._found: queue.SimpleQueue[Finding | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._left = len(jobs)
        self._told: list[Finding] = []
        self._workers = min(at_once, max(len(jobs), 1) * 2)
        for job in jobs:
            self._jobs.put(job)
        if not jobs:
            self._end()
        for _ in range(self._workers if jobs else 0):
            threading.Thread(target=self._work, name="wizard-beside", daemon=True).start()

    def between(self, tell: Callable[[Finding], None] | None) -> Callable[[Finding], None] | None:
        """Return a function that tells a finding of the main check, and then all that was found beside it by now."""
        if tell is None:
            return None

        def told(finding: Finding) -> None:
            tell(finding)
            for other in self._ready():
                self._told.append(other)
                tell(other)

        return told

    def rest(self, tell: Callable[[Finding], None] | None = None) -> tuple[Finding, ...]:
        """Wait for the rest, tell it, and return everything that was found, in the order in which it was told."""
        while (finding := self._found.get()) is not None:
            self._told.append(finding)
            if tell is not None:
                tell(finding)
        return tuple(self._told)

    def _ready(self) -> Iterator[Finding]:
        while True:
            try:
                finding = self._found.get_nowait()
            except queue.Empty:
                return
            if finding is None:  # the end, which is for `rest`
                self._found.put(None)
                return
            yield finding

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                for result in job.run():
                    if isinstance(result, Job):
                        with self._lock:
                            self._left += 1
                        self._jobs.put(result)
                    else:
                        self._found.put(result)
            except Exception as error:  # told as a finding: whoever waits must hear of it
                self._found.put(unknown(job.id, job.subject, job.about, error))
            with self._lock:
                self._left -= 1
                ended = self._left == 0
            if ended:
                self._end()

    def _end(self) -> None:
        self._found.put(None)
        for _ in range(self._workers):
            self._jobs.put(None)


# What to do where a service control policy forbids a read.
FORBIDDEN: Final = (
    "Your organisation forbids it, maybe for the whole region: choose another one, or ask its administrator."
)


def unknown(identifier: str, subject: str, about: str, error: Exception) -> Finding:
    """Return the finding for a read that was refused or broke off: "can't tell", never "missing"."""
    from wizard.account.errors import is_denied, layer_of, message_of

    problem = problem_of(error, about).problem
    remedy, cause = problem.remedy, ""
    if is_denied(error):
        remedy, cause = "Check with an identity that may read it.", "denied-read"
        if layer_of(message_of(error)) == "scp":
            remedy = FORBIDDEN
    return Finding(identifier, subject, Status.UNKNOWN, f"Can't tell: {about}", problem.detail, cause, remedy)
