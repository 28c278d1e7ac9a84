"""The OpenAPI document of schemas with files, sequences and references in every position."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from runtime_core.description.openapi import openapi_document
from tests.authoring.conftest import SERVINGS, Made, answer, write_points

EVERYTHING = """
from typing import Annotated, Generic, TypeVar
from pydantic import AfterValidator, BaseModel, Field, RootModel
from tesseract_core.runtime import Array, Differentiable, Float64
from tesseract_core.runtime.experimental import (
    InputPath, LazySequence, OutputPath, TesseractReference
)

T = TypeVar("T")

class Point(BaseModel):
    x: Differentiable[Array[(None,), Float64]]

class Case(BaseModel, Generic[T]):
    mesh: InputPath
    value: T

class InputSchema(BaseModel):
    points: LazySequence[Point] = Field(description="Where.")
    path: Annotated[InputPath, AfterValidator(lambda path: path)] = Field(description="What.")
    to: OutputPath
    solver: TesseractReference | None = None
    paths: dict[str, list[InputPath | None]] = {}
    cases: LazySequence[Case[InputPath]] = Field([], alias="Cases")
    fixed: tuple[InputPath, OutputPath] | None = None
    grid: list[LazySequence[LazySequence[int]]] = []
    root: RootModel[LazySequence[InputPath]] | None = None
    many: dict[str, TesseractReference] = {}

class OutputSchema(BaseModel):
    points: LazySequence[Point]
    path: InputPath
    to: OutputPath
    solver: TesseractReference | None

def apply(inputs: InputSchema) -> OutputSchema:
    inputs.to.write_text("done")
    return OutputSchema(
        points=inputs.points, path=inputs.path, to=inputs.to, solver=inputs.solver
    )
"""

URL = {"type": "url", "ref": "http://127.0.0.1:9"}

ARRAY = {"shape": [1], "dtype": "float64", "data": {"buffer": [1.0], "encoding": "json"}}

PAYLOADS: tuple[dict[str, Any], ...] = (
    {"points": [{"x": ARRAY}], "path": "notes.txt", "to": "new1.txt"},
    {
        "points": "@points/*.json",
        "path": "meshes",
        "to": "new2.txt",
        "solver": URL,
        "paths": {"a": ["notes.txt", None]},
        "Cases": [{"mesh": "link", "value": "notes.txt"}],
        "fixed": ["notes.txt", "new3.txt"],
        "grid": [[[1, 2], []], []],
        "root": ["notes.txt"],
        "many": {"a": URL},
    },
)

WRONG = (
    {"points": "points/*.json"},
    {"points": {"x": ARRAY}},
    {"path": 3},
    {"to": None},
    {"solver": "http://127.0.0.1:9"},
    {"solver": {"type": "image", "ref": "acme"}},
    {"solver": {"type": "url"}},
    {"paths": {"a": "notes.txt"}},
    {"Cases": [{"mesh": "link"}]},
    {"grid": [["a"]]},
)


@pytest.fixture
def points(inputs: Path) -> None:
    """Write two items with arrays."""
    write_points(inputs / "points", 2)
    for path in (inputs / "points").iterdir():
        path.write_text('{"x": [1, 2]}')


def validator(document: Any, component: str) -> Draft202012Validator:
    """Return a validator of a component of a document."""
    reference = {"$ref": f"#/components/schemas/{component}"}
    return Draft202012Validator({**document, **reference})


def test_the_document_is_one_of_openapi(made: Made) -> None:
    """Every type in every position gives a valid OpenAPI document."""
    document = openapi_document(made(EVERYTHING))
    validate(document)
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_paths_of_arrays_lead_into_sequences(made: Made) -> None:
    """The schema names the items of a sequence as those of a list."""
    components = openapi_document(made(EVERYTHING))["components"]["schemas"]
    described = components["ApplyInputSchema"]
    assert list(described["differentiable_arrays"]) == ["points.[].x"]
    assert described["field_order"]["points.[]"] == ["x"]
    assert described["field_order"]["cases.[]"] == ["mesh", "value"]


def test_descriptions_of_authors_stay(made: Made) -> None:
    """The author's description of a field is in the document."""
    components = openapi_document(made(EVERYTHING))["components"]["schemas"]
    fields = components["Apply_InputSchema"]["properties"]
    assert fields["points"]["description"] == "Where."
    assert fields["path"]["description"] == "What."
    assert fields["points"]["anyOf"][0]["items"]["$ref"].endswith("/Apply_Point")


@SERVINGS
@pytest.mark.parametrize("payload", PAYLOADS)
def test_what_is_accepted_and_answered_fits_the_document(
    payload: dict[str, Any], remote: bool, made: Made, points: None
) -> None:
    """A payload that fits the document is accepted, and the result fits it too."""
    runtime = made(EVERYTHING, remote=remote, allow_url_prefix=("http://127.0.0.1:9",))
    document = openapi_document(runtime)
    validator(document, "ApplyInputSchema").validate({"inputs": payload})
    validator(document, "ApplyOutputSchema").validate(answer(runtime, payload))


@pytest.mark.parametrize("change", WRONG)
def test_what_has_the_wrong_form_does_not_fit(change: dict[str, Any], made: Made) -> None:
    """The document rejects payloads that the Tesseract would refuse."""
    judge = validator(openapi_document(made(EVERYTHING)), "ApplyInputSchema")
    assert not judge.is_valid({"inputs": {**PAYLOADS[0], **change}})
