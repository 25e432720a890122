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

from screens.check import FindingCard, Tally
from screens.step import Keys, PreviewScroll, StepScreen
from screens.widgets.buttons import Push
from screens.widgets.notes import Note
from screens.widgets.words import Rows, Words, Wrapped, hanging, text
from wizard.check.findings import Status
from wizard.remotion import names
from wizard.text import account_number, listing, one_line, shortened_key


class Command(Wrapped, can_focus=True):
    """A command to run next; enter copies it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,c", "copy", "Copy", show=False, id="command.copy", tooltip="Copy this command"),
        Binding("down", "app.focus_next", "Down", show=False, id="command.down", tooltip="The command below"),
        Binding("up", "app.focus_previous", "Up", show=False, id="command.up", tooltip="The command above"),
    ]

    def __init__(self, command: str, does: str) -> None:
        super().__init__()
        self.command = command
        self.does = does
        self.tooltip = Content("Enter, c or a click copies this command.")

    def lines(self, width: int) -> list[Content]:
        command = hanging(text(("$ ", "$quiet")), text((self.command, "bold $text-accent")), 2, width)
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

    def __init__(self, commands: Iterable[tuple[str, str]]) -> None:
        super().__init__()
        self._commands = tuple(commands)

    def compose(self) -> ComposeResult:
        for command, does in self._commands:
            yield Command(command, does)


_NEXT = (
    ("npx remotion lambda functions deploy", "puts the render function into your account"),
    ("npx remotion lambda sites create src/index.ts --site-name=my-video", "uploads your project"),
    ("npx remotion lambda render my-video", "renders your first video"),
)


class DoneScreen(StepScreen):
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
    def has_key(self) -> bool:
        """Whether this run made an access key."""
        return bool(self.known.applied and self.known.applied.access_key_id)

    def compose_body(self) -> Iterable[Widget]:
        yield from self._headline()
        if self.diagnosing:
            yield from self._found()
            return
        yield Words(text(("Credentials", "bold $primary")), classes="subtitle")
        yield Rows(self._credentials())
        yield Words(
            text(("Next", "bold $primary"), ("  in your project's folder; enter copies", "$quiet")), classes="subtitle"
        )
        yield Commands(_NEXT)
        yield Words(text(("Later", "bold $primary")), classes="subtitle")
        yield Commands([("remotion-lambda-wizard check", "proves again that everything holds; changes nothing")])

    def _headline(self) -> Iterable[Widget]:
        identity, report = self.known.identity, self.known.report
        regions = listing([one_line(r, 20) for r in self.session.answers.texts("remotion.regions")])
        where = f" in {account_number(identity.account)}, {regions}" if identity else ""
        if report is None:
            yield Note("Nothing was checked yet.", "info")
        elif self.diagnosing:
            words = "Nothing is wrong" if report.ok else "This is what does not hold"
            yield Note(text((words, "bold"), f"{where}."), "good" if report.ok else "bad")
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
        shown = [f for f in report.worst_first() if f.status is not Status.PASS] if report else []
        yield Vertical(*(FindingCard(f) for f in shown), id="found")
        if any(f.status is Status.FAIL for f in shown):
            yield Words("To mend it, start again and choose “Change an existing set-up”.", classes="reason")
        yield Words(text(("Again", "bold $primary")), classes="subtitle")
        yield Commands([("remotion-lambda-wizard check", "the same without the wizard; --json for scripts")])

    def _credentials(self) -> list[tuple[Any, Any]]:
        answers, log, snapshot = self.session.answers, self.known.applied, self.known.snapshot
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

    def compose_preview(self) -> Iterable[Widget]:
        user = one_line(self.session.answers.text("principal.name"), 64)
        arrow = "$quiet"
        yield PreviewScroll(
            Words(text(("your code, Remotion's CLI", "bold"), ("\n │ signs in as", arrow))),
            Words(text((" ▼ ", arrow), (user, "bold"), ("\n │ ", arrow), (names.USER_POLICY, "$text-accent"))),
            Words(
                text(
                    (" ├─▶ ", arrow),
                    "buckets remotionlambda-*",
                    ("\n ├─▶ ", arrow),
                    "functions remotion-render-*",
                    ("\n └─▶ ", arrow),
                    "hands over remotion-lambda-role\n",
                )
            ),
            Words(text(("render functions", "bold"), ("\n │ work with", arrow))),
            Words(
                text((" ▼ ", arrow), (names.RENDER_ROLE, "bold"), ("\n │ ", arrow), (names.ROLE_POLICY, "$text-accent"))
            ),
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
        if self.has_key:
            found.append(("f8", "show secret", "screen.secret"))
        return [*found, ("^p", "commands", "app.command_palette")]

    def focus_first(self) -> None:
        self.query_one("#next").focus()

    def entered(self) -> None:
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
