"""The endpoint of a gradient signature: its payload, and the calls of the function behind it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from runtime_core.arrays.coercion import Expected
from runtime_core.calls.scope import current
from runtime_core.contracts import Binding, BoundEndpoint, Unavailable
from runtime_core.errors import InvalidResult
from runtime_core.gradients.batches import BATCH_FIELD, each_of, stack, takes_batch
from runtime_core.gradients.output_shapes import OutputShapes
from runtime_core.gradients.required_memory import require_memory
from runtime_core.gradients.results import ResultCheck, stacked
from runtime_core.gradients.signatures import BATCH, GradientSignature
from runtime_core.gradients.vector_fields import (
    cotangent_field,
    cotangents_of_shapes,
    tangent_field,
)
from runtime_core.gradients.vectors import Vector, shapes_of
from runtime_core.plugins.guard import Guarded
from runtime_core.schemas import PayloadSchemas


def bind_gradient(
    binding: Binding, signature: GradientSignature, *, result: type[BaseModel]
) -> BoundEndpoint | Unavailable:
    """Bind the function that computes the endpoint of a signature.

    Payloads are checked as those of the core's own gradient endpoints, and so are results, which
    the model `result` describes. A signature with vectors has batches.
    """
    function = binding.function(signature.endpoint)
    if isinstance(function, Unavailable):
        return function
    endpoint = GradientEndpoint(
        signature=signature,
        function=function,
        takes_batch=takes_batch(function),
        schemas=binding.schemas,
        shapes=OutputShapes(binding),
    )
    return BoundEndpoint(
        payload=gradient_payload(binding.schemas, signature),
        result=result,
        answer=endpoint.product if signature.vectors else endpoint.jacobian,
        doc=function.__doc__ or "",
    )


@dataclass(frozen=True, kw_only=True)
class GradientEndpoint:
    """A gradient function with the schemas of its Tesseract.

    Expected shapes and data types are known before the function is called: it may change the
    inputs.
    """

    signature: GradientSignature
    function: Callable[..., object]
    takes_batch: bool
    schemas: PayloadSchemas
    shapes: OutputShapes

    @property
    def check(self) -> ResultCheck:
        """The check of the function's results, whose errors name a plugin that made it."""
        function = self.function
        error = function.failed if isinstance(function, Guarded) else InvalidResult
        return ResultCheck(subject=self.signature.endpoint, error=error)

    def jacobian(self, payload: Any) -> object:
        """Return the blocks by output and input."""
        inputs = shapes_of(self.expected_inputs(payload))
        outputs = self.expected_outputs(payload)
        _refuse_large(outputs, inputs)
        return self.check.blocks(self.call(payload.inputs, payload), outputs, inputs)

    def product(self, payload: Any) -> object:
        """Return the product with the vectors of a payload, or those with each of a batch."""
        keyed_by_inputs = self.signature.keyed_by_inputs
        expected = (self.expected_inputs if keyed_by_inputs else self.expected_outputs)(payload)
        vectors = self.vectors(payload)
        if payload.batch is not None:
            return self.products(payload, vectors, expected)
        return self.check.vector(self.call(payload.inputs, payload, *vectors), expected)

    def products(
        self, payload: Any, vectors: Sequence[Vector], expected: Mapping[str, Expected]
    ) -> object:
        """Return the products of a batch, by one call where the function takes it."""
        batch, inputs = payload.batch, payload.inputs
        size = sum(each.least_size() for each in expected.values())
        require_memory(batch * size, "The result of the batch")
        if self.takes_batch:
            fits = {path: stacked(each, batch) for path, each in expected.items()}
            return self.check.vector(self.call(inputs, payload, *vectors, batch=batch), fits)
        calls = f"calls of {self.signature.endpoint}"
        products = (
            self.check.vector(self.call(deepcopy(inputs), payload, *each), expected)
            for each in current().progress.track(each_of(vectors, batch), calls, batch)
        )
        return stack(products, batch, self.check)

    def call(self, inputs: BaseModel, payload: Any, *vectors: Any, **batch: int) -> object:
        """Call the function at inputs, with the paths of a payload as sets."""
        input_paths = set(getattr(payload, self.signature.input_paths))
        output_paths = set(getattr(payload, self.signature.output_paths))
        arguments = (inputs, input_paths, output_paths, *vectors)
        return self.function(**self.signature.keywords(*arguments), **batch)

    def vectors(self, payload: Any) -> list[Vector]:
        """Return the vectors of a payload, cotangents in the shapes of their outputs."""
        vectors = [getattr(payload, name) for name in self.signature.vectors]
        if self.signature.cotangent:
            vectors[0] = cotangents_of_shapes(self.signature, vectors[0], self.shapes, payload)
        return vectors

    def expected_outputs(self, payload: Any) -> dict[str, Expected]:
        """Predict shapes and data types of the outputs to differentiate, without `apply`."""
        paths = getattr(payload, self.signature.output_paths)
        return self.shapes.predicted(payload.inputs, paths)

    def expected_inputs(self, payload: Any) -> dict[str, Expected]:
        """Return shapes and data types of the inputs to differentiate with respect to."""
        leaves = dict(self.schemas.differentiable_inputs.leaves(payload.inputs))
        return {
            path: Expected(shape=tuple(leaves[path].shape), dtype=leaves[path].dtype)
            for path in getattr(payload, self.signature.input_paths)
        }


def _refuse_large(outputs: Mapping[str, Expected], inputs: Mapping[str, tuple[int, ...]]) -> None:
    """Raise `MemoryExceeded` for a Jacobian that is too large, as far as its shape is known."""
    columns = sum(map(math.prod, inputs.values()))
    rows = sum(expected.least_size() for expected in outputs.values())
    require_memory(rows * columns, "The Jacobian")


def gradient_payload(schemas: PayloadSchemas, signature: GradientSignature) -> type[BaseModel]:
    """Make the model of the payloads of a signature, whether or not the endpoint is available."""
    noun = signature.short_name
    fields = {
        signature.input_paths: schemas.differentiable_inputs.paths_of_inputs(
            "Inputs to differentiate with respect to."
        ),
        signature.output_paths: schemas.differentiable_outputs.paths_of_outputs(
            "Outputs to differentiate."
        ),
    }
    if signature.vectors:
        fields[BATCH] = BATCH_FIELD  # before the vectors, whose validation needs it
    if signature.cotangent:
        paths = signature.output_paths
        fields[signature.cotangent] = cotangent_field(schemas, paths, batch=BATCH)
    if signature.tangent:
        paths = signature.input_paths
        fields[signature.tangent] = tangent_field(schemas, paths, batch=BATCH)
    return schemas.payload(
        f"{noun}InputSchema",
        inputs=noun.capitalize(),
        doc=f"The input data to compute the {noun} at.",
        **fields,
    )
