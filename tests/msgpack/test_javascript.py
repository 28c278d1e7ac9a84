"""Documents of and for JavaScript, recorded with `@msgpack/msgpack` by `golden/record.mjs`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runtime_core.testing import Echo

GOLDEN = Path(__file__).with_name("golden")

RESULT = {
    "float32": np.array([[1.5, -0.0], [np.nan, -np.inf]], "float32"),
    "float64": np.array([0.1, 1e308, 5e-324]),
    "int8": np.array([-128, 127], "int8"),
    "int64": np.array([-(2**63), 2**63 - 1]),
    "uint64": np.uint64(2**64 - 1),
    "many": [np.arange(3.0), np.zeros((2, 0))],
    "named": {"a.b": {"values": [1.0], "note": "\N{GREEK SMALL LETTER ALPHA}"}},
    "text": "a \N{GRINNING FACE}",
    "number": -1.5,
    "whole": 2**32,
}
"""What the runtime has written for JavaScript."""


def from_javascript(name: str) -> bytes:
    """Return a document written by JavaScript."""
    return (GOLDEN / f"javascript_{name}.msgpack").read_bytes()


def test_typed_arrays_are_read(echo: Echo) -> None:
    """The memory of typed arrays in `bin` is read as arrays."""
    inputs = echo.read(from_javascript("arrays"))
    assert inputs.float32.tobytes() == np.array([[1.5, -0.0], [np.nan, -np.inf]], "f4").tobytes()
    assert inputs.float64.tolist() == [0.1, 1e308, 5e-324]
    assert inputs.int8.tolist() == [-128, 127]
    assert inputs.int64.tolist() == [-(2**63), 2**63 - 1]
    assert inputs.uint64 == 2**64 - 1
    assert [array.shape for array in inputs.many] == [(0,)]


def test_large_arrays_are_read(echo: Echo) -> None:
    """An array whose length needs a longer header is read."""
    assert np.array_equal(echo.read(from_javascript("large")).float64, np.arange(10_000) / 7)


def test_plain_values_are_read(echo: Echo) -> None:
    """Numbers (integers if possible), strings and lists are read."""
    inputs = echo.read(from_javascript("plain"))
    assert (inputs.number, inputs.whole) == (3.0, -4294967297)
    assert inputs.text == "a \N{GREEK SMALL LETTER ALPHA} \N{GRINNING FACE}"
    assert inputs.float64.tolist() == [1.0, 2.5, -300.0, 70000.0]
    assert inputs.anything == {"": [None, True, False, 1.5, -1, 200, 40000, 2**40, "x" * 300]}


def test_nested_lists_are_read(echo: Echo) -> None:
    """Nested lists are read."""
    tree, depth = echo.read(from_javascript("nested")).anything, 0
    while isinstance(tree, list):
        (tree,), depth = tree, depth + 1
    assert (tree, depth) == (1, 90)


def test_undefined_is_null(echo: Echo) -> None:
    """JavaScript writes `undefined` as nil."""
    assert echo.read(from_javascript("undefined")).anything == {"a": None}


def test_dates_are_refused(echo: Echo) -> None:
    """A `Date` is an extension type and is refused."""
    fault = echo.refusal(from_javascript("date"))
    assert fault.message.startswith("The payload is not valid msgpack: the extension type at byte ")


def test_result_is_what_was_recorded(echo: Echo) -> None:
    """The runtime still writes the recorded bytes."""
    assert echo.write(RESULT) == (GOLDEN / "runtime.msgpack").read_bytes()


@pytest.mark.parametrize("name", ["float32", "float64", "int8", "int64", "uint64"])
def test_javascript_reads_arrays(name: str) -> None:
    """Typed arrays over the buffers of a result have its values."""
    read, written = recorded()[name], np.asarray(RESULT[name])
    assert read["shape"] == list(written.shape)
    assert [written.dtype.type(value) for value in read["values"]] == pytest.approx(
        written.ravel().tolist(), abs=0, rel=0, nan_ok=True
    )


def test_javascript_reads_everything_else() -> None:
    """Strings, numbers, lists and maps have the same values in JavaScript."""
    read = recorded()
    assert (read["text"], read["number"], read["whole"]) == ("a \N{GRINNING FACE}", -1.5, 2**32)
    assert read["float16"] is None
    assert read["many"] == [
        {"shape": [3], "values": ["0", "1", "2"]},
        {"shape": [2, 0], "values": []},
    ]
    assert read["named"]["a.b"]["note"] == "\N{GREEK SMALL LETTER ALPHA}"


def recorded() -> Any:
    """Return the result as JavaScript has read it."""
    return json.loads((GOLDEN / "runtime_in_javascript.json").read_text("utf-8"))["inputs"]
