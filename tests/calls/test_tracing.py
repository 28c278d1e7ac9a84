"""The outlines of values in the trace of a call."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import BaseModel, RootModel

from runtime_core import ShapeDType
from runtime_core.calls.tracing import Trace, outline


class Inputs(BaseModel, extra="allow", arbitrary_types_allowed=True):
    """Values of all kinds."""

    x: Any
    name: str = "fit"


class Opaque:
    """A class whose text fails."""

    def __repr__(self) -> str:
        raise ValueError("no text")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.array([[1, 2], [3, 4]]), "int64[2, 2] from 1 to 4"),
        (np.array([1.5, np.nan]), "float64[2] from nan to nan"),
        (np.array([1 + 2j]), "complex128[1]"),
        (np.zeros((0, 3), np.float32), "float32[0, 3]"),
        (np.float32(0.5), "0.5"),
        (ShapeDType(shape=(2, 3), dtype="float32"), "{shape: [2, 3], dtype: 'float32'}"),
        ([1, 2.5, None, True], "[1, 2.5, None, True]"),
        (list(range(20)), "[0, 1, 2, 3, 4, 5, 6, 7, ... 20 items]"),
        ("x" * 100, repr("x" * 80 + "... (100 characters)")),
        (Inputs(x=np.ones(1), more=1), "{x: float64[1] from 1.0 to 1.0, name: 'fit', more: 1}"),
        (RootModel[list[int]]([1]), "[1]"),
        (Opaque(), "'Opaque object'"),
        ({}, "{}"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_outline(value: object, text: str) -> None:
    """A value is one short line, without the elements of its arrays."""
    assert outline(value) == text


def test_outline_has_a_limit() -> None:
    """A payload of any depth and width is one line of a log."""
    assert len(outline([[["x" * 70] * 8] * 8] * 8)) < 2_100


def test_unwanted_trace_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is written, or looked at, unless the trace is wanted."""
    silent = Trace(wanted=False)
    silent.begin("decode")
    silent.show(endpoint="apply", payload=Opaque())
    silent.begin()
    assert capsys.readouterr() == ("", "")
    Trace(wanted=True).show(endpoint="apply", payload={"inputs": {"n": 1}})
    expected = "[trace] endpoint: 'apply'\n[trace] payload: {inputs: {n: 1}}\n"
    assert capsys.readouterr().err == expected
