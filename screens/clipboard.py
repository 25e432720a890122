"""Copying to the clipboard, with an honest word about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from screens.app import WizardApp


def copy(app: WizardApp, text: str, what: str) -> None:
    """Send `text` to the terminal's clipboard (OSC 52). Whether the terminal takes it can't be known."""
    if text:
        app.copy_to_clipboard(text)
        app.notify(
            f"{what} was sent to your terminal's clipboard. macOS Terminal and some tmux set-ups ignore that; "
            "there, select it with the mouse and shift held.",
            title="Copied",
        )
