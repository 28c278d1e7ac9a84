"""The gradient endpoints: their names, the arguments of their functions, the keys of results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True, kw_only=True)
class GradientSignature:
    """The arguments of a gradient function besides `inputs`, and the keys of its result.

    `input_paths` and `output_paths` name the arguments with the paths of inputs and outputs to
    differentiate, `cotangent` and `tangent` those with the vectors, if there are any. `result_keys`
    name the arguments with the keys of the result, the outermost first. `short_name` begins the
    names of the schemas.
    """

    endpoint: str
    short_name: str
    input_paths: str
    output_paths: str
    cotangent: str = ""
    tangent: str = ""
    result_keys: tuple[str, ...]

    @property
    def vectors(self) -> tuple[str, ...]:
        """The names of the arguments with vectors; a function with vectors may take a batch."""
        return tuple(filter(None, (self.cotangent, self.tangent)))

    @property
    def arguments(self) -> tuple[str, ...]:
        """The names of all arguments, in the order of the author's function."""
        return ("inputs", self.input_paths, self.output_paths, *self.vectors)

    @property
    def keyed_by_inputs(self) -> bool:
        """Whether the outermost keys of the result are paths of inputs."""
        return self.result_keys[0] == self.input_paths

    def keywords(self, *values: Any) -> dict[str, Any]:
        """Return the keyword arguments of a call, given their values in the order of `arguments`.

        >>> JACOBIAN.keywords({"x": 1.0}, {"x"}, {"y"})
        {'inputs': {'x': 1.0}, 'jac_inputs': {'x'}, 'jac_outputs': {'y'}}
        """
        return dict(zip(self.arguments, values, strict=True))


JACOBIAN = GradientSignature(
    endpoint="jacobian",
    short_name="Jacobian",
    input_paths="jac_inputs",
    output_paths="jac_outputs",
    result_keys=("jac_outputs", "jac_inputs"),
)
JVP = GradientSignature(
    endpoint="jacobian_vector_product",
    short_name="JVP",
    input_paths="jvp_inputs",
    output_paths="jvp_outputs",
    tangent="tangent_vector",
    result_keys=("jvp_outputs",),
)
VJP = GradientSignature(
    endpoint="vector_jacobian_product",
    short_name="VJP",
    input_paths="vjp_inputs",
    output_paths="vjp_outputs",
    cotangent="cotangent_vector",
    result_keys=("vjp_inputs",),
)
HVP = GradientSignature(
    endpoint="hessian_vector_product",
    short_name="HVP",
    input_paths="hvp_inputs",
    output_paths="hvp_outputs",
    cotangent="cotangent_vector",
    tangent="tangent_vector",
    result_keys=("hvp_inputs",),
)
"""The signature of an endpoint that a plugin provides."""

SIGNATURES: Mapping[str, GradientSignature] = MappingProxyType(
    {signature.endpoint: signature for signature in (JACOBIAN, JVP, VJP)}
)
"""The signature of each gradient endpoint of the core, by its name."""

BATCH = "batch"
"""The argument with the number of vectors of a batch, which functions may have."""
