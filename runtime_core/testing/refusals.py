"""The documents that a format must refuse."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from runtime_core.errors import FaultKind
from runtime_core.testing.echo import Echo
from runtime_core.testing.faulty_documents import (
    BOMBS,
    FAULTS,
    OVERFLOWS,
    SIZES_AT_THRESHOLDS,
    exchanged_buffers,
)
from runtime_core.testing.format_suite import FormatSuite
from runtime_core.testing.memory import SLACK, traced_peak
from runtime_core.testing.mutations import (
    documents_to_damage,
    survive_edits,
    survive_exchanges,
)
from runtime_core.testing.samples import counted
from runtime_core.testing.trials import failed_refusals


class Refusals(FormatSuite):
    """Tests that damaged documents are refused, clearly and in little memory."""

    mutations: ClassVar[int] = 300

    def test_bombs_take_no_memory(self, echo: Echo, tmp_path: Path) -> None:
        """Small documents that unfold to something large are refused before they do."""
        bombs = {name: echo.document({"inputs": inputs}) for name, inputs in BOMBS.items()}
        assert failed_refusals(self.format, bombs, tmp_path) == []

    def test_truncated_documents_are_refused(self, echo: Echo) -> None:
        """The beginning of a document is refused, unless its values are complete."""
        document = echo.write({"float64": counted("float64", (4,)), "text": "text"})
        whole = echo.read(document).model_dump_json()
        for length in range(len(document)):
            inputs = echo.survive(document[:length])
            assert inputs is None or inputs.model_dump_json() == whole

    @pytest.mark.parametrize("tail", [b"\x00", b"}", b"{}", b"\xc0", b"x"], ids=repr)
    def test_trailing_bytes_are_refused(self, echo: Echo, tail: bytes) -> None:
        """Bytes after a document are an error."""
        echo.refusal(echo.write({"number": 1.0}) + tail)

    @pytest.mark.parametrize("length", [0, 1, 2, 8, 100, 10_000])
    def test_noise_is_refused(self, echo: Echo, length: int) -> None:
        """Random bytes are refused."""
        for seed in range(20):
            echo.refusal(np.random.default_rng(seed).bytes(length))

    def test_deep_nesting_is_refused(self, echo: Echo) -> None:
        """Nested lists are read to a depth of 100 and refused beyond 200."""
        assert echo.read(echo.document({"inputs": {"anything": _nested(100)}})).anything
        echo.refusal(echo.document({"inputs": {"anything": _nested(220)}}))

    @pytest.mark.parametrize("fault", FAULTS)
    def test_wrong_arrays_are_refused(self, echo: Echo, fault: str) -> None:
        """A wrong or missing value in the document of an array is refused, as is another key."""
        echo.refusal(self._changed(echo, FAULTS[fault]))

    @pytest.mark.parametrize("shape", [[3], [0], []], ids=str)
    def test_smaller_shapes_are_refused(self, echo: Echo, shape: list[int]) -> None:
        """A buffer with more numbers than the shape is refused, if it has an end."""
        inputs = echo.survive(self._changed(echo, lambda leaf: leaf.update(shape=shape)))
        assert inputs is None or not self.buffers_have_ends

    @pytest.mark.parametrize("size", SIZES_AT_THRESHOLDS)
    def test_exchanged_buffers_are_refused(self, echo: Echo, size: int) -> None:
        """Texts, bytes and lists in the place of another buffer are refused, whatever their size.

        Readers treat large parts of a document differently.
        """
        encodings = [encoding.name for encoding in echo.runtime.catalog.encodings]
        for dtype, array in exchanged_buffers(size, encodings):
            document = echo.document({"inputs": {dtype: array}})
            fault = echo.refusal(document)
            assert fault.kind is not FaultKind.UNREADABLE_DOCUMENT, fault.message

    def _changed(self, echo: Echo, change: Callable[[Any], Any]) -> bytes:
        document = echo.write({"float64": counted("float64", (4,))})
        return echo.changed(document, lambda inputs: change(inputs["float64"]))

    @pytest.mark.parametrize("dtype", OVERFLOWS)
    def test_numbers_out_of_range_are_refused(self, echo: Echo, dtype: str) -> None:
        """A number that does not fit into the data type of its field is refused, and shown."""
        wider, number = OVERFLOWS[dtype]
        for others in ([], [1], [1, 0, 1]):
            _refuse_range(echo, np.array([*others, number], wider), dtype)

    @pytest.mark.parametrize("number", [complex(1e300, np.nan), complex(-np.inf, 1e300)], ids=str)
    def test_complex_numbers_half_out_of_range_are_refused(
        self, echo: Echo, number: complex
    ) -> None:
        """One part of a complex number may be out of range while the other is not finite."""
        _refuse_range(echo, np.array([1, number]), "complex64")

    @pytest.mark.parametrize("survive", [survive_edits, survive_exchanges])
    def test_mutated_documents_have_a_value_or_a_clear_error(
        self, echo: Echo, survive: Callable[..., int]
    ) -> None:
        """A damaged document gives inputs or one clear sentence, in little memory."""
        damage = partial(survive, echo, documents_to_damage(echo), count=self.mutations)
        assert traced_peak(damage) < SLACK


def _refuse_range(echo: Echo, array: np.ndarray[Any, Any], dtype: str) -> None:
    """Fail unless an array is refused in the field of another data type."""
    name = array.dtype.name
    document = echo.changed(
        echo.write({name: array}), lambda inputs: inputs.update({dtype: inputs.pop(name)})
    )
    assert echo.refusal(document).details[0]["type"] == "array_value_out_of_range"


def _nested(depth: int) -> list[Any]:
    tree: list[Any] = []
    for _ in range(depth):
        tree = [tree]
    return tree
