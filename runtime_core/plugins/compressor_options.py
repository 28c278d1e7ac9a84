"""The options of a compressor: the keyword-only parameters of the methods of its codec."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from runtime_core.contracts import ArraySpec, BoundCompressor, Buffer, CompressionCodec
from runtime_core.errors import InvalidOption, did_you_mean, listed

_SPEC = "spec"

Options = Mapping[str, inspect.Parameter]


def bound(name: str, text: str, codec: CompressionCodec) -> BoundCompressor:
    """Give a codec the options of a text such as `level=9,fast=no`.

    Raises `InvalidOption` for an unknown option or an invalid value.
    """
    packing, unpacking = keywords(codec.compress), keywords(codec.decompress)
    known = {key: each for key, each in {**unpacking, **packing}.items() if key != _SPEC}
    defaults = {key: each.default for key, each in known.items()}
    options = {**defaults, **_given(name, text, known)}
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


def keywords(method: Callable[..., Any]) -> Options:
    """Return the keyword-only parameters of a method, and `spec`."""
    try:
        parameters = _signature(method).parameters.values()
    except ValueError:  # of a function in C
        return {}
    return {
        each.name: each
        for each in parameters
        if each.kind is each.KEYWORD_ONLY or each.name == _SPEC
    }


def _signature(method: Callable[..., Any]) -> inspect.Signature:
    try:
        return inspect.signature(method, eval_str=True)
    except NameError:  # of a type that only type checkers import
        return inspect.signature(method)


def without_default(method: Callable[..., Any]) -> list[str]:
    """Return the options of a method that have no default."""
    options = keywords(method).values()
    return [each.name for each in options if each.default is each.empty and each.name != _SPEC]


def _named(names: Options, values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: values[name] for name in names}


def _given(name: str, text: str, known: Options) -> dict[str, Any]:
    """Parse the options that a text gives."""
    given = {}
    for part in filter(None, text.split(",")):
        option, _, value = (each.strip() for each in part.partition("="))
        if option not in known:
            raise InvalidOption(
                f"Compression {name!r} has no option {option!r:.60}.{did_you_mean(option, known)} "
                f"Available: {listed(known) or 'none'}."
            )
        try:
            given[option] = TypeAdapter(_type(known[option])).validate_python(value)
        except ValidationError as error:
            problem = error.errors(include_url=False)[0]["msg"]
            raise InvalidOption(
                f"Compression {name!r}: {option}={value!r:.60}: {problem}"
            ) from None
    return given


def _type(option: inspect.Parameter) -> Any:
    """Return the type of an option: that of its annotation, or else of its default."""
    if option.annotation is option.empty or isinstance(option.annotation, str):
        return Any if option.default is None else type(option.default)
    return option.annotation


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
