"""Evaluations of a function near one point, as numerical derivatives need them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import nullcontext
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np

from runtime_core.arrays.coercion import AnyArray
from runtime_core.calls import scope
from runtime_core.calls.faults import summary
from runtime_core.contracts import Evaluations, Run
from runtime_core.errors import AuthorError, ExecutorFailed, GradientFailed, InvalidResult
from runtime_core.gradients.vectors import Vector, numeric_array
from runtime_core.message_texts import exception_text
from runtime_core.paths import InvalidPath, get_dumped, parse, replace
from runtime_core.run_logs.run import new_evaluation, remove_files

K = TypeVar("K")
I = TypeVar("I")  # noqa: E741  # the inputs


@dataclass(frozen=True, kw_only=True)
class Point:
    """Inputs of which the arrays in `changes`, by path, differ from those to differentiate at.

    `place` ends a sentence such as "apply failed ...".
    """

    changes: Vector
    place: str = "near the inputs"


P = TypeVar("P", bound=Point)


def evaluate_all(
    evaluations: Evaluations,
    points: Iterable[P],
    outputs: Collection[str],
    *,
    total: int | None = None,
    advice: str = "",
) -> Iterator[tuple[P, Vector]]:
    """Evaluate at many points with the executor, and show the progress of a command.

    Points are yielded in order, each with its outputs. At most `evaluations.concurrency`
    evaluations are pending at a time. Raises `GradientFailed` for the first evaluation that fails,
    with the place of the point and `advice` at the end. `total` is the number of points, if it is
    known.
    """
    found = attempt_in_order(evaluations, points, outputs, advice)
    for point, values in scope.current().progress.track(found, "evaluations of apply", total):
        if isinstance(values, GradientFailed):
            raise values
        yield point, values


def attempt_in_order(
    evaluations: Evaluations, points: Iterable[P], outputs: Collection[str], advice: str = ""
) -> Iterator[tuple[P, Vector | GradientFailed]]:
    """Yield points with their outputs, or with the error of an evaluation that has failed."""
    for point, future in in_order(evaluations, ((each, each.changes) for each in points), outputs):
        yield _finished(point, future, advice)


def in_order(
    evaluations: Evaluations, points: Iterable[tuple[K, Vector]], outputs: Collection[str]
) -> Iterator[tuple[K, Future[Vector]]]:
    """Evaluate at changed inputs, each with a key, and yield the keys with futures, in order.

    At most `evaluations.concurrency` evaluations are pending at a time.
    """
    pending: deque[tuple[K, Future[Vector]]] = deque()
    for key, changes in points:
        pending.append((key, evaluations.submit(changes, outputs)))
        if len(pending) >= evaluations.concurrency:
            yield pending.popleft()
    while pending:
        yield pending.popleft()


def _finished(point: P, future: Future[Vector], advice: str) -> tuple[P, Vector | GradientFailed]:
    try:
        return point, future.result()
    except ExecutorFailed:
        raise  # the point is not at fault
    except Exception as error:  # an author's function may raise anything
        cause = error.cause if isinstance(error, AuthorError) else error
        failed = GradientFailed(f"apply failed {point.place}: {exception_text(cause)}{advice}")
        failed.__cause__ = cause
        return point, failed


class SerialEvaluations(Generic[I]):
    """Evaluates a function in this thread, as soon as it is submitted.

    `inputs` is a tree of models, dicts and lists. Every evaluation gets its own copy, which the
    function may change.

    >>> evaluations = SerialEvaluations(lambda inputs: {"y": 2 * inputs["x"]}, {"x": np.ones(2)})
    >>> evaluations.submit({"x": np.array([1.0, 5.0])}, ["y"]).result()
    {'y': array([ 2., 10.])}
    """

    concurrency = 1

    def __init__(self, function: Callable[[I], object], inputs: I) -> None:
        self._function = function
        self._inputs = deepcopy(inputs)
        self._rests: dict[frozenset[str], I] = {}

    def submit(self, changes: Vector, outputs: Collection[str]) -> Future[Vector]:
        """Evaluate with some inputs changed and nothing logged; the caller owns the result."""
        future: Future[Vector] = Future()
        try:
            copies = {path: np.array(array)[()] for path, array in changes.items()}
            answer = self._answer(copies, traced=False)
            future.set_result({path: _array(answer, path) for path in outputs})
        except Exception as error:
            future.set_exception(error)
        return future

    def traced(self, changes: Mapping[str, Any], outputs: Collection[str]) -> dict[str, Any]:
        """Evaluate with tracers of other libraries, which array fields take unchanged."""
        answer = self._answer(changes, traced=True)
        return {path: _leaf(answer, path) for path in outputs}

    def _answer(self, changes: Mapping[str, Any], *, traced: bool) -> object:
        inputs = self._changed(changes)
        here = scope.current()
        run = self._run
        evaluating = here.log.evaluating(run) if here.log is not None else nullcontext()
        try:
            with evaluating, scope.enter(here.evaluation(run, traced=traced)):
                return self._function(inputs)
        finally:
            remove_files(run)

    @cached_property
    def _run(self) -> Run:
        """The run of all evaluations, each of which begins without files."""
        run = scope.current().run
        return new_evaluation(run.folder if run is not None else Path())

    def _changed(self, changes: Mapping[str, Any]) -> I:
        """Return inputs that share no memory with other evaluations."""
        leaves = {parse(path): leaf for path, leaf in changes.items()}
        changed: I = replace(deepcopy(self._rest(frozenset(changes))), leaves)
        return changed

    def _rest(self, paths: frozenset[str]) -> I:
        """Return the inputs without the arrays that change, which need not be copied."""
        if paths not in self._rests:
            self._rests[paths] = replace(self._inputs, {parse(path): None for path in paths})
        return self._rests[paths]


def _array(outputs: object, path: str) -> AnyArray:
    """Copy the array at a path: the function may return the same one again."""
    leaf = _leaf(outputs, path)
    array = numeric_array(leaf)
    if array is None:
        raise InvalidResult(f"apply returned {summary(leaf)} at {path!r}, expected an array.")
    return np.array(array)


def _leaf(outputs: object, path: str) -> Any:
    """Return the value at a path of outputs, or of a dump of them."""
    try:
        return get_dumped(outputs, parse(path))
    except InvalidPath:
        raise InvalidResult(f"apply returned nothing at {path!r}, expected an array.") from None
