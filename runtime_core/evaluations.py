"""Evaluations of a function near one point, as numerical derivatives need them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager, nullcontext
from copy import deepcopy
from dataclasses import replace as replaced
from typing import Generic, TypeVar

import numpy as np

from runtime_core.arrays.coercion import NUMERIC_KINDS, AnyArray
from runtime_core.calls import scope
from runtime_core.calls.faults import summary
from runtime_core.errors import InvalidResult
from runtime_core.paths import InvalidPath, get, parse, replace
from runtime_core.runs import EVALUATION

I = TypeVar("I")  # noqa: E741  # the inputs


class SerialEvaluations(Generic[I]):
    """Evaluates a function in this thread, each time when it is submitted.

    `inputs` is a tree of models, dicts and lists; it is copied, and every evaluation gets a copy
    of its own, so that a function may change what it is given.

    >>> evaluations = SerialEvaluations(lambda inputs: {"y": 2 * inputs["x"]}, {"x": np.ones(2)})
    >>> evaluations.submit({"x": np.array([1.0, 5.0])}, ["y"]).result()
    {'y': array([ 2., 10.])}
    """

    concurrency = 1

    def __init__(self, function: Callable[[I], object], inputs: I) -> None:
        self._function = function
        self._inputs = deepcopy(inputs)
        self._rests: dict[frozenset[str], I] = {}

    def submit(
        self, changes: Mapping[str, AnyArray], outputs: Collection[str]
    ) -> Future[Mapping[str, AnyArray]]:
        """Evaluate with some inputs changed; `changes` and the result belong to the caller."""
        future: Future[Mapping[str, AnyArray]] = Future()
        try:
            future.set_result(self._evaluated(changes, outputs))
        except Exception as error:
            future.set_exception(error)
        return future

    def _evaluated(
        self, changes: Mapping[str, AnyArray], outputs: Collection[str]
    ) -> Mapping[str, AnyArray]:
        inputs = self._changed(changes)
        with _unrecorded():
            answer = self._function(inputs)
        return {path: _array(answer, path) for path in outputs}

    def _changed(self, changes: Mapping[str, AnyArray]) -> I:
        """Return inputs that share nothing with any other evaluation."""
        leaves = {parse(path): np.array(array)[()] for path, array in changes.items()}
        changed: I = replace(deepcopy(self._rest(frozenset(changes))), leaves)
        return changed

    def _rest(self, paths: frozenset[str]) -> I:
        """Return the inputs without what changes, which need not be copied."""
        if paths not in self._rests:
            self._rests[paths] = replace(self._inputs, {parse(path): None for path in paths})
        return self._rests[paths]


@contextmanager
def _unrecorded() -> Iterator[None]:
    """Drop what is logged inside the `with`."""
    here = scope.current()
    muted = here.log.muted() if here.log is not None else nullcontext()
    with muted, scope.enter(replaced(here, run=EVALUATION)):
        yield


def _array(outputs: object, path: str) -> AnyArray:
    """Return a copy of the array at a path, for a function may return the same one again."""
    try:
        leaf = get(outputs, parse(path))
    except InvalidPath:
        raise InvalidResult(f"apply returned nothing at {path!r}, expected an array.") from None
    try:
        array = np.array(leaf)
    except (ValueError, TypeError):
        array = np.array(None)
    if array.dtype.kind not in NUMERIC_KINDS:
        raise InvalidResult(f"apply returned {summary(leaf)} at {path!r}, expected an array.")
    return array
