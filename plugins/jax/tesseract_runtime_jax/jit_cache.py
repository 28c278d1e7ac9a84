"""Compiled derivatives, kept by function, form of the inputs and paths."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Hashable
from dataclasses import dataclass
from threading import Lock
from types import MethodType
from typing import Any

import jax
from cachetools import LRUCache, cached

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
    return transform, identity(function), primals.form, *map(frozenset, paths)


# Module-level, because an author's functions have no object to pass that could hold it.
# A file has few functions and paths, but each value of a Python number in its inputs is an entry.
@cached(LRUCache(256), key=_key, lock=Lock())
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


def identity(function: Any) -> Hashable:
    """Return a hashable identity of a function, valid while it is alive.

    Equality is not enough: equinox modules compare their arrays. Bound methods and partial
    functions are often created anew, so they are identified by their parts.
    """
    if isinstance(function, MethodType):
        return id(function.__self__), id(function.__func__)
    if isinstance(function, functools.partial):
        arguments = (*function.args, *function.keywords.values())
        return identity(function.func), *map(id, arguments), *function.keywords
    return id(function)
