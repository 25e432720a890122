"""A secret is in its one place and nowhere else: in no other file, no event, no answer, no traceback."""

from __future__ import annotations

import copy
import io
import json
import logging
import pickle
import pprint
import traceback
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given as property_of
from hypothesis import strategies as st

from tests.engine.support import Place, Sandboxed, env, given, iam, plan_for
from wizard.apply.executor import NewKey
from wizard.cli import main
from wizard.collect.answers import Answers
from wizard.engine import Engine
from wizard.handover.aws_profile import read_profile
from wizard.remotion import names
from wizard.secret import MASK, Secret

HUSH = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY="


def files_with(secret: str, *roots: Path) -> list[Path]:
    """Every file that holds the secret, plain or as text in JSON or a URL."""
    from urllib.parse import quote

    forms = {f.encode() for f in (secret, json.dumps(secret)[1:-1], quote(secret, safe=""), secret.replace("/", "\\/"))}
    found = []
    for root in roots:
        for path in root.rglob("*"):
            if path.is_file() and not path.is_symlink():
                data = path.read_bytes()
                if any(form in data for form in forms):
                    found.append(path)
    return found


@pytest.mark.parametrize("answers", [given(), given(credentials__write="aws-profile")], ids=["to .env", "to a profile"])
def test_after_a_full_run_the_secret_is_in_its_place_only(
    engine: Engine, place: Place, answers: Answers, caplog: pytest.LogCaptureFixture
) -> None:
    plan = plan_for(engine, answers)
    with caplog.at_level(logging.INFO):
        events = list(engine.apply(plan))
        report = engine.check(answers)
    profile = answers.text("credentials.write") == "aws-profile"
    home = place.credentials if profile else place.env
    secret = (
        (read_profile(home, "remotion") or {})["aws_secret_access_key"]
        if profile
        else env(place)[names.SECRET_ACCESS_KEY]
    )
    assert len(secret) == 40
    assert files_with(secret, place.home, place.state) == [home]
    for said in (
        repr(events),
        str(events),
        repr(plan),
        json.dumps(plan.to_json()),
        repr(report),
        json.dumps(report.to_json()),
        caplog.text,
        repr(engine.__dict__),
        answers.to_toml(),
    ):
        assert secret not in said


def test_commands_print_no_secret(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    answers = place.home / "answers.toml"
    answers.write_text("version = 1\n")
    saved = str(place.home / "saved.toml")
    assert main(["setup", "--sandbox", "--answers", str(answers), "--yes", "--save-answers", saved]) == 0
    assert main(["apply", "--sandbox", "--answers", str(answers), "--json"]) == 0
    assert main(["check", "--sandbox", "--answers", str(answers), "--json"]) == 0
    said = capsys.readouterr()
    secret = env(place)[names.SECRET_ACCESS_KEY]
    assert secret not in said.out + said.err
    assert files_with(secret, place.home, place.state) == [place.env]


def test_the_new_secret_is_given_only_to_who_asks_for_it(engine: Engine, place: Place) -> None:
    assert engine.new_secret() is None
    list(engine.apply(plan_for(engine)))
    made = engine.new_secret()
    assert made is not None and made[1].reveal() == env(place)[names.SECRET_ACCESS_KEY]
    assert made[1].reveal() not in repr(made)


def test_the_state_of_the_sandbox_does_not_hold_the_secrets_of_its_keys(sandbox: Sandboxed) -> None:
    secret = iam(sandbox.engine).create_access_key(UserName="sandbox-admin")["AccessKey"]["SecretAccessKey"]
    assert files_with(secret, sandbox.place.home, sandbox.place.state) == []


# The type


@dataclass
class Holder:
    secret: Secret


@pytest.mark.parametrize(
    "show",
    [
        repr,
        str,
        "{}".format,
        "{!r}".format,
        "{:>50}".format,
        lambda s: f"{s}",
        pprint.pformat,
        lambda s: repr([s]),
        lambda s: repr({"k": s}),
        lambda s: repr(Holder(s)),
        lambda s: repr(NewKey("AKIA", s)),
        lambda s: json.dumps({"k": s}, default=str),
        lambda s: str(ValueError(s)),
        lambda s: repr(ValueError(s)),
        ascii,
    ],
)
def test_nothing_that_shows_it_shows_it(show: Any) -> None:
    assert HUSH not in show(Secret(HUSH))


def test_a_format_with_a_width_shows_the_mask() -> None:
    assert f"{Secret(HUSH):>12}" == MASK.rjust(12)


@pytest.mark.parametrize(
    "copier",
    [
        pickle.dumps,
        copy.copy,
        copy.deepcopy,
        json.dumps,
        hash,
        lambda s: asdict(Holder(s)),
        dict,
        list,
        bytes,
        vars,
        iter,
        len,
    ],
)
def test_nothing_that_would_copy_it_out_works(copier: Any) -> None:
    with pytest.raises(TypeError) as caught:
        copier(Secret(HUSH))
    assert HUSH not in str(caught.value)


def test_a_traceback_does_not_show_it() -> None:
    def fails(secret: Secret) -> None:
        raise ValueError(f"this went wrong with {secret}")

    out = io.StringIO()
    try:
        fails(Secret(HUSH))
    except ValueError as error:
        traceback.print_exception(error, file=out)
        with_locals = traceback.TracebackException.from_exception(error, capture_locals=True)
        out.write("".join(with_locals.format()).replace(repr(HUSH), "(the test's own)"))
    assert HUSH not in out.getvalue()


def test_a_log_does_not_show_it(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("x").warning("made %s and %r", Secret(HUSH), Secret(HUSH))
    assert HUSH not in caplog.text and MASK in caplog.text


@property_of(st.text(st.characters(exclude_categories=["Cs"])), st.text(st.characters(exclude_categories=["Cs"])))
def test_secrets_are_equal_when_their_texts_are(one: str, other: str) -> None:
    assert (Secret(one) == Secret(other)) == (one == other)
    assert Secret(one) != one
    assert bool(Secret(one)) == bool(one)
    assert Secret(one).reveal() == one
