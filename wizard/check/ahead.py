"""What a check will need, made ready while AWS still says who is calling: clients, and the users and roles that were named.

Loads little before the first question to AWS is out; the rest while the answers are on their way.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from wizard.account.connect import Aws

if TYPE_CHECKING:
    from wizard.account.snapshot import Fact, Principal

_ahead: WeakKeyDictionary[Aws, dict[tuple[str, str], Future[Fact[Principal]]]] = WeakKeyDictionary()


def prepare(aws: Aws, entities: Iterable[tuple[str, str]] = ()) -> None:
    """Make the clients, and read users and roles (kind and name), ahead of a check.

    What can't be read now is read again by the check, which tells why.
    """
    try:
        aws.client("sts")  # first, for whoever is waiting for it
        aws.client("iam")
        _read(aws, entities)
        aws.client("lambda", aws.region)
        from wizard.check.simulate import ATTEMPTS

        aws.client("iam", attempts=ATTEMPTS)
    except Exception:  # told when something is asked
        return
    import_module("wizard.check.run")


def read_ahead(aws: Aws, kind: str, name: str) -> Fact[Principal] | None:
    """Return what was read ahead of a user or role, once; None if nothing was, or it could not be read."""
    known = _ahead.get(aws, {}).pop((kind, name), None)
    return known.result() if known is not None and known.result().value is not None else None


def _read(aws: Aws, entities: Iterable[tuple[str, str]]) -> None:
    from wizard.account.discover import read_entity

    found = _ahead.setdefault(aws, {})
    for kind, name in entities:
        found[kind, name] = Future()
        read = partial(_fulfil, found[kind, name], partial(read_entity, aws, kind, name))
        threading.Thread(target=read, name="wizard-ahead", daemon=True).start()


def _fulfil(future: Future[Fact[Principal]], read: Callable[[], Fact[Principal]]) -> None:
    from wizard.account.snapshot import Fact

    try:
        future.set_result(read())
    except Exception:
        future.set_result(Fact())
