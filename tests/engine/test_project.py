"""Which release a project uses is read from what is installed, else from a lock file, else from package.json."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wizard.remotion.project import LOCK_FILES, detect_project

WANTED = {"@remotion/lambda": "^4.0.100", "remotion": "^4.0.100"}


def write(folder: Path, name: str, content: Any) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return path


def detected(folder: Path) -> tuple[str, str]:
    project = detect_project(folder)
    return project.release, project.source


LOCKS = {
    "npm 7 to 11": (
        "package-lock.json",
        json.dumps(
            {
                "lockfileVersion": 3,
                "packages": {"": {"dependencies": WANTED}, "node_modules/@remotion/lambda": {"version": "4.0.418"}},
            }
        ),
    ),
    "npm 6": (
        "package-lock.json",
        json.dumps({"lockfileVersion": 1, "dependencies": {"@remotion/lambda": {"version": "4.0.418"}}}),
    ),
    "npm shrinkwrap": (
        "npm-shrinkwrap.json",
        json.dumps({"packages": {"node_modules/@remotion/lambda": {"version": "4.0.418"}}}),
    ),
    "pnpm 5": (
        "pnpm-lock.yaml",
        "lockfileVersion: 5.4\n\npackages:\n\n  /@remotion/lambda/4.0.418:\n    resolution: {integrity: sha512-x}\n",
    ),
    "pnpm 5 with peers": ("pnpm-lock.yaml", "packages:\n\n  /@remotion/lambda/4.0.418_react@18.2.0:\n    dev: false\n"),
    "pnpm 6": (
        "pnpm-lock.yaml",
        "lockfileVersion: '6.0'\n\npackages:\n\n  /@remotion/lambda@4.0.418:\n    resolution: {}\n",
    ),
    "pnpm 6 with peers": (
        "pnpm-lock.yaml",
        "packages:\n\n  /@remotion/lambda@4.0.418(react-dom@18.2.0)(react@18.2.0):\n    dev: false\n",
    ),
    "pnpm 9": (
        "pnpm-lock.yaml",
        "lockfileVersion: '9.0'\n\nimporters:\n\n  .:\n    dependencies:\n      '@remotion/lambda':\n"
        "        specifier: ^4.0.100\n        version: 4.0.418(react@19.0.0)\n\npackages:\n\n"
        "  '@remotion/lambda@4.0.418':\n    resolution: {}\n\nsnapshots:\n\n"
        "  '@remotion/lambda@4.0.418(react@19.0.0)':\n    dependencies: {}\n",
    ),
    "yarn classic": (
        "yarn.lock",
        '# yarn lockfile v1\n\n\n"@remotion/lambda@^4.0.100":\n  version "4.0.418"\n'
        '  resolved "https://registry.yarnpkg.com/x.tgz"\n',
    ),
    "yarn classic, two ranges": (
        "yarn.lock",
        '"@remotion/lambda@4.0.418", "@remotion/lambda@^4.0.100":\n  version "4.0.418"\n',
    ),
    "yarn berry": (
        "yarn.lock",
        '__metadata:\n  version: 8\n\n"@remotion/lambda@npm:^4.0.100":\n  version: 4.0.418\n'
        '  resolution: "@remotion/lambda@npm:4.0.418"\n',
    ),
    "bun": (
        "bun.lock",
        '{\n  "lockfileVersion": 1,\n  "packages": {\n'
        '    "@remotion/lambda": ["@remotion/lambda@4.0.418", "", { "dependencies": {} }, "sha512-x"],\n  }\n}\n',
    ),
}


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_managers_lock_file_is_read(tmp_path: Path, lock: str, newline: str) -> None:
    name, text = LOCKS[lock]
    write(tmp_path, "package.json", {"dependencies": WANTED})
    (tmp_path / name).write_bytes(text.replace("\n", newline).encode())
    assert detected(tmp_path) == ("4.0.418", name)


@pytest.mark.parametrize("lock", [k for k, (name, _) in LOCKS.items() if name.startswith(("pnpm", "yarn", "bun"))])
def test_a_lock_file_that_has_only_the_main_package_gives_its_release(tmp_path: Path, lock: str) -> None:
    name, text = LOCKS[lock]
    write(tmp_path, name, text.replace("@remotion/lambda", "remotion"))
    assert detected(tmp_path) == ("4.0.418", name)


def test_a_package_whose_name_only_ends_alike_is_not_taken(tmp_path: Path) -> None:
    write(tmp_path, "pnpm-lock.yaml", "packages:\n\n  /my-remotion@4.0.418:\n    dev: false\n")
    write(tmp_path, "yarn.lock", '"my-remotion@^1.0.0":\n  version "4.0.418"\n')
    write(tmp_path, "bun.lock", '"packages": { "my-remotion": ["my-remotion@4.0.418"] }')
    assert detected(tmp_path) == ("", "")


def test_the_installed_package_counts_more_than_the_lock_file_and_that_more_than_the_range(tmp_path: Path) -> None:
    write(tmp_path, "package.json", {"dependencies": {"@remotion/lambda": "4.0.1"}})
    assert detected(tmp_path) == ("4.0.1", "package.json")
    write(tmp_path, "package-lock.json", {"packages": {"node_modules/@remotion/lambda": {"version": "4.0.2"}}})
    assert detected(tmp_path) == ("4.0.2", "package-lock.json")
    write(tmp_path, "node_modules/@remotion/lambda/package.json", {"version": "4.0.3"})
    assert detected(tmp_path) == ("4.0.3", "node_modules/@remotion/lambda")


def test_a_workspace_finds_what_its_root_has_installed(tmp_path: Path) -> None:
    write(tmp_path, "apps/video/package.json", {"dependencies": {"@remotion/lambda": "workspace:*"}})
    write(tmp_path, "node_modules/@remotion/lambda/package.json", {"version": "4.0.300"})
    assert detected(tmp_path / "apps" / "video") == ("4.0.300", "node_modules/@remotion/lambda")


def test_what_the_package_itself_has_counts_more_than_what_its_root_has(tmp_path: Path) -> None:
    write(tmp_path, "node_modules/@remotion/lambda/package.json", {"version": "4.0.1"})
    write(tmp_path, "apps/video/node_modules/@remotion/lambda/package.json", {"version": "4.0.300"})
    assert detected(tmp_path / "apps" / "video")[0] == "4.0.300"


def test_an_installed_package_behind_a_link_is_read_as_pnpm_installs_it(tmp_path: Path) -> None:
    store = tmp_path / "store" / "lambda"
    write(store, "package.json", {"version": "4.0.77"})
    link = tmp_path / "video" / "node_modules" / "@remotion" / "lambda"
    link.parent.mkdir(parents=True)
    link.symlink_to(store)
    assert detected(tmp_path / "video")[0] == "4.0.77"


def test_links_that_lead_in_a_circle_or_nowhere_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "package.json").symlink_to(tmp_path / "package.json")
    (tmp_path / "yarn.lock").symlink_to(tmp_path / "nowhere")
    (tmp_path / "node_modules").symlink_to(tmp_path / "node_modules")
    assert detected(tmp_path) == ("", "")


@pytest.mark.parametrize("range_", ["^4.0.100", "~4.0.100", "=4.0.100", "v4.0.100", "4.0.100"])
def test_the_range_in_package_json_is_the_last_resort(tmp_path: Path, range_: str) -> None:
    write(tmp_path, "package.json", {"devDependencies": {"remotion": range_}})
    assert detected(tmp_path) == ("4.0.100", "package.json")


@pytest.mark.parametrize(
    "range_", ["latest", "*", ">=4", "4.x", "workspace:*", "", "file:../remotion", "git+ssh://x#4.0.1"]
)
def test_a_range_that_names_no_release_gives_none(tmp_path: Path, range_: str) -> None:
    write(tmp_path, "package.json", {"dependencies": {"remotion": range_}})
    project = detect_project(tmp_path)
    assert (project.release, project.uses_remotion, project.is_node_project) == ("", True, True)


def test_a_project_without_the_lambda_package_gets_the_command_that_adds_it(tmp_path: Path) -> None:
    write(tmp_path, "package.json", {"dependencies": {"remotion": "4.0.100"}})
    assert any("npx remotion add @remotion/lambda" in note for note in detect_project(tmp_path).notes)


def test_an_empty_folder_is_no_project(tmp_path: Path) -> None:
    project = detect_project(tmp_path)
    assert (project.is_node_project, project.uses_remotion, project.release) == (False, False, "")


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "null",
        "7",
        '"text"',
        '{"dependencies": []}',
        '{"dependencies": {"remotion": 4}}',
        '{"dependencies": null}',
        '{"dependencies": {"remotion": {"version": 4}}}',
        "[" * 100_000,
        '{"a":' * 50_000,
        '{"version": ' + "1" * 5000 + "}",
        "\x00\x01",
        "\ud7ff" * 9,
        "{" + '"a":1,' * 20_000 + '"b":2}',
    ],
    ids=lambda text: repr(text[:20]),
)
@pytest.mark.parametrize("name", ["package.json", "package-lock.json", "node_modules/@remotion/lambda/package.json"])
def test_a_file_that_makes_no_sense_is_left_out(tmp_path: Path, name: str, content: str) -> None:
    write(tmp_path, name, content)
    assert detected(tmp_path) == ("", "")


def test_a_package_json_that_is_no_json_is_said(tmp_path: Path) -> None:
    write(tmp_path, "package.json", "{oops")
    assert detect_project(tmp_path).notes == ("package.json can't be read as JSON.",)


def test_bytes_that_are_no_text_and_a_byte_order_mark_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / "yarn.lock").write_bytes(b"\xff\xfe\x00" * 100)
    (tmp_path / "package.json").write_bytes(
        b"\xef\xbb\xbf" + json.dumps({"dependencies": {"remotion": "4.0.9"}}).encode()
    )
    assert detected(tmp_path) == ("4.0.9", "package.json")


@pytest.mark.parametrize("name", ["package.json", *LOCK_FILES, "node_modules/remotion/package.json"])
def test_a_folder_in_place_of_a_file_is_left_out(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir(parents=True)
    assert detected(tmp_path) == ("", "")


def test_a_pipe_in_place_of_a_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "package.json")
    os.mkfifo(tmp_path / "yarn.lock")
    assert detected(tmp_path) == ("", "")


def test_a_file_that_may_not_be_looked_at_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, **_: Any) -> Any:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "stat", refuse)
    assert detected(tmp_path) == ("", "")


@pytest.mark.parametrize("blank", ["\n", " ", "\r\n", "  \n", '"remotion@x\n'])
def test_a_large_lock_file_of_nothing_takes_no_time(tmp_path: Path, blank: str) -> None:
    for name in LOCK_FILES:
        write(tmp_path, name, blank * 200_000)
    began = time.process_time()
    assert detected(tmp_path) == ("", "")
    assert time.process_time() - began < 5


@settings(max_examples=60, deadline=None)
@given(content=st.binary(max_size=300), name=st.sampled_from(["package.json", *LOCK_FILES]))
def test_no_content_makes_detection_fail(tmp_path_factory: pytest.TempPathFactory, content: bytes, name: str) -> None:
    folder = tmp_path_factory.mktemp("project")
    (folder / name).write_bytes(content)
    assert detect_project(folder).folder == folder
