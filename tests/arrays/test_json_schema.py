"""The JSON Schema of an array describes what is read, and all that is written."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import make_dataclass
from datetime import timedelta
from enum import IntEnum
from typing import Any

import hypothesis.extra.numpy as npst
import jsonschema
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field, RootModel, create_model
from pydantic.json_schema import JsonSchemaMode

import runtime_core
from runtime_core.arrays.dtypes import DTYPES, castable, castable_names
from runtime_core.arrays.json_schema import ArrayJsonSchema
from runtime_core.calls.scope import Scope
from runtime_core.contracts import ArrayEncoding

Array: Any = runtime_core.Array  # mypy reads no `Array[(3,), Float64]` as a value
Differentiable: Any = runtime_core.Differentiable
Float64: Any = runtime_core.Float64
Bool: Any = runtime_core.Bool
Complex128: Any = runtime_core.Complex128
Int64: Any = runtime_core.Int64
Int8: Any = runtime_core.Int8

ScopeWith = Callable[..., AbstractContextManager[Scope]]


def schema_of(array: Any) -> dict[str, Any]:
    """Return the JSON Schema of a model whose only field `x` is an array."""
    return create_model("Model", x=(array, ...)).model_json_schema()


def array_schema(array: Any) -> dict[str, Any]:
    """Return the part of a model's JSON Schema that describes its array."""
    schema: dict[str, Any] = schema_of(array)["properties"]["x"]
    return schema


def test_an_array_is_an_object() -> None:
    """The keys of a document are described, and no others allowed."""
    schema = array_schema(Array[(None, 3), Float64])
    assert schema["type"] == "object"
    assert schema["required"] == ["shape", "dtype", "data"]
    assert schema["additionalProperties"] is False
    assert list(schema["properties"]) == ["object_type", "shape", "dtype", "data"]
    assert schema["properties"]["object_type"]["const"] == "array"


@pytest.mark.parametrize(
    ("array", "flags"),
    [
        (Array[(3,), Float64], []),
        (Differentiable[Array[(3,), Float64]], ["DIFFERENTIABLE"]),
    ],
)
def test_flags_are_described(array: Any, flags: list[str]) -> None:
    """Clients read from the schema what is differentiable."""
    assert array_schema(array)["array_flags"] == flags


@pytest.mark.parametrize(
    ("shape", "items"),
    [
        ((), None),
        ((None,), [{"type": "integer", "minimum": 0}]),
        ((3,), [{"type": "integer", "enum": [1, 3]}]),
        ((1,), [{"type": "integer", "enum": [1]}]),
        ((0,), [{"type": "integer", "enum": [0, 1]}]),
        (
            (None, 3),
            [{"type": "integer", "minimum": 0}, {"type": "integer", "enum": [1, 3]}],
        ),
    ],
)
def test_a_shape_is_described(shape: Any, items: Any) -> None:
    """Each size has its own schema, with the 1 that is broadcast; their number is fixed."""
    schema = array_schema(Array[shape, Float64])["properties"]["shape"]
    assert schema.get("prefixItems") == items
    assert (schema["minItems"], schema["maxItems"]) == (len(shape), len(shape))


def test_any_shape_is_described() -> None:
    """Under `...` nothing is said of the number of sizes."""
    schema = array_schema(Array[..., Float64])["properties"]["shape"]
    assert not {"prefixItems", "minItems", "maxItems"} & set(schema)


@pytest.mark.parametrize("dtype", list(DTYPES))
def test_data_types_are_those_that_can_be_cast(dtype: str) -> None:
    """The enumeration holds exactly what a field of the type accepts."""
    enum = array_schema(Array[(3,), dtype])["properties"]["dtype"]["enum"]
    assert enum == castable_names(dtype)
    assert enum == [name for name in DTYPES if castable(DTYPES[name], DTYPES[dtype])]


def test_data_is_one_of_the_registered_encodings(scope_with: ScopeWith) -> None:
    """Each encoding of the catalog is one alternative, told apart by its name."""
    hexadecimal = ArrayEncoding(
        name="hex",
        summary="Hexadecimal digits.",
        data_schema={
            "title": "HexArrayData",
            "type": "object",
            "properties": {"buffer": {"type": "string"}, "encoding": {"const": "hex"}},
            "required": ["buffer", "encoding"],
        },
        load=object,  # type: ignore[arg-type]  # nothing is encoded here
    )
    with scope_with(encodings=[hexadecimal]):
        schema = schema_of(Array[(3,), Float64])
    data = schema["properties"]["x"]["properties"]["data"]
    references = {
        "json": "#/$defs/JsonArrayData",
        "base64": "#/$defs/Base64ArrayData",
        "hex": "#/$defs/HexArrayData",
    }
    assert data["discriminator"] == {"propertyName": "encoding", "mapping": references}
    assert [alternative["$ref"] for alternative in data["oneOf"]] == list(references.values())
    described = schema["$defs"]["HexArrayData"]
    assert described.pop("properties").pop("compression")["type"] == "null"
    assert described.items() <= hexadecimal.data_schema.items()


def test_equal_encodings_are_one_component() -> None:
    """A model with many arrays describes each encoding once."""
    model = create_model("Model", x=(Array[(3,), Float64], ...), y=(Array[..., Int8], ...))
    assert sum("Base64ArrayData" in name for name in model.model_json_schema()["$defs"]) == 1


def test_the_description_and_default_of_a_field_are_kept() -> None:
    """What the author says of a field stands beside the array."""
    model = create_model(
        "Model",
        x=(Array[(None,), Float64], Field(default=[1.0], description="Some numbers.")),
    )
    schema = model.model_json_schema()["properties"]["x"]
    assert schema["description"] == "Some numbers."
    assert schema["default"] == [1.0]


Vector: Any = Array[(None,), Float64]
Inner: Any = create_model("Inner", w=(Vector, Field([1, 2], alias="weights")), n=(int, 3))
Mesh: Any = make_dataclass("Mesh", [("nodes", Vector)])
Anything: Any = create_model("Anything", __config__={"extra": "allow"})


@pytest.mark.parametrize(
    ("annotation", "default", "written"),
    [
        (Float64, 1.0, 1.0),
        (Float64, 1, 1),
        (Float64, np.float32(0.5), 0.5),
        (Vector, [1, 2], [1, 2]),
        (Vector, (1, 2), [1, 2]),
        (Vector, range(2), [0, 1]),
        (Vector, np.array([1.0, 2.0]), [1.0, 2.0]),
        (Array[(None, 2), Int64], np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
        (Array[(None,), Bool], np.array([True]), [True]),
        (Array[(), Complex128], np.complex128(1 + 2j), "1+2j"),
        (Vector, np.array([np.nan, np.inf]), ["NaN", "Infinity"]),
        (Vector | None, None, None),
        (dict[str, Vector], {"k": np.array([1.0])}, {"k": [1.0]}),
        (Inner, Inner(), {"weights": [1, 2], "n": 3}),
        (Inner, Inner(weights=np.array([5.0])), {"weights": [5.0], "n": 3}),
        (list[Inner], [Inner()], [{"weights": [1, 2], "n": 3}]),
        (RootModel[Vector], RootModel[Vector](np.array([1.0])), [1.0]),
        (Anything, Anything(x=np.array([1.0])), {"x": [1.0]}),
        (Mesh, Mesh(nodes=np.array([1.0])), {"nodes": [1.0]}),
        (timedelta, timedelta(seconds=1), "PT1S"),
        (Any, np.array(["a"]), NotImplemented),
    ],
    ids=repr,
)
def test_defaults_are_what_the_author_wrote(annotation: Any, default: Any, written: Any) -> None:
    """Programs that make forms cast them: `float(default)`. What is not JSON is left out."""
    model = create_model("Model", x=(annotation, default))
    schema = model.model_json_schema(schema_generator=ArrayJsonSchema)["properties"]["x"]
    assert schema.get("default", NotImplemented) == written


def test_defaults_of_results_have_the_names_of_results() -> None:
    """A serialization alias is the name in a result."""
    field = Field([1], validation_alias="in", serialization_alias="out")
    named: Any = create_model("Named", w=(Vector, field))
    model = create_model("Model", x=(named, named()))

    def default(mode: JsonSchemaMode) -> Any:
        schema = model.model_json_schema(schema_generator=ArrayJsonSchema, mode=mode)
        return schema["properties"]["x"]["default"]

    assert default("validation") == {"in": [1]}
    assert default("serialization") == {"out": [1]}


def test_numbers_that_are_keys_are_text() -> None:
    """A mapping by members of an enum of numbers has their texts as keys in JSON."""

    class Level(IntEnum):
        LOW = 1

    model = create_model("Model", by_level=(dict[Level, float], ...))
    schema = model.model_json_schema(schema_generator=ArrayJsonSchema, mode="serialization")
    jsonschema.validate(json.loads(model(by_level={1: 2.0}).model_dump_json()), schema)


ANY_ARRAY = st.sampled_from(list(DTYPES)).flatmap(
    lambda name: npst.arrays(
        dtype=np.dtype(name),
        shape=npst.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=3),
    )
)


@given(ANY_ARRAY, st.sampled_from(["json", "base64"]))
@settings(max_examples=60, deadline=None)
def test_what_is_written_fits_the_schema(array: np.ndarray[Any, Any], encoding: str) -> None:
    """Any reader that goes by the schema accepts our documents."""
    model = create_model(
        "Model",
        x=(Array[(None,) * array.ndim, array.dtype.name], ...),
        y=(Array[..., array.dtype.name], ...),
        z=(Array[array.shape, array.dtype.name], ...),
    )
    made = model.model_validate({"x": array, "y": array, "z": array})
    document = json.loads(made.model_dump_json(context={"array_encoding": encoding}))
    validator = jsonschema.Draft202012Validator(model.model_json_schema())
    validator.check_schema(model.model_json_schema())
    validator.validate(document)


@pytest.mark.parametrize(
    "change",
    [
        {"shape": [4]},
        {"shape": [3, 1]},
        {"shape": []},
        {"dtype": "complex64"},
        {"dtype": "float128"},
        {"object_type": "tensor"},
        {"data": {"buffer": "AAAA", "encoding": "zip"}},
        {"data": {"buffer": [1, 2, 3]}},
        {"data": {"buffer": [1, 2, 3], "encoding": "json", "extra": 1}},
        {"extra": 1},
    ],
    ids=str,
)
def test_the_schema_refuses_what_is_refused(change: dict[str, Any]) -> None:
    """Mistakes of shape, data type, encoding and keys are found by the schema already."""
    document = {
        "object_type": "array",
        "shape": [3],
        "dtype": "float64",
        "data": {"buffer": [1.0, 2.0, 3.0], "encoding": "json"},
    }
    validator = jsonschema.Draft202012Validator(array_schema_with_definitions())
    validator.validate(document)
    with pytest.raises(jsonschema.ValidationError):
        validator.validate({**document, **change})


def array_schema_with_definitions() -> dict[str, Any]:
    """Return the schema of an array that stands by itself."""
    schema = schema_of(Array[(3,), Float64])
    return {**schema["properties"]["x"], "$defs": schema["$defs"]}


@pytest.mark.parametrize("buffer", [None, "NaN", 1.0, "1+2j"])
def test_the_schema_allows_what_is_read_at_rank_0(buffer: Any) -> None:
    """Null and words are described too, because they are read."""
    schema = schema_of(Array[(), "complex128"])
    document = {
        "shape": [],
        "dtype": "complex128",
        "data": {"buffer": buffer, "encoding": "json"},
    }
    jsonschema.Draft202012Validator(schema).validate({"x": document})
