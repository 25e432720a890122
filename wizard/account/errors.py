"""From an error of AWS or botocore to a `Problem`: what happened, on what, who can fix it, the next action.

Sources: "Troubleshoot access denied error messages" (AWS IAM User Guide), botocore.exceptions, Remotion's troubleshooting.
"""

from __future__ import annotations

import configparser
import json
import re
from typing import Any, Final

from wizard.account.profiles import unreadable_files
from wizard.problem import ExitCode, Problem, ProblemError
from wizard.text import one_line

_DENIED: Final = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError", "403"}
_ABSENT: Final = {"NoSuchEntity", "NoSuchEntityException", "ResourceNotFoundException", "NoSuchBucket", "404"}
_THROTTLED: Final = {
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "SlowDown",
}
_UNKNOWN_KEY: Final = "AWS does not know this access key: it was deleted or deactivated, or is of another partition."
_BAD_KEYS: Final = {
    "InvalidClientTokenId": _UNKNOWN_KEY,
    "UnrecognizedClientException": _UNKNOWN_KEY,
    "InvalidAccessKeyId": "AWS does not know this access key: it was deleted or deactivated.",
    "SignatureDoesNotMatch": "The secret does not belong to this access key. A character was lost on the way (often + or /).",
    "AuthFailure": "The credentials are not valid.",
    "ExpiredToken": "These temporary credentials have expired.",
    "ExpiredTokenException": "These temporary credentials have expired.",
    "RequestExpired": "The request was too old when it arrived. Is the clock of this computer right?",
    "RequestTimeTooSkewed": "The clock of this computer is wrong by more than 15 minutes.",
}
_LAYERS: Final = (
    (r"explicit deny in a service control policy", "scp"),
    (r"no service control policy allows", "scp"),
    (r"explicit deny in a resource control policy", "rcp"),
    (r"no resource control policy allows", "rcp"),
    (r"explicit deny in a permissions boundary", "permissions-boundary"),
    (r"no permissions boundary allows", "permissions-boundary"),
    (r"explicit deny in a session policy", "session-policy"),
    (r"no session policy allows", "session-policy"),
    (r"explicit deny in a resource-based policy", "explicit-deny"),
    (r"explicit deny in an? (?:VPC|identity)", "explicit-deny"),
    (r"no identity-based policy allows", "missing-statement"),
)
_REMEDIES: Final = {
    "scp": "Only the administrator of your AWS organisation can change this. Send them the line above.",
    "rcp": "Only the administrator of your AWS organisation can change this. Send them the line above.",
    "permissions-boundary": "Whoever set the permissions boundary of this identity can widen it.",
    "session-policy": "Sign in without the session policy, or with a wider one.",
    "explicit-deny": "Whoever wrote the policy with the Deny can change it.",
    "missing-statement": "An administrator of the account can allow this action for the identity, or run the wizard for you.",
}


def code_of(error: Exception) -> str:
    """Return the error code of a botocore ClientError; "" for anything else."""
    response: Any = getattr(error, "response", None)
    return str((response.get("Error") or {}).get("Code") or "") if isinstance(response, dict) else ""


def message_of(error: Exception) -> str:
    """Return AWS's message, on one line and plain."""
    response: Any = getattr(error, "response", None)
    text = (response.get("Error") or {}).get("Message", "") if isinstance(response, dict) else ""
    return one_line(str(text) or str(error), 600)


def is_absent(error: Exception) -> bool:
    """Whether AWS says that the thing does not exist."""
    return code_of(error) in _ABSENT


def is_denied(error: Exception) -> bool:
    """Whether AWS says that the caller may not do this."""
    return code_of(error) in _DENIED


def is_bad_key(error: Exception) -> bool:
    """Whether AWS says that the credentials themselves are no good; anything else tells nothing about them."""
    return code_of(error) in _BAD_KEYS


def may_have_happened(error: Exception) -> bool:
    """Whether a write that ended in this error may have taken effect: no answer came, or the server failed."""
    from botocore.exceptions import BotoCoreError, ConnectTimeoutError, EndpointConnectionError, HTTPClientError

    if isinstance(error, (ConnectTimeoutError, EndpointConnectionError)):
        return False
    if isinstance(error, HTTPClientError):
        return True
    response: Any = getattr(error, "response", None)
    if isinstance(response, dict):
        return int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)) >= 500
    return not isinstance(error, BotoCoreError)


def layer_of(message: str) -> str:
    """Return which kind of policy denied, read from AWS's wording; "" where it does not say."""
    return next((layer for pattern, layer in _LAYERS if re.search(pattern, message, re.IGNORECASE)), "")


def problem_of(error: Exception, doing: str, profile: str = "") -> ProblemError:
    """Turn an error into a ProblemError. `doing` is what was tried, as in "reading the user remotion-user"."""
    if isinstance(error, ProblemError):  # somebody has said already what it is
        return error
    code, message = code_of(error), message_of(error)
    if code in _DENIED:
        return _denied(message, doing)
    if code in _BAD_KEYS:
        return _no_access(
            "AWS does not accept these credentials.", f"{_BAD_KEYS[code]} ({code})", _renew(profile, code)
        )
    if code in _THROTTLED:
        problem = Problem("AWS asked to slow down.", f"{_capital(doing)}: {message}", "Wait a minute and try again.")
        return ProblemError(problem)
    if code:
        return ProblemError(
            Problem(f"{_capital(doing)} failed.", f"{code}: {message}", "Correct what AWS names, then try again.")
        )
    generic = _no_access(f"{_capital(doing)} failed.", f"{type(error).__name__}: {message}", "Try again.")
    return _connection_problem(error, doing, profile) or generic


def _denied(message: str, doing: str) -> ProblemError:
    found = re.search(r"not authorized to perform: ([\w-]+:\w+)", message)
    what = found[1] if found else doing
    title = f"You may not call {what}." if found else f"AWS refused {doing}."
    layer = layer_of(message)
    remedy = _REMEDIES.get(layer, _REMEDIES["missing-statement"])
    if layer == "scp" and re.search(r"iam:Create(User|Role)", title):
        remedy += " If your organisation demands a permissions boundary, name it: principal.permissions_boundary"
    return ProblemError(Problem(title, message, remedy))


def _connection_problem(error: Exception, doing: str, profile: str) -> ProblemError | None:
    from botocore import exceptions as b

    name = f"profile {profile}" if profile else "the default credentials"
    login = f"aws sso login{f' --profile {profile}' if profile else ''}"
    if isinstance(error, b.ProfileNotFound):
        missing = one_line(str(error.kwargs.get("profile") or profile))  # AWS_PROFILE's, where none was asked for
        remedy = "See your profiles: aws configure list-profiles"
        return _no_access(f"There is no AWS profile “{missing}”.", message_of(error), remedy)
    if isinstance(error, b.ConfigParseError):
        return _no_access(
            "An AWS configuration file can't be read.",
            f"{one_line(str(error.kwargs.get('path')))}: {_why_not_parsed(error.kwargs.get('error'))}",
            "Correct the file, then try again. Allowed: [sections] with lines NAME = VALUE, each once, in UTF-8.",
        )
    if isinstance(error, (b.UnauthorizedSSOTokenError, b.SSOTokenLoadError, b.TokenRetrievalError, b.SSOError)):
        return _no_access(
            f"The Identity Center sign-in of {name} has expired.", message_of(error), f"Sign in again: {login}"
        )
    if isinstance(error, b.LoginError):
        return _no_access(
            f"The sign-in of {name} has expired.",
            message_of(error),
            f"Sign in again: aws login{f' --profile {profile}' if profile else ''}",
        )
    if isinstance(error, (b.NoCredentialsError, b.PartialCredentialsError, b.CredentialRetrievalError)):
        title = (
            f"No usable AWS credentials in {name}." if profile else "No AWS credentials were found on this computer."
        )
        remedy = f"Sign in: {login}   or store a key: aws configure{f' --profile {profile}' if profile else ''}"
        return _no_access(title, "\n".join((message_of(error), *unreadable_files())), remedy)
    if isinstance(error, b.NoRegionError):
        return _no_access("No AWS region is known.", message_of(error), "Name one: --region us-east-1")
    if isinstance(error, (b.HTTPClientError, b.ConnectionError)):
        return _no_access(
            "AWS could not be reached.",
            f"{_capital(doing)}: {message_of(error)}",
            "Check the connection, then try again.",
        )
    return None


def settings_problem(error: Exception, profile: str = "") -> ProblemError:
    """Turn what botocore has against this machine's AWS settings into a ProblemError: a wrong value, a broken program."""
    known = (
        problem_of(error, "signing in", profile)
        if code_of(error)
        else _connection_problem(error, "signing in", profile)
    )
    if known is not None:
        return ProblemError(known.problem, ExitCode.NO_ACCESS)
    name = f"profile {profile}" if profile else "the default credentials"
    if isinstance(error, EOFError):
        title = f"The sign-in of {name} asks for a code (MFA), and there is no terminal to type it in."
        return _no_access(title, "", "Run it in a terminal, or choose a profile without mfa_serial.")
    if isinstance(error, OSError) and error.filename:
        what = f"{one_line(str(error.filename))}: {error.strerror}"
    elif isinstance(error, json.JSONDecodeError):
        what = (
            f"What a program (credential_process) or a file with credentials printed is not JSON: {message_of(error)}"
        )
    else:
        what = message_of(error)
    return _no_access(
        f"The AWS settings of {name} can't be used.",
        f"{what.rstrip('.')}.",
        "Correct it in ~/.aws/config, ~/.aws/credentials or the environment (AWS_…), then try again.",
    )


def _why_not_parsed(error: Any) -> str:
    """Say where a file is wrong. The line itself may hold a secret: only its number is told."""
    if isinstance(error, configparser.MissingSectionHeaderError):
        return f"line {error.lineno} stands in no [section]."
    if isinstance(error, configparser.DuplicateSectionError):
        return f"line {error.lineno}: the section [{one_line(str(error.section), 60)}] is there twice."
    if isinstance(error, configparser.DuplicateOptionError):
        where = f"{one_line(str(error.option), 60)} in [{one_line(str(error.section), 60)}]"
        return f"line {error.lineno}: {where} is there twice."
    if isinstance(error, configparser.ParsingError) and error.errors:
        return f"line {error.errors[0][0]} is neither a [section] nor NAME = VALUE."
    if isinstance(error, UnicodeDecodeError):
        return f"not UTF-8 text (byte {error.start})."
    return "an indented line under a setting is not NAME = VALUE."


def _renew(profile: str, code: str) -> str:
    option = f" --profile {profile}" if profile else ""
    if "Time" in code or code == "RequestExpired":
        return "Set the clock, then try again."
    if "Expired" in code:
        return f"Sign in again: aws sso login{option}   or get new temporary credentials."
    return f"Store working credentials: aws configure{option}   or choose another profile."


def _no_access(title: str, detail: str, remedy: str) -> ProblemError:
    return ProblemError(Problem(title, detail, remedy), ExitCode.NO_ACCESS)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
