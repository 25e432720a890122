"""What every failure becomes: what happened, on which resource, who can fix it, and the exact next action."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from wizard.text import plain


class ExitCode(IntEnum):
    """Exit codes of the command line; others build on them."""

    OK = 0
    DOES_NOT_HOLD = 1
    USAGE = 2
    NO_ACCESS = 3
    INTERRUPTED = 130


@dataclass(frozen=True)
class Problem:
    """One thing that went wrong, told to a person.

    `title` says what happened, `detail` on which resource and why, `remedy` who can fix it and the next action.
    Text from AWS, a file or a person is made plain here: control characters do not survive.
    """

    title: str
    detail: str = ""
    remedy: str = ""

    def __post_init__(self) -> None:
        for name in ("title", "detail", "remedy"):
            object.__setattr__(self, name, plain(getattr(self, name)))

    def __str__(self) -> str:
        return "\n".join(part for part in (self.title, self.detail, self.remedy) if part)

    def to_json(self) -> dict[str, str]:
        """Return the problem as a JSON object with title, detail and remedy."""
        return {"title": self.title, "detail": self.detail, "remedy": self.remedy}


class ProblemError(Exception):
    """Raised where the program can't go on; carries the `Problem` and the exit code it ends with."""

    def __init__(self, problem: Problem, exit_code: ExitCode = ExitCode.DOES_NOT_HOLD) -> None:
        super().__init__(problem.title)
        self.problem = problem
        self.exit_code = exit_code


class UsageProblem(ProblemError):
    """Bad usage or bad input: nothing was done. Exit code 2."""

    def __init__(self, title: str, detail: str = "", remedy: str = "") -> None:
        super().__init__(Problem(title, detail, remedy), ExitCode.USAGE)
