"""What a document format must refuse."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from runtime_core.testing.echo import Echo
from runtime_core.testing.faulty_documents import (
    BOMBS,
    OVERFLOWS,
    SHORTER_SHAPES,
    WRONG_BUFFERS,
    WRONG_DATA,
    WRONG_DTYPES,
    WRONG_SHAPES,
)
from runtime_core.testing.format_suite import UNCHECKED, FormatSuite
from runtime_core.testing.memory import SLACK, traced_peak
from runtime_core.testing.mutations import (
    EDITS,
    EXCHANGES,
    Edit,
    Exchange,
    edited,
    survive_edits,
    survive_exchanges,
)
from runtime_core.testing.samples import counted
from runtime_core.testing.trials import trials


class Refusals(FormatSuite):
    """Tests that what is damaged is refused, clearly and in little memory."""

    def test_bombs_take_no_memory(self, echo: Echo, tmp_path: Path) -> None:
        """Small documents that unfold to something large are refused before they do."""
        bombs = [echo.document({"inputs": inputs}) for inputs in BOMBS.values()]
        outcomes = dict(zip(BOMBS, trials(echo, bombs, tmp_path), strict=True))
        assert [f"{name}: {o}" for name, o in outcomes.items() if not o.refused] == []
        assert [f"{name}: {o}" for name, o in outcomes.items() if o.grown > SLACK] == []

    def test_truncated_documents_are_refused(self, echo: Echo) -> None:
        """The beginning of a document is refused, unless what is missing says nothing."""
        document = echo.write({"float64": counted("float64", (4,)), "text": "text"})
        whole = echo.read(document).model_dump_json()
        for length in range(len(document)):
            inputs = echo.survive(document[:length])
            assert inputs is None or inputs.model_dump_json() == whole

    @pytest.mark.parametrize("tail", [b"\x00", b"}", b"{}", b"\xc0", b"x"], ids=repr)
    def test_trailing_bytes_are_refused(self, echo: Echo, tail: bytes) -> None:
        """A document is a whole body; what follows it is an error."""
        echo.refusal(echo.write({"number": 1.0}) + tail)

    @pytest.mark.parametrize("length", [0, 1, 2, 8, 100, 10_000])
    def test_noise_is_refused(self, echo: Echo, length: int) -> None:
        """Bytes that are no document at all are refused."""
        for seed in range(20):
            echo.refusal(np.random.default_rng(seed).bytes(length))

    def test_deep_nesting_is_refused(self, echo: Echo) -> None:
        """Lists inside of lists are read to a depth of 100 and refused beyond 200."""
        assert echo.read(echo.document({"inputs": {"anything": _nested(100)}})).anything
        echo.refusal(echo.document({"inputs": {"anything": _nested(220)}}))

    @pytest.mark.parametrize("name", WRONG_SHAPES)
    def test_wrong_shapes_are_refused(self, echo: Echo, name: str) -> None:
        """A shape that is no shape, or is none of the buffer, is refused."""
        self._refuse_leaf(echo, lambda leaf: leaf.update(shape=WRONG_SHAPES[name]))

    @pytest.mark.parametrize("name", SHORTER_SHAPES)
    def test_shorter_shapes_are_refused(self, echo: Echo, name: str) -> None:
        """A shape of fewer numbers than there are is refused, if the buffer tells how many."""
        document = self._changed_leaf(echo, lambda leaf: leaf.update(shape=SHORTER_SHAPES[name]))
        inputs = echo.survive(document)
        assert inputs is None or not self.buffers_have_ends

    @pytest.mark.parametrize("name", WRONG_DTYPES)
    def test_wrong_dtypes_are_refused(self, echo: Echo, name: str) -> None:
        """A data type that is none, or does not fit the field or the buffer, is refused."""
        self._refuse_leaf(echo, lambda leaf: leaf.update(dtype=WRONG_DTYPES[name]))

    @pytest.mark.parametrize("dtype", OVERFLOWS)
    def test_numbers_out_of_range_are_refused(self, echo: Echo, dtype: str) -> None:
        """A number that does not fit into the data type of its field is refused, and shown."""
        wider, number = OVERFLOWS[dtype]
        for others in ([], [1], [1, 0, 1]):
            document = echo.write({wider: np.array([*others, number], wider)})
            fault = echo.refusal(
                echo.changed(document, lambda inputs: _rename(inputs, wider, dtype))
            )
            assert fault.details[0]["type"] == "array_value_out_of_range"

    @pytest.mark.parametrize("number", [complex(1e300, np.nan), complex(-np.inf, 1e300)], ids=str)
    def test_complex_numbers_half_out_of_range_are_refused(
        self, echo: Echo, number: complex
    ) -> None:
        """One part of a complex number may be out of range while the other has no range."""
        document = echo.write({"complex128": np.array([1, number])})
        document = echo.changed(document, lambda i: _rename(i, "complex128", "complex64"))
        assert echo.refusal(document).details[0]["type"] == "array_value_out_of_range"

    @pytest.mark.parametrize("name", WRONG_DATA)
    def test_wrong_data_is_refused(self, echo: Echo, name: str) -> None:
        """Data that lack a key, have another or name what is unknown are refused."""
        self._refuse_leaf(echo, lambda leaf: leaf.update(data=WRONG_DATA[name]))

    @pytest.mark.parametrize("name", WRONG_BUFFERS)
    def test_wrong_buffers_are_refused(self, echo: Echo, name: str) -> None:
        """A buffer that is nothing of what the encoding writes is refused."""
        self._refuse_leaf(echo, lambda leaf: leaf["data"].update(buffer=WRONG_BUFFERS[name]))

    @pytest.mark.parametrize("key", ["shape", "dtype", "data"])
    def test_incomplete_arrays_are_refused(self, echo: Echo, key: str) -> None:
        """An array lacks none of its keys."""
        self._refuse_leaf(echo, lambda leaf: leaf.pop(key))

    def test_unknown_keys_are_refused(self, echo: Echo) -> None:
        """An array has no further keys, and the error is short whatever their length."""
        self._refuse_leaf(echo, lambda leaf: leaf.update({"k" * 100_000: 1}))
        self._refuse_leaf(echo, lambda leaf: leaf["data"].update({"k" * 100_000: 1}))

    def test_wrong_object_types_are_refused(self, echo: Echo) -> None:
        """An array says that it is one, or nothing."""
        self._refuse_leaf(echo, lambda leaf: leaf.update(object_type="tensor"))

    def _refuse_leaf(self, echo: Echo, change: Callable[[Any], Any]) -> None:
        echo.refusal(self._changed_leaf(echo, change))

    def _changed_leaf(self, echo: Echo, change: Callable[[Any], Any]) -> bytes:
        document = echo.write({"float64": counted("float64", (4,))})
        return echo.changed(document, lambda inputs: change(inputs["float64"]))

    @given(edits=EDITS)
    @settings(max_examples=100, deadline=None, suppress_health_check=UNCHECKED)
    def test_mutated_documents_have_a_value_or_a_clear_error(
        self, echo: Echo, originals: list[bytes], edits: list[Edit]
    ) -> None:
        """However a document is damaged, the answer is inputs or one clear sentence."""
        for document in originals:
            echo.survive(edited(document, edits))

    @given(exchange=EXCHANGES)
    @settings(max_examples=200, deadline=None, suppress_health_check=UNCHECKED)
    def test_values_in_wrong_places_have_a_clear_error(
        self, echo: Echo, originals: list[bytes], exchange: Exchange
    ) -> None:
        """Whatever stands in any place of a document, the answer is the same."""
        for document in originals:
            echo.survive(echo.document(exchange.of(echo.tree(document))))

    @pytest.mark.parametrize("survive", [survive_edits, survive_exchanges])
    def test_mutated_documents_take_no_memory(
        self, echo: Echo, originals: list[bytes], survive: Callable[..., int]
    ) -> None:
        """However small documents are damaged, none takes more than the slack."""
        damage = partial(survive, echo, originals, count=self.mutations)
        assert traced_peak(damage) < SLACK


def _rename(inputs: dict[str, Any], name: str, other: str) -> None:
    inputs[other] = inputs.pop(name)


def _nested(depth: int) -> list[Any]:
    """Return lists inside of each other."""
    tree: list[Any] = []
    for _ in range(depth):
        tree = [tree]
    return tree
