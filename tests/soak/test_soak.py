"""A server under load for a while, with hostile clients and without them.

Workers are killed, clients hang up, and every answer is right. `SOAK_SECONDS` says how long. Run
`SOAK_SECONDS=600 pytest tests/soak -s` to read what was counted.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil
import pytest

from tests.patience import SECONDS, patient, wait_until
from tests.server.conftest import Served, serving, shared_files, wait_until_gone
from tests.soak.clients import Load, Role, ask, kill, leave, loaded, read_slowly, take_too_long
from tests.soak.hostile import HOSTILE

DURATION = float(os.environ.get("SOAK_SECONDS", "60"))
ROUNDS = 2
OTHERS: list[Role] = [*[ask] * 12, *[leave] * 2, *[read_slowly] * 2]
CHORES: list[Role] = [kill, take_too_long]
assert len(HOSTILE) == len(OTHERS + HOSTILE) / 3
MIB = 1 << 20

SOURCE = """
import ctypes
from pydantic import BaseModel
from runtime_core import Array, Float64

class Item(BaseModel):
    a: int
    b: int
    c: int
    d: int
    e: int

class InputSchema(BaseModel):
    x: Array[(None,), Float64]
    hold: float = 0.0
    items: list[Item] = []

class OutputSchema(BaseModel):
    y: Array[(None,), Float64]

def apply(inputs):
    ctypes.PyDLL(None).usleep(int(inputs.hold * 1e6))  # it keeps the GIL
    return OutputSchema(y=2 * inputs.x)
"""

MOST_QUEUED = 256 * MIB
LARGEST_ANSWER = 11 * MIB
MOST_OF_FRONT = MOST_QUEUED + (len(OTHERS + HOSTILE) + 2) * LARGEST_ANSWER + 64 * MIB
"""Bodies, an answer for each client and worker, as the documentation says, and small things."""
MOST_OF_WORKER = 256 * MIB  # its libraries, one call and its answer

OPTIONS = ["--num-workers=2", "--queue-size=12", "--timeout=3", f"--max-queued-bytes={MOST_QUEUED}"]
CONSTANTS = {
    "runtime_core.workers.pool._TICKS_TO_SHRINK": 2,
    "runtime_core.server.http_protocol._SECONDS_FOR_HEAD": patient(5),
    "runtime_core.server.request_body._SECONDS_TO_GET_GOING": patient(5),
    "runtime_core.server.http_protocol._STALLED_SECONDS": patient(5),
}

PROBE = """
import http.client, json, select, sys, time
seconds = []
connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=60)
while not select.select([sys.stdin], [], [], 0)[0]:
    start = time.perf_counter()
    connection.request("GET", "/health")
    assert connection.getresponse().read() == b'{"status":"ok"}'
    seconds.append(time.perf_counter() - start)
    time.sleep(0.01)
print(json.dumps(sorted(seconds)))
"""
"""Asks for the health of a server until its stdin is closed; it has nothing else to do."""


@contextmanager
def probed(served: Served) -> Iterator[list[float]]:
    """Request `/health` under load, and record the milliseconds."""
    arguments = [sys.executable, "-c", PROBE, str(served.port)]
    milliseconds: list[float] = []
    with subprocess.Popen(
        arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield milliseconds
        text, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == 0
    milliseconds += [1000 * seconds for seconds in json.loads(text)]


@dataclass(kw_only=True)
class Peaks:
    """The most memory of the front and of a worker, in bytes."""

    front: int = 0
    worker: int = 0

    def follow(self, served: Served, stop: threading.Event) -> None:
        """Look at the processes again and again."""
        front = psutil.Process(served.process.pid)
        while not stop.wait(0.5):
            self.front = max(self.front, front.memory_info().rss)
            sizes = [memory_of(worker) for worker in served.workers()]
            self.worker = max([self.worker, *sizes])


def memory_of(process: psutil.Process) -> int:
    """Return the resident bytes of a process, 0 of one that has ended."""
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


@contextmanager
def followed(served: Served) -> Iterator[Peaks]:
    """Follow the memory of a server inside the `with`."""
    peaks, stop = Peaks(), threading.Event()
    thread = threading.Thread(target=peaks.follow, args=(served, stop))
    thread.start()
    try:
        yield peaks
    finally:
        stop.set()
        thread.join()


@dataclass(frozen=True, kw_only=True)
class Phase:
    """Rounds of the same load, and the milliseconds of `/health` meanwhile."""

    roles: Sequence[Role]
    loads: list[Load] = field(default_factory=list)
    milliseconds: list[float] = field(default_factory=list)

    def run(self, served: Served, seed: int) -> None:
        """Load a server for one round."""
        with probed(served) as milliseconds:
            seconds = DURATION / (2 * ROUNDS)
            self.loads.append(loaded(served, self.roles, seconds=seconds, seed=seed))
        self.milliseconds.extend(milliseconds)

    @property
    def counts(self) -> Counter[str]:
        """The answers of the ordinary clients, by status."""
        return sum((load.counts for load in self.loads), Counter[str]())

    @property
    def faults(self) -> list[str]:
        """The faults of all rounds."""
        return [fault for load in self.loads for fault in load.faults]

    def report(self, name: str) -> None:
        """Print the counts; times depend on the machine."""
        hostile = sum((load.hostile for load in self.loads), Counter[str]())
        print(f"\n{name}: {sorted(self.counts.items())}, hostile ones {sorted(hostile.items())}")
        median, late, worst = np.quantile(self.milliseconds, [0.5, 0.99, 1.0])
        print(f"/health: median {median:.1f} ms, 99 % {late:.1f} ms, worst {worst:.1f} ms")


def names_in(folder: Path) -> list[str]:
    """Return the names in a folder without the folders of runs, which are meant to stay."""
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("run_"))


def size_at_rest(served: Served) -> tuple[int, int]:
    """Return memory and descriptors of the front once it has closed all connections."""
    front = psutil.Process(served.process.pid)
    wait_until(lambda: len(front.net_connections("tcp")) == 1)
    threading.Event().wait(2)  # unused memory is released
    return front.memory_info().rss, front.num_fds()


@pytest.mark.timeout(DURATION * 2 + 240)
def test_server_bears_everything_at_once(
    tesseract: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Each answer is right or a documented error, hostile clients take little, nothing is left."""
    before, scratch = shared_files(), tmp_path_factory.mktemp("scratch")
    path = tesseract(SOURCE)
    folder = names_in(path.parent)
    calm, attacked = Phase(roles=OTHERS + CHORES), Phase(roles=OTHERS + CHORES + HOSTILE)
    environment = {"TMPDIR": str(scratch)}
    with serving(path, options=OPTIONS, constants=CONSTANTS, environment=environment) as served:
        sizes = []
        with followed(served) as peaks:
            for seed in range(ROUNDS):  # in turn, as the speed of a machine changes
                calm.run(served, seed)
                attacked.run(served, seed)
                sizes.append(size_at_rest(served))
        everything = psutil.Process(served.process.pid).children(recursive=True)
        calm.report("without hostile clients")
        attacked.report("with hostile clients")
        right = attacked.counts["200"] / max(calm.counts["200"], 1)
        print(f"right answers with hostile clients: {right:.0%} of those without")
        print(f"most memory: front {peaks.front // MIB}, worker {peaks.worker // MIB} MiB")
        print("front at rest:", [f"{size // MIB} MiB, {files} files" for size, files in sizes])
        assert calm.faults + attacked.faults == [], served.log.text[-3000:]
        assert served.end() == 0
        wait_until_gone(everything)
        assert all(phase.counts["killed"] > 0 for phase in (calm, attacked))
        assert right > 0.5  # 90% and more on a machine that does nothing else
        assert sizes[-1][0] - sizes[0][0] < 40 * MIB
        assert sizes[-1][1] - sizes[0][1] <= 8
        assert peaks.front < MOST_OF_FRONT
        assert peaks.worker < MOST_OF_WORKER
        assert "Traceback" not in served.log.wait_for_end()
    assert shared_files() <= before
    assert (names_in(path.parent), names_in(scratch)) == (folder, [])
