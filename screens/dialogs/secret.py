"""The new access key with its secret, for a moment, because the person pressed the key for it."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content

from screens.dialogs.base import Dialog
from screens.keeps_secret import KeepsSecret
from screens.widgets.words import Words, text
from wizard.secret import MASK, Secret


class SecretDialog(KeepsSecret, Dialog[None]):
    """Shows the secret until any key is pressed or the window loses the focus. A screenshot masks it first."""

    def __init__(self, key_id: str, secret: Secret) -> None:
        super().__init__()
        self._key_id = key_id
        self._secret: Secret | None = secret

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="secret"):
            yield Words("The new access key", classes="dialog-title")
            yield Words(text(("Access key id   ", "$quiet"), self._key_id))
            yield Words(self._line(), id="secret-line")
            yield Words(
                "It is stored where you chose already; you need it here only to copy it by hand.", classes="dialog-text"
            )
            yield Words("any key hides it again", classes="dialog-hint")

    def _line(self) -> Content:
        return text(("Secret          ", "$quiet"), self._secret.reveal() if self._secret else MASK)

    def mask(self) -> None:
        """Take the secret off the screen, for good."""
        self._secret = None
        if self.is_mounted:
            self.query_one("#secret-line", Words).update(self._line())

    def on_key(self, event: events.Key) -> None:
        event.stop()
        event.prevent_default()
        self._hide()

    def on_click(self, event: events.Click) -> None:
        event.stop()
        self._hide()

    def on_app_blur(self) -> None:
        self._hide()

    def _hide(self) -> None:
        self.mask()
        if self.is_current:
            self.dismiss(None)
