"""Small functions to differentiate, notes of where they are called, and the three gradients."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tesseract_runtime_finite_differences import (
    finite_difference_jacobian,
    finite_difference_jvp,
    finite_difference_vjp,
)

AnyArray = np.ndarray[Any, np.dtype[Any]]
Apply = Callable[[Any], Any]

GRADIENTS = ("jacobian", "jvp", "vjp")
ALGORITHMS = ("central", "forward", "stochastic")


class Noted:
    """A function that notes a copy of the array `x` of the inputs at each call."""

    def __init__(self, function: Apply) -> None:
        self._function = function
        self.points: list[AnyArray] = []

    def __call__(self, inputs: Any) -> Any:
        """Call the function."""
        self.points.append(np.array(inputs["x"]))
        return self._function(inputs)

    @property
    def times(self) -> int:
        """Return the number of calls."""
        return len(self.points)


def identity(inputs: Any) -> Any:
    """Return x as y."""
    return {"y": inputs["x"]}


def cubes(inputs: Any) -> Any:
    """Return the cubes of x as y."""
    return {"y": inputs["x"] ** 3}


def jacobian(apply: Apply, x: Any, **options: Any) -> AnyArray:
    """Return the Jacobian of y by x."""
    return finite_difference_jacobian(apply, {"x": x}, {"x"}, {"y"}, **options)["y"]["x"]


def jvp(apply: Apply, x: Any, tangent: Any, **options: Any) -> AnyArray:
    """Return the Jacobian of y by x times a tangent."""
    return finite_difference_jvp(apply, {"x": x}, {"x"}, {"y"}, {"x": tangent}, **options)["y"]


def vjp(apply: Apply, x: Any, cotangent: Any, **options: Any) -> AnyArray:
    """Return a cotangent times the Jacobian of y by x."""
    return finite_difference_vjp(apply, {"x": x}, {"x"}, {"y"}, {"y": cotangent}, **options)["x"]


def gradient(name: str, apply: Apply, x: Any, **options: Any) -> AnyArray:
    """Return one of the three gradients of y of the shape of x, with a vector of ones."""
    if name == "jacobian":
        return jacobian(apply, x, **options)
    product = jvp if name == "jvp" else vjp
    return product(apply, x, np.ones_like(x), **options)


def leaves(tree: Any) -> list[AnyArray]:
    """Return the arrays of nested dicts in the order of their keys."""
    if not isinstance(tree, Mapping):
        return [tree]
    return [leaf for key in sorted(tree) for leaf in leaves(tree[key])]
