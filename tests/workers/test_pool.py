"""Workers: the pool of processes, and the thread in this process."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from runtime_core import Runtime
from runtime_core.catalog import Catalog
from runtime_core.config import dump, resolve
from runtime_core.contracts import Description, Reply, ServerLoad
from runtime_core.description import describe
from runtime_core.errors import FaultKind, TesseractRuntimeError
from runtime_core.plugins import PluginSelection
from runtime_core.run_logs import RunSupervisor
from runtime_core.workers import WorkerPool, Workers, WorkerSettings
from tests.server.conftest import GATED
from tests.workers.conftest import (
    OBEDIENT,
    Pool,
    call_of,
    computed,
    fault_text,
    in_process,
    pid_of,
    replies,
    told,
    tree,
)

if TYPE_CHECKING:
    from tests.server.conftest import Gate

MakeRuntime = Callable[..., Runtime]


def test_pool_computes_in_another_process(pool: Pool) -> None:
    """A call is answered by another process, which ends with the pool."""
    answers = asyncio.run(replies(pool(OBEDIENT), *(told() for _ in range(5))))
    [pid] = {pid_of(answer) for answer in answers}
    assert pid != os.getpid()
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_in_process_workers_compute_here(runtime: MakeRuntime) -> None:
    """In-process workers compute in this process."""
    [answer] = asyncio.run(replies(in_process(runtime(OBEDIENT)), told()))
    assert pid_of(answer) == os.getpid()


def test_both_forms_describe_the_same(pool: Pool, runtime: MakeRuntime) -> None:
    """The description from a worker process equals the one made here."""

    async def description(workers: Workers) -> Description:
        async with workers:
            return workers.description

    remote = asyncio.run(description(pool()))
    local = asyncio.run(description(in_process(runtime())))
    told = Description.from_data(json.loads(json.dumps(asdict(local))))
    assert remote == replace(told, plugin_faults=[])  # other tests have faults in this process
    assert local == describe(runtime())
    has_payload = {endpoint.name: endpoint.has_payload for endpoint in remote.endpoints}
    assert (has_payload["apply"], has_payload["health"]) == (True, False)


def test_as_many_calls_run_at_once_as_there_are_workers(
    pool: Pool, gate: Gate, gate_inputs: dict[str, str]
) -> None:
    """Three workers compute three calls at the same time."""

    async def at_once(workers: WorkerPool) -> list[Reply]:
        async with workers, asyncio.TaskGroup() as group:
            calls = [group.create_task(computed(workers, call_of(gate_inputs))) for _ in range(3)]
            for _ in range(3):
                await asyncio.to_thread(gate.wait_until_entered)
            for _ in range(3):
                gate.open()
            return await asyncio.gather(*calls)

    assert [tree(a) for a in asyncio.run(at_once(pool(GATED, size=3)))] == [{"done": True}] * 3


def test_idle_worker_that_was_used_last_is_taken_first(pool: Pool) -> None:
    """Successive calls get the worker that computed the previous one."""

    async def in_turn(workers: WorkerPool) -> list[int]:
        async with workers:
            return [pid_of(await computed(workers, told())) for _ in range(6)]

    assert len(set(asyncio.run(in_turn(pool(OBEDIENT, size=3))))) == 1


def test_waiting_calls_are_computed_in_the_order_of_their_arrival(pool: Pool) -> None:
    """The queue of a busy worker is first in, first out."""
    answers = asyncio.run(replies(pool(OBEDIENT), *(told(number=n) for n in range(10))))
    assert [tree(answer)["run"][-1] for answer in answers] == list(range(10))
    assert tree(answers[-1])["run"] == list(range(10))


@pytest.mark.parametrize("form", ["pool", "in process"])
def test_calls_at_once_keep_their_ids(pool: Pool, runtime: MakeRuntime, form: str) -> None:
    """Simultaneous calls are answered one by one, each under its own id."""
    workers: Workers = pool() if form == "pool" else in_process(runtime())
    calls = [call_of({"x": [float(n)]}, run_id=str(n)) for n in range(10)]
    answers = asyncio.run(replies(workers, *calls))
    assert [answer.run_id for answer in answers] == [str(n) for n in range(10)]
    assert [tree(a)["y"]["data"]["buffer"] for a in answers] == [[2.0 * n] for n in range(10)]


@pytest.mark.parametrize("form", ["pool", "in process"])
def test_fault_is_part_of_the_reply(pool: Pool, runtime: MakeRuntime, form: str) -> None:
    """A refused payload is a fault of the reply and not an exception."""
    workers: Workers = pool() if form == "pool" else in_process(runtime())
    [answer] = asyncio.run(replies(workers, call_of({"x": "text"})))
    assert answer.fault is not None
    assert answer.fault.kind is FaultKind.INVALID_PAYLOAD
    assert [detail["loc"] for detail in answer.fault.details] == [["inputs", "x"]]


@pytest.mark.parametrize("form", ["pool", "in process"])
def test_file_that_does_not_load_is_an_error_of_the_start(
    pool: Pool, runtime: MakeRuntime, form: str
) -> None:
    """Errors of loading are raised when the workers are entered."""
    source = "raise RuntimeError('out of order')"
    workers: Workers = pool(source) if form == "pool" else in_process(runtime(source))
    with pytest.raises(TesseractRuntimeError, match="RuntimeError: out of order") as raised:
        asyncio.run(replies(workers))
    assert raised.value.kind is FaultKind.LOAD_FAILED


def test_file_that_does_not_load_ends_the_start_of_all_workers(pool: Pool) -> None:
    """A worker that cannot load ends the others, which may still be loading."""
    source = """
        import os, time
        try:
            os.mkdir("/tmp/first-{pid}")
        except FileExistsError:
            time.sleep(60)
        raise RuntimeError("out of order")
    """.replace("{pid}", str(os.getpid()))
    try:
        with pytest.raises(TesseractRuntimeError, match="out of order"):
            asyncio.run(replies(pool(source, size=3)))
    finally:
        Path(f"/tmp/first-{os.getpid()}").rmdir()


def test_workers_that_fail_together_are_all_awaited(pool: Pool) -> None:
    """No process is left of those that were being ended when another one failed."""
    source = """
        import os, time
        place = "/tmp/together-{pid}"
        os.makedirs(place, exist_ok=True)
        open(f"{place}/{os.getpid()}", "w").close()
        while len(os.listdir(place)) < 4:
            time.sleep(0.001)
        raise RuntimeError("out of order")
    """.replace("{pid}", str(os.getpid()))
    before = {*psutil.Process().children()}
    try:
        with pytest.raises(TesseractRuntimeError, match="out of order"):
            asyncio.run(replies(pool(source, size=4)))
    finally:
        shutil.rmtree(f"/tmp/together-{os.getpid()}")
    assert {*psutil.Process().children()} == before


def test_missing_file_is_an_error_of_the_start(pool: Pool) -> None:
    """A worker reports a missing file in the same words as its supervisor."""
    with pytest.raises(TesseractRuntimeError, match="No Tesseract at") as raised:
        asyncio.run(replies(pool(api_path="none.py")))
    assert raised.value.kind is FaultKind.MISSING_FILE


def test_worker_with_other_plugins_than_its_supervisor_is_refused(
    catalog: Catalog, tesseract: Callable[..., Path]
) -> None:
    """A worker with other plugins, or other versions of them, refuses to work."""
    config = resolve(catalog, flags={"api_path": str(tesseract())}, environment={})
    settings = WorkerSettings(
        config=dump(config),
        plugins=PluginSelection(),
        loaded=["core (tesseract-runtime-core 0) loaded"],
    )
    with pytest.raises(TesseractRuntimeError, match="The plugins have changed") as raised:
        asyncio.run(replies(WorkerPool(settings, RunSupervisor(catalog, config))))
    assert raised.value.kind is FaultKind.INVALID_OPTION


@pytest.mark.parametrize("form", ["pool", "in process"])
def test_time_of_each_stage_is_told(pool: Pool, runtime: MakeRuntime, form: str) -> None:
    """A reply has the seconds of waiting and of each stage."""
    workers: Workers = pool() if form == "pool" else in_process(runtime())
    [answer] = asyncio.run(replies(workers, call_of({"x": [1.0]})))
    assert answer.timings.keys() - {"queue"} == {"decode", "compute", "encode"}
    assert "queue" in answer.timings or form == "in process"
    assert all(seconds >= 0 for seconds in answer.timings.values())


def test_call_after_the_end_is_refused(pool: Pool) -> None:
    """A pool takes no calls and starts no process after its end."""

    async def too_late(workers: WorkerPool) -> Reply:
        async with workers:
            assert workers.problem is None
        assert workers.problem == "The server is being stopped."
        return await computed(workers, call_of({"x": [1.0]}))

    fault_text(asyncio.run(too_late(pool())), FaultKind.SHUTTING_DOWN)


def test_leaving_cuts_calls_short(pool: Pool, gate: Gate, gate_inputs: dict[str, str]) -> None:
    """At the end of the pool a running call is killed, a waiting one refused."""

    async def leave(workers: WorkerPool) -> list[Reply]:
        async with workers:
            calls = [asyncio.create_task(computed(workers, call_of(gate_inputs))) for _ in range(2)]
            await asyncio.to_thread(gate.wait_until_entered)
        return await asyncio.gather(*calls)

    running, waiting = asyncio.run(leave(pool(GATED)))
    assert "before the call was done" in fault_text(running, FaultKind.CUT_SHORT)
    assert "is being stopped" in fault_text(waiting, FaultKind.SHUTTING_DOWN)


def test_in_process_workers_finish_what_runs(
    runtime: MakeRuntime, gate: Gate, gate_inputs: dict[str, str]
) -> None:
    """A call in this process cannot be stopped: the end of the workers waits for it."""

    async def leave(workers: Workers) -> Reply:
        async with workers:
            running = asyncio.create_task(computed(workers, call_of(gate_inputs, timeout=0.01)))
            await asyncio.to_thread(gate.wait_until_entered)
            asyncio.get_running_loop().call_later(0.1, gate.open)
        return await running

    assert tree(asyncio.run(leave(in_process(runtime(GATED))))) == {"done": True}


@pytest.mark.parametrize("size", [1, 2])
def test_only_worker_has_its_next_call_already(
    pool: Pool, gate: Gate, gate_inputs: dict[str, str], size: int
) -> None:
    """A small call lies in the socket of the only worker; among several it waits for any."""

    async def at_once(workers: WorkerPool) -> tuple[int, ServerLoad, list[bool]]:
        async with workers:
            calls = [
                asyncio.create_task(computed(workers, call_of(gate_inputs)))
                for _ in range(size + 2)
            ]
            for _ in range(size):
                await asyncio.to_thread(gate.wait_until_entered)
            waiting, load = len(workers._waiting), workers.load
            for _ in range(size + 2):
                gate.open()
            return waiting, load, [tree(reply)["done"] for reply in await asyncio.gather(*calls)]

    waiting, load, done = asyncio.run(at_once(pool(GATED, size=size)))
    assert load == ServerLoad(waiting=2, busy=size, idle=0, loading=0, restarts=0)
    assert (waiting, done) == (1 if size == 1 else 2, [True] * (size + 2))


def test_next_call_begins_anew_after_output(pool: Pool, tmp_path: Path) -> None:
    """A call that was sent ahead of one with output has a log of its own."""
    calls = [told(f"print({n})", run_id=str(n), number=n) for n in range(4)]
    answers = asyncio.run(replies(pool(OBEDIENT), *calls))
    assert tree(answers[-1])["run"] == [0, 1, 2, 3]
    logs = [tmp_path / f"run_{n}" / "logs" / "tesseract.log" for n in range(4)]
    assert [log.read_text() for log in logs] == [f"{n}\n" for n in range(4)]
