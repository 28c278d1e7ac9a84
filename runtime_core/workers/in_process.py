"""Workers in a thread of the same process, for tests and debuggers; they cannot cancel."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from typing import Self

from runtime_core.calls.faults import fault_of
from runtime_core.contracts import Call, Description, Reply, RunningCall
from runtime_core.description import describe
from runtime_core.errors import RunActive
from runtime_core.run_logs.supervisor import RunSupervisor
from runtime_core.runtime import Runtime
from runtime_core.workers.body_buffer import BodyBuffer
from runtime_core.workers.shared_memory import SharedBufferPool


class InProcessWorkers:
    """Runs one call at a time, off the event loop."""

    description: Description
    problem = None  # this process can compute as long as it runs

    def __init__(self, runtime: Runtime, supervisor: RunSupervisor) -> None:
        self._runtime = runtime
        self._supervisor = supervisor
        self._shared_buffers = SharedBufferPool()
        self._turn = asyncio.Lock()
        self._running: set[asyncio.Task[Reply]] = set()
        self._computing: tuple[Call, float] | None = None  # with the time of its beginning
        self._set_up = ExitStack()

    @property
    def running(self) -> Sequence[RunningCall]:
        """The call that is being computed, if any."""
        if self._computing is None:
            return []
        call, start = self._computing
        seconds = time.perf_counter() - start
        return [RunningCall(run_id=call.run_id, endpoint=call.endpoint, seconds=seconds)]

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self._set_up.enter_context, self._runtime.set_up())
        self.description = await asyncio.to_thread(describe, self._runtime)
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(*self._running, return_exceptions=True)
        await asyncio.to_thread(self._set_up.close)
        self._shared_buffers.close()

    def arriving(self, expected: int | None) -> BodyBuffer:
        """Return a buffer for the body of a call, of `expected` bytes if that is known."""
        return BodyBuffer(self._shared_buffers, expected=expected)

    def cut_short(self) -> None:
        """Do nothing: a thread cannot be stopped."""

    @asynccontextmanager
    async def call(self, call: Call) -> AsyncIterator[Reply]:
        """Compute a call in its turn, to the end: its `timeout` and cancellation have no effect."""
        task = asyncio.create_task(self._in_turn(call))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        yield await asyncio.shield(task)

    async def _in_turn(self, call: Call) -> Reply:
        run = None
        try:
            run = self._supervisor.admit(call)
            async with self._turn:
                self._computing = call, time.perf_counter()
                reply = await asyncio.to_thread(self._runtime.answer, call)
            return await self._supervisor.ended(run, reply)
        except RunActive as error:
            return Reply(run_id=call.run_id, format=call.output.format, fault=fault_of(error))
        finally:
            if run is not None:
                self._supervisor.dismiss(run)
            if self._computing is not None and self._computing[0] is call:
                self._computing = None
            self._shared_buffers.release_call(call)
