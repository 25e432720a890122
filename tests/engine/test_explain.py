"""Every error of explain.toml is explained as it should be, whatever a terminal did to it; nothing secret is said back."""

from __future__ import annotations

import html
import io
import json
import socketserver
import threading
import tomllib
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote

import pytest
from hypothesis import given as random
from hypothesis import strategies as st

from tests.engine.support import Place
from tests.thorough import mostly_thorough
from wizard.check.error_texts import KNOWN
from wizard.check.explain import Explanation, as_lines, explain
from wizard.check.other_error_texts import OTHER
from wizard.check.pasted import LARGEST, encoded_message
from wizard.cli import main
from wizard.text import plain

ERRORS: list[dict[str, Any]] = tomllib.loads(Path(__file__).with_name("explain.toml").read_text("utf-8"))["error"]
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEK3Y"
ENCODED = "OIau77IwNA-RjpafXihrUW41WAUxaBKeALVOZxxGdy7u-JcfuZW95DlcUImc3Szcfs9IIqFOYM2Z0v7obHBX"
DENIED = (
    "User: arn:aws:iam::111122223333:user/remotion-user is not authorized to perform: s3:PutBucketPolicy on resource: "
    '"arn:aws:s3:::remotionlambda-useast1-abc" because no identity-based policy allows the s3:PutBucketPolicy action'
)


def said(explanation: Explanation) -> str:
    return "\n".join(as_lines(explanation))


def names_of(error: dict[str, Any]) -> str:
    return f"{error['verdict']}: {error['text'].strip()[:40]}"


@pytest.mark.parametrize("error", ERRORS, ids=names_of)
def test_every_known_error_is_explained(error: dict[str, Any]) -> None:
    found = explain(error["text"])
    assert (found.verdict, found.cause) == (error["verdict"], error["cause"])
    for name in ("action", "resource", "principal", "policy"):
        if name in error:
            assert getattr(found, name) == error[name]
    for words in error.get("says", ()):
        assert words in said(found)
    assert found.known and found.title and found.who and found.remedy


def test_the_collection_is_large_and_each_text_says_where_it_is_from() -> None:
    assert len(ERRORS) >= 150
    assert all(error["from"] for error in ERRORS)


def test_every_verdict_of_the_table_is_in_the_collection() -> None:
    assert {known.verdict for known in (*KNOWN, *OTHER)} <= {error["verdict"] for error in ERRORS}


@pytest.mark.parametrize("width", [72, 100, 133])
def test_a_terminal_that_breaks_words_changes_nothing(width: int) -> None:
    for error in ERRORS:
        text = error["text"]
        if text.lstrip().startswith(("{", "[")) or "\n" in text.strip():
            continue  # JSON with line breaks inside its texts is none; a stack trace has lines of its own
        broken = "\n".join(text[i : i + width] for i in range(0, len(text), width))
        assert explain(broken).verdict == error["verdict"], broken


@pytest.mark.parametrize(
    "mark", ["\x1b[31m│ {}\x1b[0m", "> {}", "app-1  | {}", "2026-11-21T10:00:00.123Z {}", "npm ERR! {}"]
)
def test_colours_frames_quote_marks_and_what_logs_put_before_a_line_change_nothing(mark: str) -> None:
    for error in ERRORS:
        text = "\r\n".join(mark.format(line) for line in error["text"].splitlines())
        assert explain(text).verdict == error["verdict"], text


def chopped(text: str, width: int, line: str) -> str:
    """A text as something that is so many columns wide shows it, words and all."""
    return "\n".join(line.format(text[i : i + width]) for i in range(0, len(text), width))


WRAPPINGS: dict[str, Callable[[str], str]] = {
    "a box": lambda text: chopped(text, 70, "│ {:<70} │"),
    "a log with times": lambda text: chopped(text, 64, "2026-11-21T10:00:00.123Z  {}"),
    "npm": lambda text: chopped(text, 70, "npm ERR! {}"),
    "JSON in JSON": lambda text: json.dumps({"log": json.dumps({"error": {"message": text}})}),
    "Python": lambda text: repr({"Error": {"Code": "AccessDenied", "Message": text}}),
    "HTML, twice": lambda text: html.escape(html.escape(text)),
    "an address": quote,
    "typographic quotes": lambda text: text.replace(' "', " “").replace('" ', "” "),
    "a table of CloudTrail": lambda text: 'x,PutBucketPolicy,s3.amazonaws.com,"' + text.replace('"', '""') + '"',
    "no user": lambda text: text.replace("User: ", ""),
    "a hidden account": lambda text: text.replace("111122223333", "************"),
    "tabs": lambda text: text.replace(" ", "\t"),
}


@pytest.mark.parametrize("how", WRAPPINGS)
def test_action_resource_and_layer_are_read_however_it_was_copied(how: str) -> None:
    found = explain(WRAPPINGS[how](DENIED))
    assert (found.verdict, found.action) == ("denied.identity-policy", "s3:PutBucketPolicy")
    assert found.resource == "arn:aws:s3:::remotionlambda-useast1-abc"


def test_a_name_that_was_broken_over_lines_is_put_together() -> None:
    found = explain(
        DENIED.replace("s3:::remotion", "s3:::remo\n   tion").replace("s3:PutBucketPolicy on", "s3:PutBucketPolicy\non")
    )
    assert found.resource == "arn:aws:s3:::remotionlambda-useast1-abc"
    assert found.action == "s3:PutBucketPolicy"


def test_the_reason_for_a_permission_and_its_release_are_told() -> None:
    found = explain(DENIED)
    assert any("make site files readable" in line for line in found.about)
    assert any("4.0.418" in line for line in found.about)
    assert any("aws iam put-user-policy --user-name remotion-user" in line for line in found.remedy)


def test_a_resource_outside_of_remotions_names_is_told_to_be_one() -> None:
    found = explain(DENIED.replace("remotionlambda-useast1-abc", "acme"))
    assert found.cause == "wrong-resource" and "outside Remotion's names" in said(found)


def test_in_china_the_names_of_its_partition_count() -> None:
    assert explain(DENIED.replace("arn:aws:", "arn:aws-cn:")).cause == "missing-statement"


def test_several_errors_are_told_the_most_telling_first() -> None:
    found = explain(f"{DENIED}\n\nTooManyRequestsException: Rate Exceeded.")
    assert found.verdict == "denied.identity-policy"
    assert any("more functions" in line for line in found.also)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "TypeError: undefined is not a function",
        "npm ERR! code E404",
        "404 Not Found",
        "{}",
        "[1, 2",
        "error",
    ],
)
def test_what_is_not_known_is_not_guessed(text: str) -> None:
    found = explain(text)
    assert (found.verdict, found.cause, found.known) == ("unknown", "unknown", False)
    assert found.understood


def test_what_was_understood_of_an_unknown_error_is_told() -> None:
    found = explain("FooBarException at arn:aws:lambda:us-east-1:111122223333:function:x for lambda:CreateAlias")
    assert found.understood == (
        "Error names: FooBarException",
        "Actions: lambda:CreateAlias",
        "Resources: arn:aws:lambda:us-east-1:111122223333:function:x",
    )


# CloudTrail


def event(**values: Any) -> dict[str, Any]:
    return {
        "eventSource": "s3.amazonaws.com",
        "eventName": "PutObject",
        "errorCode": "AccessDenied",
        "errorMessage": "Access Denied",
        "userIdentity": {"arn": "arn:aws:sts::111122223333:assumed-role/remotion-lambda-role/x"},
        "requestParameters": {"bucketName": "my-videos", "key": "a/b.mp4"},
        **values,
    }


@pytest.mark.parametrize(
    "wrapped",
    [
        event(),
        {"Records": [event()]},
        {"detail": event()},
        {"Events": [{"EventName": "PutObject", "CloudTrailEvent": json.dumps(event())}]},
    ],
)
def test_a_cloudtrail_event_is_understood(wrapped: dict[str, Any]) -> None:
    found = explain(f"look:\n{json.dumps(wrapped, indent=2)}")
    assert (found.verdict, found.action) == ("denied.unnamed", "s3:PutObject")
    assert found.resource == "arn:aws:s3:::my-videos/a/b.mp4"
    assert found.principal.endswith("assumed-role/remotion-lambda-role/x")
    assert "outside Remotion's names" in said(found)


@pytest.mark.parametrize(
    ("source", "name", "action"),
    [
        ("lambda.amazonaws.com", "CreateFunction20150331", "lambda:CreateFunction"),
        ("lambda.amazonaws.com", "GetFunction20150331v2", "lambda:GetFunction"),
        ("lambda.amazonaws.com", "Invoke", "lambda:InvokeFunction"),
        ("s3.amazonaws.com", "HeadObject", "s3:GetObject"),
        ("s3.amazonaws.com", "DeleteBucketOwnershipControls", "s3:PutBucketOwnershipControls"),
        ("servicequotas.amazonaws.com", "GetServiceQuota", "servicequotas:GetServiceQuota"),
    ],
)
def test_an_event_is_told_by_its_permission(source: str, name: str, action: str) -> None:
    assert explain(json.dumps(event(eventSource=source, eventName=name))).action == action


# Secrets and foreign text


@pytest.mark.parametrize(
    "text",
    [
        f"AWS_SECRET_ACCESS_KEY={SECRET} {DENIED}",
        f'{{"name": "AccessDenied", "message": "x", "secretAccessKey": "{SECRET}"}}',
        DENIED.replace("remotionlambda-useast1-abc", SECRET),
        DENIED.replace("user/remotion-user", f"user/{SECRET}"),
        f"profile {SECRET} could not be found or parsed",
        f"NoSuchBucket bucket {SECRET.lower()} --secret {SECRET}",
        f"FooError arn:aws:iam::1:{SECRET}",
        f"Authorization: AWS4-HMAC-SHA256 Credential=AKIA1234567890ABCDEF/x, Signature={SECRET} AccessDenied",
        f"InvalidClientTokenId aws_session_token: {'FwoGZXIvYXdzE' * 20}",
    ],
)
def test_a_secret_is_never_said_back(text: str) -> None:
    found = explain(text)
    everything = said(found) + json.dumps(found.to_json())
    assert SECRET not in everything and "FwoGZXIvYXdzEFwoGZX" not in everything
    assert "AKIA1234567890ABCDEF" not in everything


@pytest.mark.parametrize("name", ["x;id", "$(id)", "`id`", "a b", "a|b", "'", "--help"])
def test_what_a_command_would_obey_is_in_no_command(name: str) -> None:
    texts = (
        DENIED.replace("user/remotion-user", f"user/{name}"),
        f"You have bucket {name} x: NoSuchBucket",
        f"Could not resolve credentials using profile: [{name}] in",
        DENIED.replace("s3:PutBucketPolicy", "iam:PassRole").replace(
            "s3:::remotionlambda-useast1-abc", f"iam::1:role/{name}"
        ),
        DENIED.replace("s3:PutBucketPolicy", "sts:AssumeRole").replace("no identity-based", "no role trust"),
    )
    for text in texts:
        commands = [line for line in explain(text).remedy if "aws " in line or "wizard" in line]
        assert commands and not any(name in line.partition(": {")[0] for line in commands if name != "--help")


_PIECES = st.sampled_from(
    [error["text"] for error in ERRORS] + ["\x1b[2J", "\u202e", "\x00", "{", '"', "\n", "\r", "\x9b31m", "&#27;"]
)


@random(st.lists(st.one_of(st.text(max_size=60), _PIECES), max_size=8))
def test_any_text_is_answered_in_plain_characters(pieces: list[str]) -> None:
    found = explain("".join(pieces), decoded=pieces[0] if pieces else "")
    shown = said(found)
    assert shown == plain(shown)
    assert all(
        value == plain(value) for value in (found.title, found.action, found.resource, found.principal, found.policy)
    )
    json.dumps(found.to_json())


@random(st.sampled_from(ERRORS), st.text(max_size=80), st.text(max_size=80))
def test_what_stands_around_an_error_never_breaks_the_reading(error: dict[str, Any], before: str, after: str) -> None:
    assert explain(f"{before}\n{error['text']}\n{after}").title


@pytest.mark.parametrize(
    "piece",
    mostly_thorough(
        ["User: ", "[", '{"a":', " ", "\n", "is not authorized to perform: a:bc on resource: x", "&#27;"],
        {'{"a":', "[", " "},
    ),
)
def test_a_very_long_text_takes_seconds_at_most(piece: str) -> None:
    assert explain(piece * (LARGEST // len(piece) + 1)).title


# Encoded messages


def test_an_encoded_message_is_found_though_its_lines_are_broken() -> None:
    text = f"AccessDenied. Encoded authorization failure message: {ENCODED[:50]}\n{ENCODED[50:]}\n    at x.js:1"
    assert encoded_message(text) == ENCODED
    assert encoded_message(DENIED) == encoded_message("Encoded authorization failure message: ...") == ""


def decoded(explicit: bool) -> str:
    return json.dumps(
        {
            "allowed": False,
            "explicitDeny": explicit,
            "matchedStatements": {"items": []},
            "context": {
                "principal": {"id": "AIDA", "arn": "arn:aws:iam::111122223333:user/ada"},
                "action": "ec2:CreateNetworkInterface",
                "resource": "arn:aws:ec2:us-east-1:111122223333:subnet/subnet-1",
            },
        }
    )


@pytest.mark.parametrize(("explicit", "cause"), [(True, "explicit-deny"), (False, "missing-statement")])
def test_a_decoded_message_tells_what_the_error_does_not(explicit: bool, cause: str) -> None:
    text = f"You are not authorized to perform this operation. Encoded authorization failure message: {ENCODED}"
    assert explain(text).cause == "unknown"
    found = explain(text, decoded(explicit))
    assert (found.action, found.cause) == ("ec2:CreateNetworkInterface", cause)
    assert found.principal == "arn:aws:iam::111122223333:user/ada"


# The command


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    def command(*arguments: str, stdin: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        capsys.readouterr()
        code = main(arguments)
        out = capsys.readouterr()
        assert "Traceback" not in out.err
        return code, out.out, out.err

    return command


def test_the_command_explains_its_argument_and_ends_with_0(run: Any) -> None:
    code, out, err = run("explain", "TooManyRequestsException: Rate Exceeded.")
    assert code == 0 and "framesPerLambda" in out and err == ""


def test_words_need_no_quotes_and_commands_in_them_are_words(run: Any) -> None:
    code, out, _ = run("--json", "explain", "NoSuchBucket", "check", "plan")
    assert (code, json.loads(out)["verdict"]) == (0, "bucket.missing")


@pytest.mark.parametrize("arguments", [("explain",), ("explain", "-")])
def test_the_text_comes_from_standard_input(run: Any, arguments: tuple[str, ...]) -> None:
    code, out, _ = run(*arguments, "--json", stdin=DENIED)
    found = json.loads(out)
    assert code == 0 and found["ok"] and found["what"]["action"] == "s3:PutBucketPolicy"


class _Terminal(io.StringIO):
    """Input that a person types."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_is_told_how_to_end(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", _Terminal(DENIED))
    assert main(["explain"]) == 0
    assert "Ctrl+D" in capsys.readouterr().err


def test_the_error_may_stand_right_behind_the_sandbox_flag(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", DENIED]) == 0
    expected = capsys.readouterr().out
    assert main(["explain", "--sandbox", DENIED]) == 0
    assert capsys.readouterr().out == expected
    assert main(["explain", "--sandbox", "nowhere", DENIED]) == 2
    assert "no sandbox scenario" in capsys.readouterr().err


def test_an_unknown_text_ends_with_1_and_no_text_or_too_much_with_2(run: Any) -> None:
    assert run("explain", "hello")[0] == 1
    assert run("explain", stdin="")[0] == 2
    assert run("explain", "-", stdin="x" * (LARGEST + 1))[0] == 2


def test_an_encoded_message_comes_with_the_command_that_decodes_it(run: Any) -> None:
    code, out, _ = run("explain", f"UnauthorizedOperation. Encoded authorization failure message: {ENCODED}")
    assert code == 0 and f"--encoded-message={ENCODED}" in out and "--decode" in out


class _Sts(BaseHTTPRequestHandler):
    """Answers as AWS STS does, to GetCallerIdentity and DecodeAuthorizationMessage."""

    allowed = True

    def do_POST(self) -> None:
        body = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        action = body["Action"][0]
        status, result = (
            200,
            "<Arn>arn:aws:iam::111122223333:user/ada</Arn><Account>111122223333</Account><UserId>A</UserId>",
        )
        if action == "DecodeAuthorizationMessage":
            assert body["EncodedMessage"] == [ENCODED]
            result = f"<DecodedMessage>{decoded(False)}</DecodedMessage>"
        answer = f"<{action}Response><{action}Result>{result}</{action}Result></{action}Response>"
        if action == "ListAccountAliases" or (action.startswith("Decode") and not self.allowed):
            status, answer = (
                403,
                "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>",
            )
        self.send_response(status)
        self.end_headers()
        self.wfile.write(answer.encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def sts(place: Place) -> Iterator[str]:
    place.aws_file("credentials", f"[acme]\naws_access_key_id=AKIA1234567890ABCDEF\naws_secret_access_key={SECRET}\n")
    with socketserver.TCPServer(("127.0.0.1", 0), _Sts) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_an_encoded_message_is_decoded_where_aws_may_be_asked(run: Any, sts: str) -> None:
    text = f"UnauthorizedOperation. Encoded authorization failure message: {ENCODED}"
    code, out, _ = run("explain", text, "--profile", "acme", "--endpoint-url", sts, "--json")
    found = json.loads(out)
    assert code == 0 and found["decoding"]["done"]
    assert (found["what"]["action"], found["cause"]) == ("ec2:CreateNetworkInterface", "missing-statement")


def test_what_may_not_be_decoded_is_explained_as_far_as_it_goes(
    run: Any, sts: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_Sts, "allowed", False)
    text = f"UnauthorizedOperation. Encoded authorization failure message: {ENCODED}"
    code, out, _ = run("explain", text, "--decode", "--profile", "acme", "--endpoint-url", sts)
    assert code == 0 and "could not be decoded" in out and "By hand: aws sts" in out
    code, out, _ = run("explain", text, "--profile", "nobody")
    assert code == 0 and "There is no AWS profile" in out


def test_nothing_is_asked_of_aws_where_there_is_nothing_to_decode(run: Any) -> None:
    assert run("explain", DENIED, "--profile", "nobody")[0] == 0
