"""Gradients whose evaluations are in processes of the workers of a server."""

from __future__ import annotations

import json
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np

from tests.server.conftest import Answer, Serve, Served, wait_until_gone

SINES = """
import time
import numpy as np
from pydantic import BaseModel
from runtime_core import Array, Differentiable, Float64

class InputSchema(BaseModel):
    x: Differentiable[Array[(None,), Float64]]

class OutputSchema(BaseModel):
    y: Differentiable[Array[(None,), Float64]]

def apply(inputs):
    time.sleep(0.005)
    return OutputSchema(y=np.sin(inputs.x))
"""


def jacobian(served: Served, first: float) -> Answer:
    """Ask for a Jacobian at a point."""
    payload = {"inputs": {"x": [first, 1.0]}, "jac_inputs": ["x"], "jac_outputs": ["y"]}
    return served.request("POST", "/jacobian", json.dumps(payload).encode())


def test_workers_have_processes_of_their_own(serve: Serve) -> None:
    """Many clients get their Jacobians, health stays quick, and no process is left."""
    options = ("--executor", "processes:2", "--gradient-backend", "finite-differences")
    served = serve(SINES, *options, options=("-w", "2"))
    served.log.wait_for("in each of 2 workers: up to 6 processes of this machine load the Tess")
    points = [n / 10 for n in range(40)]
    with ThreadPoolExecutor(8) as clients:
        answers: list[Future[Answer]] = [clients.submit(jacobian, served, x) for x in points]
        seconds = []
        while not all(answer.done() for answer in answers):
            start = time.perf_counter()
            assert served.get("/health").status == 200
            seconds.append(time.perf_counter() - start)
            time.sleep(0.05)
    for x, answer in zip(points, answers, strict=True):
        block: Any = answer.result().json()["y"]["x"]["data"]["buffer"]
        np.testing.assert_allclose(block, np.diag(np.cos([x, 1.0])), atol=1e-6)
    processes = [each for worker in served.workers() for each in worker.children(recursive=True)]
    assert len(processes) == 4
    assert np.median(seconds) < 1  # below 20 ms on a quiet machine
    assert served.end() == 0
    wait_until_gone(processes)
