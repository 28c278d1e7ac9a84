"""The encoding `json`: numbers that people can read, and no digit lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import hypothesis.extra.numpy as npst
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

import runtime_core
from runtime_core.arrays.dtypes import DTYPES

Array: Any = runtime_core.Array  # mypy reads no `Array[(3,), Float64]` as a value

Read = Callable[..., Any]
Refusal = Callable[..., tuple[str, str]]

ANY_ARRAY = st.sampled_from(list(DTYPES)).flatmap(
    lambda name: npst.arrays(
        dtype=np.dtype(name),
        shape=npst.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=4),
    )
)


def encoded(buffer: Any, *, shape: list[int], dtype: str = "float64") -> dict[str, Any]:
    """Return the document of an array in the encoding `json`."""
    return {"shape": shape, "dtype": dtype, "data": {"buffer": buffer, "encoding": "json"}}


def written(array: Any, dtype: str) -> Any:
    """Return the buffer that is written for an array."""
    text = TypeAdapter(Array[..., dtype]).dump_json(np.asarray(array, dtype))
    return json.loads(text, parse_constant=pytest.fail)["data"]["buffer"]


@given(ANY_ARRAY)
@settings(max_examples=150, deadline=None)
def test_json_keeps_every_value(array: np.ndarray[Any, Any]) -> None:
    """Every array of every type up to rank 5 comes back with its shape, type and values."""
    adapter: TypeAdapter[Any] = TypeAdapter(Array[..., array.dtype.name])
    back = adapter.validate_json(adapter.dump_json(array))
    assert back.dtype == array.dtype
    assert back.shape == array.shape
    np.testing.assert_array_equal(back, array)
    numbers = ~np.isnan(array)
    np.testing.assert_array_equal(
        np.signbit(np.real(back))[numbers], np.signbit(np.real(array))[numbers]
    )


@given(ANY_ARRAY)
@settings(max_examples=60, deadline=None)
def test_a_flat_list_is_reshaped(array: np.ndarray[Any, Any]) -> None:
    """The elements in C order in one list are as good as nested lists."""
    adapter: TypeAdapter[Any] = TypeAdapter(Array[..., array.dtype.name])
    document = adapter.dump_python(array.ravel(), mode="json")
    back = adapter.validate_python({**document, "shape": list(array.shape)})
    assert back.shape == array.shape
    np.testing.assert_array_equal(back, array)


@pytest.mark.parametrize(
    ("array", "dtype", "buffer"),
    [
        ([1, 2], "int8", [1, 2]),
        ([[1.5], [2]], "float32", [[1.5], [2.0]]),
        (3, "float64", 3.0),
        (3, "int64", 3),
        ([True, False], "bool", [True, False]),
        (True, "bool", True),
        ([], "float64", []),
        (np.zeros((2, 0)), "float64", [[], []]),
        (np.zeros((0, 2)), "float64", []),
        (np.zeros((2, 0, 3)), "float64", [[], []]),
        (np.zeros((2, 0)), "complex64", [[], []]),
        ([-(2**63), 2**63 - 1], "int64", [-(2**63), 2**63 - 1]),
        ([2**64 - 1, 2**53 + 1], "uint64", [2**64 - 1, 2**53 + 1]),
        ([0.1], "float32", [0.10000000149011612]),
        ([1 + 2j, -0.5 - 1e-3j], "complex128", ["1+2j", "-0.5-0.001j"]),
        (1.5, "complex128", "1.5+0j"),
        ([np.nan, np.inf, -np.inf, 1], "float64", ["NaN", "Infinity", "-Infinity", 1.0]),
        ([[np.nan], [1]], "float16", [["NaN"], [1.0]]),
        (np.nan, "float32", "NaN"),
        (-np.inf, "float64", "-Infinity"),
        ([complex(np.nan, -np.inf)], "complex64", ["nan-infj"]),
    ],
)
def test_numbers_are_written_for_people(array: Any, dtype: str, buffer: Any) -> None:
    """Each kind of number has one form, and the text is standard JSON without NaN tokens."""
    result = written(array, dtype)
    assert result == buffer
    assert type(result) is type(buffer)


@pytest.mark.parametrize("dtype", ["float64", "int8", "bool", "complex64"])
@pytest.mark.parametrize("shape", [(0,), (0, 3), (2, 0), (1, 0, 0), (2, 0, 3), (2, 3, 0, 4)])
def test_an_array_without_elements_keeps_its_shape(
    shape: tuple[int, ...], dtype: str, read: Read
) -> None:
    """Nested lists of an empty array end early; what we write of it is read all the same."""
    document = encoded(np.zeros(shape).tolist(), shape=list(shape), dtype=dtype)
    back = read(Array[..., dtype], document)
    assert back.shape == shape
    assert back.dtype == np.dtype(dtype)


@pytest.mark.parametrize(
    ("buffer", "shape"),
    [([[]], [2, 0, 3]), ([[], []], [3, 0]), ([[], []], [1, 0, 2]), ([[1.0]], [1, 0])],
)
def test_an_empty_buffer_of_another_shape_is_refused(
    buffer: Any, shape: list[int], refusal: Refusal
) -> None:
    """Having no elements does not make two shapes equal."""
    assert refusal(Array[..., "float64"], encoded(buffer, shape=shape))[0] == "array_decode_error"


def test_negative_zero_is_kept() -> None:
    """The sign of a zero is a value too."""
    assert str(written(-0.0, "float64")) == "-0.0"


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ('["NaN", "Infinity", "-Infinity"]', [np.nan, np.inf, -np.inf]),
        ("[NaN, Infinity, -Infinity]", [np.nan, np.inf, -np.inf]),
        ("[null, 1, 2.5]", [np.nan, 1, 2.5]),
        ('[null, NaN, "NaN"]', [np.nan, np.nan, np.nan]),
    ],
)
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "complex64", "complex128"])
def test_all_forms_of_nan_and_infinity_are_read(text: str, result: Any, dtype: str) -> None:
    """Strings, null and the bare tokens that some writers use are all read."""
    document = f'{{"shape":[3],"dtype":"{dtype}","data":{{"buffer":{text},"encoding":"json"}}}}'
    back = TypeAdapter(Array[(3,), dtype]).validate_json(document)
    np.testing.assert_array_equal(back, np.array(result, dtype))


@pytest.mark.parametrize(
    ("buffer", "result"), [(None, np.nan), ("NaN", np.nan), ("-Infinity", -np.inf), (2, 2.0)]
)
def test_rank_0_is_one_bare_value(buffer: Any, result: float, read: Read) -> None:
    """A document of rank 0 has a number in the place of a list, or what stands for one."""
    np.testing.assert_array_equal(read(Array[(), "float64"], encoded(buffer, shape=[])), result)


@pytest.mark.parametrize(
    ("buffer", "shape", "text"),
    [
        ([1.0], [2], "1 elements do not fit into shape (2,)"),
        ([1.0, 2.0, 3.0], [2], "3 elements do not fit into shape (2,)"),
        ([], [2], "0 elements do not fit into shape (2,)"),
        ([1.0, 2.0], [], "2 elements do not fit into shape ()"),
        ([[1.0], [2.0]], [2], "the buffer has shape (2, 1), declared is (2,)"),
        ([1.0, 2.0], [2, 2], "the buffer has shape (2,), declared is (2, 2)"),
        ([[1.0, 2.0], [3.0, 4.0]], [2, 3], "the buffer has shape (2, 2), declared is (2, 3)"),
        ([[1.0, 2.0, 3.0]] * 2, [3, 2], "2 elements do not fit into shape (3, 2)"),
        (1.0, [1], "the buffer has shape (), declared is (1,)"),
        ([[1.0]], [], "the buffer has shape (1, 1), declared is ()"),
        ([[1.0, 2.0]], [2], "1 elements do not fit into shape (2,)"),
    ],
)
def test_another_number_of_elements_is_refused(
    buffer: Any, shape: list[int], text: str, refusal: Refusal
) -> None:
    """A buffer has the declared shape or is flat; nothing else is guessed."""
    assert refusal(Array[..., "float64"], encoded(buffer, shape=shape)) == (
        "array_decode_error",
        f"Failed to decode array buffer (json encoding): {text}",
    )


@pytest.mark.parametrize("buffer", [["a", "b"], [{}, {}], [[1.0], 2.0], [None, "x"], {}, "text"])
def test_what_is_no_number_is_refused(buffer: Any, refusal: Refusal) -> None:
    """Text and objects in a buffer are not numeric."""
    shape = [2] if isinstance(buffer, list) else []
    assert refusal(Array[..., "float64"], encoded(buffer, shape=shape))[0] == "array_non_numeric"


@pytest.mark.parametrize(
    ("dtype", "value"), [("uint8", 256), ("int8", -129), ("float32", 1e39), ("float16", 70000)]
)
def test_a_number_outside_of_the_declared_type_is_refused(
    dtype: str, value: Any, refusal: Refusal
) -> None:
    """The numbers of a document must fit the type that it names, even where the field is wider."""
    field = "float64" if dtype.startswith("float") else "int64"
    kind, _ = refusal(Array[(1,), field], encoded([value], shape=[1], dtype=dtype))
    assert kind == "array_value_out_of_range"


def test_booleans_are_numbers_in_a_document_of_numbers(read: Read) -> None:
    """True is 1 where a document says that its numbers are floats."""
    document = encoded([True, False], shape=[2], dtype="float32")
    assert read(Array[(2,), "float32"], document).tolist() == [1.0, 0.0]
