"""The core's own plugin: declarations that import nothing until it is used."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import nullcontext

from runtime_core.arrays.encoding_schemas import (
    BASE64_DATA_SCHEMA,
    JSON_DATA_SCHEMA,
    RAW_DATA_SCHEMA,
)
from runtime_core.contracts import (
    ArrayEncoding,
    Command,
    Endpoint,
    ExecutorProvider,
    Format,
    GradientBackend,
    ServerExtension,
    lazy_call,
    lazy_object,
)
from runtime_core.errors import InvalidOption
from runtime_core.gradients.signatures import SIGNATURES
from runtime_core.hookspecs import hookimpl

_ENDPOINTS = (
    ("apply", "endpoints:bind_apply", "Apply the Tesseract to the input data."),
    ("jacobian", "gradients:bind_jacobian", "Computes the Jacobian of the Tesseract."),
    (
        "jacobian_vector_product",
        "gradients:bind_jvp",
        "Compute the Jacobian vector product of the Tesseract at the input data.",
    ),
    (
        "vector_jacobian_product",
        "gradients:bind_vjp",
        "Compute the vector Jacobian product of the Tesseract at the input data.",
    ),
    (
        "abstract_eval",
        "abstract_eval:bind",
        "Perform abstract evaluation of the Tesseract on the input data.",
    ),
    ("health", "endpoints:bind_health", "Get health status of the Tesseract instance."),
    (
        "input_schema",
        "endpoints:bind_input_schema",
        "Get input schema for tesseract apply function.",
    ),
    (
        "output_schema",
        "endpoints:bind_output_schema",
        "Get output schema for tesseract apply function.",
    ),
)
_FORMATS = (
    ("json", "json", "JSON with arrays as nested lists."),
    ("json+base64", "base64", "JSON with arrays as base64."),
)
_COMMANDS = (
    ("check", "check:check", "Check whether the Tesseract API can be imported."),
    ("openapi-schema", "openapi_schema:openapi_schema", "Get the openapi.json schema."),
    ("plugins", "plugins:app", "Show what the installed plugins provide."),
    ("serve", "serve:serve", "Start running this Tesseract's web server."),
)
_SERVER_EXTENSIONS = (
    ("plugins", "plugin_list", "GET /plugins: what the installed plugins provide."),
    ("probes", "probes", "GET /livez and /readyz, for orchestrators."),
    ("downloads", "downloads", "GET /runs/ID/files/PATH: what runs have written."),
    ("uploads", "uploads", "PUT /files/NAME: files for payloads, with --allow-uploads."),
    ("api-keys", "api_keys", "Keys that callers must show."),
    ("cors", "cors", "Calls from web pages of other origins."),
    ("hosts", "allowed_hosts", "Refusal of requests for other hosts."),
    ("access-log", "access_log", "One line for each request."),
)


@hookimpl
def endpoints() -> Iterable[Endpoint]:
    """Provide the endpoints of every Tesseract."""
    for name, bind, summary in _ENDPOINTS:
        yield Endpoint(
            name=name,
            summary=summary,
            bind=lazy_call(f"runtime_core.builtin.{bind}"),
            gradient=name in SIGNATURES,
        )


@hookimpl
def formats() -> Iterable[Format]:
    """Provide the JSON formats."""
    for name, array_encoding, summary in _FORMATS:
        yield Format(
            name=name,
            summary=summary,
            media_types=(f"application/{name}",),
            suffixes=(".json",),
            array_encoding=array_encoding,
            any_encoding=name == array_encoding,
            load=lazy_call("runtime_core.documents:JsonDocumentCodec"),
        )


@hookimpl
def encodings() -> Iterable[ArrayEncoding]:
    """Provide the encodings that JSON carries, and the one of binary formats."""
    yield ArrayEncoding(
        name="json",
        summary="Nested lists of numbers.",
        data_schema=JSON_DATA_SCHEMA,
        load=lazy_call("runtime_core.arrays.json_encoding:JsonArrayCodec"),
    )
    yield ArrayEncoding(
        name="base64",
        summary="The bytes of the array as base64.",
        data_schema=BASE64_DATA_SCHEMA,
        load=lazy_call("runtime_core.arrays.base64_encoding:Base64ArrayCodec"),
    )
    yield ArrayEncoding(
        name="raw",
        summary="The bytes of the array, for binary formats.",
        data_schema=RAW_DATA_SCHEMA,
        load=lazy_call("runtime_core.arrays.raw_encoding:RawArrayCodec"),
        binary=True,
    )


@hookimpl
def gradient_backends() -> Iterable[GradientBackend]:
    """Provide the functions that the author wrote."""
    yield GradientBackend(
        name="native",
        summary="The functions of tesseract_api.py itself.",
        provide=lambda endpoint, binding: binding.api.function(endpoint),
        auto_rank=0,
    )


def _no_processes(target: str) -> int:
    """Return 0 for `serial`, which takes no number."""
    if target != "serial":
        raise InvalidOption(f"--executor {target!r} is not valid: expected serial.")
    return 0


@hookimpl
def executors() -> Iterable[ExecutorProvider]:
    """Provide the executors of this machine."""
    yield ExecutorProvider(
        name="serial",
        summary="One evaluation after the other, in the thread of the call.",
        schemes=("serial",),
        open=lambda target, config: nullcontext(),
        copies=_no_processes,
    )
    yield ExecutorProvider(
        name="processes",
        summary="Processes of this machine: processes:N, by default one a core.",
        schemes=("processes",),
        open=lazy_call("runtime_core.workers.processes:open_processes"),
        copies=lazy_call("runtime_core.workers.processes:number_of_processes"),
    )


@hookimpl
def commands() -> Iterable[Command]:
    """Provide the commands other than those of endpoints."""
    for name, target, summary in _COMMANDS:
        load = lazy_object(f"runtime_core.cli.commands.{target}")
        yield Command(name=name, summary=summary, load=load)


@hookimpl
def server_extensions() -> Iterable[ServerExtension]:
    """Provide the extensions of the server; of each place the last is outermost."""
    for name, module, summary in _SERVER_EXTENSIONS:
        build = lazy_call(f"runtime_core.server.extensions.{module}:build")
        yield ServerExtension(name=name, summary=summary, build=build)
