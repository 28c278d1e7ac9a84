"""The conformance suite of array encodings, in plain user code without a runtime."""

from __future__ import annotations

import json
import math
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from runtime_core.arrays.annotation import array_type
from runtime_core.catalog import Catalog
from runtime_core.contracts import ArrayEncoding
from runtime_core.documents import dumped
from runtime_core.testing.array_suite import ArraySuite, RoundTrip
from runtime_core.testing.samples import (
    EMPTY_SHAPES,
    LAYOUTS,
    SHAPES,
    belongs_to_its_receiver,
    counted,
)


class ArrayEncodingConformance(ArraySuite):
    """Tests that an array encoding keeps every array in `model_dump(context=...)`.

    A subclass names the encoding, which must be installed. It can set `keeps_nan_payloads` or
    `buffers_have_ends` to `False`. Of a binary encoding, the documents are trees with bytes.

        class TestAcme(ArrayEncodingConformance):
            encoding = "acme"
    """

    encoding: ClassVar[str]
    folder: ClassVar[Path]
    declaration: ClassVar[ArrayEncoding]

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def _place(cls, catalog: Catalog, tmp_path_factory: pytest.TempPathFactory) -> None:
        cls.folder = tmp_path_factory.mktemp("arrays")
        cls.declaration = catalog.encodings.find(cls.encoding)

    @pytest.fixture(scope="class")
    @classmethod
    def round_trip(cls) -> RoundTrip:
        """Return a function that writes arrays in JSON and reads them."""
        return lambda values: {
            name: cls.read(cls.written(array, name), name) for name, array in values.items()
        }

    @classmethod
    def written(cls, array: Any, dtype: str) -> dict[str, Any]:
        """Return the document of an array, in JSON unless its encoding is binary."""
        context = {"array_encoding": cls.encoding, "base_dir": str(cls.folder)}
        if cls.declaration.binary:
            leaf = dumped(partial(_adapter(dtype).dump_python, array), context)
            return {**leaf.document(bytes(leaf.buffer))}
        document: dict[str, Any] = json.loads(_adapter(dtype).dump_json(array, context=context))
        return document

    @classmethod
    def read(cls, document: dict[str, Any], dtype: str) -> Any:
        """Return the array of a document."""
        context = {"base_dir": str(cls.folder)}
        return _adapter(dtype).validate_python(document, context=context)

    @pytest.mark.parametrize("shape", [*SHAPES, *EMPTY_SHAPES], ids=str)
    def test_document_says_what_the_array_is(self, shape: tuple[int, ...]) -> None:
        """The document has the shape and data type, and its data the encoding."""
        document = self.written(counted("int16", shape), "int16")
        assert list(document) == ["object_type", "shape", "dtype", "data"]
        assert (document["shape"], document["dtype"]) == (list(shape), "int16")
        assert list(document["data"])[:2] == ["buffer", "encoding"]
        assert document["data"]["encoding"] == self.encoding

    def test_arrays_belong_to_their_reader(self) -> None:
        """Arrays are writable, aligned, native, and share no memory with others."""
        document = self.written(counted("float64", (3, 4)), "float64")
        read = [self.read(document, "float64") for _ in range(3)]
        assert all(map(belongs_to_its_receiver, read))
        assert not any(np.shares_memory(*pair) for pair in combinations(read, 2))

    def test_writing_changes_nothing(self) -> None:
        """Writing leaves an array unchanged, which may be read-only."""
        array = LAYOUTS["read-only"](counted("float64", (3, 4)))
        before = array.tobytes()
        self.written(array, "float64")
        assert array.tobytes() == before

    @pytest.mark.parametrize("shape", [[5], [2**40], [2**63 - 1], [3, 2], [3], [0], []], ids=str)
    def test_other_shapes_are_refused(self, shape: list[int]) -> None:
        """A buffer with fewer elements than the shape is refused, and with more if it has an end.

        Memory for the missing elements is not reserved.
        """
        document = self.written(counted("float64", (4,)), "float64")
        beyond = self.buffers_have_ends or math.prod(shape) > 4
        assert self._fault(document | {"shape": shape}) == (
            "array_decode_error" if beyond else None
        )

    @pytest.mark.parametrize("buffer", [None, 5, {}, "\x00", True], ids=repr)
    def test_wrong_buffers_are_refused(self, buffer: Any) -> None:
        """A buffer that the encoding never writes is an error of the document."""
        document = self.written(counted("float64", (4,)), "float64")
        data = {**document["data"], "buffer": buffer}
        assert self._fault(document | {"data": data}) in ("array_decode_error", "array_non_numeric")

    def test_schema_describes_what_is_written(self) -> None:
        """The JSON Schema of the data names its encoding and every key that is written."""
        schema = self.declaration.data_schema
        written = self.written(counted("float64", (4,)), "float64")["data"]
        assert schema["title"]
        assert schema["properties"]["encoding"]["const"] == self.encoding
        assert written.keys() <= schema["properties"].keys()
        assert set(schema["required"]) <= written.keys()

    def _fault(self, document: dict[str, Any]) -> str | None:
        """Return the type of the single error of a document, if it has one."""
        try:
            self.read(document, "float64")
        except ValidationError as error:
            (fault,) = error.errors()
            return fault["type"]
        return None


def _adapter(dtype: str) -> TypeAdapter[Any]:
    return TypeAdapter(array_type(..., dtype, ()))
