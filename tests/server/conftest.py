"""Servers as real processes, a transparent HTTP client, and gates inside `apply`."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import IO, Any

import psutil
import pytest

from tests.conftest import DOUBLE, clean_environment
from tests.patience import SECONDS, patient, wait_until

ANNOUNCEMENT = r"Serving (.*) on https?://(\S+):(\d+) "

_REQUEST = re.compile(r"^\d{4}-\d\d-\d\dT[\d:.]+[+-]\d\d:\d\d ([A-Z]+ /.*)$", re.MULTILINE)

WITH_CONSTANTS = """
import json, sys
from importlib import import_module
from runtime_core.cli import main

for name, value in json.loads(sys.argv.pop(1)).items():
    module, _, constant = name.rpartition(".")
    assert hasattr(import_module(module), constant), name
    setattr(import_module(module), constant, value)
main()
"""
"""A program like the command line, with other constants in its modules."""


class Log:
    """The stderr of a process, read while it is written; this object owns it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._lines: list[str] = []
        self._ended = False
        self._change = threading.Condition()
        assert process.stderr is not None
        stream, process.stderr = process.stderr, None
        threading.Thread(target=self._follow, args=(stream,), daemon=True).start()

    def _follow(self, stream: IO[str]) -> None:
        with stream:
            for line in stream:
                with self._change:
                    self._lines.append(line)
                    self._change.notify_all()
        with self._change:
            self._ended = True
            self._change.notify_all()

    @property
    def text(self) -> str:
        """Return all output so far."""
        with self._change:
            return "".join(self._lines)

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Return the first match of a pattern, as soon as there is one."""
        with self._change:
            self._change.wait_for(lambda: self._ended or self._search(pattern), SECONDS)
            match = self._search(pattern)
            assert match, f"{pattern!r} is not in:\n{''.join(self._lines)}"
            return match

    def wait_for_end(self) -> str:
        """Return all output, once every process that writes it has ended."""
        with self._change:
            assert self._change.wait_for(lambda: self._ended, SECONDS), "stderr is still open"
        return self.text

    def requests(self) -> list[str]:
        """Return the lines of requests without their times, once the process has ended."""
        return _REQUEST.findall(self.wait_for_end())

    def _search(self, pattern: str) -> re.Match[str] | None:
        return re.search(pattern, "".join(self._lines))


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An HTTP answer, with header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the tree of the body."""
        return json.loads(self.body)


@dataclass(frozen=True, kw_only=True)
class Client:
    """Speaks HTTP to a local port, with one connection for each request."""

    port: int

    def connection(self) -> HTTPConnection:
        """Return a connection for several requests."""
        return HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)

    def request(
        self,
        method: str,
        path: str,
        body: bytes | str | Iterator[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Make one request, with only the headers that HTTP requires.

        The pieces of a body of unknown size are sent as chunks.
        """
        connection = self.connection()
        try:
            return exchange(connection, method, path, body, headers)
        finally:
            connection.close()

    def raw(self) -> socket.socket:
        """Return a socket to the server, for requests that no client of HTTP would make."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=SECONDS)

    def get(self, path: str, **headers: str) -> Answer:
        """Make a GET request."""
        return self.request("GET", path, headers=_dashed(headers))

    def apply(self, inputs: Any, **headers: str) -> Answer:
        """Apply the Tesseract to inputs."""
        return self.request("POST", "/apply", json.dumps({"inputs": inputs}), _dashed(headers))


def exchange(
    connection: HTTPConnection,
    method: str,
    path: str,
    body: bytes | str | Iterator[bytes] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Make one request on an open connection."""
    connection.request(method, path, body, headers=dict(headers or {}))
    return _answer(connection.getresponse())


def _answer(response: HTTPResponse) -> Answer:
    return Answer(
        status=response.status,
        headers={name.lower(): value for name, value in response.getheaders()},
        body=response.read(),
    )


def head(path: str = "/apply", method: str = "POST", **headers: object) -> bytes:
    """Return the beginning of a request, up to its body."""
    lines = [
        f"{name}: {value}" for name, value in _dashed({"Host": "localhost", **headers}).items()
    ]
    return "\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""]).encode()


def read_answer(connection: socket.socket) -> Answer:
    """Return the next answer on a connection."""
    response = HTTPResponse(connection)
    response.begin()
    return _answer(response)


@dataclass(frozen=True, kw_only=True)
class Served(Client):
    """A running server: a client of it, its process and its stderr."""

    process: subprocess.Popen[str]
    log: Log

    def workers(self) -> list[psutil.Process]:
        """Return the live worker processes."""
        return [p for p in psutil.Process(self.process.pid).children() if is_alive(p)]

    def end(self) -> int:
        """Ask the server to end and return its exit code."""
        self.process.terminate()
        return self.process.wait(SECONDS)


def is_alive(process: psutil.Process) -> bool:
    """Check that a process runs and is not a zombie."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_until_gone(processes: list[psutil.Process]) -> None:
    """Wait for processes to end: nothing tells of the end of those that are not our children."""
    wait_until(lambda: not any(map(is_alive, processes)))


def has_room(served: Client) -> bool:
    """Request a path that does not exist, which a server answers to allowed clients."""
    return served.apply({}, accept="image/png").status == 406


def shared_files() -> set[str]:
    """Return the names of the files in shared memory that may be ours.

    Semaphores of `multiprocessing` and folders of other programs come and go at any time.
    """
    folder = Path("/dev/shm")
    files = [path.name for path in folder.iterdir() if path.is_file()] if folder.is_dir() else []
    return {name for name in files if not name.startswith("sem.mp-")}


@contextmanager
def serving(
    api_path: Path, *global_options: str, options: Sequence[str] = (), **settings: Any
) -> Iterator[Served]:
    """Serve a Tesseract on a free port in a process of its own, and end that in any case.

    `global_options` come before the command `serve`, `options` after it; `settings` are those of
    `started`.
    """
    with started(api_path, *global_options, "serve", "-p", "0", *options, **settings) as process:
        log = Log(process)
        port = int(log.wait_for(ANNOUNCEMENT)[3])
        yield Served(port=port, process=process, log=log)


@contextmanager
def started(
    api_path: Path,
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    constants: Mapping[str, Any] | None = None,
    wrapper: Sequence[str] = (),
) -> Iterator[subprocess.Popen[str]]:
    """Start the command line and end it in any case, with what it has started itself.

    `wrapper` is a program that runs its arguments as a program in other surroundings.

    `constants` maps names such as `runtime_core.server.request_body._IDLE_SECONDS` to other values,
    so that a test need not wait as long as a client would.
    """
    with running(
        [*wrapper, *_program(constants), *arguments],
        environment={"TESSERACT_API_PATH": str(api_path), **(environment or {})},
        folder=api_path.parent,
    ) as process:
        yield process


@contextmanager
def running(
    arguments: Sequence[str], *, environment: Mapping[str, str], folder: Path
) -> Iterator[subprocess.Popen[str]]:
    """Run a program with further variables, and end it in any case."""
    process = subprocess.Popen(
        arguments,
        env=clean_environment() | dict(environment),
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        _end(process)


def _program(constants: Mapping[str, Any] | None) -> list[str]:
    if constants is None:
        return [str(Path(sys.executable).with_name("tesseract-runtime"))]
    return [sys.executable, "-c", WITH_CONSTANTS, json.dumps(dict(constants))]


def _end(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        children = psutil.Process(process.pid).children(recursive=True)
        process.terminate()
        try:
            process.wait(patient(10))
        except subprocess.TimeoutExpired:
            process.kill()
        for child in filter(is_alive, children):
            child.send_signal(signal.SIGKILL)
    process.wait()
    for stream in filter(None, (process.stdout, process.stderr)):
        stream.close()


Serve = Callable[..., Served]


@pytest.fixture
def serve(tesseract: Callable[..., Path]) -> Iterator[Serve]:
    """Return a function that serves the source of a Tesseract until the test is done."""
    with ExitStack() as stack:

        def start(source: str = DOUBLE, *global_options: str, **settings: Any) -> Served:
            return stack.enter_context(serving(tesseract(source), *global_options, **settings))

        yield start


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Served]]:
    """Return a function that serves `DOUBLE` in one process with options of `serve`.

    The tests of a module share one server for each set of options, and must not end it.
    """
    path = tmp_path_factory.mktemp("shared") / "tesseract_api.py"
    path.write_text(textwrap.dedent(DOUBLE), encoding="utf-8")
    with ExitStack() as stack:

        @cache
        def start(*options: str) -> Served:
            return stack.enter_context(serving(path, options=["--in-process", *options]))

        yield start


@pytest.fixture(scope="session")
def double(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Return a server of the Tesseract that doubles a vector, shared by tests that only call it."""
    path = tmp_path_factory.mktemp("double") / "tesseract_api.py"
    path.write_text(textwrap.dedent(DOUBLE), encoding="utf-8")
    with serving(path) as served:
        yield served


@dataclass(frozen=True, kw_only=True)
class Gate:
    """A place in `apply` that waits for the test.

    User code reports at `entered` and reads one byte from `release`.
    """

    entered: Path
    release: Path
    entered_descriptor: int
    release_descriptor: int

    def wait_until_entered(self) -> None:
        """Wait until user code has reached the gate."""
        ready, _, _ = select.select([self.entered_descriptor], [], [], SECONDS)
        assert ready, "user code has not come to the gate"
        os.read(self.entered_descriptor, 1)

    def open(self) -> None:
        """Let user code go on."""
        os.write(self.release_descriptor, b"x")


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    """Return a gate, closed."""
    entered, release = tmp_path / "entered", tmp_path / "release"
    descriptors = []
    for path in (entered, release):
        os.mkfifo(path)
        descriptors.append(os.open(path, os.O_RDWR))
    yield Gate(
        entered=entered,
        release=release,
        entered_descriptor=descriptors[0],
        release_descriptor=descriptors[1],
    )
    for descriptor in descriptors:
        os.close(descriptor)


GATED = """
import os
from pydantic import BaseModel

class InputSchema(BaseModel):
    entered: str
    release: str

class OutputSchema(BaseModel):
    done: bool

def apply(inputs: InputSchema) -> OutputSchema:
    with open(inputs.entered, "wb") as entered:
        entered.write(b"x")
    with open(inputs.release, "rb", buffering=0) as release:
        release.read(1)
    return OutputSchema(done=True)
"""
"""The source of a Tesseract that waits at the gate that its inputs name."""


@pytest.fixture
def gate_inputs(gate: Gate) -> dict[str, str]:
    """Return the inputs that make `GATED` wait at the gate."""
    return {"entered": str(gate.entered), "release": str(gate.release)}


def _dashed(headers: Mapping[str, Any]) -> dict[str, Any]:
    return {name.replace("_", "-"): value for name, value in headers.items()}
