"""Gradients and abstract evaluation in the OpenAPI document."""

from __future__ import annotations

from typing import Any

import pytest
from openapi_spec_validator import validate

from runtime_core import Runtime
from runtime_core.description.openapi import openapi_document
from tests.builtin.conftest import HEADER, IDENTITY, JACOBIAN, JVP, VJP, Make

EVERYTHING = IDENTITY + "def abstract_eval(inputs):\n    return {'y': inputs.x}\n"


def components(runtime: Runtime) -> dict[str, Any]:
    """Return the components of the OpenAPI document."""
    found: dict[str, Any] = openapi_document(runtime)["components"]["schemas"]
    return found


def test_the_document_is_valid(runtime: Make) -> None:
    """A Tesseract with every endpoint has a document that follows the standard."""
    validate(openapi_document(runtime(EVERYTHING)))


@pytest.mark.parametrize(
    ("endpoint", "payload", "result"),
    [
        (JACOBIAN, "JacobianInputSchema", "JacobianOutputSchema"),
        (JVP, "JVPInputSchema", "JVPOutputSchema"),
        (VJP, "VJPInputSchema", "VJPOutputSchema"),
        ("abstract_eval", "AbstractInputSchema", "AbstractOutputSchema"),
    ],
)
def test_an_endpoint_refers_to_its_components(
    endpoint: str, payload: str, result: str, runtime: Make
) -> None:
    """Payload and result of each endpoint are components of their own names."""
    operation = openapi_document(runtime(EVERYTHING))["paths"][f"/{endpoint}"]["post"]
    asked = operation["requestBody"]["content"]["application/json"]["schema"]
    answered = operation["responses"]["200"]["content"]["application/json"]["schema"]
    assert (asked, answered) == (
        {"$ref": f"#/components/schemas/{payload}"},
        {"$ref": f"#/components/schemas/{result}"},
    )


@pytest.mark.parametrize(
    ("component", "keys", "inputs"),
    [
        ("JacobianInputSchema", ["inputs", "jac_inputs", "jac_outputs"], "Jacobian_InputSchema"),
        (
            "JVPInputSchema",
            ["inputs", "jvp_inputs", "jvp_outputs", "tangent_vector"],
            "Jvp_InputSchema",
        ),
        (
            "VJPInputSchema",
            ["inputs", "vjp_inputs", "vjp_outputs", "cotangent_vector"],
            "Vjp_InputSchema",
        ),
        ("AbstractInputSchema", ["inputs"], "AbstractEval_InputSchema"),
    ],
)
def test_a_payload_has_its_keys(
    component: str, keys: list[str], inputs: str, runtime: Make
) -> None:
    """All keys but `batch` are needed, and described; inputs are a component of their own."""
    found = components(runtime(EVERYTHING))
    schema = found[component]
    optional = {"batch"} & set(schema["properties"])
    assert [key for key in schema["properties"] if key not in optional] == keys
    assert schema["required"] == keys
    assert optional == ({"batch"} if keys[-1].endswith("_vector") else set())
    assert schema["additionalProperties"] is False
    assert all(each.get("description") for each in schema["properties"].values())
    assert schema["properties"]["inputs"]["$ref"] == f"#/components/schemas/{inputs}"
    assert list(found[inputs]["properties"]) == ["x"]


@pytest.mark.parametrize("key", ["jac_inputs", "jac_outputs"])
def test_paths_are_a_set_that_is_not_empty(key: str, runtime: Make) -> None:
    """The lists of paths have at least one item, and none twice."""
    schema = components(runtime(EVERYTHING))["JacobianInputSchema"]["properties"][key]
    assert (schema["type"], schema["minItems"], schema["uniqueItems"]) == ("array", 1, True)


def test_the_only_path_is_a_constant(runtime: Make) -> None:
    """One differentiable array needs no choice."""
    properties = components(runtime(EVERYTHING))["VJPInputSchema"]["properties"]
    assert properties["vjp_inputs"]["items"] == {"type": "string", "const": "x"}
    assert properties["vjp_outputs"]["items"] == {"type": "string", "const": "y"}


def test_several_paths_are_constants_or_patterns(runtime: Make) -> None:
    """Paths of fields are constants; those of items of lists and dicts are patterns."""
    made = runtime(
        HEADER
        + """
class InputSchema(BaseModel):
    a: Differentiable[Float64]
    plain: Float64
    many: list[Differentiable[Float64]]
    named: dict[str, Differentiable[Float64]]
    pair: tuple[Differentiable[Float64], int]

class OutputSchema(BaseModel):
    y: Differentiable[Float64]

def apply(inputs): ...
def jacobian(inputs, jac_inputs, jac_outputs): ...
"""
    )
    properties = components(made)["JacobianInputSchema"]["properties"]
    assert properties["jac_inputs"]["items"]["anyOf"] == [
        {"type": "string", "const": "a"},
        {"type": "string", "pattern": r"^many\.\[(0|[1-9][0-9]*)\]$"},
        {"type": "string", "pattern": r"^named\.\{([^{}\\]|\\[{}\\])*\}$"},
        {"type": "string", "const": "pair.[0]"},
    ]


def test_arrays_are_shapes_in_abstract_components(runtime: Make) -> None:
    """What `abstract_eval` is asked and answers refers to `ShapeDType` in the place of arrays."""
    found = components(runtime(EVERYTHING))
    reference = {"$ref": "#/components/schemas/ShapeDType"}
    assert found["AbstractEval_InputSchema"]["properties"]["x"] == reference
    assert found["AbstractEval_OutputSchema"]["properties"]["y"] == reference
    assert list(found["ShapeDType"]["properties"]) == ["shape", "dtype"]


def test_what_a_file_does_not_define_is_not_described(runtime: Make) -> None:
    """Endpoints that are not served have neither paths nor components."""
    document = openapi_document(runtime())
    assert [path for path in document["paths"] if path.startswith(("/jac", "/vec", "/abs"))] == []
    assert [name for name in document["components"]["schemas"] if "Jac" in name] == []
