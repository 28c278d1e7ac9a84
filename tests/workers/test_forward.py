"""Calls that bring the handle of a forward solve: led to the worker that has kept it."""

from __future__ import annotations

import asyncio

from runtime_core.contracts import Reply
from runtime_core.workers import WorkerPool
from tests.patience import SECONDS
from tests.server.conftest import Gate
from tests.workers.conftest import OBEDIENT, Pool, call_of, computed, told, tree

KEEPING = "from runtime_core import keep, kept\n" + OBEDIENT
SOLVE = "kept(inputs) or keep(os.getpid())"

WAIT = """
with open({entered!r}, "wb") as file:
    file.write(b"x")
with open({release!r}, "rb", buffering=0) as file:
    file.read(1)
"""


async def led(workers: WorkerPool, gate: Gate, seconds: float | None) -> list[Reply]:
    """Solve, occupy the worker that has done so, and solve again with the handle.

    The call waits for `seconds`; with `None` the worker is free after it has waited.
    """
    async with workers:
        first = await computed(workers, told(SOLVE))
        assert first.forward == "kept"
        worker, _ = workers._handles._kept[first.forward_handle]
        wait = WAIT.format(entered=str(gate.entered), release=str(gate.release))
        busy = asyncio.ensure_future(computed(workers, told(wait)))
        await asyncio.to_thread(gate.wait_until_entered)
        handle = workers._handles.new(worker, SECONDS if seconds is None else seconds)
        call = call_of({"statement": SOLVE}, forward=handle)
        again = asyncio.ensure_future(computed(workers, call))
        other = await computed(workers, told())  # there is an idle worker
        assert tree(other)["pid"] != tree(first)["pid"]
        if seconds is None:
            gate.open()
            return [first, await again, await busy]
        second = await again
        gate.open()
        return [first, second, await busy]


def test_call_waits_for_the_worker_with_the_state(pool: Pool, gate: Gate) -> None:
    """It is computed there as soon as that worker is free, though another one is idle."""
    first, second, busy = asyncio.run(led(pool(KEEPING, size=2), gate, None))
    assert tree(first)["pid"] == tree(second)["pid"] == tree(busy)["pid"]
    assert (second.forward, second.forward_handle) == ("hit", "")


def test_call_that_has_waited_long_enough_is_computed_elsewhere(pool: Pool, gate: Gate) -> None:
    """After the seconds of the forward solve, any worker repeats it; the reply says so."""
    first, second, _ = asyncio.run(led(pool(KEEPING, size=2), gate, 0.0))
    assert tree(first)["pid"] != tree(second)["pid"]
    assert second.forward == "kept"


def test_unknown_handles_are_ignored(pool: Pool) -> None:
    """The call is computed by any worker, and the reply says that it had to solve."""

    async def stray(workers: WorkerPool) -> Reply:
        async with workers:
            return await computed(workers, call_of({"statement": "kept(inputs)"}, forward="x"))

    assert asyncio.run(stray(pool(KEEPING))).forward == "elsewhere"
