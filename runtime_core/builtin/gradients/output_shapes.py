"""The shapes of outputs, cached by the shapes of differentiable inputs and all other values."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Collection, Mapping
from copy import deepcopy
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
from pydantic import BaseModel

from runtime_core.arrays.coercion import Expected, Shape
from runtime_core.arrays.dtypes import NAMES
from runtime_core.arrays.shape_dtype import ShapeDType
from runtime_core.contracts import Binding, Unavailable
from runtime_core.gradients import shapes_of
from runtime_core.paths import expand, parse, replace
from runtime_core.schemas.walk import is_array, walk

Shapes = Mapping[str, tuple[int, ...]]

_LARGEST_CACHE = 256  # signatures; a client that fits a model uses one


class OutputShapes:
    """The shapes of the differentiable outputs of one Tesseract."""

    def __init__(self, binding: Binding) -> None:
        self._binding = binding
        self._known: OrderedDict[str, Shapes] = OrderedDict()

    def at(self, inputs: BaseModel, paths: Collection[str]) -> dict[str, Shape]:
        """Return the shapes of outputs at given inputs, or as declared if they are absent there."""
        declared = {path: self._declared(path).shape for path in paths}
        if all(shape is not ... and None not in shape for shape in declared.values()):
            return declared
        known = self._at(inputs)
        return {path: known.get(path, shape) for path, shape in declared.items()}

    def predicted(self, inputs: BaseModel, paths: Collection[str]) -> dict[str, Expected]:
        """Predict shapes and data types of outputs, as far as possible without calling `apply`."""
        declared = {path: self._declared(path) for path in paths}
        if isinstance(self._binding.endpoint("abstract_eval"), Unavailable):
            return declared
        shapes = self.at(inputs, paths)
        return {p: Expected(shape=shapes[p], dtype=fit.dtype) for p, fit in declared.items()}

    def _declared(self, path: str) -> Expected:
        declared = self._binding.schemas.differentiable_outputs.declared(path)
        assert declared is not None  # the payload's paths have been checked
        return declared

    def _at(self, inputs: BaseModel) -> Shapes:
        shapes = shapes_of(dict(self._binding.schemas.differentiable_inputs.leaves(inputs)))
        others = replace(inputs, {parse(path): None for path in shapes})
        signature = f"{shapes}{_text(others)}"
        if signature not in self._known:
            self._known[signature] = self._evaluated(inputs)
            if len(self._known) > _LARGEST_CACHE:
                self._known.popitem(last=False)
        return self._known[signature]

    def _evaluated(self, inputs: BaseModel) -> Shapes:
        """Call `abstract_eval`, or else `apply` with a copy of the inputs: it may change them."""
        if isinstance(self._binding.endpoint("abstract_eval"), Unavailable):
            answer = self._binding.plan("apply").outputs(inputs=deepcopy(inputs))
        else:
            answer = self._binding.plan("abstract_eval").outputs(inputs=_abstract(inputs))
        outputs = self._binding.schemas.differentiable_outputs
        return shapes_of(dict(outputs.leaves(answer)))


def _abstract(inputs: BaseModel) -> Any:
    """Return inputs with a `ShapeDType` in the place of every array."""
    arrays = {
        path: ShapeDType(shape=leaf.shape, dtype=NAMES[leaf.dtype])
        for node in walk(type(inputs))
        if is_array(node.type)
        for path, leaf in expand(inputs, node.path)
        if isinstance(leaf, np.ndarray | np.generic)
    }
    return replace(inputs, arrays)


def _text(value: Any) -> str:
    """Return a text that is equal for equal values only."""
    if isinstance(value, np.ndarray | np.generic):
        digest = hashlib.blake2b(value.tobytes()).hexdigest()
        return f"{value.dtype.str}{value.shape}{digest}"
    if isinstance(value, BaseModel):
        return f"{type(value).__name__}{_text(dict(value))}"
    if is_dataclass(value):
        return f"{type(value).__name__}{_text([getattr(value, f.name) for f in fields(value)])}"
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{key!r}:{_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_text, value)) + "]"
    return repr(value)
