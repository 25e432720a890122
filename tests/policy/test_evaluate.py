"""The evaluator decides as the IAM User Guide says: examples rule by rule, and properties that hold for any policy."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wizard.policy.evaluate import (
    Decision,
    Layer,
    Outcome,
    Policy,
    PolicySet,
    Request,
    evaluate,
    expand_context_keys,
    matches_action,
    matches_arn,
    statements,
)

Statement = dict[str, Any]
Context = dict[str, Any]

ACCOUNT, OTHER = "111111111111", "222222222222"
USER = f"arn:aws:iam::{ACCOUNT}:user/team/ann"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/render"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/render/job-1"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
OBJECT = "arn:aws:s3:::bucket/key"
TEAM, TAGS = "aws:PrincipalTag/team", "aws:TagKeys"


def policies(*listed: Statement, version: str = "2012-10-17") -> tuple[Policy, ...]:
    return tuple(
        Policy(f"policy-{index}", {"Version": version, "Statement": statement})
        for index, statement in enumerate(listed)
    )


def allow(**elements: Any) -> Statement:
    return {"Effect": "Allow", "Action": "*", "Resource": "*"} | elements


def deny(**elements: Any) -> Statement:
    return {"Effect": "Deny", "Action": "*", "Resource": "*"} | elements


NOTHING = policies(allow(Action="iam:GetUser"))
EVERYTHING = policies(allow())


def decide(
    principal: str = USER, resource_account: str = "", context: Context | None = None, **layers: Any
) -> tuple[Outcome, Layer | None]:
    request = Request("s3:GetObject", OBJECT, principal, resource_account=resource_account, context=context or {})
    decision = evaluate(request, PolicySet(**layers))
    return decision.outcome, decision.layer


def allowed_by(
    *listed: Statement,
    version: str = "2012-10-17",
    action: str = "s3:GetObject",
    resource: str = OBJECT,
    **context: Any,
) -> bool:
    """Say whether identity statements allow a request of ann's; `context` holds its condition keys."""
    request = Request(action, resource, USER, context=context)
    return evaluate(request, PolicySet(identity=policies(*listed, version=version))).allowed


def holds(operator: str, key: str, wanted: object, *got: str | list[str]) -> bool:
    """Say whether a condition holds: for a request with `got` for the key, or without the key."""
    context: Context = {key: got[0]} if got else {}
    return allowed_by(allow(Condition={operator: {key: wanted}}), **context)


# ---- how the layers combine: "Policy evaluation logic"


def test_nothing_is_allowed_unless_a_policy_allows_it() -> None:
    assert decide() == (Outcome.IMPLICIT_DENY, Layer.IDENTITY)
    assert decide(identity=EVERYTHING) == (Outcome.ALLOWED, Layer.IDENTITY)


@pytest.mark.parametrize("layer", ["identity", "boundary", "session", "scps", "rcps", "resource"])
def test_an_explicit_deny_in_any_layer_wins(layer: str) -> None:
    everyone = {"Principal": "*"} if layer in ("rcps", "resource") else {}
    denied = policies(allow(**everyone), deny(**everyone))
    layers: dict[str, Any] = {"identity": EVERYTHING} | {layer: (denied,) if layer in ("scps", "rcps") else denied}
    outcome, decided = decide(**layers)
    assert outcome is Outcome.EXPLICIT_DENY
    assert decided is Layer("permissions-boundary" if layer == "boundary" else layer.removesuffix("s"))


@pytest.mark.parametrize(
    ("layers", "layer"),
    [
        ({"boundary": NOTHING}, Layer.BOUNDARY),
        ({"boundary": ()}, Layer.BOUNDARY),
        ({"session": NOTHING}, Layer.SESSION),
        ({"scps": (EVERYTHING, NOTHING, EVERYTHING)}, Layer.SCP),
        ({"scps": ((),)}, Layer.SCP),
        ({"rcps": (policies(allow(Principal="*", Action="iam:GetUser")),)}, Layer.RCP),
    ],
)
def test_every_layer_that_exists_must_allow(layers: dict[str, Any], layer: Layer) -> None:
    assert decide(identity=EVERYTHING, **layers) == (Outcome.IMPLICIT_DENY, layer)


def test_all_layers_together_allow_what_each_of_them_allows() -> None:
    full: dict[str, Any] = {"boundary": EVERYTHING, "session": EVERYTHING, "scps": (EVERYTHING, EVERYTHING)}
    assert decide(identity=EVERYTHING, rcps=(policies(allow(Principal="*")),), **full) == (
        Outcome.ALLOWED,
        Layer.IDENTITY,
    )


@pytest.mark.parametrize(
    ("principal", "named", "layers", "expected"),
    [
        # Within one account the resource policy is enough, if it names more than the account.
        (USER, USER, {}, (Outcome.ALLOWED, Layer.RESOURCE)),
        (USER, "*", {}, (Outcome.ALLOWED, Layer.RESOURCE)),
        (SESSION, ROLE, {}, (Outcome.ALLOWED, Layer.RESOURCE)),
        (USER, ROOT, {}, (Outcome.IMPLICIT_DENY, Layer.IDENTITY)),
        (USER, ACCOUNT, {"identity": EVERYTHING}, (Outcome.ALLOWED, Layer.IDENTITY)),
        (USER, f"arn:aws:iam::{ACCOUNT}:user/bob", {}, (Outcome.IMPLICIT_DENY, Layer.IDENTITY)),
        (USER, f"arn:aws:iam::{ACCOUNT}:user/*", {}, (Outcome.IMPLICIT_DENY, Layer.IDENTITY)),
        # Boundary and session policy cap what the role is granted, not what user or session are granted.
        (USER, USER, {"boundary": NOTHING}, (Outcome.ALLOWED, Layer.RESOURCE)),
        (USER, USER, {"identity": EVERYTHING, "boundary": NOTHING}, (Outcome.ALLOWED, Layer.RESOURCE)),
        (SESSION, SESSION, {"boundary": NOTHING, "session": NOTHING}, (Outcome.ALLOWED, Layer.RESOURCE)),
        (SESSION, ROLE, {"boundary": NOTHING}, (Outcome.IMPLICIT_DENY, Layer.BOUNDARY)),
        (SESSION, ROLE, {"session": NOTHING}, (Outcome.IMPLICIT_DENY, Layer.SESSION)),
        (SESSION, ROLE, {"boundary": EVERYTHING, "session": EVERYTHING}, (Outcome.ALLOWED, Layer.RESOURCE)),
        (USER, USER, {"scps": (NOTHING,)}, (Outcome.IMPLICIT_DENY, Layer.SCP)),
    ],
)
def test_a_resource_policy_of_the_same_account(
    principal: str, named: str, layers: dict[str, Any], expected: tuple[Outcome, Layer]
) -> None:
    assert decide(principal, resource=policies(allow(Principal={"AWS": named})), **layers) == expected


@pytest.mark.parametrize(
    ("identity", "named", "layers", "expected"),
    [
        (EVERYTHING, None, {}, (Outcome.IMPLICIT_DENY, Layer.RESOURCE)),
        ((), USER, {}, (Outcome.IMPLICIT_DENY, Layer.IDENTITY)),
        (EVERYTHING, USER, {}, (Outcome.ALLOWED, Layer.IDENTITY)),
        (EVERYTHING, ACCOUNT, {}, (Outcome.ALLOWED, Layer.IDENTITY)),
        (EVERYTHING, USER, {"boundary": NOTHING}, (Outcome.IMPLICIT_DENY, Layer.BOUNDARY)),
    ],
)
def test_another_accounts_resource_needs_both_sides(
    identity: tuple[Policy, ...], named: str | None, layers: dict[str, Any], expected: tuple[Outcome, Layer]
) -> None:
    resource = policies(allow(Principal={"AWS": named})) if named else ()
    assert decide(resource_account=OTHER, identity=identity, resource=resource, **layers) == expected


def test_who_sends_the_request_makes_exceptions() -> None:
    linked = f"arn:aws:sts::{ACCOUNT}:assumed-role/AWSServiceRoleForSupport/s"
    federated = f"arn:aws:sts::{ACCOUNT}:federated-user/ann"
    assert decide(linked, identity=EVERYTHING, scps=(policies(deny()),))[0] is Outcome.ALLOWED
    assert decide(ROOT)[0] is Outcome.ALLOWED
    assert decide(ROOT, scps=(NOTHING,)) == (Outcome.IMPLICIT_DENY, Layer.SCP)
    assert decide(federated, identity=EVERYTHING) == (Outcome.IMPLICIT_DENY, Layer.SESSION)
    assert decide(federated, identity=EVERYTHING, session=EVERYTHING)[0] is Outcome.ALLOWED


def test_get_caller_identity_cannot_be_denied() -> None:
    decision = evaluate(Request("sts:getCallerIdentity", principal=USER), PolicySet(identity=policies(deny())))
    assert decision == Decision(Outcome.ALLOWED, None)


# ---- the principal of a resource policy: "AWS JSON policy elements: Principal", "NotPrincipal"


@pytest.mark.parametrize(
    ("principal", "element", "granted"),
    [
        (USER, "*", True),
        (USER, {"AWS": "*"}, True),
        (USER, {"AWS": [OTHER, USER]}, True),
        (USER, {"AWS": []}, False),
        (USER, {"Service": USER}, False),
        (USER, "arn", False),
        (USER, ["*"], False),
        (ROLE, {"AWS": ROLE}, True),
        (SESSION, {"AWS": f"arn:aws:sts::{ACCOUNT}:assumed-role/render/job-2"}, False),
        ("lambda.amazonaws.com", {"Service": ["s3.amazonaws.com", "lambda.amazonaws.com"]}, True),
        ("lambda.amazonaws.com", {"Service": "s3.amazonaws.com"}, False),
        ("cognito-identity.amazonaws.com", {"Federated": "cognito-identity.amazonaws.com"}, True),
        ("79a59df900b949e55d96a1e698fbaced", {"CanonicalUser": "79a59df900b949e55d96a1e698fbaced"}, True),
        ("", "*", True),
        ("", {"AWS": ""}, False),
    ],
)
def test_principals_of_every_kind(principal: str, element: object, granted: bool) -> None:
    outcome, _ = decide(principal, resource=policies(allow(Principal=element)))
    assert (outcome is Outcome.ALLOWED) is granted


def test_a_role_with_a_path_is_known_by_the_principal_arn_of_the_context() -> None:
    with_path = f"arn:aws:iam::{ACCOUNT}:role/jobs/render"
    resource = policies(allow(Principal={"AWS": with_path}))
    assert decide(SESSION, resource=resource)[0] is Outcome.IMPLICIT_DENY
    assert decide(SESSION, context={"AWS:principalarn": with_path}, resource=resource)[0] is Outcome.ALLOWED
    stranger = {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/jobs/other"}
    assert decide(SESSION, context=stranger, resource=policies(allow(Principal={"AWS": [*stranger.values()]})))[0] is (
        Outcome.IMPLICIT_DENY
    )


def test_not_principal_spares_whom_it_names_unless_a_boundary_is_set() -> None:
    other = policies({"Effect": "Deny", "NotPrincipal": {"AWS": ROLE}, "Action": "*", "Resource": "*"})
    ann = policies({"Effect": "Deny", "NotPrincipal": {"AWS": [USER, ROOT]}, "Action": "*", "Resource": "*"})
    assert decide(identity=EVERYTHING, resource=other)[0] is Outcome.EXPLICIT_DENY
    assert decide(identity=EVERYTHING, resource=ann)[0] is Outcome.ALLOWED
    assert decide(identity=EVERYTHING, resource=ann, boundary=EVERYTHING)[0] is Outcome.EXPLICIT_DENY


def test_a_principal_belongs_into_resource_policies_only() -> None:
    assert decide(identity=policies(allow(Principal="*")))[0] is Outcome.IMPLICIT_DENY
    assert decide(resource=EVERYTHING)[0] is Outcome.IMPLICIT_DENY


def test_a_trust_policy_has_no_resource() -> None:
    trust = policies({"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"})
    request = Request("sts:AssumeRole", ROLE, "lambda.amazonaws.com", resource_account=ACCOUNT)
    assert evaluate(request, PolicySet(resource=trust)).allowed
    assert not allowed_by({"Effect": "Allow", "Action": "*"})


# ---- Action and Resource


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ("s3:GetObject", True),
        ("S3:getobject", True),
        ("s3:*", True),
        ("s3:Get*", True),
        ("s3:*Object", True),
        ("s3:G*t*", True),
        ("s3:Get?bject", True),
        ("s3:?GetObject", False),
        ("*", True),
        ("*:*", True),
        ("s3", False),
        ("s3*", False),
        ("s3:Get.bject", False),
        ("s3:GetObjectAcl", False),
        ("lambda:GetObject", False),
        ("", False),
    ],
)
def test_action_patterns(pattern: str, matches: bool) -> None:
    assert matches_action(pattern, "s3:GetObject") is matches


@pytest.mark.parametrize(
    ("pattern", "arn", "matches"),
    [
        ("*", "arn:aws:s3:::bucket/key", True),
        ("*", "*", True),
        ("arn:aws:s3:::bucket/*", "*", False),
        ("arn:aws:s3:::bucket/*", "arn:aws:s3:::bucket/a/b", True),
        ("arn:aws:s3:::bucket*", "arn:aws:s3:::bucket/a/b", True),
        ("arn:aws:s3:::Bucket/*", "arn:aws:s3:::bucket/a", False),
        ("arn:aws:s3:::b.cket", "arn:aws:s3:::bucket", False),
        ("arn:aws:s3:::bucke?", "arn:aws:s3:::bucket", True),
        ("arn:aws:lambda:*:*:function:remotion-*", "arn:aws:lambda:eu-west-1:1:function:remotion-a:7", True),
        ("arn:aws:lambda:*:function:remotion-*", "arn:aws:lambda:eu-west-1:1:function:remotion-a", False),
        ("arn:aws:*:remotion", "arn:aws:s3:::remotion", False),
        ("arn:aws:s3", "arn:aws:s3:::bucket", True),
        ("arn:aws:s3:eu-west-1", "arn:aws:s3:::bucket", False),
        ("arn:*", "arn:aws:s3:::bucket", True),
        ("bucket", "bucket", False),
    ],
)
def test_arn_patterns(pattern: str, arn: str, matches: bool) -> None:
    assert matches_arn(pattern, arn) is matches


def test_a_pattern_full_of_stars_is_answered_at_once() -> None:
    assert not matches_arn("arn:aws:s3:::" + "*a" * 60, "arn:aws:s3:::" + "a" * 4000 + "b")


def test_not_action_and_not_resource_match_everything_else() -> None:
    assert allowed_by({"Effect": "Allow", "NotAction": ["iam:*", "s3:Put*"], "Resource": "*"})
    assert not allowed_by({"Effect": "Allow", "NotAction": ["iam:*", "S3:get*"], "Resource": "*"})
    assert allowed_by({"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::other/*"})
    assert not allowed_by({"Effect": "Allow", "Action": "*", "NotResource": ["arn:aws:s3:::bucket/*"]})
    assert not allowed_by(allow(), {"Effect": "Deny", "Action": "*", "NotResource": "arn:aws:s3:::other/*"})


# ---- conditions: "IAM JSON policy elements: Condition operators"


@pytest.mark.parametrize(
    ("operator", "wanted", "got", "true"),
    [
        ("StringEquals", "blue", "blue", True),
        ("StringEquals", "blue", "Blue", False),
        ("StringEquals", "b*", "blue", False),
        ("StringEquals", ["red", "blue"], "blue", True),
        ("StringEquals", [], "blue", False),
        ("StringEquals", 5, "5", True),
        ("StringEquals", True, "true", True),
        ("StringNotEquals", ["red", "blue"], "blue", False),
        ("StringNotEquals", ["red", "green"], "blue", True),
        ("StringEqualsIgnoreCase", "BLUE", "blue", True),
        ("StringNotEqualsIgnoreCase", "BLUE", "blue", False),
        ("StringLike", "b?u*", "blue", True),
        ("StringLike", "B*", "blue", False),
        ("StringNotLike", ["r*", "b*"], "blue", False),
        ("NumericEquals", "300", "300.0", True),
        ("NumericNotEquals", 300, "300", False),
        ("NumericLessThan", 10, "9", True),
        ("NumericLessThan", "10", "10", False),
        ("NumericLessThanEquals", "10", "10", True),
        ("NumericGreaterThan", "-1.5", "-1", True),
        ("NumericGreaterThanEquals", ["90", "10"], "10", True),
        ("NumericEquals", "ten", "10", False),
        ("NumericNotEquals", "ten", "10", False),
        ("NumericNotEquals", "10", "ten", False),
        ("DateEquals", "2024-01-01T00:00:00Z", "1704067200", True),
        ("DateEquals", "2024-01-01T02:00:00+02:00", "2024-01-01T00:00:00Z", True),
        ("DateEquals", "2024-01", "2024-01-01", True),
        ("DateNotEquals", "2024", "2024-01-01T00:00:00Z", False),
        ("DateLessThan", "2024-01-01T00:00:00.5Z", "2024-01-01T00:00:00Z", True),
        ("DateLessThanEquals", "2024-01-01", "2024-01-02", False),
        ("DateGreaterThan", "2023-12-31", "2024-01-01", True),
        ("DateGreaterThanEquals", "2024-01-01", "2024-01-01", True),
        ("DateEquals", "yesterday", "2024-01-01", False),
        ("Bool", "true", "true", True),
        ("Bool", False, "FALSE", True),
        ("Bool", "true", "false", False),
        ("Bool", "maybe", "maybe", False),
        ("BinaryEquals", "QmluYXJ5", "QmluYXJ5", True),
        ("BinaryEquals", "QmluYXJ5", "qmluyxj5", False),
        ("BinaryEquals", "?", "?", False),
        ("IpAddress", "203.0.113.0/24", "203.0.113.7", True),
        ("IpAddress", "203.0.113.7", "203.0.113.7", True),
        ("IpAddress", ["10.0.0.0/8", "2001:db8::/32"], "2001:DB8:0::7", True),
        ("IpAddress", "10.0.0.0/8", "2001:db8::7", False),
        ("NotIpAddress", "10.0.0.0/8", "2001:db8::7", True),
        ("NotIpAddress", "203.0.113.0/24", "203.0.113.7", False),
        ("NotIpAddress", "nowhere", "203.0.113.7", False),
        ("ArnEquals", "arn:aws:s3:::b*", "arn:aws:s3:::bucket", True),
        ("ArnLike", "arn:aws:s3:*:bucket", "arn:aws:s3:::bucket", False),
        ("ArnNotEquals", "arn:aws:s3:::b*", "arn:aws:s3:::bucket", False),
        ("ArnNotLike", "arn:aws:s3:::other", "arn:aws:s3:::bucket", True),
        ("ArnNotLike", "arn:aws:s3:::other", "bucket", False),
        ("stringequals", "blue", "blue", True),
        ("StringEqual", "blue", "blue", False),
        ("SomeValues:StringEquals", "blue", "blue", False),
        ("StringEqualsIfExists", "blue", "green", False),
    ],
)
def test_condition_operators(operator: str, wanted: object, got: str, true: bool) -> None:
    assert holds(operator, "aws:Key", wanted, got) is true


@pytest.mark.parametrize(
    ("operator", "true"),
    [
        *((name, False) for name in ("StringEquals", "StringLike", "NumericLessThan", "DateEquals", "Bool")),
        *((name, False) for name in ("IpAddress", "ArnLike", "BinaryEquals", "ForAnyValue:StringNotEquals")),
        *((name, True) for name in ("StringNotEquals", "StringNotLike", "NumericNotEquals", "DateNotEquals")),
        *((name, True) for name in ("NotIpAddress", "ArnNotLike", "ArnNotEquals", "ForAllValues:StringEquals")),
        *((name, True) for name in ("StringEqualsIfExists", "BoolIfExists", "ForAnyValue:StringLikeIfExists")),
    ],
)
def test_condition_operators_on_a_missing_key(operator: str, true: bool) -> None:
    assert holds(operator, TAGS, "true") is true
    assert holds(operator, TAGS, "true", []) is true


@pytest.mark.parametrize(
    ("operator", "got", "true"),
    [
        ("ForAllValues:StringEquals", ["blue", "green"], True),
        ("ForAllValues:StringEquals", ["blue", "red"], False),
        ("ForAnyValue:StringEquals", ["blue", "red"], True),
        ("ForAnyValue:StringEquals", ["red"], False),
        ("ForAnyValue:StringNotEquals", ["blue", "red"], True),
        ("ForAllValues:StringNotEquals", ["blue", "red"], False),
        ("ForAllValues:StringNotEquals", ["red", "black"], True),
        ("StringEquals", ["blue", "green"], False),
        ("StringNotEquals", ["red", "black"], False),
    ],
)
def test_set_operators(operator: str, got: list[str], true: bool) -> None:
    assert holds(operator, TAGS, ["blue", "green"], got) is true


def test_null_asks_whether_the_key_is_there() -> None:
    assert holds("Null", TEAM, "true")
    assert holds("Null", TEAM, True)
    assert not holds("Null", TEAM, "false")
    assert holds("Null", TEAM, False, "blue")
    assert holds("Null", TEAM, ["true", "false"], "blue")
    assert not holds("NullIfExists", TEAM, "true")


def test_operators_and_keys_are_anded_and_keys_have_no_case() -> None:
    condition = {
        "StringEquals": {"AWS:principalTag/TEAM": "blue", "aws:RequestedRegion": "eu"},
        "Bool": {"x:y": "true"},
    }
    full = {TEAM: "blue", "AWS:REQUESTEDREGION": "eu", "X:Y": "true"}
    assert allowed_by(allow(Condition=condition), **full)
    for key in full:
        assert not allowed_by(allow(Condition=condition), **(full | {key: "other"}))


def test_missing_keys_are_reported_as_the_policy_spells_them() -> None:
    condition = {"StringNotEquals": {TEAM: "blue"}, "Bool": {"aws:SecureTransport": "true"}}
    resource = "arn:aws:s3:::bucket/${aws:PrincipalTag/home}"
    listed = policies(allow(Condition=condition, Resource=[resource, "*"]), allow(Action="iam:*", Condition=condition))
    request = Request("s3:GetObject", OBJECT, USER, context={"AWS:securetransport": "true"})
    decision = evaluate(request, PolicySet(identity=listed))
    assert decision.allowed
    assert decision.missing_context == ("aws:PrincipalTag/home", TEAM)


@pytest.mark.parametrize(
    ("principal", "key", "value"),
    [
        (USER, "aws:PrincipalArn", USER),
        (USER, "aws:PrincipalAccount", ACCOUNT),
        (USER, "aws:PrincipalType", "User"),
        (USER, "aws:username", "ann"),
        (USER, "aws:ResourceAccount", ACCOUNT),
        (SESSION, "aws:PrincipalArn", ROLE),
        (SESSION, "aws:PrincipalType", "AssumedRole"),
        (ROOT, "aws:PrincipalType", "Account"),
    ],
)
def test_keys_that_follow_from_the_request_need_not_be_given(principal: str, key: str, value: str) -> None:
    identity = policies(allow(Condition={"StringEquals": {key: value}}))
    assert decide(principal, identity=identity)[0] is Outcome.ALLOWED
    assert (
        decide(principal, identity=policies(deny(Condition={"StringEquals": {key: value}})), context={key: "own"})[0]
        is not Outcome.EXPLICIT_DENY
    )


def test_the_resource_account_may_be_another_one() -> None:
    condition = {"StringEquals": {"aws:ResourceAccount": "${aws:PrincipalAccount}"}}
    identity, resource = policies(allow(Condition=condition)), policies(allow(Principal="*"))
    assert decide(resource_account=OTHER, identity=identity, resource=resource)[0] is Outcome.IMPLICIT_DENY
    assert decide(resource_account=ACCOUNT, identity=identity)[0] is Outcome.ALLOWED


# ---- policy variables: "IAM policy elements: Variables and tags"


@pytest.mark.parametrize(
    ("resource", "context", "matches"),
    [
        ("arn:aws:s3:::bucket/${aws:PrincipalTag/team}", {TEAM: "key"}, True),
        ("arn:aws:s3:::bucket/${AWS:principaltag/TEAM}", {TEAM: "key"}, True),
        ("arn:aws:s3:::bucket/${aws:PrincipalTag/team}", {TEAM: "*"}, False),
        ("arn:aws:s3:::bucket/${aws:PrincipalTag/team}", {TEAM: ["key", "other"]}, False),
        ("arn:aws:s3:::bucket/${aws:PrincipalTag/team}", {}, False),
        ("arn:aws:s3:::bucket/${aws:PrincipalTag/team, 'key'}", {}, True),
        ("arn:aws:s3:::bucket/${aws:PrincipalTag/team, 'key'}", {TEAM: "other"}, False),
        ("arn:aws:s3:::bucket/${aws:PrincipalTag/team, '*'}", {}, False),
        ("arn:aws:s3:::${*}/key", {}, False),
        ("arn:aws:${aws:service}:::bucket/key", {"aws:service": "s3"}, False),
        ("arn:aws:s3:::bucket/${key", {}, False),
    ],
)
def test_variables_in_a_resource(resource: str, context: Context, matches: bool) -> None:
    assert allowed_by(allow(Resource=resource), **context) is matches


def test_a_variable_without_value_leaves_the_other_values_of_its_list() -> None:
    assert allowed_by(allow(Resource=["arn:aws:s3:::${aws:PrincipalTag/team}/*", "arn:aws:s3:::bucket/*"]))
    excepted: Statement = {"Effect": "Deny", "Action": "*", "NotResource": "arn:aws:s3:::${aws:PrincipalTag/team}/*"}
    assert not allowed_by(allow(), excepted)
    assert allowed_by(allow(), excepted, **{TEAM: "bucket"})


def test_special_characters_as_variables_are_plain_text() -> None:
    assert allowed_by(allow(Resource="arn:aws:s3:::bucket/${*}${?}${$}"), resource="arn:aws:s3:::bucket/*?$")
    assert not allowed_by(allow(Resource="arn:aws:s3:::bucket/${?}"), resource="arn:aws:s3:::bucket/a")
    assert holds("StringEquals", TEAM, "${*}", "*")


def test_variables_in_conditions() -> None:
    context = {TEAM: "a:b", "aws:RequestTag/team": "a:b", "aws:MultiFactorAuthAge": "1"}
    assert allowed_by(allow(Condition={"StringEquals": {TEAM: "${aws:RequestTag/team}"}}), **context)
    assert allowed_by(allow(Condition={"StringLike": {TEAM: "?${*}b"}}), **{TEAM: "a*b"})
    assert allowed_by(allow(Condition={"StringNotEquals": {TEAM: "${aws:RequestTag/none}"}}), **context)
    assert not allowed_by(allow(Condition={"StringEquals": {TEAM: "${aws:RequestTag/none}"}}), **context)
    assert not allowed_by(allow(Condition={"NumericEquals": {"aws:MultiFactorAuthAge": "${x:one}"}}), **context)


@pytest.mark.parametrize("version", ["2008-10-17", ""])
def test_only_the_newer_language_has_variables(version: str) -> None:
    resource = "arn:aws:s3:::bucket/${aws:username}"
    assert not allowed_by(allow(Resource=resource), version=version, resource="arn:aws:s3:::bucket/ann")
    assert allowed_by(allow(Resource=resource), version=version, resource=resource)


# ---- what a decision tells


def test_the_matched_statements_say_where_they_stand() -> None:
    listed = (
        Policy(
            "RemotionUser",
            {"Version": "2012-10-17", "Statement": [allow(Action="iam:*"), allow(Sid="Storage"), deny(Sid="No")]},
            attached_to=USER,
        ),
    )
    request = Request("s3:GetObject", OBJECT, USER)
    (denied,) = evaluate(request, PolicySet(identity=listed, scps=(EVERYTHING,))).matched
    assert (denied.layer, denied.policy, denied.index, denied.sid) == (Layer.IDENTITY, "RemotionUser", 2, "No")
    assert (denied.effect, denied.attached_to) == ("Deny", USER)


def test_the_statements_of_the_deciding_layer_come_first() -> None:
    decision = evaluate(Request("s3:GetObject", OBJECT, USER), PolicySet(identity=EVERYTHING, scps=(EVERYTHING,)))
    assert [match.layer for match in decision.matched] == [Layer.IDENTITY, Layer.SCP]
    assert {match.effect for match in decision.matched} == {"Allow"}


def test_statements_are_one_object_or_a_list() -> None:
    assert statements({"Statement": allow()}) == [allow()]
    assert statements({"Statement": [allow(), "nonsense", deny()]}) == [allow(), deny()]
    assert statements({}) == []


def test_context_keys_of_a_document_are_collected_once() -> None:
    document = {
        "Version": "2012-10-17",
        "Statement": [
            allow(
                Resource=["arn:aws:s3:::${aws:username}/${aws:PrincipalTag/team, 'all'}", "arn:aws:s3:::${*}"],
                Condition={"StringEquals": {"aws:RequestedRegion": "${s3:prefix}", "AWS:UserName": "ann"}},
            ),
            {"Effect": "Deny", "Action": "*", "NotResource": "${aws:userid}", "Condition": {"Null": {TEAM: "true"}}},
        ],
    }
    assert expand_context_keys(document) == (
        "aws:RequestedRegion",
        "AWS:UserName",
        "aws:PrincipalTag/team",
        "s3:prefix",
        "aws:userid",
    )
    assert expand_context_keys(document | {"Version": "2008-10-17"})[:2] == ("aws:RequestedRegion", "AWS:UserName")
    assert expand_context_keys({"Statement": {"Condition": ["nonsense", 3]}}) == ()


# ---- documents that cannot be read


@pytest.mark.parametrize(
    "statement",
    [
        {},
        "Allow",
        None,
        allow(Effect="allow"),
        allow(Effect=["Allow"]),
        allow(Action=None),
        allow(Action={"a": 1}),
        allow(Action=["*", None]),
        allow(NotAction="iam:*"),
        allow(Resource=None),
        allow(Resource=[["*"]]),
        allow(NotResource="*"),
        allow(Conditions={}),
        allow(Condition=None),
        allow(Condition=["StringEquals"]),
        allow(Condition={"StringEquals": "blue"}),
        allow(Condition={"StringNotEquals": {TEAM: None}}),
        allow(Condition={"StringNotEquals": {TEAM: {"a": "b"}}}),
        {"Effect": "Allow", "Resource": "*"},
        {"Effect": "Allow", "Action": "*"},
    ],
)
def test_a_statement_that_cannot_be_read_matches_nothing(statement: Any) -> None:
    assert not allowed_by(statement)
    refusing = statement | {"Effect": "Deny"} if isinstance(statement, dict) and "Effect" in statement else statement
    if refusing != statement and statement["Effect"] == "Allow":
        assert allowed_by(allow(), refusing)


@pytest.mark.parametrize("document", [None, [], "{}", {"Statement": 3}, {"Statement": None}])
def test_a_document_that_cannot_be_read_matches_nothing(document: Any) -> None:
    request = Request("s3:GetObject", OBJECT, USER)
    assert not evaluate(request, PolicySet(identity=(Policy("broken", document),))).allowed
    assert statements(document) == []


# ---- properties

ACTIONS = st.sampled_from(["*", "s3:*", "s3:Get*", "s3:GetObject", "s3:PutObject", "lambda:*", "s3:?etObject"])
RESOURCES = st.sampled_from(
    ["*", "arn:aws:s3:::bucket/*", OBJECT, "arn:aws:s3:::other/*", "arn:aws:s3:::${aws:username}"]
)
CONDITIONS = st.dictionaries(
    st.sampled_from(["StringEquals", "StringNotLike", "Null", "ForAllValues:StringLike", "StringEqualsIfExists"]),
    st.dictionaries(st.sampled_from([TEAM, TAGS, "aws:username"]), st.sampled_from(["blue", "b*", "true"]), max_size=2),
    max_size=2,
)
CONTEXTS = st.dictionaries(st.sampled_from([TEAM, TAGS]), st.sampled_from(["blue", "green"]))


@st.composite
def random_statements(draw: st.DrawFn, effects: tuple[str, ...] = ("Allow", "Deny")) -> Statement:
    return {
        "Effect": draw(st.sampled_from(effects)),
        draw(st.sampled_from(["Action", "NotAction"])): draw(st.lists(ACTIONS, min_size=1, max_size=3)),
        draw(st.sampled_from(["Resource", "NotResource"])): draw(st.lists(RESOURCES, min_size=1, max_size=3)),
        "Condition": draw(CONDITIONS),
    }


SEVERAL = st.lists(random_statements(), max_size=5)
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.sampled_from(["Allow", "*", "StringEquals"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["Effect", "Action", "Resource", "Condition", "Null", "Principal"]), inner)
    ),
    max_leaves=12,
)


def answer(listed: list[Statement], context: Context, action: str = "s3:GetObject") -> Outcome:
    document = {"Version": "2012-10-17", "Statement": listed}
    return evaluate(Request(action, OBJECT, USER, context=context), PolicySet((Policy("p", document),))).outcome


@given(SEVERAL, CONTEXTS)
def test_a_deny_of_everything_wins(listed: list[Statement], context: Context) -> None:
    assert answer([*listed, deny()], context) is Outcome.EXPLICIT_DENY


@given(SEVERAL, random_statements(effects=("Allow",)), CONTEXTS)
def test_one_more_allow_takes_nothing_away(listed: list[Statement], more: Statement, context: Context) -> None:
    before, after = answer(listed, context), answer([*listed, more], context)
    assert after is before or (before, after) == (Outcome.IMPLICIT_DENY, Outcome.ALLOWED)


@given(SEVERAL, random_statements(effects=("Deny",)), CONTEXTS)
def test_one_more_deny_gives_nothing(listed: list[Statement], more: Statement, context: Context) -> None:
    before, after = answer(listed, context), answer([*listed, more], context)
    assert after in (before, Outcome.EXPLICIT_DENY)


@given(SEVERAL, CONTEXTS, st.sampled_from(["S3:GETOBJECT", "s3:getobject", "S3:gEToBJECT"]))
def test_the_case_of_an_action_does_not_matter(listed: list[Statement], context: Context, spelled: str) -> None:
    assert answer(listed, context, spelled) is answer(listed, context)


@given(SEVERAL.flatmap(lambda listed: st.tuples(st.just(listed), st.permutations(listed))), CONTEXTS)
def test_the_order_of_statements_does_not_matter(
    pair: tuple[list[Statement], list[Statement]], context: Context
) -> None:
    assert answer(pair[0], context) is answer(pair[1], context)


@given(random_statements(), CONTEXTS)
def test_one_value_and_a_list_of_one_are_the_same(statement: Statement, context: Context) -> None:
    def unwrap(value: Any) -> Any:
        return value[0] if isinstance(value, list) and len(value) == 1 else value

    single = {element: unwrap(value) for element, value in statement.items()}
    document = {"Version": "2012-10-17", "Statement": single}
    request = Request("s3:GetObject", OBJECT, USER, context=context)
    assert evaluate(request, PolicySet((Policy("p", document),))).outcome is answer([statement], context)


@given(SEVERAL, SEVERAL, CONTEXTS)
def test_a_boundary_only_takes_away(listed: list[Statement], bounds: list[Statement], context: Context) -> None:
    request = Request("s3:GetObject", OBJECT, USER, context=context)
    identity = (Policy("p", {"Version": "2012-10-17", "Statement": listed}),)
    boundary = (Policy("b", {"Version": "2012-10-17", "Statement": bounds}),)
    bounded = evaluate(request, PolicySet(identity, boundary)).allowed
    assert bounded is (answer(listed, context) is Outcome.ALLOWED and answer(bounds, context) is Outcome.ALLOWED)


@given(JSON, JSON)
def test_no_document_makes_it_raise(statement: Any, document: Any) -> None:
    request = Request("s3:GetObject", OBJECT, USER)
    for broken in (document, {"Version": "2012-10-17", "Statement": [statement, allow(Condition=statement)]}):
        carried = (Policy("broken", broken),)
        evaluate(request, PolicySet(carried, carried, carried, (carried,), (carried,), carried))
        expand_context_keys(broken)
