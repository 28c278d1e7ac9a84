"""Hints in the faults of a payload: the similar name of a field, and a missing `inputs`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from runtime_core.errors import InvalidPayload, did_you_mean
from runtime_core.paths import Field, Index, Path

if TYPE_CHECKING:
    from runtime_core.schemas.walk import Node

_WRAP = 'Field required: wrap the inputs in {"inputs": ...}'


def with_hints(error: InvalidPayload, model: type[BaseModel], value: Any) -> InvalidPayload:
    """Return the faults of a value that a model refuses, with a hint where the mistake is known.

    >>> from pydantic import create_model
    >>> fault = {"type": "extra_forbidden", "loc": ["bta"], "msg": "Not permitted"}
    >>> str(with_hints(InvalidPayload([fault]), create_model("Model", beta=(int, 0)), {"bta": 1}))
    "bta: Not permitted. Did you mean 'beta'?"
    """
    if not any(map(_is_extra, error.details)):
        return error
    from runtime_core.schemas.walk import is_model, walk  # loads numpy; mistakes are rare

    models = [node for node in walk(model) if is_model(node.type)]
    details = _without_bare_inputs(error.details, models)
    return InvalidPayload([_with_similar_name(detail, models, value) for detail in details])


def _is_extra(detail: Mapping[str, Any]) -> bool:
    return bool(detail["type"] == "extra_forbidden")


def _is_key(place: Sequence[int | str], names: set[str]) -> bool:
    return len(place) == 1 and place[0] in names


def _without_bare_inputs(details: Sequence[Any], models: Sequence[Node]) -> Sequence[Any]:
    """Replace the faults of inputs that have no `inputs` around them by one."""
    lacking = [each for each in details if each["type"] == "missing" and each["loc"] == ["inputs"]]
    inputs = _fields(models, ["inputs"])
    bare = [each for each in details if _is_extra(each) and _is_key(each["loc"], inputs)]
    if not (lacking and bare):
        return details
    rest = [each for each in details if each not in (*lacking, *bare)]
    return [{**lacking[0], "msg": _WRAP}, *rest]


def _with_similar_name(
    detail: Mapping[str, Any], models: Sequence[Node], value: Any
) -> Mapping[str, Any]:
    if not _is_extra(detail):
        return detail
    *place, name = detail["loc"]
    fields = _fields(models, place)
    # A field that the base of a sweep has is near too, but one that is lacking is more likely.
    near = did_you_mean(str(name), fields - _keys(value, place)) or did_you_mean(str(name), fields)
    return {**detail, "msg": f"{detail['msg']}.{near}"} if near else detail


def _keys(value: Any, place: Sequence[int | str]) -> set[str]:
    """Return the keys of the object at a place."""
    for step in place:
        with suppress(LookupError, TypeError):  # a step may name a type of a union
            value = value[step]
    return set(value) if isinstance(value, Mapping) else set()


def _fields(models: Sequence[Node], place: Sequence[int | str]) -> set[str]:
    """Return the names that payloads use for the fields of the models at a place."""
    around = [node for node in models if _leads(node.path, place)]
    depth = max(len(node.path) for node in around)
    fields = {
        name: field.validation_alias
        for node in around
        if len(node.path) == depth
        for name, field in node.type.model_fields.items()
    }
    return {alias if isinstance(alias, str) else name for name, alias in fields.items()}


def _leads(path: Path, place: Sequence[int | str]) -> bool:
    """Check whether a path leads to a place or an object around it.

    The place may have further steps, which name types of unions.
    """
    steps = iter(place)
    named = (step for step in path if step != Field("root"))
    return all(any(_fits(step, part) for part in steps) for step in named)


def _fits(step: Any, part: int | str) -> bool:
    if isinstance(step, Field):
        return step.name == part
    return isinstance(part, int) == isinstance(step, Index)
