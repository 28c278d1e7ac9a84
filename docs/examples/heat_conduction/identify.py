"""Identify the conductivity of a plate from temperatures over HTTP: `identify.py URL [FIGURE]`.

It depends only on the names and shapes of the model's arrays. With the name of a FIGURE it also
draws the result, which needs matplotlib and another minute.
"""

import json
import sys
from collections.abc import Callable
from urllib.request import Request, urlopen

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

Field = NDArray[np.float64]

EDGE = 0.24
"""Edge of the plate in m."""

CELLS = 24
"""Cells along an edge, each seen by one pixel of a thermal camera."""

NOISE = 0.2
"""Standard deviation of a measured temperature in K."""

SMOOTHING = 200.0
"""How much roughness weighs against misfit, so that the misfit ends as large as the noise."""

FINER = 3
"""The plate is measured on a grid so many times finer, which does not share the errors of ours."""


class Plate:
    """The heated plate on a server, as functions of its conductivity."""

    def __init__(self, url: str, cells: int) -> None:
        self._url = url.rstrip("/")
        self._fixed = {"heating": heating(cells).tolist(), "cell": EDGE / cells}

    def temperature(self, conductivity: Field) -> Field:
        """Return the temperatures in K, shape (experiments, rows, columns)."""
        return array_of(self._post("apply", conductivity)["temperature"])

    def gradient(self, conductivity: Field, weights: Field) -> Field:
        """Return the derivative of the weighted sum of all temperatures by each conductivity."""
        answer = self._post(
            "vector_jacobian_product",
            conductivity,
            vjp_inputs=["conductivity"],
            vjp_outputs=["temperature"],
            cotangent_vector={"temperature": weights.tolist()},
        )
        return array_of(answer["conductivity"])

    def _post(self, endpoint: str, conductivity: Field, **asked: object) -> dict:
        inputs = {"conductivity": conductivity.tolist(), **self._fixed}
        body = json.dumps({"inputs": inputs, **asked}).encode()
        request = Request(f"{self._url}/{endpoint}", body, {"Content-Type": "application/json"})
        with urlopen(request) as answer:
            return json.load(answer)


def array_of(document: dict) -> Field:
    """Return an array of a JSON document."""
    return np.array(document["data"]["buffer"], document["dtype"])


def bump(cells: int, row: float, column: float, width: float) -> Field:
    """Return a bell of height 1 around a point, lengths in m, shape (cells, cells)."""
    centre = (np.arange(cells) + 0.5) * EDGE / cells
    distance = (centre[:, np.newaxis] - row) ** 2 + (centre - column) ** 2
    return np.exp(-distance / (2 * width**2))


def heating(cells: int) -> Field:
    """Return the heat in W/m^3 of four experiments, with the heater in another quarter each."""
    places = [(0.06, 0.06), (0.06, 0.18), (0.18, 0.06), (0.18, 0.18)]
    return np.stack([4e4 * bump(cells, *place, width=0.03) for place in places])


def true_conductivity(cells: int) -> Field:
    """Return the true conductivity in W/(m K): 1 with a conducting and an insulating spot."""
    conducting, insulating = bump(cells, 0.08, 0.15, 0.03), bump(cells, 0.16, 0.08, 0.028)
    return np.exp(1.1 * conducting - 0.9 * insulating)


def coarsened(field: Field) -> Field:
    """Return the mean over the fine cells of each coarse cell."""
    *others, rows, columns = field.shape
    blocks = field.reshape(*others, rows // FINER, FINER, columns // FINER, FINER)
    return blocks.mean(axis=(-3, -1))


def measured(url: str) -> Field:
    """Return the temperatures in K of a noisy camera, the same ones each time."""
    fine = FINER * CELLS
    exact = coarsened(Plate(url, fine).temperature(true_conductivity(fine)))
    return exact + NOISE * np.random.default_rng(1).standard_normal(exact.shape)


def roughness(field: Field) -> tuple[float, Field]:
    """Return half the sum of the squared steps between neighbours, and its gradient."""
    gradient = np.zeros_like(field)
    for axis in (0, 1):
        steps = np.diff(field, axis=axis)
        gradient -= np.diff(steps, axis=axis, prepend=0, append=0)
    return float(np.sum(field * gradient)) / 2, gradient


def objective(plate: Plate, seen: Field, smoothing: float) -> Callable[..., tuple[float, Field]]:
    """Return half the squared misfit in units of the noise, plus roughness, with its gradient.

    It is a function of the logarithm of the conductivity, which can have any value.
    """

    def value_and_gradient(logarithms: Field) -> tuple[float, Field]:
        logarithm = logarithms.reshape(CELLS, CELLS)
        conductivity = np.exp(logarithm)
        misfit = (plate.temperature(conductivity) - seen) / NOISE
        rough, rough_gradient = roughness(logarithm)
        gradient = conductivity * plate.gradient(conductivity, misfit / NOISE)
        value = np.sum(misfit**2) / 2 + smoothing * rough
        return value, np.ravel(gradient + smoothing * rough_gradient)

    return value_and_gradient


def identify(plate: Plate, seen: Field, smoothing: float) -> Field:
    """Return the conductivity that minimizes the objective, starting from 1 W/(m K) everywhere."""
    found = minimize(
        objective(plate, seen, smoothing), np.zeros(CELLS**2), jac=True, method="L-BFGS-B"
    )
    return np.exp(found.x.reshape(CELLS, CELLS))


def report(title: str, plate: Plate, seen: Field, conductivity: Field) -> None:
    """Print the deviation of a conductivity from the measurement and from the truth."""
    truth = coarsened(true_conductivity(FINER * CELLS))
    misfit = np.sqrt(np.mean((plate.temperature(conductivity) - seen) ** 2))
    error = np.linalg.norm(conductivity - truth) / np.linalg.norm(truth)
    print(f"{title}: misfit {misfit:.3f} K, error of the conductivity {error:.0%}")


def draw(figure: str, seen: Field, found: Field, unsmoothed: Field) -> None:
    """Draw one measurement, the truth, and the results with and without smoothing."""
    import matplotlib.pyplot as plt  # only the figure needs it

    fields = {
        "true": coarsened(true_conductivity(FINER * CELLS)),
        "identified": found,
        "identified, not smoothed": unsmoothed,
    }
    picture, (first, *others) = plt.subplots(1, 4, figsize=(13, 3), layout="constrained")
    first.set_title("measured (1 of 4)")
    picture.colorbar(first.imshow(seen[0]), ax=first, label="temperature in K")
    images = []
    for place, (title, field) in zip(others, fields.items(), strict=True):
        place.set_title(title)
        images.append(place.imshow(field, vmin=0, vmax=3))
    picture.colorbar(images[-1], ax=others, label="conductivity in W/(m K)")
    plt.setp([first, *others], xticks=[], yticks=[])
    picture.savefig(figure, dpi=80, metadata={"Software": None})


def main(url: str, figure: str | None = None) -> None:
    """Identify the conductivity, print the errors, and draw a figure if requested."""
    plate, seen = Plate(url, CELLS), measured(url)
    print(f"noise: {NOISE:.3f} K")
    report("start", plate, seen, np.ones((CELLS, CELLS)))
    found = identify(plate, seen, SMOOTHING)
    report("found", plate, seen, found)
    if figure is not None:
        unsmoothed = identify(plate, seen, smoothing=0)
        report("found without smoothing", plate, seen, unsmoothed)
        draw(figure, seen, found, unsmoothed)


if __name__ == "__main__":
    main(*sys.argv[1:])
