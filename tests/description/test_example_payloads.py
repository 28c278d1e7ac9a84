"""The examples of payloads in the OpenAPI document."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from runtime_core import Runtime
from runtime_core.description.openapi import openapi_document

SOURCE = """
from pydantic import BaseModel, field_validator
from runtime_core import Array, Differentiable, Float64

class InputSchema(BaseModel):
    x: Differentiable[Array[(None, 3), Float64]]
    parts: dict[str, Differentiable[Array[(None,), Float64]]] = {}

    @field_validator("x")
    def positive(cls, x):
        assert (x > 0).all()
        return x

class OutputSchema(BaseModel):
    rows: list[Differentiable[Array[(None, 3), Float64]]]

def apply(inputs):
    return {"rows": [inputs.x]}

def vector_jacobian_product(inputs, vjp_inputs, vjp_outputs, cotangent_vector):
    return {path: cotangent_vector["rows.[0]"] for path in vjp_inputs}
"""
MADE = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]


def examples(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the examples of each endpoint of the Tesseract in a folder, by name."""
    (folder / "tesseract_api.py").write_text(SOURCE)
    paths = openapi_document(Runtime.from_file(folder / "tesseract_api.py"))["paths"]
    return {
        name: {
            label: example["value"]
            for label, example in operation["post"]["requestBody"]["content"]["application/json"][
                "examples"
            ].items()
        }
        for name, operation in paths.items()
        if "post" in operation
    }


def test_examples_are_made_of_the_schema(tmp_path: Path) -> None:
    """Without files, arrays have their sizes, or 2, and gradients the first input and output."""
    found = examples(tmp_path)
    assert found["/apply"]["example"]["inputs"]["x"] == MADE
    gradient = found["/vector_jacobian_product"]["example"]
    assert (gradient["vjp_inputs"], gradient["vjp_outputs"]) == (["x"], ["rows.[0]"])
    assert gradient["cotangent_vector"] == {"rows.[0]": [[1.0] * 3] * 2}


@pytest.mark.parametrize("file", ["inputs.json", "test_cases/apply.json"])
def test_examples_are_those_of_the_author(tmp_path: Path, file: str) -> None:
    """Inputs beside the Tesseract are an example, if they are valid, also of its gradients."""
    (tmp_path / "test_cases").mkdir()
    failing = {"endpoint": "apply", "payload": {}, "expected_exception": "ValidationError"}
    (tmp_path / "test_cases" / "a.json").write_text(json.dumps([failing, "no case"]))
    payload = {"inputs": {"x": [[7.0, 8.0, 9.0]]}}
    case = payload if file == "inputs.json" else {"endpoint": "apply", "payload": payload}
    (tmp_path / file).write_text(json.dumps(case))
    found = examples(tmp_path)
    assert found["/apply"] == {file: payload}
    gradient = found["/vector_jacobian_product"]["example"]
    assert gradient["inputs"] == payload["inputs"]
    assert gradient["cotangent_vector"] == {"rows.[0]": [[1.0] * 3]}


@pytest.mark.parametrize("text", ["{", "[]", '{"inputs": {"x": [[-1.0, 0.0, 1.0]]}}'])
def test_wrong_inputs_are_no_example(tmp_path: Path, text: str) -> None:
    """A file that is not JSON, or not a valid payload, is passed over."""
    (tmp_path / "inputs.json").write_text(text)
    assert examples(tmp_path)["/apply"]["example"]["inputs"]["x"] == MADE
