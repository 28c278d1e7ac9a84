"""API keys: requests must carry `Authorization: Bearer KEY`."""

from __future__ import annotations

import hmac

from starlette.responses import Response
from starlette.types import Scope

from runtime_core.contracts import Place, ServerContext, ServerParts
from runtime_core.server.extensions.refusal import refusing
from runtime_core.server.headers import header_fields
from runtime_core.server.responses import JsonResponse


def build(server: ServerContext) -> ServerParts:
    """Require one of the keys, if there are any."""
    keys = [key.encode() for key in server.options.api_key]
    if not keys:
        return ServerParts()
    detail = "This service needs a key: send the header 'Authorization: Bearer KEY'."
    challenge = {"WWW-Authenticate": "Bearer"}
    unauthorized = JsonResponse({"detail": detail}, status_code=401, headers=challenge)

    def refusal(scope: Scope) -> Response | None:
        scheme, _, shown = header_fields(scope).get("authorization", "").partition(" ")
        key = shown.strip().encode("utf-8", "replace")
        known = [hmac.compare_digest(key, one) for one in keys]  # all of them, in constant time
        return None if scheme.lower() == "bearer" and any(known) else unauthorized

    return ServerParts(layers=[refusing(Place.IDENTITY, refusal)])
