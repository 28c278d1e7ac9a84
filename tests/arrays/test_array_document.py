"""The document of an array: its keys, what is refused, and who owns the array that is read."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError, create_model
from pydantic_core import PydanticSerializationError

import runtime_core
from runtime_core import Float64, Int8
from runtime_core.arrays.encoding_schemas import BASE64_DATA_SCHEMA
from runtime_core.calls.scope import Scope
from runtime_core.contracts import ArrayEncoding
from runtime_core.errors import PluginFailed

Array: Any = runtime_core.Array  # mypy reads no `Array[(3,), Float64]` as a value

Read = Callable[..., Any]
Refusal = Callable[..., tuple[str, str]]
ScopeWith = Callable[..., AbstractContextManager[Scope]]

VECTOR_OF_INT16 = Array[(None,), "int16"]
ZEROS = "A" * 10 + "=="  # base64 of 7 zero bytes
DOCUMENT = {
    "object_type": "array",
    "shape": [2],
    "dtype": "float64",
    "data": {"buffer": [1.0, 2.0], "encoding": "json"},
}


BASE64_DATA = {"encoding": "base64", "buffer": "AAAAAAAA8D8AAAAAAAAAQA=="}


class Foreign:
    """An array of another library: read-only, and known to numpy by protocol only."""

    def __init__(self, array: np.ndarray[Any, Any]) -> None:
        self.array = array

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray[Any, Any]:
        """Return the numbers as a numpy array."""
        return self.array if dtype is None else self.array.astype(dtype)


def strided() -> np.ndarray[Any, Any]:
    """Return every other element of a larger array."""
    return np.arange(4.0)[::2]


def read_only() -> np.ndarray[Any, Any]:
    """Return an array that may not be written to."""
    array = np.array([0.0, 2.0])
    array.flags.writeable = False
    return array


def unaligned() -> np.ndarray[Any, Any]:
    """Return an array that begins at an odd address."""
    return np.frombuffer(b"\0" + np.array([0.0, 2.0]).tobytes(), dtype="<f8", offset=1)


@pytest.mark.parametrize("without", [(), ("object_type",)])
def test_a_document_is_read(without: tuple[str, ...], read: Read) -> None:
    """`object_type` may be left out."""
    document = {key: value for key, value in DOCUMENT.items() if key not in without}
    np.testing.assert_array_equal(read(Array[(None,), "float64"], document), [1.0, 2.0])


@pytest.mark.parametrize(
    "value", [[DOCUMENT, DOCUMENT], [DOCUMENT, [1, 2.0]], ([1.0, 2.0], DOCUMENT), [[1, 2]] * 2]
)
def test_lists_of_documents_are_read(value: Any, read: Read) -> None:
    """The elements of a list may be arrays, as programs send lists of arrays."""
    matrix = read(Array[(None, None), "float32"], value)
    assert matrix.dtype == np.float32
    np.testing.assert_array_equal(matrix, [[1.0, 2.0]] * 2)


def test_faults_in_lists_of_documents_are_those_of_documents(refusal: Refusal) -> None:
    """A document in a list is checked like any other, and so is the array of all."""
    broken = {**DOCUMENT, "shape": [3]}
    kind, message = refusal(Array[(None, None), "float64"], [DOCUMENT, broken])
    assert (kind, "shape (3,)" in message) == ("array_decode_error", True)
    kind, _ = refusal(Array[(None, None), "int64"], [DOCUMENT])
    assert kind == "array_dtype_mismatch"


@pytest.mark.parametrize("encoding", ["json", "base64"])
def test_the_keys_of_a_document_have_an_order(encoding: str) -> None:
    """Keys are written in the order of the contract."""
    adapter: TypeAdapter[Any] = TypeAdapter(Array[(None,), "float64"])
    context = {"array_encoding": encoding}
    document = json.loads(adapter.dump_json(np.ones(2), context=context))
    assert list(document) == ["object_type", "shape", "dtype", "data"]
    assert list(document["data"]) == ["buffer", "encoding"]


def test_json_is_the_encoding_when_none_is_named() -> None:
    """Without a context arrays are nested lists."""
    adapter: TypeAdapter[Any] = TypeAdapter(Array[(None,), "float64"])
    assert json.loads(adapter.dump_json(np.array([1.0, 2.0]))) == DOCUMENT


@pytest.mark.parametrize("key", ["extra", "Shape", "order"])
def test_an_unknown_key_of_an_array_is_refused(key: str, refusal: Refusal) -> None:
    """A key that means nothing here is more likely a mistake."""
    assert refusal(Array[(2,), "float64"], {**DOCUMENT, key: 1}) == (
        "array_decode_error",
        f"Failed to decode array document: array has unknown keys {key}; known are data, dtype, "
        "object_type, shape",
    )


def test_an_unknown_key_of_data_is_refused(refusal: Refusal) -> None:
    """What another encoding has is unknown to this one."""
    data = {"buffer": [1.0, 2.0], "encoding": "json", "compression": "lz4"}
    assert refusal(Array[(2,), "float64"], {**DOCUMENT, "data": data}) == (
        "array_decode_error",
        "Failed to decode array document: data has unknown keys compression; known are buffer, "
        "encoding",
    )


@pytest.mark.parametrize("buffer", [{"encoding": "json", "buffer": [1.0, 2.0]}, BASE64_DATA])
def test_no_compression_fits_every_encoding(buffer: Any, read: Read) -> None:
    """`"compression": null` is the absence of one, also where an encoding has none."""
    document = {**DOCUMENT, "data": {**buffer, "compression": None}}
    assert read(Array[(2,), "float64"], document).tolist() == [1.0, 2.0]


@pytest.mark.parametrize("key", ["shape", "dtype", "data"])
def test_a_missing_key_is_refused(key: str, refusal: Refusal) -> None:
    """The error names the key that is not there."""
    document = {name: value for name, value in DOCUMENT.items() if name != key}
    assert refusal(Array[(2,), "float64"], document) == (
        "array_decode_error",
        f"Failed to decode array document: array lacks {key}",
    )


def test_all_missing_keys_are_named_at_once(refusal: Refusal) -> None:
    """An object without any key of an array lacks all of them."""
    assert refusal(Array[(2,), "float64"], {}) == (
        "array_decode_error",
        "Failed to decode array document: array lacks data, dtype, shape",
    )


def test_data_needs_a_buffer(refusal: Refusal) -> None:
    """Data without a buffer is named as such."""
    assert refusal(Array[(2,), "float64"], {**DOCUMENT, "data": {"encoding": "json"}}) == (
        "array_decode_error",
        "Failed to decode array document: data lacks buffer",
    )


@pytest.mark.parametrize("data", [{"buffer": [1.0, 2.0]}, {"buffer": [1.0], "encoding": 5}])
def test_data_needs_an_encoding(data: Any, refusal: Refusal) -> None:
    """The error shows what an encoding looks like."""
    assert refusal(Array[(2,), "float64"], {**DOCUMENT, "data": data}) == (
        "array_decode_error",
        "Failed to decode array document: data needs an 'encoding', for instance "
        '"encoding": "json"',
    )


@pytest.mark.parametrize("data", [None, [1.0, 2.0], "text", 5])
def test_data_is_an_object(data: Any, refusal: Refusal) -> None:
    """A bare list in the place of `data` is refused."""
    assert refusal(Array[(2,), "float64"], {**DOCUMENT, "data": data}) == (
        "array_decode_error",
        "Failed to decode array document: data must be an object with 'buffer' and 'encoding'",
    )


@pytest.mark.parametrize("object_type", ["tensor", None, ["array"], 1])
def test_another_object_type_is_refused(object_type: Any, refusal: Refusal) -> None:
    """Only arrays are read as arrays."""
    document = {**DOCUMENT, "object_type": object_type}
    assert refusal(Array[(2,), "float64"], document) == (
        "array_decode_error",
        f"Failed to decode array document: object_type must be 'array', not {object_type!r}",
    )


@pytest.mark.parametrize("shape", [[-1], [True], [2.0], ["2"], [None], 2, "2", None, {}])
def test_a_shape_that_is_no_list_of_sizes_is_refused(shape: Any, refusal: Refusal) -> None:
    """The shape of a document is concrete."""
    assert refusal(Array[(2,), "float64"], {**DOCUMENT, "shape": shape}) == (
        "array_decode_error",
        f"Failed to decode array document: shape {shape!r} must be a list of sizes of at least 0",
    )


def test_too_many_dimensions_are_refused(refusal: Refusal) -> None:
    """An array has at most 64 dimensions, as in numpy."""
    assert refusal(Array[..., "float64"], {**DOCUMENT, "shape": [1] * 65}) == (
        "array_decode_error",
        "Failed to decode array document: 65 dimensions are more than 64",
    )


def test_an_unknown_encoding_is_refused_with_the_nearest_name(
    refusal: Refusal, scope_with: ScopeWith
) -> None:
    """A misspelled encoding gets a suggestion and the list of all that are installed."""
    data = {"buffer": "AAAA", "encoding": "bse64"}
    with scope_with() as entered:
        known = ", ".join(sorted(entered.catalog.encodings.names))
        assert refusal(Array[(2,), "float64"], {**DOCUMENT, "data": data}) == (
            "array_decode_error",
            "Failed to decode array document: Unknown array encoding 'bse64'. Did you mean "
            f"'base64'? Available: {known}.",
        )


@pytest.mark.parametrize(
    "document",
    [
        {**DOCUMENT, "data": {"buffer": "AAAA", "encoding": "x" * 10_000}},
        {**DOCUMENT, "dtype": "x" * 10_000},
        {**DOCUMENT, "object_type": "x" * 10_000},
        {**DOCUMENT, "shape": ["x" * 10_000]},
        {**DOCUMENT, "x" * 10_000: 1},
        {**DOCUMENT, **{f"key{n}": 1 for n in range(10_000)}},
        {**DOCUMENT, "shape": [10**4000], "data": {"buffer": "AAAA", "encoding": "base64"}},
        {
            **DOCUMENT,
            "data": {"buffer": "AAAA", "encoding": "base64", "compression": "x" * 10_000},
        },
    ],
    ids=["encoding", "dtype", "object_type", "shape", "key", "keys", "size", "compression"],
)
def test_an_error_does_not_echo_a_payload(document: Any, refusal: Refusal) -> None:
    """The text of an error has a bound, whatever a client has sent."""
    _, text = refusal(Array[..., "float64"], document)
    assert len(text) < 2_000


def test_the_encoding_of_a_plugin_is_used(scope_with: ScopeWith) -> None:
    """An array encoding that a plugin declares works in both directions."""

    class Hex:
        def encode(self, array: np.ndarray[Any, Any], scope: Any) -> dict[str, Any]:
            return {"buffer": array.tobytes().hex()}

        def decode(self, data: Any, spec: Any, scope: Any) -> np.ndarray[Any, Any]:
            flat = np.frombuffer(bytearray.fromhex(data["buffer"]), spec.dtype)
            return flat.reshape(spec.shape)

    schema = {"title": "Hex", "properties": {"buffer": {}, "encoding": {"const": "hex"}}}
    declaration = ArrayEncoding(name="hex", summary="Hex.", data_schema=schema, load=Hex)
    model = create_model("Model", x=(VECTOR_OF_INT16, ...))
    with scope_with(encodings=[declaration]):
        text = model.model_validate({"x": [1, -1]}).model_dump_json(
            context={"array_encoding": "hex"}
        )
        assert '"data":{"buffer":"0100ffff","encoding":"hex"}' in text
        assert model.model_validate_json(text).model_dump()["x"].tolist() == [1, -1]


@pytest.mark.parametrize(
    ("decoded", "problem"),
    [
        (np.zeros((1, 2), "int16"), "int16 of shape (1, 2)"),
        (np.zeros(1, "int16"), "int16 of shape (1,)"),
        (np.zeros(2, "int32"), "int32 of shape (2,)"),
        ([0, 0], "a list, not an array"),
        (np.frombuffer(bytes(4), "int16"), "an array that is not writable"),
    ],
    ids=str,
)
def test_the_encoding_of_a_plugin_returns_what_the_document_says(
    decoded: Any, problem: str, scope_with: ScopeWith
) -> None:
    """An array of another shape or data type is the plugin's fault, and names the plugin."""

    class Wrong:
        def encode(self, array: np.ndarray[Any, Any], scope: Any) -> dict[str, Any]:
            return {}

        def decode(self, data: Any, spec: Any, scope: Any) -> Any:
            return decoded

    schema = {"title": "Wrong", "properties": {"buffer": {}, "encoding": {"const": "wrong"}}}
    declaration = ArrayEncoding(name="wrong", summary="Wrong.", data_schema=schema, load=Wrong)
    adapter: TypeAdapter[Any] = TypeAdapter(VECTOR_OF_INT16)
    document = {"shape": [2], "dtype": "int16", "data": {"buffer": "", "encoding": "wrong"}}
    with scope_with(encodings=[declaration]):
        with pytest.raises(PluginFailed) as caught:
            adapter.validate_python(document)
        with pytest.raises(PydanticSerializationError, match="returned data without 'buffer'"):
            adapter.dump_json(np.zeros(2, "int16"), context={"array_encoding": "wrong"})
    origin = "Plugin scratch (scratch 1) failed in decode of encodings 'wrong': it returned "
    expected = " where the document says int16 of shape (2,)" if "shape" in problem else ""
    assert str(caught.value) == origin + problem + expected
    assert caught.value.kind.status == 500


def test_writing_in_an_unknown_encoding_is_an_error(scope_with: ScopeWith) -> None:
    """An encoding that is not installed cannot be written either."""
    adapter: TypeAdapter[Any] = TypeAdapter(Array[(None,), "float64"])
    text = "Unknown array encoding 'jsn'. Did you mean 'json'\\?"
    with scope_with(), pytest.raises(PydanticSerializationError, match=text):
        adapter.dump_python(np.ones(1), mode="json", context={"array_encoding": "jsn"})


def test_a_binary_encoding_does_not_fit_into_json(scope_with: ScopeWith) -> None:
    """Bytes that are no text cannot stand in a JSON document."""

    class Raw:
        def encode(self, array: np.ndarray[Any, Any], scope: Any) -> dict[str, Any]:
            return {"buffer": b"\xff"}

        def decode(self, data: Any, spec: Any, scope: Any) -> np.ndarray[Any, Any]:
            raise ValueError

    declaration = ArrayEncoding(
        name="bin", summary="Bytes.", data_schema=BASE64_DATA_SCHEMA, load=Raw, binary=True
    )
    adapter: TypeAdapter[Any] = TypeAdapter(Array[(None,), "float64"])
    text = "Array encoding 'bin' is binary and cannot be written as JSON."
    with (
        scope_with(encodings=[declaration]),
        pytest.raises(PydanticSerializationError, match=text),
    ):
        adapter.dump_python(np.ones(1), mode="json", context={"array_encoding": "bin"})


@pytest.mark.parametrize("shape", [(2,), (None,), (4, 2), ...])
@pytest.mark.parametrize(
    "value",
    [
        {"shape": [2], "dtype": "float64", "data": {"buffer": [0.0, 2.0], "encoding": "json"}},
        {"shape": [2], "dtype": "float32", "data": {"buffer": [0, 2], "encoding": "json"}},
        {
            "shape": [2],
            "dtype": "float64",
            "data": {"buffer": "AAAAAAAAAAAAAAAAAAAAQA==", "encoding": "base64"},
        },
        {
            "shape": [2],
            "dtype": "float32",
            "data": {"buffer": "AAAAAAAAAEA=", "encoding": "base64"},
        },
        {
            "shape": [2],
            "dtype": "float64",
            "data": {"buffer": b"AAAAAAAAAAAAAAAAAAAAQA==", "encoding": "base64"},
        },
        [0.0, 2.0],
        [0, 2],
        (0.0, 2.0),
        ["Infinity", None],
        np.array([0.0, 2.0], ">f8"),
        np.array([0.0, 2.0], "float32"),
        np.array([0, 2], ">i2"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_an_array_that_is_read_is_its_readers_own(shape: Any, value: Any, read: Read) -> None:
    """A decoded or cast array is writable, aligned, native and shares no memory."""
    nested = shape == (4, 2)
    if nested and not isinstance(value, np.ndarray | dict):
        value = [value]
    if nested and isinstance(value, np.ndarray):
        value = value[None]
    if nested and isinstance(value, dict):
        value = {**value, "shape": [1, 2]}
    result = read(Array[shape, "float64"], value)
    again = read(Array[shape, "float64"], value)
    assert result.flags.writeable
    assert result.flags.aligned
    assert result.dtype.isnative
    assert not np.shares_memory(result, again)
    if isinstance(value, np.ndarray):
        assert not np.shares_memory(result, value)
    before = again.copy()
    result[...] = 7
    np.testing.assert_array_equal(again, before)


@pytest.mark.parametrize("make", [strided, read_only, unaligned])
def test_a_broadcast_array_is_its_readers_own(
    make: Callable[[], np.ndarray[Any, Any]], read: Read
) -> None:
    """A broadcast makes an array of its own, whatever it was made of."""
    array = make()[:1]
    result = read(Array[(3,), "float64"], array)
    assert result.flags.writeable
    assert result.flags.aligned
    assert not np.shares_memory(result, array)


def test_a_numpy_array_that_fits_is_handed_on(read: Read) -> None:
    """In Python nothing is copied that need not be."""
    array = np.ones(3)
    assert read(Array[(None,), "float64"], array) is array


@pytest.mark.parametrize("make", [strided, read_only, unaligned])
def test_foreign_arrays_are_read_by_protocol(
    make: Callable[[], np.ndarray[Any, Any]], read: Read
) -> None:
    """An object with `__array__` is read as the array that it gives."""
    result = read(Array[(2,), "float32"], Foreign(make()))
    assert result.dtype == np.float32
    np.testing.assert_array_equal(result, [0, 2])


@pytest.mark.parametrize("value", [1.5, np.float64(1.5), np.array(1.5), np.float16(1.5)])
def test_rank_0_is_a_numpy_scalar(value: Any, read: Read) -> None:
    """A number is a numpy scalar, under a declared scalar and under any shape."""
    assert type(read(Array[(), "float32"], value)) is np.float32
    assert type(read(Array[..., "float32"], value)) is np.float32


@pytest.mark.parametrize("encoding", ["json", "base64"])
@pytest.mark.parametrize(
    "make",
    [
        strided,
        read_only,
        unaligned,
        lambda: np.array([0.0, 2.0], ">f8"),
        lambda: np.array([2.0, 0.0])[::-1],
    ],
    ids=["strided", "read-only", "unaligned", "big-endian", "reversed"],
)
def test_any_layout_in_memory_is_written_alike(
    make: Callable[[], np.ndarray[Any, Any]], encoding: str
) -> None:
    """A document does not show how its array lay in memory."""
    adapter: TypeAdapter[Any] = TypeAdapter(Array[(None,), "float64"])
    context = {"array_encoding": encoding}
    plain = adapter.dump_json(np.array([0.0, 2.0]), context=context)
    assert adapter.dump_json(make(), context=context) == plain


@pytest.mark.parametrize("encoding", ["json", "base64"])
def test_an_array_in_fortran_order_is_written_in_c_order(encoding: str) -> None:
    """The order of elements in a document is always that of C."""
    adapter: TypeAdapter[Any] = TypeAdapter(Array[..., "float64"])
    array = np.arange(24.0).reshape(2, 3, 4)
    context = {"array_encoding": encoding}
    plain = adapter.dump_json(array, context=context)
    assert adapter.dump_json(np.asfortranarray(array), context=context) == plain


def test_writing_leaves_the_array_alone() -> None:
    """An array in big-endian order is still that after it was written."""
    array = np.ones(2, ">f8")
    TypeAdapter(Array[(None,), "float64"]).dump_json(array)
    assert array.dtype == np.dtype(">f8")


@pytest.mark.parametrize(
    "data",
    [
        {"buffer": [1.0], "encoding": "json"},
        {"buffer": [[1.0]], "encoding": "json"},
        {"buffer": 1.0, "encoding": "json"},
        {"buffer": [], "encoding": "json"},
        {"buffer": ZEROS, "encoding": "base64"},
        {"buffer": "", "encoding": "base64"},
    ],
    ids=str,
)
@pytest.mark.parametrize("shape", [[2**40], [2**30, 2**30, 2**30], [10**30], [0, 10**30]])
def test_a_huge_declared_shape_takes_no_memory(
    shape: list[int], data: Any, refusal: Refusal
) -> None:
    """The size of a buffer is compared with the shape before memory is taken."""
    tracemalloc.start()
    kind, _ = refusal(Array[..., "float64"], {"shape": shape, "dtype": "float64", "data": data})
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kind == "array_decode_error"
    assert peak < 1_000_000


def test_errors_name_the_place_of_each_leaf() -> None:
    """Every refused array of a model is reported, under its own path."""

    class Model(BaseModel):
        x: runtime_core.Array[(2,), Float64]
        y: dict[str, list[Int8]]

    with pytest.raises(ValidationError) as caught:
        Model.model_validate({"x": [[1.0]], "y": {"a": [1, 300, "b"]}})
    errors = caught.value.errors()
    assert [error["loc"] for error in errors] == [("x",), ("y", "a", 1), ("y", "a", 2)]
