"""The hooks of this plugin."""

from __future__ import annotations

from collections.abc import Iterable

from runtime_core.contracts import ServerExtension, Settings, lazy_call, lazy_object
from runtime_core.hookspecs import hookimpl


@hookimpl
def settings() -> Iterable[Settings]:
    """Provide the option `--umbridge`."""
    yield Settings(
        name="umbridge",
        summary="The HTTP protocol of UM-Bridge.",
        load=lazy_object("tesseract_runtime_umbridge.settings:UmbridgeSettings"),
    )


@hookimpl
def server_extensions() -> Iterable[ServerExtension]:
    """Provide the routes."""
    yield ServerExtension(
        name="umbridge",
        summary="The routes of UM-Bridge, with --umbridge.",
        build=lazy_call("tesseract_runtime_umbridge.routes:build"),
    )
