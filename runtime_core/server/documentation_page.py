"""`GET /docs`: the page to read about the endpoints and to try them."""

from __future__ import annotations

from html import escape

from fastapi.openapi.docs import get_swagger_ui_html
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

ASSETS = "/static-offline-docs"
"""The path of the scripts and styles of the page."""

_PARAMETERS = {"defaultModelsExpandDepth": 0, "displayRequestDuration": True}
"""The schemas of all models are a list that the reader opens."""

_DARK_MODE = """<script>
const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", follow);
follow();
</script>
</head>"""
"""Swagger UI has dark colors, and leaves it to the page to choose them."""


def documentation_route(name: str) -> Route:
    """Return the route of the page of a Tesseract."""

    async def page(request: Request) -> HTMLResponse:
        root = request.scope.get("root_path", "")
        html = get_swagger_ui_html(
            openapi_url=f"{root}/openapi.json",
            title=escape(name),
            swagger_js_url=f"{root}{ASSETS}/swagger-ui-bundle.js",
            swagger_css_url=f"{root}{ASSETS}/swagger-ui.css",
            swagger_favicon_url=f"{root}{ASSETS}/favicon.png",
            swagger_ui_parameters=_PARAMETERS,
        )
        return HTMLResponse(bytes(html.body).decode().replace("</head>", _DARK_MODE, 1))

    return Route("/docs", page)
