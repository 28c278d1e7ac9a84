"""Segments: memory of clients on the same machine, registered on a socket of its own."""

from __future__ import annotations

import fcntl
import json
import mmap
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest

from tests.conftest import DOUBLE
from tests.patience import SECONDS, wait_until
from tests.server.conftest import GATED, Answer, Gate, Log, exchange, started

N = 20_000  # numbers, more bytes than stay in a document
SIZE = 8 * N
SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW
REGISTER = """
import fcntl, os, socket, sys
memory = os.memfd_create("segment", os.MFD_ALLOW_SEALING)
os.ftruncate(memory, int(sys.argv[2]))
fcntl.fcntl(memory, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)
connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
connection.connect(sys.argv[1])
socket.send_fds(connection, [b"x"], [memory])
print(connection.recv(1000).decode(), flush=True)
sys.stdin.read()
"""

Tesseract = Callable[..., Path]


@dataclass(frozen=True, kw_only=True)
class Local:
    """A server on a Unix socket, as a client of the same machine sees it."""

    path: Path
    process: subprocess.Popen[str]
    log: Log

    def connect(self) -> socket.socket:
        """Connect to the socket of the segments."""
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        connection.settimeout(SECONDS)
        connection.connect(f"{self.path}.segments")
        return connection

    def register(self, connection: socket.socket, *descriptors: int) -> Any:
        """Send a packet with descriptors, and return the tree of the answer; `None` for an end."""
        try:
            socket.send_fds(connection, [b"x"], descriptors)
            answer = connection.recv(1000)
        except ConnectionError:
            return None
        return json.loads(answer) if answer else None

    def apply(self, x: Any, segment: str | None = None, **headers: str) -> Answer:
        """Apply the Tesseract, with the token of a segment."""
        if segment is not None:
            headers["Tesseract-Segment"] = segment
        connection = HTTPConnection("localhost", timeout=SECONDS)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(SECONDS)
        connection.sock.connect(str(self.path))
        body = json.dumps({"inputs": x if isinstance(x, dict) and "entered" in x else {"x": x}})
        try:
            return exchange(connection, "POST", "/apply", body, headers)
        finally:
            connection.close()

    def held(self) -> int:
        """Return the number of descriptors of segments that the server has."""
        held = 0
        for link in Path(f"/proc/{self.process.pid}/fd").iterdir():
            with suppress(FileNotFoundError):  # it has been closed meanwhile
                held += str(link.readlink()).startswith("/memfd:segment")
        return held

    def wait_until_nothing_is_held(self) -> None:
        """Wait until the server has noticed the end of all clients."""
        wait_until(lambda: self.held() == 0)


@contextmanager
def local(api_path: Path, *options: str, **settings: Any) -> Iterator[Local]:
    """Serve a Tesseract on a socket."""
    with TemporaryDirectory() as folder:  # the path of a socket must be short
        path = Path(folder, "model.sock")
        arguments = ["serve", "--uds", str(path), *options]
        with started(api_path, *arguments, **settings) as process:
            log = Log(process)
            log.wait_for(r"Serving Tesseract on unix://\S+ ")
            yield Local(path=path, process=process, log=log)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    """Return a server of the Tesseract that doubles a vector, which no test may end."""
    api_path = tmp_path_factory.mktemp("double") / "tesseract_api.py"
    api_path.write_text(DOUBLE, encoding="utf-8")
    with local(api_path, "--max-body-size", "1000000") as server:
        yield server


@pytest.fixture
def memory() -> Iterator[Callable[..., int]]:
    """Return a function that makes memory with seals, until the test ends."""
    with ExitStack() as stack:

        def make(size: int = SIZE, seals: int = SEALS) -> int:
            descriptor = os.memfd_create("segment", os.MFD_ALLOW_SEALING)
            stack.callback(os.close, descriptor)
            os.ftruncate(descriptor, size)
            fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
            return descriptor

        yield make


def document(place: str = f"0:{SIZE}", shape: Sequence[int] = (N,)) -> dict[str, Any]:
    """Return the document of an array in a segment."""
    data = {"buffer": place, "encoding": "segment"}
    return {"object_type": "array", "shape": list(shape), "dtype": "float64", "data": data}


def message(answer: Answer) -> str:
    """Return the message of a payload that was refused for one reason."""
    assert answer.status == 422, answer.body
    [fault] = answer.json()["detail"]
    return str(fault["msg"])


def test_arrays_are_read_from_and_written_to_a_segment(
    served: Local, memory: Callable[..., int]
) -> None:
    """A call that names a segment finds its inputs there and leaves its outputs there."""
    descriptor = memory()
    with served.connect() as client, mmap.mmap(descriptor, SIZE) as view:
        token = served.register(client, descriptor)["token"]
        for start in (0.0, 7.0):  # it is used again
            view[:] = np.arange(start, start + N).tobytes()
            answer = served.apply(document(), token)
            assert answer.json() == {"y": document()}
            assert np.array_equal(np.frombuffer(view[:]), 2 * np.arange(start, start + N))


def test_array_without_room_is_in_the_document(served: Local, memory: Callable[..., int]) -> None:
    """Outputs that do not fit, or are small, are written as usual."""
    with served.connect() as client:
        token = served.register(client, memory(SIZE - 8))["token"]
        assert served.apply([1.5], token).json()["y"]["data"]["buffer"] == [3.0]
        whole = served.apply([1.0] * N, token).json()["y"]["data"]
        assert whole == {"buffer": [2.0] * N, "encoding": "json"}


@pytest.mark.parametrize(
    ("x", "reason"),
    [
        (document(f"8:{SIZE}"), "it ends after the 160000 bytes of the segment"),
        (document("0:80"), "80 bytes, but shape (20000,) of float64 needs 160000"),
        (document("0:80", [10**6]), "80 bytes, but shape"),
        (document("-8:80"), "the buffer must be a place in the segment"),
        (document("0"), "the buffer must be a place in the segment"),
        (document("9" * 400), "the buffer must be a place in the segment"),
        (document("0:" + "9" * 15), "it ends after the 160000 bytes of the segment"),
    ],
)
def test_place_outside_of_the_segment_is_refused(
    x: Any, reason: str, served: Local, memory: Callable[..., int]
) -> None:
    """Arrays lie inside the segment and have the size of their shape."""
    with served.connect() as client:
        token = served.register(client, memory())["token"]
        assert reason in message(served.apply(x, token))


def test_arrays_in_a_segment_need_one(served: Local) -> None:
    """Without a segment the encoding is unknown."""
    assert "Unknown array encoding 'segment'." in message(served.apply(document()))


def test_token_is_valid_as_long_as_its_connection(
    served: Local, memory: Callable[..., int]
) -> None:
    """A token that was never given, or whose client has hung up, is refused."""
    with served.connect() as client, served.connect() as other:
        token = served.register(client, memory())["token"]
        served.register(other, memory())
        client.close()
        wait_until(lambda: served.apply([1.0], token).status == 422)
        for wrong in (token, "0" * 32, "", "ä", "x" * 8000):
            assert message(served.apply([1.0], wrong)) == "This process has no such segment."


def test_token_of_another_process_is_refused(served: Local) -> None:
    """A segment serves the process that has registered it alone, and ends with it."""
    arguments = [sys.executable, "-c", REGISTER, f"{served.path}.segments", str(SIZE)]
    pipe = subprocess.PIPE
    with subprocess.Popen(arguments, stdin=pipe, stdout=pipe, text=True) as other:
        assert other.stdout is not None
        token = json.loads(other.stdout.readline())["token"]
        assert served.held() == 1
        assert message(served.apply([1.0], token)) == "This process has no such segment."
        other.kill()
    served.wait_until_nothing_is_held()


def test_segment_serves_one_call_at_a_time(
    tesseract: Tesseract, memory: Callable[..., int], gate: Gate, gate_inputs: dict[str, str]
) -> None:
    """Another call with the token is refused; a client that dies leaves the running call alone."""
    with local(tesseract(GATED), "--num-workers", "2") as server, ExitStack() as stack:
        client = stack.enter_context(server.connect())
        token = server.register(client, memory())["token"]
        connection = HTTPConnection("localhost", timeout=SECONDS)
        connection.sock = stack.enter_context(socket.socket(socket.AF_UNIX))
        connection.sock.connect(str(server.path))
        body = json.dumps({"inputs": gate_inputs})
        connection.request("POST", "/apply", body, {"Tesseract-Segment": token})
        gate.wait_until_entered()
        assert message(server.apply(gate_inputs, token)) == "Another call uses the segment."
        client.close()
        gate.open()
        assert json.loads(connection.getresponse().read()) == {"done": True}
        connection.close()
        server.wait_until_nothing_is_held()


def unsuitable() -> dict[str, Callable[[ExitStack, Callable[..., int]], Sequence[int]]]:
    """Return functions that make descriptors that cannot be registered, by name."""

    def read_only(stack: ExitStack, memory: Callable[..., int]) -> Sequence[int]:
        descriptor = os.open(f"/proc/self/fd/{memory()}", os.O_RDONLY)
        stack.callback(os.close, descriptor)
        return [descriptor]

    def file(stack: ExitStack, memory: Callable[..., int]) -> Sequence[int]:
        return [stack.enter_context(open(__file__, "rb")).fileno()]

    def pair(stack: ExitStack, memory: Callable[..., int]) -> Sequence[int]:
        return [stack.enter_context(end).fileno() for end in socket.socketpair()][:1]

    return {
        "none": lambda stack, memory: [],
        "two": lambda stack, memory: [memory(), memory()],
        "many": lambda stack, memory: [memory()] * 200,
        "file": file,
        "socket": pair,
        "unsealed": lambda stack, memory: [memory(seals=0)],
        "may grow": lambda stack, memory: [memory(seals=fcntl.F_SEAL_SHRINK)],
        "may shrink": lambda stack, memory: [memory(seals=fcntl.F_SEAL_GROW)],
        "written by none": lambda stack, memory: [memory(seals=SEALS | fcntl.F_SEAL_WRITE)],
        "read only": read_only,
        "empty": lambda stack, memory: [memory(0)],
        "large": lambda stack, memory: [memory(1_000_001)],
        "enormous": lambda stack, memory: [memory(2**62)],
    }


@pytest.mark.parametrize("name", unsuitable())
def test_other_descriptors_are_refused(
    name: str, served: Local, memory: Callable[..., int]
) -> None:
    """What is not one piece of memory of a fixed and allowed size is refused and closed."""
    with ExitStack() as stack, served.connect() as client:
        answer = served.register(client, *unsuitable()[name](stack, memory))
        assert [*answer] == ["detail"]
        assert answer["detail"].startswith("A segment ")
        assert client.recv(1) == b""
    served.wait_until_nothing_is_held()


def test_huge_pages_are_refused(served: Local) -> None:
    """Memory whose pages the kernel may be unable to provide would kill a worker."""
    try:
        flags = os.MFD_ALLOW_SEALING | os.MFD_HUGETLB
        descriptor = os.memfd_create("segment", flags)
        os.ftruncate(descriptor, 1 << 21)
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, SEALS)
    except OSError:
        pytest.skip("this machine has no huge pages")
    with served.connect() as client:
        assert served.register(client, descriptor) == {
            "detail": "A segment must not have huge pages."
        }
    os.close(descriptor)


def test_one_connection_registers_one_segment(served: Local, memory: Callable[..., int]) -> None:
    """Anything after the first packet ends the connection and its token."""
    with served.connect() as client:
        token = served.register(client, memory())["token"]
        assert served.register(client, memory()) is None
        assert message(served.apply([1.0], token)) == "This process has no such segment."
    served.wait_until_nothing_is_held()


@pytest.mark.parametrize("packet", [b"\0" * 100_000, b"GET / HTTP/1.1\r\n\r\n", b"{}", b""])
def test_garbage_is_refused(packet: bytes, served: Local) -> None:
    """Packets without a descriptor get a refusal or an end, and nothing remains."""
    for _ in range(100):
        with served.connect() as client:
            client.send(packet)
            answer = client.recv(1000)
            assert answer == b"" or json.loads(answer)["detail"]
    served.wait_until_nothing_is_held()


def test_number_of_segments_is_bounded(served: Local, memory: Callable[..., int]) -> None:
    """Of a thousand registrations some are taken, and there is room again when they end."""
    descriptor = memory(1)
    with ExitStack() as stack:
        answers = [
            served.register(stack.enter_context(served.connect()), descriptor) for _ in range(1000)
        ]
        assert sum(answer is not None for answer in answers) == 64
        assert served.held() == 64
        assert served.apply([1.0]).status == 200
    served.wait_until_nothing_is_held()
    with served.connect() as client:
        assert served.register(client, memory())["token"]


def test_bytes_of_segments_are_bounded(tesseract: Tesseract, memory: Callable[..., int]) -> None:
    """Segments together, and those of calls with their bodies, keep to --max-queued-bytes."""
    options = ["--in-process", "--max-queued-bytes", str(SIZE + 1000)]
    with local(tesseract(DOUBLE), *options) as server, server.connect() as client:
        token = server.register(client, memory())["token"]
        with server.connect() as other:
            assert "would exceed" in server.register(other, memory(2000))["detail"]
        assert server.apply([1.0], token).status == 200
        assert server.apply([1.0] * 1000, token).status == 413
        assert server.apply([1.0] * 1000).status == 200


def test_silent_connection_is_closed(tesseract: Tesseract) -> None:
    """A client that registers nothing takes no place for long."""
    constants = {"runtime_core.server.segments._SECONDS_TO_REGISTER": 0.1}
    with (
        local(tesseract(DOUBLE), "--in-process", constants=constants) as server,
        server.connect() as client,
    ):
        assert client.recv(1) == b""


def test_keys_are_required_with_a_segment(tesseract: Tesseract, memory: Callable[..., int]) -> None:
    """A token does not replace a key."""
    options = ["--in-process", "--api-key", "sesame", "--uds-mode", "660"]
    with local(tesseract(DOUBLE), *options) as server, server.connect() as client:
        token = server.register(client, memory())["token"]
        assert server.apply([1.0], token).status == 401
        key = {"Authorization": "Bearer sesame"}
        assert server.apply(document(), token, **key).status == 200
        assert Path(f"{server.path}.segments").stat().st_mode & 0o777 == 0o660


def test_nothing_is_left_behind(tesseract: Tesseract, memory: Callable[..., int]) -> None:
    """Both sockets are gone at the end, and those of a killed server are replaced."""
    api_path = tesseract(DOUBLE)
    with local(api_path) as server, server.connect() as client:
        server.register(client, memory())
        server.process.terminate()
        assert server.process.wait(SECONDS) == 0
        assert client.recv(1) == b""
        assert not [*server.path.parent.iterdir()]
        again = ["serve", "--uds", str(server.path)]
        for number in (signal.SIGKILL, signal.SIGTERM):
            with started(api_path, *again) as process:
                Log(process).wait_for("Serving Tesseract")
                process.send_signal(number)
                process.wait(SECONDS)
        assert not [*server.path.parent.iterdir()]


def test_segments_that_are_served_elsewhere_end_serve(tesseract: Tesseract, tmp_path: Path) -> None:
    """A path of segments that is in use ends `serve`, and its own socket is removed."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "model.sock")
        Path(f"{path}.segments").touch()
        with started(tesseract(DOUBLE), "serve", "--in-process", "--uds", str(path)) as process:
            assert process.wait(SECONDS) == 2
            assert Log(process).wait_for_end() == (
                f"Error: Cannot serve on {path}.segments: it exists and is not a socket. Choose "
                "another with --uds.\n"
            )
        assert not path.exists()
