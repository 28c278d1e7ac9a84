"""Reading MessagePack: binary data and the types of JSON, and nothing else."""

from __future__ import annotations

import math
import struct
from typing import Any

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime_core.contracts import ReadingLimits
from runtime_core.testing import Echo
from runtime_core.testing.memory import traced_peak
from tesseract_runtime_msgpack.codec import MsgpackDocumentCodec
from tests.msgpack.conftest import payload

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary(max_size=300)
)
TREES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=20) | st.dictionaries(st.text(max_size=40), inner, max_size=20)
    ),
)


LIMITS = ReadingLimits(items=20_000_000)


def loads(body: bytes | bytearray) -> Any:
    """Return the tree of a body."""
    return MsgpackDocumentCodec().loads(memoryview(body), LIMITS)


def refusal(body: bytes) -> str:
    """Return the message for a refused body."""
    with pytest.raises(ValueError, match=" ") as caught:
        loads(body)
    return str(caught.value)


@given(tree=TREES)
@settings(max_examples=150, deadline=None)
def test_everything_is_read_as_msgpack_reads_it(tree: Any) -> None:
    """Trees equal those of the package msgpack, with views of the body for bytes."""
    assert _with_bytes(loads(msgpack.packb(tree))) == tree


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"\x00", 0),
        (b"\x7f", 127),
        (b"\xe0", -32),
        (b"\xff", -1),
        (b"\xc0", None),
        (b"\xc2", False),
        (b"\xc3", True),
        (b"\xcc\xff", 255),
        (b"\xcd\x00\x01", 1),
        (b"\xce\xff\xff\xff\xff", 2**32 - 1),
        (b"\xcf" + b"\xff" * 8, 2**64 - 1),
        (b"\xd0\x80", -128),
        (b"\xd1\xff\xff", -1),
        (b"\xd2\x80\x00\x00\x00", -(2**31)),
        (b"\xd3\x80" + b"\x00" * 7, -(2**63)),
        (b"\xca\x3f\xc0\x00\x00", 1.5),
        (b"\xcb\x3f\xf8" + b"\x00" * 6, 1.5),
        (b"\xcb\x7f\xf0" + b"\x00" * 6, math.inf),
        (b"\xa0", ""),
        (b"\xa2\xce\xb1", "\N{GREEK SMALL LETTER ALPHA}"),
        (b"\xd9\x01a", "a"),
        (b"\xda\x00\x01a", "a"),
        (b"\xdb\x00\x00\x00\x01a", "a"),
        (b"\xc4\x01a", b"a"),
        (b"\xc5\x00\x01a", b"a"),
        (b"\xc6\x00\x00\x00\x01a", b"a"),
        (b"\x91\x01", [1]),
        (b"\xdc\x00\x01\x01", [1]),
        (b"\xdd\x00\x00\x00\x01\x01", [1]),
        (b"\x81\xa1a\x01", {"a": 1}),
        (b"\x81\xc4\x01a\x01", {"a": 1}),
        (b"\xde\x00\x01\xa1a\x01", {"a": 1}),
        (b"\xdf\x00\x00\x00\x01\xa1a\x01", {"a": 1}),
        (b"\x82\xa1a\x01\xa1a\x02", {"a": 2}),
    ],
    ids=lambda part: part.hex() if isinstance(part, bytes) else "",
)
def test_every_form_is_read(body: bytes, value: Any) -> None:
    """Each form of the specification is read, also the longest forms of small values."""
    found = loads(body)
    assert _with_bytes(found) == value
    assert type(found) is (memoryview if isinstance(value, bytes) else type(value))


def _with_bytes(tree: Any) -> Any:
    """Return a tree with bytes for the views of a body."""
    if isinstance(tree, list):
        return [_with_bytes(item) for item in tree]
    if isinstance(tree, dict):
        return {key: _with_bytes(value) for key, value in tree.items()}
    return bytes(tree) if isinstance(tree, memoryview) else tree


def test_nan_is_nan() -> None:
    """NaN is read as a float."""
    assert math.isnan(loads(b"\xcb\x7f\xf8" + b"\x00" * 6))


def test_bytes_are_views_of_the_body() -> None:
    """Bytes are not copied out of the body."""
    body = bytearray(msgpack.packb({"a": b"abc"}))
    view = loads(body)["a"]
    body[-3:] = b"xyz"
    assert bytes(view) == b"xyz"
    assert view.format == "c"  # it is text to numpy, not numbers


EXTENSIONS = (
    b"\xd4\x01a",
    b"\xd5\x01ab",
    b"\xd6\xff\x00\x00\x00\x00",
    b"\xd7\xff\x00\x00\x00\x00\x00\x00\x00\x00",
    b"\xd8\x010123456789abcdef",
    b"\xc7\x01\x05a",
    b"\xc8\x00\x01\x05a",
    b"\xc9\x00\x00\x00\x01\x05a",
)
"""One of each form; the third and the fourth are timestamps."""


@pytest.mark.parametrize("extension", EXTENSIONS, ids=bytes.hex)
def test_extension_types_are_refused(extension: bytes) -> None:
    """Timestamps and all other extension types are refused, with their position."""
    assert refusal(b"\x91" + extension) == "the extension type at byte 1 is not supported"


def test_unused_byte_is_refused() -> None:
    """The byte that the specification never uses is refused."""
    assert refusal(b"\x92\x01\xc1") == "0xc1 at byte 2 is not valid MessagePack"


@pytest.mark.parametrize("tail", [b"\x00", b"\xc0", b"\xc1", b"\x80" * 1000])
def test_trailing_bytes_are_refused(tail: bytes) -> None:
    """Bytes after a document are refused."""
    assert refusal(b"\x91\x01" + tail) == "there are bytes after the document, from byte 2 on"


TRUNCATED = (
    *(b"", b"\x91", b"\x81", b"\x81\xa1a", b"\xa1", b"\xd9", b"\xd9\x02a", b"\xcd\x00"),
    *(b"\xcb\x00\x00\x00", b"\xc4\x01", b"\xc6\x00\x00", b"\xdc\x00", b"\xdf\x00\x00\x00"),
)
"""Bodies that end before what they have begun."""


@pytest.mark.parametrize("body", TRUNCATED, ids=lambda body: body.hex() or "nothing")
def test_truncated_bodies_are_refused(body: bytes) -> None:
    """A body that ends too early is refused with its length."""
    assert refusal(body) == f"the document ends at byte {len(body)}, in the middle"


@pytest.mark.parametrize("first", [0xC6, 0xDB, 0xDD, 0xDF])
def test_headers_that_promise_too_much_take_no_memory(first: int) -> None:
    """A header of billions of items allocates nothing."""
    body = struct.pack(">BI", first, 2**32 - 1) + b"\x01" * 100
    assert traced_peak(lambda: refusal(body)) < 100_000


def test_nested_headers_that_promise_too_much_take_no_memory() -> None:
    """Neither do two hundred such headers."""
    body = b"\xdd\xff\xff\xff\xff" * 200
    assert traced_peak(lambda: refusal(body)) < 1_000_000


@pytest.mark.parametrize("opening", [b"\x91", b"\x81\xa1a", b"\xdc\x00\x01", b"\x92\x01"])
@pytest.mark.parametrize("depth", [201, 1000, 1_000_000])
def test_deep_nesting_is_refused(opening: bytes, depth: int) -> None:
    """More than 200 nested lists and maps are refused without a stack overflow."""
    assert refusal(opening * depth) == "more than 200 lists and maps inside each other"


def test_as_deep_as_json_is_read() -> None:
    """200 nested lists are read."""
    assert str(loads(b"\x91" * 200 + b"\x01")).count("[") == 200


def test_many_lists_beside_each_other_are_not_deep() -> None:
    """The number of lists at one depth is not limited."""
    assert loads(b"\xdc\x03\xe8" + b"\x91\x01" * 1000) == [[1]] * 1000


@pytest.mark.parametrize(
    "text", [b"\xff", b"\xed\xa0\x80", b"\xc0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82"]
)
def test_invalid_utf_8_is_refused(text: bytes) -> None:
    """A string of invalid UTF-8 is refused, a lone surrogate too."""
    body = bytes([0x91, 0xA0 + len(text)]) + text
    assert refusal(body) == "the string at byte 2 is not valid UTF-8"


@pytest.mark.parametrize("key", [b"\x01", b"\xc0", b"\xc3", b"\xcb" + bytes(8), b"\x90", b"\x80"])
def test_keys_that_are_no_strings_are_refused(key: bytes) -> None:
    """Keys must be strings, as in JSON; a list as a key is refused too."""
    assert refusal(b"\x81" + key + b"\x01") == "the key at byte 1 is not a string"


def test_errors_name_the_format(echo: Echo) -> None:
    """The message names the expected format."""
    message = echo.refusal(b"\x91").message
    assert message == "The payload is not valid msgpack: the document ends at byte 1, in the middle"


def test_bytes_where_no_array_is_are_refused(echo: Echo) -> None:
    """Bytes are not accepted for any type of field."""
    for field in ("text", "number", "float64", "anything", "items", "named"):
        echo.refusal(payload(**{field: b"12345678"}))


def test_bytes_that_are_text_are_no_text(echo: Echo) -> None:
    """A view of the body never becomes an input."""
    fault = echo.refusal(payload(anything={"a": [b"text"]}))
    assert fault.details[0]["loc"][:2] == ["inputs", "anything"]


def test_arrays_of_all_forms_are_read(echo: Echo) -> None:
    """Bare lists and numbers, base64 and JSON arrays are read as well as raw ones."""
    encoded = {"shape": [1], "dtype": "float64"}
    forms = [
        [1.5],
        {**encoded, "data": {"buffer": [1.5], "encoding": "json"}},
        {**encoded, "data": {"buffer": "AAAAAAAA+D8=", "encoding": "base64"}},
        {**encoded, "data": {"buffer": struct.pack("<d", 1.5), "encoding": "raw"}},
    ]
    assert [array.tolist() for array in echo.read(payload(many=forms)).many] == [[1.5]] * 4


def test_more_items_than_are_allowed_are_refused(echo: Echo) -> None:
    """`--max-json-items` limits the items of msgpack like those of JSON."""
    most = echo.runtime.config.max_json_items
    assert echo.read(payload(anything=[0] * (most - 1000))).anything is not None
    for item in (b"\xc0", b"\x80", b"\x90", b"\xa0", b"\x01"):
        body = payload(anything=0)[:-1] + b"\xdd" + struct.pack(">I", most + 1) + item * (most + 1)
        assert "--max-json-items" in echo.refusal(body).message
