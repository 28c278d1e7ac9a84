"""`GET /`: what there is to ask for, as JSON or as links for a browser."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from html import escape
from inspect import getdoc, isroutine

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Match, Route
from starlette.types import Scope

from runtime_core.contracts import ServerParts
from runtime_core.server.headers import CALLER
from runtime_core.server.negotiation import media_ranges
from runtime_core.server.responses import JsonResponse
from runtime_core.server.server import Server


@dataclass(frozen=True, kw_only=True)
class ListedPath:
    """A path of the service, with the methods that it takes."""

    path: str
    methods: Sequence[str]
    summary: str


_DOCUMENTS = (
    ListedPath(path="/docs", methods=["GET"], summary="The endpoints in a page to try them."),
    ListedPath(path="/openapi.json", methods=["GET"], summary="The endpoints as OpenAPI."),
)


def listed_paths(server: Server, parts: Mapping[str, ServerParts]) -> list[ListedPath]:
    """Return the paths of the endpoints, of the documentation and of the extensions."""
    return [*_endpoints(server), *_DOCUMENTS, *_extensions(server, parts)]


def list_route(server: Server, paths: Sequence[ListedPath]) -> Route:
    """Return the route of the list in JSON, for all but browsers."""
    answer = JsonResponse(
        {
            "name": server.config.name,
            "version": server.config.version,
            "paths": [asdict(path) for path in paths],
        }
    )

    async def listed(request: Request) -> Response:
        return answer

    return _ListRoute("/", listed, needs_key=server.options.has_keys)


def links_route(server: Server, paths: Sequence[ListedPath]) -> Route:
    """Return the route of the links, which a plugin's page may replace."""
    answer = HTMLResponse(_page(server.config.name, server.config.description, paths))

    async def links(request: Request) -> Response:
        return answer

    return Route("/", links)


class _ListRoute(Route):
    """Takes the requests whose `Accept` does not prefer HTML."""

    def __init__(
        self, path: str, endpoint: Callable[[Request], Awaitable[Response]], *, needs_key: bool
    ) -> None:
        super().__init__(path, endpoint)
        self._needs_key = needs_key

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, found = super().matches(scope)
        if match is Match.NONE:
            return match, found
        accept = Headers(raw=scope.get("headers", [])).get("accept", "")
        # A plugin's page makes the path public, but not the list.
        is_stranger = self._needs_key and CALLER not in scope
        return (Match.NONE, {}) if is_stranger or _prefers_html(accept) else (match, found)


def _endpoints(server: Server) -> Iterator[ListedPath]:
    for endpoint in server.description.endpoints:
        summary = server.catalog.endpoints.find(endpoint.name).summary
        method = "POST" if endpoint.has_payload else "GET"
        yield ListedPath(path=f"/{endpoint.name}", methods=[method], summary=summary)


def _extensions(server: Server, parts: Mapping[str, ServerParts]) -> Iterator[ListedPath]:
    for name, part in parts.items():
        summary = server.catalog.server_extensions.entries[name].value.summary
        for route in part.routes:
            if isinstance(route, Route):
                methods = sorted((route.methods or {"GET"}) - {"HEAD", "OPTIONS"})
                own = getdoc(route.endpoint) if isroutine(route.endpoint) else None
                line = own.splitlines()[0] if own else summary
                yield ListedPath(path=route.path, methods=methods, summary=line)


def _prefers_html(accept: str) -> bool:
    quality = {one.type: one.quality for one in media_ranges(accept)}
    return quality.get("text/html", 0) > quality.get("application/json", 0)


def _page(name: str, description: str | None, paths: Iterable[ListedPath]) -> str:
    rows = "\n".join(_row(path) for path in paths)
    about = f"<p>{escape(description)}\n" if description else ""
    return _PAGE.format(name=escape(name), about=about, rows=rows)


def _row(path: ListedPath) -> str:
    text = escape(path.path)
    if "GET" in path.methods and "{" not in path.path:
        text = f'<a href=".{text}">{text}</a>'  # relative: a proxy may serve it below a path
    return f"<tr><td>{'/'.join(path.methods)}<td>{text}<td>{escape(path.summary)}"


_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>{name}</title>
<style>body {{ font: 1rem/1.5 system-ui; margin: 2rem }} td {{ padding-right: 1.5rem }}</style>
<h1>{name}</h1>
{about}<p>Try the endpoints at <a href="./docs">/docs</a>.
<table>
{rows}
</table>
"""
