"""Every name that S3 refuses is refused with its own reason, before anything is changed; every name that it takes is taken."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.support import Sandboxed, account_state
from wizard import cli
from wizard.collect.answers import Answers, parse_answers
from wizard.collect.fields import FIELDS
from wizard.output.names import bucket_name_problem, prefix_problem
from wizard.problem import UsageProblem

WRONG = [
    ("", "can't be empty"),
    ("a", "at least 3 characters; this has 1"),
    ("ab", "at least 3 characters; this has 2"),
    ("a" * 64, "at most 63 characters; this has 64"),
    ("a" * 300, "this has 300"),
    ("My-Videos", "no capital letters. Is it my-videos?"),
    ("my_videos", "no underscore. Is it my-videos?"),
    ("My_Videos", "no capital letters. Is it my-videos?"),
    ("my videos", "no spaces"),
    (" my-videos", "no spaces"),
    ("my-videos ", "no spaces"),
    ("my-vidéos", "can't contain é"),
    ("my+videos", "can't contain +"),
    ("my@videos!", "can't contain ! and @"),
    ("my*videos", "can't contain *"),
    ("my?videos", "can't contain ?"),
    ("视频视频", "can't contain"),
    ("my-videos\n", "Control characters"),
    ("my\x00videos", "Control characters"),
    ("my\tvideos", "Control characters"),
    ("-my-videos", "can't begin with a hyphen"),
    (".my-videos", "can't begin with a period"),
    ("my-videos-", "can't end with a hyphen"),
    ("my-videos.", "can't end with a period"),
    ("my..videos", "two periods in a row"),
    ("192.168.5.4", "IP address"),
    ("1.1.1.1", "IP address"),
    ("999.999.999.999", "IP address"),
    ("xn--videos", "begin with xn--"),
    ("sthree-videos", "begin with sthree-"),
    ("sthree-configurator", "begin with sthree-"),
    ("amzn-s3-demo-bucket", "begin with amzn-s3-demo-"),
    ("my-videos-s3alias", "access point's alias"),
    ("my-videos--ol-s3", "Object Lambda"),
    ("my-videos.mrap", "Multi-Region"),
    ("my-videos--use1-az5--x-s3", "directory bucket"),
    ("my-videos--table-s3", "table bucket"),
    ("arn:aws:s3:::my-videos", "This is an ARN. Give the bucket's name alone: my-videos"),
    ("arn:aws:s3:::my-videos/renders/*", "name alone: my-videos"),
    ("s3://my-videos/renders/", "This is an address. Give the bucket's name alone: my-videos"),
    ("https://my-videos.s3.us-east-1.amazonaws.com/", "name alone: my-videos"),
    ("my-videos/renders/", "goes into output_bucket.prefix: renders/"),
    ("my-videos/", "has no slash"),
]
RIGHT = [
    "abc",
    "a" * 63,
    "my-videos",
    "my.videos",
    "0videos9",
    "111",
    "1.2.3",
    "1.2.3.4.5",
    "1.2.3.a",
    "a--b",
    "remotionlambda-useast1-abcdefghij",
    "xn-videos",
    "mrap",
    "videos-s3alias-2",
]


@pytest.mark.parametrize(("name", "reason"), WRONG)
def test_a_wrong_name_is_refused_with_its_own_reason(name: str, reason: str) -> None:
    assert reason in bucket_name_problem(name)
    if name:
        assert reason in FIELDS["output_bucket.name"].problem(name)
    assert reason in FIELDS["output_bucket.more"].problem([name])


def test_each_rule_has_a_message_of_its_own() -> None:
    rules = {re.sub(r"[\d,]+", "n", reason) for _, reason in WRONG}
    assert len({bucket_name_problem(name) for name, _ in WRONG}) >= len(rules)


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_name_is_taken(name: str) -> None:
    assert bucket_name_problem(name) == ""
    assert FIELDS["output_bucket.name"].problem(name) == ""


def test_a_wrong_name_changes_nothing(sandbox: Sandboxed) -> None:
    before, calls = account_state(sandbox.engine), len(sandbox.wire.calls)
    for name, _ in WRONG:
        answers = Answers().with_values({"output_bucket.name": name or " "}, "answers file")
        with pytest.raises(UsageProblem, match=r"output_bucket\.name"):
            sandbox.engine.discover(answers)
    assert len(sandbox.wire.calls) == calls
    assert account_state(sandbox.engine) == before


@pytest.mark.parametrize(("name", "reason"), WRONG[1:])
def test_the_answers_file_and_the_command_line_refuse_it_too(
    name: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    quoted = name.encode("unicode_escape").decode().replace("\\x", "\\u00")
    with pytest.raises(UsageProblem) as raised:
        parse_answers(f'version = 1\n[output_bucket]\nname = "{quoted}"')
    assert raised.value.problem.title.startswith("output_bucket.name: ")
    assert cli.main(["policies", "output-bucket", f"--bucket={name}"]) == 2
    assert capsys.readouterr().out == ""


@given(st.text(alphabet=st.sampled_from("ab1-.A_ /é"), max_size=8))
def test_no_name_that_is_taken_breaks_a_rule_of_s3(name: str) -> None:
    fine = re.fullmatch(r"[a-z0-9][a-z0-9.-]*[a-z0-9]", name) is not None and len(name) >= 3 and ".." not in name
    if not fine:
        assert bucket_name_problem(name)


@pytest.mark.parametrize("prefix", ["", "videos/", "videos", "a/b c/d", "customer-7/"])
def test_a_right_prefix_is_taken(prefix: str) -> None:
    assert prefix_problem(prefix) == ""


@pytest.mark.parametrize(
    ("prefix", "reason"),
    [
        ("/videos/", "does not begin with a slash"),
        ("s3://my-videos/x/", "behind the bucket's name"),
        ("videos/*", "can't contain *"),
        ("vid?os/", "can't contain ?"),
        ("${aws:username}/", "can't contain ${"),
        ("vidéos/", "printable ASCII"),
        ('a"b', "printable ASCII"),
        ("a\nb", "printable ASCII"),
        ("x" * 513, "has 513 characters"),
    ],
)
def test_a_wrong_prefix_is_refused_with_its_reason(prefix: str, reason: str) -> None:
    assert reason in prefix_problem(prefix)


def test_the_other_answers_are_refused_where_they_mean_nothing() -> None:
    def wrong(text: str) -> str:
        with pytest.raises(UsageProblem) as raised:
            parse_answers(f"version = 1\n[output_bucket]\n{text}")
        return raised.value.problem.title

    assert "name it in output_bucket.name" in wrong('grant = "put-object"')
    assert "name it in output_bucket.name" in wrong('prefix = "videos/"')
    assert "name it in output_bucket.name" in wrong("delete = true")
    assert "name the first one in output_bucket.name" in wrong('more = ["my-videos"]')
    assert "need not be named again" in wrong('name = "my-videos"\nmore = ["my-videos"]')
    assert "named twice" in wrong('name = "my-videos"\nmore = ["abc", "abc"]')
    assert "“B”: A bucket's name has at least 3" in wrong('name = "my-videos"\nmore = ["B"]')
    assert "output_bucket.grant = complete" in wrong('name = "my-videos"\ngrant = "put-object"\ndelete = true')
    assert "not a key's ARN" in wrong('name = "my-videos"\nkms_key = "alias/videos"')
    assert "complete or put-object" in wrong('name = "my-videos"\ngrant = "all"')
    assert "is not a text" in wrong('name = ["my-videos"]')
