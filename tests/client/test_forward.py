"""The forward solve once: `apply` and then its gradient, behind every kind of client."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from tesseract_runtime_client import Tesseract
from tesseract_runtime_client.forward_handles import ForwardHandles
from tests.calls.test_forward import SOLVER
from tests.client.conftest import written
from tests.server.conftest import serving

COUNTED = (
    SOLVER
    + """
import os
from pathlib import Path

def apply(inputs, solve=apply):
    with open(Path(__file__).with_name("solved"), "a") as file:
        file.write(".")
    return solve(inputs)
"""
)
"""`SOLVER`, which counts the calls of `apply` in all processes."""


def once(source: Path, open_client: Callable[[], Tesseract]) -> None:
    """Check that `apply` and two gradients take one forward solve."""
    counter = source.with_name("solved")
    counter.unlink(missing_ok=True)
    x = np.array([1.0, 3.0])
    with open_client() as client:
        client.apply({"x": x})
        for _ in range(2):
            product = client.vector_jacobian_product({"x": x}, ["x"], ["y"], {"y": np.ones(2)})
            np.testing.assert_array_equal(product["x"], 2 * x)
    assert counter.read_text() == "."


def test_forward_solve_is_computed_once(tmp_path: Path) -> None:
    """In this process, in a worker, and by a server of two workers, whose log says so."""
    source = written(tmp_path, COUNTED)
    once(source, lambda: Tesseract.from_api(source, output_path=tmp_path))
    once(source, lambda: Tesseract.from_worker(source, output_path=tmp_path))
    with serving(source, options=["--num-workers", "2"]) as served:
        once(source, lambda: Tesseract.from_url(f"http://127.0.0.1:{served.port}"))
        answer = served.apply({"x": [5.0]})
        assert len(answer.headers["tesseract-forward"]) == 32
        assert 'forward;desc="kept"' in answer.headers["server-timing"]
        served.log.wait_for(r"POST /vector_jacobian_product 200 .*forward=hit")


def test_handles_are_found_by_equal_inputs() -> None:
    """Other inputs have none, and only those of the last calls are remembered."""
    handles = ForwardHandles()
    points = [{"x": np.array([float(number)])} for number in range(20)]
    for number, point in enumerate(points):
        handles.note(point, str(number))
    assert handles.find({"x": np.array([19.0])}) == "19"
    assert handles.find({"x": np.array([19])}) is None
    assert [handles.find(point) for point in points].count(None) == 4
