"""The declarations of plugins, guarded once when they are loaded.

Guarded with them are the objects that their callables return: codecs, endpoints, functions of
gradients, handles of runs and parts of the server.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from copy import copy
from dataclasses import dataclass, fields, replace
from functools import partial
from inspect import isawaitable
from types import MappingProxyType
from typing import Any, get_args

from pydantic_core import ValidationError

from runtime_core.calls.metadata import is_field_name
from runtime_core.catalog import CORE, Kind, Registered
from runtime_core.contracts import (
    BoundEndpoint,
    Buffer,
    Command,
    EncodedArray,
    Handling,
    Layer,
    Place,
    ServerParts,
    Settings,
    Unavailable,
)
from runtime_core.errors import InvalidDefault, PluginFault, listed
from runtime_core.plugins.compressor_options import without_default
from runtime_core.plugins.deprecations import DEPRECATED, warn, warn_of_use
from runtime_core.plugins.guard import (
    Check,
    Guard,
    Guarded,
    Methods,
    Wrong,
    is_a,
    is_callable,
    shown,
)
from runtime_core.plugins.keyword_call import KeywordCall, UnknownParameter, facts_named


def guarded(entry: Registered[Any], kind: Kind[Any]) -> Registered[Any]:
    """Return an entry whose callables take keywords and are guarded; the core's own are not."""
    guard = Guard(entry=entry, hook=kind.hook)
    warn_of_use(entry, kind.hook, DEPRECATED)
    try:
        declaration = _taking_keywords(kind.hook, entry)
        if entry.distribution != CORE:
            callables = _CALLABLES[kind.hook](guard, declaration)
            declaration = replace(declaration, **callables)
    except (Wrong, UnknownParameter) as wrong:
        what = f"{kind.noun} {entry.value.name!r}"
        raise PluginFault(f"Hook {kind.hook!r} gave the {what} with {wrong}") from None
    return replace(entry, value=declaration)


def _taking_keywords(hook: str, entry: Registered[Any]) -> Any:
    def known(name: str, named: Sequence[str]) -> None:
        warn(entry, (f"{hook}.{name}.{each}" for each in named), DEPRECATED)

    calls = {
        name: KeywordCall(function, offered, partial(known, name))
        for name, offered in PARAMETERS[hook].items()
        if callable(function := getattr(entry.value, name))
    }
    return replace(entry.value, **calls)


def preload(declaration: Any) -> None:
    """Import everything that a declaration leaves to its first use.

    Codecs are loaded with a configuration, later.
    """
    for each in fields(declaration):
        value = getattr(declaration, each.name)
        if isinstance(value, Guarded | KeywordCall):
            value.load()
        if each.name == "load" and isinstance(declaration, Command | Settings):
            value()


def _endpoint(guard: Guard, declaration: Any) -> Mapping[str, Any]:
    return {"bind": guard.of("bind", declaration.bind, partial(_bound, guard))}


def _bound(guard: Guard, bound: Any, *_: Any) -> Any:
    is_a(BoundEndpoint, Unavailable)(bound)
    if isinstance(bound, Unavailable):
        return bound
    models = [bound.result] if bound.payload is None else [bound.result, bound.payload]
    if not all(isinstance(model, type) and hasattr(model, "model_fields") for model in models):
        raise Wrong("a BoundEndpoint whose payload or result is not a pydantic model")
    is_a(str)(bound.doc)
    try:
        facts_named(is_callable(bound.answer))
    except UnknownParameter as unknown:
        raise Wrong(f"a BoundEndpoint whose answer has {unknown}") from None
    extras = is_a(Mapping)(bound.schema_extras)
    if foreign := extras.keys() - {model.__name__ for model in models}:
        raise Wrong(f"a BoundEndpoint with schema_extras of the foreign models {listed(foreign)}")
    return replace(
        bound,
        answer=guard.of("answer", bound.answer, partial(_result, bound.result)),
        check=guard.optional("check", bound.check),
    )


def _result(model: Any, answer: Any, *_: Any) -> Any:
    """Return an answer as the result model; one with a wrong default is the author's fault."""
    try:
        return model.model_validate(answer)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False, include_context=False)
        if all(fault["type"] == InvalidDefault.fault_type for fault in faults):
            return answer
        place = ".".join(map(str, faults[0]["loc"])) or "root"
        raise Wrong(
            f"{shown(answer)}, not a valid {model.__name__}: {place}: {faults[0]['msg']}"
        ) from None


_DECODING = (ValueError, TypeError, OverflowError)
"""What an array encoding may raise for a wrong buffer."""


def _codec(
    guard: Guard, declaration: Any, methods: Methods, *passing: type[Exception]
) -> Mapping[str, Any]:
    guarded = partial(guard.methods, methods)
    return {"load": guard.of("load", declaration.load, guarded, passing)}


def _texts(declaration: Any, *names: str) -> None:
    """Check that fields hold several texts: a single text would be taken letter by letter."""
    for name in names:
        value = getattr(declaration, name)
        if isinstance(value, str) or not isinstance(value, Collection):
            raise Wrong(f"{value!r:.60} as {name}, expected a tuple of texts")
        if not all(isinstance(text, str) for text in value):
            raise Wrong(f"{name} that are not all texts")


def _format(guard: Guard, declaration: Any) -> Mapping[str, Any]:
    _texts(declaration, "media_types", "suffixes", "parameters")
    methods: Methods = {"loads": (is_a(*_TREES), (ValueError,)), "dumps": (_buffers, ())}
    # A parameter of a media type may be wrong.
    return _codec(guard, declaration, methods, ValueError)


_TREES = (dict, list, tuple, str, int, float, type(None), EncodedArray, memoryview)


def _buffers(answer: Any, *_: Any) -> Any:
    if not isinstance(answer, list | tuple):
        raise Wrong(f"{shown(answer)}, expected a list of buffers")
    for piece in answer:
        if not isinstance(piece, Buffer):
            raise Wrong(f"{shown(piece)} among the buffers")
    return answer


def _encoding(guard: Guard, declaration: Any) -> Mapping[str, Any]:
    schema = declaration.data_schema
    if not isinstance(schema, Mapping) or not isinstance(schema.get("properties"), Mapping):
        raise Wrong("a data_schema that has no properties")
    required = {"buffer", *schema.get("required", ())} - {"encoding"}
    types = {key: tuple(_types(each)) for key, each in schema["properties"].items()}
    types.pop("encoding", None)
    methods: Methods = {
        "encode": (partial(_data, required, types), ()),
        "decode": (_array, _DECODING),
    }
    return _codec(guard, declaration, methods)


def _data(
    required: Collection[str], types: Mapping[str, tuple[type[Any], ...]], data: Any, *_: Any
) -> Any:
    """Check the keys of encoded data, and the types of their values, against its schema."""
    if not isinstance(data, Mapping):
        raise Wrong(f"{shown(data)}, expected a mapping")
    for key in required:
        if key not in data:
            raise Wrong(f"data without {key!r}")
    for key, value in data.items():
        if key not in types:
            raise Wrong(f"data with {key!r}, which is not in its schema")
        if not isinstance(value, types[key] or object):
            raise Wrong(f"data with {shown(value)} as {key!r}, which its schema forbids")
    return data


def _types(schema: Mapping[str, Any]) -> Iterator[type[Any]]:
    """Yield the types that a JSON Schema allows; none if it does not name them."""
    for choice in schema.get("anyOf", (schema,)):
        yield from _TYPES.get(choice.get("type"), ())


_TYPES: Mapping[Any, tuple[type[Any], ...]] = MappingProxyType(
    {
        "string": (str, bytes, bytearray, memoryview),
        "number": (int, float),
        "integer": (int,),
        "boolean": (bool,),
        "array": (list, tuple),
        "object": (Mapping,),
        "null": (type(None),),
    }
)


def _array(array: Any, data: Any, spec: Any, *_: Any) -> Any:
    """Check that a decoded array is writable, and has the shape and data type of its document."""
    import numpy as np  # most commands load no array

    if not isinstance(array, np.ndarray):
        raise Wrong(f"{shown(array)}, not an array")
    if array.shape != spec.shape or array.dtype != spec.dtype:
        raise Wrong(
            f"{array.dtype} of shape {array.shape} where the document says {spec.dtype} of shape "
            f"{spec.shape}"
        )
    if not array.flags.writeable:
        raise Wrong("an array that is not writable")
    return array


def _compressor(guard: Guard, declaration: Any) -> Mapping[str, Any]:
    is_buffer = is_a(*get_args(Buffer))
    methods: Methods = {"compress": (is_buffer, ()), "decompress": (None, (ValueError,))}

    def loaded(codec: Any, *_: Any) -> Any:
        checked = guard.methods(methods, codec)
        for name in methods:
            for option in without_default(getattr(codec, name)):
                raise Wrong(
                    f"{shown(codec)} whose {name} has the option {option!r} without default"
                )
        return checked

    return {"load": guard.of("load", declaration.load, loaded)}


def _gradient_backend(guard: Guard, declaration: Any) -> Mapping[str, Any]:
    def provided(answer: Any, *_: Any) -> Any:
        if isinstance(answer, Unavailable):
            return answer
        return guard.of("the provided function", is_callable(answer), _is_result)

    def opened(state: Any, *_: Any) -> BackendState:
        close = guard.optional("close", getattr(state, "close", None))
        return BackendState(value=state, close=close)

    _texts(declaration, "bodies", "approximates")
    return {
        "provide": guard.of("provide", declaration.provide, provided),
        "open": guard.optional("open", declaration.open, opened),
    }


@dataclass(frozen=True, kw_only=True)
class BackendState:
    """The state of a gradient backend for one Tesseract, with its guarded `close`."""

    value: Any
    close: Callable[[], Any] | None


def _is_result(answer: Any, *_: Any) -> Any:
    if not isinstance(answer, Mapping) and not hasattr(answer, "model_fields_set"):
        raise Wrong(f"{shown(answer)}, expected a dict or a model")
    return answer


def _run_sink(guard: Guard, declaration: Any) -> Mapping[str, Any]:
    _texts(declaration, "schemes")
    if not declaration.schemes:
        raise Wrong("no schemes")

    def opened(handle: Any, *_: Any) -> Any:
        return guard.methods(dict.fromkeys(("write", "close"), (None, (Exception,))), handle)

    return {
        # A tracker that is unreachable is reported with the run.
        "open": guard.of("open", declaration.open, opened, (Exception,)),
        "target_from": declaration.target_from
        and guard.of("target_from", declaration.target_from, is_a(str, type(None))),
        "check": guard.optional("check", declaration.check),
    }


def _executor(guard: Guard, declaration: Any) -> Mapping[str, Any]:
    _texts(declaration, "schemes")

    return {
        "open": guard.of("open", declaration.open, _has("__enter__", "__exit__"), (OSError,)),
        "copies": guard.optional("copies", declaration.copies, is_a(int)),
    }


def _has(*methods: str) -> Check:
    """Return the check that an answer is a context manager of some kind."""

    def check(answer: Any, *_: Any) -> Any:
        if not all(hasattr(answer, method) for method in methods):
            raise Wrong(f"{shown(answer)}, expected a context manager")
        return answer

    return check


def _call_wrapper(guard: Guard, declaration: Any) -> Mapping[str, Any]:
    def wrapping(answer: Any, *_: Any) -> Any:
        return guard.optional("the returned function", answer, _buffers)

    return {"wrap": guard.of("wrap", declaration.wrap, wrapping)}


def _command(guard: Guard, declaration: Any) -> Mapping[str, Any]:
    return {"load": guard.of("load", declaration.load, is_callable)}


def _server_extension(guard: Guard, declaration: Any) -> Mapping[str, Any]:
    return {"build": guard.of("build", declaration.build, partial(_parts, guard))}


def _parts(guard: Guard, parts: Any, *_: Any) -> Any:
    is_a(ServerParts)(parts)
    _texts(parts, "public_paths", "metadata")
    if foreign := [name for name in parts.metadata if not is_field_name(name.lower())]:
        raise Wrong(f"metadata {listed(foreign)}, which is not the name of a free header field")
    for name in ("routes", "layers"):
        is_a(list, tuple)(getattr(parts, name))
    enter = guard.optional("lifespan", parts.lifespan, _has("__aenter__", "__aexit__"))
    return replace(
        parts,
        routes=[_route(guard, route) for route in parts.routes],
        layers=[_layer(guard, layer) for layer in parts.layers],
        lifespan=enter and (lambda: _life(guard, enter)),
        observe=parts.observe and _observer(guard, parts.observe),
        openapi=guard.optional("openapi", parts.openapi, is_a(Mapping)),
    )


def _observer(guard: Guard, observe: Any) -> Callable[..., Any]:
    """Guard a function, and what is awaited of an async one."""
    function = guard.of("observe", observe)

    def observer(requests: Any) -> Any:
        pending = function(requests)
        return guard.awaited("observe", pending) if isawaitable(pending) else None

    return observer


def _layer(guard: Guard, layer: Any) -> Layer:
    is_a(Layer)(layer)
    if layer.place not in [*Place]:
        raise Wrong(f"a layer at the unknown place {layer.place!r}; places are {listed([*Place])}")
    place = Place(layer.place)

    def wrapped(application: Any, *_: Any) -> Any:
        return guard.application(f"the layer at {place}", application, _gone())

    return Layer(
        place=place,
        wrap=guard.of("wrap", layer.wrap, wrapped),
        head=guard.optional("head", layer.head, _verdict),
    )


def _verdict(answer: Any, *_: Any) -> Any:
    is_response = hasattr(answer, "raw_headers") and hasattr(answer, "body")  # is not streamed
    if answer not in (None, Handling.WRAPPED) and not is_response:
        expected = "a response with a body, `Handling.WRAPPED` or `None`"
        raise Wrong(f"{shown(answer)}, expected {expected}")
    return answer


def _route(guard: Guard, route: Any) -> Any:
    """Return a route of Starlette whose faults name its plugin."""
    from starlette.exceptions import HTTPException, WebSocketException

    if not all(callable(getattr(route, name, None)) for name in ("matches", "handle")):
        raise Wrong(f"{shown(route)} among its routes")
    stage = f"the route {getattr(route, 'path', shown(route))!r}"
    passing = (*_gone(), HTTPException, WebSocketException)  # the server answers with their status
    guarded = copy(route)
    guarded.matches = guard.of(stage, route.matches)
    guarded.handle = guard.application(stage, route.handle, passing)
    return guarded


def _gone() -> tuple[type[Exception], ...]:
    """Return the exceptions of an application whose client has gone."""
    from starlette.requests import ClientDisconnect  # only a server has applications
    from starlette.websockets import WebSocketDisconnect

    return (ClientDisconnect, WebSocketDisconnect)


@asynccontextmanager
async def _life(guard: Guard, enter: Callable[[], Any]) -> AsyncIterator[None]:
    """Enter and exit the lifespan of an extension."""
    manager = enter()
    await guard.awaited("lifespan", manager.__aenter__())
    yield
    await guard.awaited("lifespan", manager.__aexit__(None, None, None))


def _settings(guard: Guard, declaration: Any) -> Mapping[str, Any]:
    def model(answer: Any) -> Any:
        if not isinstance(answer, type) or not hasattr(answer, "model_fields"):
            raise Wrong(f"{shown(answer)}, expected a pydantic model")
        return answer

    return {"load": guard.of("load", declaration.load, model)}


def _recipe(guard: Guard, declaration: Any) -> Mapping[str, Any]:
    def files(answer: Any) -> Any:
        for part in (*is_a(Mapping)(answer), *answer.values()):
            is_a(str)(part)
        return answer

    return {"files": guard.of("files", declaration.files, files)}


PARAMETERS: Mapping[str, Mapping[str, Sequence[str]]] = MappingProxyType(
    {
        "endpoints": {"bind": ["binding"]},
        "formats": {"load": ["context"]},
        "encodings": {"load": ["context"]},
        "compressors": {"load": ["context"]},
        "gradient_backends": {
            "provide": ["endpoint", "binding", "state", "body", "settings"],
            "open": ["binding", "body", "settings"],
        },
        "run_sinks": {
            "open": ["run", "target", "config"],
            "target_from": ["config"],
            "check": ["target", "config"],
        },
        "executors": {"open": ["target", "config"], "copies": ["target"]},
        "call_wrappers": {"wrap": ["endpoint", "output", "binding"]},
        "commands": {"load": []},
        "server_extensions": {"build": ["server"]},
        "settings": {"load": []},
        "recipes": {"files": []},
    }
)
"""The arguments that the contracts offer to the callables of a declaration, for each hook."""

_CALLABLES: Mapping[str, Callable[[Guard, Any], Mapping[str, Any]]] = MappingProxyType(
    {
        "endpoints": _endpoint,
        "formats": _format,
        "encodings": _encoding,
        "compressors": _compressor,
        "gradient_backends": _gradient_backend,
        "run_sinks": _run_sink,
        "executors": _executor,
        "call_wrappers": _call_wrapper,
        "commands": _command,
        "server_extensions": _server_extension,
        "settings": _settings,
        "recipes": _recipe,
    }
)
"""The guarded callables of a declaration by field, for each hook."""
