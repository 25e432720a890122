"""What a plain run of the tests leaves out and `.ci/run` runs: more of the same, for every size, release and account."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any, TypeVar

import pytest

T = TypeVar("T")


def mostly_thorough(values: Iterable[T], plain: Collection[T] | Callable[[T], bool]) -> list[Any]:
    """Return the cases of a parametrized test: those in `plain` run always, the others only in a thorough run."""
    always = plain if callable(plain) else plain.__contains__
    return [value if always(value) else pytest.param(value, marks=pytest.mark.thorough) for value in values]
