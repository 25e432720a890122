"""The Textual app: holds engine, session and what was learnt; moves between the steps' screens."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import App
from textual.binding import Binding, BindingType
from textual.command import Provider

from screens.background import off_thread, problem_of
from screens.keeps_secret import KeepsSecret
from screens.known import Known
from screens.navigation import screen_for
from screens.step import StepScreen
from screens.theme import FALLBACKS, THEMES
from wizard.interrupts import SIGHUP, called
from wizard.places import asset
from wizard.problem import ExitCode

if TYPE_CHECKING:
    from wizard.account.profiles import CredentialChoice
    from wizard.account.snapshot import Identity
    from wizard.collect.kept import Keeper
    from wizard.collect.session import Session
    from wizard.engine import Engine
    from wizard.handover.references import Reference
    from wizard.remotion.project import Project


@dataclass(frozen=True)
class AppResult:
    """How the wizard ended: the exit code and a plain text to print. Never a secret."""

    exit_code: int
    message: str


def _commands() -> type[Provider]:
    from screens.commands import WizardCommands

    return WizardCommands


class WizardApp(App[AppResult]):
    """The wizard in a terminal."""

    TITLE = "Remotion Lambda wizard"
    CSS_PATH: ClassVar[Any] = [
        asset("styles", name) for name in ("frame.tcss", "fields.tcss", "panes.tcss", "dialogs.tcss")
    ]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (90, "-medium"), (110, "-wide")]  # noqa: RUF012 - Textual's convention
    VERTICAL_BREAKPOINTS = [(0, "-tiny"), (16, "-short"), (32, "-tall")]  # noqa: RUF012 - Textual's convention
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {_commands}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "quit", "Quit", show=False, priority=True, id="app.quit", tooltip="Leave the wizard"),
        Binding("ctrl+c", "help_quit", show=False, system=True, id="app.interrupt", tooltip="How to leave"),
    ]

    def __init__(
        self,
        engine: Engine,
        session: Session,
        *,
        dry_run: bool = False,
        save_answers: Path | None = None,
        keeper: Keeper | None = None,
    ) -> None:
        super().__init__()
        self.engine = engine
        self.session = session
        self.dry_run = dry_run
        self.save_answers = save_answers
        self.keeper = keeper
        self.known = Known()
        self._looking: asyncio.Future[tuple[Reference, ...]] | None = None  # for what earlier runs worked with
        self.place = engine.place()
        self.mistakes: list[str] = []
        self.stop_applying = False  # set while changes are being made and the person wants to leave
        self.stop_code = int(ExitCode.INTERRUPTED)  # what the program ends with then
        self.loop: asyncio.AbstractEventLoop | None = None
        for theme in THEMES:
            self.register_theme(theme)
        if "TEXTUAL_THEME" not in os.environ:
            self.theme = THEMES[0].name

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Give the wizard's own variables to Textual's themes."""
        theme = self.current_theme.to_color_system().generate()
        return {"quiet": f"{theme['foreground']} 65%", **{name: theme[like] for name, like in FALLBACKS.items()}}

    def on_mount(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.push_screen(screen_for(self.session.step))

    def on_ready(self) -> None:
        """The first frame is drawn: only now load what talks to AWS, behind the first step."""
        self.set_timer(0.05, self._warm_up)

    def _warm_up(self) -> None:
        self.run_worker(self.choices(), group="warm-up", exit_on_error=False)
        self.run_worker(self.references(), group="warm-up", exit_on_error=False)

    # Plain text everywhere

    def notify(self, message: str, **options: Any) -> None:
        """Show a message for a moment; never as markup, whatever it holds."""
        super().notify(message, **{**options, "markup": False})

    def mistake(self, error: BaseException) -> None:
        """Tell about a mistake of the wizard's own, now and in the words at the end."""
        self.mistakes.append(problem_of(error).detail)
        self.notify(f"{self.mistakes[-1]} Nothing was lost.", title="The wizard made a mistake", severity="error")

    # Moving

    def go_next(self) -> None:
        """Go to the next step that applies."""
        if self.session.next() is not None:
            self._show_step()

    def go_back(self) -> None:
        """Go to the step before."""
        if self.session.back() is not None:
            self._show_step()
        elif self.session.locked:
            self.notify("Changes have been made: there is no way back to the questions.")

    def go_to(self, step_id: str) -> None:
        """Jump to a step that was visited."""
        if step_id != self.session.current and self.session.goto(step_id) is not None:
            self._show_step()

    def go_on(self) -> None:
        """Go on with the walk that was kept, at the step where it was."""
        if self.keeper is not None and self.keeper.offered is not None:
            self.keeper.go_on(self.session)
            self._show_step()

    def _show_step(self) -> None:
        if isinstance(self.screen, StepScreen):
            self.screen.leaving = True
        self.switch_screen(screen_for(self.session.step))

    # Engine calls that several screens share

    async def choices(self) -> tuple[CredentialChoice, ...]:
        """Which credentials this machine has."""
        if self.known.choices is None:
            self.known.choices = await off_thread(self.engine.credential_choices)
        return self.known.choices

    async def references(self) -> tuple[Reference, ...]:
        """What earlier runs worked with, and may be gone on with."""
        if self.known.references is None:
            if self._looking is None:
                self._looking = asyncio.ensure_future(off_thread(self.engine.references))
            self.known.references = await asyncio.shield(self._looking)  # a screen may leave, the look goes on
        return self.known.references

    async def connect(self) -> Identity:
        """Sign in with the profile that was chosen, unless that is done."""
        profile = self.session.answers.text("identity.profile")
        if self.known.identity is None or self.known.profile != profile:
            self.known.identity = None
            identity = await off_thread(lambda: self._sign_in(profile))
            self.known.identity, self.known.profile = identity, profile
            self.session.fit(identity)
        return self.known.identity

    def _sign_in(self, profile: str) -> Identity:
        reference = self.known.going_on
        if reference is not None and reference.profile == profile:
            return self.engine.go_on(reference)
        return self.engine.connect(profile)

    async def detect(self) -> Project:
        """Look into the project folder, unless that is done."""
        folder = self.session.answers.text("remotion.project")
        if self.known.project is None or self.known.project_folder != folder:
            project = await off_thread(lambda: self.engine.detect_project(folder))
            self.known.project, self.known.project_folder = project, folder
        return self.known.project

    # Screenshots

    def export_screenshot(self, *, title: str | None = None, simplify: bool = False) -> str:
        """Export the screen as SVG. A secret that is being shown is taken off the screen first."""
        for screen in self.screen_stack:
            if isinstance(screen, KeepsSecret):
                screen.mask()
        return super().export_screenshot(title=title, simplify=simplify)

    # Leaving

    async def action_quit(self) -> None:
        """Leave; ask first where something would be lost."""
        from screens.leaving import ask_to_leave

        ask_to_leave(self)

    def action_help_quit(self) -> None:
        self.notify("Press ctrl+q to leave the wizard.", title="Leave?")

    def asked_to_end(self, number: int) -> None:
        """Leave because of a signal. It may come at any moment, also while the screen can't be drawn any more."""
        from screens.leaving import end_anyway, leave_by_signal, let_go_of_closed_terminal

        if number == SIGHUP:
            let_go_of_closed_terminal()
            end_anyway(128 + number)
        self.stop_code = 128 + number
        self.stop_applying = True
        if self.loop is not None:
            self.loop.call_soon_threadsafe(leave_by_signal, self)

    def leave(self, code: int = ExitCode.OK) -> None:
        """Leave with a text that says how things stand."""
        from screens.leaving import farewell

        self.exit(AppResult(int(code), farewell(self)), return_code=int(code))


def run(
    engine: Engine,
    session: Session,
    *,
    dry_run: bool = False,
    save_answers: Path | None = None,
    keeper: Keeper | None = None,
) -> AppResult:
    """Run the wizard in this terminal until the person leaves it. `keeper` has what may be gone on with."""
    from screens.leaving import farewell

    app = WizardApp(engine, session, dry_run=dry_run, save_answers=save_answers, keeper=keeper)
    with called(app.asked_to_end):
        result = app.run()
    if result is not None:
        return result
    if app.return_code:
        return AppResult(app.return_code, "The wizard stopped because of a mistake of its own. " + farewell(app))
    return AppResult(int(ExitCode.INTERRUPTED), farewell(app))
