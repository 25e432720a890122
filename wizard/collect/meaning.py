"""What answers mean together: whose names they are, what may stand beside what, where the key goes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from wizard.remotion import names

if TYPE_CHECKING:
    from wizard.collect.answers import Answers

ROLE_ARN: Final = re.compile(r"arn:(aws[a-z-]*):iam::(\d{12}):role(/(?:[\x21-\x7e]+/)?)([\w+=,.@-]{1,64})", re.ASCII)


@dataclass(frozen=True)
class RoleReference:
    """A role that an answer names, by its name or by its ARN. `path`, `account` and `partition` are "" for a bare name."""

    name: str
    path: str = ""
    account: str = ""
    partition: str = ""

    def arn(self, partition: str, account: str) -> str:
        """Return its ARN; a bare name is a role of this account at the path /."""
        return f"arn:{self.partition or partition}:iam::{self.account or account}:role{self.path or '/'}{self.name}"


def role_reference(text: str) -> RoleReference:
    """Read a role's name or ARN."""
    found = ROLE_ARN.fullmatch(text.strip())
    if found is None:
        return RoleReference(text.strip())
    partition, account, path, name = found.groups()
    return RoleReference(name, path, account, partition)


def is_role(answers: Answers) -> bool:
    """Whether the caller of Remotion is the role of a compute service."""
    return answers.text("principal.kind") == "role"


def function_of(answers: Answers) -> str:
    """Return the Lambda function whose execution role is meant; "" if the role itself is named."""
    fits = is_role(answers) and answers["principal.service"] in {"any", "lambda"}
    return answers.text("principal.function") if fits else ""


def assumed_by(answers: Answers) -> str:
    """Return the name of the instance's role that takes the caller's role; "" if there is none between."""
    fits = is_role(answers) and answers["principal.service"] in {"any", "ec2"}
    return role_reference(answers.text("principal.assumed_by")).name if fits else ""


def principal_name(answers: Answers) -> str:
    """Return the IAM name of the user or role; "" where a function's execution role is still to be looked up."""
    text = answers.text("principal.name")
    return role_reference(text).name if is_role(answers) else text


def is_made(answers: Answers) -> bool:
    """Whether the wizard makes the principal where it is missing: the user, and a role that an instance's role takes."""
    return not is_role(answers) or bool(assumed_by(answers))


def render_role(answers: Answers) -> RoleReference:
    """Return the role that the render functions get."""
    return role_reference(answers.text("render_role.name"))


def has_own_render_role(answers: Answers) -> bool:
    """Whether functions are deployed with another role than Remotion's own name for it (--custom-role-arn)."""
    reference = render_role(answers)
    return reference.name != names.RENDER_ROLE or reference.path not in {"", "/"}


def output_buckets(answers: Answers) -> tuple[str, ...]:
    """Return the names of the output buckets, each once; none where nobody named one."""
    first = answers.text("output_bucket.name")
    return tuple(dict.fromkeys((first, *answers.texts("output_bucket.more")))) if first else ()


def key_place(answers: Answers) -> str:
    """Return where the access key goes, as in `credentials.write`. A role has none."""
    return "none" if is_role(answers) else answers.text("credentials.write")


# Combinations: what a single answer can't tell

_GIVEN: Final = {"--set", "answers file"}  # said for this very set-up; a form only hides what does not fit any more


def _principal_name(answers: Answers, value: Any) -> str:
    from wizard.collect.fields import role_problem, user_name_problem

    if not is_role(answers):
        return user_name_problem(value)
    function = function_of(answers)
    if value and function:
        return "Name the role or the Lambda function (principal.function), not both."
    if not value and not function:
        return "Name the role: its name or ARN, or the Lambda function that has it (principal.function)."
    return role_problem(value) if value else ""


def _function(answers: Answers, value: Any) -> str:
    if not value or answers.origin("principal.function") not in _GIVEN:
        return ""
    if not is_role(answers):
        return "A function's execution role goes with principal.kind = role."
    if answers["principal.service"] not in {"any", "lambda"}:
        return "A function runs in AWS Lambda. Allowed: leave it out, or principal.service = lambda."
    return ""


def _assumed_by(answers: Answers, value: Any) -> str:
    if value and not is_role(answers) and answers.origin("principal.assumed_by") in _GIVEN:
        return "A role that takes another one goes with principal.kind = role."
    if value and function_of(answers):
        return "This goes with principal.name: the role that the instance's role is to take."
    if value and is_role(answers) and role_reference(str(value)).name == principal_name(answers):
        return (
            "A role can't be its own: name the role of the instance here, and the one that it takes in principal.name."
        )
    return ""


def _kept_as_they_are(what: str) -> Callable[[Answers, Any], str]:
    def rule(answers: Answers, value: Any) -> str:
        given = answers.origin(what) in _GIVEN
        if given and value not in ("/", {}) and not is_made(answers):
            return "An existing role keeps what it has. Leave it out."
        return ""

    return rule


def _goal(answers: Answers, value: Any) -> str:
    if value == "rotate" and is_role(answers):
        return "A role has no access key that could be changed. Allowed with principal.kind = role: another goal."
    return ""


def _write(answers: Answers, value: Any) -> str:
    if answers.text("start.goal") == "rotate" and value == "none":
        return "The access key that is to be changed lies somewhere. Allowed with this goal: env-file or aws-profile."
    if is_role(answers) and value != "none" and answers.origin("credentials.write") in _GIVEN:
        return "A role needs no access key. Allowed with principal.kind = role: none."
    return ""


def _operator_principal(answers: Answers, value: Any) -> str:
    if value and not answers["extras.operator"]:
        return "This says who gets operator permissions: name some in extras.operator."
    return ""


def _goes_with_bucket(key: str, neutral: Any) -> Callable[[Answers, Any], str]:
    def rule(answers: Answers, value: Any) -> str:
        if value != neutral and not answers["output_bucket.name"] and answers.origin(key) in _GIVEN:
            return "This goes with an output bucket: name it in output_bucket.name."
        return ""

    return rule


def _more_buckets(answers: Answers, value: Any) -> str:
    if value and not answers["output_bucket.name"] and answers.origin("output_bucket.more") in _GIVEN:
        return "These are further buckets: name the first one in output_bucket.name."
    return "The bucket of output_bucket.name need not be named again." if answers["output_bucket.name"] in value else ""


def _delete(answers: Answers, value: Any) -> str:
    if value and answers["output_bucket.grant"] == "put-object" and answers.origin("output_bucket.delete") in _GIVEN:
        return (
            "The documented minimum has no s3:DeleteObject. Allowed: leave it out, or output_bucket.grant = complete."
        )
    return _goes_with_bucket("output_bucket.delete", False)(answers, value)


TOGETHER: Final[Mapping[str, Callable[[Answers, Any], str]]] = {
    "start.goal": _goal,
    "principal.name": _principal_name,
    "principal.function": _function,
    "principal.assumed_by": _assumed_by,
    "principal.path": _kept_as_they_are("principal.path"),
    "principal.tags": _kept_as_they_are("principal.tags"),
    "credentials.write": _write,
    "output_bucket.more": _more_buckets,
    "output_bucket.grant": _goes_with_bucket("output_bucket.grant", "complete"),
    "output_bucket.prefix": _goes_with_bucket("output_bucket.prefix", ""),
    "output_bucket.delete": _delete,
    "output_bucket.kms_key": _goes_with_bucket("output_bucket.kms_key", ""),
    "extras.operator_principal": _operator_principal,
}
