"""A plugin with every callable of every contract, one of which is at fault."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from functools import partial, wraps
from types import SimpleNamespace
from typing import Any

import numpy as np
import typer
from pydantic import BaseModel, RootModel
from starlette.responses import PlainTextResponse
from starlette.routing import Mount

from runtime_core.catalog import KINDS, Catalog, Registered
from runtime_core.contracts import (
    ArrayEncoding,
    BoundEndpoint,
    CallWrapper,
    Command,
    Compressor,
    Endpoint,
    ExecutorProvider,
    Format,
    GradientBackend,
    Layer,
    Place,
    Recipe,
    RunSink,
    ServerExtension,
    ServerParts,
    Settings,
    Unavailable,
)
from runtime_core.plugins import assemble
from runtime_core.plugins.declarations import guarded

METADATA = {"x-acme": "1"}
"""The metadata of calls."""

SCHEMA = {
    "title": "AcmeArrayData",
    "properties": {"buffer": {"type": "string"}, "encoding": {"const": "acme"}},
    "required": ["buffer", "encoding"],
}


class Count(RootModel[int]):
    """A number."""


class AcmeSettings(BaseModel):
    """An option."""

    colour: str = "red"


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What one callable of the plugin does instead of its work, or besides it."""

    stage: str
    behaviour: str
    ended: threading.Event

    def at(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a callable of the plugin, at fault if it is that of the stage."""
        if stage != self.stage:
            return function
        behave = _BEHAVIOURS[self.behaviour]
        return wraps(function)(
            lambda *given, **named: behave(self, lambda: function(*given, **named))
        )


def _raise(fault: Fault, work: Callable[[], Any]) -> Any:
    raise RuntimeError("broken")


def _exit(fault: Fault, work: Callable[[], Any]) -> Any:
    raise SystemExit("broken")


def _block(fault: Fault, work: Callable[[], Any]) -> Any:
    time.sleep(0.02)  # as for a second: nothing has a shorter limit
    return work()


def _print(fault: Fault, work: Callable[[], Any]) -> Any:
    print("noise")
    return work()


def _leave_a_thread(fault: Fault, work: Callable[[], Any]) -> Any:
    threading.Thread(target=fault.ended.wait, daemon=True).start()
    return work()


_BEHAVIOURS: Mapping[str, Callable[[Fault, Callable[[], Any]], Any]] = {
    "raises": _raise,
    "exits": _exit,
    "returns None": lambda fault, work: None,
    "returns a wrong type": lambda fault, work: fault,
    "blocks": _block,
    "prints": _print,
    "leaves a thread": _leave_a_thread,
}

BEHAVIOURS = tuple(_BEHAVIOURS)


def declarations(fault: Fault) -> dict[str, Sequence[Any]]:
    """Return the declarations of the plugin by hook."""
    facts: dict[str, Any] = {"name": "acme", "summary": "For tests."}
    at = fault.at
    format_codec = SimpleNamespace(
        loads=at("formats.loads", lambda body, limits: {"inputs": {"x": [1.0]}}),
        dumps=at("formats.dumps", lambda tree: [b"acme"]),
    )
    array_codec = SimpleNamespace(
        encode=at("encodings.encode", lambda array, scope: {"buffer": array.tobytes().hex()}),
        decode=at("encodings.decode", lambda data, spec, scope: np.ones(spec.shape, spec.dtype)),
    )
    compressor = SimpleNamespace(
        compress=at("compressors.compress", _pack), decompress=at("compressors.decompress", _unpack)
    )
    state = SimpleNamespace(close=at("gradient_backends.close", lambda: None))
    jacobian = at("gradient_backends.the provided function", _jacobian)
    handle = SimpleNamespace(
        write=at("run_sinks.write", lambda records: None),
        close=at("run_sinks.close", lambda status: None),
    )
    load: dict[str, Any] = {
        hook: at(f"{hook}.load", lambda value=value: value)
        for hook, value in {
            "commands": _command(fault),
            "settings": AcmeSettings,
        }.items()
    }
    load |= {
        hook: at(f"{hook}.load", lambda context, value=value: value)
        for hook, value in {
            "formats": format_codec,
            "encodings": array_codec,
            "compressors": compressor,
        }.items()
    }
    return {
        "endpoints": [
            Endpoint(**facts, bind=at("endpoints.bind", lambda binding: _bound(fault, binding)))
        ],
        "formats": [
            Format(
                **facts,
                media_types=("application/acme",),
                suffixes=(".acme",),
                array_encoding="json",
                load=load["formats"],
            )
        ],
        "encodings": [ArrayEncoding(**facts, data_schema=SCHEMA, load=load["encodings"])],
        "compressors": [Compressor(**facts, load=load["compressors"])],
        "gradient_backends": [
            GradientBackend(
                **facts,
                open=at("gradient_backends.open", lambda binding: state),
                provide=at(
                    "gradient_backends.provide",
                    lambda endpoint: (
                        jacobian if endpoint == "jacobian" else Unavailable("Not that.")
                    ),
                ),
            )
        ],
        "run_sinks": [
            RunSink(
                **facts,
                schemes=("acme",),
                open=at("run_sinks.open", partial(_opened, handle)),
                target_from=at("run_sinks.target_from", lambda config: None),
                check=at("run_sinks.check", lambda target, config: None),
            )
        ],
        "executors": [
            ExecutorProvider(
                **facts,
                schemes=("acme",),
                open=at("executors.open", lambda target, config: nullcontext()),
                copies=at("executors.copies", lambda target: 1),
            )
        ],
        "call_wrappers": [
            CallWrapper(**facts, wrap=at("call_wrappers.wrap", partial(_wrapper, fault)))
        ],
        "commands": [Command(**facts, load=load["commands"])],
        "server_extensions": [
            ServerExtension(
                **facts, build=at("server_extensions.build", lambda server: _parts(fault))
            )
        ],
        "settings": [Settings(**facts, load=load["settings"])],
        "recipes": [Recipe(**facts, files=at("recipes.files", lambda: {"README.md": "acme"}))],
    }


def _bound(fault: Fault, binding: Any) -> BoundEndpoint:
    return BoundEndpoint(
        payload=binding.schemas.payload("AcmeInputSchema", inputs="Acme"),
        result=Count,
        answer=fault.at("endpoints.answer", _answer),
        check=fault.at("endpoints.check", lambda payload, result: None),
    )


def _answer(payload: Any, metadata: Mapping[str, str]) -> int:
    assert metadata == METADATA
    return int(payload.inputs.x.size)


def _wrapper(fault: Fault, binding: Any, endpoint: str, output: Any) -> Any:
    if endpoint != "acme":
        return None

    def around(wrapped: Any) -> Any:
        assert wrapped.call.metadata == METADATA
        return wrapped.answer()

    return fault.at("call_wrappers.the returned function", around)


def _opened(handle: Any, run: Any, target: str, config: Any) -> Any:
    assert run.metadata == METADATA
    assert run.digest
    assert run.versions
    return handle


def _command(fault: Fault) -> Callable[[typer.Context], None]:
    def command(context: typer.Context) -> None:
        with context.obj.session():
            fault.at("commands.run", lambda: None)()

    return command


def _pack(data: memoryview, *, spec: Any, level: int = 0) -> bytes:
    return bytes(data)


def _unpack(data: memoryview, into: memoryview, *, spec: Any, level: int = 0) -> None:
    into[:] = data


def _jacobian(**arguments: Any) -> Any:
    return {"y": {"x": np.eye(1)}}


def _parts(fault: Fault) -> ServerParts:
    @asynccontextmanager
    async def life() -> Any:
        yield

    def wrapped(app: Any) -> Any:
        return fault.at("server_extensions.the layer at edge", app)

    wrap = fault.at("server_extensions.wrap", wrapped)
    head = fault.at("server_extensions.head", lambda request: None)
    route = fault.at("server_extensions.the route '/acme'", PlainTextResponse("acme"))
    return ServerParts(
        routes=[Mount("/acme", route)],
        layers=[Layer(place=Place.EDGE, wrap=wrap, head=head)],
        metadata=[*METADATA],
        lifespan=fault.at("server_extensions.lifespan", life),
        observe=fault.at("server_extensions.observe", lambda requests: None),
        openapi=fault.at("server_extensions.openapi", lambda document: document),
    )


def with_plugins(catalog: Catalog, *plugins: Mapping[str, Sequence[Any]]) -> Catalog:
    """Return a catalog with the declarations of further plugins, `acme`, `acme-2` and so on."""
    installed = {hook: [*catalog.registry(hook).entries.values()] for hook in KINDS}
    added = []
    for number, plugin in enumerate(plugins, 1):
        name = "acme" if number == 1 else f"acme-{number}"
        facts = {"plugin": name, "distribution": f"{name}-plugin", "version": "1.0"}
        added.append(
            {
                hook: [guarded(Registered(value=value, **facts), KINDS[hook]) for value in values]
                for hook, values in plugin.items()
            }
        )
    return assemble(plugins=catalog.plugins, declarations=[installed, *added])
