"""The payloads of `sweep`: one base, with other values of some inputs at each point."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from pydantic_core import from_json, to_json

from runtime_core.calls import enter_scope
from runtime_core.errors import InvalidOption, InvalidPayload, did_you_mean, listed
from runtime_core.paths import Field, InvalidPath, Path, parse, render
from runtime_core.runtime import Runtime
from tesseract_runtime_ensemble.ensemble import Ensemble, Evaluation
from tesseract_runtime_ensemble.points import Points

ENDPOINT = "apply"


def sweep_of(
    points: Points, base: bytes, base_format: str, facts: Mapping[str, Any], runtime: Runtime
) -> Ensemble:
    """Return the evaluations of a sweep, whose first payload is validated.

    Raises `InvalidOption` for a name that is not a path, and `InvalidPayload` for a payload that
    does not fit the schema.
    """
    paths = {name: _path(name) for name in points.changes(0)}
    _require_apart(paths)
    base, base_format = _with_whole_fields(base, base_format, paths, points, runtime)
    try:
        _validate(base, base_format, _changes(points, paths, 0), runtime)
    except InvalidPayload as error:
        raise _with_brackets(error, facts["inputs"]) from None
    return Ensemble(
        endpoint=ENDPOINT,
        number=points.number,
        facts=facts,
        evaluations=partial(_evaluations, points, paths, base, base_format),
    )


def _with_brackets(error: InvalidPayload, specifications: Mapping[str, str]) -> InvalidPayload:
    """Add to the faults of arrays that a list of points can be meant as one array."""
    hints = {
        ("inputs", name): f". Each element is a point; for one array write {name}=[{text}]"
        for name, text in specifications.items()
        if text.startswith("[")
    }
    return InvalidPayload(
        [
            {**each, "msg": each["msg"] + hints.get(tuple(each["loc"]), "")}
            if each["type"] == "array_dimensionality_mismatch"
            else each
            for each in error.details
        ]
    )


def _require_apart(paths: Mapping[str, Path]) -> None:
    """Raise `InvalidOption` for a value that another one would replace."""
    for name, path in paths.items():
        for other, longer in paths.items():
            if other != name and longer[: len(path)] == path:
                raise InvalidOption(
                    f"{other!r} and {name!r} are the same place, or one lies in the other: give "
                    "values to one of them."
                )


def _path(name: str) -> Path:
    try:
        return parse(normalized(name))
    except InvalidPath as error:
        raise InvalidOption(str(error)) from None


def normalized(name: str) -> str:
    """Return a path with a dot before each bracket and brace, which may be left out.

    >>> normalized("x[3]"), normalized("grid.[2].k")
    ('x.[3]', 'grid.[2].k')
    """
    text, in_key = "", False
    for character in name:
        if character in "[{" and not in_key and text and not text.endswith("."):
            text += "."
        in_key = (in_key or character == "{") and character != "}"
        text += character
    return text


def _evaluations(
    points: Points,
    paths: Mapping[str, Path],
    base: bytes,
    base_format: str,
    wanted: Callable[[int], bool],
) -> Iterator[tuple[int, Evaluation]]:
    for index in filter(wanted, range(points.number)):
        yield (
            index,
            Evaluation(
                body=base,  # the same object, which is sent once to each process
                body_format=base_format,
                changes=_changes(points, paths, index),
                inputs=points.changes(index),
            ),
        )


def _changes(points: Points, paths: Mapping[str, Path], index: int) -> dict[str, Any]:
    return {f"inputs.{render(paths[name])}": value for name, value in points.changes(index).items()}


def _with_whole_fields(
    base: bytes, base_format: str, paths: Mapping[str, Path], points: Points, runtime: Runtime
) -> tuple[bytes, str]:
    """Return the base in JSON with each field that a path leads into, its arrays as lists.

    Such a field may have its default, or an array in another encoding.
    """
    entered = {path[0] for path in paths.values() if len(path) > 1}
    if not entered:
        return base, base_format
    simple = {name: path for name, path in paths.items() if len(path) == 1}
    first = points.changes(0)
    changes = {f"inputs.{render(path)}": first[name] for name, path in simple.items()}
    inputs = _validate(base, base_format, changes, runtime)
    whole = _plain(from_json(inputs.model_dump_json(by_alias=True)))
    tree = from_json(inputs.model_dump_json(by_alias=True, exclude_unset=True))
    for step in entered:
        if not isinstance(step, Field):
            tree = whole  # the inputs are a list or a mapping
        elif step.name not in whole:
            raise _unknown(step.name, whole)
        else:
            tree[step.name] = whole[step.name]
    return to_json({"inputs": tree}, inf_nan_mode="strings"), "json"


def _validate(base: bytes, base_format: str, changes: Mapping[str, Any], runtime: Runtime) -> Any:
    """Return the validated inputs of a payload."""
    with enter_scope(runtime.scope().reading({})) as reading:
        plan = runtime.plan(ENDPOINT, base_format)
        return plan.payload(base, reading.options, changes).inputs


def _plain(tree: Any) -> Any:
    """Return a tree with nested lists in the place of arrays."""
    if isinstance(tree, list):
        return [_plain(each) for each in tree]
    if not isinstance(tree, dict):
        return tree
    if tree.get("object_type") == "array":
        return tree["data"]["buffer"]
    return {name: _plain(each) for name, each in tree.items()}


def _unknown(name: str, tree: Mapping[str, Any]) -> InvalidPayload:
    message = f"unknown input.{did_you_mean(name, tree)} Inputs: {listed(tree)}"
    return InvalidPayload([{"type": "unknown_input", "loc": ["inputs", name], "msg": message}])
