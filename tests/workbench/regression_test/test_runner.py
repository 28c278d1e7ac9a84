"""A case passes, fails with its differences, or is an error with the reason."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.workbench.regression_test.conftest import OUTPUTS, PAYLOAD, SHAPES, RunCase, array

IDENTITY = [[2.0, 0.0], [0.0, 2.0]]
DERIVATIVES = {**PAYLOAD, "jac_inputs": ["x"], "jac_outputs": ["y"]}
ABSTRACT = {"inputs": {"x": {"shape": [3], "dtype": "float64"}}}


def test_expected_outputs_pass(run_one: RunCase) -> None:
    """Expected outputs pass, with the name of the endpoint and no message."""
    result = run_one(expected_outputs=OUTPUTS)
    assert result.model_dump() == {"status": "passed", "message": "", "endpoint": "apply"}


@pytest.mark.parametrize(
    "changed",
    [
        {"y": array([6.0, 8.0], [2])},
        {"y": [6, 8]},
        {"y": [6.0 + 1e-9, 8.0 - 5e-5]},
        {"norm": array([5.0], [])},
        {"count": array([7], [], "int64")},
        {"layers": [{"weights": array([1.0, 2.0], [2], "float32")}]},
        {"layers": [{"weights": [1, 2], "size": 2}]},
        {"named": {"a.b": 1.500001}},
        {"residual": None},
        {"total": 14.0},
    ],
)
def test_outputs_may_be_written_in_many_ways(run_one: RunCase, changed: dict[str, Any]) -> None:
    """Expected outputs are validated like a result, and compared within the tolerance."""
    assert run_one(expected_outputs={**OUTPUTS, **changed}).message == ""


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"y": [6.0, 8.001]},
            "y: 1 of 2 elements differ by more than 1e-08 + 1e-05 * |expected|\n"
            "  [1]: expected 8.001, got 8.0",
        ),
        ({"y": [6.0]}, "y: expected shape (1,), got (2,)"),
        ({"y": array([6.0], [1])}, "y: expected shape (1,), got (2,)"),
        (
            {"y": array([6.0, 8.0], [2], "float32")},
            "y: expected dtype float32, got float64",
        ),
        (
            {"y": array([6, 8, 9], [1, 3], "int64")},
            "y: expected shape (1, 3), got (2,); expected dtype int64, got float64",
        ),
        ({"norm": 5.1}, "norm: expected 5.1, got 5.0"),
        ({"norm": array([5.0], [1])}, "norm: expected shape (1,), got ()"),
        ({"count": 8}, "count: expected 8, got 7"),
        ({"layers": []}, "layers.[0]: expected nothing, got Layer object"),
        (
            {"layers": [{"weights": array([1.0], [1], "float32")}]},
            "layers.[0].weights: expected shape (1,), got (2,)",
        ),
        (
            {"layers": [{"weights": [1.0, 3.0], "size": 3}]},
            "layers.[0].weights: 1 of 2 elements differ by more than 1e-08 + 1e-05 * |expected|\n"
            "  [1]: expected 3.0, got 2.0\n"
            "layers.[0].size: expected 3, got 2",
        ),
        (
            {"named": {"c": 1}},
            "named.{c}: expected 1.0, got nothing\nnamed.{a.b}: expected nothing, got 1.5",
        ),
        ({"named": {"a.b": "NaN"}}, "named.{a.b}: expected nan, got 1.5"),
        ({"label": "no"}, "label: expected 'no', got 'ok'"),
        ({"converged": False}, "converged: expected False, got True"),
        ({"residual": 0.0}, "residual: expected 0.0, got None"),
        ({"total": 15.0}, "total: expected 15.0, got 14.0"),
        ({"total": "much"}, "total: expected 'much', got 14.0"),
        (
            {"wrong": 1, "label": 3},
            "The expected outputs do not fit the schema:\n"
            "label: Input should be a valid string\n"
            "wrong: Extra inputs are not permitted",
        ),
    ],
)
def test_each_kind_of_difference(run_one: RunCase, changed: dict[str, Any], message: str) -> None:
    """Every difference fails the case, and is reported with its path and both values."""
    result = run_one(expected_outputs={**OUTPUTS, **changed})
    assert (result.status, result.message) == ("failed", message)


def test_all_differences_are_reported(run_one: RunCase) -> None:
    """A wrong shape hides no other difference."""
    changed = {"y": array([6.0], [1]), "count": 1, "label": "no"}
    assert run_one(expected_outputs={**OUTPUTS, **changed}).message.splitlines() == [
        "y: expected shape (1,), got (2,)",
        "label: expected 'no', got 'ok'",
        "count: expected 1, got 7",
    ]


def test_outputs_that_are_left_out_have_their_default(run_one: RunCase) -> None:
    """A field that a case does not name must have its default."""
    source = SHAPES.replace("norm=np", "label='changed', norm=np")
    assert run_one(source, expected_outputs=OUTPUTS).message == (
        "label: expected 'ok', got 'changed'"
    )


def test_message_has_an_end(run_one: RunCase) -> None:
    """Only the first hundred differences are reported."""
    named = {f"k{n}": 1.0 for n in range(150)}
    result = run_one(expected_outputs={**OUTPUTS, "named": named})
    lines = result.message.splitlines()
    assert (len(lines), lines[-1]) == (101, "There are 51 more differences.")


@pytest.mark.parametrize(("tolerance", "status"), [(0.2, "passed"), (0.05, "failed")])
@pytest.mark.parametrize("name", ["atol", "rtol"])
def test_tolerances(run_one: RunCase, name: str, tolerance: float, status: str) -> None:
    """A case has its own tolerances; the relative one refers to the expected number."""
    expected = {"norm": 5.1} if name == "atol" else {"norm": 5.6}
    result = run_one(expected_outputs={**OUTPUTS, **expected}, **{name: tolerance})
    assert result.status == status


def test_aliases_are_those_of_documents(run_one: RunCase) -> None:
    """Fields are named as in documents, and reported by their path."""
    source = """
from pydantic import BaseModel, Field
from runtime_core import Array, Float64

class InputSchema(BaseModel):
    x: float

class OutputSchema(BaseModel):
    y: Array[(None,), Float64] = Field(alias="lambda")

def apply(inputs):
    return {"lambda": [inputs.x]}
"""
    payload = {"inputs": {"x": 1.0}}
    right = run_one(source, payload=payload, expected_outputs={"lambda": array([1.0], [1])})
    assert right.message == ""
    wrong = run_one(source, payload=payload, expected_outputs={"lambda": array([1], [1], "int64")})
    assert wrong.message == "y: expected dtype int64, got float64"


def test_outputs_that_are_a_root_model(run_one: RunCase) -> None:
    """The fields of a root model have `root` in their paths, and none on the wire."""
    source = """
from pydantic import BaseModel, RootModel
from runtime_core import Array, Float64

class InputSchema(BaseModel):
    x: float

class OutputSchema(RootModel[dict[str, Array[(None,), Float64]]]):
    pass

def apply(inputs):
    return OutputSchema({"k": [inputs.x]})
"""
    payload = {"inputs": {"x": 1.0}}
    assert run_one(source, payload=payload, expected_outputs={"k": [1]}).message == ""
    wrong = run_one(source, payload=payload, expected_outputs={"k": array([1], [1], "int8")})
    assert wrong.message == "root.{k}: expected dtype int8, got float64"


def test_gradients(run_one: RunCase) -> None:
    """Derivatives are compared by output and input, whether or not they name a data type."""
    asked: dict[str, Any] = {"endpoint": "jacobian", "payload": DERIVATIVES}
    for block in (IDENTITY, [[2, 0], [0, 2]], array(IDENTITY, [2, 2])):
        assert run_one(**asked, expected_outputs={"y": {"x": block}}).message == ""
    wrong = run_one(**asked, expected_outputs={"y": {"x": [[2, 0], [1, 2]]}})
    assert wrong.message.endswith("[1, 0]: expected 1.0, got 0.0")
    single = run_one(**asked, expected_outputs={"y": {"x": array(IDENTITY, [2, 2], "float32")}})
    assert single.message == "{y}.{x}: expected dtype float32, got float64"
    assert run_one(**asked, expected_outputs={}).message.startswith("{y}: expected nothing, got")


def test_abstract_eval(run_one: RunCase) -> None:
    """Shapes and data types in a document are compared exactly."""
    asked: dict[str, Any] = {"endpoint": "abstract_eval", "payload": ABSTRACT}
    norm = {"shape": [], "dtype": "float64"}
    right = {"y": {"shape": [3], "dtype": "float64"}, "norm": norm}
    assert run_one(**asked, expected_outputs=right).message == ""
    wrong = {"y": {"shape": [4], "dtype": "float32"}, "norm": norm}
    assert run_one(**asked, expected_outputs=wrong).message == (
        "y: expected shape (4,), got (3,); expected dtype float32, got float64"
    )


@pytest.mark.parametrize("payload", [None, {}])
def test_endpoint_without_a_payload(run_one: RunCase, payload: Any) -> None:
    """Endpoints without a payload can be tested too."""
    asked: dict[str, Any] = {"endpoint": "health", "payload": payload}
    assert run_one(**asked, expected_outputs={"status": "ok"}).status == "passed"
    wrong = run_one(**asked, expected_outputs={"status": "ill"})
    assert (wrong.status, wrong.message) == (
        "failed",
        "The expected outputs do not fit the schema:\nstatus: Input should be 'ok'",
    )


def test_schema_endpoint(run_one: RunCase) -> None:
    """Differences of schemas are reported by key."""
    result = run_one(endpoint="output_schema", payload=None, expected_outputs={"title": "Old"})
    assert "{title}: expected 'Old', got 'ApplyOutputSchema'" in result.message


@pytest.mark.parametrize(
    "name",
    [
        "TooStiff",
        "tesseract_api.TooStiff",
        "ArithmeticError",
        "builtins.ArithmeticError",
        "Exception",
    ],
)
def test_exception_of_the_author(run_one: RunCase, name: str) -> None:
    """An exception of `apply` is found by its name in its module, or by a base class."""
    payload = {"inputs": {"x": [1.0], "raises": "stiff"}}
    result = run_one(payload=payload, expected_exception=name, expected_exception_regex=r"step \d")
    expected = ("error", "passed")[name != "TooStiff"]
    assert result.status == expected


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"expected_exception": "KeyError"},
            "expected KeyError, got TooStiff: too stiff at step 3",
        ),
        (
            {"expected_exception": "ArithmeticError", "expected_exception_regex": "diverged"},
            "expected the text of ArithmeticError to match 'diverged', got 'too stiff at step 3'",
        ),
    ],
)
def test_other_exception(run_one: RunCase, fields: dict[str, Any], message: str) -> None:
    """Another exception, or one with another text, fails the case."""
    payload = {"inputs": {"x": [1.0], "raises": "stiff"}}
    result = run_one(payload=payload, **fields)
    assert (result.status, result.message) == ("failed", message)


def test_exception_that_is_not_raised(run_one: RunCase) -> None:
    """A case whose exception is not raised fails, even if its name is unknown."""
    result = run_one(expected_exception="acme.Missing")
    assert (result.status, result.message) == (
        "failed",
        "expected acme.Missing, but nothing was raised",
    )


def test_exception_of_an_unknown_name(run_one: RunCase) -> None:
    """An unknown name is an error, with the exception that was raised."""
    payload = {"inputs": {"x": [1.0], "raises": "stiff"}}
    result = run_one(payload=payload, expected_exception="ArithmetikError")
    assert result.status == "error"
    assert "Did you mean 'ArithmeticError'?" in result.message
    assert result.message.endswith("What was raised is TooStiff: too stiff at step 3")


@pytest.mark.parametrize(
    "name",
    [
        "ValidationError",
        "pydantic.ValidationError",
        "pydantic_core._pydantic_core.ValidationError",
        "InvalidPayload",
        "ValueError",
    ],
)
def test_invalid_payload_may_be_expected(run_one: RunCase, name: str) -> None:
    """A case can expect the refusal of its payload."""
    payload = {"inputs": {"x": [[1.0]], "y": 2}}
    result = run_one(
        payload=payload,
        expected_exception=name,
        expected_exception_regex="inputs.x: Array has wrong number of dimensions",
    )
    assert result.message == ""


@pytest.mark.parametrize(
    ("raises", "name"),
    [("exit", "SystemExit"), ("in validator", "LookupError"), ("nonsense", "InvalidResult")],
)
def test_anything_may_be_expected(run_one: RunCase, raises: str, name: str) -> None:
    """A case may expect an exception of a validator, an exit, or an invalid result."""
    payload = {"inputs": {"x": [1.0], "raises": raises}}
    assert run_one(payload=payload, expected_exception=name).message == ""


@pytest.mark.parametrize(
    ("raises", "message", "function"),
    [
        ("stiff", "TooStiff: too stiff at step 3", "apply"),
        ("exit", "SystemExit: 3", "apply"),
        ("in validator", "LookupError: not known", "known"),
    ],
)
def test_exception_that_is_not_expected(
    run_one: RunCase, raises: str, message: str, function: str
) -> None:
    """An exception instead of outputs is an error, with its place in the author's code."""
    result = run_one(payload={"inputs": {"x": [1.0], "raises": raises}}, expected_outputs=OUTPUTS)
    assert result.status == "error"
    place = rf"/.*/tesseract_api\.py:\d+ in {function}"
    assert re.fullmatch(rf"{re.escape(message)} \({place}\)", result.message)


def test_invalid_payload_that_is_not_expected(run_one: RunCase) -> None:
    """All faults of a payload are reported when outputs were expected."""
    result = run_one(payload={"inputs": {"x": [[1.0]]}, "more": 1}, expected_outputs=OUTPUTS)
    assert (result.status, result.message) == (
        "error",
        "The payload of apply is not valid:\n"
        "inputs.x: Array has wrong number of dimensions: got 2D, expected 1D\n"
        "more: Extra inputs are not permitted",
    )


def test_wrong_result_that_is_not_expected(run_one: RunCase) -> None:
    """A Tesseract that breaks its own schema is an error."""
    payload = {"inputs": {"x": [1.0], "raises": "nonsense"}}
    result = run_one(payload=payload, expected_outputs=OUTPUTS)
    assert result.status == "error"
    assert "which is not a valid OutputSchema" in result.message


def test_debug_tells_where(run_one: RunCase) -> None:
    """With `--debug` the traceback of the author's frames is reported too."""
    payload = {"inputs": {"x": [1.0], "raises": "stiff"}}
    message = run_one(payload=payload, expected_outputs={}, flags={"debug": True}).message
    assert "in apply\n" in message
    assert "runtime_core" not in message


@pytest.mark.parametrize(
    ("endpoint", "reason"),
    [
        ("aply", "Unknown endpoint 'aply'. Did you mean 'apply'?"),
        (
            "vector_jacobian_product",
            "Endpoint 'vector_jacobian_product' is not available: tesseract_api.py does not",
        ),
        ("test", "Endpoint 'test' is not available: it is served with --debug only."),
    ],
)
def test_endpoint_that_is_not_there(run_one: RunCase, endpoint: str, reason: str) -> None:
    """A case of an unavailable endpoint is an error, even if it expects an exception."""
    expectations: list[dict[str, Any]] = [
        {"expected_outputs": {}},
        {"expected_exception": "Exception"},
    ]
    for expectation in expectations:
        result = run_one(endpoint=endpoint, **expectation)
        assert (result.status, result.endpoint) == ("error", endpoint)
        assert result.message.startswith(reason)


def test_schema_that_cannot_be_used(run_one: RunCase) -> None:
    """A failing schema is an error of its case only."""
    source = SHAPES.replace("    x: Diff", "    x: 'Undefined'\n    z: Diff")
    result = run_one(source, expected_outputs=OUTPUTS)
    assert result.status == "error"
    assert "Undefined" in result.message


def test_validators_that_fail_on_expected_outputs(run_one: RunCase) -> None:
    """An exception of a validator of expected outputs is an error of its case only."""
    source = """
from pydantic import BaseModel, field_validator

class InputSchema(BaseModel):
    x: int

class OutputSchema(BaseModel):
    y: int

    @field_validator("y")
    @classmethod
    def known(cls, y):
        return {1: 1}[y]

def apply(inputs):
    return {"y": inputs.x}
"""
    result = run_one(source, payload={"inputs": {"x": 1}}, expected_outputs={"y": 2})
    assert (result.status, result.message) == (
        "error",
        "The expected outputs cannot be compared: KeyError: 2",
    )


def test_output_path_checks_are_left_to_validators(run_one: RunCase) -> None:
    """Validators see in the context whether expected files may be missing."""
    source = """
from pydantic import BaseModel, field_validator

class InputSchema(BaseModel):
    x: int

class OutputSchema(BaseModel):
    y: str

    @field_validator("y")
    @classmethod
    def present(cls, y, info):
        if info.context and not info.context.get("skip_path_checks"):
            raise ValueError("is missing")
        return y

def apply(inputs):
    return {"y": "file"}
"""
    fields: dict[str, Any] = {"payload": {"inputs": {"x": 1}}, "expected_outputs": {"y": "file"}}
    assert run_one(source, **fields).status == "failed"
    assert run_one(source, **fields, skip_output_path_checks=True).status == "passed"


@pytest.mark.parametrize(
    ("expected", "status"), [(IDENTITY, "passed"), ([[2.0, 0.0], [0.0, 3.0]], "failed")]
)
def test_a_case_may_have_a_batch(run_one: RunCase, expected: Any, status: str) -> None:
    """The results of all vectors are compared."""
    payload = {
        **PAYLOAD,
        "jvp_inputs": ["x"],
        "jvp_outputs": ["y"],
        "tangent_vector": {"x": [[1.0, 0.0], [0.0, 1.0]]},
        "batch": 2,
    }
    result = run_one(
        endpoint="jacobian_vector_product", payload=payload, expected_outputs={"y": expected}
    )
    assert (result.status, "[1, 1]" in result.message) == (status, status == "failed")
