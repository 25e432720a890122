"""Who else in the account holds Remotion's permissions: users, render roles and policies that have other names than ours.

AWS operations: iam:GetAccountAuthorizationDetails for users, groups and the account's own policies. Its roles are left out,
which are thousands in a big company: iam:ListEntitiesForPolicy finds those that have one of these policies, iam:ListRoles
those with "remotion" in their name; iam:GetRole, ListAttachedRolePolicies, ListRolePolicies and GetRolePolicy read them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from itertools import islice
from typing import Any, Final, Literal

from wizard.account.connect import Aws
from wizard.account.errors import is_absent, is_denied, problem_of
from wizard.account.snapshot import Document, Fact, Identity
from wizard.policy import documents, trust
from wizard.policy.patterns import action_covers, arn_covers
from wizard.problem import UsageProblem
from wizard.remotion import catalogue, names

Pair = tuple[str, str]  # an action in small letters, and a resource

_MARK: Final = "remotion"  # stands in every resource that Remotion makes, and in no other application's
_FEW: Final = 3  # pairs: with fewer, somebody only reads what was rendered
_MOST_POLICIES: Final = 20  # whose roles are looked up
_MOST_ROLES: Final = 20  # that are read
_PAGE: Final = 1000
_OURS: Final = {names.USER_POLICY, names.ROLE_POLICY}
_KINDS: Final[tuple[catalogue.PolicyKind, ...]] = ("user", "role")


@dataclass(frozen=True)
class Holding:
    """A user or role with Remotion's permissions.

    `policies` are the names of its policies with such statements. `granted` of the `wanted` pairs of action and resource are
    granted by these, without a condition. What other policies grant is not counted: an administrator may do everything.
    """

    kind: Literal["user", "role"]
    name: str
    arn: str
    policies: tuple[str, ...]
    granted: int
    wanted: int


@dataclass(frozen=True)
class RemotionPolicy:
    """A customer managed policy that holds all of the user's or the render role's policy of some release."""

    name: str
    arn: str
    kind: catalogue.PolicyKind


@dataclass(frozen=True)
class Survey:
    """What was found, best first. `complete` is False where the account is larger than what could be looked at.

    `users` may hold the user of the documented name too. `roles` have most of the render role's policy and trust Lambda, but
    have another name; a role that has it inline is found only if its name has "remotion" in it.
    """

    users: tuple[Holding, ...]
    roles: tuple[Holding, ...]
    policies: tuple[RemotionPolicy, ...]
    complete: bool


def survey(
    aws: Aws,
    identity: Identity,
    user_policy: Document,
    role_policy: Document,
    *,
    most_pages: int = 10,
) -> Fact[Survey]:
    """Look through the account; of each list at most `most_pages` pages of up to 1,000 entries.

    A denied fact where iam:GetAccountAuthorizationDetails is denied. Raises ProblemError when AWS can't be reached.
    """
    try:
        return Fact.known(_survey(aws.client("iam"), identity.partition, user_policy, role_policy, most_pages))
    except Exception as error:
        found = problem_of(error, "reading the users and policies of the account")
        if is_denied(error):
            return Fact.denied(found.problem)
        raise found from error


def _survey(iam: Any, partition: str, user_policy: Document, role_policy: Document, most_pages: int) -> Survey:
    account = _read_account(iam, most_pages)
    wanted = _pairs(role_policy)
    search = _Roles(iam, account, most_pages)
    roles = (_holding("role", role.name, role.arn, role.policies, wanted) for role in search.find(wanted))
    return Survey(
        users=_best(_users(account, _pairs(user_policy))),
        roles=_best(r for r in roles if r.granted * 2 > r.wanted),
        policies=tuple(_named_otherwise(account, partition)),
        complete=account.complete and search.complete,
    )


def _best(holdings: Iterable[Holding]) -> tuple[Holding, ...]:
    return tuple(sorted(holdings, key=lambda h: (-h.granted, h.name)))


# ---- What policies grant


@dataclass(frozen=True)
class _Policy:
    """A policy that names Remotion's resources, as the pairs that it grants."""

    name: str
    pairs: frozenset[Pair]

    def grants(self, wanted: Iterable[Pair]) -> set[Pair]:
        return {pair for pair in wanted if pair in self.pairs or any(_covers(p, pair) for p in self.pairs)}

    def is_about(self, wanted: Iterable[Pair]) -> bool:
        """Whether statements about Remotion's own resources grant some of what is wanted."""
        own = _Policy(self.name, frozenset(p for p in self.pairs if _is_marked(p)))
        return len(own.grants(filter(_is_marked, wanted))) >= _FEW


def _policy(name: str, document: Any) -> _Policy | None:
    """Read a policy; None if it does not name Remotion's resources, or can't be read."""
    try:
        pairs = _pairs(documents.parse(document) if isinstance(document, str) else document)
    except ValueError:
        return None
    return _Policy(name, pairs) if any(_is_marked(pair) for pair in pairs) else None


def _pairs(document: Document) -> frozenset[Pair]:
    """The pairs that a document grants for certain: by Allow statements without a condition."""
    return frozenset(
        (action.lower(), resource)
        for statement in documents.statements(document)
        if statement.get("Effect") == "Allow" and not statement.get("Condition")
        for action in documents.texts(statement, "Action")
        for resource in documents.texts(statement, "Resource")
    )


def _is_marked(pair: Pair) -> bool:
    return _MARK in pair[1].lower()


@lru_cache(maxsize=65_536)
def _covers(held: Pair, wanted: Pair) -> bool:
    """Whether a held pair grants all that a wanted pair stands for."""
    return action_covers(held[0], wanted[0]) and arn_covers(held[1], wanted[1])


def _holding(
    kind: Literal["user", "role"], name: str, arn: str, policies: Iterable[_Policy], wanted: frozenset[Pair]
) -> Holding:
    granted = {policy.name: policy.grants(wanted) for policy in policies}
    holding = tuple(policy for policy, pairs in granted.items() if pairs)
    return Holding(kind, name, arn, holding, len(set().union(*granted.values())), len(wanted))


# ---- Users and policies


@dataclass
class _Account:
    """The account as far as it was read: of its policies only those that name Remotion's resources."""

    users: list[Mapping[str, Any]] = field(default_factory=list)
    groups: dict[str, list[_Policy]] = field(default_factory=dict)
    managed: dict[str, _Policy] = field(default_factory=dict)  # by ARN
    attached: set[str] = field(default_factory=set)  # ARNs of managed policies that somebody has
    complete: bool = True

    def policies_of(self, entity: Mapping[str, Any], inline: str) -> list[_Policy]:
        """The policies of a user or group, of which IAM has listed the inline ones under `inline`."""
        found = [_policy(str(p["PolicyName"]), p["PolicyDocument"]) for p in entity.get(inline, [])]
        found += [self.managed.get(str(a["PolicyArn"])) for a in entity.get("AttachedManagedPolicies", [])]
        return [policy for policy in found if policy]


def _read_account(iam: Any, most_pages: int) -> _Account:
    account = _Account()
    groups = []
    wanted = ["User", "Group", "LocalManagedPolicy"]
    for page in _pages(iam, "get_account_authorization_details", most_pages, Filter=wanted):
        account.users += page.get("UserDetailList", [])
        groups += page.get("GroupDetailList", [])
        for listed in page.get("Policies", []):
            _take_policy(account, listed)
        account.complete = not page.get("IsTruncated")
    # Last: a page with a group may come before the one with its policies.
    account.groups = {str(g["GroupName"]): account.policies_of(g, "GroupPolicyList") for g in groups}
    return account


def _take_policy(account: _Account, listed: Mapping[str, Any]) -> None:
    arn = str(listed["Arn"])
    versions: list[Mapping[str, Any]] = listed.get("PolicyVersionList", [])
    default = next((v for v in versions if v.get("IsDefaultVersion")), {})
    policy = _policy(arn.rpartition("/")[2], default.get("Document", "{}"))  # some emulators leave the name out
    if policy is None:
        return
    account.managed[arn] = policy
    if listed.get("AttachmentCount", 1):
        account.attached.add(arn)


def _users(account: _Account, wanted: frozenset[Pair]) -> Iterator[Holding]:
    for user in account.users:
        policies = account.policies_of(user, "UserPolicyList")
        for group in user.get("GroupList", []):
            policies += account.groups.get(str(group), [])
        if _united(policies).is_about(wanted):
            yield _holding("user", str(user["UserName"]), str(user["Arn"]), policies, wanted)


def _united(policies: Iterable[_Policy]) -> _Policy:
    return _Policy("", frozenset().union(*(policy.pairs for policy in policies)))


def _named_otherwise(account: _Account, partition: str) -> Iterator[RemotionPolicy]:
    for arn, policy in account.managed.items():
        if policy.name.lower() in _OURS:
            continue
        for kind in _KINDS:
            if any(len(policy.grants(wanted)) == len(wanted) for wanted in _of_all_releases(kind, partition)):
                yield RemotionPolicy(policy.name, arn, kind)


@cache
def _of_all_releases(kind: catalogue.PolicyKind, partition: str) -> tuple[frozenset[Pair], ...]:
    found = []
    for epoch in catalogue.epochs():
        try:
            found.append(_pairs(catalogue.policy(kind, epoch.since, partition)))
        except UsageProblem:  # a release that had none for this partition
            continue
    return tuple(found)


# ---- Roles


@dataclass(frozen=True)
class _Role:
    name: str
    arn: str
    policies: list[_Policy]


class _Roles:
    """The search for roles that AWS Lambda can take and that hold Remotion's permissions."""

    def __init__(self, iam: Any, account: _Account, most_pages: int) -> None:
        self.complete = True
        self._iam = iam
        self._account = account
        self._most_pages = most_pages

    def find(self, wanted: frozenset[Pair]) -> Iterator[_Role]:
        """Read the roles that have a policy about `wanted`, or are named after Remotion; not the one named as documented."""
        found = dict.fromkeys(self._holders(wanted)) | dict.fromkeys(self._namesakes())
        found.pop(names.RENDER_ROLE, None)
        self._limit(found, _MOST_ROLES)
        for name in list(found)[:_MOST_ROLES]:
            try:
                role = self._read(name)
            except Exception as error:
                self._bear(error)
                continue
            if role:
                yield role

    def _holders(self, wanted: frozenset[Pair]) -> Iterator[str]:
        managed = self._account.managed
        arns = [arn for arn in managed if arn in self._account.attached and managed[arn].is_about(wanted)]
        self._limit(arns, _MOST_POLICIES)
        for arn in arns[:_MOST_POLICIES]:
            pages = self._listed("list_entities_for_policy", PolicyArn=arn, EntityFilter="Role")
            yield from (str(role["RoleName"]) for page in pages for role in page.get("PolicyRoles", []))

    def _namesakes(self) -> Iterator[str]:
        for page in self._listed("list_roles"):
            yield from (str(role["RoleName"]) for role in page["Roles"] if _MARK in str(role["RoleName"]).lower())

    def _listed(self, operation: str, **parameters: Any) -> Iterator[Mapping[str, Any]]:
        page: Mapping[str, Any] = {}
        try:
            for page in _pages(self._iam, operation, self._most_pages, **parameters):
                yield page
        except Exception as error:
            self._bear(error)
        self.complete = self.complete and not page.get("IsTruncated")

    def _read(self, name: str) -> _Role | None:
        """Read a role; None if Lambda can't take it."""
        role = self._iam.get_role(RoleName=name)["Role"]
        document = role["AssumeRolePolicyDocument"]
        trusted = trust.services_of(documents.parse(document) if isinstance(document, str) else document)
        if names.LAMBDA_SERVICE not in trusted:
            return None
        attached = self._all("list_attached_role_policies", "AttachedPolicies", name)
        found = [self._account.managed.get(str(a["PolicyArn"])) for a in attached]
        for policy in self._all("list_role_policies", "PolicyNames", name):
            answer = self._iam.get_role_policy(RoleName=name, PolicyName=policy)
            found.append(_policy(str(policy), answer["PolicyDocument"]))
        return _Role(name, str(role["Arn"]), [policy for policy in found if policy])

    def _all(self, operation: str, member: str, name: str) -> list[Any]:
        return [item for page in self._listed(operation, RoleName=name) for item in page[member]]

    def _limit(self, found: Any, most: int) -> None:
        self.complete = self.complete and len(found) <= most

    def _bear(self, error: Exception) -> None:
        """Go on without what is denied, or is gone meanwhile."""
        if is_denied(error):
            self.complete = False
        elif not is_absent(error):
            raise error


def _pages(iam: Any, operation: str, most: int, **parameters: Any) -> Iterator[Mapping[str, Any]]:
    """At most so many pages; the last one says with IsTruncated whether there are more."""
    pages = iam.get_paginator(operation).paginate(**parameters, PaginationConfig={"PageSize": _PAGE})
    yield from islice(pages, most)
