"""The project's own Remotion is asked for its policies, and believed only as far as they can be ones."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sandbox import remotion_cli
from wizard.problem import ProblemError, UsageProblem
from wizard.remotion import catalogue
from wizard.remotion.from_project import ProjectPolicies, _documents_in, can_read, read_from_project

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the programs of these tests are scripts with #!")

GOOD = """
import json, sys
found = json.load(open({data!r}))
print(json.dumps(found[sys.argv[3]], indent=2))
"""


class FakeProject:
    """A project with a command line of Remotion that is a Python script."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.program = folder / "node_modules" / ".bin" / "remotion"
        self.program.parent.mkdir(parents=True)
        package = folder / "node_modules" / "@remotion" / "lambda" / "package.json"
        package.parent.mkdir(parents=True)
        package.write_text('{"version": "4.9.1"}', "utf-8")
        self.data = folder / "policies.json"
        self.policies = {
            kind: catalogue.policy("user" if kind == "user" else "role", catalogue.latest_release())
            for kind in ("user", "role")
        }
        self.does(GOOD)

    def does(self, script: str) -> None:
        """Decide what the program does; `GOOD` prints the policies."""
        self.data.write_text(json.dumps(self.policies), "utf-8")
        text = script.replace("{data!r}", repr(str(self.data)))
        self.program.write_text(f"#!{sys.executable} -IS\n{text}", "utf-8")
        self.program.chmod(0o755)

    def read(self, region: str = "us-east-1", timeout: float = 30) -> ProjectPolicies:
        return read_from_project(self.folder, region, timeout=timeout)

    def problem(self, timeout: float = 30) -> str:
        """Title and detail of the problem that reading ends with."""
        with pytest.raises(ProblemError) as caught:
            self.read(timeout=timeout)
        problem = caught.value.problem
        assert problem.remedy
        return f"{problem.title} {problem.detail}"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeProject:
    """A project on a machine with a Node that is never started."""
    node = tmp_path / "bin" / "node"
    node.parent.mkdir()
    node.write_text("#!/bin/false\n", "utf-8")
    node.chmod(0o755)
    monkeypatch.setenv("PATH", f"{node.parent}{os.pathsep}{os.environ['PATH']}")
    return FakeProject(tmp_path / "video")


def gone(pid: int) -> bool:
    """Whether a process has ended (nobody may have collected it yet)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.mark.contract
@pytest.mark.parametrize(
    ("region", "partition"), [("eu-central-1", "aws"), pytest.param("cn-north-1", "aws-cn", marks=pytest.mark.thorough)]
)
def test_the_real_remotion_prints_what_the_catalogue_has(region: str, partition: str) -> None:
    try:
        folder = remotion_cli.folder()
    except remotion_cli.Unavailable as reason:
        pytest.skip(str(reason))
    found = read_from_project(folder, region, timeout=300)
    release = catalogue.latest_release()
    assert found.release == remotion_cli.VERSION == str(release)
    assert catalogue.render(found.user) == catalogue.render(catalogue.policy("user", release, partition))
    assert catalogue.render(found.role) == catalogue.render(catalogue.policy("role", release, partition))


def test_both_policies_and_the_release_are_read(project: FakeProject) -> None:
    assert can_read(project.folder) == ""
    assert project.read() == ProjectPolicies(project.policies["user"], project.policies["role"], "4.9.1")


def test_a_workspace_is_looked_at_above(project: FakeProject) -> None:
    inner = project.folder / "packages" / "film"
    inner.mkdir(parents=True)
    project.does(GOOD + "import os; open('seen-from', 'w').write(os.getcwd())\n")
    assert can_read(inner) == ""
    assert read_from_project(inner, "us-east-1").release == "4.9.1"
    assert (inner / "seen-from").read_text() == str(inner)


def test_a_folder_that_is_written_with_dots_works(project: FakeProject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project.folder)
    assert can_read(Path()) == ""
    assert read_from_project(Path(), "us-east-1").release == "4.9.1"


def test_what_is_missing_is_said(project: FakeProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project.program.unlink()
    assert "no node_modules/.bin/remotion" in can_read(project.folder)
    assert "no node_modules/.bin/remotion" in project.problem()
    project.does(GOOD)
    (project.folder / "node_modules" / "@remotion" / "lambda" / "package.json").unlink()
    assert "@remotion/lambda is not installed" in can_read(project.folder)
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    assert can_read(project.folder) == "Node is not installed."
    assert "Node is not installed." in project.problem()


def test_the_program_gets_no_credentials_and_no_input(project: FakeProject, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "REMOTION_AWS_SECRET_ACCESS_KEY", "Remotion_Aws_Region"):
        monkeypatch.setenv(name, "told-to-nobody")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("VIDEO_KIND", "kept")
    project.does(GOOD + "import os; json.dump([sys.argv[1:], dict(os.environ), sys.stdin.read()], open('seen', 'w'))\n")
    project.read("eu-west-1")
    arguments, environment, read = json.loads((project.folder / "seen").read_text())
    assert arguments == ["lambda", "policies", "role", "--region", "eu-west-1"] and read == ""
    assert "told-to-nobody" not in environment.values() and "FORCE_COLOR" not in environment
    assert environment["VIDEO_KIND"] == "kept" and environment["NO_COLOR"] == "1"


@pytest.mark.parametrize(("region", "asked"), [("ap-east-9", "us-east-1"), ("x; rm -rf / --", "us-east-1")])
def test_a_region_that_is_not_known_is_not_passed_on(project: FakeProject, region: str, asked: str) -> None:
    project.does(GOOD + "open('seen', 'w').write(sys.argv[5])\n")
    project.read(region)
    assert (project.folder / "seen").read_text() == asked


def test_govcloud_has_no_policies_of_remotions_own(project: FakeProject) -> None:
    with pytest.raises(UsageProblem, match="partition aws-us-gov"):
        project.read("us-gov-west-1")


def test_a_release_that_knows_no_partitions_is_not_believed_for_china(project: FakeProject) -> None:
    with pytest.raises(ProblemError) as caught:
        project.read("cn-north-1")
    assert "not a resource of the partition aws-cn" in caught.value.problem.detail


def test_notices_and_colours_around_the_policy_are_no_harm(project: FakeProject) -> None:
    notice = 'print("\\x1b[33mA new version of Remotion is available!\\x1b[0m {not json}")\nprint("{")\n'
    trailer = (
        'print("\\x1b]8;;https://remotion.dev\\x07Docs\\x1b]8;;\\x07 {}")\nsys.stderr.write("{\\"warning\\": 1}\\n")\n'
    )
    project.does("import sys\n" + notice + GOOD.replace("print(", "print('\\x1b[2m' + ") + trailer)
    assert project.read().user == project.policies["user"]


@pytest.mark.parametrize("script", ["print('rubbish')", "pass", "print('[]')", "print('{' * 9000)", GOOD * 2])
def test_what_is_not_one_policy_is_refused(project: FakeProject, script: str) -> None:
    project.does(script)
    assert "did not print one policy" in project.problem()


def test_what_the_program_says_when_it_fails_is_passed_on(project: FakeProject) -> None:
    project.does("import sys\nsys.exit('\\x1b[31mRemotion Lambda is not installed.\\x1b[0m\\nnpm i @remotion/lambda')")
    problem = project.problem()
    assert "failed" in problem and "Remotion Lambda is not installed. npm i @remotion/lambda" in problem
    assert "\x1b" not in problem
    project.does("import sys; sys.exit(3)")
    assert "It said nothing." in project.problem()


def test_a_program_that_hangs_is_ended_with_what_it_started(project: FakeProject) -> None:
    child = "import subprocess, time\nchild = subprocess.Popen(['/bin/sleep', '60'])\n"
    project.does(child + "open('pid', 'w').write(str(child.pid))\ntime.sleep(60)\n")
    began = time.monotonic()
    assert "does not come to an end" in project.problem(timeout=1.5)
    assert time.monotonic() - began < 20
    assert eventually(lambda: gone(int((project.folder / "pid").read_text())))


def test_what_the_program_leaves_behind_is_ended_and_not_waited_for(project: FakeProject) -> None:
    child = "import subprocess\nchild = subprocess.Popen(['/bin/sleep', '60'])\n"
    project.does(GOOD + child + "open('pid', 'w').write(str(child.pid))\n")
    began = time.monotonic()
    assert project.read().user == project.policies["user"]
    assert time.monotonic() - began < 30
    assert eventually(lambda: gone(int((project.folder / "pid").read_text())))


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_program_that_writes_without_end_is_ended(project: FakeProject, stream: str) -> None:
    project.does(f"import sys\nwhile True: sys.{stream}.write('x' * 65536)")
    assert "writes without end" in project.problem()


def test_a_large_output_that_ends_by_itself_is_refused_too(project: FakeProject) -> None:
    project.does("print('x' * 300_000)")
    assert "writes without end" in project.problem()


def test_a_program_that_may_not_be_run_is_a_problem(project: FakeProject) -> None:
    project.program.chmod(0o644)
    assert "can't be started" in project.problem()
    project.program.write_text("#!/no/such/interpreter\n")
    project.program.chmod(0o755)
    assert "can't be started" in project.problem()


def test_text_in_place_of_lists_is_made_a_list(project: FakeProject) -> None:
    for statement in project.policies["user"]["Statement"]:
        for key in ("Action", "Resource"):
            statement[key] = statement[key][0] if len(statement[key]) == 1 else statement[key]
    project.does(GOOD)
    assert project.read().user == catalogue.policy("user", catalogue.latest_release())


def change(**values: Any) -> Callable[[dict[str, Any]], None]:
    """A change to the first statement."""
    return lambda policy: policy["Statement"][0].update(values)


STRANGE: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "another version": (lambda p: p.update(Version="2008-10-17"), "version 2012-10-17"),
    "more elements": (lambda p: p.update(Id="x"), "version 2012-10-17"),
    "no statements": (lambda p: p.update(Statement=[]), "not a list"),
    "one statement": (lambda p: p.update(Statement=p["Statement"][0]), "not a list"),
    "too many": (lambda p: p.update(Statement=p["Statement"] * 20), "too many"),
    "too large": (lambda p: p["Statement"][0].update(Sid="x" * 11_000), "larger than IAM takes"),
    "a deny": (change(Effect="Deny"), "not an Allow"),
    "no object": (lambda p: p["Statement"].append("x"), "not an Allow"),
    "a principal": (change(Principal="*"), "has Principal"),
    "all but": (change(NotAction="iam:*"), "has NotAction"),
    "a wildcard": (change(Action=["iam:*"]), "not a single action"),
    "everything": (change(Action="*"), "not a single action"),
    "no action": (change(Action=[]), "no Action"),
    "no text": (change(Resource=["*", 7]), "not text"),
    "no resource": (lambda p: p["Statement"][0].pop("Resource"), "no Resource"),
    "another partition": (change(Resource="arn:aws-cn:s3:::x"), "partition aws"),
    "a bad Sid": (change(Sid=7), "can't be read"),
    "a bad condition": (change(Condition="x"), "can't be read"),
    "less than half": (lambda p: p.update(Statement=p["Statement"][:3]), "lacks 26 of the 32 actions"),
}


@pytest.mark.parametrize("case", STRANGE)
def test_what_remotion_would_not_print_is_refused(project: FakeProject, case: str) -> None:
    spoil, said = STRANGE[case]
    spoil(project.policies["user"])
    project.does(GOOD)
    problem = project.problem()
    assert "does not look like Remotion's policy" in problem and said in problem


def test_the_policies_of_user_and_role_are_told_apart(project: FakeProject) -> None:
    project.policies["user"] = project.policies["role"]
    project.does(GOOD)
    assert "does not look like Remotion's policy" in project.problem()


@given(st.text(alphabet='{}[]":, \n\\aVersionStatement0', max_size=300))
def test_no_text_breaks_the_search_for_the_policy(text: str) -> None:
    assert all({"Version", "Statement"} <= found.keys() for found in _documents_in(text))


def eventually(holds: Callable[[], bool], limit: float = 5) -> bool:
    """Whether something comes true soon."""
    until = time.monotonic() + limit
    while not holds():
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True
