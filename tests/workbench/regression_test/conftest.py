"""A Tesseract with many kinds of results and failures, and cases for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from runtime_core import Runtime
from runtime_core.calls import scope
from tesseract_runtime_workbench.regression_test.case import CaseResult, RegressionCase
from tesseract_runtime_workbench.regression_test.runner import run_case
from tests.cli.conftest import here

__all__ = ["here"]  # a fixture, for the tests of this folder

RunCase = Callable[..., CaseResult]

SHAPES = """
import numpy as np
from pydantic import BaseModel, RootModel, computed_field, field_validator
from runtime_core import Array, Differentiable, Float32, Float64, Int64, ShapeDType

class TooStiff(ArithmeticError):
    pass

class Layer(BaseModel):
    weights: Array[(2,), Float32] = [1.0, 2.0]
    size: int = 2

class InputSchema(BaseModel):
    x: Differentiable[Array[(None,), Float64]]
    raises: str = ""

    @field_validator("raises")
    @classmethod
    def known(cls, raises):
        if raises == "in validator":
            raise LookupError("not known")
        return raises

class OutputSchema(BaseModel):
    y: Differentiable[Array[(None,), Float64]]
    norm: Float64
    count: Int64 = 7
    layers: list[Layer] = [Layer()]
    named: dict[str, float] = {"a.b": 1.5}
    label: str = "ok"
    converged: bool = True
    residual: float | None = None

    @computed_field
    @property
    def total(self) -> float:
        return float(self.y.sum())

def apply(inputs):
    if inputs.raises == "stiff":
        raise TooStiff("too stiff at step 3")
    if inputs.raises == "exit":
        raise SystemExit(3)
    if inputs.raises == "nonsense":
        return {"y": "nonsense"}
    return OutputSchema(y=2 * inputs.x, norm=np.linalg.norm(inputs.x))

def jacobian(inputs, jac_inputs, jac_outputs):
    return {"y": {"x": 2 * np.eye(inputs.x.size)}}

def jacobian_vector_product(inputs, jvp_inputs, jvp_outputs, tangent_vector):
    return {"y": 2 * tangent_vector["x"]}

def abstract_eval(inputs):
    return {"y": inputs.x, "norm": ShapeDType(shape=(), dtype="float64")}
"""

PAYLOAD = {"inputs": {"x": [3.0, 4.0]}}
OUTPUTS = {"y": [6.0, 8.0], "norm": 5.0}
"""What `apply` makes of `PAYLOAD`, without the fields that have a default."""


def array(numbers: Any, shape: list[int], dtype: str = "float64") -> dict[str, Any]:
    """Return the document of an array."""
    data = {"buffer": numbers, "encoding": "json"}
    return {"object_type": "array", "shape": shape, "dtype": dtype, "data": data}


def case(**fields: Any) -> dict[str, Any]:
    """Return a case of `apply` on `PAYLOAD`, with some fields changed."""
    return {"endpoint": "apply", "payload": PAYLOAD, **fields}


@pytest.fixture
def run_one(runtime: Callable[..., Runtime]) -> RunCase:
    """Return a function that runs a case with some fields, on `SHAPES` or another source."""

    def run(source: str = SHAPES, flags: Any = None, **fields: Any) -> CaseResult:
        made = runtime(source, **(flags or {}))
        with scope.enter(made.scope()):
            return run_case(made, RegressionCase.model_validate(case(**fields)))

    return run
