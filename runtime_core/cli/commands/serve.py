"""The command `serve`: the Tesseract as an HTTP service."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from runtime_core.cli.options import model_of_options, takes_options
from runtime_core.cli.standard_streams import claim_stdout
from runtime_core.config import dump
from runtime_core.documents.wire import configured_wire
from runtime_core.errors import InvalidOption, MissingFile, PluginMissing
from runtime_core.files import is_url
from runtime_core.runtime import served_runtime
from runtime_core.server.serve_options import ServeOptions

if TYPE_CHECKING:
    from runtime_core.catalog import Catalog
    from runtime_core.cli.context import CommandContext
    from runtime_core.config import RuntimeConfig
    from runtime_core.server.addresses import Address
    from runtime_core.workers import Workers

_SECONDS_FOR_SINKS = 10.0  # to send the rest of the records after the last call


@takes_options(ServeOptions, command="serve")
def serve(context: typer.Context, **given: Any) -> None:
    """Serve until SIGTERM or Ctrl-C; the Tesseract runs in worker processes."""
    from runtime_core.server import uvicorn_server  # FastAPI: only this command needs it
    from runtime_core.server.server import Server

    given = _with_key_of_environment(_without_kubernetes_port(given), os.environ)
    options = model_of_options(ServeOptions, given)
    catalog, config = context.obj.catalog, context.obj.config
    _check(options)
    _check_uploads(options, config)
    _refuse_missing_plugins(catalog, options)
    configured_wire(catalog, config)
    if options.reload:
        _reload(config, options)
    with _address(options) as address:
        _warn_of_open_service(options)
        _show_copies(context.obj, options)
        try:
            workers = _workers(context.obj, options)
            server = Server(catalog=catalog, config=config, options=options, workers=workers)
            uvicorn_server.serve(server, address)
        finally:
            context.obj.supervisor.close(_SECONDS_FOR_SINKS)


def _reload(config: RuntimeConfig, options: ServeOptions) -> None:
    """Go on in a process of its own, again after each change; end this one with the last."""
    from runtime_core.server.reloading import serve_again  # for development alone

    code = serve_again(config.api_path.absolute().parent, options.log_format)
    if code is not None:
        raise typer.Exit(code)


def _address(options: ServeOptions) -> Address:
    from runtime_core.server.addresses import TcpAddress, UnixAddress

    if options.uds is None:
        return TcpAddress(options.host, options.port)
    return UnixAddress(Path(options.uds).absolute(), options.uds_mode)


def _show_copies(context: CommandContext, options: ServeOptions) -> None:
    """Print how often the Tesseract is loaded, if an executor multiplies its memory."""
    from runtime_core.executors.chosen_executor import ChosenExecutor  # most have none

    executor = ChosenExecutor.of(context.catalog, context.config)
    if executor.copies:
        workers = options.num_workers
        print(
            f"--executor {executor.target} in each of {workers} workers: up to "
            f"{workers * (1 + executor.copies)} processes of this machine load the Tesseract.",
            file=sys.stderr,
        )


def _workers(context: CommandContext, options: ServeOptions) -> Workers:
    from runtime_core.description import loaded_plugins
    from runtime_core.workers import InProcessWorkers, WorkerPool, WorkerSettings

    if options.in_process:
        claim_stdout()  # the output of user code is not a result
        runtime = served_runtime(context.catalog, context.config)
        return InProcessWorkers(runtime, context.supervisor)
    loaded = loaded_plugins(context.catalog)
    config = dump(context.config)
    settings = WorkerSettings(config=config, plugins=context.selection, loaded=loaded)
    return WorkerPool(
        settings, context.supervisor, size=options.num_workers, timeout=options.timeout
    )


def _check(options: ServeOptions) -> None:
    """Refuse options that exclude each other, and keys that cannot be used."""
    from runtime_core.server.extensions.api_keys import key_owners
    from runtime_core.server.open_files import affordable_connections, most_files

    if options.in_process and (options.timeout is not None or options.num_workers > 1):
        raise InvalidOption(
            "--in-process computes one call at a time and cannot stop it: leave out --timeout and "
            "--num-workers."
        )
    if options.max_connections > affordable_connections(most=sys.maxsize):
        raise InvalidOption(
            f"--max-connections={options.max_connections} leaves nothing of the {most_files()} "
            "files that this process may open. Raise that limit with `ulimit -n`."
        )
    if (options.tls_cert is None) != (options.tls_key is None):
        raise InvalidOption("--tls-cert and --tls-key go together: give both or neither.")
    if options.tls_cert is not None and options.tls_key is not None:
        _check_certificate(options.tls_cert, options.tls_key)
    if options.uds is not None and options.tls_cert is not None:
        raise InvalidOption("--uds and --tls-cert exclude each other: a Unix socket is private.")
    key_owners(options)


def _check_uploads(options: ServeOptions, config: RuntimeConfig) -> None:
    """Refuse uploads that have no local folder."""
    is_local = "input_path" in config.model_fields_set and not is_url(config.input_path)
    if options.allow_uploads and not is_local:
        raise InvalidOption(
            "--allow-uploads stores files in the input path: name a local folder for it with "
            "--input-path."
        )


def _with_key_of_environment(
    given: Mapping[str, Any], environment: Mapping[str, str]
) -> dict[str, Any]:
    """Add the key of the environment: a variable holds one key, every character of it."""
    keys = [environment[name] for name in _KEY_VARIABLES if name in environment]
    if keys and not given["api_key"] and not given["api_key_file"]:
        return {**given, "api_key": keys[:1]}
    return {**given}


_KEY_VARIABLES = tuple(
    f"TESSERACT_{part}API_KEY" for part in ("RUNTIME_SERVE_", "RUNTIME_", "")
)  # the strongest first


def _without_kubernetes_port(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Leave out a port such as `tcp://...`, which Kubernetes sets in a variable of a service."""
    port = given["port"]
    if port is None or not port.startswith("tcp://"):
        return given
    print(
        f"Warning: the port {port!r} is ignored, because it looks like a variable that Kubernetes "
        "sets for a service. Name the port with --port.",
        file=sys.stderr,
    )
    return {**given, "port": None}


def _check_certificate(certificate: str, key: str) -> None:
    import ssl  # only TLS needs it

    for file in (certificate, key):
        if not Path(file).is_file():
            raise MissingFile(f"File {file!r} for TLS does not exist.")
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(certificate, key)
    except (OSError, ValueError) as error:
        raise InvalidOption(
            f"--tls-cert={certificate!r} and --tls-key={key!r} cannot be used for TLS: {error}. "
            "Both must be PEM, and the key that of the certificate."
        ) from None


def _refuse_missing_plugins(catalog: Catalog, options: ServeOptions) -> None:
    """Refuse to serve other machines without a plugin that may have authenticated them."""
    missing, extensions = catalog.missing_plugins, catalog.server_extensions
    faults = [plugin.fault for plugin in missing]
    faults += [extensions.explain(name) for name in extensions.conflicts]
    if options.is_for_others and faults:
        raise PluginMissing(faults, [plugin.distribution for plugin in missing])


def _warn_of_open_service(options: ServeOptions) -> None:
    if options.is_for_others and not options.has_keys:
        place, instead = options.host, "serve on 127.0.0.1"
        if options.is_loopback:
            place, instead = " or ".join(options.allowed_host), "let the proxy require one"
        print(
            f"Warning: everybody who can reach {place} can use this service. Require a key "
            f"with --api-key, or {instead}.",
            file=sys.stderr,
        )
