"""The end of a server, or of one of its processes, and its leftovers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.conftest import DOUBLE, Cli, clean_environment
from tests.patience import SECONDS, patient, wait_until
from tests.server.conftest import (
    ANNOUNCEMENT,
    GATED,
    Client,
    Log,
    has_room,
    shared_files,
    wait_until_gone,
)
from tests.server.test_computing import HOLDING

if TYPE_CHECKING:
    from tests.server.conftest import Gate, Serve, Served

Tesseract = Callable[..., Path]

RECORDING = """
import os
from pathlib import Path
from pydantic import BaseModel

RECORD = Path({record!r})

def note(word):
    with RECORD.open("a") as file:
        print(word, os.getpid(), file=file)

class InputSchema(BaseModel):
    seconds: float = 0

class OutputSchema(BaseModel):
    pid: int

def setup():
    note("setup")

def teardown():
    {teardown}
    note("teardown")

def apply(inputs):
    import time
    time.sleep(inputs.seconds)
    note("apply")
    return OutputSchema(pid=os.getpid())
"""


@pytest.fixture(autouse=True)
def nothing_is_left_in_shared_memory() -> Iterator[None]:
    """Check after each test that no named memory of the server is left."""
    before = shared_files()
    yield
    assert shared_files() <= before


@pytest.fixture
def record(tmp_path: Path) -> Path:
    """Return the file in which `RECORDING` records calls."""
    return tmp_path / "record"


def recording(record: Path, teardown: str = "pass") -> str:
    """Return the source of a Tesseract that records calls in a file."""
    return RECORDING.format(record=str(record), teardown=teardown)


def noted(record: Path) -> list[str]:
    """Return the recorded words."""
    return [line.split()[0] for line in record.read_text().splitlines()]


def processes_of(record: Path, word: str) -> set[str]:
    """Return the processes that recorded a word."""
    lines = [line.split() for line in record.read_text().splitlines()]
    return {pid for noted, pid in lines if noted == word}


@pytest.mark.parametrize(
    ("options", "number"), [([], signal.SIGTERM), (["--in-process"], signal.SIGINT)]
)
def test_setup_and_teardown_surround_the_calls(
    serve: Serve, record: Path, options: list[str], number: signal.Signals
) -> None:
    """Both are called once in the process that computes, around all of its calls."""
    served = serve(recording(record), options=options)
    assert noted(record) == ["setup"]
    pids = {str(served.apply({}).json()["pid"]) for _ in range(2)}
    served.process.send_signal(number)
    assert served.process.wait(SECONDS) == 0
    assert noted(record) == ["setup", "apply", "apply", "teardown"]
    assert processes_of(record, "setup") == processes_of(record, "teardown") == pids
    assert (pids == {str(served.process.pid)}) == bool(options)


def test_each_worker_is_set_up(serve: Serve, record: Path) -> None:
    """As many workers as `-w` says have their own setup and teardown."""
    served = serve(recording(record), options=["-w", "3"])
    assert len(served.workers()) == 3
    assert len(processes_of(record, "setup")) == 3
    served.end()
    assert processes_of(record, "teardown") == processes_of(record, "setup")


@pytest.mark.parametrize("options", [["--in-process"], ["--num-workers=2"]])
def test_setup_that_fails_ends_serve(
    cli_here: Cli, tesseract: Tesseract, options: list[str]
) -> None:
    """An error of `setup` is shown with the author's frames, and serve exits with 1."""
    source = f"{DOUBLE}\ndef setup():\n    raise OSError('no licence')\n"
    ended = cli_here("--api-path", str(tesseract(source)), "serve", "-p", "0", *options)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "setup of tesseract_api.py failed: OSError: no licence" in ended.stderr
    assert "raise OSError('no licence')" in ended.stderr
    assert "runtime_core" not in ended.stderr


@pytest.mark.parametrize(
    ("statement", "text", "options"),
    [
        ("raise OSError('the disk is full')", "OSError: the disk is full", []),
        ("raise OSError('the disk is full')", "OSError: the disk is full", ["--in-process"]),
        ("raise KeyboardInterrupt", "KeyboardInterrupt", []),
    ],
)
def test_teardown_that_fails_is_shown(
    serve: Serve, record: Path, statement: str, text: str, options: list[str]
) -> None:
    """Errors of `teardown` are reported to the operator, without a traceback of the runtime."""
    served = serve(recording(record, statement), options=options)
    assert served.end() in (0, 1)
    log = served.log.wait_for_end()
    assert text in log
    assert "runtime_core" not in log


def test_teardown_that_hangs_ends_with_the_worker(serve: Serve, record: Path) -> None:
    """A teardown that takes too long is killed, and serve ends."""
    patience = {"runtime_core.workers.worker_process._SECONDS_TO_END": 0.5}
    served = serve(recording(record, "import time; time.sleep(600)"), constants=patience)
    workers = served.workers()
    assert served.end() == 0
    wait_until_gone(workers)


def test_calls_have_until_the_end_of_the_grace(serve: Serve, record: Path) -> None:
    """A call that ends within the grace is answered before `teardown`."""
    served = serve(recording(record), options=["--shutdown-grace=20", "--queue-size=0"])
    with ThreadPoolExecutor() as threads:
        call = threads.submit(served.apply, {"seconds": patient(2)})
        wait_until(lambda: not has_room(served))
        assert served.end() == 0
        assert call.result().status == 200
    assert noted(record) == ["setup", "apply", "teardown"]


@pytest.mark.parametrize(
    ("source", "grace"),
    [(GATED, "0"), (GATED, "0.5"), (HOLDING, "0.5")],
    ids=["at once", "sleeping", "holding the GIL"],
)
def test_calls_are_cut_short_after_the_grace(
    serve: Serve, gate: Gate, gate_inputs: dict[str, str], source: str, grace: str
) -> None:
    """Calls that still run or wait then are answered with a 503, and serve exits with 0."""
    served = serve(source, options=[f"--shutdown-grace={grace}", "--queue-size=1"])
    workers = served.workers()
    with ThreadPoolExecutor() as threads:
        calls = [threads.submit(served.apply, gate_inputs) for _ in range(2)]
        gate.wait_until_entered()
        wait_until(lambda: not has_room(served))  # the second waits
        assert served.end() == 0
        answers = [call.result() for call in calls]
    assert [answer.status for answer in answers] == [503, 503]
    assert {answer.json()["detail"]: "retry-after" in answer.headers for answer in answers} == {
        "The server is being stopped.": True,
        "The server was stopped before the call was done.": False,
    }
    wait_until_gone(workers)
    assert "Traceback" not in served.log.wait_for_end()


def test_server_that_ends_takes_no_new_calls(
    serve: Serve, gate: Gate, gate_inputs: dict[str, str]
) -> None:
    """During the grace an open connection gets no further answer of 200."""
    served = serve(GATED)
    with ThreadPoolExecutor() as threads:
        call = threads.submit(served.apply, gate_inputs)
        gate.wait_until_entered()
        served.process.terminate()
        wait_until(lambda: not is_listening(served))
        with pytest.raises(OSError, match="refused"):
            served.get("/health")
        gate.open()
        assert call.result().status == 200
    assert served.process.wait(SECONDS) == 0


def is_listening(served: Served) -> bool:
    """Check that a server takes connections."""
    connections = psutil.Process(served.process.pid).net_connections("tcp")
    return any(connection.status == psutil.CONN_LISTEN for connection in connections)


def test_open_connections_do_not_hold_up_the_end(serve: Serve) -> None:
    """Clients that keep their connections, or have sent half a request, do not keep the server."""
    served = serve(DOUBLE, options=["--shutdown-grace=1"])
    with served.raw() as idle, served.raw() as half, served.raw() as silent:
        idle.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert idle.recv(1000).startswith(b"HTTP/1.1 200")
        half.sendall(b"POST /apply HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
        served.get("/health")
        assert served.end() == 0
        assert silent.recv(1000) == b""
    assert "Traceback" not in served.log.wait_for_end()


@pytest.mark.parametrize("source", [GATED, HOLDING], ids=["sleeping", "holding the GIL"])
def test_death_of_the_front_ends_every_worker(
    serve: Serve, gate: Gate, gate_inputs: dict[str, str], source: str
) -> None:
    """Workers end with a front that is killed, whether they idle, sleep or hold the GIL in C."""
    served = serve(source, options=["--num-workers=2"])
    workers = served.workers()
    assert len(workers) == 2
    with ThreadPoolExecutor() as threads:
        call = threads.submit(served.apply, gate_inputs)
        gate.wait_until_entered()
        served.process.kill()
        wait_until_gone(workers)
        assert isinstance(call.exception(), OSError)
    assert served.process.wait(SECONDS) == -signal.SIGKILL


def test_death_of_the_whole_group_leaves_nothing(
    tesseract: Tesseract, gate: Gate, gate_inputs: dict[str, str]
) -> None:
    """A supervisor that kills the server's process group has killed everything."""
    process = subprocess.Popen(
        [str(Path(sys.executable).with_name("tesseract-runtime")), "serve", "-p", "0"],
        env=clean_environment() | {"TESSERACT_API_PATH": str(tesseract(HOLDING))},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    client = Client(port=int(Log(process).wait_for(ANNOUNCEMENT)[3]))
    workers = psutil.Process(process.pid).children()
    with ThreadPoolExecutor() as threads:
        threads.submit(client.apply, gate_inputs)
        gate.wait_until_entered()
        os.killpg(process.pid, signal.SIGKILL)
        wait_until_gone(workers)
    assert process.wait(SECONDS) == -signal.SIGKILL


POOLED = """
import multiprocessing, os, time
from pydantic import BaseModel

class InputSchema(BaseModel):
    method: str
    end: bool = False

class OutputSchema(BaseModel):
    squares: list[int]

def square(n):
    return n * n

def apply(inputs):
    context = multiprocessing.get_context(inputs.method)
    with context.Pool(2) as pool:
        squares = pool.map(square, range(4))
        if inputs.end:
            os._exit(1)
        if inputs.method == "spawn":
            context.Process(target=time.sleep, args=(600,), daemon=True).start()
        return OutputSchema(squares=squares)
"""


def test_processes_of_user_code_end_with_the_server(serve: Serve) -> None:
    """Pools and processes that user code leaves behind do not outlive the server."""
    served = serve(POOLED)
    front = psutil.Process(served.process.pid)
    assert served.apply({"method": "spawn"}).json() == {"squares": [0, 1, 4, 9]}
    assert served.apply({"method": "fork"}).status == 200
    everything = front.children(recursive=True)
    assert len(everything) >= 2
    assert served.end() == 0
    wait_until_gone(everything)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes_of_user_code_end_with_their_worker(serve: Serve, method: str) -> None:
    """A worker that dies in the middle of its own pool takes that pool with it."""
    served = serve(POOLED)
    group = served.workers()[0].pid
    assert served.apply({"method": method, "end": True}).status == 500
    assert served.apply({"method": method}).status == 200
    wait_until(lambda: not [p for p in psutil.process_iter() if lives_in(p, group)])


def lives_in(process: psutil.Process, group: int) -> bool:
    """Check that a process is alive and belongs to a group."""
    try:
        return os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE
    except (ProcessLookupError, psutil.NoSuchProcess):
        return False


def test_global_options_reach_every_worker(serve: Serve) -> None:
    """Every worker has the options of the command line."""
    source = """
        import os, time
        from pathlib import Path
        from pydantic import BaseModel
        from tesseract_core.runtime.config import get_config

        class InputSchema(BaseModel):
            pass

        class OutputSchema(BaseModel):
            name: str
            pid: int

        def apply(inputs):
            Path(f"{os.getpid()}.pid").touch()
            while len([*Path().glob("*.pid")]) < 2:  # each of two workers has a call
                time.sleep(0.01)
            return OutputSchema(name=get_config().name, pid=os.getpid())
    """
    served = serve(source, "--name=Solver", options=["--num-workers=2"])
    with ThreadPoolExecutor() as threads:
        answers = [call.json() for call in threads.map(served.apply, [{}, {}])]
    assert {answer["name"] for answer in answers} == {"Solver"}
    assert len({answer["pid"] for answer in answers}) == 2


def test_in_process_server_computes_in_the_front(serve: Serve) -> None:
    """With `--in-process` a debugger that is attached to the server sees user code."""
    source = """
        import os
        from pydantic import BaseModel

        class InputSchema(BaseModel):
            text: str

        class OutputSchema(BaseModel):
            pid: int
            size: int

        def apply(inputs):
            print("computing")
            return OutputSchema(pid=os.getpid(), size=len(inputs.text))
    """
    served = serve(source, options=["--in-process"])
    answer = served.apply({"text": "a" * 1_000_000}).json()
    assert answer == {"pid": served.process.pid, "size": 1_000_000}
    assert served.workers() == []
    assert served.get("/readyz").status == 200
    assert served.end() == 0
    assert served.process.stdout is not None
    assert served.process.stdout.read() == ""
    assert "computing\n" in served.log.wait_for_end()


@pytest.mark.parametrize("option", ["--timeout=1", "--num-workers=2"])
def test_in_process_server_refuses_what_it_cannot_do(
    cli_here: Cli, tesseract: Tesseract, option: str
) -> None:
    """One process neither stops calls nor computes two of them at once."""
    arguments = ["--api-path", str(tesseract()), "serve", "-p", "0", "--in-process", option]
    ended = cli_here(*arguments)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "--in-process computes one call at a time" in ended.stderr


def test_stalled_reader_of_the_log_does_not_keep_the_server(tesseract: Tesseract) -> None:
    """A server whose stderr has no reader any more answers calls, and ends on request."""
    source = DOUBLE.replace("return", "print('x' * 100_000)\n    return")
    process = subprocess.Popen(
        [str(Path(sys.executable).with_name("tesseract-runtime")), "serve", "-p", "0"],
        env=clean_environment() | {"TESSERACT_API_PATH": str(tesseract(source))},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    port = int(process.stderr.readline().split(":")[2].split()[0])
    client = Client(port=port)
    try:
        assert [client.apply({"x": [1.0]}).status for _ in range(5)] == [200] * 5
        process.terminate()
        assert process.wait(SECONDS) == 0
    finally:
        process.kill()
        process.stderr.close()
