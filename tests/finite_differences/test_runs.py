"""Logs of apply during the evaluations of a gradient belong to no run."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from runtime_core.calls import scope
from tests.builtin.conftest import GRADIENTS, HEADER, JACOBIAN, Make, answer, ask, seen
from tests.finite_differences.conftest import GRADIENTS as FUNCTIONS
from tests.finite_differences.conftest import gradient, identity

WATCHED = (
    HEADER
    + """
from runtime_core.calls import scope
from tesseract_core.runtime.experimental import finite_difference_jacobian

class InputSchema(BaseModel):
    x: Differentiable[Array[(None,), Float64]]

class OutputSchema(BaseModel):
    y: Differentiable[Array[(None,), Float64]]

def apply(inputs):
    SEEN.append(scope.current().run)
    return {"y": inputs.x}
"""
)
"""A Tesseract that records its current run."""

OWN = """
def jacobian(inputs, jac_inputs, jac_outputs):
    SEEN.append(scope.current().run)
    found = finite_difference_jacobian(apply, inputs, jac_inputs, jac_outputs)
    SEEN.append(scope.current().run)
    return found
"""


def test_a_call_of_apply_is_kept(runtime: Make) -> None:
    """The run of a call is the run of its apply."""
    made = runtime(WATCHED)
    answer(made, "apply", {"inputs": {"x": [1.0]}})
    assert [(run.id, run.kept) for run in seen(made)] == [("descent-3", True)]


@pytest.mark.parametrize("endpoint", GRADIENTS)
@pytest.mark.parametrize("algorithm", ["central", "forward", "stochastic"])
def test_evaluations_of_the_backend_are_not_kept(
    endpoint: str, algorithm: str, runtime: Make
) -> None:
    """Every evaluation has a run whose logs are dropped."""
    made = runtime(
        WATCHED,
        gradient_backend="finite-differences",
        finite_differences_algorithm=algorithm,
    )
    answer(made, endpoint, ask(endpoint, {"x": [1.0]}))
    assert {run.kept for run in seen(made)[-2:]} == {False}


def test_evaluations_inside_of_an_authors_jacobian_are_not_kept(runtime: Make) -> None:
    """The author's own function belongs to the run, before and after."""
    made = runtime(WATCHED + OWN)
    answer(made, JACOBIAN, ask(JACOBIAN, {"x": [1.0]}))
    assert [run.kept for run in seen(made)] == [True, False, False, True]
    assert seen(made)[0] == seen(made)[-1]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_evaluations_of_plain_code_are_not_kept(name: str) -> None:
    """Without a runtime there is a run during evaluations only."""
    kept = []

    def apply(inputs: Any) -> Any:
        run = scope.current().run
        kept.append(None if run is None else run.kept)
        return identity(inputs)

    gradient(name, apply, np.ones(1))
    assert kept == [False, False]
    assert scope.current().run is None


def test_a_failed_evaluation_leaves_the_run_as_it_was() -> None:
    """The outer run is restored after an exception."""
    with pytest.raises(Exception, match="apply failed"):
        gradient("jacobian", lambda inputs: 1 / 0, np.ones(1))
    assert scope.current().run is None
