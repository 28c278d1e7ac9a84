"""Random clients of HTTP: `FUZZ_CONNECTIONS=20000 FUZZ_SEED=7 pytest tests/server/test_fuzz.py`."""

from __future__ import annotations

import os
import random
import re
import socket
import struct
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from tests.conftest import DOUBLE
from tests.patience import wait_until
from tests.server.http_grammar import End, Script, script

if TYPE_CHECKING:
    from tests.server.conftest import Serve, Served

CONNECTIONS = int(os.environ.get("FUZZ_CONNECTIONS", "500"))
SEED = int(os.environ.get("FUZZ_SEED", "1"))
BATCH = 250  # connections, after which none may be left
CLIENTS = 50  # at once; for some of them the server has no connection
MIB = 1 << 20

OPTIONS = ["--max-connections=35", "--queue-size=20", "--max-body-size=1000000"]
CONSTANTS = {
    "runtime_core.server.http_protocol._SECONDS_FOR_HEAD": 0.5,
    "runtime_core.server.http_protocol._SECONDS_FOR_PROBE": 0.2,
    "runtime_core.server.request_body._IDLE_SECONDS": 0.5,
    "runtime_core.server.request_body._SECONDS_TO_GET_GOING": 1.0,
    "runtime_core.server.http_protocol._STALLED_SECONDS": 1.0,
    "runtime_core.server.uvicorn_server._KEEP_ALIVE_SECONDS": 0.5,
}
"""Short limits, as many of these clients wait for them."""

DOCUMENTED = {503, 504}
"""The statuses of 500 and more that a client may cause."""


@dataclass(frozen=True, kw_only=True)
class Fuzzer:
    """Clients of one server whose scripts follow from a seed."""

    served: Served
    seed: int
    kept: ExitStack
    statuses: Counter[int]
    faults: list[str] = field(default_factory=list)

    def play(self, number: int) -> None:
        """Play the script with a number, and record the faults of its answers."""
        chance = random.Random(f"{self.seed} {number}")
        played = script(chance)
        try:
            answers = exchanged(self.served, played, chance, self.kept)
        except TimeoutError:
            self._note(number, played, "the connection was left open")
            return
        found = [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", answers)]
        self.statuses.update(found)
        if answers and not answers.startswith(b"HTTP/1.1 "):
            self._note(number, played, f"the answer is {answers[:100]!r}")
        if wrong := {status for status in found if status >= 500} - DOCUMENTED:
            self._note(number, played, f"statuses {wrong}: {answers[-300:]!r}")

    def _note(self, number: int, played: Script, fault: str) -> None:
        sent = b"".join(played.packets)
        self.faults.append(f"number {number}, {played.end.name}, sent {sent[:500]!r}: {fault}")


def exchanged(served: Served, played: Script, chance: random.Random, kept: ExitStack) -> bytes:
    """Play a script, and return all that the server has sent until it closed the connection."""
    connection = served.raw()
    if played.end is End.IGNORE:
        kept.enter_context(connection)
        send(connection, played, chance)
        return b""
    with connection:
        send(connection, played, chance)
        if played.end is End.RESET:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if played.end in (End.RESET, End.CLOSE):
            return b""
        return read_to_the_end(connection)


def send(connection: socket.socket, played: Script, chance: random.Random) -> None:
    """Send packets, until the server has closed the connection."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        for packet in played.packets:
            connection.sendall(packet)
            time.sleep(chance.choice([0.0, 0.0, 0.01]))  # so that packets stay apart
        if played.end is End.HALF_CLOSE:
            connection.shutdown(socket.SHUT_WR)
    except TimeoutError:
        raise
    except OSError:
        pass  # the server has closed or reset it; its answer may still be read


def read_to_the_end(connection: socket.socket) -> bytes:
    """Return all bytes until a connection is closed or reset."""
    pieces = []
    try:
        while piece := connection.recv(1 << 16):
            pieces.append(piece)
    except ConnectionResetError:
        pass  # the server closed it before it had read everything
    return b"".join(pieces)


def connections_of(served: Served) -> list[Any]:
    """Return the connections that a server has not closed."""
    found = psutil.Process(served.process.pid).net_connections("tcp")
    return [connection for connection in found if connection.status != psutil.CONN_LISTEN]


@pytest.mark.timeout(240 + CONNECTIONS // 5)
def test_random_clients_do_no_harm(serve: Serve) -> None:
    """Each client gets a documented status or is cut, and the server stays as it was."""
    print(f"FUZZ_SEED={SEED} FUZZ_CONNECTIONS={CONNECTIONS}")
    served = serve(DOUBLE, options=OPTIONS, constants=CONSTANTS)
    front = psutil.Process(served.process.pid)
    sizes = [front.memory_info().rss]
    statuses = Counter[int]()
    for first in range(0, CONNECTIONS, BATCH):
        with ExitStack() as kept, ThreadPoolExecutor(CLIENTS) as pool:
            fuzzer = Fuzzer(served=served, seed=SEED, kept=kept, statuses=statuses)
            for played in pool.map(fuzzer.play, range(first, min(first + BATCH, CONNECTIONS))):
                assert played is None  # or its exception was raised
            assert fuzzer.faults == []
            wait_until(lambda: not connections_of(served))  # while some clients keep theirs
        sizes.append(front.memory_info().rss)
    print(f"front: {[size // MIB for size in sizes]} MiB; statuses: {sorted(statuses.items())}")
    assert served.apply({"x": [1.0]}).status == 200
    assert served.end() == 0
    log = served.log.wait_for_end()
    assert "Traceback" not in log, log[max(0, log.index("Traceback") - 300) :][:3000]
    assert "/hidden" not in log
    assert max(sizes) - sizes[0] < 100 * MIB
    assert set(statuses) >= {200, 400, 404, 405, 408, 422, 431}
