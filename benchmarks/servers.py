"""Servers that the studies start, and the processor time and memory that they take."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.connection import Connection
from benchmarks.environments import runtime

MODELS = Path(__file__).with_name("models")
PEERS = Path(__file__).with_name("peers")

_SECONDS_TO_START = 60


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
    path = str(MODELS / model / "tesseract_api.py")
    variables = {"TESSERACT_API_PATH": path, **(environment or {})}
    with running([runtime(python), "serve", "--port", "PORT"], variables) as server:
        yield server


@contextmanager
def running(command: Sequence[str], environment: Mapping[str, str]) -> Iterator[Server]:
    """Run a server, whose port replaces `PORT`, until the `with` ends."""
    port = _free_port()
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [part.replace("PORT", str(port)) for part in command],
            env={**os.environ, **environment},
            cwd=folder,  # the original makes a folder for each request
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            _wait(process, port)
            yield Server(port=port, process=process.pid)
        finally:
            _end(process)


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + _SECONDS_TO_START
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            with suppress(RuntimeError):  # a peer without this path has started too
                Connection(port, "/health").call()
            return
        time.sleep(0.02)
    raise RuntimeError(f"the server {process.args!r} did not start")


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
