"""Values in nested inputs and outputs by path, and functions of some of them.

Paths are those of the gradient endpoints: `layers.[0].weights`, `named.{any key}`. Trees consist of
dicts, lists, tuples, models and any other objects with attributes; an index also takes an element
of an array. A leaf may be any object, such as a JAX tracer or a torch tensor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from copy import copy
from typing import Any

import numpy as np
from pydantic import BaseModel

from runtime_core.paths import Field, Index, InvalidPath, Key, Path, Step, get, parse, replace

__all__ = ["filter_func", "flatten_with_paths", "get_at_path", "set_at_path"]


def get_at_path(tree: Any, path: str) -> Any:
    """Return the value at a path; the empty path is the tree itself.

    Raises `InvalidPath`, a `ValueError` and `LookupError`, for a path that does not exist.

    >>> get_at_path({"a": [{"b": 1}, {"b": 2}]}, "a.[1].b")
    2
    """
    for step in _steps(path):
        tree = _child(tree, step, path)
    return tree


def set_at_path(tree: Any, values: Mapping[str, Any]) -> Any:
    """Return a copy of a tree with new values at some paths.

    The copy shares unchanged parts with the tree. The last key of a path may be a new key of a
    dict; any other path that does not exist raises `InvalidPath`, a `ValueError` and `LookupError`.

    >>> set_at_path({"a": [1, 2], "b": 3}, {"a.[0]": 10, "c": 4})
    {'a': [10, 2], 'b': 3, 'c': 4}
    """
    if not isinstance(values, Mapping):
        raise TypeError(f"set_at_path takes a dict of values by path, not {values!r:.60}.")
    for path, value in values.items():
        tree = _changed(tree, _steps(path), value, path)
    return tree


def flatten_with_paths(tree: Any, include_paths: Iterable[str]) -> dict[str, Any]:
    """Return the values at some paths, by path, in the order of the paths.

    Raises `InvalidPath`, a `ValueError` and `LookupError`, for a path that does not exist.

    >>> flatten_with_paths({"a": {"x": 1, "y": 2}, "b": 3}, ["b", "a.{y}"])
    {'b': 3, 'a.{y}': 2}
    """
    return {path: get_at_path(tree, path) for path in _listed(include_paths, "include_paths")}


def filter_func(
    func: Callable[[Any], Any],
    default_inputs: Any,
    output_paths: Iterable[str] | None = None,
    input_paths: Iterable[str] | None = None,
) -> Callable[..., Any]:
    """Return a function of some inputs that returns some outputs of `func`.

    Its argument is a dict of values by input path or, with `input_paths`, one value for each of
    them. All other inputs come from `default_inputs`, a dict or a model, of which `func` gets a
    changed copy. It returns a dict of values by output path or, without `output_paths`, the outputs
    of `func`.

    >>> area = lambda inputs: {"area": inputs["width"] * inputs["height"]}
    >>> by_width = filter_func(area, {"width": 1, "height": 2}, ["area"], input_paths=["width"])
    >>> by_width(5)
    {'area': 10}
    """
    if not callable(func):
        raise TypeError(f"filter_func takes a function, not {func!r:.60}.")
    # Sets are read once, so that their order is the same for all calls.
    names = None if input_paths is None else _listed(input_paths, "input_paths")
    wanted = None if output_paths is None else _listed(output_paths, "output_paths")

    def filtered(*values: Any) -> Any:
        changes = _only(values) if names is None else _by_path(names, values)
        outputs = func(set_at_path(default_inputs, changes))
        return outputs if wanted is None else flatten_with_paths(outputs, wanted)

    return filtered


def _only(values: tuple[Any, ...]) -> Any:
    if len(values) != 1:
        raise ValueError(
            f"{len(values)} values were given instead of one dict of values by input path. Name "
            "`input_paths` to give one value for each."
        )
    return values[0]


def _by_path(paths: tuple[str, ...], values: tuple[Any, ...]) -> Mapping[str, Any]:
    if len(values) != len(paths):
        raise ValueError(
            f"{len(values)} values were given for {len(paths)} input paths: {', '.join(paths)}."
        )
    return dict(zip(paths, values, strict=True))


def _listed(paths: Iterable[str], argument: str) -> tuple[str, ...]:
    if isinstance(paths, str):
        raise TypeError(f"{argument} takes a list of paths, not a text: write [{paths!r}].")
    return tuple(paths)


def _steps(path: str) -> Path:
    if not isinstance(path, str):
        raise TypeError(f"A path is a text such as 'a.[0].b', not {path!r:.60}.")
    return parse(path) if path else ()


def _changed(tree: Any, steps: Path, value: Any, path: str) -> Any:
    """Return a copy of a tree; only the last key of a path may be new, in a dict."""
    if not steps:
        return value
    step, *inner = steps
    if not inner and isinstance(tree, Mapping):
        return _with_key(tree, step, value, path)
    child = _changed(_child(tree, step, path), tuple(inner), value, path)
    try:
        return _with_child(tree, step, child)
    except (AttributeError, TypeError) as error:
        kind = type(tree).__name__
        raise InvalidPath(f"{path!r} cannot be set in a value of type {kind}: {error}.") from None


def _child(tree: Any, step: Step, path: str) -> Any:
    try:
        match step:
            case Field(name=name) if not isinstance(tree, Mapping):
                return getattr(tree, name)
            case Index(position=int(position)) if hasattr(tree, "__array__"):
                return tree[range(len(tree))[position]]  # JAX does not check an index itself
        return get(tree, (step,))
    except (AttributeError, LookupError, TypeError):
        raise InvalidPath(
            f"There is nothing at {path!r}: a value of type {type(tree).__name__} has no {step}."
        ) from None


def _with_key(tree: Mapping[Any, Any], step: Step, value: Any, path: str) -> Any:
    try:
        return replace(tree, {(step,): value})
    except InvalidPath:
        match step:
            case Field(name=key) | Key(key=str(key)):
                return {**tree, key: value}
        raise InvalidPath(f"There is nothing at {path!r}: a dict has keys.") from None


def _with_child(tree: Any, step: Step, child: Any) -> Any:
    match step:
        case Field(name=name) if not isinstance(tree, Mapping | BaseModel):
            return _with_attribute(tree, name, child)
        case Index(position=int(position)) if hasattr(tree, "__array__"):
            return _with_element(tree, position, child)
    return replace(tree, {(step,): child})


def _with_attribute(tree: Any, name: str, child: Any) -> Any:
    if isinstance(tree, tuple):
        return tree._replace(**{name: child})  # type: ignore[attr-defined]  # a named tuple
    changed = copy(tree)
    object.__setattr__(changed, name, child)  # frozen dataclasses refuse any other way
    return changed


def _with_element(array: Any, position: int, child: Any) -> Any:
    if hasattr(array, "at"):
        return array.at[position].set(child)  # JAX, whose arrays are immutable
    if hasattr(array, "clone"):
        changed = array.clone()
        changed[position] = child  # torch
        return changed
    changed = np.array(array)
    np.copyto(changed[position : position + 1], child)  # an assignment would cut 0.5 to an integer
    return changed
