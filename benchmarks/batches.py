"""Many tangents in one call, beside as many calls and beside plain JAX."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.environments import Environments
from benchmarks.processes import printed
from benchmarks.servers import Server, served
from benchmarks.study import OURS, Goal, Row, Study, Turn
from tesseract_runtime_client import Tesseract

PLAIN = "plain vmap and echo"
ONE_BY_ONE = "64 calls"
ONE_CALL = "one call"

_VECTORS = 64
_LARGE = f"{_VECTORS} tangents of 100,000 float32, JAX"
_SMALL = f"{_VECTORS} tangents of 100 float32, JAX"
_WITH = f"{_VECTORS} tangents, a function of 1 ms with a parameter batch"
_WITHOUT = f"{_VECTORS} tangents, a function of 1 ms without"

_PLAIN = """
import time
import jax, jax.numpy as jnp, numpy as np

def near(x):
    return jnp.sin(x) * jnp.exp(-x) + jnp.mean(x)

many = jax.jit(jax.vmap(lambda x, t: jax.jvp(near, (x,), (t,))[1], in_axes=(None, 0)))
random = np.random.default_rng(1)
x = random.uniform(0.5, 1.5, 100_000).astype(np.float32)
tangents = random.normal(size=(64, 100_000)).astype(np.float32)
seconds = []
for _ in range(6):
    start = time.perf_counter()
    np.asarray(many(x, tangents))
    seconds.append(time.perf_counter() - start)
print(min(seconds[1:]))
"""

_NATIVE = """
import json, time
import numpy as np
from pydantic import BaseModel
from runtime_core import Array, Differentiable, Float64, Runtime

SOURCE = '''
import time
from pydantic import BaseModel
from runtime_core import Array, Differentiable, Float64

class InputSchema(BaseModel):
    x: Differentiable[Array[(None,), Float64]]

class OutputSchema(BaseModel):
    y: Differentiable[Array[(None,), Float64]]

def apply(inputs):
    return {"y": inputs.x}

def jacobian_vector_product(inputs, jvp_inputs, jvp_outputs, tangent_vectorBATCH):
    end = time.perf_counter() + 1e-3
    while time.perf_counter() < end:
        pass
    return {"y": tangent_vector["x"]}
'''

def runtime(batch):
    import pathlib, tempfile
    path = pathlib.Path(tempfile.mkdtemp(), f"model{len(batch)}.py")
    path.write_text(SOURCE.replace("BATCH", batch))
    return Runtime.from_file(path)

fields = {"inputs": {"x": np.ones(100)}, "jvp_inputs": ["x"], "jvp_outputs": ["y"]}
tangents = np.ones((64, 100))

def fastest(call):
    seconds = []
    for _ in range(6):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return 1e3 * min(seconds[1:])

def product(made, tangent, **batch):
    payload = {**fields, "tangent_vector": {"x": tangent}, **batch}
    return made.call("jacobian_vector_product", payload)

once, each = runtime(", batch=None"), runtime("")
print(json.dumps([
    fastest(lambda: product(once, tangents, batch=64)),
    fastest(lambda: product(once, tangents[0])),
    fastest(lambda: product(each, tangents, batch=64)),
    fastest(lambda: [product(each, tangent) for tangent in tangents]),
]))
"""


@contextmanager
def _sides(environments: Environments) -> Iterator[Mapping[str, Turn]]:
    native: list[float] = []
    with ExitStack() as stack:
        ours = _client(stack, stack.enter_context(served(environments.ours, "tangents")))
        echo = _client(stack, stack.enter_context(served(environments.ours, "double")))
        large, small = (partial(_products, ours, size) for size in (100_000, 100))
        doubles = {"x": np.zeros(_VECTORS * 100_000 // 2)}  # as many bytes

        def batched() -> dict[str, float]:
            native[:] = printed(environments.ours, _NATIVE)
            return {_LARGE: large(), _SMALL: small(), _WITH: native[0], _WITHOUT: native[2]}

        yield {
            OURS: batched,
            PLAIN: lambda: {
                _LARGE: _plain(environments.ours) + _fastest(lambda: echo.apply(doubles))
            },
            ONE_BY_ONE: lambda: {_SMALL: _products(ours, 100, together=False), _WITHOUT: native[3]},
            ONE_CALL: lambda: {_WITH: native[1]},
        }


def _client(stack: ExitStack, server: Server) -> Tesseract:
    url = f"http://127.0.0.1:{server.port}"
    return stack.enter_context(Tesseract.from_url(url, encoding="msgpack"))


def _products(client: Tesseract, size: int, *, together: bool = True) -> float:
    random = np.random.default_rng(1)
    inputs = {"x": random.uniform(0.5, 1.5, size).astype(np.float32)}
    tangents = random.normal(size=(_VECTORS, size)).astype(np.float32)
    product = partial(client.jacobian_vector_product, inputs, ["x"], ["y"])
    if together:
        return _fastest(lambda: product({"x": tangents}, batch=_VECTORS))
    return _fastest(lambda: [product({"x": tangent}) for tangent in tangents])


def _fastest(call: Callable[[], Any]) -> float:
    """Return the milliseconds of the fastest of some calls, after the first one."""
    milliseconds = []
    for _ in range(6):
        start = perf_counter()
        call()
        milliseconds.append(1e3 * (perf_counter() - start))
    return min(milliseconds[1:])


def _plain(python: Path) -> float:
    seconds: float = printed(python, _PLAIN)
    return 1e3 * seconds


BATCHES = Study(
    name="Batches",
    about="Products with 64 tangents in one call over HTTP, by JAX, beside plain `jax.jit` of "
    "`jax.vmap` with NumPy in and out plus an `apply` with the same bytes each way; and a function "
    "of 1 ms in the same process. The fastest of 5 calls.",
    rows=[
        Row(name=_LARGE, unit="ms", goals=[Goal(bound=1.5, of=PLAIN)]),
        Row(name=_SMALL, unit="ms", goals=[Goal(bound=0.1, of=ONE_BY_ONE)]),
        Row(name=_WITH, unit="ms", goals=[Goal(bound=1.2, of=ONE_CALL)]),
        Row(name=_WITHOUT, unit="ms", goals=[Goal(bound=1.0, of=ONE_BY_ONE)]),
    ],
    sides=_sides,
    turns=3,
)
