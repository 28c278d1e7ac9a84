"""Tracebacks as their author sees them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from runtime_core import Runtime
from runtime_core.errors import listed
from runtime_core.tesseract.tracebacks import author_lines, author_place, author_trace


def error_of(function: Callable[[], object]) -> Exception:
    """Return the exception of a function."""
    try:
        function()
    except Exception as error:
        return error
    raise AssertionError("nothing was raised")


def test_trace_is_that_of_python() -> None:
    """The trace of plain code has header, frames and message as Python prints them."""
    trace = author_trace(error_of([].pop))
    lines = trace.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[-1] == "IndexError: pop from empty list"
    assert __file__ in trace


def test_frames_of_the_runtime_are_left_out() -> None:
    """Where user code calls the runtime, only user code is shown."""
    error = error_of(lambda: listed(3))  # type: ignore[arg-type]  # it shall fail
    assert "runtime_core/errors.py" not in author_trace(error)
    assert __file__ in author_lines(error)


def test_cause_is_shown() -> None:
    """An exception that was raised from another is shown with that one."""

    def fail() -> None:
        try:
            raise KeyError("tolerance")
        except KeyError as error:
            raise ValueError("too stiff") from error

    trace = author_trace(error_of(fail))
    assert "KeyError: 'tolerance'" in trace
    assert "direct cause" in trace
    assert trace.endswith("ValueError: too stiff")


def test_place_is_that_of_the_deepest_frame_of_the_author(tmp_path: Path) -> None:
    """Frames of the runtime, of Python and of packages are not the author's."""

    def fail() -> object:
        return json.loads("{")

    line = fail.__code__.co_firstlineno + 1
    error = error_of(fail)
    assert author_place(error) == f"{__file__}:{line} in fail"
    assert author_place(error, within=Path(__file__).parent) == (
        f"test_tracebacks.py:{line} in fail"
    )
    assert author_place(error, within=tmp_path) == ""
    assert author_place(error_of(lambda: np.linalg.inv(np.zeros((2, 2))))).endswith("in <lambda>")
    assert author_place(error_of(lambda: listed(3))).endswith("in <lambda>")  # type: ignore[arg-type]  # it shall fail
    assert author_place(ValueError("never raised")) == ""


def test_syntax_error_is_shown_with_its_place() -> None:
    """A syntax error has no frame; its text has the file and line."""
    lines = author_lines(error_of(lambda: compile("x = (\n", "model.py", "exec")))
    assert 'File "model.py", line 1' in lines
    assert "SyntaxError" in lines


def test_error_without_frames_has_no_lines() -> None:
    """An error that was never raised has nothing to show but itself."""
    assert author_lines(ValueError("x")) == ""
    assert author_trace(ValueError("x")).endswith("ValueError: x")


def test_frames_of_a_call_are_those_of_the_author(
    runtime: Callable[..., Runtime], tesseract: Callable[..., Path]
) -> None:
    """A failure in a sibling of the file is shown from `apply` on."""
    source = """
        from pydantic import BaseModel
        import stiff_sibling

        class InputSchema(BaseModel):
            pass

        class OutputSchema(BaseModel):
            pass

        def apply(inputs):
            return stiff_sibling.solve()
    """
    tesseract(source, stiff_sibling="def solve():\n    return 1 / 0\n")
    made = runtime(source)
    error = error_of(lambda: made.call("apply", {"inputs": {}}))
    frames = [line for line in author_lines(error).splitlines() if line.startswith("  File")]
    assert "in apply" in frames[-2]
    assert "in solve" in frames[-1]
    assert not [frame for frame in frames if "runtime_core/" in frame]
