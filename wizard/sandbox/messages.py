"""An HTTP request to the sandbox and its reply, the same for both ways in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Message:
    """A request as it arrived. `url` is absolute and still percent-encoded."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = field(default=b"", repr=False)

    def header(self, name: str) -> str:
        """The value of the header `name` (any case), several joined by commas; "" when it is absent."""
        wanted = name.lower()
        return ",".join(value for key, value in self.headers if key.lower() == wanted)


@dataclass(frozen=True)
class Reply:
    """What goes back."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(default=b"", repr=False)
