"""Every action and every resource of Remotion's policies is needed: without it the check fails there, and so do calls.

One account for all of it; only policies are put anew. What the account itself says is asked of its own authorisation, and of
real signed calls for a good sample.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import pytest
from botocore.exceptions import ClientError

import wizard.sandbox
from tests.engine.support import ACCOUNT, connection, given, iam, onboard
from wizard.account.connect import Aws, Keys
from wizard.check.findings import Status
from wizard.check.probes import Probe, Scene, concrete, wanted_probes
from wizard.engine import Engine, Options
from wizard.policy import documents
from wizard.policy.evaluate import Policy, PolicySet, Request, evaluate
from wizard.remotion import names
from wizard.remotion.catalogue import PolicyKind, epochs, latest_release, policy
from wizard.sandbox import principals
from wizard.secret import Secret

pytestmark = pytest.mark.thorough

KINDS: Final[tuple[PolicyKind, ...]] = ("user", "role")
OWNER: Final = {"user": names.USER, "role": names.RENDER_ROLE}
SCENE: Final = Scene(ACCOUNT, "aws", ("us-east-1",), str(latest_release()))
BUCKET: Final = names.bucket_name("us-east-1")
FUNCTION: Final = names.function_name(str(latest_release()))
ANSWERS: Final = given(credentials__write="none")
OUTDATED: Final = {"missing-statement", "outdated-policy"}
Document = dict[str, Any]


@dataclass
class Account:
    """An onboarded account whose policies are taken apart, and who Remotion's user is there."""

    engine: Engine
    key: Keys

    def put(self, kind: PolicyKind, document: Mapping[str, Any]) -> None:
        """Make the document the one policy of the user or the render role."""
        put = getattr(iam(self.engine), f"put_{kind}_policy")
        name = {"user": names.USER_POLICY, "role": names.ROLE_POLICY}[kind]
        who = {f"{kind.capitalize()}Name": OWNER[kind]}
        put(**who, PolicyName=name, PolicyDocument=json.dumps(document))

    def failed(self, kind: PolicyKind) -> dict[str, str]:
        """What the check of one of them finds to fail, with the causes."""
        user, role = (OWNER["user"], "") if kind == "user" else ("", OWNER["role"])
        subjects, _ = self.engine.subjects(user, role, ANSWERS)
        findings = self.engine.check_subjects(ANSWERS, subjects).findings
        assert not [f for f in findings if f.status is Status.UNKNOWN]
        return {f.id: f.cause for f in findings if f.status is Status.FAIL}

    def allows(self, kind: PolicyKind, action: str, resource: str) -> bool:
        """Whether the account would let the user or the render role do it."""
        arn = f"arn:aws:iam::{ACCOUNT}:{kind}/{OWNER[kind]}"
        context = {"aws:RequestedRegion": "us-east-1", "iam:PassedToService": names.LAMBDA_SERVICE}
        with self.engine_sandbox.edit():
            policies = principals.policies_for(arn, ACCOUNT)
        return evaluate(Request(action, resource, arn, ACCOUNT, context=context), policies).allowed

    @property
    def engine_sandbox(self) -> Any:
        """The sandbox behind the engine's connection."""
        prepare: Any = connection(self.engine).target.prepare
        return prepare.__self__

    def as_user(self) -> Aws:
        """A connection that signs as Remotion's user."""
        return connection(self.engine).with_keys(self.key)


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """One account for all tests of this file."""
    state, folder = tmp_path_factory.mktemp("ablation"), tmp_path_factory.mktemp("project")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REMOTION_LAMBDA_WIZARD_STATE", str(state))
        patch.setenv("HOME", str(folder))
        opened: list[wizard.sandbox.Sandbox] = []
        original = wizard.sandbox.open_sandbox

        def open_and_note(*arguments: Any, **named: Any) -> wizard.sandbox.Sandbox:
            opened.append(original(*arguments, **named))
            return opened[-1]

        patch.setattr(wizard.sandbox, "open_sandbox", open_and_note)
        engine = Engine(Options(sandbox="fresh", folder=folder))
        engine.connect()
        onboard(engine, given(render_role__attach="inline", credentials__write="none"))
        key = iam(engine).create_access_key(UserName=names.USER)["AccessKey"]
        connection(engine).client("s3").create_bucket(Bucket=BUCKET)
        yield Account(engine, Keys(key["AccessKeyId"], Secret(key["SecretAccessKey"])))
        for sandbox in opened:  # it would keep the network shut for the tests that come after
            sandbox.close()


@pytest.fixture(autouse=True)
def restored(account: Account) -> Iterator[None]:
    """Every test leaves the account as it was."""
    yield
    for kind in KINDS:
        account.put(kind, policy(kind, latest_release()))
        reset(account, kind)


def probes(kind: PolicyKind) -> list[Probe]:
    return wanted_probes(policy(kind, latest_release()), SCENE)


def identifier(kind: PolicyKind, action: str, probe_kind: str) -> str:
    """The id of the finding for an action on a kind of resource."""
    several = sum(action in probe.actions for probe in probes(kind)) > 1
    return f"{kind}.permission.{action}" + (f"@{probe_kind}" if several else "")


def without_action(kind: PolicyKind, action: str) -> Document:
    document = copy.deepcopy(policy(kind, latest_release()))
    for one in document["Statement"]:
        one["Action"] = [a for a in one["Action"] if a != action]
    document["Statement"] = [s for s in document["Statement"] if s["Action"]]
    return document


def without_resource(kind: PolicyKind, index: int, resource: str) -> Document:
    document = copy.deepcopy(policy(kind, latest_release()))
    one = document["Statement"][index]
    one["Resource"] = [r for r in documents.listed(one["Resource"]) if r != resource]
    document["Statement"] = [s for s in document["Statement"] if s["Resource"]]
    return document


def rows(kind: PolicyKind) -> list[tuple[int, str, tuple[str, ...]]]:
    """Every resource of every statement of a policy, with the statement's number and actions."""
    return [
        (index, str(resource), tuple(documents.listed(one["Action"])))
        for index, one in enumerate(policy(kind, latest_release())["Statement"])
        for resource in documents.listed(one["Resource"])
    ]


# Each action, each resource


@pytest.mark.parametrize("kind", KINDS)
def test_each_action_is_found_by_the_check_and_refused_by_the_account(account: Account, kind: PolicyKind) -> None:
    actions = sorted(documents.actions_of(policy(kind, latest_release())))
    assert len(actions) == {"user": 32, "role": 13}[kind]
    assert account.failed(kind) == {}
    for action in actions:
        places = [(p.kind, p.resources[0]) for p in probes(kind) if action in p.actions]
        assert places and all(account.allows(kind, action, on) for _, on in places), action
        account.put(kind, without_action(kind, action))
        found = account.failed(kind)
        assert found.keys() == {identifier(kind, action, sort) for sort, _ in places}, action
        assert set(found.values()) == {without_cause(kind, without_action(kind, action))}, (action, found)
        assert not any(account.allows(kind, action, on) for _, on in places), action


@pytest.mark.parametrize("kind", KINDS)
def test_each_resource_is_found_by_the_check_and_refused_by_the_account(account: Account, kind: PolicyKind) -> None:
    complete = policy(kind, latest_release())
    for index, resource, actions in rows(kind):
        less = without_resource(kind, index, resource)
        account.put(kind, less)
        expected: set[str] = set()
        for action in actions:
            sort, on = concrete(resource, action, SCENE)
            still = any(evaluate_alone(less, action, one) for one in on)
            assert all(evaluate_alone(complete, action, one) for one in on)
            assert all(account.allows(kind, action, one) is still for one in on), (resource, action)
            if not still:
                expected.add(identifier(kind, action, sort))
        found = account.failed(kind)
        assert found.keys() == expected, (kind, index, resource)
        named = {
            identifier(kind, action, concrete(resource, action, SCENE)[0]) for action in documents.actions_of(less)
        }
        for one, cause in found.items():
            lacks = "wrong-resource" if one in named else "missing-statement"
            assert cause in {lacks, without_cause(kind, less)}, (resource, one, cause)


def without_cause(kind: PolicyKind, document: Document) -> str:
    """The cause where an action is gone: the policy may be that of an older release, which did not have it yet."""
    older = (policy(kind, epoch.since) for epoch in epochs())
    outdated = any(documents.grants_all_of(document, one) for one in older)
    return "outdated-policy" if outdated else "missing-statement"


def evaluate_alone(document: Mapping[str, Any], action: str, resource: str) -> bool:
    return evaluate(Request(action, resource), PolicySet(identity=(Policy("only", document),))).allowed


# Real calls


def calls(aws: Aws) -> dict[str, Callable[[], Any]]:
    """Calls of Remotion, each with the action that it needs first; most are about things that are not there."""
    s3, functions, logs, quotas = (aws.client(s, attempts=1) for s in ("s3", "lambda", "logs", "service-quotas"))
    quota = {"ServiceCode": "lambda", "QuotaCode": "L-B99A9384"}
    ownership = {"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
    public = {"BlockPublicAcls": False}
    return {
        "s3:ListAllMyBuckets": s3.list_buckets,
        "s3:GetBucketLocation": lambda: s3.get_bucket_location(Bucket=BUCKET),
        "s3:ListBucket": lambda: s3.list_objects_v2(Bucket=BUCKET),
        "s3:PutBucketAcl": lambda: s3.put_bucket_acl(Bucket=BUCKET, ACL="private"),
        "s3:PutBucketOwnershipControls": lambda: s3.put_bucket_ownership_controls(
            Bucket=BUCKET, OwnershipControls=ownership
        ),
        "s3:PutBucketPublicAccessBlock": lambda: s3.put_public_access_block(
            Bucket=BUCKET, PublicAccessBlockConfiguration=public
        ),
        "s3:PutLifecycleConfiguration": lambda: s3.put_bucket_lifecycle_configuration(
            Bucket=BUCKET, LifecycleConfiguration={"Rules": []}
        ),
        "s3:PutObject": lambda: s3.put_object(Bucket=BUCKET, Key="sites/a/index.html", Body=b"a"),
        "s3:GetObject": lambda: s3.get_object(Bucket=BUCKET, Key="sites/a/index.html"),
        "s3:DeleteObject": lambda: s3.delete_object(Bucket=BUCKET, Key="sites/a/index.html"),
        "lambda:ListFunctions": functions.list_functions,
        "lambda:GetFunction": lambda: functions.get_function(FunctionName=FUNCTION),
        "lambda:InvokeFunction": lambda: functions.invoke(FunctionName=FUNCTION),
        "lambda:DeleteFunction": lambda: functions.delete_function(FunctionName=FUNCTION),
        "lambda:PutFunctionEventInvokeConfig": lambda: functions.put_function_event_invoke_config(
            FunctionName=FUNCTION, MaximumRetryAttempts=0
        ),
        "logs:CreateLogGroup": lambda: logs.create_log_group(logGroupName=f"/aws/lambda/{FUNCTION}"),
        "logs:PutRetentionPolicy": lambda: logs.put_retention_policy(
            logGroupName=f"/aws/lambda/{FUNCTION}", retentionInDays=14
        ),
        "servicequotas:GetServiceQuota": lambda: quotas.get_service_quota(**quota),
        "servicequotas:GetAWSDefaultServiceQuota": lambda: quotas.get_aws_default_service_quota(**quota),
        "servicequotas:ListRequestedServiceQuotaChangeHistoryByQuota": lambda: (
            quotas.list_requested_service_quota_change_history_by_quota(**quota)
        ),
        "iam:SimulatePrincipalPolicy": lambda: aws.client("iam", attempts=1).simulate_principal_policy(
            PolicySourceArn=f"arn:aws:iam::{ACCOUNT}:user/{names.USER}", ActionNames=["s3:GetObject"]
        ),
    }


def denied(call: Callable[[], Any], action: str) -> bool:
    """Make a call and say whether the account refuses this action to the caller."""
    try:
        call()
    except ClientError as error:
        told: Any = error.response
        if told["Error"]["Code"].startswith("AccessDenied"):
            assert f"perform: {action} " in told["Error"]["Message"], told["Error"]["Message"]
            return True
    return False


def test_signed_calls_agree_with_the_check(account: Account) -> None:
    made = calls(account.as_user())
    assert len(made) >= 20
    for action, call in made.items():
        assert not denied(call, action), action
        account.put("user", without_action("user", action))
        assert denied(call, action), action
        account.put("user", policy("user", latest_release()))


# Every layer


def sample(kind: PolicyKind) -> list[tuple[str, str, str]]:
    """One action of every kind of resource: the kind, the action, the ARN."""
    return [(p.kind, p.actions[-1], p.resources[0]) for p in probes(kind)]


def missing(account: Account, kind: PolicyKind, action: str) -> None:
    account.put(kind, without_action(kind, action))


def explicit_deny(account: Account, kind: PolicyKind, action: str) -> None:
    put = getattr(iam(account.engine), f"put_{kind}_policy")
    deny = {"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": action, "Resource": "*"}}
    put(**{f"{kind.capitalize()}Name": OWNER[kind]}, PolicyName="guard", PolicyDocument=json.dumps(deny))


def boundary(account: Account, kind: PolicyKind, action: str) -> None:
    _boundary(account, kind, {"Effect": "Allow", "NotAction": action, "Resource": "*"})


def denying_boundary(account: Account, kind: PolicyKind, action: str) -> None:
    allow = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    _boundary(account, kind, allow, {"Effect": "Deny", "Action": action, "Resource": "*"})


def _boundary(account: Account, kind: PolicyKind, *statements: Document) -> None:
    client = iam(account.engine)
    text = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    arn = f"arn:aws:iam::{ACCOUNT}:policy/edge"
    put = getattr(client, f"put_{kind}_permissions_boundary")
    try:
        client.create_policy(PolicyName="edge", PolicyDocument=text)
    except client.exceptions.EntityAlreadyExistsException:
        for version in client.list_policy_versions(PolicyArn=arn)["Versions"]:
            if not version["IsDefaultVersion"]:
                client.delete_policy_version(PolicyArn=arn, VersionId=version["VersionId"])
        client.create_policy_version(PolicyArn=arn, PolicyDocument=text, SetAsDefault=True)
    put(**{f"{kind.capitalize()}Name": OWNER[kind]}, PermissionsBoundary=arn)


def scp(account: Account, _kind: PolicyKind, action: str) -> None:
    deny = {"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": action, "Resource": "*"}}
    guards = [principals.FULL_AWS_ACCESS, deny]
    with account.engine_sandbox.edit():
        principals.set_service_control_policies(ACCOUNT, [[principals.FULL_AWS_ACCESS], guards])


LAYERS: Final[Mapping[str, tuple[Callable[[Account, PolicyKind, str], None], set[str]]]] = {
    "missing-statement": (missing, OUTDATED),
    "explicit-deny": (explicit_deny, {"explicit-deny"}),
    "permissions-boundary": (boundary, {"permissions-boundary"}),
    "permissions-boundary-that-denies": (denying_boundary, {"permissions-boundary"}),
    "scp": (scp, {"scp"}),
}


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("kind", KINDS)
def test_the_layer_that_refuses_is_the_cause(account: Account, kind: PolicyKind, layer: str) -> None:
    install, words = LAYERS[layer]
    kinds = {p.kind for p in probes(kind)}
    assert kinds >= {"any", "bucket", "object", "function"}
    tried = set()
    for sort, action, on in sample(kind):
        if sort in tried:
            continue
        tried.add(sort)
        assert account.allows(kind, action, on)
        install(account, kind, action)
        found = account.failed(kind)
        expected = {identifier(kind, action, p.kind) for p in probes(kind) if action in p.actions}
        assert found.keys() == expected, (layer, action)
        assert set(found.values()) <= words, (layer, action, found)
        assert not account.allows(kind, action, on)
        account.put(kind, policy(kind, latest_release()))
        reset(account, kind)
    assert tried == kinds


def reset(account: Account, kind: PolicyKind) -> None:
    """Take away what the layers but the first put there."""
    client, who = iam(account.engine), {f"{kind.capitalize()}Name": OWNER[kind]}
    if "guard" in getattr(client, f"list_{kind}_policies")(**who)["PolicyNames"]:
        getattr(client, f"delete_{kind}_policy")(**who, PolicyName="guard")
    if getattr(client, f"get_{kind}")(**who)[kind.capitalize()].get("PermissionsBoundary"):
        getattr(client, f"delete_{kind}_permissions_boundary")(**who)
    with account.engine_sandbox.edit():
        principals.set_service_control_policies(ACCOUNT, None)
