"""How IAM behaves as a service, where a scenario wants it: it throttles, and what is changed takes effect later.

Rests on "Troubleshoot IAM" (Changes that I make are not always immediately visible). Both are kept on moto's IAM backend: a
pickled backend carries them, and a reset drops them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from wizard.sandbox.errors import AwsError

if TYPE_CHECKING:
    from moto.iam.models import IAMBackend

_EVERY: Final = "sandbox_throttled_every"
_CALLS: Final = "sandbox_calls"
_LAG: Final = "sandbox_lag"
_PAST: Final = "sandbox_past"


def throttle_every(backend: IAMBackend, calls: int) -> None:
    """Have IAM refuse one call of so many."""
    vars(backend)[_EVERY] = calls


def lag(backend: IAMBackend, read_after: float, effective_after: float) -> None:
    """Have what is changed be seen by reads, and count for decisions, so many seconds later."""
    vars(backend)[_LAG] = (read_after, effective_after)


def count_call(backend: IAMBackend) -> None:
    """Count a call of IAM.

    Raises:
        AwsError: It is one too many.
    """
    held = vars(backend)
    if _EVERY not in held:
        return
    held[_CALLS] = held.get(_CALLS, 0) + 1
    if held[_CALLS] % held[_EVERY] == 0:
        raise AwsError("Throttling", "Rate exceeded", 400)


def before_change(backend: IAMBackend) -> None:
    """Keep the state as it is, for those who are to see it for a while yet."""
    from wizard.sandbox.backends import freeze

    held = vars(backend)
    if _LAG not in held:
        return
    past = [(moment, state) for moment, state in held.pop(_PAST, []) if moment > now() - max(held[_LAG])]
    section, _ = freeze(backend)
    held[_PAST] = [*past, (now(), section.data)]


@contextmanager
def as_seen(backend: IAMBackend, *, decides: bool) -> Iterator[None]:
    """Let the backend be as IAM's readers see it; with `decides` as it counts for authorisation and simulation."""
    then = _state(vars(backend), decides=decides)
    if then is None:
        yield
        return
    present = dict(vars(backend))
    vars(backend).clear()
    vars(backend).update(then)
    try:
        yield
    finally:
        vars(backend).clear()
        vars(backend).update(present)


def _state(held: dict[str, Any], *, decides: bool) -> dict[str, Any] | None:
    """The state of some seconds ago; None if it is the present one."""
    if _LAG not in held:
        return None
    from wizard.sandbox.backends import thaw

    moment = now() - held[_LAG][decides]
    state = next((state for changed, state in held.get(_PAST, []) if changed > moment), None)
    return None if state is None else thaw(state, lambda _digest: b"")


def now() -> float:
    """Return the time; tests let it pass."""
    return time.time()
