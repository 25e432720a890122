"""What an installed policy is: of which releases, what it lacks, what is more, and never more than the evaluator says."""

from __future__ import annotations

import itertools
import random
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wizard.policy import documents
from wizard.policy.evaluate import Policy, PolicySet, Request, evaluate
from wizard.policy.fingerprint import Fingerprint, Missing, fingerprint
from wizard.policy.patterns import text_covers, texts_meet
from wizard.problem import UsageProblem
from wizard.remotion.catalogue import PolicyKind, cost_of_missing, epochs, latest_release, policy
from wizard.remotion.regions import PARTITIONS
from wizard.remotion.releases import Release, parse_release

KINDS: tuple[PolicyKind, ...] = ("user", "role")
NEWEST = latest_release()
BUCKET = "arn:aws:s3:::remotionlambda-*"
INSIGHTS = "arn:aws:lambda:*:580247275435:layer:LambdaInsightsExtension*"

# Where each policy begins, by hand; a policy ends where the next one begins.
BEGINNINGS = {
    ("user", "aws"): ["3.0.0", "3.3.8", "3.3.9", "3.3.54", "3.3.87", "4.0.32", "4.0.48", "4.0.61", "4.0.418"],
    ("role", "aws"): ["3.0.0", "4.0.61"],
    ("user", "aws-cn"): ["4.0.510"],
    ("role", "aws-cn"): ["4.0.510"],
    ("user", "aws-us-gov"): ["3.0.0", "3.3.8", "3.3.9", "3.3.54", "3.3.87", "4.0.32", "4.0.48", "4.0.418"],
    ("role", "aws-us-gov"): ["3.0.0", "4.0.61"],
}
EVERY = [
    (kind, partition, epoch.since)
    for kind in KINDS
    for partition in PARTITIONS
    for epoch in epochs()
    if partition in epoch.partitions or partition == "aws-us-gov"
]


def release(text: str) -> Release:
    found = parse_release(text)
    assert found is not None
    return found


def document_of(*held: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(held)}


def allow(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {**allow(action, resource, **more), "Effect": "Deny"}


def of_user(*documents_held: Any, wanted: Any = None) -> Fingerprint:
    return fingerprint(documents_held, wanted or policy("user", NEWEST), "user", "aws")


def without(kind: PolicyKind, *actions: str) -> dict[str, Any]:
    held = [{**s, "Action": [a for a in s["Action"] if a not in actions]} for s in policy(kind, NEWEST)["Statement"]]
    return document_of(*(s for s in held if s["Action"]))


def pieces(document: Any, seed: int) -> list[dict[str, Any]]:
    """The same permissions in several documents, a statement an action, in another case and any order."""
    rng = random.Random(seed)
    held = [
        allow(rng.choice([a.lower(), a.upper(), [a]]), rng.choice([r, [r]]))
        for s in document["Statement"]
        for a in s["Action"]
        for r in s["Resource"]
    ]
    rng.shuffle(held)
    cut = rng.randrange(len(held))
    return [document_of(*held[:cut]), document_of(*held[cut:])]


@pytest.mark.parametrize(("kind", "partition", "since"), EVERY, ids=str)
def test_every_releases_policy_is_recognised(kind: PolicyKind, partition: str, since: Release) -> None:
    installed, wanted = policy(kind, since, partition), policy(kind, NEWEST, partition)
    begins = [release(text) for text in BEGINNINGS[kind, partition]]
    first = max(begin for begin in begins if begin <= since)
    found = fingerprint([installed], wanted, kind, partition)
    assert (found.since, found.until) == (first, next((b for b in begins if b > since), None))
    assert (found.kind, found.wider, found.swapped) == (kind, (), False)
    gone = documents.actions_of(wanted) - documents.actions_of(installed)
    assert gone <= {m.action for m in found.missing}
    for seed in range(3):
        again = fingerprint(pieces(installed, seed), wanted, kind, partition)
        assert again == found
        together = {**installed, "Statement": [s for d in pieces(installed, seed) for s in d["Statement"]]}
        assert fingerprint([together], wanted, kind, partition) == found


def test_an_outdated_policy_lacks_exactly_what_came_since_with_what_it_costs() -> None:
    found = of_user(policy("user", release("4.0.31")))
    assert found.missing == tuple(
        Missing(action, (on,), cost_of_missing("user", action))
        for action, on in [
            ("s3:PutBucketPolicy", BUCKET),
            ("s3:PutLifecycleConfiguration", BUCKET),
            ("lambda:TagResource", "arn:aws:lambda:*:*:function:remotion-render-*"),
            ("lambda:GetLayerVersion", INSIGHTS),
        ]
    )
    assert all(m.cost for m in found.missing)
    assert (found.share, found.actions) == ((29, 33), (28, 32))
    assert found.sentence() == "The policy of Remotion 3.3.87 to 4.0.31."


@pytest.mark.parametrize(
    ("since", "kind", "partition", "sentence"),
    [
        ("4.0.61", "user", "aws", "The policy of Remotion 4.0.61 to 4.0.417."),
        ("3.3.8", "user", "aws", "The policy of Remotion 3.3.8."),
        ("4.0.500", "user", "aws", "The policy of Remotion 4.0.418 or newer."),
        ("4.0.510", "user", "aws-cn", "The policy of Remotion 4.0.510 or newer."),
        ("4.0.61", "user", "aws-us-gov", "The policy of Remotion 4.0.48 to 4.0.417."),
        ("4.0.527", "role", "aws", "The policy of Remotion 4.0.61 or newer."),
    ],
)
def test_the_sentence_names_the_releases(since: str, kind: PolicyKind, partition: str, sentence: str) -> None:
    held = policy(kind, release(since), partition)
    assert fingerprint([held], policy(kind, NEWEST, partition), kind, partition).sentence() == sentence


def test_a_span_that_ends_before_a_new_minor_release_is_said_without_a_release_that_may_not_exist() -> None:
    found = Fingerprint("user", release("4.0.600"), release("4.1.0"), (), (), False, (1, 1), (1, 1))
    assert found.sentence() == "The policy of Remotion 4.0.600 and later, before 4.1.0."


@pytest.mark.parametrize("epoch", epochs(), ids=lambda e: str(e.since))
@pytest.mark.parametrize("kind", KINDS)
def test_the_other_kinds_policy_is_called_swapped(kind: PolicyKind, epoch: Any) -> None:
    other: PolicyKind = "role" if kind == "user" else "user"
    found = fingerprint([policy(other, epoch.since)], policy(kind, NEWEST), kind, "aws")
    assert found.swapped and found.since is None and found.until is None and found.wider
    meant = {"user": "user", "role": "render role"}[other]
    assert found.sentence().startswith(f"The policy that is meant for the {meant}: ")
    both = [policy(other, epoch.since), policy(kind, NEWEST)]
    assert not fingerprint(both, policy(kind, NEWEST), kind, "aws").swapped


@pytest.mark.parametrize("kind", KINDS)
def test_every_single_action_that_is_gone_is_found(kind: PolicyKind) -> None:
    wanted = policy(kind, NEWEST)
    for action in documents.actions_of(wanted):
        found = fingerprint([without(kind, action)], wanted, kind, "aws")
        resources = tuple(r for s in wanted["Statement"] if action in s["Action"] for r in s["Resource"])
        assert found.missing == (Missing(action, resources, cost_of_missing(kind, action)),)
        assert found.actions[0] == found.actions[1] - 1 and found.share[0] == found.share[1] - len(resources)
        assert found.since is None or found.until is not None


def test_a_half_is_no_releases_policy_and_two_halves_are() -> None:
    whole = policy("user", NEWEST)
    one, other = document_of(*whole["Statement"][:5]), document_of(*whole["Statement"][5:])
    found = of_user(one)
    assert found.since is None and not found.swapped and found.wider == ()
    assert found.sentence() == "Not the policy of any release: 20 of 32 actions are there."
    assert of_user(one, other).sentence() == "The policy of Remotion 4.0.418 or newer."


def test_administrator_access_gives_all_and_is_wider() -> None:
    everything = allow("*", "*", Sid="All")
    for kind in KINDS:
        found = fingerprint([document_of(everything)], policy(kind, NEWEST), kind, "aws")
        assert found.missing == () and found.wider == (everything,) and not found.swapped and found.until is None
        assert found.share[0] == found.share[1]
    assert found.sentence() == "All of the policy of Remotion 4.0.61 or newer, and more."


def test_wildcards_grant_what_they_cover() -> None:
    held = document_of(allow("s3:*", "arn:aws:s3:::*"), allow("S3:List*", "*"))
    missing = {m.action for m in of_user(held).missing}
    assert not {a for a in missing if a.startswith("s3:")}
    narrow = document_of(allow("s3:*", "arn:aws:s3:::remotionlambda-useast1-*"))
    assert of_user(narrow).share[0] == 0 and len(of_user(narrow).wider) == 1
    within = document_of(allow("s3:PutObject", "arn:aws:s3:::remotionlambda-useast1-*"))
    assert of_user(within).share[0] == 0 and of_user(within).wider == (), "less than Remotion's is not more"
    one_character = document_of(allow("s3:*", "arn:aws:s3:::remotionlambda-?"), allow("s3:Put?bject", BUCKET))
    assert of_user(one_character).share[0] == 1, "a ? covers one character and not a *"


def test_statements_with_exceptions_grant_what_they_do_not_except() -> None:
    power = {"Effect": "Allow", "NotAction": ["iam:*", "organizations:*"], "Resource": "*"}
    found = of_user(document_of(power))
    assert {m.action for m in found.missing} == {"iam:SimulatePrincipalPolicy", "iam:PassRole"}
    assert found.wider == (power,)
    spared = {"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::remotionlambda-secret-*"}
    assert {m.action.split(":")[0] for m in of_user(document_of(spared)).missing} >= {"s3"}
    assert not {m.action for m in of_user(document_of(spared)).missing} & {"lambda:InvokeFunction", "iam:PassRole"}


@pytest.mark.parametrize(
    ("hit", "lost"),
    [
        (deny("s3:PutObject", "*"), {"s3:PutObject"}),
        (deny("s3:PutObject", "arn:aws:s3:::remotionlambda-a/*"), {"s3:PutObject"}),
        (deny("*:putobject", "arn:aws:s3:::*"), {"s3:PutObject"}),
        (deny("s3:PutObject", "arn:aws:s3:::${aws:username}"), {"s3:PutObject"}),
        (deny("s3:PutObject", "*", Condition={"Bool": {"aws:SecureTransport": "false"}}), {"s3:PutObject"}),
        (deny("s3:PutObject", "arn:aws:s3:::other-*"), set()),
        (deny("ec2:*", "*"), set()),
        (
            {"Effect": "Deny", "NotAction": ["s3:*", "lambda:*", "iam:P*", "logs:*"], "Resource": "*"},
            {"iam:Simulate", "servicequotas:"},
        ),
        ({"Effect": "Deny", "Action": "iam:PassRole", "NotResource": "arn:aws:iam::*:role/remotion-*"}, set()),
        ({"Effect": "Deny", "Action": "iam:PassRole", "NotResource": "arn:aws:iam::1:role/*"}, {"iam:PassRole"}),
        (deny([], []), set()),
    ],
    ids=lambda value: repr(sorted(value) if isinstance(value, set) else value),
)
def test_a_deny_that_could_hit_takes_the_action_away(hit: Any, lost: set[str]) -> None:
    found = of_user(policy("user", NEWEST), document_of(hit))
    gone = {m.action for m in found.missing}
    assert all(any(a.startswith(start) for start in lost) for a in gone)
    assert all(any(a.startswith(start) for a in gone) for start in lost)
    assert found.wider == ()


def test_what_a_condition_or_a_principal_narrows_grants_nothing_by_itself() -> None:
    condition = {"StringEquals": {"aws:PrincipalTag/team": "video"}}
    whole = policy("user", NEWEST)
    held = document_of(*({**s, "Condition": condition} for s in whole["Statement"]))
    assert of_user(held).share == (0, 33) and of_user(held).wider == ()
    named = document_of(*({**s, "Principal": "*"} for s in whole["Statement"]))
    assert of_user(named).share == (0, 33)
    extra = allow("iam:CreateServiceLinkedRole", "*", Condition={"StringLike": {"iam:AWSServiceName": ["a", "b"]}})
    wanted = {**whole, "Statement": [*whole["Statement"], extra]}
    again = {**extra, "Action": "iam:*", "Condition": {"stringlike": {"IAM:AWSServiceName": ["b", "a"]}}}
    assert of_user(whole, document_of(again), wanted=wanted).missing == ()
    assert of_user(whole, document_of(allow("iam:*")), wanted=wanted).missing == ()
    other = {**extra, "Condition": {"StringLike": {"iam:AWSServiceName": "a"}}}
    (missing,) = of_user(whole, document_of(other), wanted=wanted).missing
    assert missing == Missing("iam:CreateServiceLinkedRole", ("*",), "")


def test_statements_beyond_remotions_may_be_wanted() -> None:
    layers = allow(["lambda:GetLayerVersion"], ["arn:aws:lambda:*:123456789012:layer:mine:1"], Sid="OwnLayers")
    whole = policy("user", NEWEST)
    wanted = {**whole, "Statement": [*whole["Statement"], layers]}
    found = of_user(whole, wanted=wanted)
    assert [(m.action, m.resources) for m in found.missing] == [("lambda:GetLayerVersion", tuple(layers["Resource"]))]
    assert found.sentence() == "The policy of Remotion 4.0.418 or newer." and found.actions == (31, 32)
    assert of_user(wanted, wanted=wanted).wider == () and of_user(wanted, wanted=wanted).missing == ()
    assert of_user(wanted).wider == (layers,)


def test_what_is_wider_is_only_the_rest() -> None:
    more = allow(["s3:PutObject", "s3:PutBucketWebsite", "s3:X", "s3:Y"], [BUCKET, "arn:aws:s3:::mine"], Sid="Mixed")
    found = of_user(policy("user", NEWEST), document_of(more, allow("sqs:*", "arn:aws:sqs:*:*:q")))
    assert found.wider == (
        {**more, "Action": ["s3:PutObject", "s3:PutBucketWebsite"], "Resource": ["arn:aws:s3:::mine"]},
        {**more, "Action": ["s3:X", "s3:Y"]},
        allow("sqs:*", "arn:aws:sqs:*:*:q"),
    )
    assert more["Action"] == ["s3:PutObject", "s3:PutBucketWebsite", "s3:X", "s3:Y"]


def test_leftovers_of_an_older_release_do_not_make_a_policy_older() -> None:
    found = of_user(policy("user", release("3.0.0")), policy("user", NEWEST))
    assert found.since == release("4.0.418") and found.wider == ()
    stars = document_of(*policy("user", release("3.3.9"))["Statement"], allow("s3:*", BUCKET))
    assert of_user(stars).since == release("3.3.9")


@pytest.mark.parametrize(("kind", "partition", "since"), EVERY, ids=str)
def test_a_policy_of_another_partition_is_none_of_this_one(kind: PolicyKind, partition: str, since: Release) -> None:
    for other in set(PARTITIONS) - {partition}:
        found = fingerprint([policy(kind, since, partition)], policy(kind, NEWEST, other), kind, other)
        assert found.since is None and not found.swapped and found.wider
        assert {m.action for m in found.missing} >= {"s3:PutObject", "lambda:InvokeFunction"}


def test_an_unknown_partition_is_refused() -> None:
    with pytest.raises(UsageProblem):
        fingerprint([], policy("user", NEWEST), "user", "aws-iso")


def test_nothing_is_no_policy() -> None:
    nothing: list[list[dict[str, Any]]] = [[], [document_of()], [{}]]
    for installed in nothing:
        found = fingerprint(installed, policy("role", NEWEST), "role", "aws")
        assert found.since is None and found.wider == () and not found.swapped
        assert (found.share, found.actions) == ((0, 15), (0, 13))
        assert found.sentence() == "Not the policy of any release: 0 of 13 actions are there."


@pytest.mark.parametrize(
    "statement",
    [
        {},
        {"Effect": "Allow"},
        {"Effect": "Allow", "Action": None, "Resource": 7},
        {"Effect": "Allow", "Action": [["s3:*"]], "Resource": "*"},
        {"Effect": "Allow", "Action": "*", "NotAction": "a:B", "Resource": "*"},
        {"Effect": "allow", "Action": "*", "Resource": "*"},
        {"Effect": ["Allow"], "Action": "*", "Resource": "*"},
        {"Effect": "Allow", "Action": "s3", "Resource": "remotionlambda-*"},
        allow("*", ""),
        allow("s3:*", ["arn", "a*", "*:*", "arn:aws:s"]),
        allow("*", "${aws:username}*"),
        allow("*", "*", Condition=7),
        7,
        None,
        "Allow",
    ],
    ids=repr,
)
def test_what_makes_no_sense_grants_nothing(statement: Any) -> None:
    found = of_user(document_of(statement))
    assert found.since is None and found.share[0] == 0 and not found.swapped
    assert of_user({"Statement": statement}).share[0] == 0


# Patterns


patterns = st.text("ab*?", max_size=5)
TEXTS = ["".join(some) for length in range(7) for some in itertools.product("ab", repeat=length)]


def matched(pattern: str) -> set[str]:
    glob = re.compile("".join({"*": ".*", "?": "."}.get(c, c) for c in pattern))
    return {text for text in TEXTS if glob.fullmatch(text)}


@given(patterns, patterns)
def test_a_pattern_that_covers_another_matches_all_that_it_matches(one: str, other: str) -> None:
    if text_covers(one, other):
        assert matched(other) <= matched(one)
    assert text_covers(one, one) and text_covers("*", one)


@given(patterns, patterns)
def test_two_patterns_meet_exactly_where_some_text_matches_both(one: str, other: str) -> None:
    fixed = len(one.replace("*", "")) + len(other.replace("*", ""))
    if fixed <= len(TEXTS[-1]):
        assert texts_meet(one, other) == bool(matched(one) & matched(other))
    assert texts_meet(one, other) == texts_meet(other, one)


held_actions = st.sampled_from(
    ["s3:*", "s3:Put*", "s3:PutObject", "S3:?utobject", "*", "lambda:*", "iam:PassRole", "s3:Get*"]
)
held_resources = st.sampled_from(
    [
        "*",
        BUCKET,
        "arn:aws:s3:::*",
        "arn:aws:s3:::remotionlambda-a*",
        "arn:aws:s3:::remotionlambda-?",
        "arn:aws:iam::*:role/*",
        "arn:*:*:*:*:*",
        "arn:aws:lambda:*",
        "arn:aws:lambda:eu-west-1:*:function:remotion-render-*",
    ]
)
CONCRETE = {
    BUCKET: ["arn:aws:s3:::remotionlambda-a", "arn:aws:s3:::remotionlambda-b/k", "arn:aws:s3:::remotionlambda-"],
    "arn:aws:lambda:*:*:function:remotion-render-*": ["arn:aws:lambda:us-east-1:1:function:remotion-render-4"],
    "arn:aws:iam::*:role/remotion-lambda-role": ["arn:aws:iam::1:role/remotion-lambda-role"],
    "*": ["*"],
}


@st.composite
def held_statements(draw: st.DrawFn) -> dict[str, Any]:
    made: dict[str, Any] = {"Effect": draw(st.sampled_from(["Allow", "Allow", "Deny"]))}
    made[draw(st.sampled_from(["Action", "Action", "NotAction"]))] = draw(
        st.lists(held_actions, min_size=1, max_size=3)
    )
    made[draw(st.sampled_from(["Resource", "Resource", "NotResource"]))] = draw(
        st.lists(held_resources, min_size=1, max_size=2)
    )
    if draw(st.integers(0, 3)) == 0:
        made["Condition"] = {"StringEquals": {"aws:PrincipalTag/team": "video"}}
    return made


@given(st.lists(st.lists(held_statements(), max_size=3).map(lambda held: document_of(*held)), max_size=3))
def test_what_counts_as_granted_the_evaluator_allows(installed: list[dict[str, Any]]) -> None:
    found = of_user(*installed)
    missing = {(m.action, r) for m in found.missing for r in m.resources}
    policies = PolicySet(identity=tuple(Policy(str(i), document) for i, document in enumerate(installed)))
    for statement in policy("user", NEWEST)["Statement"]:
        for action, pattern in itertools.product(statement["Action"], statement["Resource"]):
            if (action, pattern) not in missing:
                for resource, team in itertools.product(CONCRETE.get(pattern, []), ("", "video", "other")):
                    context = {"aws:PrincipalTag/team": team} if team else {}
                    assert evaluate(Request(action, resource, context=context), policies).allowed
