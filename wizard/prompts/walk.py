"""The walk in line mode: asks the steps of a session, shows the plan, applies, checks. Decides nothing about AWS."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

from wizard import lines
from wizard.account.roles import FunctionEntry, Listing, RoleEntry, left_over, named, trust_problem
from wizard.account.snapshot import AccountSnapshot, Identity
from wizard.check.findings import WORDS, Report, Status
from wizard.check.mend import answers_to_mend, messages, to_mend
from wizard.collect.answers import Answers, tags_from_text, tags_to_text
from wizard.collect.kept import Keeper
from wizard.collect.meaning import output_buckets
from wizard.collect.session import Session
from wizard.collect.steps import BY_ID, Choice, Question, Step
from wizard.engine import Engine
from wizard.handover.files import write_whole
from wizard.handover.references import Reference, ReferenceGone
from wizard.places import expanded
from wizard.plan.changes import Plan
from wizard.plan.deeds import run_choices
from wizard.plan.found import Found
from wizard.plan.render import as_words
from wizard.plan.rotation import Keys, told_afterwards
from wizard.plan.undo import taken_back
from wizard.problem import ExitCode, ProblemError
from wizard.prompts import choices as offered
from wizard.prompts.ask import (
    BACK,
    Back,
    ask_choice,
    ask_listed,
    ask_several,
    ask_text,
    ask_yes,
    editing_lines,
    how_to_answer,
    reading_lines,
)
from wizard.prompts.found import found_lines
from wizard.prompts.own_keys import ask_which_goes, tell_keys
from wizard.prompts.pick import about_function, about_role, ask_pick
from wizard.prompts.spoken import speaking
from wizard.quotas.report import report_lines, row_line
from wizard.remotion.regions import PLACES
from wizard.text import account_number, count, listing, one_line, plain

_ALL_SPECIAL: Final = {"extras"}  # steps of which most people need nothing
# The answers that decide what is read of an account: when one of them changes, what was read is out of date.
_READ_BY: Final = (
    *(q.key for step in ("start", "identity", "project", "principal") for q in BY_ID[step].questions),
    "render_role.name",
)
_MOST_BOUNDARIES: Final = 6  # of those that may be meant, the likeliest come first
_MOST_BUCKETS: Final = 50
_MOST_REFERENCES: Final = 3
_NOTHING_BEFORE: Final = "There is nothing before this. Ctrl+C leaves."
_GO_ON: Final = "go on with "  # before the name of what is gone on with; no profile is called that


@dataclass(frozen=True)
class More:
    """One question in place of several that most people have no use for: whether they are to be asked."""

    questions: tuple[Question, ...]

    @property
    def label(self) -> str:
        return f"Anything special? ({', '.join(q.label for q in self.questions)})"


@dataclass(frozen=True)
class Known:
    """What was read of the account, and the answers that it was read for. No snapshot: it could not be read."""

    read_by: list[Any]
    snapshot: AccountSnapshot | None = None
    found: Found | None = None


class LineMode:
    """One walk through a session in lines."""

    def __init__(
        self,
        engine: Engine,
        session: Session,
        save_answers: Path | None,
        only: tuple[str, ...] = (),
        dry_run: bool = False,
        keeper: Keeper | None = None,
    ) -> None:
        self.engine = engine
        self.session = session
        self.save_answers = save_answers
        self.dry_run = dry_run
        self.keeper = keeper
        self.only = only  # with --answers and --ask: the form steps to ask; the others keep their answers
        self.identity: Identity | None = None
        self.plan: Plan | None = None
        self.exit_code = ExitCode.OK
        self._backwards = False
        self._going_on: Reference | None = None  # what an earlier run worked with, if that was chosen
        self._roles: Listing[RoleEntry] | None = None
        self._functions: tuple[str, Listing[FunctionEntry]] | None = None  # and the region they are of
        self._known = Known([])
        self._own_keys: Keys | None = None  # where the access key is to be changed
        self._opened: dict[str, bool] = {}  # by step: whether its special questions are asked

    def run(self) -> int:
        """Walk to the end and return the exit code."""
        print(f"Remotion Lambda wizard. Enter takes what is shown, {how_to_answer()}, Ctrl+C leaves.")
        if self.engine.place():
            print(f"Working in: {self.engine.place()}.")
        self._offer_to_go_on()
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
                if step is self.session.steps[0]:
                    print(_NOTHING_BEFORE)

    def _offer_to_go_on(self) -> None:
        """Offer the walk that was kept. Whoever begins in the middle is signed in first, since what comes needs it."""
        keeper = self.keeper
        while keeper is not None and keeper.offered is not None:
            go_on = ask_yes(f"You stopped at {keeper.offered.where(keeper.now())}. Go on there?", True)
            if go_on is True:
                keeper.go_on(self.session)
            elif go_on is False:
                keeper.start_anew()
            else:
                print(_NOTHING_BEFORE)
        steps = [step.id for step in self.session.steps]
        if steps.index(self.session.current) > steps.index("identity") and not self._connect():
            self.session.goto("identity")

    def _title(self, step: Step) -> None:
        n, of = self.session.position()
        print(f"\nStep {n} of {of}: {step.title}. {step.sentence}")

    # Forms

    def _form(self, step: Step) -> bool:
        """Ask a step's questions; False to go back. Going back enters at the last question."""
        if self.only and step.id not in self.only and not step.problems(self.session.answers):
            return step.id != "identity" or self._connect()
        self._title(step)
        if step.id == "found" and not (self._backwards and self._known.found) and not self._look():
            return False
        index = len(self._asked(step)) - 1 if self._backwards else 0
        if index < 0:
            return False
        while index < len(asked := self._asked(step)):
            item = asked[index]
            answer = self._ask_more(step, item) if isinstance(item, More) else self._ask(item)
            if answer is BACK:
                if index == 0:
                    return False
                index -= 1
            elif isinstance(item, More) or self._holds(step, item, answer):
                index += 1
            if index == len(self._asked(step)):
                index = self._first_wrong(step)
        return self._leave(step)

    def _asked(self, step: Step) -> list[Question | More]:
        """What is asked now. Special questions come last, and only if the person has something special to say."""
        asked = [q for q in step.asked(self.session.answers) if self._arises(q)]
        special = [q for q in asked if q.advanced or step.id in _ALL_SPECIAL]
        if len(special) < 2:
            return list(asked)
        opened = self._opened.get(step.id, bool(self._given(special)))
        ordinary = [q for q in asked if q not in special]
        return [*ordinary, More(tuple(special)), *(special if opened else ())]

    def _arises(self, question: Question) -> bool:
        """Whether what was found in the account gives reason to ask."""
        answers, found = self.session.answers, self._known.found
        if answers.problem(question.key):
            return True
        if question.key == "principal.existing":
            return found is not None and found.foreign > 0
        if question.dynamic == "removable":
            return bool(answers.texts(question.key)) or (found is not None and bool(found.removable))
        if question.dynamic == "own-keys":
            return self._own_keys is not None and replace(self._own_keys, answers=answers).needs_choice
        return True

    def _given(self, questions: Sequence[Question]) -> list[Question]:
        """The questions that have another answer than the default, or a wrong one."""
        answers = self.session.answers
        return [q for q in questions if answers[q.key] != answers.default(q.key) or answers.problem(q.key)]

    def _ask_more(self, step: Step, more: More) -> bool | Back:
        """Ask whether there is anything special. No takes back what was."""
        special = ask_yes(more.label, self._opened.get(step.id, bool(self._given(more.questions))))
        if isinstance(special, Back):
            return BACK
        given = self._given(more.questions)
        if given and not special:
            self.session.set({q.key: self.session.answers.default(q.key) for q in given})
            self._hide(step)
            print(f"  Taken back: {listing([q.label for q in given])}.")
        self._opened[step.id] = special
        return special

    def _holds(self, step: Step, question: Question, answer: object) -> bool:
        """Keep an answer; say what is wrong with it if something is. One that stands already stays as it was given."""
        key = question.key
        if answer != self.session.answers[key] or self.session.answers.problem(key):
            self.session.set({key: answer})
        self._hide(step)
        wrong = self.session.answers.problem(key)
        if wrong:
            print(plain(wrong))
        return not wrong

    def _hide(self, step: Step) -> None:
        """Let no answer that is not asked for any more hold anybody up."""
        self.session.set(left_over(self.session.answers))
        asked = {q.key for q in step.asked(self.session.answers)}
        for key in (q.key for q in step.questions if q.key not in asked):
            for value in (self.session.answers[key], self.session.answers.default(key)):
                if self.session.answers.problem(key):
                    self.session.set({key: value})

    def _first_wrong(self, step: Step) -> int:
        """Say what is still wrong, and return the place of the first wrong answer; behind the last if all is right."""
        wrong = step.problems(self.session.answers)
        if not wrong:
            return len(self._asked(step))
        key, why = next(iter(wrong.items()))
        print(plain(why))
        places = self._places(step)
        if key not in places:
            self._opened[step.id] = True
            places = self._places(step)
        return places[key]

    def _places(self, step: Step) -> dict[str, int]:
        return {item.key: n for n, item in enumerate(self._asked(step)) if isinstance(item, Question)}

    def _leave(self, step: Step) -> bool:
        """Do what a step ends with: sign in, look at the bucket that was named."""
        if step.id == "identity":
            return self._connect() or self._form(step)
        if step.id == "output-bucket":
            self._show_buckets()
        return True

    def _ask(self, question: Question) -> object:
        answers, spec = self.session.answers, question.field
        if question.help:
            print(f"  {question.help}")
        if origin := answers.told_origin(question.key):
            print(f"  The answer that is there is from {origin}.")
        if question.key == "remotion.version":
            self._show_project(answers)
        if question.key == "quotas.concurrent_executions":
            self._show_quotas(answers)
        if question.key == "rotate.what":
            self._own_keys = tell_keys(self.engine, answers)
        if question.dynamic == "own-keys" and self._own_keys is not None:
            return ask_which_goes(question, self._own_keys)
        pick = {
            "roles": self._pick_role,
            "functions": self._pick_function,
            "boundaries": self._pick_boundary,
            "buckets": self._pick_bucket,
            "profiles": self._pick_profile,
        }.get(question.dynamic)
        if pick is not None:
            return pick(question)
        choices = self._choices(question)
        if spec.kind == "texts":
            return ask_several(question.label, choices, answers.texts(question.key), self._rule(question))
        if choices:
            return ask_choice(question.label, choices, str(answers[question.key]))
        if spec.kind == "flag":
            return ask_yes(question.label, bool(answers[question.key]))
        if spec.kind == "tags":
            shown = answers[question.key]
            text = shown if isinstance(shown, str) else tags_to_text(shown)
            return self._ask_converted(question, text, tags_from_text)
        if spec.kind == "number":
            return self._ask_converted(question, str(answers[question.key]), _number)
        if spec.kind == "regions":
            known = ", ".join(f"{region} ({place})" for region, place in PLACES.items())
            print(f"  Allowed, with commas between them: {known}")
            return self._ask_converted(question, ", ".join(answers[question.key]), _items)
        return ask_text(question.label, str(answers[question.key]), self._rule(question))

    def _ask_converted(self, question: Question, shown: str, convert: Callable[[str], object]) -> object:
        rule = self._rule(question)
        answer = ask_text(question.label, shown, lambda text: rule(convert(text)))
        return answer if isinstance(answer, Back) else convert(answer)

    def _pick_profile(self, question: Question) -> str | Back:
        """Ask for the credentials. What earlier runs worked with comes first, and is gone on with when it is chosen."""
        references, now = self.engine.references()[:_MOST_REFERENCES], datetime.now(UTC)
        earlier = {f"{_GO_ON}{reference.name}": reference for reference in references}
        profiles = [Choice(c.profile, c.label, c.detail) for c in self.engine.credential_choices()]
        choices = [Choice(key, f"Go on with {one.title()}", one.details(now)) for key, one in earlier.items()]
        default = self.session.answers.text(question.key)
        if default not in {choice.value for choice in profiles}:
            default = profiles[0].value
        if self._going_on in earlier.values():
            default = next(key for key, one in earlier.items() if one == self._going_on)
        answer = ask_choice(question.label, [*choices, *profiles], default)
        if isinstance(answer, Back):
            return answer
        self._going_on = earlier.get(answer)
        if self._going_on is None:
            self.session.leave_behind()
            return answer
        self._known = Known([])
        self.session.take_up(self._going_on.answers())
        return self._going_on.profile

    def _pick_role(self, question: Question) -> str | Back:
        answers = self.session.answers
        if self._roles is None or self._roles.problem is not None:
            self._roles = Listing(self.engine.role_pages)
        # on EC2 the role may be one that the instance's role takes, which is asked next; that one may still have to be made
        service = "ec2" if question.key == "principal.assumed_by" else answers.text("principal.service")
        taken = service == "ec2" and question.key == "principal.name"
        shown, rule = answers.text(question.key), self._rule(question)
        answer = ask_pick(question.label, shown, self._roles, rule, about_role, may_be_new=taken)
        entry = named(self._roles.entries, answer) if isinstance(answer, str) else None
        wrong = trust_problem(entry.services, service) if entry is not None and not taken else ""
        if wrong:
            print(f"  Note: {plain(wrong)}")
        return answer

    def _pick_function(self, question: Question) -> str | Back:
        answers, region = self.session.answers, self.session.answers.texts("remotion.regions")[0]
        if self._functions is None or self._functions[0] != region or self._functions[1].problem is not None:
            self._functions = region, Listing(partial(self.engine.function_pages, region))
        default = answers.text(question.key)
        while True:
            answer = ask_pick(question.label, default, self._functions[1], self._rule(question), about_function)
            if isinstance(answer, Back) or not answer:
                return answer
            try:
                found = self.engine.function_role(answer, region)
            except ProblemError as error:
                lines.print_problem(error.problem, sys.stdout, wordy=True)
                default = ""
                continue
            if not found.locked:
                print(f"  It runs with the role {plain(found.role_name)}.")
                return answer
            print(f"  Its role {plain(found.role_name)} can't be changed. {plain(found.locked)}")
            default = ""

    def _pick_boundary(self, question: Question) -> str | Back:
        """Ask for a boundary; those that may be meant are listed, and where one is demanded the likeliest is offered."""
        chosen = self.session.answers.text(question.key)
        snapshot = self._snapshot(read=not chosen)
        demand = snapshot.boundary_demand if snapshot else None
        if demand is None:
            return ask_text(question.label, chosen, self._rule(question))
        if demand.sentence and demand.demanded is not False:
            print(f"  {plain(demand.sentence)}")
        candidates = [Choice(arn, arn.rpartition("/")[2], arn) for arn in demand.candidates[:_MOST_BOUNDARIES]]
        label = f"{question.label} (a number, an ARN, or empty)" if candidates else question.label
        default = chosen or ("1" if demand.demanded and candidates else "")
        return ask_listed(label, candidates, default, self._rule(question))

    def _pick_bucket(self, question: Question) -> str | Back:
        """Ask for a bucket; the account's are listed for whoever asks for them, since they may be many."""
        rule = self._rule(question)
        default, own = self.session.answers.text(question.key), list[Choice]()
        while True:
            answer = ask_listed(
                f"{question.label} (a {'number or ' if own else ''}name, ? lists yours, or empty)",
                own,
                default,
                lambda text: "" if text == "?" else rule(text),
            )
            if answer != "?":
                return answer
            own, default = self._own_buckets(), ""

    def _own_buckets(self) -> list[Choice]:
        try:
            found = self.engine.output_buckets()
        except ProblemError as error:
            lines.print_problem(error.problem, sys.stdout, wordy=True)
            return []
        if len(found) != len(found[:_MOST_BUCKETS]) or not found:
            print(f"  You have {count(len(found), 'bucket')}{f'; the first {_MOST_BUCKETS}:' if found else '.'}")
        return [Choice(bucket.name, bucket.name, bucket.region) for bucket in found[:_MOST_BUCKETS]]

    def _show_buckets(self) -> None:
        """Say what is to be known about each output bucket before anything is granted."""
        for bucket in output_buckets(self.session.answers):
            try:
                findings = self.engine.preflight(self.session.answers, bucket)
            except ProblemError as error:
                lines.print_problem(error.problem, sys.stdout, wordy=True)
                continue
            for finding in (f for f in findings if f.status is not Status.PASS):
                print(f"  {WORDS[finding.status]}: {plain(finding.title)}")
                for label, text in (("why", finding.detail), ("next", finding.remedy)):
                    if text:
                        print(f"     {label}: {plain(text)}")
            passed = sum(f.status is Status.PASS for f in findings)
            print(f"  {one_line(bucket)}: {count(passed, 'thing')} of {len(findings)} as they should be.")

    def _rule(self, question: Question) -> Callable[[Any], str]:
        """What is wrong with an answer: by itself, beside the others, or on this machine."""

        def rule(value: Any) -> str:
            answers = self.session.answers.with_values({question.key: value}, "you")
            return answers.problem(question.key) or self.engine.local_problems(question.key, answers)

        return rule

    def _choices(self, question: Question) -> tuple[Choice, ...]:
        if question.dynamic == "removable":
            return tuple(offered.removable(self._known.found, self.session.answers.texts(question.key)))
        if question.dynamic == "aws-managed":
            return tuple(offered.aws_managed_policies(self.session.answers.texts(question.key)))
        if question.dynamic == "operators":
            return tuple(offered.operator_permissions())
        if question.dynamic == "runs":
            return tuple(run_choices(self.engine.undo_runs()))
        return question.choices

    # What is there

    def _look(self) -> bool:
        """Read the account and say what it holds of Remotion; False to go back. What can't be read stops nobody."""
        while True:
            answers = self.session.answers
            try:
                print("Reading your account...", flush=True)
                snapshot, found = self.engine.found(answers)
            except ProblemError as error:
                self._known = Known(_read_by(answers))
                lines.print_problem(error.problem, sys.stdout, wordy=True)
                again = ask_yes("Try again?", True)
                if again is not True:
                    return again is False
                continue
            self._known = Known(_read_by(answers), snapshot, found)
            for line in found_lines(found):
                print(line)
            return True

    def _snapshot(self, read: bool) -> AccountSnapshot | None:
        """What was read of the account for these answers; if nothing was, it is read once where that is wished."""
        answers = self.session.answers
        if self._known.read_by != _read_by(answers):
            if not read:
                return None
            self._known = Known(_read_by(answers))
            try:
                print("  Looking whether a boundary is demanded...", flush=True)
                self._known = Known(_read_by(answers), self.engine.discover(answers))
            except ProblemError as error:
                print(f"  That can't be told. {plain(error.problem.title)}")
        return self._known.snapshot

    def _connect(self) -> bool:
        try:
            self.identity = (
                self.engine.go_on(self._going_on)
                if self._going_on is not None
                else self.engine.connect(self.session.answers.text("identity.profile"))
            )
        except ProblemError as error:
            if isinstance(error, ReferenceGone):
                self._going_on = None
                self.session.leave_behind()
            lines.print_problem(error.problem, sys.stdout, wordy=True)
            if self.only:
                raise
            return False
        self._roles = self._functions = None  # of whoever was signed in before
        self._known = Known([])
        self.session.fit(self.identity)
        alias = f"{plain(self.identity.alias)}, " if self.identity.alias else ""
        print(f"Signed in as {plain(self.identity.arn)}, account {alias}{account_number(self.identity.account)}.")
        return True

    def _show_quotas(self, answers: Answers) -> None:
        """Read the limits of the chosen regions and say each as it is there, then what they mean."""
        quotas = []
        try:
            for quota in self.engine.quotas(answers.texts("remotion.regions")):
                quotas.append(quota)
                print(f"  {plain(row_line(quota, wordy=True))}", flush=True)
            for line in (*self.engine.quota_news(quotas), *report_lines(quotas, brief=True)):
                print(f"  {plain(line)}".rstrip())
        except ProblemError as error:
            lines.print_problem(error.problem, sys.stdout, wordy=True)

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
        if self.session.answers.text("start.goal") == "undo":
            print("Reading how everything stands, and what uses it in every region...", flush=True)
        try:
            snapshot = self.engine.discover(self.session.answers)
            self.plan = self.engine.plan(self.session.answers, snapshot)
        except ProblemError as error:
            lines.print_problem(error.problem, sys.stdout, wordy=True)
            return self._again_or_back("Try again?")
        print(as_words(self.plan))
        self._tell_what_was_cut_off()
        if self.plan.problems:
            return self._again_or_back("Look again, after mending it?")
        if self.plan.is_empty:
            self.engine.settle(self.plan)
            return True
        if self.dry_run:
            print("Dry run: nothing was changed.")
            self._offer_answers()
            raise SystemExit(int(ExitCode.OK))
        go = _confirmed(self.plan)
        if go is BACK:
            return False
        if not go:
            print("Nothing was changed.")
            self.exit_code = ExitCode.USAGE
            self._offer_answers()
            raise SystemExit(int(self.exit_code))
        return True

    def _tell_what_was_cut_off(self) -> None:
        cut_off = self.engine.unfinished_runs()
        if cut_off and self.plan is not None and self.plan.writing:
            print(f"An earlier run was cut off ({listing(cut_off)}). This is what is left to do.")

    def _again_or_back(self, question: str) -> bool:
        again = ask_yes(f"{question} < goes back to the answers", True)
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
            print(as_words(self.plan))
            return self._apply()
        raise SystemExit(int(ExitCode.DOES_NOT_HOLD))

    def _check(self) -> bool:
        with lines.telling_the_wait(sys.stdout) as on_wait:
            live = self.session.answers.text("start.goal") == "rotate"
            report = self.engine.check(self.session.answers, around=True, live=live, on_wait=on_wait)
        lines.print_report(report, sys.stdout, wordy=True)
        self.exit_code = ExitCode.OK if report.ok else ExitCode.DOES_NOT_HOLD
        self._offer_messages(report)
        mends = to_mend(report.findings)
        if not mends or self.dry_run:
            return True
        question = f"Mend what the wizard can mend ({count(len(mends), 'finding')})? The plan comes first"
        if ask_yes(question, False) is not True:
            return True
        self.session.set(answers_to_mend(mends))
        return self._review() and self._apply() and self._check()

    def _offer_messages(self, report: Report) -> None:
        """Show a text for whoever else can mend what fails, once for each reason."""
        for text, who in messages(report).items():
            if ask_yes(f"Show a message to send to {who}?", False) is True:
                print(f"\n{text}\n")

    def _done(self) -> bool:
        if self.plan is not None and self.plan.purpose == "rotate":
            print("", *map(plain, told_afterwards(self.plan)), sep="\n")
        elif self.plan is not None and self.plan.purpose == "undo":
            print("", *map(plain, taken_back(self.plan)), sep="\n")
        elif self.exit_code is ExitCode.OK and self.session.answers.text("start.goal") != "diagnose":
            print("Remotion Lambda is ready.")
            lines.print_next_steps(*self.engine.next_steps(self.session.answers), print)
        self._offer_answers()
        return True

    def _offer_answers(self) -> None:
        """Save the answers to the file that the command line names, else to one that the person may name."""
        if self.save_answers is not None:
            self._write_answers(self.save_answers)
            return
        print("  Your answers can be saved for unattended runs. They hold no secret.")
        while True:
            typed = ask_text("Save the answers to this file (empty: do not save)", "", lambda _text: "")
            if isinstance(typed, Back) or not typed.strip():
                return
            path = self.engine.options.folder / expanded(typed.strip())
            if path.is_file() and ask_yes(f"Replace {one_line(str(path))}?", False) is not True:
                continue
            try:
                self._write_answers(path)
            except ProblemError as error:
                lines.print_problem(error.problem, sys.stdout, wordy=True)
                continue
            return

    def _write_answers(self, path: Path) -> None:
        write_whole(path, self.session.answers.to_toml(), None, "The answers file")
        print(f"Answers saved to {one_line(str(path))}.")


def run(
    engine: Engine,
    session: Session,
    save_answers: Path | None = None,
    only: tuple[str, ...] = (),
    dry_run: bool = False,
    keeper: Keeper | None = None,
    in_lines: bool = False,
) -> int:
    """Walk through a session in line mode and return the exit code. Ctrl+C raises KeyboardInterrupt.

    With `in_lines` nothing is redrawn while somebody types. `keeper` has what may be gone on with.
    """
    with reading_lines() if in_lines else editing_lines(), speaking():
        return LineMode(engine, session, save_answers, only, dry_run, keeper).run()


def _confirmed(plan: Plan) -> bool | Back:
    """Ask before a plan is carried out; to take something back, for the name of the account. Empty is no."""
    changes, identity = count(len(plan.writing), "change"), plan.identity
    if plan.purpose != "undo":
        return ask_yes(f"Make {changes} in account {identity.account}?", False)

    def rule(typed: str) -> str:
        wrong = f"That is not the name of this account. Allowed: {identity.known_as}, or empty to change nothing."
        return "" if not typed.strip() or identity.is_meant_by(typed) else wrong

    what = "alias" if identity.alias else "number"
    label = f"Take back {changes}? To confirm, type the account's {what}, {plain(identity.known_as)}"
    answer = ask_text(label, "", rule)
    return answer if isinstance(answer, Back) else bool(answer.strip())


def _number(text: str) -> int | str:
    """Read a whole number, with or without grouping; other text is given back as it is."""
    digits = text.replace(",", "").strip()
    return int(digits) if digits.isdecimal() and digits.isascii() and len(digits) < 13 else text


def _items(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _read_by(answers: Answers) -> list[Any]:
    return [answers[key] for key in _READ_BY]
