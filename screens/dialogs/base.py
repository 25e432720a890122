"""The base of dialogs: a box in the middle, escape closes."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar, cast

from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

if TYPE_CHECKING:
    from screens.app import WizardApp

R = TypeVar("R")


class Dialog(ModalScreen[R | None], Generic[R]):
    """A dialog. Escape dismisses it with None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close", id="dialog.close", tooltip="Close this"),
    ]

    @property
    def wizard(self) -> WizardApp:
        """The app, typed."""
        return cast("WizardApp", self.app)

    def action_close(self) -> None:
        self.dismiss(None)
