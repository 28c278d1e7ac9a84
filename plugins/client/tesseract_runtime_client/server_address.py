"""Addresses of servers: URLs, directly or by a proxy, and Unix sockets."""

from __future__ import annotations

import base64
import socket
import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPConnection, HTTPSConnection
from urllib.parse import SplitResult, quote, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from runtime_core.errors import InvalidOption

_UNIX = "unix://"
"""The beginning of a URL that is the path of a Unix socket, as it is."""

_SAFE = "/%:@!$&'()*+,;=~"  # in paths, besides letters and digits


@dataclass(frozen=True, kw_only=True)
class ServerAddress:
    """A server: its `place` for messages, and how it is reached.

    `root` is the beginning of the targets of requests, `headers` are for all of them, and `connect`
    makes an unconnected connection from its time limit.
    """

    place: str
    connect: Callable[..., HTTPConnection]
    root: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    socket_path: str | None = None


class SocketConnection(HTTPConnection):
    """A connection to a Unix socket."""

    def __init__(self, path: str, *, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        """Connect to the socket; `OSError` if it is not served."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def address_of(url: str) -> ServerAddress:
    """Return the address of a URL; `InvalidOption` if it is not that of a Tesseract."""
    path = url.removeprefix(_UNIX)
    if path != url:
        return _of_socket(path, url)
    parts = _checked(url)
    host = parts.netloc.rpartition("@")[2].lower()
    root = quote(parts.path, safe=_SAFE).rstrip("/")
    place = f"{parts.scheme}://{host}{root}"
    headers = _credentials(parts, "Authorization")
    proxy = _proxy(parts, host)
    if parts.scheme == "https":
        return ServerAddress(place=place, connect=_tls(parts, proxy), root=root, headers=headers)
    if proxy is None:
        return ServerAddress(place=place, connect=_plain(parts), root=root, headers=headers)
    headers |= _credentials(proxy, "Proxy-Authorization")
    return ServerAddress(place=place, connect=_plain(proxy), root=place, headers=headers)


def _of_socket(path: str, url: str) -> ServerAddress:
    if not path.startswith("/") or "\0" in path:
        raise InvalidOption(
            f"{url!r} is not the URL of a socket: it must be unix:// and an absolute path, as in "
            "unix:///run/tesseract.sock."
        )
    return ServerAddress(place=url, connect=partial(SocketConnection, path), socket_path=path)


def _checked(url: str) -> SplitResult:
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        _ = parts.port  # parses it
    except ValueError as error:
        raise InvalidOption(f"{url!r} is not a valid URL: {error}.") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidOption(
            f"{url!r} is not the URL of a Tesseract: it must begin with http:// or https:// "
            "and a host, or be unix:// and the path of a socket."
        )
    return parts


def _proxy(parts: SplitResult, host: str) -> SplitResult | None:
    """Return the proxy that the environment names for a server, if any."""
    proxies = getproxies()
    url = proxies.get(parts.scheme) or proxies.get("all")
    if not url or proxy_bypass(host):
        return None
    with suppress(ValueError):
        proxy = urlsplit(url if "://" in url else f"http://{url}")
        if proxy.scheme == "http" and proxy.hostname:
            _ = proxy.port  # parses it
            return proxy
    shown = url.rpartition("@")[2]
    raise InvalidOption(
        f"The proxy {shown!r} of the environment is not supported: it must be a URL that begins "
        f"with http://. To do without it, add {host} to the variable NO_PROXY."
    )


def _plain(parts: SplitResult) -> Callable[..., HTTPConnection]:
    """Return a function that makes a connection without TLS."""
    return partial(HTTPConnection, parts.hostname or "", parts.port or 80)


def _tls(parts: SplitResult, proxy: SplitResult | None) -> Callable[..., HTTPConnection]:
    """Return a function that makes a TLS connection, in a tunnel if there is a proxy."""
    context = ssl.create_default_context()
    if proxy is None:
        return partial(HTTPSConnection, parts.hostname or "", parts.port, context=context)

    def connect(*, timeout: float) -> HTTPConnection:
        tunnel = HTTPSConnection(
            proxy.hostname or "", proxy.port or 80, context=context, timeout=timeout
        )
        headers = _credentials(proxy, "Proxy-Authorization")
        tunnel.set_tunnel(parts.hostname or "", parts.port or 443, headers)
        return tunnel

    return connect


def _credentials(parts: SplitResult, header: str) -> dict[str, str]:
    """Return the header with the user name and password of a URL, if it has them."""
    if parts.username is None:
        return {}
    user, password = unquote(parts.username), unquote(parts.password or "")
    return {header: f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"}
