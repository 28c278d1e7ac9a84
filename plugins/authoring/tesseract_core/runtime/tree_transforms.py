"""Values in nested inputs and outputs by path, and functions of some of them.

Paths are those of the gradient endpoints: `layers.[0].weights`, `named.{any key}`. Trees consist of
dicts, lists, tuples and models; a leaf may be any object, such as a JAX tracer or a torch tensor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pydantic import BaseModel

from runtime_core.paths import Field, InvalidPath, Key, Path, get, parse, replace

__all__ = ["filter_func", "flatten_with_paths", "get_at_path", "set_at_path"]


def get_at_path(tree: Any, path: str) -> Any:
    """Return the value at a path; the empty path is the tree itself.

    Raises `InvalidPath`, a `ValueError`, for a path that does not exist.

    >>> get_at_path({"a": [{"b": 1}, {"b": 2}]}, "a.[1].b")
    2
    """
    return get(tree, _steps(path))


def set_at_path(tree: Any, values: Mapping[str, Any]) -> Any:
    """Return a copy of a tree with new values at some paths.

    The copy shares unchanged parts with the tree. The last key of a path may be a new key of a
    dict; any other path that does not exist raises `InvalidPath`, a `ValueError`.

    >>> set_at_path({"a": [1, 2], "b": 3}, {"a.[0]": 10, "c": 4})
    {'a': [10, 2], 'b': 3, 'c': 4}
    """
    for path, value in values.items():
        tree = _changed(tree, _steps(path), value)
    return tree


def flatten_with_paths(tree: Any, include_paths: Iterable[str]) -> dict[str, Any]:
    """Return the values at some paths, by path, in the order of the paths.

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
    them. All other inputs come from `default_inputs`. It returns a dict of values by output path
    or, without `output_paths`, the outputs of `func`.

    >>> area = lambda inputs: {"area": inputs["width"] * inputs["height"]}
    >>> by_width = filter_func(area, {"width": 1, "height": 2}, ["area"], input_paths=["width"])
    >>> by_width(5)
    {'area': 10}
    """
    if isinstance(default_inputs, BaseModel):
        default_inputs = default_inputs.model_dump()
    # Sets are read once, so that their order is the same for all calls.
    names = None if input_paths is None else tuple(input_paths)
    wanted = None if output_paths is None else tuple(output_paths)

    def filtered(*values: Any) -> Any:
        changes = dict(*values) if names is None else _by_path(names, values)
        outputs = func(set_at_path(default_inputs, changes))
        return outputs if wanted is None else flatten_with_paths(outputs, wanted)

    return filtered


def _by_path(paths: tuple[str, ...], values: tuple[Any, ...]) -> Mapping[str, Any]:
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
        parent = get(tree, path[:-1])
        if not isinstance(parent, Mapping):
            raise
        match path[-1]:
            case Field(name=key) | Key(key=key):
                return replace(tree, {path[:-1]: {**parent, key: value}})
        raise
