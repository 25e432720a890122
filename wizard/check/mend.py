"""What can be done about a finding: what the wizard mends itself, and a message for whoever can mend the rest."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from wizard.check.findings import Finding, Report, Status
from wizard.remotion import names
from wizard.text import account_number, plain

PROGRAM: Final = "remotion-lambda-wizard"
MENDABLE: Final = frozenset(
    {
        "missing-statement",
        "outdated-policy",
        "swapped-policies",
        "wrong-resource",
        "trust",
        "missing-principal",
        "no-credentials",
        "bad-credentials",
        "other-principal",
        "file-mode",
    }
)
# Causes that somebody else has to do something about -> who that is
OTHERS: Final[Mapping[str, str]] = {
    "scp": "the administrator of the AWS organisation",
    "rcp": "the administrator of the AWS organisation",
    "permissions-boundary": "whoever set the permissions boundary",
    "session-policy": "whoever set up the sign-in",
    "explicit-deny": "whoever wrote the policy with the Deny",
    "differs-from-simulation": "whoever looks after the account or the organisation",
    "public-access-blocked": "whoever looks after the account",
}
_ABOUT: Final = ("user.", "role.", "credentials.")  # the wizard makes users, roles, policies and keys, nothing else
_SETUP: Final = re.compile(rf"[^:]*: {PROGRAM} setup$")
_ACTION: Final = re.compile(r"\.permission\.([^@]+)")
_REFUSED: Final = re.compile(r"AWS refuses (\S+?:\S+)")
_RESOURCE: Final = re.compile(r"\(on ((?:arn:[^\s)]+|\*)(?: in [^)]*)?)\)")
_WITHOUT: Final = re.compile(r"(?: Besides: .*)? ?\(on (?:arn:[^\s)]+|\*)[^)]*\)(?: Without it:.*)?$", re.DOTALL)


def mendable(finding: Finding) -> bool:
    """Whether the wizard can mend it: it does not hold (or is to know), and its cause is one of those it makes good."""
    if finding.status not in {Status.FAIL, Status.WARN}:
        return False
    if finding.mend:
        return True
    return finding.cause in MENDABLE and (finding.id.startswith(_ABOUT) or finding.id.startswith("operator."))


def to_mend(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings that fail and that the wizard can mend."""
    return tuple(f for f in findings if f.status is Status.FAIL and mendable(f))


def answers_to_mend(findings: Iterable[Finding]) -> dict[str, Any]:
    """Return the answers, by key, with which the wizard plans what these findings lack. Lists are joined."""
    answers: dict[str, Any] = {"start.goal": "change"}
    for finding in findings:
        for key, value in finding.mend.items():
            joined = [*answers.get(key, []), *value] if isinstance(value, (list, tuple)) else value
            answers[key] = list(dict.fromkeys(joined)) if isinstance(joined, list) else joined
    return answers


def for_others(finding: Finding) -> str:
    """Return who else can mend it; "" if nobody has to be asked."""
    return OTHERS.get(finding.cause, "") if finding.status in {Status.FAIL, Status.WARN} else ""


# A message for somebody else


def message(report: Report, finding: Finding) -> str:
    """Return a text to send to whoever can mend a finding, with everything of the same cause and subject in it."""
    same = [
        f
        for f in report.findings
        if (f.cause, f.subject, f.status) == (finding.cause, finding.subject, finding.status)
        and _why(f) == _why(finding)
    ]
    rows = list(dict.fromkeys((action, resource) for f in same for action, resource in [_asked(f)] if action))
    identity = report.identity
    lines = ["Hello,", "", "Remotion Lambda (remotion.dev) can't work in our AWS account:", ""]
    lines.append(f"Account:    {account_number(identity.account)}{f' ({identity.alias})' if identity.alias else ''}")
    if rows:
        lines.append(f"Principal:  {finding.subject}")
        lines.append(f"{'Action:   ' if len(rows) == 1 else 'Actions:  '}  {_row(rows[0])}")
        lines += [f"            {_row(row)}" for row in rows[1:]]
    else:
        lines.append(f"About:      {finding.title}")
    lines.append(f"Refused by: {_why(finding)}")
    lines += [
        "",
        "Could you allow it, or tell me what to do instead?" if rows else "Could you change it, or tell me what to do?",
    ]
    lines.append("The actions are those of Remotion's own policies: remotion.dev/docs/lambda/permissions")
    return plain("\n".join(lines))


def messages(report: Report) -> dict[str, str]:
    """Return the texts to send, each with whom it is for: one for each reason why something fails."""
    return {message(report, f): for_others(f) for f in report.of(Status.FAIL) if for_others(f)}


def _asked(finding: Finding) -> tuple[str, str]:
    """The action that a finding is about, and the resource it was asked on; "" if there is none."""
    found = _ACTION.search(finding.id) or _REFUSED.search(finding.title)
    resource = _RESOURCE.search(finding.detail)
    return (found[1] if found else ""), (resource[1] if resource else "")


def _row(row: tuple[str, str]) -> str:
    action, resource = row
    return f"{action} on {resource}" if resource else action


def _why(finding: Finding) -> str:
    """What the finding says about the policy that is in the way, without the single resource."""
    return _WITHOUT.sub("", finding.detail)


# The command that mends


@dataclass(frozen=True)
class Mending:
    """The command line that mends what a check found: how AWS is reached, and the answers that the check was about."""

    connection: Mapping[str, str]
    answers_file: str = ""
    settings: Sequence[str] = ()  # KEY=VALUE, as given with --set
    user: str = ""
    role: str = ""
    render_role: bool = False  # whether `role` is the one that the render functions have

    def command(self, finding: Finding) -> str:
        """The exact command. Without a word about whose set-up it is, the wizard asks; it shows the plan in any case."""
        named = bool(self.answers_file or self.user or (self.role and not self.render_role))
        words = [PROGRAM, "apply" if named else "setup"]
        for option, value in self.connection.items():
            words += [option, value] if value else []
        if self.answers_file:
            words += ["--answers", self.answers_file]
        settings = [f"{key}={_setting(value)}" for key, value in {**self._settings(), **finding.mend}.items()]
        for setting in (*self.settings, *settings):
            words += ["--set", setting]
        return shlex.join(words)

    def _settings(self) -> dict[str, str]:
        found = {} if self.answers_file else {"start.goal": "change"}
        if self.user:
            found["principal.name"] = self.user
        elif self.role and not self.render_role:
            found |= {"principal.kind": "role", "principal.name": self.role}
        elif self.role != names.RENDER_ROLE and self.role:
            found["render_role.name"] = self.role
        given = {setting.partition("=")[0].strip() for setting in self.settings}
        return {key: value for key, value in found.items() if key not in given}


def with_commands(report: Report, mending: Mending) -> Report:
    """Return a report whose mendable findings name the exact command."""
    return replace(report, findings=tuple(_with_command(f, mending) for f in report.findings))


def _setting(value: Any) -> str:
    """Write a value as --set takes it."""
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(value) if isinstance(value, (list, tuple)) else str(value)


def _with_command(finding: Finding, mending: Mending) -> Finding:
    if not mendable(finding):
        return finding
    if finding.remedy and not _SETUP.fullmatch(finding.remedy):
        return finding  # a remedy of its own, such as chmod
    lead = finding.remedy.partition(":")[0] if finding.remedy else "Let the wizard mend it"
    return replace(finding, remedy=f"{lead}: {mending.command(finding)}")
