"""The guarded callables of extensions of the server, and of their parts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from copy import copy
from dataclasses import replace
from functools import partial
from inspect import isawaitable
from typing import Any

from runtime_core.calls.metadata import is_field_name
from runtime_core.contracts import Handling, Layer, Place, ServerParts
from runtime_core.errors import listed
from runtime_core.plugins.answer_checks import Wrong, check_texts, is_a, is_manager, shown
from runtime_core.plugins.guard import Guard


def server_callables(guard: Guard, declaration: Any) -> Mapping[str, Any]:
    """Guard an extension, with its routes, layers, lifespan and observer."""
    return {"build": guard.of("build", declaration.build, partial(_parts, guard))}


def _parts(guard: Guard, parts: Any, *_: Any) -> Any:
    is_a(ServerParts)(parts)
    check_texts(parts, "public_paths", "metadata")
    if foreign := [name for name in parts.metadata if not is_field_name(name.lower())]:
        raise Wrong(f"metadata {listed(foreign)}, which is not the name of a free header field")
    for name in ("routes", "layers"):
        is_a(list, tuple)(getattr(parts, name))
    enter = guard.optional("lifespan", parts.lifespan, is_manager("__aenter__", "__aexit__"))
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
