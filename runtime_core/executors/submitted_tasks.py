"""Tasks that are submitted to an executor, and what happens when it loses a process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Generic, Self, TypeVar

from runtime_core.distributions import CORE, install_command
from runtime_core.errors import ExecutorFailed
from runtime_core.executors.chosen_executor import ChosenExecutor
from runtime_core.executors.driven_future import DrivenFuture
from runtime_core.executors.sent_point import SentPoint, workers_of
from runtime_core.executors.wire_data import DIED, Computed, Outcome

_PER_WORKER = 3
"""Bundles that are pending at a time for each worker, so that it never waits for the next."""

_MOST_LOSSES = 2
"""The number of processes that a task may take with it."""

_MOST_TOGETHER = 64
"""Tasks of a bundle."""

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Asked(Generic[T]):
    """A task: an importable function, its argument as plain data, and its point.

    `read` returns the result of its outcome, or raises its error.
    """

    function: Callable[..., Computed]
    argument: Any
    point: SentPoint
    read: Callable[[Outcome], T]


class SubmittedTask(DrivenFuture[T]):
    """The result of a task, with what may have to be sent again."""

    asked: Asked[T]
    bundle: Bundle | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Bundle:
    """Tasks that were sent together, and the outcomes of the first of them."""

    tasks: Sequence[SubmittedTask[Any]]
    computed: Future[Computed]


class SubmittedTasks:
    """Tasks in the processes of an executor, inside a `with`.

    Short tasks are sent in bundles, where an executor names the `least_seconds` of one.
    """

    def __init__(self, executor: ChosenExecutor, folder: SentPoint | None = None) -> None:
        self._chosen = executor
        self._folder = folder  # of the Tesseract, which processes may not see
        self._pending: set[SubmittedTask[Any]] = set()
        self._next: list[SubmittedTask[Any]] = []  # the bundle that is sent next
        self._size = 1  # of a bundle, until tasks turn out to be short

    @property
    def concurrency(self) -> int:
        """The number of tasks to keep pending at a time."""
        return _PER_WORKER * workers_of(self._current()) * self._size

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Drop the tasks whose results are not read."""
        for bundle in self._bundles():
            bundle.computed.cancel()
        for task in self._next:
            task.cancel()
        self._pending.clear()
        self._next.clear()

    def submit(self, asked: Asked[T]) -> Future[T]:
        """Submit a task; `ExecutorFailed` if the executor cannot be opened."""
        future: SubmittedTask[T] = SubmittedTask(self._finish)
        future.asked = asked
        if self._next and self._next[0].asked.point is not asked.point:
            self._send_next()
        self._next.append(future)
        self._pending.add(future)
        if len(self._next) >= self._size:
            self._send_next()
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
        """Wait, and send again what was not computed or was lost with a process."""
        losses = 0
        while True:
            bundle = future.bundle or self._send_next()
            try:
                outcomes, share = bundle.computed.result()
            except BrokenExecutor as error:
                losses += 1
                if losses == _MOST_LOSSES:
                    return DIED, self._given_up(error)
                for point in self._points(future.asked):
                    point.lost()
                self._wait_for_others(bundle)
                self._send([future], again=True)
            except Exception as error:
                raise _without_runtime(error, self._chosen) from None
            else:
                self._size = _next_size(len(outcomes), share)
                if len(outcomes) < len(bundle.tasks):
                    self._send_rest(bundle, outcomes)
                if future.bundle is bundle:
                    return outcomes[bundle.tasks.index(future)]

    def _wait_for_others(self, bundle: Bundle) -> None:
        """Wait until a bundle is the only one: others would be suspected too."""
        for other in self._bundles() - {bundle}:
            with suppress(CancelledError):
                other.computed.exception()

    def _bundles(self) -> set[Bundle]:
        return {each.bundle for each in self._pending if each.bundle is not None}

    def _given_up(self, error: BrokenExecutor) -> str:
        return (
            f"{_MOST_LOSSES} processes of {self._chosen} have ended during this evaluation. {error}"
        )

    def _send_next(self) -> Bundle:
        tasks, self._next = self._next, []
        return self._send(tasks)

    def _send_rest(self, bundle: Bundle, outcomes: Sequence[Outcome]) -> None:
        """Send again what a process has not computed: nothing without the point, or a part."""
        rest = [each for each in bundle.tasks[len(outcomes) :] if each.bundle is bundle]
        if rest and not outcomes:
            self._send(rest, again=True)
            return
        for each in rest:
            self._send([each])

    def _send(self, tasks: Sequence[SubmittedTask[Any]], *, again: bool = False) -> Bundle:
        """Submit to the executor, or to another one in the place of a broken one."""
        executor = self._current()
        asked = [each.asked for each in tasks]
        try:
            computed = self._sent(executor, asked, again=again)
        except BrokenExecutor:
            executor = self._chosen.replace(executor)
            for point in self._points(asked[0]):
                point.unknown()
            computed = self._sent(executor, asked, again=True)
        bundle = Bundle(tasks=tasks, computed=computed)
        for each in tasks:
            each.bundle = bundle
        return bundle

    def _sent(
        self, executor: Executor, asked: Sequence[Asked[Any]], *, again: bool
    ) -> Future[Computed]:
        points = [point.argument(executor, again=again) for point in self._points(asked[0])]
        seconds = getattr(executor, "least_seconds", 0.0)
        bundled = (seconds, [each.argument for each in asked])
        return executor.submit(asked[0].function, bundled, *points)

    def _points(self, asked: Asked[T]) -> Sequence[SentPoint]:
        """Return the point of a task, and the folder if it is sent."""
        return [asked.point, *([self._folder] if self._folder is not None else ())]

    def _current(self) -> Executor:
        executor = self._chosen.current()
        assert executor is not None  # else nothing would be submitted
        return executor


def _next_size(computed: int, share: float) -> int:
    """Return the size of a bundle, of tasks that take as long as those of the last one."""
    return min(max(int(computed / share), 1), _MOST_TOGETHER) if computed else 1


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
