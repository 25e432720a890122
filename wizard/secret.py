"""A value that must not be shown: secrets travel through the program inside this type only."""

from __future__ import annotations

import hmac
import re
from itertools import pairwise
from typing import Final, NoReturn

MASK: Final = "••••••••"


# What a secret access key looks like: 40 characters of base64, large and small letters and digits among them.
_SHAPE: Final = re.compile(
    r"(?<![A-Za-z0-9+])(?=[A-Za-z0-9/+]{0,39}[A-Z])(?=[A-Za-z0-9/+]{0,39}[a-z])(?=[A-Za-z0-9/+]{0,39}[0-9])"
    r"[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+])"
)


def without_secrets(text: str) -> str:
    """Return a text with a mask in place of whatever has the shape of a secret access key."""
    return _SHAPE.sub(MASK, text)


_TOKEN: Final = re.compile(r"(?:IQoJb3JpZ2lu|FwoGZXIvYXdz)[A-Za-z0-9+/=]{20,}")  # how session tokens begin
_FEWEST_CHANGES: Final = 15  # 40 random characters change 25 times between kinds of character, words much less often
_MOST_SLASHES: Final = 3  # a folder has more, 40 random characters hardly ever


def looks_like_secret(text: str) -> bool:
    """Whether a text has a secret access key or a session token in it, as far as that can be told.

    Stricter than `without_secrets`: the name of a role or a folder is not taken for one because it has 40 characters.
    """
    return bool(_TOKEN.search(text)) or any(_is_random(found[0]) for found in _SHAPE.finditer(text))


def _is_random(text: str) -> bool:
    kinds = [(c.isupper(), c.islower(), c.isdigit()) for c in text]
    changes = sum(one != following for one, following in pairwise(kinds))
    return changes >= _FEWEST_CHANGES and text.count("/") <= _MOST_SLASHES


class Secret:
    """Holds one secret text; only `reveal()` gives it out.

    repr, str, format and logging show a mask. Two secrets compare in constant time. A secret can't be pickled,
    copied into JSON or hashed by accident.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the secret itself. Call it only where it is written to its one place or signed with."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret cannot be pickled or copied to disk")
