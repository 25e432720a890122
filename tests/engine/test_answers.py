"""Answers come in layers, the file that holds them is read strictly, and what is written is read back."""

from __future__ import annotations

import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wizard.collect.answers import Answers, parse_answers, parse_setting, read_answers, tags_from_text, tags_to_text
from wizard.collect.fields import FIELDS
from wizard.problem import ProblemError, UsageProblem
from wizard.remotion.regions import CHINA, ENABLED_BY_DEFAULT, OPT_IN


def refusal(text: str) -> str:
    with pytest.raises(UsageProblem) as caught:
        parse_answers(text)
    assert caught.value.exit_code == 2
    return str(caught.value.problem)


def test_the_file_of_the_documentation_is_read() -> None:
    text = """
        version = 1
        [remotion]
        version = "4.0.527"
        regions = ["us-east-1"]
        [principal]
        kind = "user"
        name = "remotion-user"
        attach = "inline"
        permissions_boundary = ""
        path = "/"
        [principal.tags]
        team = "video"
        [render_role]
        name = "remotion-lambda-role"
        attach = "managed"
        [credentials]
        write = "env-file"
        path = ".env"
        [extras]
        insights = false
        vpc = false
        custom_layer_arns = []
        aws_managed_policies = []
        operator = []
    """
    values = parse_answers(text)
    assert values["principal.tags"] == {"team": "video"}
    assert values["remotion.regions"] == ["us-east-1"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "version = 1"),
        ("version = 2", "version: 2 is not known. Allowed: 1"),
        ('version = "1"', "version: 1 is not known"),
        ("version = true", "is not known"),
        ("version = []", "is not known"),
        ("version = 1.0", "is not known"),
        ("version = 1\n[principle]", "Did you mean principal?"),
        ("version = 1\n[Principal]", "Did you mean principal?"),
        ("version = 1\n[x]", "Allowed: start, identity, remotion"),
        ('version = 1\n[principal]\nnmae = "x"', "principal.nmae: there is no such key. Did you mean principal.name?"),
        ('version = 1\n[principal]\nfunction = "my-api"', "principal.function"),
        ('version = 1\n[principal]\nname = ["x"]', "principal.name"),
        ("version = 1\n[principal]\nname = 1979-05-27", "principal.name"),
        ('version = 1\n[principal.name]\nx = "y"', "principal.name"),
        ("version = 1\nprincipal = 3", "principal: this must be a table: [principal]"),
        ("version = 1\n[[principal]]", "this must be a table"),
        ('version = 1\n[remotion]\nregions = "us-east-1"', "a list of regions"),
        ('version = 1\n[principal]\nkind = "robot"', "Allowed: user or role"),
        ('version = 1\n[principal]\nkind = "role"\nname = ""', "Name the role: its name or ARN"),
        ('version = 1\n[principal]\nkind = "role"\nname = "x"\nfunction = "y"', "not both"),
        ('version = 1\n[principal]\nfunction = "y"', "goes with principal.kind = role"),
        ('version = 1\n[principal]\nassumed_by = "y"', "goes with principal.kind = role"),
        ('version = 1\n[principal]\nkind = "role"\nname = "x"\nassumed_by = "x"', "can't be its own"),
        ('version = 1\n[principal]\nkind = "role"\nname = "x"\npath = "/y/"', "keeps what it has"),
        ('version = 1\n[principal]\nkind = "role"\nname = "x"\n[credentials]\nwrite = "env-file"', "Allowed with"),
        ('version = 1\n[principal]\nkind = "role"\nname = "x"\nservice = "ec2"\nfunction = "y"', "runs in AWS Lambda"),
        ('version = 1\n[extras]\noperator_principal = "user/ada"', "name some in extras.operator"),
        ('version = 1\n[output_bucket]\nname = "b"', "output_bucket.name"),
        ("version = 1\n[quotas]\nconcurrent_executions = -5", "Allowed: 1 to 100,000"),
        ("version 1", "This is not TOML"),
        ("version = 1\nversion = 1", "This is not TOML"),
        ("{}", "This is not TOML"),
        ("version = 1\n[principal]\nname = 'a\x07b'", "This is not TOML"),
        ('version = 1\n[principal]\nname = "a\\u0007b"', "principal.name"),
        ('version = 1\n[credentials]\npath = "a\\u0000b"', "Control characters"),
        ("version = 1\nx = " + "[" * 5000, "nested too deeply"),
        ("version = 1\n[principal]\nname." + ".".join("a" * 3000) + " = 1", "principal.name"),
        ("version = 1\n[quotas]\nconcurrent_executions = " + "9" * 5000, "TOML"),
        ("version = 0x" + "f" * 5000, "version"),
        ("version = 1\n[principal]\nname = 0x" + "f" * 5000, "principal.name"),
    ],
    ids=lambda text: repr(text[:40]),
)
def test_a_file_that_is_wrong_is_refused_with_the_key_and_what_is_allowed(text: str, says: str) -> None:
    message = refusal(text)
    assert says in message
    assert len(message) < 900


def test_a_message_holds_no_control_characters() -> None:
    assert "\x1b" not in refusal('version = 1\n["a\\u001b[31mb"]') and "\u202e" not in refusal(
        'version = 1\n["\u202ex"]'
    )


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("version = 1\n# \xe9".encode("latin-1"), "not UTF-8 text (byte 14)"),
        (b"\xff\xfev\x00", "not UTF-8"),
        (b"version = 1\n" + b"#" * 1_000_001, "too large"),
        (b"version = 1\n\x00", "not TOML"),
        (b"", "version is missing"),
    ],
)
def test_bytes_that_are_no_answers_file_are_refused_by_name(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "answers.toml"
    path.write_bytes(content)
    with pytest.raises(UsageProblem) as caught:
        read_answers(path)
    assert says in caught.value.problem.title
    assert str(path) in caught.value.problem.title


def test_a_byte_order_mark_and_windows_line_ends_are_read(tmp_path: Path) -> None:
    path = tmp_path / "answers.toml"
    path.write_bytes(b'\xef\xbb\xbfversion = 1\r\n[principal]\r\nname = "ada"\r\n')
    assert read_answers(path) == {"principal.name": "ada"}


@pytest.mark.parametrize(
    "name", ["missing.toml", "folder", "a\0b", "x" * 5000], ids=["missing", "folder", "nul", "long"]
)
def test_a_file_that_can_not_be_read_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(UsageProblem):
        read_answers(tmp_path / name)


@given(st.text(max_size=200))
def test_no_text_makes_the_reader_fail(text: str) -> None:
    try:
        parse_answers(text)
    except ProblemError as error:
        assert error.exit_code == 2


# Single settings


@pytest.mark.parametrize(
    ("setting", "key", "value"),
    [
        ("principal.name=ada", "principal.name", "ada"),
        (" principal.name =a=b", "principal.name", "a=b"),
        ("remotion.regions=us-east-1, eu-west-1,", "remotion.regions", ["us-east-1", "eu-west-1"]),
        ("credentials.gitignore=No", "credentials.gitignore", False),
        ("credentials.gitignore=on", "credentials.gitignore", True),
        ("principal.tags=team=video, stage = prod", "principal.tags", {"team": "video", "stage": "prod"}),
        ("principal.tags=", "principal.tags", {}),
        ("principal.permissions_boundary=", "principal.permissions_boundary", ""),
        ("quotas.concurrent_executions=0", "quotas.concurrent_executions", 0),
    ],
)
def test_one_setting_is_read(setting: str, key: str, value: Any) -> None:
    assert parse_setting(setting) == (key, value)


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("", "KEY=VALUE"),
        ("principal.name", "KEY=VALUE"),
        ("principal.nam=x", "Did you mean principal.name?"),
        ("=x", "no such key"),
        ("principal.name=", "can't be empty"),
        ("remotion.regions=", "at least one"),
        ("remotion.regions=mars", "Allowed"),
        ("credentials.gitignore=maybe", "true or false"),
        ("quotas.concurrent_executions=many", "a whole number"),
        ("quotas.concurrent_executions=1e3", "a whole number"),
        ("principal.tags=team", "a table"),
        ("principal.tags==v", "a table"),
        ("version=1", "no such key"),
        ("principal.name=\x1b[31m", "can't contain"),
    ],
)
def test_a_wrong_setting_is_refused_by_its_name(setting: str, says: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        parse_setting(setting)
    assert says in caught.value.problem.title
    assert "\x1b" not in str(caught.value.problem)


# Layers


def test_a_stronger_layer_stands_over_a_weaker_one_whatever_came_first() -> None:
    answers = Answers().with_values({"principal.name": "mine"}, "you")
    answers = answers.with_defaults({"principal.name": "found", "principal.path": "/found/"}, "project")
    assert (answers.text("principal.name"), answers.origin("principal.name")) == ("mine", "you")
    assert (answers.text("principal.path"), answers.origin("principal.path")) == ("/found/", "project")
    answers = answers.with_values({"principal.path": "/file/"}, "answers file")
    assert answers.with_defaults({"principal.path": "/x/"}, "project").text("principal.path") == "/file/"
    assert answers.origin("remotion.version") == "default"
    assert answers.text("remotion.version") == "auto"


def test_answers_are_replaced_and_never_changed() -> None:
    first = Answers()
    second = first.with_values({"principal.name": "ada"}, "you")
    assert first.text("principal.name") == "remotion-user" and second.text("principal.name") == "ada"


def test_all_wrong_answers_are_named_at_once() -> None:
    answers = Answers().with_values({"principal.name": "", "principal.path": "x"}, "you")
    with pytest.raises(UsageProblem) as caught:
        answers.require_valid()
    assert "principal.name" in caught.value.problem.title and "principal.path" in caught.value.problem.title
    assert set(answers.problems()) == {"principal.name", "principal.path"}
    Answers().require_valid()


# Round trip

printable = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=30)
names = st.text(string.ascii_letters + string.digits + "+=,.@_-", min_size=1, max_size=64)
tag_text = st.text(st.characters(categories=["L", "Nd"], include_characters="_.:/=+-@ "), max_size=30)
RIGHT: dict[str, st.SearchStrategy[Any]] = {
    "start.goal": st.sampled_from(["new", "change", "diagnose"]),
    "identity.profile": names,
    "remotion.project": printable.filter(str.strip),
    "remotion.version": st.sampled_from(["auto", "4.0.527", "3.0.0", "5.1.2-rc.1"]),
    "remotion.regions": st.lists(st.sampled_from([*ENABLED_BY_DEFAULT, *OPT_IN]), min_size=1, max_size=5, unique=True)
    | st.lists(st.sampled_from(CHINA), min_size=1, unique=True),
    "principal.name": names,
    "principal.attach": st.sampled_from(["inline", "managed"]),
    "principal.permissions_boundary": st.sampled_from(["", "arn:aws:iam::123456789012:policy/b"]),
    "principal.path": st.sampled_from(["/", "/a/", '/"#/']),
    "principal.tags": st.dictionaries(tag_text.filter(lambda t: bool(t.strip())), tag_text, max_size=4),
    "render_role.attach": st.sampled_from(["inline", "managed"]),
    "credentials.write": st.sampled_from(["env-file", "aws-profile", "none"]),
    "credentials.path": printable.filter(str.strip),
    "credentials.profile": names,
    "credentials.gitignore": st.booleans(),
}


@settings(deadline=None)
@given(st.fixed_dictionaries({}, optional=RIGHT))
def test_what_is_saved_is_read_back(values: dict[str, Any]) -> None:
    answers = Answers().with_values(values, "you")
    if answers.problems():  # such as a tag key that is reserved
        return
    again = Answers().with_values(parse_answers(answers.to_toml()), "answers file")
    assert {key: again[key] for key in FIELDS} == {key: answers[key] for key in FIELDS}
    assert again.to_toml() == answers.to_toml()


def test_the_saved_file_says_that_it_holds_no_secret_and_names_what_matters() -> None:
    text = Answers().to_toml()
    assert "holds no secret" in text and 'name = "remotion-user"' in text and text.startswith("#")
    assert parse_answers(text)["render_role.name"] == "remotion-lambda-role"


@given(st.dictionaries(st.text(string.ascii_letters, min_size=1), st.text(string.ascii_letters + "=/ ").map(str.strip)))
def test_tags_are_read_as_they_are_shown(tags: dict[str, str]) -> None:
    assert tags_from_text(tags_to_text(tags)) == tags
