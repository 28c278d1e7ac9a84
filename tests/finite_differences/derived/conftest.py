"""Linear maps with gradients as authors write them, which record their calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from runtime_core.paths import get, parse

Matrix = Mapping[str, Mapping[str, Any]]


class Linear:
    """Outputs that are linear in the inputs, given by the blocks of their Jacobian."""

    def __init__(self, blocks: Matrix) -> None:
        self.blocks = blocks
        self.calls: list[dict[str, Any]] = []

    def apply(self, inputs: Any) -> dict[str, Any]:
        """Return the outputs."""
        self.calls.append({"inputs": inputs})
        point = {x: get(inputs, parse(x)) for row in self.blocks.values() for x in row}
        return {y: self._times(y, point) for y in self.blocks}

    def jacobian(self, **named: Any) -> dict[str, dict[str, Any]]:
        """Return the requested blocks."""
        self.calls.append(named)
        return {
            y: {x: self.blocks[y][x] for x in named["jac_inputs"]} for y in named["jac_outputs"]
        }

    def jvp(self, **named: Any) -> dict[str, Any]:
        """Return the Jacobian times a tangent."""
        self.calls.append(named)
        return {y: self._times(y, named["tangent_vector"]) for y in named["jvp_outputs"]}

    def vjp(self, **named: Any) -> dict[str, Any]:
        """Return a cotangent times the Jacobian."""
        self.calls.append(named)
        cotangent = named["cotangent_vector"]
        return {
            x: sum(np.tensordot(v, self.blocks[y][x], np.ndim(v)) for y, v in cotangent.items())
            for x in named["vjp_inputs"]
        }

    def _times(self, y: str, vector: Mapping[str, Any]) -> Any:
        row = self.blocks[y]
        return sum(np.tensordot(row[x], v, np.ndim(v)) for x, v in vector.items() if x in row)


def example() -> tuple[Linear, dict[str, Any]]:
    """Make a map of 2 inputs with 4 elements to 2 outputs with 3, and a point."""
    blocks: Matrix = {
        "y": {"x": np.arange(6.0).reshape(2, 3), "s": np.array([7.0, 8.0])},
        "t": {"x": np.array([1.0, -1.0, 2.0]), "s": np.float64(5.0)},
    }
    return Linear(blocks), {"x": np.array([1.0, 2.0, 3.0]), "s": np.float64(4.0)}


def assert_same(found: Any, expected: Any) -> None:
    """Compare nested dicts of arrays: keys, kinds, shapes, data types and values."""
    if isinstance(expected, Mapping):
        assert found.keys() == expected.keys()
        for key, value in expected.items():
            assert_same(found[key], value)
        return
    assert type(found) is type(expected)
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected, strict=True)
