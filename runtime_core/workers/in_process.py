"""Workers in a thread of the same process, for tests and debuggers; they cannot cancel."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any, Self

from runtime_core.calls.faults import fault_of
from runtime_core.contracts import Call, Reply, RunningCall, ServerLoad
from runtime_core.description import describe
from runtime_core.errors import RunActive
from runtime_core.run_logs.supervisor import RunSupervisor
from runtime_core.runtime import Runtime
from runtime_core.workers.interface import Workers


class InProcessWorkers(Workers):
    """Runs one call at a time, off the event loop, to its end."""

    def __init__(self, runtime: Runtime, supervisor: RunSupervisor) -> None:
        super().__init__()
        self._runtime = runtime
        self._supervisor = supervisor
        self._turn = asyncio.Lock()
        self._running: dict[asyncio.Task[None], Callable[[Reply], None]] = {}
        self._computing: tuple[Call, float] | None = None  # with the time of its beginning
        self._set_up = ExitStack()

    @property
    def problem(self) -> None:
        """No reason: this process can compute as long as it runs."""

    @property
    def running(self) -> Sequence[RunningCall]:
        """The call that is being computed, if any."""
        if self._computing is None:
            return []
        call, start = self._computing
        seconds = time.perf_counter() - start
        return [RunningCall(run_id=call.run_id, endpoint=call.endpoint, seconds=seconds)]

    @property
    def load(self) -> ServerLoad:
        """The calls that wait, and this process as the only worker."""
        busy = len(self.running)
        waiting = len(self._running) - busy
        return ServerLoad(waiting=waiting, busy=busy, idle=1 - busy, loading=0, restarts=0)

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self._set_up.enter_context, self._runtime.set_up())
        self._description = await asyncio.to_thread(describe, self._runtime)
        self._supervisor.tesseract = self._description.facts
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(*self._running, return_exceptions=True)
        await asyncio.to_thread(self._set_up.close)
        self._shared_buffers.close()

    def submit(self, call: Call, answer: Callable[[Reply], None]) -> asyncio.Task[None]:
        """Compute a call in its turn; its `timeout` has no effect."""
        task = asyncio.create_task(self._answered(call))
        self._running[task] = answer
        task.add_done_callback(self._running.pop)
        return task

    def abandon(self, ticket: Any) -> None:
        """Drop the reply to a call."""
        if ticket in self._running:
            self._running[ticket] = self.release

    def cut_short(self) -> None:
        """Do nothing: a thread cannot be stopped."""

    async def _answered(self, call: Call) -> None:
        try:
            self._supervisor.admit(call)
        except RunActive as error:
            reply = Reply(run_id=call.run_id, format=call.output.format, fault=fault_of(error))
        else:
            try:
                reply = await self._in_turn(call)
            finally:
                self._supervisor.dismiss(call)
        self._shared_buffers.release_call(call)
        task = asyncio.current_task()
        assert task is not None  # `submit` makes one
        self._running[task](reply)

    async def _in_turn(self, call: Call) -> Reply:
        try:
            async with self._turn:
                self._computing = call, time.perf_counter()
                reply = await asyncio.to_thread(self._runtime.answer, call)
            return await self._supervisor.ended(call, reply)
        finally:
            if self._computing is not None and self._computing[0] is call:
                self._computing = None
