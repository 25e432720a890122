"""`undo_plan`: from journals and the state of things to the changes that take runs back, newest first. Pure.

What is still as a run left it is taken back to what it was before. What somebody has changed since stays, and is said. A
user, role or policy goes only if a journal and the tag `created-by` agree that the wizard made it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from wizard.account.snapshot import AccountSnapshot
from wizard.account.undo_state import UndoReading, UndoState
from wizard.plan.changes import Plan
from wizard.plan.deeds import EVERYTHING, deeds_of, together
from wizard.plan.undo_draft import Undoing, created_in
from wizard.plan.undo_kinds import HANDLERS
from wizard.problem import Problem, ProblemError
from wizard.remotion import names
from wizard.text import count, listing

if TYPE_CHECKING:
    from wizard.apply.journal import PastRun
    from wizard.collect.answers import Answers


def undo_reading(answers: Answers, runs: Sequence[PastRun]) -> UndoReading:
    """Return what has to be looked at before runs are taken back. Raises UsageProblem for a run that can't be."""
    everything = answers.text("undo.run") == EVERYTHING
    deeds = [deed for run in together(runs, answers.text("undo.run")) for deed in deeds_of(run)]
    principals = {(d.thing.entity, d.thing.owner) for d in deeds if d.thing.entity}
    if everything:
        named = answers.text("principal.name") if answers.text("principal.kind") == "user" else ""
        principals |= {("user", named or names.USER), ("user", names.USER), ("role", names.RENDER_ROLE)}
        principals |= created_in(deed for run in runs for deed in deeds_of(run))
    files = {d.thing.name for d in deeds if d.thing.kind == "variables"}
    places = [d.facts for d in deeds if d.thing.kind == "key" and d.facts.get("file")]
    arns = {d.thing.name for d in deeds if d.thing.kind == "managed"}
    arns |= {d.thing.name for d in deeds if d.thing.kind == "attachment" and d.before}
    return UndoReading(
        principals=frozenset(principals),
        policies=frozenset(arns),
        env_files=frozenset(files | {str(p["file"]) for p in places if not p.get("profile")}),
        profiles=frozenset((str(p["file"]), str(p["profile"])) for p in places if p.get("profile")),
        regions=answers.texts("remotion.regions"),
        functions=any(deed.thing.entity == "role" and deed.before is None for deed in deeds),
        surroundings=everything,
        policies_too=everything,
    )


def require_readable(answers: Answers, damaged: Sequence[Path]) -> None:
    """Raise ProblemError if the run that is to be taken back is one whose journal can't be read."""
    for path in damaged:
        if path.stem == answers.text("undo.run"):
            raise ProblemError(_unreadable([path]))


def _unreadable(damaged: Sequence[Path]) -> Problem:
    one = len(damaged) == 1
    return Problem(
        f"{'The journal' if one else f'{len(damaged)} journals'} of what the wizard did here can't be read.",
        f"{listing(list(map(str, damaged)))}: damaged, or closed to you. So it can't be told what "
        f"{'that run' if one else 'those runs'} made.",
        "See who may read the file. If it is damaged, --everything finds what is tagged created-by = "
        "remotion-lambda-wizard: remotion-lambda-wizard undo --everything",
    )


def undo_plan(answers: Answers, snapshot: AccountSnapshot) -> Plan:
    """Plan to take back the run that the answers name, the newest that is left, or everything.

    Raises UsageProblem for a run that can't be taken back.
    """
    state, wanted = snapshot.undo or UndoState(), answers.text("undo.run")
    runs = together(state.runs, wanted)
    undoing = Undoing(snapshot.identity, state, runs, wanted == EVERYTHING)
    undoing.plan(HANDLERS)
    if state.damaged:
        problem = _unreadable(state.damaged)
        if runs or wanted == EVERYTHING:
            undoing.warnings.append(f"{problem.title} {problem.detail}")
        else:
            undoing.problems.append(problem)
    if snapshot.identity.sandbox:
        undoing.warnings.append("This is the sandbox: nothing reaches AWS.")
    return Plan(
        identity=snapshot.identity,
        changes=tuple(sorted(undoing.changes, key=lambda change: not change.writes)),
        warnings=tuple(undoing.warnings),
        problems=tuple(undoing.problems),
        principal_name=next((run.user for run in reversed(runs) if run.user), ""),
        purpose="undo",
        undoes=tuple(run.run for run in runs),
    )


def taken_back(plan: Plan) -> list[str]:
    """Say in lines what a plan took back, and what stays and why, for people."""
    where = f"in account {plan.identity.known_as}"
    made = count(len(plan.writing), "change")
    said = [f"Taken back: {made} {where}." if plan.writing else f"There was nothing to take back {where}."]
    said += [f"  {change.does} {change.kind} {change.name}: {change.summary}" for change in plan.writing]
    stays = left_alone(plan)
    said += ["What stays:"] if stays else []
    return said + [f"  {thing['kind']} {thing['name']}: {thing['why']}" for thing in stays]


def left_alone(plan: Plan) -> list[dict[str, str]]:
    """Return what an undo leaves as it is, and why, in JSON's shape."""
    kept = (change for change in plan.changes if not change.writes)
    return [{"kind": c.kind, "name": c.name, "resource": c.resource, "why": c.reason} for c in kept]
