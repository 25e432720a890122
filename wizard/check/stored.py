"""The credentials that were handed over: whether they work, whose they are, and who else can read them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from wizard.account.connect import Aws, Keys
from wizard.account.discover import stored_keys
from wizard.account.errors import is_bad_key, problem_of
from wizard.account.snapshot import Identity, LocalState
from wizard.check.findings import Finding, Status
from wizard.check.subjects import CheckRequest
from wizard.remotion import names
from wizard.text import listing, shortened_key


def check_credentials(aws: Aws, identity: Identity, request: CheckRequest) -> Iterator[Finding]:
    """Yield what is to be said about the credentials in the .env file or the profile. Signs one call with them."""
    local = request.local
    assert local is not None, "asked for only where credentials are looked at"
    subject = "credentials"
    keys, where = stored_keys(local, request.profile)
    if keys is None:
        if local.env_profile and not request.profile:
            yield Finding(
                "credentials.source",
                subject,
                Status.PASS,
                f"{Path(local.env_file).name} names the AWS profile {local.env_profile}",
            )
        elif any(s.kind == "user" and not s.is_caller for s in request.subjects):
            yield Finding(
                "credentials.missing",
                subject,
                Status.WARN,
                f"There are no credentials for Remotion in {where or local.env_file}",
                local.env_file,
                "no-credentials",
                "Run this in the project's folder, or let the wizard hand a key over: remotion-lambda-wizard setup",
            )
        return
    yield from _shadowed(keys)
    user = next((s.name for s in request.subjects if s.kind == "user" and not s.is_caller), "")
    yield _key_works(aws, identity, keys, where, user)
    path = Path(local.env_file)
    if local.env_key_id and path.exists():
        yield from _file_is_private(path, local)


def _shadowed(keys: Keys) -> Iterator[Finding]:
    """Variables of this shell that Remotion takes before the .env file: dotenv does not replace what is set."""
    other = os.environ.get(names.ACCESS_KEY_ID, "")
    variables = [names.PROFILE] if os.environ.get(names.PROFILE) else []
    if other and other != keys.access_key_id:
        variables.append(names.ACCESS_KEY_ID)
    if variables:
        yield Finding(
            "credentials.shadowed",
            "credentials",
            Status.WARN,
            f"{listing(variables)} in this shell comes before the .env file",
            "Remotion, started from this shell, uses other credentials than the ones that were handed over.",
            "shadowed",
            f"unset {' '.join(variables)}",
        )


def _key_works(aws: Aws, identity: Identity, keys: Keys, where: str, user: str) -> Finding:
    """Sign a real call with the stored credentials. AWS operation: sts:GetCallerIdentity, which needs no permission."""
    subject, identifier, shown = "credentials", "credentials.key", shortened_key(keys.access_key_id)
    try:
        caller = aws.with_keys(keys).client("sts").get_caller_identity()
    except Exception as error:
        problem = problem_of(error, f"signing in with the key in {where}").problem
        if not is_bad_key(error):
            title = f"Can't tell whether the key {shown} in {where} works"
            return Finding(identifier, subject, Status.UNKNOWN, title, problem.detail, "", problem.remedy)
        title = f"The key {shown} in {where} does not work"
        return Finding(
            identifier,
            subject,
            Status.FAIL,
            title,
            problem.detail,
            "bad-credentials",
            "Let the wizard make a new one: remotion-lambda-wizard setup",
        )
    if str(caller["Account"]) != identity.account:
        title = f"The key {shown} in {where} is of another account"
        detail = f"It signs in as {caller['Arn']}; the wizard looks at account {identity.account}."
        return Finding(
            identifier,
            subject,
            Status.FAIL,
            title,
            detail,
            "other-account",
            "Choose the identity or the project that you mean.",
        )
    if user and not str(caller["Arn"]).endswith(f"/{user}"):
        title = f"The key {shown} in {where} is not one of {user}"
        return Finding(
            identifier,
            subject,
            Status.WARN,
            title,
            f"It signs in as {caller['Arn']}.",
            "other-principal",
            "Let the wizard make a key for the user: remotion-lambda-wizard setup",
        )
    return Finding(
        identifier, subject, Status.PASS, f"The key {shown} in {where} works", f"It signs in as {caller['Arn']}."
    )


def _file_is_private(path: Path, local: LocalState) -> Iterator[Finding]:
    subject = "credentials"
    if local.env_mode is not None:
        private = not local.env_mode & 0o077
        yield Finding(
            "credentials.file-mode",
            subject,
            Status.PASS if private else Status.WARN,
            f"Only you can read {path.name}" if private else f"Others on this computer can read {path.name}",
            f"mode {local.env_mode:04o}",
            "" if private else "file-mode",
            "" if private else f"chmod 600 {path}",
        )
    if local.tracked_by_git or local.ignored_by_git is False:
        yield Finding(
            "credentials.git",
            subject,
            Status.WARN,
            f"{path.name} can get into a git commit",
            "git tracks it." if local.tracked_by_git else "No .gitignore covers it.",
            "not-ignored",
            f"git rm --cached {path.name}" if local.tracked_by_git else f"Add /{path.name} to .gitignore.",
            {} if local.tracked_by_git else {"credentials.gitignore": True},
        )
    elif local.ignored_by_git:
        yield Finding("credentials.git", subject, Status.PASS, f"git ignores {path.name}")
