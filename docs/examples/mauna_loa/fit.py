"""Fit the model to the record over HTTP, as any least-squares problem: `fit.py URL`.

It depends only on the names and shapes of the model's arrays.
"""

import json
import sys
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


def main(url: str) -> None:
    """Fit the model, and print the errors and the parameters."""
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


if __name__ == "__main__":
    main(sys.argv[1])
