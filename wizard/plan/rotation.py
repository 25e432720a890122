"""Changing a user's access key: from the keys that there are to the ordered changes. Pure: no AWS call, no file access.

new key -> written to its place -> proven with a call -> the old one is deactivated -> later, when nobody has missed it, deleted

Source: "Update access keys" (AWS IAM User Guide): two keys a user, deactivate first, delete once nothing needs it any more.
"""

from __future__ import annotations

import math
import shlex
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Final

from wizard.account.snapshot import AccessKey, AccountSnapshot, Identity
from wizard.collect.answers import Answers
from wizard.collect.meaning import key_place
from wizard.plan.changes import Action, Call, Change, Destination, Plan
from wizard.plan.credentials import BEATS, destination_of, key_creation, key_deletion, orphan_deletion
from wizard.plan.draft import about_identity, cannot_see, kept
from wizard.problem import Problem
from wizard.remotion import names
from wizard.text import ago, count, day, listing, shortened_key

_SINCE: Final = "may be deleted from"  # the key of Change.after that says when
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class KeyLine:
    """One access key for a table: what IAM and this machine know of it, in words."""

    id: str
    status: str
    age: str
    use: str
    place: str  # where its secret lies on this machine, "" if it is not where the answers say

    @property
    def aside(self) -> str:
        """Everything but the id, on one line."""
        return ", ".join(filter(None, (self.status, self.age, self.use, f"in {self.place}" if self.place else "")))

    @property
    def sentence(self) -> str:
        return f"{self.id}: {self.aside}."


@dataclass(frozen=True)
class Keys:
    """The access keys of a user beside the answers: which lies in its place, which are in use, which may go."""

    answers: Answers
    snapshot: AccountSnapshot

    @property
    def user(self) -> str:
        """The user's name as IAM has it, whichever letters are large where it was typed."""
        user = self.snapshot.principal.value
        return user.name if user else self.snapshot.principal_name

    @cached_property
    def all(self) -> tuple[AccessKey, ...]:
        """The user's keys, without those that nobody has the secret of."""
        user = self.snapshot.principal.value
        found = (user.access_keys.value if user else None) or ()
        return tuple(key for key in found if key.id not in self.snapshot.orphan_keys)

    @property
    def now(self) -> datetime:
        return _moment(self.snapshot.read_at) or datetime.now(UTC)

    @property
    def place(self) -> str:
        """Where the key lies, for people."""
        if key_place(self.answers) == "aws-profile":
            return f"the AWS profile {self.answers.text('credentials.profile')}"
        return _file_name(self.snapshot.local.env_file)

    @property
    def held_id(self) -> str:
        """The key id that lies in the place, whoever it belongs to."""
        return self.snapshot.local.held_key(key_place(self.answers))[0]

    @property
    def held(self) -> AccessKey | None:
        """The user's key in the place."""
        return self.of(self.held_id)

    @property
    def held_works(self) -> bool:
        """Whether code can sign in with what lies in the place."""
        _, has_secret = self.snapshot.local.held_key(key_place(self.answers))
        held = self.held
        return held is not None and held.active and has_secret and not self.snapshot.local.secret_is_damaged

    @property
    def others(self) -> tuple[AccessKey, ...]:
        """The keys that can go without taking from the place what works there."""
        return tuple(key for key in self.all if not (self.held_works and key.id == self.held_id))

    def of(self, access_key_id: str) -> AccessKey | None:
        return next((key for key in self.all if key.id == access_key_id), None)

    def idle_from(self, key: AccessKey) -> datetime | None:
        """When a key will not have been used for the chosen time. None: nobody knows when it was used."""
        use = key.use.value
        since = _moment(use.when or key.created) if use is not None else None
        return since + timedelta(days=self.answers["rotate.delete_after_days"]) if since else None

    def is_idle(self, key: AccessKey) -> bool:
        """Whether a key was not used for the chosen time; one that never was, since it was made."""
        idle = self.idle_from(key)
        return idle is not None and idle <= self.now

    def use_of(self, key: AccessKey) -> str:
        """Say when a key was used last, and for what."""
        use = key.use.value
        if use is None:
            return "you may not read when it was used"
        moment = _moment(use.when)
        if moment is None:
            return "never used"
        known = [word for word in (use.service, use.region) if word not in {"", "N/A"}]
        about = f" ({listing(known, 'in')})" if known else ""
        return f"used {ago(moment, self.now)}{about}"

    def line(self, key: AccessKey) -> KeyLine:
        """Describe a key for a table."""
        made = _moment(key.created)
        return KeyLine(
            key.id,
            "active" if key.active else "inactive",
            f"made {ago(made, self.now)}" if made else "nobody knows when it was made",
            self.use_of(key),
            self.place if key.id == self.held_id else "",
        )

    def lines(self) -> list[KeyLine]:
        """Describe all keys for a table, the one in its place first."""
        return sorted(map(self.line, self.all), key=lambda line: not line.place)

    @property
    def is_full(self) -> bool:
        """Whether AWS allows no further key beside these."""
        return len(self.all) >= self.snapshot.limit("AccessKeysPerUserQuota")

    @property
    def holds_a_lost_one(self) -> bool:
        """Whether what lies in the place is a key of an earlier change that was cut off, and whose secret is not there."""
        return self.held_id in self.snapshot.orphan_keys

    @property
    def goes_on(self) -> bool:
        """Whether an earlier change was cut off after its new key had reached the place: what is left is to be done."""
        return self.snapshot.left_to_retire is not None and self.held_works

    def to_make_room(self) -> AccessKey | None:
        """Return the key that can be deleted so that AWS allows a new one: inactive, or idle. None: a person must choose."""
        chosen = self.answers.text("rotate.replace")
        if chosen:
            return next((key for key in self.others if key.id == chosen), None)
        free = [key for key in self.others if not key.active or self.is_idle(key)]
        return min(free, key=lambda key: (key.active, key.created), default=None)

    @property
    def needs_choice(self) -> bool:
        """Whether a person must say which key has to go."""
        without = replace(self, answers=self.answers.with_values({"rotate.replace": ""}, "default"))
        makes = self.answers.text("rotate.what") == "new-key" and not self.goes_on
        makes = makes and (self.held is not None or self.holds_a_lost_one)
        return makes and self.is_full and without.to_make_room() is None


@dataclass
class _Draft:
    keys: Keys
    destination: Destination
    changes: list[Change] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    retires: tuple[str, ...] = ()


def rotation_plan(answers: Answers, snapshot: AccountSnapshot) -> Plan:
    """Build the plan that changes the access key in its place, or deletes old ones. What stands in the way is a problem."""
    keys = Keys(answers, snapshot)
    destination = destination_of(answers, snapshot.local)
    draft = _Draft(keys, replace(destination, replaces=keys.held_id if keys.held or keys.holds_a_lost_one else ""))
    draft.warnings += about_identity(snapshot.identity)
    unreadable = _unreadable(keys)
    deletes_only = answers.text("rotate.what") == "delete-old"
    if unreadable:
        draft.problems.append(unreadable)
    elif deletes_only:
        _delete_old(draft)
    else:
        _change_key(draft)
    return Plan(
        identity=snapshot.identity,
        changes=tuple(draft.changes),
        warnings=tuple(draft.warnings),
        problems=tuple(draft.problems),
        principal_name=keys.user,
        destination=None if deletes_only else draft.destination,
        purpose="rotate",
        retires=draft.retires,
    )


def _unreadable(keys: Keys) -> Problem | None:
    principal = keys.snapshot.principal
    if principal.is_absent:
        return Problem(
            f"There is no user {keys.user} in this account.",
            "So it has no access key that could be changed.",
            "Name the user that your code signs in as (principal.name, or --user), or set it up: remotion-lambda-wizard",
        )
    if principal.value is None:
        return cannot_see(f"the user {keys.user}", principal)
    if principal.value.access_keys.is_unknown:
        return cannot_see(f"the access keys of {keys.user}", principal.value.access_keys)
    return None


# A new key


def _change_key(draft: _Draft) -> None:
    keys = draft.keys
    draft.changes += [orphan_deletion(keys.user, key) for key in keys.snapshot.orphan_keys]
    held = keys.held
    if held is None and not keys.holds_a_lost_one:
        draft.problems.append(_none_in_place(keys))
        return
    cut_off = keys.snapshot.left_to_retire or ()
    if held is not None and keys.goes_on:
        draft.warnings.append(
            "An earlier change was cut off after the new key was written. This finishes it; no further key is made."
        )
        draft.retires = tuple(old for old in cut_off if keys.of(old))
        draft.changes.append(kept(f"key.{keys.user}", "key", shortened_key(held.id), held.id, f"is in {keys.place}"))
    else:
        if keys.is_full and not _make_room(draft):
            return
        deleted = {change.resource for change in draft.changes}
        draft.retires = tuple(key.id for key in keys.all if key.id in {keys.held_id, *cut_off} - deleted)
        reason = "Your code signs in with it from now on. AWS must accept it before it takes the old one's place."
        draft.changes.append(key_creation(keys.user, draft.destination, reason))
    draft.changes.append(_proof(draft))
    for key in keys.all:
        if key.id in draft.retires:
            draft.changes.append(_retirement(keys, key))
    _warn(draft)


def _none_in_place(keys: Keys) -> Problem:
    local, place, user = keys.snapshot.local, keys.place, keys.user
    in_profile = key_place(keys.answers) == "aws-profile"
    elsewhere = f"another place ({'credentials.profile' if in_profile else 'credentials.path'})"
    if keys.held_id:
        title = (
            f"{place[:1].upper()}{place[1:]} holds the key {shortened_key(keys.held_id)}, which is not one of {user}."
        )
        remedy = (
            f"Name the user whose key it is (principal.name, or --user), or {elsewhere}. If it was deleted, have a "
        )
        remedy += "new one put there: remotion-lambda-wizard setup"
    elif in_profile and local.profile_exists:
        title = f"There is no access key in {place}: it signs in another way."
        remedy = f"Only an access key can be changed. Name {elsewhere}."
    else:
        title = f"There is no access key in {place}."
        remedy = f"Have one put there: remotion-lambda-wizard setup   or name {elsewhere}."
    if key_place(keys.answers) == "env-file" and local.env_profile:
        remedy = (
            f"It names the AWS profile {local.env_profile}. To change the key there: "
            f"--set credentials.write=aws-profile --set credentials.profile={local.env_profile}"
        )
    shown = [f"{key.id} ({keys.line(key).status}, {keys.use_of(key)})" for key in keys.all]
    has = f"{user} has {listing(shown)}." if shown else f"{user} has no access key."
    return Problem(title, has, remedy)


def _make_room(draft: _Draft) -> bool:
    """Plan to delete a key so that AWS allows another one; a problem where a person must choose."""
    keys = draft.keys
    victim = keys.to_make_room()
    if victim is None:
        draft.problems.append(_no_room(keys))
        return False
    limit = count(keys.snapshot.limit("AccessKeysPerUserQuota"), "key")
    why = (
        "It is inactive." if not victim.active else "You chose it." if _is_chosen(keys, victim) else "It is not in use."
    )
    draft.changes.append(
        key_deletion(
            f"key.{keys.user}.room.{victim.id}",
            keys.user,
            victim.id,
            f"{keys.line(victim).status}, {keys.use_of(victim)}: it makes room",
            f"AWS allows {limit} a user, and the new one comes before the old one goes. {why}",
        )
    )
    if not keys.is_idle(victim):
        draft.warnings.append(
            f"{victim.id} is deleted although it was not left unused for "
            f"{count(keys.answers['rotate.delete_after_days'], 'day')} ({keys.use_of(victim)}). That can't be taken back."
        )
    return True


def _is_chosen(keys: Keys, key: AccessKey) -> bool:
    return key.id == keys.answers.text("rotate.replace")


def _no_room(keys: Keys) -> Problem:
    chosen, allowed = keys.answers.text("rotate.replace"), listing([key.id for key in keys.others], "or")
    if chosen and chosen == keys.held_id:
        return Problem(
            f"rotate.replace: {chosen} is the key in {keys.place}.",
            "Without it your code could not sign in until the new one is there. It is deactivated after that.",
            f"Allowed: {allowed}.",
        )
    if chosen:
        return Problem(f"rotate.replace: {keys.user} has no access key {chosen}.", "", f"Allowed: {allowed}.")
    shown = [f"{key.id} ({keys.use_of(key)}{_in_place(keys, key)})" for key in keys.all]
    return Problem(
        f"{keys.user} has {count(len(keys.all), 'access key')}, AWS allows no more, and all of them may be in use.",
        f"{listing(shown)}.",
        f"Find out what uses the other one, then say that it may go: rotate.replace = {allowed} "
        f"(--set rotate.replace={keys.others[0].id}). It is deleted first.",
    )


def _in_place(keys: Keys, key: AccessKey) -> str:
    return f", in {keys.place}" if key.id == keys.held_id else ""


def _proof(draft: _Draft) -> Change:
    keys, destination = draft.keys, draft.destination
    return Change(
        id=f"key.{keys.user}.proof",
        action=Action.UPDATE,
        kind="key",
        name=f"in {keys.place}",
        resource=destination.env_file if destination.kind == "env-file" else destination.credentials_file,
        summary="signs in with what is written there; only then is the old one deactivated",
        reason="As long as this does not work, the old key stays active.",
        call=Call("sts", "GetCallerIdentity"),
    )


def _retirement(keys: Keys, key: AccessKey) -> Change:
    """Deactivate an old key; it can be made active again. One that is inactive already is kept as it is."""
    identifier, idle = f"key.{keys.user}.old.{key.id}", keys.idle_from(key)
    after = {"Status": "Inactive", _SINCE: _on_day(idle) if idle else ""}
    if not key.active:
        return replace(kept(identifier, "key", shortened_key(key.id), key.id, "is inactive"), after=after)
    parameters = {"UserName": keys.user, "AccessKeyId": key.id}
    return Change(
        id=identifier,
        action=Action.UPDATE,
        kind="key",
        name=shortened_key(key.id),
        resource=key.id,
        summary=f"{keys.use_of(key)}; it can be made active again",
        reason="The new key has taken its place. If something else still needs it, it can be made active again.",
        call=Call("iam", "UpdateAccessKey", {**parameters, "Status": "Inactive"}),
        undo=(Call("iam", "UpdateAccessKey", {**parameters, "Status": "Active"}),),
        before={"Status": "Active"},
        after=after,
    )


def _warn(draft: _Draft) -> None:
    keys, identity, local = draft.keys, draft.keys.snapshot.identity, draft.keys.snapshot.local
    if local.env_profile and key_place(keys.answers) == "env-file" and not keys.goes_on:
        draft.warnings.append(
            f"{keys.place}: {BEATS} Your code signs in with the profile {local.env_profile} now, and with the new key "
            "afterwards: that line stays as a comment. To change the key of the profile in its place: "
            f"--set credentials.write=aws-profile --set credentials.profile={local.env_profile}"
        )
    for key in (key for key in keys.all if key.id in draft.retires and key.active):
        draft.warnings.append(
            f"The old key {shortened_key(key.id)}: {keys.use_of(key)}. Wherever else it is kept, on a host such as Vercel or "
            "in CI, it stops working: put the new key there too."
        )
    if identity.arn.partition(":user/")[2].rpartition("/")[2] == keys.user:
        draft.warnings.append(
            f"You are signed in as {keys.user} itself. If that is with the old key, sign in with the new one afterwards."
        )
    spared = [key for key in keys.others if key.active and key.id not in draft.retires]
    spared = [key for key in spared if key.id not in {change.resource for change in draft.changes}]
    for key in spared:
        draft.warnings.append(
            f"{key.id} is another active key of {keys.user} ({keys.use_of(key)}). It is left as it is."
        )


# Old keys


def _delete_old(draft: _Draft) -> None:
    """Delete the inactive keys that were not used for the chosen time; keep the others and say until when."""
    keys = draft.keys
    draft.destination = replace(draft.destination, replaces="")
    for key in keys.all:
        identifier = f"key.{keys.user}.old.{key.id}"
        if key.active or key.id == keys.held_id:
            where = f", in {keys.place}" if key.id == keys.held_id else ""
            summary = f"is {keys.line(key).status}{where}, {keys.use_of(key)}"
            draft.changes.append(kept(identifier, "key", shortened_key(key.id), key.id, summary))
        elif keys.is_idle(key):
            reason = f"It is inactive, and was not used for {count(keys.answers['rotate.delete_after_days'], 'day')}."
            draft.changes.append(
                key_deletion(
                    identifier, keys.user, key.id, f"inactive, {keys.use_of(key)}; can't be taken back", reason
                )
            )
        else:
            idle = keys.idle_from(key)
            until = f"it may be deleted from {day(_on_day(idle))} on" if idle else "so it is left to you"
            summary = f"is inactive, {keys.use_of(key)}: {until}"
            draft.changes.append(kept(identifier, "key", shortened_key(key.id), key.id, summary))
    if keys.snapshot.left_to_retire is not None:
        draft.warnings.append(
            "An earlier change of the key was cut off. This finishes it: remotion-lambda-wizard credentials rotate"
        )


# Afterwards


@dataclass(frozen=True)
class OldKey:
    """What became of an old key: whether it is deleted, else from which day (ISO 8601) it may be; "" if nobody can tell."""

    id: str
    deleted: bool
    deletable_from: str = ""

    def to_json(self) -> dict[str, object]:
        return {
            "access_key_id": self.id,
            "status": "deleted" if self.deleted else "inactive",
            "deletable_from": self.deletable_from or None,
        }


def old_keys(plan: Plan) -> tuple[OldKey, ...]:
    """Return what became of the old keys once a plan is applied."""
    found = []
    for change in plan.changes:
        if change.kind == "key" and change.action is Action.DELETE:
            found.append(OldKey(change.resource, True))
        elif isinstance(change.after, dict) and _SINCE in change.after:
            found.append(OldKey(change.resource, False, change.after[_SINCE]))
    return tuple(found)


def afterwards(plan: Plan, today: str = "") -> list[tuple[str, str]]:
    """Return what became of the old keys and what may come next: sentences, each with its command or "".

    `today` is an ISO 8601 date.
    """
    today, identity, user = today or datetime.now(UTC).date().isoformat(), plan.identity, plan.principal_name
    where = _where(identity)
    whose = [] if user == names.USER else ["--user", user]
    rotate = shlex.join(["remotion-lambda-wizard", "credentials", "rotate", "--delete-old", *whose, *where])
    found: list[tuple[str, str]] = []
    for old in old_keys(plan):
        by_hand = shlex.join([*where, "--user-name", user, "--access-key-id", old.id])
        if old.deleted:
            found.append((f"The key {old.id} is deleted", ""))
            continue
        found.append((f"The old key {old.id} is inactive", ""))
        if not old.deletable_from:
            sentence = "You may not read when it was used. Once nobody misses it"
            found.append((sentence, f"aws iam delete-access-key {by_hand}"))
        elif old.deletable_from <= today:
            found.append(("It may be deleted now", rotate))
        else:
            found.append((f"It may be deleted from {day(old.deletable_from)} on", rotate))
        if not identity.sandbox:  # the AWS CLI would go to AWS itself
            found.append(("If something still needs it", f"aws iam update-access-key {by_hand} --status Active"))
    return found


def told_afterwards(plan: Plan, today: str = "") -> list[str]:
    """Return `afterwards` as plain lines."""
    return [f"{sentence}: {command}" if command else f"{sentence}." for sentence, command in afterwards(plan, today)]


def _where(identity: Identity) -> list[str]:
    """The options that lead a command to the same account."""
    if identity.sandbox:
        return ["--sandbox", identity.scenario]
    options = {"--profile": identity.profile, "--endpoint-url": identity.endpoint}
    return [word for option, value in options.items() if value for word in (option, value)]


def _on_day(moment: datetime) -> str:
    """The first day that begins after a moment, or with it."""
    days = math.ceil((moment - _EPOCH) / timedelta(days=1))
    return (_EPOCH + timedelta(days=days)).date().isoformat()


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _file_name(path: str) -> str:
    return path.replace("\\", "/").rpartition("/")[2]
