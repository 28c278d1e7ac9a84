"""`abstract_eval` of files without one: from the schema of the outputs, or from example inputs."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any, get_args, get_origin

import numpy as np
from pydantic import BaseModel, ValidationError

from runtime_core.arrays.dtypes import DTYPES
from runtime_core.arrays.shape_dtype import ShapeDType
from runtime_core.calls.content import Content
from runtime_core.contracts import Binding, Unavailable
from runtime_core.errors import InvalidResult, MemoryExceeded
from runtime_core.memory_limit import ArrayMemory
from runtime_core.paths import Path, expand, render, replace
from runtime_core.schemas.abstract import abstract_arrays
from runtime_core.schemas.walk import fields_of, is_array, is_model, walk

Function = Callable[[BaseModel], Any]

_MOST_SIGNATURES = 256  # a client that fits a model uses one


def derived_abstract_eval(binding: Binding) -> Function | Unavailable:
    """Return a function that computes `abstract_eval`, or the reason why there is none."""
    try:
        outputs = _fixed(binding.api.output_schema, "")
    except _NotFixedError as error:
        example = _example(binding.api.input_schema)
        if example is not None:
            return ExampleShapes(binding, example)
        return Unavailable(
            f"{error} is not of a fixed shape in the schema, and InputSchema has no examples "
            "(Field(examples=[...])) at which apply could be evaluated."
        )
    return lambda _: outputs


class _NotFixedError(Exception):
    """A part of the outputs has not the same shape at all inputs, or is not an array."""


def _fixed(annotation: Any, place: str) -> Any:
    """Return the abstract value of outputs, or raise `_NotFixedError` with the place."""
    if is_array(annotation):
        shape = annotation.expected_shape
        if shape is not ... and None not in shape:
            return ShapeDType(shape=shape, dtype=annotation.expected_dtype)
    elif is_model(annotation) and not getattr(annotation, "__pydantic_root_model__", False):
        return {
            name: _fixed(field.annotation, f"{place}.{name}".lstrip("."))
            for name, field in fields_of(annotation).items()
        }
    elif get_origin(annotation) is tuple and ... not in get_args(annotation):
        inner = enumerate(get_args(annotation))
        return tuple(_fixed(each, f"{place}.[{index}]") for index, each in inner)
    raise _NotFixedError(place or "the output")


def _example(schema: type[BaseModel]) -> BaseModel | None:
    """Return the inputs of the first examples and the defaults of a schema, if they are valid."""
    extra = schema.model_config.get("json_schema_extra")
    whole = extra.get("examples") if isinstance(extra, dict) else None
    fields = {
        field.alias or name: field.examples[0]
        for name, field in fields_of(schema).items()
        if field.examples
    }
    try:
        return schema.model_validate(whole[0] if isinstance(whole, list) and whole else fields)
    except ValidationError:
        return None


class ExampleShapes:
    """Evaluates `apply` once for each combination of shapes and plain values of the inputs.

    The values of arrays are those of the example, repeated as often as their shape needs.
    """

    def __init__(self, binding: Binding, example: BaseModel) -> None:
        self._binding = binding
        self._example = example
        self._known: OrderedDict[object, Any] = OrderedDict()

    def __call__(self, abstract_inputs: BaseModel) -> Any:
        """Return the outputs with the shape and data type of each array."""
        signature = Content.of(abstract_inputs)
        if signature not in self._known:
            arrays = dict(self._arrays(abstract_inputs))
            # The fields are declared for shapes, and hold arrays.
            inputs = replace(abstract_inputs, arrays).model_dump(by_alias=True, warnings=False)
            outputs: Any = self._binding.plan("apply").evaluate({"inputs": inputs})
            values = outputs.root.model_dump(by_alias=False)
            self._known[signature] = replace(values, abstract_arrays(outputs.root))
            if len(self._known) > _MOST_SIGNATURES:
                self._known.popitem(last=False)
        return self._known[signature]

    def _arrays(self, abstract_inputs: BaseModel) -> Iterator[tuple[Path, Any]]:
        """Yield the path and values of each array of the inputs."""
        memory = ArrayMemory(self._binding.config.memory_limit, MemoryExceeded)
        for node in walk(self._binding.api.input_schema):
            if not is_array(node.type):
                continue
            values = dict(expand(self._example, node.path))
            for path, leaf in expand(abstract_inputs, node.path):
                if isinstance(leaf, ShapeDType):
                    value = values.get(path, next(iter(values.values()), None))
                    if value is None:
                        raise InvalidResult(_no_values(render(path)))
                    dtype = DTYPES[leaf.dtype]
                    memory.take(math.prod(leaf.shape) * dtype.itemsize, leaf.shape)
                    yield path, np.resize(value, leaf.shape).astype(dtype)[()]


def _no_values(path: str) -> str:
    return (
        f"abstract_eval evaluates apply at example inputs, which have no array at {path!r}: add "
        "one with Field(examples=[...]), or define abstract_eval."
    )
