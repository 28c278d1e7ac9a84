"""The options of the command `serve`, as Typer reads them."""

from __future__ import annotations

import sys
from typing import Annotated, Literal

import typer

DEFAULT_PORT = 8000


def _port(text: str) -> int:
    """Read a port; Kubernetes sets `tcp://...` for a service whose name gives our variable."""
    if str(text).startswith("tcp://"):
        print(
            f"Warning: the port {text!r} is ignored, because it looks like a variable that "
            "Kubernetes sets for a service. Name the port with --port.",
            file=sys.stderr,
        )
        return DEFAULT_PORT
    try:
        port = int(text)
    except ValueError:
        port = -1
    if not 0 <= port < 2**16:
        raise typer.BadParameter(f"{text!r} is no port: it must be a number from 0 to 65535.")
    return port


Port = Annotated[
    int,
    typer.Option(
        "-p",
        "--port",
        help="Port number",
        parser=_port,
        metavar="PORT",
        envvar=["TESSERACT_RUNTIME_SERVE_PORT", "TESSERACT_RUNTIME_PORT"],
    ),
]
Host = Annotated[
    str,
    typer.Option(
        "-h",
        "--host",
        help="Host IP address",
        envvar=["TESSERACT_RUNTIME_SERVE_HOST", "TESSERACT_RUNTIME_HOST"],
    ),
]
NumWorkers = Annotated[
    int,
    typer.Option(
        "-w",
        "--num-workers",
        min=1,
        help="Number of worker processes",
        envvar=["TESSERACT_RUNTIME_SERVE_NUM_WORKERS", "TESSERACT_RUNTIME_NUM_WORKERS"],
    ),
]
QueueSize = Annotated[
    int, typer.Option(min=0, help="Calls that may wait for a worker; more are refused.")
]
MaxQueuedBytes = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Bytes of the bodies of all calls together.",
        show_default="a quarter of the memory",
    ),
]
MaxBodySize = Annotated[int, typer.Option(min=1, help="Most bytes of one body.")]
Timeout = Annotated[
    float | None,
    typer.Option(min=0.001, help="Seconds after which a call is stopped.", show_default="never"),
]
ShutdownGrace = Annotated[
    float, typer.Option(min=0, help="Seconds that calls may still take after SIGTERM.")
]
ApiKey = Annotated[
    list[str] | None,
    typer.Option(
        help="A key that callers must show; may be repeated.",
        envvar=["TESSERACT_RUNTIME_SERVE_API_KEY", "TESSERACT_API_KEY"],
    ),
]
AllowedHost = Annotated[
    list[str] | None,
    typer.Option(help="A host by whose name the service is reached; may be repeated."),
]
CorsOrigin = Annotated[
    list[str] | None,
    typer.Option(help="An origin whose web pages may call; may be repeated."),
]
TlsCert = Annotated[str | None, typer.Option(help="File of a TLS certificate (PEM).")]
TlsKey = Annotated[str | None, typer.Option(help="File of its private key (PEM).")]
LogFormat = Annotated[
    Literal["text", "json"], typer.Option(help="Form of the line for each request.")
]
InProcess = Annotated[
    bool,
    typer.Option(
        "--in-process", help="Compute in this process, for debuggers; no call can be stopped."
    ),
]
