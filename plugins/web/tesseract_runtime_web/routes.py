"""The routes of the page: its files and the plot library."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from runtime_core.contracts import ServerContext, ServerParts
from tesseract_runtime_web.plot_library import PlotLibrary
from tesseract_runtime_web.static_files import StaticFile, static_files

POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "connect-src 'self'; frame-ancestors 'none'"
)
"""The Content-Security-Policy; the plot library needs `unsafe-inline` for styles."""

_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def build(server: ServerContext) -> ServerParts:
    """Add the page, for which callers need no key."""
    library = PlotLibrary.installed()
    files = static_files(plot_library=library.path)
    routes = [*(_file_route(path, file) for path, file in files.items()), _library_route(library)]
    return ServerParts(routes=routes, public_paths=[route.path for route in routes])


def _file_route(path: str, file: StaticFile) -> Route:
    headers = {**_HEADERS, "Cache-Control": "no-cache", "ETag": file.tag}

    async def answer(request: Request) -> Response:
        if request.headers.get("if-none-match") == file.tag:
            return Response(status_code=304, headers=headers)
        return Response(file.content, media_type=file.media_type, headers=headers)

    return Route(path, answer)


def _library_route(library: PlotLibrary) -> Route:
    headers = {
        **_HEADERS,
        "Cache-Control": "public, max-age=31536000, immutable",
        "Content-Encoding": "gzip",
    }

    async def answer(request: Request) -> Response:
        content = await asyncio.to_thread(library.compressed)
        return Response(content, media_type="text/javascript", headers=headers)

    return Route(library.path, answer)
