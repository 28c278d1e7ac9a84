"""A pool of processes that compute tasks, driven by the thread that waits for a result."""

from __future__ import annotations

import selectors
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import contextmanager
from threading import RLock
from typing import Any

from runtime_core.executors.driven_future import DrivenFuture
from runtime_core.workers.framing import ConnectionEnded
from runtime_core.workers.task_process import Task, TaskProcess

_DEPTH = 2  # tasks of a process: one that it computes, and one that it finds when it is done

_READ = selectors.EVENT_READ
_BOTH = selectors.EVENT_READ | selectors.EVENT_WRITE


class TaskPool(Executor):
    """Computes tasks in up to `workers` processes, which start when there are tasks for them.

    Neither a thread nor an event loop of ours is in this process: who waits for the result of a
    future sends, receives and replaces processes meanwhile. A task whose process has ended raises
    `BrokenExecutor`; the task behind it goes to another one. Ctrl-C ends all processes, so that no
    later task waits for those of the interrupted call.
    """

    def __init__(self, workers: int, environment: Mapping[str, str]) -> None:
        self.workers = workers
        self._environment = environment
        self._selector = selectors.DefaultSelector()
        self._processes: list[TaskProcess] = []
        self._waiting: deque[Task] = deque()
        self._lock = RLock()  # threads take turns

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **_: Any) -> Future[Any]:
        """Send a task to the process with the fewest, or keep it until one has few."""
        future: DrivenFuture[Any] = DrivenFuture(self._drive)
        task = Task.of(function, arguments, future)
        with self._lock, self._interruptible():
            self._waiting.append(task)
            self._dispatch()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End all processes; tasks that are not done are lost."""
        with self._lock:
            self._end_all("The pool has been closed.")

    def _end_all(self, reason: str) -> None:
        lost = [*self._waiting, *(task for each in self._processes for task in each.tasks)]
        self._waiting.clear()
        for process in [*self._processes]:
            self._selector.unregister(process)
            process.end()
        self._processes.clear()
        for task in lost:
            if not task.future.done():
                task.future.set_exception(BrokenExecutor(reason))

    def _drive(self, future: Future[Any]) -> None:
        """Send and receive until a future is done."""
        while not future.done():
            with self._lock, self._interruptible():
                if not future.done():
                    self._step()

    @contextmanager
    def _interruptible(self) -> Iterator[None]:
        """End all processes at Ctrl-C, when their sockets may not agree with their tasks."""
        try:
            yield
        except KeyboardInterrupt:
            self._end_all("Another call has been interrupted.")
            raise

    def _step(self) -> None:
        for key, events in self._selector.select():
            process: Any = key.fileobj
            try:
                if events & selectors.EVENT_WRITE:
                    process.go_on()
                if events & selectors.EVENT_READ:
                    process.receive()
            except ConnectionEnded:
                self._lose(process)
            else:
                self._watch(process)
        self._dispatch()

    def _dispatch(self) -> None:
        """Send waiting tasks to processes that have few."""
        while self._waiting and (process := self._free()) is not None:
            task = self._waiting[0]
            if not task.future.done():
                if not task.future.running():
                    task.future.set_running_or_notify_cancel()
                try:
                    process.send(task)
                except ConnectionEnded:
                    self._lose(process)
                    continue
                self._watch(process)
            self._waiting.popleft()

    def _free(self) -> TaskProcess | None:
        """Return the process with the fewest tasks, a new one if all have some."""
        fewest = min(self._processes, key=lambda process: len(process.tasks), default=None)
        if fewest is not None and not fewest.tasks:
            return fewest
        if len(self._processes) < self.workers:
            fewest = TaskProcess(self._environment)
            self._selector.register(fewest, _READ)
            self._processes.append(fewest)
            return fewest
        return fewest if fewest is not None and len(fewest.tasks) < _DEPTH else None

    def _watch(self, process: TaskProcess) -> None:
        wanted = _BOTH if process.is_sending else _READ
        if self._selector.get_key(process).events != wanted:
            self._selector.modify(process, wanted)

    def _lose(self, process: TaskProcess) -> None:
        """Fail the task that an ended process computed, and give back the others."""
        self._selector.unregister(process)
        self._processes.remove(process)
        end = process.end()
        if process.tasks:
            computed = process.tasks.popleft()
            computed.future.set_exception(BrokenExecutor(f"The last one ended by {end}."))
        self._waiting.extendleft(reversed(process.tasks))
