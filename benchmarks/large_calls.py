"""Large calls over HTTP: 10 million float64 in, and as many out."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import msgpack
import numpy as np

from benchmarks.connection import Connection
from benchmarks.environments import Environments
from benchmarks.servers import PEERS, Server, running, served, served_on_this_host
from benchmarks.study import ORIGINAL, OURS, Goal, Row, Study, Turn
from tesseract_runtime_client import Tesseract

RAW_TCP = "raw TCP"

_SIZE = 10_000_000
_BYTES = bytes(8 * _SIZE)
_MSGPACK = {"Content-Type": "application/msgpack", "Accept": "application/msgpack"}
_BASE64 = {"Content-Type": "application/json", "Accept": "application/json+base64"}

_BY_CLIENT = "this host, our client"
_AS_MSGPACK = "msgpack over TCP"
_AS_BASE64 = "base64 over TCP"
_COPIES = "copies of the array at the worst moment"


def msgpack_body() -> bytes:
    """Write the payload of a large call as msgpack."""
    data = {"buffer": _BYTES, "encoding": "raw"}
    array = {"shape": [_SIZE], "dtype": "float64", "data": data}
    body: bytes = msgpack.packb({"inputs": {"x": array}})
    return body


def base64_body() -> bytes:
    """Write the payload of a large call as JSON."""
    array = b'{"object_type":"array","shape":[%d],"dtype":"float64","data":' % _SIZE
    data = b'{"buffer":"' + base64.b64encode(_BYTES) + b'","encoding":"base64"}}'
    return b'{"inputs":{"x":' + array + data + b"}}"


def large_connection(server: Server) -> Connection:
    """Connect to our server for large calls."""
    return Connection(server.port, "/apply", msgpack_body(), _MSGPACK)


@contextmanager
def _times(environments: Environments) -> Iterator[Mapping[str, Turn]]:
    floor = [str(environments.ours), str(PEERS / "raw_tcp.py"), "PORT"]
    with ExitStack() as stack:
        ours = stack.enter_context(served(environments.ours, "double"))
        raw = stack.enter_context(running(floor, {}))
        text = base64_body()
        url = stack.enter_context(served_on_this_host(environments.ours, "double"))
        client = stack.enter_context(Tesseract.from_url(url))
        array = {"x": np.zeros(_SIZE)}
        echo = Connection(raw.port, "/", _BYTES).call_again
        calls: dict[str, dict[str, Callable[[], object]]] = {
            OURS: {
                _BY_CLIENT: lambda: client.apply(array),
                _AS_MSGPACK: large_connection(ours).call_again,
                _AS_BASE64: Connection(ours.port, "/apply", text, _BASE64).call_again,
            },
            RAW_TCP: {_BY_CLIENT: echo, _AS_MSGPACK: echo},
        }
        if environments.original is not None:
            original = stack.enter_context(served(environments.original, "double"))
            as_text = Connection(original.port, "/apply", text, _BASE64).call_again
            calls[ORIGINAL] = {_AS_MSGPACK: as_text, _AS_BASE64: as_text}
        for call in [call for rows in calls.values() for call in rows.values()]:
            call()  # the second one counts
        yield {side: partial(_milliseconds, rows) for side, rows in calls.items()}


def _milliseconds(calls: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """Measure each call once."""
    numbers = {}
    for row, call in calls.items():
        start = time.perf_counter()
        call()
        numbers[row] = 1e3 * (time.perf_counter() - start)
    return numbers


@contextmanager
def _memory(environments: Environments) -> Iterator[Mapping[str, Turn]]:
    sides: dict[str, Turn] = {
        OURS: lambda: {_COPIES: _copies(environments.ours, msgpack_body(), _MSGPACK)}
    }
    original = environments.original
    if original is not None:
        sides[ORIGINAL] = lambda: {_COPIES: _copies(original, base64_body(), _BASE64)}
    yield sides


def _copies(python: Path, body: bytes, headers: Mapping[str, str]) -> float:
    """Count the copies of the array that all processes have at most during a second call."""
    with served(python, "double") as server:
        idle, most = server.memory(), 0
        connection = Connection(server.port, "/apply", body, headers)
        connection.call()
        calling = threading.Thread(target=connection.call)
        calling.start()
        while calling.is_alive():
            most = max(most, server.memory())
    return round((most - idle) / len(_BYTES), 1)  # there are kilobytes beside the arrays


LARGE_CALLS = Study(
    name="Large calls",
    about="80 MB each way, one client, one worker, from the second call on. Raw TCP is a socket "
    "that takes the bytes and sends as many. Our client calls a Unix socket, and has the result as "
    "an array; the others receive its bytes. The original has no msgpack: its base64 is measured.",
    rows=[
        Row(name=_BY_CLIENT, unit="ms", goals=[Goal(bound=0.5, of=RAW_TCP)]),
        Row(
            name=_AS_MSGPACK,
            unit="ms",
            goals=[Goal(bound=1.5, of=RAW_TCP), Goal(bound=0.3, of=ORIGINAL)],
        ),
        Row(name=_AS_BASE64, unit="ms", goals=[Goal(bound=0.6, of=ORIGINAL)]),
    ],
    sides=_times,
)

MEMORY = Study(
    name="Memory of large calls",
    about="The largest memory of all processes during a second call of 80 MB each way, less that "
    "of an idle server, by the size of the array. Input and output are two of the copies.",
    rows=[Row(name=_COPIES, unit="", goals=[Goal(bound=4)])],
    sides=_memory,
    turns=3,
)
