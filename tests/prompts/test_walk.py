"""Line mode walks the same steps as the other front ends, and ends with the same account."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import questionary
from prompt_toolkit.application import create_app_session
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from tests.engine.support import iam
from wizard.account.boundaries import BoundaryDemand
from wizard.account.snapshot import AccountSnapshot, Identity
from wizard.check.findings import Finding, Status
from wizard.collect.answers import Answers, parse_answers
from wizard.collect.session import Session
from wizard.collect.steps import BY_ID
from wizard.engine import Engine, Options
from wizard.output.preflight import BucketEntry
from wizard.plan.found import Found, FoundItem, Removable, Standing
from wizard.policy.trust import service_trust
from wizard.problem import ExitCode, Problem, ProblemError
from wizard.prompts.walk import LineMode, run

ENTER = "\r"
ESCAPE = "\x1b"
CLEAR = "\x15"  # ctrl+u
END = "\x1b[F"
YES = (CLEAR, "yes", ENTER)
FIRST_FORMS = [ENTER] * 6  # start, identity; project folder, release, policies, regions
PRINCIPAL = [ENTER] * 3  # kind, name, anything special
OTHER_FORMS = [ENTER] * 9  # policies (3), extras, output bucket, quotas, credentials (3)


@contextmanager
def typing(*keys: str) -> Iterator[None]:
    """Give these keys to the questions, as if somebody typed them. A question beyond them raises EOFError."""
    with create_pipe_input() as pipe:
        pipe.send_text("".join(keys))
        if keys and keys[-1].endswith(ESCAPE):
            pipe.send_text(ESCAPE)  # a lone one would wait for what may follow it
        pipe.close()
        with create_app_session(input=pipe, output=DummyOutput()):
            yield


@contextmanager
def answering(replies: Mapping[str, str | Sequence[str]], most: int = 80) -> Iterator[list[str]]:
    """Answer each question that begins with one of these words with its text, and all others with Enter.

    Several texts are for the first, the second time and so on that it is asked. Gives the questions that were asked. An
    answer that is refused raises EOFError, and more than `most` questions are an error too.
    """
    asked: list[str] = []
    refused = ("", "")  # a question that comes back with what was answered
    left = {begin: [texts] if isinstance(texts, str) else list(texts) for begin, texts in replies.items()}
    original = questionary.text
    with ExitStack() as stack, create_app_session(output=DummyOutput()), pytest.MonkeyPatch.context() as patch:

        def ask(message: str, **named: Any) -> questionary.Question:
            nonlocal refused
            asked.append(message)
            assert len(asked) <= most, f"There is no end of questions: {asked[-3:]}"
            texts = next((texts for begin, texts in left.items() if message.startswith(begin)), [])
            if not texts and refused == (message, named["default"]):
                raise EOFError
            pipe = stack.enter_context(create_pipe_input())
            refused = (message, texts[0]) if texts else ("", "")
            pipe.send_text(f"{CLEAR}{texts.pop(0)}{ENTER}" if texts else ENTER)
            pipe.close()
            return original(message, **named, input=pipe)

        patch.setattr(questionary, "text", ask)
        yield asked


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    monkeypatch.setenv("REMOTION_LAMBDA_WIZARD_STATE", str(tmp_path / "state"))
    project = tmp_path / "project"
    project.mkdir()
    return Engine(Options(sandbox="fresh", folder=project))


def in_account(values: Mapping[str, Any] | None = None) -> Session:
    """A walk with these answers."""
    return Session(Answers().with_values(values or {}, "you"))


MAKE = {"Make ": "yes"}


def test_enter_at_every_question_and_yes_at_review_sets_everything_up(
    engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    session = Session(Answers())
    with typing(*FIRST_FORMS, *PRINCIPAL, *OTHER_FORMS, *YES, ENTER):
        assert run(engine, session) == ExitCode.OK
    shown = capsys.readouterr().out
    assert "Remotion Lambda is ready." in shown
    assert "REMOTION_AWS_ACCESS_KEY_ID=AKIA" in (engine.options.folder / ".env").read_text()
    assert engine.plan(session.answers, engine.discover(session.answers)).is_empty
    assert not session.answers.given, "whoever takes what is shown says nothing new"


def test_a_secret_is_never_printed(engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    with answering(MAKE):
        run(engine, Session(Answers()))
    key = engine.new_secret()
    assert key is not None
    captured = capsys.readouterr()
    assert key[1].reveal() not in captured.out + captured.err


def test_no_at_review_changes_nothing(engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    with answering({}), pytest.raises(SystemExit):
        run(engine, Session(Answers()))
    assert "Nothing was changed." in capsys.readouterr().out
    assert len(engine.plan(Answers(), engine.discover(Answers())).writing) == 7
    assert not (engine.options.folder / ".env").exists()


def test_the_less_sign_goes_back_and_keeps_what_was_typed(engine: Engine) -> None:
    session = Session(Answers())
    name = (ENTER, CLEAR, "ada", ENTER)
    back_and_on = (CLEAR, "<", ENTER, ENTER, ENTER)
    with typing(*FIRST_FORMS, *name, *back_and_on, *OTHER_FORMS, *YES, ENTER):
        run(engine, session)
    assert session.answers.text("principal.name") == "ada"


def test_a_wrong_entry_is_refused_with_what_is_allowed_and_asked_again(engine: Engine) -> None:
    session = Session(Answers())
    wrong_then_right = (ENTER, CLEAR, "a b", ENTER, CLEAR, "ada", ENTER, ENTER)
    with typing(*FIRST_FORMS, *wrong_then_right, *OTHER_FORMS, *YES, ENTER):
        assert run(engine, session) == ExitCode.OK
    assert session.answers.text("principal.name") == "ada"


def test_a_project_folder_that_is_not_there_is_asked_again(engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    with answering({"Project folder": ["nowhere", "."], **MAKE}):
        assert run(engine, Session(Answers())) == ExitCode.OK
    assert "There is no folder" in capsys.readouterr().out


def test_diagnosis_asks_little_and_changes_nothing(engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    with answering({"What would you like to do": "3"}) as asked:
        assert run(engine, Session(Answers())) == ExitCode.DOES_NOT_HOLD
    assert [label.partition(" (")[0].rstrip(":") for label in asked] == [
        "What would you like to do?",
        "AWS credentials",
        "Project folder",
        "Remotion release",
        "Policies",
        "Regions",
        "Your code signs in as",
        "User name",
        "Mend what the wizard can mend",
        "Save the answers to this file",
    ]
    shown = capsys.readouterr().out
    assert "There is no user remotion-user." in shown
    assert "There is no role remotion-lambda-role." in shown
    assert len(engine.plan(Answers(), engine.discover(Answers())).writing) == 7


def test_answers_can_be_saved_and_replay_to_the_same_plan(engine: Engine, tmp_path: Path) -> None:
    session, saved = Session(Answers()), tmp_path / "answers.toml"
    special = {
        "Anything special? (Path": "yes",
        "Tags": "team=video, stage=prod",
        "Anything special? (Lambda Insights": "yes",
        "VPC": "yes",
        "AWS-managed policies": "AWSLambda_ReadOnlyAccess",
        "Operator permissions": "4, invoke",
    }
    with answering({"User name": "ada", **special, "Make ": "no"}), pytest.raises(SystemExit):
        run(engine, session, save_answers=saved)
    replayed = Answers().with_values(parse_answers(saved.read_text()), "answers file")
    snapshot = engine.discover(session.answers)
    assert engine.plan(replayed, snapshot).to_json() == engine.plan(session.answers, snapshot).to_json()
    assert replayed.table("principal.tags") == {"team": "video", "stage": "prod"}
    assert replayed.texts("extras.operator") == ("monitor", "invoke")


def test_only_the_steps_that_were_asked_for_are_asked(engine: Engine) -> None:
    session = Session(Answers().with_values({"credentials.write": "none"}, "answers file"))
    with typing(ENTER, CLEAR, "ada", ENTER, ENTER, *YES, ENTER):
        assert run(engine, session, only=("principal",)) == ExitCode.OK
    assert session.answers.text("principal.name") == "ada"
    assert engine.new_secret() is None


def test_a_step_whose_answers_do_not_hold_is_asked_though_nobody_named_it(engine: Engine) -> None:
    session = Session(Answers().with_values({"credentials.path": "", "principal.name": "a"}, "answers file"))
    with answering({".env file": ".env", **MAKE}) as asked:
        assert run(engine, session, only=("start",)) == ExitCode.OK
    assert any(label.startswith(".env file") for label in asked)
    assert not any(label.startswith("User name") for label in asked)


def test_questions_without_an_answer_fail_and_do_not_wait(engine: Engine) -> None:
    with typing(ENTER), pytest.raises(EOFError):
        run(engine, Session(Answers()))
    with answering({"What would you like to do": "no such"}), pytest.raises(EOFError):
        run(engine, Session(Answers()))


# Roles


def test_the_role_of_a_service_is_set_up_without_a_key(engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    furnish(engine)
    session = Session(Answers())
    role = {"Your code signs in as": "role", "Service": "2", "Role": "video-api"}
    with answering({**role, **MAKE}) as asked:
        assert run(engine, session) == ExitCode.OK
    assert not any(label.startswith(("Access key", "Tags", "Path")) for label in asked)
    assert engine.new_secret() is None
    assert "Remotion Lambda is ready." in capsys.readouterr().out


def test_changing_the_kind_sets_the_answers_of_the_other_aside(engine: Engine) -> None:
    furnish(engine)
    session = in_account({"principal.name": "ada"})
    session.current = "principal"
    back = ("<", ENTER)
    role = (CLEAR, "2", ENTER, CLEAR, "any", ENTER, "video-api", ENTER)
    with typing(ENTER, CLEAR, *back, *role):
        assert LineMode(engine, session, None)._form(BY_ID["principal"])
    assert session.answers.text("principal.name") == "video-api"
    assert session.answers.text("credentials.write") == "none"
    with typing(CLEAR, "1", ENTER, ENTER, ENTER):
        assert LineMode(engine, session, None)._form(BY_ID["principal"])
    assert session.answers.text("principal.name") == "ada"
    with typing(CLEAR, *back):
        assert not LineMode(engine, session, None)._form(BY_ID["principal"])


def furnish(engine: Engine) -> None:
    engine.connect()
    trust = json.dumps(service_trust("ec2.amazonaws.com"))
    iam(engine).create_role(RoleName="video-api", AssumeRolePolicyDocument=trust)


# What is there


class Account(Engine):
    """An engine of which the account is not read, or can't be."""

    def __init__(self, *answers: Found | ProblemError, boundary: BoundaryDemand | None = None) -> None:
        super().__init__(Options())
        self.answers, self.boundary, self.discovered = list(answers), boundary, 0

    def found(self, answers: Answers) -> tuple[AccountSnapshot, Found]:
        answer = self.answers.pop(0)
        if isinstance(answer, ProblemError):
            raise answer
        return self._snapshot, answer

    def discover(self, answers: Answers, tell: Callable[[str], object] | None = None) -> AccountSnapshot:
        self.discovered += 1
        if self.boundary is None:
            raise DENIED
        return self._snapshot

    def output_buckets(self) -> tuple[BucketEntry, ...]:
        if self.boundary is None:
            raise DENIED
        return (BucketEntry("acme-videos", "us-east-1"), BucketEntry("acme-drafts"))

    def preflight(self, answers: Answers, bucket: str) -> tuple[Finding, ...]:
        if self.boundary is None:
            raise DENIED
        return (
            Finding("bucket.region", bucket, Status.PASS, "It is in a region of yours"),
            Finding(
                "bucket.acl", bucket, Status.WARN, "It takes no ACLs", "Videos are private.", "", "privacy: no-acl"
            ),
        )

    @property
    def _snapshot(self) -> AccountSnapshot:
        identity = Identity("123456789012", "arn:aws:iam::123456789012:user/ada", "aws", "us-east-1", "a profile")
        return AccountSnapshot(identity, boundary_demand=self.boundary)


DENIED = ProblemError(Problem("You may not call iam:GetUser.", remedy="Ask for it."))
ARN = "arn:aws:iam::123456789012:policy/developer-boundary"
DEMANDED = BoundaryDemand(True, (ARN,), "Your organisation demands a permissions boundary.")
WIDE = (
    Removable("remotion-user", "AdministratorAccess", ("do everything",)),
    Removable("remotion-lambda-role", "AmazonS3FullAccess", ("delete every bucket", "read every bucket")),
)
LACKS = FoundItem(
    Standing.LACKS,
    "remotion-user lacks something",
    "Now: The policy of Remotion 4.0.1. Remotion 4.0.527 needs beyond it: s3:PutBucketPolicy (without it: new buckets stay "
    "listable) and lambda:GetLayerVersion on *.",
)


def one_step(engine: Engine, step: str, *keys: str, **given: Any) -> Answers:
    """Ask one step of a walk with these answers; the keys must be all that it takes."""
    values = {key.replace("__", "."): value for key, value in given.items()}
    session = in_account({"start.goal": "change", **values})
    session.current = step
    with typing(*keys):
        assert LineMode(engine, session, None)._form(BY_ID[step])
    return session.answers


def test_what_is_there_is_said_in_words_with_what_it_costs(capsys: pytest.CaptureFixture[str]) -> None:
    good = FoundItem(Standing.GOOD, "The user remotion-user is there", "1 access key")
    one_step(Account(Found((good, LACKS))), "found")
    assert capsys.readouterr().out.partition("Reading your account...\n")[2].splitlines() == [
        "  good: The user remotion-user is there",
        "    1 access key",
        "  to mend: remotion-user lacks something",
        "    Now: The policy of Remotion 4.0.1.",
        "    Remotion 4.0.527 needs beyond it:",
        "      s3:PutBucketPolicy, without it: new buckets stay listable",
        "      lambda:GetLayerVersion on *",
    ]


def test_only_what_was_found_is_asked_about(capsys: pytest.CaptureFixture[str]) -> None:
    answers = one_step(Account(Found((), foreign=2)), "found", CLEAR, "2", ENTER)
    assert answers.text("principal.existing") == "replace"
    answers = one_step(Account(Found((), WIDE)), "found", "2, administratoraccess", ENTER)
    assert answers.texts("principal.take_away") == ("AmazonS3FullAccess", "AdministratorAccess")
    shown = capsys.readouterr().out
    assert "1. AdministratorAccess, of remotion-user: remotion-user may do everything with it." in shown
    assert "principal.take_away" not in one_step(Account(Found((), WIDE)), "found", ENTER).given


def test_what_the_answers_name_already_is_listed_too_and_can_be_let_go() -> None:
    answers = one_step(Account(Found(())), "found", ENTER, principal__take_away=["old,policy"])
    assert answers.texts("principal.take_away") == ("old,policy",)
    answers = one_step(Account(Found((), WIDE)), "found", CLEAR, ENTER, principal__take_away=["AdministratorAccess"])
    assert answers.texts("principal.take_away") == ()


def test_an_account_that_can_not_be_read_is_tried_again_and_stops_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    one_step(Account(DENIED, DENIED, Found((), foreign=1)), "found", ENTER, ENTER, ENTER)
    assert capsys.readouterr().out.count("You may not call iam:GetUser.") == 2
    assert one_step(Account(DENIED), "found", CLEAR, "no", ENTER).text("principal.existing") == "beside"
    session = in_account({"start.goal": "change"})
    session.current = "found"
    with typing(CLEAR, "<", ENTER):
        assert not LineMode(Account(DENIED), session, None)._form(BY_ID["found"])


def test_back_jumps_over_a_step_that_has_nothing_to_ask(capsys: pytest.CaptureFixture[str]) -> None:
    session = in_account({"start.goal": "change"})
    walk = LineMode(Account(Found(())), session, None)
    session.current = "found"
    assert walk._form(BY_ID["found"])
    walk._backwards = True
    assert not walk._form(BY_ID["found"])


# What most people don't need


def test_one_enter_is_enough_for_whoever_needs_nothing_special() -> None:
    assert "extras.vpc" not in one_step(Account(), "extras", ENTER).given


def test_special_questions_are_asked_one_by_one_and_back_leads_through_them() -> None:
    answers = one_step(
        Account(),
        "extras",
        *YES,  # anything special
        *YES,  # Lambda Insights
        *(CLEAR, "<", ENTER),  # back from VPC
        *(CLEAR, "no", ENTER),
        *YES,  # VPC
        *("arn:aws:lambda:us-east-1:111122223333:layer:chromium", ENTER, END, ":5", ENTER),  # refused without a version
        ENTER,  # render role
        *("9", ENTER, CLEAR, "1", ENTER),  # refused: there is no 9
        *("monitor, 3", ENTER),
        *("user/ada", ENTER),
    )
    assert not answers.flag("extras.insights") and answers.flag("extras.vpc")
    assert answers.texts("extras.custom_layer_arns") == ("arn:aws:lambda:us-east-1:111122223333:layer:chromium:5",)
    assert answers.texts("extras.aws_managed_policies") == ("AWSLambda_ReadOnlyAccess",)
    assert answers.texts("extras.operator") == ("monitor", "invoke")
    assert answers.text("extras.operator_principal") == "user/ada"
    assert "render_role.name" not in answers.given


def test_who_has_something_special_keeps_it_with_enter_and_takes_it_back_with_no(
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = {"extras__vpc": True, "extras__operator": ["invoke"], "extras__operator_principal": "user/ada"}
    answers = one_step(Account(), "extras", *[ENTER] * 8, **given)
    assert answers.flag("extras.vpc") and answers.texts("extras.operator") == ("invoke",)
    answers = one_step(Account(), "extras", CLEAR, "no", ENTER, **given)
    assert not answers.problems()
    assert not answers.flag("extras.vpc") and not answers.texts("extras.operator")
    assert "Taken back: VPC, Operator permissions and Who gets the operator permissions." in capsys.readouterr().out


def test_an_answer_that_goes_with_another_is_let_go_with_it() -> None:
    given = {"extras__operator": ["invoke"], "extras__operator_principal": "user/ada"}
    answers = one_step(Account(), "extras", *[ENTER] * 6, CLEAR, ENTER, **given)
    assert not answers.problems() and answers.text("extras.operator_principal") == ""


# Lists of the account


def test_a_boundary_that_is_demanded_is_offered_and_looked_for_once(capsys: pytest.CaptureFixture[str]) -> None:
    engine, session = Account(boundary=DEMANDED), in_account()
    session.current = "policies"
    walk = LineMode(engine, session, None)
    with typing(*[ENTER] * 3):
        assert walk._form(BY_ID["policies"])
    assert session.answers.text("principal.permissions_boundary") == ARN
    shown = capsys.readouterr().out
    assert f"Your organisation demands a permissions boundary.\n  1. developer-boundary: {ARN}" in shown
    with typing(ENTER, ENTER, CLEAR, "no arn", ENTER, CLEAR, ENTER):
        assert walk._form(BY_ID["policies"])
    assert session.answers.text("principal.permissions_boundary") == ""
    assert engine.discovered == 1


def test_a_bucket_is_named_or_taken_from_the_list_and_looked_at(capsys: pytest.CaptureFixture[str]) -> None:
    bucket = Account(boundary=DEMANDED)
    answers = one_step(bucket, "output-bucket", "?", ENTER, "2", ENTER, ENTER, *YES, ENTER)
    assert answers.text("output_bucket.name") == "acme-drafts" and answers.flag("output_bucket.delete")
    shown = capsys.readouterr().out
    assert "  1. acme-videos: us-east-1\n  2. acme-drafts\n" in shown
    assert "  to know: It takes no ACLs\n     why: Videos are private.\n     next: privacy: no-acl\n" in shown
    assert one_step(bucket, "output-bucket", ENTER).text("output_bucket.name") == ""


def test_lists_that_may_not_be_read_stop_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    denied = Account()
    assert one_step(denied, "policies", *[ENTER] * 3).text("principal.permissions_boundary") == ""
    answers = one_step(denied, "output-bucket", "?", ENTER, "acme-videos", *[ENTER] * 4)
    assert answers.text("output_bucket.name") == "acme-videos"
    assert capsys.readouterr().out.count("You may not call iam:GetUser.") == 3
