"""Trees of arrays as documents and back, without a Tesseract in between."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from runtime_core.arrays.dtypes import DTYPES
from runtime_core.catalog import Catalog
from tesseract_runtime_client import ValidationError
from tesseract_runtime_client.documents import Documents
from tesseract_runtime_client.transport import Answer

EXACT = ("msgpack", "json+base64")

ARRAYS = arrays.arrays(
    st.sampled_from(sorted(DTYPES)), arrays.array_shapes(min_dims=0, max_dims=3, min_side=0)
)
LEAVES = st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text() | ARRAYS
TREES = st.recursive(
    LEAVES | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def there_and_back(catalog: Catalog, tree: Any, format: str) -> Any:
    """Return what is read of a document that a tree was written into."""
    documents = Documents(catalog)
    body = b"".join(documents.write({"tree": tree}, format, "one"))
    return documents.read(Answer(format=format, body=body))["tree"]


def bits(tree: Any) -> Any:
    """Return a tree with the type, shape and bytes of its arrays; rank 0 is that of scalars."""
    if isinstance(tree, np.ndarray | np.generic):
        return "array", tree.dtype.name, tree.shape, tree.tobytes()
    if isinstance(tree, dict):
        return {key: bits(value) for key, value in tree.items()}
    return [bits(item) for item in tree] if isinstance(tree, list) else (type(tree), tree)


@pytest.mark.parametrize("format", EXACT)
@given(tree=TREES)
def test_trees_arrive_bit_by_bit(catalog: Catalog, format: str, tree: Any) -> None:
    """Whatever is in a tree, it comes back as it was."""
    assert bits(there_and_back(catalog, tree, format)) == bits(tree)


@given(array=ARRAYS)
def test_numbers_arrive_in_json(catalog: Catalog, array: Any) -> None:
    """As text, every number but the payload of a NaN comes back as it was."""
    found = there_and_back(catalog, array, "json")
    assert (found.dtype, found.shape) == (array.dtype, array.shape)
    np.testing.assert_array_equal(found, array)


@pytest.mark.parametrize("format", [*EXACT, "json"])
@pytest.mark.parametrize("size", [1, 100_000])
def test_memory_is_nobody_elses(catalog: Catalog, format: str, size: int) -> None:
    """What was read may be written to, and is aligned."""
    array = np.arange(size, dtype="float64")
    found = there_and_back(catalog, array, format)
    assert found.flags.writeable
    assert found.flags.aligned
    assert not np.shares_memory(found, array)
    found[...] = -1
    assert array[-1] == size - 1


@pytest.mark.parametrize("format", [*EXACT, "json"])
def test_rank_0_is_a_scalar(catalog: Catalog, format: str) -> None:
    """Arrays of no dimension come back as scalars of numpy, and scalars as plain numbers."""
    assert type(there_and_back(catalog, np.array(1.5, "float32"), format)) is np.float32
    assert type(there_and_back(catalog, np.float32(1.5), format)) is float
    assert type(there_and_back(catalog, np.complex64(1j), format)) is np.complex64


def test_arrays_are_not_copied_into_a_document(catalog: Catalog) -> None:
    """In a binary format the pieces of a document are the memory of the arrays."""
    array = np.zeros(100_000)
    pieces = Documents(catalog).write({"tree": [array]}, "msgpack", "one")
    assert any(np.shares_memory(np.frombuffer(piece, np.uint8), array) for piece in pieces)


class Stubborn:
    """Something like an array that does not become one."""

    def __array__(self, *arguments: Any, **named: Any) -> Any:
        raise RuntimeError("call detach() first")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (Stubborn(), "It cannot become a numpy array: call detach() first"),
        (np.array(["2020"], "datetime64[D]"), "Could not parse value as a numeric array"),
        (np.zeros(1, "longdouble"), "Unsupported array dtype"),
        (2**64, "cannot be written as msgpack"),
    ],
)
def test_what_cannot_be_written_is_told(catalog: Catalog, value: Any, message: str) -> None:
    """A value that the format or no format can hold is a fault of the payload."""
    with pytest.raises(ValidationError) as raised:
        Documents(catalog).write({"tree": value}, "msgpack", "fit-7")
    assert message in str(raised.value)
    assert raised.value.run_id == "fit-7"
