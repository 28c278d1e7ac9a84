"""CORS: access for web pages of other origins."""

from __future__ import annotations

from functools import partial

from starlette.middleware.cors import CORSMiddleware

from runtime_core.calls.metadata import FIELDS
from runtime_core.contracts import Handling, Layer, Place, RequestHead, ServerContext, ServerParts
from runtime_core.server.responses import (
    FORWARD_HEADER,
    PARENT_RUN_ID_HEADER,
    RUN_ID_HEADER,
    TIMING_HEADER,
)


def build(server: ServerContext) -> ServerParts:
    """Answer the preflight requests of browsers for the given origins."""
    if not server.options.cors_origin:
        return ServerParts()
    wrap = partial(
        CORSMiddleware,
        allow_origins=server.options.cors_origin,
        allow_methods=["GET", "POST", "PUT"],
        allow_headers=[
            "Authorization",
            "Content-Type",
            *FIELDS,
            "If-None-Match",
            FORWARD_HEADER,
            PARENT_RUN_ID_HEADER,
            "Request-Patience",
            "Request-Timeout",
        ],
        expose_headers=[FORWARD_HEADER, RUN_ID_HEADER, TIMING_HEADER, "ETag", "Tesseract-Memo"],
    )
    return ServerParts(layers=[Layer(place=Place.EDGE, wrap=wrap, head=_head)])


def _head(request: RequestHead) -> Handling | None:
    """Leave alone what is not from a web page."""
    # Their answers lack `Vary: Origin`, for caches, which keep no answer to a `POST`.
    return Handling.WRAPPED if "origin" in request.fields else None
