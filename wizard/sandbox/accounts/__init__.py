"""What is in the accounts that the scenarios start as, besides the administrator. Loads moto: import it late."""

from __future__ import annotations

from importlib import import_module
from typing import Final

from wizard.sandbox.scenarios import ACCOUNT_ID, SCENARIOS

_MODULES: Final = {
    "outdated": "documented",
    "swapped": "documented",
    "half": "documented",
    "hand-made": "documented",
    "boundary": "organisation",
    "crowded": "company",
}


def furnish(scenario: str) -> None:
    """Fill the account, which has nothing but its administrator. A scenario without a module stays like that."""
    module = _MODULES.get(scenario)
    if module is None:
        return
    from wizard.sandbox.accounts.account import Account

    account = Account(ACCOUNT_ID, SCENARIOS[scenario].partition)
    getattr(import_module(f"{__name__}.{module}"), scenario.replace("-", "_"))(account)
