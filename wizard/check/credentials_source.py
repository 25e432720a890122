"""Which credentials Remotion will really use on this machine, and what they keep it from using. Shows no secret.

Source: @remotion/lambda-client 4.0.527 (`getCredentials`, `checkCredentials`, `isLikelyToHaveAwsProfile`, `getServiceClient`),
@remotion/cli 4.0.527 (`remotion-cli.js` loads `.env` of the working folder with dotenv 17, which overrides nothing that is set,
be it empty), and the AWS SDK for JavaScript that they bring (`parseIni`, `resolveProfileData`, `defaultProvider`). Where
Remotion's documentation has another order, this is the code's.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from wizard.account.errors import problem_of
from wizard.check.findings import SYMBOLS, Finding, Status
from wizard.handover.env_file import variables_of
from wizard.handover.files import text_or_nothing
from wizard.problem import ExitCode, Problem, ProblemError
from wizard.remotion import names
from wizard.secret import Secret
from wizard.text import listing, one_line, plain, shortened_key

if TYPE_CHECKING:
    from wizard.account.connect import Aws, Keys

Reader = Literal["cli", "node"]
READERS: Final[Mapping[Reader, str]] = {
    "cli": "Remotion's CLI (npx remotion lambda …)",
    "node": "Remotion's Node APIs (renderMediaOnLambda() and the like)",
}
SKIP: Final = "REMOTION_SKIP_AWS_CREDENTIALS_CHECK"
INSIDE: Final = "__RESERVED_IS_INSIDE_REMOTION_LAMBDA"
_FROM_ENVIRONMENT: Final = "the environment"
_SECRET_LENGTH: Final = 40  # of every secret access key that IAM and STS hand out

Section = dict[str, str]


@dataclass(frozen=True)
class Machine:
    """What there is to read: the environment, `.env` beside it, and the home folder. Values are not shown by repr."""

    environment: Mapping[str, str] = field(repr=False)
    env_file: Path
    dotenv: Mapping[str, str] = field(repr=False)
    home: Path
    now: datetime
    unread: tuple[str, ...] = ()  # files beside .env with variables of Remotion's, which only frameworks load

    def seen_by(self, reader: Reader) -> dict[str, str]:
        """The variables that a reader sees. dotenv sets only what is not there yet; an empty one is there."""
        return {**self.dotenv, **self.environment} if reader == "cli" else dict(self.environment)

    def origin(self, name: str) -> str:
        """Where a variable comes from, for people."""
        return _FROM_ENVIRONMENT if name in self.environment else self.env_file.name


@dataclass(frozen=True)
class Source:
    """One place with credentials. `id` is its step in Remotion's order; `why_not` says why it is passed over."""

    id: str
    title: str
    kind: str = ""  # for people: "long-term key", "Identity Center", …
    profile: str = ""
    access_key_id: str = ""
    keys: Keys | None = field(default=None, repr=False)
    findings: tuple[Finding, ...] = ()
    why_not: str = ""
    account: str = ""
    arn: str = ""

    @property
    def key(self) -> str:
        """The access key id, shortened."""
        return shortened_key(one_line(self.access_key_id, 60))

    @property
    def ok(self) -> bool:
        return all(finding.status is not Status.FAIL for finding in self.findings)

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "title": self.title,
            "kind": self.kind,
            "profile": self.profile,
            "key": self.key,
            "account": self.account,
            "arn": self.arn,
            "why_not": self.why_not,
            "findings": [finding.to_json() for finding in self.findings],
        }


@dataclass(frozen=True)
class Answer:
    """What one reader of credentials takes: the winner, what it shadows, and findings about the whole."""

    reader: Reader
    winner: Source | None
    shadowed: tuple[Source, ...]
    findings: tuple[Finding, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether Remotion gets credentials that nothing speaks against."""
        return self.winner is not None and self.winner.ok and all(f.status is not Status.FAIL for f in self.findings)

    def to_json(self) -> dict[str, Any]:
        return {
            "ok": self.ok,
            "winner": self.winner.to_json() if self.winner else None,
            "shadowed": [source.to_json() for source in self.shadowed],
            "findings": [finding.to_json() for finding in self.findings],
        }


def look(folder: Path, environment: Mapping[str, str], now: datetime | None = None) -> Machine:
    """Read `.env` of a folder. Raises ProblemError if it is there and can't be read."""
    env_file = folder / ".env"
    home = Path(environment.get("HOME") or environment.get("USERPROFILE") or Path.home())
    unread = tuple(name for name in _FRAMEWORKS_OWN if names.ACCESS_KEY_ID in _variables_in(folder / name))
    return Machine(dict(environment), env_file, variables_of(env_file), home, now or datetime.now(UTC), unread)


_FRAMEWORKS_OWN: Final = (".env.local", ".env.development", ".env.production", ".env.development.local")


def _variables_in(path: Path) -> Mapping[str, str]:
    try:
        return variables_of(path)
    except ProblemError:  # nobody asked for it
        return {}


def answer(machine: Machine, reader: Reader) -> Answer:
    """Follow Remotion's order for one reader. Reads the files of the AWS tools, calls nothing."""
    seen = machine.seen_by(reader)
    places = _Places(machine, seen)
    own, chain = list(_own(machine, places)), list(_chain(machine, places))
    alone = INSIDE if seen.get(INSIDE) else SKIP if seen.get(SKIP) else ""
    usable = chain if alone else own or chain
    refused = None if alone or own else _check_fails(places)
    winner = usable[0] if usable and refused is None else None
    shadowed: list[Source] = []
    for source in (*own, *chain, *_default(machine, places)):
        if source.id in {"instance", *(s.id for s in shadowed)} or (winner and source.id == winner.id):
            continue
        shadowed.append(replace(source, why_not=_why_not(source, winner, alone)))
    return Answer(reader, winner, tuple(shadowed), tuple(_findings(machine, places, reader, winner, refused)))


def _why_not(source: Source, winner: Source | None, alone: str) -> str:
    if alone and source.id.startswith("remotion-"):
        return f"{alone} is set: the AWS SDK decides alone, and does not know this variable"
    if alone and source.kind in _NO_CREDENTIALS:
        return "it holds no credentials"
    if winner is None:
        return "Remotion stops before it looks there"
    return f"{winner.title} comes first"


# The files of the AWS tools


class _Places:
    """The profiles as the AWS SDK for JavaScript reads them, with the variables that one reader sees."""

    def __init__(self, machine: Machine, seen: Mapping[str, str]) -> None:
        self.seen = seen
        self.home, self.folder = machine.home, machine.env_file.parent
        named = seen.get("AWS_SHARED_CREDENTIALS_FILE") or ""
        self.credentials_path = self._expanded(named, "credentials")
        self.config_path = self._expanded(seen.get("AWS_CONFIG_FILE") or "", "config")
        credentials, config = text_or_nothing(self.credentials_path), text_or_nothing(self.config_path)
        # Remotion itself does not expand "~": it then finds no file
        self.has_default_text = "[default]" in ("" if named.startswith("~/") else credentials)
        self.credentials, self.config = _profiles(credentials, False), _profiles(config, True)
        self.sessions = _profiles(config, True, "sso-session ")
        self.profiles = {
            name: {**self.config.get(name, {}), **self.credentials.get(name, {})}
            for name in (*self.config, *self.credentials)
        }

    def _expanded(self, named: str, name: str) -> Path:
        if not named:
            return self.home / ".aws" / name
        return self.home / named[2:] if named.startswith("~/") else self.folder / named


def _profiles(text: str, is_config: bool, prefix: str = "profile ") -> dict[str, Section]:
    """Read an INI file as the SDK's `parseIni` does: in the config file profiles have a prefix, `default` needs none."""
    found: dict[str, Section] = {}
    section: Section | None = None
    nested = False
    for raw in re.split(r"\r?\n", text.removeprefix("\ufeff")):
        line = re.split(r"(?:^|\s)[;#]", raw, maxsplit=1)[0].strip()
        if line.startswith("[") and line.endswith("]"):
            name = _section_name(line[1:-1], is_config, prefix)
            section, nested = (None if name is None else found.setdefault(name, {})), False
        elif section is not None and line.find("=") > 0:
            key, _, value = (part.strip() for part in line.partition("="))
            if not value:
                nested = True  # settings of a service follow, indented
            elif not (nested and raw[:1].isspace()):
                nested = False
                section[key] = value
    return found


def _section_name(title: str, is_config: bool, prefix: str) -> str | None:
    if not is_config:
        return title
    if title.startswith(prefix):
        return title.removeprefix(prefix).strip().strip("\"'")
    return title if title == "default" and prefix == "profile " else None


# Remotion's own order


def _own(machine: Machine, places: _Places) -> Iterator[Source]:
    """Steps 2 to 5 of the order, in it: what Remotion hands to the SDK explicitly."""
    if places.seen.get(names.PROFILE):
        yield _profile_source(machine, places, "remotion-profile", names.PROFILE)
    yield from _keys_source(
        machine, places, "remotion-keys", names.ACCESS_KEY_ID, names.SECRET_ACCESS_KEY, names.SESSION_TOKEN
    )
    yield from _sdk_variables(machine, places)


def _sdk_variables(machine: Machine, places: _Places) -> Iterator[Source]:
    if places.seen.get("AWS_PROFILE"):
        yield _profile_source(machine, places, "aws-profile", "AWS_PROFILE")
    yield from _keys_source(
        machine, places, "aws-keys", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"
    )


def _chain(machine: Machine, places: _Places) -> Iterator[Source]:
    """The SDK's default chain, in its order: profile of AWS_PROFILE, else keys and [default]; token file, container, instance."""
    seen = places.seen
    found = [s for s in _sdk_variables(machine, places) if not seen.get("AWS_PROFILE") or s.id == "aws-profile"]
    found += [] if seen.get("AWS_PROFILE") else _default(machine, places)
    yield from (source for source in found if source.kind not in _NO_CREDENTIALS)
    if seen.get("AWS_WEB_IDENTITY_TOKEN_FILE") and seen.get("AWS_ROLE_ARN"):
        role, where = one_line(seen["AWS_ROLE_ARN"], 200), machine.origin("AWS_WEB_IDENTITY_TOKEN_FILE")
        yield Source("web-identity", f"AWS_WEB_IDENTITY_TOKEN_FILE in {where}", f"assumes {role}")
    if any(seen.get(f"AWS_CONTAINER_CREDENTIALS_{kind}_URI") for kind in ("RELATIVE", "FULL")):
        yield Source("container", "the role of this container", "temporary key")
    elif seen.get("AWS_EC2_METADATA_DISABLED") in (None, "", "false"):
        yield Source("instance", "the role of this instance, if it runs on EC2", "temporary key")


def _default(machine: Machine, places: _Places) -> Iterator[Source]:
    if places.profiles.get("default"):
        yield _described(machine, places, "default-profile", "default", "the profile [default]")


_NO_CREDENTIALS: Final = ("missing", "no credentials")


def _profile_source(machine: Machine, places: _Places, step: str, variable: str) -> Source:
    name = places.seen[variable]
    return _described(machine, places, step, name, f"{variable}={one_line(name, 60)} in {machine.origin(variable)}")


def _described(machine: Machine, places: _Places, step: str, name: str, title: str) -> Source:
    """Say what a profile is, in the order in which the SDK tries its kinds."""
    section, shown = places.profiles.get(name), one_line(name, 60)
    if section is None:
        there = [one_line(profile, 40) for profile in places.profiles]
        remedy = f"Profiles there are: {listing(there[:8])}." if there else "Make it: aws configure --profile " + shown
        detail = f"Neither {places.credentials_path} nor {places.config_path} has it. Remotion looks nowhere else then."
        missing = _fail("profile-missing", title, f"There is no AWS profile “{shown}”.", detail, remedy)
        return Source(step, title, "missing", name, findings=(missing,))
    if "role_arn" in section and ("source_profile" in section) != ("credential_source" in section):
        return Source(
            step, title, f"assumes {one_line(section['role_arn'], 200)}", name, findings=_base(places, title, section)
        )
    if section.get("aws_access_key_id") and section.get("aws_secret_access_key"):
        return _with_keys(machine, Source(step, title, "", name), section, "aws_session_token")
    if "web_identity_token_file" in section and "role_arn" in section:
        return Source(step, title, f"assumes {one_line(section['role_arn'], 200)}", name)
    if "credential_process" in section:
        return Source(step, title, "keys from a program (credential_process)", name)
    if any(key in section for key in ("sso_start_url", "sso_session", "sso_account_id")):
        return Source(
            step, title, "Identity Center", name, findings=tuple(_sign_in(machine, places, title, name, section))
        )
    if "login_session" in section:
        return Source(step, title, "sign-in through the console (aws login)", name)
    empty = _fail(
        "profile-empty",
        title,
        f"The AWS profile “{shown}” holds no credentials.",
        "It has neither a whole key nor a role, an Identity Center sign-in or a program.",
        f"Fill it: aws configure --profile {shown}",
    )
    return Source(step, title, "no credentials", name, findings=(empty,))


def _base(places: _Places, title: str, section: Section) -> tuple[Finding, ...]:
    base = section.get("source_profile", "")
    if not base or base in places.profiles:
        return ()
    shown = one_line(base, 60)
    return (
        _fail(
            "profile-missing",
            title,
            f"The profile takes its credentials from “{shown}”, which does not exist.",
            "source_profile names it.",
            f"Make it: aws configure --profile {shown}",
        ),
    )


def _sign_in(machine: Machine, places: _Places, title: str, name: str, section: Section) -> Iterator[Finding]:
    """Look whether the Identity Center token is there and lives. Source: AWS SDK, `getSSOTokenFilepath`."""
    session = section.get("sso_session", "")
    shown = one_line(name, 60)
    if session and session not in places.sessions:
        text = f"The profile names the sso-session “{one_line(session, 60)}”, which is not in {places.config_path}."
        yield _fail("sso-session-missing", title, text, "", f"Set it up anew: aws configure sso --profile {shown}")
        return
    cached = session or section.get("sso_start_url", "")
    digest = hashlib.sha1(cached.encode(), usedforsecurity=False).hexdigest()
    try:
        token = json.loads(text_or_nothing(machine.home / ".aws" / "sso" / "cache" / f"{digest}.json") or "{}")
    except (ValueError, RecursionError):
        token = {}
    token = token if isinstance(token, dict) else {}
    ends = _moment(str(token.get("expiresAt") or ""))
    renewable = (
        _moment(str(token.get("registrationExpiresAt") or "")) if session and token.get("refreshToken") else None
    )
    if (ends and ends > machine.now) or (renewable and renewable > machine.now):
        return
    what = "has expired" if token else "has not been made on this computer"
    yield _fail(
        "sso-sign-in",
        title,
        f"The Identity Center sign-in of the profile “{shown}” {what}.",
        "",
        f"Sign in: aws sso login --profile {shown}",
    )


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text.removesuffix("UTC").strip())
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _keys_source(machine: Machine, places: _Places, step: str, key: str, secret: str, token: str) -> Iterator[Source]:
    seen = places.seen
    if not seen.get(key) or not seen.get(secret):
        return
    where = machine.origin(key)
    if machine.origin(secret) != where:
        where = f"{where} ({secret}: {machine.origin(secret)})"
    section = {"aws_access_key_id": seen[key], "aws_secret_access_key": seen[secret]}
    if seen.get(token):
        section["aws_session_token"] = seen[token]
    if step == "aws-keys" and seen.get("AWS_CREDENTIAL_EXPIRATION"):
        section["aws_expiration"] = seen["AWS_CREDENTIAL_EXPIRATION"]
    yield _with_keys(machine, Source(step, f"{key} in {where}"), section, token)


def _with_keys(machine: Machine, source: Source, section: Section, token: str) -> Source:
    """Complete a source with its key and what is wrong with it."""
    from wizard.account.connect import Keys

    key, secret, session = (
        section.get(name, "") for name in ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
    )
    kind = "temporary key" if key.startswith("ASIA") or session else "long-term key"
    findings = list(_key_findings(source.title, key, secret, session, token))
    expiry = section.get("aws_expiration") or section.get("x_security_token_expires") or section.get("expiration") or ""
    ends = _moment(expiry)
    if ends and ends <= machine.now:
        findings.append(
            _fail(
                "expired",
                source.title,
                "These temporary credentials have expired.",
                f"They were valid until {one_line(expiry, 40)}.",
                "Get new ones, or use a long-term key of remotion-user.",
            )
        )
    keys = Keys(key, Secret(secret), Secret(session) if session else None)
    return replace(source, kind=kind, access_key_id=key, keys=keys, findings=tuple(findings))


def _key_findings(title: str, key: str, secret: str, session: str, token: str) -> Iterator[Finding]:
    if key.startswith("ASIA") and not session:
        yield _fail(
            "temporary-without-token",
            title,
            "This is a temporary key without its session token.",
            "A key id that begins with ASIA is only valid together with its token. AWS will say that the security token is "
            "invalid.",
            f"Set {token} as well, or use a long-term key of {names.USER}.",
        )
    if key.startswith("AKIA") and session:
        yield _fail(
            "token-beside-long-term",
            title,
            "A session token stands beside a long-term key.",
            "A key id that begins with AKIA has no token; AWS refuses the two together.",
            f"Take {token} away. It is left over from temporary credentials.",
        )
    if not re.fullmatch(r"(AKIA|ASIA)[A-Z0-9]{12,124}", key, re.ASCII):
        yield Finding(
            "credentials.key-id-form",
            title,
            Status.WARN,
            "The key id does not look like one of AWS.",
            "AWS's begin with AKIA or ASIA and hold capital letters and digits only.",
            "credentials",
            "Compare it with the list in the IAM console.",
        )
    yield from _secret_findings(title, secret)


def _secret_findings(title: str, secret: str) -> Iterator[Finding]:
    """Say what was lost or added on the way, without showing any of it."""
    told, reason = f"The secret has {len(secret)} characters; AWS's have {_SECRET_LENGTH}.", ""
    if re.search(r"%2[BbFf]", secret):
        reason = "It holds %2B or %2F: + and / were encoded for an address."
    elif secret[:1] in "'\"`" or secret[-1:] in "'\"`":
        reason = "It holds quotation marks that belong to the file, not to the secret."
    elif re.search(r"\s", secret):
        reason = "It holds white space; a + may have become a blank."
    elif len(secret) < _SECRET_LENGTH:
        reason = "It was cut, or a + or / was lost in quoting."
    elif len(secret) > _SECRET_LENGTH:
        reason = "Something was added: a comment, a second value."
    elif not re.fullmatch(r"[A-Za-z0-9+/]+", secret):
        told, reason = (
            "The secret holds characters that AWS's secrets do not have.",
            "Something was changed on the way.",
        )
    if reason:
        remedy = (
            "Copy the secret again, in single quotes. If nobody has it any more, make a new key: remotion-lambda-wizard"
        )
        yield _fail("secret-damaged", title, told, reason, remedy)


def _fail(name: str, subject: str, title: str, detail: str, remedy: str) -> Finding:
    return Finding(f"credentials.{name}", subject, Status.FAIL, title, detail, "credentials", remedy)


def _warn(name: str, subject: str, title: str, detail: str, remedy: str) -> Finding:
    return Finding(f"credentials.{name}", subject, Status.WARN, title, detail, "credentials", remedy)


# About the whole

_KEY_VARIABLES: Final = f"{names.ACCESS_KEY_ID} and {names.SECRET_ACCESS_KEY}"


def _check_fails(places: _Places) -> Finding | None:
    """What `checkCredentials` refuses: neither a key nor the text [default] in the credentials file."""
    seen = places.seen
    if places.has_default_text:
        return None
    for one, other in (("AWS_ACCESS_KEY_ID", names.ACCESS_KEY_ID), ("AWS_SECRET_ACCESS_KEY", names.SECRET_ACCESS_KEY)):
        if not seen.get(one) and not seen.get(other):
            said = f"Remotion says: “… have not set the environment variable {one} or {other}”."
            detail = (
                f"{said} It found no profile variable, no whole key and no text [default] in {places.credentials_path}."
            )
            remedy = (
                f"Set {names.ACCESS_KEY_ID} and {names.SECRET_ACCESS_KEY}: remotion-lambda-wizard makes and writes them. "
                f"To let the AWS SDK find credentials by itself: {SKIP}=1"
            )
            return _fail("none", "credentials", "Remotion finds no credentials and stops.", detail, remedy)
    return None


def _findings(
    machine: Machine, places: _Places, reader: Reader, winner: Source | None, refused: Finding | None
) -> Iterator[Finding]:
    if refused is not None:
        yield refused
    elif winner is None:
        detail = "Nothing that the AWS SDK looks at holds credentials."
        yield _fail("none", "credentials", "There are no credentials.", detail, "Make some: remotion-lambda-wizard")
    yield from _halves(places)
    yield from _default_findings(places, winner)
    if reader == "cli":
        yield from _overridden(machine)
        if machine.unread:
            yield _warn(
                "other-env-file",
                machine.unread[0],
                f"{listing(machine.unread)} {'holds' if len(machine.unread) == 1 else 'hold'} credentials that Remotion's CLI "
                "does not read.",
                "It loads .env of the folder it is started in, and no other file.",
                "Put them into .env. --env-file is no help: it is for what the video's own code reads.",
            )
    elif set(machine.dotenv) & {name for pair in _PAIRS for name in pair} | (
        set(machine.dotenv) & {names.PROFILE, "AWS_PROFILE"}
    ):
        yield _warn(
            "env-file-not-read",
            machine.env_file.name,
            f"Node APIs do not read {machine.env_file.name}.",
            "Only Remotion's CLI loads it, from the folder it is started in. Next.js and some hosts load it themselves.",
            "In your own program: import 'dotenv/config'   or set the variables where it runs.",
        )


_PAIRS: Final = (
    (names.ACCESS_KEY_ID, names.SECRET_ACCESS_KEY),
    ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
)


def _halves(places: _Places) -> Iterator[Finding]:
    for pair in _PAIRS:
        there = [name for name in pair if places.seen.get(name)]
        if len(there) == 1:
            other = next(name for name in pair if name != there[0])
            yield _warn(
                "half-a-key",
                there[0],
                f"{there[0]} is set, and {other} is not: Remotion passes over both.",
                "A key id and a secret of different names are not put together either.",
                f"Set {other}, or take {there[0]} away.",
            )


def _default_findings(places: _Places, winner: Source | None) -> Iterator[Finding]:
    if places.has_default_text and winner is not None and winner.id == "default-profile":
        alone = bool(places.seen.get(SKIP) or places.seen.get(INSIDE))
        variables = "AWS_PROFILE, or the AWS_ variables of a key" if alone else f"{_KEY_VARIABLES}, or {names.PROFILE}"
        leave = f"take {SKIP} away, or " if places.seen.get(SKIP) else ""
        yield _warn(
            "default-section",
            str(places.credentials_path),
            "The profile [default] is used because nothing else was set that the AWS SDK looks at."
            if alone
            else "The profile [default] is used because nothing else was set.",
            "It is easily somebody else's: Remotion takes it without a word when the variables are not loaded.",
            f"If you did not mean it: {leave}set {variables}.",
        )
    if "default" in places.config and not places.has_default_text:
        yield _warn(
            "default-only-in-config",
            str(places.config_path),
            "[default] is in the config file, and not in the credentials file: Remotion's check does not see it.",
            "Remotion looks for the text [default] in the credentials file only.",
            f"Name it: {names.PROFILE}=default   or set {SKIP}=1",
        )
    if places.has_default_text and not places.profiles.get("default"):
        yield _warn(
            "default-is-empty",
            str(places.credentials_path),
            "The text [default] is in the credentials file, but no such profile: Remotion's check passes for nothing.",
            "A comment or an empty section is enough for it; the AWS SDK then looks elsewhere, or finds nothing.",
            "Fill the section or take it out.",
        )
    if winner is not None and winner.id == "instance":
        yield _warn(
            "only-instance",
            "credentials",
            "Nothing is set here: the AWS SDK will ask for the role of an EC2 instance.",
            "Elsewhere it ends with “Could not load credentials from any providers”.",
            f"Set {names.ACCESS_KEY_ID} and {names.SECRET_ACCESS_KEY}, unless this is an instance with a role.",
        )


def _overridden(machine: Machine) -> Iterator[Finding]:
    """Variables of .env that dotenv does not set, because they are set already."""
    for name, value in machine.dotenv.items():
        given = machine.environment.get(name)
        if given is None or given == value or not name.startswith(("AWS_", "REMOTION_")):
            continue
        if given:
            title = f"{name} of {machine.env_file.name} is not used: the environment has another value."
            detail = "dotenv overrides nothing that is set."
        else:
            title = f"{name} of {machine.env_file.name} is not used: in the environment it is set, and empty."
            detail = "dotenv overrides nothing that is set, and Remotion takes an empty variable for none."
        yield _warn("overridden", name, title, detail, f"unset {name}")


# Asking AWS


@dataclass(frozen=True)
class _Told:
    """What AWS said about one set of credentials."""

    account: str = ""
    arn: str = ""
    problem: Problem | None = None
    reached: bool = True


def with_accounts(
    answers: Sequence[Answer], connect: Callable[[Source], Aws | None], account: str = ""
) -> tuple[tuple[Answer, ...], bool]:
    """Ask AWS whose credentials these are, each once. AWS operation: sts:GetCallerIdentity, one attempt.

    `connect` makes a connection with exactly a source's credentials, None where that can't be done from here. `account` is
    the wizard's own, "" if unknown. Returns the completed answers, and whether AWS was in reach.
    """
    told: dict[str, _Told] = {}
    for one in answers:
        for source in (*([one.winner] if one.winner else []), *one.shadowed):
            if _mark(source) not in told:
                told[_mark(source)] = _ask(source, connect)
    done = tuple(_completed(one, told, account) for one in answers)
    return done, all(said.reached for said in told.values())


def _mark(source: Source) -> str:
    return f"{source.access_key_id} {source.profile}" if source.keys or source.profile else source.id


def _ask(source: Source, connect: Callable[[Source], Aws | None]) -> _Told:
    from botocore.exceptions import ConnectionError as Unreachable
    from botocore.exceptions import HTTPClientError

    try:
        aws = connect(source)
        if aws is None:
            return _Told()
        caller = aws.client("sts", attempts=1).get_caller_identity()
    except ProblemError as error:
        return _Told(problem=error.problem)
    except Exception as error:
        problem = problem_of(error, "asking AWS whose credentials these are", source.profile).problem
        return _Told(problem=problem, reached=not isinstance(error, (Unreachable, HTTPClientError)))
    return _Told(str(caller["Account"]), str(caller["Arn"]))


def _completed(one: Answer, told: Mapping[str, _Told], account: str) -> Answer:
    winner = one.winner and _with_told(one.winner, told[_mark(one.winner)], Status.FAIL)
    shadowed = tuple(_with_told(source, told[_mark(source)], Status.WARN) for source in one.shadowed)
    more = []
    if winner and winner.account:
        others = {source.account: source.title for source in shadowed if source.account not in ("", winner.account)}
        if account and account != winner.account:
            others[account] = "the wizard's own identity"
        more = [
            _warn(
                "other-account",
                winner.title,
                f"Remotion works in account {winner.account}; {title} is of account {number}.",
                "Functions, buckets and policies of one account are not seen from the other.",
                "Make sure that it is the account you mean. What comes first can be unset.",
            )
            for number, title in others.items()
        ]
    return replace(one, winner=winner, shadowed=shadowed, findings=(*one.findings, *more))


def _with_told(source: Source, said: _Told, status: Status) -> Source:
    problem = said.problem
    if problem is None:
        return replace(source, account=said.account, arn=said.arn)
    status = status if said.reached else Status.UNKNOWN
    finding = Finding(
        "credentials.refused" if said.reached else "credentials.not-asked",
        source.title,
        status,
        problem.title,
        problem.detail,
        "credentials",
        problem.remedy,
    )
    return replace(source, findings=(*source.findings, finding))


def connection(source: Source, region: str, endpoint_url: str, base: Aws | None = None) -> Aws | None:
    """Make a connection with exactly a source's credentials; None where they can't be had from here.

    `base` is the sandbox, to which only keys can be taken. Raises ProblemError.
    """
    from wizard.account.connect import Aws, Target

    if base is not None:
        return base.with_keys(source.keys) if source.keys else None
    if source.keys:
        return Aws(Target(region=region, endpoint_url=endpoint_url, keys=source.keys, prepare=_without_profile))
    return Aws(Target(source.profile, region, endpoint_url)) if source.profile else None


def _without_profile(core: Any) -> None:
    """Keep the profile of AWS_PROFILE out: it may not exist, and these keys need none."""
    core.session_var_map["profile"] = (None, None, None, None)


# For people


def to_json(machine: Machine, answers: Sequence[Answer]) -> dict[str, Any]:
    """Return the answers as one JSON object. The first one decides `ok`."""
    return {
        "ok": answers[0].ok,
        "folder": str(machine.env_file.parent),
        "env_file": {"path": str(machine.env_file), "exists": machine.env_file.is_file()},
        "answers": {one.reader: one.to_json() for one in answers},
    }


def exit_code(answers: Sequence[Answer], reached: bool = True) -> ExitCode:
    """Return 0 if Remotion's CLI gets credentials that nothing speaks against, 1 if not, 3 if AWS was out of reach."""
    if not answers[0].ok:
        return ExitCode.DOES_NOT_HOLD
    return ExitCode.OK if reached else ExitCode.NO_ACCESS


def as_lines(machine: Machine, answers: Sequence[Answer], asked: bool) -> list[str]:
    """Return the answers as plain lines."""
    there = "is there" if machine.env_file.is_file() else "is not there"
    lines = [f"In {machine.env_file.parent}   (.env {there})"]
    same = len(answers) > 1 and _sense(answers[0]) == _sense(answers[1])
    for one in answers[:1] if same else answers:
        lines += [
            "",
            "Remotion's CLI and Node APIs:" if same else f"{READERS[one.reader]}:",
            *_answer_lines(one, asked),
        ]
    if same and (more := [f for f in answers[1].findings if f not in answers[0].findings]):
        lines += ["", f"{READERS['node']}:", *(line for finding in more for line in _finding_lines(finding))]
    return [plain(line) for line in lines]


def _sense(one: Answer) -> tuple[str, ...]:
    sources = (*([one.winner] if one.winner else []), *one.shadowed)
    return ("" if one.winner is None else "winner", *(f"{s.id} {s.title} {s.access_key_id}" for s in sources))


def _answer_lines(one: Answer, asked: bool) -> Iterator[str]:
    if one.winner is None:
        yield f" {SYMBOLS[Status.FAIL]} no credentials are used"
    else:
        mark = SYMBOLS[Status.PASS if one.winner.ok else Status.FAIL]
        yield f" {mark} uses {one.winner.title}{_details(one.winner)}"
        if one.winner.account:
            yield f"     account {one.winner.account}, {one.winner.arn}"
        elif not asked and one.winner.kind not in _NO_CREDENTIALS:
            yield "     whose it is: add --ask-aws"
        yield from (line for finding in one.winner.findings for line in _finding_lines(finding))
    for source in one.shadowed:
        account = f", account {source.account}" if source.account else ""
        yield f"   not used: {source.title}{_details(source)}{account}: {source.why_not}"
        yield from (f"  {line}" for finding in source.findings for line in _finding_lines(finding))
    yield from (line for finding in one.findings for line in _finding_lines(finding))


def _details(source: Source) -> str:
    told = [text for text in (source.kind, source.key) if text]
    return f" ({' '.join(told)})" if told else ""


def _finding_lines(finding: Finding) -> Iterator[str]:
    yield f" {SYMBOLS[finding.status]} {finding.title}"
    if finding.detail:
        yield f"     why: {finding.detail}"
    if finding.remedy:
        yield f"     next: {finding.remedy}"
