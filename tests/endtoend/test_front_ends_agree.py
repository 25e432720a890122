"""The same answers give the same plan and the same account, whichever front end they go through."""

from __future__ import annotations

import asyncio
import io
import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest

from screens.app import WizardApp
from tests.engine.support import account_state, connection, iam
from tests.prompts.test_walk import answering
from tests.screens.support import Person, with_person
from tests.thorough import mostly_thorough
from wizard.cli import main
from wizard.collect.answers import Answers, read_answers
from wizard.collect.session import Session
from wizard.engine import Engine, Options
from wizard.policy.trust import service_trust
from wizard.prompts.walk import run as walk_in_lines

ANSWERS = sorted((Path(__file__).parents[1] / "answers").glob("*.toml"))
PLAIN = {"output-bucket-and-quota"}


def scenario_of(path: Path) -> str:
    """The account that an answers file is for; it says so in its first line."""
    first = path.read_text().partition("\n")[0]
    return first.removeprefix("# account: ") if first.startswith("# account: ") else "fresh"


def furnish(engine: Engine) -> None:
    """What some of the answers take for granted: a function with its role, a server's role, a colleague."""
    engine.connect()
    client = iam(engine)
    for name, service in (("video-api", "lambda.amazonaws.com"), ("server", "ec2.amazonaws.com")):
        client.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(service_trust(service)))
    client.create_user(UserName="ada")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(zipfile.ZipInfo("index.py"), "")
    connection(engine).client("lambda", "us-east-1").create_function(
        FunctionName="my-api",
        Role="arn:aws:iam::123456789012:role/video-api",
        Code={"ZipFile": packed.getvalue()},
        Runtime="python3.12",
        Handler="index.handler",
    )


class Account:
    """A new account and project, always at the same paths: so that whole plans can be compared."""

    def __init__(self, folder: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.scenario = "fresh"
        self._folder = folder
        self._home = home
        self._monkeypatch = monkeypatch
        self.project = folder / "project"

    def fresh(self, name: str) -> Engine:
        """Begin anew. Only the state's folder has another name, and no plan names that."""
        self._monkeypatch.setenv("REMOTION_LAMBDA_WIZARD_STATE", str(self._folder / name))
        shutil.rmtree(self.project, ignore_errors=True)
        shutil.rmtree(self._home / ".aws", ignore_errors=True)
        self.project.mkdir(parents=True)
        (self.project / "package.json").write_text('{"dependencies": {"@remotion/lambda": "4.0.527"}}')
        self._monkeypatch.chdir(self.project)
        if self.scenario == "fresh":
            furnish(self._engine())
        return self._engine()

    def _engine(self) -> Engine:
        return Engine(Options(sandbox=self.scenario, folder=self.project))

    def state(self) -> str:
        """The whole account as it is now, ids included."""
        engine = self._engine()
        engine.connect()
        return account_state(engine, exact=True)

    def files(self) -> dict[str, str]:
        """What was written: the project's files and the AWS profile."""
        found = (self.project / ".env", self.project / ".gitignore", self._home / ".aws/credentials")
        return {str(path): path.read_text() for path in found if path.exists()}


@pytest.fixture
def account(tmp_path: Path, isolated_home: Path, monkeypatch: pytest.MonkeyPatch) -> Account:
    return Account(tmp_path, isolated_home, monkeypatch)


def answers_of(path: Path) -> Answers:
    return Answers().with_values(read_answers(path), "answers file")


def unattended(account: Account, path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    account.scenario = scenario_of(path)
    account.fresh("unattended")
    assert main(["apply", "--sandbox", account.scenario, "--answers", str(path), "--yes", "--json"]) == 0
    return json.loads(capsys.readouterr().out)["plan"]


async def in_textual(account: Account, path: Path) -> Any:
    app = WizardApp(account.fresh("textual"), Session(answers_of(path)))
    plans: list[Any] = []

    async def walk(person: Person) -> None:
        while person.step != "review":
            await person.press("ctrl+n")
        assert app.known.plan is not None
        plans.append(app.known.plan.to_json())
        await person.go_to("apply")
        await person.press("enter")
        assert "changes were made" in person.words()
        await person.press("enter")
        sees = person.sees()
        assert "0 do not hold" in sees, sees

    await with_person(app, walk, (100, 40))
    return plans[0]


def in_lines(account: Account, path: Path) -> Any:
    engine = account.fresh("lines")
    plans: list[Any] = []
    build = engine.plan

    def note(*arguments: Any) -> Any:
        plan = build(*arguments)
        plans.append(plan.to_json())
        return plan

    engine.plan = note  # type: ignore[method-assign, assignment]
    with answering({"Make ": "yes"}):
        assert walk_in_lines(engine, Session(answers_of(path))) == 0
    return plans[0]


@pytest.mark.parametrize("path", mostly_thorough(ANSWERS, lambda path: path.stem in PLAIN), ids=lambda path: path.stem)
async def test_textual_lines_and_unattended_agree_to_the_byte(
    path: Path, account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    ways: dict[str, tuple[Any, str, dict[str, str]]] = {}
    ways["unattended"] = (unattended(account, path, capsys), account.state(), account.files())
    ways["textual"] = (await in_textual(account, path), account.state(), account.files())
    ways["lines"] = (await asyncio.to_thread(in_lines, account, path), account.state(), account.files())
    expected_plan, expected_state, expected_files = ways["unattended"]
    for name, (plan, state, files) in ways.items():
        assert json.dumps(plan) == json.dumps(expected_plan), name
        assert state == expected_state, name
        assert files == expected_files, name


@pytest.mark.thorough
@pytest.mark.parametrize("path", ANSWERS, ids=lambda path: path.stem)
def test_a_second_run_on_the_finished_account_plans_nothing(
    path: Path, account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    unattended(account, path, capsys)
    before = account.state()
    assert main(["apply", "--sandbox", account.scenario, "--answers", str(path), "--yes", "--json"]) == 0
    again = json.loads(capsys.readouterr().out)["plan"]
    assert {c["action"] for c in again["changes"]} == {"keep"}
    assert account.state() == before
