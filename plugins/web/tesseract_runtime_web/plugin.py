"""The hook of this plugin."""

from __future__ import annotations

from collections.abc import Iterable

from runtime_core.contracts import ServerExtension, lazy_call
from runtime_core.hookspecs import hookimpl


@hookimpl
def server_extensions() -> Iterable[ServerExtension]:
    """Provide the page."""
    yield ServerExtension(
        name="web",
        summary="A page with a form of the inputs and plots of the results, at /.",
        build=lazy_call("tesseract_runtime_web.routes:build"),
    )
