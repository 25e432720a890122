"""Planning the hand-over: the access key, the file or profile that it goes to, and .gitignore."""

from __future__ import annotations

from collections.abc import Mapping

from wizard.account.snapshot import LocalState
from wizard.collect.answers import Answers
from wizard.collect.meaning import key_place
from wizard.plan.changes import Action, Call, Change, Destination
from wizard.plan.draft import Draft, cannot_see, kept
from wizard.problem import Problem
from wizard.remotion import names
from wizard.text import count, listing, shortened_key

_PRIVATE = 0o600


def plan_gitignore(draft: Draft) -> None:
    local, answers = draft.snapshot.local, draft.answers
    if key_place(answers) == "none" or not local.env_file:
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


def plan_credentials(draft: Draft) -> Destination | None:
    kind, local = key_place(draft.answers), draft.snapshot.local
    if kind == "none":
        draft.warnings += [_left_alone(draft.caller, key) for key in draft.snapshot.orphan_keys]
        return None
    destination = destination_of(draft.answers, local)
    if draft.snapshot.principal.is_unknown:
        return destination
    user = draft.snapshot.principal.value
    keys_fact = user.access_keys if user else None
    if keys_fact is not None and keys_fact.is_unknown:
        draft.problems.append(cannot_see(f"the access keys of {draft.answers.text('principal.name')}", keys_fact))
        return destination
    keys = {k.id: k.active for k in (keys_fact.value or ())} if keys_fact is not None else {}
    orphans = [key for key in draft.snapshot.orphan_keys if key in keys]
    draft.changes += [orphan_deletion(draft.caller, key) for key in orphans]
    held, has_secret = local.held_key(kind)
    if draft.snapshot.left_to_retire is not None:
        draft.warnings.append(
            "Changing the access key was cut off before its end. This finishes it: remotion-lambda-wizard credentials rotate"
        )
    if held and has_secret and keys.get(held) and not local.secret_is_damaged:
        _keep_key(draft, destination, held)
    else:
        _new_key(draft, destination, held, [k for k in keys if k not in orphans], keys)
    if kind == "aws-profile":
        _plan_profile_reference(draft, destination)
    return destination


def _left_alone(user: str, key: str) -> str:
    return (
        f"{user} has the access key {key}. An earlier run was cut off while it made a key, so this may be one that nobody has "
        "the secret of. It stays, because this run is to leave keys alone. To delete it: "
        f"aws iam delete-access-key --user-name {user} --access-key-id {key}"
    )


def destination_of(answers: Answers, local: LocalState) -> Destination:
    """Return where the answers want the access key to go."""
    kind = key_place(answers)
    profile = answers.text("credentials.profile") if kind == "aws-profile" else ""
    return Destination(kind, local.env_file, profile, local.credentials_file)


def orphan_deletion(user: str, key: str) -> Change:
    """Return the change that deletes a key whose secret never reached its place."""
    return key_deletion(
        f"key.{user}.orphan.{key}",
        user,
        key,
        "its secret was lost when an earlier run was interrupted",
        "An earlier run of this wizard made it, and nobody can use it.",
    )


def key_deletion(identifier: str, user: str, key: str, summary: str, reason: str) -> Change:
    """Return a change that deletes an access key."""
    return Change(
        id=identifier,
        action=Action.DELETE,
        kind="key",
        name=shortened_key(key),
        resource=key,
        summary=summary,
        reason=reason,
        call=Call("iam", "DeleteAccessKey", {"UserName": user, "AccessKeyId": key}),
    )


def key_creation(user: str, destination: Destination, reason: str) -> Change:
    """Return the change that makes an access key and puts it into its place."""
    if destination.kind == "env-file":
        where, place = destination.env_file, _short(destination.env_file)
    else:
        where, place = destination.credentials_file, f"the AWS profile {destination.profile}"
    return Change(
        id=f"key.{user}",
        action=Action.CREATE,
        kind="key",
        name=f"for {user}",
        resource=where,
        summary=f"written to {place}, shown to nobody",
        reason=reason,
        call=Call("iam", "CreateAccessKey", {"UserName": user}),
        undo=(),  # the key's id is known only when it is made; the journal has it
        after={"written to": where} | ({"profile": destination.profile} if destination.profile else {}),
    )


def _keep_key(draft: Draft, destination: Destination, key: str) -> None:
    where = destination.env_file if destination.kind == "env-file" else f"profile {destination.profile}"
    change = kept(f"key.{draft.answers.text('principal.name')}", "key", shortened_key(key), where, "is there")
    draft.changes.append(change)
    local = draft.snapshot.local
    if destination.kind != "env-file":
        return
    aside = {names.PROFILE: BEATS} if local.env_profile else {}
    if local.env_has_token:
        aside[names.SESSION_TOKEN] = (
            "A session token belongs to temporary keys; beside this key it makes AWS refuse both."
        )
    if not aside and local.env_mode is not None and local.env_mode & 0o077:
        draft.changes.append(_private_change(local.env_file, local.env_mode))
    if aside:
        summary = f"sets {listing(list(aside))} aside"
        draft.changes.append(_env_change(draft, dict.fromkeys(aside), summary, " ".join(aside.values())))


BEATS = f"Remotion takes {names.PROFILE} before the access key in the same file."


def _new_key(draft: Draft, destination: Destination, held: str, existing: list[str], keys: Mapping[str, bool]) -> None:
    name, local = draft.caller, draft.snapshot.local
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
    elif local.secret_is_damaged:
        draft.warnings.append(
            f"The secret that is stored for {shortened_key(held)} is not the right one: AWS refuses it. "
            "A new key takes its place; delete the old one afterwards: "
            f"aws iam delete-access-key --user-name {name} --access-key-id {held}"
        )
    elif existing:
        shown = listing([shortened_key(k) for k in existing])
        draft.warnings.append(
            f"{name} has an access key already ({shown}), but not in this place. The new one is its second, and AWS "
            f"allows {limit}."
        )
    if destination.kind == "env-file":
        if held and held not in keys:
            draft.warnings.append(
                f"{_short(destination.env_file)} holds the key {shortened_key(held)}, which is not one of {name}. "
                "It stays there as a comment."
            )
        if local.env_profile:
            draft.warnings.append(f"{_short(destination.env_file)}: {BEATS} It stays there as a comment.")
    elif local.profile_exists and held not in keys:
        draft.problems.append(
            Problem(
                f"The AWS profile {destination.profile} is in use for something else.",
                f"{destination.credentials_file} has a section [{destination.profile}] that does not belong to {name}.",
                "Choose another name (credentials.profile).",
            )
        )
    reason = "Your code signs in with it. The secret is given out once, and goes straight to its place."
    draft.changes.append(key_creation(name, destination, reason))


def _plan_profile_reference(draft: Draft, destination: Destination) -> None:
    local = draft.snapshot.local
    if local.env_profile == destination.profile:
        draft.changes.append(
            kept("file.env", "file", _short(local.env_file), local.env_file, f"names the profile {destination.profile}")
        )
        return
    reason = "Remotion's CLI reads .env and takes the access key from the profile that it names."
    draft.changes.append(
        _env_change(draft, {names.PROFILE: destination.profile}, f"sets {names.PROFILE}={destination.profile}", reason)
    )


def _private_change(path: str, mode: int) -> Change:
    return Change(
        id="file.env.mode",
        action=Action.UPDATE,
        kind="file",
        name=_short(path),
        resource=path,
        summary="lets only you read it",
        reason=f"Others on this computer can read the access key in it (mode {mode:04o}).",
        call=Call("local", "SetMode", {"path": path, "mode": f"{_PRIVATE:04o}"}),
        undo=(Call("local", "SetMode", {"path": path, "mode": f"{mode:04o}"}),),
        before=f"mode {mode:04o}",
        after=f"mode {_PRIVATE:04o}",
    )


def _env_change(draft: Draft, variables: Mapping[str, str | None], summary: str, reason: str) -> Change:
    local = draft.snapshot.local
    before = {names.PROFILE: local.env_profile or None} if names.PROFILE in variables else {}  # never a token
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


def _short(path: str) -> str:
    return path.replace("\\", "/").rpartition("/")[2]
