"""Access keys and sessions whose secrets are derived, never stored; and STS calls that name the caller as AWS does.

Rests on GetCallerIdentity, GetSessionToken, GetFederationToken, GetAccessKeyInfo (STS), CreateAccessKey and
GetAccessKeyLastUsed (IAM). A state file that holds no secret can be kept, copied and shown in a bug report.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.iam.models import AccessKey, AccessKeyLastUsed, IAMBackend, User, get_account_id_from, iam_backends
from moto.iam.responses import IamResponse
from moto.iam.utils import generate_access_key_id_from_account_id
from moto.sts.models import AssumedRole, STSBackend, sts_backends
from moto.sts.responses import TokenResponse
from moto.utilities.utils import PARTITION_NAMES

from wizard.sandbox.calls.seams import CallError, QueryError, put, take

if TYPE_CHECKING:
    from collections.abc import Callable

_TOKEN_PREFIX = "IQoJb3JpZ2luX2Vj"  # noqa: S105 (what AWS's session tokens of today begin with)
_TOKEN_BLOCKS = 8

# GetAccessKeyLastUsed names a service by its namespace, moto by its package.
_SERVICE_NAMESPACE = {"awslambda": "lambda", "service-quotas": "servicequotas", "s3control": "s3"}


@dataclass(frozen=True)
class Credential:
    """Whom an access key id belongs to, and what a request signed with it must match.

    `session_token` is "" for a long-term key. `expires` is None for a long-term key.
    """

    access_key_id: str
    secret: str
    session_token: str
    arn: str
    user_id: str
    account_id: str
    partition: str
    active: bool
    expires: datetime | None = None

    @property
    def expired(self) -> bool:
        return self.expires is not None and self.expires <= utcnow()


def derive_secret(seed: str, access_key_id: str) -> str:
    """The secret access key of `access_key_id`: 40 characters of base64, by HMAC-SHA256."""
    return base64.b64encode(_digest(seed, f"secret:{access_key_id}")).decode("ascii")[:40]


def derive_session_token(seed: str, access_key_id: str) -> str:
    """The session token that belongs to a temporary `access_key_id`."""
    blocks = b"".join(_digest(seed, f"token:{number}:{access_key_id}") for number in range(_TOKEN_BLOCKS))
    return _TOKEN_PREFIX + base64.b64encode(blocks).decode("ascii")


def seed_of(account_id: str, partition: str = "aws") -> str:
    """The text from which the account's secrets are derived; made up when it is first needed."""
    backend = iam_backends[account_id][partition]
    seed: str | None = getattr(backend, "sandbox_seed", None)
    if seed is None:
        seed = secrets.token_hex(16)
        set_seed(account_id, seed, partition)
    return seed


def set_seed(account_id: str, seed: str, partition: str = "aws") -> None:
    """Fix the seed, so that the same access key ids have the same secrets again."""
    vars(iam_backends[account_id][partition])["sandbox_seed"] = seed


def resolve(access_key_id: str) -> Credential | None:
    """The credential behind an access key id, be it a user's or root's key or a session; None where there is none."""
    account_id = get_account_id_from(access_key_id)
    for partition in PARTITION_NAMES:
        key = iam_backends[account_id][partition].access_keys.get(access_key_id)
        if key is not None:
            return _credential(key, iam_backends[account_id][partition])
    return None


def active_keys(account_id: str, user: str) -> list[tuple[str, str]]:
    """The ids and secrets of a user's active access keys, the newest first."""
    found = [
        key
        for partition in PARTITION_NAMES
        for key in iam_backends[account_id][partition].access_keys.values()
        if key.user_name == user and key.status == "Active"
    ]
    newest_first = sorted(found, key=lambda key: key.create_date, reverse=True)
    return [(key.access_key_id, key.secret_access_key) for key in newest_first]


def pass_time(account_id: str, days: int) -> None:
    """Let every access key become older by some days, and its last use lie further back."""
    passed = timedelta(days=days)
    for partition in PARTITION_NAMES:
        for key in iam_backends[account_id][partition].access_keys.values():
            key.create_date -= passed
            if (used := key.last_used) is not None:
                key.last_used = AccessKeyLastUsed(used.timestamp - passed, used.service, used.region)


def create_root_access_key(account_id: str, partition: str = "aws") -> AccessKey:
    """An access key of the account's root user: AWS advises against it, and people have them."""
    backend = iam_backends[account_id][partition]
    key = AccessKey(user_name=None, prefix="AKIA", account_id=account_id)  # type: ignore[abstract]
    _place(key, backend)
    vars(key)["sandbox_root"] = True
    backend.access_keys[key.access_key_id] = key
    return key


def install() -> None:
    """Have moto derive secrets, and answer GetCallerIdentity with what the key really is."""
    _install_derived_secrets()
    _install_caller()
    _install_sessions()


def _digest(seed: str, text: str) -> bytes:
    return hmac.new(seed.encode(), text.encode(), hashlib.sha256).digest()


def _key_seed(key: AccessKey) -> str:
    return seed_of(vars(key)["sandbox_account"], vars(key).get("sandbox_partition", "aws"))


def _place(key: AccessKey, backend: IAMBackend) -> None:
    """Note whose key it is, and see that its id is new: moto's random source may have been seeded."""
    vars(key)["sandbox_partition"] = backend.partition
    while key.access_key_id in backend.access_keys:
        key.access_key_id = generate_access_key_id_from_account_id(
            backend.account_id, prefix=key.access_key_id[:4], total_length=20
        )


def _derived(derive: Callable[[Any], str]) -> property:
    """A property in place of an attribute that moto assigns: the assignment is dropped."""
    return property(derive, lambda _self, _value: None)


def _install_derived_secrets() -> None:
    init = take(AccessKey, "__init__", "user_name", "prefix", "account_id", "status")
    create = take(User, "create_access_key", "prefix", "status")
    take(IAMBackend, "create_temp_access_key")
    take(AssumedRole, "__init__", "account_id", "region_name", "access_key")

    def make(self: AccessKey, user_name: str | None, prefix: str, account_id: str, status: str = "Active") -> None:
        vars(self)["sandbox_account"] = account_id
        init(self, user_name, prefix, account_id, status)

    def create_access_key(self: User, prefix: str, status: str = "Active") -> AccessKey:
        key: AccessKey = create(self, prefix, status)
        _place(key, iam_backends[self.account_id][self.arn.split(":")[1]])
        return key

    def create_temp_access_key(self: IAMBackend) -> AccessKey:
        key = AccessKey(user_name=None, prefix="ASIA", account_id=self.account_id)  # type: ignore[abstract]
        _place(key, self)
        self.access_keys[key.access_key_id] = key
        return key

    put(AccessKey, "__init__", make)
    put(User, "create_access_key", create_access_key)
    put(IAMBackend, "create_temp_access_key", create_temp_access_key)
    put(AccessKey, "secret_access_key", _derived(lambda key: derive_secret(_key_seed(key), key.access_key_id)))
    put(AssumedRole, "secret_access_key", _derived(lambda role: role.access_key.secret_access_key))
    put(
        AssumedRole,
        "session_token",
        _derived(lambda role: derive_session_token(_key_seed(role.access_key), role.access_key_id)),
    )


def _credential(key: AccessKey, backend: IAMBackend) -> Credential | None:
    """What `key` stands for; None where its user or role session is gone."""
    account, partition, marks = backend.account_id, backend.partition, vars(key)
    expires: datetime | None = marks.get("sandbox_expires")
    user_name = key.user_name or marks.get("sandbox_user")
    user = backend.users.get(user_name) if user_name else None
    session = sts_backends[account][partition].get_assumed_role_from_access_key(key.access_key_id)
    if user is not None:
        arn, user_id = user.arn, user.id
    elif marks.get("sandbox_root"):
        arn, user_id = f"arn:{partition}:iam::{account}:root", account
    elif marks.get("sandbox_federation"):
        name = marks["sandbox_federation"]
        arn, user_id = f"arn:{partition}:sts::{account}:federated-user/{name}", f"{account}:{name}"
    elif session is not None:
        arn, user_id, expires = session.arn, session.user_id, session.expiration
    else:
        return None
    temporary = key.access_key_id.startswith("ASIA")
    return Credential(
        access_key_id=key.access_key_id,
        secret=key.secret_access_key,
        session_token=derive_session_token(_key_seed(key), key.access_key_id) if temporary else "",
        arn=arn,
        user_id=user_id,
        account_id=account,
        partition=partition,
        active=key.status == "Active",
        expires=expires,
    )


def _known(access_key_id: str) -> Credential:
    credential = resolve(access_key_id)
    if credential is None or not credential.active:
        raise QueryError(403, "InvalidClientTokenId", "The security token included in the request is invalid.")
    return credential


def _install_caller() -> None:
    take(STSBackend, "get_caller_identity", "access_key_id", "region")
    by_key = take(IAMBackend, "get_user_from_access_key_id", "access_key_id")
    get_user = take(IamResponse, "get_user")
    list_keys = take(IamResponse, "list_access_keys")
    create_key = take(IamResponse, "create_access_key")
    take(IamResponse, "get_access_key_last_used")

    def get_caller_identity(_self: STSBackend, access_key_id: str, _region: str) -> tuple[str, str, str]:
        credential = _known(access_key_id)
        return credential.user_id, credential.arn, credential.account_id

    def get_user_from_access_key_id(self: IAMBackend, access_key_id: str) -> User | None:
        key = self.access_keys.get(access_key_id)
        name = vars(key).get("sandbox_user") if key is not None else None
        if name:
            return self.users.get(name)
        found: User | None = by_key(self, access_key_id)
        return found

    def caller_or(original: Callable[..., Any]) -> Callable[[IamResponse], Any]:
        """`original`, which without a UserName is about the caller: who must then be a user, or root for GetUser."""

        def call(self: IamResponse) -> Any:
            if self._get_param("UserName"):
                return original(self)
            credential = _known(self.get_access_key())
            if self.backend.get_user_from_access_key_id(credential.access_key_id) is not None:
                return original(self)
            if original is get_user and credential.arn.endswith(":root"):
                root = {"UserId": credential.user_id, "Arn": credential.arn, "CreateDate": utcnow()}
                return ActionResult({"User": root})
            raise CallError("ValidationError", "Must specify userName when calling with non-User credentials")

        return call

    def get_access_key_last_used(self: IamResponse) -> ActionResult:
        found = self.backend.get_access_key_last_used(self._get_param("AccessKeyId"))
        used = found["last_used"]
        answer: dict[str, Any] = {"ServiceName": "N/A", "Region": "N/A"}
        if used is not None:
            service = _SERVICE_NAMESPACE.get(used.service, used.service)
            answer = {"LastUsedDate": used.timestamp, "ServiceName": service, "Region": used.region}
        return ActionResult({"UserName": found["user_name"], "AccessKeyLastUsed": answer})

    put(STSBackend, "get_caller_identity", get_caller_identity)
    put(IAMBackend, "get_user_from_access_key_id", get_user_from_access_key_id)
    put(IamResponse, "get_user", caller_or(get_user))
    put(IamResponse, "list_access_keys", caller_or(list_keys))
    put(IamResponse, "create_access_key", caller_or(create_key))
    put(IamResponse, "get_access_key_last_used", get_access_key_last_used)


def _install_sessions() -> None:
    take(TokenResponse, "get_session_token")
    take(TokenResponse, "get_federation_token")

    def get_session_token(self: TokenResponse) -> ActionResult:
        credential = _long_term(self, "GetSessionToken")
        seconds = self._get_int_param("DurationSeconds", 43200)
        return ActionResult({"Credentials": _temporary(credential, seconds, sandbox_user=_user_name(credential))})

    def get_federation_token(self: TokenResponse) -> ActionResult:
        credential = _long_term(self, "GetFederationToken")
        name: str = self._get_param("Name")
        seconds = self._get_int_param("DurationSeconds", 43200)
        account, partition = credential.account_id, credential.partition
        return ActionResult(
            {
                "Credentials": _temporary(credential, seconds, sandbox_federation=name),
                "FederatedUser": {
                    "FederatedUserId": f"{account}:{name}",
                    "Arn": f"arn:{partition}:sts::{account}:federated-user/{name}",
                },
                "PackedPolicySize": 6,
            }
        )

    put(TokenResponse, "get_session_token", get_session_token)
    put(TokenResponse, "get_federation_token", get_federation_token)


def _long_term(response: TokenResponse, operation: str) -> Credential:
    credential = _known(response.get_access_key())
    if credential.session_token:
        raise QueryError(403, "AccessDenied", f"Cannot call {operation} with session credentials")
    return credential


def _user_name(credential: Credential) -> str:
    return "" if credential.arn.endswith(":root") else credential.arn.rpartition("/")[2]


def _temporary(credential: Credential, seconds: int, **marks: str) -> dict[str, Any]:
    key = iam_backends[credential.account_id][credential.partition].create_temp_access_key()
    expires = utcnow() + timedelta(seconds=seconds)
    vars(key).update({name: mark for name, mark in marks.items() if mark}, sandbox_expires=expires)
    if not any(marks.values()):
        vars(key)["sandbox_root"] = True
    return {
        "AccessKeyId": key.access_key_id,
        "SecretAccessKey": key.secret_access_key,
        "SessionToken": derive_session_token(_key_seed(key), key.access_key_id),
        "Expiration": expires,
    }
