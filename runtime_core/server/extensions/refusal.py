"""A layer that refuses requests before they reach the routes."""

from __future__ import annotations

from collections.abc import Callable

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from runtime_core.contracts import Layer, Place
from runtime_core.server.extensions.probes import PROBES


def refusing(place: Place, refusal: Callable[[Scope], Response | None]) -> Layer:
    """Return a layer that answers with the refusal of a request, if there is one.

    Probes are never refused: orchestrators send them without keys and by address.
    """

    def wrap(app: ASGIApp) -> ASGIApp:
        async def refuse_or_forward(scope: Scope, receive: Receive, send: Send) -> None:
            is_checked = scope["type"] == "http" and scope["path"] not in PROBES
            refused = refusal(scope) if is_checked else None
            await (refused or app)(scope, receive, send)

        return refuse_or_forward

    return Layer(place=place, wrap=wrap)
