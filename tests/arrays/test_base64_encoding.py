"""The encoding `base64`: bytes as text, compressed by what plugins provide."""

from __future__ import annotations

import base64
import json
import tracemalloc
import zlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import hypothesis.extra.numpy as npst
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter
from pydantic_core import PydanticSerializationError

import runtime_core
from runtime_core.arrays.dtypes import DTYPES
from runtime_core.calls.scope import Scope
from runtime_core.contracts import Compressor

Array: Any = runtime_core.Array  # mypy reads no `Array[(3,), Float64]` as a value

Read = Callable[..., Any]
Refusal = Callable[..., tuple[str, str]]
ScopeWith = Callable[..., AbstractContextManager[Scope]]

ANY_ARRAY = st.sampled_from(list(DTYPES)).flatmap(
    lambda name: npst.arrays(
        dtype=np.dtype(name),
        shape=npst.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=4),
    )
)


class Zlib:
    """Packs bytes with the DEFLATE of the standard library."""

    def compress(self, data: memoryview) -> bytes:
        """Return the packed bytes."""
        return zlib.compress(data)

    def decompress(self, data: memoryview, into: memoryview) -> None:
        """Unpack no more than what fits, or raise."""
        stream = zlib.decompressobj()
        try:
            plain = stream.decompress(data, len(into) + 1)
        except zlib.error as error:
            raise ValueError(str(error)) from None
        if len(plain) != len(into) or not stream.eof:
            raise ValueError(f"the bytes do not unpack to exactly {len(into)}")
        into[:] = plain


ZLIB = Compressor(name="zlib", summary="DEFLATE, RFC 1950.", load=Zlib)


def encoded(
    buffer: Any, *, shape: list[int], dtype: str = "float64", **data: Any
) -> dict[str, Any]:
    """Return the document of an array in the encoding `base64`."""
    return {
        "shape": shape,
        "dtype": dtype,
        "data": {"buffer": buffer, "encoding": "base64", **data},
    }


def packed(plain: bytes) -> str:
    """Return the text of compressed bytes."""
    return base64.b64encode(zlib.compress(plain)).decode()


@given(ANY_ARRAY)
@settings(max_examples=150, deadline=None)
def test_base64_keeps_every_bit(array: np.ndarray[Any, Any]) -> None:
    """Every array of every type up to rank 5 comes back bit by bit, NaN payloads too."""
    adapter: TypeAdapter[Any] = TypeAdapter(Array[..., array.dtype.name])
    back = adapter.validate_json(adapter.dump_json(array, context={"array_encoding": "base64"}))
    assert back.dtype == array.dtype
    assert back.shape == array.shape
    assert back.tobytes() == array.tobytes()


@pytest.mark.parametrize("dtype", list(DTYPES))
def test_the_text_is_that_of_little_endian_bytes_in_c_order(dtype: str) -> None:
    """Any reader of base64 finds the bytes of the array in the standard alphabet."""
    array = np.asfortranarray(np.arange(6).reshape(2, 3).astype(dtype))
    adapter: TypeAdapter[Any] = TypeAdapter(Array[..., dtype])
    document = json.loads(adapter.dump_json(array, context={"array_encoding": "base64"}))
    little = np.ascontiguousarray(array).astype(np.dtype(dtype).newbyteorder("<"))
    assert document == {
        "object_type": "array",
        "shape": [2, 3],
        "dtype": dtype,
        "data": {
            "buffer": base64.b64encode(little.tobytes()).decode(),
            "encoding": "base64",
        },
    }


@pytest.mark.parametrize(
    ("buffer", "reason"),
    [
        ("AAAAAAAA", "8 characters of base64, but shape (1,) of float64 needs 12"),
        ("AAAAAAAAAAAAAAAA", "16 characters of base64, but shape (1,) of float64 needs 12"),
        ("", "0 characters of base64, but shape (1,) of float64 needs 12"),
        ("AAAAAAAAAAAA", "9 bytes, but shape (1,) of float64 needs 8"),
        ("AAAAAAAAAA==", "7 bytes, but shape (1,) of float64 needs 8"),
        (5, "the buffer must be a string"),
        (None, "the buffer must be a string"),
        ([0], "the buffer must be a string"),
    ],
)
def test_a_buffer_of_another_size_is_refused(buffer: Any, reason: str, refusal: Refusal) -> None:
    """The error says how much came and how much the shape needs."""
    assert refusal(Array[(1,), "float64"], encoded(buffer, shape=[1])) == (
        "array_decode_error",
        f"Failed to decode array buffer (base64 encoding): {reason}",
    )


@pytest.mark.parametrize(
    "buffer",
    [
        "AAAA AAAAAA=",
        "AAAAAA\nAAAA=",
        "-_AAAAAAAAA=",
        "AAAAAAAAAA=A",
        "AAAAAAAAAAé=",
        "AAAA====AAA=",
        "AAAAAAAAAA\x00=",
        "=AAAAAAAAAAA",
    ],
    ids=repr,
)
def test_the_alphabet_is_strict(buffer: str, refusal: Refusal) -> None:
    """Spaces, line ends, the URL alphabet and stray padding are refused."""
    assert refusal(Array[(1,), "float64"], encoded(buffer, shape=[1]))[0] == "array_decode_error"


def test_no_bytes_are_an_array_without_elements(read: Read) -> None:
    """An empty text is the buffer of an array that has a size of 0."""
    assert read(Array[..., "float64"], encoded("", shape=[2, 0, 3])).shape == (2, 0, 3)


def test_a_compression_of_null_is_none(read: Read) -> None:
    """`"compression": null` says that the bytes are plain."""
    document = encoded("AAAAAAAA+D8=", shape=[1], compression=None)
    assert read(Array[(1,), "float64"], document).tolist() == [1.5]


def test_compressed_bytes_are_written_and_read(scope_with: ScopeWith) -> None:
    """A compressor of a plugin packs the bytes before they become base64."""
    adapter: TypeAdapter[Any] = TypeAdapter(Array[(None,), "int64"])
    array = np.arange(1000)
    context = {"array_encoding": "base64", "compression": "zlib"}
    with scope_with(compressors=[ZLIB]):
        text = adapter.dump_json(array, context=context)
        back = adapter.validate_json(text)
    data = json.loads(text)["data"]
    assert list(data) == ["buffer", "encoding", "compression"]
    assert data["compression"] == "zlib"
    assert zlib.decompress(base64.b64decode(data["buffer"])) == array.tobytes()
    np.testing.assert_array_equal(back, array)


@given(array=ANY_ARRAY)
@settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # a scope keeps no state
)
def test_compression_keeps_every_bit(array: np.ndarray[Any, Any], scope_with: ScopeWith) -> None:
    """Packed arrays of every type come back bit by bit."""
    adapter: TypeAdapter[Any] = TypeAdapter(Array[..., array.dtype.name])
    context = {"array_encoding": "base64", "compression": "zlib"}
    with scope_with(compressors=[ZLIB]):
        back = adapter.validate_json(adapter.dump_json(array, context=context))
    assert back.shape == array.shape
    assert back.tobytes() == array.tobytes()


def test_json_ignores_compression(scope_with: ScopeWith) -> None:
    """Numbers that people read are never compressed."""
    adapter: TypeAdapter[Any] = TypeAdapter(Array[(None,), "float64"])
    context = {"array_encoding": "json", "compression": "zlib"}
    with scope_with(compressors=[ZLIB]):
        document = adapter.dump_python(np.ones(1), mode="json", context=context)
    assert document["data"] == {"buffer": [1.0], "encoding": "json"}


@pytest.mark.parametrize("shape", [[2], [0], [], [1, 1]])
def test_an_unpacked_array_is_its_readers_own(
    shape: list[int], read: Read, scope_with: ScopeWith
) -> None:
    """What was decompressed is writable, aligned and native."""
    size = int(np.prod(shape))
    document = encoded(packed(bytes(8 * size)), shape=shape, compression="zlib")
    with scope_with(compressors=[ZLIB]):
        result = np.asarray(read(Array[..., "float64"], document))
    assert result.shape == tuple(shape)
    assert result.flags.aligned
    assert result.dtype.isnative
    assert result.flags.writeable or not shape


@pytest.mark.parametrize("plain", [bytes(7), bytes(9), b"", bytes(16)])
def test_bytes_that_unpack_to_another_size_are_refused(
    plain: bytes, refusal: Refusal, scope_with: ScopeWith
) -> None:
    """Compressed bytes must unpack to exactly the declared size."""
    document = encoded(packed(plain), shape=[1], compression="zlib")
    with scope_with(compressors=[ZLIB]):
        assert refusal(Array[(1,), "float64"], document) == (
            "array_decode_error",
            "Failed to decode array buffer (base64 encoding): the bytes do not unpack to exactly 8",
        )


def test_bytes_that_are_not_compressed_are_refused(refusal: Refusal, scope_with: ScopeWith) -> None:
    """Plain bytes in the place of compressed ones are an error of the document."""
    document = encoded("AAAAAAAAAAA=", shape=[1], compression="zlib")
    with scope_with(compressors=[ZLIB]):
        kind, text = refusal(Array[(1,), "float64"], document)
    assert kind == "array_decode_error"
    assert "Error -3 while decompressing data" in text


def test_a_bomb_takes_no_memory(refusal: Refusal, scope_with: ScopeWith) -> None:
    """A few bytes that unpack to 64 MiB are refused before they are unpacked."""
    bomb = encoded(packed(bytes(2**26)), shape=[4], compression="zlib")
    with scope_with(compressors=[ZLIB]):
        refusal(Array[(4,), "float64"], encoded(packed(b""), shape=[4], compression="zlib"))
        tracemalloc.start()
        kind, _ = refusal(Array[(4,), "float64"], bomb)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert kind == "array_decode_error"
    assert peak < 2_000_000


@pytest.mark.parametrize("shape", [[2**48], [2**60], [10**30], [2**40, 2**40]])
def test_a_compressed_array_beyond_all_memory_is_refused(
    shape: list[int], refusal: Refusal, scope_with: ScopeWith
) -> None:
    """A declared size that no machine has is an error of the document."""
    document = encoded(packed(b""), shape=shape, compression="zlib")
    with scope_with(compressors=[ZLIB]):
        assert refusal(Array[..., "float64"], document)[0] == "array_decode_error"


def test_the_declared_shape_of_a_compressed_array_is_checked_first(
    refusal: Refusal, scope_with: ScopeWith
) -> None:
    """An array that does not fit its field is never unpacked."""
    document = encoded("not even base64", shape=[2**40], compression="zlib")
    with scope_with(compressors=[ZLIB]):
        assert refusal(Array[(4,), "float64"], document)[0] == "array_shape_mismatch"


def test_an_unknown_compression_is_refused(refusal: Refusal, scope_with: ScopeWith) -> None:
    """A misspelled compression gets a suggestion and the list of all that are installed."""
    document = encoded("AAAAAAAAAAA=", shape=[1], compression="zlb")
    with scope_with(compressors=[ZLIB]):
        assert refusal(Array[(1,), "float64"], document) == (
            "array_decode_error",
            "Failed to decode array document: Unknown compression 'zlb'. Did you mean 'zlib'? "
            "Available: zlib.",
        )


@pytest.mark.parametrize("compression", [5, ["zlib"], {}, True, 0, "", False])
def test_a_compression_that_is_no_name_is_refused(
    compression: Any, refusal: Refusal, scope_with: ScopeWith
) -> None:
    """Compression is a name or null."""
    document = encoded("AAAAAAAAAAA=", shape=[1], compression=compression)
    with scope_with(compressors=[ZLIB]):
        assert refusal(Array[(1,), "float64"], document)[0] == "array_decode_error"


def test_writing_with_an_unknown_compression_is_an_error(scope_with: ScopeWith) -> None:
    """A compression that is not installed cannot be written either."""
    adapter: TypeAdapter[Any] = TypeAdapter(Array[(None,), "float64"])
    context = {"array_encoding": "base64", "compression": "zlb"}
    text = "Unknown compression 'zlb'. Did you mean 'zlib'\\? Available: zlib."
    with (
        scope_with(compressors=[ZLIB]),
        pytest.raises(PydanticSerializationError, match=text),
    ):
        adapter.dump_python(np.ones(1), mode="json", context=context)
