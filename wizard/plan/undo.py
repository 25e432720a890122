"""`undo_plan`: from journals and the state of things to the changes that take runs back, newest first. Pure.

What is still as a run left it is taken back to what it was before. What somebody has changed since stays, and is said. A
user, role or policy goes only if a journal and the tag `created-by` agree that the wizard made it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from wizard.account.snapshot import AccountSnapshot, Fact, Identity, Principal
from wizard.account.undo_state import StandingPolicy, UndoReading, UndoState
from wizard.output.grant import POLICY, READ_POLICY
from wizard.plan.changes import Action, Call, Change, Plan
from wizard.plan.deeds import EVERYTHING, LASTING, OWNERS, Deed, Thing, deeds_of, merged, together
from wizard.plan.policies import foreign_to_remotion
from wizard.policy import documents
from wizard.policy.documents import Document
from wizard.remotion import names
from wizard.text import count, listing, shortened_key

if TYPE_CHECKING:
    from wizard.apply.journal import PastRun
    from wizard.collect.answers import Answers

_MOST_VERSIONS: Final = 5  # "IAM and AWS STS quotas"
_MOST_NAMED: Final = 5
_SHOWN_AS: Final = {"managed": "policy", "variables": "file", "attempt": "key", "key-status": "key", "trust": "role"}
_NO_TAG: Final = (
    "It does not carry the tag created-by = remotion-lambda-wizard, so somebody else may have made it. It stays."
)


def undo_reading(answers: Answers, runs: Sequence[PastRun]) -> UndoReading:
    """Return what has to be looked at before runs are taken back. Raises UsageProblem for a run that can't be."""
    everything = answers.text("undo.run") == EVERYTHING
    deeds = [deed for run in together(runs, answers.text("undo.run")) for deed in deeds_of(run)]
    principals = {(d.thing.entity, d.thing.owner) for d in deeds if d.thing.entity}
    if everything:
        named = answers.text("principal.name") if answers.text("principal.kind") == "user" else ""
        principals |= {("user", named or names.USER), ("user", names.USER), ("role", names.RENDER_ROLE)}
        principals |= _created(deed for run in runs for deed in deeds_of(run))
    files = {d.thing.name for d in deeds if d.thing.kind == "variables"}
    places = [d.facts for d in deeds if d.thing.kind == "key" and d.facts.get("file")]
    arns = {d.thing.name for d in deeds if d.thing.kind == "managed"}
    arns |= {d.thing.name for d in deeds if d.thing.kind == "attachment" and d.before}
    return UndoReading(
        principals=frozenset(principals),
        policies=frozenset(arns),
        env_files=frozenset(files | {str(p["file"]) for p in places if not p.get("profile")}),
        profiles=frozenset((str(p["file"]), str(p["profile"])) for p in places if p.get("profile")),
        regions=answers.texts("remotion.regions"),
        surroundings=everything or any(kind == "role" for kind, _ in _created(deeds)),
        policies_too=everything,
    )


def undo_plan(answers: Answers, snapshot: AccountSnapshot) -> Plan:
    """Plan to take back the run that the answers name, the newest that is left, or everything.

    Raises UsageProblem for a run that can't be taken back.
    """
    state, wanted = snapshot.undo or UndoState(), answers.text("undo.run")
    runs = together(state.runs, wanted)
    undoing = _Undoing(snapshot.identity, state, runs, wanted == EVERYTHING)
    undoing.plan()
    if snapshot.identity.sandbox:
        undoing.warnings.append("This is the sandbox: nothing reaches AWS.")
    return Plan(
        identity=snapshot.identity,
        changes=tuple(sorted(undoing.changes, key=lambda change: not change.writes)),
        warnings=tuple(undoing.warnings),
        principal_name=next((run.user for run in reversed(runs) if run.user), ""),
        purpose="undo",
        undoes=tuple(run.run for run in runs),
    )


def taken_back(plan: Plan) -> list[str]:
    """Say in lines what a plan took back, and what stays and why, for people."""
    where = f"in account {plan.identity.known_as}"
    made = count(len(plan.writing), "change")
    said = [f"Taken back: {made} {where}." if plan.writing else f"There was nothing to take back {where}."]
    said += [f"  {change.does} {change.kind} {change.name}: {change.summary}" for change in plan.writing]
    stays = left_alone(plan)
    said += ["What stays:"] if stays else []
    return said + [f"  {thing['kind']} {thing['name']}: {thing['why']}" for thing in stays]


def left_alone(plan: Plan) -> list[dict[str, str]]:
    """Return what an undo leaves as it is, and why, in JSON's shape."""
    kept = (change for change in plan.changes if not change.writes)
    return [{"kind": c.kind, "name": c.name, "resource": c.resource, "why": c.reason} for c in kept]


def _created(deeds: Iterable[Deed]) -> set[tuple[str, str]]:
    return {(d.thing.kind, d.thing.owner) for d in deeds if d.thing.kind in OWNERS}


def _is_tagged(tags: Mapping[str, str]) -> bool:
    return tags.get(names.CREATED_BY_TAG["Key"]) == names.CREATED_BY_TAG["Value"]


@dataclass
class _Undoing:
    """The plan in the making. `created` are the users and roles that go; `removed` is what the plan takes from them."""

    identity: Identity
    state: UndoState
    runs: tuple[PastRun, ...]
    everything: bool
    changes: list[Change] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    created: set[tuple[str, str]] = field(default_factory=set)
    trusts: dict[str, list[Document]] = field(default_factory=dict)  # that the runs gave a role, one after the other
    later: dict[Thing, str] = field(default_factory=dict)  # what runs that are not taken back did afterwards
    removed: set[Thing] = field(default_factory=set)
    made_files: set[str] = field(default_factory=set)  # that were not there before the runs

    def plan(self) -> None:
        deeds = merged(deed for run in self.runs for deed in self._taken(run))
        self.created = _created(deeds)
        self.trusts = self._trusts(deeds)
        self.made_files = {str(d.facts.get("file", d.thing.name)) for d in deeds if d.facts.get("made")}
        self._note_later()
        if self.everything:
            deeds = [self._whole(deed) for deed in deeds]
            first, last = self._found_by_tag(deeds)
            deeds = [*first, *deeds, *last]
        for deed in deeds:
            kept = self._of_created(deed)
            if kept is not None:
                _HANDLERS[kept.thing.kind](self, kept)
        if self.everything:
            self._plan_log_groups()
        self._warn_of_surroundings()

    def _taken(self, run: PastRun) -> list[Deed]:
        """What of a run is taken back. A change of the key by itself gives back the old key, and the new one stays."""
        alone = (
            run.purpose == "rotate" and all(other.purpose == "rotate" for other in self.runs) and not self.everything
        )
        deeds = deeds_of(run)
        return [d for d in deeds if d.thing.kind in {"key-status", "lasting"}] if alone else deeds

    def _trusts(self, deeds: Sequence[Deed]) -> dict[str, list[Document]]:
        found: dict[str, list[Document]] = {}
        for deed in deeds:
            if deed.thing.kind == "role" and deed.after:
                given = documents.parse(str(deed.after["AssumeRolePolicyDocument"]))
                found.setdefault(deed.thing.owner, []).append(given)
            elif deed.thing.kind == "trust":
                found.setdefault(deed.thing.owner, []).extend((deed.before, *deed.between, deed.after))
        return found

    def _note_later(self) -> None:
        taken = {run.run for run in self.runs}
        after = False
        for run in self.state.runs:
            after = after or run.run in taken
            if after and run.run not in taken and run.purpose != "undo" and not run.undone:
                self.later.update({deed.thing: run.run for deed in deeds_of(run)})

    def _of_created(self, deed: Deed) -> Deed | None:
        """What belongs to a user or role that the runs made goes with it: nothing of it was there before."""
        thing = deed.thing
        if thing.kind in OWNERS or (thing.entity, thing.owner) not in self.created:
            return deed
        if thing.kind in {"trust", "boundary", "tags", "key-status"}:
            return None
        return replace(deed, before=None)

    # What becomes of one thing

    def take(
        self,
        deed: Deed,
        action: Action,
        kind: str,
        resource: str,
        summary: str,
        call: Call | None,
        *,
        before: Any = None,
        after: Any = None,
        why: str = "",
    ) -> None:
        """Take a change into the plan. Ids are unique: one thing may need two changes."""
        identifier, taken = _id(deed.thing), {change.id for change in self.changes}
        while identifier in taken:
            identifier += "+"
        reason = why or self._why(deed)
        name = _shown(deed.thing)
        self.changes.append(
            Change(identifier, action, kind, name, resource, summary, reason, call, before=before, after=after)
        )
        if action is Action.DELETE:
            self.removed.add(deed.thing)

    def stays(self, deed: Deed, resource: str, why: str) -> None:
        """Note that a thing stays as it is, and why."""
        thing = deed.thing
        kind = LASTING[thing.owner][0] if thing.kind == "lasting" else _SHOWN_AS.get(thing.kind, thing.kind)
        self.take(deed, Action.KEEP, kind, resource, why, None, why=why)

    def is_to_change(self, deed: Deed, resource: str, now: Any) -> bool:
        """Whether a thing is to be set back. It is not if that is done already; and it stays if somebody changed it since."""
        if _same(now, deed.before):
            return False
        if deed.thing in self.later or not any(_same(now, one) for one in (deed.after, *deed.between)):
            self.stays(deed, resource, self._why_it_stays(deed, now))
            return False
        return True

    def _why_it_stays(self, deed: Deed, now: Any) -> str:
        if deed.thing in self.later:
            return f"The later run {self.later[deed.thing]} changed it. Take that one back first."
        if now is None:
            return "Somebody has taken it away since. It stays as it is."
        return "Somebody has changed it since. It stays as it is."

    def principal(self, deed: Deed) -> Principal | None:
        """The user or role that a thing belongs to; where it is not there or can't be read, that is noted."""
        thing = deed.thing
        fact = self.state.principals.get((thing.entity, thing.owner), Fact())
        if fact.is_unknown:
            self.stays(deed, thing.owner, _unreadable(f"the {thing.entity} {thing.owner}", fact))
        elif fact.value is None and deed.before is not None:
            self.stays(deed, thing.owner, f"The {thing.entity} {thing.owner} is gone since.")
        elif fact.value is not None and thing.kind in {"policy", "attachment"} and self._is_made_anew(fact.value):
            self.stays(deed, fact.value.arn, f"The {thing.entity} {thing.owner} is not the one that the wizard made.")
            return None
        return fact.value

    def _is_made_anew(self, principal: Principal) -> bool:
        """Whether a user or role that the runs made has lost its tag: it may be another one of the same name."""
        return (principal.kind, principal.name) in self.created and not _is_tagged(principal.tags)

    def _why(self, deed: Deed) -> str:
        """Why a thing is changed."""
        if not deed.run:
            return "It carries the tag created-by = remotion-lambda-wizard, or belongs to what carries it."
        if deed.thing.kind in {"place", "variables"}:
            return f"The run {deed.run} wrote it there."
        return f"The run {deed.run} made it." if deed.before is None else f"As it was before the run {deed.run}."

    # Everything: what no journal knows, and carries the tag

    def _whole(self, deed: Deed) -> Deed:
        """A policy that carries the tag goes as a whole, also where the run that made it is not in any journal."""
        standing = self.state.policies.get(deed.thing.name, Fact()).value if deed.thing.kind == "managed" else None
        if standing is None or not _is_tagged(standing.policy.tags):
            return deed
        return replace(deed, before=None, between=(*deed.between, deed.before))

    def _found_by_tag(self, deeds: Sequence[Deed]) -> tuple[list[Deed], list[Deed]]:
        """What carries the tag, and no run that is taken back made: first what belongs to a user or role, then these."""
        known = {deed.thing for deed in deeds}
        owners = [deed for deed in self._tagged_owners() if deed.thing not in known]
        self.created |= _created(owners)
        policies = [deed for deed in self._tagged_policies() if deed.thing not in known]
        ours = {d.thing.name for d in (*deeds, *policies) if d.thing.kind == "managed" and d.before is None}
        first = [deed for who in sorted(self.created) for deed in self._belongings(who, known, ours)]
        return first, [*policies, *owners]

    def _tagged_owners(self) -> Iterator[Deed]:
        for (kind, name), fact in self.state.principals.items():
            thing = Thing(kind, kind, name)
            if fact.value is None or (kind, name) in self.created:
                continue
            if _is_tagged(fact.value.tags):
                yield Deed("", thing, None, {})
            elif name in {names.USER, names.RENDER_ROLE}:
                self.stays(Deed("", thing), fact.value.arn, _NO_TAG)

    def _tagged_policies(self) -> Iterator[Deed]:
        for arn, fact in self.state.policies.items():
            if fact.value is None:
                continue
            policy = fact.value.policy
            if _is_tagged(policy.tags):
                yield Deed("", Thing("managed", name=arn), None, policy.document)
            elif policy.name in names.SET_UP_POLICIES and not self._knows(arn):
                self.stays(Deed("", Thing("managed", name=arn)), arn, _NO_TAG)

    def _knows(self, arn: str) -> bool:
        return any(deed.thing.name == arn for run in self.runs for deed in deeds_of(run))

    def _belongings(self, who: tuple[str, str], known: set[Thing], ours: set[str]) -> list[Deed]:
        """What a user or role of ours has that is the wizard's too. Its keys go only if nothing of somebody else's keeps it."""
        principal = self.state.principals[who].value if who in self.state.principals else None
        if principal is None or not _is_tagged(principal.tags):
            return []
        attached = [Deed("", Thing("attachment", *who, a.arn), None, True) for a in principal.attached if a.arn in ours]
        inline = [
            Deed("", Thing("policy", *who, name), None, fact.value)
            for name, fact in principal.inline.items()
            if fact.value is not None and self._is_remotion(name, fact.value)
        ]
        found = [deed for deed in (*attached, *inline) if deed.thing not in known]
        going = {*known, *(deed.thing for deed in found)}
        if all(thing and (thing.kind == "key" or thing in going) for thing, _ in self.rest_of(principal)):
            keys = (Thing("key", *who, key.id) for key in principal.access_keys.value or ())
            found += [Deed("", thing, None, {"UserName": principal.name}) for thing in keys if thing not in known]
        return found

    def _is_remotion(self, name: str, document: Document) -> bool:
        if name in names.SET_UP_POLICIES:
            return not foreign_to_remotion(document, self.identity.partition)
        return name.startswith((POLICY, READ_POLICY))

    def rest_of(self, principal: Principal) -> Iterator[tuple[Thing | None, str]]:
        """What a user or role has, and what keeps it from being deleted: the thing, where it is one, and in words."""
        who = (principal.kind, principal.name)
        for name in principal.inline:
            yield Thing("policy", *who, name), f"has the inline policy {name}"
        for attached in principal.attached:
            yield Thing("attachment", *who, attached.arn), f"has the policy {attached.name}"
        for key in principal.access_keys.value or ():
            yield Thing("key", *who, key.id), f"has the access key {shortened_key(key.id)}"
        for group in principal.groups:
            yield None, f"is in the group {group}"
        for text in self.state.held.get(who, ()):
            yield None, text

    def _plan_log_groups(self) -> None:
        for region, fact in self.state.log_groups.items():
            if fact.is_unknown and fact.problem is not None:
                self.warnings.append(f"Which logs there are in {region} can't be told. {fact.problem.title}")
            deployed = self.state.functions.get(region, Fact())
            for group in fact.value or ():
                change = Change(
                    id=f"logs.{region}.{group}",
                    action=Action.DELETE,
                    kind="logs",
                    name=group,
                    resource=f"arn:{self.identity.partition}:logs:{region}:{self.identity.account}:log-group:{group}",
                    summary=f"the logs of a render function, in {region}",
                    reason="The function is gone, its logs are left over. Remotion does not take them away.",
                    call=Call("logs", "DeleteLogGroup", {"logGroupName": group}, region),
                    optional=True,
                )
                if deployed.value is None or group.removeprefix("/aws/lambda/") in deployed.value:
                    why = "Its function is still there." if deployed.value is not None else "Its function may be there."
                    change = replace(change, action=Action.KEEP, call=None, summary=why, reason=why)
                self.changes.append(change)

    def _warn_of_surroundings(self) -> None:
        loses_role = any(change.kind == "role" and change.action is Action.DELETE for change in self.changes)
        for region, fact in self.state.functions.items():
            if fact.value and loses_role:
                shown = _some(fact.value)
                self.warnings.append(
                    f"{count(len(fact.value), 'function')} of Remotion in {region} can't render without the role: {shown}. "
                    "The wizard takes no function away. Do it first, while the access key still works: "
                    f"npx remotion lambda functions rmall -y --region={region}"
                )
        if self.everything and self.state.buckets.value:
            self.warnings.append(
                f"Buckets are never deleted, they may hold your videos: {_some(self.state.buckets.value)}. To empty and "
                "delete them: remotion.dev/docs/lambda/uninstall"
            )


# One kind of thing after the other


def _owner(undoing: _Undoing, deed: Deed) -> None:
    """A user or role that was made goes, if it is still ours and nothing of somebody else's is in it."""
    thing = deed.thing
    principal = undoing.principal(deed)
    if principal is None:
        return
    if not _is_tagged(principal.tags):
        undoing.stays(deed, principal.arn, _NO_TAG)
        return
    expected = undoing.trusts.get(thing.owner, []) if thing.kind == "role" else []
    if expected and not any(_same(principal.trust, one) for one in expected):
        undoing.stays(deed, principal.arn, "Somebody has changed since who may take it, and may need it. It stays.")
        return
    left = [
        f"{text} (of the later run {undoing.later[rest]})" if rest in undoing.later else text
        for rest, text in undoing.rest_of(principal)
        if rest is None or rest not in undoing.removed
    ]
    if left:
        why = f"It stays, since it {listing(left[:_MOST_NAMED])}, which this does not take back."
        undoing.stays(deed, principal.arn, why)
        return
    call = _call("Delete{}", thing)
    undoing.take(deed, Action.DELETE, thing.kind, principal.arn, f"the {thing.kind} itself", call)


def _policy(undoing: _Undoing, deed: Deed) -> None:
    """An inline policy goes, or becomes what it was."""
    thing, principal = deed.thing, undoing.principal(deed)
    if principal is None:
        return
    held = principal.inline.get(thing.name, Fact.absent())
    if held.is_unknown:
        undoing.stays(deed, principal.arn, _unreadable(f"the policy {thing.name}", held))
        return
    now, before = held.value, deed.before
    if not undoing.is_to_change(deed, principal.arn, now):
        return
    if before is None:
        action, summary = Action.DELETE, f"inline in {thing.owner}"
        call = _call("Delete{}Policy", thing, PolicyName=thing.name)
    else:
        action, summary = Action.CREATE if now is None else Action.UPDATE, f"inline in {thing.owner}, as it was before"
        call = _call("Put{}Policy", thing, PolicyName=thing.name, PolicyDocument=documents.pretty(before))
    undoing.take(deed, action, "policy", principal.arn, summary, call, before=now, after=before)


def _attachment(undoing: _Undoing, deed: Deed) -> None:
    """A managed policy is detached, or attached again."""
    thing, principal = deed.thing, undoing.principal(deed)
    if principal is None:
        return
    now = True if any(attached.arn == thing.name for attached in principal.attached) else None
    if not undoing.is_to_change(deed, principal.arn, now):
        return
    if deed.before and undoing.state.policies.get(thing.name, Fact()).is_absent:
        undoing.stays(deed, principal.arn, "The policy is gone since, so it can't be attached again.")
    elif deed.before:
        call = _call("Attach{}Policy", thing, PolicyArn=thing.name)
        undoing.take(deed, Action.CREATE, "attachment", principal.arn, f"attached to {thing.owner} again", call)
    else:
        call = _call("Detach{}Policy", thing, PolicyArn=thing.name)
        undoing.take(deed, Action.DELETE, "attachment", principal.arn, f"detached from {thing.owner}", call)


def _managed(undoing: _Undoing, deed: Deed) -> None:
    """A managed policy goes with all its versions, or its old version is made the default again."""
    fact, arn = undoing.state.policies.get(deed.thing.name, Fact()), deed.thing.name
    standing = fact.value
    if fact.is_unknown:
        undoing.stays(deed, arn, _unreadable(f"the policy {arn.rpartition('/')[2]}", fact))
    elif standing is None:
        if deed.before is not None:
            undoing.stays(deed, arn, "The policy is gone since.")
    elif _same(standing.policy.document, deed.before):
        _drop_left_version(undoing, deed, standing)
    elif undoing.is_to_change(deed, arn, standing.policy.document):
        if deed.before is None:
            _delete_managed(undoing, deed, standing)
        else:
            _restore_managed(undoing, deed, standing)


def _delete_managed(undoing: _Undoing, deed: Deed, standing: StandingPolicy) -> None:
    policy = standing.policy
    why = _why_policy_stays(undoing, deed, standing)
    if why:
        undoing.stays(deed, policy.arn, why)
        return
    for version in policy.versions:
        if version != policy.default_version:
            _delete_version(undoing, deed, policy.name, version, "Versions go before the policy.")
    call, before = Call("iam", "DeletePolicy", {"PolicyArn": policy.arn}), dict(policy.document)
    undoing.take(deed, Action.DELETE, "policy", policy.arn, "the managed policy itself", call, before=before)


def _why_policy_stays(undoing: _Undoing, deed: Deed, standing: StandingPolicy) -> str:
    """Why a policy that was made has to stay; "" if it may go."""
    policy = standing.policy
    if not _is_tagged(policy.tags):
        return _NO_TAG
    detached = sum(thing.kind == "attachment" and thing.name == policy.arn for thing in undoing.removed)
    if policy.attachments > detached:
        shown = count(policy.attachments - detached, "other user, role or group", "other users, roles and groups")
        return f"It is attached to {shown}. It stays."
    ours = [d for run in undoing.state.runs for d in deeds_of(run) if d.thing == deed.thing]
    known = [document for d in ours for document in (d.before, d.after) if document]
    foreign = [
        v for v, document in standing.versions.items() if deed.run and not any(_same(document, k) for k in known)
    ]
    return f"Somebody has given it the version {listing(foreign)}. It stays." if foreign else ""


def _restore_managed(undoing: _Undoing, deed: Deed, standing: StandingPolicy) -> None:
    policy, old = standing.policy, _old_version(deed, standing)
    if old:
        call = Call("iam", "SetDefaultPolicyVersion", {"PolicyArn": policy.arn, "VersionId": old})
        summary, after = f"the version {old} counts again", standing.versions[old]
    elif deed.before and len(policy.versions) < _MOST_VERSIONS:
        given = {"PolicyArn": policy.arn, "PolicyDocument": documents.pretty(deed.before), "SetAsDefault": True}
        call = Call("iam", "CreatePolicyVersion", given)
        summary, after = "as it was before, as a new version: the old one was deleted since", deed.before
    else:
        why = (
            "The version from before the run was deleted since, and there is no room for a new one. It stays as it is."
        )
        undoing.stays(deed, policy.arn, why)
        return
    before, after = dict(policy.document), dict(after)
    undoing.take(deed, Action.UPDATE, "policy", policy.arn, summary, call, before=before, after=after)
    _delete_version(undoing, deed, policy.name, policy.default_version, f"The run {deed.run} made this version.")


def _old_version(deed: Deed, standing: StandingPolicy) -> str:
    """The version from before a run, "" if it is gone. An older journal knows its id only."""
    noted = str(deed.facts.get("version", ""))
    if noted in standing.versions and (not deed.before or _same(standing.versions[noted], deed.before)):
        return noted
    alike = [v for v, document in standing.versions.items() if deed.before and _same(document, deed.before)]
    return next((v for v in alike if v != standing.policy.default_version), "")


def _drop_left_version(undoing: _Undoing, deed: Deed, standing: StandingPolicy) -> None:
    """An undo that was cut off has set the old version back, but not taken the run's own away."""
    noted = _number(str(deed.facts.get("version", "")))
    for version, document in standing.versions.items():
        if version != standing.policy.default_version and _number(version) > noted > 0 and _same(document, deed.after):
            _delete_version(undoing, deed, standing.policy.name, version, f"The run {deed.run} made this version.")


def _delete_version(undoing: _Undoing, deed: Deed, policy: str, version: str, why: str) -> None:
    arn = deed.thing.name
    call = Call("iam", "DeletePolicyVersion", {"PolicyArn": arn, "VersionId": version})
    identifier, summary = f"policy.{policy}.version.{version}", "not in use any more"
    undoing.changes.append(Change(identifier, Action.DELETE, "version", f"{policy} {version}", arn, summary, why, call))


def _number(version: str) -> int:
    return int(version[1:]) if version[1:].isdecimal() else 0


def _boundary(undoing: _Undoing, deed: Deed) -> None:
    thing, principal, before = deed.thing, undoing.principal(deed), deed.before
    if principal is None or not undoing.is_to_change(deed, principal.arn, principal.boundary or None):
        return
    if before:
        action, summary = Action.UPDATE, "the permissions boundary from before"
        call = _call("Put{}PermissionsBoundary", thing, PermissionsBoundary=before)
    else:
        action, summary = Action.DELETE, "the permissions boundary"
        call = _call("Delete{}PermissionsBoundary", thing)
    undoing.take(deed, action, "boundary", principal.arn, summary, call, before=principal.boundary, after=before)


def _trust(undoing: _Undoing, deed: Deed) -> None:
    thing, principal = deed.thing, undoing.principal(deed)
    if principal is None or not undoing.is_to_change(deed, principal.arn, principal.trust):
        return
    call = _call("UpdateAssume{}Policy", thing, PolicyDocument=documents.pretty(deed.before))
    summary, before = "may be taken by whom it was before", dict(principal.trust or {})
    undoing.take(deed, Action.UPDATE, "role", principal.arn, summary, call, before=before, after=deed.before)


def _tags(undoing: _Undoing, deed: Deed) -> None:
    """Each tag by itself: one that somebody has changed since stays."""
    thing, principal = deed.thing, undoing.principal(deed)
    if principal is None:
        return
    now = principal.tags
    changed = sorted(k for k, v in deed.before.items() if now.get(k) not in {deed.after[k], v})
    if changed:
        undoing.stays(deed, principal.arn, f"Somebody has changed since: {listing(changed)}. It stays as it is.")
    mine = {k: v for k, v in deed.before.items() if now.get(k) == deed.after[k] != v}
    added = sorted(k for k, v in mine.items() if v is None)
    replaced = [{"Key": k, "Value": v} for k, v in mine.items() if v is not None]
    if added:
        call = _call("Untag{}", thing, TagKeys=added)
        undoing.take(deed, Action.DELETE, "tags", principal.arn, listing(added), call, before=dict(now))
    if replaced:
        call = _call("Tag{}", thing, Tags=replaced)
        summary = listing([tag["Key"] for tag in replaced])
        undoing.take(deed, Action.UPDATE, "tags", principal.arn, summary, call, before=dict(now))


def _key(undoing: _Undoing, deed: Deed) -> None:
    """An access key goes, and with it what lies of it in its place."""
    thing, principal = deed.thing, undoing.principal(deed)
    if undoing.state.principals[(thing.entity, thing.owner)].is_unknown:
        return
    keys = principal.access_keys if principal else Fact[Any].absent()
    if keys.is_unknown:
        undoing.stays(deed, thing.owner, _unreadable(f"the access keys of {thing.owner}", keys))
        return
    if any(key.id == thing.name for key in keys.value or ()):
        call = Call("iam", "DeleteAccessKey", {"UserName": thing.owner, "AccessKeyId": thing.name})
        summary = f"of {thing.owner}: whatever signs in with it stops working"
        undoing.take(deed, Action.DELETE, "key", thing.name, summary, call)
    _place_of_key(undoing, deed)


def _place_of_key(undoing: _Undoing, deed: Deed) -> None:
    """Take a key out of the file that it was written to, if it is still there."""
    path, profile, key = str(deed.facts.get("file", "")), str(deed.facts.get("profile", "")), deed.thing.name
    given: dict[str, Any] = {"path": path, "remove_if_empty": path in undoing.made_files}
    if profile:
        held = undoing.state.profiles.get((path, profile))
        call = Call("local", "TakeKeyFromProfile", {**given, "profile": profile, "access_key_id": key})
        what = f"takes the key out of the profile {profile}"
    else:
        found = undoing.state.variables.get(path)
        held = None if found is None else found.get(names.ACCESS_KEY_ID, "")
        given["only_if"] = {names.ACCESS_KEY_ID: key}
        given["variables"] = dict.fromkeys((names.ACCESS_KEY_ID, names.SECRET_ACCESS_KEY))
        call = Call("local", "RestoreEnv", {**given, "aside": list(deed.facts.get("set_aside") or [])})
        what = "takes the key out"
    if path and held == key:
        place = replace(deed, thing=Thing("place", name=f"{path}/{key}"))
        undoing.take(place, Action.UPDATE, "file", path, what, call)


def _attempt(undoing: _Undoing, deed: Deed) -> None:
    """A key whose answer was lost: one that appeared at that time and that nobody has stored since."""
    principal = undoing.principal(deed)
    stored = {key for run in undoing.state.runs for key in run.stored_keys()}
    for key in (principal.access_keys.value or ()) if principal else ():
        thing = Thing("key", "user", deed.thing.owner, key.id)
        if key.id not in stored and thing not in undoing.removed and deed.after.may_have_made(key.id, key.created):
            _key(undoing, replace(deed, thing=thing, after={}))


def _key_status(undoing: _Undoing, deed: Deed) -> None:
    thing, principal = deed.thing, undoing.principal(deed)
    if principal is None:
        return
    status = {key.id: "Active" if key.active else "Inactive" for key in principal.access_keys.value or ()}
    now, before = status.get(thing.name), deed.before
    if undoing.is_to_change(deed, thing.name, now):
        call = _call("UpdateAccessKey", thing, AccessKeyId=thing.name, Status=before)
        summary = f"of {thing.owner}: {str(before).lower()} again"
        undoing.take(deed, Action.UPDATE, "key", thing.name, summary, call, before=now, after=before)


def _variables(undoing: _Undoing, deed: Deed) -> None:
    """Variables of a .env file become what they were, each that is still as it was set."""
    path, before, after = deed.thing.name, deed.before, deed.after
    found = undoing.state.variables.get(path)
    if found is None:
        undoing.stays(deed, path, "The file can't be read. It stays as it is.")
        return
    aside = [n for n, value in after.items() if value is None or before.get(n)]
    mine = [n for n, value in after.items() if found.get(n) == value and (value != before.get(n) or n in aside)]
    changed = [n for n, value in after.items() if value and found.get(n) not in {value, before.get(n)}]
    if changed:
        undoing.stays(deed, path, f"Somebody has changed {listing(changed)} since. It stays as it is.")
    if mine:
        given = {
            "path": path,
            "only_if": {n: after[n] for n in mine},
            "variables": {n: before.get(n) for n in mine},
            "aside": [n for n in aside if n in mine],
            "remove_if_empty": path in undoing.made_files,
        }
        undoing.take(
            deed, Action.UPDATE, "file", path, f"sets {listing(mine)} back", Call("local", "RestoreEnv", given)
        )


def _lasting(undoing: _Undoing, deed: Deed) -> None:
    _, why = LASTING[deed.thing.owner]
    undoing.stays(deed, deed.thing.name, why)


_HANDLERS: Final[dict[str, Callable[[_Undoing, Deed], None]]] = {
    "user": _owner,
    "role": _owner,
    "policy": _policy,
    "attachment": _attachment,
    "managed": _managed,
    "boundary": _boundary,
    "trust": _trust,
    "tags": _tags,
    "key": _key,
    "attempt": _attempt,
    "key-status": _key_status,
    "variables": _variables,
    "lasting": _lasting,
}


def _call(operation: str, thing: Thing, **given: Any) -> Call:
    """A call about a user or role: `_call("Delete{}", thing)`."""
    title = thing.entity.capitalize()
    return Call("iam", operation.format(title), {f"{title}Name": thing.owner, **given})


def _shown(thing: Thing) -> str:
    """The name of a thing, for people."""
    if thing.kind in {"key", "key-status"}:
        return shortened_key(thing.name)
    if thing.kind == "place":
        return thing.name.replace("\\", "/").split("/")[-2]
    is_path = thing.kind in {"managed", "attachment", "variables"}
    return thing.name.replace("\\", "/").rpartition("/")[2] if is_path else thing.name or thing.owner


def _id(thing: Thing) -> str:
    parts = (thing.kind, thing.entity if thing.entity != thing.kind else "", thing.owner, thing.name)
    return ".".join(part for part in parts if part)


def _same(one: Any, other: Any) -> bool:
    """Whether two values of a thing are the same; documents by their meaning."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return documents.same_meaning(one, other)
    return bool(one == other)


def _unreadable(what: str, fact: Fact[Any]) -> str:
    why = f" {fact.problem.title}" if fact.problem else ""
    return f"The wizard may not read {what}.{why} It stays as it is."


def _some(found: Sequence[str]) -> str:
    more = len(found) - _MOST_NAMED
    return listing([*found[:_MOST_NAMED], *([f"{more} more"] if more > 0 else [])])
