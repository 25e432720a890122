"""Asks for the name of the account before something is taken back."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Button, Input

from screens.dialogs.entry import EntryDialog
from screens.widgets.buttons import ButtonRow
from screens.widgets.words import Words, text
from wizard.account.snapshot import Identity
from wizard.text import account_number, one_line


class ConfirmAccount(EntryDialog[bool]):
    """Dismissed with True once the account's alias, or its number where it has none, was typed."""

    def __init__(self, identity: Identity, doing: str) -> None:
        super().__init__()
        self._identity = identity
        self._doing = doing

    def compose(self) -> ComposeResult:
        identity = self._identity
        shown = one_line(identity.alias) or account_number(identity.account)
        with Vertical(classes="dialog", id="confirm"):
            yield Words(self._doing, classes="dialog-title")
            yield Words(
                text(
                    f"This can't be undone. To confirm, type the account's {'alias' if identity.alias else 'number'}: ",
                    (shown, "bold"),
                ),
                classes="dialog-text",
            )
            yield from self.compose_entry()
            with ButtonRow(classes="dialog-buttons"):
                yield Button(Content("Cancel"), id="cancel", compact=True, classes="push")
                yield Button(Content("Take it back"), id="confirmed", compact=True, classes="push -main")

    @on(Input.Submitted)
    @on(Button.Pressed, "#confirmed")
    def _confirm(self) -> None:
        if self._identity.is_meant_by(self.typed):
            self.dismiss(True)
        else:
            self.say_wrong("That is not the name of this account. Nothing was changed.")
