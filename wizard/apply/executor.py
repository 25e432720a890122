"""The executor: makes a plan's changes one by one. The only place that writes to AWS.

For each change: journal what is intended, call, journal what came back. A write without an answer may have happened: the
state is read before anything is tried again.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from wizard.account.connect import Aws, Keys
from wizard.account.discover import stored_keys
from wizard.account.errors import code_of, is_absent, is_denied, may_have_happened, message_of, problem_of
from wizard.account.snapshot import LocalState
from wizard.apply.events import Done, Event, Failed, Finished, Skipped, Started, Waiting
from wizard.apply.journal import Journal, close, runs_folder
from wizard.apply.lock import account_lock
from wizard.check.simulate import simulate
from wizard.handover import aws_profile, env_file, files, git
from wizard.plan.changes import Call, Change, Destination, Plan, Verification
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


@dataclass
class Executor:
    """Applies one plan. `key` is set when an access key was made and its secret reached its place."""

    aws: Aws
    plan: Plan
    state_root: Path | None = None
    key: NewKey | None = None
    made: int = 0
    written: list[str] = field(default_factory=list)
    requested: list[IncreaseRequest] = field(default_factory=list)
    _role_made_at: float = 0.0

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
            return self._prove()
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
        destination = self.plan.destination
        assert destination is not None, "a key is only planned with a destination"
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
                    self._delete_keys(user, self._key_ids(user) - before, journal)
                elif code_of(error) not in _THROTTLED and not self._lags(error) and not self._still_counts(error):
                    raise self._failure(error, doing) from error
                if attempt == 3:
                    raise self._failure(error, doing) from error
                time.sleep(min(8.0, 0.5 * 2**attempt))
        key = NewKey(str(made["AccessKeyId"]), Secret(str(made["SecretAccessKey"])))
        try:
            place = _place_now(destination)
            journal.write("key-made", change=change.id, user=user, access_key_id=key.access_key_id, place=place)
            if self.plan.purpose == "rotate":  # what is in the place works: nothing takes its place that does not
                self._require_accepted(self.aws.with_keys(Keys(key.access_key_id, key.secret)))
            self._store(key, destination)
        except ProblemError as error:
            self._delete_keys(user, {key.access_key_id}, journal)
            problem = error.problem
            raise ProblemError(
                Problem(
                    problem.title,
                    f"{problem.detail} The new key was deleted again: nobody could use it.",
                    problem.remedy,
                )
            ) from error
        # The secret of the key that was replaced is gone for good: to take that back, the new one has to stay.
        undo = [] if self.plan.purpose == "rotate" else _delete_key_call(user, key)
        journal.write("key-stored", change=change.id, access_key_id=key.access_key_id, undo=undo)
        self.key = key
        return shortened_key(key.access_key_id)

    def _still_counts(self, error: Exception) -> bool:
        """Whether IAM may still count a key that this very run deleted a moment ago."""
        return self.made > 0 and code_of(error) == "LimitExceeded"

    def _require_accepted(self, new: Aws) -> None:
        """Wait until AWS accepts a new key. Raises ProblemError if that does not come."""
        *_, last = self._wait_for_key(new, needed=3 if self.aws.target.settle_seconds else 1)
        if isinstance(last, Waiting) and last.problem is not None:
            title, detail = "AWS does not accept the new key.", str(last.problem)
            remedy = "The old key stays active and nothing was done to it. Wait a few minutes, then run the same again."
            raise ProblemError(Problem(title, detail, remedy))

    def _prove(self) -> str:
        """Sign in with what lies in the key's place: it must be the user's. AWS operation: sts:GetCallerIdentity."""
        destination, user = self.plan.destination, self.plan.principal_name
        assert destination is not None, "a proof is only planned with a destination"
        local = LocalState(destination.env_file, credentials_file=destination.credentials_file)
        keys, where = stored_keys(local, destination.profile)
        if keys is None:
            remedy = "Nothing was done to the old key. Look at the file, then run the same again."
            raise ProblemError(Problem("The new key can't be read from its place.", where, remedy))
        new = self.aws.with_keys(keys)
        self._require_accepted(new)
        try:
            arn = str(new.client("sts").get_caller_identity()["Arn"])
        except Exception as error:
            raise self._failure(error, f"sign in with the key in {where} (sts:GetCallerIdentity)") from error
        if arn.rpartition("/")[2] != user:
            detail = f"{where} holds a key of {arn}, not of {user}."
            remedy = "Something else has written there. Nothing was done to the old key; look at the file."
            raise ProblemError(Problem("The key in its place is somebody else's.", detail, remedy))
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
            try:
                self.aws.client("iam").delete_access_key(UserName=user, AccessKeyId=access_key_id)
            except Exception as error:
                if not is_absent(error):
                    raise self._failure(error, f"delete the unusable access key {access_key_id}") from error
            journal.write("key-deleted", user=user, access_key_id=access_key_id)

    def _store(self, key: NewKey, destination: Destination) -> None:
        """Write the secret to its place and read it back. Raises ProblemError; the old file is whole then."""
        if destination.kind == "env-file":
            path = Path(destination.env_file)
            values: dict[str, Secret | str | None] = {
                names.ACCESS_KEY_ID: key.access_key_id,
                names.SECRET_ACCESS_KEY: key.secret,
                names.SESSION_TOKEN: None,  # a token of older, temporary keys would break the new ones
                names.PROFILE: None,  # Remotion takes it before the keys
            }
            env_file.write_variables(path, values, set_aside=True, gone=_gone(path, destination.replaces))
            read = env_file.variables_of(path)
            arrived = read.get(names.ACCESS_KEY_ID) == key.access_key_id
            arrived = arrived and Secret(read.get(names.SECRET_ACCESS_KEY, "")) == key.secret
            self.written.append(str(path))
        else:
            path = Path(destination.credentials_file)
            aws_profile.write_profile(path, destination.profile, key.access_key_id, key.secret)
            section = aws_profile.read_profile(path, destination.profile) or {}
            arrived = Secret(section.get("aws_secret_access_key", "")) == key.secret
            self.written.append(f"{path} [{destination.profile}]")
        if not arrived:
            raise ProblemError(
                Problem(
                    "The secret was written but can't be read back.", str(path), "Look at the file, then try again."
                )
            )

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

    def _wait_for_key(self, new: Aws, needed: int) -> Iterator[Event]:
        """Poll sts:GetCallerIdentity with the new key: IAM copies a key to every Region, usually in 5 to 15 seconds."""
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
                    return
            if successes < needed:
                time.sleep(1.0)
                yield Waiting(what, usual, time.monotonic() - began)
        yield Waiting(what, usual, time.monotonic() - began, True)

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


def _place_now(destination: Destination) -> dict[str, Any]:
    """The place of a key before it is written there: what taking it back has to know. No value of it."""
    if destination.kind != "env-file":
        path = Path(destination.credentials_file)
        return {"file": str(path), "profile": destination.profile, "made": not path.exists()}
    path = Path(destination.env_file)
    found = env_file.variables_of(path)
    known = (names.ACCESS_KEY_ID, names.SECRET_ACCESS_KEY, names.SESSION_TOKEN, names.PROFILE)
    return {"file": str(path), "made": not path.exists(), "set_aside": [name for name in known if found.get(name)]}


def _gone(path: Path, replaced: str) -> tuple[str, ...]:
    """The values in a .env file that belong to the key that is replaced."""
    if not replaced:
        return ()
    found = env_file.variables_of(path)
    if found.get(names.ACCESS_KEY_ID) != replaced:
        return ()
    return tuple(found.get(name, "") for name in (names.ACCESS_KEY_ID, names.SECRET_ACCESS_KEY, names.SESSION_TOKEN))


def _delete_key_call(user: str, key: NewKey) -> list[dict[str, Any]]:
    parameters = {"UserName": user, "AccessKeyId": key.access_key_id}
    return [{"service": "iam", "operation": "DeleteAccessKey", "parameters": parameters}]


def _snake(operation: str) -> str:
    """CreateAccessKey -> create_access_key, as boto3 names its methods."""
    from botocore import xform_name

    return str(xform_name(operation))
