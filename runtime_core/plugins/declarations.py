"""The declarations of plugins, guarded once when they are loaded.

Guarded with them are the objects that their callables return: codecs, endpoints, functions of
gradients, handles of runs and parts of the server.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from types import MappingProxyType
from typing import Any

from pydantic_core import ValidationError

from runtime_core.catalog import Kind, Registered
from runtime_core.contracts import BoundEndpoint, Command, Settings, Unavailable
from runtime_core.distributions import CORE
from runtime_core.errors import InvalidDefault, PluginFault, listed
from runtime_core.plugins.answer_checks import (
    Wrong,
    are_buffers,
    check_texts,
    is_a,
    is_callable,
    is_manager,
    shown,
)
from runtime_core.plugins.codec_callables import (
    compressor_callables,
    encoding_callables,
    format_callables,
)
from runtime_core.plugins.deprecations import DEPRECATED, warn, warn_of_use
from runtime_core.plugins.guard import Guard, Guarded
from runtime_core.plugins.keyword_call import KeywordCall, UnknownParameter, facts_named
from runtime_core.plugins.server_callables import server_callables


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


def _gradient_backend(guard: Guard, declaration: Any) -> Mapping[str, Any]:
    def provided(answer: Any, *_: Any) -> Any:
        if isinstance(answer, Unavailable):
            return answer
        return guard.of("the provided function", is_callable(answer), _is_result)

    def opened(state: Any, *_: Any) -> BackendState:
        close = guard.optional("close", getattr(state, "close", None))
        return BackendState(value=state, close=close)

    check_texts(declaration, "bodies", "approximates")
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
    check_texts(declaration, "schemes")
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
    check_texts(declaration, "schemes")
    return {
        "open": guard.of("open", declaration.open, is_manager("__enter__", "__exit__"), (OSError,)),
        "copies": guard.optional("copies", declaration.copies, is_a(int)),
    }


def _call_wrapper(guard: Guard, declaration: Any) -> Mapping[str, Any]:
    def wrapping(answer: Any, *_: Any) -> Any:
        return guard.optional("the returned function", answer, are_buffers)

    return {"wrap": guard.of("wrap", declaration.wrap, wrapping)}


def _command(guard: Guard, declaration: Any) -> Mapping[str, Any]:
    return {"load": guard.of("load", declaration.load, is_callable)}


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
        "formats": format_callables,
        "encodings": encoding_callables,
        "compressors": compressor_callables,
        "gradient_backends": _gradient_backend,
        "run_sinks": _run_sink,
        "executors": _executor,
        "call_wrappers": _call_wrapper,
        "commands": _command,
        "server_extensions": server_callables,
        "settings": _settings,
        "recipes": _recipe,
    }
)
"""The guarded callables of a declaration by field, for each hook."""
