"""A gradient endpoint: its payload, and the call of the function that computes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from pydantic import BaseModel

from runtime_core.arrays.coercion import Expected
from runtime_core.builtin.gradients.output_shapes import OutputShapes
from runtime_core.contracts import Binding, BoundEndpoint, Unavailable
from runtime_core.errors import InvalidTesseract
from runtime_core.gradients import GradientSignature, ResultCheck
from runtime_core.gradients.selection import nothing_differentiable
from runtime_core.schemas import PayloadSchemas


@dataclass(frozen=True, kw_only=True)
class GradientEndpoint:
    """A gradient function with the schemas of its Tesseract and the check of its results."""

    signature: GradientSignature
    function: Callable[..., object]
    schemas: PayloadSchemas
    shapes: OutputShapes
    check: ResultCheck

    def call(self, payload: Any, *vector: Any) -> object:
        """Call the function with the inputs and paths of a payload."""
        input_paths = set(getattr(payload, self.signature.input_paths))
        output_paths = set(getattr(payload, self.signature.output_paths))
        arguments = (payload.inputs, input_paths, output_paths, *vector)
        return self.function(**self.signature.keywords(*arguments))

    def expected_outputs(self, payload: Any) -> dict[str, Expected]:
        """Predict shapes and data types of the requested outputs without calling `apply`."""
        return {
            path: self.shapes.predicted(payload.inputs, path)
            for path in getattr(payload, self.signature.output_paths)
        }

    def expected_inputs(self, payload: Any) -> dict[str, Expected]:
        """Return shapes and data types of the requested inputs."""
        leaves = dict(self.schemas.differentiable_inputs.leaves(payload.inputs))
        return {
            path: Expected(shape=tuple(leaves[path].shape), dtype=leaves[path].dtype)
            for path in getattr(payload, self.signature.input_paths)
        }


def bind_gradient(
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
    endpoint = GradientEndpoint(
        signature=signature,
        function=function,
        schemas=binding.schemas,
        shapes=OutputShapes(binding),
        check=ResultCheck(subject=signature.endpoint),
    )
    return BoundEndpoint(
        payload=_payload(binding.schemas, signature, vector_field),
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
