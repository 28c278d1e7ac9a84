"""A served Tesseract, over real sockets."""

from __future__ import annotations

import base64
import http.client
import os
import socket
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import msgpack

from benchmarks.sides import MODEL, ORIGINAL_SIDE, Side

_SMALL = b'{"inputs": {"x": [%s]}}' % b", ".join(b"0.5" for _ in range(16))
_JSON = {"Content-Type": "application/json", "Accept": "application/json"}
_BASE64 = {"Content-Type": "application/json", "Accept": "application/json+base64"}
_MSGPACK = {"Content-Type": "application/msgpack", "Accept": "application/msgpack"}
_CLIENTS = 8
_MEGA = 10_000_000


def small_p50(side: Side) -> float:
    """Return the median milliseconds of small calls over one kept connection."""
    with _served(side) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        seconds = [_timed(connection, _SMALL, _JSON) for _ in range(300)]
    return 1000 * statistics.median(seconds[50:])


def throughput(side: Side) -> float:
    """Return the requests a second of eight clients at once."""
    each = 150
    with _served(side) as port, ThreadPoolExecutor(_CLIENTS) as clients:
        start = time.perf_counter()
        list(clients.map(lambda _: _many(port, each), range(_CLIENTS)))
        return _CLIENTS * each / (time.perf_counter() - start)


def large(side: Side) -> float:
    """Return the seconds of ten million float64 as base64, both ways; the second call counts."""
    text = base64.b64encode(bytes(8 * _MEGA))
    array = b'{"object_type":"array","shape":[%d],"dtype":"float64","data":' % _MEGA
    data = b'{"buffer":"' + text + b'","encoding":"base64"}}'
    body = b'{"inputs":{"x":' + array + data + b"}}"
    with _served(side) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        _timed(connection, body, _BASE64)
        return _timed(connection, body, _BASE64)


def large_raw(side: Side) -> float:
    """Return the same of msgpack, for a side that has `raw` arrays; the other's base64 counts."""
    if side.name == ORIGINAL_SIDE:
        return large(side)
    array = {"shape": [_MEGA], "dtype": "float64"}
    data = {"buffer": bytes(8 * _MEGA), "encoding": "raw"}
    body = msgpack.packb({"inputs": {"x": {**array, "data": data}}})
    with _served(side) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        _timed(connection, body, _MSGPACK)
        return _timed(connection, body, _MSGPACK)


def health(side: Side) -> float:
    """Return the largest milliseconds of /health while user code spins in pure Python."""
    busy = b'{"inputs": {"x": [1.0], "seconds": 1.0}}'
    with _served(side) as port, ThreadPoolExecutor(1) as clients:
        spinning = clients.submit(
            lambda: _timed(http.client.HTTPConnection("127.0.0.1", port), busy, _JSON)
        )
        slowest = 0.0
        while not spinning.done():
            start = time.perf_counter()
            connection = http.client.HTTPConnection("127.0.0.1", port)
            connection.request("GET", "/health")
            connection.getresponse().read()
            slowest = max(slowest, time.perf_counter() - start)
            time.sleep(0.01)
    return 1000 * slowest


def _many(port: int, count: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    for _ in range(count):
        _timed(connection, _SMALL, _JSON)


def _timed(connection: http.client.HTTPConnection, body: bytes, headers: dict[str, str]) -> float:
    start = time.perf_counter()
    connection.request("POST", "/apply", body, headers)
    response = connection.getresponse()
    answer = response.read()
    if response.status != 200:
        raise RuntimeError(f"{response.status}: {answer[:500]!r}")
    return time.perf_counter() - start


@contextmanager
def _served(side: Side) -> Iterator[int]:
    """Serve the model on a free port until the `with` ends."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:  # the original makes a folder for each request
        process = subprocess.Popen(
            [side.command, "serve", "--port", str(port)],
            env={**os.environ, "TESSERACT_API_PATH": str(MODEL)},
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _wait(port)
            yield port
        finally:
            process.terminate()
            process.wait()


def _wait(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
            connection.request("GET", "/health")
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("the server did not start")
