"""Refusing requests for other hosts: a web page must not reach a service on its reader's machine.

DNS rebinding lets a page of `evil.example` talk to 127.0.0.1; its requests still carry the name.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Mapping

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from runtime_core.contracts import Layer, Place, ServerContext, ServerParts
from runtime_core.server.extensions.probes import PROBES
from runtime_core.server.headers import header_fields
from runtime_core.server.responses import JsonResponse

_LOCAL = ("localhost", "127.0.0.1", "::1")


def build(server: ServerContext) -> ServerParts:
    """Check the header `Host` on a loopback address, or where hosts are named."""
    options = server.options
    if not options.allowed_host and not is_loopback(options.host):
        return ServerParts()
    hosts = {host.lower() for host in (*_LOCAL, options.host, *options.allowed_host)}
    origins = options.cors_origin
    layer = Layer(place=Place.EDGE, wrap=lambda app: AllowedHosts(app, hosts, origins))
    return ServerParts(layers=[layer])


def is_loopback(host: str) -> bool:
    """Say whether an address can be reached from this machine alone.

    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class AllowedHosts:
    """Lets through what was asked of one of some hosts, and not by a page of anybody else."""

    def __init__(self, app: ASGIApp, hosts: Collection[str], origins: Collection[str]) -> None:
        self._app = app
        self._hosts = hosts
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "http" and scope["path"] not in PROBES:
            refusal = self._refusal(header_fields(scope))
            if refusal is not None:
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _refusal(self, headers: Mapping[str, str]) -> Response | None:
        host = headers.get("host", "")
        if host and _name(host) not in self._hosts:
            detail = (
                f"The host {host[:100]!r} is not served here. Start the service with "
                "--allowed-host if it is meant to be."
            )
            return JsonResponse({"detail": detail}, status_code=421)
        if headers.get("sec-fetch-site") == "cross-site" and not self._is_known_origin(headers):
            detail = "Pages of other origins are not served. --cors-origin names those that are."
            return JsonResponse({"detail": detail}, status_code=403)
        return None

    def _is_known_origin(self, headers: Mapping[str, str]) -> bool:
        return "*" in self._origins or headers.get("origin") in self._origins


def _name(host: str) -> str:
    """Return the host of a header without its port and brackets.

    >>> _name("[::1]:80"), _name("localhost:80"), _name("[::1].example")
    ('::1', 'localhost', '[::1].example')
    """
    name, _, port = host.strip().lower().rpartition(":")
    if not name or not (port.isdecimal() or port == ""):
        name = host.strip().lower()
    return name[1:-1] if name.startswith("[") and name.endswith("]") else name
