"""What becomes of each kind of thing when runs are taken back: users, roles, policies, keys, files. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from wizard.account.snapshot import Fact
from wizard.account.undo_state import StandingPolicy
from wizard.plan.changes import Action, Call, Change
from wizard.plan.deeds import LASTING, Deed, Thing, deeds_of
from wizard.plan.undo_draft import NO_TAG, Undoing, is_tagged, same, unreadable
from wizard.policy import documents
from wizard.remotion import names
from wizard.text import count, listing, some

_MOST_VERSIONS: Final = 5  # "IAM and AWS STS quotas"


def _owner(undoing: Undoing, deed: Deed) -> None:
    """A user or role that was made goes, if it is still ours and nothing of somebody else's is in it."""
    thing = deed.thing
    principal = undoing.principal(deed)
    if principal is None:
        return
    if not is_tagged(principal.tags):
        undoing.stays(deed, principal.arn, NO_TAG)
        return
    expected = undoing.trusts.get(thing.owner, []) if thing.kind == "role" else []
    if expected and not any(same(principal.trust, one) for one in expected):
        undoing.stays(deed, principal.arn, "Somebody has changed since who may take it, and may need it. It stays.")
        return
    left = [
        f"{text} (of the later run {undoing.later[rest]})" if rest in undoing.later else text
        for rest, text in undoing.rest_of(principal)
        if rest is None or rest not in undoing.removed
    ]
    if left:
        why = f"It stays, since it {some(left)}, which this does not take back."
        undoing.stays(deed, principal.arn, why)
        return
    call = _call("Delete{}", thing)
    undoing.take(deed, Action.DELETE, thing.kind, principal.arn, f"the {thing.kind} itself", call)


def _policy(undoing: Undoing, deed: Deed) -> None:
    """An inline policy goes, or becomes what it was."""
    thing, principal = deed.thing, undoing.principal(deed)
    if principal is None:
        return
    held = principal.inline.get(thing.name, Fact.absent())
    if held.is_unknown:
        undoing.stays(deed, principal.arn, unreadable(f"the policy {thing.name}", held))
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


def _attachment(undoing: Undoing, deed: Deed) -> None:
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


def _managed(undoing: Undoing, deed: Deed) -> None:
    """A managed policy goes with all its versions, or its old version is made the default again."""
    fact, arn = undoing.state.policies.get(deed.thing.name, Fact()), deed.thing.name
    standing = fact.value
    if fact.is_unknown:
        undoing.stays(deed, arn, unreadable(f"the policy {arn.rpartition('/')[2]}", fact))
    elif standing is None:
        if deed.before is not None:
            undoing.stays(deed, arn, "The policy is gone since.")
    elif same(standing.policy.document, deed.before):
        _drop_left_version(undoing, deed, standing)
    elif undoing.is_to_change(deed, arn, standing.policy.document):
        if deed.before is None:
            _delete_managed(undoing, deed, standing)
        else:
            _restore_managed(undoing, deed, standing)


def _delete_managed(undoing: Undoing, deed: Deed, standing: StandingPolicy) -> None:
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


def _why_policy_stays(undoing: Undoing, deed: Deed, standing: StandingPolicy) -> str:
    """Why a policy that was made has to stay; "" if it may go."""
    policy = standing.policy
    if not is_tagged(policy.tags):
        return NO_TAG
    detached = sum(thing.kind == "attachment" and thing.name == policy.arn for thing in undoing.removed)
    if policy.attachments > detached:
        shown = count(policy.attachments - detached, "other user, role or group", "other users, roles and groups")
        return f"It is attached to {shown}. It stays."
    ours = [d for run in undoing.state.runs for d in deeds_of(run) if d.thing == deed.thing]
    known = [document for d in ours for document in (d.before, d.after) if document]
    foreign = [v for v, document in standing.versions.items() if deed.run and not any(same(document, k) for k in known)]
    return f"Somebody has given it the version {listing(foreign)}. It stays." if foreign else ""


def _restore_managed(undoing: Undoing, deed: Deed, standing: StandingPolicy) -> None:
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
    if noted in standing.versions and (not deed.before or same(standing.versions[noted], deed.before)):
        return noted
    alike = [v for v, document in standing.versions.items() if deed.before and same(document, deed.before)]
    return next((v for v in alike if v != standing.policy.default_version), "")


def _drop_left_version(undoing: Undoing, deed: Deed, standing: StandingPolicy) -> None:
    """An undo that was cut off has set the old version back, but not taken the run's own away."""
    noted = _number(str(deed.facts.get("version", "")))
    for version, document in standing.versions.items():
        if version != standing.policy.default_version and _number(version) > noted > 0 and same(document, deed.after):
            _delete_version(undoing, deed, standing.policy.name, version, f"The run {deed.run} made this version.")


def _delete_version(undoing: Undoing, deed: Deed, policy: str, version: str, why: str) -> None:
    arn = deed.thing.name
    call = Call("iam", "DeletePolicyVersion", {"PolicyArn": arn, "VersionId": version})
    identifier, summary = f"policy.{policy}.version.{version}", "not in use any more"
    undoing.changes.append(Change(identifier, Action.DELETE, "version", f"{policy} {version}", arn, summary, why, call))


def _number(version: str) -> int:
    return int(version[1:]) if version[1:].isdecimal() else 0


def _boundary(undoing: Undoing, deed: Deed) -> None:
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


def _trust(undoing: Undoing, deed: Deed) -> None:
    thing, principal = deed.thing, undoing.principal(deed)
    if principal is None or not undoing.is_to_change(deed, principal.arn, principal.trust):
        return
    call = _call("UpdateAssume{}Policy", thing, PolicyDocument=documents.pretty(deed.before))
    summary, before = "may be taken by whom it was before", dict(principal.trust or {})
    undoing.take(deed, Action.UPDATE, "role", principal.arn, summary, call, before=before, after=deed.before)


def _tags(undoing: Undoing, deed: Deed) -> None:
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


def _key(undoing: Undoing, deed: Deed) -> None:
    """An access key goes, and with it what lies of it in its place."""
    thing, principal = deed.thing, undoing.principal(deed)
    if undoing.state.principals[(thing.entity, thing.owner)].is_unknown:
        return
    keys = principal.access_keys if principal else Fact[Any].absent()
    if keys.is_unknown:
        undoing.stays(deed, thing.owner, unreadable(f"the access keys of {thing.owner}", keys))
        return
    if any(key.id == thing.name for key in keys.value or ()):
        call = Call("iam", "DeleteAccessKey", {"UserName": thing.owner, "AccessKeyId": thing.name})
        summary = f"of {thing.owner}: whatever signs in with it stops working"
        undoing.take(deed, Action.DELETE, "key", thing.name, summary, call)
    _place_of_key(undoing, deed)


def _place_of_key(undoing: Undoing, deed: Deed) -> None:
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


def _attempt(undoing: Undoing, deed: Deed) -> None:
    """A key whose answer was lost: one that appeared at that time and that nobody has stored since."""
    principal = undoing.principal(deed)
    stored = {key for run in undoing.state.runs for key in run.stored_keys()}
    for key in (principal.access_keys.value or ()) if principal else ():
        thing = Thing("key", "user", deed.thing.owner, key.id)
        if key.id not in stored and thing not in undoing.removed and deed.after.may_have_made(key.id, key.created):
            _key(undoing, replace(deed, thing=thing, after={}))


def _key_status(undoing: Undoing, deed: Deed) -> None:
    thing, principal = deed.thing, undoing.principal(deed)
    if principal is None:
        return
    status = {key.id: "Active" if key.active else "Inactive" for key in principal.access_keys.value or ()}
    now, before = status.get(thing.name), deed.before
    if undoing.is_to_change(deed, thing.name, now):
        call = _call("UpdateAccessKey", thing, AccessKeyId=thing.name, Status=before)
        summary = f"of {thing.owner}: {str(before).lower()} again"
        undoing.take(deed, Action.UPDATE, "key", thing.name, summary, call, before=now, after=before)


def _variables(undoing: Undoing, deed: Deed) -> None:
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


def _lasting(undoing: Undoing, deed: Deed) -> None:
    _, why = LASTING[deed.thing.owner]
    undoing.stays(deed, deed.thing.name, why)


HANDLERS: Final[dict[str, Callable[[Undoing, Deed], None]]] = {
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
