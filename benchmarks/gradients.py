"""The cost of gradients beyond their evaluations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from benchmarks.environments import Environments
from benchmarks.processes import printed
from benchmarks.study import ORIGINAL, OURS, Goal, Row, Study, Turn

JITTED = "plain jit"

_JACOBIAN = """
import time
import numpy as np
from pydantic import BaseModel
from tesseract_core.runtime import Array, Differentiable, Float64
from tesseract_core.runtime.experimental import finite_difference_jacobian

class InputSchema(BaseModel):
    x: Differentiable[Array[(None,), Float64]]

class OutputSchema(BaseModel):
    total: Differentiable[Float64]
    sines: Differentiable[Array[(None,), Float64]]
    halves: Differentiable[Array[(None,), Float64]]

def apply(inputs):
    x = inputs.x
    return OutputSchema(total=x.sum(), sines=np.sin(x), halves=0.5 * x)

inputs = InputSchema(x=np.linspace(1.0, 2.0, 400))
outputs = {"total", "sines", "halves"}
seconds = []
for _ in range(4):
    start = time.perf_counter()
    finite_difference_jacobian(apply, inputs, {"x"}, outputs)
    seconds.append(time.perf_counter() - start)
print(min(seconds[1:]))
"""

_JAX = """
import json, statistics, time
import jax, jax.numpy as jnp, numpy as np
from pydantic import BaseModel
from tesseract_core.runtime import Array, Differentiable, Float32
from tesseract_core.runtime.jax_recipes import jax_jvp, jax_vjp

class InputSchema(BaseModel):
    x: Differentiable[Array[(None,), Float32]]

class OutputSchema(BaseModel):
    y: Differentiable[Array[(None,), Float32]]

@jax.jit
def apply_jit(inputs):
    x = inputs["x"]
    return {"y": jnp.cumsum(jnp.sin(x) * jnp.exp(-x)) @ jnp.outer(x, x)}

plain = {
    "jvp": jax.jit(lambda x, v: jax.jvp(lambda x: apply_jit({"x": x})["y"], (x,), (v,))[1]),
    "vjp": jax.jit(lambda x, v: jax.vjp(lambda x: apply_jit({"x": x})["y"], x)[1](v)[0]),
}
recipes = {"jvp": (jax_jvp, "x"), "vjp": (jax_vjp, "y")}
points = np.random.default_rng(1).uniform(0.5, 1.5, (200, 1000)).astype(np.float32)
v = np.ones(1000, np.float32)

def by_recipe(name, x):
    function, side = recipes[name]
    answer = function(apply_jit, InputSchema(x=x), {"x"}, {"y"}, {side: v})
    return {path: np.asarray(value) for path, value in answer.items()}

def median(call):
    seconds = []
    for x in points:
        start = time.perf_counter()
        call(x)
        seconds.append(time.perf_counter() - start)
    return 1e6 * statistics.median(seconds[20:])

print(json.dumps({
    name: [median(lambda x: by_recipe(name, x)), median(lambda x: np.asarray(plain[name](x, v)))]
    for name in plain
}))
"""

_DIFFERENCES = "finite differences, 400 inputs, 3 outputs"
_PRODUCTS = {"jvp": "jax_jvp, called again", "vjp": "jax_vjp, called again"}


@contextmanager
def _sides(environments: Environments) -> Iterator[Mapping[str, Turn]]:
    latest: dict[str, list[float]] = {}

    def ours() -> dict[str, float]:
        latest.update(printed(environments.ours, _JAX))
        again = {_PRODUCTS[name]: pair[0] for name, pair in latest.items()}
        return {_DIFFERENCES: _differences(environments.ours), **again}

    def jitted() -> dict[str, float]:
        return {_PRODUCTS[name]: pair[1] for name, pair in latest.items()}  # of the same process

    sides: dict[str, Turn] = {OURS: ours, JITTED: jitted}
    original = environments.original
    if original is not None:
        sides[ORIGINAL] = lambda: {_DIFFERENCES: _differences(original)}
    yield sides


def _differences(python: Path) -> float:
    seconds: float = printed(python, _JACOBIAN)
    return 1e3 * seconds


GRADIENTS = Study(
    name="Gradients",
    about="A central Jacobian by finite differences, and products by JAX at a new point of the "
    "same shape (1,000 float32), beside plain `jax.jit` with NumPy in and out.",
    rows=[
        Row(name=_DIFFERENCES, unit="ms", goals=[Goal(bound=0.35, of=ORIGINAL)]),
        *(
            Row(name=name, unit="us", goals=[Goal(bound=1.5, of=JITTED)])
            for name in _PRODUCTS.values()
        ),
    ],
    sides=_sides,
    turns=5,
)
