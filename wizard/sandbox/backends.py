"""Moto's live backends: several sandboxes of one process take turns on them, and each is frozen to bytes and thawed.

Moto keeps its state in process-wide dictionaries (service -> account -> region -> backend). One sandbox is on stage
at a time; `Backends.enter` swaps. Which backends a call touched is learnt from the look-ups, so only those are saved.
"""

from __future__ import annotations

import copyreg
import hashlib
import importlib
import io
import pickle
import sys
import threading
import weakref
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from types import FunctionType
from typing import Any, Final

from moto.core.base_backend import AccountSpecificBackend, BackendDict, BaseBackend
from moto.core.model_instances import reset_model_data
from moto.iam.models import IAMBackend, Role
from moto.s3.models import FakeKey

from wizard.sandbox import shards
from wizard.sandbox.shards import Sharded
from wizard.sandbox.state import Section, Unusable

SHARDED: Final = "sandbox_sharded_roles"
LARGE: Final = 32 * 1024  # values from this size on are kept outside of the pickle, and written once
_LOCKS: Final[Mapping[type, str]] = {type(threading.Lock()): "lock", type(threading.RLock()): "rlock"}
_current: Backends | None = None


class Backends:
    """The moto backends of one sandbox. Not thread-safe: the caller holds the process's lock."""

    def __init__(self, read_blob: Callable[[str], bytes]) -> None:
        self.sections: dict[str, Section] = {}  # as last saved
        self.touched: set[str] = set()
        self.unsaved: dict[str, str] = {}  # services whose state can't be frozen, and why
        self._pending: set[str] = set()  # saved, not thawed yet
        self._sharded: dict[str, Sharded] = {}  # the roles of a backend that has many, as last frozen
        self._read_blob = read_blob
        self._parked: list[tuple[BackendDict[Any], dict[str, Any], dict[str, Any]]] = []

    def enter(self) -> None:
        """Make moto's dictionaries hold this sandbox's backends."""
        global _current  # noqa: PLW0603 (moto's state is global as well)
        _watch()
        if _current is self:
            return
        if _current is not None:
            _current._park()
        for dictionary, accounts, extra in self._parked:
            dictionary.update(accounts)
            vars(dictionary).update(extra)
            _live().append(dictionary)
        self._parked = []
        _current = self

    def leave(self) -> None:
        """Forget this sandbox's backends in memory."""
        global _current  # noqa: PLW0603
        if _current is self:
            self._empty()
            _current = None
        self._parked = []

    def load(self, sections: Mapping[str, Section]) -> None:
        """Replace all backends by `sections`. They are thawed when they are first needed."""
        self._empty()
        self.sections = dict(sections)
        self._pending = set(sections)
        self._sharded = {}

    def thaw_imported(self) -> None:
        """Thaw what belongs to the services that are imported, for code that walks over a service's accounts."""
        for name in [name for name in self._pending if name.split("|", 1)[0] in sys.modules]:
            self._thaw(name)

    def freeze(
        self, only: str = "", *, roles: Collection[str] | None = None
    ) -> tuple[dict[str, Section], dict[str, bytes]]:
        """The sections that the touched backends changed (of the service `only`), and the large values in them.

        `roles` names the IAM roles that may have been changed, if the caller knows: where there are many, the others
        are not looked at.
        """
        changed: dict[str, Section] = {}
        large: dict[str, bytes] = {}
        for name in sorted(self.touched - self._pending):
            backend = _look_up(name)
            if backend is None or only not in {"", name.split("|")[1]}:
                continue
            try:
                sharded, blobs = None, dict[str, bytes]()
                if isinstance(backend, IAMBackend):
                    sharded, blobs = shards.freeze(backend, self._sharded.get(name), roles)
                section, more = freeze(backend, sharded)
            except Exception as error:  # pickling runs the code of whatever moto holds there
                self.unsaved.setdefault(name.split("|")[1], f"{type(error).__name__}: {error}")
                continue
            if sharded is not None:
                self._sharded[name] = sharded
            else:
                self._sharded.pop(name, None)
            if self.sections.get(name) != section:
                changed[name] = section
                large.update(blobs, **more)
        return changed, large

    def _on_look_up(self, dictionary: AccountSpecificBackend[Any], region: str) -> None:
        name = "|".join((_module_of(dictionary.backend), dictionary.service_name, dictionary.account_id, region))
        self.touched.add(name)
        if name in self._pending:
            self._thaw(name)

    def _thaw(self, name: str) -> None:
        self._pending.discard(name)
        module, service, account, region = name.split("|")
        accounts = _dictionary(module, service)[account]
        backend: BaseBackend = object.__new__(accounts.backend)
        BaseBackend.__init__(backend, region, account)
        dict.__setitem__(accounts, region, backend)
        held = thaw(self.sections[name].data, self._read_blob)
        if isinstance(sharded := held.pop(SHARDED, None), Sharded):
            self._sharded[name] = sharded
        vars(backend).update(held)
        buckets = getattr(backend, "buckets", None)
        if service == "s3" and buckets:  # S3 keeps the owners of all bucket names beside its backends
            owners = _dictionary(module, service).bucket_accounts  # type: ignore[attr-defined]
            owners.update(dict.fromkeys(buckets, (region, account)))

    def _park(self) -> None:
        for dictionary in _live():
            extra = {"bucket_accounts": dictionary.bucket_accounts} if hasattr(dictionary, "bucket_accounts") else {}
            self._parked.append((dictionary, dict(dictionary), extra))
            _clear(dictionary)
        _live().clear()

    def _empty(self) -> None:
        for dictionary in _live():
            _clear(dictionary)
        _live().clear()
        reset_model_data()  # moto remembers every object that it ever made


def freeze(backend: BaseBackend, sharded: Sharded | None = None) -> tuple[Section, dict[str, bytes]]:
    """Pickle what `backend` holds, without its roles if they are `sharded`. Other backends stay references."""
    file = io.BytesIO()
    state = vars(backend)
    if sharded is None:
        freezer = _Freezer(file)
        freezer.dump(state)
    else:
        freezer = _Freezer(file, state["roles"])
        freezer.dump({**state, "roles": {}, SHARDED: sharded})
        freezer.referenced.update(dict.fromkeys(sharded.digests))
    return Section(file.getvalue(), tuple(freezer.referenced)), freezer.blobs


def thaw(data: bytes, read_blob: Callable[[str], bytes]) -> dict[str, Any]:
    """The inverse of `freeze`; where roles are sharded, that is under `SHARDED`. Raises Unusable."""
    try:
        thawer = _Thawer(data, read_blob)
        result = thawer.load()
        sharded = result.get(SHARDED) if isinstance(result, dict) else None
        if isinstance(sharded, Sharded):
            parts = [_Thawer(read_blob(digest), read_blob).load() for digest in sharded.digests]
            result["roles"] = shards.thaw(sharded, parts, result["managed_policies"], thawer.roles)
    except Unusable:
        raise
    except Exception as error:
        raise Unusable(f"it can't be read ({type(error).__name__})") from error
    if not isinstance(result, dict):
        raise Unusable("it is damaged")
    return result


class _Kept:
    """Stands for a large value in what is pickled."""

    def __init__(self, digest: str) -> None:
        self.digest = digest


# An object's content does not change once it is there: reading and hashing all of them for each save would be dear.
_digests: weakref.WeakKeyDictionary[FakeKey, str] = weakref.WeakKeyDictionary()


class _Freezer(pickle.Pickler):
    def __init__(self, file: io.BytesIO, sharded_roles: Mapping[str, Role] | None = None) -> None:
        super().__init__(file, protocol=5)
        self._sharded_roles = sharded_roles or {}
        self.referenced: dict[str, None] = {}
        self.blobs: dict[str, bytes] = {}  # the referenced values that may not be on disk yet

    def persistent_id(self, obj: Any) -> tuple[str, ...] | None:
        kind = type(obj)
        if kind is str or kind is dict:  # most of what there is
            return None
        if kind is bytes:
            if len(obj) < LARGE:
                return None
            return ("blob", self._keep(obj))
        if kind is _Kept:
            return ("blob", obj.digest)
        if kind in _LOCKS:
            return (_LOCKS[kind],)
        if isinstance(obj, Role):
            return ("role", obj.id) if self._sharded_roles.get(obj.id) is obj else None
        if issubclass(kind, BaseBackend):
            return ("backend", _module_of(kind), _service_of(kind), obj.account_id, obj.region_name)
        return None

    def _keep(self, value: bytes) -> str:
        digest = hashlib.sha256(value).hexdigest()
        self.referenced[digest] = None
        self.blobs[digest] = value
        return digest

    def reducer_override(self, obj: Any) -> Any:
        if type(obj) is FakeKey and obj.contentsize >= LARGE:
            digest = _digests.get(obj)
            if digest is None:
                digest = _digests[obj] = self._keep(obj.value)
            self.referenced[digest] = None
            state = {name: value for name, value in vars(obj).items() if name not in {"_value_buffer", "lock"}}
            return copyreg.__newobj__, (FakeKey,), {**state, "value": _Kept(digest)}  # type: ignore[attr-defined]
        if type(obj) is defaultdict and isinstance(obj.default_factory, FunctionType):
            made = obj.default_factory()  # a lambda for an empty dictionary or list: name its type instead
            if type(made) in {dict, list, set, int} and not made:
                return defaultdict, (type(made),), None, None, iter(obj.items())
        return NotImplemented


class _Thawer(pickle.Unpickler):
    def __init__(self, data: bytes, read_blob: Callable[[str], bytes]) -> None:
        super().__init__(io.BytesIO(data))
        self._read_blob = read_blob
        self.roles: dict[str, Role] = {}  # the sharded ones that something refers to; still empty

    def persistent_load(self, pid: Any) -> Any:
        match pid:
            case ("blob", digest):
                return self._read_blob(digest)
            case ("lock",):
                return threading.Lock()
            case ("rlock",):
                return threading.RLock()
            case ("role", role_id):
                return self.roles.setdefault(role_id, shards.empty_role())
            case ("backend", module, service, account, region):
                return _dictionary(module, service)[account][region]
        raise Unusable("it is damaged")

    def find_class(self, module: str, name: str) -> Any:
        if module in _PLAIN and name in _PLAIN[module]:
            return super().find_class(module, name)
        if module.split(".", 1)[0] == "moto" or module.startswith("wizard.sandbox."):
            found = super().find_class(module, name)
            if isinstance(found, type):
                return found
        raise Unusable(f"it names {module}.{name}")


_PLAIN: Final[Mapping[str, frozenset[str]]] = {
    "builtins": frozenset(
        {"dict", "list", "set", "int", "frozenset", "bytearray", "complex", "object", "range", "slice"}
    ),
    "collections": frozenset({"OrderedDict", "defaultdict", "deque", "Counter"}),
    "copyreg": frozenset({"_reconstructor"}),
    "datetime": frozenset({"datetime", "date", "time", "timedelta", "timezone"}),
    "dateutil.tz.tz": frozenset({"tzutc"}),
    "decimal": frozenset({"Decimal"}),
    "pathlib": frozenset({"PurePosixPath", "PosixPath", "WindowsPath", "PureWindowsPath"}),
    "re": frozenset({"_compile"}),
    "uuid": frozenset({"UUID", "SafeUUID"}),
}


def _module_of(backend: type) -> str:
    return backend.__module__


def _dictionary(module: str, service: str) -> BackendDict[Any]:
    if not module.startswith("moto."):
        raise Unusable("it is damaged")
    for value in vars(importlib.import_module(module)).values():
        if isinstance(value, BackendDict) and value.service_name == service:
            return value
    raise Unusable(f"it names {module}, {service}")


def _service_of(backend: type) -> str:
    for value in vars(sys.modules[backend.__module__]).values():
        if isinstance(value, BackendDict) and value.backend is backend:
            return str(value.service_name)
    raise TypeError(f"{backend} has no dictionary of backends")


def _look_up(name: str) -> BaseBackend | None:
    module, service, account, region = name.split("|")
    accounts = dict.get(_dictionary(module, service), account)
    backend: BaseBackend | None = None if accounts is None else dict.get(accounts, region)
    return backend


def _clear(dictionary: BackendDict[Any]) -> None:
    dictionary.clear()
    if hasattr(dictionary, "bucket_accounts"):
        dictionary.bucket_accounts = {}


def _watch() -> None:
    """Have every look-up of a backend reported to the sandbox that is on stage."""
    original = AccountSpecificBackend.__getitem__
    if getattr(original, "watched", False):
        return

    def look_up(self: AccountSpecificBackend[Any], region_name: str) -> Any:
        if _current is not None:
            _current._on_look_up(self, "aws" if region_name == "global" else region_name)
        return original(self, region_name)

    look_up.watched = True  # type: ignore[attr-defined]
    AccountSpecificBackend.__getitem__ = look_up  # type: ignore[method-assign]


def _live() -> list[BackendDict[Any]]:
    """The dictionaries of the services that are in use."""
    live: list[BackendDict[Any]] = vars(BackendDict)["_instances"]
    return live
