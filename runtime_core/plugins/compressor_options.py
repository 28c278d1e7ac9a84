"""The options of a compressor: the keyword-only parameters of the methods of its codec."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from runtime_core.contracts import ArraySpec, BoundCompressor, Buffer, CompressionCodec
from runtime_core.errors import InvalidOption, did_you_mean, listed

_SPEC = "spec"

Defaults = Mapping[str, Any]


def bound(name: str, text: str, codec: CompressionCodec) -> BoundCompressor:
    """Give a codec the options of a text such as `level=9,fast=no`.

    Raises `InvalidOption` for an unknown option or an invalid value.
    """
    packing, unpacking = keywords(codec.compress), keywords(codec.decompress)
    options = {**unpacking, **packing, **_given(name, text, {**unpacking, **packing})}
    options.pop(_SPEC, None)
    kept = [f"{key}={_text(options[key])}" for key in unpacking if key in options]

    def compress(data: memoryview, spec: ArraySpec) -> Buffer:
        return codec.compress(data, **_named(packing, {**options, _SPEC: spec}))

    def decompress(data: memoryview, into: memoryview, spec: ArraySpec) -> None:
        codec.decompress(data, into, **_named(unpacking, {**options, _SPEC: spec}))

    return BoundCompressor(
        name=":".join([name, ",".join(kept)] if kept else [name]),
        compress=compress,
        decompress=decompress,
    )


def keywords(method: Callable[..., Any]) -> Defaults:
    """Return the keyword-only parameters of a method and `spec`, with their defaults."""
    try:
        parameters = inspect.signature(method).parameters.values()
    except ValueError:  # of a function in C
        return {}
    return {
        each.name: each.default
        for each in parameters
        if each.kind is each.KEYWORD_ONLY or each.name == _SPEC
    }


def without_default(method: Callable[..., Any]) -> list[str]:
    """Return the options of a method that have no default."""
    empty = inspect.Parameter.empty
    return [name for name, value in keywords(method).items() if value is empty and name != _SPEC]


def _named(names: Defaults, values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: values[name] for name in names}


def _given(name: str, text: str, defaults: Defaults) -> dict[str, Any]:
    """Parse options as values of the types of their defaults."""
    known = defaults.keys() - {_SPEC}
    given = {}
    for part in filter(None, text.split(",")):
        option, _, value = (each.strip() for each in part.partition("="))
        if option not in known:
            raise InvalidOption(
                f"Compression {name!r} has no option {option!r:.60}.{did_you_mean(option, known)} "
                f"Available: {listed(known) or 'none'}."
            )
        default = defaults[option]
        try:
            adapter = TypeAdapter(Any if default is None else type(default))
            given[option] = adapter.validate_python(value)
        except ValidationError as error:
            problem = error.errors(include_url=False)[0]["msg"]
            raise InvalidOption(
                f"Compression {name!r}: {option}={value!r:.60}: {problem}"
            ) from None
    return given


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
