"""A profile's keys are set in the shared credentials file, and every other line of it stays."""

from __future__ import annotations

import stat
from pathlib import Path

import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.support import Place
from wizard.handover.aws_profile import read_profile, set_profile, write_profile
from wizard.problem import ProblemError
from wizard.secret import Secret

KEYS = "aws_access_key_id = AKIANEW\naws_secret_access_key = s/1+=\n"


def changed(text: str) -> str:
    return set_profile(text, "remotion", "AKIANEW", "s/1+=")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", f"[remotion]\n{KEYS}"),
        ("[default]\nregion = x\n", f"[default]\nregion = x\n\n[remotion]\n{KEYS}"),
        ("[default]\nregion = x", f"[default]\nregion = x\n\n[remotion]\n{KEYS}"),
        ("# top\n\n", f"# top\n\n[remotion]\n{KEYS}"),
        ("[remotion]\n", f"[remotion]\n{KEYS}"),
        ("[remotion]", f"[remotion]\n{KEYS}"),
        (
            "[remotion]\naws_access_key_id=old\nregion=x\n# note\naws_secret_access_key : old\n",
            f"[remotion]\n{KEYS}region=x\n# note\n",
        ),
        (
            "[remotion]\nAWS_ACCESS_KEY_ID = old\naws_session_token = t\n[b]\naws_session_token = t\n",
            f"[remotion]\n{KEYS}[b]\naws_session_token = t\n",
        ),
        (
            "[remotion]\nregion = x\n[b]\nk = v\n[remotion]\naws_access_key_id = older\n",
            f"[remotion]\n{KEYS}region = x\n[b]\nk = v\n[remotion]\n",
        ),
        (
            "[remotion]\n  aws_access_key_id = old\n  region = x\n",
            "[remotion]\n  aws_access_key_id = AKIANEW\n  aws_secret_access_key = s/1+=\n  region = x\n",
        ),
        (
            "[remotion]\ns3 =\n  aws_access_key_id = nested\nregion = x\n",
            f"[remotion]\n{KEYS}s3 =\n  aws_access_key_id = nested\nregion = x\n",
        ),
        ("[remotion2]\naws_access_key_id = other\n", f"[remotion2]\naws_access_key_id = other\n\n[remotion]\n{KEYS}"),
        ("[profile remotion]\nregion = x\n", f"[profile remotion]\nregion = x\n\n[remotion]\n{KEYS}"),
        ("[a]\r\nk = v\r\n", "[a]\r\nk = v\r\n\r\n[remotion]\r\n" + KEYS.replace("\n", "\r\n")),
        ("[a]\nk = x\u2028y\x0cz\n", f"[a]\nk = x\u2028y\x0cz\n\n[remotion]\n{KEYS}"),
    ],
    ids=lambda text: repr(text)[:40],
)
def test_the_two_keys_are_set_and_the_rest_stays(text: str, expected: str) -> None:
    assert changed(text) == expected
    assert changed(expected) == expected


sections = st.lists(
    st.tuples(
        st.sampled_from(["default", "a", "profile b", "remotion"]),
        st.lists(
            st.sampled_from(
                [
                    "region = x",
                    "# note",
                    "; note",
                    "",
                    "output=json",
                    "aws_access_key_id = old",
                    "aws_session_token=t",
                    "s3 =\n  x = 1",
                    "k",
                ]
            ),
            max_size=4,
        ),
    ),
    max_size=4,
)


@given(sections, st.sampled_from(["", "  "]))
def test_other_sections_and_settings_mean_what_they_meant(made: list[tuple[str, list[str]]], indentation: str) -> None:
    text = "".join(f"[{name}]\n" + "".join(f"{indentation}{line}\n" for line in lines) for name, lines in made)
    new = changed(text)
    for name, lines in made:
        for line in lines:
            if name != "remotion" or not line.startswith("aws_"):
                assert line in new
    before, after = _parsed(text), _parsed(new)
    keys = {"aws_access_key_id": "AKIANEW", "aws_secret_access_key": "s/1+="}
    mine = {k: v for k, v in before.pop("remotion", {}).items() if not k.startswith("aws_")}
    assert after == {**before, "remotion": {**mine, **keys}}


def _parsed(text: str) -> dict[str, dict[str, str | None]]:
    import configparser

    parser = configparser.RawConfigParser(strict=False, default_section="\0", allow_no_value=True)
    parser.read_string(text)
    return {name: dict(parser.items(name)) for name in parser.sections()}


def test_what_is_written_is_what_aws_tools_read(place: Place) -> None:
    place.aws_file("credentials", "[default]\naws_access_key_id = AKIAOLD\naws_secret_access_key = old\n")
    write_profile(place.credentials, "remotion", "AKIANEW", Secret("s/1+="))
    for profile, key, secret in (("remotion", "AKIANEW", "s/1+="), ("default", "AKIAOLD", "old")):
        found = botocore.session.Session(profile=profile).get_credentials()
        assert found is not None
        assert (found.access_key, found.secret_key) == (key, secret)
    assert read_profile(place.credentials, "remotion") == {
        "aws_access_key_id": "AKIANEW",
        "aws_secret_access_key": "s/1+=",
    }
    assert read_profile(place.credentials, "nobody") is None


def test_a_new_file_and_its_folder_are_for_their_owner_only(place: Place) -> None:
    write_profile(place.credentials, "remotion", "AKIANEW", Secret("s"))
    assert stat.S_IMODE(place.credentials.stat().st_mode) == 0o600
    assert stat.S_IMODE(place.credentials.parent.stat().st_mode) == 0o700


def test_a_file_in_place_of_the_folder_is_a_problem_and_no_crash(place: Place) -> None:
    (place.home / ".aws").write_text("x")
    with pytest.raises(ProblemError) as caught:
        write_profile(place.credentials, "remotion", "AKIANEW", Secret("s"))
    assert "credentials" in str(caught.value.problem)


@pytest.mark.parametrize("text", ["no section = 1\n", "[open\n", "\ufeff[default]\n", "[]\n", "= =\n"])
def test_a_file_that_aws_tools_can_not_read_is_not_lost(place: Place, text: str) -> None:
    path = place.aws_file("credentials", text)
    assert read_profile(path, "remotion") is None
    write_profile(path, "remotion", "AKIANEW", Secret("s"))
    assert path.read_text("utf-8").startswith(text)


def test_percent_signs_are_no_interpolation(place: Place) -> None:
    path: Path = place.aws_file("credentials", "[remotion]\nx = %(y)s\n")
    assert read_profile(path, "remotion") == {"x": "%(y)s"}
