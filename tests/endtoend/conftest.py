"""One account behind HTTP for the tests of a module that start real processes against it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.endtoend.watched import Watched, watched


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Watched, str]]:
    """A machine, and what the account is after an undisturbed run."""
    with watched(tmp_path_factory.mktemp("signals")) as account:
        code, said = account.run(account.apply)
        assert code == 0, said
        yield account, account.account()


@pytest.fixture
def account(machine: tuple[Watched, str]) -> Watched:
    made, _ = machine
    made.start_over()
    return made


@pytest.fixture
def goes_on(machine: tuple[Watched, str]) -> Callable[[str], None]:
    """Look at what an interrupted run left and said, run the same again, and look at what that makes of it."""

    def check(said: str) -> None:
        account, reference = machine
        account.check_after_the_fault(said)
        code, said = account.run(account.apply)
        assert code == 0, said
        account.check_the_end(reference, said)

    return check
