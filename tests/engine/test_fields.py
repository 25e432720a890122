"""Every answer has a rule, and a wrong one is refused with words that say what is allowed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wizard.collect.fields import FIELDS
from wizard.collect.steps import STEPS

LONG_TAG = {"k" * 129: "v"}

WRONG: list[tuple[str, Any, str]] = [
    ("start.goal", "", "new, change, diagnose, undo or rotate"),
    ("start.goal", "New", "new, change, diagnose, undo or rotate"),
    ("start.goal", None, "new, change, diagnose, undo or rotate"),
    ("start.goal", ["new"], "new, change, diagnose, undo or rotate"),
    ("identity.profile", "a]b", "without [ ]"),
    ("identity.profile", " padded ", "spaces around"),
    ("identity.profile", "x" * 129, "128"),
    ("identity.profile", "a\nb", "128 characters"),
    ("identity.profile", 7, "a text"),
    ("remotion.project", "", "or . for this one"),
    ("remotion.project", "   ", "or . for this one"),
    ("remotion.project", "a\0b", "Control characters"),
    ("remotion.project", "a\nb", "Control characters"),
    ("remotion.project", None, "a text"),
    ("remotion.version", "", "4.0.527, or auto"),
    ("remotion.version", "latest", "4.0.527, or auto"),
    ("remotion.version", "4", "4.0.527, or auto"),
    ("remotion.version", "^4.0.527", "4.0.527, or auto"),
    ("remotion.version", "2.6.15", "3.0.0"),
    ("remotion.version", "AUTO", "or auto"),
    ("remotion.version", 4, "a text"),
    ("remotion.regions", [], "at least one"),
    ("remotion.regions", "us-east-1", "a list of regions"),
    ("remotion.regions", ["us-east-1", 1], "a list of regions"),
    ("remotion.regions", ["us-east-9"], "us-east-1, us-east-2"),
    ("remotion.regions", ["US-EAST-1"], "us-east-1"),
    ("remotion.regions", [""], "us-east-1"),
    ("remotion.regions", ["me-south-1"], "Allowed"),
    ("remotion.regions", ["us-east-1", "us-east-1"], "each once"),
    ("remotion.regions", ["us-east-1", "cn-north-1"], "one partition"),
    ("remotion.regions", {"us-east-1": True}, "a list of regions"),
    ("principal.kind", "group", "Allowed: user or role"),
    ("principal.name", "arn:aws:iam::1:role/x", "arn:aws:iam::123456789012:role/video-api"),
    ("principal.service", "fargate", "ecs"),
    ("principal.function", "my api", "its name, such as video-api, or its ARN"),
    ("principal.function", "arn:aws:s3:::x", "its name"),
    ("principal.assumed_by", "a b", "A role name can't contain a space"),
    ("principal.existing", "merge", "beside or replace"),
    ("principal.take_away", ["a b"], "names or ARNs of policies"),
    ("remotion.policies", "npx", "catalogue or project"),
    ("extras.custom_layer_arns", ["arn:aws:lambda:us-east-1:111122223333:layer:x"], "no version"),
    ("extras.aws_managed_policies", ["AWSLambdaFull"], "AWSLambda_FullAccess"),
    ("extras.operator", ["montor"], "Did you mean monitor?"),
    ("extras.operator_principal", "ada", "user/NAME or role/NAME"),
    ("extras.operator_principal", "group/ada", "user/NAME or role/NAME"),
    ("principal.name", "", "1 to 64"),
    ("principal.name", "a b", "a space"),
    ("principal.name", "a/b", "letters A-Z a-z"),
    ("principal.name", "ümlaut", "letters A-Z a-z"),
    ("principal.name", "x" * 65, "at most 64"),
    ("principal.name", "a\n", "letters A-Z a-z"),
    ("principal.name", "a*", "letters A-Z a-z"),
    ("principal.name", "١", "letters A-Z a-z"),
    ("principal.name", True, "a text"),
    ("principal.attach", "group", "inline or managed"),
    ("principal.permissions_boundary", "boundary", "arn:aws:iam::123456789012:policy/boundary"),
    ("principal.permissions_boundary", "arn:aws:iam::12345:policy/b", "arn:aws:iam::123456789012:policy/boundary"),
    ("principal.permissions_boundary", "arn:aws:iam::123456789012:role/b", "ARN of a managed policy"),
    ("principal.permissions_boundary", "arn:aws:iam::123456789012:policy/", "ARN of a managed policy"),
    ("principal.permissions_boundary", "arn:aws:iam::123456789012:policy/b\n", "ARN of a managed policy"),
    ("principal.path", "", "begins and ends with /"),
    ("principal.path", "remotion", "begins and ends with /"),
    ("principal.path", "/remotion", "begins and ends with /"),
    ("principal.path", "remotion/", "begins and ends with /"),
    ("principal.path", "//", "begins and ends with /"),
    ("principal.path", "/a b/", "printable"),
    ("principal.path", "/" + "x" * 511 + "/", "begins and ends"),
    ("principal.tags", {"created-by": "me"}, "reserved"),
    ("principal.tags", {"Created-By": "me"}, "reserved"),
    ("principal.tags", {"aws:x": "1"}, "reserved"),
    ("principal.tags", {"AWS:x": "1"}, "reserved"),
    ("principal.tags", {"": "1"}, "1 to 128"),
    ("principal.tags", LONG_TAG, "1 to 128"),
    ("principal.tags", {"k": "v" * 257}, "256"),
    ("principal.tags", {"k": "a#b"}, "letters, digits, spaces"),
    ("principal.tags", {"k": "a\nb"}, "letters, digits, spaces"),
    ("principal.tags", {"k": 1}, "a table of texts"),
    ("principal.tags", ["k=v"], "a table of texts"),
    ("principal.tags", {"Team": "a", "team": "b"}, "upper and lower case"),
    ("principal.tags", {f"k{i}": "" for i in range(50)}, "at most 49"),
    ("render_role.name", "my role", "A role name can't contain a space"),
    ("render_role.name", "arn:aws:iam::1:role/x", "is not a role's ARN"),
    ("render_role.name", "Remotion-Lambda-Role", "exactly this name"),
    ("render_role.attach", "", "managed or inline"),
    ("credentials.write", "file", "env-file, aws-profile or none"),
    ("credentials.write", False, "env-file, aws-profile or none"),
    ("credentials.path", "", ".env"),
    ("credentials.path", "folder/", "Name a file in it"),
    ("credentials.path", "a\0b", "Control characters"),
    ("credentials.path", ".", "Name a file in it"),
    ("credentials.path", "config/..", "Name a file in it"),
    ("credentials.profile", "", "1 to 128"),
    ("credentials.profile", "a]", "without [ ]"),
    ("credentials.profile", "a#b", "without [ ]"),
    ("credentials.gitignore", "yes", "true or false"),
    ("credentials.gitignore", 1, "true or false"),
    ("quotas.concurrent_executions", "many", "a whole number"),
    ("quotas.concurrent_executions", 1.5, "a whole number"),
    ("quotas.concurrent_executions", True, "a whole number"),
]


@pytest.mark.parametrize(("key", "value", "says"), WRONG, ids=[f"{k}={str(v)[:30]!r}" for k, v, _ in WRONG])
def test_a_wrong_answer_is_refused_with_what_is_allowed(key: str, value: Any, says: str) -> None:
    message = FIELDS[key].problem(value)
    assert says in message
    assert len(message) < 500 or key == "remotion.regions"


RIGHT: list[tuple[str, Any]] = [
    ("remotion.version", "auto"),
    ("remotion.version", "3.0.0"),
    ("remotion.version", "v4.0.527"),
    ("remotion.version", "5.0.0-beta.1"),
    ("remotion.regions", ["cn-north-1", "cn-northwest-1"]),
    ("remotion.regions", ["us-gov-west-1"]),
    ("remotion.regions", ["eu-central-2"]),
    ("principal.name", "a"),
    ("principal.name", "x" * 64),
    ("principal.name", "a+b=c,d.e@f_g-h"),
    ("principal.path", "/"),
    ("principal.path", "/a/b/"),
    ("principal.path", "/" + "x" * 510 + "/"),
    ("principal.permissions_boundary", ""),
    ("principal.permissions_boundary", "arn:aws-cn:iam::123456789012:policy/team/b"),
    ("principal.permissions_boundary", "arn:aws:iam::aws:policy/PowerUserAccess"),
    ("principal.tags", {}),
    ("principal.tags", {"Équipe": "vidéo 1"}),
    ("principal.tags", {"k": ""}),
    ("principal.tags", {"k" * 128: "v" * 256}),
    ("credentials.path", ".env.local"),
    ("credentials.path", "/abs/.env"),
    ("credentials.path", "a b/.env"),
    ("credentials.profile", "remotion"),
    ("credentials.profile", "my profile"),
    ("identity.profile", ""),
    ("identity.profile", "Admin@acme"),
]


@pytest.mark.parametrize(("key", "value"), RIGHT)
def test_a_right_answer_is_taken(key: str, value: Any) -> None:
    assert FIELDS[key].problem(value) == ""


def test_every_default_is_right() -> None:
    assert {f.key: f.problem(f.default) for f in FIELDS.values() if f.problem(f.default)} == {}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=80),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=8,
)


@given(st.sampled_from(sorted(FIELDS)), json_values)
def test_no_value_of_any_type_makes_a_rule_fail(key: str, value: Any) -> None:
    assert isinstance(FIELDS[key].problem(value), str)


def test_a_number_that_python_can_not_print_is_refused() -> None:
    for key in FIELDS:
        FIELDS[key].problem(1 << 40_000)


def test_every_question_asks_for_a_field_and_every_choice_is_one_of_its_choices() -> None:
    offered: dict[str, set[str]] = {}
    for question in (question for step in STEPS for question in step.questions):
        assert question.field.key == question.key
        assert {c.value for c in question.choices} <= set(question.field.choices)
        offered.setdefault(question.key, set()).update(c.value for c in question.choices)
    assert {key: values for key, values in offered.items() if values != set(FIELDS[key].choices)} == {}
