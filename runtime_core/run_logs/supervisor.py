"""The supervisor of runs: their text logs, their ends, and remote sinks."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace

from runtime_core.calls.faults import fault_of
from runtime_core.catalog import Catalog
from runtime_core.config import RuntimeConfig
from runtime_core.contracts import Call, Fault, Record, Reply, Run, RunStatus
from runtime_core.errors import FaultKind, RunActive, RunNotLogged
from runtime_core.message_texts import exception_text
from runtime_core.run_logs.log_targets import configured_targets
from runtime_core.run_logs.run import run_of
from runtime_core.run_logs.sink_thread import SinkThread
from runtime_core.run_logs.text_log import append_text, text_log_path

_log = logging.getLogger(__name__)

_KILLED = frozenset({FaultKind.WORKER_DIED, FaultKind.TIMED_OUT, FaultKind.CALLER_GONE})
_KILLED |= {FaultKind.CUT_SHORT, FaultKind.SHUTTING_DOWN}
_LOGGED_KINDS = _KILLED | {FaultKind.TESSERACT_FAILED, FaultKind.PLUGIN_FAILED}


class RunSupervisor:
    """Ends runs, computed here (as their `Upstream`) or in workers, and feeds remote sinks."""

    def __init__(self, catalog: Catalog, config: RuntimeConfig) -> None:
        self._config = config
        self._active: set[str] = set()  # the ids of the runs that workers compute or will compute
        self._targets = configured_targets(catalog, config)
        self._sink_threads = [
            SinkThread(target, config) for target in self._targets if not target.sink.value.local
        ]

    @property
    def feeds_sinks(self) -> bool:
        """Whether there are remote sinks to send records to."""
        return bool(self._sink_threads)

    def run(self, call: Call) -> Run:
        """Return the run of a call."""
        return run_of(call, self._config)

    def admit(self, call: Call) -> None:
        """Take the run id of a call until `dismiss`; `RunActive` if it is taken now."""
        if call.run_id in self._active:
            raise RunActive(call.run_id)
        self._active.add(call.run_id)

    def dismiss(self, call: Call) -> None:
        """Free the run id of a call, to whose files nothing is written any more."""
        self._active.remove(call.run_id)

    def opened(self, run: Run) -> None:
        """Do nothing: a run that is computed in this process is also closed in it."""

    def take(self, run: Run, record: Record) -> None:
        """Queue a record for the remote sinks."""
        for thread in self._sink_threads:
            thread.put(run, record)

    def abandoned(self, run: Run) -> None:
        """Close a run in the local sinks, instead of a worker that has died."""
        for target in self._targets:
            if target.sink.value.local:
                try:
                    target.open(run, self._config).close(RunStatus.KILLED)
                # A sink may raise anything; the answer to the call must not suffer.
                except Exception as error:
                    _log.warning("Run %s: %s: %s", run.id, target, exception_text(error))

    async def ended(self, run: Run, reply: Reply) -> Reply:
        """End the run of a call of a worker; return the reply, or that of a failed sink."""
        endings = self._end(run, reply)
        if not endings:
            return reply
        import asyncio  # the command line does not need it

        # A cancelled caller must not cancel the futures of the sink threads.
        done = [asyncio.shield(asyncio.wrap_future(ending)) for ending in endings]
        return _judged(reply, await asyncio.gather(*done, return_exceptions=True))

    def finished(self, run: Run, reply: Reply) -> Reply:
        """End the run of a call of this process; return the reply, or that of a failed sink."""
        return _judged(reply, [ending.exception() for ending in self._end(run, reply)])

    def interrupted(self, run: Run) -> None:
        """End the run of a call in this process that was interrupted."""
        for thread in self._sink_threads:
            thread.end(run, RunStatus.KILLED)

    def close(self, seconds: float) -> None:
        """Wait at most `seconds` for each remote sink."""
        for thread in self._sink_threads:
            thread.close(seconds)

    def _end(self, run: Run, reply: Reply) -> list[Future[None]]:
        """End a run; return the futures of the sinks to wait for."""
        status = RunStatus.FINISHED
        if reply.fault is not None:
            status = RunStatus.KILLED if reply.fault.kind in _KILLED else RunStatus.FAILED
            if reply.fault.kind in _LOGGED_KINDS:
                _note(run, reply.fault)
        endings = [thread.end(run, status) for thread in self._sink_threads]
        return endings if self._config.log_to_strict else []


def _note(run: Run, fault: Fault) -> None:
    """Append the failure of a run to its text log."""
    has_trace = fault.trace and fault.kind is not FaultKind.WORKER_DIED  # its output is in the log
    text = fault.trace if has_trace else fault.message.partition("\n")[0]
    try:
        append_text(text_log_path(run), f"{text.rstrip()}\n".encode())
    except OSError as error:
        _log.warning("The log of run %s cannot be written: %s.", run.id, error)


def _judged(reply: Reply, problems: Sequence[BaseException | None]) -> Reply:
    """Return the reply, or a fault if a sink has not taken the run."""
    for problem in problems:
        if isinstance(problem, RunNotLogged) and reply.fault is None:
            return replace(reply, body=(), fault=fault_of(problem))
    return reply
