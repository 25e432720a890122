"""The commands behind ctrl+p. A command's docstring is its help."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.types import IgnoreReturnCallbackType

from screens.step import StepScreen

if TYPE_CHECKING:
    from screens.app import WizardApp

Command = tuple[str, str, IgnoreReturnCallbackType]


class WizardCommands(Provider):
    """Everything a person can do here, by name."""

    @property
    def wizard(self) -> WizardApp:
        """The app, typed."""
        return cast("WizardApp", self.app)

    def commands(self) -> Iterator[Command]:
        """The commands that make sense now: name, help, what to call."""
        session = self.wizard.session
        if isinstance(self.screen, StepScreen):
            if self.screen.has_preview:
                yield "Show preview", "What these answers will do (ctrl+o)", self.screen.action_preview
            yield "Help", "What this step is about (f1)", self.screen.action_help
        plan = self.wizard.known.plan
        if plan is not None and plan.writing:
            yield "Save the plan as a script", "AWS CLI commands that make the same changes", self.script
        yield "Save answers", "Write the answers to a file; it holds no secret", self.save
        dark = self.wizard.current_theme.dark
        yield ("Light theme" if dark else "Dark theme"), "Change the colours", self.other_theme
        yield "All themes", "Choose one of many themes", self.app.search_themes
        for number, step in enumerate(session.steps, 1):
            if session.can_go(step.id) and step.id != session.current:
                yield f"Go to step {number}: {step.title}", step.sentence, lambda to=step.id: self.wizard.go_to(to)
        yield "Quit", "Leave the wizard (ctrl+q)", self.app.action_quit

    def save(self) -> None:
        """Ask where the answers go, and write them."""
        from screens.dialogs.save import save_answers

        save_answers(self.wizard)

    def script(self) -> None:
        """Write the plan as AWS CLI commands."""
        from screens.dialogs.save import save_script

        if self.wizard.known.plan is not None:
            save_script(self.wizard, self.wizard.known.plan)

    def other_theme(self) -> None:
        """Go from dark to light or back."""
        self.app.theme = "remotion-day" if self.app.current_theme.dark else "remotion-night"

    async def discover(self) -> Hits:
        for name, help_text, call in self.commands():
            yield DiscoveryHit(name, call, help=help_text)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for name, help_text, call in self.commands():
            if (score := matcher.match(name)) > 0:
                yield Hit(score, matcher.highlight(name), call, help=help_text)
