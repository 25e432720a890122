"""The AWS calls and rules that moto lacks, put into moto's classes in this process: `install()`.

One module a service or subject. State lives on moto's backends, so that pickling those carries it.
"""

from __future__ import annotations

from wizard.sandbox.calls import (
    account,
    iam_boundaries,
    iam_limits,
    iam_simulate,
    keys,
    kms,
    lambda_,
    managed_policies,
    paging,
    quotas,
    s3_defaults,
)

__all__ = ["install"]

_installed = False


def install() -> None:
    """Patch moto's classes. Calling it again does nothing.

    Raises:
        SeamMovedError: Moto has changed where this package patches it.
    """
    global _installed  # noqa: PLW0603 (moto's classes are patched once a process)
    if _installed:
        return
    _installed = True
    # iam_boundaries comes before iam_limits, which guards service-linked roles against it.
    for module in (
        managed_policies,
        keys,
        iam_simulate,
        iam_boundaries,
        iam_limits,
        quotas,
        lambda_,
        s3_defaults,
        kms,
        account,
        paging,
    ):
        module.install()
