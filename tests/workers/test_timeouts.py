"""Calls that exceed their time."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from runtime_core.contracts import Reply
from runtime_core.errors import FaultKind
from runtime_core.workers import WorkerPool
from tests.patience import SECONDS, patient
from tests.server.conftest import GATED, Gate
from tests.workers.conftest import (
    OBEDIENT,
    Pool,
    call_of,
    computed,
    fault_text,
    pid_of,
    replies,
    told,
)

OUT_OF_TIME = (
    "The call has computed for {} s, as long as its caller allows, and was stopped. Allow more "
    "with Request-Timeout (timeout= in Python)."
)

OUT_OF_PATIENCE = (
    "The call has waited in the queue for {} s, as long as its caller allows, and has not begun. "
    "Try again later, or allow more with Request-Patience (patience= in Python)."
)

ENDLESS = {
    "sleeps": "time.sleep(600)",
    "computes": "while True: pass",
    "holds the GIL in C": "ctypes.PyDLL(None).sleep(600)",
    "holds the GIL in a power": "7 ** 10**9",
    "ignores signals": "[signal.signal(n, signal.SIG_IGN) for n in (2, 15)]; time.sleep(600)",
    "swallows exceptions": """
while True:
    try:
        time.sleep(600)
    except BaseException:
        pass
""",
}


@pytest.mark.parametrize("statement", ENDLESS.values(), ids=ENDLESS)
def test_call_is_stopped_whatever_it_does(pool: Pool, statement: str) -> None:
    """A call that exceeds its time is a fault, and the next one has a new worker."""
    calls = [told(), told(statement), told()]
    before, stopped, after = asyncio.run(replies(pool(OBEDIENT, timeout=patient(1.0)), *calls))
    assert fault_text(stopped, FaultKind.TIMED_OUT).startswith("The call was stopped after ")
    assert pid_of(before) != pid_of(after)


@pytest.mark.parametrize(
    ("of_pool", "of_call", "message"),
    [
        (0.2, None, "The call was stopped after 0.2 s."),
        (0.2, 600.0, "The call was stopped after 0.2 s."),
        (600.0, 0.2, OUT_OF_TIME.format(0.2)),
    ],
)
def test_shorter_time_counts(
    pool: Pool, of_pool: float, of_call: float | None, message: str
) -> None:
    """A caller can shorten the time limit of the pool, not extend it."""
    calls = [told("time.sleep(600)", timeout=of_call)]
    [stopped] = asyncio.run(replies(pool(OBEDIENT, timeout=of_pool), *calls))
    assert fault_text(stopped, FaultKind.TIMED_OUT) == message


def test_a_caller_with_little_time_does_not_cost_a_worker(pool: Pool) -> None:
    """A call that is nearly done when its caller's time is over keeps its worker."""
    hasty = [told("time.sleep(0.1)", timeout=1e-6) for _ in range(3)]
    before, *late, after = asyncio.run(replies(pool(OBEDIENT), told(), *hasty, told()))
    assert {fault_text(reply, FaultKind.TIMED_OUT) for reply in late} == {
        OUT_OF_TIME.format("1e-06")
    }
    assert pid_of(before) == pid_of(after)


@pytest.mark.parametrize("whose", ["pool", "caller"])
def test_time_in_the_queue_does_not_count(pool: Pool, whose: str) -> None:
    """The limits of the pool and of the caller begin with the computation."""
    limit = patient(2.0)
    of_call = {"timeout": limit} if whose == "caller" else {}
    calls = [told(f"time.sleep({0.6 * limit})", **of_call) for _ in range(2)]
    of_pool = limit if whose == "pool" else None
    answers = asyncio.run(replies(pool(OBEDIENT, timeout=of_pool), *calls))
    assert [answer.fault for answer in answers] == [None, None]


@pytest.mark.parametrize("size", [1, 2])
def test_impatient_call_leaves_the_queue(
    pool: Pool, gate: Gate, gate_inputs: dict[str, str], size: int
) -> None:
    """It is answered that it has not begun, also one that lies in the socket of a worker."""

    async def impatient(workers: WorkerPool) -> list[Reply]:
        async with workers:
            running = [
                asyncio.create_task(computed(workers, call_of(gate_inputs, patience=SECONDS)))
                for _ in range(size)
            ]
            for _ in range(size):
                await asyncio.to_thread(gate.wait_until_entered)
            late = asyncio.create_task(computed(workers, call_of(gate_inputs, patience=0.05)))
            await asyncio.wait([late], timeout=0.2)
            for _ in range(size):
                gate.open()
            return [await late, *await asyncio.gather(*running)]

    late, *done = asyncio.run(impatient(pool(GATED, size=size)))
    assert fault_text(late, FaultKind.QUEUE_FULL) == OUT_OF_PATIENCE.format(0.05)
    assert [reply.fault for reply in done] == [None] * size


def test_patience_ends_where_the_computation_begins(pool: Pool) -> None:
    """A call that has begun is computed for longer than its caller would have waited."""
    call = told("time.sleep(0.3)", patience=patient(0.2))
    [done] = asyncio.run(replies(pool(OBEDIENT), call))
    assert done.fault is None


def test_call_in_time_is_left_alone(pool: Pool) -> None:
    """A timer that has not expired affects neither its call nor later ones."""

    async def in_turn(workers: WorkerPool) -> set[int]:
        async with workers:
            first = await computed(workers, told(timeout=patient(1.0)))
            await asyncio.sleep(patient(1.1))
            return {pid_of(first), pid_of(await computed(workers, told()))}

    assert len(asyncio.run(in_turn(pool(OBEDIENT)))) == 1


def test_stopped_call_does_not_hold_up_the_answer(pool: Pool, tmp_path: Path) -> None:
    """The caller gets the fault at once, before the next worker has loaded."""
    answered = tmp_path / "answered"
    source = f"""
import pathlib, time
record = pathlib.Path(__file__).with_name("started")
while record.exists() and not pathlib.Path({str(answered)!r}).exists():
    time.sleep(0.01)
record.touch()
{OBEDIENT}
"""

    async def stop(workers: WorkerPool) -> Reply:
        async with workers:
            call = told("time.sleep(600)")
            reply = await asyncio.wait_for(computed(workers, call), SECONDS)
            answered.touch()
            return reply

    fault_text(asyncio.run(stop(pool(source, timeout=0.1))), FaultKind.TIMED_OUT)


@pytest.mark.parametrize("first", ["print(1); time.sleep(0.2)", "time.sleep(0.2); os._exit(3)"])
def test_time_of_a_call_that_is_sent_twice_still_counts(pool: Pool, first: str) -> None:
    """A call that lies in the socket of a worker, which does not begin it, keeps its deadline."""
    calls = [told(first), told("time.sleep(600)", timeout=patient(1.0))]
    _, stopped = asyncio.run(replies(pool(OBEDIENT, timeout=patient(20.0)), *calls))
    assert "as long as its caller allows, and was stopped" in fault_text(
        stopped, FaultKind.TIMED_OUT
    )
