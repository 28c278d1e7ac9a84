"""A case passes, fails with what is different, or is an error that says why it was not judged."""

from __future__ import annotations

from typing import Any

import pytest

from tests.workbench.regression_test.conftest import OUTPUTS, PAYLOAD, SHAPES, Judged, array

IDENTITY = [[2.0, 0.0], [0.0, 2.0]]
DERIVATIVES = {**PAYLOAD, "jac_inputs": ["x"], "jac_outputs": ["y"]}
ABSTRACT = {"inputs": {"x": {"shape": [3], "dtype": "float64"}}}


def test_expected_outputs_pass(judged: Judged) -> None:
    """Outputs that come as expected pass, with the endpoint named and nothing to say."""
    verdict = judged(expected_outputs=OUTPUTS)
    assert verdict.model_dump() == {"status": "passed", "message": "", "endpoint": "apply"}


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
def test_outputs_may_be_written_in_many_ways(judged: Judged, changed: dict[str, Any]) -> None:
    """Outputs are read as the endpoint's own result is, within the tolerance."""
    assert judged(expected_outputs={**OUTPUTS, **changed}).message == ""


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
            "The expected outputs are not a valid ApplyOutputSchema:\n"
            "label: Input should be a valid string\n"
            "wrong: Extra inputs are not permitted",
        ),
    ],
)
def test_each_kind_of_difference(judged: Judged, changed: dict[str, Any], message: str) -> None:
    """Whatever differs fails the case, and is told with its path and both values."""
    verdict = judged(expected_outputs={**OUTPUTS, **changed})
    assert (verdict.status, verdict.message) == ("failed", message)


def test_all_differences_are_told(judged: Judged) -> None:
    """A wrong shape hides no other difference."""
    changed = {"y": array([6.0], [1]), "count": 1, "label": "no"}
    assert judged(expected_outputs={**OUTPUTS, **changed}).message.splitlines() == [
        "y: expected shape (1,), got (2,)",
        "count: expected 1, got 7",
        "label: expected 'no', got 'ok'",
    ]


def test_outputs_that_are_left_out_have_their_default(judged: Judged) -> None:
    """A field that a case does not name must have its default."""
    source = SHAPES.replace("norm=np", "label='changed', norm=np")
    assert judged(source, expected_outputs=OUTPUTS).message == (
        "label: expected 'ok', got 'changed'"
    )


def test_message_has_an_end(judged: Judged) -> None:
    """Of very many differences the first hundred are told."""
    named = {f"k{n}": 1.0 for n in range(150)}
    verdict = judged(expected_outputs={**OUTPUTS, "named": named})
    lines = verdict.message.splitlines()
    assert (len(lines), lines[-1]) == (101, "There are 51 more differences.")


@pytest.mark.parametrize(("tolerance", "status"), [(0.2, "passed"), (0.05, "failed")])
@pytest.mark.parametrize("name", ["atol", "rtol"])
def test_tolerances(judged: Judged, name: str, tolerance: float, status: str) -> None:
    """A case has tolerances of its own; the relative one is of the expected number."""
    expected = {"norm": 5.1} if name == "atol" else {"norm": 5.6}
    verdict = judged(expected_outputs={**OUTPUTS, **expected}, **{name: tolerance})
    assert verdict.status == status


def test_aliases_are_those_of_documents(judged: Judged) -> None:
    """Fields are named as on the wire, and told by their path."""
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
    right = judged(source, payload=payload, expected_outputs={"lambda": array([1.0], [1])})
    assert right.message == ""
    wrong = judged(source, payload=payload, expected_outputs={"lambda": array([1], [1], "int64")})
    assert wrong.message == "y: expected dtype int64, got float64"


def test_outputs_that_are_a_root_model(judged: Judged) -> None:
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
    assert judged(source, payload=payload, expected_outputs={"k": [1]}).message == ""
    wrong = judged(source, payload=payload, expected_outputs={"k": array([1], [1], "int8")})
    assert wrong.message == "root.{k}: expected dtype int8, got float64"


def test_gradients(judged: Judged) -> None:
    """Derivatives are compared by output and input, whether or not they name a data type."""
    asked: dict[str, Any] = {"endpoint": "jacobian", "payload": DERIVATIVES}
    for block in (IDENTITY, [[2, 0], [0, 2]], array(IDENTITY, [2, 2])):
        assert judged(**asked, expected_outputs={"y": {"x": block}}).message == ""
    wrong = judged(**asked, expected_outputs={"y": {"x": [[2, 0], [1, 2]]}})
    assert wrong.message.endswith("[1, 0]: expected 1.0, got 0.0")
    single = judged(**asked, expected_outputs={"y": {"x": array(IDENTITY, [2, 2], "float32")}})
    assert single.message == "{y}.{x}: expected dtype float32, got float64"
    assert judged(**asked, expected_outputs={}).message.startswith("{y}: expected nothing, got")


def test_abstract_eval(judged: Judged) -> None:
    """Shapes and data types are compared exactly as they are written."""
    asked: dict[str, Any] = {"endpoint": "abstract_eval", "payload": ABSTRACT}
    norm = {"shape": [], "dtype": "float64"}
    right = {"y": {"shape": [3], "dtype": "float64"}, "norm": norm}
    assert judged(**asked, expected_outputs=right).message == ""
    wrong = {"y": {"shape": [4], "dtype": "float32"}, "norm": norm}
    assert judged(**asked, expected_outputs=wrong).message == (
        "y: expected shape (4,), got (3,); expected dtype float32, got float64"
    )


@pytest.mark.parametrize("payload", [None, {}])
def test_endpoint_without_a_payload(judged: Judged, payload: Any) -> None:
    """Endpoints that ask for nothing can be tested too."""
    asked: dict[str, Any] = {"endpoint": "health", "payload": payload}
    assert judged(**asked, expected_outputs={"status": "ok"}).status == "passed"
    wrong = judged(**asked, expected_outputs={"status": "ill"})
    assert (wrong.status, wrong.message) == (
        "failed",
        "The expected outputs are not a valid Health:\nstatus: Input should be 'ok'",
    )


def test_schema_endpoint(judged: Judged) -> None:
    """A schema that changes is told by the keys that do."""
    verdict = judged(endpoint="output_schema", payload=None, expected_outputs={"title": "Old"})
    assert "{title}: expected 'Old', got 'ApplyOutputSchema'" in verdict.message


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
def test_exception_of_the_author(judged: Judged, name: str) -> None:
    """What `apply` raises is found by its name in its module, or by that of a base."""
    payload = {"inputs": {"x": [1.0], "raises": "stiff"}}
    verdict = judged(payload=payload, expected_exception=name, expected_exception_regex=r"step \d")
    expected = ("error", "passed")[name != "TooStiff"]
    assert verdict.status == expected


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
def test_other_exception(judged: Judged, fields: dict[str, Any], message: str) -> None:
    """Another exception, or one with another text, fails the case."""
    payload = {"inputs": {"x": [1.0], "raises": "stiff"}}
    verdict = judged(payload=payload, **fields)
    assert (verdict.status, verdict.message) == ("failed", message)


def test_exception_that_is_not_raised(judged: Judged) -> None:
    """A case whose exception does not come fails, whatever its name is."""
    verdict = judged(expected_exception="acme.Missing")
    assert (verdict.status, verdict.message) == (
        "failed",
        "expected acme.Missing, but nothing was raised",
    )


def test_exception_of_an_unknown_name(judged: Judged) -> None:
    """A name that no class has is an error, which tells what was raised."""
    payload = {"inputs": {"x": [1.0], "raises": "stiff"}}
    verdict = judged(payload=payload, expected_exception="ArithmetikError")
    assert verdict.status == "error"
    assert "Did you mean 'ArithmeticError'?" in verdict.message
    assert verdict.message.endswith("What was raised is TooStiff: too stiff at step 3")


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
def test_invalid_payload_may_be_expected(judged: Judged, name: str) -> None:
    """A payload that the endpoint refuses is the exception that a case can expect."""
    payload = {"inputs": {"x": [[1.0]], "y": 2}}
    verdict = judged(
        payload=payload,
        expected_exception=name,
        expected_exception_regex="inputs.x: Array has wrong number of dimensions",
    )
    assert verdict.message == ""


@pytest.mark.parametrize(
    ("raises", "name"),
    [("exit", "SystemExit"), ("in validator", "LookupError"), ("nonsense", "InvalidResult")],
)
def test_anything_may_be_expected(judged: Judged, raises: str, name: str) -> None:
    """A case may expect what a validator raises, an exit, or a result that is none."""
    payload = {"inputs": {"x": [1.0], "raises": raises}}
    assert judged(payload=payload, expected_exception=name).message == ""


@pytest.mark.parametrize(
    ("raises", "message"),
    [
        ("stiff", "TooStiff: too stiff at step 3"),
        ("exit", "SystemExit: 3"),
        ("in validator", "LookupError: not known"),
    ],
)
def test_exception_that_is_not_expected(judged: Judged, raises: str, message: str) -> None:
    """An exception in the place of outputs is an error."""
    verdict = judged(payload={"inputs": {"x": [1.0], "raises": raises}}, expected_outputs=OUTPUTS)
    assert (verdict.status, verdict.message) == ("error", message)


def test_invalid_payload_that_is_not_expected(judged: Judged) -> None:
    """All faults of a payload are told when outputs were expected of it."""
    verdict = judged(payload={"inputs": {"x": [[1.0]]}, "more": 1}, expected_outputs=OUTPUTS)
    assert (verdict.status, verdict.message) == (
        "error",
        "The payload of apply is not valid:\n"
        "inputs.x: Array has wrong number of dimensions: got 2D, expected 1D\n"
        "more: Extra inputs are not permitted",
    )


def test_wrong_result_that_is_not_expected(judged: Judged) -> None:
    """A Tesseract that breaks its own schema is an error."""
    payload = {"inputs": {"x": [1.0], "raises": "nonsense"}}
    verdict = judged(payload=payload, expected_outputs=OUTPUTS)
    assert verdict.status == "error"
    assert "which is no valid ApplyOutputSchema" in verdict.message


def test_debug_tells_where(judged: Judged) -> None:
    """With `--debug` the traceback of the author's frames is told too."""
    payload = {"inputs": {"x": [1.0], "raises": "stiff"}}
    message = judged(payload=payload, expected_outputs={}, flags={"debug": True}).message
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
def test_endpoint_that_is_not_there(judged: Judged, endpoint: str, reason: str) -> None:
    """A case of an endpoint that cannot be asked is an error, even if it expects one."""
    expectations: list[dict[str, Any]] = [
        {"expected_outputs": {}},
        {"expected_exception": "Exception"},
    ]
    for expectation in expectations:
        verdict = judged(endpoint=endpoint, **expectation)
        assert (verdict.status, verdict.endpoint) == ("error", endpoint)
        assert verdict.message.startswith(reason)


def test_schema_that_cannot_be_used(judged: Judged) -> None:
    """A schema that breaks an endpoint is an error of its case, not the end."""
    source = SHAPES.replace("    x: Diff", "    x: 'Undefined'\n    z: Diff")
    verdict = judged(source, expected_outputs=OUTPUTS)
    assert verdict.status == "error"
    assert "Undefined" in verdict.message


def test_validators_that_fail_on_expected_outputs(judged: Judged) -> None:
    """What an author's validator raises over expected outputs is an error, not the end."""
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
    verdict = judged(source, payload={"inputs": {"x": 1}}, expected_outputs={"y": 2})
    assert (verdict.status, verdict.message) == (
        "error",
        "The expected outputs cannot be compared: KeyError: 2",
    )


def test_output_path_checks_are_left_to_validators(judged: Judged) -> None:
    """Validators learn from their context whether what outputs name may be missing."""
    source = """
from pydantic import BaseModel, field_validator

class InputSchema(BaseModel):
    x: int

class OutputSchema(BaseModel):
    y: str

    @field_validator("y")
    @classmethod
    def present(cls, y, info):
        if info.context and not info.context.get("skip_output_path_checks"):
            raise ValueError("is missing")
        return y

def apply(inputs):
    return {"y": "file"}
"""
    fields: dict[str, Any] = {"payload": {"inputs": {"x": 1}}, "expected_outputs": {"y": "file"}}
    assert judged(source, **fields).status == "failed"
    assert judged(source, **fields, skip_output_path_checks=True).status == "passed"
