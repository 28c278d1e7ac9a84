"""Evaluations that finish in any order give the same bits."""

from __future__ import annotations

import random
import time
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from runtime_core.contracts import Evaluations
from runtime_core.errors import GradientFailed
from runtime_core.gradients import SerialEvaluations
from tesseract_runtime_finite_differences import dispatch
from tesseract_runtime_finite_differences.scheme import Scheme
from tests.finite_differences.conftest import ALGORITHMS, GRADIENTS, AnyArray, leaves

INPUTS = {
    "x": np.linspace(-1, 1, 20).reshape(4, 5),
    "z": np.array([0.1, 3.0, 1e4], np.float32),
    "s": np.float64(2.0),
}

every_gradient = pytest.mark.parametrize("name", GRADIENTS)


def apply(inputs: Any) -> Any:
    """Return outputs that depend on everything."""
    x, z, s = inputs["x"], inputs["z"], inputs["s"]
    return {"y": np.sin(x) * s + z.sum(), "w": (np.exp(x).sum() * z).astype(np.float32)}


class Threads:
    """Evaluates in threads, which finish in any order."""

    concurrency = 8

    def __init__(self, pool: ThreadPoolExecutor, seed: int) -> None:
        self._pool = pool
        self._serial = SerialEvaluations(apply, INPUTS)
        self._random = random.Random(seed)
        self.done: list[int] = []
        self.submitted = 0

    def submit(
        self, changes: Mapping[str, AnyArray], outputs: Collection[str]
    ) -> Future[Mapping[str, AnyArray]]:
        """Evaluate after a delay."""
        number, seconds = self.submitted, self._random.uniform(0, 2e-3)
        self.submitted += 1

        def evaluate() -> Mapping[str, AnyArray]:
            time.sleep(seconds)  # the order is to be any
            values = self._serial.submit(changes, outputs).result()
            self.done.append(number)
            return values

        return self._pool.submit(evaluate)


@contextmanager
def threads(seed: int) -> Iterator[Threads]:
    """Evaluate in eight threads."""
    with ThreadPoolExecutor(8) as pool:
        yield Threads(pool, seed)


def compute(name: str, evaluations: Evaluations, scheme: Scheme) -> Any:
    """Return a gradient of all outputs by all inputs."""
    vectors = apply(INPUTS)
    if name == "jacobian":
        return dispatch.jacobian(evaluations, INPUTS, INPUTS, vectors, scheme)
    if name == "jvp":
        return dispatch.jacobian_vector_product(
            evaluations, INPUTS, INPUTS, vectors, INPUTS, scheme
        )
    return dispatch.vector_jacobian_product(evaluations, INPUTS, INPUTS, vectors, vectors, scheme)


@every_gradient
@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("seed", range(3))
def test_the_result_does_not_depend_on_the_order(name: str, algorithm: Any, seed: int) -> None:
    """Threads give the same bits as serial evaluations."""
    scheme = Scheme(algorithm=algorithm, eps="auto", seed=7)
    expected = compute(name, SerialEvaluations(apply, INPUTS), scheme)
    with threads(seed) as evaluations:
        found = compute(name, evaluations, scheme)
    assert [a.tobytes() for a in leaves(found)] == [a.tobytes() for a in leaves(expected)]
    if name != "jvp":
        assert evaluations.done != sorted(evaluations.done)


def test_no_more_is_submitted_than_is_worth_it() -> None:
    """At most as many evaluations are pending as the evaluations say."""
    pending = most = 0

    class Counted(SerialEvaluations[Any]):
        concurrency = 3

        def submit(self, *arguments: Any) -> Any:
            nonlocal pending, most
            pending += 1
            most = max(most, pending)
            future = super().submit(*arguments)
            result = future.result

            def read(timeout: float | None = None) -> Any:
                nonlocal pending
                pending -= 1
                return result(timeout)

            future.result = read  # type: ignore[method-assign]  # counting who is waited for
            return future

    compute("jacobian", Counted(apply, INPUTS), Scheme())
    assert (pending, most) == (0, 3)


def test_the_first_failure_in_order_is_told() -> None:
    """Of several failures the first in order is reported, whichever happened first."""

    class Failing(Threads):
        def submit(self, changes: Mapping[str, AnyArray], outputs: Collection[str]) -> Any:
            number = self.submitted
            self.submitted += 1

            def fail() -> Any:
                time.sleep(0.02 if number == 0 else 0)  # the first one is the slowest
                raise ValueError(f"evaluation {number}")

            return self._pool.submit(fail)

    with ThreadPoolExecutor(8) as pool, pytest.raises(GradientFailed, match="evaluation 0"):
        compute("jacobian", Failing(pool, 0), Scheme())
