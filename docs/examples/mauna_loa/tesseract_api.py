"""Score a trend-plus-seasons model of atmospheric CO2 against the Mauna Loa record."""

from pathlib import Path

import numpy as np
from numpy.polynomial.polynomial import polyval
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from tesseract_core.runtime import Array, Differentiable, Float64

REFERENCE_YEAR = 1980  # mid-record, which keeps a fit well conditioned


def read_record(path: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Read the years elapsed at mid-month and the CO2 in ppm, each (months,)."""
    year, month, co2 = np.loadtxt(path, delimiter=",", skiprows=1, unpack=True)
    return year + (month - 0.5) / 12 - REFERENCE_YEAR, co2


ELAPSED, OBSERVED = read_record(Path(__file__).parent / "co2.csv")


class InputSchema(BaseModel):
    """The parameters of the model."""

    trend: Differentiable[Array[(3,), Float64]] = Field(
        description="Polynomial in the years since 1980.0, lowest power first: "
        "ppm, ppm/yr, ppm/yr^2; shape (3,)."
    )
    harmonics: Differentiable[Array[(None, 2), Float64]] = Field(
        description="Cosine and sine amplitudes of the seasons in ppm, row k for k + 1 "
        "cycles a year, phase zero on 1 January; shape (harmonics, 2)."
    )


class OutputSchema(BaseModel):
    """The model and its deviation from the record, one value for each measured month."""

    modelled: Differentiable[Array[(None,), Float64]] = Field(
        description="Modelled CO2 in ppm, shape (months,)."
    )
    residuals: Differentiable[Array[(None,), Float64]] = Field(
        description="Observed minus modelled CO2 in ppm, shape (months,)."
    )
    rmse: Differentiable[Float64] = Field(
        description="Root mean square of the residuals in ppm, a scalar."
    )


def seasons(harmonics: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum the annual cycle and its overtones, in ppm, shape (months,)."""
    cycles = np.arange(1, len(harmonics) + 1)
    phase = 2 * np.pi * np.outer(ELAPSED, cycles)
    return np.cos(phase) @ harmonics[:, 0] + np.sin(phase) @ harmonics[:, 1]


def apply(inputs: InputSchema) -> OutputSchema:
    """Model every month of the record and compare it with the observation."""
    modelled = polyval(ELAPSED, inputs.trend) + seasons(inputs.harmonics)
    residuals = OBSERVED - modelled
    rmse = np.sqrt(np.mean(residuals**2))
    return OutputSchema(modelled=modelled, residuals=residuals, rmse=rmse)
