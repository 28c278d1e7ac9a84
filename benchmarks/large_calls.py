"""Large calls over HTTP: 10 million float64 in, and as many out."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgpack

from benchmarks.connection import Connection
from benchmarks.environments import Environments
from benchmarks.servers import PEERS, Server, running, served
from benchmarks.study import ORIGINAL, OURS, Goal, Row, Study, Turn

RAW_TCP = "raw TCP"

_SIZE = 10_000_000
_BYTES = bytes(8 * _SIZE)
_MSGPACK = {"Content-Type": "application/msgpack", "Accept": "application/msgpack"}
_BASE64 = {"Content-Type": "application/json", "Accept": "application/json+base64"}

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
        forms = {
            OURS: {
                _AS_MSGPACK: large_connection(ours),
                _AS_BASE64: Connection(ours.port, "/apply", text, _BASE64),
            },
            RAW_TCP: {_AS_MSGPACK: Connection(raw.port, "/", _BYTES)},
        }
        if environments.original is not None:
            original = stack.enter_context(served(environments.original, "double"))
            as_text = Connection(original.port, "/apply", text, _BASE64)
            forms[ORIGINAL] = {_AS_MSGPACK: as_text, _AS_BASE64: as_text}
        yield {side: _Calls(connections).turn for side, connections in forms.items()}


class _Calls:
    """The calls of one side, by the names of their rows."""

    def __init__(self, connections: Mapping[str, Connection]) -> None:
        self._connections = connections
        for connection in connections.values():
            connection.call()

    def turn(self) -> dict[str, float]:
        """Measure each call once."""
        return {row: 1e3 * _seconds(connection) for row, connection in self._connections.items()}


def _seconds(connection: Connection) -> float:
    connection.reconnect()
    start = time.perf_counter()
    connection.call()
    return time.perf_counter() - start


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
    return (most - idle) / len(_BYTES)


LARGE_CALLS = Study(
    name="Large calls",
    about="80 MB each way, one client, one worker, from the second call on. Raw TCP is a socket "
    "that takes the bytes and sends as many. The original has no msgpack: its base64 is measured.",
    rows=[
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
