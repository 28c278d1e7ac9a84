"""The shapes that outputs have at some inputs, known without computing twice what is the same.

The shape of an output follows from its declaration, from the author's `abstract_eval`, or, where
neither says it, from one `apply` for each signature of the inputs: their shapes, data types and
plain values.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import numpy as np
from pydantic import BaseModel

from runtime_core.contracts import Binding, Unavailable

Shapes = Mapping[str, tuple[int, ...]]

_REMEMBERED = 256  # signatures; a client that fits a model uses one


class OutputShapes:
    """Knows the shapes of the differentiable outputs of one Tesseract."""

    def __init__(self, binding: Binding) -> None:
        self._binding = binding
        self._known: OrderedDict[str, Shapes] = OrderedDict()

    def at(self, inputs: BaseModel, path: str, guess: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of an output; `guess` if the outputs have no array at `path`."""
        declared = self._binding.schemas.differentiable_outputs.array_type(path).expected_shape
        if declared is not ... and None not in declared:
            return tuple(declared)
        return self._at(inputs).get(path, guess)

    def _at(self, inputs: BaseModel) -> Shapes:
        signature = _signature(inputs.model_dump())
        if signature not in self._known:
            self._known[signature] = self._evaluated(inputs)
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return self._known[signature]

    def _evaluated(self, inputs: BaseModel) -> Shapes:
        """Ask `abstract_eval`, or else `apply` with inputs of its own, which it may change."""
        outputs = self._binding.schemas.differentiable_outputs
        abstract = self._binding.endpoint("abstract_eval")
        if isinstance(abstract, Unavailable):
            answer = self._answer("apply", {"inputs": deepcopy(inputs)})
        else:
            answer = self._answer("abstract_eval", {"inputs": inputs.model_dump()})
        return {path: tuple(leaf.shape) for path, leaf in outputs.leaves(answer)}

    def _answer(self, name: str, payload: Mapping[str, Any]) -> Any:
        endpoint = self._binding.endpoint(name)
        assert not isinstance(endpoint, Unavailable)
        assert endpoint.payload is not None
        answer = endpoint.answer(endpoint.payload.model_validate(payload))
        return getattr(endpoint.result.model_validate(answer), "root", None)


def _signature(value: Any) -> str:
    """Return a text that is equal for equal plain values and equal shapes of arrays."""
    if isinstance(value, np.ndarray | np.generic):
        return f"{value.dtype.str}{value.shape}"
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{key!r}:{_signature(v)}" for key, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_signature, value)) + "]"
    return repr(value)
