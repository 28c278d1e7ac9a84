"""The example of heat conduction is right, and identifies the conductivity of a plate."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.conftest import REPOSITORY
from tests.patience import SECONDS
from tests.server.conftest import Served, serving

EXAMPLE = REPOSITORY / "docs" / "examples" / "heat_conduction"

NOISE = 0.2
"""The noise of the camera in README.md, in K."""

Field = NDArray[np.float64]


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """Return a server of the unchanged example."""
    with serving(EXAMPLE / "tesseract_api.py") as server:
        yield server


def test_identification_reaches_the_noise_and_the_truth(served: Served) -> None:
    """L-BFGS over HTTP finds 576 conductivities to 4 percent from temperatures to 0.2 K."""
    ended = subprocess.run(
        [sys.executable, str(EXAMPLE / "identify.py"), f"http://127.0.0.1:{served.port}"],
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert ended.returncode == 0, ended.stderr
    (start, ignorance), (misfit, error) = (
        (float(kelvin), float(percent))
        for kelvin, percent in re.findall(r"misfit ([\d.]+) K, .* (\d+)%", ended.stdout)
    )
    assert start > 6 * NOISE
    assert misfit == pytest.approx(NOISE, rel=0.03)
    assert ignorance > 30
    assert error <= 4


def test_temperatures_come_near_those_of_the_equation(served: Served) -> None:
    """A plate with a known solution is computed to second order in the size of its cells."""
    errors = [error_of_known_solution(served, cells) for cells in (8, 16, 32)]
    np.testing.assert_allclose(np.divide(errors[:-1], errors[1:]), 4, rtol=0.05)
    assert errors[-1] < 0.01


def error_of_known_solution(served: Served, cells: int) -> float:
    """Return by how much temperatures of up to 10 K are wrong.

    The conductivity rises with the row x, k = 1 + x, and T is a product of sines; q follows.
    """
    centre = (np.arange(cells) + 0.5) / cells
    x, y = np.meshgrid(np.pi * centre, np.pi * centre, indexing="ij")
    temperature = 10 * np.sin(x) * np.sin(y)
    conductivity = 1 + x / np.pi
    slope = 10 * np.pi * np.cos(x) * np.sin(y)
    heating = 2 * np.pi**2 * conductivity * temperature - slope
    found = temperatures(served, conductivity, heating[np.newaxis], 1 / cells)
    return float(np.max(np.abs(found[0] - temperature)))


def test_heat_in_is_heat_out(served: Served) -> None:
    """In a plate of wild conductivities, all that is heated leaves through the edges."""
    generator = np.random.default_rng(3)
    conductivity = np.exp(generator.normal(size=(6, 9)))
    heating = generator.uniform(0, 1e4, size=(2, 6, 9))
    found = temperatures(served, conductivity, heating, 0.01)
    out = 2 * conductivity * found  # of an outer cell, to each edge that it has
    leaving = sum(out[:, edge].sum(-1) for edge in (0, -1))
    leaving += sum(out[:, :, edge].sum(-1) for edge in (0, -1))
    np.testing.assert_allclose(leaving, heating.sum((1, 2)) * 0.01**2, rtol=1e-8)


def test_gradient_is_the_slope(served: Served) -> None:
    """The pullback of weights is the change of the weighted sum along any direction."""
    generator = np.random.default_rng(5)
    conductivity = np.exp(generator.normal(size=(4, 5)))
    heating = generator.uniform(0, 1e4, size=(2, 4, 5))
    weights, direction = generator.normal(size=heating.shape), generator.normal(size=(4, 5))
    ahead, behind = (
        temperatures(served, conductivity + step * direction, heating, 0.02)
        for step in (1e-4, -1e-4)
    )
    slope = np.sum(weights * (ahead - behind)) / 2e-4
    gradient = pullback(served, conductivity, heating, 0.02, weights)
    assert np.sum(gradient * direction) == pytest.approx(slope, rel=1e-5)


def temperatures(served: Served, conductivity: Field, heating: Field, cell: float) -> Field:
    """Return the result of the example."""
    inputs = inputs_of(conductivity, heating, cell)
    return array_of(ask(served, "apply", {"inputs": inputs})["temperature"])


def pullback(
    served: Served, conductivity: Field, heating: Field, cell: float, weights: Field
) -> Field:
    """Return the gradient by the conductivity of a weighted sum of the temperatures."""
    payload = {
        "inputs": inputs_of(conductivity, heating, cell),
        "vjp_inputs": ["conductivity"],
        "vjp_outputs": ["temperature"],
        "cotangent_vector": {"temperature": weights.tolist()},
    }
    return array_of(ask(served, "vector_jacobian_product", payload)["conductivity"])


def inputs_of(conductivity: Field, heating: Field, cell: float) -> dict[str, Any]:
    """Return a document of inputs."""
    return {"conductivity": conductivity.tolist(), "heating": heating.tolist(), "cell": cell}


def ask(served: Served, endpoint: str, payload: Any) -> Any:
    """Return the document of an answer."""
    answer = served.request("POST", f"/{endpoint}", json.dumps(payload))
    assert answer.status == 200, answer.body
    return answer.json()


def array_of(document: Any) -> Field:
    """Return the array of a document."""
    return np.array(document["data"]["buffer"], np.float64)
