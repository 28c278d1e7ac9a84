"""Allowed hosts: a web page must not reach a service on its reader's machine.

DNS rebinding lets a page of `evil.example` talk to 127.0.0.1, but its requests name their host.
"""

from __future__ import annotations

from functools import lru_cache

from starlette.responses import Response

from runtime_core.contracts import Place, RequestHead, ServerContext, ServerParts
from runtime_core.server.extensions.refusal import refusing
from runtime_core.server.responses import JsonResponse

_LOCAL = ("localhost", "127.0.0.1", "::1")
_UNKNOWN_HOST = (
    "The host {!r} is not served here. Start the service with --allowed-host if it is meant to be."
)
_UNKNOWN_ORIGIN = "Pages of other origins are not served. --cors-origin names those that are."


def build(server: ServerContext) -> ServerParts:
    """Check the header `Host` on a loopback address, or when hosts are given."""
    options = server.options
    if not options.allowed_host and not options.is_loopback:
        return ServerParts()
    hosts = {host.lower() for host in (*_LOCAL, options.host, *options.allowed_host)}
    origins = options.cors_origin

    def refusal(request: RequestHead) -> Response | None:
        headers = request.fields
        host = headers.get("host", "")
        if host and _name(host) not in hosts:
            return JsonResponse({"detail": _UNKNOWN_HOST.format(host[:100])}, status_code=421)
        is_known_origin = "*" in origins or headers.get("origin") in origins
        if headers.get("sec-fetch-site") == "cross-site" and not is_known_origin:
            return JsonResponse({"detail": _UNKNOWN_ORIGIN}, status_code=403)
        return None

    return ServerParts(layers=[refusing(server, Place.EDGE, refusal)])


@lru_cache(64)  # the hosts of most requests are few
def _name(host: str) -> str:
    """Return the host of a header without its port and brackets.

    >>> _name("[::1]:80"), _name("localhost:80"), _name("[::1].example")
    ('::1', 'localhost', '[::1].example')
    """
    name, _, port = host.strip().lower().rpartition(":")
    if not name or not (port.isdecimal() or port == ""):
        name = host.strip().lower()
    return name[1:-1] if name.startswith("[") and name.endswith("]") else name
