"""The worker process: its independence, and the cost of its death."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.patience import SECONDS
from tests.server.conftest import GATED, serving, wait_until_gone

if TYPE_CHECKING:
    from tests.server.conftest import Gate, Serve, Served

ENDING = """
import ctypes, os, signal
from pydantic import BaseModel

class InputSchema(BaseModel):
    end: bool = False

class OutputSchema(BaseModel):
    pid: int

def apply(inputs: InputSchema) -> OutputSchema:
    if inputs.end:
        {statement}
    return OutputSchema(pid=os.getpid())
"""
"""The source of a Tesseract that ends its process when it is asked to."""

SPINNING = """
import os
from pydantic import BaseModel

class InputSchema(BaseModel):
    entered: str
    release: str

class OutputSchema(BaseModel):
    done: bool

def apply(inputs: InputSchema) -> OutputSchema:
    release = os.open(inputs.release, os.O_RDONLY | os.O_NONBLOCK)
    with open(inputs.entered, "wb") as entered:
        entered.write(b"x")
    while True:
        try:
            if os.read(release, 1):
                return OutputSchema(done=True)
        except BlockingIOError:
            pass
"""
"""The source of a Tesseract that waits at the gate of its inputs and never rests."""

HOLDING = """
import ctypes, os
from pydantic import BaseModel

class InputSchema(BaseModel):
    entered: str
    release: str

class OutputSchema(BaseModel):
    done: bool

def apply(inputs: InputSchema) -> OutputSchema:
    release = os.open(inputs.release, os.O_RDONLY)
    with open(inputs.entered, "wb") as entered:
        entered.write(b"x")
    ctypes.PyDLL(None).read(release, ctypes.create_string_buffer(1), 1)
    return OutputSchema(done=True)
"""
"""The source of a Tesseract that waits at the gate of its inputs in C, and keeps the GIL."""


@pytest.mark.parametrize(
    "source", [GATED, SPINNING, HOLDING], ids=["sleeping", "spinning", "holding the GIL"]
)
def test_requests_are_answered_during_a_call(
    serve: Serve, gate: Gate, gate_inputs: dict[str, str], source: str
) -> None:
    """Requests that need no worker are answered during any call."""
    served = serve(source)
    with ThreadPoolExecutor() as threads:
        call = threads.submit(served.apply, gate_inputs)
        gate.wait_until_entered()
        for path in ("/health", "/input_schema", "/openapi.json", "/docs", "/plugins"):
            assert served.get(path).status == 200
        assert not call.done()
        gate.open()
        assert call.result().json() == {"done": True}


def test_calls_at_once_are_all_right(double: Served) -> None:
    """Simultaneous calls wait for each other, and each gets its own answer."""
    with ThreadPoolExecutor(8) as threads:
        answers = threads.map(lambda n: double.apply({"x": [float(n)]}).json(), range(64))
    assert [a["y"]["data"]["buffer"] for a in answers] == [[2.0 * n] for n in range(64)]


def test_waiting_call_is_computed_after_the_first(
    serve: Serve, gate: Gate, gate_inputs: dict[str, str]
) -> None:
    """The second of two calls is computed when the first is done."""
    served = serve(GATED)
    with ThreadPoolExecutor() as threads:
        calls = [threads.submit(served.apply, gate_inputs) for _ in range(2)]
        for _ in range(2):
            gate.wait_until_entered()
            gate.open()
        assert [call.result().json() for call in calls] == [{"done": True}] * 2


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("os._exit(7)", "exit code 7"),
        ("ctypes.string_at(0)", "signal SIGSEGV"),
    ],
)
def test_death_of_the_worker_costs_one_call(serve: Serve, statement: str, reason: str) -> None:
    """A call that ends its process is a 500 with the cause; the next one has a new process."""
    served = serve(ENDING.format(statement=statement))
    first = served.apply({}).json()["pid"]
    answer = served.apply({"end": True})
    assert answer.status == 500
    assert answer.json()["detail"].startswith("The worker process ")
    assert f"({reason})" in answer.json()["detail"]
    assert answer.json()["run_id"] == answer.headers["tesseract-run-id"]
    second = served.apply({}).json()["pid"]
    assert second not in (first, served.process.pid)


def test_death_of_the_worker_is_told_although_its_children_live(serve: Serve) -> None:
    """A fork of user code that outlives the worker delays no answer."""
    statement = "os.fork() or signal.pause(); os.kill(os.getpid(), signal.SIGKILL)"
    served = serve(ENDING.format(statement=statement))
    [worker] = served.workers()
    with ThreadPoolExecutor() as threads:
        call = threads.submit(served.apply, {"end": True})
        try:
            assert call.result(timeout=SECONDS).status == 500
        finally:
            for process in [*worker_group(worker.pid)]:
                process.kill()
    assert served.apply({}).status == 200


def worker_group(leader: int) -> list[psutil.Process]:
    """Return the processes of the group that a worker led."""
    return [p for p in psutil.process_iter() if _group_of(p.pid) == leader]


def _group_of(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None


def test_calls_that_wait_survive_the_death_of_the_worker(serve: Serve) -> None:
    """Only the call in the dead process fails, not the waiting ones."""
    served = serve(ENDING.format(statement="os._exit(1)"))
    with ThreadPoolExecutor(8) as threads:
        statuses = threads.map(lambda n: served.apply({"end": n == 3}).status, range(8))
    assert sorted(statuses) == [200] * 7 + [500]


def test_worker_that_dies_idle_is_replaced(serve: Serve) -> None:
    """A worker that ends between two calls costs at most one of them."""
    served = serve(ENDING.format(statement="pass"))
    [worker] = served.workers()
    worker.send_signal(signal.SIGKILL)
    wait_until_gone([worker])
    served.apply({})
    answer = served.apply({})
    assert answer.status == 200
    assert answer.json()["pid"] != worker.pid


BREAKABLE = """
import os
from pathlib import Path
from pydantic import BaseModel

if Path({broken!r}).exists():
    raise RuntimeError("out of order")

class InputSchema(BaseModel):
    end: bool = False

class OutputSchema(BaseModel):
    pid: int

def apply(inputs):
    if inputs.end:
        os._exit(1)
    return OutputSchema(pid=os.getpid())
"""
"""The source of a Tesseract that does not load while a file exists."""


def test_worker_that_cannot_start_again_says_so(serve: Serve, tmp_path: Path) -> None:
    """When the file no longer loads, calls and the probe are a 503 with the reason."""
    broken = tmp_path / "broken"
    pauses = {"runtime_core.workers.pool._PAUSES": [0, 0, 0]}
    served = serve(BREAKABLE.format(broken=str(broken)), constants=pauses)
    broken.touch()
    assert served.apply({"end": True}).status == 500
    refused = served.apply({})
    assert (refused.status, "retry-after" in refused.headers) == (503, False)
    assert "RuntimeError: out of order" in refused.json()["detail"]
    assert served.apply({}).json()["detail"] == refused.json()["detail"]
    ready = served.get("/readyz")
    assert (ready.status, ready.json()["status"]) == (503, "not ready")
    assert "RuntimeError: out of order" in ready.json()["detail"]
    assert [served.get(path).status for path in ("/health", "/livez")] == [200, 200]
    served.log.wait_for("could not be loaded again(.|\n)*out of order")


def test_worker_that_starts_again_later_serves(serve: Serve, tmp_path: Path) -> None:
    """Calls wait during the attempts to replace a worker, and are then computed."""
    broken = tmp_path / "broken"
    pauses = {"runtime_core.workers.pool._PAUSES": [0, 0.5, 1, 2, 4, 8]}
    served = serve(BREAKABLE.format(broken=str(broken)), constants=pauses)
    broken.touch()
    assert served.apply({"end": True}).status == 500
    served.log.wait_for("out of order")
    assert served.get("/readyz").json()["detail"] == "The worker is being replaced."
    broken.unlink()
    assert served.apply({}).status == 200
    assert served.get("/readyz").json()["status"] == "ready"


def test_calls_that_run_are_shown(serve: Serve, gate: Gate, gate_inputs: dict[str, str]) -> None:
    """The readiness of a server names the runs of its busy workers, and its log the long ones."""
    steps = {"runtime_core.workers.queued_call.NOTICE_SECONDS": [0.1, 600]}
    body = json.dumps({"inputs": gate_inputs})
    served = serve(GATED, options=["--num-workers=2"], constants=steps)
    with ThreadPoolExecutor() as threads:
        answer = threads.submit(served.request, "POST", "/apply?run_id=slow", body)
        gate.wait_until_entered()
        shown = served.get("/readyz").json()
        assert (shown["workers"], shown["busy_workers"], shown["queue_size"]) == (2, 1, 64)
        [running] = shown["running"]
        assert (running["run_id"], running["endpoint"]) == ("slow", "apply")
        served.log.wait_for("apply of run slow is still running after 0.1 s")
        gate.open()
        assert answer.result().status == 200
    assert served.get("/readyz").json()["running"] == []


ACTING = """
import asyncio, multiprocessing, os, signal, sys, threading
from itertools import count
from typing import Any
from pydantic import BaseModel

AT_IMPORT = threading.current_thread() is threading.main_thread()
CALLS = count(1)

class InputSchema(BaseModel):
    act: str
    method: str = ""

class OutputSchema(BaseModel):
    result: Any

def place(inputs):
    in_apply = threading.current_thread() is threading.main_thread()
    return [AT_IMPORT, in_apply, threading.active_count(), os.getsid(0) == os.getpid()]

async def compute():
    await asyncio.sleep(0)
    return 1

def main_thread_only(inputs):
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    return asyncio.run(compute())

def square(n):
    return n * n

def squares(inputs):
    with multiprocessing.get_context(inputs.method).Pool(2) as pool:
        return pool.map(square, range(4))

def count_calls(inputs):
    return next(CALLS)

def read_stdin(inputs):
    return sys.stdin.read()

def apply(inputs):
    return OutputSchema(result=globals()[inputs.act](inputs))
"""
"""The source of a Tesseract that calls one of its functions."""


@pytest.fixture(scope="module")
def acting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Return a server of `ACTING`, shared by tests of what user code may do."""
    path = tmp_path_factory.mktemp("acting") / "tesseract_api.py"
    path.write_text(ACTING, encoding="utf-8")
    with serving(path) as served:
        yield served


def test_user_code_runs_on_the_main_thread(acting: Served) -> None:
    """Import and `apply` run on the main thread, alone in a process that leads its session."""
    assert acting.apply({"act": "place"}).json()["result"] == [True, True, 1, True]


def test_user_code_may_use_signals_alarms_and_event_loops(acting: Served) -> None:
    """What only a main thread may do works in `apply`."""
    assert acting.apply({"act": "main_thread_only"}).json()["result"] == 1


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_user_code_may_start_processes_of_its_own(acting: Served, method: str) -> None:
    """A pool of processes, however they are started, finds the functions of the file."""
    answer = acting.apply({"act": "squares", "method": method})
    assert (answer.status, answer.json()) == (200, {"result": [0, 1, 4, 9]})


def test_state_of_the_file_lives_from_call_to_call(acting: Served) -> None:
    """The file is imported once; what it keeps is there for the next call."""
    counted = [acting.apply({"act": "count_calls"}).json()["result"] for _ in range(3)]
    assert counted == [1, 2, 3]


def test_stdin_of_user_code_is_empty(acting: Served) -> None:
    """Code that reads from stdin gets nothing, and does not wait for a terminal."""
    assert acting.apply({"act": "read_stdin"}).json()["result"] == ""
