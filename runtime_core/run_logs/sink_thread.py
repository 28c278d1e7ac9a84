"""The thread that sends records to a sink that may be slow or unreachable."""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from queue import Empty, SimpleQueue

from runtime_core.config import RuntimeConfig
from runtime_core.contracts import LazyCall, Record, Run, RunHandle, RunStatus
from runtime_core.errors import RunNotLogged
from runtime_core.message_texts import exception_text
from runtime_core.plugins.guard import Guarded
from runtime_core.run_logs.log_targets import LogTarget

_log = logging.getLogger(__name__)

_MOST_WAITING = 200_000  # records, of some hundred bytes each; more are dropped
_LARGEST_BATCH = 1_000
_SECONDS_OF_QUIET = 10.0  # after a failure, lest each run waits for a time-out
_MOST_NAMED = 5  # runs in a message
_SECONDS_TO_LOAD = 30.0  # a client of a tracker may take seconds to import


@dataclass(kw_only=True, eq=False)
class _Sending:
    """One run to send: its handle once it is open, and the first problem."""

    run: Run
    handle: RunHandle | None = None
    problem: str = ""
    done: Future[None] = field(default_factory=Future)


_Entry = tuple[_Sending, Record | RunStatus]
"""An entry of the queue: a record of a run, or its end."""


class SinkThread:
    """Sends runs to one target in a thread; what the target refuses is reported."""

    def __init__(self, target: LogTarget, config: RuntimeConfig) -> None:
        self._target = target
        self._config = config
        self._waiting: SimpleQueue[_Entry | None] = SimpleQueue()
        self._runs: dict[str, _Sending] = {}
        self._thread: threading.Thread | None = None
        self._loaded = threading.Event()
        self._quiet_until = 0.0

    def put(self, run: Run, record: Record) -> None:
        """Queue a record."""
        if run.id not in self._runs:
            self._runs[run.id] = _Sending(run=run)
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name=str(self._target), daemon=True)
            self._thread.start()
        sending = self._runs[run.id]
        if self._waiting.qsize() >= _MOST_WAITING:
            sending.problem = sending.problem or "more was logged than it could take in time"
            return
        self._waiting.put((sending, record))

    def end(self, run: Run, status: RunStatus) -> Future[None]:
        """End a run, if it has records; the future raises if they have not all arrived."""
        sending = self._runs.pop(run.id, None)
        if sending is None:
            nothing: Future[None] = Future()
            nothing.set_result(None)
            return nothing
        self._waiting.put((sending, status))
        return sending.done

    def close(self, seconds: float) -> None:
        """Wait at most `seconds` for the target, then report the runs that were not sent."""
        if self._thread is None:
            return
        self._waiting.put(None)
        self._loaded.wait(_SECONDS_TO_LOAD)
        self._thread.join(seconds)
        if self._thread.is_alive():
            late = list(dict.fromkeys(sending.run.id for sending, _ in self._left()))
            _log.warning(
                "%s has not taken all in %g s. %s can be sent later with: tesseract-runtime runs "
                "send ID --log-to %s",
                self._target,
                seconds,
                _named(late) if late else "What it has not answered",
                self._target.target,
            )

    def _left(self) -> Iterator[_Entry]:
        """Take entries off the queue until it is empty or ends."""
        with suppress(Empty):
            while (entry := self._waiting.get_nowait()) is not None:
                yield entry
            self._waiting.put(None)  # for the next batch, which ends with it

    def _work(self) -> None:
        opening = self._target.sink.value.open
        try:
            if isinstance(opening, Guarded | LazyCall):
                with suppress(Exception):  # it fails again for each run, and is reported there
                    opening.load()
        finally:
            self._loaded.set()
        while (first := self._waiting.get()) is not None:
            batch = [first, *islice(self._left(), _LARGEST_BATCH - 1)]
            by_run: defaultdict[_Sending, list[Record | RunStatus]] = defaultdict(list)
            for sending, entry in batch:
                by_run[sending].append(entry)
            for sending, entries in by_run.items():
                self._send(sending, entries)

    def _send(self, sending: _Sending, entries: Sequence[Record | RunStatus]) -> None:
        records = [entry for entry in entries if not isinstance(entry, RunStatus)]
        status = next((entry for entry in entries if isinstance(entry, RunStatus)), None)
        if records and not sending.problem:
            self._try(sending, lambda handle: handle.write(records))
        if status is not None:
            if sending.handle is not None or not sending.problem:
                self._try(sending, lambda handle: handle.close(status))
            self._settle(sending)

    def _try(self, sending: _Sending, act: Callable[[RunHandle], None]) -> None:
        """Apply a function to the open run, unless its target has just failed."""
        if time.monotonic() < self._quiet_until:
            sending.problem = sending.problem or "it has just failed for another run"
            return
        try:
            if sending.handle is None:
                sending.handle = self._target.open(sending.run, self._config)
            act(sending.handle)
        # A plugin and its tracker may fail in any way; the next run is tried again.
        except Exception as error:
            if isinstance(error, ConnectionError | TimeoutError):
                self._quiet_until = time.monotonic() + _SECONDS_OF_QUIET
            sending.problem = sending.problem or exception_text(error)

    def _settle(self, sending: _Sending) -> None:
        if not sending.problem:
            sending.done.set_result(None)
            return
        message = f"{_named([sending.run.id])} cannot be logged to {self._target}"
        sending.done.set_exception(RunNotLogged(f"{message}: {sending.problem}."))
        _log.warning(
            "%s: %s. Its log is in %s; send it later with: tesseract-runtime runs send "
            "%s --log-to %s",
            message,
            sending.problem,
            sending.run.log_folder,
            sending.run.id,
            self._target.target,
        )


def _named(runs: Sequence[str]) -> str:
    shown = ", ".join(runs[:_MOST_NAMED])
    more = f" and {len(runs) - _MOST_NAMED} more" if len(runs) > _MOST_NAMED else ""
    return f"{'Run' if len(runs) == 1 else 'Runs'} {shown}{more}"
