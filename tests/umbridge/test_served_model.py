"""The client of UM-Bridge and three Tesseracts, beside our own endpoints."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import numpy as np
import pytest
import umbridge

from tests.server.conftest import Served, serving

SCHEMAS = """
import numpy as np
from pydantic import BaseModel
from tesseract_core.runtime import Array, Differentiable, Float32, Float64, Int64
"""

VECTOR = (
    SCHEMAS
    + """
class InputSchema(BaseModel):
    x: Differentiable[Array[(3,), Float64]]

class OutputSchema(BaseModel):
    y: Differentiable[Array[(2,), Float64]]

def apply(inputs):
    a, b, c = inputs.x
    return {"y": [a * b, b * c**2]}

def jacobian(inputs, jac_inputs, jac_outputs):
    a, b, c = inputs.x
    return {"y": {"x": np.array([[b, a, 0], [0, c**2, 2 * b * c]])}}
"""
)
NESTED = (
    SCHEMAS
    + """
class Grid(BaseModel):
    cell: Differentiable[Array[(2, 2), Float32]]
    spacing: Differentiable[Float64]
    steps: Int64 = 1

class InputSchema(BaseModel):
    grid: Grid
    load: Differentiable[Array[(None,), Float64]]
    name: str = "plate"
    parts: list[Float64] = []

class OutputSchema(BaseModel):
    work: Differentiable[Float64]
    field: Differentiable[Array[(None, None), Float64]]
    name: str

def apply(inputs):
    grid = inputs.grid
    return {
        "work": grid.steps * grid.spacing * np.sum(inputs.load**2),
        "field": np.outer(inputs.load, grid.cell.ravel()),
        "name": inputs.name,
    }

def vector_jacobian_product(inputs, vjp_inputs, vjp_outputs, cotangent_vector):
    grid, load = inputs.grid, inputs.load
    work = cotangent_vector.get("work", 0.0)
    field = cotangent_vector.get("field", np.zeros((load.size, 4)))
    products = {
        "grid.cell": (load @ field).reshape(2, 2).astype("float32"),
        "grid.spacing": work * grid.steps * np.sum(load**2),
        "load": 2 * work * grid.steps * grid.spacing * load + field @ grid.cell.ravel(),
    }
    return {path: products[path] for path in vjp_inputs}

def abstract_eval(abstract_inputs):
    size = abstract_inputs.load.shape[0]
    return {
        "work": {"shape": (), "dtype": "float64"},
        "field": {"shape": (size, 4), "dtype": "float64"},
        "name": "plate",
    }
"""
)
ENERGY = (
    SCHEMAS
    + """
class InputSchema(BaseModel):
    k: Differentiable[Float64]
    x: Differentiable[Array[(2,), Float64]]

class OutputSchema(BaseModel):
    e: Differentiable[Float64]

def apply(inputs):
    return {"e": inputs.k * np.sum(inputs.x**3)}

def vector_jacobian_product(inputs, vjp_inputs, vjp_outputs, cotangent_vector):
    products = {"k": np.sum(inputs.x**3), "x": 3 * inputs.k * inputs.x**2}
    return {path: cotangent_vector["e"] * products[path] for path in vjp_inputs}
"""
)
OPAQUE = (
    SCHEMAS
    + """
class InputSchema(BaseModel):
    x: Array[(None,), Float64] = np.zeros(2)

class OutputSchema(BaseModel):
    y: Array[(None,), Float64]

def apply(inputs):
    if inputs.x[0] < 0:
        raise ValueError("x must not be negative")
    return {"y": np.sqrt(inputs.x)}
"""
)
"""It has neither gradients nor `abstract_eval`, which is derived from the default."""

MODELS: Mapping[str, str] = {
    "vector": VECTOR,
    "nested": NESTED,
    "energy": ENERGY,
    "opaque": OPAQUE,
}


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Served]]:
    """Return a server of each model."""
    with ExitStack() as stack:
        served = {}
        for name, source in MODELS.items():
            path = tmp_path_factory.mktemp(name) / "tesseract_api.py"
            path.write_text(source, encoding="utf-8")
            backend = [] if name == "opaque" else ["--gradient-backend", "auto"]
            server = serving(path, "--umbridge", *backend, options=["--in-process"])
            served[name] = stack.enter_context(server)
        yield served


@pytest.fixture(scope="module")
def models(servers: Mapping[str, Served]) -> Mapping[str, umbridge.HTTPModel]:
    """Return the clients of the models."""
    return {
        name: umbridge.HTTPModel(f"http://127.0.0.1:{served.port}", "forward")
        for name, served in servers.items()
    }


Models = Mapping[str, umbridge.HTTPModel]

POINT = [[1.0, 2.0, 3.0, 4.0], [0.5], [1.0, 2.0, 3.0]]
CONFIG = {"grid": {"steps": 2}, "load": [0, 0, 0], "name": "disc"}


def test_sizes_are_those_of_the_arrays_in_order_of_the_schema(models: Models) -> None:
    """Free sizes come from `config` or a default; nested arrays are flattened."""
    assert models["vector"].get_input_sizes() == [3]
    assert models["vector"].get_output_sizes() == [2]
    assert models["nested"].get_input_sizes(CONFIG) == [4, 1, 3]
    assert models["nested"].get_output_sizes(CONFIG) == [1, 12]
    assert models["opaque"].get_input_sizes() == [2]
    assert models["opaque"].get_output_sizes() == [2]  # by apply at the default


def test_evaluation_is_that_of_apply(models: Models) -> None:
    """Inputs that are not vectors come from `config`."""
    assert models["vector"]([[1.0, 2.0, 3.0]]) == [[2.0, 18.0]]
    work, field = models["nested"](POINT, CONFIG)
    assert work == [2 * 0.5 * 14.0]
    assert field == np.outer([1.0, 2.0, 3.0], [1.0, 2.0, 3.0, 4.0]).ravel().tolist()
    assert models["opaque"]([[4.0, 9.0, 16.0]]) == [[2.0, 3.0, 4.0]]


def test_derivatives_are_those_of_our_endpoints(models: Models) -> None:
    """Gradients are weighted by `sens`, Jacobians applied to `vec`."""
    jacobian = np.array([[2.0, 1.0, 0.0], [0.0, 9.0, 12.0]])
    vector, point = models["vector"], [[1.0, 2.0, 3.0]]
    assert vector.gradient(0, 0, point, [1.0, -2.0]) == (jacobian.T @ [1.0, -2.0]).tolist()
    assert vector.apply_jacobian(0, 0, point, [1.0, 0.0, 2.0]) == [2.0, 24.0]
    nested = models["nested"]
    by_load = nested.gradient(0, 2, POINT, [3.0], CONFIG)
    assert by_load == [6.0, 12.0, 18.0]
    along_spacing = nested.apply_jacobian(0, 1, POINT, [2.0], CONFIG)
    assert along_spacing == pytest.approx([56.0], rel=1e-6)
    weights = np.arange(12.0)
    by_cell = nested.gradient(1, 0, POINT, weights.tolist(), CONFIG)
    assert by_cell == ([1, 2, 3] @ weights.reshape(3, 4)).tolist()


def test_hessians_have_the_length_of_the_first_input(models: Models) -> None:
    """The gradient by one input changes with another one, whatever their sizes."""
    hessian = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 6.0], [0.0, 6.0, 4.0]])  # of b c^2, at 1, 2, 3
    vector, point = models["vector"], [[1.0, 2.0, 3.0]]
    along = vector.apply_hessian(0, 0, 0, point, [0.0, 1.0], [1.0, 2.0, -1.0])
    assert along == pytest.approx(hessian @ [1.0, 2.0, -1.0], abs=1e-6)
    nested = models["nested"]
    by_load = nested.apply_hessian(0, 2, 1, POINT, [2.0], [3.0], CONFIG)
    assert by_load == pytest.approx([24.0, 48.0, 72.0], rel=1e-4)
    by_spacing = nested.apply_hessian(0, 1, 2, POINT, [2.0], [1.0, 0.0, 1.0], CONFIG)
    assert by_spacing == pytest.approx([32.0], rel=1e-4)


def test_a_model_of_several_inputs_has_every_action(models: Models) -> None:
    """The four actions of a model with a scalar and a vector."""
    energy, point = models["energy"], [[2.0], [1.0, 3.0]]
    assert energy(point) == [[56.0]]
    assert energy.gradient(0, 1, point, [0.5]) == [3.0, 27.0]
    along = energy.apply_jacobian(0, 1, point, [1.0, -1.0])
    assert along == pytest.approx([-48.0], rel=1e-9)
    by_scalar = energy.apply_hessian(0, 0, 1, point, [1.0], [1.0, 1.0])
    assert by_scalar == pytest.approx([30.0], rel=1e-6)
    by_vector = energy.apply_hessian(0, 1, 1, point, [1.0], [1.0, 1.0])
    assert by_vector == pytest.approx([12.0, 36.0], rel=1e-6)


def test_support_is_what_the_tesseract_has(models: Models) -> None:
    """Without a gradient backend only evaluation is supported."""
    opaque, vector = models["opaque"], models["vector"]
    assert opaque.supports_evaluate()
    assert not opaque.supports_gradient()
    assert not opaque.supports_apply_jacobian()
    assert vector.supports_gradient()
    assert vector.supports_apply_jacobian()


def asked(served: Served, action: str, document: Any, name: str = "forward") -> tuple[int, Any]:
    """Return the status and the error of a request."""
    body = json.dumps({"name": name, **document})
    answer = served.request("POST", f"/{action}", body)
    return answer.status, answer.json()["error"]


@pytest.mark.parametrize(
    ("model", "action", "document", "expected"),
    [
        ("vector", "Evaluate", {}, "input: Field required"),
        ("vector", "Evaluate", {"input": [[1.0], [2.0]]}, "has 1 inputs, x, instead of 2"),
        ("vector", "Evaluate", {"input": [[1.0]]}, "3 numbers instead of 1"),
        ("vector", "Evaluate", {"input": [["a"]]}, "input.0.0: Input should be a valid number"),
        ("vector", "Evaluate", {"input": [[1, 2, 3]], "config": {"z": 1}}, "inputs.z"),
        ("nested", "InputSizes", {}, "The shape of 'load' is not known: give an array"),
        *(
            (
                "nested",
                "InputSizes",
                {"config": {"load": {"shape": shape}}},
                "The shape of 'load' in",
            )
            for shape in (5, None, "22", ["a"], [2.0], [-1])
        ),
        ("opaque", "Evaluate", {"input": [[-1.0]]}, "x must not be negative"),
        (
            "vector",
            "Gradient",
            {"input": [[1, 2, 3]], "outWrt": 0, "inWrt": 1, "sens": [1, 1]},
            "inWrt is 1, and must be less than 1: the model has x",
        ),
        (
            "vector",
            "Gradient",
            {"input": [[1, 2, 3]], "outWrt": 0, "inWrt": 0, "sens": [1]},
            "which is 2 numbers instead of 1",
        ),
        (
            "opaque",
            "Gradient",
            {"input": [[1]], "outWrt": 0, "inWrt": 0, "sens": [1]},
            "Gradient is not supported",
        ),
    ],
)
def test_an_error_names_the_place(
    servers: Mapping[str, Served], model: str, action: str, document: Any, expected: str
) -> None:
    """Errors have the form of the protocol."""
    _, error = asked(servers[model], action, document)
    assert expected in error["message"]


def test_an_unknown_model_is_named(servers: Mapping[str, Served]) -> None:
    """The message has the name to use."""
    status, error = asked(servers["vector"], "Evaluate", {"input": [[1, 2, 3]]}, name="backward")
    assert (status, error["type"]) == (400, "ModelNotFound")
    assert "'forward'" in error["message"]


def test_a_body_that_is_not_json_is_refused(servers: Mapping[str, Served]) -> None:
    """A body that is not JSON is a clear error too."""
    answer = servers["vector"].request("POST", "/Evaluate", b"{")
    assert answer.json()["error"]["type"] == "InvalidInput"


def test_without_the_option_nothing_is_served(shared: Any) -> None:
    """The routes are chosen by `--umbridge`."""
    assert shared().get("/Info").status == 404
