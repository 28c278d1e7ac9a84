"""The server extension: the route `GET /acme-example`."""

from runtime_core.contracts import ServerContext, ServerParts
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


def build(server: ServerContext) -> ServerParts:
    """Return the parts that the extension adds to a server."""

    async def show(request: Request) -> JSONResponse:
        return JSONResponse({"name": server.config.name})

    return ServerParts(routes=[Route("/acme-example", show)])
