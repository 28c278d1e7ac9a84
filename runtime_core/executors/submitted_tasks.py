"""Tasks that are submitted to an executor, and what happens when it loses a process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Generic, Self, TypeVar

from runtime_core.catalog import CORE, install_command
from runtime_core.errors import ExecutorFailed
from runtime_core.executors.chosen_executor import ChosenExecutor
from runtime_core.executors.driven_future import DrivenFuture
from runtime_core.executors.sent_point import SentPoint, workers_of
from runtime_core.executors.wire_data import DIED, UNKNOWN_POINT, Outcome

_PER_WORKER = 3
"""Tasks that are pending at a time for each worker, so that it never waits for the next."""

_MOST_LOSSES = 2
"""The number of processes that a task may take with it."""

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Asked(Generic[T]):
    """A task: an importable function, its argument as plain data, and its point.

    `read` returns the result of its outcome, or raises its error.
    """

    function: Callable[..., Outcome]
    argument: Any
    point: SentPoint
    read: Callable[[Outcome], T]


class SubmittedTask(DrivenFuture[T]):
    """The result of a task, with what may have to be sent again."""

    asked: Asked[T]
    computed: Future[Outcome]


class SubmittedTasks:
    """Tasks in the processes of an executor, inside a `with`."""

    def __init__(self, executor: ChosenExecutor, folder: SentPoint | None = None) -> None:
        self._chosen = executor
        self._folder = folder  # of the Tesseract, which processes may not see
        self._pending: set[SubmittedTask[Any]] = set()

    @property
    def concurrency(self) -> int:
        """The number of tasks to keep pending at a time."""
        return _PER_WORKER * workers_of(self._current())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Drop the tasks whose results are not read."""
        for future in self._pending:
            future.computed.cancel()
        self._pending.clear()

    def submit(self, asked: Asked[T]) -> Future[T]:
        """Submit a task; `ExecutorFailed` if the executor cannot be opened."""
        future: SubmittedTask[T] = SubmittedTask(self._finish)
        future.asked, future.computed = asked, self._send(asked)
        self._pending.add(future)
        return future

    def _finish(self, future: SubmittedTask[T]) -> None:
        """Wait for the outcome of a task, and settle its future."""
        try:
            result = future.asked.read(self._outcome(future))
        except Exception as error:
            future.set_exception(error)
        else:
            future.set_result(result)
        finally:
            self._pending.discard(future)

    def _outcome(self, future: SubmittedTask[T]) -> Outcome:
        """Wait, and send again what needs the point or was lost with a process."""
        losses = 0
        while True:
            try:
                name, _ = outcome = future.computed.result()
            except BrokenExecutor as error:
                losses += 1
                if losses == _MOST_LOSSES:
                    return DIED, self._given_up(error)
                for point in self._points(future.asked):
                    point.lost()
                self._wait_for_others(future)
            except Exception as error:
                raise _without_runtime(error, self._chosen) from None
            else:
                if name != UNKNOWN_POINT:
                    return outcome
            future.computed = self._send(future.asked, again=True)

    def _wait_for_others(self, future: SubmittedTask[T]) -> None:
        """Wait until a task is the only one: others would be suspected too."""
        for other in self._pending - {future}:
            with suppress(CancelledError):
                other.computed.exception()

    def _given_up(self, error: BrokenExecutor) -> str:
        return (
            f"{_MOST_LOSSES} processes of {self._chosen} have ended during this evaluation. {error}"
        )

    def _send(self, asked: Asked[T], *, again: bool = False) -> Future[Outcome]:
        """Submit to the executor, or to another one in the place of a broken one."""
        executor = self._current()
        try:
            return self._sent(executor, asked, again=again)
        except BrokenExecutor:
            executor = self._chosen.replace(executor)
            for point in self._points(asked):
                point.unknown()
            return self._sent(executor, asked, again=True)

    def _sent(self, executor: Executor, asked: Asked[T], *, again: bool) -> Future[Outcome]:
        points = self._points(asked)
        arguments = [point.argument(executor, again=again) for point in points]
        return executor.submit(asked.function, asked.argument, *arguments)

    def _points(self, asked: Asked[T]) -> Sequence[SentPoint]:
        """Return the point of a task, and the folder if it is sent."""
        return [asked.point, *([self._folder] if self._folder is not None else ())]

    def _current(self) -> Executor:
        executor = self._chosen.current()
        assert executor is not None  # else nothing would be submitted
        return executor


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
