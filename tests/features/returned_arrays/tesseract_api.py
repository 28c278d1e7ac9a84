"""Arrays of every kind as they come out of numerical code."""

import numpy as np
from pydantic import BaseModel
from tesseract_core.runtime import Array, Differentiable, Float16, Float32, Float64, Int32, UInt64

KEPT = np.arange(3.0)
LOCKED = np.arange(3.0)
LOCKED.flags.writeable = False

ARRAYS = {
    "fortran": lambda: np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "strided": lambda: np.arange(12.0).reshape(4, 3)[::-2],
    "read-only": lambda: LOCKED[None],
    "big-endian": lambda: np.arange(3, dtype=">f8")[None],
    "broadcast": lambda: np.broadcast_to(2.5, (2, 2)),
    "empty": lambda: np.zeros((0, 3)),
    "float32": lambda: np.float32([[0.1]]),
    "integers": lambda: np.arange(4).reshape(2, 2),
    "bool": lambda: np.array([[True, False]]),
    "list of lists": lambda: [[1, 2.5], [3, 4]],
    "list of numpy scalars": lambda: [[np.float64(1), np.int32(2)]],
    "list of arrays": lambda: [np.arange(2.0), np.ones(2)],
    "tuple of arrays": lambda: (np.arange(2.0), np.ones(2)),
    "matrix": lambda: np.array([[1.0, 2.0]]).view(np.matrix),
    "ranges": lambda: [range(2), range(2, 4)],
    "memoryview": lambda: memoryview(np.arange(4.0).reshape(2, 2)),
    "masked": lambda: np.ma.masked_greater(np.arange(4.0).reshape(2, 2), 2),
    "longdouble": lambda: np.array([[1.5]], np.longdouble),
}


class InputSchema(BaseModel):
    kind: str = "fortran"
    x: Differentiable[Float64] = 1.0


class OutputSchema(BaseModel):
    matrix: Array[(None, None), Float64]
    half: Float16
    number: Differentiable[Float64]
    single: Float32
    count: Int32
    large: UInt64
    complexes: Array[(None,), "complex128"]
    flags: Array[(None,), "bool"]
    same: Array[(3,), Float64]


def apply(inputs: InputSchema) -> dict:
    KEPT[:] += 0  # the same buffer each time
    return {
        "matrix": ARRAYS[inputs.kind](),
        "half": np.float16(0.5),
        "number": np.array(2.0) * inputs.x,
        "single": np.float32(0.1),
        "count": np.int32(7),
        "large": np.uint64(2**64 - 1),
        "complexes": np.array([1 + 2j, 3 - 0.5j]),
        "flags": np.array([1, 0], bool),
        "same": KEPT,
    }


def jacobian(inputs, jac_inputs, jac_outputs):
    return {"number": {"x": np.array(2.0)}}
