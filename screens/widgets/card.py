"""A card of a list: how something stands, as sign, word and colour; what it is; and what is to be known about it."""

from __future__ import annotations

from typing import ClassVar, Final

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import Focus

from screens.widgets.words import Wrapped, hanging, text

Sign = tuple[str, str, str]  # sign, word, style: the word is there for whoever can't see shape or colour

_ROOMY: Final = 56  # cells wide or wider, sign and word have a column of their own


class Card(Wrapped, can_focus=True):
    """One entry. It takes the focus, so that a list of them is read with the arrows."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "app.focus_next", "Down", show=False, id="card.down", tooltip="The entry below"),
        Binding("up", "app.focus_previous", "Up", show=False, id="card.up", tooltip="The entry above"),
    ]

    def on_focus(self, _event: Focus) -> None:
        self.scroll_visible(animate=False)


def headed(sign: Sign, title: Content, column: int, width: int) -> tuple[list[Content], int]:
    """Return a card's first lines, and how far the other ones are indented."""
    mark, word, style = sign
    if width >= _ROOMY:
        return hanging(text((f"{mark} {word}", style)), title, column, width), column
    return hanging(text((mark, style)), text((word, style), "  ", title), 2, width), 2
