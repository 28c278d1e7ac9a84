"""Measure how the work for payloads grows with their sizes: `nox -s growth`.

Prints the exponent of each kind of payload, the slope of its CPU time over sizes 1, 4, 16 and 64 in
logarithms, and ends with 1 if one is above 1.2.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from math import log
from pathlib import Path
from statistics import linear_regression
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any

from runtime_core.errors import TesseractRuntimeError
from runtime_core.runtime import Runtime

SIZES = (1, 4, 16, 64)
MOST = 1.2

API = """
from typing import Any
from pydantic import BaseModel
from runtime_core import Array, Differentiable, Float64
from tesseract_runtime_authoring import InputPath, LazySequence

class A(BaseModel):
    a: float
    b: float

class B(BaseModel):
    c: float
    d: float

class Tree(BaseModel):
    size: int
    left: "Tree | None" = None
    right: "Tree | None" = None

class InputSchema(BaseModel):
    xs: list[Differentiable[Array[(None,), Float64]]] = []
    models: list[A] = []
    either: list[A | B] = []
    named: dict[str, A] = {}
    tree: Tree | None = None
    files: LazySequence[int] = []
    path: InputPath | None = None

class OutputSchema(BaseModel):
    ys: list[Differentiable[Array[(None,), Float64]]]

def apply(inputs: InputSchema) -> OutputSchema:
    return OutputSchema(ys=inputs.xs)

def jacobian_vector_product(inputs, jvp_inputs, jvp_outputs, tangent_vector):
    return {path: tangent_vector["x" + path[1:]] for path in jvp_outputs}

def vector_jacobian_product(inputs, vjp_inputs, vjp_outputs, cotangent_vector):
    return {path: cotangent_vector["y" + path[1:]] for path in vjp_inputs}
"""


def inputs(**fields: Any) -> tuple[str, Any]:
    """Return a call of `apply`."""
    return "apply", {"inputs": fields}


def tree(size: int) -> Any:
    """Return trees without sizes, two in each."""
    return {"left": tree(size // 2), "right": tree(size // 2)} if size else {}


def product(size: int, short: str, first: str, second: str, endpoint: str, vector: str) -> Any:
    """Return a call of a product with a vector of one item for each of many arrays."""
    paths = {name: [f"{name}s.[{number}]" for number in range(size)] for name in "xy"}
    payload = {
        "inputs": {"xs": [[1.0]] * size},
        f"{short}_inputs": paths["x"],
        f"{short}_outputs": paths["y"],
        vector: {path: [1.0] for path in paths[first]},
    }
    return endpoint, payload


def jvp(size: int) -> Any:
    """Return a call of `jacobian_vector_product`."""
    return product(size, "jvp", "x", "y", "jacobian_vector_product", "tangent_vector")


def vjp(size: int) -> Any:
    """Return a call of `vector_jacobian_product`."""
    return product(size, "vjp", "y", "x", "vector_jacobian_product", "cotangent_vector")


CASES: Mapping[str, Callable[[int], tuple[str, Any]]] = {
    "valid models": lambda size: inputs(models=[{"a": 1, "b": 2}] * (1000 * size)),
    "wrong models": lambda size: inputs(models=[{}] * (1000 * size)),
    "late fault": lambda size: inputs(models=[{"a": 1, "b": 2}] * (1000 * size) + [{}]),
    "wrong unions": lambda size: inputs(either=[{}] * (1000 * size)),
    "wrong dict": lambda size: inputs(named={str(i): {} for i in range(1000 * size)}),
    "wrong trees": lambda size: inputs(tree=tree(128 * size)),
    "unknown keys": lambda size: inputs(**{f"k{i}": 1 for i in range(1000 * size)}),
    "arrays": lambda size: inputs(xs=[[1.0]] * (100 * size)),
    "tangents": lambda size: jvp(50 * size),
    "cotangents": lambda size: vjp(50 * size),
    "glob": lambda size: inputs(files="@" + "**/" * size + "*.json"),
    "relative path": lambda size: inputs(path="./" * (20 * size) + "a.json"),
    "path of megabytes": lambda size: inputs(path="a/" * (20_000 * size)),
}


def seconds(runtime: Runtime, endpoint: str, payload: Any) -> float:
    """Return the CPU time of a call, the shortest of five."""
    times = []
    gc.disable()  # its passes over all objects are not the work of a call
    for _ in range(5):
        begin = process_time()
        with suppress(TesseractRuntimeError):
            runtime.call(endpoint, payload)
        times.append(process_time() - begin)
    return min(times)


def exponent(times: list[float]) -> float:
    """Return the slope of times over sizes in logarithms."""
    return linear_regression([log(size) for size in SIZES], [log(time) for time in times]).slope


def main() -> int:
    """Measure every case; return 1 if one grows faster than its size."""
    with TemporaryDirectory() as folder:
        api = Path(folder, "tesseract_api.py")
        api.write_text(API)
        Path(folder, "a.json").write_text("1")
        runtime = Runtime.from_file(api, input_path=folder)
        slopes = {}
        for name, case in CASES.items():
            times = [seconds(runtime, *case(size)) for size in SIZES]
            slopes[name] = exponent(times)
            shown = "  ".join(f"{1000 * time:9.2f}" for time in times)
            print(f"{name:20} {slopes[name]:5.2f}   {shown} ms")
    return int(max(slopes.values()) > MOST)


if __name__ == "__main__":
    sys.exit(main())
