"""Bodies too large for messages, which cross processes in shared memory."""

from __future__ import annotations

import asyncio
import json
import os
import random
from collections.abc import Callable

import pytest

from runtime_core import Runtime
from runtime_core.contracts import Buffer, Reply
from runtime_core.workers import WorkerPool, Workers
from runtime_core.workers import pool as pool_module
from runtime_core.workers.shared_memory import SMALLEST
from tests.patience import until
from tests.workers.conftest import ECHO, Pool, arrived, call_of, computed, in_process

EMPTY = len(b'{"inputs":{"text":""}}')
SMALL = [EMPTY, 1000, *range(SMALLEST - 2, SMALLEST + 3), 3 * SMALLEST + 1]
SIZES = [*SMALL, 10_000_000, *reversed(SMALL)]

Carry = Callable[[Workers, bytes], Buffer]

CARRIES: dict[str, Carry] = {
    "as it arrives": arrived,
    "in one piece": lambda workers, body: arrived(workers, body, len(body)),
    "as bytes": lambda workers, body: body,
    "as a view": lambda workers, body: memoryview(body),
}


def body_of(size: int) -> bytes:
    """Return a payload of `ECHO` of a given size, without repetition."""
    text = random.Random(7).randbytes(size).hex()[: size - EMPTY]
    return b'{"inputs":{"text":"%s"}}' % text.encode()


@pytest.mark.parametrize("carry", CARRIES.values(), ids=CARRIES)
@pytest.mark.parametrize("form", ["pool", "in process"])
def test_every_byte_crosses_both_ways(
    pool: Pool, runtime: Callable[..., Runtime], form: str, carry: Carry
) -> None:
    """Bodies of any size arrive unchanged, each after one of another size."""
    workers: Workers = pool(ECHO) if form == "pool" else in_process(runtime(ECHO))

    async def in_turn() -> list[bool]:
        async with workers:
            return [await comes_back(size) for size in SIZES]

    async def comes_back(size: int) -> bool:
        body = body_of(size)
        assert len(body) == size
        reply = await computed(workers, call_of(None, body=carry(workers, body)))
        assert reply.fault is None
        return b"".join(reply.body) == b'{"text":"%s"}' % body[len(b'{"inputs":{"text":"') : -3]

    assert all(asyncio.run(in_turn()))


@pytest.mark.parametrize("size", [SMALLEST - 20, SMALLEST, 1_000_000])
def test_reply_stays_while_others_are_computed(pool: Pool, size: int) -> None:
    """The body of a reply stays unchanged until its reader is done."""

    async def hold(workers: WorkerPool) -> list[bytes]:
        async with workers, workers.call(call_of({"text": "a" * size})) as held:
            for letter in "bcd":
                reply = await computed(workers, call_of({"text": letter * size}))
                assert b"".join(reply.body) == b'{"text":"%s"}' % (letter.encode() * size)
            return [bytes(piece) for piece in held.body]

    assert b"".join(asyncio.run(hold(pool(ECHO)))) == b'{"text":"%s"}' % (b"a" * size)


def test_many_large_bodies_at_once_are_right(pool: Pool) -> None:
    """Bodies of waiting calls are not mixed up."""

    async def at_once(workers: WorkerPool) -> list[Reply]:
        async with workers:
            bodies = [json.dumps({"inputs": {"text": chr(97 + n) * 200_000}}) for n in range(20)]
            calls = [call_of(None, body=arrived(workers, body.encode())) for body in bodies]
            return await asyncio.gather(*(computed(workers, call) for call in calls))

    answers = asyncio.run(at_once(pool(ECHO, size=2)))
    for n, answer in enumerate(answers):
        assert b"".join(answer.body) == b'{"text":"%s"}' % (bytes([97 + n]) * 200_000)


def test_memory_is_given_back_when_nobody_calls(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory of large bodies is released after a while without a call."""
    monkeypatch.setattr(pool_module, "_TICK", 0.05)
    monkeypatch.setattr(pool_module, "_TICKS_TO_SHRINK", 4)

    async def rest(workers: WorkerPool) -> int:
        async with workers:
            for size in (10_000_000, 10_000_000, 10_000_000, 10):
                body = arrived(workers, body_of(EMPTY + size))
                await computed(workers, call_of(None, body=body))
            await until(lambda: not workers._shared_buffers._idle)
            return sum(
                os.fstat(shared_buffer.descriptor).st_blocks * 512
                for shared_buffer in workers._shared_buffers._leased
            )

    assert asyncio.run(rest(pool(ECHO))) < 1_000_000


def test_large_answers_of_small_calls_are_in_shared_memory(pool: Pool) -> None:
    """A call that is sent before the last large answer also gets a buffer for its own."""
    source = ECHO.replace("text=inputs.text", "text=100_000 * inputs.text")

    async def kind(workers: WorkerPool) -> type[Buffer]:
        async with workers.call(call_of({"text": "ab"})) as reply:
            return type(reply.body[0])

    async def kinds() -> set[type[Buffer]]:
        async with pool(source) as workers:
            return {*await asyncio.gather(*(kind(workers) for _ in range(5)))}

    assert asyncio.run(kinds()) == {memoryview}
