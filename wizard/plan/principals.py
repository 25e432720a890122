"""Planning the principals: the render role, and the user or role that calls Remotion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wizard.account.roles import locked_reason, trust_problem
from wizard.account.snapshot import Principal
from wizard.collect.meaning import assumed_by, has_own_render_role, is_role, render_role
from wizard.plan.changes import Action, Call, Change
from wizard.plan.draft import OUR_TAGS, Draft, cannot_see, kept
from wizard.plan.policies import Holder, plan_policy
from wizard.policy import documents
from wizard.policy.documents import Document
from wizard.policy.trust import added, role_trust, service_trust, services_of, trusts_role, trusts_service
from wizard.problem import Problem
from wizard.remotion import names
from wizard.text import count, listing

_MOST_TAGS = 50  # "IAM and AWS STS quotas"


# The render role


def plan_render_role(draft: Draft) -> None:
    """Plan the role that the render functions get, its trust, boundary and policy."""
    fact, reference = draft.snapshot.render_role, render_role(draft.answers)
    name, arn = reference.name, reference.arn(draft.partition, draft.account)
    if not arn.startswith(f"arn:{draft.partition}:iam::{draft.account}:"):
        return  # a problem of its own says so
    if fact.is_unknown:
        draft.problems.append(cannot_see(f"the role {name}", fact))
        return
    role = fact.value
    if role is not None and role.arn != arn:
        draft.problems.append(_at_another_path(role, reference.path or "/", has_own_render_role(draft.answers)))
        return
    if role is not None and locked_reason(role.path, role.name):
        draft.problems.append(_locked(role))
        return
    if role is None:
        trust = service_trust(names.LAMBDA_SERVICE)
        reason = "The render function works with this role's permissions. " + (
            f"Every deploy names it: --custom-role-arn {arn}"
            if has_own_render_role(draft.answers)
            else "Remotion looks for exactly this name."
        )
        _create_role(draft, name, reference.path or "/", trust, names.LAMBDA_SERVICE, reason, OUR_TAGS)
    else:
        _keep_render_role(draft, role)
    _plan_boundary(draft, role, "role", name)
    attach = draft.answers.text("render_role.attach")
    managed = draft.snapshot.policy(names.ROLE_POLICY)
    holder = Holder("role", name, arn, role, "role", names.ROLE_POLICY, "render_role.attach", attach, managed)
    plan_policy(draft, holder)


def _at_another_path(role: Principal, wanted: str, is_own: bool) -> Problem:
    detail = f"{role.arn}: role names are unique in an account, so a second one can't be made beside it."
    if is_own:
        return Problem(
            f"{role.name} is at the path {role.path}, not {wanted}.", detail, f"render_role.name = {role.arn}"
        )
    return Problem(
        f"{role.name} is at the path {role.path}, but Remotion looks for it at /.",
        detail,
        f"Delete that role (aws iam delete-role --role-name {role.name}) and come back; or keep it and name it at every "
        f"deploy: render_role.name = {role.arn}",
    )


def _locked(role: Principal) -> Problem:
    return Problem(f"{role.name} can't be changed.", locked_reason(role.path, role.name), "Name another role.")


def _create_role(
    draft: Draft, name: str, path: str, trust: Document, trusted: str, reason: str, tags: Sequence[dict[str, str]]
) -> None:
    parameters: dict[str, Any] = {
        "RoleName": name,
        "Path": path,
        "AssumeRolePolicyDocument": documents.pretty(trust),
        "Description": "Taken by Remotion Lambda's render functions."
        if trusted == names.LAMBDA_SERVICE
        else "Calls Remotion Lambda.",
        "Tags": list(tags),
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
            resource=draft.arn(f"role{path}{name}"),
            summary=f"trusted by {trusted}",
            reason=reason,
            call=Call("iam", "CreateRole", parameters),
            undo=(Call("iam", "DeleteRole", {"RoleName": name}),),
            after=trust,
        )
    )


def _keep_render_role(draft: Draft, role: Principal) -> None:
    trust, lambda_trust = role.trust or {}, service_trust(names.LAMBDA_SERVICE)
    others = [service for service in services_of(trust) if service != names.LAMBDA_SERVICE]
    if draft.replaces and not documents.same_meaning(trust, lambda_trust):
        _change_trust(draft, role, lambda_trust, f"trusts {names.LAMBDA_SERVICE} and nobody else", _LAMBDA_REASON)
        return
    if others:
        draft.warnings.append(
            f"{role.name} also trusts {listing(others)}, which Remotion does not need. It stays; to take it out: "
            "principal.existing = replace"
        )
    if trusts_service(trust, names.LAMBDA_SERVICE):
        draft.changes.append(
            kept(f"role.{role.name}", "role", role.name, role.arn, f"trusted by {names.LAMBDA_SERVICE}")
        )
        return
    mended = added(trust, lambda_trust)
    if not trusts_service(mended, names.LAMBDA_SERVICE):
        draft.problems.append(_trust_is_denied(role, names.LAMBDA_SERVICE))
        return
    _change_trust(draft, role, mended, f"adds trust in {names.LAMBDA_SERVICE}", _LAMBDA_REASON)


_LAMBDA_REASON = (
    "AWS Lambda can't take the role without it: “The role defined for the function cannot be assumed by Lambda”."
)


def _trust_is_denied(role: Principal, who: str) -> Problem:
    return Problem(
        f"The trust policy of {role.name} forbids {who} to take it.",
        f"{role.arn}: it has a Deny statement for it, which no other statement can lift.",
        "Take the Deny out of the trust policy (IAM console, Roles, Trust relationships), then come back.",
    )


def _change_trust(draft: Draft, role: Principal, after: Document, summary: str, reason: str) -> None:
    before = role.trust or {}
    size, limit = documents.size(after), draft.snapshot.limit("AssumeRolePolicySizeQuota")
    if size > limit:
        draft.problems.append(
            Problem(
                f"The trust policy of {role.name} would have {size:,} characters, and AWS allows {limit:,}.",
                f"{role.arn}: {documents.size(before):,} of them are there already.",
                "Take out what is not needed any more, then come back.",
            )
        )
    draft.changes.append(
        Change(
            id=f"role.{role.name}.trust",
            action=Action.UPDATE,
            kind="role",
            name=role.name,
            resource=role.arn,
            summary=summary,
            reason=reason,
            call=_trust_call(role.name, after),
            undo=(_trust_call(role.name, before),),
            before=dict(before),
            after=dict(after),
        )
    )


def _trust_call(role: str, trust: Document) -> Call:
    return Call("iam", "UpdateAssumeRolePolicy", {"RoleName": role, "PolicyDocument": documents.pretty(trust)})


# The caller: a user, or the role of a compute service


def plan_caller(draft: Draft) -> None:
    """Plan the user or role that calls Remotion, with its boundary and policy."""
    if is_role(draft.answers):
        _plan_role(draft)
    else:
        _plan_user(draft)


def _plan_role(draft: Draft) -> None:
    fact, name, instance = draft.snapshot.principal, draft.caller, assumed_by(draft.answers)
    if name == render_role(draft.answers).name:
        draft.problems.append(
            Problem(
                f"{name} is the role of the render functions; it can't be the caller's as well.",
                "With one role for both, every video that is rendered could deploy functions and pass the role on.",
                "Name the role that your own code runs with (principal.name).",
            )
        )
        return
    if fact.is_unknown:
        draft.problems.append(cannot_see(f"the role {name}", fact))
        return
    role, arn = fact.value, draft.arn(f"role/{name}")
    if role is None and not instance:
        draft.problems.append(
            Problem(
                f"There is no role {name}.",
                f"In account {draft.account}. The wizard gives permissions to the role that your code runs with; it does "
                "not make that role.",
                "Correct principal.name, or name your Lambda function (principal.function).",
            )
        )
        return
    if role is not None and locked_reason(role.path, role.name):
        draft.problems.append(_locked(role))
        return
    if instance:
        _plan_taken_role(draft, role, instance)
        _plan_boundary(draft, role, "role", name) if role is None or _is_ours(role) else None
    elif role is not None:
        draft.changes.append(kept(f"role.{name}", "role", name, role.arn, "your code runs with it"))
        wrong = trust_problem(role.trust or {}, draft.answers.text("principal.service"))
        if wrong:
            draft.warnings.append(f"{name}: {wrong}")
    arn = role.arn if role else arn
    managed = draft.snapshot.policy(names.EXECUTION_POLICY)
    attach = draft.answers.text("principal.attach")
    plan_policy(
        draft, Holder("role", name, arn, role, "user", names.EXECUTION_POLICY, "principal.attach", attach, managed)
    )


def _is_ours(role: Principal) -> bool:
    tag = names.CREATED_BY_TAG
    return role.tags.get(tag["Key"]) == tag["Value"]


def _plan_taken_role(draft: Draft, role: Principal | None, instance: str) -> None:
    """EC2 with STS: the instance's role takes this one (remotion.dev/docs/lambda/ec2)."""
    fact = draft.snapshot.instance_role
    if fact.value is None:
        missing = Problem(
            f"There is no role {instance}.",
            f"In account {draft.account}. It is the role of the server's instance profile, which takes {draft.caller}.",
            "Correct principal.assumed_by.",
        )
        draft.problems.append(cannot_see(f"the role {instance}", fact) if fact.is_unknown else missing)
        return
    taker = fact.value
    wrong = trust_problem(taker.trust or {}, "ec2")
    if wrong:
        draft.warnings.append(f"{instance}: {wrong}")
    trust = role_trust(taker.arn)
    reason = f"Code on the server has the role {instance}, and takes this one for its calls to Remotion."
    if role is None:
        tags = [*OUR_TAGS, *({"Key": k, "Value": v} for k, v in draft.answers.table("principal.tags").items())]
        _create_role(draft, draft.caller, "/", trust, instance, reason, tags)
    elif trusts_role(role.trust or {}, taker.arn):
        draft.changes.append(kept(f"role.{role.name}", "role", role.name, role.arn, f"{instance} may take it"))
    elif not trusts_role(added(role.trust or {}, trust), taker.arn):
        draft.problems.append(_trust_is_denied(role, instance))
    else:
        _change_trust(draft, role, added(role.trust or {}, trust), f"adds trust in {instance}", reason)


def _plan_user(draft: Draft) -> None:
    fact, name = draft.snapshot.principal, draft.caller
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
    managed = draft.snapshot.policy(names.USER_POLICY)
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
