"""What runs did, read back from their journals: each thing that was made, changed or taken away, with before and after."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from wizard.collect.steps import Choice
from wizard.policy import documents
from wizard.problem import UsageProblem
from wizard.remotion import names
from wizard.text import count, listing, one_line, quoted

if TYPE_CHECKING:
    from wizard.apply.journal import KeyAttempt, PastRun

EVERYTHING: Final = "everything"
OWNERS: Final = ("user", "role")
_HOLDER: Final = {"User": "user", "Role": "role"}
# What can't be taken back, or harms nobody: the operation, what sort of thing it is about, and why that stays.
LASTING: Final = {
    "AddToGitignore": ("file", "The line in .gitignore stays: it keeps the file out of git, whatever is in it."),
    "SetMode": ("file", "It stays readable by you only."),
    "RequestServiceQuotaIncrease": ("quota", "AWS takes no request back. A higher limit costs nothing by itself."),
    "CreateServiceLinkedRole": ("role", "AWS's own role for quota requests stays: other requests may need it."),
    "DeletePolicyVersion": ("version", "A deleted version can't be brought back. It was not in use."),
    "DeleteAccessKey": ("key", "A deleted key can't be brought back."),
}


@dataclass(frozen=True)
class Thing:
    """What a deed is about.

    `kind` is user, role, trust, boundary, tags, policy (inline), managed, attachment, key, key-status, attempt, variables or
    lasting. `entity` and `owner` name the user or role that it belongs to; `name` is a policy's name, an ARN, a key's id, a file.
    """

    kind: str
    entity: str = ""
    owner: str = ""
    name: str = ""


@dataclass(frozen=True)
class Deed:
    """One deed: the thing as it was before (None: not there) and as the run left it (None: taken away).

    `between` is how it was from one run to the next, where several did something to it; `facts` is what else the journal
    knows of it, such as the place of a key.
    """

    run: str
    thing: Thing
    before: Any = None
    after: Any = None
    between: tuple[Any, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RunToUndo:
    """A run that can be taken back, for people to choose from."""

    run: str
    when: str
    did: str
    cut_off: bool = False

    @property
    def sentence(self) -> str:
        return f"{self.when}: {self.did}{'. It was cut off' if self.cut_off else ''}."


# From a journal


def deeds_of(run: PastRun) -> list[Deed]:
    """Return what a run did, in order. An intent without a result counts: whether it took effect is looked up later."""
    found: list[Deed] = []
    attempts = iter(run.key_attempts())
    for record in run.records:
        kind = record["type"]
        if kind == "intent":
            found += [replace(deed, run=run.run) for deed in _read(record, attempts)]
        elif kind == "key-made" and isinstance(record.get("place"), Mapping):
            key, facts = str(record.get("access_key_id")), dict(record["place"])
            found = [replace(d, facts=facts) if d.thing.kind == "key" and d.thing.name == key else d for d in found]
        elif kind == "key-deleted":
            gone = str(record.get("access_key_id"))
            found = [d for d in found if d.thing.kind != "key" or d.thing.name != gone]
    return found


def _read(record: Mapping[str, Any], attempts: Iterator[KeyAttempt]) -> list[Deed]:
    """What an intent says was to be done; nothing where its line is damaged: nobody can tell what that was."""
    try:
        return _attempt(record, attempts) if isinstance(record.get("keys_before"), list) else _deed(record)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, StopIteration):
        return []


def _attempt(record: Mapping[str, Any], attempts: Iterator[KeyAttempt]) -> list[Deed]:
    """An attempt at a key: the key where its id is known, else the attempt, which tells whose key may be its."""
    user, attempt = str(_parameters(record["call"])["UserName"]), next(attempts)
    if attempt.made:
        return [Deed("", Thing("key", "user", user, attempt.made), None, {"UserName": user})]
    return [] if attempt.settled else [Deed("", Thing("attempt", "user", user), None, attempt)]


def _deed(record: Mapping[str, Any]) -> list[Deed]:
    call, undo = record["call"], record.get("undo") or []
    operation, given = str(call["operation"]), _parameters(call)
    back = _parameters(undo[0]) if undo else {}
    if operation in LASTING:
        return [Deed("", Thing("lasting", owner=operation, name=_lasting_name(operation, given, record)))]
    title = next((title for title in _HOLDER if title in operation), "")
    entity, owner = _HOLDER.get(title, ""), str(given[f"{title}Name"]) if title else ""
    match operation.replace(title, "{}") if title else operation:
        case "Create{}":
            return [Deed("", Thing(entity, entity, owner), None, given)]
        case "Put{}Policy" | "Delete{}Policy":
            thing = Thing("policy", entity, owner, str(given["PolicyName"]))
            return [Deed("", thing, _document(back), _document(given))]
        case "Attach{}Policy" | "Detach{}Policy":
            attaches = operation.startswith("Attach")
            thing = Thing("attachment", entity, owner, str(given["PolicyArn"]))
            return [Deed("", thing, None if attaches else True, True if attaches else None)]
        case "Put{}PermissionsBoundary":
            thing = Thing("boundary", entity, owner)
            return [Deed("", thing, back.get("PermissionsBoundary"), given["PermissionsBoundary"])]
        case "Tag{}":
            return [_tags(Thing("tags", entity, owner), given, undo)]
        case "UpdateAssume{}Policy":
            return [Deed("", Thing("trust", entity, owner), _document(back), _document(given))]
        case "CreatePolicy":
            return [Deed("", Thing("managed", name=str(back["PolicyArn"])), None, _document(given))]
        case "CreatePolicyVersion":
            thing, facts = Thing("managed", name=str(given["PolicyArn"])), {"version": back.get("VersionId", "")}
            return [Deed("", thing, record.get("before") or {}, _document(given), facts=facts)]
        case "UpdateAccessKey":
            thing = Thing("key-status", "user", str(given["UserName"]), str(given["AccessKeyId"]))
            return [Deed("", thing, back.get("Status"), given["Status"])] if back else []
        case "SetEnvVariables":
            variables, before = dict(given["variables"]), dict(back.get("variables", {}))
            facts = {"made": record.get("action") == "create"}
            return [Deed("", Thing("variables", name=str(given["path"])), before, variables, facts=facts)]
    return []


def _lasting_name(operation: str, given: Mapping[str, Any], record: Mapping[str, Any]) -> str:
    names_of = {
        "AddToGitignore": ".gitignore",
        "CreateServiceLinkedRole": names.QUOTA_ROLE,
        "RequestServiceQuotaIncrease": record["call"].get("region", ""),
        "DeletePolicyVersion": given.get("VersionId"),
        "DeleteAccessKey": given.get("AccessKeyId"),
    }
    return str(names_of.get(operation) or record["resource"])


def _parameters(call: Any) -> dict[str, Any]:
    return dict(call.get("parameters") or {})


def _document(given: Mapping[str, Any]) -> Any:
    """The policy document of a call; None for one that takes a policy away."""
    text = given.get("PolicyDocument")
    return None if text is None else documents.parse(str(text))


def _tags(thing: Thing, given: Mapping[str, Any], undo: Sequence[Any]) -> Deed:
    after = {str(tag["Key"]): str(tag["Value"]) for tag in given["Tags"]}
    before: dict[str, str | None] = dict.fromkeys(after)
    for call in undo:
        before.update({str(tag["Key"]): str(tag["Value"]) for tag in _parameters(call).get("Tags", [])})
    return Deed("", thing, before, after)


# Several runs together


def merged(deeds: Iterable[Deed]) -> list[Deed]:
    """Put deeds on the same thing together: as it was before the first, as the last left it; newest first."""
    found: dict[Thing, Deed] = {}
    for deed in deeds:
        first = found.get(deed.thing)
        if first is None or deed.thing.kind == "attempt":
            found[deed.thing if first is None else replace(deed.thing, name=str(len(found)))] = deed
        elif deed.thing.kind in {"variables", "tags"}:
            before, after = {**deed.before, **first.before}, {**first.after, **deed.after}
            found[deed.thing] = replace(first, before=before, after=after)
        else:
            between = (*first.between, first.after, deed.before)
            found[deed.thing] = replace(first, run=deed.run, after=deed.after, between=between)
    return list(reversed(found.values()))


def together(runs: Sequence[PastRun], wanted: str) -> tuple[PastRun, ...]:
    """Return the runs that are taken back with one: itself, the cut-off ones that it finished, and the changes of its key.

    `wanted` is a run's name, "" for the newest that is left, or "everything". Oldest first; none if nothing is left.
    Raises UsageProblem for a run that is not there, or that itself takes one back.
    """
    left = [run for run in runs if _is_left(run)]
    if wanted == EVERYTHING:
        return tuple(left)
    heads = _heads(left)
    if not wanted:
        return _with_it(left, heads[-1]) if heads else ()
    named = next((run for run in runs if run.run == wanted), None)
    allowed = f"Allowed: {listing([run.run for run in reversed(heads)], 'or')}." if heads else "None is left."
    if named is None:
        raise UsageProblem(f"undo.run: there is no run {quoted(wanted)} in this account. {allowed}")
    if named.purpose == "undo":
        raise UsageProblem(
            f"undo.run: {wanted} took something back itself. {allowed}", "To have it again, set it up again."
        )
    return _with_it([*left, *([] if named in left else [named])], named)


def to_choose(runs: Sequence[PastRun]) -> tuple[RunToUndo, ...]:
    """Return the runs that can be taken back one by one, newest first."""
    left = [run for run in runs if _is_left(run)]
    return tuple(
        RunToUndo(
            run.run,
            f"{run.began[:16].replace('T', ' ')} UTC",
            what_was_done(deed for one in _with_it(left, run) for deed in deeds_of(one)),
            not run.ended and not run.settled,
        )
        for run in reversed(_heads(left))
    )


def run_choices(runs: Sequence[RunToUndo]) -> list[Choice]:
    """Return the choices of what to take back, for every front end."""
    every = Choice(
        EVERYTHING,
        "Everything of Remotion",
        "All runs, and what else the wizard has made: user, keys, role, policies, left-over logs. Never buckets or videos.",
    )
    return [*(Choice(run.run, one_line(run.run, 40), one_line(run.sentence, 400)) for run in runs), every]


def what_was_done(deeds: Iterable[Deed]) -> str:
    """Say what runs did, in a few words."""
    found = merged(deeds)
    made = [f"the {d.thing.kind} {d.thing.owner}" for d in reversed(found) if d.thing.kind in OWNERS]
    policies = sum(d.thing.kind in {"policy", "managed"} and d.before is None and d.after is not None for d in found)
    keys = sum(d.thing.kind == "key" for d in found)
    made += [count(policies, "policy", "policies")] if policies else []
    made += [count(keys, "access key")] if keys else []
    updates = {"policy", "managed", "trust", "boundary", "tags", "key-status"}
    changed = sum(d.thing.kind in updates and d.before is not None and d.after is not None for d in found)
    away = sum(d.thing.kind in {"policy", "attachment"} and d.after is None and d.before is not None for d in found)
    parts = [f"made {listing(made)}"] if made else []
    parts += [f"changed {count(changed, 'thing')}"] if changed else []
    parts += [f"took {count(away, 'policy', 'policies')} away"] if away else []
    return "; ".join(parts) or "changed small things"


def _is_left(run: PastRun) -> bool:
    if run.purpose == "undo" or run.undone:
        return False
    stays = {"lasting", "key", "attempt", "variables"} if run.purpose == "rotate" else {"lasting"}
    return any(deed.thing.kind not in stays for deed in deeds_of(run))


def _heads(left: Sequence[PastRun]) -> list[PastRun]:
    """The runs that are offered: those that another one finished go with it."""
    known = {run.run for run in left}
    return [run for run in left if run.settled_by not in known]


def _with_it(left: Sequence[PastRun], head: PastRun) -> tuple[PastRun, ...]:
    found = [run for run in left if run is head or run.settled_by == head.run]
    if head.purpose == "rotate":
        return tuple(found)
    deeds = [deed for run in found for deed in deeds_of(run)]
    users = {deed.thing.owner for deed in deeds if deed.thing.kind == "user"}
    keys = {deed.thing.name for deed in deeds if deed.thing.kind == "key"}
    for run in left:
        if run.purpose == "rotate" and (run.user in users or keys & set(run.retires)) and run not in found:
            found.append(run)
            keys |= {deed.thing.name for deed in deeds_of(run) if deed.thing.kind == "key"}
    return tuple(sorted(found, key=left.index))
