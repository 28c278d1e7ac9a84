"""Writing MessagePack: buffers are spliced in, and values out of range are reported."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgpack
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime_core import Call, Runtime, Wire
from runtime_core.contracts import ArraySpec, EncodedArray
from runtime_core.errors import InvalidResult
from runtime_core.testing import Echo
from tesseract_runtime_msgpack.codec import MsgpackDocumentCodec

WITH_INTEGER = """
from pydantic import BaseModel

class InputSchema(BaseModel):
    power: int

class OutputSchema(BaseModel):
    y: int

def apply(inputs):
    return {"y": 2**inputs.power - 1}
"""


def dumps(tree: Any) -> bytes:
    """Return the bytes of a tree."""
    return b"".join(MsgpackDocumentCodec().dumps(tree))


def leaf(data: bytes | memoryview) -> EncodedArray:
    """Return an array of bytes as a leaf of a tree."""
    spec = ArraySpec(shape=(memoryview(data).nbytes,), dtype=np.dtype("uint8"))
    return EncodedArray(spec, {"encoding": "raw"}, data)


def mapping(data: bytes) -> dict[str, Any]:
    """Return the document of an array of bytes."""
    array = leaf(data)
    return array.document(array.buffer)


@given(sizes=st.lists(st.integers(0, 300) | st.sampled_from([255, 256, 65_535, 65_536])))
@settings(max_examples=100, deadline=None)
def test_buffers_become_bin(sizes: list[int]) -> None:
    """Each buffer is written in place as `bin`, with the shortest header."""
    plain = [bytes([number % 256]) * size for number, size in enumerate(sizes)]
    tree = [{"x": leaf(data), "text": "a"} for data in plain]
    expected = [{"x": mapping(data), "text": "a"} for data in plain]
    assert dumps(tree) == msgpack.packb(expected)


@given(tree=st.recursive(st.text() | st.integers(-(2**63), 2**64 - 1), st.lists))
@settings(max_examples=100, deadline=None)
def test_trees_without_buffers_are_those_of_msgpack(tree: Any) -> None:
    """Without arrays a document equals that of the package msgpack."""
    assert dumps(tree) == msgpack.packb(tree)


def test_large_arrays_are_not_copied(echo: Echo) -> None:
    """The memory of an array of the result is among the pieces of the document."""
    array = np.arange(100_000.0)
    body = echo.answer({"float64": array, "many": [array[50_000:]]}).body
    views = [piece for piece in body if isinstance(piece, memoryview)]
    assert [view.nbytes for view in views] == [800_000, 400_000]
    assert all(np.shares_memory(np.frombuffer(view, np.uint8), array) for view in views)


@pytest.mark.parametrize(
    "text",
    [
        "buffer-0123456789abcdef0123456789abcdef-0",
        "buffer-" + "0" * 32 + "-",
        "\xd9)buffer-0123456789abcdef0123456789abcdef-0",
        "\N{LATIN SMALL LETTER U WITH GRAVE}buffer-0123456789abcdef0123456789abcdef-12",
    ],
)
def test_texts_that_look_like_placeholders_stay(echo: Echo, text: str) -> None:
    """A user's string is never mistaken for the place of a buffer, as value or key."""
    item = {"values": [1.0], "note": text}
    back = echo.read(echo.write({"text": text, "named": {text: item}, "float64": np.ones(3)}))
    assert (back.text, list(back.named), back.named[text].note) == (text, [text], text)


@pytest.mark.parametrize("spelled", [b"\xc4\x10", b"\xc6", b"\xd9"])
def test_bytes_of_buffers_are_written_as_they_are(spelled: bytes) -> None:
    """The bytes of an array do not affect the splicing of others."""
    large = spelled * 40_000
    tree = [leaf(large), 0xD9, -39, "\xd9", leaf(large), spelled, leaf(b"small")]
    expected = [mapping(large), 0xD9, -39, "\xd9", mapping(large), spelled, mapping(b"small")]
    assert msgpack.unpackb(dumps(tree)) == expected


def test_bytes_of_an_array_that_user_code_has_changed_are_written() -> None:
    """In the mapping of an array the buffer stays bytes."""
    tree = {**mapping(b"abc"), "unit": "m"}
    assert msgpack.unpackb(dumps(tree)) == tree


def test_integers_of_64_bits_are_written(runtime: Callable[..., Runtime]) -> None:
    """The largest integer of MessagePack is exact."""
    reply = runtime(WITH_INTEGER).invoke(call(64))
    assert msgpack.unpackb(b"".join(reply.body)) == {"y": 2**64 - 1}


@pytest.mark.parametrize("power", [65, 1000, 10_000])
def test_larger_integers_are_decimal_texts(runtime: Callable[..., Runtime], power: int) -> None:
    """An integer of more than 64 bits is its decimal text, as exact as in JSON."""
    reply = runtime(WITH_INTEGER).invoke(call(power))
    assert msgpack.unpackb(b"".join(reply.body)) == {"y": str(2**power - 1)}


def test_integers_of_thousands_of_digits_are_an_error(runtime: Callable[..., Runtime]) -> None:
    """An integer that Python does not print is a fault with a short message."""
    fault = runtime(WITH_INTEGER).invoke(call(100_000)).fault
    assert fault is not None
    assert fault.message.startswith("The result cannot be written as msgpack: Exceeds the limit")


def call(power: int) -> Call:
    """Return the call for an integer of some bits."""
    return Call(
        endpoint="apply",
        run_id="r",
        body=msgpack.packb({"inputs": {"power": power}}),
        body_format="msgpack",
        output=Wire(format="msgpack"),
    )


def test_arrays_of_4_gib_are_an_error() -> None:
    """An array that is too large for `bin` is refused, with an alternative."""
    tree = leaf(np.empty(2**32, np.uint8).data)  # no memory is taken before it is used
    with pytest.raises(InvalidResult) as caught:
        MsgpackDocumentCodec().dumps(tree)
    assert str(caught.value) == (
        "An array of 4294967296 bytes cannot be written as msgpack, whose limit is 4 GiB: choose "
        "another format with -f or Accept."
    )


def test_arrays_of_almost_4_gib_have_a_header() -> None:
    """The largest `bin` is written without a copy."""
    pieces = MsgpackDocumentCodec().dumps([leaf(np.empty(2**32 - 1, np.uint8).data)])
    assert b"".join(pieces[:2]).endswith(b"\xa6buffer\xc6\xff\xff\xff\xff")
    assert memoryview(pieces[2]).nbytes == 2**32 - 1


def test_plain_values_are_written_natively(echo: Echo) -> None:
    """NaN and infinities of plain fields are floats, not strings."""
    for number in (float("nan"), float("inf"), -0.0):
        tree = msgpack.unpackb(echo.write({"number": number}))
        assert repr(tree["inputs"]["number"]) == repr(number)


def test_document_is_that_of_json_with_bytes(echo: Echo) -> None:
    """The tree equals that of JSON, except for arrays in the encoding `raw`."""
    tree = msgpack.unpackb(echo.write({"int16": np.array([[1, -2]], ">i2")}))
    assert tree["inputs"]["int16"] == {
        "object_type": "array",
        "shape": [1, 2],
        "dtype": "int16",
        "data": {"buffer": b"\x01\x00\xfe\xff", "encoding": "raw"},
    }
    assert list(tree["inputs"]["int16"]) == ["object_type", "shape", "dtype", "data"]
