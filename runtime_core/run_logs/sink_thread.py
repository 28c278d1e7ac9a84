"""The thread that sends runs to a sink that may be slow or unreachable.

It follows the record of each run in its files, so that what waits for a sink takes no memory, and a
sink that has missed something goes on where it stopped.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from itertools import islice
from queue import SimpleQueue

from runtime_core.config import RuntimeConfig
from runtime_core.contracts import LazyCall, Record, Run, RunHandle, RunStatus
from runtime_core.errors import RunNotLogged
from runtime_core.message_texts import exception_text
from runtime_core.plugins.guard import Guarded
from runtime_core.run_logs.log_targets import LogTarget
from runtime_core.run_logs.run_follower import RunFollower

_log = logging.getLogger(__name__)

_LARGEST_BATCH = 1_000
_SECONDS_OF_QUIET = 10.0  # after a failure, lest each run waits for a time-out
_MOST_NAMED = 5  # runs in a message
_SECONDS_TO_LOAD = 30.0  # a client of a tracker may take seconds to import


class SentRun:
    """A run on its way to a target: how much of its record has arrived."""

    def __init__(self, run: Run, target: LogTarget, config: RuntimeConfig) -> None:
        self.run = run
        self.status: RunStatus | None = None  # once the run has ended
        self.is_waiting = False  # in the queue of the thread
        self.done: Future[None] = Future()
        self.problem = ""  # the first one
        self._target = target
        self._config = config
        self._follower = RunFollower(run.log_folder)
        self._handle: RunHandle | None = None
        self._batch: Sequence[Record] = ()  # has not arrived

    def catch_up(self) -> None:
        """Send what is new; errors are those of the sink.

        Records that the sink refuses are left out, and others come again if it cannot be reached.
        """
        records = self._follower.records()
        while batch := self._batch or list(islice(records, _LARGEST_BATCH)):
            self._batch = batch
            try:
                self._opened().write(batch)
            except (ConnectionError, TimeoutError):
                raise
            except Exception as error:
                if self._handle is None:
                    raise
                self.problem = self.problem or exception_text(error)
            self._batch = ()

    def close(self, status: RunStatus) -> None:
        """Send the end of the run, if it has been opened; errors are those of the sink."""
        if self._handle is not None:
            self._handle.close(status)

    def _opened(self) -> RunHandle:
        if self._handle is None:
            self._handle = self._target.open(self.run, self._config)
        return self._handle


class SinkThread:
    """Sends runs to one target in a thread; what the target refuses is reported."""

    def __init__(self, target: LogTarget, config: RuntimeConfig) -> None:
        self._target = target
        self._config = config
        self._waiting: SimpleQueue[SentRun | None] = SimpleQueue()
        self._runs: dict[str, SentRun] = {}  # that have not ended
        self._late: dict[SentRun, None] = {}  # that have ended and not been sent, in order
        self._thread: threading.Thread | None = None
        self._loaded = threading.Event()
        self._quiet_until = 0.0

    def follow(self, run: Run) -> SentRun:
        """Send what is new in the record of a run."""
        if run.id not in self._runs:
            self._runs[run.id] = SentRun(run, self._target, self._config)
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name=str(self._target), daemon=True)
            self._thread.start()
        sent = self._runs[run.id]
        if not sent.is_waiting:
            sent.is_waiting = True
            self._waiting.put(sent)
        return sent

    def end(self, run: Run, status: RunStatus) -> Future[None]:
        """Send the rest of a run, and its end; the future raises if it has not all arrived."""
        sent = self.follow(run)
        del self._runs[run.id]
        self._late[sent] = None
        sent.status = status
        self._waiting.put(sent)
        return sent.done

    def close(self, seconds: float) -> None:
        """Wait at most `seconds` for the target, then report the runs that were not sent."""
        if self._thread is None:
            return
        self._waiting.put(None)
        self._loaded.wait(_SECONDS_TO_LOAD)
        self._thread.join(seconds)
        if self._thread.is_alive():
            late = [sent.run.id for sent in [*self._late]]
            _log.warning(
                "%s has not taken all in %g s. %s can be sent later with: tesseract-runtime runs "
                "send ID --log-to %s",
                self._target,
                seconds,
                _named(late) if late else "What it has not answered",
                self._target.target,
            )

    def _work(self) -> None:
        opening = self._target.sink.value.open
        try:
            if isinstance(opening, Guarded | LazyCall):
                with suppress(Exception):  # it fails again for each run, and is reported there
                    opening.load()
        finally:
            self._loaded.set()
        while (sent := self._waiting.get()) is not None:
            sent.is_waiting = False
            if not sent.done.done():
                self._send(sent)

    def _send(self, sent: SentRun) -> None:
        """Send what is new of a run, and its end."""
        status = sent.status  # before the records: the last ones come before the end
        problem = self._tried(sent.catch_up)
        if status is not None:
            problem = problem or self._tried(partial(sent.close, status))
            self._settle(sent, sent.problem or problem)

    def _tried(self, send: Callable[[], None]) -> str:
        """Send something, unless the target has just failed; return the problem."""
        if time.monotonic() < self._quiet_until:
            return "it has just failed for another run"
        try:
            send()
        # A plugin and its tracker may fail in any way; the next run is tried again.
        except Exception as error:
            if isinstance(error, ConnectionError | TimeoutError):
                self._quiet_until = time.monotonic() + _SECONDS_OF_QUIET
            return exception_text(error)
        return ""

    def _settle(self, sent: SentRun, problem: str) -> None:
        del self._late[sent]
        if not problem:
            sent.done.set_result(None)
            return
        message = f"{_named([sent.run.id])} cannot be logged to {self._target}"
        sent.done.set_exception(RunNotLogged(f"{message}: {problem}."))
        _log.warning(
            "%s: %s. Its log is in %s; send it later with: tesseract-runtime runs send "
            "%s --log-to %s",
            message,
            problem,
            sent.run.log_folder,
            sent.run.id,
            self._target.target,
        )


def _named(runs: Sequence[str]) -> str:
    shown = ", ".join(runs[:_MOST_NAMED])
    more = f" and {len(runs) - _MOST_NAMED} more" if len(runs) > _MOST_NAMED else ""
    return f"{'Run' if len(runs) == 1 else 'Runs'} {shown}{more}"
