"""Which credentials this machine has is read from odd files without falling over, and no secret is shown."""

from __future__ import annotations

import pytest

from tests.engine.support import Place
from wizard.account.profiles import credential_choices
from wizard.engine import Engine, Options


def named() -> dict[str, str]:
    return {c.profile or c.label: c.detail for c in credential_choices()}


def test_a_machine_without_anything_has_the_default_chain() -> None:
    (only,) = credential_choices()
    assert (only.profile, only.label) == ("", "default credentials")


def test_the_environment_comes_first_and_shows_no_secret(monkeypatch: pytest.MonkeyPatch, place: Place) -> None:
    place.aws_file("credentials", "[default]\naws_access_key_id = AKIA1234567890ABCDEF\naws_secret_access_key = hush\n")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ASIA1234567890ABCDEF")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush")
    choices = credential_choices()
    assert choices[0].label == "environment variables" and "temporary" in choices[0].detail
    assert "ASIA…CDEF" in choices[0].detail and "hush" not in repr(choices)


def test_every_kind_of_profile_is_told_in_a_few_words(place: Place) -> None:
    place.aws_file(
        "credentials", "[plain]\naws_access_key_id=AKIA1234567890ABCDEF\naws_secret_access_key=hush\n[empty]\n"
    )
    place.aws_file(
        "config",
        "[default]\nregion = eu-west-1\n[profile sso]\nsso_session = acme\nsso_role_name = Admin\nregion = us-east-1\n"
        "[sso-session acme]\nsso_start_url = https://acme.awsapps.com/"
        "start\n[services local]\niam =\n  endpoint_url = http://x\n"
        "[profile taken]\nrole_arn = arn:aws:iam::123456789012:role/team/Deploy\nsource_profile = plain\n"
        "[profile made]\ncredential_process = /bin/tool --secret hush\n"
        "[profile plain]\nregion = sa-east-1\n[profile old]\nsso_start_url = x\n",
    )
    assert named() == {
        "plain": "key AKIA…CDEF",
        "empty": "no credentials in this profile",
        "default": "no credentials in this profile, eu-west-1",
        "sso": "Identity Center, Admin, us-east-1",
        "taken": "assumes Deploy",
        "made": "from a program",
        "old": "Identity Center, role",
    }


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no section = 1",
        "[open",
        "\x00\x01",
        "[a]\n[a]\nk=1\n",
        "[a]\nk\n",
        "[a]\nk = 1\nk = 2\n",
        "\ufeff[a]\n",
        "[]\n",
        "= 1",
        "[DEFAULT]\nk=1\n",
        "[profile ]\n",
        "[" + "x" * 5000 + "]\n",
        "[a%(b)s]\nx=%(y)s\n",
        "[a]\naws_access_key_id=\n",
        "[a]\nrole_arn=\n",
    ],
    ids=lambda text: repr(text[:20]),
)
@pytest.mark.parametrize("name", ["credentials", "config"])
def test_an_odd_file_does_no_harm(place: Place, name: str, text: str) -> None:
    place.aws_file(name, text)
    assert credential_choices()


def test_files_that_are_no_text_or_folders_do_no_harm(place: Place) -> None:
    place.aws_file("credentials", "").write_bytes(b"[a]\nx=\xff\xfe\n")
    (place.home / ".aws" / "config").mkdir()
    assert list(named()) == ["a"]


def test_the_environment_says_where_the_files_are(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    other = place.home / "elsewhere"
    other.write_text("[there]\naws_access_key_id = AKIA1234567890ABCDEF\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "~/elsewhere")
    assert list(named()) == ["there"]


def test_names_are_shown_without_what_a_terminal_would_obey(place: Place) -> None:
    place.aws_file("config", "[profile a]\nsso_session=x\nsso_role_name = \x1b[31mred\u202e\n")
    assert named()["a"] == "Identity Center, red"


def test_the_sandbox_needs_no_credentials(place: Place) -> None:
    (only,) = Engine(Options(sandbox="fresh", folder=place.project)).credential_choices()
    assert "administrator" in only.label
