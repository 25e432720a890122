"""Step "Identity": choose the credentials the wizard works with, sign in, see who that is."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import partial
from typing import Any

from textual import on
from textual.binding import Binding
from textual.containers import Vertical
from textual.widget import Widget
from textual.widgets import Input

from screens.background import problem_of
from screens.form import FormScreen
from screens.step import Keys, PreviewScroll
from screens.widgets.buttons import Push
from screens.widgets.choice import ChoiceList
from screens.widgets.field import Control
from screens.widgets.notes import Busy, Note, ProblemBox
from screens.widgets.regions import FilterLine
from screens.widgets.words import Rows, Words, text
from wizard.account.snapshot import Identity
from wizard.collect.steps import Choice, Question
from wizard.handover.references import ReferenceGone
from wizard.text import account_number, one_line

_MANY = 7  # more credentials than this get a line to narrow them
_MOST_OFFERED = 3  # of what earlier runs worked with


class IdentityScreen(FormScreen):
    """Who the wizard works as. Next is possible once AWS has said who that is."""

    preview_title = "Two identities, kept apart"
    BINDINGS = [  # noqa: RUF012 - Textual's own convention
        Binding(
            "f4", "go_on(0)", "Go on", show=False, id="identity.go-on", tooltip="Go on with what was worked with last"
        ),
        Binding("f5", "retry", "Try again", show=False, id="identity.retry", tooltip="Sign in again"),
    ]

    def control_for(self, question: Question) -> Control:
        return ChoiceList((), self.session.answers.text(question.key))

    def compose_body(self) -> Iterable[Widget]:
        narrow = FilterLine(placeholder="type to find a profile", compact=True, id="profile-filter")
        narrow.display = False
        yield narrow
        yield Vertical(id="go-on")
        yield from super().compose_body()
        yield Vertical(Busy("Looking for AWS credentials on this machine…"), id="connection")

    def compose_preview(self) -> Iterable[Widget]:
        yield PreviewScroll(
            Words(text(("You, now", "bold"))),
            Words(
                "The credentials chosen here make the user, the role and their policies. "
                "They need to be allowed to manage IAM. "
                "The wizard signs in with them as the AWS CLI does, and stores no key.",
                classes="para",
            ),
            Words(text(("Remotion, later", "bold"))),
            Words(
                "Your code gets a user of its own with far fewer rights. "
                "If its key ever leaks, your account is not lost.",
                classes="para",
            ),
            Words(text(("Nothing found?", "bold"))),
            Rows(
                [
                    (text(("aws sso login", "$text-accent")), "company sign-in (Identity Center)"),
                    (text(("aws configure", "$text-accent")), "an access key of your own"),
                    (text(("AWS_PROFILE=…", "$text-accent")), "a profile for this terminal"),
                ],
                column=16,
            ),
        )

    def own_keys(self) -> Keys:
        offered = [("f4", "go on", "screen.go_on(0)")] if self.known.references else []
        return [*offered, ("f5", "sign in again", "screen.retry")]

    def entered(self) -> None:
        self.work(self._begin, "connect")
        self.work(self._offer_to_go_on, "go-on")

    # Going on

    async def _offer_to_go_on(self) -> None:
        """Show what earlier runs worked with. That may take a moment, and comes when it comes."""
        offered = (await self.wizard.references())[:_MOST_OFFERED]
        widgets: list[Widget] = []
        now = datetime.now(UTC)
        for number, reference in enumerate(offered):
            label = f"Go on with {one_line(reference.caller, 30)}"
            about = f"Account {account_number(reference.account)}, {reference.details(now)}"
            tip = "Fills in profile, region and caller. Everything else is read anew."
            widgets.append(Push(label, f"screen.go_on({number})", id=f"go-on-{number}", tooltip=tip))
            widgets.append(Words(about, classes="help"))
        await self.fill("#go-on", *widgets)
        self.query_one("#go-on").display = bool(widgets)
        if widgets:
            await self.renew_frame()

    async def action_go_on(self, number: int) -> None:
        """Go on with one of them: its answers are filled in, and AWS is asked who that is now."""
        offered = self.known.references or ()
        if not number < len(offered):
            return
        self.known.forget()
        self.known.going_on, self.known.identity = offered[number], None
        self.session.take_up(offered[number].answers())
        await self._offer("")
        self._start(go_on=True)

    async def _gone(self) -> None:
        """What was to be gone on with is no more: its answers are taken back, and it is not offered again."""
        gone, self.known.going_on = self.known.going_on, None
        self.known.references = tuple(r for r in self.known.references or () if r != gone)
        self.session.leave_behind()
        await self._offer("")
        await self._offer_to_go_on()

    # Choices

    async def _begin(self) -> None:
        try:
            choices = await self.wizard.choices()
        except Exception as error:
            await self._show(ProblemBox(problem_of(error)))
            return
        await self._offer("")
        narrow = self.query_one("#profile-filter")
        narrow.display = len(choices) > _MANY
        if narrow.display:
            narrow.focus()
        elif self.focused is None:
            self.focus_first()
        await self._connect(go_on=False)

    async def _offer(self, wanted: str) -> None:
        chosen = self.session.answers.text("identity.profile")
        found = [
            Choice(c.profile, one_line(c.label), one_line(c.detail))
            for c in self.known.choices or ()
            if wanted.lower() in f"{c.label} {c.detail}".lower()
        ]
        if chosen not in {c.value for c in found} and not wanted:
            found.append(
                Choice(
                    chosen,
                    one_line(chosen) or "AWS's default chain",
                    "Named in your answers; not found on this machine.",
                )
            )
        await self.query_one(ChoiceList).replace(found, chosen)

    @on(Input.Changed, "#profile-filter")
    def _narrow(self, event: Input.Changed) -> None:
        event.stop()
        self.work(partial(self._offer, event.value), "offer")

    @on(Input.Submitted, "#profile-filter")
    def _to_list(self, event: Input.Submitted) -> None:
        event.stop()
        choices = self.query_one(ChoiceList)
        if choices.choices and choices.value not in {c.value for c in choices.choices}:
            choices.choose(choices.choices[0].value)
        choices.focus()

    # Signing in

    async def _connect(self, go_on: bool) -> None:
        profile = self.session.answers.text("identity.profile")
        await self._show(Busy(f"Signing in{f' with profile {one_line(profile)}' if profile else ''}…"))
        try:
            identity = await self.wizard.connect()
        except Exception as error:
            if isinstance(error, ReferenceGone):
                await self._gone()
            await self._show(ProblemBox(problem_of(error)), Note("f5 or enter tries again.", "info"))
            await self.renew_frame()
            return
        await self._show(*self._card(identity))
        await self.renew_frame()
        if go_on:
            self.query_one("#next").focus()

    def _card(self, identity: Identity) -> list[Widget]:
        rows: list[tuple[Any, Any]] = [
            (
                "Account",
                text(
                    (account_number(identity.account), "bold"),
                    f"  {one_line(identity.alias)}" if identity.alias else "",
                ),
            ),
            ("Signed in as", one_line(identity.arn)),
            ("Credentials", one_line(identity.source)),
            ("Region", identity.region or "none set"),
            ("Endpoint", one_line(identity.endpoint) or ("inside this program" if identity.sandbox else "AWS's own")),
        ]
        found: list[Widget] = [
            Note(text(("Signed in.", "bold"), " This is who will make the changes:"), "good"),
            Rows(rows),
        ]
        if identity.sandbox:
            found.append(
                Note("This is the sandbox: an AWS account inside this program. Nothing real can be changed.", "info")
            )
        if identity.is_root:
            warning = (
                "This is the account's root user. AWS advises against working with it. "
                "It will do, but an IAM or Identity Center user with administrator rights is safer."
            )
            found.append(Note(warning, "warning"))
        return found

    async def _show(self, *widgets: Widget) -> None:
        await self.fill("#connection", *widgets)

    def answer_changed(self, _key: str, _value: Any) -> None:
        profile = self.session.answers.text("identity.profile")
        self.known.going_on = None
        self.session.leave_behind()
        if self.known.identity is not None and self.known.profile == profile:
            widgets = self._card(self.known.identity)
        else:
            widgets = [Note("Press enter to sign in with these.", "info")]
        self.workers.cancel_group(self, "connect")
        self.work(partial(self._show, *widgets), "connect")

    def action_retry(self) -> None:
        self.known.identity = None
        self._start(go_on=False)

    def _start(self, go_on: bool) -> None:
        self.work(partial(self._connect, go_on), "connect")

    @property
    def signed_in(self) -> bool:
        """Whether AWS has said who the chosen credentials are."""
        return self.known.identity is not None and self.known.profile == self.session.answers.text("identity.profile")

    def ready(self) -> bool:
        if self.signed_in:
            return True
        self._start(go_on=True)
        return False
