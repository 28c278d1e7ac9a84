"""Workers: the pool with its process, and the form without one."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from runtime_core import Runtime
from runtime_core.catalog import Catalog
from runtime_core.config import dump, resolve
from runtime_core.contracts import Call, Reply
from runtime_core.description import Description, describe, loaded_plugins
from runtime_core.errors import FaultKind, TesseractRuntimeError
from runtime_core.plugins import PluginSelection
from runtime_core.workers import InProcessWorkers, WorkerPool, Workers, WorkerSettings

Pool = Callable[..., WorkerPool]

PID = """
import os
from pydantic import BaseModel

class InputSchema(BaseModel):
    end: bool = False

class OutputSchema(BaseModel):
    pid: int

def apply(inputs):
    if inputs.end:
        os._exit(3)
    return OutputSchema(pid=os.getpid())
"""


def call_of(inputs: object, run_id: str = "a") -> Call:
    """Return a call of `apply`."""
    return Call(
        endpoint="apply",
        run_id=run_id,
        body=json.dumps({"inputs": inputs}).encode(),
        body_format="json",
        output_format="json",
    )


def tree(reply: Reply) -> dict[str, object]:
    """Return the tree of a reply."""
    assert reply.fault is None, reply.fault
    found: dict[str, object] = json.loads(b"".join(reply.body))
    return found


@pytest.fixture(autouse=True)
def no_process_is_left() -> Iterator[None]:
    """Hold every test to it that its workers end."""
    before = set(psutil.Process().children())
    yield
    assert set(psutil.Process().children()) <= before


@pytest.fixture
def pool(catalog: Catalog, tesseract: Callable[..., Path]) -> Pool:
    """Return a function that makes a pool for the source of a Tesseract."""

    def make(*source: str, **flags: object) -> WorkerPool:
        flags = {"api_path": str(tesseract(*source)), **flags}
        config = resolve(catalog, flags=flags, environment={})
        settings = WorkerSettings(
            config=dump(config), plugins=PluginSelection(), loaded=loaded_plugins(catalog)
        )
        return WorkerPool(settings)

    return make


async def replies(workers: Workers, *calls: Call) -> list[Reply]:
    """Return the replies of calls that are made at once."""
    async with workers:
        return await asyncio.gather(*(workers.call(call) for call in calls))


def test_pool_computes_in_another_process(pool: Pool) -> None:
    """A call is answered by one process that is not this one, and that has gone afterwards."""
    answers = asyncio.run(replies(pool(PID), *(call_of({}) for _ in range(5))))
    [pid] = {tree(answer)["pid"] for answer in answers}
    assert isinstance(pid, int)
    assert pid != os.getpid()
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_in_process_workers_compute_here(runtime: Callable[..., Runtime]) -> None:
    """The form for tests and debuggers has no process of its own."""
    [answer] = asyncio.run(replies(InProcessWorkers(runtime(PID)), call_of({})))
    assert tree(answer) == {"pid": os.getpid()}


def test_both_forms_describe_the_same(pool: Pool, runtime: Callable[..., Runtime]) -> None:
    """A description that came from a process is the one that is made here."""

    async def description(workers: Workers) -> Description:
        async with workers:
            return workers.description

    remote = asyncio.run(description(pool()))
    local = asyncio.run(description(InProcessWorkers(runtime())))
    assert remote == Description.from_data(json.loads(json.dumps(local.as_data())))
    assert local == describe(runtime())
    has_payload = {endpoint.name: endpoint.has_payload for endpoint in remote.endpoints}
    assert (has_payload["apply"], has_payload["health"]) == (True, False)


@pytest.mark.parametrize("form", ["pool", "in process"])
def test_calls_at_once_keep_their_ids(
    pool: Pool, runtime: Callable[..., Runtime], form: str
) -> None:
    """Calls that come together are answered one by one, each under its own id."""
    workers: Workers = pool() if form == "pool" else InProcessWorkers(runtime())
    calls = [call_of({"x": [float(n)]}, run_id=str(n)) for n in range(10)]
    answers = asyncio.run(replies(workers, *calls))
    assert [answer.run_id for answer in answers] == [str(n) for n in range(10)]
    assert [tree(a)["y"]["data"]["buffer"] for a in answers] == [  # type: ignore[index]  # JSON
        [2.0 * n] for n in range(10)
    ]


@pytest.mark.parametrize("form", ["pool", "in process"])
def test_fault_is_part_of_the_reply(pool: Pool, runtime: Callable[..., Runtime], form: str) -> None:
    """A refused payload is data and not an exception."""
    workers: Workers = pool() if form == "pool" else InProcessWorkers(runtime())
    [answer] = asyncio.run(replies(workers, call_of({"x": "text"})))
    assert answer.fault is not None
    assert answer.fault.kind is FaultKind.INVALID_PAYLOAD
    assert [detail["loc"] for detail in answer.fault.details] == [["inputs", "x"]]


@pytest.mark.parametrize("form", ["pool", "in process"])
def test_file_that_does_not_load_is_an_error_of_the_start(
    pool: Pool, runtime: Callable[..., Runtime], form: str
) -> None:
    """What goes wrong while the Tesseract loads is raised when the workers are entered."""
    source = "raise RuntimeError('out of order')"
    workers: Workers = pool(source) if form == "pool" else InProcessWorkers(runtime(source))
    with pytest.raises(TesseractRuntimeError, match="RuntimeError: out of order") as raised:
        asyncio.run(replies(workers))
    assert raised.value.kind is FaultKind.LOAD_FAILED


def test_missing_file_is_an_error_of_the_start(pool: Pool) -> None:
    """A worker says in its supervisor's words that there is no file."""
    with pytest.raises(TesseractRuntimeError, match="There is no Tesseract at") as raised:
        asyncio.run(replies(pool(api_path="none.py")))
    assert raised.value.kind is FaultKind.MISSING_FILE


def test_worker_with_other_plugins_than_its_supervisor_is_refused(
    catalog: Catalog, tesseract: Callable[..., Path]
) -> None:
    """A worker that has loaded other plugins, or other versions of them, does not work."""
    config = resolve(catalog, flags={"api_path": str(tesseract())}, environment={})
    settings = WorkerSettings(
        config=dump(config), plugins=PluginSelection(), loaded=["core (tesseract-runtime 0) loaded"]
    )
    with pytest.raises(TesseractRuntimeError, match="The plugins have changed") as raised:
        asyncio.run(replies(WorkerPool(settings)))
    assert raised.value.kind is FaultKind.INVALID_OPTION


def test_dead_worker_is_replaced(pool: Pool) -> None:
    """The call in a process that ends is a fault, those after it get a new process."""
    calls = [call_of({}), call_of({"end": True}), call_of({})]
    first, died, second = asyncio.run(replies(pool(PID), *calls))
    assert died.fault is not None
    assert died.fault.kind is FaultKind.WORKER_DIED
    assert "exit code 3" in died.fault.message
    assert tree(first)["pid"] != tree(second)["pid"]


def test_caller_who_gives_up_does_not_disturb_the_next(pool: Pool) -> None:
    """A call that nobody waits for any more is computed to its end, and the next one is right."""

    async def give_up(workers: WorkerPool) -> Reply:
        async with workers:
            abandoned = asyncio.create_task(workers.call(call_of({"x": [1.0]})))
            await asyncio.sleep(0)
            abandoned.cancel()
            return await workers.call(call_of({"x": [5.0]}, run_id="b"))

    answer = asyncio.run(give_up(pool()))
    assert (answer.run_id, b"[10.0]" in b"".join(answer.body)) == ("b", True)


def test_call_after_the_end_is_refused(pool: Pool) -> None:
    """A pool that was left takes no calls and starts no process."""

    async def too_late(workers: WorkerPool) -> Reply:
        async with workers:
            pass
        return await workers.call(call_of({"x": [1.0]}))

    answer = asyncio.run(too_late(pool()))
    assert answer.fault is not None
    assert answer.fault.kind is FaultKind.SHUTTING_DOWN


def test_leaving_cuts_a_running_call_short(pool: Pool) -> None:
    """A call that runs when the pool is left is killed and told so."""
    source = """
        import signal
        from pydantic import BaseModel

        class InputSchema(BaseModel):
            pass

        class OutputSchema(BaseModel):
            pass

        def apply(inputs):
            signal.pause()
    """

    async def leave(workers: WorkerPool) -> Reply:
        async with workers:
            running = asyncio.create_task(workers.call(call_of({})))
            await asyncio.sleep(0)
        return await running

    answer = asyncio.run(leave(pool(source)))
    assert answer.fault is not None
    assert answer.fault.kind is FaultKind.SHUTTING_DOWN
