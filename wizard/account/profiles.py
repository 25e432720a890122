"""Which AWS credentials this machine has: environment and ~/.aws. Reads files, calls nothing, shows no secret."""

from __future__ import annotations

import configparser
import os
from dataclasses import dataclass
from pathlib import Path

from wizard.text import one_line, shortened_key


@dataclass(frozen=True)
class CredentialChoice:
    """Credentials that the wizard could work with. `profile` "" is AWS's default chain."""

    profile: str
    label: str
    detail: str


def credentials_file() -> Path:
    """Return the shared credentials file: $AWS_SHARED_CREDENTIALS_FILE, else ~/.aws/credentials."""
    return Path(os.environ.get("AWS_SHARED_CREDENTIALS_FILE") or "~/.aws/credentials").expanduser()


def config_file() -> Path:
    """Return the AWS config file: $AWS_CONFIG_FILE, else ~/.aws/config."""
    return Path(os.environ.get("AWS_CONFIG_FILE") or "~/.aws/config").expanduser()


def credential_choices() -> tuple[CredentialChoice, ...]:
    """Return what there is to choose from: environment variables first, then profiles in the order of the files."""
    found: list[CredentialChoice] = []
    key = os.environ.get("AWS_ACCESS_KEY_ID", "")
    if key:
        kind = "temporary" if key.startswith("ASIA") else "long-term"
        found.append(CredentialChoice("", "environment variables", f"{kind} key {shortened_key(one_line(key))}"))
    profiles: dict[str, str] = {}
    for name, section in _sections(credentials_file()).items():
        profiles[name] = _describe(section)
    for title, section in _sections(config_file()).items():
        if title.startswith(("sso-session ", "services ")):
            continue
        name = title.removeprefix("profile ").strip()
        profiles[name] = profiles.get(name) or _describe(section)
    found.extend(CredentialChoice(name, name, detail) for name, detail in profiles.items())
    if not found:
        found.append(
            CredentialChoice("", "default credentials", "what the AWS tools find by themselves on this machine")
        )
    return tuple(found)


def unreadable_files() -> tuple[str, ...]:
    """Say which of the AWS tools' files are there and can't be read, and why: those tools pass over them in silence."""
    from wizard.handover.files import why_not_readable

    named = (credentials_file(), config_file())
    return tuple(f"{one_line(str(path))}: {why}" for path in named if (why := why_not_readable(path)))


def _sections(path: Path) -> dict[str, dict[str, str]]:
    from wizard.handover.files import text_or_nothing

    return sections_of(text_or_nothing(path))


def sections_of(text: str) -> dict[str, dict[str, str]]:
    """Return the sections of an INI text with their settings; none if it is no INI text."""
    parser = configparser.RawConfigParser(strict=False, default_section="\0none", allow_no_value=True)
    try:
        parser.read_string(text)
    except (configparser.Error, AttributeError):  # AttributeError: CPython's own, where a name without a value goes on
        return {}
    return {name: {k: v or "" for k, v in parser.items(name)} for name in parser.sections()}


def _describe(section: dict[str, str]) -> str:
    region = f", {one_line(section['region'], 30)}" if section.get("region") else ""
    if "sso_session" in section or "sso_start_url" in section:
        return f"Identity Center, {one_line(section.get('sso_role_name', 'role'), 60)}{region}"
    if "role_arn" in section:
        return f"assumes {one_line(section['role_arn'].rpartition('/')[2], 60)}{region}"
    if "credential_process" in section:
        return f"from a program{region}"
    if "aws_access_key_id" in section:
        return f"key {shortened_key(one_line(section['aws_access_key_id']))}{region}"
    return f"no credentials in this profile{region}"
