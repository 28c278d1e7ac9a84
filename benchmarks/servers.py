"""Servers that the studies start, and the processor time and memory that they take."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.connection import Connection
from benchmarks.environments import runtime

MODELS = Path(__file__).with_name("models")
PEERS = Path(__file__).with_name("peers")

_SECONDS_TO_START = 60
_MEMORY = "/dev/shm"  # the original makes a folder for each request; a disk removes them slowly


@dataclass(frozen=True, kw_only=True)
class Server:
    """A running server."""

    port: int
    process: int

    def processes(self) -> list[int]:
        """List the process that was started, and then its descendants."""
        found, waiting = [], [self.process]
        while waiting:
            process = waiting.pop(0)
            found.append(process)
            for children in Path(f"/proc/{process}/task").glob("*/children"):
                with suppress(OSError):
                    waiting += map(int, children.read_text().split())
        return found

    def processor_seconds(self) -> list[float]:
        """Read the processor time of each process so far."""
        return [time.clock_gettime(_clock(process)) for process in self.processes()]

    def memory(self) -> int:
        """Count the bytes of all processes, those that are shared once."""
        return sum(map(_proportional_size, self.processes()))


@contextmanager
def served(
    python: Path, model: str, environment: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """Serve a model by the runtime of an environment, with its default options."""
    variables = {**_api_path(model), **(environment or {})}
    with running([runtime(python), "serve", "--port", "PORT"], variables) as server:
        yield server


@contextmanager
def served_on_this_host(python: Path, model: str) -> Iterator[str]:
    """Serve a model on a Unix socket, and give its URL."""
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/socket"
        command = [runtime(python), "serve", "--uds", path]
        with _process(command, _api_path(model), partial(_connect_to_path, path)):
            yield f"unix://{path}"


def _api_path(model: str) -> dict[str, str]:
    return {"TESSERACT_API_PATH": str(MODELS / model / "tesseract_api.py")}


@contextmanager
def running(command: Sequence[str], environment: Mapping[str, str]) -> Iterator[Server]:
    """Run a server, whose port replaces `PORT`, until the `with` ends."""
    port = _free_port()
    parts = [part.replace("PORT", str(port)) for part in command]
    with _process(parts, environment, partial(_connect_to_port, port)) as process:
        yield Server(port=port, process=process)


@contextmanager
def _process(
    command: Sequence[str], environment: Mapping[str, str], connect: Callable[[], None]
) -> Iterator[int]:
    """Run a server, to which `connect` connects once it has started."""
    with tempfile.TemporaryDirectory(dir=_MEMORY) as folder, tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command,
            env={**os.environ, **environment},
            cwd=folder,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            _wait(process, connect)
            yield process.pid
        finally:
            _end(process)


def _wait(process: subprocess.Popen[bytes], connect: Callable[[], None]) -> None:
    deadline = time.monotonic() + _SECONDS_TO_START
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(OSError):
            connect()
            return
        time.sleep(0.02)
    raise RuntimeError(f"the server {process.args!r} did not start")


def _connect_to_port(port: int) -> None:
    with suppress(RuntimeError):  # a peer without this path has started too
        Connection(port, "/health").call()


def _connect_to_path(path: str) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(10)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _clock(process: int) -> int:
    """Return the clock of a process's processor time: `clock_getcpuclockid` of Linux."""
    return ~process << 3 | 2


def _proportional_size(process: int) -> int:
    with suppress(OSError):
        text = Path(f"/proc/{process}/smaps_rollup").read_text()
        return 1024 * sum(map(int, re.findall(r"^Pss: +(\d+)", text, re.MULTILINE)))
    return 0
