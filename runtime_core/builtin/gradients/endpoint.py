"""The gradient endpoints: their payloads, and the calls of the functions that compute them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from pydantic import BaseModel, RootModel

from runtime_core.arrays.coercion import Expected
from runtime_core.arrays.gradient_array import GradientArray
from runtime_core.builtin.gradients.output_shapes import OutputShapes
from runtime_core.builtin.gradients.vector_fields import (
    cotangent_field,
    cotangents_of_shapes,
    tangent_field,
)
from runtime_core.contracts import Binding, BoundEndpoint, Unavailable
from runtime_core.errors import InvalidResult, InvalidTesseract
from runtime_core.gradients import (
    JACOBIAN,
    JVP,
    VJP,
    GradientSignature,
    ResultCheck,
    require_memory,
    shapes_of,
)
from runtime_core.gradients.selection import nothing_differentiable
from runtime_core.plugins.guard import Guarded
from runtime_core.schemas import PayloadSchemas


class JacobianOutputSchema(RootModel[dict[str, dict[str, GradientArray]]]):
    """The Jacobian, {jac_outputs: {jac_inputs: array}}.

    The shape of each array is (*output.shape, *input.shape).
    """


class JVPOutputSchema(RootModel[dict[str, GradientArray]]):
    """The Jacobian times the tangent, {jvp_outputs: array}, each of the shape of its output."""


class VJPOutputSchema(RootModel[dict[str, GradientArray]]):
    """The cotangent times the Jacobian, {vjp_inputs: array}, each of the shape of its input."""


def bind_jacobian(binding: Binding) -> BoundEndpoint | Unavailable:
    """Bind the author's `jacobian`."""
    return _bind(binding, JACOBIAN, result=JacobianOutputSchema, answer=_jacobian)


def bind_jvp(binding: Binding) -> BoundEndpoint | Unavailable:
    """Bind the author's `jacobian_vector_product`."""
    return _bind(binding, JVP, result=JVPOutputSchema, answer=_jvp, vector_field=tangent_field)


def bind_vjp(binding: Binding) -> BoundEndpoint | Unavailable:
    """Bind the author's `vector_jacobian_product`."""
    return _bind(binding, VJP, result=VJPOutputSchema, answer=_vjp, vector_field=cotangent_field)


@dataclass(frozen=True, kw_only=True)
class GradientEndpoint:
    """A gradient function with the schemas of its Tesseract."""

    signature: GradientSignature
    function: Callable[..., object]
    schemas: PayloadSchemas
    shapes: OutputShapes

    @property
    def check(self) -> ResultCheck:
        """The check of the function's results, whose errors name a plugin that made it."""
        function = self.function
        error = function.failed if isinstance(function, Guarded) else InvalidResult
        return ResultCheck(subject=self.signature.endpoint, error=error)

    def call(self, payload: Any, *vector: Any) -> object:
        """Call the function at the inputs of a payload, with the paths as sets."""
        input_paths = set(getattr(payload, self.signature.input_paths))
        output_paths = set(getattr(payload, self.signature.output_paths))
        arguments = (payload.inputs, input_paths, output_paths, *vector)
        return self.function(**self.signature.keywords(*arguments))

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


# Expected shapes and data types are known before the function is called: it may change the inputs.


def _jacobian(endpoint: GradientEndpoint, payload: Any) -> object:
    inputs = shapes_of(endpoint.expected_inputs(payload))
    outputs = endpoint.expected_outputs(payload)
    _refuse_large(outputs, inputs)
    return endpoint.check.blocks(endpoint.call(payload), outputs, inputs)


def _refuse_large(outputs: Mapping[str, Expected], inputs: Mapping[str, tuple[int, ...]]) -> None:
    """Raise `MemoryExceeded` for a Jacobian that is too large, as far as its shape is known."""
    columns = sum(map(math.prod, inputs.values()))
    rows = sum(expected.least_size() for expected in outputs.values())
    require_memory(rows * columns, "The Jacobian")


def _jvp(endpoint: GradientEndpoint, payload: Any) -> object:
    outputs = endpoint.expected_outputs(payload)
    return endpoint.check.vector(endpoint.call(payload, payload.tangent_vector), outputs)


def _vjp(endpoint: GradientEndpoint, payload: Any) -> object:
    inputs = endpoint.expected_inputs(payload)
    cotangents = cotangents_of_shapes(payload.cotangent_vector, endpoint.shapes, payload.inputs)
    return endpoint.check.vector(endpoint.call(payload, cotangents), inputs)


def _bind(
    binding: Binding,
    signature: GradientSignature,
    *,
    result: type[BaseModel],
    answer: Callable[[GradientEndpoint, Any], object],
    vector_field: Callable[[PayloadSchemas], Any] | None = None,
) -> BoundEndpoint | Unavailable:
    """Bind the function that computes the endpoint of a signature."""
    function = binding.function(signature.endpoint)
    if isinstance(function, Unavailable):
        return function
    nothing = nothing_differentiable(binding)
    if nothing is not None:
        raise InvalidTesseract(f"There is a function {signature.endpoint!r}, but {nothing}")
    schemas = binding.schemas
    endpoint = GradientEndpoint(
        signature=signature, function=function, schemas=schemas, shapes=OutputShapes(binding)
    )
    return BoundEndpoint(
        payload=_payload(schemas, signature, vector_field),
        result=result,
        answer=partial(answer, endpoint),
        doc=function.__doc__ or "",
    )


def _payload(
    schemas: PayloadSchemas,
    signature: GradientSignature,
    vector_field: Callable[[PayloadSchemas], Any] | None,
) -> type[BaseModel]:
    input_paths = schemas.differentiable_inputs.paths_of_inputs(
        "Inputs to differentiate with respect to."
    )
    output_paths = schemas.differentiable_outputs.paths_of_outputs("Outputs to differentiate.")
    vector = () if vector_field is None else (vector_field(schemas),)
    fields = signature.keywords(None, input_paths, output_paths, *vector)
    noun = signature.short_name
    return schemas.payload(
        f"{noun}InputSchema",
        doc=f"The input data to compute the {noun} at.",
        **fields | {"inputs": noun.capitalize()},
    )
