"""A stopped, slow or restarted tracker: calls succeed, and the files have everything."""

from __future__ import annotations

import itertools
import re
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.mlflow.talkative import SOURCE, Spoken, ended_of, made_at_once
from tests.mlflow.tracker import Tracker, tracking
from tests.patience import SECONDS, patient, wait_until
from tests.ports import free_port
from tests.server.conftest import Served, serving

IMPATIENT = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "2", "MLFLOW_DISABLE_TELEMETRY": "true"}
"""The sink gives up sooner, so that the tests need not wait for it."""

QUIET_SECONDS = {"runtime_core.run_logs.sink_thread._SECONDS_OF_QUIET": 0.5}


@contextmanager
def logging_to(target: str, api_path: Path, output_path: Path) -> Iterator[Served]:
    """Serve the talkative Tesseract with both sinks."""
    with serving(
        api_path,
        *("--output-path", str(output_path), "--log-to", "file", "--log-to", target),
        options=("--num-workers", "2"),
        environment=IMPATIENT,
        constants=QUIET_SECONDS,
    ) as served:
        yield served


def calls(first: int, count: int) -> list[Spoken]:
    """Return some calls, of which one prints a megabyte."""
    return [Spoken(number=number, loud=number == first) for number in range(first, first + count)]


def call_until_logged(served: Served, tracker: Tracker, first: int, output_path: Path) -> Spoken:
    """Make one call after another until one has arrived at the tracker, and return that."""
    for number in itertools.count(first):
        call = Spoken(number=number)
        call.check_answer(call.made(served))
        call.check_files(output_path)
        with suppress(AssertionError):
            wait_until(lambda call=call: ended_of([call], tracker), patient(5))  # type: ignore[misc]
            return call
    raise AssertionError


@pytest.mark.timeout(600)
def test_stopped_tracker_costs_nothing(
    tesseract: Callable[..., Path], tracker: Tracker, tmp_path: Path
) -> None:
    """Calls succeed while the tracker does not answer, and it gets later ones when it goes on."""
    with logging_to(tracker.target, tesseract(SOURCE), tmp_path / "output") as served:
        before, during = calls(0, 3), calls(100, 10)
        made_at_once(before, served)
        wait_until(lambda: len(ended_of(before, tracker)) == len(before))
        tracker.signal(signal.SIGSTOP)
        try:
            made_at_once(during, served)
        finally:
            tracker.signal(signal.SIGCONT)
        after = call_until_logged(served, tracker, 200, tmp_path / "output")
        for call in (*before, *during):
            call.check_files(tmp_path / "output")
        for call in (*before, after):
            call.check_tracker(tracker, tmp_path / "downloads")
        assert served.end() == 0


@pytest.mark.timeout(600)
def test_server_ends_though_the_tracker_does_not_answer(
    tesseract: Callable[..., Path], tracker: Tracker, tmp_path: Path
) -> None:
    """Runs that wait for a tracker do not prevent the server's end, and are named."""
    waiting = calls(300, 5)
    with logging_to(tracker.target, tesseract(SOURCE), tmp_path / "output") as served:
        tracker.signal(signal.SIGSTOP)
        try:
            made_at_once(waiting, served)
            assert served.end() == 0
        finally:
            tracker.signal(signal.SIGCONT)
        log = served.log.wait_for_end()
    for call in waiting:
        call.check_files(tmp_path / "output")
        assert call.run_id in log


@pytest.mark.timeout(600)
def test_restarted_tracker_goes_on(tesseract: Callable[..., Path], tmp_path: Path) -> None:
    """Calls succeed without a tracker, and a new one gets later runs."""
    port = free_port()
    target = f"mlflow+http://127.0.0.1:{port}"
    with logging_to(target, tesseract(SOURCE), tmp_path / "output") as served:
        with tracking(tmp_path, port) as tracker:
            made_at_once(calls(0, 3), served)
            wait_until(lambda: len(ended_of(calls(0, 3), tracker)) == 3)
        made_at_once(calls(100, 5), served)
        for call in (*calls(0, 3), *calls(100, 5)):
            call.check_files(tmp_path / "output")
        for call in calls(100, 5):
            served.log.wait_for(f"Run {call.run_id} cannot be logged to {re.escape(target)}")
        with tracking(tmp_path, port) as tracker:
            after = call_until_logged(served, tracker, 200, tmp_path / "output")
            for call in (*calls(0, 3), after):
                call.check_tracker(tracker, tmp_path / "downloads")
        assert served.end() == 0


@dataclass(kw_only=True)
class Delay:
    """A way to a server on which answers are held until the gate is open."""

    behind: int
    gate: threading.Event = field(default_factory=threading.Event)
    held: threading.Event = field(default_factory=threading.Event)
    listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))

    @property
    def target(self) -> str:
        """The target for `--log-to`."""
        return f"mlflow+http://127.0.0.1:{self.listener.getsockname()[1]}"

    def serve(self) -> None:
        """Forward connections until the listener is closed."""
        with suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                server = socket.create_connection(("127.0.0.1", self.behind))
                self._pass_on(connection, server, lambda: None)
                self._pass_on(server, connection, self._hold)

    def _hold(self) -> None:
        self.held.set()
        self.gate.wait()

    def _pass_on(
        self, source: socket.socket, sink: socket.socket, before: Callable[[], object]
    ) -> None:
        def copy() -> None:
            with suppress(OSError), source, sink:
                while data := source.recv(1 << 16):
                    before()
                    sink.sendall(data)

        threading.Thread(target=copy, daemon=True).start()


@contextmanager
def delaying(tracker: Tracker) -> Iterator[Delay]:
    """Put a delay in front of a tracker."""
    delay = Delay(behind=tracker.port)
    threading.Thread(target=delay.serve, daemon=True).start()
    try:
        yield delay
    finally:
        delay.gate.set()
        delay.listener.close()


@pytest.mark.timeout(600)
def test_slow_tracker_costs_nothing(
    tesseract: Callable[..., Path], tracker: Tracker, tmp_path: Path
) -> None:
    """All calls are answered and in the files before the tracker has answered once."""
    with (
        delaying(tracker) as delay,
        logging_to(delay.target, tesseract(SOURCE), tmp_path / "output") as served,
    ):
        during = calls(400, 10)
        made_at_once(during, served)
        for call in during:
            call.check_files(tmp_path / "output")
        assert not delay.gate.is_set()
        assert delay.held.wait(SECONDS)
        delay.gate.set()
        after = call_until_logged(served, tracker, 500, tmp_path / "output")
        after.check_tracker(tracker, tmp_path / "downloads")
        assert served.end() == 0
