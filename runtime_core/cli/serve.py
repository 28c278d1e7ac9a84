"""The command `serve`: the Tesseract as an HTTP service."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from runtime_core.config import dump
from runtime_core.plugins import PluginSelection

_DEFAULT_PORT = 8000


def _port(text: str) -> int:
    """Read a port; Kubernetes sets `tcp://...` for a service whose name gives our variable."""
    if str(text).startswith("tcp://"):
        print(
            f"Warning: the port {text!r} is ignored, because it looks like a variable that "
            "Kubernetes sets for a service. Name the port with --port.",
            file=sys.stderr,
        )
        return _DEFAULT_PORT
    try:
        port = int(text)
    except ValueError:
        port = -1
    if not 0 <= port < 2**16:
        raise typer.BadParameter(f"{text!r} is no port: it must be a number from 0 to 65535.")
    return port


def serve(
    context: typer.Context,
    port: Annotated[
        int,
        typer.Option(
            "-p",
            "--port",
            help="Port number",
            parser=_port,
            metavar="PORT",
            envvar=["TESSERACT_RUNTIME_SERVE_PORT", "TESSERACT_RUNTIME_PORT"],
        ),
    ] = _DEFAULT_PORT,
    host: Annotated[
        str,
        typer.Option(
            "-h",
            "--host",
            help="Host IP address",
            envvar=["TESSERACT_RUNTIME_SERVE_HOST", "TESSERACT_RUNTIME_HOST"],
        ),
    ] = "127.0.0.1",
) -> None:
    """Serve until SIGTERM or Ctrl-C; the Tesseract runs in a process of its own."""
    from runtime_core.description import loaded_plugins
    from runtime_core.server import serving  # FastAPI and uvicorn, which only this command needs
    from runtime_core.workers import WorkerPool, WorkerSettings

    catalog, config = context.obj.catalog, context.obj.config
    selection: PluginSelection = context.obj.selection
    catalog.formats.find(config.output_format)
    if config.compression is not None:
        catalog.compressors.find(config.compression)
    with serving.bound_socket(host, port) as address:
        settings = WorkerSettings(
            config=dump(config), plugins=selection, loaded=loaded_plugins(catalog)
        )
        serving.serve(catalog=catalog, config=config, workers=WorkerPool(settings), address=address)
