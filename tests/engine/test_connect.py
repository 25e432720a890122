"""Signing in: what keeps it from working ends with exit code 3 and the command that mends it; AWS's own hosts only."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.engine.support import Place, connection, given, iam, onboard
from wizard.account.connect import Aws, Keys, Target, refuse_partition_mismatch
from wizard.account.snapshot import Identity
from wizard.engine import Engine, Options
from wizard.problem import ExitCode, Problem, ProblemError, UsageProblem
from wizard.sandbox.guard import Guard
from wizard.secret import Secret

KEYS = Keys("AKIA1234567890ABCDEF", Secret("hush"))


@pytest.fixture(autouse=True)
def no_network() -> Iterator[None]:
    """Whatever goes wrong in these tests, nothing reaches AWS."""
    with Guard(serving=True):
        yield


def refusal(place: Place, profile: str = "", **options: Any) -> tuple[Problem, ExitCode]:
    engine = Engine(Options(folder=place.project, **options))
    with pytest.raises(ProblemError) as caught:
        engine.connect(profile)
    return caught.value.problem, caught.value.exit_code


def test_a_profile_that_is_not_there_ends_with_3_and_the_command_that_lists_them(place: Place) -> None:
    problem, code = refusal(place, "nobody")
    assert (code, problem.title) == (3, "There is no AWS profile “nobody”.")
    assert "aws configure list-profiles" in problem.remedy


def test_no_credentials_at_all_end_with_3_and_the_commands_that_make_some(place: Place) -> None:
    problem, code = refusal(place)
    assert code == 3 and "AWS credentials" in problem.title
    assert "aws sso login" in problem.remedy and "aws configure" in problem.remedy


def test_half_a_key_in_the_environment_ends_with_3(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA1234567890ABCDEF")
    problem, code = refusal(place)
    assert code == 3 and "AWS credentials" in problem.title
    assert "AWS_SECRET_ACCESS_KEY" in problem.detail


def test_half_a_key_in_a_profile_ends_with_3_and_names_the_profile(place: Place) -> None:
    place.aws_file("credentials", "[acme]\naws_access_key_id = AKIA1234567890ABCDEF\n")
    problem, code = refusal(place, "acme")
    assert code == 3 and "aws configure --profile acme" in problem.remedy


def test_an_identity_center_profile_without_a_sign_in_ends_with_3_and_the_login_command(place: Place) -> None:
    place.aws_file(
        "config",
        "[profile acme]\nsso_session = s\nsso_account_id = 123456789012\nsso_role_name = Admin\nregion = us-east-1\n"
        "[sso-session s]\nsso_region = us-east-1\nsso_start_url = https://acme.awsapps.com/start\n",
    )
    problem, code = refusal(place, "acme")
    assert code == 3 and "has expired" in problem.title
    assert problem.remedy == "Sign in again: aws sso login --profile acme"


def test_a_broken_credential_process_ends_with_3(place: Place) -> None:
    place.aws_file("config", "[profile acme]\ncredential_process = false\n")
    problem, code = refusal(place, "acme")
    assert code == 3 and "acme" in problem.title


@pytest.mark.parametrize("name", ["config", "credentials"])
@pytest.mark.parametrize("text", ["[open", "key without section = 1", "[a]\nx=1\n[a]\nx=2\n"])
def test_a_file_that_can_not_be_read_ends_with_3(place: Place, name: str, text: str) -> None:
    place.aws_file(name, text)
    problem, code = refusal(place)
    assert code == 3 and problem.remedy


@pytest.mark.parametrize("region", ["not a region", "x.evil.example/#", "-a-"])
def test_a_region_in_the_environment_that_is_none_ends_with_3(
    place: Place, monkeypatch: pytest.MonkeyPatch, region: str
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA1234567890ABCDEF")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush")
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    assert refusal(place)[1] == 3


def test_aws_out_of_reach_ends_with_3(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA1234567890ABCDEF")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush")
    monkeypatch.setattr("time.sleep", lambda _s: None)
    problem, code = refusal(place, endpoint_url="http://127.0.0.1:9")
    assert code == 3 and problem.title == "AWS could not be reached."


@pytest.mark.parametrize(
    "url",
    [
        "localhost:4566",
        "ftp://x",
        "http://",
        "http://x:0",
        "http://[::1",
        "http://x:99999",
        "//x",
        "http://user:hush@localhost:1",
        " ",
    ],
)
def test_an_endpoint_that_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        Aws(Target(endpoint_url=url, keys=KEYS))
    assert "http://host:port" in caught.value.problem.title and "hush" not in str(caught.value.problem)


# Stray endpoints


@dataclass
class Listener:
    """A server that must not be called."""

    url: str = ""
    hits: list[str] = field(default_factory=list)


@pytest.fixture
def listener() -> Iterator[Listener]:
    found = Listener()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            found.hits.append(self.path)
            self.send_error(500)

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


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS"])
def test_an_endpoint_in_the_environment_is_refused_and_never_called(
    place: Place, monkeypatch: pytest.MonkeyPatch, listener: Listener, variable: str
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA1234567890ABCDEF")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush")
    monkeypatch.setenv(variable, listener.url)
    problem, code = refusal(place)
    assert code == 2 and "127.0.0.1" in problem.title
    assert f"--endpoint-url {listener.url}" in problem.remedy
    assert listener.hits == []


def test_an_endpoint_in_the_config_file_is_refused_and_never_called(place: Place, listener: Listener) -> None:
    place.aws_file("credentials", "[acme]\naws_access_key_id = AKIA1234567890ABCDEF\naws_secret_access_key = hush\n")
    place.aws_file("config", f"[profile acme]\nregion = us-east-1\nendpoint_url = {listener.url}\n")
    assert refusal(place, "acme")[1] == 2
    assert listener.hits == []


def test_an_endpoint_for_one_service_is_refused_when_that_service_is_needed(
    place: Place, monkeypatch: pytest.MonkeyPatch, listener: Listener
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_IAM", listener.url)
    aws = Aws(Target(keys=KEYS))
    with pytest.raises(UsageProblem):
        aws.client("iam")
    aws.client("sts")
    assert listener.hits == []


def test_a_role_to_assume_is_not_assumed_through_a_stray_endpoint(
    place: Place, monkeypatch: pytest.MonkeyPatch, listener: Listener
) -> None:
    place.aws_file("credentials", "[plain]\naws_access_key_id = AKIA1234567890ABCDEF\naws_secret_access_key = hush\n")
    place.aws_file("config", "[profile acme]\nrole_arn = arn:aws:iam::123456789012:role/x\nsource_profile = plain\n")
    monkeypatch.setenv("AWS_ENDPOINT_URL", listener.url)
    assert refusal(place, "acme")[1] == 2
    assert listener.hits == []


def test_a_host_that_only_looks_like_aws_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for url in (
        "https://iam.amazonaws.com.evil.example",
        "https://evilamazonaws.com",
        "https://amazonaws.com.localhost",
    ):
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        with pytest.raises(UsageProblem):
            Aws(Target(keys=KEYS)).client("iam")


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("us-east-1", "amazonaws.com"),
        ("cn-north-1", "amazonaws.com.cn"),
        ("us-gov-west-1", "amazonaws.com"),
        ("ap-southeast-5", "amazonaws.com"),
    ],
)
def test_without_any_setting_calls_go_to_the_partition_of_the_region(region: str, host: str) -> None:
    aws = Aws(Target(region=region, keys=KEYS))
    for service in ("iam", "sts", "lambda", "service-quotas"):
        assert aws.client(service).meta.endpoint_url.endswith(host)


# The sandbox does not care for the machine's settings

STALE = {
    "a profile that is gone": {"AWS_PROFILE": "gone"},
    "an endpoint": {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"},
    "an endpoint for IAM": {"AWS_ENDPOINT_URL_IAM": "http://127.0.0.1:9"},
    "half a key": {"AWS_ACCESS_KEY_ID": "AKIA1234567890ABCDEF"},
    "a session token": {"AWS_SESSION_TOKEN": "stale"},
    "a region": {"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "not a region"},
    "FIPS and dual stack": {"AWS_USE_FIPS_ENDPOINT": "true", "AWS_USE_DUALSTACK_ENDPOINT": "true"},
    "a proxy": {"HTTPS_PROXY": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"},
    "certificates that are gone": {"AWS_CA_BUNDLE": "/nowhere/ca.pem"},
    "a retry mode of nobody": {"AWS_RETRY_MODE": "never", "AWS_MAX_ATTEMPTS": "0"},
    "defaults from the instance": {"AWS_DEFAULTS_MODE": "auto"},
}


@pytest.mark.parametrize("setting", STALE)
def test_the_sandbox_works_whatever_the_environment_says(
    place: Place, monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    for name, value in STALE[setting].items():
        monkeypatch.setenv(name, value)
    engine = Engine(Options(sandbox="fresh", folder=place.project))
    onboard(engine)
    assert engine.check(given()).ok


@pytest.mark.parametrize(
    "text",
    ["[open", "[default]\nregion = nowhere at all\nendpoint_url = http://127.0.0.1:9\nuse_fips_endpoint = true\n"],
)
def test_the_sandbox_works_whatever_the_files_of_the_aws_tools_say(place: Place, text: str) -> None:
    place.aws_file("config", text)
    engine = Engine(Options(sandbox="fresh", folder=place.project))
    onboard(engine)
    assert engine.check(given()).ok


# Who that is


def test_the_sandbox_identity_says_that_it_is_one(engine: Engine) -> None:
    identity = engine.connect()
    assert (identity.account, identity.who, identity.sandbox, identity.partition) == (
        "123456789012",
        "sandbox-admin",
        True,
        "aws",
    )
    assert engine.place() == "SANDBOX"


def test_an_alias_is_shown_where_it_may_be_read(engine: Engine) -> None:
    iam(engine).create_account_alias(AccountAlias="acme-prod")
    assert engine.connect().alias == "acme-prod"


def test_new_keys_work_at_the_same_place_whatever_profile_the_environment_names(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    onboard(engine)
    made = engine.new_secret()
    assert made is not None
    monkeypatch.setenv("AWS_PROFILE", "gone")
    other = connection(engine).with_keys(Keys(*made))
    assert other.client("sts").get_caller_identity()["Arn"].endswith("/remotion-user")


def test_new_keys_of_a_real_account_do_not_look_for_the_profile_of_the_environment(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.aws_file("credentials", "[good]\naws_access_key_id = AKIA1234567890ABCDEF\naws_secret_access_key = hush\n")
    monkeypatch.setenv("AWS_PROFILE", "gone")
    aws = Aws(Target(profile="good")).with_keys(KEYS)
    assert aws.client("sts").meta.endpoint_url.startswith("https://sts.")


@pytest.mark.parametrize(
    ("arn", "who", "root"),
    [
        ("arn:aws:iam::123456789012:root", "root", True),
        ("arn:aws:iam::123456789012:user/team/ada", "ada", False),
        ("arn:aws:sts::123456789012:assumed-role/Admin/ada@acme", "Admin/ada@acme", False),
        ("arn:aws:sts::123456789012:federated-user/bob", "bob", False),
    ],
)
def test_an_arn_is_told_as_a_short_name(arn: str, who: str, root: bool) -> None:
    identity = Identity("123456789012", arn, "aws", "us-east-1", "x")
    assert (identity.who, identity.is_root) == (who, root)


def test_a_region_of_another_partition_is_refused_before_anything_is_read(engine: Engine) -> None:
    with pytest.raises(UsageProblem) as caught:
        engine.discover(given(remotion__regions=["cn-north-1"]))
    assert "cn-north-1" in caught.value.problem.title
    identity = Identity("1", "arn:aws-cn:iam::1:user/x", "aws-cn", "cn-north-1", "x")
    refuse_partition_mismatch(identity, ("cn-north-1", "cn-northwest-1"))
    with pytest.raises(UsageProblem):
        refuse_partition_mismatch(identity, ("us-east-1",))


def test_asking_before_signing_in_says_so(place: Place) -> None:
    with pytest.raises(ProblemError) as caught:
        Engine(Options(folder=place.project)).unfinished_runs()
    assert caught.value.exit_code == 3
