"""Evaluations without validation, for tracers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from runtime_core.errors import AuthorError, InvalidResult
from tests.conftest import DOUBLE
from tests.gradients.conftest import Make

NESTED = """
import numpy as np
from pydantic import BaseModel, RootModel
from runtime_core import Array, Differentiable, Float32, Float64
from runtime_core.run_logs import log_metric

class Layer(BaseModel):
    weight: Differentiable[Array[(None,), Float64]]
    bias: Differentiable[Float32] = 0.5

class Layers(RootModel[dict[str, Layer]]):
    pass

class InputSchema(BaseModel):
    layers: Layers
    name: str = "net"

class OutputSchema(BaseModel):
    layers: Layers
    total: Differentiable[Float64]

def apply(inputs):
    log_metric("calls", 1.0)
    layers = inputs.layers.root
    for layer in layers.values():
        layer.weight *= 2
    copies = {key: Layer(weight=one.weight, bias=one.bias) for key, one in layers.items()}
    total = sum(one.weight.sum() + one.bias for one in layers.values())
    return OutputSchema(layers=Layers(copies), total=total)

def apply_dumped(inputs):
    layers = inputs["layers"]
    return {"layers": layers, "total": sum(one["weight"].sum() for one in layers.values())}
"""

W = np.array([1.0, 2.0])


class Dual:
    """The array type of no library that numpy knows."""

    def __init__(self, value: Any, tangent: Any) -> None:
        self.value, self.tangent = value, tangent

    def __rmul__(self, factor: float) -> Dual:
        return Dual(factor * self.value, factor * self.tangent)


def inputs_of(runtime: Any) -> Any:
    """Return validated inputs."""
    return runtime.schemas.inputs("Apply").model_validate({"layers": {"a.b": {"weight": W}}})


@pytest.mark.parametrize("body", [None, "apply_dumped"])
def test_complex_arrays_pass_through_fields_of_reals(body: str | None, made: Make) -> None:
    """Those of both schemas, in models, dicts and scalars; the inputs stay unchanged."""
    runtime = made(NESTED)
    inputs = inputs_of(runtime)
    function = None if body is None else getattr(runtime.api.module, body)
    traced = runtime.trace(inputs, function)
    path = "layers.root.{a.b}.weight"
    for _ in range(2):  # each evaluation has its own inputs
        found = traced({path: W + 1j}, [path, "total"])
        scale = 2 if body is None else 1
        np.testing.assert_array_equal(found[path], scale * (W + 1j))
        assert found["total"].imag == scale * 2
    np.testing.assert_array_equal(inputs.layers.root["a.b"].weight, W)


def test_any_array_like_passes(made: Make) -> None:
    """A type that numpy cannot convert is returned as the author's function has made it."""
    runtime = made(DOUBLE)
    inputs = runtime.schemas.inputs("Apply").model_validate({"x": [1.0]})
    found = runtime.trace(inputs)({"x": Dual(3.0, 1.0)}, ["y"])["y"]
    assert (found.value, found.tangent) == (6.0, 2.0)


def test_only_traced_evaluations_admit_them(made: Make) -> None:
    """Ordinary evaluations of the same inputs are validated."""
    runtime = made(DOUBLE)
    inputs = runtime.schemas.inputs("Apply").model_validate({"x": [1.0]})
    runtime.trace(inputs)({"x": np.array([1j])}, ["y"])
    with runtime.evaluations(inputs) as evaluations, pytest.raises(AuthorError):
        evaluations.submit({"x": np.array([1j])}, ["y"]).result()


def test_plain_numbers_are_converted_as_usual(made: Make) -> None:
    """So functions that make arrays from lists of constants are traced."""
    runtime = made(DOUBLE.replace("y=2 * inputs.x", "y=[1, 2]"))
    inputs = runtime.schemas.inputs("Apply").model_validate({"x": [1.0]})
    found = runtime.trace(inputs)({"x": np.array([1j])}, ["y"])["y"]
    assert found.dtype == np.float64


def test_an_exception_is_the_authors(made: Make) -> None:
    """So is an output that is not there."""
    runtime = made(DOUBLE.replace("return", "inputs.x / 'one'\n    return"))
    inputs = runtime.schemas.inputs("Apply").model_validate({"x": [1.0]})
    with pytest.raises(AuthorError):
        runtime.trace(inputs)({}, ["y"])
    runtime = made(DOUBLE.replace("OutputSchema(y=2 * inputs.x)", "{'z': inputs.x}"))
    with pytest.raises(InvalidResult, match="apply returned nothing at 'y'"):
        runtime.trace(inputs)({}, ["y"])
