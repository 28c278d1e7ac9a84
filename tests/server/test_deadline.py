"""Deadlines of connections."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from runtime_core.server.deadline import Deadline
from tests.patience import SECONDS
from tests.workers.conftest import both_loops, run


@both_loops
def test_deadline_is_put_off(loop: str) -> None:
    """The last moment counts, whether it is later or earlier than those before."""

    async def expired(*seconds: float) -> float:
        running = asyncio.get_running_loop()
        done = asyncio.Event()
        deadline = Deadline(running, done.set)
        start = running.time()
        for moment in seconds:
            deadline.put_off(moment)
        assert deadline.is_set
        await asyncio.wait_for(done.wait(), SECONDS)
        assert not deadline.is_set
        return running.time() - start

    assert run(loop, expired(0.02, 0.1)) > 0.09
    assert run(loop, expired(2 * SECONDS, 0.01)) >= 0.005


@both_loops
def test_lifted_deadline_does_not_expire(loop: str) -> None:
    """A deadline that is lifted or cancelled is not met, and can be set again."""

    async def acts(drop: Callable[[Deadline], None]) -> list[str]:
        running = asyncio.get_running_loop()
        acted: list[str] = []
        done = asyncio.Event()
        dropped = Deadline(running, lambda: acted.append("dropped"))
        dropped.put_off(0.01)
        drop(dropped)
        assert not dropped.is_set
        last = Deadline(running, done.set)
        last.put_off(0.05)
        await asyncio.wait_for(done.wait(), SECONDS)
        before = [*acted]
        dropped.put_off(0.0)
        last.put_off(0.02)
        done.clear()
        await asyncio.wait_for(done.wait(), SECONDS)
        return [*before, "|", *acted]

    for drop in (Deadline.lift, Deadline.cancel):
        assert run(loop, acts(drop)) == ["|", "dropped"]
