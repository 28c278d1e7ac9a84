"""The supervisor of runs: their ends, text logs and remote sinks."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from runtime_core.contracts import Fault, Parameter, Record, Reply, Run, RunStatus
from runtime_core.errors import FaultKind
from runtime_core.run_logs import RunSupervisor
from tests.patience import SECONDS
from tests.run_logs.conftest import Logging, Sink, Supervise, call_of, invoked

KILLED = ("cut_short", "worker_died", "timed_out", "caller_gone", "shutting_down")

LOGS = """
from pydantic import BaseModel
from runtime_core.run_logs import log_parameter

class InputSchema(BaseModel):
    fails: bool = False

class OutputSchema(BaseModel):
    done: bool

def apply(inputs):
    log_parameter("size", 3)
    if inputs.fails:
        raise ValueError("no convergence")
    return OutputSchema(done=True)
"""


def reply_of(kind: str | None = None, trace: str = "") -> Reply:
    """Return a reply with a fault of a kind, if one is given."""
    fault = None if kind is None else Fault(kind=FaultKind(kind), message="It\nwent", trace=trace)
    return Reply(run_id="fit-7", format="json", fault=fault)


@pytest.mark.parametrize("kind", [None, *FaultKind])
def test_run_ends_with_the_status_of_its_reply(
    supervise: Supervise, run: Run, kind: str | None
) -> None:
    """A run is FINISHED, FAILED, or KILLED when it was stopped or its process ended."""
    sink = Sink()
    supervisor = supervise(sink.declared())
    supervisor.take(run, Parameter(key="size", value=3))
    supervisor.finished(run, reply_of(kind))
    supervisor.close(SECONDS)
    status = "KILLED" if kind in KILLED else "FAILED" if kind else "FINISHED"
    assert sink.calls == [("open", "fit-7"), Parameter(key="size", value=3), RunStatus(status)]


def test_run_that_has_logged_nothing_is_not_sent(supervise: Supervise, run: Run) -> None:
    """A run without records is not sent, and starts no thread."""
    sink = Sink()
    supervisor = supervise(sink.declared())
    supervisor.finished(run, reply_of("tesseract_failed"))
    supervisor.close(SECONDS)
    assert sink.calls == []


@pytest.mark.parametrize("kind", FaultKind)
def test_text_log_ends_with_why_the_call_has_failed(
    supervise: Supervise, run: Run, kind: str
) -> None:
    """The traceback, or else the first line of the message, is in the log; refusals are not.

    What a dead worker has printed is in the log already.
    """
    told = kind in (*KILLED, "tesseract_failed", "plugin_failed")
    supervisor = supervise()
    supervisor.finished(run, reply_of(kind, trace="Traceback\nlast"))
    supervisor.finished(run, reply_of(kind))
    path = run.log_folder / "tesseract.log"
    assert path.exists() is told
    if told:
        first = "It" if kind == "worker_died" else "Traceback\nlast"
        assert path.read_text() == f"{first}\nIt\n"


def test_unwritable_text_log_is_a_warning(
    supervise: Supervise, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    """The answer to a call does not suffer when its log cannot be written."""
    run.folder.write_text("no folder")
    failed = reply_of("tesseract_failed", trace="Traceback")
    assert supervise().finished(run, failed) is failed
    assert "The log of run fit-7 cannot be written: " in caplog.text


def test_abandoned_run_is_closed_as_killed_in_local_sinks(supervise: Supervise, run: Run) -> None:
    """When the process that has opened a run has died, another one closes it."""
    near, far = Sink(), Sink()
    supervisor = supervise(near.declared(name="near", local=True), far.declared(name="far"))
    supervisor.abandoned(run)
    assert (near.calls, far.calls) == ([("open", "fit-7"), RunStatus.KILLED], [])


def test_abandoned_run_that_cannot_be_closed_is_a_warning(
    supervise: Supervise, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    """A sink that fails meanwhile is reported, and the next one is closed."""
    broken, whole = Sink(fails="open"), Sink()
    supervise(
        broken.declared(name="broken", local=True), whole.declared(name="whole", local=True)
    ).abandoned(run)
    message = "Run fit-7: broken:there (of-tests 7): ConnectionError: connection refused"
    assert message in caplog.text
    assert whole.calls[-1] == RunStatus.KILLED


@pytest.mark.parametrize("when", ["open", "write", "close"])
def test_distant_sink_that_fails_does_not_fail_the_call(
    logging_runtime: Logging, caplog: pytest.LogCaptureFixture, when: str
) -> None:
    """The call succeeds, and a warning names run, plugin, version and remedy."""
    reply = invoked(*logging_runtime(LOGS, Sink(fails=when).declared(name="far")), call_of())
    assert reply.fault is None
    [warning] = caplog.messages
    assert warning.startswith(
        "Run fit-7 cannot be logged to far:there (of-tests 7): ConnectionError: connection refused."
    )
    assert "runs send fit-7 --log-to far:there" in warning


@pytest.mark.parametrize("when", ["open", "write", "close"])
def test_strict_fails_the_call_for_a_distant_sink(logging_runtime: Logging, when: str) -> None:
    """With `--log-to-strict` the answer is the failure of the sink, without a body."""
    here = logging_runtime(LOGS, Sink(fails=when).declared(name="far"), log_to_strict=True)
    reply = invoked(*here, call_of())
    assert reply.fault is not None
    assert reply.fault.kind is FaultKind.RUN_NOT_LOGGED
    assert reply.fault.message.startswith("Run fit-7 cannot be logged to far:there (of-tests 7): ")
    assert reply.body == ()


def test_strict_fails_the_call_for_a_local_sink(logging_runtime: Logging) -> None:
    """A local sink fails the call by failing what user code logs."""
    sink = Sink(fails="write").declared(local=True)
    reply = invoked(*logging_runtime(LOGS, sink, log_to_strict=True), call_of())
    assert reply.fault is not None
    assert "Run fit-7 cannot be logged to kept:there (of-tests 7)" in reply.fault.message


def test_strict_cannot_be_caught_by_user_code(logging_runtime: Logging) -> None:
    """User code that goes on after a failing log call does not make the run a logged one."""
    source = LOGS.replace(
        'log_parameter("size", 3)',
        'try:\n        log_parameter("size", 3)\n    except Exception:\n        pass',
    )
    sink = Sink(fails="write").declared(local=True)
    reply = invoked(*logging_runtime(source, sink, log_to_strict=True), call_of())
    assert reply.fault is not None
    assert reply.fault.kind is FaultKind.RUN_NOT_LOGGED


def test_strict_leaves_a_failure_of_the_tesseract_as_it_is(logging_runtime: Logging) -> None:
    """The author's fault has precedence over that of a sink."""
    here = logging_runtime(LOGS, Sink(fails="write").declared(name="far"), log_to_strict=True)
    reply = invoked(*here, call_of(inputs={"fails": True}))
    assert reply.fault is not None
    assert reply.fault.kind is FaultKind.TESSERACT_FAILED


def test_failure_is_logged_everywhere(logging_runtime: Logging, tmp_path: Path) -> None:
    """A call that fails closes every sink as FAILED and leaves its traceback."""
    near, far = Sink(), Sink()
    here = logging_runtime(LOGS, near.declared(name="near", local=True), far.declared(name="far"))
    invoked(*here, call_of(inputs={"fails": True}))
    assert (
        near.calls
        == far.calls
        == [
            ("open", "fit-7"),
            Parameter(key="size", value=3),
            RunStatus.FAILED,
        ]
    )
    text = (tmp_path / "run_fit-7" / "logs" / "tesseract.log").read_text()
    assert text.startswith("Traceback (most recent call last):\n")
    assert text.endswith("ValueError: no convergence\n")


def test_interrupted_run_is_killed(logging_runtime: Logging) -> None:
    """Ctrl-C does not make a run a failure of the Tesseract."""
    sink = Sink()
    source = LOGS.replace('raise ValueError("no convergence")', "raise KeyboardInterrupt")
    runtime, _ = logging_runtime(source, sink.declared(local=True))
    with pytest.raises(KeyboardInterrupt):
        runtime.invoke(call_of(inputs={"fails": True}))
    assert sink.calls[-1] is RunStatus.KILLED


def test_batches_keep_the_order_of_each_run(supervise: Supervise, run: Run) -> None:
    """Thousands of records arrive in order, and in fewer pieces than there are."""
    batches: list[int] = []

    class Counting(Sink):
        def write(self, records: Sequence[Record]) -> None:
            batches.append(len(records))
            super().write(records)

    sink = Counting()
    supervisor = supervise(sink.declared())
    records = [Parameter(key=str(number), value=number) for number in range(5000)]
    for record in records:
        supervisor.take(run, record)
    supervisor.finished(run, reply_of())
    supervisor.close(SECONDS)
    assert sink.records == records
    assert len(batches) < 2500


def test_server_is_not_held_up(supervise: Supervise, run: Run) -> None:
    """`ended` gives the same answer as `finished`, in an event loop."""
    supervisor = supervise(Sink(fails="write").declared(), log_to_strict=True)
    supervisor.take(run, Parameter(key="size", value=3))
    reply = asyncio.run(supervisor.ended(run, reply_of()))
    supervisor.close(SECONDS)
    assert reply.fault is not None
    assert reply.fault.kind is FaultKind.RUN_NOT_LOGGED


def test_caller_who_gives_up_does_not_end_a_sink(supervise: Supervise, run: Run) -> None:
    """The next run is sent and judged, although the caller of the previous one has gone."""
    written = threading.Event()

    class Slow(Sink):
        def write(self, records: Sequence[Record]) -> None:
            super().write(records)
            written.wait(SECONDS)

    async def give_up(supervisor: RunSupervisor) -> Reply:
        supervisor.take(run, Parameter(key="size", value=3))
        waiting = asyncio.create_task(supervisor.ended(run, reply_of()))
        await asyncio.sleep(0.05)
        waiting.cancel()
        await asyncio.wait([waiting])
        written.set()
        after = replace(run, id="fit-8")
        supervisor.take(after, Parameter(key="size", value=4))
        async with asyncio.timeout(SECONDS):
            return await supervisor.ended(after, replace(reply_of(), run_id="fit-8"))

    sink = Slow()
    supervisor = supervise(sink.declared(), log_to_strict=True)
    assert asyncio.run(give_up(supervisor)).fault is None
    supervisor.close(SECONDS)
    assert sink.records == [Parameter(key="size", value=3), Parameter(key="size", value=4)]
