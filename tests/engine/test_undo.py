"""Undo takes back what a run made, and nothing else: the account and the files end as they were before."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.engine.support import (
    ACCOUNT,
    FRESH,
    Fault,
    Killed,
    Place,
    Sandboxed,
    account_state,
    active_keys,
    connection,
    env,
    failures,
    given,
    iam,
    onboard,
    plan_for,
)
from tests.thorough import mostly_thorough
from wizard.account import everywhere, undo_state
from wizard.account.connect import Aws
from wizard.account.snapshot import Identity
from wizard.apply.events import Finished
from wizard.apply.journal import past_runs
from wizard.cli import main
from wizard.collect.answers import Answers
from wizard.engine import Engine, Options
from wizard.plan.changes import Action, Plan
from wizard.policy.trust import service_trust
from wizard.problem import ProblemError, UsageProblem
from wizard.quotas.limits import regions_of
from wizard.remotion import names

ALL_REGIONS, FEW = "wizard.account.undo_state.regions_of", ("us-east-1", "eu-west-1")
USER_POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}]}
VARIANTS: dict[str, dict[str, Any]] = {
    "a user with an inline policy": {},
    "a managed policy and a profile": {
        "principal__attach": "managed",
        "credentials__write": "aws-profile",
        "render_role__attach": "inline",
    },
    "a path, tags and operators": {
        "principal__path": "/video/",
        "principal__tags": {"team": "video"},
        "extras__operator": ["monitor"],
        "extras__insights": True,
    },
}
SCENARIOS: dict[str, dict[str, Any]] = {
    "outdated": {"start__goal": "change"},
    "half": {"start__goal": "change", "principal__attach": "managed"},
    "boundary": {"principal__permissions_boundary": "arn:aws:iam::123456789012:policy/developer-boundary"},
}


@pytest.fixture(autouse=True)
def few_regions(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Have two regions looked at in place of all: each costs two clients. Patched again by who wants all."""
    monkeypatch.setattr(ALL_REGIONS, lambda _partition: FEW)
    return monkeypatch


def undo(run: str = "", **values: Any) -> Answers:
    return given(start__goal="undo", undo__run=run, **values)


def take_back(engine: Engine, run: str = "", **values: Any) -> Plan:
    """Plan and apply an undo, which must end well; the plan."""
    return onboard(engine, undo(run, **values))


def state(engine: Engine) -> str:
    """The account without the role of AWS's own that quota requests need, which stays."""
    found = json.loads(account_state(engine))
    found["Roles"] = [role for role in found["Roles"] if role["RoleName"] != names.QUOTA_ROLE]
    return json.dumps(found, indent=1, sort_keys=True)


def kept(plan: Plan) -> dict[str, str]:
    """What stays, and why."""
    return {f"{c.kind} {c.name}": c.reason for c in plan.changes if c.action is Action.KEEP}


def at(scenario: str, place: Place) -> Engine:
    made = Engine(Options(sandbox=scenario, folder=place.project))
    made.connect()
    return made


# Whole runs


@pytest.mark.parametrize("variant", mostly_thorough(VARIANTS, {"a managed policy and a profile"}))
def test_what_a_run_made_is_gone_and_the_rest_is_as_it_was(engine: Engine, place: Place, variant: str) -> None:
    values, before = VARIANTS[variant], state(engine)
    place.env.write_text("# mine\nOTHER=1\n")
    onboard(engine, given(**values))
    assert state(engine) != before
    plan = take_back(engine)
    assert plan.purpose == "undo" and plan.undoes == (past_runs(FRESH)[0].run,)
    assert state(engine) == before
    assert place.env.read_text() == "# mine\nOTHER=1\n"
    assert not place.credentials.exists()
    assert engine.undo_runs() == () and engine.unfinished_runs() == ()
    assert plan_for(engine, undo()).is_empty


def test_files_that_the_run_made_are_gone_too(engine: Engine, place: Place) -> None:
    onboard(engine)
    assert place.env.exists()
    take_back(engine)
    assert not place.env.exists()


def test_a_role_that_a_server_takes_and_an_output_bucket(engine: Engine, place: Place) -> None:
    trust = json.dumps(service_trust("ec2.amazonaws.com"))
    iam(engine).create_role(RoleName="server", AssumeRolePolicyDocument=trust)
    engine._aws.client("s3").create_bucket(Bucket="my-videos-of-1815")  # type: ignore[union-attr]
    before = state(engine)
    values = {"principal.kind": "role", "principal.name": "videos", "principal.service": "ec2"}
    role = Answers().with_values({**values, "principal.assumed_by": "server"}, "answers file")
    onboard(engine, role.with_values({"output_bucket.name": "my-videos-of-1815"}, "answers file"))
    assert state(engine) != before
    take_back(engine)
    assert state(engine) == before


@pytest.mark.parametrize("scenario", mostly_thorough(SCENARIOS, {"outdated"}))
def test_in_an_account_with_other_things_only_ours_goes(place: Place, scenario: str) -> None:
    engine, values = at(scenario, place), {"credentials__write": "none", **SCENARIOS[scenario]}
    before = state(engine)
    assert plan_for(engine, undo("everything")).is_empty
    for run in ("", "everything"):
        onboard(engine, given(**values))
        assert state(engine) != before
        take_back(engine, run)
        assert state(engine) == before, run


# Updates


def test_what_a_second_run_updated_becomes_what_it_was(engine: Engine) -> None:
    onboard(engine, given(principal__attach="managed"))
    trust = iam(engine).get_role(RoleName=names.RENDER_ROLE)["Role"]["AssumeRolePolicyDocument"]
    other = {**trust, "Statement": [{**trust["Statement"][0], "Principal": {"Service": "ec2.amazonaws.com"}}]}
    iam(engine).update_assume_role_policy(RoleName=names.RENDER_ROLE, PolicyDocument=json.dumps(other))
    before = state(engine)
    onboard(
        engine, given(start__goal="change", principal__attach="managed", extras__vpc=True, principal__tags={"a": "b"})
    )
    assert state(engine) != before
    plan = take_back(engine)
    assert {c.call.operation for c in plan.writing if c.call} >= {"SetDefaultPolicyVersion", "UpdateAssumeRolePolicy"}
    assert state(engine) == before
    assert len(engine.undo_runs()) == 1  # the first one is left


def test_an_old_version_that_is_gone_is_made_anew(engine: Engine) -> None:
    onboard(engine, given(principal__attach="managed"))
    before = default_of(engine)
    onboard(engine, given(start__goal="change", principal__attach="managed", extras__vpc=True))
    iam(engine).delete_policy_version(PolicyArn=arn_of(engine), VersionId="v1")
    plan = take_back(engine)
    assert "CreatePolicyVersion" in {c.call.operation for c in plan.writing if c.call}
    assert default_of(engine) == before


def arn_of(engine: Engine, name: str = names.USER_POLICY) -> str:
    return f"arn:aws:iam::{engine.connected().account}:policy/{name}"


def default_of(engine: Engine) -> Any:
    arn = arn_of(engine)
    version = iam(engine).get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    return iam(engine).get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]


def test_runs_go_one_by_one_newest_first_and_an_older_one_says_what_comes_first(engine: Engine) -> None:
    empty = state(engine)
    onboard(engine)
    first = state(engine)
    onboard(engine, given(start__goal="change", extras__vpc=True))
    newer, older = engine.undo_runs()
    assert "changed 2 things" in newer.did and "the user remotion-user" in older.did
    plan = plan_for(engine, undo(older.run))
    assert f"The later run {newer.run} changed it" in kept(plan)[f"policy {names.USER_POLICY}"]
    assert "this does not take back" in kept(plan)[f"user {names.USER}"]
    take_back(engine)
    assert state(engine) == first
    take_back(engine)
    assert state(engine) == empty


# What somebody has changed since


def attach_foreign(client: Any) -> None:
    client.attach_user_policy(UserName=names.USER, PolicyArn="arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")


def join_group(client: Any) -> None:
    client.create_group(GroupName="crew")
    client.add_user_to_group(GroupName="crew", UserName=names.USER)


def sign_in(client: Any) -> None:
    client.create_login_profile(UserName=names.USER, Password="not-a-real-Passw0rd")


def second_key(client: Any) -> None:
    client.create_access_key(UserName=names.USER)


def test_a_user_that_somebody_needs_stays(engine: Engine) -> None:
    onboard(engine)
    reasons = {
        attach_foreign: "has the policy AmazonS3ReadOnlyAccess",
        second_key: "has the access key AKIA",
        join_group: "is in the group crew",
        sign_in: "can sign in to the AWS console",
    }
    for change, why in reasons.items():
        change(iam(engine))
        assert why in kept(plan_for(engine, undo()))[f"user {names.USER}"]
    take_back(engine)
    assert iam(engine).get_user(UserName=names.USER)
    assert iam(engine).list_user_policies(UserName=names.USER)["PolicyNames"] == []


def ssh_key(client: Any) -> None:
    client.upload_ssh_public_key(UserName=names.USER, SSHPublicKeyBody="ssh-rsa AAAAB3NzaC1yc2E ada@here")


def mfa_device(client: Any) -> None:
    made = client.create_virtual_mfa_device(VirtualMFADeviceName="ada")["VirtualMFADevice"]
    codes = {"AuthenticationCode1": "123456", "AuthenticationCode2": "654321"}
    client.enable_mfa_device(UserName=names.USER, SerialNumber=made["SerialNumber"], **codes)


def test_what_a_person_signs_in_with_keeps_the_user(engine: Engine) -> None:
    onboard(engine)
    for change in (ssh_key, mfa_device):
        change(iam(engine))
    why = kept(take_back(engine))[f"user {names.USER}"]
    assert "has an MFA device" in why and "has an SSH key" in why


class Credentials:
    """An IAM that has something in one list, and does not know another call at all."""

    def __init__(self, full: str, unknown: str) -> None:
        self.full, self.unknown = full, unknown

    def list_service_specific_credentials(self, UserName: str) -> dict[str, Any]:
        return self._answer("ServiceSpecificCredentials")

    def get_login_profile(self, UserName: str) -> dict[str, Any]:
        return self._answer("LoginProfile")

    def get_paginator(self, operation: str) -> Any:
        field = {"list_mfa_devices": "MFADevices", "list_ssh_public_keys": "SSHPublicKeys"}.get(
            operation, "Certificates"
        )
        return SimpleNamespace(paginate=lambda **_: [self._answer(field)])

    def _answer(self, field: str) -> dict[str, Any]:
        if field == self.unknown:
            raise ClientError({"Error": {"Code": "NotImplemented", "Message": "no"}}, "Any")
        return {field: ["one"] if field == self.full else []}


@pytest.mark.parametrize(
    ("full", "told"),
    [
        ("MFADevices", "has an MFA device"),
        ("SSHPublicKeys", "has an SSH key"),
        ("Certificates", "has a signing certificate"),
        ("ServiceSpecificCredentials", "has credentials for another service, such as Git"),
    ],
)
def test_everything_that_iam_would_not_delete_a_user_with_is_looked_for(full: str, told: str) -> None:
    aws = SimpleNamespace(client=lambda _: Credentials(full, "LoginProfile"))
    assert undo_state._held(aws, "user", names.USER) == (told,)  # type: ignore[arg-type]


def test_a_user_that_was_deleted_by_hand_is_no_obstacle(engine: Engine, place: Place) -> None:
    before = state(engine)
    onboard(engine)
    client = iam(engine)
    client.delete_access_key(UserName=names.USER, AccessKeyId=active_keys(engine)[0])
    client.delete_user_policy(UserName=names.USER, PolicyName=names.USER_POLICY)
    client.delete_user(UserName=names.USER)
    take_back(engine)
    assert state(engine) == before and not place.env.exists() and engine.undo_runs() == ()


def test_who_is_signed_in_as_the_user_that_goes_is_refused(engine: Engine, place: Place) -> None:
    onboard(engine)
    (problem,) = plan_as(engine, f"user/{names.USER}").problems
    assert problem.title.startswith(f"You are signed in as the user {names.USER}")
    assert plan_as(engine, f"assumed-role/{names.RENDER_ROLE}/x").problems
    assert not plan_as(engine, "user/ada").problems


def plan_as(engine: Engine, who: str) -> Plan:
    """The plan of an undo for somebody else."""
    snapshot = engine.discover(undo())
    identity = replace(snapshot.identity, arn=f"arn:aws:iam::{ACCOUNT}:{who}")
    return engine.plan(undo(), replace(snapshot, identity=identity))


def test_what_has_lost_its_tag_stays(engine: Engine) -> None:
    onboard(engine)
    client = iam(engine)
    client.untag_user(UserName=names.USER, TagKeys=["created-by"])
    client.untag_role(RoleName=names.RENDER_ROLE, TagKeys=["created-by"])
    client.untag_policy(PolicyArn=arn_of(engine, names.ROLE_POLICY), TagKeys=["created-by"])
    for run in ("", "everything"):
        why = kept(plan_for(engine, undo(run)))
        for thing in (f"user {names.USER}", f"role {names.RENDER_ROLE}", f"policy {names.ROLE_POLICY}"):
            assert "does not carry the tag" in why[thing]


def test_what_was_changed_since_stays_and_is_said(engine: Engine, place: Place) -> None:
    onboard(engine, given(principal__attach="managed"))
    client = iam(engine)
    client.create_policy_version(PolicyArn=arn_of(engine), PolicyDocument=json.dumps(USER_POLICY), SetAsDefault=True)
    client.create_user(UserName="somebody")
    client.attach_user_policy(UserName="somebody", PolicyArn=arn_of(engine, names.ROLE_POLICY))
    place.env.write_text(place.env.read_text().replace(names.ACCESS_KEY_ID, "# " + names.ACCESS_KEY_ID))
    plan = take_back(engine)
    why = kept(plan)
    assert "changed it since" in why[f"policy {names.USER_POLICY}"]
    assert "attached to 1 other user" in why[f"policy {names.ROLE_POLICY}"]
    assert default_of(engine)["Statement"] == USER_POLICY["Statement"]
    assert names.SECRET_ACCESS_KEY in env(place)  # the key there is not the run's any more
    assert active_keys_of(engine) == []


def active_keys_of(engine: Engine) -> list[str]:
    users = {u["UserName"] for u in iam(engine).list_users()["Users"]}
    return active_keys(engine) if names.USER in users else []


def test_a_role_that_somebody_else_takes_stays(engine: Engine) -> None:
    onboard(engine)
    trust = iam(engine).get_role(RoleName=names.RENDER_ROLE)["Role"]["AssumeRolePolicyDocument"]
    trust["Statement"].append({**trust["Statement"][0], "Principal": {"Service": "ec2.amazonaws.com"}})
    iam(engine).update_assume_role_policy(RoleName=names.RENDER_ROLE, PolicyDocument=json.dumps(trust))
    assert "who may take it" in kept(take_back(engine))[f"role {names.RENDER_ROLE}"]


def test_a_tag_that_was_changed_since_stays(engine: Engine) -> None:
    onboard(engine)
    onboard(engine, given(start__goal="change", principal__tags={"team": "video", "stage": "prod"}))
    iam(engine).tag_user(UserName=names.USER, Tags=[{"Key": "team", "Value": "film"}])
    plan = take_back(engine)
    assert "Somebody has changed since: team" in kept(plan)[f"tags {names.USER}"]
    tags = {t["Key"]: t["Value"] for t in iam(engine).list_user_tags(UserName=names.USER)["Tags"]}
    assert tags["team"] == "film" and "stage" not in tags


def test_what_may_not_be_read_is_not_missing(sandbox: Sandboxed) -> None:
    onboard(sandbox.engine)
    sandbox.wire.fault, sandbox.wire.forever = Fault("GetUser", 1, "denied"), True
    plan = plan_for(sandbox.engine, undo())
    assert "may not read the user" in kept(plan)[f"user {names.USER}"]
    assert not any(c.kind in {"user", "key", "file"} for c in plan.writing)


# The .env file and profiles


def test_what_was_set_aside_comes_back(engine: Engine, place: Place) -> None:
    text = "A=1\nREMOTION_AWS_ACCESS_KEY_ID=AKIAOTHER\nREMOTION_AWS_SECRET_ACCESS_KEY=other\nREMOTION_AWS_PROFILE=acme\nB=2\n"
    place.env.write_text(text)
    onboard(engine)
    assert env(place)[names.ACCESS_KEY_ID] != "AKIAOTHER" and names.PROFILE not in env(place)
    take_back(engine)
    assert place.env.read_text() == text


def test_a_file_behind_a_link_goes_and_the_link_stays(engine: Engine, place: Place) -> None:
    target = place.project / "secrets"
    place.env.symlink_to(target.name)
    onboard(engine)
    assert target.exists()
    take_back(engine)
    assert place.env.is_symlink() and not target.exists()


def test_a_profile_name_that_was_replaced_comes_back(engine: Engine, place: Place) -> None:
    place.env.write_text("REMOTION_AWS_PROFILE=acme\n")
    place.aws_file("credentials", "[acme]\naws_access_key_id = AKIA\naws_secret_access_key = x\n")
    before = place.credentials.read_text()
    onboard(engine, given(credentials__write="aws-profile"))
    assert env(place)[names.PROFILE] == "remotion"
    take_back(engine)
    assert place.env.read_text() == "REMOTION_AWS_PROFILE=acme\n"
    assert place.credentials.read_text() == before


def test_a_key_that_is_in_the_file_now_and_is_another_one_stays(engine: Engine, place: Place) -> None:
    onboard(engine)
    place.env.write_text("REMOTION_AWS_ACCESS_KEY_ID=AKIAOTHER\nREMOTION_AWS_SECRET_ACCESS_KEY=other\n")
    take_back(engine)
    assert env(place)[names.ACCESS_KEY_ID] == "AKIAOTHER"


def test_a_file_that_can_not_be_read_stays(engine: Engine, place: Place) -> None:
    onboard(engine, given(credentials__write="aws-profile"))
    place.env.write_bytes(b"REMOTION_AWS_PROFILE=remotion\n\xff")
    assert "can't be read" in kept(take_back(engine))["file .env"]
    assert place.env.read_bytes().endswith(b"\xff") and not place.credentials.exists()


# Interruptions


def run_until(engine: Engine, plan: Plan) -> bool:
    """Apply a plan, and say whether it ended; a process that is killed counts as not."""
    try:
        return bool(list(engine.apply(plan))[-1].ok)  # type: ignore[union-attr]
    except Killed:
        return False


WRITES = ["CreateRole", "CreatePolicy", "AttachRolePolicy", "CreateUser", "PutUserPolicy", "CreateAccessKey"]


@pytest.mark.parametrize("kind", mostly_thorough(["killed-before", "killed-after", "time-out-after"], {"killed-after"}))
@pytest.mark.parametrize("calls", mostly_thorough([WRITES, WRITES[4:]], [WRITES[4:]]), ids=len)
def test_a_run_that_was_cut_off_can_be_taken_back(sandbox: Sandboxed, calls: list[str], kind: str) -> None:
    before = state(sandbox.engine)
    for operation in calls:
        plan = plan_for(sandbox.engine)
        sandbox.wire.fault = Fault(operation, 1, kind)
        ended = run_until(sandbox.engine, plan)
        sandbox.wire.mend()
        assert [run.cut_off for run in sandbox.engine.undo_runs()] in ([not ended], [])
        take_back(sandbox.engine)
        assert state(sandbox.engine) == before, operation
        assert not sandbox.place.env.exists() and sandbox.engine.unfinished_runs() == ()


@pytest.mark.parametrize("calls", mostly_thorough([slice(None), slice(1, 4)], [slice(1, 4)]))
def test_an_undo_that_was_cut_off_goes_on_where_it_stopped(sandbox: Sandboxed, calls: slice) -> None:
    engine, values = sandbox.engine, given(principal__attach="managed", credentials__write="aws-profile")
    empty = state(engine)
    onboard(engine, values)
    wanted = [c.call.operation for c in plan_for(engine, undo()).writing if c.call and c.call.service != "local"]
    take_back(engine)
    for operation in list(dict.fromkeys(wanted))[calls]:
        for kind in ("killed-after", "denied") if calls.start is None else ("killed-after",):
            onboard(engine, values)
            plan = plan_for(engine, undo())
            sandbox.wire.fault = Fault(operation, 1, kind)
            assert not run_until(engine, plan)
            sandbox.wire.mend()
            assert [run.cut_off for run in engine.undo_runs()] == [False]  # the set-up, not the undo
            take_back(engine)
            assert state(engine) == empty and not sandbox.place.env.exists(), operation
            assert engine.undo_runs() == () and engine.unfinished_runs() == ()


def test_a_cut_off_restore_leaves_no_version_behind(sandbox: Sandboxed) -> None:
    engine = sandbox.engine
    onboard(engine, given(principal__attach="managed"))
    before = state(engine)
    onboard(engine, given(start__goal="change", principal__attach="managed", extras__vpc=True))
    sandbox.wire.fault = Fault("SetDefaultPolicyVersion", 1, "killed-after")
    assert not run_until(engine, plan_for(engine, undo()))
    sandbox.wire.mend()
    take_back(engine)
    assert state(engine) == before


def test_a_run_that_finished_a_cut_off_one_takes_it_along(sandbox: Sandboxed) -> None:
    engine = sandbox.engine
    before = state(engine)
    sandbox.wire.fault = Fault("CreateUser", 1, "killed-after")
    assert not run_until(engine, plan_for(engine))
    sandbox.wire.mend()
    onboard(engine)
    (run,) = engine.undo_runs()
    assert run.run.endswith("-2") and "the role remotion-lambda-role" in run.did
    assert len(take_back(engine).undoes) == 2
    assert state(engine) == before


# Changes of the key


def test_the_key_of_a_later_change_goes_with_the_run_that_made_the_user(engine: Engine, place: Place) -> None:
    before = state(engine)
    onboard(engine)
    first = active_keys(engine)
    onboard(engine, given(start__goal="rotate"))
    assert active_keys(engine) != first
    rotation, set_up = engine.undo_runs()
    plan = plan_for(engine, undo(rotation.run))
    assert [(c.call.operation, c.call.parameters["Status"]) for c in plan.writing if c.call] == [
        ("UpdateAccessKey", "Active")
    ]
    plan = take_back(engine, set_up.run)
    assert plan.undoes == (set_up.run, rotation.run)
    assert state(engine) == before and not place.env.exists() and engine.undo_runs() == ()


# Which runs


def test_a_run_that_is_not_there_is_refused_with_those_that_are(engine: Engine) -> None:
    onboard(engine)
    (run,) = engine.undo_runs()
    with pytest.raises(UsageProblem) as refused:
        plan_for(engine, undo("2001-01-01-1"))
    assert run.run in refused.value.problem.title
    take_back(engine)
    with pytest.raises(UsageProblem) as refused:
        plan_for(engine, undo(past_runs(FRESH)[-1].run))
    assert "took something back itself" in refused.value.problem.title


def test_each_place_has_journals_of_its_own(engine: Engine, place: Place) -> None:
    onboard(engine)
    other = at("crowded", place)
    assert other.undo_runs() == () and len(engine.undo_runs()) == 1
    assert main(["sandbox", "reset", "--scenario", "fresh"]) == 0
    assert past_runs(FRESH) == []


def test_a_damaged_journal_takes_nothing_back_that_it_does_not_name(engine: Engine, place: Place) -> None:
    onboard(engine)
    (journal,) = place.journals()
    lines = journal.read_text().splitlines()
    damaged = [line.replace('"UserName"', '"Nobody"') if '"CreateUser"' in line else line for line in lines]
    journal.write_text("\n".join(damaged) + "\n")
    plan = plan_for(engine, undo())
    assert not any(c.action is Action.DELETE and c.kind == "user" for c in plan.changes)


@pytest.mark.parametrize("damage", ["zeros", "no beginning", "a folder", "a line"])
def test_a_journal_that_cannot_be_read_is_told(damage: str, engine: Engine, place: Place) -> None:
    onboard(engine)
    onboard(engine, given(start__goal="change", extras__vpc=True))
    _, newer = place.journals()
    lines = newer.read_text().splitlines(keepends=True)
    newer.unlink()
    if damage == "a folder":
        newer.mkdir()
    else:
        damaged = {"zeros": "\0" * 80 + "\n", "no beginning": "".join(lines[1:]), "a line": "".join([*lines, "\0\n"])}
        newer.write_text(damaged[damage])
    told = " ".join(plan_for(engine, undo()).warnings)
    assert "The journal of what the wizard did here can't be read" in told and str(newer) in told
    with pytest.raises(ProblemError, match="can't be read"):
        plan_for(engine, undo(newer.stem))
    assert not plan_for(engine, undo("everything")).problems


def test_where_only_a_damaged_journal_is_left_it_is_not_said_that_there_is_nothing(
    engine: Engine, place: Place
) -> None:
    onboard(engine)
    (journal,) = place.journals()
    journal.write_bytes(journal.read_bytes()[100:])
    (problem,) = plan_for(engine, undo()).problems
    assert "can't be read" in problem.title and "undo --everything" in problem.remedy


def test_a_run_that_was_cut_off_in_its_first_line_did_nothing(engine: Engine, place: Place) -> None:
    onboard(engine)
    (journal,) = place.journals()
    journal.with_name("2030-01-01-1.jsonl").write_text('{"type": "beg')
    assert "can't be read" not in " ".join(plan_for(engine, undo()).warnings)


# Everything


def test_everything_takes_all_runs_and_what_carries_the_tag(engine: Engine, place: Place) -> None:
    before = state(engine)
    onboard(engine)
    onboard(engine, given(start__goal="change", extras__vpc=True))
    for journal in place.journals()[:1]:
        journal.unlink()  # of another machine, say
    logs = engine._aws.client("logs")  # type: ignore[union-attr]
    ours, foreign = "/aws/lambda/remotion-render-4-0-1-mem2048mb-disk2048mb-120sec", "/aws/lambda/other"
    for name in (ours, foreign):
        logs.create_log_group(logGroupName=name)
    engine._aws.client("s3").create_bucket(Bucket="remotionlambda-useast1-abcdefghij")  # type: ignore[union-attr]
    plan = take_back(engine, "everything")
    assert state(engine) == before
    assert [g["logGroupName"] for g in logs.describe_log_groups()["logGroups"]] == [foreign]
    assert any("remotionlambda-useast1-abcdefghij" in warning for warning in plan.warnings)
    assert engine._aws.client("s3").list_buckets()["Buckets"]  # type: ignore[union-attr]


@pytest.mark.thorough
def test_in_a_crowded_account_everything_touches_nothing_foreign(place: Place) -> None:
    engine = at("crowded", place)
    before = state(engine)
    onboard(engine, given(principal__attach="managed", credentials__write="none"))
    take_back(engine, "everything")
    assert state(engine) == before


def test_logs_of_a_function_that_is_there_stay(engine: Engine, tmp_path: Path) -> None:
    onboard(engine)
    name = deploy(engine, names.function_name("4.0.527"), "us-east-1")
    connection(engine).client("logs", "us-east-1").create_log_group(logGroupName=f"/aws/lambda/{name}")
    plan = plan_for(engine, undo("everything"))
    assert kept(plan)[f"logs /aws/lambda/{name}"] == "Its function is still there."
    assert any("functions rmall" in warning for warning in plan.warnings)
    assert any("functions rmall" in warning for warning in plan_for(engine, undo()).warnings)


# What uses the role, in every region


def deploy(engine: Engine, name: str, region: str, role: str = names.RENDER_ROLE) -> str:
    """Make a function that runs with a role; its name."""
    code = {"ZipFile": b"PK\x05\x06" + bytes(18)}
    connection(engine).client("lambda", region).create_function(
        FunctionName=name,
        Role=f"arn:aws:iam::{ACCOUNT}:role/{role}",
        Code=code,
        Runtime="nodejs20.x",
        Handler="x.y",
    )
    return name


def test_functions_that_use_the_role_are_found_in_every_region(engine: Engine, few_regions: pytest.MonkeyPatch) -> None:
    few_regions.setattr(ALL_REGIONS, regions_of)
    onboard(engine)
    trust = json.dumps(service_trust("lambda.amazonaws.com"))
    iam(engine).create_role(RoleName="other", AssumeRolePolicyDocument=trust)
    rendering = deploy(engine, names.function_name("4.0.527"), "ap-southeast-2")
    deploy(engine, "thumbnails", "eu-west-1")
    deploy(engine, "billing", "eu-west-1", "other")
    heard: list[str] = []
    answers = undo()
    plan = engine.plan(answers, engine.discover(answers, heard.append))
    (ours,) = [w for w in plan.warnings if rendering in w]
    (others,) = [w for w in plan.warnings if "thumbnails" in w]
    assert "ap-southeast-2 can't render without the role" in ours and "--region=ap-southeast-2" in ours
    assert "1 other function in eu-west-1" in others and "rmall" not in others
    assert not any("billing" in w or "could not be looked at" in w for w in plan.warnings)
    assert len(heard) == len(regions_of("aws")) and "23 of 23 regions" in heard[-1]


def test_a_region_that_nobody_can_look_into_is_told_once(place: Place, few_regions: pytest.MonkeyPatch) -> None:
    few_regions.setattr(ALL_REGIONS, regions_of)
    engine = at("regions-off", place)
    onboard(engine, given(credentials__write="none"))
    (warning,) = [w for w in plan_for(engine, undo()).warnings if "looked at" in w]
    assert "8 regions could not be looked at, so functions that use the role may be there" in warning
    assert "not enabled: eu-central-2, eu-south-1, af-south-1, ap-east-1, ap-southeast-4 and 1 more" in warning
    assert "no access: eu-west-3 and sa-east-1" in warning
    (warning,) = [w for w in plan_for(engine, undo("everything")).warnings if "looked at" in w]
    assert "functions that use the role and logs of render functions may be there" in warning


def test_a_role_that_stays_but_loses_its_policy_is_no_less_of_a_warning(engine: Engine) -> None:
    trust = json.dumps(service_trust("lambda.amazonaws.com"))
    iam(engine).create_role(RoleName=names.RENDER_ROLE, AssumeRolePolicyDocument=trust)
    onboard(engine)
    name = deploy(engine, names.function_name("4.0.527"), "eu-west-1")
    plan = plan_for(engine, undo())
    (warning,) = [w for w in plan.warnings if name in w]
    assert "can't render without what is taken from the role remotion-lambda-role" in warning
    assert not any(c.kind == "role" and c.action is Action.DELETE for c in plan.changes)


def test_a_region_that_does_not_answer_holds_nothing_up(engine: Engine, few_regions: pytest.MonkeyPatch) -> None:
    answers, hanging = Event(), FEW[1]

    def hang(_aws: Aws, region: str) -> Any:
        if region == hanging:
            answers.wait(30)
        return ()

    few_regions.setattr(everywhere, "_functions", hang)
    found = everywhere.look_everywhere(connection(engine), FEW, logs=False, time_out=0.5)
    answers.set()
    assert list(found.functions) == [FEW[0]] and found.unseen == {("functions", hanging): everywhere.NO_ANSWER}


def test_logs_are_taken_in_every_region(engine: Engine, few_regions: pytest.MonkeyPatch) -> None:
    few_regions.setattr(ALL_REGIONS, regions_of)
    onboard(engine)
    name = "/aws/lambda/remotion-render-4-0-1-mem2048mb-disk2048mb-120sec"
    regions = ("us-east-1", "sa-east-1", "eu-south-1")
    for region in regions:
        connection(engine).client("logs", region).create_log_group(logGroupName=name)
    take_back(engine, "everything")
    for region in regions:
        assert connection(engine).client("logs", region).describe_log_groups()["logGroups"] == []


# The command


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def command(*arguments: str) -> tuple[int, str, str]:
        code = main([*arguments, "--sandbox", "fresh"])
        out, err = capsys.readouterr()
        return code, out, err

    return command


def test_the_command_asks_first_and_tells_what_it_did(
    engine: Engine, run: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = state(engine)
    onboard(engine)
    made = state(engine)
    code, out, _ = run("undo", "--dry-run", "--json")
    assert code == 0 and json.loads(out)["plan"]["changes"] and state(engine) == made
    code, _, err = run("undo")
    assert code == 2 and "--yes" in err and state(engine) == made
    code, out, err = run("undo", "--yes", "--json")
    told = json.loads(out)
    assert (
        code == 0
        and told["ok"]
        and told["undone"]
        and told["made"] == len([c for c in told["plan"]["changes"] if c["call"]])
    )
    assert {thing["kind"] for thing in told["stays"]} == {"role"}
    assert state(engine) == before
    code, out, _ = run("undo", "--yes")
    assert code == 0 and "nothing to take back" in out
    assert run("undo", "2020-01-01-1", "--yes")[0] == 2
    assert run("undo", "what")[0] == 2
    assert run("undo", "2020-01-01-1", "--everything")[0] == 2


@pytest.mark.parametrize(
    ("alias", "typed", "is_meant"),
    [
        ("", "123456789012\n", True),
        ("", " 1234-5678-9012 ", True),
        ("", "y\n", False),
        ("", "", False),
        ("", "12345678901", False),
        ("acme-prod", "acme-prod\n", True),
        ("acme-prod", "Acme-prod", False),
        ("acme-prod", "123456789012", False),
        ("acme-prod", "", False),
    ],
)
def test_the_name_of_the_account_confirms(alias: str, typed: str, is_meant: bool) -> None:
    identity = Identity(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/ada", "aws", "us-east-1", "test", alias=alias)
    assert identity.is_meant_by(typed) == is_meant


def test_in_a_terminal_the_command_wants_the_name_typed(
    engine: Engine, run: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    onboard(engine, given(credentials__write="none"))
    monkeypatch.setattr("sys.stdin", Terminal("yes\n"))
    assert run("undo")[0] == 2 and names.RENDER_ROLE in state(engine)
    monkeypatch.setattr("sys.stdin", Terminal(f"{ACCOUNT}\n"))
    assert run("undo")[0] == 0 and names.RENDER_ROLE not in state(engine)


def test_the_plan_can_be_shown_as_a_script(engine: Engine, run: Callable[..., tuple[int, str, str]]) -> None:
    onboard(engine)
    code, out, _ = run("plan", "--set", "start.goal=undo", "--format", "aws-cli")
    assert code == 0 and "aws iam delete-user --user-name remotion-user" in out and "Takes back" in out


def test_a_run_that_ended_is_not_marked_by_a_failed_undo(sandbox: Sandboxed) -> None:
    onboard(sandbox.engine)
    sandbox.wire.fault = Fault("DeleteUser", 1, "denied")
    outcome = list(sandbox.engine.apply(plan_for(sandbox.engine, undo())))
    assert failures(outcome) and isinstance(outcome[-1], Finished) and not outcome[-1].ok
    sandbox.wire.mend()
    assert [run.run for run in sandbox.engine.undo_runs()] == [past_runs(FRESH)[0].run]
