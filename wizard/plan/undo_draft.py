"""The plan of an undo in the making: what runs did, what is left of it, and what stays. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from wizard.account.everywhere import Deployed
from wizard.account.listing import function_of_logs
from wizard.account.snapshot import Fact, Identity, Principal
from wizard.account.undo_state import UndoState
from wizard.output.grant import POLICY, READ_POLICY
from wizard.plan.changes import Action, Call, Change
from wizard.plan.deeds import LASTING, OWNERS, Deed, Thing, deeds_of, merged
from wizard.plan.policies import foreign_to_remotion
from wizard.policy import documents
from wizard.policy.documents import Document
from wizard.problem import Problem
from wizard.remotion import names
from wizard.text import count, listing, shortened_key, some

if TYPE_CHECKING:
    from wizard.apply.journal import PastRun


_SHOWN_AS: Final = {"managed": "policy", "variables": "file", "attempt": "key", "key-status": "key", "trust": "role"}
NO_TAG: Final = (
    "It does not carry the tag created-by = remotion-lambda-wizard, so somebody else may have made it. It stays."
)


def created_in(deeds: Iterable[Deed]) -> set[tuple[str, str]]:
    return {(d.thing.kind, d.thing.owner) for d in deeds if d.thing.kind in OWNERS}


def is_tagged(tags: Mapping[str, str]) -> bool:
    return tags.get(names.CREATED_BY_TAG["Key"]) == names.CREATED_BY_TAG["Value"]


@dataclass
class Undoing:
    """The plan in the making. `created` are the users and roles that go; `removed` is what the plan takes from them."""

    identity: Identity
    state: UndoState
    runs: tuple[PastRun, ...]
    everything: bool
    changes: list[Change] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    created: set[tuple[str, str]] = field(default_factory=set)
    trusts: dict[str, list[Document]] = field(default_factory=dict)  # that the runs gave a role, one after the other
    later: dict[Thing, str] = field(default_factory=dict)  # what runs that are not taken back did afterwards
    removed: set[Thing] = field(default_factory=set)
    made_files: set[str] = field(default_factory=set)  # that were not there before the runs

    def plan(self, handlers: Mapping[str, Callable[[Undoing, Deed], None]]) -> None:
        """Go through what is taken back; `handlers` know what becomes of each kind of thing."""
        deeds = merged(deed for run in self.runs for deed in self._taken(run))
        self.created = created_in(deeds)
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
                handlers[kept.thing.kind](self, kept)
        if self.everything:
            self._plan_log_groups()
        self._warn_of_surroundings()
        self._refuse_to_cut_the_branch()

    def _refuse_to_cut_the_branch(self) -> None:
        """Who is signed in as the user or role that goes would lose the access half-way."""
        who = _caller(self.identity)
        if who in self.created and any((thing.entity, thing.owner) == who for thing in self.removed):
            self.problems.append(
                Problem(
                    f"You are signed in as the {who[0]} {who[1]}, which this takes apart.",
                    "Its keys or policies go before the rest, so the wizard would lose its access half-way.",
                    "Sign in as an administrator of the account.",
                )
            )

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
        if same(now, deed.before):
            return False
        if deed.thing in self.later or not any(same(now, one) for one in (deed.after, *deed.between)):
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
            self.stays(deed, thing.owner, unreadable(f"the {thing.entity} {thing.owner}", fact))
        elif fact.value is None and deed.before is not None:
            self.stays(deed, thing.owner, f"The {thing.entity} {thing.owner} is gone since.")
        elif fact.value is not None and thing.kind in {"policy", "attachment"} and self._is_made_anew(fact.value):
            self.stays(deed, fact.value.arn, f"The {thing.entity} {thing.owner} is not the one that the wizard made.")
            return None
        return fact.value

    def _is_made_anew(self, principal: Principal) -> bool:
        """Whether a user or role that the runs made has lost its tag: it may be another one of the same name."""
        return (principal.kind, principal.name) in self.created and not is_tagged(principal.tags)

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
        if standing is None or not is_tagged(standing.policy.tags):
            return deed
        return replace(deed, before=None, between=(*deed.between, deed.before))

    def _found_by_tag(self, deeds: Sequence[Deed]) -> tuple[list[Deed], list[Deed]]:
        """What carries the tag, and no run that is taken back made: first what belongs to a user or role, then these."""
        known = {deed.thing for deed in deeds}
        owners = [deed for deed in self._tagged_owners() if deed.thing not in known]
        self.created |= created_in(owners)
        policies = [deed for deed in self._tagged_policies() if deed.thing not in known]
        ours = {d.thing.name for d in (*deeds, *policies) if d.thing.kind == "managed" and d.before is None}
        first = [deed for who in sorted(self.created) for deed in self._belongings(who, known, ours)]
        return first, [*policies, *owners]

    def _tagged_owners(self) -> Iterator[Deed]:
        for (kind, name), fact in self.state.principals.items():
            thing = Thing(kind, kind, name)
            if fact.value is None or (kind, name) in self.created:
                continue
            if is_tagged(fact.value.tags):
                yield Deed("", thing, None, {})
            elif name in {names.USER, names.RENDER_ROLE}:
                self.stays(Deed("", thing), fact.value.arn, NO_TAG)

    def _tagged_policies(self) -> Iterator[Deed]:
        for arn, fact in self.state.policies.items():
            if fact.value is None:
                continue
            policy = fact.value.policy
            if is_tagged(policy.tags):
                yield Deed("", Thing("managed", name=arn), None, policy.document)
            elif policy.name in names.SET_UP_POLICIES and not self._knows(arn):
                self.stays(Deed("", Thing("managed", name=arn)), arn, NO_TAG)

    def _knows(self, arn: str) -> bool:
        return any(deed.thing.name == arn for run in self.runs for deed in deeds_of(run))

    def _belongings(self, who: tuple[str, str], known: set[Thing], ours: set[str]) -> list[Deed]:
        """What a user or role of ours has that is the wizard's too. Its keys go only if nothing of somebody else's keeps it."""
        principal = self.state.principals[who].value if who in self.state.principals else None
        if principal is None or not is_tagged(principal.tags):
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
        everywhere = self.state.everywhere
        for region, groups in everywhere.log_groups.items():
            deployed = {function.name for function in everywhere.functions.get(region, ())}
            for group in groups:
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
                is_known = region in everywhere.functions
                if not is_known or function_of_logs(group) in deployed:
                    why = "Its function is still there." if is_known else "Its function may be there."
                    change = replace(change, action=Action.KEEP, call=None, summary=why, reason=why)
                self.changes.append(change)

    def _warn_of_surroundings(self) -> None:
        going = {change.resource.rpartition("/")[2] for change in self.changes if _deletes_role(change)}
        losing = {thing.owner for thing in self.removed if thing.entity == "role"}
        for region, functions in self.state.everywhere.functions.items():
            for role in sorted(losing):
                without = f"the role {role}" if role in going else f"what is taken from the role {role}"
                self._warn_of_functions(region, [f for f in functions if f.role == role], without)
        self._warn_of_unseen(bool(losing))
        if self.everything and self.state.buckets.value:
            self.warnings.append(
                f"Buckets are never deleted, they may hold your videos: {some(self.state.buckets.value)}. To empty and "
                "delete them: remotion.dev/docs/lambda/uninstall"
            )

    def _warn_of_functions(self, region: str, functions: Sequence[Deployed], without: str) -> None:
        rendering = [function.name for function in functions if function.is_remotion]
        others = [function.name for function in functions if not function.is_remotion]
        if rendering:
            self.warnings.append(
                f"{count(len(rendering), 'function')} of Remotion in {region} can't render without {without}: "
                f"{some(rendering)}. The wizard takes no function away. Do it first, while the access key still works: "
                f"npx remotion lambda functions rmall -y --region={region}"
            )
        if others:
            self.warnings.append(
                f"{count(len(others), 'other function')} in {region} may stop working without {without}: {some(others)}. "
                "Give another role to what is still needed first."
            )

    def _warn_of_unseen(self, is_about_roles: bool) -> None:
        """Say once of all regions that could not be looked at what may be there."""
        by_reason: dict[str, dict[str, list[str]]] = {}
        for (what, region), why in self.state.everywhere.unseen.items():
            if (what == "functions" and is_about_roles) or what == "logs":
                by_reason.setdefault(why, {}).setdefault(region, []).append(what)
        if not by_reason:
            return
        regions = {region for found in by_reason.values() for region in found}
        kinds = {kind for found in by_reason.values() for each in found.values() for kind in each}
        parts = [
            text
            for kind, text in (("functions", "functions that use the role"), ("logs", "logs of render functions"))
            if kind in kinds
        ]
        shown = "; ".join(f"{why}: {some(list(found))}" for why, found in by_reason.items())
        self.warnings.append(
            f"{count(len(regions), 'region')} could not be looked at, so {listing(parts)} may be there ({shown})."
        )


def _caller(identity: Identity) -> tuple[str, str]:
    """The user or role that is signed in, as a thing's entity and owner; ("", "") for root."""
    kind, _, rest = identity.arn.split(":", 5)[-1].partition("/")
    if kind == "assumed-role":
        return "role", rest.partition("/")[0]
    return ("user", rest.rpartition("/")[2]) if kind == "user" else ("", "")


def _deletes_role(change: Change) -> bool:
    return change.kind == "role" and change.action is Action.DELETE


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


def same(one: Any, other: Any) -> bool:
    """Whether two values of a thing are the same; documents by their meaning."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return documents.same_meaning(one, other)
    return bool(one == other)


def unreadable(what: str, fact: Fact[Any]) -> str:
    why = f" {fact.problem.title}" if fact.problem else ""
    return f"The wizard may not read {what}.{why} It stays as it is."
