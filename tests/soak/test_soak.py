"""A server under load for a while: workers are killed, clients hang up, and every answer is right.

`SOAK_SECONDS` says how long; the default is short. Run `SOAK_SECONDS=600 pytest tests/soak -s` to
read what was counted.
"""

from __future__ import annotations

import base64
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any

import msgpack
import numpy as np
import psutil
import pytest

from tests.patience import SECONDS
from tests.server.conftest import (
    Answer,
    Served,
    exchange,
    head,
    read_answer,
    serving,
    shared_files,
    wait_until_gone,
)

DURATION = float(os.environ.get("SOAK_SECONDS", "8"))
ORDINARY, LEAVING, SLOW = 12, 2, 2
MIB = 1 << 20

SOURCE = """
import ctypes
from pydantic import BaseModel
from runtime_core import Array, Float64

class InputSchema(BaseModel):
    x: Array[(None,), Float64]
    hold: float = 0.0

class OutputSchema(BaseModel):
    y: Array[(None,), Float64]

def apply(inputs):
    ctypes.PyDLL(None).usleep(int(inputs.hold * 1e6))  # it keeps the GIL
    return OutputSchema(y=2 * inputs.x)
"""

OPTIONS = ["--num-workers=2", "--queue-size=12", "--timeout=3"]
CONSTANTS = {"runtime_core.workers.pool._TICKS_TO_SHRINK": 2}

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


@dataclass(frozen=True, kw_only=True)
class Form:
    """Writes a vector into a payload and reads it from an answer."""

    media_type: str
    sizes: Sequence[int]
    write: Callable[[np.ndarray, float], bytes]
    read: Callable[[bytes], np.ndarray]


def payload(x: object, hold: float) -> dict[str, Any]:
    """Return the tree of a payload."""
    return {"inputs": {"x": x, "hold": hold}}


def array(x: np.ndarray, buffer: object, encoding: str) -> dict[str, Any]:
    """Return the tree of an array."""
    data = {"buffer": buffer, "encoding": encoding}
    return {"shape": list(x.shape), "dtype": "float64", "data": data}


def base64_text(x: np.ndarray) -> str:
    """Return the bytes of a vector as base64."""
    return base64.b64encode(x.data).decode()


FORMS = (
    Form(
        media_type="application/json",
        sizes=(16, 1000, 20_000),
        write=lambda x, hold: json.dumps(payload(x.tolist(), hold)).encode(),
        read=lambda body: np.array(json.loads(body)["y"]["data"]["buffer"]),
    ),
    Form(
        media_type="application/json+base64",
        sizes=(16, 8_000, 100_000, 1_000_000),
        write=lambda x, hold: json.dumps(
            payload(array(x, base64_text(x), "base64"), hold)
        ).encode(),
        read=lambda body: np.frombuffer(base64.b64decode(json.loads(body)["y"]["data"]["buffer"])),
    ),
    Form(
        media_type="application/msgpack",
        sizes=(16, 8_000, 100_000, 1_000_000),
        write=lambda x, hold: msgpack.packb(payload(array(x, x.tobytes(), "raw"), hold)),
        read=lambda body: np.frombuffer(msgpack.unpackb(body)["y"]["data"]["buffer"]),
    ),
)

ERRORS: Mapping[int, Sequence[str]] = {
    500: ("The worker process ended during the call (signal SIGKILL).",),
    503: ("The queue is full", "The bodies of waiting calls"),
    504: ("The call was stopped after 3 s.",),
}
"""What a client may be told instead of its result."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """A call and its right answer."""

    form: Form
    x: np.ndarray
    body: bytes

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers of the call."""
        return {"Content-Type": self.form.media_type, "Accept": self.form.media_type}

    def fault_of(self, answer: Answer) -> str | None:
        """Return the problem of an answer, if any."""
        if answer.status == 200:
            right = np.array_equal(self.form.read(answer.body), 2 * self.x)
            return None if right else f"a wrong answer for {self.x.size} numbers"
        detail = str(answer.json().get("detail"))
        documented = any(detail.startswith(text) for text in ERRORS.get(answer.status, ()))
        return None if documented else f"{answer.status}: {detail}"


def question(chance: random.Random) -> Question:
    """Return a call of a random form and size; a few keep the GIL, and very few for too long."""
    form = chance.choice(FORMS)
    x = np.random.default_rng(chance.getrandbits(32)).standard_normal(chance.choice(form.sizes))
    hold = chance.choices([0.0, 0.02, 600.0], [90, 10, 0.1])[0]
    return Question(form=form, x=x, body=form.write(x, hold))


@dataclass(frozen=True, kw_only=True)
class Load:
    """Clients of one server for a while, and their results."""

    served: Served
    end: float
    counts: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    @property
    def lasts(self) -> bool:
        """Check that the clients go on."""
        return time.monotonic() < self.end and not self.faults

    def note(self, question: Question, answer: Answer) -> None:
        """Count an answer, and record its problem."""
        self.counts[str(answer.status)] += 1
        if fault := question.fault_of(answer):
            self.faults.append(fault)


def ask(load: Load, chance: random.Random) -> None:
    """Call repeatedly on one connection."""
    with closing(load.served.connection()) as connection:
        while load.lasts:
            asked = question(chance)
            answer = exchange(connection, "POST", "/apply", asked.body, asked.headers)
            load.note(asked, answer)


def leave(load: Load, chance: random.Random) -> None:
    """Call and hang up while the request is sent, waits, runs, or is answered."""
    while load.lasts:
        asked = question(chance)
        with load.served.raw() as connection:
            size = chance.choice([1, len(asked.body) // 2, len(asked.body)])
            connection.sendall(beginning(asked) + asked.body[:size])
            connection.settimeout(chance.random() * 0.2 + 0.001)
            try:
                connection.recv(chance.choice([1, 100_000]))
            except TimeoutError:
                pass
        load.counts["left"] += 1


def read_slowly(load: Load, chance: random.Random) -> None:
    """Call with a small window, and read the answer in pieces."""
    while load.lasts:
        asked = question(chance)
        with socket.socket() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
            connection.settimeout(SECONDS)
            connection.connect(("127.0.0.1", load.served.port))
            connection.sendall(beginning(asked) + asked.body)
            time.sleep(chance.random() * 0.5)
            load.note(asked, read_answer(connection))


def beginning(asked: Question) -> bytes:
    """Return the head of a request."""
    return head(Content_Length=len(asked.body), **asked.headers)


def kill(load: Load, chance: random.Random) -> None:
    """Kill a worker from time to time."""
    while load.lasts:
        time.sleep(min(1.5, DURATION / 8))
        workers = load.served.workers()
        if workers:
            victim = chance.choice(workers)
            victim.send_signal(signal.SIGKILL)
            load.counts["killed"] += 1


ROLES = [*[ask] * ORDINARY, *[leave] * LEAVING, *[read_slowly] * SLOW, kill]


def loaded(served: Served, seconds: float, seed: int) -> Load:
    """Run clients for some seconds and return their results."""
    load = Load(served=served, end=time.monotonic() + seconds)

    def play(role: Callable[[Load, random.Random], None], number: int) -> None:
        try:
            role(load, random.Random(1000 * seed + number))
        except (OSError, HTTPException, ValueError, KeyError) as error:
            load.faults.append(f"{role.__name__}: {error!r}")

    threads = [threading.Thread(target=play, args=(r, n)) for n, r in enumerate(ROLES)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return load


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


def size_at_rest(served: Served) -> tuple[int, int]:
    """Return memory and descriptors of the front after some time without calls."""
    time.sleep(2)
    front = psutil.Process(served.process.pid)
    return front.memory_info().rss, front.num_fds()


@pytest.mark.timeout(DURATION * 2 + 120)
def test_server_bears_everything_at_once(tesseract: Callable[..., Path]) -> None:
    """Each answer is right or a documented error, the front stays small, and nothing is left."""
    before = shared_files()
    with serving(tesseract(SOURCE), options=OPTIONS, constants=CONSTANTS) as served:
        with probed(served) as milliseconds:
            loads = [loaded(served, DURATION / 2, seed=1)]
        first = size_at_rest(served)
        loads.append(loaded(served, DURATION / 2, seed=2))
        second = size_at_rest(served)
        everything = psutil.Process(served.process.pid).children(recursive=True)
        report(loads, milliseconds, first, second)
        assert [fault for load in loads for fault in load.faults] == [], served.log.text[-3000:]
        assert served.end() == 0
        wait_until_gone(everything)
        assert all(load.counts["200"] > 0 and load.counts["killed"] > 0 for load in loads)
        assert second[0] - first[0] < 40 * MIB
        assert second[1] - first[1] <= 8
        assert "Traceback" not in served.log.wait_for_end()
    assert shared_files() <= before


def report(
    loads: Sequence[Load],
    milliseconds: Sequence[float],
    first: tuple[int, int],
    second: tuple[int, int],
) -> None:
    """Print the counts; times depend on the machine."""
    counts = sum((load.counts for load in loads), Counter[str]())
    median, late, worst = np.quantile(milliseconds, [0.5, 0.99, 1.0])
    print(f"\n{DURATION:g} s: {dict(sorted(counts.items()))}")
    print(f"/health: median {median:.1f} ms, 99 % {late:.1f} ms, worst {worst:.1f} ms")
    print(f"front at rest: {first[0] // MIB} MiB, {first[1]} descriptors; then {second[0] // MIB}")
