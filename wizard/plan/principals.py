"""Planning the principals: the render role with its trust policy, and the user that calls Remotion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wizard.account.snapshot import Principal
from wizard.plan.changes import Action, Call, Change
from wizard.plan.draft import OUR_TAGS, Draft, cannot_see, items, kept
from wizard.plan.policies import Holder, plan_policy
from wizard.policy import documents
from wizard.policy.documents import Document
from wizard.problem import Problem
from wizard.remotion import names
from wizard.text import count

_MOST_TAGS = 50  # "IAM and AWS STS quotas"


def trust_policy() -> dict[str, Any]:
    """Return the render role's trust policy: AWS Lambda, and nobody else, may take the role."""
    statement = {"Effect": "Allow", "Principal": {"Service": names.LAMBDA_SERVICE}, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def plan_render_role(draft: Draft) -> None:
    fact = draft.snapshot.render_role
    name = names.RENDER_ROLE
    arn = draft.arn(f"role/{name}")
    if fact.is_unknown:
        draft.problems.append(cannot_see(f"the role {name}", fact))
        return
    role = fact.value
    if role is not None and role.path != "/":
        draft.problems.append(
            Problem(
                f"{name} is at the path {role.path}, but Remotion looks for it at /.",
                f"{role.arn}: role names are unique in an account, so a second one can't be made beside it.",
                f"Delete that role (aws iam delete-role --role-name {name}), then come back.",
            )
        )
        return
    if role is None:
        _create_role(draft, name, arn)
    else:
        _keep_role(draft, role)
    _plan_boundary(draft, role, "role", name)
    attach = draft.answers.text("render_role.attach")
    managed = draft.snapshot.role_policy
    holder = Holder("role", name, arn, role, "role", names.ROLE_POLICY, "render_role.attach", attach, managed)
    plan_policy(draft, holder)


def _create_role(draft: Draft, name: str, arn: str) -> None:
    trust = trust_policy()
    parameters: dict[str, Any] = {
        "RoleName": name,
        "Path": "/",
        "AssumeRolePolicyDocument": documents.pretty(trust),
        "Description": "Taken by Remotion Lambda's render functions.",
        "Tags": OUR_TAGS,
    }
    boundary = draft.answers.text("principal.permissions_boundary")
    if boundary:
        parameters["PermissionsBoundary"] = boundary
    draft.changes.append(
        Change(
            id=f"role.{name}",
            action=Action.CREATE,
            kind="role",
            name=name,
            resource=arn,
            summary=f"trusted by {names.LAMBDA_SERVICE}",
            reason="The render function works with this role's permissions. Remotion looks for exactly this name.",
            call=Call("iam", "CreateRole", parameters),
            undo=(Call("iam", "DeleteRole", {"RoleName": name}),),
            after=trust,
        )
    )


def _keep_role(draft: Draft, role: Principal) -> None:
    trust = role.trust or {}
    identifier = f"role.{role.name}"
    if trusts_lambda(trust):
        draft.changes.append(kept(identifier, "role", role.name, role.arn, f"trusted by {names.LAMBDA_SERVICE}"))
        return
    mended = {
        **({"Version": "2012-10-17"} | dict(trust)),
        "Statement": [*documents.statements(trust), *trust_policy()["Statement"]],
    }
    if not trusts_lambda(mended):
        draft.problems.append(
            Problem(
                f"The trust policy of {role.name} forbids {names.LAMBDA_SERVICE} to take it.",
                f"{role.arn}: it has a Deny statement for it, which no other statement can lift.",
                "Take the Deny out of the trust policy (IAM console, Roles, Trust relationships), then come back.",
            )
        )
        return
    draft.changes.append(
        Change(
            id=f"{identifier}.trust",
            action=Action.UPDATE,
            kind="role",
            name=role.name,
            resource=role.arn,
            summary=f"adds trust in {names.LAMBDA_SERVICE}",
            reason="AWS Lambda can't take the role without it: “The role defined for the function cannot be assumed by Lambda”.",
            call=_trust_call(role.name, mended),
            undo=(_trust_call(role.name, trust),),
            before=dict(trust),
            after=mended,
        )
    )


def _trust_call(role: str, trust: Document) -> Call:
    return Call("iam", "UpdateAssumeRolePolicy", {"RoleName": role, "PolicyDocument": documents.pretty(trust)})


def trusts_lambda(trust: Document) -> bool:
    """Whether a trust policy lets AWS Lambda take the role: an unconditional Allow, and no Deny for it."""
    allowed = False
    for statement in documents.statements(trust):
        principal = statement.get("Principal")
        services = principal.get("Service", []) if isinstance(principal, Mapping) else principal
        actions = {str(a).lower() for a in items(statement.get("Action"))}
        if not {names.LAMBDA_SERVICE, "*"} & set(items(services)) or not {"sts:assumerole", "sts:*", "*"} & actions:
            continue
        if statement.get("Effect") == "Deny":
            return False
        allowed = allowed or (statement.get("Effect") == "Allow" and not statement.get("Condition"))
    return allowed


# The user


def plan_user(draft: Draft) -> None:
    fact, name = draft.snapshot.user, draft.answers.text("principal.name")
    if fact.is_unknown:
        draft.problems.append(cannot_see(f"the user {name}", fact))
        return
    user = fact.value
    if user is None:
        _create_user(draft, name)
    else:
        _keep_user(draft, user)
    _plan_boundary(draft, user, "user", name)
    arn = user.arn if user else draft.arn(f"user{draft.answers.text('principal.path')}{name}")
    attach = draft.answers.text("principal.attach")
    managed = draft.snapshot.user_policy
    holder = Holder("user", name, arn, user, "user", names.USER_POLICY, "principal.attach", attach, managed)
    plan_policy(draft, holder)


def _create_user(draft: Draft, name: str) -> None:
    path = draft.answers.text("principal.path")
    tags = [*OUR_TAGS, *({"Key": k, "Value": v} for k, v in draft.answers.table("principal.tags").items())]
    parameters: dict[str, Any] = {"UserName": name, "Path": path, "Tags": tags}
    boundary = draft.answers.text("principal.permissions_boundary")
    if boundary:
        parameters["PermissionsBoundary"] = boundary
    draft.changes.append(
        Change(
            id=f"user.{name}",
            action=Action.CREATE,
            kind="user",
            name=name,
            resource=draft.arn(f"user{path}{name}"),
            summary="without access to the AWS console",
            reason="Your code signs in as this user to start renders.",
            call=Call("iam", "CreateUser", parameters),
            undo=(Call("iam", "DeleteUser", {"UserName": name}),),
            after={k: v for k, v in parameters.items() if k != "UserName"},
        )
    )


def _keep_user(draft: Draft, user: Principal) -> None:
    wanted = draft.answers.table("principal.tags")
    new = {k: v for k, v in wanted.items() if user.tags.get(k) != v}
    path = draft.answers.text("principal.path")
    if user.path != path:
        draft.warnings.append(f"{user.name} exists at the path {user.path}, not {path}. It stays there.")
    if not new:
        draft.changes.append(kept(f"user.{user.name}", "user", user.name, user.arn, "is there"))
        return
    tags = [{"Key": k, "Value": v} for k, v in new.items()]
    replaced = [{"Key": k, "Value": user.tags[k]} for k in new if k in user.tags]
    if len({**user.tags, **new}) > _MOST_TAGS:
        draft.problems.append(
            Problem(
                f"{user.name} would have more than {_MOST_TAGS} tags, which is what AWS allows.",
                f"{len(user.tags)} are there already.",
                "Take some away, or ask for fewer (principal.tags).",
            )
        )
    added = [k for k in new if k not in user.tags]
    undo = [Call("iam", "UntagUser", {"UserName": user.name, "TagKeys": added})] if added else []
    if replaced:
        undo.append(Call("iam", "TagUser", {"UserName": user.name, "Tags": replaced}))
    draft.changes.append(
        Change(
            id=f"user.{user.name}.tags",
            action=Action.UPDATE,
            kind="user",
            name=user.name,
            resource=user.arn,
            summary=f"sets {count(len(new), 'tag')}",
            reason="You asked for these tags.",
            call=Call("iam", "TagUser", {"UserName": user.name, "Tags": tags}),
            undo=tuple(undo),
            before=dict(user.tags),
            after={**user.tags, **new},
        )
    )


def _plan_boundary(draft: Draft, principal: Principal | None, kind: str, name: str) -> None:
    boundary = draft.answers.text("principal.permissions_boundary")
    if not boundary:
        return
    if draft.snapshot.boundary_exists.is_absent and kind == "role":  # said once
        draft.problems.append(
            Problem(
                "The permissions boundary does not exist.",
                boundary,
                "Correct principal.permissions_boundary, or leave it empty.",
            )
        )
    if principal is None or principal.boundary == boundary:
        return
    title = kind.capitalize()
    operation = f"Put{title}PermissionsBoundary"
    before = principal.boundary
    undo = (
        Call("iam", operation, {f"{title}Name": name, "PermissionsBoundary": before})
        if before
        else Call("iam", f"Delete{title}PermissionsBoundary", {f"{title}Name": name})
    )
    draft.changes.append(
        Change(
            id=f"{kind}.{name}.boundary",
            action=Action.UPDATE,
            kind="boundary",
            name=name,
            resource=principal.arn,
            summary="replaces the permissions boundary" if before else "sets the permissions boundary",
            reason="You asked for this boundary. It caps what the policies give.",
            call=Call("iam", operation, {f"{title}Name": name, "PermissionsBoundary": boundary}),
            undo=(undo,),
            before=before or None,
            after=boundary,
        )
    )
