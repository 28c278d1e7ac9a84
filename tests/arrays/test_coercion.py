"""The table of coercion: which arrays a field takes, and the error for each that it refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

import runtime_core
from runtime_core.arrays.dtypes import DTYPES

Array: Any = runtime_core.Array  # mypy reads no `Array[(3,), Float64]` as a value

Read = Callable[..., Any]
Refusal = Callable[..., tuple[str, str]]

KINDS_TO = {"b": "biufc", "i": "iufc", "u": "iufc", "f": "fc", "c": "c"}
"""The kinds of data types that arrays of each kind are cast to."""

ACCEPTED = [(a, b) for a in DTYPES for b in DTYPES if DTYPES[b].kind in KINDS_TO[DTYPES[a].kind]]
REFUSED = [(a, b) for a in DTYPES for b in DTYPES if (a, b) not in ACCEPTED]


def encoded(buffer: Any, *, shape: list[int], dtype: str) -> dict[str, Any]:
    """Return the document of an array in the encoding `json`."""
    return {"shape": shape, "dtype": dtype, "data": {"buffer": buffer, "encoding": "json"}}


@pytest.mark.parametrize(
    ("shape", "value", "text"),
    [
        ((None,), [[1.0, 2.0]], "got 2D, expected 1D"),
        ((None, 3), [1.0, 2.0, 3.0], "got 1D, expected 2D"),
        ((3,), 1.0, "got 0D, expected 1D"),
        ((), [1.0], "got 1D, expected 0D"),
        ((None,) * 5, np.zeros((1, 1, 1)), "got 3D, expected 5D"),
    ],
)
def test_a_wrong_rank_is_refused(shape: Any, value: Any, text: str, refusal: Refusal) -> None:
    """Nothing is promoted to another number of dimensions."""
    assert refusal(Array[shape, "float64"], value) == (
        "array_dimensionality_mismatch",
        f"Array has wrong number of dimensions: {text}",
    )


@pytest.mark.parametrize(
    ("shape", "value"),
    [
        ((3,), [7.0]),
        ((2, 3), [[1.0, 2.0, 3.0]]),
        ((2, 3), [[1.0], [2.0]]),
        ((2, 3), [[1.0]]),
        ((None, 3), [[1.0], [2.0]]),
        ((0,), [1.0]),
        ((2, 1, 2, 1, 2), np.ones((1, 1, 1, 1, 1))),
    ],
)
def test_a_size_of_1_is_broadcast(shape: Any, value: Any, read: Read) -> None:
    """An array of size 1 in a dimension fills the size that is declared."""
    result = read(Array[shape, "float64"], value)
    wanted = tuple(
        size if size is not None else given
        for size, given in zip(shape, np.shape(value), strict=True)
    )
    np.testing.assert_array_equal(result, np.broadcast_to(np.asarray(value), wanted))
    assert result.strides == np.empty(wanted).strides


@pytest.mark.parametrize(
    ("shape", "value", "got"),
    [
        ((3,), [1.0, 2.0], "(2,)"),
        ((1,), [1.0, 2.0], "(2,)"),
        ((3,), [], "(0,)"),
        ((0,), [1.0, 2.0], "(2,)"),
        ((None, 3), [[1.0, 2.0]], "(1, 2)"),
    ],
)
def test_another_size_is_refused(shape: Any, value: Any, got: str, refusal: Refusal) -> None:
    """A size that is neither 1 nor what is declared does not fit."""
    assert refusal(Array[shape, "float64"], value) == (
        "array_shape_mismatch",
        f"Array shape {got} is incompatible with expected shape {shape}",
    )


@pytest.mark.parametrize("size", [0, 1, 2, 7])
def test_none_takes_any_size(size: int, read: Read) -> None:
    """A size of `None` takes any number of elements, none too."""
    assert read(Array[(None, 3), "float64"], np.ones((size, 3))).shape == (size, 3)


@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 4), (1, 2, 3, 4, 5)])
def test_an_ellipsis_takes_any_shape(shape: tuple[int, ...], read: Read) -> None:
    """`...` takes every shape as it comes."""
    assert read(Array[..., "float64"], np.ones(shape)).shape == shape


@pytest.mark.parametrize(("source", "target"), ACCEPTED)
def test_a_safe_cast_is_made(source: str, target: str, read: Read) -> None:
    """Same-kind casts, booleans to anything and integers to integers give the declared type."""
    result = read(Array[(2,), target], np.array([0, 1], source))
    assert result.dtype == np.dtype(target)
    np.testing.assert_array_equal(result, np.array([0, 1], target))


@pytest.mark.parametrize(("source", "target"), REFUSED)
def test_another_cast_is_refused(source: str, target: str, refusal: Refusal) -> None:
    """A cast that changes what the numbers are is never made, whatever the values."""
    assert refusal(Array[(2,), target], np.array([0, 1], source)) == (
        "array_dtype_mismatch",
        f"Array dtype '{source}' cannot be safely cast to '{target}'",
    )


@pytest.mark.parametrize(
    ("target", "value"),
    [
        ("int8", 128),
        ("int8", -129),
        ("uint8", 256),
        ("uint8", -1),
        ("int32", 2**31),
        ("uint32", -1),
        ("int64", 2**63),
        ("uint64", -1),
        ("uint64", 2**64),
        ("int64", -(2**63) - 1),
    ],
)
@pytest.mark.parametrize("beside", [[], [0], [1, 2]])
def test_an_integer_out_of_range_is_refused(
    target: str, value: int, beside: list[int], refusal: Refusal
) -> None:
    """An integer that does not fit is an error that names it, and never wraps around."""
    assert refusal(Array[(None,), target], [*beside, value]) == (
        "array_value_out_of_range",
        f"Array values do not fit into dtype '{target}' (e.g. {value})",
    )


@pytest.mark.parametrize(
    ("source", "target", "value"),
    [("int64", "uint8", -1), ("uint64", "int64", 2**63), ("int16", "int8", 300)],
)
def test_a_numpy_integer_out_of_range_is_refused(
    source: str, target: str, value: int, refusal: Refusal
) -> None:
    """The range of a numpy array is checked by its values."""
    kind, text = refusal(Array[(1,), target], np.array([value], source))
    assert kind == "array_value_out_of_range"
    assert f"(e.g. {value})" in text


@pytest.mark.parametrize(
    ("target", "value", "shown"),
    [
        ("float32", 1e39, "1e+39"),
        ("float16", 1e5, "100000.0"),
        ("float16", 70000, "70000"),
        ("complex64", 1e39j, "1e+39j"),
    ],
)
def test_a_float_overflow_is_refused(target: str, value: Any, shown: str, refusal: Refusal) -> None:
    """A number too large for a smaller type is an error and does not become infinite."""
    assert refusal(Array[(None,), target], np.array([0, value])) == (
        "array_value_out_of_range",
        f"Array values do not fit into dtype '{target}' (e.g. {shown})",
    )


@pytest.mark.parametrize("form", ["bare", "encoded"])
@pytest.mark.parametrize("target", ["float16", "float32", "float64", "complex64", "complex128"])
def test_an_integer_beyond_all_floats_is_refused(target: str, form: str, refusal: Refusal) -> None:
    """An integer of 400 digits is out of range of every float, and no failure of ours."""
    value = [10**400]
    document = value if form == "bare" else encoded(value, shape=[1], dtype=target)
    assert refusal(Array[(None,), target], document)[0] == "array_value_out_of_range"


def test_an_error_shows_a_huge_integer_shortened(refusal: Refusal) -> None:
    """The text of an error has a bound, whatever the value is."""
    _, text = refusal(Array[(None,), "int64"], [10**4000])
    assert len(text) < 300


def test_infinity_is_no_overflow(read: Read) -> None:
    """Infinities and NaN keep their meaning in every float type."""
    result = read(Array[(3,), "float16"], np.array([np.inf, -np.inf, np.nan]))
    np.testing.assert_array_equal(result, np.array([np.inf, -np.inf, np.nan], "float16"))


@pytest.mark.parametrize("target", ["int32", "uint64"])
def test_whole_floats_become_integers_in_a_document(target: str, read: Read) -> None:
    """JavaScript writes 2.0 for 2: the encoded form takes floats without a fraction."""
    result = read(Array[(3,), target], encoded([1.0, 2, 3e2], shape=[3], dtype=target))
    assert result.dtype == np.dtype(target)
    assert result.tolist() == [1, 2, 300]


@pytest.mark.parametrize("value", [[1.0, 2], (1.0, 2.0), [[3e2]], 2.0])
def test_whole_floats_become_integers_in_lists(value: Any, read: Read) -> None:
    """The numbers of a text have no data type."""
    result = read(Array[..., "int32"], value)
    assert result.dtype == np.dtype("int32")
    assert result.tolist() == np.array(value).tolist()


@pytest.mark.parametrize("value", [1.5, float("nan"), float("inf")])
def test_a_fraction_in_numbers_for_integers_is_refused(value: float, refusal: Refusal) -> None:
    """A float with a fraction is never rounded, and the message has its index."""
    message = "Expected integer data, but array contains floating point values (e.g. {}{})"
    for numbers, place in [
        (encoded([1, value], shape=[2], dtype="int32"), " at [1]"),
        ([[1, 2.0], [3, value]], " at [1, 1]"),
        (value, ""),
    ]:
        told = ("array_expected_integer", message.format(value, place))
        assert refusal(Array[..., "int32"], numbers) == told


@pytest.mark.parametrize("form", [lambda numbers: encoded(numbers, shape=[2], dtype="int64"), list])
def test_integers_beside_floats_stay_exact(form: Callable[..., Any], read: Read) -> None:
    """One float in a list does not round the large integers beside it."""
    numbers = form([2**53 + 1, 1.0])
    assert read(Array[(2,), "int64"], numbers).tolist() == [2**53 + 1, 1]


@pytest.mark.parametrize(
    ("shape", "value", "found"),
    [
        ((None, 2), [], (0, 2)),
        ((None, None), [], (0, 0)),
        ((3, None, 2), [[], [], []], (3, 0, 2)),
        ((None,), [], (0,)),
        (..., [[]], (1, 0)),
    ],
)
def test_empty_lists_have_the_sizes_that_they_cannot_show(
    shape: Any, value: Any, found: tuple[int, ...], read: Read
) -> None:
    """JSON has no sizes after one of 0, and writes a default of no rows as `[]`."""
    assert read(Array[shape, "float64"], value).shape == found


@pytest.mark.parametrize(("shape", "value"), [((2, 3), []), ((None, 2), [[]]), ((), [])])
def test_empty_lists_of_another_shape_are_refused(shape: Any, value: Any, refusal: Refusal) -> None:
    """Sizes that they can show must fit."""
    assert refusal(Array[shape, "float64"], value)[0] in {
        "array_shape_mismatch",
        "array_dimensionality_mismatch",
    }


def test_floats_fit_a_field_of_floats_better(read: Read) -> None:
    """In a union that has both, the kind of an array does not depend on its values."""
    both = Array[..., "int64"] | Array[..., "float64"]
    assert [read(both, value).dtype.kind for value in ([1.0], [1], [0.5])] == [*"fif"]


def test_whole_floats_are_broadcast_as_options_allow(read: Read, refusal: Refusal) -> None:
    """Option `strict_shapes` applies to them too."""
    assert read(Array[(2,), "int64"], [2.0]).tolist() == [2, 2]
    assert refusal(Array[(2,), "int64"], [2.0], strict_shapes=True)[0] == "array_shape_mismatch"


@pytest.mark.parametrize("value", [np.array([1.0, 2.0]), np.float64(1.0)])
def test_arrays_of_floats_do_not_become_integers(value: Any, refusal: Refusal) -> None:
    """They have a data type of their own."""
    assert refusal(Array[..., "int32"], value) == (
        "array_dtype_mismatch",
        "Array dtype 'float64' cannot be safely cast to 'int32'",
    )


def test_a_document_of_floats_does_not_fit_integers(refusal: Refusal) -> None:
    """A document that says float64 is refused by its data type, before its values are read."""
    assert refusal(Array[(1,), "int32"], encoded("unread", shape=[1], dtype="float64")) == (
        "array_dtype_mismatch",
        "Array dtype 'float64' cannot be safely cast to 'int32'",
    )


@pytest.mark.parametrize(
    "value",
    [
        "text",
        "1.5",
        b"bytes",
        None,
        pytest.param(object(), id="object"),
        {1.0, 2.0},
        ["a"],
        ["1.5"],
        [[1.0], "b"],
        [{}],
        pytest.param([object()], id="[object]"),
        np.array(["a"]),
        np.array([1], object),
        np.array(["2020-01-01"], "datetime64[D]"),
    ],
    ids=repr,
)
def test_what_is_no_number_is_refused(value: Any, refusal: Refusal) -> None:
    """Text, objects and dates are not numeric."""
    kind, text = refusal(Array[..., "float64"], value)
    assert kind == "array_non_numeric"
    assert text.startswith("Could not parse value as a numeric array (")


@pytest.mark.parametrize("value", [["NaN"], [None], ["1"], ["1+2j"]])
def test_integers_have_no_words(value: Any, refusal: Refusal) -> None:
    """NaN, null and text stand for no integer."""
    assert refusal(Array[(1,), "int64"], value) == (
        "array_non_numeric",
        "Could not parse value as a numeric array (contains non-numeric data)",
    )


def test_ragged_lists_are_refused(refusal: Refusal) -> None:
    """Lists of different lengths are no array."""
    assert refusal(Array[..., "float64"], [[1.0], [2.0, 3.0]]) == (
        "array_non_numeric",
        "Could not parse value as a numeric array (nested lists must all have the same lengths)",
    )


def test_lists_too_deep_are_refused(refusal: Refusal) -> None:
    """More dimensions than numpy has are an error of the payload."""
    value: Any = 1.0
    for _ in range(70):
        value = [value]
    assert refusal(Array[..., "float64"], value)[0] == "array_non_numeric"


@pytest.mark.parametrize(
    ("value", "target"),
    [
        (np.array([0.1], np.longdouble), "float64"),
        (np.array([0.1], np.longdouble), "float32"),
        (np.array([0.1j], np.clongdouble), "complex128"),
        ([np.longdouble("0.1")], "float64"),
    ],
    ids=str,
)
def test_extended_precision_is_cast(value: Any, target: str, read: Read) -> None:
    """Numbers of more than double precision are rounded to the data type of their field."""
    number = 0.1j if target == "complex128" else 0.1
    [result] = read(Array[(1,), target], value)
    assert (result.dtype, result) == (target, np.dtype(target).type(number))


@pytest.mark.parametrize("value", [np.longdouble("1e400"), np.array("-1e400", np.longdouble)])
def test_extended_precision_beyond_all_doubles_is_refused(value: Any, refusal: Refusal) -> None:
    """A number that becomes infinite is out of range, as in any cast."""
    assert refusal(Array[(), "float64"], value)[0] == "array_value_out_of_range"


@pytest.mark.parametrize("name", ["bfloat16", "float8_e5m2", "int4"])
def test_data_types_of_other_libraries_are_named(name: str, refusal: Refusal) -> None:
    """A data type that numpy does not have is named, with the way to convert it."""
    array = np.ones(2, pytest.importorskip("ml_dtypes").__dict__[name])
    kind, text = refusal(Array[(2,), "float32"], array)
    assert kind == "array_invalid_dtype"
    assert text.startswith(
        f"Unsupported array dtype '{name}'; convert the array with .astype('float32'); known are "
    )


MASKED = np.ma.masked_array([1.0, 2.0], [False, True])


@pytest.mark.parametrize(
    "value", [MASKED, [MASKED], [[1.0, 2.0], MASKED], [1.0, np.ma.masked], np.ma.masked], ids=repr
)
def test_masked_elements_are_refused(value: Any, refusal: Refusal) -> None:
    """The mask of an array is never lost silently."""
    assert refusal(Array[..., "float64"], value) == (
        "array_non_numeric",
        "Could not parse value as a numeric array (the array has masked elements: replace them "
        "with .filled(value))",
    )


@pytest.mark.parametrize("mask", [False, [False, False]])
def test_masked_arrays_without_masked_elements_are_arrays(mask: Any, read: Read) -> None:
    """Libraries of files return masked arrays for complete data as well."""
    result = read(Array[(2,), "float64"], np.ma.masked_array([1.0, 2.0], mask))
    assert (type(result), result.tolist()) == (np.ndarray, [1.0, 2.0])


@pytest.mark.parametrize(
    "value",
    [range(1, 4), memoryview(b"\1\2\3"), np.array([1, 2, 3], "i4").data],
    ids=["range", "bytes", "integers"],
)
def test_sequences_of_numbers_in_python_are_read(value: Any, read: Read) -> None:
    """A range and the memory of numbers are arrays in Python code."""
    assert read(Array[(3,), "int64"], value).tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    "value",
    [b"123", bytearray(b"123"), memoryview(b"123").cast("c"), "123", ["1"]],
    ids=["bytes", "bytearray", "binary part of a document", "text", "list of texts"],
)
@pytest.mark.parametrize("target", ["uint8", "float64", "bool"])
def test_texts_are_no_numbers(value: Any, target: str, refusal: Refusal) -> None:
    """Neither text nor bytes become numbers."""
    assert refusal(Array[..., target], value)[0] in ("array_non_numeric", "array_dtype_mismatch")


@pytest.mark.parametrize("name", ["float128", "object", "", "<f8", "datetime64", 7, None, ["a"]])
def test_unsupported_data_types_of_documents_are_refused(name: Any, refusal: Refusal) -> None:
    """The error names the data type and all that are known."""
    assert refusal(Array[(1,), "float64"], encoded([1], shape=[1], dtype=name)) == (
        "array_invalid_dtype",
        f"Unsupported array dtype {name!r}; known are bool, complex128, complex64, float16, "
        "float32, float64, int16, int32, int64, int8, uint16, uint32, uint64, uint8",
    )


@pytest.mark.parametrize(
    ("value", "result"),
    [([True, False], [True, False]), (np.array([True]), [True]), ([np.True_], [True])],
)
def test_booleans_are_booleans(value: Any, result: list[bool], read: Read) -> None:
    """A field of booleans takes booleans."""
    assert read(Array[(None,), "bool"], value).tolist() == result


@pytest.mark.parametrize("value", [[1, 0], [1.0], [2**70], np.array([1])])
def test_numbers_are_no_booleans(value: Any, refusal: Refusal) -> None:
    """A bare number is not taken for a boolean, of whatever size it is."""
    assert refusal(Array[(None,), "bool"], value)[0] == "array_dtype_mismatch"


def test_0_and_1_are_booleans_in_a_document_that_says_so(read: Read) -> None:
    """The encoded form may write booleans as numbers."""
    document = encoded([1, 0, True], shape=[3], dtype="bool")
    assert read(Array[(3,), "bool"], document).tolist() == [True, False, True]


@pytest.mark.parametrize("value", [2, -1, 2**70])
def test_other_numbers_are_no_booleans_in_a_document(value: int, refusal: Refusal) -> None:
    """A number that is neither 0 nor 1 does not silently become true."""
    assert refusal(Array[(1,), "bool"], encoded([value], shape=[1], dtype="bool")) == (
        "array_decode_error",
        "Failed to decode array buffer (json encoding): a boolean is true, false, 1 or 0",
    )


@pytest.mark.parametrize("target", [name for name in DTYPES if name != "bool"])
def test_bare_booleans_become_numbers(target: str, read: Read) -> None:
    """True is 1 in every numeric type."""
    assert read(Array[(2,), target], [True, False]).tolist() == [1, 0]


@given(st.lists(st.integers(min_value=0, max_value=2**64 - 1), min_size=1, max_size=6))
@settings(max_examples=60, deadline=None)
def test_unsigned_integers_are_exact(values: list[int]) -> None:
    """Large and small unsigned integers in one list keep every digit."""
    assert TypeAdapter(Array[(None,), "uint64"]).validate_python(values).tolist() == values


@given(st.lists(st.integers(min_value=-(2**63), max_value=2**63 - 1), min_size=1, max_size=6))
@settings(max_examples=60, deadline=None)
def test_signed_integers_are_exact(values: list[int]) -> None:
    """Signed 64-bit integers keep every digit."""
    assert TypeAdapter(Array[(None,), "int64"]).validate_python(values).tolist() == values


@given(
    st.lists(st.integers(min_value=-(2**65), max_value=2**65), min_size=1, max_size=4),
    st.sampled_from([name for name in DTYPES if DTYPES[name].kind in "iu"]),
)
@settings(max_examples=100, deadline=None)
def test_integers_are_exact_or_refused(values: list[int], target: str) -> None:
    """No integer ever comes out as another one."""
    limits = np.iinfo(target)
    fits = all(limits.min <= value <= limits.max for value in values)
    adapter: TypeAdapter[Any] = TypeAdapter(Array[(None,), target])
    if fits:
        assert adapter.validate_python(values).tolist() == values
        return
    with pytest.raises(ValidationError, match="Array values do not fit into dtype"):
        adapter.validate_python(values)


@pytest.mark.parametrize(
    ("value", "result"),
    [
        ([1, 2.5], [1 + 0j, 2.5 + 0j]),
        ([1j, 2], [1j, 2 + 0j]),
        (["1+2j", "-0.5-1e-3j", "3", "(1+2j)"], [1 + 2j, -0.5 - 1e-3j, 3, 1 + 2j]),
        ([["2j"], [1]], [[2j], [1]]),
    ],
)
def test_complex_numbers_are_read_from_text(value: Any, result: Any, read: Read) -> None:
    """Complex numbers may be strings, also beside plain numbers."""
    np.testing.assert_array_equal(read(Array[..., "complex128"], value), np.array(result))


@pytest.mark.parametrize("target", ["float32", "float64", "int64", "bool"])
def test_complex_numbers_are_no_real_ones(target: str, refusal: Refusal) -> None:
    """An imaginary part is never dropped."""
    assert refusal(Array[(1,), target], [1j]) == (
        "array_dtype_mismatch",
        f"Array dtype 'complex128' cannot be safely cast to '{target}'",
    )


@pytest.mark.parametrize("target", ["float16", "float32", "float64"])
def test_words_and_null_stand_for_floats(target: str, read: Read) -> None:
    """NaN and infinities are strings, and null is NaN."""
    result = read(Array[(4,), target], ["NaN", "Infinity", "-Infinity", None])
    np.testing.assert_array_equal(result, np.array([np.nan, np.inf, -np.inf, np.nan], target))


@pytest.mark.parametrize("word", ["nan", "inf", "Inf", "infinity", "+Infinity", "1e5"])
def test_other_words_are_refused(word: str, refusal: Refusal) -> None:
    """Only the three words of JSON5 stand for floats."""
    assert refusal(Array[(1,), "float64"], [word])[0] == "array_non_numeric"


@pytest.mark.parametrize(
    ("value", "result"), [("NaN", np.nan), ("Infinity", np.inf), ("-Infinity", -np.inf)]
)
def test_words_stand_for_a_bare_float(value: str, result: float, read: Read) -> None:
    """A field of rank 0 takes the words for floats as it takes bare numbers."""
    np.testing.assert_array_equal(read(Array[(), "float64"], value), result)


def test_text_stands_for_a_bare_complex_number(read: Read) -> None:
    """A field of rank 0 takes the text of a complex number as it takes bare numbers."""
    assert read(Array[(), "complex128"], "1+2j") == 1 + 2j


@pytest.mark.parametrize("value", [[[1.0], [2.0]], [[1.0, 2.0]], [[3.0]]])
def test_strict_shapes_forbid_broadcasts(value: Any, refusal: Refusal) -> None:
    """Under `strict_shapes` a size of 1 is a size like any other."""
    assert refusal(Array[(2, 2), "float64"], value, strict_shapes=True) == (
        "array_shape_mismatch",
        f"Array shape {np.shape(value)} is incompatible with expected shape (2, 2), and "
        "strict_shapes does not broadcast",
    )


def test_strict_shapes_take_what_fits(read: Read) -> None:
    """Under `strict_shapes` the declared sizes and any size for `None` are fine."""
    assert read(Array[(None, 2), "float64"], [[1, 2]], strict_shapes=True).shape == (1, 2)


@pytest.mark.parametrize(
    ("source", "target"), [("float32", "float64"), ("int64", "float64"), ("bool", "int8")]
)
def test_strict_types_forbid_casts(source: str, target: str, refusal: Refusal) -> None:
    """Under `strict_types` only the declared data type is taken."""
    assert refusal(Array[(1,), target], np.ones(1, source), strict_types=True) == (
        "array_dtype_mismatch",
        f"Array dtype '{source}' is not '{target}', and strict_types does not cast",
    )


@pytest.mark.parametrize("dtype", ["<f8", ">f8"])
def test_byte_order_is_no_type(dtype: str, read: Read) -> None:
    """Under `strict_types` an array of another byte order is of the same data type."""
    assert read(Array[(1,), "float64"], np.ones(1, dtype), strict_types=True).dtype.isnative


def test_strict_types_refuse_a_document_of_another_type(refusal: Refusal) -> None:
    """The data type that a document names counts, not that of its numbers."""
    document = encoded([1.0], shape=[1], dtype="float32")
    kind, _ = refusal(Array[(1,), "float64"], document, strict_types=True)
    assert kind == "array_dtype_mismatch"


@pytest.mark.parametrize("flag", ["strict_shapes", "strict_types"])
def test_a_false_flag_is_not_strict(flag: str, read: Read) -> None:
    """A flag that is false in the context changes nothing."""
    assert read(Array[(2,), "float64"], np.ones(1, "float32"), **{flag: False}).shape == (2,)
