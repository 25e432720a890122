"""The .env file is read as Remotion's dotenv reads it, and everything in it that is not ours stays byte for byte."""

from __future__ import annotations

import json
import os
import stat
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.support import GOLDEN
from wizard.handover.env_file import read_variables, set_variables, variables_of, write_variables
from wizard.problem import ProblemError
from wizard.secret import Secret

ID, KEY, PROFILE = "REMOTION_AWS_ACCESS_KEY_ID", "REMOTION_AWS_SECRET_ACCESS_KEY", "REMOTION_AWS_PROFILE"
NEW = {ID: "AKIANEW", KEY: "new/secret+1=", PROFILE: None}
DOTENV = json.loads((GOLDEN / "dotenv-17.3.1.json").read_text("utf-8"))


@pytest.mark.parametrize("case", DOTENV, ids=[repr(c["text"])[:40] for c in DOTENV])
def test_variables_are_read_as_dotenv_17_read_them(case: dict[str, object]) -> None:
    assert read_variables(str(case["text"])) == case["variables"]


def test_an_empty_file_gets_the_two_keys() -> None:
    assert set_variables("", NEW) == f"{ID}=AKIANEW\n{KEY}=new/secret+1=\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A=1\n", f"A=1\n{ID}=AKIANEW\n{KEY}=new/secret+1=\n"),
        ("A=1", f"A=1\n{ID}=AKIANEW\n{KEY}=new/secret+1=\n"),
        ("A=1\r\n", f"A=1\r\n{ID}=AKIANEW\r\n{KEY}=new/secret+1=\r\n"),
        ("# only a comment", f"# only a comment\n{ID}=AKIANEW\n{KEY}=new/secret+1=\n"),
        (f"{ID}=\n{KEY}=\nA=1\n", f"{ID}=AKIANEW\n{KEY}=new/secret+1=\nA=1\n"),
        (f"export {ID}='old'\nA=1\n", f"# export {ID}='old'\nexport {ID}=AKIANEW\nA=1\n{KEY}=new/secret+1=\n"),
        (f"  {ID} = old # mine\n", f"# {ID} = old # mine\n  {ID}=AKIANEW\n{KEY}=new/secret+1=\n"),
        (f"{ID}=AKIANEW\n{KEY}='new/secret+1='\n", f"{ID}=AKIANEW\n{KEY}='new/secret+1='\n"),
        (f"{ID}=a\nA=1\n{ID}=b\n", f"# {ID}=a\n{ID}=AKIANEW\nA=1\n# {ID}=b\n{KEY}=new/secret+1=\n"),
        (f"{ID}=old\n{ID}=AKIANEW\n", f"# {ID}=old\n{ID}=AKIANEW\n{KEY}=new/secret+1=\n"),
        (f"{PROFILE}=mine\n", f"# {PROFILE}=mine\n{ID}=AKIANEW\n{KEY}=new/secret+1=\n"),
        (f"A=1\n{PROFILE}=\nB=2\n", f"A=1\nB=2\n{ID}=AKIANEW\n{KEY}=new/secret+1=\n"),
        (f"{PROFILE}: mine\n", f"# {PROFILE}: mine\n{ID}=AKIANEW\n{KEY}=new/secret+1=\n"),
        (f"\ufeff{PROFILE}=mine\n", f"\ufeff# {PROFILE}=mine\n{ID}=AKIANEW\n{KEY}=new/secret+1=\n"),
        (f'{KEY}="a\nb"\nC=1\n', f'# {KEY}="a\n# b"\n{KEY}=new/secret+1=\nC=1\n{ID}=AKIANEW\n'),
        (f'PEM="x\n{ID}=inside\n"\n', f'PEM="x\n{ID}=inside\n"\n{ID}=AKIANEW\n{KEY}=new/secret+1=\n'),
        (f"# {ID}=commented\n", f"# {ID}=commented\n{ID}=AKIANEW\n{KEY}=new/secret+1=\n"),
        (f"MY_{ID}=1\n", f"MY_{ID}=1\n{ID}=AKIANEW\n{KEY}=new/secret+1=\n"),
        ("A:\n", f"A:\n\n{ID}=AKIANEW\n{KEY}=new/secret+1=\n"),
    ],
    ids=lambda text: repr(text)[:40],
)
def test_the_keys_are_set_and_what_was_there_stays_as_a_comment(text: str, expected: str) -> None:
    assert set_variables(text, NEW, set_aside=True) == expected
    found = read_variables(expected)
    assert (found[ID], found[KEY], PROFILE in found) == ("AKIANEW", "new/secret+1=", False)


def test_without_setting_aside_nothing_old_stays() -> None:
    assert set_variables(f"{ID}=old\nA=1\n", {ID: "AKIANEW"}) == f"{ID}=AKIANEW\nA=1\n"


lines = st.sampled_from(
    [
        "A=1",
        "export B='x y'",
        "# note",
        "",
        "   ",
        'C="quoted # not"',
        "D=`tick`",
        "E=x # why",
        "garbage",
        "F=\u2028x",
        "G=\x0cx",
        "H=\x85",
        "é=1",
        f"# {ID}=x",
        f"X{ID}=1",
        "I: colon",
        "J=a=b=c",
        "\ttabbed=1",
        "K='it'",
        "?nothing",
        "L=\x1c",
    ]
)
ours = st.sampled_from(
    [f"{ID}=old", f"export {ID}='old'", f"{KEY}=old", f"{PROFILE}=p", f"{ID}=AKIANEW", f'{KEY}="x"', f"{PROFILE}="]
)
ends = st.sampled_from(["\n", "\r\n", "\r"])


@given(st.lists(st.tuples(st.one_of(lines, ours), ends), max_size=12), st.booleans(), st.booleans(), st.booleans())
def test_every_line_that_is_not_ours_stays_byte_for_byte(
    made: list[tuple[str, str]], final: bool, mark: bool, set_aside: bool
) -> None:
    text = "".join(line + end for line, end in made)
    if made and not final:
        text = text[: -len(made[-1][1])]
    text = ("\ufeff" if mark else "") + text
    changed = set_variables(text, NEW, set_aside)
    before, after = read_variables(text), read_variables(changed)
    assert after == {k: v for k, v in before.items() if k not in NEW} | {ID: "AKIANEW", KEY: "new/secret+1="}
    position = 0
    for line, _ in made:
        if not any(read_variables(line).keys() & NEW.keys()):
            position = changed.index(line, position) + len(line)
    assert set_variables(changed, NEW, set_aside) == changed, "a second time changes nothing"
    if not any(read_variables(line).keys() & NEW.keys() for line, _ in made):
        assert changed.startswith(text)


@given(st.text(max_size=60))
def test_no_text_makes_it_fail_and_nothing_foreign_is_lost(text: str) -> None:
    changed = set_variables(text, NEW)
    after = read_variables(changed)
    if "\u2028" not in text and "\u2029" not in text:
        assert (after.get(ID), after.get(KEY)) == ("AKIANEW", "new/secret+1=")
    assert read_variables(text).items() <= after.items() | {(k, v) for k, v in read_variables(text).items() if k in NEW}


@given(
    st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=30)
    .map(str.strip)
    .filter(bool)
)
def test_a_profile_name_is_read_back_as_it_was(name: str) -> None:
    quotes = {"'", '"', "`"} & set(name)
    if "#" in name or (len(quotes) > 1 and name[0] in quotes) or len(quotes) == 3 or ("\\" in name and quotes):
        return  # not to be had in dotenv's language, or not a profile's name
    assert read_variables(set_variables("A=1\n", {PROFILE: name})) == {"A": "1", PROFILE: name}


def test_a_long_file_of_nothing_takes_no_time() -> None:
    began = time.process_time()
    for blank in ("\n", " ", "x\n", "A=" + " " * 50 + "x\n", "'\n", " \n"):
        set_variables(blank * 20_000, NEW)
    assert time.process_time() - began < 10


# The file


def test_a_new_file_is_for_its_owner_only_whatever_the_umask_says(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        write_variables(tmp_path / ".env", {KEY: Secret("s")})
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600


def test_a_file_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("A=1\n")
    path.chmod(0o644)
    write_variables(path, {KEY: Secret("s")})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert variables_of(path) == {"A": "1", KEY: "s"}


def test_a_link_is_followed_and_stays_a_link(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "env").write_text("A=1\n")
    (tmp_path / ".env").symlink_to(shared / "env")
    write_variables(tmp_path / ".env", {KEY: Secret("s")})
    assert (tmp_path / ".env").is_symlink()
    assert variables_of(shared / "env") == {"A": "1", KEY: "s"}
    assert sorted(p.name for p in shared.iterdir()) == ["env"]


def test_a_link_to_nowhere_makes_the_file_it_names(tmp_path: Path) -> None:
    (tmp_path / ".env").symlink_to(tmp_path / "later")
    write_variables(tmp_path / ".env", {KEY: Secret("s")})
    assert (tmp_path / "later").is_file() and (tmp_path / ".env").is_symlink()


def test_a_byte_order_mark_stays_and_does_not_hide_the_first_line(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_bytes(b"\xef\xbb\xbf" + f"{PROFILE}=old\r\nA=1\r\n".encode())
    assert variables_of(path)[PROFILE] == "old"
    write_variables(path, {PROFILE: None})
    assert path.read_bytes() == b"\xef\xbb\xbfA=1\r\n"


@pytest.mark.parametrize(
    "content",
    [b"A=\xff\n", "A=\xe9".encode("latin-1"), "A=1".encode("utf-16"), b"#" * 4_000_001],
    ids=["bytes", "latin-1", "utf-16", "huge"],
)
def test_a_file_that_is_no_text_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / ".env"
    path.write_bytes(content)
    with pytest.raises(ProblemError):
        write_variables(path, {KEY: Secret("s")})
    assert path.read_bytes() == content


@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_what_is_no_file_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / ".env"
    path.mkdir() if kind == "folder" else os.mkfifo(path)
    with pytest.raises(ProblemError):
        write_variables(path, {KEY: Secret("s")})
    assert [p.name for p in tmp_path.iterdir()] == [".env"]
