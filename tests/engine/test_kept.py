"""A walk is kept as it goes, and can be gone on with: by whom it belongs to, in its folder, for as long as it holds."""

from __future__ import annotations

import io
import json
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wizard.cli import main
from wizard.collect.answers import Answers
from wizard.collect.fields import FIELDS
from wizard.collect.kept import LIFE, Keeper
from wizard.collect.session import Session
from wizard.collect.steps import steps_for
from wizard.places import state_folder

NOW = datetime(2026, 11, 21, 14, 2, tzinfo=UTC)
FOLDER = Path("/home/ada/video")


@pytest.fixture
def keeper(tmp_path: Path) -> Callable[..., Keeper]:
    """Make a keeper with the state of this test; give it a moment with `later`."""

    def make(place: str = "", folder: Path = FOLDER, *, later: timedelta = timedelta(0), offers: bool = True) -> Keeper:
        return Keeper(place, folder, offers=offers, root=tmp_path, now=lambda: NOW + later)

    return make


def walked(keeper: Keeper, *steps: str, **values: Any) -> Session:
    """A walk to the last of these steps, with these answers; it is on disk when this returns."""
    session = Session(Answers())
    session.on_change = keeper.keep
    for step in steps:
        session._go(step)
    session.set({key.replace("__", "."): value for key, value in values.items()})
    keeper.close()
    return session


def resumed(keeper: Keeper, answers: Answers | None = None) -> Session:
    session = Session(answers or Answers())
    session.on_change = keeper.keep
    keeper.go_on(session)
    keeper.close()
    return session


Make = Callable[..., Keeper]
FORMS = ("start", "identity", "project", "principal", "policies")


def files(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "session").glob("*.json"))


# Keeping and going on


def test_a_walk_is_offered_to_the_next_start_and_gone_on_with_where_it_was(keeper: Make) -> None:
    walked(keeper(), *FORMS, principal__name="ada", principal__tags={"team": "video"})
    found = keeper(later=timedelta(hours=2))
    assert found.offered is not None
    session = resumed(found)
    assert session.current == "policies" and session.visited == set(FORMS)
    assert session.answers.text("principal.name") == "ada"
    assert session.answers.table("principal.tags") == {"team": "video"}
    assert session.answers.origin("principal.name") == "resumed"


def test_where_it_stopped_is_said_with_the_step_and_the_time(keeper: Make) -> None:
    walked(keeper(), *FORMS)
    offered = keeper().offered
    assert offered is not None
    number = [step.id for step in steps_for(Answers())].index("policies") + 1
    here = NOW.astimezone()
    for days, day in ((0, "today"), (1, "yesterday"), (3, f"{here.day} {here:%b %Y}")):
        where = offered.where(NOW + timedelta(days=days))
        assert where == f"step {number} of 13, Policies, {day} {here:%H:%M}"


def test_what_was_typed_wrongly_is_kept_and_asked_again(keeper: Make) -> None:
    walked(keeper(), *FORMS, principal__name="a b", principal__tags="half ty")
    session = resumed(keeper())
    assert session.current == "principal"
    assert session.answers["principal.tags"] == "half ty"


@pytest.mark.parametrize("step", ["review", "apply", "check", "done"])
def test_what_was_read_of_aws_is_read_again_so_nobody_lands_beyond_the_review(keeper: Make, step: str) -> None:
    walked(keeper(), *(s.id for s in steps_for(Answers())[:-3]), step)
    session = resumed(keeper())
    assert session.current == "review"
    assert not session.locked
    assert session.visited.isdisjoint({"apply", "check", "done"})


def test_a_diagnosis_goes_on_at_its_check(keeper: Make) -> None:
    walked(keeper(), "identity", "project", "principal", "check", "done", start__goal="diagnose")
    assert resumed(keeper()).current == "check"


def test_steps_beyond_the_one_that_was_gone_back_to_stay_visited(keeper: Make) -> None:
    walked(keeper(), *FORMS, "extras", "identity")
    session = resumed(keeper())
    assert session.current == "identity" and session.can_go("extras")


def test_a_later_start_that_begins_anew_takes_the_place_of_the_old_walk(keeper: Make) -> None:
    walked(keeper(), *FORMS, principal__name="ada")
    second = keeper()
    session = Session(Answers())
    session.on_change = second.keep
    session.set({"start.goal": "change"})
    assert second.offered is not None, "the choice on the first step does not decide yet"
    session.next()
    second.close()
    third = keeper().offered
    assert third is not None and third.step == "identity" and "principal.name" not in third.answers.given


def test_who_declines_or_ends_well_leaves_nothing_behind(keeper: Make, tmp_path: Path) -> None:
    walked(keeper(), *FORMS)
    declined = keeper()
    declined.start_anew()
    declined.close()
    assert files(tmp_path) == [] and not declined.is_kept
    done = keeper()
    session = Session(Answers())
    session.on_change = done.keep
    session.next()
    done.close(forget=True)
    assert files(tmp_path) == [] and not done.is_kept


# Layers


def test_the_command_line_and_the_answers_file_go_before_what_was_kept(keeper: Make) -> None:
    walked(keeper(), *FORMS, principal__name="ada", principal__attach="managed", render_role__attach="inline")
    now = (
        Answers()
        .with_values({"principal.attach": "inline"}, "answers file")
        .with_values({"principal.name": "bob"}, "--set")
    )
    answers = resumed(keeper(), now).answers
    told = {key: (answers[key], answers.origin(key)) for key in answers.given}
    assert told == {
        "principal.name": ("bob", "--set"),
        "principal.attach": ("inline", "answers file"),
        "render_role.attach": ("inline", "resumed"),
    }


def test_the_name_of_a_user_is_not_taken_for_a_role_that_this_start_names(keeper: Make) -> None:
    walked(keeper(), *FORMS, principal__name="ada", credentials__write="aws-profile", render_role__attach="inline")
    answers = resumed(keeper(), Answers().with_values({"principal.kind": "role"}, "--set")).answers
    assert (answers.text("principal.name"), answers.text("credentials.write")) == ("", "none")
    assert answers.text("render_role.attach") == "inline"


def test_profile_and_region_of_the_command_line_are_what_they_are_now(keeper: Make) -> None:
    begun = keeper()
    session = Session(Answers().with_values({"remotion.regions": ["eu-west-1"]}, "default"))
    session.on_change = begun.keep
    session.set({"identity.profile": "old"})
    begun.close()
    flags = {"identity.profile": "new", "remotion.regions": ["us-west-2"]}
    answers = resumed(keeper(), Answers().with_values(flags, "default")).answers
    assert (answers["identity.profile"], answers["remotion.regions"]) == ("new", ["us-west-2"])
    walked(keeper(), "identity", "project", remotion__regions=["eu-central-1", "eu-west-3"])
    answers = resumed(keeper(), Answers().with_values(flags, "default")).answers
    assert answers["remotion.regions"] == ["eu-central-1", "eu-west-3"], "chosen by hand"


# Whose it is


def test_each_place_and_folder_has_a_walk_of_its_own(keeper: Make) -> None:
    walked(keeper(), *FORMS)
    assert keeper("sandbox:fresh").offered is None
    other = keeper(folder=Path("/tmp"))
    assert other.offered is None and other.elsewhere() == [str(FOLDER)]
    assert keeper("sandbox:fresh").elsewhere() == []
    assert keeper().elsewhere() == []


def test_two_wizards_at_once_keep_two_walks_and_both_can_be_gone_on_with(keeper: Make) -> None:
    first, second = keeper(), keeper(later=timedelta(minutes=1))
    assert first.note == "" and second.note.startswith("Another wizard is open in this folder.")
    one, two = Session(Answers()), Session(Answers())
    one.on_change, two.on_change = first.keep, second.keep
    one.set({"principal.name": "one"})
    two.set({"principal.name": "two"})
    second.close()
    third = keeper()
    assert third.offered is not None and third.offered.answers["principal.name"] == "two"
    third.start_anew()
    third.close()
    first.close()
    assert resumed(keeper()).answers["principal.name"] == "one"


def test_with_steps_to_ask_a_walk_of_its_own_is_begun(keeper: Make) -> None:
    walked(keeper(), *FORMS, principal__name="ada")
    asking = keeper(offers=False)
    assert asking.offered is None
    walked(asking, "identity", principal__name="bob")
    assert len({offered.answers["principal.name"] for k in (keeper(), keeper()) if (offered := k.offered)}) == 2


def test_a_folder_in_which_nothing_can_be_written_holds_nobody_up(tmp_path: Path) -> None:
    (tmp_path / "session").write_text("a file")
    keeper = Keeper("", FOLDER, root=tmp_path)
    walked(keeper, *FORMS)
    assert keeper.problem and not keeper.is_kept


def test_a_disk_that_is_full_is_told_and_holds_nobody_up(
    keeper: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made = keeper()

    def full(*_arguments: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    walked(made, *FORMS)
    assert "No space left on device" in made.problem
    assert files(tmp_path) == []


# What is in the file


def test_the_file_is_for_its_owner_alone_and_holds_only_answers_and_steps(keeper: Make, tmp_path: Path) -> None:
    walked(keeper(), *FORMS, principal__name="ada\x1b[31m\x07")
    (path,) = files(tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    data = json.loads(path.read_text())
    assert set(data) == {"version", "program", "saved", "place", "folder", "step", "visited", "answers", "origins"}
    assert data["answers"] == {"principal.name": "ada"}


def test_a_secret_that_was_pasted_into_the_wrong_line_is_not_kept(keeper: Make, tmp_path: Path) -> None:
    secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    walked(keeper(), *FORMS, principal__name=secret, principal__take_away=[secret], principal__tags={"a": secret})
    assert secret not in files(tmp_path)[0].read_text()


def test_typing_is_not_written_at_every_key_but_all_of_it_in_the_end(keeper: Make, tmp_path: Path) -> None:
    made, session = keeper(), Session(Answers())
    session.on_change = made.keep
    written: list[Any] = []
    write = made._write

    def note(answers: Answers, *where: Any) -> None:
        written.append(answers["principal.name"])
        write(answers, *where)

    made._write = note  # type: ignore[method-assign, assignment]
    for end in range(1, 200):
        session.set({"principal.name": "ada-lovelace"[:end]})
    made.close()
    assert (
        len(written) <= 3 and json.loads(files(tmp_path)[0].read_text())["answers"]["principal.name"] == "ada-lovelace"
    )
    assert made._writer is not None and not made._writer.is_alive()


DAMAGED: dict[str, Callable[[dict[str, Any]], object]] = {
    "not JSON": lambda d: "{",
    "a list": lambda d: [],
    "nothing": lambda d: {},
    "another version": lambda d: d | {"version": 2},
    "a version that is a text": lambda d: d | {"version": "1"},
    "a key more": lambda d: d | {"secret": "x"},
    "another folder": lambda d: d | {"folder": "/tmp"},
    "a folder that is none": lambda d: d | {"folder": 3},
    "another place": lambda d: d | {"place": "sandbox:fresh"},
    "an unknown step": lambda d: d | {"step": "nowhere"},
    "an unknown visited step": lambda d: d | {"visited": ["nowhere"]},
    "visited things": lambda d: d | {"visited": [{}]},
    "an unknown answer": lambda d: d | {"answers": {"a.b": 1}, "origins": {"a.b": "you"}},
    "an answer of another type": lambda d: d | {"answers": {"principal.name": 3}, "origins": {"principal.name": "you"}},
    "an answer without origin": lambda d: d | {"answers": {"principal.name": "a"}, "origins": {}},
    "an unknown origin": lambda d: d | {"answers": {"principal.name": "a"}, "origins": {"principal.name": "me"}},
    "origins that are none": lambda d: d | {"origins": {"principal.name": []}},
    "no time": lambda d: d | {"saved": "yesterday"},
    "a time without zone": lambda d: d | {"saved": "2026-11-21T14:02:00"},
    "too old": lambda d: d | {"saved": (NOW - LIFE - timedelta(days=2)).isoformat()},
    "far too deep": lambda d: "[" * 100_000,
    "far too long": lambda d: d | {"program": "x" * 300_000},
    "half a character": lambda d: b"\xff\xfe{}",
}


@pytest.mark.parametrize("damage", DAMAGED.values(), ids=DAMAGED)
def test_what_is_damaged_or_too_old_is_not_offered_and_a_word_says_so(
    keeper: Make, tmp_path: Path, damage: Callable[[dict[str, Any]], object]
) -> None:
    walked(keeper(), *FORMS)
    (path,) = files(tmp_path)
    made = damage(json.loads(path.read_text()))
    path.write_bytes(
        made if isinstance(made, bytes) else (made if isinstance(made, str) else json.dumps(made)).encode()
    )
    found = keeper()
    assert found.offered is None
    assert found.note.startswith("The answers of an earlier start can't be gone on with.")
    assert not path.exists()


def test_a_clock_that_was_set_back_loses_nothing(keeper: Make) -> None:
    ahead = keeper(later=timedelta(days=400))
    walked(ahead, *FORMS)
    ahead.close()
    offered = keeper().offered
    assert offered is not None and offered.step == FORMS[-1]


def test_a_long_folder_is_kept_as_it_is_and_a_secret_is_not(keeper: Make) -> None:
    folder, secret = "/home/ada/Work/Client2/VideoRenderer/App", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    assert len(folder) == 40
    first = keeper()
    session = Session(Answers())
    session.on_change = first.keep
    session.set({"remotion.project": folder, "principal.name": secret})
    first.close()
    offered = keeper().offered
    assert offered is not None and offered.answers.text("remotion.project") == folder
    assert secret not in offered.answers.text("principal.name")


def test_what_nobody_goes_on_with_is_deleted_wherever_it_was_begun(keeper: Make, tmp_path: Path) -> None:
    walked(keeper(folder=Path("/elsewhere")), *FORMS)
    keeper(later=timedelta(days=365 * 200)).close()
    assert files(tmp_path) == []


VALUES = {
    "text": st.text(max_size=12),
    "choice": st.text(max_size=12),
    "flag": st.booleans(),
    "number": st.integers(),
    "regions": st.lists(st.text(max_size=5), max_size=3),
    "texts": st.lists(st.text(max_size=5), max_size=3),
    "tags": st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3),
}
ANY_ANSWERS = st.fixed_dictionaries({}, optional={key: VALUES[spec.kind] for key, spec in FIELDS.items()})


@settings(max_examples=30)
@given(ANY_ANSWERS)
def test_any_answers_are_kept_as_they_are_but_for_what_can_not_be_seen(
    tmp_path_factory: pytest.TempPathFactory, values: dict[str, Any]
) -> None:
    root = tmp_path_factory.mktemp("state")
    keeper = Keeper("", FOLDER, root=root)
    session = Session(Answers())
    session.on_change = keeper.keep
    session.set(values)
    session._go("identity")
    keeper.close()
    offered = Keeper("", FOLDER, root=root).offered
    assert offered is not None
    assert set(offered.answers.given) == set(session.answers.given)
    for key, value in session.answers.given.items():
        if isinstance(value, bool | int) or (isinstance(value, str) and value.isascii() and value.isprintable()):
            assert offered.answers[key] == value


# --resume


@pytest.fixture
def in_terminal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A terminal for input, in a folder of its own."""
    terminal = io.StringIO()
    terminal.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr("sys.stdin", terminal)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_resume_with_nothing_to_go_on_with_is_refused_and_says_where_there_is_something(
    in_terminal: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--sandbox", "--resume"]) == 2
    assert "--resume: there is nothing to go on with." in capsys.readouterr().err
    walked(Keeper("sandbox:fresh", FOLDER), *FORMS)
    assert main(["--sandbox", "--resume"]) == 2
    assert f"There are answers that were kept in {FOLDER}: go on with them there." in capsys.readouterr().err
    assert main(["--sandbox", "--resume", "--ask", "start", "--set", "principal.name=ada"]) == 2
    assert "exclude each other" in capsys.readouterr().err


def test_what_can_not_be_gone_on_with_is_told_once(in_terminal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    walked(Keeper("sandbox:fresh", in_terminal), *FORMS)
    (path,) = (state_folder() / "session").glob("*.json")
    path.write_text("{}")
    assert main(["--sandbox", "--plain"]) == 130
    assert "Note: The answers of an earlier start can't be gone on with. They are damaged." in capsys.readouterr().err
    assert main(["--sandbox", "--plain"]) == 130
    assert "can't be gone on with" not in capsys.readouterr().err


def test_the_end_of_the_input_says_how_to_go_on_at_the_same_place(
    in_terminal: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ["--sandbox", "kms-bucket", "--region", "eu-west-1", "--plain"]
    walked(Keeper("sandbox:kms-bucket", in_terminal), *FORMS, principal__name="ada")
    assert (
        main([*arguments, "--set", "principal.attach=managed", "--answers", str(_answers(in_terminal)), "--resume"])
        == 130
    )
    captured = capsys.readouterr()
    assert "Step 5 of 13: Policies." in captured.out and "Signed in as" in captured.out
    assert "The answer that is there is from --set." in captured.out
    assert captured.err.splitlines() == [
        "failed: Interrupted.",
        "  The input has ended. Your answers are kept.",
        "  next: Go on with: remotion-lambda-wizard --sandbox kms-bucket --region eu-west-1 --plain --resume",
    ]
    offered = Keeper("sandbox:kms-bucket", in_terminal).offered
    assert offered is not None
    assert {key: offered.answers[key] for key in ("principal.name", "principal.attach", "render_role.attach")} == {
        "principal.name": "ada",
        "principal.attach": "managed",
        "render_role.attach": "inline",
    }


def _answers(folder: Path) -> Path:
    file = folder / "answers.toml"
    file.write_text('version = 1\n[render_role]\nattach = "inline"\n')
    return file
