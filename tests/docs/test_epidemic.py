"""The example of an epidemic solves its equations, and its estimate of Sobol indices is right."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.stats import qmc

from runtime_core import Runtime
from tests.conftest import REPOSITORY
from tests.scripts import module_of

EXAMPLE = REPOSITORY / "docs" / "examples" / "epidemic"


@pytest.fixture(scope="module")
def runtime() -> Runtime:
    """Return the example."""
    return Runtime.from_file(EXAMPLE / "tesseract_api.py")


def computed(runtime: Runtime, **inputs: Any) -> Any:
    """Return the outputs of the example."""
    return runtime.call("apply", {"inputs": inputs}).root  # type: ignore[attr-defined]  # a RootModel


@pytest.mark.parametrize(("beta", "gamma", "immune"), [(0.4, 0.1, 0.0), (0.3, 0.2, 0.1)])
def test_an_epidemic_has_its_known_size_and_peak(
    runtime: Runtime, beta: float, gamma: float, immune: float
) -> None:
    """Those that follow from the invariant S + I - log(S) gamma / beta."""
    infected = 1e-3
    found = computed(
        runtime,
        contact_rate=beta,
        recovery_rate=gamma,
        infected=infected,
        immune=immune,
        days=2000,
    )
    start, ratio = 1 - immune - infected, gamma / beta
    total = 1 - immune
    end = brentq(lambda s: s - total - np.log(s / start) * ratio, 1e-12, min(start, ratio))
    assert found.total == pytest.approx(total - end, abs=1e-6)
    peak = total - ratio + ratio * np.log(ratio / start)
    assert found.peak == pytest.approx(peak, abs=1e-6)

    def day(s: float) -> float:
        return float(1 / (beta * s * (total - s + ratio * np.log(s / start))))

    assert found.peak_day == pytest.approx(quad(day, ratio, start)[0], rel=1e-4)


def test_an_epidemic_that_only_falls_peaks_on_day_0(runtime: Runtime) -> None:
    """With fewer infections than recoveries the first day is the worst."""
    found = computed(runtime, contact_rate=0.1, recovery_rate=0.2, infected=0.01)
    assert (found.peak, found.peak_day) == (0.01, 0.0)


def test_indices_of_a_known_function_are_right() -> None:
    """The function of Ishigami, whose first-order indices are 0.314, 0.442 and 0."""
    pytest.importorskip("pandas")
    module = module_of(EXAMPLE / "sensitivity.py")
    x = np.pi * (2 * qmc.LatinHypercube(3, rng=1).random(4096) - 1)
    y = np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])
    found = [module.first_order(x[:, i], y) for i in range(3)]
    assert found == pytest.approx([0.314, 0.442, 0.0], abs=0.03)
