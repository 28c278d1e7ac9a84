"""What every array encoding must do, in plain user code without a runtime around."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from pydantic import TypeAdapter, ValidationError

from runtime_core.arrays.annotation import array_type
from runtime_core.arrays.dtypes import DTYPES
from runtime_core.plugins import PluginSelection, load_catalog
from runtime_core.testing.samples import (
    EMPTY_SHAPES,
    LAYOUTS,
    SHAPES,
    AnyArray,
    arrays,
    belongs_to_its_receiver,
    bits,
    counted,
    special,
)


class ArrayEncodingConformance:
    """Tests that an array encoding keeps every array in `model_dump_json(context=...)`.

    A subclass names the encoding, which must be installed and give text. It may also say that the
    encoding does not keep the bits of a NaN, or that its buffers do not tell where they end.

        class TestAcme(ArrayEncodingConformance):
            encoding = "acme"
    """

    encoding: ClassVar[str]
    keeps_nan_payloads: ClassVar[bool] = True
    buffers_have_ends: ClassVar[bool] = True
    folder: ClassVar[Path]

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def _folder(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
        cls.folder = tmp_path_factory.mktemp("arrays")
        yield
        del cls.folder

    def written(self, array: Any, dtype: str) -> dict[str, Any]:
        """Return the document of an array, as it stands in JSON."""
        context = {"array_encoding": self.encoding, "base_dir": str(self.folder)}
        document: dict[str, Any] = json.loads(_adapter(dtype).dump_json(array, context=context))
        return document

    def read(self, document: dict[str, Any], dtype: str) -> Any:
        """Return the array of a document."""
        context = {"base_dir": str(self.folder)}
        return _adapter(dtype).validate_python(document, context=context)

    def same(self, left: Any, right: Any) -> bool:
        """Say whether two arrays are the same, bit by bit if the encoding promises that."""
        kept = self.keeps_nan_payloads
        return bits(left, nan_payloads=kept) == bits(right, nan_payloads=kept)

    @given(array=arrays())
    @settings(
        max_examples=100,
        deadline=None,
        suppress_health_check=[HealthCheck.differing_executors],  # every subclass has its encoding
    )
    def test_array_comes_back(self, array: AnyArray) -> None:
        """Arrays of every data type, of ranks 0 to 5, come back bit by bit."""
        name = array.dtype.name
        assert self.same(self.read(self.written(array, name), name), array)

    @pytest.mark.parametrize("dtype", DTYPES)
    def test_special_values_come_back(self, dtype: str) -> None:
        """Extremes, NaN, infinities and minus zero come back."""
        array = special(dtype)
        assert self.same(self.read(self.written(array, dtype), dtype), array)

    @pytest.mark.parametrize("shape", [*SHAPES, *EMPTY_SHAPES], ids=str)
    def test_document_says_what_the_array_is(self, shape: tuple[int, ...]) -> None:
        """Shape and data type stand in the document, and the encoding in its data."""
        document = self.written(counted("int16", shape), "int16")
        assert list(document) == ["object_type", "shape", "dtype", "data"]
        assert (document["shape"], document["dtype"]) == (list(shape), "int16")
        assert list(document["data"])[:2] == ["buffer", "encoding"]
        assert document["data"]["encoding"] == self.encoding

    @pytest.mark.parametrize("layout", LAYOUTS)
    def test_layout_in_memory_does_not_matter(self, layout: str) -> None:
        """Arrays that lie in memory in any way come back as the plain ones that equal them."""
        array = LAYOUTS[layout](counted("float32", (3, 4)))
        back = self.read(self.written(array, "float32"), "float32")
        assert self.same(back, np.array(array, "float32", order="C"))

    def test_arrays_belong_to_their_reader(self) -> None:
        """What is read is writable, aligned, native, and owned by its reader."""
        document = self.written(counted("float64", (3, 4)), "float64")
        read = [self.read(document, "float64") for _ in range(3)]
        assert all(map(belongs_to_its_receiver, read))
        assert not any(np.shares_memory(*pair) for pair in combinations(read, 2))

    def test_writing_changes_nothing(self) -> None:
        """An array is the same after it was written, and may be read-only."""
        array = LAYOUTS["read-only"](counted("float64", (3, 4)))
        before = array.tobytes()
        self.written(array, "float64")
        assert array.tobytes() == before

    @pytest.mark.parametrize("shape", [[5], [2**40], [2**63 - 1], [3, 2]], ids=str)
    def test_larger_shapes_are_refused(self, shape: list[int]) -> None:
        """A buffer of fewer elements than the shape needs is refused, without memory for them."""
        document = self.written(counted("float64", (4,)), "float64")
        assert self._fault(document | {"shape": shape}) == "array_decode_error"

    @pytest.mark.parametrize("shape", [[3], [0], []], ids=str)
    def test_smaller_shapes_are_refused(self, shape: list[int]) -> None:
        """A buffer of more elements than the shape needs is refused, if it tells how many."""
        document = self.written(counted("float64", (4,)), "float64")
        fault = self._fault(document | {"shape": shape})
        assert fault == ("array_decode_error" if self.buffers_have_ends else None)

    @pytest.mark.parametrize("buffer", [None, 5, {}, "\x00", True], ids=repr)
    def test_wrong_buffers_are_refused(self, buffer: Any) -> None:
        """A buffer that is nothing of what the encoding writes is an error of the document."""
        document = self.written(counted("float64", (4,)), "float64")
        data = {**document["data"], "buffer": buffer}
        assert self._fault(document | {"data": data}) in ("array_decode_error", "array_non_numeric")

    def test_schema_describes_what_is_written(self) -> None:
        """The JSON Schema of the data names its encoding and every key that is written."""
        schema = load_catalog(PluginSelection()).encodings.find(self.encoding).data_schema
        written = self.written(counted("float64", (4,)), "float64")["data"]
        assert schema["title"]
        assert schema["properties"]["encoding"]["const"] == self.encoding
        assert written.keys() <= schema["properties"].keys()
        assert set(schema["required"]) <= written.keys()

    def _fault(self, document: dict[str, Any]) -> str | None:
        """Return the type of the one error of a document, if it has one."""
        try:
            self.read(document, "float64")
        except ValidationError as error:
            (fault,) = error.errors()
            return fault["type"]
        return None


def _adapter(dtype: str) -> TypeAdapter[Any]:
    return TypeAdapter(array_type(..., dtype, ()))
