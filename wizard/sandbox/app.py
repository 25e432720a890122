"""The sandbox as a function: AWS's request goes in, AWS's reply comes out, and what it changed is on disk by then."""

from __future__ import annotations

import contextvars
import io
import logging
import os
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import boto3
import botocore.loaders
import botocore.session
import moto
from moto import settings
from moto.core import base_backend, responses
from moto.core import utils as moto_utils
from moto.core.responses import BaseResponse
from moto.iam.access_control import PermissionResult
from moto.iam.models import iam_backends
from moto.iam.responses import IamResponse
from moto.moto_api._internal import mock_random
from moto.s3 import models as s3_models
from moto.s3.models import FakeBucket, FakeKey
from werkzeug.exceptions import HTTPException

from wizard.sandbox import calls, enforce, seed
from wizard.sandbox.backends import Backends
from wizard.sandbox.calls import iam_service, keys, quotas
from wizard.sandbox.errors import AwsError, not_implemented, reply_with
from wizard.sandbox.identify import Call, guess_protocol, handler_of, identify, is_aws, request_of, to_aws
from wizard.sandbox.messages import Message, Reply
from wizard.sandbox.scenarios import ACCOUNT_ID
from wizard.sandbox.state import Store, Unusable

log = logging.getLogger(__name__)

STATE_VERSION: Final = f"{moto.__version__}/2"  # raise the number when what the calls package keeps changes shape
KEY_USE_SAVED_EVERY: Final = 60.0  # seconds: when a key was last used is not worth a save a call
_ROLES_STAY: Final = frozenset({"s3", "s3control", "logs", "lambda"})  # services whose calls change no role
_partition: contextvars.ContextVar[str] = contextvars.ContextVar("partition", default="")  # "" outside of a call
_call: contextvars.ContextVar[Call | None] = contextvars.ContextVar("call", default=None)
_PROCESS = threading.RLock()  # moto's state is process-wide
_installed = False


class App:
    """One sandbox account. Instances may share a process, and processes may share a state."""

    def __init__(self, scenario: str, root: Path, *, enforced: bool = True) -> None:
        _install()
        self.scenario = scenario
        self.enforced = enforced
        self.warnings: list[str] = []
        self._store = Store(root / scenario, STATE_VERSION)
        self._backends = Backends(self._store.blob)
        self._generation: str | None = None
        self._facts: dict[str, str | int] = {}
        self._use_saved: dict[str, float] = {}
        self._busy = False
        self._closed = False
        with self._turn():
            pass

    def __call__(self, message: Message, *, own_host: str | None = None) -> Reply:
        """Answer one request. Never raises for what the request holds.

        `own_host` is the name of the server that got it; None for a request that names an AWS host itself.
        """
        original = message
        if own_host is not None:
            message = to_aws(message, own_host)
        host = urlsplit(message.url).hostname or ""
        protocol = guess_protocol(message)
        resource = ""
        try:
            if not is_aws(host):
                raise AwsError("UnknownEndpoint", f"The sandbox does not emulate the host {host}.", 501)
            call = identify(message)
            protocol = call.protocol
            resource = urlsplit(call.message.url).path
            with self._turn():
                reply = self._answer(call, original)
        except AwsError as error:
            reply = reply_with(error, protocol, method=message.method, resource=resource)
        except Exception as error:
            log.debug("the sandbox failed", exc_info=True)
            if isinstance(error, Unusable):  # a section of the state, which is only read when it is needed
                self._start_over(error)
            failure = AwsError("InternalFailure", f"The sandbox failed: {type(error).__name__}: {error}", 500)
            reply = reply_with(failure, protocol, method=message.method, resource=resource)
        return reply

    def reset(self) -> None:
        """Start the account over, as the scenario says, with the same administrator key."""
        with self._turn():
            self._store.clear()
            self._start()

    def administrator_key(self) -> tuple[str, str]:
        """Access key id and secret of the seeded administrator; of a session in the scenario without one."""
        with self._turn():
            access_key_id = str(self._facts["administrator"])
            return access_key_id, keys.derive_secret(seed.secret_seed(self.scenario), access_key_id)

    def administrator_token(self) -> str:
        """The session token that goes with the administrator's key; "" if that is no session's."""
        access_key_id, _ = self.administrator_key()
        temporary = access_key_id.startswith("ASIA")
        return keys.derive_session_token(seed.secret_seed(self.scenario), access_key_id) if temporary else ""

    @contextmanager
    def edit(self) -> Iterator[None]:
        """Change moto's backends of this account directly; what was changed is saved at the end."""
        with self._turn():
            self._backends.touched.clear()
            yield
            self._save()

    def close(self) -> None:
        """Free the memory. The state stays on disk."""
        with _PROCESS:
            self._closed = True
            self._backends.leave()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Have moto and the state to ourselves, and moto's backends as they are on disk."""
        with _PROCESS:
            if self._closed:
                raise RuntimeError("This sandbox is closed.")
            if self._busy:  # the lock of the file is not one that a thread can take twice
                raise RuntimeError("A call can't be made from within a call or `edit`.")
            self._busy = True
            try:
                with self._locked():
                    yield
            finally:
                self._busy = False

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._store.lock():
            self._backends.enter()
            generation = self._store.generation()
            if self._generation is None or generation != self._generation:
                self._load()
            try:
                yield
            except AwsError:
                raise
            except BaseException:
                self._generation = None  # half done: go back to what is on disk
                raise

    def _load(self) -> None:
        try:
            snapshot = self._store.read()
            if snapshot is not None:
                self._facts = dict(snapshot.facts)
                self._backends.load(snapshot.sections)
                self._backends.thaw_imported()
                self._generation = snapshot.generation
        except Unusable as problem:
            self._set_aside(problem)
            snapshot = None
        if snapshot is None:
            self._start()

    def _set_aside(self, problem: Unusable) -> None:
        aside = self._store.set_aside()
        self.warnings.append(
            f"The saved state of the sandbox could not be used: {problem}. "
            f"It was set aside as {aside} and the account starts fresh."
        )

    def _start_over(self, problem: Unusable) -> None:
        with _PROCESS, self._store.lock():
            self._backends.enter()
            self._set_aside(problem)
            self._start()

    def _start(self) -> None:
        self._backends.load({})
        self._facts = {"changes": 0}
        self._use_saved = {}
        self._backends.touched.clear()
        self._facts["administrator"] = seed.start(self.scenario)
        self._save()

    def _answer(self, call: Call, original: Message) -> Reply:
        self._backends.touched.clear()
        partition, running = _partition.set(call.partition), _call.set(call)
        try:
            seed.prepare(self.scenario, call.partition, str(self._facts["administrator"]))
            with iam_service.as_seen(iam_backends[ACCOUNT_ID][call.partition], decides=True):
                caller = enforce.admit(call, original, enforced=self.enforced)
            return self._perform(call, caller)
        finally:
            enforce.dismiss()
            _partition.reset(partition)
            _call.reset(running)

    def _perform(self, call: Call, caller: enforce.Caller) -> Reply:
        if not call.operation or not call.module:
            raise not_implemented(call.service, call.operation)
        iam = iam_backends[ACCOUNT_ID][call.partition]
        if call.service == "iam":
            iam_service.count_call(iam)
            _provide_policies(call)
        if not call.reads:
            # Names and ids depend on what was changed before, not on how often somebody looked: the same answers make
            # the same account in every front end.
            mock_random.seed(f"{seed.secret_seed(self.scenario)} {self._facts['changes']} {call.operation}")
        try:
            if call.service == "iam" and call.reads:
                with iam_service.as_seen(iam, decides=call.operation.startswith("Simulate")):
                    reply = _dispatch(call)
            else:
                if call.service == "iam":
                    iam_service.before_change(iam)
                reply = _dispatch(call)
        except NotImplementedError as error:
            raise not_implemented(call.service, call.operation) from error
        reply = enforce.veil(call, caller, reply, enforced=self.enforced)
        if not call.reads:
            self._save(counts=reply.status < 300, roles=_changed_roles(call))
        elif caller.access_key_id and self._use_is_due(caller.access_key_id):
            self._save(only="iam", roles=())
        return reply

    def _use_is_due(self, access_key_id: str) -> bool:
        now = time.monotonic()
        if now - self._use_saved.get(access_key_id, -KEY_USE_SAVED_EVERY) < KEY_USE_SAVED_EVERY:
            return False
        self._use_saved[access_key_id] = now
        return True

    def _save(self, *, counts: bool = False, only: str = "", roles: Collection[str] | None = None) -> None:
        changed, large = self._backends.freeze(only, roles=roles)
        for service, reason in self._backends.unsaved.items():
            warning = f"What is done with {service} is not kept from command to command ({reason})."
            if warning not in self.warnings:
                self.warnings.append(warning)
        if not changed:
            return
        sections = {**self._backends.sections, **changed}
        if counts:
            self._facts["changes"] = int(self._facts["changes"]) + 1
        self._generation = self._store.write(sections, self._facts, large)
        self._backends.sections = sections


def _changed_roles(call: Call) -> tuple[str, ...] | None:
    """The IAM roles that the call may change, besides making or deleting one; None if that can't be told."""
    if call.service == "iam":
        return (str(call.parameters.get("RoleName", "")),) if "Role" in call.operation else ()
    return () if call.service in _ROLES_STAY else None


def _dispatch(call: Call) -> Reply:
    request = request_of(call.message)
    handler = handler_of(call.module, call.message.url)
    if handler is None:
        raise not_implemented(call.service, call.operation)
    try:
        status, headers, body = handler(request, request.raw_url, request.headers)
    except ImportError as error:  # running a function needs Docker, and its client
        raise not_implemented(call.service, call.operation) from error
    except HTTPException as error:
        status, headers, body = error.code or 500, dict(error.get_headers()), error.get_body()
    return Reply(int(status), _clean(headers), body.encode() if isinstance(body, str) else bytes(body or b""))


def _clean(headers: Mapping[str, Any]) -> dict[str, str]:
    return {str(key): str(value) for key, value in headers.items() if key.lower() != "status"}


def _provide_policies(call: Call) -> None:
    for value in call.parameters.values():
        if isinstance(value, str) and ":iam::aws:policy/" in value:
            seed.provide_aws_policy(value, call.partition)


def _install() -> None:
    """Patch moto once a process."""
    global _installed  # noqa: PLW0603
    with _PROCESS:
        if _installed:
            return
        settings.INITIAL_NO_AUTH_ACTION_COUNT = float("inf")  # moto's own enforcement stays off: ours is in enforce.py
        # One account: without this moto looks every key up in every partition, and obeys MOTO_ACCOUNT_ID.
        _within_a_call(BaseResponse, "get_current_account", lambda _self: ACCOUNT_ID)
        # The operation that was authorised is the one that runs, whatever else a request says.
        _within_a_call(BaseResponse, "_get_action", _authorised(BaseResponse._get_action))
        _within_a_call(BaseResponse, "setup_class", _set_up(BaseResponse.setup_class))
        # moto looks entities up for its own enforcement, and fails where there are none.
        _within_a_call(IamResponse, "_determine_resource", lambda _self: "*")
        # Objects in memory, not in temporary files that moto closes late and complains about.
        setattr(s3_models, "tempfile", SimpleNamespace(SpooledTemporaryFile=lambda *_, **__: io.BytesIO()))  # noqa: B010
        setattr(FakeKey, "__del__", lambda _self: None)  # noqa: B010
        # moto asks for regions and services through a session, which must not fail for the profile that AWS_PROFILE names.
        setattr(base_backend, "Session", lambda: boto3.Session(botocore_session=_session()))  # noqa: B010
        setattr(moto_utils, "Session", _session)  # noqa: B010
        calls.install()
        # moto inspects the whole class at every call; what methods it has stays the same from here on.
        _within_a_call(responses, "method_names_from_class", cache(moto_utils.method_names_from_class))
        quotas.may_create_service_linked_role = enforce.may_create_service_linked_role
        # The administrator's key is the same in every partition; a call knows which of them it is about.
        _within_a_call(keys, "resolve", _resolve)
        # Bucket policies are ours to judge: moto does not look at principals.
        _within_a_call(FakeBucket, "get_permission", lambda *_: PermissionResult.NEUTRAL)
        _installed = True


def _session() -> botocore.session.Session:
    """A session that knows nothing of this machine's AWS files and profile."""
    nowhere = (None, None, os.devnull, None)
    sealed: Any = {"profile": (None, None, None, None), "config_file": nowhere, "credentials_file": nowhere}
    session = botocore.session.Session(sealed)
    session.register_component("data_loader", _loader())
    return session


@cache
def _loader() -> Any:
    """What reads botocore's descriptions of AWS's services: slow, and the same for every session."""
    return botocore.loaders.create_loader()


def _within_a_call(owner: Any, name: str, replacement: Callable[..., Any]) -> None:
    """Replace `owner.name` while a sandbox answers a call; whoever else uses moto in this process gets the original."""
    original = getattr(owner, name)

    def choose(*arguments: Any, **named: Any) -> Any:
        return (replacement if _partition.get() else original)(*arguments, **named)

    setattr(owner, name, choose)


def _authorised(original: Callable[..., str]) -> Callable[..., str]:
    def get_action(response: BaseResponse) -> str:
        call = _call.get()
        if call is None or call.s3 is not None:  # moto's S3 goes by the URL alone
            return original(response)
        if call.protocol.startswith("rest-"):
            # Finds the path's parameters as well; the route is the one that was identified.
            return response._get_action_from_method_and_request_uri(response.normalized_request) or call.operation
        return call.operation

    return get_action


def _set_up(original: Callable[..., None]) -> Callable[..., None]:
    """moto looks for form fields in every body, and for parameters in every header: in JSON there are none."""

    def set_up(response: BaseResponse, *arguments: Any, **named: Any) -> None:
        original(response, *arguments, **named)
        call = _call.get()
        if call is not None and call.protocol in {"json", "rest-json"}:
            response.querystring = response.data = dict(parse_qs(response.parsed_url.query, keep_blank_values=True))

    return set_up


def _resolve(access_key_id: str) -> keys.Credential | None:
    backend = iam_backends[ACCOUNT_ID][_partition.get()]
    key = backend.access_keys.get(access_key_id)
    return None if key is None else keys._credential(key, backend)
