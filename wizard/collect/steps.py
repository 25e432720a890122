"""The steps and their questions: one definition for the Textual app, line mode and the answers file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from wizard.collect.answers import Answers
from wizard.collect.fields import FIELDS, Field

StepKind = Literal["form", "review", "apply", "check", "done"]
When = Callable[[Answers], bool]


@dataclass(frozen=True)
class Choice:
    """One choice of a question: the value in the answers file, its label, and a sentence that helps to decide."""

    value: str
    label: str
    help: str = ""


@dataclass(frozen=True)
class Question:
    """One question of a step. Its key is a key of `FIELDS`, which has its type, default and rule.

    `dynamic` names a list that the front end takes from the engine ("profiles", "regions"), since it depends on the machine.
    """

    key: str
    label: str
    help: str = ""
    choices: tuple[Choice, ...] = ()
    dynamic: str = ""
    when: When = lambda _answers: True
    advanced: bool = False

    @property
    def field(self) -> Field:
        return FIELDS[self.key]


@dataclass(frozen=True)
class Step:
    """One step of the wizard: a title, one sentence that says what it is for, and its questions."""

    id: str
    title: str
    sentence: str
    kind: StepKind = "form"
    questions: tuple[Question, ...] = ()
    applies: When = lambda _answers: True

    def asked(self, answers: Answers) -> tuple[Question, ...]:
        """Return the questions that apply under these answers."""
        return tuple(q for q in self.questions if q.when(answers))

    def problems(self, answers: Answers) -> dict[str, str]:
        """Return what is wrong with this step's answers, by key."""
        return answers.problems([q.key for q in self.asked(answers)])


def _changes_something(answers: Answers) -> bool:
    return answers.text("start.goal") != "diagnose"


def _writes(*places: str) -> When:
    return lambda answers: answers["credentials.write"] in places


STEPS: tuple[Step, ...] = (
    Step(
        "start",
        "Start",
        "Remotion Lambda renders videos in your own AWS account. This wizard gives it the permissions it needs, and no more.",
        questions=(
            Question(
                "start.goal",
                "What would you like to do?",
                choices=(
                    Choice(
                        "new", "Set up Remotion Lambda", "Makes the role, the user, their policies and an access key."
                    ),
                    Choice("change", "Change an existing set-up", "Finds what is there and plans the least change."),
                    Choice("diagnose", "Find out what is wrong", "Reads and tests only. Changes nothing."),
                ),
            ),
        ),
    ),
    Step(
        "identity",
        "Identity",
        "The identity that the wizard itself works with. It must be allowed to manage IAM; Remotion will not use it.",
        questions=(
            Question(
                "identity.profile",
                "AWS credentials",
                "Found in your environment and in ~/.aws. Nothing is stored.",
                dynamic="profiles",
            ),
        ),
    ),
    Step(
        "project",
        "Project",
        "Each release of Remotion needs certain permissions, so the wizard wants to know which one your project uses.",
        questions=(
            Question("remotion.project", "Project folder", "The folder with your package.json."),
            Question(
                "remotion.version",
                "Remotion release",
                "A release such as 4.0.527, or auto to read it from the project.",
            ),
            Question(
                "remotion.regions",
                "Regions",
                "Where videos are rendered. The permissions hold in all regions; limits are checked in these.",
                dynamic="regions",
            ),
        ),
    ),
    Step(
        "principal",
        "Principal",
        "The IAM user that your code signs in as when it starts a render. It can't sign in to the AWS console.",
        questions=(
            Question(
                "principal.name",
                "User name",
                "An existing user of this name is kept, and only what is missing is added.",
            ),
            Question(
                "principal.path",
                "Path",
                "Only where your organisation asks for one.",
                advanced=True,
                when=_changes_something,
            ),
            Question(
                "principal.tags", "Tags", "Such as team=video, stage=prod.", advanced=True, when=_changes_something
            ),
        ),
    ),
    Step(
        "policies",
        "Policies",
        "What the user and the render function may do in your account.",
        questions=(
            Question(
                "principal.attach",
                "User's policy",
                choices=(
                    Choice(
                        "inline", "inline policy", "Lives inside the user. At most 2,048 characters for all of them."
                    ),
                    Choice("managed", "managed policy", "Stands by itself, has versions. At most 6,144 characters."),
                ),
            ),
            Question(
                "render_role.attach",
                "Render role's policy",
                choices=(
                    Choice("managed", "managed policy", "remotion-lambda-policy, as in Remotion's documentation."),
                    Choice("inline", "inline policy", "Lives inside the role."),
                ),
            ),
            Question(
                "principal.permissions_boundary",
                "Permissions boundary",
                "The ARN of a managed policy, where your organisation demands one. Else leave it empty.",
            ),
        ),
        applies=_changes_something,
    ),
    Step(
        "credentials",
        "Credentials",
        "Where the user's access key goes. The secret is written there and nowhere else; it is not shown.",
        questions=(
            Question(
                "credentials.write",
                "Access key",
                choices=(
                    Choice("env-file", "to the project's .env file", "Remotion's CLI reads it by itself."),
                    Choice("aws-profile", "to an AWS profile", "The key stays in ~/.aws; .env only names the profile."),
                    Choice("none", "make no access key", "Where the code runs with a role, or you have a key already."),
                ),
            ),
            Question(
                "credentials.path", ".env file", "In the project folder.", when=_writes("env-file", "aws-profile")
            ),
            Question(
                "credentials.profile",
                "AWS profile",
                "A new profile, or one that holds this user's key.",
                when=_writes("aws-profile"),
            ),
            Question(
                "credentials.gitignore",
                "Keep it out of git",
                "Adds the .env file to .gitignore, where that does not cover it yet.",
                when=_writes("env-file", "aws-profile"),
            ),
        ),
        applies=_changes_something,
    ),
    Step(
        "review",
        "Review",
        "Nothing has been changed yet. This is all that will be done.",
        "review",
        applies=_changes_something,
    ),
    Step("apply", "Apply", "The changes are made one by one, in this order.", "apply", applies=_changes_something),
    Step("check", "Check", "The wizard reads everything back and asks AWS to prove it.", "check"),
    Step("done", "Done", "Where everything is, and what to do next.", "done"),
)
BY_ID = {step.id: step for step in STEPS}


def steps_for(answers: Answers) -> tuple[Step, ...]:
    """Return the steps that apply under these answers, in order. A step that does not apply is skipped both ways."""
    return tuple(step for step in STEPS if step.applies(answers))
