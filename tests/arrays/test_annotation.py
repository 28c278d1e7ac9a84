"""Declarations of arrays: what they say, and what is refused when the class is made."""

from __future__ import annotations

import copy
import pickle
import re
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter, create_model

import runtime_core
from runtime_core import ShapeDType

# mypy reads neither `Array[(3,), Float64]` as a value nor a type made from a table.
Array: Any = runtime_core.Array
Differentiable: Any = runtime_core.Differentiable
Float32: Any = runtime_core.Float32
Float64: Any = runtime_core.Float64
Int16: Any = runtime_core.Int16
Int32: Any = runtime_core.Int32

SCALARS = {
    "Float16": "float16",
    "Float32": "float32",
    "Float64": "float64",
    "Int8": "int8",
    "Int16": "int16",
    "Int32": "int32",
    "Int64": "int64",
    "UInt8": "uint8",
    "UInt16": "uint16",
    "UInt32": "uint32",
    "UInt64": "uint64",
    "Bool": "bool",
    "Complex64": "complex64",
    "Complex128": "complex128",
}

TYPES = [
    Array,
    Array[(3,), Float64],
    Array[(None, 3), Float32],
    Array[..., Float64],
    Differentiable[Array[(3,), Float64]],
    Float32,
    Differentiable[Float32],
]


@pytest.mark.parametrize("shape", [(), (3,), (None, 3), (0, None), (2, 3, 4, 5, 6), ...])
def test_an_array_type_knows_its_shape(shape: Any) -> None:
    """`expected_shape` is the shape of the declaration."""
    assert Array[shape, Float64].expected_shape == shape


@pytest.mark.parametrize("dtype", [Float32, "float32", np.float32, np.dtype("float32")])
def test_a_data_type_may_be_given_in_several_forms(dtype: Any) -> None:
    """A scalar alias, a name, and numpy's own types all name a data type."""
    assert Array[(3,), dtype].expected_dtype == "float32"


def test_an_array_has_no_flags() -> None:
    """A plain array is not differentiable."""
    assert Array[(3,), Float64].flags == ()


def test_a_differentiable_array_has_its_flag() -> None:
    """`Differentiable` adds its flag, and keeps shape and data type."""
    array = Differentiable[Array[(None, 3), Float32]]
    assert array.flags == ("DIFFERENTIABLE",)
    assert (array.expected_shape, array.expected_dtype) == ((None, 3), "float32")


def test_differentiable_twice_is_the_same_as_once() -> None:
    """Marking an array again changes nothing."""
    array = Differentiable[Array[(3,), Float64]]
    assert Differentiable[array] is array


@pytest.mark.parametrize(("name", "dtype"), SCALARS.items())
def test_a_scalar_is_an_array_of_rank_0(name: str, dtype: str) -> None:
    """Each scalar is the very type of an array with an empty shape."""
    assert getattr(runtime_core, name) is Array[(), dtype]


@pytest.mark.parametrize(("name", "dtype"), SCALARS.items())
def test_a_scalar_field_holds_a_numpy_scalar(name: str, dtype: str) -> None:
    """A value of rank 0 is numpy's scalar of the type, not a 0-d array."""
    value = TypeAdapter(getattr(runtime_core, name)).validate_python(1 if dtype != "bool" else True)
    assert type(value) is np.dtype(dtype).type


def test_equal_declarations_are_the_same_type() -> None:
    """Two spellings of one array give one type, for unions and caches to find."""
    assert Array[(None, 3), Float64] is Array[(None, 3), "float64"]


@pytest.mark.parametrize("array", TYPES, ids=repr)
def test_a_type_survives_pickling(array: Any) -> None:
    """Array types travel to other processes with the functions and models that hold them."""
    assert pickle.loads(pickle.dumps(array)) is array


@pytest.mark.parametrize("array", TYPES, ids=repr)
def test_a_type_survives_copying(array: Any) -> None:
    """A deep copy of an annotation is the annotation."""
    assert copy.deepcopy(array) is array


def test_a_pickled_type_is_found_by_a_fresh_process() -> None:
    """A pickled array type needs nothing of the process that made it."""
    pickled = pickle.dumps(Array[(3, None), Float32])
    program = f"import pickle; print(repr(pickle.loads({pickled!r})))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "Array[(3, None), 'float32']"


@pytest.mark.parametrize(
    ("array", "text"),
    [
        (Array, "Array"),
        (Array[(None, 3), Float64], "Array[(None, 3), 'float64']"),
        (Array[..., Float32], "Array[..., 'float32']"),
        (Float32, "Array[(), 'float32']"),
        (Differentiable[Float32], "Differentiable[Array[(), 'float32']]"),
    ],
)
def test_a_type_prints_as_its_declaration(array: Any, text: str) -> None:
    """The representation of a type is what its author wrote."""
    assert repr(array) == text


@pytest.mark.parametrize("shape", [[2, 3], 3, None, "3", 2.0, {2}])
def test_a_shape_that_is_no_tuple_is_refused(shape: Any) -> None:
    """The error says what a shape looks like."""
    with pytest.raises(TypeError) as caught:
        Array[shape, Float64]
    assert str(caught.value) == (
        f"The shape of an array must be a tuple or ..., not {shape!r}: for instance (3,), "
        "(None, 3) or () for a scalar."
    )


@pytest.mark.parametrize("size", [-1, 1.5, "3", True, ...])
def test_a_size_that_is_no_whole_number_is_refused(size: Any) -> None:
    """The error names the size and the shape that it stands in."""
    text = f"{size!r} in {(3, size)!r} is not a valid size: write a whole number or None."
    with pytest.raises(ValueError, match=re.escape(text)):
        Array[(3, size), Float64]


def test_an_unknown_data_type_is_refused_with_the_nearest_name() -> None:
    """A misspelled data type gets a suggestion and the list of all."""
    with pytest.raises(TypeError) as caught:
        Array[(3,), "flot64"]
    assert str(caught.value) == (
        "'flot64' is not a valid data type of an array. Did you mean 'float64'? "
        "Known: bool, complex128, complex64, float16, float32, float64, int16, "
        "int32, int64, int8, uint16, uint32, uint64, uint8."
    )


@pytest.mark.parametrize("dtype", [str, object, "datetime64", "float128", ">f8", None, Array])
def test_a_data_type_outside_of_the_14_is_refused(dtype: Any) -> None:
    """Only the 14 data types of documents can be declared."""
    with pytest.raises(TypeError, match="is not a valid data type of an array"):
        Array[(3,), dtype]


@pytest.mark.parametrize("parameters", [(3,), ((3,),), Float64, ((3,), Float64, "C")])
def test_an_array_needs_shape_and_data_type(parameters: Any) -> None:
    """Anything but two parameters is refused with an example."""
    with pytest.raises(TypeError) as caught:
        Array[parameters]
    assert str(caught.value) == (
        "Array needs a shape and a data type, for instance Array[(None, 3), Float64]."
    )


def test_a_field_needs_the_parameters_of_its_array() -> None:
    """An array without shape and data type is refused when the model is made."""
    with pytest.raises(TypeError, match="Array needs a shape and a data type, for instance "):
        create_model("Model", x=(Array, ...))


def test_an_array_type_takes_no_further_parameters() -> None:
    """A declared array cannot be declared again."""
    with pytest.raises(TypeError) as caught:
        Array[(3,), Float64][(3,), Float64]
    assert str(caught.value) == "Array[(3,), 'float64'] has its shape and data type already."


@pytest.mark.parametrize("annotation", [int, float, np.ndarray, list, Array, "x"])
def test_differentiable_needs_an_array_type(annotation: Any) -> None:
    """`Differentiable[int]` is refused with an example of what is meant."""
    with pytest.raises(TypeError) as caught:
        Differentiable[annotation]
    assert str(caught.value) == (
        f"Differentiable needs an array type, not {annotation!r}: for instance "
        "Differentiable[Array[(3,), Float64]] or Differentiable[Float32]."
    )


@pytest.mark.parametrize("array", [Array, Array[(3,), Float64], Float32])
@pytest.mark.parametrize("arguments", [(), ([1.0, 2.0, 3.0],)])
def test_an_array_type_has_no_instances(array: Any, arguments: tuple[Any, ...]) -> None:
    """Calling an annotation says where it belongs."""
    with pytest.raises(TypeError) as caught:
        array(*arguments)
    assert str(caught.value) == (
        "Array is an annotation and has no instances. Write Array[shape, dtype] as the type "
        "of a field, and give the field a numpy array."
    )


def test_model_dump_gives_numpy() -> None:
    """In Python a dumped array is the array itself, and rank 0 a numpy scalar."""
    model = create_model("Model", x=(Array[(None,), Float64], ...), s=(Float32, ...))
    dumped = model.model_validate({"x": [1, 2], "s": 3}).model_dump()
    assert isinstance(dumped["x"], np.ndarray)
    assert dumped["x"].dtype == np.float64
    assert type(dumped["s"]) is np.float32


def test_the_example_of_the_python_page_works() -> None:
    """The four fields of the reference take the numpy values that it shows."""
    model = create_model(
        "MyModel",
        int_array=(Array[(2, 3), Int32], ...),
        float_array=(Array[(None, 3), Float64], ...),
        scalar_int=(Array[(), Int16], ...),
        any_shape_array=(Array[..., Float32], ...),
    )
    made = model.model_validate(
        {
            "int_array": np.array([[1, 2, 3], [4, 5, 6]]),
            "float_array": np.array([[1.0, 2.0, 3.0]]),
            "scalar_int": np.int32(42),
            "any_shape_array": np.array([True, False, True]).reshape(1, 1, 3),
        }
    ).model_dump()
    assert made["int_array"].dtype == np.int32
    assert type(made["scalar_int"]) is np.int16
    assert made["any_shape_array"].tolist() == [[[1.0, 0.0, 1.0]]]


@pytest.mark.parametrize("encoding", ["json", "base64"])
def test_a_document_of_a_model_is_read_back(encoding: str) -> None:
    """`model_validate_json` reads what `model_dump_json` writes, in each encoding."""
    model = create_model("Model", x=(Array[(None, 2), Float64], ...), s=(Float32, ...))
    before = model.model_validate({"x": [[1, 2.5]], "s": 0.1})
    text = before.model_dump_json(context={"array_encoding": encoding})
    after = model.model_validate_json(text).model_dump()
    np.testing.assert_array_equal(after["x"], [[1, 2.5]])
    assert after["s"] == np.float32(0.1)


def test_json_text_may_hold_bare_lists() -> None:
    """`model_validate_json` also accepts lists and numbers in the place of arrays."""
    model = create_model("Model", x=(Array[(None,), Float64], ...), s=(Float32, ...))
    read = model.model_validate_json('{"x":[1,2.5],"s":3}').model_dump()
    np.testing.assert_array_equal(read["x"], [1, 2.5])
    assert type(read["s"]) is np.float32


def test_an_optional_array_may_be_none() -> None:
    """`None` passes where the annotation allows it, and is written as null."""
    model = create_model("Model", x=(Array[(None,), Float64] | None, None))
    assert model.model_validate({"x": None}).model_dump_json() == '{"x":null}'


def test_a_union_of_an_array_and_text_keeps_both() -> None:
    """A value that is not an array goes to the next member of a union, in and out."""
    model = create_model("Model", x=(Array[(None,), Float64] | str, ...))
    assert model.model_validate({"x": "abc"}).model_dump_json() == '{"x":"abc"}'
    assert '"shape":[1]' in model.model_validate({"x": [1.0]}).model_dump_json()


def test_the_schema_of_shape_dtype_is_that_of_the_python_page() -> None:
    """Shape and data type of abstract evaluation are described as the reference prints them."""
    assert ShapeDType.model_json_schema() == {
        "title": "ShapeDType",
        "description": "Data structure describing an array's shape and data type.",
        "type": "object",
        "properties": {
            "shape": {"items": {"type": "integer"}, "title": "Shape", "type": "array"},
            "dtype": {
                "enum": [
                    "float16",
                    "float32",
                    "float64",
                    "int8",
                    "int16",
                    "int32",
                    "int64",
                    "bool",
                    "uint8",
                    "uint16",
                    "uint32",
                    "uint64",
                    "complex64",
                    "complex128",
                ],
                "title": "Dtype",
                "type": "string",
            },
        },
        "required": ["shape", "dtype"],
    }


def test_shape_dtype_ignores_further_keys() -> None:
    """A client may send more than shape and data type."""
    made = ShapeDType.model_validate({"shape": [2, 3], "dtype": "int8", "data": None})
    assert made == ShapeDType(shape=(2, 3), dtype="int8")
