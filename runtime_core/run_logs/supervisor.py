"""The supervisor of runs: their records, from the beginning to the end, and their sinks."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from typing import Any

from runtime_core.calls.faults import fault_of
from runtime_core.catalog import Catalog
from runtime_core.config import RuntimeConfig, absolute
from runtime_core.contracts import Call, Fault, Reply, Run, RunStatus, TesseractFacts
from runtime_core.errors import FaultKind, NotWritten, RunActive, RunNotLogged
from runtime_core.files import is_url
from runtime_core.run_logs.artifact_copies import remove_drafts
from runtime_core.run_logs.bare_runs import remove_if_bare, remove_oldest
from runtime_core.run_logs.log_targets import configured_targets
from runtime_core.run_logs.recorded_call import KILLING, outcome_facts, payload_facts, status_of
from runtime_core.run_logs.run import run_of
from runtime_core.run_logs.run_document import begin_run, end_run
from runtime_core.run_logs.run_follower import has_records
from runtime_core.run_logs.sink_thread import SinkThread
from runtime_core.run_logs.text_log import append_text, text_log_path

_log = logging.getLogger(__name__)

_LOGGED_KINDS = KILLING | {FaultKind.TESSERACT_FAILED, FaultKind.PLUGIN_FAILED}


class RunSupervisor:
    """Records the ends of runs, computed here or in workers, and lets sinks follow them.

    `tesseract` has the facts of the loaded Tesseract, once they are known.
    """

    def __init__(self, catalog: Catalog, config: RuntimeConfig) -> None:
        self.tesseract: TesseractFacts | None = None
        self._config = config
        self._active: set[str] = set()  # the ids of the runs that workers compute or will compute
        self._begun: set[str] = set()  # the ids of runs that are recorded in any case
        targets = configured_targets(catalog, config)
        self._sink_threads = [SinkThread(target, config) for target in targets]

    def run(self, call: Call) -> Run:
        """Return the run of a call, as sinks get it."""
        run, known = run_of(call, self._config), self.tesseract
        return run if known is None else replace(run, digest=known.digest, versions=known.versions)

    def admit(self, call: Call) -> None:
        """Take the run id of a call until `dismiss`; `RunActive` if it is taken now."""
        if call.run_id in self._active:
            raise RunActive(call.run_id)
        self._active.add(call.run_id)

    def dismiss(self, call: Call) -> None:
        """Free the run id of a call, to whose files nothing is written any more."""
        self._active.remove(call.run_id)

    def begin(self, call: Call) -> None:
        """Record a run from its beginning, even if it writes no file.

        Other runs are recorded once they have files or fail. A folder that cannot be written is
        reported if there is something to write.
        """
        with suppress(OSError, NotWritten):
            run = self.run(call)
            begin_run(run, **self._facts(call))
            self._begun.add(call.run_id)
            remove_oldest(run.folder.parent)

    def follow(self, run: Callable[[], Run]) -> None:
        """Let the sinks read what is new in the record of a run."""
        if self._sink_threads and has_records(run().log_folder):
            for thread in self._sink_threads:
                thread.follow(run())

    async def ended(self, call: Call, reply: Reply) -> Reply:
        """End the run of a call of a worker; return the reply, or that of a failed sink."""
        import asyncio  # the command line does not need it

        await asyncio.to_thread(self._record_end, call, reply)
        # A cancelled caller must not cancel the futures of the sink threads.
        endings = self._sent(call, status_of(reply))
        done = [asyncio.shield(asyncio.wrap_future(ending)) for ending in endings]
        return _judged(reply, await asyncio.gather(*done, return_exceptions=True))

    def finished(self, call: Call, reply: Reply) -> Reply:
        """End the run of a call of this process; return the reply, or that of a failed sink."""
        self._record_end(call, reply)
        endings = self._sent(call, status_of(reply))
        return _judged(reply, [ending.exception() for ending in endings])

    def interrupted(self, call: Call) -> None:
        """End the run of a call in this process that was interrupted."""
        self._write_end(call, RunStatus.KILLED)
        self._sent(call, RunStatus.KILLED)

    def close(self, seconds: float) -> None:
        """Wait at most `seconds` for each sink."""
        for thread in self._sink_threads:
            thread.close(seconds)

    def _record_end(self, call: Call, reply: Reply) -> None:
        """Record the end of a run that has files or has failed, or was recorded from its beginning.

        The record of a refused call is removed.
        """
        failed = reply.fault is not None and reply.fault.kind in _LOGGED_KINDS
        if reply.fault is not None and failed:
            _note(self.run(call), reply.fault)
        begun = call.run_id in self._begun
        self._begun.discard(call.run_id)
        # A command writes nothing to the working directory unless it is told to, or has files.
        unwanted = is_url(call.output_path or "://") or reply.fault is not None
        if begun and unwanted and not failed and remove_if_bare(self.run(call).folder):
            return
        if begun or failed or reply.has_files:
            self._write_end(call, status_of(reply), **outcome_facts(reply))

    def _write_end(self, call: Call, status: RunStatus, **facts: Any) -> None:
        run = self.run(call)
        if status is RunStatus.KILLED:
            remove_drafts(run.log_folder)
        try:
            end_run(run, status, **self._facts(call), **facts)
        except (OSError, NotWritten) as error:
            _log.warning("The record of run %s cannot be written: %s", run.id, error)

    def _facts(self, call: Call) -> Mapping[str, Any]:
        known = self.tesseract
        payload = payload_facts(
            call,
            known.secrets.get(call.endpoint) if known else None,
            most=self._config.run_payload_bytes,
        )
        if known is None:
            return payload
        facts = {"api_path": str(absolute(str(self._config.api_path))), "digest": known.digest}
        return {**facts, "versions": known.versions, **payload}

    def _sent(self, call: Call, status: RunStatus) -> list[Future[None]]:
        """Let the sinks end a run, if it has records; return the ends to wait for."""
        run = self.run(call)
        if not self._sink_threads or not has_records(run.log_folder):
            return []
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
