"""`build_plan`: from answers and snapshot to the ordered changes. Pure: no AWS call, no file access."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from wizard.account.snapshot import AccountSnapshot, Fact, ManagedPolicy, Principal
from wizard.collect.answers import Answers
from wizard.plan.changes import Action, Call, Change, Destination, Plan
from wizard.plan.preview import release_of
from wizard.policy import documents
from wizard.policy.documents import Document
from wizard.problem import Problem
from wizard.remotion import names
from wizard.remotion.catalogue import (
    PolicyKind,
    epochs,
    is_newer_than_catalogue,
    latest_release,
    policy,
    reasons,
)
from wizard.remotion.releases import Release
from wizard.text import count, listing, number, shortened_key

_TAGS = [dict(names.CREATED_BY_TAG)]


@dataclass
class _Draft:
    """What the parts of the planner write into."""

    answers: Answers
    snapshot: AccountSnapshot
    release: Release
    changes: list[Change] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    @property
    def partition(self) -> str:
        return self.snapshot.identity.partition

    def arn(self, resource: str) -> str:
        return f"arn:{self.partition}:iam::{self.snapshot.identity.account}:{resource}"


def trust_policy() -> dict[str, Any]:
    """Return the render role's trust policy: AWS Lambda, and nobody else, may take the role."""
    statement = {"Effect": "Allow", "Principal": {"Service": names.LAMBDA_SERVICE}, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def build_plan(answers: Answers, snapshot: AccountSnapshot) -> Plan:
    """Build the plan that takes the account from `snapshot` to what `answers` ask for. Empty if it is there already.

    Raises UsageProblem where the release has no policy for the account's partition.
    """
    release, origin = release_of(answers, snapshot.release)
    draft = _Draft(answers, snapshot, release)
    _general_warnings(draft, origin)
    _plan_gitignore(draft)
    _plan_render_role(draft)
    _plan_user(draft)
    destination = _plan_credentials(draft)
    _plan_quota_role(draft)
    return Plan(
        identity=snapshot.identity,
        changes=tuple(draft.changes),
        warnings=tuple(draft.warnings),
        problems=tuple(draft.problems),
        release=str(release),
        user_name=answers.text("principal.name"),
        destination=destination,
    )


def _general_warnings(draft: _Draft, origin: str) -> None:
    identity = draft.snapshot.identity
    if identity.is_root:
        draft.warnings.append("You are signed in as the root user of the account. An administrator identity is safer.")
    if identity.sandbox:
        draft.warnings.append("This is the sandbox: nothing reaches AWS, and the access key works only here.")
    if origin == "newest known":
        draft.warnings.append(
            f"No Remotion release was found in the project. The plan takes {draft.release}, the newest that is known."
        )
    if is_newer_than_catalogue(draft.release):
        draft.warnings.append(
            f"Remotion {draft.release} is newer than this wizard. The plan takes the policies of {latest_release()}; "
            "compare them with `npx remotion lambda policies user` and `… role`."
        )
    if identity.partition != "aws":
        draft.warnings.append(f"Remotion hosts no layers in {identity.partition}: deploy with layers of your own.")


# The render role


def _plan_render_role(draft: _Draft) -> None:
    fact = draft.snapshot.render_role
    name = names.RENDER_ROLE
    arn = draft.arn(f"role/{name}")
    if fact.is_unknown:
        draft.problems.append(_cannot_see(f"the role {name}", fact))
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
    _plan_policy(draft, "role", name, role, names.ROLE_POLICY, draft.snapshot.role_policy)


def _create_role(draft: _Draft, name: str, arn: str) -> None:
    trust = trust_policy()
    parameters: dict[str, Any] = {
        "RoleName": name,
        "Path": "/",
        "AssumeRolePolicyDocument": documents.pretty(trust),
        "Description": "Taken by Remotion Lambda's render functions.",
        "Tags": _TAGS,
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


def _keep_role(draft: _Draft, role: Principal) -> None:
    trust = role.trust or {}
    identifier = f"role.{role.name}"
    if trusts_lambda(trust):
        draft.changes.append(_kept(identifier, "role", role.name, role.arn, f"trusted by {names.LAMBDA_SERVICE}"))
        return
    mended = {
        **({"Version": "2012-10-17"} | dict(trust)),
        "Statement": [*documents.statements(trust), *trust_policy()["Statement"]],
    }
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
        actions = {str(a).lower() for a in _items(statement.get("Action"))}
        if not {names.LAMBDA_SERVICE, "*"} & set(_items(services)) or not {"sts:assumerole", "sts:*", "*"} & actions:
            continue
        if statement.get("Effect") == "Deny":
            return False
        allowed = allowed or (statement.get("Effect") == "Allow" and not statement.get("Condition"))
    return allowed


# The user


def _plan_user(draft: _Draft) -> None:
    fact, name = draft.snapshot.user, draft.answers.text("principal.name")
    if fact.is_unknown:
        draft.problems.append(_cannot_see(f"the user {name}", fact))
        return
    user = fact.value
    if user is None:
        _create_user(draft, name)
    else:
        _keep_user(draft, user)
    _plan_boundary(draft, user, "user", name)
    _plan_policy(draft, "user", name, user, names.USER_POLICY, draft.snapshot.user_policy)


def _create_user(draft: _Draft, name: str) -> None:
    path = draft.answers.text("principal.path")
    tags = [*_TAGS, *({"Key": k, "Value": v} for k, v in draft.answers.table("principal.tags").items())]
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


def _keep_user(draft: _Draft, user: Principal) -> None:
    wanted = draft.answers.table("principal.tags")
    new = {k: v for k, v in wanted.items() if user.tags.get(k) != v}
    path = draft.answers.text("principal.path")
    if user.path != path:
        draft.warnings.append(f"{user.name} exists at the path {user.path}, not {path}. It stays there.")
    if not new:
        draft.changes.append(_kept(f"user.{user.name}", "user", user.name, user.arn, "is there"))
        return
    tags = [{"Key": k, "Value": v} for k, v in new.items()]
    replaced = [{"Key": k, "Value": user.tags[k]} for k in new if k in user.tags]
    undo = [Call("iam", "UntagUser", {"UserName": user.name, "TagKeys": [k for k in new if k not in user.tags]})]
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


def _plan_boundary(draft: _Draft, principal: Principal | None, kind: str, name: str) -> None:
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


# Policies, the same way for the user and the role


def _plan_policy(
    draft: _Draft, kind: PolicyKind, owner: str, principal: Principal | None, name: str, managed: Fact[ManagedPolicy]
) -> None:
    wanted = policy(kind, draft.release, draft.partition)
    attach = draft.answers.text("principal.attach" if kind == "user" else "render_role.attach")
    holder = _already_held(principal, wanted, name)
    if holder:
        draft.changes.append(
            _kept(
                f"{kind}.{owner}.policy",
                "policy",
                holder,
                principal.arn if principal else "",
                f"gives {owner} all that is needed",
            )
        )
        return
    if attach == "inline":
        _plan_inline(draft, kind, owner, principal, name, wanted)
        _retire_managed(draft, kind, owner, principal, managed)
    else:
        _plan_managed(draft, kind, owner, principal, name, wanted, managed)
        _retire_inline(draft, kind, owner, principal, name)


def _already_held(principal: Principal | None, wanted: Document, own_name: str) -> str:
    """The name of a policy that someone else made and that holds all of `wanted`; "" if there is none."""
    for name, document in _policies_of(principal):
        if name != own_name and document is not None and documents.grants_all_of(document, wanted):
            return name
    return ""


def _policies_of(principal: Principal | None) -> Iterator[tuple[str, Document | None]]:
    if principal is not None:
        yield from ((name, fact.value) for name, fact in principal.inline.items())
        yield from ((a.name, a.document.value) for a in principal.attached)


def _plan_inline(
    draft: _Draft, kind: PolicyKind, owner: str, principal: Principal | None, name: str, wanted: Document
) -> None:
    fact = principal.inline.get(name, Fact.absent()) if principal else Fact[Document].absent()
    if fact.is_unknown:
        draft.problems.append(_cannot_see(f"the inline policy {name} of {owner}", fact))
        return
    before = fact.value
    after = _with_foreign(draft, kind, before, wanted, name)
    if before is not None and documents.same_meaning(before, after):
        draft.changes.append(
            _kept(
                f"{kind}.{owner}.policy", "policy", name, _arn_of(draft, kind, owner, principal), f"inline in {owner}"
            )
        )
        return
    limit = draft.snapshot.limit("UserPolicySizeQuota" if kind == "user" else "RolePolicySizeQuota")
    others = (principal.inline_sizes if principal else 0) - (documents.size(before) if before is not None else 0)
    used = others + documents.size(after)
    if used > limit:
        there = f", {number(others)} of them for policies that are there already" if others else ""
        draft.problems.append(
            Problem(
                f"The policy does not fit into {owner}: {number(used)} of {number(limit)} characters.",
                f"All inline policies of a {kind} together may have {number(limit)} characters; "
                f"this would make {number(used)}{there}.",
                f"Choose a managed policy ({'principal' if kind == 'user' else 'render_role'}.attach = managed).",
            )
        )
    title = kind.capitalize()
    call = Call(
        "iam",
        f"Put{title}Policy",
        {f"{title}Name": owner, "PolicyName": name, "PolicyDocument": documents.pretty(after)},
    )
    undo = (
        Call("iam", f"Delete{title}Policy", {f"{title}Name": owner, "PolicyName": name})
        if before is None
        else Call(
            "iam",
            f"Put{title}Policy",
            {f"{title}Name": owner, "PolicyName": name, "PolicyDocument": documents.pretty(before)},
        )
    )
    draft.changes.append(
        Change(
            id=f"{kind}.{owner}.policy",
            action=Action.CREATE if before is None else Action.UPDATE,
            kind="policy",
            name=name,
            resource=_arn_of(draft, kind, owner, principal),
            summary=_what_changes(before, after) + f", inline in {owner}",
            reason=_reason(kind),
            call=call,
            undo=(undo,),
            before=None if before is None else dict(before),
            after=after,
            why=reasons(kind, after),
        )
    )


def _plan_managed(
    draft: _Draft,
    kind: PolicyKind,
    owner: str,
    principal: Principal | None,
    name: str,
    wanted: Document,
    fact: Fact[ManagedPolicy],
) -> None:
    arn = draft.arn(f"policy/{name}")
    if fact.is_unknown:
        draft.problems.append(_cannot_see(f"the policy {name}", fact))
        return
    existing = fact.value
    if existing is None:
        _create_managed(draft, kind, name, arn, wanted)
    else:
        _update_managed(draft, kind, name, wanted, existing)
    if principal is not None and any(a.arn == arn for a in principal.attached):
        draft.changes.append(_kept(f"{kind}.{owner}.attach", "attachment", name, principal.arn, f"attached to {owner}"))
    else:
        _attach(draft, kind, owner, principal, name, arn)


def _create_managed(draft: _Draft, kind: PolicyKind, name: str, arn: str, wanted: Document) -> None:
    _check_managed_size(draft, name, wanted)
    what = "its user" if kind == "user" else "its render functions"
    parameters = {
        "PolicyName": name,
        "PolicyDocument": documents.pretty(wanted),
        "Description": f"What Remotion Lambda allows {what}.",
        "Tags": _TAGS,
    }
    draft.changes.append(
        Change(
            id=f"policy.{name}",
            action=Action.CREATE,
            kind="policy",
            name=name,
            resource=arn,
            summary=_what_changes(None, wanted),
            reason=_reason(kind),
            call=Call("iam", "CreatePolicy", parameters),
            undo=(Call("iam", "DeletePolicy", {"PolicyArn": arn}),),
            after=dict(wanted),
            why=reasons(kind, dict(wanted)),
        )
    )


def _update_managed(draft: _Draft, kind: PolicyKind, name: str, wanted: Document, existing: ManagedPolicy) -> None:
    after = _with_foreign(draft, kind, existing.document, wanted, name)
    if documents.same_meaning(existing.document, after):
        draft.changes.append(_kept(f"policy.{name}", "policy", name, existing.arn, "as Remotion needs it"))
        return
    _check_managed_size(draft, name, after)
    limit = draft.snapshot.limit("VersionsPerPolicyQuota")
    if len(existing.versions) >= limit:
        oldest = next(v for v in existing.versions if v != existing.default_version)
        draft.changes.append(
            Change(
                id=f"policy.{name}.version.{oldest}",
                action=Action.DELETE,
                kind="version",
                name=f"{name} {oldest}",
                resource=existing.arn,
                summary=f"the oldest of {count(len(existing.versions), 'version')}",
                reason=f"A managed policy may have {limit} versions, and the new one needs a place. It is not the one in use.",
                call=Call("iam", "DeletePolicyVersion", {"PolicyArn": existing.arn, "VersionId": oldest}),
            )
        )
    others = existing.attachments - 1
    if others > 0:
        draft.warnings.append(
            f"{name} is attached to {count(others, 'other identity', 'other identities')}, which will have the same change."
        )
    draft.changes.append(
        Change(
            id=f"policy.{name}",
            action=Action.UPDATE,
            kind="policy",
            name=name,
            resource=existing.arn,
            summary=_what_changes(existing.document, after),
            reason=_reason(kind),
            call=Call(
                "iam",
                "CreatePolicyVersion",
                {"PolicyArn": existing.arn, "PolicyDocument": documents.pretty(after), "SetAsDefault": True},
            ),
            undo=(
                Call(
                    "iam", "SetDefaultPolicyVersion", {"PolicyArn": existing.arn, "VersionId": existing.default_version}
                ),
            ),
            before=dict(existing.document),
            after=after,
            why=reasons(kind, after),
        )
    )


def _attach(draft: _Draft, kind: str, owner: str, principal: Principal | None, name: str, arn: str) -> None:
    title = kind.capitalize()
    limit = draft.snapshot.limit(f"AttachedPoliciesPer{title}Quota")
    if principal is not None and len(principal.attached) >= limit:
        draft.problems.append(
            Problem(
                f"{owner} has {count(len(principal.attached), 'managed policy', 'managed policies')}, and AWS allows {limit}.",
                listing([a.name for a in principal.attached]),
                f"Detach one, or choose an inline policy ({'principal' if kind == 'user' else 'render_role'}.attach = inline).",
            )
        )
    parameters = {f"{title}Name": owner, "PolicyArn": arn}
    draft.changes.append(
        Change(
            id=f"{kind}.{owner}.attach",
            action=Action.CREATE,
            kind="attachment",
            name=name,
            resource=_arn_of(draft, kind, owner, principal),
            summary=f"attached to {owner}",
            reason="A managed policy has an effect only where it is attached.",
            call=Call("iam", f"Attach{title}Policy", parameters),
            undo=(Call("iam", f"Detach{title}Policy", parameters),),
            after=parameters,
        )
    )


def _retire_inline(draft: _Draft, kind: PolicyKind, owner: str, principal: Principal | None, name: str) -> None:
    """Our inline policy makes way when the same permissions are given by the managed one."""
    before = principal.inline[name].value if principal and name in principal.inline else None
    if before is None or principal is None:
        return
    if documents.foreign_statements(before, _known(draft.partition)):
        draft.warnings.append(
            f"The inline policy {name} of {owner} holds statements that aren't Remotion's. It stays as it is."
        )
        return
    title = kind.capitalize()
    where = {f"{title}Name": owner, "PolicyName": name}
    draft.changes.append(
        Change(
            id=f"{kind}.{owner}.policy.inline",
            action=Action.DELETE,
            kind="policy",
            name=name,
            resource=principal.arn,
            summary=f"the inline copy in {owner}",
            reason="The managed policy gives the same permissions.",
            call=Call("iam", f"Delete{title}Policy", where),
            undo=(Call("iam", f"Put{title}Policy", {**where, "PolicyDocument": documents.pretty(before)}),),
            before=dict(before),
        )
    )


def _retire_managed(
    draft: _Draft, kind: PolicyKind, owner: str, principal: Principal | None, fact: Fact[ManagedPolicy]
) -> None:
    """Our managed policy is detached when the same permissions are given inline. The policy itself stays."""
    existing = fact.value
    if existing is None or principal is None or not any(a.arn == existing.arn for a in principal.attached):
        return
    if documents.foreign_statements(existing.document, _known(draft.partition)):
        draft.warnings.append(
            f"The managed policy {existing.name} holds statements that aren't Remotion's. It stays attached."
        )
        return
    title = kind.capitalize()
    parameters = {f"{title}Name": owner, "PolicyArn": existing.arn}
    draft.changes.append(
        Change(
            id=f"{kind}.{owner}.detach",
            action=Action.DELETE,
            kind="attachment",
            name=existing.name,
            resource=principal.arn,
            summary=f"detached from {owner}",
            reason="The inline policy gives the same permissions. The managed policy itself stays.",
            call=Call("iam", f"Detach{title}Policy", parameters),
            undo=(Call("iam", f"Attach{title}Policy", parameters),),
            before=parameters,
        )
    )


def _known(partition: str) -> list[Document]:
    """Every document that some release of Remotion has had: what an older set-up may hold, or one that mixed them up."""
    kinds: tuple[PolicyKind, ...] = ("user", "role")
    fitting = [e.since for e in epochs() if partition in e.partitions or partition == "aws-us-gov"]
    return [policy(kind, since, partition) for since in fitting for kind in kinds]


def _with_foreign(
    draft: _Draft, kind: PolicyKind, before: Document | None, wanted: Document, name: str
) -> dict[str, Any]:
    foreign = [] if before is None else documents.foreign_statements(before, _known(draft.partition))
    if foreign:
        draft.warnings.append(f"{name} holds {count(len(foreign), 'statement')} that are not Remotion's. They stay.")
    return documents.beside(wanted, foreign)


def _check_managed_size(draft: _Draft, name: str, document: Document) -> None:
    limit, used = draft.snapshot.limit("PolicySizeQuota"), documents.size(document)
    if used > limit:
        draft.problems.append(
            Problem(
                f"{name} would have {number(used)} characters, and AWS allows {number(limit)}.",
                "It holds statements that are not Remotion's.",
                "Move those to a policy of their own, then come back.",
            )
        )


# Quotas


def _plan_quota_role(draft: _Draft) -> None:
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


# Credentials


def _plan_gitignore(draft: _Draft) -> None:
    local, answers = draft.snapshot.local, draft.answers
    if answers.text("credentials.write") == "none" or not local.env_file:
        return
    name = local.env_file.replace("\\", "/").rpartition("/")[2]
    if local.tracked_by_git:
        draft.warnings.append(
            f"git already tracks {name}: the key would go into the next commit. Take it out first: git rm --cached {name}"
        )
    if local.ignored_by_git is not False:
        return
    if not answers.flag("credentials.gitignore"):
        draft.warnings.append(
            f"git does not ignore {name}: it can get into a commit. (credentials.gitignore = true adds it.)"
        )
        return
    draft.changes.append(
        Change(
            id="file.gitignore",
            action=Action.UPDATE,
            kind="file",
            name=".gitignore",
            resource=local.gitignore,
            summary=f"adds /{name}",
            reason="So that the access key can't get into a commit.",
            call=Call("local", "AddToGitignore", {"path": local.gitignore, "name": name}),
            after=f"/{name}",
        )
    )


def _plan_credentials(draft: _Draft) -> Destination | None:
    kind, local = draft.answers.text("credentials.write"), draft.snapshot.local
    if kind == "none":
        return None
    profile = draft.answers.text("credentials.profile") if kind == "aws-profile" else ""
    destination = Destination(kind, local.env_file, profile, local.credentials_file)
    if draft.snapshot.user.is_unknown:
        return destination
    user = draft.snapshot.user.value
    keys_fact = user.access_keys if user else None
    if keys_fact is not None and keys_fact.is_unknown:
        draft.problems.append(_cannot_see(f"the access keys of {draft.answers.text('principal.name')}", keys_fact))
        return destination
    keys = {k.id: k.active for k in (keys_fact.value or ())} if keys_fact is not None else {}
    orphans = [key for key in draft.snapshot.orphan_keys if key in keys]
    _delete_orphans(draft, orphans)
    held, has_secret = (
        (local.env_key_id, local.env_has_secret)
        if kind == "env-file"
        else (local.profile_key_id, local.profile_has_secret)
    )
    if held and has_secret and keys.get(held):
        _keep_key(draft, destination, held)
    else:
        _new_key(draft, destination, held, [k for k in keys if k not in orphans], keys)
    if kind == "aws-profile":
        _plan_profile_reference(draft, destination)
    return destination


def _delete_orphans(draft: _Draft, orphans: Iterable[str]) -> None:
    name = draft.answers.text("principal.name")
    for key in orphans:
        draft.changes.append(
            Change(
                id=f"key.{name}.orphan.{key}",
                action=Action.DELETE,
                kind="key",
                name=shortened_key(key),
                resource=key,
                summary="its secret was lost when an earlier run was interrupted",
                reason="An earlier run of this wizard made it, and nobody can use it.",
                call=Call("iam", "DeleteAccessKey", {"UserName": name, "AccessKeyId": key}),
            )
        )


def _keep_key(draft: _Draft, destination: Destination, key: str) -> None:
    where = destination.env_file if destination.kind == "env-file" else f"profile {destination.profile}"
    change = _kept(f"key.{draft.answers.text('principal.name')}", "key", shortened_key(key), where, "is there")
    draft.changes.append(change)
    local = draft.snapshot.local
    if destination.kind == "env-file" and local.env_profile:
        draft.changes.append(_env_change(draft, {names.PROFILE: None}, f"sets {names.PROFILE} aside", _BEATS))


_BEATS = f"Remotion takes {names.PROFILE} before the access key in the same file."


def _new_key(draft: _Draft, destination: Destination, held: str, existing: list[str], keys: Mapping[str, bool]) -> None:
    name, local = draft.answers.text("principal.name"), draft.snapshot.local
    limit = draft.snapshot.limit("AccessKeysPerUserQuota")
    if len(existing) >= limit:
        shown = listing([f"{k}{'' if keys[k] else ' (inactive)'}" for k in existing])
        draft.problems.append(
            Problem(
                f"{name} has {count(len(existing), 'access key')} already, and AWS allows {limit}.",
                f"{shown}. None of them is in {destination.env_file if destination.kind == 'env-file' else destination.profile}.",
                f"Delete one that is not in use (aws iam delete-access-key --user-name {name} --access-key-id …), "
                "or make no key (credentials.write = none).",
            )
        )
    if destination.kind == "env-file":
        where, summary = destination.env_file, f"written to {_short(destination.env_file)}, shown to nobody"
        if held and held not in keys:
            draft.warnings.append(
                f"{_short(destination.env_file)} holds the key {shortened_key(held)}, which is not one of {name}. "
                "It stays there as a comment."
            )
        if local.env_profile:
            draft.warnings.append(f"{_short(destination.env_file)}: {_BEATS} It stays there as a comment.")
    else:
        where, summary = (
            destination.credentials_file,
            f"written to the AWS profile {destination.profile}, shown to nobody",
        )
        if local.profile_exists and held not in keys:
            draft.problems.append(
                Problem(
                    f"The AWS profile {destination.profile} is in use for something else.",
                    f"{destination.credentials_file} has a section [{destination.profile}] that does not belong to {name}.",
                    "Choose another name (credentials.profile).",
                )
            )
    draft.changes.append(
        Change(
            id=f"key.{name}",
            action=Action.CREATE,
            kind="key",
            name=f"for {name}",
            resource=where,
            summary=summary,
            reason="Your code signs in with it. The secret is given out once, and goes straight to its place.",
            call=Call("iam", "CreateAccessKey", {"UserName": name}),
            undo=(),  # the key's id is known only when it is made; the journal has it
            after={"written to": where} | ({"profile": destination.profile} if destination.profile else {}),
        )
    )


def _plan_profile_reference(draft: _Draft, destination: Destination) -> None:
    local = draft.snapshot.local
    if local.env_profile == destination.profile:
        draft.changes.append(
            _kept(
                "file.env", "file", _short(local.env_file), local.env_file, f"names the profile {destination.profile}"
            )
        )
        return
    reason = "Remotion's CLI reads .env and takes the access key from the profile that it names."
    draft.changes.append(
        _env_change(draft, {names.PROFILE: destination.profile}, f"sets {names.PROFILE}={destination.profile}", reason)
    )


def _env_change(draft: _Draft, variables: Mapping[str, str | None], summary: str, reason: str) -> Change:
    local = draft.snapshot.local
    before: dict[str, str | None] = dict.fromkeys(variables, local.env_profile or None)
    return Change(
        id="file.env",
        action=Action.UPDATE if local.env_exists else Action.CREATE,
        kind="file",
        name=_short(local.env_file),
        resource=local.env_file,
        summary=summary,
        reason=reason,
        call=Call("local", "SetEnvVariables", {"path": local.env_file, "variables": dict(variables)}),
        undo=(Call("local", "SetEnvVariables", {"path": local.env_file, "variables": before}),),
        before=before,
        after=dict(variables),
    )


# Small helpers


def _kept(identifier: str, kind: str, name: str, resource: str, summary: str) -> Change:
    return Change(identifier, Action.KEEP, kind, name, resource, summary, "It is already as it should be.")


def _cannot_see(what: str, fact: Fact[Any]) -> Problem:
    detail = str(fact.problem) if fact.problem else "It was not read."
    return Problem(f"The wizard may not read {what}, so it can't plan.", detail, "Use an identity that may read IAM.")


def _reason(kind: PolicyKind) -> str:
    if kind == "user":
        return "What your code may do: deploy Remotion's functions and sites, start renders, read the results."
    return "What the render function may do: read the site, write the video, start its helpers, write logs."


def _what_changes(before: Document | None, after: Document) -> str:
    if before is None:
        return f"{count(len(documents.actions_of(after)), 'action')}"
    old, new = documents.actions_of(before), documents.actions_of(after)
    added, removed = sorted(new - old), sorted(old - new)
    parts = []
    if added:
        parts.append(f"adds {listing(added)}" if len(added) <= 2 else f"adds {count(len(added), 'action')}")
    if removed:
        parts.append(
            f"takes out {listing(removed)}" if len(removed) <= 2 else f"takes out {count(len(removed), 'action')}"
        )
    return ", ".join(parts) or "corrects resources"


def _arn_of(draft: _Draft, kind: str, owner: str, principal: Principal | None) -> str:
    if principal is not None:
        return principal.arn
    path = draft.answers.text("principal.path") if kind == "user" else "/"
    return draft.arn(f"{kind}{path}{owner}")


def _short(path: str) -> str:
    return path.replace("\\", "/").rpartition("/")[2]


def _items(value: Any) -> list[Any]:
    return [] if value is None else value if isinstance(value, list) else [value]
