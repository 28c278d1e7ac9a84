"""The shapes of outputs, cached by the shapes of differentiable inputs and all other values."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Mapping
from copy import deepcopy

from pydantic import BaseModel

from runtime_core.arrays.coercion import Expected, Shape
from runtime_core.calls.content import Content
from runtime_core.calls.scope import current
from runtime_core.contracts import Binding, Unavailable
from runtime_core.gradients.vectors import shapes_of
from runtime_core.paths import parse, replace
from runtime_core.schemas.abstract import abstracted

Shapes = Mapping[str, tuple[int, ...]]

_LARGEST_CACHE = 256  # signatures; a client that fits a model uses one


class OutputShapes:
    """The shapes of the differentiable outputs of one Tesseract."""

    def __init__(self, binding: Binding) -> None:
        self._binding = binding
        self._known: OrderedDict[object, Shapes] = OrderedDict()

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
        if isinstance(self._binding.function("abstract_eval"), Unavailable):
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
        signature = tuple(shapes.items()), Content.of(others)
        if signature[1] is None:
            return self._evaluated(inputs)
        if signature not in self._known:
            self._known[signature] = self._evaluated(inputs)
            if len(self._known) > _LARGEST_CACHE:
                self._known.popitem(last=False)
        return self._known[signature]

    def _evaluated(self, inputs: BaseModel) -> Shapes:
        """Call `abstract_eval`, or else `apply` with a copy of the inputs: it may change them.

        Neither is called where `apply` has kept a state.
        """
        point = current().forward
        kept = None if point is None else point.shapes()
        if kept is not None:
            return kept
        if isinstance(self._binding.function("abstract_eval"), Unavailable):
            answer = self._binding.plan("apply").outputs(inputs=deepcopy(inputs))
        else:
            answer = self._binding.plan("abstract_eval").outputs(inputs=abstracted(inputs))
        outputs = self._binding.schemas.differentiable_outputs
        return shapes_of(dict(outputs.leaves(answer)))
