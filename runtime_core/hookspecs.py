"""The hooks of the runtime, which plugins implement.

A hook takes no arguments and returns declarations from `runtime_core.contracts`. A plugin is a
distribution with an entry point in the group `tesseract_runtime`, a module with functions of these
names that are marked with `hookimpl`:

    [project.entry-points.tesseract_runtime]
    acme = "tesseract_runtime_acme"

The functions of a declaration are called by keyword, with those of the arguments of their contract
that they name.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from runtime_core.contracts import (
        ArrayEncoding,
        CallWrapper,
        Command,
        Compressor,
        Endpoint,
        ExecutorProvider,
        Format,
        GradientBackend,
        Recipe,
        RunSink,
        ServerExtension,
        Settings,
    )

__all__ = [
    "PROJECT", "hookimpl", "hookspec", "endpoints", "formats", "encodings", "compressors",
    "gradient_backends", "run_sinks", "executors", "call_wrappers", "commands", "server_extensions",
    "settings", "recipes",
]  # fmt: skip

PROJECT = "tesseract_runtime"
"""The name of the pluggy project and of the entry-point group."""

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def endpoints() -> Iterable[Endpoint]:
    """Provide endpoints: `POST /name` and the command `name-with-dashes`.

    Example:
        ```python
        from pydantic import RootModel
        from runtime_core.contracts import Binding, BoundEndpoint, Endpoint
        from runtime_core.hookspecs import hookimpl


        class InputCount(RootModel[int]):
            pass


        def bind(binding: Binding) -> BoundEndpoint:
            payload = binding.schemas.payload("InputCountInputSchema", inputs="InputCount")
            return BoundEndpoint(
                payload=payload,
                result=InputCount,
                answer=lambda payload: len(type(payload.inputs).model_fields),
            )


        @hookimpl
        def endpoints():
            yield Endpoint(name="input_count", summary="Count the inputs.", bind=bind)
        ```
    """
    raise NotImplementedError


@hookspec
def formats() -> Iterable[Format]:
    """Provide document formats: the values of `-f`, `Accept` and `Content-Type`.

    Example:
        ```python
        import json

        from runtime_core.contracts import Format
        from runtime_core.hookspecs import hookimpl


        class PrettyJson:
            def loads(self, body, limits):
                return json.loads(bytes(body))

            def dumps(self, tree):
                return [json.dumps(tree, indent=2, default=mapping).encode()]


        def mapping(array):
            return array.document(array.buffer)


        @hookimpl
        def formats():
            yield Format(
                name="pretty",
                summary="JSON for people.",
                media_types=("application/pretty+json",),
                suffixes=(".pretty",),
                array_encoding="json",
                load=PrettyJson,
            )
        ```
    """
    raise NotImplementedError


@hookspec
def encodings() -> Iterable[ArrayEncoding]:
    """Provide array encodings: the values of `data.encoding`.

    Example:
        ```python
        import numpy as np
        from runtime_core.contracts import ArrayEncoding
        from runtime_core.hookspecs import hookimpl


        class Hex:
            def encode(self, array, scope):
                return {"buffer": array.tobytes().hex()}

            def decode(self, data, spec, scope):
                flat = np.frombuffer(bytearray.fromhex(data["buffer"]), spec.dtype)
                return flat.reshape(spec.shape)


        SCHEMA = {
            "title": "HexArrayData",
            "type": "object",
            "properties": {"buffer": {"type": "string"}, "encoding": {"const": "hex"}},
            "required": ["buffer", "encoding"],
        }


        @hookimpl
        def encodings():
            yield ArrayEncoding(
                name="hex", summary="Hexadecimal digits.", data_schema=SCHEMA, load=Hex
            )
        ```
    """
    raise NotImplementedError


@hookspec
def compressors() -> Iterable[Compressor]:
    """Provide compressors: the values of `data.compression`.

    Example:
        ```python
        import zlib

        from runtime_core.contracts import Compressor
        from runtime_core.hookspecs import hookimpl


        class Zlib:
            def compress(self, data):
                return zlib.compress(data)

            def decompress(self, data, into):
                stream = zlib.decompressobj()
                try:
                    plain = stream.decompress(data, len(into) + 1)
                except zlib.error as error:
                    raise ValueError(str(error)) from None
                if len(plain) != len(into) or not stream.eof:
                    raise ValueError(f"expected exactly {len(into)} bytes")
                into[:] = plain


        @hookimpl
        def compressors():
            yield Compressor(name="zlib", summary="DEFLATE, RFC 1950.", load=Zlib)
        ```
    """
    raise NotImplementedError


@hookspec
def gradient_backends() -> Iterable[GradientBackend]:
    """Provide gradient backends: functions for endpoints that the author's file does not define.

    Example:
        ```python
        from runtime_core.contracts import GradientBackend, Unavailable
        from runtime_core.hookspecs import hookimpl


        def provide(endpoint, binding):
            derivative = getattr(binding.api.module, "derivative", None)
            if endpoint != "jacobian" or derivative is None:
                return Unavailable("it serves only the jacobian of files with a `derivative`")
            return lambda inputs, jac_inputs, jac_outputs: {"y": {"x": derivative(inputs.x)}}


        @hookimpl
        def gradient_backends():
            yield GradientBackend(
                name="by-hand", summary="The file's own `derivative`.", provide=provide
            )
        ```
    """
    raise NotImplementedError


@hookspec
def run_sinks() -> Iterable[RunSink]:
    """Provide sinks of run logs, by the schemes of their targets.

    Example:
        ```python
        from runtime_core.contracts import RunSink
        from runtime_core.hookspecs import hookimpl


        class Printed:
            def __init__(self, run, target, config):
                self.run = run

            def write(self, records):
                for record in records:
                    print(self.run.id, record)

            def close(self, status):
                print(self.run.id, status)


        @hookimpl
        def run_sinks():
            yield RunSink(name="print", summary="Prints.", schemes=("print",), open=Printed)
        ```
    """
    raise NotImplementedError


@hookspec
def executors() -> Iterable[ExecutorProvider]:
    """Provide executors: where the evaluations of one call are computed.

    Example:
        ```python
        from concurrent.futures import ProcessPoolExecutor
        from multiprocessing import get_context

        from runtime_core.contracts import ExecutorProvider
        from runtime_core.hookspecs import hookimpl


        def open_pool(target, config):
            workers = int(target.removeprefix("pool:"))
            return ProcessPoolExecutor(workers, mp_context=get_context("spawn"))


        @hookimpl
        def executors():
            yield ExecutorProvider(
                name="pool",
                summary="Processes of the standard library.",
                schemes=("pool",),
                open=open_pool,
            )
        ```
    """
    raise NotImplementedError


@hookspec
def call_wrappers() -> Iterable[CallWrapper]:
    """Provide wrappers of calls, which run where the calls are computed.

    Example:
        ```python
        from runtime_core.contracts import CallWrapper
        from runtime_core.errors import InvalidPayload
        from runtime_core.hookspecs import hookimpl


        def wrap(endpoint, binding):
            if endpoint != "apply":
                return None

            def around(wrapped):
                size = len(wrapped.call.body)
                if size > 1_000_000:
                    message = f"{size} bytes are more than 1000000"
                    fault = {"type": "too_large", "loc": ("inputs",), "msg": message}
                    raise InvalidPayload([fault])
                wrapped.headers["Acme-Size"] = str(size)
                return wrapped.answer()

            return around


        @hookimpl
        def call_wrappers():
            yield CallWrapper(name="acme", summary="Limits the size of payloads.", wrap=wrap)
        ```
    """
    raise NotImplementedError


@hookspec
def commands() -> Iterable[Command]:
    """Provide commands of the command line.

    Example:
        ```python
        import typer
        from runtime_core.contracts import Command
        from runtime_core.hookspecs import hookimpl


        def greet(context: typer.Context, name: str = "you") -> None:
            print(f"{context.obj.config.name} greets {name}")


        @hookimpl
        def commands():
            yield Command(name="greet", summary="Greet the user.", load=lambda: greet)
        ```
    """
    raise NotImplementedError


@hookspec
def server_extensions() -> Iterable[ServerExtension]:
    """Provide routes, middleware and lifespans of the HTTP service.

    Example:
        ```python
        from runtime_core.contracts import ServerExtension, ServerParts
        from runtime_core.hookspecs import hookimpl


        def build(server):
            from starlette.responses import PlainTextResponse
            from starlette.routing import Route

            async def version(request):
                return PlainTextResponse(server.config.version)

            return ServerParts(routes=[Route("/version", version)])


        @hookimpl
        def server_extensions():
            yield ServerExtension(name="version", summary="GET /version.", build=build)
        ```
    """
    raise NotImplementedError


@hookspec
def settings() -> Iterable[Settings]:
    """Provide the options of a plugin.

    Example:
        ```python
        from pydantic import BaseModel
        from runtime_core.contracts import Settings
        from runtime_core.hookspecs import hookimpl


        class AcmeSettings(BaseModel):
            colour: str = "red"


        @hookimpl
        def settings():
            yield Settings(name="acme", summary="How acme works.", load=lambda: AcmeSettings)
        ```
    """
    raise NotImplementedError


@hookspec
def recipes() -> Iterable[Recipe]:
    """Provide recipes: templates of new Tesseracts.

    Example:
        ```python
        from runtime_core.contracts import Recipe
        from runtime_core.hookspecs import hookimpl


        @hookimpl
        def recipes():
            yield Recipe(
                name="readme",
                summary="Only a README.",
                files=lambda: {"README.md": "# A new Tesseract"},
            )
        ```
    """
    raise NotImplementedError
