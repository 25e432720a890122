"""The connection to AWS: one session, its clients with time-outs, and who is calling.

Real mode talks only to AWS's own hosts; any other endpoint must be asked for. Nothing here knows what answers at an endpoint.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from wizard.account.errors import problem_of, settings_problem
from wizard.account.snapshot import Identity
from wizard.problem import ExitCode, Problem, ProblemError, UsageProblem
from wizard.remotion.regions import IAM_REGION, is_region_name, partition_of
from wizard.secret import Secret
from wizard.text import has_control, one_line, quoted

if TYPE_CHECKING:
    import botocore.session

_AWS_HOSTS: Final = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws", ".api.amazonwebservices.com.cn")
DEFAULT_REGION: Final = "us-east-1"

# What a sandbox run does not take from the machine: profiles and files of the AWS tools, endpoints of the environment.
_NOT_FROM_HERE: Final = (None, None, os.devnull, None)
_SEALED: Final[Any] = {
    "profile": (None, None, None, None),
    "config_file": _NOT_FROM_HERE,
    "credentials_file": _NOT_FROM_HERE,
}
_SEALED_CLIENT: Final = {
    "ignore_configured_endpoint_urls": True,
    "use_fips_endpoint": False,
    "use_dualstack_endpoint": False,
    "defaults_mode": "legacy",
}


@dataclass(frozen=True)
class Keys:
    """Explicit credentials, in place of a profile."""

    access_key_id: str
    secret_access_key: Secret
    session_token: Secret | None = None


@dataclass(frozen=True)
class Target:
    """Where calls go and with which credentials.

    `prepare` is called with the botocore session before any client is made; it may put another transport under it.
    `settle_seconds` is how old a new role must be before Lambda is trusted to know it (0 where nothing is replicated).
    """

    profile: str = ""
    region: str = ""
    endpoint_url: str = ""
    keys: Keys | None = None
    prepare: Callable[[Any], None] | None = field(default=None, compare=False)
    sandbox: bool = False
    scenario: str = ""  # of the sandbox
    source: str = ""
    settles_after: float = 0.0  # seconds; of an account that is emulated and yet replicates

    @property
    def settle_seconds(self) -> float:
        host = urlsplit(self.endpoint_url).hostname or ""
        emulated = self.sandbox or host in {"localhost", "::1"} or host.startswith("127.")
        return self.settles_after if emulated else 10.0


@cache
def _loader(data_path: str | None) -> Any:
    """What reads botocore's descriptions of AWS's services: slow, and the same for every session."""
    from botocore.loaders import create_loader

    return create_loader(data_path)


class Aws:
    """Clients for one set of credentials. Thread-safe."""

    def __init__(self, target: Target, core: botocore.session.Session | None = None) -> None:
        """Make the session, or take one that is there: `core`, for a target with keys."""
        from botocore.exceptions import BotoCoreError

        self.target = target
        self._lock = threading.RLock()
        self._clients: dict[tuple[str, str, int], Any] = {}
        self.core: botocore.session.Session
        check_endpoint(target.endpoint_url)
        try:
            self.core = core or self._session()
            self.region = target.region or self.core.get_config_variable("region") or DEFAULT_REGION
        except BotoCoreError as error:
            raise problem_of(error, "opening the AWS profile", target.profile) from error
        _require_region(self.region, target.profile)
        self.partition = partition_of(self.region)

    def _session(self) -> botocore.session.Session:
        import botocore.session

        core = botocore.session.Session(_SEALED if self.target.sandbox else None, profile=self.target.profile or None)
        if self.target.prepare:
            self.target.prepare(core)
        core.register_component("data_loader", _loader(core.get_config_variable("data_path")))
        return core

    def client(self, service: str, region: str = "", attempts: int = 5) -> Any:
        """Return a client. Reads are tried up to 5 times; pass attempts=1 for a write that must not be repeated.

        Raises UsageProblem if the client would talk to a host that is not AWS's and was not asked for.
        """
        from botocore.config import Config

        place = region or (IAM_REGION[self.partition] if service == "iam" else self.region)
        with self._lock:
            key = (service, place, attempts)
            if key not in self._clients:
                retries: Any = {"mode": "standard", "total_max_attempts": attempts}
                sealed: Any = _SEALED_CLIENT if self.target.sandbox else {}
                config = Config(
                    connect_timeout=5,
                    read_timeout=15,
                    max_pool_connections=16,
                    retries=retries,
                    user_agent_extra="remotion-lambda-wizard",
                    **sealed,
                )
                try:
                    made: Any = self.core.create_client(
                        service,
                        region_name=place,
                        endpoint_url=self.target.endpoint_url or None,
                        config=config,
                        **self._given_keys(),
                    )
                except Exception as error:  # it may start a program of the person's, which can fail in any way
                    raise settings_problem(error, self.target.profile) from error
                self._refuse_stray_endpoint(str(made.meta.endpoint_url))
                self._clients[key] = made
            return self._clients[key]

    def _given_keys(self) -> dict[str, Any]:
        """The keys that were given, as botocore takes them; nothing where it looks for credentials itself."""
        keys = self.target.keys
        if keys is None:
            return {}
        return {
            "aws_access_key_id": keys.access_key_id,
            "aws_secret_access_key": keys.secret_access_key.reveal(),
            "aws_session_token": keys.session_token.reveal() if keys.session_token else None,
        }

    def _refuse_stray_endpoint(self, url: str) -> None:
        host = urlsplit(url).hostname or ""
        if self.target.endpoint_url or host.endswith(_AWS_HOSTS):
            return
        raise UsageProblem(
            f"Something sends AWS calls to {one_line(host, 80)}, which is not AWS.",
            "AWS_ENDPOINT_URL (or a setting endpoint_url in ~/.aws/config) names this host.",
            f"Unset it, or say that you want it: --endpoint-url {one_line(url, 120)}",
        )

    def with_keys(self, keys: Keys) -> Aws:
        """Return a connection to the same place with other credentials, such as the keys that were handed over."""
        target = replace(self.target, region=self.region, keys=keys, source="")
        return Aws(target, self.core)

    def identify(self) -> Identity:
        """Ask AWS who this is. AWS operations: sts:GetCallerIdentity, iam:ListAccountAliases (may be denied).

        Raises ProblemError with exit code 3 when the credentials do not work or AWS is out of reach.
        """
        sts = self.client("sts")
        self._load_credentials()
        try:
            guess, alias = self.partition, _Meanwhile(self._alias)
            caller = sts.get_caller_identity()
        except Exception as error:
            found = problem_of(error, "asking AWS who is calling (sts:GetCallerIdentity)", self.target.profile)
            raise ProblemError(found.problem, ExitCode.NO_ACCESS) from error
        arn = str(caller["Arn"])
        self.partition = arn.split(":")[1]
        return Identity(
            account=str(caller["Account"]),
            arn=arn,
            partition=self.partition,
            region=self.region,
            source=self.target.source or self._source(),
            profile=self.target.profile,
            alias=alias.result() if guess == self.partition else self._alias(),
            endpoint=self.target.endpoint_url,
            sandbox=self.target.sandbox,
            scenario=self.target.scenario,
        )

    def _load_credentials(self) -> None:
        """Load the credentials once, before two calls want them: it may ask for an MFA code. Raises ProblemError."""
        from botocore.exceptions import NoCredentialsError

        if self.target.keys:
            return
        try:
            found = self.core.get_credentials()
            if found is None:
                raise NoCredentialsError
            frozen = found.get_frozen_credentials()
        except Exception as error:  # a program, a file and AWS itself may have failed
            raise settings_problem(error, self.target.profile) from error
        for what, value in (("access key id", frozen.access_key), ("secret access key", frozen.secret_key)):
            if not isinstance(value, str) or not re.fullmatch(r"[\x21-\x7e]{1,256}", value):
                name = f"profile {self.target.profile}" if self.target.profile else "the default credentials"
                raise ProblemError(
                    Problem(
                        f"The {what} of {name} is not one.",
                        "It is empty, too long, or holds characters that none has, such as a space.",
                        "Store it again: aws configure"
                        + f" --profile {self.target.profile}" * bool(self.target.profile),
                    ),
                    ExitCode.NO_ACCESS,
                )

    def _alias(self) -> str:
        try:
            aliases = self.client("iam").list_account_aliases()["AccountAliases"]
        except Exception:  # an alias is a nicety: without it the number is shown
            return ""
        return str(aliases[0]) if aliases else ""

    def _source(self) -> str:
        if self.target.profile:
            return f"profile {self.target.profile}"
        if self.target.keys:
            return "an access key that was given"
        try:
            method = str(getattr(self.core.get_credentials(), "method", "") or "")
        except Exception:  # only for display
            method = ""
        words = {
            "env": "environment variables",
            "shared-credentials-file": f"profile {os.environ.get('AWS_PROFILE', 'default')}",
            "config-file": f"profile {os.environ.get('AWS_PROFILE', 'default')}",
            "sso": "Identity Center",
            "iam-role": "the role of this EC2 instance",
            "container-role": "the role of this container",
            "assume-role": "an assumed role",
            "custom-process": "credential_process",
        }
        return words.get(method, method or "default credentials")


class _Meanwhile:
    """Something that is asked in a thread of its own, which nobody waits for unless the answer is wanted."""

    def __init__(self, ask: Callable[[], str]) -> None:
        self._answer = ""
        self._thread = threading.Thread(target=self._run, args=(ask,), name="wizard-meanwhile", daemon=True)
        self._thread.start()

    def _run(self, ask: Callable[[], str]) -> None:
        self._answer = ask()

    def result(self) -> str:
        """Wait for the answer."""
        self._thread.join()
        return self._answer


def _require_region(region: str, profile: str) -> None:
    if is_region_name(region):
        return
    name = f"profile {profile}" if profile else "the default profile"
    raise ProblemError(
        Problem(
            f"{quoted(region, 40)} is not an AWS region. Allowed: a name such as us-east-1.",
            f"It is the region of {name} in ~/.aws/config, or of AWS_DEFAULT_REGION.",
            "Correct it there, or name a region: --region us-east-1",
        ),
        ExitCode.NO_ACCESS,
    )


def check_endpoint(url: str) -> None:
    """Raise UsageProblem if this is not the address of an endpoint; "" is none."""
    if not url:
        return
    try:
        parts = urlsplit(url)
        fine = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port is None or parts.port > 0)
        fine = fine and "@" not in parts.netloc  # a password: the endpoint is shown on every screen
        fine = fine and not has_control(url) and " " not in url  # urlsplit drops line breaks, botocore does not
    except ValueError:
        fine = False
    if not fine:
        raise UsageProblem(
            f"--endpoint-url: {quoted(url.rpartition('@')[2], 80)} is not an address. "
            "Allowed: http://host:port or https://host, without a password."
        )


def refuse_partition_mismatch(identity: Identity, regions: tuple[str, ...]) -> None:
    """Raise UsageProblem if a region belongs to another partition than the identity."""
    wrong = [r for r in regions if partition_of(r) != identity.partition]
    if wrong:
        raise UsageProblem(
            f"remotion.regions: {', '.join(wrong)} is not in the partition of your AWS identity ({identity.partition}).",
            f"{identity.arn} can't do anything there.",
            "Choose regions of this partition, or another identity.",
        )


def not_connected() -> ProblemError:
    """The error for asking something of AWS before the identity is known."""
    return ProblemError(Problem("No AWS identity has been chosen yet.", "", "Choose one first."), ExitCode.NO_ACCESS)
