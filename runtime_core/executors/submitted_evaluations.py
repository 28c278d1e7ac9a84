"""Evaluations near a point in the processes of an executor."""

from __future__ import annotations

import pickle
from collections.abc import Collection
from concurrent.futures import Future

from runtime_core.errors import GradientFailed
from runtime_core.executors.chosen_executor import ChosenExecutor
from runtime_core.executors.sent_point import SentPoint
from runtime_core.executors.submitted_tasks import Asked, SubmittedTasks
from runtime_core.executors.task import evaluate_near
from runtime_core.executors.wire_data import packed, result_of
from runtime_core.gradients.vectors import Vector
from runtime_core.message_texts import exception_text


class SubmittedEvaluations:
    """Evaluates an endpoint near a point, whose classes each process takes from its Tesseract."""

    def __init__(self, tasks: SubmittedTasks, model: str, endpoint: str, point: SentPoint) -> None:
        self._tasks = tasks
        self._model = model
        self._endpoint = endpoint
        self._point = point

    @property
    def concurrency(self) -> int:
        """The number of evaluations to keep pending at a time."""
        return self._tasks.concurrency

    def submit(self, changes: Vector, outputs: Collection[str]) -> Future[Vector]:
        """Submit an evaluation; `ExecutorFailed` if the executor cannot be opened."""
        near = (self._endpoint, self._point.digest)
        argument = (self._model, near, packed(changes), tuple(outputs))
        asked = Asked(function=evaluate_near, argument=argument, point=self._point, read=result_of)
        return self._tasks.submit(asked)


def point_of(inputs: object, executor: ChosenExecutor) -> SentPoint:
    """Pickle inputs; `GradientFailed` for those that cannot be sent."""
    try:
        return SentPoint(pickle.dumps(inputs, protocol=5))
    except Exception as error:  # objects of the author's may raise anything
        raise GradientFailed(
            f"The inputs cannot be sent to {executor}: {exception_text(error)}. Compute in this "
            "process with --executor serial."
        ) from None
