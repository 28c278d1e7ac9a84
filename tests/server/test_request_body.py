"""Bodies that are large, slow, or never arrive."""

from __future__ import annotations

import base64
import json
import shutil
import socket
import subprocess
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.conftest import DOUBLE
from tests.patience import SECONDS
from tests.server.conftest import exchange

if TYPE_CHECKING:
    from tests.server.conftest import Serve, Served

BASE64 = "application/json+base64"
TEN_MILLION = 10_000_000


def payload_of(array: np.ndarray) -> bytes:
    """Return the payload of `DOUBLE` with an array in base64."""
    data = {"buffer": base64.b64encode(array.data).decode(), "encoding": "base64"}
    leaf = {"shape": list(array.shape), "dtype": "float64", "data": data}
    return json.dumps({"inputs": {"x": leaf}}).encode()


def array_of(body: bytes) -> np.ndarray:
    """Return the array of an answer of `DOUBLE` in base64."""
    return np.frombuffer(base64.b64decode(json.loads(body)["y"]["data"]["buffer"]))


def test_eighty_megabytes_come_back_right(double: Served) -> None:
    """Ten million numbers go there and back without a wrong bit."""
    x = np.random.default_rng(0).standard_normal(TEN_MILLION)
    answer = double.request("POST", "/apply", payload_of(x), {"Accept": BASE64})
    assert answer.status == 200
    np.testing.assert_array_equal(array_of(answer.body), 2 * x)


IN_SMALL_MEMORY = [
    *("unshare", "--user", "--map-root-user", "--mount", "sh", "-c"),
    'mount -t tmpfs -o size=64m tmpfs /dev/shm && exec "$@"',
    "sh",
]
"""Runs a program where named shared memory is as small as in a container of Docker."""


@pytest.mark.skipif(
    shutil.which("unshare") is None or subprocess.run([*IN_SMALL_MEMORY, "true"]).returncode != 0,
    reason="this system gives no private file systems",
)
def test_eighty_megabytes_need_no_named_shared_memory(serve: Serve) -> None:
    """Bodies larger than /dev/shm reach the worker and come back whole."""
    array = np.random.default_rng(0).random(TEN_MILLION)
    small = serve(wrapper=IN_SMALL_MEMORY)
    answer = small.request("POST", "/apply", payload_of(array), {"Accept": BASE64})
    np.testing.assert_array_equal(array_of(answer.body), 2 * array, strict=True)


def test_large_numbers_in_json_come_back_right(double: Served) -> None:
    """Every digit of a large list of numbers survives."""
    x = np.random.default_rng(1).standard_normal(100_000)
    answer = double.apply({"x": x.tolist()})
    assert answer.json()["y"]["data"]["buffer"] == (2 * x).tolist()


def test_slow_reader_gets_every_byte(double: Served) -> None:
    """An answer waits for a slow reader, while others are served."""
    x = np.random.default_rng(2).standard_normal(2_000_000)
    body = payload_of(x)
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.settimeout(SECONDS)
        slow.connect(("127.0.0.1", double.port))
        head = (
            f"POST /apply HTTP/1.1\r\nHost: localhost\r\nAccept: {BASE64}\r\nConnection: close\r\n"
        )
        slow.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        first = slow.recv(1)
        for n in range(5):  # the memory of the first answer must not be theirs
            assert double.apply({"x": [float(n)]}).json()["y"]["data"]["buffer"] == [2.0 * n]
        rest = b"".join(iter(lambda: slow.recv(65536), b""))
    _, _, document = (first + rest).partition(b"\r\n\r\n")
    np.testing.assert_array_equal(array_of(document), 2 * x)


def test_client_that_leaves_while_sending_is_no_incident(serve: Serve) -> None:
    """A connection that ends in the middle of a body leaves no traceback behind."""
    served = serve()
    with socket.create_connection(("127.0.0.1", served.port)) as leaving:
        leaving.sendall(b"POST /apply HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{")
    assert served.apply({"x": [1.0]}).status == 200
    served.end()
    assert "Traceback" not in served.log.wait_for_end()


def test_client_that_leaves_while_reading_is_no_incident(serve: Serve) -> None:
    """A client that drops the rest of its answer disturbs no other client."""
    served = serve()
    body = payload_of(np.zeros(500_000))
    with socket.create_connection(("127.0.0.1", served.port)) as leaving:
        head = f"POST /apply HTTP/1.1\r\nHost: localhost\r\nAccept: {BASE64}\r\n"
        leaving.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        leaving.recv(100)
    assert served.apply({"x": [1.0]}).status == 200
    served.end()
    assert "Traceback" not in served.log.wait_for_end()


@pytest.mark.parametrize(
    ("headers", "status"), [({"Content-Type": "text/plain"}, 415), ({"Accept": "image/png"}, 406)]
)
def test_refused_body_is_still_taken(double: Served, headers: dict[str, str], status: int) -> None:
    """A large body that is refused for its headers does not break its connection."""
    connection = double.connection()
    refused = exchange(connection, "POST", "/apply", b" " * 10_000_000, headers)
    accepted = exchange(connection, "GET", "/health")
    connection.close()
    assert (refused.status, accepted.status) == (status, 200)


def test_expect_continue_is_honoured(double: Served) -> None:
    """A client that sends `Expect: 100-continue` is told to continue."""
    with socket.create_connection(("127.0.0.1", double.port), timeout=SECONDS) as careful:
        body = b'{"inputs": {"x": [1.0]}}'
        careful.sendall(
            b"POST /apply HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
            + f"Content-Length: {len(body)}\r\n\r\n".encode()
        )
        assert careful.recv(4096).startswith(b"HTTP/1.1 100 ")
        careful.sendall(body)
        assert careful.recv(4096).startswith(b"HTTP/1.1 200 ")


def test_input_is_writable_and_owned(serve: Serve) -> None:
    """`apply` may change its inputs, whatever their encoding was."""
    served = serve(DOUBLE.replace("2 * inputs.x", "inputs.x.__imul__(2)"))
    x = np.arange(5.0)
    answers = [
        served.request("POST", "/apply", payload_of(x), {"Accept": BASE64}).body,
        served.apply({"x": x.tolist()}, accept=BASE64).body,
    ]
    for body in answers:
        np.testing.assert_array_equal(array_of(body), 2 * x)


def test_file_named_by_a_remote_caller_is_not_opened(serve: Serve) -> None:
    """A server without `--input-path` has no encoding that reads files or URLs."""
    served = serve()
    for buffer in ("/etc/passwd", "../secret", f"http://127.0.0.1:{served.port}/health"):
        data = {"buffer": buffer, "encoding": "binref"}
        answer = served.apply({"x": {"shape": [1], "dtype": "float64", "data": data}})
        assert answer.status == 422
        assert "root:" not in answer.body.decode()
