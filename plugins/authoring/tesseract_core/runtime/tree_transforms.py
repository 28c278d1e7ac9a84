"""Values of nested inputs and outputs by their paths, and functions of some of them.

A path is written as for the gradient endpoints: `layers.[0].weights`, `named.{any key}`. Trees are
made of dicts, lists, tuples and models; the values at the ends of paths may be of any type, such
as the tracers of JAX and the tensors of torch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from pydantic import BaseModel

from runtime_core.paths import Field, InvalidPath, Key, Path, Step, get, parse, replace

__all__ = ["filter_func", "flatten_with_paths", "get_at_path", "set_at_path"]


def get_at_path(tree: Any, path: str) -> Any:
    """Return the value at a path; the empty path is the tree itself.

    Raises `InvalidPath`, a `ValueError`, for a path that does not exist.

    >>> get_at_path({"a": [{"b": 1}, {"b": 2}]}, "a.[1].b")
    2
    """
    return get(tree, _steps(path))


def set_at_path(tree: Any, values: Mapping[str, Any]) -> Any:
    """Return a copy of a tree with other values at some paths.

    Unchanged parts are shared with the tree. A dict need not have the last key of a path yet.
    Raises `InvalidPath`, a `ValueError`, for any other path that does not exist.

    >>> set_at_path({"a": [1, 2], "b": 3}, {"a.[0]": 10, "c": 4})
    {'a': [10, 2], 'b': 3, 'c': 4}
    """
    for path, value in values.items():
        tree = _changed(tree, _steps(path), value)
    return tree


def flatten_with_paths(tree: Any, include_paths: Iterable[str]) -> dict[str, Any]:
    """Return the values at some paths, by path and in their order.

    Raises `InvalidPath`, a `ValueError`, for a path that does not exist.

    >>> flatten_with_paths({"a": {"x": 1, "y": 2}, "b": 3}, ["b", "a.{y}"])
    {'b': 3, 'a.{y}': 2}
    """
    return {path: get_at_path(tree, path) for path in include_paths}


def filter_func(
    func: Callable[[dict[str, Any]], Any],
    default_inputs: Mapping[str, Any] | BaseModel,
    output_paths: Iterable[str] | None = None,
    input_paths: Iterable[str] | None = None,
) -> Callable[..., Any]:
    """Return a function of some inputs that returns some outputs of `func`.

    Its argument is a dict of values by input path or, with `input_paths`, one value for each of
    these. All other inputs are `default_inputs`. It returns a dict of values by output path or,
    without `output_paths`, the outputs of `func`.

    >>> area = lambda inputs: {"area": inputs["width"] * inputs["height"]}
    >>> by_width = filter_func(area, {"width": 1, "height": 2}, ["area"], input_paths=["width"])
    >>> by_width(5)
    {'area': 10}
    """
    inputs = (
        default_inputs.model_dump() if isinstance(default_inputs, BaseModel) else default_inputs
    )
    changes = _by_path if input_paths is None else partial(_by_position, tuple(input_paths))
    wanted = None if output_paths is None else tuple(output_paths)

    def filtered(*values: Any) -> Any:
        outputs = func(set_at_path(inputs, changes(*values)))
        return outputs if wanted is None else flatten_with_paths(outputs, wanted)

    return filtered


def _by_path(values: Mapping[str, Any]) -> Mapping[str, Any]:
    return values


def _by_position(paths: tuple[str, ...], *values: Any) -> Mapping[str, Any]:
    if len(values) != len(paths):
        raise TypeError(
            f"{len(values)} values were given for {len(paths)} input paths: {', '.join(paths)}."
        )
    return dict(zip(paths, values, strict=True))


def _steps(path: str) -> Path:
    return parse(path) if path else ()


def _changed(tree: Any, path: Path, value: Any) -> Any:
    try:
        return replace(tree, {path: value})
    except InvalidPath:
        parent, key = get(tree, path[:-1]), _key(path[-1])
        if key is None or not isinstance(parent, Mapping):
            raise
        return replace(tree, {path[:-1]: {**parent, key: value}})


def _key(step: Step) -> str | None:
    """Return the key of a step into a dict; `None` for an index."""
    match step:
        case Field(name=key) | Key(key=key):
            return key
    return None
