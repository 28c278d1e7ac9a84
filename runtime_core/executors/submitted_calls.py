"""Calls of any endpoint, in the thread that submits them or in the processes of an executor."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import replace
from functools import partial

from runtime_core.calls.faults import fault_of
from runtime_core.config import RuntimeConfig
from runtime_core.contracts import Call, Reply
from runtime_core.errors import WorkerDied
from runtime_core.executors.kept_output import answered, keep_output, record_end
from runtime_core.executors.sent_point import SentPoint
from runtime_core.executors.submitted_tasks import Asked, SubmittedTasks
from runtime_core.executors.task import answer_call
from runtime_core.executors.wire_data import Outcome, call_data, result_of
from runtime_core.run_logs.run import run_of
from runtime_core.runtime import Runtime


class SerialCalls:
    """Answers calls in this thread, as soon as they are submitted."""

    concurrency = 1

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def submit(self, call: Call) -> Future[Reply]:
        """Answer a call."""
        future: Future[Reply] = Future()
        future.set_result(answered(call, self._runtime, self._runtime.invoke))
        return future


class SubmittedCalls:
    """Answers calls in the processes of an executor, where those with changes share a body."""

    def __init__(self, tasks: SubmittedTasks, model: str, config: RuntimeConfig) -> None:
        self._tasks = tasks
        self._model = model
        self._config = config
        self._nothing = SentPoint(b"")
        self._shared: tuple[object, SentPoint] = (None, self._nothing)

    @property
    def concurrency(self) -> int:
        """The number of calls to keep pending at a time."""
        return self._tasks.concurrency

    def submit(self, call: Call) -> Future[Reply]:
        """Submit a call; `ExecutorFailed` if the executor cannot be opened."""
        if call.kept and call.output_path is None:
            call = replace(call, output_path=self._config.output_path)
        point = self._body_of(call) if call.changes else self._nothing
        body = b"" if call.changes else bytes(call.body)
        argument = (self._model, point.digest, call_data(call), body)
        read = partial(_reply, call, self._config)
        return self._tasks.submit(
            Asked(function=answer_call, argument=argument, point=point, read=read)
        )

    def _body_of(self, call: Call) -> SentPoint:
        if self._shared[0] is not call.body:
            self._shared = (call.body, SentPoint(bytes(call.body)))
        return self._shared[1]


def _reply(call: Call, config: RuntimeConfig, outcome: Outcome) -> Reply:
    try:
        reply: Reply = result_of(outcome)
    except WorkerDied as error:
        lost = Reply(run_id=call.run_id, format=call.output.format, fault=fault_of(error))
        if call.kept:
            run = run_of(call, config)
            keep_output(run)
            record_end(run, lost)
        return lost
    return reply
