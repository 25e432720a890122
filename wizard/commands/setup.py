"""`setup`: the wizard. Picks the front end: full screen, lines, or none."""

from __future__ import annotations

import argparse
import shlex
import signal
import sys
from typing import TYPE_CHECKING

from wizard.commands.apply import unattended
from wizard.commands.shared import answers_of, open_engine, require_writable, say_what_is_not_kept
from wizard.interrupts import Interrupted
from wizard.problem import ExitCode, UsageProblem
from wizard.terminal import is_terminal, said_aloud, wants_words
from wizard.text import listing, one_line, plain, quoted

if TYPE_CHECKING:
    from wizard.collect.kept import Keeper
    from wizard.collect.session import Session
    from wizard.engine import Engine


def run(options: argparse.Namespace) -> int:
    if options.ask and not (options.answers or options.set):
        raise UsageProblem("--ask goes with --answers: it asks a step that the file answers already.")
    if options.ask and options.resume:
        raise UsageProblem("--ask and --resume exclude each other: --resume goes on at the step where you were.")
    _require_known_steps(options.ask)
    require_writable("--save-answers", options.save_answers, "The answers file")
    in_terminal = is_terminal(sys.stdin) and is_terminal(sys.stdout)
    answered = options.answers or ((options.set or options.dry_run) and not is_terminal(sys.stdin))
    shows = options.dry_run and not in_terminal and not options.plain
    if (answered or shows) and not options.ask and not options.resume:
        with said_aloud():
            return unattended(options)
    if not is_terminal(sys.stdin):
        raise UsageProblem(
            "There is no terminal to ask questions in.",
            "The input is not a terminal.",
            "Give the answers: --answers FILE, or single ones: --set KEY=VALUE. And --yes to go ahead without asking.",
        )
    return _wizard(options)


def _require_known_steps(asked: list[str]) -> None:
    from wizard.collect.steps import BY_ID

    for step in asked:
        if step not in BY_ID or BY_ID[step].kind != "form":
            allowed = listing([s.id for s in BY_ID.values() if s.kind == "form"], "or")
            raise UsageProblem(f"--ask: there is no step {quoted(step, 40)}. Allowed: {allowed}.")


def _wizard(options: argparse.Namespace) -> int:
    from wizard.collect.session import Session

    session = Session(answers_of(options))
    engine = open_engine(options)
    keeper = _keeper(options, engine)
    session.on_change = keeper.keep
    try:
        if options.resume:
            _go_on(keeper, session)
        elif keeper.note:
            print(f"Note: {keeper.note}", file=sys.stderr)
        code = _ask(options, engine, session, keeper)
        all_is_well = code == ExitCode.OK and session.step.kind in {"check", "done"}
        keeper.close(forget=all_is_well)
    except (KeyboardInterrupt, EOFError) as error:
        keeper.close()
        raise _interrupted(error, _way_back(options, keeper)) from None
    finally:
        keeper.close()
        say_what_is_not_kept(engine)
    if not all_is_well:
        for line in _way_back(options, keeper):
            print(line)
    return code


def _keeper(options: argparse.Namespace, engine: Engine) -> Keeper:
    """Keep this walk at its place and folder. With --ask the answers file is what is gone on with."""
    from wizard.collect.kept import Keeper

    place = ""
    if options.sandbox or options.endpoint_url:
        from wizard.handover.references import place_of

        place = place_of(options.sandbox, options.endpoint_url)
    return Keeper(place, engine.options.folder, offers=not options.ask)


def _go_on(keeper: Keeper, session: Session) -> None:
    """Do as --resume says, or raise UsageProblem that says why that can't be done."""
    if keeper.offered is None:
        there = listing([one_line(folder) for folder in keeper.elsewhere()])
        elsewhere = f"There are answers that were kept in {there}: go on with them there." if there else ""
        raise UsageProblem(
            "--resume: there is nothing to go on with.",
            " ".join(filter(None, (keeper.note or keeper.problem, elsewhere))),
            "Leave --resume out to begin anew.",
        )
    keeper.go_on(session)


def _way_back(options: argparse.Namespace, keeper: Keeper) -> list[str]:
    """Say whether the answers are kept, and the command that goes on with them."""
    if keeper.problem:
        return [f"Your answers could not be kept. {keeper.problem}"]
    return ["Your answers are kept.", f"Go on with: {_resuming(options)}"] if keeper.is_kept else []


def _resuming(options: argparse.Namespace) -> str:
    """The command that goes on where this one stopped, at the same place and as carefully."""
    words = ["remotion-lambda-wizard"]
    if options.sandbox:
        words += ["--sandbox"] if options.sandbox == "fresh" else ["--sandbox", options.sandbox]
    for flag in ("profile", "region", "endpoint_url"):
        if getattr(options, flag):
            words += [f"--{flag.replace('_', '-')}", getattr(options, flag)]
    if options.save_answers:
        words += ["--save-answers", str(options.save_answers)]
    words += [flag for flag, given in (("--dry-run", options.dry_run), ("--plain", options.plain)) if given]
    return shlex.join([*words, "--resume"])


def _interrupted(error: BaseException, way_back: list[str]) -> Interrupted:
    """What ended the walk, with what became of the answers."""
    if isinstance(error, EOFError):
        error = Interrupted(detail="The input has ended.")
    number, detail = (error.number, error.detail) if isinstance(error, Interrupted) else (signal.SIGINT, "")
    said, command = [*way_back, "", ""][:2]
    return Interrupted(number, f"{detail} {said}".strip(), command)


def _ask(options: argparse.Namespace, engine: Engine, session: Session, keeper: Keeper) -> int:
    in_lines = wants_words() or not is_terminal(sys.stdout)
    if options.plain or in_lines:
        from wizard.prompts.walk import run as walk

        try:
            return walk(
                engine,
                session,
                options.save_answers,
                tuple(options.ask),
                dry_run=options.dry_run,
                keeper=keeper,
                in_lines=in_lines,
            )
        except SystemExit as end:  # the person said no, or there was nothing more to do
            return int(str(end.code))
    open_at(session, options.ask)
    from screens.app import run as run_app

    result = run_app(engine, session, dry_run=options.dry_run, save_answers=options.save_answers, keeper=keeper)
    if result.message:
        print(plain(result.message))
    return result.exit_code


def open_at(session: Session, asked: list[str]) -> None:
    """With --ask, begin at the first step that is to be asked; the steps before it count as visited."""
    ids = [step.id for step in session.steps]
    reachable = [ids.index(step) for step in asked if step in ids]  # the answers may leave a step out
    if reachable:
        first = min(reachable)
        session.visited.update(ids[: first + 1])
        session.current = ids[first]
