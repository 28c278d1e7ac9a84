"""Functions of nested inputs that cover the features that JAX differentiates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

Function = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Case:
    """A function with inputs, and the paths of its differentiated inputs and outputs."""

    name: str
    function: Function
    inputs: dict[str, Any]
    by: tuple[str, ...]
    of: tuple[str, ...]
    forward: bool = True


def _numbers(*shape: int, dtype: str = "float64") -> Any:
    seed = sum((position + 1) * size for position, size in enumerate(shape))
    return np.random.default_rng(seed).uniform(0.5, 1.5, shape).astype(dtype)


@eqx.filter_jit
def _nested(inputs: dict[str, Any]) -> dict[str, Any]:
    a, (b, c) = inputs["deep"]["a"], inputs["pair"]
    wave = jnp.sin if inputs["wave"] == "sin" else jnp.cos
    return {
        "first": {"x": wave(a) * b, "y": [jnp.exp(-c), jnp.sum(a * b)]},
        "label": inputs["wave"],
    }


@jax.jit
def _network(inputs: dict[str, Any]) -> dict[str, Any]:
    x = inputs["x"]
    for layer in inputs["layers"]:
        x = jnp.tanh(layer["w"] @ x + layer["b"])
    return {"scores": jax.nn.softmax(x), "loss": -jnp.log(jax.nn.softmax(x)[0])}


@eqx.filter_jit
def _trajectory(inputs: dict[str, Any]) -> dict[str, Any]:
    def step(state: Any, _: Any) -> Any:
        position, velocity = state
        velocity = velocity - inputs["step"] * inputs["stiffness"] * position**3
        return (position + inputs["step"] * velocity, velocity), position

    start = (inputs["position"], inputs["velocity"])
    end, path = lax.scan(step, start, length=inputs["rounds"])
    return {"end": list(end), "path": path}


@jax.jit
def _linear_algebra(inputs: dict[str, Any]) -> dict[str, Any]:
    matrix = inputs["m"] @ inputs["m"].T + 3 * jnp.eye(4)
    return {"x": jnp.linalg.solve(matrix, inputs["v"]), "log": jnp.linalg.slogdet(matrix)[1]}


@jax.jit
def _branches(inputs: dict[str, Any]) -> dict[str, Any]:
    x = inputs["x"]
    chosen = lax.cond(inputs["n"] > 2, jnp.sqrt, jnp.square, x)
    sorted_ = jnp.sort(x)[inputs["order"]]
    return {"y": jnp.where(x > 1, chosen, -chosen), "z": sorted_ * chosen.max()}


@jax.custom_vjp
def _clipped(x: Any) -> Any:
    return jnp.clip(x, 0.0, 1.0)


_clipped.defvjp(lambda x: (_clipped(x), x), lambda x, g: (g * jnp.exp(-x),))


def _by_hand(inputs: dict[str, Any]) -> dict[str, Any]:
    return {"y": _clipped(inputs["x"]) * inputs["s"]}


def _mixed(inputs: dict[str, Any]) -> dict[str, Any]:
    return {"y": inputs["half"] * inputs["single"] + jnp.sum(inputs["double"]), "n": inputs["n"]}


def _complex(inputs: dict[str, Any]) -> dict[str, Any]:
    return {"y": jnp.fft.fft(inputs["x"]) * inputs["z"], "power": jnp.abs(inputs["z"]) ** 2}


_LAYERS = [{"w": _numbers(5, 4), "b": _numbers(5)}, {"w": _numbers(3, 5), "b": _numbers(3)}]

REAL = (
    Case(
        name="nested",
        function=_nested,
        inputs={
            "deep": {"a": _numbers(6), "unused": _numbers(2)},
            "pair": (_numbers(6), _numbers(2, 2)),
            "wave": "sin",
            "nothing": None,
        },
        by=("deep.a", "pair.[0]", "pair.[1]"),
        of=("first.x", "first.y.[0]", "first.y.[1]"),
    ),
    Case(
        name="network",
        function=_network,
        inputs={"x": _numbers(4), "layers": _LAYERS},
        by=("layers.[0].w", "layers.[1].b", "x"),
        of=("loss", "scores"),
    ),
    Case(
        name="trajectory",
        function=_trajectory,
        inputs={
            "position": _numbers(3),
            "velocity": _numbers(3, dtype="float64"),
            "stiffness": np.float64(1.5),
            "step": 0.1,
            "rounds": 20,
        },
        by=("position", "stiffness"),
        of=("end.[0]", "path"),
    ),
    Case(
        name="linear algebra",
        function=_linear_algebra,
        inputs={"m": _numbers(4, 4), "v": _numbers(4)},
        by=("m", "v"),
        of=("x", "log"),
    ),
    Case(
        name="branches",
        function=_branches,
        inputs={"x": _numbers(5), "n": np.int64(3), "order": np.array([4, 0, 2])},
        by=("x",),
        of=("y", "z"),
    ),
    Case(
        name="by hand",
        function=_by_hand,
        inputs={"x": _numbers(4), "s": np.float64(2.0)},
        by=("x", "s"),
        of=("y",),
        forward=False,
    ),
    Case(
        name="mixed",
        function=_mixed,
        inputs={
            "half": _numbers(3, dtype="float16"),
            "single": _numbers(3, dtype="float32"),
            "double": _numbers(2),
            "n": np.arange(3),
        },
        by=("half", "single", "double"),
        of=("y",),
    ),
)

COMPLEX = Case(
    name="complex",
    function=_complex,
    inputs={"x": _numbers(4), "z": _numbers(4) + 1j * _numbers(4)},
    by=("x", "z"),
    of=("y", "power"),
)
