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
    "two-keys": "documented",
    "boundary": "organisation",
    "crowded": "company",
    "kms-bucket": "buckets",
    "foreign-bucket": "buckets",
    "locked-down-bucket": "buckets",
    "quota-pending": "quota_accounts",
    "quota-denied": "quota_accounts",
    "quota-raised": "quota_accounts",
    "no-slr": "quota_accounts",
    "regions-off": "quota_accounts",
    "scp": "denials",
    "sso": "denials",
    "explicit-deny": "denials",
    "group-policies": "denials",
    "lagging": "denials",
    "throttled": "denials",
}


def furnish(scenario: str) -> str:
    """Fill the account, which has nothing but its administrator. A scenario without a module stays like that.

    Returns the access key id to work with, "" where that is the administrator's.
    """
    module = _MODULES.get(scenario)
    if module is None:
        return ""
    from wizard.sandbox.accounts.account import Account

    account = Account(ACCOUNT_ID, SCENARIOS[scenario].partition)
    made = getattr(import_module(f"{__name__}.{module}"), scenario.replace("-", "_"))(account)
    return str(made or "")
