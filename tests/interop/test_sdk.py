"""The client's Python SDK finds what it knows of a Tesseract, and gets right answers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

TIME = np.linspace(0.1, 2.0, 5)
INPUTS = {"time": TIME, "wave": {"amplitude": 2.0, "rate": 3.0}}
SINE, COSINE = np.sin(3 * TIME), np.cos(3 * TIME)


def test_health_and_endpoints(tesseract: Any) -> None:
    """The service is healthy, and offers all that has a gradient or a shape."""
    assert tesseract.health() == {"status": "ok"}
    assert set(tesseract.available_endpoints) >= {
        "apply",
        "jacobian",
        "jacobian_vector_product",
        "vector_jacobian_product",
        "abstract_eval",
    }


def test_openapi(tesseract: Any) -> None:
    """The schema from which the SDK learns what is differentiable is there."""
    inputs = tesseract.openapi_schema["components"]["schemas"]["ApplyInputSchema"]
    assert set(inputs["differentiable_arrays"]) == {"time", "wave.amplitude", "wave.rate"}


def test_apply(tesseract: Any) -> None:
    """Outputs come as arrays of the declared data types."""
    outputs = tesseract.apply(INPUTS)
    np.testing.assert_allclose(outputs["signal"], 2 * SINE)
    np.testing.assert_allclose(outputs["energy"], np.sum((2 * SINE) ** 2), rtol=1e-6)
    assert (outputs["signal"].dtype, outputs["energy"].dtype) == (np.float64, np.float32)


def test_jacobian(tesseract: Any) -> None:
    """Blocks have the shapes of output and input."""
    blocks = tesseract.jacobian(INPUTS, ["time", "wave.rate"], ["signal"])["signal"]
    np.testing.assert_allclose(blocks["time"], np.diag(6 * COSINE), atol=1e-12)
    np.testing.assert_allclose(blocks["wave.rate"], 2 * TIME * COSINE, atol=1e-12)


def test_jacobian_vector_product(tesseract: Any) -> None:
    """A tangent is carried to the outputs."""
    tangent = {"wave.amplitude": np.array(0.5)}
    found = tesseract.jacobian_vector_product(INPUTS, ["wave.amplitude"], ["signal"], tangent)
    np.testing.assert_allclose(found["signal"], 0.5 * SINE, atol=1e-12)


def test_vector_jacobian_product(tesseract: Any) -> None:
    """A cotangent is carried to the inputs."""
    cotangent = {"signal": TIME}
    found = tesseract.vector_jacobian_product(INPUTS, ["wave.amplitude"], ["signal"], cotangent)
    np.testing.assert_allclose(found["wave.amplitude"], TIME @ SINE)


def test_abstract_eval(tesseract: Any) -> None:
    """Shapes and data types of outputs come without arrays."""
    number = {"shape": [], "dtype": "float64"}
    inputs = {
        "time": {"shape": [7], "dtype": "float64"},
        "wave": {"amplitude": number, "rate": number},
    }
    assert tesseract.abstract_eval(inputs) == {
        "signal": {"shape": [7], "dtype": "float64"},
        "energy": {"shape": [], "dtype": "float32"},
    }


def test_refused_payload(tesseract: Any) -> None:
    """What is wrong with inputs arrives as the validation error that the SDK raises for it."""
    with pytest.raises(ValidationError) as refused:
        tesseract.apply({"time": [[1.0]], "wave": {"amplitude": 1.0}})
    faults = {detail["loc"]: detail["type"] for detail in refused.value.errors()}
    assert faults == {
        ("body", "inputs", "time"): "array_dimensionality_mismatch",
        ("body", "inputs", "wave", "rate"): "missing",
    }


def test_failure_of_the_tesseract(tesseract: Any) -> None:
    """A failure of the author's code is an error that names it."""
    message = r"500.*ArithmeticError: a wave is shorter than a parsec"
    with pytest.raises(RuntimeError, match=message):
        tesseract.apply({**INPUTS, "unit": "parsec"})
