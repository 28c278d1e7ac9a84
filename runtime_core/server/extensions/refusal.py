"""A layer that refuses requests before they reach the routes."""

from __future__ import annotations

from collections.abc import Callable

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from runtime_core.contracts import Layer, Place, RequestHead
from runtime_core.server.extensions.probes import PROBES
from runtime_core.server.headers import CALLER, head_of


def refusing(place: Place, refusal: Callable[[RequestHead], Response | None]) -> Layer:
    """Return a layer that answers with the refusal of a request, if there is one.

    WebSocket handshakes are refused alike. Probes never are: orchestrators send them without keys
    and by address.
    """

    def wrap(app: ASGIApp) -> ASGIApp:
        async def refuse_or_forward(scope: Scope, receive: Receive, send: Send) -> None:
            head = head_of(scope)
            refused = refusal(head)
            if head.caller is not None:
                scope[CALLER] = head.caller
            is_probe = refused is not None and scope["path"] in PROBES
            await (app if refused is None or is_probe else refused)(scope, receive, send)

        return refuse_or_forward

    return Layer(place=place, wrap=wrap, head=refusal)
