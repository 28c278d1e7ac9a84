"""The command `serve`: the Tesseract as an HTTP service."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from runtime_core.cli.serve_options import (
    DEFAULT_PORT,
    AllowedHost,
    ApiKey,
    CorsOrigin,
    Host,
    InProcess,
    LogFormat,
    MaxBodySize,
    MaxQueuedBytes,
    NumWorkers,
    Port,
    QueueSize,
    ShutdownGrace,
    Timeout,
    TlsCert,
    TlsKey,
)
from runtime_core.cli.streams import claim_stdout
from runtime_core.config import dump
from runtime_core.contracts import ServeOptions
from runtime_core.documents.wire import configured_wire
from runtime_core.errors import InvalidOption, MissingFile
from runtime_core.runtime import served_runtime

if TYPE_CHECKING:
    from runtime_core.cli.context import CliContext
    from runtime_core.workers import Workers

_SECONDS_FOR_SINKS = 10.0  # for what is still to be sent when the last call has been answered


def serve(
    context: typer.Context,
    port: Port = DEFAULT_PORT,
    host: Host = "127.0.0.1",
    num_workers: NumWorkers = 1,
    queue_size: QueueSize = 64,
    max_queued_bytes: MaxQueuedBytes = None,
    max_body_size: MaxBodySize = 1 << 30,
    timeout: Timeout = None,
    shutdown_grace: ShutdownGrace = 30.0,
    api_key: ApiKey = None,
    allowed_host: AllowedHost = None,
    cors_origin: CorsOrigin = None,
    tls_cert: TlsCert = None,
    tls_key: TlsKey = None,
    log_format: LogFormat = "text",
    in_process: InProcess = False,
) -> None:
    """Serve until SIGTERM or Ctrl-C; the Tesseract runs in processes of its own."""
    from runtime_core.server import serving  # FastAPI and uvicorn, which only this command needs
    from runtime_core.server.memory import available_memory

    options = ServeOptions(
        host=host,
        num_workers=num_workers,
        queue_size=queue_size,
        max_queued_bytes=max_queued_bytes or available_memory() // 4,
        max_body_size=max_body_size,
        timeout=timeout,
        shutdown_grace=shutdown_grace,
        api_keys=tuple(api_key or ()),
        allowed_hosts=tuple(allowed_host or ()),
        cors_origins=tuple(cors_origin or ()),
        log_format=log_format,
        tls_cert=tls_cert,
        tls_key=tls_key,
    )
    catalog, config = context.obj.catalog, context.obj.config
    configured_wire(catalog, config)
    _check(options, in_process=in_process)
    with serving.bound_socket(host, port) as address:
        _warn_of_open_service(options)
        try:
            serving.serve(
                catalog=catalog,
                config=config,
                options=options,
                workers=_workers(context.obj, options, in_process=in_process),
                address=address,
            )
        finally:
            context.obj.supervision.close(_SECONDS_FOR_SINKS)


def _workers(context: CliContext, options: ServeOptions, *, in_process: bool) -> Workers:
    from runtime_core.description import loaded_plugins
    from runtime_core.workers import InProcessWorkers, WorkerPool, WorkerSettings

    if in_process:
        claim_stdout()  # what user code prints is nobody's result
        runtime = served_runtime(context.catalog, context.config, context.supervision)
        return InProcessWorkers(runtime, context.supervision)
    settings = WorkerSettings(
        config=dump(context.config),
        plugins=context.selection,
        loaded=loaded_plugins(context.catalog),
    )
    return WorkerPool(
        settings, context.supervision, size=options.num_workers, timeout=options.timeout
    )


def _check(options: ServeOptions, *, in_process: bool) -> None:
    """Refuse options that do not go together."""
    if in_process and (options.timeout is not None or options.num_workers > 1):
        raise InvalidOption(
            "--in-process computes one call at a time and cannot stop it: leave out --timeout and "
            "--num-workers."
        )
    _refuse_nan("--timeout", options.timeout)
    _refuse_nan("--shutdown-grace", options.shutdown_grace)
    if (options.tls_cert is None) != (options.tls_key is None):
        raise InvalidOption("--tls-cert and --tls-key go together: give both or neither.")
    if options.tls_cert is not None and options.tls_key is not None:
        _check_certificate(options.tls_cert, options.tls_key)
    if not all(key.isascii() and key.strip() for key in options.api_keys):
        raise InvalidOption("--api-key must be text of ASCII characters, and not empty.")


def _refuse_nan(flag: str, seconds: float | None) -> None:
    """Refuse what is neither more nor less than the least that Typer lets pass."""
    if seconds is not None and math.isnan(seconds):
        raise InvalidOption(f"{flag} must be a number of seconds, not nan.")


def _check_certificate(certificate: str, key: str) -> None:
    import ssl  # only who serves TLS needs it

    for file in (certificate, key):
        if not Path(file).is_file():
            raise MissingFile(f"There is no file {file!r} for TLS.")
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(certificate, key)
    except (OSError, ValueError) as error:
        raise InvalidOption(
            f"--tls-cert={certificate!r} and --tls-key={key!r} cannot be used for TLS: {error}. "
            "Both must be PEM, and the key that of the certificate."
        ) from None


def _warn_of_open_service(options: ServeOptions) -> None:
    from runtime_core.server.hosts import is_loopback

    if not is_loopback(options.host) and not options.api_keys:
        print(
            f"Warning: everybody who can reach {options.host} can use this service. Require a key "
            "with --api-key, or serve on 127.0.0.1.",
            file=sys.stderr,
        )
