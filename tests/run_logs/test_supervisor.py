"""The supervisor of runs: their records and ends, text logs and sinks."""

from __future__ import annotations

import asyncio
import hashlib
import os
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import pytest

from runtime_core.contracts import (
    Fault,
    Parameter,
    Record,
    Reply,
    Run,
    RunStatus,
    TesseractFacts,
)
from runtime_core.errors import FaultKind
from runtime_core.run_logs import RunLog, RunSupervisor, StoredRun, bare_runs, sink_thread
from runtime_core.run_logs.recorded_call import MASK
from tests.patience import SECONDS, wait_until
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


def reply_of(kind: str | None = None, trace: str = "", *, has_files: bool = False) -> Reply:
    """Return a reply with a fault of a kind, if one is given."""
    fault = None if kind is None else Fault(kind=FaultKind(kind), message="It\nwent", trace=trace)
    return Reply(run_id="fit-7", format="json", fault=fault, has_files=has_files)


FACTS = TesseractFacts(digest="d", versions={"numpy": "2"}, secrets={"apply": []})


CALL = call_of()


@pytest.mark.parametrize("kind", [None, *FaultKind])
def test_run_ends_with_the_status_of_its_reply(
    supervise: Supervise, log: RunLog, logged: StoredRun, kind: str | None
) -> None:
    """A run is FINISHED, FAILED, or KILLED when it was stopped or its process ended."""
    sink = Sink()
    supervisor = supervise(sink.declared())
    log.parameter("size", 3)
    supervisor.finished(CALL, reply_of(kind, has_files=True))
    supervisor.close(SECONDS)
    status = "KILLED" if kind in KILLED else "FAILED" if kind else "FINISHED"
    assert sink.calls == [("open", "fit-7"), Parameter(key="size", value=3), RunStatus(status)]
    assert logged.status == status


def test_run_that_has_logged_nothing_is_not_sent(supervise: Supervise) -> None:
    """A run without records is not sent, and starts no thread."""
    sink = Sink()
    supervisor = supervise(sink.declared())
    supervisor.finished(CALL, reply_of("tesseract_failed"))
    supervisor.close(SECONDS)
    assert sink.calls == []


def test_run_that_goes_on_is_followed(supervise: Supervise, run: Run, log: RunLog) -> None:
    """A sink gets each record once, while the run goes on and at its end."""
    sink = Sink()
    supervisor = supervise(sink.declared())
    for size in (1, 2):
        log.parameter("size", size)
        supervisor.follow(lambda: run)
        wait_until(lambda size=size: len(sink.records) == size)  # type: ignore[misc]
    log.parameter("size", 3)
    supervisor.finished(CALL, reply_of(has_files=True))
    supervisor.close(SECONDS)
    assert sink.records == [Parameter(key="size", value=size) for size in (1, 2, 3)]


def test_sink_that_comes_back_goes_on_where_it_stopped(
    supervise: Supervise, run: Run, log: RunLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What could not be written comes again, before all that was logged meanwhile."""
    monkeypatch.setattr(sink_thread, "_SECONDS_OF_QUIET", 0.0)
    sink = Sink(fails="write")
    supervisor = supervise(sink.declared())
    log.parameter("size", 1)
    supervisor.follow(lambda: run)
    wait_until(lambda: sink.records)
    sink.fails = ""
    log.parameter("size", 2)
    supervisor.finished(CALL, reply_of(has_files=True))
    supervisor.close(SECONDS)
    assert [record.value for record in sink.records if isinstance(record, Parameter)][-2:] == [1, 2]
    assert sink.calls[-1] is RunStatus.FINISHED


@pytest.mark.parametrize("kind", FaultKind)
def test_text_log_ends_with_why_the_call_has_failed(
    supervise: Supervise, run: Run, kind: str
) -> None:
    """The traceback, or else the first line of the message, is in the log; refusals are not.

    What a dead worker has printed is in the log already.
    """
    told = kind in (*KILLED, "tesseract_failed", "plugin_failed")
    supervisor = supervise()
    supervisor.finished(CALL, reply_of(kind, trace="Traceback\nlast"))
    supervisor.finished(CALL, reply_of(kind))
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
    assert supervise().finished(CALL, failed) is failed
    assert "The log of run fit-7 cannot be written: " in caplog.text


def test_record_has_the_call_and_its_outcome(
    supervise: Supervise, logged: StoredRun, tmp_path: Path
) -> None:
    """A run that is recorded has its payload, the Tesseract and the digest of its result."""
    supervisor = supervise()
    supervisor.tesseract = FACTS
    call = replace(CALL, output_path=str(tmp_path))
    supervisor.begin(call)
    assert (logged.status, logged.facts["payload"]) == ("RUNNING", {"inputs": {}})
    reply = replace(reply_of(), body=[b"re", b"sult"], timings={"compute": 2.0})
    supervisor.finished(call, reply)
    facts = StoredRun(logged.folder).facts
    assert facts["status"] == "FINISHED"
    assert facts["started"] <= facts["ended"]
    assert facts["outcome"]["result"] == {
        "digest": hashlib.sha256(b"result").hexdigest(),
        "format": "json",
    }
    assert (facts["digest"], facts["versions"], facts["timings"]) == (
        "d",
        {"numpy": "2"},
        {"compute": 2.0},
    )


def test_sinks_get_the_same_facts_now_and_later(
    supervise: Supervise, logged: StoredRun, tmp_path: Path
) -> None:
    """The run of a sink has the facts of call and Tesseract, also once it is read back."""
    supervisor = supervise()
    supervisor.tesseract = FACTS
    facts: dict[str, Any] = {
        "parent_run_id": "p", "caller": "ann", "metadata": {"x-request-id": "7"},
    }  # fmt: skip
    call = replace(CALL, output_path=str(tmp_path), **facts)
    supervisor.begin(call)
    supervisor.finished(call, reply_of(has_files=True))
    run = supervisor.run(call)
    assert (run.parent_id, run.caller, run.metadata) == tuple(facts.values())
    assert (run.digest, run.versions) == (FACTS.digest, FACTS.versions)
    assert StoredRun(logged.folder).run == run


@pytest.mark.parametrize(
    ("body", "secrets", "expected"),
    [
        (b'{"x": [1]}', [], {"payload": {"x": [1]}}),
        (b"\x81\xa1x\x01", [], {"payload_base64": "gaF4AQ=="}),
        (b'{"x": "%s"}' % (b"1" * 80), [], {"payload_digest": ANY}),
        (b'{"x": [{"token": "hidden"}]}', ["token"], {"payload": {"x": [{"token": MASK}]}}),
        (b"\x81\xa5token\xa6hidden", ["token"], {}),
        (b'{"token": "%s"}' % (b"1" * 80), ["token"], {}),
        (b'{"x": 1}', None, {}),
    ],
)
def test_secrets_are_never_recorded(
    supervise: Supervise, logged: StoredRun, body: bytes, secrets: Any, expected: Any
) -> None:
    """Payloads are recorded up to a size, then their digest, and neither would show a secret."""
    supervisor = supervise(run_payload_bytes=64)
    supervisor.tesseract = replace(FACTS, secrets={"apply": secrets})
    supervisor.begin(replace(CALL, body=body))
    found = {name: fact for name, fact in logged.facts.items() if name.startswith("payload")}
    assert found == {"payload_format": "json", **expected}


def test_refused_call_leaves_no_record(supervise: Supervise, run: Run) -> None:
    """A call with an invalid payload has not begun."""
    supervisor = supervise()
    supervisor.begin(CALL)
    assert run.log_folder.is_dir()
    supervisor.finished(CALL, reply_of("invalid_payload"))
    assert not run.folder.exists()


def test_earlier_run_of_a_refused_id_stays(supervise: Supervise, log: RunLog, run: Run) -> None:
    """A call whose id is taken does not touch the record of the run that has it."""
    log.begin()
    supervise().finished(CALL, reply_of("run_active"))
    assert run.log_folder.is_dir()


def test_oldest_bare_runs_go(
    supervise: Supervise, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of runs without files a number is kept, and of runs with files all."""
    monkeypatch.setattr(bare_runs, "_MOST", 2)
    supervisor = supervise()
    for number, name in enumerate(("with-files", "a", "b", "c")):
        supervisor.begin(replace(CALL, run_id=name))
        os.utime(tmp_path / f"run_{name}" / "logs" / "run.json", (number, number))
        (tmp_path / "run_with-files" / "mesh").touch()
    assert {path.name for path in tmp_path.glob("run_*")} == {"run_with-files", "run_b", "run_c"}


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


@pytest.mark.parametrize("caught", [False, True])
def test_strict_fails_the_call_for_missing_files(
    logging_runtime: Logging, tmp_path: Path, caught: bool
) -> None:
    """Even user code that catches the error does not make the run a logged one."""
    source = LOGS
    if caught:
        source = source.replace(
            'log_parameter("size", 3)',
            'try:\n        log_parameter("size", 3)\n    except Exception:\n        pass',
        )
    here = logging_runtime(source, log_to_strict=True, output_path=str(tmp_path / "file"))
    (tmp_path / "file").touch()
    reply = invoked(*here, replace(call_of(), new_run=True))
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
    here = logging_runtime(LOGS, near.declared(name="near"), far.declared(name="far"))
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


def test_interrupted_run_is_killed(logging_runtime: Logging, logged: StoredRun) -> None:
    """Ctrl-C does not make a run a failure of the Tesseract."""
    sink = Sink()
    source = LOGS.replace('raise ValueError("no convergence")', "raise KeyboardInterrupt")
    runtime, supervisor = logging_runtime(source, sink.declared())
    with pytest.raises(KeyboardInterrupt):
        runtime.invoke(call_of(inputs={"fails": True}))
    supervisor.interrupted(CALL)
    supervisor.close(SECONDS)
    assert (sink.calls[-1], logged.status) == (RunStatus.KILLED, "KILLED")


def test_batches_keep_the_order_of_each_run(supervise: Supervise, log: RunLog) -> None:
    """Thousands of records arrive in order, and in fewer pieces than there are."""
    batches: list[int] = []

    class Counting(Sink):
        def write(self, records: Sequence[Record]) -> None:
            batches.append(len(records))
            super().write(records)

    sink = Counting()
    supervisor = supervise(sink.declared())
    for number in range(2500):
        log.parameter(str(number), number)
    supervisor.finished(CALL, reply_of(has_files=True))
    supervisor.close(SECONDS)
    assert sink.records == [Parameter(key=str(number), value=number) for number in range(2500)]
    assert batches == [1000, 1000, 500]


def test_server_is_not_held_up(supervise: Supervise, log: RunLog) -> None:
    """`ended` gives the same answer as `finished`, in an event loop."""
    supervisor = supervise(Sink(fails="write").declared(), log_to_strict=True)
    log.parameter("size", 3)
    reply = asyncio.run(supervisor.ended(CALL, reply_of(has_files=True)))
    supervisor.close(SECONDS)
    assert reply.fault is not None
    assert reply.fault.kind is FaultKind.RUN_NOT_LOGGED


def test_caller_who_gives_up_does_not_end_a_sink(
    supervise: Supervise, log: RunLog, run: Run
) -> None:
    """The next run is sent and judged, although the caller of the previous one has gone."""
    written = threading.Event()
    after = replace(CALL, run_id="fit-8")

    class Slow(Sink):
        def write(self, records: Sequence[Record]) -> None:
            super().write(records)
            written.wait(SECONDS)

    async def give_up(supervisor: RunSupervisor) -> Reply:
        log.parameter("size", 3)
        waiting = asyncio.create_task(supervisor.ended(CALL, reply_of(has_files=True)))
        while not sink.records:
            await asyncio.sleep(0.01)
        waiting.cancel()
        await asyncio.wait([waiting])
        written.set()
        RunLog(supervisor.run(after)).parameter("size", 4)
        async with asyncio.timeout(SECONDS):
            return await supervisor.ended(after, reply_of(has_files=True))

    sink = Slow()
    supervisor = supervise(sink.declared(), log_to_strict=True)
    assert asyncio.run(give_up(supervisor)).fault is None
    supervisor.close(SECONDS)
    assert sink.records == [Parameter(key="size", value=3), Parameter(key="size", value=4)]
