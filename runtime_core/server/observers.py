"""The observers of requests, each in a thread of its own: the event loop waits for none."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from runtime_core.calls.faults import fault_of
from runtime_core.contracts import AnsweredRequest, Call, Reply
from runtime_core.errors import PluginFailed, QueueFull

_PAUSE = 0.05  # seconds to collect requests: to wake the thread for each would slow them
_SECONDS_TO_END = 1.0
_MOST_WAITING = 10_000  # requests; an observer that stalls misses the others

Observe = Callable[[Sequence[AnsweredRequest]], Awaitable[None] | None]


class Observers:
    """Shows requests to all observers, which are ended with the `async with`."""

    def __init__(self, report: Callable[[str], None]) -> None:
        self._report = report
        self._observers: list[Observer] = []

    def replace(self, observers: Sequence[Observe]) -> None:
        """Use these observers from now on, instead of those before."""
        self._observers[:] = [Observer(observe, self._report) for observe in observers]

    def add(self, request: AnsweredRequest) -> None:
        """Show a request to the observers, soon."""
        for observer in self._observers:
            observer.add(request)

    @contextmanager
    def calling(self, call: Call) -> Iterator[AnsweredRequest]:
        """Show a call that an extension makes inside the `with`."""
        request = AnsweredRequest(
            method=None,
            path=f"/{call.endpoint}",
            timestamp=time.time(),
            endpoint=call.endpoint,
            run_id=call.run_id,
            parent_run_id=call.parent_run_id,
            caller=call.caller,
            metadata=call.metadata,
            bytes_in=memoryview(call.body).nbytes,
        )
        start = time.perf_counter()
        try:
            yield request
        except QueueFull as error:
            request.fault, request.status = fault_of(error), error.kind.status
            raise
        finally:
            request.seconds = time.perf_counter() - start
            self.add(request)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Show the rest, unless that takes too long."""
        await asyncio.gather(*(asyncio.to_thread(one.end) for one in self._observers))


class Observer:
    """Calls one function with requests, in a thread that begins with the first of them."""

    def __init__(self, observe: Observe, report: Callable[[str], None]) -> None:
        self._observe = observe
        self._report = report
        self._waiting: deque[AnsweredRequest] = deque()
        self._news = threading.Event()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def add(self, request: AnsweredRequest) -> None:
        """Queue a request, unless too many wait."""
        if len(self._waiting) < _MOST_WAITING:
            self._waiting.append(request)
        if not self._news.is_set():
            self._news.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, daemon=True)
            self._thread.start()

    def end(self) -> None:
        """Show the remaining requests, and end the thread if that takes no longer."""
        self._ended.set()
        self._news.set()
        if self._thread is not None:
            self._thread.join(_SECONDS_TO_END)

    def _work(self) -> None:
        with asyncio.Runner() as runner:
            is_last = False
            while not is_last:
                self._news.wait()
                self._news.clear()
                is_last = self._ended.wait(_PAUSE)
                requests = [self._waiting.popleft() for _ in range(len(self._waiting))]
                if requests:
                    self._show(requests, runner)

    def _show(self, requests: Sequence[AnsweredRequest], runner: asyncio.Runner) -> None:
        try:
            pending = self._observe(requests)
            if pending is not None:
                runner.run(_awaited(pending))
        except PluginFailed as fault:
            self._report(str(fault))


def note_reply(request: AnsweredRequest, reply: Reply) -> None:
    """Note what observers see of a reply."""
    request.timings = {**request.timings, **reply.timings}
    request.fault, request.forward = reply.fault, reply.forward or None


async def _awaited(pending: Awaitable[Any]) -> None:
    await pending
