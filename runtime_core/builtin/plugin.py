"""The core's own plugin: its hooks, and what each provides.

Every declaration names its behaviour without importing it, so that a start loads only what is
used.
"""

from __future__ import annotations

from collections.abc import Iterable

from runtime_core.arrays.encoding_schemas import (
    BASE64_DATA_SCHEMA,
    JSON_DATA_SCHEMA,
    RAW_DATA_SCHEMA,
)
from runtime_core.contracts import (
    ArrayEncoding,
    Command,
    Endpoint,
    Format,
    GradientBackend,
    ServerExtension,
    lazy_call,
    lazy_object,
)
from runtime_core.hookspecs import hookimpl


@hookimpl
def endpoints() -> Iterable[Endpoint]:
    """Provide what every Tesseract can be asked."""
    return (
        Endpoint(
            name="apply",
            summary="Apply the Tesseract to the input data.",
            bind=lazy_call("runtime_core.builtin.endpoints:bind_apply"),
        ),
        Endpoint(
            name="jacobian",
            summary="Computes the Jacobian of the Tesseract.",
            bind=lazy_call("runtime_core.builtin.gradients.jacobian:bind"),
            gradient=True,
        ),
        Endpoint(
            name="jacobian_vector_product",
            summary="Compute the Jacobian vector product of the Tesseract at the input data.",
            bind=lazy_call("runtime_core.builtin.gradients.jvp:bind"),
            gradient=True,
        ),
        Endpoint(
            name="vector_jacobian_product",
            summary="Compute the vector Jacobian product of the Tesseract at the input data.",
            bind=lazy_call("runtime_core.builtin.gradients.vjp:bind"),
            gradient=True,
        ),
        Endpoint(
            name="abstract_eval",
            summary="Perform abstract evaluation of the Tesseract on the input data.",
            bind=lazy_call("runtime_core.builtin.abstract_eval:bind"),
        ),
        Endpoint(
            name="health",
            summary="Get health status of the Tesseract instance.",
            bind=lazy_call("runtime_core.builtin.endpoints:bind_health"),
        ),
        Endpoint(
            name="input_schema",
            summary="Get input schema for tesseract apply function.",
            bind=lazy_call("runtime_core.builtin.endpoints:bind_input_schema"),
        ),
        Endpoint(
            name="output_schema",
            summary="Get output schema for tesseract apply function.",
            bind=lazy_call("runtime_core.builtin.endpoints:bind_output_schema"),
        ),
    )


@hookimpl
def formats() -> Iterable[Format]:
    """Provide the JSON formats."""
    return (
        Format(
            name="json",
            summary="JSON with arrays as nested lists.",
            media_types=("application/json",),
            suffixes=(".json",),
            array_encoding="json",
            load=lazy_call("runtime_core.builtin.json_format:JsonDocumentCodec"),
        ),
        Format(
            name="json+base64",
            summary="JSON with arrays as base64.",
            media_types=("application/json+base64",),
            suffixes=(".json",),
            array_encoding="base64",
            load=lazy_call("runtime_core.builtin.json_format:JsonDocumentCodec"),
        ),
    )


@hookimpl
def encodings() -> Iterable[ArrayEncoding]:
    """Provide the encodings that JSON carries, and the one of binary formats."""
    return (
        ArrayEncoding(
            name="json",
            summary="Nested lists of numbers.",
            data_schema=JSON_DATA_SCHEMA,
            load=lazy_call("runtime_core.arrays.json_encoding:JsonArrayCodec"),
        ),
        ArrayEncoding(
            name="base64",
            summary="The bytes of the array as base64.",
            data_schema=BASE64_DATA_SCHEMA,
            load=lazy_call("runtime_core.arrays.base64_encoding:Base64ArrayCodec"),
        ),
        ArrayEncoding(
            name="raw",
            summary="The bytes of the array, for binary formats.",
            data_schema=RAW_DATA_SCHEMA,
            load=lazy_call("runtime_core.arrays.raw_encoding:RawArrayCodec"),
            binary=True,
        ),
    )


@hookimpl
def gradient_backends() -> Iterable[GradientBackend]:
    """Provide what the author wrote."""
    return (
        GradientBackend(
            name="native",
            summary="The functions of tesseract_api.py itself.",
            provide=lambda endpoint, binding: binding.api.function(endpoint),
            auto_rank=0,
        ),
    )


@hookimpl
def commands() -> Iterable[Command]:
    """Provide the commands that are no endpoints."""
    return (
        Command(
            name="check",
            summary="Check whether the Tesseract API can be imported.",
            load=lazy_object("runtime_core.cli.commands.check:check"),
        ),
        Command(
            name="openapi-schema",
            summary="Get the openapi.json schema.",
            load=lazy_object("runtime_core.cli.commands.openapi_schema:openapi_schema"),
        ),
        Command(
            name="plugins",
            summary="Show what the installed plugins provide.",
            load=lazy_object("runtime_core.cli.commands.plugins:app"),
        ),
        Command(
            name="serve",
            summary="Start running this Tesseract's web server.",
            load=lazy_object("runtime_core.cli.commands.serve:serve"),
        ),
    )


@hookimpl
def server_extensions() -> Iterable[ServerExtension]:
    """Provide what surrounds the endpoints of the server; of each place the last is outermost."""
    return (
        ServerExtension(
            name="plugins",
            summary="GET /plugins: what the installed plugins provide.",
            build=lazy_call("runtime_core.server.extensions.plugin_list:build"),
        ),
        ServerExtension(
            name="probes",
            summary="GET /livez and /readyz, for orchestrators.",
            build=lazy_call("runtime_core.server.extensions.probes:build"),
        ),
        ServerExtension(
            name="api-keys",
            summary="Keys that callers must show.",
            build=lazy_call("runtime_core.server.extensions.api_keys:build"),
        ),
        ServerExtension(
            name="cors",
            summary="Calls from web pages of other origins.",
            build=lazy_call("runtime_core.server.extensions.cors:build"),
        ),
        ServerExtension(
            name="hosts",
            summary="Refusal of requests for other hosts.",
            build=lazy_call("runtime_core.server.extensions.allowed_hosts:build"),
        ),
        ServerExtension(
            name="access-log",
            summary="One line for each request.",
            build=lazy_call("runtime_core.server.extensions.access_log:build"),
        ),
    )
