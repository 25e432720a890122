"""Picking a role or a Lambda function: pages stream in, typing narrows at once, what is locked can't be taken."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.widgets import Input

from screens.app import WizardApp
from screens.widgets import picker as module
from screens.widgets.field import FieldView
from screens.widgets.picker import Picker, PickLine, PickList
from screens.widgets.words import Rows
from tests.screens.support import ACCOUNT, NASTY, FakeEngine, Person, session_at, with_person
from tests.thorough import mostly_thorough
from wizard.account.roles import Denied, FunctionEntry, RoleEntry
from wizard.problem import Problem, ProblemError
from wizard.text import plain

LAMBDA = "lambda.amazonaws.com"
LINKED = "/aws-service-role/rds.amazonaws.com/"


def role(name: str, *services: str, path: str = "/") -> RoleEntry:
    return RoleEntry(name, path, f"arn:aws:iam::{ACCOUNT}:role{path}{name}", services)


def function(name: str, role_name: str) -> FunctionEntry:
    arn = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{name}"
    return FunctionEntry(name, arn, "us-east-1", role_name, f"arn:aws:iam::{ACCOUNT}:role/{role_name}", "nodejs22.x")


class Account(FakeEngine):
    """An engine with roles and functions, whose pages may be held back one by one."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.pages: list[tuple[RoleEntry, ...] | Exception] = [
            (role("video-api", LAMBDA), role("video-batch", "ecs-tasks.amazonaws.com", path="/video/")),
            (role("billing", LAMBDA), role("AWSServiceRoleForRDS", "rds.amazonaws.com", path=LINKED)),
            tuple(role(f"team-{number:04}", LAMBDA) for number in range(1200)),
        ]
        self.functions = (function("video-fn", "video-api"), function("other-fn", "other"))
        self.gate = threading.Semaphore(1000)
        self.read = 0

    def hold(self) -> None:
        """From now on every page waits for a `gate.release()`."""
        self.gate = threading.Semaphore(0)

    def role_pages(self) -> Iterator[tuple[RoleEntry, ...]]:
        for page in self.pages:
            assert self.gate.acquire(timeout=30)
            self.read += 1
            if isinstance(page, Exception):
                raise page
            yield page

    def function_pages(self, region: str) -> Iterator[tuple[FunctionEntry, ...]]:
        yield self.functions


@pytest.fixture
def account(folder: Path) -> Account:
    return Account(folder)


def app_of(account: Account, **values: object) -> WizardApp:
    """The wizard at the question for a role."""
    return WizardApp(
        account, session_at("principal", **{"principal__kind": "role", "principal__service": "ecs", **values})
    )


def answer(person: Person, key: str = "name") -> str:
    return person.app.session.answers.text(f"principal.{key}")


def picker(person: Person, key: str = "principal--name--2") -> Picker:
    found = person.app.screen.query_one(f"#{key}", FieldView).control
    assert isinstance(found, Picker)
    return found


def preview(person: Person) -> str:
    """What the picture beside the form says."""
    return " ".join(line.plain for line in person.app.screen.query_one("#who", Rows).lines(60))


async def to_line(person: Person, key: str = "principal--name--2") -> None:
    """Put the cursor into a picker's line; what is still being read is not waited for."""
    picker(person, key).query_one(PickLine).focus()
    await person.pilot.pause()


async def until(person: Person, text: str) -> None:
    """Wait until the screen shows a text."""
    for _ in range(2000):
        await person.pilot.pause(0.005)
        if text in person.sees():
            return
    raise AssertionError(f"{text!r} does not appear:\n{person.sees()}")


async def test_with_a_role_its_questions_stand_in_place_of_the_user_s(account: Account) -> None:
    async def do(person: Person) -> None:
        await person.go_to("principal--name")
        await person.type("ada")
        await person.go_to("principal--kind")
        await person.press("down")
        assert [f.question.label for f in person.app.screen.query(FieldView) if f.display][:3] == [
            "Your code signs in as",
            "Service",
            "Role",
        ]
        assert answer(person) == ""
        assert "without an access key" in preview(person)
        await to_line(person)
        await person.type("video-api")
        await person.go_to("principal--kind")
        await person.press("up")
        assert answer(person) == "ada"
        assert person.app.screen.query_one("#principal--name Input", Input).value == "ada"
        assert "signs in with the access key of" in preview(person)
        await person.press("down")
        assert answer(person) == picker(person).query_one(PickLine).value == "video-api"

    await with_person(WizardApp(account, session_at("principal")), do)


async def test_rows_are_there_with_the_first_page_and_the_highlight_stays_when_more_come(account: Account) -> None:
    account.hold()
    async with app_of(account).run_test(size=(80, 24)) as pilot:
        person = Person(pilot)
        await pilot.pause()
        await to_line(person)
        await until(person, "reading the roles")
        account.gate.release()
        await until(person, "loading, 2 so far")
        await until(person, "video-batch")
        await pilot.press(*"vi", "down")
        await until(person, "▸ video-api")
        account.gate.release()
        await until(person, "loading, 4 so far")
        assert "▸ video-api" in person.sees()
        await pilot.press("enter")
        await pilot.pause()
        assert answer(person) == "video-api"
        account.gate.release(10)
        await person.settled()


async def test_typing_narrows_enter_takes_and_the_next_enter_goes_on(account: Account) -> None:
    async def do(person: Person) -> None:
        await to_line(person)
        await person.settled()
        assert "1,204 roles" in person.sees()
        await person.press(*"team -02")
        assert "1,204 roles · 100 match" in person.sees()
        assert "video-api" not in person.sees()
        await person.press("down", "down")
        assert answer(person) == "team -02"
        await person.press("enter")
        assert answer(person) == "team-0202"
        assert person.step == "principal"
        assert not picker(person).opened
        await person.press("enter")
        assert person.step == "policies"
        assert answer(person) == "team-0202"

    await with_person(app_of(account), do)


async def test_every_match_can_be_scrolled_to_and_only_rows_in_view_are_drawn(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[str] = []
    original = module.columns

    def noting(row: module.Row, width: int) -> tuple[str, str, str]:
        drawn.append(row[0])
        return original(row, width)

    monkeypatch.setattr(module, "columns", noting)

    async def do(person: Person) -> None:
        await to_line(person)
        await person.settled()
        drawn.clear()
        await person.press("e")
        assert len(drawn) < 40
        await person.press("ctrl+end")
        assert "▸ AWSServiceRoleForRDS" in person.sees()
        await person.press("up")
        assert "▸ video-api" in person.sees()
        await person.press("pageup", "pageup", "ctrl+home", "pagedown")
        assert picker(person).query_one(PickList).at == 7

    await with_person(app_of(account), do)


async def test_a_locked_role_says_why_and_can_t_be_taken(account: Account) -> None:
    async def do(person: Person) -> None:
        await to_line(person)
        await person.settled()
        await person.press(*"rds", "down", "enter")
        assert answer(person) == "rds"
        assert "only rds.amazonaws.com can change it" in person.words()
        await person.type("AWSServiceRoleForRDS")
        await person.press("enter")
        await person.press("ctrl+n")
        assert person.step == "principal"
        assert "can't be picked" in person.words()

    await with_person(app_of(account), do)


async def test_a_name_that_is_not_there_is_refused_and_one_in_other_letters_is_put_right(account: Account) -> None:
    async def do(person: Person) -> None:
        await to_line(person)
        await person.settled()
        await person.type("nobody")
        await person.press("enter")
        assert "There is no role “nobody” in this account" in person.words()
        await person.type("VIDEO-api")
        await person.press("enter")
        assert answer(person) == "video-api"

    await with_person(app_of(account), do)


async def test_a_role_that_the_service_can_t_take_is_pickable_with_a_warning(account: Account) -> None:
    async def do(person: Person) -> None:
        await to_line(person)
        await person.settled()
        assert person.sees().index("video-batch") < person.sees().index("billing")
        await person.press(*"billing")
        assert "not ecs-tasks.amazonaws.com" in person.words()
        await person.press("enter")
        assert person.step == "policies"

    await with_person(app_of(account), do)


async def test_who_may_not_list_can_type_the_name(account: Account) -> None:
    account.pages = [Denied(Problem("You may not call iam:ListRoles."))]

    async def do(person: Person) -> None:
        await to_line(person)
        await person.settled()
        assert "You may not call iam:ListRoles. Type the name or ARN." in person.words()
        await person.press(*"video-api", "enter")
        assert person.step == "policies"
        assert answer(person) == "video-api"

    await with_person(app_of(account), do)


async def test_a_list_that_failed_is_read_again(account: Account) -> None:
    right = account.pages
    account.pages = [right[0], ProblemError(Problem("AWS could not be reached."))]

    async def do(person: Person) -> None:
        await to_line(person)
        await person.settled()
        assert "AWS could not be reached." in person.words()
        assert "video-api" in person.sees()
        account.pages = right
        await person.press("f5")
        assert "1,204 roles" in person.sees()

    await with_person(app_of(account), do)


async def test_leaving_stops_the_reading_and_coming_back_goes_on_with_it(account: Account) -> None:
    account.hold()
    async with app_of(account).run_test(size=(80, 24)) as pilot:
        person = Person(pilot)
        await pilot.pause()
        await to_line(person)
        account.gate.release()
        await until(person, "loading, 2 so far")
        await pilot.press("escape")
        await person.settled()
        assert person.step == "project"
        account.gate.release(10)
        await person.settled()
        assert account.read <= 2  # the page that was under way
        person.app.go_next()
        await person.settled()
        await to_line(person)
        await person.settled()
        assert "1,204 roles" in person.sees()
        assert account.read == 3


async def test_a_function_brings_its_role_and_takes_the_place_of_the_role_question(account: Account) -> None:
    async def do(person: Person) -> None:
        await to_line(person)
        await person.type("billing")
        await to_line(person, "principal--function")
        await person.settled()
        await person.press(*"video", "enter")
        assert (answer(person, "function"), answer(person)) == ("video-fn", "")
        assert "video-api" in preview(person)
        assert not person.app.screen.query_one("#principal--name--2").display
        await person.press("end", "ctrl+u")
        assert answer(person) == "billing"
        await person.press(*"other", "enter", "ctrl+n")
        assert person.step == "policies"
        assert not person.app.session.answers.problems()

    await with_person(app_of(account, principal__service="lambda"), do, (120, 40))


async def test_a_function_is_let_go_of_with_its_service_and_comes_back_with_it(account: Account) -> None:
    async def do(person: Person) -> None:
        await to_line(person, "principal--function")
        await person.press(*"video", "enter")
        await person.go_to("principal--service")
        await person.press("down")
        assert (answer(person, "service"), answer(person, "function")) == ("ec2", "")
        assert person.app.screen.query_one("#principal--assumed_by").display
        await person.press("up")
        assert answer(person, "function") == "video-fn"

    await with_person(app_of(account, principal__service="lambda"), do)


async def test_a_click_takes_a_row_and_one_list_is_open_at_a_time(account: Account) -> None:
    async def do(person: Person) -> None:
        await to_line(person)
        await person.settled()
        await person.pilot.click(picker(person).query_one(PickList), offset=(6, 1))
        await person.settled()
        assert answer(person) != ""
        assert person.app.screen.focused is picker(person).query_one(PickLine)
        await to_line(person, "principal--assumed_by")
        assert [p.opened for p in person.app.screen.query(Picker)].count(True) == 1
        await person.press("tab")
        assert not any(p.opened for p in person.app.screen.query(Picker))

    await with_person(app_of(account, principal__service="ec2"), do, (120, 40))


async def test_arrows_lead_into_the_list_and_out_of_it(account: Account) -> None:
    async def do(person: Person) -> None:
        await to_line(person)
        await person.settled()
        await person.press("down", "up", "up")
        focused = person.app.screen.focused
        assert focused is not None
        assert focused not in list(picker(person).query("*"))

    await with_person(app_of(account), do)


async def test_names_from_aws_are_shown_as_plain_text(account: Account) -> None:
    account.pages = [(role(NASTY, "[red]x", path="/[b]/"), role("fine"))]

    async def do(person: Person) -> None:
        await to_line(person)
        await person.settled()
        assert plain("AccessDenied: [/iam] not authorized") in person.sees()
        assert "\x1b" not in person.sees()
        await person.press("down", "down")
        await person.press("enter")

    await with_person(app_of(account, principal__service="any"), do, (120, 40))


@pytest.mark.parametrize("size", mostly_thorough([(80, 24), (120, 40), (60, 16), (40, 10), (30, 8)], {(40, 10)}))
async def test_it_fits_any_terminal(account: Account, size: tuple[int, int]) -> None:
    async def do(person: Person) -> None:
        await to_line(person)
        await person.settled()
        await person.press(*"team", "down")
        assert "▸ team-0001" in person.sees()
        rows = picker(person).query_one(PickList).size.height
        assert rows == {8: 2, 10: 3, 16: 5, 24: 8, 40: 12}[size[1]]

    await with_person(app_of(account), do, size)


def test_a_row_gives_the_name_all_it_needs_and_drops_the_rest() -> None:
    row = ("checkout-thumbnail-notifier-staging-role-euc1", "/checkout/staging/", "lambda")
    wide, middle, narrow = (module.columns(row, width) for width in (90, 60, 30))
    assert ["".join(parts) for parts in (wide, middle, narrow)] == [
        f"{row[0]}  {row[1]}".ljust(84) + "lambda",
        row[0].ljust(54) + "lambda",
        row[0][:29] + "…",
    ]
