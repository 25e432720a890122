"""Holds the evaluator to a second opinion: random cases, also decided by the npm package @cloud-copilot/iam-simulate.

The package is AGPL: installed by hand into .tools/oracle, it runs as a process of its own, and nothing of it is here.
    mkdir -p .tools/oracle && cd .tools/oracle && npm install @cloud-copilot/iam-simulate
`ORACLE_CASES` sets how many random cases are compared (2,000 unless told), `ORACLE_SEED` which ones.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from wizard.policy.evaluate import Outcome, Policy, PolicySet, Request, evaluate

ORACLE = Path(__file__).parents[2] / ".tools" / "oracle"
CASES = int(os.environ.get("ORACLE_CASES", "2000"))
SEED = int(os.environ.get("ORACLE_SEED", "20120117"))
AGREEMENT = 0.999

pytestmark = [
    pytest.mark.contract,
    pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed"),
    pytest.mark.skipif(
        not (ORACLE / "node_modules/@cloud-copilot/iam-simulate").is_dir(),
        reason=f"@cloud-copilot/iam-simulate is not installed in {ORACLE} (see the head of this file)",
    ),
]

Case = dict[str, Any]
Statement = dict[str, Any]

ACCOUNT, OTHER_ACCOUNT = "111111111111", "222222222222"
USER = f"arn:aws:iam::{ACCOUNT}:user/team/ann"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/remotion-lambda-role"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/remotion-lambda-role/render"
FULL_ACCESS = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
RCP_FULL_ACCESS = {
    "Version": "2012-10-17",
    "Statement": {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"},
}


# ---- asking both


def ours(case: Case) -> str:
    """Return our answer to a case."""

    def policies(documents: list[Any]) -> tuple[Policy, ...]:
        return tuple(Policy(str(index), document) for index, document in enumerate(documents))

    layers = PolicySet(
        identity=policies(case["identity"]),
        boundary=policies(case["boundary"]) if "boundary" in case else None,
        session=policies([case["session"]]) if "session" in case else None,
        scps=tuple(policies(level) for level in case["scps"]) if "scps" in case else None,
        # AWS attaches RCPFullAWSAccess everywhere; the oracle adds it by itself
        rcps=tuple(policies([RCP_FULL_ACCESS, *level]) for level in case["rcps"]) if "rcps" in case else None,
        resource=policies([case["resource_policy"]]) if "resource_policy" in case else (),
    )
    request = Request(
        case["action"],
        case["resource"],
        case["principal"],
        resource_account=case["resource_account"],
        context=case["context"],
    )
    return evaluate(request, layers).outcome


def derived_context(case: Case) -> dict[str, str]:
    """Return the keys AWS adds by itself, which the evaluator derives and the oracle has to be told."""
    keys = {"aws:PrincipalAccount": ACCOUNT, "aws:ResourceAccount": case["resource_account"]}
    if case["principal"] == USER:
        return keys | {"aws:PrincipalArn": USER, "aws:PrincipalType": "User", "aws:username": "ann"}
    if case["principal"] in (SESSION, ROLE):
        return keys | {"aws:PrincipalArn": ROLE, "aws:PrincipalType": "AssumedRole"}
    return {}


def theirs(cases: list[Case]) -> list[str]:
    """Return the oracle's answers, in our words; an error of the oracle comes back as it is."""
    lines = [json.dumps(case | {"context": derived_context(case) | case["context"]}) for case in cases]
    node = subprocess.run(
        ["node", str(Path(__file__).with_name("oracle.mjs")), str(ORACLE)],
        input="\n".join(lines) + "\n",
        capture_output=True,
        text=True,
        check=True,
    )
    words = {
        "Allowed": Outcome.ALLOWED,
        "ExplicitlyDenied": Outcome.EXPLICIT_DENY,
        "ImplicitlyDenied": Outcome.IMPLICIT_DENY,
    }
    return [words.get(answer, answer) for answer in map(json.loads, node.stdout.splitlines())]


# ---- making cases

REQUESTS = [
    ("s3:GetObject", "arn:aws:s3:::remotionlambda-eu/renders/ann/out.mp4"),
    ("s3:PutObject", "arn:aws:s3:::remotionlambda-eu/sites/blue/index.html"),
    ("s3:ListBucket", "arn:aws:s3:::remotionlambda-eu"),
    ("s3:ListAllMyBuckets", "*"),
    ("lambda:InvokeFunction", f"arn:aws:lambda:eu-central-1:{ACCOUNT}:function:remotion-render-4-mem2048mb"),
    ("lambda:InvokeFunction", f"arn:aws:lambda:eu-central-1:{ACCOUNT}:function:remotion-render-4-mem2048mb:7"),
    ("lambda:ListFunctions", "*"),
    ("logs:CreateLogGroup", f"arn:aws:logs:eu-central-1:{ACCOUNT}:log-group:/aws/lambda/remotion-render-4"),
    ("sqs:SendMessage", f"arn:aws:sqs:eu-central-1:{ACCOUNT}:blue"),
    ("servicequotas:GetAWSDefaultServiceQuota", "*"),
]

# Values by type, for conditions and, where CONTEXT has no own ones, for requests.
VALUES: dict[str, list[str]] = {
    "String": ["blue", "Blue", "green", "blu", "bl*e", "b?ue", "*", "blue green", "ann", ACCOUNT],
    "Numeric": ["0", "1", "300", "300.0", "299.5", "-4", "3600"],
    "Date": [
        "2024-01-01T00:00:00Z",
        "2024-01-01T02:00:00+02:00",
        "2024-01-01",
        "2026-06-30T12:00:00Z",
        "2019-12-31T23:59:59Z",
    ],
    "Bool": ["true", "false"],
    "IpAddress": ["203.0.113.0/24", "203.0.113.9/32", "10.0.0.0/8", "192.0.2.0/28", "2001:db8::/32", "2001:db8::7/128"],
    "Arn": [
        "arn:aws:s3:::remotionlambda-eu",
        "arn:aws:s3:::remotionlambda-*",
        "arn:aws:s3:::REMOTIONLAMBDA-eu",
        f"arn:aws:sns:eu-central-1:{ACCOUNT}:blue",
        "arn:aws:sns:*:*:bl?e",
        "arn:aws:*:*:*:*",
        "arn:aws:s3:*:remotionlambda-eu",
        f"arn:aws:sns:eu-central-1:{ACCOUNT}:blue:sub",
    ],
}
CONTEXT = {
    "IpAddress": ["203.0.113.9", "10.1.2.3", "192.0.2.77", "2001:db8::7", "2001:db9::1"],
    "Arn": [
        "arn:aws:s3:::remotionlambda-eu",
        "arn:aws:s3:::REMOTIONLAMBDA-eu",
        f"arn:aws:sns:eu-central-1:{ACCOUNT}:blue",
        f"arn:aws:sns:eu-central-1:{ACCOUNT}:blue:sub",
    ],
}
KEYS = {  # condition keys with the type IAM gives them
    "aws:PrincipalTag/team": "String",
    "aws:RequestTag/owner": "String",
    "aws:MultiFactorAuthAge": "Numeric",
    "aws:CurrentTime": "Date",
    "aws:TokenIssueTime": "Date",
    "aws:SecureTransport": "Bool",
    "aws:MultiFactorAuthPresent": "Bool",
    "aws:SourceIp": "IpAddress",
    "aws:SourceArn": "Arn",
    "aws:TagKeys": "Strings",
}
OPERATORS = {
    "String": [
        "StringEquals",
        "StringNotEquals",
        "StringEqualsIgnoreCase",
        "StringNotEqualsIgnoreCase",
        "StringLike",
        "StringNotLike",
    ],
    "Bool": ["Bool"],
    "IpAddress": ["IpAddress", "NotIpAddress"],
    "Arn": ["ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"],
}
for _kind in ("Numeric", "Date"):
    OPERATORS[_kind] = [
        _kind + how for how in ("Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals")
    ]


class Maker:
    """Makes random cases, leaving out what the table of differences below settles."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def some(self, values: list[str], most: int = 3) -> str | list[str]:
        """Pick one or several values; one is a string as often as a list."""
        picked = [self.random.choice(values) for _ in range(self.random.randint(1, most))]
        return picked[0] if len(picked) == 1 and self.chance(0.5) else picked

    def case(self) -> Case:
        action, resource = self.random.choice(REQUESTS)
        cross = self.chance(0.25)
        case: Case = {
            "action": self.respell(action) if self.chance(0.1) else action,
            "resource": resource,
            "principal": self.random.choice([USER, USER, SESSION, SESSION, ROLE]),
            "resource_account": OTHER_ACCOUNT if cross and resource.startswith("arn:aws:s3") else ACCOUNT,
            "context": self.context(),
        }
        case["identity"] = [self.document(case) for _ in range(self.random.randint(0, 3))]
        if self.chance(0.3):
            case["boundary"] = [self.document(case)]
        if self.chance(0.25):
            case["scps"] = [
                [FULL_ACCESS if self.chance(0.6) else self.document(case) for _ in range(self.random.randint(1, 2))]
                for _ in range(self.random.randint(1, 3))
            ]
        if self.chance(0.15):
            case["rcps"] = [[self.rcp(case)] for _ in range(self.random.randint(1, 2))]
        if resource != "*" and self.chance(0.8 if case["resource_account"] != ACCOUNT else 0.35):
            case["resource_policy"] = self.document(case, principals=True)
        # A session policy that caps what a resource policy grants the session itself: see the table.
        both = case["resource_account"] == ACCOUNT and "resource_policy" in case
        if case["principal"] != USER and not both and self.chance(0.3):
            case["session"] = self.document(case)
        return case

    def context(self) -> dict[str, str | list[str]]:
        context: dict[str, str | list[str]] = {}
        for key, kind in KEYS.items():
            if self.chance(0.5):
                continue
            if kind == "Strings":
                context[key] = self.random.sample(["blue", "green", "Blue", "owner"], self.random.randint(1, 3))
                continue
            name = self.respell(key) if self.chance(0.1) else key
            context[name] = self.random.choice(CONTEXT.get(kind, VALUES[kind]))
        return context

    def respell(self, text: str) -> str:
        return self.random.choice([text.upper(), text.lower(), text.swapcase()])

    def document(self, case: Case, *, principals: bool = False) -> Statement:
        count = self.random.randint(1, 3)
        statements = [self.statement(case, principals=principals) for _ in range(count)]
        whole = statements[0] if count == 1 and self.chance(0.5) else statements
        if "${" not in json.dumps(statements) and self.chance(0.2):
            return {"Version": "2008-10-17", "Statement": whole}
        return {"Version": "2012-10-17", "Statement": whole}

    def statement(self, case: Case, *, principals: bool) -> Statement:
        statement: Statement = {"Effect": "Allow" if self.chance(0.75) else "Deny"}
        statement["NotAction" if self.chance(0.15) else "Action"] = self.some(self.action_patterns(case["action"]))
        if self.chance(0.15):
            patterns = self.resource_patterns(case["resource"])
            whole = [text for text in patterns if text == "*" or (text.count(":") > 4 and self.resolves(text, case))]
            statement["NotResource"] = self.some(whole)
        else:
            statement["Resource"] = self.some(self.resource_patterns(case["resource"]))
        if principals:
            negated = statement["Effect"] == "Deny" and self.chance(0.15)
            statement["NotPrincipal" if negated else "Principal"] = self.principal()
        if self.chance(0.4):
            statement["Condition"] = self.conditions(case)
        return statement

    def rcp(self, case: Case) -> Statement:
        service = case["action"].lower().split(":")[0]
        statement = self.statement(case, principals=False)
        statement |= {"Effect": "Deny", "Principal": "*"}
        statement.pop("NotAction", None)
        statement["Action"] = self.some([f"{service}:*", f"{service}:Get*", "sqs:*"])
        return {"Version": "2012-10-17", "Statement": [statement]}

    def action_patterns(self, action: str) -> list[str]:
        service, _, name = action.partition(":")
        return [
            "*",
            action,
            self.respell(action),
            f"{service}:*",
            f"{service}:{name[:3]}*",
            f"{service}:?{name[1:]}",
            f"{service}:*{name[-4:]}",
            f"{service}:*{name[2:4]}*",
            f"{service}:Delete*",
            "iam:PassRole",
        ]

    def resource_patterns(self, resource: str) -> list[str]:
        """Return patterns near `resource`: variables in S3 ARNs only, no wildcard over a colon (see the table)."""
        fixed = ["*", "arn:aws:s3:::*", "arn:aws:lambda:*:*:function:*", "arn:aws:s3:::*/${aws:PrincipalTag/team}/*"]
        if resource == "*":
            return fixed
        head, tail = resource.rsplit(":", 1)
        partition, service, region, account, last = resource.split(":", 5)[1:]
        patterns = [
            *fixed,
            resource,
            resource[:-3] + "*",
            resource[:-1] + "?",
            f"{head}:{tail.upper()}",
            f"arn:{partition}:{service}:*:*:{last[:6]}*",
            f"arn:{partition}:{service}:{region}:{account}:*{last[1:4]}*",
            f"arn:{partition}:{service}:*:{last}",
            f"arn:{partition}:{service}:{region}:{OTHER_ACCOUNT}:{last}",
        ]
        if service == "s3":
            patterns += [
                "arn:aws:s3:::" + last.replace("ann", "${aws:username}"),
                "arn:aws:s3:::" + last.replace("blue", "${aws:PrincipalTag/team}"),
                "arn:aws:s3:::" + last.replace("blue", "${aws:RequestTag/owner, 'blue'}"),
                "arn:aws:s3:::remotionlambda-eu/*/${AWS:UserName}/*",
            ]
        return patterns

    def principal(self) -> Any:
        named = self.some(
            [
                *("*", ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", USER, ROLE, SESSION, OTHER_ACCOUNT),
                *(
                    f"arn:aws:iam::{ACCOUNT}:user/bob",
                    f"arn:aws:sts::{ACCOUNT}:assumed-role/remotion-lambda-role/other",
                ),
            ]
        )
        return self.random.choice(["*", {"AWS": named}, {"AWS": named}, {"Service": "lambda.amazonaws.com"}])

    def resolves(self, text: str, case: Case) -> bool:
        """Say whether every variable in `text` has a value: where none has, the oracle differs (see the table)."""
        known = {key.lower() for key in derived_context(case) | case["context"]}
        names = [part.partition("}")[0].lower() for part in text.split("${")[1:]]
        return all(name in known or "," in name or name in "*?$" for name in names)

    def conditions(self, case: Case) -> dict[str, dict[str, Any]]:
        conditions: dict[str, dict[str, Any]] = {}
        for _ in range(self.random.randint(1, 3)):
            key, kind = self.random.choice(list(KEYS.items()))
            operator, wanted = self.condition(case, key, kind)
            conditions.setdefault(operator, {})[self.respell(key) if self.chance(0.1) else key] = wanted
        return conditions

    def condition(self, case: Case, key: str, kind: str) -> tuple[str, Any]:
        if self.chance(0.12):
            return "Null", self.random.choice(["true", "false", True, False, ["true", "false"]])
        if kind == "Strings":
            operator = self.random.choice(OPERATORS["String"])
            got = next((value for name, value in case["context"].items() if name.lower() == key.lower()), ())
            # One value under a key that may have many, and ForAnyValue...IfExists, are in the table.
            if len(got) == 1 or self.chance(0.85):
                operator = self.random.choice(["ForAllValues:", "ForAnyValue:"]) + operator
            return operator, self.some(["blue", "green", "bl*", "owner", "*"])
        operator = self.random.choice(OPERATORS[kind])
        values = list(VALUES[kind])
        if kind == "String":
            values += ["${aws:username}", "${aws:PrincipalAccount}", "${aws:RequestTag/owner, 'blue'}", "bl${?}e"]
            values = [value for value in values if "Not" not in operator or self.resolves(value, case)]
            if "Like" not in operator:  # the special characters as variables: see the table
                values.remove("bl${?}e")
        wanted: Any = self.some(values)
        if kind in ("Numeric", "Bool") and isinstance(wanted, str) and self.chance(0.3):
            wanted = json.loads(wanted)
        return operator + ("IfExists" if self.chance(0.2) else ""), wanted


def test_agrees_with_the_oracle_on_random_cases(capsys: pytest.CaptureFixture[str]) -> None:
    maker = Maker(SEED)
    cases = [maker.case() for _ in range(CASES)]
    mine, other = [ours(case) for case in cases], theirs(cases)
    assert len(other) == len(cases)
    different = [
        f"ours {ours_said}, oracle {oracle_said}: {json.dumps(case)}"
        for case, ours_said, oracle_said in zip(cases, mine, other, strict=True)
        if ours_said != oracle_said
    ]
    spread = {outcome.value: mine.count(outcome) for outcome in Outcome}
    with capsys.disabled():
        print(f"\noracle: {len(cases) - len(different)} of {len(cases)} agree; ours: {spread}")
    assert min(spread.values()) > CASES / 50, "the cases are too one-sided to prove anything"
    assert len(different) <= len(cases) * (1 - AGREEMENT), "\n".join(different[:20])


# ---- where the two differ on purpose


def one(*statements: Statement, version: str = "2012-10-17", **changes: Any) -> Case:
    """Return a case with these identity statements: ann reads an object, unless `changes` says otherwise."""
    document = {"Version": version, "Statement": list(statements)}
    case: Case = {"action": "s3:GetObject", "resource": "arn:aws:s3:::b/k", "principal": USER}
    case |= {"resource_account": ACCOUNT, "context": {}, "identity": [document] if statements else []}
    return case | changes


def allow(**elements: Any) -> Statement:
    return {"Effect": "Allow", "Action": "*", "Resource": "*"} | elements


def deny_except(resource: str) -> Statement:
    return {"Effect": "Deny", "Action": "*", "NotResource": resource}


def document(*statements: Statement) -> Statement:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def when(operator: str, key: str, wanted: Any, got: Any = None) -> Case:
    """Return a case whose Allow has this one condition, and whose request has `got` for the key."""
    context = {} if got is None else {key: got}
    return one(allow(Condition={operator: {key: wanted}}), context=context)


QUEUE = f"arn:aws:sqs:eu-central-1:{ACCOUNT}:blue"
SEND = {"action": "sqs:SendMessage", "resource": QUEUE}
TEAM, TAGS, IP, ARN = "aws:PrincipalTag/team", "aws:TagKeys", "aws:SourceIp", "aws:SourceArn"
ALLOWED, DENIED, IMPLICIT = Outcome.ALLOWED, Outcome.EXPLICIT_DENY, Outcome.IMPLICIT_DENY

# What AWS documents and the oracle does otherwise: (the document that decides, the case, ours, the oracle's).
# All pages are of the IAM User Guide unless named otherwise. The random cases above leave these out.
DIFFERENCES = {
    "a session policy does not cap what a resource policy grants the session": (
        "Policy evaluation for requests within a single account: IAM role session",
        one(
            principal=SESSION,
            resource_policy=document(allow(Principal={"AWS": SESSION})),
            session=document(allow(Action="sqs:*")),
        ),
        ALLOWED,
        IMPLICIT,
    ),
    "the root user has full access": (
        "How AWS enforcement code logic evaluates requests",
        one(principal=f"arn:aws:iam::{ACCOUNT}:root"),
        ALLOWED,
        IMPLICIT,
    ),
    "SCPs do not affect service-linked roles": (
        "AWS Organizations User Guide: Service control policies",
        one(
            allow(),
            principal=f"arn:aws:sts::{ACCOUNT}:assumed-role/AWSServiceRoleForSupport/s",
            scps=[[document(allow(Action="sqs:*"))]],
        ),
        ALLOWED,
        IMPLICIT,
    ),
    "a federated user has no permissions without a session policy": (
        "STS API Reference: GetFederationToken",
        one(allow(), principal=f"arn:aws:sts::{ACCOUNT}:federated-user/ann"),
        IMPLICIT,
        ALLOWED,
    ),
    "NotResource with a variable that has no value excludes nothing": (
        "Variables and tags: Policy variables with no value",
        one(allow(), deny_except("arn:aws:s3:::b/${aws:PrincipalTag/team}")),
        DENIED,
        ALLOWED,
    ),
    "a negated operator holds against a variable that has no value": (
        "Variables and tags: Policy variables with no value",
        when("StringNotEquals", TEAM, "${aws:PrincipalTag/other}", "blue"),
        ALLOWED,
        IMPLICIT,
    ),
    "variables are plain text in a document of 2008": (
        "IAM JSON policy elements: Version",
        one(allow(Resource="arn:aws:s3:::b/${aws:PrincipalTag/team}"), version="2008-10-17", context={TEAM: "k"}),
        IMPLICIT,
        ALLOWED,
    ),
    "${*} is an asterisk for StringEquals as well": (
        "Variables and tags: Special characters",
        when("StringEquals", TEAM, "${*}", "*"),
        ALLOWED,
        IMPLICIT,
    ),
    "a variable may stand in the last field of any service's ARN": (
        "Variables and tags: Where you can use policy variables",
        one(
            allow(Resource=f"arn:aws:sqs:eu-central-1:{ACCOUNT}:" + "${aws:PrincipalTag/team}"),
            context={TEAM: "blue"},
            **SEND,
        ),
        ALLOWED,
        IMPLICIT,
    ),
    "a variable may stand anywhere in the ARN of a condition": (
        "Condition operators: Amazon Resource Name",
        one(
            allow(Condition={"ArnLike": {ARN: "arn:aws:sns:eu-central-1:${aws:PrincipalAccount}:blue"}}),
            context={ARN: f"arn:aws:sns:eu-central-1:{ACCOUNT}:blue"},
        ),
        ALLOWED,
        IMPLICIT,
    ),
    "an incomplete ARN is completed with wildcards in an SCP, as in an identity-based policy": (
        "IAM JSON policy elements: Resource",
        one(allow(), scps=[[document(allow(Resource="arn:aws:sqs"))]], **SEND),
        ALLOWED,
        IMPLICIT,
    ),
    "a wildcard reaches over a colon after the fifth one": (
        "IAM JSON policy elements: Resource; an ARN has six fields",
        one(
            allow(Resource="arn:aws:lambda:*:*:f*:x"),
            action="lambda:InvokeFunction",
            resource=f"arn:aws:lambda:eu-central-1:{ACCOUNT}:function:x",
        ),
        ALLOWED,
        IMPLICIT,
    ),
    "a number is a date in seconds since 1970": (
        "AWS global condition context keys: aws:EpochTime",
        when("DateEquals", "aws:CurrentTime", "2024-01-01T00:00:00Z", "1704067200"),
        ALLOWED,
        IMPLICIT,
    ),
    "0.0.0.0/0 is every IPv4 address": (
        "Condition operators: IP address; RFC 4632",
        when("IpAddress", IP, "0.0.0.0/0", "10.0.0.1"),
        ALLOWED,
        IMPLICIT,
    ),
    "an IPv6 caller is not at an IPv4 address": (
        "Condition operators: IP address",
        when("NotIpAddress", IP, "203.0.113.9", "2001:db8::7"),
        ALLOWED,
        IMPLICIT,
    ),
    "IfExists holds on a missing key, with a set operator as well": (
        "Condition operators: IfExists (any operator except Null)",
        when("ForAnyValue:StringEqualsIfExists", TAGS, "blue"),
        ALLOWED,
        IMPLICIT,
    ),
    "Null has no IfExists form": (
        "Condition operators: IfExists (any operator except Null)",
        when("NullIfExists", TEAM, "true"),
        IMPLICIT,
        ALLOWED,
    ),
    "Null takes an empty set for an absent key": (
        "Conditions with multiple context keys or values: a null data set",
        when("Null", TAGS, "true", []),
        ALLOWED,
        IMPLICIT,
    ),
    # The oracle goes by the type of the key, we by the number of values in the request, as this page says.
    "one value under a multivalued key needs no set operator": (
        "Single-valued vs. multivalued context keys",
        when("StringEquals", TAGS, "blue", ["blue"]),
        ALLOWED,
        IMPLICIT,
    ),
    "an asterisk covers a line break": (
        "Condition operators: String (any combination of characters)",
        when("StringLike", TEAM, "b*e", "b\ne"),
        ALLOWED,
        IMPLICIT,
    ),
}


def test_differs_from_the_oracle_only_where_aws_documents_it() -> None:
    cases = [case for _, case, _, _ in DIFFERENCES.values()]
    found = {name: answers for name, *answers in zip(DIFFERENCES, map(ours, cases), theirs(cases), strict=True)}
    assert found == {name: [mine, other] for name, (_, _, mine, other) in DIFFERENCES.items()}
