"""Evaluations that are submitted to an executor: the point once, and results in any order."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Collection
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from contextlib import suppress
from typing import Any, Self

from runtime_core.catalog import CORE, install_command
from runtime_core.contracts import SharingExecutor
from runtime_core.errors import ExecutorFailed, GradientFailed, WorkerDied
from runtime_core.executors.chosen_executor import ChosenExecutor
from runtime_core.executors.cores import usable_cores
from runtime_core.executors.task import Asked, evaluate_near
from runtime_core.executors.wire_data import (
    UNKNOWN_POINT,
    Outcome,
    packed,
    vector_of,
)
from runtime_core.gradients.vectors import Vector
from runtime_core.message_texts import exception_text

_PER_WORKER = 3
"""Evaluations that are pending at a time for each worker, so that it never waits for the next."""

_MOST_LOSSES = 2
"""The number of processes that an evaluation may take with it."""


class SubmittedEvaluations:
    """Evaluates near a point in the processes of an executor, inside a `with`.

    The point is pickled without its classes, which each process takes from its own Tesseract. The
    first evaluation for each worker carries it, or what an executor that can share it has made of
    it, and a process that has not received it asks again.
    """

    def __init__(self, executor: ChosenExecutor, model: str, inputs: object) -> None:
        self._chosen = executor
        self._model = model
        self._point = _pickled(inputs, executor)
        self._digest = hashlib.sha256(self._point).hexdigest()
        self._shared: tuple[Executor, object] | None = None
        self._carried = 0  # evaluations that have carried the point
        self._pending: set[EvaluationFuture] = set()

    @property
    def concurrency(self) -> int:
        """The number of evaluations to keep pending at a time."""
        return _PER_WORKER * _workers(self._current())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Drop the evaluations whose results are not read."""
        for future in self._pending:
            future.computed.cancel()
        self._pending.clear()

    def submit(self, changes: Vector, outputs: Collection[str]) -> Future[Vector]:
        """Submit an evaluation; `ExecutorFailed` if the executor cannot be opened."""
        asked = (self._model, self._digest, packed(changes), tuple(outputs))
        future = EvaluationFuture(self, asked, self._send(asked))
        self._pending.add(future)
        return future

    def finish(self, future: EvaluationFuture) -> Vector:
        """Return the outputs of an evaluation that has been submitted, or raise its error."""
        try:
            return vector_of(self._outcome(future))
        finally:
            self._pending.discard(future)

    def _outcome(self, future: EvaluationFuture) -> Outcome:
        """Wait for an outcome, and send again what needs the point or was lost with a process."""
        losses = 0
        while True:
            try:
                name, _ = outcome = future.computed.result()
            except BrokenExecutor as error:
                losses += 1
                if losses == _MOST_LOSSES:
                    raise self._given_up(error) from None
                self._shared = None  # it may have been lost too
                self._wait_for_others(future)
            except Exception as error:
                raise _without_runtime(error, self._chosen) from None
            else:
                if name != UNKNOWN_POINT:
                    return outcome
            future.computed = self._send(future.asked, with_point=True)

    def _wait_for_others(self, future: EvaluationFuture) -> None:
        """Wait until an evaluation is the only one: others would be suspected too."""
        for other in self._pending - {future}:
            with suppress(CancelledError):
                other.computed.exception()

    def _given_up(self, error: BrokenExecutor) -> WorkerDied:
        return WorkerDied(
            f"{_MOST_LOSSES} processes of {self._chosen} have ended during this evaluation. {error}"
        )

    def _send(self, asked: Asked, *, with_point: bool = False) -> Future[Outcome]:
        """Submit to the executor, or to another one in the place of a broken one."""
        executor = self._current()
        try:
            return self._sent(executor, asked, with_point=with_point)
        except BrokenExecutor:
            executor, self._carried = self._chosen.replace(executor), 0
            return self._sent(executor, asked, with_point=True)

    def _sent(self, executor: Executor, asked: Asked, *, with_point: bool) -> Future[Outcome]:
        point = self._argument(executor, with_point=with_point)
        return executor.submit(evaluate_near, asked, point)

    def _argument(self, executor: Executor, *, with_point: bool) -> Any:
        """Return the point as an argument of `submit`, or `None` where it is known."""
        self._carried += 1
        if not with_point and self._carried > _workers(executor):
            return None
        if not isinstance(executor, SharingExecutor):
            return self._point
        if self._shared is None or self._shared[0] is not executor:
            self._shared = (executor, executor.share(self._point))
        return self._shared[1]

    def _current(self) -> Executor:
        executor = self._chosen.current()
        assert executor is not None  # else nothing would be submitted
        return executor


class EvaluationFuture(Future[Vector]):
    """The outputs of an evaluation; who reads them decides what to do about a lost process."""

    def __init__(
        self, evaluations: SubmittedEvaluations, asked: Asked, computed: Future[Outcome]
    ) -> None:
        super().__init__()
        self.asked = asked
        self.computed = computed
        self._evaluations = evaluations

    def result(self, timeout: float | None = None) -> Vector:
        """Return the outputs."""
        self._finish()
        return super().result()

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Return the error of the evaluation, if it has failed."""
        self._finish()
        return super().exception()

    def _finish(self) -> None:
        if self.done():
            return
        try:
            outputs = self._evaluations.finish(self)
        except Exception as error:
            self.set_exception(error)
        else:
            self.set_result(outputs)


def _workers(executor: Executor) -> int:
    known = getattr(executor, "workers", None) or getattr(executor, "_max_workers", None)
    return known if isinstance(known, int) else usable_cores()


def _pickled(inputs: object, executor: ChosenExecutor) -> bytes:
    try:
        return pickle.dumps(inputs, protocol=5)
    except Exception as error:  # objects of the author's may raise anything
        raise GradientFailed(
            f"The inputs cannot be sent to {executor}: {exception_text(error)}. Compute in this "
            "process with --executor serial."
        ) from None


def _without_runtime(error: Exception, executor: ChosenExecutor) -> Exception:
    """Return an error of an executor, or the next step if its processes have no runtime."""
    cause: BaseException | None = error
    while cause is not None and "No module named 'runtime_core" not in str(cause):
        cause = cause.__cause__ or cause.__context__
    if cause is None:
        return error
    return ExecutorFailed(
        f"The processes of {executor} do not have the runtime. Install it there with: "
        f"{install_command(CORE)}"
    )
