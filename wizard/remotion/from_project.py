"""The policies as the project's own Remotion prints them, for releases that the catalogue does not know yet.

This runs code of the project (its Remotion, which loads the project's configuration): only where a person asks for it.
Nothing is downloaded, no AWS operation is called, and the program gets no credentials of this environment (the project's .env
it reads itself).
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from wizard.places import expanded
from wizard.policy import documents
from wizard.problem import Problem, ProblemError, UsageProblem
from wizard.remotion import catalogue
from wizard.remotion.catalogue import Document, PolicyKind, Statement
from wizard.remotion.project import detect_project
from wizard.remotion.regions import SUPPORTED, partition_of
from wizard.text import one_line, plain

_ABOVE: Final = 6  # folders that are looked at, as for the project's release
_NAME: Final = "remotion.cmd" if sys.platform == "win32" else "remotion"
_PACKAGE: Final = "@remotion/lambda"
_MOST_OUTPUT: Final = 200_000  # bytes; the policies have 4,000
_MOST_STATEMENTS: Final = 50
_GRACE: Final = 2.0  # seconds for the last of the output
_ELEMENTS: Final = {"Sid", "Effect", "Action", "Resource", "Condition"}
_ACTION: Final = re.compile(r"[a-z0-9-]+:[A-Za-z0-9]+")
_HIDDEN: Final = ("AWS_", "REMOTION_")
_STAND_INS: Final = {"aws": "us-east-1", "aws-cn": "cn-north-1"}  # for regions that are not known here
_LINE_WITH_OBJECT: Final = re.compile(r"^[ ]*(?=\{)", re.MULTILINE)


@dataclass(frozen=True)
class ProjectPolicies:
    """What the project's Remotion prints, and its release ("" where that can't be read)."""

    user: Document
    role: Document
    release: str


def can_read(folder: Path) -> str:
    """Say why `read_from_project` can't work for the project in `folder`; "" if nothing speaks against it."""
    if shutil.which("node") is None:
        return "Node is not installed."
    if _program(folder) is None:
        return f"Remotion's command line is not installed here: there is no node_modules/.bin/{_NAME}."
    if not _release(folder):
        return f"{_PACKAGE} is not installed here: there is no node_modules/{_PACKAGE}."
    return ""


def read_from_project(folder: Path, region: str, *, timeout: float = 60) -> ProjectPolicies:
    """Have the project's Remotion print its policies for the partition of `region`, and check that they can be ones.

    `timeout` is for both together. Raises ProblemError; UsageProblem for a partition that Remotion prints no policies for.
    """
    partition = partition_of(region)
    if partition not in _STAND_INS:
        raise UsageProblem(
            f"Remotion prints no policies for the partition {partition}.",
            f"remotion.regions: {one_line(region, 40)} is in that partition.",
            "Take the policies that come with this wizard.",
        )
    reason = can_read(folder)
    program = _program(folder)
    if reason or program is None:
        raise ProblemError(Problem("The policies can't be read from the project.", reason, _install()))
    until = time.monotonic() + timeout
    asked = region if region in SUPPORTED else _STAND_INS[partition]
    user = _policy(program, folder, "user", asked, until)
    return ProjectPolicies(user, _policy(program, folder, "role", asked, until), _release(folder))


def _program(folder: Path) -> Path | None:
    """The installed command line: the project's own, or that of the workspace which it is part of."""
    start = _folder(folder)
    places = (place / "node_modules" / ".bin" / _NAME for place in [start, *start.parents][:_ABOVE])
    return next((place for place in places if place.is_file()), None)


def _release(folder: Path) -> str:
    project = detect_project(_folder(folder))
    return project.release if project.source == f"node_modules/{_PACKAGE}" else ""


def _folder(folder: Path) -> Path:
    return expanded(str(folder)).absolute()


def _policy(program: Path, folder: Path, kind: PolicyKind, region: str, until: float) -> Document:
    what = f"remotion lambda policies {kind}"
    code, output, errors = _run([str(program), "lambda", "policies", kind, "--region", region], folder, what, until)
    if code != 0:
        last = [line for line in plain(errors or output).splitlines() if line.strip()]
        said = one_line(" ".join(last[-6:]), 400) or "It said nothing."
        raise _problem(f"“{what}” of the project failed.", said, f"Run it yourself to see more: npx {what}")
    return _checked(_document_in(plain(output), what), kind, partition_of(region), what)


# ---- Running the program


def _run(command: list[str], folder: Path, what: str, until: float) -> tuple[int, str, str]:
    """Run a program to its end; its exit code and what it wrote. Nothing of it is left running, whatever happens."""
    try:
        process = subprocess.Popen(  # noqa: S603 - no shell, and nothing that is not the project's own
            command,
            cwd=_folder(folder),
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise _problem(f"“{what}” of the project can't be started.", f"{command[0]}: {error}", _install()) from error
    with process:
        outputs = (_Output(process.stdout), _Output(process.stderr))
        try:
            while process.poll() is None:
                _refuse_too_much(outputs, what)
                if time.monotonic() > until:
                    raise _problem(f"“{what}” of the project does not come to an end.", "", _run_yourself(what))
                time.sleep(0.01)
            for output in outputs:
                output.wait(_GRACE)  # what it has started may still hold the other end
            _refuse_too_much(outputs, what)
        finally:
            _end(process, outputs)
        return process.returncode, outputs[0].text, outputs[1].text


def _refuse_too_much(outputs: Sequence[_Output], what: str) -> None:
    if any(output.is_too_much for output in outputs):
        raise _problem(f"“{what}” of the project writes without end.", "", _run_yourself(what))


class _Output:
    """Reads what a program writes, beside it, and no more than is sane."""

    def __init__(self, stream: IO[bytes] | None) -> None:
        assert stream is not None
        self._stream = stream
        self._read = bytearray()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def _follow(self) -> None:
        with contextlib.suppress(OSError, ValueError):  # closed meanwhile
            while not self.is_too_much and (chunk := self._stream.read(65_536)):
                self._read += chunk

    def wait(self, limit: float) -> None:
        """Wait until everything is read, but not for long."""
        self._thread.join(limit)

    @property
    def ended(self) -> bool:
        return not self._thread.is_alive()

    @property
    def is_too_much(self) -> bool:
        return len(self._read) > _MOST_OUTPUT

    @property
    def text(self) -> str:
        return self._read.decode("utf-8", "replace")


def _end(process: subprocess.Popen[bytes], outputs: Sequence[_Output]) -> None:
    """End a program that still runs, and what it has started: that has a session of its own, see start_new_session."""
    if process.poll() is not None and all(output.ended for output in outputs):
        return
    if sys.platform == "win32":
        tree = ["taskkill", "/T", "/F", "/PID", str(process.pid)]
        subprocess.run(tree, capture_output=True, check=False)  # noqa: S603
    else:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    for output in outputs:
        output.wait(_GRACE)


def _environment() -> dict[str, str]:
    """This environment without credentials, endpoints and colours."""
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith(_HIDDEN)}
    kept.pop("FORCE_COLOR", None)
    return kept | {"NO_COLOR": "1", "CI": "1", "AWS_EC2_METADATA_DISABLED": "true"}


# ---- Reading what it printed


def _document_in(text: str, what: str) -> dict[str, Any]:
    """The one policy document among the lines of a text."""
    found = list(_documents_in(text))
    if len(found) != 1:
        said = one_line(text, 200) or "It printed nothing."
        raise _problem(f"“{what}” of the project did not print one policy.", said, _run_yourself(what))
    return found[0]


def _documents_in(text: str) -> Iterator[dict[str, Any]]:
    decoder = json.JSONDecoder()
    at = 0
    while (start := _LINE_WITH_OBJECT.search(text, at)) is not None:
        at = start.end() + 1
        try:
            value, end = decoder.raw_decode(text, start.end())
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict) and {"Version", "Statement"} <= value.keys():
            yield value
            at = end


def _checked(document: Mapping[str, Any], kind: PolicyKind, partition: str, what: str) -> Document:
    """The document, with lists where lists can be. Raises ProblemError if it is not what Remotion could have printed."""
    entries = document["Statement"]
    if document.keys() != {"Version", "Statement"} or document["Version"] != "2012-10-17":
        raise _strange(what, "It is not a policy of version 2012-10-17.")
    if not isinstance(entries, list) or not 0 < len(entries) <= _MOST_STATEMENTS:
        raise _strange(what, "Its statements are not a list, or too many.")
    if documents.size(document) > documents.INLINE_LIMIT["role"]:
        raise _strange(what, "It is larger than IAM takes.")
    checked: Document = {"Version": document["Version"], "Statement": [_statement(e, partition, what) for e in entries]}
    known = documents.actions_of(catalogue.policy(kind, catalogue.latest_release()))
    missing = known - documents.actions_of(checked)
    if len(missing) * 2 > len(known):
        raise _strange(what, f"It lacks {len(missing)} of the {len(known)} actions that Remotion's policy has.")
    return checked


def _statement(entry: Any, partition: str, what: str) -> Statement:
    if not isinstance(entry, dict) or entry.get("Effect") != "Allow":
        raise _strange(what, "A statement is not an Allow.")
    if not entry.keys() <= _ELEMENTS:
        raise _strange(what, f"A statement has {one_line(min(entry.keys() - _ELEMENTS), 40)}.")
    if not isinstance(entry.get("Sid", ""), str) or not isinstance(entry.get("Condition", {}), dict):
        raise _strange(what, "A statement has a Sid or Condition that can't be read.")
    actions, resources = (_texts(entry.get(key), what) for key in ("Action", "Resource"))
    for action in actions:
        if not _ACTION.fullmatch(action):
            raise _strange(what, f"“{one_line(action, 60)}” is not a single action.")
    for resource in resources:
        if resource != "*" and not resource.startswith(f"arn:{partition}:"):
            raise _strange(what, f"“{one_line(resource, 120)}” is not a resource of the partition {partition}.")
    return {**entry, "Action": actions, "Resource": resources}


def _texts(value: Any, what: str) -> list[str]:
    items = value if isinstance(value, list) else [value]
    texts = [item for item in items if isinstance(item, str) and item]
    if not texts or len(texts) < len(items):
        raise _strange(what, "A statement has no Action or no Resource, or one that is not text.")
    return texts


# ---- What went wrong


def _problem(title: str, detail: str, remedy: str) -> ProblemError:
    return ProblemError(Problem(title, detail, remedy))


def _strange(what: str, detail: str) -> ProblemError:
    title = f"What “{what}” of the project printed does not look like Remotion's policy."
    return _problem(title, detail, _run_yourself(what))


def _run_yourself(what: str) -> str:
    return f"Run it yourself to see: npx {what}   or take the policies that come with this wizard."


def _install() -> str:
    return "Install the project's packages (npm install), or take the policies that come with this wizard."
