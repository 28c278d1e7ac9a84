"""The facts of the current call, and its metadata."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from runtime_core import Call, Runtime, Wire, current_call
from runtime_core.calls import checked_metadata
from runtime_core.errors import InvalidOption
from runtime_core.executors.wire_data import call_data, read_call

SQUARE = """
from pydantic import BaseModel
from runtime_core import Array, Differentiable, Float64, current_call

SEEN = []

class InputSchema(BaseModel):
    x: Differentiable[Array[(None,), Float64]]

class OutputSchema(BaseModel):
    y: Differentiable[Array[(None,), Float64]]

def apply(inputs):
    call = current_call()
    SEEN.append((call.endpoint, call.run_id, call.parent_run_id, call.caller, dict(call.metadata)))
    return OutputSchema(y=inputs.x**2)
"""

JACOBIAN = b'{"inputs": {"x": [1.0]}, "jac_inputs": ["x"], "jac_outputs": ["y"]}'


def jacobian(**facts: Any) -> Call:
    """Return a call with metadata."""
    return Call(
        endpoint="jacobian",
        run_id="r",
        parent_run_id="p",
        body=JACOBIAN,
        body_format="json",
        output=Wire(format="json"),
        metadata={"x-request-id": "7"},
        **facts,
    )


def test_evaluations_see_the_call_that_needs_them(runtime: Callable[..., Runtime]) -> None:
    """In an evaluation for differences the current call is that of the gradient."""
    tesseract = runtime(SQUARE, gradient_backend="finite-differences")
    assert tesseract.invoke(jacobian(caller="ann")).fault is None
    expected = ("jacobian", "r", "p", "ann", {"x-request-id": "7"})
    seen = tesseract.api.module.SEEN
    assert len(seen) > 1
    assert set(map(repr, seen)) == {repr(expected)}


def test_current_call_in_python(runtime: Callable[..., Runtime]) -> None:
    """A call without a document has an id and no metadata, and outside of calls there is none."""
    tesseract = runtime(SQUARE)
    tesseract.call("apply", {"inputs": {"x": [1.0]}})
    [(endpoint, run_id, *facts)] = tesseract.api.module.SEEN
    assert (endpoint, facts) == ("apply", [None, None, {}])
    assert run_id
    with pytest.raises(RuntimeError, match="current_call was called outside of a run"):
        current_call()


def test_metadata_go_to_executors() -> None:
    """A call for another process has its metadata."""
    call = jacobian()
    assert read_call(call_data(call), JACOBIAN) == call


@pytest.mark.parametrize(
    ("metadata", "problem"),
    [
        ({"Host": "a"}, "'host' cannot be metadata of a call: expected the name of a header field"),
        ({"a b": "a"}, "'a b' cannot be metadata of a call"),
        ({"X-A": "a\nHost: b"}, r"The metadata 'x-a' must be printable ASCII text"),
        ({"X-A": 7}, "The metadata 'x-a' must be printable ASCII text, not 7."),
    ],
)
def test_wrong_metadata_of_a_client_are_refused(metadata: Any, problem: str) -> None:
    """Names and values must be able to stand in a header."""
    with pytest.raises(InvalidOption, match=problem):
        checked_metadata(metadata)
