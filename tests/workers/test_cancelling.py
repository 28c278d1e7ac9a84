"""Callers that cancel their calls."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import random
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runtime_core.contracts import Call, Reply
from runtime_core.run_logs.text_log import append_text
from runtime_core.workers import WorkerPool
from runtime_core.workers import captured_output as captured_output_module
from runtime_core.workers.worker_process import WorkerProcess
from tests.patience import patient, until
from tests.server.conftest import GATED
from tests.workers.conftest import (
    ECHO,
    OBEDIENT,
    Pool,
    arrived,
    both_loops,
    call_of,
    computed,
    pid_of,
    run,
    told,
    tree,
)

if TYPE_CHECKING:
    from tests.server.conftest import Gate


async def abandoned(workers: WorkerPool, call: Call) -> None:
    """Begin a call and cancel it once a worker or the queue has it."""
    task = asyncio.create_task(computed(workers, call))
    await until(lambda: call in [queued.call for queued in workers._calls])
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_caller_who_gives_up_does_not_disturb_the_next(pool: Pool) -> None:
    """The call after an abandoned one gets the right answer."""

    async def give_up(workers: WorkerPool) -> Reply:
        async with workers:
            task = asyncio.create_task(computed(workers, call_of({"x": [1.0]})))
            await asyncio.sleep(0)
            task.cancel()
            return await computed(workers, call_of({"x": [5.0]}, run_id="b"))

    answer = asyncio.run(give_up(pool()))
    assert (answer.run_id, b"[10.0]" in b"".join(answer.body)) == ("b", True)


def test_waiting_call_that_is_given_up_is_never_computed(
    pool: Pool, gate: Gate, gate_inputs: dict[str, str]
) -> None:
    """The queue forgets a call whose caller has gone."""
    source = GATED.replace("def apply", "RUN = []\n\ndef wait").replace(
        "    done: bool", "    done: bool\n    run: list[str] = []"
    )
    source += "\ndef apply(inputs):\n    RUN.append(inputs.release)\n    wait(inputs)\n"
    source += "    return OutputSchema(done=True, run=RUN)\n"

    async def give_up(workers: WorkerPool) -> Reply:
        async with workers:
            first = asyncio.create_task(computed(workers, call_of(gate_inputs)))
            await asyncio.to_thread(gate.wait_until_entered)
            await abandoned(workers, call_of({**gate_inputs, "release": "/given/up"}))
            last = asyncio.create_task(computed(workers, call_of(gate_inputs)))
            gate.open()
            await first
            await asyncio.to_thread(gate.wait_until_entered)
            gate.open()
            return await last

    assert tree(asyncio.run(give_up(pool(source))))["run"] == [gate_inputs["release"]] * 2


def test_running_call_that_is_given_up_may_finish(
    pool: Pool, gate: Gate, gate_inputs: dict[str, str]
) -> None:
    """An abandoned call that is soon done costs no worker."""

    async def give_up(workers: WorkerPool) -> bool:
        async with workers:
            [worker] = workers._ready
            worker.load_seconds = 60.0
            task = asyncio.create_task(computed(workers, call_of(gate_inputs)))
            await asyncio.to_thread(gate.wait_until_entered)
            task.cancel()
            await asyncio.sleep(0.1)
            gate.open()
            await until(lambda: workers._idle)
            return workers._idle == [worker]

    assert asyncio.run(give_up(pool(GATED)))


def test_running_call_that_is_given_up_takes_no_longer_than_a_new_worker(pool: Pool) -> None:
    """An abandoned call is stopped after the time that its worker took to load."""

    async def give_up(workers: WorkerPool) -> tuple[int, int]:
        async with workers:
            before = pid_of(await computed(workers, told()))
            await abandoned(workers, told("time.sleep(600)"))
            return before, pid_of(await computed(workers, told()))

    before, after = asyncio.run(give_up(pool(OBEDIENT)))
    assert before != after


def test_time_of_a_call_that_is_given_up_still_counts(pool: Pool) -> None:
    """A call with little time left of the operator's gets no more when its caller disappears."""

    async def give_up(workers: WorkerPool) -> int:
        async with workers:
            [worker] = workers._ready
            worker.load_seconds = 600.0
            await abandoned(workers, told("time.sleep(600)"))
            return pid_of(await computed(workers, told()))

    assert asyncio.run(give_up(pool(OBEDIENT, timeout=patient(1.0))))


@both_loops
@pytest.mark.parametrize("moment", [(WorkerProcess, "_receive"), (WorkerPool, "computed")])
def test_caller_who_goes_as_the_reply_comes_leaves_no_memory_leased(
    pool: Pool, monkeypatch: pytest.MonkeyPatch, loop: str, moment: tuple[type, str]
) -> None:
    """A reply whose caller goes at that moment is released."""
    owner, name = moment
    act = getattr(owner, name)
    callers: list[asyncio.Task[Reply]] = []

    def act_and_go(*arguments: object) -> None:
        act(*arguments)
        for caller in callers:
            caller.cancel()

    async def give_up(workers: WorkerPool) -> int:
        async with workers:
            monkeypatch.setattr(owner, name, act_and_go)
            [worker] = workers._ready
            monkeypatch.setattr(worker._connection, "_received", worker._receive)
            task = asyncio.create_task(computed(workers, call_of({"text": "a" * 100_000})))
            callers.append(task)
            await asyncio.wait([task])
            assert task.cancelled()
            await until(lambda: not workers._calls)
            return len(workers._shared_buffers._leased)

    assert run(loop, give_up(pool(ECHO))) == 0


@both_loops
def test_callers_who_go_at_any_moment_leave_nothing(pool: Pool, loop: str) -> None:
    """Many cancelled calls leave neither memory nor descriptors nor a wrong answer."""
    texts = [letter * size for letter in "ab" for size in (10, 70_000, 300_000)]

    async def give_up(workers: WorkerPool, chance: random.Random) -> None:
        text = chance.choice(texts)
        body = arrived(workers, json.dumps({"inputs": {"text": text}}).encode())
        task = asyncio.create_task(computed(workers, call_of(None, body=body)))
        await asyncio.sleep(chance.random() * 0.02)
        task.cancel()
        try:
            assert tree(await task) == {"text": text}
        except asyncio.CancelledError:
            pass

    async def many(workers: WorkerPool) -> tuple[int, int, int]:
        chance = random.Random(7)
        async with workers:
            before = 0
            for n in range(12):
                await asyncio.gather(*(give_up(workers, chance) for _ in range(20)))
                await until(lambda: len(workers._idle) == 2)
                gc.collect()
                before = before or (descriptors() if n == 2 else 0)
            return len(workers._shared_buffers._leased), len(workers._calls), descriptors() - before

    leased, jobs, more = run(loop, many(pool(ECHO, size=2)))
    assert (leased <= 2, jobs) == (True, 0)  # each worker has memory for its next large answer
    assert more <= 8


def test_memory_of_a_dropped_call_does_not_wait_for_the_collector(
    pool: Pool, gate: Gate, gate_inputs: dict[str, str]
) -> None:
    """The body of a call that was cancelled in the queue is freed at once."""

    async def give_up(workers: WorkerPool) -> int:
        async with workers:
            first = asyncio.create_task(computed(workers, call_of(gate_inputs)))
            await asyncio.to_thread(gate.wait_until_entered)
            gc.collect()
            gc.disable()
            before = descriptors()
            for _ in range(20):
                body = arrived(workers, b" " * 100_000)
                task = asyncio.create_task(computed(workers, call_of(None, body=body)))
                await asyncio.sleep(0)
                task.cancel()
                await asyncio.wait([task])
                del body, task
            await asyncio.sleep(0)
            more = descriptors() - before
            gate.open()
            await first
            return more

    try:
        assert asyncio.run(give_up(pool(GATED))) <= 4
    finally:
        gc.enable()


def descriptors() -> int:
    """Return the number of open descriptors of this process."""
    return len([*os.scandir("/dev/fd")])


def test_caller_who_leaves_the_block_early_frees_the_reply(pool: Pool) -> None:
    """An error of the caller while it reads a reply releases the memory."""

    async def fail(workers: WorkerPool) -> int:
        async with workers:
            with pytest.raises(ZeroDivisionError):
                await fail_while_reading(workers)
            return len(workers._shared_buffers._leased)

    async def fail_while_reading(workers: WorkerPool) -> None:
        async with workers.call(call_of({"text": "a" * 100_000})) as reply:
            assert reply.fault is None
            raise ZeroDivisionError

    assert asyncio.run(fail(pool(ECHO))) == 0


def test_fault_of_an_abandoned_call_is_no_noise(
    pool: Pool, caplog: pytest.LogCaptureFixture
) -> None:
    """A worker that dies in an abandoned call is replaced without a message of the event loop."""

    async def give_up(workers: WorkerPool) -> Reply:
        async with workers:
            await abandoned(workers, told("time.sleep(0.1); os._exit(1)"))
            return await computed(workers, told())

    assert asyncio.run(give_up(pool(OBEDIENT))).fault is None
    assert caplog.records == []


@both_loops
@pytest.mark.usefixtures("unheard")
def test_caller_who_goes_while_output_is_kept_does_not_mix_it(
    pool: Pool, monkeypatch: pytest.MonkeyPatch, loop: str
) -> None:
    """The log of an abandoned call has each line once, in order."""
    keep_in_time = append_text
    slow: list[Path] = []

    def keep_slowly(path: Path, text: bytes) -> None:
        if not slow:
            slow.append(path)
            time.sleep(0.3)
        keep_in_time(path, text)

    async def give_up(workers: WorkerPool) -> list[str]:
        async with workers:
            [worker] = workers._ready
            worker.load_seconds = 600.0  # what a call without its caller may take
            statement = "[print('%06d' % n) for n in range(300_000)]"
            task = asyncio.create_task(computed(workers, told(statement)))
            await until(lambda: slow)
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled()
            await until(lambda: not workers._calls)
        return slow[0].read_text().splitlines()

    monkeypatch.setattr(captured_output_module, "append_text", keep_slowly)
    assert run(loop, give_up(pool(OBEDIENT))) == [f"{n:06}" for n in range(300_000)]


@both_loops
def test_caller_may_hold_its_reply_to_the_end_of_the_pool(pool: Pool, loop: str) -> None:
    """A reply that is being sent when the service ends is sent completely."""
    text = "a" * 100_000

    async def hold(workers: WorkerPool, held: asyncio.Event, ended: asyncio.Event) -> bytes:
        async with workers.call(call_of({"text": text})) as reply:
            held.set()
            await ended.wait()
            return b"".join(reply.body)

    async def end() -> bytes:
        held, ended = asyncio.Event(), asyncio.Event()
        async with pool(ECHO) as workers:
            holding = asyncio.create_task(hold(workers, held, ended))
            await held.wait()
        ended.set()
        return await holding

    assert json.loads(run(loop, end())) == {"text": text}
