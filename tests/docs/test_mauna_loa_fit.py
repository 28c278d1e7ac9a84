"""The example of Mauna Loa is differentiable and can be fitted, though it has only `apply`."""

from __future__ import annotations

import csv
import json
import operator
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.conftest import REPOSITORY
from tests.patience import SECONDS
from tests.server.conftest import Served, serving

EXAMPLE = REPOSITORY / "docs" / "examples" / "mauna_loa"

RMSE_OF_LEAST_SQUARES = 0.755
"""The error of the best two harmonics in README.md, in ppm."""

Vector = NDArray[np.float64]


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """Return a server of the example with gradients of whichever backend there is."""
    with serving(EXAMPLE / "tesseract_api.py", "--gradient-backend", "auto") as server:
        yield server


@pytest.fixture(scope="module")
def fitted(served: Served) -> str:
    """Return the output of `fit.py`."""
    fit = subprocess.run(
        [sys.executable, str(EXAMPLE / "fit.py"), f"http://127.0.0.1:{served.port}"],
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert fit.returncode == 0, fit.stderr
    return fit.stdout


def test_fit_over_http_reaches_least_squares_from_poor_start(fitted: str) -> None:
    """SciPy's `least_squares`, given residuals and Jacobian by HTTP, finds the known optimum."""
    start, end = map(float, re.findall(r"rmse: ([\d.]+) ppm", fitted))
    assert start > 10 * end
    assert end == RMSE_OF_LEAST_SQUARES


def test_fit_ends_at_solution_of_normal_equations(fitted: str) -> None:
    """The parameters are those that linear algebra finds in the record, to five decimals."""
    elapsed, co2 = record()
    solution, *_ = np.linalg.lstsq(powers_and_waves(elapsed, 2), co2)
    values = [float(number) for number in re.findall(r"-?\d+\.\d+", fitted.partition("trend")[2])]
    np.testing.assert_allclose(values, solution, atol=1.1e-5)


def amounts(largest: float) -> st.SearchStrategy[float]:
    """Return a strategy of 0 and amounts of either sign.

    Not of amounts near 0: steps are shares of them, and would drown in the CO2 of 340 ppm.
    """
    some = st.floats(largest / 100, largest)
    return st.just(0.0) | some | some.map(operator.neg)


@settings(deadline=None, max_examples=10)
@given(
    trend=st.tuples(amounts(400), amounts(3), amounts(0.3)),
    harmonics=st.lists(st.tuples(amounts(5), amounts(5)), min_size=1, max_size=3),
)
def test_served_jacobian_is_that_of_the_formulas(
    served: Served, trend: tuple[float, ...], harmonics: list[tuple[float, float]]
) -> None:
    """Powers of time and waves are the columns; residuals fall as these rise, rmse by the chain."""
    inputs = {"trend": trend, "harmonics": np.reshape(harmonics, (-1, 2)).tolist()}
    elapsed, co2 = record()
    columns = powers_and_waves(elapsed, len(harmonics))
    residuals = co2 - columns @ np.array([*trend, *np.ravel(harmonics)])
    rmse = np.sqrt(np.mean(residuals**2))
    expected = {
        "modelled": columns,
        "residuals": -columns,
        "rmse": -residuals @ columns / (residuals.size * rmse),
    }
    for output, found in jacobian(served, inputs, expected).items():
        np.testing.assert_allclose(found, expected[output], rtol=1e-6, atol=1e-5)


def record() -> tuple[Vector, Vector]:
    """Return years since 1980.0 at the middle of each month, and the CO2 in ppm."""
    with (EXAMPLE / "co2.csv").open(newline="") as lines:
        rows = [[float(cell) for cell in row] for row in list(csv.reader(lines))[1:]]
    year, month, co2 = np.transpose(rows)
    return year - 1980 + (month - 0.5) / 12, co2


def powers_and_waves(elapsed: Vector, harmonics: int) -> Vector:
    """Return the design matrix of the model, shape (months, 3 + 2 harmonics)."""
    turns = [2 * np.pi * n * elapsed for n in range(1, harmonics + 1)]
    waves = [wave(turn) for turn in turns for wave in (np.cos, np.sin)]
    return np.stack([elapsed**0, elapsed, elapsed**2, *waves], axis=-1)


def jacobian(served: Served, inputs: Any, outputs: Any) -> dict[str, Vector]:
    """Return the Jacobian of each output by all parameters, in one row of columns."""
    payload = {"inputs": inputs, "jac_inputs": list(inputs), "jac_outputs": list(outputs)}
    answer = served.request("POST", "/jacobian", json.dumps(payload))
    assert answer.status == 200, answer.body
    return {
        output: np.concatenate([flat(blocks["trend"], 1), flat(blocks["harmonics"], 2)], axis=-1)
        for output, blocks in answer.json().items()
    }


def flat(document: Any, axes: int) -> Vector:
    """Return an array of which the axes of the input, the last ones, are one."""
    array = np.array(document["data"]["buffer"], np.float64).reshape(document["shape"])
    return array.reshape(*array.shape[: array.ndim - axes], -1)
