"""The executor: makes a plan's changes one by one. The only place that writes to AWS.

For each change: journal what is intended, call, journal what came back. A write without an answer may have happened: the
state is read before anything is tried again.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from wizard.account.connect import Aws, Keys
from wizard.account.errors import code_of, is_absent, is_bad_key, is_denied, may_have_happened, message_of, problem_of
from wizard.apply.events import Done, Event, Failed, Finished, Skipped, Started, Waiting
from wizard.apply.journal import Journal, close, runs_folder
from wizard.apply.lock import account_lock
from wizard.check.simulate import simulate
from wizard.handover import aws_profile, env_file, files, git
from wizard.handover.key_place import KeyPlace
from wizard.plan.changes import Call, Change, Plan, Verification
from wizard.policy import documents
from wizard.problem import Problem, ProblemError
from wizard.quotas import requests
from wizard.quotas.limits import IncreaseRequest, request_of
from wizard.remotion import names
from wizard.secret import Secret
from wizard.text import count, listing, number, shortened_key

_ONE_ATTEMPT: Final = {"CreateRole", "CreateUser", "CreatePolicy", "CreatePolicyVersion", "CreateAccessKey"}
_THROTTLED: Final = {"Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded"}


@dataclass
class NewKey:
    """The access key that this run made. The secret stays in memory, for its place and for proving it."""

    access_key_id: str
    secret: Secret


class _Unusable(ProblemError):
    """Raised for a key in its place that can't be used: waiting, or trying again, does not mend it."""


@dataclass
class Executor:
    """Applies one plan.

    `key` is set when an access key was made and its secret reached its place; `went_back` says that it was taken out again.
    """

    aws: Aws
    plan: Plan
    state_root: Path | None = None
    key: NewKey | None = None
    went_back: bool = False
    made: int = 0
    written: list[str] = field(default_factory=list)
    requested: list[IncreaseRequest] = field(default_factory=list)
    _role_made_at: float = 0.0
    _place: KeyPlace | None = None  # that this run has written a key to

    def run(self) -> Iterator[Event]:
        """Make the changes and yield what happens. Failures are events, and so is a plan with problems.

        Closing the iterator stops after the current call.
        """
        if self.plan.problems:
            yield Failed("", self.plan.problems[0])
            yield self._finished(False, None)
            return
        journal: Journal | None = None
        try:
            with account_lock(runs_folder(self.plan.identity.place, self.state_root)):
                journal = Journal.begin(self.plan, self.state_root)
                yield from self._changes(journal)
        except ProblemError as error:  # the lock is taken, or the journal can't be written
            yield Failed("", error.problem)
            yield self._finished(False, journal)

    def _changes(self, journal: Journal) -> Iterator[Event]:
        for change in self.plan.writing:
            yield Started(change.id, f"{change.does} {change.kind} {change.name}")
            began = time.monotonic()
            try:
                note = self._make(change, journal)
            except ProblemError as error:
                if change.optional:
                    journal.write("skipped", change=change.id, problem=error.problem.to_json())
                    yield Skipped(change.id, error.problem)
                    continue
                with contextlib.suppress(ProblemError):  # what has failed is worth more than that it can't be noted
                    journal.write("error", change=change.id, problem=error.problem.to_json())
                yield Failed(change.id, error.problem)
                yield self._finished(False, journal)
                return
            journal.write("result", change=change.id, ok=True, note=note)
            self.made += 1
            yield Done(
                change.id, time.monotonic() - began, already=note == "already", note="" if note == "already" else note
            )
        yield from self._wait()
        journal.write("end", ok=True, made=self.made)
        close(self.plan, journal.run, self.state_root)
        yield self._finished(True, journal)

    def _finished(self, ok: bool, journal: Journal | None) -> Finished:
        return Finished(
            ok,
            journal.run if journal else "",
            self.made,
            self.key.access_key_id if self.key else "",
            tuple(self.written),
        )

    # One change

    def _make(self, change: Change, journal: Journal) -> str:
        call = change.call
        assert call is not None, "a change that writes has a call"
        if call.operation == "CreateAccessKey":
            return self._make_key(change, journal)
        if call.operation == "RequestServiceQuotaIncrease":
            return self._request_quota(change, call, journal)
        journal.intent(change)
        if change.proves:
            return self._prove(journal)
        if call.service == "local":
            self._write_file(call.operation, call.parameters)
            return ""
        note = self._call(call.service, call.operation, call.parameters, change)
        if call.operation == "CreateRole":
            self._role_made_at = time.monotonic()
        return note if change.verify is None else self._verified(change.verify)

    def _verified(self, verification: Verification) -> str:
        """Ask IAM's simulator whether what was just attached has its effect, as soon as IAM knows of it."""
        actions = [action for some, _ in verification.probes for action in some]
        for attempt in range(5):
            try:
                refused = [
                    verdict.action
                    for some, resources in verification.probes
                    for verdict in simulate(self.aws, verification.principal, some, resources, verification.context)
                    if not verdict.allowed
                ]
            except Exception as error:
                return f"not verified: {message_of(error)}"
            if not refused or attempt == 4 or not self.aws.target.settle_seconds:
                break
            time.sleep(2.0)
        if refused:
            return f"verified: {listing(sorted(set(refused)))} still refused, see the check"
        return f"verified: {count(len(actions), 'action')} allowed"

    def _call(self, service: str, operation: str, parameters: Mapping[str, Any], change: Change) -> str:
        """Make a call. Returns "already" when a lost answer turned out to have taken effect."""
        doing = f"{change.action} {change.kind} {change.name} ({service}:{operation})"
        attempts = 1 if operation in _ONE_ATTEMPT else 5
        region = change.call.region if change.call else ""
        method = getattr(self.aws.client(service, region, attempts=attempts), _snake(operation))
        for attempt in range(5):
            try:
                method(**parameters)
                return ""
            except Exception as error:
                last = attempt == 4
                if may_have_happened(error) and operation in _ONE_ATTEMPT:
                    self._let_show()
                if may_have_happened(error) and self._took_effect(operation, parameters):
                    return "already"
                if code_of(error) == "EntityAlreadyExists" and attempt > 0 and self._took_effect(operation, parameters):
                    return "already"
                if change.action == "delete" and is_absent(error):
                    return "already"
                if parameters.get("Status") == "Inactive" and is_absent(error):  # the key was deleted meanwhile
                    return "already"
                if operation == "CreateServiceLinkedRole" and "has been taken" in message_of(error):
                    return "already"
                if operation == "CreateServiceLinkedRole" and is_denied(error):
                    identity = self.plan.identity
                    raise ProblemError(requests.role_denied(error, identity.partition, identity.account)) from error
                again = code_of(error) in _THROTTLED or may_have_happened(error) or self._lags(error)
                if last or not again:
                    raise self._failure(error, doing) from error
                time.sleep(min(8.0, 0.5 * 2**attempt))
        raise AssertionError("unreachable")

    def _let_show(self) -> None:
        """Wait until IAM shows what a call that got no answer may have made: what is not to be seen yet would be made twice."""
        time.sleep(self.aws.target.settle_seconds)

    def _lags(self, error: Exception) -> bool:
        """Whether IAM may not yet know something that this very run made or took away a moment ago."""
        return self.made > 0 and code_of(error) in {"NoSuchEntity", "DeleteConflict"}

    def _failure(self, error: Exception, doing: str) -> ProblemError:
        if code_of(error) == "DeleteConflict":
            found = problem_of(error, doing).problem.detail
            detail = f"{found} Somebody has given it something that the wizard did not make."
            return ProblemError(
                Problem("It can't be deleted: something is left in it.", detail, "Plan again: then it stays.")
            )
        if code_of(error) == "EntityAlreadyExists":
            found = problem_of(error, doing).problem.detail
            detail = f"{found} It was made after the plan was; or a name differs only in upper and lower case."
            return ProblemError(
                Problem(
                    "The account has changed since the plan was made.",
                    detail,
                    "Plan again: the new plan takes it into account.",
                )
            )
        return problem_of(error, doing, self.aws.target.profile)

    def _took_effect(self, operation: str, parameters: Mapping[str, Any]) -> bool:
        """Read whether a create that got no answer has happened. Only what carries our tag counts as ours."""
        iam = self.aws.client("iam")
        try:
            if operation == "CreateRole":
                return _ours(iam.get_role(RoleName=parameters["RoleName"])["Role"])
            if operation == "CreateUser":
                return _ours(iam.get_user(UserName=parameters["UserName"])["User"])
            if operation == "CreatePolicy":
                identity = self.plan.identity
                arn = f"arn:{identity.partition}:iam::{identity.account}:policy/{parameters['PolicyName']}"
                return _ours(iam.get_policy(PolicyArn=arn)["Policy"])
            if operation == "CreatePolicyVersion":
                arn = parameters["PolicyArn"]
                default = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
                document = iam.get_policy_version(PolicyArn=arn, VersionId=default)["PolicyVersion"]["Document"]
                read = documents.parse(document) if isinstance(document, str) else document
                return documents.same_meaning(read, documents.parse(parameters["PolicyDocument"]))
        except Exception as error:
            if not is_absent(error):
                raise self._failure(error, f"reading back {operation}") from error
        return False

    # A higher quota: asked for once, and a lost answer is settled by the history

    def _request_quota(self, change: Change, call: Call, journal: Journal) -> str:
        """Ask for a higher limit. Another run may have done so since the plan was made: then nothing is sent."""
        region, value, identity = call.region, int(call.parameters["DesiredValue"]), self.plan.identity
        before = requests.requests_now(self.aws, region)
        standing = next((request for request in before if request.is_open), None)
        if standing is not None and standing.value == value:
            return "already"
        if standing is not None:
            problem = Problem(
                f"A request for {number(standing.value)} was made in {region} after the plan was.",
                "AWS takes one at a time for a quota.",
                f"Wait for its answer, or change the number in its case: {standing.link}",
            )
            raise ProblemError(problem)
        ids = [request.id for request in before]
        journal.intent(change, requests_before=ids)
        try:
            client = self.aws.client(call.service, region, attempts=1)
            made = request_of(region, client.request_service_quota_increase(**call.parameters)["RequestedQuota"])
            note = f"{made.status}, request {made.id[:8]}…"
        except Exception as error:
            if not may_have_happened(error):
                refusal = requests.refused(error, region, value, identity.partition, identity.account)
                doing = f"ask for a higher quota in {region} ({call.service}:{call.operation})"
                raise (ProblemError(refusal) if refusal else self._failure(error, doing)) from error
            found = requests.find_lost(self.aws, region, value, ids)
            if found is None:
                raise ProblemError(requests.not_made(region)) from error
            made, note = found, f"{found.status}, request {found.id[:8]}…: made, although no answer came"
        journal.write("quota-requested", change=change.id, region=region, request=made.id, value=value)
        self.requested.append(made)
        return note

    # The access key: made once, and its secret goes straight to its place

    def _make_key(self, change: Change, journal: Journal) -> str:
        assert change.call is not None
        assert self.plan.destination is not None, "a key is only planned with a destination"
        place = KeyPlace(self.plan.destination)
        self._require_same(place)
        user = str(change.call.parameters["UserName"])
        iam = self.aws.client("iam", attempts=1)
        for attempt in range(4):
            before = self._key_ids(user)
            journal.intent(change, keys_before=sorted(before))
            try:
                made = iam.create_access_key(UserName=user)["AccessKey"]
                break
            except Exception as error:
                doing = f"create an access key for {user} (iam:CreateAccessKey)"
                if may_have_happened(error):
                    self._let_show()
                    self._delete_keys(user, self._key_ids(user) - before, journal)
                elif code_of(error) not in _THROTTLED and not self._lags(error) and not self._still_counts(error):
                    raise self._failure(error, doing) from error
                if attempt == 3:
                    raise self._failure(error, doing) from error
                time.sleep(min(8.0, 0.5 * 2**attempt))
        key = NewKey(str(made["AccessKeyId"]), Secret(str(made["SecretAccessKey"])))
        try:
            journal.write("key-made", change=change.id, user=user, access_key_id=key.access_key_id, place=place.facts())
            if self.plan.purpose == "rotate":  # what is in the place works: nothing takes its place that does not
                self._require_accepted(self.aws.with_keys(Keys(key.access_key_id, key.secret)))
            place.store(key.access_key_id, key.secret)
        except ProblemError as error:
            raise self._go_back(error.problem, place, user, key, journal) from error
        self.key, self._place = key, place
        self.written.append(place.name)
        # The secret of the key that was replaced is gone for good: to take that back, the new one has to stay.
        undo = [] if self.plan.purpose == "rotate" else _delete_key_call(user, key)
        try:
            journal.write("key-stored", change=change.id, access_key_id=key.access_key_id, undo=undo)
        except ProblemError as error:
            problem = error.problem
            detail = f"{problem.detail} {place.name} holds the new key {shortened_key(key.access_key_id)} already, and it works."
            raise ProblemError(Problem(problem.title, detail, f"{problem.remedy} Then run the same again.")) from error
        return shortened_key(key.access_key_id)

    def _require_same(self, place: KeyPlace) -> None:
        """Raise ProblemError if the key that is to be replaced lies in its place no more."""
        replaced = place.destination.replaces
        if replaced and place.key_id() != replaced:
            raise ProblemError(
                Problem(
                    "The key in its place has changed since the plan was made.",
                    f"{place.name} does not hold {replaced} any more. Nothing was done to any key.",
                    "Plan again: the new plan takes it into account.",
                )
            )

    def _go_back(self, problem: Problem, place: KeyPlace, user: str, key: NewKey, journal: Journal) -> ProblemError:
        """Put back what lay in the place of a new key, then delete that key; the error that says so, and what is where."""
        id_, replaced = key.access_key_id, self.plan.destination.replaces if self.plan.destination else ""
        try:
            told = place.put_back(id_)
        except ProblemError as error:
            return self._stuck(problem, error.problem, place, key, journal)
        self._take_out(key, place, journal)
        if told and replaced:
            told += f" The old key {shortened_key(replaced)} was not touched."
        remedy = problem.remedy
        try:
            self._delete_key(user, id_)
        except ProblemError as error:
            told += f" The new key {id_} could not be deleted: {error.problem.title} Nobody has its secret."
            remedy = f"{remedy} The next run deletes that key first."
        else:
            _note(journal, "key-deleted", user=user, access_key_id=id_)
            told += " The new key was deleted again: nobody could use it."
        return ProblemError(Problem(problem.title, f"{problem.detail} {told.strip()}", remedy))

    def _take_out(self, key: NewKey, place: KeyPlace, journal: Journal) -> None:
        """Note that a new key is not in its place, where it was said to be there."""
        if self.key is key:
            self.key, self.went_back, self.made = None, True, self.made - 1
            self.written.remove(place.name)
            _note(journal, "key-taken-out", access_key_id=key.access_key_id)

    def _stuck(self, problem: Problem, why: Problem, place: KeyPlace, key: NewKey, journal: Journal) -> ProblemError:
        """The error where what lay in the place of a new key can't be put back: the new key stays, and so does the old one."""
        replaced = self.plan.destination.replaces if self.plan.destination else ""
        old = f"The old key {replaced} is still active. " if replaced else ""
        told = f"{problem.detail} What was in {place.name} before can't be put back: {why.title} {why.detail} "
        if place.holds(key.access_key_id, key.secret):
            told += f"It holds the new key {key.access_key_id}. {old}"
            return ProblemError(
                Problem(problem.title, told.strip(), f"{why.remedy} Then run the same again: it goes on.")
            )
        self._take_out(key, place, journal)
        told += f"It holds no key that works; the secret of the new key {key.access_key_id} is lost. {old}"
        remedy = f"{why.remedy} Then run the same again: it makes another key and deletes that one."
        if replaced:
            remedy += " If you have the old secret elsewhere, on a host or in CI, it still works: put it back by hand."
        return ProblemError(Problem(problem.title, told.strip(), remedy))

    def _still_counts(self, error: Exception) -> bool:
        """Whether IAM may still count a key that this very run deleted a moment ago."""
        return self.made > 0 and code_of(error) == "LimitExceeded"

    def _require_accepted(self, new: Aws) -> None:
        """Wait until AWS accepts a new key. Raises ProblemError if that does not come, _Unusable if AWS keeps refusing it."""
        waiting = self._wait_for_key(new, needed=3 if self.aws.target.settle_seconds else 1)
        while True:
            try:
                next(waiting)
            except StopIteration as end:
                last: Exception | None = end.value
                break
        if last is None:
            return
        found = problem_of(last, "signing in with the new key").problem
        remedy = "The old key stays active and nothing was done to it. Wait a few minutes, then run the same again."
        if is_bad_key(last):
            raise _Unusable(Problem("AWS does not accept the new key.", str(found), remedy)) from last
        raise ProblemError(Problem("AWS does not say whether it accepts the new key.", str(found), remedy)) from last

    def _prove(self, journal: Journal) -> str:
        """Sign in with what lies in the key's place: it must be the user's. What can't work there is taken out again.

        AWS operation: sts:GetCallerIdentity.
        """
        assert self.plan.destination is not None, "a proof is only planned with a destination"
        place, user = self._place or KeyPlace(self.plan.destination), self.plan.principal_name
        try:
            return self._signs_in(place, user)
        except _Unusable as error:
            if self.key is None:  # an earlier run has written it: what was there before is not known any more
                raise
            raise self._go_back(error.problem, place, user, self.key, journal) from error
        except ProblemError as error:
            detail = f"{error.problem.detail} {place.name} holds the new key, and the old one is still active."
            raise ProblemError(replace(error.problem, detail=detail.strip())) from error

    def _signs_in(self, place: KeyPlace, user: str) -> str:
        """Say as whom the key in a place signs in. Raises ProblemError, _Unusable where it can't work."""
        keys = place.held()
        if keys is None:
            remedy = "Nothing was done to the old key. Look at the file, then run the same again."
            raise _Unusable(Problem("The new key can't be read from its place.", f"{place.name}.", remedy))
        new = self.aws.with_keys(keys)
        self._require_accepted(new)
        try:
            arn = str(new.client("sts").get_caller_identity()["Arn"])
        except Exception as error:
            raise self._failure(error, f"sign in with the key in {place.name} (sts:GetCallerIdentity)") from error
        if arn.rpartition("/")[2] != user:
            detail = f"{place.name} holds a key of {arn}, not of {user}."
            remedy = "Something else has written there. Nothing was done to the old key; look at the file."
            raise _Unusable(Problem("The key in its place is somebody else's.", detail, remedy))
        return f"{shortened_key(keys.access_key_id)} signs in as {user}"

    def _key_ids(self, user: str) -> set[str]:
        try:
            pages = self.aws.client("iam").get_paginator("list_access_keys").paginate(UserName=user)
            return {str(k["AccessKeyId"]) for page in pages for k in page["AccessKeyMetadata"]}
        except Exception as error:
            if self._lags(error):
                return set()
            raise self._failure(error, f"list the access keys of {user}") from error

    def _delete_keys(self, user: str, ids: set[str], journal: Journal) -> None:
        for access_key_id in ids:
            self._delete_key(user, access_key_id)
            journal.write("key-deleted", user=user, access_key_id=access_key_id)

    def _delete_key(self, user: str, access_key_id: str) -> None:
        try:
            self.aws.client("iam").delete_access_key(UserName=user, AccessKeyId=access_key_id)
        except Exception as error:
            if not is_absent(error):
                raise self._failure(error, f"delete the unusable access key {access_key_id}") from error

    def _write_file(self, operation: str, parameters: Mapping[str, Any]) -> None:
        path = Path(str(parameters["path"]))
        if operation == "AddToGitignore":
            git.add_to_gitignore(path, str(parameters["name"]))
        elif operation == "SetEnvVariables":
            env_file.write_variables(path, parameters["variables"], set_aside=True)
        elif operation == "SetMode":
            files.set_mode(path, int(str(parameters["mode"]), 8), "The .env file")
        elif operation == "RestoreEnv":
            env_file.take_back(path, **{name: value for name, value in parameters.items() if name != "path"})
            return
        elif operation == "TakeKeyFromProfile":
            profile, key, empty = (parameters[n] for n in ("profile", "access_key_id", "remove_if_empty"))
            aws_profile.take_back(path, str(profile), str(key), remove_if_empty=bool(empty))
            return
        else:
            raise AssertionError(f"unknown local operation {operation}")
        if str(path) not in self.written:
            self.written.append(str(path))

    # Propagation

    def _wait(self) -> Iterator[Event]:
        settle_seconds = self.aws.target.settle_seconds
        if self.key is not None and not any(change.proves for change in self.plan.writing):
            new = self.aws.with_keys(Keys(self.key.access_key_id, self.key.secret))
            yield from self._wait_for_key(new, needed=3 if settle_seconds else 1)
        if self._role_made_at and settle_seconds:
            yield from self._wait_for_role(settle_seconds)

    def _wait_for_key(self, new: Aws, needed: int) -> Generator[Event, None, Exception | None]:
        """Poll sts:GetCallerIdentity with the new key: IAM copies a key to every Region, usually in 5 to 15 seconds.

        Returns the last error where it does not come.
        """
        what, usual, began = "until IAM knows the key everywhere", "usually 5-15 s", time.monotonic()
        successes = 0
        yield Waiting(what, usual, 0.0)
        while successes < needed:
            try:
                new.client("sts", attempts=1).get_caller_identity()
                successes += 1
            except Exception as error:
                successes = 0
                if time.monotonic() - began > 90:
                    problem = problem_of(error, "signing in with the new key").problem
                    yield Waiting(what, usual, time.monotonic() - began, True, problem)
                    return error
            if successes < needed:
                time.sleep(1.0)
                yield Waiting(what, usual, time.monotonic() - began)
        yield Waiting(what, usual, time.monotonic() - began, True)
        return None

    def _wait_for_role(self, seconds: float) -> Iterator[Event]:
        """Lambda answers "cannot be assumed" for a role that is only seconds old: read it back, and let it get that old."""
        what, usual, began = (
            "until Lambda can take the new role",
            f"about {seconds:.0f} s after it was made",
            time.monotonic(),
        )
        yield Waiting(what, usual, 0.0)
        while time.monotonic() - self._role_made_at < seconds:
            time.sleep(min(1.0, max(0.05, seconds - (time.monotonic() - self._role_made_at))))
            yield Waiting(what, usual, time.monotonic() - began)
        yield Waiting(what, usual, time.monotonic() - began, True)


def _ours(found: Mapping[str, Any]) -> bool:
    return names.CREATED_BY_TAG in [dict(t) for t in found.get("Tags", [])]


def _note(journal: Journal, kind: str, **facts: Any) -> None:
    """Write a record if the disk takes it: on the way back, what is still to be done matters more."""
    with contextlib.suppress(ProblemError):
        journal.write(kind, **facts)


def _delete_key_call(user: str, key: NewKey) -> list[dict[str, Any]]:
    parameters = {"UserName": user, "AccessKeyId": key.access_key_id}
    return [{"service": "iam", "operation": "DeleteAccessKey", "parameters": parameters}]


def _snake(operation: str) -> str:
    """CreateAccessKey -> create_access_key, as boto3 names its methods."""
    from botocore import xform_name

    return str(xform_name(operation))
