"""An account behind HTTP and a machine beside it: real processes run against it, and every call of theirs can be waited for."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.engine.support import account_state, active_keys, connection, iam
from wizard.account.connect import Keys
from wizard.engine import Engine, Options
from wizard.handover.env_file import variables_of
from wizard.quotas.limits import read_history
from wizard.remotion import names
from wizard.sandbox.messages import Message, Reply
from wizard.sandbox.server import RunningServer
from wizard.secret import Secret

PATIENCE: Final = 120.0  # seconds until something that does not happen fails the test
BUCKET: Final = "acme-videos"
ANSWERS: Final = f"""\
version = 1
[output_bucket]
name = "{BUCKET}"
[quotas]
concurrent_executions = 1000
"""
Hook = Callable[[int, str], bool | None]  # the call's number and operation; True: it gets lost on the way


class Watched:
    """One account on a server in this process, and one person's machine; both can start over."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.home, self.state_folder = folder / "home", folder / "wizard"
        self.project = self.home / "video"
        self.answers = folder / "answers.toml"
        self.answers.write_text(ANSWERS)
        self.server = RunningServer("fresh", state_root=folder / "sandbox")
        sandbox = self.server.sandbox
        self._answer = sandbox.answer
        sandbox.answer = self._watch  # type: ignore[method-assign]
        self._lock = threading.Lock()
        self._arrived = threading.Condition(self._lock)
        self.calls: list[str] = []
        self.secrets: list[str] = []
        self.before: Hook | None = None
        self.after: Hook | None = None
        keys = {
            "AWS_ACCESS_KEY_ID": sandbox.access_key_id,
            "AWS_SECRET_ACCESS_KEY": sandbox.secret_access_key.reveal(),
        }
        for name, value in keys.items():  # for the engine that looks at the account from here
            patch.setenv(name, value)
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "LC_ALL": "C.UTF-8",
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "PYTHONDONTWRITEBYTECODE": "1",
            "REMOTION_LAMBDA_WIZARD_STATE": str(self.state_folder),
            "AWS_EC2_METADATA_DISABLED": "true",
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
            **keys,
        }
        self.command = [sys.executable, "-m", "wizard"]
        self.at = ["--endpoint-url", self.server.url]
        self.apply = [*self.command, "apply", "--answers", str(self.answers), "--yes", *self.at]
        self.rotate = [*self.command, "credentials", "rotate", "--yes", *self.at]
        self._engine: Engine | None = None

    # What reaches the server

    def _watch(self, message: Message, own_host: str | None = None) -> Reply:
        operation = operation_of(message)
        with self._lock:
            self.calls.append(operation)
            number = len(self.calls)
            self._arrived.notify_all()
        if self.before is not None and self.before(number, operation):
            return Reply(503, {}, b"")
        reply = self._answer(message, own_host)
        if operation == "CreateAccessKey":
            self.secrets += re.findall("<SecretAccessKey>(.+?)</SecretAccessKey>", reply.body.decode())
        if self.after is not None:
            self.after(number, operation)
        return reply

    def wait_for(self, operation: str, time: int = 1) -> None:
        """Wait until the server has been asked for an operation (so often)."""
        with self._arrived:
            came = self._arrived.wait_for(lambda: self.calls.count(operation) >= time, PATIENCE)
        assert came, f"{operation} did not come; there were {self.calls}"

    @contextmanager
    def held_at(self, operation: str, time: int = 1) -> Iterator[threading.Event]:
        """Have the server wait with its answer to an operation until the event is set (or the block is left)."""
        go = threading.Event()
        seen = 0

        def hold(_number: int, asked: str) -> None:
            nonlocal seen
            with self._lock:
                seen += asked == operation
                holds = asked == operation and seen == time
            if holds:
                go.wait(PATIENCE)

        self.before = hold
        try:
            yield go
        finally:
            go.set()
            self.before = None

    # The machine

    def start_over(self) -> None:
        """A fresh account with a bucket, on a fresh machine."""
        self.before = self.after = None
        self.server.sandbox.reset()
        for folder in (self.home, self.state_folder):
            shutil.rmtree(folder, ignore_errors=True)
        self.project.mkdir(parents=True)
        (self.project / ".git").mkdir()
        (self.project / ".env").write_text("MINE=1\n")
        (self.project / "package.json").write_text('{"dependencies": {"@remotion/lambda": "4.0.527"}}')
        self.secrets.clear()
        connection(self.engine).client("s3").create_bucket(Bucket=BUCKET)
        self.calls.clear()

    def start(self, command: list[str]) -> subprocess.Popen[str]:
        return subprocess.Popen(
            command,
            cwd=self.project,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, command: list[str]) -> tuple[int, str]:
        """Run to the end; the exit code and what was said."""
        with self.start(command) as process:
            out, err = process.communicate(timeout=PATIENCE)
        return process.returncode, out + err

    @property
    def engine(self) -> Engine:
        """Somebody who looks at the account from here."""
        if self._engine is None:
            self._engine = Engine(Options(endpoint_url=self.server.url, region="us-east-1", folder=self.home))
            self._engine.connect()
        return self._engine

    # The user's access keys

    def keys(self) -> dict[str, str]:
        """The user's keys, each with its status."""
        listed = iam(self.engine).list_access_keys(UserName=names.USER)["AccessKeyMetadata"]
        return {key["AccessKeyId"]: key["Status"] for key in listed}

    def add_inactive_key(self) -> None:
        key = iam(self.engine).create_access_key(UserName=names.USER)["AccessKey"]["AccessKeyId"]
        iam(self.engine).update_access_key(UserName=names.USER, AccessKeyId=key, Status="Inactive")

    def delete_inactive_keys(self) -> None:
        for key, status in self.keys().items():
            if status != "Active":
                iam(self.engine).delete_access_key(UserName=names.USER, AccessKeyId=key)

    def stored_key(self) -> str:
        """The id of the key that lies in .env."""
        return variables_of(self.project / ".env").get(names.ACCESS_KEY_ID, "")

    def check_that_the_key_works(self) -> None:
        """AWS takes what lies in .env, as the user's, and there are no more keys than AWS allows."""
        found = variables_of(self.project / ".env")
        keys = Keys(found[names.ACCESS_KEY_ID], Secret(found[names.SECRET_ACCESS_KEY]))
        caller = connection(self.engine).with_keys(keys).client("sts").get_caller_identity()
        assert str(caller["Arn"]).endswith(f"/{names.USER}")
        assert len(self.keys()) <= 2, "a third key"

    # What must hold

    def account(self) -> str:
        """Everything of the account that a set-up is about."""
        requests = [(request.status, request.value) for request in read_history(connection(self.engine), "us-east-1")]
        return f"{account_state(self.engine)}\n{requests}"

    def files_with_a_secret(self) -> set[Path]:
        found = set[Path]()
        for root in (self.home, self.state_folder):
            for path in root.rglob("*"):
                if path.is_file() and any(secret.encode() in path.read_bytes() for secret in self.secrets):
                    found.add(path)
        return found

    def check_after_the_fault(self, said: str) -> None:
        """What must hold at any moment, whatever cut a run off."""
        env = self.project / ".env"
        assert env.read_text().startswith("MINE=1\n"), "the .env file is neither old nor new"
        variables = variables_of(env)
        assert (names.ACCESS_KEY_ID in variables) == (names.SECRET_ACCESS_KEY in variables), "half a key"
        left = {path for path in self.files_with_a_secret() if path != env}
        unfinished_write = {
            path for path in left if path.name.startswith("..env.wizard-") and path.name.endswith(".new")
        }
        assert left <= unfinished_write, f"a secret outside of its place: {left}"
        assert not any(secret in said for secret in self.secrets), "a secret in what was said"
        assert "Traceback" not in said, said

    def check_the_end(self, reference: str, said: str) -> None:
        """What must hold when the same was run again and has ended well."""
        assert self.account() == reference, "the account differs"
        variables = variables_of(self.project / ".env")
        assert active_keys(self.engine) == [variables[names.ACCESS_KEY_ID]], "an orphaned key"
        assert variables[names.SECRET_ACCESS_KEY] == self.secrets[-1]
        assert self.files_with_a_secret() == {self.project / ".env"}
        assert not any(secret in said for secret in self.secrets)
        assert (self.project / ".gitignore").read_text() == "/.env\n"
        assert self.engine.unfinished_runs() == ()


def operation_of(message: Message) -> str:
    """The operation that a request names: by its form, its target, or its path."""
    if target := message.header("X-Amz-Target"):
        return target.rpartition(".")[2]
    action = parse_qs(message.body.decode("utf-8", "replace")).get("Action")
    return action[0] if action else f"{message.method} {urlsplit(message.url).path}"


@contextmanager
def watched(folder: Path) -> Iterator[Watched]:
    """An account and a machine, fresh."""
    with pytest.MonkeyPatch.context() as patch:
        made = Watched(folder, patch)
        patch.setenv("REMOTION_LAMBDA_WIZARD_STATE", str(made.state_folder))
        with made.server:
            made.start_over()
            yield made
