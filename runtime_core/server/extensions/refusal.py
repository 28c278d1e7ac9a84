"""A layer that refuses requests before they reach the routes."""

from __future__ import annotations

from collections.abc import Callable

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from runtime_core.contracts import Layer, Place, RequestHead, ServerContext
from runtime_core.server.headers import CALLER, head_of


def refusing(
    server: ServerContext, place: Place, refusal: Callable[[RequestHead], Response | None]
) -> Layer:
    """Return a layer that answers with the refusal of a request, if there is one.

    WebSocket handshakes are refused alike. Requests of public paths never are: orchestrators send
    them without keys and by address.
    """

    def verdict(request: RequestHead) -> Response | None:
        refused = refusal(request)
        is_public = refused is not None and request.path in server.public_paths
        return None if is_public else refused

    def wrap(app: ASGIApp) -> ASGIApp:
        async def refuse_or_forward(scope: Scope, receive: Receive, send: Send) -> None:
            head = head_of(scope)
            refused = verdict(head)
            if head.caller is not None:
                scope[CALLER] = head.caller
            await (app if refused is None else refused)(scope, receive, send)

        return refuse_or_forward

    return Layer(place=place, wrap=wrap, head=verdict)
