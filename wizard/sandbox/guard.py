"""While a sandbox is open nothing leaves this machine, whatever thread tries and whatever went wrong before.

Three nets, one behind the other: botocore's HTTP session refuses to send; Python's audit events refuse look-ups of and
connections to hosts that are not this machine; and HTTP that asks a local proxy to go out is refused as well.
"""

from __future__ import annotations

import ipaddress
import socket
import sys
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final
from urllib.parse import urlsplit

import botocore.httpsession
from botocore.exceptions import EndpointConnectionError

_METADATA: Final = frozenset({"169.254.169.254", "169.254.170.2", "169.254.170.23", "fd00:ec2::254", "fd00:ec2::23"})
_INTERNET: Final = frozenset({socket.AF_INET, socket.AF_INET6})
_lock = threading.Lock()
_engaged = 0
_serving = 0
_hooked = False


class NetworkRefused(PermissionError):
    """Something tried to reach the network while the sandbox was open."""

    def __init__(self, target: str) -> None:
        super().__init__(f"The sandbox reaches no network: {target} was refused.")


class MetadataRefused(EndpointConnectionError):  # botocore then goes on as it does on a machine without such a service
    """botocore looked for credentials of the machine it runs on."""

    def __init__(self, url: str) -> None:
        super().__init__(endpoint_url=url)


class Guard:
    """Keeps this process off the network until it is released. `serving` leaves requests to this machine through."""

    def __init__(self, *, serving: bool = False) -> None:
        global _engaged, _serving  # noqa: PLW0603 (the network is the process's)
        _hook()
        self._serving = serving
        self._released = False
        with _lock:
            _engaged += 1
            _serving += serving

    def release(self) -> None:
        """Let the process go its ways, once every guard is released."""
        global _engaged, _serving  # noqa: PLW0603
        with _lock:
            if not self._released:
                self._released = True
                _engaged -= 1
                _serving -= self._serving

    def __enter__(self) -> Guard:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def is_loopback(host: object) -> bool:
    """Whether `host` (a name or an address) is this machine."""
    name = host.decode("ascii", "replace") if isinstance(host, (bytes, bytearray)) else str(host)
    name = name.strip("[]").split("%", 1)[0].rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):  # RFC 6761
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def _hook() -> None:
    """Put the nets up, once a process: audit hooks can't be taken down again."""
    global _hooked  # noqa: PLW0603
    with _lock:
        if _hooked:
            return
        session = botocore.httpsession.URLLib3Session
        original = session.send

        def send(self: Any, request: Any) -> Any:
            if _engaged:
                _check_send(self, request)
            return original(self, request)

        session.send = send  # type: ignore[method-assign]
        for name in ("connect", "connect_ex", "sendto"):
            _watch(name)
        sys.addaudithook(_audit)
        _hooked = True


def _watch(name: str) -> None:
    """Python looks a name up before it raises the audit event of a connection: that would be a packet already."""
    original = getattr(socket.socket, name)

    def checked(self: socket.socket, *arguments: Any) -> Any:
        if _engaged and arguments:
            _check_address(self, arguments[-1])
        return original(self, *arguments)

    setattr(socket.socket, name, checked)


def _check_send(session: Any, request: Any) -> None:
    host = urlsplit(request.url).hostname or ""
    if host in _METADATA:
        raise MetadataRefused(request.url)
    if not _serving or not is_loopback(host) or session._proxy_config.proxy_url_for(request.url):
        raise NetworkRefused(host)


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if _engaged and (check := _CHECKS.get(event)) is not None:
        check(*arguments)


def _check_address(sock: socket.socket, address: Any = None, *_: Any) -> None:
    if address is not None and sock.family in _INTERNET and not is_loopback(address[0]):
        raise NetworkRefused(str(address[0]))


def _check_name(host: Any, *_: Any) -> None:
    if host is not None and not is_loopback(host[0] if isinstance(host, tuple) else host):
        raise NetworkRefused(str(host))


def _check_url(url: Any, *_: Any) -> None:
    parts = urlsplit(str(url))
    if parts.scheme in {"http", "https", "ftp"} and not is_loopback(parts.hostname or ""):
        raise NetworkRefused(parts.hostname or str(url))


def _check_http(_connection: Any, data: Any, *_more: Any) -> None:
    """A request line with a whole URL, or a CONNECT, is for a proxy: on this machine, but on its way out."""
    if not isinstance(data, (bytes, bytearray)):
        return
    method, _, after = bytes(data[:2048]).partition(b" ")
    if method == b"CONNECT" or (method.isalpha() and method.isupper() and after.startswith((b"http://", b"https://"))):
        target = after.split(b" ", 1)[0].decode("latin-1")
        if not is_loopback(urlsplit(target if "//" in target else f"//{target}").hostname or ""):
            raise NetworkRefused(target)


_CHECKS: Final[dict[str, Callable[..., None]]] = {
    "socket.connect": _check_address,
    "socket.sendto": _check_address,
    "socket.sendmsg": _check_address,
    "socket.getaddrinfo": _check_name,
    "socket.gethostbyname": _check_name,
    "socket.gethostbyaddr": _check_name,
    "socket.getnameinfo": _check_name,
    "urllib.Request": _check_url,
    "http.client.send": _check_http,
}
