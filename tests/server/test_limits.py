"""The limits of a server on sizes and times."""

from __future__ import annotations

import base64
import json
import re
import socket
import sys
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import pytest

from tests.conftest import DOUBLE, Cli
from tests.patience import SECONDS, patient, wait_until
from tests.server.conftest import GATED, exchange, has_room, head, read_answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.server.conftest import Answer, Client, Gate, Serve, Served

BASE64 = "application/json+base64"
LIMIT = 10_000
MIB = 1 << 20

WAITING = """
import time
from pydantic import BaseModel

class InputSchema(BaseModel):
    seconds: float = 600

class OutputSchema(BaseModel):
    pass

def apply(inputs):
    time.sleep(inputs.seconds)
    return OutputSchema()
"""


@contextmanager
def filled(served: Served, gate: Gate, inputs: Any, calls: int) -> Iterator[list[Future[Answer]]]:
    """Keep a server busy with one running and several waiting calls, and let all finish."""
    with ThreadPoolExecutor(calls) as threads:
        pending = [threads.submit(served.apply, inputs) for _ in range(calls)]
        gate.wait_until_entered()
        try:
            yield pending
        finally:
            gate.open()
            for _ in range(calls - 1):
                gate.wait_until_entered()
                gate.open()


def refused(answer: Answer) -> str:
    """Return the reason of a server for refusing a call."""
    assert (answer.status, answer.headers["retry-after"]) == (503, "1")
    assert answer.json()["run_id"] == answer.headers["tesseract-run-id"]
    detail: str = answer.json()["detail"]
    return detail


@pytest.mark.skipif(sys.platform != "linux", reason="reads the descriptors of a process")
def test_complete_body_that_finds_the_queue_full_is_released(
    serve: Serve, gate: Gate, gate_inputs: dict[str, str]
) -> None:
    """Bodies that are refused only when they are complete take no memory."""
    soon = {"runtime_core.workers.pool._TICKS_TO_SHRINK": 1}
    served = serve(GATED, options=["--queue-size=0"], constants=soon)
    before = shared_buffers(served)
    beginning = head(Content_Length=MIB) + b" " * (MIB - 1)
    with ExitStack() as stack:
        connections = [stack.enter_context(served.raw()) for _ in range(8)]
        for connection in connections:
            connection.sendall(beginning)
        wait_until(lambda: shared_buffers(served) == before + 8)
        with filled(served, gate, gate_inputs, 1):
            for connection in connections:
                connection.sendall(b" ")
                assert "The queue is full" in refused(read_answer(connection))
    wait_until(lambda: shared_buffers(served) <= before + 1)  # an error may hold the last


@pytest.mark.skipif(sys.platform != "linux", reason="reads the descriptors of a process")
@pytest.mark.parametrize("read", [0, 100])
def test_memory_of_clients_that_have_gone_waits_for_no_collector(serve: Serve, read: int) -> None:
    """Large bodies and answers are released when their clients go, in the call or in its answer."""
    soon = {"runtime_core.workers.pool._TICKS_TO_SHRINK": 1}
    served = serve(DOUBLE, constants=soon)
    before = shared_buffers(served)
    body = payload_of(np.zeros(200_000))
    for _ in range(8):
        with served.raw() as leaving:
            leaving.sendall(head(Content_Length=len(body), Accept=BASE64) + body)
            assert len(leaving.recv(read)) <= read
    wait_until(lambda: shared_buffers(served) <= before + 1)


def shared_buffers(served: Served) -> int:
    """Return the number of shared buffers that the front of a server holds."""
    found = set()
    for link in Path(f"/proc/{served.process.pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # it has been closed since it was listed
            if "memfd:tesseract-runtime" in str(link.readlink()):
                found.add(link.stat().st_ino)
    return len(found)  # a mapped one has two descriptors


def chunked(client: Client, *pieces: bytes) -> Answer:
    """Apply the Tesseract to a body of unknown size."""
    return client.request("POST", "/apply", iter(pieces))


@pytest.mark.parametrize(("workers", "queue"), [(1, 0), (2, 1)])
def test_full_queue_refuses(
    serve: Serve, gate: Gate, gate_inputs: dict[str, str], workers: int, queue: int
) -> None:
    """The call after the last place in the queue is refused, to be tried again."""
    served = serve(GATED, options=[f"--num-workers={workers}", f"--queue-size={queue}"])
    with filled(served, gate, gate_inputs, workers + queue) as pending:
        wait_until(lambda: not has_room(served))
        assert refused(served.apply(gate_inputs)) == (
            "The queue is full: so many calls wait already. Try again later."
        )
        assert served.get("/health").status == 200
    assert [call.result().status for call in pending] == [200] * (workers + queue)
    gate.open()
    assert served.apply(gate_inputs).status == 200


def test_full_queue_refuses_before_the_body(
    serve: Serve, gate: Gate, gate_inputs: dict[str, str]
) -> None:
    """A client that sends `Expect: 100-continue` is refused before it has sent a body."""
    served = serve(GATED, options=["--queue-size=0"])
    with filled(served, gate, gate_inputs, 1), served.raw() as careful:
        careful.sendall(head(Content_Length=1_000_000, Expect="100-continue"))
        assert read_answer(careful).status == 503


def test_slow_bodies_take_no_places(serve: Serve) -> None:
    """A body that still arrives takes no place in the queue, and none of the announced bytes."""
    served = serve(DOUBLE, options=["--queue-size=0", "--max-queued-bytes=1000"])
    with ExitStack() as stack:
        for _ in range(70):
            slow = stack.enter_context(served.raw())
            slow.sendall(head(Content_Length=1000) + b"{")
        assert served.apply({"x": [1.0]}).status == 200


def test_slow_readers_take_no_places(serve: Serve) -> None:
    """An answer that is still being sent takes no place in the queue."""
    served = serve(DOUBLE, options=["--queue-size=0"])
    with slow_reader(served, payload_of(np.zeros(2_000_000))) as slow:
        slow.recv(100)
        assert served.apply({"x": [1.0]}).status == 200


def large(size: int) -> bytes:
    """Return a payload of a size, valid but for the server's limits."""
    return b'{"inputs": {"x": [1.0]}}'.ljust(size)


def test_bytes_that_wait_are_limited(serve: Serve, gate: Gate, gate_inputs: dict[str, str]) -> None:
    """Bodies that together are larger than allowed are refused, announced or not."""
    served = serve(GATED, options=[f"--max-queued-bytes={LIMIT}"])
    body = json.dumps({"inputs": gate_inputs}).encode().ljust(LIMIT - 200)
    with ThreadPoolExecutor() as threads:
        running = threads.submit(served.request, "POST", "/apply", body)
        gate.wait_until_entered()
        expected = (
            f"The bodies of waiting calls would exceed {LIMIT} bytes together. Try again later, or "
            "raise --max-queued-bytes."
        )
        assert refused(served.request("POST", "/apply", b" " * 300)) == expected
        assert refused(chunked(served, b" " * 150, b" " * 150)) == expected
        gate.open()
        assert running.result().status == 200
    gate.open()
    assert served.request("POST", "/apply", body).status == 200
    gate.open()
    assert chunked(served, body[:5000], body[5000:]).status == 200


def test_body_that_never_fits_is_refused(shared: Callable[..., Served]) -> None:
    """A body that is larger than all waiting ones may be together is a 413: a retry cannot help.

    Without `--max-queued-bytes` that is the memory limit.
    """
    served = shared(f"--memory-limit={LIMIT}")
    assert served.request("POST", "/apply", large(LIMIT)).status == 200
    answer = served.request("POST", "/apply", large(LIMIT + 1))
    assert answer.status == 413
    expected = f"The body is larger than the {LIMIT} bytes of --max-queued-bytes."
    assert answer.json()["detail"] == expected


def test_arrays_beyond_the_memory_limit_are_refused(shared: Callable[..., Served]) -> None:
    """An array that would take more than the limit is a 413, and the worker goes on."""
    served = shared(f"--memory-limit={LIMIT}")
    data = {"buffer": "", "encoding": "base64"}
    answer = served.apply({"x": {"shape": [LIMIT], "dtype": "bool", "data": data}})
    assert answer.status == 413
    assert answer.json()["detail"] == (
        f"inputs.x: An array of shape ({LIMIT},) takes {8 * LIMIT} bytes, and {LIMIT} are left of "
        f"the {LIMIT} bytes that --memory-limit allows for the arrays of one document. Divide it "
        "into several calls, or raise the limit."
    )
    assert answer.headers["tesseract-run-id"]
    assert served.apply({"x": [1.0]}).status == 200


@pytest.mark.parametrize("excess", [0, 1, 1_000_000])
def test_large_body_is_refused(shared: Callable[..., Served], excess: int) -> None:
    """A body beyond the limit is a 413, whether its size was announced or not."""
    served = shared(f"--max-body-size={LIMIT}")
    body = large(LIMIT + excess)
    answers = [
        served.request("POST", "/apply", body),
        chunked(served, body[:1], body[1:]),
        chunked(served, *(body[n : n + 1000] for n in range(0, min(len(body), 50_000), 1000))),
    ]
    assert [answer.status for answer in answers] == [413 if excess else 200] * 3
    for answer in answers if excess else []:
        assert answer.json()["detail"] == (
            f"The body is larger than the {LIMIT} bytes that --max-body-size allows."
        )
        assert answer.headers["tesseract-run-id"]
    assert served.apply({"x": [1.0]}).status == 200


def test_announced_body_is_refused_before_it_comes(double: Served) -> None:
    """A body that announces too large a size is refused at once."""
    with double.raw() as careful:
        careful.sendall(head(Content_Length=1 << 40, Expect="100-continue"))
        assert read_answer(careful).status == 413


@pytest.mark.parametrize(
    "size", ["-1", "1e3", "0x10", "1 2", "\uff19", "1" * 5000, "1_0", "", "+5"]
)
def test_size_that_is_none_is_refused(double: Served, size: str) -> None:
    """An invalid `Content-Length` is a 4xx without side effects."""
    with double.raw() as wrong:
        wrong.sendall(head(Content_Length="@").replace(b"@", size.encode()) + large(30))
        assert 400 <= read_answer(wrong).status < 500
    assert double.get("/health").status == 200


IDLE = {"runtime_core.server.request_body._IDLE_SECONDS": 0.5}


def test_body_that_stops_arriving_is_given_up(serve: Serve) -> None:
    """A client that pauses in its body gets an answer, and frees its place."""
    served = serve(DOUBLE, options=["--queue-size=0"], constants=IDLE)
    for beginning in (b"", b"{"):
        with served.raw() as slow:
            slow.sendall(head(Content_Length=100) + beginning)
            answer = read_answer(slow)
            assert answer.status == 408
            assert answer.json()["detail"].startswith("The body arrives too slowly, ")
        assert served.apply({"x": [1.0]}).status == 200


def test_body_that_arrives_slowly_is_taken(serve: Serve) -> None:
    """A slow body is accepted as long as bytes arrive."""
    constants = {"runtime_core.server.request_body._IDLE_SECONDS": patient(1.0)}
    served = serve(DOUBLE, constants=constants)
    body = b'{"inputs": {"x": [4.0]}}'
    with served.raw() as slow:
        slow.sendall(head(Content_Length=len(body)))
        for start in range(0, len(body), 4):
            time.sleep(patient(0.2))
            slow.sendall(body[start : start + 4])
        assert read_answer(slow).json()["y"]["data"]["buffer"] == [8.0]


def test_body_that_trickles_is_given_up(serve: Serve) -> None:
    """A body that never pauses but comes too slowly is refused."""
    name = "runtime_core.server.request_body._SECONDS_TO_GET_GOING"
    served = serve(DOUBLE, constants={name: 0.5})
    with served.raw() as slow:
        slow.sendall(head(Content_Length=10_000))
        slow.settimeout(0.02)
        for _ in range(round(SECONDS / 0.02)):
            slow.sendall(b" ")
            with suppress(TimeoutError):
                assert slow.recv(100).startswith(b"HTTP/1.1 408")
                return
    raise AssertionError("the body was read to the end of time")


def payload_of(array: np.ndarray) -> bytes:
    """Return the payload of `DOUBLE` with an array in base64."""
    data = {"buffer": base64.b64encode(array.data).decode(), "encoding": "base64"}
    leaf = {"shape": list(array.shape), "dtype": "float64", "data": data}
    return json.dumps({"inputs": {"x": leaf}}).encode()


def test_slow_reader_of_eighty_megabytes_gets_every_byte(double: Served) -> None:
    """A large answer waits for its reader; large calls of other clients are right meanwhile."""
    x = np.random.default_rng(3).standard_normal(10_000_000)
    with slow_reader(double, payload_of(x)) as slow:
        first = slow.recv(1000)
        for n in range(3):  # the memory of the first answer must not be theirs
            y = np.full(1_000_000, float(n))
            other = double.request("POST", "/apply", payload_of(y), {"Accept": BASE64})
            np.testing.assert_array_equal(array_of(other.body), 2 * y)
        rest = b"".join(iter(lambda: slow.recv(1 << 20), b""))
    np.testing.assert_array_equal(array_of((first + rest).partition(b"\r\n\r\n")[2]), 2 * x)


@contextmanager
def slow_reader(client: Client, body: bytes) -> Iterator[socket.socket]:
    """Apply the Tesseract to a body by a connection that holds little of the answer."""
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.settimeout(SECONDS)
        slow.connect(("127.0.0.1", client.port))
        slow.sendall(head(Accept=BASE64, Connection="close", Content_Length=len(body)) + body)
        yield slow


def array_of(body: bytes) -> np.ndarray:
    """Return the array of an answer of `DOUBLE` in base64."""
    return np.frombuffer(base64.b64decode(json.loads(body)["y"]["data"]["buffer"]))


def test_reader_that_stops_is_given_up(serve: Serve) -> None:
    """A client that reads nothing of its answer is disconnected, and its place is freed."""
    patience = {"runtime_core.server.http_protocol._STALLED_SECONDS": 0.5}
    served = serve(DOUBLE, options=["--queue-size=0"], constants=patience)
    with slow_reader(served, payload_of(np.zeros(2_000_000))) as stalled:
        stalled.recv(100)
        wait_until(lambda: served.apply({"x": [1.0]}).status == 200)
        wait_until(lambda: len(established(served)) == 0)
    served.end()
    assert "Traceback" not in served.log.wait_for_end()


def test_steady_slow_reader_is_not_cut(serve: Serve) -> None:
    """A reader that takes longer for each piece than a stall may last gets every byte."""
    patience = {"runtime_core.server.http_protocol._STALLED_SECONDS": patient(0.5)}
    served = serve(DOUBLE, constants=patience)
    with slow_reader(served, payload_of(np.zeros(60_000))) as slow:
        read = b""
        while piece := slow.recv(8192):
            read += piece
            time.sleep(0.03)
    np.testing.assert_array_equal(array_of(read.partition(b"\r\n\r\n")[2]), np.zeros(60_000))


def test_last_bytes_that_are_not_read_are_given_up(serve: Serve) -> None:
    """A connection is cut if only the end of its answer is not read."""
    patience = {
        "runtime_core.server.uvicorn_server._KEEP_ALIVE_SECONDS": 0.3,
        "runtime_core.server.http_protocol._STALLED_SECONDS": 0.3,
    }
    served = serve(DOUBLE, constants=patience)
    with slow_reader(served, payload_of(np.zeros(20_000))) as stalled:
        stalled.recv(100)
        wait_until(lambda: len(established(served)) == 0)


def established(served: Served) -> list[Any]:
    """Return the connections that a server has to its clients."""
    found = psutil.Process(served.process.pid).net_connections("tcp")
    return [connection for connection in found if connection.status == "ESTABLISHED"]


_NOT_DONE = (
    "The call has computed for {} s, as long as its caller allows, and was stopped. Allow more "
    "with Request-Timeout (timeout= in Python)."
)


@pytest.mark.parametrize(
    ("options", "headers", "detail"),
    [
        (["--timeout=600"], {"Request-Timeout": "2e-1"}, _NOT_DONE.format("0.2")),
        (["--timeout=1.5"], {"Request-Timeout": "600"}, "The call was stopped after 1.5 s."),
    ],
)
def test_call_that_takes_too_long_is_stopped(
    serve: Serve, options: Sequence[str], headers: dict[str, str], detail: str
) -> None:
    """The shorter of the server's and the client's time ends a call with a 504."""
    served = serve(WAITING, options=options)
    answer = served.request("POST", "/apply", '{"inputs": {}}', headers)
    assert answer.status == 504
    assert answer.json() == {
        "detail": detail,
        "run_id": answer.headers["tesseract-run-id"],
    }
    assert served.apply({"seconds": 0}).status == 200


@pytest.mark.parametrize("name", ["Request-Timeout", "Request-Patience"])
@pytest.mark.parametrize(
    "value", ["", "soon", "0", "-1", "nan", "inf", "-inf", "1 s", "1,5", "1e999", "1_0", "\u00b2"]
)
def test_time_that_is_none_is_refused(double: Served, name: str, value: str) -> None:
    """A limit in a header that is not a positive number is a 422."""
    answer = double.apply({"x": [1.0]}, **{name.lower().replace("-", "_"): value})
    assert answer.status == 422
    [detail] = answer.json()["detail"]
    assert detail["loc"] == ["header", name.lower()]
    assert detail["msg"] == f"{name} {value!r} must be a positive number of seconds."


@pytest.mark.parametrize(
    "option",
    [
        "--num-workers=0",
        "--queue-size=-1",
        "--max-queued-bytes=0",
        "--max-body-size=0",
        "--timeout=0",
        "--timeout=nan",
        "--timeout=inf",
        "--shutdown-grace=-1",
        "--shutdown-grace=nan",
        "--shutdown-grace=inf",
        "--log-format=xml",
    ],
)
def test_wrong_option_is_a_wrong_call(
    cli_here: Cli, tesseract: Callable[..., Path], option: str
) -> None:
    """An invalid option of `serve` is named, and nothing is served."""
    ended = cli_here("--api-path", str(tesseract()), "serve", "-p", "0", option)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert option.partition("=")[0] in ended.stderr
    assert "Traceback" not in ended.stderr


def test_limits_are_read_from_the_environment(serve: Serve) -> None:
    """Each option of `serve` has its variable."""
    limits = {"TIMEOUT": "0.3", "MAX_BODY_SIZE": "3000", "MAX_QUEUED_BYTES": "2000"}
    variables = {f"TESSERACT_RUNTIME_SERVE_{name}": value for name, value in limits.items()}
    served = serve(WAITING, environment=variables)
    assert served.apply({"seconds": 600}).status == 504
    for size, option in ((2500, "--max-queued-bytes"), (3500, "--max-body-size")):
        answer = served.request("POST", "/apply", large(size))
        assert answer.status == 413
        assert option in answer.json()["detail"]


def test_requests_that_come_together_are_answered_in_their_order(double: Served) -> None:
    """A client may send its next requests before it has the answer to the first."""
    with double.raw() as connection:
        bodies = [json.dumps({"inputs": {"x": [float(n)]}}).encode() for n in range(10)]
        requests = [head(Content_Length=len(body)) + body for body in bodies]
        connection.sendall(b"".join(requests) + head("/health", "GET", Connection="close"))
        answers = b"".join(iter(lambda: connection.recv(10_000), b""))
    assert re.findall(rb'"buffer":\[([\d.]+)\]', answers) == [b"%.1f" % (2 * n) for n in range(10)]
    assert answers.endswith(b'{"status":"ok"}')


def test_client_that_hangs_up_frees_the_worker(serve: Serve) -> None:
    """A call whose client has disconnected is stopped after a while, and the next one runs."""
    served = serve(WAITING, options=["--queue-size=0"])
    [worker] = served.workers()
    with served.raw() as leaving:
        leaving.sendall(head(Content_Length=14) + b'{"inputs": {}}')
        wait_until(lambda: not has_room(served))
    wait_until(lambda: has_room(served))
    assert served.apply({"seconds": 0}).status == 200
    assert served.workers() != [worker]
    served.end()
    assert "Traceback" not in served.log.wait_for_end()


def test_client_that_hangs_up_leaves_the_queue(
    serve: Serve, gate: Gate, gate_inputs: dict[str, str]
) -> None:
    """A waiting call is dropped when its client disconnects, and its place is free at once."""
    served = serve(GATED, options=["--queue-size=1"])
    body = json.dumps({"inputs": gate_inputs}).encode()
    with filled(served, gate, gate_inputs, 1):
        with served.raw() as leaving:
            leaving.sendall(head(Content_Length=len(body)) + body)
            wait_until(lambda: not has_room(served))
        wait_until(lambda: has_room(served))


def test_memory_stays_flat(serve: Serve) -> None:
    """Large calls, also broken off ones, do not make the front larger."""
    served = serve(DOUBLE)
    front = psutil.Process(served.process.pid)
    body = payload_of(np.zeros(1_000_000))
    sizes = []
    for _ in range(4):
        for _ in range(5):
            assert served.request("POST", "/apply", body, {"Accept": BASE64}).status == 200
            with served.raw() as leaving:
                leaving.sendall(head(Content_Length=len(body)) + body[: len(body) // 2])
        sizes.append((front.memory_info().rss, front.num_fds()))
    assert sizes[-1][0] - sizes[0][0] < 30 * MIB
    assert sizes[-1][1] - sizes[0][1] <= 8


def test_many_connections_are_served(double: Served) -> None:
    """Two hundred clients that keep their connections open are all answered."""
    with ExitStack() as stack:
        connections = [double.connection() for _ in range(200)]
        for connection in connections:
            stack.callback(connection.close)
            assert exchange(connection, "GET", "/health").status == 200
        statuses = [exchange(connection, "GET", "/livez").status for connection in connections]
    assert statuses == [200] * 200
    assert threading.active_count() < 100
