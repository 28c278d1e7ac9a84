"""The service against its own OpenAPI document: requests made of the schemas, valid and not."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as numpy_strategies
from schemathesis import GenerationMode
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from tests.conftest import REPOSITORY
from tests.server.conftest import serving

if TYPE_CHECKING:
    from schemathesis import Case

    from tests.server.conftest import Served

SCALED = """
from pydantic import BaseModel
from runtime_core import Array, Differentiable, Float64

class InputSchema(BaseModel):
    x: Differentiable[Array[(3,), Float64]]
    s: Differentiable[Float64]

class OutputSchema(BaseModel):
    y: Differentiable[Array[(3,), Float64]]

def apply(inputs):
    return OutputSchema(y=inputs.s * inputs.x)
"""

GOLDEN = REPOSITORY / "tests" / "golden" / "models"

MODELS = {
    "nested": ((GOLDEN / "nested" / "tesseract_api.py").read_text(encoding="utf-8"), []),
    "complexes": ((GOLDEN / "complexes" / "tesseract_api.py").read_text(encoding="utf-8"), []),
    "scaled": (SCALED, ["--gradient-backend=auto"]),
}
"""Tesseracts that fail for no valid input, and the options that they are served with."""

VECTORS = {
    "x": np.array([0.5, 1.0, 2.0]),
    "s": np.array(3.0),
    "y": np.array([1.0, 0.0, -1.0]),
}
"""Tangents and cotangents of `SCALED`."""

schemathesis.openapi.format("binary", st.text(max_size=8))  # its own are no JSON

ENDPOINTS = [
    "apply",
    "abstract_eval",
    "jacobian",
    "jacobian_vector_product",
    "vector_jacobian_product",
]
MOST = 3  # entries of a dimension

quick = settings(
    max_examples=10,
    deadline=None,
    database=None,
    suppress_health_check=[*HealthCheck],
)


@pytest.fixture(scope="module", params=MODELS)
def model(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """Return the server of a model."""
    source, options = MODELS[request.param]
    path = tmp_path_factory.mktemp("model") / "tesseract_api.py"
    path.write_text(source, encoding="utf-8")
    with serving(path, *options) as served:
        yield served


@cache
def operations(port: int) -> dict[str, Any]:
    """Return the operations in the OpenAPI document of a server, by path."""
    schema = schemathesis.openapi.from_url(f"http://127.0.0.1:{port}/openapi.json")
    found = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
    return {operation.path: operation for operation in found}


def consistent(tree: Any) -> st.SearchStrategy[Any]:
    """Return trees like one that a schema allows, in which the data of arrays fit their shapes."""
    if isinstance(tree, dict) and {"shape", "dtype", "data"} <= tree.keys():
        return arrays(tree)
    if isinstance(tree, dict):
        return st.fixed_dictionaries({key: consistent(value) for key, value in tree.items()})
    if isinstance(tree, list):
        return st.tuples(*map(consistent, tree)).map(list)
    return st.just(tree)


def arrays(tree: Any) -> st.SearchStrategy[Any]:
    """Return arrays of the rank and dtype of a document, as numbers and as base64."""
    shape = tuple(min(int(size), MOST) for size in tree["shape"][:4])  # 1.0 is an integer too
    elements = ELEMENTS.get(np.dtype(tree["dtype"]).kind)
    made = numpy_strategies.arrays(tree["dtype"], shape, elements=elements)
    return made.flatmap(lambda array: st.sampled_from([as_base64(array), as_numbers(array)]))


ELEMENTS: dict[str, dict[str, Any]] = {
    "f": {"min_value": -1000, "max_value": 1000},
    "c": {"max_magnitude": 1000},
}
"""The numbers of each kind that are small enough for gradients by differences."""


def fitted(body: dict[str, Any]) -> dict[str, Any]:
    """Return a payload whose tangents are those of its paths."""
    for key, role in (("tangent_vector", "jvp_inputs"), ("cotangent_vector", "vjp_outputs")):
        if key in body and VECTORS.keys() >= set(body[role]):
            body[key] = {path: as_numbers(VECTORS[path]) for path in body[role]}
    return body


def as_base64(array: Any) -> dict[str, Any]:
    """Return the document of an array with its bytes."""
    data = {"buffer": base64.b64encode(array.tobytes()).decode(), "encoding": "base64"}
    return {"shape": [*array.shape], "dtype": str(array.dtype), "data": data}


def as_numbers(array: Any) -> dict[str, Any]:
    """Return the document of an array with its numbers."""
    values = array.astype(str) if array.dtype.kind == "c" else array
    data = {"buffer": values.tolist(), "encoding": "json"}
    return {"shape": [*array.shape], "dtype": str(array.dtype), "data": data}


MORE_THAN_THE_DOCUMENT_SAYS: list[Any] = [positive_data_acceptance, negative_data_rejection]
"""Data that do not fit a shape are refused; bare numbers and lists of them are arrays too."""


def check(case: Case[Any]) -> int:
    """Validate an answer against the document, and return its status."""
    response = case.call()
    assert response.status_code < 500, (case.body, response.text)
    case.validate_response(response, excluded_checks=MORE_THAN_THE_DOCUMENT_SAYS)
    return int(response.status_code)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_valid_requests_are_answered_as_documented(model: Served, endpoint: str) -> None:
    """Payloads with valid arrays are computed, or refused for rules beyond a schema."""
    operation = operation_of(model, endpoint)
    statuses = []

    @quick
    @given(case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE), data=st.data())
    def ask(case: Case[Any], data: st.DataObject) -> None:
        case.body = fitted(data.draw(consistent(case.body)))
        statuses.append(check(case))

    ask()
    assert 200 in statuses or endpoint == "abstract_eval"  # its schema says nothing of ranks


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("mode", [*GenerationMode])
def test_other_requests_are_refused_as_documented(
    model: Served, endpoint: str, mode: GenerationMode
) -> None:
    """The answer to any request has a documented status and form, and is not a 500."""
    operation = operation_of(model, endpoint)

    @quick
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Case[Any]) -> None:
        check(case)

    ask()
    assert model.get("/health").status == 200


def operation_of(served: Served, endpoint: str) -> Any:
    """Return an operation of a server; a test of one that it does not have is skipped."""
    found = operations(served.port).get(f"/{endpoint}")
    return found or pytest.skip(f"this model has no {endpoint}")


@pytest.mark.parametrize("endpoint", ["health", "input_schema", "output_schema"])
def test_what_is_known_is_answered_as_documented(model: Served, endpoint: str) -> None:
    """Endpoints without a payload answer as documented."""
    case = operations(model.port)[f"/{endpoint}"].Case()
    assert check(case) == 200
    assert math.isfinite(len(case.call().content))
