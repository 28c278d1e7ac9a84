"""Models of payloads and results, as our own endpoints and those of plugins make them."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, Field, ValidationError

from runtime_core import Array, Differentiable, Float64
from runtime_core.schemas import PayloadSchemas


class InputSchema(BaseModel):
    """What comes in."""

    x: Differentiable[Array[(None,), Float64]]


class OutputSchema(BaseModel):
    """What goes out."""

    y: Differentiable[Float64]
    n: int = 3


SCHEMAS = PayloadSchemas(InputSchema, OutputSchema)


def test_a_payload_holds_inputs() -> None:
    """The inputs of a payload are an instance of the author's model."""
    payload: Any = SCHEMAS.payload("ApplyInputSchema", inputs="Apply")
    inputs = payload.model_validate({"inputs": {"x": [1]}}).inputs
    assert isinstance(inputs, InputSchema)
    assert type(inputs).__name__ == "Apply_InputSchema"


def test_a_payload_has_a_name_and_a_description() -> None:
    """OpenAPI has the name and description."""
    payload = SCHEMAS.payload("ProbeInputSchema", inputs="Probe", doc="What is probed.")
    schema = payload.model_json_schema()
    assert schema["title"] == "ProbeInputSchema"
    assert schema["properties"]["inputs"]["description"] == "What is probed."
    assert schema["required"] == ["inputs"]
    assert schema["additionalProperties"] is False


def test_a_payload_may_have_further_fields() -> None:
    """An endpoint asks for more than inputs by further fields."""
    payload: Any = SCHEMAS.payload(
        "ProbeInputSchema", inputs="Probe", depth=(int, Field(ge=1)), deep=(bool, False)
    )
    made = payload.model_validate({"inputs": {"x": [1]}, "depth": 2})
    assert (made.depth, made.deep) == (2, False)


@pytest.mark.parametrize(
    ("value", "errors"),
    [
        ({}, [("missing", ("inputs",))]),
        ({"inputs": {}}, [("missing", ("inputs", "x"))]),
        ({"inputs": {"x": [1]}, "more": 1}, [("extra_forbidden", ("more",))]),
        ({"inputs": 5}, [("model_type", ("inputs",))]),
        ([], [("model_type", ())]),
        (None, [("model_type", ())]),
    ],
    ids=str,
)
def test_a_payload_refuses_what_does_not_belong(value: Any, errors: Any) -> None:
    """Missing and unknown keys are refused with their place."""
    payload = SCHEMAS.payload("ApplyInputSchema", inputs="Apply")
    with pytest.raises(ValidationError) as caught:
        payload.model_validate(value)
    assert [(error["type"], error["loc"]) for error in caught.value.errors()] == errors


def test_one_prefix_has_one_model() -> None:
    """Two payloads with the same prefix share the model of their inputs."""
    assert SCHEMAS.inputs("Apply") is SCHEMAS.inputs("Apply")
    assert SCHEMAS.inputs("Apply") is not SCHEMAS.inputs("Probe")


def test_a_result_is_the_output_model_itself() -> None:
    """A result is written as the outputs, with no key around them."""
    result = SCHEMAS.result("ApplyOutputSchema", outputs="Apply", doc="What came out.")
    made = result.model_validate({"y": 1})
    assert made.model_dump() == {"y": 1.0, "n": 3}
    assert result.model_json_schema()["title"] == "ApplyOutputSchema"
    assert result.model_json_schema()["description"] == "What came out."


def test_a_result_may_be_the_authors_instance() -> None:
    """The result of the author's function is accepted unchanged."""
    result: Any = SCHEMAS.result("ApplyOutputSchema", outputs="Apply")
    outputs = OutputSchema.model_validate({"y": 1})
    assert result.model_validate(outputs).root is outputs


def test_clients_are_told_of_arrays_and_order() -> None:
    """What clients read of inputs and outputs is there for each."""
    assert SCHEMAS.input_extras == {
        "differentiable_arrays": {"x": {"dtype": "float64", "shape": [None]}},
        "field_order": {"": ["x"]},
    }
    assert SCHEMAS.output_extras == {
        "differentiable_arrays": {"y": {"dtype": "float64", "shape": []}},
        "field_order": {"": ["y", "n"]},
    }
