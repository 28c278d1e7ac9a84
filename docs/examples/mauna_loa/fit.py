"""Fit the model to the record over HTTP, as any least-squares problem: `fit.py URL [FIGURE]`.

It depends only on the names and shapes of the model's arrays. A FIGURE needs matplotlib.
"""

import json
import sys
from pathlib import Path
from urllib.request import Request, urlopen

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

Vector = NDArray[np.float64]

START = np.array([330.0, 1.0, 0.0, *np.zeros(4)])
"""A rough trend in ppm, ppm/yr and ppm/yr^2, then two harmonics, of which nothing is known."""


class Service:
    """The served model, as functions of one vector of parameters."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")

    def outputs(self, parameters: Vector) -> dict[str, Vector]:
        """Return every output of the model."""
        outputs = self._post("apply", {"inputs": inputs_of(parameters)})
        return {name: array_of(document) for name, document in outputs.items()}

    def residuals(self, parameters: Vector) -> Vector:
        """Return observed minus modelled CO2 in ppm, shape (months,)."""
        return self.outputs(parameters)["residuals"]

    def jacobian(self, parameters: Vector) -> Vector:
        """Return the derivatives of the residuals, shape (months, parameters)."""
        inputs = inputs_of(parameters)
        blocks = self._post(
            "jacobian",
            {"inputs": inputs, "jac_inputs": list(inputs), "jac_outputs": ["residuals"]},
        )["residuals"]
        columns = [array_of(blocks[name]) for name in inputs]
        return np.hstack([block.reshape(len(block), -1) for block in columns])

    def _post(self, endpoint: str, payload: object) -> dict:
        body = json.dumps(payload).encode()
        request = Request(f"{self._url}/{endpoint}", body, {"Content-Type": "application/json"})
        with urlopen(request) as answer:
            return json.load(answer)


def inputs_of(parameters: Vector) -> dict[str, list]:
    """Return the inputs for a vector of parameters."""
    trend, harmonics = np.split(parameters, [3])
    return {"trend": trend.tolist(), "harmonics": harmonics.reshape(-1, 2).tolist()}


def array_of(document: dict) -> Vector:
    """Return an array of a JSON document."""
    return np.array(document["data"]["buffer"], document["dtype"])


def plot(outputs: dict[str, Vector], figure: str) -> None:
    """Draw the record with the model, and what the model leaves."""
    import matplotlib.pyplot as plt

    record = np.loadtxt(Path(__file__).with_name("co2.csv"), delimiter=",", skiprows=1)
    time = record[:, 0] + (record[:, 1] - 0.5) / 12
    modelled, left = outputs["modelled"], outputs["residuals"]
    picture, (fitted, rest) = plt.subplots(
        2, sharex=True, figsize=(8, 4.5), height_ratios=[3, 1], layout="constrained"
    )
    fitted.plot(time, modelled + left, ".", markersize=3, color="black", label="measured")
    fitted.plot(time, modelled, linewidth=1, color="tab:blue", label="fitted")
    fitted.set(ylabel="CO2 in ppm")
    fitted.legend()
    rest.axhline(0, linewidth=0.5, color="black")
    rest.plot(time, left, linewidth=0.8, color="tab:blue")
    rest.set(ylabel="residual in ppm", xlabel="year")
    picture.savefig(figure, dpi=120)


def main(url: str, *figure: str) -> None:
    """Fit the model, print the errors and the parameters, and draw the fit if asked to."""
    service = Service(url)
    fit = least_squares(
        service.residuals,
        START,
        service.jacobian,  # pyright: ignore[reportArgumentType]  # it has the type of the default
    )
    print(f"rmse: {service.outputs(START)['rmse']:.3f} ppm at the start")
    print(f"rmse: {service.outputs(fit.x)['rmse']:.3f} ppm after {fit.njev} Jacobians")
    for name, values in inputs_of(fit.x.round(5)).items():
        print(f"{name}: {values}")
    for path in figure:
        plot(service.outputs(fit.x), path)


if __name__ == "__main__":
    main(*sys.argv[1:])
