"""Arrays of other libraries, if they are installed: JAX, pandas, xarray, torch."""

from importlib import import_module

import numpy as np
from pydantic import BaseModel
from tesseract_core.runtime import Array, Differentiable, Float64


class Wrapped:
    """An object that only offers to become an array."""

    def __array__(self, dtype=None, copy=None):
        return np.arange(3, dtype=dtype or "float64")


def of(module: str, make):
    return lambda: make(import_module(module))


OBJECTS = {
    "jax": of("jax.numpy", lambda jnp: jnp.arange(3.0)),
    "pandas series": of("pandas", lambda pd: pd.Series([0.0, 1.0, 2.0], index=list("abc"))),
    "pandas column": of("pandas", lambda pd: pd.DataFrame({"a": [0, 1, 2]})["a"]),
    "pandas index": of("pandas", lambda pd: pd.Index([0.0, 1.0, 2.0])),
    "xarray": of("xarray", lambda xr: xr.DataArray([0.0, 1.0, 2.0], dims="x")),
    "torch": of("torch", lambda torch: torch.arange(3.0)),
    "wrapped": Wrapped,
}


class InputSchema(BaseModel):
    kind: str
    x: Differentiable[Float64] = 1.0


class OutputSchema(BaseModel):
    y: Differentiable[Array[(None,), Float64]]


def apply(inputs: InputSchema) -> OutputSchema:
    return OutputSchema(y=OBJECTS[inputs.kind]())


def jacobian(inputs, jac_inputs, jac_outputs):
    return {"y": {"x": OBJECTS[inputs.kind]()}}
