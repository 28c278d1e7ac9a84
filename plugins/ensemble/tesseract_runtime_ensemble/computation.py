"""Computing an ensemble: each evaluation once, and a row of each in the table."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from runtime_core.contracts import Call, Calls, Reply, Wire
from tesseract_runtime_ensemble.counts import Counts
from tesseract_runtime_ensemble.ensemble import Ensemble, Evaluation
from tesseract_runtime_ensemble.row import row_of
from tesseract_runtime_ensemble.table import Table


class OnError(StrEnum):
    """The treatment of an evaluation that has failed."""

    RECORD = "record"
    SKIP = "skip"
    STOP = "stop"


@dataclass(frozen=True, kw_only=True)
class Pending:
    """An evaluation whose reply has not been read."""

    index: int
    inputs: Mapping[str, Any]
    call: Call
    reply: Future[Reply]


class Computation:
    """Submits evaluations, at most as many as the executor keeps busy, and stores their rows.

    `end` records the end of a run, and `show` shows the progress.
    """

    def __init__(
        self,
        *,
        ensemble: Ensemble,
        ensemble_id: str,
        calls: Calls,
        table: Table,
        counts: Counts,
        on_error: OnError,
        end: Callable[[Call, Reply], Reply],
        show: Callable[[Callable[[], str]], None],
    ) -> None:
        self._ensemble = ensemble
        self._ensemble_id = ensemble_id
        self._calls = calls
        self._table = table
        self._counts = counts
        self._on_error = on_error
        self._end = end
        self._show = show
        self._output = Wire(format=table.output_format)
        self._pending: deque[Pending] = deque()
        self.stopped = False

    def run(self, wanted: Callable[[int], bool]) -> None:
        """Compute the wanted evaluations; once `stopped`, only those that are pending."""
        for index, evaluation in self._ensemble.evaluations(wanted):
            if self.stopped:
                break
            call = self._call(index, evaluation)
            reply = self._calls.submit(call)
            pending = Pending(index=index, inputs=evaluation.inputs, call=call, reply=reply)
            self._pending.append(pending)
            if len(self._pending) >= self._calls.concurrency:
                self._store(self._pending.popleft())
        while self._pending:
            self._store(self._pending.popleft())

    def _call(self, index: int, evaluation: Evaluation) -> Call:
        return Call(
            endpoint=self._ensemble.endpoint,
            # The run of an evaluation that a kill has interrupted is replaced when it is repeated.
            run_id=f"{self._ensemble_id}.{index}",
            parent_run_id=self._ensemble_id,
            body=evaluation.body,
            body_format=evaluation.body_format,
            changes=evaluation.changes,
            output=self._output,
        )

    def _store(self, pending: Pending) -> None:
        reply = self._end(pending.call, pending.reply.result())
        if reply.fault is None or self._on_error is OnError.RECORD:
            row = row_of(pending.index, pending.inputs, reply)
            self._table.append(row.line(b"".join(reply.body)))
        elif self._on_error is OnError.STOP:
            self.stopped = True
        self._counts.count(pending.index, reply.fault)
        self._show(self._counts.line)
