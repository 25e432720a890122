"""Step "Done": who may do what, where the credentials are, what to do next."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.events import Click
from textual.widget import Widget

from screens.background import off_thread, problem_of
from screens.check import Tally, finding_cards
from screens.mend import MendingScreen
from screens.step import Keys, PreviewScroll
from screens.widgets.buttons import Push
from screens.widgets.notes import Note, ProblemBox
from screens.widgets.words import Rows, Words, Wrapped, hanging, text
from wizard.account.roles import SERVICES
from wizard.collect.meaning import assumed_by, function_of, is_role, principal_name, render_role
from wizard.plan.changes import Plan
from wizard.plan.rotation import afterwards
from wizard.plan.undo import left_alone, taken_back
from wizard.remotion import names
from wizard.text import account_number, listing, number, one_line, shortened_key


class Command(Wrapped, can_focus=True):
    """A command to run next, or a setting to make; enter copies it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,c", "copy", "Copy", show=False, id="command.copy", tooltip="Copy this command"),
        Binding("down", "app.focus_next", "Down", show=False, id="command.down", tooltip="The command below"),
        Binding("up", "app.focus_previous", "Up", show=False, id="command.up", tooltip="The command above"),
    ]

    def __init__(self, command: str, does: str, sign: str = "$ ") -> None:
        super().__init__()
        self.sign = sign
        self.command = command
        self.does = does
        self.tooltip = Content("Enter, c or a click copies this command.")

    def lines(self, width: int) -> list[Content]:
        command = hanging(text((self.sign, "$quiet")), text((self.command, "bold $text-accent")), 2, width)
        return command + hanging("  ", text((self.does, "$quiet")), 2, width)

    def on_click(self, event: Click) -> None:
        event.stop()
        self.focus()
        self.action_copy()

    def action_copy(self) -> None:
        from screens.app import WizardApp
        from screens.clipboard import copy

        if isinstance(self.app, WizardApp):
            copy(self.app, self.command, "The command")


class Commands(Vertical):
    """The next commands, one below the other."""

    def __init__(self, commands: Iterable[tuple[str, str]], sign: str = "$ ") -> None:
        super().__init__()
        self._commands = tuple(commands)
        self._sign = sign

    def compose(self) -> ComposeResult:
        for command, does in self._commands:
            yield Command(command, does, self._sign)


class DoneScreen(MendingScreen):
    """The end: everything in one place."""

    preview_title = "Who may do what"
    BINDINGS = [  # noqa: RUF012 - Textual's own convention
        Binding(
            "f8",
            "secret",
            "Show secret",
            show=False,
            id="done.secret",
            tooltip="Show the new secret access key, until the next key press",
        ),
    ]

    @property
    def diagnosing(self) -> bool:
        """Whether the person only wanted to know what is wrong."""
        return self.session.answers.text("start.goal") == "diagnose"

    @property
    def rotated(self) -> Plan | None:
        """The plan that changed the access key, if that was what the person wanted."""
        plan = self.known.plan
        return plan if plan is not None and plan.purpose == "rotate" else None

    @property
    def undone(self) -> Plan | None:
        """The plan that took something back, if that was what the person wanted."""
        plan = self.known.plan
        return plan if plan is not None and plan.purpose == "undo" else None

    @property
    def has_key(self) -> bool:
        """Whether this run made an access key."""
        return bool(self.known.applied and self.known.applied.access_key_id)

    def compose_body(self) -> Iterable[Widget]:
        if self.undone is not None:
            yield from self._taken_back(self.undone)
            return
        yield from self._headline()
        if self.diagnosing:
            yield from self._found()
            return
        yield Words(text(("Credentials", "bold $primary")), classes="subtitle")
        yield Rows(self._credentials())
        if self.rotated is not None:
            yield from self._old_keys(self.rotated)
            return
        yield Vertical(id="next-steps")
        yield from self._requested()
        yield Words(text(("Later", "bold $primary")), classes="subtitle")
        yield Commands(self._later())

    def _headline(self) -> Iterable[Widget]:
        identity, report = self.known.identity, self.known.report
        regions = listing([one_line(r, 20) for r in self.session.answers.texts("remotion.regions")])
        where = f" in {account_number(identity.account)}, {regions}" if identity else ""
        if report is None:
            yield Note("Nothing was checked yet.", "info")
        elif self.diagnosing:
            words = "Nothing is wrong" if report.ok else "This is what does not hold"
            yield Note(text((words, "bold"), f"{where}."), "good" if report.ok else "bad")
        elif report.ok and self.rotated is not None:
            yield Note(text(("The access key is in order", "bold"), f"{where}."), "good")
        elif report.ok:
            yield Note(text(("Remotion Lambda is ready", "bold"), f"{where}."), "good")
        else:
            yield Note(
                text(("It is set up, but not everything holds", "bold"), f"{where}. See the step Check."), "warning"
            )
        if report is not None:
            yield Tally(report.findings)

    def _found(self) -> Iterable[Widget]:
        report = self.known.report
        yield Vertical(*(finding_cards(report) if report else ()), id="found")
        if self.mends:
            words = "“Mend it” plans exactly what is missing. Nothing is changed before you have seen it."
            yield Words(words, classes="reason")
        yield Words(text(("Again", "bold $primary")), classes="subtitle")
        yield Commands([("remotion-lambda-wizard check", "the same without the wizard; --json for scripts")])

    def _taken_back(self, plan: Plan) -> Iterable[Widget]:
        """What was taken back, what stays and why, and the commands for a later day."""
        first, *_ = taken_back(plan)
        yield Note(text((first, "bold")), "good")
        stays = left_alone(plan)
        if stays:
            yield Words(text(("What stays", "bold $primary")), classes="subtitle")
            yield Rows([(one_line(f"{thing['kind']} {thing['name']}", 60), thing["why"]) for thing in stays])
        yield from (Note(warning, "warning") for warning in plan.warnings)
        yield Words(text(("Later", "bold $primary")), classes="subtitle")
        yield Commands(
            [
                ("remotion-lambda-wizard undo", "takes back the run before, if one is left"),
                ("remotion-lambda-wizard", "sets Remotion Lambda up again"),
            ]
        )

    def _old_keys(self, plan: Plan) -> Iterable[Widget]:
        """What became of the old keys, and the commands for a later day."""
        told = afterwards(plan)
        yield Words(text(("Old key", "bold $primary")), classes="subtitle")
        yield Vertical(*(Words(f"{sentence}.") for sentence, command in told if not command), id="old-keys")
        yield Commands((command, sentence) for sentence, command in told if command)

    def _credentials(self) -> list[tuple[Any, Any]]:
        answers, log, snapshot = self.session.answers, self.known.applied, self.known.snapshot
        if is_role(answers):
            return [("No key", text("Your code has the role ", (self._caller(), "bold"), "."))]
        write = answers["credentials.write"]
        if write == "none":
            return [("No key", "You chose to make none.")]
        local = snapshot.local if snapshot else None
        key = (
            log.access_key_id
            if log and log.access_key_id
            else (local.env_key_id or local.profile_key_id)
            if local
            else ""
        )
        places = list(log.written_to) if log and log.written_to else [local.env_file if local else ""]
        rows: list[tuple[Any, Any]] = [("In", one_line(place, 300)) for place in places if place]
        if key:
            rows.append(
                ("Key", text((shortened_key(key), "bold"), ("  the secret is in the file, and nowhere else", "$quiet")))
            )
        if write == "aws-profile":
            rows.append(("Profile", one_line(answers.text("credentials.profile"))))
        rows.append(("git", self._git(local)))
        return rows

    def _git(self, local: Any) -> str:
        if local is None or local.ignored_by_git is None:
            return "the folder is not in a git repository"
        if local.tracked_by_git:
            return "! git tracks the .env file already: git rm --cached takes it out again"
        if local.ignored_by_git or self.session.answers["credentials.gitignore"]:
            return "the .env file is not in git (.gitignore covers it)"
        return "! .gitignore does not cover the .env file: keep it out of git"

    def _requested(self) -> Iterable[Widget]:
        """What AWS was asked for in this run, and where it can be watched."""
        asked = self.wizard.engine.requested()
        if asked:
            yield Words(
                text(("Asked of AWS", "bold $primary"), ("  it decides, in hours to days", "$quiet")),
                classes="subtitle",
            )
            rows = [(r.region, f"{number(r.value)} functions at a time, {r.status}\n{r.link}") for r in asked]
            yield Rows(rows)

    def _later(self) -> list[tuple[str, str]]:
        """The commands for a later day."""
        commands = [("remotion-lambda-wizard check", "proves again that everything holds; changes nothing")]
        asked = self.wizard.engine.requested()
        if asked:
            regions = " ".join(f"--region {request.region}" for request in asked)
            does = "how the requests stand, and what to answer if AWS asks"
            commands.insert(0, (f"remotion-lambda-wizard quotas {regions}", does))
        return commands

    async def _show_next(self) -> None:
        """Show what to set where the code runs, and the commands that come next."""
        engine, answers = self.wizard.engine, self.session.answers
        try:
            commands, settings = await off_thread(lambda: engine.next_steps(answers))
        except Exception as error:
            await self.fill("#next-steps", ProblemBox(problem_of(error)))
            return
        shown: list[Widget] = []
        for title, aside, steps in (
            ("Where your code runs", "set this there; enter copies", settings),
            ("Next", "in your project's folder; enter copies", commands),
        ):
            if steps:
                heading = text((title, "bold $primary"), (f"  {aside}", "$quiet"))
                shown.append(Words(heading, classes="subtitle"))
                sign = "$ " if steps is commands else "= "
                shown.append(Commands(((step.command, step.does) for step in steps), sign))
        await self.fill("#next-steps", *shown)

    # Who may do what

    def _caller(self) -> str:
        """The name of the user or role that calls Remotion."""
        answers, snapshot = self.session.answers, self.known.snapshot
        found = snapshot.principal_name if snapshot else ""
        return one_line(found or principal_name(answers) or "its execution role", 64)

    def _first(self) -> list[tuple[str, str]]:
        """Who signs in, and how, on the way to the caller."""
        answers = self.session.answers
        if not is_role(answers):
            return [("your code, Remotion's CLI", "signs in as")]
        service = answers.text("principal.service")
        label = SERVICES[service][1] if service in SERVICES else "an AWS service"
        if function := function_of(answers):
            return [(f"your function {one_line(function.rpartition(':function:')[2], 64)}", "has the role")]
        if taker := assumed_by(answers):
            return [(f"your code in {label}", "has the role"), (one_line(taker, 64), "takes the role")]
        return [(f"your code in {label}", "has the role")]

    def compose_preview(self) -> Iterable[Widget]:
        return () if self.undone is not None else self._who_may_what()

    def _who_may_what(self) -> Iterable[Widget]:
        arrow, answers = "$quiet", self.session.answers
        role = one_line(render_role(answers).name, 64)
        policy = names.EXECUTION_POLICY if is_role(answers) else names.USER_POLICY
        chain: list[tuple[str, str]] = []
        for who, how in self._first():
            chain += [(" ▼ " if chain else "", arrow), (who, "bold"), (f"\n │ {how}\n", arrow)]
        chain += [(" ▼ ", arrow), (self._caller(), "bold"), ("\n │ ", arrow), (policy, "$text-accent")]
        yield PreviewScroll(
            Words(text(*chain)),
            Words(
                text(
                    (" ├─▶ ", arrow),
                    "buckets remotionlambda-*",
                    ("\n ├─▶ ", arrow),
                    "functions remotion-render-*",
                    ("\n └─▶ ", arrow),
                    f"hands over {role}\n",
                )
            ),
            Words(text(("render functions", "bold"), ("\n │ work with", arrow))),
            Words(text((" ▼ ", arrow), (role, "bold"), ("\n │ ", arrow), (names.ROLE_POLICY, "$text-accent"))),
            Words(
                text(
                    (" ├─▶ ", arrow),
                    "buckets remotionlambda-*",
                    ("\n ├─▶ ", arrow),
                    "functions remotion-render-*",
                    ("\n └─▶ ", arrow),
                    "their logs\n",
                )
            ),
            Words(
                text(
                    (
                        "The essence; every action is in the policies themselves.",
                        "$quiet",
                    )
                )
            ),
        )

    def compose_buttons(self) -> Iterable[Widget]:
        yield Push(self.back_label, "screen.back", id="back", tooltip="Back to the check (esc)")
        if self.mends:
            yield self.mend_button()
        if self.has_key:
            yield Push(
                "Show the secret",
                "screen.secret",
                id="show-secret",
                tooltip="Shows the secret access key until the next key press (f8)",
            )
        yield Push(
            "Save answers", "screen.save", id="save-answers", tooltip="Write the answers to a file; it holds no secret"
        )
        yield Push("Finish", "screen.next", id="next", primary=True)

    def keys(self) -> Keys:
        found: Keys = [
            ("esc", "back", "screen.back"),
            ("enter", "finish", "screen.next"),
            ("f1", "help", "screen.help"),
            ("^o", "who may", "screen.preview"),
        ]
        if self.mends:
            found.append(("f6", "mend it", "screen.mend"))
        if self.has_key:
            found.append(("f8", "show secret", "screen.secret"))
        return [*found, ("^p", "commands", "app.command_palette")]

    def focus_first(self) -> None:
        self.query_one("#next").focus()

    def entered(self) -> None:
        if not self.diagnosing and self.rotated is None and self.undone is None:
            self.work(self._show_next, "next-steps")
        if self.wizard.save_answers is not None and self.known.saved != self.session.answers:
            self.work(self._save_as_told, "save")

    async def _save_as_told(self) -> None:
        from screens.saving import write_file

        answers, path = self.session.answers, self.wizard.save_answers
        if path is not None:
            problem = await write_file(path, answers.to_toml)
            if problem:
                self.app.notify(problem, severity="error")
            else:
                self.known.saved = answers
                self.app.notify(f"The answers are in {path}.", title="Saved")

    def action_next(self) -> None:
        from screens.leaving import end_code

        self.wizard.leave(end_code(self.wizard))

    def action_save(self) -> None:
        from screens.dialogs.save import save_answers

        save_answers(self.wizard)

    def action_secret(self) -> None:
        """Show the secret, because the person pressed the key for it."""
        from screens.dialogs.secret import SecretDialog

        found = self.wizard.engine.new_secret()
        if found is None:
            self.app.notify("No access key was made in this run; AWS shows a secret only once.")
        else:
            self.app.push_screen(SecretDialog(*found))
