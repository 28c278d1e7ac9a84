"""An epidemic in a closed population: susceptible, infected and recovered people."""

from __future__ import annotations

import numpy as np
from pydantic import BaseModel, Field, model_validator
from scipy.integrate import solve_ivp

from tesseract_core.runtime import Array, Float64

TOLERANCE = 1e-9


class InputSchema(BaseModel):
    contact_rate: float = Field(description="beta: infections a day by one infected person.", ge=0)
    recovery_rate: float = Field(description="gamma: recoveries a day of infected people.", gt=0)
    infected: float = Field(description="The share infected on day 0.", gt=0, le=1)
    immune: float = Field(default=0.0, description="The share immune on day 0.", ge=0, le=1)
    days: int = Field(default=200, description="How long to simulate.", ge=1)

    @model_validator(mode="after")
    def shares_are_those_of_one_population(self) -> InputSchema:
        """Refuse shares that add up to more than all."""
        if self.infected + self.immune > 1:
            raise ValueError("infected and immune add up to more than 1")
        return self


class OutputSchema(BaseModel):
    peak: float = Field(description="The largest share infected at a time.")
    peak_day: float = Field(description="The day of the peak.")
    total: float = Field(description="The share infected from day 0 to the last day.")
    curve: Array[(None,), Float64] = Field(description="The share infected on each day.")


def apply(inputs: InputSchema) -> OutputSchema:
    """Solve the equations of Kermack and McKendrick, with an event where infections peak."""
    beta, gamma = inputs.contact_rate, inputs.recovery_rate
    susceptible = 1 - inputs.infected - inputs.immune

    def change(_: float, state: np.ndarray) -> list[float]:
        s, i = state
        return [-beta * s * i, (beta * s - gamma) * i]

    def growth(_: float, state: np.ndarray) -> float:
        return float(beta * state[0] - gamma)

    solution = solve_ivp(
        change,
        (0, inputs.days),
        [susceptible, inputs.infected],
        t_eval=np.arange(inputs.days + 1),
        events=growth,
        rtol=TOLERANCE,
        atol=TOLERANCE,
    )
    curve = solution.y[1]
    days, states = solution.t_events[0], solution.y_events[0]
    peaks = [(inputs.infected, 0.0), (curve[-1], float(inputs.days))]
    peaks += [(state[1], float(day)) for day, state in zip(days, states, strict=True)]
    peak, peak_day = max(peaks)
    total = 1 - inputs.immune - solution.y[0][-1]
    return OutputSchema(peak=peak, peak_day=peak_day, total=total, curve=curve)
