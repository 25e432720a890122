"""Which credentials Remotion takes: each step of its code's order, what it shadows, and Remotion itself as the judge."""

from __future__ import annotations

import hashlib
import http.server
import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given as random
from hypothesis import strategies as st

from tests.engine.support import Place, env, onboard
from tests.sandbox import remotion_cli
from wizard.check.credentials_source import INSIDE, SKIP, Answer, Reader, answer, as_lines, look, to_json
from wizard.check.findings import Finding
from wizard.cli import main
from wizard.engine import Engine
from wizard.text import plain

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEK3Y"
KEYS = {
    name: f"AKIA{name.upper():A<12}{n:04}"
    for n, name in enumerate(("remotion", "aws", "dotenv", "file", "mine", "other"))
}


def remotion_keys(name: str = "remotion") -> dict[str, str]:
    return {"REMOTION_AWS_ACCESS_KEY_ID": KEYS[name], "REMOTION_AWS_SECRET_ACCESS_KEY": SECRET}


def aws_keys(name: str = "aws") -> dict[str, str]:
    return {"AWS_ACCESS_KEY_ID": KEYS[name], "AWS_SECRET_ACCESS_KEY": SECRET}


def section(title: str, key: str, more: str = "") -> str:
    return f"[{title}]\naws_access_key_id = {KEYS[key]}\naws_secret_access_key = {SECRET}\n{more}\n"


def write_env(place: Place, values: Mapping[str, str]) -> None:
    place.env.write_text("".join(f"{name}='{value}'\n" for name, value in values.items()))


def asked(place: Place, environment: Mapping[str, str], reader: Reader = "cli") -> Answer:
    """What Remotion takes in the test's project, with this environment and no instance role."""
    base = {"HOME": str(place.home), "AWS_EC2_METADATA_DISABLED": "true"}
    return answer(look(place.project, {**base, **environment}, NOW), reader)


def won(found: Answer) -> tuple[str, str]:
    assert found.winner is not None
    return found.winner.id, found.winner.access_key_id


def ids(found: Answer) -> set[str]:
    return {f.id.removeprefix("credentials.") for f in all_findings(found)}


def all_findings(found: Answer) -> list[Finding]:
    return [*found.findings, *(found.winner.findings if found.winner else ())]


# The order


STEPS: dict[str, dict[str, str]] = {
    "remotion-profile": {"REMOTION_AWS_PROFILE": "mine"},
    "remotion-keys": remotion_keys(),
    "aws-profile": {"AWS_PROFILE": "other"},
    "aws-keys": aws_keys(),
}


@pytest.fixture
def profiles(place: Place) -> None:
    place.aws_file("credentials", section("default", "file") + section("mine", "mine") + section("other", "other"))


@pytest.mark.usefixtures("profiles")
@pytest.mark.parametrize("first", STEPS)
def test_each_step_beats_all_that_come_after_it(place: Place, first: str) -> None:
    later = list(STEPS)[list(STEPS).index(first) :]
    given = {name: value for step in later for name, value in STEPS[step].items()}
    found = asked(place, given)
    assert won(found)[0] == first and found.ok
    assert [source.id for source in found.shadowed] == [*later[1:], "default-profile"]
    assert all("comes first" in source.why_not for source in found.shadowed)


@pytest.mark.usefixtures("profiles")
def test_without_any_variable_the_default_section_wins_and_it_is_told(place: Place) -> None:
    found = asked(place, {})
    assert won(found) == ("default-profile", KEYS["file"]) and found.ok
    assert "default-section" in ids(found)


def test_nothing_at_all_is_what_remotion_says(place: Place) -> None:
    found = asked(place, {})
    assert found.winner is None and not found.ok
    (finding,) = found.findings
    assert "AWS_ACCESS_KEY_ID or REMOTION_AWS_ACCESS_KEY_ID" in finding.detail


@pytest.mark.usefixtures("profiles")
@pytest.mark.parametrize("variable", [SKIP, INSIDE])
def test_without_the_check_remotions_own_variables_are_not_read(place: Place, variable: str) -> None:
    found = asked(place, {variable: "1", **remotion_keys(), **aws_keys(), "REMOTION_AWS_PROFILE": "mine"})
    assert won(found) == ("aws-keys", KEYS["aws"])
    assert [s.why_not.split(" ")[0] for s in found.shadowed if s.id.startswith("remotion")] == [variable, variable]
    found = asked(place, {variable: "1", **remotion_keys(), **aws_keys(), "AWS_PROFILE": "other"})
    assert won(found) == ("aws-profile", KEYS["other"])
    assert won(asked(place, {variable: "1", **remotion_keys()})) == ("default-profile", KEYS["file"])


def test_without_the_check_the_advice_about_default_names_what_the_sdk_reads(place: Place) -> None:
    place.aws_file("credentials", section("default", "file"))
    (told,) = [f for f in asked(place, {SKIP: "1", **remotion_keys()}).findings if f.id.endswith("default-section")]
    assert SKIP in told.remedy and "AWS_PROFILE" in told.remedy and "REMOTION_AWS_ACCESS_KEY_ID" not in told.remedy
    (told,) = [f for f in asked(place, {}).findings if f.id.endswith("default-section")]
    assert "REMOTION_AWS_ACCESS_KEY_ID" in told.remedy


def test_a_file_that_only_frameworks_load_is_told_to_the_cli_alone(place: Place) -> None:
    (place.project / ".env.local").write_text(f"REMOTION_AWS_ACCESS_KEY_ID={KEYS['dotenv']}\n")
    (place.project / ".env.production").write_text("AWS_REGION=us-east-1\n")
    (told,) = [f for f in asked(place, aws_keys()).findings if f.id.endswith("other-env-file")]
    assert told.title.startswith(".env.local holds") and KEYS["dotenv"] not in f"{told}"
    assert "other-env-file" not in ids(asked(place, aws_keys(), "node"))


def test_without_the_check_the_sdk_looks_at_roles_of_the_place_too(place: Place) -> None:
    token = {"AWS_WEB_IDENTITY_TOKEN_FILE": "/x", "AWS_ROLE_ARN": "arn:aws:iam::1:role/r"}
    assert won(asked(place, {SKIP: "1", **token}))[0] == "web-identity"
    assert won(asked(place, {SKIP: "1", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/x"}))[0] == "container"
    found = asked(place, {SKIP: "1", "AWS_EC2_METADATA_DISABLED": "false"})
    assert won(found)[0] == "instance" and "only-instance" in ids(found)
    assert asked(place, {SKIP: "1"}).winner is None


def test_the_text_default_is_enough_for_the_check_even_in_a_comment(place: Place) -> None:
    place.aws_file("credentials", "# no [default] here\n")
    found = asked(place, {"AWS_EC2_METADATA_DISABLED": ""})
    assert won(found)[0] == "instance" and "default-is-empty" in ids(found)


def test_default_in_the_config_file_alone_is_not_seen_by_the_check(place: Place) -> None:
    place.aws_file("config", section("default", "file"))
    found = asked(place, {})
    assert found.winner is None and "default-only-in-config" in ids(found)
    assert won(asked(place, {SKIP: "1"})) == ("default-profile", KEYS["file"])


# .env


@pytest.mark.usefixtures("profiles")
def test_the_cli_reads_env_and_node_does_not(place: Place) -> None:
    write_env(place, remotion_keys("dotenv"))
    assert won(asked(place, {}, "cli")) == ("remotion-keys", KEYS["dotenv"])
    node = asked(place, {}, "node")
    assert won(node) == ("default-profile", KEYS["file"]) and "env-file-not-read" in ids(node)


def test_env_overrides_nothing_that_is_set(place: Place) -> None:
    write_env(place, remotion_keys("dotenv"))
    found = asked(place, remotion_keys())
    assert won(found) == ("remotion-keys", KEYS["remotion"]) and "overridden" in ids(found)
    assert "in the environment" in found.winner.title if found.winner else False


def test_an_empty_variable_keeps_the_one_of_env_out(place: Place) -> None:
    write_env(place, remotion_keys("dotenv"))
    found = asked(place, {"REMOTION_AWS_ACCESS_KEY_ID": ""})
    assert found.winner is None
    assert {"overridden", "half-a-key"} <= ids(found)


@pytest.mark.usefixtures("profiles")
def test_keys_in_env_beat_a_profile_of_the_environment(place: Place) -> None:
    write_env(place, remotion_keys("dotenv"))
    found = asked(place, {"AWS_PROFILE": "mine"})
    assert won(found) == ("remotion-keys", KEYS["dotenv"])
    assert [source.profile for source in found.shadowed] == ["mine", "default"]


def test_a_profile_in_env_and_files_elsewhere_are_found(place: Place) -> None:
    (place.project / "keys").write_text(section("acme", "mine"))
    write_env(place, {"REMOTION_AWS_PROFILE": "acme", "AWS_SHARED_CREDENTIALS_FILE": "keys"})
    assert won(asked(place, {})) == ("remotion-profile", KEYS["mine"])
    (place.home / "there").write_text(section("acme", "other"))
    found = asked(place, {"AWS_CONFIG_FILE": "~/none", "AWS_SHARED_CREDENTIALS_FILE": "~/there"})
    assert won(found) == ("remotion-profile", KEYS["other"])


# What is wrong with them


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        ({"REMOTION_AWS_ACCESS_KEY_ID": "ASIA1234567890ABCDEF"}, "temporary-without-token"),
        ({"REMOTION_AWS_SESSION_TOKEN": "x" * 300}, "token-beside-long-term"),
        ({"REMOTION_AWS_SECRET_ACCESS_KEY": SECRET[:-1]}, "secret-damaged"),
        ({"REMOTION_AWS_SECRET_ACCESS_KEY": SECRET.replace("+", " ")}, "secret-damaged"),
        ({"REMOTION_AWS_SECRET_ACCESS_KEY": SECRET.replace("/", "%2F")}, "secret-damaged"),
        ({"REMOTION_AWS_SECRET_ACCESS_KEY": f'"{SECRET}"'}, "secret-damaged"),
        ({"REMOTION_AWS_SECRET_ACCESS_KEY": SECRET.replace("+", "-")}, "secret-damaged"),
        ({"REMOTION_AWS_SECRET_ACCESS_KEY": SECRET + "abc"}, "secret-damaged"),
        ({"REMOTION_AWS_PROFILE": "nobody"}, "profile-missing"),
    ],
)
def test_a_faulty_winner_does_not_hold(place: Place, change: dict[str, str], finding: str) -> None:
    found = asked(place, {**remotion_keys(), **change})
    assert finding in ids(found) and not found.ok


def test_a_whole_key_and_a_whole_temporary_key_hold(place: Place) -> None:
    assert asked(place, remotion_keys()).ok
    temporary = {"REMOTION_AWS_ACCESS_KEY_ID": "ASIA1234567890ABCDEF", "REMOTION_AWS_SESSION_TOKEN": "x" * 300}
    found = asked(place, {**remotion_keys(), **temporary})
    assert found.ok and found.winner is not None and found.winner.kind == "temporary key"


def test_a_key_id_of_another_provider_is_a_warning(place: Place) -> None:
    found = asked(place, {**remotion_keys(), "REMOTION_AWS_ACCESS_KEY_ID": "tid_abc"})
    assert found.ok and "key-id-form" in ids(found)


def test_credentials_that_have_expired_do_not_hold(place: Place) -> None:
    expired = {"AWS_ACCESS_KEY_ID": "ASIA1234567890ABCDEF", "AWS_SESSION_TOKEN": "x" * 300}
    expired["AWS_CREDENTIAL_EXPIRATION"] = "2026-11-21T11:59:59Z"
    assert "expired" in ids(asked(place, {**aws_keys(), **expired}))
    place.aws_file(
        "credentials", section("mine", "mine", "aws_session_token = x\naws_expiration = 2026-11-21T11:59:59+00:00")
    )
    assert "expired" in ids(asked(place, {"AWS_PROFILE": "mine"}))


def test_half_a_key_is_passed_over_and_told(place: Place) -> None:
    found = asked(place, {"REMOTION_AWS_ACCESS_KEY_ID": KEYS["remotion"], **aws_keys()})
    assert won(found)[0] == "aws-keys" and "half-a-key" in ids(found)
    crossed = {"REMOTION_AWS_ACCESS_KEY_ID": KEYS["remotion"], "AWS_SECRET_ACCESS_KEY": SECRET}
    assert asked(place, crossed).winner is None


# Profiles


SSO = (
    "[profile work]\nsso_session = acme\nsso_account_id = 111122223333\nsso_role_name = Admin\n"
    "[sso-session acme]\nsso_region = us-east-1\n"
)


def token(place: Place, name: str, **values: str) -> None:
    cache = place.home / ".aws" / "sso" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest()
    (cache / f"{digest}.json").write_text(json.dumps({"accessToken": SECRET, **values}))


def test_an_identity_center_profile_that_is_not_signed_in_names_the_command(place: Place) -> None:
    place.aws_file("config", SSO)
    found = asked(place, {"AWS_PROFILE": "work"})
    (finding,) = all_findings(found)
    assert not found.ok and finding.remedy == "Sign in: aws sso login --profile work"
    token(place, "acme", expiresAt="2026-11-21T11:00:00Z")
    assert "has expired" in all_findings(asked(place, {"AWS_PROFILE": "work"}))[0].title
    later = "2026-12-21T11:00:00Z"
    token(place, "acme", expiresAt="2026-11-21T11:00:00Z", refreshToken="r", registrationExpiresAt=later)
    assert asked(place, {"AWS_PROFILE": "work"}).ok
    token(place, "acme", expiresAt="2026-11-21T13:00:00UTC")
    assert asked(place, {"AWS_PROFILE": "work"}).ok


def test_an_identity_center_profile_without_its_session_says_so(place: Place) -> None:
    place.aws_file("config", SSO.partition("[sso-session")[0])
    assert "sso-session-missing" in ids(asked(place, {"AWS_PROFILE": "work"}))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("role_arn = arn:aws:iam::1:role/r\nsource_profile = base", "assumes arn:aws:iam::1:role/r"),
        ("role_arn = arn:aws:iam::1:role/r\nweb_identity_token_file = /x", "assumes arn:aws:iam::1:role/r"),
        ("credential_process = /bin/tool", "keys from a program (credential_process)"),
        ("login_session = x", "sign-in through the console (aws login)"),
        ("region = us-east-1", "no credentials"),
        ("s3 =\n  aws_access_key_id = AKIANESTED\nregion = us-east-1", "no credentials"),
    ],
)
def test_every_kind_of_profile_is_told(place: Place, text: str, kind: str) -> None:
    place.aws_file("config", f"[profile work]\n{text}\n[profile base]\nregion = x\n")
    found = asked(place, {"AWS_PROFILE": "work"})
    assert found.winner is not None and found.winner.kind == kind
    assert found.ok is (kind != "no credentials")


def test_a_role_whose_source_is_missing_does_not_hold(place: Place) -> None:
    place.aws_file("config", "[profile work]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = gone\n")
    assert "profile-missing" in ids(asked(place, {"AWS_PROFILE": "work"}))


def test_the_credentials_file_goes_over_the_config_file(place: Place) -> None:
    place.aws_file("config", section("profile work", "other"))
    assert won(asked(place, {"AWS_PROFILE": "work"}))[1] == KEYS["other"]
    place.aws_file("credentials", section("work", "mine"))
    assert won(asked(place, {"AWS_PROFILE": "work"}))[1] == KEYS["mine"]


@random(st.text(max_size=200), st.text(max_size=200), st.text(max_size=100))
def test_odd_files_do_no_harm_and_nothing_is_shown_that_a_terminal_obeys(
    credentials: str, config: str, profile: str
) -> None:
    from pathlib import Path
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        (Path(folder) / ".aws").mkdir()
        (Path(folder) / ".aws" / "credentials").write_text(f"[default]\n{credentials}", "utf-8", errors="replace")
        (Path(folder) / ".aws" / "config").write_text(f"[profile x]\n{config}", "utf-8", errors="replace")
        machine = look(Path(folder), {"HOME": folder, "AWS_PROFILE": profile.replace("\0", "")}, NOW)
        for line in as_lines(machine, [answer(machine, "cli"), answer(machine, "node")], False):
            assert line == plain(line)


# The command


@dataclass
class Ran:
    code: int
    out: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Any:
    def command(*arguments: str) -> Ran:
        capsys.readouterr()
        code = main(["credentials", "explain", *arguments])
        out = capsys.readouterr()
        assert "Traceback" not in out.err and SECRET not in out.out + out.err
        return Ran(code, out.out)

    return command


def test_the_command_ends_with_0_and_shows_no_secret(run: Any, place: Place) -> None:
    write_env(place, remotion_keys("dotenv"))
    done = run()
    assert done.code == 0 and "AKIA…0002" in done.out and "Node APIs do not read .env" in done.out
    assert KEYS["dotenv"] not in done.out


def test_the_command_ends_with_1_where_remotion_would_fail(run: Any, place: Place) -> None:
    assert run().code == 1
    write_env(place, {**remotion_keys(), "REMOTION_AWS_SECRET_ACCESS_KEY": SECRET[:-2]})
    done = run("--json")
    assert done.code == 1 and done.json["ok"] is False
    assert done.json["answers"]["cli"]["winner"]["findings"][0]["id"] == "credentials.secret-damaged"
    assert SECRET[:-2] not in done.out


def test_another_folder_is_looked_at_and_a_missing_one_ends_with_2(
    run: Any, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_env(place, remotion_keys())
    monkeypatch.chdir(place.home)
    assert run().code == 1
    assert run("--folder", "video").code == 0
    assert run("--folder", "nowhere").code == 2


def test_one_answer_is_given_where_both_readers_take_the_same(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in remotion_keys().items():
        monkeypatch.setenv(name, value)
    assert "Remotion's CLI and Node APIs:" in run().out


def test_aws_says_whose_the_credentials_are(run: Any, engine: Engine, place: Place) -> None:
    onboard(engine)
    done = run("--sandbox", "--ask-aws")
    assert done.code == 0, done.out
    assert "account 123456789012, arn:aws:iam::123456789012:user/remotion-user" in done.out
    assert env(place)["REMOTION_AWS_SECRET_ACCESS_KEY"] not in done.out


def test_a_key_that_aws_refuses_ends_with_1(run: Any, engine: Engine, place: Place) -> None:
    write_env(place, remotion_keys())
    done = run("--sandbox", "--ask-aws", "--json")
    assert done.code == 1
    assert done.json["answers"]["cli"]["winner"]["findings"][0]["id"] == "credentials.refused"


def test_aws_out_of_reach_ends_with_3_and_is_told(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**remotion_keys(), "AWS_PROFILE": "gone"}.items():
        monkeypatch.setenv(name, value)
    done = run("--ask-aws", "--endpoint-url", "http://127.0.0.1:9")
    assert done.code == 3 and "AWS could not be reached." in done.out


@dataclass
class Listener:
    """An endpoint that notes the access key ids that calls are signed with, and answers as STS."""

    url: str = ""
    seen: list[str] = field(default_factory=list)


@pytest.fixture
def listener() -> Iterator[Listener]:
    found = Listener()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            signed = re.search(r"Credential=(\w+)/", self.headers.get("Authorization") or "")
            found.seen.append(signed[1] if signed else "")
            asks = b"GetCallerIdentity" in self.rfile.read(int(self.headers.get("Content-Length") or 0))
            account = f"{int(found.seen[-1][-4:]) if found.seen[-1][-4:].isdigit() else 0:012}"
            body = f"<Arn>arn:aws:iam::{account}:user/x</Arn><Account>{account}</Account><UserId>A</UserId>"
            body = f"<GetCallerIdentityResult>{body}</GetCallerIdentityResult>"
            answered = f"<GetCallerIdentityResponse>{body}</GetCallerIdentityResponse>"
            self.send_response(200 if asks else 403)
            self.end_headers()
            self.wfile.write(answered.encode() if asks else b'{"Message": "no"}')

        do_GET = do_PUT = do_POST

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.usefixtures("profiles")
def test_another_account_behind_a_shadowed_source_is_told(
    run: Any, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**remotion_keys(), "AWS_PROFILE": "other"}.items():
        monkeypatch.setenv(name, value)
    done = run("--ask-aws", "--endpoint-url", listener.url, "--profile", "mine", "--json")
    assert done.code == 0
    told = [f["title"] for f in done.json["answers"]["cli"]["findings"] if f["id"] == "credentials.other-account"]
    assert len(told) == 3 and any("wizard's own identity is of account 000000000004" in title for title in told)
    assert set(listener.seen) == {KEYS["remotion"], KEYS["other"], KEYS["file"], KEYS["mine"]}


# Remotion itself


CASES: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "inside a Remotion function": ({INSIDE: "1", **remotion_keys(), **aws_keys()}, {}),
    "REMOTION_AWS_PROFILE": ({"REMOTION_AWS_PROFILE": "mine", **remotion_keys(), **aws_keys()}, {}),
    "REMOTION_ keys": ({**remotion_keys(), "AWS_PROFILE": "other", **aws_keys()}, {}),
    "AWS_PROFILE": ({"AWS_PROFILE": "other", **aws_keys()}, {}),
    "AWS_ keys": (aws_keys(), {}),
    "the [default] section": ({}, {}),
    "no check": ({SKIP: "1", **remotion_keys(), **aws_keys()}, {}),
    "no check, with a profile": ({SKIP: "1", **remotion_keys(), **aws_keys(), "AWS_PROFILE": "other"}, {}),
    "REMOTION_ keys in .env": ({"AWS_PROFILE": "other"}, remotion_keys("dotenv")),
    ".env overrides nothing": (remotion_keys(), remotion_keys("dotenv")),
    "an empty variable keeps .env out": ({"REMOTION_AWS_ACCESS_KEY_ID": "", **aws_keys()}, remotion_keys("dotenv")),
    "half a key": ({"REMOTION_AWS_ACCESS_KEY_ID": KEYS["remotion"], **aws_keys()}, {}),
}


@pytest.mark.thorough
@pytest.mark.contract
@pytest.mark.usefixtures("profiles")
@pytest.mark.parametrize("case", CASES)
def test_remotion_itself_signs_with_the_winner(place: Place, listener: Listener, case: str) -> None:
    try:
        tools = remotion_cli.folder()
    except remotion_cli.Unavailable as reason:
        pytest.skip(f"Remotion's CLI is not available: {reason}")
    environment, dotenv = CASES[case]
    write_env(place, dotenv)
    shutil.copy(tools / "package.json", place.project)
    (place.project / "node_modules").symlink_to(tools / "node_modules")
    base = {"PATH": os.environ["PATH"], "HOME": str(place.home), "AWS_EC2_METADATA_DISABLED": "true", "CI": "1"}
    machine = look(place.project, {**base, **environment})
    found = answer(machine, "cli")
    command = [shutil.which("npx") or "npx", "--no-install", "remotion", "lambda", "functions", "ls"]
    subprocess.run(
        command,
        cwd=place.project,
        env={**base, "AWS_ENDPOINT_URL": listener.url, "AWS_REGION": "us-east-1", **environment},
        capture_output=True,
        timeout=180,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert found.winner is not None
    assert set(listener.seen) == {found.winner.access_key_id}, to_json(machine, [found])
