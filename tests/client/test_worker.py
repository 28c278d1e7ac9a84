"""The process of `from_worker`: another one than the client's, and not longer there than it."""

from __future__ import annotations

import gc
import os
import re
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from runtime_core.errors import InvalidOption
from tesseract_runtime_client import Tesseract, TesseractFailed, Unreachable
from tesseract_runtime_client.worker_transport import WorkerTransport
from tests.client.conftest import written
from tests.conftest import clean_environment
from tests.patience import SECONDS, wait_until

WAITING = """
import os, sys, time
from pathlib import Path
from pydantic import BaseModel

class InputSchema(BaseModel):
    mark: str = ""
    end: str = ""

class OutputSchema(BaseModel):
    process: int

def apply(inputs):
    print("computing", file=sys.stderr)
    if inputs.mark:
        with open(inputs.mark, "a") as file:
            file.write("x")
        if inputs.end == "exit":
            os._exit(7)
        time.sleep(60)
    return OutputSchema(process=os.getpid())
"""


@pytest.fixture
def waiting(tmp_path: Path) -> Path:
    """Return a Tesseract that marks a file and then takes a minute, if it is told to."""
    return written(tmp_path / "tesseract", WAITING)


def process_of(tesseract: Tesseract) -> int:
    """Return the process in which a Tesseract computes."""
    process: int = tesseract.apply({})["process"]
    return process


def has_ended(process: int) -> bool:
    """Test whether a process has ended; its parent may not have collected it yet."""
    try:
        return psutil.Process(process).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_each_instance_has_one_process(waiting: Path) -> None:
    """Calls of an instance meet in one process, which ends with it."""
    with Tesseract.from_worker(waiting) as a, Tesseract.from_worker(waiting) as b:
        processes = [process_of(tesseract) for tesseract in (a, a, b)]
        assert processes[0] == processes[1]
        assert len({*processes, os.getpid()}) == 3
    assert all(has_ended(process) for process in processes)


def test_forgotten_instance_ends_its_process(waiting: Path) -> None:
    """An instance that is garbage ends its process."""
    tesseract = Tesseract.from_worker(waiting)
    process = process_of(tesseract)
    del tesseract
    gc.collect()
    assert has_ended(process)


def test_process_that_dies_is_told_and_replaced(waiting: Path, tmp_path: Path) -> None:
    """A call whose process ends is a failure and is not made again; the next one is answered."""
    mark = tmp_path / "mark"
    with Tesseract.from_worker(waiting) as tesseract:
        before = process_of(tesseract)
        with pytest.raises(
            TesseractFailed, match=r"ended during the call \(exit code 7\)"
        ) as raised:
            tesseract.apply({"mark": str(mark), "end": "exit"}, run_id="fit-7")
        assert (raised.value.status, raised.value.run_id) == (500, "fit-7")
        assert process_of(tesseract) != before
    assert mark.read_text() == "x"


def test_threads_share_an_instance(waiting: Path) -> None:
    """Calls of several threads are computed one after the other."""
    with Tesseract.from_worker(waiting) as tesseract, ThreadPoolExecutor(4) as pool:
        processes = list(pool.map(lambda _: process_of(tesseract), range(20)))
    assert len({*processes}) == 1


def test_closing_cuts_a_call_short(waiting: Path, tmp_path: Path) -> None:
    """A call that still runs when its client is closed is told that, at once."""
    mark = tmp_path / "mark"
    tesseract = Tesseract.from_worker(waiting)
    with ThreadPoolExecutor() as pool:
        call = pool.submit(tesseract.apply, {"mark": str(mark)}, run_id="fit-7")
        wait_until(mark.exists)
        tesseract.close()
        with pytest.raises((TesseractFailed, Unreachable), match=r"stopped before|was closed"):
            call.result(SECONDS)


def test_interrupt_ends_the_call(waiting: Path, tmp_path: Path) -> None:
    """Ctrl-C ends a call, and the client can be used again."""
    mark = tmp_path / "mark"
    with Tesseract.from_worker(waiting) as tesseract:
        first = process_of(tesseract)

        def interrupt() -> None:
            wait_until(mark.exists)
            os.kill(os.getpid(), signal.SIGINT)

        thread = threading.Thread(target=interrupt)
        thread.start()
        with pytest.raises(KeyboardInterrupt):
            tesseract.apply({"mark": str(mark)})
        thread.join()
        assert process_of(tesseract) != first


def test_interrupt_while_a_call_is_submitted_ends_it(
    waiting: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C between the submission of a call and the wait for its answer ends it too."""
    mark = tmp_path / "mark"
    with Tesseract.from_worker(waiting) as tesseract:
        first = process_of(tesseract)
        transport = tesseract._transport
        assert isinstance(transport, WorkerTransport)
        loop = transport._opened.result()
        submit = loop.call_soon_threadsafe

        def interrupted(*arguments: Any) -> None:
            monkeypatch.undo()
            submit(*arguments)
            wait_until(mark.exists)
            raise KeyboardInterrupt

        monkeypatch.setattr(loop, "call_soon_threadsafe", interrupted)
        with pytest.raises(KeyboardInterrupt):
            tesseract.apply({"mark": str(mark)})
        assert process_of(tesseract) != first


def test_interrupt_while_it_loads_ends_the_process(tmp_path: Path) -> None:
    """Ctrl-C leaves no process that loads a Tesseract which no client will call."""
    mark = tmp_path / "mark"
    source = f"""
        import os, time
        from pathlib import Path
        Path({str(mark)!r}).write_text(f"{{os.getpid()}} ")
        time.sleep(60)
    """

    def interrupt() -> None:
        wait_until(lambda: mark.exists() and mark.read_text().endswith(" "))
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        Tesseract.from_worker(written(tmp_path / "tesseract", source))
    thread.join()
    assert has_ended(int(mark.read_text()))


def test_process_does_not_outlive_a_killed_client(waiting: Path, tmp_path: Path) -> None:
    """A program that is killed leaves no process behind."""
    told = tmp_path / "process"
    program = f"""
import time
from pathlib import Path
from tesseract_runtime_client import Tesseract
tesseract = Tesseract.from_worker({str(waiting)!r})
Path({str(told)!r}).write_text(str(tesseract.apply({{}})["process"]) + " ")
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", program], env=clean_environment()) as client:
        try:
            wait_until(lambda: told.exists() and told.read_text().endswith(" "))
        finally:
            client.kill()
    wait_until(lambda: has_ended(int(told.read_text())))


def test_prints_of_the_worker_are_shown(waiting: Path) -> None:
    """What user code prints in the other process appears on stderr, and nothing on stdout."""
    program = f"""
from tesseract_runtime_client import Tesseract
with Tesseract.from_worker({str(waiting)!r}) as tesseract:
    tesseract.apply({{}})
"""
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env=clean_environment(),
        cwd=waiting.parent,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "computing\n")


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf"), 1e300, "5"])
def test_limits_are_positive_numbers_of_seconds(waiting: Path, seconds: float) -> None:
    """A wrong limit is refused by its name, before anything is started or sent."""
    refused = f"={re.escape(repr(seconds))} must be a positive number of seconds, at most 1e.09, or"
    with pytest.raises(InvalidOption, match=f"^patience{refused}"):
        Tesseract.from_url("http://127.0.0.1:9", patience=seconds)
    with pytest.raises(InvalidOption, match=f"^connect{refused}"):
        Tesseract.from_url("http://127.0.0.1:9", timeout=(seconds, 1.0))
    with pytest.raises(InvalidOption, match=f"^timeout{refused}"):
        Tesseract.from_worker(waiting, timeout=seconds)
