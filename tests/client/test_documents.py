"""Trees of arrays as documents and back, without a Tesseract in between."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from pydantic_core import core_schema

from runtime_core.arrays.dtypes import DTYPES
from runtime_core.catalog import Catalog
from runtime_core.config import resolve
from tesseract_runtime_authoring import InputPath, LazySequence
from tesseract_runtime_client import ValidationError
from tesseract_runtime_client.documents import Documents
from tesseract_runtime_client.transport import Answer
from tesseract_runtime_client.trees import shapes_of

EXACT = ("msgpack", "json+base64")

ARRAYS = arrays.arrays(st.sampled_from(sorted(DTYPES)), arrays.array_shapes(max_dims=3, min_side=0))
LEAVES = st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text() | ARRAYS
TREES = st.recursive(
    LEAVES | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def made(catalog: Catalog, **flags: str) -> Documents:
    """Return the documents of a separate configuration."""
    return Documents(catalog, resolve(catalog, flags=flags, environment={}))


def there_and_back(catalog: Catalog, tree: Any, format: str) -> Any:
    """Return a tree after it was written and read."""
    documents = made(catalog)
    body = b"".join(documents.write({"tree": tree}, format, "one"))
    return documents.read(Answer(format=format, body=body))["tree"]


def bits(tree: Any) -> Any:
    """Return a tree with the type, shape and bytes of its arrays."""
    if isinstance(tree, np.ndarray):
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
def test_rank_0_is_a_number(catalog: Catalog, format: str) -> None:
    """Scalars of any library fit fields of arrays and of numbers; complex ones stay arrays."""
    for number in (np.array(0.1, "float32"), np.float32(0.1), jnp.float32(0.1)):
        found = there_and_back(catalog, number, format)
        assert (type(found), found) == (float, float(np.float32(0.1)))
    assert type(there_and_back(catalog, np.complex64(1j), format)) is np.complex64
    assert there_and_back(catalog, np.array(1j), format) == 1j


def test_arrays_are_not_copied_into_a_document(catalog: Catalog) -> None:
    """In a binary format the pieces of a document are the memory of the arrays."""
    array = np.zeros(100_000)
    pieces = made(catalog).write({"tree": [array]}, "msgpack", "one")
    assert any(np.shares_memory(np.frombuffer(piece, np.uint8), array) for piece in pieces)


@dataclass
class Part:
    """A dataclass with an array."""

    x: Any
    n: int = 1


class Pair(NamedTuple):
    """A named tuple with an array in it."""

    part: Part


def test_dataclasses_and_named_tuples_are_inputs(catalog: Catalog) -> None:
    """They are written as objects and lists, with arrays inside."""
    found = there_and_back(catalog, Pair(Part(x=np.ones(2))), "msgpack")
    assert bits(found) == bits([{"x": np.ones(2), "n": 1}])


class Stubborn:
    """Something like an array that does not become one."""

    def __array__(self, *arguments: Any, **named: Any) -> Any:
        raise RuntimeError("call detach() first")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (Stubborn(), "It cannot become a numpy array: call detach() first"),
        (np.array(["2020"], "datetime64[D]"), "Could not parse value as a numeric array"),
        (np.ma.masked_array([1.0], [True]), "the array has masked elements"),
        pytest.param(10**5000, "cannot be written as msgpack", id="integer"),
    ],
)
def test_what_cannot_be_written_is_told(catalog: Catalog, value: Any, message: str) -> None:
    """A value that the format or no format can hold is a fault of the payload."""
    with pytest.raises(ValidationError) as raised:
        made(catalog).write({"tree": value}, "msgpack", "fit-7")
    assert message in str(raised.value)
    assert raised.value.run_id == "fit-7"


SEQUENCES: list[Any] = [
    (1, 2),
    range(1, 3),
    deque([1, 2]),
    LazySequence([1, 2]),
    LazySequence(range(2), lambda number: number + 1),
    {1: "", 2: ""}.keys(),
    frozenset([1, 2]),
]


@pytest.mark.parametrize("sequence", SEQUENCES, ids=lambda value: type(value).__name__)
def test_sequences_are_lists(catalog: Catalog, sequence: Any) -> None:
    """Whatever has items in an order is a list of them, and so is a set."""
    assert there_and_back(catalog, sequence, "json") == [1, 2]


def test_arrays_of_lazy_items_arrive(catalog: Catalog) -> None:
    """Items may hold arrays, which are written in the encoding of the document."""
    items: Any = LazySequence(range(3), lambda size: {"x": np.ones(size, "float32")})
    found = there_and_back(catalog, items, "msgpack")
    assert [(item["x"].dtype.name, item["x"].tolist()) for item in found] == [
        ("float32", [1.0] * size) for size in range(3)
    ]
    assert shapes_of({"items": items})["items"][2] == {"x": {"shape": [2], "dtype": "float32"}}


@pytest.mark.parametrize("text", ["ab", b"ab", bytearray(b"ab")])
def test_texts_are_no_lists(catalog: Catalog, text: Any) -> None:
    """A text stays whole, as do bytes, which JSON has as a text."""
    assert there_and_back(catalog, text, "json") == "ab"


def test_paths_are_relative_to_the_input_path(catalog: Catalog, tmp_path: Path) -> None:
    """A path of a payload is named as the Tesseract that reads it will look for it."""
    documents = made(catalog, input_path=str(tmp_path / "in"))
    paths = {"inside": InputPath(tmp_path / "in" / "a.txt"), "named": InputPath("b.txt")}
    others = {"outside": InputPath(tmp_path / "c.txt"), "plain": tmp_path / "in" / "a.txt"}
    body = b"".join(documents.write({**paths, **others}, "json", "one"))
    assert json.loads(body) == {
        "inside": "a.txt",
        "named": "b.txt",
        "outside": str(tmp_path / "c.txt"),
        "plain": str(tmp_path / "in" / "a.txt"),
    }


class Celsius:
    """A value whose own schema says how it is written."""

    def __init__(self, degrees: float) -> None:
        self.degrees = degrees

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> core_schema.CoreSchema:
        """Write the degrees, if there are any."""
        return core_schema.any_schema(
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda value: 1 / 0 if np.isnan(value.degrees) else f"{value.degrees} C"
            )
        )


def test_values_are_written_by_their_own_schema(catalog: Catalog) -> None:
    """What pydantic can write is written so, at any depth; what it cannot is told."""
    assert there_and_back(catalog, [{"t": Celsius(3.5)}], "json") == [{"t": "3.5 C"}]
    with pytest.raises(ValidationError, match=r"tree\.\[?0\]?: .*division by zero") as raised:
        there_and_back(catalog, [Celsius(np.nan)], "json")
    assert raised.value.errors()[0]["type"] == "not_serializable"
