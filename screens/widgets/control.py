"""What every control of a form tells its field: a new answer, "go on", and arrows that lead out of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from textual.message import Message


@dataclass
class Answered(Message):
    """The person gave another answer, right or wrong."""

    value: Any


@dataclass
class Accepted(Message):
    """The person pressed enter: the answer stands, go on."""


@dataclass
class LeaveControl(Message):
    """An arrow key leads out of the control: -1 upwards, 1 downwards."""

    by: int
