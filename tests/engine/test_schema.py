"""The JSON Schema of the answers file fits what the wizard reads and writes; what is saved replays to the same plan."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.test_kept import VALUES
from tests.screens.support import FakeEngine
from wizard.cli import main
from wizard.collect.answers import Answers, parse_answers, read_answers
from wizard.collect.fields import FIELDS, SERVICES
from wizard.collect.schema import answers_schema
from wizard.plan.build import build_plan
from wizard.problem import ProblemError
from wizard.remotion.operators import IDS
from wizard.remotion.regions import SUPPORTED

FILES = sorted((Path(__file__).parents[1] / "answers").glob("*.toml"))
SCHEMA = answers_schema()
_TYPES: dict[str, Any] = {"string": str, "boolean": bool, "integer": int, "array": list, "object": dict}


def wrong(value: Any, schema: dict[str, Any], path: str = "") -> list[str]:
    """What the schema says against a value: the part of JSON Schema that the answers' schema uses, and no more."""
    unknown = set(schema) - KEYWORDS
    assert not unknown, f"this check does not know {unknown}"
    kind = _TYPES.get(schema.get("type", ""))
    if kind is not None and (not isinstance(value, kind) or (kind is int and isinstance(value, bool))):
        return [f"{path}: not a {schema['type']}"]
    said = [f"{path}: not allowed"] if "enum" in schema and value not in schema["enum"] else []
    if "anyOf" in schema and all(wrong(value, one, path) for one in schema["anyOf"]):
        said.append(f"{path}: none of these")
    if isinstance(value, str):
        said += [f"{path}: pattern"] if not re.search(schema.get("pattern", ""), value, re.ASCII) else []
        said += [f"{path}: too long"] if len(value) > schema.get("maxLength", len(value)) else []
    elif isinstance(value, list):
        said += [f"{path}: too few"] if len(value) < schema.get("minItems", 0) else []
        said += [f"{path}: twice"] if schema.get("uniqueItems") and len(set(value)) < len(value) else []
        said += [w for n, one in enumerate(value) for w in wrong(one, schema.get("items", {}), f"{path}[{n}]")]
    elif isinstance(value, dict):
        properties, others = schema.get("properties", {}), schema.get("additionalProperties", True)
        said += [f"{path}: no {key}" for key in schema.get("required", ()) if key not in value]
        said += [f"{path}: too many"] if len(value) > schema.get("maxProperties", len(value)) else []
        for key, one in value.items():
            if key in properties or isinstance(others, dict):
                said += wrong(one, properties.get(key, others), f"{path}.{key}")
            elif others is False:
                said.append(f"{path}: {key} is unknown")
    elif isinstance(value, int):
        said += [f"{path}: range"] if not schema.get("minimum", value) <= value <= schema.get("maximum", value) else []
    return said


KEYWORDS = {"$schema", "title", "description", "default", "examples", "type", "enum", "anyOf", "pattern", "maxLength"} | {
    "minItems", "uniqueItems", "items", "properties", "additionalProperties", "required", "maxProperties", "minimum",
    "maximum",
}  # fmt: skip

ARN = "arn:aws:iam::123456789012:policy/x"
RIGHT: dict[str, list[Any]] = {
    "start.goal": ["new", "change"],
    "identity.profile": ["", "work"],
    "remotion.project": [".", "videos/mine", 'a "b" \\c'],
    "remotion.version": ["auto", "4.0.400", "v4.0.527", "3.3.0"],
    "remotion.regions": [[region] for region in SUPPORTED[:3]] + [["eu-west-1", "us-east-1"]],
    "principal.name": ["remotion-user", "ada", "a+b=c,d.e@f-g_h", "arn:aws:iam::123456789012:role/api/video"],
    "principal.assumed_by": ["", "server", "arn:aws:iam::123456789012:role/server"],
    "principal.service": list(SERVICES),
    "principal.take_away": [[], ["AdministratorAccess", ARN]],
    "principal.permissions_boundary": ["", ARN],
    "principal.path": ["/", "/remotion/"],
    "principal.tags": [{}, {"team": "video", "größe": "1 + 1 = 2"}],
    "render_role.name": ["remotion-lambda-role", "acme"],
    "output_bucket.name": ["", "acme-videos"],
    "output_bucket.more": [[], ["acme-videos.2", "0-1"]],
    "output_bucket.prefix": ["", "videos/", "a [b] {c}/(d)'!#$&+,:;=@"],
    "quotas.concurrent_executions": [0, 1000],
    "credentials.path": [".env", ".env.local", 'a b/é😀"\\.env', "/x"],
    "rotate.replace": ["", "AKIAIOSFODNN7EXAMPLE"],
    "undo.run": ["", "everything", "2026-11-21-1"],
    "credentials.profile": ["remotion", "größe 1"],
    "extras.custom_layer_arns": [[], ["arn:aws:lambda:us-east-1:111122223333:layer:chromium:5"]],
    "extras.aws_managed_policies": [
        [],
        ["AWSLambda_ReadOnlyAccess", "awslambdarole", "AWSLambdaFullAccess"],
        ["arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"],
    ],
    "extras.operator_principal": ["", "user/ada", "role/a+b"],
    "extras.operator": [[], list(IDS)],
}


def right_values(key: str) -> st.SearchStrategy[Any]:
    spec = FIELDS[key]
    return st.sampled_from(
        RIGHT.get(key) or list(spec.choices) or ([True, False] if spec.kind == "flag" else [spec.default])
    )


RIGHT_ANSWERS = (
    st.sets(st.sampled_from(sorted(FIELDS)), max_size=8)
    .flatmap(lambda keys: st.fixed_dictionaries({key: right_values(key) for key in keys}))
    .map(lambda values: Answers().with_values(values, "you"))
)


def effective(answers: Answers) -> dict[str, Any]:
    return {key: answers[key] for key in FIELDS}


def plan_of(answers: Answers, folder: Path) -> Any:
    """The plan on one and the same account, or why there is none."""
    try:
        return build_plan(answers, FakeEngine(folder).discover(answers)).to_json()
    except ProblemError as error:
        return str(error.problem)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_answers_file_fits_the_schema_and_saving_it_changes_nothing(path: Path, tmp_path: Path) -> None:
    assert wrong(tomllib.loads(path.read_text()), SCHEMA) == []
    answers = Answers().with_values(read_answers(path), "answers file")
    saved = answers.to_toml()
    assert wrong(tomllib.loads(saved), SCHEMA) == []
    replayed = Answers().with_values(parse_answers(saved), "answers file")
    assert effective(replayed) == effective(answers)
    assert plan_of(replayed, tmp_path) == plan_of(answers, tmp_path)


@settings(max_examples=40)
@given(RIGHT_ANSWERS)
def test_whatever_is_right_is_saved_fits_the_schema_and_replays_to_the_same_plan(
    tmp_path_factory: pytest.TempPathFactory, answers: Answers
) -> None:
    saved = answers.to_toml()
    assert wrong(tomllib.loads(saved), SCHEMA) == []
    if answers.problems():
        return  # each is right by itself, but not beside the others: such answers are not let through to be saved
    replayed = Answers().with_values(parse_answers(saved), "answers file")
    assert replayed.problems() == {} and replayed.to_toml() == saved
    folder = tmp_path_factory.getbasetemp()
    assert plan_of(replayed, folder) == plan_of(answers, folder)


@settings(max_examples=100)
@given(st.sampled_from(sorted(FIELDS)), st.data())
def test_the_schema_refuses_nothing_that_the_wizard_takes(key: str, data: st.DataObject) -> None:
    value = data.draw(st.one_of(right_values(key), VALUES[FIELDS[key].kind]))
    table, name = key.split(".")
    if not FIELDS[key].problem(value):
        assert wrong({"version": 1, table: {name: value}}, SCHEMA) == []


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"version": 2},
        {"version": "1"},
        {"version": True},
        {"version": 1, "secret": {}},
        {"version": 1, "principal": {"nam": "ada"}},
        {"version": 1, "principal": "ada"},
        {"version": 1, "principal": {"name": 3}},
        {"version": 1, "principal": {"kind": "group"}},
        {"version": 1, "principal": {"path": "remotion"}},
        {"version": 1, "principal": {"tags": {"team": 1}}},
        {"version": 1, "remotion": {"regions": []}},
        {"version": 1, "remotion": {"regions": ["eu-west-9"]}},
        {"version": 1, "remotion": {"regions": "us-east-1"}},
        {"version": 1, "remotion": {"version": "4"}},
        {"version": 1, "quotas": {"concurrent_executions": -1}},
        {"version": 1, "extras": {"vpc": "yes"}},
        {"version": 1, "extras": {"operator": ["drop-tables"]}},
        {"version": 1, "credentials": {"profile": "a]b"}},
        {"version": 1, "credentials": {"path": "config/"}},
        {"version": 1, "remotion": {"project": " "}},
        {"version": 1, "principal": {"name": "a b"}},
        {"version": 1, "render_role": {"name": "arn:aws:iam::12:role/x"}},
        {"version": 1, "output_bucket": {"name": "My-Videos"}},
        {"version": 1, "output_bucket": {"more": ["ab"]}},
        {"version": 1, "output_bucket": {"prefix": "/videos"}},
        {"version": 1, "rotate": {"replace": "x"}},
        {"version": 1, "undo": {"run": "yesterday"}},
        {"version": 1, "extras": {"custom_layer_arns": ["arn:aws:lambda:us-east-1:123456789012:layer:x"]}},
        {"version": 1, "extras": {"aws_managed_policies": ["AdministratorAccess"]}},
        {"version": 1, "extras": {"operator_principal": "group/ada"}},
    ],
    ids=json.dumps,
)
def test_the_schema_marks_what_the_wizard_refuses(document: dict[str, Any]) -> None:
    assert wrong(document, SCHEMA)


def test_the_program_prints_the_schema_and_says_what_answers_come_to(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["answers", "schema"]) == 0
    assert json.loads(capsys.readouterr().out) == SCHEMA
    file = tmp_path / "answers.toml"
    file.write_text('#:schema ./schema.json\nversion = 1\n[principal]\nname = "ada"\nattach = "managed"\n')
    assert main(["answers", "check", str(file), "--set", "principal.name=bob"]) == 0
    shown = capsys.readouterr().out
    assert 'principal.name = "bob"   (--set)\n' in shown
    assert 'principal.attach = "managed"   (the answers file)\n' in shown
    assert 'render_role.attach = "managed"   (default)\n' in shown
    file.write_text("version = 1\n[principal]\nnam = 1\n")
    assert main(["answers", "check", str(file)]) == 2
    assert "principal.nam: there is no such key. Did you mean principal.name?" in capsys.readouterr().err
