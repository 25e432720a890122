"""The walk through the steps: where the person is, where they have been, next, back and jump. Knows no front end."""

from __future__ import annotations

from collections.abc import Mapping
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

    def _go(self, step_id: str) -> Step:
        self.current = step_id
        self.visited.add(step_id)
        return self.step
