"""What the screens load, and that every key has a name and does something."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

from textual.binding import Binding
from textual.dom import DOMNode
from textual.widget import Widget

import screens
from screens.app import WizardApp
from wizard.collect.steps import STEPS
from wizard.places import asset

FOLDER = Path(screens.__file__).parent
MODULES = sorted(FOLDER.rglob("*.py"))


def _loaded_by(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint('\\n'.join(sys.modules))"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


def test_the_package_loads_no_textual() -> None:
    assert not any(name.startswith("textual") for name in _loaded_by("import screens"))


def test_the_app_loads_nothing_that_the_first_frame_does_not_need() -> None:
    loaded = _loaded_by("import screens.app, screens.start")
    heavy = {"boto3", "botocore", "moto", "textual.widgets._markdown", "textual.widgets._text_area", "pygments"}
    heavy |= {"textual.widgets._data_table", "markdown_it", "wizard.plan.build", "screens.review", "keyring"}
    assert loaded & heavy == set()


def test_no_screen_imports_what_talks_to_aws() -> None:
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not any(n.split(".")[0] in {"boto3", "botocore", "moto"} for n in names), path


def _classes() -> list[type[DOMNode]]:
    found: list[type[DOMNode]] = []
    for path in MODULES:
        module = import_module(
            ".".join(path.relative_to(FOLDER.parent).with_suffix("").parts).removesuffix(".__init__")
        )
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, DOMNode) and value.__module__ == module.__name__:
                found.append(value)
    return found


def test_every_binding_has_an_id_a_tooltip_and_an_action_that_exists() -> None:
    ids: list[str] = []
    for cls in _classes():
        for binding in cls.__dict__.get("BINDINGS", []):
            assert isinstance(binding, Binding), (cls, binding)
            assert binding.tooltip, (cls, binding)
            assert binding.id, (cls, binding)
            ids.append(binding.id)
            target, _, name = binding.action.partition("(")[0].rpartition(".")
            owner: type = WizardApp if target == "app" else cls
            assert hasattr(owner, f"action_{name}"), (cls, binding.action)
            avoided = {"ctrl+a", "ctrl+b", "ctrl+s", "ctrl+j"}
            assert avoided.isdisjoint(binding.key.split(","))
    assert len(ids) == len(set(ids))


def test_every_widget_of_ours_is_used() -> None:
    text = "\n".join(path.read_text("utf-8") for path in MODULES)
    for cls in _classes():
        if issubclass(cls, Widget):
            assert text.count(cls.__name__) > 1, cls


def test_every_step_has_help() -> None:
    for step in STEPS:
        assert len(asset("help", f"{step.id}.md").read_text("utf-8")) > 200
