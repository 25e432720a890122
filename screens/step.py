"""The base of every step's screen: header, steps, middle, preview, buttons, keys."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, ClassVar, cast

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget

from screens.widgets.buttons import ButtonRow, Push
from screens.widgets.frame import KeyBar, StepLine, StepList, TopBar
from screens.widgets.words import Words, text
from wizard.collect.session import Session
from wizard.collect.steps import Step

if TYPE_CHECKING:
    from screens.app import WizardApp
    from screens.known import Known

Keys = list[tuple[str, str, str]]


class PreviewScroll(VerticalScroll, can_focus=True):
    """The right-hand pane's content, scrolled with the arrows."""


class StepScreen(Screen[None]):
    """One step. Subclasses fill the middle and the preview, and say what Next does."""

    AUTO_FOCUS = ""
    preview_title = ""
    takes_focus = True  # False: something runs first, and enter must not press a button meanwhile
    next_label = "Next ›"
    back_label = "‹ Back"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "escape", "Back", id="step.back", tooltip="Go to the step before; every answer is kept"),
        Binding("enter", "next", "Next", show=False, id="step.enter", tooltip="Go on"),
        Binding("ctrl+n", "next", "Next", show=False, id="step.next", tooltip="Go to the next step at once"),
        Binding("f1", "help", "Help", id="step.help", tooltip="What this step is about"),
        Binding("f2", "steps", "Steps", show=False, id="step.steps", tooltip="Go to another step"),
        Binding("ctrl+o", "preview", "Preview", id="step.preview", tooltip="What these answers will do"),
        Binding("pageup", "scroll_body(-1)", "Page up", show=False, id="step.pageup", tooltip="Scroll up"),
        Binding("pagedown", "scroll_body(1)", "Page down", show=False, id="step.pagedown", tooltip="Scroll down"),
    ]

    def __init__(self, step: Step) -> None:
        super().__init__()
        self.step = step
        self.leaving = False  # a step is left once, however often the key is pressed meanwhile

    @property
    def wizard(self) -> WizardApp:
        """The app, typed."""
        return cast("WizardApp", self.app)

    @property
    def session(self) -> Session:
        """Where the person is."""
        return self.wizard.session

    @property
    def known(self) -> Known:
        """What the app has learnt."""
        return self.wizard.known

    # What subclasses fill in

    def compose_body(self) -> Iterable[Widget]:
        """The middle."""
        return ()

    def compose_preview(self) -> Iterable[Widget]:
        """The right-hand pane; nothing means that there is none."""
        return ()

    def compose_buttons(self) -> Iterable[Widget]:
        """The buttons at the bottom."""
        if self.can_go_back:
            yield Push(self.back_label, "screen.back", id="back", tooltip="Go back; every answer is kept (esc)")
        yield Push(
            self.next_label, "screen.next", id="next", primary=True, tooltip="Go on (enter, or ctrl+n from anywhere)"
        )

    @property
    def can_go_back(self) -> bool:
        """Whether there is a step before this one that may still be gone to."""
        ids = [step.id for step in self.session.steps]
        before = ids.index(self.step.id) - 1
        return before >= 0 and self.session.can_go(ids[before])

    def own_keys(self) -> Keys:
        """The keys that this step adds."""
        return []

    def keys(self) -> Keys:
        """The keys for the line at the bottom, most important first: key, what it does, action."""
        found: Keys = []
        if self.can_go_back:
            found.append(("esc", "back", "screen.back"))
        found += [("enter", "next", "screen.next"), ("f1", "help", "screen.help")]
        if self.has_preview:
            found.append(("^o", "form" if self.has_class("-preview") else "preview", "screen.preview"))
        found.append(("^p", "commands", "app.command_palette"))
        return [*found, *self.own_keys(), ("f2", "steps", "screen.steps")]

    def entered(self) -> None:
        """Called when the step is on screen: start what must run."""

    # The frame

    def _fit_terminal(self) -> None:
        """Take the terminal's size before the first frame, which Textual would draw as if it were wide."""
        app = self.wizard
        for size, breakpoints in (
            (app.size.width, app.HORIZONTAL_BREAKPOINTS),
            (app.size.height, app.VERTICAL_BREAKPOINTS),
        ):
            self.add_class(max((least, name) for least, name in breakpoints if size >= least)[1])

    def compose(self) -> ComposeResult:
        self._fit_terminal()
        yield TopBar(self.wizard.title, self.wizard.place, self.wizard.dry_run)
        yield StepLine(self.session)
        with Horizontal(id="frame"):
            yield StepList(self.session, id="steps")
            with Vertical(id="middle"):
                with Vertical(id="heading"):
                    yield Words(self._title_line(), id="title")
                    yield Words(self.step.sentence, id="sentence")
                with VerticalScroll(id="body", can_focus=False):
                    yield from self.compose_body()
            preview = list(self.compose_preview())
            if preview:
                with Vertical(id="preview"):
                    if self.preview_title:
                        yield Words(self.preview_title, id="preview-title")
                    yield from preview
        self.has_preview = bool(preview)
        self.set_class(not preview, "-no-preview")
        with ButtonRow(id="buttons"):
            yield Words(id="hint")
            yield from self.compose_buttons()
        yield KeyBar(self.keys())

    has_preview = False

    def _title_line(self) -> Content:
        number, total = self.session.position()
        return text((self.step.title, "bold $primary"), (f"   step {number} of {total}", "$quiet not bold"))

    def on_mount(self) -> None:
        self.query_one(TopBar).show(self.known.identity)
        if self.takes_focus:
            self.focus_first()  # at once, so that keys that are pressed meanwhile arrive where they belong
        self.call_after_refresh(self.entered)

    async def renew_frame(self) -> None:
        """Draw header, steps and keys again after something about them changed."""
        self.query_one(TopBar).show(self.known.identity)
        self.query_one(StepLine).renew()
        await self.query_one(StepList).renew()
        await self.query_one(KeyBar).renew(self.keys())

    def hint(self, message: str, style: str = "$quiet") -> None:
        """Say something beside the buttons."""
        for place in self.query("#hint").results(Words):
            place.update(text((message, style)))

    def focus_first(self) -> None:
        """Put the focus on the first thing of the middle that takes it, else on the main button."""
        body = self.query_one("#body")
        for widget in self.focus_chain:
            if body in widget.ancestors:
                widget.focus(scroll_visible=False)
                return
        for button in (*self.query("#buttons .-main").results(Push), *self.query("#buttons Push").results(Push)):
            if button.focusable:
                button.focus()
                return

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(event.size.width < 76, "-slim")
        self.set_class(event.size.width < 50, "-slimmer")

    async def fill(self, place: str, *widgets: Widget) -> None:
        """Show these widgets in a place of this screen, unless the screen is being taken down."""
        for area in self.query(place).results(Vertical):
            await area.remove_children()
            await area.mount(*widgets)

    def work(self, job: Callable[[], Awaitable[None]], group: str) -> None:
        """Run an async job beside the screen; a newer job of the same group takes its place."""
        self.run_worker(partial(self._guarded, job), group=group, exclusive=True, exit_on_error=False)  # type: ignore[arg-type]

    async def _guarded(self, job: Callable[[], Awaitable[None]]) -> None:
        try:
            await job()
        except Exception as error:
            if not self.leaving and self.query("#frame"):  # else the screen is being taken down
                self.wizard.mistake(error)

    # Actions

    def action_escape(self) -> None:
        """Close the preview where it covers the form, else go back."""
        if self.has_class("-preview"):
            self.call_next(self.action_preview)
        else:
            self.action_back()

    def action_back(self) -> None:
        if not self.leaving:
            self.wizard.go_back()

    def action_next(self) -> None:
        if not self.leaving:
            self.wizard.go_next()

    def action_help(self) -> None:
        from screens.dialogs.help import HelpDialog

        self.app.push_screen(HelpDialog(self.step.id, self.step.title))

    def action_steps(self) -> None:
        """Go to the list of steps, or open it where it has no room."""
        listed = self.query_one(StepList)
        if listed.display and listed.region:
            listed.focus()
            return
        from screens.dialogs.steps import StepsDialog

        self.app.push_screen(StepsDialog(self.session), self._picked)

    async def action_preview(self) -> None:
        """Show the preview in place of the form, or the form again; beside each other, move the focus over."""
        if not self.has_preview:
            return
        if self.has_class("-wide"):
            inside = self.focused is not None and self.query_one("#preview") in self.focused.ancestors
            if inside:
                self.focus_first()
            else:
                self._focus_preview()
            return
        self.toggle_class("-preview")
        if self.has_class("-preview"):
            self.call_after_refresh(self._focus_preview)
        else:
            self.call_after_refresh(self.focus_first)
        await self.query_one(KeyBar).renew(self.keys())

    def _focus_preview(self) -> None:
        preview = self.query_one("#preview")
        for widget in self.focus_chain:
            if preview in widget.ancestors:
                widget.focus()
                return

    def action_scroll_body(self, by: int) -> None:
        area = self.query_one("#body", VerticalScroll)
        if by < 0:
            area.scroll_page_up(animate=False)
        else:
            area.scroll_page_down(animate=False)

    @on(StepList.Picked)
    def _step_picked(self, event: StepList.Picked) -> None:
        event.stop()
        self._picked(event.step_id)

    def _picked(self, step_id: str | None) -> None:
        if step_id and not self.leaving:
            self.wizard.go_to(step_id)
