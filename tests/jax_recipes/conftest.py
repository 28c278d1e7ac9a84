"""Settings of JAX for each test, and inputs of any form."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jax
import numpy as np
import pytest
from pydantic import BaseModel, ConfigDict

from tesseract_runtime_jax import set_jax_vjp_cache_size
from tesseract_runtime_jax.x64 import in_64_bits


class Inputs(BaseModel):
    """Inputs with any fields."""

    model_config = ConfigDict(extra="allow", arbitrary_types_allowed=True)


class Counted:
    """A function that counts how often it is traced, and how often it runs."""

    def __init__(self, function: Any) -> None:
        self.function = function
        self.traces = 0
        self._runs: list[None] = []

    def __call__(self, inputs: Any) -> Any:
        """Run the function."""
        self.traces += 1
        jax.debug.callback(lambda: self._runs.append(None))
        return self.function(inputs)

    @property
    def runs(self) -> int:
        """The number of runs of the function."""
        wait: Any = jax.effects_barrier  # it has no types
        wait()
        return len(self._runs)


def same_bits(one: Any, other: Any) -> bool:
    """Compare the leaves of two trees, bit by bit."""
    leaves, others = map(jax.tree_util.tree_leaves, (one, other))
    return len(leaves) == len(others) and all(
        (np.shape(a), np.asarray(a).dtype) == (np.shape(b), np.asarray(b).dtype)
        and np.asarray(a).tobytes() == np.asarray(b).tobytes()
        for a, b in zip(leaves, others, strict=True)
    )


def aligned(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return a copy at an address at which JAX on a CPU need not copy the array, if it is large."""
    memory = np.empty(array.nbytes + 64, np.uint8)
    start = -memory.ctypes.data % 64
    view: Any = memory[start : start + array.nbytes].view(array.dtype)
    copied: np.ndarray[Any, Any] = view.reshape(array.shape)
    copied[...] = array
    return copied


def compute_in(bits: int) -> None:
    """Let JAX compute in 32 or 64 bits."""
    config: Any = jax.config  # it has no types
    config.update("jax_enable_x64", bits == 64)


@pytest.fixture(autouse=True)
def double_precision() -> Iterator[None]:
    """Let JAX compute in 64 bits."""
    before = 64 if in_64_bits() else 32
    compute_in(64)
    yield
    compute_in(before)


@pytest.fixture(autouse=True)
def no_vjp_cache() -> Iterator[None]:
    """Disable the VJP cache, as by default."""
    set_jax_vjp_cache_size(0)
    yield
    set_jax_vjp_cache_size(0)
