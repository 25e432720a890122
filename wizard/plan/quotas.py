"""Planning for quotas: the service-linked role that the account's first quota request needs."""

from __future__ import annotations

from wizard.plan.changes import Action, Call, Change
from wizard.plan.draft import Draft
from wizard.remotion import names
from wizard.text import number


def plan_quota_role(draft: Draft) -> None:
    """Make the service-linked role that the account's first quota request needs, where a limit is low.

    Without it `npx remotion lambda quotas increase` ends in DependencyAccessDeniedException, since Remotion's user policy may
    not make it; Remotion's CLI then speaks of a sub-account (issue 1941 of Remotion).
    """
    limits = [(region, fact.value) for region, fact in draft.snapshot.concurrency.items() if fact.value is not None]
    low = [(region, limit) for region, limit in limits if limit <= names.FUNCTIONS_PER_RENDER]
    if not low or not draft.snapshot.quota_role.is_absent:
        return
    region, limit = low[0]
    path = f"role/aws-service-role/{names.QUOTA_SERVICE}/{names.QUOTA_ROLE}"
    draft.changes.append(
        Change(
            id=f"role.{names.QUOTA_ROLE}",
            action=Action.CREATE,
            kind="role",
            name=names.QUOTA_ROLE,
            resource=draft.arn(path),
            summary="so that a higher limit can be asked for",
            reason=f"The Lambda concurrency in {region} is {number(limit)}. Asking AWS for more needs this role of AWS's own, "
            "once in an account; Remotion's user can't make it.",
            call=Call("iam", "CreateServiceLinkedRole", {"AWSServiceName": names.QUOTA_SERVICE}),
            undo=(Call("iam", "DeleteServiceLinkedRole", {"RoleName": names.QUOTA_ROLE}),),
            after={"AWSServiceName": names.QUOTA_SERVICE},
            optional=True,
        )
    )
