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
    deferred,
    imported,
)
from runtime_core.hookspecs import hookimpl


@hookimpl
def endpoints() -> Iterable[Endpoint]:
    """Provide what every Tesseract can be asked."""
    return (
        Endpoint(
            name="apply",
            summary="Apply the Tesseract to the input data.",
            bind=deferred("runtime_core.builtin.endpoints:bind_apply"),
        ),
        Endpoint(
            name="jacobian",
            summary="Computes the Jacobian of the Tesseract.",
            bind=deferred("runtime_core.builtin.gradients.jacobian:bind"),
            gradient=True,
        ),
        Endpoint(
            name="jacobian_vector_product",
            summary="Compute the Jacobian vector product of the Tesseract at the input data.",
            bind=deferred("runtime_core.builtin.gradients.jacobian_vector_product:bind"),
            gradient=True,
        ),
        Endpoint(
            name="vector_jacobian_product",
            summary="Compute the vector Jacobian product of the Tesseract at the input data.",
            bind=deferred("runtime_core.builtin.gradients.vector_jacobian_product:bind"),
            gradient=True,
        ),
        Endpoint(
            name="abstract_eval",
            summary="Perform abstract evaluation of the Tesseract on the input data.",
            bind=deferred("runtime_core.builtin.abstract_eval:bind"),
        ),
        Endpoint(
            name="health",
            summary="Get health status of the Tesseract instance.",
            bind=deferred("runtime_core.builtin.endpoints:bind_health"),
        ),
        Endpoint(
            name="input_schema",
            summary="Get input schema for tesseract apply function.",
            bind=deferred("runtime_core.builtin.endpoints:bind_input_schema"),
        ),
        Endpoint(
            name="output_schema",
            summary="Get output schema for tesseract apply function.",
            bind=deferred("runtime_core.builtin.endpoints:bind_output_schema"),
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
            load=deferred("runtime_core.builtin.json_format:JsonDocumentCodec"),
        ),
        Format(
            name="json+base64",
            summary="JSON with arrays as base64.",
            media_types=("application/json+base64",),
            suffixes=(".json",),
            array_encoding="base64",
            load=deferred("runtime_core.builtin.json_format:JsonDocumentCodec"),
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
            load=deferred("runtime_core.arrays.json_encoding:JsonArrayCodec"),
        ),
        ArrayEncoding(
            name="base64",
            summary="The bytes of the array as base64.",
            data_schema=BASE64_DATA_SCHEMA,
            load=deferred("runtime_core.arrays.base64_encoding:Base64ArrayCodec"),
        ),
        ArrayEncoding(
            name="raw",
            summary="The bytes of the array, for binary formats.",
            data_schema=RAW_DATA_SCHEMA,
            load=deferred("runtime_core.arrays.raw_encoding:RawArrayCodec"),
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
            load=imported("runtime_core.cli.check:check"),
        ),
        Command(
            name="openapi-schema",
            summary="Get the openapi.json schema.",
            load=imported("runtime_core.cli.openapi_schema:openapi_schema"),
        ),
        Command(
            name="plugins",
            summary="Show what the installed plugins provide.",
            load=imported("runtime_core.cli.plugins:app"),
        ),
        Command(
            name="serve",
            summary="Start running this Tesseract's web server.",
            load=imported("runtime_core.cli.serve:serve"),
        ),
    )


@hookimpl
def server_extensions() -> Iterable[ServerExtension]:
    """Provide what surrounds the endpoints of the server; of each place the last is outermost."""
    return (
        ServerExtension(
            name="plugins",
            summary="GET /plugins: what the installed plugins provide.",
            build=deferred("runtime_core.server.plugins:build"),
        ),
        ServerExtension(
            name="probes",
            summary="GET /livez and /readyz, for orchestrators.",
            build=deferred("runtime_core.server.probes:build"),
        ),
        ServerExtension(
            name="api-keys",
            summary="Keys that callers must show.",
            build=deferred("runtime_core.server.api_keys:build"),
        ),
        ServerExtension(
            name="cors",
            summary="Calls from web pages of other origins.",
            build=deferred("runtime_core.server.cors:build"),
        ),
        ServerExtension(
            name="hosts",
            summary="Refusal of requests for other hosts.",
            build=deferred("runtime_core.server.hosts:build"),
        ),
        ServerExtension(
            name="access-log",
            summary="One line for each request.",
            build=deferred("runtime_core.server.access_log:build"),
        ),
    )
