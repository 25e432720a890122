"""The roles and Lambda functions of an account to pick from: read page by page, searched, and which role suits.

Sources: ListRoles (IAM API reference), ListFunctions and GetFunctionConfiguration (Lambda API reference), "IAM roles for
Amazon EC2", "Amazon ECS task IAM role", "App Runner instance role", "EKS Pod Identity trust policy".
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeVar

from wizard.account.connect import Aws
from wizard.account.errors import is_absent, is_denied, problem_of
from wizard.account.snapshot import Document
from wizard.collect.meaning import role_reference
from wizard.policy import documents
from wizard.policy.trust import services_of
from wizard.problem import Problem, ProblemError
from wizard.text import listing, one_line

if TYPE_CHECKING:
    from wizard.collect.answers import Answers

FIRST_ROLES: Final = 100  # a small first page is there at once; the others are as large as AWS gives them
MORE_ROLES: Final = 1000
FUNCTIONS: Final = 50  # ListFunctions gives no more, whatever is asked for

# principal.service -> who takes the role for the code, and what people call it
SERVICES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "lambda": ("lambda.amazonaws.com", "AWS Lambda"),
        "ec2": ("ec2.amazonaws.com", "Amazon EC2"),  # ec2.amazonaws.com.cn in China, where both are seen
        "ecs": ("ecs-tasks.amazonaws.com", "Amazon ECS or Fargate"),
        "apprunner": ("tasks.apprunner.amazonaws.com", "AWS App Runner"),
        "codebuild": ("codebuild.amazonaws.com", "AWS CodeBuild"),
        "eks": ("pods.eks.amazonaws.com", "Amazon EKS"),
    }
)

_LINKED: Final = "/aws-service-role/"
_SIGN_IN: Final = "/aws-reserved/sso.amazonaws.com/"
_RESERVED: Final = "/aws-reserved/"
_FUNCTION_ARN: Final = re.compile(r"arn:aws[a-z-]*:lambda:([a-z0-9-]+):\d{12}:function:[^:]+")


class Entry(Protocol):
    """What can be picked from a list."""

    @property
    def name(self) -> str: ...
    @property
    def arn(self) -> str: ...
    @property
    def locked(self) -> str: ...
    @property
    def searched(self) -> str: ...


E = TypeVar("E", bound=Entry)


@dataclass(frozen=True, slots=True)
class RoleEntry:
    """A role of the account. `services` may take it; `others` says who else may: "accounts", "federated"."""

    name: str
    path: str
    arn: str
    services: tuple[str, ...] = ()
    others: tuple[str, ...] = ()

    @property
    def locked(self) -> str:
        """Why it can't be changed; "" if it can."""
        return locked_reason(self.path, self.name)

    @property
    def searched(self) -> str:
        """The text that is searched, in lower case."""
        return f"{self.name}\n{self.path}".lower()


@dataclass(frozen=True, slots=True)
class FunctionEntry:
    """A Lambda function and its execution role."""

    name: str
    arn: str
    region: str
    role_name: str
    role_arn: str
    runtime: str = ""

    @property
    def locked(self) -> str:
        """Why its role can't be changed; "" if it can."""
        return locked_reason(role_reference(self.role_arn).path, self.role_name)

    @property
    def searched(self) -> str:
        """The text that is searched, in lower case."""
        return f"{self.name}\n{self.role_name}".lower()


# Reading


def role_pages(aws: Aws) -> Iterator[tuple[RoleEntry, ...]]:
    """Read the account's roles page by page. AWS operation: iam:ListRoles. Raises ProblemError.

    Their trust policies are looked through and let go of.
    """
    parameters: dict[str, Any] = {"MaxItems": FIRST_ROLES}
    while True:
        page = _call(aws.client("iam").list_roles, "listing the roles", parameters)
        yield tuple(_role(found) for found in page["Roles"])
        if not page.get("IsTruncated") or not page.get("Marker"):
            return
        parameters = {"MaxItems": MORE_ROLES, "Marker": page["Marker"]}


def function_pages(aws: Aws, region: str) -> Iterator[tuple[FunctionEntry, ...]]:
    """Read a region's Lambda functions page by page. AWS operation: lambda:ListFunctions. Raises ProblemError."""
    parameters: dict[str, Any] = {"MaxItems": FUNCTIONS}
    while True:
        page = _call(aws.client("lambda", region).list_functions, "listing the functions", parameters)
        yield tuple(_function(found, region) for found in page["Functions"])
        if not page.get("NextMarker"):
            return
        parameters["Marker"] = page["NextMarker"]


def read_function(aws: Aws, function: str, region: str) -> FunctionEntry:
    """Look a function up by its name or ARN, with or without an alias or version. An ARN says itself in which region.

    AWS operation: lambda:GetFunctionConfiguration. Raises ProblemError where there is none, or it can't be read.
    """
    arn = _FUNCTION_ARN.match(function.strip())
    base, alias = (arn[0], function.strip()[arn.end() + 1 :]) if arn else _split_alias(function.strip())
    place = arn[1] if arn else region
    parameters = {"FunctionName": base} | ({"Qualifier": alias} if alias else {})
    try:
        found = aws.client("lambda", place).get_function_configuration(**parameters)
    except ProblemError:
        raise
    except Exception as error:
        if not is_absent(error):
            raise problem_of(error, f"reading the Lambda function {one_line(function, 120)}") from error
        remedy = "Correct its name." if arn else "Correct its name; where it is in another region, name it by its ARN."
        missing = Problem(f"There is no Lambda function {one_line(function, 160)} in {place}.", "", remedy)
        raise ProblemError(missing) from error
    return _function(found, place)


def _split_alias(function: str) -> tuple[str, str]:
    name, _, alias = function.partition(":")
    return name, alias


def _call(operation: Callable[..., Any], doing: str, parameters: Mapping[str, Any]) -> Any:
    try:
        return operation(**parameters)
    except ProblemError:
        raise
    except Exception as error:
        if is_denied(error):
            raise Denied(problem_of(error, doing).problem) from error
        raise problem_of(error, doing) from error


class Denied(ProblemError):
    """The list may not be read; a name can be given all the same."""


def _role(found: Mapping[str, Any]) -> RoleEntry:
    trust = found.get("AssumeRolePolicyDocument") or {}
    try:
        document: Document = documents.parse(trust) if isinstance(trust, str) else trust
    except ValueError:  # an emulator's
        document = {}
    name, path, arn = str(found["RoleName"]), str(found.get("Path", "/")), str(found["Arn"])
    return RoleEntry(name, path, arn, _shared(services_of(document)), _shared(_others(document)))


@lru_cache(512)
def _shared(words: tuple[str, ...]) -> tuple[str, ...]:
    """Keep one tuple for the thousands of roles that trust the same."""
    return words


def _others(trust: Document) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for statement in documents.statements(trust):
        principal = statement.get("Principal")
        kinds = principal if isinstance(principal, Mapping) else {"AWS": principal}
        found |= {word: None for kind, word in (("AWS", "accounts"), ("Federated", "federated")) if kinds.get(kind)}
    return tuple(found)


def _function(found: Mapping[str, Any], region: str) -> FunctionEntry:
    role = str(found.get("Role", ""))
    return FunctionEntry(
        str(found["FunctionName"]),
        str(found["FunctionArn"]),
        region,
        role_reference(role).name,
        role,
        str(found.get("Runtime", "")),
    )


# Which role suits


def locked_reason(path: str, name: str) -> str:
    """Return why nobody but AWS may change a role, in a sentence; "" for other roles.

    Without a path (a bare name) the names tell that AWS gives such roles.
    """
    if path and not path.startswith("/aws-"):
        return ""
    if path.startswith(_LINKED) or (not path and name.startswith("AWSServiceRoleFor")):
        service = path.removeprefix(_LINKED).partition("/")[0]
        return f"It is a service-linked role: only {service or 'the AWS service it belongs to'} can change it."
    if path.startswith(_SIGN_IN) or (not path and name.startswith("AWSReservedSSO_")):
        return "It belongs to IAM Identity Center: its permissions are changed there, in the permission set."
    if path.startswith(_RESERVED):
        return "It belongs to AWS, and nobody else can change it."
    return ""


@lru_cache(2048)
def trusts(services: tuple[str, ...], service: str) -> bool:
    """Whether a role that trusts these AWS services can be taken by code that runs in `service`."""
    if service not in SERVICES:
        return True
    principal = SERVICES[service][0]
    return any(one in {principal, f"{principal}.cn"} for one in services)


def trust_problem(trust: Document | Sequence[str], service: str) -> str:
    """Return why code that runs in `service` (as in `principal.service`) can't take a role; "" if it can.

    `trust` is the trust policy, or the services that it trusts.
    """
    services = services_of(trust) if isinstance(trust, Mapping) else tuple(trust)
    if trusts(services, service):
        tagged = service != "eks" or not isinstance(trust, Mapping) or _may_tag(trust)
        return "" if tagged else "EKS Pod Identity also needs sts:TagSession in the trust policy."
    principal, label = SERVICES[service]
    if services:
        shown = listing([one_line(one, 60) for one in services[:3]], "and")
        more = f" and {len(services) - 3} more" if len(services) > 3 else ""
        return f"It trusts {shown}{more}, not {principal}: code on {label} can't run with it."
    return f"It trusts no AWS service, only accounts or identity providers: code on {label} can't run with it."


def _may_tag(trust: Document) -> bool:
    principal = SERVICES["eks"][0]
    for statement in documents.statements(trust):
        who = statement.get("Principal")
        services = documents.listed(who.get("Service") if isinstance(who, Mapping) else who)
        actions = {action.lower() for action in documents.texts(statement, "Action")}
        if statement.get("Effect") == "Allow" and {principal, "*"} & set(services) and actions & _TAGGING:
            return True
    return False


_TAGGING: Final = {"sts:tagsession", "sts:*", "*"}


def left_over(answers: Answers) -> dict[str, str]:
    """Return what takes back answers about roles that another answer has made void: a function's role is the role, say."""
    kind, service, function = (answers.text(f"principal.{key}") for key in ("kind", "service", "function"))
    uses_function = kind == "role" and service == "lambda" and bool(function)
    void = {
        "principal.function": not uses_function,
        "principal.assumed_by": kind != "role" or service != "ec2",
        "principal.name": uses_function,
    }
    return {key: "" for key, is_void in void.items() if is_void and answers[key] != ""}


# Searching


def matching(entries: Iterable[E], wanted: str, suits: Callable[[E], bool] | None = None) -> list[E]:
    """Return the entries that have all the words of `wanted`, or its ARN: the likely ones first, then by name.

    First come names that begin with the first word, of these and of the rest the ones that suit; what is locked is last.
    """
    words = wanted.lower().split()
    found = [e for e in entries if _has(e, words)] if words else list(entries)
    first = words[0] if words and not words[0].startswith("arn:") else ""

    def place(entry: E) -> tuple[int, str]:
        name = entry.name.lower()
        locked, elsewhere = bool(entry.locked), not name.startswith(first)
        return locked * 4 + elsewhere * 2 + (suits is not None and not suits(entry)), name

    return sorted(found, key=place)


def _has(entry: Entry, words: list[str]) -> bool:
    if words[0].startswith("arn:"):
        return entry.arn.lower().startswith(words[0])
    searched = entry.searched
    return all(word in searched for word in words)


def named(entries: Iterable[E], text: str) -> E | None:
    """Return the entry that has exactly this name (AWS does not tell upper and lower case apart) or ARN, if there is one."""
    wanted = text.strip().lower()
    if not wanted:
        return None
    return next((e for e in entries if wanted in {e.name.lower(), e.arn.lower()}), None)


class Listing(Generic[E]):
    """What has been read of a list so far. Any thread may ask for more; each page is read once."""

    def __init__(self, pages: Callable[[], Iterator[tuple[E, ...]]]) -> None:
        """`pages` is called when the first page is wanted."""
        self.entries: list[E] = []
        self.complete = False
        self.problem: Problem | None = None  # why it could not be read to its end
        self.denied = False
        self._begin = pages
        self._pages: Iterator[tuple[E, ...]] | None = None
        self._lock = threading.Lock()

    def more(self, seen: int) -> None:
        """Read the next page, unless there are more entries than the `seen` ones already. Blocks."""
        with self._lock:
            if self.complete or len(self.entries) > seen:
                return
            try:
                if self._pages is None:
                    self._pages = self._begin()
                page = next(self._pages, None)
            except ProblemError as error:
                self.problem, self.denied, page = error.problem, isinstance(error, Denied), None
            except Exception as error:
                why = f"{type(error).__name__}: {one_line(str(error))}"
                self.problem, page = Problem("The list could not be read to its end.", why, "Try again."), None
            if page is None:
                self.complete, self._pages = True, None
            else:
                self.entries.extend(page)
