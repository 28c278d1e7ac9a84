"""Compiled derivatives, made once for a function, a form of the inputs and paths."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable
from dataclasses import dataclass
from typing import Any

import jax
from cachetools import cached

from tesseract_runtime_jax.compiled_cache import COMPILED, LOCK, cache_key
from tesseract_runtime_jax.primals import Primals
from tesseract_runtime_jax.problem import Problem, problem_of
from tesseract_runtime_jax.transforms import Transform


@dataclass(frozen=True, kw_only=True, slots=True)
class Compiled:
    """A problem and the compiled function that solves it.

    It keeps the author's function alive, so that its id is not reused.
    """

    problem: Problem
    run: Callable[..., Any]


def _key(
    transform: Transform, function: Callable[..., Any], primals: Primals, *paths: Collection[str]
) -> Hashable:
    return cache_key(transform, function, primals.form, *paths)


@cached(COMPILED, key=_key, lock=LOCK)
def compiled(
    transform: Transform,
    function: Callable[..., Any],
    primals: Primals,
    inputs: Collection[str] = (),
    outputs: Collection[str] = (),
) -> Compiled:
    """Compile a transform of a function, or return it from the cache."""
    problem = problem_of(function, primals, inputs, outputs)
    return Compiled(problem=problem, run=jax.jit(transform(problem)))
