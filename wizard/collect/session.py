"""The walk through the steps: where the person is, where they have been, next, back and jump. Knows no front end."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from wizard.account.snapshot import Identity
from wizard.collect.answers import Answers
from wizard.collect.steps import BY_ID, Step, steps_for

OF_THE_KIND = ("principal.name", "principal.attach", "credentials.write")


class StepState(StrEnum):
    """How a step stands in the list of steps."""

    CURRENT = "current"
    DONE = "done"
    OPEN = "open"


@dataclass
class Session:
    """One walk. Answers are replaced as a whole; a step that does not apply is jumped over in both directions."""

    answers: Answers
    current: str = "start"
    visited: set[str] = field(default_factory=lambda: {"start"})
    locked: bool = False  # once changes are being made there is no way back to the questions
    on_change: Callable[[Session], None] | None = field(default=None, repr=False, compare=False)
    _before: Answers | None = None  # what was answered when something of an earlier run was taken up
    _set_aside: dict[str, Answers] = field(default_factory=dict)  # what was answered for the other kind of principal

    @property
    def step(self) -> Step:
        return BY_ID[self.current]

    @property
    def steps(self) -> tuple[Step, ...]:
        return steps_for(self.answers)

    def position(self) -> tuple[int, int]:
        """Return the current step's number, counted from 1, and how many steps there are."""
        ids = [s.id for s in self.steps]
        return ids.index(self.current) + 1, len(ids)

    def state(self, step_id: str) -> StepState:
        """Return how a step stands."""
        if step_id == self.current:
            return StepState.CURRENT
        return StepState.DONE if step_id in self.visited else StepState.OPEN

    def set(self, values: Mapping[str, Any]) -> None:
        """Keep what the person answered (right or wrong: nothing typed is lost).

        The user's name is no role's: with another kind of principal the answers that belong to the kind are set aside.
        """
        before, kind = self.answers, self.answers.text("principal.kind")
        self.answers = before.with_values(values, "you")
        if self.answers.text("principal.kind") != kind:
            self._set_aside[kind] = before
            other = self._set_aside.get(self.answers.text("principal.kind"), Answers())
            self.answers = self.answers.with_those_of(other, [key for key in OF_THE_KIND if key not in values])
        self._tell()

    def take_up(self, values: Mapping[str, Any]) -> None:
        """Go on with what an earlier run worked with. The profile is taken over; other answers that somebody gave stay."""
        self.leave_behind()
        self._before = self.answers
        profile = {key: value for key, value in values.items() if key == "identity.profile"}
        whose = {key: value for key, value in values.items() if key.startswith("principal.")}
        rest = {key: value for key, value in values.items() if key not in profile and key not in whose}
        free = self.answers.with_defaults(whose, "resumed")
        if all(free[key] == value for key, value in whose.items()):  # the name of one kind is none of the other's
            self.answers = free
        self.answers = self.answers.with_defaults(rest, "resumed").with_values(profile, "resumed")
        self._tell()

    def leave_behind(self) -> None:
        """Take back what `take_up` gave, as far as nobody has answered it since."""
        if self._before is not None:
            before, self._before = self._before, None
            given = [key for key in self.answers.given if self.answers.origin(key) == "resumed"]
            self.answers = self.answers.with_those_of(before, given)
            self._tell()

    def fit(self, identity: Identity) -> None:
        """Let the defaults fit the identity that was signed in with."""
        self.answers = self.answers.fitted(identity.partition, identity.region)

    def problems(self) -> dict[str, str]:
        """Return what is wrong with the current step's answers, by key."""
        return self.step.problems(self.answers)

    def next(self) -> Step | None:
        """Go to the next step that applies; None (and no move) if an answer is wrong or this is the last step."""
        if self.problems():
            return None
        ids = [s.id for s in self.steps]
        following = ids.index(self.current) + 1
        return self._go(ids[following]) if following < len(ids) else None

    def back(self) -> Step | None:
        """Go to the step before; None if there is none or changes have been made."""
        ids = [s.id for s in self.steps]
        before = ids.index(self.current) - 1
        return self._go(ids[before]) if before >= 0 and self.can_go(ids[before]) else None

    def can_go(self, step_id: str) -> bool:
        """Whether the person may jump to this step: visited, and still reachable."""
        if self.locked:
            return step_id in self.visited and BY_ID[step_id].kind in {"apply", "check", "done"}
        return step_id in self.visited and step_id in {s.id for s in self.steps}

    def goto(self, step_id: str) -> Step | None:
        """Jump to a visited step; None if that is not possible."""
        return self._go(step_id) if self.can_go(step_id) else None

    def first_wrong(self) -> Step | None:
        """Return the first step with a wrong answer, if there is one."""
        return next((s for s in self.steps if s.problems(self.answers)), None)

    def go_on(self, answers: Answers, step_id: str, visited: Collection[str]) -> Step:
        """Go on with an earlier walk: with these answers, at the step where it was.

        Earlier if an answer does not hold any more, and never beyond the review: what was read of AWS is read again.
        """
        self.answers = answers
        ids = [s.id for s in self.steps]
        furthest = max((ids.index(known) for known in visited if known in ids), default=0)
        last = ids.index(step_id) if step_id in ids else furthest
        stops = (n for n, s in enumerate(self.steps) if n >= last or s.kind != "form" or s.problems(answers))
        here = next(stops)
        self.visited = {*ids[: here + 1], *(known for known in visited if BY_ID[known].kind == "form")}
        return self._go(ids[here])

    def _go(self, step_id: str) -> Step:
        self.current = step_id
        self.visited.add(step_id)
        self._tell()
        return self.step

    def _tell(self) -> None:
        if self.on_change is not None:
            self.on_change(self)
