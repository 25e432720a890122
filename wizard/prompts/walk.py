"""The walk in line mode: asks the steps of a session, shows the plan, applies, checks. Decides nothing about AWS."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from wizard import lines
from wizard.account.snapshot import Identity
from wizard.collect.answers import Answers, tags_from_text, tags_to_text
from wizard.collect.session import Session
from wizard.collect.steps import Choice, Question, Step
from wizard.engine import Engine
from wizard.handover.files import write_whole
from wizard.plan.changes import Plan
from wizard.plan.render import as_text
from wizard.problem import ExitCode, ProblemError
from wizard.prompts.ask import BACK, Back, ask_choice, ask_text, ask_yes
from wizard.remotion.regions import PLACES
from wizard.text import account_number, count, plain


class LineMode:
    """One walk through a session in lines."""

    def __init__(
        self,
        engine: Engine,
        session: Session,
        save_answers: Path | None,
        only: tuple[str, ...] = (),
        dry_run: bool = False,
    ) -> None:
        self.engine = engine
        self.session = session
        self.save_answers = save_answers
        self.dry_run = dry_run
        self.only = only  # with --answers and --ask: the form steps to ask; the others keep their answers
        self.identity: Identity | None = None
        self.plan: Plan | None = None
        self.exit_code = ExitCode.OK
        self._backwards = False

    def run(self) -> int:
        """Walk to the end and return the exit code."""
        print("Remotion Lambda wizard. Enter takes what is shown, Escape or < goes back, Ctrl+C leaves.")
        if self.engine.place():
            print(f"Working in: {self.engine.place()}.")
        handlers: dict[str, Callable[[], bool]] = {
            "review": self._review,
            "apply": self._apply,
            "check": self._check,
            "done": self._done,
        }
        while True:
            step = self.session.step
            if step.kind == "form":
                forward = self._form(step)
            else:
                self._title(step)
                forward = handlers[step.kind]()
            self._backwards = not forward
            if step.kind == "done" or (forward and self.session.next() is None):
                return int(self.exit_code)
            if not forward and self.session.back() is None:
                self._backwards = False

    def _title(self, step: Step) -> None:
        n, of = self.session.position()
        print(f"\nStep {n} of {of}: {step.title}. {step.sentence}")

    # Forms

    def _form(self, step: Step) -> bool:
        """Ask a step's questions; False to go back. Going back enters at the last question."""
        if self.only and step.id not in self.only:
            return step.id != "identity" or self._connect()
        self._title(step)
        index = len(step.asked(self.session.answers)) - 1 if self._backwards else 0
        while index < len(step.asked(self.session.answers)):
            question = step.asked(self.session.answers)[index]
            answer = self._ask(question)
            if answer is BACK:
                if index == 0:
                    return False
                index -= 1
                continue
            self.session.set({question.key: answer})
            wrong = self.engine.local_problems(question.key, self.session.answers)
            if wrong:
                print(plain(wrong))
                continue
            index += 1
        return step.id != "identity" or self._connect() or self._form(step)

    def _ask(self, question: Question) -> object:
        answers, spec = self.session.answers, question.field
        if question.help:
            print(f"  {question.help}")
        if question.key == "remotion.version":
            self._show_project(answers)
        choices = self._choices(question)
        if choices:
            return ask_choice(question.label, choices, str(answers[question.key]))
        if spec.kind == "flag":
            return ask_yes(question.label, bool(answers[question.key]))
        if spec.kind == "tags":
            shown = answers[question.key]
            text = shown if isinstance(shown, str) else tags_to_text(shown)
            return _converted(ask_text(question.label, text, lambda t: spec.problem(tags_from_text(t))), tags_from_text)
        if spec.kind == "regions":
            known = ", ".join(f"{region} ({place})" for region, place in PLACES.items())
            print(f"  Allowed, with commas between them: {known}")
            text = ", ".join(answers[question.key])
            return _converted(ask_text(question.label, text, lambda t: spec.problem(_items(t))), _items)
        return ask_text(question.label, str(answers[question.key]), spec.problem)

    def _choices(self, question: Question) -> tuple[Choice, ...]:
        if question.dynamic == "profiles":
            return tuple(Choice(c.profile, c.label, c.detail) for c in self.engine.credential_choices())
        return question.choices

    def _connect(self) -> bool:
        try:
            self.identity = self.engine.connect(self.session.answers.text("identity.profile"))
        except ProblemError as error:
            lines.print_problem(error.problem, sys.stdout, wordy=True)
            if self.only:
                raise
            return False
        self.session.fit(self.identity)
        alias = f"{plain(self.identity.alias)}, " if self.identity.alias else ""
        print(f"Signed in as {plain(self.identity.arn)}, account {alias}{account_number(self.identity.account)}.")
        return True

    def _show_project(self, answers: Answers) -> None:
        project = self.engine.detect_project(answers.text("remotion.project"))
        if project.release:
            print(f"  Found Remotion {plain(project.release)} in {plain(project.source)}.")
        else:
            print("  No Remotion release was found there; auto takes the newest that is known.")
        for note in project.notes:
            print(f"  {plain(note)}")

    # Review, apply, check, done

    def _review(self) -> bool:
        try:
            snapshot = self.engine.discover(self.session.answers)
            self.plan = self.engine.plan(self.session.answers, snapshot)
        except ProblemError as error:
            lines.print_problem(error.problem, sys.stdout, wordy=True)
            return self._again_or_back("Try again?")
        print(as_text(self.plan))
        if self.plan.problems:
            return self._again_or_back("Look again, after mending it?")
        if self.plan.is_empty:
            self.engine.settle(self.plan)
            return True
        if self.dry_run:
            print("Dry run: nothing was changed.")
            self._offer_answers()
            raise SystemExit(int(ExitCode.OK))
        go = ask_yes(f"Make {count(len(self.plan.writing), 'change')} in account {self.plan.identity.account}?", False)
        if go is BACK:
            return False
        if not go:
            print("Nothing was changed.")
            self.exit_code = ExitCode.USAGE
            self._offer_answers()
            raise SystemExit(int(self.exit_code))
        return True

    def _again_or_back(self, question: str) -> bool:
        again = ask_yes(question, True)
        if again is True:
            return self._review()
        if again is BACK:
            return False
        raise SystemExit(int(ExitCode.DOES_NOT_HOLD))

    def _apply(self) -> bool:
        assert self.plan is not None, "review comes first"
        self.session.locked = True
        if self.plan.is_empty:
            print("There is nothing to do.")
            return True
        outcome = lines.apply_with_lines(self.engine, self.plan, sys.stdout, sys.stdout, wordy=True)
        if outcome.problem is None:
            return True
        if ask_yes("Plan again and try what is left?", True) is True:
            snapshot = self.engine.discover(self.session.answers)
            self.plan = self.engine.plan(self.session.answers, snapshot)
            print(as_text(self.plan))
            return self._apply()
        raise SystemExit(int(ExitCode.DOES_NOT_HOLD))

    def _check(self) -> bool:
        report = self.engine.check(self.session.answers)
        lines.print_report(report, sys.stdout, wordy=True)
        if not report.ok:
            self.exit_code = ExitCode.DOES_NOT_HOLD
        return True

    def _done(self) -> bool:
        if self.exit_code is ExitCode.OK and self.session.answers.text("start.goal") != "diagnose":
            print("Remotion Lambda is ready.")
            lines.print_next_steps(print)
        self._offer_answers()
        return True

    def _offer_answers(self) -> None:
        path: str | Back = str(self.save_answers or "")
        if not path:
            print("  Your answers can be saved for unattended runs. They hold no secret.")
            path = ask_text("Save the answers to this file (empty: do not save)", "", lambda _text: "")
        if isinstance(path, str) and path.strip():
            write_whole(Path(path.strip()), self.session.answers.to_toml(), None, "The answers file")
            print(f"Answers saved to {path.strip()}.")


def run(
    engine: Engine,
    session: Session,
    save_answers: Path | None = None,
    only: tuple[str, ...] = (),
    dry_run: bool = False,
) -> int:
    """Walk through a session in line mode and return the exit code. Ctrl+C raises KeyboardInterrupt."""
    return LineMode(engine, session, save_answers, only, dry_run).run()


def _items(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _converted(answer: str | Back, convert: Callable[[str], object]) -> object:
    return answer if isinstance(answer, Back) else convert(answer)
