"""Every answer there is: its key, type, default and rule. One definition for widget, flag, answers file and prompt.

The key is the path in the answers file ("principal.name"), the name after --set, and the id of the widget.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Final, Literal

from wizard.collect.meaning import ROLE_ARN, role_reference
from wizard.remotion import names
from wizard.remotion.regions import SUPPORTED, partition_of
from wizard.remotion.releases import parse_release
from wizard.secret import looks_like_secret
from wizard.text import has_control, listing, number, one_line, quoted

SERVICES: Final = ("any", "lambda", "ec2", "ecs", "apprunner", "codebuild", "eks")
Kind = Literal["text", "choice", "regions", "flag", "tags", "number", "texts"]
Value = Any
Rule = Callable[[Any], str]  # returns what is wrong and what is allowed, or ""

MOST_EXECUTIONS: Final = 100_000  # more than anybody renders with: an error of typing
MOST_DAYS: Final = 365

_NAME = re.compile(r"[\w+=,.@-]+", re.ASCII)
_PATH = re.compile(r"/(?:[\x21-\x7e]+/)?")
_POLICY_ARN = re.compile(r"arn:aws[a-z-]*:iam::(?:\d{12}|aws):policy/[\x21-\x7e]+", re.ASCII)
_POLICY_NAME = re.compile(rf"[\w+=,.@-]{{1,128}}|{_POLICY_ARN.pattern}", re.ASCII)
_FUNCTION = re.compile(
    r"(?:arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:)?[A-Za-z0-9_-]{1,64}(?::[A-Za-z0-9$_-]{1,128})?",
    re.ASCII,
)
_ACCESS_KEY = re.compile(r"AKIA[A-Z0-9]{12,124}")
_KMS_KEY = re.compile(r"arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/(?:mrk-)?[A-Za-z0-9-]{1,64}", re.ASCII)
_PROFILE = re.compile(r"[^\[\]#;]{1,128}")
_RUN = re.compile(r"\d{4}-\d\d-\d\d-[1-9]\d{0,5}", re.ASCII)
# What stands in a project beside its .env file, and often in its git repository: no place for a key.
_OTHER_FILES: Final = {".gitignore", ".npmrc", ".dockerignore", "dockerfile", "makefile"}
_OTHER_ENDINGS: Final = re.compile(r"\.(?:json|[cm]?[jt]sx?|ya?ml|toml|lock|md|html|css)", re.IGNORECASE)
_LONGEST_PART, _LONGEST_PATH = 255, 4096  # bytes of a file's name and of a path, on Linux and macOS


@dataclass(frozen=True)
class Field:
    """One answer: where it stands in the answers file, what type it has, what it is when nobody says, and its rule."""

    key: str
    kind: Kind
    default: Value
    what: str  # a few words for lists and errors
    choices: tuple[str, ...] = ()
    rule: Rule | None = None
    for_a_role: Value = None  # the default where principal.kind is "role"; None: the same as for a user

    def problem(self, value: Value) -> str:
        """Return what is wrong with `value` and what is allowed, or "" if it is right."""
        wrong = wrong_type(self, value)
        if wrong:
            return wrong
        chosen = value if isinstance(value, list) else [value]
        other = [one for one in chosen if self.choices and one not in self.choices]
        if other:
            return f"{_shown(other[0])} is not one of the choices. Allowed: {listing(self.choices, 'or')}."
        return holds_secret(value) or (self.rule(value) if self.rule else "")


def holds_secret(value: Value) -> str:
    """Return what is wrong with an answer that somebody pasted a secret into, or "": files, plan and AWS would show it."""
    texts = [*value, *value.values()] if isinstance(value, Mapping) else value if isinstance(value, list) else [value]
    if any(isinstance(text, str) and looks_like_secret(text) for text in texts):
        return (
            "This looks like a secret access key or a session token. Allowed: a text without one; no answer is secret."
        )
    return ""


def _shown(value: Any) -> str:
    try:
        text = str(value).lower() if isinstance(value, bool) else str(value)
    except (ValueError, RecursionError):  # a number of more than 4,300 digits, tables nested too deeply
        return "“…”"
    return quoted(text)


def wrong_type(spec: Field, value: Value) -> str:
    """Return what is wrong with the type of a value, or ""."""
    kinds: dict[str, tuple[bool, str]] = {
        "text": (isinstance(value, str), "a text in quotation marks"),
        "choice": (isinstance(value, str), f"one of {listing(spec.choices, 'or')}"),
        "flag": (isinstance(value, bool), "true or false"),
        "number": (isinstance(value, int) and not isinstance(value, bool), "a whole number"),
        "regions": (isinstance(value, list) and all(isinstance(v, str) for v in value), "a list of regions"),
        "texts": (isinstance(value, list) and all(isinstance(v, str) for v in value), "a list of texts"),
        "tags": (
            isinstance(value, Mapping) and all(isinstance(k, str) and isinstance(v, str) for k, v in value.items()),
            "a table of texts, such as team=video, stage=prod, with each key once",
        ),
    }
    right, allowed = kinds[spec.kind]
    return "" if right else f"{_shown(value)} is not {allowed}."


def _no_control(value: str) -> str:
    if not has_control(value):
        return ""
    return f"{quoted(value)}: Control characters are not allowed. Allowed: characters that can be seen."


def _too_long(path: str) -> str:
    encoded = path.encode()
    if len(encoded) <= _LONGEST_PATH and all(len(part) <= _LONGEST_PART for part in encoded.split(b"/")):
        return ""
    return f"{quoted(path)} is too long. Allowed: names of at most {_LONGEST_PART} bytes."


def _iam_name(what: str, longest: int) -> Rule:
    def rule(value: str) -> str:
        if not value:
            return f"{what} can't be empty. Allowed: 1 to {longest} letters, digits and + = , . @ _ -"
        if len(value) > longest:
            return f"{what} has {number(len(value))} characters. Allowed: at most {longest}."
        if not _NAME.fullmatch(value):
            bad = sorted({c for c in value if not _NAME.fullmatch(c)})
            shown = listing(["a space" if c == " " else repr(c)[1:-1] for c in bad[:5]])
            return f"{what} can't contain {shown}. Allowed: letters A-Z a-z, digits and + = , . @ _ -"
        return ""

    return rule


def _release(value: str) -> str:
    if value == "auto" or ((release := parse_release(value)) and release.major >= 3):
        return ""
    if parse_release(value):
        return f"Remotion Lambda came with release 3.0.0; {_shown(value)} is older. Allowed: 3.0.0 or newer, such as 4.0.527."
    return f"{_shown(value)} is not a release of Remotion. Allowed: a full number such as 4.0.527, or auto."


def _regions(value: list[str]) -> str:
    if not value:
        return "Choose at least one region, such as us-east-1."
    unknown = [v for v in value if v not in SUPPORTED and partition_of(v) != "aws-us-gov"]
    if unknown:
        named = [quoted(region)[1:-1] for region in unknown[:5]] + (["others"] if len(unknown) > 5 else [])
        return f"Remotion Lambda does not run in {listing(named)}. Allowed: {', '.join(SUPPORTED)}."
    if len(set(value)) != len(value):
        return "A region is named twice. Name each once."
    if len({partition_of(v) for v in value}) > 1:
        return "These regions belong to different AWS partitions, which have separate accounts. Choose regions of one partition."
    return ""


def _user_path(value: str) -> str:
    if not value or len(value) > 512 or not _PATH.fullmatch(value) or "//" in value:
        return "A path begins and ends with / and has printable characters in between, such as / or /remotion/."
    return ""


def _boundary(value: str) -> str:
    if value and not _POLICY_ARN.fullmatch(value):
        example = "arn:aws:iam::123456789012:policy/boundary"
        return f"A permissions boundary is the ARN of a managed policy, such as {example}. Or leave it empty."
    return ""


def _tags(value: Mapping[str, str]) -> str:
    if len(value) > 49:
        return "AWS allows 50 tags, one of which the wizard needs. Allowed: at most 49."
    for key, text in value.items():
        if not 1 <= len(key) <= 128 or len(text) > 256:
            return f"Tag {_shown(key)}: a key has 1 to 128 characters, a value at most 256."
        if not re.fullmatch(r"[\w\s.:/=+@-]*", key + text) or _no_control(key + text):
            return f"Tag {_shown(key)}: allowed are letters, digits, spaces and _ . : / = + - @"
        if key.lower().startswith("aws:") or key.lower() == names.CREATED_BY_TAG["Key"]:
            return f"Tag {_shown(key)}: this key is reserved."
    if len({key.lower() for key in value}) < len(value):
        return "Two tags have the same key: AWS does not tell upper and lower case apart. Name each key once."
    return ""


def _file_path(value: str) -> str:
    if not value.strip():
        return "Name a file, such as .env"
    if value.endswith(("/", "\\", "/.", "/..")) or value in {".", ".."}:
        return f"{_shown(value)} is a folder. Name a file in it, such as {one_line(value.rstrip('/'), 60)}/.env"
    path = PurePath(value)
    if path.name.lower() in _OTHER_FILES or _OTHER_ENDINGS.fullmatch(path.suffix) or ".git" in path.parts:
        return f"{_shown(value)} is not a .env file, but one that other programs read. Allowed: a name such as .env or .env.local"
    return _no_control(value) or _too_long(value)


def _profile(value: str) -> str:
    if not _PROFILE.fullmatch(value) or value != value.strip() or has_control(value):
        return "A profile name has 1 to 128 characters, without [ ] # ; and without spaces around it, such as remotion."
    return ""


def _existing_profile(value: str) -> str:
    return _profile(value) if value else ""


def _folder(value: str) -> str:
    if not value.strip():
        return "Name the folder of the Remotion project, or . for this one."
    return _no_control(value) or _too_long(value)


user_name_problem: Final = _iam_name("A user name", 64)
_role_name: Final = _iam_name("A role name", 64)


def role_problem(value: str) -> str:
    """Return what is wrong with a role's name or ARN, or ""."""
    if value.startswith("arn:"):
        example = "arn:aws:iam::123456789012:role/video-api"
        return "" if ROLE_ARN.fullmatch(value) else f"{_shown(value)} is not a role's ARN, such as {example}."
    return _role_name(value)


def _render_role(value: str) -> str:
    name = role_reference(value).name
    if name != names.RENDER_ROLE and name.lower() == names.RENDER_ROLE:
        return f"Remotion looks for exactly this name: {names.RENDER_ROLE}. IAM has no second one that differs in case only."
    return role_problem(value)


def _principal_name(value: str) -> str:
    return role_problem(value) if value.startswith("arn:") else user_name_problem(value)


def _optional_role(value: str) -> str:
    return role_problem(value) if value else ""


def _function(value: str) -> str:
    if not value or _FUNCTION.fullmatch(value):
        return ""
    return f"{_shown(value)} is not a Lambda function. Allowed: its name, such as video-api, or its ARN."


def _layers(value: list[str]) -> str:
    if not value:
        return ""
    from wizard.remotion.extras import layer_arn_problem

    return next((wrong for arn in value if (wrong := layer_arn_problem(arn))), "")


def _aws_managed(value: list[str]) -> str:
    if not value:
        return ""
    from wizard.remotion.aws_managed import problem

    return next((wrong for name in value if (wrong := problem(name))), "")


def _operators(value: list[str]) -> str:
    if not value:
        return ""
    from wizard.remotion.operators import problem

    return next((wrong for name in value if (wrong := problem(name))), "")


def _operator_principal(value: str) -> str:
    kind, slash, name = value.partition("/")
    if not value or (slash and kind in {"user", "role"} and not _role_name(name)):
        return ""
    return f"{_shown(value)} is not a user or role. Allowed: user/NAME or role/NAME, such as user/ada."


def _policy_names(value: list[str]) -> str:
    wrong = next((name for name in value if not _POLICY_NAME.fullmatch(name)), None)
    if wrong is None:
        return ""
    return f"{_shown(wrong)} is not a policy. Allowed: names or ARNs of policies, such as AmazonS3FullAccess."


def _bucket(value: str) -> str:
    if not value:
        return ""
    from wizard.output.names import bucket_name_problem

    return bucket_name_problem(value)


def _buckets(value: list[str]) -> str:
    from wizard.output.names import bucket_name_problem

    wrong = next((f"{_shown(name)}: {why}" for name in value if (why := bucket_name_problem(name))), "")
    return wrong or ("A bucket is named twice. Name each once." if len(set(value)) < len(value) else "")


def _prefix(value: str) -> str:
    from wizard.output.names import prefix_problem

    return prefix_problem(value)


def _kms_key(value: str) -> str:
    if not value or _KMS_KEY.fullmatch(value):
        return ""
    example = "arn:aws:kms:us-east-1:123456789012:key/0a1b2c3d-4e5f-6789-abcd-ef0123456789"
    return f"{_shown(value)} is not a key's ARN (an alias can't be taken), such as {example}. Or leave it empty."


def _days(value: int) -> str:
    return "" if 0 <= value <= MOST_DAYS else f"Allowed: 0 to {MOST_DAYS} days, such as 7."


def _access_key(value: str) -> str:
    if not value or _ACCESS_KEY.fullmatch(value):
        return ""
    return f"{_shown(value)} is not an access key's id. Allowed: one such as AKIAIOSFODNN7EXAMPLE, or nothing."


def _run(value: str) -> str:
    if not value or value == "everything" or _RUN.fullmatch(value):
        return ""
    return f"{_shown(value)} is not a run. Allowed: its name, such as 2026-11-21-1, or everything. Empty: the newest."


def concurrency_problem(value: int) -> str:
    """Return what is wrong with a number of concurrent executions to ask AWS for, or ""; 0 asks for nothing."""
    if 0 <= value <= MOST_EXECUTIONS:
        return ""
    return f"Allowed: 1 to {number(MOST_EXECUTIONS)} functions at a time, such as 1000; 0 asks for nothing."


FIELDS: dict[str, Field] = {
    f.key: f
    for f in (
        Field("start.goal", "choice", "new", "what to do", ("new", "change", "diagnose", "undo", "rotate")),
        Field("identity.profile", "text", "", "AWS profile the wizard works with", rule=_existing_profile),
        Field("remotion.project", "text", ".", "folder of the Remotion project", rule=_folder),
        Field("remotion.version", "text", "auto", "Remotion release", rule=_release),
        Field("remotion.regions", "regions", ["us-east-1"], "AWS regions to render in", rule=_regions),
        Field("remotion.policies", "choice", "catalogue", "where the policies are from", ("catalogue", "project")),
        Field("principal.kind", "choice", "user", "who calls Remotion", ("user", "role")),
        Field("principal.name", "text", names.USER, "name of the user or role", rule=_principal_name, for_a_role=""),
        Field("principal.service", "choice", "any", "service that the code runs in", SERVICES),
        Field("principal.function", "text", "", "Lambda function whose role is taken", rule=_function),
        Field("principal.assumed_by", "text", "", "role of the instance that takes the role", rule=_optional_role),
        Field(
            "principal.attach",
            "choice",
            "inline",
            "how the caller's policy is attached",
            ("inline", "managed"),
            for_a_role="managed",
        ),
        Field("principal.existing", "choice", "beside", "what is in the policies already", ("beside", "replace")),
        Field("principal.take_away", "texts", [], "policies to take away", rule=_policy_names),
        Field("principal.permissions_boundary", "text", "", "permissions boundary", rule=_boundary),
        Field("principal.path", "text", "/", "path of the user", rule=_user_path),
        Field("principal.tags", "tags", {}, "tags of the user", rule=_tags),
        Field("render_role.name", "text", names.RENDER_ROLE, "name of the render role", rule=_render_role),
        Field(
            "render_role.attach", "choice", "managed", "how the render role's policy is attached", ("managed", "inline")
        ),
        Field("output_bucket.name", "text", "", "output bucket", rule=_bucket),
        Field("output_bucket.more", "texts", [], "further output buckets", rule=_buckets),
        Field("output_bucket.grant", "choice", "complete", "output bucket's grant", ("complete", "put-object")),
        Field("output_bucket.prefix", "text", "", "key prefix in the output bucket", rule=_prefix),
        Field("output_bucket.delete", "flag", False, "deleting in the output bucket"),
        Field("output_bucket.attach", "choice", "inline", "how its policy is attached", ("inline", "managed")),
        Field("output_bucket.kms_key", "text", "", "KMS key of the output bucket", rule=_kms_key),
        Field("quotas.concurrent_executions", "number", 0, "Lambda concurrency to request", rule=concurrency_problem),
        Field(
            "credentials.write",
            "choice",
            "env-file",
            "where the access key goes",
            ("env-file", "aws-profile", "none"),
            for_a_role="none",
        ),
        Field("credentials.path", "text", ".env", "the .env file", rule=_file_path),
        Field("credentials.profile", "text", "remotion", "AWS profile for the access key", rule=_profile),
        Field("credentials.gitignore", "flag", True, "keep the .env file out of git"),
        Field("rotate.what", "choice", "new-key", "what becomes of access keys", ("new-key", "delete-old")),
        Field("rotate.delete_after_days", "number", 7, "days without use until deletion", rule=_days),
        Field("rotate.replace", "text", "", "access key that goes", rule=_access_key),
        Field("extras.insights", "flag", False, "Lambda Insights"),
        Field("extras.vpc", "flag", False, "VPC"),
        Field("extras.custom_layer_arns", "texts", [], "own layers", rule=_layers),
        Field("extras.aws_managed_policies", "texts", [], "AWS-managed policies", rule=_aws_managed),
        Field("extras.operator", "texts", [], "operator permissions", rule=_operators),
        Field("extras.operator_principal", "text", "", "who gets operator permissions", rule=_operator_principal),
        Field("undo.run", "text", "", "run to take back", rule=_run),
    )
}

# How the text of an answer looks, where one pattern tells it: for the JSON Schema. The rules above say the rest.
_ROLE: Final = re.compile(rf"[\w+=,.@-]{{1,64}}|{ROLE_ARN.pattern}", re.ASCII)
_SEEN: Final = r"[^\x00-\x1f\x7f]"
PATTERNS: Final[Mapping[str, re.Pattern[str]]] = {
    "identity.profile": _PROFILE,
    "remotion.project": re.compile(rf"{_SEEN}*\S{_SEEN}*"),
    "principal.name": re.compile(rf"(?:{_ROLE.pattern})?", re.ASCII),
    "principal.path": _PATH,
    "principal.permissions_boundary": _POLICY_ARN,
    "principal.take_away": _POLICY_NAME,
    "principal.function": _FUNCTION,
    "principal.assumed_by": _ROLE,
    "render_role.name": _ROLE,
    "output_bucket.name": re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"),
    "output_bucket.more": re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"),
    "output_bucket.prefix": re.compile(r"[ !#-.0-\[\]-~][ !#-\[\]-~]{0,511}"),
    "output_bucket.kms_key": _KMS_KEY,
    "credentials.path": re.compile(rf"{_SEEN}*[^\x00-\x1f\x7f\s/]"),
    "credentials.profile": _PROFILE,
    "rotate.replace": _ACCESS_KEY,
    "extras.custom_layer_arns": re.compile(r"arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:layer:[A-Za-z0-9_-]+:\d+"),
    "extras.operator_principal": re.compile(r"(?:user|role)/[\w+=,.@-]{1,64}", re.ASCII),
    "undo.run": re.compile(rf"everything|{_RUN.pattern}", re.ASCII),
}
