"""Find the lightest cantilever that sinks no further than allowed: `design.py URL_OF_SECTION`.

It does not depend on how the beam and its sections are computed. With the name of a picture as a
second argument it also draws the beams, which needs matplotlib.
"""

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import NonlinearConstraint, minimize

from tesseract_runtime_authoring import TesseractReference
from tesseract_runtime_client import Tesseract

Numbers = NDArray[np.float64]

ELEMENTS = 10
LENGTH = 2.0  # m
TIP_LOAD = 200.0  # N
SINKS_BY = 0.02  # m, at most at the tip
WIDTH, WALL = 0.04, 0.002  # m
LOWEST, HIGHEST = 20.0, 150.0  # mm


class Cantilever:
    """The beam as functions of the height of each of its sections in mm."""

    def __init__(self, beam: Tesseract, section: TesseractReference) -> None:
        self._beam = beam
        self._fixed = {
            "section": section,
            "load": np.eye(ELEMENTS)[-1] * TIP_LOAD,
            "length": LENGTH,
        }

    def mass(self, heights: Numbers) -> float:
        """Return the mass of the beam in kg."""
        return float(self._beam.apply(self._inputs(heights))["mass"])

    def tip(self, heights: Numbers) -> float:
        """Return the deflection of the tip in m."""
        return float(self.deflection(heights)[-1])

    def mass_gradient(self, heights: Numbers) -> Numbers:
        """Return the derivatives of the mass by the heights in kg/mm."""
        return self._gradient(heights, "mass", 1.0)

    def tip_gradient(self, heights: Numbers) -> Numbers:
        """Return the derivatives of the tip's deflection by the heights in m/mm."""
        return self._gradient(heights, "deflection", np.eye(ELEMENTS)[-1])

    def deflection(self, heights: Numbers) -> Numbers:
        """Return the deflections of the far ends of the elements in m."""
        return self._beam.apply(self._inputs(heights))["deflection"]

    def _gradient(self, heights: Numbers, output: str, weights: Numbers | float) -> Numbers:
        gradient = self._beam.vector_jacobian_product(
            self._inputs(heights), ["dimensions"], [output], {output: weights}
        )
        return gradient["dimensions"][:, 1] / 1000

    def _inputs(self, heights: Numbers) -> dict[str, object]:
        dimensions = np.full((ELEMENTS, 3), [WIDTH, 0.0, WALL])
        dimensions[:, 1] = heights / 1000
        return {**self._fixed, "dimensions": dimensions}


def straight(cantilever: Cantilever) -> Numbers:
    """Return the heights of the lightest uniform beam that is stiff enough."""
    low, high = LOWEST, HIGHEST
    while high - low > 0.01:
        middle = (low + high) / 2
        too_soft = cantilever.tip(np.full(ELEMENTS, middle)) > SINKS_BY
        low, high = (middle, high) if too_soft else (low, middle)
    return np.full(ELEMENTS, high)


def lightest(cantilever: Cantilever, start: Numbers) -> Numbers:
    """Return the heights of the lightest beam of any shape that is stiff enough."""
    stiff_enough = NonlinearConstraint(
        lambda heights: cantilever.tip(heights) / SINKS_BY,
        -np.inf,
        1,
        jac=lambda heights: (  # pyright: ignore[reportArgumentType]  # as of the default
            cantilever.tip_gradient(heights) / SINKS_BY
        ),
    )
    found = minimize(
        cantilever.mass,
        start,
        jac=cantilever.mass_gradient,
        bounds=[(LOWEST, HIGHEST)] * ELEMENTS,
        constraints=[stiff_enough],
        method="SLSQP",
    )
    return found.x


def report(title: str, cantilever: Cantilever, heights: Numbers) -> None:
    """Print the mass, deflection and end heights of a beam."""
    mass, tip = cantilever.mass(heights), cantilever.tip(heights)
    print(
        f"{title}: {mass:.2f} kg, sinks {1000 * tip:.2f} mm, "
        f"{heights[0]:.0f} mm high at the wall and {heights[-1]:.0f} mm at the tip"
    )


def plot(cantilever: Cantilever, beams: dict[str, Numbers], picture: str) -> None:
    """Draw the beams from the side, under their load, with heights to scale with each other."""
    import matplotlib.pyplot as plt

    figure, rows = plt.subplots(2, sharex=True, sharey=True, figsize=(8, 4), layout="constrained")
    ends = np.linspace(0, LENGTH, ELEMENTS + 1)
    for axes, (title, heights) in zip(rows, beams.items(), strict=True):
        sinks = -1000 * np.concatenate([[0], cantilever.deflection(heights)])
        for i, height in enumerate(heights):
            middle, half = sinks[i : i + 2], height / 2
            axes.fill_between(ends[i : i + 2], middle - half, middle + half, color="tab:blue")
        axes.plot(ends, sinks, color="white", linewidth=0.8)
        axes.set(title=f"{title}: {cantilever.mass(heights):.2f} kg", ylabel="mm")
    rows[-1].set(xlabel="m from the wall")
    figure.savefig(picture, dpi=120)


def main(url: str, *pictures: str) -> None:
    """Design the beam twice, print both, and draw them if asked to."""
    here = Path(__file__).parent
    with (
        Tesseract.from_api(here / "tesseract_api.py") as beam,
        Tesseract.from_url(url) as section,
    ):
        cantilever = Cantilever(beam, TesseractReference(section))
        uniform = straight(cantilever)
        beams = {"straight": uniform, "tapered": lightest(cantilever, uniform)}
        for title, heights in beams.items():
            report(title, cantilever, heights)
        for picture in pictures:
            plot(cantilever, beams, picture)


if __name__ == "__main__":
    main(*sys.argv[1:])
