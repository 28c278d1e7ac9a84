"""Products of an author's file near a point, as a derived Jacobian takes them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.executors.conftest import Here, Make

SOURCE = """
import numpy as np
from pydantic import BaseModel
from runtime_core import Array, Differentiable, Float32, Float64

class InputSchema(BaseModel):
    x: Differentiable[Array[(None,), Float64]]
    s: Differentiable[Float32] = 2.0
    layers: list[Differentiable[Array[(None,), Float64]]] = []

class OutputSchema(BaseModel):
    y: Differentiable[Array[(None,), Float64]]
    parts: dict[str, Differentiable[Array[(None,), Float64]]] = {}

def apply(inputs):
    return OutputSchema(y=inputs.s * inputs.x, parts={"a.b": inputs.layers[0] * 3})
"""

JVP = """
def jacobian_vector_product(inputs, jvp_inputs, jvp_outputs, tangent_vector):
    t = tangent_vector
    inputs.x *= 5  # it may change its copy
    y = inputs.s * t["x"] + inputs.x / 5 * t["s"]
    jvp_outputs.clear()
    return {"y": y, "parts.{a.b}": 3 * t["layers.[0]"]}
"""

VJP = """
def vector_jacobian_product(inputs, vjp_inputs, vjp_outputs, cotangent_vector):
    c = cotangent_vector
    by = {"x": inputs.s * c["y"], "s": inputs.x @ c["y"], "layers.[0]": 3 * c["parts.{a.b}"]}
    return {path: by[path] for path in vjp_inputs}
"""

PAYLOAD = {
    "inputs": {"x": [1.0, 2.0, 3.0], "layers": [[4.0]]},
    "jac_inputs": ["x", "s", "layers.[0]"],
    "jac_outputs": ["y", "parts.{a.b}"],
}


@pytest.mark.parametrize(("product", "vectors"), [(JVP, 5), (VJP, 4)])
def test_products_of_a_derived_jacobian_are_submitted(
    made: Make, product: str, vectors: int
) -> None:
    """All but the first are computed by the executor, and give what they give in this thread."""
    here = Here()
    found: list[Any] = []
    for executor in ("here", "serial"):
        runtime = made(here, SOURCE + product, gradient_backend="derived", executor=executor)
        found.append(runtime.call("jacobian", PAYLOAD).model_dump())
    np.testing.assert_equal(*found)
    endpoints = [near[0] for _, near, *_ in here.asked]
    assert sum("product" in each for each in endpoints) == vectors - 1


@pytest.mark.parametrize(
    ("end", "text"),
    [
        ("raise ValueError('no mesh')", "^no mesh$"),
        ("return {'y': y}", "^jacobian_vector_product returned a dict with the keys y, expected "),
    ],
)
def test_the_fault_of_a_product_is_that_of_its_author(made: Make, end: str, text: str) -> None:
    """The exception or the message is that of a product in this thread."""
    source = JVP.replace("    jvp_outputs.clear()", f"    if t['x'][-1]:\n        {end}")
    raised = []
    for executor in ("here", "serial"):
        runtime = made(Here(), SOURCE + source, gradient_backend="derived", executor=executor)
        with pytest.raises(Exception, match=text) as caught:
            runtime.call("jacobian", PAYLOAD)
        raised.append(type(caught.value).__name__)
    assert raised[0] == raised[1]
