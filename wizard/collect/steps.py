"""The steps and their questions: one definition for the Textual app, line mode and the answers file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from wizard.collect.answers import Answers
from wizard.collect.fields import FIELDS, Field
from wizard.collect.meaning import function_of, is_made, is_role, key_place, output_buckets

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

    `dynamic` names a list that the front end takes from the engine, since it depends on the machine or the account:
    "profiles", "regions", "roles", "functions", "boundaries", "removable", "aws-managed", "operators", "buckets",
    "own-keys".
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


def _goal(*goals: str) -> When:
    return lambda answers: answers.text("start.goal") in goals


_sets_up = _goal("new", "change")
_changes_something = _goal("new", "change", "undo", "rotate")
_looks_at_a_set_up = _goal("new", "change", "diagnose")
_proves = _goal("new", "change", "diagnose", "rotate")


def _makes_new_key(answers: Answers) -> bool:
    return answers.text("rotate.what") == "new-key"


def _changes_what_is_there(answers: Answers) -> bool:
    return answers.text("start.goal") == "change"


def _takes_everything_back(answers: Answers) -> bool:
    return answers.text("undo.run") == "everything"


def _writes(*places: str) -> When:
    return lambda answers: key_place(answers) in places


def _is_user(answers: Answers) -> bool:
    return not is_role(answers)


def _service(*services: str) -> When:
    return lambda answers: is_role(answers) and answers["principal.service"] in services


def _picks_role(answers: Answers) -> bool:
    return is_role(answers) and not function_of(answers)


def _makes_principal(answers: Answers) -> bool:
    return is_made(answers) and _sets_up(answers)


def _makes_user(answers: Answers) -> bool:
    return _is_user(answers) and _sets_up(answers)


def _gives_operators(answers: Answers) -> bool:
    return bool(answers["extras.operator"])


def _has_output_bucket(answers: Answers) -> bool:
    return bool(output_buckets(answers))


def _grants_all_of_bucket(answers: Answers) -> bool:
    return _has_output_bucket(answers) and answers["output_bucket.grant"] != "put-object"


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
                    Choice("undo", "Take back what the wizard made", "One run, or everything. The plan comes first."),
                    Choice("rotate", "Change the access key", "The old one is deactivated once the new one works."),
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
                "Found in your environment and in ~/.aws. No key is stored.",
                dynamic="profiles",
            ),
        ),
    ),
    Step(
        "undo",
        "Take back",
        "What is to be taken back. Only what the wizard made, and nobody has changed since; you see the plan first.",
        questions=(
            Question(
                "undo.run",
                "Take back",
                "Newest first. What somebody has changed since stays as it is.",
                dynamic="runs",
            ),
            Question(
                "remotion.regions",
                "Regions",
                "Where left-over logs are looked for, and functions that still need the role.",
                dynamic="regions",
                when=_takes_everything_back,
            ),
        ),
        applies=_goal("undo"),
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
                "remotion.policies",
                "Policies",
                choices=(
                    Choice("catalogue", "from the wizard's catalogue", "It knows what every release needs, and why."),
                    Choice(
                        "project",
                        "from the project's own Remotion",
                        "Runs the installed `remotion lambda policies`. For releases newer than the catalogue.",
                    ),
                ),
                advanced=True,
            ),
            Question(
                "remotion.regions",
                "Regions",
                "Where videos are rendered. The permissions hold in all regions; limits are checked in these.",
                dynamic="regions",
            ),
        ),
        applies=_looks_at_a_set_up,
    ),
    Step(
        "principal",
        "Principal",
        "Who calls Remotion: the identity that your code has when it starts a render.",
        questions=(
            Question(
                "principal.kind",
                "Your code signs in as",
                choices=(
                    Choice("user", "an IAM user with an access key", "For your computer, Vercel, or any other host."),
                    Choice(
                        "role",
                        "the role of an AWS service it runs in",
                        "Lambda, EC2, ECS or Fargate and the like. There is no key that could leak.",
                    ),
                ),
            ),
            Question(
                "principal.name",
                "User name",
                "An existing user of this name is kept, and only what is missing is added.",
                when=_is_user,
            ),
            Question(
                "principal.service",
                "Service",
                choices=(
                    Choice("lambda", "AWS Lambda", "Your own function starts the renders."),
                    Choice("ec2", "Amazon EC2", "A server with an instance profile."),
                    Choice("ecs", "Amazon ECS or Fargate", "The task role, not the task execution role."),
                    Choice("apprunner", "AWS App Runner", "The instance role."),
                    Choice("codebuild", "AWS CodeBuild", "The service role of the build project."),
                    Choice("eks", "Amazon EKS", "A pod with EKS Pod Identity."),
                    Choice("any", "another one", "The role is taken as it is."),
                ),
                when=is_role,
            ),
            Question(
                "principal.function",
                "Lambda function",
                "Its execution role is looked up. Leave it empty to pick the role itself.",
                dynamic="functions",
                when=_service("lambda"),
            ),
            Question(
                "principal.name",
                "Role",
                "The role that your code runs with: its name or ARN. Type a part of it to search.",
                dynamic="roles",
                when=_picks_role,
            ),
            Question(
                "principal.assumed_by",
                "Taken by the instance's role",
                "EC2 with STS: the server's own role takes the role above for each call. Leave it empty if the role above "
                "is the server's own.",
                dynamic="roles",
                when=_service("ec2"),
            ),
            Question(
                "principal.path",
                "Path",
                "Only where your organisation asks for one. The render role stays at /, where Remotion looks for it.",
                advanced=True,
                when=_makes_user,
            ),
            Question("principal.tags", "Tags", "Such as team=video, stage=prod.", advanced=True, when=_makes_principal),
        ),
        applies=_looks_at_a_set_up,
    ),
    Step(
        "found",
        "What is there",
        "What the account holds of Remotion already, and what is to become of it.",
        "form",
        questions=(
            Question(
                "principal.existing",
                "Statements in these policies that are not Remotion's",
                choices=(
                    Choice("beside", "stay", "Remotion's statements are brought up to date beside them."),
                    Choice("replace", "are taken out", "The policies hold what Remotion needs, and nothing else."),
                ),
            ),
            Question(
                "principal.take_away",
                "Policies to take away",
                "They allow far more than Remotion needs. Nothing is taken away unless you name it.",
                dynamic="removable",
            ),
        ),
        applies=_changes_what_is_there,
    ),
    Step(
        "policies",
        "Policies",
        "What the caller and the render function may do in your account.",
        questions=(
            Question(
                "principal.attach",
                "Caller's policy",
                choices=(
                    Choice(
                        "inline", "inline policy", "Lives inside the user or role. For a user at most 2,048 characters."
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
                dynamic="boundaries",
            ),
        ),
        applies=_sets_up,
    ),
    Step(
        "extras",
        "Extras",
        "Only for what you use: each adds exactly the statements that it needs. Most projects need none.",
        questions=(
            Question("extras.insights", "Lambda Insights", "Metrics of the render functions in CloudWatch."),
            Question("extras.vpc", "VPC", "The render functions run in a network of your own."),
            Question(
                "extras.custom_layer_arns",
                "Own layers",
                "ARNs of layer versions that you deploy with --custom-layer-arns, with commas between them.",
            ),
            Question(
                "render_role.name",
                "Render role",
                "Another name or ARN only where your organisation demands it: every deploy then needs --custom-role-arn.",
                advanced=True,
            ),
            Question(
                "extras.aws_managed_policies",
                "AWS-managed policies",
                "Attached to the caller as well. Remotion needs none of them.",
                dynamic="aws-managed",
                advanced=True,
            ),
            Question(
                "extras.operator",
                "Operator permissions",
                "Small policies for people who look after the functions.",
                dynamic="operators",
                advanced=True,
            ),
            Question(
                "extras.operator_principal",
                "Who gets the operator permissions",
                "user/NAME or role/NAME. Empty: the caller itself.",
                advanced=True,
                when=_gives_operators,
            ),
        ),
        applies=_sets_up,
    ),
    Step(
        "output-bucket",
        "Output bucket",
        "Only if videos go into a bucket of your own. Leave it empty, and they stay in Remotion's own bucket.",
        questions=(
            Question(
                "output_bucket.name",
                "Bucket",
                "Its name; one of another account by name too. Leave it empty to go on without.",
                dynamic="buckets",
            ),
            Question(
                "output_bucket.grant",
                "Permissions",
                choices=(
                    Choice(
                        "complete",
                        "all that an upload needs",
                        "Each action is explained. The caller may read the videos.",
                    ),
                    Choice(
                        "put-object",
                        "the documented minimum",
                        "s3:PutObject alone: needs privacy no-acl, and nothing can be read back.",
                    ),
                ),
                when=_has_output_bucket,
            ),
            Question(
                "output_bucket.delete",
                "Videos may be deleted",
                "For deleteRender(). Adds s3:DeleteObject.",
                when=_grants_all_of_bucket,
            ),
            Question(
                "output_bucket.prefix",
                "Only under this prefix",
                "Such as videos/. Empty: the whole bucket.",
                advanced=True,
                when=_has_output_bucket,
            ),
            Question(
                "output_bucket.more",
                "Further buckets",
                "Names, with commas between them. They get the same permissions.",
                advanced=True,
                when=_has_output_bucket,
            ),
            Question(
                "output_bucket.attach",
                "Policy",
                choices=(
                    Choice("inline", "inline in the render role", "Becomes a managed one where it does not fit."),
                    Choice("managed", "managed policy", "One a bucket; it takes one of the role's attachments."),
                ),
                advanced=True,
                when=_has_output_bucket,
            ),
            Question(
                "output_bucket.kms_key",
                "KMS key",
                "The ARN of the key that encrypts the bucket, where the wizard can't read it: in another account, say.",
                advanced=True,
                when=_grants_all_of_bucket,
            ),
        ),
        applies=_sets_up,
    ),
    Step(
        "quotas",
        "Quotas",
        "How many functions AWS lets run at a time. A new account has 10 in each region; one render may use up to 200.",
        questions=(
            Question(
                "quotas.concurrent_executions",
                "Concurrency to ask AWS for",
                "In each of your regions where the limit is lower, once. 1000 suits a new account; 0 asks for nothing. AWS "
                "answers within days and may ask questions; a request can't be taken back.",
            ),
        ),
        applies=_sets_up,
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
        applies=_makes_user,
    ),
    Step(
        "rotate",
        "Access key",
        "A new access key takes the place of the old one, and is proven before the old one is deactivated.",
        questions=(
            Question("principal.name", "User name", "The user that your code signs in as."),
            Question("remotion.project", "Project folder", "The folder with your package.json."),
            Question(
                "credentials.write",
                "Where the key is",
                choices=(
                    Choice("env-file", "in the project's .env file", "The new key is written there."),
                    Choice("aws-profile", "in an AWS profile", "The new key is written to ~/.aws."),
                ),
            ),
            Question("credentials.path", ".env file", "In the project folder.", when=_writes("env-file")),
            Question("credentials.profile", "AWS profile", "It holds the user's key.", when=_writes("aws-profile")),
            Question(
                "rotate.what",
                "What to do",
                choices=(
                    Choice("new-key", "make a new key", "The old one is deactivated, and can be made active again."),
                    Choice("delete-old", "only delete old keys", "Inactive ones that nothing has used for some time."),
                ),
            ),
            Question(
                "rotate.delete_after_days",
                "Days without use",
                "A key may be deleted once nothing has used it for so long. In 7 days a weekly job has been missed.",
            ),
            Question(
                "rotate.replace",
                "Key that goes first",
                "AWS allows two keys a user, and both may be in use. The one that you name is deleted to make room.",
                dynamic="own-keys",
                when=_makes_new_key,
            ),
        ),
        applies=_goal("rotate"),
    ),
    Step(
        "review",
        "Review",
        "Nothing has been changed yet. This is all that will be done.",
        "review",
        applies=_changes_something,
    ),
    Step("apply", "Apply", "The changes are made one by one, in this order.", "apply", applies=_changes_something),
    Step("check", "Check", "The wizard reads everything back and asks AWS to prove it.", "check", applies=_proves),
    Step("done", "Done", "Where everything is, and what to do next.", "done"),
)
BY_ID = {step.id: step for step in STEPS}


def steps_for(answers: Answers) -> tuple[Step, ...]:
    """Return the steps that apply under these answers, in order. A step that does not apply is skipped both ways."""
    return tuple(step for step in STEPS if step.applies(answers))
