"""Tesseracts whose gradients can be spoiled, and checks of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from runtime_core import Runtime
from tesseract_runtime_workbench.check_gradients.check_results import GradientCheck
from tesseract_runtime_workbench.check_gradients.gradient_check import Settings, check_gradients

Make = Callable[..., Runtime]

JACOBIAN = "jacobian"
JVP = "jacobian_vector_product"
VJP = "vector_jacobian_product"
HVP = "hessian_vector_product"

HEADER = """
import numpy as np
from pydantic import BaseModel
from runtime_core import Array, Complex128, Differentiable, Float32, Float64

APPLIED = []
"""

QUADRATIC = """
SPOILED = {}  # the error planted in each endpoint
SIZE = {path: int(np.prod(shape)) for path, shape in {**INPUTS, **OUTPUTS}.items()}
RANDOM = np.random.default_rng(8)
A = RANDOM.normal(size=(sum(map(SIZE.get, OUTPUTS)), sum(map(SIZE.get, INPUTS))))
B = RANDOM.normal(size=A.shape)

def places(shapes):
    ends = np.cumsum([SIZE[path] for path in shapes])
    return {path: slice(end - SIZE[path], end) for path, end in zip(shapes, ends)}

def apply(inputs):
    APPLIED.append(inputs)
    z = np.concatenate([np.ravel(array) for array in pack(inputs).values()])
    w = (A @ z + B @ z**2).astype(z.dtype)
    cut = places(OUTPUTS)
    return unpack({path: w[cut[path]].reshape(shape) for path, shape in OUTPUTS.items()})

def blocks(inputs, endpoint):
    z = np.concatenate([np.ravel(array) for array in pack(inputs).values()])
    error = SPOILED.get(endpoint)
    whole = A + (0 if error == "missing term" else 2 * B * z)
    found = {}
    for of, rows in places(OUTPUTS).items():
        for by, columns in places(INPUTS).items():
            block = whole[rows, columns]
            if error == "sign":
                block = -block
            if error == "scale":
                block = 1.5 * block
            if error == "transpose" and block.shape[0] == block.shape[1]:
                block = block.T
            found[of, by] = block
    return found

def shaped(array, shape, endpoint):
    wrong = SPOILED.get(endpoint) == "shape"
    return np.reshape(array, (1, *shape) if wrong else shape)

def jacobian(inputs, jac_inputs, jac_outputs):
    found = blocks(inputs, "jacobian")
    return {
        of: {
            by: shaped(found[of, by], (*OUTPUTS[of], *INPUTS[by]), "jacobian") for by in jac_inputs
        }
        for of in jac_outputs
    }

def jacobian_vector_product(inputs, jvp_inputs, jvp_outputs, tangent_vector):
    name = "jacobian_vector_product"
    found = blocks(inputs, name)
    return {
        of: shaped(
            sum(found[of, by] @ np.ravel(tangent_vector[by]) for by in jvp_inputs),
            OUTPUTS[of],
            name,
        )
        for of in jvp_outputs
    }

def vector_jacobian_product(inputs, vjp_inputs, vjp_outputs, cotangent_vector):
    name = "vector_jacobian_product"
    found = blocks(inputs, name)
    return {
        by: shaped(
            sum(np.ravel(cotangent_vector[of]) @ found[of, by] for of in vjp_outputs),
            INPUTS[by],
            name,
        )
        for by in vjp_inputs
    }
"""
"""A model w = A z + B z**2 of all inputs in one vector z and all outputs in one vector w."""

SQUARE = """
class InputSchema(BaseModel):
    x: Differentiable[Array[(3,), Float64]]

class OutputSchema(BaseModel):
    y: Differentiable[Array[(3,), Float64]]

INPUTS, OUTPUTS = {"x": (3,)}, {"y": (3,)}
"""

SINGLE = SQUARE.replace("Float64", "Float32").replace("(3,)", "(4,)")

WIDE = """
class InputSchema(BaseModel):
    x: Differentiable[Array[(2, 3), Float64]]

class OutputSchema(BaseModel):
    y: Differentiable[Array[(4,), Float64]]

INPUTS, OUTPUTS = {"x": (2, 3)}, {"y": (4,)}
"""

LOOKALIKE = """
class InputSchema(BaseModel):
    x: Differentiable[Array[(2, 2), Float64]]

class OutputSchema(BaseModel):
    y: Differentiable[Array[(2, 2), Float64]]

INPUTS, OUTPUTS = {"x": (2, 2)}, {"y": (2, 2)}
"""

SCALAR = """
class InputSchema(BaseModel):
    x: Differentiable[Array[(3,), Float64]]
    s: Differentiable[Float32]

class OutputSchema(BaseModel):
    t: Differentiable[Float64]

INPUTS, OUTPUTS = {"x": (3,), "s": ()}, {"t": ()}
"""

FLAT = """
def pack(inputs):
    return {path: getattr(inputs, path) for path in INPUTS}

def unpack(outputs):
    return outputs
"""

NESTED = """
class Layer(BaseModel):
    w: Differentiable[Array[(2,), Float64]]
    name: str = ""

class InputSchema(BaseModel):
    layers: list[Layer]
    named: dict[str, Differentiable[Float64]]

class Result(BaseModel):
    y: Differentiable[Array[(2,), Float64]]

class OutputSchema(BaseModel):
    results: dict[str, Result]
    t: Differentiable[Float64]

INPUTS = {"layers.[0].w": (2,), "layers.[1].w": (2,), "named.{a.b}": ()}
OUTPUTS = {"results.{r}.y": (2,), "t": ()}

def pack(inputs):
    first, second = inputs.layers
    return {"layers.[0].w": first.w, "layers.[1].w": second.w, "named.{a.b}": inputs.named["a.b"]}

def unpack(outputs):
    return {"results": {"r": {"y": outputs["results.{r}.y"]}}, "t": outputs["t"]}
"""


def _nested(z: Any) -> dict[str, Any]:
    return {"layers": [{"w": z[:2]}, {"w": z[2:4]}], "named": {"a.b": z[4]}}


MODELS: Mapping[str, tuple[str, int, Callable[[Any], dict[str, Any]]]] = {
    "square": (SQUARE + FLAT, 3, lambda z: {"x": z}),
    "single precision": (SINGLE + FLAT, 4, lambda z: {"x": z}),
    "not square": (WIDE + FLAT, 6, lambda z: {"x": z.reshape(2, 3)}),
    "lookalike": (LOOKALIKE + FLAT, 4, lambda z: {"x": z.reshape(2, 2)}),
    "scalars": (SCALAR + FLAT, 4, lambda z: {"x": z[:3], "s": z[3]}),
    "nested": (NESTED, 5, _nested),
}
"""Sources without the functions, numbers of input elements, and functions that make inputs."""


class Model:
    """A Tesseract whose gradients are right until they are spoiled."""

    def __init__(self, name: str, runtime: Make) -> None:
        source, self.size, self._inputs = MODELS[name]
        self.runtime = runtime(HEADER + source + QUADRATIC)

    def check(self, seed: int = 0, **settings: Any) -> GradientCheck:
        """Check it at inputs and samples drawn with a seed."""
        z = np.random.default_rng(seed).normal(size=self.size)
        return checked(self.runtime, self._inputs(z), seed=seed, **settings)

    def spoil(self, endpoint: str, error: str) -> None:
        """Plant an error in one endpoint only."""
        spoiled: dict[str, str] = self.runtime.api.module.SPOILED
        spoiled.clear()
        spoiled[endpoint] = error


def checked(runtime: Runtime, inputs: Any, **settings: Any) -> GradientCheck:
    """Check a Tesseract at some inputs."""
    return check_gradients(
        runtime,
        runtime.api.input_schema.model_validate(inputs),
        Settings(**{"seed": 0, **settings}),
    )


def failed(result: GradientCheck) -> dict[str, int]:
    """Return the number of failed checks of each endpoint."""
    return {name: check.failed for name, check in result.endpoints.items()}
