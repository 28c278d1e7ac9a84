"""Classes that are named before they are defined."""

from __future__ import annotations

from typing import Optional

import numpy as np
from pydantic import BaseModel
from tesseract_core.runtime import Array, Differentiable, Float64


class InputSchema(BaseModel):
    parts: list[Part]
    keyed: dict[str, "Part"] = {}
    first: Optional["Part"] = None


class OutputSchema(BaseModel):
    total: Differentiable[Float64]
    heaviest: Part


class Part(BaseModel):
    mass: Differentiable[Float64]


def apply(inputs: InputSchema) -> OutputSchema:
    parts = [*inputs.parts, *inputs.keyed.values()] + ([inputs.first] if inputs.first else [])
    heaviest = max(parts, key=lambda part: part.mass)
    return OutputSchema(total=sum(part.mass for part in parts), heaviest=heaviest)


def jacobian(inputs, jac_inputs, jac_outputs):
    return {out: {path: np.float64(1) for path in jac_inputs} for out in jac_outputs}
