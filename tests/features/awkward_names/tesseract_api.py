"""Names that pydantic, Python or JSON use themselves, extra fields, frozen and private ones."""

import warnings
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, PrivateAttr
from tesseract_core.runtime import Array, Differentiable, Float64

warnings.filterwarnings("ignore", "Field name .* shadows an attribute", UserWarning)


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")

    first: Float64


class Fixed(BaseModel):
    model_config = ConfigDict(frozen=True)

    value: Differentiable[Float64]
    _cache: dict = PrivateAttr(default_factory=dict)

    def doubled(self) -> float:
        return self._cache.setdefault("doubled", 2 * self.value)


class InputSchema(BaseModel):
    copy: float = 1.0
    json: float = 2.0
    schema: float = 3.0
    dict: float = 4.0
    inputs: Differentiable[Array[(None,), Float64]]
    ρ: Differentiable[Float64] = 1.2
    data: Array[(None,), Float64] = [0.0]
    shape: list[int] = [1]
    dtype: str = "float64"
    open: Open
    fixed: Fixed


class OutputSchema(BaseModel):
    model_config = ConfigDict(extra="allow")

    copy: float
    inputs: Differentiable[Array[(None,), Float64]]
    ρ: Differentiable[Float64]
    extras: dict[str, Any]


def apply(inputs: InputSchema) -> OutputSchema:
    return OutputSchema(
        copy=inputs.copy + inputs.json + inputs.schema + inputs.dict,
        inputs=inputs.inputs * inputs.fixed.doubled(),
        ρ=2 * inputs.ρ,
        extras=inputs.open.model_extra,
        more={"left": 1, "names": ["a", None]},
    )


def jacobian(inputs, jac_inputs, jac_outputs):
    size = inputs.inputs.size
    blocks = {
        "inputs": {"inputs": inputs.fixed.doubled() * np.eye(size), "ρ": np.zeros(size)},
        "ρ": {"inputs": np.zeros(size), "ρ": 2.0},
    }
    return {out: {path: blocks[out][path] for path in jac_inputs} for out in jac_outputs}
