"""API keys: requests must carry `Authorization: Bearer KEY`."""

from __future__ import annotations

import hmac

from starlette.responses import Response
from starlette.types import Scope

from runtime_core.contracts import Place, ServerContext, ServerParts
from runtime_core.run_logs.run import is_run_id
from runtime_core.server.extensions.refusal import refusing
from runtime_core.server.extensions.run_owners import RunOwners
from runtime_core.server.headers import header_fields, named_run_id
from runtime_core.server.responses import JsonResponse

_TAKEN = "Run {run_id!r} was not first named with this key: name this run with another run_id."


def build(server: ServerContext) -> ServerParts:
    """Require one of the keys, if there are any, and for each run id that which named it first."""
    keys = [key.encode() for key in server.options.api_key]
    if not keys:
        return ServerParts()
    detail = "This service needs a key: send the header 'Authorization: Bearer KEY'."
    owners = RunOwners(server.config)
    challenge = {"WWW-Authenticate": "Bearer"}
    unauthorized = JsonResponse({"detail": detail}, status_code=401, headers=challenge)

    def refusal(scope: Scope) -> Response | None:
        scheme, _, shown = header_fields(scope).get("authorization", "").partition(" ")
        key = shown.strip().encode("utf-8", "replace")
        known = [hmac.compare_digest(key, one) for one in keys]  # all of them, in constant time
        if scheme.lower() != "bearer" or not any(known):
            return unauthorized
        run_id = named_run_id(scope)
        if run_id is None or not is_run_id(run_id) or owners.admits(run_id, key):
            return None
        return JsonResponse({"detail": _TAKEN.format(run_id=run_id)}, status_code=409)

    return ServerParts(layers=[refusing(Place.IDENTITY, refusal)])
