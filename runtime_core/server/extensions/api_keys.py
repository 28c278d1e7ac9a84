"""Keys that callers must show: `Authorization: Bearer KEY`."""

from __future__ import annotations

import hmac
from collections.abc import Sequence

from starlette.types import ASGIApp, Receive, Scope, Send

from runtime_core.contracts import Layer, Place, ServerContext, ServerParts
from runtime_core.server.extensions.probes import PROBES
from runtime_core.server.headers import header_fields
from runtime_core.server.responses import JsonResponse


def build(server: ServerContext) -> ServerParts:
    """Require one of the keys, if there are any."""
    keys = [key.encode() for key in server.options.api_key]
    if not keys:
        return ServerParts()
    return ServerParts(layers=[Layer(place=Place.IDENTITY, wrap=lambda app: ApiKeys(app, keys))])


class ApiKeys:
    """Lets through what shows a key, and the probes."""

    def __init__(self, app: ASGIApp, keys: Sequence[bytes]) -> None:
        self._app = app
        self._keys = keys
        self._refusal = JsonResponse(
            {"detail": "This service needs a key: send the header 'Authorization: Bearer KEY'."},
            status_code=401,
            headers={"WWW-Authenticate": "Bearer"},
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "http" and not self._admits(scope):
            await self._refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _admits(self, scope: Scope) -> bool:
        if scope["path"] in PROBES:
            return True
        scheme, _, shown = header_fields(scope).get("authorization", "").partition(" ")
        key = shown.strip().encode("utf-8", "replace")
        known = [hmac.compare_digest(key, one) for one in self._keys]  # all, whichever fits
        return scheme.lower() == "bearer" and any(known)
